/* SPDX-License-Identifier: MIT */
#include "viewer/read/ranges.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

bool check_fail(struct reader_trouble *trouble, enum reader_error error, uint64_t at,
		const char *format, ...)
{
	va_list arguments;

	trouble->error = error;
	trouble->at = at;
	va_start(arguments, format);
	vsnprintf(trouble->text, sizeof(trouble->text), format, arguments);
	va_end(arguments);
	return false;
}

bool check_damaged(struct reader_trouble *trouble, uint64_t at, const char *what)
{
	return check_fail(trouble, READER_DAMAGED, at, "damaged: %s at byte %llu", what,
			  (unsigned long long)at);
}

static bool require(const struct checker *c, bool good, uint64_t at, const char *what)
{
	return good || check_damaged(c->trouble, at, what);
}

#define HEADER_FIELD(field) offsetof(struct trace_header, field)

bool check_header(const struct checker *c, const struct trace_header *h)
{
	return require(c, h->chunk_bytes == TRACE_CHUNK_BYTES, HEADER_FIELD(chunk_bytes),
		       "size of a chunk") &&
	       require(c, h->mode <= TRACE_MODE_FULL, HEADER_FIELD(mode), "mode") &&
	       require(c, (h->max_chunks == 0) == (h->mode == TRACE_MODE_FULL),
		       HEADER_FIELD(max_chunks), "bound of the file") &&
	       require(c, h->depth >= 1 && h->depth <= TRACE_FRAMES_MAX, HEADER_FIELD(depth),
		       "depth of backtraces") &&
	       require(c, h->inherited <= 1, HEADER_FIELD(inherited), "mark of a forked child") &&
	       require(c, h->end <= TRACE_END_KILLED, HEADER_FIELD(end), "end of the process") &&
	       require(c, h->chunks >= 1 && (h->max_chunks == 0 || h->chunks <= h->max_chunks),
		       HEADER_FIELD(chunks), "number of chunks");
}

static bool check_stack_ref(const struct checker *c, uint32_t ref, uint64_t at)
{
	return require(c, ref == 0 || c->moving || reader_stack(c->reader, ref), at,
		       "reference to a stack");
}

static bool check_function(const struct checker *c, uint32_t function, uint64_t at)
{
	return require(c, function < TRACE_FUNCTIONS && c->role[function], at,
		       "number of a function");
}

static bool check_text(const struct checker *c, const struct trace_text *text, uint64_t at)
{
	uint64_t number_at = at + offsetof(struct trace_text, number);
	uint32_t number = text->number;

	if (!require(c,
		     text->head.bytes >= sizeof(*text) && text->length <= TRACE_TEXT_MAX &&
			     text->length <= text->head.bytes - sizeof(*text),
		     at + offsetof(struct trace_text, length), "length of a text"))
		return false;
	switch (text->head.type) {
	case TRACE_RECORD_MODULE_GONE:
		return require(c, number >= 1 && number <= 65535, number_at, "id of a module");
	case TRACE_RECORD_FAMILY:
		return require(c, number >= 1 && number <= 255, number_at, "id of a family");
	case TRACE_RECORD_FUNCTION:
		return require(c, (number & 255) < TRACE_FUNCTIONS, number_at, "id of a function") &&
		       require(c, (number >> 16) >= 1 && (number >> 16) <= TRACE_ROLE_LAST,
			       number_at, "role of a function");
	case TRACE_RECORD_PACKAGE_NAME:
	case TRACE_RECORD_PACKAGE_GONE:
		return require(c, number < TRACE_PACKAGES, number_at, "index of a package");
	case TRACE_RECORD_ALLOCATOR:
		return require(c, (number & 255) < TRACE_PACKAGES, number_at, "index of a package") &&
		       require(c, number >> 16 <= TRACE_ALLOCATOR_LAST, number_at,
			       "kind of an allocator");
	default:
		return true;
	}
}

