/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "preload/base/compiler.h"
#include "preload/base/index.h"
#include "preload/base/vm.h"
#include "preload/capture/sealed.h"
#include "preload/capture/tree.h"
#include "preload/host/images.h"

#include "preload/base/poison.h"

enum { NODES_MAX = 1 << 20, HINT_STAYS = 16 };

struct node {
	uint64_t pc;
	uint32_t parent;
	uint32_t stack; /* that ends in it */
};

/* How many pairs of hints there are. */
enum { FEW = 1 << 15, MANY_BITS = 19, MANY = 1 << MANY_BITS };

/* No node has a number like this, a power of two, or above. */
enum { NODES_END = NODES_MAX * sizeof(struct node) };

/* A thread has missed so many that the few are too few. */
enum { MANY_TURNS = 32768 };

/* No return address has it. */
#define ROOT_BIT (1ull << 63)

static struct vm_table table;
static char *nodes; /* they lie in `table`, a node at its number: a multiple of its size, not 0 */
static uint32_t nodes_used;       /* the highest number */
static struct sealed latest_root; /* of the tree that was begun last, by epoch */
/* By parent and return address. Not in it: a node that lies right behind its parent. */
static struct index children;
/* Pairs of hints, the newer one first: the few, or the many in their place. */
static uint32_t (*few_hints)[2], (*hints)[2];
static uint64_t hint_mask = FEW - 1;

static inline struct node *node_at(uint64_t node)
{
	return (struct node *)(nodes + node);
}

bool tree_init(void)
{
	few_hints = hints = vm_reserve_filled(FEW * sizeof(*hints));
	if (!hints || !vm_table_init(&table, VM_TRACER, (size_t)NODES_MAX * sizeof(struct node), -1))
		return false;
	nodes = table.base;
	node_at(0)->pc = ROOT_BIT;
	return true;
}

static uint64_t hash_of(const struct node *child)
{
	return index_mix(child->pc ^ (uint64_t)child->parent << 40);
}

static bool is_it(uint32_t node, void *sought)
{
	const struct node *child = sought;

	return __atomic_load_n(&node_at(node)->parent, __ATOMIC_ACQUIRE) == child->parent &&
	       node_at(node)->pc == child->pc;
}

static uint32_t behind(uint32_t node)
{
	return node + sizeof(struct node);
}

/* Two threads may add the same node at once. Then there are two; they lead to the same stack. */
static uint32_t add(const struct node *child)
{
	uint32_t last = peek(nodes_used), node;

	do {
		node = behind(last);
		if (!vm_table_reach(&table, behind(node) + sizeof(*child)))
			return 0;
	} while (!__atomic_compare_exchange_n(&nodes_used, &last, node, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	node_at(node)->pc = child->pc;
	/* Last: whoever looks behind the parent knows by it that a node is there. */
	__atomic_store_n(&node_at(node)->parent, child->parent, __ATOMIC_RELEASE);
	return node == behind(child->parent) || index_add(&children, hash_of(child), node) ? node
											   : 0;
}

uint32_t tree_root(uint64_t epoch)
{
	const struct node none = { .pc = ROOT_BIT | epoch >> 16 };
	uint64_t root;

	if (sealed_read(&latest_root, none.pc, &root))
		return (uint32_t)root;
	root = add(&none);
	if (root)
		sealed_write(&latest_root, none.pc, root);
	return (uint32_t)root;
}

uint32_t tree_child(uint32_t parent, uint64_t pc, bool *is_new)
{
	struct node child = { pc, parent, 0 };
	uint32_t node = 0;

	if (!parent)
		return 0;
	if (!*is_new)
		node = is_it(behind(parent), &child)
			       ? behind(parent)
			       : index_find(&children, hash_of(&child), is_it, &child);
	if (node)
		return node;
	*is_new = true;
	return add(&child);
}

bool tree_is_at(uint64_t node, uint64_t pc)
{
	return node_at(node)->pc == pc;
}

/* Nodes are mostly added from the outermost one inward, so a parent lies before its child. A processor that
 * foresees this branch need not wait for one node to look at the next; the compiler must not see that both ways
 * lead to the same value. */
uint64_t tree_parent(uint64_t node)
{
	uint64_t parent = node_at(node)->parent, before = node - sizeof(struct node);

	if (unlikely(parent != before))
		return parent;
	__asm__("" : "+r"(before));
	return before;
}

/* The mask first: it is changed last. */
static inline uint32_t *hint_for(uint64_t key)
{
	uint64_t place = key >> (64 - MANY_BITS) & __atomic_load_n(&hint_mask, __ATOMIC_ACQUIRE);

	return peek(hints)[place];
}

/* The bits of a hint above those of its node are the key's, which tell most others from it. */
static inline uint32_t mark_of(uint64_t key)
{
	return (uint32_t)(key >> 9) & -(uint32_t)NODES_END;
}

/* What the few know is not taken over. */
static APART void take_many_hints(void)
{
	size_t bytes = MANY * sizeof(*hints);
	uint32_t(*few)[2] = few_hints, (*many)[2];

	if (peek(hints) != few)
		return;
	many = vm_reserve(bytes);
	if (many && __atomic_compare_exchange_n(&hints, &few, many, false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
		__atomic_store_n(&hint_mask, MANY - 1, __ATOMIC_RELEASE);
	else if (many)
		munmap(many, bytes);
}

/* Where three keys meet, each would push out the one that is asked for next, so what is there mostly stays. And
 * threads that write to one cache line in turn wait for each other: 40 ns, or 200 where their processors have no
 * cache in common. */
void tree_remember(uint64_t key, uint32_t node, uint32_t turn)
{
	uint32_t *hint;

	if (unlikely(turn == MANY_TURNS))
		take_many_hints();
	hint = hint_for(key);
	if (peek(hint[1]) && turn % HINT_STAYS)
		return;
	poke(hint[1], peek(hint[0]));
	poke(hint[0], node | mark_of(key));
}

uint32_t tree_recall(uint64_t key)
{
	const uint32_t *pair = hint_for(key);
	uint32_t node = peek(pair[0]) ^ mark_of(key);

	return likely(node < NODES_END) ? node : peek(pair[1]) % NODES_END;
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
	if (nodes_used) {
		vm_table_copy(&table, behind(nodes_used));
		memset(node_at(behind(0)), 0, nodes_used);
	}
	if (hints != few_hints)
		munmap(hints, MANY * sizeof(*hints));
	hints = few_hints;
	hint_mask = FEW - 1;
	for (size_t i = 0; nodes_used && i < FEW; i++)
		if (hints[i][0] | hints[i][1])
			hints[i][0] = hints[i][1] = 0;
	nodes_used = 0;
	latest_root = (struct sealed){ 0 };
	images_new_epoch();
}
