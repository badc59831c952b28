/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/tasks.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/base/site.h"
#include "viewer/host/base/system.h"
#include "viewer/host/lsa/objects.h"
#include "viewer/host/lsa/slot.h"

enum { TYPE_INTERVAL = 1, TYPE_IMMEDIATE = 16, FLAG_ONE_SHOT = 2, CREATE_SUSPENDED = 4 };
enum { FINISH_SECONDS = 1 };
#define FLAG_SECONDS 0x80000000u

/* It belongs to its thread and to its handle, and goes with the last of them. */
struct task {
	LPTHREAD_START_ROUTINE function;
	PVOID parameter;
	const char *package, *name;
	unsigned interval; /* in seconds; 0: it runs at once */
	bool is_once, is_cancelled, has_handle, has_thread;
	struct task *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct task *running;

static void add_running(struct task *task)
{
	task->next = running;
	running = task;
}

static void remove_running(struct task *task)
{
	struct task **place = &running;

	while (*place != task)
		place = &(*place)->next;
	*place = task->next;
	pthread_cond_broadcast(&changed);
}

static struct timespec time_after(unsigned seconds)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += seconds;
	return at;
}

/* With the mutex locked. Returns whether it is time, rather than cancelled. */
static bool wait_for_turn(const struct task *task)
{
	struct timespec until = time_after(task->interval);

	while (!task->is_cancelled && task->interval &&
	       pthread_cond_timedwait(&changed, &mutex, &until) == 0)
		;
	return !task->is_cancelled;
}

static void *run_task(void *argument)
{
	struct task *task = argument;
	char room[SYSTEM_FAULT_ROOM];

	system_watch_thread(room);
	site.package = task->package;
	site.entry = task->name;
	pthread_mutex_lock(&mutex);
	while (wait_for_turn(task)) {
		pthread_mutex_unlock(&mutex);
		task->function(task->parameter);
		pthread_mutex_lock(&mutex);
		if (task->is_once)
			break;
	}
	remove_running(task);
	task->has_thread = false;
	if (!task->has_handle)
		free(task);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static struct task *new_task(LPTHREAD_START_ROUTINE function, PVOID parameter, const char *name)
{
	struct task *task = memory_new(sizeof(*task));

	*task = (struct task){ .function = function,
			       .parameter = parameter,
			       .package = site.package,
			       .name = name,
			       .is_once = true };
	return task;
}

static bool start_task(struct task *task)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool is_started;

	pthread_mutex_lock(&mutex);
	add_running(task);
	task->has_thread = true;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	is_started = pthread_create(&thread, &attributes, run_task, task) == 0;
	pthread_attr_destroy(&attributes);
	if (!is_started)
		remove_running(task);
	pthread_mutex_unlock(&mutex);
	return is_started;
}

HANDLE task_create_thread(LPSECURITY_ATTRIBUTES attributes, ULONG stack_bytes,
			  LPTHREAD_START_ROUTINE function, PVOID parameter, ULONG flags, PULONG id)
{
	HANDLE handle = object_new(OBJECT_THREAD, NULL);
	struct task *task;

	(void)attributes;
	(void)stack_bytes;
	slot_enter("CreateThread");
	if (!function)
		fault_tell("StartFunction is NULL");
	if (!function || (id && !slot_has_output("ThreadId", id))) {
		slot_leave(STATUS_SUCCESS);
		return NULL;
	}
	if (id)
		*id = (ULONG)(uintptr_t)handle;
	slot_leave(STATUS_SUCCESS);
	if (flags & CREATE_SUSPENDED)
		return handle;
	task = new_task(function, parameter, "the thread of CreateThread");
	if (start_task(task))
		return handle;
	free(task);
	return NULL;
}

HANDLE task_register_notification(LPTHREAD_START_ROUTINE function, PVOID parameter, ULONG type,
				  ULONG class, ULONG flags, ULONG minutes, HANDLE event)
{
	struct task *task;

	(void)class;
	(void)event;
	slot_enter("RegisterNotification");
	if (!function)
		fault_tell("StartFunction is NULL");
	slot_leave(STATUS_SUCCESS);
	if (!function)
		return NULL;
	task = new_task(function, parameter, "the function of RegisterNotification");
	task->has_handle = true;
	if (type == TYPE_INTERVAL) {
		task->interval = minutes * (flags & FLAG_SECONDS ? 1 : 60);
		task->is_once = flags & FLAG_ONE_SHOT || !minutes;
	}
	if ((type != TYPE_INTERVAL && type != TYPE_IMMEDIATE) || start_task(task))
		return object_new(OBJECT_NOTIFICATION, task);
	free(task);
	return NULL;
}

/* A function that is just running ends as it will. */
NTSTATUS task_cancel_notification(HANDLE handle)
{
	struct task *task;
	void *data = NULL;
	bool is_open;

	slot_enter("CancelNotification");
	is_open = object_close(OBJECT_NOTIFICATION, handle, &data);
	slot_leave(STATUS_SUCCESS);
	task = data;
	if (!is_open)
		return STATUS_INVALID_HANDLE;
	pthread_mutex_lock(&mutex);
	task->is_cancelled = true;
	task->has_handle = false;
	pthread_cond_broadcast(&changed);
	if (!task->has_thread)
		free(task);
	pthread_mutex_unlock(&mutex);
	return STATUS_SUCCESS;
}

void tasks_finish(void)
{
	struct timespec until = time_after(FINISH_SECONDS);

	pthread_mutex_lock(&mutex);
	for (struct task *task = running; task; task = task->next)
		task->is_cancelled |= task->interval > 0;
	pthread_cond_broadcast(&changed);
	while (running && pthread_cond_timedwait(&changed, &mutex, &until) == 0)
		;
	pthread_mutex_unlock(&mutex);
}
