/* SPDX-License-Identifier: MIT */
/*
 * A package that keeps blocks wherever a program for Windows can, and loses one. Each has a size of its own. Its
 * command ends the process, in the midst of the call:
 *
 *	keep      ... and the package keeps no block but in memory
 *	threads   ... while other threads wait, which have blocks on their stacks and in registers
 *	waiters   ... while other threads do nothing but wait
 *	ended     ... after other threads have ended by themselves
 *	thread    ... in another thread, which has a block on its stack
 */
#include <stdbool.h>

#include "tests/packages/package.h"

#define WINDOWS __declspec(dllimport) __attribute__((ms_abi))

WINDOWS void *GetProcessHeap(void);
WINDOWS void *HeapAlloc(void *heap, unsigned flags, size_t bytes);
WINDOWS void *HeapCreate(unsigned flags, size_t bytes, size_t most);
WINDOWS unsigned TlsAlloc(void);
WINDOWS int TlsSetValue(unsigned index, void *value);
WINDOWS unsigned FlsAlloc(void *at_end);
WINDOWS int FlsSetValue(unsigned index, void *value);
WINDOWS void *VirtualAlloc(void *at, size_t bytes, unsigned how, unsigned access);
WINDOWS void *CreateThread(void *security, size_t stack, unsigned (*run)(void *), void *argument,
			   unsigned flags, unsigned *id);
WINDOWS void *CreateEventA(void *security, int is_manual, int is_set, const char *name);
WINDOWS int SetEvent(void *event);
WINDOWS unsigned SignalObjectAndWait(void *to_signal, void *object, unsigned ms, int is_alertable);
WINDOWS unsigned WaitForSingleObject(void *object, unsigned ms);
WINDOWS void Sleep(unsigned ms);
WINDOWS void ExitProcess(unsigned status);
int __stdcall DllMain(void *instance, unsigned reason, void *reserved);

enum { DLL_PROCESS_DETACH, WAIT_MS = 1000 };
enum { MEM_COMMIT_AND_RESERVE = 0x3000, PAGE_READWRITE = 4, INDEX_BEYOND_TEB = 64, FOR_EVER = -1 };

static void *event;
static void *volatile by_data = &event; /* what is NULL at first lies in another section */
static void *volatile by_global, *volatile kept;
static __thread void *volatile by_thread_local;
static bool has_other_threads;
static void **volatile by_heap, **volatile by_own_heap, **volatile by_pages;

static NOINLINE void *allocate(unsigned bytes)
{
	return lsa->AllocateLsaHeap(bytes);
}

static NOINLINE void keep_by_heaps(void)
{
	by_heap = HeapAlloc(GetProcessHeap(), 0, sizeof(void *));
	*by_heap = allocate(102);
	by_own_heap = HeapAlloc(HeapCreate(0, 0, 0), 0, 1 << 20);
	by_own_heap[1000] = allocate(103);
	by_pages = VirtualAlloc(NULL, 1 << 20, MEM_COMMIT_AND_RESERVE, PAGE_READWRITE);
	by_pages[100000] = allocate(104);
}

static NOINLINE void keep_by_slots(void)
{
	unsigned index;

	TlsSetValue(TlsAlloc(), allocate(105));
	do
		index = TlsAlloc();
	while (index < INDEX_BEYOND_TEB);
	TlsSetValue(index, allocate(106));
	FlsSetValue(FlsAlloc(NULL), allocate(107));
	by_thread_local = allocate(108);
}

static NOINLINE void lose(void)
{
	kept = allocate(201);
	kept = NULL;
}

/* So that what is left of addresses in unused parts of the stack is overwritten. */
static NOINLINE void wipe_stack(void)
{
	volatile char bytes[32768];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

/* In one step: who sees the event sees a thread that waits. */
static NOINLINE void wait_for_ever(void)
{
	SignalObjectAndWait(event, CreateEventA(NULL, 1, 0, NULL), (unsigned)FOR_EVER, 0);
}

static unsigned wait_with_stack(void *unused)
{
	void *volatile block = allocate(109);

	wait_for_ever();
	return block == unused;
}

static unsigned wait_with_register(void *unused)
{
	void *block = allocate(110);

	(void)unused;
	/* A register that functions keep. */
	__asm__ volatile("" : "+b"(block));
	wait_for_ever();
	__asm__ volatile("" : "+b"(block));
	return 0;
}

static unsigned spin_with_register(void *unused)
{
	void *block = allocate(111);

	(void)unused;
	SetEvent(event);
	for (;;)
		__asm__ volatile("pause" : "+r"(block));
	return 0;
}

static unsigned end_by_itself(void *unused)
{
	(void)unused;
	return 0;
}

static unsigned end_with_stack(void *unused)
{
	void *volatile block = allocate(113);

	(void)unused;
	ExitProcess(block == NULL);
	return 0;
}

static NOINLINE void start(unsigned (*run)(void *))
{
	CreateThread(NULL, 0, run, NULL, 0, NULL);
	WaitForSingleObject(event, (unsigned)FOR_EVER);
}

static NOINLINE void start_and_wait(unsigned (*run)(void *))
{
	WaitForSingleObject(CreateThread(NULL, 0, run, NULL, 0, NULL), (unsigned)FOR_EVER);
}

static void run(PLSA_CLIENT_REQUEST client, const char *command)
{
	void *volatile on_stack;

	(void)client;
	by_data = allocate(100);
	by_global = allocate(101);
	keep_by_heaps();
	keep_by_slots();
	event = CreateEventA(NULL, 0, 0, NULL);
	has_other_threads = strcmp(command, "waiters") == 0 || strcmp(command, "ended") == 0;
	if (strcmp(command, "threads") == 0 || strcmp(command, "waiters") == 0) {
		start(wait_with_stack);
		start(wait_with_register);
	}
	if (strcmp(command, "ended") == 0) {
		start_and_wait(end_by_itself);
		start_and_wait(end_by_itself);
	}
	if (strcmp(command, "threads") == 0)
		start(spin_with_register);
	lose();
	wipe_stack();
	if (strcmp(command, "thread") == 0)
		start(end_with_stack);
	on_stack = allocate(112);
	ExitProcess(on_stack == NULL);
}

/* The other threads were told to end just before, and are gone when the tracer looks. */
int __stdcall DllMain(void *instance, unsigned reason, void *reserved)
{
	(void)instance;
	(void)reserved;
	if (reason == DLL_PROCESS_DETACH && has_other_threads)
		Sleep(WAIT_MS);
	return 1;
}

PACKAGE("keeper", run)
