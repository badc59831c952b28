/* SPDX-License-Identifier: MIT */
#include "preload/ledger/groups.h"

#include "preload/base/poison.h"

enum {
	NODE_ROOM = INDEX_WAYS, /* more would not fit beside others, and the index would grow */
	BRANCH_BITS = 3,
	BRANCHES = 1 << BRANCH_BITS,
	DEPTH_MOST = 8, /* 8^8 nodes are more than there are entries */
};

/*
 * How deep a group is: a number in the index, by a hash of its own, beside those of the group's first
 * node. It is MARK | a part of the group's hash that the index does not compare | the depth. Entries
 * have smaller numbers than MARK.
 */
#define MARK (1u << 31)
#define MARK_DEPTH 15u

static struct index nodes;
static uint32_t classes_used[SPACE_CLIENT + 1]; /* as bits, by space */

unsigned groups_class_of_large(uint64_t size)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(size - 1);

	return (bits - 1) / 4 < GROUPS_CLASS ? (bits - 1) / 4 : GROUPS_CLASS - 1;
}

static unsigned range_bits(unsigned class)
{
	return 4 + 4 * class;
}

static uint64_t hash_range(enum ledger_space space, unsigned class, uint64_t range, uint64_t request)
{
	uint64_t hash = index_mix(range + ((uint64_t)space << 62) + ((uint64_t) class << 58));

	return space == SPACE_CLIENT ? index_mix(hash + request) : hash;
}

static uint64_t hash_clients(uint64_t address)
{
	return index_mix(index_mix(address) + 1);
}

static uint64_t range_of(const struct ledger_entry *what, unsigned class)
{
	return hash_range(what->space, class, what->address >> range_bits(class), what->scope);
}

static uint64_t child_of(uint64_t node, unsigned branch)
{
	return index_mix(node + branch + 1);
}

/* The node at some depth in which a number is. */
static uint64_t node_for(uint64_t group, uint32_t number, unsigned depth)
{
	uint64_t path = index_mix(number), node = group;

	for (; depth > 0; depth--, path >>= BRANCH_BITS)
		node = child_of(node, path & (BRANCHES - 1));
	return node;
}

static uint32_t mark_of(uint64_t group, unsigned depth)
{
	return MARK | ((uint32_t)group & ~MARK_DEPTH) | depth;
}

static struct index_walk walk_marks(uint64_t group)
{
	return (struct index_walk){ .index = &nodes, .hash = group ^ 1ull << 63 };
}

/* Finds out whether what a walk over a group's marks has returned is its depth. */
static bool is_mark(uint64_t group, uint32_t number, unsigned *depth)
{
	if ((number | MARK_DEPTH) != mark_of(group, MARK_DEPTH))
		return false;
	*depth = number & MARK_DEPTH;
	return true;
}

/* Two threads that made a group deeper at once may have left two marks: the greater one counts. */
static unsigned depth_of(uint64_t group)
{
	struct index_walk walk = walk_marks(group);
	unsigned most = 0, depth;
	uint32_t next;

	while ((next = index_next(&walk)) != 0)
		if (is_mark(group, next, &depth) && depth > most)
			most = depth;
	return most;
}

/* Returns false if there is no memory. */
static bool deepen(uint64_t group, unsigned depth)
{
	struct index_walk walk = walk_marks(group);
	unsigned before;
	uint32_t next;

	while ((next = index_next(&walk)) != 0)
		if (is_mark(group, next, &before) &&
		    (before >= depth || index_replace(&walk, next, mark_of(group, depth))))
			return true;
	return index_add(&nodes, walk.hash, mark_of(group, depth));
}

/* Which bits of entry->groups stand for a group, if it is in that. */
static uint8_t groups_in(const struct ledger_entry *entry, uint64_t group)
{
	unsigned class = entry->groups & GROUPS_CLASS;

	if (class && range_of(entry, class) == group)
		return GROUPS_CLASS;
	return entry->space == SPACE_CLIENT && hash_clients(entry->address) == group ? GROUPS_LISTED
										     : 0;
}

/* Replaces what the walk has returned last, if it is an entry that has gone and is of the group. */
static bool take_place(const struct index_walk *walk, uint64_t group, uint32_t gone, uint32_t number)
{
	struct ledger_entry *entry = &entries[gone];
	uint64_t life = entries_life(&entries[gone]);
	bool is_taken = false;
	uint8_t left;

	if ((life & 0xff) < LIFE_RELEASED || !entries_claim(&entries[gone], life))
		return false;
	left = entry->groups & ~groups_in(entry, group);
	if (left != entry->groups) {
		poke(entry->groups, left);
		is_taken = index_replace(walk, gone, number);
	}
	entries_settle(&entries[gone], life & 0xff);
	return is_taken;
}

/* The next entry of a node. Two hashes may look alike to the index: a mark is none. */
static uint32_t next_entry(struct index_walk *walk)
{
	uint32_t next;

	while ((next = index_next(walk)) & MARK)
		;
	return next;
}

