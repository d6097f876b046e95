#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sample.bats - links that are looked at again and again: --sample, --while, --interval
#
# The machines are specs, in VMD's domain, where a guest's ports are real. The command that --while runs
# changes their links (links.py), and waits until the program has looked: no test depends on how long
# anything takes. Where the speed of a machine enters at all, a test tries again.

bats_require_minimum_version 1.5.0
load failures
load machine

P=10000:00:01.0
D=10000:01:00.0

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	export SCHEMA=$BATS_TEST_DIRNAME/../schema/lnkinspect.schema.json
	export CHANGE="python3 $BATS_TEST_DIRNAME/links.py"
}

setup() {
	export LC_ALL=C
	unset COLUMNS NO_COLOR TERM
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A host bridge, a port and a device of the ids and class $1, whose ends say $2 and $3.
card() {
	cat <<-END
		fn 10000:00:00.0 8086:201d 060000

		fn $P 8086:2030 060400
		bridge 00 01 01
		subsys 8086:0000
		express 90 v2 root-port slot
		link $2
		flags dlllarc dllla slc ccc presence eq-complete

		fn $D $1
		subsys 10de:1467
		express 78 v2 endpoint
		link $3
		flags slc ccc eq-complete
	END
}

# The machine of the spec on standard input, in ./m; WORD... as machine.py takes them.
make_machine() {
	"$B/gen" >dump && machine mock m dump "$@"
}

# Samples machine ./m while links.py goes the steps of $2, every 5 ms; the options are behind it.
steps() {
	local want=$1 list=$2
	shift 2
	mocked "$want" m --interval=5ms --while="$CHANGE $list" "$@"
}

# Both ends of the link of $D say $1; then everybody has looked.
both() {
	echo "$P+$D=$1 $D?2"
}

# Is the jq expression $2 true of what was seen of the first link? .p and .d are its ends' samples.
saw() {
	jq -e '.captures[0] | {p: .links[0].port.samples, d: .links[0].device.samples, sampling,
		found: [.findings[] | .id]} | '"$2" out >/dev/null ||
		fail "$1: $(jq -c '.captures[0] | .sampling, .links[0].port.samples,
			.links[0].device.samples, [.findings[] | [.id, .severity, .message]]' out)"
}

# ---- What the highest tells ----------------------------------------------------------------------

@test "an idle GPU is cleared by its own upshift, and its shares are told" {
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	mocked 0 m -q -n
	[[ $(found) == "LNK006=notice@$P>$D" ]] || fail "one look: $(found)"
	steps 0 "$D?2 $(both 16x16) $(both 8x16)" --json
	saw upshift '.found == [] and .d.changes == 2 and .p.changes == 2 and
		.d.lowest.speed == "2.5GT/s" and .d.highest.speed == "16GT/s" and .d.last.speed == "8GT/s" and
		all(.d.lowest, .d.highest, .d.last; .width == 16) and
		.d.looks == .sampling.looks and .p.looks == .sampling.looks and .sampling.looks >= 7 and
		[.d.time[].speed] == ["2.5GT/s", "8GT/s", "16GT/s"] and
		([.d.time[].share] | add) > 0.9999 and ([.d.time[].share] | add) < 1.0001 and
		(([.d.time[].ms] | add) - .sampling.duration_ms | fabs) <= 2 and
		.d.asleep_ms == 0 and .d.no_answer_ms == 0 and
		.sampling.interval_ms == 5 and .sampling.ended_by_signal == null'
	# The registers are those of the highest.
	jq -e '.captures[0] | .links[0].device.current_link.speed == "16GT/s" and
		([.functions[] | select(.address == "10000:01:00.0") | .registers.LNKSTA] == ["1104"])' out >/dev/null ||
		fail "registers: $(jq -c '.captures[0].functions[].registers.LNKSTA' out)"
	finish
}

