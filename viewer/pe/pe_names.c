/* SPDX-License-Identifier: MIT */
#include "viewer/pe/pe_names.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"
#include "viewer/base/search.h"
#include "viewer/pe/pe_file.h"

#define SYMBOL_BYTES 18
#define CLASS_EXTERNAL 2
#define CLASS_STATIC 3
#define TYPE_FUNCTION 0x20
#define ENTRY_BYTES 12 /* of .pdata */
#define UNWIND_CHAINED 4
#define CHAIN_MOST 32
#define LEAF_MOST 1024 /* bytes of a function whose end nothing tells */

struct name {
	uint64_t start; /* an RVA */
	const char *text;
	char *copy; /* that is the text, or NULL */
	bool is_global;
	unsigned section;
};

struct names {
	struct name *name; /* by start */
	size_t count, room;
};

/* The code of a function, or one part of it. */
struct part {
	uint64_t start;
	uint32_t end;
	uint32_t unwind; /* RVA of its unwind information */
};

struct pe_names {
	const struct pe_file *file;
	struct names functions, data;
	struct part *part; /* by start */
	size_t parts;
};

static int compare_names(const void *left, const void *right)
{
	const struct name *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	/* The last one is found: one that a stripped file still has, and always the same one. */
	if (a->is_global != b->is_global)
		return a->is_global ? 1 : -1;
	return -strcmp(a->text, b->text);
}

static int compare_parts(const void *left, const void *right)
{
	const struct part *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

/* Finds the section that an RVA lies in. Returns its number, or SECTION_NONE. */
#define SECTION_NONE 65535u
static unsigned find_section(const struct pe_file *f, uint64_t rva, struct pe_section *section)
{
	for (unsigned i = 0; pe_file_section(f, i, section); i++)
		if (rva >= section->rva && rva - section->rva < section->image_bytes)
			return i;
	return SECTION_NONE;
}

static void add_name(struct names *n, struct name name)
{
	memory_room(n->name, n->count, n->room);
	n->name[n->count++] = name;
}

static void add_symbol(struct pe_names *n, const unsigned char *symbol)
{
	unsigned place = pe_read_16(symbol + 12), class = symbol[16];
	bool is_function = pe_read_16(symbol + 14) == TYPE_FUNCTION;
	struct name name = { .is_global = class == CLASS_EXTERNAL };
	struct pe_section section;

	if ((class != CLASS_EXTERNAL && class != CLASS_STATIC) || place == 0 ||
	    !pe_file_section(n->file, place - 1, &section) ||
	    pe_read_32(symbol + 8) >= section.image_bytes)
		return;
	/* Functions in assembly have no type, and labels inside of functions neither; those are static. */
	if (section.is_code ? !is_function && class != CLASS_EXTERNAL : is_function)
		return;
	name.section = place - 1;
	name.start = (uint64_t)section.rva + pe_read_32(symbol + 8);
	if (pe_read_32(symbol) == 0)
		name.text = pe_file_text(n->file, pe_read_32(symbol + 4));
	else
		name.text = name.copy =
			memory_text((const char *)symbol, strnlen((const char *)symbol, 8));
	/* Sections are symbols as well: ".data". */
	if (!name.text || !*name.text || *name.text == '.') {
		free(name.copy);
		return;
	}
	add_name(section.is_code ? &n->functions : &n->data, name);
}

static void take_symbols(struct pe_names *n)
{
	uint32_t count;
	const unsigned char *symbol = pe_file_symbols(n->file, &count);

	for (uint32_t i = 0; i < count; i++, symbol += SYMBOL_BYTES) {
		uint32_t more = symbol[17]; /* records that belong to it */

		add_symbol(n, symbol);
		if (more > count - i - 1)
			return;
		i += more;
		symbol += (size_t)more * SYMBOL_BYTES;
	}
}

/* An RVA within the directory itself is the name of a function of another module. */
static void add_export(struct pe_names *n, uint32_t rva, const char *text)
{
	struct name name = { .start = rva, .text = text, .is_global = true };
	uint32_t directory, bytes;
	struct pe_section section;

	pe_file_directory(n->file, PE_EXPORTS, &directory, &bytes);
	if (rva == 0 || (rva >= directory && rva - directory < bytes))
		return;
	name.section = find_section(n->file, rva, &section);
	if (name.section != SECTION_NONE)
		add_name(section.is_code ? &n->functions : &n->data, name);
}

static void take_exports(struct pe_names *n)
{
	const unsigned char *directory, *functions, *names, *ordinals;
	uint32_t rva, directory_bytes, count;
	size_t left, functions_left, names_left, ordinals_left;

	pe_file_directory(n->file, PE_EXPORTS, &rva, &directory_bytes);
	directory = pe_file_at(n->file, rva, &left);
	if (!rva || left < 40)
		return;
	count = pe_read_32(directory + 24);
	functions = pe_file_at(n->file, pe_read_32(directory + 28), &functions_left);
	names = pe_file_at(n->file, pe_read_32(directory + 32), &names_left);
	ordinals = pe_file_at(n->file, pe_read_32(directory + 36), &ordinals_left);
	for (uint32_t i = 0; i < count && i < names_left / 4 && i < ordinals_left / 2; i++) {
		const char *name =
			(const char *)pe_file_at(n->file, pe_read_32(names + (size_t)i * 4), &left);
		uint16_t ordinal = pe_read_16(ordinals + (size_t)i * 2);
		size_t most = left < PE_TEXT_MOST ? left : PE_TEXT_MOST;

		if (name && *name && strnlen(name, most) < most && ordinal < functions_left / 4)
			add_export(n, pe_read_32(functions + (size_t)ordinal * 4), name);
	}
}

static void take_parts(struct pe_names *n)
{
	const unsigned char *entry;
	uint32_t rva, bytes;
	size_t left;

	pe_file_directory(n->file, PE_EXCEPTIONS, &rva, &bytes);
	entry = pe_file_at(n->file, rva, &left);
	left = (left < bytes ? left : bytes) / ENTRY_BYTES;
	if (!left)
		return;
	n->part = memory_new(left, sizeof(*n->part));
	for (; left; left--, entry += ENTRY_BYTES) {
		struct part part = { pe_read_32(entry), pe_read_32(entry + 4),
				     pe_read_32(entry + 8) };

		if (part.start < part.end)
			n->part[n->parts++] = part;
	}
	if (n->parts)
		qsort(n->part, n->parts, sizeof(*n->part), compare_parts);
}

static void sort_names(struct names *n)
{
	if (n->count)
		qsort(n->name, n->count, sizeof(*n->name), compare_names);
}

struct pe_names *pe_names_new(const struct pe_file *f)
{
	struct pe_names *n = memory_new(1, sizeof(*n));

	n->file = f;
	take_symbols(n);
	take_exports(n);
	take_parts(n);
	sort_names(&n->functions);
	sort_names(&n->data);
	return n;
}

static void release_names(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->name[i].copy);
	free(n->name);
}

