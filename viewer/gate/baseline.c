/* SPDX-License-Identifier: MIT */
#include "viewer/gate/baseline.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"
#include "viewer/read/input.h"
#include "viewer/symbols/symbols.h"

#define HEADER "lsatrace-baseline 1"
#define LOWER_BOUND " lower-bound"
#define NO_NAME "? ("

struct item {
	struct baseline_entry entry;
	UT_hash_handle hh; /* by fingerprint */
};

struct baseline {
	struct item *items;
	struct item **item; /* in the order in which they were added */
	size_t count, room;
	bool is_inexact, is_report;
	bool is_partial;      /* what is compared */
	bool has_endings;     /* baseline_apply_endings() */
	bool has_same_builds; /* as what is compared, of modules without names */
};

struct baseline *baseline_new(void)
{
	return memory_new(1, sizeof(struct baseline));
}

static void free_item(struct item *item)
{
	free(item->entry.kind);
	free(item->entry.fingerprint);
	free(item->entry.weak);
	free(item->entry.words);
	free(item);
}

void baseline_free(struct baseline *b)
{
	if (!b)
		return;
	map_release(b->items, free_item);
	free(b->item);
	free(b);
}

static char *copy(const char *text)
{
	return buffer_take_plain(text);
}

static bool is_of_sweep(const struct baseline_entry *e)
{
	return strncmp(e->kind, "sweep/", 6) == 0;
}

static void add_entry(struct baseline *b, const struct baseline_entry *entry)
{
	struct item *item;

	HASH_FIND_STR(b->items, entry->fingerprint, item);
	if (!item) {
		item = memory_new(1, sizeof(*item));
		item->entry = (struct baseline_entry){ copy(entry->kind),
						       copy(entry->fingerprint),
						       copy(entry->weak),
						       copy(entry->words),
						       0,
						       false,
						       0 };
		HASH_ADD_KEYPTR(hh, b->items, item->entry.fingerprint,
				strlen(item->entry.fingerprint), item);
		memory_room(b->item, b->count, b->room);
		b->item[b->count++] = item;
	}
	item->entry.has_offsets |= entry->has_offsets;
	if (entry->ceiling > item->entry.ceiling)
		item->entry.ceiling = entry->ceiling;
}

/* "make_ticket (built.so)": the innermost function of the package, for people. */
static void write_words(struct buffer *words, const struct finding *f,
			const struct findings_namer *namer)
{
	static const enum trace_finding_stacks order[] = { TRACE_STACK_CALL, TRACE_STACK_ALLOCATE,
							   TRACE_STACK_CREATE };
	const struct model_stack *stack = NULL;

	for (size_t i = 0; !stack && i < sizeof(order) / sizeof(*order); i++)
		stack = f->stack[order[i]];
	for (uint32_t i = 0; stack && i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];
		const struct symbol *symbol;

		if (!model_is_in_package(f->model, f->package, frame))
			continue;
		symbol = namer->find(namer->context, frame->module, frame->offset);
		if (symbol->function)
			buffer_plain(words, symbol->function);
		buffer_text(words, symbol->function ? " (" : NO_NAME);
		buffer_plain(words, frame->module->base);
		buffer_text(words, ")");
		return;
	}
	model_write_package(f->model, f->package, words);
}

void baseline_add(struct baseline *b, const struct finding *f, uint64_t count,
		  const struct findings_namer *namer)
{
	struct buffer kind = { 0 }, words = { 0 };

	if (f->level == TRACE_LEVEL_NOTE)
		return;
	message_write_kind(&kind, f);
	write_words(&words, f, namer);
	add_entry(b, &(struct baseline_entry){ kind.data, (char *)(uintptr_t)f->fingerprint,
					       (char *)(uintptr_t)f->fingerprint_weak, words.data,
					       count, f->has_offsets, 0 });
	buffer_release(&kind);
	buffer_release(&words);
}

void baseline_add_ending(struct baseline *b, const struct baseline_ending *ending)
{
	add_entry(b, &(struct baseline_entry){ (char *)(uintptr_t)ending->kind, ending->fingerprint,
					       ending->weak, ending->words, 1, false, 0 });
}

void baseline_set_partial(struct baseline *b)
{
	b->is_partial = true;
}

void baseline_set_inexact(struct baseline *b)
{
	b->is_inexact = true;
}

