/* SPDX-License-Identifier: MIT */
#include "viewer/top/top.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NCURSES_NOMACROS 1
#include <curses.h>

#include "viewer/base/complaint.h"
#include "viewer/model/model.h"
#include "viewer/symbols/server.h"
#include "viewer/top/names.h"
#include "viewer/top/picture.h"
#include "viewer/top/screen.h"
#include "viewer/top/sheet.h"
#include "viewer/view/terminal.h"

#define SECOND_NS 1000000000u
#define SERVER_PATIENCE_NS \
	SECOND_NS /* after which a picture is written without what a server knows */
#define REST 3u   /* times as long as a picture takes is the least that follows it */
#define ESCAPE 27
#define CTRL_L 12

struct top {
	const struct top_options *options;
	const char *trace;
	struct picture *picture; /* the last one */
	struct picture_mark *mark;
	struct names *names;
	struct sheet_view view;
	struct sheet sheet;
	struct buffer message;
	struct trouble trouble; /* of the last attempt to read the trace */
	uint64_t pictures, next_ns;
	bool is_still; /* the process had ended before the first picture: there are no others */
	bool is_paused, is_left, is_gone;
	bool has_seen_silence, has_told_silence;
};

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void sort_tables(struct top *t)
{
	for (unsigned i = 0; i < PICTURE_TABLES; i++)
		picture_sort(t->picture, (enum picture_table)i, t->view.order[i]);
}

/* Keeps the selected row of a table selected, where it is now. */
static void follow_row(struct top *t, enum picture_table table, const struct picture_key *key)
{
	size_t *selected = &t->view.selected[table], rows = t->picture->rows[table];
	size_t found = key ? picture_find(t->picture, table, key) : rows;

	if (found < rows)
		*selected = found;
	else if (*selected >= rows)
		*selected = rows ? rows - 1 : 0;
}

static const struct picture_key *selected_key(const struct top *t, enum picture_table table,
					      struct picture_key *key)
{
	size_t selected = t->view.selected[table];

	/* The first row stays the first one until the user has moved away from it. */
	if (!t->picture || selected >= t->picture->rows[table] ||
	    (selected == 0 && t->view.page == SHEET_TABLES))
		return NULL;
	*key = t->picture->row[table][selected].key;
	return key;
}

/* Takes the next picture. Returns false, and the last one stays, if the trace cannot be read. */
static bool look(struct top *t)
{
	uint64_t start = read_clock(), end, rest;
	struct model *model = model_open(t->trace, NULL, &t->trouble);
	struct picture_key key[PICTURE_TABLES];
	const struct picture_key *kept[PICTURE_TABLES];
	struct picture *before = t->picture;

	t->pictures++;
	if (model) {
		for (unsigned i = 0; i < PICTURE_TABLES; i++)
			kept[i] = selected_key(t, (enum picture_table)i, &key[i]);
		if (before && !picture_is_of(before, model)) {
			picture_mark_free(t->mark);
			t->mark = NULL;
			names_forget(t->names);
			picture_free(before);
			before = NULL;
		}
		t->picture = picture_take(model, before, t->mark);
		picture_free(before);
		if (!t->mark)
			t->mark = picture_mark(t->picture);
		sort_tables(t);
		for (unsigned i = 0; i < PICTURE_TABLES; i++)
			follow_row(t, (enum picture_table)i, kept[i]);
	}
	end = read_clock();
	rest = REST * (end - start);
	t->next_ns = rest > t->options->delay_ns ? end + rest : start + t->options->delay_ns;
	return model != NULL;
}

static bool has_ended(const struct top *t)
{
	return model_process(t->picture->model)->end != TRACE_END_RUNNING;
}

static bool is_last(const struct top *t)
{
	return t->options->pictures && t->pictures >= t->options->pictures;
}

static bool is_last_picture(const struct top *t)
{
	return is_last(t) || has_ended(t);
}

/* Waits for all names, but no longer than a second for a server that could tell more of them. Returns false if it
 * did not wait for that. */
static bool wait_for_names(struct top *t)
{
	uint64_t until = 0;

	names_start(t->names, t->picture);
	while (names_fd(t->names) >= 0) {
		struct pollfd wait = { .fd = names_fd(t->names), .events = POLLIN };
		uint64_t now = read_clock();
		int most_ms = -1;

		if (names_await_server(t->names)) {
			until = until ? until : now + SERVER_PATIENCE_NS;
			if (now >= until)
				return false;
			most_ms = (int)((until - now) / 1000000u) + 1;
		}
		if (poll(&wait, 1, most_ms) > 0)
			names_take(t->names);
	}
	return true;
}

