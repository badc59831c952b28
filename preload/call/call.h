/* SPDX-License-Identifier: MIT */
/*
 * One traced call, from the shim's entry to its return:
 *
 *	call_enter()     the backtrace is taken, the call is in flight; false: pass it through
 *	                 an acquiring call has nothing more to do; a releasing one is judged and recorded
 *	call_host()      from here on the host runs, with its errno
 *	call_return()    false: this is another process by now, or the tracer itself was come upon
 *	                 an acquiring call is entered, then recorded; a releasing one completed
 *	call_leave()     the call is no longer in flight
 *
 * On the caller's stack; used by one thread.
 */
#ifndef LSATRACE_PRELOAD_CALL_CALL_H
#define LSATRACE_PRELOAD_CALL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "include/slots.h"
#include "preload/base/reentry.h"
#include "preload/file/lanes.h"
#include "preload/ledger/judge.h"

struct call {
	struct reentry_mark mark;
	struct lane *lane;
	struct trace_event *event; /* once recorded; NULL: the ring had no room */
	struct trace_chunk *chunk; /* in which it lies, with its sequence */
	uint64_t chunk_sequence;
	uint64_t caller;
	uint64_t address, section, size; /* as in struct trace_event */
	uint64_t began;                  /* ticks when the host's function was called */
	uint32_t trace;                  /* its number */
	uint32_t stack;
	uint32_t depth; /* calls in flight around this one */
	int saved_errno;
	enum trace_kind alarm; /* what --on-error is to be told of before the host goes on */
	enum trace_reason alarm_reason;
	uint8_t package;
	uint8_t slot;
};

/* `where` is package << 8 | slot; `frame_address` is that of the function in whose place the shim
 * jumped; the arguments are what a reader sees of the call in flight. */
bool call_enter(struct call *c, uint32_t where, const void *frame_address, uint64_t argument0,
		uint64_t argument1);
void call_host(struct call *c);
bool call_return(struct call *c);
void call_leave(struct call *c);

/* Records an acquiring call that has returned. */
void call_record_acquired(struct call *c, bool failed, int32_t result, enum trace_kind verdict);

/* Records a releasing call that is about to be made; then completes the record, and counts. */
void call_record_releasing(struct call *c, enum trace_kind verdict);
void call_complete(struct call *c, bool failed, int32_t result, enum trace_kind verdict);

/* Notes what is wrong with this call, if anything is. */
void call_note(struct call *c, const struct verdict *v);

/* The host's function failed, and nothing else is wrong. */
void call_note_failure(struct call *c, const struct verdict *v);

/* A block was live when its section was deleted by this call. False: it is no finding. */
bool call_note_left(struct call *c, const struct ledger_view *section,
		    const struct ledger_view *block);

enum family call_family(const struct call *c);

#endif
