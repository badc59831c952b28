/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "include/program.h"
#include "preload/base/compiler.h"
#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/base/vm.h"
#include "preload/file/session_file.h"
#include "preload/file/trace.h"
#include "preload/host/elf_image.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/host/patch.h"
#include "preload/host/pe_list.h"
#include "preload/host/real.h"
#include "preload/ways_in/ntdll.h"
#include "preload/ways_in/pe_crash.h"
#include "preload/ways_in/pe_exports.h"

#include "preload/base/poison.h"

enum { RESERVATIONS = 4 };

static void *(*real_mmap)(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
static int (*real_munmap)(void *at, size_t bytes);
static int (*real_mprotect)(void *at, size_t bytes, int protection);
static ssize_t (*real_pread)(int fd, void *to, size_t bytes, off_t offset);
static void (*real_pthread_exit)(void *result);
static void (*next_exit)(int status); /* the tracer's own, which ends the trace */

static bool has_unmapped, has_killed;
static uint32_t images_mapped, images_with_packages;

struct range {
	uint64_t start, end;
};

/* What this thread has reserved last: others may come between an image's room and its headers. */
static __thread struct range reserved[RESERVATIONS];
static __thread unsigned reserved_next;

/* The image that this thread is mapping, from its base to the end of its room; 0: none. */
static __thread struct range candidate;

/* If its headers were read, and not mapped: from which file, and whether it has a section. */
static __thread struct {
	bool is_read, has_section;
	int fd;
} reading;

/* The room that was reserved for what is mapped at an address; empty: there is none. An image of another size may
 * have been there before: the latest room counts. */
static struct range find_room(uint64_t at)
{
	for (unsigned i = 1; i <= RESERVATIONS; i++) {
		const struct range *room = &reserved[(reserved_next - i) % RESERVATIONS];

		if (at >= room->start && at < room->end)
			return *room;
	}
	return (struct range){ 0 };
}

/* Where Wine has no hint, it reserves more, and gives back what lies around an aligned part. */
static void trim_reserved(uint64_t start, uint64_t end)
{
	for (int i = 0; i < RESERVATIONS; i++)
		if (start > reserved[i].start && start < reserved[i].end && end >= reserved[i].end)
			reserved[i].end = start;
}

static void note_mapped(uint64_t at, size_t bytes, int protection, int flags, off_t offset)
{
	if (flags & MAP_ANONYMOUS) {
		reading.has_section |= flags & MAP_FIXED && at > candidate.start &&
				       at < candidate.end && protection == (PROT_READ | PROT_WRITE);
		reserved[reserved_next++ % RESERVATIONS] = (struct range){ at, at + bytes };
	} else if (offset == 0 && flags & MAP_FIXED && flags & MAP_PRIVATE) {
		candidate = (struct range){ at, find_room(at).end };
		reading.is_read = false;
	}
}

static void note_read(int fd, uint64_t at)
{
	struct range room = find_room(at);

	if (room.start != at)
		return;
	candidate = room;
	reading.is_read = true;
	reading.has_section = false;
	reading.fd = fd;
}

/* The path of an open file, which stays; NULL: there is no room. Each path lies there once. Under Wine's lock. */
static const char *keep_path(int fd)
{
	enum { ROOM = 1 << 20 };
	static char *room;
	static size_t used;
	char link[64];
	struct text t = TEXT_IN(link);
	ssize_t bytes;
	size_t at = 0;

	text_add(&t, "/proc/self/fd/");
	text_add_number(&t, (uint64_t)fd);
	if (!room)
		room = vm_reserve(ROOM);
	if (!room || ROOM - used <= TRACE_TEXT_MAX)
		return NULL;
	bytes = readlink(link, room + used, TRACE_TEXT_MAX);
	if (bytes <= 0)
		return NULL;
	room[used + (size_t)bytes] = '\0';
	while (strcmp(room + at, room + used) != 0)
		at += strlen(room + at) + 1;
	if (at == used)
		used += (size_t)bytes + 1;
	return room + at;
}

static uint64_t round_to_pages(uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) & ~(page - 1);
}

