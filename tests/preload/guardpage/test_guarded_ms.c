/* SPDX-License-Identifier: MIT */
#include "preload/call/ms_abi.h"

#include "tests/preload/guardpage/test_guarded.c"