@test "a link that never came up is named, with how often it was looked at" {
	local again
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	steps 0 "$D?5" -q -n
	again=$(cat out)
	[[ $again =~ ^"LNK006 notice $P>$D  never faster than 2.5GT/s of 16GT/s in "[0-9]+" looks ("[0-9.]+" "m?s") while the command ran, at full width"$ ]] ||
		fail "command: $again"
	# Without a load nobody knows whether it had work.
	mocked 0 m -q -n --sample=50ms --interval=10ms
	again=$(cat out)
	[[ $again =~ "never faster than 2.5GT/s of 16GT/s in "[0-9]+" looks ("[0-9.]+" "m?s"), at full width: probably idle, look again under load"$ ]] ||
		fail "sample: $again"
	# What is no display has no such excuse.
	card '144d:a808 010802' '8x4 2.5x4' '8x4 2.5x4' | make_machine links ids
	steps 1 "$D?2 $(both 5x4)" -q -n
	[[ $(cat out) == "LNK006 warning $P>$D  never faster than 5GT/s of 8GT/s in "* ]] || fail "nvme: $(cat out)"
	steps 0 "$D?2 $(both 8x4)" -q -n
	[[ ! -s out ]] || fail "nvme that came up: $(cat out)"
	finish
}

@test "width, and a link that is at its widest and its fastest in different looks" {
	card '144d:a808 010802' '8x4 8x2' '8x4 8x2' | make_machine links ids
	steps 1 "$D?3" -q -n
	[[ $(cat out) == "LNK005 warning $P>$D  never wider than x2 of x4 in "* ]] || fail "narrow: $(cat out)"
	steps 0 "$D?2 $(both 2.5x4)" -q -n
	[[ ! -s out ]] || fail "wide, then slow: $(cat out)"
	steps 0 "$D?2 $(both 2.5x4)" --json
	# 15.8 Gb/s against 8: the highest is the first.
	saw "wide, then slow" '.d.highest.width == 2 and .d.highest.speed == "8GT/s" and .d.lowest.width == 4'
	finish
}

# Makes device $1 of machine ./m, which umockdev reads, run at 2.5GT/s x16 in its LNKSTA.
make_idle() {
	python3 - "$1" <<-'PYTHON'
		import re, sys
		parts = open("m").read().split("\n\n")
		at = next(i for i, part in enumerate(parts) if part.startswith(f"P: /devices/pci0000:00/{sys.argv[1]}\n"))
		config = bytearray.fromhex(re.search(r"H: config=(\w+)", parts[at])[1])
		cap = config[0x34]
		while config[cap] != 0x10:
		    cap = config[cap + 1]
		config[cap + 18:cap + 20] = 0x01, 0x11
		parts[at] = re.sub(r"H: config=\w+", "H: config=" + config.hex().upper(), parts[at])
		open("m", "w").write("\n\n".join(parts))
	PYTHON
}

@test "the origin case with an idle device: only its upshift shows what the port hides" {
	machine mock m "$(fixture origin)" links ids dmi/sys_vendor=QEMU
	P=0000:00:01.0 D=0000:01:00.0
	mocked 1 m -q -n
	[[ $(found) == "LNK001=error@$P>$D "* ]] || fail "at full speed: $(found)"
	# Not idle enough: the width alone is beyond the port.
	make_idle $D
	mocked 1 m -q -n
	grep -q '^LNK001 .* device runs 2.5GT/s x16 ' out || fail "idle: $(cat out)"
	steps 1 "$D?3" -q -n
	grep -q '^LNK001 .* device runs 2.5GT/s x16 ' out || fail "still idle: $(cat out)"
	# The figures are those of its best.
	steps 1 "$D?2 $D=8x16 $D?2 $D=2.5x16 $D?1" -q -n
	grep -q '^LNK001 .* device runs 8GT/s x16 (15.75 GB/s): .* use 1/63 of the link$' out || fail "upshift: $(cat out)"
	# In a port as wide as the device, speed alone tells.
	card '10de:2204 030000' '2.5x16' '8x16 2.5x16' | sed 's/10000:/0000:/; s/8086:2030/1b36:000c/' |
		make_machine links ids dmi/sys_vendor=QEMU
	mocked 1 m -q -n
	[[ $(found) == "LNK002=warning@$P>$D" ]] || fail "wide port: $(found)"
	steps 1 "$D?2 $D=8x16 $D?2 $D=2.5x16 $D?1" -q -n
	[[ $(found) == "LNK001=error@$P>$D" ]] || fail "wide port, upshift: $(found)"
	finish
}

