/* SPDX-License-Identifier: MIT */
/* Names and lines of PE files that mingw-w64 and clang build here, against what binutils and LLVM say. */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/dll.h"
#include "viewer/model/model.h"
#include "viewer/pe/pe_file.h"
#include "viewer/symbols/places.h"
#include "viewer/symbols/symbols.h"

/* A DLL that is built for the test, in a folder of its own. */
struct dll {
	char folder[64];
	char path[128];
	struct trace_pe_id id;
	uint64_t base;
};

static const char source[] = "volatile int sink;\n"
			     "static inline __attribute__((always_inline)) int deepest(int v)\n"
			     "{\n"
			     "	sink = v;\n" /* line 4 */
			     "	return sink * 3;\n"
			     "}\n"
			     "static inline __attribute__((always_inline)) int inner(int v)\n"
			     "{\n"
			     "	sink += deepest(v + 1);\n" /* line 9 */
			     "	for (int i = 0; i < v; i++)\n"
			     "		sink += i;\n"
			     "	return sink;\n"
			     "}\n"
			     "static __attribute__((noinline)) int hidden(int v)\n"
			     "{\n"
			     "	int a[8] = { v, 1, 2, 3, 4, 5, 6, v };\n"
			     "	return inner(a[v & 7]) + a[sink & 7];\n" /* line 17 */
			     "}\n"
			     "__declspec(dllexport) int outer(int v)\n"
			     "{\n"
			     "	inner(v);\n" /* line 21 */
			     "	return hidden(sink) + 1;\n"
			     "}\n"
			     "__declspec(dllexport) int last(int v)\n"
			     "{\n"
			     "	return v < 2 ? v : outer(v - 1) + hidden(v);\n"
			     "}\n";

static void identify(struct dll *d)
{
	struct pe_file *file = pe_file_open(d->path);

	cr_assert(file, "%s", d->path);
	pe_file_identify(file, &d->id);
	d->base = pe_file_base(file);
	pe_file_close(file);
}

/* Builds some.dll by a command, in a folder with the source some.c. */
static struct dll build_text(const char *text, const char *command)
{
	struct dll d = { .folder = "/tmp/lsatrace-test-XXXXXX" };

	cr_assert(mkdtemp(d.folder));
	snprintf(d.path, sizeof(d.path), "%s/some.dll", d.folder);
	dll_write(d.folder, "some.c", text);
	dll_run(d.folder, "%s", command);
	identify(&d);
	return d;
}

static struct dll build(const char *options)
{
	char command[512];

	dll_need_gcc();
	snprintf(command, sizeof(command), "$gcc %s -o some.dll some.c", options);
	return build_text(source, command);
}

static struct dll build_pdb(const char *options)
{
	char command[512];

	dll_need_clang();
	snprintf(command, sizeof(command), "$pdb %s -o some.dll some.c", options);
	return build_text(source, command);
}

static void discard(struct dll *d)
{
	dll_run(d->folder, "rm -r %s", d->folder);
}

static struct model_module module_of(struct dll *d)
{
	struct model_module module = { .kind = TRACE_MODULE_PE,
				       .path = d->path,
				       .path_bytes = (uint32_t)strlen(d->path),
				       .name = d->path,
				       .base = (char *)"some.dll",
				       .build_id_bytes = sizeof(d->id) };

	memcpy(module.build_id, &d->id, sizeof(d->id));
	return module;
}

/* The RVAs of the functions that a tool of binutils lists, and what follows them. */
struct span {
	uint64_t start, end;
};

static unsigned list_spans(const struct dll *d, const char *names, struct span *spans, unsigned most)
{
	char command[512], line[512];
	unsigned count = 0;
	bool is_open = false;
	FILE *list;

	snprintf(command, sizeof(command), MINGW "nm -n %s | grep -i ' t '", d->path);
	list = popen(command, "r");
	cr_assert(list);
	while (fgets(line, sizeof(line), list)) {
		uint64_t start = strtoull(line, NULL, 16) - d->base;
		char *name = strrchr(line, ' ') + 1;

		name[strcspn(name, "\n")] = '\0';
		if (is_open)
			spans[count++].end = start;
		is_open = false;
		if (count < most && strstr(names, name) && *name != '.') {
			spans[count].start = start;
			is_open = true;
		}
	}
	pclose(list);
	return count;
}

/* Writes what we say of an RVA as addr2line does: "function\nfile:line\n" for each frame. */
static void write_ours(char *text, size_t bytes, struct symbols *s,
		       const struct model_module *module, uint64_t rva)
{
	const struct symbol *symbol = symbols_find(s, module, rva + 1);
	size_t at = 0;

	*text = '\0';
	for (; symbol && at < bytes; symbol = symbol->outer) {
		const char *slash = symbol->file ? strrchr(symbol->file, '/') : NULL;
		const char *name = symbol->linkage_name ? symbol->linkage_name : symbol->function;

		at += (size_t)snprintf(text + at, bytes - at, "%s %s:%u\n", name ? name : "??",
				       slash ? slash + 1 : "??", symbol->line);
	}
}

