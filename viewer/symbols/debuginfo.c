/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/debuginfo.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/memory.h"
#include "viewer/base/search.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/pe_debug.h"
#include "viewer/symbols/server.h"
#include "viewer/symbols/units.h"

/* A function of the ELF symbol tables. */
struct function {
	GElf_Addr start;
	GElf_Xword size;
	const char *name;
	char *unversioned; /* that is the name; NULL: it had no version */
	bool is_global;
};

struct debuginfo {
	struct debuginfo_search *search;
	struct pe_debug *pe; /* NULL: it is an ELF file, with the following three */
	Dwfl_Callbacks callbacks;
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf_Addr bias;            /* of the addresses in DWARF */
	struct units *units;        /* NULL: there is no DWARF */
	struct function *functions; /* by start */
	size_t function_count, function_room;
};

static int open_regular(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool open_module(struct debuginfo *d, const char *path, struct debuginfo_search *search)
{
	int fd = open_regular(path);
	GElf_Addr bias;

	if (fd < 0)
		return false;
	d->callbacks = (Dwfl_Callbacks){
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &search->path,
	};
	d->dwfl = dwfl_begin(&d->callbacks);
	/*
	 * At base 0 with p_vaddr added, an address is what the file says. On success the descriptor
	 * belongs to libdwfl.
	 */
	if (d->dwfl)
		d->module = dwfl_report_elf(d->dwfl, path, path, fd, 0, true);
	if (!d->module) {
		close(fd);
		return false;
	}
	return dwfl_report_end(d->dwfl, NULL, NULL) == 0 &&
	       dwfl_module_getelf(d->module, &bias) != NULL;
}

static bool has_build_id(Dwfl_Module *module, const uint8_t *build_id, uint32_t build_id_bytes)
{
	const unsigned char *bits;
	GElf_Addr place;
	int length;

	if (build_id_bytes == 0)
		return true;
	length = dwfl_module_build_id(module, &bits, &place);
	/* The trace has at most the first 32 bytes of it. */
	return length > 0 && (uint32_t)length >= build_id_bytes &&
	       ((uint32_t)length == build_id_bytes || build_id_bytes == 32) &&
	       memcmp(bits, build_id, build_id_bytes) == 0;
}

static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	/* The last one is found. Of several names for one start, that is the longest, one that is
	 * still there in a stripped file, and always the same one. */
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	if (a->is_global != b->is_global)
		return a->is_global ? 1 : -1;
	return -strcmp(a->name, b->name);
}

/* "name@@VERSION" in one symbol table is "name" in the other one. */
static void add_function(struct debuginfo *d, const GElf_Sym *symbol, GElf_Addr start,
			 const char *name)
{
	const char *version = strchr(name + 1, '@');
	char *unversioned = version ? memory_text(name, (size_t)(version - name)) : NULL;

	memory_room(d->functions, d->function_count, d->function_room);
	d->functions[d->function_count++] = (struct function){
		.start = start,
		.size = symbol->st_size,
		.name = unversioned ? unversioned : name,
		.unversioned = unversioned,
		.is_global = GELF_ST_BIND(symbol->st_info) != STB_LOCAL,
	};
}

static void list_functions(struct debuginfo *d)
{
	int symbols = dwfl_module_getsymtab(d->module);

	for (int i = 1; i < symbols; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *name =
			dwfl_module_getsym_info(d->module, i, &symbol, &address, NULL, NULL, NULL);
		int type = GELF_ST_TYPE(symbol.st_info);

		if (!name || !*name || symbol.st_shndx == SHN_UNDEF ||
		    (type != STT_FUNC && type != STT_GNU_IFUNC))
			continue;
		add_function(d, &symbol, address, name);
	}
	if (d->function_count)
		qsort(d->functions, d->function_count, sizeof(*d->functions), compare_functions);
}

static bool open_elf(struct debuginfo *d, const char *path, const uint8_t *build_id,
		     uint32_t build_id_bytes, bool *has_changed)
{
	bool is_open = open_module(d, path, d->search);

	*has_changed = is_open && !has_build_id(d->module, build_id, build_id_bytes);
	if (!is_open || *has_changed)
		return false;
	server_watch(d->dwfl, d->search->progress);
	list_functions(d);
	return true;
}

struct debuginfo *debuginfo_open(const char *path, enum trace_module_kind kind,
				 const uint8_t *build_id, uint32_t build_id_bytes,
				 struct debuginfo_search *search, bool *has_changed)
{
	struct debuginfo *d = memory_new(1, sizeof(*d));

