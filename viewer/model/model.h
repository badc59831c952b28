/* SPDX-License-Identifier: MIT */
/*
 * What a trace says, in words of the domain: the process, its packages and functions, how often
 * each called which, what is live, which misuses were found and which calls are in flight. Built
 * once from a reader; after that it does not change. Everything that reports sees this, never a
 * record's bytes.
 *
 * Texts are terminated, valid UTF-8, and live as long as the model; unknown ones are NULL. They may
 * hold control characters: whoever writes to a terminal uses buffer_plain.
 *
 * One thread at a time: model_stack fills a cache.
 */
#ifndef LSATRACE_VIEWER_MODEL_MODEL_H
#define LSATRACE_VIEWER_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/read/reader.h"

struct model;
struct progress;

struct model_module {
	uint32_t id;   /* in its trace */
	char *path;    /* bytes as recorded, to open it; NULL if they are no path */
	char *name;    /* the path as a text */
	char *base;    /* its last component; "?" without a path */
	uint64_t load; /* what was added to the addresses of the module's file */
	uint8_t build_id[32];
	uint32_t build_id_bytes;
};

struct model_package {
	bool defined; /* the trace says more of it than its index */
	bool called;  /* it called something */
	bool unloaded;
	bool has_id;
	uint64_t id; /* PackageId */
	uint32_t table;
	char *name; /* "other" for TRACE_PACKAGE_OTHER */
	const struct model_module *module;
};

struct model_function {
	char *name; /* NULL: there is no function of that number */
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
	const struct model_module *module; /* NULL: none, or not known which */
	uint64_t offset;                   /* in the module's file; without a module, the address */
	uint64_t address;                  /* a return address */
	bool has_address;
};

struct model_stack {
	uint32_t frames;            /* at least 1 */
	bool truncated;             /* there were more */
	struct model_frame frame[]; /* innermost first */
};

struct model_entry {
	uint64_t address;
	uint64_t size;                     /* block: bytes asked for; section: MaxSize */
	uint64_t initial_size;             /* section */
	const struct model_entry *section; /* block: the live section that holds it, or NULL */
	bool in_section;                   /* block: it is of a section, live or not */
	bool inherited, adopted;
	bool has_descriptor; /* section: its memory is a file */
	uint32_t descriptor; /* of it, in the process */
	enum trace_entry_state state;
	uint32_t stack; /* reference for model_stack */
	uint8_t family;
	uint8_t package;
};

/* A family whose functions were not the host's, for one package. */
struct model_allocator {
	uint8_t package, family;
	enum trace_allocator allocator;
};

struct model_call {
	uint8_t function;
	uint8_t package;
	int32_t tid;
	uint32_t stack;
	uint64_t arguments[2];
};

/* Of calls: transfers are not counted here. */
struct model_events {
	uint64_t recorded, retained, overwritten, lost, torn;
	uint64_t ring_bytes;       /* of the file that hold events */
	int64_t first_ns, last_ns; /* the time from which they are; as model_time_ns */
};

/* Reads a trace. NULL: it could not be, `trouble` says why. `progress` may be NULL. */
struct model *model_open(const char *path, struct progress *progress, struct trouble *trouble);
void model_close(struct model *m);

const char *model_path(const struct model *m); /* as given to model_open, as a text */
const struct reader *model_reader(const struct model *m);

int32_t model_pid(const struct model *m);
int32_t model_ppid(const struct model *m);
const char *model_exe(const struct model *m);
size_t model_arguments(const struct model *m);
const char *model_argument(const struct model *m, size_t i);
uint64_t model_start_ns(const struct model *m); /* since 1970 */

/* RUNNING only if the process is still there: a process that left no end was killed. */
enum trace_end model_end(const struct model *m);
const char *model_end_text(const struct model *m); /* "exit", "exec", "killed", "running" */
bool model_exit_status(const struct model *m, int32_t *status); /* false: unknown */

const struct model_package *model_package(const struct model *m,
					  uint32_t index); /* < TRACE_PACKAGES */
const struct model_function *model_function(const struct model *m,
					    uint32_t number);     /* < TRACE_FUNCTIONS */
const char *model_family(const struct model *m, uint32_t number); /* < 256; NULL: no such family */
const struct model_counter *model_counter(const struct model *m, uint32_t package,
					  uint32_t function);

/* What a package handed over in returning from an entry point: `function` is one of the role
 * TRACE_ROLE_TRANSFER, which has no calls. */
const struct model_transfers *model_transfers(const struct model *m, uint32_t package,
					      uint32_t function);

/* How often a function was called, over all packages. */
uint64_t model_calls(const struct model *m, uint32_t function);

/* One for a package and family, if any. */
size_t model_allocators(const struct model *m);
const struct model_allocator *model_allocator(const struct model *m, size_t i);

size_t model_entries(const struct model *m);
const struct model_entry *model_entry(const struct model *m, size_t i);
size_t model_findings(const struct model *m);
const struct trace_finding *model_finding(const struct model *m, size_t i);
size_t model_in_flight(const struct model *m);
const struct model_call *model_call(const struct model *m, size_t i);

/* Decoded once, kept as long as the model. NULL: unknown. */
const struct model_stack *model_stack(struct model *m, uint32_t ref);
uint64_t model_stacks(const struct model *m); /* number of distinct ones in the trace */

/* Backtraces that were taken by both unwinders, and how many of them were not the same. */
uint64_t model_unwind_checked(const struct model *m);
uint64_t model_unwind_differences(const struct model *m);

/* Blocks and sections that should have been guarded and were not, and guarded ones that went to the
 * LSA as they were. */
uint64_t model_unguarded(const struct model *m);
uint64_t model_unmoved(const struct model *m);

uint64_t model_lost(const struct model *m, enum trace_lost what);
bool model_exact(const struct model *m); /* the results are no lower bound */

/* Goes through the ring, once. false: it could not be read. */
bool model_count_events(struct model *m, struct model_events *events, struct progress *progress,
			struct trouble *trouble);

/* Nanoseconds since the trace was begun; negative for what was before. */
int64_t model_time_ns(const struct model *m, uint64_t ticks);
uint64_t model_duration_ns(const struct model *m, uint64_t ticks);

#endif