void baseline_set_same_builds(struct baseline *b)
{
	b->has_same_builds = true;
}

bool baseline_is_exact(const struct baseline *b)
{
	return !b->is_inexact;
}

bool baseline_is_report(const struct baseline *b)
{
	return b->is_report;
}

const struct baseline_entry *baseline_get(const struct baseline *b, size_t i)
{
	return i < b->count ? &b->item[i]->entry : NULL;
}

/* 16 hexadecimal digits, perhaps with a number behind. */
static bool is_fingerprint(const char *text, bool may_have_number)
{
	const char *end = text + strspn(text, "0123456789abcdef");

	if (end - text != 16)
		return false;
	if (may_have_number && *end == ':' && end[1])
		end += 1 + strspn(end + 1, "0123456789");
	return !*end;
}

static const char *read_line(struct baseline *b, char *line)
{
	char *kind = strtok(line, " \t"), *fingerprint = strtok(NULL, " \t"),
	     *weak = strtok(NULL, " \t"), *count = strtok(NULL, " \t"), *words = strtok(NULL, "");
	struct baseline_entry entry = { kind, fingerprint, weak, words ? words : (char *)"",
					0,    false,       0 };
	char *end;

	if (kind && (strcmp(kind, "<<<<<<<") == 0 || strcmp(kind, "=======") == 0 ||
		     strcmp(kind, ">>>>>>>") == 0))
		return "a merge has left a conflict here";
	if (!count || !is_fingerprint(fingerprint, true) || !is_fingerprint(weak, false))
		return "expected KIND FINGERPRINT WEAK COUNT";
	errno = 0;
	entry.has_offsets = strncmp(entry.words, NO_NAME, strlen(NO_NAME)) == 0;
	entry.ceiling = strtoull(count, &end, 10);
	if (*end || errno || !entry.ceiling || *count == '-')
		return "expected a count of 1 or more";
	add_entry(b, &entry);
	return NULL;
}

static const char *read_text(struct baseline *b, FILE *file, uint32_t *number)
{
	const char *reason = NULL;
	bool has_header = false, is_exact;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while (!reason && (length = getline(&line, &room, file)) >= 0) {
		++*number;
		while (length && strchr(" \t\r\n", line[length - 1]))
			line[--length] = '\0';
		if (!length || *line == '#')
			continue;
		/* Two that are put together have two headers. */
		is_exact = strcmp(line, HEADER) == 0;
		if (is_exact || strcmp(line, HEADER LOWER_BOUND) == 0) {
			has_header = true;
			b->is_inexact |= !is_exact;
		} else if (has_header) {
			reason = read_line(b, line);
		} else {
			reason = "this is no baseline of this version, and no JSON report";
		}
	}
	free(line);
	return reason || has_header ? reason : "the file is empty";
}

static bool add_reported(struct baseline *b, const json_t *finding)
{
	const char *kind = json_string_value(json_object_get(finding, "kind"));
	const char *reason = json_string_value(json_object_get(finding, "reason"));
	const char *level = json_string_value(json_object_get(finding, "level"));
	const char *fingerprint = json_string_value(json_object_get(finding, "fingerprint"));
	const char *weak = json_string_value(json_object_get(finding, "fingerprint_weak"));
	const char *message = json_string_value(json_object_get(finding, "message"));
	const char *from = json_string_value(json_object_get(finding, "fingerprint_from"));
	const json_t *count = json_object_get(finding, "count");
	struct buffer name = { 0 };

	if (!kind || !level || !fingerprint || !is_fingerprint(fingerprint, true) ||
	    !json_is_integer(count) || json_integer_value(count) < 1)
		return false;
	if (strcmp(level, "note") == 0)
		return true;
	buffer_format(&name, "%s%s%s", kind, reason ? "/" : "", reason ? reason : "");
	add_entry(b, &(struct baseline_entry){ name.data, (char *)(uintptr_t)fingerprint,
					       (char *)(uintptr_t)(weak ? weak : ""),
					       (char *)(uintptr_t)(message ? message : ""),
					       (uint64_t)json_integer_value(count),
					       from && strcmp(from, "offsets") == 0, 0 });
	buffer_release(&name);
	return true;
}

