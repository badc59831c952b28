/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/debuginfo.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/memory.h"

#define NESTING_MOST 512 /* of scopes in each other; a file that has more is no compiler's work */
#define NONE UINT32_MAX

/* Scopes beside each other: those in them are no part of it. */
struct level {
	uint32_t first, count; /* of their code, in unit.code */
};

/* A function, or a call inlined into another scope. */
struct scope {
	Dwarf_Die die;
	uint32_t outer; /* the scope that it is inlined into; NONE: a function */
	bool collected;
	struct level calls; /* inlined into it, once they are collected */
};

/* Code of a scope: a part of it, where it has several. */
struct code {
	Dwarf_Addr start, end;
	uint32_t scope;
	uint32_t around; /* index of the code of the same level that holds this one, or NONE */
};

/* One compilation unit; its functions are collected when the first address in it is asked for, and
 * what is inlined into a scope when the first address in that is. */
struct unit {
	Dwarf_Die die;
	const char *folder; /* in which it was compiled; NULL: unknown */
	bool collected, collected_nested;
	Dwarf_Off reached; /* by the walk that collects them */
	struct level functions;
	struct scope *scope;
	size_t scopes, scope_room;
	struct code *code; /* each level by start, the longer first: what holds others comes before them */
	size_t codes, code_room;
};

/* Code of a unit. */
struct range {
	Dwarf_Addr start, end;
	uint32_t unit;
};

struct function {
	GElf_Addr start;
	GElf_Xword size;
	const char *name;
};

struct debuginfo {
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf_Addr bias; /* of addresses in the debug information */
	struct unit *unit;
	size_t units, unit_room;
	struct range *range; /* by start */
	size_t ranges, range_room;
	struct function *function; /* of the ELF symbol tables, by start */
	size_t functions, function_room;
};

static char *no_debuginfo_path;

static const Dwfl_Callbacks callbacks = {
	.find_elf = dwfl_build_id_find_elf,
	.find_debuginfo = dwfl_standard_find_debuginfo,
	.section_address = dwfl_offline_section_address,
	.debuginfo_path = &no_debuginfo_path, /* NULL: the standard places */
};

static int open_regular(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_same_build(Dwfl_Module *module, const uint8_t *build_id, uint32_t build_id_bytes)
{
	const unsigned char *bits;
	GElf_Addr place;
	int length;

	if (build_id_bytes == 0)
		return true;
	length = dwfl_module_build_id(module, &bits, &place);
	/* The trace has room for 32 bytes of it. */
	return length > 0 && (uint32_t)length >= build_id_bytes &&
	       ((uint32_t)length == build_id_bytes || build_id_bytes == 32) &&
	       memcmp(bits, build_id, build_id_bytes) == 0;
}

static bool report(struct debuginfo *d, const char *path)
{
	int fd = open_regular(path);
	GElf_Addr bias;

	if (fd < 0)
		return false;
	d->dwfl = dwfl_begin(&callbacks);
	if (!d->dwfl) {
		close(fd);
		return false;
	}
	/*
	 * At base 0 with p_vaddr added, an address is what the file says. The fd is libdwfl's then.
	 */
	d->module = dwfl_report_elf(d->dwfl, path, path, fd, 0, true);
	if (!d->module) {
		close(fd);
		return false;
	}
	return dwfl_report_end(d->dwfl, NULL, NULL) == 0 &&
	       dwfl_module_getelf(d->module, &bias) != NULL;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->unit < b->unit ? -1 : a->unit > b->unit;
}

static void add_unit(struct debuginfo *d, Dwarf_Die die)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t next = 0;

	memory_room(d->unit, d->units, d->unit_room);
	d->unit[d->units] = (struct unit){ .die = die };
	while ((next = dwarf_ranges(&die, next, &base, &start, &end)) > 0) {
		if (start >= end)
			continue;
		memory_room(d->range, d->ranges, d->range_room);
		d->range[d->ranges++] = (struct range){ start, end, (uint32_t)d->units };
	}
	d->units++;
}

static void list_units(struct debuginfo *d)
{
	Dwarf *dwarf = dwfl_module_getdwarf(d->module, &d->bias);
	Dwarf_Off offset = 0, next;
	size_t header;

	if (!dwarf)
		return;
	while (dwarf_nextcu(dwarf, offset, &next, &header, NULL, NULL, NULL) == 0) {
		Dwarf_Die die;

		if (dwarf_offdie(dwarf, offset + header, &die))
			add_unit(d, die);
		offset = next;
	}
	if (d->ranges)
		qsort(d->range, d->ranges, sizeof(*d->range), compare_ranges);
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	/* Of several names for one place: the one with a size, then any, but always the same. */
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return -strcmp(a->name, b->name);
}

