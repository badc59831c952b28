/* SPDX-License-Identifier: MIT */
/*
 * The format `baseline`: what --baseline takes (viewer/gate/baseline.h), with all that was found; of a sweep, also how
 * runs ended badly.
 */
#include "viewer/gate/baseline.h"

#include "viewer/findings/findings.h"
#include "viewer/report/report.h"
#include "viewer/sites/endings.h"
#include "viewer/sites/results.h"

void report_write_baseline(const struct report *report, struct buffer *out)
{
	struct findings *f = report->findings;
	struct baseline *b = baseline_new();

	if (!f->is_exact || report->offsets || !results_are_whole(report->sweep))
		baseline_set_inexact(b);
	for (size_t i = 0; i < f->shown; i++) {
		const struct finding *finding = findings_get(f, i);

		baseline_add(b, finding, finding->count, &f->namer);
	}
	endings_add(report->sweep, b);
	baseline_write(b, out);
	baseline_free(b);
}
