/* SPDX-License-Identifier: MIT */
#include "viewer/base/complaint.h"

#include <stdio.h>
#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"

void complaint_print(const char *subject, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complaint_print_list(subject, format, arguments);
	va_end(arguments);
}

void complaint_print_list(const char *subject, const char *format, va_list arguments)
{
	struct buffer line = { 0 };
	char *text;

	if (vasprintf(&text, format, arguments) < 0)
		memory_exhausted();
	buffer_plain(&line, subject);
	buffer_text(&line, ": ");
	buffer_plain(&line, text);
	buffer_text(&line, "\n");
	fputs(line.data, stderr);
	buffer_release(&line);
	free(text);
}
