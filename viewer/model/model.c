/* SPDX-License-Identifier: MIT */
#include "viewer/model/model.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "include/site.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/base/sum.h"
#include "viewer/model/definitions.h"
#include "viewer/model/liveness.h"
#include "viewer/model/stacks.h"
#include "viewer/read/reader.h"

/* What a package called and handed over. */
struct totals {
	struct model_counter counter[TRACE_FUNCTIONS];
	struct model_transfers transfers[TRACE_FUNCTIONS];
};

struct model {
	struct reader *reader;
	const struct trace_header *header;
	char *path;
	struct model_process process;
	double ns_per_tick;
	uint32_t since_era; /* model_look_since(): what is older is left out */
	uint64_t since_ticks;
	unsigned other_kinds; /* model_set_leak_kinds(): those that are not asked for */
	bool excuses_live;    /* model_excuse_live() */
	struct definitions definitions;
	struct totals *totals[TRACE_PACKAGES]; /* NULL: all are 0 */
	struct model_call *call;               /* in flight */
	size_t calls, call_room;
	uint64_t cut_off; /* of them, those that the end of the process cut off in the tracer */
};

static bool is_transfer(const struct model *m, uint32_t function)
{
	return m->definitions.function[function].role == TRACE_ROLE_TRANSFER;
}

static void take_counters(struct model *m)
{
	const struct trace_counters *t;
	struct reader_cursor c = { 0 };

	while ((t = reader_next_counters(m->reader, &c)) != NULL) {
		uint32_t first = reader_first_function(m->reader, t);
		struct totals **totals = &m->totals[t->package];

		if (!*totals)
			*totals = memory_new(1, sizeof(**totals));
		for (uint32_t i = 0; i < TRACE_COUNTERS_FUNCTIONS; i++) {
			struct model_transfers *transfers = &(*totals)->transfers[first + i];
			struct model_counter *sum = &(*totals)->counter[first + i];

			if (is_transfer(m, first + i)) {
				sum_add(&transfers->blocks, t->function[i].calls);
				sum_add(&transfers->bytes, t->function[i].bytes);
				continue;
			}
			sum_add(&sum->calls, t->function[i].calls);
			sum_add(&sum->failed, t->function[i].failed);
			sum_add(&sum->bytes, t->function[i].bytes);
			m->definitions.package[t->package].has_called |= t->function[i].calls != 0;
		}
	}
}

static void take_lanes(struct model *m)
{
	const struct trace_lane *lane;
	struct reader_cursor c = { 0 };

	while ((lane = reader_next_lane(m->reader, &c)) != NULL) {
		m->cut_off += lane->inside;
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

#define SEARCH_WHY(name, why) [TRACE_SEARCH_##name] = why,

static const char *why_unknown(enum trace_search search, enum trace_end end)
{
	static const char *const why[] = { TRACE_SEARCHES(SEARCH_WHY) };

	if (search == TRACE_SEARCH_DONE)
		return NULL;
	if (search == TRACE_SEARCH_ASKED && end == TRACE_END_EXEC)
		return "the process became another program";
	return search == TRACE_SEARCH_NONE ? "--leak-check was not given" : why[search];
}

static bool is_for_windows(const struct model *m)
{
	for (uint32_t i = 0; i < model_modules(m); i++)
		if (model_module(m, i)->kind == TRACE_MODULE_PE)
			return true;
	return false;
}

/* Those that end programs. No function returns one of them as its status. */
static const struct {
	uint32_t code;
	const char *words;
} exceptions[] = {
	{ 0x80000001, "guard page" },
	{ 0x80000002, "misaligned access" },
	{ 0x80000003, "breakpoint" },
	{ 0x80000004, "single step" },
	{ 0xc0000005, "access violation" },
	{ 0xc0000006, "in-page error" },
	{ 0xc000001d, "illegal instruction" },
	{ 0xc0000025, "exception that cannot be continued" },
	{ 0xc0000026, "invalid disposition of an exception" },
	{ 0xc000008c, "array bounds exceeded" },
	{ 0xc000008e, "floating-point division by zero" },
	{ 0xc0000090, "invalid floating-point operation" },
	{ 0xc0000094, "integer division by zero" },
	{ 0xc0000095, "integer overflow" },
	{ 0xc0000096, "privileged instruction" },
	{ 0xc00000fd, "stack overflow" },
	{ 0xc0000374, "damaged heap" },
	{ 0xc0000409, "damaged stack, or fast failure" },
	{ 0xc0000420, "failed assertion" },
	{ 0xe0434352, "exception of .NET" },
	{ 0xe06d7363, "exception of C++" },
	{ 0x20474343, "exception of C++" },
};

const char *model_exception(uint32_t code)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(*exceptions); i++)
		if (exceptions[i].code == code)
			return exceptions[i].words;
	return NULL;
}

