/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <signal.h>
#include <stddef.h>

#include "preload/base/compiler.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/capture/libunwind.h"
#include "preload/capture/step.h"
#include "preload/host/elf_image.h"
#include "preload/host/images.h"
#include "preload/host/patch.h"
#include "preload/host/pe_list.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

#define LIBRARY "libunwind.so.8"

enum { CACHE_ROWS = 8192 };

static int (*get_context)(unw_tdep_context_t *);
static int (*init_cursor)(unw_cursor_t *, unw_context_t *);
static int (*init_cursor_at)(unw_cursor_t *, unw_context_t *, int);
static int (*step_cursor)(unw_cursor_t *);
static int (*is_signal)(unw_cursor_t *);
static int (*get_register)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
static void (*flush)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space; /* NULL: libunwind is not loaded */

/* What a visitor is handed begins with the address that it looks for. */
static bool begins_with_address;

static uint64_t beginning_of(const void *data)
{
	return *(const uint64_t *)data;
}

static bool holds(const struct dl_phdr_info *info, uint64_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && address - info->dlpi_addr - p->p_vaddr < p->p_memsz)
			return true;
	}
	return false;
}

int libunwind_visit(libunwind_visitor *visit, void *data)
{
	uint64_t address = beginning_of(data);
	struct dl_phdr_info info;
	struct elf_image image;
	int result;

	if (!elf_image_at((const void *)address, &image) || !elf_image_describe(&image, &info))
		return 0;
	result = visit(&info, offsetof(struct dl_phdr_info, dlpi_adds), data);
	begins_with_address |= result > 0 && holds(&info, address);
	return result;
}

/* In place of sigprocmask(), which libunwind calls twice for each frame. While we use it, all signals
 * are blocked anyway. */
static int change_mask(int how, const sigset_t *set, sigset_t *old)
{
	return reentry_inside ? 0 : sigprocmask(how, set, old);
}

static const struct {
	const char *name;
	void *function;
} replacements[] = {
	{ "dl_iterate_phdr", (void *)libunwind_visit },
	{ "sigprocmask", (void *)change_mask },
};

static void redirect_import(const struct elf_import *import, bool is_visit_set)
{
	for (size_t i = is_visit_set; i < sizeof(replacements) / sizeof(*replacements); i++)
		if (elf_image_is_name(import->name, replacements[i].name))
			patch_pointer(import->at, replacements[i].function);
}

/* Makes the library call our functions. */
static void redirect(void *library, bool is_visit_set)
{
	struct elf_dynamic dynamic;
	struct elf_import import;
	struct link_map *map;

	if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || !elf_image_read(&dynamic, map))
		return;
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < dynamic.relocations[i].count; n++)
			if (elf_image_import(&dynamic, &dynamic.relocations[i].all[n], &import))
				redirect_import(&import, is_visit_set);
}

#define FIND(pointer, name) ((pointer) = (__typeof__(pointer))real_dlsym(library, name))

/* Where a walk is. */
struct walk {
	unw_context_t context;
	unw_cursor_t cursor;
	bool is_interrupted; /* as in struct step_frame */
	uint64_t pc;
	struct stack_pages pages;
};

static bool is_in_pe(const struct walk *w)
{
	struct pe_listed listed;

	return pe_list_find(w->pc - 1, &listed);
}

/* What libunwind has restored for the frame that it is at. */
static struct step_frame leave_cursor(struct walk *w)
{
	struct step_frame f = { .is_interrupted = w->is_interrupted,
				.pc = w->pc,
				.pages = &w->pages };

	for (unsigned reg = 0; reg < EH_RETURN; reg++) {
		unw_word_t value;

		if (get_register(&w->cursor, (unw_regnum_t)reg, &value) < 0)
			continue;
		f.registers[reg] = value;
		f.known |= 1u << reg;
	}
	return f;
}

/* Makes a new cursor: the registers of one cannot be set without writing where they were saved. */
static bool enter_cursor(struct walk *w, const struct step_frame *f)
{
	w->context = (unw_context_t){ 0 };
	step_write_context(f, &w->context);
	w->is_interrupted = f->is_interrupted;
	return init_cursor_at(&w->cursor, &w->context,
			      f->is_interrupted ? UNW_INIT_SIGNAL_FRAME : 0) >= 0;
}

