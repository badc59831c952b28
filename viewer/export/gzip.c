/* SPDX-License-Identifier: MIT */
#include "viewer/export/gzip.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

#include "viewer/base/memory.h"

struct gzip {
	z_stream stream;
	FILE *out;
	unsigned char room[1 << 14];
};

/* Compresses what stream.next_in has, and writes all that comes out of it. */
static bool deflate_all(struct gzip *g, int flush)
{
	do {
		size_t bytes;

		g->stream.next_out = g->room;
		g->stream.avail_out = sizeof(g->room);
		deflate(&g->stream, flush);
		bytes = sizeof(g->room) - g->stream.avail_out;
		if (fwrite(g->room, 1, bytes, g->out) != bytes)
			return false;
	} while (g->stream.avail_out == 0);
	return true;
}

static ssize_t write_gzip(void *gzip, const char *bytes, size_t count)
{
	struct gzip *g = gzip;

	if (count > INT32_MAX)
		count = INT32_MAX;
	g->stream.next_in = (const unsigned char *)bytes;
	g->stream.avail_in = (unsigned)count;
	return deflate_all(g, Z_NO_FLUSH) ? (ssize_t)count : 0;
}

static int close_gzip(void *gzip)
{
	struct gzip *g = gzip;
	bool is_written;

	g->stream.avail_in = 0;
	is_written = deflate_all(g, Z_FINISH);
	deflateEnd(&g->stream);
	free(g);
	return is_written ? 0 : EOF;
}

FILE *gzip_open(FILE *out)
{
	const cookie_io_functions_t functions = { .write = write_gzip, .close = close_gzip };
	struct gzip *g = memory_new(1, sizeof(*g));
	FILE *file;

	g->out = out;
	/* + 16: with the head and the tail of gzip, whose time stays 0. */
	if (deflateInit2(&g->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		memory_exhausted();
	file = fopencookie(g, "w", functions);
	if (!file)
		memory_exhausted();
	return file;
}
