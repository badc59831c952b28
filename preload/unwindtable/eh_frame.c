/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/unwindtable/eh_frame.h"

#include "preload/base/poison.h"

enum { STATES_MOST = 8 /* remembered within one function */ };

/* How a pointer is encoded: the low four bits are its size, the next three what it is relative
 * to. */
enum {
	PE_ABSOLUTE = 0x00,
	PE_ULEB = 0x01,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SLEB = 0x09,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_SIZE = 0x0f,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_BASE = 0x70,
	PE_OMIT = 0xff,
};

enum {
	CFA_ADVANCE = 0x40, /* these three have an operand in the low six bits */
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE1 = 0x02, /* in 1 byte; the next ones: in 2 and 4 */
	CFA_ADVANCE2 = 0x03,
	CFA_ADVANCE4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_GNU_ARGS_SIZE = 0x2e,
	CFA_GNU_NEGATIVE_OFFSET = 0x2f,
};

/* A frame description entry (FDE): the unwind table of one function. */
struct function {
	uint64_t start, end;
	uint64_t code_align;
	int64_t data_align;
	uint8_t pointer_encoding;
	bool is_signal;
	bool has_data; /* entries of functions have augmentation data as well */
	struct eh_reader initial, instructions;
};

uint64_t eh_read_bytes(struct eh_reader *r, size_t bytes)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->failed = true;
		r->at = r->end;
		return 0;
	}
	memcpy(&value, r->at, bytes);
	r->at += bytes;
	return value;
}

/* The bits of a LEB128 number; `*shift` becomes how many there are, `*last` its last byte. */
static uint64_t read_leb(struct eh_reader *r, unsigned *shift, uint8_t *last)
{
	uint64_t value = 0;

	*shift = 0;
	do {
		*last = (uint8_t)eh_read_bytes(r, 1);
		if (*shift < 64)
			value |= (uint64_t)(*last & 0x7f) << *shift;
		*shift += 7;
	} while (*last & 0x80);
	return value;
}

uint64_t eh_read_uleb(struct eh_reader *r)
{
	unsigned shift;
	uint8_t last;

	return read_leb(r, &shift, &last);
}

int64_t eh_read_sleb(struct eh_reader *r)
{
	unsigned shift;
	uint8_t last;
	uint64_t value = read_leb(r, &shift, &last);

	if ((last & 0x40) && shift < 64)
		value |= ~0ull << shift;
	return (int64_t)value;
}

static uint64_t read_pointer(struct eh_reader *r, uint8_t encoding, uint64_t data_base)
{
	uint64_t here = (uint64_t)(uintptr_t)r->at, value;

	switch (encoding & PE_SIZE) {
	case PE_ULEB:
		value = eh_read_uleb(r);
		break;
	case PE_SLEB:
		value = (uint64_t)eh_read_sleb(r);
		break;
	case PE_ABSOLUTE:
	case PE_UDATA8:
	case PE_SDATA8:
		value = eh_read_bytes(r, 8);
		break;
	case PE_UDATA4:
		value = eh_read_bytes(r, 4);
		break;
	case PE_SDATA4:
		value = (uint64_t)(int32_t)eh_read_bytes(r, 4);
		break;
	case PE_UDATA2:
		value = eh_read_bytes(r, 2);
		break;
	case PE_SDATA2:
		value = (uint64_t)(int16_t)eh_read_bytes(r, 2);
		break;
	default:
		r->failed = true;
		return 0;
	}
	if ((encoding & PE_BASE) == PE_PCREL)
		value += here;
	else if ((encoding & PE_BASE) == PE_DATAREL)
		value += data_base;
	return value;
}

/* Passes over bytes. */
static void skip(struct eh_reader *r, uint64_t bytes)
{
	if (bytes > (uint64_t)(r->end - r->at)) {
		r->failed = true;
		bytes = (uint64_t)(r->end - r->at);
	}
	r->at += bytes;
}

/* An entry of .eh_frame begins with its length. */
static struct eh_reader read_entry(const uint8_t *at)
{
	struct eh_reader r = { at, at + 4, false };
	uint64_t bytes = eh_read_bytes(&r, 4);

	r.failed = bytes == 0 || bytes == 0xffffffff; /* the end; or a length of 64 bits */
	r.end = r.failed ? r.at : r.at + bytes;
	return r;
}

/* What the augmentation of an entry holds, which its length precedes. */
static struct eh_reader read_data(struct eh_reader *r)
{
	uint64_t bytes = eh_read_uleb(r);
	struct eh_reader data = { r->at, r->at, false };

	skip(r, bytes);
	data.end = r->at;
	return data;
}

