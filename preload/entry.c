/* SPDX-License-Identifier: MIT */
/*
 * The ways to a package: dlsym() for SpLsaModeInitialize, and the symbol itself, for hosts that are
 * linked to a package.
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
#include "guard.h"
#include "init.h"
#include "modules.h"
#include "packages.h"
#include "real.h"
#include "trace.h"

#include "poison.h"

#define EXPORT __attribute__((visibility("default")))
#define STATUS_ENTRYPOINT_NOT_FOUND ((NTSTATUS)0xc0000139)

static const char entry_name[] = "SpLsaModeInitialize";

static const struct link_map *map_of(const void *address)
{
	struct link_map *map = NULL;
	Dl_info info;

	return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

static NTSTATUS linked_entry(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
			     PULONG count);

/* By a name that nobody can get in front of: &SpLsaModeInitialize is the executable's, if it has one. */
static bool is_ours(const void *symbol)
{
	return symbol == (const void *)&linked_entry;
}

/* The symbol in one loaded object or in what that needs; NULL: not there. */
static void *find_in(const struct link_map *map)
{
	void *handle = dlopen(map->l_name, RTLD_LAZY | RTLD_NOLOAD);
	void *symbol = NULL;

	if (handle) {
		symbol = real_dlsym(handle, entry_name);
		real_dlclose(handle);
	}
	return is_ours(symbol) ? NULL : symbol;
}

/* RTLD_DEFAULT for a caller: the global scope, then its own. Our own symbol stands for the next. */
static void *find_default(const void *caller)
{
	void *symbol = real_dlsym(RTLD_DEFAULT, entry_name);
	const struct link_map *map = map_of(caller);

	if (is_ours(symbol))
		symbol = real_dlsym(RTLD_NEXT, entry_name);
	if (!symbol && map && map->l_name[0])
		symbol = find_in(map);
	return symbol;
}

/* The last of the objects that the program began with, which can see each other. */
static const struct link_map *last_at_start;

void entry_init(void)
{
	for (const struct link_map *map = map_of(entry_name); map; map = map->l_next)
		last_at_start = map;
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
static void *find_next(const void *caller)
{
	const struct link_map *map = map_of(caller);

	if (!map || !map->l_name[0] || map == map_of(entry_name))
		return real_dlsym(RTLD_NEXT, entry_name);
	if (!was_there_at_start(map)) {
		void *symbol = find_in(map);

		return symbol && map_of(symbol) != map ? symbol : NULL;
	}
	while (map != last_at_start) {
		void *symbol;

		map = map->l_next;
		symbol = find_in(map);
		if (symbol && map_of(symbol) == map)
			return symbol;
	}
	return NULL;
}

static void *find(void *handle, const void *caller)
{
	void *symbol;

	if (handle == RTLD_DEFAULT)
		return find_default(caller);
	if (handle == RTLD_NEXT)
		return find_next(caller);
	symbol = real_dlsym(handle, entry_name);
	return is_ours(symbol) ? real_dlsym(RTLD_NEXT, entry_name) : symbol;
}

struct entry_answer entry_answer(void *handle, const char *name, const void *caller)
{
	struct entry_answer answer = { 0 };
	int saved_errno = errno;

	init_ensure();
	errno = saved_errno;
	if (likely(strcmp(name, entry_name) != 0))
		return answer;
	answer.is_ours = 1;
	answer.symbol = find(handle, caller);
	if (answer.symbol)
		answer.symbol = (void *)packages_entry_for((SpLsaModeInitializeFn)answer.symbol);
	errno = saved_errno;
	return answer;
}

static NTSTATUS linked_entry(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
			     PULONG count)
{
	void *real;

	init_ensure();
	real = find_default(__builtin_return_address(0));
	if (!real)
		return STATUS_ENTRYPOINT_NOT_FOUND;
	return packages_entry_for((SpLsaModeInitializeFn)real)(version, package_version, tables,
							       count);
}

EXPORT NTSTATUS SpLsaModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
				    PSECPKG_FUNCTION_TABLE *ppTables, PULONG pcTables)
	__attribute__((alias("linked_entry")));

/* What was unloaded must not be taken for what comes to its place. */
static void note_unloaded(void)
{
	if (!cold_lock())
		return;
	packages_unloaded();
	if (trace_is_mine()) {
		guard_inside = true;
		modules_unloaded();
		backtrace_forget();
		guard_inside = false;
	}
	cold_unlock();
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
