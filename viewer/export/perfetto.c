/* SPDX-License-Identifier: MIT */
/*
 * The format `perfetto`: a time line for https://ui.perfetto.dev. Each thread has its calls, with an
 * instant for each that is a finding; each package has counters of its live blocks and bytes, and each
 * section one of its bytes.
 */
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/export/export.h"
#include "viewer/export/proto.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/profile/curve.h"
#include "viewer/profile/numbers.h"

/* Fields of the messages, and their values. */
enum {
	TRACE_PACKET = 1,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_EVENT = 11,
	PACKET_TRACK = 60,
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_THREAD = 4,
	TRACK_PARENT = 5,
	TRACK_COUNTER = 8,
	PROCESS_PID = 1,
	PROCESS_NAME = 6,
	THREAD_PID = 1,
	THREAD_TID = 2,
	COUNTER_UNIT = 3,
	UNIT_COUNT = 2,
	UNIT_BYTES = 3,
	EVENT_ANNOTATION = 4,
	EVENT_TYPE = 9,
	EVENT_TRACK = 11,
	EVENT_NAME = 23,
	EVENT_VALUE = 30,
	TYPE_BEGIN = 1,
	TYPE_END = 2,
	TYPE_INSTANT = 3,
	TYPE_COUNTER = 4,
	ANNOTATION_NUMBER = 3,
	ANNOTATION_ADDRESS = 7,
	ANNOTATION_NAME = 10,
};

enum track { OF_PROCESS, OF_THREAD, OF_PACKAGE_BYTES, OF_PACKAGE_BLOCKS, OF_SECTION };

struct writer {
	struct buffer *out;
	const struct model *model;
	uint32_t number; /* of the model */
	struct numbers tracks;
	struct curve_amount shown[TRACE_PACKAGES];
	struct buffer packet, event, part; /* messages that are being made */
};

static void write_packet(struct writer *w)
{
	proto_number(&w->packet, PACKET_SEQUENCE, 1);
	proto_take(w->out, TRACE_PACKET, &w->packet);
}

static void describe_counter(struct writer *w, enum track kind, uint64_t of)
{
	struct buffer name = { 0 };

	buffer_text(&name, kind == OF_PACKAGE_BLOCKS ? "live blocks of " : "live bytes of ");
	if (kind == OF_SECTION) {
		buffer_text(&name, "section ");
		buffer_hex(&name, of);
	} else {
		model_write_package(w->model, (uint32_t)of, &name);
	}
	proto_take(&w->event, TRACK_NAME, &name);
	buffer_release(&name);
	proto_number(&w->part, COUNTER_UNIT, kind == OF_PACKAGE_BLOCKS ? UNIT_COUNT : UNIT_BYTES);
	proto_take(&w->event, TRACK_COUNTER, &w->part);
}

/* Returns the uuid of a track, which is described when it is first needed. */
static uint64_t find_track(struct writer *w, enum track kind, uint64_t of)
{
	const struct model_process *process = model_process(w->model);
	const uint64_t key[] = { w->number, kind, of };
	bool is_new;
	uint32_t uuid = numbers_give(&w->tracks, key, sizeof(key), &is_new);
	struct buffer name = { 0 };

	if (!is_new)
		return uuid;
	proto_number(&w->event, TRACK_UUID, uuid);
	if (kind == OF_PROCESS) {
		proto_number(&w->part, PROCESS_PID, (uint64_t)process->pid);
		buffer_format(&name, "%s%s", process->exe ? process->exe : model_path(w->model),
			      export_bound(model_is_exact(w->model)));
		proto_take(&w->part, PROCESS_NAME, &name);
		buffer_release(&name);
		proto_take(&w->event, TRACK_PROCESS, &w->part);
	} else if (kind == OF_THREAD) {
		proto_number(&w->part, THREAD_PID, (uint64_t)process->pid);
		proto_number(&w->part, THREAD_TID, of);
		proto_take(&w->event, TRACK_THREAD, &w->part);
	} else {
		/* Threads belong to their process by its pid. The process was described before. */
		const uint64_t parent[] = { w->number, OF_PROCESS, 0 };

		proto_number(&w->event, TRACK_PARENT,
			     numbers_give(&w->tracks, parent, sizeof(parent), &is_new));
		describe_counter(w, kind, of);
	}
	proto_take(&w->packet, PACKET_TRACK, &w->event);
	write_packet(w);
	return uuid;
}

