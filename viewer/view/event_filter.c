/* SPDX-License-Identifier: MIT */
#include "viewer/view/event_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/model/verdicts.h"
#include "viewer/symbols/symbols.h"

static bool parse_number(const char *text, int base, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, base);
	return *text && !strchr("-+ ", *text) && !*end && errno == 0;
}

static const char *take_thread(void *member, const struct argument *row, const char *value)
{
	if (!*value || value[strspn(value, "0123456789*?[]!-")])
		return "a thread id";
	return arguments_take_list(member, row, value);
}

static const char *take_address(void *wishes, const struct argument *row, const char *value)
{
	struct event_wishes *w = wishes;

	(void)row;
	w->has_address = parse_number(value, 16, &w->address);
	return w->has_address ? NULL : "an address, such as 0x7f0012345678";
}

/* A word that is no time is a checkpoint. */
static const char *take_since(void *wishes, const struct argument *row, const char *value)
{
	struct event_wishes *w = wishes;
	const char *words = moment_take(&w->since, row, value);

	if (!words || !*value || strchr("+-", *value))
		return words;
	w->checkpoint = value;
	return NULL;
}

#define INTO(field) ARGUMENT_INTO(event_wishes, filter[SELECTION_##field])

struct argument_group event_filter_arguments(struct event_wishes *wishes)
{
	static const struct argument rows[] = {
		{ "kind", 0, "KIND[/REASON]",
		  "only calls that are findings of this kind; this and the\n"
		  "following take patterns (* ? []) and may be repeated",
		  arguments_take_list, INTO(KIND) },
		{ "package", 0, "INDEX|NAME", "only calls by this package", arguments_take_list,
		  INTO(PACKAGE) },
		{ "function", 0, "NAME",
		  "only calls of this function, or else those with it in\ntheir backtrace",
		  arguments_take_list, INTO(FUNCTION) },
		{ "file", 0, "FILE", "only calls with this source file in their backtrace",
		  arguments_take_list, INTO(FILE) },
		{ "level", 0, "LEVEL", "only calls that are errors, warnings or notes",
		  selection_take_level, INTO(LEVEL) },
		{ "thread", 0, "TID", "only calls by this thread", take_thread, INTO(THREAD) },
		{ "address", 0, "ADDRESS",
		  "the life of the block or section that holds this\n"
		  "address: every call on it, and what became of it",
		  take_address, .offset = 0 },
		{ "findings", 0, NULL, "only calls that are findings", arguments_take_flag,
		  ARGUMENT_INTO(event_wishes, has_findings_only) },
		{ "since", 0, "TIME|CHECKPOINT",
		  "only later calls: '2026-11-29 21:05', 21:05:47, -8h\n"
		  "(ago), +12.5 (seconds from the start), or a checkpoint",
		  take_since, .offset = 0 },
		{ "until", 0, "TIME", "only earlier calls", moment_take,
		  ARGUMENT_INTO(event_wishes, until) },
	};

	return ARGUMENT_GROUP(rows, wishes);
}

/* What is known of a stack. */
enum { HAS_FUNCTION = 1, HAS_FILE = 2 };

struct event_filter {
	const struct event_wishes *wishes;
	const struct model *model;
	const struct verdicts *verdicts;
	bool function[TRACE_FUNCTIONS], package[TRACE_PACKAGES];
	uint32_t reasons[TRACE_KIND_COUNT]; /* that are wanted, in bits */
	bool has_code;                      /* `function` is about functions in backtraces */
	unsigned char *stack; /* HAS_FUNCTION, HAS_FILE, by place of the stack; NULL: not asked */
	int64_t since_ns, until_ns;
	int32_t tid; /* the last one that was asked about, and the answer */
	bool knows_tid, is_tid_wanted;
	/* Of the block that holds the address, while it is live. Its start is known longer: it may be
	 * freed again. */
	bool is_known, is_live;
	uint64_t start, section;
};

static bool is_asked(const struct event_filter *f, enum selection_field field)
{
	return f->wishes->filter[field].count > 0;
}

static bool matches_field(const struct event_filter *f, enum selection_field field, const char *text)
{
	const struct argument_list *globs = &f->wishes->filter[field];

	for (size_t i = 0; i < globs->count; i++)
		if (fnmatch(globs->item[i], text, 0) == 0)
			return true;
	return false;
}

static bool refuse(const struct event_filter *f, const char *command, enum selection_field field,
		   const char *option, const char *words)
{
	arguments_refuse(command, option, f->wishes->filter[field].item[0], words);
	return false;
}

