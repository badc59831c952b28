/* SPDX-License-Identifier: MIT */
#include <stdarg.h>

#include "preload/base/kernel.h"

#include "preload/base/poison.h"

static long (*c_library)(long number, ...);

void kernel_call_by(long (*of_c_library)(long number, ...))
{
	c_library = of_c_library;
}

long kernel_call(long number, ...)
{
	unsigned long argument[6], result;
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(list, unsigned long);
	va_end(list);
	if (c_library)
		return c_library(number, argument[0], argument[1], argument[2], argument[3],
				 argument[4], argument[5]);
	{
		register unsigned long fourth __asm__("r10") = argument[3];
		register unsigned long fifth __asm__("r8") = argument[4];
		register unsigned long sixth __asm__("r9") = argument[5];

		__asm__ volatile("syscall"
				 : "=a"(result)
				 : "a"(number), "D"(argument[0]), "S"(argument[1]),
				   "d"(argument[2]), "r"(fourth), "r"(fifth), "r"(sixth)
				 : "rcx", "r11", "memory");
	}
	if (result < -4095ul)
		return (long)result;
	errno = (int)-result;
	return -1;
}
