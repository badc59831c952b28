/* SPDX-License-Identifier: MIT */
#include "viewer/page/tree.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/model/model.h"
#include "viewer/profile/numbers.h"
#include "viewer/profile/profile.h"

enum { NODES_MOST = 150000, NODES_WRITTEN = 8000, TEXTS_MOST = 16 << 20 };

/* The name of a node for what is left out. Other names have numbers from 1 on. */
enum { SMALL = 0 };
/* A name that came when there was no room any more: no node has it. */
#define UNKNOWN UINT32_MAX

struct node {
	uint32_t parent, name;
	uint32_t written; /* its number in the page, from 1 on; 0: it is left out */
	bool is_kept;
	double share; /* the greatest one that it has of a value */
	uint64_t value[PROFILE_VALUES];
};

struct name {
	size_t at; /* in the texts: "NAME\0MODULE\0", and '+' for a function of the package, or '-' */
	uint32_t written; /* its number in the page, from 1 on; 0: it is not in there */
};

/* Node 0 is the root. A parent comes before its children. */
struct tree {
	const struct profile *profile;
	struct node *node;
	size_t nodes, node_room;
	struct numbers keys; /* the number of a node, by parent and name */
	uint32_t *row_node;  /* where each row ends */
	struct name *name;
	size_t names, name_room;
	struct numbers numbers; /* of names */
	struct buffer texts;
	uint32_t *order; /* names as they are in the page */
	size_t ordered, order_room;
	/* The row that is being walked, and its names from the outermost function on. */
	const struct profile_row *row;
	uint32_t *path;
	size_t depth, path_room;
};

static bool is_full(const struct tree *t)
{
	return t->nodes > NODES_MOST || t->texts.used > TEXTS_MOST;
}

static uint32_t number_name(struct tree *t, const char *text, const char *module, bool is_own)
{
	size_t at = t->texts.used;
	uint32_t number;
	bool is_new;

	buffer_bytes(&t->texts, text, strlen(text) + 1);
	buffer_plain(&t->texts, module);
	buffer_bytes(&t->texts, is_own ? "\0+" : "\0-", 2);
	number = numbers_find(&t->numbers, t->texts.data + at, t->texts.used - at);
	if (number || is_full(t)) {
		t->texts.used = at;
		return number ? number : UNKNOWN;
	}
	number = numbers_give(&t->numbers, t->texts.data + at, t->texts.used - at, &is_new);
	memory_room(t->name, t->names, t->name_room);
	t->name[t->names++] = (struct name){ .at = at };
	return number;
}

static void visit(void *tree, const struct profile_frame *frame)
{
	struct tree *t = tree;
	const struct model *model = t->profile->models[t->row->model];
	const struct model_module *module = frame->frame ? frame->frame->module : NULL;
	bool is_own = frame->frame && model_is_in_package(model, t->row->package, frame->frame);
	struct buffer text = { 0 };

	profile_name(&text, frame);
	memory_room(t->path, t->depth, t->path_room);
	t->path[t->depth++] = number_name(t, text.data, module ? module->base : "", is_own);
	buffer_release(&text);
}

/* Returns a child, which is added if there is room. There is always room for a small one. 0: none. */
static uint32_t find_child(struct tree *t, uint32_t parent, uint32_t name)
{
	const uint32_t key[] = { parent, name };
	uint32_t number = numbers_find(&t->keys, key, sizeof(key));
	bool is_new;

	if (number || name == UNKNOWN || (name != SMALL && is_full(t)))
		return number;
	memory_room(t->node, t->nodes, t->node_room);
	t->node[t->nodes++] = (struct node){ .parent = parent, .name = name };
	return numbers_give(&t->keys, key, sizeof(key), &is_new);
}

static void add_values(struct node *to, const uint64_t *value)
{
	for (unsigned i = 0; i < PROFILE_VALUES; i++)
		sum_add(&to->value[i], value[i]);
}

/* Returns the node where the path ends. */
static uint32_t add_path(struct tree *t, bool is_inverted)
{
	uint32_t at = 0, next;

	for (size_t i = 0; i < t->depth; i++) {
		next = find_child(t, at, t->path[is_inverted ? t->depth - 1 - i : i]);
		if (!next)
			return find_child(t, at, SMALL);
		at = next;
	}
	return at;
}

static double share_of(const struct profile *p, const uint64_t *value)
{
	double share = 0;

	for (unsigned i = 0; i < PROFILE_VALUES; i++)
		if (p->sum[i] && (double)value[i] / (double)p->sum[i] > share)
			share = (double)value[i] / (double)p->sum[i];
	return share;
}

static void build(struct tree *t, struct symbols *symbols, bool is_inverted)
{
	const struct profile *p = t->profile;

	memory_room(t->node, t->nodes, t->node_room);
	t->node[t->nodes++] = (struct node){ .is_kept = true };
	t->row_node = memory_new(p->rows, sizeof(*t->row_node));
	for (size_t i = 0; i < p->rows; i++) {
		t->row = &p->row[i];
		t->depth = 0;
		profile_walk(p, t->row, symbols, visit, t);
		t->row_node[i] = add_path(t, is_inverted);
		add_values(&t->node[t->row_node[i]], t->row->value);
	}
	for (size_t i = t->nodes - 1; i > 0; i--) {
		add_values(&t->node[t->node[i].parent], t->node[i].value);
		t->node[i].share = share_of(p, t->node[i].value);
	}
}