/* As it was noted; or else, as Wine tells it by the status. */
static uint32_t find_exception(const struct model *m, enum trace_end end)
{
	const struct trace_header *h = m->header;
	uint32_t status = (uint32_t)h->exit_status;

	if (end == TRACE_END_RUNNING || end == TRACE_END_EXEC)
		return 0;
	if (h->version >= 6 && h->exception)
		return h->exception;
	return end == TRACE_END_EXIT && model_exception(status) && is_for_windows(m) ? status : 0;
}

static void take_process(struct model *m, bool is_running)
{
	static const char *const end_texts[] = {
		[TRACE_END_RUNNING] = "running",
		[TRACE_END_EXIT] = "exit",
		[TRACE_END_EXEC] = "exec",
		[TRACE_END_KILLED] = "killed",
	};
	const struct trace_header *h = m->header;
	enum trace_search search = h->version < 5 ? TRACE_SEARCH_NONE : (enum trace_search)h->search;
	enum trace_end end = (enum trace_end)h->end;

	/* A process that is gone without having written how it ended was killed. One that has begun to
	 * exit runs until its destructors have freed what they free. */
	if (h->packed)
		end = (enum trace_end)(h->packed - 1);
	else if (is_running)
		end = TRACE_END_RUNNING;
	else if (end == TRACE_END_RUNNING)
		end = TRACE_END_KILLED;
	m->process = (struct model_process){
		.pid = h->pid,
		.ppid = h->ppid,
		.exe = m->definitions.exe,
		.start_ns = h->start_time_ns,
		.end = end,
		.end_text = end_texts[end],
		.has_exit_status = end != TRACE_END_RUNNING &&
				   (h->end == TRACE_END_EXIT || h->end == TRACE_END_KILLED),
		/* Who waits for a process sees no more of it. */
		.exit_status = h->exit_status & 0xff,
		.stacks = m->definitions.stacks,
		.unwind_checked = h->unwind_checked,
		.unwind_differed = h->unwind_differences,
		.unguarded = h->unguarded,
		.search = search,
		.search_why = why_unknown(search, end),
		.still_ns = search ? h->still_ns : 0,
		.unmoved = h->unmoved,
	};
	m->process.exception = find_exception(m, end);
}

/* Two points in time by both clocks give the length of a tick. Without two, it is taken as 1 ns. */
static double measure_tick(const struct trace_header *h)
{
	const struct trace_clock *first = &h->clock_first;
	const struct trace_clock *last = &h->clock_last[h->clock_index & 1];

	if (last->ticks <= first->ticks || last->monotonic_ns <= first->monotonic_ns)
		return 1;
	return (double)(last->monotonic_ns - first->monotonic_ns) /
	       (double)(last->ticks - first->ticks);
}

/* When the trace was begun: what times are counted from. */
static uint64_t start_ticks(const struct model *m)
{
	return m->header->start_ticks ? m->header->start_ticks : m->header->clock_first.ticks;
}

/*
 * What a process did while its trace was read may be missing from the one part and not from the other.
 * For a process that runs that is as good as a moment before. But if it ended meanwhile, blocks that it
 * has freed would be leaks at its end: what it left behind is read again, once nobody writes it.
 */
static struct reader *open_reader(const char *path, struct progress *progress, bool *is_running,
				  struct trouble *trouble)
{
	struct reader *reader = reader_open(path, progress, trouble);
	const struct trace_header *h = reader ? reader_header(reader) : NULL;

	*is_running = h && !h->packed && (h->end == TRACE_END_RUNNING || h->end == TRACE_END_EXIT) &&
		      liveness_check(h->pid, h->pid_start, h->boot_id);
	if (!h || h->packed || *is_running || !reader_was_moving(reader))
		return reader;
	reader_close(reader);
	return reader_open(path, progress, trouble);
}

