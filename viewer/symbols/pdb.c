/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/pdb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/pe/pdb_file.h"
#include "viewer/pe/pe_file.h"
#include "viewer/pe/pe_key.h"
#include "viewer/symbols/places.h"

#define PROGRAM "llvm-symbolizer"
#define NEWEST_VERSION 40 /* Debian calls it llvm-symbolizer-14 as well */
#define EXACT_VERSION 15  /* the first that tells the right lines of inlined functions */
#define OLDEST_VERSION 12 /* the first that answers in JSON */
#define NOT_STARTED ", and " PROGRAM ", which reads it, cannot be started"
#define SECONDS 10
#define ANSWER_MOST (1u << 20) /* bytes */

/* A text of an answer: each is kept once. */
struct word {
	char *text;
	UT_hash_handle hh;
};

struct pdb {
	const char *name; /* of the file, in `recorded` */
	char *recorded;   /* path */
	pid_t program;    /* 0: it does not run */
	int status;       /* of the program, when it has ended */
	int socket;       /* to it; -1: none */
	bool is_exact;    /* the program is of EXACT_VERSION or later */
	bool has_gap;     /* lines were left out because it is not */
	struct buffer answer;
	struct word *words;
	char *obstacle;
};

/* The part behind the last separator, as llvm-symbolizer finds it. */
static const char *find_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *backslash = *path == '/' ? NULL : strrchr(path, '\\');

	if (backslash && (!slash || backslash > slash))
		slash = backslash;
	return slash ? slash + 1 : path;
}

/* Takes a file if it is of the same build. Returns false if it is not there, or is of another one. */
static bool is_wanted(const char *path, const uint8_t guid[16], bool *is_other)
{
	uint8_t own[16];

	if (!pdb_file_read_guid(path, own))
		return false;
	if (memcmp(own, guid, sizeof(own)) == 0)
		return true;
	*is_other = true;
	return false;
}

enum { AS_RECORDED, BESIDE, WAYS };

/* Writes the i-th path at which the PDB may lie. Returns false after the last. */
static bool write_candidate(const struct pdb *p, const struct trace_pe_id *id, const char *module,
			    const struct places *places, size_t i, struct buffer *path)
{
	const char *recorded = p->recorded;

	path->used = 0;
	if (i == AS_RECORDED) {
		/* Wine shows the whole system as drive Z. */
		if ((*recorded | 0x20) == 'z' && recorded[1] == ':')
			recorded += 2;
		buffer_text(path, recorded);
		for (char *at = path->data; recorded != p->recorded && *at; at++)
			*at = *at == '\\' ? '/' : *at;
	} else if (i == BESIDE) {
		buffer_bytes(path, module, (size_t)(find_name(module) - module));
		buffer_text(path, p->name);
	} else if ((i - WAYS) / 2 < places->folders.count) {
		buffer_text(path, places->folders.item[(i - WAYS) / 2]);
		buffer_text(path, "/");
		buffer_text(path, p->name);
		if ((i - WAYS) % 2) {
			/* As symbol servers have it. */
			buffer_text(path, "/");
			pe_key_write_pdb(path, id);
			buffer_text(path, "/");
			buffer_text(path, p->name);
		}
	} else {
		return false;
	}
	return true;
}

static bool find_file(const struct pdb *p, const struct pe_file *f, const char *module,
		      const struct places *places, struct buffer *path, bool *is_other)
{
	struct trace_pe_id id;

	*is_other = false;
	pe_file_identify(f, &id);
	for (size_t i = 0; write_candidate(p, &id, module, places, i, path); i++)
		if (is_wanted(path->data, id.pdb_guid, is_other))
			return true;
	return false;
}

static void set_obstacle(struct pdb *p, const char *words)
{
	struct buffer b = { 0 };

	buffer_text(&b, "is in ");
	buffer_plain(&b, p->name);
	buffer_text(&b, words);
	free(p->obstacle);
	p->obstacle = buffer_take(&b);
}

/* Becomes the newest program of some versions, if there is one. */
static void try_versions(unsigned newest, unsigned oldest, char **arguments)
{
	char name[64];

	for (unsigned version = newest; version >= oldest; version--) {
		snprintf(name, sizeof(name), PROGRAM "-%u", version);
		execvp(name, arguments);
	}
}

