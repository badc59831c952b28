/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/unwindtable/pdata.h"

#include "preload/base/poison.h"

enum {
	CHAIN_MOST = 32,
	CODES_MOST = 255,
	EPILOGUE_STEPS_MOST = 64, /* more instructions than any epilogue has */
	IS_CHAINED = 4,           /* a flag of an UNWIND_INFO */
	IS_INDIRECT = 1,          /* in the place of an UNWIND_INFO: another entry lies there */
	FRAME_UNIT = 16,          /* offsets of frame registers count these */
};

enum {
	CODE_PUSH = 0,
	CODE_ALLOC_LARGE = 1,
	CODE_ALLOC_SMALL = 2,
	CODE_SET_FRAME = 3,
	CODE_SAVE = 4,
	CODE_SAVE_FAR = 5,
	CODE_EPILOGUE = 6,      /* version 2; in version 1 it saved half of a vector register */
	CODE_SAVE_HALF_FAR = 7, /* version 1 */
	CODE_SAVE_VECTOR = 8,
	CODE_SAVE_VECTOR_FAR = 9,
	CODE_MACHINE_FRAME = 10,
};

/* Registers by their numbers in instructions and in codes: their numbers in DWARF. */
static const uint8_t dwarf[16] = { 0, 2, 1,  EH_RBX, EH_RSP, EH_RBP, 4,  5,
				   8, 9, 10, 11,     EH_R12, 13,     14, 15 };

/* A RUNTIME_FUNCTION. All offsets count from the base of the image. */
struct entry {
	uint32_t begin, end;
	uint32_t info;
};

/* An UNWIND_INFO. */
struct info {
	struct entry entry; /* that has it */
	uint8_t version, flags, prologue_bytes, count;
	uint8_t frame_register;        /* by its number in codes; 0: none */
	uint32_t frame_offset;         /* of that register, in bytes */
	uint16_t code[CODES_MOST + 3]; /* what follows may be read together with the last one */
};

/* Aligned words, of which none lies on two pages. */
static bool copy(const struct pdata_image *image, uint64_t offset, void *to, size_t bytes)
{
	uint64_t address = image->base + offset;

	if (offset >= image->bytes || bytes > image->bytes - offset)
		return false;
	for (uint64_t word = address & -8ull; word < address + bytes; word += 8)
		if (!image->can_read(image->reader, word))
			return false;
	memcpy(to, (const void *)(uintptr_t)address, bytes);
	return true;
}

/* Finds the entry of a function. `*is_found` becomes false if none has this offset. Returns false if
 * the table cannot be read. */
static bool find_entry(const struct pdata_image *image, uint64_t offset, struct entry *entry,
		       bool *is_found)
{
	uint32_t low = 0, high = image->table_bytes / sizeof(*entry);

	*is_found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (!copy(image, image->table + (uint64_t)middle * sizeof(*entry), entry,
			  sizeof(*entry)))
			return false;
		if (offset < entry->begin) {
			high = middle;
		} else if (offset >= entry->end) {
			low = middle + 1;
		} else {
			*is_found = true;
			return !(entry->info & IS_INDIRECT) ||
			       copy(image, entry->info - IS_INDIRECT, entry, sizeof(*entry));
		}
	}
	return true;
}

static bool find_info(const struct pdata_image *image, const struct entry *entry, struct info *info)
{
	uint8_t head[4];

	if (!copy(image, entry->info, head, sizeof(head)))
		return false;
	info->entry = *entry;
	info->version = head[0] & 7;
	info->flags = head[0] >> 3;
	info->prologue_bytes = head[1];
	info->count = head[2];
	info->frame_register = head[3] & 15;
	info->frame_offset = (head[3] >> 4) * FRAME_UNIT;
	memset(&info->code[info->count], 0, 2 * sizeof(info->code[0]));
	return (info->version == 1 || info->version == 2) &&
	       copy(image, entry->info + 4ull, info->code, info->count * sizeof(info->code[0]));
}

/* The entry to which an UNWIND_INFO is chained. It lies behind the codes, of which there is an even
 * number. */
static bool find_chained(const struct pdata_image *image, const struct info *info,
			 struct entry *entry)
{
	uint64_t codes = (info->count + 1u) & ~1u;

	return copy(image, info->entry.info + 4 + codes * sizeof(info->code[0]), entry,
		    sizeof(*entry));
}

