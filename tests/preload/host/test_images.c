/* SPDX-License-Identifier: MIT */
/* Numbers of images, and the epoch in which what is remembered by address may be believed. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/host/images.h"
#include "tests/support/preload_fixture.h"

#define ONE BUILD_DIR "/tests/packages/twin_one.so"
#define OTHER BUILD_DIR "/tests/packages/twin_two.so"

static void set_up(void)
{
	cr_assert(process_init());
}

TestSuite(images, .init = set_up);

static const void *load(const char *path, void **handle)
{
	*handle = dlopen(path, RTLD_NOW);
	cr_assert_not_null(*handle, "%s", dlerror());
	return dlsym(*handle, "SpLsaModeInitialize");
}

/* As dlclose() does when it is traced. Returns whether something was unloaded. */
static bool unload(void *handle)
{
	bool has_unloaded;

	images_unload_begins();
	dlclose(handle);
	has_unloaded = images_find_unloaded();
	images_unload_ends(has_unloaded);
	return has_unloaded;
}

Test(images, an_image_has_one_number_wherever_it_is_asked_for)
{
	void *handle;
	const char *code = load(ONE, &handle);
	uint32_t number = images_number(code);

	cr_assert_neq(number, 0);
	cr_expect_eq(images_number(code + 1), number);
	cr_expect(images_is_loaded(number));
	cr_expect_eq(images_base[number], images_get(number)->base);
	cr_expect_neq(images_number((const void *)set_up), number);
	cr_expect_eq(images_count(), 2);
}

Test(images, what_lies_in_no_image_has_no_number)
{
	int on_the_stack = 0;

	cr_expect_eq(images_number(&on_the_stack), 0);
	cr_expect_eq(images_number(NULL), 0);
	cr_expect_not(images_is_loaded(0));
}

Test(images, what_was_unloaded_gets_another_number_when_it_comes_back)
{
	void *handle;
	uint32_t old = images_number(load(ONE, &handle)), new;
	uint64_t base = images_get(old)->base;

	cr_assert(unload(handle));
	cr_expect_not(images_is_loaded(old));
	cr_expect_neq(images_base[old], base);
	new = images_number(load(ONE, &handle));
	cr_expect_neq(new, old);
	cr_expect_neq(new, 0);
	cr_expect(images_is_loaded(new));
}

Test(images, an_epoch_ends_when_something_was_unloaded)
{
	uint64_t before = images_epoch(), after;
	void *handle;

	images_number(load(ONE, &handle));
	cr_assert_eq(images_epoch(), before, "loading ends none");
	cr_assert(unload(handle));
	after = images_epoch();
	cr_expect_neq(after, before);
	cr_expect_not(images_is_unloading(after));
	cr_expect_eq(images_unloadings(after), images_unloadings(before) + 1);
}

Test(images, a_close_that_unloads_nothing_ends_no_epoch)
{
	uint64_t before = images_epoch();
	void *first, *second;

	images_number(load(ONE, &first));
	load(ONE, &second);
	images_unload_begins();
	cr_expect(images_is_unloading(images_epoch()), "it is not known yet");
	dlclose(second);
	cr_expect_not(images_find_unloaded());
	images_unload_ends(false);
	cr_expect_eq(images_epoch(), before);
}

Test(images, nothing_is_believed_until_all_that_unload_are_done)
{
	uint64_t before = images_epoch();

	images_unload_begins();
	images_unload_begins();
	images_unload_ends(true);
	cr_expect(images_is_unloading(images_epoch()));
	images_unload_ends(false);
	cr_expect_not(images_is_unloading(images_epoch()));
	cr_expect_eq(images_unloadings(images_epoch()), images_unloadings(before) + 1);
}

Test(images, a_new_epoch_need_not_be_one_of_unloading)
{
	uint64_t before = images_epoch();

	images_new_epoch();
	cr_expect_neq(images_epoch(), before);
	cr_expect_eq(images_unloadings(images_epoch()), images_unloadings(before));
	cr_expect_not(images_is_unloading(images_epoch()));
}

/* Of the same length, and most likely described by the loader in the same place. */
Test(images, another_one_in_the_place_of_one_has_a_number_of_its_own_at_once)
{
	void *handle;
	const void *code = load(ONE, &handle), *there;
	uint32_t old = images_number(code), new;

	images_unload_begins();
	dlclose(handle);
	there = load(OTHER, &handle);
	new = images_number(there);
	cr_expect_neq(new, old);
	cr_expect(images_is_loaded(new));
	if (there == code)
		cr_expect_not(images_is_loaded(old), "it is known by what came to its place");
	else
		cr_log_warn("the loader has put it elsewhere");
	images_find_unloaded();
	images_unload_ends(true);
	cr_expect_not(images_is_loaded(old));
	cr_expect(images_is_loaded(new));
}

