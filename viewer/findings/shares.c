/* SPDX-License-Identifier: MIT */
#include "viewer/findings/shares.h"

#include <stdlib.h>

#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/finding.h"

struct findings_shares {
	struct node {
		struct finding_share share;
		uint32_t before; /* 1 + the finding's share of an earlier trace; 0: there is none */
	} * node;
	size_t nodes, room;
	uint32_t *last; /* by finding: 1 + its last share; 0: none yet */
	struct finding_share *list;
	size_t list_room;
};

struct findings_shares *shares_new(size_t most)
{
	struct findings_shares *s = memory_new(1, sizeof(*s));

	s->last = memory_new(most, sizeof(*s->last));
	return s;
}

void shares_free(struct findings_shares *s)
{
	if (!s)
		return;
	free(s->node);
	free(s->last);
	free(s->list);
	free(s);
}

void shares_add(struct findings_shares *s, size_t finding, uint32_t trace, uint64_t count)
{
	uint32_t last = s->last[finding];

	if (last && s->node[last - 1].share.trace == trace) {
		sum_add(&s->node[last - 1].share.count, count);
		return;
	}
	memory_room(s->node, s->nodes, s->room);
	s->node[s->nodes++] = (struct node){ { trace, count }, last };
	s->last[finding] = (uint32_t)s->nodes;
}

const struct finding_share *shares_list(struct findings_shares *s, size_t finding, size_t *count)
{
	size_t place;

	*count = 0;
	for (uint32_t i = s->last[finding]; i; i = s->node[i - 1].before)
		++*count;
	if (s->list_room < *count) {
		s->list_room = *count;
		s->list = memory_resize(s->list, s->list_room, sizeof(*s->list));
	}
	place = *count;
	for (uint32_t i = s->last[finding]; i; i = s->node[i - 1].before)
		s->list[--place] = s->node[i - 1].share;
	return s->list;
}