struct score {
	unsigned addresses, equal, inlined;
};

/* Compares each answer of addr2line to an address in `spans` with ours. */
static struct score compare(struct dll *d, const struct span *spans, unsigned count)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(d);
	struct score score = { 0 };
	char command[512], line[512], theirs[4096] = "", ours[4096], name[512] = "";
	uint64_t rva = 0;
	FILE *list, *questions;
	bool is_name = false;

	snprintf(command, sizeof(command), "%s/questions", d->folder);
	questions = fopen(command, "w");
	for (unsigned i = 0; i < count; i++)
		for (uint64_t at = spans[i].start; at < spans[i].end; at++)
			fprintf(questions, "0x%" PRIx64 "\n", at + d->base);
	fclose(questions);
	snprintf(command, sizeof(command), MINGW "addr2line -a -i -f -e %s <%s/questions; echo 0x0",
		 d->path, d->folder);
	list = popen(command, "r");
	while (fgets(line, sizeof(line), list)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0x", 2) == 0) {
			if (rva) {
				write_ours(ours, sizeof(ours), s, &module, rva);
				/* Both say that there is no function: it is padding. */
				if (*ours == '?' && *theirs == '?')
					strcpy(ours, theirs);
				score.addresses++;
				score.equal += strcmp(ours, theirs) == 0;
				score.inlined += strchr(ours, '\n')[1] != '\0';
				if (strcmp(ours, theirs) != 0 && getenv("SHOW"))
					fprintf(stderr, "%#" PRIx64 "\n-%s+%s", rva, theirs, ours);
			}
			rva = strtoull(line, NULL, 16) - d->base;
			*theirs = '\0';
			is_name = true;
		} else if (is_name) {
			snprintf(name, sizeof(name), "%s", line);
			is_name = false;
		} else {
			char *slash = strrchr(line, '/'), *colon = strrchr(line, ':');
			size_t at = strlen(theirs);

			if (!slash)
				slash = line - 1;
			snprintf(theirs + at, sizeof(theirs) - at, "%s %.*s:%u\n", name,
				 (int)(colon - slash - 1), slash + 1,
				 (unsigned)strtoul(colon + 1, NULL, 10));
			is_name = true;
		}
	}
	pclose(list);
	symbols_free(s);
	return score;
}

static void expect_like_addr2line(const char *options)
{
	struct dll d = build(options);
	struct span spans[8];
	unsigned count = list_spans(&d, "outer last hidden DllMain", spans, 8);
	struct score score = compare(&d, spans, count);

	cr_assert_geq(count, 3);
	fprintf(stderr, "%s: %u of %u addresses agree, %u of them inlined\n", options, score.equal,
		score.addresses, score.inlined);
	cr_expect_geq(score.addresses, 100);
	cr_expect_eq(score.equal, score.addresses, "%s", options);
	discard(&d);
}

Test(pe, names_lines_and_inlined_frames_are_those_of_addr2line, .timeout = 300)
{
	static const char *const levels[] = { "-O0", "-O1", "-O2", "-O3", "-Os" };
	char options[64];

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		for (int version = 4; version <= 5; version++) {
			snprintf(options, sizeof(options), "%s -g -gdwarf-%d", levels[i], version);
			expect_like_addr2line(options);
		}
}

Test(pe, a_dll_that_is_linked_elsewhere_is_named_as_well)
{
	expect_like_addr2line("-O2 -g -Wl,--image-base=0x7ff700000000");
	expect_like_addr2line("-O2 -g -Wl,--image-base=0x10000000 -Wl,--build-id");
}

Test(pe, the_dwarf_of_clang_is_read_as_well)
{
	dll_need_clang();
	expect_like_addr2line("-O2 -g -ffunction-sections -Wl,--gc-sections");
	for (int level = 0; level <= 3; level++) {
		char options[256];

		snprintf(options, sizeof(options),
			 "$(clang -target x86_64-w64-windows-gnu -O%d -g -gdwarf-4 "
			 "-c -o some.o some.c && echo some.o) -o some.dll #",
			 level);
		expect_like_addr2line(options);
	}
}

/* Both have the same code, and the DWARF of a second file, in which texts lie elsewhere. */
static void expect_like_version_4(const char *options)
{
	static const char command[] =
		"sed 's/outer/first/; s/last/second/; s/sink/other/' some.c >other.c && "
		"$clang %s -gdwarf-%d -o some.dll other.c some.c";
	char commands[2][256];
	struct symbols *s = symbols_new(NULL);
	struct model_module modules[2];
	unsigned lines = 0, inlined = 0;
	struct dll d[2];

	for (int i = 0; i < 2; i++) {
		snprintf(commands[i], sizeof(commands[i]), command, options, 4 + i);
		d[i] = build_text(source, commands[i]);
		modules[i] = module_of(&d[i]);
	}
	for (uint64_t rva = 0x1000; rva < 0x1600; rva++) {
		const struct symbol *four = symbols_find(s, &modules[0], rva + 1),
				    *five = symbols_find(s, &modules[1], rva + 1);

		for (; four && four->function && four->file; four = four->outer, five = five->outer) {
			cr_assert(five && five->function && five->file, "%s %#" PRIx64, options,
				  rva);
			cr_expect_str_eq(five->function, four->function);
			cr_expect_str_eq(strrchr(five->file, '/'), strrchr(four->file, '/'));
			cr_expect_eq(five->line, four->line, "%s %#" PRIx64 ": %u, not %u", options,
				     rva, five->line, four->line);
			cr_expect_eq(five->is_inlined, four->is_inlined);
			lines += strcmp(strrchr(four->file, '/'), "/other.c") == 0;
			inlined += four->is_inlined;
		}
	}
	cr_expect_geq(lines, 100);
	cr_expect_geq(inlined, 20);
	symbols_free(s);
	discard(&d[0]);
	discard(&d[1]);
}

