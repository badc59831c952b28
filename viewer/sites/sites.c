/* SPDX-License-Identifier: MIT */
#include "viewer/sites/sites.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/symbols/symbols.h"

static uint32_t *find_place(const struct sites *s, uint64_t site)
{
	size_t at = site % s->index_size;

	while (s->index[at] && s->all[s->index[at] - 1].site != site)
		at = (at + 1) % s->index_size;
	return &s->index[at];
}

static void grow_index(struct sites *s)
{
	free(s->index);
	s->index_size = s->index_size ? 2 * s->index_size : 64;
	s->index = memory_new(s->index_size, sizeof(*s->index));
	for (size_t i = 0; i < s->count; i++)
		*find_place(s, s->all[i].site) = (uint32_t)i + 1;
}

static char *name_place(const struct model *model, const struct trace_event *e,
			struct symbols *symbols)
{
	struct model_stack room;
	const struct model_frame *frame =
		model_own_frame(model, e->package, model_stack(model, e->stack, &room));
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);
	const char *slash = symbol->file ? strrchr(symbol->file, '/') : NULL;
	struct buffer b = { 0 };

	if (symbol->function) {
		buffer_plain(&b, symbol->function);
	} else {
		buffer_plain(&b, frame->module ? frame->module->base : "?");
		buffer_text(&b, "+");
		buffer_hex(&b, frame->offset);
	}
	if (symbol->file && symbol->line) {
		buffer_text(&b, " at ");
		buffer_plain(&b, slash ? slash + 1 : symbol->file);
		buffer_format(&b, ":%" PRIu32, symbol->line);
	}
	return buffer_take(&b);
}

static struct site_calls make_site(const struct model *model, const struct trace_event *e,
				   uint64_t site, struct symbols *symbols)
{
	const char *name = model_function(model, e->function)->name;
	const struct findings_namer namer = findings_name_by(symbols);
	struct model_stack room;

	return (struct site_calls){
		.function = memory_text(name, strlen(name)),
		.site = site,
		.print = fingerprint_of_call(model, e->package, name,
					     model_stack(model, e->stack, &room), &namer),
		.where = name_place(model, e, symbols),
	};
}

/* Returns the number of the call's site; SIZE_MAX: its stack is not known. */
static size_t add_call(struct sites *s, const struct model *model, const struct trace_event *e,
		       struct symbols *symbols)
{
	uint64_t site = model_site(model, e->package, e->function, e->stack);
	struct site_calls *calls;
	uint32_t *place;

	if (!site)
		return SIZE_MAX;
	if (2 * s->count >= s->index_size)
		grow_index(s);
	place = find_place(s, site);
	if (!*place) {
		memory_room(s->all, s->count, s->room);
		s->all[s->count++] = make_site(model, e, site, symbols);
		*place = (uint32_t)s->count;
	}
	calls = &s->all[*place - 1];
	calls->calls++;
	calls->can_succeed |= !(e->state & TRACE_EVENT_FAILED);
	return *place - 1;
}

bool sites_add(struct sites *s, const struct model *model, struct symbols *symbols,
	       void (*each)(void *context, size_t site, const struct trace_event *call),
	       void *context, struct trouble *trouble)
{
	struct timeline *timeline = timeline_new(model_reader(model));
	const struct trace_event *e;

	while ((e = timeline_next(timeline, trouble)) != NULL) {
		enum trace_role role = event_role(model_function(model, e->function)->role, e);
		size_t site = event_can_fail(role) ? add_call(s, model, e, symbols) : SIZE_MAX;

		if (each && site != SIZE_MAX)
			each(context, site, e);
	}
	timeline_free(timeline);
	return trouble->error == TROUBLE_NONE;
}

void sites_release(struct sites *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->all[i].function);
		free(s->all[i].where);
	}
	free(s->all);
	free(s->index);
	*s = (struct sites){ 0 };
}
