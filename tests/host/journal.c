/* SPDX-License-Identifier: MIT */
#include "journal.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct journal_file *journal;
static _Thread_local struct journal_thread *own;

/* In a forked child, the only thread still points to the parent's place. */
static void forget_own_slot(void)
{
	own = NULL;
}

static void *map_journal(const char *path)
{
	int fd;
	void *mapping;

	if (!path)
		return mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return MAP_FAILED;
	mapping = MAP_FAILED;
	if (ftruncate(fd, sizeof(*journal)) == 0)
		mapping = mmap(NULL, sizeof(*journal), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return mapping;
}

int journal_open(const char *path)
{
	void *mapping = map_journal(path);

	if (mapping == MAP_FAILED)
		return -1;
	journal = mapping;
	pthread_atfork(NULL, NULL, forget_own_slot);
	return 0;
}

static struct journal_thread *own_slot(void)
{
	uint64_t index;

	if (own)
		return own;
	index = __atomic_fetch_add(&journal->thread_count, 1, __ATOMIC_RELAXED);
	if (index >= JOURNAL_THREADS) {
		fprintf(stderr, "lsahost: more than %d threads\n", JOURNAL_THREADS);
		_exit(125);
	}
	own = &journal->threads[index];
	own->tid = (uint32_t)gettid();
	own->pid = (uint32_t)getpid();
	return own;
}

/* Only this thread writes here. A reader after a kill depends on the order of the stores. */
static void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELEASE);
}

void journal_begin(enum slot function)
{
	count(&own_slot()->begun[function]);
}

void journal_end(enum slot function)
{
	count(&own_slot()->returned[function]);
}
