/* SPDX-License-Identifier: MIT */
#include "viewer/sites/known.h"

#include <stdlib.h>

#include "include/kinds.h"
#include "include/site.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/finding.h"
#include "viewer/model/model.h"

struct known_item {
	uint64_t key, count;
	UT_hash_handle hh;
};

static uint64_t key_of_stack(const struct finding *f, const struct model_stack *stack)
{
	const struct model_module *own = model_package(f->model, f->package)->module;
	struct site site = site_begin("");

	for (uint32_t i = 0; stack && i < stack->frames; i++) {
		const struct model_frame *frame = &stack->frame[i];
		uint64_t module = frame->module ? frame->module->site : 0;

		site_add(&site, module, frame->offset, own && module == own->site);
	}
	return site_end(&site);
}

uint64_t known_key(const struct finding *f)
{
	uint64_t key[TRACE_FINDING_STACKS + 2] = { f->kind, f->reason };

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		key[i + 2] = key_of_stack(f, f->stack[i]);
	return hash_bytes(key, sizeof(key));
}

static struct known_item *find(const struct known *k, uint64_t key)
{
	struct known_item *item;

	HASH_FIND(hh, k->items, &key, sizeof(key), item);
	return item;
}

uint64_t known_add(struct known *k, uint64_t key, uint64_t count)
{
	struct known_item *item = find(k, key);

	if (!item) {
		item = memory_new(1, sizeof(*item));
		item->key = key;
		HASH_ADD(hh, k->items, key, sizeof(item->key), item);
	}
	sum_add(&item->count, count);
	return item->count;
}

uint64_t known_count(const struct known *k, uint64_t key)
{
	const struct known_item *item = find(k, key);

	return item ? item->count : 0;
}

void known_release(struct known *k)
{
	map_release(k->items, free);
}
