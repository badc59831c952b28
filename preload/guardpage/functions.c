/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>

#include "include/trace_format.h"
#include "preload/base/config.h"
#include "preload/base/slots.h"
#include "preload/base/text.h"
#include "preload/guardpage/calls.h"
#include "preload/guardpage/fault.h"
#include "preload/guardpage/functions.h"
#include "preload/guardpage/guarded.h"

#include "preload/base/poison.h"

void *calls_host[CONVENTION_COUNT][SLOT_COUNT];

/* Prepares the guard at the first call. Returns whether it can be used. */
static bool is_ready(void)
{
	static enum { UNTRIED, READY, FAILED } state;
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	if (state == UNTRIED) {
		state = guarded_init() ? READY : FAILED;
		if (state == READY) {
			fault_init();
		} else {
			text_add(&t, "not guarding: there is no address space for it");
			text_say(&t);
		}
	}
	return state == READY;
}

/* Whether the user asked for it. A function that frees is always taken, even if its family is
 * not guarded: it may be given a guarded block of another family. */
static bool is_wanted(enum slot slot)
{
	enum trace_role role = slot_role[slot];

	return role == TRACE_ROLE_FREE || role == TRACE_ROLE_FREE_IN_SECTION ||
	       options_list_has(config->guard_families, config->guard_families_bytes,
				family_name[slot_family[slot]]);
}

void *guardpage_function(enum slot slot, enum convention convention, void *host)
{
	void *function = calls_at(convention, slot);

	if (!function || host == function || config->allocator != ALLOCATOR_GUARD ||
	    !is_wanted(slot) || !is_ready())
		return host;
	/* The arguments of a call do not tell which host is meant: there can be only one. */
	if (calls_host[convention][slot] && calls_host[convention][slot] != host)
		return host;
	calls_host[convention][slot] = host;
	return function;
}
