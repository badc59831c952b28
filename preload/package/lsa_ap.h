/* SPDX-License-Identifier: MIT */
/*
 * Packages that have no table of their own: a library is one package, and exports its functions as
 * LsaApInitializePackage, LsaApLogonUser and so on. A host that looks one of them up gets a wrapper
 * (wrapped.h) in its place.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_LSA_AP_H
#define LSATRACE_PRELOAD_PACKAGE_LSA_AP_H

#include "include/slots.h"
#include "preload/call/convention.h"

/*
 * Returns the wrapper for `real`, a library's export of a kind, and of that calling convention. All exports of a library are of one
 * package. Returns `real` itself if there are too many packages, which is counted. Any thread;
 * takes the cold lock.
 */
void *lsa_ap_function_for(void *real, enum wrapped kind, enum convention convention);

#endif
