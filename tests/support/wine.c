/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "run.h"
#include "wine.h"

static char *folder, *outer_folder; /* NULL: none, or the default */

/* Where Wine has its DLLs, by distribution. */
static const char *find_dlls(void)
{
	static const char *const places[] = {
		"/usr/lib/x86_64-linux-gnu/wine/x86_64-windows",
		"/usr/lib/wine/x86_64-windows",
		"/usr/lib64/wine/x86_64-windows",
		"/opt/wine-stable/lib64/wine/x86_64-windows",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static void write_file(const char *name, const char *text)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", path);
}

/* wineserver leaves a folder there when it ends. */
static void enter_folder(void)
{
	const char *outer = getenv("TMPDIR");

	outer_folder = outer ? strdup(outer) : NULL;
	cr_assert_eq(setenv("TMPDIR", folder, 1), 0);
}

static void leave_folder(void)
{
	if (outer_folder)
		setenv("TMPDIR", outer_folder, 1);
	else
		unsetenv("TMPDIR");
	free(outer_folder);
	outer_folder = NULL;
}

/* "disable": Wine is not to fill the folder. */
static void make_folder(const char *dlls)
{
	char path[4096];

	folder = temporary_folder_new();
	enter_folder();
	cr_assert(setenv("WINEPREFIX", folder, 1) == 0 && setenv("WINEDEBUG", "-all", 1) == 0);
	if (!dlls)
		return;
	write_file(".update-timestamp", "disable\n");
	snprintf(path, sizeof(path), "%s/drive_c", folder);
	cr_assert_eq(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/drive_c/windows", folder);
	cr_assert_eq(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/drive_c/windows/system32", folder);
	cr_assert_eq(symlink(dlls, path), 0);
}

void wine_fix_addresses(void)
{
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		cr_skip_test(
			"random addresses cannot be switched off here: NOTHING IS RUN BY WINE");
}

void wine_start(const char *program)
{
	struct run found = run_command((const char *const[]){
		"sh", "-c", "command -v wine && command -v wineserver", NULL });

	if (found.status != 0)
		cr_skip_test("Wine is not installed");
	if (access(program, F_OK) != 0)
		cr_skip_test("%s is not there: it is built if mingw-w64 is installed", program);
	run_release(&found);
	wine_fix_addresses();
	make_folder(find_dlls());
	/* By itself it ends some seconds after the last program, and a program that starts at that moment is
	 * refused: "Connection reset by peer". */
	found = run_command((const char *const[]){ "wineserver", "-p60", NULL });
	run_release(&found);
}

void wine_stop_server(void)
{
	struct run run = run_command((const char *const[]){ "wineserver", "-k", "-w", NULL });

	run_release(&run);
}

void wine_stop(void)
{
	if (!folder)
		return;
	wine_stop_server();
	leave_folder();
	temporary_folder_remove(folder);
	folder = NULL;
}
