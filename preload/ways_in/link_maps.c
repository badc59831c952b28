/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdint.h>

#include "preload/base/index.h"
#include "preload/host/elf_image.h"
#include "preload/host/images.h"
#include "preload/host/real.h"
#include "preload/ways_in/link_maps.h"

#include "preload/base/poison.h"

enum { SHOWN = 1024, HANDLES = 64 };

/* An image that has been shown. What shares its row with another one is shown again, which costs
 * time only. Under the loader's lock. */
static struct shown {
	uint64_t key;   /* where the image and the loader's description of it lie; 0: none */
	uint64_t mark;  /* of its content */
	uint64_t epoch; /* in which it was seen to be there */
	bool is_final;
} shown[SHOWN];

/* Handles that have been used, each mixed with the epoch: a handle may come again, for another
 * image. */
static uint64_t handles[HANDLES];

/* What the resolver is to do, when it is run for this thread. */
static __thread struct job {
	void (*function)(void *);
	void *argument;
} job;

void link_maps_run_job(void)
{
	if (job.function)
		job.function(job.argument);
}

void link_maps_run(void (*function)(void *), void *argument)
{
	job = (struct job){ function, argument };
	real_dlsym(RTLD_DEFAULT, "lsatrace_loaded");
	job.function = NULL;
}

static uint64_t key_of(const struct link_map *map)
{
	uint64_t key = index_mix((uint64_t)(uintptr_t)map ^ (uint64_t)(uintptr_t)map->l_ld << 16);

	return index_mix(key ^ map->l_addr ^ (uint64_t)(uintptr_t)map->l_name << 16) | 1;
}

static uint64_t mark_of(const struct elf_image *image)
{
	const void *at;
	uint64_t mark = 0;

	elf_image_build_id(image, &mark, sizeof(mark), &at);
	return mark;
}

static void show(const struct link_map *map, bool is_base, link_maps_looker *look)
{
	uint64_t key = key_of(map), epoch = images_epoch(), mark;
	struct shown *row = &shown[key / 2 % SHOWN];
	struct elf_image image;

	if (row->key == key && row->epoch == epoch && !images_is_unloading(epoch))
		return;
	/* An image is known once it is relocated. Before, this thread is just loading it. */
	if (!elf_image_at(map->l_ld, &image))
		return;
	mark = mark_of(&image);
	if (row->key != key || row->mark != mark || !row->is_final)
		*row = (struct shown){ key, mark, epoch, look(map, is_base) };
	row->epoch = epoch;
}

/* The loader's account of its namespaces, which it keeps for debuggers. */
static const struct r_debug_extended *find_namespaces(const struct link_map *program)
{
	for (const ElfW(Dyn) *d = program->l_ld; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_DEBUG)
			return (const struct r_debug_extended *)d->d_un.d_ptr;
	return NULL;
}

static void show_all(void *look)
{
	const struct link_map *first = elf_image_first();
	const struct r_debug_extended *n = first ? find_namespaces(first) : NULL;
	link_maps_looker **looker = look;

	for (const struct link_map *map = first; map; map = map->l_next)
		show(map, true, *looker);
	for (n = n && n->base.r_version > 1 ? n->r_next : NULL; n; n = n->r_next)
		for (const struct link_map *map = n->base.r_map; map; map = map->l_next)
			show(map, false, *looker);
}

void link_maps_look(const void *handle, link_maps_looker *look)
{
	uint64_t epoch = images_epoch();
	uint64_t *row = &handles[index_mix((uint64_t)(uintptr_t)handle) % HANDLES];
	uint64_t word = index_mix((uint64_t)(uintptr_t)handle ^ index_mix(epoch));

	if (handle && __atomic_load_n(row, __ATOMIC_RELAXED) == word && !images_is_unloading(epoch))
		return;
	link_maps_run(show_all, &look);
	if (!images_is_unloading(epoch))
		__atomic_store_n(row, word, __ATOMIC_RELAXED);
}
