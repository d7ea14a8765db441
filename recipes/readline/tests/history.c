/* Expands `!!` from the history: no terminal needed. */
#include <stdio.h>
#include <readline/readline.h>
#include <readline/history.h>

int main(void)
{
	char *line;

	using_history();
	add_history("echo one");
	add_history("echo two");
	if (history_expand("!!", &line) != 1)
		return 1;
	printf("%d: %s\n", history_length, line);
	return 0;
}
