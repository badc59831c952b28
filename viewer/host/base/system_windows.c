/* SPDX-License-Identifier: MIT */
/* system.h on Windows, for packages that are DLLs: the host is built by mingw-w64, and runs under Wine as well. */
#include "viewer/host/base/system.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <windows.h>

/* Wine's own end of such a process is an exit like any other. These are the statuses by which a shell, and so a sweep,
 * knows that a program was killed; the signals are numbered as on Linux. */
enum ended {
	ENDED_BY_SIGILL = 128 + 4,
	ENDED_BY_SIGABRT = 128 + 6,
	ENDED_BY_SIGBUS = 128 + 7,
	ENDED_BY_SIGFPE = 128 + 8,
	ENDED_BY_SIGSEGV = 128 + 11,
};

static system_fault *look_at_fault;

static const DWORD rights[] = {
	[SYSTEM_NONE] = PAGE_NOACCESS,
	[SYSTEM_READ] = PAGE_READONLY,
	[SYSTEM_WRITE] = PAGE_READWRITE,
};

static const struct exception {
	DWORD code;
	enum ended ended;
	const char *name;
} exceptions[] = {
	{ EXCEPTION_ACCESS_VIOLATION, ENDED_BY_SIGSEGV, "an access violation" },
	{ EXCEPTION_STACK_OVERFLOW, ENDED_BY_SIGSEGV, "a stack overflow" },
	{ EXCEPTION_INT_DIVIDE_BY_ZERO, ENDED_BY_SIGFPE, "a division by zero" },
	{ EXCEPTION_ILLEGAL_INSTRUCTION, ENDED_BY_SIGILL, "an illegal instruction" },
	{ EXCEPTION_IN_PAGE_ERROR, ENDED_BY_SIGBUS, "an in-page error" },
};

#define EXCEPTION_COUNT (sizeof(exceptions) / sizeof(*exceptions))

void *system_open(const char *path, const char **reason)
{
	static char text[600];
	HMODULE library = LoadLibraryA(path);

	if (library)
		return library;
	snprintf(text, sizeof(text), "%.500s: cannot be loaded: error %lu", path, GetLastError());
	*reason = text;
	return NULL;
}

void *system_symbol(void *library, const char *name)
{
	return (void *)(intptr_t)GetProcAddress(library, name);
}

void *system_map(size_t bytes, enum system_access access)
{
	DWORD how = access == SYSTEM_NONE ? MEM_RESERVE : MEM_RESERVE | MEM_COMMIT;
	void *address = VirtualAlloc(NULL, bytes, how, rights[access]);

	if (!address) {
		fprintf(stderr, "lsatrace-host: VirtualAlloc: error %lu\n", GetLastError());
		_exit(2);
	}
	return address;
}

void system_unmap(void *address, size_t bytes)
{
	(void)bytes;
	VirtualFree(address, 0, MEM_RELEASE);
}

void system_protect(void *address, size_t bytes, enum system_access access)
{
	DWORD before;

	VirtualProtect(address, bytes, rights[access], &before);
}

size_t system_page_bytes(void)
{
	SYSTEM_INFO info;

	GetSystemInfo(&info);
	return info.dwPageSize;
}

static const struct exception *find_exception(DWORD code)
{
	static const struct exception other = { 0, ENDED_BY_SIGABRT, "an exception" };

	for (size_t i = 0; i < EXCEPTION_COUNT; i++)
		if (exceptions[i].code == code)
			return &exceptions[i];
	return &other;
}

static bool look_at(const EXCEPTION_RECORD *record)
{
	bool is_access = record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION;

	return look_at_fault(find_exception(record->ExceptionCode)->name, is_access,
			     is_access ? (void *)record->ExceptionInformation[1] : NULL);
}

/* Comes before the handlers of the package, which may catch what it likes: only a write to memory that the host has made
 * read-only is looked at. */
static LONG CALLBACK take_write(EXCEPTION_POINTERS *pointers)
{
	const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
	MEMORY_BASIC_INFORMATION memory;

	if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION ||
	    !VirtualQuery((void *)record->ExceptionInformation[1], &memory, sizeof(memory)) ||
	    memory.Type != MEM_PRIVATE || memory.Protect != PAGE_READONLY)
		return EXCEPTION_CONTINUE_SEARCH;
	return look_at(record) ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK take_unhandled(EXCEPTION_POINTERS *pointers)
{
	look_at(pointers->ExceptionRecord);
	_exit(find_exception(pointers->ExceptionRecord->ExceptionCode)->ended);
}

static void take_abort(int number)
{
	(void)number;
	look_at_fault("abort()", false, NULL);
	_exit(ENDED_BY_SIGABRT);
}

void system_watch_faults(system_fault *look)
{
	look_at_fault = look;
	AddVectoredExceptionHandler(1, take_write);
	SetUnhandledExceptionFilter(take_unhandled);
	signal(SIGABRT, take_abort);
}

void system_watch_thread(char room[static SYSTEM_FAULT_ROOM])
{
	ULONG bytes = SYSTEM_FAULT_ROOM;

	(void)room;
	SetThreadStackGuarantee(&bytes);
}
