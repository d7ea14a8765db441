/* A filter that refuses one system call: the kernel has to obey. */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EDOM), SCMP_SYS(getppid), 0) || seccomp_load(filter))
		return 1;
	printf("denied: %d\n", syscall(SYS_getppid) == -1 && errno == EDOM);
	return 0;
}
