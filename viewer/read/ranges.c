/* SPDX-License-Identifier: MIT */
#include "viewer/read/ranges.h"

#include <stddef.h>

/* Passes if `good`; else the trouble `t` names a field of the item, which lies at `at`. */
#define REQUIRE(good, item, field, what) \
	((good) || trouble_set_damaged(t, at + offsetof(__typeof__(*(item)), field), what))

bool ranges_check_header(const struct trace_header *h, struct trouble *t)
{
	const uint64_t at = 0;

	return REQUIRE(h->chunk_bytes == TRACE_CHUNK_BYTES, h, chunk_bytes, "size of a chunk") &&
	       REQUIRE(h->mode <= TRACE_MODE_FULL, h, mode, "mode") &&
	       REQUIRE((h->max_chunks == 0) == (h->mode == TRACE_MODE_FULL), h, max_chunks,
		       "bound of the file") &&
	       REQUIRE(h->depth >= 1 && h->depth <= TRACE_FRAMES_MAX, h, depth,
		       "depth of backtraces") &&
	       REQUIRE(h->inherited <= 1, h, inherited, "mark of a forked child") &&
	       REQUIRE(h->end <= TRACE_END_KILLED, h, end, "end of the process") &&
	       REQUIRE(h->packed <= TRACE_END_KILLED + 1, h, packed, "mark of a packed trace") &&
	       REQUIRE(h->version < 5 || h->search < TRACE_SEARCH_COUNT, h, search,
		       "outcome of the search") &&
	       REQUIRE(h->chunks >= 1 && (h->max_chunks == 0 || h->chunks <= h->max_chunks), h,
		       chunks, "number of chunks");
}

bool ranges_check_chunk(const struct trace_chunk *c, uint64_t at, struct trouble *t)
{
	const uint32_t full = TRACE_ITEMS(struct trace_event);

	return REQUIRE(c->kind < TRACE_CHUNK_KINDS, c, kind, "kind of a chunk") &&
	       REQUIRE(c->records == 0 || c->records == full, c, records,
		       "number of records of a chunk") &&
	       REQUIRE(c->transfers <= full, c, transfers, "number of transfers of a chunk");
}

static uint32_t most_functions(const struct ranges_defined *d)
{
	return d->version == 1 ? TRACE_COUNTERS_FUNCTIONS : TRACE_FUNCTIONS;
}

static bool check_text(const struct ranges_defined *d, const struct trace_text *text, uint64_t at,
		       struct trouble *t)
{
	uint32_t number = text->number;

	if (!REQUIRE(text->head.bytes >= sizeof(*text) && text->length <= TRACE_TEXT_MAX &&
			     text->length <= text->head.bytes - sizeof(*text),
		     text, length, "length of a text"))
		return false;
	switch (text->head.type) {
	case TRACE_RECORD_MODULE_GONE:
		return REQUIRE(number >= 1 && number <= 65535, text, number, "id of a module");
	case TRACE_RECORD_FAMILY:
		return REQUIRE(number >= 1 && number <= 255, text, number, "id of a family");
	case TRACE_RECORD_FUNCTION:
		return REQUIRE((number & 255) < most_functions(d), text, number,
			       "id of a function") &&
		       REQUIRE((number >> 16) >= 1 && (number >> 16) <= TRACE_ROLE_LAST, text,
			       number, "role of a function");
	case TRACE_RECORD_PACKAGE_NAME:
	case TRACE_RECORD_PACKAGE_GONE:
		return REQUIRE(number < TRACE_PACKAGES, text, number, "index of a package");
	case TRACE_RECORD_ALLOCATOR:
		return REQUIRE((number & 255) < TRACE_PACKAGES, text, number, "index of a package") &&
		       REQUIRE(number >> 16 <= TRACE_ALLOCATOR_LAST, text, number,
			       "kind of an allocator");
	case TRACE_RECORD_PARAMETER:
		return REQUIRE((number & 255) < most_functions(d), text, number,
			       "id of a function") &&
		       REQUIRE(number >> 8 >= 1 && number >> 8 < TRACE_PARAMETERS, text, number,
			       "number of a parameter");
	case TRACE_RECORD_DOUBT:
		return REQUIRE((number & 255) < TRACE_PACKAGES, text, number, "index of a package") &&
		       REQUIRE(number >> 8 < TRACE_DOUBT_SLOTS, text, number, "slot of a table");
	default:
		return true;
	}
}

static bool check_stack(const struct trace_stack *stack, uint64_t at, struct trouble *t)
{
	return REQUIRE(stack->head.bytes >= sizeof(*stack) && stack->frames >= 1 &&
			       stack->frames <= TRACE_FRAMES_MAX &&
			       stack->frames <=
				       (stack->head.bytes - sizeof(*stack)) / sizeof(uint64_t),
		       stack, frames, "number of frames") &&
	       REQUIRE(stack->flags <= TRACE_STACK_TRUNCATED, stack, flags, "flags of a stack");
}

