/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/base/vm.h"
#include "preload/capture/cfi.h"
#include "preload/capture/sealed.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/host/pe_list.h"
#include "preload/unwindtable/eh_frame.h"
#include "preload/unwindtable/expression.h"
#include "preload/unwindtable/pdata.h"

#include "preload/base/poison.h"

enum { CACHE_SETS = 2048, CACHE_WAYS = 4 };

static const uint8_t *block_of(const struct eh_row *row, unsigned reg)
{
	return row->where[reg] == EH_AT_EXPRESSION ? (const uint8_t *)(intptr_t)row->value[reg]
						   : NULL;
}

/* Does a row say that a register is saved at another one plus an offset? */
static bool is_saved_at(const struct eh_row *row, unsigned reg, unsigned base, int64_t *offset)
{
	const uint8_t *block = block_of(row, reg);

	return block && expression_is_simple(block, base, false, offset);
}

/* rsp points to the struct ucontext that the kernel has made. */
static bool is_signal_frame(const struct eh_row *row)
{
	int64_t rsp, rbp, pc;

	return row->is_signal && row->cfa_expression &&
	       expression_is_simple(row->cfa_expression, EH_RSP, true, &rsp) &&
	       rsp == CFI_CONTEXT_RSP && is_saved_at(row, EH_RBP, EH_RSP, &rbp) &&
	       rbp == CFI_CONTEXT_RBP && is_saved_at(row, EH_RETURN, EH_RSP, &pc) &&
	       pc == CFI_CONTEXT_PC;
}

static bool returns_by_cfa(const struct eh_row *row)
{
	return !row->is_signal && row->where[EH_RSP] == EH_SAME &&
	       row->where[EH_RETURN] == EH_AT_CFA && row->value[EH_RETURN] == -8;
}

/* As gcc does it: rbp is aligned, the caller's rbp is saved there, and the CFA below it. */
static bool is_realigned(const struct eh_row *row, int64_t *cfa_at)
{
	int64_t rbp_at;

	return returns_by_cfa(row) && row->cfa_expression &&
	       expression_is_simple(row->cfa_expression, EH_RBP, true, cfa_at) &&
	       *cfa_at >= INT32_MIN && *cfa_at < 0 && *cfa_at % 8 == 0 &&
	       is_saved_at(row, EH_RBP, EH_RBP, &rbp_at) && rbp_at == 0;
}

/* A frame is at least its return address, and consists of whole words. */
static bool is_plain(const struct eh_row *row)
{
	int64_t rbp_at = row->value[EH_RBP];

	return returns_by_cfa(row) && !row->cfa_expression &&
	       (row->cfa_register == EH_RSP || row->cfa_register == EH_RBP) &&
	       row->cfa_offset >= 8 && row->cfa_offset <= INT32_MAX && row->cfa_offset % 8 == 0 &&
	       (row->where[EH_RBP] == EH_SAME ||
		(row->where[EH_RBP] == EH_AT_CFA && rbp_at >= INT16_MIN && rbp_at <= -16 &&
		 rbp_at >= -row->cfa_offset));
}

static struct cfi_rule rule_of(const struct eh_row *row)
{
	int64_t cfa_at;

	if (row->where[EH_RETURN] == EH_UNDEFINED)
		return cfi_rule(CFI_OUTERMOST, 0, 0);
	if (is_signal_frame(row))
		return cfi_rule(CFI_SIGNAL, 0, 0);
	if (is_realigned(row, &cfa_at))
		return cfi_rule(CFI_REALIGNED, (int32_t)cfa_at, 0);
	if (!is_plain(row))
		return cfi_rule(CFI_UNKNOWN, 0, 0);
	return cfi_rule(row->cfa_register == EH_RSP ? CFI_RSP : CFI_RBP, (int32_t)row->cfa_offset,
			row->where[EH_RBP] == EH_AT_CFA ? (int16_t)row->value[EH_RBP] : 0);
}

/* The rules that were read, by return address mixed with the salt, so that no row of another epoch
 * fits. A set is a cache line; its first row is the one that was read last. */
static struct set {
	struct sealed way[CACHE_WAYS] __attribute__((aligned(64)));
} * cache;

bool cfi_init(void)
{
	cache = vm_reserve_filled(sizeof(*cache) * CACHE_SETS);
	return cache != NULL;
}

static struct sealed *set_of(uint64_t pc)
{
	return cache[(pc ^ pc >> 11) % CACHE_SETS].way;
}

