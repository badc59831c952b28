/* SPDX-License-Identifier: MIT */
/* Reports about a DLL for Windows, which mingw-w64 builds: of traces that are made here, without Wine. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run.h"
#include "tests/support/trace_builder.h"
#include "viewer/pe/pe_file.h"

#define LSATRACE BUILD_DIR "/lsatrace"
#define COMMAND(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char source[] = "volatile int sink;\n"
			     "static inline __attribute__((always_inline)) void take(int v)\n"
			     "{\n"
			     "	sink = v;\n"
			     "}\n"
			     "__declspec(dllexport) int leak(int v)\n"
			     "{\n"
			     "	take(v);\n" /* line 8 */
			     "	return sink;\n"
			     "}\n";

/* Runs a script in a folder. In it, $0 is lsatrace. */
static void expect_success(const char *folder, const char *script)
{
	struct run run = run_command(
		COMMAND("sh", "-c", "cd \"$1\" && eval \"$2\"", LSATRACE, folder, script));

	cr_assert(run.status == 0, "%s: %d\n%.3000s\n%.3000s", script, run.status, run.out, run.err);
	run_release(&run);
}

static uint64_t find_symbol(const char *folder, const char *name, uint64_t base)
{
	char command[512];
	unsigned long long address = 0;
	FILE *list;

	snprintf(command, sizeof(command),
		 "cd %s && x86_64-w64-mingw32-nm some.dll | grep ' T %s$'", folder, name);
	list = popen(command, "r");
	cr_assert(list && fscanf(list, "%llx", &address) == 1);
	pclose(list);
	return address - base;
}

/* A folder with some.dll, and a.trace, in which a process of Wine has leaked a block by way of it. The
 * compiler was told that the source is in C:\build\src. It ends by a status, after an exception in that DLL or
 * without one, which is 0. */
static char *record_end(uint32_t status, uint32_t exception)
{
	struct trace_builder *b = trace_builder_new();
	char *folder = temporary_folder_new(), path[512];
	struct pe_file *file;
	struct trace_pe_id id;
	uint64_t frame;
	FILE *text;

	if (system("command -v x86_64-w64-mingw32-gcc >/dev/null"))
		cr_skip_test("mingw-w64 is not installed: NOTHING IS TESTED");
	snprintf(path, sizeof(path), "%s/some.c", folder);
	text = fopen(path, "w");
	cr_assert(text && fputs(source, text) >= 0 && fclose(text) == 0);
	expect_success(folder, "x86_64-w64-mingw32-gcc -shared -g -O1 -o some.dll "
			       "-ffile-prefix-map=$PWD='C:\\build\\src' some.c");
	snprintf(path, sizeof(path), "%s/some.dll", folder);
	file = pe_file_open(path);
	cr_assert(file);
	pe_file_identify(file, &id);
	trace_builder_pe_module(b, 1, path, 0x180000000, &id);
	frame = trace_builder_frame(1, find_symbol(folder, "leak", pe_file_base(file)) + 6);
	pe_file_close(file);
	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/usr/lib/wine/wine64");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, "Z:\\home\\pehost.exe");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 1, "some.dll");
	trace_builder_package(b, 0, "SOME", 7, 1);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 1, 0, 64);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = 64,
						     .stack = trace_builder_stack(b, &frame, 1),
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	trace_builder_header(b)->exit_status = (int32_t)status;
	trace_builder_header(b)->exception = exception;
	trace_builder_header(b)->exception_stack = exception ? trace_builder_stack(b, &frame, 1) : 0;
	snprintf(path, sizeof(path), "cp %s a.trace", trace_builder_write(b));
	expect_success(folder, path);
	trace_builder_free(b);
	return folder;
}

static char *record(void)
{
	return record_end(0, 0);
}

