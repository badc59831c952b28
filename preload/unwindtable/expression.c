/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/unwindtable/eh_frame.h"
#include "preload/unwindtable/expression.h"

#include "preload/base/poison.h"

enum { NUMBERS_MOST = 64, STEPS_MOST = 1000 };

enum {
	OP_ADDR = 0x03,
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08, /* then CONST1S, CONST2U and so on */
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_OVER = 0x14,
	OP_PICK = 0x15,
	OP_SWAP = 0x16,
	OP_ROT = 0x17,
	OP_ABS = 0x19,
	OP_AND = 0x1a,
	OP_DIV = 0x1b,
	OP_MINUS = 0x1c,
	OP_MOD = 0x1d,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_SHRA = 0x26,
	OP_XOR = 0x27,
	OP_BRA = 0x28,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_SKIP = 0x2f,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_BREGX = 0x92,
	OP_DEREF_SIZE = 0x94,
	OP_NOP = 0x96,
};

struct machine {
	const struct expression_input *input;
	struct eh_reader code;
	const uint8_t *start; /* of the code */
	uint64_t number[NUMBERS_MOST];
	unsigned count;
};

static void push(struct machine *m, uint64_t number)
{
	if (m->count == NUMBERS_MOST)
		m->code.failed = true;
	else
		m->number[m->count++] = number;
}

static uint64_t pop(struct machine *m)
{
	if (m->count == 0) {
		m->code.failed = true;
		return 0;
	}
	return m->number[--m->count];
}

/* The number that lies below `depth` others. */
static uint64_t peek(struct machine *m, uint64_t depth)
{
	if (depth >= m->count) {
		m->code.failed = true;
		return 0;
	}
	return m->number[m->count - 1 - depth];
}

static uint64_t read_memory(struct machine *m, uint64_t address)
{
	uint64_t word = 0;

	m->code.failed |= !m->input->read_word(m->input->reader, address, &word);
	return word;
}

/* A part of a word; the words that are read need not be aligned. */
static uint64_t read_part(struct machine *m, uint64_t address, uint64_t bytes)
{
	uint64_t last = address + bytes - sizeof(uint64_t);

	if (bytes == 0 || bytes > sizeof(uint64_t)) {
		m->code.failed = true;
		return 0;
	}
	return read_memory(m, last) >> (64 - 8 * bytes);
}

static uint64_t read_register(struct machine *m, uint64_t reg)
{
	if (reg == EH_RETURN)
		return m->input->pc;
	if (reg > EH_RETURN || !(m->input->known >> reg & 1)) {
		m->code.failed = true;
		return 0;
	}
	return m->input->registers[reg];
}

