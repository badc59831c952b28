/* SPDX-License-Identifier: MIT */
/* LSATRACE_OPTIONS, read once at start-up. Constant from then on. */
#ifndef LSATRACE_PRELOAD_BASE_CONFIG_H
#define LSATRACE_PRELOAD_BASE_CONFIG_H

#include "include/options.h"

extern const struct options *const config;

/* Reads the environment. A bad option is one line on standard error, and the default. */
void config_init(void);

#endif
