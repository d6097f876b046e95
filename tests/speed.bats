#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# speed.bats - what judging costs beside a bare loop, counted in instructions; bench/gen, which makes
# the input
#
# How fast it is, "make bench" measures. Here only a change for the worse is noticed.

bats_require_minimum_version 1.5.0
load failures

# The most instructions that -q may take for each of bench/floor's, in hundredths: functions of 256
# bytes, of 4096 bytes. A tenth above what was measured last.
limit_256=345
limit_4096=94

setup() {
	: "${LNKINSPECT:?}" "${B:?}"
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The instructions of the program $@, which may end with status 1: findings.
instructions() {
	local status=0
	valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file=log "$@" >/dev/null ||
		status=$?
	((status <= 1)) || cat log >&2
	sed -n 's/.*Collected : \([0-9]*\)$/\1/p' log
}

# Of $1 more functions of $2 bytes, so that starting does not count; the rest is the program.
instructions_for() {
	local n=$1 bytes=$2 few many
	shift 2
	few=$(instructions "$@" "$n-$bytes")
	many=$(instructions "$@" "$((2 * n))-$bytes")
	echo $((many - few))
}

# In hundredths, for $1 functions of $2 bytes.
ratio() {
	local floor mine
	"$B/bench/gen" "$1" "$2" >"$1-$2"
	"$B/bench/gen" $((2 * $1)) "$2" >"$((2 * $1))-$2"
	floor=$(instructions_for "$1" "$2" "$B/bench/floor")
	mine=$(instructions_for "$1" "$2" "$LNKINSPECT" -q -F)
	((floor > 0 && mine > 0)) || return 1
	echo $((100 * mine / floor))
}

# callgrind cannot run what the sanitizers run: those judge a large capture instead.
@test "-q takes no more instructions than its limits, beside a bare loop; sanitizers find nothing" {
	local small large format
	if [[ -n ${SAN:-} ]]; then
		"$B/bench/gen" 2000 4096 >large
		for format in table tree json; do
			run -1 "$LNKINSPECT" --format="$format" -F large
		done
		return
	fi
	small=$(ratio 1000 256)
	large=$(ratio 500 4096)
	echo "$small of $limit_256 hundredths for 256 bytes, $large of $limit_4096 for 4096"
	((small <= limit_256 && large <= limit_4096))
}

@test "bench/floor reads what it is held against: every function, every link dword" {
	local sum=0 capability status control
	"$B/bench/gen" 2000 256 >capture
	"$LNKINSPECT" --json -F capture >json || (($? == 1))
	jq -r '.captures[0].functions[].registers | select(.LNKCAP)
		| "\(.LNKCAP) \(.LNKSTA) \(.LNKCTL)"' json >registers
	(($(wc -l <registers) > 1000))
	while read -r capability status control; do
		((sum += 16#$capability + 16#$status$control))
	done <registers
	run -0 "$B/bench/floor" capture
	[[ $output == "2000 functions, link sum $(printf %08x $((sum & 0xffffffff)))" ]]
}

@test "bench/gen: as many functions as asked for, of that size, the same bytes each time" {
	local n bytes rows
	while read -r n bytes; do
		"$B/bench/gen" "$n" "$bytes" >capture
		"$B/bench/gen" "$n" "$bytes" | cmp capture - || fail "$n $bytes: not the same twice"
		lspci -n -F capture >list 2>err || fail "$n $bytes: lspci: $(cat err)"
		[[ $(wc -l <list) == "$n" && ! -s err ]] || fail "$n $bytes: $(wc -l <list) functions"
		[[ $(sort -u list | wc -l) == "$n" ]] || fail "$n $bytes: an address comes twice"
		# Only what has an Express capability is larger than 256 bytes.
		rows=$(awk -v want="$((bytes / 16))" '
			/^[0-9a-f]+: / { n++; next }
			n { if (n != want && !(want > 16 && n == 16)) bad++; n = 0 }
			END { print bad + 0 }' capture)
		[[ $rows == 0 ]] || fail "$n $bytes: $rows functions of another size"
	done <<-'END'
		1 64
		20 256
		2500 64
		700 4096
	END
	run -2 "$B/bench/gen" 10 100
	run -2 "$B/bench/gen" 0 256
	run -2 "$B/bench/gen"
	finish
}

@test "bench/gen: one link in a hundred has a finding, in turn of three kinds" {
	local links found
	"$B/bench/gen" 20000 256 >capture
	"$LNKINSPECT" --json -F capture >json || (($? == 1))
	links=$(jq '.captures[0].links | length' json)
	# Fewer lanes, a lower speed, a larger payload; and the end may cut a port from its device.
	found=$(jq -r '.captures[0].findings[] | select(.severity != "info") | .id' json |
		grep -v LNK903 | sort | uniq -c | tr -s ' \n' ' ')
	[[ $found == ' 19 LNK005 19 LNK006 19 LNK305 ' ]]
	((links / 100 == 56 && (links + 50) / 100 == 57))
	# Several domains, switches, VFs.
	jq -e '[.captures[0].functions[].address[:4]] | unique | length > 10' json
	jq -e '[.captures[0].functions[] | select(.quirks | index("vf"))] | length > 1000' json
	jq -e '[.captures[0].functions[] | select(.kind == "switch up")] | length > 100' json
}
