/* SPDX-License-Identifier: MIT */
/* Takes the place of viewer/read/input.c and viewer/model/liveness.c. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "viewer/model/liveness.h"
#include "viewer/read/input.h"

static struct fuzz_chunk chunks[FUZZ_CHUNKS];
static uint32_t count;

void world_set(const uint8_t *data, size_t size)
{
	count = fuzz_unpack(data, size, chunks);
}

int input_open(const char *path, struct progress *progress, struct trouble *t)
{
	(void)path;
	(void)progress;
	if (count)
		return 0;
	trouble_set(t, TROUBLE_EMPTY, 0, "empty file, not a trace at byte 0");
	return -1;
}

bool input_is_trace(const char *path)
{
	(void)path;
	return true;
}

void input_close(int fd)
{
	(void)fd;
}

bool input_size(int fd, uint64_t *size, struct trouble *t)
{
	(void)fd;
	(void)t;
	*size = (uint64_t)count * TRACE_CHUNK_BYTES;
	return true;
}

bool input_find_data(int fd, uint64_t at, uint64_t *start, uint64_t *end)
{
	(void)fd;
	*start = at;
	*end = (uint64_t)count * TRACE_CHUNK_BYTES;
	return at < *end;
}

/* Never across the end of a chunk. */
bool input_read(int fd, void *to, size_t bytes, uint64_t at, struct trouble *t)
{
	uint64_t number = at / TRACE_CHUNK_BYTES, within = at % TRACE_CHUNK_BYTES;
	size_t there = 0;

	(void)fd;
	if (number >= count)
		return trouble_set(t, TROUBLE_CUT_OFF, at, "cut off while it was read");
	if (within < chunks[number].used)
		there = chunks[number].used - within;
	if (there > bytes)
		there = bytes;
	if (there)
		memcpy(to, chunks[number].bytes + within, there);
	memset((char *)to + there, 0, bytes - there);
	return true;
}

bool liveness_check(int32_t pid, uint64_t start, const uint8_t boot_id[16])
{
	(void)start;
	(void)boot_id;
	return pid & 1;
}

bool liveness_is_here(const uint8_t boot_id[16])
{
	(void)boot_id;
	return false;
}