/* Becomes the program. It must not ask servers: it would do so for each question, in silence. */
static _Noreturn void run_program(int socket, const char *object, bool is_exact)
{
	/* What comes last is an option that an older version refuses. */
	char *arguments[] = { (char *)PROGRAM,
			      (char *)object,
			      (char *)"--relative-address",
			      (char *)"--output-style=JSON",
			      is_exact ? (char *)"--color=never" : NULL,
			      NULL };
	int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(socket, STDIN_FILENO);
	dup2(socket, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	unsetenv("DEBUGINFOD_URLS");
	if (is_exact)
		try_versions(NEWEST_VERSION, EXACT_VERSION, arguments);
	execvp(PROGRAM, arguments);
	if (!is_exact)
		try_versions(EXACT_VERSION - 1, OLDEST_VERSION, arguments);
	_exit(127);
}

static void end_program(struct pdb *p)
{
	if (p->socket >= 0)
		close(p->socket);
	p->socket = -1;
	if (p->program) {
		/* One that could not be started has ended by itself, and this changes nothing. */
		struct timespec while_it_ends = { 0, 50000000 };

		if (waitpid(p->program, &p->status, WNOHANG) == 0) {
			nanosleep(&while_it_ends, NULL);
			kill(p->program, SIGKILL);
			waitpid(p->program, &p->status, 0);
		}
	}
	p->program = 0;
}

static int64_t read_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads the answer to the one question that is open. */
static bool read_line(struct pdb *p)
{
	int64_t end = read_clock_ms() + SECONDS * 1000, left;
	struct pollfd waiting = { .fd = p->socket, .events = POLLIN };
	char bytes[4096];

	p->answer.used = 0;
	while ((left = end - read_clock_ms()) > 0) {
		ssize_t count;

		if (poll(&waiting, 1, (int)left) < 0 && errno != EINTR)
			return false;
		count = recv(p->socket, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (count < 0)
			continue;
		buffer_bytes(&p->answer, bytes, (size_t)count);
		if (bytes[count - 1] == '\n')
			return true;
		if (p->answer.used > ANSWER_MOST)
			return false;
	}
	set_obstacle(p, ", and " PROGRAM ", which reads it, did not answer");
	return false;
}

/* Asks for an RVA. Returns the answer, for json_decref(); NULL: there is none. Ends a program that fails. */
static json_t *exchange(struct pdb *p, uint64_t rva)
{
	char question[32];
	int bytes = snprintf(question, sizeof(question), "0x%" PRIx64 "\n", rva);

	if (send(p->socket, question, (size_t)bytes, MSG_NOSIGNAL) == bytes && read_line(p))
		return json_loadb(p->answer.data, p->answer.used, JSON_DISABLE_EOF_CHECK, NULL);
	end_program(p);
	return NULL;
}

/* Starts the program, and asks something, which loads the files. */
static void start_program(struct pdb *p, const char *object)
{
	int pair[2];
	pid_t program;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
		set_obstacle(p, NOT_STARTED);
		return;
	}
	program = fork();
	if (program == 0)
		run_program(pair[1], object, p->is_exact);
	close(pair[1]);
	p->socket = pair[0];
	if (program < 0) {
		end_program(p);
		set_obstacle(p, NOT_STARTED);
		return;
	}
	p->program = program;
	json_decref(exchange(p, 0));
}

static void note_failure(struct pdb *p)
{
	if (p->program || p->obstacle)
		return;
	if (WEXITSTATUS(p->status) == 127)
		set_obstacle(p, ", and " PROGRAM ", which reads it, is not installed");
	else
		set_obstacle(p, ", and " PROGRAM ", which reads it, has failed");
}

static json_t *ask(struct pdb *p, uint64_t rva)
{
	json_t *answer = p->program ? exchange(p, rva) : NULL;

	note_failure(p);
	return answer;
}

static void link_to(const char *target, const char *link)
{
	char *absolute = realpath(target, NULL);

	if (absolute)
		(void)!symlink(absolute, link);
	free(absolute);
}

/* Writes the file with another name for that section. Returns false if it has none, or it cannot be written. */
static bool copy_without_dwarf(const struct pe_file *f, const char *to)
{
	static const char name[] = ".debug_info", other[] = ".-----_info";
	size_t left, bytes = sizeof(name) - 1;
	const unsigned char *at = pe_file_bytes(f, &left), *next = memmem(at, left, name, bytes);
	FILE *copy = next ? fopen(to, "wxe") : NULL;
	bool is_written;

	if (!copy)
		return false;
	for (; next; next = memmem(at, left, name, bytes)) {
		fwrite(at, 1, (size_t)(next - at), copy);
		fwrite(other, 1, bytes, copy);
		left -= (size_t)(next - at) + bytes;
		at = next + bytes;
	}
	fwrite(at, 1, left, copy);
	is_written = !ferror(copy);
	return fclose(copy) == 0 && is_written;
}

/* Starts the program for a module and its PDB. Newer versions would read DWARF instead, if there is any. */
static void show_files(struct pdb *p, const struct pe_file *f, const char *module, const char *file)
{
	const char *temporary = getenv("TMPDIR");
	struct buffer folder = { 0 }, object = { 0 }, pdb = { 0 };
	const char *shown;

	buffer_format(&folder, "%s/lsatrace-XXXXXX", temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(folder.data)) {
		set_obstacle(p, ", and no temporary folder can be made to read it");
		goto out;
	}
	buffer_format(&object, "--obj=%s/module", folder.data);
	shown = object.data + strlen("--obj=");
	if (!copy_without_dwarf(f, shown)) {
		unlink(shown);
		link_to(module, shown);
	}
	buffer_format(&pdb, "%s/%s", folder.data, p->name);
	link_to(file, pdb.data);
	p->is_exact = true;
	start_program(p, object.data);
	if (!p->program && !p->obstacle) {
		p->is_exact = false;
		start_program(p, object.data);
	}
	note_failure(p);
	unlink(shown);
	unlink(pdb.data);
	rmdir(folder.data);
out:
	buffer_release(&folder);
	buffer_release(&object);
	buffer_release(&pdb);
}

struct pdb *pdb_open(const struct pe_file *f, const char *path, const struct places *places)
{
	const char *recorded = pe_file_pdb(f);
	struct buffer file = { 0 };
	struct pdb *p;
	bool is_other;

	if (!recorded || !*find_name(recorded))
		return NULL;
	p = memory_new(1, sizeof(*p));
	p->socket = -1;
	p->recorded = memory_text(recorded, strlen(recorded));
	p->name = find_name(p->recorded);
	if (find_file(p, f, path, places, &file, &is_other))
		show_files(p, f, path, file.data);
	else if (is_other)
		set_obstacle(p, ", and the file of that name is of another build");
	else
		set_obstacle(p, ", which is not beside it; --debug-dir says where it is");
	buffer_release(&file);
	return p;
}

static void free_word(struct word *word)
{
	free(word->text);
	free(word);
}

void pdb_close(struct pdb *p)
{
	if (!p)
		return;
	end_program(p);
	map_release(p->words, free_word);
	buffer_release(&p->answer);
	free(p->recorded);
	free(p->obstacle);
	free(p);
}

const char *pdb_obstacle(const struct pdb *p)
{
	return p->obstacle;
}

const char *pdb_gap(const struct pdb *p)
{
	return p->has_gap ? "is in a PDB, and " PROGRAM
			    ", which reads it, is older than LLVM 15: it tells "
			    "wrong lines of inlined functions, which are left out"
			  : NULL;
}

/* Returns a text of an object that stays; NULL if there is none, or it is empty. */
static const char *take_text(struct pdb *p, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	struct word *word;

	if (!text || !*text)
		return NULL;
	HASH_FIND_STR(p->words, text, word);
	if (!word) {
		word = memory_new(1, sizeof(*word));
		word->text = memory_text(text, strlen(text));
		HASH_ADD_KEYPTR(hh, p->words, word->text, strlen(word->text), word);
	}
	return word->text;
}

unsigned pdb_find(struct pdb *p, uint64_t rva, struct place *places, unsigned room)
{
	json_t *answer = ask(p, rva), *symbols = json_object_get(answer, "Symbol"), *symbol;
	unsigned count = 0;
	size_t i;

	json_array_foreach(symbols, i, symbol)
	{
		json_int_t line = json_integer_value(json_object_get(symbol, "Line"));
		struct place place = { .function = take_text(p, symbol, "FunctionName"),
				       .file = take_text(p, symbol, "FileName"),
				       .line = line > 0 && line <= INT32_MAX ? (uint32_t)line : 0 };

		/* Without a file it is the name of what lies before, wherever that ends. */
		if (!place.function || !place.file || count == room)
			break;
		if (count) {
			places[count - 1].is_inlined = true;
			if (!p->is_exact)
				places[count - 1].line = 0;
			p->has_gap |= !p->is_exact;
		}
		places[count++] = place;
	}
	json_decref(answer);
	return count;
}
