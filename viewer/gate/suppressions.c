/* SPDX-License-Identifier: MIT */
#include "viewer/gate/suppressions.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/walk.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

#define PATTERNS_MOST 64

/* A line of a block. */
struct pattern {
	enum { FUNCTION, OBJECT, SOURCE, ANY_FRAMES } what;
	char *glob;
	uint32_t line; /* SOURCE; 0: any */
};

struct rule {
	struct suppression shown;
	char *leak; /* the template; NULL: it is a block */
	char *kind; /* a glob */
	struct pattern pattern[PATTERNS_MOST];
	size_t patterns;
};

struct suppressions {
	struct rule **rule;
	size_t count, room;
};

/* A file while it is read. */
struct source {
	struct suppressions *s;
	FILE *file;
	const char *path;
	char *text; /* the line, without blanks at its ends */
	size_t room;
	char *line; /* where it begins in `text` */
	uint32_t number;
	bool has_zero; /* a line holds a zero byte, so that its end would be lost */
};

/* Does '*' stand for any text, and, in a `glob`, '?' for one character? */
static bool matches(const char *pattern, const char *text, bool is_glob)
{
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern == *text || (is_glob && *pattern == '?')) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

/* Turns "^a*b$" into a pattern for the whole text: that of LeakSanitizer is for a part of it. */
static char *make_template(const char *text)
{
	struct buffer b = { 0 };
	size_t length = strlen(text);
	bool has_start = *text == '^', has_end = length > 1 && text[length - 1] == '$';

	buffer_text(&b, has_start ? "" : "*");
	buffer_bytes(&b, text + has_start, length - has_start - has_end);
	buffer_text(&b, has_end ? "" : "*");
	return buffer_take(&b);
}

/* Frames that are in every backtrace of a thread. */
static const char *const every_function[] = { "_start", "__libc_start_main",
					      "__libc_start_call_main", "start_thread", NULL };
static const char *const every_object[] = { "/lib/x86_64-linux-gnu/libc.so.6",
					    "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", NULL };

static bool matches_any(const char *pattern, const char *const *texts, bool is_glob)
{
	for (; *texts; texts++)
		if (matches(pattern, *texts, is_glob))
			return true;
	return false;
}

static struct rule *add_rule(const struct source *f, uint32_t line, const char *name)
{
	struct rule *rule = memory_new(1, sizeof(*rule));
	struct buffer label = { 0 };

	memory_room(f->s->rule, f->s->count, f->s->room);
	f->s->rule[f->s->count++] = rule;
	rule->shown.name = buffer_take_utf8(name, strlen(name));
	rule->shown.file = buffer_take_utf8(f->path, strlen(f->path));
	rule->shown.line = line;
	buffer_format(&label, "%s:%" PRIu32 ": %s", rule->shown.file, line, rule->shown.name);
	rule->shown.label = buffer_take(&label);
	return rule;
}

/* Reads the next line that is neither empty nor a comment. Returns false at the end. */
static bool next_line(struct source *f)
{
	ssize_t length;

	while ((length = getline(&f->text, &f->room, f->file)) >= 0) {
		f->number++;
		f->has_zero |= memchr(f->text, '\0', (size_t)length) != NULL;
		if (f->has_zero)
			return false;
		while (length && strchr(" \t\r\n", f->text[length - 1]))
			f->text[--length] = '\0';
		f->line = f->text;
		/* Some editors begin a file with a byte order mark. */
		if (f->number == 1 && strncmp(f->line, "\xef\xbb\xbf", 3) == 0)
			f->line += 3;
		f->line += strspn(f->line, " \t");
		if (*f->line && *f->line != '#')
			return true;
	}
	return false;
}

#define BLANK "the blank after ':' would be a part of the text, which nothing has"
#define COMMENT "a comment needs a line of its own"

static bool has_comment(const char *line)
{
	return strstr(line, " #") || strstr(line, "\t#");
}

static const char *read_leak(const struct source *f)
{
	const char *text = f->line + strlen("leak:");
	char *template = make_template(text);

	if (!text[strspn(text, "*^$")]) {
		free(template);
		return "it would hide every leak";
	}
	if (*text == ' ' || *text == '\t') {
		free(template);
		return BLANK;
	}
	if (has_comment(text)) {
		free(template);
		return COMMENT;
	}
	if (matches_any(template, every_function, false) ||
	    matches_any(template, every_object, false)) {
		free(template);
		return "it would hide every leak: each backtrace has such a frame of the C library";
	}
	add_rule(f, f->number, f->line)->leak = template;
	return NULL;
}

