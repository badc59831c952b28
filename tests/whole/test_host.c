/* SPDX-License-Identifier: MIT */
/*
 * Tests of `lsatrace host`: what packages do that a real LSA would trip over is told, and nothing else; scenarios do what they
 * say; a package does the same bare and traced.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"
#include "tests/support/wine.h"

#define TRIPS PACKAGE("trips")
#define CONTRACT PACKAGE("contract")
#define HANDSHAKE PACKAGE("handshake")
#define ONE_SIDED PACKAGE("one_sided")

/* Writes a scenario into a new file of a folder. Returns its path, to be freed. */
static char *write_scenario(const char *folder, const char *text)
{
	char *path = malloc(strlen(folder) + sizeof("/steps"));
	FILE *file;

	cr_assert(path);
	sprintf(path, "%s/steps", folder);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
	return path;
}

/* Runs the host with a scenario and a package. */
static struct run run_scenario(const char *package, const char *text)
{
	char *folder = temporary_folder_new(), *path = write_scenario(folder, text);
	struct run run = traced_bare(COMMAND(LSATRACE, "host", "-v", "-s", path, package));

	free(path);
	temporary_folder_remove(folder);
	return run;
}

/* The lines on standard error. */
static int count_lines(const char *text)
{
	int count = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		count++;
	}
	return count;
}

struct fault {
	char verb[24];  /* logon, call, ... with the name of the mistake as what is submitted */
	char name[24];  /* of the mistake; "": none */
	char entry[40]; /* that is told */
	char says[80];
	char then[32]; /* the step that follows */
};

static struct fault faults[] = {
	{ "logon", "", "", "", "" },
	{ "logon", "logon-fails", "", "", "" },
	{ "logon", "name-freed", "LsaApLogonUser: AccountName", "was freed before", "" },
	{ "logon", "name-static", "LsaApLogonUser: AccountName", "is no block of the LSA's heap",
	  "" },
	{ "logon", "name-inside", "LsaApLogonUser: AccountName", "16 bytes from its start", "" },
	{ "logon", "name-length", "LsaApLogonUser: AccountName", "beyond its MaximumLength of 10",
	  "" },
	{ "logon", "name-odd", "LsaApLogonUser: AccountName", "odd Length, 7", "" },
	{ "logon", "name-no-buffer", "LsaApLogonUser: AccountName", "no Buffer", "" },
	{ "logon", "name-short-buffer", "LsaApLogonUser", "has 10 bytes, its MaximumLength is 100",
	  "" },
	{ "logon", "name-buffer-freed", "LsaApLogonUser: the Buffer", "was freed before", "" },
	{ "logon", "name-private", "", "", "" }, /* nobody documents that this is wrong */
	{ "logon", "token-short", "LsaApLogonUser: TokenInformation", "40 bytes", "" },
	{ "logon", "token-unset", "LsaApLogonUser: TokenInformation", "was not set", "" },
	{ "logon", "token-type", "LsaApLogonUser: TokenInformationType", "is unknown", "" },
	{ "logon", "token-groups", "LsaApLogonUser: Groups", "counts 5 groups, but has 24 bytes",
	  "" },
	{ "logon", "logon-left", "LsaApLogonUser: TokenInformation", "nobody frees it", "" },
	{ "logon", "profile-heap", "LsaApLogonUser: ProfileBuffer", "AllocateClientBuffer", "" },
	{ "logon", "profile-length", "LsaApLogonUser: ProfileBuffer", "said to be 33", "" },
	{ "logon", "profile-null", "LsaApLogonUser: ProfileBuffer",
	  "is NULL, but its length is said to be 32", "" },
	{ "call", "", "", "", "" },
	{ "call", "copy-beyond", "CopyToClientBuffer: 17 bytes", "not all in one buffer", "" },
	{ "call", "copy-to-own", "CopyToClientBuffer: ", "is no address of the client", "" },
	{ "call", "copy-from-client", "CopyToClientBuffer: BufferToCopy", "address of the client",
	  "" },
	{ "call", "client-free-twice", "FreeClientBuffer: ", "was freed before", "" },
	{ "call", "request-unknown", "FreeClientBuffer: ClientRequest", "is no request", "" },
	{ "call", "slot-name", "CallPackage: AuthenticationPackage", "Length of 9", "" },
	{ "call", "slot-output", "DuplicateHandle: DestinationHandle", "is NULL", "" },
	{ "call", "user-closed", "CloseSamUser: ", "used after it was closed", "" },
	{ "call", "handle-kind", "CloseSamUser: ", "that of a token, not of a user", "" },
	{ "call", "block-overrun", "FreeLsaHeap: a block of 40 bytes", "written to behind its end",
	  "" },
	{ "call", "free-wrong-heap", "FreePrivateHeap: a block of 40 bytes", "wrong function", "" },
	{ "call", "free-twice", "FreeLsaHeap: a block of 40 bytes", "freed again", "" },
	{ "call", "reply-unset", "LsaApCallPackage: ProtocolReturnBuffer", "was not set", "" },
	{ "call", "reply-length", "LsaApCallPackage: ProtocolReturnBuffer", "said to be 17", "" },
	{ "call", "reply-null", "LsaApCallPackage: ProtocolReturnBuffer",
	  "is NULL, but its length is said to be 6", "" },
	{ "call", "reply-refused", "", "", "" },
	{ "call", "reply-heap", "LsaApCallPackage: ProtocolReturnBuffer", "the LSA's heap", "" },
	{ "call", "reply-static", "LsaApCallPackage: ProtocolReturnBuffer", "is no buffer of Alloc",
	  "" },
	{ "call", "reply-freed", "LsaApCallPackage: ProtocolReturnBuffer", "freed before", "" },
	{ "call", "reply-left", "LsaApCallPackage: ProtocolReturnBuffer", "nobody frees it", "" },
	{ "call", "input-written", "LsaApLogonTerminated", "writes to what it was handed",
	  "terminate logon=77" },
	{ "call", "", "", "", "terminate logon=77" },
	{ "call", "", "", "", "context until=done expect=0" },
	{ "call", "token-long", "SpInitLsaModeContext: OutputBuffers",
	  "257 bytes in a buffer of 256", "context" },
	{ "call", "target-written", "SpInitLsaModeContext", "writes to what it was handed",
	  "context" },
	{ "call", "context-unset", "SpInitLsaModeContext: NewContextHandle", "was not set",
	  "context" },
	{ "call", "context-data", "SpInitLsaModeContext: ContextData", "no block of the LSA's",
	  "context" },
	{ "call", "", "", "", "QueryContextAttributes context=5" },
	{ "call", "attribute-freed", "SpQueryContextAttributes: Buffer", "freed before",
	  "QueryContextAttributes context=5" },
};

