/* SPDX-License-Identifier: MIT */
#ifndef ODD_MARKER_H
#define ODD_MARKER_H

/* What the scenario marked-blocks writes into every block: no trace may hold a word of it. */
#define MARKER_WORD "SeCrEt-."
#define MARKER MARKER_WORD MARKER_WORD

#endif