/* What w->event has already, and the rest of it. */
static void write_event(struct writer *w, uint64_t time_ns, unsigned type, uint64_t track)
{
	proto_number(&w->event, EVENT_TYPE, type);
	proto_number(&w->event, EVENT_TRACK, track);
	proto_number(&w->packet, PACKET_TIMESTAMP, time_ns);
	proto_take(&w->packet, PACKET_EVENT, &w->event);
	write_packet(w);
}

static void write_counter(struct writer *w, uint64_t time_ns, enum track kind, uint64_t of,
			  uint64_t value)
{
	uint64_t track = find_track(w, kind, of);

	proto_number(&w->event, EVENT_VALUE, value);
	write_event(w, time_ns, TYPE_COUNTER, track);
}

static void write_packages(struct writer *w, uint64_t time_ns, const struct curve_amount *held)
{
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		if (held[i].bytes != w->shown[i].bytes)
			write_counter(w, time_ns, OF_PACKAGE_BYTES, i, held[i].bytes);
		if (held[i].blocks != w->shown[i].blocks)
			write_counter(w, time_ns, OF_PACKAGE_BLOCKS, i, held[i].blocks);
		w->shown[i] = held[i];
	}
}

static void annotate(struct writer *w, const char *name, unsigned field, uint64_t value)
{
	proto_text(&w->part, ANNOTATION_NAME, name);
	proto_number(&w->part, field, value);
	proto_take(&w->event, EVENT_ANNOTATION, &w->part);
}

static void write_call(struct writer *w, uint64_t time_ns, const struct trace_event *e)
{
	const struct model_function *function = model_function(w->model, e->function);
	enum trace_role role = event_role(function->role, e);
	uint64_t track = find_track(w, OF_THREAD, (uint64_t)(int64_t)e->tid);

	proto_text(&w->event, EVENT_NAME, function->name ? function->name : "?");
	if (event_has_section(role, e))
		annotate(w, "section", ANNOTATION_ADDRESS, e->section);
	if (event_has_address(role, e))
		annotate(w, "address", ANNOTATION_ADDRESS, e->address);
	if (event_has_size(role))
		annotate(w, "size", ANNOTATION_NUMBER, event_size(role, e));
	if (e->state & TRACE_EVENT_RETURNED && role < TRACE_ROLE_TRANSFER) {
		write_event(w, time_ns, TYPE_BEGIN, track);
		write_event(w, time_ns + model_duration_ns(w->model, e->duration), TYPE_END, track);
	} else {
		write_event(w, time_ns, TYPE_INSTANT, track);
	}
	if (!e->verdict)
		return;
	proto_text(&w->event, EVENT_NAME, kinds_text((enum trace_kind)e->verdict));
	write_event(w, time_ns, TYPE_INSTANT, track);
}

static bool write_model(struct writer *w)
{
	uint64_t start_ns = model_process(w->model)->start_ns;
	struct trouble trouble = { 0 };
	struct curve *curve = curve_new_whole(w->model, &trouble);
	const struct trace_event *e;
	const struct curve_section *section;
	bool is_first = true;

	memset(w->shown, 0, sizeof(w->shown));
	find_track(w, OF_PROCESS, 0);
	while (curve && (e = curve_next(curve, &trouble)) != NULL) {
		uint64_t time_ns = start_ns + (uint64_t)model_time_ns(w->model, e->time);

		section = curve_replay(curve, e);
		if (is_first)
			write_packages(w, time_ns, curve_packages(curve));
		is_first = false;
		write_call(w, time_ns, e);
		write_packages(w, time_ns, curve_packages(curve));
		if (section)
			write_counter(w, time_ns, OF_SECTION, section->handle, section->held.bytes);
	}
	curve_free(curve);
	if (trouble.error != TROUBLE_NONE)
		complaint_print(model_path(w->model), "%s", trouble.text);
	return trouble.error == TROUBLE_NONE;
}

bool export_write_perfetto(const struct export *e, struct buffer *out)
{
	struct writer w = { .out = out };
	bool is_read = true;

	for (size_t i = 0; i < e->count; i++) {
		w.model = e->models[i];
		w.number = (uint32_t)i;
		is_read = write_model(&w) && is_read;
	}
	numbers_release(&w.tracks);
	buffer_release(&w.packet);
	buffer_release(&w.event);
	buffer_release(&w.part);
	return is_read;
}
