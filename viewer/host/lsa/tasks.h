/* SPDX-License-Identifier: MIT */
/*
 * Threads that packages start, and notifications. Of these, NOTIFIER_TYPE_INTERVAL and NOTIFIER_TYPE_IMMEDIATE do what is
 * documented; what the others wait for does not happen here. Any thread.
 */
#ifndef LSATRACE_HOST_LSA_TASKS_H
#define LSATRACE_HOST_LSA_TASKS_H

#include "include/secpkg.h"

/* Cancels the notifications, and waits for the threads of packages; but not long. */
void tasks_finish(void);

/* These are slots of the table. */
LSA_CREATE_THREAD task_create_thread;
LSA_REGISTER_NOTIFICATION task_register_notification;
LSA_CANCEL_NOTIFICATION task_cancel_notification;

#endif