/* Where it refers to names of files, clang before 19 writes what the linker makes an address of. */
Test(pe, dwarf_5_of_clang_tells_what_dwarf_4_tells, .timeout = 120)
{
	dll_need_gcc();
	dll_need_clang();
	expect_like_version_4("-O0");
	expect_like_version_4("-O1");
	expect_like_version_4("-O2");
	expect_like_version_4("-O3 -Wl,--image-base=0x7ff700000000");
}

/* Returns whether an answer is a function without a line; of these, padding has none. */
static const char *name_at(struct symbols *s, struct model_module *module, uint64_t rva)
{
	const struct symbol *symbol = symbols_find(s, module, rva + 1);

	cr_expect_null(symbol->file);
	cr_expect_eq(symbol->line, 0);
	return symbol->function;
}

static void expect_names(struct dll *d, const struct span *span, const char *const *names,
			 unsigned count)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(d);
	bool all_have_names = true;

	for (unsigned i = 0; i < count; i++) {
		const char *name = name_at(s, &module, span[i].start);

		all_have_names &= names[i] != NULL;

		cr_expect(!name == !names[i], "%u: %s", i, name ? name : "nothing");
		if (name && names[i])
			cr_expect_str_eq(name, names[i]);
		/* All of it up to padding has the same name. */
		for (uint64_t at = span[i].start; at < span[i].end; at++) {
			const char *next = name_at(s, &module, at);

			cr_expect(!next || (name && strcmp(name, next) == 0), "%u %#" PRIx64, i,
				  at - span[i].start);
			if (at - span[i].start < 8)
				cr_expect(!name == !next);
		}
	}
	cr_expect_eq(!symbols_missing(s, 0), all_have_names);
	symbols_free(s);
}

Test(pe, without_debug_information_symbols_and_then_exports_name_functions)
{
	static const char *const symbols[] = { "hidden", "outer", "last" },
				 *exports[] = { NULL, "outer", "last" };
	struct dll d = build("-O1");
	struct span spans[3];

	cr_assert_eq(list_spans(&d, "outer last hidden", spans, 3), 3);
	expect_names(&d, spans, symbols, 3);
	dll_run(d.folder, MINGW "strip some.dll");
	identify(&d);
	expect_names(&d, spans, exports, 3);
	discard(&d);
}

/* The code before the function `outer` is that of a static function, which has no name any more. */
Test(pe, what_is_behind_the_end_of_a_function_is_not_named_after_it)
{
	struct dll d = build("-O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module;
	struct span spans[3];

	cr_assert_eq(list_spans(&d, "outer last hidden", spans, 3), 3);
	dll_run(d.folder, MINGW "strip some.dll");
	identify(&d);
	module = module_of(&d);
	cr_expect_str_eq(name_at(s, &module, spans[2].start), "last");
	for (uint64_t at = spans[2].end; at < spans[2].end + 0x4000; at++)
		cr_expect_null(name_at(s, &module, at));
	symbols_free(s);
	discard(&d);
}

/* By hand: a function of two parts, of which the second leads to the first, and one without unwind
 * information, of which only the start is known. Between them and behind is something else. */
static const char parts[] =
	".section .drectve, \"yn\"\n.ascii \" -export:outer -export:leaf -export:end\"\n"
	".macro function name\n.globl \\name\n.def \\name; .scl 2; .type 32; "
	".endef\n\\name:\n.endm\n"
	".text\n.p2align 12\n"
	"function outer\n.skip 32, 0x90\nouter_end:\n.skip 32, 0x90\n"
	"function leaf\n.skip 32, 0x90\n"
	"second: .skip 32, 0x90\nsecond_end:\n.skip 32, 0x90\n"
	"other: .skip 32, 0x90\nother_end:\n.skip 32, 0x90\n"
	"function end\n.skip 2048, 0x90\n"
	".section .pdata, \"dr\"\n"
	".rva outer, outer_end, whole\n.rva second, second_end, chained\n"
	".rva other, other_end, whole\n"
	".section .xdata, \"dr\"\n"
	"whole: .byte 1, 0, 0, 0\n"
	"chained: .byte 0x21, 0, 0, 0\n.rva outer, outer_end, whole\n";

Test(pe, a_part_of_a_function_is_named_after_the_whole)
{
	static const char *const names[] = { "outer", NULL, "leaf", "outer", NULL, NULL };
	struct dll d;
	struct symbols *s = symbols_new(NULL);
	struct model_module module;
	struct span span;

	dll_need_gcc();
	d = build_text(parts, "$gcc -x assembler -o some.dll some.c");
	module = module_of(&d);
	cr_assert_eq(list_spans(&d, "outer", &span, 1), 1);
	dll_run(d.folder, MINGW "strip some.dll");
	identify(&d);
	module = module_of(&d);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned at = i * 32; at < i * 32 + 32; at++) {
			const char *name = name_at(s, &module, span.start + at);

			cr_expect(!name == !names[i] && (!name || strcmp(name, names[i]) == 0),
				  "%u: %s", at, name ? name : "nothing");
		}
	/* Nothing tells where the last one ends. */
	cr_expect(name_at(s, &module, span.start + 7 * 32));
	cr_expect(name_at(s, &module, span.start + 7 * 32 + 1023));
	cr_expect_null(name_at(s, &module, span.start + 7 * 32 + 1024));
	symbols_free(s);
	discard(&d);
}

