/* SPDX-License-Identifier: MIT */
#include "viewer/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/model/liveness.h"

#include <uthash.h>

struct argument {
	uint32_t position;
	size_t order; /* of pieces with one position */
	const struct trace_text *text;
};

struct module_node {
	struct model_module module; /* first: what is handed out */
	UT_hash_handle hh;          /* by module.id */
};

struct stack_node {
	uint32_t ref;
	struct model_stack *stack; /* NULL: unknown */
	UT_hash_handle hh;
};

struct item {
	struct model_entry entry;
	uint32_t ref;
	uint32_t section_ref;
};

struct model {
	struct reader *reader;
	const struct trace_header *header;
	char *path;
	char *exe;
	char **argument;
	size_t arguments;
	enum trace_end end;
	double ns_per_tick;
	struct module_node *modules;
	struct model_package package[TRACE_PACKAGES];
	struct model_function function[TRACE_FUNCTIONS];
	char *family[256];
	struct model_counter counter[TRACE_PACKAGES][TRACE_FUNCTIONS];
	struct model_transfers transfers[TRACE_PACKAGES][TRACE_FUNCTIONS];
	struct model_allocator *allocator;
	size_t allocators, allocator_room;
	struct item *item; /* of the ledger */
	size_t items;
	const struct trace_finding **finding;
	size_t findings, finding_room;
	struct model_call *call;
	size_t calls, call_room;
	struct stack_node *stack;
	uint64_t stacks;
};

static char *utf8(const char *bytes, size_t count)
{
	struct buffer b = { 0 };

	buffer_utf8(&b, bytes, count);
	return buffer_take(&b);
}

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

/* Saturates: a sum over hostile counters must not come out small. */
static void add(uint64_t *sum, uint64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = UINT64_MAX;
}

static struct module_node *find_module(const struct model *m, uint32_t id)
{
	struct module_node *node;

	HASH_FIND(hh, m->modules, &id, sizeof(id), node);
	return node;
}

static void take_module(struct model *m, const struct trace_module *t)
{
	struct module_node *node = find_module(m, t->id);
	struct model_module *module;
	const char *slash;

	if (node)
		return; /* an id is given once; the first one counts */
	node = memory_new(1, sizeof(*node));
	module = &node->module;
	module->id = t->id;
	module->load = t->base;
	module->name = utf8(t->path, t->path_bytes);
	if (t->path_bytes && !memchr(t->path, '\0', t->path_bytes))
		module->path = memory_text(t->path, t->path_bytes);
	slash = strrchr(module->name, '/');
	slash = slash ? slash + 1 : module->name;
	module->base = *slash ? memory_text(slash, strlen(slash)) : memory_text("?", 1);
	module->build_id_bytes = t->build_id_bytes;
	memcpy(module->build_id, t->build_id, sizeof(module->build_id));
	HASH_ADD(hh, m->modules, module.id, sizeof(module->id), node);
}

static void take_package(struct model *m, const struct trace_package *t)
{
	struct model_package *package = &m->package[t->index];
	const struct module_node *node = find_module(m, t->module);

	package->defined = true;
	package->has_id = !(t->flags & TRACE_PACKAGE_NO_ID);
	package->id = t->package_id;
	package->table = t->table;
	package->module = node ? &node->module : NULL;
}

static void take_function(struct model *m, const struct trace_text *t)
{
	struct model_function *function = &m->function[t->number & 255];

	replace(&function->name, utf8(t->text, t->length));
	function->family = (uint8_t)(t->number >> 8);
	function->role = (enum trace_role)(t->number >> 16);
}

/* A package may be initialised again: the last one counts. */
static void take_allocator(struct model *m, uint32_t number)
{
	struct model_allocator taken = { (uint8_t)number, (uint8_t)(number >> 8),
					 (enum trace_allocator)(number >> 16) };

	for (size_t i = 0; i < m->allocators; i++) {
		struct model_allocator *a = &m->allocator[i];

		if (a->package == taken.package && a->family == taken.family) {
			*a = taken;
			return;
		}
	}
	memory_room(m->allocator, m->allocators, m->allocator_room);
	m->allocator[m->allocators++] = taken;
}

