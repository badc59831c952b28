/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/host/symtab.h"
#include "tests/support/run.h"

#define LENDER BUILD_DIR "/tests/packages/lender.so"

/* In the symbol table of the test's own file: a local one and a global one of the same name lie apart. */
long symbols_test_exported[12] = { 1 };
static long symbols_test_local[11] = { 1 };

static char path[4200], *folder;

/* A library of whose file the test does what it likes. */
static const struct link_map *load_copy(void)
{
	struct link_map *map;
	struct run copy;
	void *handle;

	folder = temporary_folder_new();
	snprintf(path, sizeof(path), "%s/lender.so", folder);
	copy = run_command((const char *const[]){ "cp", LENDER, path, NULL });
	cr_assert_eq(copy.status, 0, "%s", copy.err);
	run_release(&copy);
	handle = dlopen(path, RTLD_NOW);
	cr_assert_not_null(handle, "%s", dlerror());
	cr_assert_eq(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	return map;
}

static void remove_copy(void)
{
	if (folder)
		temporary_folder_remove(folder);
}

TestSuite(symbols, .fini = remove_copy);

static const struct link_map *own_map(void)
{
	struct link_map *map;
	void *handle = dlopen(NULL, RTLD_NOW);

	cr_assert_eq(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	return map;
}

Test(symbols, a_variable_is_found_by_its_name)
{
	struct symbol symbol;

	cr_assert(symtab_find(own_map(), "symbols_test_exported", 1, &symbol));
	cr_assert_eq(symbol.address, symbols_test_exported);
	cr_assert_eq(symbol.bytes, sizeof(symbols_test_exported));
	cr_assert(symtab_find(own_map(), "symbols_test_local", 1, &symbol));
	cr_assert_eq(symbol.address, symbols_test_local);
	cr_assert_eq(symbol.bytes, sizeof(symbols_test_local));
}

Test(symbols, what_is_too_small_or_no_variable_is_not_found)
{
	struct symbol symbol;

	cr_assert(symtab_find(own_map(), "symbols_test_local", 88, &symbol));
	cr_assert_not(symtab_find(own_map(), "symbols_test_local", 89, &symbol));
	cr_assert_not(symtab_find(own_map(), "main", 1, &symbol));
	cr_assert_not(symtab_find(own_map(), "symbols_test_loca", 1, &symbol));
	cr_assert_not(symtab_find(own_map(), "symbols_test_local2", 1, &symbol));
	cr_assert_not(symtab_find(own_map(), "", 1, &symbol));
}

Test(symbols, a_name_that_is_longer_than_any_is_not_found)
{
	char name[5000];
	struct symbol symbol;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_assert_not(symtab_find(own_map(), name, 1, &symbol));
}

Test(symbols, of_a_library_with_symbols_of_its_own_the_file_is_read)
{
	const struct link_map *map = load_copy();
	struct symbol symbol;

	cr_assert(symtab_find(map, "lent_table", 88, &symbol));
	cr_assert_eq(symbol.bytes, 88u);
}

/* The loader has it mapped: only what lies behind the segments may be touched. */
static void write_at(off_t at, const void *bytes, size_t count)
{
	int fd = open(path, O_WRONLY);

	cr_assert(fd >= 0 && pwrite(fd, bytes, count, at) == (ssize_t)count);
	close(fd);
}

static void read_at(off_t at, void *bytes, size_t count)
{
	int fd = open(path, O_RDONLY);

	cr_assert(fd >= 0 && pread(fd, bytes, count, at) == (ssize_t)count);
	close(fd);
}

static bool finds(const struct link_map *map)
{
	struct symbol symbol;

	return symtab_find(map, "lent_table", 88, &symbol);
}

/* Each field of each section's header takes the values that lead astray. */
Test(symbols, section_headers_may_hold_anything, .timeout = 120)
{
	static const uint64_t values[] = {
		0,          1,          3,         0xffff,     0x7fffffff,        0xffffffff,
		1ull << 40, 1ull << 63, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095, 24
	};
	const struct link_map *map = load_copy();
	ElfW(Ehdr) header;
	size_t bytes;

	read_at(0, &header, sizeof(header));
	bytes = header.e_shnum * sizeof(ElfW(Shdr));
	for (size_t at = 0; at + 8 <= bytes; at += 8) {
		off_t place = (off_t)(header.e_shoff + at);
		uint64_t saved;

		read_at(place, &saved, sizeof(saved));
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			write_at(place, &values[i], sizeof(values[i]));
			finds(map);
		}
		write_at(place, &saved, sizeof(saved));
	}
	cr_assert(finds(map));
}

/* Symbols that lead out of the library, and names that lead out of the file. */
Test(symbols, symbols_may_hold_anything, .timeout = 120)
{
	const struct link_map *map = load_copy();
	uint8_t ones[4096];
	ElfW(Ehdr) header;
	struct stat st;

	memset(ones, 0xff, sizeof(ones));
	read_at(0, &header, sizeof(header));
	cr_assert_eq(stat(path, &st), 0);
	for (off_t end = (off_t)header.e_shoff; end > st.st_size / 2; end -= 512) {
		write_at(end - 512, ones, 512);
		finds(map);
	}
	cr_assert_not(finds(map));
}

Test(symbols, a_file_may_be_cut_short, .timeout = 120)
{
	const struct link_map *map = load_copy();
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	for (off_t bytes = st.st_size - 1; bytes > st.st_size - 8000; bytes -= 97) {
		cr_assert_eq(truncate(path, bytes), 0);
		finds(map);
	}
	cr_assert_not(finds(map));
}

/* Its symbols are not those of what is loaded. */
Test(symbols, a_file_that_has_been_replaced_has_none)
{
	const struct link_map *map = load_copy();
	struct run copy;

	cr_assert(finds(map));
	cr_assert_eq(unlink(path), 0);
	cr_assert_not(finds(map));
	copy = run_command((const char *const[]){ "cp", LENDER, path, NULL });
	run_release(&copy);
	cr_assert_not(finds(map));
}
