/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/capture/stacks.h"
#include "preload/file/chunks.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/host/real.h"
#include "preload/life/confinement.h"
#include "preload/sharedmem/heaps.h"

#include "preload/base/poison.h"

/* Does the filter end a thread at this instruction, or perhaps so? */
static bool may_end(const struct sock_filter *instruction)
{
	uint32_t action = instruction->k & SECCOMP_RET_ACTION_FULL;

	if (BPF_CLASS(instruction->code) != BPF_RET)
		return false;
	return BPF_RVAL(instruction->code) != BPF_K || action == SECCOMP_RET_KILL_PROCESS ||
	       action == SECCOMP_RET_KILL_THREAD || action == SECCOMP_RET_TRAP;
}

/* The kernel refuses what cannot be read. */
static bool may_kill(unsigned long mode, const void *filter)
{
	struct sock_filter instruction;
	struct sock_fprog program;

	if (mode != SECCOMP_MODE_FILTER)
		return mode == SECCOMP_MODE_STRICT;
	if (maps_copy(&program, filter, sizeof(program)) != sizeof(program))
		return false;
	for (unsigned i = 0; i < program.len; i++)
		if (maps_copy(&instruction, &program.filter[i], sizeof(instruction)) !=
			    sizeof(instruction) ||
		    may_end(&instruction))
			return true;
	return false;
}

/* Prepares for a filter that is about to be installed. Returns whether it confines the process, which was
 * not confined before. */
static bool begin_confinement(unsigned long mode, const void *filter)
{
	if (process_is_confined || !may_kill(mode, filter))
		return false;
	if (trace_is_of_this_process()) {
		chunks_prepare();
		stacks_prepare();
		findings_prepare();
	}
	heaps_prepare();
	process_is_confined = true;
	return true;
}

int confinement_prctl(int option, const unsigned long argument[4])
{
	bool has_begun;
	int result;

	if (option == PR_SET_TSC && argument[0] == PR_TSC_SIGSEGV)
		clock_leave_counter();
	has_begun = option == PR_SET_SECCOMP &&
		    begin_confinement(argument[0], (const void *)argument[1]);
	result = real_prctl(option, argument[0], argument[1], argument[2], argument[3]);

	if (has_begun && result < 0)
		process_is_confined = false;
	return result;
}

long confinement_seccomp(unsigned long operation, unsigned long flags, const void *filter)
{
	static const unsigned long modes[] = {
		[SECCOMP_SET_MODE_STRICT] = SECCOMP_MODE_STRICT, [SECCOMP_SET_MODE_FILTER] = SECCOMP_MODE_FILTER
	};
	bool has_begun =
		operation <= SECCOMP_SET_MODE_FILTER && begin_confinement(modes[operation], filter);
	long result = kernel_call(SYS_seccomp, operation, flags, filter);

	if (has_begun && result < 0)
		process_is_confined = false;
	return result;
}
