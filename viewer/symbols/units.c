/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/units.h"

#include <dwarf.h>
#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/search.h"
#include "viewer/symbols/parents.h"
#include "viewer/symbols/split.h"

#define NESTING_MOST 512 /* of scopes in each other: no compiler makes more */
#define NONE UINT32_MAX
#define NAMES 64

/* Scopes beside each other: those inside of them are no part of it. */
struct level {
	uint32_t first, count; /* of their code, in unit.code */
};

/* A function, or a call inlined into another scope. */
struct scope {
	Dwarf_Die die;
	uint32_t outer; /* the scope that it is inlined into; NONE: a function */
	bool is_collected;
	struct level calls; /* inlined into it, once they are collected */
};

/* The code of a scope, or one part of it. */
struct code {
	Dwarf_Addr start, end;
	uint32_t scope;
	uint32_t around; /* the code of the same level that holds this one, or NONE */
};

struct unit {
	Dwarf_Die die; /* of the functions; split debug information has them in a file of its own */
	Dwarf_Die lines;     /* the same unit in the binary, which has the lines */
	struct split *split; /* that `die` is in; NULL: libdw has found it */
	const char *folder;  /* in which it was compiled; NULL: unknown */
	bool has_functions, has_nested_functions;
	Dwarf_Off reached; /* by the walk that is collecting */
	struct level functions;
	struct scope *scope;
	size_t scopes, scope_room;
	struct code *code; /* in each level by start, the longer one first */
	size_t codes, code_room;
};

/* Code of a unit. */
struct range {
	Dwarf_Addr start, end;
	uint32_t unit;
};

/* The names of a function, by its address in libdw's memory. */
struct names {
	const void *address; /* NULL: none */
	const struct unit *unit;
	const char *function, *linkage_name;
};

struct units {
	struct unit *unit;
	size_t count, room;
	struct range *range; /* by start */
	size_t ranges, range_room;
	struct names names[NAMES]; /* those that were asked for last */
	struct parents *parents;
	const char *path;
	char *gap; /* of the first unit whose split debug information is missing; NULL: there is none */
};

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->unit < b->unit ? -1 : a->unit > b->unit;
}

static void add_unit(struct units *u, Dwarf_Die die)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t next = 0;

	memory_room(u->unit, u->count, u->room);
	u->unit[u->count] = (struct unit){ .die = die, .lines = die };
	while ((next = dwarf_ranges(&die, next, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		memory_room(u->range, u->ranges, u->range_room);
		u->range[u->ranges++] = (struct range){ start, end, (uint32_t)u->count };
	}
	u->count++;
}

struct units *units_new(Dwarf *dwarf, const char *path)
{
	struct units *u = memory_new(1, sizeof(*u));
	Dwarf_Off offset = 0, next;
	size_t header;

	while (dwarf_nextcu(dwarf, offset, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die die;

		if (dwarf_offdie(dwarf, offset + header, &die))
			add_unit(u, die);
		offset = next;
	}
	u->parents = parents_new();
	u->path = path;
	if (u->ranges)
		qsort(u->range, u->ranges, sizeof(*u->range), compare_ranges);
	return u;
}

void units_free(struct units *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->count; i++) {
		free(u->unit[i].scope);
		free(u->unit[i].code);
		split_close(u->unit[i].split);
	}
	parents_free(u->parents);
	free(u->gap);
	free(u->unit);
	free(u->range);
	free(u);
}

/* Adds a scope, unless it has no code: a declaration, or a function that is only inlined. */
static void add_scope(struct unit *unit, Dwarf_Die *die, uint32_t outer)
{
	Dwarf_Addr base, start, end;
	size_t before = unit->codes;
	ptrdiff_t next = 0;

	while ((next = dwarf_ranges(die, next, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		memory_room(unit->code, unit->codes, unit->code_room);
		unit->code[unit->codes++] =
			(struct code){ start, end, (uint32_t)unit->scopes, NONE };
	}
	if (unit->codes == before)
		return;
	memory_room(unit->scope, unit->scopes, unit->scope_room);
	unit->scope[unit->scopes++] = (struct scope){ .die = *die, .outer = outer };
}

/*
 * Is this entry behind all that the walk has reached? In a damaged file the next entry may be an
 * earlier one, and each level of such entries would double the work.
 */
static bool is_ahead(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Off offset = dwarf_dieoffset(die);

	if (offset <= unit->reached)
		return false;
	unit->reached = offset;
	return true;
}

static bool can_hold_functions(int tag, bool is_nested)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_module:
		return true;
	case DW_TAG_subprogram:
	case DW_TAG_inlined_subroutine:
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return is_nested;
	default:
		return false;
	}
}

/* Adds the functions below `die`; those inside of other functions only if `is_nested`. */
static void walk_functions(struct unit *unit, Dwarf_Die *die, bool is_nested, unsigned nesting)
{
	Dwarf_Die child;

	if (nesting == NESTING_MOST || dwarf_child(die, &child) != 0 || !is_ahead(unit, &child))
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_subprogram)
			add_scope(unit, &child, NONE);
		if (can_hold_functions(tag, is_nested))
			walk_functions(unit, &child, is_nested, nesting + 1);
	} while (dwarf_siblingof(&child, &child) == 0 && is_ahead(unit, &child));
}

