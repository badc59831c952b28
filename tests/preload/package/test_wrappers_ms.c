/* SPDX-License-Identifier: MIT */
#include "preload/call/ms_abi.h"

#include "tests/preload/package/test_wrappers.c"
