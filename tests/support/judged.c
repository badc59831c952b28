/* SPDX-License-Identifier: MIT */
#include "judged.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

const char *judged_linkage_name;

/* From offset 0x2100 on: a template for two types, and the C++ library. */
static struct symbol of_cxx[] = {
	{ .function = (char *)"int *make<int>(unsigned long)",
	  .file = (char *)"/src/make.h",
	  .line = 7 },
	{ .function = (char *)"char *make<char>(unsigned long)",
	  .file = (char *)"/src/make.h",
	  .line = 7 },
	{ .function = (char *)"std::allocator_traits<mine::Heap<int> >::allocate(unsigned long)" },
	{ .function = (char *)"std::vector<int, mine::Heap<int> >::resize(unsigned long)" },
};

static const struct symbol *name(void *context, const struct model_module *module, uint64_t offset)
{
	static struct symbol symbols[0x1000], unknown;
	static char names[0x1000][16];
	struct symbol *symbol = &symbols[offset & 0xfff];

	(void)context;
	if (module && offset == 0x2000) {
		static struct symbol linked;

		linked = (struct symbol){ .function = (char *)"shown",
					  .linkage_name = (char *)(uintptr_t)judged_linkage_name };
		return &linked;
	}
	if (module && offset - 0x2100 < sizeof(of_cxx) / sizeof(*of_cxx))
		return &of_cxx[offset - 0x2100];
	if (!module || strcmp(module->base, "named.so") != 0 || offset >> 12 != 1)
		return &unknown;
	snprintf(names[offset & 0xfff], sizeof(names[0]), "f%llx", (unsigned long long)offset);
	*symbol = (struct symbol){ .function = names[offset & 0xfff],
				   .file = (char *)"/src/named.c",
				   .line = (uint32_t)offset & 0xfff };
	return symbol;
}

static const struct findings_namer namer = { name, NULL, NULL };

struct judged judge_with(struct trace_builder **builders, size_t count,
			 const struct argument_list *globs)
{
	struct judged j = { .count = count };
	struct trouble trouble;

	for (size_t i = 0; i < count; i++) {
		j.models[i] = model_open(trace_builder_write(builders[i]), NULL, &trouble);
		cr_assert(j.models[i], "%s", trouble.text);
	}
	j.f = findings_new(j.models, count, namer, globs);
	return j;
}

struct judged judge(struct trace_builder **builders, size_t count)
{
	return judge_with(builders, count, NULL);
}

struct judged judge_one(struct trace_builder *b)
{
	return judge(&b, 1);
}

void judged_release(struct judged *j, struct trace_builder *b)
{
	findings_free(j->f);
	for (size_t i = 0; i < j->count; i++)
		model_close(j->models[i]);
	trace_builder_free(b);
}

struct trace_builder *named_trace(void)
{
	struct trace_builder *b = trace_builder_new();

	trace_builder_module(b, 1, "/p/named.so", 0x7f0000000000, "01234567890123456789");
	return b;
}

struct trace_entry live_block(uint64_t address, uint64_t size, uint32_t stack)
{
	return (struct trace_entry){ .address = address,
				     .size = size,
				     .stack = stack,
				     .state = TRACE_ENTRY_BLOCK,
				     .family = FAMILY_LSA_HEAP };
}

struct trace_entry live_section(uint64_t handle, uint32_t stack)
{
	return (struct trace_entry){ .address = handle,
				     .size = 4096 | 512ull << 32,
				     .stack = stack,
				     .state = TRACE_ENTRY_SECTION,
				     .family = FAMILY_SHARED_MEMORY };
}

struct trace_entry live_block_in(uint32_t section_ref, uint64_t size, uint32_t stack)
{
	struct trace_entry entry = live_block(0x5010, size, stack);

	entry.section = section_ref;
	entry.family = FAMILY_SHARED_MEMORY;
	return entry;
}

struct trace_finding misuse_of(enum trace_kind kind, enum trace_reason reason, uint32_t stack)
{
	return (struct trace_finding){ .kind = (uint8_t)kind,
				       .reason = (uint8_t)reason,
				       .family = FAMILY_SHARED_MEMORY,
				       .function = SLOT_FreeSharedMemory,
				       .stack = { stack } };
}
