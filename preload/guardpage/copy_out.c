/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/base/vm.h"
#include "preload/file/trace.h"
#include "preload/guardpage/calls.h"
#include "preload/guardpage/copy_out.h"
#include "preload/guardpage/guarded.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

enum {
	MOVES_MOST = 1 << 16,    /* blocks in one call */
	SCAN_BYTES_MOST = 65536, /* of one block, as in transfer.c */
};

struct move {
	void *block;
	uint64_t *copy;
	size_t words; /* of the copy, in which pointers are looked for */
};

/* The blocks that have a copy, in the order in which they were found. */
struct moves {
	struct move *all; /* NULL: none yet */
	size_t count;
	enum convention convention; /* of the host */
};

static size_t words_of(uint64_t bytes)
{
	return (bytes < SCAN_BYTES_MOST ? bytes : SCAN_BYTES_MOST) / sizeof(uint64_t);
}

static bool has_host(enum convention convention)
{
	return calls_host[convention][SLOT_AllocateLsaHeap] != NULL;
}

static void *allocate_copy(enum convention convention, uint64_t bytes)
{
	if (!has_host(convention) || bytes > UINT32_MAX)
		return NULL;
	return convention == CONVENTION_MS ? calls_allocate_lsa_ms((ULONG)bytes)
					   : calls_allocate_lsa_sysv((ULONG)bytes);
}

static void count_unmoved(void)
{
	if (trace_is_mine())
		__atomic_add_fetch(&trace_header->unmoved, 1, __ATOMIC_RELAXED);
}

/* Reserved only when needed: stacks may be small, and most often there is nothing to move. */
static bool has_room(struct moves *m)
{
	if (!m->all)
		m->all = vm_reserve(MOVES_MOST * sizeof(*m->all));
	return m->all && m->count < MOVES_MOST;
}

/* Copies a block, if it is a guarded one of the LSA's heap that has no copy yet. */
static void copy_block(struct moves *m, void *block)
{
	uint64_t bytes;
	void *copy;

	if (!guarded_is_block(FAMILY_LSA_HEAP, block, &bytes) || guarded_copy_of(block))
		return;
	copy = has_room(m) ? allocate_copy(m->convention, bytes) : NULL;
	if (!copy) {
		count_unmoved();
		return;
	}
	memcpy(copy, block, bytes);
	guarded_note_copy(block, copy);
	m->all[m->count++] = (struct move){ block, copy, words_of(bytes) };
}

static void copy_all_in(struct moves *m, const uint64_t *word, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (word[i])
			copy_block(m, (void *)(uintptr_t)word[i]);
}

static void redirect_words(uint64_t *word, size_t words)
{
	for (size_t i = 0; i < words; i++) {
		void *copy = guarded_copy_of((const void *)(uintptr_t)word[i]);

		if (copy)
			word[i] = (uint64_t)(uintptr_t)copy;
	}
}

/* Copies all blocks that the words point to, directly or by other blocks; then redirects the
 * pointers to them. */
static void move_words(uint64_t *word, size_t words, enum convention convention)
{
	struct moves m = { .convention = convention };
	int saved_errno = errno;

	copy_all_in(&m, word, words);
	for (size_t i = 0; i < m.count; i++)
		copy_all_in(&m, m.all[i].copy, m.all[i].words);
	redirect_words(word, words);
	for (size_t i = 0; i < m.count; i++)
		redirect_words(m.all[i].copy, m.all[i].words);
	for (size_t i = 0; i < m.count; i++)
		guarded_free_heap(FAMILY_LSA_HEAP, m.all[i].block);
	if (m.all)
		munmap(m.all, MOVES_MOST * sizeof(*m.all));
	errno = saved_errno;
}

void copy_out_block(void **place, enum convention convention)
{
	if (place && *place && has_host(convention))
		move_words((uint64_t *)place, 1, convention);
}

void copy_out_contents(void *structure, size_t bytes, enum convention convention)
{
	if (structure && has_host(convention))
		move_words(structure, maps_readable(structure, bytes) / sizeof(uint64_t),
			   convention);
}
