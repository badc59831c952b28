/* SPDX-License-Identifier: MIT */
#include "viewer/view/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/view/layout.h"

static pid_t pager; /* 0: there is none */

/* Becomes the pager. less then leaves a text alone that fits on the screen, and keeps the colours. */
_Noreturn static void exec_pager(const char *command, const int ends[2])
{
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

void terminal_page(void)
{
	const char *command = getenv("LSATRACE_PAGER"), *terminal = getenv("TERM");
	int ends[2];

	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = "less";
	if (!*command || strcmp(command, "cat") == 0 || !isatty(STDOUT_FILENO) || !terminal ||
	    strcmp(terminal, "dumb") == 0 || pipe(ends) != 0)
		return;
	fflush(stdout);
	pager = fork();
	if (pager == 0)
		exec_pager(command, ends);
	if (pager > 0) {
		dup2(ends[1], STDOUT_FILENO);
		/* Who leaves the pager early has seen enough; and Ctrl-C is for the pager. */
		signal(SIGPIPE, SIG_IGN);
		signal(SIGINT, SIG_IGN);
	} else {
		pager = 0;
	}
	close(ends[0]);
	close(ends[1]);
}

void terminal_end(void)
{
	if (!pager)
		return;
	fclose(stdout);
	while (waitpid(pager, NULL, 0) < 0)
		;
	pager = 0;
}

bool terminal_is(FILE *out)
{
	return (pager && out == stdout) || isatty(fileno(out));
}

bool terminal_has_utf8(void)
{
	static int known; /* 1: no; 2: yes */

	if (!known) {
		setlocale(LC_CTYPE, "");
		known = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? 2 : 1;
	}
	return known == 2;
}

/* With a pager, the terminal is where standard error, or its own input, goes. */
static unsigned find_width(FILE *out)
{
	const int descriptors[] = { fileno(out), STDERR_FILENO, STDIN_FILENO };
	const char *columns = getenv("COLUMNS");
	unsigned long number = columns ? strtoul(columns, NULL, 10) : 0;
	struct winsize size;

	for (size_t i = 0; i < sizeof(descriptors) / sizeof(*descriptors) && !number; i++)
		if (ioctl(descriptors[i], TIOCGWINSZ, &size) == 0)
			number = size.ws_col;
	return number >= 20 && number <= 1000 ? (unsigned)number : 80;
}

static void shape_lines(struct buffer *shaped, const char *lines, size_t bytes, unsigned width)
{
	layout_lines(shaped, lines, bytes, width, !terminal_has_utf8());
}

void terminal_shape(struct buffer *stream)
{
	bool is_terminal = stream->out && terminal_is(stream->out);

	if (!stream->out || (!is_terminal && terminal_has_utf8()))
		return;
	stream->shape = shape_lines;
	stream->width = is_terminal ? find_width(stream->out) : 0;
}
