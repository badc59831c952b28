/* SPDX-License-Identifier: MIT */
#include "viewer/pe/pdb_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STREAM_OF_GUID 1
#define NO_STREAM UINT32_MAX

/* The first block of a file of blocks. */
struct super_block {
	char magic[32];
	uint32_t block_bytes;
	uint32_t free_map;
	uint32_t blocks;
	uint32_t directory_bytes;
	uint32_t unknown;
	uint32_t directory_map; /* the block with the numbers of the directory's blocks */
};

struct pdb {
	int fd;
	struct super_block head;
};

static bool read_at(const struct pdb *p, uint64_t at, void *to, size_t bytes)
{
	return pread(p->fd, to, bytes, (off_t)at) == (ssize_t)bytes;
}

/* Reads the n-th number of the directory, whose blocks lie anywhere. */
static bool read_directory(const struct pdb *p, uint64_t n, uint32_t *number)
{
	uint64_t at = n * sizeof(*number), block_bytes = p->head.block_bytes;
	uint32_t block;

	return at + sizeof(*number) <= p->head.directory_bytes &&
	       read_at(p, p->head.directory_map * block_bytes + at / block_bytes * sizeof(block),
		       &block, sizeof(block)) &&
	       read_at(p, block * block_bytes + at % block_bytes, number, sizeof(*number));
}

/* The directory: the number of streams, the bytes of each, the blocks of each. */
static bool find_stream(const struct pdb *p, uint64_t *at)
{
	uint32_t streams, bytes, block;
	uint64_t before = 0;

	if (!read_directory(p, 0, &streams) || streams <= STREAM_OF_GUID)
		return false;
	for (unsigned i = 0; i < STREAM_OF_GUID; i++) {
		if (!read_directory(p, 1 + i, &bytes))
			return false;
		if (bytes != NO_STREAM)
			before += ((uint64_t)bytes + p->head.block_bytes - 1) / p->head.block_bytes;
	}
	if (!read_directory(p, 1 + (uint64_t)streams + before, &block))
		return false;
	*at = (uint64_t)block * p->head.block_bytes;
	return true;
}

bool pdb_file_read_guid(const char *path, uint8_t guid[16])
{
	static const char magic[32] = "Microsoft C/C++ MSF 7.00\r\n\x1a\x44S\0\0";
	struct pdb p = { .fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) };
	struct stat status;
	uint64_t at;
	bool is_read;

	/* The stream begins with a version, a stamp and an age. */
	is_read = p.fd >= 0 && fstat(p.fd, &status) == 0 && S_ISREG(status.st_mode) &&
		  read_at(&p, 0, &p.head, sizeof(p.head)) &&
		  memcmp(p.head.magic, magic, sizeof(magic)) == 0 && p.head.block_bytes >= 512 &&
		  p.head.block_bytes <= 65536 && find_stream(&p, &at) &&
		  read_at(&p, at + 12, guid, 16);
	if (p.fd >= 0)
		close(p.fd);
	return is_read;
}
