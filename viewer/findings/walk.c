/* SPDX-License-Identifier: MIT */
#include "viewer/findings/walk.h"

#include <stddef.h>

#include "viewer/findings/finding.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

bool walk_next(struct walk *w)
{
	if (w->symbol && w->symbol->outer) {
		w->symbol = w->symbol->outer;
		return true;
	}
	if (w->next == w->stack->frames)
		return false;
	w->frame = &w->stack->frame[w->next++];
	w->symbol = w->namer->find(w->namer->context, w->frame->module, w->frame->offset);
	return true;
}

const struct symbol *walk_to(const struct model_stack *stack, const struct findings_namer *namer,
			     unsigned depth, const struct model_frame **frame)
{
	struct walk w = { .stack = stack, .namer = namer };

	do {
		if (!walk_next(&w))
			return NULL;
	} while (depth--);
	*frame = w.frame;
	return w.symbol;
}
