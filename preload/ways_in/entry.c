/* SPDX-License-Identifier: MIT */
/*
 * The ways to a package: dlsym() and dlvsym() for one of its entry points, and the symbols themselves,
 * for hosts that are linked to a package.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "include/secpkg.h"
#include "preload/base/config.h"
#include "preload/base/reentry.h"
#include "preload/host/elf_image.h"
#include "preload/host/real.h"
#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/ways_in/client.h"
#include "preload/ways_in/entry.h"
#include "preload/ways_in/entry_points.h"
#include "preload/ways_in/got_hooks.h"
#include "preload/ways_in/link_maps.h"
#include "preload/ways_in/table_symbols.h"
#include "preload/ways_in/unload.h"

#include "preload/base/poison.h"

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

/* What was asked, by whom. */
struct question {
	const struct entry_point *entry; /* NULL: it is none of them that was asked for */
	void *handle;
	const char *name;
	const char *version; /* NULL: the default one */
	const void *caller;
};

static void *ask(void *handle, const struct question *q)
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

/* The symbol in one loaded object or in what that needs; NULL: not there. */
static void *find_in(const struct link_map *map, const struct question *q)
{
	void *handle = dlmopen(namespace_of(map), map->l_name, RTLD_LAZY | RTLD_NOLOAD);
	void *symbol = NULL;

	if (handle) {
		symbol = ask(handle, q);
		real_dlclose(handle);
	}
	return is_ours(symbol, q) ? NULL : symbol;
}

/* The first image of a namespace, from any other one. Under the loader's lock. */
static void go_to_first(void *map)
{
	const struct link_map **at = map;

	while ((*at)->l_prev)
		*at = (*at)->l_prev;
}

/* The global scope of a namespace other than our own: what it began with, and what that needs. */
static void *find_elsewhere(const struct link_map *map, const struct question *q)
{
	link_maps_run(go_to_first, &map);
	return find_in(map, q);
}

/* RTLD_DEFAULT for a caller: the global scope, then its own. Our own symbol stands for the next. */
static void *find_default(const struct question *q)
{
	const struct link_map *map = elf_image_map_at(q->caller);
	bool is_elsewhere = map && namespace_of(map) != LM_ID_BASE;
	void *symbol = is_elsewhere ? find_elsewhere(map, q) : ask(RTLD_DEFAULT, q);

	if (is_ours(symbol, q))
		symbol = ask(RTLD_NEXT, q);
	if (!symbol && map && map->l_name[0])
		symbol = find_in(map, q);
	return symbol;
}

/* The last of the objects that the program began with, which can see each other. */
static const struct link_map *last_at_start;

/* An entry point that is not asked for by dlsym(). */
static struct question about(const struct entry_point *e, const void *caller)
{
	return (struct question){ e, RTLD_DEFAULT, e->name, NULL, caller };
}

