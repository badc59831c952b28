/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "preload/ledger/checkpoints.h"
#include "tests/support/preload_fixture.h"

static void start(void)
{
	preload_start(4 << 20);
}

TestSuite(checkpoints, .init = start);

Test(checkpoints, what_was_never_set_is_the_beginning)
{
	cr_assert_eq(checkpoints_find("a"), 0u);
	checkpoints_set("a");
	cr_assert_eq(checkpoints_find("b"), 0u);
	cr_assert_eq(checkpoints_find(""), 0u);
}

Test(checkpoints, each_begins_an_era_and_may_be_moved)
{
	uint32_t first;

	checkpoints_set("a");
	first = checkpoints_find("a");
	checkpoints_set("b");
	cr_assert_gt(checkpoints_find("b"), first);
	cr_assert_eq(checkpoints_find("a"), first);
	checkpoints_set("a");
	cr_assert_gt(checkpoints_find("a"), checkpoints_find("b"));
}

Test(checkpoints, names_count_up_to_their_length)
{
	char name[300], other[300];

	memset(name, 'x', sizeof(name));
	memcpy(other, name, sizeof(other));
	other[CHECKPOINT_NAME_BYTES - 1] = 'y';
	name[sizeof(name) - 1] = other[sizeof(other) - 1] = '\0';
	checkpoints_set(name);
	cr_assert_neq(checkpoints_find(name), 0u);
	cr_assert_eq(checkpoints_find(other), 0u);
	other[CHECKPOINT_NAME_BYTES - 1] = 'x';
	other[CHECKPOINT_NAME_BYTES] = 'y';
	cr_assert_eq(checkpoints_find(other), checkpoints_find(name));
}

Test(checkpoints, the_last_ones_are_kept)
{
	char name[16];

	for (int i = 0; i <= CHECKPOINTS; i++) {
		snprintf(name, sizeof(name), "%d", i);
		checkpoints_set(name);
	}
	cr_assert_eq(checkpoints_find("0"), 0u);
	cr_assert_neq(checkpoints_find("1"), 0u);
	cr_assert_neq(checkpoints_find(name), 0u);
}

static unsigned count_shown(void)
{
	struct trace_checkpoint *shown = NULL;
	unsigned count = 0;

	while ((shown = preload_next_checkpoint(shown)) != NULL)
		count += shown->era != 0;
	return count;
}

Test(checkpoints, a_reader_of_the_file_finds_them)
{
	struct trace_checkpoint *first, *second;
	char name[32];

	checkpoints_set("a");
	checkpoints_set("b");
	first = preload_next_checkpoint(NULL);
	second = preload_next_checkpoint(first);
	cr_assert_str_eq(first->name, "a");
	cr_assert_eq(first->era, checkpoints_find("a"));
	cr_assert_str_eq(second->name, "b");
	checkpoints_set("a");
	cr_assert_eq(first->era, checkpoints_find("a"));
	cr_assert_geq(first->time, second->time);
	for (int i = 0; i < 3 * CHECKPOINTS; i++) {
		sprintf(name, "%d", i);
		checkpoints_set(name);
	}
	cr_assert_eq(count_shown(), CHECKPOINTS);
	cr_assert_str_neq(first->name, "a");
}

Test(checkpoints, a_forked_childs_file_has_them_as_well)
{
	struct trace_checkpoint *shown;

	checkpoints_set("a");
	preload_start_anew(4 << 20);
	shown = preload_next_checkpoint(NULL);
	cr_assert_str_eq(shown->name, "a");
	cr_assert_eq(shown->era, checkpoints_find("a"));
	cr_assert_eq(count_shown(), 1);
}
