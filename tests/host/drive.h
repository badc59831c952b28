/* SPDX-License-Identifier: MIT */
#ifndef HOST_DRIVE_H
#define HOST_DRIVE_H

/*
 * Calls each usable package from each thread, and from forked children while the threads run.
 * Prints the results in a fixed order after all have ended.
 */

#include "loader.h"
#include "options.h"

void drive(const struct packages *packages, const struct options *options);

#endif
