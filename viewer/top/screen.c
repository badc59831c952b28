/* SPDX-License-Identifier: MIT */
#include "viewer/top/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* Functions instead of macros with short names. */
#define NCURSES_NOMACROS 1
#include <curses.h>

#include "viewer/base/buffer.h"
#include "viewer/top/sheet.h"
#include "viewer/view/layout.h"
#include "viewer/view/terminal.h"

#define SECOND_NS 1000000000u

static const int ending[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGALRM,   SIGUSR1,
			      SIGUSR2, SIGPIPE, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF };
static const int others[] = { SIGTSTP, SIGCONT, SIGWINCH };
static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGTRAP };

static struct {
	SCREEN *screen; /* NULL: the terminal is not taken */
	struct termios before;
	char *leave;      /* what the terminal is sent at the end */
	sigset_t waiting; /* the mask of signals while it is waited for events */
	struct sigaction was[NSIG];
} taken;

static volatile sig_atomic_t pending[NSIG];

static void note_signal(int number)
{
	pending[number] = 1;
}

/* Uses nothing but system calls. */
static void die_of_fault(int number)
{
	tcsetattr(STDIN_FILENO, TCSADRAIN, &taken.before);
	if (taken.leave && write(STDOUT_FILENO, taken.leave, strlen(taken.leave)) < 0)
		_exit(128 + number);
	signal(number, SIG_DFL);
	raise(number);
}

static void set_handler(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };

	sigfillset(&action.sa_mask);
	sigaction(number, NULL, &taken.was[number]);
	/* nohup, or a shell without job control, wants it to be ignored. */
	if (taken.was[number].sa_handler != SIG_IGN)
		sigaction(number, &action, NULL);
}

/*
 * The signals are blocked, but for the time of waiting: so that they come when nothing else is done.
 * ncurses leaves signals alone that have handlers already.
 */
static void take_signals(void)
{
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++) {
		sigaddset(&ours, ending[i]);
		set_handler(ending[i], note_signal);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		sigaddset(&ours, others[i]);
		set_handler(others[i], note_signal);
	}
	for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		set_handler(fatal[i], die_of_fault);
	sigprocmask(SIG_BLOCK, &ours, &taken.waiting);
}

static void leave_signals(void)
{
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaction(ending[i], &taken.was[ending[i]], NULL);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		sigaction(others[i], &taken.was[others[i]], NULL);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		sigaction(fatal[i], &taken.was[fatal[i]], NULL);
	sigprocmask(SIG_SETMASK, &taken.waiting, NULL);
}

/* Appends what a capability of the terminal is, but for its pauses, which are written as "$<5>". */
static void add_capability(struct buffer *b, const char *name)
{
	const char *text = tigetstr(name);

	if (!text || text == (char *)-1)
		return;
	while (*text) {
		const char *end = strncmp(text, "$<", 2) == 0 ? strchr(text, '>') : NULL;

		if (end)
			text = end + 1;
		else
			buffer_bytes(b, text++, 1);
	}
}

/* Can text be put anywhere on the terminal? */
static bool has_screen(void)
{
	static const char *const needed[] = { "cup", "clear", "el" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		const char *text = tigetstr(needed[i]);

		if (!text || text == (char *)-1)
			return false;
	}
	return true;
}

static void start_colors(void)
{
	const char *no_color = getenv("NO_COLOR");

	if ((no_color && *no_color) || !has_colors() || start_color() != OK)
		return;
	use_default_colors();
	init_pair(SHEET_ERROR, COLOR_RED, -1);
	init_pair(SHEET_WARNING, COLOR_MAGENTA, -1);
	init_pair(SHEET_NOTE, COLOR_CYAN, -1);
}

/* Returns NULL, or in words why ncurses cannot have it. */
static const char *start_curses(void)
{
	struct buffer leave = { 0 };

	terminal_has_utf8(); /* sets the locale, by which ncurses goes */
	taken.screen = newterm(NULL, stdout, stdin);
	if (!taken.screen)
		return "the terminal that TERM names is not known; -b writes text";
	if (!has_screen()) {
		delscreen(taken.screen);
		taken.screen = NULL;
		return "the terminal that TERM names cannot show a screen; -b writes text";
	}
	add_capability(&leave, "sgr0");
	add_capability(&leave, "cnorm");
	add_capability(&leave, "rmkx");
	add_capability(&leave, "rmcup");
	free(taken.leave);
	taken.leave = buffer_take(&leave);
	return NULL;
}

const char *screen_open(void)
{
	static bool is_registered;
	const char *trouble;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &taken.before) != 0)
		return "this is no terminal; -b writes text";
	take_signals();
	trouble = start_curses();
	if (trouble) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &taken.before);
		leave_signals();
		return trouble;
	}
	if (!is_registered)
		atexit(screen_close);
	is_registered = true;
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	start_colors();
	return NULL;
}

void screen_close(void)
{
	SCREEN *screen = taken.screen;

	if (!screen)
		return;
	taken.screen = NULL;
	endwin();
	delscreen(screen);
	/* As it was, also where ncurses thinks otherwise. */
	tcsetattr(STDIN_FILENO, TCSADRAIN, &taken.before);
	leave_signals();
}

