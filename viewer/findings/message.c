/* SPDX-License-Identifier: MIT */
/*
 * The sentence that says what happened, one function a kind. It names source lines by the file's
 * base name, so that it is the same wherever the sources lie.
 */
#include "viewer/findings/findings.h"

#include <inttypes.h>
#include <string.h>

#include "viewer/base/buffer.h"

struct sentence {
	struct buffer text;
	const struct finding *finding;
	const struct findings_namer *namer;
};

static void say(struct sentence *s, const char *words)
{
	buffer_text(&s->text, words);
}

static void say_plain(struct sentence *s, const char *text)
{
	buffer_plain(&s->text, text, strlen(text));
}

/* "a.c:10", or "libx.so+0x1234" where that is all there is. */
static void say_frame(struct sentence *s, const struct model_frame *frame)
{
	const struct symbol *symbol =
		s->namer->find(s->namer->context, frame->module, frame->offset);
	const char *slash;

	if (symbol->file && symbol->line) {
		slash = strrchr(symbol->file, '/');
		say_plain(s, slash ? slash + 1 : symbol->file);
		say(s, ":");
		buffer_decimal(&s->text, symbol->line);
	} else if (frame->module) {
		say_plain(s, symbol->function ? symbol->function : frame->module->base);
		if (!symbol->function)
			buffer_format(&s->text, "+0x%" PRIx64, frame->offset);
	} else {
		buffer_hex(&s->text, frame->offset);
	}
}

/* "<words>a.c:10", if that stack is known. */
static void say_where(struct sentence *s, const char *words, enum trace_finding_stacks which)
{
	const struct model_stack *stack = s->finding->stack[which];

	if (!stack)
		return;
	say(s, words);
	say_frame(s, &stack->frame[0]);
}

/* The same, in parentheses. */
static void note_where(struct sentence *s, const char *words, enum trace_finding_stacks which)
{
	if (!s->finding->stack[which])
		return;
	say(s, " (");
	say_where(s, words, which);
	say(s, ")");
}

static void say_block(struct sentence *s)
{
	const struct finding *f = s->finding;

	say(s, f->family && strcmp(f->family, "client-buffer") == 0 ? "client buffer" : "block");
	if (!f->has_size)
		return;
	say(s, " of ");
	buffer_decimal(&s->text, f->size);
	say(s, f->size == 1 ? " byte" : " bytes");
}

static void say_address(struct sentence *s)
{
	if (s->finding->has_address)
		buffer_hex(&s->text, s->finding->address);
	else
		say(s, "an address");
}

static void say_handle(struct sentence *s, const struct finding_section *section)
{
	if (section->known && section->handle) {
		say(s, "section ");
		buffer_hex(&s->text, section->handle);
	} else {
		say(s, "a NULL section");
	}
}

static void say_function(struct sentence *s)
{
	say_plain(s, s->finding->function ? s->finding->function : "a call");
}

static void say_at_unload(struct sentence *s)
{
	if (s->finding->at_unload)
		say(s, ": still held when the package was unloaded");
}

static void block_leak(struct sentence *s)
{
	say_block(s);
	if (s->finding->section.known) {
		say(s, " from ");
		say_handle(s, &s->finding->section);
		note_where(s, "created at ", TRACE_STACK_CREATE);
	}
	say_where(s, ", allocated at ", TRACE_STACK_ALLOCATE);
	say(s, ", is never freed");
	say_at_unload(s);
}

static void section_leak(struct sentence *s)
{
	say_handle(s, &s->finding->section);
	if (s->finding->section.sizes_known)
		buffer_format(&s->text, " of at most %" PRIu32 " bytes",
			      s->finding->section.max_size);
	say_where(s, ", created at ", TRACE_STACK_CREATE);
	say(s, ", is never deleted");
	say_at_unload(s);
}

static void live_at_delete(struct sentence *s)
{
	say_block(s);
	say_where(s, ", allocated at ", TRACE_STACK_ALLOCATE);
	say(s, ", is still live when its section");
	if (s->finding->section.known)
		buffer_format(&s->text, " 0x%" PRIx64, s->finding->section.handle);
	note_where(s, "created at ", TRACE_STACK_CREATE);
	say(s, " is deleted");
}

static void wrong_section(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_block(s);
	if (f->stack[TRACE_STACK_CREATE] || f->section.sizes_known) {
		say(s, " freed with the handle of ");
		say_handle(s, &f->section);
		note_where(s, "created at ", TRACE_STACK_CREATE);
	} else {
		say(s, " freed with ");
		buffer_hex(&s->text, f->section.handle);
		say(s, " as its section");
	}
	say(s, ", but allocated from ");
	if (f->owner.known)
		say_handle(s, &f->owner);
	else
		say(s, "another section");
	note_where(s, "created at ", TRACE_STACK_OWNER_CREATE);
}

