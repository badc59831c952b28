/* SPDX-License-Identifier: MIT */
/*
 * One package, built by each compiler for Windows in many ways, and called under Wine by a host that is built in
 * many ways as well. Each gets the same findings; functions and lines are those that its debug information can
 * tell.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/dll.h"
#include "tests/support/expect.h"
#include "tests/support/json.h"
#include "tests/support/wine.h"

#define TAKEN_BASE 0x140000000 /* by the program */

enum { LEAKS = 3 };

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

/* Blocks are not given back: who frees one twice does no harm. */
static const char host[] =
	"#include <stdio.h>\n"
	"#include \"include/secpkg.h\"\n"
	"#define INSIDE static inline __attribute__((always_inline))\n"
	"void *LoadLibraryA(const char *);\n"
	"void *GetProcAddress(void *, const char *);\n"
	"int FreeLibrary(void *);\n"
	"static char memory[1 << 16];\n"
	"static ULONG used;\n"
	"static PVOID allocate(ULONG bytes)\n"
	"{\n"
	"	used += 128;\n"
	"	return bytes < 128 ? memory + used - 128 : NULL;\n"
	"}\n"
	"static void leave(PVOID block) { (void)block; }\n"
	"static LSA_SECPKG_FUNCTION_TABLE lsa = { .AllocateLsaHeap = allocate, .FreeLsaHeap = "
	"leave };\n"
	"INSIDE NTSTATUS enter(PSECPKG_FUNCTION_TABLE package)\n"
	"{\n"
	"	PVOID answer;\n"
	"	ULONG bytes;\n"
	"	NTSTATUS status, protocol;\n"
	"	status = package->CallPackage(NULL, \"\", NULL, 0, &answer, &bytes, &protocol);\n" /* line 21 */
	"	return status + (answer != NULL);\n"
	"}\n"
	"static __attribute__((noinline)) int drive(const char *path)\n"
	"{\n"
	"	void *library = LoadLibraryA(path);\n"
	"	PSECPKG_FUNCTION_TABLE package;\n"
	"	ULONG version, count;\n"
	"	((SpLsaModeInitializeFn)GetProcAddress(library, SECPKG_LSAMODEINIT_NAME))(1, "
	"&version, "
	"&package, &count);\n"
	"	package->Initialize(1, NULL, &lsa);\n"
	"	NTSTATUS status = enter(package);\n" /* line 31 */
	"	printf(\"%s: %d\\n\", path, (int)status);\n"
	"	package->Shutdown();\n"
	"	return FreeLibrary(library);\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	int freed = 0;\n"
	"	for (int i = 1; i < argc; i++)\n"
	"		freed += drive(argv[i]);\n" /* line 40 */
	"	return freed + 40;\n"
	"}\n";

/*
 * What the debug information tells is in the names of the DLLs: lines with functions that are inlined, names of
 * functions, or nothing; and whether the base for which they are linked is taken by the host.
 */
static const char build[] =
	"o=%d\n"
	"clang_ways='%s'\n"
	"flags='-std=gnu11 -I" SOURCE_DIR " -fno-optimize-sibling-calls'\n"
	"turn=$o\n"
	"set -e\n"
	"make() {\n"
	"	name=$1-O$o.dll base= turn=$((turn + 1))\n"
	"	[ $((turn %% 2)) = 0 ] || name=moved-$name base=-Wl,--image-base=0x140000000\n"
	"	shift\n"
	"	$* $flags -O$o $base -o $name built.c\n"
	"}\n"
	"debug() {\n"
	"	case $1 in\n"
	"	*pdb) echo \"-g -gcodeview -Wl,--pdb=$2.pdb\" ;;\n"
	"	*) echo -gdwarf-${1#*-} ;;\n"
	"	esac\n"
	"}\n"
	"for pointer in -fomit-frame-pointer -fno-omit-frame-pointer; do\n"
	"	for way in gcc-4 gcc-5 $clang_ways; do\n"
	"		eval cc=\\$${way%%-*}\n"
	"		make lines-$way$pointer \"$cc $pointer $(debug $way lines-$way$pointer)\"\n"
	"	done\n"
	"done\n"
	"for compiler in gcc ${clang_ways:+clang}; do\n"
	"	eval cc=\\$$compiler\n"
	"	make names-$compiler \"$cc\"\n"
	"	make bare-$compiler \"$cc -s\"\n"
	"done\n"
	"make lines-beside \"$gcc -g\"\n" MINGW
	"objcopy --only-keep-debug $name $name.debug\n" MINGW "strip $name\n" MINGW
	"objcopy --add-gnu-debuglink=$name.debug $name\n"
	"way=$(echo gcc-4 ${clang_ways:-gcc-5 gcc-4 gcc-5} | cut -d ' ' -f $((o + 1)))\n"
	"eval cc=\\$${way%%-*}\n"
	"${cc%%-shared*} ${cc#*-shared} $flags -O$o $(debug $way host) -o host-$way.exe host.c\n";

static char *folder;

static void start(void)
{
	wine_start(LSA_HOST_EXE);
	folder = temporary_folder_new();
	cr_assert_eq(chdir(folder), 0);
}

static void stop(void)
{
	wine_stop();
	temporary_folder_remove(folder);
}

TestSuite(wine_builds, .init = start, .fini = stop, .timeout = 280);

struct frame {
	const char *function;
	long long line;
	bool is_inlined;
};