/* Says, once, that a server did not answer; `urls` may be NULL. */
static void tell_silence(struct top *t, const char *urls, unsigned seconds)
{
	struct buffer line = { 0 };

	if (!urls || t->has_told_silence)
		return;
	t->has_told_silence = true;
	server_write_silence(&line, urls, seconds);
	complaint_print("lsatrace top", "%s", line.data);
	buffer_release(&line);
}

/* Writes the picture to standard output. Returns false if it has no reader any more, or with one line
 * printed if it cannot be written. */
static bool write_picture(struct top *t, bool *is_good)
{
	struct sheet_view view = t->view;
	struct buffer out = { 0 };
	bool has_all;
	int error;

	view.page = SHEET_TABLES;
	view.width = view.height = 0;
	memset(view.first, 0, sizeof(view.first));
	sheet_write(&t->sheet, t->picture, t->names, &view);
	has_all = wait_for_names(t);
	sheet_write(&t->sheet, t->picture, t->names, &view);
	buffer_stream(&out, stdout, NULL);
	terminal_shape(&out);
	buffer_bytes(&out, t->sheet.text.data, t->sheet.text.used);
	error = buffer_flush(&out);
	buffer_release(&out);
	tell_silence(t, names_silent(t->names), SERVER_SECONDS);
	if (!has_all && is_last_picture(t))
		tell_silence(t, server_urls(), SERVER_PATIENCE_NS / SECOND_NS);
	/* EPIPE: who reads it has seen enough. */
	*is_good = !error || error == EPIPE;
	if (!*is_good)
		complaint_print("standard output", "%s", strerror(error));
	return !error;
}

static bool run_batch(struct top *t)
{
	bool is_good = true;

	while (write_picture(t, &is_good) && !is_last_picture(t)) {
		uint64_t now = read_clock(), ns = t->next_ns > now ? t->next_ns - now : 0;

		nanosleep(&(struct timespec){ .tv_sec = (time_t)(ns / SECOND_NS),
					      .tv_nsec = (long)(ns % SECOND_NS) },
			  NULL);
		if (!look(t)) {
			complaint_print(t->trace, "%s", t->trouble.text);
			return false;
		}
		fputs("\n", stdout);
	}
	return is_good;
}

static void draw(struct top *t)
{
	t->message.used = 0;
	if (t->trouble.error != TROUBLE_NONE)
		buffer_format(&t->message, "not the newest, because the trace cannot be read: %s",
			      t->trouble.text);
	else if (t->is_paused)
		buffer_text(&t->message, "paused; p goes on");
	else if (names_silent(t->names) && !t->has_seen_silence)
		server_write_silence(&t->message, names_silent(t->names), SERVER_SECONDS);
	else if (t->is_still && t->view.page == SHEET_TABLES)
		buffer_text(&t->message, "the process has ended; q leave  ? help  Tab table  "
					 "Enter backtrace  b c g order");
	t->view.message = t->message.used ? t->message.data : NULL;
	screen_size(&t->view.width, &t->view.height);
	sheet_write(&t->sheet, t->picture, t->names, &t->view);
	screen_draw(&t->sheet);
	names_start(t->names, t->picture);
}

/* Moves by some rows, or lines of a page, down or up. */
static void move_by(struct top *t, long by)
{
	size_t *at =
		t->view.page == SHEET_TABLES ? &t->view.selected[t->view.focus] : &t->view.scrolled;
	size_t rows = t->view.page == SHEET_TABLES ? t->picture->rows[t->view.focus] : SIZE_MAX;

	if (by < 0)
		*at = *at > (size_t)-by ? *at - (size_t)-by : 0;
	else
		*at = rows - *at > (size_t)by ? *at + (size_t)by : rows ? rows - 1 : 0;
	if (t->view.page != SHEET_TABLES && *at > INT32_MAX)
		*at = INT32_MAX;
}

static bool take_movement(struct top *t, int key)
{
	long page = t->view.fits > 1 ? (long)t->view.fits - 1 : 1;

	switch (key) {
	case KEY_UP:
	case 'k':
		move_by(t, -1);
		return true;
	case KEY_DOWN:
	case 'j':
		move_by(t, 1);
		return true;
	case KEY_PPAGE:
		move_by(t, -page);
		return true;
	case KEY_NPAGE:
		move_by(t, page);
		return true;
	case KEY_HOME:
		move_by(t, -INT32_MAX);
		return true;
	case KEY_END:
		move_by(t, INT32_MAX);
		return true;
	default:
		return false;
	}
}

static void set_page(struct top *t, enum sheet_page page)
{
	t->view.page = page;
	t->view.scrolled = 0;
}

