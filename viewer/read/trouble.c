/* SPDX-License-Identifier: MIT */
#include "viewer/read/trouble.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

bool trouble_set(struct trouble *t, enum trouble_error error, uint64_t at, const char *format, ...)
{
	va_list arguments;

	t->error = error;
	t->at = at;
	va_start(arguments, format);
	vsnprintf(t->text, sizeof(t->text), format, arguments);
	va_end(arguments);
	return false;
}

bool trouble_set_damaged(struct trouble *t, uint64_t at, const char *what)
{
	return trouble_set(t, TROUBLE_DAMAGED, at, "damaged: %s at byte %" PRIu64, what, at);
}
