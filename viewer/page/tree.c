/* SPDX-License-Identifier: MIT */
#include "viewer/page/tree.h"

#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"
#include "viewer/profile/numbers.h"
#include "viewer/profile/profile.h"

#define NODES_MOST 300000u

struct node {
	uint32_t parent; /* 1 + its number; 0: the root */
	uint32_t name;
};

struct writer {
	struct json *json;
	const struct profile *profile;
	const struct profile_row *row; /* that is being walked */
	struct node *node;
	size_t nodes, room;
	uint32_t at; /* 1 + number of the node that the walk has reached */
	struct numbers keys, names;
	struct buffer name;
	size_t left_out; /* stacks */
};

/* Returns the number of a name, which is written when it is new: ["name", "module", is the package's]. */
static uint32_t number_name(struct writer *w, const char *module, bool is_own)
{
	size_t used = w->name.used;
	uint32_t number;
	bool is_new;

	buffer_bytes(&w->name, is_own ? "\0+" : "\0-", 2);
	buffer_plain(&w->name, module);
	number = numbers_give(&w->names, w->name.data, w->name.used, &is_new);
	if (is_new) {
		w->name.data[used] = '\0';
		json_open_array(w->json, NULL);
		json_write_text(w->json, NULL, w->name.data);
		json_write_text(w->json, NULL, module);
		json_write_number(w->json, NULL, is_own);
		json_close_array(w->json);
	}
	return number - 1;
}

static void step(struct writer *w, uint32_t name)
{
	const uint32_t key[] = { w->at, name };
	bool is_new;
	uint32_t number = numbers_give(&w->keys, key, sizeof(key), &is_new);

	if (is_new) {
		memory_room(w->node, w->nodes, w->room);
		w->node[w->nodes++] = (struct node){ w->at, name };
	}
	w->at = number;
}

static void visit(void *writer, const struct profile_frame *frame)
{
	struct writer *w = writer;
	const struct model *model = w->profile->models[w->row->model];
	const struct model_module *module = frame->frame ? frame->frame->module : NULL;

	w->name.used = 0;
	profile_name(&w->name, frame);
	step(w,
	     number_name(w, module ? module->base : "",
			 frame->frame && model_is_in_package(model, w->row->package, frame->frame)));
}

static void visit_package(void *writer, const struct profile_frame *frame)
{
	if (!((struct writer *)writer)->at)
		visit(writer, frame);
}

/* Finds the node of a row's innermost function. */
static uint32_t find_node(struct writer *w, const struct profile_row *row, struct symbols *symbols)
{
	w->row = row;
	w->at = 0;
	if (w->nodes < NODES_MOST) {
		profile_walk(w->profile, row, symbols, visit, w);
		return w->at - 1;
	}
	w->left_out++;
	profile_walk(w->profile, row, symbols, visit_package, w);
	w->name.used = 0;
	buffer_text(&w->name, "(other stacks)");
	step(w, number_name(w, "", false));
	return w->at - 1;
}

static double share_of(const struct profile *p, const struct profile_row *row)
{
	double share = 0;

	for (unsigned i = 0; i < PROFILE_VALUES; i++)
		if (p->sum[i] && (double)row->value[i] / (double)p->sum[i] > share)
			share = (double)row->value[i] / (double)p->sum[i];
	return share;
}

static int compare_rows(const void *left, const void *right, void *profile)
{
	const struct profile_row *a = left, *b = right;
	double first = share_of(profile, a), second = share_of(profile, b);

	if (first != second)
		return first > second ? -1 : 1;
	return a->model != b->model   ? (a->model < b->model ? -1 : 1)
	       : a->stack != b->stack ? (a->stack < b->stack ? -1 : 1)
				      : 0;
}

static void write_nodes(struct writer *w)
{
	json_open_array(w->json, "parent");
	for (size_t i = 0; i < w->nodes; i++)
		/* As a distance, which is 1 for most nodes and so short. 0: there is none. */
		json_write_number(w->json, NULL, w->node[i].parent ? i + 1 - w->node[i].parent : 0);
	json_close_array(w->json);
	json_open_array(w->json, "name");
	for (size_t i = 0; i < w->nodes; i++)
		json_write_number(w->json, NULL, w->node[i].name);
	json_close_array(w->json);
}

/* The node of each row; and for each value a column of what the rows have of it, or null if that is
 * nothing. Columns of numbers are what a browser reads fastest. */
static void write_rows(struct json *j, const struct profile *p, const uint32_t *node)
{
	json_open_array(j, "nodes");
	for (size_t i = 0; i < p->rows; i++)
		json_write_number(j, NULL, node[i]);
	json_close_array(j);
	json_open_array(j, "values");
	for (unsigned k = 0; k < PROFILE_VALUES; k++) {
		if (!p->sum[k]) {
			json_write_null(j, NULL);
			continue;
		}
		json_open_array(j, NULL);
		for (size_t i = 0; i < p->rows; i++)
			json_write_number(j, NULL, p->row[i].value[k]);
		json_close_array(j);
	}
	json_close_array(j);
}

void tree_write(struct json *j, struct profile *profile, struct symbols *symbols)
{
	struct writer w = { .json = j, .profile = profile };
	uint32_t *node = memory_new(profile->rows, sizeof(*node));

	if (profile->rows)
		qsort_r(profile->row, profile->rows, sizeof(*profile->row), compare_rows, profile);
	json_open_array(j, "names");
	for (size_t i = 0; i < profile->rows; i++)
		node[i] = find_node(&w, &profile->row[i], symbols);
	json_close_array(j);
	write_nodes(&w);
	write_rows(j, profile, node);
	json_write_number(j, "left_out", w.left_out);
	free(node);
	free(w.node);
	numbers_release(&w.keys);
	numbers_release(&w.names);
	buffer_release(&w.name);
}
