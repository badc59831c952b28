/* SPDX-License-Identifier: MIT */
/*
 * The steps of one traced call, in the order in which a shim takes them:
 *
 *	call_enter()      takes the backtrace and shows the call as in flight.
 *	                  False: the call cannot be traced; pass it on to the host.
 *	                  A releasing call is now judged and recorded (call_record_releasing()).
 *	call_host()       leaves the tracer: restores errno, and stops the process if --on-error says so.
 *	                  The host's function runs.
 *	call_return()     enters the tracer again.
 *	                  False: this is another process by now, or there is no lane; only return.
 *	                  An acquiring call is now entered in the ledger and recorded
 *	                  (call_record_acquired()); the record of a releasing one is completed
 *	                  (call_complete()).
 *	call_leave()      leaves the tracer. The call is no longer in flight.
 *
 * Any thread. struct call belongs to the shim and is used by one thread only. In the shims of the most
 * frequent calls, nothing keeps its address: then it is no more than some variables of the shim, and
 * what is never asked for is never stored. What is not inlined there gets a copy.
 */
#ifndef LSATRACE_PRELOAD_CALL_CALL_H
#define LSATRACE_PRELOAD_CALL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "include/slots.h"
#include "preload/base/reentry.h"
#include "preload/base/slots.h"
#include "preload/file/lanes.h"

struct call {
	struct reentry_mark *mark;
	struct lane *lane;
	struct trace_event *event; /* NULL: not recorded, or the ring had no room */
	struct trace_chunk *chunk; /* in which the event lies, and the sequence of the chunk then */
	uint64_t chunk_sequence;
	uint64_t caller;                 /* return address of the call */
	uint64_t address, section, size; /* as in struct trace_event */
	uint64_t began;                  /* ticks when the call was entered */
	uint32_t trace;                  /* trace_number() then */
	uint32_t stack;                  /* reference; 0: it could not be stored */
	uint32_t depth;                  /* calls in flight around this one */
	int saved_errno;                 /* the host's */
	enum trace_kind alarm;           /* what --on-error has to know before the call goes on */
	enum trace_reason alarm_reason;
	uint32_t where; /* package << 8 | slot */
};

/* `mark` lies in the frame of the shim's body, as `c` does. `where` is package << 8 | slot. `frame_address`
 * is that of the body, in which the backtrace begins. The arguments are what a reader sees of the call
 * while it is in flight. */
bool call_enter(struct call *c, struct reentry_mark *mark, uint32_t where,
		const void *frame_address, uint64_t argument0, uint64_t argument1);
void call_host(struct call *c);
bool call_return(struct call *c);
void call_leave(struct call *c);

/* Records and counts an acquiring call that has returned; `bytes` is what it has asked for. `result`: of
 * functions that return NTSTATUS. */
void call_record_acquired(struct call *c, uint64_t bytes, bool has_failed, int32_t result,
			  enum trace_kind verdict);

/* Records and counts a releasing call before the host's function runs. */
void call_record_releasing(struct call *c, enum trace_kind verdict);

/* Completes its record with what the host's function has returned. */
void call_complete(struct call *c, bool has_failed, int32_t result, enum trace_kind verdict);

static inline uint8_t call_slot(const struct call *c)
{
	return (uint8_t)c->where;
}

static inline uint8_t call_package_index(const struct call *c)
{
	return (uint8_t)(c->where >> 8);
}

static inline enum family call_family(const struct call *c)
{
	return slot_family[call_slot(c)];
}

/* Was the call, which has failed, made to fail by --fail (fail.h)? */
static inline bool call_is_injected(const struct lane *lane, uint32_t where)
{
	return lane->injected == where + 1;
}

/* The bytes that the call asks for; CreateSharedMemory: MaxSize. */
static inline uint64_t call_bytes(const struct call *c)
{
	return slot_role[call_slot(c)] == TRACE_ROLE_CREATE_SECTION ? (uint32_t)c->size : c->size;
}

#endif
