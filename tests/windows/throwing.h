/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WINDOWS_THROWING_H
#define TESTS_WINDOWS_THROWING_H

#ifdef __cplusplus
extern "C"
#endif
	/* Throws an exception out of some frames, each of which has a block, and catches it. What destructors
	 * do is to free these; if `leaks`, the innermost one takes another one of 56 bytes, and forgets it. */
	void
	throwing_run(void *(*allocate)(unsigned bytes), void (*release)(void *block), int leaks);

#endif