/* How a run of a sweep ended; only bad ends have a fingerprint. */
static bool add_reported_run(struct baseline *b, const json_t *run)
{
	const char *ending = json_string_value(json_object_get(run, "ending"));
	const char *fingerprint = json_string_value(json_object_get(run, "fingerprint"));
	const char *weak = json_string_value(json_object_get(run, "fingerprint_weak"));
	const char *where = json_string_value(
		json_object_get(json_array_get(json_object_get(run, "failed"), 0), "where"));
	struct buffer kind = { 0 };

	if (!fingerprint)
		return true;
	if (!ending || !is_fingerprint(fingerprint, true))
		return false;
	buffer_format(&kind, "sweep/%s", ending);
	add_entry(b,
		  &(struct baseline_entry){ kind.data, (char *)(uintptr_t)fingerprint,
					    (char *)(uintptr_t)(weak ? weak : ""),
					    (char *)(uintptr_t)(where ? where : ""), 1, false, 0 });
	buffer_release(&kind);
	return true;
}

static const char *read_report(struct baseline *b, FILE *file, uint32_t *number)
{
	json_error_t error;
	json_t *report = json_loadf(file, 0, &error);
	const json_t *findings = json_object_get(report, "findings"), *finding, *run;
	const json_t *runs = json_object_get(json_object_get(report, "sweep"), "runs");
	bool is_good = true;
	size_t i;

	b->is_report = true;
	*number = report ? 0 : *number + (uint32_t)error.line;
	if (!report)
		return "this is no valid JSON";
	if (json_integer_value(json_object_get(report, "schema")) != 1 || !json_is_array(findings)) {
		json_decref(report);
		return "this is no JSON report of schema 1";
	}
	if (!json_is_true(json_object_get(json_object_get(report, "summary"), "exact")))
		b->is_inexact = true;
	json_array_foreach(findings, i, finding) is_good = is_good && add_reported(b, finding);
	json_array_foreach(runs, i, run) is_good = is_good && add_reported_run(b, run);
	json_decref(report);
	return is_good ? NULL : "a finding in it has no kind, level, fingerprint or count";
}

char *baseline_read(struct baseline *b, const char *path)
{
	FILE *file = fopen(path, "re");
	struct buffer trouble = { 0 };
	const char *reason;
	uint32_t number = 0;
	int first;

	if (!file) {
		buffer_format(&trouble, "%s: %s", path, strerror(errno));
		return trouble.data;
	}
	if (input_is_trace(path)) {
		fclose(file);
		buffer_format(&trouble,
			      "%s: this is a trace; lsatrace baseline -o FILE %s makes a baseline "
			      "of it",
			      path, path);
		return trouble.data;
	}
	first = fgetc(file);
	/* Some editors begin a file with a byte order mark. */
	if (first == 0xef && fgetc(file) == 0xbb && fgetc(file) == 0xbf)
		first = fgetc(file);
	for (; first != EOF && strchr(" \t\r\n", first); first = fgetc(file))
		number += first == '\n';
	ungetc(first, file);
	reason = first == '{' ? read_report(b, file, &number) : read_text(b, file, &number);
	if (ferror(file))
		reason = strerror(errno);
	fclose(file);
	if (reason && number)
		buffer_format(&trouble, "%s:%" PRIu32 ": %s", path, number, reason);
	else if (reason)
		buffer_format(&trouble, "%s: %s", path, reason);
	return trouble.data;
}

/*
 * An entry, or what is compared with them: a finding, or how a run ended. Of several with one fingerprint, which differ in
 * ":2" and so on, nobody knows which is which in another build, or when one of them is gone: the greatest count is
 * compared with the greatest ceiling, and so on.
 */
struct twin {
	char print[17];
	uint64_t count;
	unsigned long number; /* behind the ':'; 0: none */
	size_t place;
	/* Of what is compared: */
	char *kind, weak[17];
	struct baseline_entry *entry; /* that it is; NULL: it is new */
	bool by_weak;
};

static struct twin make_twin(const char *fingerprint, uint64_t count, size_t place)
{
	size_t bytes = strcspn(fingerprint, ":");
	struct twin twin = { .count = count, .place = place };

	memcpy(twin.print, fingerprint, bytes < 16 ? bytes : 16);
	if (fingerprint[bytes])
		twin.number = strtoul(fingerprint + bytes + 1, NULL, 10);
	return twin;
}

