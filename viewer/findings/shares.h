/* SPDX-License-Identifier: MIT */
/*
 * How the occurrences of each finding are spread over several traces. Findings have numbers from 0.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_SHARES_H
#define LSATRACE_VIEWER_FINDINGS_SHARES_H

#include <stddef.h>
#include <stdint.h>

struct finding_share;
struct findings_shares;

/* For at most `most` findings. Never NULL. */
struct findings_shares *shares_new(size_t most);
/* Accepts NULL. */
void shares_free(struct findings_shares *s);

/* Adds occurrences to a finding. Numbers of traces must not descend from call to call. */
void shares_add(struct findings_shares *s, size_t finding, uint32_t trace, uint64_t count);

/* Returns what each trace has of a finding, in the order of the traces, and their number. It is valid
 * until the next call. */
const struct finding_share *shares_list(struct findings_shares *s, size_t finding, size_t *count);

#endif
