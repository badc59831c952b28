# SPDX-License-Identifier: MIT
# The programs and libraries of the tests; part of the Makefile. tests/README.md says what they are.

FLAGS_tests/host := -g -O1 -fPIC
FLAGS_tests/ap := -g -O1 -fPIC
FLAGS_tests/packages := -g -O1 -fPIC -fno-optimize-sibling-calls
FLAGS_tests/odd := -g -O1 -fno-optimize-sibling-calls
FLAGS_tests/reach := -g -O1 -fno-optimize-sibling-calls
FLAGS_tests/strict := -g -O1 -fno-builtin -fno-optimize-sibling-calls
FLAGS_tests/bench := -g -O2 $(PATHS)
FLAGS_tests/sharing := -g -O2 -fPIC -ftls-model=initial-exec -fno-builtin -Wno-missing-prototypes -Wno-unused-parameter
FLAGS_tests/foreign := -g -O1 -fpie -fno-stack-protector

# The name of a package's library is the name of its source, whatever the folder.
PACKAGE_SOURCES := $(wildcard tests/packages/*.c tests/packages/*/*.c)
PACKAGES := $(patsubst %.c,$(BUILD)/tests/packages/%.so,$(notdir $(PACKAGE_SOURCES))) \
	$(addprefix $(BUILD)/tests/packages/,plugin-now.so plugin-linked.so versioned.so)
HOSTS := $(addprefix $(BUILD)/tests/,lsahost lsahost-linked lsahost-linked-now oddhost stricthost reachhost aphost aphost-linked torture \
	foreign/program)
TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard $(FOLDERS:%=%/test_*.c)))
# One package, tests/builds/built.c, as it is at different times, and with other flags.
BUILD_clean := -O1 -g -DLEAKS=0
BUILD_leak := -O1 -g -DLEAKS=1
BUILD_two := -O1 -g -DLEAKS=2
BUILD_moved := -O1 -g -DLEAKS=1 -DMOVED
BUILD_symbols := -O1 -DLEAKS=1
BUILD_debugless := -O1 -g -DLEAKS=1 -Wl,--strip-debug
BUILD_bare := -O1 -DLEAKS=1 -Wl,--strip-all
BUILD_bare-two := -O1 -DLEAKS=2 -Wl,--strip-all
BUILD_hostile := -O1 -g
BUILD_hostile-symbols := -O1
BUILD_crowded := -O1 -g -DLEAKS=0 -DCROWDED=40000
BUILD_failing := -O1 -g -DLEAKS=0 -DFAILING
BUILD_slow := -O1 -g -DLEAKS=0 -DSLOW
BUILD_optimised := -O2 -g -DLEAKS=1
BUILDS := $(patsubst BUILD_%,$(BUILD)/tests/builds/%/built.so,$(filter BUILD_%,$(.VARIABLES)))
# The preload library, of which tests/sharing/observer.c sees what threads share: for gcc, and not for a sanitizer.
OBSERVED := $(if $(LTO),$(BUILD)/tests/sharing/liblsatrace.so)
STRESS := $(BUILD)/tests/unwind/default/stress
# One program once more, by other flags or with frames of C++: of the names, what follows the first dash are flags.
CALLS_OTHERS := $(addprefix $(BUILD)/tests/bench/calls-,O0 O1 O3 O2-pointer)
BENCH := $(addprefix $(BUILD)/tests/bench/,bench calls calls-virtual blocks) $(CALLS_OTHERS)

# Host and packages once more, for Windows: but not what is about ELF files and their loader.
DLL_SOURCES := $(filter-out tests/packages/libraries/% %/itself.c,$(PACKAGE_SOURCES)) \
	$(wildcard tests/packages/libraries/twin_*.c)
DLLS := $(if $(HOST_EXE),$(patsubst %.c,$(BUILD)/tests/packages/%.dll,$(notdir $(DLL_SOURCES)) fault.c forwarder.c keeper.c $(if $(shell command -v $(MINGW:%gcc=%g++)),guest.c)))
EXES := $(if $(HOST_EXE),$(addprefix $(BUILD)/tests/,lsahost.exe packages/lsahost-linked.exe pehost.exe aphost.exe bench/calls.exe))

