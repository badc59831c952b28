# SPDX-License-Identifier: MIT
# `make help` lists the targets. Everything that is built lies in build/. The programs and libraries of
# the tests are in tests/tests.mk.

VERSION := 0.1.0
PREFIX ?= /usr/local
BUILD ?= build
CLANG ?= clang
CFLAGS ?= -O2 -g

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla
LANGUAGE := -std=gnu11 -D_GNU_SOURCE= $(WARNINGS) -I. -Iinclude
# A test finds the programs that it spawns by these.
PATHS := -DBUILD_DIR='"$(abspath $(BUILD))"' -DSOURCE_DIR='"$(CURDIR)"'
DEPEND = -MMD -MP -MF $@.d -MT $@
VIEWER_LIBS := -ljansson -ldw -lelf -liberty -lz -lzstd -lncursesw -ltinfo

# What a folder adds to LANGUAGE: the FLAGS_ of the folder itself, or of the nearest one above it.
# SANITIZE and GUEST_SANITIZE are only set by `make sanitize`: a library that is preloaded into any
# program cannot bring the run-time library of a sanitizer with it.
# -fno-tree-slp-vectorize: a vector load of two words that were just stored one by one stalls.
FLAGS_preload := $(CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-tree-slp-vectorize \
	$(GUEST_SANITIZE)
FLAGS_viewer := $(CFLAGS) -DLSATRACE_VERSION='"$(VERSION)"' $(SANITIZE)
FLAGS_tests := $(CFLAGS) $(PATHS) $(SANITIZE)
# It is traced, and its packages end it by faults of their own.
FLAGS_viewer/host := $(CFLAGS)
flags = $(or $(FLAGS_$(1)),$(call flags,$(patsubst %/,%,$(dir $(1)))))
# A traced call, or an event that is read, goes through small functions of a dozen files, which gcc joins
# at link time. The objects hold machine code as well, because tests link them.
LTO := $(if $(findstring clang,$(shell $(CC) --version 2>/dev/null)),,-flto=auto -ffat-lto-objects)

# Every folder that holds sources.
FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard $(foreach top,preload viewer tests,$(top)/*.[ch] \
	$(top)/*/*.[ch] $(top)/*/*/*.[ch])))))
