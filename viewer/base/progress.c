/* SPDX-License-Identifier: MIT */
#include "viewer/base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_NS 1000000000u
#define REDRAW_NS 100000000u
#define BAR_CELLS 30u

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void draw_bar(const char *what, uint64_t done, uint64_t total)
{
	unsigned percent = total ? (unsigned)((double)done / (double)total * 100) : 0;
	unsigned filled = percent * BAR_CELLS / 100;
	char bar[BAR_CELLS + 1];

	for (unsigned i = 0; i < BAR_CELLS; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_CELLS] = '\0';
	fprintf(stderr, "\r[%s] %3u%% %s\033[K", bar, percent > 100 ? 100 : percent, what);
	fflush(stderr);
}

/* Is it time to draw? Notes that it was drawn. */
static bool is_due(struct progress *p, uint64_t pause_ns)
{
	uint64_t now;

	if (!p || p->is_hidden)
		return false;
	now = read_clock();
	if (p->started_ns == 0) {
		p->started_ns = now;
		p->is_hidden = !isatty(STDERR_FILENO);
		return false;
	}
	if (now - p->started_ns < PATIENCE_NS || now - p->drawn_ns < pause_ns)
		return false;
	p->drawn_ns = now;
	return true;
}

void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total)
{
	if (p && p->is_noted) {
		__atomic_store_n(&p->done, done, __ATOMIC_RELAXED);
		__atomic_store_n(&p->total, total, __ATOMIC_RELAXED);
		__atomic_store_n(&p->what, what, __ATOMIC_RELEASE);
	} else if (is_due(p, REDRAW_NS)) {
		draw_bar(what, done < total ? done : total, total);
	}
}

void progress_relay(struct progress *p, const struct progress *noted)
{
	const char *what = __atomic_load_n(&noted->what, __ATOMIC_ACQUIRE);

	if (what)
		progress_show(p, what, __atomic_load_n(&noted->done, __ATOMIC_RELAXED),
			      __atomic_load_n(&noted->total, __ATOMIC_RELAXED));
}

void progress_show_bytes(struct progress *p, const char *what, uint64_t bytes)
{
	if (!is_due(p, PATIENCE_NS))
		return;
	fprintf(stderr, "\r%s: %.1f MiB\033[K", what, (double)bytes / (1 << 20));
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p && p->drawn_ns) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
		p->drawn_ns = 0;
	}
}