/* A name goes before an index: a package may be called "2". */
static bool choose_packages(struct event_filter *f, const char *command)
{
	const struct argument_list *globs = &f->wishes->filter[SELECTION_PACKAGE];
	bool any = false;
	uint64_t index;

	if (!is_asked(f, SELECTION_PACKAGE))
		return true;
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(f->model, i);

		f->package[i] =
			(package->name && matches_field(f, SELECTION_PACKAGE, package->name)) ||
			(package->module &&
			 matches_field(f, SELECTION_PACKAGE, package->module->base));
		any |= f->package[i];
	}
	for (size_t i = 0; i < globs->count && !any; i++)
		if (parse_number(globs->item[i], 10, &index) && index < TRACE_PACKAGES)
			any = f->package[index] = true;
	return any || refuse(f, command, SELECTION_PACKAGE, "package",
			     "an index or a name of a package of the trace");
}

static bool matches_symbol(const struct event_filter *f, enum selection_field field,
			   const struct symbol *symbol)
{
	const struct argument_list *globs = &f->wishes->filter[field];

	for (size_t i = 0; i < globs->count; i++)
		if (selection_matches(field, globs->item[i], symbol))
			return true;
	return false;
}

static unsigned char mark_stack(const struct event_filter *f, struct symbols *symbols,
				const struct model_stack *stack)
{
	const struct symbol *symbol;
	unsigned char mark = 0;

	for (uint32_t i = 0; i < stack->frames; i++)
		for (symbol = symbols_find(symbols, stack->frame[i].module, stack->frame[i].offset);
		     symbol; symbol = symbol->outer) {
			if (matches_symbol(f, SELECTION_FUNCTION, symbol))
				mark |= HAS_FUNCTION;
			if (matches_symbol(f, SELECTION_FILE, symbol))
				mark |= HAS_FILE;
		}
	return mark;
}

/* Looks at each stack of the trace once. Returns what any of them has. */
static unsigned char mark_stacks(struct event_filter *f, struct symbols *symbols)
{
	const struct reader *reader = model_reader(f->model);
	struct reader_cursor c = { 0 };
	struct model_stack room;
	unsigned char any = 0;
	uint32_t ref;

	f->stack = memory_new(reader_stack_places(reader), 1);
	while ((ref = reader_next_stack(reader, &c)) != 0) {
		unsigned char mark = mark_stack(f, symbols, model_stack(f->model, ref, &room));

		f->stack[reader_stack_place(reader, ref)] = mark;
		any |= mark;
	}
	return any;
}

static bool choose_functions(struct event_filter *f, struct symbols *symbols, const char *command)
{
	bool any = !is_asked(f, SELECTION_FUNCTION);
	unsigned char marks = 0;

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const char *name = model_function(f->model, i)->name;

		f->function[i] = name && matches_field(f, SELECTION_FUNCTION, name);
		any |= f->function[i];
	}
	f->has_code = !any;
	if (f->has_code || is_asked(f, SELECTION_FILE))
		marks = mark_stacks(f, symbols);
	if (f->has_code && !(marks & HAS_FUNCTION))
		return refuse(f, command, SELECTION_FUNCTION, "function",
			      "a function of the trace, or one in its backtraces");
	return true;
}

/* Returns the reasons with which a kind is asked for, in bits. */
static uint32_t match_kind(const struct event_filter *f, enum trace_kind kind)
{
	uint32_t reasons = 0;

	if (!is_asked(f, SELECTION_KIND) || matches_field(f, SELECTION_KIND, kinds_text(kind)))
		return UINT32_MAX;
	for (unsigned i = TRACE_REASON_NONE + 1; i < TRACE_REASON_COUNT; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s/%s", kinds_text(kind),
			 kinds_reason_text((enum trace_reason)i));
		reasons |= (uint32_t)matches_field(f, SELECTION_KIND, text) << i;
	}
	return reasons;
}

static bool choose_verdicts(struct event_filter *f, const char *command)
{
	bool any = !is_asked(f, SELECTION_KIND);

	for (unsigned i = TRACE_KIND_NONE + 1; i < TRACE_KIND_COUNT; i++) {
		enum trace_kind kind = (enum trace_kind)i;
		uint32_t reasons = match_kind(f, kind);

		any |= reasons != 0;
		if (!is_asked(f, SELECTION_LEVEL) ||
		    matches_field(f, SELECTION_LEVEL, kinds_level_text(kinds_level(kind))))
			f->reasons[i] = reasons;
	}
	return any || refuse(f, command, SELECTION_KIND, "kind",
			     "a kind of findings, or one with its reason");
}

static bool find_checkpoint(const struct event_filter *f, int64_t *ns)
{
	const struct trace_checkpoint *t;
	struct reader_cursor c = { 0 };

	while ((t = model_next_checkpoint(f->model, &c)) != NULL)
		if (strncmp(t->name, f->wishes->checkpoint, sizeof(t->name) - 1) == 0) {
			*ns = model_time_ns(f->model, t->time);
			return true;
		}
	return false;
}

