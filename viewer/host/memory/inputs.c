/* SPDX-License-Identifier: MIT */
#include "viewer/host/memory/inputs.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/host/base/system.h"
#include "viewer/host/base/wide.h"

#define ROOM ((size_t)64 << 20)

static __thread char *pages;
static __thread size_t used;

/* The system gives whole pages their rights. */
static size_t round_up(size_t bytes)
{
	size_t page = system_page_bytes();

	return (bytes + page - 1) / page * page;
}

size_t inputs_open(void)
{
	if (!pages)
		pages = system_map(ROOM, SYSTEM_WRITE);
	used = round_up(used);
	return used;
}

void inputs_close(size_t layer)
{
	size_t bytes = round_up(used) - layer;

	if (bytes) {
		system_protect(pages + layer, bytes, SYSTEM_WRITE);
		memset(pages + layer, 0, used - layer);
	}
	used = layer;
}

void *inputs_copy(const void *from, size_t bytes)
{
	char *copy = pages + used;

	if (ROOM - used < bytes + 16) {
		fputs("lsatrace-host: the inputs of a call are too large\n", stderr);
		_exit(2);
	}
	if (bytes)
		memcpy(copy, from, bytes);
	used += (bytes + 15) / 16 * 16;
	return copy;
}

PUNICODE_STRING inputs_name(const char *text)
{
	size_t bytes = text ? wide_from(NULL, text) * sizeof(WCHAR) : 0;
	UNICODE_STRING name = { (USHORT)bytes, (USHORT)(bytes + sizeof(WCHAR)), NULL };
	WCHAR *characters;

	if (!text)
		return NULL;
	characters = malloc(bytes + sizeof(WCHAR));
	if (!characters)
		return NULL;
	wide_from(characters, text);
	name.Buffer = inputs_copy(characters, bytes + sizeof(WCHAR));
	free(characters);
	return inputs_copy(&name, sizeof(name));
}

void inputs_seal(size_t layer)
{
	if (used > layer)
		system_protect(pages + layer, round_up(used) - layer, SYSTEM_READ);
}

bool inputs_unseal(void *address)
{
	if (!pages || (uintptr_t)address - (uintptr_t)pages >= used)
		return false;
	system_protect(pages, round_up(used), SYSTEM_WRITE);
	return true;
}
