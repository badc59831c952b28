/* SPDX-License-Identifier: MIT */
/*
 * The data of one of the page's flame graphs: all stacks of a profile as a tree, in which stacks with
 * equal outer functions share their nodes; or, inverted, stacks with equal inner functions. Each node
 * names its parent, which comes before it, and has the sums of all that is below it.
 *
 * The tree has a bounded number of nodes: those with the greatest share of any value. What is left out
 * below a node is summed up in a node "(small stacks)", and how many stacks end there is counted.
 */
#ifndef LSATRACE_VIEWER_PAGE_TREE_H
#define LSATRACE_VIEWER_PAGE_TREE_H

#include <stdbool.h>

struct json;
struct profile;
struct symbols;
struct tree;

/* Changes the order of the profile's rows. For tree_free(). */
struct tree *tree_new(struct profile *profile, struct symbols *symbols, bool is_inverted);
void tree_free(struct tree *tree);

/* Writes the tree as an item of an object; without `is_whole`, of its columns of values only the first one. */
void tree_write(struct json *j, const char *key, struct tree *tree, bool is_whole);
/* Writes an array of the columns that are not the first one. */
void tree_write_rest(struct json *j, const char *key, const struct tree *tree);

#endif
