/* SPDX-License-Identifier: MIT */
/* dlclose(): everything that the tracer remembers of an image is forgotten when that is unloaded. */
#ifndef LSATRACE_PRELOAD_WAYS_IN_UNLOAD_H
#define LSATRACE_PRELOAD_WAYS_IN_UNLOAD_H

/* Calls the dlclose() that `caller`, a return address, would have reached without the tracer, between
 * images_unload_begins() and images_unload_ends() (images.h). Result and errno are those of that. */
int unload_library(void *handle, const void *caller);

#endif
