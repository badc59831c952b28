/* SPDX-License-Identifier: MIT */
#ifndef HOST_DRIVE_H
#define HOST_DRIVE_H

/*
 * Calls every usable package from every thread, and from forked children while the threads run.
 * The results are printed in a fixed order when all are back.
 */

#include "loader.h"
#include "options.h"

void drive(const struct packages *packages, const struct options *options);

#endif