static int compare_twins(const void *left, const void *right)
{
	const struct twin *a = left, *b = right;
	int order = strcmp(a->print, b->print);

	if (order)
		return order;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void sort_twins(struct twin *list, size_t count)
{
	if (count)
		qsort(list, count, sizeof(*list), compare_twins);
}

static struct twin *sort_entries(const struct baseline *b)
{
	struct twin *list = memory_new(b->count, sizeof(*list));

	for (size_t i = 0; i < b->count; i++)
		list[i] = make_twin(b->item[i]->entry.fingerprint, b->item[i]->entry.ceiling, i);
	sort_twins(list, b->count);
	return list;
}

/* What is left on both sides of one kind and weak fingerprint. */
struct left {
	char *key;
	struct twin *twin;
	struct baseline_entry *entry;
	size_t twins, entries;
	UT_hash_handle hh;
};

static void free_left(struct left *left)
{
	free(left->key);
	free(left);
}

static struct left *find_left(struct left **all, const char *kind, const char *weak)
{
	struct buffer key = { 0 };
	struct left *left;

	buffer_format(&key, "%s %s", kind, weak);
	HASH_FIND_STR(*all, key.data, left);
	if (!left) {
		left = memory_new(1, sizeof(*left));
		left->key = buffer_take(&key);
		HASH_ADD_KEYPTR(hh, *all, left->key, strlen(left->key), left);
	}
	buffer_release(&key);
	return left;
}

static void pair(struct twin *twin, struct baseline_entry *entry, bool by_weak)
{
	twin->entry = entry;
	twin->by_weak = by_weak;
	entry->found = twin->count;
}

static void pair_by_weak(struct baseline *b, struct twin *list, size_t count)
{
	struct left *all = NULL, *left;

	for (size_t i = 0; i < count; i++)
		if (!list[i].entry) {
			left = find_left(&all, list[i].kind, list[i].weak);
			left->twin = &list[i];
			left->twins++;
		}
	for (size_t i = 0; i < b->count; i++) {
		struct baseline_entry *entry = &b->item[i]->entry;

		if (!entry->found && *entry->weak) {
			left = find_left(&all, entry->kind, entry->weak);
			left->entry = entry;
			left->entries++;
		}
	}
	for (left = all; left; left = left->hh.next)
		if (left->twins == 1 && left->entries == 1)
			pair(left->twin, left->entry, true);
	map_release(all, free_left);
}

/* Finds the entries of what is compared. */
static void pair_all(struct baseline *b, struct twin *list, size_t count)
{
	struct twin *entry = sort_entries(b);
	size_t at = 0;

	sort_twins(list, count);
	for (size_t i = 0; i < count; i++) {
		while (at < b->count && strcmp(entry[at].print, list[i].print) < 0)
			at++;
		if (at < b->count && strcmp(entry[at].print, list[i].print) == 0)
			pair(&list[i], &b->item[entry[at++].place]->entry, false);
	}
	free(entry);
	pair_by_weak(b, list, count);
}

static struct twin *list_findings(struct findings *f, size_t *count)
{
	struct twin *list = memory_new(f->count, sizeof(*list));

	*count = 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *finding = findings_get(f, i);
		struct twin *twin = &list[*count];
		struct buffer kind = { 0 };

		if (finding->level == TRACE_LEVEL_NOTE)
			continue;
		*twin = make_twin(finding->fingerprint, finding->count, i);
		message_write_kind(&kind, finding);
		twin->kind = buffer_take(&kind);
		memcpy(twin->weak, finding->fingerprint_weak, sizeof(twin->weak));
		++*count;
	}
	return list;
}

/* Could one finding be both new and gone? One that was found by the weak fingerprint only, of a module without
 * names, may be another one as well. */
static bool has_doubt(const struct baseline *b, struct findings *f)
{
	bool has_offsets = false;

	for (size_t i = 0; i < f->shown; i++) {
		const struct finding *finding = findings_look(f, i);

		if (finding->has_offsets && finding->baseline == FINDING_NEW)
			has_offsets = true;
		if (finding->has_offsets && finding->by_weak)
			return true;
	}
	for (size_t i = 0; i < b->count; i++)
		has_offsets |= b->item[i]->entry.has_offsets && !b->item[i]->entry.found;
	return has_offsets && !b->has_same_builds && f->gone && f->by_baseline[FINDING_NEW];
}