/* By share. Of nodes with an equal one, a parent comes first, as it does in the tree. */
static int compare_nodes(const void *left, const void *right, void *nodes)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	const struct node *node = nodes;

	if (node[a].share != node[b].share)
		return node[a].share > node[b].share ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Keeps the nodes with the greatest shares. */
static void prune(struct tree *t)
{
	size_t all = t->nodes, kept = all - 1 < NODES_WRITTEN ? all - 1 : NODES_WRITTEN;
	uint32_t *order = memory_new(all, sizeof(*order));

	for (size_t i = 1; i < all; i++)
		order[i - 1] = (uint32_t)i;
	qsort_r(order, all - 1, sizeof(*order), compare_nodes, t->node);
	for (size_t i = 0; i < kept; i++)
		t->node[order[i]].is_kept = true;
	free(order);
	for (size_t i = 1; i < all; i++) {
		uint32_t small;

		if (t->node[i].is_kept || !t->node[t->node[i].parent].is_kept)
			continue;
		small = find_child(t, t->node[i].parent, SMALL);
		t->node[small].is_kept = true;
		if (small != i)
			add_values(&t->node[small], t->node[i].value);
	}
}

/* Returns the number of a name in the page. */
static uint32_t order_name(struct tree *t, uint32_t number)
{
	struct name *name;

	if (number == SMALL)
		return SMALL;
	name = &t->name[number - 1];
	if (!name->written) {
		memory_room(t->order, t->ordered, t->order_room);
		t->order[t->ordered++] = number;
		name->written = (uint32_t)t->ordered;
	}
	return name->written;
}

static void write_nodes(struct json *j, struct tree *t)
{
	uint32_t written = 0;

	json_open_array(j, "parent");
	for (size_t i = 1; i < t->nodes; i++) {
		if (!t->node[i].is_kept)
			continue;
		t->node[i].written = ++written;
		/* As a distance, which is 1 for most nodes and so short. */
		json_write_number(j, NULL, written - t->node[t->node[i].parent].written);
	}
	json_close_array(j);
	json_open_array(j, "name");
	for (size_t i = 1; i < t->nodes; i++)
		if (t->node[i].is_kept)
			json_write_number(j, NULL, order_name(t, t->node[i].name));
	json_close_array(j);
}

static void write_column(struct json *j, const struct tree *t, unsigned value)
{
	json_open_array(j, NULL);
	for (size_t i = 1; i < t->nodes; i++)
		if (t->node[i].is_kept)
			json_write_number(j, NULL, t->node[i].value[value]);
	json_close_array(j);
}

/* A column for each value; null if there is nothing of it, or if it is not wanted. Columns of numbers are what
 * a browser reads fastest. */
static void write_values(struct json *j, const char *key, const struct tree *t, bool has_first,
			 bool has_others)
{
	bool is_first = true;

	json_open_array(j, key);
	for (unsigned k = 0; k < PROFILE_VALUES; k++) {
		if (t->profile->sum[k] && (is_first ? has_first : has_others))
			write_column(j, t, k);
		else
			json_write_null(j, NULL);
		is_first &= !t->profile->sum[k];
	}
	json_close_array(j);
}

/* ["name", "module", is the package's] */
static void write_name(struct json *j, const char *text, const char *module, bool is_own)
{
	json_open_array(j, NULL);
	json_write_text(j, NULL, text);
	json_write_text(j, NULL, module);
	json_write_number(j, NULL, is_own);
	json_close_array(j);
}

static void write_names(struct json *j, const struct tree *t)
{
	json_open_array(j, "names");
	write_name(j, "(small stacks)", "", false);
	for (size_t i = 0; i < t->ordered; i++) {
		const char *text = t->texts.data + t->name[t->order[i] - 1].at;
		const char *module = text + strlen(text) + 1;

		write_name(j, text, module, module[strlen(module) + 1] == '+');
	}
	json_close_array(j);
}

static size_t count_left_out(const struct tree *t)
{
	size_t count = 0;

	for (size_t i = 0; i < t->profile->rows; i++) {
		const struct node *end = &t->node[t->row_node[i]];

		count += !end->is_kept || end->name == SMALL;
	}
	return count;
}

/* The stacks that matter most come first: a tree that grows too large has room for those. */
static int compare_rows(const void *left, const void *right, void *profile)
{
	const struct profile_row *a = left, *b = right;
	double first = share_of(profile, a->value), second = share_of(profile, b->value);

	if (first != second)
		return first > second ? -1 : 1;
	return a->model != b->model   ? (a->model < b->model ? -1 : 1)
	       : a->stack != b->stack ? (a->stack < b->stack ? -1 : 1)
				      : 0;
}

struct tree *tree_new(struct profile *profile, struct symbols *symbols, bool is_inverted)
{
	struct tree *t = memory_new(1, sizeof(*t));

	t->profile = profile;
	if (profile->rows)
		qsort_r(profile->row, profile->rows, sizeof(*profile->row), compare_rows, profile);
	build(t, symbols, is_inverted);
	prune(t);
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	free(t->node);
	numbers_release(&t->keys);
	free(t->row_node);
	free(t->name);
	numbers_release(&t->numbers);
	buffer_release(&t->texts);
	free(t->order);
	free(t->path);
	free(t);
}

void tree_write(struct json *j, const char *key, struct tree *t, bool is_whole)
{
	json_open_object(j, key);
	write_nodes(j, t);
	write_values(j, "values", t, true, is_whole);
	write_names(j, t);
	json_write_number(j, "left_out", count_left_out(t));
	json_close_object(j);
}

void tree_write_rest(struct json *j, const char *key, const struct tree *t)
{
	write_values(j, key, t, false, true);
}
