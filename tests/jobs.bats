#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# jobs.bats - -j: whatever happens beside it, what is printed is what comes without

bats_require_minimum_version 1.5.0
load failures

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" fine
	head -c 30000 /dev/zero | tr '\0' 'x' >words
}

# The arguments $@ print the same bytes and end the same with -j, in numbers $workers, and without.
# Their standard input is the file input.
same() {
	local n want=0 status
	: >>input
	"$LNKINSPECT" "$@" <input >want.out 2>want.err || want=$?
	for n in ${workers:-2 64}; do
		status=0
		"$LNKINSPECT" -j "$n" "$@" <input >out 2>err || status=$?
		[[ $status == "$want" ]] || fail "-j $n $*: status $status, not $want"
		cmp want.out out || fail "-j $n $*: other output"
		cmp want.err err || fail "-j $n $*: other errors: $(diff want.err err | head -n 5)"
	done
}

# Waits up to 20 seconds until the command $@ is true.
wait_for() {
	local tries=200
	until "$@"; do
		((tries-- > 0)) || return 1
		sleep 0.1
	done
}

# The workers of process $1, in the order in which they were started.
workers() {
	cat "/proc/$1/task/$1/children"
}

teardown() {
	local job
	for job in $(jobs -p); do
		kill -9 "$job" 2>/dev/null || true
	done
}

@test "every format, inputs of every kind among each other, some unreadable" {
	local format
	mkdir directory
	cp origin fine directory
	gzip -c origin >origin.gz
	"$B/bench/gen" 400 256 >large
	for format in '' --tree --json -q -v '-q -v' '--json -n' --format=junit --format=sarif \
		--format=ndjson --format=html --color=always --only=LNK001; do
		# shellcheck disable=SC2086 # several words, or none
		same $format -F words -F origin missing large fine directory origin.gz \
			"$FIXTURES"/lnk00[1-3]*/input large words /proc/self/mem origin
	done
	grep -q 'missing: No such file' want.err || fail "$(cat want.err)"
	finish
}

@test "one input, none that is readable, fewer inputs than workers" {
	local workers='0 1 2 3 1024'
	same -F origin
	same --json -F fine
	same --json -F missing words
	[[ $(jq -c .captures out) == '[]' ]] || fail "$(cat out)"
	same -F missing -F words
	same -F fine -F origin
	finish
}

@test "the last line, the worst status and what -s misses count over all of them" {
	same -F fine origin missing
	grep -q '^Together: 3 inputs, 2 captures; .* 1 input could not be read\.$' out || fail "$(cat out)"
	same -s 42:00.0 -F fine origin fine
	[[ $(cat err) == *'42:00.0: no function matches' ]] || fail "$(cat err)"
	same -s nonsense -F fine origin
	same --fail-on=never -F fine origin
	finish
}

@test "standard input is one input, or given twice" {
	cp origin input
	same -F fine - origin
	grep -q '^-: QEMU guest' out || fail "$(cat out)"
	same -F - -F - fine
	finish
}

@test "--compare, --capture and this machine are as without" {
	same --compare origin -F fine
	same --compare origin -F fine origin
	same --capture=- -F origin
	same --capture=- -F origin fine
	# Two looks at this machine need not be the same.
	run "$LNKINSPECT" -j 2 -q
	[[ $status == [013] ]] || fail "$status: $output"
	finish
}

@test "output that cannot be written" {
	local n to
	for n in 1 2; do
		for to in '>&-' '>/dev/full'; do
			run -2 --separate-stderr bash -c "'$LNKINSPECT' -j $n -F origin fine origin $to"
			# shellcheck disable=SC2154 # bats sets it
			printf '%s\n' "$stderr" >"err.$n"
			[[ $stderr == *'standard output: '* ]] || fail "-j $n $to: $stderr"
		done
	done
	cmp err.1 err.2 || fail "other words"
	# Ended by the closed pipe, as ever: 128 + SIGPIPE.
	"$B/bench/gen" 2000 64 >large
	run -0 bash -c "'$LNKINSPECT' -j 2 -F large large large large | head -n 1 >line; \
		((PIPESTATUS[0] == 141)) && grep functions line"
	finish
}

