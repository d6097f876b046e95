#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# monitor.bats - --monitor on machines whose devices come, go and change
#
# stage.py plays what happens there, step by step, and waits for what is printed. What stands in the
# steps is by hand, from the registers that tests/fixtures/origin/README names.

bats_require_minimum_version 1.5.0
load failures
load machine

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
}

setup() {
	export LC_ALL=C TZ=UTC
	unset COLUMNS NO_COLOR TERM TRACE
	cd "$BATS_TEST_TMPDIR" || return 1
	machine mock m "$(fixture origin)" ids links
}

# The link, and what told() says when its device goes and comes.
wire="0000:00:01.0>0000:01:00.0"
went="went=LNK001@$wire went=LNK203@$wire removed=0000:01:00.0"
came="added=0000:01:00.0 came=LNK001@$wire came=LNK203@$wire"

# Plays the script of standard input on machine $1.
play() {
	# Under strace there is no search for leaks.
	local options=verify_asan_link_order=0${TRACE:+:detect_leaks=0}
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:$options umockdev-wrapper \
		python3 "$BATS_TEST_DIRNAME/stage.py" "$1" "$LNKINSPECT" >played 2>&1 ||
		fail "$(tail -n 3 played)"
}

# What was printed, without times, messages and what stands at the start: one word for each line's kind.
told() {
	awk '$2 != "watching" && $2 != "found" { print ($3 ~ /^LNK/ ? $2 "=" $3 "@" $5 : $2 "=" $3) }' out |
		xargs
}

# How often the machine was looked at: each look lists its functions once.
looks() {
	grep -c 'openat(.*/bus/pci/devices"' trace
}

# Is the jq expression $1 true of one of the lines in ./out?
tells() {
	jq -en "any(inputs; $1)" out >/dev/null || fail "never: $1"
}

@test "a device that comes and goes: it, what is found, and when, in one line each" {
	play m <<-'END'
		start --monitor
		wait found LNK001
		wait found LNK203
		remove 0000:01:00.0
		wait removed
		add 0000:01:00.0
		wait came LNK203
		remove 0000:01:00.0
		wait removed
		idle 0
		signal TERM
		ends 0
	END
	[[ $(head -n 1 out) == *" watching 6 functions, 1 link: what comes and goes; "*"--interval"* ]] ||
		fail "$(head -n 1 out)"
	grep -q ' found LNK001 error 0000:00:01.0>0000:01:00.0  port claims 2.5GT/s x1 ' out || fail "LNK001"
	grep -q ' found LNK203 warning 0000:00:01.0>0000:01:00.0  ' out || fail "LNK203"
	[[ $(told) == "$went $came $went" ]] || fail "$(told)"
	grep -qE ' added 0000:01:00.0 .*(0d93|0D93)$' out || fail "no name"
	! grep -vE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00 [a-z]+ ' out ||
		fail "a line without its time"
	[[ ! -s err ]] || fail "$(cat err)"
	finish
}

@test "times are local, with their distance from UTC" {
	TZ=UTC-5:30 play m <<-'END'
		start --monitor -q
		wait +05:30 found LNK203
		signal INT
		ends 0
	END
	finish
}

@test "nothing wakes it up between events, and a link that changes is not seen" {
	play m <<-'END'
		start --monitor
		wait found LNK203
		idle 2
		status 0000:01:00.0 0011
		idle 1
		event bind 0000:01:00.0
		event unbind 0000:01:00.0
		idle 0
		signal INT
		ends 0
	END
	[[ -z $(told) ]] || fail "$(told)"
	finish
}

@test "a change event is a reason to look; looked at again and the same, nothing is printed" {
	play m <<-'END'
		start --monitor
		wait found LNK203
		event change 0000:01:00.0
		idle 0
		status 0000:01:00.0 0011
		event change 0000:01:00.0
		wait came LNK002
		signal TERM
		ends 0
	END
	[[ $(told) == "went=LNK001@$wire link=$wire came=LNK002@$wire" ]] || fail "$(told)"
	grep -q ' link 0000:00:01.0>0000:01:00.0 2.5GT/s x1, was 8GT/s x16$' out || fail "$(grep link out)"
	finish
}

@test "a burst of events is one look" {
	TRACE='-e trace=openat' play m <<-'END'
		start --monitor -n
		wait found LNK203
		event change 0000:01:00.0 200
		idle 0
		remove 0000:01:00.0
		wait removed
		signal TERM
		ends 0
	END
	# The first, the burst's, which takes long on a busy machine, the last.
	(($(looks) >= 3 && $(looks) <= 6)) || fail "$(looks) looks"
	[[ $(told) == *"removed=0000:01:00.0" ]] || fail "$(told)"
	finish
}

