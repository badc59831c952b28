/* SPDX-License-Identifier: MIT */
/*
 * Tests of the formats of a report with what reads them: published schemas, and programs. A reader that
 * is not installed is a skipped test. .ci/deps installs those that Debian has; for the others:
 *   npm install --prefix build/npm @microsoft/sarif-multitool-linux
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

#define SARIF BUILD_DIR "/npm/node_modules/@microsoft/sarif-multitool-linux/"
#define PYTHON "/usr/bin/python3"
#define HOSTILE_FUNCTION "le<ak>&']]>%0A::,|ключ_鍵_abc"
#define SHORT_FUNCTION "le<...>&']]>%0A::,|ключ_鍵_abc" /* as if it had template arguments */

/* Libraries among the packages of the tests that lsahost does not load; and those that need lsatrace host. */
static const char *const others[] = { "/before_dlsym.", "/interposer.", "/late_close.", "/lender.",
				      "/plugin",        "/twin_",       "/versioned.",  "/itself.",
				      "/ap.",           "/ap_table." };

static bool needs_bundled_host(const char *package)
{
	const char *name = strrchr(package, '/') + 1;
	struct arguments source = { 0 };
	bool is_there;

	arguments_add(&source, SOURCE_DIR "/tests/packages/hosted/%.*sc", (int)(strlen(name) - 2),
		      name);
	is_there = access(source.all[0], F_OK) == 0;
	arguments_release(&source);
	return is_there;
}

/* All other packages, in one process: each kind that does not need guarded blocks, names that break
 * formats, packages without symbols. */
static void add_packages(struct arguments *command)
{
	struct arguments all = { 0 };

	folder_list(&all, BUILD_DIR "/tests/packages", ".so");
	for (size_t i = 0; i < all.count; i++) {
		bool is_other = needs_bundled_host(all.all[i]);

		for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++)
			is_other |= strstr(all.all[i], others[k]) != NULL;
		if (!is_other)
			arguments_add(command, "%s", all.all[i]);
	}
	arguments_add_all(command, COMMAND(BUILT("bare"), BUILT("two"), BUILT("hostile"),
					   BUILT("hostile-symbols")));
	arguments_release(&all);
}

/* The reports on them, and on a process that a wrong access has ended, as files report.FORMAT in the
 * folder of the first trace. */
struct reports {
	struct traced traced, guarded;
	struct run run;
};

static struct reports make_reports(const char *source_root)
{
	static const char *const formats[] = { "json",   "junit", "sarif",   "github",
					       "gitlab", "gcc",   "markdown" };
	struct arguments command = { 0 };
	struct reports r = { 0 };

	arguments_add_all(&command, COMMAND(LSA_HOST, "--section"));
	add_packages(&command);
	r.traced = traced_record(COMMAND("--ring=4M"), (const char *const *)command.all);
	cr_assert_eq(r.traced.traces.count, 1u, "%s", r.traced.run.err);
	arguments_release(&command);
	r.guarded = traced_record(COMMAND("--allocator=guard"),
				  COMMAND(LSA_HOST, "--command=overflow", PACKAGE("guarded")));
	cr_assert_eq(r.guarded.traces.count, 1u, "%s", r.guarded.run.err);
	arguments_add_all(&command, COMMAND(LSATRACE, "report", "--color=never"));
	arguments_add(&command, "--source-root=%s", source_root);
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		arguments_add(&command, "--report=%s:%s/report.%s", formats[i], r.traced.folder,
			      formats[i]);
	arguments_add(&command, "%s", r.traced.traces.all[0]);
	arguments_add(&command, "%s", r.guarded.traces.all[0]);
	r.run = run_command((const char *const *)command.all);
	cr_assert_eq(r.run.status, 1, "%s", r.run.err);
	arguments_release(&command);
	return r;
}

static void release(struct reports *r)
{
	run_release(&r->run);
	traced_release(&r->guarded);
	traced_release(&r->traced);
}

/* Runs a shell command in the folder of the reports. */
static struct run run_there(const struct reports *r, const char *command)
{
	return run_command(
		COMMAND("sh", "-c", "cd \"$0\" && eval \"$1\"", r->traced.folder, command));
}