@test "where memory ends it is whole, or it is said" {
	local c=$FIXTURES/guest-hotplug-acpi-default-nvme-1-empty/input format limit status n
	local limits=(41000 44000 45500 47000 48500 50000 53000 56000 61000 66000 unlimited)
	# A sanitizer takes terabytes of addresses.
	[[ -z ${SAN:-} ]] || limits=(unlimited)
	# Five hundred looks at one machine: the interrupt line is another each time.
	for n in {1..500}; do
		sed -E "s/^(30: .*) .. /\1 $(printf %02x $((n % 256))) /" "$c"
		echo
	done >looks
	for format in junit html json; do
		"$LNKINSPECT" -j 2 --format=$format -F "$c" looks "$c" >want 2>err || true
		(($(wc -c <want) > 1500000)) || fail "$format: $(wc -c <want) bytes"
		for limit in "${limits[@]}"; do
			status=0
			echo old >file
			(ulimit -v "$limit" && "$LNKINSPECT" -j 2 --format=$format -F "$c" looks "$c" -o file) \
				2>err || status=$?
			if ((status == 2)); then
				grep -qE 'Cannot allocate memory|out of memory' err ||
					fail "$format, $limit: no word of memory: $(cat err)"
				echo "# $format with $limit KiB: $(head -n 1 err)" >>enough
			else
				cmp want file || fail "$format, $limit: status $status, and it is not whole"
			fi
		done
	done
	[[ ${SAN:-} || -s enough ]] || fail 'memory never ended'
	finish
}

@test "where no worker can be started the inputs are judged all the same" {
	# A pipe of each is open in all that are started after it: few files, few workers.
	local limit
	for limit in 7 8 16 64; do
		(ulimit -n $limit && workers='7 200' same -q -F origin fine words origin fine origin fine)
	done
	# No process at all: that limit does not bind root, and nobody need not reach what was built.
	local status=0 nobody=() public
	((EUID)) || nobody=(runuser -u nobody --)
	public=$(mktemp -d "${TMPDIR:-/tmp}/lnkinspect.XXXXXX")
	cp "$LNKINSPECT" origin fine words "$public"
	chmod -R a+rX "$public"
	local inputs=("$public/origin" "$public/fine" "$public/words" "$public/origin")
	# The search for leaks would start a process.
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
	"${nobody[@]}" "$public/lnkinspect" -q -F "${inputs[@]}" >want.out 2>want.err || status=$?
	# shellcheck disable=SC2016 # it is for the other shell
	"${nobody[@]}" bash -c 'ulimit -u 1 && exec "$@"' - "$public/lnkinspect" -j 4 -q -F "${inputs[@]}" \
		>out 2>err && fail "status 0"
	rm -r "$public"
	((status == 2)) || fail "status $status"
	cmp want.out out && cmp want.err err || fail "$(cat err)"
	finish
}

@test "why much output could not be written is known, too" {
	"$B/bench/gen" 4000 256 >large
	local status=0
	"$LNKINSPECT" -j 3 -q -F large large large >/dev/full 2>err || status=$?
	[[ $status == 2 && $(cat err) == *": No space left on device" ]] || fail "status $status: $(cat err)"
	finish
}

@test "a number of workers is a number" {
	local n
	for n in '' x -1 1025 2x 0x2 ' 2' 99999999999999999999; do
		run -2 "$LNKINSPECT" "--jobs=$n" -F fine
		[[ $output == *"--jobs: '$n' is not one of 0 to 1024" ]] || fail "$n: $output"
	done
	run -2 "$LNKINSPECT" -j
	run -0 "$LNKINSPECT" -j1024 -F fine
	run -0 "$LNKINSPECT" --jobs 0 -q -F fine
	finish
}

@test "two are judged at once, and one that is killed costs its own input only" {
	local parent status=0
	mkfifo first second
	"$LNKINSPECT" -j 2 -F first second fine origin fine >out 2>err &
	parent=$!
	# Each waits for who reads it; the first is still read when the second is.
	{ exec 7>first 8>second; touch both; wait_for test -e go; cat origin >&8; } 2>/dev/null &
	wait_for test -e both
	kill -9 "$(workers "$parent" | cut -d ' ' -f 1)"
	touch go
	wait "$parent" || status=$?
	[[ $status == 2 ]] || fail "status $status"
	[[ $(cat err) == 'lnkinspect: first: could not be judged: Killed' ]] || fail "$(cat err)"
	# What was its to judge, too, was judged by another.
	"$LNKINSPECT" -F missing origin fine origin fine >want 2>/dev/null || true
	sed 's/^second: /origin: /' out | cmp - want || fail "$(diff out want)"
	finish
}

@test "whatever ends it ends its workers" {
	local signal parent pids pid
	mkfifo fifo
	exec 7<>fifo
	for signal in INT TERM KILL; do
		# A shell has what it starts in the background ignore SIGINT.
		env --default-signal=INT "$LNKINSPECT" -j 2 -F fifo fifo >out 2>err 7>&- &
		parent=$!
		two_work() { [[ $(workers "$parent" | wc -w) == 2 ]]; }
		wait_for two_work || fail "$signal: no workers"
		read -ra pids <<<"$(workers "$parent")"
		kill -s "$signal" "$parent"
		! wait "$parent" 2>/dev/null || fail "$signal: did not end it"
		for pid in "${pids[@]}"; do
			# Gone, or only not yet waited for by whoever inherits it.
			has_ended() { ! grep -q '^State:[[:space:]]*[^Z]' "/proc/$pid/status" 2>/dev/null; }
			wait_for has_ended || fail "$signal: worker $pid is left"
		done
	done
	finish
}
