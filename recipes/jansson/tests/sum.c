/* The sum of a list. */
#include <jansson.h>
#include <stdio.h>

int main(void)
{
	json_t *list = json_loadf(stdin, 0, NULL), *value;
	size_t at;
	json_int_t sum = 0;

	json_array_foreach(list, at, value)
		sum += json_integer_value(value);
	printf("%" JSON_INTEGER_FORMAT "\n", sum);
	return 0;
}