static bool check_stack(const struct checker *c, const struct trace_stack *stack, uint64_t at)
{
	return require(c,
		       stack->head.bytes >= sizeof(*stack) && stack->frames >= 1 &&
			       stack->frames <= TRACE_FRAMES_MAX &&
			       stack->frames <= (stack->head.bytes - sizeof(*stack)) / 8,
		       at + offsetof(struct trace_stack, frames), "number of frames") &&
	       require(c, stack->flags <= TRACE_STACK_TRUNCATED,
		       at + offsetof(struct trace_stack, flags), "flags of a stack");
}

static bool check_module(const struct checker *c, const struct trace_module *m, uint64_t at)
{
	return require(c,
		       m->head.bytes >= sizeof(*m) && m->path_bytes <= TRACE_TEXT_MAX &&
			       m->path_bytes <= m->head.bytes - sizeof(*m),
		       at + offsetof(struct trace_module, path_bytes), "path of a module") &&
	       require(c, m->id >= 1 && m->id <= 65535, at + offsetof(struct trace_module, id),
		       "id of a module") &&
	       require(c, m->kind == TRACE_MODULE_ELF, at + offsetof(struct trace_module, kind),
		       "kind of a module") &&
	       require(c, m->start <= m->end, at + offsetof(struct trace_module, start),
		       "extent of a module") &&
	       require(c, m->build_id_bytes <= sizeof(m->build_id),
		       at + offsetof(struct trace_module, build_id_bytes), "build-id of a module");
}

static bool check_package(const struct checker *c, const struct trace_package *p, uint64_t at)
{
	return require(c, p->head.bytes >= sizeof(*p), at, "size of a package's record") &&
	       require(c, p->index < TRACE_PACKAGES, at + offsetof(struct trace_package, index),
		       "index of a package") &&
	       require(c, p->module <= 65535, at + offsetof(struct trace_package, module),
		       "module of a package") &&
	       require(c, p->flags <= TRACE_PACKAGE_NO_ID,
		       at + offsetof(struct trace_package, flags), "flags of a package");
}

bool check_record(const struct checker *c, const struct trace_record *record, uint64_t at)
{
	switch (record->type) {
	case TRACE_RECORD_STACK:
		return check_stack(c, (const struct trace_stack *)record, at);
	case TRACE_RECORD_MODULE:
		return check_module(c, (const struct trace_module *)record, at);
	case TRACE_RECORD_PACKAGE:
		return check_package(c, (const struct trace_package *)record, at);
	default:
		return require(c, record->type >= 1 && record->type < TRACE_RECORD_TYPES,
			       at + offsetof(struct trace_record, type), "type of a record") &&
		       check_text(c, (const struct trace_text *)record, at);
	}
}

bool check_entry(const struct checker *c, const struct trace_entry *e, uint64_t at)
{
	if (e->state == TRACE_ENTRY_FREE)
		return true;
	return require(c, e->state < TRACE_ENTRY_STATES, at + offsetof(struct trace_entry, state),
		       "state of a ledger entry") &&
	       require(c, e->flags <= (TRACE_ENTRY_INHERITED | TRACE_ENTRY_ADOPTED),
		       at + offsetof(struct trace_entry, flags), "flags of a ledger entry") &&
	       require(c, c->family[e->family], at + offsetof(struct trace_entry, family),
		       "family of a ledger entry") &&
	       require(c, e->package < TRACE_PACKAGES, at + offsetof(struct trace_entry, package),
		       "package of a ledger entry") &&
	       require(c,
		       e->section == 0 || e->state == TRACE_ENTRY_SECTION ||
			       e->state == TRACE_ENTRY_DELETING || c->moving ||
			       reader_entry(c->reader, e->section),
		       at + offsetof(struct trace_entry, section), "reference to a section") &&
	       check_stack_ref(c, e->stack, at + offsetof(struct trace_entry, stack));
}

#define FINDING_FLAGS_ALL (2 * TRACE_FINDING_HAS_SIZE - 1)