static bool take_any_place(uint64_t node, uint64_t group, uint32_t number)
{
	struct index_walk walk = { .index = &nodes, .hash = node };
	uint32_t next;

	while ((next = next_entry(&walk)) != 0)
		if (take_place(&walk, group, next, number))
			return true;
	return false;
}

static bool add_to_group(uint64_t group, uint32_t number)
{
	if (likely(index_count(&nodes, group) < NODE_ROOM))
		return index_add(&nodes, group, number);
	for (unsigned depth = depth_of(group);; depth++) {
		uint64_t node = node_for(group, number, depth);

		if (depth == DEPTH_MOST || index_count(&nodes, node) < NODE_ROOM)
			return index_add(&nodes, node, number);
		if (take_any_place(node, group, number))
			return true;
		if (!deepen(group, depth + 1))
			return false;
	}
}

static bool remove_from_node(uint64_t node, uint32_t number)
{
	struct index_walk walk = { .index = &nodes, .hash = node };
	uint32_t next;

	while ((next = index_next(&walk)) != 0)
		if (next == number)
			return index_replace(&walk, number, 0);
	return false;
}

static void remove_from_group(uint64_t group, uint32_t number)
{
	unsigned depth = depth_of(group);

	while (!remove_from_node(node_for(group, number, depth), number) && depth > 0)
		depth--;
}

static void note_class(enum ledger_space space, unsigned class)
{
	uint32_t bit = 1u << class;

	if (unlikely(!(peek(classes_used[space]) & bit)))
		__atomic_fetch_or(&classes_used[space], bit, __ATOMIC_RELAXED);
}

static bool move_range(uint32_t number, const struct ledger_entry *what, unsigned old,
		       unsigned class)
{
	if (old)
		remove_from_group(range_of(what, old), number);
	note_class(what->space, class);
	return add_to_group(range_of(what, class), number);
}

bool groups_move(uint32_t number, const struct ledger_entry *what)
{
	struct ledger_entry *entry = &entries[number];
	unsigned class = groups_needed(what) & GROUPS_CLASS, old = entry->groups & GROUPS_CLASS;
	bool has_range = old == class || move_range(number, what, old, class);
	bool is_listed = entry->groups & GROUPS_LISTED;

	if (what->space == SPACE_CLIENT && !is_listed)
		is_listed = add_to_group(hash_clients(what->address), number);
	poke(entry->groups, (has_range ? class : 0) | (is_listed ? GROUPS_LISTED : 0));
	return has_range && (is_listed || what->space != SPACE_CLIENT);
}

void groups_leave(uint32_t number)
{
	struct ledger_entry *entry = &entries[number];
	unsigned class = entry->groups & GROUPS_CLASS;

	if (class)
		remove_from_group(range_of(entry, class), number);
	if (entry->groups & GROUPS_LISTED && entry->space == SPACE_CLIENT)
		remove_from_group(hash_clients(entry->address), number);
	poke(entry->groups, 0);
}

/* Visits a node, and the nodes below it, as many deep as `depth`. Its entries lie anywhere in memory: all
 * misses at once. */
static bool visit_nodes(uint64_t node, unsigned depth, groups_visit *visit, void *context)
{
	struct index_walk walk = { .index = &nodes, .hash = node };
	uint32_t entry[NODE_ROOM];
	unsigned count;

	do {
		for (count = 0; count < NODE_ROOM && (entry[count] = next_entry(&walk)) != 0;
		     count++)
			__builtin_prefetch(&entries[entry[count]]);
		for (unsigned i = 0; i < count; i++)
			if (visit(entry[i], context))
				return true;
	} while (count == NODE_ROOM);
	for (unsigned branch = 0; depth > 0 && branch < BRANCHES; branch++)
		if (visit_nodes(child_of(node, branch), depth - 1, visit, context))
			return true;
	return false;
}

static bool visit_group(uint64_t group, groups_visit *visit, void *context)
{
	return visit_nodes(group, depth_of(group), visit, context);
}

bool groups_visit_around(enum ledger_space space, uint64_t address, uint64_t request,
			 groups_visit *visit, void *context)
{
	uint32_t classes = peek(classes_used[space]);

	for (; classes; classes &= classes - 1) {
		unsigned class = (unsigned)__builtin_ctz(classes);
		uint64_t range = address >> range_bits(class);

		if (visit_group(hash_range(space, class, range, request), visit, context) ||
		    (range &&
		     visit_group(hash_range(space, class, range - 1, request), visit, context)))
			return true;
	}
	return false;
}

static void fetch_group(uint64_t group)
{
	index_fetch(&nodes, group);
	index_fetch(&nodes, walk_marks(group).hash);
}

void groups_fetch_around(enum ledger_space space, uint64_t address, uint64_t request)
{
	for (uint32_t left = peek(classes_used[space]); left; left &= left - 1) {
		unsigned class = (unsigned)__builtin_ctz(left);
		uint64_t range = address >> range_bits(class);

		fetch_group(hash_range(space, class, range, request));
		fetch_group(hash_range(space, class, range - 1, request));
	}
}

bool groups_visit_clients(uint64_t address, groups_visit *visit, void *context)
{
	return peek(classes_used[SPACE_CLIENT]) &&
	       visit_group(hash_clients(address), visit, context);
}
