/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "preload/file/clock.h"
#include "preload/file/trace.h"
#include "preload/guardpage/copy_out.h"
#include "preload/host/maps.h"
#include "preload/ledger/gaps.h"
#include "preload/package/returns.h"

#include "preload/base/poison.h"

enum { SUBMITTED_WORDS_MOST = 64 };

void returns_begin(struct returns *r, const void *submitted, ULONG bytes)
{
	unsigned words = bytes / sizeof(uint64_t);
	int saved_errno = errno;

	words = words < SUBMITTED_WORDS_MOST ? words : SUBMITTED_WORDS_MOST;
	if (submitted && words && maps_can_read(submitted, words * sizeof(uint64_t)))
		gaps_note_handed_in(submitted, words);
	for (unsigned i = 0; i < r->rows; i++) {
		void *const *place = r->place[i];

		if (place && r->row[i].basis == BASIS_CONTRACT)
			r->before[i] = *place;
		if (r->row[i].form == FORM_ATTRIBUTES && place &&
		    maps_can_read(place, sizeof(r->attributes)))
			memcpy(r->attributes, place, sizeof(r->attributes));
	}
	r->trace = trace_number();
	r->began = clock_ticks();
	errno = saved_errno;
}

/* The block that `*place` points to changes its owner. A guarded block of the LSA's heap is replaced
 * by a copy from the host's own heap, because the host will free it. */
static void give_block(const struct returns *r, enum owned_owner owner, void **place)
{
	if (owner == OWNER_LSA)
		transfer_to_lsa(&r->transfer, *place);
	else
		transfer_to_client(&r->transfer, *place);
	copy_out_block(place, r->convention);
}

static void give_buffers(const struct returns *r, enum owned_owner owner,
			 const SecBufferDesc *buffers)
{
	for (ULONG i = 0; buffers->pBuffers && i < buffers->cBuffers; i++)
		give_block(r, owner, &buffers->pBuffers[i].pvBuffer);
}

/* Attributes of contexts whose structures in sspi.h have a pointer in the second word: DCE_INFO,
 * KEY_INFO, PROTO_INFO, SESSION_KEY, NATIVE_NAMES, CREDENTIAL_NAME, UNIQUE_BINDINGS. */
static bool has_two_words(ULONG attribute)
{
	static const uint32_t two = 1 << 3 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 13 | 1 << 17 | 1 << 26;

	return attribute < 32 && two >> attribute & 1;
}

/*
 * The structure is the caller's, and how long it is follows from the attribute. Behind a short one
 * may lie anything, such as the handle of the context, which is the address of a block as well. So
 * of the words that the structure need not have, those count that the call has changed.
 */
static void give_attributes(const struct returns *r, enum owned_owner owner, void **word)
{
	unsigned certain = has_two_words(r->asked) ? 2 : 1;

	for (unsigned i = 0; i < ATTRIBUTE_WORDS; i++) {
		if (i >= certain && (!maps_can_read(&word[i], sizeof(*word)) ||
				     (uint64_t)(uintptr_t)word[i] == r->attributes[i]))
			continue;
		give_block(r, owner, &word[i]);
	}
}

static void give(const struct returns *r, unsigned i)
{
	enum owned_owner owner = r->row[i].owner;
	void *place = r->place[i];

	switch (r->row[i].form) {
	case FORM_BLOCK:
	case FORM_STRING:
		give_block(r, owner, place);
		break;
	case FORM_BUFFER:
		give_block(r, owner, &((SecBuffer *)place)->pvBuffer);
		break;
	case FORM_BUFFERS:
		give_buffers(r, owner, place);
		break;
	case FORM_PRIMARY: /* it is the caller's; the package fills it with pointers to blocks */
		transfer_contents_to_lsa(&r->transfer, place, PRIMARY_CRED_BYTES);
		copy_out_contents(place, PRIMARY_CRED_BYTES, r->convention);
		break;
	case FORM_ATTRIBUTES:
		give_attributes(r, owner, place);
	}
}

static bool is_wrong_block(const struct returns *r, unsigned i, const void *block)
{
	return transfer_is_wrong(&r->transfer, r->row[i].owner == OWNER_CLIENT, block, i + 1);
}

/* The new owner frees the buffer of a string as well. The string itself goes all the same. */
static void judge_buffer(const struct returns *r, unsigned i, const UNICODE_STRING *string)
{
	if (maps_can_read(string, sizeof(*string)) && string->Buffer)
		is_wrong_block(r, i, string->Buffer);
}

/* What was there before the call is not the package's doing. */
static bool is_wrong(const struct returns *r, unsigned i)
{
	void *const *place = r->place[i];

	if (r->row[i].basis != BASIS_CONTRACT || !*place || *place == r->before[i])
		return false;
	if (is_wrong_block(r, i, *place))
		return true;
	if (r->row[i].form == FORM_STRING)
		judge_buffer(r, i, *place);
	return false;
}

NTSTATUS returns_end(struct returns *r, NTSTATUS status)
{
	int saved_errno = errno;

	for (unsigned i = 0; i < r->rows; i++) {
		enum owned_when when = r->row[i].when;

		if (r->place[i] &&
		    (NT_SUCCESS(status) || when == WHEN_ALWAYS || (when == WHEN_ASKED && r->asked)) &&
		    !is_wrong(r, i))
			give(r, i);
	}
	/* Else a trace was begun meanwhile, or this is a forked child. */
	if (r->trace == trace_number()) {
		trace_count_return((uint32_t)r->transfer.function);
		transfer_note_return(&r->transfer, r->began, status);
	}
	errno = saved_errno;
	return status;
}