/*
 * The frame, as the codes undo it, from the end of the prologue to its beginning. Places on the stack
 * count from where rsp was after the prologue, whether it still is there or not.
 */
struct frame {
	int64_t top;            /* what the code that is next has left as rsp */
	int64_t saved_at[16];   /* by registers' numbers in codes */
	uint32_t saved;         /* a bit for each of them that was saved */
	uint32_t is_by_frame;   /* for each whose place counts from the frame register instead */
	uint8_t frame_register; /* that held `frame_at`, if is_set */
	bool is_set;
	bool is_machine; /* of what was interrupted, rip lies at `top` */
	int64_t frame_at;
};

static void save(struct frame *f, unsigned reg, int64_t at, bool is_by_frame)
{
	f->saved_at[reg] = at;
	f->saved |= 1u << reg;
	f->is_by_frame = (f->is_by_frame & ~(1u << reg)) | (uint32_t)is_by_frame << reg;
}

/* How many codes one takes up, its operands included; 0: it is not known. */
static unsigned length_of(const struct info *info, unsigned i)
{
	switch (info->code[i] >> 8 & 15) {
	case CODE_PUSH:
	case CODE_ALLOC_SMALL:
	case CODE_SET_FRAME:
	case CODE_MACHINE_FRAME:
		return 1;
	case CODE_ALLOC_LARGE:
		return info->code[i] >> 12 ? 3 : 2;
	case CODE_EPILOGUE:
		return info->version == 1 ? 2 : 1;
	case CODE_SAVE:
	case CODE_SAVE_VECTOR:
		return 2;
	case CODE_SAVE_HALF_FAR:
		return info->version == 1 ? 3 : 0;
	case CODE_SAVE_FAR:
	case CODE_SAVE_VECTOR_FAR:
		return 3;
	default:
		return 0;
	}
}

/* Which of the codes have been run where the function is now, from which on? The prologue is over
 * in most. Codes come in falling order of their offsets. */
static bool has_run(const struct info *info, unsigned i, uint64_t instruction)
{
	uint64_t done = instruction - info->entry.begin;

	return done >= info->prologue_bytes || (info->code[i] & 0xff) <= done;
}

/* Does the frame register of a function hold what it is for? */
static bool has_frame_register(const struct info *info, uint64_t instruction)
{
	if (!info->frame_register || instruction - info->entry.begin >= info->prologue_bytes)
		return info->frame_register != 0;
	for (unsigned i = 0, length; i < info->count; i += length) {
		length = length_of(info, i);
		if (length == 0)
			return false;
		if ((info->code[i] >> 8 & 15) == CODE_SET_FRAME)
			return has_run(info, i, instruction);
	}
	return false;
}

/* Undoes one code. Returns false if it makes no sense. */
static bool undo(struct frame *f, const struct info *info, unsigned i, int64_t saves_at,
		 bool is_by_frame)
{
	unsigned operand = info->code[i] >> 12;
	uint32_t far = info->code[i + 1] | (uint32_t)info->code[i + 2] << 16;

	switch (info->code[i] >> 8 & 15) {
	case CODE_PUSH:
		save(f, operand, f->top, false);
		f->top += 8;
		break;
	case CODE_ALLOC_SMALL:
		f->top += (operand + 1) * 8;
		break;
	case CODE_ALLOC_LARGE:
		f->top += operand ? far : info->code[i + 1] * 8;
		break;
	case CODE_SET_FRAME:
		f->frame_register = info->frame_register;
		f->frame_at = f->top + info->frame_offset;
		f->is_set = true;
		return info->frame_register != 0;
	case CODE_SAVE:
		save(f, operand, saves_at + info->code[i + 1] * 8, is_by_frame);
		break;
	case CODE_SAVE_FAR:
		save(f, operand, saves_at + far, is_by_frame);
		break;
	case CODE_MACHINE_FRAME:
		f->top += operand ? 8 : 0;
		f->is_machine = true;
		break;
	default: /* vector registers, and where epilogues are */
		break;
	}
	return true;
}

/* Undoes what one UNWIND_INFO says. */
static bool undo_codes(struct frame *f, const struct info *info, uint64_t instruction)
{
	bool is_by_frame = has_frame_register(info, instruction);
	int64_t saves_at = is_by_frame ? -(int64_t)info->frame_offset : f->top;

	for (unsigned i = 0, length; i < info->count && !f->is_machine; i += length) {
		length = length_of(info, i);
		if (length == 0 || length > info->count - i)
			return false;
		if (has_run(info, i, instruction) && !undo(f, info, i, saves_at, is_by_frame))
			return false;
	}
	return true;
}

