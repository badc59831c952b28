/* SPDX-License-Identifier: MIT */
/* A host of one package, as small as a host can be. It stands for yours. For one thread. */
#ifndef RECIPES_HOST_H
#define RECIPES_HOST_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens the library of a package, and initialises the package. */
bool host_open(const char *library);
/* Hands a command to the package. */
void host_call(const char *command);
void host_close(void);

#ifdef __cplusplus
}
#endif

#endif