static void take_text(struct model *m, const struct trace_text *t)
{
	switch (t->head.type) {
	case TRACE_RECORD_FAMILY:
		replace(&m->family[t->number], utf8(t->text, t->length));
		break;
	case TRACE_RECORD_FUNCTION:
		take_function(m, t);
		break;
	case TRACE_RECORD_PACKAGE_NAME:
		m->package[t->number].defined = true;
		replace(&m->package[t->number].name, utf8(t->text, t->length));
		break;
	case TRACE_RECORD_PACKAGE_GONE:
		m->package[t->number].unloaded = true;
		break;
	case TRACE_RECORD_ALLOCATOR:
		take_allocator(m, t->number);
		break;
	case TRACE_RECORD_EXE:
		replace(&m->exe, utf8(t->text, t->length));
		break;
	default:
		break;
	}
}

static int compare_arguments(const void *left, const void *right)
{
	const struct argument *a = left, *b = right;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* Positions are the trace's word, so they order the arguments but are no index. */
static void join_arguments(struct model *m, struct argument *piece, size_t pieces)
{
	struct buffer text = { 0 };

	if (pieces == 0)
		return;
	qsort(piece, pieces, sizeof(*piece), compare_arguments);
	m->argument = memory_new(pieces, sizeof(*m->argument));
	for (size_t i = 0; i < pieces; i++) {
		buffer_bytes(&text, piece[i].text->text, piece[i].text->length);
		if (i + 1 < pieces && piece[i + 1].position == piece[i].position)
			continue;
		m->argument[m->arguments++] = utf8(text.data, text.used);
		text.used = 0;
	}
	buffer_release(&text);
}

/* Modules first: a package may be written before the module that it came from. */
static void take_modules(struct model *m)
{
	const struct trace_record *record;
	struct reader_cursor c = { 0 };

	while ((record = reader_next_record(m->reader, &c)) != NULL)
		if (record->type == TRACE_RECORD_MODULE)
			take_module(m, (const struct trace_module *)record);
}

static void take_log(struct model *m)
{
	const struct trace_record *record;
	struct reader_cursor c = { 0 };
	struct argument *piece = NULL;
	size_t pieces = 0, room = 0;

	while ((record = reader_next_record(m->reader, &c)) != NULL) {
		const struct trace_text *text = (const struct trace_text *)record;

		if (record->type == TRACE_RECORD_STACK) {
			m->stacks++;
		} else if (record->type == TRACE_RECORD_PACKAGE) {
			take_package(m, (const struct trace_package *)record);
		} else if (record->type == TRACE_RECORD_ARGUMENT) {
			memory_room(piece, pieces, room);
			piece[pieces] = (struct argument){ text->number, pieces, text };
			pieces++;
		} else if (record->type != TRACE_RECORD_MODULE) {
			take_text(m, text);
		}
	}
	join_arguments(m, piece, pieces);
	free(piece);
}

static bool is_transfer(const struct model *m, uint32_t function)
{
	return m->function[function].role == TRACE_ROLE_TRANSFER;
}

static void take_counter(struct model *m, uint32_t package, uint32_t function,
			 const struct trace_counter *t)
{
	struct model_transfers *transfers = &m->transfers[package][function];
	struct model_counter *sum = &m->counter[package][function];

	if (is_transfer(m, function)) {
		add(&transfers->blocks, t->calls);
		add(&transfers->bytes, t->bytes);
		return;
	}
	add(&sum->calls, t->calls);
	add(&sum->failed, t->failed);
	add(&sum->bytes, t->bytes);
	m->package[package].called |= t->calls != 0;
}

static void take_counters(struct model *m)
{
	const struct trace_counters *t;
	struct reader_cursor c = { 0 };

	while ((t = reader_next_counters(m->reader, &c)) != NULL)
		for (unsigned i = 0; i < TRACE_FUNCTIONS; i++)
			take_counter(m, t->package, i, &t->function[i]);
}

static void take_entry(struct model_entry *entry, const struct trace_entry *t)
{
	bool section = t->state == TRACE_ENTRY_SECTION;

	*entry = (struct model_entry){
		.address = t->address,
		.size = section ? t->size & UINT32_MAX : t->size,
		.initial_size = section ? t->size >> 32 : 0,
		.in_section = !section && t->section != 0,
		.inherited = (t->flags & TRACE_ENTRY_INHERITED) != 0,
		.adopted = (t->flags & TRACE_ENTRY_ADOPTED) != 0,
		.has_descriptor = section && t->section != 0,
		.descriptor = section ? t->section - 1 : 0,
		.state = (enum trace_entry_state)t->state,
		.stack = t->stack,
		.family = t->family,
		.package = t->package,
	};
}

static int compare_refs(const void *left, const void *right)
{
	uint32_t a = ((const struct item *)left)->ref, b = ((const struct item *)right)->ref;

	return a < b ? -1 : a > b;
}

/* References grow in the order of iteration, so the items are sorted already. */
static const struct model_entry *find_section(const struct model *m, uint32_t ref)
{
	struct item key = { .ref = ref };
	const struct item *item = bsearch(&key, m->item, m->items, sizeof(key), compare_refs);

	return item && item->entry.state == TRACE_ENTRY_SECTION ? &item->entry : NULL;
}

static void take_ledger(struct model *m)
{
	const struct trace_entry *t;
	struct reader_cursor c = { 0 };
	size_t room = 0;
	uint32_t ref;

	while ((t = reader_next_entry(m->reader, &c, &ref)) != NULL) {
		memory_room(m->item, m->items, room);
		take_entry(&m->item[m->items].entry, t);
		m->item[m->items].ref = ref;
		m->item[m->items].section_ref = t->section;
		m->items++;
	}
	for (size_t i = 0; i < m->items; i++)
		if (m->item[i].entry.in_section)
			m->item[i].entry.section = find_section(m, m->item[i].section_ref);
}

static void take_findings(struct model *m)
{
	const struct trace_finding *finding;
	struct reader_cursor c = { 0 };

	while ((finding = reader_next_finding(m->reader, &c)) != NULL) {
		memory_room(m->finding, m->findings, m->finding_room);
		m->finding[m->findings++] = finding;
	}
}

static void take_lanes(struct model *m)
{
	const struct trace_lane *lane;
	struct reader_cursor c = { 0 };

	while ((lane = reader_next_lane(m->reader, &c)) != NULL) {
		for (uint32_t i = 0; i < lane->depth && i < TRACE_IN_FLIGHT; i++) {
			const struct trace_call *t = &lane->in_flight[i];

			memory_room(m->call, m->calls, m->call_room);
			m->call[m->calls++] = (struct model_call){
				t->function,
				t->package,
				lane->tid,
				t->stack,
				{ t->arguments[0], t->arguments[1] },
			};
		}
	}
}

/* Two clock points make a line; without two, a tick is taken for a nanosecond. */
static double tick_length(const struct trace_header *h)
{
	const struct trace_clock *last = &h->clock_last[h->clock_index & 1];

	if (last->ticks <= h->clock_first.ticks || last->monotonic_ns <= h->clock_first.monotonic_ns)
		return 1;
	return (double)(last->monotonic_ns - h->clock_first.monotonic_ns) /
	       (double)(last->ticks - h->clock_first.ticks);
}

static enum trace_end how_it_ended(const struct trace_header *h)
{
	if (h->end != TRACE_END_RUNNING)
		return (enum trace_end)h->end;
	return process_runs(h->pid, h->pid_start, h->boot_id) ? TRACE_END_RUNNING : TRACE_END_KILLED;
}

struct model *model_open(const char *path, struct progress *progress, struct trouble *trouble)
{
	struct reader *reader = reader_open(path, progress, trouble);
	struct model *m;

	if (!reader)
		return NULL;
	m = memory_new(1, sizeof(*m));
	m->reader = reader;
	m->header = reader_header(reader);
	m->path = utf8(path, strlen(path));
	m->end = how_it_ended(m->header);
	m->ns_per_tick = tick_length(m->header);
	take_modules(m);
	take_log(m);
	replace(&m->package[TRACE_PACKAGE_OTHER].name, utf8("other", 5));
	take_counters(m);
	take_ledger(m);
	take_findings(m);
	take_lanes(m);
	return m;
}

static void free_modules(struct model *m)
{
	struct module_node *node, *next;

	node = m->modules;
	HASH_CLEAR(hh, m->modules);
	for (; node; node = next) {
		next = node->hh.next;
		free(node->module.path);
		free(node->module.name);
		free(node->module.base);
		free(node);
	}
}

static void free_stacks(struct model *m)
{
	struct stack_node *node, *next;

	node = m->stack;
	HASH_CLEAR(hh, m->stack);
	for (; node; node = next) {
		next = node->hh.next;
		free(node->stack);
		free(node);
	}
}

void model_close(struct model *m)
{
	if (!m)
		return;
	free_modules(m);
	free_stacks(m);
	for (size_t i = 0; i < m->arguments; i++)
		free(m->argument[i]);
	for (unsigned i = 0; i < TRACE_PACKAGES; i++)
		free(m->package[i].name);
	for (unsigned i = 0; i < TRACE_FUNCTIONS; i++)
		free(m->function[i].name);
	for (unsigned i = 0; i < 256; i++)
		free(m->family[i]);
	free(m->argument);
	free(m->exe);
	free(m->path);
	free(m->allocator);
	free(m->item);
	free(m->finding);
	free(m->call);
	reader_close(m->reader);
	free(m);
}

const char *model_path(const struct model *m)
{
	return m->path;
}

const struct reader *model_reader(const struct model *m)
{
	return m->reader;
}

int32_t model_pid(const struct model *m)
{
	return m->header->pid;
}

int32_t model_ppid(const struct model *m)
{
	return m->header->ppid;
}

const char *model_exe(const struct model *m)
{
	return m->exe;
}

size_t model_arguments(const struct model *m)
{
	return m->arguments;
}

const char *model_argument(const struct model *m, size_t i)
{
	return m->argument[i];
}

uint64_t model_start_ns(const struct model *m)
{
	return m->header->start_time_ns;
}

enum trace_end model_end(const struct model *m)
{
	return m->end;
}

const char *model_end_text(const struct model *m)
{
	static const char *const texts[] = {
		[TRACE_END_RUNNING] = "running",
		[TRACE_END_EXIT] = "exit",
		[TRACE_END_EXEC] = "exec",
		[TRACE_END_KILLED] = "killed",
	};

	return texts[m->end];
}

bool model_exit_status(const struct model *m, int32_t *status)
{
	if (m->header->end != TRACE_END_EXIT && m->header->end != TRACE_END_KILLED)
		return false;
	*status = m->header->exit_status;
	return true;
}

const struct model_package *model_package(const struct model *m, uint32_t index)
{
	return &m->package[index];
}

const struct model_function *model_function(const struct model *m, uint32_t number)
{
	return &m->function[number];
}

const char *model_family(const struct model *m, uint32_t number)
{
	return m->family[number];
}

const struct model_counter *model_counter(const struct model *m, uint32_t package, uint32_t function)
{
	return &m->counter[package][function];
}

const struct model_transfers *model_transfers(const struct model *m, uint32_t package,
					      uint32_t function)
{
	return &m->transfers[package][function];
}

uint64_t model_calls(const struct model *m, uint32_t function)
{
	uint64_t calls = 0;

	for (unsigned i = 0; i < TRACE_PACKAGES; i++)
		add(&calls, m->counter[i][function].calls);
	return calls;
}

size_t model_allocators(const struct model *m)
{
	return m->allocators;
}

const struct model_allocator *model_allocator(const struct model *m, size_t i)
{
	return &m->allocator[i];
}

size_t model_entries(const struct model *m)
{
	return m->items;
}

const struct model_entry *model_entry(const struct model *m, size_t i)
{
	return &m->item[i].entry;
}

size_t model_findings(const struct model *m)
{
	return m->findings;
}

const struct trace_finding *model_finding(const struct model *m, size_t i)
{
	return m->finding[i];
}

size_t model_in_flight(const struct model *m)
{
	return m->calls;
}

const struct model_call *model_call(const struct model *m, size_t i)
{
	return &m->call[i];
}

static struct model_frame decode_frame(const struct model *m, uint64_t word)
{
	uint64_t offset = word & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1);
	uint32_t id = (uint32_t)(word >> TRACE_FRAME_OFFSET_BITS);
	const struct module_node *node = find_module(m, id);

	if (id == 0)
		return (struct model_frame){ NULL, offset, offset, true };
	if (!node)
		return (struct model_frame){ NULL, offset, 0, false };
	return (struct model_frame){ &node->module, offset, node->module.load + offset, true };
}

