/* SPDX-License-Identifier: MIT */
/*
 * Canary bytes fill what remains of a block's pages before and behind it. Whoever looks at them
 * later sees that something was written there, but not by whom. The caller holds LOCK_GUARDPAGE.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_CANARY_H
#define LSATRACE_PRELOAD_GUARDPAGE_CANARY_H

/* Fills [from, to). */
void canary_fill(char *from, char *to);

/* Return the first, or the last, byte of [from, to) that was overwritten; NULL if none was. */
char *canary_first_damage(char *from, char *to);
char *canary_last_damage(char *from, char *to);

#endif