/* No address has the highest bit: a row that is empty, or has another epoch's salt, fits none. */
uint64_t cfi_salt(uint64_t epoch)
{
	return images_is_unloading(epoch) ? CFI_NO_CACHE : epoch * 0x9e3779b97f4a7c15u | 1ull << 63;
}

/* Pages of PE images that can be read, mixed with the salt. One that was unloaded with its image is in
 * none, if the image had a number. */
static struct sealed readable[256];

static bool can_read(void *salt, uint64_t address)
{
	uint64_t page = address / 4096, key = page ^ *(const uint64_t *)salt, is_readable;
	struct sealed *row = &readable[page % (sizeof(readable) / sizeof(*readable))];

	if (sealed_read(row, key, &is_readable) && is_readable)
		return true;
	if (!maps_can_read((const void *)(uintptr_t)address, 1))
		return false;
	if (*(const uint64_t *)salt != CFI_NO_CACHE)
		sealed_write(row, key, true);
	return true;
}

static APART bool find_pe_row(uint64_t instruction, bool is_interrupted, struct eh_row *row)
{
	uint64_t salt = cfi_salt(images_epoch());
	struct pe_listed listed;
	struct pe_image pe;

	if (!pe_list_find(instruction, &listed) || !pe_list_copy(&listed, &pe))
		return false;
	if (!pe_list_number(&listed))
		salt = CFI_NO_CACHE;
	return pdata_find(&(struct pdata_image){ pe.base, pe.bytes, pe.functions.rva,
						 pe.functions.bytes, can_read, &salt },
			  instruction, is_interrupted, row);
}

bool cfi_find_row(uint64_t return_address, bool is_interrupted, struct eh_row *row)
{
	uint64_t instruction = return_address - 1;
	struct elf_image image;

	if (!return_address)
		return false;
	if (elf_image_at((const void *)(uintptr_t)instruction, &image))
		return eh_frame_find(image.eh_frame_hdr, instruction, row);
	return find_pe_row(instruction, is_interrupted, row);
}

/* Does an image lie there without a number, as there may be too many? */
static bool is_unnumbered(const void *code)
{
	struct elf_image image;
	struct pe_listed listed;

	return (elf_image_at(code, &image) || pe_list_find((uint64_t)(uintptr_t)code, &listed)) &&
	       !images_number(code);
}

/* A rule is kept only if its image has a number: otherwise nobody would notice that it is
 * unloaded. */
static APART struct cfi_rule read_into(struct sealed *set, uint64_t return_address, uint64_t salt)
{
	const void *code = (const void *)(return_address - 1);
	struct cfi_rule rule = cfi_rule(CFI_OUTERMOST, 0, 0);
	struct eh_row full;

	if (return_address)
		rule = cfi_find_row(return_address, false, &full) ? rule_of(&full)
								  : cfi_rule(CFI_UNKNOWN, 0, 0);
	if (salt == CFI_NO_CACHE || (return_address && is_unnumbered(code)))
		return rule;
	for (unsigned i = CACHE_WAYS - 1; i > 0; i--)
		sealed_copy(&set[i], &set[i - 1]);
	sealed_write(&set[0], return_address ^ salt, rule.word);
	return rule;
}

static inline bool find_cached(const struct sealed *set, uint64_t key, struct cfi_rule *rule)
{
	for (unsigned i = 0; i < CACHE_WAYS; i++)
		if (sealed_read(&set[i], key, &rule->word))
			return true;
	return false;
}

struct cfi_rule cfi_find(uint64_t return_address, uint64_t salt)
{
	struct sealed *set = set_of(return_address);
	struct cfi_rule rule;

	return find_cached(set, return_address ^ salt, &rule) ? rule
							      : read_into(set, return_address, salt);
}

void cfi_forget_own(struct cfi_own_row *rows)
{
	memset(rows, 0, CFI_OWN_ROWS * sizeof(*rows));
}

/* A signal handler may leave this by longjmp(): then the row has no key. */
APART struct cfi_rule cfi_fill_own(struct cfi_own_row *row, uint64_t return_address, uint64_t salt)
{
	struct cfi_rule rule = cfi_find(return_address, salt), cached;

	if (!find_cached(set_of(return_address), return_address ^ salt, &cached))
		return rule;
	row->key = CFI_NO_KEY;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	row->rule = rule;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	row->key = return_address;
	return rule;
}
