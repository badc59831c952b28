/* SPDX-License-Identifier: MIT */
/*
 * Habits of packages that nobody here wrote, of which tests/packages/hosted/habits.c has one each, run by `lsatrace host`: what
 * is right is not accused, and what is wrong is found, with its kind, count and bytes.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

/* Every entry point of the package is called. The LSA's own block is in what it submits. */
static const char scenario[] = "call buffer=zero:16,heap:24,zero:16\n"
			       "logon\n"
			       "AcceptCredentials\n"
			       "GetExtendedInformation\n"
			       "context\n"
			       "QueryContextAttributes attribute=1\n"
			       "QueryContextAttributes context=1 attribute=1\n"
			       "QueryContextAttributes context=1 attribute=9\n"
			       "QueryCredentialsAttributes credential=1\n"
			       "QueryMetaData credential=1\n"
			       "GetCredUIContext context=1\n"
			       "GetCredentials credential=1\n"
			       "ChangeAccountPassword\n"
			       "GetRemoteCredGuardLogonBuffer credential=1\n"
			       "InitUserModeContext context=1 buffer=zero:24\n"
			       "QueryUserContextAttributes context=1 attribute=10\n"
			       "FormatCredentials\n"
			       "MarshallSupplementalCreds\n"
			       "ExportContext context=1\n"
			       "MarshalAttributeData\n";

struct habit {
	char name[24]; /* cast: the table is handed out as a dispatch table, and has no shared memory */
	char kind[24], reason[24], level[12]; /* of the only finding; "": there is none */
	long long bytes;
	char says[96]; /* in its message */
	int status;    /* of the host: 1 if it tells as well that this is wrong */
};

static struct habit habits[] = {
	{ .name = "auth-data" },
	{ "auth-data-leak", "block-leak", "", "error", 112,
	  "handed out by GetAuthDataForUser at habits.c:", 0 },
	{ "private-leak", "block-leak", "", "error", 31, "habits.c:", 0 },
	{ .name = "cast:auth-data" },
	{ "cast:auth-data-leak", "block-leak", "", "error", 112, "free it with FreeLsaHeap", 0 },
	{ "cast:private-leak", "block-leak", "", "error", 31, "habits.c:", 0 },
	{ .name = "expand" },
	{ "expand-leak", "block-leak", "", "error", 128,
	  "handed out by ExpandAuthDataForDomain at habits.c:", 0 },
	{ "free-data", "invalid-free", "unknown-address", "error", 0, " (in_data", 1 },
	{ "free-stack", "invalid-free", "unknown-address", "error", 0, "on the stack of thread ", 1 },
	{ "free-malloc", "invalid-free", "unknown-address", "error", 0, "the C library's heap", 1 },
	{ "free-unmapped", "invalid-free", "unknown-address", "error", 0, "nothing is mapped", 1 },
	{ .name = "crack" },
	{ .name = "credentials" },
	{ .name = "callback" },
	{ .name = "convert" },
	{ .name = "handed-in" },
	{ .name = "client-answer" },
	{ "heap-answer", "wrong-transfer", "wrong-family", "error", 40,
	  "LsaApCallPackage returned to the client, in ProtocolReturnBuffer", 1 },
	{ "heap-profile", "wrong-transfer", "wrong-family", "error", 160, "ProfileBuffer", 1 },
	{ "private-token", "wrong-transfer", "wrong-family", "warning", 32, "TokenInformation", 0 },
	{ "freed-name", "wrong-transfer", "freed", "error", 16, "in AccountName", 1 },
	{ .name = "foreign-name", .status = 1 },
	{ .name = "information" },
	{ .name = "query-context" },
	{ .name = "query-client-buffer" },
	{ .name = "query-session-key" },
	{ .name = "query-credentials" },
	{ "query-beside", "block-leak", "", "error", 44, "habits.c:", 0 },
	{ .name = "metadata" },
	{ .name = "ui-context" },
	{ .name = "saved-credentials" },
	{ .name = "password" },
	{ .name = "logon-buffer" },
	{ .name = "mapped" },
	{ "mapped-already", "block-leak", "", "error", 37, "habits.c:", 0 },
	{ .name = "stored" },
	{ .name = "newest-decoded" },
	{ .name = "newest-passwords" },
	{ .name = "newest-request" },
	{ .name = "newest-app-mode" },
	{ .name = "other-request" },
	{ .name = "other-request-anew" },
	{ .name = "mixed-requests" },
	{ .name = "logged-on" },
	{ "freed-buffer", "wrong-transfer", "freed", "error", 20, "in AccountName", 1 },
	{ "private-buffer", "wrong-transfer", "wrong-family", "warning", 20, "in AccountName", 0 },
	{ .name = "name-in-one" },
	{ "acquire", "block-leak", "", "error", 46,
	  "SpAcquireCredentialsHandle returned 0xc0000017 on this path", 0 },
	{ .name = "accept", .status = 1 },
	{ "initialize", "block-leak", "", "error", 47, "SpInitialize returned 0xc0000017 on", 0 },
	{ .name = "refused" },
	{ .name = "client-context" },
	{ "client-context-left", "block-leak", "", "error", 20,
	  "SpInitUserModeContext returned 0xc0000017 on this path", 0 },
	{ .name = "client-query" },
	{ .name = "client-format" },
	{ .name = "client-marshal" },
	{ .name = "client-export" },
	{ .name = "client-attribute" },
};

