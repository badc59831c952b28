/* SPDX-License-Identifier: MIT */
/*
 * The ledger: every section and block that is live, and those that have gone recently, by
 * address.
 *
 * It is in private memory, so that a forked child has it as it was at the fork. What is live is
 * shown in the trace file as well. Any number of threads use it at once, without a lock.
 *
 *	entries.h      the table of entries, and the protocol by which threads change them
 *	lookup.h       finding an entry by its address
 *	shown.h        the entries of the trace file that show what is live
 *	groups.h       finding the blocks around an address
 *	scopes.h       which section a block belongs to; finding the blocks of a section
 *	ledger.h       entering what a call has made
 *	release.h      releasing it; remembering it
 *	deletion.h     what happens to the blocks of a section that is deleted
 *	gaps.h         calls that could not be traced
 *	checkpoints.h  eras, by which a test counts its leaks
 *	judge.h        is a call right?
 *	describe.h     what a finding says of a block or a section
 *
 * The life of an entry. Between two states it is BUSY, while one thread changes it (entries.h).
 *
 *	from          to        by                              when
 *	NONE          LIVE      ledger_enter()                  a call made it
 *	gone          LIVE      ledger_enter()                  ... and used an entry that is forgotten
 *	not NONE      LIVE      ledger_enter(),                 its address was handed out again
 *	                        ledger_enter_again()
 *	LIVE          LIVE      release_suspect()               it was freed wrongly, or --fail let its
 *	                                                        release fail
 *	LIVE          RELEASED  judge_release_if_right(),       it is freed, by a call that cannot fail
 *	                        release_now()
 *	LIVE          RELEASED  release_to_new_owner()          it changes its owner
 *	LIVE          RELEASED  gaps_note_freed()               a call that is not traced frees it
 *	LIVE          DELETING  release_begin()                 it is freed or deleted, by a call that may fail
 *	LIVE          DELETING  deletion_begin()                ... its section is deleted
 *	DELETING      RELEASED  release_finish()                the host has done so
 *	DELETING      DELETED   deletion_finish()               ... with its section
 *	DELETING      LIVE      release_finish(),               the host has refused
 *	                        deletion_finish()
 *	DELETING      RELEASED  gaps_note_made()                a call that is not traced was given its address
 *	BUSY          NONE      ledger_inherit()                a fork() during a change
 *	DELETING      LIVE      ledger_inherit()                a fork() during the call: it is suspect
 *	DELETING      RELEASED  ledger_inherit()                ... and its handle is that of a new section
 *
 *	state         another thread finds              a reader of the file finds
 *	NONE          nothing                           nothing
 *	BUSY          nothing, or another entry at      the entry as it was, or nothing, or as it will be;
 *	              the same address                  never a mixture
 *	LIVE          it                                BLOCK, SECTION or SUSPECT
 *	DELETING      it, but not live                  DELETING, which is not judged
 *	RELEASED,     the same, unless the address      nothing
 *	DELETED       has a live entry
 *
 * What holds at any moment:
 *	- At most one entry at an address is LIVE.
 *	- A place in the file belongs to one entry at most.
 *	- What is LIVE or DELETING is in its groups (groups.h), and in the list of its section (scopes.h).
 *	- By time, the events of an address never contradict each other; see ledger_enter().
 */
#ifndef LSATRACE_PRELOAD_LEDGER_LEDGER_H
#define LSATRACE_PRELOAD_LEDGER_LEDGER_H

#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

/* Reserves memory. Once in a process and its children. Returns false if there is none. */
bool ledger_init(void);

/*
 * Enters what an acquiring call made: address, size, scope, stack, space, family, package, flags,
 * and tid and file, of `what`; the ledger fills in the rest. What was at that address has gone by
 * then. If `view` is not NULL it becomes the new entry. Returns false if there was no room, which
 * makes a gap (gaps.h).
 *
 * The time of the lane, at which the host's function had returned, is moved to after the release by
 * which the address had become free. The processor may have read its counter before the host's
 * allocator saw that the address was free.
 */
bool ledger_enter(struct lane *lane, const struct ledger_entry *what, struct ledger_view *view);

/* The same, but not for SPACE_SECTION, and fast where an older block was at the address and was freed, as is
 * usual. `expected` is as lookup_expect() returned it. */
bool ledger_enter_again(struct lane *lane, struct ledger_entry what, struct ledger_entry *expected);

/* What is live at an address is meant to live for ever: it is no leak. Returns false if nothing is
 * live there, or it is being changed. */
bool ledger_ignore(uint64_t address);

/* Visits a copy of each entry that is live, or has gone and is still known. What is being changed is
 * left out. */
void ledger_visit(void (*visit)(const struct ledger_view *view, void *context), void *context);

/* In a copy of the process: shows what was found of a live entry. */
void ledger_show_reach(uint32_t number, enum trace_reach reach);

/* In a forked child with a new file, under the cold lock: all that is live is marked as inherited
 * and shown in that file. `stack_now` translates references of stacks from the old file to the new
 * one. Costs what it costs to copy the entries once, and to write what shows them. */
void ledger_inherit(uint32_t (*stack_now)(uint32_t stack));

#endif
