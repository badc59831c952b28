/* SPDX-License-Identifier: MIT */
#include "viewer/view/selection.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "include/options.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/hash.h"
#include "viewer/base/likeness.h"
#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/message.h"
#include "viewer/findings/walk.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

enum { VALUES_MOST = 40 }; /* that are listed for somebody who mistyped one */

const char *selection_take_level(void *member, const struct argument *row, const char *value)
{
	static const char levels[] = "error|warning|note";

	return options_choose(levels, value, strlen(value)) < 0
		       ? levels
		       : arguments_take_list(member, row, value);
}

#define INTO(field) ARGUMENT_INTO(selection, filter[SELECTION_##field])

struct argument_group selection_arguments(struct selection *s)
{
	static const struct argument rows[] = {
		{ "kind", 0, "KIND[/REASON]",
		  "show only findings of this kind; this and the\n"
		  "following take patterns (* ? []) and may be repeated;\n"
		  "the exit status is still that of all findings",
		  arguments_take_list, INTO(KIND) },
		{ "package", 0, "NAME", "only those of this package", arguments_take_list,
		  INTO(PACKAGE) },
		{ "function", 0, "NAME", "only those with this function in a stack",
		  arguments_take_list, INTO(FUNCTION) },
		{ "file", 0, "FILE", "only those with this source file in a stack",
		  arguments_take_list, INTO(FILE) },
		{ "level", 0, "LEVEL", "only errors, warnings or notes", selection_take_level,
		  INTO(LEVEL) },
		{ "thread", 0, "TID", "only those of this thread", arguments_take_list,
		  INTO(THREAD) },
		{ "finding", 0, "N|FINGERPRINT", "only the one with this number or fingerprint",
		  arguments_take_list, INTO(FINDING) },
		{ "sort", 0, "severity|bytes|count|time", "what comes first (default severity)",
		  arguments_take_choice, ARGUMENT_INTO(selection, sort) },
		{ "group", 0, "kind|package|function|section",
		  "put those together that have this in common", arguments_take_choice,
		  ARGUMENT_INTO(selection, groups), .first = SELECTION_GROUP_KIND },
	};

	return ARGUMENT_GROUP(rows, s);
}

static bool matches_function(const char *glob, const char *text)
{
	const char *parameters = strchr(text, '(');
	bool matches = fnmatch(glob, text, 0) == 0;
	char *name;

	if (matches || !parameters || parameters == text)
		return matches;
	name = memory_text(text, (size_t)(parameters - text));
	matches = fnmatch(glob, name, 0) == 0;
	free(name);
	return matches;
}

static bool matches_path(const char *glob, const char *path)
{
	const char *slash = strrchr(path, '/');

	return fnmatch(glob, path, 0) == 0 || (slash && fnmatch(glob, slash + 1, 0) == 0);
}

static bool matches_kind(const char *glob, const struct finding *f)
{
	struct buffer text = { 0 };
	bool matches;

	message_write_kind(&text, f);
	matches = fnmatch(glob, kinds_text(f->kind), 0) == 0 || fnmatch(glob, text.data, 0) == 0;
	buffer_release(&text);
	return matches;
}

static bool matches_package(const char *glob, const struct finding *f)
{
	const struct model_package *package = model_package(f->model, f->package);
	struct buffer name = { 0 };
	bool matches;

	model_write_package(f->model, f->package, &name);
	matches = fnmatch(glob, name.data, 0) == 0 ||
		  (package->module && fnmatch(glob, package->module->base, 0) == 0);
	buffer_release(&name);
	return matches;
}

bool selection_matches(enum selection_field field, const char *glob, const struct symbol *symbol)
{
	if (field == SELECTION_FILE)
		return symbol->file && matches_path(glob, symbol->file);
	return (symbol->function && matches_function(glob, symbol->function)) ||
	       (symbol->linkage_name && fnmatch(glob, symbol->linkage_name, 0) == 0);
}

static bool matches_stacks(enum selection_field field, const char *glob,
			   const struct findings *findings, const struct finding *f)
{
	const struct findings_namer *namer = &findings->namer;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		const struct model_stack *stack = f->stack[i];

		for (uint32_t j = 0; stack && j < stack->frames; j++)
			for (const struct symbol *symbol = namer->find(
				     namer->context, stack->frame[j].module, stack->frame[j].offset);
			     symbol; symbol = symbol->outer)
				if (selection_matches(field, glob, symbol))
					return true;
	}
	return field == SELECTION_FUNCTION && f->function && fnmatch(glob, f->function, 0) == 0;
}

