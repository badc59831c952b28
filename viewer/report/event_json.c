/* SPDX-License-Identifier: MIT */
#include "viewer/report/event_json.h"

#include <stdbool.h>

#include "include/kinds.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/report/json_frames.h"

static json_t *make_result(enum trace_role role, const struct trace_event *e)
{
	if (!(e->state & TRACE_EVENT_RETURNED))
		return json_null();
	switch (event_result(role)) {
	case EVENT_RESULT_POINTER:
		return json_address(event_has_address(role, e) ? e->address : 0);
	case EVENT_RESULT_BOOLEAN:
		return json_boolean(e->result);
	case EVENT_RESULT_STATUS:
		return json_address((uint32_t)e->result);
	default:
		return json_null();
	}
}

json_t *event_json(struct model *model, const struct trace_event *e, struct json_frames *frames)
{
	const struct model_function *function = model_function(model, e->function);
	enum trace_role role = function->role;
	bool is_creation = role == TRACE_ROLE_CREATE_SECTION;
	json_t *json = json_object();

	json_object_set_new(json, "time_ns", json_integer(model_time_ns(model, e->time)));
	json_object_set_new(json, "thread", json_integer(e->tid));
	json_object_set_new(json, "package", json_integer(e->package));
	json_object_set_new(json, "function", json_text(function->name));
	json_object_set_new(json, "section",
			    event_has_section(role, e) ? json_address(e->section) : json_null());
	json_object_set_new(json, "address",
			    event_has_address(role, e) ? json_address(e->address) : json_null());
	json_object_set_new(json, "size",
			    event_has_size(role) ? json_number(event_size(role, e)) : json_null());
	json_object_set_new(json, "initial_size",
			    is_creation ? json_number(event_initial_size(e)) : json_null());
	json_object_set_new(json, "result", make_result(role, e));
	json_object_set_new(json, "duration_ns",
			    e->state & TRACE_EVENT_RETURNED
				    ? json_number(model_duration_ns(model, e->duration))
				    : json_null());
	json_object_set_new(json, "to",
			    json_text(role != TRACE_ROLE_TRANSFER               ? NULL
				      : event_receiver(e) == TRACE_RECEIVER_LSA ? "lsa"
										: "client"));
	json_object_set_new(json, "finding",
			    json_text(e->verdict ? kinds_text((enum trace_kind)e->verdict) : NULL));
	if (frames)
		json_object_set_new(json, "stack",
				    json_frames_stack(frames, model_stack(model, e->stack)));
	return json;
}
