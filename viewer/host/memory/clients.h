/* SPDX-License-Identifier: MIT */
/*
 * The clients of the LSA, each a process with an address space of its own. The addresses of all clients begin at the same
 * one, so different clients have the same addresses. In the host nothing can be accessed there: a package reaches the
 * memory of a client by CopyToClientBuffer and CopyFromClientBuffer, or not at all. Any thread.
 *
 * Each thread has at most one client at a time: the one that its present call is made for.
 */
#ifndef LSATRACE_HOST_MEMORY_CLIENTS_H
#define LSATRACE_HOST_MEMORY_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"

struct client;

/* Begins a client, which has no privilege unless it is trusted. */
struct client *client_new(bool is_trusted);
/* Ends it. From then on its request is unknown. */
void client_end(struct client *client);

PLSA_CLIENT_REQUEST client_request(struct client *client);
ULONG client_process(const struct client *client);
bool client_is_trusted(const struct client *client);

/* Returns the client of a request; that of the thread's call, if it is NULL; or NULL. */
struct client *client_find(PLSA_CLIENT_REQUEST request);

/* Sets the client of the calling thread's call, which may be NULL. Returns the one before. */
struct client *client_enter(struct client *client);
struct client *client_current(void);

/* Returns an address of the client, or NULL. */
void *client_allocate(struct client *client, size_t bytes);
/* Returns whether there was such a buffer. */
bool client_free(struct client *client, void *address);

/* Returns the size of the client's buffer at this address, or -1. */
long client_buffer_bytes(struct client *client, const void *address);

/* Copies into or out of the client's memory. Returns whether it was all in one buffer. */
bool client_write(struct client *client, void *address, const void *from, size_t bytes);
bool client_read(struct client *client, const void *address, void *to, size_t bytes);

/* Returns whether an address is one that clients have. It takes no lock. */
bool client_has_address(const void *address);

#endif
