/* SPDX-License-Identifier: MIT */
/*
 * The trace file: the only thing that the preload library and the viewer share.
 *
 * 1. Layout. The file consists of chunks of TRACE_CHUNK_BYTES; chunk n begins at byte n *
 *    TRACE_CHUNK_BYTES. Chunk 0 is the header of the file. Each other chunk begins with a struct
 *    trace_chunk, which says what it holds. Chunks at the end may never have been used: they have
 *    the kind TRACE_CHUNK_FREE and are all zero. Integers have the byte order of the writer
 *    (header.byte_order). There are no pointers. A *reference* is a byte offset in the file divided
 *    by TRACE_GRANULE; 0 means "none". An address is one of the traced process, and only a fact.
 *
 * 2. Writing. A traced process makes the file when it gives the first function table to a package.
 *    It maps the file shared and writes it with plain stores, so the file is complete even after
 *    kill -9. It may be read while it is written. The content of an item is written first, and last
 *    the one field that makes it valid (marked "valid when"). An item that never became valid is
 *    *torn* if it has any bytes that are not zero; otherwise it is unused.
 *
 * 3. Size. In ring mode the file never has more than header.max_chunks chunks. There is one pool
 *    for chunks of all kinds. When the pool is empty, the oldest ring chunk that no thread is
 *    writing is used again, for whatever is needed: history gives way to results. In full mode the
 *    file grows.
 *
 * 4. Exactness. Results (ledger, findings, stacks, counters) are never overwritten. What could not
 *    be kept is counted in header.lost. If any of these counters is not zero, the results are a
 *    lower bound; except for TRACE_LOST_EVENTS, which concerns only history.
 *
 * 5. Trust. A reader must treat the whole file as hostile, and check each reference, count and
 *    enumeration against the range given here.
 *
 * 6. Versions. A writer writes TRACE_VERSION. A reader reads every version from
 *    TRACE_VERSION_OLDEST on, and refuses a newer one. Version 1 differs from 2 in this only:
 *    functions have numbers below TRACE_COUNTERS_FUNCTIONS, and trace_counters.first and
 *    trace_lane.inside are reserved: they count as 0. Version 3 has more types of records, kinds and
 *    reasons, header.session, which is zero before, and events of returns of entry points. Version 4
 *    has header.returns; eras: header.first_era and last_era, and an era for each entry of the
 *    ledger, for which a chunk has fewer entries (TRACE_LEDGER_ENTRIES); chunks of checkpoints; and
 *    entries that are ignored. Version 5 has header.search and still_ns, which are zero before, and
 *    what the search has found in the upper bits of the eras of entries. Version 6 has calls that
 *    --fail let fail (TRACE_EVENT_INJECTED, reason INJECTED), sections that are suspect, the roles of functions that
 *    are not traced, and header.exception, exception_stack and start_ticks, which are zero before.
 *
 *    `lsatrace pack` makes a *packed* trace of one of any version: the same chunks, and behind them
 *    further ones of the log, with SYMBOL records. So a machine without the binaries names the same
 *    functions. header.packed is set. A packed trace is compressed with zstd. A reader also reads
 *    any other trace that was compressed with zstd or gzip.
 *
 * 7. Bounds of a reader. A trace of n bytes, counted in chunks that are in use, is read and
 *    reported with at most 64 MiB + 4n bytes of memory, and in time linear in n and in what is
 *    printed; the symbols of files that the trace names come on top. So that a short trace does
 *    not print gigabytes, names that a report may repeat are cut: those of families, functions,
 *    packages, modules and source files at TRACE_NAME_MAX bytes of UTF-8, an ellipsis at the end
 *    included. For a compressed file, n is counted after it was unpacked: into a file without a
 *    name, only the header.chunks chunks that count, and no more than 64 MiB + 1000 times the size
 *    of the compressed file, or it is refused. So are windows of zstd of more than 32 MiB.
 */
#ifndef LSATRACE_TRACE_FORMAT_H
#define LSATRACE_TRACE_FORMAT_H

#include <stdint.h>

#define TRACE_MAGIC "lsatrace" /* 8 bytes, no terminator */
#define TRACE_VERSION 6u
#define TRACE_VERSION_OLDEST 1u
#define TRACE_BYTE_ORDER 0x01020304u
#define TRACE_CHUNK_BYTES 16384u
#define TRACE_CHUNK_HEADER_BYTES 64u
#define TRACE_GRANULE 16u /* bytes; the unit of references */

#define TRACE_PACKAGES 65u           /* indices 0..63, and TRACE_PACKAGE_OTHER */
#define TRACE_PACKAGE_OTHER 64u      /* every package beyond the 64th */
#define TRACE_FUNCTIONS 128u         /* functions have numbers below this, over all families */
#define TRACE_COUNTERS_FUNCTIONS 32u /* functions of one struct trace_counters */
#define TRACE_FRAMES_MAX 256u
#define TRACE_IN_FLIGHT 8u /* at most so many nested calls of a thread are in the trace */