static void wrong_deallocator(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_block(s);
	if (f->block_family) {
		say(s, " of family ");
		say_plain(s, f->block_family);
	}
	note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say(s, " freed by ");
	say_function(s);
	if (f->family) {
		say(s, ", which is for family ");
		say_plain(s, f->family);
	}
}

static void wrong_client(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_block(s);
	note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say(s, " freed under client request ");
	buffer_hex(&s->text, f->section.handle);
	say(s, ", but allocated under ");
	if (f->owner.known)
		buffer_hex(&s->text, f->owner.handle);
	else
		say(s, "another");
}

static void mismatched_free(struct sentence *s)
{
	if (s->finding->reason == TRACE_REASON_WRONG_DEALLOCATOR)
		wrong_deallocator(s);
	else if (s->finding->reason == TRACE_REASON_WRONG_CLIENT)
		wrong_client(s);
	else
		wrong_section(s);
}

static void double_free(struct sentence *s)
{
	say_block(s);
	note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say(s, " freed again");
	say_where(s, ", after it was freed at ", TRACE_STACK_FREE);
}

static void free_after_delete(struct sentence *s)
{
	say_block(s);
	note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say(s, " freed after its section");
	if (s->finding->section.known)
		buffer_format(&s->text, " 0x%" PRIx64, s->finding->section.handle);
	note_where(s, "created at ", TRACE_STACK_CREATE);
	say(s, " was deleted");
	say_where(s, " at ", TRACE_STACK_DELETE);
}

static void say_inside(struct sentence *s)
{
	const struct finding *f = s->finding;

	if (f->block && f->address > f->block)
		buffer_format(&s->text, ", which is %" PRIu64 " byte%s inside a ",
			      f->address - f->block, f->address - f->block == 1 ? "" : "s");
	else
		say(s, ", which points into the middle of a ");
}

static void invalid_free(struct sentence *s)
{
	say_function(s);
	say(s, " called with ");
	say_address(s);
	switch (s->finding->reason) {
	case TRACE_REASON_INTERIOR_POINTER:
		say_inside(s);
		say_block(s);
		note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
		break;
	case TRACE_REASON_SECTION_HANDLE:
		say(s, ", which is the handle of a section");
		note_where(s, "created at ", TRACE_STACK_CREATE);
		say(s, ", not a block");
		break;
	default:
		say(s, ", which is the address of no block");
	}
}

/* ", which ..." for a handle that names no live section. */
static void say_what_it_is(struct sentence *s)
{
	switch (s->finding->reason) {
	case TRACE_REASON_DELETED:
		note_where(s, "created at ", TRACE_STACK_CREATE);
		say(s, ", which was deleted");
		say_where(s, " at ", TRACE_STACK_DELETE);
		break;
	case TRACE_REASON_BLOCK:
		say(s, ", which is a block");
		note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
		say(s, " and no section");
		break;
	case TRACE_REASON_NULL:
		break;
	default:
		say(s, ", which is no known section");
	}
}

static void say_handle_or_null(struct sentence *s)
{
	const struct finding *f = s->finding;
	uint64_t handle = f->section.known ? f->section.handle : f->has_address ? f->address : 0;

	if (f->reason == TRACE_REASON_NULL || handle == 0)
		say(s, "a NULL section");
	else
		buffer_hex(&s->text, handle);
}

static void invalid_section(struct sentence *s)
{
	say_function(s);
	say(s, " called with ");
	say_handle_or_null(s);
	if (s->finding->reason != TRACE_REASON_NULL)
		say(s, " as the section");
	say_what_it_is(s);
}

static void double_delete(struct sentence *s)
{
	say_handle(s, &s->finding->section);
	note_where(s, "created at ", TRACE_STACK_CREATE);
	say(s, " deleted again");
	say_where(s, ", after it was deleted at ", TRACE_STACK_DELETE);
}

static void invalid_delete(struct sentence *s)
{
	say_function(s);
	say(s, " called with ");
	say_handle_or_null(s);
	say_what_it_is(s);
}

static void null_free(struct sentence *s)
{
	say_function(s);
	say(s, " called with a NULL address");
}

static void failed_call(struct sentence *s)
{
	say_function(s);
	if (s->finding->has_size)
		buffer_format(&s->text, " for %" PRIu64 " byte%s", s->finding->size,
			      s->finding->size == 1 ? "" : "s");
	say(s, " failed");
}

static void exchanged_free(struct sentence *s)
{
	const char *function = s->finding->function;
	bool returned = function && strcmp(function, "FreeReturnBuffer") == 0;

	say_block(s);
	note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say(s, " freed by ");
	say_function(s);
	say(s, ", where ");
	say(s, returned ? "FreeLsaHeap" : "FreeReturnBuffer");
	say(s, " is documented");
}