	d->search = search;
	if (kind == TRACE_MODULE_PE) {
		d->pe = pe_debug_open(path, build_id, build_id_bytes, has_changed);
		if (d->pe)
			return d;
	} else if (open_elf(d, path, build_id, build_id_bytes, has_changed)) {
		return d;
	}
	debuginfo_close(d);
	return NULL;
}

void debuginfo_read_lines(struct debuginfo *d, const char *path)
{
	Dwarf *dwarf = d->pe ? pe_debug_read_lines(d->pe, path, d->search->places, &d->bias)
			     : dwfl_module_getdwarf(d->module, &d->bias);

	if (dwarf)
		d->units = units_new(dwarf, path);
}

void debuginfo_close(struct debuginfo *d)
{
	if (!d)
		return;
	units_free(d->units);
	for (size_t i = 0; i < d->function_count; i++)
		free(d->functions[i].unversioned);
	free(d->functions);
	if (d->dwfl)
		dwfl_end(d->dwfl);
	pe_debug_close(d->pe);
	free(d);
}

bool debuginfo_has_lines(const struct debuginfo *d)
{
	return d->units || (d->pe && pe_debug_has_pdb(d->pe));
}

static const char *find_elf_obstacle(const struct debuginfo *d)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(d->module, &bias);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Chdr compression;
	size_t names;

	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section)) != NULL) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(elf, names, header.sh_name)
					   : NULL;

		if (name && strcmp(name, ".debug_info") == 0 &&
		    gelf_getchdr(section, &compression) && compression.ch_type != ELFCOMPRESS_ZLIB)
			return compression.ch_type == 2 /* ELFCOMPRESS_ZSTD */
				       ? "is compressed with zstd, which this elfutils cannot read"
				       : "is compressed in a way that is not known";
	}
	return NULL;
}

const char *debuginfo_obstacle(const struct debuginfo *d)
{
	return d->pe ? pe_debug_obstacle(d->pe) : find_elf_obstacle(d);
}

const char *debuginfo_gap(const struct debuginfo *d)
{
	const char *gap = d->units ? units_gap(d->units) : NULL;

	return gap || !d->pe ? gap : pe_debug_gap(d->pe);
}

static const char *find_elf_function(const struct debuginfo *d, uint64_t address)
{
	size_t below =
		search_starts(d->functions, d->function_count, sizeof(*d->functions), address);
	const struct function *function = below ? &d->functions[below - 1] : NULL;

	return function && address - function->start < function->size ? function->name : NULL;
}

/* Is a qualified name, such as "a::b::function", that of a symbol, as far as can be seen? */
static bool names_function(const char *symbol, const char *name)
{
	const char *colon = strrchr(name, ':');

	return strstr(symbol, colon ? colon + 1 : name) != NULL;
}

unsigned debuginfo_find(struct debuginfo *d, uint64_t address, struct place *places, unsigned room)
{
	unsigned count = d->units ? units_find(d->units, address - d->bias, places, room) : 0;
	const char *symbol =
		d->pe ? pe_debug_find_function(d->pe, address) : find_elf_function(d, address);
	struct place *outer;

	if (count == 0 && d->pe)
		count = pe_debug_find_in_pdb(d->pe, address, places, room);
	if (count == 0) {
		places[0] = (struct place){ 0 };
		count = 1;
	}
	outer = &places[count - 1];
	if (!symbol || outer->is_inlined)
		return count;
	/* A mangled symbol says more than a name in DWARF, but that may be the name of an equal function
	 * that the linker has folded with this one. "f.cold", a part of f, says no more than "f". */
	if (!outer->function || (!outer->linkage_name && demangle_applies(symbol) &&
				 names_function(symbol, outer->function)))
		outer->function = symbol;
	/* The symbol table goes before DWARF, so that the symbol is the same without DWARF. */
	outer->linkage_name = symbol;
	return count;
}

const char *debuginfo_find_data(struct debuginfo *d, uint64_t address, uint64_t *from)
{
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name;

	if (d->pe)
		return pe_debug_find_data(d->pe, address, from);
	name = dwfl_module_addrinfo(d->module, address, &offset, &symbol, NULL, NULL, NULL);

	/* Behind the end of a symbol lies something else. */
	if (!name || !*name || offset >= symbol.st_size)
		return NULL;
	*from = offset;
	return name;
}
