/* SPDX-License-Identifier: MIT */
#include "viewer/findings/message.h"

#include <inttypes.h>
#include <string.h>

#include "include/kinds.h"
#include "include/slots.h"
#include "viewer/base/buffer.h"
#include "viewer/findings/walk.h"
#include "viewer/model/model.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/symbols.h"

struct sentence {
	struct buffer text;
	const struct finding *finding;
	const struct findings_namer *namer;
};

static void say_words(struct sentence *s, const char *words)
{
	buffer_text(&s->text, words);
}

static void say_text(struct sentence *s, const char *text)
{
	buffer_plain(&s->text, text);
}

/* "EIDAlloc", or "libx.so+0x1234" where there is no name. */
static void say_name(struct sentence *s, const struct model_frame *frame,
		     const struct symbol *symbol)
{
	if (symbol->function) {
		demangle_shorten(&s->text, symbol->function);
		return;
	}
	if (frame->module) {
		say_text(s, frame->module->base);
		say_words(s, "+");
	}
	buffer_hex(&s->text, frame->offset);
}

/* "a.c:10", or the function where there is no line. */
static void say_frame(struct sentence *s, const struct model_frame *frame,
		      const struct symbol *symbol)
{
	const char *slash;

	if (!symbol->file || !symbol->line) {
		say_name(s, frame, symbol);
		return;
	}
	slash = strrchr(symbol->file, '/');
	say_text(s, slash ? slash + 1 : symbol->file);
	say_words(s, ":");
	buffer_decimal(&s->text, symbol->line);
}

/* "<words>a.c:10 through EIDAlloc", the place of a stack; nothing if that is unknown. */
static void say_place(struct sentence *s, const char *words, enum trace_finding_stacks which)
{
	const struct model_stack *stack = s->finding->stack[which];
	unsigned skipped = s->finding->skipped[which];
	const struct model_frame *frame;
	const struct symbol *symbol;

	if (!stack)
		return;
	say_words(s, words);
	symbol = walk_to(stack, s->namer, skipped, &frame);
	say_frame(s, frame, symbol);
	if (!skipped)
		return;
	say_words(s, " through ");
	symbol = walk_to(stack, s->namer, skipped - 1, &frame);
	say_name(s, frame, symbol);
}

/* " (<words>a.c:10)" */
static void say_aside(struct sentence *s, const char *words, enum trace_finding_stacks which)
{
	if (!s->finding->stack[which])
		return;
	say_words(s, " (");
	say_place(s, words, which);
	say_words(s, ")");
}

#define FAMILY_NAME(constant, text) [FAMILY_##constant] = text,

static const char *const family_names[] = { TRACED_FAMILIES(FAMILY_NAME) };

static bool has_family(const struct finding *f, enum family family)
{
	return f->family && strcmp(f->family, family_names[family]) == 0;
}

static void say_block(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_words(s, has_family(f, FAMILY_CLIENT_BUFFER) ? "client buffer" : "block");
	if (!f->has_size)
		return;
	say_words(s, " of ");
	buffer_count(&s->text, f->size, "byte");
}

static void say_address(struct sentence *s)
{
	if (s->finding->has_address)
		buffer_hex(&s->text, s->finding->address);
	else
		say_words(s, "an address");
}

static void say_handle(struct sentence *s, const struct finding_section *section)
{
	if (section->known && section->handle) {
		say_words(s, "section ");
		buffer_hex(&s->text, section->handle);
	} else {
		say_words(s, "a NULL section");
	}
}

/* " 0x7f12 (created at a.c:10)", as much of it as is known. */
static void say_its_handle(struct sentence *s)
{
	if (s->finding->section.known) {
		say_words(s, " ");
		buffer_hex(&s->text, s->finding->section.handle);
	}
	say_aside(s, "created at ", TRACE_STACK_CREATE);
}

static void say_function(struct sentence *s)
{
	say_text(s, s->finding->function ? s->finding->function : "a call");
}

