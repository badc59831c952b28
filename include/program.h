/* SPDX-License-Identifier: MIT */
/*
 * Looks at a program before it is executed: can liblsatrace.so be preloaded into it? A loader that
 * cannot load the library either complains on the program's standard error (glibc's, for 32 bits) or
 * ends the program (musl's). Both halves use this: lsatrace for its command, and the library for
 * what its process executes.
 *
 * Nothing here allocates, prints, keeps state, waits, or is a cancellation point. errno changes.
 */
#ifndef LSATRACE_PROGRAM_H
#define LSATRACE_PROGRAM_H

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum program_kind {
	PROGRAM_NONE,            /* there is no such file */
	PROGRAM_REFUSED,         /* it is no regular file, or nobody may execute it */
	PROGRAM_UNKNOWN,         /* it cannot be read, or is of another format */
	PROGRAM_SCRIPT,          /* another program interprets it */
	PROGRAM_STATIC,          /* it has no loader, so that LD_PRELOAD means nothing to it */
	PROGRAM_FITS,            /* its loader loads the library */
	PROGRAM_OTHER_PROCESSOR, /* it is built for another kind of processor, or for 32 bits */
	PROGRAM_OTHER_LIBC,      /* its loader is that of another C library than glibc */
};

/* Must the library be kept out of a program of that kind? */
static inline int program_is_foreign(enum program_kind kind)
{
	return kind == PROGRAM_OTHER_PROCESSOR || kind == PROGRAM_OTHER_LIBC;
}

/* Why the library is not loaded into a program of that kind, as a predicate; NULL: it is loaded, or
 * nobody knows. */
static inline const char *program_reason(enum program_kind kind)
{
	switch (kind) {
	case PROGRAM_STATIC:
		return "is statically linked, so nothing can be preloaded into it";
	case PROGRAM_OTHER_PROCESSOR:
		return "is built for another kind of processor than liblsatrace.so";
	case PROGRAM_OTHER_LIBC:
		return "is built for another C library than glibc";
	default:
		return NULL;
	}
}

#define PROGRAM_PATH_BYTES 256   /* longer paths of interpreters are cut off; the kernel's limit */
#define PROGRAM_NAME_BYTES 64    /* of a sanitizer's library */
#define PROGRAM_SCRIPTS_NESTED 4 /* the kernel follows no more */

/* Starts zeroed. */
struct program {
	enum program_kind kind;
	char interpreter[PROGRAM_PATH_BYTES]; /* of a script, the last one; "": it is no script */
	char sanitizer[PROGRAM_NAME_BYTES]; /* its shared sanitizer, which must be loaded first; "": none */
};

#if defined(__x86_64__)
#define PROGRAM_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define PROGRAM_MACHINE EM_AARCH64
#endif

/* Reads bytes of an open file, and ends them with a NUL. Returns their number. */
static inline size_t program_read_bytes(int fd, uint64_t offset, char *to, size_t bytes)
{
	long got = syscall(SYS_pread64, fd, to, bytes - 1, offset);
	size_t length = got > 0 ? (size_t)got : 0;

	to[length] = '\0';
	return length;
}

/* Is a path that of glibc's loader: ld-linux-x86-64.so.2, or ld-2.31.so? */
static inline int program_is_glibc(const char *loader)
{
	const char *slash = strrchr(loader, '/'), *name = slash ? slash + 1 : loader;

	return strncmp(name, "ld-linux", 8) == 0 || strncmp(name, "ld-2.", 5) == 0;
}

/* Is this the file of a sanitizer that must come before all other libraries? The names are gcc's
 * (libasan.so.8) and clang's (libclang_rt.asan-x86_64.so). */
static inline int program_is_sanitizer(const char *path, size_t bytes)
{
	static const char *const names[] = { "libasan.",   "libtsan.",  "liblsan.",
					     "libhwasan.", "libubsan.", "libclang_rt." };
	const char *slash = (const char *)memrchr(path, '/', bytes),
		   *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return 1;
	return 0;
}

