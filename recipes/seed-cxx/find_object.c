/* What the seed's libgcc asks of glibc to find the table that unwinds a place in the program: the same from musl, which
 * tells each loaded object's segments. The structure is glibc's <bits/dl_find_object.h> (x86-64, aarch64). */
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>

struct dl_find_object {
	unsigned long long flags;
	void *map_start, *map_end;
	struct link_map *link_map;
	void *eh_frame;
	unsigned long long reserved[7];
};

struct search {
	ElfW(Addr) place;
	struct dl_find_object *found;
};

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	const ElfW(Phdr) *table = NULL, *code = NULL;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		ElfW(Addr) start = info->dlpi_addr + part->p_vaddr;
		if (part->p_type == PT_GNU_EH_FRAME)
			table = part;
		if (part->p_type == PT_LOAD && search->place >= start && search->place < start + part->p_memsz)
			code = part;
	}
	if (!table || !code)
		return 0;
	struct dl_find_object *found = search->found;
	found->flags = 0;
	found->map_start = (void *)(info->dlpi_addr + code->p_vaddr);
	found->map_end = (char *)found->map_start + code->p_memsz;
	found->link_map = NULL;
	found->eh_frame = (void *)(info->dlpi_addr + table->p_vaddr);
	return 1;
}

int _dl_find_object(void *place, struct dl_find_object *found)
{
	struct search search = { (ElfW(Addr))place, found };
	return dl_iterate_phdr(look, &search) ? 0 : -1;
}