static void say_at_unload(struct sentence *s)
{
	if (s->finding->at_unload)
		say_words(s, ": still held when the package was unloaded");
}

/* " (allocated at a.c:10)", or " (handed out by GetAuthDataForUser at a.c:10)" */
static void say_origin(struct sentence *s)
{
	if (!s->finding->handed_out) {
		say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
		return;
	}
	say_words(s, " (handed out by ");
	say_text(s, s->finding->handed_out);
	say_place(s, " at ", TRACE_STACK_ALLOCATE);
	say_words(s, ")");
}

#define FAMILY_FREE(table, name, family, role, prototype) FREE_OF_##role(FAMILY_##family, #name)
#define FREE_OF_CREATE_SECTION(family, name)
#define FREE_OF_DELETE_SECTION(family, name)
#define FREE_OF_ALLOCATE_IN_SECTION(family, name)
#define FREE_OF_ALLOCATE(family, name)
#define FREE_OF_ALLOCATE_FOR_CLIENT(family, name)
#define FREE_OF_OBTAIN(family, name)
#define FREE_OF_FREE_IN_SECTION(family, name) { family, name },
#define FREE_OF_FREE(family, name) { family, name },
#define FREE_OF_FREE_FOR_CLIENT(family, name) { family, name },

/* "; free it with FreeLsaHeap" */
static void say_what_frees_it(struct sentence *s)
{
	static const struct {
		enum family family;
		const char *name;
	} functions[] = { TRACED_SLOTS(FAMILY_FREE) };
	const struct finding *f = s->finding;
	const char *family = f->kind == TRACE_KIND_BLOCK_LEAK ? f->family : f->block_family;
	const char *function = NULL;

	if (f->handed_out && strncmp(f->handed_out, "CallPackage", 11) == 0)
		function = "FreeReturnBuffer";
	for (size_t i = 0; !function && i < sizeof(functions) / sizeof(*functions); i++)
		if (family && strcmp(family, family_names[functions[i].family]) == 0)
			function = functions[i].name;
	if (!function)
		return;
	say_words(s, "; free it with ");
	say_words(s, function);
}

/* A process that was killed, or still runs, had no chance to release it. */
static void say_to_the_end(struct sentence *s, const char *words)
{
	const struct model *model = s->finding->model;
	bool is_over = !model_was_killed(model) && model_process(model)->end != TRACE_END_RUNNING;

	say_words(s, is_over ? words : ", is live at the end");
}

static void say_reach(struct sentence *s)
{
	static const char *const words[] = {
		[TRACE_REACH_UNKNOWN] = NULL,
		[TRACE_REACH_REACHABLE] = "still reachable",
		[TRACE_REACH_INDIRECT] = "indirectly lost",
		[TRACE_REACH_POSSIBLE] = "possibly lost",
		[TRACE_REACH_LOST] = "lost",
	};

	if (!words[s->finding->reach])
		return;
	say_words(s, s->finding->is_mixed ? "; some are " : "; ");
	say_words(s, words[s->finding->reach]);
}

static void say_path(struct sentence *s)
{
	const struct finding *f = s->finding;

	if (!f->entry_point)
		return;
	say_words(s, "; ");
	say_text(s, f->entry_point);
	buffer_format(&s->text, " returned 0x%08" PRIx32 " on this path", f->status);
}

static void write_block_leak(struct sentence *s)
{
	say_block(s);
	if (s->finding->section.known) {
		say_words(s, " from ");
		say_handle(s, &s->finding->section);
		say_aside(s, "created at ", TRACE_STACK_CREATE);
	}
	if (s->finding->handed_out) {
		say_words(s, ", handed out by ");
		say_text(s, s->finding->handed_out);
		say_place(s, " at ", TRACE_STACK_ALLOCATE);
	} else {
		say_place(s, ", allocated at ", TRACE_STACK_ALLOCATE);
	}
	say_to_the_end(s, ", is never freed");
	say_at_unload(s);
	if (s->finding->is_indirect)
		say_words(s, "; its section leaks as well");
	say_reach(s);
	if (s->finding->handed_out)
		say_what_frees_it(s);
	say_path(s);
}

