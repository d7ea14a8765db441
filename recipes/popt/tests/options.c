/* One option and what is left. */
#include <popt.h>
#include <stdio.h>

int main(void)
{
	const char *words[] = { "program", "--level=7", "file" };
	int level = 0;
	struct poptOption options[] = { { "level", 'l', POPT_ARG_INT, &level, 0, NULL, NULL }, POPT_TABLEEND };
	poptContext context = poptGetContext(NULL, 3, words, options, 0);

	if (poptGetNextOpt(context) != -1)
		return 1;
	printf("level %d, rest %s\n", level, poptGetArg(context));
	return 0;
}
