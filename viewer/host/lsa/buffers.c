/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/buffers.h"

#include "viewer/host/base/faults.h"
#include "viewer/host/lsa/slot.h"
#include "viewer/host/memory/clients.h"
#include "viewer/host/memory/heaps.h"

PVOID buffer_allocate(ULONG bytes)
{
	return heap_allocate(HEAP_LSA, bytes);
}

void buffer_free(PVOID address)
{
	slot_enter("FreeLsaHeap");
	heap_free(HEAP_LSA, address);
	slot_leave(STATUS_SUCCESS);
}

void buffer_free_returned(PVOID address)
{
	slot_enter("FreeReturnBuffer");
	heap_free(HEAP_LSA, address);
	slot_leave(STATUS_SUCCESS);
}

PVOID buffer_allocate_private(SIZE_T bytes)
{
	return heap_allocate(HEAP_PRIVATE, bytes);
}

void buffer_free_private(PVOID address)
{
	slot_enter("FreePrivateHeap");
	heap_free(HEAP_PRIVATE, address);
	slot_leave(STATUS_SUCCESS);
}

PVOID buffer_allocate_user(ULONG bytes)
{
	return heap_allocate(HEAP_USER, bytes);
}

void buffer_free_user(PVOID address)
{
	slot_enter("FreeHeap");
	heap_free(HEAP_USER, address);
	slot_leave(STATUS_SUCCESS);
}

static struct client *find_client(PLSA_CLIENT_REQUEST request)
{
	struct client *client = client_find(request);

	if (!client && request)
		fault_tell("ClientRequest is no request, or that of a client that has ended");
	return client;
}

NTSTATUS buffer_allocate_client(PLSA_CLIENT_REQUEST request, ULONG bytes, PVOID *address)
{
	struct client *client;

	slot_enter("AllocateClientBuffer");
	if (!slot_has_output("ClientBaseAddress", address))
		return slot_leave(STATUS_INVALID_PARAMETER);
	client = find_client(request);
	*address = client ? client_allocate(client, bytes) : NULL;
	if (!client)
		return slot_leave(STATUS_INVALID_PARAMETER);
	return slot_leave(*address ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

NTSTATUS buffer_free_client(PLSA_CLIENT_REQUEST request, PVOID address)
{
	struct client *client;

	slot_enter("FreeClientBuffer");
	if (!address)
		return slot_leave(STATUS_SUCCESS);
	client = find_client(request);
	if (client && client_free(client, address))
		return slot_leave(STATUS_SUCCESS);
	if (client)
		fault_tell("ClientBaseAddress is no buffer of the client, or was freed before");
	return slot_leave(STATUS_INVALID_PARAMETER);
}

/* The package's side of a copy must not be the client's. */
static bool check_side(const char *parameter, const void *address, ULONG bytes)
{
	if (!bytes)
		return true;
	if (address && client_has_address(address))
		fault_tell("%s is an address of the client", parameter);
	else if (!address)
		fault_tell("%s is NULL", parameter);
	else
		return true;
	return false;
}

static NTSTATUS tell_outside(ULONG bytes, PVOID address)
{
	if (client_has_address(address))
		fault_tell("%u bytes at this address are not all in one buffer of the client",
			   bytes);
	else
		fault_tell("ClientBaseAddress is no address of the client");
	return slot_leave(STATUS_ACCESS_VIOLATION);
}

NTSTATUS buffer_copy_to_client(PLSA_CLIENT_REQUEST request, ULONG bytes, PVOID to, PVOID from)
{
	struct client *client;

	slot_enter("CopyToClientBuffer");
	client = find_client(request);
	if (!client || !check_side("BufferToCopy", from, bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (bytes && !client_write(client, to, from, bytes))
		return tell_outside(bytes, to);
	return slot_leave(STATUS_SUCCESS);
}

NTSTATUS buffer_copy_from_client(PLSA_CLIENT_REQUEST request, ULONG bytes, PVOID to, PVOID from)
{
	struct client *client;

	slot_enter("CopyFromClientBuffer");
	client = find_client(request);
	if (!client || !check_side("BufferToCopy", to, bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (bytes && !client_read(client, from, to, bytes))
		return tell_outside(bytes, from);
	return slot_leave(STATUS_SUCCESS);
}

NTSTATUS buffer_map(PSecBuffer input, PSecBuffer output)
{
	struct client *client = client_current();
	PVOID copy;

	slot_enter("MapBuffer");
	if (!slot_has_output("InputBuffer", input) || !slot_has_output("OutputBuffer", output))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*output = *input;
	if (!input->pvBuffer || !client_has_address(input->pvBuffer))
		return slot_leave(STATUS_SUCCESS);
	copy = heap_allocate(HEAP_ANY, input->cbBuffer);
	if (!copy)
		return slot_leave(STATUS_NO_MEMORY);
	if (!client || !client_read(client, input->pvBuffer, copy, input->cbBuffer)) {
		heap_take(copy);
		return tell_outside(input->cbBuffer, input->pvBuffer);
	}
	output->pvBuffer = copy;
	return slot_leave(STATUS_SUCCESS);
}
