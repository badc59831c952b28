/* SPDX-License-Identifier: MIT */
#include "client_buffers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "stripes.h"

enum { ALIGNMENT = 16 };

static const uintptr_t first_address = 0x20000000;
static const uintptr_t end_address = 0x40000000;

struct buffer {
	uintptr_t address;
	ULONG size;
	struct buffer *prev, *next; /* sorted by address */
	unsigned char content[];
};

/* A request is the address of such a structure. */
struct client {
	struct buffer *buffers;
	struct client *next;
};

/* The clients with requests in this stripe, protected by its lock. */
static struct client *clients[STRIPE_COUNT];

PLSA_CLIENT_REQUEST client_new(void)
{
	struct client *client = calloc(1, sizeof(*client));
	unsigned int stripe;

	if (!client)
		return NULL;
	stripe = stripe_lock((uintptr_t)client);
	LL_PREPEND(clients[stripe], client);
	stripe_unlock(stripe);
	return (PLSA_CLIENT_REQUEST)(void *)client;
}

static struct client *lock_client(PLSA_CLIENT_REQUEST request, unsigned int *stripe)
{
	struct client *client;

	*stripe = stripe_lock((uintptr_t)request);
	for (client = clients[*stripe]; client; client = client->next) {
		if ((void *)client == (void *)request)
			break;
	}
	return client;
}

static uintptr_t end_of(const struct buffer *buffer)
{
	uintptr_t size = buffer->size ? buffer->size : 1;

	return buffer->address + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/*
 * Puts the buffer into the lowest gap that is large enough. So a freed address is used again soon,
 * as in real heaps. A tracer must cope with this.
 */
static bool place(struct client *client, struct buffer *buffer)
{
	struct buffer *other;

	buffer->address = first_address;
	for (other = client->buffers; other && end_of(buffer) > other->address; other = other->next)
		buffer->address = end_of(other);
	if (end_of(buffer) > end_address)
		return false;
	if (other)
		DL_PREPEND_ELEM(client->buffers, other, buffer);
	else
		DL_APPEND(client->buffers, buffer);
	return true;
}

/* The size of a client's address space. An absurd length fails before malloc() gets it. */
static struct buffer *buffer_new(ULONG size)
{
	struct buffer *buffer;

	if (size > end_address - first_address)
		return NULL;
	buffer = calloc(1, sizeof(*buffer) + size);
	if (buffer)
		buffer->size = size;
	return buffer;
}

NTSTATUS client_allocate(PLSA_CLIENT_REQUEST request, ULONG size, PVOID *address)
{
	struct buffer *buffer = buffer_new(size);
	NTSTATUS status = STATUS_SUCCESS;
	unsigned int stripe;
	struct client *client = lock_client(request, &stripe);

	if (!client)
		status = STATUS_INVALID_HANDLE;
	else if (!buffer || !place(client, buffer))
		status = STATUS_NO_MEMORY;
	else
		*address = (PVOID)buffer->address;
	stripe_unlock(stripe);
	if (!NT_SUCCESS(status))
		free(buffer);
	return status;
}

static struct buffer *find_buffer(const struct client *client, const void *address)
{
	struct buffer *buffer;

	if (!client)
		return NULL;
	DL_SEARCH_SCALAR(client->buffers, buffer, address, (uintptr_t)address);
	return buffer;
}

NTSTATUS client_free(PLSA_CLIENT_REQUEST request, PVOID address)
{
	unsigned int stripe;
	struct client *client = lock_client(request, &stripe);
	struct buffer *buffer = find_buffer(client, address);

	if (buffer)
		DL_DELETE(client->buffers, buffer);
	stripe_unlock(stripe);
	free(buffer);
	if (!client)
		return STATUS_INVALID_HANDLE;
	return buffer || !address ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS client_write(PLSA_CLIENT_REQUEST request, PVOID address, const void *from, ULONG size)
{
	unsigned int stripe;
	struct buffer *buffer = find_buffer(lock_client(request, &stripe), address);
	bool fits = buffer && size <= buffer->size;

	if (fits)
		memcpy(buffer->content, from, size);
	stripe_unlock(stripe);
	return fits ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS client_read(PLSA_CLIENT_REQUEST request, PVOID address, void *to, ULONG size)
{
	unsigned int stripe;
	struct buffer *buffer = find_buffer(lock_client(request, &stripe), address);
	bool fits = buffer && size <= buffer->size;

	if (fits)
		memcpy(to, buffer->content, size);
	stripe_unlock(stripe);
	return fits ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
