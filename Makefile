# SPDX-License-Identifier: GPL-2.0-or-later
# Makefile - builds, checks and installs lnkinspect; "make help" says how

PREFIX = /usr/local
bindir = $(PREFIX)/bin
datadir = $(PREFIX)/share
mandir = $(datadir)/man
docdir = $(datadir)/doc/lnkinspect
pkgdatadir = $(datadir)/lnkinspect
completionsdir = $(datadir)/bash-completion/completions
zshdir = $(datadir)/zsh/site-functions

# Where things are built, and with which sanitizers. check-asan and fuzz have trees of their own.
B = build
SAN =
ifneq ($(filter check-asan,$(MAKECMDGOALS)),)
ifneq ($(filter-out check-asan,$(MAKECMDGOALS)),)
$(error check-asan builds another tree: run it alone)
endif
B = build/asan
SAN = address,undefined
endif
ifneq ($(filter fuzz,$(MAKECMDGOALS)),)
ifneq ($(filter-out fuzz,$(MAKECMDGOALS)),)
$(error fuzz builds another tree: run it alone)
endif
B = build/fuzz
SAN = address,undefined,fuzzer-no-link
CC = clang
has_fuzzer := $(shell echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
		$(CC) -fsanitize=fuzzer -x c -o /dev/null - 2>/dev/null && echo yes)
$(if $(has_fuzzer),,$(error $(CC) with libFuzzer is missing: \
	apt-get install clang libclang-rt-dev))
endif

# CFLAGS, CPPFLAGS and LDFLAGS belong to whoever builds; what the program needs is added to them.
CFLAGS ?= -O2 -g
PKG_CONFIG ?= pkg-config
BATS ?= bats
VALGRIND ?= valgrind
INSTALL ?= install

# ---- Libraries -----------------------------------------------------------------------------
# pkg-config's name : Debian's package
libraries := libpci:libpci-dev libudev:libudev-dev smartcols:libsmartcols-dev \
	     jansson:libjansson-dev
# Their headers only: archive.c and live-journal.c load them.
loaded := libarchive:libarchive-dev libsystemd:libsystemd-dev

# $(call need,NAME,PACKAGE): ends with one line if the library is missing
need = $(if $(shell $(PKG_CONFIG) --exists $1 && echo yes),,$(error \
	the library $1 is missing: apt-get install $2))

# Those that build nothing ask for no library.
builds := $(filter-out clean dist help uninstall,$(or $(MAKECMDGOALS),all))
ifneq ($(builds),)
$(if $(shell command -v $(PKG_CONFIG)),,$(error pkg-config is missing: apt-get install pkgconf))
$(foreach l,$(libraries) $(loaded),$(call need,$(firstword $(subst :, ,$l)),$(lastword $(subst :, ,$l))))
names = $(foreach l,$1,$(firstword $(subst :, ,$l)))
lib_cflags := $(shell $(PKG_CONFIG) --cflags $(call names,$(libraries) $(loaded)))
lib_libs := $(shell $(PKG_CONFIG) --libs $(call names,$(libraries)))
endif

# ---- Flags ---------------------------------------------------------------------------------
warnings := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wformat=2 $(if $(WERROR),-Werror)
sanitize := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
compile = $(CC) -std=c11 -D_GNU_SOURCE $(warnings) $(sanitize) $(lib_cflags) -Isrc -MMD -MP \
	  $(CPPFLAGS) $(CFLAGS)
link = $(CC) $(sanitize) $(CFLAGS) $(LDFLAGS)