static bool read_augmentation(struct eh_reader *r, const char *text, struct function *f)
{
	struct eh_reader data;

	if (text[0] == '\0')
		return true;
	if (text[0] != 'z')
		return false;
	f->has_data = true;
	data = read_data(r);
	for (text++; *text; text++) {
		if (*text == 'R')
			f->pointer_encoding = (uint8_t)eh_read_bytes(&data, 1);
		else if (*text == 'S')
			f->is_signal = true;
		else if (*text == 'L')
			eh_read_bytes(&data, 1);
		else if (*text == 'P')
			read_pointer(&data, (uint8_t)eh_read_bytes(&data, 1), 0);
		else if (*text != 'B')
			return false;
	}
	return !data.failed;
}

/* A common information entry (CIE): what several functions have in common. */
static bool read_common(const uint8_t *at, struct function *f)
{
	struct eh_reader r = read_entry(at);
	const char *augmentation;
	uint8_t version;

	if (r.failed || eh_read_bytes(&r, 4) != 0)
		return false;
	version = (uint8_t)eh_read_bytes(&r, 1);
	augmentation = (const char *)r.at;
	if ((version != 1 && version != 3) || !memchr(r.at, 0, (size_t)(r.end - r.at)))
		return false;
	skip(&r, strlen(augmentation) + 1);
	f->code_align = eh_read_uleb(&r);
	f->data_align = eh_read_sleb(&r);
	if ((version == 1 ? eh_read_bytes(&r, 1) : eh_read_uleb(&r)) != EH_RETURN)
		return false;
	if (!read_augmentation(&r, augmentation, f))
		return false;
	f->initial = r;
	return !r.failed;
}

static bool read_function(const uint8_t *at, struct function *f)
{
	struct eh_reader r = read_entry(at);
	const uint8_t *place = r.at;
	uint32_t back = (uint32_t)eh_read_bytes(&r, 4);

	if (r.failed || back == 0)
		return false;
	if (!read_common(place - back, f))
		return false;
	f->start = read_pointer(&r, f->pointer_encoding, 0);
	f->end = f->start + read_pointer(&r, f->pointer_encoding & PE_SIZE, 0);
	if (f->has_data)
		read_data(&r);
	f->instructions = r;
	return !r.failed;
}

/* The FDE of a function, from the sorted table of .eh_frame_hdr. Returns NULL if there is none. */
static const uint8_t *search(const uint8_t *header, uint64_t pc)
{
	struct eh_reader r = { header, header + 64, false };
	uint64_t base = (uint64_t)(uintptr_t)header, count;
	uint8_t version = (uint8_t)eh_read_bytes(&r, 1), eh_encoding = (uint8_t)eh_read_bytes(&r, 1);
	uint8_t count_encoding = (uint8_t)eh_read_bytes(&r, 1),
		encoding = (uint8_t)eh_read_bytes(&r, 1);
	const int32_t *row;
	size_t low = 0, high;

	if (version != 1 || encoding != (PE_DATAREL | PE_SDATA4) || count_encoding == PE_OMIT)
		return NULL;
	read_pointer(&r, eh_encoding, base);
	count = read_pointer(&r, count_encoding, base);
	row = (const int32_t *)r.at;
	high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (base + (uint64_t)(int64_t)row[2 * middle] <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 || r.failed ? NULL : header + row[2 * (low - 1) + 1];
}

/* Interprets the instructions of a function. */
struct machine {
	const struct function *function;
	struct eh_row now, initial, remembered[STATES_MOST];
	unsigned remembered_count;
	uint64_t location, pc;
};

/* Columns of other registers, such as those of vectors, are not kept. */
static void set_column(struct machine *m, uint64_t reg, enum eh_where where, int64_t value)
{
	if (reg >= EH_COLUMNS)
		return;
	m->now.where[reg] = (uint8_t)where;
	m->now.value[reg] = value;
}

static void restore_column(struct machine *m, uint64_t reg)
{
	if (reg < EH_COLUMNS)
		set_column(m, reg, m->initial.where[reg], m->initial.value[reg]);
}

/* The address of an expression's block, which is passed over. */
static int64_t read_block(struct eh_reader *r)
{
	const uint8_t *block = r->at;

	skip(r, eh_read_uleb(r));
	return (int64_t)(intptr_t)block;
}

/* A factor in an entry is unsigned, and the other one may be of either sign. */
static int64_t scaled(const struct machine *m, uint64_t factor)
{
	return (int64_t)(factor * (uint64_t)m->function->data_align);
}

/* Runs an instruction that defines the CFA. Returns false if it is another one. */
static bool run_cfa(struct machine *m, struct eh_reader *r, uint8_t op)
{
	struct eh_row *row = &m->now;

	switch (op) {
	case CFA_DEF_CFA:
	case CFA_DEF_CFA_SF:
	case CFA_DEF_CFA_REGISTER:
		row->cfa_register = eh_read_uleb(r);
		row->cfa_expression = NULL;
		break;
	case CFA_DEF_CFA_OFFSET:
	case CFA_DEF_CFA_OFFSET_SF:
		break;
	case CFA_DEF_CFA_EXPRESSION:
		row->cfa_expression = r->at;
		read_block(r);
		break;
	default:
		return false;
	}
	if (op == CFA_DEF_CFA || op == CFA_DEF_CFA_OFFSET)
		row->cfa_offset = (int64_t)eh_read_uleb(r);
	else if (op == CFA_DEF_CFA_SF || op == CFA_DEF_CFA_OFFSET_SF)
		row->cfa_offset = scaled(m, (uint64_t)eh_read_sleb(r));
	return true;
}

/* Runs an instruction that says where a register is. Returns false if it is another one. */
static bool run_register(struct machine *m, struct eh_reader *r, uint8_t op)
{
	uint64_t reg = eh_read_uleb(r);

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		set_column(m, reg, EH_AT_CFA, scaled(m, eh_read_uleb(r)));
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		set_column(m, reg, EH_AT_CFA, scaled(m, (uint64_t)eh_read_sleb(r)));
		return true;
	case CFA_GNU_NEGATIVE_OFFSET:
		set_column(m, reg, EH_AT_CFA, scaled(m, -eh_read_uleb(r)));
		return true;
	case CFA_VAL_OFFSET:
		set_column(m, reg, EH_CFA_PLUS, scaled(m, eh_read_uleb(r)));
		return true;
	case CFA_VAL_OFFSET_SF:
		set_column(m, reg, EH_CFA_PLUS, scaled(m, (uint64_t)eh_read_sleb(r)));
		return true;
	case CFA_RESTORE_EXTENDED:
		restore_column(m, reg);
		return true;
	case CFA_UNDEFINED:
		set_column(m, reg, EH_UNDEFINED, 0);
		return true;
	case CFA_SAME_VALUE:
		set_column(m, reg, EH_SAME, 0);
		return true;
	case CFA_REGISTER:
		set_column(m, reg, EH_REGISTER, (int64_t)eh_read_uleb(r));
		return true;
	case CFA_EXPRESSION:
		set_column(m, reg, EH_AT_EXPRESSION, read_block(r));
		return true;
	case CFA_VAL_EXPRESSION:
		set_column(m, reg, EH_EXPRESSION, read_block(r));
		return true;
	default:
		return false;
	}
}

