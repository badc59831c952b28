/* SPDX-License-Identifier: MIT */
#include "viewer/read/settle.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "include/trace_format.h"

void settle_log(const unsigned char *first, unsigned char *then)
{
	uint32_t at = TRACE_CHUNK_HEADER_BYTES, step;

	while (at < TRACE_CHUNK_BYTES) {
		struct trace_record *record = (struct trace_record *)(then + at);
		const struct trace_record *before = (const struct trace_record *)(first + at);

		if (before->committed != 1 || before->bytes != record->bytes)
			record->committed = 0;
		step = record->bytes;
		if (step == 0 || step % TRACE_GRANULE || step > TRACE_CHUNK_BYTES - at)
			step = TRACE_GRANULE; /* unused, or damage that the reader finds */
		at += step;
	}
}

void settle_ledger(const unsigned char *first, unsigned char *then, uint32_t entries)
{
	const struct trace_entry *before = (const void *)(first + TRACE_CHUNK_HEADER_BYTES);
	struct trace_entry *entry = (void *)(then + TRACE_CHUNK_HEADER_BYTES);

	for (size_t i = 0; i < entries; i++)
		if (memcmp(&before[i], &entry[i], sizeof(*entry)) != 0)
			entry[i].state = TRACE_ENTRY_FREE;
}

void settle_findings(const unsigned char *first, unsigned char *then)
{
	const struct trace_finding *before = (const void *)(first + TRACE_CHUNK_HEADER_BYTES);
	struct trace_finding *finding = (void *)(then + TRACE_CHUNK_HEADER_BYTES);

	for (size_t i = 0; i < TRACE_ITEMS(struct trace_finding); i++)
		if (before[i].committed != 1)
			finding[i].committed = 0;
}

void settle_lanes(const unsigned char *first, unsigned char *then)
{
	const struct trace_lane *before = (const void *)(first + TRACE_CHUNK_HEADER_BYTES);
	struct trace_lane *lane = (void *)(then + TRACE_CHUNK_HEADER_BYTES);

	for (size_t i = 0; i < TRACE_ITEMS(struct trace_lane); i++) {
		uint32_t same = 0;

		while (same < TRACE_IN_FLIGHT && same < before[i].depth &&
		       memcmp(&before[i].in_flight[same], &lane[i].in_flight[same],
			      sizeof(struct trace_call)) == 0)
			same++;
		if (lane[i].depth > same)
			lane[i].depth = same;
	}
}

void settle_counters(const unsigned char *first, unsigned char *then)
{
	const struct trace_counters *before = (const void *)(first + TRACE_CHUNK_HEADER_BYTES);
	struct trace_counters *counters = (void *)(then + TRACE_CHUNK_HEADER_BYTES);

	for (size_t i = 0; i < TRACE_ITEMS(struct trace_counters); i++)
		if (before[i].valid != 1)
			counters[i].valid = 0;
}

void settle_checkpoints(const unsigned char *first, unsigned char *then)
{
	const struct trace_checkpoint *before = (const void *)(first + TRACE_CHUNK_HEADER_BYTES);
	struct trace_checkpoint *checkpoint = (void *)(then + TRACE_CHUNK_HEADER_BYTES);

	for (size_t i = 0; i < TRACE_ITEMS(struct trace_checkpoint); i++)
		if (memcmp(&before[i], &checkpoint[i], sizeof(*checkpoint)) != 0)
			checkpoint[i].era = 0;
}

void settle_events(const unsigned char *first, unsigned char *then)
{
	const struct trace_event *before = (const void *)(first + TRACE_CHUNK_HEADER_BYTES);
	struct trace_event *event = (void *)(then + TRACE_CHUNK_HEADER_BYTES);

	for (size_t i = 0; i < TRACE_ITEMS(struct trace_event); i++)
		event[i].state &= before[i].state;
}
