/* SPDX-License-Identifier: MIT */
#include "preload/call/ms_abi.h"

#include "preload/package/entries.c"