static bool matches_number(const char *glob, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	return fnmatch(glob, text, 0) == 0;
}

/* Its first digits do, as those of a commit. All of them are one fingerprint, without those that end in ":2". */
static bool begins_fingerprint(const char *glob, const char *fingerprint)
{
	enum { DIGITS_LEAST = 6 };
	size_t bytes = strlen(glob);

	return bytes >= DIGITS_LEAST && bytes < strcspn(fingerprint, ":") &&
	       strncmp(glob, fingerprint, bytes) == 0;
}

static bool matches_fingerprint(const char *glob, const char *fingerprint)
{
	return fnmatch(glob, fingerprint, 0) == 0 || begins_fingerprint(glob, fingerprint);
}

static bool passes(enum selection_field field, const char *glob, const struct findings *findings,
		   const struct finding *f)
{
	switch (field) {
	case SELECTION_KIND:
		return matches_kind(glob, f);
	case SELECTION_PACKAGE:
		return matches_package(glob, f);
	case SELECTION_LEVEL:
		return strcmp(glob, kinds_level_text(f->level)) == 0;
	case SELECTION_THREAD:
		return f->thread && matches_number(glob, (uint64_t)f->thread);
	case SELECTION_FINDING:
		return matches_number(glob, f->number) || matches_fingerprint(glob, f->fingerprint);
	default:
		return matches_stacks(field, glob, findings, f);
	}
}

/* What has no time may have happened then. */
static bool is_in_time(const struct selection *s, const struct finding *f)
{
	uint64_t start_ns = model_process(f->model)->start_ns;

	return !(s->since.is_set && f->last_ns && f->last_ns < moment_in(&s->since, start_ns)) &&
	       !(s->until.is_set && f->first_ns && f->first_ns > moment_in(&s->until, start_ns));
}

static bool is_selected(const struct selection *s, const struct findings *findings,
			const struct finding *f)
{
	for (unsigned field = 0; field < SELECTION_FIELDS; field++) {
		const struct argument_list *globs = &s->filter[field];
		size_t i = 0;

		while (i < globs->count &&
		       !passes((enum selection_field)field, globs->item[i], findings, f))
			i++;
		if (i == globs->count && i)
			return false;
	}
	return is_in_time(s, f);
}

bool selection_is_narrow(const struct selection *s)
{
	size_t filters = 0;

	for (unsigned field = 0; field < SELECTION_FIELDS; field++)
		filters += s->filter[field].count;
	return filters || s->since.is_set || s->until.is_set;
}

/* Appends what a finding is in a field whose values are few; nothing in others. */
static void write_value(enum selection_field field, const struct finding *f, struct buffer *b)
{
	if (field == SELECTION_PACKAGE)
		model_write_package(f->model, f->package, b);
	if (field == SELECTION_KIND)
		message_write_kind(b, f);
}

static bool is_listed(const char *const *values, size_t count, const char *value)
{
	while (count && strcmp(values[count - 1], value) != 0)
		count--;
	return count != 0;
}

/* Lists the first values that the findings have in a field. They are to be freed. */
static size_t list_values(enum selection_field field, struct findings *findings, char **values)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count && count < VALUES_MOST; i++) {
		struct buffer b = { 0 };

		write_value(field, findings_get(findings, i), &b);
		if (b.used && !is_listed((const char *const *)values, count, b.data))
			values[count++] = buffer_take(&b);
		buffer_release(&b);
	}
	return count;
}

static void complain_of(enum selection_field field, const char *glob, struct findings *findings)
{
	char *values[VALUES_MOST] = { NULL };
	size_t count = list_values(field, findings, values);
	const char *meant = likeness_find(glob, (const char *const *)values, count);
	struct buffer b = { 0 };

	if (meant) {
		buffer_format(&b, "; did you mean %s?", meant);
	} else {
		for (size_t i = 0; i < count; i++)
			buffer_format(&b, "%s%s", i ? ", " : "; there are: ", values[i]);
		if (count == VALUES_MOST)
			buffer_text(&b, " and more");
	}
	complaint_print("lsatrace", "--%s=%s: no finding is of that%s",
			selection_arguments(NULL).rows[field].name, glob, b.used ? b.data : "");
	buffer_release(&b);
	while (count)
		free(values[--count]);
}

/* Says which findings a short fingerprint stands for, if these are several. All of them are shown. */
static void complain_of_short(const char *glob, struct findings *findings)
{
	struct buffer b = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++) {
		const char *fingerprint = findings_get(findings, i)->fingerprint;

		if (!begins_fingerprint(glob, fingerprint))
			continue;
		if (count++ < VALUES_MOST)
			buffer_format(&b, "%s%s", b.used ? ", " : "", fingerprint);
	}
	if (count > 1)
		complaint_print("lsatrace", "--finding=%s: %zu findings begin with that: %s%s",
				glob, count, b.data, count > VALUES_MOST ? " and more" : "");
	buffer_release(&b);
}

