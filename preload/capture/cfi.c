/* SPDX-License-Identifier: MIT */
/*
 * Source of the facts: the DWARF standard, section "Call Frame Information", and the Linux Standard
 * Base, "Exception Frames", for .eh_frame and .eh_frame_hdr.
 */
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "preload/base/reentry.h"
#include "preload/capture/cfi.h"
#include "preload/capture/sealed.h"
#include "preload/host/images.h"

#include "preload/base/poison.h"

enum {
	REG_RBP = 6,
	REG_RSP = 7,
	REG_RETURN = 16,
	STATES_MOST = 8, /* remembered within one function */
	CACHE_ROWS = 4096,
};

/* How a pointer is encoded: the low four bits are its size, the next three what it is relative
 * to. */
enum {
	PE_ABSOLUTE = 0x00,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
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
	CFA_ADVANCE1 = 0x02,
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
};

/* A place in .eh_frame. The section is trusted: exceptions are unwound by it as well. */
struct reader {
	const uint8_t *at, *end;
	bool failed;
};

enum where { WHERE_SAME, WHERE_AT_CFA, WHERE_UNDEFINED, WHERE_OTHER };

struct column {
	enum where where;
	int64_t offset; /* from the CFA */
};

/* The row of the unwind table for one address: only what a plain frame needs. */
struct state {
	uint64_t cfa_register;
	int64_t cfa_offset;
	bool cfa_is_expression;
	struct column rbp, rsp, return_address;
};

/* A frame description entry (FDE): the unwind table of one function. */
struct frame_info {
	uint64_t start, end;
	uint64_t code_align;
	int64_t data_align;
	uint8_t pointer_encoding;
	bool is_signal;
	bool has_data; /* entries of functions have augmentation data as well */
	struct reader initial, instructions;
};

static uint64_t read_bytes(struct reader *r, size_t bytes)
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
static uint64_t read_leb(struct reader *r, unsigned *shift, uint8_t *last)
{
	uint64_t value = 0;

	*shift = 0;
	do {
		*last = (uint8_t)read_bytes(r, 1);
		if (*shift < 64)
			value |= (uint64_t)(*last & 0x7f) << *shift;
		*shift += 7;
	} while (*last & 0x80);
	return value;
}

static uint64_t read_uleb(struct reader *r)
{
	unsigned shift;
	uint8_t last;

	return read_leb(r, &shift, &last);
}

static int64_t read_sleb(struct reader *r)
{
	unsigned shift;
	uint8_t last;
	uint64_t value = read_leb(r, &shift, &last);

	if ((last & 0x40) && shift < 64)
		value |= ~0ull << shift;
	return (int64_t)value;
}