static void note_image(void)
{
	struct pe_image image;

	/* A program's own view of a file has the file's length, not the image's. */
	if (!pe_image_read(candidate.start, candidate.end - candidate.start, &image) ||
	    candidate.end - candidate.start != round_to_pages(image.bytes) ||
	    (reading.is_read && !reading.has_section))
		return;
	if (reading.is_read)
		image.path = keep_path(reading.fd);
	__atomic_add_fetch(&images_mapped, 1, __ATOMIC_RELAXED);
	pe_crash_look(&image);
	if (!images_map_pe(&image))
		trace_lose(TRACE_LOST_DEFINITIONS);
	else if (pe_exports_replace(&image, candidate.end))
		__atomic_add_fetch(&images_with_packages, 1, __ATOMIC_RELAXED);
}

/* Images were in a range, which is theirs no more. */
static void note_unmapped(uint64_t start, uint64_t end, bool is_unmapped)
{
	bool is_any = false;

	if (is_unmapped) {
		pe_exports_forget(start, end);
		is_any = images_unmap_pe(start, end);
	}
	if (is_any)
		__atomic_store_n(&has_unmapped, true, __ATOMIC_RELEASE);
	images_unload_ends(is_any);
}

static void *our_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	uint64_t start = (uint64_t)(uintptr_t)at, end = start + bytes;
	bool replaces = flags & MAP_FIXED && pe_list_has(start, end);
	void *mapped;
	int error;

	if (replaces)
		images_unload_begins();
	mapped = real_mmap(at, bytes, protection, flags, fd, offset);
	error = errno;
	if (replaces)
		note_unmapped(start, end, mapped != MAP_FAILED);
	if (mapped != MAP_FAILED)
		note_mapped((uint64_t)(uintptr_t)mapped, bytes, protection, flags, offset);
	errno = error;
	return mapped;
}

static int our_munmap(void *at, size_t bytes)
{
	uint64_t start = (uint64_t)(uintptr_t)at, end = start + bytes;
	int result, error;

	trim_reserved(start, end);
	if (likely(!pe_list_has(start, end)))
		return real_munmap(at, bytes);
	images_unload_begins();
	result = real_munmap(at, bytes);
	error = errno;
	note_unmapped(start, end, result == 0);
	errno = error;
	return result;
}

static int our_mprotect(void *at, size_t bytes, int protection)
{
	if (unlikely((uint64_t)(uintptr_t)at == candidate.start) && at) {
		int error = errno;

		if (protection == PROT_READ)
			note_image();
		candidate = (struct range){ 0 };
		errno = error;
	}
	return real_mprotect(at, bytes, protection);
}

static ssize_t our_pread(int fd, void *to, size_t bytes, off_t offset)
{
	ssize_t got = real_pread(fd, to, bytes, offset);

	if (unlikely(offset == 0) && got > 0)
		note_read(fd, (uint64_t)(uintptr_t)to);
	return got;
}

/* Wine has each thread in a list, by its TEB. A thread that ends by itself leaves it, and clears its link. */
static bool is_in_list(void)
{
	enum { SELF = 6, TLS_LINKS = 0x1680 };
	uint64_t teb = 0, words[SELF + 1] = { 0 }, next = 0;

	kernel_call(SYS_arch_prctl, ARCH_GET_GS, &teb);
	if (!teb || maps_copy(words, (const void *)(uintptr_t)teb, sizeof(words)) < sizeof(words) ||
	    words[SELF] != teb)
		return false;
	maps_copy(&next, (const void *)(uintptr_t)(teb + TLS_LINKS), sizeof(next));
	return next != 0;
}

/* A handler of SIGQUIT blocks it. A thread that calls wineserver, or waits, is ended without a signal. What
 * the registers were lies where pthread_exit() writes now. */