@test "LNK404 is not judged by a status that is of another speed" {
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | sed 's/ eq-complete//' | make_machine links ids
	steps 0 "$D?2 $(both 16x16)" --json
	saw "came up" '.found == []'
	holds "not judged" '.captures[0].counts.LNK404 | .not_applicable == 1 and .pass == 0'
	card '10de:2204 030000' '16x16' '16x16' | sed 's/ eq-complete//' | make_machine links ids
	steps 0 "$D?2" --json
	saw "always fast" '.found == ["LNK404"]'
	finish
}

# ---- Two ends that disagree ----------------------------------------------------------------------

@test "a port that says the same always is named, though the highest of both agree" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	steps 1 "$D?2 $D=2.5x16 $D?9" -q -n
	[[ $(cat out) == "LNK004 warning $P>$D  port says 16GT/s x16, device says 2.5GT/s x16, in two looks one after the other" ]] ||
		fail "constant: $(cat out)"
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	steps 1 "$D?2 $D=16x16 $D?9" -q -n
	[[ $(cat out) == "LNK004 warning $P>$D  port says 2.5GT/s x16, device says 16GT/s x16, in two looks one after the other" ]] ||
		fail "stale: $(cat out)"
	# VMware's port says 5GT/s x32 whatever is below (pciBridge0.functions).
	card '10de:2204 030000' '5x32' '16x16 2.5x16' | sed 's/10000:/0000:/; s/8086:2030/15ad:07a0/' |
		make_machine links ids dmi/sys_vendor='VMware, Inc.'
	P=0000:00:01.0 D=0000:01:00.0
	steps 1 "$D?2 $D=5x16 $D?9" -q -n
	[[ $(found) == *"LNK004=warning@$P>$D"* && $(cat out) == *"port says 5GT/s x32, device says "* ]] ||
		fail "VMware: $(cat out)"
	# What is beyond the port is worse than that.
	steps 1 "$D?2 $D=16x16 $D?9" -q -n
	[[ $(found) == *"LNK001=error@$P>$D"* && $(found) != *LNK004* ]] || fail "VMware, upshift: $(cat out)"
	finish
}

@test "ends that never disagreed twice are not said to disagree" {
	local i
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	# One look at each; on a busy machine there can be two.
	for i in 1 2 3 4 5; do
		mocked 0 m --interval=500ms --fail-on=never --json \
			--while="$CHANGE $D?1 $D=16x16 $D?1 $D=2.5x16 $P=5x16 $D?1 $P=2.5x16 $D?1"
		jq -e '.captures[0].findings == []' out >/dev/null && break
	done
	saw "both moved" '.p.highest.speed == "5GT/s" and .d.highest.speed == "16GT/s" and .found == []'
	holds "not judged" '.captures[0].counts.LNK004 | .not_applicable == 1 and .pass == 0'
	# Nor for some looks that lie close together: it takes 20 ms to count, and a machine that is not busy.
	for i in {1..20}; do
		mocked 0 m --interval=1ms --fail-on=never --json --while="$CHANGE $D?5 $D=16x16 $D?4 $D=2.5x16 $D?5"
		jq -e '.captures[0].findings | all(.id != "LNK004")' out >/dev/null && break
	done
	saw "close together" '(.found | index("LNK004") | not) and .d.highest.speed == "16GT/s" and .d.changes == 2'
	finish
}

# A second function of the device, of class 0403, that says $1.
audio() {
	cat <<-END

		fn 10000:01:00.1 10de:1aef 040300
		subsys 10de:1467
		express 78 v2 endpoint
		link $1
		flags slc ccc eq-complete
	END
}

