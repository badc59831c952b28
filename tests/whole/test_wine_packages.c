/* SPDX-License-Identifier: MIT */
/* The tests of the main job, of a host and packages for Windows, under Wine. */
#define UNDER_WINE
#include "test_end_to_end.c"
