#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>

int main(void)
{
	static char buffer[20480];
	size_t used = 0;
	struct archive *out = archive_write_new();
	archive_write_set_format_ustar(out);
	archive_write_open_memory(out, buffer, sizeof buffer, &used);
	struct archive_entry *entry = archive_entry_new();
	archive_entry_set_pathname(entry, "hello");
	archive_entry_set_size(entry, 5);
	archive_entry_set_mode(entry, AE_IFREG | 0640);
	archive_write_header(out, entry);
	archive_write_data(out, "hello", 5);
	archive_write_close(out);
	struct archive *in = archive_read_new();
	archive_read_support_format_tar(in);
	archive_read_open_memory(in, buffer, used);
	archive_read_next_header(in, &entry);
	printf("%s %04o, %d bytes\n", archive_entry_pathname(entry), (unsigned)archive_entry_perm(entry), (int)archive_entry_size(entry));
	return 0;
}
