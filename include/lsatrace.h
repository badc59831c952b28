/* SPDX-License-Identifier: MIT */
#ifndef LSATRACE_H
#define LSATRACE_H

/*
 * For hosts, packages and their tests that know of lsatrace. Nothing needs to be linked: in a process
 * that is not traced these functions do nothing. Any thread; errno stays as it is.
 */

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "secpkg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What liblsatrace.so exports under a name, looked up once; NULL: it is not there. `kept` is zero at
 * first. */
static inline void *lsatrace_find(const char *name, void **kept)
{
	void *found = __atomic_load_n(kept, __ATOMIC_RELAXED);

	if (!found) {
		found = dlsym(NULL, name); /* RTLD_DEFAULT */
		if (!found) {
			dlerror(); /* nobody else is to hear of it */
			found = kept;
		}
		__atomic_store_n(kept, found, __ATOMIC_RELAXED);
	}
	return found == kept ? NULL : found;
}

/*
 * Traces a table that reaches packages in a way of the host's own. It is changed where it lies, also if
 * it is constant: its calls are those of a package of the name "table". To be called once it is filled,
 * and before anybody copies it; again when it has been filled anew.
 */
static inline void lsatrace_hook_table(LSA_SECPKG_FUNCTION_TABLE *table)
{
	static void *kept;
	void *found = lsatrace_find("lsatrace_client_hook_table", &kept);
	void (*hook)(void *, size_t);

	if (!found)
		return;
	memcpy(&hook, &found, sizeof(hook));
	hook(table, sizeof(*table));
}

/* Sets a mark in time, or moves it. A name has up to 127 characters; the last 256 marks are kept. */
static inline void lsatrace_checkpoint(const char *name)
{
	static void *kept;
	void *found = lsatrace_find("lsatrace_client_checkpoint", &kept);
	void (*set)(const char *);

	if (!found)
		return;
	memcpy(&set, &found, sizeof(set));
	set(name);
}

/*
 * How many blocks and sections of all packages were made since a checkpoint and are still live. A
 * checkpoint that was never set is the beginning: a mistyped name hides no leak.
 */
static inline size_t lsatrace_leaks_since(const char *checkpoint)
{
	static void *kept;
	void *found = lsatrace_find("lsatrace_client_leaks_since", &kept);
	size_t (*count)(const char *);

	if (!found)
		return 0;
	memcpy(&count, &found, sizeof(count));
	return count(checkpoint);
}

#ifdef __cplusplus
}
#endif

#endif
