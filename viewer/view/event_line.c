/* SPDX-License-Identifier: MIT */
#include "viewer/view/event_line.h"

#include <inttypes.h>
#include <stdlib.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/model/verdicts.h"

struct event_line {
	const struct model *model;
	const struct verdicts *verdicts;
	char *package[TRACE_PACKAGES]; /* names, ready to be written, as the following */
	char *function[TRACE_FUNCTIONS];
	char *family[256];
	bool has_color, has_sites;
};

struct event_line *event_line_new(const struct model *model, const struct verdicts *verdicts,
				  bool has_color, bool has_sites)
{
	struct event_line *e = memory_new(1, sizeof(*e));

	e->model = model;
	e->verdicts = verdicts;
	e->has_color = has_color;
	e->has_sites = has_sites;
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		struct buffer name = { 0 };

		model_write_package(model, i, &name);
		e->package[i] = buffer_take(&name);
	}
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		if (model_function(model, i)->name)
			e->function[i] = buffer_take_plain(model_function(model, i)->name);
	for (uint32_t i = 0; i < 256; i++)
		e->family[i] =
			buffer_take_plain(model_family(model, i) ? model_family(model, i) : "?");
	return e;
}

void event_line_free(struct event_line *e)
{
	if (!e)
		return;
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++)
		free(e->package[i]);
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		free(e->function[i]);
	for (uint32_t i = 0; i < 256; i++)
		free(e->family[i]);
	free(e);
}

static void write_pointer(struct buffer *b, uint64_t address)
{
	if (address)
		buffer_hex(b, address);
	else
		buffer_text(b, "NULL");
}

static void write_returned_address(struct buffer *b, enum trace_role role,
				   const struct trace_event *event)
{
	write_pointer(b, event_has_address(role, event) ? event->address : 0);
}

/* What comes back through a pointer is not known before the call has returned. */
static void write_parameter(struct buffer *b, enum trace_role role, const struct trace_event *event)
{
	buffer_text(b, ", [");
	if (event->state & TRACE_EVENT_RETURNED)
		write_returned_address(b, role, event);
	else
		buffer_text(b, "?");
	buffer_text(b, "]");
}

/* In brackets: what came back through a pointer, as in strace. */
static void write_arguments(struct buffer *b, enum trace_role role, const struct trace_event *event)
{
	if (event_is_untraced(role)) {
		buffer_text(b, "...");
		return;
	}
	if (role == TRACE_ROLE_OBTAIN) {
		/* Only the buffer and its length were recorded. */
		buffer_text(b, "...");
		write_parameter(b, role, event);
		buffer_text(b, ", [");
		if (event->state & TRACE_EVENT_RETURNED)
			buffer_decimal(b, event->size);
		else
			buffer_text(b, "?");
		buffer_text(b, "]");
		return;
	}
	if (event_takes_section(role)) {
		write_pointer(b, event->section);
		buffer_text(b, ", ");
	}
	if (event_has_size(role))
		buffer_decimal(b, event_size(role, event));
	else
		write_pointer(b, event->address);
	if (role == TRACE_ROLE_CREATE_SECTION) {
		buffer_text(b, ", ");
		buffer_decimal(b, event_initial_size(event));
	} else if (role == TRACE_ROLE_ALLOCATE_FOR_CLIENT) {
		write_parameter(b, role, event);
	}
}

static void write_result(struct buffer *b, enum trace_role role, const struct trace_event *event)
{
	buffer_text(b, " = ");
	if (!(event->state & TRACE_EVENT_RETURNED)) {
		buffer_text(b, "?");
		return;
	}
	switch (event_result(role)) {
	case EVENT_RESULT_POINTER:
		write_returned_address(b, role, event);
		break;
	case EVENT_RESULT_BOOLEAN:
		buffer_text(b, event->result ? "TRUE" : "FALSE");
		break;
	case EVENT_RESULT_STATUS:
		buffer_hex(b, (uint32_t)event->result);
		break;
	default:
		buffer_text(b, "void");
	}
}

static void write_transfer(const struct event_line *e, struct buffer *b,
			   const struct trace_event *event)
{
	buffer_text(b, " hands ");
	buffer_hex(b, event->address);
	buffer_text(b, " (");
	buffer_count(b, event->size, "byte");
	buffer_text(b, ", ");
	buffer_text(b, e->family[event_family(event)]);
	if (event_receiver(event) == TRACE_RECEIVER_LSA) {
		buffer_text(b, ") to the LSA");
	} else if (event->section) {
		buffer_text(b, ") to client ");
		buffer_hex(b, event->section);
	} else {
		buffer_text(b, ") to the client");
	}
}

static void write_call(const struct event_line *e, struct buffer *b, enum trace_role role,
		       const struct trace_event *event)
{
	if (role != EVENT_ROLE_RETURN) {
		buffer_text(b, "(");
		write_arguments(b, role, event);
		buffer_text(b, ")");
	}
	if (event->state & TRACE_EVENT_RETURNED || !event_is_untraced(role))
		write_result(b, role, event);
	if (event->state & TRACE_EVENT_RETURNED) {
		buffer_text(b, " <");
		buffer_seconds(b, model_duration_ns(e->model, event->duration), 9);
		buffer_text(b, ">");
	}
	if (event->state & TRACE_EVENT_INJECTED)
		buffer_text(b, " <injected>");
}

static void write_verdict(const struct event_line *e, struct buffer *b,
			  const struct trace_event *event)
{
	enum trace_reason reason = verdicts_reason(e->verdicts, event);

	buffer_text(b, e->has_color ? "  \033[1;31m← " : "  ← ");
	buffer_text(b, kinds_text((enum trace_kind)event->verdict));
	if (reason) {
		buffer_text(b, "/");
		buffer_text(b, kinds_reason_text(reason));
	}
	buffer_text(b, e->has_color ? "\033[0m" : "");
}

void event_line_write(const struct event_line *e, struct buffer *b, const struct trace_event *event)
{
	enum trace_role role = event_role(model_function(e->model, event->function)->role, event);
	int64_t ns = model_time_ns(e->model, event->time);

	buffer_text(b, ns < 0 ? "[-" : "[+");
	buffer_seconds(b, ns < 0 ? -(uint64_t)ns : (uint64_t)ns, 9);
	buffer_text(b, "] ");
	buffer_signed(b, event->tid);
	buffer_text(b, " ");
	buffer_text(b, e->package[event->package]);
	buffer_text(b, " ");
	buffer_text(b, e->function[event->function]);
	if (role == TRACE_ROLE_TRANSFER)
		write_transfer(e, b, event);
	else
		write_call(e, b, role, event);
	if (e->has_sites && event_can_fail(role)) {
		uint64_t site = model_site(e->model, event->package, event->function, event->stack);

		if (site)
			buffer_format(b, " site=%016" PRIx64, site);
	}
	if (event->verdict)
		write_verdict(e, b, event);
	buffer_text(b, "\n");
}
