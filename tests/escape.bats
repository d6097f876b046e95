#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# escape.bats - nothing that a stranger wrote reaches a terminal as it stands
#
# Titles, decoded text, a capture's head, damaged rows, file names and options hold control
# characters, escape sequences, bidirectional overrides and invalid UTF-8. In no format, locale or
# error message does such a byte come out.

bats_require_minimum_version 1.5.0

# ESC, BEL, BS, DEL, raw C1, U+009B, U+202E, U+2066, overlong NUL, a surrogate, half a character
evil=$'\e[31mred\e[0m\a\b\x7f\x9b31m\xc2\x9b\xe2\x80\xae\xe2\x81\xa6\xc0\x80\xed\xa0\x80\xe2\x82'

# Says what is wrong with the bytes of file $2, which came from $1.
inspect() {
	local bad
	# All but tab and newline below 20, and DEL; C1 in UTF-8; bidirectional embeddings, overrides,
	# isolates.
	bad='[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]'
	if LC_ALL=C grep -a -q -P "$bad" "$2"; then
		echo "$1: $(LC_ALL=C grep -a -P "$bad" "$2" | head -n 1 | cat -v)"
	fi
	iconv -f UTF-8 -t UTF-8 "$2" >/dev/null 2>&1 || echo "$1: invalid UTF-8"
	# JSON can hide a control character in an escape.
	if LC_ALL=C grep -a -q -i -e '\\u00[01]' -e '\\u007f' -e '\\u00[89]' -e '\\[bfr]' "$2"; then
		echo "$1: a control character as a JSON escape"
	fi
}

# Keeps what is wrong, if anything is, for finish().
blame() {
	[ -z "$1" ] || failures+=$1$'\n'
}

# Runs the program with these arguments; blames what is wrong with its output, and leaves the
# output in $seen, its status in $last. Status over 3: a crash.
check() {
	local status=0 f name
	name=$(printf '%q ' "$@")
	"$LNKINSPECT" "$@" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" </dev/null || status=$?
	((status <= 3)) || blame "$name: status $status"
	for f in out err; do
		blame "$(inspect "$name($f, LC_ALL=${LC_ALL-})" "$BATS_TEST_TMPDIR/$f")"
	done
	runs=$((runs + 1))
	seen=$(LC_ALL=C tr -d '\0' <"$BATS_TEST_TMPDIR/out")$(LC_ALL=C tr -d '\0' <"$BATS_TEST_TMPDIR/err")
	last=$status
}

setup() {
	failures='' runs=0 seen='' last=0
}

finish() {
	echo "$failures"
	[ -z "$failures" ]
}

@test "the inspection sees what it must see" {
	local byte
	for byte in '\x00' '\x07' '\x0d' '\x1b' '\x7f' '\x9b' '\xc2\x9b' '\xe2\x80\xae' '\xe2\x81\xa6' \
		'\xc0\x80' '\xed\xa0\x80' '\\u001b' '\\b'; do
		printf '%b\n' "a${byte}b" >"$BATS_TEST_TMPDIR/f"
		[ -n "$(inspect x "$BATS_TEST_TMPDIR/f")" ] || blame "$byte passes"
	done
	printf 'fine\t\xe2\x94\x9c\xe2\x94\x80 \xc3\xa9 \\x1b\n' >"$BATS_TEST_TMPDIR/f"
	blame "$(inspect fine "$BATS_TEST_TMPDIR/f")"
	finish
}

@test "hostile text in captures comes out escaped in every format" {
	local name format locale options
	for name in esc-head esc-titles esc-text-only esc-nul; do
		[ -f "$FIXTURES/$name/input" ]
		for locale in C C.UTF-8; do
			export LC_ALL=$locale
			for format in --format=table --format=tree --format=json --format=junit \
				--format=sarif --format=prometheus --format=ndjson --format=html -q; do
				for options in '' -n -nn -v; do
					check -F "$FIXTURES/$name/input" "$format" ${options:+"$options"}
				done
			done
			check -F "$FIXTURES/$name/input" -q -v
			check -F "$FIXTURES/$name/input" --tree --color=never -v
		done
	done
	[ "$runs" -eq 304 ]
	finish
}

