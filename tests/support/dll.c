/* SPDX-License-Identifier: MIT */
#include "dll.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "run.h"

static const char compilers[] =
	"gcc='" MINGW "gcc -shared'\n"
	"clang=\"clang --target=x86_64-w64-mingw32 -fuse-ld=lld -shared -L$(dirname \"$(" MINGW
	"gcc -print-libgcc-file-name)\")\"\n"
	"pdb='clang --target=x86_64-pc-windows-msvc -fuse-ld=lld -shared -nostdlib -Wl,-noentry -g "
	"-gcodeview'\n";

static bool succeeds(const char *command)
{
	struct run run = run_command((const char *const[]){ "sh", "-c", command, NULL });
	bool is_success = run.status == 0;

	run_release(&run);
	return is_success;
}

bool dll_has_program(const char *name)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s", name);
	return succeeds(command);
}

bool dll_has_gcc(void)
{
	return dll_has_program(MINGW "gcc");
}

bool dll_has_clang(void)
{
	return dll_has_program("clang") && dll_has_program("lld-link");
}

void dll_need_gcc(void)
{
	if (!dll_has_gcc())
		cr_skip_test("mingw-w64 is not installed: NOTHING IS TESTED");
}

void dll_need_clang(void)
{
	if (!dll_has_clang())
		cr_skip_test("clang or lld is not installed: NOTHING IS TESTED");
}

bool dll_has_exact_symbolizer(void)
{
	static int is_there = -1;

	if (is_there < 0)
		is_there = succeeds(
			"for v in $(seq 15 40); do command -v llvm-symbolizer-$v && exit; done; "
			"llvm-symbolizer --color=never </dev/null");
	return is_there;
}

void dll_write(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
}

void dll_run(const char *folder, const char *format, ...)
{
	char command[8192];
	va_list list;
	int bytes = snprintf(command, sizeof(command), "cd %s || exit\n%s", folder, compilers);
	struct run run;

	va_start(list, format);
	vsnprintf(command + bytes, sizeof(command) - (size_t)bytes, format, list);
	va_end(list);
	run = run_command((const char *const[]){ "sh", "-c", command, NULL });
	cr_assert_eq(run.status, 0, "%s: %.3000s", command + bytes, run.err);
	run_release(&run);
}
