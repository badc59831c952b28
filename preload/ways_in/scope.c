/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>

#include "preload/host/elf_image.h"
#include "preload/host/real.h"
#include "preload/ways_in/link_maps.h"
#include "preload/ways_in/scope.h"

#include "preload/base/poison.h"

/* The last of the images that the program began with. These stay, so that their list may be
 * walked. */
static const struct link_map *last_at_start;

void scope_init(void)
{
	for (const struct link_map *map = elf_image_map_at(entry_points); map; map = map->l_next)
		last_at_start = map;
}

void *scope_ask(const struct question *q, void *handle)
{
	return q->version ? real_dlvsym(handle, q->name, q->version) : real_dlsym(handle, q->name);
}

static bool is_ours(const void *symbol, const struct question *q)
{
	return symbol == q->entry->linked;
}

static Lmid_t namespace_of(const struct link_map *map)
{
	Lmid_t id = LM_ID_BASE;

	dlinfo((void *)(uintptr_t)map, RTLD_DI_LMID, &id);
	return id;
}

bool scope_is_elsewhere(const void *caller)
{
	const struct link_map *map = elf_image_map_at(caller);

	return map && namespace_of(map) != LM_ID_BASE;
}

bool scope_is_before_us(const void *caller)
{
	const struct link_map *map = elf_image_map_at(caller);
	const struct link_map *before = elf_image_map_at(entry_points);

	while (before && before != map)
		before = before->l_prev;
	return before != NULL;
}

/* The symbol in an image, or in what that needs; NULL: not there. The image must stay loaded. */
static void *find_in(const struct link_map *map, const struct question *q)
{
	void *handle = dlmopen(namespace_of(map), map->l_name, RTLD_LAZY | RTLD_NOLOAD);
	void *symbol = NULL;

	if (handle) {
		symbol = scope_ask(q, handle);
		real_dlclose(handle);
	}
	return is_ours(symbol, q) ? NULL : symbol;
}

/* The first image of the namespace that an image is in. Under the loader's lock. */
static void go_to_first(void *map)
{
	const struct link_map **at = map;

	while ((*at)->l_prev)
		*at = (*at)->l_prev;
}

static void *find_default(const struct question *q)
{
	const struct link_map *map = elf_image_map_at(q->caller), *first = map;
	void *symbol;

	if (scope_is_elsewhere(q->caller)) {
		link_maps_run(go_to_first, &first);
		symbol = find_in(first, q);
	} else {
		symbol = scope_ask(q, RTLD_DEFAULT);
	}
	if (is_ours(symbol, q))
		symbol = scope_ask(q, RTLD_NEXT);
	if (!symbol && map && map->l_name[0])
		symbol = find_in(map, q);
	return symbol;
}

static bool was_there_at_start(const struct link_map *sought)
{
	const struct link_map *map = elf_image_first();

	while (map && map != sought && map != last_at_start)
		map = map->l_next;
	return map == sought;
}

static void *find_next(const struct question *q)
{
	const struct link_map *map = elf_image_map_at(q->caller);
	void *symbol;

	if (!map || !map->l_name[0] || elf_image_is_own(q->caller))
		return scope_ask(q, RTLD_NEXT);
	if (!was_there_at_start(map)) {
		symbol = find_in(map, q);
		return symbol && elf_image_map_at(symbol) != map ? symbol : NULL;
	}
	while (map != last_at_start) {
		map = map->l_next;
		symbol = find_in(map, q);
		if (symbol && elf_image_map_at(symbol) == map)
			return symbol;
	}
	return NULL;
}

void *scope_find(const struct question *q)
{
	void *symbol;

	if (q->handle == RTLD_DEFAULT)
		return find_default(q);
	if (q->handle == RTLD_NEXT)
		return find_next(q);
	symbol = scope_ask(q, q->handle);
	return is_ours(symbol, q) ? scope_ask(q, RTLD_NEXT) : symbol;
}

struct search {
	const char *name;
	void *found;
	bool is_several;
};

/* Under the loader's lock. */
static void search_all(void *data)
{
	const struct link_map *map = elf_image_map_at(entry_points);
	struct elf_dynamic dynamic;
	struct search *s = data;

	while (map && (map = map->l_next) != NULL) {
		const ElfW(Sym) *symbol = NULL;

		/* One that is being loaded is not known by its address yet. */
		if (elf_image_map_at(map->l_ld) == map && elf_image_read(&dynamic, map))
			symbol = elf_image_find(&dynamic, s->name);
		if (!symbol)
			continue;
		s->is_several |= s->found != NULL;
		s->found = elf_image_address(&dynamic, symbol);
	}
}

void *scope_find_anywhere(const struct question *q)
{
	struct search s = { .name = q->name };

	link_maps_run(search_all, &s);
	return s.is_several ? NULL : s.found;
}