static struct model_stack *decode_stack(const struct model *m, uint32_t ref)
{
	const struct trace_stack *t = reader_stack(m->reader, ref);
	struct model_stack *stack;

	if (!t)
		return NULL;
	stack = memory_new(1, sizeof(*stack) + t->frames * sizeof(stack->frame[0]));
	stack->frames = t->frames;
	stack->truncated = (t->flags & TRACE_STACK_TRUNCATED) != 0;
	for (uint32_t i = 0; i < t->frames; i++)
		stack->frame[i] = decode_frame(m, t->frame[i]);
	return stack;
}

const struct model_stack *model_stack(struct model *m, uint32_t ref)
{
	struct stack_node *node;

	if (ref == 0)
		return NULL;
	HASH_FIND(hh, m->stack, &ref, sizeof(ref), node);
	if (!node) {
		node = memory_new(1, sizeof(*node));
		node->ref = ref;
		node->stack = decode_stack(m, ref);
		HASH_ADD(hh, m->stack, ref, sizeof(ref), node);
	}
	return node->stack;
}

uint64_t model_stacks(const struct model *m)
{
	return m->stacks;
}

uint64_t model_unwind_checked(const struct model *m)
{
	return m->header->unwind_checked;
}

uint64_t model_unguarded(const struct model *m)
{
	return m->header->unguarded;
}

