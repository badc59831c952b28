/* SPDX-License-Identifier: MIT */
/*
 * The things that a model has: only the types. model.h says what holds for texts and pointers in
 * them.
 */
#ifndef LSATRACE_VIEWER_MODEL_TYPES_H
#define LSATRACE_VIEWER_MODEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct model_process {
	int32_t pid, ppid;
	const char *exe;      /* path */
	uint64_t start_ns;    /* when the trace was begun, since 1970 */
	enum trace_end end;   /* RUNNING only if the process is still there */
	const char *end_text; /* "running", "exit", "exec" or "killed" */
	bool has_exit_status; /* the following is known: */
	int32_t exit_status;  /* 128 + N if signal N killed it */
	uint32_t exception; /* of a program for Windows: the code of the one that ended it; or 0 */
	uint64_t stacks;    /* number of distinct backtraces */
	uint64_t unwind_checked;  /* backtraces taken by both unwinders */
	uint64_t unwind_differed; /* of these, how many were not equal */
	uint64_t unguarded;       /* blocks and sections that could not be guarded, but should be */
	enum trace_search search; /* what became of the search for lost blocks */
	const char *search_why;   /* why nothing is known of them; NULL: it is known */
	uint64_t still_ns;        /* how long the process stood still for the search */
	uint64_t unmoved;         /* guarded blocks that the LSA got, instead of a copy */
};

struct model_module {
	uint32_t id;    /* in its trace */
	uint32_t place; /* in the list of its model */
	enum trace_module_kind kind;
	const char *path; /* the bytes of the trace, for open(): path_bytes bytes, not terminated */
	uint32_t path_bytes;  /* 0: there are none, or they are no path */
	char *name;           /* the path, as a text */
	char *base;           /* its last component; "?" without a path */
	uint64_t load;        /* what was added to the addresses of the module's file */
	uint8_t build_id[32]; /* PE: a struct trace_pe_id */
	uint32_t build_id_bytes;
	uint64_t site; /* what include/site.h makes of it */
	/* Of a packed trace, for model_find_symbol(). 0: there are none, the file has to tell. */
	const struct trace_symbol *const *symbol;
	size_t symbols;
};

struct model_package {
	bool is_defined; /* the trace has more of it than its index */
	bool has_called; /* it called a function */
	bool is_unloaded;
	bool has_failed; /* it was unloaded because it failed to initialise */
	bool has_id;
	uint64_t id;        /* PackageId */
	bool is_host_table; /* whose code the packages are is not known; `module` holds the table */
	uint32_t doubt; /* the slot that made its table count as a dispatch table; 0: none did */
	char *name;     /* "other" for TRACE_PACKAGE_OTHER */
	const struct model_module *module;
};

struct model_function {
	char *name; /* NULL: there is no function with this number */
	uint8_t family;
	enum trace_role role;
	char *parameter[TRACE_PARAMETERS]; /* by which it returns memory; NULL: none */
};

struct model_counter {
	uint64_t calls, failed, bytes;
};

struct model_transfers {
	uint64_t blocks, bytes;
};

struct model_frame {
	const struct model_module *module; /* NULL: in no module, or in one that is not known */
	uint64_t offset;                   /* in the module's file; in no module: the address */
	uint64_t address;                  /* a return address */
	bool has_address;
};

struct model_stack {
	uint32_t frames;                            /* at least 1 */
	bool is_truncated;                          /* there were more */
	struct model_frame frame[TRACE_FRAMES_MAX]; /* innermost first */
};

/* A live section or block. */
struct model_entry {
	uint64_t address;
	uint64_t size;         /* block: bytes asked for; section: MaxSize */
	uint64_t initial_size; /* section */
	/* For model_entry(): the entry; and, of a block, the live section that holds it, or NULL. */
	const struct trace_entry *source, *section;
	bool in_section; /* block: it was allocated in a section, live or not */
	bool inherited, adopted;
	bool ignored; /* it is meant to live for ever; `state` is BLOCK or SECTION */
	/* Nobody could free it: model_excuse_live(); or it is a section, --fail let its deletion fail,
	 * and `state` is SECTION. */
	bool is_excused;
	uint32_t era;           /* in which it was made; only of model_next_entry() */
	enum trace_reach reach; /* the same: what the search has found of it */
	uint8_t handed_out;  /* block: 1 + number of the function, if it is no allocator; else 0 */
	bool has_descriptor; /* section: its memory is a file */
	uint32_t descriptor; /* of that file, in the process */
	enum trace_entry_state state;
	uint32_t stack; /* a reference, for model_stack() */
	uint8_t family;
	uint8_t package;
};

/* A call in flight. */
struct model_call {
	uint8_t function;
	uint8_t package;
	int32_t tid;
	uint32_t stack;
	uint64_t arguments[2];
};

/* What became of the calls. Transfers are not counted here. */
struct model_events {
	uint64_t recorded, retained, overwritten, lost, torn;
	uint64_t ring_bytes; /* bytes of the file that hold events */
	int64_t first_ns,
		last_ns; /* times of the first and last retained event, as model_time_ns() */
};

#endif
