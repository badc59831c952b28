/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <string.h>

#include "preload/base/reentry.h"
#include "preload/file/trace.h"
#include "preload/host/elf_image.h"
#include "preload/host/images.h"
#include "preload/host/patch.h"
#include "preload/host/real.h"
#include "preload/ways_in/got_hooks.h"

#include "preload/base/poison.h"

enum { LOADERS = 256 };

/* A library in which something was replaced, and its originals. Written under the loader's lock,
 * before the library can call the tracer. */
struct loader {
	uintptr_t start, end;             /* 0: it is gone */
	uint32_t image;                   /* its number (images.h) */
	void *original[LOADER_FUNCTIONS]; /* NULL: what everybody reaches */
};

static const char *const names[LOADER_FUNCTIONS] = { "dlsym", "dlvsym", "dlclose",
						     "SpLsaModeInitialize" };

static struct loader loaders[LOADERS];
static uint32_t loaders_used;
static void *ours[LOADER_FUNCTIONS];
/* Is the tracer's function the first one in its own namespace? Then all libraries there find it. */
static bool is_first[LOADER_FUNCTIONS];

void got_hooks_init(void *const functions[LOADER_FUNCTIONS])
{
	memcpy(ours, functions, sizeof(ours));
	for (int f = 0; f < LOADER_FUNCTIONS; f++)
		is_first[f] = real_dlsym(RTLD_DEFAULT, names[f]) == ours[f];
}

/* An image that is looked at. */
struct visit {
	struct elf_dynamic dynamic;
	struct elf_image image;
	bool is_base;
};

/* What lay at its place, or at a part of it, is gone. */
static void forget_older(const struct visit *v)
{
	for (uint32_t i = 0; i < loaders_used; i++)
		if (loaders[i].start < v->image.end && v->image.start < loaders[i].end &&
		    loaders[i].image != images_number(v->dynamic.map->l_ld))
			loaders[i].start = loaders[i].end = 0;
}

static struct loader *take_free(const struct visit *v, uint32_t image)
{
	uint32_t i = 0;

	while (i < loaders_used && loaders[i].end != 0)
		i++;
	if (i == LOADERS)
		return NULL;
	loaders[i] = (struct loader){ .image = image, .start = v->image.start };
	__atomic_store_n(&loaders[i].end, v->image.end, __ATOMIC_RELEASE);
	if (i == loaders_used)
		__atomic_store_n(&loaders_used, i + 1, __ATOMIC_RELEASE);
	return &loaders[i];
}

/* Returns false if there are too many libraries. */
static bool note_original(const struct visit *v, enum loader_function f, void *original)
{
	uint32_t image = images_number(v->dynamic.map->l_ld);
	struct loader *l = NULL;

	for (uint32_t i = 0; i < loaders_used && !l; i++)
		if (loaders[i].end != 0 && loaders[i].image == image)
			l = &loaders[i];
	if (!l && image)
		l = take_free(v, image);
	if (l)
		__atomic_store_n(&l->original[f], original, __ATOMIC_RELEASE);
	return l != NULL;
}

static enum loader_function find_function(const char *name)
{
	int f = 0;

	while (f < LOADER_FUNCTIONS && !elf_image_is_name(name, names[f]))
		f++;
	return f;
}

static bool is_c_library(const struct link_map *map)
{
	struct elf_dynamic dynamic;

	return map && elf_image_read(&dynamic, map) && elf_image_is_c_library(&dynamic);
}

/* The function of the C library in the image's namespace, for a place that is filled in at first
 * use. */
static void *find_late(const struct visit *v, enum loader_function f)
{
	const struct link_map *map = v->dynamic.map;
	const ElfW(Sym) *symbol = NULL;
	struct elf_dynamic dynamic;

	if (v->is_base || f == LOADER_ENTRY)
		return NULL;
	while (map->l_prev)
		map = map->l_prev;
	for (; map && !symbol; map = map->l_next)
		if (elf_image_read(&dynamic, map) && elf_image_is_c_library(&dynamic))
			symbol = elf_image_find(&dynamic, names[f]);
	return symbol ? elf_image_address(&dynamic, symbol) : NULL;
}

