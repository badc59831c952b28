/* SPDX-License-Identifier: MIT */
/*
 * A host for Windows, with the ways to come by a package that lsahost has not, and with what programs do
 * beside that may be in a tracer's way:
 *
 *	pehost name DLL...         loads each DLL, finds its entry point by name, and calls its package
 *	pehost ordinal DLL...      finds it by its number, 1
 *	pehost pair DLL DLL        both are loaded at a time
 *	pehost reload N DLL...     N times: loads each DLL, calls its package, and frees it
 *	pehost threads N DLL DLL...  the same for all but the first DLL, whose package threads call meanwhile
 *	pehost overrun DLL         what the DLL writes behind a guarded block is handled
 *	pehost suspend N DLL       looks N times at where the threads are that call its package
 *	pehost call COMMAND DLL    calls its package once, with a command
 *	pehost forget COMMAND DLL  the same, of a host that remembers no block
 *	pehost fault DLL           what the DLL does to memory that is not there is handled
 *	pehost crash COMMAND DLL   the same, once more without a handler, by a command of the DLL
 *	pehost headers DLL         changes how headers of images and of files are protected
 *	pehost kill DLL            ends by a signal of the system below Windows
 *	pehost secur32 DLL         leaves it to Wine's secur32 to load packages
 *
 * It uses the table, the calls and the clients of tests/host. Its output does not change from run to run.
 */
#include <excpt.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/host/calls.h"
#include "tests/host/client_buffers.h"
#include "tests/host/journal.h"
#include "tests/host/stripes.h"
#include "tests/windows/posix.h"

enum { THREADS = 3, CALLS = 30, PAUSE_MS = 20 };

static PLSA_CLIENT_REQUEST client;
static void *first_base;
static int at_first_base;

static struct package load(const char *path, const char *entry)
{
	struct package package = { .name = "package", .library = LoadLibraryA(path) };
	SpLsaModeInitializeFn initialize =
		(SpLsaModeInitializeFn)GetProcAddress(package.library, entry);
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0;

	if (!initialize || !NT_SUCCESS(initialize(1, &version, &tables, &count)) || !tables) {
		printf("no package\n");
		exit(3);
	}
	memcpy(&package.functions, tables, secpkg_slots_of_version(version) * sizeof(void *));
	return package;
}

static struct package start(const char *path, const char *entry)
{
	struct package package = load(path, entry);

	call_initialise(&package, 1);
	return package;
}

static void call_once(const struct package *package, const char *command)
{
	static _Thread_local struct answer answer;

	call_package(package, client, command, &answer);
}

static void finish(const struct package *package)
{
	call_shutdown(package);
	if (!FreeLibrary(package->library))
		printf("not freed\n");
}

static void run_each(char **paths, const char *entry)
{
	for (; *paths; paths++) {
		struct package package = start(*paths, entry);

		call_once(&package, "");
		finish(&package);
	}
}

static void call_with(const char *command, const char *path)
{
	struct package package = start(path, SECPKG_LSAMODEINIT_NAME);

	call_once(&package, command);
	call_shutdown(&package); /* and stays loaded */
}

static PVOID allocate(ULONG bytes)
{
	return calloc(1, bytes);
}

static void release(PVOID block)
{
	free(block);
}

static void call_and_forget(const char *command, const char *path)
{
	static LSA_SECPKG_FUNCTION_TABLE functions = { .AllocateLsaHeap = allocate,
						       .FreeLsaHeap = release };
	struct package package = load(path, SECPKG_LSAMODEINIT_NAME);
	SECPKG_PARAMETERS parameters = { 0 };
	NTSTATUS status;
	PVOID buffer;
	ULONG bytes;

	package.functions.Initialize(1, &parameters, &functions);
	package.functions.CallPackage(NULL, (PVOID)(uintptr_t)command, NULL, 0, &buffer, &bytes,
				      &status);
}

static void run_pair(char **paths)
{
	struct package one = start(paths[0], SECPKG_LSAMODEINIT_NAME);
	struct package other = start(paths[1], SECPKG_LSAMODEINIT_NAME);

	call_once(&one, "");
	call_once(&other, "");
	finish(&one);
	call_once(&other, "");
	finish(&other);
}

static void reload(int rounds, char **paths)
{
	for (int round = 0; round < rounds; round++)
		for (int i = 0; paths[i]; i++) {
			struct package package = load(paths[i], SECPKG_LSAMODEINIT_NAME);

			if (!first_base)
				first_base = package.library;
			at_first_base += package.library == first_base;
			call_initialise(&package, 1);
			call_once(&package, "");
			finish(&package);
		}
	fprintf(stderr, "%d times at the first base\n", at_first_base);
}

