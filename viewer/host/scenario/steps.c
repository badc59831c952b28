/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/steps.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/memory.h"

enum { NESTED_MOST = 16, TIMES_MOST = 100000000 };

bool steps_refuse(const struct steps *steps, unsigned line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%u: ", steps->file ? steps->file : "default", line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word of a line, without its quotes. Returns NULL at the end, and a quote if one is missing. */
static char *take_word(char **rest)
{
	static char quote[] = "\"";
	char *word = *rest, *to, *from;
	bool is_quoted = false;

	while (is_blank(*word))
		word++;
	if (!*word || *word == '#')
		return NULL;
	for (to = from = word; *from && (is_quoted || !is_blank(*from)); from++) {
		if (*from == '"')
			is_quoted = !is_quoted;
		else
			*to++ = *from;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return is_quoted ? quote : word;
}

static struct step *add_step(struct steps *steps, const char *verb, unsigned line)
{
	struct step *step;

	if (steps->count == steps->room) {
		steps->room = steps->room ? steps->room * 2 : 64;
		steps->all = memory_resize(steps->all, steps->room * sizeof(*steps->all));
	}
	step = &steps->all[steps->count++];
	*step = (struct step){ .verb = memory_text(verb), .line = line };
	return step;
}

static bool parse_pairs(struct steps *steps, struct step *step, char *rest)
{
	for (char *word; (word = take_word(&rest)) != NULL;) {
		char *equals = strchr(word, '=');

		if (*word == '"')
			return steps_refuse(steps, step->line, "a quote is missing");
		if (!equals || equals == word)
			return steps_refuse(steps, step->line, "'%s' is not KEY=VALUE", word);
		*equals = '\0';
		if (step_text(step, word))
			return steps_refuse(steps, step->line, "%s= is there twice", word);
		step->pairs =
			memory_resize(step->pairs, (step->pair_count + 1) * sizeof(*step->pairs));
		step->pairs[step->pair_count++] =
			(struct pair){ memory_text(word), memory_text(equals + 1) };
	}
	return true;
}

static bool parse_repeat(struct steps *steps, struct step *step, char *rest)
{
	char *times = take_word(&rest), *brace = take_word(&rest), *end = NULL;
	unsigned long number = times ? strtoul(times, &end, 10) : 0;

	if (!number || *end || number > TIMES_MOST || !brace || strcmp(brace, "{") != 0 ||
	    take_word(&rest))
		return steps_refuse(steps, step->line, "expected: repeat N {");
	step->times = (unsigned)number;
	return true;
}

bool steps_parse(struct steps *steps, const char *file, char *text)
{
	size_t open[NESTED_MOST], depth = 0;
	unsigned line = 0;

	*steps = (struct steps){ .file = file };
	for (char *next = text, *rest; next;) {
		struct step *step;
		char *verb;

		rest = next;
		next = strchr(rest, '\n');
		if (next)
			*next++ = '\0';
		verb = take_word(&rest);

		line++;
		if (!verb)
			continue;
		if (strcmp(verb, "}") == 0) {
			if (!depth)
				return steps_refuse(steps, line, "there is no repeat to end");
			if (take_word(&rest))
				return steps_refuse(steps, line, "expected nothing behind }");
			steps->all[open[--depth]].end = steps->count;
			continue;
		}
		step = add_step(steps, verb, line);
		if (strcmp(verb, "repeat") != 0) {
			if (!parse_pairs(steps, step, rest))
				return false;
			continue;
		}
		if (depth == NESTED_MOST)
			return steps_refuse(steps, line, "repeats are nested more than 16 deep");
		open[depth++] = steps->count - 1;
		if (!parse_repeat(steps, step, rest))
			return false;
	}
	return !depth || steps_refuse(steps, steps->all[open[depth - 1]].line, "there is no }");
}

void steps_release(struct steps *steps)
{
	for (size_t i = 0; i < steps->count; i++) {
		struct step *step = &steps->all[i];

		for (size_t j = 0; j < step->pair_count; j++) {
			free(step->pairs[j].key);
			free(step->pairs[j].value);
		}
		free(step->pairs);
		free(step->verb);
	}
	free(steps->all);
	*steps = (struct steps){ 0 };
}

const char *step_text(const struct step *step, const char *key)
{
	for (size_t i = 0; i < step->pair_count; i++)
		if (strcmp(step->pairs[i].key, key) == 0)
			return step->pairs[i].value;
	return NULL;
}

uint64_t step_number(const struct step *step, const char *key, uint64_t otherwise)
{
	const char *text = step_text(step, key);

	return text ? strtoull(text, NULL, 0) : otherwise;
}