@test "events that were lost are a reason to look" {
	TRACE='-e trace=recvmsg,recvfrom -e inject=recvmsg,recvfrom:error=ENOBUFS:when=1' play m <<-'END'
		start --monitor -n
		wait found LNK203
		status 0000:01:00.0 0011
		event bind 0000:01:00.0
		wait came LNK002
		signal TERM
		ends 0
	END
	finish
}

@test "signals end it at once: while it waits, and while it waits for the end of a burst" {
	local signal
	for signal in INT TERM; do
		play m <<-END
			start --monitor
			wait found LNK203
			signal $signal
			ends 0
		END
		play m <<-END
			start --monitor
			wait found LNK203
			event change 0000:01:00.0
			signal $signal
			ends 0
		END
	done
	[[ ! -s err ]] || fail "$(cat err)"
	finish
}

@test "whoever reads goes away: it ends; nobody reads: a signal ends it; no room: status 2" {
	play m <<-'END'
		into-pipe
		start --monitor
		idle 0
		hang-up
		ends 0
	END
	[[ ! -s err ]] || fail "hang-up: $(cat err)"
	# More than the pipe holds.
	play m <<-'END'
		into-pipe
		start --monitor --json --suggest=all
		idle 0
		signal TERM
		ends 0
	END
	[[ ! -s err ]] || fail "full pipe: $(cat err)"
	play m <<-'END'
		onto /dev/full
		start --monitor
		ends 2
	END
	[[ $(cat err) == "lnkinspect: standard output: No space left on device" ]] || fail "$(cat err)"
	finish
}

@test "--interval: a link that changes, a finding that goes, without any event" {
	play m <<-'END'
		start --monitor --interval 20ms
		wait found LNK203
		status 0000:01:00.0 0011
		wait came LNK002
		status 0000:01:00.0 0103
		wait came LNK001
		status 0000:00:01.0 0012
		wait link
		lose 0000:01:00.0
		wait removed
		signal TERM
		ends 0
	END
	[[ $(head -n 1 out) == *"what comes and goes; links are looked at every 0.02s" ]] ||
		fail "$(head -n 1 out)"
	grep -q ' link 0000:00:01.0>0000:01:00.0 2.5GT/s x1, was 8GT/s x16$' out || fail "slower"
	grep -q ' link 0000:00:01.0>0000:01:00.0 8GT/s x16, was 2.5GT/s x1$' out || fail "faster"
	grep -q ' link 0000:00:01.0>0000:01:00.0 8GT/s x16, was 8GT/s x16; its port says 5GT/s x1, was 2.5GT/s x1$' out ||
		fail "port: $(grep link out)"
	finish
}

@test "--interval: what read all ones and answers again is looked at again, without any event" {
	play m <<-'END'
		start --monitor --interval 20ms
		wait found LNK203
		status 0000:01:00.0 ffff
		wait came LNK105
		status 0000:01:00.0 0103
		wait went LNK105
		signal TERM
		ends 0
	END
	(($(grep -c LNK105 out) == 2)) || fail "$(cat out)"
	finish
}

@test "--interval: while nothing changes, two bytes of each end are read, and nothing is printed" {
	local n
	TRACE='-y -e trace=read,pread64,openat' play m <<-'END'
		start --monitor -n --interval 10ms
		wait found LNK203
		event change 0000:00:1f.2
		set 0000:00:1f.3 mark 1
		status 0000:01:00.0 0011
		wait came LNK002
		signal TERM
		ends 0
	END
	[[ $(told) == went=LNK001*link=*came=LNK002* ]] || fail "$(told)"
	# One dword or a part of one.
	n=$(grep -cE 'pread64\(.*/config>, .*, 2, ' trace)
	((n > 2)) || fail "$n reads of two bytes"
	finish
}

@test "what sleeps is not read, not once, with --interval either, and is no finding that went well" {
	machine mock m "$(fixture origin)" ids links 0000:01:00.0/power/runtime_status=suspended
	TRACE='-e trace=openat,open' play m <<-'END'
		start --monitor -n --interval 10ms
		wait found LNK908
		event change 0000:00:01.0
		event change 0000:01:00.0
		remove 0000:00:1f.2
		wait removed 0000:00:1f.2
		add 0000:00:1f.2
		wait added 0000:00:1f.2
		signal TERM
		ends 0
	END
	grep -q '0000:00:01.0/config' trace || fail "nothing was read"
	! grep -E '0000:01:00.0/(config|(current|max)_link)' trace || fail "it was woken"
	machine mock m "$(fixture origin)" ids links 0000:01:00.0/power/runtime_status=active
	play m <<-'END'
		start --monitor -n --interval 20ms
		wait found LNK203
		set 0000:01:00.0 power/runtime_status suspended
		status 0000:01:00.0 0011
		event change 0000:01:00.0
		wait went LNK001
		wait came LNK908
		set 0000:01:00.0 power/runtime_status active
		wait came LNK002
		signal TERM
		ends 0
	END
	grep -q ' went LNK001 error .*  cannot tell, it sleeps now: port claims' out || fail "$(grep went out)"
	grep -q ' went LNK908 ' out || fail "LNK908 stands"
	finish
}

