/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/host/real.h"
#include "preload/ways_in/client.h"
#include "preload/ways_in/dlsym.h"
#include "preload/ways_in/libraries.h"
#include "preload/ways_in/ntdll.h"
#include "preload/ways_in/scope.h"

#include "preload/base/poison.h"

/*
 * If there is no such entry point, dlerror() must say so. In another namespace that is the
 * dlerror() of another C library, which therefore answers itself. Here it says what came of the
 * last question, so the last one must be one that fails.
 */
static struct dlsym_answer answer_entry(const struct question *q, void *go_on)
{
	struct dlsym_answer answer = { .go_on = scope_is_elsewhere(q->caller) ? go_on : NULL };

	answer.symbol = scope_find(q);
	if (answer.symbol) {
		answer.go_on = NULL;
		answer.symbol = entry_points_stand_in(q->entry, answer.symbol, CONVENTION_SYSV);
	} else if (q->handle == RTLD_DEFAULT || q->handle == RTLD_NEXT) {
		scope_ask(q, RTLD_NEXT);
	}
	return answer;
}

/* Somebody asks the C library itself for dlsym() and its like. */
static struct dlsym_answer answer_loader(const struct question *q, void *go_on)
{
	void *symbol = scope_ask(q, q->handle);
	void *stand_in = symbol ? got_hooks_stand_in(q->name, symbol) : NULL;

	return (struct dlsym_answer){ stand_in ? NULL : go_on, stand_in };
}

/* In a namespace that does not know the tracer, nothing of the tracer would be found. */
static struct dlsym_answer answer_client(const struct question *q, void *go_on)
{
	void *symbol = real_dlsym(RTLD_DEFAULT, q->name);

	return (struct dlsym_answer){ symbol ? NULL : go_on, symbol };
}

/* A version leads past the tracer's function to the C library's. But a library behind the tracer
 * that asks for the next one wants to get there. */
static bool is_for_loader(const struct question *q)
{
	return q->name[0] == 'd' && got_hooks_has(q->name) &&
	       (q->handle != RTLD_NEXT || (q->version && scope_is_before_us(q->caller)));
}

static bool is_for_client(const struct question *q)
{
	return q->name[0] == 'l' && q->handle == RTLD_DEFAULT &&
	       strncmp(q->name, CLIENT_PREFIX, sizeof(CLIENT_PREFIX) - 1) == 0;
}

/*
 * Is it passed on, and does it show nothing new? Before anything has started, a sanitizer in the
 * host asks for all functions that it replaces. Until it has them, none of these can be
 * called, so that the tracer can do little either.
 */
static bool is_in_passing(const struct question *q)
{
	return !libraries_have_started() && (q->handle == RTLD_NEXT || q->handle == RTLD_DEFAULT) &&
	       !q->entry && !is_for_loader(q) && !is_for_client(q);
}

static struct question make_question(void *handle, const char *name, const char *version,
				     const void *caller, enum loader_function asked)
{
	return (struct question){ entry_points_find(name), handle, name,
				  asked == LOADER_DLVSYM ? version : NULL, caller };
}

bool dlsym_needs_init(void *handle, const char *name, const char *version, const void *caller,
		      enum loader_function asked)
{
	struct question q = make_question(handle, name, version, caller, asked);

	return !is_in_passing(&q);
}

struct dlsym_answer dlsym_find(void *handle, const char *name, const char *version,
			       const void *caller, enum loader_function asked)
{
	struct question q = make_question(handle, name, version, caller, asked);
	struct dlsym_answer answer = { 0 };
	int saved_errno = errno;

	real_init();
	/* A library that replaces functions of others asks for the next ones. It opens no library,
	 * so nothing has come. */
	if (likely(!is_in_passing(&q)) && handle != RTLD_NEXT)
		libraries_look(handle);
	if (unlikely(ntdll_is_asked_for(name)))
		ntdll_hook(handle);
	answer.go_on = got_hooks_original(asked, caller);
	if (unlikely(q.entry))
		answer = answer_entry(&q, answer.go_on);
	else if (unlikely(is_for_loader(&q)))
		answer = answer_loader(&q, answer.go_on);
	else if (unlikely(is_for_client(&q)))
		answer = answer_client(&q, answer.go_on);
	errno = saved_errno;
	return answer;
}
