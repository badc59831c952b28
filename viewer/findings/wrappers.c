/* SPDX-License-Identifier: MIT */
#include "viewer/findings/wrappers.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/findings/finding.h"
#include "viewer/findings/walk.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

enum {
	DEPTH = 6,           /* frames of a stack that are looked at */
	STACKS_MOST = 32768, /* so that the work is bounded */
	CHUNKS_MOST = 4096,  /* likewise; a ring of the usual size has fewer */
	ROUNDS = DEPTH - 1,  /* wrappers of wrappers */
	NAMED_MOST = 16,     /* frames among which one that the user has named is looked for */
	FOREIGN_MOST = 200,  /* and one of the package; a count of them is one byte */
};

/* A function of a module. */
struct function {
	char *key; /* module and name */
	bool is_wrapper;
	bool is_part; /* it allocates, and would be one if it had more than one caller */
	/* What the stacks say, while they are looked through: */
	bool is_refuted, has_callers, has_sizes, is_acquiring;
	uint16_t slot;         /* 1 + number of the function of the table; 0: none yet */
	uint64_t call, caller; /* where it calls, where it is called */
	uint64_t size;
	UT_hash_handle hh;
};

/* The innermost frames of a stack that a call of the table has. */
struct sample {
	uint8_t slot, depth;
	bool is_acquiring;
	bool has_slots, has_sizes; /* its calls were of several functions, or sizes */
	uint64_t size;
	struct function *function[DEPTH]; /* NULL: unknown */
	uint64_t line[DEPTH];             /* of the call in it */
	uint64_t call[DEPTH];             /* the call itself: there may be several in a line */
	bool in_package[DEPTH];
};

struct wrappers {
	const struct model *model;
	const struct findings_namer *namer;
	const struct argument_list *globs;
	struct function *functions;
	struct sample *sample;
	size_t samples, room;
	uint32_t *sample_of; /* by place of the stack: 1 + number of its sample; 0: none */
};

/* Is it an operator of C++ for memory? */
static bool is_operator(const char *function)
{
	return strstr(function, "operator new") || strstr(function, "operator delete");
}

/* A template is a function for each of its types. Returns "make" for "T *make<T>(int)", and NULL if it
 * is none. */
static char *name_template(const char *function)
{
	char *name, *to;
	unsigned depth = 0;

	if (!function || !strchr(function, '<') || strstr(function, "operator"))
		return NULL;
	name = to = memory_new(strlen(function) + 1, 1);
	for (const char *at = function; *at && (*at != '(' || depth || to == name); at++) {
		depth += *at == '<';
		if (!depth && *at == ' ')
			to = name;
		else if (!depth)
			*to++ = *at;
		depth -= depth && *at == '>';
	}
	*to = '\0';
	return name;
}

/* Is it of the C++ library, which is a wrapper as a whole? `*is_allocator` becomes whether it is one that
 * calls an allocator, which may be the package's. */
static bool is_library(const struct symbol *symbol, bool *is_allocator)
{
	char *template = name_template(symbol->function);
	const char *name = template ? template : symbol->function;
	bool is_one = name && (strncmp(name, "std::", 5) == 0 ||
			       strncmp(name, "__gnu_cxx::", 11) == 0 || is_operator(name));

	*is_allocator = is_one && strstr(name, "allocate");
	free(template);
	return is_one;
}

/* A part that a compiler has split off a function f is called "f.part.0" and the like. */
static size_t name_bytes(const char *name)
{
	size_t bytes = strcspn(name, ".");

	return bytes ? bytes : strlen(name);
}

/* Returns NULL if it is not known, or the name is not. */
static struct function *find_function(const struct wrappers *w, const struct model_module *module,
				      const struct symbol *symbol, char **key, size_t *key_bytes)
{
	char *template = name_template(symbol->function);
	const char *name = template               ? template
			   : symbol->linkage_name ? symbol->linkage_name
						  : symbol->function;
	struct function *function = NULL;
	size_t base, bytes;

	*key = NULL;
	if (module && name) {
		base = strlen(module->base) + 1;
		bytes = name_bytes(name);
		*key_bytes = base + bytes;
		*key = memory_new(*key_bytes, 1);
		memcpy(*key, module->base, base);
		memcpy(*key + base, name, bytes);
		HASH_FIND(hh, w->functions, *key, *key_bytes, function);
	}
	free(template);
	return function;
}

