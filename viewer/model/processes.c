/* SPDX-License-Identifier: MIT */
#include "viewer/model/processes.h"

#include <stdlib.h>

#include "viewer/base/memory.h"
#include "viewer/model/model.h"

/* A trace among the others. */
struct place {
	size_t trace;
	const struct model_process *process;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_starts(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = compare_numbers(a->process->start_ns, b->process->start_ns);

	return order ? order : compare_numbers(a->trace, b->trace);
}

static int compare_pids(const void *left, const void *right)
{
	const struct place *a = left, *b = right;

	if (a->process->pid != b->process->pid)
		return a->process->pid < b->process->pid ? -1 : 1;
	return compare_starts(left, right);
}

/* The last trace of a pid that was begun before another trace; NULL: there is none. A pid may be
 * given again, and a process that executes a program gets a further trace. */
static const struct place *find_before(const struct place *by_pid, size_t count, int32_t pid,
				       const struct place *other)
{
	struct model_process process = { .pid = pid, .start_ns = other->process->start_ns };
	struct place wanted = { other->trace, &process };
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_pids(&by_pid[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low && by_pid[low - 1].process->pid == pid ? &by_pid[low - 1] : NULL;
}

static size_t find_parent(const struct place *by_pid, size_t count, const struct place *child)
{
	const struct place *parent = find_before(by_pid, count, child->process->pid, child);

	if (!parent || parent->process->end != TRACE_END_EXEC)
		parent = find_before(by_pid, count, child->process->ppid, child);
	return parent ? parent->trace : PROCESSES_TOP;
}

/* Lists a process and all below it. A parent was begun before its children, so there is no circle. */
static void order_from(struct processes *p, size_t first, const size_t *first_child,
		       const size_t *next_sibling, size_t *used)
{
	size_t trace = first;

	for (;;) {
		p->ordered[(*used)++] = trace;
		if (first_child[trace] != PROCESSES_TOP) {
			trace = first_child[trace];
			continue;
		}
		while (trace != first && next_sibling[trace] == PROCESSES_TOP)
			trace = p->parent[trace];
		if (trace == first)
			return;
		trace = next_sibling[trace];
	}
}

void processes_sort(struct processes *p, struct model *const *models, size_t count)
{
	struct place *by_start = memory_new(count, sizeof(*by_start));
	struct place *by_pid = memory_new(count, sizeof(*by_pid));
	size_t *first_child = memory_new(count, sizeof(*first_child));
	size_t *next_sibling = memory_new(count, sizeof(*next_sibling));
	size_t used = 0;

	p->count = count;
	p->parent = memory_new(count, sizeof(*p->parent));
	p->depth = memory_new(count, sizeof(*p->depth));
	p->ordered = memory_new(count, sizeof(*p->ordered));
	for (size_t i = 0; i < count; i++) {
		by_start[i] = by_pid[i] = (struct place){ i, model_process(models[i]) };
		first_child[i] = next_sibling[i] = PROCESSES_TOP;
	}
	qsort(by_start, count, sizeof(*by_start), compare_starts);
	qsort(by_pid, count, sizeof(*by_pid), compare_pids);
	for (size_t i = 0; i < count; i++) {
		size_t trace = by_start[i].trace;
		size_t parent = find_parent(by_pid, count, &by_start[i]);

		p->parent[trace] = parent;
		p->depth[trace] = parent == PROCESSES_TOP ? 0 : p->depth[parent] + 1;
	}
	for (size_t i = count; i-- > 0;) { /* so that the children are in order of their starts */
		size_t trace = by_start[i].trace, parent = p->parent[trace];

		if (parent == PROCESSES_TOP)
			continue;
		next_sibling[trace] = first_child[parent];
		first_child[parent] = trace;
	}
	for (size_t i = 0; i < count; i++)
		if (p->parent[by_start[i].trace] == PROCESSES_TOP)
			order_from(p, by_start[i].trace, first_child, next_sibling, &used);
	free(by_start);
	free(by_pid);
	free(first_child);
	free(next_sibling);
}

void processes_release(struct processes *p)
{
	free(p->parent);
	free(p->depth);
	free(p->ordered);
	*p = (struct processes){ 0 };
}