static void set_order(struct top *t, enum picture_order order)
{
	enum picture_table table = t->view.focus;
	struct picture_key key;
	const struct picture_key *kept = selected_key(t, table, &key);

	t->view.order[table] = order;
	sort_tables(t);
	follow_row(t, table, kept);
}

static bool take_order(struct top *t, int key)
{
	const struct sheet_view first = sheet_view();

	switch (key) {
	case 'b':
		set_order(t, PICTURE_BY_BYTES);
		return true;
	case 'c':
		set_order(t, PICTURE_BY_COUNT);
		return true;
	case 'g':
		set_order(t, PICTURE_BY_GROWTH);
		return true;
	case 'd':
		set_order(t, first.order[t->view.focus]);
		return true;
	default:
		return false;
	}
}

static bool take_focus(struct top *t, int key)
{
	unsigned focus = t->view.focus;

	if (key >= '1' && key < '1' + PICTURE_TABLES)
		focus = (unsigned)(key - '1');
	else if (key == '\t')
		focus = (focus + 1) % PICTURE_TABLES;
	else if (key == KEY_BTAB)
		focus = (focus + PICTURE_TABLES - 1) % PICTURE_TABLES;
	else
		return false;
	t->view.focus = (enum picture_table)focus;
	set_page(t, SHEET_TABLES);
	return true;
}

static void set_mark(struct top *t)
{
	picture_mark_free(t->mark);
	t->mark = picture_mark(t->picture);
	sort_tables(t);
}

static void take_other(struct top *t, int key)
{
	bool is_table = t->view.page == SHEET_TABLES;

	switch (key) {
	case 'q':
	case ESCAPE:
		t->is_left = is_table && key == 'q';
		set_page(t, SHEET_TABLES);
		break;
	case '?':
	case 'h':
		set_page(t, SHEET_HELP);
		break;
	case '\r':
	case '\n':
	case KEY_ENTER:
		set_page(t,
			 is_table && t->picture->rows[t->view.focus] ? SHEET_STACKS : SHEET_TABLES);
		break;
	case 'm':
		set_mark(t);
		break;
	case 'p':
	case ' ':
		t->is_paused = !t->is_paused && !t->is_still;
		break;
	case 'r':
	case CTRL_L:
		t->next_ns = t->is_paused ? t->next_ns : 0;
		screen_redraw();
		break;
	default:
		break;
	}
}

static void take_key(struct top *t, int key)
{
	if (!take_movement(t, key) && !take_focus(t, key) &&
	    (t->view.page != SHEET_TABLES || !take_order(t, key)))
		take_other(t, key);
}

static void wait_for_event(struct top *t)
{
	uint64_t now = read_clock(), ns = t->next_ns > now ? t->next_ns - now : 0;
	int key;

	if (t->is_paused || t->is_still)
		ns = 3600ull * SECOND_NS;
	switch (screen_wait(ns, names_fd(t->names), &key)) {
	case SCREEN_KEY:
		t->has_seen_silence = names_silent(t->names) != NULL;
		take_key(t, key);
		break;
	case SCREEN_READABLE:
		names_take(t->names);
		break;
	case SCREEN_GONE:
		t->is_left = t->is_gone = true;
		break;
	default:
		break;
	}
}

static bool run_screen(struct top *t)
{
	const char *trouble = screen_open();
	bool is_good = true;

	if (trouble && t->is_still)
		return run_batch(t);
	if (trouble) {
		complaint_print("lsatrace top", "%s", trouble);
		return false;
	}
	while (!t->is_left && (t->is_still || !has_ended(t))) {
		draw(t);
		wait_for_event(t);
		if (t->is_paused || t->is_still || read_clock() < t->next_ns)
			continue;
		t->is_left |= is_last(t);
		if (!t->is_left)
			look(t);
	}
	screen_close();
	if (!t->is_left)
		write_picture(t, &is_good);
	else
		tell_silence(t, names_silent(t->names), SERVER_SECONDS);
	return is_good && !t->is_gone;
}

bool top_run(const struct top_options *options, const char *trace)
{
	struct top t = { .options = options, .trace = trace, .view = sheet_view() };
	bool is_good = false;

	t.names = names_new(&options->places);
	if (!look(&t)) {
		complaint_print(trace, "%s", t.trouble.text);
	} else {
		t.is_still = has_ended(&t);
		is_good = options->is_batch || (t.is_still && options->pictures) ? run_batch(&t)
										 : run_screen(&t);
	}
	names_free(t.names);
	picture_mark_free(t.mark);
	picture_free(t.picture);
	sheet_release(&t.sheet);
	buffer_release(&t.message);
	return is_good;
}