static bool check_module(const struct trace_module *m, uint64_t at, struct trouble *t)
{
	return REQUIRE(m->head.bytes >= sizeof(*m) && m->path_bytes <= TRACE_TEXT_MAX &&
			       m->path_bytes <= m->head.bytes - sizeof(*m),
		       m, path_bytes, "path of a module") &&
	       REQUIRE(m->id >= 1 && m->id <= 65535, m, id, "id of a module") &&
	       REQUIRE(m->kind >= TRACE_MODULE_ELF && m->kind < TRACE_MODULE_KINDS_END, m, kind,
		       "kind of a module") &&
	       REQUIRE(m->start <= m->end, m, start, "extent of a module") &&
	       REQUIRE(m->build_id_bytes <= sizeof(m->build_id) &&
			       (m->kind != TRACE_MODULE_PE || m->build_id_bytes == 0 ||
				m->build_id_bytes == sizeof(struct trace_pe_id)),
		       m, build_id_bytes, "build-id of a module");
}

static bool check_package(const struct trace_package *p, uint64_t at, struct trouble *t)
{
	return REQUIRE(p->head.bytes >= sizeof(*p), p, head, "size of a package's record") &&
	       REQUIRE(p->index < TRACE_PACKAGES, p, index, "index of a package") &&
	       REQUIRE(p->module <= 65535, p, module, "module of a package") &&
	       REQUIRE(p->flags <= TRACE_PACKAGE_NO_ID, p, flags, "flags of a package");
}

static bool check_symbol(const struct trace_symbol *s, uint64_t at, struct trouble *t)
{
	uint32_t texts = (uint32_t)s->function_bytes + s->linkage_bytes + s->file_bytes;

	return REQUIRE(s->head.bytes >= sizeof(*s), s, head, "size of a symbol's record") &&
	       REQUIRE(s->module >= 1 && s->module <= 65535, s, module, "id of a module") &&
	       REQUIRE(s->kind < TRACE_SYMBOL_KINDS, s, kind, "kind of a symbol") &&
	       REQUIRE(s->place < TRACE_SYMBOL_PLACES, s, place, "place of a symbol") &&
	       REQUIRE(s->inlined <= 1, s, inlined, "mark of an inlined call") &&
	       REQUIRE(texts <= s->head.bytes - sizeof(*s), s, function_bytes, "names of a symbol");
}

bool ranges_check_record(const struct ranges_defined *d, const struct trace_record *record,
			 uint32_t room, uint64_t at, struct trouble *t)
{
	if (!REQUIRE(record->bytes % TRACE_GRANULE == 0 && record->bytes <= room, record, bytes,
		     "size of a record") ||
	    !REQUIRE(record->committed <= 1, record, committed, "mark of a valid record"))
		return false;
	if (!record->committed)
		return true;
	switch (record->type) {
	case TRACE_RECORD_STACK:
		return check_stack((const struct trace_stack *)record, at, t);
	case TRACE_RECORD_MODULE:
		return check_module((const struct trace_module *)record, at, t);
	case TRACE_RECORD_PACKAGE:
		return check_package((const struct trace_package *)record, at, t);
	case TRACE_RECORD_SYMBOL:
		return check_symbol((const struct trace_symbol *)record, at, t);
	default:
		return REQUIRE(record->type >= 1 && record->type < TRACE_RECORD_TYPES, record, type,
			       "type of a record") &&
		       check_text(d, (const struct trace_text *)record, at, t);
	}
}

bool ranges_check_families(const struct ranges_defined *d, const struct trace_record *record,
			   uint64_t at, struct trouble *t)
{
	const struct trace_text *text = (const struct trace_text *)record;
	uint32_t family;

	if (record->type != TRACE_RECORD_FUNCTION && record->type != TRACE_RECORD_ALLOCATOR)
		return true;
	family = text->number >> 8 & 255;
	if (record->type == TRACE_RECORD_ALLOCATOR)
		return REQUIRE(d->family[family], text, number, "family of an allocator");
	/* A transfer has no family: the block that it hands over has one. */
	return REQUIRE(text->number >> 16 >= TRACE_ROLE_TRANSFER ? family == 0 : d->family[family],
		       text, number, "family of a function");
}

static bool is_function(const struct ranges_defined *d, uint32_t number)
{
	return number < TRACE_FUNCTIONS && d->role[number];
}

static bool is_untraced(const struct ranges_defined *d, uint32_t number)
{
	return number < TRACE_FUNCTIONS && d->role[number] > TRACE_ROLE_TRANSFER;
}

bool ranges_check_entry(const struct ranges_defined *d, const struct trace_entry *e, uint64_t at,
			struct trouble *t)
{
	const uint8_t flags = TRACE_ENTRY_INHERITED | TRACE_ENTRY_ADOPTED;

	if (e->state == TRACE_ENTRY_FREE)
		return true;
	return REQUIRE(e->state < TRACE_ENTRY_STATES, e, state, "state of a ledger entry") &&
	       REQUIRE(e->flags <= flags ||
			       (e->state != TRACE_ENTRY_SECTION &&
				e->state != TRACE_ENTRY_IGNORED_SECTION &&
				e->state != TRACE_ENTRY_SUSPECT_SECTION &&
				is_function(d, (e->flags >> TRACE_ENTRY_FUNCTION_SHIFT) - 1)),
		       e, flags, "flags of a ledger entry") &&
	       REQUIRE(d->family[e->family], e, family, "family of a ledger entry") &&
	       REQUIRE(e->package < TRACE_PACKAGES, e, package, "package of a ledger entry");
}

