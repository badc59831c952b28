/* SPDX-License-Identifier: MIT */
#include "viewer/view/growing.h"

#include <inttypes.h>

#include "viewer/base/buffer.h"
#include "viewer/model/growth.h"
#include "viewer/model/model.h"
#include "viewer/view/frames.h"

/* "one in every 1000 calls of LsaApLogonUserEx2", or "3.1 in every call of ..." */
static void write_rate(struct buffer *out, const struct growth_row *row, uint64_t calls,
		       const char *of)
{
	double rate = growth_per(row, (double)calls);

	if (rate >= 1)
		buffer_format(out, "%.1f in every call of ", rate);
	else
		buffer_format(out, "one in every %.0f calls of ", 1 / rate);
	buffer_plain(out, of);
}

static void write_rates(struct buffer *out, const struct model *m, const struct growth_row *row)
{
	double minutes = growth_minutes(m);

	if (minutes > 0)
		buffer_format(out, "  %.1f a minute; ", growth_per(row, minutes));
	else
		buffer_text(out, "  ");
	write_rate(out, row, growth_calls(m), "all traced functions");
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		if (!growth_is_entry_point(m, i))
			continue;
		buffer_text(out, "; ");
		write_rate(out, row, model_returns(m, i), model_function(m, i)->name);
	}
	buffer_text(out, "\n");
}

static void write_row(struct buffer *out, const struct frames_style *style, struct symbols *symbols,
		      const struct model *m, const struct growth_row *row)
{
	const char *family = model_family(m, row->family);
	struct model_stack room;
	uint64_t least, most;

	growth_range(row, &least, &most);
	buffer_text(out, "growing: ");
	buffer_count(out, row->live, row->is_section ? "section" : "block");
	buffer_text(out, " of the family ");
	buffer_plain(out, family ? family : "?");
	buffer_text(out, ", ");
	buffer_count(out, row->bytes, "byte");
	buffer_format(out,
		      ", are live, and more come steadily: %.1f in each tenth of the run (%" PRIu64
		      " to %" PRIu64 "), r squared %.3f, confidence %s (package ",
		      growth_mean(row), least, most, growth_straightness(row),
		      growth_is_certain(row) ? "high" : "medium");
	model_write_package(m, row->package, out);
	buffer_text(out, ")\n");
	write_rates(out, m, row);
	buffer_text(out, "  they were made by:\n");
	frames_write(out, style, symbols, m, row->package, model_stack(m, row->stack, &room));
	buffer_text(out, "\n");
}

void growing_write(struct buffer *out, const struct frames_style *style, struct symbols *symbols,
		   const struct model *m)
{
	struct growth g = { 0 };

	growth_find(&g, m);
	for (size_t i = 0; i < g.rows; i++)
		write_row(out, style, symbols, m, &g.row[i]);
	buffer_format(out, "growth in process %" PRId32 ": ", model_process(m)->pid);
	if (g.is_long_enough)
		buffer_format(out, "%zu of %zu backtraces that have live memory\n", g.rows,
			      g.stacks);
	else
		buffer_format(out, "the run is too short to tell, with %" PRIu64 " calls\n",
			      growth_calls(m));
	growth_release(&g);
}