/* "kind" or "kind/reason" */
static bool matches_kind(const char *glob, enum trace_kind kind, enum trace_reason reason)
{
	char text[64];

	snprintf(text, sizeof(text), "%s/%s", kinds_text(kind), kinds_reason_text(reason));
	return matches(glob, kinds_text(kind), true) ||
	       (reason != TRACE_REASON_NONE && matches(glob, text, true));
}

static bool is_kind(const char *glob)
{
	for (unsigned kind = 1; kind < TRACE_KIND_COUNT; kind++)
		for (unsigned reason = 0; reason < TRACE_REASON_COUNT; reason++)
			if (matches_kind(glob, (enum trace_kind)kind, (enum trace_reason)reason))
				return true;
	return false;
}

/* Is "lsatrace" one of the tools in "Tool,Tool:Kind"? */
static bool is_for_us(const char *tools, size_t length)
{
	static const char own[] = "lsatrace";

	while (length) {
		size_t word = strcspn(tools, ",:");

		if (word == sizeof(own) - 1 && memcmp(tools, own, word) == 0)
			return true;
		if (word >= length)
			return false;
		tools += word + 1;
		length -= word + 1;
	}
	return false;
}

static const char *read_pattern(struct rule *rule, const char *line)
{
	static const char *const prefixes[] = {
		[FUNCTION] = "fun:", [OBJECT] = "obj:", [SOURCE] = "src:"
	};
	struct pattern *pattern = &rule->pattern[rule->patterns];
	char *colon;

	if (rule->patterns == PATTERNS_MOST)
		return "there are more than 64 frames";
	if (strcmp(line, "...") == 0) {
		pattern->what = ANY_FRAMES;
		rule->patterns++;
		return NULL;
	}
	for (unsigned i = FUNCTION; i <= SOURCE; i++) {
		if (strncmp(line, prefixes[i], 4) != 0 || !line[4])
			continue;
		if (strchr(" \t", line[4]))
			return BLANK;
		if (i == FUNCTION && has_comment(line))
			return COMMENT;
		*pattern = (struct pattern){ i, memory_text(line + 4, strlen(line + 4)), 0 };
		rule->patterns++;
		colon = i == SOURCE ? strrchr(pattern->glob, ':') : NULL;
		if (colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")]) {
			pattern->line = (uint32_t)strtoul(colon + 1, NULL, 10);
			*colon = '\0';
		}
		return NULL;
	}
	return "expected fun:NAME, obj:PATH, src:FILE, '...' or '}'";
}

/* Is there such a frame in every backtrace? */
static bool is_everywhere(const struct pattern *p)
{
	return p->what == ANY_FRAMES || !p->glob[strspn(p->glob, "*?")] ||
	       (p->what == FUNCTION && matches_any(p->glob, every_function, true)) ||
	       (p->what == OBJECT && matches_any(p->glob, every_object, true));
}

/* Does it say nothing of any frame? */
static bool hides_all(const struct rule *rule)
{
	for (size_t i = 0; i < rule->patterns; i++)
		if (!is_everywhere(&rule->pattern[i]))
			return false;
	return true;
}

static const char *read_frames(struct source *f, struct rule *rule, uint32_t start)
{
	const char *reason;

	while (next_line(f)) {
		if (strcmp(f->line, "}") != 0) {
			if ((reason = read_pattern(rule, f->line)) != NULL)
				return reason;
			continue;
		}
		f->number = hides_all(rule) ? start : f->number;
		return !rule->patterns   ? "it has no frame, so it would hide every such finding"
		       : hides_all(rule) ? "it names no frame, so it would hide every such finding"
					 : NULL;
	}
	f->number = start;
	return "the block has no '}'";
}

/* Reads the rest of a block that is for other tools. */
static const char *skip_block(struct source *f, uint32_t start)
{
	while (next_line(f))
		if (strcmp(f->line, "}") == 0)
			return NULL;
	f->number = start;
	return "the block has no '}'";
}