bool ranges_check_finding(const struct ranges_defined *d, const struct trace_finding *f,
			  uint64_t at, struct trouble *t)
{
	const uint32_t flags = 2 * TRACE_FINDING_HAS_SIZE - 1;

	if (!REQUIRE(f->committed <= 1, f, committed, "mark of a valid finding"))
		return false;
	if (!f->committed)
		return true;
	return REQUIRE(f->kind > TRACE_KIND_SECTION_LEAK && f->kind < TRACE_KIND_COUNT, f, kind,
		       "kind of a finding") &&
	       REQUIRE(f->reason < TRACE_REASON_COUNT, f, reason, "reason of a finding") &&
	       REQUIRE(d->family[f->family] || (f->family == 0 && is_untraced(d, f->function)), f,
		       family, "family of a finding") &&
	       REQUIRE(f->block_family == 0 || d->family[f->block_family], f, block_family,
		       "block's family of a finding") &&
	       REQUIRE(is_function(d, f->function), f, function, "number of a function") &&
	       REQUIRE(f->package < TRACE_PACKAGES, f, package, "package of a finding") &&
	       REQUIRE(f->place < TRACE_PLACES, f, place, "place of a finding") &&
	       REQUIRE(f->parameter < TRACE_PARAMETERS, f, parameter, "parameter of a finding") &&
	       REQUIRE(!f->handed_out || is_function(d, f->handed_out - 1u), f, handed_out,
		       "number of a function") &&
	       REQUIRE(f->flags <= flags, f, flags, "flags of a finding");
}

bool ranges_check_lane(const struct ranges_defined *d, const struct trace_lane *lane, uint64_t at,
		       struct trouble *t)
{
	if (!REQUIRE(lane->state <= 2, lane, state, "state of a lane"))
		return false;
	if (lane->state == 0)
		return true;
	if (!REQUIRE(lane->inside <= 1, lane, inside, "state of a lane's thread"))
		return false;
	for (uint32_t i = 0; i < lane->depth && i < TRACE_IN_FLIGHT; i++)
		if (!REQUIRE(is_function(d, lane->in_flight[i].function), lane,
			     in_flight[i].function, "number of a function") ||
		    !REQUIRE(lane->in_flight[i].package < TRACE_PACKAGES, lane,
			     in_flight[i].package, "package of a call in flight"))
			return false;
	return true;
}

uint32_t ranges_first_function(const struct ranges_defined *d, const struct trace_counters *counters)
{
	return d->version == 1 ? 0 : counters->first;
}

bool ranges_check_counters(const struct ranges_defined *d, const struct trace_counters *counters,
			   uint64_t at, struct trouble *t)
{
	uint32_t first = ranges_first_function(d, counters);

	if (!REQUIRE(counters->valid <= 1, counters, valid, "mark of valid counters"))
		return false;
	if (!counters->valid)
		return true;
	if (!REQUIRE(counters->package < TRACE_PACKAGES, counters, package, "package of counters") ||
	    !REQUIRE(first < TRACE_FUNCTIONS && first % TRACE_COUNTERS_FUNCTIONS == 0, counters,
		     first, "first function of counters"))
		return false;
	for (unsigned i = 0; i < TRACE_COUNTERS_FUNCTIONS; i++)
		if (!REQUIRE(!counters->function[i].calls || is_function(d, first + i), counters,
			     function[i], "number of a function"))
			return false;
	return true;
}

bool ranges_check_checkpoint(const struct trace_checkpoint *c, uint64_t at, struct trouble *t)
{
	return c->era == 0 ||
	       REQUIRE(c->name[sizeof(c->name) - 1] == '\0', c, name, "name of a checkpoint");
}

uint32_t ranges_ledger_entries(uint32_t version)
{
	return version < 4 ? (uint32_t)TRACE_ITEMS(struct trace_entry) : TRACE_LEDGER_ENTRIES;
}

static bool is_transfer_result(const struct ranges_defined *d, int32_t result)
{
	return result >= 0 && result >> 8 < TRACE_RECEIVERS && d->family[result & 255];
}

bool ranges_check_event(const struct ranges_defined *d, const struct trace_event *e, uint64_t at,
			struct trouble *t)
{
	const uint8_t states = 2 * TRACE_EVENT_INJECTED - 1;

	return REQUIRE(is_function(d, e->function), e, function, "function of an event") &&
	       REQUIRE(d->role[e->function] != TRACE_ROLE_TRANSFER ||
			       (e->state & TRACE_EVENT_RETURNED) || is_transfer_result(d, e->result),
		       e, result, "family or receiver of a transfer") &&
	       REQUIRE(e->package < TRACE_PACKAGES, e, package, "package of an event") &&
	       REQUIRE(e->verdict < TRACE_KIND_COUNT, e, verdict, "verdict of an event") &&
	       REQUIRE(e->state <= states, e, state, "state of an event");
}
