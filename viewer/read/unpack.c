/* SPDX-License-Identifier: MIT */
#include "viewer/read/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "include/trace_format.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"

struct unpacker {
	int from, to;
	unsigned char *in;              /* room for IN_BYTES */
	size_t used, next;              /* of it */
	uint64_t read_bytes, all_bytes; /* of the compressed file */
	uint64_t limit;
	bool has_ended, is_within; /* in a frame, or a member, that goes on */
	ZSTD_DCtx *zstd;           /* NULL: gzip */
	z_stream gzip;
	struct progress *progress;
	struct trouble *trouble;
};

enum { IN_BYTES = 1 << 16 };

bool unpack_applies(const unsigned char *bytes, size_t count)
{
	return (count >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0) ||
	       (count >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0);
}

static bool fail(struct unpacker *u, const char *what)
{
	uint64_t at = u->read_bytes - (u->used - u->next);

	return trouble_set(u->trouble, TROUBLE_DAMAGED, at,
			   "damaged: compressed data, %s, at byte %" PRIu64, what, at);
}

static bool refill(struct unpacker *u)
{
	ssize_t got;

	do
		got = pread(u->from, u->in, IN_BYTES, (off_t)u->read_bytes);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return trouble_set(u->trouble, TROUBLE_CANNOT_READ, u->read_bytes,
				   "%s at byte %" PRIu64, strerror(errno), u->read_bytes);
	u->used = (size_t)got;
	u->next = 0;
	u->read_bytes += (uint64_t)got;
	u->has_ended = got == 0;
	return true;
}

static bool step_zstd(struct unpacker *u, unsigned char *out, size_t room, size_t *got)
{
	ZSTD_inBuffer in = { u->in, u->used, u->next };
	ZSTD_outBuffer to = { out, room, 0 };
	size_t left = ZSTD_decompressStream(u->zstd, &to, &in);

	u->next = in.pos;
	if (ZSTD_isError(left))
		return fail(u, ZSTD_getErrorName(left));
	u->is_within = left != 0;
	*got = to.pos;
	return true;
}

static bool step_gzip(struct unpacker *u, unsigned char *out, size_t room, size_t *got)
{
	z_stream *z = &u->gzip;
	int status;

	z->next_in = u->in + u->next;
	z->avail_in = (unsigned)(u->used - u->next);
	z->next_out = out;
	z->avail_out = (unsigned)room;
	status = inflate(z, Z_NO_FLUSH);
	u->next = u->used - z->avail_in;
	*got = room - z->avail_out;
	u->is_within = status != Z_STREAM_END;
	if (status == Z_STREAM_END)
		inflateReset(z);
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return fail(u, z->msg ? z->msg : "not gzip");
	return true;
}

/* Unpacks up to `room` bytes; fewer only at the end. */
static bool unpack_some(struct unpacker *u, unsigned char *out, size_t room, size_t *count)
{
	for (*count = 0; *count < room;) {
		size_t got = 0;

		if (u->next == u->used && !u->has_ended && !refill(u))
			return false;
		/* At the end, what the library still holds comes out. */
		if (u->has_ended && !u->is_within)
			return true;
		if (!(u->zstd ? step_zstd : step_gzip)(u, out + *count, room - *count, &got))
			return false;
		if (u->has_ended && got == 0 && u->is_within)
			return trouble_set(u->trouble, TROUBLE_CUT_OFF, u->read_bytes,
					   "cut off: the compressed data end at byte %" PRIu64,
					   u->read_bytes);
		*count += got;
	}
	return true;
}