@test "LNK104: functions that were not read at one moment are not held against each other" {
	{ card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' && audio '16x16 2.5x16'; } >spec
	make_machine links ids <spec
	steps 0 "$D?2 $(both 16x16)" --json
	saw "came up" '.found == []'
	holds "came up" '.captures[0].counts.LNK104.not_applicable >= 1 and
		([.captures[0].functions[] | select(.address == "10000:01:00.1") | .current_link.speed] == ["2.5GT/s"])'
	steps 0 "$D?2" --json
	holds "stood still" '.captures[0].counts.LNK104.pass >= 1'
	# Two devices in one slot: that shows at any speed.
	{ card '10de:2204 030000' '16x16' '16x16' && audio '8x4'; } | make_machine links ids
	mocked 1 m -q -n
	[[ $(found) == *"LNK104=warning@$P>$D"* ]] || fail "two devices, one look: $(found)"
	steps 1 "$D?2" -q -n
	[[ $(found) == *"LNK104=warning@$P>$D"* ]] || fail "two devices: $(found)"
	finish
}

# Takes a capture of machine ./m, in which somebody goes the steps of $1 meanwhile, until function $2
# was seen to change between two reads; $3 must not be found then.
cleared_by_a_second_look() {
	local i
	cat >meanwhile.sh <<-'SCRIPT'
		LD_PRELOAD='' $CHANGE touch:ready $STEPS &
		until [[ -e ready ]]; do sleep 0.01; done
		timeout 20 "$@"
		status=$?
		kill $! 2>/dev/null
		exit $status
	SCRIPT
	for i in {1..20}; do
		rm -f ready
		STEPS=$1 ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
			umockdev-run -d m -- bash meanwhile.sh "$LNKINSPECT" --capture=capture >out 2>err </dev/null 3>&-
		sed -n "/^$2 /,/^\$/p" capture | grep -q '^# status_unsteady: yes' && break
	done
	((i < 20)) || fail "$3: never seen to change: $(grep '^#' capture)"
	"$LNKINSPECT" -q -n -F capture >out || true
	! grep -q "^$3" out || fail "$3: $(cat out)"
}

@test "without sampling, too: what differs is read again before it is a finding" {
	{ card '10de:2204 030000' '16x16 8x16' '16x16 8x16' && audio 16x16; } | make_machine links ids
	mocked 1 m -q -n
	[[ $(found) == *"LNK104=warning@$P>$D"* ]] || fail "it stays so: $(found)"
	# The others were read before it.
	cleared_by_a_second_look "10000:01:00.1?1 $P+$D=16x16" $D LNK104
	cat >spec <<-END
		fn 10000:00:00.0 8086:201d 060000

		fn $P 8086:2030 060400
		bridge 00 01 03
		express 90 v2 root-port slot
		link 16x4 2.5x4
		flags dlllarc dllla slc ccc presence eq-complete

		fn 10000:01:00.0 11f8:4052 060400
		bridge 01 02 03
		express 60 v2 upstream
		link 16x4 2.5x4
		flags slc ccc eq-complete

		fn 10000:02:00.0 11f8:4052 060400
		bridge 02 03 03
		express 60 v2 downstream slot
		link 16x4
		flags dlllarc dllla slc ccc presence eq-complete

		fn 10000:03:00.0 144d:a808 010802
		express 70 v2 endpoint
		link 16x4
		flags slc ccc eq-complete
	END
	make_machine links ids <spec
	mocked 1 m -q -n
	[[ $(found) == *"LNK008=notice@10000:03:00.0"* ]] || fail "slow hop: $(found)"
	cleared_by_a_second_look "10000:03:00.0?1 $P+10000:01:00.0=16x4" $P LNK008
	# Sampled, each hop counts with its own highest.
	steps 0 "10000:03:00.0?2 $P+10000:01:00.0=16x4 10000:03:00.0?2" -q -n
	[[ ! -s out ]] || fail "sampled: $(cat out)"
	steps 1 "10000:03:00.0?2 $P+10000:01:00.0=5x4 10000:03:00.0?2" -q -n
	grep -q "^LNK008 notice 10000:03:00.0  $P runs 5GT/s x4 " out || fail "sampled, still slow: $(cat out)"
	finish
}

# ---- What cannot be seen for a while -------------------------------------------------------------

@test "a device that falls asleep is not woken, and that is no change" {
	local power
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids $D/power/runtime_status=active $D/power_state=D0
	for power in power/runtime_status=suspended power_state=D3cold; do
		# Its configuration space is put away: nobody looks for it.
		steps 0 "$D?2 $D/$power $P?2; cd \$UMOCKDEV_DIR/sys/devices/pci0000:00/$D; mv config away; $CHANGE $P?3" --json
		saw "$power" '.d.asleep_ms > 0 and .d.no_answer_ms == 0 and .d.looks < .p.looks and .d.changes == 0 and
			.d.last == null and .d.highest.speed == "16GT/s" and .found == [] and .p.no_answer_ms == 0'
		steps 0 "$D?2 $D/$power $P?2; cd \$UMOCKDEV_DIR/sys/devices/pci0000:00/$D; mv config away; $CHANGE $P?3"
		grep -Eq "^$P > $D  16GT/s x16  16GT/s x16  asleep  +0  16GT/s [0-9<>]+ %, asleep [0-9<>]+ %$" out ||
			fail "$power: $(cat out)"
	done
	# It wakes up at another speed: that is none either.
	steps 0 "$D?2 $D/power/runtime_status=suspended $P?3 $P+$D=8x16 $D/power/runtime_status=active $D?2" --json
	saw "woken" '.d.changes == 0 and .d.lowest.speed == "8GT/s" and .d.last.speed == "8GT/s" and .p.changes == 1'
	finish
}

@test "a device that sleeps all the time stays asleep, and is said to; --wake reads it" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids $D/power/runtime_status=suspended
	export traps=$D
	with_trap m -n --sample=50ms --interval=10ms
	[[ ! -e seen && $status == 3 ]] || fail "status $status, opened: $(cat seen err)"
	grep -q "^$P > $D  -  *-  *asleep  *0  asleep 100 %$" out || fail "$(cat out)"
	grep -q LNK908 out || fail "LNK908: $(cat out)"
	# With its link down, too.
	card '10de:2204 030000' '16x16' '16x16' | sed 's/ dllla / /' | make_machine links ids $D/power_state=D3cold
	with_trap m -n --sample=50ms --interval=10ms
	[[ ! -e seen && $status == 3 ]] || fail "down: status $status, opened: $(cat seen err)"
	grep -q "^$P > $D  -  *-  *asleep  *0  asleep 100 %$" out || fail "down: $(cat out)"
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids $D/power/runtime_status=suspended
	steps 0 "$D?2" --wake --json
	saw "--wake" '.d.looks >= 2 and .d.asleep_ms == 0 and .d.last.speed == "16GT/s"'
	# What it runs at while the command keeps it awake, sysfs tells; what it could do is not known.
	steps 3 "$D/power/runtime_status=active $D?2 $P?1" --json
	saw "awake" '.d.looks >= 1 and .d.highest.speed == "16GT/s" and (.found | index("LNK908"))'
	finish
}

