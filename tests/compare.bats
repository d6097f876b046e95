#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# compare.bats - one capture beside another: who is matched with whom, where the truth is lost, what
# changed
#
# What is expected was derived by hand from the specs of the fixtures compare-*, and from what each
# test changes in them.
# shellcheck disable=SC2016 # "$" is sed's last line

bats_require_minimum_version 1.5.0
load failures

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Writes to $1 the capture of fixture $2, its spec changed by these sed scripts.
variant() {
	local to=$1 spec=$BATS_TEST_DIRNAME/fixtures/$2/spec script args=()
	shift 2
	for script; do
		args+=(-e "$script")
	done
	sed "${args[@]}" -e '' "$spec" | "$B/gen" >"$to"
}

# The sed script that gives function $1 the link $2, and no registers beside it.
link_of() {
	printf '/^fn %s/,/^$/{s/^link .*/link %s/;/^LNK/d}' "$1" "$2"
}

# Runs with --json on $1 beside $2 and the options behind them: $status, file json.
compare() {
	status=0
	"$LNKINSPECT" --json -F "$1" --compare "$2" "${@:3}" >json 2>err || status=$?
	[[ ! -s err ]] || fail "$*: $(cat err)"
}

# $1: what is compared, for words; $2: the address here; $3: "MATCH REAL LOST ADDRESS-THERE"
pair() {
	local got
	got=$(jq -r --arg at "$2" '.comparison.pairs[] | select(.here.address == $at) |
		"\(.match) \(.real) \(.lost) \(.there.address)"' json)
	[[ $got == "$3" ]] || fail "$1: $2 is \"$got\", not \"$3\""
}

# ---- Host and guest ---------------------------------------------------------------------------

@test "where the truth is lost: the fixtures" {
	local guest=$FIXTURES/compare-guest
	compare "$guest-legacy/input" "$FIXTURES/compare-host/input"
	pair legacy 0000:01:00.0 "serial full port 0000:41:00.0"
	# Either function of the card can be the guest's: they have one link.
	pair legacy 0000:02:00.0 "one-of full port 0000:81:00.0"
	[[ $(jq -r '.comparison | "\(.relation) \(.guest) \(.matched) \(.compared)"' json) == \
		"host-and-guest here 2 2" ]] || fail "legacy: $(jq .comparison.relation json)"
	compare "$guest-root-bus/input" "$FIXTURES/compare-host/input"
	pair root-bus 0000:00:05.0 "serial full hidden 0000:41:00.0"
	pair root-bus 0000:02:00.0 "one-of full nowhere 0000:81:00.0"
	compare "$guest-vmware/input" "$FIXTURES/compare-host/input"
	pair vmware 0000:03:00.0 "ids full port 0000:41:00.0"
	compare "$guest-of-eight/input" "$FIXTURES/compare-host-eight/input"
	pair eight 0000:05:00.0 "one-of slower port 0000:01:00.0"
	finish
}

@test "the host may be what is judged, and the guest beside it" {
	compare "$FIXTURES/compare-host/input" "$FIXTURES/compare-guest-legacy/input"
	[[ $status == 0 ]] || fail "the host is healthy: $status"
	pair host 0000:41:00.0 "serial full port 0000:01:00.0"
	[[ $(jq -r .comparison.guest json) == there ]] || fail "$(jq .comparison.guest json)"
	[[ $(jq -r .comparison.other.status json) == 1 ]] || fail "$(jq .comparison.other.status json)"
	finish
}

@test "the guest's port: as fast as the real link or faster is the truth, less is not" {
	# The second promises more than is real, and mirrors what its device runs at.
	local wide
	for wide in 32x16 '64x32 32x16'; do
		variant guest compare-guest-legacy "$(link_of 00:01.0 "$wide")"
		compare guest "$FIXTURES/compare-host/input"
		pair "$wide" 0000:01:00.0 "serial full nowhere 0000:41:00.0"
	done
	# Today's default port is wider, and slower for each lane.
	variant guest compare-guest-legacy "$(link_of 00:01.0 16x32)"
	compare guest "$FIXTURES/compare-host/input"
	pair 16x32 0000:01:00.0 "serial full port 0000:41:00.0"
	# AWS's port, and one whose status alone is not that of its device.
	variant guest compare-guest-legacy "$(link_of 00:01.0 16x8)"
	compare guest "$FIXTURES/compare-host/input"
	pair 16x8 0000:01:00.0 "serial full port 0000:41:00.0"
	variant guest compare-guest-legacy "$(link_of 00:01.0 '32x16 32x8')"
	compare guest "$FIXTURES/compare-host/input"
	pair '32x16 32x8' 0000:01:00.0 "serial full port-status 0000:41:00.0"
	# Zeros: a port that says nothing.
	variant guest compare-guest-legacy '/^fn 00:01.0/,/^$/s/^LNKCAP .*/LNKCAP 0/'
	compare guest "$FIXTURES/compare-host/input"
	pair void 0000:01:00.0 "serial full port 0000:41:00.0"
	finish
}

@test "a slot that is slower than the card: a port that says so tells the truth" {
	variant host compare-host "$(link_of 40:01.1 8x8)" "$(link_of 41:00.0 '32x16 8x8')"
	variant guest compare-guest-legacy "$(link_of 00:01.0 8x8)" "$(link_of 01:00.0 '32x16 8x8')"
	compare guest host
	pair slot 0000:01:00.0 "serial slot nowhere 0000:41:00.0"
	# The guest by itself cannot know that: LNK002.
	jq -e '.captures[0].findings | any(.id == "LNK002" and .device == "0000:01:00.0")' json ||
		fail "no LNK002"
	variant guest compare-guest-legacy "$(link_of 01:00.0 '32x16 8x8')"
	compare guest host
	pair "slot and legacy port" 0000:01:00.0 "serial slot port 0000:41:00.0"
	finish
}

@test "a real link that lost lanes is the host's, whatever the guest is told" {
	variant host compare-host "$(link_of 40:01.1 '32x16 32x8')" "$(link_of 41:00.0 '32x16 32x8')"
	variant guest compare-guest-legacy "$(link_of 00:01.0 '32x16 32x8')" \
		"$(link_of 01:00.0 '32x16 32x8')"
	compare guest host
	pair narrow 0000:01:00.0 "serial narrow nowhere 0000:41:00.0"
	jq -r '.comparison.pairs[0].message' json | grep -q 'runs x8 of the x16 .* Look at the host' ||
		fail "$(jq .comparison.pairs[0].message json)"
	finish
}

@test "an idle link is no lie: neither in the guest nor on the host" {
	local idle='32x16 2.5x16'
	variant guest compare-guest-legacy "$(link_of 00:01.0 32x16)"
	variant idle-guest compare-guest-legacy "$(link_of 00:01.0 "$idle")" "$(link_of 01:00.0 "$idle")"
	variant idle-host compare-host "$(link_of 40:01.1 "$idle")" "$(link_of 41:00.0 "$idle")"
	compare idle-guest "$FIXTURES/compare-host/input"
	pair "idle guest" 0000:01:00.0 "serial full nowhere 0000:41:00.0"
	jq -r '.comparison.pairs[0].message' json | grep -q 'runs 2.5GT/s x16 .* changed in between' ||
		fail "$(jq .comparison.pairs[0].message json)"
	compare guest idle-host
	pair "idle host" 0000:01:00.0 "serial slower nowhere 0000:41:00.0"
	compare idle-guest idle-host
	pair "both idle" 0000:01:00.0 "serial slower nowhere 0000:41:00.0"
	jq -e '.comparison.pairs[0].changes == []' json || fail "both idle: $(jq .comparison.pairs[0] json)"
	# The port's claim is a lie all the same.
	variant idle-legacy compare-guest-legacy "$(link_of 01:00.0 "$idle")"
	compare idle-legacy idle-host
	pair "idle behind legacy" 0000:01:00.0 "serial slower port 0000:41:00.0"
	finish
}

@test "the guest's device says otherwise, or has no port to ask" {
	variant guest compare-guest-legacy "$(link_of 01:00.0 16x16)"
	compare guest "$FIXTURES/compare-host/input"
	pair changed 0000:01:00.0 "serial full device 0000:41:00.0"
	# On the root bus, as an endpoint still.
	variant guest compare-guest-root-bus '/^fn 00:05.0/,/^$/{s/ rciep$/ endpoint\nlink 32x16/}'
	compare guest "$FIXTURES/compare-host/input"
	pair "no port" 0000:00:05.0 "serial full no-port 0000:41:00.0"
	finish
}

@test "what was not read: cannot tell, and nothing compared is never 0" {
	variant guest compare-guest-legacy "$(link_of 00:01.0 32x16)" "$(link_of 00:02.0 16x16)" \
		'/^fn 02:00.0/,$d'
	variant host compare-host 's/^express.*/&\ncut 40/'
	compare guest host
	# No serial number in 64 bytes, but ids.
	pair headers 0000:01:00.0 "ids null null 0000:41:00.0"
	[[ $status == 3 && $(jq .comparison.compared json) == 0 ]] || fail "headers: status $status"
	# The device alone: below a slot that is not known, less than its own can be the truth.
	variant host compare-host '/^fn 40:/,/^$/d' '/^fn 8/,$d' "$(link_of 41:00.0 '32x16 8x16')"
	variant guest compare-guest-legacy "$(link_of 00:01.0 8x16)" "$(link_of 01:00.0 '32x16 8x16')"
	compare guest host
	pair alone 0000:01:00.0 "serial null null 0000:41:00.0"
	# But not less than it is seen to run at.
	variant guest compare-guest-legacy "$(link_of 00:01.0 5x16)" "$(link_of 01:00.0 '32x16 8x16')"
	compare guest host
	pair "alone, runs faster" 0000:01:00.0 "serial null port 0000:41:00.0"
	finish
}

# ---- Who is who -------------------------------------------------------------------------------

@test "serial numbers: the right one of eight, another's, a blanked one" {
	local i args=()
	for i in 1 2 3 4 5 6 7 8; do
		args+=("/^fn 0$i:00.0/,/^\$/s/^flags slc/&\next dsn 48b02d00 0000000$i/")
	done
	variant host compare-host-eight "${args[@]}"
	variant guest compare-guest-of-eight '/^fn 05:/,$s/^flags slc/&\next dsn 48b02d00 00000008/'
	compare guest host
	pair "the last" 0000:05:00.0 "serial slower port 0000:08:00.0"
	variant guest compare-guest-of-eight '/^fn 05:/,$s/^flags slc/&\next dsn 48b02d00 00000009/'
	compare guest host
	pair "of no host" 0000:05:00.0 "other-serial null null null"
	variant guest compare-guest-of-eight '/^fn 05:/,$s/^flags slc/&\next dsn 0 0/'
	compare guest host
	pair blanked 0000:05:00.0 "one-of slower port 0000:01:00.0"
	# One number on all cards is nobody's.
	variant host compare-host-eight '/^fn 0[1-8]:00.0/,/^$/s/^flags slc/&\next dsn 1 2/'
	variant guest compare-guest-of-eight '/^fn 05:/,$s/^flags slc/&\next dsn 1 2/'
	compare guest host
	pair "the same on all" 0000:05:00.0 "one-of slower port 0000:01:00.0"
	finish
}

@test "of several that are not alike, none is chosen" {
	variant host compare-host-eight "$(link_of 00:03.1 '16x8')" "$(link_of 03:00.0 '16x16 16x8')"
	compare "$FIXTURES/compare-guest-of-eight/input" host
	pair "one narrow slot" 0000:05:00.0 "not-told-apart null null null"
	jq -r '.comparison.pairs[0].message' json | grep -q '1 in the guest and 8 in the host' ||
		fail "$(jq -r '.comparison.pairs[0].message' json)"
	[[ $status == 1 ]] || fail "the guest's own finding: status $status"
	# As many in the guest: by order, which is called a guess.
	variant host compare-host-eight '/^fn 00:03/,$d'
	variant guest compare-guest-of-eight \
		'$s/$/\n\nfn 06:00.0 10de:20b5 030200\nsubsys 10de:1533\nexpress 60 v2 legacy\nlink 16x16/'
	compare guest host
	pair "two of two" 0000:05:00.0 "order full port 0000:01:00.0"
	"$LNKINSPECT" -F guest --compare host -n >out || :
	grep -q 'a guess' out || fail "a guess is not called so"
	# Three against two: which are gone, nobody knows.
	variant guest compare-guest-of-eight \
		'$s/$/\n\nfn 06:00.0 10de:20b5 030200\nsubsys 10de:1533\n\nfn 07:00.0 10de:20b5 030200\nsubsys 10de:1533/'
	compare guest host
	pair "three of two" 0000:05:00.0 "not-told-apart null null null"
	finish
}

@test "ids that are not the same, a subsystem that one side does not know" {
	local guest=$FIXTURES/compare-guest-vmware/input
	variant host compare-host '/^fn 41:/,/^$/{s/^subsys.*/subsys 10de:1111/}'
	compare "$guest" host
	pair "other subsystem" 0000:03:00.0 "only-one null null null"
	"$LNKINSPECT" -q -F "$guest" --compare host >out || :
	grep -qx 'compare 0000:03:00.0  In the guest only.' out || fail "$(cat out)"
	# A row that is lost takes the subsystem with it.
	variant host compare-host '/^fn 41:/,/^$/{s/^subsys.*/drop 20/;/^ext dsn/d}'
	compare "$guest" host
	pair "subsystem lost" 0000:03:00.0 "ids full port 0000:41:00.0"
	finish
}

@test "whose a device alone is, is not known: what differs is said, and no more" {
	variant alone compare-host '/^env/d' '/^fn [48]0:/,/^$/d' '/^fn 81:/,$d' "$(link_of 41:00.0 16x16)"
	compare "$FIXTURES/compare-guest-legacy/input" alone
	[[ $(jq -r '.comparison | "\(.relation) \(.guest)"' json) == "null null" ]] ||
		fail "$(jq -c '.comparison | .relation, .guest' json)"
	pair alone 0000:01:00.0 "serial null null 0000:41:00.0"
	[[ $(jq -r '.comparison.pairs[] | select(.here.address == "0000:01:00.0").message' json) == \
		"at 0000:01:00.0, there 0000:41:00.0; can do 32GT/s x16, there 16GT/s x16; \
runs 32GT/s x16, there 16GT/s x16; "* ]] || fail "$(jq -c '.comparison.pairs[].message' json)"
	finish
}

@test "words without ids are nobody's" {
	variant host compare-host '/^fn 41:/,/^$/{s/^subsys.*/no-hex\ntitle 3D controller: Some vendor Some card/
		s/^flags.*/text LnkCap: Port #0, Speed 32GT\/s, Width x16, ASPM L1/;/^ext/d}'
	compare host "$FIXTURES/compare-guest-legacy/input"
	pair "names alone" 0000:41:00.0 "no-ids null null null"
	jq -r '.comparison.pairs[].message' json | grep -q 'lspci -nn' || fail "what to send is not said"
	finish
}

# ---- Before and after -------------------------------------------------------------------------

@test "what changed, and which findings went: the origin case, mended" {
	local legacy=$FIXTURES/qemu-origin-legacy/input mended=$FIXTURES/qemu-origin-mended/input
	run -0 "$LNKINSPECT" -q -F "$mended" --compare "$legacy"
	[[ ${lines[0]} == "compare 0000:00:03.0=0000:00:03.0  can do 8GT/s x16, before 2.5GT/s x1; \
runs 8GT/s x16, before 2.5GT/s x1; "* ]] || fail "${lines[0]}"
	[[ ${lines[1]} == "compare 0000:01:00.0  LNK001 error went" ]] || fail "${lines[1]}"
	[[ ${lines[2]} == "compare 0000:01:00.0  LNK203 warning went" ]] || fail "${lines[2]}"
	[[ ${#lines[@]} == 3 ]] || fail "$output"
	# The other way round they came, and the status is that of what is judged.
	run -1 "$LNKINSPECT" -q -F "$legacy" --compare "$mended"
	[[ $output == *"compare 0000:01:00.0  LNK001 error came"* ]] || fail "$output"
	finish
}

@test "a file beside itself: nothing changed, and the status is its own" {
	local name status_of
	for name in origin qemu-switch topo-desktop compare-host guest-seed-cxl-port-2.5x1-ep-8x16; do
		status_of=0
		"$LNKINSPECT" -q -F "$FIXTURES/$name/input" >alone || status_of=$?
		compare "$FIXTURES/$name/input" "$FIXTURES/$name/input"
		[[ $status == "$status_of" ]] || fail "$name: status $status, alone $status_of"
		jq -e '.comparison | .relation == "before-and-after" and .matched > 0 and
			all(.pairs[]; .match == "address" and .changes == [] and .message == "") and
			.findings_here_only == [] and .findings_there_only == []' json >/dev/null ||
			fail "$name: $(jq -c .comparison json | cut -c1-300)"
		"$LNKINSPECT" -q -F "$FIXTURES/$name/input" --compare "$FIXTURES/$name/input" >both || :
		diff alone both || fail "$name: -q has differences"
	done
	finish
}

@test "functions that came and went" {
	local before=$FIXTURES/guest-hotplug-acpi-default-nvme-1-empty/input
	local after=$FIXTURES/guest-hotplug-acpi-default-nvme-2-added/input at
	at=$(diff <(grep -oE '^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]' "$before") \
		<(grep -oE '^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]' "$after") | sed -n 's/^> //p')
	[[ $at == *:* ]] || fail "the fixtures are not what they were: $at"
	compare "$after" "$before"
	[[ $(jq -r '.comparison.pairs[] | select(.there == null).here.address' json) == *"$at" ]] ||
		fail "came: $(jq -c '.comparison.pairs[] | select(.there == null)' json)"
	compare "$before" "$after"
	[[ $(jq -r '.comparison.pairs[] | select(.here == null).there.address' json) == *"$at" ]] ||
		fail "went: $(jq -c '.comparison.pairs[] | select(.here == null)' json)"
	finish
}

@test "a device that fell off the bus is where it was, and says nothing" {
	local fixture=$FIXTURES/guest-live-degrade-and-falloff
	compare "$fixture-3-fallen-off/input" "$fixture-1-normal/input"
	[[ $(jq -r '.comparison.pairs[] | select(.here.address == "0000:01:00.0") |
		"\(.match) \(.message)"' json) == "address reads all ones, before registers" ]] ||
		fail "$(jq -c '.comparison.pairs[] | [.here.address, .match, .message]' json)"
	jq -e '.comparison.findings_here_only | any(.id == "LNK105")' json || fail "LNK105 did not come"
	finish
}

@test "a device that moved takes its findings with it" {
	# The GPU's port and bus become 00:07.0 and 07; its serial number says that it is the same.
	variant after compare-guest-legacy 's/^fn 00:01.0/fn 00:07.0/' 's/^bridge 00 01 01/bridge 00 07 07/' \
		's/^fn 01:00.0/fn 07:00.0/'
	compare after "$FIXTURES/compare-guest-legacy/input"
	[[ $(jq -r '.comparison.pairs[] | select(.here.address == "0000:07:00.0") |
		"\(.match) \(.there.address) \(.message)"' json) == \
		"serial 0000:01:00.0 at 0000:07:00.0, before 0000:01:00.0" ]] ||
		fail "$(jq -c '.comparison.pairs[] | [.match, .message]' json)"
	jq -e '.comparison.findings_here_only == [] and .comparison.findings_there_only == []' json ||
		fail "$(jq -c '.comparison | .findings_here_only, .findings_there_only' json)"
	finish
}

# ---- Options, words, trouble ------------------------------------------------------------------

@test "-s and -d choose in what is judged" {
	compare "$FIXTURES/compare-guest-legacy/input" "$FIXTURES/compare-host/input" -s 01:00.0
	[[ $(jq -r '[.comparison.pairs[].there.address] | join(" ")' json) == 0000:41:00.0 ]] ||
		fail "-s: $(jq -c '[.comparison.pairs[].there.address]' json)"
	compare "$FIXTURES/compare-guest-legacy/input" "$FIXTURES/compare-host/input" -d 15b3:
	[[ $(jq -r '[.comparison.pairs[].here.address] | join(" ")' json) == 0000:02:00.0 ]] ||
		fail "-d: $(jq -c '[.comparison.pairs[].here.address]' json)"
	finish
}

@test "nothing in common: said, and status 3 unless there are findings" {
	compare "$FIXTURES/compare-host/input" "$FIXTURES/lnk001-origin-gpu/input"
	[[ $status == 3 && $(jq .comparison.matched json) == 0 ]] || fail "status $status"
	compare "$FIXTURES/lnk001-origin-gpu/input" "$FIXTURES/compare-host/input"
	[[ $status == 1 && $(jq .status json) == 1 ]] || fail "status $status"
	run -3 "$LNKINSPECT" -F "$FIXTURES/compare-host/input" --compare "$FIXTURES/lnk001-origin-gpu/input"
	[[ $output == *"Nothing was compared"* ]] || fail "$output"
	finish
}

@test "trouble: what cannot be compared is status 2, with words" {
	local host=$FIXTURES/compare-host/input two=$FIXTURES/lnk904-two-snapshots/input words
	while IFS='|' read -r words args; do
		# shellcheck disable=SC2086 # several words
		run -2 --separate-stderr "$LNKINSPECT" $args
		# shellcheck disable=SC2154 # set by run
		[[ $stderr == *$words* ]] || fail "$args: $stderr"
		[[ ! $output || $args == *"-F $two"* ]] || fail "$args: prints $output"
	done <<-END
		several captures|-F $host --compare $two
		several captures|-F $two --compare $host
		missing|-F $host --compare missing
		standard input|-F - --compare -
		one -F|-F $host -F $host --compare $host
		--capture does not|-F $host --compare $host --capture=out
	END
	[[ ! -e out ]] || fail "a capture was written"
	finish
}

@test "either may come from standard input, and a tree is judged beside a capture" {
	local host=$FIXTURES/compare-host/input guest=$FIXTURES/compare-guest-legacy/input
	run -1 "$LNKINSPECT" -q -F "$guest" --compare "$host"
	local want=$output
	run -1 "$LNKINSPECT" -q -F - --compare "$host" <"$guest"
	[[ $output == "$want" ]] || fail "-F -: $output"
	run -1 "$LNKINSPECT" -q -F "$guest" --compare - <"$host"
	[[ $output == "$want" ]] || fail "--compare -: $output"
	mkdir -p tree/devices/0000:00:00.0
	printf '\x86\x80\xc0\x29' >tree/devices/0000:00:00.0/config
	run -3 "$LNKINSPECT" -q -O sysfs.path="$PWD/tree" --compare "$host"
	[[ $output == *"compare -  Nothing"* ]] || fail "tree: $output"
	finish
}

@test "80 columns, ASCII where the locale is; both ends of both links" {
	local guest
	for guest in legacy root-bus vmware; do
		COLUMNS=80 LC_ALL=C "$LNKINSPECT" -F "$FIXTURES/compare-guest-$guest/input" \
			--suggest=none --compare "$FIXTURES/compare-host/input" >out || :
		! grep -nE '.{81}' out || fail "$guest: too wide"
		! LC_ALL=C grep -n '[^ -~]' out || fail "$guest: not ASCII"
	done
	COLUMNS=80 "$LNKINSPECT" -t -n -F "$FIXTURES/compare-guest-legacy/input" \
		--compare "$FIXTURES/compare-host/input" >out || :
	diff - <(sed -n "/^WHO/,/real link can/p" out | head -n 7) <<-'END' || fail "the table"
		WHO             WHERE         CAN         RUNS
		host's port     0000:40:01.1  32GT/s x16  32GT/s x16
		host's device   0000:41:00.0  32GT/s x16  32GT/s x16
		guest's port    0000:00:01.0  2.5GT/s x1  2.5GT/s x1
		guest's device  0000:01:00.0  32GT/s x16  32GT/s x16
		  The truth is lost at the guest's port 0000:00:01.0: it claims 2.5GT/s x1 at
		  most, and the real link can do 32GT/s x16.
	END
	finish
}

# ---- Hostile ----------------------------------------------------------------------------------

@test "captures cut at any line: always a status, always a document" {
	local host=$FIXTURES/compare-host/input guest=$FIXTURES/compare-guest-legacy/input n rc tried=0
	for ((n = 20; n < $(wc -l <"$guest"); n += 41)); do
		head -n "$n" "$guest" >start
		tail -n "+$n" "$host" >rest
		for pair in "start $host" "$guest rest" "start rest"; do
			rc=0
			# shellcheck disable=SC2086 # two words
			"$LNKINSPECT" --json -F ${pair% *} --compare ${pair#* } >json 2>err || rc=$?
			((rc <= 3)) || fail "$pair, $n lines: status $rc: $(head -n 2 err)"
			jq -e . json >/dev/null || ((rc == 2)) || fail "$pair, $n lines: no document"
			tried=$((tried + 1))
		done
	done
	((tried > 60)) || fail "only $tried tried"
	finish
}

# $1 functions of one kind, from domain $2 on, each with a link that was read.
crowd() {
	awk -v n="$1" -v d="$2" 'BEGIN { for (i = 0; i < n; i++)
		printf "fn %04x:%02x:%02x.0 10de:20b5 030200\nsubsys 10de:1533\nsize 256\n" \
			"express 60 v2 endpoint\nlink 16x16\n\n", d + int(i / 8192), int(i / 32) % 256, i % 32
	}' | "$B/gen"
}

@test "thousands of one kind: in time, and each has its own" {
	crowd 4000 0 >here
	crowd 4000 16 >there
	crowd 3999 16 >fewer
	(
		ulimit -t 60
		"$LNKINSPECT" --json -n -F here --compare here >same.json
		"$LNKINSPECT" --json -n -F here --compare there >moved.json
		"$LNKINSPECT" --json -n -F here --compare fewer >fewer.json
	) || :
	[[ $(jq -r '[.comparison.pairs[] | .match] | group_by(.) | map("\(length) \(.[0])") | join(" ")' \
		same.json moved.json fewer.json | xargs) == \
		"4000 address 4000 order 7999 not-told-apart" ]] ||
		fail "$(jq -c '.comparison | .matched, .relation' same.json moved.json fewer.json)"
	[[ $(jq '[.comparison.pairs[].there.address] | unique | length' moved.json) == 4000 ]] ||
		fail "one was taken twice"
	finish
}