static void set_saved(struct eh_row *row, unsigned reg, int64_t cfa_offset)
{
	row->where[dwarf[reg]] = EH_AT_CFA;
	row->value[dwarf[reg]] = cfa_offset;
}

/* The row for a frame that was undone up to its return address. Of a machine frame the CFA is where
 * rip lies: cs, eflags and rsp follow it. */
static bool make_row(const struct frame *f, struct eh_row *row)
{
	int64_t cfa = f->top + (f->is_machine ? 0 : 8);

	if ((f->is_by_frame && !f->is_set) || f->saved & 1u << 4)
		return false;
	*row = (struct eh_row){ .is_signal = f->is_machine };
	row->cfa_register = f->is_set ? dwarf[f->frame_register] : EH_RSP;
	row->cfa_offset = cfa - (f->is_set ? f->frame_at : 0);
	row->where[EH_RETURN] = EH_AT_CFA;
	row->value[EH_RETURN] = f->is_machine ? 0 : -8;
	for (unsigned reg = 0; reg < 16; reg++)
		if (f->saved >> reg & 1)
			set_saved(row, reg,
				  f->saved_at[reg] + (f->is_by_frame >> reg & 1 ? f->frame_at : 0) -
					  cfa);
	if (f->is_machine)
		set_saved(row, 4, 24);
	return true;
}

/* The instructions of an epilogue, which are followed to the return. */
struct epilogue {
	const struct pdata_image *image;
	const struct info *info;
	uint64_t at;     /* the offset of the next instruction */
	uint8_t code[8]; /* its bytes */
	uint8_t base;    /* rsp is this register plus `top` */
	int64_t top;
	int64_t popped_at[16];
	uint32_t popped;
};

static bool fetch(struct epilogue *e)
{
	uint64_t left = e->at < e->image->bytes ? e->image->bytes - e->at : 0;

	memset(e->code, 0, sizeof(e->code));
	return left && copy(e->image, e->at, e->code, left < 8 ? left : 8);
}

static bool advance(struct epilogue *e, unsigned bytes)
{
	e->at += bytes;
	return fetch(e);
}

static int32_t number_at(const uint8_t *code, bool is_long)
{
	int32_t number = (int8_t)code[0];

	if (is_long)
		memcpy(&number, code, sizeof(number));
	return number;
}

/* An epilogue may begin with lea n(register), %rsp. */
static bool skip_lea(struct epilogue *e)
{
	const uint8_t *c = e->code;
	unsigned mode = c[2] >> 6, base = (c[2] & 7) | (c[0] & 1) << 3;

	if ((c[0] & 0xfe) != 0x48 || c[1] != 0x8d || (c[2] >> 3 & 7) != 4 || (base & 7) == 4 ||
	    (mode != 1 && mode != 2))
		return true;
	e->base = (uint8_t)base;
	e->top = number_at(c + 3, mode == 2);
	return advance(e, mode == 2 ? 7 : 4);
}

/* Is a jump to an offset one to another function, in place of a call and a return? Parts of a function
 * may lie apart, with entries of their own. */
static bool leaves_function(const struct epilogue *e, uint64_t target)
{
	struct entry other;
	struct info info;
	bool is_found;

	if (target >= e->image->bytes)
		return true;
	if (!find_entry(e->image, target, &other, &is_found))
		return false;
	return !is_found || (target == other.begin && find_info(e->image, &other, &info) &&
			     !(info.flags & IS_CHAINED));
}

enum flow { FLOW_ON, FLOW_OUT, FLOW_OTHER };

static enum flow follow_jump(struct epilogue *e, unsigned bytes, int32_t distance)
{
	uint64_t target = e->at + bytes + (uint64_t)(int64_t)distance;

	if (target - e->info->entry.begin >= e->info->entry.end - e->info->entry.begin)
		return leaves_function(e, target) ? FLOW_OUT : FLOW_OTHER;
	e->at = target;
	return fetch(e) ? FLOW_ON : FLOW_OTHER;
}

/* Runs another instruction of an epilogue: add $n, %rsp; pop; a return or a jump. An indirect jump that
 * leaves a function has the prefix 0x48, or goes by way of a word beside the code. */