static void write_section_leak(struct sentence *s)
{
	say_handle(s, &s->finding->section);
	if (s->finding->section.sizes_known)
		buffer_format(&s->text, " of at most %" PRIu32 " bytes",
			      s->finding->section.max_size);
	say_place(s, ", created at ", TRACE_STACK_CREATE);
	say_to_the_end(s, ", is never deleted");
	say_at_unload(s);
	say_reach(s);
	if (s->finding->led_count) {
		say_words(s, "; with it ");
		buffer_count(&s->text, s->finding->led_count, "block");
		say_words(s, s->finding->led_count == 1 ? " leaks (" : " leak (");
		buffer_count(&s->text, s->finding->led_bytes, "byte");
		say_words(s, ")");
	}
	say_path(s);
}

static void write_live_at_delete(struct sentence *s)
{
	say_block(s);
	say_place(s, ", allocated at ", TRACE_STACK_ALLOCATE);
	say_words(s, ", is still live when its section");
	say_its_handle(s);
	say_words(s, " is deleted");
	say_place(s, " at ", TRACE_STACK_DELETE);
}

static void write_wrong_section(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_block(s);
	say_words(s, " freed");
	say_place(s, " at ", TRACE_STACK_CALL);
	if (f->stack[TRACE_STACK_CREATE] || f->section.sizes_known) {
		say_words(s, " with the handle of ");
		say_handle(s, &f->section);
		say_aside(s, "created at ", TRACE_STACK_CREATE);
	} else {
		say_words(s, " with ");
		buffer_hex(&s->text, f->section.handle);
		say_words(s, " as its section");
	}
	say_words(s, ", but allocated");
	say_place(s, " at ", TRACE_STACK_ALLOCATE);
	say_words(s, " from ");
	if (f->owner.known)
		say_handle(s, &f->owner);
	else
		say_words(s, "another section");
	say_aside(s, "created at ", TRACE_STACK_OWNER_CREATE);
}

static void write_wrong_deallocator(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_block(s);
	if (f->block_family) {
		say_words(s, " of family ");
		say_text(s, f->block_family);
	}
	say_origin(s);
	say_words(s, " freed by ");
	say_function(s);
	say_place(s, " at ", TRACE_STACK_CALL);
	if (f->family) {
		say_words(s, ", which is for family ");
		say_text(s, f->family);
	}
	say_what_frees_it(s);
}

static void write_wrong_client(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_block(s);
	say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say_words(s, " freed");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, " under client request ");
	buffer_hex(&s->text, f->section.handle);
	say_words(s, ", but allocated under ");
	if (f->owner.known)
		buffer_hex(&s->text, f->owner.handle);
	else
		say_words(s, "another");
}

static void write_mismatched_free(struct sentence *s)
{
	switch (s->finding->reason) {
	case TRACE_REASON_WRONG_SECTION:
		write_wrong_section(s);
		break;
	case TRACE_REASON_WRONG_DEALLOCATOR:
		write_wrong_deallocator(s);
		break;
	case TRACE_REASON_WRONG_CLIENT:
		write_wrong_client(s);
		break;
	default:
		say_block(s);
		say_words(s, " freed wrongly");
	}
}

static void write_double_free(struct sentence *s)
{
	say_block(s);
	say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say_words(s, " freed again");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_place(s, ", after it was freed at ", TRACE_STACK_FREE);
}

static void write_free_after_delete(struct sentence *s)
{
	say_block(s);
	say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
	say_words(s, " freed");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, " after its section");
	say_its_handle(s);
	say_words(s, " was deleted");
	say_place(s, " at ", TRACE_STACK_DELETE);
}

/* " (table+0x10)" */
static void say_data(struct sentence *s, const struct model_module *module, uint64_t offset)
{
	const struct findings_namer *namer = s->namer;
	uint64_t from;
	const char *name =
		namer->find_data ? namer->find_data(namer->context, module, offset, &from) : NULL;

	if (!name)
		return;
	say_words(s, " (");
	say_text(s, name);
	say_words(s, "+");
	buffer_hex(&s->text, from);
	say_words(s, ")");
}

