/* SPDX-License-Identifier: MIT */
#include "viewer/report/event_line.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"

struct event_line {
	const struct model *model;
	char *package[TRACE_PACKAGES];
	char *function[TRACE_FUNCTIONS];
	char *family[256];
	bool color;
};

static const struct role {
	enum event_result result;
	bool section, size;
} roles[TRACE_ROLE_LAST + 1] = {
	[TRACE_ROLE_CREATE_SECTION] = { EVENT_RESULT_POINTER, false, true },
	[TRACE_ROLE_DELETE_SECTION] = { EVENT_RESULT_BOOLEAN, false, false },
	[TRACE_ROLE_ALLOCATE_IN_SECTION] = { EVENT_RESULT_POINTER, true, true },
	[TRACE_ROLE_FREE_IN_SECTION] = { EVENT_RESULT_NONE, true, false },
	[TRACE_ROLE_ALLOCATE] = { EVENT_RESULT_POINTER, false, true },
	[TRACE_ROLE_FREE] = { EVENT_RESULT_NONE, false, false },
	[TRACE_ROLE_ALLOCATE_FOR_CLIENT] = { EVENT_RESULT_STATUS, true, true },
	[TRACE_ROLE_FREE_FOR_CLIENT] = { EVENT_RESULT_STATUS, true, false },
	[TRACE_ROLE_OBTAIN] = { EVENT_RESULT_STATUS, false, true },
	[TRACE_ROLE_TRANSFER] = { EVENT_RESULT_NONE, false, true },
};

enum event_result event_result(enum trace_role role)
{
	return roles[role].result;
}

bool event_has_section(enum trace_role role, const struct trace_event *event)
{
	return roles[role].section || (role == TRACE_ROLE_TRANSFER && event->section);
}

bool event_has_size(enum trace_role role)
{
	return roles[role].size;
}

/* A releasing call names its address; an acquiring one has it when it has succeeded. */
bool event_has_address(enum trace_role role, const struct trace_event *event)
{
	if (!roles[role].size || role == TRACE_ROLE_TRANSFER)
		return true;
	return (event->state & TRACE_EVENT_RETURNED) && !(event->state & TRACE_EVENT_FAILED);
}

enum trace_receiver event_receiver(const struct trace_event *event)
{
	return (enum trace_receiver)(event->result >> 8);
}

uint64_t event_size(enum trace_role role, const struct trace_event *event)
{
	return role == TRACE_ROLE_CREATE_SECTION ? event->size & UINT32_MAX : event->size;
}

static char *plain(const char *text)
{
	struct buffer b = { 0 };

	buffer_plain(&b, text, strlen(text));
	return buffer_take(&b);
}

static char *package_name(const struct model *model, uint32_t index)
{
	const char *name = model_package(model, index)->name;
	struct buffer b = { 0 };

	if (name && *name)
		return plain(name);
	buffer_format(&b, "#%u", index);
	return buffer_take(&b);
}

struct event_line *event_line_new(const struct model *model, bool color)
{
	struct event_line *e = memory_new(1, sizeof(*e));

	e->model = model;
	e->color = color;
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++)
		e->package[i] = package_name(model, i);
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		if (model_function(model, i)->name)
			e->function[i] = plain(model_function(model, i)->name);
	for (uint32_t i = 0; i < 256; i++)
		e->family[i] = plain(model_family(model, i) ? model_family(model, i) : "?");
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

static void write_seconds(struct buffer *b, uint64_t ns)
{
	buffer_decimal(b, ns / 1000000000u);
	buffer_text(b, ".");
	buffer_padded(b, ns % 1000000000u, 9);
}

static void write_pointer(struct buffer *b, uint64_t address)
{
	if (address)
		buffer_hex(b, address);
	else
		buffer_text(b, "NULL");
}

/* Only what came back was recorded: the buffer and its length. */
static void write_obtained(struct buffer *b, const struct trace_event *event)
{
	buffer_text(b, "..., [");
	write_pointer(b, event_has_address(TRACE_ROLE_OBTAIN, event) ? event->address : 0);
	buffer_text(b, "], [");
	buffer_decimal(b, event->size);
	buffer_text(b, "]");
}

