/* SPDX-License-Identifier: MIT */
#include "viewer/findings/fingerprint.h"

#include <stdio.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

/* FNV-1a, 64 bits. The terminator is hashed too: "ab", "c" and "a", "bc" must differ. */
static void mix_text(uint64_t *hash, const char *text)
{
	do {
		*hash ^= (unsigned char)*text;
		*hash *= 0x100000001b3ull;
	} while (*text++);
}

static bool is_c_library(const struct model_module *module)
{
	static const char *const names[] = { "libc.so", "libpthread.so", "ld-linux", "libc-2." };

	for (size_t i = 0; module && i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(module->base, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* A compiler that splits a function f calls its parts "f.constprop.0" and the like: all are f. */
static void mix_function(uint64_t *hash, const char *function)
{
	struct buffer name = { 0 };
	size_t length = strcspn(function, ".");

	buffer_bytes(&name, function, length ? length : strlen(function));
	mix_text(hash, name.data);
	buffer_release(&name);
}

static void mix_frame(uint64_t *hash, const struct model_frame *frame,
		      const struct findings_namer *namer)
{
	const struct symbol *symbol = namer->find(namer->context, frame->module, frame->offset);
	struct buffer offset = { 0 };

	for (; symbol && symbol->function; symbol = symbol->outer) {
		mix_function(hash, symbol->linkage_name ? symbol->linkage_name : symbol->function);
		mix_text(hash, frame->module->base);
	}
	if (!symbol)
		return;
	/* Code in no module was made at run time: its address differs from run to run. */
	if (frame->module)
		buffer_hex(&offset, frame->offset);
	mix_text(hash, frame->module ? frame->module->base : "");
	mix_text(hash, frame->module ? offset.data : "");
	buffer_release(&offset);
}

void fingerprint_make(struct finding *finding, const struct findings_namer *namer)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	mix_text(&hash, kinds_text(finding->kind));
	mix_text(&hash, kinds_reason_text(finding->reason));
	mix_text(&hash, finding->family ? finding->family : "");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		const struct model_stack *stack = finding->stack[i];

		mix_text(&hash, "stack");
		for (uint32_t j = 0; stack && j < stack->frames; j++)
			if (!is_c_library(stack->frame[j].module))
				mix_frame(&hash, &stack->frame[j], namer);
	}
	snprintf(finding->fingerprint, sizeof(finding->fingerprint), "%016llx",
		 (unsigned long long)hash);
}
