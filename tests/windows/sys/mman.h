/* SPDX-License-Identifier: MIT */
#include "tests/windows/posix.h"