/* " but lies ...", what is known of an address that is no block */
static void say_what_lies_there(struct sentence *s)
{
	const struct finding *f = s->finding;
	const struct model_module *module = NULL;

	switch (f->place) {
	case TRACE_PLACE_UNMAPPED:
		say_words(s, "; nothing is mapped there");
		break;
	case TRACE_PLACE_IMAGE:
		module = model_module_of(f->model, f->place_of);
		say_words(s, " but lies in the static data of ");
		say_text(s, module ? module->base : "a loaded file");
		if (module) {
			say_words(s, "+");
			buffer_hex(&s->text, f->address - module->load);
			say_data(s, module, f->address - module->load);
		}
		break;
	case TRACE_PLACE_STACK:
		buffer_format(&s->text, " but lies on the stack of thread %" PRIu32, f->place_of);
		break;
	case TRACE_PLACE_HEAP:
		say_words(s, " but lies in the C library's heap (malloc)");
		break;
	case TRACE_PLACE_MAPPED:
		say_words(s, " but lies in other memory of the process");
		break;
	default:
		break;
	}
}

static void write_invalid_free(struct sentence *s)
{
	const struct finding *f = s->finding;

	say_function(s);
	say_words(s, " called");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, " with ");
	say_address(s);
	switch (f->reason) {
	case TRACE_REASON_INTERIOR_POINTER:
		if (f->block && f->address > f->block) {
			say_words(s, ", which is ");
			buffer_count(&s->text, f->address - f->block, "byte");
			say_words(s, " inside a ");
		} else {
			say_words(s, ", which points into the middle of a ");
		}
		say_block(s);
		say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
		break;
	case TRACE_REASON_SECTION_HANDLE:
		say_words(s, ", which is the handle of a section");
		say_aside(s, "created at ", TRACE_STACK_CREATE);
		say_words(s, ", not a block");
		break;
	case TRACE_REASON_UNKNOWN_ADDRESS:
		say_words(s, ", which is the address of no block");
		say_what_lies_there(s);
		break;
	default:
		break;
	}
}

/* ", which ...": what a handle is that is no live section */
static void say_what_it_is(struct sentence *s)
{
	switch (s->finding->reason) {
	case TRACE_REASON_DELETED:
		say_aside(s, "created at ", TRACE_STACK_CREATE);
		say_words(s, ", which was deleted");
		say_place(s, " at ", TRACE_STACK_DELETE);
		break;
	case TRACE_REASON_BLOCK:
		say_words(s, ", which is a block");
		say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
		say_words(s, " and no section");
		break;
	case TRACE_REASON_UNKNOWN:
		say_words(s, ", which is no known section");
		break;
	default:
		break;
	}
}

static void say_handle_or_null(struct sentence *s)
{
	const struct finding *f = s->finding;
	uint64_t handle = f->section.known ? f->section.handle : f->has_address ? f->address : 0;

	if (f->reason == TRACE_REASON_NULL || handle == 0)
		say_words(s, "a NULL section");
	else
		buffer_hex(&s->text, handle);
}

static void write_invalid_section(struct sentence *s)
{
	say_function(s);
	say_words(s, " called");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, " with ");
	say_handle_or_null(s);
	if (s->finding->reason != TRACE_REASON_NULL)
		say_words(s, " as the section");
	say_what_it_is(s);
}

static void write_double_delete(struct sentence *s)
{
	say_handle(s, &s->finding->section);
	say_aside(s, "created at ", TRACE_STACK_CREATE);
	say_words(s, " deleted again");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_place(s, ", after it was deleted at ", TRACE_STACK_DELETE);
}

static void write_invalid_delete(struct sentence *s)
{
	say_function(s);
	say_words(s, " called");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, " with ");
	say_handle_or_null(s);
	say_what_it_is(s);
}

