/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_WINE_H
#define SUPPORT_WINE_H

/*
 * Wine for tests, in a folder of its own. A folder (WINEPREFIX) that Wine fills by itself has hundreds of
 * megabytes and takes ten seconds. This one is empty but for a link to Wine's own DLLs, which is enough for
 * programs that use no more than these.
 */

/* Programs and packages for Windows. */
#define LSA_HOST_EXE BUILD_DIR "/lsatrace-host.exe"
#define DLL(name) BUILD_DIR "/tests/packages/" name ".dll"

/* From now on, what the calling process runs has no random addresses. Of a thousand programs that have, the
 * kernel puts the heap of one where Wine has to have a page, 0x7ffe0000: it ends at once with status 1. Skips the
 * calling test if this is refused, as some sandboxes do. */
void wine_fix_addresses(void);

/* Makes such a folder for the tests that follow, or for the processes that they run in. Skips the calling
 * test with a loud reason if Wine is not installed, or if `program`, which mingw-w64 makes, was not built. Calls
 * wine_fix_addresses(). */
void wine_start(const char *program);

/* Ends what runs in that folder, and waits for it. The next program starts a wineserver of its own. */
void wine_stop_server(void);

/* The same, and removes the folder. */
void wine_stop(void);

#endif
