/* Prints the element [1][1] of the JSON on standard input. (Braces in a recipe are words, so its text has none.) */
#include <json.h>
#include <stdio.h>

int main(void)
{
	char text[4096] = { 0 };
	struct json_object *root;
	fread(text, 1, sizeof text - 1, stdin);
	if (!(root = json_tokener_parse(text)) || !json_object_is_type(root, json_type_array))
		return 1;
	puts(json_object_get_string(json_object_array_get_idx(json_object_array_get_idx(root, 1), 1)));
	return json_object_put(root) == 1 ? 0 : 2;
}