@test "a device that vanishes or answers with ones" {
	local how
	for how in ff gone; do
		card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
		steps 0 "$D?2 $D=$how $P?3" --json
		saw $how '.d.last == null and .d.highest.speed == "16GT/s" and .d.changes == 0 and .d.asleep_ms == 0 and
			.d.looks < .p.looks and .found == ["LNK105"] and .p.last.speed == "16GT/s"'
	done
	steps 0 "$D?2 $D=gone $P?3"
	grep -Eq "^$P > $D  16GT/s x16  16GT/s x16  no answer +0  16GT/s [0-9<>]+ %, no answer [0-9<>]+ %$" out ||
		fail "$(cat out)"
	grep -Eq "answered in [0-9]+ looks, and no more in the last" out || fail "LNK105: $(cat out)"
	grep -Eq "^port $P  " out || fail "the port's own row: $(cat out)"
	finish
}

@test "all ones for a while are no speed" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	cat >flicker.sh <<-SCRIPT
		config=\$UMOCKDEV_DIR/sys/devices/pci0000:00/$D/config
		cp \$config saved
		$CHANGE $D?2 $D=ff $P?3
		dd if=saved of=\$config conv=notrunc status=none
		$CHANGE $D?2
	SCRIPT
	mocked 0 m --json --interval=5ms --while='sh flicker.sh'
	saw flicker '.found == [] and .d.changes == 0 and .d.no_answer_ms > 0 and .d.looks < .p.looks and
		.d.last.speed == "16GT/s" and .d.lowest.speed == "16GT/s" and [.d.time[].speed] == ["16GT/s"]'
	finish
}

# ---- How much is looked at -----------------------------------------------------------------------

@test "not root: the attributes are sampled" {
	card '144d:a808 010802' '8x4 2.5x4' '8x4 2.5x4' | make_machine bytes=64 links ids
	steps 1 "$D?2" -q -n
	[[ $(found) == "LNK006=warning@$P>$D LNK901=warning@-" ]] || fail "idle: $(found)"
	steps 0 "$D?2 $(both 8x4)" --json
	saw "came up" '.found == ["LNK901"] and .d.changes == 1 and .d.highest.speed == "8GT/s" and
		.p.highest.speed == "8GT/s" and .d.last.width == 4'
	finish
}

