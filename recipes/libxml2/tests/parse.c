/* Counts the children of the root. */
#include <libxml/parser.h>
#include <stdio.h>

int main(void)
{
	xmlDocPtr document = xmlReadFd(0, NULL, NULL, 0);
	xmlNodePtr root = xmlDocGetRootElement(document);

	if (!root)
		return 1;
	printf("%s has %lu\n", root->name, xmlChildElementCount(root));
	return 0;
}
