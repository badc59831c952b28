/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/index.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/file/chunks.h"
#include "preload/file/findings.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

static struct index index_of_findings;
static struct chunks_items items;
static struct chunks_refusal refusal;

void findings_reset(void)
{
	index_clear(&index_of_findings);
	items = (struct chunks_items){ .kind = TRACE_CHUNK_FINDINGS,
				       .item_bytes = sizeof(struct trace_finding) };
	refusal.asked = 0;
}

static uint64_t hash_finding(const struct trace_finding *f)
{
	uint64_t hash = (uint64_t)f->kind | (uint64_t)f->reason << 8 | (uint64_t)f->family << 16 |
			(uint64_t)f->function << 24 | (uint64_t)f->package << 32;

	for (int i = 0; i < TRACE_FINDING_STACKS; i++)
		hash = index_mix(hash ^ f->stack[i]);
	return hash;
}

static bool is_same_finding(uint32_t reference, void *sought)
{
	const struct trace_finding *a = chunks_at(reference), *b = sought;

	return a->kind == b->kind && a->reason == b->reason && a->family == b->family &&
	       a->function == b->function && a->package == b->package &&
	       memcmp(a->stack, b->stack, sizeof(a->stack)) == 0;
}

static struct trace_finding *find_finding(const struct trace_finding *what, uint64_t hash)
{
	uint32_t reference = index_find(&index_of_findings, hash, is_same_finding, (void *)what);

	return reference ? chunks_at(reference) : NULL;
}

/* Under the cold lock. */
static struct trace_finding *add_finding(const struct trace_finding *what, uint64_t hash)
{
	uint32_t one = 1;
	struct trace_finding *finding = chunks_items_take(&items, &one);

	if (!finding)
		return NULL;
	*finding = *what;
	finding->count = finding->bytes = 0;
	if (!index_add(&index_of_findings, hash, chunks_reference(finding))) {
		/* The next occurrence would be another finding. The place is given back. */
		memset(finding, 0, sizeof(*finding));
		items.used--;
		return NULL;
	}
	__atomic_store_n(&finding->committed, 1, __ATOMIC_RELEASE);
	return finding;
}

void findings_prepare(void)
{
	index_prepare(&index_of_findings);
}

void findings_note(const struct trace_finding *what)
{
	uint64_t hash = hash_finding(what);
	struct trace_finding *finding = find_finding(what, hash);

	if (!finding && chunks_may_ask(&refusal) && lock_take(LOCK_COLD)) {
		/* Another thread may have added it meanwhile. */
		finding = find_finding(what, hash);
		if (!finding) {
			finding = add_finding(what, hash);
			chunks_note_answer(&refusal, finding != NULL);
		}
		lock_release(LOCK_COLD);
	}
	if (!finding) {
		trace_lose(TRACE_LOST_FINDINGS);
		return;
	}
	__atomic_add_fetch(&finding->count, what->count, __ATOMIC_RELAXED);
	__atomic_add_fetch(&finding->bytes, what->bytes, __ATOMIC_RELAXED);
}

bool findings_is_first(const struct trace_finding *what)
{
	return peek(refusal.asked) == 0 && !find_finding(what, hash_finding(what));
}
