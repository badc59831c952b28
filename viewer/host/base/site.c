/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/site.h"

#include <stddef.h>

__thread struct site site;

struct site site_enter(const char *package, const char *entry)
{
	struct site outer = site;

	site.package = package;
	site.entry = entry;
	site.slot = NULL;
	return outer;
}

void site_leave(const struct site *outer)
{
	site = *outer;
}