static int64_t time_of(const struct event_filter *f, const struct moment *moment)
{
	uint64_t start = model_process(f->model)->start_ns;

	return (int64_t)(moment_in(moment, start) - start);
}

static bool choose_times(struct event_filter *f, const char *command)
{
	const struct event_wishes *w = f->wishes;

	f->since_ns = w->since.is_set ? time_of(f, &w->since) : INT64_MIN;
	f->until_ns = w->until.is_set ? time_of(f, &w->until) : INT64_MAX;
	if (!w->checkpoint || find_checkpoint(f, &f->since_ns))
		return true;
	arguments_refuse(command, "since", w->checkpoint, "a time or a checkpoint of the trace");
	return false;
}

struct event_filter *event_filter_new(const struct event_wishes *wishes, const struct model *model,
				      const struct verdicts *verdicts, struct symbols *symbols,
				      const char *command)
{
	struct event_filter *f = memory_new(1, sizeof(*f));

	f->wishes = wishes;
	f->model = model;
	f->verdicts = verdicts;
	if (choose_packages(f, command) && choose_functions(f, symbols, command) &&
	    choose_verdicts(f, command) && choose_times(f, command))
		return f;
	event_filter_free(f);
	return NULL;
}

void event_filter_free(struct event_filter *f)
{
	if (!f)
		return;
	free(f->stack);
	free(f);
}

static bool has_code(const struct event_filter *f, const struct trace_event *e, unsigned char mark)
{
	const struct reader *reader = model_reader(f->model);

	return reader_stack(reader, e->stack) &&
	       (f->stack[reader_stack_place(reader, e->stack)] & mark);
}

static bool is_thread(struct event_filter *f, int32_t tid)
{
	char text[16];

	if (f->knows_tid && f->tid == tid)
		return f->is_tid_wanted;
	snprintf(text, sizeof(text), "%" PRId32, tid);
	f->tid = tid;
	f->knows_tid = true;
	f->is_tid_wanted = matches_field(f, SELECTION_THREAD, text);
	return f->is_tid_wanted;
}

/* Is the call one on the block, or the section, that holds the address? */
static bool is_in_life(struct event_filter *f, const struct trace_event *e)
{
	enum trace_role role = event_role(model_function(f->model, e->function)->role, e);
	uint64_t address = f->wishes->address;
	uint64_t size = event_has_size(role) ? event_size(role, e) : 0;
	bool has_address = event_has_address(role, e);

	/* A section holds the blocks in it, but the calls on these are not about the section. */
	if (has_address && e->address && role != TRACE_ROLE_CREATE_SECTION &&
	    address - e->address < size) {
		f->is_known = f->is_live = true;
		f->start = e->address;
		f->section = event_has_section(role, e) ? e->section : 0;
		return true;
	}
	/* Another block now lies where that one began. */
	if (has_address && size && f->is_known && e->address == f->start &&
	    role != TRACE_ROLE_TRANSFER) {
		f->is_known = f->is_live = false;
		return e->address == address;
	}
	if (has_address && role == TRACE_ROLE_DELETE_SECTION && f->is_live && f->section &&
	    e->address == f->section) {
		f->is_live = false;
		return true;
	}
	if (has_address && f->is_known && e->address == f->start) {
		f->is_live &= e->verdict != 0;
		return true;
	}
	return (has_address && e->address == address) ||
	       (event_has_section(role, e) && e->section == address);
}

/* If several reasons are possible, one of them is enough: nothing that is asked for is hidden. */
static bool is_verdict(const struct event_filter *f, const struct trace_event *e)
{
	return f->reasons[e->verdict] && (f->reasons[e->verdict] & verdicts_reasons(f->verdicts, e));
}

bool event_filter_passes(struct event_filter *f, const struct trace_event *e)
{
	const struct event_wishes *w = f->wishes;
	int64_t ns;

	/* First: it follows the block through all events. */
	if (w->has_address && !is_in_life(f, e))
		return false;
	if ((is_asked(f, SELECTION_FUNCTION) && !f->has_code && !f->function[e->function]) ||
	    (is_asked(f, SELECTION_PACKAGE) && !f->package[e->package]) ||
	    ((is_asked(f, SELECTION_KIND) || is_asked(f, SELECTION_LEVEL)) && !is_verdict(f, e)) ||
	    (w->has_findings_only && !e->verdict) ||
	    (is_asked(f, SELECTION_THREAD) && !is_thread(f, e->tid)) ||
	    (f->has_code && !has_code(f, e, HAS_FUNCTION)) ||
	    (is_asked(f, SELECTION_FILE) && !has_code(f, e, HAS_FILE)))
		return false;
	if (f->since_ns == INT64_MIN && f->until_ns == INT64_MAX)
		return true;
	ns = model_time_ns(f->model, e->time);
	return ns >= f->since_ns && ns <= f->until_ns;
}
