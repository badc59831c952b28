/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <link.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "viewer/model/model.h"
#include "viewer/symbols/places.h"
#include "viewer/symbols/symbols.h"

/* A library that is compiled for the test, in a folder of its own. */
struct library {
	char folder[64];
	char path[128];
	uint64_t offset; /* of the function `outer`, in the file */
	uint8_t build_id[32];
	uint32_t build_id_bytes;
};

static const char source[] = "int volatile sink;\n"
			     "static inline __attribute__((always_inline)) void inner(int value)\n"
			     "{\n"
			     "	sink = value;\n" /* line 4 */
			     "}\n"
			     "int outer(int value);\n"
			     "int outer(int value)\n"
			     "{\n"
			     "	inner(value);\n" /* line 9 */
			     "	return sink;\n"
			     "}\n";

static void run(const char *format, const struct library *l)
{
	char command[1024];

	snprintf(command, sizeof(command), format, l->folder);
	cr_assert_eq(system(command), 0, "%s", command);
}

static int note_build_id(struct dl_phdr_info *info, size_t size, void *library)
{
	struct library *l = library;

	(void)size;
	if (strcmp(info->dlpi_name, l->path) != 0)
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const char *at = (const char *)(info->dlpi_addr + segment->p_vaddr);
		const char *end = at + segment->p_memsz;

		while (segment->p_type == PT_NOTE && at < end) {
			const ElfW(Nhdr) *note = (const void *)at;

			if (note->n_type == NT_GNU_BUILD_ID && note->n_descsz <= 32) {
				l->build_id_bytes = note->n_descsz;
				memcpy(l->build_id, at + sizeof(*note) + 4, note->n_descsz);
			}
			at += sizeof(*note) + ((note->n_namesz + 3) & ~3u) +
			      ((note->n_descsz + 3) & ~3u);
		}
	}
	return 1;
}

static struct library compile_text(const char *text, const char *options)
{
	struct library l = { .folder = "/tmp/lsatrace-test-XXXXXX" };
	char path[128], format[512];
	Dl_info info;
	FILE *file;
	void *loaded;

	cr_assert(mkdtemp(l.folder));
	snprintf(l.path, sizeof(l.path), "%s/some.so", l.folder);
	snprintf(path, sizeof(path), "%s/some.c", l.folder);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
	snprintf(format, sizeof(format),
		 "cd %%s && cc -shared -fPIC -Wl,--build-id %s -o some.so some.c", options);
	run(format, &l);
	loaded = dlopen(l.path, RTLD_NOW);
	cr_assert(loaded, "%s", dlerror());
	cr_assert(dladdr(dlsym(loaded, "outer"), &info));
	l.offset = (uint64_t)((char *)info.dli_saddr - (char *)info.dli_fbase);
	dl_iterate_phdr(note_build_id, &l);
	cr_assert(l.build_id_bytes);
	dlclose(loaded);
	return l;
}

static struct library compile(const char *options)
{
	return compile_text(source, options);
}

static void discard(struct library *l)
{
	run("rm -r %s", l);
}

static struct model_module module_of(struct library *l)
{
	struct model_module module = { .path = l->path,
				       .path_bytes = (uint32_t)strlen(l->path),
				       .name = l->path,
				       .base = (char *)"some.so",
				       .build_id_bytes = l->build_id_bytes };

	memcpy(module.build_id, l->build_id, sizeof(module.build_id));
	return module;
}

/* The symbol of the place where `inner` is inlined: the first address that has one. */
static const struct symbol *find_inlined(struct symbols *s, const struct model_module *module,
					 uint64_t from)
{
	for (uint64_t offset = from + 1; offset < from + 64; offset++) {
		const struct symbol *symbol = symbols_find(s, module, offset);

		if (symbol->is_inlined && symbol->line == 4)
			return symbol;
	}
	return NULL;
}