void pe_names_free(struct pe_names *n)
{
	if (!n)
		return;
	release_names(&n->functions);
	release_names(&n->data);
	free(n->part);
	free(n);
}

/* Returns the last name that starts at or before an RVA, or NULL. */
static const struct name *find_name(const struct names *n, uint64_t rva)
{
	size_t below = search_starts(n->name, n->count, sizeof(*n->name), rva);

	return below ? &n->name[below - 1] : NULL;
}

/* Returns the last part that starts at or before an RVA, or NULL. */
static const struct part *find_part(const struct pe_names *n, uint64_t rva)
{
	size_t below = search_starts(n->part, n->parts, sizeof(*n->part), rva);

	return below ? &n->part[below - 1] : NULL;
}

/* Returns where the function begins that a part belongs to: its unwind information leads there. */
static uint64_t find_begin(const struct pe_names *n, const struct part *part)
{
	uint32_t begin = (uint32_t)part->start, unwind = part->unwind;

	for (unsigned i = 0; i < CHAIN_MOST; i++) {
		size_t left, at = 0;
		const unsigned char *info = pe_file_at(n->file, unwind & ~1u, &left);

		/* An odd number leads to another entry instead. */
		if (!(unwind & 1)) {
			if (left < 4 || !(info[0] >> 3 & UNWIND_CHAINED))
				break;
			at = 4 + (info[2] + 1u) / 2 * 4;
		}
		if (left < ENTRY_BYTES || at > left - ENTRY_BYTES)
			break;
		begin = pe_read_32(info + at);
		unwind = pe_read_32(info + at + 8);
	}
	return begin;
}

const char *pe_names_function(const struct pe_names *n, uint64_t rva)
{
	const struct part *part = find_part(n, rva);
	const struct name *name = find_name(&n->functions, rva);
	struct pe_section section;
	uint64_t begin;

	if (part && rva < part->end) {
		if (name && name->start >= part->start)
			return name->text;
		begin = find_begin(n, part);
		name = find_name(&n->functions, begin);
		return name && name->start == begin ? name->text : NULL;
	}
	/* A function without unwind information calls none, and is short; another one has ended before. */
	if (!name || (part && name->start < part->end) || rva - name->start >= LEAF_MOST ||
	    find_section(n->file, rva, &section) != name->section)
		return NULL;
	return name->text;
}

const char *pe_names_data(const struct pe_names *n, uint64_t rva, uint64_t *from)
{
	const struct name *name = find_name(&n->data, rva);
	struct pe_section section;

	if (!name || find_section(n->file, rva, &section) != name->section)
		return NULL;
	*from = rva - name->start;
	return name->text;
}