bool baseline_warn(struct findings *f, const struct symbols *symbols, struct buffer *text)
{
	const struct model_module *module;

	if (!findings_have_offsets(f) || !symbols_nameless(symbols, 0))
		return false;
	for (size_t i = 0; (module = symbols_nameless(symbols, i)) != NULL; i++) {
		buffer_text(text, i ? ", " : "fingerprints of ");
		buffer_plain(text, module->base);
	}
	buffer_text(text, " are by offset: pack traces before the program is rebuilt\n");
	return true;
}

void baseline_apply(struct baseline *b, struct findings *f)
{
	size_t count;
	struct twin *list = list_findings(f, &count);

	f->has_baseline = true;
	pair_all(b, list, count);
	for (size_t i = 0; i < count; i++) {
		findings_compare(f, list[i].place, list[i].entry ? list[i].entry->ceiling : 0,
				 list[i].by_weak);
		free(list[i].kind);
	}
	free(list);
	f->gone = 0;
	for (size_t i = 0; i < b->count; i++) {
		struct baseline_entry *e = &b->item[i]->entry;

		if (!e->found && (b->is_partial || (is_of_sweep(e) && !b->has_endings)))
			e->found = e->ceiling;
		f->gone += !e->found;
	}
	findings_count(f);
	f->has_doubt = b->is_inexact || has_doubt(b, f);
}

void baseline_apply_endings(struct baseline *b, struct baseline_ending *all, size_t count)
{
	struct twin *list = memory_new(count, sizeof(*list));

	b->has_endings = true;
	for (size_t i = 0; i < count; i++) {
		list[i] = make_twin(all[i].fingerprint, 1, i);
		list[i].kind = copy(all[i].kind);
		snprintf(list[i].weak, sizeof(list[i].weak), "%s", all[i].weak);
	}
	pair_all(b, list, count);
	for (size_t i = 0; i < count; i++) {
		all[list[i].place].is_known = list[i].entry != NULL;
		free(list[i].kind);
	}
	free(list);
}

static int compare_items(const void *left, const void *right)
{
	const struct baseline_entry *a = &(*(struct item *const *)left)->entry;
	const struct baseline_entry *b = &(*(struct item *const *)right)->entry;
	int order = strcmp(a->kind, b->kind);

	return order ? order : strcmp(a->fingerprint, b->fingerprint);
}

void baseline_write(const struct baseline *b, struct buffer *text)
{
	struct item **sorted = memory_new(b->count, sizeof(*sorted));

	for (size_t i = 0; i < b->count; i++)
		sorted[i] = b->item[i];
	if (b->count)
		qsort(sorted, b->count, sizeof(*sorted), compare_items);
	buffer_text(text, b->is_inexact ? HEADER LOWER_BOUND "\n" : HEADER "\n");
	for (size_t i = 0; i < b->count; i++) {
		const struct baseline_entry *e = &sorted[i]->entry;

		buffer_format(text, "%s %s %s %" PRIu64 " %s\n", e->kind, e->fingerprint,
			      *e->weak ? e->weak : "0000000000000000", e->ceiling, e->words);
	}
	free(sorted);
}

/* Finds the entry of a line, and where in it the count is. NULL: it is a comment, or the like. */
static const struct baseline_entry *find_line(const struct baseline *b, const char *line,
					      size_t *count, size_t *end)
{
	struct item *item = NULL;

	*end = 0;
	for (int field = 0; field < 4; field++) {
		*count = *end + strspn(line + *end, " \t");
		*end = *count + strcspn(line + *count, " \t\r\n");
		if (field == 0 && line[*count] == '#')
			return NULL;
		if (field == 1)
			HASH_FIND(hh, b->items, line + *count, *end - *count, item);
	}
	return item ? &item->entry : NULL;
}

int baseline_prune(const struct baseline *b, FILE *in, FILE *out)
{
	const struct baseline_entry *e;
	size_t room = 0, count, end;
	char *line = NULL;
	int error = 0;

	while (!error && getline(&line, &room, in) >= 0) {
		e = find_line(b, line, &count, &end);
		if (!e || e->found >= e->ceiling)
			error = fputs(line, out) < 0 ? errno : 0;
		else if (e->found)
			error = fprintf(out, "%.*s%" PRIu64 "%s", (int)count, line, e->found,
					line + end) < 0
					? errno
					: 0;
	}
	if (!error && (ferror(in) || fflush(out) != 0))
		error = errno;
	free(line);
	return error;
}