static void expect_inlined(struct library *l)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(l);
	const struct symbol *symbol = find_inlined(s, &module, l->offset);
	char file[128];

	snprintf(file, sizeof(file), "%s/some.c", l->folder);
	cr_assert(symbol, "nothing is inlined");
	cr_expect_str_eq(symbol->function, "inner");
	cr_expect_str_eq(symbol->file, file, "%s", symbol->file);
	cr_assert(symbol->outer);
	cr_expect_str_eq(symbol->outer->function, "outer");
	cr_expect_str_eq(symbol->outer->linkage_name, "outer");
	cr_expect_str_eq(symbol->outer->file, file);
	cr_expect_eq(symbol->outer->line, 9);
	cr_expect_not(symbol->outer->is_inlined);
	cr_expect_null(symbol->outer->outer);
	cr_expect_null(symbols_changed(s, 0));
	symbols_free(s);
}

Test(symbols, names_function_file_and_line_and_those_of_inlined_calls)
{
	struct library l = compile("-g -O1");

	expect_inlined(&l);
	discard(&l);
}

Test(symbols, understands_dwarf_4)
{
	struct library l = compile("-g -O1 -gdwarf-4");

	expect_inlined(&l);
	discard(&l);
}

Test(symbols, finds_split_debug_information)
{
	struct library l = compile("-g -O1 -gsplit-dwarf"),
		       m = compile("-g -O1 -gsplit-dwarf -gdwarf-4");

	expect_inlined(&l);
	expect_inlined(&m);
	discard(&l);
	discard(&m);
}

/* More than one unit, and the wanted one is not the first. */
Test(symbols, finds_split_debug_information_in_a_package)
{
	struct library l = compile("-g -O1 -gdwarf-4 -gsplit-dwarf -c -o some.o some.c && echo "
				   "'int f(int v) { return v; }' "
				   ">other.c && cc -fPIC -g -gdwarf-4 -gsplit-dwarf -c other.c && "
				   "cc -shared -Wl,--build-id -o some.so other.o some.o #");

	run("cd %s && dwp -e some.so -o some.so.dwp && rm some.dwo other.dwo", &l);
	expect_inlined(&l);
	discard(&l);
}

/* Lines and symbols remain, so that nobody would see that inlined functions are lost. Several units are one line. */
Test(symbols, says_that_split_debug_information_is_missing)
{
	struct library l = compile("-g -O1 -gsplit-dwarf -c -o some.o some.c && echo "
				   "'int f(int v) { return v; }' "
				   ">other.c && cc -fPIC -g -gsplit-dwarf -c other.c && "
				   "cc -shared -Wl,--build-id -o some.so other.o some.o #");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l), again = module;
	char words[512];

	expect_inlined(&l);
	run("rm %s/*.dwo", &l);
	for (uint64_t offset = 0x1000; offset < l.offset + 64; offset++)
		symbols_find(s, &module, offset);
	cr_expect_str_eq(symbols_find(s, &again, l.offset + 1)->function, "outer");
	cr_expect_neq(symbols_find(s, &module, l.offset + 1)->line, 0);
	cr_assert(symbols_missing(s, 0));
	cr_expect(strstr(symbols_missing(s, 0), "some.so (build-id "));
	snprintf(words, sizeof(words),
		 "is split, so inlined functions are missing: they are neither in %s/other.dwo nor "
		 "in "
		 "%s.dwp",
		 l.folder, l.path);
	cr_expect(strstr(symbols_missing(s, 0), words), "%s", symbols_missing(s, 0));
	cr_expect_null(symbols_missing(s, 1));
	cr_expect_str_eq(symbols_obstacle(s, &module), words);
	symbols_free(s);
	discard(&l);
}

