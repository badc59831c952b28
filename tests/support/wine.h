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

/* Makes such a folder for the tests that follow, or for the processes that they run in. Skips the calling
 * test with a loud reason if Wine is not installed, or if `program`, which mingw-w64 makes, was not built. */
void wine_start(const char *program);

/* Ends what runs in that folder, and waits for it. The next program starts a wineserver of its own. */
void wine_stop_server(void);

/* The same, and removes the folder. */
void wine_stop(void);

#endif
