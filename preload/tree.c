/* SPDX-License-Identifier: MIT */
#include "tree.h"
#include "guard.h"
#include "index.h"
#include "vm.h"

#include "poison.h"

enum { NODES_MAX = 1 << 20, MEMO_BITS = 16 };

#define ROOT_BIT (1u << 31)

struct node {
	uint64_t pc;
	uint32_t parent;
	uint32_t stack;
};

static struct node *nodes; /* by number, from 1 */
static uint32_t nodes_used;
static uint32_t root_number;
static struct index children;
/* Nodes by a hash that is faster than the index: first come, first served, so that it is not written
 * once it is warm. What it names is looked at, not believed. */
static uint32_t *memo;

bool tree_init(void)
{
	nodes = vm_reserve((size_t)NODES_MAX * sizeof(*nodes));
	memo = vm_reserve(sizeof(*memo) << MEMO_BITS);
	return nodes && memo;
}

uint32_t tree_root(void)
{
	return ROOT_BIT | __atomic_load_n(&root_number, __ATOMIC_ACQUIRE);
}

struct child {
	uint64_t pc;
	uint32_t parent;
};

static bool is_child(uint32_t node, const struct child *child)
{
	return nodes[node].pc == child->pc && nodes[node].parent == child->parent;
}

static bool is_it(uint32_t node, void *child)
{
	return is_child(node, child);
}

/* Two threads may add the same node at once. Then there are two; they lead to the same stack. */
static uint32_t add(const struct child *child, uint64_t hash)
{
	uint32_t node = __atomic_load_n(&nodes_used, __ATOMIC_RELAXED);

	do {
		if (node + 1 >= NODES_MAX)
			return 0;
	} while (!__atomic_compare_exchange_n(&nodes_used, &node, node + 1, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	node++;
	nodes[node] = (struct node){ .pc = child->pc, .parent = child->parent };
	return index_add(&children, hash, node) ? node : 0;
}

static APART uint32_t find_or_add(struct child child, uint32_t *place)
{
	uint64_t hash = index_mix(child.pc ^ (uint64_t)child.parent << 40);
	uint32_t node = index_find(&children, hash, is_it, &child);

	if (!node)
		node = add(&child, hash);
	if (__atomic_load_n(place, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(place, node, __ATOMIC_RELEASE);
	return node;
}

uint32_t tree_child(uint32_t parent, uint64_t pc)
{
	const struct child child = { .pc = pc, .parent = parent };
	uint64_t hash = (pc * 0x9e3779b97f4a7c15u) ^ (parent * 0xbf58476d1ce4e5b9u);
	uint32_t *place = &memo[hash >> (64 - MEMO_BITS)];
	uint32_t node = __atomic_load_n(place, __ATOMIC_ACQUIRE);

	if (likely(is_child(node, &child)))
		return node;
	return likely(parent) ? find_or_add(child, place) : 0;
}

uint32_t tree_stack(uint32_t node)
{
	return __atomic_load_n(&nodes[node].stack, __ATOMIC_RELAXED);
}

void tree_set_stack(uint32_t node, uint32_t stack)
{
	__atomic_store_n(&nodes[node].stack, stack, __ATOMIC_RELAXED);
}

void tree_forget(void)
{
	for (size_t i = 0; i < (size_t)1 << MEMO_BITS; i++)
		if (memo[i])
			__atomic_store_n(&memo[i], 0, __ATOMIC_RELAXED);
	__atomic_add_fetch(&root_number, 1, __ATOMIC_RELEASE);
}

void tree_reset(void)
{
	index_clear(&children);
	nodes_used = 0;
	tree_forget();
}