static bool is_zero(const unsigned char *bytes, size_t count)
{
	return count == 0 || (*bytes == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

static bool write_chunk(struct unpacker *u, const unsigned char *chunk, size_t count, uint64_t at)
{
	size_t done = 0;

	while (done < count && !is_zero(chunk, count)) {
		ssize_t put = pwrite(u->to, chunk + done, count - done, (off_t)(at + done));

		if (put < 0 && errno != EINTR)
			return trouble_set(u->trouble, TROUBLE_CANNOT_READ, 0,
					   "cannot be unpacked: %s; TMPDIR chooses another folder",
					   strerror(errno));
		done += put > 0 ? (size_t)put : 0;
	}
	return true;
}

/* How many chunks the header says that there are; 0 if the file is none, and the trouble says so. */
static uint32_t count_chunks(struct unpacker *u, const unsigned char *chunk, size_t count)
{
	const struct trace_header *h = (const void *)chunk;

	if (count < sizeof(h->magic) || memcmp(h->magic, TRACE_MAGIC, sizeof(h->magic)) != 0) {
		trouble_set(u->trouble, TROUBLE_NOT_A_TRACE, 0,
			    "compressed, but not an lsatrace trace");
		return 0;
	}
	return count < sizeof(*h) || h->chunks == 0 ? 1 : h->chunks;
}

static bool unpack_chunks(struct unpacker *u, unsigned char *chunk)
{
	uint64_t total = 0, wanted = 1, bytes;
	size_t count;

	do {
		progress_show(u->progress, "unpacking", u->read_bytes, u->all_bytes);
		if (!unpack_some(u, chunk, TRACE_CHUNK_BYTES, &count))
			return false;
		if (total == 0 && !(wanted = count_chunks(u, chunk, count)))
			return false;
		if (total / TRACE_CHUNK_BYTES < wanted && !write_chunk(u, chunk, count, total))
			return false;
		total += count;
		/* What lies behind the chunks that count is unpacked for its checksum only. */
		if (total > u->limit && total / TRACE_CHUNK_BYTES < wanted)
			return trouble_set(u->trouble, TROUBLE_DAMAGED, 0,
					   "damaged: it unpacks to more than %" PRIu64 " bytes",
					   u->limit);
	} while (count == TRACE_CHUNK_BYTES && total <= u->limit);
	bytes = wanted * TRACE_CHUNK_BYTES;
	if (ftruncate(u->to, (off_t)(total < bytes ? total : bytes)) == 0)
		return true;
	return trouble_set(u->trouble, TROUBLE_CANNOT_READ, 0, "cannot be unpacked: %s",
			   strerror(errno));
}

static int make_file(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("lsatrace", MFD_CLOEXEC);
}

static bool start(struct unpacker *u)
{
	bool is_gzip = u->used >= 2 && memcmp(u->in, "\x1f\x8b", 2) == 0;

	if (is_gzip && inflateInit2(&u->gzip, MAX_WBITS + 16) != Z_OK)
		memory_exhausted();
	if (!is_gzip) {
		u->zstd = ZSTD_createDCtx();
		if (!u->zstd)
			memory_exhausted();
		ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, UNPACK_WINDOW_LOG);
	}
	u->to = make_file();
	if (u->to >= 0)
		return true;
	return trouble_set(u->trouble, TROUBLE_CANNOT_READ, 0, "cannot be unpacked: %s",
			   strerror(errno));
}

int unpack_file(int fd, struct progress *progress, struct trouble *t)
{
	struct unpacker u = { .from = fd, .to = -1, .progress = progress, .trouble = t };
	unsigned char *chunk = memory_new(1, TRACE_CHUNK_BYTES);
	struct stat status;
	bool is_good;

	u.in = memory_new(1, IN_BYTES);
	u.all_bytes = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
	u.limit = UNPACK_FREE_BYTES + u.all_bytes * UNPACK_RATIO;
	is_good = refill(&u) && start(&u) && unpack_chunks(&u, chunk);
	if (u.zstd)
		ZSTD_freeDCtx(u.zstd);
	else
		inflateEnd(&u.gzip);
	free(u.in);
	free(chunk);
	if (is_good)
		return u.to;
	if (u.to >= 0)
		close(u.to);
	return -1;
}
