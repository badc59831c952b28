/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "backtrace.h"
#include "config.h"
#include "guard.h"
#include "lanes.h"
#include "real.h"
#include "stacks.h"
#include "trace.h"
#include "tree.h"
#include "unwind.h"

#include "poison.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

enum {
	OWN_FRAMES = 64
}; /* of the tracer on the stack: some for each package that called another */

static int (*unwinder)(void **, int);
static void (*flush)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space;
static int (*start_at)(unw_cursor_t *, unw_context_t *, int);
static int (*step)(unw_cursor_t *);
static int (*get_register)(unw_cursor_t *, int, unw_word_t *);
static uint64_t own_start, own_end; /* where the tracer's own code lies */

static int find_self(struct dl_phdr_info *info, size_t size, void *unused)
{
	uint64_t here = (uint64_t)(uintptr_t)&find_self;

	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || here < start || here >= start + p->p_memsz)
			continue;
		own_start = start;
		own_end = start + p->p_memsz;
		return 1;
	}
	return 0;
}

bool backtrace_init(const char **why)
{
	void *library = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	void *warm[4];

	*why = "libunwind.so.8 cannot be loaded";
	if (!library)
		return false;
	unwinder = (int (*)(void **, int))real_dlsym(library, "unw_backtrace");
	flush = (void (*)(unw_addr_space_t, unw_word_t, unw_word_t))real_dlsym(
		library, NAME_OF(unw_flush_cache));
	local_space = real_dlsym(library, NAME_OF(unw_local_addr_space));
	start_at = (int (*)(unw_cursor_t *, unw_context_t *, int))real_dlsym(
		library, NAME_OF(unw_init_local2));
	step = (int (*)(unw_cursor_t *))real_dlsym(library, NAME_OF(unw_step));
	get_register = (int (*)(unw_cursor_t *, int, unw_word_t *))real_dlsym(library,
									      NAME_OF(unw_get_reg));
	if (!unwinder || !flush || !local_space || !start_at || !step || !get_register)
		return false;
	dl_iterate_phdr(find_self, NULL);
	unwinder(warm, 4);
	return true;
}

static bool is_own(uint64_t pc)
{
	return pc >= own_start && pc < own_end;
}

/* Waits while a thread forks, as malloc() does. */
static void enter_libunwind(uint32_t *unwinding)
{
	unsigned turn = 0;

	for (;;) {
		__atomic_store_n(unwinding, 1, __ATOMIC_SEQ_CST);
		if (likely(!__atomic_load_n(&guard->fork_gate, __ATOMIC_SEQ_CST)))
			return;
		__atomic_store_n(unwinding, 0, __ATOMIC_SEQ_CST);
		if (!guard_pause(turn++))
			return;
	}
}

/* Drops the tracer's own frames, which are innermost and where a package was called through us. What
 * does not lead to the caller is not believed. */
static void trim(struct backtrace *b, uint32_t found, uint32_t depth, uint64_t caller)
{
	uint32_t frames = 0;

	for (uint32_t i = 0; i < found; i++)
		if (!is_own(b->pc[i]))
			b->pc[frames++] = b->pc[i];
	b->truncated = frames > depth;
	b->frames = b->truncated ? depth : frames;
	if (likely(frames > 0 && (b->pc[0] == caller || is_own(caller))))
		return;
	b->frames = 1;
	b->truncated = true;
	b->pc[0] = caller;
}

static void take_by_libunwind(struct backtrace *b, struct lane *lane, const void *frame_address)
{
	uint64_t caller = ((const uint64_t *)frame_address)[1];
	int found;

	enter_libunwind(&lane->unwinding);
	found = unwinder((void **)b->pc, (int)(config->depth + OWN_FRAMES));
	__atomic_store_n(&lane->unwinding, 0, __ATOMIC_RELEASE);
	trim(b, found > 0 ? (uint32_t)found : 0, config->depth, caller);
}

/* The innermost frames of the history. */
static void take_from_history(struct backtrace *b, const struct unwind_history *h)
{
	b->frames = 0;
	b->truncated = false;
	for (uint32_t i = h->frames; i > 0; i--) {
		if (is_own(h->pc[i - 1]))
			continue;
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = h->pc[i - 1];
	}
}

