/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <string.h>

#include "include/trace_format.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/package/wine_host.h"

#include "preload/base/poison.h"

/* Behind the DOS header of each DLL that comes with Wine. */
enum { MARK_AT = 64 };
static const char mark[] = "Wine builtin DLL";

bool wine_host_is(const void *caller)
{
	uint32_t number = images_number(caller);
	const struct image *image = number ? images_get(number) : NULL;
	const void *at;

	if (!image || image->kind != TRACE_MODULE_PE ||
	    !pe_image_is_named(&image->pe, "secur32.dll"))
		return false;
	at = pe_image_at(&image->pe, MARK_AT, sizeof(mark));
	return at && memcmp(at, mark, sizeof(mark)) == 0;
}

size_t wine_host_name_package(const void *code, char *name, size_t bytes)
{
	uint32_t number = images_number(code);
	const char *path = number ? images_get(number)->pe.path : NULL;
	size_t length, start, used = 0;
	char mapped[1024];

	if (path) {
		length = strlen(path);
	} else {
		length = maps_path((uint64_t)(uintptr_t)code, mapped, sizeof(mapped));
		path = mapped;
	}
	for (start = length; start > 0 && path[start - 1] != '/'; start--)
		;
	for (; start < length && path[start] != '.' && used < bytes; start++)
		name[used++] = (char)(path[start] >= 'A' && path[start] <= 'Z' ? path[start] + 32
									       : path[start]);
	return used;
}
