/* SPDX-License-Identifier: MIT */
#include "viewer/host/memory/clients.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "viewer/host/base/memory.h"
#include "viewer/host/base/system.h"

/* So many addresses a client has. A buffer begins at a multiple of BUFFER_ALIGNMENT, and there is space between two,
 * so that an address behind the end of one is not the start of the next. */
#define SPACE_BYTES ((size_t)1 << 32)
#define BUFFER_MOST ((size_t)1 << 28)
enum { BUFFER_ALIGNMENT = 32, FIRST_PROCESS = 1000, ENDED_MOST = 65536 };

struct buffer {
	void *address; /* in the client */
	size_t bytes;
	unsigned char *content;
	UT_hash_handle hh;
};

struct client {
	PVOID request; /* its address is the request; nobody looks into it */
	ULONG process;
	bool is_trusted;
	uintptr_t next; /* where to look for room */
	bool has_used_all;
	struct buffer *buffers;
	UT_hash_handle hh;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct client *clients;
static ULONG processes = FIRST_PROCESS;
static uintptr_t space;
/* The requests of clients that have ended are not used again for a while: what one of them has left would be taken for
 * what a later one has at the same address. */
static struct client *ended[ENDED_MOST];
static unsigned ended_next;
static __thread struct client *current;

struct client *client_new(bool is_trusted)
{
	struct client *client = memory_new(sizeof(*client));

	pthread_mutex_lock(&mutex);
	if (!space)
		space = (uintptr_t)system_map(SPACE_BYTES, SYSTEM_NONE);
	client->process = processes++;
	client->is_trusted = is_trusted;
	client->next = space + system_page_bytes();
	client->request = &client->request;
	HASH_ADD_PTR(clients, request, client);
	pthread_mutex_unlock(&mutex);
	return client;
}

void client_end(struct client *client)
{
	struct buffer *buffer, *next;
	struct client *forgotten;

	pthread_mutex_lock(&mutex);
	HASH_DEL(clients, client);
	forgotten = ended[ended_next];
	ended[ended_next] = client;
	ended_next = (ended_next + 1) % ENDED_MOST;
	pthread_mutex_unlock(&mutex);
	buffer = client->buffers;
	HASH_CLEAR(hh, client->buffers);
	for (; buffer; buffer = next) {
		next = buffer->hh.next;
		free(buffer->content);
		free(buffer);
	}
	free(forgotten);
}

PLSA_CLIENT_REQUEST client_request(struct client *client)
{
	return client ? &client->request : NULL;
}

ULONG client_process(const struct client *client)
{
	return client->process;
}

bool client_is_trusted(const struct client *client)
{
	return client->is_trusted;
}

struct client *client_find(PLSA_CLIENT_REQUEST request)
{
	struct client *client;

	if (!request)
		return current;
	pthread_mutex_lock(&mutex);
	HASH_FIND_PTR(clients, &request, client);
	pthread_mutex_unlock(&mutex);
	return client;
}

struct client *client_enter(struct client *client)
{
	struct client *before = current;

	current = client;
	return before;
}

struct client *client_current(void)
{
	return current;
}

bool client_has_address(const void *address)
{
	uintptr_t begin = __atomic_load_n(&space, __ATOMIC_RELAXED);

	return begin && (uintptr_t)address - begin < SPACE_BYTES;
}

static size_t count_room(size_t bytes)
{
	return (bytes / BUFFER_ALIGNMENT + 2) * BUFFER_ALIGNMENT;
}

/* The buffer that an address lies in or right behind of. */
static struct buffer *find_buffer(struct client *client, const void *address)
{
	struct buffer *buffer, *next;