static enum flow follow(struct epilogue *e)
{
	unsigned prefix = (e->code[0] & 0xf0) == 0x40;
	const uint8_t *c = e->code + prefix;
	unsigned reg = (c[0] & 7) | (prefix && e->code[0] & 1 ? 8 : 0);

	if (e->code[0] == 0x48 && (c[0] == 0x81 || c[0] == 0x83) && c[1] == 0xc4) {
		e->top += number_at(c + 2, c[0] == 0x81);
		return advance(e, c[0] == 0x81 ? 7 : 4) ? FLOW_ON : FLOW_OTHER;
	}
	if ((c[0] & 0xf8) == 0x58 && reg != 4) {
		e->popped_at[reg] = e->top;
		e->popped |= 1u << reg;
		e->top += 8;
		return advance(e, 1 + prefix) ? FLOW_ON : FLOW_OTHER;
	}
	if (c[0] == 0xc3 || c[0] == 0xc2 || (c[0] == 0xf3 && c[1] == 0xc3))
		return FLOW_OUT;
	if (c[0] == 0xeb)
		return follow_jump(e, prefix + 2, number_at(c + 1, false));
	if (c[0] == 0xe9)
		return follow_jump(e, prefix + 5, number_at(c + 1, true));
	if (c[0] == 0xff && (c[1] == 0x25 || ((prefix && e->code[0] & 8) && (c[1] & 0x38) == 0x20)))
		return FLOW_OUT;
	return FLOW_OTHER;
}

/* Where version 2 says that epilogues are: the size of all of them, and how far before the end of the
 * function each begins; but one at the very end is a bit. */
static bool is_in_listed_epilogue(const struct info *info, uint64_t instruction)
{
	uint64_t before_end = info->entry.end - instruction;
	uint8_t bytes = (uint8_t)info->code[0];

	for (unsigned i = 0; i < info->count; i++) {
		uint32_t begin = (info->code[i] & 0xff) | (info->code[i] >> 12 << 8);

		if ((info->code[i] >> 8 & 15) != CODE_EPILOGUE)
			break;
		if (i == 0)
			begin = info->code[0] >> 12 & 1 ? bytes : 0;
		if (before_end <= begin && begin - before_end < bytes)
			return true;
	}
	return false;
}

/* Is the instruction one of an epilogue, of which nothing has to be told but what is still to be
 * run? */
static bool find_in_epilogue(const struct pdata_image *image, const struct info *info,
			     uint64_t instruction, struct eh_row *row)
{
	struct epilogue e = { .image = image, .info = info, .at = instruction, .base = 4 };
	enum flow flow = FLOW_ON;
	unsigned steps = 0;

	if (info->version == 2 && !is_in_listed_epilogue(info, instruction))
		return false;
	if (!fetch(&e) || !skip_lea(&e))
		return false;
	while (flow == FLOW_ON && steps++ < EPILOGUE_STEPS_MOST)
		flow = follow(&e);
	if (flow != FLOW_OUT)
		return false;
	*row = (struct eh_row){ .cfa_register = dwarf[e.base], .cfa_offset = e.top + 8 };
	row->where[EH_RETURN] = EH_AT_CFA;
	row->value[EH_RETURN] = -8;
	for (unsigned reg = 0; reg < 16; reg++)
		if (e.popped >> reg & 1)
			set_saved(row, reg, e.popped_at[reg] - row->cfa_offset);
	return true;
}

bool pdata_find(const struct pdata_image *image, uint64_t instruction, bool is_interrupted,
		struct eh_row *row)
{
	uint64_t offset = instruction - image->base;
	struct frame frame = { .top = 0 };
	struct entry entry;
	struct info info;
	bool is_found;

	if (!find_entry(image, offset, &entry, &is_found))
		return false;
	if (!is_found)
		return make_row(&frame, row);
	for (unsigned i = 0; i < CHAIN_MOST; i++) {
		if (!find_info(image, &entry, &info))
			return false;
		if (i == 0 && is_interrupted && info.count &&
		    offset - entry.begin >= info.prologue_bytes &&
		    find_in_epilogue(image, &info, offset, row))
			return true;
		if (!undo_codes(&frame, &info, offset))
			return false;
		if (!(info.flags & IS_CHAINED) || frame.is_machine)
			return make_row(&frame, row);
		if (!find_chained(image, &info, &entry))
			return false;
	}
	return false;
}
