/* SPDX-License-Identifier: MIT */
/*
 * Why an event is a finding. An event has the kind of its finding, and not the reason: that is known from
 * the finding of this kind which was made by a call of the same function with the same backtrace. If there
 * are several with different reasons, only the first occurrence of each is told from the others.
 *
 * Safe from any thread, but for making and freeing.
 */
#ifndef LSATRACE_VIEWER_MODEL_VERDICTS_H
#define LSATRACE_VIEWER_MODEL_VERDICTS_H

#include <stdint.h>

#include "include/trace_format.h"

struct model;
struct verdicts;

/* The model must outlive the result. Never NULL. */
struct verdicts *verdicts_new(const struct model *model);
/* Accepts NULL. */
void verdicts_free(struct verdicts *v);

/* Returns the reasons that are possible for an event, in bits by enum trace_reason. That of
 * TRACE_REASON_NONE is set if nothing is known, and if the kind has no reasons. Never 0. */
uint32_t verdicts_reasons(const struct verdicts *v, const struct trace_event *event);
/* Returns the reason, or TRACE_REASON_NONE if it is not known, or there is none. */
enum trace_reason verdicts_reason(const struct verdicts *v, const struct trace_event *event);

#endif
