/* SPDX-License-Identifier: MIT */
#define TWIN_NAME "twin_one"
#define TWIN_LEAK leak_of_one
#define TWIN_BYTES 61
#define TWIN_FRAME 264
#include "tests/packages/libraries/twin.h"
