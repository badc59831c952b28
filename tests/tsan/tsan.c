/* SPDX-License-Identifier: MIT */
/*
 * Does at once, in many threads, what calls do to the modules that threads share: the ledger, lanes,
 * chunks, findings, stacks and the tree of them, the list of PE images and the cold lock. `make tsan` builds it with the thread sanitizer, which reports
 * each access that is not ordered. Criterion cannot run under that sanitizer.
 *
 *	tsan [TURNS]
 *
 * At the end the ledger must agree with what the threads have left live.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "include/slots.h"
#include "preload/base/lock.h"
#include "preload/call/event.h"
#include "preload/capture/stacks.h"
#include "preload/capture/tree.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/ring.h"
#include "preload/host/images.h"
#include "preload/host/pe_list.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/judge.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"
#include "tests/support/preload_fixture.h"

enum {
	THREADS = 4,
	GENERATIONS = 8, /* of threads, so that lanes change their owner */
	PLACES = 300,    /* addresses at which a thread allocates */
	SECTIONS = 3,    /* that all use, and one of which each thread deletes */
	RING = 1 << 20,  /* so small that chunks are used again */
};

static unsigned turns = 3000;
static unsigned long under_lock, locked; /* the first one is changed under the cold lock only */
static unsigned long live;               /* blocks that the threads have left */

static void must(bool is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "tsan: %s\n", what);
	exit(1);
}

struct worker {
	struct lane *lane;
	uint64_t thread, random;
	bool is_live[PLACES];
};

static uint32_t random_below(struct worker *w, uint32_t bound)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % bound;
}

static uint64_t address_of(uint64_t thread, uint32_t place)
{
	return (thread + 1) << 32 | place << 6;
}

static uint64_t handle_of(uint32_t section)
{
	return (uint64_t)(section + 1) << 20;
}

static void record(struct worker *w, uint64_t address)
{
	const struct trace_event what = { .address = address, .function = SLOT_AllocateLsaHeap };
	struct trace_event *event = event_write(w->lane, &what);

	if (event)
		ring_commit(event, TRACE_EVENT_COMMITTED);
	event_count(w->lane, 0, SLOT_AllocateLsaHeap, false, 8);
}

static void allocate(struct worker *w, uint32_t place, uint64_t scope)
{
	const struct ledger_entry what = {
		.address = address_of(w->thread, place),
		.size = 1 + random_below(w, 600),
		.scope = scope,
		.space = SPACE_BLOCK,
		.family = scope ? FAMILY_SHARED_MEMORY : FAMILY_LSA_HEAP,
	};

	must(ledger_enter_again(w->lane, what, lookup_expect(SPACE_BLOCK, what.address, 0)),
	     "no room");
	record(w, what.address);
}

static enum trace_kind free_at(struct worker *w, uint64_t address)
{
	const struct free_call call = { .memory = address, .family = FAMILY_LSA_HEAP };
	struct verdict verdict;

	if (judge_release_if_right(w->lane, &call, lookup_expect(SPACE_BLOCK, address, 0), 1))
		return TRACE_KIND_NONE;
	do {
		judge_free(&call, &verdict);
	} while (verdict.release && !release_now(w->lane, &verdict.block, 1));
	return verdict.kind;
}

/* A block of its own on the heap, which no other thread frees. */
static void use_heap(struct worker *w)
{
	uint32_t place = random_below(w, PLACES / 2);

	if (w->is_live[place])
		must(free_at(w, address_of(w->thread, place)) == TRACE_KIND_NONE, "accused");
	else
		allocate(w, place, 0);
	w->is_live[place] = !w->is_live[place];
}

static void free_wrongly(struct worker *w)
{
	uint64_t address = address_of(random_below(w, THREADS), PLACES + random_below(w, PLACES));
	struct trace_finding finding = { .kind = TRACE_KIND_INVALID_FREE, .count = 1 };

	must(free_at(w, address) != TRACE_KIND_NONE, "not found");
	finding.stack[TRACE_STACK_CALL] = random_below(w, 500);
	findings_note(&finding);
	lookup_find_around(SPACE_BLOCK, address_of(1, random_below(w, PLACES)) + 3, 0,
			   &(struct ledger_view){ 0 });
	lookup_find_client(address, &(struct ledger_view){ 0 });
}

static void ignore_block(const struct ledger_view *block, void *unused)
{
	(void)block, (void)unused;
}

static void make_again(struct worker *w, uint32_t section)
{
	const struct ledger_entry what = { .address = handle_of(section),
					   .size = 4096,
					   .space = SPACE_SECTION,
					   .family = FAMILY_SHARED_MEMORY };
	struct ledger_view view;

	if (judge_handle(what.address, &view) == HANDLE_LIVE && release_begin(&view)) {
		deletion_begin(&view);
		deletion_finish(w->lane, &view, random_below(w, 2), 1, ignore_block, NULL);
		release_finish(w->lane, &view, true, 1);
	}
	ledger_enter(w->lane, &what, NULL);
}