# ---- What there is -------------------------------------------------------------------------
program := $(B)/lnkinspect
objects := $(patsubst src/%.c,$(B)/obj/%.o,$(wildcard src/*.c))
tools := $(B)/gen $(B)/mangle $(B)/bench/gen $(B)/bench/floor

specs := $(patsubst tests/fixtures/%/spec,%,$(wildcard tests/fixtures/*/spec))
inputs := $(patsubst tests/fixtures/%/input,%,$(wildcard tests/fixtures/*/input))
fixtures := $(patsubst %,$(B)/fixtures/%/input,$(specs) $(inputs))
both := $(filter $(specs),$(inputs))
$(if $(both),$(error tests/fixtures: spec and input beside each other in $(both)))

## all			the program, build/lnkinspect (the default)
.PHONY: all
all: $(program)

$(program): $(objects)
	$(link) -o $@ $(objects) $(lib_libs) $(LDLIBS)

$(B)/obj/%.o: src/%.c $(B)/flags Makefile
	@mkdir -p $(@D)
	$(compile) -c -o $@ $<

# Other flags than last time are a reason to build again.
ifneq ($(builds),)
flags := $(strip $(compile) $(link) $(lib_libs) $(LDLIBS))
ifneq ($(file <$(B)/flags),$(flags))
$(shell mkdir -p $(B))
$(file >$(B)/flags,$(flags))
endif
endif
$(B)/flags: ;

## tools			what the tests and benchmarks run beside it
.PHONY: tools
tools: $(tools)

# ---- Tests ---------------------------------------------------------------------------------
$(B)/gen: tests/gen.c $(B)/flags
	@mkdir -p $(B)/obj/tests
	$(compile) $(LDFLAGS) -MF $(B)/obj/tests/gen.d -MT $@ -o $@ $<

$(B)/obj/tests/%.o: tests/%.c $(B)/flags
	@mkdir -p $(@D)
	$(compile) -c -o $@ $<

# Everything but the command line and what it sets going.
parts := $(filter-out $(addprefix $(B)/obj/,lnkinspect.o run.o monitor.o),$(objects))

$(B)/mangle: $(addprefix $(B)/obj/tests/,mangle.o oracle.o) $(parts)
	$(link) -o $@ $^ $(lib_libs) $(LDLIBS)

$(B)/bench/%: bench/%.c $(B)/flags
	@mkdir -p $(@D) $(B)/obj/bench
	$(compile) $(LDFLAGS) -MF $(B)/obj/bench/$*.d -MT $@ -o $@ $<

$(B)/fixtures/%/input: tests/fixtures/%/spec $(B)/gen
	@mkdir -p $(@D)
	@$(B)/gen <$< >$@.new || { echo "in $<" >&2; rm -f $@.new; exit 1; }
	@mv $@.new $@

$(B)/fixtures/%/input: tests/fixtures/%/input
	@mkdir -p $(@D)
	@cp $< $@

## fixtures		the captures that the tests read, in build/fixtures/NAME/input
.PHONY: fixtures
fixtures: $(fixtures)
	@$(if $(stale),rm -rf $(stale))

stale = $(patsubst %/input,%,$(filter-out $(fixtures),$(wildcard $(B)/fixtures/*/input)))

## check			all tests; one file: make check T=tests/rules.bats
## check-asan		the same with AddressSanitizer and UBSan, in build/asan
T = tests
.PHONY: check check-asan
check check-asan: $(program) $(tools) fixtures
	LNKINSPECT=$(abspath $(program)) FIXTURES=$(abspath $(B)/fixtures) B=$(abspath $(B)) \
		SAN=$(SAN) $(sanitizer_options) $(BATS) $(BATSFLAGS) $(T)

## check-integration	what is built around it, run by the programs that it is for; one file: T=...
.PHONY: check-integration
check-integration: T = tests/integration
check-integration: $(program) $(tools) fixtures
	LNKINSPECT=$(abspath $(program)) FIXTURES=$(abspath $(B)/fixtures) B=$(abspath $(B)) \
		$(BATS) $(BATSFLAGS) $(T)

# 99 is none of our exit statuses. Memory that was freed is kept apart for a while: less of it than
# usual is faster by half, with captures that live for a millisecond.
sanitizer_options := $(if $(SAN),ASAN_OPTIONS=exitcode=99:quarantine_size_mb=16 \
	LSAN_OPTIONS=exitcode=99 \
	UBSAN_OPTIONS=exitcode=99:print_stacktrace=1)

