/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/objects.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/lsa/slot.h"

/* Handles are FIRST, FIRST + STEP, ... A package's own handles are seldom so large. */
enum { FIRST = 0x10000, STEP = 4 };

struct state {
	enum object kind;
	bool is_closed;
	void *data;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct state *objects;
static size_t count, room;

static const char *const names[] = {
	[OBJECT_TOKEN] = "a token",
	[OBJECT_THREAD] = "a thread",
	[OBJECT_NOTIFICATION] = "a notification",
	[OBJECT_USER] = "a user",
};

HANDLE object_new(enum object kind, void *data)
{
	HANDLE handle;

	pthread_mutex_lock(&mutex);
	if (count == room) {
		room = room ? room * 2 : 64;
		objects = memory_resize(objects, room * sizeof(*objects));
	}
	objects[count] = (struct state){ .kind = kind, .data = data };
	handle = (HANDLE)(uintptr_t)(FIRST + STEP * count++);
	pthread_mutex_unlock(&mutex);
	return handle;
}

/* With the mutex locked. Returns NULL if the host never made this handle. */
static struct state *find_object(HANDLE handle)
{
	uintptr_t number = (uintptr_t)handle - FIRST;

	return number % STEP == 0 && number / STEP < count ? &objects[number / STEP] : NULL;
}

static struct state get_object(HANDLE handle, bool *is_known)
{
	struct state *found, copy = { 0 };

	pthread_mutex_lock(&mutex);
	found = find_object(handle);
	*is_known = found != NULL;
	if (found)
		copy = *found;
	pthread_mutex_unlock(&mutex);
	return copy;
}

bool object_is(enum object kind, HANDLE handle)
{
	bool is_known;
	struct state object = get_object(handle, &is_known);

	if (is_known && object.kind != kind)
		fault_tell("the handle is that of %s, not of %s", names[object.kind], names[kind]);
	else if (is_known && object.is_closed)
		fault_tell("the handle of %s is used after it was closed", names[kind]);
	return is_known && object.kind == kind && !object.is_closed;
}

bool object_close(enum object kind, HANDLE handle, void **data)
{
	struct state *found;

	if (!object_is(kind, handle))
		return false;
	pthread_mutex_lock(&mutex);
	found = find_object(handle);
	found->is_closed = true;
	if (data)
		*data = found->data;
	pthread_mutex_unlock(&mutex);
	return true;
}

NTSTATUS object_duplicate(HANDLE source, PHANDLE destination)
{
	struct state object;
	bool is_known;

	slot_enter("DuplicateHandle");
	if (!slot_has_output("DestinationHandle", destination))
		return slot_leave(STATUS_INVALID_PARAMETER);
	object = get_object(source, &is_known);
	if (is_known && object.is_closed)
		fault_tell("the handle of %s is used after it was closed", names[object.kind]);
	if (!source || (is_known && object.is_closed))
		return slot_leave(STATUS_INVALID_HANDLE);
	*destination = object_new(is_known ? object.kind : OBJECT_TOKEN, object.data);
	return slot_leave(STATUS_SUCCESS);
}
