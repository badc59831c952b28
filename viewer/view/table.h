/* SPDX-License-Identifier: MIT */
/*
 * The overview of a report: one line for each finding. Its columns are as wide as the first thousand
 * findings need, so that no line has to be kept. On a terminal that is too narrow for that, a finding has two lines.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_VIEW_TABLE_H
#define LSATRACE_VIEWER_VIEW_TABLE_H

struct baseline;
struct buffer;
struct findings;
struct frames_style;
struct selection;

/* Appends how many findings there are, and the table, by groups; nothing if there are none. */
void table_write(struct buffer *b, const struct frames_style *style, struct findings *findings,
		 const struct selection *selection);

/* Appends a table of the findings that are new, have grown or have shrunk since a baseline, which has been applied
 * to them, and of what is gone; nothing if there are none. */
void table_write_changes(struct buffer *b, const struct frames_style *style,
			 struct findings *findings, const struct baseline *baseline);

#endif
