/* SPDX-License-Identifier: MIT */
/*
 * Says whose functions the packages called where they were not the host's. Pure.
 */
#ifndef LSATRACE_VIEWER_MODEL_ALLOCATORS_H
#define LSATRACE_VIEWER_MODEL_ALLOCATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "viewer/base/buffer.h"
#include "viewer/model/model.h"

/* A line for each family and reason, with its packages; nothing if all were the host's. */
void allocators_write(struct buffer *to, const struct model *m);

/* Was any family of a package not the host's? */
bool allocators_are_embedded(const struct model *m, uint32_t package);

#endif
