/* SPDX-License-Identifier: MIT */
/*
 * reachhost: a host and package in one, whose heap of the LSA is malloc(). Each structure is made of
 * blocks of sizes that no other block of it has, and then the process ends by exit(). Built with
 * LeakSanitizer the same program tells what LeakSanitizer says of the same blocks.
 *
 *	reachhost STRUCTURE	makes it
 *	reachhost		lists the structures
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/lsatrace.h"
#include "include/secpkg.h"

#define NOINLINE __attribute__((noinline))

/* So that what is left of addresses in unused parts of the stack is overwritten. */
enum { STACK_BYTES = 64 * 1024 };

extern void __lsan_register_root_region(const void *start, size_t bytes) __attribute__((weak));

static PVOID allocate(ULONG size)
{
	return calloc(1, size);
}

static void release(PVOID block)
{
	free(block);
}

static LSA_SECPKG_FUNCTION_TABLE table = { .AllocateLsaHeap = allocate, .FreeLsaHeap = release };

struct node {
	void *next, *other;
	char text[];
};

static void *volatile kept;
static __thread void *volatile kept_by_thread;
static pthread_barrier_t is_ready;

/* One call of it a line: blocks of one line are one finding. */
#define BLOCK(bytes) table.AllocateLsaHeap(bytes)

static NOINLINE void wipe_stack(void)
{
	volatile char bytes[STACK_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 0;
}

static NOINLINE void make_lost(void)
{
	BLOCK(100);
	BLOCK(1000);
	BLOCK(200000);
}

static NOINLINE void make_list(void)
{
	struct node *first = BLOCK(1001), *second = BLOCK(1002);

	first->next = second;
	second->next = BLOCK(1003);
}

static NOINLINE void make_kept_list(void)
{
	make_list();
	kept = BLOCK(2001);
	((struct node *)kept)->next = BLOCK(2002);
	((struct node *)((struct node *)kept)->next)->other = BLOCK(200003);
}

static NOINLINE void make_circle(void)
{
	struct node *first = BLOCK(1001), *second = BLOCK(1002), *third = BLOCK(1003);

	first->next = second;
	second->next = third;
	third->next = first;
	third->other = BLOCK(1004);
}

static NOINLINE void make_self(void)
{
	struct node *self = BLOCK(1001);

	self->next = self;
}

/* The root is untraced memory of the C library. */
static NOINLINE void make_tree(void)
{
	struct node *root = malloc(sizeof(*root)), *left = BLOCK(2001), *right = BLOCK(2002);

	kept = root;
	root->next = left;
	root->other = right;
	left->next = BLOCK(2003);
	left->other = BLOCK(2004);
	right->next = BLOCK(2005);
	BLOCK(1006);
}

static NOINLINE void make_interior(void)
{
	kept = (char *)BLOCK(2001) + 1000;
	((struct node *)((char *)kept - 1000))->next = (char *)BLOCK(2002) + 8;
	BLOCK(1003);
}

static NOINLINE void make_end(void)
{
	kept = (char *)BLOCK(1008) + 1008;
}

static NOINLINE void make_thread_local(void)
{
	kept_by_thread = BLOCK(2001);
	BLOCK(1002);
}

/* The last known address is in a register, while exit() runs. */
static NOINLINE void make_register(void)
{
	uintptr_t hidden = ~(uintptr_t)BLOCK(2001);

	BLOCK(1002);
	wipe_stack();
#if defined(__x86_64__)
	__asm__ volatile("notq %%rbx\n\txorl %%edi, %%edi\n\tcall exit@PLT"
			 :
			 : "b"(hidden)
			 : "rdi", "memory");
#else
	kept = (void *)~hidden;
	exit(0);
#endif
}

static pid_t keeper;

/* On its way there, the dynamic linker may leave addresses on its stack. */
static void wait_until_keeper_pauses(void)
{
	char path[64], text[32] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)keeper);
	for (int i = 0; i < 5000 && atoi(text) != SYS_pause; i++) {
		int fd = open(path, O_RDONLY);

		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
			return;
		close(fd);
		usleep(1000);
	}
}

static NOINLINE void keep_on_stack(void)
{
	void *volatile on_stack = BLOCK(2001);

	BLOCK(1002);
	wipe_stack();
	keeper = gettid();
	pthread_barrier_wait(&is_ready);
	while (on_stack)
		pause();
}

static void *run_keeper(void *unused)
{
	(void)unused;
	keep_on_stack();
	return NULL;
}