ParameterizedTestParameters(host, each_fault_is_told_once_and_nothing_else)
{
	return cr_make_param_array(struct fault, faults, sizeof(faults) / sizeof(*faults), NULL);
}

ParameterizedTest(struct fault *fault, host, each_fault_is_told_once_and_nothing_else)
{
	const char *key = strcmp(fault->verb, "logon") == 0 ? "submit" : "buffer";
	struct arguments text = { 0 };
	struct run run;

	arguments_add(&text, "getinfo\nrepeat 3 {\n%s %s=text:%s\n%s\n}\n", fault->verb, key,
		      fault->name, fault->then);
	run = run_scenario(TRIPS, text.all[0]);
	cr_expect_eq(run.status, *fault->says ? 1 : 0, "%s: %d", fault->name, run.status);
	cr_expect_eq(count_lines(run.err), *fault->says ? 1 : 0, "%s: %s", fault->name, run.err);
	cr_expect(strstr(run.err, *fault->says ? "lsatrace-host: trips: " : ""), "%s", run.err);
	cr_expect(strstr(run.err, fault->entry), "%s: %s", fault->name, run.err);
	cr_expect(strstr(run.err, fault->says), "%s: %s", fault->name, run.err);
	run_release(&run);
	arguments_release(&text);
}

#define CALL "trips: LsaApCallPackage: "

static void expect_end(const char *name, int status, const char *says)
{
	struct arguments text = { 0 };
	struct run run;

	arguments_add(&text, "call buffer=text:%s\n", name);
	run = run_scenario(TRIPS, text.all[0]);
	cr_expect_eq(run.status, status, "%s: %d", name, run.status);
	cr_expect_eq(count_lines(run.err), 1, "%s: %s", name, run.err);
	cr_expect(strstr(run.err, says) && strstr(run.err, "/steps:1)"), "%s: %s", name, run.err);
	run_release(&run);
	arguments_release(&text);
}

Test(host, a_wrong_access_ends_the_process_and_is_told)
{
	expect_end("client-read", 128 + 11, CALL "accesses ");
	expect_end("client-read", 128 + 11, "an address of the client, by itself");
	expect_end("output-read", 128 + 11, CALL "uses an output parameter that nobody has set");
	expect_end("crash", 128 + 4, CALL "ends the process by SIGILL at address ");
}

