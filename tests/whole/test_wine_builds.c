/* SPDX-License-Identifier: MIT */
/*
 * One package, built by each compiler for Windows in many ways, and called under Wine. Each gets the same
 * findings; functions and lines are those that its debug information can tell.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/expect.h"
#include "tests/support/json.h"
#include "tests/support/wine.h"

#define PE_HOST_EXE BUILD_DIR "/tests/pehost.exe"

enum { LEAKS = 3, DLLS_MOST = 64 };

static const char source[] =
	"#include \"tests/packages/package.h\"\n"
	"static inline __attribute__((always_inline)) PVOID take(ULONG bytes)\n"
	"{\n"
	"	return lsa->AllocateLsaHeap(bytes);\n" /* line 4 */
	"}\n"
	"static NOINLINE PVOID leak(ULONG bytes)\n"
	"{\n"
	"	PVOID block = take(bytes);\n" /* line 8 */
	"	return block ? (char *)block + bytes : NULL;\n"
	"}\n"
	"static volatile PVOID sink;\n"
	"static NOINLINE void free_twice(void)\n"
	"{\n"
	"	PVOID block = lsa->AllocateLsaHeap(99);\n"
	"	lsa->FreeLsaHeap(block);\n"
	"	lsa->FreeLsaHeap(block);\n" /* line 16 */
	"	sink = block;\n"
	"}\n"
	"static void run(PLSA_CLIENT_REQUEST client, const char *command)\n"
	"{\n"
	"	(void)client, (void)command;\n"
	"	for (ULONG i = 0; i < 3; i++)\n"
	"		sink = leak(40 + i);\n" /* line 23 */
	"	free_twice();\n"                /* line 24 */
	"	sink = NULL;\n"
	"}\n"
	"PACKAGE(\"built\", run)\n";

/*
 * $1 is the checkout. Prints the names of the DLLs. What the debug information tells is in their names: lines
 * with functions that are inlined, names of functions, or nothing. What clang 14 writes as DWARF 5 for Windows
 * has wrong offsets: lld links it nevertheless, mingw-w64's linker does not.
 */
static const char build[] =
	"flags=\"-std=gnu11 -I$1 -fno-optimize-sibling-calls\" gcc=x86_64-w64-mingw32-gcc\n"
	"clang='clang --target=x86_64-w64-mingw32'\n"
	"lld=\"-fuse-ld=lld -L$(dirname \"$($gcc -print-libgcc-file-name)\")\"\n"
	"versions='4 5'\n"
	"make() { name=$1 cc=$2; shift 2; $cc $flags \"$@\" -shared -o $name.dll built.c && echo "
	"$name.dll; }\n"
	"$clang $flags -gdwarf-5 -c built.c && $gcc -shared -o x.dll built.o || versions=4\n"
	"set -e\n"
	"for o in 0 1 2 3; do\n"
	"	for pointer in -fomit-frame-pointer -fno-omit-frame-pointer; do\n"
	"		for v in 4 5; do\n"
	"			make lines-gcc-$o$pointer-$v $gcc -O$o $pointer -gdwarf-$v\n"
	"		done\n"
	"		for v in ${2:+$versions}; do\n"
	"			make lines-clang-$o$pointer-$v \"$clang $lld\" -O$o $pointer "
	"-gdwarf-$v\n"
	"		done\n"
	"	done\n"
	"	make names-$o $gcc -O$o\n"
	"	make bare-$o $gcc -O$o -s\n"
	"	for pdb in ${3:+lines-o$o-pdb}; do\n"
	"		make $pdb \"$clang $lld\" -O$o -g -gcodeview -Wl,--pdb=$pdb.pdb\n"
	"	done\n"
	"done\n";

static bool is_there(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return system(command) == 0;
}

static char *folder;

static void start(void)
{
	wine_start(PE_HOST_EXE);
	folder = temporary_folder_new();
	cr_assert_eq(chdir(folder), 0);
}

static void stop(void)
{
	wine_stop();
	temporary_folder_remove(folder);
}

TestSuite(wine_builds, .init = start, .fini = stop, .timeout = 280);

