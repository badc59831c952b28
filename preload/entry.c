/* SPDX-License-Identifier: MIT */
/*
 * The ways to a package: dlsym() and dlvsym() for SpLsaModeInitialize, and the symbol itself, for hosts
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
#include "client.h"
#include "config.h"
#include "entry.h"
#include "guard.h"
#include "image.h"
#include "init.h"
#include "loaders.h"
#include "modules.h"
#include "named.h"
#include "packages.h"
#include "real.h"
#include "trace.h"

#include "poison.h"

#define EXPORT __attribute__((visibility("default")))
#define STATUS_ENTRYPOINT_NOT_FOUND ((NTSTATUS)0xc0000139)

static const char entry_name[] = "SpLsaModeInitialize";

/* What was asked, by whom. */
struct question {
	void *handle;
	const char *name;
	const char *version; /* NULL: the default one */
	const void *caller;
};

static void *ask(void *handle, const struct question *q)
{
	return q->version ? real_dlvsym(handle, q->name, q->version) : real_dlsym(handle, q->name);
}

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

static Lmid_t namespace_of(const struct link_map *map)
{
	Lmid_t id = LM_ID_BASE;

	dlinfo((void *)(uintptr_t)map, RTLD_DI_LMID, &id);
	return id;
}

/* The symbol in one loaded object or in what that needs; NULL: not there. */
static void *find_in(const struct link_map *map, const struct question *q)
{
	void *handle = dlmopen(namespace_of(map), map->l_name, RTLD_LAZY | RTLD_NOLOAD);
	void *symbol = NULL;

	if (handle) {
		symbol = ask(handle, q);
		real_dlclose(handle);
	}
	return is_ours(symbol) ? NULL : symbol;
}

/* The global scope of a namespace other than our own: what it began with, and what that needs. */
static void *find_elsewhere(const struct link_map *map, const struct question *q)
{
	while (map->l_prev)
		map = map->l_prev;
	return find_in(map, q);
}

/* RTLD_DEFAULT for a caller: the global scope, then its own. Our own symbol stands for the next. */
static void *find_default(const struct question *q)
{
	const struct link_map *map = map_of(q->caller);
	bool is_elsewhere = map && namespace_of(map) != LM_ID_BASE;
	void *symbol = is_elsewhere ? find_elsewhere(map, q) : ask(RTLD_DEFAULT, q);

	if (is_ours(symbol))
		symbol = ask(RTLD_NEXT, q);
	if (!symbol && map && map->l_name[0])
		symbol = find_in(map, q);
	return symbol;
}

/* The last of the objects that the program began with, which can see each other. */
static const struct link_map *last_at_start;

static int close_library(void *handle);

