/* SPDX-License-Identifier: MIT */
#include "viewer/export/pack.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/model/model.h"
#include "viewer/profile/numbers.h"
#include "viewer/symbols/symbols.h"

#define LEVEL 6

struct packer {
	const struct model *model;
	struct symbols *symbols;
	struct progress *progress;
	struct numbers asked;                    /* addresses, and modules */
	unsigned char (*log)[TRACE_CHUNK_BYTES]; /* chunks with symbols */
	size_t logs, log_room;
	uint32_t used; /* of the last one */
	ZSTD_CCtx *zstd;
	FILE *out;
	unsigned char *room;
	size_t room_bytes;
	struct pack_sums *sums;
};

/* Is it the first time that somebody asks? */
static bool is_new(struct packer *p, uint32_t module, enum trace_symbol_kind kind, uint64_t offset)
{
	const uint64_t key[] = { module, kind, offset };
	bool is_first;

	numbers_give(&p->asked, key, sizeof(key), &is_first);
	return is_first;
}

/* Returns room for a record in the log; no record lies across the end of a chunk. */
static struct trace_symbol *add_record(struct packer *p, size_t bytes)
{
	struct trace_symbol *t;

	bytes = (bytes + TRACE_GRANULE - 1) / TRACE_GRANULE * TRACE_GRANULE;
	if (p->logs == 0 || p->used + bytes > TRACE_CHUNK_BYTES) {
		memory_room(p->log, p->logs, p->log_room);
		memset(p->log[p->logs], 0, TRACE_CHUNK_BYTES);
		((struct trace_chunk *)p->log[p->logs++])->kind = TRACE_CHUNK_LOG;
		p->used = TRACE_CHUNK_HEADER_BYTES;
	}
	t = (struct trace_symbol *)(p->log[p->logs - 1] + p->used);
	t->head.bytes = (uint32_t)bytes;
	t->head.type = TRACE_RECORD_SYMBOL;
	t->head.committed = 1;
	p->used += (uint32_t)bytes;
	p->sums->symbols++;
	return t;
}

static uint16_t length_of(const char *text)
{
	return (uint16_t)(text ? strlen(text) : 0);
}

static void add_symbol(struct packer *p, const struct trace_symbol *like, const char *function,
		       const char *linkage, const char *file)
{
	struct trace_symbol symbol = *like, *t;
	char *text;

	symbol.function_bytes = length_of(function);
	symbol.linkage_bytes = length_of(linkage);
	symbol.file_bytes = length_of(file);
	t = add_record(p, sizeof(*t) + symbol.function_bytes + symbol.linkage_bytes +
				  symbol.file_bytes);
	symbol.head = t->head;
	*t = symbol;
	text = t->text;
	if (function)
		text = mempcpy(text, function, symbol.function_bytes);
	if (linkage)
		text = mempcpy(text, linkage, symbol.linkage_bytes);
	if (file)
		memcpy(text, file, symbol.file_bytes);
}

static void add_gap(struct packer *p, const struct model_module *module)
{
	const char *obstacle = symbols_obstacle(p->symbols, module);

	char *words;

	if (!obstacle || !is_new(p, module->id, TRACE_SYMBOL_GAP, 0))
		return;
	/* It may have paths of any length in it. */
	words = buffer_take_cut(obstacle, strlen(obstacle), TRACE_NAME_MAX);
	add_symbol(p, &(struct trace_symbol){ .module = module->id, .kind = TRACE_SYMBOL_GAP },
		   words, NULL, NULL);
	free(words);
}

/* A module whose file was not found has no symbols: perhaps the other machine has it. */
static void add_frame(struct packer *p, const struct model_frame *frame)
{
	const struct symbol *symbol;
	uint8_t place = 0;

	if (!frame->module || !frame->offset ||
	    !is_new(p, frame->module->id, TRACE_SYMBOL_CODE, frame->offset) ||
	    !symbols_are_known(p->symbols, frame->module))
		return;
	for (symbol = symbols_find(p->symbols, frame->module, frame->offset); symbol;
	     symbol = symbol->outer)
		add_symbol(p,
			   &(struct trace_symbol){ .module = frame->module->id,
						   .kind = TRACE_SYMBOL_CODE,
						   .place = place++,
						   .offset = frame->offset,
						   .number = symbol->line,
						   .inlined = symbol->is_inlined },
			   symbol->function, symbol->linkage_name, symbol->file);
	add_gap(p, frame->module);
}

