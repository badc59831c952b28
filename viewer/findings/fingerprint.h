/* SPDX-License-Identifier: MIT */
/*
 * Fingerprints identify a defect. They stay the same from run to run, on other machines, with debug
 * information or only with a symbol table, and after edits elsewhere.
 *
 * A fingerprint is made from kind, reason, family, and the package's own frames in all backtraces:
 * the base name of the module, and the function's name in the ELF symbol table. Of that name, the
 * suffix of a clone ("f.part.0") and the hashes of Rust are left out. Frames in a row that then
 * have one name count once. Inlined functions do not count: only debug information knows them.
 * Frames of the host and of the C library do not count either.
 *
 * Where the package has no symbol for a frame, build-id and offset are taken. Such a fingerprint is
 * that of one build only.
 *
 * The weak one is made from kind, reason, family, module of the package, and its innermost function
 * that has a name, inlined or not. So it mostly survives another optimisation level.
 *
 * If the package's module is not known, or has no frame in any backtrace, all frames count that are
 * not of the C library.
 *
 * Those of calls are made in the same way, from the function in place of kind, reason and family.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_FINGERPRINT_H
#define LSATRACE_VIEWER_FINDINGS_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

struct finding;
struct findings_namer;
struct model;
struct model_stack;

struct fingerprint {
	uint64_t exact, weak;
	bool has_offsets; /* `exact` is made from offsets */
};

struct fingerprint fingerprint_make(const struct finding *finding,
				    const struct findings_namer *namer);
/* That of a call of a function by a package. */
struct fingerprint fingerprint_of_call(const struct model *model, uint32_t package,
				       const char *function, const struct model_stack *stack,
				       const struct findings_namer *namer);

/*
 * The order of two findings with one fingerprint, as compare functions return it: by where the
 * frames lie in the modules. So it is that of the source, mostly.
 */
int fingerprint_order(const struct finding *a, const struct finding *b);

/* The first steps of that order: where they differ, those of the lesser finding are less. */
struct fingerprint_steps {
	uint64_t step[3];
};

struct fingerprint_steps fingerprint_begin_order(const struct finding *finding);

#endif
