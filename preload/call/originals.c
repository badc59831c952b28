/* SPDX-License-Identifier: MIT */
#include "preload/call/originals.h"

#include "preload/base/poison.h"

void *originals_of_shims[TRACE_PACKAGES][ORIGINALS_OF_PACKAGE];
void *originals_of_wrappers[WRAPPED_PACKAGES][WRAPPED_COUNT];
originals_descriptor *originals_descriptors[TRACE_PACKAGES];
uint32_t originals_modules[TRACE_PACKAGES];
bool originals_are_late[TRACE_PACKAGES];
