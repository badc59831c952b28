/* SPDX-License-Identifier: MIT */
/*
 * Bounds what debuginfod costs. elfutils asks the servers by itself, and waits 90 seconds for each
 * file, in silence. Here a server that sends nothing for 5 seconds is given up, and none is asked again
 * in this process; and what takes longer than a second shows a bar.
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_SERVER_H
#define LSATRACE_VIEWER_SYMBOLS_SERVER_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

struct buffer;
struct progress;

/* To be called before the session asks for debug information. `progress` may be NULL. */
void server_watch(Dwfl *dwfl, struct progress *progress);
/* From now on no server is asked. */
void server_forget(void);
/* The servers that are going to be asked, as DEBUGINFOD_URLS has them; NULL: none. */
const char *server_urls(void);
/* Undoes server_forget(). */
void server_remember(const char *urls);
/* Returns the servers that were given up, as DEBUGINFOD_URLS had them; NULL: none. */
const char *server_silent(void);
/* Appends the sentence that servers were given up after some seconds, as plain text. */
void server_write_silence(struct buffer *b, const char *urls, unsigned seconds);

#define SERVER_SECONDS 5

#endif
