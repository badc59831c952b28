/* SPDX-License-Identifier: MIT */
/*
 * What a trace says, in words of the domain: the process, its packages and functions, how often
 * each package called each function, what is live, which misuses were found, which calls are in
 * flight. A model is built once from a reader, and only model_look_since() changes it afterwards.
 * Reports see models, never the bytes of a record.
 *
 * Texts are terminated and valid UTF-8; an unknown text is NULL. They may hold control characters:
 * whoever writes them to a terminal uses buffer_plain(). Pointers are valid until model_close().
 *
 * A model takes little memory beside the bytes of the trace: entries, findings, arguments and stacks
 * are decoded when they are asked for. Names of families, functions, packages and modules are cut at
 * TRACE_NAME_MAX bytes.
 *
 * Safe from any thread, but for opening and closing.
 */
#ifndef LSATRACE_VIEWER_MODEL_MODEL_H
#define LSATRACE_VIEWER_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/model/types.h"
#include "viewer/read/reader.h"

struct buffer;
struct model;
struct progress;

/* Reads a trace. Returns NULL with the trouble filled in. `progress` may be NULL. */
struct model *model_open(const char *path, struct progress *progress, struct trouble *trouble);
/* Accepts NULL. */
void model_close(struct model *m);

const char *model_path(const struct model *m); /* as given to model_open(), as a text */
const struct reader *model_reader(const struct model *m);
const struct model_process *model_process(const struct model *m);
/* Was the process killed? A program for Windows exits then, because of an exception, or with the status that a shell
 * would have. */
bool model_was_killed(const struct model *m);

/* What an exception of Windows is; NULL: that code is not known as one. */
const char *model_exception(uint32_t code);

/* Where the exception was raised that ended the process, and the package to whose code that belongs, or
 * TRACE_PACKAGE_OTHER. Returns `stack`, or NULL if there was none, or its stack is not known. */
const struct model_stack *model_crash(const struct model *m, struct model_stack *stack,
				      uint32_t *package);

/* `index` and `package` < TRACE_PACKAGES, `function` < TRACE_FUNCTIONS, `family` < 256 */
const struct model_package *model_package(const struct model *m, uint32_t index);
/* Was any package initialised? */
bool model_has_package(const struct model *m);
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

/* The number of modules, and the i-th. */
uint32_t model_modules(const struct model *m);
const struct model_module *model_module(const struct model *m, uint32_t i);

/* The module with an id; NULL: there is none. */
const struct model_module *model_module_of(const struct model *m, uint32_t id);

/* Whose functions a package calls, of a family. Returns false if they are the host's. */
bool model_allocator(const struct model *m, uint32_t package, uint32_t family,
		     enum trace_allocator *allocator);

/* The symbols of a module of a packed trace at an offset: the innermost one first, and how many. */
const struct trace_symbol *const *model_find_symbol(const struct model_module *module,
						    enum trace_symbol_kind kind, uint64_t offset,
						    size_t *count);

/*
 * Each gives the next argument of the command line, live entry or misuse, with a cursor that starts
 * zeroed; false or NULL after the last. An argument is appended to `text`, and cut at
 * TRACE_ARGUMENT_MAX bytes.
 */
bool model_next_argument(const struct model *m, struct reader_cursor *c, struct buffer *text);
bool model_next_entry(const struct model *m, struct reader_cursor *c, struct model_entry *entry);
const struct trace_finding *model_next_finding(const struct model *m, struct reader_cursor *c);

/* The marks in time that the process has set, with a cursor as above. The name is a text. */
const struct trace_checkpoint *model_next_checkpoint(const struct model *m, struct reader_cursor *c);
/* From now on, model_next_entry() and model_next_finding() give only what was made, or was noticed
 * first, after a checkpoint. Returns false if there is none of that name; then nothing is changed. */
bool model_look_since(struct model *m, const char *checkpoint);

/* Is this live block or section a leak? */
bool model_is_leak(const struct model_entry *entry);

/* From now on only leaks count of which the search has found one of `kinds`, in bits by enum trace_reach;
 * and those of which nothing is known. At first all do. */
void model_set_leak_kinds(struct model *m, unsigned kinds);
bool model_has_leak_kind(const struct model *m, enum trace_reach reach);
/* From now on what is live is no leak: the process had no chance to free it. */
void model_excuse_live(struct model *m);

/* Decodes an entry once more. */
struct model_entry model_entry(const struct model *m, const struct trace_entry *source);

/* The number of calls in flight, and the i-th. */
size_t model_in_flight(const struct model *m);
const struct model_call *model_call(const struct model *m, size_t i);

/* Gives the threads that lived at the end and have called, one after another: the id in `tid`. Returns false after the
 * last. The cursor starts zeroed. */
bool model_next_thread(const struct model *m, struct reader_cursor *c, int32_t *tid);

/* Decodes the stack that a reference leads to into `room`, and returns `room`. NULL: unknown. */
const struct model_stack *model_stack(const struct model *m, uint32_t ref, struct model_stack *room);

/* Does a frame lie in the module of a package, or in an earlier load of it? `package` < TRACE_PACKAGES. */
bool model_is_in_package(const struct model *m, uint32_t package, const struct model_frame *frame);

/* The site of a call of a package (include/site.h); 0: its stack is not known. */
uint64_t model_site(const struct model *m, uint32_t package, uint32_t function, uint32_t stack);

/* The innermost frame that lies in the package, or else the innermost of all; NULL: no stack. */
const struct model_frame *model_own_frame(const struct model *m, uint32_t package,
					  const struct model_stack *stack);

/* Do both have one build-id? */
bool model_is_same_build(const struct model_module *one, const struct model_module *other);

/* Is it the C library, or the loader, or one of those of Windows? `module` may be NULL. */
bool model_is_c_library(const struct model_module *module);

uint64_t model_lost(const struct model *m, enum trace_lost what);
/* False: the results are a lower bound. */
bool model_is_exact(const struct model *m);

/* Reads the ring, and counts its events. Returns false with the trouble filled in. */
bool model_count_events(const struct model *m, struct model_events *events,
			struct progress *progress, struct trouble *trouble);

/* How often an entry point returned; `function` has the role TRACE_ROLE_TRANSFER. 0: never, or not
 * known. */
uint64_t model_returns(const struct model *m, uint32_t function);
/* The eras in which the trace was begun, and which is the last one. */
uint32_t model_first_era(const struct model *m);
uint32_t model_last_era(const struct model *m);
/* How long the trace is, as far as is known. */
uint64_t model_span_ns(const struct model *m);

/* Returns nanoseconds since the trace was begun; negative for an earlier time. Impossible times of a
 * damaged trace are held within 146 years, so that the difference of two times has no overflow, nor has
 * the sum of a time and a duration. */
#define MODEL_TIME_MOST (INT64_MAX / 2)
int64_t model_time_ns(const struct model *m, uint64_t ticks);
uint64_t model_duration_ns(const struct model *m, uint64_t ticks);

#endif