## check-valgrind		memcheck of the program over every fixture in every format
.PHONY: check-valgrind
check-valgrind: $(program) fixtures
	@VALGRIND=$(VALGRIND) tests/memcheck $(program) $(fixtures)

fuzz_targets := text config input options compare
fuzzers := $(addprefix $(B)/fuzz-,$(fuzz_targets))

# What looks at this machine is no part of it.
$(fuzzers): $(B)/fuzz-%: $(addprefix $(B)/obj/tests/,fuzz/%.o fuzz/fuzz.o oracle.o) \
	    $(filter-out $(addprefix $(B)/obj/,source-live.o hwdb.o command.o \
		$(addsuffix .o,$(addprefix live-,env events journal log poll sample settle tools))),$(parts))
	$(link) -fsanitize=fuzzer -o $@ $^ $(lib_libs) $(LDLIBS)

## fuzz			libFuzzer, FUZZ_SECONDS (60) for each FUZZ_TARGET (all), in build/fuzz
FUZZ_SECONDS = 60
FUZZ_TARGET = $(fuzz_targets)
.PHONY: fuzz
fuzz: $(fuzzers) fixtures
	tests/fuzz/run $(B) $(FUZZ_SECONDS) $(FUZZ_TARGET)

## check-guest		lnkinspect in guests that QEMU boots; tests/guest/setup fetches what it takes
.PHONY: check-guest
check-guest: $(program)
	LNKINSPECT=$(program) B=$(B) tests/guest/check

## docs			what the program says in docs/: the pages on the rules, examples
.PHONY: docs
docs: $(program) fixtures
	LNKINSPECT=$(abspath $(program)) FIXTURES=$(abspath $(B)/fixtures) tests/make-docs docs

## bench			speed beside lspci and a bare loop, in ten minutes; writes bench/RESULTS.md
.PHONY: bench
bench: $(program) $(tools) fixtures
	LNKINSPECT=$(abspath $(program)) B=$(abspath $(B)) CC='$(CC)' CFLAGS='$(CFLAGS)' bench/run

