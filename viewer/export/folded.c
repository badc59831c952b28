/* SPDX-License-Identifier: MIT */
/*
 * The format `folded`: a line for each stack that leaks, "root;...;leaf BYTES". Stacks with equal names
 * are one line. Tools for flame graphs read it.
 */
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/progress.h"
#include "viewer/base/sum.h"
#include "viewer/export/export.h"
#include "viewer/profile/numbers.h"
#include "viewer/profile/profile.h"

/* The names go between semicolons, so they have none. */
static void append_frame(void *line, const struct profile_frame *frame)
{
	struct buffer *b = line;
	size_t start = b->used;

	profile_name(b, frame);
	for (char *c = b->data + start; (c = strchr(c, ';')) != NULL;)
		*c = ',';
	buffer_text(b, ";");
}

static void make_line(struct buffer *line, const struct export *e, const struct profile *p, size_t i)
{
	line->used = 0;
	profile_walk(p, &p->row[i], e->symbols, append_frame, line);
	line->used--;
}

/*
 * Adds the bytes of each row to the first row with equal names. Names are made twice, because to keep
 * them all would take too much memory.
 */
static void merge_rows(const struct export *e, struct profile *p)
{
	struct numbers names = { 0 };
	struct buffer line = { 0 };
	size_t firsts = 0;

	for (size_t i = 0; i < p->rows; i++) {
		uint64_t bytes = p->row[i].value[PROFILE_LEAKED_BYTES];
		uint32_t number;
		bool is_new;

		progress_show(e->progress, "reading stacks", i, p->rows);
		if (!bytes)
			continue;
		make_line(&line, e, p, i);
		number = numbers_give(&names, line.data, line.used, &is_new);
		/* Rows with new names move to the front, which holds no other row that is wanted. */
		if (is_new)
			p->row[firsts++] = p->row[i];
		else
			sum_add(&p->row[number - 1].value[PROFILE_LEAKED_BYTES], bytes);
	}
	p->rows = firsts;
	numbers_release(&names);
	buffer_release(&line);
}

bool export_write_folded(const struct export *e, struct buffer *out)
{
	struct profile *p = export_profile(e);
	struct buffer line = { 0 };

	if (!p)
		return false;
	merge_rows(e, p);
	for (size_t i = 0; i < p->rows; i++) {
		make_line(&line, e, p, i);
		buffer_bytes(out, line.data, line.used);
		buffer_text(out, " ");
		buffer_decimal(out, p->row[i].value[PROFILE_LEAKED_BYTES]);
		buffer_text(out, "\n");
	}
	buffer_release(&line);
	profile_free(p);
	return true;
}
