/* SPDX-License-Identifier: MIT */
/*
 * What came of the runs of a sweep: of the command as it is, and of those in which calls failed.
 *
 * For one thread at a time. Nothing here prints.
 */
#ifndef LSATRACE_VIEWER_SITES_RESULTS_H
#define LSATRACE_VIEWER_SITES_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/sites/known.h"
#include "viewer/sites/sites.h"

struct buffer;
struct finding;
struct json;

/* A call that a run lets fail: the nth one from a site. */
struct failing {
	size_t site; /* its number */
	uint32_t nth;
};

enum { FAILING_MOST = 2 }; /* in one run */

/* How the command ended. */
enum ending {
	ENDING_NOT_RUN,     /* there was no time, or somebody interrupted the sweep */
	ENDING_NOT_STARTED, /* `number` is an errno */
	ENDING_ALIKE,       /* as it does without a failure */
	ENDING_STATUS,      /* with another exit status: `number` */
	ENDING_CRASH,       /* by a signal: `number` */
	ENDING_HANG,        /* it was ended after `number` seconds */
};

struct result {
	struct failing failing[FAILING_MOST];
	unsigned count; /* of them; 0: the run as it is */
	enum ending ending;
	uint32_t number;
	bool is_reached;    /* all of them have failed */
	bool has_killed;    /* more processes of it were killed than of the run as it is */
	bool has_one_cause; /* two calls fail, but one of them alone leads to the same ending */
	bool is_unsure;     /* there is no trace of it, or what was found is a lower bound */
	uint64_t *news_key; /* by known.h: of findings that are not known yet */
	size_t news, news_room;
	/* By endings.h, if it has ended as none may: */
	char *fingerprint, *fingerprint_weak;
	bool is_known; /* the baseline has it */
	char *place;   /* of a crash: the innermost frame; NULL: it is not known */
	char *last; /* of a crash or hang: lines that say what the command did last; NULL: nothing is known */
	char **traces;
	size_t trace_count, trace_room;
};

struct results {
	struct sites sites;
	struct result *all; /* the first one is the run as it is */
	size_t count, room;
	size_t singles; /* runs in which one call fails: they follow the first */
	size_t left;    /* calls, or pairs, that were not let fail, because of a limit */
	const char *folder;
	size_t killed;      /* processes of the run as it is */
	bool is_bundled;    /* the host: its exit statuses are known */
	struct known base;  /* what the run as it is has found */
	struct known grown; /* that of it which another run has more often */
};

/* Did it end as no run may, and not because of one of two calls alone? */
bool result_is_broken(const struct results *all, const struct result *r);
/* How many runs have ended so and are not known, have ended so and are known, have consequences, have not been made, or cannot be judged. */
struct results_counts {
	size_t broken, known, bad, waiting, unsure;
};
struct results_counts results_count(const struct results *r);
/* Has all been tried that there is, and been judged? `r` may be NULL: then there is nothing to try. */
bool results_are_whole(const struct results *r);
/* Findings that the baseline knows are no news of any run. */
void results_forget(struct results *r, const struct known *known);
/* Is it a finding of the run as it is? */
bool results_know(const struct results *r, const struct finding *f);
/* Appends "AllocateLsaHeap:site=1f2e,1": the value of --fail. */
void result_write_option(const struct results *r, const struct failing *f, struct buffer *b);
/* The next broken run behind number *i, which is set; NULL: there is none. `r` may be NULL. */
const struct result *results_next_broken(const struct results *r, size_t *i);
/* Appends "AllocateLsaHeap was made to fail in trust at a.c:5: CRASH: SIGSEGV". */
void result_write_sentence(const struct results *r, const struct result *result, struct buffer *b);
/* Appends a table with a line for each run, and what was done last in crashes and hangs. */
void results_write_text(const struct results *r, struct buffer *b);
/* Writes an object. `r` NULL: null. */
void results_write_json(const struct results *r, struct json *j, const char *key);
void results_release(struct results *r);

#endif
