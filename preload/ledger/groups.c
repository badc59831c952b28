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

static uint64_t hash_section(uint64_t scope)
{
	return index_mix(index_mix(scope) + 1);
}

static uint64_t hash_clients(uint64_t address)
{
	return index_mix(index_mix(address) + 2);
}

/* The hashes of the two groups of an entry that has these bits; 0: none. */
struct hashes {
	uint64_t range, list;
};

static struct hashes hashes_of(const struct ledger_entry *entry, unsigned groups)
{
	struct hashes h = { 0, 0 };
	unsigned class = groups & GROUPS_CLASS;

	if (class)
		h.range = hash_range(entry->space, class, entry->address >> range_bits(class),
				     entry->scope);
	if (groups & GROUPS_LISTED)
		h.list = entry->space == SPACE_CLIENT ? hash_clients(entry->address)
						      : hash_section(entry->scope);
	return h;
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

/* Replaces what the walk has returned last, if it is an entry that has gone and is of the group. */
static bool take_place(const struct index_walk *walk, uint64_t group, uint32_t gone, uint32_t number)
{
	struct ledger_entry *entry = &entries[gone];
	uint64_t life = entries_life(&entries[gone]);
	bool is_taken = false;
	struct hashes h;

	if ((life & 0xff) < LIFE_RELEASED || !entries_claim(&entries[gone], life))
		return false;
	h = hashes_of(entry, entry->groups);
	if (h.range == group || h.list == group) {
		poke(entry->groups,
		     entry->groups & (h.range == group ? GROUPS_LISTED : GROUPS_CLASS));
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

/* Returns false if there is no memory. 0 stands for no group. */
static bool change_group(uint64_t old, uint64_t new, uint32_t number)
{
	if (old == new)
		return true;
	if (old)
		remove_from_group(old, number);
	return !new || add_to_group(new, number);
}

static void note_class(enum ledger_space space, unsigned class)
{
	uint32_t bit = 1u << class;

	if (unlikely(!(peek(classes_used[space]) & bit)))
		__atomic_fetch_or(&classes_used[space], bit, __ATOMIC_RELAXED);
}

APART bool groups_move(uint32_t number, const struct ledger_entry *what)
{
	struct ledger_entry *entry = &entries[number];
	uint8_t needed = what->space == SPACE_SECTION ? 0 : groups_needed(what);
	struct hashes old = hashes_of(entry, entry->groups), new = hashes_of(what, needed);
	bool has_range, is_listed;

	note_class(what->space, needed & GROUPS_CLASS);
	has_range = change_group(old.range, new.range, number);
	is_listed = change_group(old.list, new.list, number);
	poke(entry->groups,
	     (has_range ? needed & GROUPS_CLASS : 0) | (is_listed ? needed & GROUPS_LISTED : 0));
	return has_range && is_listed;
}

void groups_leave(uint32_t number)
{
	struct ledger_entry *entry = &entries[number];
	struct hashes h = hashes_of(entry, entry->groups);

	change_group(h.range, 0, number);
	change_group(h.list, 0, number);
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

bool groups_visit_section(uint64_t scope, groups_visit *visit, void *context)
{
	return visit_group(hash_section(scope), visit, context);
}

bool groups_visit_clients(uint64_t address, groups_visit *visit, void *context)
{
	return peek(classes_used[SPACE_CLIENT]) &&
	       visit_group(hash_clients(address), visit, context);
}

static void end_nodes(uint64_t node, unsigned depth, uint64_t scope)
{
	struct index_walk walk = { .index = &nodes, .hash = node };
	uint32_t next;

	while ((next = next_entry(&walk)) != 0)
		if (peek(entries[next].scope) == scope)
			index_replace(&walk, next, 0);
	for (unsigned branch = 0; depth > 0 && branch < BRANCHES; branch++)
		end_nodes(child_of(node, branch), depth - 1, scope);
}

void groups_end_section(uint64_t scope)
{
	uint64_t group = hash_section(scope);
	struct index_walk walk = walk_marks(group);
	unsigned depth;
	uint32_t next;

	end_nodes(group, depth_of(group), scope);
	while ((next = index_next(&walk)) != 0)
		if (is_mark(group, next, &depth))
			index_replace(&walk, next, 0);
}
