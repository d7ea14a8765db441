/* Prints the names of elements as they come. */
#include <expat.h>
#include <stdio.h>

static void start(void *unused, const char *name, const char **attributes)
{
	(void)unused, (void)attributes;
	printf("%s ", name);
}

int main(void)
{
	char text[4096];
	int length = fread(text, 1, sizeof text, stdin);
	XML_Parser parser = XML_ParserCreate(NULL);

	XML_SetStartElementHandler(parser, start);
	return XML_Parse(parser, text, length, 1) != XML_STATUS_OK;
}
