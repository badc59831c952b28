/* SPDX-License-Identifier: MIT */
#include "viewer/sites/endings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "include/site.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/gate/baseline.h"
#include "viewer/sites/results.h"

/* Of equal ones, the second is "...:2". */
static void identify(struct results *r, struct result *result, struct known *seen)
{
	uint64_t exact = site_word(SITE_START, result->ending), weak = exact, number;
	struct buffer text = { 0 };

	for (unsigned i = 0; i < result->count; i++) {
		const struct failing *f = &result->failing[i];
		const struct site_calls *site = &r->sites.all[f->site];

		exact = site_word(site_word(exact, site->print.exact), f->nth);
		weak = site_word(weak, site->print.weak);
	}
	number = known_add(seen, exact, 1);
	buffer_format(&text, "%016" PRIx64, exact);
	if (number > 1)
		buffer_format(&text, ":%" PRIu64, number);
	result->fingerprint = buffer_take(&text);
	buffer_format(&text, "%016" PRIx64, weak);
	result->fingerprint_weak = buffer_take(&text);
}

/* Its texts are those of the result, but for `words`, which is to be freed. */
static struct baseline_ending make_ending(const struct results *r, const struct result *result)
{
	static const char *const kinds[] = {
		[ENDING_STATUS] = "sweep/status",
		[ENDING_CRASH] = "sweep/crash",
		[ENDING_HANG] = "sweep/hang",
	};
	struct buffer words = { 0 };

	for (unsigned i = 0; i < result->count; i++) {
		const struct site_calls *site = &r->sites.all[result->failing[i].site];

		buffer_text(&words, i ? ", then " : "");
		buffer_plain(&words, site->function);
		buffer_text(&words, " in ");
		buffer_text(&words, site->where);
	}
	return (struct baseline_ending){ .kind = kinds[result->ending],
					 .fingerprint = result->fingerprint,
					 .weak = result->fingerprint_weak,
					 .words = buffer_take(&words) };
}

void endings_compare(struct results *r, struct baseline *b)
{
	struct baseline_ending *all = memory_new(r->count, sizeof(*all));
	struct result **of = memory_new(r->count, sizeof(struct result *));
	struct known seen = { 0 };
	size_t count = 0;

	for (size_t i = 1; i < r->count; i++)
		if (result_is_broken(r, &r->all[i])) {
			identify(r, &r->all[i], &seen);
			of[count] = &r->all[i];
			all[count++] = make_ending(r, &r->all[i]);
		}
	baseline_apply_endings(b, all, count);
	for (size_t i = 0; i < count; i++) {
		of[i]->is_known = all[i].is_known;
		free(all[i].words);
	}
	known_release(&seen);
	free(all);
	free(of);
}

void endings_add(const struct results *r, struct baseline *b)
{
	const struct result *result;

	for (size_t i = 0; (result = results_next_broken(r, &i)) != NULL;) {
		struct baseline_ending ending = make_ending(r, result);

		baseline_add_ending(b, &ending);
		free(ending.words);
	}
}
