/* SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/capture/modules.h"
#include "tests/support/preload_fixture.h"
#include "tests/support/run.h"

#define LIBRARY BUILD_DIR "/tests/packages/clean.so"

static void start(void)
{
	preload_start(4 << 20);
}

TestSuite(modules, .init = start);

/* Loads the library; where its code lies. */
static uint64_t load(const char *path, void **handle)
{
	*handle = dlopen(path, RTLD_NOW);
	cr_assert_not_null(*handle, "%s", dlerror());
	return (uint64_t)(uintptr_t)dlsym(*handle, "SpLsaModeInitialize");
}

static void unload(void *handle)
{
	images_unload_begins();
	dlclose(handle);
	images_unload_ends(images_find_unloaded());
	modules_note_gone();
}

static const struct trace_module *defined(uint32_t id)
{
	struct trace_record *record = NULL;

	while ((record = preload_next_record(record)) != NULL)
		if (record->type == TRACE_RECORD_MODULE && ((struct trace_module *)record)->id == id)
			return (struct trace_module *)record;
	return NULL;
}

static unsigned gone(uint32_t id)
{
	struct trace_record *record = NULL;
	unsigned times = 0;

	while ((record = preload_next_record(record)) != NULL)
		times += record->type == TRACE_RECORD_MODULE_GONE &&
			 ((struct trace_text *)record)->number == id;
	return times;
}

static bool is_path(const struct trace_module *module, const char *path)
{
	return module->path_bytes == strlen(path) &&
	       memcmp(module->path, path, module->path_bytes) == 0;
}

static char *map_file(const char *path, size_t *bytes)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *file;

	cr_assert(fd >= 0 && fstat(fd, &st) == 0, "%s", path);
	*bytes = (size_t)st.st_size;
	file = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	cr_assert_neq(file, MAP_FAILED);
	close(fd);
	return file;
}

/* The note that holds the build-id, found by its section. */
static ElfW(Nhdr) * find_note(char *file)
{
	const ElfW(Ehdr) *elf = (const ElfW(Ehdr) *)file;
	const ElfW(Shdr) *section = (const ElfW(Shdr) *)(file + elf->e_shoff);

	for (int i = 0; i < elf->e_shnum; i++) {
		const char *names = file + section[elf->e_shstrndx].sh_offset;

		if (strcmp(names + section[i].sh_name, ".note.gnu.build-id") == 0)
			return (ElfW(Nhdr) *)(file + section[i].sh_offset);
	}
	cr_assert(false, "no build-id");
	return NULL;
}

/* The build-id as it lies in the file. Its length. */
static size_t read_build_id(const char *path, uint8_t id[32])
{
	size_t bytes, id_bytes;
	char *file = map_file(path, &bytes);
	const ElfW(Nhdr) *note = find_note(file);

	id_bytes = note->n_descsz;
	memcpy(id, (const char *)(note + 1) + 4, id_bytes);
	munmap(file, bytes);
	return id_bytes;
}

/* The same library, but for its build-id. */
static void copy_as_another_build(const char *to)
{
	size_t bytes;
	char *file = map_file(LIBRARY, &bytes);
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0700);

	((uint8_t *)(find_note(file) + 1))[4] ^= 0xff;
	cr_assert(fd >= 0 && write(fd, file, bytes) == (ssize_t)bytes);
	close(fd);
	munmap(file, bytes);
}

static void assert_build_id(const struct trace_module *module, const char *path)
{
	uint8_t id[32] = { 0 };

	cr_assert_eq(module->build_id_bytes, read_build_id(path, id), "%s", path);
	cr_assert_eq(memcmp(module->build_id, id, sizeof(id)), 0, "%s", path);
}

Test(modules, a_module_gets_one_id)
{
	void *handle;
	uint64_t address = load(LIBRARY, &handle);
	uint32_t id = modules_id(address);

	cr_assert_neq(id, 0);
	cr_assert_eq(modules_id(address), id);
	cr_assert_eq(modules_id(address + 1), id);
	cr_assert_neq(modules_id((uint64_t)(uintptr_t)&dlopen), id);
	cr_assert_leq(id, images_count());
}

Test(modules, an_address_of_no_module_has_no_id)
{
	int on_the_stack = 0;

	cr_assert_eq(modules_id((uint64_t)(uintptr_t)&on_the_stack), 0);
	cr_assert_eq(modules_id(0), 0);
	cr_assert_eq(modules_id(UINT64_MAX), 0);
}