Test(pe, a_stripped_dll_names_the_file_with_its_debug_information)
{
	struct dll d = build("-O1 -g");
	struct span spans[3];
	struct score score;

	cr_assert_eq(list_spans(&d, "outer last hidden", spans, 3), 3);
	dll_run(d.folder,
		"mkdir .debug && " MINGW
		"objcopy --only-keep-debug some.dll .debug/some.dbg && " MINGW
		"strip some.dll && " MINGW "objcopy --add-gnu-debuglink=.debug/some.dbg some.dll");
	identify(&d);
	score = compare(&d, spans, 3);
	cr_expect_geq(score.inlined, 50);
	cr_expect_eq(score.equal, score.addresses);
	/* Of another file of that name the checksum differs. */
	dll_run(d.folder, "echo >>.debug/some.dbg");
	score = compare(&d, spans, 3);
	cr_expect_eq(score.inlined, 0);
	discard(&d);
}

/* As of the C library: they tell a package's author nothing. */
Test(pe, of_the_libraries_of_windows_there_are_names_and_no_lines)
{
	struct dll d = build("-O1 -g");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&d);
	struct span span;

	cr_assert_eq(list_spans(&d, "outer", &span, 1), 1);
	module.base = (char *)"KERNEL32.DLL";
	cr_expect_str_eq(name_at(s, &module, span.start), "outer");
	symbols_free(s);
	discard(&d);
}

Test(pe, a_file_with_another_identity_is_not_used)
{
	struct dll d = build("-O1 -g");
	struct model_module modules[4];
	struct span span;

	cr_assert_eq(list_spans(&d, "outer", &span, 1), 1);
	for (unsigned i = 0; i < 4; i++) {
		struct symbols *s = symbols_new(NULL);
		struct trace_pe_id id = d.id;

		id.stamp += i == 0;
		id.image_size += i == 1;
		id.check_sum += i == 2;
		id.pdb_guid[15] += i == 3;
		modules[i] = module_of(&d);
		memcpy(modules[i].build_id, &id, sizeof(id));
		cr_expect_null(symbols_find(s, &modules[i], span.start + 1)->function, "%u", i);
		cr_assert(symbols_changed(s, 0));
		cr_expect_str_eq(symbols_changed(s, 0), d.path);
		symbols_free(s);
	}
	discard(&d);
}

/* Stripping changes size, checksum and, a second later, the stamp. */
Test(pe, a_guid_is_enough_to_know_a_build)
{
	struct dll d = build("-O1 -g -Wl,--build-id");
	struct symbols *s = symbols_new(NULL);
	struct model_module module;
	struct span span;

	cr_assert_eq(list_spans(&d, "outer", &span, 1), 1);
	dll_run(d.folder, "cp some.dll whole.dll && " MINGW "strip some.dll");
	identify(&d);
	d.id.stamp++;
	module = module_of(&d);
	dll_run(d.folder, "mv whole.dll some.dll");
	cr_expect(symbols_find(s, &module, span.start + 1)->file);
	symbols_free(s);
	discard(&d);
}

static void expect_found(struct dll *d, uint64_t rva, const struct places *places, bool is_found)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(d);

	module.path = module.name = (char *)"/elsewhere/some.dll";
	module.path_bytes = (uint32_t)strlen(module.path);
	symbols_look_in(s, places);
	cr_expect_eq(symbols_find(s, &module, rva + 1)->file != NULL, is_found);
	cr_expect_eq(symbols_missing(s, 0) == NULL, is_found);
	if (!is_found) {
		char words[64];

		snprintf(words, sizeof(words), "some.dll (%08X%x) has no symbols: it is not at ",
			 d->id.stamp, d->id.image_size);
		cr_expect(strstr(symbols_missing(s, 0), words), "%s", symbols_missing(s, 0));
	}
	symbols_free(s);
}

