/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "preload/base/index.h"
#include "preload/capture/tree.h"
#include "preload/host/images.h"
#include "tests/support/preload_fixture.h"

enum { DEPTH = 12 };

static void start(void)
{
	preload_start(4 << 20);
}

TestSuite(tree, .init = start);

/* The address of a frame at a depth of the stack with this number. Stacks that are alike in `number` /
 * 10^n differ in n inner frames. */
static uint64_t address_of(uint32_t number, unsigned depth)
{
	for (unsigned i = depth; i < DEPTH - 1; i++)
		number /= 10;
	return 0x400000 + depth * 0x10000u + number * 8;
}

/* The node of a stack. Counts the nodes that were new. */
static uint32_t find(uint32_t number, unsigned *added)
{
	uint32_t node = tree_root(images_epoch());
	bool is_new = false;

	for (unsigned depth = 0; depth < DEPTH; depth++) {
		node = tree_child(node, address_of(number, depth), &is_new);
		*added += is_new;
	}
	return node;
}

static bool is_path(uint32_t node, uint32_t number)
{
	for (unsigned depth = DEPTH; depth-- > 0; node = tree_parent(node))
		if (!tree_is_at(node, address_of(number, depth)))
			return false;
	return tree_parent(node) == 0;
}

Test(tree, each_node_is_added_once)
{
	enum { MANY = 5000 };
	static uint32_t nodes[MANY];
	unsigned added = 0;

	for (uint32_t i = 0; i < MANY; i++)
		nodes[i] = find(i, &added);
	/* Those of one level differ in one digit more than those of the level outside of it. */
	cr_expect_eq(added, 5000 + 500 + 50 + 5 + DEPTH - 4);
	added = 0;
	for (uint32_t i = MANY; i-- > 0;) {
		cr_expect_eq(find(i, &added), nodes[i]);
		cr_expect(is_path(nodes[i], i));
	}
	cr_expect_eq(added, 0);
}

Test(tree, a_new_file_has_no_node_of_the_old_one)
{
	uint32_t number = 7, node;
	unsigned added = 0;

	tree_set_stack(find(number, &added), 1);
	tree_remember(1, 16, 0);
	tree_reset();
	cr_expect_eq(tree_recall(1), 0);
	added = 0;
	node = find(number, &added);
	cr_expect_eq(added, DEPTH);
	cr_expect_eq(tree_stack(node), 0);
	cr_expect(is_path(node, number));
}

Test(tree, what_code_that_was_unloaded_had_is_not_found)
{
	unsigned added = 0;
	uint32_t node = find(1, &added);

	images_new_epoch();
	cr_expect_eq(added, DEPTH);
	images_unload_begins();
	images_unload_ends(true);
	cr_expect_neq(find(1, &added), node);
	cr_expect_eq(added, 2 * DEPTH);
}

/* Each node is told by the number of its stack, as its address is. */
static uint32_t node_of(uint32_t number)
{
	static uint32_t nodes[300000];
	bool is_new = true;

	if (!nodes[number])
		nodes[number] = tree_child(tree_root(images_epoch()), number + 1, &is_new);
	return nodes[number];
}

/* How many of so many nodes are remembered. Those that are not are remembered then. */
static uint32_t recall(uint32_t count, uint32_t *turn)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = index_mix(i + 1);

		if (tree_recall(key) == node_of(i))
			found++;
		else
			tree_remember(key, node_of(i), (*turn)++);
	}
	return found;
}

Test(tree, many_nodes_are_remembered)
{
	uint32_t turn = 0;

	cr_expect_eq(recall(10000, &turn), 0);
	cr_expect_gt(recall(10000, &turn), 9500);
	recall(300000, &turn);
	recall(300000, &turn);
	cr_expect_gt(recall(300000, &turn), 280000);
	tree_reset();
	cr_expect_eq(tree_recall(index_mix(1)), 0);
}

enum { THREADS = 8, DISTINCT = 20000 };

static void *find_all(void *number)
{
	unsigned added = 0;

	for (uint32_t i = 0; i < DISTINCT; i++) {
		uint32_t which = (i + (uint32_t)(uintptr_t)number % 2 * 7) % DISTINCT;
		uint32_t node = find(which, &added);

		if (!is_path(node, which) || !is_path(find(which, &added), which))
			abort();
	}
	return NULL;
}

Test(tree, threads_that_add_the_same_nodes_find_their_paths)
{
	preload_run_threads(THREADS, find_all);
}
