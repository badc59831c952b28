/* SPDX-License-Identifier: MIT */
/* The same code with another frame; names of equal lengths (twin_one.c). */
#define TWIN_NAME "twin_two"
#define TWIN_LEAK leak_of_two
#define TWIN_BYTES 62
#define TWIN_FRAME 2600
#include "tests/packages/libraries/twin_one.c"