/* What a traced function does, and its prototype: a reader needs it to print an event. */
enum trace_role {
	TRACE_ROLE_CREATE_SECTION = 1,  /* PVOID (ULONG MaxSize, ULONG InitialSize) */
	TRACE_ROLE_DELETE_SECTION,      /* BOOLEAN (PVOID SharedMem) */
	TRACE_ROLE_ALLOCATE_IN_SECTION, /* PVOID (PVOID SharedMem, ULONG Size) */
	TRACE_ROLE_FREE_IN_SECTION,     /* VOID (PVOID SharedMem, PVOID Memory) */
	TRACE_ROLE_ALLOCATE,            /* PVOID (ULONG or SIZE_T Length) */
	TRACE_ROLE_FREE,                /* VOID (PVOID Base) */
	TRACE_ROLE_ALLOCATE_FOR_CLIENT, /* NTSTATUS (PLSA_CLIENT_REQUEST, ULONG, PVOID *) */
	TRACE_ROLE_FREE_FOR_CLIENT,     /* NTSTATUS (PLSA_CLIENT_REQUEST, PVOID) */
	TRACE_ROLE_OBTAIN, /* NTSTATUS (..., PVOID *Buffer, PULONG Length, ...): returns a block */
	TRACE_ROLE_TRANSFER, /* an entry point of the package, whose return hands a block over */
	/* Functions that are recorded only because --fail names them, by what they return. Their family
	 * is 0. What the host's function has returned is not known: RETURNED is set only in a call that
	 * --fail let fail. Version 6. */
	TRACE_ROLE_POINTER,
	TRACE_ROLE_BOOLEAN,
	TRACE_ROLE_STATUS,
	TRACE_ROLE_LAST = TRACE_ROLE_STATUS,
};

/*
 * Kinds of findings: X(constant, string, level); and their reasons: X(constant, string). Users rely
 * on the strings. To add a finding: a row here, the code that judges it (preload/ledger/judge.c),
 * and its sentence (viewer/findings/message.c).
 */
#define TRACE_KINDS(X) \
	X(NONE, "", NOTE) \
	X(BLOCK_LEAK, "block-leak", ERROR) \
	X(SECTION_LEAK, "section-leak", ERROR) \
	X(LIVE_AT_DELETE, "live-at-delete", WARNING) \
	X(MISMATCHED_FREE, "mismatched-free", ERROR) \
	X(DOUBLE_FREE, "double-free", ERROR) \
	X(FREE_AFTER_DELETE, "free-after-delete", ERROR) \
	X(INVALID_FREE, "invalid-free", ERROR) \
	X(INVALID_SECTION, "invalid-section", ERROR) \
	X(DOUBLE_DELETE, "double-delete", ERROR) \
	X(INVALID_DELETE, "invalid-delete", ERROR) \
	X(NULL_FREE, "null-free", WARNING) \
	X(FAILED_CALL, "failed-call", NOTE) \
	X(EXCHANGED_FREE, "exchanged-free", NOTE) \
	X(OVERFLOW, "overflow", ERROR) \
	X(UNDERFLOW, "underflow", ERROR) \
	X(USE_AFTER_FREE, "use-after-free", ERROR) \
	X(USE_AFTER_DELETE, "use-after-delete", ERROR) \
	X(WRONG_TRANSFER, "wrong-transfer", ERROR)

#define TRACE_REASONS(X) \
	X(NONE, "") \
	X(WRONG_SECTION, "wrong-section") \
	X(WRONG_DEALLOCATOR, "wrong-deallocator") \
	X(WRONG_CLIENT, "wrong-client") \
	X(UNKNOWN_ADDRESS, "unknown-address") \
	X(INTERIOR_POINTER, "interior-pointer") \
	X(SECTION_HANDLE, "section-handle") \
	X(DELETED, "deleted") \
	X(BLOCK, "block") \
	X(NULL, "null") \
	X(UNKNOWN, "unknown") \
	X(READ, "read") \
	X(WRITE, "write") \
	X(CANARY, "canary") \
	X(FREED, "freed") \
	X(WRONG_FAMILY, "wrong-family") \
	X(INJECTED, "injected")

#define TRACE_LEVELS(X) X(NOTE, "note") X(WARNING, "warning") X(ERROR, "error")

#define TRACE_ENUM_LEVEL(name, text) TRACE_LEVEL_##name,
#define TRACE_ENUM_KIND(name, text, level) TRACE_KIND_##name,
#define TRACE_ENUM_REASON(name, text) TRACE_REASON_##name,
enum trace_level { TRACE_LEVELS(TRACE_ENUM_LEVEL) };
enum trace_kind { TRACE_KINDS(TRACE_ENUM_KIND) TRACE_KIND_COUNT };
enum trace_reason { TRACE_REASONS(TRACE_ENUM_REASON) TRACE_REASON_COUNT };

