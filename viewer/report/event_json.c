/* SPDX-License-Identifier: MIT */
#include "viewer/report/event_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "include/kinds.h"
#include "viewer/base/json.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/model/verdicts.h"
#include "viewer/report/json_frames.h"

static void write_result(struct json *j, enum trace_role role, const struct trace_event *e)
{
	const char *key = "result";

	switch (e->state & TRACE_EVENT_RETURNED ? event_result(role) : EVENT_RESULT_NONE) {
	case EVENT_RESULT_POINTER:
		json_write_address(j, key, event_has_address(role, e) ? e->address : 0);
		break;
	case EVENT_RESULT_BOOLEAN:
		json_write_boolean(j, key, e->result);
		break;
	case EVENT_RESULT_STATUS:
		json_write_address(j, key, (uint32_t)e->result);
		break;
	default:
		json_write_null(j, key);
	}
}

static void write_site(struct json *j, const struct model *model, enum trace_role role,
		       const struct trace_event *e)
{
	uint64_t site =
		event_can_fail(role) ? model_site(model, e->package, e->function, e->stack) : 0;

	json_write_site(j, "site", site);
}

void event_json_write(struct buffer *b, const struct model *model, const struct verdicts *verdicts,
		      const struct trace_event *e, bool has_site, struct symbols *symbols)
{
	const struct model_function *function = model_function(model, e->function);
	enum trace_role role = event_role(function->role, e);
	bool is_creation = role == TRACE_ROLE_CREATE_SECTION;
	/* A size that comes back through a pointer is not known before. */
	bool has_size = event_has_size(role) &&
			(role != TRACE_ROLE_OBTAIN || (e->state & TRACE_EVENT_RETURNED));
	enum trace_reason reason = e->verdict ? verdicts_reason(verdicts, e) : TRACE_REASON_NONE;
	struct json j = { .out = b, .is_compact = true };
	struct model_stack stack;

	json_open_object(&j, NULL);
	json_write_integer(&j, "time_ns", model_time_ns(model, e->time));
	json_write_integer(&j, "thread", e->tid);
	json_write_number(&j, "package", e->package);
	json_write_text(&j, "function", function->name);
	json_write_address_if(&j, "section", event_has_section(role, e), e->section);
	json_write_address_if(&j, "address", event_has_address(role, e), e->address);
	json_write_number_if(&j, "size", has_size, event_size(role, e));
	json_write_number_if(&j, "initial_size", is_creation, event_initial_size(e));
	write_result(&j, role, e);
	json_write_number_if(&j, "duration_ns", (e->state & TRACE_EVENT_RETURNED) != 0,
			     model_duration_ns(model, e->duration));
	json_write_boolean(&j, "injected", (e->state & TRACE_EVENT_INJECTED) != 0);
	json_write_text(&j, "to",
			role != TRACE_ROLE_TRANSFER               ? NULL
			: event_receiver(e) == TRACE_RECEIVER_LSA ? "lsa"
								  : "client");
	json_write_text(&j, "finding", e->verdict ? kinds_text((enum trace_kind)e->verdict) : NULL);
	json_write_text(&j, "reason", reason ? kinds_reason_text(reason) : NULL);
	if (has_site)
		write_site(&j, model, role, e);
	if (symbols)
		json_frames_write(&j, "stack", symbols, model, e->package,
				  model_stack(model, e->stack, &stack));
	json_close_object(&j);
}
