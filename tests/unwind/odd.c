/* SPDX-License-Identifier: MIT */
/* Frames that are not plain: realigned stacks, code without unwind information, code made at run
 * time, and code with vectors. */
#include <alloca.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stress.h"

/* As if the caller's stack were not aligned to 16 bytes. */
__attribute__((force_align_arg_pointer)) static NOINLINE void realigned(struct walk *w)
{
	walk_on(w);
	STAY();
}

__attribute__((force_align_arg_pointer)) static NOINLINE void realigned_variable(struct walk *w)
{
	char *room = alloca(16 * (1 + walk_random(w, 8)));

	BLUR(room);
	walk_on(w);
	STAY();
}

static NOINLINE void aligned_local(struct walk *w)
{
	char room[128] __attribute__((aligned(64))), *at = room;

	BLUR(at);
	if ((uintptr_t)at % 64)
		abort();
	walk_on(w);
	BLUR(at);
}

static NOINLINE void aligned_local_variable(struct walk *w)
{
	char room[64] __attribute__((aligned(32))), *at = room;
	char *more = alloca(16 * (1 + walk_random(w, 8)));

	BLUR(at);
	BLUR(more);
	walk_on(w);
	BLUR(at);
}

/* Only on processors that have AVX. A vector that is live across calls is saved in an aligned
 * place. */
__attribute__((target("avx"))) static NOINLINE void vectors_used(struct walk *w)
{
	typedef double vector __attribute__((vector_size(32)));
	vector v = { 1, 2, 3, 4 };

	__asm__ volatile("" : "+x"(v));
	walk_on(w);
	__asm__ volatile("" : : "x"(v));
}

static NOINLINE void vectors(struct walk *w)
{
	if (__builtin_cpu_supports("avx"))
		vectors_used(w);
	else
		walk_on(w);
	STAY();
}

/* Exceptions cannot pass through these. */
static NOINLINE void bare(struct walk *w)
{
	unsigned catches = w->catches;

	w->catches = 0;
	frame_bare(walk_on, w);
	w->catches = catches;
}

static NOINLINE void bare_rbp(struct walk *w)
{
	unsigned catches = w->catches;

	w->catches = 0;
	frame_bare_rbp(walk_on, w);
	w->catches = catches;
}

static NOINLINE void very_large(struct walk *w)
{
	frame_large(walk_on, w);
	STAY();
}

static NOINLINE void copied(struct walk *w)
{
	frame_copied(walk_on, w);
	STAY();
}

/* push %rbp; xor %ebp, %ebp; mov %rdi, %rax; mov %rsi, %rdi; call *%rax; pop %rbp; ret; and the
 * same with 48 bytes more. rbp is 0 for the reason that frame_bare() has. */
static const unsigned char made[2][24] = {
	{ 0x55, 0x31, 0xed, 0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0xff, 0xd0, 0x5d, 0xc3 },
	{ 0x55, 0x31, 0xed, 0x48, 0x83, 0xec, 0x30, 0x48, 0x89, 0xf8, 0x48,
	  0x89, 0xf7, 0xff, 0xd0, 0x48, 0x83, 0xc4, 0x30, 0x5d, 0xc3 },
};

static char *new_page(unsigned which)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		abort();
	memcpy(page, made[which], sizeof(made[which]));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0)
		abort();
	return page;
}

/* Code in memory that belongs to no module. It is freed, and other code comes to the same
 * address. */
static NOINLINE void made_at_run_time(struct walk *w)
{
	struct landing *landing = w->landing;
	unsigned catches = w->catches;
	void (*function)(place *, struct walk *);
	char *page = new_page(walk_random(w, 2));

	memcpy(&function, &page, sizeof(function));
	w->landing = NULL;
	w->catches = 0;
	function(walk_on, w);
	munmap(page, 4096);
	w->landing = landing;
	w->catches = catches;
	touch(w);
}

PLACES(odd, realigned, realigned_variable, aligned_local, aligned_local_variable, vectors, bare,
       bare_rbp, very_large, copied, made_at_run_time);

/* Other scenarios sometimes run odd places too. This one runs each of them alone. */
static void run_odd(struct walk *w)
{
	while (w->calls > 0) {
		w->odd = walk_random(w, 2) ? 0 : 12;
		w->depth = 5;
		odd_places[walk_random(w, odd_places_count)](w);
		walk_afresh(w, walk_random(w, 100), 8);
	}
	w->odd = 0;
}

static unsigned leak_bytes;

static NOINLINE void odd_leak_last(struct walk *w)
{
	(void)w;
	leak_block(leak_bytes);
	STAY();
}

__attribute__((force_align_arg_pointer)) static NOINLINE void odd_leak_realigned(struct walk *w)
{
	char *room = alloca(16 * (1 + walk_random(w, 8)));

	BLUR(room);
	frame_copied(odd_leak_last, w);
	STAY();
}

static NOINLINE void odd_leak_aligned(struct walk *w)
{
	char room[128] __attribute__((aligned(64))), *at = room;

	BLUR(at);
	frame_push_rbp(odd_leak_realigned, w);
	BLUR(at);
}

static NOINLINE void odd_leak(unsigned bytes)
{
	struct walk w = { .random = 1 };

	leak_bytes = bytes;
	odd_leak_aligned(&w);
	STAY();
}

const struct scenario odd_scenario = {
	.name = "odd",
	.run = run_odd,
	.leak = odd_leak,
	.chain = "odd_leak_last frame_copied odd_leak_realigned frame_push_rbp "
		 "odd_leak_aligned odd_leak",
	.share = 80,
};
