/* SPDX-License-Identifier: MIT */
#include "viewer/page/course.h"

#include <stdlib.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"
#include "viewer/profile/curve.h"

enum { POINTS = 400, SECTIONS = 32, MARKS = 1000 };

/* Amounts are differences to the start until all events have been read. */
struct lane {
	uint64_t section; /* its handle */
	size_t begun;     /* its first point; 0 is held before */
	size_t whole;     /* from this point on, amounts are no differences; POINTS: none */
	int64_t most;     /* of a package: the most blocks that it held after one of its calls */
	struct curve_amount at[POINTS];
};

struct course {
	int64_t first_ns, last_ns;
	struct lane *package[TRACE_PACKAGES]; /* NULL: it never called, or at last, it held nothing */
	uint8_t calling[TRACE_PACKAGES];      /* those that did call */
	size_t packages;
	bool is_begun;
	size_t begun; /* the point of the first event */
	size_t point; /* of the last event */
	uint64_t end; /* when the next point begins, in ticks */
	struct lane *section[SECTIONS];
	size_t sections;
	uint64_t left_out; /* changes of further sections */
	struct {
		int64_t time_ns;
		uint8_t kind;
	} mark[MARKS];
	size_t marks;
	uint64_t further_marks;
};

static size_t find_point(const struct course *c, int64_t time_ns)
{
	double whole = (double)(c->last_ns - c->first_ns);
	double part = (double)(time_ns - c->first_ns);

	return whole <= 0 || part <= 0 ? 0
	       : part >= whole         ? POINTS - 1
				       : (size_t)(part / whole * (POINTS - 1));
}

/* Returns the first time that is of a later point, in ticks. */
static uint64_t find_end(const struct course *c, const struct model *model, uint64_t ticks)
{
	for (unsigned i = 63; i-- > 0;)
		if (find_point(c, model_time_ns(model, ticks + (1ull << i))) <= c->point)
			ticks += 1ull << i;
	return ticks + 1;
}

static struct lane *new_lane(uint64_t section, size_t begun)
{
	struct lane *lane = memory_new(1, sizeof(*lane));

	lane->section = section;
	lane->begun = begun;
	lane->whole = POINTS;
	return lane;
}

static struct lane *find_section(struct course *c, uint64_t handle)
{
	for (size_t i = 0; i < c->sections; i++)
		if (c->section[i]->section == handle)
			return c->section[i];
	if (c->sections == SECTIONS)
		return NULL;
	return c->section[c->sections++] = new_lane(handle, c->point);
}

/* Carries what each lane holds on to the points up to `to`. */
static void carry(struct course *c, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		for (size_t j = 0; j < TRACE_PACKAGES; j++)
			if (c->package[j])
				c->package[j]->at[i + 1] = c->package[j]->at[i];
		for (size_t j = 0; j < c->sections; j++)
			c->section[j]->at[i + 1] = c->section[j]->at[i];
	}
}

static void note_package(struct course *c, const struct curve_amount *held, uint8_t package)
{
	int64_t blocks = (int64_t)held[package].blocks;
	struct lane *lane = c->package[package];

	if (!lane) {
		lane = c->package[package] = new_lane(0, c->begun);
		lane->most = c->is_begun ? 0 : blocks;
		c->calling[c->packages++] = package;
	}
	c->is_begun = true;
	if (blocks > lane->most)
		lane->most = blocks;
}

/* What a package holds is changed by its own calls, or was allocated by them. To be called when a point has
 * ended: to copy what each event has just written would stall. */
static void keep_packages(struct course *c, const struct curve_amount *held)
{
	for (size_t i = 0; i < c->packages; i++)
		c->package[c->calling[i]]->at[c->point] = held[c->calling[i]];
}

static void note_section(struct course *c, const struct curve_section *section)
{
	struct lane *lane = find_section(c, section->handle);

	if (!lane) {
		c->left_out++;
		return;
	}
	lane->at[c->point] = section->held;
	if (section->is_whole && lane->whole > c->point)
		lane->whole = c->point;
}

static void note_verdict(struct course *c, int64_t time_ns, uint8_t verdict)
{
	if (c->marks == MARKS) {
		c->further_marks++;
		return;
	}
	c->mark[c->marks].time_ns = time_ns;
	c->mark[c->marks++].kind = verdict;
}

static void go_to(struct course *c, const struct model *model, uint64_t ticks,
		  const struct curve_amount *held)
{
	size_t next;

	if (c->is_begun && ticks < c->end)
		return;
	next = find_point(c, model_time_ns(model, ticks));
	keep_packages(c, held);
	carry(c, c->point, next);
	c->point = next;
	c->end = find_end(c, model, ticks);
	if (!c->is_begun)
		c->begun = next;
}

