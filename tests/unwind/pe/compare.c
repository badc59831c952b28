/* SPDX-License-Identifier: MIT */
/*
 * Compares the stacks of a trace with what Windows' own unwinder found at the same calls (log.h):
 *	compare TRACE LOG
 * Prints "N compared, N differ, N frames, N crossings, N faults": crossings of other code than that of PE images,
 * and faults on whose handler's stack a call was made. The status is 1 if any differ, or if there is not
 * one stack of the trace for each one of the log.
 */
#include <stdio.h>
#include <stdlib.h>

#include "include/trace_format.h"
#include "tests/unwind/pe/log.h"
#include "viewer/read/reader.h"
#include "viewer/read/timeline.h"

enum { MODULES = 65536 };

/* By id; 0: not a PE image. */
static uint64_t bases[MODULES];

static struct log_head head;
static unsigned long compared, differences, frames, crossings, faults;

static void find_modules(const struct reader *r)
{
	struct reader_cursor cursor = { 0 };
	const struct trace_record *record;

	while ((record = reader_next_record(r, &cursor))) {
		const struct trace_module *module = (const struct trace_module *)record;

		if (record->type == TRACE_RECORD_MODULE && module->kind == TRACE_MODULE_PE)
			bases[module->id % MODULES] = module->base;
	}
}

/* The mark of a stack without its innermost frame. */
static struct log_mark mark_of(const struct trace_stack *stack)
{
	struct log_mark mark = { 0 };

	for (uint32_t i = 1; i < stack->frames; i++) {
		uint64_t base = bases[stack->frame[i] >> TRACE_FRAME_OFFSET_BITS];
		uint64_t offset = stack->frame[i] & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1);

		if (!base)
			continue;
		faults += log_holds(&head.fault, base + offset);
		mark.mark = log_add(&head, mark.mark, base + offset);
		mark.frames++;
	}
	return mark;
}

static void print_stack(const struct trace_stack *stack)
{
	for (uint32_t i = 0; stack && i < stack->frames; i++)
		printf(" %u+%#lx", (unsigned)(stack->frame[i] >> TRACE_FRAME_OFFSET_BITS),
		       (unsigned long)(stack->frame[i] & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1)));
	printf("\n");
}

static void compare(const struct trace_stack *stack, const struct log_mark *expected)
{
	struct log_mark found = { 0 };

	if (stack)
		found = mark_of(stack);
	compared++;
	frames += expected->frames;
	crossings += expected->crossings;
	if (found.mark == expected->mark && found.frames == expected->frames)
		return;
	if (differences++ < 3) {
		printf("call %lu: %u frames, not %u:", compared, found.frames, expected->frames);
		print_stack(stack);
	}
}

/* Only calls by touch() are in the log. Returns false if the log ends before the trace. */
static bool compare_all(const struct reader *r, FILE *marks)
{
	struct timeline *timeline = timeline_new(r);
	const struct trace_event *event;
	struct log_mark mark = { 0 };
	struct trouble trouble;
	bool is_second = false, is_whole = true;

	while (is_whole && (event = timeline_next(timeline, &trouble))) {
		if (!log_holds(&head.touch, event->caller))
			continue;
		if (!is_second)
			is_whole = fread(&mark, sizeof(mark), 1, marks) == 1;
		is_second = !is_second;
		if (is_whole)
			compare(event->stack ? reader_stack(r, event->stack) : NULL, &mark);
	}
	timeline_free(timeline);
	return is_whole && !is_second && fread(&mark, sizeof(mark), 1, marks) == 0;
}

int main(int argc, char **argv)
{
	struct trouble trouble = { 0 };
	struct reader *r = argc == 3 ? reader_open(argv[1], NULL, &trouble) : NULL;
	FILE *marks = argc == 3 ? fopen(argv[2], "rb") : NULL;
	bool is_whole;

	if (!r || !marks || fread(&head, sizeof(head), 1, marks) != 1) {
		fprintf(stderr, "%s: %s\n", argc == 3 ? argv[1] : "usage", trouble.text);
		return 2;
	}
	find_modules(r);
	is_whole = compare_all(r, marks);
	printf("%lu compared, %lu differ, %lu frames, %lu crossings, %lu faults%s\n", compared,
	       differences, frames, crossings, faults, is_whole ? "" : ", not one for each");
	reader_close(r);
	fclose(marks);
	return differences > 0 || !is_whole;
}