Test(windows, reports_name_the_program_and_the_functions_of_a_dll)
{
	char *folder = record();

	expect_success(folder,
		       "\"$0\" report --fail-on=never --frames=all a.trace >t; cat t; "
		       "grep '^  process [0-9]*: Z:.home.pehost.exe some.dll$' t && "
		       "grep 'take.* at C:/build/src/some.c:4' t && "
		       "grep 'leak.* at C:/build/src/some.c:8' t && ! grep -q 'no symbols' t");
	expect_success(folder, "\"$0\" report --fail-on=never --format=json a.trace >t; cat t; "
			       "grep '\"exe\": *\"Z:/home/pehost.exe\"' t && "
			       "grep '\"file\": *\"C:/build/src/some.c\"' t && "
			       "grep '\"code_id\": *\"[0-9A-F]\\{8\\}[0-9a-f]*\"' t");
	expect_success(folder, "\"$0\" report --fail-on=never --format=html a.trace >t; "
			       "grep pehost.exe t && ! grep wine64 t");
	expect_success(folder,
		       "mkdir none && \"$0\" report --fail-on=never --format=sarif "
		       "--source-root=none a.trace >t; cat t; "
		       "grep 'file:///C:/build/src/some.c' t && grep 'lsatrace/pehost.exe' t");
	temporary_folder_remove(folder);
}

