/* SPDX-License-Identifier: MIT */
/*
 * Memory of the tracer that comes from the kernel, not from the host's allocator. Its address never
 * changes.
 *
 * The host should not pay for memory that the tracer only might need. A host that locks its memory
 * (mlockall()) pays for each byte that is mapped, used or not; so does the dump of a host that
 * crashes. So, what may become large is a table, which is mapped as far as it has grown. It lies in a
 * range of addresses that the kernel gives to nobody who does not ask for it, far from all libraries
 * and heaps, and grows into what is free behind it:
 *
 *	  0x1000'0000'0000 ...                                          ... 0x7fff'ffff'ffff
 *	┌─────────┬ ─ ─ ─ ─ ─ ─ ─┬────────┬ ─ ─ ─ ─ ─ ─┐                 ┌────────────────────┐
 *	│ table A │ free, for A  │ table B │ free, for B │     ...        │ what the host maps │
 *	└─────────┴ ─ ─ ─ ─ ─ ─ ─┴────────┴ ─ ─ ─ ─ ─ ─┘                 └────────────────────┘
 *
 * What has one size for good lies in that range as well, side by side.
 *
 * If somebody should map something there all the same, the table grows no further: it is full. Where
 * that range cannot be had at all (valgrind, MSan), the table is reserved in whole, inaccessible
 * behind what is used.
 *
 * Nothing that comes from here is ever locked for good, not even where the host locks what it maps
 * in future (MCL_FUTURE), nor dumped (MADV_DONTDUMP); except for the host's own data (VM_HOST).
 *
 * Any thread.
 */
#ifndef LSATRACE_PRELOAD_BASE_VM_H
#define LSATRACE_PRELOAD_BASE_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/base/compiler.h"

/* At start-up: that range cannot be had in this process. */
void vm_avoid_range(void);

/* Returns `bytes` bytes, all zero, which cost memory only once they are touched; NULL if there
 * is no address space. munmap() gives them back. */
void *vm_reserve(size_t bytes);

/*
 * The same, for what soon has something in each page: it is filled at once, and lies side by side in
 * large pages where the kernel has them. Each small page by itself is a fault, which costs ten times
 * as much, and the first look at it costs the processor (in a virtual machine, 15 us at worst).
 */
void *vm_reserve_filled(size_t bytes);

enum vm_kind {
	VM_TRACER, /* zeroed memory of the tracer's own */
	VM_HOST, /* the same, but the host's data: dumped, and locked if the host locks its memory */
	VM_FILE, /* a file, mapped shared, from its start */
};

/* Starts zeroed. */
struct vm_table {
	char *base;        /* NULL: there is no table */
	size_t bytes;      /* may be used; the rest of `bytes_most` must not be touched */
	size_t bytes_most; /* a multiple of the page size */
	enum vm_kind kind;
	bool is_reserved; /* all of `bytes_most` is mapped */
};

/* Makes a table that can have up to `bytes_most` bytes. `fd` is for VM_FILE. Returns false with errno
 * set if there is no address space. */
bool vm_table_init(struct vm_table *table, enum vm_kind kind, size_t bytes_most, int fd);

/* Makes a table that has at least `bytes` bytes; under LOCK_MEMORY. errno stays as it is. */
bool vm_table_grow(struct vm_table *table, size_t bytes);

/* May the first `bytes` bytes be used? Lets the table grow if it has less. */
static inline bool vm_table_reach(struct vm_table *table, size_t bytes)
{
	return likely(bytes <= __atomic_load_n(&table->bytes, __ATOMIC_ACQUIRE)) ||
	       vm_table_grow(table, bytes);
}

/*
 * Backs VM_LARGE_BYTES of a table of a file in memory (tmpfs), from a multiple of VM_LARGE_BYTES on, by one
 * large page, whatever the mount says of them. At least one page of it must be in the file; the rest comes
 * out zeroed, and the file is as long as before. Returns false if the kernel does not, as those before 6.1,
 * or has none. It may wait for each processor to come by (100 us as a rule). Changes errno.
 */
#define VM_LARGE_BYTES (1u << 21)
bool vm_table_make_large(struct vm_table *table, size_t from);

/* For a forked child that is about to write to all of the first `bytes` bytes: copies them at once, for a
 * quarter of what a fault for each page costs. Changes errno. */
void vm_table_copy(const struct vm_table *table, size_t bytes);

/* Puts zeroed private memory in the place of a table: somebody has shortened its file. Returns false if
 * there is none, and then changes nothing. Async-signal-safe, but changes errno. */
bool vm_table_replace(const struct vm_table *table);

/* Does an address lie in that range? */
bool vm_is_in_range(uint64_t address);

/* Does memory of the tracer lie elsewhere as well? */
bool vm_has_strays(void);

/* Unmaps a table, if there is one, and zeroes `table`. No other thread may use it. */
void vm_table_release(struct vm_table *table);

#endif
