/* SPDX-License-Identifier: MIT */
#ifndef LSATRACE_H
#define LSATRACE_H

/*
 * Functions for hosts, packages and tests that use lsatrace on purpose. You need not link anything.
 * In a process that is not traced, these functions do nothing. Any thread may call them. They keep
 * errno. No Windows type is used or defined here, so this header stands beside any that does.
 */

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns a function of liblsatrace.so, or NULL if the library is not loaded. Looks it up only
 * once: `kept` is a static variable of the caller. */
static inline void *lsatrace_find(const char *name, void **kept)
{
	void *found = __atomic_load_n(kept, __ATOMIC_RELAXED);

	if (!found) {
		found = dlsym(NULL, name); /* RTLD_DEFAULT */
		if (!found) {
			dlerror(); /* so that nobody else sees this error */
			found = kept;
		}
		__atomic_store_n(kept, found, __ATOMIC_RELAXED);
	}
	return found == kept ? NULL : found;
}

/* The length of the longest LSA_SECPKG_FUNCTION_TABLE known: 52 slots. */
#define LSATRACE_TABLE_BYTES (52 * sizeof(void *))

/*
 * Traces a table that the host gives to packages in a way that lsatrace does not know. The table is
 * changed in place, even if it is constant. Its calls belong to a package with the name "table".
 * Call this after the table has been filled and before anybody copies it, and again each time it
 * has been filled again. An older, shorter table must not be followed by addresses of functions.
 * What is freed and not known may be older than this call: it is not judged, and counted.
 */
static inline void lsatrace_hook_table(void *table)
{
	static void *kept;
	void *found = lsatrace_find("lsatrace_client_hook_table", &kept);
	void (*hook)(void *, size_t);

	if (!found)
		return;
	memcpy(&hook, &found, sizeof(hook));
	hook(table, LSATRACE_TABLE_BYTES);
}

/* Sets a checkpoint, or moves it to now. A name has at most 127 characters. The last 256
 * checkpoints are kept. */
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
 * Returns the number of blocks and sections, of all packages, that were made since a checkpoint and
 * are still live. A name that is not set stands for the beginning, so that a wrong name hides no
 * leak.
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

/*
 * Says that a live block or section is meant to live for ever: from now on it is no leak, and reports
 * count it as ignored. The blocks of a section are not concerned. An address at which nothing is
 * live changes nothing. What is freed later is judged as ever.
 */
static inline void lsatrace_ignore(const void *memory)
{
	static void *kept;
	void *found = lsatrace_find("lsatrace_client_ignore", &kept);
	void (*ignore)(const void *);

	if (!found)
		return;
	memcpy(&ignore, &found, sizeof(ignore));
	ignore(memory);
}

#ifdef __cplusplus
}

/* Sets a checkpoint when it is made, and counts since then: lsatrace_scope scope("name"); ...;
 * assert(scope.leaks() == 0). The name must live as long. */
class lsatrace_scope
{
      public:
	explicit lsatrace_scope(const char *name) : name_(name)
	{
		lsatrace_checkpoint(name);
	}
	size_t leaks() const
	{
		return lsatrace_leaks_since(name_);
	}

      private:
	const char *name_;
};
#endif

#endif