static bool is_same(const struct backtrace *a, const struct backtrace *b)
{
	return a->frames == b->frames && a->truncated == b->truncated &&
	       memcmp(a->pc, b->pc, a->frames * sizeof(a->pc[0])) == 0;
}

static uint32_t find(const struct backtrace *b, uint64_t *caller)
{
	*caller = b->pc[0];
	return stacks_find(b);
}

/* Takes it by libunwind as well, which is believed. */
static __attribute__((noinline)) uint32_t take_checked(struct lane *lane, const void *frame_address,
						       uint64_t *caller)
{
	struct backtrace b, ours;
	bool plain = unwind_take(lane->history, frame_address, own_start, own_end);

	take_by_libunwind(&b, lane, frame_address);
	if (!plain)
		return find(&b, caller);
	take_from_history(&ours, lane->history);
	__atomic_add_fetch(&trace_header->unwind_checked, 1, __ATOMIC_RELAXED);
	if (!is_same(&ours, &b))
		__atomic_add_fetch(&trace_header->unwind_differences, 1, __ATOMIC_RELAXED);
	return find(&b, caller);
}

static __attribute__((noinline)) uint32_t take_in_full(struct lane *lane, const void *frame_address,
						       uint64_t *caller)
{
	struct backtrace b;

	lane->history->frames = 0;
	take_by_libunwind(&b, lane, frame_address);
	return find(&b, caller);
}

/* The stack that ends in a node of the tree, seen for the first time; or the tree is full. */
static __attribute__((noinline)) uint32_t store(struct lane *lane, uint32_t node, uint64_t *caller)
{
	struct backtrace b;
	uint32_t stack;

	take_from_history(&b, lane->history);
	if (b.frames == 0)
		return 0;
	stack = find(&b, caller);
	if (node && stack)
		tree_set_stack(node, stack);
	return stack;
}

uint32_t backtrace_take(struct lane *lane, const void *frame_address, uint64_t *caller)
{
	struct unwind_history *h = lane->history;
	uint32_t node, stack;

	if (unlikely(config->unwind == UNWIND_CHECK))
		return take_checked(lane, frame_address, caller);
	if (unlikely(config->unwind == UNWIND_LIBUNWIND) ||
	    unlikely(!unwind_take(h, frame_address, own_start, own_end)))
		return take_in_full(lane, frame_address, caller);
	node = h->node[h->frames - 1];
	stack = likely(node && !(node >> 31)) ? tree_stack(node) : 0;
	*caller = ((const uint64_t *)frame_address)[1];
	return likely(stack && !is_own(*caller)) ? stack : store(lane, node, caller);
}

/* Goes on from the cursor's frame; the tracer's own are left out. */
static void take_all(struct backtrace *b, unw_cursor_t *cursor)
{
	unw_word_t pc;

	do {
		if (get_register(cursor, UNW_REG_IP, &pc) != 0 || pc == 0)
			return;
		if (is_own(pc))
			continue;
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = pc;
	} while (step(cursor) > 0);
}

uint32_t backtrace_take_at(const ucontext_t *context)
{
	uint64_t at = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	struct backtrace b = { 0 };
	unw_cursor_t cursor;

	if (start_at(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME) == 0)
		take_all(&b, &cursor);
	if (b.frames == 0)
		b.pc[b.frames++] = at;
	/* Frames are return addresses: as if what was interrupted were a call. */
	if (b.pc[0] == at)
		b.pc[0]++;
	return stacks_find(&b);
}

bool backtrace_has(const struct lane *lane, uint64_t pc)
{
	const struct unwind_history *h = lane->history;

	for (uint32_t i = 0; i < h->frames; i++)
		if (h->pc[i] == pc)
			return true;
	return h->frames == 0;
}

void backtrace_before_fork(void)
{
	__atomic_store_n(&guard->fork_gate, 1, __ATOMIC_SEQ_CST);
	lanes_await_unwinders();
}

void backtrace_after_fork(void)
{
	__atomic_store_n(&guard->fork_gate, 0, __ATOMIC_SEQ_CST);
}

void backtrace_forget(void)
{
	cfi_forget();
	tree_forget();
	if (flush)
		flush(*local_space, 0, 0);
}
