/* SPDX-License-Identifier: MIT */
/*
 * The packages of before the tables: a library is one package, and its functions are its exports,
 * LsaApInitializePackage and the others of that name. A host that finds one of them gets ours
 * (wrapped.h) in its place.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_LSA_AP_H
#define LSATRACE_PRELOAD_PACKAGE_LSA_AP_H

#include "preload/package/wrapped.h"

/* The function that stands for `real`, a library's own of a kind; `real` itself when there are too
 * many packages. All exports of a library are one package's. */
void *lsa_ap_function_for(void *real, enum wrapped kind);

#endif
