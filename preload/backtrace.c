/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <stddef.h>

#include "backtrace.h"
#include "guard.h"
#include "lanes.h"
#include "poison.h"
#include "real.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

enum { OWN_FRAMES = 12 }; /* more than the tracer ever has on the stack itself */

static int (*unwinder)(void **, int);
static void (*flush)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space;
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
	if (!unwinder || !flush || !local_space)
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
static void enter(uint32_t *unwinding)
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
	if (likely(frames > 0 && b->pc[0] == caller))
		return;
	b->frames = 1;
	b->truncated = true;
	b->pc[0] = caller;
}

void backtrace_take(struct backtrace *b, uint32_t depth, uint64_t caller, uint32_t *unwinding)
{
	int found;

	enter(unwinding);
	found = unwinder((void **)b->pc, (int)(depth + OWN_FRAMES));
	__atomic_store_n(unwinding, 0, __ATOMIC_RELEASE);
	trim(b, found > 0 ? (uint32_t)found : 0, depth, caller);
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
	if (flush)
		flush(*local_space, 0, 0);
}