/* A package may have its own exports in its table, and the linker found ours for them. */
static void *behind_export(void *function, const void *code)
{
	for (int i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (function == entry_points[i].linked) {
			struct question q = about(&entry_points[i], code);
			void *real = find_default(&q);

			return real ? real : function;
		}
	return function;
}

void entry_init(void)
{
	static void *const ours[] = {
		[LOADER_DLSYM] = (void *)entry_dlsym,
		[LOADER_DLVSYM] = (void *)entry_dlvsym,
		[LOADER_DLCLOSE] = (void *)entry_dlclose,
		[LOADER_ENTRY] = (void *)linked_SpLsaModeInitialize,
	};

	for (const struct link_map *map = elf_image_map_at(entry_points); map; map = map->l_next)
		last_at_start = map;
	got_hooks_init(ours);
	lsa_mode_init(behind_export);
}

/* Those that the program began with stay, so that their list may be walked. */
static bool was_there_at_start(const struct link_map *sought)
{
	const struct link_map *map = elf_image_first();

	while (map && map != sought && map != last_at_start)
		map = map->l_next;
	return map == sought;
}

/*
 * RTLD_NEXT for a caller: the first in an object behind its own. For the executable and for us that
 * is what the loader says when we ask; what the program began with follows each other; what came
 * later sees what it needs itself.
 */
static void *find_next(const struct question *q)
{
	const struct link_map *map = elf_image_map_at(q->caller);

	if (!map || !map->l_name[0] || map == elf_image_map_at(entry_points))
		return ask(RTLD_NEXT, q);
	if (!was_there_at_start(map)) {
		void *symbol = find_in(map, q);

		return symbol && elf_image_map_at(symbol) != map ? symbol : NULL;
	}
	while (map != last_at_start) {
		void *symbol;

		map = map->l_next;
		symbol = find_in(map, q);
		if (symbol && elf_image_map_at(symbol) == map)
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
	return is_ours(symbol, q) ? ask(RTLD_NEXT, q) : symbol;
}

/* What the host gets in place of a package's own. */
static void *in_place_of(const struct entry_point *e, void *real)
{
	if (e->kind == ENTRY_IS_EXPORT)
		return lsa_ap_function_for(real, e->export);
	return lsa_mode_entry_for(real, e->kind == ENTRY_IS_USER_MODE ? LIBRARY_USER : LIBRARY_LSA);
}

static bool has_started;

static bool look_at(const struct link_map *map, bool is_base)
{
	bool is_no_loader = got_hooks_patch(map, is_base);

	return table_symbols_find(map, is_base) && is_no_loader;
}

static void look(const void *handle)
{
	link_maps_look(handle, look_at);
	if (likely(has_started))
		table_symbols_hook();
}

void entry_start(void)
{
	has_started = true;
	if (config->tables)
		look(RTLD_DEFAULT);
}

static bool is_elsewhere(const void *caller)
{
	const struct link_map *map = elf_image_map_at(caller);

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
		answer.symbol = in_place_of(q->entry, answer.symbol);
	} else if (q->handle == RTLD_DEFAULT || q->handle == RTLD_NEXT) {
		ask(RTLD_NEXT, q);
	}
	return answer;
}

/* Who asks the C library itself for dlsym() and its like gets ours, too. */
static struct entry_answer answer_loader(const struct question *q, void *go_on)
{
	void *symbol = ask(q->handle, q);
	void *stand_in = symbol ? got_hooks_stand_in(q->name, symbol) : NULL;

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
	const struct link_map *before = elf_image_map_at(entry_points);

	while (before && before != map)
		before = before->l_prev;
	return before != NULL;
}

/* By its version the C library's is found, though ours comes first. Who is behind us wants to get there. */
static bool is_for_loader(const struct question *q)
{
	return q->name[0] == 'd' && got_hooks_has(q->name) &&
	       (q->handle != RTLD_NEXT || (q->version && is_before_us(elf_image_map_at(q->caller))));
}

static bool is_for_client(const struct question *q)
{
	return q->name[0] == 'l' && q->handle == RTLD_DEFAULT &&
	       strncmp(q->name, CLIENT_PREFIX, sizeof(CLIENT_PREFIX) - 1) == 0;
}

/*
 * Is it no business of ours, and shows nothing that is new? Before anything has started, a sanitizer that
 * the host has in it asks for all that it gets in front of. It can be called for none of that yet, so
 * that we cannot do much ourselves.
 */
static bool is_in_passing(const struct question *q)
{
	return !has_started && (q->handle == RTLD_NEXT || q->handle == RTLD_DEFAULT) && !q->entry &&
	       !is_for_loader(q) && !is_for_client(q);
}

static struct question make_question(void *handle, const char *name, const char *version,
				     const void *caller, enum loader_function asked)
{
	return (struct question){ entry_point_named(name), handle, name,
				  asked == LOADER_DLVSYM ? version : NULL, caller };
}

bool entry_needs_init(void *handle, const char *name, const char *version, const void *caller,
		      enum loader_function asked)
{
	struct question q = make_question(handle, name, version, caller, asked);

	return !is_in_passing(&q);
}

struct entry_answer entry_answer(void *handle, const char *name, const char *version,
				 const void *caller, enum loader_function asked)
{
	struct question q = make_question(handle, name, version, caller, asked);
	struct entry_answer answer = { 0 };
	int saved_errno = errno;

	real_init();
	/* Who gets in front of others' functions asks for the next ones, wherever he is, and opens none. */
	if (likely(!is_in_passing(&q)) && handle != RTLD_NEXT)
		look(handle);
	answer.go_on = got_hooks_original(asked, caller);
	if (unlikely(q.entry))
		answer = answer_entry(&q, answer.go_on);
	else if (unlikely(is_for_loader(&q)))
		answer = answer_loader(&q, answer.go_on);
	else if (unlikely(is_for_client(&q)))
		answer = answer_client(&q, answer.go_on);
	errno = saved_errno;
	return answer;
}

static NTSTATUS not_found(void)
{
	return STATUS_ENTRYPOINT_NOT_FOUND;
}

/* What is defined under a name in the images behind ours. */
struct search {
	const char *name;
	void *found;
	bool is_several;
};

/* Under the loader's lock. */
static void search_all(void *data)
{
	struct search *s = data;
	const struct link_map *map = elf_image_map_at(entry_points);
	struct elf_dynamic dynamic;

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

/* The only one that there is, in whatever image; NULL: none, or several. A host may have our symbol from
 * a table that it did not get through us. */
static void *find_anywhere(const struct question *q)
{
	struct search s = { .name = q->name };

	link_maps_run(search_all, &s);
	return s.is_several ? NULL : s.found;
}

/* A package that logs on by another one of its own functions returns nothing to its host thereby. */
static bool is_inner_call(const struct entry_point *e, const void *real, const void *caller)
{
	return e->kind == ENTRY_IS_EXPORT && e->export != WRAPPED_InitializePackage &&
	       elf_image_map_at(real) == elf_image_map_at(caller);
}

void *entry_linked(uint32_t number, const void *caller)
{
	const struct entry_point *e = &entry_points[number];
	struct question q = about(e, caller);
	int saved_errno = errno;
	void *real;

	look(RTLD_DEFAULT);
	real = number == 0 ? got_hooks_original(LOADER_ENTRY, caller) : NULL;
	if (!real)
		real = find_default(&q);
	if (!real)
		real = find_anywhere(&q);
	if (!real)
		real = (void *)not_found;
	else if (!is_inner_call(e, real, caller))
		real = in_place_of(e, real);
	errno = saved_errno;
	return real;
}
