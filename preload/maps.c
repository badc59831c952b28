/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "maps.h"

#include "poison.h"

struct map {
	uint64_t start, end;
	bool readable, executable;
};

struct maps_reader {
	int fd;
	size_t used, filled;
	char buffer[4096];
};

static int next_byte(struct maps_reader *r)
{
	if (r->used == r->filled) {
		ssize_t got = read(r->fd, r->buffer, sizeof(r->buffer));

		r->used = 0;
		r->filled = got > 0 ? (size_t)got : 0;
		if (r->filled == 0)
			return -1;
	}
	return (unsigned char)r->buffer[r->used++];
}

static uint64_t read_hex(struct maps_reader *r)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t number = 0;
	const char *digit;
	int c;

	while ((c = next_byte(r)) > 0 && (digit = strchr(digits, c)) != NULL)
		number = number << 4 | (uint64_t)(digit - digits);
	return number; /* the byte that ended it, a separator, is gone */
}

/* The end of a line. False: the file ended. */
static bool skip_line(struct maps_reader *r)
{
	int c;

	while ((c = next_byte(r)) >= 0 && c != '\n')
		;
	return c == '\n';
}

/* The start of a line: "start-end rwxp". False: there is no more. */
static bool next_map(struct maps_reader *r, struct map *m)
{
	m->start = read_hex(r);
	m->end = read_hex(r);
	m->readable = next_byte(r) == 'r';
	next_byte(r);
	m->executable = next_byte(r) == 'x';
	return m->end != 0;
}

static bool maps_open(struct maps_reader *r)
{
	r->used = r->filled = 0;
	r->fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	return r->fd >= 0;
}

/* Without /proc: what is on the same page is mapped if anything is. */
static size_t rest_of_page(uint64_t start, size_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t rest = page - start % page;

	return rest < bytes ? (size_t)rest : bytes;
}

size_t maps_readable(const void *at, size_t bytes)
{
	uint64_t start = (uint64_t)(uintptr_t)at, end = start;
	struct maps_reader r;
	struct map m;

	if (!maps_open(&r))
		return rest_of_page(start, bytes);
	for (; end < start + bytes && next_map(&r, &m); skip_line(&r))
		if (m.readable && end >= m.start && end < m.end)
			end = m.end;
	close(r.fd);
	return end - start < bytes ? (size_t)(end - start) : bytes;
}

void maps_find_code(const uint64_t *address, bool *is_code, size_t count)
{
	struct maps_reader r;
	struct map m;

	if (!maps_open(&r)) {
		memset(is_code, true, count * sizeof(*is_code));
		return;
	}
	memset(is_code, false, count * sizeof(*is_code));
	for (; next_map(&r, &m); skip_line(&r))
		for (size_t i = 0; i < count; i++)
			if (m.executable && address[i] >= m.start && address[i] < m.end)
				is_code[i] = true;
	close(r.fd);
}

/* The rest of a line: "p offset device inode   path". Only a path holds a slash. */
static size_t read_path(struct maps_reader *r, char *path, size_t bytes)
{
	size_t used = 0;
	int c;

	while ((c = next_byte(r)) >= 0 && c != '\n')
		if (c == '/' || used > 0) {
			if (used == bytes)
				return 0;
			path[used++] = (char)c;
		}
	return used;
}

size_t maps_path(uint64_t address, char *path, size_t bytes)
{
	struct maps_reader r;
	size_t used = 0;
	struct map m;

	if (!maps_open(&r))
		return 0;
	for (; next_map(&r, &m); skip_line(&r))
		if (address >= m.start && address < m.end) {
			used = read_path(&r, path, bytes);
			break;
		}
	close(r.fd);
	return used;
}
