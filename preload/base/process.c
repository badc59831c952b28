/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/process.h"

#include "preload/base/poison.h"

struct process_page *process_page;
bool process_is_confined;

bool process_init(void)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	if (madvise(at, bytes, MADV_WIPEONFORK) != 0) {
		munmap(at, bytes);
		return false;
	}
	process_page = at;
	return process_is_own();
}

bool process_is_own(void)
{
	int32_t pid;

	if (!process_page || process_is_confined)
		return true;
	pid = getpid();
	/* A forked child finds none. */
	if (process_page->pid == 0)
		process_page->pid = pid;
	return process_page->pid == pid;
}
