/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>

#include "include/kinds.h"
#include "preload/base/compiler.h"
#include "preload/base/config.h"
#include "preload/base/text.h"
#include "preload/call/on_error.h"

#define SLOT_NAME(table, name, family, role, prototype) #name,
#define TRANSFER_NAME(name, member, text, ...) text,

static void say_misuse(const struct misuse *m)
{
	static const char *const names[] = { TRACED_SLOTS(SLOT_NAME)
						     TRACED_TRANSFERS(TRANSFER_NAME) };
	const char *reason = kinds_reason_text(m->reason);
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, names[m->function]);
	text_add(&t, " called at ");
	text_add_address(&t, m->caller);
	text_add(&t, " by package ");
	text_add_number(&t, m->package);
	text_add(&t, ": ");
	text_add(&t, kinds_text(m->kind));
	if (reason[0]) {
		text_add(&t, "/");
		text_add(&t, reason);
	}
	text_add(&t, ", address ");
	text_add_address(&t, m->address);
	text_say(&t);
}

/* Without poison.h: the user asked for the process to be stopped. */
APART void on_error_stop(const struct misuse *m)
{
	if (config->on_error == ON_ERROR_LOG || kinds_level(m->kind) != TRACE_LEVEL_ERROR)
		return;
	say_misuse(m);
	if (config->on_error == ON_ERROR_TRAP)
		raise(SIGTRAP);
	else
		abort();
}