static NOINLINE void make_other_stack(void)
{
	pthread_t thread;

	pthread_barrier_init(&is_ready, NULL, 2);
	pthread_create(&thread, NULL, run_keeper, NULL);
	pthread_barrier_wait(&is_ready);
	wait_until_keeper_pauses();
}

static void *end_process(void *unused)
{
	(void)unused;
	wipe_stack();
	exit(0);
}

/* Another thread ends the process, while the first one waits. */
static NOINLINE void make_first_stack(void)
{
	void *volatile on_stack = BLOCK(2001);
	pthread_t thread;

	BLOCK(1002);
	wipe_stack();
	pthread_create(&thread, NULL, end_process, NULL);
	pthread_join(thread, NULL);
	(void)on_stack;
}

static NOINLINE void keep_in_mapping(int flags)
{
	struct node *mapping =
		mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (__lsan_register_root_region)
		__lsan_register_root_region(mapping, 1 << 20);
	mapping[20000].next = BLOCK(2001);
	BLOCK(1002);
}

static NOINLINE void make_mapping(void)
{
	keep_in_mapping(MAP_PRIVATE);
}

static NOINLINE void make_shared(void)
{
	keep_in_mapping(MAP_SHARED);
}

/* The head is freed, and not what hangs on it. */
static NOINLINE void make_freed_head(void)
{
	void **head = BLOCK(128);

	head[10] = BLOCK(1001);
	table.FreeLsaHeap(head);
}

static NOINLINE void make_ignored(void)
{
	struct node *first = BLOCK(2001);

	lsatrace_ignore(first);
	first->next = BLOCK(2002);
	kept = first;
}

/* What is kept in the way in which nothing can be seen: here, by the bits turned. */
static NOINLINE void make_large(void)
{
	struct node *root = BLOCK(300 << 20);

	for (size_t i = 0; i < (300 << 20) / sizeof(void *); i += 512)
		((void **)root)[i] = root;
	root[(200 << 20) / sizeof(*root)].next = BLOCK(2002);
	kept = root;
	BLOCK(1001);
}

static void let_go(void)
{
	kept = NULL;
}

/* The process ends only after it has begun to: what counts is what it leaves. */
static NOINLINE void make_let_go(void)
{
	kept = BLOCK(1001);
	atexit(let_go);
}

/* What a host may do with itself before it ends. */

static NOINLINE void make_locked(void)
{
	mlockall(MCL_CURRENT | MCL_FUTURE);
	make_kept_list();
}

static NOINLINE void make_confined(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	make_lost();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* By an instruction of its own, which no tracer sees, it is refused what its end could be waited for with. */
static NOINLINE void make_filtered(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };
	long result = SYS_seccomp;

	make_lost();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"((long)SECCOMP_SET_MODE_FILTER), "S"(0l), "d"(&program)
			 : "rcx", "r11", "memory");
}

/* A process that only says what wait() and SIGCHLD told it. */
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static NOINLINE void make_end_early(void)
{
	make_lost();
	signal(SIGCHLD, count_signal);
	_exit(waitpid(-1, NULL, WNOHANG) == -1 && signals == 0 ? 7 : 8);
}

static const struct structure {
	const char *name;
	void (*make)(void);
} structures[] = {
	{ "lost", make_lost },
	{ "list", make_list },
	{ "kept-list", make_kept_list },
	{ "circle", make_circle },
	{ "self", make_self },
	{ "tree", make_tree },
	{ "interior", make_interior },
	{ "end", make_end },
	{ "thread-local", make_thread_local },
	{ "register", make_register },
	{ "other-stack", make_other_stack },
	{ "first-stack", make_first_stack },
	{ "mapping", make_mapping },
	{ "shared", make_shared },
	{ "freed-head", make_freed_head },
	{ "ignored", make_ignored },
	{ "large", make_large },
	{ "let-go", make_let_go },
	{ "locked", make_locked },
	{ "confined", make_confined },
	{ "filtered", make_filtered },
	{ "end-early", make_end_early },
};

int main(int argc, char **argv)
{
	lsatrace_hook_table(&table);
	for (size_t i = 0; i < sizeof(structures) / sizeof(*structures); i++) {
		if (argc < 2)
			puts(structures[i].name);
		else if (strcmp(structures[i].name, argv[1]) == 0)
			structures[i].make();
	}
	wipe_stack();
	return 0;
}