@test "the finding between the hostile text is still made" {
	local name
	for name in esc-head esc-titles esc-nul; do
		check -F "$FIXTURES/$name/input" -q -n
		[ "$last" -eq 1 ]
		[[ $seen == *"LNK001 error 0000:00:01.0>0000:01:00.0  "* ]]
	done
	finish
}

@test "what is escaped is shown, not dropped; colours of a terminal are" {
	check -F "$FIXTURES/esc-head/input" --json
	[[ $seen == *'red \\x07bell \\x08\\x08 \\x7fdel'* ]]
	check -F "$FIXTURES/esc-head/input"
	[[ $seen == *'red \x07bell \x08\x08 \x7fdel'* ]]
	finish
}

@test "a capture of hostile text holds none, and reads as before" {
	local name out=$BATS_TEST_TMPDIR/capture
	for name in esc-head esc-titles esc-nul; do
		rm -f "$out"
		check -F "$FIXTURES/$name/input" --capture "$out"
		[ -s "$out" ]
		blame "$(inspect "$name: capture" "$out")"
		check -F "$out" -q -n
		[[ $seen == *"LNK001 error 0000:00:01.0>0000:01:00.0  "* ]]
	done
	finish
}

@test "hostile bytes in the file's name" {
	local good=$BATS_TEST_TMPDIR/$evil.txt line=$BATS_TEST_TMPDIR/$'two\nlines\r.txt' option
	cp "$FIXTURES/lnk001-wider-only/input" "$good"
	cp "$FIXTURES/lnk001-wider-only/input" "$line"
	for option in --format=table --format=tree --format=json --format=junit \
		--format=sarif --format=prometheus --format=ndjson --format=html -q; do
		check -F "$good" "$option"
		[ "$last" -eq 1 ]
		check -F "$line" "$option"
		[ "$last" -eq 1 ]
	done
	check -F "$good" --json
	[[ $seen == *'\\x1b[31mred'* ]]
	check -F "$line" --json
	[[ $seen == *'two\\x0alines\\x0d'* ]]
	finish
}

@test "hostile bytes in the file's name, in an error message" {
	local option file=$BATS_TEST_TMPDIR/$evil
	# is not there
	for option in --format=table --format=tree --format=json --format=junit \
		--format=sarif --format=html -q; do
		check -F "$file" "$option"
		[ "$last" -eq 2 ]
		[[ $seen == *'\x1b[31mred'* || $seen == *'\\x1b[31mred'* ]]
	done
	# is a directory
	mkdir "$file"
	check -F "$file"
	[ "$last" -eq 2 ]
	rmdir "$file"
	# is not a capture, is empty
	printf '%s\n' "$evil" >"$file"
	check -F "$file"
	[ "$last" -eq 2 ]
	: >"$file"
	check -F "$file"
	[ "$last" -eq 2 ]
	# cannot be written
	check -F "$FIXTURES/lnk001-wider-only/input" --capture "$BATS_TEST_TMPDIR/no/$evil"
	[ "$last" -eq 2 ]
	finish
}

@test "hostile bytes in the options, in an error message" {
	local option
	for option in --only= --ignore= --ignore=LNK001@ --explain= --format= --fail-on= --color= -s -d; do
		check -F "$FIXTURES/lnk001-wider-only/input" "$option$evil"
		[ "$last" -eq 2 ]
	done
	check -A "$evil"
	[ "$last" -eq 2 ]
	check -O "$evil"
	[ "$last" -eq 2 ]
	check -O "$evil=x"
	[ "$last" -eq 2 ]
	check -O "sysfs.path=/$evil"
	[ "$last" -eq 2 ]
	finish
}
