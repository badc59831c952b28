/* SPDX-License-Identifier: MIT */
/*
 * The sentence of a finding: says in plain words what happened. It names source lines by the base
 * name of the file, so that it is the same wherever the sources are.
 *
 * To add a kind: a function in message.c that writes its sentence, and its row in `sentences`.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_MESSAGE_H
#define LSATRACE_VIEWER_FINDINGS_MESSAGE_H

#include "viewer/findings/finding.h"

struct buffer;

/* What a finding is to the baseline: "new", "grown" or "known"; "" if there is none. */
const char *message_baseline(const struct finding *finding);

/* Appends "KIND", or "KIND/REASON". */
void message_write_kind(struct buffer *b, const struct finding *finding);

/* Words for documents. NULL: it is no leak; what points to it is unknown. */
const char *message_leak_class(const struct finding *finding);
const char *message_reachability(const struct finding *finding);

/* Returns the sentence as plain text, without the counts, for the caller to free. Never NULL. */
char *message_make(const struct finding *finding, const struct findings_namer *namer);

#endif
