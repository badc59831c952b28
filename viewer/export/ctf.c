/* SPDX-License-Identifier: MIT */
/*
 * The format `ctf`: the Common Trace Format, version 1.8, for babeltrace2 and Trace Compass. A trace is a
 * folder with a file `metadata`, which describes the rest, and a file `calls`. Of several processes, each
 * has a folder in the folder.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/export/export.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/symbols/symbols.h"

#define PACKET_BYTES (1u << 18) /* about */
#define MAGIC 0xC1FC1FC1u

/* What is before the events of a packet. */
struct packet {
	uint32_t magic, stream;
	uint64_t content_bits, packet_bits;
	uint64_t first_ns, last_ns;
	uint64_t discarded; /* so far */
};
_Static_assert(sizeof(struct packet) == 48, "no padding");

static const char head[] =
	"/* CTF 1.8 */\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 32; align = 8; signed = true; } := int32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; base = 16; } := address_t;\n"
	"trace {\n\tmajor = 1;\n\tminor = 8;\n\tbyte_order = %s;\n"
	"\tpacket.header := struct { uint32_t magic; uint32_t stream_id; };\n};\n"
	"env {\n\tdomain = \"ust\";\n\ttracer_name = \"lsatrace\";\n\tvpid = %d;\n};\n"
	"clock {\n\tname = wall;\n\tfreq = 1000000000;\n\toffset = 0;\n\tabsolute = true;\n};\n"
	"typealias integer { size = 64; align = 8; signed = false; map = clock.wall.value; } := "
	"time_t;\n"
	"stream {\n\tid = 0;\n"
	"\tpacket.context := struct { uint64_t content_size; uint64_t packet_size;\n"
	"\t\ttime_t timestamp_begin; time_t timestamp_end; uint64_t events_discarded; };\n"
	"\tevent.header := struct { uint32_t id; time_t timestamp; };\n"
	"\tevent.context := struct { int32_t vtid; string package; };\n};\n";

static const char event_fields[] =
	"\tstream_id = 0;\n\tfields := struct { address_t section; address_t address; uint64_t "
	"size;\n"
	"\t\tint32_t result; uint64_t duration_ns; string finding;\n"
	"\t\tstring caller; string file; uint32_t line;\n"
	"\t\tuint32_t frames; address_t stack[frames]; };\n};\n";

struct writer {
	const struct export *e;
	const struct model *model;
	struct buffer calls;  /* the file */
	struct buffer events; /* of the packet that is being made */
	struct packet packet;
};

static void write_metadata(struct buffer *b, const struct model *model)
{
	buffer_format(b, head, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "le" : "be",
		      model_process(model)->pid);
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++) {
		const char *name = model_function(model, i)->name;

		if (!name)
			continue;
		buffer_text(b, "event {\n\tname = \"");
		/* Names of a trace may hold anything, and the description must not break. */
		for (; *name; name++)
			buffer_bytes(b, isascii(*name) && isalnum(*name) ? name : "_", 1);
		buffer_text(b, "\";\n\tid = ");
		buffer_decimal(b, i);
		buffer_text(b, ";\n");
		buffer_text(b, event_fields);
	}
}

static void append_32(struct buffer *b, uint32_t number)
{
	buffer_bytes(b, (const char *)&number, sizeof(number));
}

static void append_64(struct buffer *b, uint64_t number)
{
	buffer_bytes(b, (const char *)&number, sizeof(number));
}

static void append_string(struct buffer *b, const char *text)
{
	buffer_plain(b, text ? text : "");
	buffer_bytes(b, "", 1);
}

static void append_event(struct writer *w, const struct trace_event *e, uint64_t time_ns)
{
	enum trace_role role = event_role(model_function(w->model, e->function)->role, e);
	bool has_returned = (e->state & TRACE_EVENT_RETURNED) != 0;
	struct buffer *b = &w->events;
	const struct symbol *symbol = NULL;
	const struct model_stack *stack;
	struct model_stack room;

	append_32(b, e->function);
	append_64(b, time_ns);
	append_32(b, (uint32_t)e->tid);
	model_write_package(w->model, e->package, b);
	buffer_bytes(b, "", 1);
	append_64(b, event_has_section(role, e) ? e->section : 0);
	append_64(b, event_has_address(role, e) ? e->address : 0);
	append_64(b, event_has_size(role) ? event_size(role, e) : 0);
	append_32(b, has_returned ? (uint32_t)e->result : 0);
	append_64(b, has_returned ? model_duration_ns(w->model, e->duration) : 0);
	append_string(b, e->verdict ? kinds_text((enum trace_kind)e->verdict) : "");
	stack = model_stack(w->model, e->stack, &room);
	if (stack)
		symbol = symbols_find(w->e->symbols, stack->frame[0].module, stack->frame[0].offset);
	append_string(b, symbol ? symbol->function : NULL);
	append_string(b, symbol ? symbol->file : NULL);
	append_32(b, symbol ? symbol->line : 0);
	append_32(b, stack ? stack->frames : 0);
	for (uint32_t i = 0; stack && i < stack->frames; i++)
		append_64(b, stack->frame[i].has_address ? stack->frame[i].address
							 : stack->frame[i].offset);
}