static void write_null_free(struct sentence *s)
{
	say_function(s);
	say_words(s, " called");
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, " with a NULL address");
}

static void write_failed_call(struct sentence *s)
{
	say_function(s);
	if (s->finding->has_size) {
		say_words(s, " for ");
		buffer_count(&s->text, s->finding->size, "byte");
	}
	say_words(s, s->finding->reason == TRACE_REASON_INJECTED ? " failed: injected by --fail"
								 : " failed");
}

static void write_exchanged_free(struct sentence *s)
{
	const char *function = s->finding->function;
	bool returned = function && strcmp(function, "FreeReturnBuffer") == 0;

	say_block(s);
	say_origin(s);
	say_words(s, " freed by ");
	say_function(s);
	say_place(s, " at ", TRACE_STACK_CALL);
	say_words(s, ", where ");
	say_words(s, returned ? "FreeLsaHeap" : "FreeReturnBuffer");
	say_words(s, " is documented");
}

/* "a block of 24 bytes (allocated at a.c:10)" */
static void say_block_made(struct sentence *s)
{
	say_words(s, "a ");
	say_block(s);
	say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
}

/* "1 byte past the end of a block ...", or "... before the start of ..." */
static void say_beside(struct sentence *s)
{
	const struct finding *f = s->finding;
	uint64_t further = f->damage ? f->damage - 1 : 0;

	if (!f->block) {
		say_words(s, "outside any block of ");
		say_handle(s, &f->section);
		say_aside(s, "created at ", TRACE_STACK_CREATE);
		return;
	}
	if (f->kind == TRACE_KIND_UNDERFLOW) {
		buffer_count(&s->text, f->block - f->address + further, "byte");
		say_words(s, " before the start of ");
	} else {
		buffer_count(&s->text, f->address - f->block - f->size + 1 + further, "byte");
		say_words(s, " past the end of ");
	}
	say_block_made(s);
}

/* Damage to canary bytes is found later; when it was done is unknown. */
static void say_when_found(struct sentence *s)
{
	if (!s->finding->stack[TRACE_STACK_CALL]) {
		say_words(s, " was found at the end of the trace");
		if (has_family(s->finding, FAMILY_LSA_HEAP))
			say_words(s, ", or when the block went to the LSA");
		return;
	}
	say_words(s, " was found by ");
	say_function(s);
	say_place(s, " at ", TRACE_STACK_CALL);
}

static void say_access(struct sentence *s)
{
	switch (s->finding->reason) {
	case TRACE_REASON_READ:
		say_words(s, "read ");
		break;
	case TRACE_REASON_WRITE:
	case TRACE_REASON_CANARY:
		say_words(s, "write ");
		break;
	default:
		say_words(s, "access ");
	}
}

static void write_out_of_bounds(struct sentence *s)
{
	say_access(s);
	say_beside(s);
	if (s->finding->reason == TRACE_REASON_CANARY)
		say_when_found(s);
}

/* "of byte 4 of a block ...", for an access to where a block was */
static void say_gone_block(struct sentence *s)
{
	const struct finding *f = s->finding;

	if (f->address >= f->block && f->address - f->block < f->size)
		buffer_format(&s->text, "of byte %" PRIu64 " of ", f->address - f->block);
	else
		say_words(s, "beside ");
	say_block_made(s);
}

static void write_use_after_free(struct sentence *s)
{
	say_access(s);
	say_gone_block(s);
	say_words(s, " after it was freed");
	say_place(s, " at ", TRACE_STACK_FREE);
}

static void write_use_after_delete(struct sentence *s)
{
	say_access(s);
	if (s->finding->block)
		say_gone_block(s);
	else
		say_address(s);
	say_words(s, " after its section");
	say_its_handle(s);
	say_words(s, " was deleted");
	say_place(s, " at ", TRACE_STACK_DELETE);
}

