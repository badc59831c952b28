/* SPDX-License-Identifier: MIT */
#include "viewer/profile/profile.h"

#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/base/sum.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/symbols/symbols.h"

/* What tells rows apart. It has no padding. */
struct key {
	uint32_t model, stack;
	uint8_t package, family, is_overwritten;
	uint8_t unused[5]; /* whole words are hashed sooner */
};

static bool is_row(const struct profile_row *row, const struct key *key)
{
	return row->stack == key->stack && row->model == key->model &&
	       row->package == key->package && row->family == key->family &&
	       row->is_overwritten == key->is_overwritten;
}

static uint32_t number_row(struct profile *p, const struct key *key)
{
	bool is_new;
	uint32_t number = numbers_give(&p->numbers, key, sizeof(*key), &is_new) - 1;

	if (!is_new)
		return number;
	memory_room(p->row, p->rows, p->room);
	p->row[p->rows++] = (struct profile_row){ .model = key->model,
						  .stack = key->stack,
						  .package = key->package,
						  .family = key->family,
						  .is_overwritten = key->is_overwritten };
	return number;
}

/* Most events are of few stacks, whose rows are remembered. Inline: a key that was just stored in pieces, and
 * is loaded as a whole, stalls. */
static inline struct profile_row *find_row(struct profile *p, const struct key *key)
{
	uint32_t *recent = &p->recent[key->stack % PROFILE_RECENT];

	if (*recent >= p->rows || !is_row(&p->row[*recent], key))
		*recent = number_row(p, key);
	return &p->row[*recent];
}

static void add_entries(struct profile *p, size_t number)
{
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	while (model_next_entry(p->models[number], &c, &entry)) {
		struct key key = { (uint32_t)number, entry.stack, entry.package,
				   entry.family,     false,       { 0 } };
		struct profile_row *row;

		if (entry.state == TRACE_ENTRY_SECTION)
			continue;
		row = find_row(p, &key);
		row->value[PROFILE_LIVE_BLOCKS]++;
		sum_add(&row->value[PROFILE_LIVE_BYTES], entry.size);
		if (!model_is_leak(&entry))
			continue;
		row->value[PROFILE_LEAKED_BLOCKS]++;
		sum_add(&row->value[PROFILE_LEAKED_BYTES], entry.size);
	}
}

static bool allocates(enum trace_role role)
{
	return event_has_size(role) && role != TRACE_ROLE_CREATE_SECTION &&
	       role != TRACE_ROLE_TRANSFER;
}

static void add_event(struct profile *p, size_t number, const struct trace_event *e, uint64_t place)
{
	const struct model *model = p->models[number];
	const struct reader *reader = model_reader(model);
	const struct model_function *function = model_function(model, e->function);
	struct key key = { (uint32_t)number, e->stack, e->package, function->family, false, { 0 } };
	struct profile_row *row;

	if (function->role >= TRACE_ROLE_TRANSFER)
		return;
	/* The reader has found the others. */
	if (reader_was_moving(reader) && !reader_stack(reader, e->stack))
		key.stack = 0;
	row = find_row(p, &key);
	if (!row->value[PROFILE_CALLS] || row->place > place)
		row->place = place;
	row->value[PROFILE_CALLS]++;
	if (!allocates(function->role) || !event_has_address(function->role, e))
		return;
	row->value[PROFILE_ALLOCATED_BLOCKS]++;
	sum_add(&row->value[PROFILE_ALLOCATED_BYTES], e->size);
}

/* What reads the events of a model. */
struct adding {
	struct profile *profile;
	size_t number;
	struct progress *progress;
};

static void visit_ring(void *context, const struct reader_ring *ring,
		       const struct reader_events *events)
{
	const struct adding *a = context;
	const struct reader *reader = model_reader(a->profile->models[a->number]);

	progress_show(a->progress, "reading events", ring->chunk, reader_header(reader)->chunks);
	for (size_t i = 0; i < events->count; i++)
		add_event(a->profile, a->number, &events->event[i], (uint64_t)ring->chunk << 32 | i);
}

static int compare_places(const void *left, const void *right)
{
	uint64_t a = ((const struct profile_row *)left)->place;
	uint64_t b = ((const struct profile_row *)right)->place;

	return a < b ? -1 : a > b;
}

/* In the order of the file, whoever reads. Rows that are older keep their places. */
static bool read_also(struct adding *a, const struct profile_reading *reading,
		      struct trouble *trouble)
{
	struct profile *p = a->profile;
	const struct timeline_watch watch = { visit_ring, a };
	size_t first = p->rows;

	if (!reading->read(reading->context, a->number, &watch, trouble))
		return false;
	if (p->rows > first)
		qsort(&p->row[first], p->rows - first, sizeof(*p->row), compare_places);
	return true;
}

static bool add_events(struct adding *a, struct trouble *trouble)
{
	const struct reader *reader = model_reader(a->profile->models[a->number]);
	struct reader_events *events = memory_new(1, sizeof(*events));
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	bool is_read = true;

	while (is_read && reader_next_ring(reader, &c, &ring)) {
		is_read = reader_read_events(reader, &ring, events, trouble);
		if (is_read)
			visit_ring(a, &ring, events);
	}
	free(events);
	return is_read;
}

/* Sums of a package's calls to a family. */
struct totals {
	uint64_t calls, blocks, bytes;
};

static uint64_t rest_of(uint64_t all, uint64_t part)
{
	return all > part ? all - part : 0;
}