/* Is it Wine, which runs a program for Windows: wine, wine64, wine-preloader? So is wineserver. */
static inline int program_is_wine(const char *path, size_t bytes)
{
	const char *slash = (const char *)memrchr(path, '/', bytes),
		   *name = slash ? slash + 1 : path;

	return (size_t)(path + bytes - name) >= 4 && memcmp(name, "wine", 4) == 0;
}

/* Does a text end in ".exe", whatever the case, or in ".exe.so", as programs of winelib do? */
static inline int program_ends_in_exe(const char *text, size_t bytes)
{
	static const char ending[] = ".exe";

	if (bytes > 3 && memcmp(text + bytes - 3, ".so", 3) == 0)
		bytes -= 3;
	for (size_t i = 0; i < 4; i++) {
		char letter = bytes > 4 ? text[bytes - 4 + i] : '\0';

		if ((letter >= 'A' && letter <= 'Z' ? letter + 'a' - 'A' : letter) != ending[i])
			return 0;
	}
	return 1;
}

/* Returns the first of some arguments of Wine, each with a NUL at its end, that is a program; NULL: none is. */
static inline const char *program_of_wine(const char *arguments, size_t bytes)
{
	const char *end = arguments + bytes;

	for (const char *at = arguments; at < end;) {
		size_t length = strnlen(at, (size_t)(end - at));

		if (program_ends_in_exe(at, length))
			return at;
		at += length + 1;
	}
	return NULL;
}

/* Returns the part of a path behind its folders, be they of Windows or not. */
static inline const char *program_name_of_windows(const char *path)
{
	for (const char *at = path; *at; at++)
		if (*at == '/' || *at == '\\')
			path = at + 1;
	return path;
}

/* Where an address of the program lies in its file; 0: nowhere. */
static inline uint64_t program_offset_of(int fd, const Elf64_Ehdr *header, uint64_t address)
{
	for (unsigned i = 0; i < header->e_phnum; i++) {
		char bytes[sizeof(Elf64_Phdr) + 1];
		Elf64_Phdr segment;

		if (program_read_bytes(fd, header->e_phoff + i * sizeof(segment), bytes,
				       sizeof(bytes)) < sizeof(segment))
			return 0;
		memcpy(&segment, bytes, sizeof(segment));
		if (segment.p_type == PT_LOAD && address - segment.p_vaddr < segment.p_filesz)
			return address - segment.p_vaddr + segment.p_offset;
	}
	return 0;
}

/* Looks for a sanitizer among the libraries that a program is linked to. */
static inline void program_find_sanitizer(struct program *p, int fd, const Elf64_Ehdr *header,
					  const Elf64_Phdr *dynamic)
{
	enum { ENTRIES_MOST = 64 };
	char bytes[ENTRIES_MOST * sizeof(Elf64_Dyn) + 1];
	size_t count =
		program_read_bytes(fd, dynamic->p_offset, bytes, sizeof(bytes)) / sizeof(Elf64_Dyn);
	uint64_t strings = 0;
	Elf64_Dyn entry;

	for (size_t i = 0; i < count; i++) {
		memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
		if (entry.d_tag == DT_STRTAB)
			strings = program_offset_of(fd, header, entry.d_un.d_ptr);
	}
	for (size_t i = 0; i < count && strings; i++) {
		memcpy(&entry, bytes + i * sizeof(entry), sizeof(entry));
		if (entry.d_tag == DT_NULL)
			break;
		if (entry.d_tag != DT_NEEDED)
			continue;
		program_read_bytes(fd, strings + entry.d_un.d_val, p->sanitizer,
				   sizeof(p->sanitizer));
		if (program_is_sanitizer(p->sanitizer, strlen(p->sanitizer)))
			return;
	}
	p->sanitizer[0] = '\0';
}

