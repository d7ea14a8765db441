/* The library's version, and that a mount without options parses. */
#define FUSE_USE_VERSION 31
#include <fuse_lowlevel.h>
#include <stdio.h>

int main(void)
{
	char *words[] = { "test", "/", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(2, words);
	struct fuse_cmdline_opts options;
	if (fuse_parse_cmdline(&args, &options) != 0 || !options.mountpoint)
		return 1;
	puts(fuse_pkgversion());
	return 0;
}