static void *keep_calling(void *package)
{
	for (int i = 0; i < CALLS; i++) {
		call_once(package, "calls=1000");
		Sleep(PAUSE_MS);
	}
	return NULL;
}

static void reload_beside_threads(int rounds, char **paths)
{
	struct package worker = start(paths[0], SECPKG_LSAMODEINIT_NAME);
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, keep_calling, &worker);
	reload(rounds, paths + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	finish(&worker);
}

static unsigned long __stdcall call_in_thread(void *package)
{
	for (int i = 0; i < CALLS; i++)
		call_once(package, "calls=10000");
	return 0;
}

/* Windows knows of no image there. */
static bool is_below_windows(const unsigned char *context)
{
	enum { RIP_AT = 248, TYPE_AT = 40, MEM_IMAGE = 0x1000000 };
	unsigned char memory[48] __attribute__((aligned(16)));
	unsigned type;
	void *rip;

	memcpy(&rip, context + RIP_AT, sizeof(rip));
	if (!VirtualQuery(rip, memory, sizeof(memory)))
		return true;
	memcpy(&type, memory + TYPE_AT, sizeof(type));
	return type != MEM_IMAGE;
}

/* As profilers and debuggers do. Threads are met in the tracer as well, and in the system below Windows. */
static void suspend(int times, const char *path)
{
	static unsigned char context[1232] __attribute__((aligned(16)));
	struct package package = start(path, SECPKG_LSAMODEINIT_NAME);
	void *threads[THREADS];
	int seen = 0, below = 0;

	for (int i = 0; i < THREADS; i++)
		threads[i] = CreateThread(NULL, 0, call_in_thread, &package, 0, NULL);
	for (int i = 0; i < times; i++) {
		void *thread = threads[i % THREADS];

		memcpy(context + 48, &(int){ 0x10000b }, sizeof(int)); /* all registers */
		if (SuspendThread(thread) == (unsigned long)-1)
			continue;
		if (GetThreadContext(thread, context)) {
			seen++;
			below += is_below_windows(context);
		}
		ResumeThread(thread);
	}
	/* A tracer, if there is one, is met as well. */
	printf("seen: %d\n", seen > 0 && (below > 0 || !getenv("LD_PRELOAD")));
	for (int i = 0; i < THREADS; i++)
		WaitForSingleObject(threads[i], 0xffffffff);
	finish(&package);
}

/* __except1 has one label in a program. */
static __attribute__((used)) long handle(void *exception, void *frame)
{
	(void)exception, (void)frame;
	return EXCEPTION_EXECUTE_HANDLER;
}

static __attribute__((noinline, noclone, used)) bool is_handled(void (*function)(void *),
								void *argument)
{
	volatile bool is_over = false;

	__try1(handle);
	function(argument);
	is_over = true;
	__except1;
	return !is_over;
}

static void initialize(void *entry)
{
	PSECPKG_FUNCTION_TABLE tables = NULL;
	ULONG version = 0, count = 0;

	((SpLsaModeInitializeFn)entry)(1, &version, &tables, &count);
}

static void call_with_fault(void *package)
{
	call_once(package, "fault");
}

/* The first call of the entry point faults, and the package's calls whose command says so. */
static struct package run_faults(const char *path)
{
	void *entry = GetProcAddress(LoadLibraryA(path), SECPKG_LSAMODEINIT_NAME);
	struct package package;

	printf("entry point: %d\n", is_handled(initialize, entry));
	package = start(path, SECPKG_LSAMODEINIT_NAME);
	for (int i = 0; i < 3; i++) {
		printf("call: %d\n", is_handled(call_with_fault, &package));
		call_once(&package, "");
	}
	return package;
}

static void handle_faults(const char *path)
{
	struct package package = run_faults(path);

	finish(&package);
}

static void crash(const char *command, const char *path)
{
	struct package package = run_faults(path);

	fflush(stdout);
	call_once(&package, command);
}

