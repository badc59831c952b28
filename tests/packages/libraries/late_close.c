/* SPDX-License-Identifier: MIT */
/*
 * Not a package, but a library that is preloaded behind the tracer. Its dlclose() does what a busy machine
 * does: the processor is taken away when the library has been unmapped, before the tracer is told. The
 * first call returns when late_close_go is set.
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

extern bool late_close_unmapped, late_close_go;

bool late_close_unmapped, late_close_go;

int dlclose(void *handle)
{
	void *symbol = dlsym(RTLD_NEXT, "dlclose");
	int (*next)(void *);
	int result;

	memcpy(&next, &symbol, sizeof(next));
	result = next(handle);
	if (__atomic_exchange_n(&late_close_unmapped, true, __ATOMIC_SEQ_CST))
		return result;
	while (!__atomic_load_n(&late_close_go, __ATOMIC_SEQ_CST))
		sched_yield();
	return result;
}
