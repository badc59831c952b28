/* SPDX-License-Identifier: MIT */
#include "preload/capture/tree.h"
#include "preload/base/compiler.h"
#include "preload/base/index.h"
#include "preload/base/vm.h"
#include "preload/capture/sealed.h"
#include "preload/host/images.h"

#include "preload/base/poison.h"

enum { NODES_MAX = 1 << 20, MEMO_BITS = 16, HINT_BITS = 16 };

#define ROOT_BIT (1u << 31)

struct node {
	uint64_t pc;
	uint32_t parent;
	uint32_t stack; /* that ends in it */
};

static struct vm_table table;
static struct node *nodes; /* by number, from 1: they lie in `table` */
static uint32_t nodes_used;
static uint32_t latest_root,
	first_node; /* the tree that was begun last, and where its nodes begin */
static struct index children;
/* parent << 32 | node, by return address: spares the index. Found by a hash that is faster, in
 * one cache line. First come, first served: a memo is not written again while its tree is in use.
 * */
static struct sealed *memos;
static uint32_t *hints;

bool tree_init(void)
{
	memos = vm_reserve(sizeof(*memos) << MEMO_BITS);
	hints = vm_reserve(sizeof(*hints) << HINT_BITS);
	if (!memos || !hints ||
	    !vm_table_init(&table, VM_TRACER, (size_t)NODES_MAX * sizeof(*nodes), -1))
		return false;
	nodes = (struct node *)table.base;
	return true;
}

/* Whoever is first with a root begins a tree. */
uint32_t tree_root(uint64_t epoch)
{
	uint32_t root = ROOT_BIT | (uint32_t)(epoch >> 16);
	uint32_t latest = __atomic_load_n(&latest_root, __ATOMIC_RELAXED);

	if (latest != root && __atomic_compare_exchange_n(&latest_root, &latest, root, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		__atomic_store_n(&first_node, __atomic_load_n(&nodes_used, __ATOMIC_RELAXED) + 1,
				 __ATOMIC_RELAXED);
	return root;
}

static bool is_it(uint32_t node, void *sought)
{
	const struct node *child = sought;

	return nodes[node].pc == child->pc && nodes[node].parent == child->parent;
}

/* Two threads may add the same node at once. Then there are two; they lead to the same stack. */
static uint32_t add(const struct node *child, uint64_t hash)
{
	uint32_t node = __atomic_load_n(&nodes_used, __ATOMIC_RELAXED);

	do {
		if (!vm_table_reach(&table, (node + 2) * sizeof(*nodes)))
			return 0;
	} while (!__atomic_compare_exchange_n(&nodes_used, &node, node + 1, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	node++;
	nodes[node] = *child;
	return index_add(&children, hash, node) ? node : 0;
}

/* In the same cache line. */
static struct sealed *neighbour(struct sealed *memo)
{
	return &memos[(memo - memos) ^ 1];
}

static inline uint32_t recall(const struct sealed *memo, uint32_t parent, uint64_t pc)
{
	uint64_t family;

	return likely(sealed_read(memo, pc, &family) && family >> 32 == parent) ? (uint32_t)family
										: 0;
}

/* Nothing is in it, or a node of a tree that is no longer used. */
static bool is_free(const struct sealed *memo)
{
	return (uint32_t)__atomic_load_n(&memo->value, __ATOMIC_RELAXED) <
	       __atomic_load_n(&first_node, __ATOMIC_RELAXED);
}

static APART uint32_t find_or_add(struct node child, struct sealed *memo)
{
	uint64_t hash = index_mix(child.pc ^ (uint64_t)child.parent << 40);
	uint32_t node = index_find(&children, hash, is_it, &child);

	if (!node)
		node = add(&child, hash);
	if (!is_free(memo))
		memo = neighbour(memo);
	if (node && is_free(memo))
		sealed_write(memo, child.pc, (uint64_t)child.parent << 32 | node);
	return node;
}

uint32_t tree_child(uint32_t parent, uint64_t pc)
{
	/* The parent comes last: it is what has to be waited for. */
	uint64_t hash = (pc * 0x9e3779b97f4a7c15u) >> (64 - MEMO_BITS);
	struct sealed *memo = &memos[(hash ^ parent) & ((1u << MEMO_BITS) - 1)];
	uint32_t node = recall(memo, parent, pc);

	if (unlikely(!node))
		node = recall(neighbour(memo), parent, pc);
	if (unlikely(!node) && parent)
		node = find_or_add((struct node){ pc, parent, 0 }, memo);
	return node;
}

bool tree_is_at(uint32_t node, uint64_t pc)
{
	/* A root is negative. */
	return (int32_t)node > 0 && nodes[node].pc == pc;
}

uint32_t tree_parent(uint32_t node)
{
	return nodes[node].parent;
}

uint32_t *tree_hint(uint64_t key)
{
	return &hints[(key * 0x9e3779b97f4a7c15u) >> (64 - HINT_BITS)];
}

uint32_t tree_stack(uint32_t node)
{
	return __atomic_load_n(&nodes[node].stack, __ATOMIC_RELAXED);
}

void tree_set_stack(uint32_t node, uint32_t stack)
{
	__atomic_store_n(&nodes[node].stack, stack, __ATOMIC_RELAXED);
}

void tree_reset(void)
{
	index_clear(&children);
	/* Numbers of nodes are used anew. */
	for (size_t i = 0; nodes_used && i < (size_t)1 << MEMO_BITS; i++)
		if (memos[i].value)
			memos[i].value = 0;
	for (size_t i = 0; nodes_used && i < (size_t)1 << HINT_BITS; i++)
		if (hints[i])
			hints[i] = 0;
	nodes_used = latest_root = first_node = 0;
	images_new_epoch();
}