static struct function *add_function(struct wrappers *w, const struct model_module *module,
				     const struct symbol *symbol)
{
	size_t key_bytes;
	char *key;
	struct function *function = find_function(w, module, symbol, &key, &key_bytes);

	if (function || !key) {
		free(key);
		return function;
	}
	function = memory_new(1, sizeof(*function));
	function->key = key;
	HASH_ADD_KEYPTR(hh, w->functions, key, key_bytes, function);
	return function;
}

static uint64_t offset_of(const struct model_frame *frame, unsigned depth)
{
	uint64_t offset[] = { frame->module ? frame->module->place : 0, frame->offset, depth };

	return hash_bytes(offset, sizeof(offset));
}

/* The line in which a function calls, if it is known. A function that is inlined has other addresses
 * each time. */
static uint64_t line_of(const struct function *function, const struct model_frame *frame,
			const struct symbol *symbol, unsigned depth)
{
	uint64_t line[] = { (uintptr_t)function, symbol->line };

	return function && symbol->line ? hash_bytes(line, sizeof(line)) : offset_of(frame, depth);
}

static void take_stack(struct wrappers *w, const struct model_stack *stack, struct sample *s,
		       uint8_t package)
{
	bool is_unknown = model_package(w->model, package)->is_host_table;
	struct walk at = { .stack = stack, .namer = w->namer };
	const struct model_frame *frame = NULL;
	unsigned inlined = 0; /* functions of this frame before this one */

	while (s->depth < DEPTH && walk_next(&at)) {
		struct function *function;

		inlined = frame && at.frame == frame ? inlined + 1 : 0;
		frame = at.frame;
		if (is_library(at.symbol, &(bool){ false }))
			continue;
		function = add_function(w, frame->module, at.symbol);
		s->function[s->depth] = function;
		s->line[s->depth] = line_of(function, frame, at.symbol, inlined);
		s->call[s->depth] =
			at.symbol->is_inlined ? s->line[s->depth] : offset_of(frame, inlined);
		s->in_package[s->depth] =
			is_unknown || model_is_in_package(w->model, package, frame);
		s->depth++;
	}
}

static void take_call(struct wrappers *w, uint32_t ref, uint8_t slot, uint8_t package,
		      bool is_acquiring, uint64_t size)
{
	const struct reader *reader = model_reader(w->model);
	struct model_stack room;
	uint32_t *number;
	struct sample *s;

	if (!reader_stack(reader, ref))
		return;
	number = &w->sample_of[reader_stack_place(reader, ref)];
	if (*number) {
		s = &w->sample[*number - 1];
		s->has_slots |= s->slot != slot;
		s->has_sizes |= s->size != size;
		return;
	}
	if (w->samples == STACKS_MOST)
		return;
	memory_room(w->sample, w->samples, w->room);
	s = &w->sample[w->samples++];
	*s = (struct sample){ .slot = slot, .is_acquiring = is_acquiring, .size = size };
	*number = (uint32_t)w->samples;
	take_stack(w, model_stack(w->model, ref, &room), s, package);
}

static void take_events(struct wrappers *w)
{
	const struct reader *reader = model_reader(w->model);
	struct reader_events *events = memory_new(1, sizeof(*events));
	struct reader_cursor counted = { 0 }, c = { 0 };
	size_t count = 0, at = 0, step;
	struct reader_ring ring;
	struct trouble trouble;

	while (reader_next_ring(reader, &counted, &ring))
		count++;
	step = count / (CHUNKS_MOST + 1) + 1;
	while (w->samples < STACKS_MOST && reader_next_ring(reader, &c, &ring)) {
		if (at++ % step)
			continue;
		if (!reader_read_events(reader, &ring, events, &trouble))
			break;
		for (size_t i = 0; i < events->count; i++) {
			const struct trace_event *e = &events->event[i];
			enum trace_role role = model_function(w->model, e->function)->role;

			if (role != TRACE_ROLE_TRANSFER)
				take_call(w, e->stack, e->function, e->package, event_has_size(role),
					  event_has_size(role) ? event_size(role, e) : 0);
		}
	}
	free(events);
}