/* Expects the output of a command in that folder. */
static void expect_output(const struct reports *r, const char *command, const char *expected)
{
	struct run run = run_there(r, command);

	cr_expect(run.status == 0 && strcmp(run.out, expected) == 0,
		  "%s: status %d\n%.2000s\n%.2000s", command, run.status, run.out, run.err);
	run_release(&run);
}

static void need(const char *command, const char *what)
{
	struct run run = run_command(COMMAND("sh", "-c", command));
	int status = run.status;

	run_release(&run);
	if (status != 0)
		cr_skip_test("%s is not installed", what);
}

static json_t *load(const struct reports *r, const char *name)
{
	struct run run =
		run_command(COMMAND("sh", "-c", "cat \"$0/report.$1\"", r->traced.folder, name));
	json_t *json = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);

	cr_assert(json, "%.200s", run.out);
	run_release(&run);
	return json;
}

Test(formats, the_text_report_goes_where_it_would_beside_the_files, .timeout = 120)
{
	struct reports r = make_reports(SOURCE_DIR);

	cr_expect(strstr(r.run.out, "\nlsatrace: "));
	cr_expect(strstr(r.run.out, SHORT_FUNCTION));
	cr_expect_str_empty(r.run.err);
	release(&r);
}

Test(formats, json_is_as_the_published_schema_says, .timeout = 120)
{
	struct reports r;

	need(PYTHON " -c 'import jsonschema'", "python3-jsonschema");
	r = make_reports(SOURCE_DIR);
	expect_output(&r,
		      PYTHON
		      " -m jsonschema --error-format '{error.message:.300}\n' -i report.json "
		      "'" SOURCE_DIR "/viewer/lsatrace.schema.json'",
		      "");
	release(&r);
}

Test(formats, totals_are_as_their_published_schema_says, .timeout = 120)
{
	struct reports r;

	need(PYTHON " -c 'import jsonschema'", "python3-jsonschema");
	r = make_reports(SOURCE_DIR);
	expect_output(&r,
		      "'" LSATRACE "' stat --json *.trace >stat.json && " PYTHON
		      " -m jsonschema --error-format '{error.message:.300}\n' -i stat.json "
		      "'" SOURCE_DIR "/viewer/lsatrace.stat.schema.json'",
		      "");
	release(&r);
}

Test(formats, junit_is_read_by_xml_readers_and_has_a_case_for_each_finding, .timeout = 120)
{
	struct reports r;
	struct run run;
	json_t *json;
	char expected[64];

	need("xmllint --version", "libxml2-utils");
	need(PYTHON " -c 'import junitparser'", "python3-junitparser");
	r = make_reports(SOURCE_DIR);
	json = load(&r, "json");
	expect_output(&r, "xmllint --noout report.junit", "");
	snprintf(expected, sizeof(expected), "%lld\n",
		 (long long)json_array_size(json_at(json, "findings")));
	expect_output(&r,
		      "xmllint --xpath 'count(//testcase[@classname!=\"lsatrace\"])' report.junit",
		      expected);
	expect_output(&r,
		      PYTHON
		      " -c 'import junitparser\n"
		      "for s in junitparser.JUnitXml.fromfile(\"report.junit\"):\n"
		      "  c = list(s)\n"
		      "  f = [x for x in c if x.result]\n"
		      "  n = {(x.classname, x.name) for x in c}\n"
		      "  print(len(c) - s.tests, len(f) - s.failures - s.errors - s.skipped,\n"
		      "        len(n) - s.tests, s.errors)'",
		      "0 0 0 0\n");
	run = run_there(&r,
			"xmllint --xpath '//testcase/@name' report.junit | grep -c 'ключ_鍵_abc'");
	cr_expect_str_eq(run.out, "1\n");
	run_release(&run);
	json_decref(json);
	release(&r);
}

