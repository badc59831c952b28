/* SPDX-License-Identifier: MIT */
/*
 * The packages of before the tables: a library is one package, and its functions are its exports,
 * LsaApInitializePackage and the others of that name. A host that finds one of them gets ours
 * (wrappers.h) in its place.
 */
#ifndef LSATRACE_EXPORTS_H
#define LSATRACE_EXPORTS_H

#include "wrappers.h"

/* The function that stands for `real`, a library's own of a kind; `real` itself when there are too
 * many packages. All exports of a library are one package's. */
void *exports_function_for(void *real, enum wrapped kind);

#endif
