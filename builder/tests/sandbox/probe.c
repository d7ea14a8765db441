// Tries one door after the other, from within, and says what it heard. Raw system calls: libc must not help.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

static void say(const char *name, long result) {
    printf("%s: %s\n", name, result < 0 ? strerrorname_np(errno) : "open");
    fflush(stdout);
}
#define TRY(name, ...) say(name, syscall(__VA_ARGS__))

static void closed(void) {
    char zero[256] = {0};
    TRY("clone3", SYS_clone3, zero, 64);
    TRY("openat2", SYS_openat2, AT_FDCWD, "x", zero, 24);
    TRY("io_uring_setup", SYS_io_uring_setup, 1, zero);
    TRY("io_uring_enter", SYS_io_uring_enter, 0, 0, 0, 0, 0, 0);
    TRY("io_uring_register", SYS_io_uring_register, 0, 0, 0, 0);
    TRY("userfaultfd", SYS_userfaultfd, 1);
    TRY("perf_event_open", SYS_perf_event_open, zero, 0, -1, -1, 0);
    TRY("bpf", SYS_bpf, 0, zero, sizeof zero);
    TRY("keyctl", SYS_keyctl, 0, -3, 0);
    TRY("add_key", SYS_add_key, "user", "k", "v", 1, -3);
    TRY("request_key", SYS_request_key, "user", "k", 0, -3);
    TRY("unshare user", SYS_unshare, CLONE_NEWUSER);
    TRY("clone user", SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    TRY("clone mount", SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
    TRY("setns", SYS_setns, 0, 0);
    TRY("mount", SYS_mount, "none", "/tmp", "tmpfs", 0, 0);
    TRY("umount2", SYS_umount2, "/tmp", 2);
    TRY("pivot_root", SYS_pivot_root, "/", "/");
    TRY("chroot", SYS_chroot, "/");
    TRY("fsopen", 430, "tmpfs", 0);
    TRY("fsmount", 432, 0, 0, 0);
    TRY("open_tree", 428, AT_FDCWD, "/", 1);
    TRY("move_mount", 429, 0, "", 0, "", 0);
    TRY("mount_setattr", 442, 0, "", 0, zero, 32);
    TRY("open_by_handle_at", SYS_open_by_handle_at, 0, zero, 0);
    TRY("reboot", SYS_reboot, 0, 0, 0, 0);
    TRY("init_module", SYS_init_module, zero, 0, "");
    TRY("clock_settime", SYS_clock_settime, 0, zero);
    TRY("syslog", SYS_syslog, 3, zero, sizeof zero);
    close(open("f", O_CREAT | O_WRONLY, 0644));
    TRY("chmod 644", SYS_chmod, "f", 0644);
    TRY("chmod 4755", SYS_chmod, "f", 04755);
    TRY("chmod 2755", SYS_chmod, "f", 02755);
    TRY("fchmodat 4755", SYS_fchmodat, AT_FDCWD, "f", 04755);
    TRY("fchmodat2 4755", 452, AT_FDCWD, "f", 04755, 0);
    int file = open("f", O_RDWR);
    TRY("fchmod 4755", SYS_fchmod, file, 04755);
    TRY("open create 4755", SYS_open, "g", O_CREAT | O_WRONLY, 04755);
    TRY("open read, mode ignored", SYS_open, "f", O_RDONLY, 04755);
    TRY("openat create 2755", SYS_openat, AT_FDCWD, "g", O_CREAT | O_WRONLY, 02755);
    TRY("openat tmpfile 4755", SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_WRONLY, 04755);
    TRY("creat 4755", SYS_creat, "g", 04755);
    TRY("setxattr", SYS_setxattr, "f", "user.a", "b", 1, 0);
    TRY("lsetxattr", SYS_lsetxattr, "f", "user.a", "b", 1, 0);
    TRY("fsetxattr", SYS_fsetxattr, file, "user.a", "b", 1, 0);
    TRY("setxattrat", 463, AT_FDCWD, "f", 0, "user.a", zero, 16);
    TRY("mknod char", SYS_mknod, "d", S_IFCHR | 0600, 0x103);
    TRY("mknod whiteout", SYS_mknod, "d", S_IFCHR, 0);
    TRY("mknodat block", SYS_mknodat, AT_FDCWD, "d", S_IFBLK | 0600, 0x800);
    TRY("mknod setuid file", SYS_mknod, "d", S_IFREG | 04755, 0);
    TRY("mknod fifo", SYS_mknod, "p", S_IFIFO | 0600, 0);
    TRY("ioctl TIOCSTI", SYS_ioctl, 0, 0x5412, "x");
    TRY("ioctl TIOCSTI, high bits", SYS_ioctl, 0, 0x100005412, "x");
    TRY("ioctl TIOCLINUX", SYS_ioctl, 0, 0x541C, "x");
    TRY("socket unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0);
    TRY("socket inet", SYS_socket, AF_INET, SOCK_STREAM, 0);
    TRY("socket raw", SYS_socket, AF_INET, SOCK_RAW, 1);
    TRY("socket packet", SYS_socket, AF_PACKET, SOCK_RAW, 0);
    TRY("socket vsock", SYS_socket, 40, SOCK_STREAM, 0);
    TRY("socket alg", SYS_socket, 38, SOCK_SEQPACKET, 0);
    TRY("setuid 0", SYS_setuid, 0);
    TRY("setgid 0", SYS_setgid, 0);
    TRY("chown 0", SYS_chown, "f", 0, 0);
    TRY("ptrace pid 1", SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
    TRY("kill pid 1 (heard, ignored)", SYS_kill, 1, SIGKILL);
    TRY("sethostname", SYS_sethostname, "x", 1);
    TRY("nice -1", SYS_setpriority, PRIO_PROCESS, 0, -1);
    TRY("iopl", SYS_iopl, 3);
    TRY("x32 getpid", 0x40000000 | SYS_getpid);
    TRY("chmod /dev/null", SYS_chmod, "/dev/null", 0600);
    TRY("write /probe", SYS_open, "/probe", O_WRONLY);
    TRY("create in /", SYS_open, "/x", O_CREAT | O_WRONLY, 0644);
    TRY("create in /dev", SYS_open, "/dev/x", O_CREAT | O_WRONLY, 0644);
    TRY("create in /etc", SYS_open, "/etc/x", O_CREAT | O_WRONLY, 0644);
    TRY("own oom_score_adj", SYS_open, "/proc/self/oom_score_adj", O_WRONLY);
    int pattern = open("/proc/sys/kernel/core_pattern", O_WRONLY); // EROFS for root, EACCES for others
    printf("core_pattern: %s\n", pattern < 0 ? "closed" : "open");
    TRY("memory of pid 1", SYS_open, "/proc/1/mem", O_RDONLY);
    TRY("files of pid 1", SYS_open, "/proc/1/root/etc", O_RDONLY);
}

static void state(void) {
    printf("pid %d ppid %d sid is %s\n", getpid(), getppid(), getsid(0) == getpid() ? "own" : "another's");
    printf("uid %d %d gid %d %d\n", getuid(), geteuid(), getgid(), getegid());
    printf("no_new_privs %d dumpable %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE));
    printf("umask %03o personality %#x\n", umask(0), personality(0xffffffff));
    int bounding = 0;
    for (int cap = 0; cap < 41; cap++) bounding += prctl(PR_CAPBSET_READ, cap) == 1;
    printf("bounding capabilities %d\n", bounding);
    for (int sig = 1; sig < 65; sig++) {
        struct sigaction old;
        if (sigaction(sig, 0, &old) == 0 && old.sa_handler != SIG_DFL) printf("signal %d is not default\n", sig);
    }
    sigset_t set;
    sigprocmask(SIG_BLOCK, 0, &set);
    for (int sig = 1; sig < 65; sig++) if (sigismember(&set, sig) == 1) printf("signal %d is blocked\n", sig);
    static const struct { const char *name; int which; } limits[] = {
        {"core", RLIMIT_CORE}, {"files", RLIMIT_NOFILE}, {"stack", RLIMIT_STACK}, {"memlock", RLIMIT_MEMLOCK}};
    for (int i = 0; i < 4; i++) {
        struct rlimit limit;
        getrlimit(limits[i].which, &limit);
        printf("limit %s %lu %lu\n", limits[i].name, limit.rlim_cur, limit.rlim_max);
    }
    for (int fd = 0; fd < 4096; fd++) if (fcntl(fd, F_GETFD) >= 0) printf("fd %d\n", fd);
    printf("tty %s\n", open("/dev/tty", O_RDWR) < 0 ? strerrorname_np(errno) : "open");
}

static void network(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7777), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int server = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    say("bind loopback", bind(server, (void *)&at, sizeof at));
    say("listen", listen(server, 1));
    say("connect loopback", connect(client, (void *)&at, sizeof at));
    int outer = socket(AF_INET, SOCK_DGRAM, 0);
    at.sin_addr.s_addr = htonl(0x08080808);
    say("connect outside", connect(outer, (void *)&at, sizeof at));
}

static void eat(void) {
    for (;;) {
        char *bytes = malloc(1 << 20);
        if (!bytes) exit(1);
        memset(bytes, 1, 1 << 20);
    }
}

static void bomb(void) {
    for (;;) fork();
}

static void foreign(void) { // the i386 way in, where fork is number 2 and open 5
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    printf("i386 getpid: %ld\n", result);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "closed")) closed();
    if (!strcmp(what, "state")) state();
    if (!strcmp(what, "network")) network();
    if (!strcmp(what, "eat")) eat();
    if (!strcmp(what, "bomb")) bomb();
    if (!strcmp(what, "foreign")) foreign();
    if (!strcmp(what, "crash")) raise(SIGSEGV);
    if (!strcmp(what, "where")) printf("%p %p\n", (void *)&argc, malloc(1 << 20));
    return 0;
}