/* Adds the calls inlined into the scope `outer`, below `die`: the scope, or a block in it. */
static void walk_calls(struct unit *unit, Dwarf_Die *die, uint32_t outer, unsigned nesting)
{
	Dwarf_Die child;

	if (nesting == NESTING_MOST || dwarf_child(die, &child) != 0 || !is_ahead(unit, &child))
		return;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_inlined_subroutine:
			add_scope(unit, &child, outer);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			walk_calls(unit, &child, outer, nesting + 1);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0 && is_ahead(unit, &child));
}

/* Of two equal ranges, the one that was found first is the outer one. */
static int compare_codes(const void *left, const void *right)
{
	const struct code *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return a->scope < b->scope ? -1 : a->scope > b->scope;
}

/* Makes a level of all code that was added from index `first` on. */
static struct level make_level(struct unit *unit, size_t first)
{
	struct level level = { (uint32_t)first, (uint32_t)(unit->codes - first) };
	uint32_t open = NONE;

	if (level.count)
		qsort(unit->code + first, level.count, sizeof(*unit->code), compare_codes);
	for (size_t i = first; i < unit->codes; i++) {
		while (open != NONE && unit->code[open].end <= unit->code[i].start)
			open = unit->code[open].around;
		unit->code[i].around = open;
		open = (uint32_t)i;
	}
	return level;
}

static void collect_functions(struct unit *unit, bool is_nested)
{
	size_t first = unit->codes;

	unit->reached = 0;
	walk_functions(unit, &unit->die, is_nested, 0);
	unit->functions = make_level(unit, first);
}

static void collect_calls(struct unit *unit, uint32_t scope)
{
	size_t first = unit->codes;
	Dwarf_Die die = unit->scope[scope].die;

	unit->reached = 0;
	walk_calls(unit, &die, scope, 0);
	unit->scope[scope].calls = make_level(unit, first);
	unit->scope[scope].is_collected = true;
}

/* Goes from what the binary has of a unit to its split debug information, if that is to be found. */
static void find_split_unit(struct units *u, struct unit *unit)
{
	Dwarf_Die split = { 0 };
	struct buffer gap = { 0 };
	uint8_t type;

	if (dwarf_cu_info(unit->lines.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) != 0 ||
	    type != DW_UT_skeleton)
		return;
	if (!split.addr)
		unit->split = split_open(&unit->lines, u->path, &gap);
	if (gap.used && !u->gap)
		u->gap = buffer_take(&gap);
	buffer_release(&gap);
	if (split.addr || unit->split)
		unit->die = split.addr ? split : split_unit(unit->split);
}

static struct unit *find_unit(struct units *u, Dwarf_Addr address)
{
	size_t below = search_starts(u->range, u->ranges, sizeof(*u->range), address);
	struct unit *unit;

	if (below == 0 || u->range[below - 1].end <= address)
		return NULL;
	unit = &u->unit[u->range[below - 1].unit];
	if (!unit->has_functions) {
		unit->has_functions = true;
		unit->folder = dwarf_formstring(
			dwarf_attr(&unit->lines, DW_AT_comp_dir, &(Dwarf_Attribute){ 0 }));
		find_split_unit(u, unit);
		collect_functions(unit, false);
	}
	return unit;
}

/* Returns the innermost scope of a level that holds the address, or NONE. */
static uint32_t find_in_level(const struct unit *unit, struct level level, Dwarf_Addr address)
{
	size_t below =
		search_starts(unit->code + level.first, level.count, sizeof(*unit->code), address);
	uint32_t code = below ? level.first + (uint32_t)below - 1 : NONE;

	while (code != NONE && unit->code[code].end <= address)
		code = unit->code[code].around;
	return code == NONE ? NONE : unit->code[code].scope;
}

