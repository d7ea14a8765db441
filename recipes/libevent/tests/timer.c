/* A socket that becomes readable, then a timer. */
#include <event2/event.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void seen(evutil_socket_t socket, short what, void *word)
{
	(void)socket, (void)what;
	fputs(word, stdout);
}

int main(void)
{
	int pair[2];
	struct event_base *base = event_base_new();
	struct timeval later = { 0, 50000 };

	if (!base || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || write(pair[1], "x", 1) != 1)
		return 1;
	event_add(event_new(base, pair[0], EV_READ, seen, "socket, "), NULL);
	event_add(event_new(base, -1, 0, seen, "timer "), &later);
	event_base_dispatch(base);
	printf("by %s\n", event_base_get_method(base));
	return 0;
}
