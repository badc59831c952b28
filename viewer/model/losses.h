/* SPDX-License-Identifier: MIT */
/* The words for what a trace could not keep. Constant data, safe from any thread. */
#ifndef LSATRACE_VIEWER_MODEL_LOSSES_H
#define LSATRACE_VIEWER_MODEL_LOSSES_H

#include "include/trace_format.h"

/* The name of a counter of losses, for JSON; and words for people, to be put after its number. */
const char *losses_name(enum trace_lost what);
const char *losses_words(enum trace_lost what);

#endif