# ---- Lint ----------------------------------------------------------------------------------
c_files := $(wildcard src/*.[ch] tests/*.[ch] tests/fuzz/*.[ch] bench/*.c)
shell_files := $(wildcard tests/*.bats tests/*.bash tests/integration/*.bats completions/*.bash \
	       tests/guest/setup* tests/guest/init* tests/integration/*.bash) \
	       .ci/run tests/layers tests/memcheck tests/fuzz/run tests/integration/elsewhere \
	       contrib/ci/build contrib/ci/judge debian/tests/installed
python_files := $(wildcard tests/*.py tests/integration/*.py tests/guest/*.py) tests/guest/check \
		tests/guest/reports bench/run tests/make-docs
lints := lint-format lint-shell lint-python lint-cppcheck lint-layers lint-man

## lint			format, shellcheck, pyflakes, cppcheck, layers (who may know whom), manual
.PHONY: lint $(lints)
lint: $(lints)

lint-format:
	clang-format --dry-run -Werror $(c_files)

# 2030, 2031: it does not know how bats sets $$output.
lint-shell:
	shellcheck -x -e SC2030,SC2031 $(shell_files)

lint-python:
	pyflakes3 $(python_files)

# missingIncludeSystem: cppcheck brings its own idea of libc, and knows no other headers.
lint-cppcheck:
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --language=c -D_GNU_SOURCE \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		-Isrc $(filter %.c,$(c_files))

lint-layers: $(objects)
	tests/layers $(B)/obj

lint-man:
	mandoc -Tlint -Wwarning man/lnkinspect.1

# ---- Install -------------------------------------------------------------------------------
# source : directory : mode : name
files = $(program):$(bindir):755:lnkinspect \
	man/lnkinspect.1:$(mandir)/man1:644:lnkinspect.1 \
	completions/lnkinspect.bash:$(completionsdir):644:lnkinspect \
	completions/_lnkinspect:$(zshdir):644:_lnkinspect \
	$(foreach f,LICENSE NEWS README.md,$f:$(docdir):644:$f) \
	tests/fixtures/origin/input:$(docdir)/examples:644:origin.txt \
	tests/fixtures/origin/README:$(docdir)/examples:644:origin.README \
	$(call below,contrib,$(docdir)/examples) $(call below,docs,$(docdir)/docs) \
	$(call below,schema,$(pkgdatadir)/schema)
part = $(word $1,$(subst :, ,$f))
target = "$(DESTDIR)$(call part,2)/$(call part,4)"

# $(call below,FOLDER,DIRECTORY): all files below FOLDER, with its folders and their modes
below = $(call rows,$1,$2,644,! -perm -u+x) $(call rows,$1,$2,755,-perm -u+x)
rows = $(foreach s,$(shell test ! -d $1 || find $1 -type f $4 ! -name '*~' ! -name '*.pyc'),\
	$s:$2:$3:$(patsubst $1/%,%,$s))

## install		program, manual, completions, documents, examples below DESTDIR and PREFIX
.PHONY: install
install: $(program)
	$(foreach f,$(files),$(INSTALL) -D -m $(call part,3) $(call part,1) $(target) &&) true

# Folders that are ours alone go, too, once they are empty.
## uninstall		what install put there
.PHONY: uninstall
uninstall:
	rm -f $(foreach f,$(files),$(target))
	find "$(DESTDIR)$(docdir)/examples" "$(DESTDIR)$(docdir)/docs" "$(DESTDIR)$(pkgdatadir)" \
		-depth -type d -empty -delete 2>/dev/null || :
	rmdir "$(DESTDIR)$(docdir)" 2>/dev/null || :

# ---- Source --------------------------------------------------------------------------------
version = $(shell sed -n 's/^.define LNK_VERSION "\(.*\)"$$/\1/p' src/lnkinspect.h)
named = lnkinspect-$(version)

# The same commit gives the same bytes, whoever's clone, umask and time zone it is.
## dist			the last commit as build/lnkinspect-VERSION.tar.xz; needs git
.PHONY: dist
dist:
	@at=$$(git rev-parse --show-prefix) && test -z "$$at" || { \
		echo "dist: no clone of the repository; git knows which files belong to it" >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || echo "dist: without what is not committed" >&2
	rm -rf $(B)/dist
	mkdir -p $(B)/dist
	git archive --prefix=$(named)/ HEAD | tar -C $(B)/dist -xf -
	LC_ALL=C tar -C $(B)/dist --format=ustar --sort=name --mode=u=rwX,go=rX --owner=0 --group=0 \
		--numeric-owner --mtime=@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} \
		-cf $(B)/$(named).tar $(named)
	xz -9 -T1 -f $(B)/$(named).tar
	rm -rf $(B)/dist

## clean			all that was built
.PHONY: clean
clean:
	rm -rf $(foreach b,$(B) $(B)/asan,$b/obj $b/fixtures $b/flags $b/lnkinspect \
		$b/gen $b/mangle $b/bench)
	rm -rf $(B)/asan $(B)/fuzz $(B)/dist $(B)/$(named).tar*
	rmdir $(B) 2>/dev/null || :

## help			this list
.PHONY: help
help:
	@sed -n 's/^## //p' Makefile
	@echo
	@echo "Variables: CC CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR; WERROR=1: warnings are errors;"
	@echo "B=DIR: where to build; SAN=address,undefined: with these sanitizers"

.DELETE_ON_ERROR:
-include $(wildcard $(B)/obj/*.d $(B)/obj/tests/*.d $(B)/obj/tests/fuzz/*.d \
	    $(B)/obj/bench/*.d)
