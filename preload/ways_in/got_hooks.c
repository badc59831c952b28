/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <string.h>

#include "preload/base/reentry.h"
#include "preload/file/trace.h"
#include "preload/host/image.h"
#include "preload/host/patch.h"
#include "preload/host/real.h"
#include "preload/ways_in/got_hooks.h"

#include "preload/base/poison.h"

enum { LOADERS = 256 };

/* Written under the loader's lock, before the library can come here. */
struct loader {
	uintptr_t start, end; /* 0: it is gone */
	bool is_base;
	void *original[LOADER_FUNCTIONS]; /* NULL: what everybody reaches */
};

static const char *const names[LOADER_FUNCTIONS] = { "dlsym", "dlvsym", "dlclose",
						     "SpLsaModeInitialize" };

static struct loader loaders[LOADERS];
static uint32_t got_hooks_used;
static void *ours[LOADER_FUNCTIONS];
static bool is_first[LOADER_FUNCTIONS]; /* in our own namespace, what everybody finds is ours */

void got_hooks_init(void *const functions[LOADER_FUNCTIONS])
{
	memcpy(ours, functions, sizeof(ours));
	for (int f = 0; f < LOADER_FUNCTIONS; f++)
		is_first[f] = real_dlsym(RTLD_DEFAULT, names[f]) == ours[f];
}

/* One object that is looked at. */
struct visit {
	struct image image;
	uintptr_t start, end;
	bool is_base;
};

static bool is_visited(const struct loader *l, const struct visit *v)
{
	return l->start == v->start && l->end == v->end && l->is_base == v->is_base;
}

/* What was at its place, or at a part of it, is gone. */
static void forget_older(const struct visit *v)
{
	for (uint32_t i = 0; i < got_hooks_used; i++)
		if (loaders[i].start < v->end && v->start < loaders[i].end &&
		    !is_visited(&loaders[i], v))
			loaders[i].start = loaders[i].end = 0;
}

static struct loader *take_free(const struct visit *v)
{
	uint32_t i = 0;

	while (i < got_hooks_used && loaders[i].end != 0)
		i++;
	if (i == LOADERS)
		return NULL;
	loaders[i] = (struct loader){ .is_base = v->is_base, .start = v->start };
	__atomic_store_n(&loaders[i].end, v->end, __ATOMIC_RELEASE);
	if (i == got_hooks_used)
		__atomic_store_n(&got_hooks_used, i + 1, __ATOMIC_RELEASE);
	return &loaders[i];
}

/* False: there are too many. */
static bool note_original(const struct visit *v, enum loader_function f, void *original)
{
	struct loader *l = NULL;

	for (uint32_t i = 0; i < got_hooks_used && !l; i++)
		if (is_visited(&loaders[i], v))
			l = &loaders[i];
	if (!l)
		l = take_free(v);
	if (l)
		__atomic_store_n(&l->original[f], original, __ATOMIC_RELEASE);
	return l != NULL;
}

static enum loader_function named(const char *name)
{
	int f = 0;

	while (f < LOADER_FUNCTIONS && !image_is_name(name, names[f]))
		f++;
	return f;
}

/* A place in which the loader wrote a function that somebody else defines. */
struct place {
	enum loader_function function; /* LOADER_FUNCTIONS: none that matters */
	bool is_late;                  /* may be filled in when it is first used */
	void **at;
};

static struct place place_of(const struct visit *v, const ElfW(Rela) * r)
{
	const ElfW(Sym) *symbol = &v->image.symbols[ELF64_R_SYM(r->r_info)];
	uint64_t type = ELF64_R_TYPE(r->r_info);
	struct place place = { .function = LOADER_FUNCTIONS };

	if (type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT && type != R_X86_64_64)
		return place;
	/* What it defines itself is its own business. */
	if (symbol->st_shndx != SHN_UNDEF || r->r_addend != 0)
		return place;
	place.function = named(v->image.strings + symbol->st_name);
	place.is_late = type == R_X86_64_JUMP_SLOT;
	place.at = (void **)(v->image.map->l_addr + r->r_offset);
	return place;
}

