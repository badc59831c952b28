/* SPDX-License-Identifier: MIT */
/*
 * The ways to a package: dlsym() for one of its entry points, and the symbols themselves, for hosts
 * that are linked to a package.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "../include/secpkg.h"
#include "backtrace.h"
#include "entry.h"
#include "entry_points.h"
#include "exports.h"
#include "guard.h"
#include "init.h"
#include "libraries.h"
#include "modules.h"
#include "real.h"
#include "trace.h"

#include "poison.h"

#define EXPORT __attribute__((visibility("default")))
#define STATUS_ENTRYPOINT_NOT_FOUND ((NTSTATUS)0xc0000139)

enum entry_kind { ENTRY_IS_LSA_MODE, ENTRY_IS_USER_MODE, ENTRY_IS_EXPORT };

struct entry_point {
	const char *name;
	const void *linked; /* our own symbol, by a name that nobody can get in front of */
	enum entry_kind kind;
	enum wrapped export;
};

/* See linked_amd64.S. */
#define LINKED(name) extern const char linked_##name[] __attribute__((visibility("hidden")));
ENTRY_POINTS(LINKED)

#define LSA_MODE(name) \
	{ \
#name, linked_##name, ENTRY_IS_LSA_MODE, 0 \
	}
#define USER_MODE(name) \
	{ \
#name, linked_##name, ENTRY_IS_USER_MODE, 0 \
	}
#define LSA_AP(name) \
	{ \
		"LsaAp" #name, linked_LsaAp##name, ENTRY_IS_EXPORT, WRAPPED_##name \
	}

/* In the order of ENTRY_POINTS. */
static const struct entry_point entry_points[] = {
	LSA_MODE(SpLsaModeInitialize),
	USER_MODE(SpUserModeInitialize),
	LSA_AP(InitializePackage),
	LSA_AP(LogonUser),
	LSA_AP(LogonUserEx),
	LSA_AP(LogonUserEx2),
	LSA_AP(CallPackage),
	LSA_AP(CallPackageUntrusted),
	LSA_AP(CallPackagePassthrough),
};

enum { ENTRY_POINTS_COUNT = sizeof(entry_points) / sizeof(entry_points[0]) };