/* The name of what lies at an address that was freed, and is no block. */
static void add_data(struct packer *p, const struct trace_finding *f)
{
	const struct model_module *module =
		f->place == TRACE_PLACE_IMAGE ? model_module_of(p->model, f->place_of) : NULL;
	const char *name;
	uint64_t offset, from;

	if (!module)
		return;
	offset = f->address - module->load;
	if (!is_new(p, module->id, TRACE_SYMBOL_DATA, offset))
		return;
	name = symbols_find_data(p->symbols, module, offset, &from);
	if (name)
		add_symbol(p,
			   &(struct trace_symbol){ .module = module->id,
						   .kind = TRACE_SYMBOL_DATA,
						   .offset = offset,
						   .number = from },
			   name, NULL, NULL);
}

static void add_symbols(struct packer *p)
{
	const struct reader *reader = model_reader(p->model);
	uint64_t all = model_process(p->model)->stacks, done = 0;
	struct reader_cursor stacks = { 0 }, findings = { 0 };
	const struct trace_finding *f;
	struct model_stack room;
	uint32_t ref;

	while ((ref = reader_next_stack(reader, &stacks)) != 0) {
		progress_show(p->progress, "reading symbols", done++, all);
		if (!model_stack(p->model, ref, &room))
			continue;
		for (uint32_t i = 0; i < room.frames; i++)
			add_frame(p, &room.frame[i]);
	}
	while ((f = model_next_finding(p->model, &findings)) != NULL)
		add_data(p, f);
}

/* Compresses some bytes, and all that is left if they are the last ones. */
static void put(struct packer *p, const void *bytes, size_t count, bool is_last)
{
	ZSTD_inBuffer in = { bytes, count, 0 };
	size_t left;

	do {
		ZSTD_outBuffer to = { p->room, p->room_bytes, 0 };

		left = ZSTD_compressStream2(p->zstd, &to, &in,
					    is_last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			memory_exhausted();
		fwrite(p->room, 1, to.pos, p->out);
		p->sums->packed_bytes += to.pos;
	} while (is_last ? left != 0 : in.pos < in.size);
}

static uint64_t count_bytes(const struct packer *p)
{
	uint64_t chunks = reader_header(model_reader(p->model))->chunks;

	return (chunks + p->logs) * TRACE_CHUNK_BYTES;
}

static void put_header(struct packer *p)
{
	unsigned char chunk[TRACE_CHUNK_BYTES] = { 0 };
	struct trace_header *h = (struct trace_header *)chunk;

	*h = *reader_header(model_reader(p->model));
	if (!h->packed)
		h->packed = 1 + model_process(p->model)->end;
	h->chunks += (uint32_t)p->logs;
	if (h->max_chunks && h->max_chunks < h->chunks)
		h->max_chunks = h->chunks;
	put(p, chunk, sizeof(chunk), false);
}

static bool put_chunks(struct packer *p, struct trouble *trouble)
{
	const struct reader *reader = model_reader(p->model);
	uint32_t count = reader_header(reader)->chunks;
	uint64_t sequence = 0;
	unsigned char chunk[TRACE_CHUNK_BYTES] __attribute__((aligned(16)));
	const struct trace_chunk *head = (const struct trace_chunk *)chunk;

	for (uint32_t i = 1; i < count; i++) {
		progress_show(p->progress, "compressing", i, count);
		if (!reader_copy_chunk(reader, i, chunk, trouble))
			return false;
		if (head->kind == TRACE_CHUNK_LOG && head->sequence > sequence)
			sequence = head->sequence;
		put(p, chunk, sizeof(chunk), false);
	}
	for (size_t i = 0; i < p->logs; i++) {
		((struct trace_chunk *)p->log[i])->sequence = ++sequence;
		put(p, p->log[i], TRACE_CHUNK_BYTES, false);
	}
	put(p, NULL, 0, true);
	p->sums->trace_bytes = (uint64_t)count * TRACE_CHUNK_BYTES;
	return true;
}

bool pack_write(const struct model *model, struct symbols *symbols, struct progress *progress,
		FILE *out, struct pack_sums *sums, struct trouble *trouble)
{
	struct packer p = {
		.model = model, .symbols = symbols, .progress = progress, .out = out, .sums = sums
	};
	bool is_read;

	*sums = (struct pack_sums){ 0 };
	p.zstd = ZSTD_createCCtx();
	if (!p.zstd)
		memory_exhausted();
	ZSTD_CCtx_setParameter(p.zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(p.zstd, ZSTD_c_checksumFlag, 1);
	p.room_bytes = ZSTD_CStreamOutSize();
	p.room = memory_new(1, p.room_bytes);
	/* One that is packed already has its symbols. */
	if (!reader_header(model_reader(model))->packed)
		add_symbols(&p);
	/* Of a small trace, zstd then takes less memory. */
	ZSTD_CCtx_setPledgedSrcSize(p.zstd, count_bytes(&p));
	put_header(&p);
	is_read = put_chunks(&p, trouble);
	progress_end(progress);
	ZSTD_freeCCtx(p.zstd);
	numbers_release(&p.asked);
	free(p.log);
	free(p.room);
	return is_read;
}