Test(host, however_a_package_ends_the_process_it_is_told)
{
	struct run run;

	expect_end("abort", 128 + 6, CALL "ends the process by SIGABRT (");
	expect_end("exit", 1, CALL "ends the process, or the thread, by itself");
	expect_end("thread-ends", 1, CALL "ends the process, or the thread, by itself");
	expect_end("recursion", 128 + 11, CALL "ends the process by SIGSEGV at address ");
	run = run_scenario(TRIPS, "call buffer=text:crash-elsewhere\n");
	cr_expect_eq(run.status, 128 + 4);
	cr_expect_str_eq(
		run.err,
		"lsatrace-host: SIGILL ends the process, outside of all calls of packages\n");
	run_release(&run);
}

Test(host, a_request_is_unknown_after_its_client_has_ended)
{
	struct run run = run_scenario(TRIPS, "call client=A buffer=text:keep-request\n"
					     "call client=B buffer=text:request-ended\n"
					     "end client=A\n"
					     "call client=B buffer=text:request-ended\n");

	cr_expect_eq(run.status, 1);
	cr_expect_eq(count_lines(run.err), 1, "%s", run.err);
	cr_expect(strstr(run.err, "AllocateClientBuffer: ClientRequest is no request") &&
			  strstr(run.err, "/steps:4)"),
		  "%s", run.err);
	run_release(&run);
}

Test(host, contexts_are_made_and_used_in_the_lsa_and_in_the_client)
{
	struct run run =
		run_scenario(HANDSHAKE, "context initiator=A acceptor=B until=done expect=0\n"
					"QueryContextAttributes context=B expect=0\n"
					"messages initiator=A acceptor=B\n"
					"ExportContext context=A expect=0\n"
					"DeleteContext context=A expect=0\n"
					"context flags=0x100 until=done\n"
					"context steps=1 until=done\n");
	static const char *const calls[] = {
		"SpVerifySignature: 0x00000000",       "SpImportSecurityContext: 0x00000000",
		"SpInitUserModeContext: 0x00000000",   "SpDeleteUserModeContext: 0x00000000",
		"SpFreeCredentialsHandle: 0x00000000",
	};

	cr_expect_eq(run.status, 3);
	cr_expect_eq(count_lines(run.err), 1, "%s", run.err);
	cr_expect(strstr(run.err, "handshake: the context was not completed") &&
			  strstr(run.err, "/steps:7)"),
		  "%s", run.err);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		cr_expect(strstr(run.out, calls[i]), "%s: %s", calls[i], run.out);
	run_release(&run);
}

Test(host, a_handle_is_only_one_that_the_package_gave_out)
{
	struct run run = traced_bare(COMMAND(LSATRACE, "host", "-v", "-n", "2", ONE_SIDED));
	static const char *const calls[] = {
		"one_sided[0]: SpGetRemoteCredGuardLogonBuffer: 0xc00000bb",
		"one_sided[0]: SpAcceptLsaModeContext: 0x00000000",
		"one_sided[0]: SpQueryContextAttributes: 0xc00000bb",
		"one_sided[1]: SpInitLsaModeContext: 0x00000000",
		"one_sided[1]: SpApplyControlToken: 0xc00000bb",
		", 0 faults",
	};
	static const char *const never[] = { "one_sided[1]: SpFreeCredentialsHandle",
					     "[2]: SpQuery", "UserMode", "PostLogonUser" };

	cr_expect_eq(run.status, 0, "%d: %s", run.status, run.err);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		cr_expect(strstr(run.out, calls[i]), "%s: %s", calls[i], run.out);
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		cr_expect_not(strstr(run.out, never[i]), "%s: %s", never[i], run.out);
	cr_expect_eq(count_lines(run.err), 2, "%s", run.err);
	cr_expect(strstr(run.err, "the package has no SpInitLsaModeContext: in its place, the host "
				  "sends token=zero:64"),
		  "%s", run.err);
	run_release(&run);
}

static void expect_refusal(const char *text, const char *says)
{
	struct run run = run_scenario(PACKAGE("clean"), text);

	cr_expect_eq(run.status, 2, "%s", text);
	cr_expect(strstr(run.err, says), "%s: %s", text, run.err);
	cr_expect_eq(count_lines(run.err), 1, "%s", run.err);
	run_release(&run);
}