/* "a block of 24 bytes (allocated at a.c:10)" */
static void say_block_made(struct sentence *s)
{
	say(s, "a ");
	say_block(s);
	note_where(s, "allocated at ", TRACE_STACK_ALLOCATE);
}

static void say_distance(struct sentence *s, uint64_t bytes)
{
	buffer_format(&s->text, "%" PRIu64 " byte%s ", bytes, bytes == 1 ? "" : "s");
}

/* "1 byte past the end of a block", or "before the start of" it. */
static void say_beside(struct sentence *s)
{
	const struct finding *f = s->finding;

	if (!f->block) {
		say(s, "outside any block of ");
		say_handle(s, &f->section);
		note_where(s, "created at ", TRACE_STACK_CREATE);
		return;
	}
	if (f->kind == TRACE_KIND_UNDERFLOW) {
		say_distance(s, f->block - f->address);
		say(s, "before the start of ");
	} else {
		say_distance(s, f->address - f->block - f->size + 1);
		say(s, "past the end of ");
	}
	say_block_made(s);
}

/* When the damage came to light; how long it had been there is not known. */
static void say_when_found(struct sentence *s)
{
	if (!s->finding->stack[TRACE_STACK_CALL]) {
		say(s, " was found at the end of the trace");
		if (s->finding->family && strcmp(s->finding->family, "lsa-heap") == 0)
			say(s, ", or when the block went to the LSA");
		return;
	}
	say(s, " was found by ");
	say_function(s);
	say_where(s, " at ", TRACE_STACK_CALL);
}

static void out_of_bounds(struct sentence *s)
{
	bool found_later = s->finding->reason == TRACE_REASON_CANARY;

	say(s, s->finding->reason == TRACE_REASON_READ ? "read " : "write ");
	say_beside(s);
	if (found_later)
		say_when_found(s);
}

/* "byte 4 of", for an access to where the block was. */
static void say_gone_block(struct sentence *s)
{
	const struct finding *f = s->finding;

	if (f->address >= f->block && f->address - f->block < f->size)
		buffer_format(&s->text, "of byte %" PRIu64 " of ", f->address - f->block);
	else
		say(s, "beside ");
	say_block_made(s);
}

static void use_after_free(struct sentence *s)
{
	say(s, s->finding->reason == TRACE_REASON_WRITE ? "write " : "read ");
	say_gone_block(s);
	say(s, " after it was freed");
	say_where(s, " at ", TRACE_STACK_FREE);
}

static void use_after_delete(struct sentence *s)
{
	say(s, s->finding->reason == TRACE_REASON_WRITE ? "write " : "read ");
	if (s->finding->block)
		say_gone_block(s);
	else
		say_address(s);
	say(s, " after its section");
	if (s->finding->section.known)
		buffer_format(&s->text, " 0x%" PRIx64, s->finding->section.handle);
	note_where(s, "created at ", TRACE_STACK_CREATE);
	say(s, " was deleted");
	say_where(s, " at ", TRACE_STACK_DELETE);
}

static void (*const sentences[TRACE_KIND_COUNT])(struct sentence *) = {
	[TRACE_KIND_BLOCK_LEAK] = block_leak,
	[TRACE_KIND_SECTION_LEAK] = section_leak,
	[TRACE_KIND_LIVE_AT_DELETE] = live_at_delete,
	[TRACE_KIND_MISMATCHED_FREE] = mismatched_free,
	[TRACE_KIND_DOUBLE_FREE] = double_free,
	[TRACE_KIND_FREE_AFTER_DELETE] = free_after_delete,
	[TRACE_KIND_INVALID_FREE] = invalid_free,
	[TRACE_KIND_INVALID_SECTION] = invalid_section,
	[TRACE_KIND_DOUBLE_DELETE] = double_delete,
	[TRACE_KIND_INVALID_DELETE] = invalid_delete,
	[TRACE_KIND_NULL_FREE] = null_free,
	[TRACE_KIND_FAILED_CALL] = failed_call,
	[TRACE_KIND_EXCHANGED_FREE] = exchanged_free,
	[TRACE_KIND_OVERFLOW] = out_of_bounds,
	[TRACE_KIND_UNDERFLOW] = out_of_bounds,
	[TRACE_KIND_USE_AFTER_FREE] = use_after_free,
	[TRACE_KIND_USE_AFTER_DELETE] = use_after_delete,
};

char *findings_message(const struct finding *finding, const struct findings_namer *namer)
{
	struct sentence s = { .finding = finding, .namer = namer };

	if (sentences[finding->kind])
		sentences[finding->kind](&s);
	return buffer_take(&s.text);
}