/* OP_CONST1U to OP_CONST8S: 1, 2, 4 or 8 bytes, unsigned or signed. */
static uint64_t read_constant(struct machine *m, uint8_t op)
{
	unsigned which = op - OP_CONST1U, bytes = 1u << which / 2, unused = 64 - 8 * bytes;
	uint64_t value = eh_read_bytes(&m->code, bytes);

	return which % 2 ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

static void jump(struct machine *m, bool is_taken)
{
	int16_t distance = (int16_t)eh_read_bytes(&m->code, 2);
	const uint8_t *at = m->code.at;

	if (!is_taken)
		return;
	if (distance < m->start - at || distance > m->code.end - at)
		m->code.failed = true;
	else
		m->code.at += distance;
}

/* Runs an operation that pushes a number. Returns false if it is another one. */
static bool run_push(struct machine *m, uint8_t op)
{
	struct eh_reader *r = &m->code;
	uint64_t reg;

	if (op >= OP_LIT0 && op <= OP_LIT31) {
		push(m, op - OP_LIT0);
	} else if (op >= OP_CONST1U && op <= OP_CONST8S) {
		push(m, read_constant(m, op));
	} else if (op >= OP_BREG0 && op <= OP_BREG31) {
		push(m, read_register(m, op - OP_BREG0) + (uint64_t)eh_read_sleb(r));
	} else if (op == OP_BREGX) {
		reg = eh_read_uleb(r);
		push(m, read_register(m, reg) + (uint64_t)eh_read_sleb(r));
	} else if (op == OP_ADDR) {
		push(m, eh_read_bytes(r, 8));
	} else if (op == OP_CONSTU) {
		push(m, eh_read_uleb(r));
	} else if (op == OP_CONSTS) {
		push(m, (uint64_t)eh_read_sleb(r));
	} else if (op == OP_DUP) {
		push(m, peek(m, 0));
	} else if (op == OP_OVER) {
		push(m, peek(m, 1));
	} else if (op == OP_PICK) {
		push(m, peek(m, eh_read_bytes(r, 1)));
	} else {
		return false;
	}
	return true;
}

/* Runs an operation that replaces the upmost number. Returns false if it is another one. */
static bool run_unary(struct machine *m, uint8_t op)
{
	uint64_t a = m->count ? m->number[m->count - 1] : 0;

	switch (op) {
	case OP_DEREF:
		a = read_memory(m, a);
		break;
	case OP_DEREF_SIZE:
		a = read_part(m, a, eh_read_bytes(&m->code, 1));
		break;
	case OP_ABS:
		a = (int64_t)a < 0 ? -a : a;
		break;
	case OP_NEG:
		a = -a;
		break;
	case OP_NOT:
		a = ~a;
		break;
	case OP_PLUS_UCONST:
		a += eh_read_uleb(&m->code);
		break;
	default:
		return false;
	}
	pop(m);
	push(m, a);
	return true;
}

static uint64_t divide(struct machine *m, uint64_t a, uint64_t b)
{
	if (b == 0)
		m->code.failed = true;
	if (b == 0 || b == ~0ull) /* the smallest number has no opposite */
		return -a;
	return (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t shift(uint8_t op, uint64_t a, uint64_t by)
{
	if (op == OP_SHRA)
		return (uint64_t)((int64_t)a >> (by < 64 ? by : 63));
	if (by >= 64)
		return 0;
	return op == OP_SHL ? a << by : a >> by;
}

/* `b` was the upmost number, `a` the one below it. */
static uint64_t calculate(struct machine *m, uint8_t op, uint64_t a, uint64_t b)
{
	switch (op) {
	case OP_AND:
		return a & b;
	case OP_DIV:
		return divide(m, a, b);
	case OP_MINUS:
		return a - b;
	case OP_MOD:
		m->code.failed |= b == 0;
		return b ? a % b : 0;
	case OP_MUL:
		return a * b;
	case OP_OR:
		return a | b;
	case OP_PLUS:
		return a + b;
	case OP_XOR:
		return a ^ b;
	case OP_EQ:
		return a == b;
	case OP_GE:
		return (int64_t)a >= (int64_t)b;
	case OP_GT:
		return (int64_t)a > (int64_t)b;
	case OP_LE:
		return (int64_t)a <= (int64_t)b;
	case OP_LT:
		return (int64_t)a < (int64_t)b;
	case OP_NE:
		return a != b;
	case OP_SHL:
	case OP_SHR:
	case OP_SHRA:
		return shift(op, a, b);
	default:
		m->code.failed = true;
		return 0;
	}
}

/* Moves the numbers on the stack, or goes elsewhere in the code. Returns false if it is another
 * operation. */
static bool run_move(struct machine *m, uint8_t op)
{
	uint64_t a, b, c;

	switch (op) {
	case OP_NOP:
		return true;
	case OP_DROP:
		pop(m);
		return true;
	case OP_SWAP:
	case OP_ROT: /* the upmost number becomes the third */
		a = pop(m);
		b = pop(m);
		c = op == OP_ROT ? pop(m) : 0;
		push(m, a);
		if (op == OP_ROT)
			push(m, c);
		push(m, b);
		return true;
	case OP_SKIP:
		jump(m, true);
		return true;
	case OP_BRA:
		jump(m, pop(m) != 0);
		return true;
	default:
		return false;
	}
}

static void run(struct machine *m, uint8_t op)
{
	uint64_t b;

	if (run_push(m, op) || run_unary(m, op) || run_move(m, op))
		return;
	b = pop(m);
	push(m, calculate(m, op, pop(m), b));
}

/* A block begins with its length. */
static struct eh_reader open_block(const uint8_t *block)
{
	struct eh_reader r = { block, block + 10, false };
	uint64_t bytes = eh_read_uleb(&r);

	r.end = r.at + bytes;
	return r;
}

bool expression_evaluate(const uint8_t *block, const struct expression_input *input,
			 uint64_t *result)
{
	struct machine m;

	m.input = input;
	m.code = open_block(block);
	m.start = m.code.at;
	m.count = 0;
	push(&m, input->first);
	for (unsigned steps = 0; m.code.at < m.code.end && !m.code.failed; steps++) {
		if (steps == STEPS_MOST)
			return false;
		run(&m, (uint8_t)eh_read_bytes(&m.code, 1));
	}
	*result = pop(&m);
	return !m.code.failed;
}

bool expression_is_simple(const uint8_t *block, unsigned reg, bool is_word, int64_t *offset)
{
	struct eh_reader r = open_block(block);

	if (eh_read_bytes(&r, 1) != OP_BREG0 + reg)
		return false;
	*offset = eh_read_sleb(&r);
	if (is_word && eh_read_bytes(&r, 1) != OP_DEREF)
		return false;
	return r.at == r.end && !r.failed;
}
