/* SPDX-License-Identifier: MIT */
/* Compressed traces: right ones, damaged ones, and those that would unpack to more than there is. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#include "tests/support/trace_builder.h"
#include "viewer/base/progress.h"
#include "viewer/read/reader.h"
#include "viewer/read/unpack.h"

struct bytes {
	unsigned char *data;
	size_t size;
};

static struct trace_builder *build(void)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/bin/host");
	for (unsigned i = 0; i < 50; i++)
		trace_builder_event(b, i % 3,
				    (struct trace_event){ .time = 1000 + i,
							  .function = SLOT_FreeLsaHeap,
							  .state = TRACE_EVENT_COMMITTED });
	return b;
}

static struct bytes pack_zstd(const void *data, size_t size, int window_log)
{
	struct bytes packed = { malloc(ZSTD_compressBound(size)), ZSTD_compressBound(size) };
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	/* As a stream has it, which does not know its size. */
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0);
	if (window_log)
		ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log);
	packed.size = ZSTD_compress2(zstd, packed.data, packed.size, data, size);
	cr_assert(!ZSTD_isError(packed.size), "%s", ZSTD_getErrorName(packed.size));
	ZSTD_freeCCtx(zstd);
	return packed;
}

static struct bytes pack_gzip(const void *data, size_t size)
{
	struct bytes packed = { malloc(size + 1000), 0 };
	z_stream z = { .next_in = data, .avail_in = (unsigned)size, .next_out = packed.data };

	z.avail_out = (unsigned)size + 1000;
	cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	packed.size = z.total_out;
	deflateEnd(&z);
	return packed;
}

/* Returns how many events are read, or -1 with the trouble. */
static int count_events(struct trace_builder *b, const void *data, size_t size, struct trouble *t)
{
	struct reader *r = reader_open(trace_builder_write_bytes(b, data, size), NULL, t);
	static struct reader_events events;
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	int count = 0;

	if (!r)
		return -1;
	while (reader_next_ring(r, &c, &ring)) {
		if (!reader_read_events(r, &ring, &events, t))
			count = -100000;
		count += (int)events.count;
	}
	reader_close(r);
	return count;
}

/* As count_events(), of a trace in all its changes. */
static void expect_refused_or_right(struct trace_builder *b, struct bytes packed)
{
	struct trouble t;

	for (size_t size = 1; size < packed.size; size += 1 + packed.size / 200) {
		int count = count_events(b, packed.data, size, &t);

		cr_expect(count == -1 && t.error != TROUBLE_NONE && *t.text, "%zu bytes: %d", size,
			  count);
	}
	for (size_t i = 0; i < packed.size; i += 1 + packed.size / 200) {
		int count;

		packed.data[i] ^= 0x55;
		count = count_events(b, packed.data, packed.size, &t);
		cr_expect(count == -1 || count == 50, "byte %zu: %d", i, count);
		packed.data[i] ^= 0x55;
	}
}

Test(unpack, traces_that_were_compressed_are_read, .timeout = 60)
{
	struct trace_builder *b = build();
	size_t size;
	const unsigned char *data = trace_builder_bytes(b, &size);
	struct bytes zstd = pack_zstd(data, size, 0), gzip = pack_gzip(data, size);
	struct bytes parts = pack_zstd(data, 20000, 0),
		     rest = pack_zstd(data + 20000, size - 20000, 0);
	struct trouble t;

	cr_expect_eq(count_events(b, zstd.data, zstd.size, &t), 50, "%s", t.text);
	cr_expect_eq(count_events(b, gzip.data, gzip.size, &t), 50, "%s", t.text);
	/* Several frames, as pzstd and `cat` make them. */
	parts.data = realloc(parts.data, parts.size + rest.size);
	memcpy(parts.data + parts.size, rest.data, rest.size);
	cr_expect_eq(count_events(b, parts.data, parts.size + rest.size, &t), 50, "%s", t.text);
	free(zstd.data);
	free(gzip.data);
	free(parts.data);
	free(rest.data);
	trace_builder_free(b);
}

