/* A set from text and back. */
#include <stdio.h>
#include <sys/capability.h>

int main(void)
{
	cap_t set = cap_from_text("cap_net_bind_service+pe");

	return !set || puts(cap_to_text(set, NULL)) < 0;
}