static void expect_text(const json_t *finding, const char *key, const char *expected)
{
	const char *text = json_text_at(finding, key);

	cr_expect_str_eq(text ? text : "", expected, "%s", key);
}

static void expect_finding(const json_t *finding, const struct habit *h)
{
	expect_text(finding, "kind", h->kind);
	expect_text(finding, "reason", h->reason);
	expect_text(finding, "level", h->level);
	cr_expect_eq(json_number_at(finding, "count"), 1);
	cr_expect_eq(json_number_at(finding, "bytes"), h->bytes);
	cr_expect(strstr(json_text_at(finding, "message"), h->says), "%s",
		  json_text_at(finding, "message"));
}

ParameterizedTestParameters(habits, is_judged_by_what_it_does)
{
	return cr_make_param_array(struct habit, habits, sizeof(habits) / sizeof(*habits));
}

/* Runs the host with the package, which has this habit. */
static struct traced run_habit(const char *name)
{
	const char *memory = strncmp(name, "cast:", 5) == 0 ? "none" : "host";
	char *folder = temporary_folder_new();
	struct arguments options = { 0 };
	struct traced traced;
	FILE *file;

	arguments_add(&options, "%s/steps", folder);
	arguments_add(&options, "--shared-memory=%s", memory);
	file = fopen(options.all[0], "w");
	cr_assert(file && fputs(scenario, file) >= 0 && fclose(file) == 0);
	cr_assert_eq(setenv("HABIT", name, 1), 0);
	traced = traced_record(
		COMMAND("--mode=full"),
		COMMAND(LSATRACE, "host", "-s", options.all[0], options.all[1], PACKAGE("habits")));
	arguments_release(&options);
	temporary_folder_remove(folder);
	return traced;
}

ParameterizedTest(struct habit *h, habits, is_judged_by_what_it_does, .timeout = 60)
{
	struct traced traced = run_habit(h->name);
	const json_t *findings = json_at(traced.report, "findings");

	cr_assert_eq(traced.run.status, h->status, "%s: %s", h->name, traced.run.err);
	cr_expect(json_is_true(json_at(traced.report, "summary.exact")), "%s", h->name);
	cr_assert_eq(json_array_size(findings), *h->kind ? 1u : 0u, "%s: %zu findings: %s", h->name,
		     json_array_size(findings),
		     json_text_at(json_array_get(findings, 0), "message"));
	cr_expect_eq(json_number_at(traced.report, "summary.errors"),
		     strcmp(h->level, "error") == 0);
	if (*h->kind)
		expect_finding(json_array_get(findings, 0), h);
	traced_release(&traced);
}

/* The finding with this size, or a failure. */
static const json_t *of_size(const struct traced *traced, long long size)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding;
	size_t i;

	json_array_foreach(findings, i,
			   finding) if (json_number_at(finding, "size") == size) return finding;
	cr_assert_fail("no finding of %lld bytes", size);
	return NULL;
}

static void expect_says(const json_t *finding, const char *words)
{
	const char *message = json_text_at(finding, "message");

	cr_expect(strstr(message, words), "not \"%s\": %s", words, message);
}

/* The format `gcc` places the finding at the line that the sentence names after those words. */
static void expect_same_line(const struct traced *traced, const json_t *finding, const char *words)
{
	const char *place = strstr(json_text_at(finding, "message"), words);
	struct run report =
		run_command(COMMAND(LSATRACE, "report", "--format=gcc", traced->traces.all[0]));
	char expected[64];

	cr_assert(place);
	place += strlen(words);
	snprintf(expected, sizeof(expected), "%.*s: error: block of 200 bytes",
		 (int)strcspn(place, " ,)"), place);
	cr_expect(strstr(report.out, expected), "no %s in:\n%s", expected, report.out);
	run_release(&report);
}

/* The wrapper is in each stack of an allocation, and no line of it is to be changed. */
Test(habits, sentences_name_the_callers_of_wrappers_and_the_path, .timeout = 60)
{
	struct traced traced = run_habit("wrappers");
	const json_t *token = of_size(&traced, 200), *groups = of_size(&traced, 72);
	const json_t *data = of_size(&traced, 112);

	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 3u);
	expect_says(data, "(handed out by GetAuthDataForUser at habits.c:");
	expect_says(data, " freed by FreePrivateHeap at habits.c:");
	expect_says(data, "; free it with FreeLsaHeap");
	expect_says(token, " through take_memory, is never freed; LsaApLogonUser returned "
			   "0xc000006d on this path");
	expect_says(groups, " through take_memory");
	expect_text(token, "stacks.allocate.0.function", "take_memory");
	cr_expect_eq(json_number_at(token, "culprit_frames.allocate"), 1);
	expect_text(token, "leak_class", "direct");
	expect_text(token, "path.entry_point", "LsaApLogonUser");
	cr_expect_eq(json_number_at(token, "group"), json_number_at(groups, "group"));
	expect_same_line(&traced, token, "allocated at ");
	traced_release(&traced);
}
