/* SPDX-License-Identifier: MIT */
/*
 * Bytes as scenarios write them: items with commas between.
 *
 *	hex:00ff..      these bytes
 *	text:WORDS      a text and a zero; "\," is a comma
 *	wide:WORDS      the same in 16-bit characters
 *	@FILE           what is in a file; a relative name begins in the folder of the scenario
 *	u16:N u32:N u64:N
 *	zero:N          N zeroes
 *	pad:N           zeroes up to a multiple of N
 *	string:WORDS    a UNICODE_STRING; its text lies behind all items, and Buffer is the client's address of it
 *	heap:N          the address of a block of N bytes of the LSA's heap
 */
#ifndef LSATRACE_HOST_SCENARIO_DATA_H
#define LSATRACE_HOST_SCENARIO_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data {
	unsigned char *bytes;
	size_t length;
	/* Where in the bytes addresses stand, that count from the start of these. */
	size_t *addresses;
	size_t address_count;
};

/* Reads items. Returns NULL, or what they must be, in words for "expected %s". Nothing is allocated from the LSA's heap if `is_dry`. */
const char *data_read(struct data *data, const char *items, const char *scenario, bool is_dry);

/* Adds the client's address of the first byte to the addresses. Call it once. */
void data_place(struct data *data, const void *base);

void data_release(struct data *data);

#endif