/* Of a function that is inlined, an older llvm-symbolizer cannot tell the line. */
static bool is_frame(const json_t *frame, const struct frame *expected, bool is_exact)
{
	bool is_inlined = json_is_true(json_at(frame, "inlined"));
	const char *module = json_text_at(frame, "module");
	long long line = json_number_at(frame, "line");

	if (!json_same_text(json_text_at(frame, "function"), expected->function))
		return false;
	if (!is_exact && is_inlined && module && strstr(module, "pdb"))
		return line == -1;
	return (expected->line == 0 || line == expected->line) &&
	       (!expected->is_inlined || is_inlined);
}

/* The frames follow each other: at the innermost one, or anywhere. */
static bool has_frames(const json_t *stack, const struct frame *frames, size_t count,
		       bool is_innermost)
{
	bool is_exact = dll_has_exact_symbolizer();

	for (size_t i = 0; i + count <= json_array_size(stack) && (i == 0 || !is_innermost); i++) {
		size_t same = 0;

		while (same < count &&
		       is_frame(json_array_get(stack, i + same), &frames[same], is_exact))
			same++;
		if (same == count)
			return true;
	}
	return false;
}

static bool is_moved(const json_t *frame)
{
	const char *address = json_text_at(frame, "address");

	return strtoll(address, NULL, 16) - json_number_at(frame, "offset") != TAKEN_BASE;
}

/* How often is a kind found that has these frames innermost, in a DLL, and is called by the host? */
static long long count_of(const struct traced *traced, const char *dll, const char *kind,
			  const char *role, const struct frame *frames, size_t frame_count)
{
	static const struct frame host_frames[] = { { "enter", 21, true },
						    { "drive", 31, false },
						    { "main", 40, false } };
	const json_t *finding;
	long long count = 0;
	size_t i;

	json_array_foreach(json_at(traced->report, "findings"), i, finding)
	{
		const json_t *stack = json_at(json_at(finding, "stacks"), role);
		const json_t *innermost = json_array_get(stack, 0);
		const char *module = json_text_at(innermost, "module");

		if (!json_same_text(json_text_at(finding, "kind"), kind) || !module ||
		    !json_same_text(strrchr(module, '/') + 1, dll))
			continue;
		cr_expect(is_moved(innermost) || strncmp(dll, "moved", 5) != 0, "%s", dll);
		if (has_frames(stack, frames, frame_count, true) &&
		    has_frames(stack, host_frames, 3, false))
			count += json_number_at(finding, "count");
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
	static const struct frame leak_name = { "leak", 0, false },
				  twice_name = { "free_twice", 0, false };
	bool has_lines = strstr(dll, "lines-"), has_names = has_lines || strstr(dll, "names-");

	cr_expect_eq(count_of(traced, dll, "block-leak", "allocate", has_lines ? leak : &leak_name,
			      has_lines ? 3 : has_names),
		     LEAKS, "%s: leaks", dll);
	cr_expect_eq(count_of(traced, dll, "double-free", "call", has_lines ? twice : &twice_name,
			      has_lines ? 2 : has_names),
		     1, "%s: frees", dll);
}

/* As on another machine: of all files, only the packed trace is there. */
static void expect_packed(const struct traced *traced)
{
	static const char *const packed[] = { "packed.zst", NULL };
	struct run run =
		run_command(COMMAND("sh", "-c", "\"$0\" pack -o packed.zst \"$1\" && rm *.[a-y]*",
				    LSATRACE, traced->traces.all[0]));
	json_t *report;
	int status;

	cr_assert_eq(run.status, 0, "%s", run.err);
	report = traced_report(packed, &status);
	cr_expect(json_equal(json_at(report, "findings"), json_at(traced->report, "findings")));
	run_release(&run);
	json_decref(report);
}

/* With the DLLs of a level of optimisation. */
static void expect_level(int level)
{
	bool has_pdbs = dll_has_exact_symbolizer() || dll_has_program("llvm-symbolizer");
	struct arguments command = { 0 }, hosts = { 0 }, dlls = { 0 };
	struct traced traced;

	dll_write(".", "built.c", source);
	dll_write(".", "host.c", host);
	dll_run(".", build, level,
		!dll_has_clang() ? ""
		: has_pdbs       ? "clang-4 clang-5 clang-pdb"
				 : "clang-4 clang-5");
	folder_list(&hosts, ".", ".exe");
	folder_list(&dlls, ".", ".dll");
	cr_assert(hosts.count == 1 && dlls.count >= 7);
	arguments_add(&command, "wine");
	arguments_add(&command, "%s", hosts.all[0]);
	for (size_t i = 0; i < dlls.count; i++)
		arguments_add(&command, "%s", strrchr(dlls.all[i], '/') + 1);
	traced = trace_one((const char *const *)command.all);
	for (size_t i = 0; i < dlls.count; i++)
		expect_found(&traced, command.all[2 + i]);
	expect_exact(&traced);
	expect_end(&traced, "exit", 40 + (long long)dlls.count);
	cr_expect_eq(findings_of(&traced, "block-leak"), LEAKS * (long long)dlls.count);
	cr_expect_eq(findings_of(&traced, NULL), (LEAKS + 1) * (long long)dlls.count);
	expect_packed(&traced);
	traced_release(&traced);
	arguments_release(&dlls);
	arguments_release(&hosts);
	arguments_release(&command);
}

Test(wine_builds, each_build_without_optimisation_gets_the_same_findings)
{
	expect_level(0);
}

Test(wine_builds, each_build_at_level_1_gets_the_same_findings)
{
	expect_level(1);
}

Test(wine_builds, each_build_at_level_2_gets_the_same_findings)
{
	expect_level(2);
}

Test(wine_builds, each_build_at_level_3_gets_the_same_findings)
{
	expect_level(3);
}
