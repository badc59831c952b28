/* SPDX-License-Identifier: MIT */
/* The options of this process: LSATRACE_OPTIONS, read once at start-up and constant from then
 * on. The options themselves are described in include/options.h. */
#ifndef LSATRACE_PRELOAD_BASE_CONFIG_H
#define LSATRACE_PRELOAD_BASE_CONFIG_H

#include "include/options.h"

/* All zero until config_init(). */
extern const struct options *const config;

/* Reads the environment. For each option that is wrong, one line on standard error says so, and
 * its default stays. */
void config_init(void);

#endif
