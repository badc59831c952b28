/* SPDX-License-Identifier: MIT */
/* The host, its package, and the order in which scenarios are run. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

PLSA_SECPKG_FUNCTION_TABLE lsa;

static const struct scenario *const scenarios[] = {
	&frames_scenario,  &jumps_scenario,    &calls_scenario,   &odd_scenario,  &throws_scenario,
	&nested_scenario,  &contexts_scenario, &fibers_scenario,  &deep_scenario, &signals_scenario,
	&threads_scenario, &forks_scenario,    &modules_scenario,
};

enum {
	SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]),
	LEAK_BYTES = 5000,
	PART_LEAST = 20000
};

static unsigned long calls;
static PSECPKG_FUNCTION_TABLE package;
static __thread struct request next;

static void count_call(void)
{
	__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
}

unsigned long host_calls(void)
{
	return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}

void host_next(void (*action)(void *argument), void *argument)
{
	next = (struct request){ action, argument };
}

struct request host_hold(struct request request)
{
	struct request held = next;

	next = request;
	return held;
}

/* Blocks are only addresses. Nobody uses their memory, so signal handlers need no lock of an
 * allocator. */
static PVOID new_block(void)
{
	static uintptr_t address = 0x100000;

	return (PVOID)__atomic_add_fetch(&address, 16, __ATOMIC_RELAXED);
}

static NOINLINE PVOID allocate_lsa_heap(ULONG length)
{
	struct request request = next;

	(void)length;
	count_call();
	next = (struct request){ NULL, NULL };
	if (request.action)
		request.action(request.argument);
	STAY();
	return new_block();
}

static NOINLINE void free_lsa_heap(PVOID block)
{
	(void)block;
	count_call();
}

static LSA_SECPKG_FUNCTION_TABLE table = {
	.AllocateLsaHeap = allocate_lsa_heap,
	.FreeLsaHeap = free_lsa_heap,
};

/* The package. */

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE functions)
{
	(void)id, (void)parameters;
	lsa = functions;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW info)
{
	static WCHAR name[] = u"unwind stress";

	memset(info, 0, sizeof(*info));
	info->Name = info->Comment = name;
	return STATUS_SUCCESS;
}

static NOINLINE NTSTATUS call_package(PLSA_CLIENT_REQUEST client, PVOID buffer, PVOID base,
				      ULONG bytes, PVOID *answer, PULONG answer_bytes,
				      PNTSTATUS status)
{
	struct request *request = buffer; /* what the package must run */

	(void)client, (void)base, (void)bytes;
	request->action(request->argument);
	STAY();
	*answer = NULL;
	*answer_bytes = 0;
	*status = STATUS_SUCCESS;
	return STATUS_SUCCESS;
}

NTSTATUS SpLsaModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
			     PSECPKG_FUNCTION_TABLE *ppTables, PULONG pcTables)
{
	static SECPKG_FUNCTION_TABLE packages = {
		.Initialize = initialize,
		.GetInfo = get_info,
		.CallPackage = call_package,
	};

	(void)LsaVersion;
	*PackageVersion = SECPKG_INTERFACE_VERSION_8;
	*ppTables = &packages;
	*pcTables = 1;
	return STATUS_SUCCESS;
}

NOINLINE void leak_block(unsigned bytes)
{
	lsa->AllocateLsaHeap(bytes);
	STAY();
}

NOINLINE void host_call_package(void (*action)(void *argument), void *argument)
{
	struct request request = { action, argument };
	NTSTATUS status;
	PVOID answer;
	ULONG bytes;

	package->CallPackage(NULL, &request, NULL, sizeof(request), &answer, &bytes, &status);
	STAY();
}

static void load_package(void)
{
	void *symbol = dlsym(RTLD_DEFAULT, SECPKG_LSAMODEINIT_NAME);
	SECPKG_PARAMETERS parameters = { 0 };
	SpLsaModeInitializeFn entry;
	SecPkgInfoW info;
	ULONG version, count;

	memcpy(&entry, &symbol, sizeof(entry));
	if (!entry || entry(1, &version, &package, &count) != STATUS_SUCCESS ||
	    package->Initialize(1, &parameters, &table) != STATUS_SUCCESS ||
	    package->GetInfo(&info) != STATUS_SUCCESS)
		abort();
}

/* Prints what each scenario leaks, and from where. */
static void print_chains(void)
{
	for (unsigned i = 0; i < SCENARIOS; i++)
		printf("%s %u leak_block %s\n", scenarios[i]->name, LEAK_BYTES + i,
		       scenarios[i]->chain);
}

static void run_part(struct walk *w, unsigned long part)
{
	for (unsigned i = 0; i < SCENARIOS; i++) {
		w->calls = part * scenarios[i]->share / 1024;
		if (!scenarios[i]->late)
			scenarios[i]->run(w);
	}
}

/* The scenarios take turns, so that each finds what another one left behind. */
static void run_all(struct walk *w, unsigned long wanted)
{
	unsigned long part = wanted < PART_LEAST ? wanted : PART_LEAST;

	while (host_calls() < wanted)
		run_part(w, part);
	for (unsigned i = 0; i < SCENARIOS; i++) {
		w->calls = wanted * scenarios[i]->share / 1024;
		if (scenarios[i]->late)
			scenarios[i]->run(w);
	}
	for (unsigned i = 0; i < SCENARIOS; i++)
		scenarios[i]->leak(LEAK_BYTES + i);
}

/* Runs one scenario alone. */
static void run_one(struct walk *w, unsigned long wanted, const char *name)
{
	for (unsigned i = 0; i < SCENARIOS; i++) {
		if (strcmp(name, scenarios[i]->name) != 0)
			continue;
		while (host_calls() < wanted) {
			w->calls = wanted - host_calls();
			scenarios[i]->run(w);
		}
		scenarios[i]->leak(LEAK_BYTES + i);
	}
}

/* stress CALLS [SEED [SCENARIO]], or stress --chains */
int main(int argc, char **argv)
{
	unsigned long wanted = argc > 1 ? strtoul(argv[1], NULL, 0) : 10000;
	struct walk w = { .random = argc > 2 ? strtoul(argv[2], NULL, 0) : 1 };

	if (argc > 1 && strcmp(argv[1], "--chains") == 0) {
		print_chains();
		return 0;
	}
	w.random = w.random * 0x9e3779b97f4a7c15u + 1;
	alarm((unsigned)(60 + wanted / 1000)); /* in case it hangs */
	load_package();
	if (argc > 3)
		run_one(&w, wanted, argv[3]);
	else
		run_all(&w, wanted);
	printf("%lu calls\n", host_calls());
	return 0;
}