void screen_size(unsigned *width, unsigned *height)
{
	*width = (unsigned)COLS;
	*height = (unsigned)LINES;
}

void screen_redraw(void)
{
	clearok(curscr, TRUE);
}

static void fit_size(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	screen_redraw();
}

/* Draws text that fits into the rest of the line, and nothing that a terminal would obey. */
static void draw_text(const char *text, size_t bytes)
{
	mbstate_t state = { 0 };
	int left = COLS;
	wchar_t character;

	while (bytes && left > 0) {
		size_t length = mbrtowc(&character, text, bytes, &state);
		int columns;

		if (length == 0 || length > bytes) {
			memset(&state, 0, sizeof(state));
			character = L'?';
			length = 1;
		}
		columns = wcwidth(character);
		if (columns < 0) {
			character = L'?';
			columns = 1;
		}
		text += length;
		bytes -= length;
		left -= columns;
		/* What has no width may change the order of the text around it. */
		if (columns && left >= 0)
			addnwstr(&character, 1);
	}
}

static attr_t look_of(enum sheet_look look)
{
	static const attr_t attributes[] = {
		[SHEET_PLAIN] = A_NORMAL,
		[SHEET_HEADING] = A_BOLD,
		[SHEET_FOCUS] = A_BOLD | A_UNDERLINE,
		[SHEET_SELECTED] = A_REVERSE,
		[SHEET_ERROR] = A_NORMAL,
		[SHEET_WARNING] = A_NORMAL,
		[SHEET_NOTE] = A_NORMAL,
		[SHEET_BAR] = A_REVERSE,
	};

	return attributes[look];
}

static bool has_pair(enum sheet_look look)
{
	return look == SHEET_ERROR || look == SHEET_WARNING || look == SHEET_NOTE;
}

void screen_draw(const struct sheet *s)
{
	struct buffer ascii = { 0 };

	erase();
	for (size_t i = 0; i < s->lines && (int)i < LINES; i++) {
		const struct sheet_line *line = &s->line[i];
		const char *text = s->text.data + line->at;
		size_t bytes = line->bytes;

		if (!terminal_has_utf8()) {
			ascii.used = 0;
			layout_lines(&ascii, text, bytes, 0, true);
			text = ascii.data;
			bytes = ascii.used;
		}
		move((int)i, 0);
		attr_set(look_of(line->look), has_pair(line->look) ? (short)line->look : 0, NULL);
		draw_text(text, bytes);
		if ((line->look == SHEET_SELECTED || line->look == SHEET_BAR) &&
		    getcury(stdscr) == (int)i)
			chgat(-1, look_of(line->look), 0, NULL);
	}
	attr_set(A_NORMAL, 0, NULL);
	refresh();
	buffer_release(&ascii);
}

/* Lets a signal do what it does by default, with the terminal given back. */
static void die_of(int number)
{
	screen_close();
	signal(number, SIG_DFL);
	raise(number);
}

static void stop(void)
{
	struct sigaction handler, standard = { .sa_handler = SIG_DFL };
	sigset_t only, before;

	def_prog_mode();
	endwin();
	sigaction(SIGTSTP, &standard, &handler);
	sigemptyset(&only);
	sigaddset(&only, SIGTSTP);
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &only, &before);
	/* Here it is stopped, and goes on. */
	sigprocmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGTSTP, &handler, NULL);
}

static bool take_pending(int number)
{
	bool was = pending[number] != 0;

	pending[number] = 0;
	return was;
}

/* Returns whether the terminal has to be drawn anew. */
static bool obey_signals(void)
{
	bool is_stopped = take_pending(SIGTSTP), goes_on, is_resized;

	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		if (take_pending(ending[i]))
			die_of(ending[i]);
	if (is_stopped)
		stop();
	goes_on = take_pending(SIGCONT) || is_stopped;
	is_resized = take_pending(SIGWINCH);
	if (goes_on)
		reset_prog_mode();
	if (goes_on || is_resized)
		fit_size();
	return goes_on || is_resized;
}

enum screen_event screen_wait(uint64_t ns, int fd, int *key)
{
	struct timespec time = { .tv_sec = (time_t)(ns / SECOND_NS),
				 .tv_nsec = (long)(ns % SECOND_NS) };
	struct pollfd both[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				 { .fd = fd, .events = POLLIN } };
	int ready;

	/* ncurses may have read more than it has handed out. */
	*key = getch();
	if (*key != ERR && *key != KEY_RESIZE)
		return SCREEN_KEY;
	ready = ppoll(both, 2, &time, &taken.waiting);
	if (obey_signals())
		return SCREEN_RESIZED;
	if (ready <= 0)
		return SCREEN_NOTHING;
	if (both[0].revents) {
		*key = getch();
		if (*key == KEY_RESIZE)
			return SCREEN_RESIZED;
		if (*key != ERR)
			return SCREEN_KEY;
		/* An end of file, or an error, which would be there again at once. */
		if (both[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return SCREEN_GONE;
	}
	return both[1].revents ? SCREEN_READABLE : SCREEN_NOTHING;
}