struct model *model_open(const char *path, struct progress *progress, struct trouble *trouble)
{
	bool is_running;
	struct reader *reader = open_reader(path, progress, &is_running, trouble);
	struct model *m;

	if (!reader)
		return NULL;
	m = memory_new(1, sizeof(*m));
	m->reader = reader;
	m->header = reader_header(reader);
	m->path = buffer_take_utf8(path, strlen(path));
	m->ns_per_tick = measure_tick(m->header);
	definitions_read(&m->definitions, reader);
	take_process(m, is_running);
	take_counters(m);
	take_lanes(m);
	return m;
}

void model_close(struct model *m)
{
	if (!m)
		return;
	definitions_release(&m->definitions);
	for (unsigned i = 0; i < TRACE_PACKAGES; i++)
		free(m->totals[i]);
	free(m->path);
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

const struct model_process *model_process(const struct model *m)
{
	return &m->process;
}

/* Those of an exception, and of abort(). */
static bool is_status_of_death(int status)
{
	int number = status - 128;

	return number == SIGILL || number == SIGABRT || number == SIGBUS || number == SIGFPE ||
	       number == SIGSEGV;
}

bool model_was_killed(const struct model *m)
{
	const struct model_process *p = &m->process;

	return p->end == TRACE_END_KILLED || p->exception ||
	       (p->end == TRACE_END_EXIT && p->has_exit_status &&
		is_status_of_death(p->exit_status) && is_for_windows(m));
}

const struct model_package *model_package(const struct model *m, uint32_t index)
{
	return &m->definitions.package[index];
}

const struct model_function *model_function(const struct model *m, uint32_t function)
{
	return &m->definitions.function[function];
}

const char *model_family(const struct model *m, uint32_t family)
{
	return m->definitions.family[family];
}

const struct model_counter *model_counter(const struct model *m, uint32_t package, uint32_t function)
{
	static const struct model_counter none;

	return m->totals[package] ? &m->totals[package]->counter[function] : &none;
}

const struct model_transfers *model_transfers(const struct model *m, uint32_t package,
					      uint32_t function)
{
	static const struct model_transfers none;

	return m->totals[package] ? &m->totals[package]->transfers[function] : &none;
}

uint64_t model_calls(const struct model *m, uint32_t function)
{
	uint64_t calls = 0;

	for (unsigned i = 0; i < TRACE_PACKAGES; i++)
		sum_add(&calls, model_counter(m, i, function)->calls);
	return calls;
}

bool model_has_package(const struct model *m)
{
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++)
		if ((m->definitions.package[i].is_defined || m->definitions.package[i].has_called) &&
		    !m->definitions.package[i].has_failed)
			return true;
	return false;
}

void model_write_package(const struct model *m, uint32_t index, struct buffer *to)
{
	const char *name = m->definitions.package[index].name;

	if (name && *name)
		buffer_plain(to, name);
	else
		buffer_format(to, "#%" PRIu32, index);
}

uint32_t model_modules(const struct model *m)
{
	return m->definitions.modules;
}

const struct model_module *model_module(const struct model *m, uint32_t i)
{
	return &m->definitions.module[i];
}

const struct model_module *model_module_of(const struct model *m, uint32_t id)
{
	return definitions_module(&m->definitions, id);
}

bool model_allocator(const struct model *m, uint32_t package, uint32_t family,
		     enum trace_allocator *allocator)
{
	uint8_t known = m->definitions.allocator[package][family];

	*allocator = (enum trace_allocator)(known ? known - 1 : 0);
	return known != 0;
}

/* Returns the next part of an argument; *before is where the cursor was before it. */
static const struct trace_text *next_part(const struct model *m, struct reader_cursor *c,
					  struct reader_cursor *before)
{
	const struct trace_record *record;

	do {
		*before = *c;
		record = reader_next_record(m->reader, c);
	} while (record && record->type != TRACE_RECORD_ARGUMENT);
	return (const struct trace_text *)record;
}

