/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "viewer/page/drawing.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/page/course.h"
#include "viewer/profile/profile.h"
#include "viewer/read/trouble.h"

/* What the thread uses. */
struct work {
	struct drawing drawing;
	struct model *const *models;
	const struct model_events *events;
	size_t count;
	struct progress progress;
	pthread_t thread;
	bool is_running;
};

static bool make_course(void *work, size_t number, const struct timeline_watch *watch,
			struct trouble *trouble)
{
	struct work *w = work;

	w->drawing.course[number] =
		course_new(w->models[number], &w->events[number], watch, trouble);
	return trouble->error == TROUBLE_NONE;
}

/* The profile makes the courses as well. If it fails, those are missing which it did not ask for any more. */
static void *make_all(void *work)
{
	struct work *w = work;
	const struct profile_reading reading = { make_course, w,
						 w->count < DRAWING_COURSES ? w->count
									    : DRAWING_COURSES };
	struct trouble trouble;
	size_t failed;

	w->drawing.profile =
		profile_new(w->models, w->count, &reading, &w->progress, &failed, &trouble);
	for (size_t i = 0; i < reading.models; i++)
		if (!w->drawing.course[i])
			make_course(w, i, NULL, &trouble);
	return NULL;
}

struct drawing *drawing_new(struct model *const *models, const struct model_events *events,
			    size_t count)
{
	struct work *w = memory_new(1, sizeof(*w));

	w->models = models;
	w->events = events;
	w->count = count;
	w->progress.is_noted = true;
	w->is_running = pthread_create(&w->thread, NULL, make_all, w) == 0;
	if (!w->is_running)
		make_all(w);
	return &w->drawing;
}

void drawing_wait(struct drawing *d, struct progress *progress)
{
	enum { PAUSE_NS = 100000000, SECOND_NS = 1000000000 };
	struct work *w = (struct work *)d;
	struct timespec until;

	while (w->is_running) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PAUSE_NS;
		if (until.tv_nsec >= SECOND_NS) {
			until.tv_nsec -= SECOND_NS;
			until.tv_sec++;
		}
		w->is_running = pthread_timedjoin_np(w->thread, NULL, &until) != 0;
		progress_relay(progress, &w->progress);
	}
}

void drawing_free(struct drawing *d)
{
	drawing_wait(d, NULL);
	profile_free(d->profile);
	for (size_t i = 0; i < DRAWING_COURSES; i++)
		course_free(d->course[i]);
	free(d);
}
