/* SPDX-License-Identifier: MIT */
/*
 * Plays the loader of another C library, and the program that it loads. Where something is to be
 * preloaded, it behaves as musl's: it complains and exits with 127, because it cannot load that.
 * Else it exits with 5. It uses no C library itself.
 */
#include <stddef.h>
#include <sys/syscall.h>

static long call_kernel(long number, long a, const void *b, size_t c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static int is_preload(const char *entry)
{
	static const char name[] = "LD_PRELOAD=";
	size_t i = 0;

	while (name[i] && entry[i] == name[i])
		i++;
	return !name[i] && entry[i];
}

/* The stack begins with the number of arguments, they and NULL, and the environment. */
__attribute__((used, noreturn)) void begin(const long *stack);
void begin(const long *stack)
{
	static const char complaint[] = "Error loading shared library\n";
	const char *const *environment = (const char *const *)(stack + 1 + *stack + 1);
	long status = 5;

	for (; *environment; environment++)
		if (is_preload(*environment)) {
			call_kernel(SYS_write, 2, complaint, sizeof(complaint) - 1);
			status = 127;
		}
	for (;;)
		call_kernel(SYS_exit_group, status, NULL, 0);
}

__asm__(".globl _start\n"
	"_start: movq %rsp, %rdi\n"
	"andq $-16, %rsp\n"
	"call begin\n");