static void write_arguments(struct buffer *b, enum trace_role role, const struct trace_event *event)
{
	if (role == TRACE_ROLE_OBTAIN) {
		write_obtained(b, event);
		return;
	}
	if (roles[role].section) {
		write_pointer(b, event->section);
		buffer_text(b, ", ");
	}
	if (roles[role].size)
		buffer_decimal(b, event_size(role, event));
	else
		write_pointer(b, event->address);
	if (role == TRACE_ROLE_CREATE_SECTION) {
		buffer_text(b, ", ");
		buffer_decimal(b, event->size >> 32);
	} else if (role == TRACE_ROLE_ALLOCATE_FOR_CLIENT) {
		/* What came back through the pointer, as strace has it. */
		buffer_text(b, ", [");
		write_pointer(b, event_has_address(role, event) ? event->address : 0);
		buffer_text(b, "]");
	}
}

static void write_result(struct buffer *b, enum trace_role role, const struct trace_event *event)
{
	buffer_text(b, " = ");
	if (!(event->state & TRACE_EVENT_RETURNED)) {
		buffer_text(b, "?");
		return;
	}
	switch (roles[role].result) {
	case EVENT_RESULT_POINTER:
		write_pointer(b, event_has_address(role, event) ? event->address : 0);
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

static void write_time(const struct event_line *e, struct buffer *b, uint64_t time)
{
	int64_t ns = model_time_ns(e->model, time);

	buffer_text(b, ns < 0 ? "[-" : "[+");
	write_seconds(b, ns < 0 ? -(uint64_t)ns : (uint64_t)ns);
	buffer_text(b, "] ");
}

/* "LsaApLogonUser hands 0x7f10 (24 bytes, lsa-heap) to the LSA". */
static void write_transfer(const struct event_line *e, struct buffer *b,
			   const struct trace_event *event)
{
	buffer_text(b, " hands ");
	buffer_hex(b, event->address);
	buffer_text(b, " (");
	buffer_decimal(b, event->size);
	buffer_text(b, event->size == 1 ? " byte, " : " bytes, ");
	buffer_text(b, e->family[event->result & 255]);
	if (event_receiver(event) == TRACE_RECEIVER_LSA) {
		buffer_text(b, ") to the LSA");
	} else if (event->section) {
		buffer_text(b, ") to client ");
		buffer_hex(b, event->section);
	} else {
		buffer_text(b, ") to the client");
	}
}

static void write_call(const struct event_line *e, struct buffer *b, const struct trace_event *event)
{
	enum trace_role role = model_function(e->model, event->function)->role;

	buffer_text(b, "(");
	write_arguments(b, role, event);
	buffer_text(b, ")");
	write_result(b, role, event);
	if (event->state & TRACE_EVENT_RETURNED) {
		buffer_text(b, " <");
		write_seconds(b, model_duration_ns(e->model, event->duration));
		buffer_text(b, ">");
	}
}

void event_line_write(const struct event_line *e, struct buffer *b, const struct trace_event *event)
{
	enum trace_role role = model_function(e->model, event->function)->role;

	write_time(e, b, event->time);
	if (event->tid < 0)
		buffer_text(b, "-");
	buffer_decimal(b, event->tid < 0 ? -(uint64_t)event->tid : (uint64_t)event->tid);
	buffer_text(b, " ");
	buffer_text(b, e->package[event->package]);
	buffer_text(b, " ");
	buffer_text(b, e->function[event->function]);
	if (role == TRACE_ROLE_TRANSFER)
		write_transfer(e, b, event);
	else
		write_call(e, b, event);
	if (event->verdict) {
		buffer_text(b, e->color ? "  \033[1;31m← " : "  ← ");
		buffer_text(b, findings_kind_text((enum trace_kind)event->verdict));
		buffer_text(b, e->color ? "\033[0m" : "");
	}
	buffer_text(b, "\n");
}
