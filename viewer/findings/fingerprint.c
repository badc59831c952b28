/* SPDX-License-Identifier: MIT */
#include "viewer/findings/fingerprint.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/findings/finding.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

#define START 0xcbf29ce484222325ull

/* FNV-1a, 64 bits. The terminator is hashed too: "ab", "c" and "a", "bc" must differ. */
static void mix_text(uint64_t *hash, const char *text)
{
	do {
		*hash ^= (unsigned char)*text;
		*hash *= 0x100000001b3ull;
	} while (*text++);
}

static uint64_t begin(const struct finding *finding)
{
	uint64_t hash = START;

	mix_text(&hash, kinds_text(finding->kind));
	mix_text(&hash, kinds_reason_text(finding->reason));
	mix_text(&hash, finding->family ? finding->family : "");
	return hash;
}

/* Of a Rust name in the older form, which looks like C++: the place of "17h", 16 digits, "E". */
static const char *find_rust_hash(const char *name)
{
	const char *hash = name;

	while ((hash = strstr(hash, "17h")) != NULL &&
	       (strspn(hash + 3, "0123456789abcdef") != 16 || hash[19] != 'E'))
		hash++;
	return hash;
}

/*
 * A Rust name of the newer form, "_R...". A crate is "C", then its hash as "s", a number and "_", then
 * its name. Left out is also how far a reference back goes ("B", a number, "_"): that depends on how
 * long the hashes are. Names have their length in front. Digits that are no length are those of
 * constants ("K", a type, a number, "_"), and of other numbers after "s", "L" and "G", which are short.
 */
static void write_rust(struct buffer *to, const char *at)
{
	while (*at && *at != '.') {
		size_t number = strcspn(at, "_");
		size_t length = 1;
		char *name;

		if (isdigit((unsigned char)*at)) {
			length = strtoul(at, &name, 10);
			at = name + (*name == '_');
			length = strnlen(at, length);
		} else if ((*at == 'C' && at[1] == 's') || *at == 'B') {
			buffer_bytes(to, at, 1);
			at += number + (at[number] == '_');
			continue;
		} else if ((strchr("sLG", *at) && number < 4) ||
			   (*at == 'K' && at[1] != 'p' && at[1] != 'B')) {
			length = number;
		}
		buffer_bytes(to, at, length);
		at += length;
	}
}

/* Writes the part of a linkage name that other builds have as well. */
static void write_stable_name(struct buffer *to, const char *name)
{
	const char *hash = strncmp(name, "_ZN", 3) == 0 ? find_rust_hash(name) : NULL;
	size_t length;

	if (strncmp(name, "_R", 2) == 0) {
		write_rust(to, name);
		return;
	}
	/* A compiler that splits a function f calls its parts "f.constprop.0" and the like; a linker
	 * writes "f@@VERSION". */
	length = hash ? (size_t)(hash - name) : strcspn(name, ".@");
	buffer_bytes(to, name, length ? length : strlen(name));
}

/* Which frames count. */
struct own {
	const struct model *model;
	uint32_t package;
	bool has_package; /* those of the package; else all but those of the C library */
};

static bool is_own(const struct own *own, const struct model_frame *frame)
{
	/* Code in no module was made at run time: its address differs from run to run. */
	if (!frame->module)
		return false;
	return own->has_package ? model_is_in_package(own->model, own->package, frame)
				: !model_is_c_library(frame->module);
}

static struct own find_own(const struct model *model, uint32_t package,
			   const struct model_stack *const *stacks, unsigned count)
{
	struct own own = { model, package, true };

	for (unsigned i = 0; i < count; i++)
		for (uint32_t j = 0; stacks[i] && j < stacks[i]->frames; j++)
			if (is_own(&own, &stacks[i]->frame[j]))
				return own;
	own.has_package = false;
	return own;
}

static struct own find_own_of(const struct finding *f)
{
	return find_own(f->model, f->package, f->stack, TRACE_FINDING_STACKS);
}

/* The name of the function as a symbol table has it. */
static const char *find_linkage_name(const struct symbol *symbol)
{
	while (symbol->outer)
		symbol = symbol->outer;
	return symbol->linkage_name ? symbol->linkage_name : symbol->function;
}

