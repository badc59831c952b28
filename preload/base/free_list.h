/* SPDX-License-Identifier: MIT */
/*
 * A list of numbered things that are free to be used again; the one that came free last is taken
 * first.
 *
 * Any number of threads at once, without a lock: each change is one compare-and-swap. The links lie
 * in the things themselves, wherever the caller has room for 32 bits. The memory of a thing must
 * stay mapped after it was taken, because another thread may still be reading its link. The head
 * counts the changes in its upper half: a thing that was taken and came back meanwhile is not
 * mistaken for one that stayed.
 */
#ifndef LSATRACE_PRELOAD_BASE_FREE_LIST_H
#define LSATRACE_PRELOAD_BASE_FREE_LIST_H

#include <stdbool.h>
#include <stdint.h>

/* Starts zeroed, which is empty. Numbers are never 0. */
struct free_list {
	uint64_t head; /* the number that came last; 0: none. Upper half: a count of changes */
};

static inline bool free_list_change(struct free_list *list, uint64_t *head, uint32_t first)
{
	return __atomic_compare_exchange_n(&list->head, head, ((*head >> 32) + 1) << 32 | first,
					   false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* Adds a number. `link` is the room for its link. */
static inline void free_list_add(struct free_list *list, uint32_t number, uint32_t *link)
{
	uint64_t head = __atomic_load_n(&list->head, __ATOMIC_RELAXED);

	do {
		__atomic_store_n(link, (uint32_t)head, __ATOMIC_RELAXED);
	} while (!free_list_change(list, &head, number));
}

/* Takes the number that was added last; 0: the list is empty. link_of() tells where the link of
 * a number lies. */
static inline uint32_t free_list_take(struct free_list *list, uint32_t *(*link_of)(uint32_t number))
{
	uint64_t head = __atomic_load_n(&list->head, __ATOMIC_ACQUIRE);
	uint32_t next;

	do {
		if ((uint32_t)head == 0)
			return 0;
		next = __atomic_load_n(link_of((uint32_t)head), __ATOMIC_RELAXED);
	} while (!free_list_change(list, &head, next));
	return (uint32_t)head;
}

#endif
