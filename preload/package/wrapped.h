/* SPDX-License-Identifier: MIT */
/*
 * The functions through which the host calls a package: one for each entry point that the tracer follows
 * (include/slots.h) and each number of a package (packages.h), since nothing that such a function is
 * given says which package it stands for. One of them stands for a function of the host's instead:
 * UnloadPackage, by which a package says that it goes. wrappers.c defines them.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_WRAPPED_H
#define LSATRACE_PRELOAD_PACKAGE_WRAPPED_H

#include "preload/call/originals.h"

extern void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES];

#endif
