/* SPDX-License-Identifier: MIT */
/*
 * The fingerprint of a finding: the same for the same defect from run to run, and different for
 * different ones. It is made from kind, reason, family, and the functions and modules of the
 * stacks.
 *
 *   - Inlined functions count like others, so that it does not depend on what is inlined.
 *   - Of a frame without a known function it takes the offset in the module.
 *   - Frames of the C library are left out: its local functions have names only where its symbols
 *     are installed, and their offsets change with each update.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_FINGERPRINT_H
#define LSATRACE_VIEWER_FINDINGS_FINGERPRINT_H

#include "viewer/findings/finding.h"

/* Sets finding->fingerprint: 16 hexadecimal digits. */
void fingerprint_make(struct finding *finding, const struct findings_namer *namer);

#endif