static uint64_t read_pointer(struct reader *r, uint8_t encoding, uint64_t data_base)
{
	uint64_t here = (uint64_t)(uintptr_t)r->at, value;

	switch (encoding & PE_SIZE) {
	case PE_ABSOLUTE:
	case PE_UDATA8:
	case PE_SDATA8:
		value = read_bytes(r, 8);
		break;
	case PE_UDATA4:
		value = read_bytes(r, 4);
		break;
	case PE_SDATA4:
		value = (uint64_t)(int32_t)read_bytes(r, 4);
		break;
	case PE_UDATA2:
		value = read_bytes(r, 2);
		break;
	case PE_SDATA2:
		value = (uint64_t)(int16_t)read_bytes(r, 2);
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

/* An entry of .eh_frame begins with its length. */
static struct reader read_entry(const uint8_t *at)
{
	struct reader r = { at, at + 4, false };
	uint64_t bytes = read_bytes(&r, 4);

	r.end = r.at + bytes;
	r.failed = bytes == 0 || bytes == 0xffffffff; /* the end; or a length of 64 bits */
	return r;
}

static bool read_augmentation(struct reader *r, const char *text, struct frame_info *info)
{
	uint64_t bytes;
	const uint8_t *end;

	if (text[0] == '\0')
		return true;
	if (text[0] != 'z')
		return false;
	info->has_data = true;
	bytes = read_uleb(r);
	end = r->at + bytes;
	for (text++; *text; text++) {
		if (*text == 'R')
			info->pointer_encoding = (uint8_t)read_bytes(r, 1);
		else if (*text == 'S')
			info->is_signal = true;
		else if (*text == 'L')
			read_bytes(r, 1);
		else if (*text == 'P')
			read_pointer(r, (uint8_t)read_bytes(r, 1), 0);
		else if (*text != 'B')
			return false;
	}
	r->at = end;
	return true;
}

/* A common information entry (CIE): what several functions have in common. */
static bool read_common(const uint8_t *at, struct frame_info *info)
{
	struct reader r = read_entry(at);
	const char *augmentation;
	uint8_t version;

	if (r.failed || read_bytes(&r, 4) != 0)
		return false;
	version = (uint8_t)read_bytes(&r, 1);
	augmentation = (const char *)r.at;
	r.at += strlen(augmentation) + 1;
	info->code_align = read_uleb(&r);
	info->data_align = read_sleb(&r);
	if ((version == 1 ? read_bytes(&r, 1) : read_uleb(&r)) != REG_RETURN)
		return false;
	if (!read_augmentation(&r, augmentation, info))
		return false;
	info->initial = r;
	return !r.failed;
}

static bool read_function(const uint8_t *at, struct frame_info *info)
{
	struct reader r = read_entry(at);
	const uint8_t *place = r.at;
	uint32_t back = (uint32_t)read_bytes(&r, 4);

	if (r.failed || back == 0)
		return false;
	if (!read_common(place - back, info))
		return false;
	info->start = read_pointer(&r, info->pointer_encoding, 0);
	info->end = info->start + read_pointer(&r, info->pointer_encoding & PE_SIZE, 0);
	if (info->has_data)
		r.at += read_uleb(&r);
	info->instructions = r;
	return !r.failed && r.at <= r.end;
}

/* The FDE of a function, from the sorted table of .eh_frame_hdr. Returns NULL if there is none. */
static const uint8_t *search(const uint8_t *header, uint64_t pc)
{
	struct reader r = { header, header + 64, false };
	uint64_t base = (uint64_t)(uintptr_t)header, count;
	uint8_t version = (uint8_t)read_bytes(&r, 1), eh_encoding = (uint8_t)read_bytes(&r, 1);
	uint8_t count_encoding = (uint8_t)read_bytes(&r, 1), encoding = (uint8_t)read_bytes(&r, 1);
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

static void set_column(struct state *s, uint64_t reg, enum where where, int64_t offset)
{
	struct column c = { where, offset };

	if (reg == REG_RBP)
		s->rbp = c;
	else if (reg == REG_RSP)
		s->rsp = c;
	else if (reg == REG_RETURN)
		s->return_address = c;
}

static void restore_column(struct state *s, const struct state *initial, uint64_t reg)
{
	if (reg == REG_RBP)
		s->rbp = initial->rbp;
	else if (reg == REG_RSP)
		s->rsp = initial->rsp;
	else if (reg == REG_RETURN)
		s->return_address = initial->return_address;
}

static void skip_block(struct reader *r)
{
	uint64_t bytes = read_uleb(r);

	if (bytes > (uint64_t)(r->end - r->at))
		r->failed = true;
	else
		r->at += bytes;
}

struct machine {
	const struct frame_info *info;
	struct state now, initial, remembered[STATES_MOST];
	unsigned remembered_count;
	uint64_t location, pc;
};

/* Runs an instruction that defines the CFA. Returns false if it is another one. */
static bool run_cfa(struct machine *m, struct reader *r, uint8_t op)
{
	struct state *s = &m->now;

	switch (op) {
	case CFA_DEF_CFA:
		s->cfa_register = read_uleb(r);
		s->cfa_offset = (int64_t)read_uleb(r);
		break;
	case CFA_DEF_CFA_SF:
		s->cfa_register = read_uleb(r);
		s->cfa_offset = read_sleb(r) * m->info->data_align;
		break;
	case CFA_DEF_CFA_REGISTER:
		s->cfa_register = read_uleb(r);
		break;
	case CFA_DEF_CFA_OFFSET:
		s->cfa_offset = (int64_t)read_uleb(r);
		break;
	case CFA_DEF_CFA_OFFSET_SF:
		s->cfa_offset = read_sleb(r) * m->info->data_align;
		break;
	case CFA_DEF_CFA_EXPRESSION:
		skip_block(r);
		s->cfa_is_expression = true;
		return true;
	default:
		return false;
	}
	if (op != CFA_DEF_CFA_OFFSET && op != CFA_DEF_CFA_OFFSET_SF)
		s->cfa_is_expression = false;
	return true;
}

/* Runs an instruction that says where a register is saved. Returns false if it is another one. */
static bool run_register(struct machine *m, struct reader *r, uint8_t op)
{
	int64_t align = m->info->data_align;
	uint64_t reg;

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		reg = read_uleb(r);
		set_column(&m->now, reg, WHERE_AT_CFA, (int64_t)read_uleb(r) * align);
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		reg = read_uleb(r);
		set_column(&m->now, reg, WHERE_AT_CFA, read_sleb(r) * align);
		return true;
	case CFA_RESTORE_EXTENDED:
		restore_column(&m->now, &m->initial, read_uleb(r));
		return true;
	case CFA_UNDEFINED:
		set_column(&m->now, read_uleb(r), WHERE_UNDEFINED, 0);
		return true;
	case CFA_SAME_VALUE:
		set_column(&m->now, read_uleb(r), WHERE_SAME, 0);
		return true;
	case CFA_REGISTER:
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
		set_column(&m->now, read_uleb(r), WHERE_OTHER, 0);
		read_uleb(r);
		return true;
	case CFA_EXPRESSION:
	case CFA_VAL_EXPRESSION:
		set_column(&m->now, read_uleb(r), WHERE_OTHER, 0);
		skip_block(r);
		return true;
	default:
		return false;
	}
}

static void run_other(struct machine *m, struct reader *r, uint8_t op)
{
	switch (op) {
	case CFA_NOP:
		break;
	case CFA_REMEMBER:
		if (m->remembered_count == STATES_MOST)
			r->failed = true;
		else
			m->remembered[m->remembered_count++] = m->now;
		break;
	case CFA_RESTORE_STATE:
		if (m->remembered_count == 0)
			r->failed = true;
		else
			m->now = m->remembered[--m->remembered_count];
		break;
	case CFA_GNU_ARGS_SIZE:
		read_uleb(r);
		break;
	default:
		r->failed = true;
	}
}

/* Runs an instruction that moves on to another address. Returns false if it is another one. */
static bool run_advance(struct machine *m, struct reader *r, uint8_t op)
{
	uint64_t align = m->info->code_align;

	switch (op) {
	case CFA_SET_LOC:
		m->location = read_pointer(r, m->info->pointer_encoding, 0);
		return true;
	case CFA_ADVANCE1:
		m->location += read_bytes(r, 1) * align;
		return true;
	case CFA_ADVANCE2:
		m->location += read_bytes(r, 2) * align;
		return true;
	case CFA_ADVANCE4:
		m->location += read_bytes(r, 4) * align;
		return true;
	default:
		return false;
	}
}

/* Runs the instructions, up to the first that is for an address behind pc. */
static bool run(struct machine *m, struct reader r)
{
	while (r.at < r.end && !r.failed && m->location <= m->pc) {
		uint8_t op = (uint8_t)read_bytes(&r, 1), low = op & 0x3f;

		switch (op & 0xc0) {
		case CFA_ADVANCE:
			m->location += low * m->info->code_align;
			break;
		case CFA_OFFSET:
			set_column(&m->now, low, WHERE_AT_CFA,
				   (int64_t)read_uleb(&r) * m->info->data_align);
			break;
		case CFA_RESTORE:
			restore_column(&m->now, &m->initial, low);
			break;
		default:
			if (!run_advance(m, &r, op) && !run_cfa(m, &r, op) &&
			    !run_register(m, &r, op))
				run_other(m, &r, op);
		}
	}
	return !r.failed;
}

static struct cfi_rule rule_of(const struct state *s)
{
	struct cfi_rule unknown = cfi_rule(CFI_UNKNOWN, 0, 0);
	bool on_rsp = s->cfa_register == REG_RSP, on_rbp = s->cfa_register == REG_RBP;

	if (s->return_address.where == WHERE_UNDEFINED)
		return cfi_rule(CFI_OUTERMOST, 0, 0);
	if (s->cfa_is_expression || (!on_rsp && !on_rbp) || s->rbp.where == WHERE_OTHER ||
	    s->rbp.where == WHERE_UNDEFINED || s->rsp.where != WHERE_SAME ||
	    s->return_address.where != WHERE_AT_CFA || s->return_address.offset != -8 ||
	    s->cfa_offset < 0 || s->cfa_offset > INT32_MAX || s->rbp.offset < INT16_MIN ||
	    s->rbp.offset > 0 || (s->rbp.where == WHERE_AT_CFA && s->rbp.offset > -16))
		return unknown;
	return cfi_rule(on_rsp ? CFI_RSP : CFI_RBP, (int32_t)s->cfa_offset,
			s->rbp.where == WHERE_AT_CFA ? (int16_t)s->rbp.offset : 0);
}

static struct cfi_rule read_rule(const uint8_t *header, uint64_t pc)
{
	struct cfi_rule unknown = cfi_rule(CFI_UNKNOWN, 0, 0);
	const uint8_t *entry = header ? search(header, pc) : NULL;
	struct frame_info info = { 0 };
	struct machine m = { .info = &info, .pc = UINT64_MAX };

	if (!entry || !read_function(entry, &info) || info.is_signal || pc < info.start ||
	    pc >= info.end)
		return unknown;
	m.location = info.start;
	if (!run(&m, info.initial))
		return unknown;
	m.initial = m.now;
	m.location = info.start;
	m.pc = pc;
	return run(&m, info.instructions) ? rule_of(&m.now) : unknown;
}

/* The rules that were read, by return address mixed with the salt, so that no row of another epoch
 * fits. Direct-mapped. */
static struct sealed cache[CACHE_ROWS];

static size_t row_of(uint64_t pc)
{
	return (pc ^ pc >> 12) & (CACHE_ROWS - 1);
}

_Static_assert(CACHE_ROWS == 1 << 12, "row_of");

/* No address has the highest bit: a row that is empty, or has another epoch's salt, fits none. */
uint64_t cfi_salt(uint64_t epoch)
{
	return images_is_unloading(epoch) ? CFI_NO_CACHE : epoch * 0x9e3779b97f4a7c15u | 1ull << 63;
}

/* A rule is kept only if its image has a number: otherwise nobody would notice that it is
 * unloaded. */
static APART struct cfi_rule read_into(size_t row, uint64_t return_address, uint64_t salt)
{
	const void *code = (const void *)(return_address - 1);
	struct cfi_rule rule = cfi_rule(CFI_OUTERMOST, 0, 0);
	struct elf_image image = { 0 };
	bool is_image = return_address && elf_image_at(code, &image);

	if (return_address)
		rule = read_rule(image.eh_frame_hdr, return_address - 1);
	if (salt == CFI_NO_CACHE || (is_image && !images_number(code)))
		return rule;
	sealed_write(&cache[row], return_address ^ salt, rule.word);
	return rule;
}

struct cfi_rule cfi_find(uint64_t return_address, uint64_t salt)
{
	size_t row = row_of(return_address);
	struct cfi_rule rule;

	return likely(sealed_read(&cache[row], return_address ^ salt, &rule.word))
		       ? rule
		       : read_into(row, return_address, salt);
}