bool model_next_argument(const struct model *m, struct reader_cursor *c, struct buffer *text)
{
	struct reader_cursor before;
	const struct trace_text *part = next_part(m, c, &before);
	struct buffer bytes = { 0 };
	uint32_t position;

	if (!part)
		return false;
	position = part->number;
	do {
		size_t left = TRACE_ARGUMENT_MAX - bytes.used;

		buffer_bytes(&bytes, part->text, part->length < left ? part->length : left);
		part = next_part(m, c, &before);
	} while (part && part->number == position);
	if (part)
		*c = before;
	buffer_utf8(text, bytes.data, bytes.used);
	buffer_release(&bytes);
	return true;
}

static bool is_section_state(uint8_t state)
{
	return state == TRACE_ENTRY_SECTION || state == TRACE_ENTRY_IGNORED_SECTION ||
	       state == TRACE_ENTRY_SUSPECT_SECTION;
}

/* What an ignored or suspect entry is apart from that. */
static enum trace_entry_state plain_state(uint8_t state)
{
	if (state == TRACE_ENTRY_IGNORED)
		return TRACE_ENTRY_BLOCK;
	return is_section_state(state) ? TRACE_ENTRY_SECTION : (enum trace_entry_state)state;
}

bool model_is_leak(const struct model_entry *entry)
{
	if (entry->inherited || entry->ignored || entry->is_excused)
		return false;
	return entry->state == TRACE_ENTRY_SECTION ? !entry->adopted
						   : entry->state == TRACE_ENTRY_BLOCK &&
							     (!entry->in_section || entry->section);
}

/* In place, because a copy of what was just stored in pieces would stall. */
static void decode_entry(const struct model *m, const struct trace_entry *t,
			 struct model_entry *entry)
{
	bool is_section = is_section_state(t->state);
	const struct trace_entry *section =
		is_section || !t->section ? NULL : reader_entry(m->reader, t->section);

	entry->address = t->address;
	entry->size = is_section ? t->size & UINT32_MAX : t->size;
	entry->initial_size = is_section ? t->size >> 32 : 0;
	entry->source = t;
	entry->section = section && is_section_state(section->state) ? section : NULL;
	entry->in_section = !is_section && t->section != 0;
	entry->inherited = (t->flags & TRACE_ENTRY_INHERITED) != 0;
	entry->adopted = (t->flags & TRACE_ENTRY_ADOPTED) != 0;
	entry->handed_out = is_section ? 0 : t->flags >> TRACE_ENTRY_FUNCTION_SHIFT;
	entry->has_descriptor = is_section && t->section != 0;
	entry->descriptor = is_section ? t->section - 1 : 0;
	entry->ignored = t->state == TRACE_ENTRY_IGNORED || t->state == TRACE_ENTRY_IGNORED_SECTION;
	entry->is_excused = m->excuses_live || t->state == TRACE_ENTRY_SUSPECT_SECTION;
	entry->state = plain_state(t->state);
	entry->stack = t->stack;
	entry->family = t->family;
	entry->package = t->package;
}

struct model_entry model_entry(const struct model *m, const struct trace_entry *t)
{
	struct model_entry entry = { 0 };

	decode_entry(m, t, &entry);
	return entry;
}

bool model_next_entry(const struct model *m, struct reader_cursor *c, struct model_entry *entry)
{
	const struct trace_entry *t;
	uint32_t era;

	do {
		t = reader_next_entry(m->reader, c);
		if (!t)
			return false;
		era = reader_era(m->reader, c);
	} while (era < m->since_era);
	decode_entry(m, t, entry);
	entry->era = era;
	entry->reach = reader_reach(m->reader, c);
	return true;
}

const struct trace_finding *model_next_finding(const struct model *m, struct reader_cursor *c)
{
	const struct trace_finding *t;

	do
		t = reader_next_finding(m->reader, c);
	while (t && t->first_time < m->since_ticks);
	return t;
}

const struct trace_checkpoint *model_next_checkpoint(const struct model *m, struct reader_cursor *c)
{
	return reader_next_checkpoint(m->reader, c);
}

bool model_look_since(struct model *m, const char *checkpoint)
{
	struct reader_cursor c = { 0 };
	const struct trace_checkpoint *t;

	while ((t = model_next_checkpoint(m, &c)) != NULL)
		if (strncmp(t->name, checkpoint, sizeof(t->name) - 1) == 0) {
			m->since_era = t->era;
			m->since_ticks = t->time;
			return true;
		}
	return false;
}

void model_set_leak_kinds(struct model *m, unsigned kinds)
{
	m->other_kinds = ~(kinds | 1u << TRACE_REACH_UNKNOWN);
}

