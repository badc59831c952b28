/* SPDX-License-Identifier: MIT */
/*
 * The session file, by which `lsatrace run` and `record` learn which traces their command made.
 * They put its path into the environment (SESSION_VARIABLE); viewer/record/session.h describes its
 * lines. Without that variable nothing happens here. Keeps no descriptor open. Async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_FILE_SESSION_FILE_H
#define LSATRACE_PRELOAD_FILE_SESSION_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* At start-up: a host may clear its environment later. */
void session_file_init(void);

/* Returns "" if there is none. */
const char *session_file_path(void);

/* Adds the path of a trace that this process has made. */
void session_file_add_trace(const char *path, size_t bytes);

/* Adds the reason why this process is not traced. Returns false if there is no file for it. */
bool session_file_add_refusal(const char *reason, size_t bytes);

/* Adds a program that this process executes untraced: its name, and why. */
void session_file_add_untraced(const char *text, size_t bytes);

/* Adds what Wine has mapped in this process, which has no trace. */
void session_file_add_wine(const char *text, size_t bytes);

#endif