@test "other ids at the same address: one device went, another came" {
	# With the subsystem of QEMU's devices it would be one of them.
	lspci -F "$(fixture origin)" -n -xxxx | sed '/^01:00.0 /,$ {
		s/^00: 86 80 93 0d/00: de 10 80 1b/
		/^20: /s/f4 1a 00 11/de 10 81 11/
	}' >dump
	machine mock new dump ids links
	(($(grep -cE 'A: (device=0x1b80|subsystem_device=0x1181)' new) == 2)) || fail "no other ids"
	play m <<-'END'
		start --monitor -nn
		wait found LNK203
		remove 0000:01:00.0
		add 0000:01:00.0 new
		wait came LNK203
		signal TERM
		ends 0
	END
	[[ $(told) == "$went $came" ]] || fail "$(told)"
	grep -q ' removed 0000:01:00.0 .*8086:0d93' out || fail "$(grep removed out)"
	grep -q ' added 0000:01:00.0 .*10de:1b80' out || fail "$(grep added out)"
	# The same device again is no news.
	play m <<-'END'
		start --monitor -n
		wait found LNK203
		remove 0000:01:00.0
		add 0000:01:00.0
		idle 0
		signal TERM
		ends 0
	END
	[[ -z $(told) ]] || fail "again: $(told)"
	finish
}

@test "-q: findings only; -s, --only, --ignore choose as ever" {
	local steps=$'wait came LNK203\nsignal TERM\nends 0'
	play m <<-END
		start --monitor -q
		wait found LNK203
		remove 0000:01:00.0
		wait went LNK203
		add 0000:01:00.0
		$steps
	END
	[[ $(told) == "went=LNK001@$wire went=LNK203@$wire came=LNK001@$wire came=LNK203@$wire" ]] ||
		fail "-q: $(told)"
	! grep -vE ' (found|went|came) LNK' out || fail "-q: more"
	play m <<-END
		start --monitor -s 01:00.0 --only LNK203,LNK001 --ignore LNK001@01:00.0
		wait found LNK203
		remove 0000:00:1f.2
		remove 0000:01:00.0
		wait removed 0000:01:00.0
		add 0000:00:1f.2
		add 0000:01:00.0
		$steps
	END
	[[ $(told) == "went=LNK203@$wire removed=0000:01:00.0 added=0000:01:00.0 came=LNK203@$wire" ]] ||
		fail "-s: $(told)"
	finish
}

@test "who is not root: attributes, LNK901, and --interval looks at attributes" {
	machine mock m "$(fixture origin)" ids links bytes=64
	play m <<-'END'
		start --monitor --interval 20ms
		wait found LNK001
		wait found LNK901
		set 0000:01:00.0 current_link_width 8
		wait changed LNK001
		signal TERM
		ends 0
	END
	grep -q ' link 0000:00:01.0>0000:01:00.0 8GT/s x8, was 8GT/s x16$' out || fail "$(told)"
	finish
}

@test "a function that is listed and gone, and a machine that has none for a while" {
	# What a devices directory holds beside functions sends events when all of them are gone.
	printf 'P: /devices/pci0000:00/other\nE: SUBSYSTEM=pci\n\n' >>m
	play m <<-'END'
		start --monitor
		wait found LNK203
		lose 0000:00:1f.2
		event change 0000:00:1f.3
		wait removed 0000:00:1f.2
		lose 0000:00:1f.0
		lose 0000:00:1f.3
		lose 0000:01:00.0
		lose 0000:00:01.0
		lose 0000:00:00.0
		event change other
		wait trouble
		event change other
		idle 0
		find 0000:00:00.0
		event change other
		wait removed 0000:01:00.0
		signal TERM
		ends 0
	END
	(($(grep -c ' trouble this machine: no PCI function can be read' out) == 1)) || fail "$(cat out)"
	[[ ! -s err ]] || fail "$(cat err)"
	finish
}

