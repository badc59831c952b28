/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "preload/base/process.h"
#include "preload/capture/stacks.h"
#include "preload/file/chunks.h"
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

int confinement_prctl(int option, const unsigned long argument[4])
{
	bool was_confined = process_is_confined;
	int result;

	if (option == PR_SET_SECCOMP && !was_confined &&
	    may_kill(argument[0], (const void *)argument[1])) {
		if (trace_is_of_this_process()) {
			chunks_prepare();
			stacks_prepare();
			findings_prepare();
		}
		heaps_prepare();
		process_is_confined = true;
	}
	result = real_prctl(option, argument[0], argument[1], argument[2], argument[3]);
	if (result != 0 && option == PR_SET_SECCOMP)
		process_is_confined = was_confined;
	return result;
}