/* Returns the host's command: the host, and the name of each DLL. */
static const char **build_all(char *names)
{
	static const char *command[DLLS_MOST + 4] = { "wine", PE_HOST_EXE, "name" };
	bool has_clang = is_there("clang") && is_there("ld.lld");
	FILE *file = fopen("built.c", "w");
	struct run run;
	int count = 3;

	cr_assert(file && fputs(source, file) >= 0 && fclose(file) == 0);
	run = run_command((const char *const[]){
		"sh", "-c", build, "sh", SOURCE_DIR, has_clang ? "clang" : "",
		has_clang && is_there("llvm-symbolizer") ? "pdb" : "", NULL });
	cr_assert_eq(run.status, 0, "%.3000s", run.err);
	strcpy(names, run.out);
	run_release(&run);
	for (char *name = strtok(names, "\n"); name; name = strtok(NULL, "\n")) {
		cr_assert_lt(count, DLLS_MOST);
		command[count++] = name;
	}
	return command;
}

struct frame {
	const char *function;
	long long line;
	bool is_inlined;
};

/* Of an inlined function that has a PDB, llvm-symbolizer 14 tells the line of what comes next, unless the address
 * is the first one of a line. */
static bool is_frame(const json_t *frame, const struct frame *expected, const char *dll)
{
	bool is_doubtful = strstr(dll, "pdb") && json_is_true(json_at(frame, "inlined"));
	bool has_lines = strncmp(dll, "lines", 5) == 0 && !is_doubtful;

	return json_same_text(json_text_at(frame, "function"), expected->function) &&
	       (!has_lines || (json_number_at(frame, "line") == expected->line &&
			       (!expected->is_inlined || json_is_true(json_at(frame, "inlined")))));
}

/* How often is a kind found that has these frames innermost, in a DLL? */
static long long count_of(const struct traced *traced, const char *dll, const char *kind,
			  const char *role, const struct frame *frames, size_t frame_count)
{
	const json_t *finding;
	long long count = 0;
	size_t i;

	json_array_foreach(json_at(traced->report, "findings"), i, finding)
	{
		const json_t *stack = json_at(json_at(finding, "stacks"), role);
		const json_t *innermost = json_array_get(stack, 0);
		const char *module = json_text_at(innermost, "module");
		bool is_it = json_same_text(json_text_at(finding, "kind"), kind) && module &&
			     strstr(module, dll);

		for (size_t j = 0; is_it && j < frame_count; j++)
			is_it = is_frame(json_array_get(stack, j), &frames[j], dll);
		count += is_it ? json_number_at(finding, "count") : 0;
	}
	return count;
}

/* A function that is inlined is no frame if only symbols tell. */
static void expect_found(const struct traced *traced, const char *dll)
{
	static const struct frame leak[] = { { "take", 4, true },
					     { "leak", 8, false },
					     { "run", 23, false } };
	static const struct frame twice[] = { { "free_twice", 16, false }, { "run", 24, false } };
	bool has_lines = strncmp(dll, "lines", 5) == 0, has_names = strncmp(dll, "bare", 4) != 0;

	cr_expect_eq(count_of(traced, dll, "block-leak", "allocate", has_lines ? leak : leak + 1,
			      has_lines   ? 3
			      : has_names ? 1
					  : 0),
		     LEAKS, "%s: leaks", dll);
	cr_expect_eq(count_of(traced, dll, "double-free", "call", twice,
			      has_lines   ? 2
			      : has_names ? 1
					  : 0),
		     1, "%s: frees", dll);
}

Test(wine_builds, each_build_of_a_package_gets_the_same_findings)
{
	static char names[4096];
	const char **command = build_all(names);
	struct traced traced = trace_one(command);
	long long dlls = 0;

	for (; command[3 + dlls]; dlls++)
		expect_found(&traced, command[3 + dlls]);
	expect_exact(&traced);
	cr_expect_geq(dlls, 24);
	cr_expect_eq(findings_of(&traced, "block-leak"), LEAKS * dlls);
	cr_expect_eq(findings_of(&traced, NULL), (LEAKS + 1) * dlls);
	traced_release(&traced);
}
