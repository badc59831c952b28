/* SPDX-License-Identifier: MIT */
/*
 * Start-up. The order in which the modules are initialised is here and nowhere else.
 *
 * The loader starts the library as it starts any other, but constructors of other libraries may run
 * first, and call what this library exports. So every exported function calls init_ensure() as
 * well.
 */
#ifndef LSATRACE_PRELOAD_LIFE_INIT_H
#define LSATRACE_PRELOAD_LIFE_INIT_H

/*
 * Makes the library ready to find packages; once, later calls do nothing. Makes no trace: that is
 * left to the first package. errno stays as it is.
 */
void init_ensure(void);

#endif