void entry_init(void)
{
	static void *const ours[] = {
		[LOADER_DLSYM] = (void *)entry_dlsym,
		[LOADER_DLVSYM] = (void *)entry_dlvsym,
		[LOADER_DLCLOSE] = (void *)close_library,
		[LOADER_ENTRY] = (void *)linked_entry,
	};

	for (const struct link_map *map = map_of(entry_name); map; map = map->l_next)
		last_at_start = map;
	loaders_init(ours);
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
static void *find_next(const struct question *q)
{
	const struct link_map *map = map_of(q->caller);

	if (!map || !map->l_name[0] || map == map_of(entry_name))
		return ask(RTLD_NEXT, q);
	if (!was_there_at_start(map)) {
		void *symbol = find_in(map, q);

		return symbol && map_of(symbol) != map ? symbol : NULL;
	}
	while (map != last_at_start) {
		void *symbol;

		map = map->l_next;
		symbol = find_in(map, q);
		if (symbol && map_of(symbol) == map)
			return symbol;
	}
	return NULL;
}

static void *find(const struct question *q)
{
	void *symbol;

	if (q->handle == RTLD_DEFAULT)
		return find_default(q);
	if (q->handle == RTLD_NEXT)
		return find_next(q);
	symbol = ask(q->handle, q);
	return is_ours(symbol) ? ask(RTLD_NEXT, q) : symbol;
}

static bool has_started;

static bool look_at(const struct link_map *map, bool is_base)
{
	bool is_no_loader = loaders_patch(map, is_base);

	return named_find(map, is_base) && is_no_loader;
}

static void look(const void *handle)
{
	loaded_look(handle, look_at);
	if (likely(has_started))
		named_hook();
}

void entry_start(void)
{
	has_started = true;
	if (config->tables)
		look(RTLD_DEFAULT);
}

static bool is_elsewhere(const void *caller)
{
	const struct link_map *map = map_of(caller);

	return map && namespace_of(map) != LM_ID_BASE;
}

/*
 * The entry point of a library of packages. If there is none, dlerror() is to say so: that of the C
 * library that is elsewhere; or ours, after the last thing that was asked of it.
 */
static struct entry_answer answer_entry(const struct question *q, void *go_on)
{
	struct entry_answer answer = { .go_on = is_elsewhere(q->caller) ? go_on : NULL };

	answer.symbol = find(q);
	if (answer.symbol) {
		answer.go_on = NULL;
		answer.symbol = (void *)packages_entry_for((SpLsaModeInitializeFn)answer.symbol);
	} else if (q->handle == RTLD_DEFAULT || q->handle == RTLD_NEXT) {
		ask(RTLD_NEXT, q);
	}
	return answer;
}

/* Who asks the C library itself for dlsym() and its like gets ours, too. */
static struct entry_answer answer_loader(const struct question *q, void *go_on)
{
	void *symbol = ask(q->handle, q);
	void *stand_in = symbol ? loaders_stand_in(q->name, symbol) : NULL;

	return (struct entry_answer){ stand_in ? NULL : go_on, stand_in };
}

/* Where nothing is known of us, nothing of ours would be found. */
static struct entry_answer answer_client(const struct question *q, void *go_on)
{
	void *symbol = real_dlsym(RTLD_DEFAULT, q->name);

	return (struct entry_answer){ symbol ? NULL : go_on, symbol };
}

/* Does an object of our own namespace come before us? Asked of no one: malloc() may be waiting. */
static bool is_before_us(const struct link_map *map)
{
	const struct link_map *before = image_at(entry_name, NULL, NULL);

	while (before && before != map)
		before = before->l_prev;
	return before != NULL;
}

/* By its version the C library's is found, though ours comes first. Who is behind us wants to get there. */
static bool is_for_loader(const struct question *q)
{
	return q->name[0] == 'd' && loaders_has(q->name) &&
	       (q->handle != RTLD_NEXT || is_before_us(image_at(q->caller, NULL, NULL)));
}

static bool is_for_client(const struct question *q)
{
	return q->name[0] == 'l' && q->handle == RTLD_DEFAULT &&
	       strncmp(q->name, CLIENT_PREFIX, sizeof(CLIENT_PREFIX) - 1) == 0;
}

struct entry_answer entry_answer(void *handle, const char *name, const char *version,
				 const void *caller, enum loader_function asked)
{
	struct question q = { handle, name, asked == LOADER_DLVSYM ? version : NULL, caller };
	struct entry_answer answer = { 0 };
	int saved_errno = errno;

	init_ensure();
	/* Who gets in front of others' functions asks for the next ones, wherever he is, and opens none. */
	if (handle != RTLD_NEXT)
		look(handle);
	answer.go_on = loaders_original(asked, caller);
	if (unlikely(name[0] == 'S') && strcmp(name, entry_name) == 0)
		answer = answer_entry(&q, answer.go_on);
	else if (unlikely(is_for_loader(&q)))
		answer = answer_loader(&q, answer.go_on);
	else if (unlikely(is_for_client(&q)))
		answer = answer_client(&q, answer.go_on);
	errno = saved_errno;
	return answer;
}

static NTSTATUS linked_entry(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
			     PULONG count)
{
	struct question q = { RTLD_DEFAULT, entry_name, NULL, __builtin_return_address(0) };
	void *real;

	init_ensure();
	look(RTLD_DEFAULT);
	real = loaders_original(LOADER_ENTRY, q.caller);
	if (!real)
		real = find_default(&q);
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
	named_unloaded();
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

static int close_library(void *handle)
{
	int (*real)(void *), result, saved_errno;

	init_ensure();
	real = (int (*)(void *))loaders_original(LOADER_DLCLOSE, __builtin_return_address(0));
	loaded_closing();
	result = real(handle);
	saved_errno = errno;
	note_unloaded();
	errno = saved_errno;
	return result;
}

EXPORT int dlclose(void *handle) __attribute__((alias("close_library")));
