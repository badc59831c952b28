/* SPDX-License-Identifier: MIT */
/*
 * What a trace says, in words of the domain: the process, its packages and functions, how often each
 * package called each function, what is live, which misuses were found, which calls are in flight. A
 * model is built once from a reader and does not change afterwards. Reports see models, never the
 * bytes of a record.
 *
 * Texts are terminated and valid UTF-8; an unknown text is NULL. They may hold control characters:
 * whoever writes them to a terminal uses buffer_plain(). Pointers are valid until model_close().
 *
 * For one thread at a time: model_stack() fills a cache.
 */
#ifndef LSATRACE_VIEWER_MODEL_MODEL_H
#define LSATRACE_VIEWER_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/read/trouble.h"

struct buffer;
struct model;
struct progress;
struct reader;

struct model_process {
	int32_t pid, ppid;
	const char *exe;       /* path */
	char *const *argument; /* of the command line */
	size_t arguments;
	uint64_t start_ns;        /* when the trace was begun, since 1970 */
	enum trace_end end;       /* RUNNING only if the process is still there */
	const char *end_text;     /* "running", "exit", "exec" or "killed" */
	bool has_exit_status;     /* the following is known: */
	int32_t exit_status;      /* 128 + N if signal N killed it */
	uint64_t stacks;          /* number of distinct backtraces */
	uint64_t unwind_checked;  /* backtraces taken by both unwinders */
	uint64_t unwind_differed; /* of these, how many were not equal */
	uint64_t unguarded;       /* blocks and sections that could not be guarded, but should be */
	uint64_t unmoved;         /* guarded blocks that the LSA got, instead of a copy */
};

struct model_module {
	uint32_t id;   /* in its trace */
	char *path;    /* the bytes of the trace, for open(); NULL if they are no path */
	char *name;    /* the path, as a text */
	char *base;    /* its last component; "?" without a path */
	uint64_t load; /* what was added to the addresses of the module's file */
	uint8_t build_id[32];
	uint32_t build_id_bytes;
};

struct model_package {
	bool is_defined; /* the trace has more of it than its index */
	bool has_called; /* it called a function */
	bool is_unloaded;
	bool has_id;
	uint64_t id; /* PackageId */
	uint32_t table;
	char *name; /* "other" for TRACE_PACKAGE_OTHER */
	const struct model_module *module;
};

struct model_function {
	char *name; /* NULL: there is no function with this number */
	uint8_t family;
	enum trace_role role;
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
	uint32_t frames;            /* at least 1 */
	bool is_truncated;          /* there were more */
	struct model_frame frame[]; /* innermost first */
};

/* A live section or block. */
struct model_entry {
	uint64_t address;
	uint64_t size;                     /* block: bytes asked for; section: MaxSize */
	uint64_t initial_size;             /* section */
	const struct model_entry *section; /* block: the live section that holds it, or NULL */
	bool in_section;                   /* block: it was allocated in a section, live or not */
	bool inherited, adopted;
	bool has_descriptor; /* section: its memory is a file */
	uint32_t descriptor; /* of that file, in the process */
	enum trace_entry_state state;
	uint32_t stack; /* a reference, for model_stack() */
	uint8_t family;
	uint8_t package;
};

/* A family whose functions are not the host's, for one package. */
struct model_allocator {
	uint8_t package, family;
	enum trace_allocator allocator;
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

/* Reads a trace. Returns NULL with the trouble filled in. `progress` may be NULL. */
struct model *model_open(const char *path, struct progress *progress, struct trouble *trouble);
/* Accepts NULL. */
void model_close(struct model *m);

const char *model_path(const struct model *m); /* as given to model_open(), as a text */
const struct reader *model_reader(const struct model *m);
const struct model_process *model_process(const struct model *m);

/* `index` and `package` < TRACE_PACKAGES, `function` < TRACE_FUNCTIONS, `family` < 256 */
const struct model_package *model_package(const struct model *m, uint32_t index);
const struct model_function *model_function(const struct model *m, uint32_t function);
const char *model_family(const struct model *m, uint32_t family); /* NULL: no such family */
const struct model_counter *model_counter(const struct model *m, uint32_t package,
					  uint32_t function);

/* What a package handed over. `function` has the role TRACE_ROLE_TRANSFER, and has no calls. */
const struct model_transfers *model_transfers(const struct model *m, uint32_t package,
					      uint32_t function);

/* The number of calls of a function, over all packages. */
uint64_t model_calls(const struct model *m, uint32_t function);

/* Appends a package's name as plain text, or "#3" if it has none. */
void model_write_package(const struct model *m, uint32_t index, struct buffer *to);

/* Lists: the number of items, and the i-th. There is at most one allocator for a package and family. */
size_t model_allocators(const struct model *m);
const struct model_allocator *model_allocator(const struct model *m, size_t i);
size_t model_entries(const struct model *m);
const struct model_entry *model_entry(const struct model *m, size_t i);
size_t model_findings(const struct model *m);
const struct trace_finding *model_finding(const struct model *m, size_t i);
size_t model_in_flight(const struct model *m);
const struct model_call *model_call(const struct model *m, size_t i);

/* Returns the stack that a reference leads to. NULL: unknown. */
const struct model_stack *model_stack(struct model *m, uint32_t ref);

uint64_t model_lost(const struct model *m, enum trace_lost what);
/* False: the results are a lower bound. */
bool model_is_exact(const struct model *m);

/* Reads the ring, and counts its events. Returns false with the trouble filled in. */
bool model_count_events(const struct model *m, struct model_events *events,
			struct progress *progress, struct trouble *trouble);

/* Returns nanoseconds since the trace was begun; negative for an earlier time. */
int64_t model_time_ns(const struct model *m, uint64_t ticks);
uint64_t model_duration_ns(const struct model *m, uint64_t ticks);

#endif