static void expect_one_side(const char *text, int status, const char *says)
{
	struct run run = run_scenario(ONE_SIDED, text);

	cr_expect_eq(run.status, status, "%s: %d: %s", text, run.status, run.err);
	cr_expect(strstr(run.err, says), "%s: %s", text, run.err);
	run_release(&run);
}

Test(host, the_host_sends_tokens_for_the_side_that_a_package_does_not_have)
{
	const char *no_initiator = "[0]: SpAcceptLsaModeContext: the package has no "
				   "SpInitLsaModeContext: in its place, the host sends token=";

	expect_one_side("context package=one_sided[0] acceptor=B until=done expect=0\n"
			"DeleteContext package=one_sided[0] context=B expect=0xc00000bb\n",
			3, "and not 0xc00000bb as expected");
	expect_one_side("context package=one_sided[0] token=text:two\n", 0, no_initiator);
	expect_one_side("context package=one_sided[0] token=text:refuse until=done\n", 3,
			"not completed: the acceptor returned 0x80090308");
	expect_one_side("context package=one_sided[1] token=text:refuse until=done\n", 3,
			"not completed: the initiator returned 0x80090308");
	expect_one_side("context package=one_sided[1] steps=1 until=done\n", 3,
			"the initiator returned 0x00090312");
	expect_one_side("context package=one_sided[2] until=done\n", 1, "no such entry point");
	expect_one_side("DeleteContext package=one_sided[0] expect=0\n", 3, "given out none");
	expect_one_side("InitUserModeContext\n", 2, "needs context=");
	expect_refusal("context token=hex:0\n", "token=hex:0: expected pairs of");
}

Test(host, what_was_printed_before_a_crash_is_in_a_file_as_well)
{
	struct run run = traced_bare(
		COMMAND("sh", "-c",
			"cd \"$(mktemp -d)\" && echo call buffer=text:crash >steps && "
			"{ \"$0\" host -v -s steps \"$1\" >out 2>&1; cat out; rm -r \"$PWD\"; }",
			LSATRACE, TRIPS));

	cr_expect(strstr(run.out, "trips: SpGetInfo: 0x00000000\n"
				  "lsatrace-host: trips: LsaApCallPackage: ends the process by "),
		  "%s", run.out);
	run_release(&run);
}

Test(host, without_a_scenario_everything_is_called)
{
	struct run run = traced_bare(COMMAND(LSATRACE, "host", "-v", PACKAGE("clean"), TRIPS));
	static const char *const calls[] = {
		"clean: LsaApInitializePackage",
		"clean: SpInitialize",
		"clean: SpGetInfo",
		"clean: LsaApLogonUserEx",
		"clean: LsaApCallPackage",
		"trips: SpInitLsaModeContext",
		"clean: LsaApLogonTerminated",
		"trips: SpQueryContextAttr",
		"clean: SpShutdown",
		"2 packages initialised",
		", 0 faults",
	};

	cr_expect_eq(run.status, 0);
	cr_expect_str_empty(run.err);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		cr_expect(strstr(run.out, calls[i]), "%s: %s", calls[i], run.out);
	run_release(&run);
}

Test(host, a_package_that_is_right_has_no_faults_in_many_threads)
{
	struct run run = traced_bare(COMMAND(LSATRACE, "host", "-j", "4", "-n", "20",
					     PACKAGE("clean"), CONTRACT, HANDSHAKE));

	cr_expect_eq(run.status, 0);
	cr_expect_str_empty(run.err);
	run_release(&run);
}

Test(host, a_package_may_lie_in_the_current_folder)
{
	struct run run = traced_bare(
		COMMAND("env", "-C", BUILD_DIR "/tests/packages", LSATRACE, "host", "clean.so"));

	cr_expect_eq(run.status, 0, "%s", run.err);
	run_release(&run);
}

/* Runs packages that are right, and expects them to do the same bare and traced. */
static void expect_contract(const char *const options[])
{
	const char *const command[] = { LSATRACE, "host", "-v", CONTRACT, HANDSHAKE, NULL };
	struct run bare = traced_bare(command);
	struct traced traced = traced_record(options, command);

	cr_expect_eq(bare.status, 0, "%s", bare.err);
	cr_expect(strstr(bare.out, "the contract holds\n"), "%s", bare.out);
	cr_expect_not(strstr(bare.out, "FAILED"), "%s", bare.out);
	cr_expect_eq(traced.run.status, 0, "%s", traced.run.err);
	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_str_eq(traced.run.err, bare.err);
	cr_assert_eq(traced.traces.count, 1u);
	cr_expect(
		json_is_true(json_object_get(json_object_get(traced.report, "summary"), "exact")));
	cr_expect_eq(json_number_at(json_object_get(traced.report, "summary"), "errors"), 0);
	traced_release(&traced);
	run_release(&bare);
}

