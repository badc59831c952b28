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
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, names[c->slot]);
	text_add(&t, " called at ");
	text_add_address(&t, c->caller);
	text_add(&t, " by package ");
	text_add_number(&t, c->package);
	text_add(&t, ": ");
	text_add(&t, findings_kind(c->alarm));
	if (reason[0]) {
		text_add(&t, "/");
		text_add(&t, reason);
	}
	text_add(&t, ", address ");
	text_add_address(&t, c->address);
	text_say(&t);
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