bool check_finding(const struct checker *c, const struct trace_finding *f, uint64_t at)
{
	if (!require(c, f->committed <= 1, at + offsetof(struct trace_finding, committed),
		     "mark of a valid finding"))
		return false;
	if (!f->committed)
		return true;
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		if (!check_stack_ref(c, f->stack[i], at + offsetof(struct trace_finding, stack[i])))
			return false;
	return require(c, f->kind > TRACE_KIND_SECTION_LEAK && f->kind < TRACE_KIND_COUNT,
		       at + offsetof(struct trace_finding, kind), "kind of a finding") &&
	       require(c, f->reason < TRACE_REASON_COUNT,
		       at + offsetof(struct trace_finding, reason), "reason of a finding") &&
	       require(c, c->family[f->family], at + offsetof(struct trace_finding, family),
		       "family of a finding") &&
	       require(c, f->block_family == 0 || c->family[f->block_family],
		       at + offsetof(struct trace_finding, block_family),
		       "block's family of a finding") &&
	       check_function(c, f->function, at + offsetof(struct trace_finding, function)) &&
	       require(c, f->package < TRACE_PACKAGES, at + offsetof(struct trace_finding, package),
		       "package of a finding") &&
	       require(c, f->flags <= FINDING_FLAGS_ALL, at + offsetof(struct trace_finding, flags),
		       "flags of a finding");
}

static bool check_call(const struct checker *c, const struct trace_call *call, uint64_t at)
{
	return check_function(c, call->function, at + offsetof(struct trace_call, function)) &&
	       require(c, call->package < TRACE_PACKAGES, at + offsetof(struct trace_call, package),
		       "package of a call in flight") &&
	       check_stack_ref(c, call->stack, at + offsetof(struct trace_call, stack));
}

bool check_lane(const struct checker *c, const struct trace_lane *lane, uint64_t at)
{
	if (!require(c, lane->state <= 2, at + offsetof(struct trace_lane, state), "state of a lane"))
		return false;
	if (lane->state == 0)
		return true;
	for (uint32_t i = 0; i < lane->depth && i < TRACE_IN_FLIGHT; i++)
		if (!check_call(c, &lane->in_flight[i],
				at + offsetof(struct trace_lane, in_flight[i])))
			return false;
	return true;
}

bool check_counters(const struct checker *c, const struct trace_counters *t, uint64_t at)
{
	if (!require(c, t->valid <= 1, at, "mark of valid counters"))
		return false;
	if (!t->valid)
		return true;
	if (!require(c, t->package < TRACE_PACKAGES, at + offsetof(struct trace_counters, package),
		     "package of counters"))
		return false;
	for (unsigned i = 0; i < TRACE_FUNCTIONS; i++)
		if (t->function[i].calls &&
		    !check_function(c, i, at + offsetof(struct trace_counters, function[i])))
			return false;
	return true;
}

static bool is_transfer_right(const struct checker *c, int32_t result)
{
	return result >= 0 && result >> 8 < TRACE_RECEIVERS && c->family[result & 255];
}

bool check_event(const struct checker *c, const struct trace_event *e, uint64_t at)
{
	return require(c, e->function < TRACE_FUNCTIONS && c->role[e->function],
		       at + offsetof(struct trace_event, function), "function of an event") &&
	       require(c,
		       c->role[e->function] != TRACE_ROLE_TRANSFER ||
			       is_transfer_right(c, e->result),
		       at + offsetof(struct trace_event, result),
		       "family or receiver of a transfer") &&
	       require(c, e->package < TRACE_PACKAGES, at + offsetof(struct trace_event, package),
		       "package of an event") &&
	       require(c, e->verdict < TRACE_KIND_COUNT, at + offsetof(struct trace_event, verdict),
		       "verdict of an event") &&
	       require(c,
		       e->state <=
			       (TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED | TRACE_EVENT_FAILED),
		       at + offsetof(struct trace_event, state), "state of an event") &&
	       require(c, e->stack == 0 || c->moving || reader_stack(c->reader, e->stack),
		       at + offsetof(struct trace_event, stack), "stack of an event");
}