uint64_t model_unmoved(const struct model *m)
{
	return m->header->unmoved;
}

uint64_t model_unwind_differences(const struct model *m)
{
	return m->header->unwind_differences;
}

uint64_t model_lost(const struct model *m, enum trace_lost what)
{
	return m->header->lost[what];
}

bool model_exact(const struct model *m)
{
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		if (i != TRACE_LOST_EVENTS && m->header->lost[i])
			return false;
	return true;
}

static uint64_t recorded(const struct model *m)
{
	uint64_t calls = 0;

	for (unsigned i = 0; i < TRACE_FUNCTIONS; i++)
		add(&calls, model_calls(m, i));
	return calls;
}

/* The times of the first and last event that was seen. */
struct span {
	uint64_t first, last;
};

static void span_add(struct span *span, uint64_t time)
{
	span->first = time < span->first ? time : span->first;
	span->last = time > span->last ? time : span->last;
}

/* A chunk that is full says itself what it holds. */
static bool count_ring(struct model *m, const struct reader_ring *ring, struct reader_events *some,
		       struct model_events *events, struct span *span, struct trouble *trouble)
{
	events->ring_bytes += TRACE_CHUNK_BYTES;
	if (ring->is_full) {
		events->retained += READER_RING_EVENTS - ring->transfers;
		span_add(span, ring->first_time);
		span_add(span, ring->last_time);
		return true;
	}
	if (!reader_read_events(m->reader, ring, some, trouble))
		return false;
	events->torn += some->torn;
	for (size_t i = 0; i < some->count; i++) {
		events->retained += !is_transfer(m, some->event[i].function);
		span_add(span, some->event[i].time);
	}
	return true;
}