static void write_packet(struct writer *w)
{
	struct packet *packet = &w->packet;

	packet->magic = MAGIC;
	packet->content_bits = (sizeof(*packet) + w->events.used) * 8;
	packet->packet_bits = packet->content_bits;
	buffer_bytes(&w->calls, (const char *)packet, sizeof(*packet));
	buffer_bytes(&w->calls, w->events.data ? w->events.data : "", w->events.used);
	w->events.used = 0;
	packet->first_ns = packet->last_ns;
}

/* Reads the ring. The first packet is empty: what was overwritten is missing behind it. */
static void write_calls(struct writer *w, const struct model_events *counts, struct trouble *trouble)
{
	struct timeline *timeline = timeline_new(model_reader(w->model));
	uint64_t start_ns = model_process(w->model)->start_ns;
	const struct trace_event *e;
	bool is_first = true;

	w->packet = (struct packet){ 0 };
	while ((e = timeline_next(timeline, trouble)) != NULL) {
		uint64_t time_ns = start_ns + (uint64_t)model_time_ns(w->model, e->time);

		if (is_first || time_ns > w->packet.last_ns)
			w->packet.last_ns = time_ns;
		if (is_first) {
			w->packet.first_ns = time_ns;
			write_packet(w);
			w->packet.discarded = counts->overwritten + counts->lost;
		}
		is_first = false;
		append_event(w, e, w->packet.last_ns);
		if (w->events.used >= PACKET_BYTES)
			write_packet(w);
	}
	if (!is_first)
		write_packet(w);
	timeline_free(timeline);
}

/* Opens a file in the folder for a buffer. Returns false with one line printed if it cannot. */
static bool open_stream(const struct export *e, const char *folder, const char *name,
			struct buffer *b)
{
	struct buffer path = { 0 };
	FILE *file;

	buffer_format(&path, "%s/%s", folder, name);
	file = fopen(path.data, "we");
	if (file)
		buffer_stream(b, file, e->progress);
	else
		complaint_print(path.data, "%s", strerror(errno));
	buffer_release(&path);
	return file != NULL;
}

static bool close_stream(const char *folder, struct buffer *b)
{
	int error = buffer_flush(b);

	if (fclose(b->out) != 0 && !error)
		error = errno;
	if (error)
		complaint_print(folder, "%s", strerror(error));
	buffer_release(b);
	return error == 0;
}

static bool make_folder(const char *folder)
{
	struct stat status;

	if (mkdir(folder, 0777) == 0 || (stat(folder, &status) == 0 && S_ISDIR(status.st_mode)))
		return true;
	complaint_print(folder, "%s", strerror(errno));
	return false;
}

static bool write_model(const struct export *e, size_t i, const char *folder)
{
	struct writer w = { .e = e, .model = e->models[i] };
	struct buffer metadata = { 0 };
	struct trouble trouble = { 0 };
	bool is_written;

	if (!make_folder(folder) || !open_stream(e, folder, "metadata", &metadata))
		return false;
	write_metadata(&metadata, w.model);
	if (!close_stream(folder, &metadata) || !open_stream(e, folder, "calls", &w.calls))
		return false;
	write_calls(&w, &e->events[i], &trouble);
	is_written = close_stream(folder, &w.calls);
	buffer_release(&w.events);
	if (trouble.error != TROUBLE_NONE)
		complaint_print(model_path(w.model), "%s", trouble.text);
	return is_written && trouble.error == TROUBLE_NONE;
}

bool export_write_ctf(const struct export *e, struct buffer *out)
{
	struct buffer folder = { 0 };
	bool is_written;

	(void)out;
	if (e->count == 1)
		return write_model(e, 0, e->file);
	is_written = make_folder(e->file);
	for (size_t i = 0; is_written && i < e->count; i++) {
		folder.used = 0;
		buffer_format(&folder, "%s/%zu", e->file, i);
		is_written = write_model(e, i, folder.data);
	}
	buffer_release(&folder);
	return is_written;
}