void model_excuse_live(struct model *m)
{
	m->excuses_live = true;
}

bool model_has_leak_kind(const struct model *m, enum trace_reach reach)
{
	return !(m->other_kinds >> reach & 1);
}

uint64_t model_returns(const struct model *m, uint32_t function)
{
	return m->header->returns[function];
}

uint32_t model_first_era(const struct model *m)
{
	return m->header->first_era;
}

uint32_t model_last_era(const struct model *m)
{
	return m->header->last_era;
}

uint64_t model_span_ns(const struct model *m)
{
	uint64_t start = start_ticks(m);
	const struct trace_clock *last = &m->header->clock_last[m->header->clock_index & 1];

	return last->ticks > start ? model_duration_ns(m, last->ticks - start) : 0;
}

size_t model_in_flight(const struct model *m)
{
	return m->calls;
}

bool model_next_thread(const struct model *m, struct reader_cursor *c, int32_t *tid)
{
	enum { IN_USE = 1 };
	const struct trace_lane *lane;

	while ((lane = reader_next_lane(m->reader, c)) != NULL)
		if (lane->state == IN_USE) {
			*tid = lane->tid;
			return true;
		}
	return false;
}

const struct model_call *model_call(const struct model *m, size_t i)
{
	return &m->call[i];
}

const struct model_stack *model_stack(const struct model *m, uint32_t ref, struct model_stack *room)
{
	const struct trace_stack *t = reader_stack(m->reader, ref);

	if (!t)
		return NULL;
	stacks_decode(room, &m->definitions, t);
	return room;
}

bool model_is_in_package(const struct model *m, uint32_t package, const struct model_frame *frame)
{
	const struct model_module *own = m->definitions.package[package].module,
				  *module = frame->module;

	return !m->definitions.package[package].is_host_table && own && module &&
	       (own == module || (own->path_bytes && own->path_bytes == module->path_bytes &&
				  memcmp(own->path, module->path, own->path_bytes) == 0));
}

const struct model_stack *model_crash(const struct model *m, struct model_stack *stack,
				      uint32_t *package)
{
	bool is_noted = m->process.exception && m->header->version >= 6;

	*package = TRACE_PACKAGE_OTHER;
	if (!is_noted || !model_stack(m, m->header->exception_stack, stack))
		return NULL;
	for (uint32_t i = stack->frames; i-- > 0;)
		for (uint32_t p = 0; p < TRACE_PACKAGES; p++)
			if (model_is_in_package(m, p, &stack->frame[i]))
				*package = p;
	return stack;
}

uint64_t model_site(const struct model *m, uint32_t package, uint32_t function, uint32_t ref)
{
	const struct model_package *p = &m->definitions.package[package];
	const char *name = m->definitions.function[function].name;
	uint64_t own = p->is_host_table || !p->module ? 0 : p->module->site;
	struct model_stack room;
	const struct model_stack *stack = model_stack(m, ref, &room);
	struct site site = site_begin(name ? name : "");

	if (!stack)
		return 0;
	for (uint32_t i = 0; i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];
		uint64_t module = frame->module ? frame->module->site : 0;

		site_add(&site, module, frame->offset, own && module == own);
	}
	return site_end(&site);
}

const struct model_frame *model_own_frame(const struct model *m, uint32_t package,
					  const struct model_stack *stack)
{
	for (uint32_t i = 0; stack && i < stack->frames; i++)
		if (model_is_in_package(m, package, &stack->frame[i]))
			return &stack->frame[i];
	return stack ? &stack->frame[0] : NULL;
}

bool model_is_same_build(const struct model_module *one, const struct model_module *other)
{
	return one->build_id_bytes && one->build_id_bytes == other->build_id_bytes &&
	       memcmp(one->build_id, other->build_id, one->build_id_bytes) == 0;
}

static bool is_windows_library(const struct model_module *module)
{
	static const char *const names[] = { "ntdll.dll",  "kernel32.dll", "kernelbase.dll",
					     "msvcrt.dll", "ucrtbase.dll", "vcruntime140.dll" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(module->base, names[i]) == 0)
			return true;
	return false;
}

