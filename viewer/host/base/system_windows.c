/* SPDX-License-Identifier: MIT */
/* system.h on Windows, for packages that are DLLs: the host is built by mingw-w64, and runs under Wine as well. */
#include "viewer/host/base/system.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <windows.h>

enum { UNHANDLED_STATUS = 3 }; /* that of abort() */

static system_fault *look_at_fault;

static const DWORD rights[] = {
	[SYSTEM_NONE] = PAGE_NOACCESS,
	[SYSTEM_READ] = PAGE_READONLY,
	[SYSTEM_WRITE] = PAGE_READWRITE,
};

static const struct exception_name {
	DWORD code;
	const char *name;
} exceptions[] = {
	{ EXCEPTION_ACCESS_VIOLATION, "an access violation" },
	{ EXCEPTION_STACK_OVERFLOW, "a stack overflow" },
	{ EXCEPTION_INT_DIVIDE_BY_ZERO, "a division by zero" },
	{ EXCEPTION_ILLEGAL_INSTRUCTION, "an illegal instruction" },
	{ EXCEPTION_IN_PAGE_ERROR, "an in-page error" },
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

static const char *name_exception(DWORD code)
{
	for (size_t i = 0; i < EXCEPTION_COUNT; i++)
		if (exceptions[i].code == code)
			return exceptions[i].name;
	return "an exception";
}

static bool look_at(const EXCEPTION_RECORD *record)
{
	bool is_access = record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION;

	return look_at_fault(name_exception(record->ExceptionCode), is_access,
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
	_exit(UNHANDLED_STATUS);
}

static void take_abort(int number)
{
	(void)number;
	look_at_fault("abort()", false, NULL);
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