Test(host, each_function_of_the_table_does_what_is_documented_bare_and_traced)
{
	expect_contract(COMMAND("--depth=64"));
	expect_contract(COMMAND("--allocator=embedded"));
	expect_contract(COMMAND("--allocator=guard"));
}

Test(host, without_shared_memory_packages_get_that_of_lsatrace)
{
	struct traced t = traced_record(COMMAND("--mode=full"),
					COMMAND(LSATRACE, "host", "--shared-memory=none", CONTRACT));

	cr_expect_eq(t.run.status, 0, "%s", t.run.err);
	cr_expect_eq(json_number_at(json_object_get(t.report, "summary"), "errors"), 0);
	traced_release(&t);
}

Test(host, a_scenario_compares_what_it_expects)
{
	struct run run = run_scenario(PACKAGE("clean"), "# two of these are wrong\n"
							"logon type=network expect=success\n"
							"logon expect=0xc000006d  # wrong\n"
							"call returns=text:clean protocol=0\n"
							"call returns=text:other\n"
							"context expect=0\n");

	cr_expect_eq(run.status, 1);
	cr_expect_eq(count_lines(run.err), 3, "%s", run.err);
	cr_expect(strstr(run.err, "LsaApLogonUser: the status is 0x00000000, and not 0xc000006d"));
	cr_expect(strstr(run.err, "/steps:3)") && strstr(run.err, "/steps:5)"), "%s", run.err);
	cr_expect(strstr(run.err, "SpInitLsaModeContext: the package has no such entry point"));
	run_release(&run);
}

Test(host, steps_are_repeated)
{
	struct run run =
		run_scenario(PACKAGE("clean"), "repeat 3 {\nrepeat 2 {\ncall\n}\nlogon\n}\n");

	cr_expect_eq(run.status, 0);
	cr_expect_eq(count_lines(run.out), 2 + 1 + 6 + 3 + 3 + 1 + 1, "%s", run.out);
	run_release(&run);
}

Test(host, a_user_is_there_unless_the_scenario_says_otherwise)
{
	struct run run = run_scenario(CONTRACT, "call\nno-user name=user\ncall\n");
	const char *holds = strstr(run.out, "the contract holds"),
		   *fails = strstr(run.out, "OpenSamUser");

	cr_expect(holds && fails && holds < fails, "%s", run.out);
	run_release(&run);
}

Test(host, packages_call_each_other_and_peers_that_the_scenario_plays)
{
	struct run run =
		run_scenario(CONTRACT, "peer name=Other returns=hex:010203 protocol=5\n"
				       "peer name=Nobody status=0xc00000fe\n"
				       "call buffer=text:peer=Other,pad:8 returns=hex:010203\n"
				       "call buffer=text:peer=Contract returns=text:contract\n"
				       "call buffer=text:peer=Another returns=text:contract\n"
				       "call buffer=text:peer=Nobody expect=0xc00000fe\n");

	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect_str_empty(run.err);
	run_release(&run);
}

Test(host, a_scenario_that_is_wrong_is_refused_in_one_line)
{
	expect_refusal("\nlogin\n", "/steps:2: 'login' is no verb");
	expect_refusal("logon colour=red\n", ":1: logon has no colour=");
	expect_refusal("logon type=blue\n", ":1: type=blue: expected interactive, network");
	expect_refusal("logon submit=hex:0\n", "submit=hex:0: expected pairs of");
	expect_refusal("logon submit=@nowhere\n", "expected a file that can be read");
	expect_refusal("repeat 3 {\nlogon\n", ":1: there is no }");
	expect_refusal("}\n", "there is no repeat to end");
	expect_refusal("repeat {\n}\n", "expected: repeat N {");
	expect_refusal("getinfo package=nobody\n", ":1: there is no package 'nobody'");
	expect_refusal("no-user\n", "no-user needs name=");
	expect_refusal("call buffer\n", "'buffer' is not KEY=VALUE");
	expect_refusal("call buffer=\"text:a\n", ":1: a quote is missing");
	expect_refusal("repeat 2 {\ncall\n} call\n", ":3: expected nothing behind }");
	expect_refusal("call entry=LogonUser\n", "expected trusted, untrusted or passthrough");
	expect_refusal("logon entry=trusted\n", "expected LogonUser, LogonUserEx or");
	expect_refusal("logon expect=0x100000000\n", "expected success, failure or a number");
	expect_refusal("logon submit=@/dev/zero\n", "of at most 16 MiB");
}