@test "-s: only the path to what was chosen is looked at" {
	{
		card '10de:2204 030000' '16x16' '16x16'
		card '144d:a808 010802' '8x4' '8x4' | sed '1,2d; s/10000:00:01/10000:00:02/; s/10000:01/10000:02/; s/^bridge.*/bridge 00 02 02/'
	} | make_machine links ids
	export traps='10000:00:02.0 10000:02:00.0'
	with_trap m --json -s 10000:01: --sample=100ms --interval=10ms
	[[ ! -e seen && $status == 0 ]] || fail "status $status, opened: $(cat seen err)"
	saw "chosen" '.d.looks > 2'
	with_trap m --json --sample=100ms --interval=10ms
	[[ -e seen ]] || fail "the trap does not work"
	finish
}

@test "a machine without links is looked at once, and the command runs all the same" {
	printf 'fn 10000:00:00.0 8086:201d 060000\n' | make_machine
	mocked 0 m --sample=1h
	grep -q '^Looked once: there is no link of which a second look would tell more\.$' out || fail "$(cat out)"
	mocked 0 m --while='echo run >ran; exit 3'
	[[ -s ran ]] || fail "it did not run"
	grep -q 'would tell more (the command ended with status 3)\.$' out || fail "$(cat out)"
	mocked 0 m --json --sample=1h
	holds "no link" '.captures[0].sampling.looks == 1'
	finish
}

@test "intervals: longer than all, and as short as can be" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	mocked 0 m --json --sample=30ms --interval=1h
	saw "long" '.sampling.looks == 2 and .sampling.duration_ms >= 30 and .sampling.interval_ms == 3600000 and
		.d.looks == 2 and .sampling.command == null'
	mocked 0 m --json --sample=1s --interval=1ms
	# As many as there were time for: never more than there are milliseconds.
	saw "short" '.sampling.looks > 10 and .sampling.looks <= 1001 and .sampling.duration_ms >= 1000'
	mocked 0 m --json --sample=250ms
	saw "100ms" '.sampling.interval_ms == 100 and .sampling.looks <= 4 and .sampling.looks >= 2'
	finish
}

# ---- The command ---------------------------------------------------------------------------------

@test "--while: how the command ended is said in words, and does not become our status" {
	local how want code
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	while IFS='|' read -r how want code; do
		mocked 0 m --while="$how"
		grep -q "^Seen in [0-9]* looks over .* (the command $want):\$" out || fail "$how: $(cat out)"
		mocked 0 m --while="$how" --json
		jq -e --argjson code "$code" --arg want "the command $want" '.captures[0].sampling.command |
			[.status, .signal] == $code and .words == $want' out >/dev/null || fail "$how: $(jq -c .captures[0].sampling out)"
	done <<-'END'
		true|ended with status 0|[0, null]
		exit 3|ended with status 3|[3, null]
		nowhere-such-a-command|ended with status 127|[127, null]
		/dev/null|ended with status 126|[126, null]
		kill -9 $$|ended: signal 9 (Killed) killed its shell, and what it had started may still run|[null, 9]
	END
	finish
}

known_signals() {
	local name mask
	while read -r name mask; do
		echo "$name $((0x$mask & 0x7fffffff))"
	done <"$1"
}

@test "--while: the command's output is no part of the report, and its input is ours" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	mocked 0 m --json --while='echo to-stdout; echo to-stderr >&2'
	jq -e . out >/dev/null || fail "no JSON: $(cat out)"
	[[ $(cat err) == $'to-stdout\nto-stderr' ]] || fail "err: $(cat err)"
	echo hello >input
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 timeout 20 umockdev-run -d m -- \
		"$LNKINSPECT" -q --while='cat >copied' <input >out 2>err
	cmp input copied || fail "input"
	# No file of ours, and signals as they were.
	mocked 0 m -q --while='ls /proc/self/fd >fds; grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status >signals'
	# ls has the directory itself.
	[[ $(xargs <fds) == "0 1 2 3" ]] || fail "files: $(xargs <fds)"
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 timeout 20 umockdev-run -d m -- \
		sh -c 'grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status' >want
	# The last 31 of them: libc keeps two of the others for itself.
	cmp <(known_signals want) <(known_signals signals) || fail "signals: $(cat want signals)"
	finish
}

