/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/parents.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"

#define NESTING_MOST 64 /* of namespaces, classes and functions in each other */
#define QUALIFIED_MOST 4096u
#define NONE UINT32_MAX

/* A function, class or namespace of a unit. Entries are in the order of the file. */
struct entry {
	Dwarf_Die die;
	uint32_t parent; /* an entry of the same unit, or NONE */
};

/* An entry is known by its address in libdw's memory, in whatever file it is. */
struct unit {
	void *address;
	struct entry *entry;
	size_t entries, room;
	UT_hash_handle hh;
};

struct name {
	void *address;
	char *text; /* NULL: it has none */
	UT_hash_handle hh;
};

struct parents {
	struct unit *units;
	struct name *names;
};

struct parents *parents_new(void)
{
	return memory_new(1, sizeof(struct parents));
}

static void free_unit(struct unit *unit)
{
	free(unit->entry);
	free(unit);
}

static void free_name(struct name *name)
{
	free(name->text);
	free(name);
}

void parents_free(struct parents *p)
{
	if (!p)
		return;
	map_release(p->units, free_unit);
	map_release(p->names, free_name);
	free(p);
}

/* In a damaged file, the next entry may be an earlier one. */
static bool is_ahead(const Dwarf_Die *die, const char **reached)
{
	const char *address = die->addr;

	if (*reached && address <= *reached)
		return false;
	*reached = address;
	return true;
}

static void walk_unit(struct unit *unit, Dwarf_Die *die, uint32_t parent, unsigned nesting,
		      const char **reached)
{
	Dwarf_Die child;

	if (nesting == NESTING_MOST || dwarf_child(die, &child) != 0 || !is_ahead(&child, reached))
		return;
	do {
		uint32_t within = parent;

		switch (dwarf_tag(&child)) {
		case DW_TAG_namespace:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
		case DW_TAG_union_type:
		case DW_TAG_interface_type:
		case DW_TAG_module:
		case DW_TAG_subprogram:
			memory_room(unit->entry, unit->entries, unit->room);
			within = (uint32_t)unit->entries;
			unit->entry[unit->entries++] = (struct entry){ child, parent };
			break;
		case DW_TAG_lexical_block:
			break;
		default:
			continue;
		}
		walk_unit(unit, &child, within, nesting + 1, reached);
	} while (dwarf_siblingof(&child, &child) == 0 && is_ahead(&child, reached));
}

static const struct unit *find_unit(struct parents *p, Dwarf_Die *die)
{
	const char *reached = NULL;
	struct unit *unit;
	Dwarf_Die top;

	if (!dwarf_diecu(die, &top, NULL, NULL))
		return NULL;
	HASH_FIND_PTR(p->units, &top.addr, unit);
	if (unit)
		return unit;
	unit = memory_new(1, sizeof(*unit));
	unit->address = top.addr;
	walk_unit(unit, &top, NONE, 0, &reached);
	HASH_ADD_PTR(p->units, address, unit);
	return unit;
}

static const struct entry *find_entry(const struct unit *unit, const void *address)
{
	size_t low = 0, high = unit->entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if ((const char *)unit->entry[middle].die.addr < (const char *)address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < unit->entries && unit->entry[low].die.addr == address ? &unit->entry[low]
									   : NULL;
}

/* From code to the function that was compiled or inlined, and to its declaration in a class. */
static Dwarf_Die find_declaration(Dwarf_Die die)
{
	static const unsigned ways[] = { DW_AT_abstract_origin, DW_AT_specification };

	for (unsigned i = 0; i < 2; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;

		if (dwarf_formref_die(dwarf_attr(&die, ways[i], &attribute), &next))
			die = next;
	}
	return die;
}

/* As the demangler calls those that have no name. `member` is within `die`. */
static const char *name_parent(Dwarf_Die *die, Dwarf_Die *member)
{
	const char *name = dwarf_diename(die), *within = dwarf_diename(member);

	if (name)
		return name;
	if (dwarf_tag(die) == DW_TAG_namespace)
		return "(anonymous namespace)";
	return within && strcmp(within, "operator()") == 0 ? "{lambda}" : "{unnamed}";
}

/* Appends what is around a declaration, each with "::" behind it, the outermost first. */
static void write_parents(struct parents *p, struct buffer *b, Dwarf_Die die, unsigned nesting)
{
	Dwarf_Die declaration = find_declaration(die), parent;
	const struct unit *unit = find_unit(p, &declaration);
	const struct entry *entry = unit ? find_entry(unit, declaration.addr) : NULL;

	if (!entry || entry->parent == NONE || nesting == NESTING_MOST || b->used > QUALIFIED_MOST)
		return;
	parent = unit->entry[entry->parent].die;
	write_parents(p, b, parent, nesting + 1);
	buffer_text(b, name_parent(&parent, &declaration));
	buffer_text(b, "::");
}

const char *parents_qualify(struct parents *p, Dwarf_Die *function)
{
	Dwarf_Die declaration = find_declaration(*function);
	const char *last = dwarf_diename(function);
	struct buffer text = { 0 };
	struct name *name;

	HASH_FIND_PTR(p->names, &declaration.addr, name);
	if (name)
		return name->text;
	name = memory_new(1, sizeof(*name));
	name->address = declaration.addr;
	if (last) {
		write_parents(p, &text, declaration, 0);
		buffer_text(&text, last);
		name->text = buffer_take(&text);
	}
	HASH_ADD_PTR(p->names, address, name);
	return name->text;
}
