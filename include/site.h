/* SPDX-License-Identifier: MIT */
/*
 * The site of a call: a number for its slot and its stack, for --fail=SLOT:site=SITE. It is equal in each
 * run of the same binaries, wherever they are loaded, and as long as the same calls lead there.
 *
 * It is made of the slot's name, and of the frames of the stack from the innermost one to the outermost
 * one of the package's library: so it does not matter how the host came to call the package. If no
 * frame is of that library, all frames count. A frame is its module (name of the file without folders,
 * build-id) and the offset in it; without a module, its address does not count.
 *
 * Both halves compute it, from the records of a trace. Pure.
 */
#ifndef LSATRACE_SITE_H
#define LSATRACE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "trace_format.h"

struct site {
	uint64_t all; /* of the frames so far */
	uint64_t own; /* of the frames up to the outermost one of the package; 0: there is none yet */
};

/* FNV-1a. */
static inline uint64_t site_bytes(uint64_t hash, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ at[i]) * 0x100000001b3u;
	return hash;
}

/* The bytes of a number, the lowest one first. */
static inline uint64_t site_word(uint64_t hash, uint64_t word)
{
	for (unsigned bit = 0; bit < 64; bit += 8)
		hash = (hash ^ (word >> bit & 0xff)) * 0x100000001b3u;
	return hash;
}

#define SITE_START 0xcbf29ce484222325u

/* What of a module counts. Never 0. */
static inline uint64_t site_module(const struct trace_module *m)
{
	const char *slash = memrchr(m->path, '/', m->path_bytes);
	const char *name = slash ? slash + 1 : m->path;
	uint64_t hash = site_bytes(SITE_START, name, (size_t)(m->path + m->path_bytes - name));

	return site_bytes(hash, m->build_id, m->build_id_bytes) | 1;
}

static inline struct site site_begin(const char *slot)
{
	return (struct site){ site_bytes(SITE_START, slot, strlen(slot)), 0 };
}

/* The next frame. `module` is its site_module(), 0: it has none; `offset` is that of a trace_stack. */
static inline void site_add(struct site *s, uint64_t module, uint64_t offset, bool is_own)
{
	s->all = site_word(site_word(s->all, module), module ? offset : 0);
	if (is_own)
		s->own = s->all;
}

static inline uint64_t site_end(const struct site *s)
{
	return s->own ? s->own : s->all;
}

#endif
