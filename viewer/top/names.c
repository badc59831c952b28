/* SPDX-License-Identifier: MIT */
#include "viewer/top/names.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/walk.h"
#include "viewer/model/model.h"
#include "viewer/report/text.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/places.h"
#include "viewer/symbols/server.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/frames.h"

#define KEPT_MOST 20000u     /* answers */
#define TEXT_MOST (1u << 20) /* bytes of one */
#define CALLERS_MOST 2u      /* functions of the package that are named behind the innermost one */
#define UNKNOWN "?"

/* A question. For a place, only the backtrace and the package count. */
struct names_question {
	struct picture_key key;
	uint32_t is_stacks;
	uint32_t table; /* of the row, for stacks */
};

_Static_assert(sizeof(struct names_question) == 24, "no padding: its bytes are hashed");

struct answer {
	struct names_question question;
	char *text;    /* NULL: it is wanted */
	bool is_final; /* no child has more to say */
	bool is_asked; /* a child knows of it */
	UT_hash_handle hh;
};

/* Before each text in the pipe. */
struct message {
	struct names_question question;
	uint32_t bytes;
	uint16_t is_final;  /* a server was asked, if there is one */
	uint16_t is_silent; /* it did not answer: it is not asked again */
};

struct names {
	struct places places;
	struct answer *answers;
	size_t wanted;     /* answers that are not final */
	bool is_silent;    /* a server did not answer */
	pid_t child;       /* 0: there is none */
	int pipe;          /* -1: there is none */
	struct buffer got; /* from it, and not yet taken */
};

struct names *names_new(const struct places *places)
{
	struct names *n = memory_new(1, sizeof(*n));

	n->places = *places;
	n->pipe = -1;
	return n;
}

static void end_child(struct names *n)
{
	if (!n->child)
		return;
	close(n->pipe);
	kill(n->child, SIGKILL);
	while (waitpid(n->child, NULL, 0) < 0 && errno == EINTR)
		continue;
	n->child = 0;
	n->pipe = -1;
	buffer_release(&n->got);
}

static void free_answer(struct answer *answer)
{
	free(answer->text);
	free(answer);
}

void names_forget(struct names *n)
{
	end_child(n);
	map_release(n->answers, free_answer);
	n->wanted = 0;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	names_forget(n);
	free(n);
}

static struct answer *find_answer(const struct names *n, const struct names_question *question)
{
	struct answer *answer;

	HASH_FIND(hh, n->answers, question, sizeof(*question), answer);
	return answer;
}

static const char *ask(struct names *n, const struct names_question *question)
{
	struct answer *answer = find_answer(n, question);

	if (answer)
		return answer->text;
	if (HASH_COUNT(n->answers) >= KEPT_MOST)
		names_forget(n);
	answer = memory_new(1, sizeof(*answer));
	answer->question = *question;
	HASH_ADD(hh, n->answers, question, sizeof(*question), answer);
	n->wanted++;
	return NULL;
}

const char *names_place(struct names *n, const struct picture_key *key)
{
	struct names_question question = {
		.key = { .stack = key->stack, .package = key->package },
	};

	return key->stack ? ask(n, &question) : UNKNOWN;
}

const char *names_stacks(struct names *n, enum picture_table table, const struct picture_key *key)
{
	struct names_question question = { .key = *key, .is_stacks = 1, .table = table };

	return ask(n, &question);
}

/* What the child works on. */
struct lookup {
	const struct names *names;
	const struct picture *p;
	struct frames_style style;
	struct symbols *symbols;
	struct findings_namer namer;
	bool is_final;
	int pipe;
};

/*
 * The innermost code of the package, and the functions of the package that called it: the innermost one
 * may only wrap an allocation.
 */
static void write_place(struct lookup *l, const struct picture_key *key, struct buffer *text)
{
	struct walk walk = { .namer = &l->namer };
	const struct model_frame *frame;
	struct model_stack room;
	unsigned callers = 0;

	walk.stack = model_stack(l->p->model, key->stack, &room);
	if (!walk.stack) {
		buffer_text(text, UNKNOWN);
		return;
	}
	do {
		if (!walk_next(&walk)) {
			frames_write_brief(text, &l->style,
					   walk_to(walk.stack, &l->namer, 0, &frame),
					   &walk.stack->frame[0]);
			return;
		}
	} while (!model_is_in_package(l->p->model, key->package, walk.frame));
	frames_write_brief(text, &l->style, walk.symbol, walk.frame);
	while (callers++ < CALLERS_MOST && walk_next(&walk) && walk.symbol->function &&
	       model_is_in_package(l->p->model, key->package, walk.frame)) {
		buffer_text(text, " < ");
		demangle_shorten(text, walk.symbol->function);
	}
}

/* The backtraces of a row, which are being written. */
struct stacks_writer {
	struct lookup *lookup;
	uint32_t package;
	struct buffer *text;
};

static void write_stack(void *context, enum trace_finding_stacks which, uint32_t ref)
{
	struct stacks_writer *w = context;
	const struct model *m = w->lookup->p->model;
	struct model_stack room;
	const struct model_stack *stack = model_stack(m, ref, &room);

	buffer_text(w->text, text_stack_words(which));
	buffer_text(w->text, ":\n");
	if (stack)
		frames_write(w->text, &w->lookup->style, w->lookup->symbols, m, w->package, stack);
	else
		buffer_text(w->text, "  the backtrace is not known\n");
}