@test "--while: the end of the command is noticed at once" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	# Or else this would not end within 20 seconds.
	mocked 0 m --json --interval=1h --while="$CHANGE $P+$D=8x16"
	saw "an hour" '.sampling.looks == 2 and .d.last.speed == "8GT/s" and .d.changes == 1'
	mocked 0 m --json --interval=1h --while=:
	saw "nothing" '.sampling.looks == 2'
	finish
}

@test "--while: a shell that cannot be started" {
	local status=0 nobody=() public
	((EUID)) || nobody=(runuser -u nobody --)
	public=$(mktemp -d "${TMPDIR:-/tmp}/lnkinspect.XXXXXX")
	cp "$LNKINSPECT" "$public"
	chmod -R a+rX "$public"
	card '10de:2204 030000' '16x16' '16x16' | make_machine bytes=64 links ids
	# That limit does not bind root; the search for leaks would start a process.
	# shellcheck disable=SC2016 # it is for the other shell
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0:detect_leaks=0 umockdev-run -d m -- bash -c \
		'chmod -R a+rX "$UMOCKDEV_DIR" && exec "$@"' - "${nobody[@]}" bash -c 'ulimit -u 1 && exec "$@"' - \
		"$public/lnkinspect" --while=true >out 2>err || status=$?
	rm -r "$public"
	[[ $status == 2 && ! -s out ]] || fail "status $status: $(cat out err)"
	[[ $(cat err) == "lnkinspect: --while: the shell, /bin/sh, cannot be started: "* ]] || fail "$(cat err)"
	finish
}

# ---- Signals -------------------------------------------------------------------------------------

# Runs the program on machine ./m with the options behind $1, which sends it signals: in it, $pid is
# the program. Its status becomes $status.
signalled() {
	cat >signalled.sh <<-'SCRIPT'
		env --default-signal=INT "$@" &
		pid=$!
		until [[ $(</proc/$pid/comm) == lnkinspect ]]; do sleep 0.01; done
		export PROGRAM=$pid
		eval "$SENDER"
		wait $!
	SCRIPT
	status=0
	SENDER=$1
	shift
	SENDER=$SENDER ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
		timeout -s KILL 60 umockdev-run -d m -- bash signalled.sh "$LNKINSPECT" "$@" >out 2>err </dev/null 3>&- || status=$?
}

@test "a signal ends the looks, and what was seen is told" {
	local name number
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	while read -r name number; do
		signalled "$CHANGE $D?2 $(both 16x16) $name:\$pid" --sample=1h --interval=5ms --json
		((status == 0)) || fail "$name: status $status: $(cat err)"
		saw "$name" '.found == [] and .sampling.ended_by_signal == '"$number"' and .d.changes == 1'
		signalled "$CHANGE $D?2 $name:\$pid" --sample=1h --interval=5ms
		grep -q "^Seen in [0-9]* looks over .* (ended early by signal $number (.*)):\$" out || fail "$name: $(cat out)"
	done <<-'END'
		SIGINT 2
		SIGTERM 15
	END
	finish
}

@test "a signal for us alone is passed on to the command" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	signalled "$CHANGE $D?2 SIGTERM:\$pid" --while='exec sleep 1000' --json
	((status == 0)) || fail "status $status: $(cat err)"
	saw "sleep" '.sampling.ended_by_signal == 15 and .sampling.command.signal == 15 and .sampling.command.status == null'
	# One that does not end: we do.
	# shellcheck disable=SC2016 # for the command's shell
	signalled "$CHANGE $D?2; until [[ -s stubborn ]]; do sleep 0.01; done; $CHANGE SIGTERM:\$pid" \
		--while='trap "" TERM; echo $$ >stubborn; while :; do sleep 0.1; done' --json
	kill -KILL "$(cat stubborn)" || fail "it has ended"
	((status == 0)) || fail "stubborn: status $status: $(cat err)"
	saw "stubborn" '.sampling.command == {status: null, signal: null, words: "the command still runs"}'
	finish
}

# ---- On paper ------------------------------------------------------------------------------------