/* Some of what the writer lost may have been transfers. */
static void settle_missing(struct model_events *e)
{
	uint64_t missing = e->recorded > e->retained ? e->recorded - e->retained : 0;

	e->lost = e->lost < missing ? e->lost : missing;
	e->overwritten = missing - e->lost;
}

bool model_count_events(struct model *m, struct model_events *events, struct progress *progress,
			struct trouble *trouble)
{
	struct reader_events *some = memory_new(1, sizeof(*some));
	struct span span = { .first = UINT64_MAX };
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	bool good = true;

	*events = (struct model_events){ .recorded = recorded(m),
					 .lost = model_lost(m, TRACE_LOST_EVENTS) };
	while (good && reader_next_ring(m->reader, &c, &ring)) {
		progress_show(progress, "reading events", c.chunk, m->header->chunks);
		good = count_ring(m, &ring, some, events, &span, trouble);
	}
	free(some);
	if (events->retained) {
		events->first_ns = model_time_ns(m, span.first);
		events->last_ns = model_time_ns(m, span.last);
	}
	settle_missing(events);
	return good;
}

/* Doubles are exact for 104 days of nanoseconds; the bounds are for traces that lie. */
int64_t model_time_ns(const struct model *m, uint64_t ticks)
{
	double ns = (double)(int64_t)(ticks - m->header->clock_first.ticks) * m->ns_per_tick;

	if (ns >= 9e18)
		return INT64_MAX;
	return ns <= -9e18 ? INT64_MIN : (int64_t)ns;
}

uint64_t model_duration_ns(const struct model *m, uint64_t ticks)
{
	double ns = (double)ticks * m->ns_per_tick;

	return ns >= 9e18 ? INT64_MAX : (uint64_t)ns;
}
