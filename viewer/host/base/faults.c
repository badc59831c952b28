/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/faults.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/site.h"

enum { TEXT_BYTES = 1024 };

struct told {
	struct told *next;
	char text[];
};

bool step_is_verbose;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct told *all_told;
static unsigned count;

/* Returns whether the text is new. */
static bool remember(const char *text)
{
	struct told *told = all_told;

	while (told && strcmp(told->text, text) != 0)
		told = told->next;
	if (told)
		return false;
	told = malloc(sizeof(*told) + strlen(text) + 1);
	if (told) {
		strcpy(told->text, text);
		told->next = all_told;
		all_told = told;
	}
	return true;
}

static void append(char text[static TEXT_BYTES], const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + used, TEXT_BYTES - used, format, arguments);
	va_end(arguments);
}

void fault_tell(const char *format, ...)
{
	char text[TEXT_BYTES] = "", *end;
	va_list arguments;

	if (site.package)
		append(text, "%s: ", site.package);
	if (site.entry)
		append(text, "%s: ", site.entry);
	if (site.slot)
		append(text, "%s: ", site.slot);
	end = text + strlen(text);
	va_start(arguments, format);
	vsnprintf(end, (size_t)(text + TEXT_BYTES - end), format, arguments);
	va_end(arguments);
	if (site.file)
		append(text, " (%s:%u)", site.file, site.line);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	pthread_mutex_lock(&mutex);
	if (remember(text)) {
		count++;
		fprintf(stderr, "lsatrace-host: %s\n", text);
	}
	pthread_mutex_unlock(&mutex);
}

unsigned fault_count(void)
{
	return count;
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