Test(pe, looks_where_it_is_told_to)
{
	struct dll d = build("-O1 -g");
	struct places named = { .modules.count = 1 }, folder = { .folders = { { d.folder }, 1 } },
		      root = { .sysroot = d.folder };
	char module[256];
	struct span span;

	cr_assert_eq(list_spans(&d, "outer", &span, 1), 1);
	snprintf(module, sizeof(module), "some.dll=%s", d.path);
	named.modules.item[0] = module;
	expect_found(&d, span.start, &(struct places){ 0 }, false);
	expect_found(&d, span.start, &named, true);
	expect_found(&d, span.start, &folder, true);
	expect_found(&d, span.start, &root, false);
	dll_run(d.folder, "mkdir elsewhere && cp some.dll elsewhere");
	expect_found(&d, span.start, &root, true);
	dll_run(d.folder,
		"rm -r elsewhere && mkdir -p some.dll.d/%08X%x && mv some.dll some.dll.d/* && "
		"mv some.dll.d some.dll",
		d.id.stamp, d.id.image_size);
	expect_found(&d, span.start, &folder, true);
	discard(&d);
}

Test(pe, names_data)
{
	struct dll d = build("-O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&d);
	char command[256], line[256];
	uint64_t rva, from = 99;
	const char *name;
	FILE *list;

	snprintf(command, sizeof(command), MINGW "nm %s | grep ' sink$'", d.path);
	list = popen(command, "r");
	cr_assert(fgets(line, sizeof(line), list));
	pclose(list);
	rva = strtoull(line, NULL, 16) - d.base;
	name = symbols_find_data(s, &module, rva + 2, &from);
	cr_assert(name);
	cr_expect_str_eq(name, "sink");
	cr_expect_eq(from, 2);
	cr_expect_null(symbols_find_data(s, &module, 0, &from));
	cr_expect_null(symbols_find_data(s, &module, 0x7fffffff, &from));
	symbols_free(s);
	discard(&d);
}

/* What is exported there is the name of a function of another module. */
Test(pe, a_forwarder_names_nothing)
{
	struct dll d;
	struct symbols *s = symbols_new(NULL);
	struct model_module module;
	uint64_t from;

	dll_need_gcc();
	d = build_text(source, "echo 'EXPORTS forwarder = KERNEL32.Sleep' >some.def && $gcc -s -o "
			       "some.dll some.c some.def");
	module = module_of(&d);
	for (uint64_t rva = 0x1000; rva < 0x10000; rva++) {
		const char *name = symbols_find_data(s, &module, rva, &from);

		cr_expect(!name || strcmp(name, "forwarder") != 0, "%#" PRIx64, rva);
	}
	symbols_free(s);
	discard(&d);
}

/* `name` is mangled as the compiler does it. */
static const struct symbol *find_function(struct symbols *s, struct model_module *module,
					  const char *name)
{
	for (uint64_t rva = 0x1000; rva < 0x4000; rva++)
		for (const struct symbol *symbol = symbols_find(s, module, rva + 1); symbol;
		     symbol = symbol->outer)
			if (symbol->function && strcmp(symbol->function, name) == 0)
				return symbol;
	return NULL;
}

Test(pe, demangles_the_functions_of_cpp)
{
	static const char text[] = "volatile int sink;\n"
				   "namespace shop { __attribute__((noinline)) int sell(int v) "
				   "{ return sink = v; } }\n"
				   "extern \"C\" int outer(int v) { return shop::sell(v) + 1; }\n";
	struct dll d;
	struct symbols *s = symbols_new(NULL);
	struct model_module module;
	const struct symbol *symbol;

	dll_need_gcc();
	d = build_text(text, MINGW "gcc -x c++ -shared -O1 -g -o some.dll some.c");
	module = module_of(&d);
	symbol = find_function(s, &module, "shop::sell(int)");
	cr_assert(symbol);
	cr_expect_str_eq(symbol->linkage_name, "_ZN4shop4sellEi");
	symbols_free(s);
	discard(&d);
}

/* The compiler is told that it is elsewhere. */
static void expect_path(const char *options, const char *path)
{
	struct dll d = build(options);
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&d);
	const struct symbol *symbol = find_function(s, &module, "outer");

	cr_assert(symbol && symbol->file, "%s", options);
	cr_expect_str_eq(symbol->file, path, "%s: %s", options, symbol->file);
	symbols_free(s);
	discard(&d);
}

Test(pe, paths_of_windows_have_slashes_and_a_drive)
{
	expect_path("-O1 -g -ffile-prefix-map=$PWD='C:\\build'", "C:/build/some.c");
	expect_path("-O1 -g -gdwarf-4 -ffile-prefix-map=$PWD='C:\\build'", "C:/build/some.c");
	expect_path("-O1 -g -ffile-prefix-map=$PWD='\\\\server\\share' -o some.dll $PWD/some.c #",
		    "//server/share/some.c");
	expect_path("-O1 -g -ffile-prefix-map=$PWD='C:\\build\\..\\src' -o some.dll $PWD/some.c #",
		    "C:/src/some.c");
	/* A folder of its own, that is not below the one of the unit. */
	expect_path("-O1 -g -fdebug-prefix-map=$PWD='C:\\x' "
		    "-fdebug-prefix-map=$PWD/=D:/a/.\\\\b/ -o some.dll $PWD/some.c #",
		    "D:/a/b/some.c");
	expect_path("-O1 -g -gdwarf-4 -fdebug-prefix-map=$PWD='C:\\x' "
		    "-fdebug-prefix-map=$PWD/='D:\\a\\' -o some.dll $PWD/some.c #",
		    "D:/a/some.c");
}