bool model_is_c_library(const struct model_module *module)
{
	static const char *const names[] = { "libc.so", "libpthread.so", "ld-linux", "libc-2." };

	if (module && module->kind == TRACE_MODULE_PE)
		return is_windows_library(module);
	for (size_t i = 0; module && i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(module->base, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

const struct trace_symbol *const *model_find_symbol(const struct model_module *module,
						    enum trace_symbol_kind kind, uint64_t offset,
						    size_t *count)
{
	size_t low = 0, high = module->symbols, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct trace_symbol *t = module->symbol[middle];

		if (t->kind < kind || (t->kind == kind && t->offset < offset))
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < module->symbols && module->symbol[end]->kind == kind &&
			module->symbol[end]->offset == offset;)
		end++;
	*count = end - low;
	return &module->symbol[low];
}

uint64_t model_lost(const struct model *m, enum trace_lost what)
{
	enum trace_end end = (enum trace_end)m->header->end;
	uint64_t lost = m->header->lost[what];

	/* A process that was killed, or still runs, promises nothing about calls in flight. */
	if (what == TRACE_LOST_JUDGEMENTS && (end == TRACE_END_EXIT || end == TRACE_END_EXEC))
		sum_add(&lost, m->cut_off);
	return lost;
}

bool model_is_exact(const struct model *m)
{
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		if (i != TRACE_LOST_EVENTS && model_lost(m, (enum trace_lost)i))
			return false;
	return true;
}

/* The times of the first and last event seen, in ticks. */
struct span {
	uint64_t first, last;
};

static void extend_span(struct span *span, uint64_t time)
{
	span->first = time < span->first ? time : span->first;
	span->last = time > span->last ? time : span->last;
}

static bool count_ring(const struct model *m, const struct reader_ring *ring,
		       struct reader_events *some, struct model_events *events, struct span *span,
		       struct trouble *trouble)
{
	events->ring_bytes += TRACE_CHUNK_BYTES;
	if (ring->is_full) {
		/* Its header says what it holds, so that it need not be read. */
		events->retained += READER_RING_EVENTS - ring->transfers;
		extend_span(span, ring->first_time);
		extend_span(span, ring->last_time);
		return true;
	}
	if (!reader_read_events(m->reader, ring, some, trouble))
		return false;
	events->torn += some->torn;
	for (size_t i = 0; i < some->count; i++) {
		events->retained += !is_transfer(m, some->event[i].function);
		extend_span(span, some->event[i].time);
	}
	return true;
}

bool model_count_events(const struct model *m, struct model_events *events,
			struct progress *progress, struct trouble *trouble)
{
	struct reader_events *some = memory_new(1, sizeof(*some));
	struct span span = { .first = UINT64_MAX };
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	uint64_t missing;
	bool is_good = true;

	*events = (struct model_events){ 0 };
	for (unsigned i = 0; i < TRACE_FUNCTIONS; i++)
		sum_add(&events->recorded, model_calls(m, i));
	while (is_good && reader_next_ring(m->reader, &c, &ring)) {
		progress_show(progress, "reading events", ring.chunk, m->header->chunks);
		is_good = count_ring(m, &ring, some, events, &span, trouble);
	}
	free(some);
	if (events->retained) {
		events->first_ns = model_time_ns(m, span.first);
		events->last_ns = model_time_ns(m, span.last);
	}
	/* The writer's count of lost events includes transfers, so it may be greater. */
	missing = events->recorded > events->retained ? events->recorded - events->retained : 0;
	events->lost = model_lost(m, TRACE_LOST_EVENTS);
	events->lost = events->lost < missing ? events->lost : missing;
	events->overwritten = missing - events->lost;
	return is_good;
}

/* A double is exact for 104 days of nanoseconds. The bounds are for traces with impossible times. */
int64_t model_time_ns(const struct model *m, uint64_t ticks)
{
	double ns = (double)(int64_t)(ticks - start_ticks(m)) * m->ns_per_tick;

	if (ns >= (double)MODEL_TIME_MOST)
		return MODEL_TIME_MOST;
	return ns <= -(double)MODEL_TIME_MOST ? -MODEL_TIME_MOST : (int64_t)ns;
}

uint64_t model_duration_ns(const struct model *m, uint64_t ticks)
{
	double ns = (double)ticks * m->ns_per_tick;

	return ns >= (double)MODEL_TIME_MOST ? MODEL_TIME_MOST : (uint64_t)ns;
}