static void add_rest(struct profile *p, size_t number, uint8_t package, uint8_t family,
		     const struct totals *had)
{
	const struct model *model = p->models[number];
	struct key key = { (uint32_t)number, 0, package, family, true, { 0 } };
	struct totals all = { 0 };
	struct profile_row *row;

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const struct model_function *function = model_function(model, i);
		const struct model_counter *counter = model_counter(model, package, i);

		if (!function->name || function->family != family ||
		    function->role >= TRACE_ROLE_TRANSFER)
			continue;
		sum_add(&all.calls, counter->calls);
		if (!allocates(function->role))
			continue;
		sum_add(&all.blocks, rest_of(counter->calls, counter->failed));
		sum_add(&all.bytes, counter->bytes);
	}
	if (all.calls <= had->calls && all.blocks <= had->blocks)
		return;
	row = find_row(p, &key);
	row->value[PROFILE_CALLS] = rest_of(all.calls, had->calls);
	row->value[PROFILE_ALLOCATED_BLOCKS] = rest_of(all.blocks, had->blocks);
	row->value[PROFILE_ALLOCATED_BYTES] = rest_of(all.bytes, had->bytes);
}

/* The rows of the model begin at `first`. */
static void add_rests(struct profile *p, size_t number, size_t first)
{
	struct totals *had[TRACE_PACKAGES]; /* by family, of those that called */

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++)
		had[i] = model_package(p->models[number], i)->has_called
				 ? memory_new(256, sizeof(struct totals))
				 : NULL;
	for (size_t i = first; i < p->rows; i++) {
		struct totals *of_package = had[p->row[i].package];
		struct totals *t;
		uint64_t *value = p->row[i].value;

		/* What is leaked here was allocated here, and the event may be overwritten. */
		if (value[PROFILE_ALLOCATED_BLOCKS] < value[PROFILE_LEAKED_BLOCKS])
			value[PROFILE_ALLOCATED_BLOCKS] = value[PROFILE_LEAKED_BLOCKS];
		if (value[PROFILE_ALLOCATED_BYTES] < value[PROFILE_LEAKED_BYTES])
			value[PROFILE_ALLOCATED_BYTES] = value[PROFILE_LEAKED_BYTES];
		if (!of_package)
			continue;
		t = &of_package[p->row[i].family];
		sum_add(&t->calls, value[PROFILE_CALLS]);
		sum_add(&t->blocks, value[PROFILE_ALLOCATED_BLOCKS]);
		sum_add(&t->bytes, value[PROFILE_ALLOCATED_BYTES]);
	}
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		for (uint32_t family = 1; had[i] && family < 256; family++)
			if (model_family(p->models[number], family))
				add_rest(p, number, (uint8_t)i, (uint8_t)family, &had[i][family]);
		free(had[i]);
	}
}

struct profile *profile_new(struct model *const *models, size_t count,
			    const struct profile_reading *reading, struct progress *progress,
			    size_t *failed, struct trouble *trouble)
{
	struct profile *p = memory_new(1, sizeof(*p));

	p->models = models;
	p->count = count;
	for (size_t i = 0; i < count; i++) {
		struct adding adding = { p, i, progress };
		size_t first = p->rows;

		add_entries(p, i);
		if (!(reading && i < reading->models ? read_also(&adding, reading, trouble)
						     : add_events(&adding, trouble))) {
			*failed = i;
			profile_free(p);
			return NULL;
		}
		add_rests(p, i, first);
	}
	numbers_release(&p->numbers);
	for (size_t i = 0; i < p->rows; i++)
		for (unsigned j = 0; j < PROFILE_VALUES; j++)
			sum_add(&p->sum[j], p->row[i].value[j]);
	return p;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	numbers_release(&p->numbers);
	free(p->row);
	free(p);
}

struct walk {
	void (*visit)(void *context, const struct profile_frame *frame);
	void *context;
};

static void visit_word(const struct walk *w, const char *word)
{
	w->visit(w->context, &(struct profile_frame){ .function = word });
}

static void visit_symbol(const struct walk *w, const struct symbol *symbol,
			 const struct model_frame *frame)
{
	if (symbol->outer)
		visit_symbol(w, symbol->outer, frame);
	w->visit(w->context,
		 &(struct profile_frame){ symbol->function, symbol->file, symbol->line, frame });
}

void profile_walk(const struct profile *p, const struct profile_row *row, struct symbols *symbols,
		  void (*visit)(void *context, const struct profile_frame *frame), void *context)
{
	const struct model *model = p->models[row->model];
	const struct walk walk = { visit, context };
	const struct model_stack *stack;
	struct buffer package = { 0 };
	struct model_stack room;

	model_write_package(model, row->package, &package);
	visit_word(&walk, package.data);
	buffer_release(&package);
	stack = model_stack(model, row->stack, &room);
	if (!stack)
		visit_word(&walk, row->is_overwritten ? "(overwritten calls)" : "(no backtrace)");
	else if (stack->is_truncated)
		visit_word(&walk, "(outer frames not recorded)");
	for (uint32_t i = stack ? stack->frames : 0; i-- > 0;)
		visit_symbol(&walk,
			     symbols_find(symbols, stack->frame[i].module, stack->frame[i].offset),
			     &stack->frame[i]);
}

void profile_name(struct buffer *b, const struct profile_frame *frame)
{
	if (frame->function) {
		buffer_plain(b, frame->function);
		return;
	}
	if (frame->frame->module) {
		buffer_plain(b, frame->frame->module->base);
		buffer_text(b, "+");
	}
	buffer_hex(b, frame->frame->offset);
}