static void need_symbolizer(void)
{
	if (!dll_has_program("llvm-symbolizer") && !dll_has_exact_symbolizer())
		cr_skip_test("llvm-symbolizer is not installed: NOTHING IS TESTED");
}

/* What the same compilation says as DWARF. An older llvm-symbolizer cannot tell the lines of inlined functions. */
static void expect_like_dwarf(const char *options)
{
	struct dll d = build_pdb(options);
	struct symbols *s = symbols_new(NULL);
	struct model_module module, whole = module_of(&d);
	bool is_exact = dll_has_exact_symbolizer();
	unsigned lines = 0, inlined = 0;
	char path[128];

	snprintf(path, sizeof(path), "%s/whole.dll", d.folder);
	dll_run(d.folder, "cp some.dll whole.dll && " MINGW "strip -g some.dll");
	identify(&d);
	module = module_of(&d);
	whole.path = path;
	whole.path_bytes = (uint32_t)strlen(path);
	for (uint64_t rva = 0x1000; rva < 0x1300; rva++) {
		const struct symbol *theirs = symbols_find(s, &whole, rva + 1),
				    *ours = symbols_find(s, &module, rva + 1);

		for (; theirs && theirs->function; theirs = theirs->outer, ours = ours->outer) {
			bool is_left_out = theirs->is_inlined && !is_exact;

			cr_assert(ours, "%#" PRIx64, rva);
			cr_expect_str_eq(ours->function, theirs->function, "%#" PRIx64, rva);
			cr_expect_eq(ours->is_inlined, theirs->is_inlined);
			if (theirs->line)
				cr_expect_eq(ours->line, is_left_out ? 0 : theirs->line,
					     "%s %#" PRIx64 ": %u, not %u", options, rva,
					     ours->line, theirs->line);
			lines += theirs->line != 0;
			inlined += theirs->is_inlined;
		}
	}
	cr_expect_geq(lines, 100);
	cr_expect_geq(inlined, 20);
	cr_expect_eq(symbols_missing(s, 0) == NULL, is_exact);
	symbols_free(s);
	discard(&d);
}

Test(pe, a_pdb_tells_what_dwarf_tells, .timeout = 120)
{
	need_symbolizer();
	dll_need_gcc();
	expect_like_dwarf("-O0 -gdwarf-4");
	expect_like_dwarf("-O1 -gdwarf-4");
	expect_like_dwarf("-O2 -gdwarf-4");
	expect_like_dwarf("-O3 -gdwarf-4");
}

/* Asks for all of the code, and returns how many answers have a line. */
static unsigned count_lines(struct symbols *s, struct model_module *module)
{
	unsigned lines = 0;

	for (uint64_t rva = 0x1000; rva < 0x1100; rva++)
		lines += symbols_find(s, module, rva + 1)->line != 0;
	return lines;
}

/* `words` NULL: nothing is missing. Names are still those of exports. */
static void expect_pdb(struct dll *d, const struct places *places, const char *words)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(d);
	const char *missing;

	symbols_look_in(s, places);
	cr_expect_eq(count_lines(s, &module) > 0, words == NULL);
	missing = symbols_missing(s, 0);
	if (missing && strstr(missing, "older than LLVM 15"))
		missing = NULL;
	cr_expect_eq(missing != NULL, words != NULL, "%s", missing ? missing : "nothing");
	if (missing && words) {
		cr_expect(strstr(missing, "): its debug information is in some.pdb, "), "%s",
			  missing);
		cr_expect(strstr(missing, words), "%s", missing);
		cr_expect_null(symbols_missing(s, 1));
		cr_expect(find_function(s, &module, "outer"));
	}
	symbols_free(s);
}

Test(pe, a_pdb_is_found_by_name_and_known_by_its_guid, .timeout = 120)
{
	static const struct places nowhere;
	struct dll d = build_pdb("-O1"), other;
	char folder[128];
	struct places places = { .folders = { { folder }, 1 } };

	need_symbolizer();
	snprintf(folder, sizeof(folder), "%s/pdb", d.folder);
	expect_pdb(&d, &nowhere, NULL);
	discard(&d);
	d = build_pdb("-O1 -Wl,-pdbaltpath:'C:\\build\\some.pdb'");
	snprintf(folder, sizeof(folder), "%s/pdb", d.folder);
	expect_pdb(&d, &nowhere, NULL);
	dll_run(d.folder, "mkdir pdb && mv some.pdb pdb");
	expect_pdb(&d, &nowhere, "which is not beside it; --debug-dir says where it is");
	expect_pdb(&d, &places, NULL);
	other = build_pdb("-O2");
	dll_run(d.folder, "cp %s/some.pdb .", other.folder);
	expect_pdb(&d, &nowhere, "of another build");
	/* But the right one is used as well. */
	expect_pdb(&d, &places, NULL);
	discard(&d);
	discard(&other);
}

