/* SPDX-License-Identifier: MIT */
/*
 * Shows in the trace file what is live: a struct trace_entry for each live entry of the ledger, as
 * long as the file has room. A block without room is still known in the process, and
 * TRACE_LOST_BLOCKS counts it.
 *
 * Places in the file are known by their reference and are used again. Each lane keeps some free
 * ones for itself, so that threads rarely meet; others are in a list that all threads share. Only
 * fresh ones are taken from the file under the cold lock.
 *
 * A reader of the file sees an entry whole or not at all: its state is FREE while anything else of
 * it changes, and is set last. Whoever calls these functions has claimed the entry.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_SHOWN_H
#define LSATRACE_PRELOAD_LEDGER_SHOWN_H

#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

/* Returns false if there is no memory. Once. */
bool shown_init(void);

/* For a new file: it shows nothing, and has no place that is free. */
void shown_reset(void);

/* A free place; 0: the file has no room, which is counted. */
uint32_t shown_take(struct lane *lane);

/* The same in a forked child, before it has a lane. Under the cold lock. */
uint32_t shown_take_fresh(void);

/* Gives a place back; 0 is fine. `lane` NULL: the thread has none. */
void shown_give_back(struct lane *lane, uint32_t place);

/* Writes all of a live entry, which was made in `era`, into its place, which is free or was hidden. 0 is
 * fine. `section`: the place of a block's section, or 0. */
void shown_write(uint32_t place, const struct ledger_entry *entry, uint32_t era, uint32_t section);

/* Makes a place FREE, so that it can be written anew. 0 is fine. */
void shown_hide(uint32_t place);

/* In a copy of the process: adds what was found of a live entry, unless the process itself has shown
 * something else in its place since. */
void shown_set_reach(const struct ledger_entry *entry, enum trace_reach reach);

/* Changes the state only: to what stands for `life`. */
void shown_set_state(const struct ledger_entry *entry, enum ledger_life life);

#endif
