/* SPDX-License-Identifier: MIT */
/*
 * The terminal of `top`, with ncurses. Whatever ends the program, the terminal is given back as it was:
 * by screen_close(), by exit(), and by each signal that can be caught. A signal that ends or stops the
 * program does so, with its own exit status, once the terminal was given back.
 *
 * For one thread: the terminal, and what signals do, are properties of the process.
 */
#ifndef LSATRACE_VIEWER_TOP_SCREEN_H
#define LSATRACE_VIEWER_TOP_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

struct sheet;

/* Takes the terminal. Returns NULL, or in words why it cannot. */
const char *screen_open(void);
/* Gives it back. Does nothing if it was not taken. */
void screen_close(void);

void screen_size(unsigned *width, unsigned *height);
void screen_draw(const struct sheet *s);
/* The next drawing is of the whole screen: something else may have written on it. */
void screen_redraw(void);

enum screen_event {
	SCREEN_NOTHING,  /* the time is up */
	SCREEN_KEY,      /* *key is what the user typed, a character or a KEY_... of curses.h */
	SCREEN_RESIZED,  /* or the terminal has to be drawn anew for another reason */
	SCREEN_READABLE, /* there is something to read from the descriptor */
	SCREEN_GONE,     /* there is no terminal any more */
};

/* Waits up to some nanoseconds for one of these. `fd` may be -1. Obeys signals meanwhile. */
enum screen_event screen_wait(uint64_t ns, int fd, int *key);

#endif
