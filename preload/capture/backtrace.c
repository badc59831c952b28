/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <stddef.h>
#include <string.h>

#include "preload/base/config.h"
#include "preload/base/lock.h"
#include "preload/base/mask.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/stacks.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/file/lanes.h"
#include "preload/file/trace.h"
#include "preload/host/objects.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

#define LIBUNWIND "libunwind.so.8"

/* No code lies below: what an unwinder finds there is how a stack ends. */
#define LOWEST_CODE 0x4000u

enum { OWN_FRAMES = 12 }; /* more than there are, unless calls are nested in each other */

static int (*unwinder)(void **, int);
static int (*get_context)(unw_tdep_context_t *);
static int (*init_cursor)(unw_cursor_t *, unw_context_t *);
static int (*step_cursor)(unw_cursor_t *);
static int (*get_register)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
static void (*flush)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space;
/* How often the loader had unloaded something when that was last looked at, and when a thread first
 * called unw_backtrace(); one more, so that 0 is never. */
static uint64_t unloads;
static __thread uint64_t unloads_at_first;
static int (*start_at)(unw_cursor_t *, unw_context_t *, int);

static int find_self(struct dl_phdr_info *info, size_t size, void *unused)
{
	uint64_t here = (uint64_t)(uintptr_t)&find_self;

	(void)size, (void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type != PT_LOAD || here < start || here >= start + p->p_memsz)
			continue;
		unwind_own_start = start;
		unwind_own_bytes = p->p_memsz;
		return 1;
	}
	return 0;
}

static int read_unloads(struct dl_phdr_info *info, size_t size, void *count)
{
	(void)size;
	*(uint64_t *)count = info->dlpi_subs + 1;
	return 1;
}

/* Takes the loader's lock, which no signal handler may leave locked. */
static uint64_t count_unloads(void)
{
	uint64_t count = 1, blocked_before = mask_block(MASK_SENT);

	dl_iterate_phdr(read_unloads, &count);
	mask_restore(blocked_before);
	return count;
}

#define FIND(pointer, name) ((pointer) = (__typeof__(pointer))real_dlsym(library, name))

/* From 1.7 on libunwind can be told; it would forget what its host told it. */
static void ask_no_loader(void *library, bool is_of_host)
{
	void (*set)(unw_addr_space_t, int (*)(objects_visitor *, void *));

	if (!is_of_host && FIND(set, NAME_OF(UNW_OBJ(set_iterate_phdr_function))))
		set(*local_space, objects_visit);
	else
		objects_redirect(library);
}

