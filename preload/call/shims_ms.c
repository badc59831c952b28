/* SPDX-License-Identifier: MIT */
#include "preload/call/ms_abi.h"

#include "preload/call/shims.c"