Test(formats, sarif_is_as_its_published_schema_says, .timeout = 120)
{
	struct reports r;

	need(PYTHON " -c 'import jsonschema'", "python3-jsonschema");
	need("test -e " SARIF "sarif-2.1.0.json", "npm's @microsoft/sarif-multitool-linux");
	r = make_reports(SOURCE_DIR);
	expect_output(&r,
		      PYTHON " -m jsonschema --error-format '{error.message:.300}\n' "
			     "-i report.sarif '" SARIF "sarif-2.1.0.json'",
		      "");
	release(&r);
}

/* Its status is 0 also if there are errors. */
Test(formats, sarif_satisfies_the_rules_of_githubs_code_scanning, .timeout = 120)
{
	struct reports r;

	need("test -e " SARIF "Sarif.Multitool", "npm's @microsoft/sarif-multitool-linux");
	r = make_reports(SOURCE_DIR);
	expect_output(
		&r,
		"mv report.sarif r.sarif; chmod u+x '" SARIF "Sarif.Multitool' && "
		"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 timeout 100 '" SARIF "Sarif.Multitool' "
		"validate r.sarif --rule-kind 'Sarif;Ghas' | grep -c -E ': error|rror ERR' || true",
		"0\n");
	release(&r);
}

Test(formats, sarif_has_a_result_for_each_finding_with_its_fingerprint_and_place, .timeout = 120)
{
	struct reports r = make_reports(SOURCE_DIR);
	json_t *json = load(&r, "json"), *sarif = load(&r, "sarif"), *result;
	const json_t *findings = json_at(json, "findings");
	size_t i, relative = 0; /* those of the sources in tests/builds */

	cr_expect_eq(json_array_size(json_at(sarif, "runs.0.results")), json_array_size(findings));
	json_array_foreach(json_at(sarif, "runs.0.results"), i, result)
	{
		const json_t *finding = json_array_get(findings, i);
		const json_t *place = json_at(result, "locations.0.physicalLocation");
		const char *uri = json_text_at(place, "artifactLocation.uri");

		cr_expect(json_same_text(json_text_at(finding, "kind"),
					 json_text_at(result, "ruleId")));
		cr_expect(json_same_text(
			json_text_at(finding, "fingerprint"),
			json_text_at(result, "partialFingerprints.primaryLocationLineHash")));
		cr_assert(uri);
		cr_expect_eq(strncmp(uri, "file:///", 8) != 0,
			     json_text_at(place, "artifactLocation.uriBaseId") != NULL);
		cr_expect_not(strchr(uri, ' ') || strchr(uri, '<') || strstr(uri, ".."), "%s", uri);
		relative += strcmp(uri, "tests/builds/built.c") == 0;
	}
	cr_expect_eq(relative, 2u);
	json_decref(json);
	json_decref(sarif);
	release(&r);
}

/* GitLab's schema: each entry must have these, and an entry that has not ends the reading. */
static void expect_issue(const json_t *issue, json_t *fingerprints)
{
	static const char *const severities = "info minor major critical blocker";
	const char *path = json_text_at(issue, "location.path");
	const char *severity = json_text_at(issue, "severity");

	cr_expect(json_text_at(issue, "description") && *json_text_at(issue, "description"));
	cr_expect(json_text_at(issue, "check_name"));
	cr_expect(severity && strstr(severities, severity));
	cr_expect_geq(json_number_at(issue, "location.lines.begin"), 1);
	cr_assert(path && *path);
	cr_expect(strncmp(path, "./", 2) != 0 && !strstr(path, ".."), "%s", path);
	cr_assert(json_text_at(issue, "fingerprint"));
	cr_expect_null(json_object_get(fingerprints, json_text_at(issue, "fingerprint")));
	json_object_set_new(fingerprints, json_text_at(issue, "fingerprint"), json_true());
}

Test(formats, gitlab_gets_an_issue_for_each_finding, .timeout = 120)
{
	struct reports r = make_reports(SOURCE_DIR);
	json_t *json = load(&r, "json"), *issues = load(&r, "gitlab"), *issue;
	json_t *fingerprints = json_object();
	size_t i;

	cr_expect_eq(json_array_size(issues), json_array_size(json_at(json, "findings")));
	json_array_foreach(issues, i, issue) expect_issue(issue, fingerprints);
	json_decref(fingerprints);
	json_decref(json);
	json_decref(issues);
	release(&r);
}