static void list_functions(struct debuginfo *d)
{
	int symbols = dwfl_module_getsymtab(d->module);

	for (int i = 1; i < symbols; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *name =
			dwfl_module_getsym_info(d->module, i, &symbol, &address, NULL, NULL, NULL);
		int type = GELF_ST_TYPE(symbol.st_info);

		if (!name || !*name || symbol.st_shndx == SHN_UNDEF ||
		    (type != STT_FUNC && type != STT_GNU_IFUNC))
			continue;
		memory_room(d->function, d->functions, d->function_room);
		d->function[d->functions++] = (struct function){ address, symbol.st_size, name };
	}
	if (d->functions)
		qsort(d->function, d->functions, sizeof(*d->function), compare_functions);
}

struct debuginfo *debuginfo_open(const char *path, const uint8_t *build_id, uint32_t build_id_bytes,
				 bool *changed)
{
	struct debuginfo *d = memory_new(1, sizeof(*d));

	*changed = false;
	if (!report(d, path)) {
		debuginfo_close(d);
		return NULL;
	}
	if (!is_same_build(d->module, build_id, build_id_bytes)) {
		*changed = true;
		debuginfo_close(d);
		return NULL;
	}
	list_units(d);
	list_functions(d);
	return d;
}

static void release_unit(struct unit *unit)
{
	free(unit->scope);
	free(unit->code);
}

void debuginfo_close(struct debuginfo *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->units; i++)
		release_unit(&d->unit[i]);
	free(d->unit);
	free(d->range);
	free(d->function);
	if (d->dwfl)
		dwfl_end(d->dwfl);
	free(d);
}

/* Unless it has no code: a declaration, or what is only inlined. */
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

/* What a broken file says is the next entry may be one that the walk has been at. Each level of
 * such entries would double the work. */
static bool is_ahead(struct unit *unit, Dwarf_Die *die)
{
	Dwarf_Off offset = dwarf_dieoffset(die);

	if (offset <= unit->reached)
		return false;
	unit->reached = offset;
	return true;
}

static bool holds_functions(int tag, bool nested)
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
		return nested;
	default:
		return false;
	}
}

/* Functions below `die`; those in other functions only if `nested`. */
static void collect_functions(struct unit *unit, Dwarf_Die *die, bool nested, unsigned nesting)
{
	Dwarf_Die child;

	if (nesting == NESTING_MOST || dwarf_child(die, &child) != 0 || !is_ahead(unit, &child))
		return;
	do {
		int tag = dwarf_tag(&child);

		if (tag == DW_TAG_subprogram)
			add_scope(unit, &child, NONE);
		if (holds_functions(tag, nested))
			collect_functions(unit, &child, nested, nesting + 1);
	} while (dwarf_siblingof(&child, &child) == 0 && is_ahead(unit, &child));
}

/* Calls inlined into the scope `outer`, which are below `die`: it, or a block in it. */
static void collect_calls(struct unit *unit, Dwarf_Die *die, uint32_t outer, unsigned nesting)
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
			collect_calls(unit, &child, outer, nesting + 1);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&child, &child) == 0 && is_ahead(unit, &child));
}

/* Of two ranges that are the same, the one that was found first is the outer one. */
static int compare_codes(const void *left, const void *right)
{
	const struct code *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->end != b->end)
		return a->end > b->end ? -1 : 1;
	return a->scope < b->scope ? -1 : a->scope > b->scope;
}

/* All code that was added from `first` on, made a level. */
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

static struct level functions_of(struct unit *unit, bool nested)
{
	size_t first = unit->codes;

	unit->reached = 0;
	collect_functions(unit, &unit->die, nested, 0);
	return make_level(unit, first);
}

static struct level calls_of(struct unit *unit, uint32_t scope)
{
	size_t first = unit->codes;
	Dwarf_Die die = unit->scope[scope].die;

	if (!unit->scope[scope].collected) {
		unit->reached = 0;
		collect_calls(unit, &die, scope, 0);
		unit->scope[scope].calls = make_level(unit, first);
		unit->scope[scope].collected = true;
	}
	return unit->scope[scope].calls;
}

