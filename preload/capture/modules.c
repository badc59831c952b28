/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/auxv.h>

#include "include/site.h"
#include "preload/base/vm.h"
#include "preload/capture/modules.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

#define FRAME_OFFSET_MASK ((1ull << TRACE_FRAME_OFFSET_BITS) - 1)

enum state { STATE_NONE, STATE_DEFINED, STATE_GONE };

static uint8_t *states; /* by id: what the trace has of it */
static uint64_t *sites; /* by id */

bool modules_init(void)
{
	sites = vm_reserve(IMAGES_MAX * (sizeof(*sites) + sizeof(*states)));
	states = (uint8_t *)(sites + IMAGES_MAX);
	return sites && images_init();
}

bool modules_is_defined(uint32_t id)
{
	return id < IMAGES_MAX && __atomic_load_n(&states[id], __ATOMIC_ACQUIRE) != STATE_NONE;
}

uint64_t modules_site(uint32_t id)
{
	return id < IMAGES_MAX ? sites[id] : 0;
}

static void define(uint32_t id, const char *path, size_t path_bytes)
{
	const struct image *image = images_get(id);
	struct trace_module *record;

	if (path_bytes > TRACE_TEXT_MAX)
		path_bytes = TRACE_TEXT_MAX;
	record = log_begin(TRACE_RECORD_MODULE, sizeof(*record) + path_bytes);
	if (!record) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	record->id = id;
	record->kind = image->kind;
	record->base = image->base;
	record->start = image->place.start;
	record->end = image->place.end;
	record->build_id_bytes = image->has_build_id ? image->mark_bytes : 0;
	memcpy(record->build_id, image->mark, record->build_id_bytes);
	record->path_bytes = (uint32_t)path_bytes;
	memcpy(record->path, path, path_bytes);
	sites[id] = site_module(record);
	log_commit(record);
}

/* The loader names an image as the host did, the executable not at all, a PE image neither; the kernel knows
 * better. */
static void define_by_name(uint32_t id)
{
	static char path[TRACE_TEXT_MAX]; /* under the cold lock, and stacks may be small */
	const struct elf_image *place = &images_get(id)->place;
	const char *name = place->map ? place->map->l_name : NULL;
	size_t bytes = 0;

	if (images_get(id)->pe.path)
		name = images_get(id)->pe.path;
	else if (!name || name[0] != '/')
		bytes = maps_path(place->start, path, sizeof(path));
	/* Without /proc. The loader has no name for the executable. */
	if (!bytes && name && !name[0])
		name = (const char *)getauxval(AT_EXECFN);
	if (bytes || !name)
		define(id, path, bytes);
	else
		define(id, name, strlen(name));
}

void modules_note_gone(void)
{
	uint32_t count = images_count();

	for (uint32_t id = 1; id <= count; id++)
		if (states[id] == STATE_DEFINED && !images_is_loaded(id)) {
			log_text(TRACE_RECORD_MODULE_GONE, id, "", 0);
			states[id] = STATE_GONE;
		}
}

/* Under the cold lock. */
static void define_if_new(uint32_t id)
{
	if (!id || modules_is_defined(id))
		return;
	/* First: it may lie where one of them lay. */
	modules_note_gone();
	define_by_name(id);
	__atomic_store_n(&states[id], STATE_DEFINED, __ATOMIC_RELEASE);
}

uint32_t modules_id(uint64_t address)
{
	uint32_t id = images_number((const void *)(uintptr_t)address);

	define_if_new(id);
	return id;
}

static uint64_t make_frame(uint32_t id, uint64_t pc)
{
	return id * (FRAME_OFFSET_MASK + 1) +
	       ((pc - (id ? images_get(id)->base : 0)) & FRAME_OFFSET_MASK);
}

/* The call lies before the return address, which may be the next module's first byte. Frames of one module
 * come in runs. */
bool modules_frames(const uint64_t *pc, uint64_t *frame, uint32_t count, bool may_define)
{
	const struct elf_image *place;
	uint32_t id = 0;

	for (uint32_t i = 0; i < count; i++) {
		place = &images_get(id)->place;
		if (!id || pc[i] - 1 < place->start || pc[i] - 1 >= place->end) {
			id = images_number((const void *)(uintptr_t)(pc[i] - 1));
			if (may_define)
				define_if_new(id);
			else if (id && !modules_is_defined(id))
				return false;
		}
		frame[i] = make_frame(id, pc[i]);
	}
	return true;
}