static const struct entry_point *entry_point_named(const char *name)
{
	if (likely(name[0] != 'S' && name[0] != 'L'))
		return NULL;
	for (int i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (strcmp(name, entry_points[i].name) == 0)
			return &entry_points[i];
	return NULL;
}

static const struct link_map *map_of(const void *address)
{
	struct link_map *map = NULL;
	Dl_info info;

	return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

/* The symbol in one loaded object or in what that needs; NULL: not there. */
static void *find_in(const struct entry_point *e, const struct link_map *map)
{
	void *handle = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
	void *symbol = NULL;

	if (handle) {
		symbol = real_dlsym(handle, e->name);
		real_dlclose(handle);
	}
	return symbol == e->linked ? NULL : symbol;
}

/* RTLD_DEFAULT for a caller: the global scope, then its own. Our own symbol stands for the next. */
static void *find_default(const struct entry_point *e, const void *caller)
{
	void *symbol = real_dlsym(RTLD_DEFAULT, e->name);
	const struct link_map *map = map_of(caller);

	if (symbol == e->linked)
		symbol = real_dlsym(RTLD_NEXT, e->name);
	if (!symbol && map && map->l_name[0])
		symbol = find_in(e, map);
	return symbol;
}

/* The last of the objects that the program began with, which can see each other. */
static const struct link_map *last_at_start;

/* A package may have its own exports in its table, and the linker found ours for them. */
static void *behind_export(void *function, const void *code)
{
	for (int i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (function == entry_points[i].linked) {
			void *real = find_default(&entry_points[i], code);

			return real ? real : function;
		}
	return function;
}

void entry_init(void)
{
	for (const struct link_map *map = map_of(entry_points); map; map = map->l_next)
		last_at_start = map;
	libraries_init(behind_export);
}

static bool was_there_at_start(const struct link_map *map)
{
	while (map && map != last_at_start)
		map = map->l_next;
	return map != NULL;
}

/*
 * RTLD_NEXT for a caller: the first in an object behind its own. For the executable and for us that
 * is what the loader says when we ask; what the program began with follows each other; what came
 * later sees what it needs itself.
 */
static void *find_next(const struct entry_point *e, const void *caller)
{
	const struct link_map *map = map_of(caller);

	if (!map || !map->l_name[0] || map == map_of(entry_points))
		return real_dlsym(RTLD_NEXT, e->name);
	if (!was_there_at_start(map)) {
		void *symbol = find_in(e, map);

		return symbol && map_of(symbol) != map ? symbol : NULL;
	}
	while (map != last_at_start) {
		void *symbol;

		map = map->l_next;
		symbol = find_in(e, map);
		if (symbol && map_of(symbol) == map)
			return symbol;
	}
	return NULL;
}

static void *find(const struct entry_point *e, void *handle, const void *caller)
{
	void *symbol;

	if (handle == RTLD_DEFAULT)
		return find_default(e, caller);
	if (handle == RTLD_NEXT)
		return find_next(e, caller);
	symbol = real_dlsym(handle, e->name);
	return symbol == e->linked ? real_dlsym(RTLD_NEXT, e->name) : symbol;
}

/* What the host gets in place of a package's own. */
static void *in_place_of(const struct entry_point *e, void *real)
{
	if (e->kind == ENTRY_IS_EXPORT)
		return exports_function_for(real, e->export);
	return libraries_entry_for(real, e->kind == ENTRY_IS_USER_MODE ? LIBRARY_USER : LIBRARY_LSA);
}

struct entry_answer entry_answer(void *handle, const char *name, const void *caller)
{
	const struct entry_point *e;
	struct entry_answer answer = { 0 };
	int saved_errno = errno;

	init_ensure();
	errno = saved_errno;
	e = entry_point_named(name);
	if (likely(!e))
		return answer;
	answer.is_ours = 1;
	answer.symbol = find(e, handle, caller);
	if (answer.symbol)
		answer.symbol = in_place_of(e, answer.symbol);
	errno = saved_errno;
	return answer;
}

static NTSTATUS not_found(void)
{
	return STATUS_ENTRYPOINT_NOT_FOUND;
}

/* The only one that there is, in whatever object; NULL: none, or several. A host may have our symbol
 * from a table that it did not get through us. */
static void *find_anywhere(const struct entry_point *e)
{
	void *found = NULL;

	for (const struct link_map *map = map_of(entry_points)->l_next; map; map = map->l_next) {
		void *symbol = find_in(e, map);

		if (!symbol || symbol == found)
			continue;
		if (found)
			return NULL;
		found = symbol;
	}
	return found;
}

/* A package that logs on by another one of its own functions returns nothing to its host thereby. */
static bool is_inner_call(const struct entry_point *e, const void *real, const void *caller)
{
	return e->kind == ENTRY_IS_EXPORT && e->export != WRAPPED_InitializePackage &&
	       map_of(real) == map_of(caller);
}

void *entry_linked(uint32_t number, const void *caller)
{
	const struct entry_point *e = &entry_points[number];
	int saved_errno = errno;
	void *real;

	init_ensure();
	real = find_default(e, caller);
	if (!real)
		real = find_anywhere(e);
	if (!real)
		real = (void *)not_found;
	else if (!is_inner_call(e, real, caller))
		real = in_place_of(e, real);
	errno = saved_errno;
	return real;
}

/* What was unloaded must not be taken for what comes to its place. */
static void note_unloaded(void)
{
	uintptr_t was_inside = guard_inside;

	guard_inside = true;
	if (cold_lock()) {
		libraries_unloaded();
		if (trace_is_mine()) {
			modules_unloaded();
			backtrace_forget();
		}
		cold_unlock();
	}
	guard_inside = was_inside;
}

EXPORT int dlclose(void *handle)
{
	int result, saved_errno;

	init_ensure();
	result = real_dlclose(handle);
	saved_errno = errno;
	note_unloaded();
	errno = saved_errno;
	return result;
}