/* Blocks of a section that any thread may delete, or whose block any thread may free. */
static void use_section(struct worker *w)
{
	uint64_t handle = handle_of(random_below(w, SECTIONS)), scope = scopes_find(w->lane, handle);
	uint32_t place = PLACES / 2 + random_below(w, PLACES / 2);
	const struct free_call call = { address_of(random_below(w, THREADS), place), handle,
					FAMILY_SHARED_MEMORY, 0, false };

	if (scope)
		allocate(w, place, scope);
	judge_release_if_right(w->lane, &call, lookup_expect(SPACE_BLOCK, call.memory, 0), 1);
}

/* Two images lie at each place in turn, of which no part is the other's. */
static void use_images(struct worker *w)
{
	uint64_t base = handle_of(random_below(w, SECTIONS));
	uint32_t number, stamp = random_below(w, 2) ? UINT32_MAX : 1;
	struct pe_image image = {
		.base = base,
		.bytes = 4096,
		.id = { .stamp = stamp, .image_size = stamp, .check_sum = stamp, .pdb_age = stamp },
	};
	struct pe_listed listed;

	if (random_below(w, 8) == 0) {
		while (pe_list_remove(base, base + 1, &number))
			;
		must(pe_list_add(&image), "no room for an image");
	}
	if (pe_list_find(base + 8, &listed) && pe_list_copy(&listed, &image))
		must(image.base == base && image.id.stamp == image.id.image_size &&
			     image.id.stamp == image.id.check_sum &&
			     image.id.stamp == image.id.pdb_age,
		     "a mixture of images");
}

/* A stack of several hundred that all threads store, and its path in the tree. */
static void use_stacks(struct worker *w)
{
	struct backtrace b = { .frames = 4 };
	uint64_t number = random_below(w, 400);
	uint32_t node = tree_root(images_epoch());
	bool is_new = false;

	for (uint32_t i = b.frames; i-- > 0; number /= 8) {
		b.pc[i] = (uint64_t)(uintptr_t)&use_stacks + 1 + number;
		node = tree_child(node, b.pc[i], &is_new);
	}
	must(node && stacks_find(&b), "no room for a stack");
	must(tree_is_at(node, b.pc[0]), "another node");
}

static void use_lock(void)
{
	if (!lock_take(LOCK_COLD))
		return;
	under_lock++;
	lock_release(LOCK_COLD);
	__atomic_add_fetch(&locked, 1, __ATOMIC_RELAXED);
}

static void *work(void *number)
{
	struct worker w = { .lane = lanes_mine(), .thread = (uintptr_t)number };

	must(w.lane, "no lane");
	w.random = w.thread + 1;
	for (unsigned i = 0; i < turns; i++) {
		lanes_advance(w.lane, clock_ticks());
		use_heap(&w);
		use_section(&w);
		use_images(&w);
		use_stacks(&w);
		if (i % 8 == 0)
			free_wrongly(&w);
		if (i % 64 == 0)
			make_again(&w, random_below(&w, SECTIONS));
		if (i % 64 == 1)
			use_lock();
		if (i % 512 == 0)
			checkpoints_count_since(0);
	}
	for (uint32_t place = 0; place < PLACES / 2; place++)
		__atomic_add_fetch(&live, w.is_live[place], __ATOMIC_RELAXED);
	for (uint32_t place = 0; place < PLACES / 2; place++)
		if (w.is_live[place] && place % 2)
			must(free_at(&w, address_of(w.thread, place)) == TRACE_KIND_NONE,
			     "accused");
		else
			w.is_live[place] = false;
	for (uint32_t place = 0; place < PLACES / 2; place++)
		__atomic_sub_fetch(&live, w.is_live[place], __ATOMIC_RELAXED);
	return NULL;
}

/* The threads of a generation allocate where those of the one before have left blocks. */
static unsigned long count_heap(void)
{
	unsigned long count = 0;
	struct ledger_view view;

	for (uint64_t thread = 0; thread < THREADS; thread++)
		for (uint32_t place = 0; place < PLACES / 2; place++)
			count += lookup_find(SPACE_BLOCK, address_of(thread, place), 0, &view) &&
				 ledger_is_live(&view);
	return count;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		turns = (unsigned)strtoul(argv[1], NULL, 0);
	preload_start(RING);
	for (int i = 0; i < GENERATIONS; i++) {
		live = 0;
		preload_run_threads(THREADS, work);
	}
	must(count_heap() >= live, "the ledger lacks blocks");
	must(under_lock == locked, "two threads had the lock");
	must(!gaps_exist(), "there is a gap");
	printf("tsan: %u threads, %u turns each: no fault\n", (unsigned)THREADS * GENERATIONS,
	       turns);
	return 0;
}
