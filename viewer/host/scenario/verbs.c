/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/verbs.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/site.h"

static bool has_expectation(const struct verb_call *call)
{
	return step_text(call->step, "expect") || step_text(call->step, "until");
}

void verb_is_missing(const struct verb_call *call, const char *entry)
{
	struct site outer = site_enter(call->package->name, entry);

	if (has_expectation(call))
		fault_tell("the package has no such entry point");
	site_leave(&outer);
}

void verb_lacks(const struct verb_call *call, const char *what)
{
	struct site outer = site_enter(call->package->name, what);

	if (has_expectation(call))
		fault_tell_unexpected("the package has given out none");
	site_leave(&outer);
}

void verb_expect(const struct verb_call *call, const char *entry, const char *key, NTSTATUS status)
{
	const char *text = step_text(call->step, key);
	struct site outer;
	bool is_right;

	if (!text)
		return;
	if (strcmp(text, "success") == 0)
		is_right = NT_SUCCESS(status);
	else if (strcmp(text, "failure") == 0)
		is_right = !NT_SUCCESS(status);
	else
		is_right = (uint32_t)strtoull(text, NULL, 0) == (uint32_t)status;
	outer = site_enter(call->package->name, entry);
	if (!is_right)
		fault_tell_unexpected("%s is 0x%08x, and not %s as expected",
				      strcmp(key, "expect") == 0 ? "the status" : key,
				      (unsigned)status, text);
	site_leave(&outer);
}

void verb_data_begin(struct verb_data *d, const struct verb_call *call, const char *key,
		     const char *otherwise)
{
	const char *text = step_text(call->step, key);

	*d = (struct verb_data){ 0 };
	text = text ? text : otherwise;
	if (!text || data_read(&d->data, text, call->steps->file, false))
		return;
	d->submission.base = client_allocate(call->client, d->data.length);
	data_place(&d->data, d->submission.base);
	client_write(call->client, d->submission.base, d->data.bytes, d->data.length);
	d->submission.bytes = d->data.bytes;
	d->submission.length = (ULONG)d->data.length;
}

void verb_data_end(struct verb_data *d, const struct verb_call *call)
{
	if (d->submission.base)
		client_free(call->client, d->submission.base);
	data_release(&d->data);
}