Test(windows, json_is_as_the_published_schema_says)
{
	char *folder = record();

	if (system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null"))
		cr_skip_test("python3-jsonschema is not installed");
	expect_success(folder, "\"$0\" report --fail-on=never --format=json a.trace >t; "
			       "/usr/bin/python3 -W ignore -m jsonschema -i t '" SOURCE_DIR
			       "/viewer/lsatrace.schema.json'");
	temporary_folder_remove(folder);
}

/* The checkout is elsewhere, and has only the last folders of the path. */
Test(windows, a_source_is_found_below_the_root_by_the_end_of_its_path)
{
	char *folder = record();

	expect_success(folder,
		       "mkdir -p root/src && cp some.c root/src && \"$0\" report "
		       "--fail-on=never --format=sarif --source-root=root a.trace >t; cat t; "
		       "grep '\"uri\": *\"src/some.c\"' t && grep uriBaseId t");
	expect_success(folder, "rm root/src/some.c; \"$0\" report --fail-on=never --format=sarif "
			       "--source-root=root a.trace >t; cat t; "
			       "grep '\"uri\": *\"file:///C:/build/src/some.c\"' t");
	expect_success(folder, "cp some.c root && \"$0\" report --fail-on=never --format=gitlab "
			       "--source-root=root a.trace >t; cat t; "
			       "grep '\"path\": *\"some.c\"' t");
	temporary_folder_remove(folder);
}

Test(windows, a_packed_trace_says_the_same_without_the_dll)
{
	char *folder = record();

	expect_success(folder,
		       "for f in text json html; do \"$0\" report --fail-on=never --frames=all "
		       "--format=$f a.trace >$f || exit; done; \"$0\" pack a.trace && "
		       "mv a.trace.zst a.trace && rm some.dll && for f in text json html; do "
		       "\"$0\" report --fail-on=never --frames=all --format=$f a.trace >t && "
		       "cmp t $f || exit; done");
	temporary_folder_remove(folder);
}

Test(windows, another_dll_of_that_name_is_not_used_and_that_is_said)
{
	char *folder = record();

	expect_success(
		folder,
		"x86_64-w64-mingw32-gcc -shared -g -O2 -o some.dll some.c -Wl,--build-id && "
		"\"$0\" report --fail-on=never --frames=all a.trace >t; cat t; "
		"! grep 'leak at ' t && grep 'some.dll' t | grep -i 'changed\\|not the file'");
	temporary_folder_remove(folder);
}

static const char host[] =
	"#include <dlfcn.h>\n"
	"#include \"secpkg.h\"\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	SpLsaModeInitializeFn entry = (SpLsaModeInitializeFn)dlsym(\n"
	"		dlopen(argc > 1 ? argv[1] : \"\", RTLD_NOW), \"SpLsaModeInitialize\");\n"
	"	static LSA_SECPKG_FUNCTION_TABLE functions;\n"
	"	SECPKG_PARAMETERS parameters = { 0 };\n"
	"	PSECPKG_FUNCTION_TABLE tables;\n"
	"	ULONG version, count;\n"
	"\n"
	"	return entry(0x10000, &version, &tables, &count) ||\n"
	"	       tables->Initialize(1, &parameters, &functions);\n"
	"}\n";

/* A host that is called wine64, and a package that is called like a program: that is what Wine looks like. */
Test(windows, a_trace_is_called_after_the_program_and_has_no_empty_arguments_at_the_end)
{
	char *folder = temporary_folder_new(), path[512];
	FILE *text;

	snprintf(path, sizeof(path), "%s/host.c", folder);
	text = fopen(path, "w");
	cr_assert(text && fputs(host, text) >= 0 && fclose(text) == 0);
	expect_success(folder,
		       "cc -I'" SOURCE_DIR "/include' -o wine64 host.c -ldl && cp '" BUILD_DIR
		       "/tests/packages/clean.so' clean.EXE.so && "
		       "\"$0\" record -o '%e.trace' -- ./wine64 \"$PWD/clean.EXE.so\" '' ''; "
		       "\"$0\" report --format=json clean.EXE.so.trace >t; cat t; "
		       "tr -d ' \n' <t | grep 'clean.EXE.so\"\\],\"start_time\"' && "
		       "grep '\"exe\": *\"/.*/clean.EXE.so\"' t");
	/* Nothing else is changed. */
	expect_success(folder,
		       "mv wine64 host && \"$0\" record -o '%e.trace' -- ./host "
		       "\"$PWD/clean.EXE.so\" '' ''; \"$0\" report --format=json host.trace >t; "
		       "tr -d ' \n' <t | grep 'clean.EXE.so\",\"\",\"\"\\],\"start_time\"' && "
		       "grep '\"exe\": *\"/.*/host\"' t");
	temporary_folder_remove(folder);
}

/* Runs a script with such a trace. */
static void expect_end(uint32_t status, uint32_t exception, const char *script)
{
	char *folder = record_end(status, exception);

	expect_success(folder, script);
	temporary_folder_remove(folder);
}

Test(windows, an_exception_that_ended_the_process_is_told)
{
	expect_end(139, 0xc0000005,
		   "\"$0\" report --fail-on=never a.trace >t; cat t; grep -A7 '^  crashed by "
		   "exception "
		   "0xc0000005 (access violation), and exited with status 139$' t | "
		   "grep -A1 '^  it crashed here:' | grep 'take.* at C:/build/src/some.c:4'");
	expect_end(139, 0xc0000005,
		   "\"$0\" report --fail-on=never --format=html a.trace >t; grep -A1 "
		   "'^<h4>It crashed here</h4>$' t | grep '^<pre class=stack>take  "
		   "C:/build/src/some.c:4'");
	expect_end(0xc0000005, 0,
		   "\"$0\" report --fail-on=never a.trace >t; cat t; grep '^  crashed by exception "
		   "0xc0000005 (access violation), and exited with status 5$' t && "
		   "! grep 'crashed here' t");
	/* What a function may return: STATUS_ACCESS_DENIED. */
	expect_end(0xc0000022, 0, "\"$0\" report --fail-on=never a.trace | grep ' exited with'");
}

/* Wine's debugger may end it with any status. */
Test(windows, a_crash_whose_status_is_0_is_no_success)
{
	expect_end(
		0, 0xe0001234,
		"echo leak:some.dll >s; \"$0\" report --strict --suppressions=s a.trace >t 2>&1; "
		"test $? = 2 && grep 'a program crashed, though its exit status is 0' t");
	expect_end(1, 0xe0001234,
		   "echo leak:some.dll >s; \"$0\" report --strict --suppressions=s a.trace");
}

/* DEBUGINFOD_URLS is asked for ELF files only. */
Test(windows, no_server_is_asked_for_a_dll)
{
	char *folder = record();

	expect_success(
		folder,
		"rm some.dll; DEBUGINFOD_URLS=http://127.0.0.1:9/ \"$0\" report "
		"--fail-on=never a.trace >t; cat t; grep 'has no symbols: it is not at' t && "
		"! grep debuginfod t");
	temporary_folder_remove(folder);
}
