/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stddef.h>

#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"

#include "preload/base/poison.h"

__thread uintptr_t reentry_inside;

bool reentry_was_left(const void *end)
{
	uintptr_t mark = reentry_inside;

	if (mark == 1)
		return false;
	if (mark >= (uintptr_t)__builtin_frame_address(0) && mark < (uintptr_t)end)
		return true;
	if (process_is_confined)
		return false;
	return !kernel_can_read(mark) ||
	       ((const struct reentry_mark *)mark)->check != reentry_check(mark);
}