/* The counters of header.lost: what could not be kept. */
enum trace_lost {
	TRACE_LOST_EVENTS,      /* calls without a record in the ring: history only */
	TRACE_LOST_STACKS,      /* calls whose backtrace could not be stored */
	TRACE_LOST_BLOCKS,      /* live blocks and sections for which there was no room */
	TRACE_LOST_JUDGEMENTS,  /* calls that could not be judged */
	TRACE_LOST_FINDINGS,    /* distinct findings for which there was no room */
	TRACE_LOST_DEFINITIONS, /* modules, packages and texts */
	TRACE_LOST_PACKAGES,    /* tables of packages that got no shims, or not all */
	TRACE_LOST_COUNT
};

enum trace_mode { TRACE_MODE_RING, TRACE_MODE_FULL };

/* How the process ended. If it says RUNNING and the process is gone, the process was killed. */
enum trace_end { TRACE_END_RUNNING, TRACE_END_EXIT, TRACE_END_EXEC, TRACE_END_KILLED };

/*
 * At its end the process may look for what still points to its live blocks and sections. What became of
 * that search: X(constant, why nothing is known).
 */
#define TRACE_SEARCHES(X) \
	X(NONE, "") /* it was not asked for */ \
	X(ASKED, "the process has not come to its end by exit() or _exit()") \
	X(STARTED, "the search was interrupted") \
	X(DONE, "") /* the entries say what was found */ \
	X(CONFINED, "the process had confined itself with seccomp") \
	X(STRAYS, "the tracer's own memory could not be told from the host's") \
	X(NO_PROCESS, "the process that searches could not be made") \
	X(OLD_KERNEL, "the kernel is older than 5.9, or a filter refuses what it takes") \
	X(NO_PROC, "/proc/self could not be read") \
	X(NO_MEMORY, "there was no memory for the search") \
	X(NO_TIME, "the search took too long")

#define TRACE_SEARCH_SECONDS 10u /* a search is given up after that time */

#define TRACE_ENUM_SEARCH(name, text) TRACE_SEARCH_##name,
enum trace_search { TRACE_SEARCHES(TRACE_ENUM_SEARCH) TRACE_SEARCH_COUNT };

/* What was found of a live block or section, the worst last: X(constant, string). */
#define TRACE_REACHES(X) \
	X(UNKNOWN, "") \
	X(REACHABLE, "reachable") /* memory that is in use still points to it, or into it */ \
	X(INDIRECT, "indirect")   /* only blocks point to it that are lost themselves */ \
	X(POSSIBLE, "possible") /* lost, but for memory that is perhaps in use, or was not seen */ \
	X(LOST, "lost")         /* nothing points to it any more */

#define TRACE_ENUM_REACH(name, text) TRACE_REACH_##name,
enum trace_reach { TRACE_REACHES(TRACE_ENUM_REACH) TRACE_REACH_COUNT };

/* One point in time by two clocks. The tick is the unit of all times in the file. */
struct trace_clock {
	uint64_t ticks;
	uint64_t monotonic_ns; /* CLOCK_MONOTONIC */
};

