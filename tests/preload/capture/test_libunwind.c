/* SPDX-License-Identifier: MIT */
/* Whether what stands in for dl_iterate_phdr() finds the same, and waits for nobody. What a visitor is
 * handed begins with an address. */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

#include "preload/capture/libunwind.h"

/* As libunwind's visitor: the address comes first. */
struct search {
	uint64_t address;
	struct dl_phdr_info found;
	unsigned visits;
};

static int find_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *s = data;

	cr_assert_geq(size, offsetof(struct dl_phdr_info, dlpi_adds));
	s->visits++;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && s->address - info->dlpi_addr - p->p_vaddr < p->p_memsz) {
			s->found = *info;
			return 1;
		}
	}
	return 0;
}

static struct search find(uint64_t address)
{
	struct search s = { .address = address };

	libunwind_visit(find_module, &s);
	return s;
}

static void expect_same(uint64_t address)
{
	struct search ours = find(address), theirs = { .address = address };

	cr_assert_eq(dl_iterate_phdr(find_module, &theirs), 1);
	cr_expect_eq(ours.visits, 1);
	cr_expect_eq(ours.found.dlpi_addr, theirs.found.dlpi_addr);
	cr_expect_eq(ours.found.dlpi_phdr, theirs.found.dlpi_phdr);
	cr_expect_eq(ours.found.dlpi_phnum, theirs.found.dlpi_phnum);
	cr_expect_str_eq(ours.found.dlpi_name, theirs.found.dlpi_name);
}

Test(libunwind, a_module_is_the_one_that_the_loader_finds)
{
	expect_same((uint64_t)(uintptr_t)expect_same);
	expect_same((uint64_t)(uintptr_t)malloc);
	expect_same((uint64_t)(uintptr_t)&_r_debug);
	expect_same(getauxval(AT_SYSINFO_EHDR) + 1);
}

Test(libunwind, what_lies_in_no_module_is_not_visited)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_expect_eq(find((uint64_t)(uintptr_t)page).visits, 0);
	cr_expect_eq(find(0).visits, 0);
	cr_expect_eq(find(UINT64_MAX).visits, 0);
}

static void *find_in_thread(void *unused)
{
	(void)unused;
	find((uint64_t)(uintptr_t)malloc);
	return NULL;
}

/* Under the loader's lock. */
static int await_thread(struct dl_phdr_info *info, size_t size, void *unused)
{
	pthread_t thread;

	(void)info, (void)size, (void)unused;
	cr_assert_eq(pthread_create(&thread, NULL, find_in_thread, NULL), 0);
	pthread_join(thread, NULL);
	return 1;
}

Test(libunwind, a_callback_of_the_loader_is_not_waited_for, .timeout = 20)
{
	cr_expect_eq(dl_iterate_phdr(await_thread, NULL), 1);
}
