/* cc: the seed's gcc, aimed at the musl keg by a specs file.
 *
 * A program and not a shell script: it runs once for every file that anything compiles, and costs 0.3 ms where dash
 * costs 1 ms. Its name does not matter (cc, gcc, x86_64-linux-musl-gcc), LINKAGE=shared chooses the specs for programs that are linked
 * dynamically. It adds one argument and takes none away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *linkage = getenv("LINKAGE");
	int shared = linkage && !strcmp(linkage, "shared");
	char **args = malloc((argc + 2) * sizeof *args);
	if (!args)
		return perror("cc"), 127;
	args[0] = "/usr/bin/gcc"; /* with its path: gcc finds cc1 beside the name it was called by */
	args[1] = shared ? "-specs=" KEG "/lib/shared.specs" : "-specs=" KEG "/lib/static.specs";
	memcpy(args + 2, argv + 1, argc * sizeof *args); /* with the closing null */
	execv("/usr/bin/gcc", args);
	return perror("/usr/bin/gcc"), 127;
}
