/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WINDOWS_POSIX_H
#define TESTS_WINDOWS_POSIX_H

/*
 * What tests/host uses of POSIX and mingw-w64 lacks, as far as a program for Windows can have it: so that one
 * host is compiled for both. The headers beside this one have the names of those that are missing.
 */

#ifdef _WIN32

#include <io.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

/* From windows.h, which defines other types than secpkg.h. */
__declspec(dllimport) void *__stdcall LoadLibraryA(const char *path);
__declspec(dllimport) void __stdcall Sleep(unsigned long ms);
__declspec(dllimport) void *__stdcall GetProcAddress(void *library, const char *name);
__declspec(dllimport) int __stdcall FreeLibrary(void *library);
__declspec(dllimport) unsigned long __stdcall GetCurrentThreadId(void);
__declspec(dllimport) unsigned long __stdcall GetLastError(void);
__declspec(dllimport) void *__stdcall VirtualAlloc(void *at, size_t bytes, unsigned long kind,
						   unsigned long protection);
__declspec(dllimport) int __stdcall VirtualProtect(void *at, size_t bytes, unsigned long protection,
						   unsigned long *before);
__declspec(dllimport) size_t __stdcall VirtualQuery(const void *at, void *memory, size_t bytes);
__declspec(dllimport) int __stdcall VirtualFree(void *at, size_t bytes, unsigned long kind);
__declspec(dllimport) void *__stdcall CreateFileMappingA(void *file, void *security,
							 unsigned long protection,
							 unsigned long high, unsigned long low,
							 const char *name);
__declspec(dllimport) void *__stdcall MapViewOfFile(void *mapping, unsigned long access,
						    unsigned long high, unsigned long low,
						    size_t bytes);
__declspec(dllimport) int __stdcall UnmapViewOfFile(const void *at);
__declspec(dllimport) int __stdcall ReadFile(void *file, void *to, unsigned long most,
					     unsigned long *bytes, void *overlapped);
__declspec(dllimport) void *__stdcall GetCurrentProcess(void);
__declspec(dllimport) void *__stdcall CreateThread(void *security, size_t stack,
						   unsigned long(__stdcall *run)(void *),
						   void *argument, unsigned long flags,
						   unsigned long *id);
__declspec(dllimport) unsigned long __stdcall SuspendThread(void *thread);
__declspec(dllimport) unsigned long __stdcall ResumeThread(void *thread);
__declspec(dllimport) int __stdcall GetThreadContext(void *thread, void *context);
__declspec(dllimport) unsigned long __stdcall WaitForSingleObject(void *thread, unsigned long ms);
__declspec(dllimport) int __stdcall TerminateProcess(void *process, unsigned int status);

/* Libraries. All that are loaded share one scope, so that there is only one way to look a symbol up. */
#define RTLD_NOW 0
#define RTLD_LOCAL 0
#define RTLD_GLOBAL 0
#define RTLD_DEFAULT NULL
#define RTLD_NEXT NULL

static inline void *dlopen(const char *path, int flags)
{
	(void)flags;
	return LoadLibraryA(path);
}

static inline void *dlsym(void *library, const char *name)
{
	return GetProcAddress(library, name);
}

static inline int dlclose(void *library)
{
	return !FreeLibrary(library);
}

static inline const char *dlerror(void)
{
	static char text[32];

	snprintf(text, sizeof(text), "error %lu", GetLastError());
	return text;
}

/* Memory, and files. */
#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 4
#define MAP_SHARED 0
#define MAP_PRIVATE 0
#define MAP_ANONYMOUS 1
#define MAP_FAILED NULL
#define MFD_CLOEXEC 0
#define O_CLOEXEC 0
#define MEMFD 1000 /* no descriptor: what is mapped of it is memory of its own */

static inline int memfd_create(const char *name, int flags)
{
	(void)name, (void)flags;
	return MEMFD;
}

static inline void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
	(void)protection, (void)offset;
	if (flags & MAP_ANONYMOUS || fd == MEMFD)
		return VirtualAlloc(at, bytes, 0x3000, 4);
	return MapViewOfFile(CreateFileMappingA((void *)_get_osfhandle(fd), NULL, 4, 0, 0, NULL), 2,
			     0, 0, 0);
}

static inline int munmap(void *at, size_t bytes)
{
	(void)bytes;
	return !VirtualFree(at, 0, 0x8000);
}

static inline int mprotect(void *at, size_t bytes, int protection)
{
	unsigned long before;

	return !VirtualProtect(at, bytes,
			       protection & PROT_WRITE ? 4
			       : protection            ? 2
						       : 1,
			       &before);
}

static inline int posix_truncate(int fd, size_t bytes)
{
	return fd == MEMFD ? 0 : _chsize(fd, (long)bytes);
}

#undef ftruncate
#define ftruncate posix_truncate

/* Processes. There is no fork(). */
#define gettid() GetCurrentThreadId()
#undef pthread_atfork
#define pthread_atfork(prepare, parent, child) ((void)(prepare), (void)(parent), (void)(child))
#define SIGKILL 9
#define raise(signal) ((void)(signal), TerminateProcess(GetCurrentProcess(), 137))
#define WIFEXITED(status) 1
#define WEXITSTATUS(status) (status)
#define WTERMSIG(status) (status)

static inline int fork(void)
{
	return -1;
}

static inline pid_t waitpid(pid_t pid, int *status, int flags)
{
	(void)pid, (void)status, (void)flags;
	return -1;
}

#define wait(status) waitpid(-1, status, 0)

#endif
#endif
