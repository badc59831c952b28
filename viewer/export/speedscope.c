/* SPDX-License-Identifier: MIT */
/*
 * The format `speedscope`: a flame graph for https://www.speedscope.app, with one profile for each
 * value: what is leaked, what was allocated, and calls. Frames differ if their lines do.
 */
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/base/progress.h"
#include "viewer/export/export.h"
#include "viewer/model/model.h"
#include "viewer/profile/numbers.h"
#include "viewer/profile/profile.h"

static const struct {
	const char *name, *unit;
	enum profile_value value;
} profiles[] = {
	{ "leaked bytes", "bytes", PROFILE_LEAKED_BYTES },
	{ "leaked blocks", "none", PROFILE_LEAKED_BLOCKS },
	{ "allocated bytes", "bytes", PROFILE_ALLOCATED_BYTES },
	{ "allocated blocks", "none", PROFILE_ALLOCATED_BLOCKS },
	{ "calls", "none", PROFILE_CALLS },
};

struct writer {
	struct json json;
	struct numbers frames;
	struct buffer name; /* of the frame that is being visited */
	struct buffer key;
};

/* Returns the number of a frame, from 1 on. Its name is in w->name afterwards. */
static uint32_t number_frame(struct writer *w, const struct profile_frame *frame, bool *is_new)
{
	w->name.used = w->key.used = 0;
	profile_name(&w->name, frame);
	buffer_bytes(&w->key, w->name.data, w->name.used + 1);
	buffer_text(&w->key, frame->file ? frame->file : "");
	buffer_text(&w->key, ":");
	buffer_decimal(&w->key, frame->line);
	return numbers_give(&w->frames, w->key.data, w->key.used, is_new);
}

static void write_frame(void *writer, const struct profile_frame *frame)
{
	struct writer *w = writer;
	bool is_new;

	number_frame(w, frame, &is_new);
	if (!is_new)
		return;
	json_open_object(&w->json, NULL);
	json_write_text(&w->json, "name", w->name.data);
	if (frame->file)
		json_write_text(&w->json, "file", frame->file);
	if (frame->line)
		json_write_number(&w->json, "line", frame->line);
	json_close_object(&w->json);
}

static void write_number(void *writer, const struct profile_frame *frame)
{
	struct writer *w = writer;
	bool is_new;

	json_write_number(&w->json, NULL, number_frame(w, frame, &is_new) - 1);
}

static void write_profile(struct writer *w, const struct export *e, const struct profile *p,
			  size_t n)
{
	enum profile_value value = profiles[n].value;
	struct json *j = &w->json;

	json_open_object(j, NULL);
	json_write_text(j, "type", "sampled");
	json_write_text(j, "name", profiles[n].name);
	json_write_text(j, "unit", profiles[n].unit);
	json_write_number(j, "startValue", 0);
	json_write_number(j, "endValue", p->sum[value]);
	json_open_array(j, "samples");
	for (size_t i = 0; i < p->rows; i++) {
		if (!p->row[i].value[value])
			continue;
		json_open_array(j, NULL);
		profile_walk(p, &p->row[i], e->symbols, write_number, w);
		json_close_array(j);
	}
	json_close_array(j);
	json_open_array(j, "weights");
	for (size_t i = 0; i < p->rows; i++)
		if (p->row[i].value[value])
			json_write_number(j, NULL, p->row[i].value[value]);
	json_close_array(j);
	json_close_object(j);
}

bool export_write_speedscope(const struct export *e, struct buffer *out)
{
	struct writer w = { .json = { .out = out, .is_compact = true } };
	const char *exe = model_process(e->models[0])->exe;
	struct profile *p = export_profile(e);
	struct json *j = &w.json;

	if (!p)
		return false;
	json_open_object(j, NULL);
	json_write_text(j, "$schema", "https://www.speedscope.app/file-format-schema.json");
	json_write_text(j, "exporter", "lsatrace " LSATRACE_VERSION);
	buffer_format(&w.name, "%s%s", exe ? exe : model_path(e->models[0]),
		      export_bound(e->is_exact));
	json_write_text(j, "name", w.name.data);
	json_write_number(j, "activeProfileIndex", 0);
	json_open_object(j, "shared");
	json_open_array(j, "frames");
	for (size_t i = 0; i < p->rows; i++) {
		progress_show(e->progress, "reading stacks", i, p->rows);
		profile_walk(p, &p->row[i], e->symbols, write_frame, &w);
	}
	json_close_array(j);
	json_close_object(j);
	json_open_array(j, "profiles");
	for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		write_profile(&w, e, p, i);
	json_close_array(j);
	json_close_object(j);
	numbers_release(&w.frames);
	buffer_release(&w.name);
	buffer_release(&w.key);
	profile_free(p);
	return true;
}
