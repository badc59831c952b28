/* SPDX-License-Identifier: MIT */
/* The table of findings, on terminals of several widths. */
#include <criterion/criterion.h>

#include <string.h>

#include "tests/support/trace_builder.h"
#include "viewer/base/buffer.h"
#include "viewer/base/progress.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/model/model.h"
#include "viewer/read/trouble.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/frames.h"
#include "viewer/view/layout.h"
#include "viewer/view/selection.h"
#include "viewer/view/table.h"

#define PACKAGE "a_package_of_long_name"
#define KIND "mismatched-free/wrong-deallocator"

struct sample {
	struct trace_builder *builder;
	struct model *model;
	struct symbols *symbols;
	struct findings *findings;
};

/* Wrong frees at two places of the package, the second one perhaps of another kind. */
static struct sample sample_new(uint64_t first, uint64_t second, enum trace_kind kind)
{
	struct sample s = { .builder = trace_builder_new(), .symbols = symbols_new(NULL) };
	struct progress progress = { 0 };
	struct trouble trouble;

	trace_builder_module(s.builder, 1, "/p/package_file.so", 0x10000, NULL);
	trace_builder_package(s.builder, 0, PACKAGE, 1, 1);
	for (unsigned i = 0; i < 2; i++)
		trace_builder_finding(
			s.builder,
			(struct trace_finding){ .kind = i ? kind : TRACE_KIND_MISMATCHED_FREE,
						.reason = i && kind == TRACE_KIND_DOUBLE_FREE
								  ? TRACE_REASON_NONE
								  : TRACE_REASON_WRONG_DEALLOCATOR,
						.family = FAMILY_LSA_HEAP,
						.function = SLOT_FreePrivateHeap,
						.count = 1000,
						.bytes = 1 << 20,
						.stack = { trace_builder_place(
							s.builder, 1, i ? second : first) } });
	s.model = model_open(trace_builder_write(s.builder), &progress, &trouble);
	cr_assert(s.model, "%s", trouble.text);
	s.findings = findings_new(&s.model, 1, findings_name_by(s.symbols), NULL);
	return s;
}

static void sample_release(struct sample *s)
{
	findings_free(s->findings);
	symbols_free(s->symbols);
	model_close(s->model);
	trace_builder_free(s->builder);
}

/* Returns the longest line. */
static size_t measure(const char *text)
{
	size_t most = 0;

	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		size_t columns = layout_columns(line, strcspn(line, "\n"));

		most = columns > most ? columns : most;
	}
	return most;
}

static void expect_whole(const char *text, unsigned width)
{
	cr_expect_leq(measure(text), width, "%u: %s", width, text);
	cr_expect(strstr(text, KIND), "%u: %s", width, text);
	cr_expect(strstr(text, "package_file.so+0x456"), "%u: %s", width, text);
}

Test(table, loses_neither_reason_nor_place_on_a_narrow_terminal)
{
	const struct selection all = { 0 };
	const struct frames_style style = { .indent = "" };
	struct sample s = sample_new(0x456, 0x789, TRACE_KIND_MISMATCHED_FREE);

	for (unsigned width = 60; width <= 120; width++) {
		struct buffer b = { .width = width };

		table_write(&b, &style, s.findings, &all);
		expect_whole(b.data, width);
		/* A long name of a package does not push the rest out of the line. */
		cr_expect_eq(strstr(b.data, KIND "  1,000  1.0 MiB  package_file.so+0x456") != NULL,
			     width >= 91, "%u: %s", width, b.data);
		buffer_release(&b);
	}
	sample_release(&s);
}

Test(table, of_changes_has_what_is_new_and_what_is_gone)
{
	const struct frames_style style = { .indent = "" };
	struct sample old = sample_new(0x456, 0x123, TRACE_KIND_DOUBLE_FREE),
		      new = sample_new(0x456, 0x789, TRACE_KIND_MISMATCHED_FREE);
	struct baseline *baseline = baseline_new();

	for (size_t i = 0; i < old.findings->count; i++)
		baseline_add(baseline, findings_get(old.findings, i), 1000, &old.findings->namer);
	baseline_apply(baseline, new.findings);
	for (unsigned width = 0; width <= 120; width += 60) {
		struct buffer b = { .width = width };

		table_write_changes(&b, &style, new.findings, baseline);
		cr_assert(b.data);
		cr_expect(strstr(b.data, "new"), "%s", b.data);
		cr_expect(strstr(b.data, "package_file.so+0x789"), "%s", b.data);
		cr_expect(strstr(b.data, "gone"), "%s", b.data);
		cr_expect(strstr(b.data, "? (package_file.so)"), "%s", b.data);
		cr_expect_null(strstr(b.data, " \n"), "%s", b.data);
		cr_expect_null(strstr(b.data, "0x456"), "%s", b.data);
		cr_expect(!width || measure(b.data) <= width, "%u: %s", width, b.data);
		buffer_release(&b);
	}
	baseline_free(baseline);
	sample_release(&old);
	sample_release(&new);
}

Test(table, of_changes_is_nothing_without_a_change)
{
	const struct frames_style style = { .indent = "" };
	struct sample s = sample_new(0x456, 0x789, TRACE_KIND_MISMATCHED_FREE);
	struct baseline *baseline = baseline_new();
	struct buffer b = { 0 };

	for (size_t i = 0; i < s.findings->count; i++)
		baseline_add(baseline, findings_get(s.findings, i), 1000, &s.findings->namer);
	baseline_apply(baseline, s.findings);
	table_write_changes(&b, &style, s.findings, baseline);
	cr_expect_eq(b.used, 0, "%s", b.data);
	baseline_free(baseline);
	sample_release(&s);
}
