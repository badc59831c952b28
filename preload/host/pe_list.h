/* SPDX-License-Identifier: MIT */
/*
 * The PE images that Wine has mapped, as the tracer was told. Images have numbers (images.h), but most
 * that are mapped never get one: they are on no traced stack.
 *
 * The list is changed where Wine maps and unmaps, under a lock of Wine's that a page fault may take. So
 * nobody waits here for anything: each row has one word that says whether it holds an image, and is
 * replaced at once. The word changes whenever the row does, so that a reader knows whether what it has
 * read belongs together.
 *
 * Any thread; async-signal-safe. Reads no image.
 */
#ifndef LSATRACE_PRELOAD_HOST_PE_LIST_H
#define LSATRACE_PRELOAD_HOST_PE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/host/pe_image.h"

enum { PE_LIST_MAX = 2048 };

/* An image in the list. */
struct pe_listed {
	uint32_t row;
	uint64_t word; /* of the row, when it was read */
};

/* Returns false if the list is full. */
bool pe_list_add(const struct pe_image *image);

/* Finds the image that holds an address. */
bool pe_list_find(uint64_t address, struct pe_listed *found);

/* Copies what the headers of an image say. Returns false if the image is gone meanwhile. */
bool pe_list_copy(const struct pe_listed *listed, struct pe_image *image);

/* The number of an image; 0: it has none yet. */
uint32_t pe_list_number(const struct pe_listed *listed);

/* Gives it one. Returns false if the image is gone, or has got one, meanwhile. */
bool pe_list_give_number(const struct pe_listed *listed, uint32_t number);

/* Does the base of an image lie in a range? */
bool pe_list_has(uint64_t start, uint64_t end);

/* Removes an image whose base lies in a range. Returns false if there is none; else sets `*number` to its
 * number, or to 0. */
bool pe_list_remove(uint64_t start, uint64_t end, uint32_t *number);

#endif
