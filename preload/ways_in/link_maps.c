/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>

#include "preload/base/index.h"
#include "preload/host/image.h"
#include "preload/host/real.h"
#include "preload/ways_in/link_maps.h"

#include "preload/base/poison.h"

enum { SHOWN = 1024, HANDLES = 64 };

/* Rows that are hit by the key: what shares one with another is shown again, which costs time only. */
static uint64_t shown[SHOWN]; /* under the loader's lock */
static const void *handles[HANDLES];
static uint64_t closings;

static __thread link_maps_looker *looker;

static const struct link_map *executable(void)
{
	const struct link_map *map = image_at((const void *)&executable, NULL, NULL);

	while (map && map->l_prev)
		map = map->l_prev;
	return map;
}

/* The loader's account of its namespaces, which it keeps for debuggers. */
static const struct r_debug_extended *namespaces(const struct link_map *program)
{
	for (const ElfW(Dyn) *d = program->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_DEBUG)
			return (const struct r_debug_extended *)d->d_un.d_ptr;
	return NULL;
}

/* Another one for what is loaded at the place of something else. */
static uint64_t key_of(const struct link_map *map)
{
	uint64_t key = index_mix((uint64_t)(uintptr_t)map ^ (uint64_t)(uintptr_t)map->l_ld << 16);

	return index_mix(key ^ map->l_addr ^ (uint64_t)(uintptr_t)map->l_name << 16) | 1;
}

static void show(const struct link_map *map, bool is_base)
{
	uint64_t key = key_of(map), *row = &shown[key / 2 % SHOWN];
	uint64_t until_closing = key + 2 * __atomic_load_n(&closings, __ATOMIC_RELAXED) + 1;

	/* Its address is known once it is relocated; before, this thread is just loading it. */
	if (*row == key || *row == until_closing || !image_at(map->l_ld, NULL, NULL))
		return;
	*row = looker(map, is_base) ? key : until_closing;
}

static void show_all(const struct link_map *map, bool is_base)
{
	for (; map; map = map->l_next)
		show(map, is_base);
}

void link_maps_look_under_lock(void)
{
	const struct link_map *program = looker ? executable() : NULL;
	const struct r_debug_extended *n = program ? namespaces(program) : NULL;

	show_all(program, true);
	for (n = n && n->base.r_version > 1 ? n->r_next : NULL; n; n = n->r_next)
		show_all(n->base.r_map, false);
}

void link_maps_look(const void *handle, link_maps_looker *look)
{
	const void **row = &handles[index_mix((uint64_t)(uintptr_t)handle) % HANDLES];

	if (handle && __atomic_load_n(row, __ATOMIC_RELAXED) == handle)
		return;
	looker = look;
	real_dlsym(RTLD_DEFAULT, "lsatrace_loaded");
	looker = NULL;
	__atomic_store_n(row, handle, __ATOMIC_RELAXED);
}

void link_maps_closing(void)
{
	__atomic_add_fetch(&closings, 1, __ATOMIC_RELAXED);
	for (int row = 0; row < HANDLES; row++)
		__atomic_store_n(&handles[row], NULL, __ATOMIC_RELAXED);
}