/* The function of the table that has made a block or section. */
static uint8_t maker_of(const struct wrappers *w, const struct model_entry *entry)
{
	bool is_section = entry->state == TRACE_ENTRY_SECTION;

	if (entry->handed_out)
		return entry->handed_out - 1;
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const struct model_function *f = model_function(w->model, i);

		if (f->name && f->family == entry->family && event_has_size(f->role) &&
		    (f->role == TRACE_ROLE_CREATE_SECTION) == is_section &&
		    f->role != TRACE_ROLE_OBTAIN && f->role != TRACE_ROLE_TRANSFER)
			return (uint8_t)i;
	}
	return 0;
}

/* The ring may have lost the calls of what is live. Of entries that are alike, the first one tells all. */
static void take_entries(struct wrappers *w)
{
	struct reader_cursor c = { 0 };
	struct model_entry entry, last = { 0 };

	while (w->samples < STACKS_MOST && model_next_entry(w->model, &c, &entry)) {
		if (entry.stack == last.stack && entry.size == last.size &&
		    entry.family == last.family && entry.state == last.state &&
		    entry.handed_out == last.handed_out)
			continue;
		take_call(w, entry.stack, maker_of(w, &entry), entry.package, true, entry.size);
		last = entry;
	}
}

static bool differs(uint64_t *known, bool is_first, uint64_t value)
{
	if (is_first)
		*known = value;
	return *known != value;
}

/* Where a function is in a stack; the frames below it are wrappers if `is_inner`. */
static void weigh(struct function *f, const struct sample *s, unsigned at, bool is_inner)
{
	bool is_first = !f->slot;

	f->is_refuted |= !is_inner || s->has_slots || (!is_first && f->slot != s->slot + 1) ||
			 at + 1 == s->depth || !s->in_package[at + 1] ||
			 differs(&f->call, is_first, s->line[at]);
	if (at + 1 < s->depth)
		f->has_callers |= differs(&f->caller, is_first, s->call[at + 1]);
	f->has_sizes |= s->has_sizes || !s->is_acquiring || differs(&f->size, is_first, s->size);
	f->is_acquiring = s->is_acquiring;
	f->slot = (uint16_t)(s->slot + 1);
}

static void weigh_sample(const struct sample *s)
{
	bool is_inner = true;

	for (unsigned i = 0; i < s->depth; i++) {
		bool is_known = s->function[i] && s->function[i]->is_wrapper;

		if (s->function[i] && !is_known)
			weigh(s->function[i], s, i, is_inner);
		is_inner &= is_known || (i == 0 && s->function[i] && s->function[i]->is_part);
	}
}

/* Returns false if there are no more. */
static bool find_more(struct wrappers *w)
{
	bool any = false;
	struct function *f;

	for (f = w->functions; f; f = f->hh.next) {
		f->slot = 0;
		f->is_refuted = f->has_callers = f->has_sizes = false;
	}
	for (size_t i = 0; i < w->samples; i++)
		weigh_sample(&w->sample[i]);
	for (f = w->functions; f; f = f->hh.next) {
		if (f->is_wrapper || !f->slot || f->is_refuted || !f->has_sizes)
			continue;
		any |= f->has_callers || (f->is_acquiring && !f->is_part);
		f->is_wrapper = f->has_callers;
		f->is_part = f->is_acquiring;
	}
	return any;
}

