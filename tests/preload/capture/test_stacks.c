/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"
#include "preload/capture/modules.h"
#include "preload/capture/stacks.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"
#include "preload/life/inherit.h"
#include "tests/support/preload_fixture.h"

#define OFFSET_MASK ((1ull << TRACE_FRAME_OFFSET_BITS) - 1)

static void start(void)
{
	preload_start(4 << 20);
}

TestSuite(stacks, .init = start);

/* Return addresses as there might be: what lies there does not matter, only in which module. */
static uint64_t here(uint64_t offset)
{
	return (uint64_t)(uintptr_t)&here + 1 + offset;
}

static uint64_t in_libc(void)
{
	return (uint64_t)(uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version") + 1;
}

static struct backtrace backtrace_of(uint32_t frames, uint64_t first)
{
	struct backtrace b = { .frames = frames };

	for (uint32_t i = 0; i < frames; i++)
		b.pc[i] = here(first + i);
	return b;
}

static const struct trace_stack *stored(uint32_t reference)
{
	return chunks_at(reference);
}

static unsigned count(void)
{
	struct trace_record *record = NULL;
	unsigned number = 0;

	while ((record = preload_next_record(record)) != NULL)
		number += record->type == TRACE_RECORD_STACK;
	return number;
}

static const struct trace_module *module_of(uint64_t frame)
{
	struct trace_record *record = NULL;

	while ((record = preload_next_record(record)) != NULL)
		if (record->type == TRACE_RECORD_MODULE &&
		    ((struct trace_module *)record)->id == frame >> TRACE_FRAME_OFFSET_BITS)
			return (struct trace_module *)record;
	return NULL;
}

Test(stacks, equal_backtraces_are_one)
{
	struct backtrace one = backtrace_of(10, 0), other = backtrace_of(10, 0);
	uint32_t reference = stacks_find(&one);

	cr_assert_neq(reference, 0);
	cr_assert_eq(stacks_find(&other), reference);
	cr_assert_eq(count(), 1);
}

Test(stacks, backtraces_that_differ_anywhere_are_distinct)
{
	struct backtrace b[6];
	uint32_t reference[6];

	for (int i = 0; i < 6; i++)
		b[i] = backtrace_of(10, 0);
	b[1].pc[0]++;
	b[2].pc[9]++;
	b[3].frames = 9;
	b[4].truncated = true;
	b[5].pc[0] = b[0].pc[1], b[5].pc[1] = b[0].pc[0];
	for (int i = 0; i < 6; i++) {
		reference[i] = stacks_find(&b[i]);
		for (int earlier = 0; earlier < i; earlier++)
			cr_assert_neq(reference[i], reference[earlier], "%d, %d", i, earlier);
	}
	cr_assert_eq(count(), 6);
}

Test(stacks, a_frame_is_module_and_offset)
{
	struct backtrace b = { .frames = 2, .pc = { here(0), in_libc() } };
	const struct trace_stack *stack = stored(stacks_find(&b));
	const struct trace_module *own = module_of(stack->frame[0]),
				  *libc = module_of(stack->frame[1]);

	cr_assert_eq(stack->frames, 2);
	cr_assert_neq(own, libc);
	cr_assert_eq(own->base + (stack->frame[0] & OFFSET_MASK), here(0));
	cr_assert_eq(libc->base + (stack->frame[1] & OFFSET_MASK), in_libc());
	cr_assert(own->start <= here(0) && here(0) <= own->end);
	cr_assert(libc->start <= in_libc() && in_libc() <= libc->end);
	cr_assert_not_null(memmem(libc->path, libc->path_bytes, "libc.so", 7));
}

/* A call at the very end of a module returns to the next byte: the call is what counts. */
Test(stacks, a_frame_belongs_to_the_module_of_its_call)
{
	struct backtrace b = backtrace_of(1, 0);
	const struct trace_module *own = module_of(stored(stacks_find(&b))->frame[0]);
	uint64_t frame;

	b.pc[0] = own->end;
	frame = stored(stacks_find(&b))->frame[0];
	cr_assert_eq(frame >> TRACE_FRAME_OFFSET_BITS, own->id);
	cr_assert_eq(own->base + (frame & OFFSET_MASK), own->end);
}

Test(stacks, a_frame_of_no_module_is_the_address_itself)
{
	struct backtrace b = { .frames = 1, .pc = { 0x1234 } };
	uint32_t reference = stacks_find(&b);

	cr_assert_eq(stored(reference)->frame[0], 0x1234);
	cr_assert_eq(stacks_find(&b), reference);
}

/* What an unwinder comes upon where there is no unwind information. */
Test(stacks, an_address_beyond_48_bits_is_stored_once)
{
	struct backtrace b = { .frames = 2, .pc = { here(0), 0xffffffffff600000 } };
	uint32_t reference = stacks_find(&b);

	cr_assert_neq(reference, 0);
	cr_assert_eq(stacks_find(&b), reference);
	cr_assert_eq(count(), 1);
}

Test(stacks, a_backtrace_that_was_cut_off_says_so)
{
	struct backtrace whole = backtrace_of(3, 0), cut_off = backtrace_of(3, 0);

	cut_off.truncated = true;
	cr_assert_eq(stored(stacks_find(&whole))->flags, 0);
	cr_assert_eq(stored(stacks_find(&cut_off))->flags, TRACE_STACK_TRUNCATED);
	cr_assert_eq(stacks_find(&cut_off), stacks_find(&cut_off));
}

Test(stacks, the_deepest_backtrace_fits)
{
	struct backtrace b = backtrace_of(TRACE_FRAMES_MAX, 0);
	uint32_t reference = stacks_find(&b);

	cr_assert_eq(stored(reference)->frames, TRACE_FRAMES_MAX);
	cr_assert_eq(stacks_find(&b), reference);
	b.pc[TRACE_FRAMES_MAX - 1]++;
	cr_assert_neq(stacks_find(&b), reference);
}

Test(stacks, thousands_are_kept_apart)
{
	enum { MANY = 10000 };
	static uint32_t references[MANY];

	preload_start_anew(64 << 20);
	for (uint32_t i = 0; i < MANY; i++) {
		struct backtrace b = backtrace_of(2 + i % 5, i);

		references[i] = stacks_find(&b);
		cr_assert_eq(stored(references[i])->frame[0] & OFFSET_MASK,
			     here(i) - module_of(stored(references[0])->frame[0])->base);
	}
	cr_assert_eq(count(), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		struct backtrace b = backtrace_of(2 + i % 5, i);

		cr_assert_eq(stacks_find(&b), references[i]);
	}
}

enum { THREADS = 8, EACH = 3000, SHARED = 1000, FRAMES = 5, TWICE_MOST = 20 };

/* What the threads were given, in memory that a child shares. */
static uint32_t (*given)[EACH];

/* The stack that a thread asks for: each third one is asked for by all at about the same time. */
static struct backtrace asked_for(uint32_t thread, uint32_t i)
{
	return backtrace_of(FRAMES, i % 3 == 0 ? i / 3 : SHARED + FRAMES + thread * EACH + i);
}

static void *find_all(void *number)
{
	uint32_t thread = (uint32_t)(uintptr_t)number;

	for (uint32_t i = 0; i < EACH; i++) {
		struct backtrace b = asked_for(thread, i);

		__atomic_store_n(&given[thread][i], stacks_find(&b), __ATOMIC_RELEASE);
	}
	return NULL;
}

/* Does a reader, who goes from record to record, come to a stack, and is it the one that was asked for? */
static bool is_stored(const char *file, uint32_t reference, const struct backtrace *b)
{
	uint64_t place = (uint64_t)reference * TRACE_GRANULE;
	const struct trace_stack *stack = (const struct trace_stack *)(file + place);
	uint64_t at = place / TRACE_CHUNK_BYTES * TRACE_CHUNK_BYTES + TRACE_CHUNK_HEADER_BYTES;

	while (at < place) {
		const struct trace_stack *other = (const struct trace_stack *)(file + at);

		at += other->head.bytes ? other->head.bytes : TRACE_GRANULE;
		if (other->head.type == TRACE_RECORD_STACK && other->head.committed &&
		    other->frames != FRAMES)
			return false;
	}
	if (at != place || !stack->head.committed || stack->head.type != TRACE_RECORD_STACK ||
	    stack->frames != b->frames)
		return false;
	for (uint32_t i = 0; i < b->frames; i++)
		if (!modules_holds(stack->frame[i], b->pc[i]))
			return false;
	return true;
}

/* Returns how many the threads were given. */
static unsigned check_given(const char *file)
{
	unsigned number = 0, twice = 0;

	for (uint32_t i = 0; i < EACH; i++) {
		uint32_t shared = 0;

		for (uint32_t thread = 0; thread < THREADS; thread++) {
			struct backtrace b = asked_for(thread, i);
			uint32_t reference = given[thread][i];

			if (!reference)
				continue;
			number++;
			cr_assert(is_stored(file, reference, &b), "thread %u, stack %u", thread, i);
			twice += i % 3 == 0 && shared && shared != reference;
			shared = reference;
		}
	}
	/* A thread was stopped where it was about to store it, until a level of the index was full. */
	cr_expect_leq(twice, TWICE_MOST);
	return number;
}

static void share_given(void)
{
	given = mmap(NULL, THREADS * sizeof(*given), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(given, MAP_FAILED);
}

Test(stacks, threads_that_find_the_same_get_the_same_nearly_always)
{
	share_given();
	preload_start_anew(64 << 20);
	preload_run_threads(THREADS, find_all);
	cr_assert_eq(check_given((const char *)trace_header), THREADS * EACH);
	cr_assert_eq(trace_header->lost[TRACE_LOST_STACKS], 0);
}

/* The process is killed while its threads store stacks. Here, its file is mapped as far as it goes. */
Test(stacks, what_was_given_out_is_in_the_file_of_a_process_that_was_killed, .timeout = 60)
{
	enum { KILLS = 50, FILE_BYTES = 64 << 20 };
	unsigned number = 0;

	share_given();
	for (unsigned i = 0; i < KILLS; i++) {
		struct backtrace first = backtrace_of(FRAMES, 0);
		const char *file;
		pid_t child;

		memset(given, 0, THREADS * sizeof(*given));
		preload_start_anew(FILE_BYTES);
		cr_assert_neq(stacks_find(&first), 0, "its module is defined");
		child = fork();
		cr_assert_geq(child, 0);
		if (child == 0) {
			preload_run_threads(THREADS, find_all);
			_exit(0);
		}
		usleep(200 + i * 97 % 40 * 100);
		kill(child, SIGKILL);
		cr_assert_eq(waitpid(child, NULL, 0), child);
		file = mmap(NULL, FILE_BYTES, PROT_READ, MAP_SHARED, preload_file(), 0);
		cr_assert_neq(file, MAP_FAILED);
		number += check_given(file);
		munmap((void *)(uintptr_t)file, FILE_BYTES);
	}
	cr_assert_gt(number, 1000);
	cr_assert_lt(number, KILLS * THREADS * EACH, "none was killed");
}

enum { MANY = 2000 };

/* More than there is room for. Returns the last one. */
static struct backtrace fill_up(void)
{
	struct backtrace b = { 0 };

	preload_start_anew(256 << 10);
	for (uint32_t i = 0; i < MANY; i++) {
		b = backtrace_of(64, i);
		stacks_find(&b);
	}
	return b;
}

Test(stacks, what_the_file_has_no_room_for_is_counted)
{
	struct backtrace b = fill_up();

	cr_assert_eq(stacks_find(&b), 0);
	cr_assert_gt(count(), 200);
	cr_assert_eq(trace_header->lost[TRACE_LOST_STACKS], MANY + 1 - count());
	b = backtrace_of(64, 0);
	cr_assert_neq(stacks_find(&b), 0, "what is there is found still");
}

/* Each would wait for the cold lock, for a second. */
Test(stacks, where_there_is_no_room_calls_do_not_ask_for_it_over_and_over, .timeout = 60)
{
	struct backtrace b = fill_up();

	process_page->lock[LOCK_COLD].state = 1;
	for (uint32_t i = 0; i < MANY; i++)
		cr_expect_eq(stacks_find(&b), 0);
	process_page->lock[LOCK_COLD].state = 0;
	cr_assert_eq(trace_header->lost[TRACE_LOST_STACKS], 2 * MANY - count());
}

Test(stacks, a_forked_child_takes_them_over)
{
	struct backtrace b = backtrace_of(5, 0), never = backtrace_of(5, 1);
	struct trace_stack *old = malloc(sizeof(*old) + 6 * sizeof(uint64_t));
	const struct trace_stack *stack;
	uint32_t reference;

	b.truncated = true;
	stack = stored(stacks_find(&b));
	memcpy(old, stack, stack->head.bytes);
	preload_start_anew(4 << 20);
	reference = stacks_copy(old);
	cr_assert_neq(reference, 0);
	cr_assert_eq(memcmp(chunks_at(reference), old, old->head.bytes), 0);
	cr_assert_eq(stacks_find(&b), reference);
	cr_assert_neq(stacks_find(&never), reference);
	free(old);
}

/* At the fork, a thread of the parent had taken a place in the log, and not yet written to it; another
 * one only its length. */
Test(stacks, a_forked_child_takes_over_what_lies_behind_a_place_that_was_just_taken)
{
	struct backtrace before = backtrace_of(5, 0), behind = backtrace_of(5, 1);
	struct inheritance inheritance;
	struct trace_record *record;

	cr_assert_neq(stacks_find(&before), 0);
	record = log_begin_here(TRACE_RECORD_STACK, 200);
	memset(record, 0, sizeof(*record));
	log_begin_here(TRACE_RECORD_STACK, 200);
	cr_assert_neq(stacks_find(&behind), 0);
	inherit_begin(&inheritance);
	preload_start_anew(4 << 20);
	inherit_all(&inheritance);
	inherit_end(&inheritance);
	cr_assert_eq(count(), 2);
	cr_assert_eq(trace_header->lost[TRACE_LOST_STACKS], 0);
	cr_assert_neq(stacks_find(&before), 0);
	cr_assert_neq(stacks_find(&behind), 0);
	cr_assert_eq(count(), 2, "they are known");
}

#define TWIN_ONE BUILD_DIR "/tests/packages/twin_one.so"
#define TWIN_TWO BUILD_DIR "/tests/packages/twin_two.so"

static struct backtrace backtrace_in(void *library)
{
	uint64_t code = (uint64_t)(uintptr_t)dlsym(library, "SpLsaModeInitialize");

	return (struct backtrace){ .frames = 2, .pc = { code + 1, code + 2 } };
}

/* By its return addresses, the second one is the first. */
Test(stacks, while_a_module_goes_one_in_its_place_is_told_from_it)
{
	void *library = dlopen(TWIN_ONE, RTLD_NOW);
	struct backtrace one = backtrace_in(library), two;
	uint32_t first = stacks_find(&one), second;

	images_unload_begins();
	cr_expect_eq(stacks_find(&one), first, "it is there still");
	dlclose(library);
	library = dlopen(TWIN_TWO, RTLD_NOW);
	two = backtrace_in(library);
	if (two.pc[0] != one.pc[0])
		cr_log_warn("the loader has put it elsewhere");
	second = stacks_find(&two);
	cr_expect_neq(second, first);
	cr_expect_eq(stacks_find(&two), second);
	images_unload_ends(images_find_unloaded());
	cr_expect_eq(stacks_find(&two), second);
	cr_expect_neq(stored(first)->frame[0] >> TRACE_FRAME_OFFSET_BITS,
		      stored(second)->frame[0] >> TRACE_FRAME_OFFSET_BITS);
}
