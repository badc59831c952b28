/* SPDX-License-Identifier: MIT */
/*
 * The sites of the calls that a command makes (include/site.h): what a sweep lets fail, one after the
 * other.
 *
 * For one thread at a time. A zeroed struct is empty.
 */
#ifndef LSATRACE_VIEWER_SITES_SITES_H
#define LSATRACE_VIEWER_SITES_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/findings/fingerprint.h"

struct model;
struct symbols;
struct trace_event;
struct trouble;

struct site_calls {
	char *function; /* the slot */
	uint64_t site;
	struct fingerprint print;
	char *where;      /* "function at file.c:12", of the innermost frame of the package */
	uint64_t calls;   /* how many came from there */
	bool can_succeed; /* not all of them failed */
};

struct sites {
	struct site_calls *all; /* in the order of their first calls */
	size_t count, room;
	uint32_t *index; /* for sites.c: a hash table of numbers + 1 */
	size_t index_size;
};

/*
 * Adds the sites of the retained calls of a trace. `each`, if it is not NULL, gets the number of the site of
 * each call, in their order. Returns false with the trouble filled in if the ring could not be read.
 */
bool sites_add(struct sites *s, const struct model *model, struct symbols *symbols,
	       void (*each)(void *context, size_t site, const struct trace_event *call),
	       void *context, struct trouble *trouble);
void sites_release(struct sites *s);

#endif
