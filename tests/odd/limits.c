/* SPDX-License-Identifier: MIT */
/* Things that the system may refuse, or that a host takes away from its own process. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "marker.h"
#include "odd.h"
#include "package.h"

enum { NOBODY = 65534, MANY = 400000, BLOCKS = 100000 };

static void limit(int what, rlim_t most)
{
	struct rlimit both = { most, most };

	need(setrlimit(what, &both) == 0, "setrlimit");
}

/* COUNT: limit of file descriptors. */
static int few_descriptors(char **arguments)
{
	limit(RLIMIT_NOFILE, (rlim_t)number_of(arguments[0]));
	host_start();
	leak(11);
	churn(MANY);
	return 0;
}

static void use_up_descriptors(void)
{
	limit(RLIMIT_NOFILE, 64);
	while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0)
		;
	need(errno == EMFILE, "/dev/null");
}

/* The functions that a package has, and those that it gets. */
static void print_functions(PSECPKG_FUNCTION_TABLE package)
{
	const void *const *given = (const void *const *)lsa;

	printf("LogonUser %s, CallPackage %s; given", package->LogonUser ? "yes" : "no",
	       package->CallPackage ? "yes" : "no");
	for (size_t slot = 0; slot < sizeof(*lsa) / sizeof(void *); slot++) {
		if (given[slot])
			printf(" %zu", slot);
	}
	printf("\n");
}

static void start_another(void)
{
	struct host_library own;

	package_count = 2;
	need(host_ask(RTLD_DEFAULT, &own) && own.count == 2, "the package's entry point");
	need(NT_SUCCESS(host_initialize(&own.tables[1], 2, &host_table)), "the package");
	print_functions(&own.tables[1]);
	churn(10);
	leak(12);
}

/* No descriptor is left when the package is found. */
static int no_descriptors(char **arguments)
{
	struct host_library own;

	(void)arguments;
	use_up_descriptors();
	need(host_ask(RTLD_DEFAULT, &own), "the package's entry point");
	need(NT_SUCCESS(host_initialize(own.tables, 1, &host_table)), "the package");
	print_functions(own.tables);
	leak(11);
	churn(10);
	return 0;
}

/* No descriptor is left when a second package comes. */
static int no_descriptors_later(char **arguments)
{
	(void)arguments;
	host_start();
	leak(11);
	use_up_descriptors();
	churn(MANY);
	start_another();
	return 0;
}

/* BYTES: largest size of a file. */
static int file_size(char **arguments)
{
	limit(RLIMIT_FSIZE, (rlim_t)number_of(arguments[0]));
	host_start();
	leak(11);
	churn(MANY);
	leak(12);
	return 0;
}

static rlim_t address_space_now(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	need(file && fscanf(file, "%lu", &pages) == 1, "statm");
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* MIB: address space in addition to what is in use. */
static int address_space(char **arguments)
{
	limit(RLIMIT_AS, address_space_now() + ((rlim_t)number_of(arguments[0]) << 20));
	host_start();
	leak(11);
	churn(1000);
	leak(12);
	return 0;
}

static void drop_privileges(void)
{
	need(setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0, "setuid");
}

/* Memory that is locked, and there: addresses alone cost nothing. */
static long locked_kib(void)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[4096];
	long sum = 0, kib;

	need(file, "smaps");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Locked: %ld", &kib) == 1)
			sum += kib;
	fclose(file);
	return sum;
}

/* WHEN ROUNDS MIB: locks its memory before ("first") or after ("later") tracing has begun, and calls
 * so often. Prints whether so much memory at most is locked in the end. */
static int locked_memory(char **arguments)
{
	bool is_first = strcmp(arguments[0], "first") == 0;
	PVOID section;

	if (is_first)
		need(mlockall(MCL_CURRENT | MCL_FUTURE) == 0, "mlockall");
	host_start();
	leak(11);
	if (!is_first)
		need(mlockall(MCL_CURRENT | MCL_FUTURE) == 0, "mlockall");
	churn(number_of(arguments[1]));
	section = lsa->CreateSharedMemory(65536, 4096);
	for (int i = 0; i < 8000; i++)
		lsa->FreeSharedMemory(section, lsa->AllocateSharedMemory(section, 32));
	need(locked_kib() > 0, "nothing is locked");
	printf("%s\n", locked_kib() < number_of(arguments[2]) << 10 ? "little" : "much");
	lsa->DeleteSharedMemory(section);
	return 0;
}

/* After tracing has begun there is no more memory, but results need room. */
static int address_space_later(char **arguments)
{
	(void)arguments;
	host_start();
	churn(1);
	limit(RLIMIT_AS, address_space_now());
	for (int i = 0; i < BLOCKS; i++)
		lsa->AllocatePrivateHeap(8);
	return 0;
}