bool backtrace_init(const char **why)
{
	void *of_host = dlopen(LIBUNWIND, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	void *library = dlopen(LIBUNWIND, RTLD_NOW | RTLD_LOCAL);
	void *warm[4];

	*why = LIBUNWIND " cannot be loaded";
	if (!library)
		return false;
	FIND(unwinder, "unw_backtrace");
	FIND(get_context, NAME_OF(unw_tdep_getcontext));
	FIND(start_at, NAME_OF(unw_init_local2));
	FIND(init_cursor, NAME_OF(unw_init_local));
	FIND(step_cursor, NAME_OF(unw_step));
	FIND(get_register, NAME_OF(unw_get_reg));
	FIND(flush, NAME_OF(unw_flush_cache));
	FIND(local_space, NAME_OF(unw_local_addr_space));
	if (!unwinder || !get_context || !start_at || !init_cursor || !step_cursor ||
	    !get_register || !flush || !local_space)
		return false;
	ask_no_loader(library, of_host != NULL);
	dl_iterate_phdr(find_self, NULL);
	unloads = unloads_at_first = count_unloads();
	unwinder(warm, 4);
	return true;
}

/* Waits while a thread forks, as malloc() does. */
static void enter_libunwind(uint32_t *unwinding)
{
	unsigned turn = 0;

	for (;;) {
		__atomic_store_n(unwinding, 1, __ATOMIC_SEQ_CST);
		if (likely(!__atomic_load_n(&process_page->fork_gate, __ATOMIC_SEQ_CST)))
			return;
		__atomic_store_n(unwinding, 0, __ATOMIC_SEQ_CST);
		if (!lock_pause(turn++))
			return;
	}
}

/* Drops the tracer's own frames, which are innermost and where a package was called through us. */
static void trim(struct backtrace *b, const uint64_t *pc, uint32_t found, uint32_t depth)
{
	uint32_t frames = 0;

	for (uint32_t i = 0; i < found && pc[i] >= LOWEST_CODE && frames <= depth; i++)
		if (!unwind_is_own(pc[i]) && frames++ < depth)
			b->pc[frames - 1] = pc[i];
	b->truncated = frames > depth;
	b->frames = b->truncated ? depth : frames;
}

/* What unw_backtrace() does, but slowly, by rules that unw_flush_cache() does drop. */
static APART uint32_t step_through(uint64_t *pc, uint32_t most)
{
	unw_context_t context;
	unw_cursor_t cursor;
	uint32_t found = 0;
	unw_word_t ip;

	if (get_context(&context) < 0 || init_cursor(&cursor, &context) < 0)
		return 0;
	while (found < most && step_cursor(&cursor) > 0 &&
	       get_register(&cursor, UNW_REG_IP, &ip) >= 0)
		pc[found++] = ip;
	return found;
}

/*
 * unw_backtrace() keeps a thread's rules for good, where unw_flush_cache() does not reach them: a
 * thread that called it before something was unloaded may take new code for the old one.
 */
static uint32_t find_all(uint64_t *pc, uint32_t most)
{
	uint64_t now = __atomic_load_n(&unloads, __ATOMIC_ACQUIRE);
	int found;

	if (unlikely(!now))
		__atomic_store_n(&unloads, now = count_unloads(), __ATOMIC_RELEASE);
	if (unlikely(!unloads_at_first))
		unloads_at_first = now;
	if (unlikely(unloads_at_first != now))
		return step_through(pc, most);
	found = unwinder((void **)pc, (int)most);
	return found > 0 ? (uint32_t)found : 0;
}

static uint32_t find_guarded(uint64_t *pc, uint32_t most, struct lane *lane)
{
	uint32_t found;

	enter_libunwind(&lane->unwinding);
	found = find_all(pc, most);
	__atomic_store_n(&lane->unwinding, 0, __ATOMIC_RELEASE);
	return found;
}

/* With many calls in each other there may be any number of own frames. Where new frames are put
 * together there is room for them all: it is not in use now. */
static APART void take_nested(struct backtrace *b, struct lane *lane)
{
	uint64_t *pc = (uint64_t *)lane->history->fresh;
	uint32_t most = sizeof(lane->history->fresh) / (sizeof(uint64_t));

	trim(b, pc, find_guarded(pc, most, lane), config->depth);
}

/* What does not lead to the caller is not believed. */
static void take_by_libunwind(struct backtrace *b, struct lane *lane, const void *frame_address)
{
	uint64_t caller = ((const uint64_t *)frame_address)[1];
	uint32_t most = config->depth + OWN_FRAMES, found = find_guarded(b->pc, most, lane);

	/* For the analyzer, which does not always look into trim(). */
	b->frames = 0;
	b->truncated = false;
	trim(b, b->pc, found, config->depth);
	if (unlikely(found == most && !b->truncated))
		take_nested(b, lane);
	if (likely(b->frames > 0 && (b->pc[0] == caller || unwind_is_own(caller))))
		return;
	b->frames = 1;
	b->truncated = true;
	b->pc[0] = caller;
}

/* The innermost frames of the history. */
static void take_from_history(struct backtrace *b, const struct unwind_history *h)
{
	b->frames = 0;
	b->truncated = false;
	for (uint32_t i = h->frames; i > 0; i--) {
		if (unwind_is_own(h->frame[i].pc) || !h->frame[i].pc)
			continue;
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = h->frame[i].pc;
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

/* Is the stack that the tree has for the history this one? */
static bool is_known_as(const struct unwind_history *h, uint32_t stack)
{
	uint32_t node = h->frame[h->frames].node, known;

	if (!node || node >> 31 || !stack)
		return true;
	known = tree_stack(node);
	if (!known)
		tree_set_stack(node, stack);
	return !known || stacks_are_alike(known, stack);
}

/* Takes it by libunwind as well, which is believed. What the tree has for it is compared as well. */
static APART uint32_t take_checked(struct lane *lane, const void *frame_address, uint64_t *caller)
{
	struct backtrace b, ours;
	bool plain = unwind_take(lane->history, frame_address);
	uint32_t stack;

	take_by_libunwind(&b, lane, frame_address);
	stack = find(&b, caller);
	if (!plain)
		return stack;
	take_from_history(&ours, lane->history);
	__atomic_add_fetch(&trace_header->unwind_checked, 1, __ATOMIC_RELAXED);
	if (!is_same(&ours, &b) || !is_known_as(lane->history, stack))
		__atomic_add_fetch(&trace_header->unwind_differences, 1, __ATOMIC_RELAXED);
	return stack;
}

static APART uint32_t take_in_full(struct lane *lane, const void *frame_address, uint64_t *caller)
{
	struct backtrace b;

	lane->history->frames = 0;
	take_by_libunwind(&b, lane, frame_address);
	return find(&b, caller);
}

/* The stack that ends in a node of the tree, seen for the first time; or the tree is full. */
static APART uint32_t store(struct lane *lane, uint32_t node, uint64_t *caller)
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
	if (unlikely(config->unwind == UNWIND_LIBUNWIND) || unlikely(!unwind_take(h, frame_address)))
		return take_in_full(lane, frame_address, caller);
	node = h->frame[h->frames].node;
	stack = likely(node && !(node >> 31)) ? tree_stack(node) : 0;
	*caller = ((const uint64_t *)frame_address)[1];
	return likely(stack && !unwind_is_own(*caller)) ? stack : store(lane, node, caller);
}

/* Goes on from the cursor's frame; the tracer's own are left out. */
static void take_all(struct backtrace *b, unw_cursor_t *cursor)
{
	unw_word_t pc;

	do {
		if (get_register(cursor, UNW_REG_IP, &pc) != 0 || pc == 0)
			return;
		if (unwind_is_own(pc))
			continue;
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = pc;
	} while (step_cursor(cursor) > 0);
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

	for (uint32_t i = h->frames; i > 0; i--)
		if (h->frame[i].pc == pc)
			return true;
	return h->frames == 0;
}

void backtrace_before_fork(void)
{
	__atomic_store_n(&process_page->fork_gate, 1, __ATOMIC_SEQ_CST);
	lanes_await_unwinders();
}

void backtrace_after_fork(void)
{
	__atomic_store_n(&process_page->fork_gate, 0, __ATOMIC_SEQ_CST);
}

/* Most calls of dlclose() unload nothing. */
void backtrace_forget(void)
{
	uint64_t now = count_unloads();

	if (now == __atomic_load_n(&unloads, __ATOMIC_RELAXED))
		return;
	cfi_forget();
	tree_forget();
	if (flush)
		flush(*local_space, 0, 0);
	__atomic_store_n(&unloads, now, __ATOMIC_RELEASE);
}

void backtrace_inherit(void)
{
	cfi_forget();
	__atomic_store_n(&unloads, 0, __ATOMIC_RELAXED);
}