/* Returns the innermost scope that holds the address, or NONE. */
static uint32_t find_scope(struct unit *unit, Dwarf_Addr address)
{
	uint32_t next = find_in_level(unit, unit->functions, address), scope = NONE;

	/* It takes a walk through the whole unit, so it is done only when a function is missing. */
	if (next == NONE && !unit->has_nested_functions) {
		unit->has_nested_functions = true;
		collect_functions(unit, true);
		next = find_in_level(unit, unit->functions, address);
	}
	for (unsigned nesting = 0; next != NONE && nesting < NESTING_MOST; nesting++) {
		scope = next;
		if (!unit->scope[scope].is_collected)
			collect_calls(unit, scope);
		next = find_in_level(unit, unit->scope[scope].calls, address);
	}
	return scope;
}

/* Compilers of some languages give a function a symbol that is not its name. */
static bool is_mangling(const struct unit *unit)
{
	Dwarf_Die die = unit->die;

	switch (dwarf_srclang(&die)) {
	case -1: /* not said */
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler:
		return false;
	default:
		return true;
	}
}

static void read_names(struct units *u, const struct unit *unit, Dwarf_Die *die, struct names *names)
{
	Dwarf_Attribute memory, *linkage;

	linkage = dwarf_attr_integrate(die, DW_AT_linkage_name, &memory);
	if (!linkage)
		linkage = dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &memory);
	names->linkage_name = linkage ? dwarf_formstring(linkage) : NULL;
	names->function = names->linkage_name;
	if (names->function)
		return;
	if (is_mangling(unit))
		names->function = parents_qualify(u->parents, die);
	else
		names->linkage_name = names->function = dwarf_diename(die);
}

/* A call that is inlined has the names of the function that it calls, unless it has its own. */
static Dwarf_Die find_origin(Dwarf_Die die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die origin;

	if (dwarf_tag(&die) != DW_TAG_inlined_subroutine || dwarf_hasattr(&die, DW_AT_linkage_name) ||
	    dwarf_hasattr(&die, DW_AT_MIPS_linkage_name) || dwarf_hasattr(&die, DW_AT_name) ||
	    !dwarf_formref_die(dwarf_attr(&die, DW_AT_abstract_origin, &attribute), &origin))
		return die;
	return origin;
}

/* Calls of one function lie near each other. */
static void set_names(struct units *u, const struct unit *unit, const Dwarf_Die *die,
		      struct place *place)
{
	Dwarf_Die origin = find_origin(*die);
	struct names *names = &u->names[(uintptr_t)origin.addr % NAMES];

	if (names->address != origin.addr || names->unit != unit) {
		read_names(u, unit, &origin, names);
		names->address = origin.addr;
		names->unit = unit;
	}
	place->function = names->function;
	place->linkage_name = names->linkage_name;
}

/* Sets file and line to where an inlined function was called. */
static void set_call_site(const struct unit *unit, Dwarf_Die *die, struct place *place)
{
	Dwarf_Die split = unit->die, binary = unit->lines;
	Dwarf_Attribute memory;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &memory), &line) == 0)
		place->line = (uint32_t)line;
	/* A split unit has its own list of files, or that of the binary. */
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &memory), &file) == 0 &&
	    (dwarf_getsrcfiles(&split, &files, &count) == 0 ||
	     dwarf_getsrcfiles(&binary, &files, &count) == 0) &&
	    file < count)
		place->file = dwarf_filesrc(files, file, NULL, NULL);
}

/* Sets file and line to those of the address. */
static void set_line(const struct unit *unit, Dwarf_Addr address, struct place *place)
{
	Dwarf_Die unit_die = unit->lines;
	Dwarf_Line *line = dwarf_getsrc_die(&unit_die, address);
	int number;

	if (!line)
		return;
	place->file = dwarf_linesrc(line, NULL, NULL);
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		place->line = (uint32_t)number;
}

unsigned units_find(struct units *u, Dwarf_Addr address, struct place *places, unsigned room)
{
	struct unit *unit = find_unit(u, address);
	struct place place = { 0 };
	unsigned count = 0;
	uint32_t scope;

	if (!unit)
		return 0;
	place.folder = unit->folder;
	set_line(unit, address, &place);
	scope = find_scope(unit, address);
	while (scope != NONE && count + 1 < room) {
		Dwarf_Die die = unit->scope[scope].die;

		set_names(u, unit, &die, &place);
		place.is_inlined = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
		places[count++] = place;
		if (!place.is_inlined)
			return count;
		place = (struct place){ .folder = unit->folder };
		set_call_site(unit, &die, &place);
		scope = unit->scope[scope].outer;
	}
	places[count++] = place;
	return count;
}

const char *units_gap(const struct units *u)
{
	return u->gap;
}
