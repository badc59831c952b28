/* SPDX-License-Identifier: MIT */
/*
 * Measures what names a hundred thousand addresses of one large package, each in two inlined
 * functions: a report, its page, and exports; and llvm-symbolizer for the same addresses. The package is
 * generated. It leaks a block at each address, and backtraces have one frame, so that all have the same
 * addresses to name.
 */
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "tracers.h"

enum { FILES = 16, FUNCTIONS = 640, CALLS = 10 };

_Static_assert(FILES *FUNCTIONS *CALLS >= 100000, "as is promised");

#define PACKAGE_NAME "many.so"

/* Writes a function that leaks in two levels of inlined functions, at CALLS addresses, and others that only make the
 * debug information as large as that of real packages. */
static void write_function(FILE *to, int n)
{
	char calls[CALLS * 64];
	int used = 0;

	for (int i = 0; i < CALLS; i++)
		used += snprintf(calls + used, sizeof(calls) - (size_t)used,
				 "\titem.kind = %d;\n\tbegin_%d(&item, %d);\n", n % 7, n,
				 (n + i) % 5);
	fprintf(to,
		"struct item_%d { struct item_%d *next; int kind; unsigned long size; char "
		"name[%d]; };\n"
		"static inline ALWAYS void keep_%d(struct item_%d *item, unsigned long size)\n"
		"{\n"
		"\tunsigned long rounded = (size + 15) & ~15ul;\n"
		"\titem->size = rounded;\n"
		"\tkept = lsa->AllocateLsaHeap((ULONG)rounded);\n"
		"}\n"
		"static inline ALWAYS int weigh_%d(const struct item_%d *item, int factor)\n"
		"{\n"
		"\tint sum = 0;\n"
		"\tfor (int i = 0; i < item->kind; i++) {\n"
		"\t\tint part = factor * i;\n"
		"\t\tsum += part ^ item->kind;\n"
		"\t}\n"
		"\treturn sum;\n"
		"}\n"
		"static inline ALWAYS int match_%d(const struct item_%d *item, const char *name)\n"
		"{\n"
		"\tunsigned matched = 0;\n"
		"\tfor (unsigned i = 0; i < sizeof(item->name) && name[i]; i++) {\n"
		"\t\tchar wanted = name[i], there = item->name[i];\n"
		"\t\tmatched += wanted == there;\n"
		"\t}\n"
		"\treturn (int)matched + weigh_%d(item, (int)matched);\n"
		"}\n"
		"static inline ALWAYS void begin_%d(struct item_%d *item, int kind)\n"
		"{\n"
		"\tint weight = weigh_%d(item, kind);\n"
		"\titem->kind = weight + kind;\n"
		"\tkeep_%d(item, 16 + (unsigned)kind %% 64);\n"
		"}\n"
		"static NOINLINE void do_%d(void)\n"
		"{\n"
		"\tstruct item_%d item = { .kind = %d };\n"
		"%s"
		"\tseen = match_%d(&item, names) + weigh_%d(&item, seen) + match_%d(&item, names + "
		"1);\n"
		"}\n\n",
		n, n, 16 + n % 48, n, n, n, n, n, n, n, n, n, n, n, n, n, n % 7, calls, n, n, n);
}

static void write_list(FILE *to, int file)
{
	fprintf(to, "void (*const many_%d[])(void) = {\n", file);
	for (int i = 0; i < FUNCTIONS; i++)
		fprintf(to, "\tdo_%d,\n", file * FUNCTIONS + i);
	fprintf(to, "};\n");
}

static bool write_source(const char *path, int file)
{
	FILE *to = fopen(path, "w");

	if (!to)
		return false;
	fprintf(to, "#include <stdint.h>\n#include \"include/secpkg.h\"\n"
		    "#define ALWAYS __attribute__((always_inline))\n"
		    "#define NOINLINE __attribute__((noinline))\n"
		    "extern PLSA_SECPKG_FUNCTION_TABLE many_lsa;\n"
		    "extern void *volatile kept;\nextern volatile int seen;\n"
		    "extern const char *volatile names;\n"
		    "#define lsa many_lsa\n");
	for (int i = 0; i < FUNCTIONS; i++)
		write_function(to, file * FUNCTIONS + i);
	write_list(to, file);
	return fclose(to) == 0;
}

