/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/pe_debug.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/pe/pe_dwarf.h"
#include "viewer/pe/pe_file.h"
#include "viewer/pe/pe_names.h"
#include "viewer/symbols/pdb.h"
#include "viewer/symbols/places.h"

struct pe_debug {
	struct pe_file *file;
	struct pe_names *names;
	struct pe_dwarf *dwarf; /* NULL: there is none */
	/* NULL: the file names none, or it is not needed. There may be DWARF as well, of mingw-w64's own objects,
	 * when clang has compiled the others for a PDB. */
	struct pdb *pdb;
	bool has_asked; /* for a place that DWARF does not tell */
};

struct pe_debug *pe_debug_open(const char *path, const uint8_t *id, uint32_t id_bytes,
			       bool *has_changed)
{
	struct pe_file *file = pe_file_open(path);
	struct trace_pe_id wanted, found;
	struct pe_debug *d;

	*has_changed = false;
	if (!file)
		return NULL;
	pe_file_identify(file, &found);
	memcpy(&wanted, id, sizeof(wanted));
	if (id_bytes && (id_bytes != sizeof(wanted) || !pe_file_is_same(&wanted, &found))) {
		*has_changed = true;
		pe_file_close(file);
		return NULL;
	}
	d = memory_new(1, sizeof(*d));
	d->file = file;
	d->names = pe_names_new(file);
	return d;
}

void pe_debug_close(struct pe_debug *d)
{
	if (!d)
		return;
	pdb_close(d->pdb);
	pe_dwarf_close(d->dwarf);
	pe_names_free(d->names);
	pe_file_close(d->file);
	free(d);
}

/* Opens the DWARF of a separate file, if that is the one whose checksum is known. */
static struct pe_dwarf *open_separate(const char *path, uint32_t crc, Dwarf_Addr *bias)
{
	struct pe_file *file = pe_file_open(path);
	struct pe_dwarf *dwarf = NULL;
	const unsigned char *bytes;
	size_t size;

	if (!file)
		return NULL;
	bytes = pe_file_bytes(file, &size);
	if (crc32_z(0, bytes, size) == crc)
		dwarf = pe_dwarf_open(file, path);
	*bias = -pe_file_base(file);
	pe_file_close(file);
	return dwarf;
}

/* Looks beside the file, in .debug beside it, and in the folders that the user names. */
static struct pe_dwarf *find_separate(const struct pe_debug *d, const char *path,
				      const struct places *places, Dwarf_Addr *bias)
{
	const char *slash = strrchr(path, '/');
	int folder_bytes = slash ? (int)(slash + 1 - path) : 0;
	struct pe_dwarf *dwarf = NULL;
	struct buffer other = { 0 };
	uint32_t crc;
	const char *name = pe_file_debug_link(d->file, &crc);

	for (size_t i = 0; name && !dwarf && i < 2 + places->folders.count; i++) {
		other.used = 0;
		if (i < 2)
			buffer_format(&other, "%.*s%s%s", folder_bytes, path,
				      i == 1 ? ".debug/" : "", name);
		else
			buffer_format(&other, "%s/%s", places->folders.item[i - 2], name);
		dwarf = open_separate(other.data, crc, bias);
	}
	buffer_release(&other);
	return dwarf;
}

Dwarf *pe_debug_read_lines(struct pe_debug *d, const char *path, const struct places *places,
			   Dwarf_Addr *bias)
{
	*bias = -pe_file_base(d->file);
	d->dwarf = pe_dwarf_open(d->file, path);
	if (!d->dwarf)
		d->dwarf = find_separate(d, path, places, bias);
	/* Nobody has the PDB of a module of Wine, and every program has such modules. */
	if (!pe_file_is_of_wine(d->file))
		d->pdb = pdb_open(d->file, path, places);
	return d->dwarf ? pe_dwarf_get(d->dwarf) : NULL;
}

bool pe_debug_has_pdb(const struct pe_debug *d)
{
	return d->pdb && !pdb_obstacle(d->pdb);
}

const char *pe_debug_obstacle(const struct pe_debug *d)
{
	return d->pdb ? pdb_obstacle(d->pdb) : NULL;
}

const char *pe_debug_gap(const struct pe_debug *d)
{
	if (!d->pdb || !d->has_asked)
		return NULL;
	return pdb_obstacle(d->pdb) ? pdb_obstacle(d->pdb) : pdb_gap(d->pdb);
}

unsigned pe_debug_find_in_pdb(struct pe_debug *d, uint64_t rva, struct place *places, unsigned room)
{
	d->has_asked = true;
	return d->pdb ? pdb_find(d->pdb, rva, places, room) : 0;
}

const char *pe_debug_find_function(const struct pe_debug *d, uint64_t rva)
{
	return pe_names_function(d->names, rva);
}

const char *pe_debug_find_data(const struct pe_debug *d, uint64_t rva, uint64_t *from)
{
	return pe_names_data(d->names, rva, from);
}
