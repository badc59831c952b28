/* SPDX-License-Identifier: MIT */
/*
 * A PDB, as far as it says which build it belongs to: a file of blocks (MSF), in which stream 1 has the
 * GUID. It is hostile input, and read by pread().
 */
#ifndef LSATRACE_VIEWER_PE_PDB_FILE_H
#define LSATRACE_VIEWER_PE_PDB_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Returns false if there is no such file, or it is no PDB. */
bool pdb_file_read_guid(const char *path, uint8_t guid[16]);

#endif