/* Runs an instruction that is about the row as a whole, or moves on to another address. Returns
 * false if it is another one. */
static bool run_row(struct machine *m, struct eh_reader *r, uint8_t op)
{
	uint64_t align = m->function->code_align;

	switch (op) {
	case CFA_NOP:
		return true;
	case CFA_GNU_ARGS_SIZE:
		eh_read_uleb(r);
		return true;
	case CFA_REMEMBER:
		r->failed |= m->remembered_count == STATES_MOST;
		if (!r->failed)
			m->remembered[m->remembered_count++] = m->now;
		return true;
	case CFA_RESTORE_STATE:
		r->failed |= m->remembered_count == 0;
		if (!r->failed)
			m->now = m->remembered[--m->remembered_count];
		return true;
	case CFA_SET_LOC:
		m->location = read_pointer(r, m->function->pointer_encoding, 0);
		return true;
	case CFA_ADVANCE1:
	case CFA_ADVANCE2:
	case CFA_ADVANCE4:
		m->location += eh_read_bytes(r, 1u << (op - CFA_ADVANCE1)) * align;
		return true;
	default:
		return false;
	}
}

/* Runs the instructions, up to the first that is for an address behind pc. */
static bool run(struct machine *m, struct eh_reader r)
{
	while (r.at < r.end && !r.failed && m->location <= m->pc) {
		uint8_t op = (uint8_t)eh_read_bytes(&r, 1), low = op & 0x3f;

		switch (op & 0xc0) {
		case CFA_ADVANCE:
			m->location += low * m->function->code_align;
			break;
		case CFA_OFFSET:
			set_column(m, low, EH_AT_CFA, scaled(m, eh_read_uleb(&r)));
			break;
		case CFA_RESTORE:
			restore_column(m, low);
			break;
		default:
			if (!run_row(m, &r, op) && !run_cfa(m, &r, op) && !run_register(m, &r, op))
				r.failed = true;
		}
	}
	return !r.failed;
}

bool eh_frame_find(const uint8_t *header, uint64_t instruction, struct eh_row *row)
{
	const uint8_t *entry = header ? search(header, instruction) : NULL;
	struct function f = { 0 };
	struct machine m;

	if (!entry || !read_function(entry, &f) || instruction < f.start || instruction >= f.end)
		return false;
	m.function = &f;
	m.now = m.initial = (struct eh_row){ 0 };
	m.remembered_count = 0;
	m.location = f.start;
	m.pc = UINT64_MAX;
	if (!run(&m, f.initial))
		return false;
	m.initial = m.now;
	m.location = f.start;
	m.pc = instruction;
	if (!run(&m, f.instructions))
		return false;
	*row = m.now;
	row->is_signal = f.is_signal;
	return true;
}
