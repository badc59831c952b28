/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include <dlfcn.h>
#include <libunwind.h>
#include <link.h>
#include <stddef.h>

#include "preload/base/compiler.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/capture/libunwind.h"
#include "preload/file/lanes.h"
#include "preload/host/elf_image.h"
#include "preload/host/images.h"
#include "preload/host/patch.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

#define TEXT_OF(x) #x
#define NAME_OF(x) TEXT_OF(x)

#define LIBRARY "libunwind.so.8"

static int (*unwinder)(void **, int);
static int (*get_context)(unw_tdep_context_t *);
static int (*init_cursor)(unw_cursor_t *, unw_context_t *);
static int (*start_at)(unw_cursor_t *, unw_context_t *, int);
static int (*step_cursor)(unw_cursor_t *);
static int (*get_register)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
static void (*flush)(unw_addr_space_t, unw_word_t, unw_word_t);
static unw_addr_space_t *local_space;

enum beginning { BEGINNING_UNKNOWN, BEGINNING_IS_ADDRESS, BEGINNING_IS_NONE };

static enum beginning beginning; /* of what visitors are handed */

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

struct confirmation {
	libunwind_visitor *visit;
	void *data;
};

static int visit_and_confirm(struct dl_phdr_info *info, size_t size, void *confirmation)
{
	const struct confirmation *c = confirmation;
	uint64_t address = beginning_of(c->data);
	int result = c->visit(info, size, c->data);

	if (result > 0)
		__atomic_store_n(&beginning,
				 holds(info, address) ? BEGINNING_IS_ADDRESS : BEGINNING_IS_NONE,
				 __ATOMIC_RELAXED);
	return result;
}

int libunwind_visit(libunwind_visitor *visit, void *data)
{
	enum beginning now = __atomic_load_n(&beginning, __ATOMIC_RELAXED);
	struct confirmation confirmation = { visit, data };
	struct dl_phdr_info info;
	struct elf_image image;

	if (unlikely(now == BEGINNING_UNKNOWN))
		return dl_iterate_phdr(visit_and_confirm, &confirmation);
	if (unlikely(now == BEGINNING_IS_NONE))
		return dl_iterate_phdr(visit, data);
	if (!elf_image_at((const void *)beginning_of(data), &image))
		return 0;
	if (unlikely(!elf_image_describe(&image, &info)))
		return dl_iterate_phdr(visit, data);
	return visit(&info, offsetof(struct dl_phdr_info, dlpi_adds), data);
}

/* Has the library call libunwind_visit() where it calls dl_iterate_phdr(). */
static void redirect(void *library)
{
	struct elf_dynamic dynamic;
	struct elf_import import;
	struct link_map *map;

	if (dlinfo(library, RTLD_DI_LINKMAP, &map) != 0 || !elf_image_read(&dynamic, map))
		return;
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < dynamic.relocations[i].count; n++)
			if (elf_image_import(&dynamic, &dynamic.relocations[i].all[n], &import) &&
			    elf_image_is_name(import.name, "dl_iterate_phdr"))
				patch_pointer(import.at, (void *)libunwind_visit);
}

#define FIND(pointer, name) ((pointer) = (__typeof__(pointer))real_dlsym(library, name))

bool libunwind_init(const char **why)
{
	void *of_host = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	void (*set_visit)(unw_addr_space_t, int (*)(libunwind_visitor *, void *));
	void *warm[4];

	*why = LIBRARY " cannot be loaded";
	if (!library)
		return false;
	FIND(unwinder, "unw_backtrace");
	FIND(get_context, NAME_OF(unw_tdep_getcontext));
	FIND(start_at, NAME_OF(unw_init_local2));
	FIND(init_cursor, NAME_OF(unw_init_local));
	FIND(step_cursor, NAME_OF(unw_step));
	FIND(get_register, NAME_OF(unw_get_reg));
	FIND(flush, NAME_OF(unw_flush_cache));
	FIND(local_space, NAME_OF(unw_local_addr_space));
	if (!unwinder || !get_context || !start_at || !init_cursor || !step_cursor ||
	    !get_register || !flush || !local_space)
		return false;
	/* From 1.7 on libunwind can be told what to call. The host may have told its own
	 * something. */
	if (!of_host && FIND(set_visit, NAME_OF(UNW_OBJ(set_iterate_phdr_function))))
		set_visit(*local_space, libunwind_visit);
	else
		redirect(library);
	unwinder(warm, 4);
	return true;
}

/* Waits while a thread forks, as malloc() does. */
static void enter(uint32_t *unwinding)
{
	unsigned turn = 0;

	for (;;) {
		__atomic_store_n(unwinding, 1, __ATOMIC_SEQ_CST);
		if (likely(!__atomic_load_n(&process_page->fork_gate, __ATOMIC_SEQ_CST)))
			return;
		__atomic_store_n(unwinding, 0, __ATOMIC_SEQ_CST);
		if (!lock_pause(turn++))
			return;
	}
}

/* Goes on from the cursor's frame, whose address comes first. */
static uint32_t step_from(unw_cursor_t *cursor, uint64_t *pc, uint32_t most)
{
	uint32_t found = 0;
	unw_word_t ip;

	while (found < most && get_register(cursor, UNW_REG_IP, &ip) >= 0 && ip) {
		pc[found++] = ip;
		if (step_cursor(cursor) <= 0)
			break;
	}
	return found;
}

/* What unw_backtrace() does, but slowly, by rules that unw_flush_cache() does drop. */
static APART uint32_t step_through(uint64_t *pc, uint32_t most)
{
	unw_context_t context;
	unw_cursor_t cursor;

	if (get_context(&context) < 0 || init_cursor(&cursor, &context) < 0 ||
	    step_cursor(&cursor) <= 0)
		return 0;
	return step_from(&cursor, pc, most);
}

/* The rules that libunwind has kept may be those of an image that another thread unloads now. */
static void flush_while_unloading(uint64_t epoch)
{
	if (unlikely(images_is_unloading(epoch)))
		flush(*local_space, 0, 0);
}

uint32_t libunwind_take(uint64_t *pc, uint32_t most, uint32_t *unwinding)
{
	static __thread uint32_t unloadings_at_first; /* when the thread first called unw_backtrace() */
	uint64_t epoch = images_epoch();
	int found;

	enter(unwinding);
	if (unlikely(!unloadings_at_first) && !images_is_unloading(epoch))
		unloadings_at_first = images_unloadings(epoch);
	if (likely(unloadings_at_first == images_unloadings(epoch) && !images_is_unloading(epoch))) {
		found = unwinder((void **)pc, (int)most);
	} else {
		flush_while_unloading(epoch);
		found = (int)step_through(pc, most);
	}
	__atomic_store_n(unwinding, 0, __ATOMIC_RELEASE);
	return found > 0 ? (uint32_t)found : 0;
}

uint32_t libunwind_take_at(const ucontext_t *context, uint64_t *pc, uint32_t most)
{
	unw_cursor_t cursor;

	flush_while_unloading(images_epoch());
	if (start_at(&cursor, (unw_context_t *)context, UNW_INIT_SIGNAL_FRAME) != 0)
		return 0;
	return step_from(&cursor, pc, most);
}

void libunwind_before_fork(void)
{
	__atomic_store_n(&process_page->fork_gate, 1, __ATOMIC_SEQ_CST);
	lanes_await_unwinders();
}

void libunwind_after_fork(void)
{
	__atomic_store_n(&process_page->fork_gate, 0, __ATOMIC_SEQ_CST);
}

void libunwind_forget(void)
{
	if (flush)
		flush(*local_space, 0, 0);
}