struct wrappers *wrappers_new(const struct model *model, const struct findings_namer *namer,
			      const struct argument_list *globs)
{
	struct wrappers *w = memory_new(1, sizeof(*w));

	w->model = model;
	w->namer = namer;
	w->globs = globs;
	w->sample_of = memory_new(reader_stack_places(model_reader(model)), sizeof(*w->sample_of));
	take_events(w);
	take_entries(w);
	for (unsigned i = 0; i < ROUNDS && find_more(w); i++)
		continue;
	free(w->sample);
	free(w->sample_of);
	w->sample = NULL;
	w->sample_of = NULL;
	return w;
}

static void free_function(struct function *function)
{
	free(function->key);
	free(function);
}

void wrappers_free(struct wrappers *w)
{
	if (!w)
		return;
	map_release(w->functions, free_function);
	free(w);
}

static bool is_named(const struct wrappers *w, const struct symbol *symbol)
{
	for (size_t i = 0; w->globs && i < w->globs->count; i++)
		if ((symbol->function && !fnmatch(w->globs->item[i], symbol->function, 0)) ||
		    (symbol->linkage_name && !fnmatch(w->globs->item[i], symbol->linkage_name, 0)))
			return true;
	return false;
}

/* Most functions are not, and need no further look. */
static bool may_be_allocator(const struct symbol *symbol)
{
	return symbol->function &&
	       (strchr(symbol->function, '<') || strstr(symbol->function, "allocate"));
}

/* What is known of a function. `is_next`: the frames before it belong to wrappers; else it matters only if
 * it is an allocator, which is a wrapper with all that it calls. */
enum use { USE_NONE, USE_PART, USE_WRAPPER, USE_ALLOCATOR };

static enum use use_of(const struct wrappers *w, const struct model_frame *frame,
		       const struct symbol *symbol, bool is_next)
{
	const struct function *function;
	size_t key_bytes;
	char *key;
	bool is_allocator = false,
	     is_one = (is_next || may_be_allocator(symbol)) && is_library(symbol, &is_allocator);

	if (is_allocator || is_named(w, symbol))
		return USE_ALLOCATOR;
	if (!is_next)
		return USE_NONE;
	function = find_function(w, frame->module, symbol, &key, &key_bytes);
	free(key);
	if (is_one || (function && function->is_wrapper))
		return USE_WRAPPER;
	return function && function->is_part ? USE_PART : USE_NONE;
}

/* Does a stack of the finding begin with a call of the table? That of an access, or of what an entry
 * point returns, does not. */
static bool begins_with_call(const struct finding *f, unsigned which)
{
	return which != TRACE_STACK_CALL ||
	       (f->kind != TRACE_KIND_WRONG_TRANSFER && f->reason != TRACE_REASON_READ &&
		f->reason != TRACE_REASON_WRITE);
}

static unsigned skip_wrappers(const struct wrappers *w, const struct model_stack *stack)
{
	struct walk walk = { .stack = stack, .namer = w->namer };
	const struct model_frame *frame;
	unsigned depth = 0, next = 0;

	for (unsigned at = 0; at < NAMED_MOST && walk_next(&walk); at++) {
		enum use use = use_of(w, walk.frame, walk.symbol, at == next);

		if (use == USE_ALLOCATOR || use == USE_WRAPPER)
			depth = next = at + 1;
		else if (use == USE_PART && at == 0)
			next = 1;
	}
	/* The caller of the last one must be there. */
	if (depth && !walk_to(stack, w->namer, depth, &frame))
		depth--;
	return depth;
}

/* Returns the depth of the first frame of the package from there on; the same depth if there is none. */
static unsigned skip_foreign(const struct wrappers *w, const struct finding *f,
			     const struct model_stack *stack, unsigned depth)
{
	struct walk walk = { .stack = stack, .namer = w->namer };

	for (unsigned at = 0; at < FOREIGN_MOST && walk_next(&walk); at++)
		if (at >= depth && model_is_in_package(f->model, f->package, walk.frame))
			return at;
	return depth;
}

void wrappers_skip(const struct wrappers *w, struct finding *finding)
{
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		const struct model_stack *stack = finding->stack[i];

		if (stack)
			finding->skipped[i] = (uint8_t)skip_foreign(
				w, finding, stack,
				begins_with_call(finding, i) ? skip_wrappers(w, stack) : 0);
	}
}
