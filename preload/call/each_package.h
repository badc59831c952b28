/* SPDX-License-Identifier: MIT */
/*
 * Repeats a macro for each package, because a shim or a wrapper is one function per package. The
 * package's number is written in octal: M(000, ...) to M(077, ...).
 */
#ifndef LSATRACE_PRELOAD_CALL_EACH_PACKAGE_H
#define LSATRACE_PRELOAD_CALL_EACH_PACKAGE_H

#define EIGHT_PACKAGES(M, p, ...) \
	M(p##0, __VA_ARGS__) \
	M(p##1, __VA_ARGS__) \
	M(p##2, __VA_ARGS__) \
	M(p##3, __VA_ARGS__) \
	M(p##4, __VA_ARGS__) \
	M(p##5, __VA_ARGS__) \
	M(p##6, __VA_ARGS__) \
	M(p##7, __VA_ARGS__)

/* `p` is what comes before the last two digits. */
#define SIXTY_FOUR_PACKAGES(M, p, ...) \
	EIGHT_PACKAGES(M, p##0, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##1, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##2, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##3, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##4, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##5, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##6, __VA_ARGS__) \
	EIGHT_PACKAGES(M, p##7, __VA_ARGS__)

/* Those that have shims: TRACE_PACKAGE_OTHER is the 65th. */
#define EACH_TRACED_PACKAGE(M, ...) SIXTY_FOUR_PACKAGES(M, 0, __VA_ARGS__) M(0100, __VA_ARGS__)

/* Those that have wrappers. */
#define EACH_WRAPPED_PACKAGE(M, ...) \
	SIXTY_FOUR_PACKAGES(M, 0, __VA_ARGS__) SIXTY_FOUR_PACKAGES(M, 01, __VA_ARGS__)

#endif