static void add_start(struct lane *lane, struct curve_amount start)
{
	for (size_t i = lane->begun; i < lane->whole; i++) {
		lane->at[i].blocks += start.blocks;
		lane->at[i].bytes += start.bytes;
	}
}

static void drop_lanes(struct course *c)
{
	for (size_t i = 0; i < TRACE_PACKAGES; i++) {
		free(c->package[i]);
		c->package[i] = NULL;
	}
	while (c->sections)
		free(c->section[--c->sections]);
}

/* Makes whole amounts of differences. */
static void add_starts(struct course *c, struct curve *curve)
{
	const struct curve_amount *start = curve_start(curve);

	for (size_t i = 0; c->is_begun && i < TRACE_PACKAGES; i++) {
		if (!c->package[i] && start[i].blocks)
			c->package[i] = new_lane(0, c->begun);
		if (!c->package[i])
			continue;
		add_start(c->package[i], start[i]);
		if ((int64_t)start[i].blocks + c->package[i]->most <= 0) {
			free(c->package[i]);
			c->package[i] = NULL;
		}
	}
	for (size_t i = 0; i < c->sections; i++)
		add_start(c->section[i], curve_section_start(curve, c->section[i]->section));
}

struct course *course_new(const struct model *model, const struct model_events *events,
			  const struct timeline_watch *watch, struct trouble *trouble)
{
	struct course *c = memory_new(1, sizeof(*c));
	struct curve *curve = curve_new(model, watch);
	const struct curve_amount *held = curve_packages(curve);
	const struct curve_section *section;
	const struct trace_event *e;

	c->first_ns = events->first_ns;
	c->last_ns = events->last_ns;
	while ((e = curve_next(curve, trouble)) != NULL) {
		go_to(c, model, e->time, held);
		section = curve_replay(curve, e);
		note_package(c, held, e->package);
		if (section)
			note_section(c, section);
		if (e->verdict)
			note_verdict(c, model_time_ns(model, e->time), e->verdict);
	}
	if (trouble->error == TROUBLE_NONE) {
		keep_packages(c, held);
		carry(c, c->point, POINTS - 1);
		curve_end(curve);
		add_starts(c, curve);
	} else {
		drop_lanes(c);
		c->left_out = c->marks = c->further_marks = 0;
	}
	curve_free(curve);
	return c;
}

void course_free(struct course *c)
{
	if (!c)
		return;
	drop_lanes(c);
	free(c);
}

static void write_lane(struct json *j, const char *name, const struct lane *lane)
{
	json_open_object(j, NULL);
	json_write_text(j, "name", name);
	json_open_array(j, "bytes");
	for (size_t i = 0; i < POINTS; i++)
		json_write_number(j, NULL, lane->at[i].bytes);
	json_close_array(j);
	json_open_array(j, "blocks");
	for (size_t i = 0; i < POINTS; i++)
		json_write_number(j, NULL, lane->at[i].blocks);
	json_close_array(j);
	json_close_object(j);
}

static void write_lanes(struct json *j, const struct course *c, const struct model *model)
{
	struct buffer name = { 0 };

	json_open_array(j, "packages");
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		if (!c->package[i])
			continue;
		name.used = 0;
		model_write_package(model, i, &name);
		write_lane(j, name.data, c->package[i]);
	}
	json_close_array(j);
	json_open_array(j, "sections");
	for (size_t i = 0; i < c->sections; i++) {
		name.used = 0;
		buffer_text(&name, "section ");
		buffer_hex(&name, c->section[i]->section);
		write_lane(j, name.data, c->section[i]);
	}
	json_close_array(j);
	buffer_release(&name);
}

void course_write(struct json *j, const struct course *c, const struct model *model)
{
	json_open_object(j, NULL);
	json_write_integer(j, "pid", model_process(model)->pid);
	json_write_integer(j, "first_ns", c->first_ns);
	json_write_integer(j, "last_ns", c->last_ns);
	write_lanes(j, c, model);
	json_write_number(j, "left_out", c->left_out);
	json_open_array(j, "marks");
	for (size_t i = 0; i < c->marks; i++) {
		json_open_array(j, NULL);
		json_write_integer(j, NULL, c->mark[i].time_ns);
		json_write_text(j, NULL, kinds_text((enum trace_kind)c->mark[i].kind));
		json_close_array(j);
	}
	json_close_array(j);
	json_write_number(j, "further_marks", c->further_marks);
	json_close_object(j);
}