	HASH_FIND_PTR(client->buffers, &address, buffer);
	if (buffer)
		return buffer;
	HASH_ITER(hh, client->buffers, buffer, next)
	if ((uintptr_t)address - (uintptr_t)buffer->address <= buffer->bytes)
		return buffer;
	return NULL;
}

static const struct buffer *find_overlap(const struct client *client, uintptr_t at, size_t bytes)
{
	const struct buffer *buffer;

	for (buffer = client->buffers; buffer; buffer = buffer->hh.next)
		if ((uintptr_t)buffer->address < at + bytes &&
		    at < (uintptr_t)buffer->address + count_room(buffer->bytes))
			return buffer;
	return NULL;
}

/* Addresses are used again only when all have been used once. Returns 0 if there is no room. */
static uintptr_t find_room(struct client *client, size_t bytes)
{
	const struct buffer *overlap = NULL;
	uintptr_t at = client->next;
	bool is_second = false;

	for (;;) {
		if (SPACE_BYTES - (at - space) < bytes) {
			if (is_second)
				return 0;
			is_second = client->has_used_all = true;
			at = space + system_page_bytes();
		}
		if (client->has_used_all)
			overlap = find_overlap(client, at, bytes);
		if (!overlap)
			return at;
		at = (uintptr_t)overlap->address + count_room(overlap->bytes);
	}
}

void *client_allocate(struct client *client, size_t bytes)
{
	struct buffer *buffer = malloc(sizeof(*buffer));
	unsigned char *content = bytes <= BUFFER_MOST ? calloc(1, bytes ? bytes : 1) : NULL;
	uintptr_t at = 0;

	pthread_mutex_lock(&mutex);
	if (buffer && content)
		at = find_room(client, count_room(bytes));
	if (at) {
		*buffer =
			(struct buffer){ .address = (void *)at, .bytes = bytes, .content = content };
		client->next = at + count_room(bytes);
		HASH_ADD_PTR(client->buffers, address, buffer);
	}
	pthread_mutex_unlock(&mutex);
	if (!at) {
		free(buffer);
		free(content);
	}
	return (void *)at;
}

bool client_free(struct client *client, void *address)
{
	struct buffer *buffer;

	pthread_mutex_lock(&mutex);
	HASH_FIND_PTR(client->buffers, &address, buffer);
	if (buffer)
		HASH_DEL(client->buffers, buffer);
	pthread_mutex_unlock(&mutex);
	if (!buffer)
		return false;
	free(buffer->content);
	free(buffer);
	return true;
}

long client_buffer_bytes(struct client *client, const void *address)
{
	struct buffer *buffer;
	long bytes;

	pthread_mutex_lock(&mutex);
	HASH_FIND_PTR(client->buffers, &address, buffer);
	bytes = buffer ? (long)buffer->bytes : -1;
	pthread_mutex_unlock(&mutex);
	return bytes;
}

/* Copies within the client's memory under the lock; what lies outside of it may fault, so it is copied apart. */
static bool copy_content(struct client *client, const void *address, void *bounce, size_t bytes,
			 bool is_write)
{
	struct buffer *buffer;
	size_t offset;
	bool fits;

	pthread_mutex_lock(&mutex);
	buffer = find_buffer(client, address);
	offset = buffer ? (uintptr_t)address - (uintptr_t)buffer->address : 0;
	fits = buffer && bytes <= buffer->bytes - offset;
	if (fits && is_write)
		memcpy(buffer->content + offset, bounce, bytes);
	else if (fits)
		memcpy(bounce, buffer->content + offset, bytes);
	pthread_mutex_unlock(&mutex);
	return fits;
}

bool client_write(struct client *client, void *address, const void *from, size_t bytes)
{
	void *bounce = memory_copy(from, bytes);
	bool fits = copy_content(client, address, bounce, bytes, true);

	free(bounce);
	return fits;
}

bool client_read(struct client *client, const void *address, void *to, size_t bytes)
{
	void *bounce = memory_new(bytes);
	bool fits = copy_content(client, address, bounce, bytes, false);

	if (fits && bytes)
		memcpy(to, bounce, bytes);
	free(bounce);
	return fits;
}
