/* SPDX-License-Identifier: MIT */
#include "viewer/page/sections.h"

#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/model/model.h"
#include "viewer/page/html.h"
#include "viewer/profile/numbers.h"
#include "viewer/symbols/symbols.h"

enum { SECTIONS_MOST = 500, BLOCKS_MOST = 20000 };

struct section {
	struct model_entry entry;
	uint64_t blocks, bytes;
};

struct list {
	struct section *section;
	size_t sections, room;
	uint64_t left_out; /* sections */
	struct numbers handles;
	/* What find_holder() has found last. */
	const struct trace_entry *asked;
	struct section *holder;
};

/* Returns the section that holds a block, or NULL. */
static struct section *find_holder(struct list *l, const struct model_entry *block)
{
	uint32_t number;
	bool is_new;

	if (!block->section || block->state != TRACE_ENTRY_BLOCK)
		return NULL;
	if (block->section == l->asked)
		return l->holder;
	number = numbers_give(&l->handles, &block->section->address,
			      sizeof(block->section->address), &is_new);
	l->asked = block->section;
	return l->holder = number <= l->sections ? &l->section[number - 1] : NULL;
}

static void collect(struct list *l, const struct model *model, size_t most)
{
	struct reader_cursor c = { 0 }, again = { 0 };
	struct model_entry entry;
	struct section *holder;
	bool is_new;

	while (model_next_entry(model, &c, &entry)) {
		if (entry.state != TRACE_ENTRY_SECTION)
			continue;
		if (l->sections >= most) {
			l->left_out++;
			continue;
		}
		numbers_give(&l->handles, &entry.address, sizeof(entry.address), &is_new);
		if (!is_new)
			continue;
		memory_room(l->section, l->sections, l->room);
		l->section[l->sections++] = (struct section){ .entry = entry };
	}
	while (model_next_entry(model, &again, &entry)) {
		holder = find_holder(l, &entry);
		if (!holder)
			continue;
		holder->blocks++;
		sum_add(&holder->bytes, entry.size);
	}
}

static void release(struct list *l)
{
	free(l->section);
	numbers_release(&l->handles);
}

/* Returns the innermost function of the package, or what is known; as plain text, to be freed. */
static char *name_place(const struct model *model, const struct model_entry *entry,
			struct symbols *symbols)
{
	const struct model_stack *stack;
	const struct model_frame *frame;
	const struct symbol *symbol;
	struct model_stack room;
	struct buffer b = { 0 };

	stack = model_stack(model, entry->stack, &room);
	frame = model_own_frame(model, entry->package, stack);
	symbol = frame ? symbols_find(symbols, frame->module, frame->offset) : NULL;
	if (symbol && symbol->function) {
		buffer_plain(&b, symbol->function);
	} else if (frame) {
		buffer_plain(&b, frame->module ? frame->module->base : "?");
		buffer_text(&b, "+");
		buffer_hex(&b, frame->offset);
	} else {
		buffer_text(&b, "(no backtrace)");
	}
	return buffer_take(&b);
}

uint64_t sections_write_rows(struct buffer *b, const struct model *model, struct symbols *symbols,
			     size_t *room)
{
	struct list l = { 0 };

	collect(&l, model, *room < SECTIONS_MOST ? *room : SECTIONS_MOST);
	*room -= l.sections;
	for (size_t i = 0; i < l.sections; i++) {
		const struct section *s = &l.section[i];
		char *place = name_place(model, &s->entry, symbols);

		buffer_text(b, "<tr><td>");
		buffer_hex(b, s->entry.address);
		buffer_text(b, "<td>");
		html_package(b, model, s->entry.package);
		buffer_text(b, "<td>");
		html_text(b, place);
		buffer_text(b, "<td class=n>");
		buffer_decimal(b, s->blocks);
		buffer_text(b, "<td class=n>");
		buffer_decimal(b, s->bytes);
		buffer_text(b, "<td class=n>");
		buffer_decimal(b, s->entry.size);
		buffer_text(b, "\n");
		free(place);
	}
	release(&l);
	return l.left_out;
}

/* [section, offset or -1, size, number of the function, its name if it is new] */
static void write_block(struct json *j, const struct list *l, const struct section *holder,
			const struct model_entry *block, struct numbers *names, const char *name)
{
	uint64_t start = holder->entry.address;
	bool is_inside = block->address >= start && block->address - start < holder->entry.size;
	struct buffer text = { 0 };
	bool is_new;
	uint32_t number;

	buffer_text(&text, name);
	number = numbers_give(names, text.data, text.used, &is_new);
	json_open_array(j, NULL);
	json_write_number(j, NULL, (uint64_t)(holder - l->section));
	json_write_integer(j, NULL, is_inside ? (int64_t)(block->address - start) : -1);
	json_write_number(j, NULL, block->size);
	json_write_number(j, NULL, number - 1);
	if (is_new)
		json_write_text(j, NULL, name);
	json_close_array(j);
	buffer_release(&text);
}

void sections_write_blocks(struct json *j, const struct model *model, struct symbols *symbols)
{
	struct list l = { 0 };
	struct reader_cursor c = { 0 };
	struct numbers names = { 0 };
	struct model_entry entry;
	uint64_t blocks = 0, held = 0;

	collect(&l, model, SECTIONS_MOST);
	json_open_object(j, NULL);
	json_open_array(j, "sections");
	for (size_t i = 0; i < l.sections; i++) {
		json_open_array(j, NULL);
		json_write_address(j, NULL, l.section[i].entry.address);
		json_write_number(j, NULL, l.section[i].entry.size);
		json_write_number(j, NULL, l.section[i].bytes);
		json_write_number(j, NULL, l.section[i].blocks);
		json_close_array(j);
		held += l.section[i].blocks;
	}
	json_close_array(j);
	json_open_array(j, "blocks");
	while (blocks < held && blocks < BLOCKS_MOST && model_next_entry(model, &c, &entry)) {
		struct section *holder = find_holder(&l, &entry);
		char *name;

		if (!holder)
			continue;
		name = name_place(model, &entry, symbols);
		write_block(j, &l, holder, &entry, &names, name);
		free(name);
		blocks++;
	}
	json_close_array(j);
	json_write_number(j, "left_out_sections", l.left_out);
	json_write_number(j, "left_out_blocks", held - blocks);
	json_close_object(j);
	numbers_release(&names);
	release(&l);
}
