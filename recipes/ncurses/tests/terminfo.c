/* Asks the keg's own database what the Linux console can do. */
#include <curses.h>
#include <stdio.h>
#include <term.h>

int main(void)
{
	int error;

	if (setupterm("linux", 1, &error) != OK)
		return 1;
	printf("linux has %d colours\n", tigetnum("colors"));
	return 0;
}