void selection_complain(const struct selection *s, struct findings *findings)
{
	const struct argument_list *shown = &s->filter[SELECTION_FINDING];

	for (size_t j = 0; j < shown->count; j++)
		complain_of_short(shown->item[j], findings);
	for (unsigned field = 0; field < SELECTION_FIELDS; field++)
		for (size_t j = 0; j < s->filter[field].count; j++) {
			size_t i = 0;

			while (i < findings->count &&
			       !passes((enum selection_field)field, s->filter[field].item[j],
				       findings, findings_get(findings, i)))
				i++;
			if (i == findings->count)
				complain_of((enum selection_field)field, s->filter[field].item[j],
					    findings);
		}
}

/* A finding that is shown. */
struct item {
	uint64_t weight; /* the heaviest comes first */
	uint64_t hash;   /* of what its group has in common */
	uint32_t group;  /* where the first finding of its group is */
	uint32_t index;
};

/* Without an order that was asked for, what fails comes before what the baseline knows. */
static uint64_t weigh(enum selection_sort sort, const struct finding *f)
{
	switch (sort) {
	case SELECTION_SORT_BYTES:
		return f->bytes;
	case SELECTION_SORT_COUNT:
		return f->count;
	case SELECTION_SORT_TIME:
		/* The oldest first, and last what has no time. */
		return f->first_ns ? UINT64_MAX - f->first_ns : 0;
	default:
		return f->baseline == FINDING_NEW || f->baseline == FINDING_GROWN;
	}
}

static int compare_items(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

const struct symbol *selection_culprit(const struct findings *findings, const struct finding *f,
				       const struct model_frame **frame)
{
	unsigned which = finding_main_stack(f);

	return f->stack[which] ? walk_to(f->stack[which], &findings->namer, f->skipped[which], frame)
			       : NULL;
}

void selection_write_group(const struct selection *s, const struct findings *findings,
			   const struct finding *f, struct buffer *b)
{
	const struct model_frame *frame;
	const struct symbol *symbol;

	switch (s->groups) {
	case SELECTION_GROUP_KIND:
		buffer_text(b, kinds_text(f->kind));
		break;
	case SELECTION_GROUP_PACKAGE:
		buffer_text(b, "package ");
		model_write_package(f->model, f->package, b);
		break;
	case SELECTION_GROUP_FUNCTION:
		symbol = selection_culprit(findings, f, &frame);
		buffer_plain(b, symbol && symbol->function ? symbol->function : "?");
		break;
	default:
		buffer_text(b, f->section.known ? "section " : "no section");
		if (f->section.known)
			buffer_hex(b, f->section.handle);
	}
}

static int compare_groups(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

/* Sorts the findings. Groups come in the order of their first findings. */
static void sort_items(struct item *item, size_t count, bool has_groups)
{
	if (count == 0)
		return;
	qsort(item, count, sizeof(*item), compare_items);
	if (!has_groups)
		return;
	for (size_t i = 0; i < count; i++)
		item[i].group = (uint32_t)i;
	qsort(item, count, sizeof(*item), compare_groups);
	for (size_t i = 1; i < count; i++)
		if (item[i].hash == item[i - 1].hash)
			item[i].group = item[i - 1].group;
	qsort(item, count, sizeof(*item), compare_items);
}

void selection_apply(const struct selection *s, struct findings *findings)
{
	struct item *item;
	uint32_t *index;
	size_t count = 0;

	if (!selection_is_narrow(s) && !s->sort && !s->groups && !findings->has_baseline)
		return;
	item = memory_new(findings->count, sizeof(*item));
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *f = findings_get(findings, i);
		struct buffer common = { 0 };

		if (!is_selected(s, findings, f))
			continue;
		item[count] = (struct item){ .weight = weigh(s->sort, f), .index = (uint32_t)i };
		if (s->groups) {
			selection_write_group(s, findings, f, &common);
			item[count].hash = hash_bytes(common.data, common.used);
			buffer_release(&common);
		}
		count++;
	}
	sort_items(item, count, s->groups != SELECTION_GROUP_NONE);
	index = memory_new(count, sizeof(*index));
	for (size_t i = 0; i < count; i++)
		index[i] = item[i].index;
	findings_select(findings, index, count);
	free(index);
	free(item);
}
