# SPDX-License-Identifier: MIT
# `make help` lists the targets. Everything that is built lies in build/.

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
VIEWER_LIBS := -ldw -lelf -ljansson

# Every folder that holds sources. What a folder adds to LANGUAGE is named by the longest of its paths
# that has a FLAGS_ of its own. SANITIZE and GUEST_SANITIZE are empty but in `make sanitize`: a library
# that is preloaded into any program cannot bring a sanitizer's run-time with it.
# -fno-tree-slp-vectorize: a vector load of two words that were just stored one by one stalls.
FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard $(foreach top,preload viewer tests,$(top)/*.[ch] $(top)/*/*.[ch] \
	$(top)/*/*/*.[ch])))))
FLAGS_preload := $(CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-tree-slp-vectorize \
	$(GUEST_SANITIZE)
FLAGS_viewer := $(CFLAGS) -DLSATRACE_VERSION='"$(VERSION)"' $(SANITIZE)
FLAGS_tests := $(CFLAGS) $(PATHS) $(SANITIZE)
FLAGS_tests/host := -g -O1 -fPIC
FLAGS_tests/ap := -g -O1 -fPIC
FLAGS_tests/packages := -g -O1 -fPIC -fno-optimize-sibling-calls
FLAGS_tests/odd := -g -O1 -fno-optimize-sibling-calls
FLAGS_tests/bench := -g -O2 $(PATHS)
flags = $(or $(FLAGS_$(1)),$(FLAGS_$(firstword $(subst /, ,$(1)))))
# A traced call goes through small functions of a dozen files. gcc joins them; objects that tests link
# hold code of their own as well.
LTO := $(if $(findstring clang,$(shell $(CC) --version)),,-flto=auto -ffat-lto-objects)

SOURCES := $(wildcard $(FOLDERS:%=%/*.c))
HEADERS := $(wildcard include/*.h $(FOLDERS:%=%/*.h))
objects = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(wildcard $(1))))

# Tests link modules, never what gets in front of the functions of the program it is loaded into.
INTERPOSERS := $(call objects,preload/ways_in/client.c preload/ways_in/entry.c preload/ways_in/*.S \
	preload/life/init.c preload/life/exec.c preload/guardpage/signals.c)
TESTS := $(patsubst %.c,$(BUILD)/%,$(filter tests/%,$(foreach source,$(SOURCES),$(if $(findstring /test_,$(source)),$(source)))))
PACKAGES := $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/packages/*.c)) \
	$(addprefix $(BUILD)/tests/packages/,plugin-now.so plugin-linked.so versioned.so)
HOSTS := $(addprefix $(BUILD)/tests/,lsahost lsahost-linked lsahost-linked-now oddhost aphost aphost-linked torture)
STRESS := $(BUILD)/tests/unwind/default/stress
BENCH := $(BUILD)/tests/bench/bench $(BUILD)/tests/bench/calls $(BUILD)/tests/bench/blocks
PRODUCTS := $(BUILD)/lsatrace $(BUILD)/liblsatrace.so
EXPORTS := SpLsaModeInitialize SpUserModeInitialize LsaApInitializePackage LsaApLogonUser LsaApLogonUserEx \
	LsaApLogonUserEx2 LsaApCallPackage LsaApCallPackageUntrusted LsaApCallPackagePassthrough \
	_Exit __sysv_signal _exit dlclose dlsym dlvsym execl execle execlp execv execve execveat execvp execvpe fexecve \
	lsatrace_client_checkpoint lsatrace_client_hook_table lsatrace_client_leaks_since lsatrace_loaded \
	quick_exit sigaction signal

# One short line a step; all of it with V=1.
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $@;)

# As many jobs as there are processors, unless make was told how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE = +@$(MAKE) --no-print-directory $(PARALLEL)

.PHONY: all products hosts tests demo check test stress torture bench bench-deps deps warnings sanitize lint format \
	headers exports coverage install uninstall help clean
.DELETE_ON_ERROR:
.SECONDARY:

all: products ## build lsatrace and liblsatrace.so

products: $(PRODUCTS)
	@:

hosts: $(HOSTS) $(PACKAGES)
	@:

tests: products hosts $(STRESS) $(TESTS)
	@:

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

bench: ## measure what tracing and reports cost, beside what peers do; writes build/bench.json
	@.ci/deps demo
	$(SUBMAKE) products hosts $(BENCH)
	@$(BUILD)/tests/bench/bench

stress: products $(STRESS) ## backtraces from stacks of every kind, by many compilers: by two unwinders
	@.ci/stress all $(abspath $(BUILD))

torture: $(BUILD)/tests/torture ## the embedded shared memory under every kind of use and misuse, for a minute
	$<

bench-deps: ## install the peers that `make bench` compares with
	@.ci/deps bench

deps: ## install what building and testing need, where it is missing
	@.ci/deps check

$(BUILD)/lsatrace: $(call objects,viewer/*.c viewer/*/*.c)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(VIEWER_LIBS)

$(BUILD)/liblsatrace.so: $(call objects,preload/*/*.[cS])
	$(call say,link)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -shared -Wl,-z,defs -Wl,-z,now -o $@ $^ -ldl -lpthread

$(BUILD)/viewer.a: $(filter-out %/main.o,$(call objects,viewer/*.c viewer/*/*.c))
$(BUILD)/preload.a: $(filter-out $(INTERPOSERS),$(call objects,preload/*/*.c))
$(BUILD)/support.a: $(call objects,tests/support/*.c)
# From nothing, so that a module that is gone from the tree is gone from the archive.
$(BUILD)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,archive)$(AR) rcsD $@ $^

# Tests of modules link their half; those of the whole, and of include/, what reads a trace.
$(BUILD)/tests/preload/%: $(BUILD)/obj/tests/preload/%.o $(BUILD)/support.a $(BUILD)/preload.a
	@mkdir -p $(@D)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion -ljansson -ldl -lpthread

$(filter-out $(BUILD)/tests/preload/%,$(TESTS)): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/support.a $(BUILD)/viewer.a
	@mkdir -p $(@D)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion $(VIEWER_LIBS)

$(BUILD)/tests/lsahost: $(call objects,tests/host/*.c)
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ldl -lpthread

$(BUILD)/tests/torture: $(BUILD)/obj/tests/torture/torture.o $(BUILD)/preload.a
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -ldl -lpthread

$(BUILD)/tests/bench/bench: $(filter-out %/calls.o %/blocks.o,$(call objects,tests/bench/*.c))
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ljansson -ldl

$(STRESS): $(wildcard tests/unwind/*) .ci/stress
	$(call say,link).ci/stress build $(@D) $(CC) $(CXX) -O2

# Host and package in one: it is to find its own SpLsaModeInitialize.
$(BUILD)/tests/bench/calls: $(BUILD)/obj/tests/bench/calls.o
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -rdynamic -o $@ $^ -ldl -lpthread

$(BUILD)/tests/bench/blocks: $(BUILD)/obj/tests/bench/blocks.o $(BUILD)/preload.a
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ldl -lpthread

# Host and package at once: what it exports must be found.
$(BUILD)/tests/oddhost: $(call objects,tests/odd/*.c)
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -rdynamic -o $@ $^ -ldl -lpthread

# The same host, with the clean package brought in by the linker instead of dlopen.
$(BUILD)/tests/lsahost-linked: private LDFLAGS += -Wl,-z,lazy
$(BUILD)/tests/lsahost-linked-now: private LDFLAGS += -Wl,-z,now
$(BUILD)/tests/lsahost-linked $(BUILD)/tests/lsahost-linked-now: $(call objects,tests/host/*.c) \
		$(BUILD)/tests/packages/clean.so
	$(call say,link)$(CC) -g $(LDFLAGS) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN/packages' -o $@ $^ -ldl -lpthread

$(BUILD)/tests/aphost: $(call objects,tests/ap/*.c)
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ldl

$(BUILD)/tests/aphost-linked: $(call objects,tests/ap/*.c) $(BUILD)/tests/packages/ap.so
	$(call say,link)$(CC) -g $(LDFLAGS) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN/packages' -o $@ $^ -ldl

$(BUILD)/tests/packages/%.so: $(BUILD)/obj/tests/packages/%.o
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^

# The same libraries once more, linked in another way.
$(BUILD)/tests/packages/plugin.so: private LDFLAGS += -Wl,-z,lazy
$(BUILD)/tests/packages/plugin-now.so: private LDFLAGS += -Wl,-z,now
$(BUILD)/tests/packages/plugin-linked.so: private LDFLAGS += -Wl,-z,lazy -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN'
$(BUILD)/tests/packages/plugin-linked.so: $(BUILD)/tests/packages/lsa_heap_leak.so
$(BUILD)/tests/packages/versioned.so: private LDFLAGS += -Wl,--version-script=tests/packages/versions.map
$(BUILD)/tests/packages/plugin-%.so: $(BUILD)/obj/tests/packages/plugin.o
	$(call say,link)$(CC) -g $(LDFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^
$(BUILD)/tests/packages/versioned.so: $(BUILD)/obj/tests/packages/lsa_heap_leak.o
	$(call say,link)$(CC) -g $(LDFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^

# Each source a second time, with each compiler, where a warning is an error. The objects above are
# built without -Werror: a newer compiler's new warning must not stop somebody who only wants to use it.
$(foreach f,$(FOLDERS),$(eval $(BUILD)/obj/$(f)/%.o $(BUILD)/gcc/$(f)/%.o \
	$(BUILD)/clang/$(f)/%.o: FOLDER_FLAGS = $(LANGUAGE) $(call flags,$(f))))

$(BUILD)/obj/preload/%.o: FOLDER_FLAGS += $(LTO)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(FOLDER_FLAGS) $(DEPEND) -c -o $@ $<

$(BUILD)/obj/%.o: %.S
	@mkdir -p $(@D)
	$(call say,compile)$(CC) $(FOLDER_FLAGS) $(DEPEND) -c -o $@ $<

$(BUILD)/gcc/%.o: %.c
	@mkdir -p $(@D)
	$(call say,check)$(CC) $(FOLDER_FLAGS) -Werror $(DEPEND) -c -o $@ $<

$(BUILD)/clang/%.o: %.c
	@mkdir -p $(@D)
	$(call say,check)$(CLANG) $(FOLDER_FLAGS) -Werror $(DEPEND) -fsyntax-only $< && touch $@

warnings: $(SOURCES:%.c=$(BUILD)/gcc/%.o) $(SOURCES:%.c=$(BUILD)/clang/%.o)
	@:

headers: ## each header compiles alone
	@for header in $(HEADERS); do for compiler in $(CC) $(CLANG); do \
		printf '#include "%s"\n' $$header | \
		$$compiler $(LANGUAGE) -Werror -fsyntax-only -x c - || exit; done; done
	@for language in 'c -std=c11' 'c++ -std=c++11'; do printf '#include <lsatrace.h>\n' | \
		$(CLANG) $(WARNINGS) -Wpedantic -Werror -Iinclude -fsyntax-only -x $$language - || exit; done

exports: $(BUILD)/liblsatrace.so ## the preload library exports what it must, and no more
	@nm -D --defined-only $< | sed 's/.* //; s/@.*//' | LC_ALL=C sort >$(BUILD)/exports
	@printf '%s\n' $(EXPORTS) | LC_ALL=C sort | diff - $(BUILD)/exports

# Linked statically, for a test runs lsatrace with LD_PRELOAD set, where the library wants to be first.
sanitize: ## the tests under the address and undefined-behaviour sanitizers
	@.ci/deps check
	+@LSAN_OPTIONS='suppressions=$(CURDIR)/.ci/lsan:print_suppressions=0' \
		$(MAKE) --no-print-directory test BUILD=$(BUILD)/sanitize CFLAGS='-O1 -g' LTO= \
		SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -static-libasan' \
		GUEST_SANITIZE='-fsanitize=undefined -fsanitize-undefined-trap-on-error'

coverage: ## the tests, then how much of each source file they reach
	@.ci/deps check
	+@$(MAKE) --no-print-directory test BUILD=$(BUILD)/coverage LTO= \
		CFLAGS='-O0 -g --coverage -fprofile-update=atomic'
	@.ci/coverage $(FOLDERS:%=$(BUILD)/coverage/obj/%)

lint: ## the order of includes, clang's analyzer, shellcheck, the man page, the format of sources
	@for source in $(SOURCES); do \
		$(CLANG) --analyze -Xclang -analyzer-werror $(LANGUAGE) $(PATHS) -o /dev/null \
		-DLSATRACE_VERSION='""' $$source || exit; done
	@shellcheck $(filter-out .ci/lsan,$(wildcard .ci/*))
	@.ci/rooms
	@test -z "$$(groff -man -Tutf8 -ww -z viewer/lsatrace.1 2>&1 | tee /dev/stderr)"
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS)

format: ## put the sources into the house's format
	@clang-format -i $(SOURCES) $(HEADERS)

MAN := $(PREFIX)/share/man/man1
install: products ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/lsatrace $(DESTDIR)$(PREFIX)/bin/lsatrace
	install -D -m 644 $(BUILD)/liblsatrace.so $(DESTDIR)$(PREFIX)/lib/lsatrace/liblsatrace.so
	install -D -m 644 viewer/lsatrace.1 $(DESTDIR)$(MAN)/lsatrace.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include include/lsatrace.h include/secpkg.h

uninstall: ## remove what `make install` put there
	rm -f $(DESTDIR)$(PREFIX)/bin/lsatrace $(DESTDIR)$(MAN)/lsatrace.1
	rm -f $(DESTDIR)$(PREFIX)/lib/lsatrace/liblsatrace.so
	rm -f $(DESTDIR)$(PREFIX)/include/lsatrace.h $(DESTDIR)$(PREFIX)/include/secpkg.h
	-rmdir $(DESTDIR)$(PREFIX)/lib/lsatrace

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

clean: ## remove everything that was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
