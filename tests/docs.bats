#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# docs.bats - what README, manual, --help and completion say is so, and their examples run
#
# The commands of README.md run in a clean copy of the tree. apt-get and sudo are stand-ins that note
# what they were asked for; everything else is real. "make check" is not run here: it runs this file.

bats_require_minimum_version 1.5.0
load failures

# The blocks of language $2 of the Markdown file $1, each ended by a NUL.
blocks() {
	awk -v language="\`\`\`$2" '
		$0 == language { inside = 1; next }
		inside && $0 == "```" { inside = 0; printf "%c", 0; next }
		inside { print }' "$1"
}

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	# A make above this one must not hand down its options.
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN
	export ROOT=$BATS_TEST_DIRNAME/.. COPY=$BATS_FILE_TMPDIR/copy STUBS=$BATS_FILE_TMPDIR/stubs
	export ASKED=$BATS_FILE_TMPDIR/asked PREFIXED=$BATS_FILE_TMPDIR/prefix
	local sh
	mkdir "$COPY" "$STUBS"
	tar -C "$ROOT" --exclude=./build --exclude=./.git -cf - . | tar -C "$COPY" -xf -
	# shellcheck disable=SC2016 # it is the stand-in that expands it
	printf '#!/bin/sh\necho "$@" >>"$ASKED"\n' >"$STUBS/apt-get"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nexec "$@"\n' >"$STUBS/sudo"
	chmod +x "$STUBS"/*
	# The long ones, once: what came of them is for the tests to judge. -O0: the compiler's time is
	# not what is tested.
	mapfile -d '' -t sh < <(blocks "$ROOT/README.md" sh)
	(cd "$COPY" && CFLAGS=-O0 COLUMNS=100 LC_ALL=C.UTF-8 PATH=$STUBS:$PATH bash -c "${sh[0]}") \
		>"$BATS_FILE_TMPDIR/first.out" 2>"$BATS_FILE_TMPDIR/first.err" </dev/null ||
		echo $? >"$BATS_FILE_TMPDIR/first.status"
	(cd "$COPY" && CFLAGS=-O0 MAKEFLAGS="PREFIX=$PREFIXED" PATH=$STUBS:$PATH bash -c "${sh[2]}") \
		>"$BATS_FILE_TMPDIR/install.out" 2>&1 </dev/null || true
}

setup() {
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN
	unset NO_COLOR TERM COLUMNS
	export LC_ALL=C.UTF-8
	bin=$PREFIXED/bin
	mapfile -d '' -t sh < <(blocks "$ROOT/README.md" sh)
	mapfile -d '' -t text < <(blocks "$ROOT/README.md" text)
	cd "$BATS_TEST_TMPDIR" || return 1
}

# What is captured on this machine and said to be of the machine in question becomes the bundled
# capture, so that what follows has something to find. $1: the file
swap_capture() {
	local status=0
	[[ -s $1 ]] || fail "$1 was not written"
	"$LNKINSPECT" -q -F "$1" >swapped 2>&1 || status=$?
	[[ $status == [013] ]] || fail "$1 is no capture: $(cat swapped)"
	cp "$FIXTURES/origin/input" "$1"
}

# The files that the examples of --compare name.
put_captures() {
	cp "$FIXTURES/compare-guest-legacy/input" guest.txt
	cp "$FIXTURES/compare-host/input" host.txt
	cp "$FIXTURES/qemu-origin-legacy/input" before.txt
	cp "$FIXTURES/qemu-origin-mended/input" after.txt
}

# Runs the command $1 as a user would type it. Nothing that we show ends in trouble.
show() {
	local status=0
	PATH=$bin:$PATH bash -c "$1" >out 2>err </dev/null || status=$?
	# 3 only for this machine, which may be asleep in part or not be ours to read.
	if [[ $status != [01] && ($status != 3 || $1 == *"-F "*) ]]; then
		fail "status $status: $1"
	fi
	# lspci has its own, of things that are not there.
	[[ ! -s err || $1 == "lspci "* ]] || fail "words of trouble: $1: $(head -n 2 err)"
}

# ---- README.md --------------------------------------------------------------------------------

@test "README: the first command installs, builds and shows what it says" {
	[[ ${sh[0]} == *"apt-get install"*"make"*"build/lnkinspect -F tests/fixtures/origin/input"* ]]
	# LNK001 is an error: one finding at or above warning
	[[ $(cat "$BATS_FILE_TMPDIR/first.status") == 1 ]] || cat "$BATS_FILE_TMPDIR"/first.{out,err}
	[[ -x $COPY/build/lnkinspect ]]
	sed -n '/^tests\/fixtures\/origin\/input: /,$s/ *$//p' "$BATS_FILE_TMPDIR/first.out" >shown
	grep -q 'LNK001 error' shown
	diff shown - <<<"${text[0]%$'\n'}"
	[[ $(sed -n 1p "$ASKED") == update ]]
	[[ $(sed -n 2p "$ASKED") == install* && $(wc -l <"$ASKED") == 2 ]]
}

@test "README: the packages are those of .ci, but for what only lint and sanitizers need" {
	local all
	grep -o '^[a-z0-9.+-]*' "$ROOT/.ci/packages" | sort >build
	grep -ho '^[a-z0-9.+-]*' "$ROOT/.ci/packages" "$ROOT/.ci/packages-test" | sort >all
	# The command, as the shell takes it apart.
	all=$(sed -n '/apt-get install/,/&&/p' <<<"${sh[0]}" | tr -d '\\&' | tr '\n\t' '  ')
	tr ' ' '\n' <<<"${all##*--no-install-recommends}" | grep . | sort >readme
	[[ -s build && -s readme ]]
	[[ -z $(comm -23 build readme) ]] || fail "not in README: $(comm -23 build readme)"
	# HACKING.md names the rest.
	sed -n 's/^apt-get install -y --no-install-recommends //p' "$ROOT/HACKING.md" | tr ' ' '\n' |
		sort >hacking
	[[ -s hacking && -z $(comm -12 readme hacking) ]] || fail "twice: $(comm -12 readme hacking)"
	diff all <(sort readme hacking) || fail "README and HACKING are not the lists of .ci"
	finish
}

@test "README: the second command runs the tests, as CI does" {
	[[ ${sh[1]} == $'make check\n' ]]
	grep -q "make check\$" "$ROOT/.ci/run"
}

@test "README: make install puts program, manual and completion where they are found" {
	[[ ${sh[2]} == *"make install"* ]]
	cat "$BATS_FILE_TMPDIR/install.out"
	"$PREFIXED/bin/lnkinspect" --version
	[[ -s $PREFIXED/share/man/man1/lnkinspect.1 ]]
	[[ -s $PREFIXED/share/bash-completion/completions/lnkinspect ]]
	[[ -s $PREFIXED/share/zsh/site-functions/_lnkinspect ]]
	"$PREFIXED/bin/lnkinspect" -q -F "$PREFIXED/share/doc/lnkinspect/examples/origin.txt" |
		grep -q '^LNK001 error '
}

@test "README: every other command runs" {
	local i line n=0
	[[ -x $bin/lnkinspect ]]
	put_captures
	for ((i = 3; i < ${#sh[@]}; i++)); do
		while IFS= read -r line; do
			[[ $line ]] || continue
			n=$((n + 1))
			show "$line"
			case $line in
			'lspci -vvxxxx > machine.txt' | 'lnkinspect --capture=machine.txt'*)
				swap_capture machine.txt
				;;
			*'|| echo "status $?"')
				[[ $(tail -n 1 out) == 'status 1' || $line == *json* ]] || fail "$line"
				;;
			esac
			case $line in
			'jq '*'.findings[]'*) cp out findings ;;
			'jq '*fleet.ndjson) cp out fleet ;;
			'jq '*kernel_line*) cp out kernel ;;
			'lnkinspect -F machine.txt -s '*) cp out registers ;;
			'lnkinspect -q --ignore'*) [[ ! -s out ]] || fail "not ignored: $(cat out)" ;;
			esac
		done <<<"${sh[i]}"
	done
	((n >= 17)) || fail "only $n commands"
	grep -q $'^LNK001\terror\t0000:00:01.0\t0000:01:00.0$' findings || fail "findings: $(cat findings)"
	grep -qx $'machine\t0000:00:01.0>0000:01:00.0\tLNK001,LNK203' fleet || fail "fleet: $(cat fleet)"
	# The rates of the kernel's log: 2000 Mb/s and 16 * 7876 Mb/s.
	[[ $(cat kernel) == "2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at \
0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)" ]] || fail "kernel: $(cat kernel)"
	grep -q 'LNKCAP .*00000503' registers || fail "registers: $(cat registers)"
	finish
}

@test "README: before and after are what the two guests captured" {
	local what name
	while read -r what name; do
		COLUMNS=100 LC_ALL=C.UTF-8 "$LNKINSPECT" -F "$FIXTURES/$name/input" >out || true
		sed -n '/^LINK /,/^$/{/^$/d;s/ *$//p}' out >table
		sed -n "/^<!-- $what -->$/,/^\`\`\`$/p" "$ROOT/README.md" | grep -v '^<!--\|^```' >readme
		[[ -s table ]]
		diff table readme || fail "$what"
	done <<-'END'
		before qemu-origin-legacy
		after qemu-origin-mended
	END
	grep -q 'LNK001' <(sed -n '/^<!-- before/,/^<!-- after/p' "$ROOT/README.md") || fail 'not before'
	finish
}

@test "README: the rule table is that of --rules" {
	sed -n '/^<!-- rules -->$/,/^<!-- end -->$/p' "$ROOT/README.md" |
		sed -nE 's,^\| \[(LNK[0-9]*)\]\(docs/rules/\1\.md\) \| ([a-z]*) \| ([a-z-]*) \| (.*) \|$,\1 \2 \3 \4,p' >readme
	"$LNKINSPECT" --rules | tr -s ' ' >rules
	[[ -s rules ]]
	diff rules readme
}

@test "README and manual say the exit statuses, all four" {
	diff <(sed -n 's/^| \([0-9]\) | .*/\1/p' "$ROOT/README.md") <(printf '%s\n' 0 1 2 3)
	diff <(manual | sed -n '/^EXIT STATUS/,/^EXAMPLES/{s/^ \{5\}\([0-9]\) .*/\1/p}') \
		<(printf '%s\n' 0 1 2 3)
}

