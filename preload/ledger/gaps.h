/* SPDX-License-Identifier: MIT */
/*
 * Calls that could not be traced: the ledger or the lanes had no room, or the tracer was left in
 * the middle of one. From the first such call that made something on, there is a *gap*: an address
 * that the ledger does not know proves nothing any more. Frees of unknown addresses are then not
 * judged.
 *
 * gaps_note_freed() and gaps_note_made() are for a thread that has no lane at that moment:
 * async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_GAPS_H
#define LSATRACE_PRELOAD_LEDGER_GAPS_H

#include "preload/ledger/entries.h"

/* Is there a gap? */
bool gaps_exist(void);

/* Makes one, and counts it in TRACE_LOST_JUDGEMENTS. */
void gaps_note(void);

/* Makes one, without counting. */
void gaps_open(void);

/* What is live at an address is about to be freed, or its section deleted, by a call that is not
 * traced: it goes without a finding, and is no leak. */
void gaps_note_freed(enum ledger_space space, uint64_t address, uint64_t request);

/* The host has made something at an address by a call that is not traced: what is known of an older
 * one there no longer holds, and frees of that address are not judged. Makes a gap. */
void gaps_note_made(enum ledger_space space, uint64_t address, uint64_t request);

/*
 * Memory of the LSA that a package finds in what it is handed, such as the members of a structure
 * that a client has submitted, is never seen to be handed out, but the package may free it. Notes
 * such words for the calling thread, which forgets its oldest ones; most of them are no addresses.
 */
void gaps_note_handed_in(const void *at, unsigned words);

/* Was the address among those last handed in to the calling thread? */
bool gaps_was_handed_in(uint64_t address);

#endif
