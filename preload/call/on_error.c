/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>

#include "preload/base/config.h"
#include "preload/base/text.h"
#include "preload/call/call.h"
#include "preload/call/on_error.h"
#include "preload/file/findings.h"

#define SLOT_NAME(table, name, family, role, shim) #name,

static void say(const struct call *c)
{
	static const char *const names[] = { TRACED_SLOTS(SLOT_NAME) };
	const char *reason = findings_reason(c->alarm_reason);
	struct line l = { 0 };

	line_text(&l, names[c->slot]);
	line_text(&l, " called at ");
	line_address(&l, c->caller);
	line_text(&l, " by package ");
	line_number(&l, c->package);
	line_text(&l, ": ");
	line_text(&l, findings_kind(c->alarm));
	if (reason[0]) {
		line_text(&l, "/");
		line_text(&l, reason);
	}
	line_text(&l, ", address ");
	line_address(&l, c->address);
	line_say(&l);
}

/* Not poisoned here: the user asked for the target to be stopped. */
APART void on_error(const struct call *c)
{
	if (config->on_error == ON_ERROR_LOG || findings_level(c->alarm) != TRACE_LEVEL_ERROR)
		return;
	say(c);
	if (config->on_error == ON_ERROR_TRAP)
		raise(SIGTRAP);
	else
		abort();
}