static uint32_t word(const unsigned char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Lays a file out in memory as the loader does, for a program that only wants to look at it. */
static unsigned char *lay_out(const unsigned char *file, size_t *bytes)
{
	const unsigned char *head = file + word(file + 60),
			    *section = head + 24 + (word(head + 20) & 0xffff);
	int sections = head[6];
	unsigned char *copy;

	*bytes = word(head + 24 + 56);
	copy = VirtualAlloc(NULL, *bytes, 0x3000, 4);
	memcpy(copy, file, word(head + 24 + 60));
	for (; sections > 0; sections--, section += 40)
		memcpy(copy + word(section + 12), file + word(section + 20), word(section + 16));
	return copy;
}

/* At an offset, and not where the file is. */
static void read_start(void *file, void *to)
{
	size_t overlapped[4] = { 0 };
	unsigned long bytes;

	ReadFile(file, to, 512, &bytes, overlapped);
}

static void call_with_overrun(void *package)
{
	call_once(package, "overrun");
}

static void run_overruns(const char *path)
{
	struct package package = start(path, SECPKG_LSAMODEINIT_NAME);

	for (int i = 0; i < 3; i++) {
		printf("handled: %d\n", is_handled(call_with_overrun, &package));
		call_once(&package, "clean");
	}
	finish(&package);
}

/* Of an image, of a file that is mapped as data, of its first page, and of a copy in memory, in which nothing
 * may change. */
static void protect_headers(const char *path)
{
	unsigned char *image = LoadLibraryA(path), *data, *page, *copy, *same;
	FILE *file = fopen(path, "rb");
	void *mapping =
		CreateFileMappingA((void *)_get_osfhandle(fileno(file)), NULL, 8, 0, 0, NULL);
	unsigned long before;
	size_t bytes;

	data = MapViewOfFile(mapping, 1, 0, 0, 0);
	page = MapViewOfFile(mapping, 1, 0, 0, 4096);
	copy = lay_out(data, &bytes);
	read_start((void *)_get_osfhandle(fileno(file)), copy);
	same = lay_out(data, &bytes);
	printf("image: %d\n", VirtualProtect(image, 4096, 4, &before));
	printf("image: %d\n", VirtualProtect(image, 4096, 2, &before));
	printf("data: %d\n", VirtualProtect(data, 4096, 2, &before));
	printf("page: %d\n", VirtualProtect(page, 4096, 2, &before));
	printf("copy: %d\n", VirtualProtect(copy, 4096, 2, &before));
	printf("same: %d\n", memcmp(copy, same, bytes) == 0 && memcmp(data, page, 4096) == 0);
	UnmapViewOfFile(data);
	UnmapViewOfFile(page);
	FreeLibrary(image);
	run_each((char *[]){ (char *)(uintptr_t)path, NULL }, SECPKG_LSAMODEINIT_NAME);
}

/* There is no function of Windows that does this. */
static void end_by_kill(const char *path)
{
	struct package package = start(path, SECPKG_LSAMODEINIT_NAME);
	long result = 39; /* getpid */

	call_once(&package, "");
	fflush(stdout);
	__asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : : "a"(62), "D"(result), "S"(9) : "rcx", "r11", "memory");
}

static void ask_secur32(void)
{
	void *secur32 = LoadLibraryA("secur32.dll");
	LONG(*enumerate)
	(ULONG *, PSecPkgInfoW *) = (LONG(*)(ULONG *, PSecPkgInfoW *))GetProcAddress(
		secur32, "EnumerateSecurityPackagesW");
	PSecPkgInfoW packages = NULL;
	ULONG count = 0;

	printf("secur32: %d\n", (int)enumerate(&count, &packages));
	for (ULONG i = 0; i < count; i++) {
		for (const WCHAR *c = packages[i].Name; *c; c++)
			putchar(*c);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	const char *way = argc > 2 ? argv[1] : "";

	stripes_init();
	journal_open(NULL);
	client = client_new();
	if (strcmp(way, "name") == 0)
		run_each(argv + 2, SECPKG_LSAMODEINIT_NAME);
	else if (strcmp(way, "ordinal") == 0)
		run_each(argv + 2, (const char *)1);
	else if (strcmp(way, "pair") == 0 && argc == 4)
		run_pair(argv + 2);
	else if (strcmp(way, "reload") == 0)
		reload(atoi(argv[2]), argv + 3);
	else if (strcmp(way, "threads") == 0 && argc > 4)
		reload_beside_threads(atoi(argv[2]), argv + 3);
	else if (strcmp(way, "suspend") == 0 && argc == 4)
		suspend(atoi(argv[2]), argv[3]);
	else if (strcmp(way, "fault") == 0)
		handle_faults(argv[2]);
	else if (strcmp(way, "crash") == 0 && argc == 4)
		crash(argv[2], argv[3]);
	else if (strcmp(way, "call") == 0 && argc == 4)
		call_with(argv[2], argv[3]);
	else if (strcmp(way, "forget") == 0 && argc == 4)
		call_and_forget(argv[2], argv[3]);
	else if (strcmp(way, "overrun") == 0)
		run_overruns(argv[2]);
	else if (strcmp(way, "headers") == 0)
		protect_headers(argv[2]);
	else if (strcmp(way, "kill") == 0)
		end_by_kill(argv[2]);
	else if (strcmp(way, "secur32") == 0)
		ask_secur32();
	else
		return 2;
	return 0;
}
