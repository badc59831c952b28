/* SPDX-License-Identifier: MIT */
/*
 * A program for Windows, host and package in one: walks in a DLL, calls the table from there, and writes down
 * what Windows' own unwinder says of each stack.
 *	host.exe DLL LOG CALLS SEED DEPTH
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/secpkg.h"
#include "tests/unwind/pe/rtl.h"
#include "tests/unwind/pe/walk.h"
#include "tests/windows/posix.h"

__declspec(dllimport) void *__stdcall GetModuleHandleA(const char *name);

#define NOINLINE __attribute__((noinline))

static struct log_head head;
static FILE *marks;
static struct rtl_crossing *crossing;
static PSECPKG_FUNCTION_TABLE package;
static PLSA_SECPKG_FUNCTION_TABLE lsa;
static void(PE_CALL *next_action)(struct walk *w);

/* The host's part of the table. */

static PVOID allocate(ULONG bytes)
{
	return malloc(bytes);
}

static void release(PVOID block)
{
	free(block);
}

static LSA_SECPKG_FUNCTION_TABLE host_table = { .AllocateLsaHeap = allocate,
						.FreeLsaHeap = release };

/* The package. */

static NTSTATUS initialize(ULONG_PTR PackageId, PSECPKG_PARAMETERS Parameters,
			   PLSA_SECPKG_FUNCTION_TABLE FunctionTable)
{
	(void)PackageId;
	(void)Parameters;
	lsa = FunctionTable;
	return STATUS_SUCCESS;
}

static NTSTATUS call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
			     PVOID ClientBufferBase, ULONG SubmitBufferLength,
			     PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
			     PNTSTATUS ProtocolStatus)
{
	(void)ClientRequest;
	(void)ClientBufferBase;
	(void)SubmitBufferLength;
	next_action(ProtocolSubmitBuffer);
	*ProtocolReturnBuffer = NULL;
	*ReturnBufferLength = 0;
	*ProtocolStatus = STATUS_SUCCESS;
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = { .CallPackage = call_package,
					       .Initialize = initialize };

__declspec(dllexport) NTSTATUS SpLsaModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
						   PSECPKG_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION_8;
	*ppTables = &package_table;
	*pcTables = 1;
	return STATUS_SUCCESS;
}

/* What the walk calls. */

static NOINLINE void touch(struct walk *w)
{
	struct log_mark mark;
	PVOID block;

	(void)w;
	block = lsa->AllocateLsaHeap(16);
	mark = rtl_unwind(&head, crossing);
	lsa->FreeLsaHeap(block);
	if (fwrite(&mark, sizeof(mark), 1, marks) != 1)
		exit(3);
}

/* By way of the tracer's wrapper of CallPackage, which is ELF code. */
static NOINLINE void via(void (*action)(struct walk *w), struct walk *w)
{
	struct rtl_crossing here;
	PVOID answer;
	ULONG bytes;
	NTSTATUS status;

	rtl_note(&here, crossing);
	crossing = &here;
	next_action = action;
	package->CallPackage(NULL, w, w, sizeof(*w), &answer, &bytes, &status);
	crossing = here.outer;
}

static unsigned long others;

static void act(void *w)
{
	via(next_action, w);
}

/* One in eight times the handler of a fault lies between as well. */
static NOINLINE void other_code(void (*action)(struct walk *w), struct walk *w)
{
	if (others++ % 8 != 7) {
		via(action, w);
		return;
	}
	next_action = action;
	rtl_fault(act, w);
}

static bool start_package(void)
{
	NTSTATUS (*start)(ULONG, PULONG, PSECPKG_FUNCTION_TABLE *, PULONG);
	void *found = GetProcAddress(GetModuleHandleA(NULL), "SpLsaModeInitialize");
	SECPKG_PARAMETERS parameters = { 0 };
	ULONG version, count = 0;

	memcpy(&start, &found, sizeof(start));
	return found && NT_SUCCESS(start(SECPKG_INTERFACE_VERSION_8, &version, &package, &count)) &&
	       count == 1 && NT_SUCCESS(package->Initialize(1, &parameters, &host_table));
}

int main(int argc, char **argv)
{
	struct walk w = { .touch = touch, .through = other_code };
	void *dll = argc == 6 ? LoadLibraryA(argv[1]) : NULL, *found = NULL;
	walker *walk_all;

	if (dll)
		found = GetProcAddress(dll, "walk_all");
	marks = found ? fopen(argv[2], "wb") : NULL;
	if (!marks || !start_package())
		return 2;
	memcpy(&walk_all, &found, sizeof(walk_all));
	w.calls = strtoull(argv[3], NULL, 0);
	w.random = strtoull(argv[4], NULL, 0);
	w.depth = (uint32_t)strtoul(argv[5], NULL, 0);
	head.touch = rtl_range((void (*)(void))touch);
	head.via = rtl_range((void (*)(void))via);
	head.fault = rtl_range((void (*)(void))rtl_fault);
	rtl_catch();
	if (fwrite(&head, sizeof(head), 1, marks) != 1)
		return 3;
	walk_all(&w);
	return fclose(marks) ? 3 : 0;
}