static void write_wrong_transfer(struct sentence *s)
{
	const struct finding *f = s->finding;
	bool to_client = has_family(f, FAMILY_CLIENT_BUFFER);

	say_function(s);
	say_words(s, to_client ? " returned to the client, in " : " returned to the LSA, in ");
	say_text(s, f->parameter ? f->parameter : "a parameter");
	say_words(s, ", a block");
	if (f->has_size) {
		say_words(s, " of ");
		buffer_count(&s->text, f->size, "byte");
	}
	if (f->block_family) {
		say_words(s, " of family ");
		say_text(s, f->block_family);
	}
	say_aside(s, "allocated at ", TRACE_STACK_ALLOCATE);
	switch (f->reason) {
	case TRACE_REASON_FREED:
		say_words(s, " that was freed");
		say_place(s, " at ", TRACE_STACK_FREE);
		say_words(s, "; its new owner will free it again");
		break;
	case TRACE_REASON_WRONG_FAMILY:
		say_words(s, ", where one of ");
		say_words(s, to_client ? "AllocateClientBuffer" : "AllocateLsaHeap");
		say_words(s, to_client ? " is documented" : " is expected");
		break;
	default:
		break;
	}
}

/* A row for each kind; the compiler checks that the last one is there. */
static void (*const sentences[])(struct sentence *) = {
	[TRACE_KIND_BLOCK_LEAK] = write_block_leak,
	[TRACE_KIND_SECTION_LEAK] = write_section_leak,
	[TRACE_KIND_LIVE_AT_DELETE] = write_live_at_delete,
	[TRACE_KIND_MISMATCHED_FREE] = write_mismatched_free,
	[TRACE_KIND_DOUBLE_FREE] = write_double_free,
	[TRACE_KIND_FREE_AFTER_DELETE] = write_free_after_delete,
	[TRACE_KIND_INVALID_FREE] = write_invalid_free,
	[TRACE_KIND_INVALID_SECTION] = write_invalid_section,
	[TRACE_KIND_DOUBLE_DELETE] = write_double_delete,
	[TRACE_KIND_INVALID_DELETE] = write_invalid_delete,
	[TRACE_KIND_NULL_FREE] = write_null_free,
	[TRACE_KIND_FAILED_CALL] = write_failed_call,
	[TRACE_KIND_EXCHANGED_FREE] = write_exchanged_free,
	[TRACE_KIND_OVERFLOW] = write_out_of_bounds,
	[TRACE_KIND_UNDERFLOW] = write_out_of_bounds,
	[TRACE_KIND_USE_AFTER_FREE] = write_use_after_free,
	[TRACE_KIND_USE_AFTER_DELETE] = write_use_after_delete,
	[TRACE_KIND_WRONG_TRANSFER] = write_wrong_transfer,
};
_Static_assert(sizeof(sentences) / sizeof(*sentences) == TRACE_KIND_COUNT, "sentences");

#define REACH_WORD(name, word) [TRACE_REACH_##name] = word,

const char *message_leak_class(const struct finding *f)
{
	if (f->kind != TRACE_KIND_BLOCK_LEAK && f->kind != TRACE_KIND_SECTION_LEAK)
		return NULL;
	return f->is_indirect ? "indirect" : "direct";
}

const char *message_reachability(const struct finding *f)
{
	static const char *const words[] = { TRACE_REACHES(REACH_WORD) };

	return f->reach ? words[f->reach] : NULL;
}

const char *message_baseline(const struct finding *finding)
{
	static const char *const words[] = {
		[FINDING_NO_BASELINE] = "", [FINDING_NEW] = "new", [FINDING_GROWN] = "grown", [FINDING_KNOWN] = "known"
	};

	return words[finding->baseline];
}

void message_write_kind(struct buffer *b, const struct finding *finding)
{
	buffer_text(b, kinds_text(finding->kind));
	buffer_text(b, finding->reason ? "/" : "");
	buffer_text(b, kinds_reason_text(finding->reason));
}

char *message_make(const struct finding *finding, const struct findings_namer *namer)
{
	struct sentence s = { .finding = finding, .namer = namer };

	if (sentences[finding->kind])
		sentences[finding->kind](&s);
	return buffer_take(&s.text);
}
