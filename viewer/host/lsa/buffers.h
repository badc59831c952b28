/* SPDX-License-Identifier: MIT */
/* The slots for memory: heaps and the buffers of clients. Any thread. */
#ifndef LSATRACE_HOST_LSA_BUFFERS_H
#define LSATRACE_HOST_LSA_BUFFERS_H

#include "include/secpkg.h"

LSA_ALLOCATE_LSA_HEAP buffer_allocate;
LSA_FREE_LSA_HEAP buffer_free;
LSA_FREE_LSA_HEAP buffer_free_returned;
LSA_ALLOCATE_PRIVATE_HEAP buffer_allocate_private;
LSA_FREE_PRIVATE_HEAP buffer_free_private;
/* In a client: */
LSA_ALLOCATE_LSA_HEAP buffer_allocate_user;
LSA_FREE_LSA_HEAP buffer_free_user;

/* A NULL request is that of the thread's call. */
LSA_ALLOCATE_CLIENT_BUFFER buffer_allocate_client;
LSA_FREE_CLIENT_BUFFER buffer_free_client;
LSA_COPY_TO_CLIENT_BUFFER buffer_copy_to_client;
LSA_COPY_FROM_CLIENT_BUFFER buffer_copy_from_client;
/* What is at an address of the client is copied into memory of the LSA's. */
LSA_MAP_BUFFER buffer_map;

#endif
