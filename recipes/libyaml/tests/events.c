/* Counts the scalars. */
#include <stdio.h>
#include <yaml.h>

int main(void)
{
	yaml_parser_t parser;
	yaml_event_t event;
	int scalars = 0;

	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, stdin);
	do {
		if (!yaml_parser_parse(&parser, &event))
			return 1;
		scalars += event.type == YAML_SCALAR_EVENT;
	} while (event.type != YAML_STREAM_END_EVENT);
	printf("%d scalars\n", scalars);
	return 0;
}