Test(unpack, what_takes_long_shows_its_progress_on_a_terminal)
{
	struct trace_builder *b = build();
	size_t size;
	const unsigned char *data = trace_builder_bytes(b, &size);
	struct bytes zstd = pack_zstd(data, size, 0);
	int fd = open(trace_builder_write_bytes(b, zstd.data, zstd.size), O_RDONLY | O_CLOEXEC);
	/* As if it had been begun long ago. */
	struct progress progress = { .started_ns = 1 };
	int terminal, standard_error, was = dup(STDERR_FILENO);
	char shown[1000] = "";
	struct trouble t;

	cr_assert_eq(openpty(&terminal, &standard_error, NULL, NULL, NULL), 0);
	dup2(standard_error, STDERR_FILENO);
	close(unpack_file(fd, &progress, &t));
	progress_end(&progress);
	cr_assert_gt(read(terminal, shown, sizeof(shown) - 1), 0);
	dup2(was, STDERR_FILENO);
	cr_expect(strstr(shown, "% unpacking"), "%s", shown);
	close(fd);
	free(zstd.data);
	trace_builder_free(b);
}

Test(unpack, damaged_ones_are_refused_in_one_line, .timeout = 120)
{
	struct trace_builder *b = build();
	size_t size;
	const unsigned char *data = trace_builder_bytes(b, &size);
	struct bytes zstd = pack_zstd(data, size, 0), gzip = pack_gzip(data, size);

	expect_refused_or_right(b, zstd);
	expect_refused_or_right(b, gzip);
	free(zstd.data);
	free(gzip.data);
	trace_builder_free(b);
}

Test(unpack, compressed_data_that_are_no_trace_are_refused)
{
	struct trace_builder *b = build();
	struct bytes zstd = pack_zstd("a text that is no trace", 23, 0);
	struct trouble t;

	cr_expect_eq(count_events(b, zstd.data, zstd.size, &t), -1);
	cr_expect_eq(t.error, TROUBLE_NOT_A_TRACE);
	cr_expect_str_eq(t.text, "compressed, but not an lsatrace trace");
	free(zstd.data);
	trace_builder_free(b);
}

/* A header that claims as many chunks as there can be, and a gigabyte of zeroes behind it. */
Test(unpack, a_bomb_is_refused_and_takes_no_room, .timeout = 60)
{
	const size_t size = 1u << 30;
	struct trace_builder *b = build();
	unsigned char *data = calloc(1, size);
	struct bytes zstd, gzip;
	size_t trace_bytes;
	struct trouble t;

	memcpy(data, trace_builder_bytes(b, &trace_bytes), TRACE_CHUNK_BYTES);
	((struct trace_header *)data)->chunks = UINT32_MAX;
	((struct trace_header *)data)->max_chunks = UINT32_MAX;
	zstd = pack_zstd(data, size, 0);
	cr_expect_eq(count_events(b, zstd.data, zstd.size, &t), -1);
	cr_expect(strstr(t.text, "unpacks to more than"), "%s", t.text);
	/* With a true header, only what counts is unpacked. */
	memcpy(data, trace_builder_bytes(b, &trace_bytes), trace_bytes);
	gzip = pack_gzip(data, 256u << 20);
	cr_expect_eq(count_events(b, gzip.data, gzip.size, &t), 50, "%s", t.text);
	free(data);
	free(zstd.data);
	free(gzip.data);
	trace_builder_free(b);
}

Test(unpack, a_window_that_takes_too_much_memory_is_refused, .timeout = 60)
{
	const size_t size = 80u << 20;
	struct trace_builder *b = build();
	unsigned char *data = calloc(1, size), *bytes;
	size_t trace_bytes;
	struct bytes zstd;
	struct trouble t;

	bytes = trace_builder_bytes(b, &trace_bytes);
	memcpy(data, bytes, trace_bytes);
	zstd = pack_zstd(data, size, UNPACK_WINDOW_LOG + 1);
	cr_expect_eq(count_events(b, zstd.data, zstd.size, &t), -1);
	cr_expect_eq(t.error, TROUBLE_DAMAGED, "%s", t.text);
	free(data);
	free(zstd.data);
	trace_builder_free(b);
}