/*
 * A place that is filled in at first use leads into its own image until then, and can be written
 * to. In the tracer's namespace the loader would fill in the tracer's function, unless the library
 * is deeply bound. That cannot be told, so the place is filled in for all of them.
 */
static void fill_in(const struct visit *v, enum loader_function f, void **place)
{
	void *original = find_late(v, f);

	if (v->is_base ? !is_first[f] : !original && f != LOADER_ENTRY)
		return;
	if (original && !note_original(v, f, original))
		trace_lose(TRACE_LOST_PACKAGES);
	else
		__atomic_store_n(place, ours[f], __ATOMIC_RELEASE);
}

static void *common_original(enum loader_function f)
{
	switch (f) {
	case LOADER_DLSYM:
		return (void *)real_dlsym;
	case LOADER_DLVSYM:
		return (void *)real_dlvsym;
	case LOADER_DLCLOSE:
		return (void *)real_dlclose;
	default:
		return NULL;
	}
}

/* Of the functions for loading, only the C library's are replaced: those of a library between the
 * tracer and the C library must go on to work. */
static void replace(const struct visit *v, enum loader_function f, void **place, void *original,
		    const struct link_map *holder)
{
	if (!holder || (f != LOADER_ENTRY && !is_c_library(holder)))
		return;
	if ((original != common_original(f) && !note_original(v, f, original)) ||
	    !patch_pointer(place, ours[f]))
		trace_lose(TRACE_LOST_PACKAGES);
}

static void visit_import(const struct visit *v, enum loader_function f,
			 const struct elf_import *import)
{
	void *now = __atomic_load_n(import->at, __ATOMIC_ACQUIRE);
	const struct link_map *holder;

	if (now == ours[f])
		return;
	holder = elf_image_map_at(now);
	if (import->may_be_lazy && holder == v->dynamic.map)
		fill_in(v, f, import->at);
	else
		replace(v, f, import->at, now, holder);
}

bool got_hooks_patch(const struct link_map *map, bool is_base)
{
	struct visit v = { .is_base = is_base };
	struct elf_import import;
	bool has_none = true;

	if (elf_image_is_own(map->l_ld) || !elf_image_at(map->l_ld, &v.image) ||
	    !elf_image_read(&v.dynamic, map))
		return true;
	forget_older(&v);
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < v.dynamic.relocations[i].count; n++) {
			enum loader_function f;

			if (!elf_image_import(&v.dynamic, &v.dynamic.relocations[i].all[n], &import))
				continue;
			f = find_function(import.name);
			if (f == LOADER_FUNCTIONS)
				continue;
			has_none = false;
			visit_import(&v, f, &import);
		}
	return has_none;
}

/* The C library of another namespace may be gone. */
static void *if_loaded(void *original)
{
	return original && elf_image_map_at(original) ? original : NULL;
}

void *got_hooks_original(enum loader_function function, const void *caller)
{
	uint32_t used = __atomic_load_n(&loaders_used, __ATOMIC_ACQUIRE);
	void *original = NULL;

	for (uint32_t i = 0; i < used && !original; i++) {
		const struct loader *l = &loaders[i];

		if ((uintptr_t)caller >= l->start &&
		    (uintptr_t)caller < __atomic_load_n(&l->end, __ATOMIC_ACQUIRE) &&
		    l->image == images_number(caller))
			original =
				if_loaded(__atomic_load_n(&l->original[function], __ATOMIC_ACQUIRE));
	}
	return original ? original : common_original(function);
}

bool got_hooks_has(const char *name)
{
	return find_function(name) < LOADER_ENTRY;
}

void *got_hooks_stand_in(const char *name, void *symbol)
{
	enum loader_function f = find_function(name);

	if (f >= LOADER_ENTRY || !is_c_library(elf_image_map_at(symbol)) ||
	    !is_c_library(elf_image_map_at(common_original(f))))
		return NULL;
	return ours[f];
}