Test(symbols, looks_up_the_call_and_not_the_return_address)
{
	struct library l = compile("-g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *first = symbols_find(s, &module, l.offset + 1), *before;

	cr_assert(first->function);
	for (; first->outer; first = first->outer)
		;
	cr_expect_str_eq(first->function, "outer");
	before = symbols_find(s, &module, l.offset);
	cr_expect(!before->function || strcmp(before->function, "outer") != 0);
	symbols_free(s);
	discard(&l);
}

Test(symbols, finds_debug_information_in_a_separate_file)
{
	struct library l = compile("-g -O1");

	run("cd %s && objcopy --only-keep-debug some.so some.debug && strip some.so && "
	    "objcopy --add-gnu-debuglink=some.debug some.so",
	    &l);
	expect_inlined(&l);
	discard(&l);
}

Test(symbols, takes_the_symbol_table_where_there_is_no_debug_information)
{
	struct library l = compile("-g0 -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *symbol = symbols_find(s, &module, l.offset + 1);

	cr_assert(symbol->function);
	cr_expect_str_eq(symbol->function, "outer");
	cr_expect_str_eq(symbol->linkage_name, "outer");
	cr_expect_null(symbol->file);
	cr_expect_eq(symbol->line, 0);
	cr_expect_not(symbol->is_inlined);
	symbols_free(s);
	discard(&l);
}

/* As in what valgrind needs, for example: then they would take longer than all the rest of a report. */
Test(symbols, of_the_c_library_there_are_names_and_no_lines)
{
	struct library l = compile("-g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *symbol;

	module.base = (char *)"libc.so.6";
	symbol = symbols_find(s, &module, l.offset + 1);
	cr_assert(symbol->function);
	cr_expect_str_eq(symbol->function, "outer");
	cr_expect_null(symbol->file);
	cr_expect_null(symbol->outer);
	cr_expect_null(symbols_missing(s, 0));
	symbols_free(s);
	discard(&l);
}

/* The symbol table of a file that is not stripped has versions, the one of the linker has none. */
Test(symbols, leaves_out_the_version_of_a_name)
{
	struct library l =
		compile_text("__asm__(\".symver inner, outer@@V1\");\n"
			     "int inner(int value);\n"
			     "int inner(int value) { return value; }\n",
			     "-g0 -O1 $(echo 'V1 { global: outer; local: *; };' >some.map)"
			     " -Wl,--version-script=some.map");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *symbol = symbols_find(s, &module, l.offset + 1);

	cr_assert(symbol->function);
	cr_expect_str_eq(symbol->function, "outer");
	cr_expect_str_eq(symbol->linkage_name, "outer");
	symbols_free(s);
	discard(&l);
}

static const char cpp[] =
	"int volatile sink;\n"
	"namespace { struct hidden { static __attribute__((noinline)) int add(int v)\n"
	"{ sink = v; return sink; }\n"
	"static __attribute__((always_inline)) int set(int v) { return sink = v; } };\n"
	"struct holder { template<class T> void hold(T set) { sink = set(2); } }; }\n"
	"namespace shop { int sell(int v) { return hidden::add(v) + 1; } }\n"
	"extern \"C\" __attribute__((flatten)) int outer(int v)\n"
	"{ sink = hidden::set(1);\n"
	"holder().hold([](int w) { return sink = w; }); return shop::sell(v); }\n";

/* The names at one place or another of `outer` are all that the compiler has put there. */
static const struct symbol *find_named(struct symbols *s, const struct model_module *module,
				       const char *function)
{
	for (uint64_t offset = 1; offset < 0x3000; offset++)
		for (const struct symbol *symbol = symbols_find(s, module, offset); symbol;
		     symbol = symbol->outer)
			if (symbol->function && strcmp(symbol->function, function) == 0)
				return symbol;
	return NULL;
}

static void expect_cpp(const char *options)
{
	struct library l = compile_text(cpp, options);
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *symbol = find_named(s, &module, "shop::sell(int)");

	cr_assert(symbol, "%s", options);
	cr_expect_str_eq(symbol->linkage_name, "_ZN4shop4sellEi");
	symbol = find_named(s, &module, "(anonymous namespace)::hidden::add(int)");
	cr_assert(symbol, "%s", options);
	cr_expect_str_eq(symbol->linkage_name, "_ZN12_GLOBAL__N_16hidden3addEi");
	symbol = find_named(s, &module, "outer");
	cr_assert(symbol);
	cr_expect_str_eq(symbol->linkage_name, "outer");
	symbols_free(s);
	discard(&l);
}

Test(symbols, demangles_functions_and_keeps_their_symbols)
{
	expect_cpp("-x c++ -g -O1");
	expect_cpp("-x c++ -g0 -O1");
}

Test(symbols, of_a_name_that_is_too_long_the_template_arguments_are_left_out)
{
	struct library l = compile_text(
		"template<class...> struct pack { };\n"
		"struct first_class_with_a_name_that_is_long_enough_for_ten_of_them_to_be_too_long "
		"{ };\n"
		"#define F "
		"first_class_with_a_name_that_is_long_enough_for_ten_of_them_to_be_too_long\n"
		"int volatile sink; template<class T> struct cache {\n"
		"__attribute__((noinline)) int put(int v) { return sink = v; } };\n"
		"extern \"C\" int outer(int v)\n"
		"{ return cache<pack<F, F *, F **, F ***, const F, F &, F[1], F[2]>>().put(v) + 1; "
		"}\n",
		"-x c++ -g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *symbol = find_named(s, &module, "cache<...>::put(int)");

	cr_assert(symbol);
	cr_expect(strncmp(symbol->linkage_name, "_ZN5cacheI", 10) == 0);
	symbols_free(s);
	discard(&l);
}

Test(symbols, qualifies_a_function_that_has_no_symbol)
{
	struct library l = compile_text(cpp, "-x c++ -g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	const struct symbol *symbol = find_named(s, &module, "(anonymous namespace)::hidden::set");

	cr_assert(symbol);
	cr_expect_null(symbol->linkage_name);
	cr_expect(symbol->is_inlined);
	cr_expect(find_named(s, &module, "outer::{lambda}::operator()"));
	symbols_free(s);
	discard(&l);
}

Test(symbols, does_not_use_a_file_that_has_changed_and_says_so_once)
{
	struct library l = compile("-g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);

	module.build_id[0] ^= 1;
	cr_expect_null(symbols_find(s, &module, l.offset + 1)->function);
	cr_expect_null(symbols_find(s, &module, l.offset + 2)->function);
	cr_assert(symbols_changed(s, 0));
	cr_expect_str_eq(symbols_changed(s, 0), l.path);
	cr_expect_null(symbols_changed(s, 1));
	symbols_free(s);
	discard(&l);
}

/* Makes a name for the library's file below its folder, where nothing is. */
static struct model_module moved_module(struct library *l, char path[256])
{
	struct model_module module = module_of(l);

	snprintf(path, 256, "/elsewhere/some.so");
	module.path = path;
	module.path_bytes = (uint32_t)strlen(path);
	module.name = path;
	return module;
}

static void expect_found(struct library *l, const struct places *places, bool has_lines)
{
	struct symbols *s = symbols_new(NULL);
	char path[256];
	struct model_module module = moved_module(l, path);
	const struct symbol *symbol;

	symbols_look_in(s, places);
	symbol = symbols_find(s, &module, l->offset + 1);
	cr_expect_eq(symbol->file != NULL, has_lines);
	if (!has_lines) {
		cr_assert(symbols_missing(s, 0));
		cr_expect(strstr(symbols_missing(s, 0), "some.so (build-id "));
		cr_expect(strstr(symbols_missing(s, 0), ": it is not at /elsewhere/some.so"));
	}
	cr_expect_null(symbols_missing(s, !has_lines));
	symbols_free(s);
}

Test(symbols, looks_where_it_is_told_to)
{
	struct library l = compile("-g -O1");
	struct places named = { .modules.count = 1 }, folder = { .folders = { { l.folder }, 1 } },
		      root = { .sysroot = l.folder };
	char module[256];

	snprintf(module, sizeof(module), "some.so=%s", l.path);
	named.modules.item[0] = module;
	expect_found(&l, &(struct places){ 0 }, false);
	expect_found(&l, &named, true);
	expect_found(&l, &folder, true);
	expect_found(&l, &root, false);
	run("cd %s && mkdir elsewhere && cp some.so elsewhere", &l);
	expect_found(&l, &root, true);
	discard(&l);
}

/* A file that is there, but was stripped, is no riddle: what is missing is said, once. */
Test(symbols, says_that_a_file_was_stripped)
{
	struct library l = compile("-g -O1");
	struct places folder = { .folders = { { l.folder }, 1 } };
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l), again = module;

	run("cd %s && strip some.so", &l);
	symbols_look_in(s, &folder);
	cr_expect_null(symbols_find(s, &module, 1)->function);
	cr_expect_null(symbols_find(s, &again, 2)->function);
	cr_assert(symbols_missing(s, 0));
	cr_expect(strstr(symbols_missing(s, 0), "some.so (build-id "));
	cr_expect(strstr(symbols_missing(s, 0), ": its debug information is not in the file, "));
	cr_expect(strstr(symbols_missing(s, 0), l.folder), "%s", symbols_missing(s, 0));
	cr_expect_null(symbols_missing(s, 1));
	cr_expect(strstr(symbols_obstacle(s, &module), "is not in the file, "));
	symbols_free(s);
	discard(&l);
}

Test(symbols, finds_debug_information_by_build_id)
{
	struct library l = compile("-g -O1");
	struct places folder = { .folders = { { l.folder }, 1 } };

	run("cd %s && id=$(readelf -n some.so | sed -n 's/.*Build ID: //p') && "
	    "mkdir -p .build-id/${id%%${id#??}} && objcopy --only-keep-debug some.so "
	    ".build-id/${id%%${id#??}}/${id#??}.debug && rm some.so",
	    &l);
	expect_found(&l, &folder, true);
	discard(&l);
}

Test(symbols, takes_no_other_file_of_that_name)
{
	struct library l = compile("-g -O1");
	struct places folder = { .folders = { { l.folder }, 1 } };
	struct symbols *s = symbols_new(NULL);
	char path[256];
	struct model_module module = moved_module(&l, path);

	module.build_id[0] ^= 1;
	symbols_look_in(s, &folder);
	cr_expect_null(symbols_find(s, &module, l.offset + 1)->function);
	symbols_free(s);
	discard(&l);
}

Test(symbols, gives_up_a_server_that_does_not_answer, .timeout = 120)
{
	struct library l = compile("-g0 -O1");
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);
	char urls[64];

	cr_assert(bind(server, (struct sockaddr *)&address, bytes) == 0 && listen(server, 8) == 0 &&
		  getsockname(server, (struct sockaddr *)&address, &bytes) == 0);
	snprintf(urls, sizeof(urls), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	setenv("DEBUGINFOD_URLS", urls, 1);
	setenv("DEBUGINFOD_CACHE_PATH", l.folder, 1);
	if (!dlopen("libdebuginfod.so.1", RTLD_LAZY))
		cr_skip_test("there is no libdebuginfod");
	cr_expect_str_eq(symbols_find(s, &module, l.offset + 1)->function, "outer");
	cr_assert(symbols_missing(s, 0));
	cr_expect(strstr(symbols_missing(s, 0), urls), "%s", symbols_missing(s, 0));
	cr_expect_null(getenv("DEBUGINFOD_URLS"));
	close(server);
	symbols_free(s);
	discard(&l);
}

Test(symbols, uses_any_file_of_that_name_for_a_module_without_build_id)
{
	struct library l = compile("-g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);

	module.build_id_bytes = 0;
	cr_expect(symbols_find(s, &module, l.offset + 1)->function);
	symbols_free(s);
	discard(&l);
}

Test(symbols, knows_nothing_without_the_file)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = { .path = "/nonexistent/some.so",
				       .path_bytes = 20,
				       .name = (char *)"/nonexistent/some.so",
				       .base = (char *)"some.so" };
	const struct symbol *symbol = symbols_find(s, &module, 0x1234);

	cr_expect_null(symbol->function);
	cr_expect_null(symbol->file);
	cr_expect_null(symbol->outer);
	cr_expect_null(symbols_changed(s, 0));
	cr_expect_null(symbols_find(s, NULL, 0x1234)->function);
	symbols_free(s);
}

Test(symbols, does_not_open_what_is_no_binary)
{
	static const char *const paths[] = { "/dev/zero", "/tmp", "/etc/passwd", "[vdso]", "" };
	struct model_module modules[sizeof(paths) / sizeof(*paths)] = { 0 };
	struct symbols *s = symbols_new(NULL);

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		modules[i].path = paths[i];
		modules[i].name = modules[i].base = (char *)paths[i];
		modules[i].path_bytes = (uint32_t)strlen(paths[i]);
		cr_expect_null(symbols_find(s, &modules[i], 0x1234)->function, "%s", paths[i]);
	}
	symbols_free(s);
}

Test(symbols, knows_nothing_of_an_offset_outside_the_code)
{
	struct library l = compile("-g -O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&l);

	cr_expect_null(symbols_find(s, &module, 0)->function);
	cr_expect_null(symbols_find(s, &module, 0x7fffffffffff)->function);
	cr_expect_null(symbols_find(s, &module, UINT64_MAX)->function);
	symbols_free(s);
	discard(&l);
}

/* Debug information written by hand: `entries` of a unit, whose code is 64 bytes at `outer`. */
#define BY_HAND(entries) \
	".globl outer\n.type outer, @function\nouter: .skip 64, 0x90\n.size outer, 64\n" \
	".section .note.GNU-stack, \"\", @progbits\n" \
	".macro entry abbreviation, name, from, to\n" \
	".byte \\abbreviation\n.asciz \"\\name\"\n.quad outer + \\from\n.long \\to - " \
	"\\from\n.endm\n" \
	".section .debug_abbrev, \"\", @progbits\n" \
	".byte 1, 0x11, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0\n" /* compile_unit */ \
	".byte 2, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0\n" /* subprogram */ \
	".byte 3, 0x1d, 0, 0x03, 0x08, 0x11, 0x01, 0x12, 0x06, 0, 0\n" /* inlined_subroutine */ \
	".byte 4, 0x39, 1, 0x01, 0x13, 0, 0\n.byte 0\n" /* namespace, with its sibling */ \
	".section .debug_info, \"\", @progbits\n" \
	"unit: .long end - start\nstart: .2byte 4\n.long 0\n.byte 8\n" \
	"entry 1, unit, 0, 64\n" entries ".byte 0\nend:\n"

static void expect_names(struct symbols *s, struct library *l, unsigned at, const char *inlined,
			 const char *function)
{
	struct model_module module = module_of(l);
	const struct symbol *symbol = symbols_find(s, &module, l->offset + at + 1);

	cr_assert_not_null(symbol->function, "%u", at);
	if (inlined) {
		cr_expect_str_eq(symbol->function, inlined, "%u: %s", at, symbol->function);
		cr_expect(symbol->is_inlined);
		symbol = symbol->outer;
		cr_assert(symbol);
	}
	cr_expect_str_eq(symbol->function, function, "%u: %s", at, symbol->function);
	cr_expect_not(symbol->is_inlined);
	cr_expect_null(symbol->outer);
}

Test(symbols, finds_functions_in_functions)
{
	static const char text[] = BY_HAND("entry 2, around, 0, 16\n"
					   "entry 2, within, 16, 32\nentry 3, call, 20, 24\n"
					   ".byte 0, 0\n");
	struct library l = compile_text(text, "-x assembler");
	struct symbols *s = symbols_new(NULL);

	expect_names(s, &l, 8, NULL, "around");
	expect_names(s, &l, 18, NULL, "within");
	expect_names(s, &l, 22, "call", "within");
	expect_names(s, &l, 10, NULL, "around");
	expect_names(s, &l, 40, NULL, "outer");
	symbols_free(s);
	discard(&l);
}

/* A linker that folds functions with equal code leaves the debug information of them all. */
Test(symbols, does_not_mix_functions_that_are_at_one_address)
{
	static const char text[] =
		BY_HAND("entry 2, first, 0, 32\nentry 3, of_first, 8, 16\n.byte 0\n"
			"entry 2, second, 0, 32\nentry 3, of_second, 8, 16\n.byte 0\n");
	struct library l = compile_text(text, "-x assembler");
	struct symbols *s = symbols_new(NULL);

	expect_names(s, &l, 12, "of_second", "second");
	expect_names(s, &l, 20, NULL, "second");
	symbols_free(s);
	discard(&l);
}

Test(symbols, visits_no_entry_twice_whatever_is_said_to_be_its_sibling, .timeout = 20)
{
	static const char text[] = BY_HAND(".rept 64\n1: .byte 4\n.long 1f - unit\n.endr\n1:\n"
					   "entry 2, deep, 0, 16\n.byte 0\n.skip 64\n");
	struct library l = compile_text(text, "-x assembler");
	struct symbols *s = symbols_new(NULL);

	expect_names(s, &l, 4, NULL, "deep");
	expect_names(s, &l, 40, NULL, "outer");
	symbols_free(s);
	discard(&l);
}