/* Chunk 0. Written before anybody can open the file by its name, except where noted. */
struct trace_header {
	char magic[8];        /* TRACE_MAGIC; valid when set: written last */
	uint32_t version;     /* TRACE_VERSION_OLDEST..TRACE_VERSION */
	uint32_t byte_order;  /* TRACE_BYTE_ORDER as the writer stores it */
	uint32_t chunk_bytes; /* TRACE_CHUNK_BYTES */
	uint32_t max_chunks;  /* bound of the file in chunks, this one included; 0 in full mode */
	uint32_t mode;        /* enum trace_mode */
	uint32_t machine;     /* EM_X86_64 and so on, of <elf.h> */
	int32_t pid;
	int32_t ppid;
	uint64_t pid_start;     /* field 22 of /proc/PID/stat, or 0: a pid may be given again */
	uint8_t boot_id[16];    /* of /proc/sys/kernel/random/boot_id, or zeroes */
	uint64_t start_time_ns; /* CLOCK_REALTIME when the trace was made */
	uint32_t depth;         /* most frames of a backtrace, 1..TRACE_FRAMES_MAX */
	uint32_t inherited; /* 1: made by a forked child, which has a copy of its parent's ledger */
	struct trace_clock clock_first;
	struct trace_clock clock_last[2]; /* changes; the newer one is clock_last[clock_index & 1] */
	uint32_t clock_index;
	/* The following change while the process runs. */
	uint32_t end;                /* enum trace_end */
	int32_t exit_status;         /* EXIT: the status; KILLED: 128 + signal */
	uint32_t chunks;             /* chunks handed out so far, this one included */
	uint64_t lost[8];            /* by enum trace_lost */
	uint64_t unwind_checked;     /* backtraces taken by both unwinders, with unwind=check */
	uint64_t unwind_differences; /* of these, how many were not equal */
	uint64_t unguarded; /* blocks and sections that should be guarded, and could not be */
	uint64_t unmoved; /* guarded blocks that the LSA got itself, for lack of room for a copy */
	/* Equal in all traces of one run of `lsatrace run` or `record`, and in no others: the end of
	 * the name of its session file. Zero in the trace of a process that has no such file.
	 * Written once, like what is above `end`. */
	char session[8];
	/* Eras number spans of time: a checkpoint begins one, and so does every TRACE_ERA_CHUNKS-th
	 * chunk of the ring. They grow; a forked child goes on counting. Version 4. */
	uint32_t first_era; /* when the trace was made */
	uint32_t last_era;  /* now; changes while the process runs */
	/* By number of a TRANSFER function: how often that entry point has returned, of all
	 * packages. Changes while the process runs. Version 4. */
	uint64_t returns[TRACE_FUNCTIONS];
	/* 0; in a packed trace 1 + enum trace_end, as it was known when it was packed: another
	 * machine cannot know whether the process still ran. */
	uint32_t packed;
	/* Version 5. Another process writes the outcome, when this one has ended. */
	uint32_t search;   /* enum trace_search */
	uint64_t still_ns; /* how long the process stood still for the search */
	/* Of a program for Windows that has ended since: the code of an exception that nobody has handled;
	 * valid when not 0. Version 6. */
	uint32_t exception;
	uint32_t exception_stack; /* where it was raised: a reference to a struct trace_stack, or 0 */
	/* The tick of start_time_ns. clock_first is older: when the library was loaded, in a forked child
	 * that of its parent. 0: not known, and taken for that of clock_first. Version 6. */
	uint64_t start_ticks;
};

/* A chunk has this header, and then items of one kind without gaps. */
enum trace_chunk_kind {
	TRACE_CHUNK_FREE,
	TRACE_CHUNK_LOG,         /* struct trace_record..., each TRACE_GRANULE aligned */
	TRACE_CHUNK_LEDGER,      /* struct trace_entry[TRACE_LEDGER_ENTRIES], and as many eras */
	TRACE_CHUNK_FINDINGS,    /* struct trace_finding[] */
	TRACE_CHUNK_LANES,       /* struct trace_lane[] */
	TRACE_CHUNK_COUNTERS,    /* struct trace_counters[] */
	TRACE_CHUNK_RING,        /* struct trace_event[] */
	TRACE_CHUNK_CHECKPOINTS, /* struct trace_checkpoint[] */
	TRACE_CHUNK_KINDS
};

struct trace_chunk {
	uint32_t kind; /* enum trace_chunk_kind; valid when not FREE */
	uint32_t lane; /* RING: number of the lane that writes it, or wrote it last */
	/* RING, LOG: numbers the chunks of this kind, from 1, in the order in which they were
	 * begun; 0 in a ring chunk that is being cleared */
	uint64_t sequence;
	/* RING, once it is full and its writer has left it: the times of its first and last event,
	 * so that a reader need not read the events; `records` is written last. 0 before that. */
	uint64_t first_time;
	uint64_t last_time;
	uint32_t records;   /* 0, or all that fit: TRACE_ITEMS(struct trace_event) */
	uint32_t transfers; /* RING: how many of its events are of functions with the role TRANSFER,
			       which are no calls; 0..all that fit */
	uint8_t reserved[24];
};

/*
 * One call, in a ring chunk. An acquiring call is recorded after it has returned, with the time of
 * its return. A releasing call is recorded before the host's function runs, with the time of that
 * moment; its result and duration are filled in later. So the events of one address, in the order
 * of time, never contradict each other.
 *
 * Or one transfer: a block that an entry point of a package returned, and that belongs to the LSA
 * or to a client from then on. It is recorded after the entry point has returned, before its caller
 * runs on.
 *
 * Or the return of that entry point, after its transfers. Its function has the role TRANSFER, and
 * RETURNED is set: the result is the NTSTATUS, the duration begins with the call; address, size,
 * caller and stack are 0.
 */
enum trace_event_state {
	TRACE_EVENT_COMMITTED = 1, /* valid when set */
	TRACE_EVENT_RETURNED = 2,  /* duration, result and FAILED are known */
	TRACE_EVENT_FAILED = 4,    /* the host's function returned NULL, FALSE or an error status */
	TRACE_EVENT_INJECTED = 8, /* with FAILED: it was not called, because of --fail; version 6 */
};

enum trace_receiver { TRACE_RECEIVER_LSA, TRACE_RECEIVER_CLIENT, TRACE_RECEIVERS };

