/* SPDX-License-Identifier: MIT */
/*
 * The libraries, and the packages in them. They are loaded and initialised before any other thread starts; afterwards
 * nothing changes.
 */
#ifndef LSATRACE_HOST_PACKAGE_PACKAGES_H
#define LSATRACE_HOST_PACKAGE_PACKAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "include/secpkg.h"

/* The version of the LSA that packages are told. */
#define PACKAGES_LSA_VERSION SECPKG_INTERFACE_VERSION

struct package {
	char *name;     /* of the library, with [NUMBER] if it holds several packages */
	char *lsa_name; /* by which other packages call it, or NULL */
	void *library;
	ULONG id;
	bool is_ready;      /* it has been initialised in the LSA */
	bool is_user_ready; /* and in a client */
	ULONG token_bytes;  /* cbMaxToken, or what is enough */
	/* A slot is NULL if tables of the library's version do not have it. */
	SECPKG_FUNCTION_TABLE api;
	SECPKG_USER_FUNCTION_TABLE user;
};

extern struct package *packages;
extern size_t package_count;

/* Loads a library, for good, as a real LSA does. If it cannot be loaded or has no package, prints a line and returns false. */
bool packages_load(const char *path);

/* Returns the package that has this name, as a library or for other packages; or NULL. */
struct package *packages_find(const char *name);

#endif
