/* SPDX-License-Identifier: MIT */
/* A DLL that has no package, and leads to that of another one. */
__asm__(".section .drectve\n\t.ascii \" "
	"-export:SpLsaModeInitialize=lsa_heap_leak.SpLsaModeInitialize\"\n\t.text");