static void write_program(const struct dll *d, const char *name, const char *script)
{
	char path[256], text[1024];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	dll_write(d->folder, name, text);
	snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	cr_assert_eq(chmod(path, 0755), 0);
	setenv("PATH", d->folder, 1);
}

/* Makes a program of that name the only one of its kind. */
static void set_program(const struct dll *d, const char *script)
{
	write_program(d, "llvm-symbolizer", script);
}

Test(pe, a_pdb_without_llvm_symbolizer_is_said_to_be_unread, .timeout = 120)
{
	static const struct places nowhere;
	struct dll d = build_pdb("-O1");

	setenv("PATH", "/nonexistent", 1);
	expect_pdb(&d, &nowhere, "llvm-symbolizer, which reads it, is not installed");
	set_program(&d, "exit 1");
	expect_pdb(&d, &nowhere, "llvm-symbolizer, which reads it, has failed");
	/* It ends before it has read the question. */
	set_program(&d, "exec <&-; /bin/sleep 1; exit 0");
	expect_pdb(&d, &nowhere, "llvm-symbolizer, which reads it, has failed");
	setenv("PATH", "/usr/bin:/bin", 1);
	discard(&d);
}

static void expect_given_up(const char *script)
{
	static const struct places nowhere;
	struct dll d = build_pdb("-O1");

	set_program(&d, script);
	expect_pdb(&d, &nowhere, "llvm-symbolizer, which reads it, did not answer");
	setenv("PATH", "/usr/bin:/bin", 1);
	discard(&d);
}

Test(pe, a_program_that_does_not_answer_is_given_up_once, .timeout = 60)
{
	expect_given_up("exec /bin/sleep 100");
}

Test(pe, a_program_that_answers_no_more_is_given_up_once, .timeout = 60)
{
	expect_given_up("read l; echo '{\"Symbol\":[]}'; exec /bin/sleep 100");
}

Test(pe, odd_answers_about_a_pdb_are_no_names)
{
	struct dll d = build_pdb("-O1");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&d);
	const struct symbol *symbol;

	setenv("DEBUGINFOD_URLS", "http://127.0.0.1:9/", 1);
	set_program(&d,
		    "read l; echo '{}'; read l; echo '[3]'; read l; echo '{\"Symbol\":[{\"Line\":"
		    "\"a\"},3]}'; read l; echo '{\"Symbol\":[{\"FunctionName\":\"f\\\\u0000\","
		    "\"FileName\":\"a.c\",\"Line\":-3}]}'; read l; echo '{\"Symbol\":"
		    "[{\"FunctionName\":\"f\",\"FileName\":\"\",\"Line\":0}]}'; "
		    "while read l; do echo '{\"Symbol\":"
		    "[{\"FunctionName\":\"f'$DEBUGINFOD_URLS'\",\"FileName\":\"C:"
		    "\\\\\\\\a\\\\\\\\b.c\",\"Line\":"
		    "7}]}'; done");
	for (uint64_t offset = 1; offset < 5; offset++)
		cr_expect_null(symbols_find(s, &module, offset)->function);
	symbol = symbols_find(s, &module, 5);
	cr_assert(symbol->function);
	cr_expect_str_eq(symbol->function, "f");
	cr_expect_str_eq(symbol->file, "C:/a/b.c", "%s", symbol->file);
	cr_expect_eq(symbol->line, 7);
	cr_expect_null(symbol->outer);
	symbols_free(s);
	setenv("PATH", "/usr/bin:/bin", 1);
	discard(&d);
}

#define OLD "for i; do [ $i != --color=never ] || exit 1; done; "
#define ANSWER(name) \
	"while read l; do echo '{\"Symbol\":[{\"FunctionName\":\"" name \
	"\",\"FileName\":\"a.c\",\"Line\":7}," \
	"{\"FunctionName\":\"outer\",\"FileName\":\"a.c\",\"Line\":9}]}'; done"

/* `rva` is none that DWARF knows. */
static void expect_answer(struct dll *d, const char *name, unsigned line)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(d);
	const struct symbol *symbol = symbols_find(s, &module, 0x8000);
	const char *missing = symbols_missing(s, 0);

	cr_assert(symbol->function && symbol->outer, "%s", name);
	cr_expect_str_eq(symbol->function, name);
	cr_expect_eq(symbol->line, line, "%s: %u", name, symbol->line);
	cr_expect_eq(symbol->outer->line, 9);
	cr_expect_eq(missing == NULL, line != 0);
	if (missing)
		cr_expect(strstr(missing, "older than LLVM 15"), "%s", missing);
	symbols_free(s);
}