static struct unit *find_unit(struct debuginfo *d, Dwarf_Addr address)
{
	size_t low = 0, high = d->ranges;
	struct unit *unit;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->range[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || d->range[low - 1].end <= address)
		return NULL;
	unit = &d->unit[d->range[low - 1].unit];
	if (!unit->collected) {
		unit->collected = true;
		unit->folder = dwarf_formstring(
			dwarf_attr(&unit->die, DW_AT_comp_dir, &(Dwarf_Attribute){ 0 }));
		unit->functions = functions_of(unit, false);
	}
	return unit;
}

static uint32_t scope_at(const struct unit *unit, struct level level, Dwarf_Addr address)
{
	size_t low = level.first, high = low + level.count;
	uint32_t code;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (unit->code[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	code = low > level.first ? (uint32_t)(low - 1) : NONE;
	while (code != NONE && unit->code[code].end <= address)
		code = unit->code[code].around;
	return code == NONE ? NONE : unit->code[code].scope;
}

static uint32_t function_at(struct unit *unit, Dwarf_Addr address)
{
	uint32_t function = scope_at(unit, unit->functions, address);

	/* To find functions in functions, such as lambda expressions, takes a walk through all there
	 * is in the unit. So that is done when one is missed. */
	if (function != NONE || unit->collected_nested)
		return function;
	unit->collected_nested = true;
	unit->functions = functions_of(unit, true);
	return scope_at(unit, unit->functions, address);
}

static uint32_t innermost(struct unit *unit, Dwarf_Addr address)
{
	uint32_t next = function_at(unit, address), scope = NONE;

	for (unsigned nesting = 0; next != NONE && nesting < NESTING_MOST; nesting++) {
		scope = next;
		next = scope_at(unit, calls_of(unit, scope), address);
	}
	return scope;
}

static const char *scope_name(Dwarf_Die *die)
{
	Dwarf_Attribute memory, *linkage;
	const char *name = NULL;

	linkage = dwarf_attr_integrate(die, DW_AT_linkage_name, &memory);
	if (!linkage)
		linkage = dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &memory);
	if (linkage)
		name = dwarf_formstring(linkage);
	return name ? name : dwarf_diename(die);
}

/* Where an inlined function was called. */
static void call_site(const struct unit *unit, Dwarf_Die *die, struct debuginfo_place *place)
{
	Dwarf_Die unit_die = unit->die;
	Dwarf_Attribute memory;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t count;

	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &memory), &line) == 0)
		place->line = (uint32_t)line;
	if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &memory), &file) == 0 &&
	    dwarf_getsrcfiles(&unit_die, &files, &count) == 0 && file < count)
		place->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void line_of(const struct unit *unit, Dwarf_Addr address, struct debuginfo_place *place)
{
	Dwarf_Die unit_die = unit->die;
	Dwarf_Line *line = dwarf_getsrc_die(&unit_die, address);
	int number;

	if (!line)
		return;
	place->file = dwarf_linesrc(line, NULL, NULL);
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		place->line = (uint32_t)number;
}

static unsigned find_in_unit(struct unit *unit, Dwarf_Addr address, struct debuginfo_place *places,
			     unsigned room)
{
	struct debuginfo_place place = { 0 };
	uint32_t scope = innermost(unit, address);
	unsigned count = 0;

	line_of(unit, address, &place);
	while (scope != NONE && count + 1 < room) {
		Dwarf_Die die = unit->scope[scope].die;

		place.folder = unit->folder;
		place.function = scope_name(&die);
		place.is_inlined = dwarf_tag(&die) == DW_TAG_inlined_subroutine;
		places[count++] = place;
		if (!place.is_inlined)
			return count;
		place = (struct debuginfo_place){ 0 };
		call_site(unit, &die, &place);
		scope = unit->scope[scope].outer;
	}
	place.folder = unit->folder;
	places[count++] = place;
	return count;
}

static const char *elf_function(const struct debuginfo *d, uint64_t address)
{
	const struct function *function;
	size_t low = 0, high = d->functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (d->function[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	function = &d->function[low - 1];
	return address - function->start < function->size ? function->name : NULL;
}

unsigned debuginfo_find(struct debuginfo *d, uint64_t address, struct debuginfo_place *places,
			unsigned room)
{
	Dwarf_Addr in_dwarf = address - d->bias;
	struct unit *unit = find_unit(d, in_dwarf);
	unsigned count = 1;

	places[0] = (struct debuginfo_place){ 0 };
	if (unit)
		count = find_in_unit(unit, in_dwarf, places, room);
	if (!places[count - 1].function)
		places[count - 1].function = elf_function(d, address);
	return count;
}