static const char *read_block(struct source *f)
{
	uint32_t start = f->number;
	struct rule *rule;
	const char *kind;
	char *name;

	if (!next_line(f) || strcmp(f->line, "}") == 0)
		return "the block has no name";
	name = memory_text(f->line, strlen(f->line));
	kind = next_line(f) ? strchr(f->line, ':') : NULL;
	if (!kind) {
		free(name);
		return "expected lsatrace:KIND behind the name of the block";
	}
	if (!is_for_us(f->line, (size_t)(kind - f->line))) {
		free(name);
		/* Kinds of other tools have other names. */
		return !kind[strcspn(kind, "*?")] && is_kind(kind + 1)
			       ? "there is no such tool; expected lsatrace:KIND"
			       : skip_block(f, start);
	}
	rule = add_rule(f, start, name);
	free(name);
	rule->kind = memory_text(kind + 1, strlen(kind + 1));
	return is_kind(rule->kind) ? read_frames(f, rule, start)
				   : "there is no such kind of finding";
}

char *suppressions_read(struct suppressions *s, const char *path)
{
	struct source f = { .s = s, .file = fopen(path, "re"), .path = path };
	struct buffer trouble = { 0 };
	const char *reason = NULL;

	if (!f.file) {
		buffer_format(&trouble, "%s: %s", path, strerror(errno));
		return buffer_take(&trouble);
	}
	while (!reason && next_line(&f)) {
		if (strncmp(f.line, "leak:", 5) == 0)
			reason = read_leak(&f);
		else if (strcmp(f.line, "{") == 0)
			reason = read_block(&f);
		else
			reason = "expected leak:TEXT, or '{' alone on a line";
	}
	if (f.has_zero)
		reason = "it holds a zero byte";
	if (reason)
		buffer_format(&trouble, "%s:%" PRIu32 ": %s", path, f.number, reason);
	else if (ferror(f.file))
		buffer_format(&trouble, "%s: %s", path, strerror(errno));
	fclose(f.file);
	free(f.text);
	return trouble.data;
}

struct suppressions *suppressions_new(void)
{
	return memory_new(1, sizeof(struct suppressions));
}

static void free_rule(struct rule *rule)
{
	for (size_t i = 0; i < rule->patterns; i++)
		free(rule->pattern[i].glob);
	free(rule->shown.name);
	free(rule->shown.file);
	free(rule->shown.label);
	free(rule->leak);
	free(rule->kind);
	free(rule);
}

void suppressions_free(struct suppressions *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free_rule(s->rule[i]);
	free(s->rule);
	free(s);
}

const struct suppression *suppressions_get(const struct suppressions *s, size_t i)
{
	return i < s->count ? &s->rule[i]->shown : NULL;
}

static const struct model_stack *find_stack(const struct finding *f)
{
	static const enum trace_finding_stacks order[] = { TRACE_STACK_CALL, TRACE_STACK_ALLOCATE,
							   TRACE_STACK_CREATE };

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (f->stack[order[i]])
			return f->stack[order[i]];
	return NULL;
}

static bool matches_text(const char *pattern, const char *text, bool is_glob)
{
	return text && matches(pattern, text, is_glob);
}

static bool matches_leak(const char *template, const struct model_stack *stack,
			 const struct findings_namer *namer)
{
	struct walk w = { .stack = stack, .namer = namer };

	while (walk_next(&w))
		if (matches_text(template, w.frame->module ? w.frame->module->name : NULL, false) ||
		    matches_text(template, w.symbol->function, false) ||
		    matches_text(template, w.symbol->linkage_name, false) ||
		    matches_text(template, w.symbol->file, false))
			return true;
	return false;
}

static bool matches_frame(const struct pattern *p, const struct model_frame *frame,
			  const struct symbol *symbol)
{
	const char *base;

	switch (p->what) {
	case FUNCTION:
		return matches_text(p->glob, symbol->function, true) ||
		       matches_text(p->glob, symbol->linkage_name, true);
	case OBJECT:
		return matches_text(p->glob, frame->module ? frame->module->name : NULL, true);
	case SOURCE:
		base = symbol->file ? strrchr(symbol->file, '/') : NULL;
		return matches_text(p->glob, base ? base + 1 : symbol->file, true) &&
		       (!p->line || p->line == symbol->line);
	default:
		return false;
	}
}

