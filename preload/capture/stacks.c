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
};

static bool is_it(uint32_t reference, void *data)
{
	const struct trace_stack *stack = chunks_at(reference);
	const struct sought *sought = data;
	const struct backtrace *b = sought->b;

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

static uint32_t look_up(const struct backtrace *b, const uint64_t *frame, uint64_t hash)
{
	struct sought sought = { b, frame };

	return index_find(&index_of_stacks, hash, is_it, &sought);
}

/* While something is being unloaded it is not known which modules are gone. So return addresses are
 * made frames of what lies there now. */
static APART uint32_t look_up_frames(const struct backtrace *b, uint64_t hash)
{
	uint64_t frame[TRACE_FRAMES_MAX];

	for (uint32_t i = 0; i < b->frames; i++)
		if (!modules_find_frame(b->pc[i], &frame[i]))
			return 0;
	return look_up(b, frame, hash);
}

/* Under the cold lock. */
static uint32_t find_or_store(const struct backtrace *b, uint64_t hash)
{
	static uint64_t frame[TRACE_FRAMES_MAX]; /* stacks may be small */
	struct trace_stack *stack;
	uint32_t reference;

	/* First: a module not seen before is written to the log as well. */
	modules_frames(b->pc, frame, b->frames);
	reference = look_up(b, frame, hash);
	if (reference)
		return reference;
	stack = log_begin(TRACE_RECORD_STACK, sizeof(*stack) + b->frames * sizeof(frame[0]));
	if (!stack)
		return 0;
	stack->frames = b->frames;
	stack->flags = b->truncated ? TRACE_STACK_TRUNCATED : 0;
	memcpy(stack->frame, frame, b->frames * sizeof(frame[0]));
	log_commit(stack);
	reference = chunks_reference(stack);
	index_add(&index_of_stacks, hash, reference);
	return reference;
}

uint32_t stacks_find(const struct backtrace *b)
{
	uint64_t hash = hash_of(b->pc, b->frames);
	uint32_t reference = unlikely(images_is_unloading(images_epoch())) ? look_up_frames(b, hash)
									   : look_up(b, NULL, hash);

	if (likely(reference))
		return reference;
	if (chunks_may_ask(&refusal) && lock_take(LOCK_COLD)) {
		reference = find_or_store(b, hash);
		chunks_note_answer(&refusal, reference != 0);
		lock_release(LOCK_COLD);
	}
	if (!reference)
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
	stack = log_begin(TRACE_RECORD_STACK, old->head.bytes);
	if (!stack)
		return 0;
	stack->frames = old->frames;
	stack->flags = old->flags;
	memcpy(stack->frame, old->frame, old->frames * sizeof(old->frame[0]));
	log_commit(stack);
	for (uint32_t i = 0; i < old->frames; i++)
		b.pc[i] = address_of(old->frame[i]);
	index_add(&index_of_stacks, hash_of(b.pc, b.frames), chunks_reference(stack));
	return chunks_reference(stack);
}