struct trace_event {
	uint64_t time;     /* ticks */
	uint64_t duration; /* ticks spent in the host's function; valid with RETURNED */
	uint64_t address;  /* section or block that was returned, or is to be released */
	uint64_t section;  /* SharedMem, or the client request (also of role TRANSFER), or 0 */
	uint64_t size;     /* bytes asked for; CREATE_SECTION: MaxSize | InitialSize << 32 */
	uint64_t caller;  /* return address of the call; TRANSFER: of the call of the entry point */
	uint32_t stack;   /* reference to a struct trace_stack; 0: it could not be stored */
	int32_t tid;      /* kernel thread id */
	int32_t result;   /* NTSTATUS or BOOLEAN, if the function returns one; valid with RETURNED;
			   TRANSFER: number of the block's FAMILY definition | enum
			   trace_receiver << 8, and RETURNED is not set */
	uint8_t function; /* number of a FUNCTION definition, < TRACE_FUNCTIONS */
	uint8_t package;  /* index of a PACKAGE definition, < TRACE_PACKAGES */
	uint8_t verdict;  /* enum trace_kind, or 0 */
	uint8_t state;    /* bits of enum trace_event_state */
};

/* The log: records that are written once and never change. */
enum trace_record_type {
	TRACE_RECORD_STACK = 1,
	TRACE_RECORD_MODULE,
	TRACE_RECORD_MODULE_GONE, /* trace_text: number = module id, no text */
	TRACE_RECORD_FAMILY,      /* trace_text: number = family id (1..255), text = name */
	TRACE_RECORD_FUNCTION,    /* trace_text: number = function id | family << 8 | role << 16,
				     text = name; from TRANSFER on: family = 0 */
	TRACE_RECORD_PACKAGE,
	TRACE_RECORD_PACKAGE_NAME, /* trace_text: number = package index, text = UTF-8 name; the last
				      one counts */
	TRACE_RECORD_PACKAGE_GONE, /* trace_text: number = package index; no text: it was unloaded;
				      with a text: it failed to initialise */
	TRACE_RECORD_EXE,          /* trace_text: path of the executable */
	TRACE_RECORD_ARGUMENT,  /* trace_text: number = position, in ascending order; texts of one
				  position follow each other, and are joined */
	TRACE_RECORD_ALLOCATOR, /* trace_text: a family whose functions are not the host's. number =
				   package index | family id << 8 | enum trace_allocator << 16, no
				   text */
	TRACE_RECORD_PARAMETER, /* trace_text: a parameter by which an entry point returns memory.
				   number = function id | number of the parameter << 8, which is
				   1..TRACE_PARAMETERS-1 */
	TRACE_RECORD_DOUBT, /* trace_text: a table that was handed over as an LSA_DISPATCH_TABLE was
			       taken for one, though functions lie behind its slots, because a slot
			       holds neither a function nor NULL. number = package index | slot << 8,
			       where slot < TRACE_DOUBT_SLOTS; no text */
	TRACE_RECORD_SYMBOL, /* struct trace_symbol: only in a packed trace */
	TRACE_RECORD_TYPES
};

/* Which functions a package calls, if they are not the host's. */
enum trace_allocator {
	TRACE_ALLOCATOR_EMBEDDED,         /* lsatrace's, because the host has none */
	TRACE_ALLOCATOR_EMBEDDED_INSTEAD, /* lsatrace's, in place of the host's */
	TRACE_ALLOCATOR_LAST = TRACE_ALLOCATOR_EMBEDDED_INSTEAD,
};

#define TRACE_PARAMETERS 16u  /* the number of a PARAMETER is below this */
#define TRACE_DOUBT_SLOTS 30u /* the slot of a DOUBT is below this */

struct trace_record {
	uint32_t bytes; /* of the whole record, a multiple of TRACE_GRANULE; written first, so that
			   a reader can step over a record that never became valid; 0: step one
			   granule */
	uint16_t type;  /* enum trace_record_type */
	uint16_t committed; /* valid when 1 */
};

#define TRACE_TEXT_MAX 4096u /* longest text of one record; longer arguments take several */
#define TRACE_NAME_MAX 512u  /* longest name that a reader shows, in bytes */
#define TRACE_ARGUMENT_MAX \
	131072u /* longest argument that a reader shows: Linux has no longer ones */

struct trace_text {
	struct trace_record head;
	uint32_t number; /* see enum trace_record_type */
	uint32_t length; /* bytes of text, 0..TRACE_TEXT_MAX */
	char text[];     /* not terminated */
};

/*
 * One distinct backtrace, innermost frame first: the first frame is the caller of the hooked
 * function. A frame is a *return address*, so the call instruction ends just before it. The upper
 * 16 bits are the id of a module. The lower 48 bits are the offset from the module's base, which is
 * an address as the module's file has it. With id 0 they are the address itself, which lies in no
 * module.
 */
