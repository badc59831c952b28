/* SPDX-License-Identifier: MIT */
#include "preload/capture/tree.h"
#include "preload/base/compiler.h"
#include "preload/base/index.h"
#include "preload/base/vm.h"
#include "preload/capture/sealed.h"
#include "preload/host/images.h"

#include "preload/base/poison.h"

enum { NODES_MAX = 1 << 20, MEMO_BITS = 16, HINT_BITS = 15, HINT_STAYS = 16 };

/* No return address has it. */
#define ROOT_BIT (1ull << 63)

struct node {
	uint64_t pc;
	uint32_t parent;
	uint32_t stack; /* that ends in it */
};

static struct vm_table table;
static char *nodes; /* they lie in `table`, a node at its number: a multiple of its size, not 0 */
static uint32_t nodes_used;       /* the highest number */
static struct sealed latest_root; /* of the tree that was begun last, by epoch */
static uint32_t first_node;       /* where its nodes begin */
static struct index children;
/* parent << 32 | node, by return address: spares the index. Found by a hash that is faster, in
 * one cache line. First come, first served: a memo is not written again while its tree is in use.
 * */
static struct sealed *memos;
/* Pairs of nodes, the newer one first. */
static uint32_t (*hints)[2];

static inline struct node *node_at(uint32_t node)
{
	return (struct node *)(nodes + node);
}

bool tree_init(void)
{
	memos = vm_reserve_filled(sizeof(*memos) << MEMO_BITS);
	hints = vm_reserve_filled(sizeof(*hints) << HINT_BITS);
	if (!memos || !hints ||
	    !vm_table_init(&table, VM_TRACER, (size_t)NODES_MAX * sizeof(struct node), -1))
		return false;
	nodes = table.base;
	if (!vm_table_reach(&table, sizeof(struct node)))
		return false;
	node_at(0)->pc = ROOT_BIT;
	return true;
}

static bool is_it(uint32_t node, void *sought)
{
	const struct node *child = sought;

	return node_at(node)->pc == child->pc && node_at(node)->parent == child->parent;
}

/* Two threads may add the same node at once. Then there are two; they lead to the same stack. */
static uint32_t add(const struct node *child, uint64_t hash)
{
	uint32_t last = peek(nodes_used), node;

	do {
		node = last + sizeof(*child);
		if (!vm_table_reach(&table, node + sizeof(*child)))
			return 0;
	} while (!__atomic_compare_exchange_n(&nodes_used, &last, node, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	*node_at(node) = *child;
	return index_add(&children, hash, node) ? node : 0;
}

uint32_t tree_root(uint64_t epoch)
{
	const struct node none = { .pc = ROOT_BIT | epoch >> 16 };
	uint64_t root;

	if (sealed_read(&latest_root, none.pc, &root))
		return (uint32_t)root;
	root = add(&none, index_mix(none.pc));
	if (root) {
		poke(first_node, (uint32_t)root);
		sealed_write(&latest_root, none.pc, root);
	}
	return (uint32_t)root;
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
	return node_at(node)->pc == pc;
}

uint32_t tree_parent(uint32_t node)
{
	return node_at(node)->parent;
}

static uint32_t *hint_for(uint64_t key)
{
	return hints[key >> (64 - HINT_BITS)];
}

/* Where three keys meet, each would push out the one that is asked for next, so what is there mostly stays. And
 * threads that write to one cache line in turn wait for each other: 40 ns, or 200 where their processors have no
 * cache in common. */
void tree_remember(uint64_t key, uint32_t node, uint32_t turn)
{
	uint32_t *hint = hint_for(key);

	if (peek(hint[1]) && turn % HINT_STAYS)
		return;
	poke(hint[1], peek(hint[0]));
	poke(hint[0], node);
}

uint32_t tree_recall(uint64_t key, uint64_t pc)
{
	const uint32_t *hint = hint_for(key);
	uint32_t node = peek(hint[0]);

	return likely(tree_is_at(node, pc)) ? node : peek(hint[1]);
}

uint32_t tree_stack(uint32_t node)
{
	return peek(node_at(node)->stack);
}

void tree_set_stack(uint32_t node, uint32_t stack)
{
	poke(node_at(node)->stack, stack);
}

void tree_reset(void)
{
	index_clear(&children);
	/* Numbers of nodes are used anew. */
	for (size_t i = 0; nodes_used && i < (size_t)1 << MEMO_BITS; i++)
		if (memos[i].value)
			memos[i].value = 0;
	for (size_t i = 0; nodes_used && i < (size_t)1 << HINT_BITS; i++)
		if (hints[i][0] | hints[i][1])
			hints[i][0] = hints[i][1] = 0;
	nodes_used = first_node = 0;
	latest_root = (struct sealed){ 0 };
	images_new_epoch();
}
