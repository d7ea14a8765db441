/* A command as the server wants it. */
#include <hiredis/hiredis.h>
#include <stdio.h>

int main(void)
{
	char *text;
	int length = redisFormatCommand(&text, "SET %s %s", "a", "b");
	printf("%d %.2s", length, text);
	return 0;
}
