/* SPDX-License-Identifier: MIT */
/*
 * What is live, and what went lately: every section and block, by address.
 *
 * The truth is in private memory, where a forked child finds it as it was at the fork; what is live
 * is shown in the file as well. Any number of threads at once, without a lock: an entry changes hands
 * by a compare and swap of its life, which bears a version, so a view of it can be told to be stale.
 * Addresses are of one of three spaces, which have nothing to do with each other: the host's own, the
 * handles of sections, and, for each client request, the client's.
 *
 * What went is remembered until at least LEDGER_REMEMBERED more blocks have gone.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_LEDGER_H
#define LSATRACE_PRELOAD_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "preload/file/lanes.h"

enum { LEDGER_REMEMBERED = 65536 };

enum ledger_space { SPACE_BLOCK, SPACE_SECTION, SPACE_CLIENT };

enum ledger_life {
	LIFE_NONE,
	LIFE_BUSY, /* being changed by a thread */
	LIFE_LIVE,
	LIFE_DELETING, /* its section's deletion, or its own release, is in flight */
	LIFE_RELEASED, /* a block that was freed, or a section that was deleted */
	LIFE_DELETED,  /* a block that was live when its section was deleted */
};

enum ledger_flags {
	LEDGER_INHERITED = TRACE_ENTRY_INHERITED,
	LEDGER_ADOPTED = TRACE_ENTRY_ADOPTED,
	LEDGER_OBTAINED = 16, /* a function that is no allocator gave it, and said how long it is */
	LEDGER_RETURNED = 32, /* of these, by CallPackage or its like: for FreeReturnBuffer */
	LEDGER_TRANSFERRED = 64, /* gone by changing hands: a free of it is not judged */
	LEDGER_SUSPECT = 128,    /* was freed wrongly: nothing is held against it from now on */
};

struct ledger_entry {
	uint64_t life;    /* enum ledger_life | version << 8 */
	uint64_t address; /* block, or section handle */
	uint64_t size;    /* bytes asked for; section: MaxSize | InitialSize << 32 */
	uint64_t scope; /* block: its section (ledger_scope), or 0; section: its serial number; client
			     buffer: the request */
	uint32_t slot;  /* reference of its struct trace_entry; 0: the file had no room */
	uint32_t stack; /* that made it */
	uint32_t gone_stack;
	union {
		uint32_t era; /* live: in which it was made */
		uint32_t gone_epoch;
	};
	uint8_t space, family, package, flags;
	union {
		struct {
			int32_t tid;
			uint32_t file; /* section: as struct trace_entry has it */
		};
		uint64_t gone_time; /* of the call by which it went */
	};
};

_Static_assert(sizeof(struct ledger_entry) == 64, "a cache line");

/* An entry as it was at one moment. number 0: there is none. */
struct ledger_view {
	uint32_t number;
	struct ledger_entry entry;
};

bool ledger_init(void);

/* What is at an address. `request` matters in SPACE_CLIENT only. True: there is something, live or
 * gone; the view holds it. */
bool ledger_find(enum ledger_space space, uint64_t address, uint64_t request,
		 struct ledger_view *view);

/* The number of what probably is in SPACE_BLOCK at an address that is going to be released or entered;
 * 0: nothing is. What that reads is fetched meanwhile. */
uint32_t ledger_expect(uint64_t address);

static inline enum ledger_life ledger_life(const struct ledger_view *view)
{
	return view->number ? (enum ledger_life)(view->entry.life & 0xff) : LIFE_NONE;
}

static inline bool ledger_is_live(const struct ledger_view *view)
{
	return ledger_life(view) == LIFE_LIVE;
}

/* The live block that an address lies strictly inside of. Slow: for calls that are wrong anyway. */
bool ledger_find_around(enum ledger_space space, uint64_t address, uint64_t request,
			struct ledger_view *view);

/* The live client buffer at an address under any request. Slow, too. */
bool ledger_find_client(uint64_t address, struct ledger_view *view);