enum trace_stack_flags {
	TRACE_STACK_TRUNCATED = 1, /* as deep as header.depth: there were more frames */
};

#define TRACE_FRAME_OFFSET_BITS 48

struct trace_stack {
	struct trace_record head;
	uint32_t frames; /* 1..TRACE_FRAMES_MAX */
	uint32_t flags;  /* enum trace_stack_flags */
	uint64_t frame[];
};

enum trace_module_kind {
	TRACE_MODULE_ELF = 1,
	TRACE_MODULE_PE = 2, /* of 64 bits; an offset in it is an RVA */
	TRACE_MODULE_KINDS_END
};

/*
 * What tells one PE file from another, in place of a build-id, little-endian. The first two are by what a
 * symbol server finds the file, the last two its PDB.
 */
struct trace_pe_id {
	uint32_t stamp;       /* TimeDateStamp */
	uint32_t image_size;  /* SizeOfImage */
	uint32_t check_sum;   /* CheckSum */
	uint8_t pdb_guid[16]; /* of the CodeView record; zeroes: the file has none */
	uint32_t pdb_age;
};

/* A loaded file. If it is loaded again it gets a new id, so old stacks refer to the old one. */
struct trace_module {
	struct trace_record head;
	uint32_t id;             /* 1..65535 */
	uint32_t kind;           /* enum trace_module_kind */
	uint64_t base;           /* what was added to the addresses of the module's file */
	uint64_t start, end;     /* extent in memory */
	uint8_t build_id[32];    /* PE: a struct trace_pe_id */
	uint32_t build_id_bytes; /* 0..32; 0: the file has none; PE: 0 or 32 */
	uint32_t path_bytes;     /* 0..TRACE_TEXT_MAX */
	char path[];             /* not terminated */
};

enum trace_package_flags {
	TRACE_PACKAGE_NO_ID = 1, /* a client's package; or OTHER, which is several */
};

/* What a symbol is about. */
enum trace_symbol_kind {
	TRACE_SYMBOL_CODE, /* a function at an address of code; one of the stacks has it */
	TRACE_SYMBOL_DATA, /* the symbol that holds an address; a finding has it */
	TRACE_SYMBOL_GAP,  /* what kept the module's debug information from being read, in words */
	TRACE_SYMBOL_KINDS
};

#define TRACE_SYMBOL_PLACES 64u /* calls inlined into each other at one address */

/*
 * A symbol of a packed trace. If a module has any, they are all that its stacks and the findings need,
 * and its file is not looked for. Behind the struct lie three texts of UTF-8, each of at most
 * TRACE_NAME_MAX bytes and not terminated; one without bytes is unknown.
 */
struct trace_symbol {
	struct trace_record head;
	uint32_t module;         /* id */
	uint8_t kind;            /* enum trace_symbol_kind */
	uint8_t place;           /* CODE: 0 is the innermost one; < TRACE_SYMBOL_PLACES */
	uint16_t function_bytes; /* the name in the source; DATA: of the symbol; GAP: the words */
	uint64_t offset;         /* in the module, as frames have it; GAP: 0 */
	uint64_t number;         /* CODE: the line, or 0; DATA: how far behind its start */
	uint16_t linkage_bytes;  /* the symbol */
	uint16_t file_bytes;     /* the path of the source file */
	uint32_t inlined;        /* 0..1; 1: into the next place */
	char text[];
};

/* Not a package, but a table of the host's, which any packages use. The module holds the table. */
#define TRACE_TABLE_OF_HOST UINT32_MAX

struct trace_package {
	struct trace_record head;
	uint32_t index;      /* < TRACE_PACKAGES */
	uint32_t module;     /* id of a MODULE record, or 0 */
	uint64_t package_id; /* the PackageId that the host gave to Initialize */
	uint32_t table;      /* position in the array that SpLsaModeInitialize returned; or
				TRACE_TABLE_OF_HOST */
	uint32_t flags;      /* enum trace_package_flags */
};

/* The state of a ledger entry: a live section or block. A free entry may be used again. */
enum trace_entry_state {
	TRACE_ENTRY_FREE,
	TRACE_ENTRY_BLOCK, /* valid when one of these */
	TRACE_ENTRY_SECTION,
	TRACE_ENTRY_SUSPECT, /* a block that was freed wrongly, or whose release --fail let fail: neither a
				leak nor live-at-delete */
	TRACE_ENTRY_DELETING, /* a section that is being deleted, or a block in it: not judged */
	TRACE_ENTRY_IGNORED,  /* a block that is meant to live for ever: no leak */
	TRACE_ENTRY_IGNORED_SECTION, /* the same of a section; its blocks may still be leaks */
	TRACE_ENTRY_SUSPECT_SECTION, /* a section whose deletion --fail let fail: no leak; version 6 */
	TRACE_ENTRY_STATES
};

