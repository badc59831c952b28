/* SPDX-License-Identifier: MIT */
/* Marks in time, by name: each begins an era of the ledger. Any thread; takes the cold lock. */
#ifndef LSATRACE_PRELOAD_LEDGER_CHECKPOINTS_H
#define LSATRACE_PRELOAD_LEDGER_CHECKPOINTS_H

#include <stdint.h>

/* Names are told apart by so many characters; so many are kept, the last ones. */
enum { CHECKPOINT_NAME_BYTES = 127, CHECKPOINTS = 256 };

void checkpoints_set(const char *name);

/* The era that a checkpoint began; 0, the beginning: there is no such checkpoint. */
uint32_t checkpoints_find(const char *name);

#endif
