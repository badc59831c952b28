/* SPDX-License-Identifier: MIT */
#include "viewer/findings/decode.h"

#include "viewer/findings/rows.h"
#include "viewer/model/model.h"
#include "viewer/model/neighbours.h"

static const char *name_maker(const struct model *model, uint8_t handed_out)
{
	return handed_out ? model_function(model, handed_out - 1u)->name : NULL;
}

static void decode_leak(struct finding *finding, const struct model *model,
			const struct model_entry *entry)
{
	struct model_entry section = *entry;

	finding->package = entry->package;
	finding->thread = entry->source->tid;
	finding->handed_out = name_maker(model, entry->handed_out);
	finding->has_address = finding->has_size = true;
	finding->address = entry->address;
	finding->size = entry->size;
	if (entry->section)
		section = model_entry(model, entry->section);
	if (section.state == TRACE_ENTRY_SECTION)
		finding->section =
			(struct finding_section){ .known = true,
						  .handle = section.address,
						  .sizes_known = !section.adopted,
						  .max_size = (uint32_t)section.size,
						  .initial_size = (uint32_t)section.initial_size };
}

static struct finding_section decode_section(const struct trace_section *section, bool known,
					     bool sizes_known)
{
	return (struct finding_section){ .known = known,
					 .handle = section->handle,
					 .sizes_known = known && sizes_known,
					 .max_size = section->max_size,
					 .initial_size = section->initial_size };
}

static void decode_misuse(struct finding *finding, const struct model *model,
			  const struct trace_finding *t)
{
	finding->block_family = t->block_family ? model_family(model, t->block_family) : NULL;
	finding->function = model_function(model, t->function)->name;
	finding->handed_out = name_maker(model, t->handed_out);
	finding->parameter = model_function(model, t->function)->parameter[t->parameter];
	finding->package = t->package;
	finding->thread = t->tid;
	finding->has_address = (t->flags & TRACE_FINDING_HAS_ADDRESS) != 0;
	finding->address = t->address;
	finding->has_size = (t->flags & TRACE_FINDING_HAS_SIZE) != 0;
	finding->size = t->size;
	finding->place = (enum trace_place)t->place;
	finding->place_of = t->place_of;
	finding->block = t->block;
	finding->damage = t->reason == TRACE_REASON_CANARY ? t->damage : 0;
	finding->section = decode_section(&t->section, (t->flags & TRACE_FINDING_HAS_SECTION) != 0,
					  (t->flags & TRACE_FINDING_SECTION_SIZES) != 0);
	finding->owner = decode_section(&t->owner, (t->flags & TRACE_FINDING_HAS_OWNER) != 0,
					(t->flags & TRACE_FINDING_OWNER_SIZES) != 0);
}

void decode_row(struct decoded *d, const struct rows *r, const struct row *row)
{
	const struct model *model = r->model[row->model];
	struct finding *finding = &d->finding;
	struct model_entry entry;
	struct groups_key key = rows_key(r, row, &entry);

	*finding = (struct finding){ .kind = key.kind,
				     .reason = key.reason,
				     .level = rows_level(r, row),
				     .count = row->count,
				     .bytes = row->bytes,
				     .first_ns = row->is_older ? 0 : row->first_ns,
				     .last_ns = row->last_ns,
				     .model = model,
				     .trace = row->model,
				     .family = model_family(model, key.family),
				     .at_unload = row->at_unload,
				     .reach = (enum trace_reach)row->reach,
				     .is_mixed = row->is_mixed };
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		finding->stack[i] = model_stack(model, key.refs[i], &d->stack[i]);
	if (rows_is_leak(row))
		decode_leak(finding, model, &entry);
	else
		decode_misuse(finding, model, row->first);
}

static struct finding_neighbour
decode_neighbour(const struct model *model, const struct trace_entry *t, struct model_stack *room)
{
	struct model_entry entry;

	if (!t)
		return (struct finding_neighbour){ 0 };
	entry = model_entry(model, t);
	return (struct finding_neighbour){ .known = true,
					   .address = entry.address,
					   .size = entry.size,
					   .stack = model_stack(model, entry.stack, room) };
}

void decode_neighbours(struct decoded *d, const struct row *row, struct neighbours *n)
{
	struct finding *finding = &d->finding;
	const struct trace_finding *misuse = row->first;
	const struct trace_entry *before, *after;
	struct neighbours_place place;

	finding->has_neighbours = finding->kind >= TRACE_KIND_OVERFLOW &&
				  finding->kind <= TRACE_KIND_USE_AFTER_DELETE;
	if (!finding->has_neighbours)
		return;
	place = (struct neighbours_place){
		.family = misuse->family,
		.in_section = finding->section.known,
		.section = finding->section.known ? finding->section.handle : 0,
		.address = finding->block,
	};
	neighbours_find(n, finding->model, &place, &before, &after);
	finding->before = decode_neighbour(finding->model, before, &d->before);
	finding->after = decode_neighbour(finding->model, after, &d->after);
}
