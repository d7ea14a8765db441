/* Writes the question for `example.org` as it goes over the wire, without its random number. */
#include <ares.h>
#include <ctype.h>
#include <stdio.h>

int main(void)
{
	unsigned char *query;
	int length, at;

	if (ares_library_init(ARES_LIB_INIT_ALL) || ares_create_query("example.org", 1, 1, 7, 1, &query, &length, 0))
		return 1;
	for (at = 2; at < length; at++)
		if (isalpha(query[at]))
			printf(isalpha(query[at + 1]) ? "%c" : "%c ", query[at]);
		else
			printf("%02x ", query[at]);
	return 0;
}