/* How a block names its section. */
static inline uint64_t ledger_scope(const struct ledger_view *section)
{
	return section->number ? section->entry.scope << 32 | section->number : 0;
}

/* The section of a block, as it is now. False: it has none, or it is forgotten. */
bool ledger_section_of(const struct ledger_view *block, struct ledger_view *section);

/*
 * Enters what an acquiring call made; life, slot, era, gone_* are the ledger's to fill. What was
 * known of the address before is over. False: no room, which is counted. `view`, if not NULL, becomes
 * the new entry.
 *
 * The lane's time, at which the host's function had returned, is made later than that of the release
 * by which the address came free: the processor may have read its counter before the host's
 * allocator saw that it is free. So the events of an address, by time, never contradict each other.
 */
bool ledger_enter(struct lane *lane, const struct ledger_entry *what, struct ledger_view *view);

/* The scope of the live section that has a handle; 0: there is none, or it is just being changed. */
uint64_t ledger_live_section(uint64_t handle);

/* A release in which nothing is wrong, as nearly all are. */
struct ledger_usual {
	uint64_t address;
	uint32_t expected;  /* as by ledger_expect() */
	uint64_t section;   /* FAMILY_SHARED_MEMORY: the handle that was named */
	enum family family; /* of the function that was called */
	uint8_t flags;      /* LEDGER_RETURNED: of it are blocks that were returned */
};

/* The live block there goes, if this is such a release. False: nothing has changed; judge it. */
bool ledger_release_usual(struct lane *lane, const struct ledger_usual *usual, uint32_t stack);

/* As ledger_enter(), for what is in SPACE_BLOCK, when most probably an older one is known there. */
bool ledger_enter_again(struct lane *lane, const struct ledger_entry *what, uint32_t expected);

/* The viewed entry goes. False: it has changed since it was viewed; view it again. */
bool ledger_release(struct lane *lane, const struct ledger_view *view, uint32_t stack);

/* The viewed block changes hands: it goes, and nothing is held against who frees it. */
bool ledger_transfer(struct lane *lane, const struct ledger_view *view);

/* A block was freed that could not be traced: it goes without a word. Without a lane: from a signal
 * handler that came upon the tracer. */
void ledger_forget(enum ledger_space space, uint64_t address, uint64_t request);

/* The host made something at an address by a call that could not be traced: what is known of an older
 * one there holds no longer. As safe as ledger_forget(). */
void ledger_miss(enum ledger_space space, uint64_t address, uint64_t request);

/*
 * The same in two steps, for a release that may be refused: begin, then finish as gone or as live
 * again. An address that was handed out again in between stays as it is.
 */
bool ledger_begin_release(const struct ledger_view *view);
void ledger_finish_release(struct lane *lane, const struct ledger_view *view, bool gone,
			   uint32_t stack);

/* Nothing is held against the viewed block from now on. */
void ledger_suspect(const struct ledger_view *view);

/* All live blocks of a section whose deletion is in flight share its fate. Returns how many. */
uint32_t ledger_begin_delete(const struct ledger_view *section);
/* Calls `left` for each block that was live when its section went. Returns how many blocks there were:
 * fewer than begun with, if addresses were handed out again in between. */
uint32_t ledger_finish_delete(struct lane *lane, const struct ledger_view *section, bool gone,
			      uint32_t stack,
			      void (*left)(const struct ledger_view *block, void *context),
			      void *context);

/* Begins an era, and returns its number, from 1. What is made from now on is of it. */
uint32_t ledger_begin_era(void);

/* How many blocks and sections made in an era or after it are live and this process's own. Slow. */
size_t ledger_count_since(uint32_t era);

/* True once an acquiring call could not be entered: from then on an unknown address proves nothing. */
bool ledger_has_gaps(void);
void ledger_note_gap(void);

/* In a forked child, with a new file, under the cold lock: all that is live is inherited, and shown
 * in the new file. `stack_now` translates references of stacks. */
void ledger_inherit(uint32_t (*stack_now)(uint32_t stack));

#endif
