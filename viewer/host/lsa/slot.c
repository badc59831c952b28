/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/slot.h"

#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/site.h"
#include "viewer/host/base/wide.h"
#include "viewer/host/memory/clients.h"
#include "viewer/host/package/answers.h"

void slot_enter(const char *name)
{
	site.slot = name;
}

NTSTATUS slot_leave(NTSTATUS status)
{
	site.slot = NULL;
	return status;
}

static bool check_address(const char *parameter, const void *address)
{
	if (!client_has_address(address) && !answer_is_unset(address))
		return true;
	fault_tell("%s is %s", parameter,
		   client_has_address(address) ? "an address of the client"
					       : "an output parameter that nobody has set yet");
	return false;
}

bool slot_has_output(const char *parameter, const void *address)
{
	if (!address)
		fault_tell("%s is NULL", parameter);
	return address && check_address(parameter, address);
}

bool slot_check_name(const char *parameter, const UNICODE_STRING *name)
{
	return !name || (check_address(parameter, name) &&
			 answer_check_string(parameter, name, sizeof(WCHAR)) &&
			 check_address(parameter, name->Buffer));
}

bool slot_check_text(const char *parameter, const LSA_STRING *text)
{
	return !text || (check_address(parameter, text) &&
			 answer_check_string(parameter, (const UNICODE_STRING *)text, 1) &&
			 check_address(parameter, text->Buffer));
}

void *slot_copy(enum heap heap, const void *from, size_t bytes)
{
	void *copy = heap_allocate(heap, bytes);

	if (copy && from && bytes)
		memcpy(copy, from, bytes);
	return copy;
}

bool slot_make_name(UNICODE_STRING *name, const char *text)
{
	size_t bytes = wide_from(NULL, text) * sizeof(WCHAR);

	name->Buffer = heap_allocate(HEAP_ANY, bytes + sizeof(WCHAR));
	if (!name->Buffer)
		return false;
	wide_from(name->Buffer, text);
	name->Length = (USHORT)bytes;
	name->MaximumLength = (USHORT)(bytes + sizeof(WCHAR));
	return true;
}
