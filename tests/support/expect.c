/* SPDX-License-Identifier: MIT */
#include "expect.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

void expect_same_run(const struct run *traced, const struct run *bare)
{
	cr_expect_str_eq(traced->out, bare->out);
	cr_expect_str_eq(traced->err, bare->err);
	cr_expect_eq(traced->status, bare->status, "status %d, not %d", traced->status,
		     bare->status);
}

struct traced trace_with(const char *const options[], const char *const command[])
{
	struct run bare = traced_bare(command);
	struct traced traced = traced_record(options, command);

	expect_same_run(&traced.run, &bare);
	run_release(&bare);
	return traced;
}

struct traced trace(const char *const command[])
{
	return trace_with(NO_OPTIONS, command);
}

struct traced trace_one(const char *const command[])
{
	struct traced traced = trace(command);

	expect_traces(&traced, 1);
	return traced;
}

long long calls_of(const struct traced *traced, const char *function)
{
	char path[128];
	long long calls;

	snprintf(path, sizeof(path), "traces.0.calls.%s", function);
	calls = json_number_at(traced->report, path);
	return calls < 0 ? 0 : calls;
}

long long events_of(const struct traced *traced, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "traces.0.events.%s", what);
	return json_number_at(traced->report, path);
}

void expect_traces(const struct traced *traced, size_t count)
{
	cr_assert_eq(traced->traces.count, count, "%zu traces, not %zu: %s", traced->traces.count,
		     count, traced->run.err);
}

void expect_exact(const struct traced *traced)
{
	cr_expect(json_is_true(json_at(traced->report, "summary.exact")), "not exact");
}

void expect_end(const struct traced *traced, const char *end, long long status)
{
	const char *found = json_text_at(traced->report, "traces.0.end");

	cr_expect(json_same_text(found, end), "%s, not %s", found, end);
	cr_expect_eq(json_number_at(traced->report, "traces.0.exit_status"), status);
}

long long findings_of(const struct traced *traced, const char *kind)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding;
	long long count = 0;
	size_t i;

	json_array_foreach(findings, i,
			   finding) if (!kind || json_same_text(json_text_at(finding, "kind"), kind))
		count += json_number_at(finding, "count");
	return count;
}

void expect_leaks(const struct traced *traced, long long blocks, long long bytes)
{
	const json_t *summary = json_at(traced->report, "summary");

	cr_expect_eq(json_number_at(summary, "leaked_blocks"), blocks, "%lld blocks leaked",
		     json_number_at(summary, "leaked_blocks"));
	cr_expect_eq(json_number_at(summary, "leaked_bytes"), bytes, "%lld bytes leaked",
		     json_number_at(summary, "leaked_bytes"));
	cr_expect_eq(findings_of(traced, NULL), blocks, "%lld findings", findings_of(traced, NULL));
}

void expect_leaks_exactly(const struct traced *traced, long long blocks, long long bytes)
{
	expect_leaks(traced, blocks, bytes);
	expect_exact(traced);
}

void expect_one(const struct traced *traced, long long blocks, long long bytes)
{
	expect_traces(traced, 1);
	expect_leaks_exactly(traced, blocks, bytes);
	cr_expect_eq(json_array_size(json_at(traced->report, "traces.0.in_flight")), 0u);
}

void expect_line(const char *text, const char *start, const char *end)
{
	size_t length = strcspn(text, "\n");

	cr_expect(text[length] == '\n' && text[length + 1] == '\0', "not one line: %s", text);
	cr_expect_eq(strncmp(text, start, strlen(start)), 0, "%s", text);
	cr_expect(length >= strlen(end) &&
			  strncmp(text + length - strlen(end), end, strlen(end)) == 0,
		  "%s", text);
}

void expect_untraced(const char *const options[], const char *const command[], const char *why)
{
	struct run bare = traced_bare(command);
	struct traced traced = traced_record(options, command);

	expect_traces(&traced, 0);
	expect_line(traced.run.err, "lsatrace: not tracing: ", why);
	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_eq(traced.run.status, bare.status);
	run_release(&bare);
	traced_release(&traced);
}

long long size_of(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0, "%s", path);
	return (long long)status.st_size;
}

void join(char path[4096], const char *folder, const char *name)
{
	snprintf(path, 4096, "%s/%s", folder, name);
}

void need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}