static bool write_main(const char *path)
{
	FILE *to = fopen(path, "w");

	if (!to)
		return false;
	fprintf(to, "#include \"package.h\"\nPLSA_SECPKG_FUNCTION_TABLE many_lsa;\n"
		    "void *volatile kept;\nvolatile int seen;\n"
		    "const char *volatile names = \"name\";\n");
	for (int i = 0; i < FILES; i++)
		fprintf(to, "extern void (*const many_%d[])(void);\n", i);
	fprintf(to, "static void (*const *const many[])(void) = {");
	for (int i = 0; i < FILES; i++)
		fprintf(to, " many_%d,", i);
	fprintf(to,
		" };\n"
		"static void run(PLSA_CLIENT_REQUEST client, const char *command)\n"
		"{\n\t(void)client, (void)command;\n\tmany_lsa = lsa;\n"
		"\tfor (int i = 0; i < %d; i++)\n\t\tfor (int j = 0; j < %d; j++)\n"
		"\t\t\tmany[i][j]();\n}\nPACKAGE(\"many\", run)\n",
		FILES, FUNCTIONS);
	return fclose(to) == 0;
}

/* Builds the package as PACKAGE_NAME in the folder. Returns whether it could. */
static bool build_package(const struct bench *b)
{
	static const char script[] =
		"cd \"$0\" && { printf '%s\\n' many*.c | xargs -P 2 -n 1 ${CC:-cc} -g -O0 -fPIC "
		"-std=gnu11 -w -I\"$1\" -I\"$1/tests/packages\" -c && "
		"${CC:-cc} -shared -o " PACKAGE_NAME " many*.o; } 2> errors || "
		"{ grep -m 1 error errors >&2; exit 1; }";
	const char *const arguments[] = { "sh", "-c", script, b->folder, SOURCE_DIR, NULL };
	char name[32];

	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "many_%d.c", i);
		if (!write_source(bench_path(b, name), i))
			return false;
	}
	return write_main(bench_path(b, "many.c")) && spawn_quietly(arguments, NULL);
}

static bool is_in_package(const json_t *frame)
{
	const char *module = json_string_value(json_object_get(frame, "module"));
	const char *name = module ? strrchr(module, '/') : NULL;

	return name && strcmp(name + 1, PACKAGE_NAME) == 0;
}

/* Writes the innermost address of a finding's backtrace, and returns the number of functions
 * that it is in. All frames of an address have the same offset: the return address, just after
 * the call. */
static unsigned take_address(const json_t *finding, FILE *to)
{
	const json_t *stack = json_object_get(json_object_get(finding, "stacks"), "allocate");
	const json_t *first = json_array_get(stack, 0);
	const char *offset = json_string_value(json_object_get(first, "offset"));
	unsigned frames = 0;

	if (!offset || !is_in_package(first))
		return 0;
	for (size_t i = 0; i < json_array_size(stack); i++) {
		const json_t *frame = json_array_get(stack, i);

		frames++;
		if (!json_is_true(json_object_get(frame, "inlined")))
			break;
	}
	fprintf(to, "0x%llx\n", strtoull(offset, NULL, 16) - 1);
	return frames;
}

struct addresses {
	unsigned count, frames;
};

static struct addresses write_addresses(const char *report, const char *path)
{
	json_t *json = json_load_file(report, 0, NULL);
	json_t *findings = json_object_get(json, "findings"), *finding;
	struct addresses addresses = { 0 };
	FILE *to = fopen(path, "w");
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		unsigned frames = to ? take_address(finding, to) : 0;

		addresses.count += frames > 0;
		addresses.frames += frames;
	}
	if (to)
		fclose(to);
	json_decref(json);
	/* The peak of a program that is started is at least what this one has then. */
	malloc_trim(0);
	return addresses;
}

/* A function's name and its place are two lines. An empty line ends an address. */
static unsigned symbolizer_frames(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned lines = 0;
	char line[4096];

	while (file && fgets(line, sizeof(line), file))
		lines += line[0] != '\n';
	if (file)
		fclose(file);
	return lines / 2;
}

static double seconds(const char *const *arguments, const char *input, const char *output)
{
	struct command command = { .arguments = arguments, .input = input, .output = output };
	struct outcome o;
	double taken = spawn_run(&command, &o) ? o.seconds : NAN;

	outcome_release(&o);
	return taken;
}

struct paths {
	char *trace, *report, *addresses, *answers, *package;
};

/* Returns NULL, or what could not be done. */
static const char *prepare(struct bench *b, const struct paths *p, struct addresses *addresses)
{
	const char *const host[] = { HOST_PROGRAM, p->package, NULL };
	const char *const report[] = { LSATRACE,          "report", "--format=json",
				       "--fail-on=never", p->trace, NULL };
	struct outcome o;
	bool is_traced;

	if (!build_package(b))
		return "built";
	is_traced = way_record(b, WAY_ONE_FRAME, host, p->trace, &o);
	outcome_release(&o);
	if (!is_traced)
		return "traced";
	if (isnan(seconds(report, NULL, p->report)))
		return "reported";
	*addresses = write_addresses(p->report, p->addresses);
	return addresses->count ? NULL : "found in its report";
}