Test(host, wrong_usage_and_what_cannot_be_loaded_are_2)
{
	const char *const *const commands[] = {
		COMMAND(LSATRACE, "host"),
		COMMAND(LSATRACE, "host", "--threads=0", TRIPS),
		COMMAND(LSATRACE, "host", "--shared-memory=some", TRIPS),
		COMMAND(LSATRACE, "host", "./nowhere.so"),
		COMMAND(LSATRACE, "host", PACKAGE("lender")),
		COMMAND(LSATRACE, "host", "-s", "nowhere", TRIPS),
		COMMAND(LSATRACE, "host", "-s", "/dev/zero", TRIPS),
		COMMAND(LSATRACE, "host", "-s", TRIPS, TRIPS),
		COMMAND(LSATRACE, "host", "-s", "/", TRIPS),
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct run run = traced_bare(commands[i]);

		cr_expect_eq(run.status, 2, "%zu: %s", i, run.err);
		cr_expect_eq(count_lines(run.err), 1, "%zu: %s", i, run.err);
		run_release(&run);
	}
}

/* One block for each call: that its client has ended does not hide it. */
Test(host, each_client_is_one_of_its_own, .timeout = 60)
{
	for (int i = 0; i < 5; i++) {
		struct traced traced =
			traced_record(COMMAND(NULL), COMMAND(LSATRACE, "host", "-j", "4", "-n", "3",
							     PACKAGE("client_buffer_leak")));

		cr_expect_eq(json_number_at(traced.report, "summary.leaked_blocks"), 48);
		traced_release(&traced);
	}
}

Test(host, help_and_refusals_say_what_is_possible)
{
	struct run help = run_command(COMMAND(LSATRACE, "host", "--help"));
	struct run threads = run_command(COMMAND(LSATRACE, "host", "-j", "9999", TRIPS));

	cr_expect(strstr(help.out, " 3 if there were none but a\n"), "%s", help.out);
	cr_expect_str_eq(threads.err, "lsatrace host: expected a number from 1 to 1024, not 9999; "
				      "see --help\n");
	run_release(&help);
	run_release(&threads);
}

Test(host, a_library_may_return_its_own_version)
{
	struct run run = run_command(COMMAND(LSATRACE, "host", "-v", PACKAGE("own_version")));

	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect(strstr(run.out, "own_version: SpGetInfo: 0x00000000\n"), "%s", run.out);
	run_release(&run);
}

static void expect_under_wine(const char *const command[], int status, const char *out,
			      const char *err)
{
	struct run run = run_command(command);

	cr_expect_eq(run.status, status, "%d: %s", run.status, run.err);
	cr_expect(strstr(run.out, out), "%s", run.out);
	cr_expect(strstr(run.err, err), "%s", run.err);
	run_release(&run);
}

Test(host, packages_for_windows_run_under_wine, .timeout = 280, .fini = wine_stop)
{
	char *folder, *path;

	wine_start(LSA_HOST_EXE);
	folder = temporary_folder_new();
	expect_under_wine(COMMAND(LSATRACE, "host", DLL("contract"), DLL("handshake")), 0,
			  "the contract holds", "");
	path = write_scenario(folder, "call\n");
	expect_under_wine(COMMAND(LSATRACE, "record", "--output-dir", folder, "--", LSATRACE,
				  "host", "-s", path, DLL("contract")),
			  0, "the contract holds", "");
	free(path);
	path = write_scenario(folder, "call buffer=text:block-overrun\n"
				      "call buffer=text:input-written\n"
				      "terminate logon=77\n");
	expect_under_wine(COMMAND(LSATRACE, "host", "-s", path, DLL("trips")), 1, ", 2 faults",
			  "writes to what it was handed");
	free(path);
	path = write_scenario(folder, "call buffer=text:client-read\n");
	expect_under_wine(COMMAND(LSATRACE, "host", "-v", "-s", path, DLL("trips")), 139,
			  "SpGetInfo", "an address of the client, by itself");
	free(path);
	temporary_folder_remove(folder);
}
