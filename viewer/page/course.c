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

struct lane {
	uint64_t section; /* its handle */
	struct curve_amount at[POINTS];
};

struct course {
	int64_t first_ns, last_ns;
	struct lane *package[TRACE_PACKAGES]; /* NULL: it held nothing */
	uint8_t shown[TRACE_PACKAGES];        /* those that did */
	size_t packages;
	bool is_begun;
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

static struct lane *find_section(struct course *c, uint64_t handle)
{
	for (size_t i = 0; i < c->sections; i++)
		if (c->section[i]->section == handle)
			return c->section[i];
	if (c->sections == SECTIONS)
		return NULL;
	c->section[c->sections] = memory_new(1, sizeof(struct lane));
	c->section[c->sections]->section = handle;
	return c->section[c->sections++];
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

static void show_package(struct course *c, const struct curve_amount *held, uint8_t package)
{
	if (c->package[package] || !held[package].blocks)
		return;
	c->package[package] = memory_new(1, sizeof(struct lane));
	c->shown[c->packages++] = package;
}

/* An event of a package gives memory to no other one. At the first event, all packages are looked at. */
static void note_packages(struct course *c, const struct curve_amount *held, size_t point,
			  uint8_t package)
{
	for (unsigned i = 0; !c->is_begun && i < TRACE_PACKAGES; i++)
		show_package(c, held, (uint8_t)i);
	c->is_begun = true;
	show_package(c, held, package);
	for (size_t i = 0; i < c->packages; i++)
		c->package[c->shown[i]]->at[point] = held[c->shown[i]];
}

static void fill(struct course *c, const struct model *model)
{
	struct trouble trouble = { 0 };
	struct curve *curve = curve_new(model, &trouble);
	const struct trace_event *e;
	struct curve_amount held;
	uint64_t handle;
	size_t point = 0;

	while (curve && (e = curve_next(curve, &handle, &held, &trouble)) != NULL) {
		int64_t time_ns = model_time_ns(model, e->time);
		struct lane *section = handle ? find_section(c, handle) : NULL;
		size_t next = find_point(c, time_ns);

		if (next > point) {
			carry(c, point, next);
			point = next;
		}
		note_packages(c, curve_packages(curve), point, e->package);
		if (section)
			section->at[point] = held;
		else
			c->left_out += handle != 0;
		if (e->verdict && c->marks == MARKS) {
			c->further_marks++;
		} else if (e->verdict) {
			c->mark[c->marks].time_ns = time_ns;
			c->mark[c->marks++].kind = e->verdict;
		}
	}
	carry(c, point, POINTS - 1);
	curve_free(curve);
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

void course_write(struct json *j, const struct model *model, const struct model_events *events)
{
	struct course *c = memory_new(1, sizeof(*c));

	c->first_ns = events->first_ns;
	c->last_ns = events->last_ns;
	fill(c, model);
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
	for (size_t i = 0; i < TRACE_PACKAGES; i++)
		free(c->package[i]);
	for (size_t i = 0; i < c->sections; i++)
		free(c->section[i]);
	free(c);
}