/* Mixes the own frames of a stack. */
static void mix_stack(struct fingerprint *print, const struct own *own,
		      const struct model_stack *stack, const struct findings_namer *namer)
{
	struct buffer name = { 0 }, last = { 0 };

	for (uint32_t i = 0; i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];
		const char *function;

		if (!is_own(own, frame))
			continue;
		function =
			find_linkage_name(namer->find(namer->context, frame->module, frame->offset));
		name.used = 0;
		if (function) {
			write_stable_name(&name, function);
		} else {
			buffer_hex_bytes(&name, frame->module->build_id,
					 frame->module->build_id_bytes);
			buffer_text(&name, "+");
			buffer_hex(&name, frame->offset);
			print->has_offsets = true;
		}
		if (last.data && name.data && strcmp(last.data, name.data) == 0)
			continue;
		mix_text(&print->exact, frame->module->base);
		mix_text(&print->exact, name.data ? name.data : "");
		last.used = 0;
		buffer_text(&last, name.data ? name.data : "");
	}
	buffer_release(&name);
	buffer_release(&last);
}

/* Mixes the innermost own function that has a name. Returns false if there is none. */
static bool mix_innermost(uint64_t *hash, const struct own *own, const struct model_stack *stack,
			  const struct findings_namer *namer)
{
	struct buffer name = { 0 };

	for (uint32_t i = 0; i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];
		const struct symbol *symbol;

		if (!is_own(own, frame))
			continue;
		symbol = namer->find(namer->context, frame->module, frame->offset);
		while (symbol && !symbol->function)
			symbol = symbol->outer;
		if (!symbol)
			continue;
		write_stable_name(&name,
				  symbol->outer ? symbol->function : find_linkage_name(symbol));
		mix_text(hash, frame->module->base);
		mix_text(hash, name.data ? name.data : "");
		buffer_release(&name);
		return true;
	}
	return false;
}

/* Mixes the stacks into what both begin with. */
static struct fingerprint make(uint64_t start, const struct own *own,
			       const struct model_stack *const *stacks, unsigned count,
			       const struct findings_namer *namer)
{
	struct fingerprint print = { start, start, false };
	bool has_innermost = false;

	mix_text(&print.weak,
		 own->has_package ? model_package(own->model, own->package)->module->base : "");
	for (unsigned i = 0; i < count; i++) {
		mix_text(&print.exact, "stack");
		if (!stacks[i])
			continue;
		mix_stack(&print, own, stacks[i], namer);
		has_innermost = has_innermost || mix_innermost(&print.weak, own, stacks[i], namer);
	}
	return print;
}

struct fingerprint fingerprint_make(const struct finding *finding,
				    const struct findings_namer *namer)
{
	struct own own = find_own_of(finding);

	return make(begin(finding), &own, finding->stack, TRACE_FINDING_STACKS, namer);
}

struct fingerprint fingerprint_of_call(const struct model *model, uint32_t package,
				       const char *function, const struct model_stack *stack,
				       const struct findings_namer *namer)
{
	struct own own = find_own(model, package, &stack, 1);
	uint64_t start = START;

	mix_text(&start, function);
	return make(start, &own, &stack, 1, namer);
}

/* Returns the next frame of a stack that counts, or NULL. With `all`, those of the host count as well. */
static const struct model_frame *next_frame(const struct model_stack *stack, uint32_t *at,
					    const struct own *own, bool all)
{
	while (stack && *at < stack->frames) {
		const struct model_frame *frame = &stack->frame[(*at)++];

		if (all ? frame->module != NULL : is_own(own, frame))
			return frame;
	}
	return NULL;
}

static int compare_frames(const struct finding *a, const struct finding *b, bool all)
{
	struct own own_a = find_own_of(a), own_b = find_own_of(b);

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		uint32_t at_a = 0, at_b = 0;
		const struct model_frame *x, *y;

		do {
			x = next_frame(a->stack[i], &at_a, &own_a, all);
			y = next_frame(b->stack[i], &at_b, &own_b, all);
			if (x && y && x->offset != y->offset)
				return x->offset < y->offset ? -1 : 1;
		} while (x && y);
		if (x || y)
			return x ? 1 : -1;
	}
	return 0;
}

/* A frame of an earlier stack is more than none, which is more than one of a later stack. */
struct fingerprint_steps fingerprint_begin_order(const struct finding *finding)
{
	const size_t most = sizeof(((struct fingerprint_steps *)0)->step) / sizeof(uint64_t);
	struct own own = find_own_of(finding);
	struct fingerprint_steps steps = { 0 };
	const struct model_frame *frame;
	size_t count = 0;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		for (uint32_t at = 0;
		     count < most && (frame = next_frame(finding->stack[i], &at, &own, false));)
			steps.step[count++] = (uint64_t)(TRACE_FINDING_STACKS - i)
						      << TRACE_FRAME_OFFSET_BITS |
					      frame->offset;
	return steps;
}

int fingerprint_order(const struct finding *a, const struct finding *b)
{
	int order = compare_frames(a, b, false);

	return order ? order : compare_frames(a, b, true);
}
