/* SPDX-License-Identifier: MIT */
/* What the guarded allocator must cope with: the host's own signal handlers, and memory that
 * goes to the host. */
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "odd.h"
#include "package.h"

/* vfork() is on purpose; the analyzer would prefer posix_spawn(). */
#ifdef __clang_analyzer__
#define vfork fork
#endif

enum { BLOCK_BYTES = 32, PAGE_BYTES = 4096 };

sighandler_t __sysv_signal(int signal, sighandler_t handler);

/* A host that survives the faults of its packages. */

static sigjmp_buf survived;
static char *volatile bad_address;
static char alternate[65536];
static volatile int handled, handled_at_address, handled_on_alternate;

static void survive(int signal, siginfo_t *info, void *context)
{
	char here;

	(void)signal;
	(void)context;
	handled++;
	handled_at_address += info->si_addr == (void *)bad_address;
	handled_on_alternate += &here >= alternate && &here < alternate + sizeof(alternate);
	siglongjmp(survived, 1);
}

/* A handler of the oldest kind, which gets the signal's number only. */
static void survive_simply(int signal)
{
	(void)signal;
	handled++;
	siglongjmp(survived, 1);
}

static void survive_too(int signal)
{
	survive_simply(signal);
}

static void handle_by(const char *how)
{
	struct sigaction action = { .sa_sigaction = survive, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	if (strcmp(how, "signal") == 0)
		need(signal(SIGSEGV, survive_simply) == SIG_DFL, "signal");
	else if (strcmp(how, "sysv") == 0)
		need(__sysv_signal(SIGSEGV, survive_simply) == SIG_DFL, "__sysv_signal");
	else
		need(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
}

static NOINLINE void spoil(char *address)
{
	bad_address = address;
	if (sigsetjmp(survived, 1) == 0)
		*(volatile char *)address = 1;
}

static void use_alternate_stack(void)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	need(sigaltstack(&stack, NULL) == 0, "sigaltstack");
}

/* HOW WHEN: the host sets its handler by sigaction, signal or sysv, before or after it hands out
 * the table. */
static int survive_overflow(char **arguments)
{
	bool before = strcmp(arguments[1], "before") == 0;
	char *block;
	PVOID section;

	use_alternate_stack();
	if (before)
		handle_by(arguments[0]);
	host_start();
	if (!before)
		handle_by(arguments[0]);
	section = lsa->CreateSharedMemory(PAGE_BYTES, PAGE_BYTES);
	block = lsa->AllocateSharedMemory(section, BLOCK_BYTES);
	spoil(block + BLOCK_BYTES);
	printf("handled %d, at the address %d, on the alternate stack %d\n", handled,
	       handled_at_address, handled_on_alternate);
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
	return 0;
}

static char *own_bad_page(void)
{
	char *page = mmap(NULL, PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(page != MAP_FAILED, "mmap");
	return page;
}

/* A fault outside of the package's memory. */
static int survive_own_fault(char **arguments)
{
	use_alternate_stack();
	host_start();
	handle_by(arguments[0]);
	spoil(own_bad_page() + 8);
	printf("handled %d, at the address %d, on the alternate stack %d\n", handled,
	       handled_at_address, handled_on_alternate);
	return 0;
}

/* SIGNAL: sends itself this signal, and dies. Without an argument: dies of SIGSEGV, by a fault. */
static int die(char **arguments)
{
	host_start();
	if (arguments[0])
		raise((int)number_of(arguments[0]));
	else
		*(volatile char *)own_bad_page() = 1;
	return 0;
}

/* Prints what the host gets when it asks for its own signal handlers. */

static const char *name_of(sighandler_t handler)
{
	return handler == SIG_DFL           ? "default"
	       : handler == SIG_IGN         ? "ignore"
	       : handler == survive_simply  ? "simple"
	       : handler == (void *)survive ? "full"
					    : "another";
}

static void tell(const char *when)
{
	struct sigaction action;

	need(sigaction(SIGSEGV, NULL, &action) == 0, "sigaction");
	printf("%s: %s, flags %x, SIGUSR1 is %sblocked\n", when, name_of(action.sa_handler),
	       (unsigned)action.sa_flags, sigismember(&action.sa_mask, SIGUSR1) ? "" : "not ");
	fflush(stdout);
}

static void set_all_ways(void)
{
	struct sigaction action = { .sa_sigaction = survive, .sa_flags = SA_SIGINFO | SA_NODEFER },
			 before;

	sigaddset(&action.sa_mask, SIGUSR1);
	tell("at first");
	need(sigaction(SIGSEGV, &action, &before) == 0, "sigaction");
	printf("it was: %s\n", name_of(before.sa_handler));
	tell("set");
	printf("signal: it was %s\n", name_of(signal(SIGSEGV, survive_simply)));
	tell("by signal");
	printf("signal: it was %s\n", name_of(__sysv_signal(SIGSEGV, survive_simply)));
	tell("by sysv");
	spoil(own_bad_page());
	tell("once handled");
	signal(SIGSEGV, SIG_IGN);
	tell("ignored");
	printf("a shell: %d\n", system("kill -SEGV $$; exit 3"));
	printf("bad: %d\n", signal(SIGSEGV, SIG_ERR) == SIG_ERR);
	tell("still");
}

static void change_in_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void change_in_borrower(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int dispositions(char **arguments)
{
	(void)arguments;
	host_start();
	set_all_ways();
	signal(SIGSEGV, survive_simply);
	change_in_child();
	tell("after a child's change");
	change_in_borrower();
	tell("after a borrower's change");
	spoil(own_bad_page());
	printf("handled %d\n", handled);
	return 0;
}

/* A package whose results the host frees with its own functions. */

static PUNICODE_STRING name_in_one_block(const char *text)
{
	USHORT length = (USHORT)strlen(text);
	PUNICODE_STRING name = lsa->AllocateLsaHeap((ULONG)sizeof(*name) + length);

	name->Length = name->MaximumLength = length;
	name->Buffer = (PVOID)(name + 1);
	memcpy(name->Buffer, text, length);
	return name;
}

static PUNICODE_STRING name_in_two_blocks(const char *text)
{
	PUNICODE_STRING name = lsa->AllocateLsaHeap(sizeof(*name));

	name->Length = name->MaximumLength = (USHORT)strlen(text);
	name->Buffer = lsa->AllocateLsaHeap(name->Length);
	memcpy(name->Buffer, text, name->Length);
	return name;
}

/* A result with pointers to a block, to itself, into another block, and back. */
struct token {
	PUNICODE_STRING user;
	struct token *self;
	char *inside;
	struct token *partner;
	char text[21];
};

static struct token *make_token(void)
{
	struct token *token = lsa->AllocateLsaHeap(sizeof(*token));

	memset(token, 0, sizeof(*token));
	token->user = name_in_two_blocks("one of the users");
	token->self = token;
	token->partner = lsa->AllocateLsaHeap(sizeof(*token));
	memset(token->partner, 0, sizeof(*token));
	token->partner->partner = token;
	strcpy(token->partner->text, "in the partner");
	token->inside = token->partner->text + 3;
	return token;
}

static NTSTATUS log_on(PLSA_CLIENT_REQUEST request, SECURITY_LOGON_TYPE type, PVOID information,
		       PVOID client_base, ULONG bytes, PVOID *profile, PULONG profile_bytes,
		       PLUID id, PNTSTATUS sub_status, PLSA_TOKEN_INFORMATION_TYPE token_type,
		       PVOID *token, PUNICODE_STRING *account, PUNICODE_STRING *authority,
		       PUNICODE_STRING *machine)
{
	(void)request, (void)type, (void)information, (void)client_base, (void)bytes;
	*profile = NULL;
	*profile_bytes = 0;
	*id = (LUID){ 0 };
	*sub_status = STATUS_SUCCESS;
	*token_type = 1;
	*token = make_token();
	*account = name_in_one_block("account");
	*authority = name_in_two_blocks("authority");
	*machine = NULL;
	return STATUS_SUCCESS;
}

static void show(PUNICODE_STRING name)
{
	printf("%.*s\n", name->Length, (char *)name->Buffer);
}

static void free_name_of_two(PUNICODE_STRING name)
{
	show(name);
	free(name->Buffer);
	free(name);
}

static void take_token(struct token *token)
{
	printf("%s, %d, %d\n", token->inside, token->self == token,
	       token->partner->partner == token);
	free_name_of_two(token->user);
	free(token->partner);
	free(token);
}

static int logon(char **arguments)
{
	PUNICODE_STRING account, authority, machine;
	LSA_TOKEN_INFORMATION_TYPE token_type;
	struct host_library own;
	PVOID profile, token;
	NTSTATUS sub_status;
	ULONG bytes;
	LUID id;

	(void)arguments;
	package_tables[0].LogonUserEx = log_on;
	need(host_ask(RTLD_DEFAULT, &own), "the package's entry point");
	need(NT_SUCCESS(host_initialize(own.tables, 1, &host_table)), "the package");
	need(NT_SUCCESS(own.tables->LogonUserEx(NULL, 2, NULL, NULL, 0, &profile, &bytes, &id,
						&sub_status, &token_type, &token, &account,
						&authority, &machine)),
	     "a logon");
	take_token(token);
	show(account);
	free(account);
	free_name_of_two(authority);
	return 0;
}

/* Parent and child go on with the blocks that both have. */

static char *filled(PVOID section, int value)
{
	char *block = lsa->AllocateSharedMemory(section, BLOCK_BYTES);

	return memset(block, value, BLOCK_BYTES);
}

static bool holds(const char *block, int value)
{
	for (int i = 0; i < BLOCK_BYTES; i++)
		if (block[i] != value)
			return false;
	return true;
}

static int use_as_child(PVOID section, char *kept, char *freed)
{
	char *own = filled(section, 3), *more = filled(section, 4);
	bool good = holds(kept, 1) && holds(own, 3) && holds(more, 4);

	lsa->FreeSharedMemory(section, freed);
	lsa->FreeSharedMemory(section, own);
	lsa->FreeSharedMemory(section, more);
	lsa->DeleteSharedMemory(section);
	return good;
}

static int forked(char **arguments)
{
	PVOID section;
	char *kept, *freed, *own;
	int status;
	pid_t pid;

	(void)arguments;
	host_start();
	section = lsa->CreateSharedMemory(PAGE_BYTES, PAGE_BYTES);
	kept = filled(section, 1);
	freed = filled(section, 2);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(use_as_child(section, kept, freed));
	own = filled(section, 5);
	waitpid(pid, &status, 0);
	printf("child %x, parent %d\n", status, holds(kept, 1) && holds(freed, 2) && holds(own, 5));
	lsa->FreeSharedMemory(section, kept);
	lsa->FreeSharedMemory(section, freed);
	lsa->FreeSharedMemory(section, own);
	lsa->DeleteSharedMemory(section);
	return 0;
}

/* Defect: a child that has not made a call yet reads a block that its parent freed. */
static int child_uses_freed(char **arguments)
{
	PVOID section;
	char *block;
	int status;
	pid_t pid;

	(void)arguments;
	host_start();
	section = lsa->CreateSharedMemory(PAGE_BYTES, PAGE_BYTES);
	block = filled(section, 1);
	lsa->FreeSharedMemory(section, block);
	pid = fork();
	if (pid == 0)
		_exit(*(volatile char *)block);
	waitpid(pid, &status, 0);
	lsa->DeleteSharedMemory(section);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void exit_in_host(void)
{
	exit(0);
}

/* Defect: writes one byte past the end. Then the host ends in an unrelated call. */
static int end_in_host(char **arguments)
{
	PVOID section;

	(void)arguments;
	host_start();
	section = lsa->CreateSharedMemory(PAGE_BYTES, PAGE_BYTES);
	((char *)lsa->AllocateSharedMemory(section, 1))[1] = 1;
	host_interlude = exit_in_host;
	lsa->AllocateLsaHeap(1);
	return 1;
}

/* BLOCKS: so many live blocks at the same time, each written and read. */
static int many(char **arguments)
{
	long count = number_of(arguments[0]), good = 0;
	PVOID section;
	char **blocks;

	host_start();
	blocks = calloc((size_t)count, sizeof(*blocks));
	section = lsa->CreateSharedMemory((ULONG)count * BLOCK_BYTES, PAGE_BYTES);
	for (long i = 0; i < count; i++)
		blocks[i] = filled(section, (int)(i % 100));
	for (long i = 0; i < count; i++)
		good += holds(blocks[i], (int)(i % 100));
	/* Every second one first, so that accessible and inaccessible pages alternate. */
	for (long i = 0; i < 2 * count; i++)
		if (i < count ? i % 2 == 0 : i % 2 == 1)
			lsa->FreeSharedMemory(section, blocks[i % count]);
	printf("%ld of %ld\n", good, count);
	need(mmap(NULL, PAGE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
	     "a mapping");
	lsa->DeleteSharedMemory(section);
	free(blocks);
	return 0;
}

static void *set_handlers(void *handler)
{
	struct sigaction action = { .sa_handler = (void (*)(int))handler }, now;

	for (int i = 0; i < 20000; i++) {
		need(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
		need(sigaction(SIGSEGV, NULL, &now) == 0, "sigaction");
		need(now.sa_handler == survive_simply || now.sa_handler == survive_too,
		     "a stranger");
	}
	return NULL;
}

/* Two threads set their handlers at once. */
static int handlers_at_once(char **arguments)
{
	pthread_t thread[2];

	(void)arguments;
	host_start();
	signal(SIGSEGV, survive_simply);
	pthread_create(&thread[0], NULL, set_handlers, (void *)survive_simply);
	pthread_create(&thread[1], NULL, set_handlers, (void *)survive_too);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	spoil(own_bad_page());
	printf("handled %d\n", handled);
	return 0;
}

const struct scenario guarded_scenarios[] = {
	{ "survive-overflow", survive_overflow },
	{ "survive-own-fault", survive_own_fault },
	{ "die", die },
	{ "dispositions", dispositions },
	{ "handlers-at-once", handlers_at_once },
	{ "logon", logon },
	{ "forked", forked },
	{ "child-uses-freed", child_uses_freed },
	{ "end-in-host", end_in_host },
	{ "many", many },
	{ 0 },
};
