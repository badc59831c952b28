/* SPDX-License-Identifier: MIT */
#include "preload/call/ms_abi.h"

#include "tests/preload/call/test_shims.c"
