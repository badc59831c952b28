/* SPDX-License-Identifier: MIT */
/* page.css and page.js, which the program contains. Terminated texts. */
#ifndef LSATRACE_VIEWER_PAGE_ASSETS_H
#define LSATRACE_VIEWER_PAGE_ASSETS_H

extern const char assets_css[], assets_js[];

#endif