enum trace_entry_flags {
	TRACE_ENTRY_INHERITED = 1, /* made before this process was forked: no leak of this process */
	TRACE_ENTRY_ADOPTED = 2, /* a section whose creation was not seen: sizes and stack unknown */
};

/* The upper bits of a block's flags: 1 + number of the function that handed it out, if that is no
 * allocator; else 0. */
#define TRACE_ENTRY_FUNCTION_SHIFT 2

struct trace_entry {
	uint64_t address; /* of the block, or the section's handle */
	uint64_t size;    /* bytes asked for; SECTION: MaxSize | InitialSize << 32 */
	uint32_t section; /* block: reference to the entry of its section, or 0; section: 1 + the
			     number of a file descriptor for its memory in the process, or 0 */
	uint32_t stack;   /* reference to the stack that made it, or 0 */
	int32_t tid;      /* thread that made it */
	uint8_t state;    /* enum trace_entry_state */
	uint8_t flags;    /* enum trace_entry_flags */
	uint8_t family;   /* number of a FAMILY definition */
	uint8_t package;  /* package that made it */
};

/*
 * A chunk of the ledger has the entries first, and behind the last of them, from
 * TRACE_LEDGER_ERAS_OFFSET of the chunk on, the era in which each of them was made: uint32_t, written
 * before the state. Before version 4 there are no eras, and as many entries as fit. The upper bits of an
 * era are what the search has found of the entry: enum trace_reach << TRACE_ERA_BITS. An entry that is
 * made anew gets a new era, and so loses what was found of the old one. Before version 5 all bits are the
 * era's.
 */
#define TRACE_LEDGER_ENTRIES 453u
#define TRACE_LEDGER_ERAS_OFFSET \
	(TRACE_CHUNK_HEADER_BYTES + TRACE_LEDGER_ENTRIES * sizeof(struct trace_entry))
#define TRACE_ERA_CHUNKS 2u
#define TRACE_ERA_BITS 29u
#define TRACE_ERA_MOST ((1u << TRACE_ERA_BITS) - 1)

/* A mark in time that a test has set (lsatrace.h). The newest ones, at most TRACE_CHECKPOINTS; one
 * that is older is replaced. */
#define TRACE_CHECKPOINTS 256u
struct trace_checkpoint {
	uint32_t era; /* that it began; valid when not 0 */
	uint32_t reserved;
	uint64_t time;  /* ticks */
	char name[128]; /* ends with a NUL */
};

/* A section that a finding names. */
struct trace_section {
	uint64_t handle; /* 0: none */
	uint32_t max_size;
	uint32_t initial_size;
};

enum trace_finding_stacks {
	TRACE_STACK_CALL,
	TRACE_STACK_ALLOCATE,
	TRACE_STACK_FREE,
	TRACE_STACK_CREATE,
	TRACE_STACK_DELETE,
	TRACE_STACK_OWNER_CREATE,
	TRACE_FINDING_STACKS
};

enum trace_finding_flags {
	TRACE_FINDING_HAS_SECTION = 1,   /* `section` was named in the call */
	TRACE_FINDING_HAS_OWNER = 2,     /* `owner` is known */
	TRACE_FINDING_SECTION_SIZES = 4, /* section.max_size and .initial_size are known */
	TRACE_FINDING_OWNER_SIZES = 8,
	TRACE_FINDING_HAS_ADDRESS = 16, /* `address` was named in the call */
	TRACE_FINDING_HAS_SIZE = 32,    /* `size` is known */
};

/* What lies at an address that is no block. */
enum trace_place {
	TRACE_PLACE_UNKNOWN,
	TRACE_PLACE_UNMAPPED, /* nothing */
	TRACE_PLACE_IMAGE,    /* a loaded file: its code or its data */
	TRACE_PLACE_STACK,    /* the stack of the calling thread */
	TRACE_PLACE_HEAP,   /* the heap of the C library, between the program's end and the break */
	TRACE_PLACE_MAPPED, /* other memory */
	TRACE_PLACES
};

/*
 * One misuse, judged in the process. Kind, reason, family, function, package and stacks make it
 * distinct; the other fields are those of its first occurrence. Leaks are not here: they are what
 * the ledger holds at the end. A wrong access that the guarded allocator caught is no call: its
 * `function` is the one that allocates such blocks, and stack[TRACE_STACK_CALL] begins with the
 * frame that made the access.
 */