/* Closes all descriptors, like a program that wants to inherit none. */
static int close_all(char **arguments)
{
	(void)arguments;
	host_start();
	leak(11);
	closefrom(3);
	churn(MANY);
	return 0;
}

/* FILE: the host opens it in place of each descriptor that it did not open itself. */
static int reuse_descriptors(char **arguments)
{
	struct rlimit descriptors;
	struct stat status;
	int fd;

	limit(RLIMIT_NOFILE, 4096);
	host_start();
	leak(11);
	getrlimit(RLIMIT_NOFILE, &descriptors);
	fd = open(arguments[0], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	need(fd >= 0, arguments[0]);
	for (int other = 20; other < (int)descriptors.rlim_cur; other++)
		need(dup2(fd, other) == other, "dup2");
	churn(MANY);
	fstat(fd, &status);
	printf("own file: %lld\n", (long long)status.st_size);
	return 0;
}

/* FOLDER: becomes the root folder, without /proc. The host becomes nobody. Then another package
 * comes. */
static int change_root(char **arguments)
{
	host_start();
	leak(11);
	need(chroot(arguments[0]) == 0 && chdir("/") == 0, "chroot");
	drop_privileges();
	churn(MANY);
	start_another();
	return 0;
}

/* The host is nobody from the start. */
static int nobody(char **arguments)
{
	(void)arguments;
	drop_privileges();
	host_start();
	leak(11);
	churn(10);
	return 0;
}

static void fill_disk(const char *path)
{
	static const char zeroes[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	need(fd >= 0, path);
	for (size_t bytes = sizeof(zeroes); bytes > 0; bytes /= 2) {
		while (write(fd, zeroes, bytes) > 0)
			;
		need(errno == ENOSPC, path);
	}
	close(fd);
}

/* FILE BLOCKS: after the recording has begun, fills the disk with this file; then leaks so many
 * blocks. */
static int full_disk_later(char **arguments)
{
	host_start();
	leak(11);
	churn(1000);
	fill_disk(arguments[0]);
	churn(MANY);
	for (long i = 0; i < number_of(arguments[1]); i++)
		lsa->AllocatePrivateHeap(8);
	return 0;
}

/* What somebody else may do to the trace. */

static void overwrite_at_random(int fd, long bytes)
{
	uint64_t noise[64];
	unsigned seed = 1;

	for (int i = 0; i < 64; i++)
		noise[i] = (uint64_t)rand_r(&seed) << 33 ^ (uint64_t)rand_r(&seed);
	for (int i = 0; i < 200; i++)
		need(pwrite(fd, noise, sizeof(noise), rand_r(&seed) % bytes) > 0, "pwrite");
}

static void harm(const char *path, const char *how)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat status;

	need(fd >= 0 && fstat(fd, &status) == 0, path);
	if (strcmp(how, "empty") == 0)
		need(ftruncate(fd, 0) == 0, how);
	else if (strcmp(how, "shorten") == 0)
		need(ftruncate(fd, status.st_size / 3 + 100) == 0, how);
	else if (strcmp(how, "empty-and-lengthen") == 0)
		need(ftruncate(fd, 0) == 0 && ftruncate(fd, status.st_size) == 0, how);
	else if (strcmp(how, "lengthen") == 0)
		need(ftruncate(fd, status.st_size + 12345) == 0, how);
	else if (strcmp(how, "overwrite") == 0)
		overwrite_at_random(fd, status.st_size);
	close(fd);
}

static bool is_harm_over;

static void *leak_and_churn(void *unused)
{
	while (!__atomic_load_n(&is_harm_over, __ATOMIC_RELAXED)) {
		PVOID section = lsa->CreateSharedMemory(4096, 4096), block;

		for (int i = 0; i < 50; i++)
			lsa->FreeSharedMemory(section, lsa->AllocateSharedMemory(section, 8));
		block = lsa->AllocatePrivateHeap(8);
		lsa->FreePrivateHeap(block);
		lsa->FreeLsaHeap(lsa->AllocateLsaHeap(8));
		lsa->DeleteSharedMemory(section);
	}
	return unused;
}

/* FILE HOW...: threads call, while the trace, which is that file, is harmed in these ways. */
static int harm_trace(char **arguments)
{
	pthread_t thread[2];
	pid_t child;
	int status;

	host_start();
	leak(11);
	churn(20000);
	for (int i = 0; i < 2; i++)
		need(pthread_create(&thread[i], NULL, leak_and_churn, NULL) == 0, "a thread");
	for (char **how = arguments + 1; *how; how++) {
		harm(arguments[0], *how);
		churn(10000);
		for (int i = 0; i < 500; i++)
			lsa->AllocatePrivateHeap(8);
		lsa->FreePrivateHeap(lsa);
		child = fork();
		if (child == 0) {
			churn(100);
			_exit(0);
		}
		need(waitpid(child, &status, 0) == child, "waitpid");
		printf("%s: %d\n", *how, status);
	}
	__atomic_store_n(&is_harm_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	churn(MANY);
	return 0;
}

static void say_bus(int signal)
{
	printf("the host's handler: %d\n", signal == SIGBUS);
	fflush(stdout);
	_exit(7);
}

/* FILE: the host has a handler of SIGBUS, and a file of its own that is shortened, like the trace,
 * which is that file. */
static int harm_both(char **arguments)
{
	char own[] = "/tmp/oddhost-XXXXXX";
	int fd = mkstemp(own);
	struct sigaction now;
	volatile char *map;

	need(fd >= 0 && unlink(own) == 0 && ftruncate(fd, 4096) == 0, own);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	need(map != MAP_FAILED, "mmap");
	host_start();
	need(signal(SIGBUS, say_bus) == SIG_DFL, "signal");
	need(sigaction(SIGBUS, NULL, &now) == 0 && now.sa_handler == say_bus, "sigaction");
	churn(100);
	harm(arguments[0], "empty");
	churn(MANY);
	need(ftruncate(fd, 0) == 0, "ftruncate");
	return map[0];
}

static PVOID mark(PVOID block)
{
	need(block != NULL, "a block");
	memcpy(block, MARKER, sizeof(MARKER));
	return block;
}

static PVOID buffer_of(PLSA_CLIENT_REQUEST client)
{
	PVOID buffer = NULL;

	lsa->AllocateClientBuffer(client, sizeof(MARKER), &buffer);
	return mark(buffer);
}

/* For each family: a block that is freed, and one that leaks, all with the same text in them. */
static void mark_two_of_each(PVOID section)
{
	PVOID client = NULL;

	lsa->FreeLsaHeap(mark(lsa->AllocateLsaHeap(sizeof(MARKER))));
	mark(lsa->AllocateLsaHeap(sizeof(MARKER)));
	lsa->FreePrivateHeap(mark(lsa->AllocatePrivateHeap(sizeof(MARKER))));
	mark(lsa->AllocatePrivateHeap(sizeof(MARKER)));
	lsa->FreeClientBuffer(&client, buffer_of(&client));
	buffer_of(&client);
	lsa->FreeSharedMemory(section, mark(lsa->AllocateSharedMemory(section, sizeof(MARKER))));
	mark(lsa->AllocateSharedMemory(section, sizeof(MARKER)));
}

static int marked_blocks(char **arguments)
{
	PVOID section;

	(void)arguments;
	host_start();
	section = mark(lsa->CreateSharedMemory(4096, 4096));
	for (int i = 0; i < 100; i++)
		mark_two_of_each(section);
	lsa->FreeSharedMemory(NULL, mark(lsa->AllocateSharedMemory(section, sizeof(MARKER))));
	return 0;
}

/* What Wine does while a thread runs code of Windows: a system call from outside of the C library becomes
 * a signal. */
static volatile char selector;
static volatile sig_atomic_t strays;

static void on_stray(int signal)
{
	(void)signal;
	selector = 0;
	strays++;
}

static int dispatched(char **arguments)
{
	struct dl_find_object c_library;

	(void)arguments;
	need(_dl_find_object((void *)exit, &c_library) == 0, "the C library");
	signal(SIGSYS, on_stray);
	if (prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, c_library.dlfo_map_start,
		  (char *)c_library.dlfo_map_end - (char *)c_library.dlfo_map_start,
		  &selector) != 0) {
		printf("unknown\n");
		return 0;
	}
	selector = 1;
	host_start();
	leak(11);
	churn(BLOCKS);
	selector = 0;
	printf("%d stray system calls\n", (int)strays);
	return 0;
}

const struct scenario limit_scenarios[] = {
	{ "dispatched", dispatched },
	{ "few-descriptors", few_descriptors },
	{ "no-descriptors", no_descriptors },
	{ "no-descriptors-later", no_descriptors_later },
	{ "file-size", file_size },
	{ "address-space", address_space },
	{ "address-space-later", address_space_later },
	{ "locked-memory", locked_memory },
	{ "close-all", close_all },
	{ "reuse-descriptors", reuse_descriptors },
	{ "change-root", change_root },
	{ "nobody", nobody },
	{ "full-disk-later", full_disk_later },
	{ "harm-trace", harm_trace },
	{ "harm-both", harm_both },
	{ "marked-blocks", marked_blocks },
	{ 0 },
};
