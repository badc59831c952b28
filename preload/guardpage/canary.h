/* SPDX-License-Identifier: MIT */
/*
 * The slack around a block, as far as its pages reach, is filled with canary bytes. Damage to them is
 * found when they are looked at: it says what was written, not by whom.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_CANARY_H
#define LSATRACE_PRELOAD_GUARDPAGE_CANARY_H

/* Fills [from, to). */
void canary_fill(char *from, char *to);

/* The first, or last, byte of [from, to) that was written over; NULL: none was. */
char *canary_first_damage(char *from, char *to);
char *canary_last_damage(char *from, char *to);

#endif
