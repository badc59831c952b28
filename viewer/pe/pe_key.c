/* SPDX-License-Identifier: MIT */
#include "viewer/pe/pe_key.h"

#include <inttypes.h>

#include "include/trace_format.h"
#include "viewer/base/buffer.h"

void pe_key_write_file(struct buffer *b, const struct trace_pe_id *id)
{
	buffer_format(b, "%08" PRIX32 "%" PRIx32, id->stamp, id->image_size);
}

void pe_key_write_pdb(struct buffer *b, const struct trace_pe_id *id)
{
	static const uint8_t none[sizeof(id->pdb_guid)];
	/* A GUID begins with numbers of 4, 2 and 2 bytes, little-endian in the file. */
	static const uint8_t order[] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	if (memcmp(id->pdb_guid, none, sizeof(none)) == 0)
		return;
	for (size_t i = 0; i < sizeof(order); i++)
		buffer_format(b, "%02X", id->pdb_guid[order[i]]);
	buffer_format(b, "%" PRIx32, id->pdb_age);
}
