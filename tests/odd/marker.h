/* SPDX-License-Identifier: MIT */
#ifndef ODD_MARKER_H
#define ODD_MARKER_H

/* The text that the scenario marked-blocks writes into each block. It must not be in any trace. */
#define MARKER_WORD "SeCrEt-."
#define MARKER MARKER_WORD MARKER_WORD

#endif