static bool is_c_library(const struct link_map *map)
{
	struct image image;

	return map && image_read(&image, map) && image_is_c_library(&image);
}

/* The C library's function, for a place that is filled in when it is first used. */
static void *find_late(const struct visit *v, enum loader_function f)
{
	const struct link_map *map = v->image.map;
	const ElfW(Sym) *symbol = NULL;
	struct image image;

	if (v->is_base || f == LOADER_ENTRY)
		return NULL;
	while (map->l_prev)
		map = map->l_prev;
	for (; map && !symbol; map = map->l_next)
		if (image_read(&image, map) && image_is_c_library(&image))
			symbol = image_find(&image, names[f]);
	return symbol ? image_address(&image, symbol) : NULL;
}

/*
 * A place that is not filled in yet leads into the object itself, and can be written to. In our own
 * namespace it would be filled in with ours but for a library that is deeply bound, which cannot be told
 * from others.
 */
static void fill_in(const struct visit *v, const struct place *place)
{
	void *original = find_late(v, place->function);

	if (v->is_base ? !is_first[place->function] : !original && place->function != LOADER_ENTRY)
		return;
	if (original && !note_original(v, place->function, original))
		trace_lose(TRACE_LOST_PACKAGES);
	else
		__atomic_store_n(place->at, ours[place->function], __ATOMIC_RELEASE);
}

static void *everybodys(enum loader_function f)
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

/* Of the functions for loading, only the C library's are replaced: if somebody else is in front of
 * those, we would be in front of him. */
static void replace(const struct visit *v, const struct place *place, void *original,
		    const struct link_map *holder)
{
	if (!holder || (place->function != LOADER_ENTRY && !is_c_library(holder)))
		return;
	if ((original != everybodys(place->function) &&
	     !note_original(v, place->function, original)) ||
	    !patch_pointer(place->at, ours[place->function]))
		trace_lose(TRACE_LOST_PACKAGES);
}

static void visit_place(const struct visit *v, const struct place *place)
{
	void *now = __atomic_load_n(place->at, __ATOMIC_ACQUIRE);
	const struct link_map *holder = image_at(now, NULL, NULL);

	if (now == ours[place->function])
		return;
	if (place->is_late && holder == v->image.map)
		fill_in(v, place);
	else
		replace(v, place, now, holder);
}

bool got_hooks_patch(const struct link_map *map, bool is_base)
{
	struct visit v = { .is_base = is_base };
	bool has_none = true;

	if (map == image_at((const void *)&got_hooks_patch, NULL, NULL) ||
	    !image_at(map->l_ld, &v.start, &v.end) || !image_read(&v.image, map))
		return true;
	forget_older(&v);
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < v.image.places[i].count; n++) {
			struct place place = place_of(&v, &v.image.places[i].all[n]);

			if (place.function == LOADER_FUNCTIONS)
				continue;
			has_none = false;
			visit_place(&v, &place);
		}
	return has_none;
}

/* Who called may lie where another library lay that is gone, with its C library. */
static void *still_there(void *original)
{
	return original && image_at(original, NULL, NULL) ? original : NULL;
}

void *got_hooks_original(enum loader_function function, const void *caller)
{
	uint32_t used = __atomic_load_n(&got_hooks_used, __ATOMIC_ACQUIRE);
	void *original = NULL;

	for (uint32_t i = 0; i < used && !original; i++) {
		const struct loader *l = &loaders[i];

		if ((uintptr_t)caller >= l->start &&
		    (uintptr_t)caller < __atomic_load_n(&l->end, __ATOMIC_ACQUIRE))
			original = still_there(
				__atomic_load_n(&l->original[function], __ATOMIC_ACQUIRE));
	}
	return original ? original : everybodys(function);
}

bool got_hooks_has(const char *name)
{
	return named(name) < LOADER_ENTRY;
}

void *got_hooks_stand_in(const char *name, void *symbol)
{
	enum loader_function f = named(name);

	if (f >= LOADER_ENTRY || !is_c_library(image_at(symbol, NULL, NULL)) ||
	    !is_c_library(image_at(everybodys(f), NULL, NULL)))
		return NULL;
	return ours[f];
}
