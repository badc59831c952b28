/* SPDX-License-Identifier: MIT */
#include "viewer/host/package/entry.h"

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/system.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"

static unsigned long calls;

void entry_begin(struct entry *entry, const struct package *package, const char *name,
		 struct client *client)
{
	__atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
	entry->outer = site_enter(package->name, name);
	entry->client_before = client_enter(client);
	entry->layer = inputs_open();
}

void entry_seal(const struct entry *entry)
{
	inputs_seal(entry->layer);
}

void entry_returned(const struct entry *entry, NTSTATUS status)
{
	(void)entry;
	site.slot = NULL;
	step_print("%s: %s: 0x%08x\n", site.package, site.entry, (unsigned)status);
}

void entry_end(const struct entry *entry)
{
	inputs_close(entry->layer);
	client_enter(entry->client_before);
	site_leave(&entry->outer);
}

unsigned long entry_count(void)
{
	return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}

/* The package goes on after a write to an input. Anything else ends the process, as it ends a real LSA: what the package
 * holds half done, such as a lock, would make the rest of the run worthless. */
static bool look_at_fault(const char *name, bool is_access, void *address)
{
	if (address && inputs_unseal(address)) {
		fault_tell("writes to what it was handed as input");
		return true;
	}
	if (!site.package)
		fault_tell_last("%s ends the process, outside of all calls of packages", name);
	else if (address && client_has_address(address))
		fault_tell_last("accesses %p, an address of the client, by itself, and not by "
				"CopyToClientBuffer or CopyFromClientBuffer",
				address);
	else if (address && answer_is_unset(address))
		fault_tell_last("uses an output parameter that nobody has set yet");
	else if (is_access)
		fault_tell_last("ends the process by %s at address %p", name, address);
	else
		fault_tell_last("ends the process by %s", name);
	return false;
}

/* Otherwise the status would be the package's, such as 0. */
static void look_at_exit(void)
{
	if (!site.package)
		return;
	fault_tell_last("ends the process, or the thread, by itself");
	_exit(ENTRY_STATUS_FAULTS);
}

void entry_watch(void)
{
	system_watch_faults(look_at_fault);
	atexit(look_at_exit);
}