Test(pe, the_newest_llvm_symbolizer_is_asked)
{
	struct dll d = build_pdb("-O1");

	write_program(&d, "llvm-symbolizer-14", OLD ANSWER("fourteen"));
	expect_answer(&d, "fourteen", 0);
	write_program(&d, "llvm-symbolizer", OLD ANSWER("old"));
	expect_answer(&d, "old", 0);
	write_program(&d, "llvm-symbolizer", ANSWER("new"));
	expect_answer(&d, "new", 7);
	write_program(&d, "llvm-symbolizer-15", ANSWER("fifteen"));
	expect_answer(&d, "fifteen", 7);
	write_program(&d, "llvm-symbolizer-19", ANSWER("nineteen"));
	expect_answer(&d, "nineteen", 7);
	setenv("PATH", "/usr/bin:/bin", 1);
	discard(&d);
}

/* One that finds DWARF in the file would read that. */
Test(pe, a_pdb_beside_dwarf_is_read_for_what_that_does_not_tell)
{
	struct dll d = build_pdb("-O1 -gdwarf-4");
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(&d);

	set_program(&d, "/bin/grep -q debug_info ${1#--obj=} && exit 1; /bin/grep -q debug_abbrev "
			"${1#--obj=} || exit 1; " ANSWER("asked"));
	expect_answer(&d, "asked", 7);
	set_program(&d, "exit 1");
	cr_expect(symbols_find(s, &module, 0x1001)->line);
	cr_expect_null(symbols_missing(s, 0));
	symbols_find(s, &module, 0x8000);
	cr_assert(symbols_missing(s, 0));
	cr_expect(strstr(symbols_missing(s, 0), "llvm-symbolizer, which reads it, has failed"),
		  "%s", symbols_missing(s, 0));
	symbols_free(s);
	setenv("PATH", "/usr/bin:/bin", 1);
	discard(&d);
}

/* Asks for much of a module, whatever the answers are. */
static void ask_for_all(struct dll *d)
{
	struct symbols *s = symbols_new(NULL);
	struct model_module module = module_of(d);
	uint64_t from;

	module.build_id_bytes = 0;
	for (uint64_t rva = 0; rva < 0x9000; rva += 0x31) {
		symbols_find(s, &module, rva);
		symbols_find_data(s, &module, rva, &from);
	}
	symbols_find(s, &module, 0x1001);
	symbols_find(s, &module, UINT32_MAX);
	symbols_find(s, &module, UINT64_MAX);
	symbols_find_data(s, &module, UINT64_MAX, &from);
	symbols_free(s);
}

static void write_bytes(const char *path, const unsigned char *bytes, size_t count)
{
	FILE *file = fopen(path, "w");

	cr_assert(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

/* Half of the damage is in the headers and tables at the start of the file. */
static void damage(struct dll *d, unsigned rounds)
{
	static const uint32_t values[] = { 0, 1, 4, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	FILE *file = fopen(d->path, "r");
	unsigned char *bytes, *copy;
	size_t size;

	fseek(file, 0, SEEK_END);
	size = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(size);
	copy = malloc(size);
	cr_assert_eq(fread(bytes, 1, size, file), size);
	fclose(file);
	srandom(4711);
	for (unsigned i = 0; i < rounds; i++) {
		memcpy(copy, bytes, size);
		for (unsigned j = 0; j <= i % 4; j++) {
			size_t most = (size_t)random() % 2 ? 0x600 : size;
			size_t at = (size_t)random() % (most - 4) & ~(size_t)(random() % 2);

			memcpy(copy + at, &values[random() % 7], random() % 2 ? 4 : 1);
		}
		write_bytes(d->path, copy, i % 5 ? size : (size_t)random() % size);
		ask_for_all(d);
	}
	for (size_t count = 0; count < 0x700; count += 7) {
		write_bytes(d->path, bytes, count);
		ask_for_all(d);
	}
	free(bytes);
	free(copy);
}

Test(pe, damaged_files_do_no_harm, .timeout = 300)
{
	struct dll d = build("-O1 -g"), stripped = build("-O1 -s");

	damage(&d, 300);
	damage(&stripped, 300);
	discard(&d);
	discard(&stripped);
	if (!dll_has_clang())
		return;
	d = build_text(source, "$clang -O1 -gdwarf-5 -o some.dll some.c");
	damage(&d, 300);
	discard(&d);
}

Test(pe, damaged_pdbs_do_no_harm)
{
	struct dll d = build_pdb("-O1");
	char path[128];

	/* Only who reads the GUID is at stake: no program is there to read the rest. */
	setenv("PATH", "/nonexistent", 1);
	snprintf(path, sizeof(path), "%s/some.pdb", d.folder);
	for (size_t at = 0; at < 0x40; at++) {
		static const uint32_t values[] = { 0, 1, 0x80000000, 0xffffffff };
		struct symbols *s = symbols_new(NULL);
		struct model_module module = module_of(&d);
		FILE *file = fopen(path, "r+");

		fseek(file, (long)at, SEEK_SET);
		fwrite(&values[at % 4], 4, 1, file);
		fclose(file);
		symbols_find(s, &module, 0x1001);
		symbols_free(s);
	}
	setenv("PATH", "/usr/bin:/bin", 1);
	discard(&d);
}
