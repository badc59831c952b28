/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/index.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/capture/modules.h"
#include "preload/capture/stacks.h"
#include "preload/file/chunks.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

static struct index index_of_stacks;
static struct chunks_refusal refusal;

static uint64_t hash_of(const uint64_t *pc, uint32_t frames)
{
	uint64_t hash = frames;

	for (uint32_t i = 0; i < frames; i++) {
		hash = (hash ^ pc[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return index_mix(hash);
}

/* A backtrace that is looked for, by what is known of it. */
struct sought {
	const struct backtrace *b;
	const uint64_t *frame; /* as it would be stored; NULL: by its return addresses */
	uint32_t reference;    /* where it has just been stored; 0: nowhere */
};

static bool is_it(uint32_t reference, void *data)
{
	const struct trace_stack *stack = chunks_at(reference);
	const struct sought *sought = data;
	const struct backtrace *b = sought->b;

	if (reference == sought->reference)
		return true;
	if (stack->frames != b->frames || (stack->flags & TRACE_STACK_TRUNCATED) != b->truncated)
		return false;
	if (unlikely(sought->frame))
		return memcmp(stack->frame, sought->frame, b->frames * sizeof(stack->frame[0])) == 0;
	/* A frame of a module that is gone is equal to no address. */
	for (uint32_t i = 0; i < b->frames; i++)
		if (!modules_holds(stack->frame[i], b->pc[i]))
			return false;
	return true;
}

/* While something is being unloaded it is not known which modules are gone. So return addresses are
 * made frames of what lies there now. */
static APART uint32_t look_up_frames(const struct backtrace *b, uint64_t hash)
{
	uint64_t frame[TRACE_FRAMES_MAX];
	struct sought sought = { b, frame, 0 };

	if (!modules_frames(b->pc, frame, b->frames, false))
		return 0;
	return index_find(&index_of_stacks, hash, is_it, &sought);
}

static uint32_t look_up(const struct backtrace *b, uint64_t hash)
{
	struct sought sought = { b, NULL, 0 };

	if (unlikely(images_is_unloading(images_epoch())))
		return look_up_frames(b, hash);
	return index_find(&index_of_stacks, hash, is_it, &sought);
}

/* Other threads may store the same one meanwhile. From then on all have the one that is found first, as
 * a rule the one that was added first, and nobody refers to the others. */
static uint32_t publish(const struct backtrace *b, uint64_t hash, struct trace_stack *stack)
{
	struct sought sought = { b, stack->frame, chunks_reference(stack) };

	log_commit(stack);
	return index_add(&index_of_stacks, hash, sought.reference)
		       ? index_find(&index_of_stacks, hash, is_it, &sought)
		       : sought.reference;
}

/* Under the cold lock, or without: then it is only stored if nothing new is needed for it. Where it goes
 * on under the lock, its place may stay unused. */
static uint32_t store(const struct backtrace *b, uint64_t hash, bool is_locked)
{
	size_t bytes = sizeof(struct trace_stack) + b->frames * sizeof(uint64_t);
	struct trace_stack *stack = is_locked ? log_begin(TRACE_RECORD_STACK, bytes)
					      : log_begin_here(TRACE_RECORD_STACK, bytes);

	if (!stack || !modules_frames(b->pc, stack->frame, b->frames, is_locked))
		return 0;
	stack->frames = b->frames;
	stack->flags = b->truncated ? TRACE_STACK_TRUNCATED : 0;
	return publish(b, hash, stack);
}

/* Another thread may have stored it while this one waited. */
static APART uint32_t store_under_lock(const struct backtrace *b, uint64_t hash)
{
	uint32_t reference = 0;

	if (!chunks_may_ask(&refusal) || !lock_take(LOCK_COLD))
		return 0;
	reference = look_up(b, hash);
	if (!reference)
		reference = store(b, hash, true);
	chunks_note_answer(&refusal, reference != 0);
	lock_release(LOCK_COLD);
	return reference;
}

uint32_t stacks_find(const struct backtrace *b)
{
	uint64_t hash = hash_of(b->pc, b->frames);
	uint32_t reference = look_up(b, hash);

	if (!reference)
		reference = store(b, hash, false);
	if (unlikely(!reference))
		reference = store_under_lock(b, hash);
	if (unlikely(!reference))
		trace_lose(TRACE_LOST_STACKS);
	return reference;
}

bool stacks_are_alike(uint32_t one, uint32_t other)
{
	const struct trace_stack *a = chunks_at(one), *b = chunks_at(other);
	uint32_t frames = __atomic_load_n(&a->frames, __ATOMIC_RELAXED);

	return one == other ||
	       (frames <= TRACE_FRAMES_MAX && b->frames == frames && a->flags == b->flags &&
		memcmp(a->frame, b->frame, frames * sizeof(a->frame[0])) == 0);
}

void stacks_prepare(void)
{
	index_prepare(&index_of_stacks);
}

void stacks_reset(void)
{
	index_clear(&index_of_stacks);
	refusal.asked = 0;
}

static uint64_t address_of(uint64_t frame)
{
	return images_base[frame >> TRACE_FRAME_OFFSET_BITS] +
	       (frame & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1));
}

uint32_t stacks_copy(const struct trace_stack *old)
{
	struct backtrace b = { .frames = old->frames };
	struct trace_stack *stack;

	if (old->frames > TRACE_FRAMES_MAX ||
	    sizeof(*old) + old->frames * sizeof(old->frame[0]) > old->head.bytes)
		return 0;
	for (uint32_t i = 0; i < old->frames; i++) {
		uint32_t id = old->frame[i] >> TRACE_FRAME_OFFSET_BITS;

		/* The parent has defined it since the fork. */
		if (id && !modules_is_defined(id))
			return 0;
		b.pc[i] = address_of(old->frame[i]);
	}
	stack = log_begin(TRACE_RECORD_STACK, old->head.bytes);
	if (!stack)
		return 0;
	stack->frames = old->frames;
	stack->flags = old->flags;
	memcpy(stack->frame, old->frame, old->frames * sizeof(old->frame[0]));
	log_commit(stack);
	index_add(&index_of_stacks, hash_of(b.pc, b.frames), chunks_reference(stack));
	return chunks_reference(stack);
}
