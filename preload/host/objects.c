/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/reentry.h"
#include "preload/host/objects.h"

#include "preload/base/poison.h"

/* Program headers that lie behind the ELF header, in the first page, are where it says. */
enum { FIRST_PAGE = 4096 };

enum beginning { BEGINNING_UNKNOWN, BEGINNING_IS_ADDRESS, BEGINNING_IS_NONE };

static enum beginning beginning; /* of what visitors are handed */

static uint64_t beginning_of(const void *data)
{
	return *(const uint64_t *)data;
}

static bool holds(const struct dl_phdr_info *info, uint64_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && address - info->dlpi_addr - p->p_vaddr < p->p_memsz)
			return true;
	}
	return false;
}

struct confirmation {
	objects_visitor *visit;
	void *data;
};

static int visit_and_confirm(struct dl_phdr_info *info, size_t size, void *confirmation)
{
	const struct confirmation *c = confirmation;
	uint64_t address = beginning_of(c->data);
	int result = c->visit(info, size, c->data);

	if (result > 0)
		__atomic_store_n(&beginning,
				 holds(info, address) ? BEGINNING_IS_ADDRESS : BEGINNING_IS_NONE,
				 __ATOMIC_RELAXED);
	return result;
}

static bool describe(const struct dl_find_object *object, struct dl_phdr_info *info)
{
	const ElfW(Ehdr) *header = object->dlfo_map_start;

	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phoff + header->e_phnum * sizeof(ElfW(Phdr)) > FIRST_PAGE)
		return false;
	*info = (struct dl_phdr_info){
		.dlpi_addr = object->dlfo_link_map->l_addr,
		.dlpi_name = object->dlfo_link_map->l_name,
		.dlpi_phdr = (const ElfW(Phdr) *)((const char *)header + header->e_phoff),
		.dlpi_phnum = header->e_phnum,
	};
	return true;
}

int objects_visit(objects_visitor *visit, void *data)
{
	enum beginning now = __atomic_load_n(&beginning, __ATOMIC_RELAXED);
	struct confirmation confirmation = { visit, data };
	struct dl_find_object object;
	struct dl_phdr_info info;

	if (unlikely(now == BEGINNING_UNKNOWN))
		return dl_iterate_phdr(visit_and_confirm, &confirmation);
	if (unlikely(now == BEGINNING_IS_NONE))
		return dl_iterate_phdr(visit, data);
	if (_dl_find_object((void *)(uintptr_t)beginning_of(data), &object) != 0)
		return 0;
	if (unlikely(!describe(&object, &info)))
		return dl_iterate_phdr(visit, data);
	return visit(&info, offsetof(struct dl_phdr_info, dlpi_adds), data);
}

/* Did the loader make it read-only when it had found what belongs there? */
static bool is_sealed(const struct link_map *map, uint64_t offset)
{
	struct dl_find_object object;
	struct dl_phdr_info info;

	if (_dl_find_object(map->l_ld, &object) != 0 || !describe(&object, &info))
		return false;
	for (int i = 0; i < info.dlpi_phnum; i++)
		if (info.dlpi_phdr[i].p_type == PT_GNU_RELRO &&
		    offset - info.dlpi_phdr[i].p_vaddr < info.dlpi_phdr[i].p_memsz)
			return true;
	return false;
}

/* Where the library keeps the address of the function. */
static void set_slot(const struct link_map *map, uint64_t offset)
{
	uint64_t *slot = (uint64_t *)(uintptr_t)(map->l_addr + offset);
	void *page = (void *)((uintptr_t)slot & -(uintptr_t)sysconf(_SC_PAGESIZE));
	bool sealed = is_sealed(map, offset);

	if (sealed && mprotect(page, sizeof(*slot), PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n(slot, (uint64_t)(uintptr_t)objects_visit, __ATOMIC_RELAXED);
	if (sealed)
		mprotect(page, sizeof(*slot), PROT_READ);
}

static const ElfW(Dyn) * find_entry(const struct link_map *map, ElfW(Sxword) tag)
{
	for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return d;
	return NULL;
}

static void redirect_in(const struct link_map *map, ElfW(Sxword) table, ElfW(Sxword) bytes)
{
	const ElfW(Dyn) *at = find_entry(map, table), *size = find_entry(map, bytes);
	const ElfW(Dyn) *symbols = find_entry(map, DT_SYMTAB);
	const ElfW(Dyn) *strings = find_entry(map, DT_STRTAB);
	const ElfW(Rela) * r;

	if (!at || !size || !symbols || !strings)
		return;
	r = (const ElfW(Rela) *)at->d_un.d_ptr;
	for (size_t i = 0; i < size->d_un.d_val / sizeof(*r); i++, r++) {
		const ElfW(Sym) *symbol =
			(const ElfW(Sym) *)symbols->d_un.d_ptr + ELF64_R_SYM(r->r_info);
		const char *name = (const char *)strings->d_un.d_ptr + symbol->st_name;

		if ((ELF64_R_TYPE(r->r_info) == R_X86_64_JUMP_SLOT ||
		     ELF64_R_TYPE(r->r_info) == R_X86_64_GLOB_DAT) &&
		    strcmp(name, "dl_iterate_phdr") == 0)
			set_slot(map, r->r_offset);
	}
}

void objects_redirect(void *library)
{
	struct link_map *map;

	if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0)
		return;
	redirect_in(map, DT_JMPREL, DT_PLTRELSZ);
	redirect_in(map, DT_RELA, DT_RELASZ);
}