# A program of winelib, if Wine's tools are there: it calls packages for Windows and for Linux in one process.
WINELIB := $(if $(HOST_EXE),$(if $(shell command -v winegcc),$(BUILD)/tests/winelib.exe))

# A random walk in a DLL, by each compiler in many ways: of the names, what follows the first dash are flags.
WALKS := $(if $(HOST_EXE),$(foreach cc,gcc $(if $(shell command -v $(CLANG)),clang),$(foreach flags,O0 O1 O2 O3 Os \
	O2-pointer,$(BUILD)/tests/unwind/pe/$(cc)-$(flags).dll)))
# What runs it under Wine, and compares.
WALKERS := $(if $(HOST_EXE),$(addprefix $(BUILD)/tests/unwind/pe/,host.exe compare))

hosts: $(HOSTS) $(PACKAGES) $(DLLS) $(EXES) $(WINELIB) $(BUILDS) ## build the hosts and packages that the tests trace
	@:

tests: products hosts $(STRESS) $(WALKS) $(WALKERS) $(BUILD)/tests/bench/calls $(BUILD)/tests/bench/calls-O2-pointer $(OBSERVED) $(TESTS) ## build the tests
	@:

# Tests link modules, but not those that replace functions of the program they are loaded into.
INTERPOSERS := $(call objects,preload/life/exported.c preload/life/init.c preload/life/*.S preload/ways_in/*.S)
$(BUILD)/preload.a: $(filter-out $(INTERPOSERS),$(call objects,preload/*/*.[cS]))
$(BUILD)/viewer.a: $(filter-out %/main.o,$(call objects,viewer/*.c viewer/*/*.[cS]))
$(BUILD)/support.a: $(call objects,tests/support/*.c)
# Made anew each time: a module that is gone from the tree must not stay in the archive.
$(BUILD)/%.a:
	@rm -f $@
	$(call say,archive)$(AR) rcsD $@ $^

# A test links the half that its module is of. Tests of the whole, and of include/, link what reads a trace.
$(filter $(BUILD)/tests/preload/%,$(TESTS)): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/support.a $(BUILD)/preload.a
	$(call say,link)$(CC) $(CFLAGS) -fno-lto $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion -ljansson -ldl -lpthread

$(filter-out $(BUILD)/tests/preload/% %/test_fuzz,$(TESTS)): $(BUILD)/%: $(BUILD)/obj/%.o $(BUILD)/support.a $(BUILD)/viewer.a
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion -ljansson $(VIEWER_LIBS)

# Before viewer.a: world.c takes the place of two of its modules.
FUZZ := $(call objects,tests/fuzz/targets.c tests/fuzz/traces.c tests/fuzz/world.c) \
	$(BUILD)/support.a $(BUILD)/viewer.a
$(BUILD)/tests/fuzz/test_fuzz: $(BUILD)/obj/tests/fuzz/test_fuzz.o $(FUZZ)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ -lcriterion -ljansson $(VIEWER_LIBS)

fuzzers: $(addprefix $(BUILD)/tests/fuzz/,reading whole)
	@:

$(BUILD)/tests/fuzz/reading $(BUILD)/tests/fuzz/whole: $(BUILD)/%: $(BUILD)/obj/%.o $(FUZZ)
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ -ljansson $(VIEWER_LIBS)

# These run modules of the preload half by themselves.
$(BUILD)/tests/torture: $(BUILD)/obj/tests/torture/torture.o $(BUILD)/preload.a
	$(call say,link)$(CC) $(CFLAGS) -fno-lto $(SANITIZE) $(LDFLAGS) -o $@ $^ -ldl -lpthread

$(BUILD)/tests/tsan/tsan: $(BUILD)/obj/tests/tsan/tsan.o $(BUILD)/support.a $(BUILD)/preload.a
	$(call say,link)$(CC) $(CFLAGS) -fno-lto $(SANITIZE) $(LDFLAGS) -o $@ $^ -ldl -lpthread

# As `make tsan` does it. Without the hooks at the begin and end of each function, which keep a shim from being a tail call.
$(BUILD)/observed/%.o: %.c
	$(call say,compile)$(CC) $(LANGUAGE) $(FLAGS_preload) -fsanitize=thread -Wno-tsan \
		--param=tsan-instrument-func-entry-exit=0 $(DEPEND) -c -o $@ $<
$(BUILD)/tests/sharing/liblsatrace.so: $(patsubst %.c,$(BUILD)/observed/%.o,$(wildcard preload/*/*.c)) \
		$(call objects,preload/*/*.S tests/sharing/observer.c)
	$(call say,link)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-z,defs -Wl,-z,now \
		-Wl,--wrap=call_enter,--wrap=memcpy,--wrap=memmove,--wrap=memset -o $@ $^ -ldl -lpthread

$(BUILD)/tests/bench/blocks: $(BUILD)/obj/tests/bench/blocks.o $(BUILD)/preload.a
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ -ldl -lpthread

# The programs that are traced. With -rdynamic: host and package in one, which must find its own exports.
PROGRAMS := $(addprefix $(BUILD)/tests/,lsahost lsahost-linked lsahost-linked-now oddhost stricthost reachhost aphost \
	aphost-linked bench/bench bench/calls)
$(BUILD)/tests/lsahost $(BUILD)/tests/lsahost-linked $(BUILD)/tests/lsahost-linked-now: $(call objects,tests/host/*.c)
$(BUILD)/tests/oddhost: $(call objects,tests/odd/*.c)
$(BUILD)/tests/stricthost: $(call objects,tests/strict/*.c)
$(BUILD)/tests/reachhost: $(call objects,tests/reach/*.c)
$(BUILD)/tests/aphost $(BUILD)/tests/aphost-linked: $(call objects,tests/ap/*.c)
$(BUILD)/tests/bench/calls: $(call objects,tests/bench/calls.c tests/bench/descent.c)
$(BUILD)/tests/bench/bench: $(filter-out %/calls.o %/descent.o %/blocks.o,$(call objects,tests/bench/*.c))
$(BUILD)/tests/oddhost $(BUILD)/tests/stricthost $(BUILD)/tests/bench/calls: private LDFLAGS += -rdynamic
$(BUILD)/tests/bench/bench: private LDLIBS += -ljansson -lm
# Linked to a package, instead of opening it.
LINKED_TO = -Wl,--no-as-needed -Wl,-rpath,'$$ORIGIN$(1)'
$(BUILD)/tests/lsahost-linked $(BUILD)/tests/lsahost-linked-now: $(BUILD)/tests/packages/clean.so
$(BUILD)/tests/lsahost-linked: private LDFLAGS += -Wl,-z,lazy $(call LINKED_TO,/packages)
$(BUILD)/tests/lsahost-linked-now: private LDFLAGS += -Wl,-z,now $(call LINKED_TO,/packages)
$(BUILD)/tests/aphost-linked: $(BUILD)/tests/packages/ap.so
$(BUILD)/tests/aphost-linked: private LDFLAGS += $(call LINKED_TO,/packages)
$(PROGRAMS):
	$(call say,link)$(CC) -g $(LDFLAGS) -o $@ $^ $(LDLIBS) -ldl -lpthread

$(CALLS_OTHERS): $(BUILD)/tests/bench/calls-%: tests/bench/calls.c tests/bench/descent.c tests/bench/descent.h
	$(call say,build)$(CC) $(LANGUAGE) -g $(subst -pointer, -fno-omit-frame-pointer,-$*) $(LDFLAGS) -rdynamic -o $@ \
		$(filter %.c,$^) -ldl -lpthread

$(BUILD)/tests/bench/calls-virtual: tests/bench/descent_virtual.cpp $(BUILD)/obj/tests/bench/calls.o tests/bench/descent.h
	$(call say,build)$(CXX) -Wall -Wextra -I. -g -O2 $(LDFLAGS) -rdynamic -o $@ $(filter-out %.h,$^) -ldl -lpthread

# A program whose loader is not glibc's.
FOREIGN_LOADER := $(BUILD)/tests/foreign/ld-musl-x86_64.so.1
$(BUILD)/tests/foreign/program: $(BUILD)/obj/tests/foreign/loader.o $(FOREIGN_LOADER)
	$(call say,link)$(CC) -nostdlib -pie -Wl,--dynamic-linker=$(abspath $(FOREIGN_LOADER)) -o $@ $<
$(FOREIGN_LOADER): $(BUILD)/obj/tests/foreign/loader.o
	$(call say,link)$(CC) -nostdlib -static-pie -o $@ $<

$(foreach source,$(PACKAGE_SOURCES),$(eval \
	$(BUILD)/tests/packages/$(basename $(notdir $(source))).so: $(source:%.c=$(BUILD)/obj/%.o)))
# The same libraries once more, linked in another way.
$(BUILD)/tests/packages/plugin-now.so $(BUILD)/tests/packages/plugin-linked.so: $(BUILD)/obj/tests/packages/libraries/plugin.o
$(BUILD)/tests/packages/plugin-linked.so: $(BUILD)/tests/packages/lsa_heap_leak.so
$(BUILD)/tests/packages/versioned.so: $(BUILD)/obj/tests/packages/leaks/lsa_heap_leak.o
$(BUILD)/tests/packages/plugin.so: private LDFLAGS += -Wl,-z,lazy
$(BUILD)/tests/packages/plugin-now.so: private LDFLAGS += -Wl,-z,now
$(BUILD)/tests/packages/plugin-linked.so: private LDFLAGS += -Wl,-z,lazy $(call LINKED_TO,)
$(BUILD)/tests/packages/versioned.so: private LDFLAGS += -Wl,--version-script=tests/packages/libraries/versions.map
$(PACKAGES):
	$(call say,link)$(CC) -g $(LDFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^

$(BUILD)/windows/tests/%: private WINDOWS += -O1 -fno-optimize-sibling-calls -Itests/windows
$(BUILD)/windows/tests/host/% $(BUILD)/windows/tests/ap/%: private WINDOWS += -include tests/windows/posix.h
$(BUILD)/tests/packages/fault.dll $(BUILD)/tests/packages/forwarder.dll $(BUILD)/tests/packages/keeper.dll $(BUILD)/tests/packages/guest.dll: \
	$(BUILD)/tests/packages/%.dll: $(BUILD)/windows/tests/windows/%_windows.o
$(BUILD)/tests/packages/guest.dll: $(BUILD)/windows/tests/windows/throwing_windows.o
$(BUILD)/tests/packages/guest.dll: private LDLIBS = -lstdc++
$(BUILD)/windows/%.o: %.cpp
	$(call say,compile)$(MINGW:%gcc=%g++) -O1 -g -Wall -Wextra -I. $(DEPEND) -c -o $@ $<
# Each where the other one was.
$(BUILD)/tests/packages/twin_one.dll $(BUILD)/tests/packages/twin_two.dll: private LDFLAGS += -Wl,--image-base,0x1e0000000
$(foreach source,$(DLL_SOURCES),$(eval \
	$(BUILD)/tests/packages/$(basename $(notdir $(source))).dll: $(source:%.c=$(BUILD)/windows/%.o)))
$(DLLS):
	$(call say,link)$(MINGW) -shared -static $(LDFLAGS) -o $@ $^ $(LDLIBS) -lpthread

# The second one lies beside the package that it is linked to, where Windows looks for it.
$(filter %lsahost.exe %linked.exe,$(EXES)): $(patsubst %.c,$(BUILD)/windows/%.o,$(wildcard tests/host/*.c))
$(BUILD)/tests/pehost.exe: $(BUILD)/windows/tests/windows/host_windows.o $(addprefix $(BUILD)/windows/tests/host/, \
	calls.o client_buffers.o heaps.o journal.o sections.o stripes.o table.o)
$(BUILD)/tests/aphost.exe: $(BUILD)/windows/tests/ap/host.o
$(EXES):
	$(call say,link)$(MINGW) -static -o $@ $^ $(LDLIBS) -lpthread
$(BUILD)/tests/lsahost.exe: private LDLIBS = -Wl,--defsym,SpLsaModeInitialize=0
$(BUILD)/tests/aphost.exe: private LDLIBS = $(patsubst %,-Wl$(comma)--defsym$(comma)LsaAp%=0,InitializePackage LogonUser \
	LogonUserEx CallPackage)
$(BUILD)/tests/packages/lsahost-linked.exe: $(BUILD)/tests/packages/clean.dll
$(BUILD)/tests/bench/calls.exe: $(BUILD)/windows/tests/bench/calls.o $(BUILD)/windows/tests/bench/descent.o
$(BUILD)/tests/bench/calls.exe: private LDLIBS = -Wl,--export-all-symbols
$(BUILD)/windows/tests/bench/%: private WINDOWS += -O2 -include tests/windows/posix.h

# No product, and by no compiler of choice: gcc it is, as for Wine itself.
$(BUILD)/tests/winelib.exe: tests/windows/winelib_host_windows.c tests/windows/winelib_windows.c tests/windows/winelib.h
	$(call say,link)mkdir -p $(BUILD)/tests/winelib && cd $(BUILD)/tests/winelib && \
	gcc $(WINELIB_FLAGS) -o host.o $(abspath $<) && gcc $(WINELIB_FLAGS) -DCALL_IT=winelib_call_native -o native.o $(abspath $(word 2,$^)) && \
	gcc $(WINELIB_FLAGS) -DCALL_IT=winelib_call_windows '-DSECPKG_CALL=__attribute__((ms_abi))' -o windows.o $(abspath $(word 2,$^)) && \
	winegcc -m64 -o ../winelib.exe host.o native.o windows.o -ldl
WINELIB_FLAGS := -std=gnu11 -g -O1 -Wall -Wextra -fPIC -I$(CURDIR) -c

$(BUILDS): $(BUILD)/tests/builds/%/built.so: tests/builds/built.c tests/builds/hostile.c tests/packages/package.h
	$(call say,build)$(CC) $(LANGUAGE) -fPIC $(BUILD_$*) -shared -Wl,--build-id -Wl,-soname,built.so -o $@ \
		$(if $(filter hostile%,$*),tests/builds/hostile.c,$<)

$(STRESS): $(wildcard tests/unwind/*) .ci/stress
	$(call say,link).ci/stress build $(@D) $(CC) $(CXX) -O2

$(WALKS): $(BUILD)/tests/unwind/pe/%.dll: tests/unwind/pe/places_windows.c tests/unwind/pe/frames_windows.S tests/unwind/pe/walk.h tests/unwind/keep.h
	$(call say,link)$(if $(filter clang%,$*),$(CLANG) --target=x86_64-w64-mingw32,$(MINGW)) -std=gnu11 -g -Wall -Wextra \
		-I. -fno-stack-protector $(subst -pointer, -fno-omit-frame-pointer,$(patsubst clang-%,-%,$(patsubst gcc-%,-%,$*))) \
		-c -o $(@:.dll=.o) $< && $(MINGW) -shared -nostdlib -Wl,-e,0 -o $@ $(@:.dll=.o) $(word 2,$^)

$(BUILD)/tests/unwind/pe/host.exe: $(patsubst %,$(BUILD)/windows/tests/unwind/pe/%_windows.o,host rtl)
	$(call say,link)$(MINGW) -static -Wl,--stack,0x8000000 -o $@ $^

$(BUILD)/tests/unwind/pe/compare: $(BUILD)/obj/tests/unwind/pe/compare.o $(BUILD)/viewer.a
	$(call say,link)$(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(VIEWER_LIBS)