static void our_pthread_exit(void *result)
{
	uint64_t blocked = 0;

	kernel_call(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
	if (blocked & MASK_OF(SIGQUIT) || is_in_list())
		poke(has_killed, true);
	real_pthread_exit(result);
}

static void our_exit(int status)
{
	pe_crash_end(status);
	next_exit(status);
}

static const struct hook {
	const char *name;
	void *ours;
	void **real;
} hooks[] = {
	{ "mmap", (void *)our_mmap, (void **)&real_mmap },
	{ "munmap", (void *)our_munmap, (void **)&real_munmap },
	{ "mprotect", (void *)our_mprotect, (void **)&real_mprotect },
	{ "pread", (void *)our_pread, (void **)&real_pread },
	{ "pthread_exit", (void *)our_pthread_exit, (void **)&real_pthread_exit },
	{ "_exit", (void *)our_exit, (void **)&next_exit },
};

bool ntdll_is_asked_for(const char *name)
{
	return name[0] == '_' && elf_image_is_name(name, "__wine_main");
}

/* A place that is filled in at first use leads into its own image until then. */
static void replace(const struct elf_import *import, const struct link_map *map)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		void *now = __atomic_load_n(import->at, __ATOMIC_ACQUIRE);

		if (!elf_image_is_name(import->name, hooks[i].name) || now == hooks[i].ours)
			continue;
		*hooks[i].real =
			elf_image_map_at(now) == map ? real_dlsym(RTLD_DEFAULT, import->name) : now;
		if (!*hooks[i].real || !patch_pointer(import->at, hooks[i].ours))
			trace_lose(TRACE_LOST_PACKAGES);
	}
}

void ntdll_hook(void *handle)
{
	struct link_map *map = NULL;
	struct elf_dynamic dynamic;
	struct elf_import import;

	if (real_mmap || !handle || handle == RTLD_NEXT ||
	    dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0 || !elf_image_read(&dynamic, map))
		return;
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < dynamic.relocations[i].count; n++)
			if (elf_image_import(&dynamic, &dynamic.relocations[i].all[n], &import))
				replace(&import, map);
}

bool ntdll_has_unmapped(void)
{
	return __atomic_load_n(&has_unmapped, __ATOMIC_ACQUIRE) &&
	       __atomic_exchange_n(&has_unmapped, false, __ATOMIC_ACQ_REL);
}

bool ntdll_has_killed(void)
{
	return peek(has_killed);
}

/* Programs that Wine starts by itself. The case of letters means nothing to Windows. */
static bool is_of_wine(const char *program)
{
	static const char folder[] = "c:\\windows\\";

	for (size_t i = 0; folder[i]; i++)
		if ((program[i] >= 'A' && program[i] <= 'Z' ? program[i] + 32 : program[i]) !=
		    folder[i])
			return false;
	return true;
}

static void tell(const char *program)
{
	char line[512];
	struct text t = TEXT_IN(line);

	text_add(&t, "Wine was seen, and mapped ");
	text_add_number(&t, peek(images_mapped));
	text_add(&t, " images for ");
	text_add(&t, program_name_of_windows(program));
	if (peek(images_with_packages) > 0) {
		text_add(&t, ": ");
		text_add_number(&t, peek(images_with_packages));
		text_add(&t,
			 " exports an entry point of packages, which was not called, or failed");
	} else {
		text_add(&t, ": none exports an entry point of packages");
	}
	if (pe_crash_exception()) {
		text_add(&t, "; it crashed by exception ");
		text_add_address(&t, pe_crash_exception());
	}
	session_file_add_wine(t.at, t.bytes);
}

void ntdll_tell_untraced(void)
{
	char arguments[1024];
	int saved_errno = errno;
	size_t bytes;
	const char *program;

	if (peek(images_mapped) == 0)
		return;
	bytes = kernel_read_file("/proc/self/cmdline", arguments, sizeof(arguments) - 1);
	arguments[bytes] = '\0';
	program = program_of_wine(arguments, bytes);
	if (program && !is_of_wine(program))
		tell(program);
	errno = saved_errno;
}
