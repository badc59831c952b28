/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <string.h>

#include "preload/base/vm.h"
#include "preload/capture/modules.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"
#include "preload/host/image.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

#define FRAME_OFFSET_MASK ((1ull << TRACE_FRAME_OFFSET_BITS) - 1)
/* Added to any offset of 48 bits this is no address of user space. */
#define BASE_OF_DEAD (1ull << 63)

struct module {
	uint64_t base, start, end;
	const struct link_map *map; /* the loader's, while it is alive */
	bool alive;
	const void *build_id_at; /* where it lies in memory; NULL: it has none */
	uint8_t build_id[32];
	uint32_t build_id_bytes;
};

uint64_t *modules_base;
static struct module *modules; /* by id, from 1 */
static uint32_t count;         /* the highest id */
static uint32_t latest;        /* the id found last: frames come in runs */

bool modules_init(void)
{
	modules = vm_reserve(MODULES_MAX * sizeof(*modules));
	modules_base = vm_reserve(MODULES_MAX * sizeof(*modules_base));
	return modules && modules_base;
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
		m->build_id_at = text;
		m->build_id_bytes =
			n->n_descsz < sizeof(m->build_id) ? n->n_descsz : sizeof(m->build_id);
		memcpy(m->build_id, text, m->build_id_bytes);
		return true;
	}
	return false;
}

/* Of a module in whatever namespace: the loader lists those of the caller's own only. */
static void find_build_id(struct module *m)
{
	size_t readable = maps_readable((const void *)m->start, m->end - m->start), headers = 0;
	const ElfW(Phdr) *p = image_headers(m->start, readable, &headers);

	for (size_t i = 0; i < headers; i++) {
		uint64_t note = m->base + p[i].p_vaddr;

		if (p[i].p_type != PT_NOTE || note < m->start || note - m->start > readable ||
		    p[i].p_memsz > readable - (note - m->start))
			continue;
		if (copy_build_id((const char *)note, (const char *)note + p[i].p_memsz, m))
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
	static char path[TRACE_TEXT_MAX]; /* under the cold lock, and stacks may be small */
	size_t bytes = name[0] == '/' ? 0 : maps_path(modules[id].start, path, sizeof(path));

	if (bytes)
		define(id, path, bytes);
	else
		define(id, name, strlen(name));
}

/* What holds an address now. False: no module. Takes no lock, and knows all namespaces. */
static bool look_up(uint64_t address, struct module *m)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)(uintptr_t)address, &found) != 0)
		return false;
	*m = (struct module){ .alive = true,
			      .map = found.dlfo_link_map,
			      .base = found.dlfo_link_map->l_addr,
			      .start = (uint64_t)(uintptr_t)found.dlfo_map_start,
			      .end = (uint64_t)(uintptr_t)found.dlfo_map_end };
	return true;
}

static bool is_same(const struct module *a, const struct module *b)
{
	return a->map == b->map && a->base == b->base && a->start == b->start && a->end == b->end;
}

static bool is_unchanged(const struct module *m)
{
	return !m->build_id_at || (maps_can_read(m->build_id_at, m->build_id_bytes) &&
				   memcmp(m->build_id_at, m->build_id, m->build_id_bytes) == 0);
}

static void note_gone(uint32_t id)
{
	modules[id].alive = false;
	modules_base[id] = BASE_OF_DEAD;
	log_text(TRACE_RECORD_MODULE_GONE, id, "", 0);
}

/* There is something else where they lay. */
static void note_replaced(const struct module *m)
{
	for (uint32_t id = 1; id <= count; id++)
		if (modules[id].alive && modules[id].start < m->end && m->start < modules[id].end)
			note_gone(id);
}

static uint32_t add(struct module *m)
{
	note_replaced(m);
	if (count + 1 == MODULES_MAX)
		return 0;
	find_build_id(m);
	modules[count + 1] = *m;
	modules_base[count + 1] = m->base;
	define_by_name(count + 1, m->map->l_name);
	return ++count;
}

static uint32_t find(const struct module *m)
{
	if (latest && modules[latest].alive && is_same(&modules[latest], m))
		return latest;
	for (uint32_t id = count; id > 0; id--)
		if (modules[id].alive && is_same(&modules[id], m))
			return latest = id;
	return 0;
}

void modules_unloaded(void)
{
	struct module now;

	for (uint32_t id = 1; id <= count; id++)
		if (modules[id].alive && !(look_up(modules[id].start, &now) &&
					   is_same(&modules[id], &now) && is_unchanged(&modules[id])))
			note_gone(id);
}

uint32_t modules_count(void)
{
	return count;
}

uint32_t modules_id(uint64_t address)
{
	struct module m;
	uint32_t id;

	if (!look_up(address, &m))
		return 0;
	id = find(&m);
	return id ? id : add(&m);
}

uint64_t modules_frame(uint64_t pc)
{
	/* The call lies before the return address, which may be the next module's first byte. */
	uint32_t id = modules_id(pc - 1);

	return id * (FRAME_OFFSET_MASK + 1) + ((pc - modules_base[id]) & FRAME_OFFSET_MASK);
}
