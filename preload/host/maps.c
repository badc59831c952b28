/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/host/elf_image.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

struct map {
	uint64_t start, end;
	bool readable, writable, executable, shared;
};

enum { FEW_BYTES = 16384 }; /* to ask for each page of them takes a tenth of what the file takes */

struct maps_reader {
	int fd;
	size_t used, filled;
	bool has_ended;
	char buffer[1024]; /* stacks may be small */
};

static int next_byte(struct maps_reader *r)
{
	if (r->used == r->filled) {
		ssize_t got = r->has_ended ? 0 : kernel_read(r->fd, r->buffer, sizeof(r->buffer));

		r->used = 0;
		r->filled = got > 0 ? (size_t)got : 0;
		r->has_ended = r->filled == 0;
		if (r->has_ended)
			return -1;
	}
	return (unsigned char)r->buffer[r->used++];
}

static uint64_t read_hex(struct maps_reader *r)
{
	uint64_t number = 0;
	int value;

	while ((value = text_hex_value((char)next_byte(r))) >= 0)
		number = number << 4 | (uint64_t)value;
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

/* The start of a line: "start-end rwxs". False: there is no more. */
static bool next_map(struct maps_reader *r, struct map *m)
{
	m->start = read_hex(r);
	m->end = read_hex(r);
	m->readable = next_byte(r) == 'r';
	m->writable = next_byte(r) == 'w';
	m->executable = next_byte(r) == 'x';
	m->shared = next_byte(r) == 's';
	return m->end != 0;
}

/* Of the thread: where the first thread has ended, the process has no list any more. */
static bool maps_open(struct maps_reader *r)
{
	r->used = r->filled = 0;
	r->has_ended = false;
	r->fd = kernel_open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC, 0);
	return r->fd >= 0;
}

/* The file's first number, in pages. */
uint64_t maps_bytes(void)
{
	int fd = kernel_open("/proc/thread-self/statm", O_RDONLY | O_CLOEXEC, 0);
	char digits[24];
	const char *at = digits;
	ssize_t got = fd < 0 ? -1 : kernel_read(fd, digits, sizeof(digits));

	if (fd >= 0)
		kernel_close(fd);
	return got > 0 ? text_read_number(&at, at + got) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

uint64_t maps_share(uint64_t bytes, unsigned part)
{
	struct rlimit limit;
	uint64_t used, left;

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return bytes;
	used = maps_bytes();
	left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
	while (bytes > left / part)
		bytes /= 2;
	return bytes;
}

static size_t readable_by_page(uint64_t start, size_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), at = start;

	while (at < start + bytes && kernel_can_read(at))
		at = (at / page + 1) * page;
	return at - start < bytes ? (size_t)(at - start) : bytes;
}

/* As the object that it lies in says; of what lies in none, nothing is known. */
static bool is_code_of_object(uint64_t address)
{
	size_t headers = 0;
	struct elf_image image;
	const ElfW(Phdr) * p;

	if (!elf_image_at((const void *)address, &image))
		return false;
	p = elf_image_headers(image.start, readable_by_page(image.start, image.end - image.start),
			      &headers);
	for (size_t i = 0; i < headers; i++)
		if (p[i].p_type == PT_LOAD && p[i].p_flags & PF_X &&
		    address - image.map->l_addr - p[i].p_vaddr < p[i].p_memsz)
			return true;
	return false;
}

size_t maps_readable(const void *at, size_t bytes)
{
	uint64_t start = (uint64_t)(uintptr_t)at, end = start;
	struct maps_reader r;
	struct map m;

	if (bytes <= FEW_BYTES || !maps_open(&r))
		return readable_by_page(start, bytes);
	for (; end < start + bytes && next_map(&r, &m); skip_line(&r))
		if (m.readable && end >= m.start && end < m.end)
			end = m.end;
	kernel_close(r.fd);
	return end - start < bytes ? (size_t)(end - start) : bytes;
}

/* Word by word: pointers may be changing. */
typedef uint64_t __attribute__((aligned(1), may_alias)) any_word;

size_t maps_copy(void *to, const void *from, size_t bytes)
{
	size_t readable = maps_readable(from, bytes), at = 0;
	const volatile char *source = from;
	volatile char *target = to;

	for (; readable - at >= sizeof(any_word); at += sizeof(any_word))
		*(volatile any_word *)(target + at) = *(const volatile any_word *)(source + at);
	for (; at < readable; at++)
		target[at] = source[at];
	return readable;
}

bool maps_can_read(const void *at, size_t bytes)
{
	return readable_by_page((uint64_t)(uintptr_t)at, bytes) == bytes;
}

/* FUTEX_CMP_REQUEUE compares a word with a value and then, here, wakes and moves nobody. A page
 * that has gone is an error, not a signal. Programs that restrict their system calls allow this
 * one. */
static bool is_word_equal(const void *at, uint32_t value)
{
	uint32_t other = 0;

	return kernel_call(SYS_futex, at, FUTEX_CMP_REQUEUE_PRIVATE, 0, NULL, &other, value) == 0;
}

bool maps_are_equal(const void *at, const void *bytes, size_t count)
{
	int error = errno;
	bool is_equal = true;
	uint32_t word;

	if ((uintptr_t)at % sizeof(word) != 0)
		return true;
	for (size_t i = 0; i + sizeof(word) <= count && is_equal; i += sizeof(word)) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		is_equal = is_word_equal((const char *)at + i, word);
	}
	errno = error;
	return is_equal;
}

bool maps_visit(void (*visit)(const struct maps_area *area, void *context), void *context)
{
	struct maps_reader r;
	struct map m;

	if (!maps_open(&r))
		return false;
	for (; next_map(&r, &m); skip_line(&r)) {
		const struct maps_area area = { m.start, m.end, m.readable && m.writable, m.shared };

		visit(&area, context);
	}
	kernel_close(r.fd);
	return true;
}

int maps_protection(const void *at)
{
	uint64_t address = (uint64_t)(uintptr_t)at;
	struct maps_reader r;
	int protection = -1;
	struct map m;

	if (!maps_open(&r))
		return -1;
	for (; protection < 0 && next_map(&r, &m); skip_line(&r))
		if (address >= m.start && address < m.end)
			protection = (m.readable ? PROT_READ : 0) | (m.writable ? PROT_WRITE : 0) |
				     (m.executable ? PROT_EXEC : 0);
	kernel_close(r.fd);
	return protection;
}

void maps_find_code(const uint64_t *address, bool *is_code, size_t count)
{
	uint64_t last = 0;
	struct maps_reader r;
	struct map m;

	memset(is_code, false, count * sizeof(*is_code));
	for (size_t i = 0; i < count; i++)
		last = address[i] > last ? address[i] : last;
	if (!maps_open(&r)) {
		for (size_t i = 0; i < count; i++)
			is_code[i] = is_code_of_object(address[i]);
		return;
	}
	/* The kernel writes each line when it is read: most of the time this takes. */
	for (m.end = 0; m.end <= last && next_map(&r, &m); skip_line(&r))
		for (size_t i = 0; i < count && m.executable; i++)
			if (address[i] >= m.start && address[i] < m.end)
				is_code[i] = true;
	kernel_close(r.fd);
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
	kernel_close(r.fd);
	return used;
}
