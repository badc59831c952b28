/* SPDX-License-Identifier: MIT */
/*
 * A PE image of 64 bits, as Wine has mapped it: what its headers say, and what it exports.
 *
 * Whoever made the file decides what lies in it. So each address in it is checked against the length of
 * the image, and a page is read only if the kernel says that it can be. "RVA" is Microsoft's word for an
 * offset from the base of an image. Fields may lie at any address.
 *
 * No lock, no allocation. Any thread; async-signal-safe. The image must stay mapped meanwhile.
 */
#ifndef LSATRACE_PRELOAD_HOST_PE_IMAGE_H
#define LSATRACE_PRELOAD_HOST_PE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

/* A part of an image, which lies wholly in it; 0 bytes: it has none. */
struct pe_part {
	uint32_t rva, bytes;
};

struct pe_image {
	uint64_t base;
	uint32_t bytes; /* SizeOfImage */
	struct pe_part exports;
	struct pe_part functions; /* the exception directory, .pdata: an array of RUNTIME_FUNCTION */
	struct trace_pe_id id;
	const char *path; /* of a file that was read; NULL: it was mapped, so that the kernel knows */
};

/* A field of 32 bits, or 16. */
typedef uint32_t __attribute__((aligned(1), may_alias)) pe_word;
typedef uint16_t __attribute__((aligned(1), may_alias)) pe_half;

/* Reads the headers of what lies at an address and may be as long as `bytes_most`. Returns false if
 * that is no PE image of x86-64, or a longer one. */
bool pe_image_read(uint64_t base, uint64_t bytes_most, struct pe_image *image);

/* The address of `bytes` bytes at an RVA; NULL: they do not all lie in the image, or cannot be read. */
const void *pe_image_at(const struct pe_image *image, uint32_t rva, uint64_t bytes);

/* Is that the name that the image gives itself where it exports something? Upper and lower case are one. */
bool pe_image_is_named(const struct pe_image *image, const char *name);

/* The tables of an export directory, which lie wholly in the image. */
struct pe_exports {
	const struct pe_image *image;
	const pe_word *functions; /* the RVA of each */
	uint32_t function_count;
	const pe_word *names;    /* the RVA of each */
	const pe_half *ordinals; /* for each name, which function it is */
	uint32_t name_count;
};

/* Returns false if the image exports nothing by name. */
bool pe_image_exports(const struct pe_image *image, struct pe_exports *exports);

/* The place of a function's RVA in the table, by the function's name. NULL: there is none of that name, or
 * it lies in another image: then its RVA is that of a name (a forwarder), or out of this one. */
pe_word *pe_exports_find(const struct pe_exports *exports, const char *name);

#endif
