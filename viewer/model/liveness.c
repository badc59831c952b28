/* SPDX-License-Identifier: MIT */
#include "viewer/model/liveness.h"

#include <stdio.h>
#include <string.h>

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx" */
static bool read_boot_id(uint8_t id[16])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned got = 0, byte;

	if (!file)
		return false;
	while (got < 16 && fscanf(file, "%*[-]") != EOF && fscanf(file, "%2x", &byte) == 1)
		id[got++] = (uint8_t)byte;
	fclose(file);
	return got == 16;
}

/* Reads fields after the name, which is in parentheses and may itself hold parentheses. */
static bool read_stat(int32_t pid, char *state, long *threads, unsigned long long *start)
{
	char path[64], text[2048];
	const char *after;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	after = strrchr(text, ')');
	return after && sscanf(after + 1,
			       " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
			       "%*d %ld %*d %llu",
			       state, threads, start) == 3;
}

bool liveness_is_here(const uint8_t boot_id[16])
{
	static uint8_t here[16]; /* it stays the same as long as this process lives */
	static bool is_read;

	is_read = is_read || read_boot_id(here);
	return is_read && memcmp(here, boot_id, sizeof(here)) == 0;
}

bool liveness_check(int32_t pid, uint64_t start, const uint8_t boot_id[16])
{
	unsigned long long started;
	long threads;
	char state;

	if (pid <= 0 || start == 0 || !liveness_is_here(boot_id))
		return false;
	if (!read_stat(pid, &state, &threads, &started) || started != start)
		return false;
	/* "Z" with threads: the first thread has ended, and others still run. */
	return (state != 'Z' && state != 'X') || threads > 1;
}