struct trace_finding {
	uint64_t count; /* occurrences; may still grow */
	uint64_t bytes; /* sum of the sizes of all occurrences; may still grow */
	uint64_t address;
	uint64_t size;
	struct trace_section section;
	struct trace_section owner;
	uint64_t first_time; /* ticks */
	uint64_t block;      /* where the block concerned begins; 0: unknown or none */
	uint32_t stack[TRACE_FINDING_STACKS]; /* references; 0: does not apply, or unknown */
	int32_t tid;
	uint32_t flags; /* enum trace_finding_flags */
	uint8_t kind;   /* enum trace_kind */
	uint8_t reason; /* enum trace_reason */
	uint8_t family; /* of the function called; 0: it is not traced, but failed by --fail */
	uint8_t function;
	uint8_t package;
	uint8_t committed;    /* valid when 1 */
	uint8_t block_family; /* family of the block concerned, or 0 */
	uint8_t parameter;  /* TRANSFER: number of a PARAMETER definition of the function; else 0 */
	uint8_t place;      /* UNKNOWN_ADDRESS: enum trace_place; else 0 */
	uint8_t handed_out; /* 1 + number of the function that handed out the block, if that is live
			       and the function no allocator; else 0 */
	uint16_t damage; /* CANARY: bytes from the first to the last that was overwritten, of which
			    `address` is the one next to the block; else 0 */
	uint32_t place_of; /* IMAGE: id of a MODULE record, or 0; STACK: kernel thread id */
};

/* A call that has not returned yet. */
struct trace_call {
	uint64_t time; /* ticks, at entry */
	uint64_t arguments[2];
	uint32_t stack; /* reference */
	uint8_t function;
	uint8_t package;
	uint8_t reserved[2];
};

/* The place of one thread in the trace. When the thread has ended, another thread may take it. */
struct trace_lane {
	uint32_t state;  /* 0 never used, 1 in use, 2 between threads */
	int32_t tid;     /* of its thread, or its last */
	uint32_t number; /* lanes are numbered from 0 */
	uint32_t depth; /* calls in flight: in_flight[0..min(depth, TRACE_IN_FLIGHT)-1] are valid */
	uint32_t inside; /* 0..1; 1: the tracer itself runs in this thread, or was left for good */
	uint8_t reserved[44];
	struct trace_call in_flight[TRACE_IN_FLIGHT];
};

/* Exact totals of one function's calls by one package in one lane. The sums over all lanes are the
 * process's. */
struct trace_counter {
	uint64_t calls; /* recorded calls, without acquiring ones in flight; TRANSFER: blocks handed
			    over */
	uint64_t failed; /* of these, calls in which the host's function failed */
	uint64_t bytes;  /* asked for in acquiring calls that succeeded; CREATE_SECTION: MaxSize;
			    TRANSFER: of the blocks handed over */
};

/* The counters of a package and lane, for TRACE_COUNTERS_FUNCTIONS functions that follow each other.
 * Written when the first of these functions is called; most packages need one such struct. */
struct trace_counters {
	uint32_t valid; /* valid when 1 */
	uint32_t lane;
	uint32_t package;
	uint32_t first; /* number of the first function, a multiple of TRACE_COUNTERS_FUNCTIONS */
	struct trace_counter function[TRACE_COUNTERS_FUNCTIONS];
	uint8_t padding[48];
};

#define TRACE_ITEMS(type) ((TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / sizeof(type))

_Static_assert(sizeof(struct trace_header) == 288 + 8 * TRACE_FUNCTIONS, "header");
_Static_assert(sizeof(struct trace_chunk) == TRACE_CHUNK_HEADER_BYTES, "chunk");
_Static_assert(sizeof(struct trace_event) == 64, "event");
_Static_assert(sizeof(struct trace_record) == 8, "record");
_Static_assert(sizeof(struct trace_text) == 16, "text");
_Static_assert(sizeof(struct trace_stack) == 16, "stack");
_Static_assert(sizeof(struct trace_module) == 80, "module");
_Static_assert(sizeof(struct trace_pe_id) == 32, "PE id");
_Static_assert(sizeof(struct trace_symbol) == 40, "symbol");
_Static_assert(sizeof(struct trace_package) == 32, "package");
_Static_assert(sizeof(struct trace_entry) == 32, "entry");
_Static_assert(TRACE_LEDGER_ERAS_OFFSET + TRACE_LEDGER_ENTRIES * sizeof(uint32_t) <=
		       TRACE_CHUNK_BYTES,
	       "ledger");
_Static_assert(sizeof(struct trace_checkpoint) == 144, "checkpoint");
_Static_assert(sizeof(struct trace_finding) == 128, "finding");
_Static_assert(sizeof(struct trace_lane) == 64 + 32 * TRACE_IN_FLIGHT, "lane");
_Static_assert(sizeof(struct trace_counters) == 832, "counters");
_Static_assert(TRACE_FUNCTIONS % TRACE_COUNTERS_FUNCTIONS == 0, "counters");
_Static_assert(TRACE_FUNCTIONS <= 256, "functions");
_Static_assert(TRACE_LOST_COUNT <= 8, "lost");
_Static_assert(TRACE_REACH_COUNT <= 1u << (32 - TRACE_ERA_BITS), "reach");

#endif