Test(modules, a_module_is_defined_as_the_loader_has_it)
{
	struct link_map *map;
	void *handle;
	uint64_t address = load(LIBRARY, &handle);
	const struct trace_module *module = defined(modules_id(address));

	cr_assert_eq(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	cr_assert(is_path(module, LIBRARY));
	cr_assert_eq(module->kind, TRACE_MODULE_ELF);
	cr_assert_eq(module->base, map->l_addr);
	cr_assert(module->start <= address && address < module->end);
}

Test(modules, the_build_id_is_that_of_the_elf_note)
{
	char exe[4096] = { 0 };
	void *handle;
	uint64_t address = load(LIBRARY, &handle);

	cr_assert_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	assert_build_id(defined(modules_id(address)), LIBRARY);
	assert_build_id(defined(modules_id((uint64_t)(uintptr_t)&start)), exe);
}

Test(modules, the_executable_is_named_though_the_loader_does_not)
{
	char exe[4096] = { 0 };

	cr_assert_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	cr_assert(is_path(defined(modules_id((uint64_t)(uintptr_t)&start)), exe));
}

Test(modules, a_module_loaded_by_a_relative_name_is_named_in_whole)
{
	void *handle;

	cr_assert_eq(chdir(BUILD_DIR "/tests"), 0);
	cr_assert(is_path(defined(modules_id(load("./packages/clean.so", &handle))), LIBRARY));
}

Test(modules, a_module_that_is_unloaded_is_gone_and_loaded_again_another_one)
{
	void *handle;
	uint32_t old = modules_id(load(LIBRARY, &handle)), new;

	unload(handle);
	cr_assert_eq(gone(old), 1);
	new = modules_id(load(LIBRARY, &handle));
	cr_assert_neq(new, 0);
	cr_assert_neq(new, old);
	cr_assert(is_path(defined(new), LIBRARY));
	cr_assert_eq(gone(old), 1);
	cr_assert_eq(gone(new), 0);
}

Test(modules, a_frame_of_a_module_that_is_gone_is_no_address)
{
	void *handle;
	uint64_t address = load(LIBRARY, &handle), frame, later;

	modules_frames(&address, &frame, 1, true);
	cr_assert(modules_holds(frame, address));
	unload(handle);
	cr_assert_not(modules_holds(frame, address));
	cr_assert_neq(load(LIBRARY, &handle), 0);
	cr_assert_not(modules_holds(frame, address));
	modules_frames(&address, &later, 1, true);
	cr_assert_neq(later, frame);
}

Test(modules, a_module_that_is_in_use_still_is_not_gone)
{
	void *handle, *other;
	uint64_t address = load(LIBRARY, &handle);
	uint32_t id = modules_id(address);

	load(LIBRARY, &other);
	unload(other);
	cr_assert_eq(modules_id(address), id);
	cr_assert_eq(gone(id), 0);
}

Test(modules, others_keep_their_ids_when_one_is_unloaded)
{
	void *handle;
	uint32_t own = modules_id((uint64_t)(uintptr_t)&start);

	modules_id(load(LIBRARY, &handle));
	unload(handle);
	cr_assert_eq(modules_id((uint64_t)(uintptr_t)&start), own);
	cr_assert_eq(gone(own), 0);
}

/* The loader tells of those of the own namespace only. */
Test(modules, a_module_in_a_namespace_of_its_own_is_defined_as_any)
{
	void *handle = dlmopen(LM_ID_NEWLM, LIBRARY, RTLD_NOW);
	const struct trace_module *module;
	struct link_map *map;
	uint64_t address;

	cr_assert_not_null(handle, "%s", dlerror());
	address = (uint64_t)(uintptr_t)dlsym(handle, "SpLsaModeInitialize");
	module = defined(modules_id(address));
	cr_assert_eq(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
	cr_assert(is_path(module, LIBRARY));
	cr_assert_eq(module->base, map->l_addr);
	cr_assert(module->start <= address && address < module->end);
	assert_build_id(module, LIBRARY);
	unload(handle);
	cr_assert_eq(gone(module->id), 1);
}

/* Where the old one lay, in the old one's length, by the old one's name. */
Test(modules, another_build_at_the_place_of_one_that_is_gone_is_another_module)
{
	char *folder = temporary_folder_new(), path[4096];
	uint64_t address, there;
	uint32_t old, new;
	void *handle;

	snprintf(path, sizeof(path), "%s/clean.so", folder);
	cr_assert_eq(symlink(LIBRARY, path), 0);
	address = load(path, &handle);
	old = modules_id(address);
	dlclose(handle);
	unlink(path);
	copy_as_another_build(path);
	there = load(path, &handle);
	cr_assert(images_find_unloaded());
	modules_note_gone();
	cr_assert_eq(gone(old), 1);
	new = modules_id(there);
	assert_build_id(defined(new), path);
	if (there != address)
		cr_log_warn("the loader has put it elsewhere");
	temporary_folder_remove(folder);
}
