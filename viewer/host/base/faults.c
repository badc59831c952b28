/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/faults.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/host/base/site.h"

enum { TEXT_BYTES = 1024 };

struct told {
	struct told *next;
	char text[];
};

bool step_is_verbose;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct told *all_told;
static unsigned faults, unexpected;

static bool was_told(const char *text)
{
	const struct told *told = all_told;

	while (told && strcmp(told->text, text) != 0)
		told = told->next;
	return told;
}

static void remember(const char *text)
{
	struct told *told = malloc(sizeof(*told) + strlen(text) + 1);

	if (!told)
		return;
	strcpy(told->text, text);
	told->next = all_told;
	all_told = told;
}

static void append(char text[static TEXT_BYTES], const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, TEXT_BYTES - used, format, arguments);
	va_end(arguments);
}

/* Where the thread is, the text, and the line of the scenario. */
static void format_fault(char text[static TEXT_BYTES], const char *format, va_list arguments)
{
	size_t used;

	*text = '\0';
	if (site.package)
		append(text, "%s: ", site.package);
	if (site.entry)
		append(text, "%s: ", site.entry);
	if (site.slot)
		append(text, "%s: ", site.slot);
	used = strlen(text);
	vsnprintf(text + used, TEXT_BYTES - used, format, arguments);
	if (site.file)
		append(text, " (%s:%u)", site.file, site.line);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

static void tell_once(unsigned *count, const char *format, va_list arguments)
{
	char text[TEXT_BYTES];

	format_fault(text, format, arguments);
	pthread_mutex_lock(&mutex);
	if (!was_told(text)) {
		if (count)
			++*count;
		fprintf(stderr, "lsatrace-host: %s\n", text);
		remember(text); /* last: the fault may be damage to the allocator */
	}
	pthread_mutex_unlock(&mutex);
}

void fault_tell(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell_once(&faults, format, arguments);
	va_end(arguments);
}

void fault_tell_unexpected(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell_once(&unexpected, format, arguments);
	va_end(arguments);
}

void note_tell(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell_once(NULL, format, arguments);
	va_end(arguments);
}

void fault_tell_last(const char *format, ...)
{
	char text[TEXT_BYTES], line[TEXT_BYTES + 32];
	va_list arguments;

	va_start(arguments, format);
	format_fault(text, format, arguments);
	va_end(arguments);
	snprintf(line, sizeof(line), "lsatrace-host: %s\n", text);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* the process ends anyway */
}

unsigned fault_count(void)
{
	return faults;
}

unsigned fault_unexpected(void)
{
	return unexpected;
}

void step_print(const char *format, ...)
{
	va_list arguments;

	if (!step_is_verbose)
		return;
	va_start(arguments, format);
	pthread_mutex_lock(&mutex);
	vprintf(format, arguments);
	pthread_mutex_unlock(&mutex);
	va_end(arguments);
}