@test "files, rules and options that the documents name exist" {
	local file name
	for file in README.md HACKING.md NEWS man/lnkinspect.1; do
		[[ -s $ROOT/$file ]] || fail "$file is missing"
	done
	while IFS=: read -r file name; do
		"$LNKINSPECT" --explain "$name" >/dev/null || fail "$file: $name"
	done < <(cd "$ROOT" && grep -oE 'LNK[0-9]{3}' README.md HACKING.md NEWS man/lnkinspect.1 | sort -u)
	"$LNKINSPECT" --help | grep -oE -- '--[a-z]+[a-z-]*' | sort -u >options
	while IFS=: read -r file name; do
		grep -qx -e "$name" options || fail "$file: $name"
	done < <(cd "$ROOT" && sed 's/\\-/-/g' man/lnkinspect.1 | grep -v 'cp --parents' |
		cat - <(grep -v apt-get README.md | sed 's/--no-install-recommends//') NEWS |
		grep -oE -- '(^|[ `=])--[a-z]+[a-z-]*' | grep -oE -- '--.*' | sort -u | sed 's/^/documents:/')
	[[ $(wc -l <options) -ge 20 ]] || fail "options of --help: $(cat options)"
	finish
}

@test "HACKING: every source file and every make target that it names, and none is forgotten" {
	local name
	for name in "$ROOT"/src/*.[ch]; do
		name=$(basename "$name")
		grep -q -F "\`$name\`" "$ROOT/HACKING.md" || fail "HACKING.md does not name $name"
	done
	while read -r name; do
		[[ -e $ROOT/src/$name || -e $ROOT/tests/$name || -e $ROOT/tests/integration/$name ]] ||
			fail "no file $name"
	done < <(tr '`' '\n' <"$ROOT/HACKING.md" | grep -xE '[a-z0-9-]+\.(c|h|bats|bash)' | sort -u)
	while read -r name; do
		grep -qE "^## $name\\>" "$ROOT/Makefile" || grep -qE "^([a-z -]*\\b)?$name\\b.*:" "$ROOT/Makefile" ||
			fail "no target $name"
	done < <(tr '`' '\n' <"$ROOT/HACKING.md" | grep -oE '^( {4})?make [a-z-]+' | grep -o '[a-z-]*$' | sort -u)
	finish
}

@test "the documents speak of the project alone" {
	run ! grep -rnEi '/work/|\.\./shared|/root/|/home/' "$ROOT"/{README.md,HACKING.md,NEWS} \
		"$ROOT/man/lnkinspect.1" "$ROOT"/{completions,contrib/ci,debian}
}

# ---- The manual -------------------------------------------------------------------------------

# The manual as text, wide enough that nothing is folded.
manual() {
	mandoc -Tutf8 -Owidth=200 "$ROOT/man/lnkinspect.1" | sed 's/.\x08//g'
}

@test "the manual has nothing that mandoc would mend" {
	run -0 mandoc -Tlint -Wall "$ROOT/man/lnkinspect.1"
	[[ $output == "" ]]
}

@test "the manual's examples run" {
	local line n=0
	mkdir bin
	cp "$LNKINSPECT" bin/lnkinspect
	bin=$PWD/bin
	put_captures
	while IFS= read -r line; do
		n=$((n + 1))
		show "$line"
		case $line in
		*'> capture.txt' | 'lnkinspect --capture=capture.txt'*)
			swap_capture capture.txt
			gzip -c capture.txt >capture.txt.gz
			;;
		*' -d 10de::03xx') ! grep -q LNK001 out || fail "$line: it is no display controller" ;;
		*'> capture.sarif') jq -e '.runs[0].results | length == 2' capture.sarif >/dev/null || fail "$line" ;;
		*--write-expect*) grep -q '^LNK001@' capture.expect || fail "$line" ;;
		*--expect*) grep -q '^Held against capture.expect: 2 found\.$' out || fail "$line" ;;
		*' -F '*--ignore*) grep -q 'LNK001 error' out || fail "$line: $(cat out)" ;;
		*jq*) jq -e '.[0].limited_by.address == "0000:00:01.0"' out || fail "$line: $(cat out)" ;;
		*' -F '*) grep -q 'LNK001 error' out || fail "$line: $(cat out)" ;;
		esac
	done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE ALSO/s/^\.Dl //p' "$ROOT/man/lnkinspect.1")
	((n == 21)) || fail "$n examples"
	finish
}

@test "the manual names the keys of a capture, all that are written and no other" {
	sed -n '/^\.Sh CAPTURES/,/^\.Sh ENVIRONMENT/s/^\.It //p' "$ROOT/man/lnkinspect.1" |
		sed 's/ , /\n/g' | sort >in-manual
	{ grep -oE 'put_(link_)?fact\(to, "[a-z_]+"' "$ROOT/src/report-dump.c" | cut -d '"' -f 2 &&
		grep -oE '"# [a-z_]+:' "$ROOT/src/report-dump.c" | tr -d '"# :'; } | sort -u >written
	(($(wc -l <written) >= 15))
	diff written in-manual
}

# ---- --help, manual and completion agree ------------------------------------------------------

# Options as --help writes them: "-F --from-dump=FILE", one option a line.
help_options() {
	"$LNKINSPECT" --help | sed -nE 's/^ {2,6}((-[^-]), )?(--[^ ]+)( .*)?$/\2 \3/p' | sed 's/^ //'
}

@test "--help and the manual name the same options with the same arguments" {
	help_options | sort >help
	# The manual writes the argument behind the short option as well.
	manual | sed -n '/^   What to look at/,/^OUTPUT/p' |
		sed -nE 's/^ {5}(-[^-]) ?[^ ,]*, (--[^ ]+).*$/\1 \2/p; s/^ {5}(--[^ ]+).*$/\1/p' | sort >in-manual
	(($(wc -l <help) == 34)) || fail "$(wc -l <help) options in --help"
	diff help in-manual || fail "they differ"
	finish
}

# Sets COMPREPLY for the words $@, of which the last is being typed.
complete_words() {
	local COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	# shellcheck source=completions/lnkinspect.bash
	source "$ROOT/completions/lnkinspect.bash"
	# compopt fails where nobody presses a key.
	_lnkinspect "$LNKINSPECT" "${!#}" "${*: -2:1}" || true
}

# Completing the words behind $1 must give the words of $1.
completes() {
	local want=$1 got
	shift
	complete_words lnkinspect "$@"
	got=${COMPREPLY[*]}
	[[ $got == "$want" ]] || fail "$*: \"$got\", not \"$want\""
}

@test "--help and the completion name the same options, and the same of them take arguments" {
	complete_words lnkinspect -
	printf '%s\n' "${COMPREPLY[@]}" | sort >completion
	help_options | tr ' ' '\n' | sed 's/=.*/=/' | sort >help
	diff help completion || fail "they differ"
	# Nothing but options can be typed there.
	complete_words lnkinspect ''
	diff <(printf '%s\n' "${COMPREPLY[@]}" | sort) completion || fail "an empty word"
	finish
}

