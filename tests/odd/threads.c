/* SPDX-License-Identifier: MIT */
/* Many threads, threads with small stacks, and control flow that is not calls and returns. */
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "host.h"
#include "odd.h"
#include "package.h"

enum {
	CROWD = 300,
	HITS = 500,
	JUMPS = 500,
	SIGNAL_ROUNDS = 3000000,
	ALARM_US = 400,
	STACK_BYTES = 65536
};

static void *churn_in_thread(void *rounds)
{
	churn(*(long *)rounds);
	return NULL;
}

static void run_thread(const pthread_attr_t *attributes, long rounds)
{
	pthread_t thread;

	need(pthread_create(&thread, attributes, churn_in_thread, &rounds) == 0, "a thread");
	pthread_join(thread, NULL);
}

/* THREADS ROUNDS: threads one after another. */
static int in_turn(char **arguments)
{
	long threads = number_of(arguments[0]), rounds = number_of(arguments[1]);

	host_start();
	for (long i = 0; i < threads; i++)
		run_thread(NULL, rounds);
	return 0;
}

static pthread_barrier_t barrier;

/* Each thread calls again after all have called, and before any has ended. */
static void *churn_together(void *unused)
{
	(void)unused;
	churn(1);
	pthread_barrier_wait(&barrier);
	churn(99);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static int crowd(char **arguments)
{
	pthread_t threads[CROWD];

	(void)arguments;
	host_start();
	leak(21);
	pthread_barrier_init(&barrier, NULL, CROWD);
	for (int i = 0; i < CROWD; i++)
		need(pthread_create(&threads[i], NULL, churn_together, NULL) == 0, "a thread");
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* BYTES: size of the stacks of threads, or what the system requires at least. */
static int small_stack(char **arguments)
{
	size_t bytes = (size_t)number_of(arguments[0]);
	size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_t attributes;

	host_start();
	pthread_attr_init(&attributes);
	need(pthread_attr_setstacksize(&attributes, bytes > least ? bytes : least) == 0, "a stack");
	for (int i = 0; i < 50; i++)
		run_thread(&attributes, 20);
	pthread_attr_destroy(&attributes);
	return 0;
}

static void *start_in_thread(void *unused)
{
	(void)unused;
	host_start();
	churn(20);
	return NULL;
}

/* BYTES: size of the stack of the only thread that calls a package. */
static int small_start(char **arguments)
{
	size_t bytes = (size_t)number_of(arguments[0]);
	size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	need(pthread_attr_setstacksize(&attributes, bytes > least ? bytes : least) == 0, "a stack");
	need(pthread_create(&thread, &attributes, start_in_thread, NULL) == 0, "a thread");
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	return 0;
}

/* Blocks and a section that the program and its signal handler pass to each other. */
static PVOID from_handler, from_program, section_from_handler;

static PVOID take(PVOID *place)
{
	return __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
}

static bool is_empty(PVOID *place)
{
	return !__atomic_load_n(place, __ATOMIC_ACQUIRE);
}

static void put(PVOID *place, PVOID what)
{
	__atomic_store_n(place, what, __ATOMIC_RELEASE);
}

static volatile sig_atomic_t hits;

static void set_alarm(int us)
{
	struct itimerval every = { { 0, us }, { 0, us } };

	setitimer(ITIMER_REAL, &every, NULL);
}

/* Where the program itself gets no time, this ends it. */
static void count_hit(void)
{
	if (++hits == HITS)
		set_alarm(0);
}

static void on_alarm(int number)
{
	PVOID block = take(&from_program);

	(void)number;
	lsa->FreePrivateHeap(lsa->AllocatePrivateHeap(8));
	if (block)
		lsa->FreePrivateHeap(block);
	if (is_empty(&from_handler))
		put(&from_handler, lsa->AllocatePrivateHeap(16));
	if (is_empty(&section_from_handler))
		put(&section_from_handler, lsa->CreateSharedMemory(64, 64));
	count_hit();
}

static void watch_alarm(int flags)
{
	static char stack[STACK_BYTES];
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = flags | SA_RESTART };

	sigaltstack(&alternative, NULL);
	sigaction(SIGALRM, &action, NULL);
}

static void end_section(PVOID section)
{
	lsa->FreeSharedMemory(section, lsa->AllocateSharedMemory(section, 8));
	lsa->DeleteSharedMemory(section);
}

static void exchange_blocks(void)
{
	PVOID block = take(&from_handler), section = take(&section_from_handler);

	if (block)
		lsa->FreePrivateHeap(block);
	if (section)
		end_section(section);
	if (is_empty(&from_program))
		put(&from_program, lsa->AllocatePrivateHeap(24));
}

/* A handler that calls table functions interrupts the tracer, the host and the package. */
static int call_in_handlers(int flags)
{
	host_start();
	watch_alarm(flags);
	set_alarm(ALARM_US);
	for (long i = 0; i < SIGNAL_ROUNDS && hits < HITS; i++) {
		churn(1);
		exchange_blocks();
	}
	set_alarm(0);
	exchange_blocks();
	lsa->FreePrivateHeap(take(&from_program));
	puts("done");
	return 0;
}

static int signals(char **arguments)
{
	(void)arguments;
	return call_in_handlers(0);
}

static int signals_on_own_stack(char **arguments)
{
	(void)arguments;
	return call_in_handlers(SA_ONSTACK);
}

static void make_section_in_handler(int number)
{
	PVOID section = lsa->CreateSharedMemory(64, 64);

	(void)number;
	if (section)
		lsa->DeleteSharedMemory(section);
}

/* ROUNDS with sections, while a handler makes and deletes one as well, 10,000 times a second: it must
 * leave time for the program. */
static int sections_in_handlers(char **arguments)
{
	struct sigaction action = { .sa_handler = make_section_in_handler, .sa_flags = SA_RESTART };

	host_start();
	end_section(lsa->CreateSharedMemory(64, 64));
	sigaction(SIGALRM, &action, NULL);
	set_alarm(100);
	for (long i = 0; i < number_of(arguments[0]); i++)
		lsa->DeleteSharedMemory(lsa->CreateSharedMemory(4096, 4096));
	set_alarm(0);
	puts("done");
	return 0;
}

enum { BELOW_BYTES = 16384, WATERMARK = 0x5a };

static char *small_stack_below;

static void call_on_small_stack(int number)
{
	PVOID section = lsa->CreateSharedMemory(64, 64);
	PVOID block = lsa->AllocateSharedMemory(section, 8);

	(void)number;
	lsa->FreeSharedMemory(section, block);
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
}

static void *raise_on_small_stack(void *bytes)
{
	stack_t small = { .ss_sp = small_stack_below + BELOW_BYTES, .ss_size = *(size_t *)bytes };

	need(sigaltstack(&small, NULL) == 0, "sigaltstack");
	raise(SIGUSR1);
	return NULL;
}

/* A handler on an alternate stack of BYTES beside what the kernel puts there makes the first calls of a
 * thread, from new stacks, and a wrong one. Prints how many bytes are used below that stack. */
static int small_alternate(char **arguments)
{
	struct sigaction action = { .sa_handler = call_on_small_stack, .sa_flags = SA_ONSTACK };
	size_t bytes = getauxval(AT_MINSIGSTKSZ) + (size_t)number_of(arguments[0]);
	pthread_t thread;
	int used = 0;

	host_start();
	sigaction(SIGUSR1, &action, NULL);
	small_stack_below = malloc(BELOW_BYTES + bytes);
	need(small_stack_below, "memory");
	memset(small_stack_below, WATERMARK, BELOW_BYTES);
	need(pthread_create(&thread, NULL, raise_on_small_stack, &bytes) == 0, "a thread");
	pthread_join(thread, NULL);
	for (int i = 0; i < BELOW_BYTES; i++)
		used += small_stack_below[i] != WATERMARK;
	printf("%d bytes below\n", used);
	return 0;
}

static jmp_buf way_out;

static void jump_out(void)
{
	longjmp(way_out, 1);
}

/* The host leaves its function by longjmp(). */
static int jump(char **arguments)
{
	(void)arguments;
	host_start();
	for (volatile int i = 0; i < 20; i++) {
		if (setjmp(way_out) != 0)
			continue;
		host_interlude = jump_out;
		leak(5);
	}
	churn(3);
	puts("done");
	return 0;
}

static sigjmp_buf out_of_anything;

static void jump_out_of_anything(int number)
{
	(void)number;
	hits++;
	siglongjmp(out_of_anything, 1);
}

static void *fork_in_thread(void *unused)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	need(child > 0 && waitpid(child, NULL, 0) == child, "a child");
	return unused;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Forks in other threads, while a handler has left this one in the middle of something. */
static void fork_often(void)
{
	long start = milliseconds();
	pthread_t thread;

	for (int i = 0; i < 20; i++) {
		need(pthread_create(&thread, NULL, fork_in_thread, NULL) == 0, "a thread");
		pthread_join(thread, NULL);
	}
	if (milliseconds() - start > 5000)
		puts("slow");
}

/* A handler that does not return. Most often it interrupts the tracer. */
static int jump_out_of_handlers(char **arguments)
{
	struct sigaction action = { .sa_handler = jump_out_of_anything };

	(void)arguments;
	host_start();
	sigaction(SIGALRM, &action, NULL);
	sigsetjmp(out_of_anything, 1);
	if (hits < JUMPS) {
		set_alarm(ALARM_US);
		for (;;)
			lsa->FreePrivateHeap(lsa->AllocatePrivateHeap(8));
	}
	set_alarm(0);
	signal(SIGALRM, SIG_IGN);
	fork_often();
	churn(100);
	leak(77);
	puts("done");
	return 0;
}

static void churn_in_handler(int number)
{
	(void)number;
	churn(1);
}

static void *interrupt_in_thread(void *unused)
{
	raise(SIGUSR1);
	return unused;
}

/* Waits for a thread with a stack for which libunwind must search for rules. */
static int await_thread(struct dl_phdr_info *info, size_t size, void *unused)
{
	pthread_t thread;

	(void)info, (void)size;
	need(pthread_create(&thread, NULL, interrupt_in_thread, unused) == 0, "a thread");
	pthread_join(thread, NULL);
	return 1;
}

/* Holds the loader's lock meanwhile. A call before that makes the modules known to the tracer. */
static int wait_in_callback(char **arguments)
{
	struct sigaction action = { .sa_handler = churn_in_handler };

	(void)arguments;
	host_start();
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	alarm(20);
	dl_iterate_phdr(await_thread, NULL);
	puts("done");
	return 0;
}

static void leave_program(void)
{
	exit(4);
}

/* The host ends the program during a call. */
static int never_return(char **arguments)
{
	(void)arguments;
	host_start();
	churn(3);
	host_interlude = leave_program;
	leak(5);
	return 0;
}

static ucontext_t trunk, branch;

static void visit_trunk(void)
{
	swapcontext(&branch, &trunk);
}

/* Calls from a coroutine, which returns to the main stack between the allocation of a block and
 * its free. */
static void grow_branch(void)
{
	PVOID block;

	churn(10);
	block = lsa->AllocateLsaHeap(99);
	visit_trunk();
	lsa->FreeLsaHeap(block);
	host_interlude = visit_trunk;
	churn(1);
}

static int coroutines(char **arguments)
{
	static char stack[STACK_BYTES];

	(void)arguments;
	host_start();
	getcontext(&branch);
	branch.uc_stack.ss_sp = stack;
	branch.uc_stack.ss_size = sizeof(stack);
	branch.uc_link = &trunk;
	makecontext(&branch, grow_branch, 0);
	/* It comes back between its calls, then during one, then for ever. */
	for (int i = 0; i < 3; i++) {
		swapcontext(&trunk, &branch);
		churn(3);
	}
	puts("done");
	return 0;
}

const struct scenario thread_scenarios[] = {
	{ "in-turn", in_turn },
	{ "crowd", crowd },
	{ "small-stack", small_stack },
	{ "small-start", small_start },
	{ "signals", signals },
	{ "signals-on-own-stack", signals_on_own_stack },
	{ "sections-in-handlers", sections_in_handlers },
	{ "small-alternate", small_alternate },
	{ "jump", jump },
	{ "jump-out-of-handlers", jump_out_of_handlers },
	{ "wait-in-callback", wait_in_callback },
	{ "never-return", never_return },
	{ "coroutines", coroutines },
	{ 0 },
};