Test(images, in_a_child_nobody_else_is_unloading)
{
	uint64_t before = images_epoch();

	images_after_fork();
	cr_expect_eq(images_epoch(), before);
	/* As if another thread of the parent had begun: its count is not this thread's. */
	images_epoch_word += 3;
	images_after_fork();
	cr_expect_not(images_is_unloading(images_epoch()));
	cr_expect_neq(images_epoch(), before);
}

Test(images, a_child_forked_by_a_destructor_is_unloading_still)
{
	images_unload_begins();
	images_epoch_word += 3;
	images_after_fork();
	cr_expect(images_is_unloading(images_epoch()));
	images_unload_ends(true);
	cr_expect_not(images_is_unloading(images_epoch()));
}

static const void *code_of_one;
static uint32_t numbers[PRELOAD_LANES_MOST];

static void *ask_for_number(void *which)
{
	numbers[(uintptr_t)which] = images_number(code_of_one);
	return NULL;
}

Test(images, threads_that_meet_an_image_at_once_agree)
{
	void *handle;

	code_of_one = load(ONE, &handle);
	preload_run_threads(16, ask_for_number);
	for (unsigned i = 0; i < 16; i++)
		cr_expect_eq(numbers[i], numbers[0]);
	cr_expect_eq(images_count(), 1);
}

static const struct pe_image pe = { .base = 0x140000000, .bytes = 0x5000, .id = { .stamp = 7 } };
static const void *const pe_code = (const void *)0x140001234;

/* As when Wine unmaps a range. */
static bool unmap(uint64_t start, uint64_t end)
{
	bool has_unloaded;

	images_unload_begins();
	has_unloaded = images_unmap_pe(start, end);
	images_unload_ends(has_unloaded);
	return has_unloaded;
}

Test(images, a_pe_image_has_a_number_from_its_first_byte_to_its_last)
{
	uint32_t number;

	cr_assert(images_map_pe(&pe));
	number = images_number(pe_code);
	cr_assert_neq(number, 0);
	cr_expect_eq(images_number((const void *)0x140000000), number);
	cr_expect_eq(images_number((const void *)0x140004fff), number);
	cr_expect_eq(images_number((const void *)0x140005000), 0);
	cr_expect_eq(images_number((const void *)0x13fffffff), 0);
	cr_expect_eq(images_get(number)->kind, TRACE_MODULE_PE);
	cr_expect_eq(images_get(number)->pe.bytes, pe.bytes);
	cr_expect_arr_eq(images_get(number)->mark, &pe.id, sizeof(pe.id));
	cr_expect_eq(images_base[number], pe.base);
	cr_expect(images_is_loaded(number));
}

Test(images, a_pe_image_that_is_unmapped_and_mapped_again_gets_another_number)
{
	uint64_t epoch = images_epoch();
	uint32_t old;

	cr_assert(images_map_pe(&pe));
	old = images_number(pe_code);
	cr_expect(unmap(pe.base, pe.base + pe.bytes));
	cr_expect_neq(images_epoch(), epoch);
	cr_expect_not(images_is_loaded(old));
	cr_expect_neq(images_base[old], pe.base);
	cr_expect_eq(images_number(pe_code), 0);
	cr_assert(images_map_pe(&pe));
	cr_expect_neq(images_number(pe_code), old);
	cr_expect_neq(images_number(pe_code), 0);
}

Test(images, a_pe_image_without_a_number_goes_unnoticed)
{
	cr_assert(images_map_pe(&pe));
	cr_expect_not(unmap(pe.base, pe.base + 1));
	cr_expect_eq(images_number(pe_code), 0);
}

Test(images, only_a_range_that_holds_the_base_unmaps_a_pe_image)
{
	uint32_t number;

	cr_assert(images_map_pe(&pe));
	number = images_number(pe_code);
	cr_expect_not(unmap(pe.base + 0x1000, pe.base + 0x9000));
	cr_expect_not(unmap(pe.base - 0x1000, pe.base));
	cr_expect(images_is_loaded(number));
	cr_expect(unmap(pe.base - 0x1000, pe.base + 1));
}

Test(images, a_dlclose_leaves_pe_images_alone)
{
	uint32_t number;
	void *handle;

	cr_assert(images_map_pe(&pe));
	number = images_number(pe_code);
	images_number(load(ONE, &handle));
	cr_expect(unload(handle));
	cr_expect(images_is_loaded(number));
}

Test(images, there_is_room_for_as_many_pe_images_as_are_mapped_at_a_time)
{
	struct pe_image one = pe;
	uint32_t count = 0;

	while (images_map_pe(&one)) {
		one.base += 0x10000;
		cr_assert_lt(++count, 100000);
	}
	cr_expect_geq(count, 1000);
	cr_expect(unmap(pe.base, pe.base + 1) || true);
	cr_expect(images_map_pe(&one));
	for (uint32_t i = 0; i < 100000; i++) {
		unmap(one.base, one.base + 1);
		cr_assert(images_map_pe(&one));
	}
}
