#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# hostile.bats - captures that are cut, shuffled, damaged, or made to hurt; mangle.c says what is held true

load failures

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# $1: the least number of runs for each fixture, the rest: options of mangle. Goes over every
# fixture, on all processors, and says how many runs there were.
mangle_all() {
	local fixtures=("$FIXTURES"/*/input) status=0 runs least=$1
	shift
	printf '%s\0' "${fixtures[@]}" |
		xargs -0 -n 4 -P "$(nproc)" "$B/mangle" "$@" >out 2>err || status=$?
	grep -E ': |Sanitizer|    #[0-9] ' err | head -n 40 || true
	((status == 0))
	(($(grep -c ' runs of ' out) == ${#fixtures[@]}))
	runs=$(awk '/ runs, / { n += $1 } END { print n }' out)
	echo "# $runs runs over ${#fixtures[@]} fixtures" >&3
	((runs > least * ${#fixtures[@]}))
}

@test "every fixture, cut at every line, shuffled and damaged, in one process" {
	mangle_all 200
}

@test "fifty cuts of every fixture, and some damage, through the real program" {
	local n=50
	# To start under a sanitizer takes long, and the test above has been everywhere.
	[[ -z ${SAN:-} ]] || n=12
	mangle_all "$n" -x "$LNKINSPECT" -n "$n"
}

@test "decoded text, cut at every line, shuffled and damaged: no register is invented" {
	local name n=100
	[[ -z ${SAN:-} ]] || n=30
	for name in origin guest-seed-x3130-switch-ep-8x16 lnk009-slot-down lnk105-link-registers \
		lnk304-aspm-port lnk402-uncorrectable lnk403-lane-errors; do
		lspci -F "$FIXTURES/$name/input" -D -nn -vv >"$name" 2>/dev/null
		"$B/mangle" -n "$n" "$name" >out 2>err || fail "$name: $(grep -m 3 -v ' runs' err)"
		(($(awk '/ runs, / { print $1 }' out) > 2 * $(wc -l <"$name"))) || fail "$name: $(cat out)"
	done
	finish
}

# Runs the program with arguments $@ within 30 seconds: status in $status, words in ./out, ./err.
run_it() {
	status=0
	timeout 30 "$LNKINSPECT" "$@" >out 2>err </dev/null || status=$?
	! grep -E 'Sanitizer|runtime error' err || fail "$*: a sanitizer speaks"
	if [[ $status == 2 && ! -s err ]]; then
		fail "$*: status 2 without a word"
	fi
}

# $1: what it is about; the program must refuse with status 2
refuses() {
	run_it -F "$1"
	[[ $status == 2 ]] || fail "$1: status $status"
}

@test "what is no capture at all is an error with words" {
	: >empty
	printf '\0\0\0\0' >nul
	head -c 100000 /dev/zero >zeros
	printf '\n\n\n' >blank
	printf 'Dear all,\nmy card is slow.\n' >letter
	printf '\x7fELF\x02\x01\x01' >elf
	printf '00: 86 80 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n' >headless
	mkdir directory
	local f
	for f in empty nul zeros blank letter elf headless directory missing; do
		refuses "$f"
	done
	finish
}

@test "size alone does not hurt" {
	local port="00: 36 1b 0c 00 00 00 10 00 00 00 04 06 00 00 01 00"
	head -c 50000000 /dev/zero | tr '\0' 'a' >one-line
	head -c 50000000 /dev/zero | tr '\0' '\n' >newlines
	yes '01:00.0 0300: 10de:1b80' | head -n 200000 >one-address
	yes "$port" | sed '1i 00:01.0 0604: 1b36:000c' | head -n 200000 >one-row
	{ echo '00:00.0 0600: 8086:29c0 (rev 00)' && cat one-line; } >capture-line
	# 65536 bridges in one domain, each with secondary bus 1
	awk -v row="$port" 'BEGIN {
		for (i = 0; i < 65536; i++) {
			printf "%02x:%02x.%x 0604: 1b36:000c\n%s\n", i / 256, i % 256 / 8, i % 8, row
			printf "10: 00 00 00 00 00 00 00 00 %02x 01 ff 00 00 00 00 00\n\n", i / 256
		}
	}' >bridges
	# as many domains
	awk 'BEGIN {
		for (i = 0; i < 65536; i++) {
			printf "%08x:00:00.0 0600: 8086:29c0\n", i
			printf "00: 86 80 c0 29 00 00 00 00 00 00 00 06 00 00 00 00\n\n"
		}
	}' >domains
	local f format
	for f in one-line newlines one-address one-row capture-line bridges domains; do
		for format in table json junit sarif prometheus ndjson; do
			run_it -n --format="$format" -F "$f"
			((status <= 3)) || fail "$f as $format: status $status"
		done
	done
	finish
}
