/* SPDX-License-Identifier: MIT */
/* The identity of a PE file, as symbol servers and crash reporters write it. */
#ifndef LSATRACE_VIEWER_PE_PE_KEY_H
#define LSATRACE_VIEWER_PE_PE_KEY_H

struct buffer;
struct trace_pe_id;

/* Appends the key of the file: its stamp and size, such as "5F3D2A1B1a000". */
void pe_key_write_file(struct buffer *b, const struct trace_pe_id *id);
/* Appends the key of its PDB: GUID and age, such as "3844DBB920174967BE7AA4A2C20430FA2". Nothing if it
 * has no GUID. */
void pe_key_write_pdb(struct buffer *b, const struct trace_pe_id *id);

#endif
