/* SPDX-License-Identifier: MIT */
/*
 * The data of the page's flame graphs: all stacks of a profile as one tree, in which stacks with equal
 * outer functions share their nodes. Each node names its parent, which comes before it.
 *
 * The tree has a bounded number of nodes. Stacks with the greatest share of any value come first; what
 * is left out is counted, and its values are in a node of their own below the package.
 */
#ifndef LSATRACE_VIEWER_PAGE_TREE_H
#define LSATRACE_VIEWER_PAGE_TREE_H

struct json;
struct profile;
struct symbols;

/* Writes the members of the tree into the object that is open. Changes the order of the rows. */
void tree_write(struct json *j, struct profile *profile, struct symbols *symbols);

#endif