@test "where no events can be had: --interval, or words about it" {
	TRACE='-e trace=socket -e inject=socket:error=EAFNOSUPPORT' play m <<-'END'
		start --monitor
		ends 2
	END
	grep -q -e '--interval' err || fail "$(cat err)"
	TRACE='-e trace=socket -e inject=socket:error=EAFNOSUPPORT' play m <<-'END'
		start --monitor --interval 20ms
		wait found LNK203
		status 0000:01:00.0 0011
		wait came LNK002
		signal TERM
		ends 0
	END
	grep -q 'cannot listen' err || fail "$(cat err)"
	TRACE='-e trace=socket -e inject=socket:error=EAFNOSUPPORT' play m <<-'END'
		start --monitor --interval 20ms
		wait found LNK203
		remove 0000:01:00.0
		wait removed 0000:01:00.0
		add 0000:01:00.0
		wait came LNK203
		signal TERM
		ends 0
	END
	[[ $(head -n 1 out) == *"events may not come; "*"every 0.02s" ]] || fail "$(head -n 1 out)"
	finish
}

@test "many changes take no more memory than few" {
	local i
	{
		echo "start --monitor -n --interval 1ms"
		echo "wait found LNK203"
		for ((i = 0; i < 40; i++)); do
			printf 'status 0000:01:00.0 %s\n' 0011
			echo "wait came LNK002"
			((i != 10)) || echo "memory before"
			printf 'status 0000:01:00.0 %s\n' 0103
			echo "wait came LNK001"
		done
		printf '%s\n' "memory after" "signal TERM" "ends 0"
	} >script
	play m <script
	# Kilobytes; what was freed is kept apart for a while by AddressSanitizer, which counts it itself.
	[[ ${SAN:-} ]] || (($(<after) <= $(<before) + 256)) || fail "$(<before) kB, then $(<after) kB"
	finish
}

@test "JSON: an object a line, as schema/lnkinspect-monitor.schema.json describes it" {
	machine mock m "$(fixture origin)" ids links 0000:01:00.0/power/runtime_status=active
	play m <<-'END'
		start --monitor --json --interval 20ms
		wait "found"
		wait "found"
		status 0000:01:00.0 0101
		wait "changed"
		remove 0000:01:00.0
		wait "removed"
		add 0000:01:00.0
		wait "came"
		set 0000:01:00.0 power/runtime_status suspended
		event change 0000:01:00.0
		wait "asleep"
		lose 0000:00:1f.2
		lose 0000:00:1f.0
		lose 0000:00:1f.3
		lose 0000:01:00.0
		lose 0000:00:01.0
		lose 0000:00:00.0
		wait "trouble"
		signal TERM
		ends 0
	END
	cat >judge.py <<-'PYTHON'
		import json, sys
		from jsonschema import Draft202012Validator
		def load(name):
		    return open(f"{sys.argv[1]}/{name}.schema.json").read()
		line = json.loads(load("lnkinspect-monitor").replace("lnkinspect.schema.json#", "#"))
		line["$defs"].update(json.loads(load("lnkinspect"))["$defs"])
		Draft202012Validator.check_schema(line)
		judge = Draft202012Validator(line)
		events = set()
		for text in open("out"):
		    o = json.loads(text)
		    events.add(o["event"])
		    if not judge.is_valid(o):
		        sys.exit(f"not valid: {text[:300]}")
		    # Each key is needed, and no other is taken.
		    for key in o:
		        if judge.is_valid({k: o[k] for k in o if k != key}) or judge.is_valid({**o, "extra": 1}):
		            sys.exit(f"{o['event']}: valid without {key}, or with more")
		known = set()
		for branch in line["oneOf"]:
		    event = branch["properties"]["event"]
		    known.update(event.get("enum", [event.get("const")]))
		if events != known:
		    sys.exit(f"not seen: {known - events}")
	PYTHON
	python3 judge.py "$BATS_TEST_DIRNAME/../schema" 2>&1 || fail "schema"
	tells '.event == "start" and .schema == {name: "lnkinspect-monitor", version: 1} and
		.functions == 6 and .links == 1 and .events and .interval_ms == 20'
	tells '.event == "went" and .because == "asleep" and .finding.id == "LNK001"'
	tells '.event == "went" and .because == "removed" and .finding.id == "LNK203"'
	tells '.event == "changed" and (.finding.message | test("2.5GT/s x16")) and
		(.was.message | test("8GT/s x16"))'
	tells '.event == "link" and .link.device.current_link.speed == "2.5GT/s" and
		.was.device.current_link.speed == "8GT/s"'
	[[ $(tail -n 1 out | jq -r .event) == end ]] || fail "no end"
	finish
}
