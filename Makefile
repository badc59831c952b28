# SPDX-License-Identifier: MIT
# `make help` lists the targets. Everything that is built lies in build/.

VERSION := 0.1.0
PREFIX ?= /usr/local
BUILD ?= build
CLANG ?= clang
CFLAGS ?= -O2 -g

WARNINGS := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla
LANGUAGE := -std=gnu11 -D_GNU_SOURCE= $(WARNINGS) -Iinclude
# A test finds the programs that it spawns by these.
PATHS := -DBUILD_DIR='"$(abspath $(BUILD))"' -DSOURCE_DIR='"$(CURDIR)"'
DEPEND = -MMD -MP -MF $@.d -MT $@
VIEWER_LIBS := -ldw -lelf -ljansson

# What each folder adds to LANGUAGE. SANITIZE and GUEST_SANITIZE are empty but in `make sanitize`: a
# library that is preloaded into any program cannot bring a sanitizer's run-time with it.
FLAGS_preload := $(CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec $(GUEST_SANITIZE)
# A traced call goes through small functions of a dozen files. gcc joins them; objects that tests link
# hold code of their own as well.
LTO := $(if $(findstring clang,$(shell $(CC) --version)),,-flto=auto -ffat-lto-objects)
FLAGS_preload/embedded := $(FLAGS_preload)
FLAGS_viewer := $(CFLAGS) -DLSATRACE_VERSION='"$(VERSION)"' $(SANITIZE)
FLAGS_tests := $(CFLAGS) $(PATHS) $(SANITIZE)
FLAGS_tests/support := $(FLAGS_tests)
FLAGS_tests/host := -g -O1 -fPIC
FLAGS_tests/packages := -g -O1 -fPIC -fno-optimize-sibling-calls
FLAGS_tests/odd := -g -O1 -fno-optimize-sibling-calls
FLAGS_tests/bench := -g -O2 $(PATHS)

FOLDERS := preload preload/embedded viewer tests tests/support tests/host tests/packages tests/odd tests/bench
SOURCES := $(wildcard $(FOLDERS:%=%/*.c))
HEADERS := $(wildcard include/*.h $(FOLDERS:%=%/*.h))
objects = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(wildcard $(1))))

# Tests link modules, never what gets in front of the functions of the program it is loaded into.
INTERPOSERS := $(call objects,preload/entry.c preload/init.c preload/process.c preload/signals.c preload/*.S)
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
PACKAGES := $(patsubst %.c,$(BUILD)/%.so,$(wildcard tests/packages/*.c))
HOSTS := $(BUILD)/tests/lsahost $(BUILD)/tests/lsahost-linked $(BUILD)/tests/oddhost
BENCH := $(BUILD)/tests/bench/bench $(BUILD)/tests/bench/calls
PRODUCTS := $(BUILD)/lsatrace $(BUILD)/liblsatrace.so
EXPORTS := SpLsaModeInitialize _Exit __sysv_signal _exit dlclose dlsym execl execle execlp execv \
	execve execveat execvp execvpe fexecve quick_exit sigaction signal

# One short line a step; all of it with V=1.
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $@;)

# As many jobs as there are processors, unless make was told how many.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE = +@$(MAKE) --no-print-directory $(PARALLEL)

.PHONY: all products hosts tests demo check test stress bench bench-deps deps warnings sanitize lint format \
	headers exports coverage install uninstall help clean
.DELETE_ON_ERROR:
.SECONDARY:

all: products ## build lsatrace and liblsatrace.so

products: $(PRODUCTS)
	@:

hosts: $(HOSTS) $(PACKAGES)
	@:

tests: products hosts $(TESTS)
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

# Not in `check`: after dlclose() libunwind goes by what was there before, and it can wait for the
# loader's lock while a thread that holds that waits for libunwind's.
UNWIND := $(BUILD)/tests/unwind
stress: products ## backtraces from stacks of every kind, taken by both unwinders: how many differ
	@mkdir -p $(UNWIND)
	$(CXX) -g -O2 -Iinclude -c -o $(UNWIND)/throws.o tests/unwind/throws.cc
	$(CC) $(LANGUAGE) -g -O2 -rdynamic -o $(UNWIND)/stress $(filter-out %/module.c,$(wildcard tests/unwind/*.c)) \
		tests/unwind/*.S $(UNWIND)/throws.o -ldl -lpthread -lstdc++
	for v in 0 1; do $(CC) $(LANGUAGE) -g -O2 -DVARIANT=$$v -shared -fPIC \
		-o $(UNWIND)/module$$v.so tests/unwind/module.c || exit; done
	@cd $(UNWIND) && for part in frames jumps calls odd throws nested contexts fibers deep signals forks \
		modules; do rm -f *.trace; echo "$$part:"; timeout 60 $(abspath $(BUILD))/lsatrace record --unwind=check \
		-o %p.trace -- ./stress 50000 1 $$part >/dev/null; for trace in *.trace; do \
		$(abspath $(BUILD))/lsatrace stat $$trace | grep checked; done; done

bench-deps: ## install the peers that `make bench` compares with
	@.ci/deps bench

deps: ## install what building and testing need, where it is missing
	@.ci/deps check

$(BUILD)/lsatrace: $(call objects,viewer/*.c)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(VIEWER_LIBS)

$(BUILD)/liblsatrace.so: $(call objects,preload/*.c preload/embedded/*.c preload/*.S)
	$(call say,link)$(CC) $(CFLAGS) $(LTO) $(LDFLAGS) -shared -Wl,-z,defs -Wl,-z,now -o $@ $^ -ldl -lpthread

$(BUILD)/viewer.a: $(filter-out %/main.o,$(call objects,viewer/*.c))
$(BUILD)/preload.a: $(filter-out $(INTERPOSERS),$(call objects,preload/*.c preload/embedded/*.c))
$(BUILD)/support.a: $(call objects,tests/support/*.c)
# From nothing, so that a module that is gone from the tree is gone from the archive.
$(BUILD)/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,archive)$(AR) rcsD $@ $^

$(BUILD)/tests/test_preload_%: $(BUILD)/obj/tests/test_preload_%.o $(BUILD)/support.a $(BUILD)/preload.a
	@mkdir -p $(@D)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion -ljansson -ldl -lpthread

$(BUILD)/tests/test_%: $(BUILD)/obj/tests/test_%.o $(BUILD)/support.a $(BUILD)/viewer.a
	@mkdir -p $(@D)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion $(VIEWER_LIBS)

$(BUILD)/tests/lsahost: $(call objects,tests/host/*.c)
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ldl -lpthread

$(BUILD)/tests/bench/bench: $(filter-out %/calls.o,$(call objects,tests/bench/*.c))
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ljansson -ldl

# Host and package in one: it is to find its own SpLsaModeInitialize.
$(BUILD)/tests/bench/calls: $(BUILD)/obj/tests/bench/calls.o
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -rdynamic -o $@ $^ -ldl -lpthread

# Host and package at once: what it exports must be found.
$(BUILD)/tests/oddhost: $(call objects,tests/odd/*.c)
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -rdynamic -o $@ $^ -ldl -lpthread

# The same host, with the clean package brought in by the linker instead of dlopen.
$(BUILD)/tests/lsahost-linked: $(call objects,tests/host/*.c) $(BUILD)/tests/packages/clean.so
	$(call say,link)$(CC) -g $(LDFLAGS) -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN/packages' -o $@ $^ -ldl -lpthread

$(BUILD)/tests/packages/%.so: $(BUILD)/obj/tests/packages/%.o
	@mkdir -p $(@D)
	$(call say,link)$(CC) -g $(LDFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^

# Each source a second time, with each compiler, where a warning is an error. The objects above are
# built without -Werror: a newer compiler's new warning must not stop somebody who only wants to use it.
$(foreach f,$(FOLDERS),$(eval $(BUILD)/obj/$(f)/%.o $(BUILD)/gcc/$(f)/%.o \
	$(BUILD)/clang/$(f)/%.o: FOLDER_FLAGS = $(LANGUAGE) $(FLAGS_$(f))))

$(BUILD)/obj/preload/%.o $(BUILD)/obj/preload/embedded/%.o: FOLDER_FLAGS += $(LTO)

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
		$$compiler $(LANGUAGE) -I. -Werror -fsyntax-only -x c - || exit; done; done

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
	@.ci/coverage $(BUILD)/coverage/obj/preload $(BUILD)/coverage/obj/viewer

lint: ## clang's analyzer, shellcheck, the man page, and whether `make format` would change anything
	@for source in $(SOURCES); do \
		$(CLANG) --analyze -Xclang -analyzer-werror $(LANGUAGE) $(PATHS) -o /dev/null \
		-DLSATRACE_VERSION='""' $$source || exit; done
	@shellcheck $(filter-out .ci/lsan,$(wildcard .ci/*))
	@test -z "$$(groff -man -Tutf8 -ww -z viewer/lsatrace.1 2>&1 | tee /dev/stderr)"
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS)

format: ## put the sources into the house's format
	@clang-format -i $(SOURCES) $(HEADERS)

MAN := $(PREFIX)/share/man/man1
install: products ## install below $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/lsatrace $(DESTDIR)$(PREFIX)/bin/lsatrace
	install -D -m 644 $(BUILD)/liblsatrace.so $(DESTDIR)$(PREFIX)/lib/lsatrace/liblsatrace.so
	install -D -m 644 viewer/lsatrace.1 $(DESTDIR)$(MAN)/lsatrace.1

uninstall: ## remove what `make install` put there
	rm -f $(DESTDIR)$(PREFIX)/bin/lsatrace $(DESTDIR)$(MAN)/lsatrace.1
	rm -f $(DESTDIR)$(PREFIX)/lib/lsatrace/liblsatrace.so
	-rmdir $(DESTDIR)$(PREFIX)/lib/lsatrace

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

clean: ## remove everything that was built
	rm -rf $(BUILD)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