@test "the block stands below the picture, in table and tree, and fits the terminal" {
	local format columns
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	for format in table tree; do
		steps 0 "$D?2 $(both 16x16)" --format=$format -n
		awk '/^[^ ]*(LINK +CAN|10000:00:00.0)/ { a = NR } /^Seen in/ { b = NR } /^Nothing found|^LNK/ { c = NR }
			END { exit !(b && a < b && (!c || b < c)) }' out || fail "$format: order: $(cat out)"
		grep -Eq "^$P > $D  2.5GT/s x16  16GT/s x16  16GT/s x16 +1  2.5GT/s [0-9<>]+ %, 16GT/s [0-9<>]+ %$" out ||
			fail "$format: $(cat out)"
	done
	for columns in 120 80 60 40; do
		COLUMNS=$columns steps 0 "$D?2 $(both 16x16)" -n
		sed -n '/^Seen in/,/^$/p' out | awk -v n=$columns 'length > n { exit 1 }' || fail "$columns columns: $(cat out)"
	done
	steps 0 "$D?2 $(both 16x16)" -q
	[[ ! -s out && ! -s err ]] || fail "-q: $(cat out err)"
	# Without sampling there is none of it.
	mocked 0 m --json
	holds "one look" '.captures[0] | .sampling == null and all(.links[] | .port, .device; .samples == null)'
	finish
}

@test "the JSON is what the schema describes" {
	card '10de:2204 030000' '16x16 2.5x16' '16x16 2.5x16' | make_machine links ids
	cat >judge.py <<-'PYTHON'
		import json, os, sys
		from jsonschema import Draft202012Validator
		v = Draft202012Validator(json.load(open(os.environ["SCHEMA"])))
		wrong = [f"{e.json_path}: {e.message[:200]}" for e in v.iter_errors(json.load(open("out")))]
		print("\n".join(wrong))
		sys.exit(bool(wrong))
	PYTHON
	steps 0 "$D?2 $(both 16x16) $D=gone $P?2" --json
	python3 judge.py >wrong || fail "while: $(cat wrong)"
	mocked 0 m --json --sample=20ms
	python3 judge.py >wrong || fail "sample: $(cat wrong)"
	# shellcheck disable=SC2016 # for the command's shell
	mocked 0 m --json --while='kill -9 $$'
	python3 judge.py >wrong || fail "killed: $(cat wrong)"
	mocked 0 m --json
	python3 judge.py >wrong || fail "one look: $(cat wrong)"
	finish
}

@test "progress is for a terminal, and leaves nothing behind" {
	card '10de:2204 030000' '16x16' '16x16' | make_machine links ids
	mocked 0 m --sample=300ms --interval=10ms
	[[ ! -s err ]] || fail "a file: $(cat err)"
	cat >terminal.py <<-'PYTHON'
		import os, pty, subprocess, sys
		ours, theirs = pty.openpty()
		p = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=open("out", "w"), stderr=theirs)
		os.close(theirs)
		shown = b""
		while True:
		    try:
		        part = os.read(ours, 4096)
		    except OSError:
		        break
		    if not part:
		        break
		    shown += part
		open("err", "wb").write(shown)
		sys.exit(p.wait())
	PYTHON
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 timeout 20 umockdev-run -d m -- \
		python3 terminal.py "$LNKINSPECT" --sample=600ms --interval=10ms || fail "status $?"
	grep -aq 'looks at 2 ends of links' err || fail "no progress: $(cat -v err)"
	# Cleared, and no line was ended.
	[[ $(tail -c 1 err | od -An -tx1) == " 0d" && $(wc -l <err) == 0 ]] || fail "left behind: $(cat -v err)"
	grep -q '^Seen in' out || fail "$(cat out)"
	# Four times a second at most, whatever the interval; and one that clears it.
	awk 'NR == FNR { n += gsub(/looks? at/, "") } / looks over / { ms = $6 * ($7 ~ /^s/ ? 1000 : 1) }
		END { exit !(n > 1 && n <= ms / 250 + 1) }' RS='\r' err RS='\n' out || fail "how often: $(cat -v err out)"
	# A command has the terminal for itself.
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 timeout 20 umockdev-run -d m -- \
		python3 terminal.py "$LNKINSPECT" --while='echo alone' --interval=10ms || fail "status $?"
	[[ $(tr -d '\r' <err) == alone ]] || fail "beside a command: $(cat -v err)"
	finish
}
