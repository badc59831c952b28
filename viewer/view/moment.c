/* SPDX-License-Identifier: MIT */
#include "viewer/view/moment.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_NS 1000000000u
#define SECONDS_MOST 100000000000u /* some 3,000 years */

/* Takes "12.5", and sets *end behind it. Returns false if there is no number. */
static bool take_seconds(const char *text, uint64_t *ns, const char **end)
{
	uint64_t seconds = 0, part = SECOND_NS;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		seconds = seconds * 10 + (uint64_t)(*text - '0');
		if (seconds > SECONDS_MOST)
			return false;
	}
	*ns = seconds * SECOND_NS;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++) {
			part /= 10;
			*ns += (uint64_t)(*text - '0') * part;
		}
	*end = text;
	return true;
}

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* "8h": so long ago. */
static bool parse_ago(const char *text, struct moment *m)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = { 1, 60, 3600, 86400 };
	uint64_t ago, now = read_clock();
	const char *unit;

	if (!take_seconds(text, &ago, &text) || !*text || text[1])
		return false;
	unit = strchr(units, *text);
	if (!unit || ago / SECOND_NS > SECONDS_MOST / seconds[unit - units])
		return false;
	ago *= seconds[unit - units];
	m->ns = ago < now ? now - ago : 0;
	return true;
}

/* What follows the date and the time: a part of a second, and "Z" for UTC. */
static bool take_rest(const char *rest, bool has_seconds, struct tm *tm, struct moment *m)
{
	uint64_t part = 0;
	char digits[16];
	time_t seconds;

	if (has_seconds && *rest == '.') {
		size_t length = strspn(rest + 1, "0123456789");

		if (length == 0 || length > 9)
			return false;
		memcpy(digits, "0.", 2);
		memcpy(digits + 2, rest + 1, length);
		digits[2 + length] = '\0';
		take_seconds(digits, &part, &(const char *){ NULL });
		rest += 1 + length;
	}
	if (*rest && strcmp(rest, "Z") != 0)
		return false;
	tm->tm_isdst = -1;
	seconds = *rest ? timegm(tm) : mktime(tm);
	m->ns = seconds > 0 ? (uint64_t)seconds * SECOND_NS + part : 0;
	return true;
}

/* A time without a date is the last such one. */
static bool parse_clock(const char *text, struct moment *m)
{
	static const char *const formats[] = { "%H:%M:%S", "%H:%M" };
	time_t now = (time_t)(read_clock() / SECOND_NS);

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		struct tm tm;
		const char *rest;

		if (!localtime_r(&now, &tm))
			return false;
		tm.tm_sec = 0;
		rest = strptime(text, formats[i], &tm);
		if (!rest || *rest == 'Z' || !take_rest(rest, i == 0, &tm, m))
			continue;
		if (m->ns / SECOND_NS <= (uint64_t)now)
			return true;
		tm.tm_mday--;
		return take_rest(rest, i == 0, &tm, m);
	}
	return false;
}

static bool parse_date(const char *text, struct moment *m)
{
	static const struct {
		const char *format;
		bool has_seconds;
	} forms[] = { { "%Y-%m-%dT%H:%M:%S", true },
		      { "%Y-%m-%d %H:%M:%S", true },
		      { "%Y-%m-%dT%H:%M", false },
		      { "%Y-%m-%d %H:%M", false },
		      { "%Y-%m-%d", false } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct tm tm = { 0 };
		const char *rest = strptime(text, forms[i].format, &tm);

		if (rest && take_rest(rest, forms[i].has_seconds, &tm, m))
			return true;
	}
	return false;
}

static bool parse_moment(const char *text, struct moment *m)
{
	if (*text == '+')
		return take_seconds(text + 1, &m->ns, &text) && !*text;
	if (*text == '-')
		return parse_ago(text + 1, m);
	return *text >= '0' && *text <= '9' && (parse_clock(text, m) || parse_date(text, m));
}

const char *moment_take(void *moment, const struct argument *row, const char *value)
{
	struct moment *m = moment;

	(void)row;
	*m = (struct moment){ .is_relative = *value == '+' };
	m->is_set = parse_moment(value, m);
	return m->is_set ? NULL
			 : "a time, such as '2026-11-29 21:05', 21:05:47, -8h (ago) or +12.5 "
			   "(seconds from the start)";
}

uint64_t moment_in(const struct moment *m, uint64_t start_ns)
{
	return m->is_relative ? start_ns + m->ns : m->ns;
}
