/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <string.h>

#include "log.h"
#include "maps.h"
#include "modules.h"
#include "trace.h"
#include "vm.h"

#include "poison.h"

#define FRAME_OFFSET_MASK ((1ull << TRACE_FRAME_OFFSET_BITS) - 1)
/* Added to any offset of 48 bits this is no address of user space. */
#define BASE_OF_DEAD (1ull << 63)

struct module {
	uint64_t base, start, end;
	bool alive;
	bool seen; /* in the loader's list, when it was last walked */
	uint8_t build_id[32];
	uint32_t build_id_bytes;
};

uint64_t *modules_base;
static struct module *modules; /* by id, from 1 */
static uint32_t count;         /* the highest id */
static uint32_t latest;        /* the id found last: frames come in runs */
static unsigned long long unloads_seen;

bool modules_init(void)
{
	modules = vm_reserve(MODULES_MAX * sizeof(*modules));
	modules_base = vm_reserve(MODULES_MAX * sizeof(*modules_base));
	return modules && modules_base;
}

static void extent(const struct dl_phdr_info *info, struct module *m)
{
	m->base = info->dlpi_addr;
	m->start = UINT64_MAX;
	m->end = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		if (m->base + p->p_vaddr < m->start)
			m->start = m->base + p->p_vaddr;
		if (m->base + p->p_vaddr + p->p_memsz > m->end)
			m->end = m->base + p->p_vaddr + p->p_memsz;
	}
}

static bool copy_build_id(const char *note, const char *end, struct module *m)
{
	while (note + sizeof(ElfW(Nhdr)) <= end) {
		const ElfW(Nhdr) *n = (const ElfW(Nhdr) *)note;
		const char *name = note + sizeof(*n);
		const char *text = name + ((n->n_namesz + 3u) & ~3u);

		note = text + ((n->n_descsz + 3u) & ~3u);
		if (note > end)
			return false;
		if (n->n_type != NT_GNU_BUILD_ID || n->n_namesz != 4 || memcmp(name, "GNU", 4) != 0)
			continue;
		m->build_id_bytes =
			n->n_descsz < sizeof(m->build_id) ? n->n_descsz : sizeof(m->build_id);
		memcpy(m->build_id, text, m->build_id_bytes);
		return true;
	}
	return false;
}

static void find_build_id(const struct dl_phdr_info *info, struct module *m)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const char *note = (const char *)(info->dlpi_addr + p->p_vaddr);

		if (p->p_type == PT_NOTE && copy_build_id(note, note + p->p_memsz, m))
			return;
	}
}

static void define(uint32_t id, const char *path, size_t path_bytes)
{
	const struct module *m = &modules[id];
	struct trace_module *record;

	if (path_bytes > TRACE_TEXT_MAX)
		path_bytes = TRACE_TEXT_MAX;
	record = log_begin(TRACE_RECORD_MODULE, sizeof(*record) + path_bytes);
	if (!record) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	record->id = id;
	record->kind = TRACE_MODULE_ELF;
	record->base = m->base;
	record->start = m->start;
	record->end = m->end;
	record->build_id_bytes = m->build_id_bytes;
	memcpy(record->build_id, m->build_id, sizeof(m->build_id));
	record->path_bytes = (uint32_t)path_bytes;
	memcpy(record->path, path, path_bytes);
	log_commit(record);
}

/* The loader names a module as the host did, the executable not at all; the kernel knows better. */
static void define_by_name(uint32_t id, const char *name)
{
	char path[TRACE_TEXT_MAX];
	size_t bytes = name[0] == '/' ? 0 : maps_path(modules[id].start, path, sizeof(path));

	if (bytes)
		define(id, path, bytes);
	else
		define(id, name, strlen(name));
}

static uint32_t find_alike(const struct module *m)
{
	for (uint32_t id = 1; id <= count; id++)
		if (modules[id].alive && modules[id].start == m->start &&
		    modules[id].end == m->end && modules[id].build_id_bytes == m->build_id_bytes &&
		    memcmp(modules[id].build_id, m->build_id, sizeof(m->build_id)) == 0)
			return id;
	return 0;
}

static int note_one(struct dl_phdr_info *info, size_t size, void *unused)
{
	struct module m = { .alive = true, .seen = true };
	uint32_t id;

	(void)size, (void)unused;
	unloads_seen = info->dlpi_subs;
	extent(info, &m);
	find_build_id(info, &m);
	id = find_alike(&m);
	if (id) {
		modules[id].seen = true;
		return 0;
	}
	if (m.end == 0 || count + 1 == MODULES_MAX)
		return 0;
	modules[count + 1] = m;
	modules_base[count + 1] = m.base;
	define_by_name(count + 1, info->dlpi_name ? info->dlpi_name : "");
	count++;
	return 0;
}

/* Walks the loader's list: what is new gets an id, what is no longer there dies. */
static void refresh(void)
{
	for (uint32_t id = 1; id <= count; id++)
		modules[id].seen = false;
	dl_iterate_phdr(note_one, NULL);
	for (uint32_t id = 1; id <= count; id++) {
		if (!modules[id].alive || modules[id].seen)
			continue;
		modules[id].alive = false;
		modules_base[id] = BASE_OF_DEAD;
		log_text(TRACE_RECORD_MODULE_GONE, id, "", 0);
	}
}

static int read_unloads(struct dl_phdr_info *info, size_t size, void *unloads)
{
	(void)size;
	*(unsigned long long *)unloads = info->dlpi_subs;
	return 1;
}

void modules_unloaded(void)
{
	unsigned long long unloads = unloads_seen;

	dl_iterate_phdr(read_unloads, &unloads);
	if (unloads != unloads_seen)
		refresh();
}

uint32_t modules_count(void)
{
	return count;
}

static bool holds(uint32_t id, uint64_t address)
{
	return modules[id].alive && address >= modules[id].start && address < modules[id].end;
}

static uint32_t find(uint64_t address)
{
	if (latest && holds(latest, address))
		return latest;
	for (uint32_t id = count; id > 0; id--)
		if (holds(id, address))
			return latest = id;
	return 0;
}

uint32_t modules_id(uint64_t address)
{
	uint32_t id = find(address);

	if (id)
		return id;
	refresh();
	return find(address);
}

uint64_t modules_frame(uint64_t pc)
{
	/* The call lies before the return address, which may be the next module's first byte. */
	uint32_t id = modules_id(pc - 1);

	return id * (FRAME_OFFSET_MASK + 1) + ((pc - modules_base[id]) & FRAME_OFFSET_MASK);
}
