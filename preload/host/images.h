/* SPDX-License-Identifier: MIT */
/*
 * The images that the tracer has met, each with a number, and whether they are still loaded. An image
 * is an ELF file that the loader has loaded (elf_image.h), or a PE file that Wine has mapped (pe_list.h).
 *
 * Much of what the tracer remembers goes by address: rules for unwinding, backtraces, packages,
 * places that it has patched. All of it is true only as long as the same image lies there. Another
 * thread may unload that image at any time, and a moment later another image may lie at the same
 * addresses, before the tracer has been told:
 *
 * 	thread 1   dlclose() ──── unmaps A ─────────────── returns ── forgets A
 * 	thread 2                     │  dlopen(): B where A was ── a call from B
 * 	                             │                                 │
 * 	                             └── from here on, what is remembered of A is taken for B
 *
 * Forgetting after the real dlclose() is too late, however fast. So there is an *epoch*, one word
 * that says two things: how many calls of dlclose() are under way, and how often one of them has
 * unloaded something. What is remembered by address is remembered with the epoch, and believed
 * while
 *
 * 	1. no dlclose() is under way, and
 * 	2. the epoch is the one with which it was remembered.
 *
 * 	                    A is unmapped
 * 	epoch  5 ─────┐         │                            ┌───── 6    A was unloaded
 * 	              │     5, one under way                 │
 * 	epoch  5 ─────┴── nothing remembered is believed ────┴───── 5    nothing was unloaded
 * 	        images_unload_begins()          images_unload_ends()
 *
 * Where Wine unmaps a PE image, the same is done as for a dlclose().
 *
 * It is enough to read the epoch once, at the start of a call: the images on the stack of the
 * calling thread stay loaded until it returns into them, so a dlclose() that begins later does not
 * concern them.
 *
 * What has to be kept longer is kept with the *number* of an image. A number is never used again,
 * so what is known by one is never taken for another image's; that of an image that comes back is a
 * new one.
 *
 * Any thread; also in signal handlers that interrupt no code of the tracer.
 */
#ifndef LSATRACE_PRELOAD_HOST_IMAGES_H
#define LSATRACE_PRELOAD_HOST_IMAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/host/elf_image.h"
#include "preload/host/pe_image.h"

enum { IMAGES_MAX = 65536 };

/* What is noted of an image when the tracer first meets it. Never changes. */
struct image {
	enum trace_module_kind kind;
	struct elf_image place; /* PE: start and end only */
	struct pe_image pe;     /* PE only */
	uint64_t base; /* what the loader adds to the addresses in the file; PE: to an RVA */
	/* Bytes that tell it from other images, and where they lie in it: its build id, or the head
	 * of its .eh_frame_hdr; PE: a struct trace_pe_id, which lies nowhere. */
	uint8_t mark[32];
	uint32_t mark_bytes;
	bool has_build_id;
	const void *mark_at;
};

/* Reserves memory for them. Returns false if there is none. May be called again. */
bool images_init(void);

/*
 * The number of the image that holds an address. Returns 0 if no image does, or if no number could
 * be given. The image must stay loaded meanwhile (elf_image.h), for it is read; a PE image is not. A
 * new image is noted under LOCK_IMAGES.
 */
uint32_t images_number(const void *address);

/* What is known of a number, from 1 to images_count(). */
const struct image *images_get(uint32_t number);

/* The highest number given so far. */
uint32_t images_count(void);

/* Is it still loaded, as far as the tracer has been told? Of number 0: no. */
bool images_is_loaded(uint32_t number);

/* The base of each image by number; for one that was unloaded, a value that leads to no address of
 * user space. That of number 0 is 0. NULL until images_init(). */
extern uint64_t *images_base;

/* From above: how often something was unloaded, 32 bits, from 1 on; how often an epoch has ended
 * for another reason, 16 bits; how many dlclose() are under way, 16 bits. */
extern uint64_t images_epoch_word;

static inline uint64_t images_epoch(void)
{
	return __atomic_load_n(&images_epoch_word, __ATOMIC_ACQUIRE);
}

/* Is a dlclose() under way in an epoch? */
static inline bool images_is_unloading(uint64_t epoch)
{
	return (uint16_t)epoch != 0;
}

/* How often something was unloaded, up to an epoch. Never 0. */
static inline uint32_t images_unloadings(uint64_t epoch)
{
	return (uint32_t)(epoch >> 32);
}

/* Begins a new epoch, though nothing was unloaded. */
void images_new_epoch(void);

/* Before a real dlclose(), and after it. `has_unloaded` is what images_find_unloaded() has
 * returned. */
void images_unload_begins(void);
void images_unload_ends(bool has_unloaded);

/*
 * Between the two, after the real dlclose(): finds out which images are no longer loaded. Returns
 * true if there are any that were not known to be. Waits for no lock and reads no image: others may
 * be unloading what it looks at.
 */
bool images_find_unloaded(void);

/*
 * Wine has mapped a PE image, which lies whole in memory. Returns false if there are too many. These
 * two wait for no lock.
 */
bool images_map_pe(const struct pe_image *image);

/* Wine has unmapped a range, or mapped something else there: the PE images whose base lay in it are gone.
 * Between images_unload_begins() and images_unload_ends(). Returns true if there was any with a number. */
bool images_unmap_pe(uint64_t start, uint64_t end);

/* In a forked child, which has one thread: those that were unloading something are not in it. */
void images_after_fork(void);

#endif
