/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/capture/cfi.h"
#include "preload/capture/step.h"
#include "preload/unwindtable/expression.h"

#include "preload/base/poison.h"

/* How far up the stack a frame pointer that is guessed may point. */
enum { GUESSED_BYTES_MOST = 0x4000 };

/* Where each register lies in a context. */
static const uint8_t context_registers[EH_RETURN] = {
	REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
	REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

struct step_frame step_interrupted(const ucontext_t *context, struct stack_pages *pages)
{
	struct step_frame f = { .known = (1u << EH_RETURN) - 1, .is_interrupted = true };

	for (unsigned i = 0; i < EH_RETURN; i++)
		f.registers[i] = (uint64_t)context->uc_mcontext.gregs[context_registers[i]];
	f.pc = (uint64_t)context->uc_mcontext.gregs[REG_RIP] + 1;
	f.pages = pages;
	return f;
}

void step_write_context(const struct step_frame *f, ucontext_t *context)
{
	for (unsigned i = 0; i < EH_RETURN; i++)
		context->uc_mcontext.gregs[context_registers[i]] =
			f->known >> i & 1 ? (greg_t)f->registers[i] : 0;
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)(f->pc - f->is_interrupted);
}

static bool read_word(void *pages, uint64_t address, uint64_t *word)
{
	if (!stack_pages_have(pages, address))
		return false;
	memcpy(word, (const void *)(uintptr_t)address, sizeof(*word));
	return true;
}

static bool evaluate(const struct step_frame *f, const uint8_t *block, uint64_t first,
		     uint64_t *result)
{
	struct expression_input input = { f->registers, f->known,  f->pc - f->is_interrupted,
					  first,        read_word, f->pages };

	return expression_evaluate(block, &input, result);
}

static bool get_register(const struct step_frame *f, uint64_t reg, uint64_t *value)
{
	if (reg >= EH_RETURN || !(f->known >> reg & 1))
		return false;
	*value = f->registers[reg];
	return true;
}

static bool find_cfa(const struct step_frame *f, const struct eh_row *row, uint64_t *cfa)
{
	if (row->cfa_expression)
		return evaluate(f, row->cfa_expression, 0, cfa);
	if (!get_register(f, row->cfa_register, cfa))
		return false;
	*cfa += (uint64_t)row->cfa_offset;
	return true;
}

/* The caller's value of a register, or the return address. */
static bool find_value(const struct step_frame *f, const struct eh_row *row, unsigned column,
		       uint64_t cfa, uint64_t *value)
{
	uint64_t offset = (uint64_t)row->value[column], place;
	const uint8_t *block = (const uint8_t *)(uintptr_t)offset;

	switch ((enum eh_where)row->where[column]) {
	case EH_SAME:
		if (column != EH_RSP)
			return get_register(f, column, value);
		*value = cfa;
		return true;
	case EH_AT_CFA:
		return read_word(f->pages, cfa + offset, value);
	case EH_CFA_PLUS:
		*value = cfa + offset;
		return true;
	case EH_REGISTER:
		return get_register(f, offset, value);
	case EH_AT_EXPRESSION:
		return evaluate(f, block, cfa, &place) && read_word(f->pages, place, value);
	case EH_EXPRESSION:
		return evaluate(f, block, cfa, value);
	case EH_UNDEFINED:
		break;
	}
	return false;
}

static bool step_by_row(struct step_frame *f, const struct eh_row *row)
{
	struct step_frame caller = { .is_interrupted = row->is_signal, .pages = f->pages };
	uint64_t cfa;

	if (!find_cfa(f, row, &cfa) || !find_value(f, row, EH_RETURN, cfa, &caller.pc))
		return false;
	for (unsigned reg = 0; reg < EH_RETURN; reg++)
		if (find_value(f, row, reg, cfa, &caller.registers[reg]))
			caller.known |= 1u << reg;
	caller.pc += caller.is_interrupted;
	caller.has_other_rsp = f->has_other_rsp || caller.registers[EH_RSP] != cfa;
	*f = caller;
	return true;
}

/* The return address lies where rsp points to. */
static bool step_by_rsp(struct step_frame *f)
{
	if (!read_word(f->pages, f->registers[EH_RSP], &f->pc))
		return false;
	f->registers[EH_RSP] += 8;
	f->is_interrupted = false;
	return true;
}

/* Has the code that was interrupted neither pushed nor popped anything: is it at a stub of the
 * procedure linkage table, which jumps on (jmp *x(%rip), after an endbr64 or not), or where no
 * code is, after a call by a wrong pointer? */
static bool is_just_called(const struct step_frame *f)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *code = (const uint8_t *)(uintptr_t)(f->pc - 1);

	if (!f->is_interrupted)
		return false;
	if (!stack_pages_have(f->pages, f->pc - 1))
		return true;
	if (memcmp(code, endbr64, sizeof(endbr64)) == 0)
		code += sizeof(endbr64);
	code += code[0] == 0xf2; /* bnd */
	return code[0] == 0xff && code[1] == 0x25;
}

/* Is it where a handler returns to: mov $15, %rax or %eax; syscall? */
static bool is_signal_return(const struct step_frame *f)
{
	static const uint8_t rax[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t eax[] = { 0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	uint64_t at = f->pc - f->is_interrupted;
	const void *code = (const void *)(uintptr_t)at;

	return stack_pages_have(f->pages, at) && stack_pages_have(f->pages, at + 1) &&
	       (memcmp(code, rax, sizeof(rax)) == 0 || memcmp(code, eax, sizeof(eax)) == 0);
}

static bool step_by_context(struct step_frame *f)
{
	uint64_t context = f->registers[EH_RSP];
	bool has_other_rsp = f->has_other_rsp;

	if (!stack_pages_have(f->pages, context) ||
	    !stack_pages_have(f->pages, context + CFI_CONTEXT_PC))
		return false;
	*f = step_interrupted((const ucontext_t *)(uintptr_t)context, f->pages);
	f->has_other_rsp = has_other_rsp;
	return true;
}

/* All other registers are lost. */
static bool step_by_frame_pointer(struct step_frame *f)
{
	uint64_t rbp, above;

	if (!get_register(f, EH_RBP, &rbp))
		return false;
	above = rbp - f->registers[EH_RSP];
	if (above > GUESSED_BYTES_MOST || !read_word(f->pages, rbp + 8, &f->pc) ||
	    !read_word(f->pages, rbp, &f->registers[EH_RBP]))
		return false;
	f->registers[EH_RSP] = rbp + 16;
	f->known = 1u << EH_RBP | 1u << EH_RSP;
	f->is_interrupted = false;
	return true;
}

static bool step_by_guess(struct step_frame *f)
{
	if (!(f->known >> EH_RSP & 1))
		return false;
	if (is_signal_return(f))
		return step_by_context(f);
	return is_just_called(f) ? step_by_rsp(f) : step_by_frame_pointer(f);
}

/* A frame that is its own caller would lead nowhere. */
bool step_out(struct step_frame *f)
{
	uint64_t old_pc = f->pc, old_rsp = f->registers[EH_RSP];
	struct eh_row row;
	bool is_found = cfi_find_row(f->pc, f->is_interrupted, &row) ? step_by_row(f, &row)
								     : step_by_guess(f);

	return is_found && f->pc != 0 && (f->pc != old_pc || f->registers[EH_RSP] != old_rsp);
}