@test "completion: options" {
	completes '--format=' --fo
	completes '--tree' --tr
	completes '--capture=' -q --cap
	completes '' --nonsense
	completes '--redact --rules' --r
	finish
}

@test "completion: arguments" {
	local rules
	rules=$("$LNKINSPECT" --rules | cut -d ' ' -f 1 | tr '\n' ' ')
	completes 'table tree json junit sarif prometheus ndjson html' --format = ''
	completes 'table tree json junit sarif prometheus ndjson html' --format =
	completes 'tree' --format = tr
	completes 'json junit' -q --format j
	completes 'auto always never' --color = ''
	completes 'error warning notice never' --fail-on = ''
	completes 'error' --fail-on e
	completes 'qemu libvirt proxmox all none' --suggest = ''
	completes 'qemu,libvirt' --suggest = qemu,l
	completes "${rules% }" --only = ''
	completes "${rules% }" --explain = ''
	completes 'LNK301 LNK302 LNK303 LNK304 LNK305 LNK306' --only = LNK3
	completes 'LNK207' --explain = lnk207
	completes 'LNK001,LNK102' --only = LNK001,LNK102
	completes 'LNK001,LNK002,LNK107' --ignore = LNK001,LNK002,LNK107
	completes '' --ignore = LNK001@00
	completes 'sysfs.path=' -O sysfs
	completes 'linux-sysfs linux-proc' -A linux
	completes 'help' --method = he
	completes '' -s 0
	completes '' -j ''
	completes '' --device = 10de
	finish
}

@test "completion: files" {
	mkdir dir 'a dir'
	touch capture.txt 'my capture' other
	completes 'capture.txt' -F cap
	completes 'my capture' --from-dump = my
	completes 'capture.txt' --capture = capt
	completes 'capture.txt' --output = capt
	completes 'dir' -O sysfs.path = d
	completes 'dir' --option = proc.path = d
	complete_words lnkinspect -F ''
	((${#COMPREPLY[@]} == 5)) || fail "-F: ${COMPREPLY[*]}"
	finish
}

@test "completion: loads into a bare bash and is registered for lnkinspect" {
	run -0 env -i bash --norc --noprofile -c \
		"source '$ROOT/completions/lnkinspect.bash' && complete -p lnkinspect"
	[[ $output == "complete -F _lnkinspect lnkinspect" ]]
}