static void write_answer(struct lookup *l, const struct names_question *question)
{
	struct message message = { .question = *question };
	struct buffer text = { 0 };
	struct stacks_writer writer = { l, question->key.package, &text };

	buffer_text(&text, "");
	if (question->is_stacks)
		picture_stacks(l->p, (enum picture_table)question->table, &question->key,
			       write_stack, &writer);
	else
		write_place(l, &question->key, &text);
	if (text.used > TEXT_MOST)
		text.used = TEXT_MOST;
	message.bytes = (uint32_t)text.used;
	message.is_final = l->is_final;
	message.is_silent = server_silent() != NULL;
	/* The pipe is blocking: nobody waits for this process. */
	if (write(l->pipe, &message, sizeof(message)) < 0 ||
	    write(l->pipe, text.data, text.used) < 0)
		_exit(0);
	buffer_release(&text);
}

/* The stacks of a row come first: somebody has asked for them by hand. */
static void write_answers(struct lookup *l, const struct places *places)
{
	l->symbols = symbols_new(NULL);
	l->namer = findings_name_by(l->symbols);
	symbols_look_in(l->symbols, places);
	for (int is_stacks = 1; is_stacks >= 0; is_stacks--)
		for (const struct answer *a = l->names->answers; a; a = a->hh.next)
			if (!a->is_final && (int)a->question.is_stacks == is_stacks)
				write_answer(l, &a->question);
	symbols_free(l->symbols);
}

static _Noreturn void look_up(struct lookup *l)
{
	const char *urls = server_urls();
	struct places here = l->names->places;

	l->style = frames_style("  ", false);
	if (urls && !here.no_debuginfod) {
		char *kept = memory_text(urls, strlen(urls));

		here.no_debuginfod = true;
		write_answers(l, &here);
		server_remember(kept);
	}
	l->is_final = true;
	write_answers(l, &l->names->places);
	_exit(0);
}

/*
 * A child in which a library goes wrong must not write to the terminal, and must not run the handlers that
 * give the terminal back. A child whose parent has died ends.
 */
static void become_child(pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int signal_number = 1; signal_number < SIGRTMIN; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	if (null < 0 || getppid() != parent)
		_exit(0);
}

void names_start(struct names *n, const struct picture *p)
{
	struct lookup lookup = { .names = n, .p = p };
	pid_t parent = getpid();
	int ends[2];

	if (n->child || n->wanted == 0 || pipe2(ends, O_CLOEXEC) != 0)
		return;
	for (struct answer *a = n->answers; a; a = a->hh.next)
		a->is_asked = true;
	n->child = fork();
	if (n->child == 0) {
		lookup.pipe = ends[1];
		become_child(parent);
		look_up(&lookup);
	}
	close(ends[1]);
	if (n->child < 0) {
		close(ends[0]);
		n->child = 0;
		return;
	}
	n->pipe = ends[0];
	fcntl(n->pipe, F_SETFL, O_NONBLOCK);
}

int names_fd(const struct names *n)
{
	return n->pipe;
}

bool names_await_server(const struct names *n)
{
	if (n->wanted == 0)
		return false;
	for (const struct answer *a = n->answers; a; a = a->hh.next)
		if (!a->text)
			return false;
	return true;
}

const char *names_silent(const struct names *n)
{
	return n->is_silent ? server_urls() : NULL;
}

static void keep_text(struct names *n, const struct message *message, const char *text)
{
	struct answer *answer = find_answer(n, &message->question);

	n->is_silent |= message->is_silent != 0;
	n->places.no_debuginfod |= n->is_silent;
	if (!answer || answer->is_final)
		return;
	free(answer->text);
	answer->text = memory_text(text, message->bytes);
	answer->is_final = message->is_final != 0;
	n->wanted -= answer->is_final;
}

/* Takes the messages that have come as a whole. */
static void take_messages(struct names *n)
{
	struct message message;
	size_t at = 0;

	while (n->got.used - at >= sizeof(message)) {
		memcpy(&message, n->got.data + at, sizeof(message));
		if (n->got.used - at - sizeof(message) < message.bytes)
			break;
		keep_text(n, &message, n->got.data + at + sizeof(message));
		at += sizeof(message) + message.bytes;
	}
	n->got.used -= at;
	if (at)
		memmove(n->got.data, n->got.data + at, n->got.used);
}

/* What a child has not answered, though it was asked, it cannot: it is not asked again. */
static void give_up(struct names *n)
{
	for (struct answer *a = n->answers; a; a = a->hh.next)
		if (!a->is_final && a->is_asked) {
			if (!a->text)
				a->text = memory_text(UNKNOWN, strlen(UNKNOWN));
			a->is_final = true;
			n->wanted--;
		}
}

void names_take(struct names *n)
{
	char bytes[65536];
	ssize_t got;

	while ((got = read(n->pipe, bytes, sizeof(bytes))) > 0)
		buffer_bytes(&n->got, bytes, (size_t)got);
	take_messages(n);
	if (got < 0)
		return;
	end_child(n);
	give_up(n);
}
