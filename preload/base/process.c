/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/process.h"

#include "preload/base/poison.h"

struct process_page *process_page;

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
	return true;
}
