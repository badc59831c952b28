/* SPDX-License-Identifier: MIT */
/*
 * What a sweep writes down in its folder, so that it can go on.
 *
 *	arguments       the current folder, how many options there are, these, and the command; each ends
 *	                with a null byte
 *	NNNN/ended      a line with the calls that failed, as --fail has them; and one that says how the
 *	                run ended: "ended STATUS", as waitpid() has it, or "timed-out"
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_SWEEP_RESUME_H
#define LSATRACE_VIEWER_SWEEP_RESUME_H

#include <stdbool.h>
#include <stddef.h>

struct sweep;

/* Writes the arguments down, or begins to go on. Until the process ends, no other sweep uses the folder. Returns
 * false with one line printed if that fails. */
bool resume_begin(struct sweep *s, char *const *options, size_t count);

/*
 * Puts the arguments that a folder has before those of the command line, and its command behind them:
 * argv becomes a new array, to be freed, of texts that are not. Returns 0, with one line printed, if that is not
 * possible; else the index of the command.
 */
int resume_arguments(const char *folder, int *argc, char ***argv);

/* The value of --resume, before the command line is parsed; NULL: there is none. */
const char *resume_folder(int argc, char *const *argv);

/* Makes the folder of a run. If it has ended there before, its state is set; else what is left of it is
 * removed. Returns false with one line printed if the folder cannot be made. */
bool resume_prepare(const struct sweep *s, size_t run);
/* Writes down how a run has ended. */
void resume_note_end(const struct sweep *s, size_t run);

#endif
