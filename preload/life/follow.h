/* SPDX-License-Identifier: MIT */
/* Which programs are traced along. */
#ifndef LSATRACE_PRELOAD_LIFE_FOLLOW_H
#define LSATRACE_PRELOAD_LIFE_FOLLOW_H

/* Takes the library out of the environment, so that programs that this process starts are not
 * traced. Other preloaded libraries stay. */
void follow_no_more(void);

#endif