/* Sets what can be reached without a frame: "..." may be none. */
static void skip_ellipses(const struct rule *rule, bool *reached)
{
	for (size_t i = 0; i < rule->patterns; i++)
		reached[i + 1] |= reached[i] && rule->pattern[i].what == ANY_FRAMES;
}

/*
 * reached[i]: the frames so far can be those of the first i patterns. The stack matches as soon as all
 * patterns can be: further frames are free.
 */
static bool matches_block(const struct rule *rule, const struct model_stack *stack,
			  const struct findings_namer *namer)
{
	bool reached[PATTERNS_MOST + 1] = { true };
	struct walk w = { .stack = stack, .namer = namer };

	skip_ellipses(rule, reached);
	while (!reached[rule->patterns]) {
		bool next[PATTERNS_MOST + 1] = { false };

		if (!walk_next(&w))
			return false;
		for (size_t i = 0; i < rule->patterns; i++) {
			if (!reached[i])
				continue;
			next[i] |= w.symbol->is_inlined || rule->pattern[i].what == ANY_FRAMES;
			next[i + 1] |= matches_frame(&rule->pattern[i], w.frame, w.symbol);
		}
		skip_ellipses(rule, next);
		memcpy(reached, next, sizeof(reached));
	}
	return true;
}

static bool matches_rule(const struct rule *rule, const struct finding *f,
			 const struct findings_namer *namer)
{
	const struct model_stack *stack = find_stack(f);

	if (!stack)
		return false;
	if (rule->leak)
		return (f->kind == TRACE_KIND_BLOCK_LEAK || f->kind == TRACE_KIND_SECTION_LEAK) &&
		       matches_leak(rule->leak, stack, namer);
	return matches_kind(rule->kind, f->kind, f->reason) && matches_block(rule, stack, namer);
}

void suppressions_apply(struct suppressions *s, struct findings *f)
{
	for (size_t i = 0; s->count && i < f->count; i++) {
		const struct finding *finding = findings_look(f, i);

		for (size_t k = 0; k < s->count; k++) {
			struct rule *rule = s->rule[k];

			if (!matches_rule(rule, finding, &f->namer))
				continue;
			sum_add(&rule->shown.count, finding->count);
			sum_add(&rule->shown.bytes, finding->bytes);
			findings_suppress(f, i, rule->shown.label);
			break;
		}
	}
	findings_count(f);
}

static bool is_plain(const char *text)
{
	return text && *text && !text[strcspn(text, "\n\r")] && !strchr(" \t", *text) &&
	       !strchr(" \t", text[strlen(text) - 1]) && !has_comment(text);
}

static void write_frame(struct buffer *b, const struct model_frame *frame,
			const struct symbol *symbol)
{
	if (is_plain(symbol->linkage_name))
		buffer_format(b, "   fun:%s\n", symbol->linkage_name);
	else if (is_plain(symbol->function))
		buffer_format(b, "   fun:%s\n", symbol->function);
	else
		buffer_format(b, "   obj:%s\n",
			      frame->module && is_plain(frame->module->name) ? frame->module->name
									     : "*");
}

/* The frames are those up to the outermost one of the package. Inlined functions are left out: another
 * build may not inline them, or have no debug information. */
void suppressions_write(struct buffer *b, const struct finding *f,
			const struct findings_namer *namer)
{
	const struct model_stack *stack = find_stack(f);
	struct walk w = { .stack = stack, .namer = namer };
	uint32_t frames = 1, written = 0;

	if (!stack)
		return;
	for (uint32_t i = 0; i < stack->frames; i++)
		if (model_is_in_package(f->model, f->package, &stack->frame[i]))
			frames = i + 1;
	buffer_format(b, "{\n   %s %s\n   lsatrace:%s%s%s\n", kinds_text(f->kind), f->fingerprint,
		      kinds_text(f->kind), f->reason ? "/" : "", kinds_reason_text(f->reason));
	while (walk_next(&w) && w.next <= frames && written < PATTERNS_MOST) {
		if (w.symbol->outer)
			continue;
		write_frame(b, w.frame, w.symbol);
		written++;
	}
	buffer_text(b, "}\n");
}