static inline enum program_kind program_kind_of_elf(struct program *p, int fd,
						    const Elf64_Ehdr *header)
{
	char loader[PROGRAM_PATH_BYTES] = "";

	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != PROGRAM_MACHINE)
		return PROGRAM_OTHER_PROCESSOR;
	for (unsigned i = 0; i < header->e_phnum; i++) {
		char bytes[sizeof(Elf64_Phdr) + 1];
		Elf64_Phdr segment;

		if (program_read_bytes(fd, header->e_phoff + i * sizeof(segment), bytes,
				       sizeof(bytes)) < sizeof(segment))
			return PROGRAM_UNKNOWN;
		memcpy(&segment, bytes, sizeof(segment));
		if (segment.p_type == PT_INTERP)
			program_read_bytes(fd, segment.p_offset, loader, sizeof(loader));
		else if (segment.p_type == PT_DYNAMIC)
			program_find_sanitizer(p, fd, header, &segment);
	}
	if (!*loader)
		return PROGRAM_STATIC;
	return program_is_glibc(loader) ? PROGRAM_FITS : PROGRAM_OTHER_LIBC;
}

/* Looks at an open file. `p->interpreter` is written if it is a script. */
static inline void program_read(struct program *p, int fd)
{
	char head[PROGRAM_PATH_BYTES];
	Elf64_Ehdr header;
	size_t bytes = program_read_bytes(fd, 0, head, sizeof(head));

	p->kind = PROGRAM_UNKNOWN;
	p->sanitizer[0] = '\0';
	if (bytes >= sizeof(header) && memcmp(head, ELFMAG, SELFMAG) == 0) {
		memcpy(&header, head, sizeof(header));
		p->kind = program_kind_of_elf(p, fd, &header);
	} else if (strncmp(head, "#!", 2) == 0) {
		const char *name = head + 2 + strspn(head + 2, " \t");
		size_t length = strcspn(name, " \t\n");

		memcpy(p->interpreter, name, length);
		p->interpreter[length] = '\0';
		p->kind = PROGRAM_SCRIPT;
	}
}

/* Looks at the file of a path, and no further. */
static inline void program_open(struct program *p, int folder, const char *path)
{
	struct stat status;
	int fd;

	p->kind = PROGRAM_NONE;
	if (fstatat(folder, path, &status, 0) != 0)
		return;
	p->kind = PROGRAM_REFUSED;
	if (!S_ISREG(status.st_mode) || !(status.st_mode & 0111))
		return;
	p->kind = PROGRAM_UNKNOWN;
	fd = (int)syscall(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	program_read(p, fd);
	syscall(SYS_close, fd);
}

/* Goes on from a script to what interprets it. */
static inline void program_look_on(struct program *p)
{
	for (int i = 0; p->kind == PROGRAM_SCRIPT && i < PROGRAM_SCRIPTS_NESTED; i++)
		program_open(p, AT_FDCWD, p->interpreter);
}

/* Looks at an open file, and at what interprets it. */
static inline void program_look_into(struct program *p, int fd)
{
	p->interpreter[0] = '\0';
	program_read(p, fd);
	program_look_on(p);
}

/* The same for a path. A relative one begins in `folder`, which may be AT_FDCWD. */
static inline void program_look_at(struct program *p, int folder, const char *path)
{
	p->interpreter[0] = '\0';
	program_open(p, folder, path);
	program_look_on(p);
}

/* Looks at what execvp() would execute, where PATH is `folders`; NULL: there is no PATH. Writes its
 * path to `path`, unless it is too long or there is none. */
static inline void program_find(struct program *p, const char *file, const char *folders,
				char *path, size_t path_bytes)
{
	struct program refused = { PROGRAM_NONE, "", "" };

	path[0] = '\0';
	if (strchr(file, '/') && strlen(file) < path_bytes)
		strcpy(path, file);
	if (strchr(file, '/')) {
		program_look_at(p, AT_FDCWD, file);
		return;
	}
	for (folders = folders ? folders : "/bin:/usr/bin";; folders++) {
		size_t length = strcspn(folders, ":"), bytes = strlen(file) + 1;

		if (length + 1 + bytes <= path_bytes) {
			memcpy(path, folders, length);
			path[length] = '/';
			memcpy(path + length + (length > 0), file, bytes);
			program_look_at(p, AT_FDCWD, path);
			if (p->kind > PROGRAM_REFUSED)
				return;
			if (p->kind == PROGRAM_REFUSED)
				refused = *p;
		}
		folders += length;
		if (!*folders)
			break;
	}
	*p = refused;
}

#endif