enum reading { REPORT, HTML, SPEEDSCOPE, PPROF, FOLDED, SYMBOLIZER, READINGS };

struct reader {
	const char *key;
	const char *arguments[8];
	const char *input;
	struct samples seconds, peak_mib;
};

static void read_once(struct reader *r)
{
	struct command command = { .arguments = r->arguments,
				   .input = r->input,
				   .output = "/dev/null" };
	struct outcome o;
	bool is_read = spawn_run(&command, &o);

	samples_add(&r->seconds, is_read ? o.seconds : NAN);
	samples_add(&r->peak_mib, is_read ? o.peak_mib : NAN);
	outcome_release(&o);
}

static json_t *show(const struct reader readers[READINGS])
{
	json_t *all = json_object();

	printf("  %-28s %10s %10s\n", "", "seconds", "MiB");
	for (int i = 0; i < READINGS; i++) {
		const struct reader *r = &readers[i];

		printf("  %-28s", r->key);
		print_number(11, 3, samples_median(&r->seconds));
		print_number(11, 0, samples_median(&r->peak_mib));
		putchar('\n');
		json_object_set_new(all, r->key,
				    json_pack("{s:o, s:o}", "seconds", json_samples(&r->seconds),
					      "peak_mib", json_samples(&r->peak_mib)));
	}
	return all;
}

#define EXPORT(format) \
	{ \
		LSATRACE, "export", "--to=" format, p->trace \
	}

static json_t *compare(struct bench *b, const struct paths *p, const struct addresses *addresses)
{
	struct reader readers[READINGS] = {
		[REPORT] = { .key = "report",
			     .arguments = { LSATRACE, "report", "--fail-on=never", p->trace } },
		[HTML] = { .key = "report --format=html",
			   .arguments = { LSATRACE, "report", "--fail-on=never", "--format=html",
					  p->trace } },
		[SPEEDSCOPE] = { .key = "export --to=speedscope", .arguments = EXPORT("speedscope") },
		[PPROF] = { .key = "export --to=pprof", .arguments = EXPORT("pprof") },
		[FOLDED] = { .key = "export --to=folded", .arguments = EXPORT("folded") },
		[SYMBOLIZER] = { .key = "llvm-symbolizer",
				 .arguments = { b->peers.symbolizer, "--inlines", "--obj",
						p->package },
				 .input = p->addresses },
	};
	const char *missing = b->peers.symbolizer ? NULL : "llvm-symbolizer is not installed";
	int count = missing ? SYMBOLIZER : READINGS;
	struct stat package = { 0 };
	unsigned frames = 0;
	struct ratio report, folded;

	stat(p->package, &package);
	if (!missing && !isnan(seconds(readers[SYMBOLIZER].arguments, p->addresses, p->answers)))
		frames = symbolizer_frames(p->answers);
	for (unsigned round = 0; round < b->rounds; round++)
		for (int i = 0; i < count; i++)
			read_once(&readers[i]);
	report = samples_ratio(&readers[REPORT].seconds, &readers[SYMBOLIZER].seconds);
	folded = samples_ratio(&readers[FOLDED].seconds, &readers[SYMBOLIZER].seconds);
	printf("  %u addresses, in a package of %.1f MiB; %u functions, llvm-symbolizer: %u\n",
	       addresses->count, (double)package.st_size / (1 << 20), addresses->frames, frames);
	bars_add(b, "report on 100000 addresses, inlined, seconds", "llvm-symbolizer", &report,
		 AT_MOST, 1, missing);
	bars_add(b, "their names in an export, seconds", "llvm-symbolizer", &folded, AT_MOST, 1,
		 missing);
	return json_pack("{s:i, s:i, s:i, s:o, s:o}", "addresses", addresses->count, "functions",
			 addresses->frames, "symbolizer_functions", frames, "readers",
			 show(readers), "ratio", json_ratio(&report));
}

json_t *symbols_run(struct bench *b)
{
	struct paths p = { strdup(bench_path(b, "many.trace")), strdup(bench_path(b, "many.json")),
			   strdup(bench_path(b, "addresses")), strdup(bench_path(b, "answers")),
			   strdup(bench_path(b, PACKAGE_NAME)) };
	struct addresses addresses = { 0 };
	const char *missing = prepare(b, &p, &addresses);
	json_t *json = json_null();

	if (missing)
		printf("  not measured: the package could not be %s; %s\n", missing,
		       spawn_last_failure());
	else
		json = compare(b, &p, &addresses);
	free(p.trace);
	free(p.report);
	free(p.addresses);
	free(p.answers);
	free(p.package);
	return json;
}
