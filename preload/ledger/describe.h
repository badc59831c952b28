/* SPDX-License-Identifier: MIT */
/*
 * Fills in what a finding says of the memory concerned, from views of the ledger: addresses, sizes
 * and the stacks that made and released it. Sets only the fields of which something is known, so a
 * finding may be described in several steps. A view without a number changes nothing.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_DESCRIBE_H
#define LSATRACE_PRELOAD_LEDGER_DESCRIBE_H

#include "include/trace_format.h"
#include "preload/ledger/entries.h"

/* The block concerned. If it died with its section, the section's stacks are set as well. */
void describe_block(struct trace_finding *f, const struct ledger_view *block);

/* The section concerned. Its sizes are set only if f->section.handle is its handle and they are
 * known. */
void describe_section(struct trace_finding *f, const struct ledger_view *section);

/* The section that owns the block, where the call named another one. */
void describe_owner(struct trace_finding *f, const struct ledger_view *owner);

#endif
