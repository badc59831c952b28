/* SPDX-License-Identifier: MIT */
/*
 * Lays a picture out as lines of text: for a terminal of any size, or for a stream. Knows nothing of
 * terminals. All text is plain: names are hostile, and no control character gets into a line.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_TOP_SHEET_H
#define LSATRACE_VIEWER_TOP_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "viewer/base/buffer.h"
#include "viewer/top/picture.h"

struct names;

/* What a line is, for whoever gives it a colour. */
enum sheet_look {
	SHEET_PLAIN,
	SHEET_HEADING,
	SHEET_FOCUS, /* the heading of the table that has the focus */
	SHEET_SELECTED,
	SHEET_ERROR,
	SHEET_WARNING,
	SHEET_NOTE,
	SHEET_BAR, /* at the bottom */
};

struct sheet_line {
	enum sheet_look look;
	size_t at, bytes; /* in the text */
};

/* Starts zeroed. */
struct sheet {
	struct buffer text;
	struct sheet_line *line;
	size_t lines, room;
};

enum sheet_page { SHEET_TABLES, SHEET_STACKS, SHEET_HELP };

/* What is shown, and where in it the user is. Starts as sheet_view(). */
struct sheet_view {
	enum sheet_page page;
	enum picture_table focus;
	enum picture_order order[PICTURE_TABLES];
	size_t selected[PICTURE_TABLES]; /* number of a row */
	size_t first[PICTURE_TABLES];    /* row that is shown; set by sheet_write() */
	size_t scrolled;                 /* lines of a page that is no table */
	size_t fits;         /* rows or lines of what has the focus; set by sheet_write() */
	unsigned width;      /* columns; 0: any */
	unsigned height;     /* lines; 0: the tables with up to SHEET_ROWS rows each, and no bar */
	const char *message; /* in the bar, in place of the keys; NULL: none */
};

#define SHEET_ROWS 20u

struct sheet_view sheet_view(void);

/* Lays out one page. What is not known of names is asked for. The picture is sorted. */
void sheet_write(struct sheet *s, const struct picture *p, struct names *names,
		 struct sheet_view *view);
void sheet_release(struct sheet *s);

#endif