static bool step_without_libunwind(struct walk *w)
{
	struct step_frame f = leave_cursor(w);

	if (!step_out(&f) || !enter_cursor(w, &f))
		return false;
	w->pc = f.pc;
	return true;
}

/* Two kinds of frames are not libunwind's: those of PE images, and those of ELF functions that may be called
 * from there. Such a function keeps registers of vectors, which libunwind 1.6 takes for an error in its
 * unwind table. */
static bool step_walk(struct walk *w)
{
	unw_word_t ip;
	int result;

	if (is_in_pe(w))
		return step_without_libunwind(w);
	result = step_cursor(&w->cursor);
	if (result == -UNW_EBADREG)
		return step_without_libunwind(w);
	if (result <= 0 || get_register(&w->cursor, UNW_REG_IP, &ip) < 0 || !ip)
		return false;
	/* Was the frame that it stepped from one of a signal? Then this one was interrupted,
	 * and has no return address (cfi.h). */
	w->is_interrupted = is_signal(&w->cursor) > 0;
	w->pc = ip + w->is_interrupted;
	return true;
}

/* Steps from here on outward. */
static APART uint32_t step_through(uint64_t *pc, uint32_t most)
{
	struct walk w = { .pc = 1 };
	uint32_t found = 0;

	if (get_context(&w.context) < 0 || init_cursor(&w.cursor, &w.context) < 0)
		return 0;
	while (found < most && step_walk(&w))
		pc[found++] = w.pc;
	return found;
}

bool libunwind_init(void)
{
	void *of_host = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void (*set_visit)(unw_addr_space_t, int (*)(libunwind_visitor *, void *));
	int (*set_cache_size)(unw_addr_space_t, size_t, int);
	unw_addr_space_t *space;
	uint64_t warm[4];

	if (!library)
		return false;
	FIND(get_context, NAME_OF(unw_tdep_getcontext));
	FIND(init_cursor, NAME_OF(unw_init_local));
	FIND(init_cursor_at, NAME_OF(unw_init_local2));
	FIND(step_cursor, NAME_OF(unw_step));
	FIND(is_signal, NAME_OF(unw_is_signal_frame));
	FIND(get_register, NAME_OF(unw_get_reg));
	FIND(flush, NAME_OF(unw_flush_cache));
	FIND(space, NAME_OF(unw_local_addr_space));
	if (!get_context || !init_cursor || !init_cursor_at || !step_cursor || !is_signal ||
	    !get_register || !flush || !space)
		return false;
	/* From 1.7 on libunwind can be told what to call. The host may have told its own
	 * something. */
	if (of_host || !FIND(set_visit, NAME_OF(UNW_OBJ(set_iterate_phdr_function))))
		set_visit = NULL;
	if (set_visit)
		set_visit(*space, libunwind_visit);
	redirect(library, set_visit != NULL);
	if (FIND(set_cache_size, NAME_OF(unw_set_cache_size)))
		set_cache_size(*space, CACHE_ROWS, 0);
	step_through(warm, 4);
	if (!begins_with_address)
		return false;
	local_space = space;
	return true;
}

bool libunwind_take(uint64_t *pc, uint32_t most, uint32_t *found)
{
	if (!lock_take(LOCK_LIBUNWIND))
		return false;
	/* The rules that libunwind has kept may be those of an image that another thread unloads
	 * now. */
	if (unlikely(images_is_unloading(images_epoch())))
		flush(*local_space, 0, 0);
	*found = step_through(pc, most);
	lock_release(LOCK_LIBUNWIND);
	return true;
}

static bool is_held; /* by the thread that forks */

void libunwind_before_fork(void)
{
	is_held = local_space && lock_take(LOCK_LIBUNWIND);
}

void libunwind_after_fork(void)
{
	if (is_held)
		lock_release(LOCK_LIBUNWIND);
}

void libunwind_forget(void)
{
	if (local_space)
		flush(*local_space, 0, 0);
}