SOURCES := $(filter-out %_windows.c,$(wildcard $(FOLDERS:%=%/*.c)))
HEADERS := $(wildcard include/*.h $(FOLDERS:%=%/*.h))
# The host as a program for Windows, if mingw-w64 is there with its threads.
MINGW := x86_64-w64-mingw32-gcc
HOST_EXE := $(if $(findstring /,$(shell $(MINGW) -print-file-name=libwinpthread.a 2>/dev/null)),$(BUILD)/lsatrace-host.exe)
PRODUCTS := $(BUILD)/lsatrace $(BUILD)/liblsatrace.so $(BUILD)/lsatrace-host $(HOST_EXE)

# The objects of some sources, given as patterns.
objects = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(wildcard $(1))))
# Begins a step: makes the target's folder, and prints one short line; the whole command with V=1.
say = $(if $(V),mkdir -p $(@D); ,@mkdir -p $(@D); printf '  %-7s %s\n' $(1) $@; )

# As many jobs as there are processors, unless make was told how many.
JOBS := $(shell nproc)
SUBMAKE = +@$(MAKE) --no-print-directory $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: all products hosts tests demo check test readers bench bench-deps deps stress torture tsan warnings analyzed sanitize \
	fuzz fuzzers coverage lint format headers exports compile_commands hooks install uninstall help clean
.DELETE_ON_ERROR:

all: products ## the default

products: $(PRODUCTS) ## build lsatrace, liblsatrace.so and lsatrace-host
	@:

include tests/tests.mk

demo: ## trace a host with a faulty package and show the report
	@.ci/deps demo
	$(SUBMAKE) products hosts
	$(BUILD)/lsatrace run -o $(BUILD)/demo.trace -- $(BUILD)/tests/lsahost \
		$(BUILD)/tests/packages/demo.so $(BUILD)/tests/packages/clean.so

check: ## build and run every test; compile everything with gcc and clang, without a warning
	@.ci/deps check
	$(SUBMAKE) warnings tests
	$(SUBMAKE) headers exports
	@.ci/tests $(TESTS)

test: ## build and run every test, and no more
	$(SUBMAKE) tests
	@.ci/tests $(TESTS)

readers: ## have a browser and other readers from npm read the page and the exports
	$(SUBMAKE) products hosts
	@.ci/readers $(BUILD)

bench: ## measure what tracing and reports cost, beside what peers do; writes build/bench.json
	@.ci/deps check
	$(SUBMAKE) products hosts $(BENCH)
	@$(BUILD)/tests/bench/bench

stress: products $(STRESS) $(WALKS) $(WALKERS) ## compare backtraces of stacks of every kind, by many compilers, with libunwind's and Windows'
	@.ci/stress all $(abspath $(BUILD))

TORTURED := $(addprefix $(BUILD)/tests/whole/,test_torture test_killed test_packages)
torture: $(BUILD)/tests/torture products hosts $(TORTURED) ## death, threads, forks, cancellation, reloads by the thousand; ten minutes
	$<
	@for program in $(TORTURED); do TORTURE=1 $$program --verbose || exit; done

bench-deps: ## install the peers that `make bench` compares with
	@.ci/deps bench

deps: ## install what building and testing need, where it is missing
	@.ci/deps check

$(BUILD)/lsatrace: $(call objects,viewer/*.c viewer/*/*.[cS])
	$(call say,link)$(CC) $(CFLAGS) $(LTO) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(VIEWER_LIBS)

$(BUILD)/lsatrace-host: $(filter-out %_windows.o,$(call objects,viewer/host/*/*.c))
	$(call say,link)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -ldl -lpthread

# uthash.h is the same for all systems; the other headers in its folder are not.
WINDOWS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-format -D__USE_MINGW_ANSI_STDIO=1 -I. -idirafter /usr/include
$(BUILD)/lsatrace-host.exe: $(patsubst %.c,$(BUILD)/windows/%.o,$(filter-out %/system.c,$(wildcard viewer/host/*/*.c)))
	$(call say,link)$(MINGW) -static -o $@ $^ -lpthread

$(BUILD)/windows/%.o: %.c
	$(call say,compile)$(MINGW) $(WINDOWS) $(DEPEND) -c -o $@ $<

$(BUILD)/liblsatrace.so: $(call objects,preload/*/*.[cS])
	$(call say,link)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -shared -Wl,-z,defs -Wl,-z,now -o $@.new $^ -ldl -lpthread && mv $@.new $@

# Each source is compiled a second and a third time, by each compiler, where a warning is an error. The
# objects of the products are built without -Werror: a new warning of a newer compiler must not stop
# somebody who only wants to use lsatrace. For the tests the checkout lies deep down here, so that a
# buffer that a path does not fit into is found wherever the checkout lies.
STRICT := -Werror
DEEP := /$(subst /,a_folder_in_a_folder/,////////////////)
$(BUILD)/gcc/tests/% $(BUILD)/clang/tests/%: STRICT = -Werror -UBUILD_DIR -USOURCE_DIR \
	-DBUILD_DIR='"$(DEEP)build"' -DSOURCE_DIR='"$(DEEP)"'
$(foreach f,$(FOLDERS),$(eval $(BUILD)/obj/$(f)/%.o $(BUILD)/gcc/$(f)/%.o \
	$(BUILD)/clang/$(f)/%.o: FOLDER_FLAGS = $(LANGUAGE) $(call flags,$(f))))

$(BUILD)/obj/%.o: %.c
	$(call say,compile)$(CC) $(FOLDER_FLAGS) $(if $(filter preload/% viewer/%,$<),$(LTO)) $(DEPEND) -c -o $@ $<

$(BUILD)/obj/%.o: %.S
	$(call say,compile)$(CC) $(FOLDER_FLAGS) $(DEPEND) -c -o $@ $<

$(BUILD)/obj/viewer/page/assets.o: viewer/page/page.css viewer/page/page.js

$(BUILD)/gcc/%.o: %.c
	$(call say,check)$(CC) $(FOLDER_FLAGS) $(STRICT) $(DEPEND) -c -o $@ $<

$(BUILD)/clang/%.o: %.c
	$(call say,check)$(CLANG) $(FOLDER_FLAGS) $(STRICT) $(DEPEND) -fsyntax-only $< && touch $@

warnings: $(SOURCES:%.c=$(BUILD)/gcc/%.o) $(SOURCES:%.c=$(BUILD)/clang/%.o) ## compile everything with gcc and clang, without a warning
	@:

# For each argument of a list, as many at a time as there are processors; {} stands for the argument.
each = @printf '%s\n' $(1) | xargs -P $(JOBS) -I {}

OTHERS_TYPES := typedef struct other { int i; } PVOID, ULONG, NTSTATUS, LSA_SECPKG_FUNCTION_TABLE;
headers: ## each header compiles alone; lsatrace.h in strict C11 and C++11, and beside others' Windows types
	$(call each,$(HEADERS)) $(CC) $(LANGUAGE) -Werror -fsyntax-only -x c -include {} /dev/null
	$(call each,$(HEADERS)) $(CLANG) $(LANGUAGE) -Werror -fsyntax-only -x c -include {} /dev/null
	@for language in 'c -std=c11' 'c++ -std=c++11'; do printf '%s\n' '$(OTHERS_TYPES)' '#include "lsatrace.h"' | \
		$(CLANG) $(WARNINGS) -Wpedantic -Werror -Iinclude -fsyntax-only -x $$language - || exit; done

# What it must: the names in exports.txt, and the entry points of packages.
exports: $(BUILD)/liblsatrace.so ## the preload library exports what it must, and no more
	@{ cat preload/life/exports.txt; sed -n 's/^\tENTRY(\([^,]*\),.*/\1/p' preload/ways_in/entry_points.h; } | \
		LC_ALL=C sort >$(BUILD)/exports
	@nm -D --defined-only $< | sed 's/.* //; s/@.*//' | LC_ALL=C sort | diff $(BUILD)/exports -

# Linked statically, because a test runs lsatrace with LD_PRELOAD set, where the sanitizer's library would
# have to be first.
sanitize: tsan ## the tests under the address and undefined-behaviour sanitizers, and make tsan
	@.ci/deps check
	+@LSAN_OPTIONS='suppressions=$(CURDIR)/.ci/lsan:print_suppressions=0' \
		$(MAKE) --no-print-directory test BUILD=$(BUILD)/sanitize CFLAGS='-O1 -g' LTO= \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -static-libasan' \
		GUEST_SANITIZE='-fsanitize=undefined -fsanitize-undefined-trap-on-error'

# -Wno-tsan: gcc warns that the sanitizer does not know fences. No data is ordered by fences alone.
tsan: ## what threads share, under the thread sanitizer
	+@$(MAKE) --no-print-directory $(BUILD)/tsan/tests/tsan/tsan BUILD=$(BUILD)/tsan CFLAGS='-O1 -g' LTO= \
		SANITIZE='-fsanitize=thread' GUEST_SANITIZE='-fsanitize=thread -Wno-tsan'
	$(BUILD)/tsan/tests/tsan/tsan

# The viewer, built by clang for its fuzzer.
fuzz: ## give lsatrace damaged traces for SECONDS=300, half of them to all formats and commands
	@.ci/fuzz probe $(CLANG)
	+@$(MAKE) --no-print-directory fuzzers BUILD=$(BUILD)/fuzz CC=$(CLANG) LTO= \
		CFLAGS='-O2 -g -fsanitize-coverage=inline-8bit-counters,pc-table' \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
	@.ci/fuzz run $(BUILD)/fuzz/tests/fuzz $(or $(SECONDS),300)

coverage: ## the tests, then how much of each source file they reach
	@.ci/deps check
	+@$(MAKE) --no-print-directory test BUILD=$(BUILD)/coverage LTO= \
		CFLAGS='-O0 -g --coverage -fprofile-update=atomic'
	@.ci/coverage $(FOLDERS:%=$(BUILD)/coverage/obj/%)

$(BUILD)/lint/%.o: %.c
	$(call say,analyze)$(CLANG) --analyze -Xclang -analyzer-werror $(LANGUAGE) $(PATHS) \
		-DLSATRACE_VERSION='""' $(DEPEND) -o /dev/null $< && touch $@

analyzed: $(SOURCES:%.c=$(BUILD)/lint/%.o)
	@:

lint: ## the order of includes, clang's analyzer, shellcheck, the man page, the format of sources
	@.ci/rooms
	@.ci/deps lint
	$(SUBMAKE) analyzed
	@shellcheck $(filter-out .ci/lsan,$(wildcard .ci/* .githooks/*))
	@test -z "$$(groff -man -Tutf8 -ww -z viewer/lsatrace.1 2>&1 | tee /dev/stderr)"
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS)

format: ## put the sources into the house's format
	@clang-format -i $(SOURCES) $(HEADERS)

# An array with an object for each source.
comma := ,
command_of = {"directory": "$(CURDIR)", "file": "$(1)", "command": "$(subst ",\",$(CC) $(LANGUAGE) \
	$(call flags,$(patsubst %/,%,$(dir $(1)))) -c $(1))"}
compile_commands: ## write build/compile_commands.json, for clangd and other tools
	@mkdir -p $(BUILD)
	@: $(file >$(BUILD)/compile_commands.json,[$(subst } {,}$(comma) {,$(foreach s,$(SOURCES),$(call command_of,$(s))))])

hooks: ## format what is staged before each commit, from now on (git's core.hooksPath)
	git config core.hooksPath .githooks

MAN := $(PREFIX)/share/man/man1
install: products ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/lsatrace $(DESTDIR)$(PREFIX)/bin/lsatrace
	install -D -m 644 $(BUILD)/liblsatrace.so $(DESTDIR)$(PREFIX)/lib/lsatrace/liblsatrace.so
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/lib/lsatrace $(BUILD)/lsatrace-host $(HOST_EXE)
	install -D -m 644 viewer/lsatrace.1 $(DESTDIR)$(MAN)/lsatrace.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/lsatrace viewer/lsatrace.schema.json viewer/lsatrace.stat.schema.json
	install -D -m 644 include/lsatrace.h $(DESTDIR)$(PREFIX)/include/lsatrace.h
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/lsatrace include/secpkg.h include/lsatrace/ownership.md

uninstall: ## remove what `make install` put there
	rm -f $(DESTDIR)$(PREFIX)/bin/lsatrace $(DESTDIR)$(MAN)/lsatrace.1
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/lib/lsatrace/,liblsatrace.so lsatrace-host lsatrace-host.exe)
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/share/lsatrace/lsatrace,.schema.json .stat.schema.json)
	rm -f $(DESTDIR)$(PREFIX)/include/lsatrace.h
	rm -f $(DESTDIR)$(PREFIX)/include/lsatrace/secpkg.h $(DESTDIR)$(PREFIX)/include/lsatrace/ownership.md
	-rmdir $(DESTDIR)$(PREFIX)/share/lsatrace $(DESTDIR)$(PREFIX)/lib/lsatrace $(DESTDIR)$(PREFIX)/include/lsatrace

help: ## this list
	@sed -n 's/^\([a-z_-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile tests/tests.mk | expand -t 26

clean: ## remove everything that was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
