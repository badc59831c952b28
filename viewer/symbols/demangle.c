/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/demangle.h"

#include <ctype.h>
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"

#define MANGLED_MOST 4096u /* bytes of a symbol: libiberty needs some 100 bytes of stack for each */
#define NAME_MOST (1u << 16) /* bytes of a name: a short symbol can stand for an endless name */
#define SHORT_MOST 200u

struct result {
	struct buffer name;
	jmp_buf too_long;
};

/* libiberty has allocated nothing when it calls this, so that it can be left. */
static void take_part(const char *part, size_t bytes, void *result)
{
	struct result *r = result;

	buffer_bytes(&r->name, part, bytes);
	if (r->name.used > NAME_MOST)
		longjmp(r->too_long, 1);
}

/* Its own limit of recursion would refuse each symbol of more than 1024 bytes. */
static bool run_demangler(const char *symbol, struct result *result)
{
	const int options = DMGL_PARAMS | DMGL_ANSI | DMGL_NO_RECURSE_LIMIT;

	if (setjmp(result->too_long))
		return false;
	/* Rust first: its older symbols are valid ones of C++, where they keep their hash. */
	if (rust_demangle_callback(symbol, options, take_part, result))
		return true;
	result->name.used = 0;
	return symbol[1] == 'Z' && cplus_demangle_v3_callback(symbol, options, take_part, result);
}

/* Some compilers put further underscores before a symbol. */
static const char *skip_underscores(const char *symbol)
{
	while (symbol[0] == '_' && symbol[1] == '_')
		symbol++;
	return symbol;
}

bool demangle_applies(const char *symbol)
{
	symbol = skip_underscores(symbol);
	return symbol[0] == '_' && (symbol[1] == 'Z' || symbol[1] == 'R');
}

char *demangle(const char *linkage_name)
{
	struct result result = { 0 };

	linkage_name = skip_underscores(linkage_name);
	if (!demangle_applies(linkage_name) || strlen(linkage_name) > MANGLED_MOST)
		return NULL;
	if (run_demangler(linkage_name, &result) && result.name.used)
		return buffer_take(&result.name);
	buffer_release(&result.name);
	return NULL;
}

static bool ends_with(const char *text, const char *end, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(end - text) >= length && memcmp(end - length, word, length) == 0;
}

/*
 * Does '<' begin template arguments here? If not, it belongs to an operator, to "<lambda(int)>", or to
 * a path of Rust such as "<T as Trait>::function".
 */
static bool begins_arguments(const char *name, const char *at)
{
	if (at == name || strncmp(at, "<lambda", 7) == 0 || strncmp(at, "<impl ", 6) == 0 ||
	    ends_with(name, at, "operator"))
		return false;
	return isalnum((unsigned char)at[-1]) || (unsigned char)at[-1] >= 0x80 ||
	       strchr("_:", at[-1]) || ends_with(name, at, "operator()") ||
	       ends_with(name, at, "operator< ") || ends_with(name, at, "operator<< ");
}

/* Returns the end of the arguments that begin at '<', or NULL. */
static const char *skip_arguments(const char *at)
{
	unsigned depth = 0;

	for (; *at; at++) {
		if (*at == '<')
			depth++;
		else if (*at == '>' && at[-1] != '-' && --depth == 0)
			return at + 1;
	}
	return NULL;
}

void demangle_leave_out_arguments(struct buffer *b, const char *name)
{
	for (const char *at = name; *at;) {
		const char *end =
			*at == '<' && begins_arguments(name, at) ? skip_arguments(at) : NULL;

		buffer_bytes(b, at, end ? 0 : 1);
		buffer_text(b, !end ? "" : end == at + 2 ? "<>" : "<...>");
		at = end ? end : at + 1;
	}
}

void demangle_shorten(struct buffer *b, const char *name)
{
	struct buffer text = { 0 };
	char *cut;

	/* Most names are like this, and a report has many. */
	if (!strchr(name, '<') && strlen(name) <= SHORT_MOST) {
		buffer_plain(b, name);
		return;
	}
	demangle_leave_out_arguments(&text, name);
	cut = buffer_take_cut(text.data ? text.data : "", text.used, SHORT_MOST);
	buffer_plain(b, cut);
	free(cut);
	buffer_release(&text);
}
