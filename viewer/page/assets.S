/* SPDX-License-Identifier: MIT */
	.section .rodata
	.globl assets_css, assets_js
assets_css:
	.incbin "viewer/page/page.css"
	.byte 0
assets_js:
	.incbin "viewer/page/page.js"
	.byte 0
	.section .note.GNU-stack, "", @progbits