/* A command a line, and nothing else; properties end at the second "::". */
Test(formats, github_gets_one_command_a_line, .timeout = 120)
{
	struct reports r = make_reports(SOURCE_DIR);
	json_t *json = load(&r, "json");
	char expected[64];

	snprintf(expected, sizeof(expected), "%zu\n",
		 1 + json_array_size(json_at(json, "findings")));
	expect_output(
		&r,
		"grep -c -E '^::(error|warning|notice) (file=[^:,]*(,line=[0-9]+)?,)?title=[^:,]*"
		"::[^[:cntrl:]]' report.github",
		expected);
	expect_output(&r, "wc -l <report.github", expected);
	expect_output(&r, "grep -c '^::error file=tests/builds/built.c,line=' report.github", "2\n");
	expect_output(&r, "grep -c 'le<...>&.]]>%250A::,|' report.github", "1\n");
	json_decref(json);
	release(&r);
}

Test(formats, vim_finds_file_and_line_in_lines_like_gccs, .timeout = 120)
{
	struct reports r;

	need("vim -N -u NONE -i NONE -es -c 'if has(\"eval\") | qa! | endif' -c cq",
	     "vim with +eval");
	r = make_reports(SOURCE_DIR);
	expect_output(&r,
		      "vim -N -u NONE -i NONE -es -c 'cgetfile report.gcc' -c "
		      "'call writefile(map(filter(getqflist(),\"v:val.lnum\"),"
		      "\"bufname(v:val.bufnr) . v:val.lnum\"),\"found\")' -c qa!; "
		      "sort -u found >a; grep -o '^[^:]*:[0-9]*: ' report.gcc | grep -v ird | "
		      "tr -d ': ' | sort -u >b; test -s b; comm -13 a b",
		      "");
	release(&r);
}

Test(formats, markdown_is_rendered_as_it_is_meant, .timeout = 120)
{
	struct reports r;

	need("cmark-gfm --version", "cmark-gfm");
	r = make_reports(SOURCE_DIR);
	expect_output(
		&r,
		"cmark-gfm -e table -e autolink --unsafe report.markdown >page.html && " PYTHON
		" '" SOURCE_DIR "/tests/readers/markdown.py' report.json <page.html",
		"");
	/* Without HTML, as some show it, it is still a table. */
	expect_output(
		&r, "cmark-gfm -e table report.markdown | grep -c '<td.*le&lt;ak&gt;&amp;.]]&gt;%0A::,|'",
		"1\n");
	expect_output(&r, "grep -c 'is left out\\|are left out' report.markdown || true", "0\n");
	release(&r);
}

/* A file that does not lie below the source root is never called relative to it. */
Test(formats, a_path_that_cannot_be_placed_below_the_source_root_stays_absolute, .timeout = 120)
{
	char *folder = temporary_folder_new();
	struct reports r = make_reports(folder);

	expect_output(
		&r,
		"grep -c '\"uri\": \"[^f]' report.sarif; grep -c uriBaseId report.sarif; "
		"grep -c '\"path\": \"[^/]' report.gitlab; grep -c 'file=[^/]' report.github; "
		"grep -c ' file=\"[^/]' report.junit; grep -c '^[^/l]' report.gcc; true",
		"0\n0\n0\n0\n0\n0\n");
	release(&r);
	temporary_folder_remove(folder);
}

static void expect_refused(const char *option, const char *words)
{
	struct run run = run_command(COMMAND(LSATRACE, "report", option, "x.trace"));

	cr_expect_eq(run.status, 2);
	cr_expect(strstr(run.err, words), "%s", run.err);
	run_release(&run);
}

Test(formats, what_is_no_format_is_refused)
{
	expect_refused("-Ojunti:x.xml", "expected one of text json junit ");
	expect_refused("--report=json:", "expected FORMAT:FILE, or");
	expect_refused("--source-root=/nowhere", "expected a folder");
}
