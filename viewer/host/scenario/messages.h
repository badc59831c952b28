/* SPDX-License-Identifier: MIT */
/* The client's half of packages: contexts there, messages, and what packages convert. It is called in the host's process,
 * as if the client were there. */
#ifndef LSATRACE_HOST_SCENARIO_MESSAGES_H
#define LSATRACE_HOST_SCENARIO_MESSAGES_H

#include "viewer/host/scenario/verbs.h"

/* Has the package make the client's context of some data. */
void messages_map_context(const struct verb_call *call, const struct thing *context,
			  const void *data, ULONG bytes);

#endif
