#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cli.bats - the real program: options, exit statuses, widths, colours, streams, this machine
#
# Expectations come from what is promised (the manual's words), never from what was printed once.

bats_require_minimum_version 1.5.0
load failures

# Two links: 01:00.0, a GPU that runs faster than its port says; 02:00.0, an NVMe that is in order.
two_links() {
	cat <<-END
	fn 00:00.0 8086:29c0 060000
	subsys 1af4:1100

	fn 00:01.0 1b36:000c 060400
	bridge 00 01 01
	subsys 1b36:0000
	express 54 v2 root-port slot
	link 2.5x1
	LNKCAP 00000411

	fn 00:02.0 1b36:000c 060400
	bridge 00 02 02
	subsys 1b36:0000
	express 54 v2 root-port slot
	link 16x32 8x4

	fn 01:00.0 10de:1b80 030000
	express 78 v2 legacy
	link 8x16

	fn 02:00.0 144d:a808 010802
	express 70 v2 endpoint
	link 8x4
	END
}

# What others must be able to read is put here: bats' own folders are for one user only.
setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	PUBLIC=$(mktemp -d)
	export PUBLIC
	chmod 755 "$PUBLIC"
	cp "$LNKINSPECT" "$PUBLIC/lnkinspect"
	two_links | "$B/gen" >"$PUBLIC/two-links"
	cp "$FIXTURES/origin/input" "$PUBLIC/origin"
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" "$PUBLIC/fine"
	copy_tree "$PUBLIC/origin" "$PUBLIC/tree"
	chmod -R a+rX "$PUBLIC"
}

teardown_file() {
	rm -rf "$PUBLIC"
}

setup() {
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs the program with the arguments behind $1, which is the status that it must have.
# Leaves what it printed in ./out and ./err.
exits() {
	local want=$1 status=0
	shift
	"$LNKINSPECT" "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "status $status, not $want: lnkinspect $*: $(head -n 2 err)"
	if ((want == 2)); then
		grep -q '^lnkinspect: \|/lnkinspect: ' err || fail "no word of trouble: lnkinspect $*"
	fi
}

# The findings in ./out as -q prints them: "ID WHERE", sorted.
found() {
	awk '{ print $1, $3 }' out | sort | tr '\n' ';'
}

# A copy of /sys/bus/pci in $2 from the capture $1: config files only.
copy_tree() {
	local address='' offset bytes
	while read -r offset bytes; do
		case $offset in
		*:*.[0-7])
			address=0000:$offset
			mkdir -p "$2/devices/$address"
			;;
		*:)
			printf '%b' "\\x${bytes// /\\x}" >>"$2/devices/$address/config"
			;;
		esac
	done <"$1"
}

# As a user who is nobody in particular.
as_nobody() {
	if ((EUID)); then
		"$@"
	else
		runuser -u nobody -- "$@"
	fi
}

# What an output looks like on a terminal. script(1) makes one; it ends lines as terminals do.
on_terminal() {
	script -qec "$*" /dev/null </dev/null | tr -d '\r'
}

# ---- Exit status ------------------------------------------------------------------------------

@test "status 0: nothing at or above --fail-on" {
	local f=$FIXTURES
	exits 0 -F "$PUBLIC/fine"
	# A notice is below the default.
	exits 0 -F "$f/lnk003-slot-is-limit/input"
	grep -q '^LNK003 notice' out || fail "no notice where one is expected"
	exits 0 -F "$f/lnk203-legacy-port-idle/input" --fail-on=error
	exits 0 -F "$PUBLIC/origin" --fail-on=never
	exits 0 -F "$PUBLIC/origin" --ignore=LNK001,LNK203
	exits 0 -F "$PUBLIC/origin" --only=LNK005
	# No port in the guest's sight: nothing to compare, so nothing is lost.
	exits 0 -F "$f/qtest-i440fx-nvme/input"
	exits 0 -F "$f/qtest-modern-rp-empty/input"
	exits 0 --rules
	exits 0 --explain=LNK001
	exits 0 --version
	exits 0 --help
	exits 0 --usage
	exits 0 -A help
	exits 0 -O help
	finish
}

@test "status 1: findings at or above --fail-on" {
	local f=$FIXTURES
	exits 1 -F "$PUBLIC/origin"
	exits 1 -F "$PUBLIC/origin" --fail-on=error
	exits 1 -F "$f/lnk203-legacy-port-idle/input"
	exits 1 -F "$f/lnk203-legacy-port-idle/input" --fail-on=warning
	exits 1 -F "$f/lnk003-slot-is-limit/input" --fail-on=notice
	local format
	for format in --format=table --tree --json --format=junit --format=sarif \
		--format=prometheus --format=ndjson -q; do
		exits 1 -F "$PUBLIC/origin" "$format"
	done
	# What was found is worse than what was lost: the same capture without the row that holds
	# the other device's LNKSTA (capability at 70, register at 82).
	sed '/^02:00.0 /,/^$/{/^80:/d}' "$PUBLIC/two-links" >torn
	exits 1 -F torn -q
	[[ $(found) == *"LNK001 0000:00:01.0>0000:01:00.0;"* ]] || fail "torn: $(cat out)"
	exits 3 -F torn --ignore=LNK001,LNK203
	finish
}

@test "status 3: the comparison of two ends was lost" {
	local f=$FIXTURES
	# The headers alone, as lspci -x and everybody who is not root get them.
	sed -E '/^([4-9a-f]0|[1-9a-f][0-9a-f]{2}):/d' "$PUBLIC/origin" >headers
	exits 3 -F headers
	grep -q '^LNK901 warning' out || fail "headers: no LNK901"
	# The row that holds the port's LNKCAP (capability at 54, register at 60) is gone, then damaged.
	sed '/^00:01.0 /,/^$/{/^60:/d}' "$PUBLIC/origin" >gone
	exits 3 -F gone
	sed '/^00:01.0 /,/^$/s/^60: ../60: zz/' "$PUBLIC/origin" >damaged
	exits 3 -F damaged
	grep -q '^LNK902 warning' out || fail "damaged: no LNK902"
	# The other end is not in the capture.
	sed -n '/^01:00.0 /,/^$/p' "$PUBLIC/origin" >alone
	exits 3 -F alone
	grep -q '^LNK903 notice' out || fail "alone: no LNK903"
	exits 3 -F "$f/lnk903-port-alone/input"
	# Asleep, and not woken for us.
	exits 3 -F "$f/lnk908-asleep/input"
	# Whatever counts as a failure: "cannot tell" is never 0, and never a finding of 9xx.
	local level
	for level in error warning notice never; do
		exits 3 -F headers --fail-on=$level
		exits 3 -F alone --fail-on=$level
	done
	exits 3 -F headers --ignore=LNK901
	finish
}

@test "family 9xx costs a verdict, and is none" {
	# Damage in a function that no link needs: a warning, but nothing is lost.
	sed '/^00:1f.3 /,/^$/s/^30: ../30: zz/' "$PUBLIC/fine" >harmless
	exits 0 -F harmless --fail-on=notice
	grep -q '^LNK902 warning' out || fail "no LNK902"
	exits 0 -F "$FIXTURES/lnk908-awake/input" --fail-on=warning
	finish
}

@test "status 2: usage, argp's own complaints among it" {
	local f=$PUBLIC/origin
	exits 2 --no-such-option
	exits 2 -Z
	exits 2 -F
	exits 2 --from-dump
	exits 2 --fail-on
	exits 2 --tree=yes -F "$f"
	exits 2 --f -F "$f"
	exits 2 "$f"
	exits 2 "$f" -F "$f"
	exits 2 --format=xml -F "$f"
	exits 2 --format= -F "$f"
	exits 2 --color=maybe -F "$f"
	exits 2 --fail-on=info -F "$f"
	exits 2 --fail-on=lots -F "$f"
	exits 2 --only=LNK999 -F "$f"
	exits 2 --only=LNK001,bogus -F "$f"
	exits 2 --ignore=LNK999 -F "$f"
	exits 2 --ignore=LNK001@ -F "$f"
	exits 2 --ignore=LNK001@here -F "$f"
	exits 2 --ignore=0000:01:00.0 -F "$f"
	exits 2 --explain=LNK999
	exits 2 --explain=
	exits 2 -s 00:20.0 -F "$f"
	exits 2 -s 00:00.8 -F "$f"
	exits 2 -s 0000:00:00:00.0 -F "$f"
	exits 2 -s 100:00.0 -F "$f"
	exits 2 -s xyz -F "$f"
	exits 2 -d 10de -F "$f"
	exits 2 -d 10dex:1b80 -F "$f"
	exits 2 -d 12345: -F "$f"
	exits 2 -A no-such-method
	exits 2 -O no-such-parameter=1
	exits 2 -O sysfs.path
	exits 2 --redact -F "$f"
	finish
}

@test "status 2: input that cannot be read" {
	local input
	mkdir directory
	: >empty
	head -c 4096 "$LNKINSPECT" >binary
	echo 'My card is slow. What now?' >letter
	for input in missing directory empty binary letter; do
		exits 2 -F "$input"
		grep -q "$input" err || fail "$input is not named: $(cat err)"
		[[ ! -s out ]] || fail "$input: something on standard output"
		[[ $(wc -l <err) == 1 ]] || fail "$input: not one line of words: $(cat err)"
	done
	exits 2 -O sysfs.path=/nonexistent
	exits 2 -O sysfs.path="$BATS_TEST_TMPDIR/directory"
	finish
}

@test "status 2: a file that may not be read" {
	local status=0
	cp "$PUBLIC/origin" "$PUBLIC/secret"
	chmod 000 "$PUBLIC/secret"
	as_nobody "$PUBLIC/lnkinspect" -F "$PUBLIC/secret" >out 2>err || status=$?
	((status == 2))
	[[ ! -s out && $(cat err) == "lnkinspect: "*"$PUBLIC/secret"*"Permission denied"* ]]
}

@test "several inputs: the worst counts, in the order 2, 1, 3, 0, wherever it stands" {
	local a b lost=$FIXTURES/lnk903-device-alone/input
	local -A input=([0]=$PUBLIC/fine [1]=$PUBLIC/origin [2]=missing [3]=$lost)
	local rank=(0 2 3 1)
	for a in 0 1 2 3; do
		exits "$a" -F "${input[$a]}"
		for b in 0 1 2 3; do
			if ((rank[a] > rank[b])); then
				exits "$a" -F "${input[$a]}" -F "${input[$b]}"
			else
				exits "$b" -F "${input[$a]}" -F "${input[$b]}"
			fi
		done
	done
	# One that cannot be read takes nothing away from the others.
	exits 2 -q -F missing -F "$PUBLIC/origin" -F directory
	[[ $(found) == "LNK001 0000:00:01.0>0000:01:00.0;LNK203 0000:00:01.0>0000:01:00.0;" ]] ||
		fail "$(cat out)"
	[[ $(wc -l <err) == 2 ]] || fail "two inputs, two words of trouble: $(cat err)"
	# Half a JSON document is worse than none.
	exits 2 --json -F "$PUBLIC/origin" -F missing
	jq -e '.captures | length == 1' out >/dev/null || fail "JSON with one capture of two"
	exits 1 --json -F "$PUBLIC/origin" -F "$PUBLIC/fine"
	jq -e '[.captures[].source] == [$a, $b]' --arg a "$PUBLIC/origin" --arg b "$PUBLIC/fine" \
		out >/dev/null || fail "JSON with two captures"
	# What was looked up for the first serves the second, and is its own.
	mv out both
	exits 0 --json -F "$PUBLIC/fine"
	jq -e -s '.[0].captures[1].functions == .[1].captures[0].functions' both out >/dev/null ||
		fail "the second capture is not what it is alone"
	finish
}

@test "several inputs: files behind -F are inputs, too, and a last line counts all of them" {
	local f=$PUBLIC/origin total
	exits 1 --json -F "$f" "$PUBLIC/fine" -F "$f"
	jq -e '[.captures[].source] == [$a, $b, $a]' --arg a "$f" --arg b "$PUBLIC/fine" out >/dev/null ||
		fail "JSON: $(jq -c '[.captures[].source]' out)"
	exits 2 -F "$f" "$PUBLIC/fine" missing -n
	total=$(tail -n 1 out)
	[[ $total == "Together: 3 inputs, 2 captures; found: 1 error, 1 warning, "*" notices."* &&
		$total == *" 1 input could not be read." ]] || fail "$total"
	exits 1 -t -F "$f" -- "$PUBLIC/fine"
	grep -q '^Together: 2 inputs, 2 captures; found: ' out || fail "a tree: $(tail -n 1 out)"
	# One input has its own words; programs read the others.
	exits 1 -F "$f"
	! grep -q Together out || fail "one input"
	mkdir several
	cp "$FIXTURES/origin/input" several/a
	cp "$FIXTURES/lnk001-equal/input" several/b
	exits 1 -F several
	grep -q '^Together: 1 input, 2 captures; found: 1 error, 1 warning, ' out ||
		fail "a directory: $(tail -n 1 out)"
	exits 1 -q -F "$f" "$PUBLIC/fine"
	! grep -q Together out || fail "-q"
	finish
}

# ---- What is judged ---------------------------------------------------------------------------

@test "--only and --ignore: comma lists, repeated, at an address" {
	local both='LNK001 0000:00:01.0>0000:01:00.0;LNK203 0000:00:01.0>0000:01:00.0;'
	local first=${both%%;*}';' second=${both#*;} f=$PUBLIC/origin
	exits 1 -q -F "$f"
	[[ $(found) == "$both" ]] || fail "all: $(found)"
	exits 1 -q -F "$f" --only=LNK001
	[[ $(found) == "$first" ]] || fail "--only: $(found)"
	exits 1 -q -F "$f" --only=LNK203,LNK001
	[[ $(found) == "$both" ]] || fail "--only with a comma: $(found)"
	exits 1 -q -F "$f" --only=LNK203 --only=LNK001
	[[ $(found) == "$both" ]] || fail "--only twice: $(found)"
	exits 1 -q -F "$f" --ignore=LNK203
	[[ $(found) == "$first" ]] || fail "--ignore: $(found)"
	exits 0 -q -F "$f" --ignore=LNK203 --ignore=LNK001
	[[ $(found) == "" ]] || fail "--ignore twice: $(found)"
	exits 0 -q -F "$f" --ignore=LNK203,LNK001
	[[ $(found) == "" ]] || fail "--ignore with a comma: $(found)"
	exits 0 -q -F "$f" --ignore=LNK001 --only=LNK001
	[[ $(found) == "" ]] || fail "--ignore and --only: $(found)"
	# Either end of a link names it, with the domain or without; another address does not.
	local at
	for at in 0000:01:00.0 01:00.0 0000:00:01.0 00:01.0; do
		exits 1 -q -F "$f" --ignore="LNK001@$at"
		[[ $(found) == "$second" ]] || fail "--ignore LNK001@$at: $(found)"
	done
	for at in 0000:02:00.0 00:00.0 0001:01:00.0; do
		exits 1 -q -F "$f" --ignore="LNK001@$at,LNK203@$at"
		[[ $(found) == "$both" ]] || fail "--ignore LNK001@$at: $(found)"
	done
	exits 0 -q -F "$f" --ignore=LNK001@01:00.0,LNK203@0000:00:01.0
	finish
}

@test "--fail-on: each level is reached by its own severity and by worse ones" {
	local level fixture want i=0
	# worst: error, warning, notice, nothing at all
	local fixtures=(origin lnk203-legacy-port-idle lnk003-slot-is-limit qtest-gen3x16-ep-modern-rp)
	local -A statuses=([error]='1 0 0 0' [warning]='1 1 0 0' [notice]='1 1 1 0' [never]='0 0 0 0')
	for level in error warning notice never; do
		i=0
		for want in ${statuses[$level]}; do
			fixture=${fixtures[i++]}
			exits "$want" -F "$FIXTURES/$fixture/input" --fail-on="$level"
		done
	done
	finish
}

# ---- Selection --------------------------------------------------------------------------------

# The addresses in ./out that --json shows.
shown() {
	jq -r '.captures[].functions[].address' out | tr '\n' ' '
}

@test "-s and -d: what is selected and the path above it, as in lspci" {
	local f=$PUBLIC/two-links gpu='0000:00:01.0 0000:01:00.0 ' nvme='0000:00:02.0 0000:02:00.0 ' s
	exits 1 --json -F "$f"
	[[ $(shown) == "0000:00:00.0 0000:00:01.0 0000:00:02.0 0000:01:00.0 0000:02:00.0 " ]] ||
		fail "all: $(shown)"
	for s in 02:00.0 0000:02:00.0 0:02:00.0 2:0.0 02: 2:; do
		exits 0 --json -F "$f" -s "$s"
		[[ $(shown) == "$nvme" ]] || fail "-s $s: $(shown)"
	done
	for s in 01:00.0 1: 0000:1:; do
		exits 1 --json -F "$f" -s "$s"
		[[ $(shown) == "$gpu" ]] || fail "-s $s: $(shown)"
	done
	# A device number alone, a function number alone, an asterisk for any.
	exits 0 --json -F "$f" -s '*:00:00.0'
	[[ $(shown) == "0000:00:00.0 " ]] || fail "-s *:00:00.0: $(shown)"
	exits 1 --json -F "$f" -s 0
	[[ $(shown) == "0000:00:00.0 0000:00:01.0 0000:00:02.0 0000:01:00.0 0000:02:00.0 " ]] ||
		fail "-s 0: $(shown)"
	# What misses altogether is no clean bill of health.
	exits 3 --json -F "$f" -s .1
	grep -q 'no function matches' err || fail "-s .1 misses without a word"
	[[ $(shown) == "" ]] || fail "-s .1: $(shown)"
	for s in 144d: 144d:a808 :a808 ::0108 ::010802 ::01xx 144d:a808:0108; do
		exits 0 --json -F "$f" -d "$s"
		[[ $(shown) == "$nvme" ]] || fail "-d $s: $(shown)"
	done
	# Both must match.
	exits 3 --json -F "$f" -d 144d: -s 01:00.0
	[[ $(shown) == "" ]] || fail "-d and -s: $(shown)"
	# What lspci lists is what is selected.
	for s in 02:00.0 1: 0 .0 '*:00:00.0'; do
		exits "$([[ $s == 1: || $s == 0 || $s == .0 ]] && echo 1 || echo 0)" --json -F "$f" -s "$s"
		[[ $(jq -r '.captures[].functions[] | select(.selected).address' out | sort) == \
			"$(lspci -F "$f" -D -n -s "$s" | cut -d ' ' -f 1 | sort)" ]] ||
			fail "-s $s differs from lspci's"
	done
	finish
}

@test "what is not selected does not count" {
	exits 0 -q -F "$PUBLIC/two-links" -s 02:00.0
	[[ ! -s out ]] || fail "$(cat out)"
	# Nor what is lost elsewhere.
	sed '/^01:00.0 /,/^$/{/^80:/d}' "$PUBLIC/two-links" >torn
	exits 3 -F torn
	exits 0 -F torn -s 02:00.0
	exits 3 -F torn -s 01:00.0
	finish
}

# ---- What is printed --------------------------------------------------------------------------

@test "the formats have short names, and the table is the default" {
	local f=$PUBLIC/origin
	exits 1 -F "$f"
	cp out table
	exits 1 -F "$f" --format=table
	cmp out table || fail "--format=table is not the default"
	exits 1 -F "$f" --format=tree
	cp out tree
	! cmp -s table tree || fail "tree and table are one"
	exits 1 -F "$f" --tree
	cmp out tree || fail "--tree"
	exits 1 -F "$f" -t
	cmp out tree || fail "-t"
	exits 1 -F "$f" --format=json
	cp out json
	exits 1 -F "$f" --json
	cmp out json || fail "--json"
	jq -e .schema.name json >/dev/null || fail "no JSON"
	finish
}

@test "the table: environment, both ends of the link, rates, verdict; then the findings" {
	exits 1 -F "$PUBLIC/origin"
	head -n 1 out | grep -q 'QEMU guest.* 6 functions, 1 port, 1 link' || fail "environment"
	grep -E -q '^0000:00:01\.0 +2\.5GT/s x1 +2\.5GT/s x1 +0\.25 ' out || fail "port"
	grep -E -q '0000:01:00\.0 +8GT/s x16 +8GT/s x16 +15\.75 +LNK001 error ' out || fail "device"
	# Rates: 2.5 GT/s and 8 GT/s after the line encoding, 2000 and 16 * 7876 Mb/s.
	grep -q 'port claims 2.5GT/s x1 (0.25 GB/s).*device runs 8GT/s x16 (15.75 GB/s)' out ||
		fail "message"
	grep -q 'LNKCAP 0000:00:01.0 00000411' out || fail "the port's register"
	grep -q 'LNKSTA 0000:01:00.0 0103' out || fail "the device's register"
	grep -q '  why: ' out || fail "why"
	grep -q '^  do: *(owner of the host) Give the virtual port the link' out || fail "what to do"
	grep -q '^  how:  With QEMU 4.0 or later' out || fail "how"
	grep -q '^        add     -global pcie-root-port.x-speed=8$' out || fail "x-speed"
	grep -q '^        add     -global pcie-root-port.x-width=16$' out || fail "x-width"
	# Nothing found: what was checked is said, not only that all is well.
	exits 0 -F "$PUBLIC/fine"
	grep -q 'Checked: 1 link at both ends, 6 functions.*[0-9][0-9]* of 41 rules' out ||
		fail "what was checked"
	# An empty port is no link.
	exits 0 -F "$FIXTURES/qtest-modern-rp-empty/input"
	head -n 1 out | grep -q ' 1 port, 0 links' || fail "empty: $(head -n 1 out)"
	! grep -q '16GT/s x32' out || fail "an empty port's link is shown"
	exits 0 -t -F "$FIXTURES/qtest-modern-rp-empty/input"
	grep -q '01.0 .*root port .*empty' out || fail "the tree does not say empty"
	! grep -q '16GT/s x32' out || fail "an empty port's link is drawn"
	finish
}

@test "the tree: one line a function, findings where they belong" {
	exits 1 -t -F "$PUBLIC/two-links"
	local at
	for at in 00.0 01.0 02.0 01:00.0 02:00.0; do
		(($(grep -c "^[|\` -]*[|\`]-$at " out) == 1)) || fail "not one line for $at"
	done
	grep '01:00.0 ' out | head -n 1 | grep -q 'LNK001 error' || fail "LNK001 is not marked"
	! grep -- '-02:00.0 ' out | grep -q LNK || fail "the other device is marked"
	# The device hangs below its port.
	sed -n '/-01\.0 /,/-02\.0 /p' out | grep -q '01:00.0 ' || fail "01:00.0 is not below 01.0"
	finish
}

@test "-n, -nn: numbers, names and numbers" {
	local option
	for option in '' -t; do
		exits 1 -F "$PUBLIC/two-links" ${option:+"$option"}
		grep -q 'NVIDIA GP104' out || fail "$option: no name"
		! grep -q '10de:1b80' out || fail "$option: numbers beside names"
		exits 1 -F "$PUBLIC/two-links" -n ${option:+"$option"}
		! grep -q NVIDIA out || fail "-n $option: a name"
		grep -q '10de:1b80' out || fail "-n $option: no numbers"
		exits 1 -F "$PUBLIC/two-links" -nn ${option:+"$option"}
		grep -q 'NVIDIA GP104.*\[10de:1b80\]' out || fail "-nn $option: not both"
	done
	finish
}

@test "-q: a line for each finding and nothing else" {
	exits 1 -q -F "$PUBLIC/origin"
	[[ $(wc -l <out) == 2 ]] || fail "$(cat out)"
	grep -q '^LNK001 error 0000:00:01\.0>0000:01:00\.0  [^ ]' out || fail "LNK001"
	grep -q '^LNK203 warning 0000:00:01\.0>0000:01:00\.0  [^ ]' out || fail "LNK203"
	exits 0 -q -F "$PUBLIC/fine"
	[[ ! -s out ]] || fail "nothing found: $(cat out)"
	finish
}

@test "-q is about text: what programs and pages get is the same" {
	local format
	for format in json junit sarif prometheus ndjson html; do
		exits 1 --format=$format -F "$PUBLIC/origin"
		cp out want
		exits 1 -q --format=$format -F "$PUBLIC/origin"
		cmp want out || fail "$format"
	done
	for format in table tree; do
		exits 1 -q --format=$format -F "$PUBLIC/origin"
		[[ $(cut -d' ' -f1,2 out) == $'LNK001 error\nLNK203 warning' ]] || fail "$format: $(cat out)"
	done
	finish
}

@test "-v: the link registers of both ends, and every verdict in JSON" {
	local register
	exits 1 -v -F "$PUBLIC/origin"
	for register in 'LNKCAP  *00000411' 'LNKSTA  *2011' 'LNKCAP  *00000503' 'LNKSTA  *0103' \
		'LNKCAP2  *0000000e' 'LNKCTL2  *0003'; do
		grep -q "$register" out || fail "no $register"
	done
	exits 1 -F "$PUBLIC/origin"
	! grep -q 0000000e out || fail "registers without -v"
	exits 1 --json -F "$PUBLIC/origin"
	! grep -q '"verdict":"pass","rule\|"rule":"LNK005"' out || fail "passes without -v"
	exits 1 --json -v -F "$PUBLIC/origin"
	jq -e '[.captures[0].results[] | select(.rule == "LNK005")] == [{rule: "LNK005",
		function: "0000:01:00.0", verdict: "pass"}]' out >/dev/null || fail "no pass with -v"
	finish
}

@test "--rules and --explain: the whole catalogue, in any case" {
	local id severity actor title n=0
	exits 0 --rules
	cp out rules
	[[ $(sort -u rules | wc -l) == $(wc -l <rules) ]] || fail "a rule twice"
	sort -c rules || fail "not in order"
	while read -r id severity actor title; do
		n=$((n + 1))
		[[ $id =~ ^LNK[0-9]{3}$ && $severity =~ ^(info|notice|warning|error)$ &&
			$actor =~ ^(guest|host|hardware|-)$ && $title ]] || fail "$id $severity $actor"
		exits 0 --explain="${id,,}"
		grep -q "^$id $severity: $title\$" out || fail "$id: $(head -n 1 out)"
		# What it is, why it matters, what to do.
		(($(grep -c . out) >= 3)) || fail "$id: too few words"
		grep -q '^What to do' out || fail "$id: no advice"
	done <rules
	((n == 41)) || fail "$n rules"
	finish
}

@test "--explain: the registers that a rule cannot judge without" {
	local id needs
	while read -r id needs; do
		exits 0 --explain="$id"
		[[ $(sed -n 's/^Needs: //p' out) == "$needs" ]] || fail "$id: $(grep Needs out)"
	done <<-'END'
		LNK001 LNKSTA of the device; LNKCAP of the port above
		LNK007 LNKCAP, LNKSTA of the device; LNKCAP, LNKCTL2 of the port above
		LNK103 LNKCAP, LNKCAP2 of the function
		LNK301 LNKCTL of the port above
		LNK401 AER correctable status of the function
		LNK105
		LNK901
	END
	finish
}

@test "--version: the name and the number" {
	exits 0 --version
	[[ $(cat out) =~ ^lnkinspect\ [0-9]+\.[0-9]+$ ]] || fail "$(cat out)"
	cp out long
	exits 0 -V
	cmp out long || fail "-V"
	# NEWS knows of it.
	grep -q "^$(sed 's/lnkinspect //' out)\>" "$BATS_TEST_DIRNAME/../NEWS" || fail "not in NEWS"
	finish
}

# ---- Terminal ---------------------------------------------------------------------------------

# Are there escape sequences in file $1?
colored() {
	grep -q $'\e\\[' "$1"
}

@test "--color: always, never, auto" {
	local format
	for format in --format=table --tree -q; do
		exits 1 "$format" -F "$PUBLIC/origin"
		! colored out || fail "$format: colour in a file"
		exits 1 "$format" --color=auto -F "$PUBLIC/origin"
		! colored out || fail "$format --color=auto: colour in a file"
		exits 1 "$format" --color=always -F "$PUBLIC/origin"
		colored out || fail "$format --color=always: no colour"
		exits 1 "$format" --color=never -F "$PUBLIC/origin"
		! colored out || fail "$format --color=never: colour"
		# Colours add nothing else.
		sed 's/\x1b\[[0-9;]*m//g; s/ *$//' <(exits 1 "$format" --color=always -F "$PUBLIC/origin";
			cat out) >stripped
		exits 1 "$format" -F "$PUBLIC/origin"
		sed 's/ *$//' out | cmp - stripped || fail "$format: colours change the text"
	done
	finish
}

@test "--color=auto on a terminal, NO_COLOR and TERM=dumb" {
	local run="$LNKINSPECT -F $PUBLIC/origin"
	TERM=xterm on_terminal "$run" >out
	colored out || fail "no colour on a terminal"
	TERM=xterm on_terminal "$run --color=never" >out
	! colored out || fail "--color=never on a terminal"
	TERM=xterm NO_COLOR=1 on_terminal "$run" >out
	! colored out || fail "NO_COLOR=1"
	# no-color.org: only where it is set and not empty
	TERM=xterm NO_COLOR='' on_terminal "$run" >out
	colored out || fail "an empty NO_COLOR"
	TERM=xterm NO_COLOR=1 on_terminal "$run --color=always" >out
	colored out || fail "--color=always is stronger than NO_COLOR"
	TERM=dumb on_terminal "$run" >out
	! colored out || fail "TERM=dumb"
	# JSON is for programs.
	TERM=xterm on_terminal "$run --json" >out
	! colored out || fail "colour in JSON"
	finish
}

# Lines of file $1 that are wider than $2 columns, but for words that nobody can fold.
too_wide() {
	local LC_ALL=C.UTF-8 line
	while IFS= read -r line; do
		((${#line} > $2)) || continue
		# One word behind its indent and its label; a line to be copied.
		[[ $line =~ ^\ +([a-z,]+:\ +)?[^\ ]+$ || $line =~ ^\ {8}(add|find|change|to)\ +-[a-z]+\ [^\ ]+$ ]] ||
			printf '%s: %s\n' "$2" "$line"
	done <"$1"
}

@test "COLUMNS: no line is wider than the terminal" {
	local name width format wide runs=0
	for name in origin qtest-gen5-ep-switch qtest-cxl-switch qtest-pxb-pcie guest-sriov-igb-3vf \
		guest-virtio-behind-ports-typical-libvirt guest-ppc-powernv9-multidomain topo-cascade \
		topo-desktop topo-switch topo-domains-wide lnk205-gpu-audio-split lnk008-virtual-hop; do
		cp "$FIXTURES/$name/input" c
		for width in 40 80 120; do
			for format in table tree; do
				export LC_ALL=C.UTF-8 COLUMNS=$width
				"$LNKINSPECT" --format="$format" -F c >out || true
				wide=$(too_wide out "$width" | head -n 3)
				[[ -z $wide ]] || fail "$name $format $wide"
				runs=$((runs + 1))
				# Registers beside their raw values need some room.
				((width >= 80)) || continue
				"$LNKINSPECT" --format="$format" -v -nn -F c >out || true
				wide=$(too_wide out "$width" | head -n 3)
				[[ -z $wide ]] || fail "$name $format -v -nn $wide"
			done
		done
	done
	((runs == 78))
	finish
}

@test "COLUMNS: what is found is never cut off" {
	local width format
	for width in 20 40 60 80 100; do
		for format in table tree; do
			COLUMNS=$width exits 1 --format="$format" -F "$PUBLIC/origin"
			(($(grep -c 'LNK001 error' out) == 2)) || fail "$format at $width: no LNK001"
			(($(grep -c 'LNK203 warning' out) == 2)) || fail "$format at $width: no LNK203"
		done
	done
	# Into a file the text is as wide as it likes; a line of -q is a line.
	COLUMNS=40 exits 1 -q -F "$PUBLIC/origin"
	[[ $(wc -l <out) == 2 ]] || fail "-q is folded"
	finish
}

# The picture in ./out: what stands between the first two empty lines.
picture() {
	awk '!NF { part++ } part == 1 && NF' out
}

# The capture in $1, as domain after domain of one machine.
in_domains() {
	local domain
	for domain in "${@:2}"; do
		sed -E "s/^(..:..\.. )/$domain:\1/" "$1"
		echo
	done
}

@test "a picture of thousands of rows has from its first row on the columns that its last one takes" {
	local format first
	in_domains "$PUBLIC/origin" 0001 >two
	in_domains "$PUBLIC/origin" {0001..1100} >many
	in_domains "$FIXTURES/topo-cascade/input" 10000 | tee -a two >>many
	for format in table tree; do
		exits 1 -n --format=$format -F two
		picture >small
		exits 1 -n --format=$format -F many
		picture >large
		(($(wc -l <large) > 2200)) || fail "$format: $(wc -l <large) rows"
		(($(grep -c RUNS large) == $(grep -c RUNS small))) || fail "$format: headings"
		first=$(grep -n 10000: small | head -n 1 | cut -d : -f 1)
		cmp <(head -n $((first - 1)) large) <(head -n $((first - 1)) small) ||
			fail "$format: the first rows"
		cmp <(sed -n '/10000:/,$p' large) <(tail -n "+$first" small) ||
			fail "$format: the last rows"
	done
	finish
}

@test "ASCII in the C locale, lines drawn in UTF-8" {
	local format
	for format in table tree; do
		LC_ALL=C exits 1 --format=$format -F "$PUBLIC/two-links"
		! LC_ALL=C grep -q '[^ -~]' out || fail "$format, LC_ALL=C: not ASCII"
		grep -q '`-' out || fail "$format, LC_ALL=C: no lines"
		LC_ALL=C.UTF-8 exits 1 --format=$format -F "$PUBLIC/two-links"
		grep -q '└─' out || fail "$format, LC_ALL=C.UTF-8: no lines"
		iconv -f UTF-8 -t UTF-8 out >again && cmp out again || fail "$format: invalid UTF-8"
	done
	finish
}

# ---- Streams ----------------------------------------------------------------------------------

@test "standard output that cannot be written is status 2, with words" {
	local arguments
	for arguments in "-F $PUBLIC/origin" "-F $PUBLIC/fine" "-F $PUBLIC/origin -q" \
		"-F $PUBLIC/origin --tree" "-F $PUBLIC/origin --json" "-F $PUBLIC/origin --json -v" \
		"-F $PUBLIC/origin --format=junit" "-F $PUBLIC/origin --format=sarif" \
		"-F $PUBLIC/origin --format=prometheus" "-F $PUBLIC/origin --format=ndjson" \
		"-F $PUBLIC/fine --format=sarif" "-F $PUBLIC/origin --write-expect=-" \
		"-F $PUBLIC/origin --capture=-" --rules --explain=LNK001; do
		local status=0
		# shellcheck disable=SC2086 # words are meant
		"$LNKINSPECT" $arguments >/dev/full 2>err || status=$?
		((status == 2)) || fail "full, $arguments: status $status"
		[[ $(cat err) == "lnkinspect: "*": No space left on device" ]] ||
			fail "full, $arguments: $(cat err)"
		status=0
		# shellcheck disable=SC2086
		"$LNKINSPECT" $arguments >&- 2>err || status=$?
		((status == 2)) || fail "closed, $arguments: status $status"
		[[ $(cat err) == "lnkinspect: "*": Bad file descriptor" ]] ||
			fail "closed, $arguments: $(cat err)"
	done
	finish
}

@test "so it is for --help and --version" {
	local option status
	for option in --help --usage --version; do
		status=0
		"$LNKINSPECT" "$option" >/dev/full 2>err || status=$?
		((status == 2)) || fail "$option: status $status"
		[[ -s err ]] || fail "$option: no word"
	done
	finish
}

@test "nothing to write, nothing wrong: -q without a finding on a full disk" {
	"$LNKINSPECT" -q -F "$PUBLIC/fine" >/dev/full
}

@test "a reader that goes away is no news" {
	local all=() i
	for ((i = 0; i < 400; i++)); do
		all+=(-F "$PUBLIC/origin")
	done
	# More than a pipe holds.
	(($("$LNKINSPECT" "${all[@]}" | wc -c) > 200000))
	"$LNKINSPECT" "${all[@]}" 2>err | head -n 1 >out
	[[ $(wc -l <out) == 1 && ! -s err ]]
}

@test "-F -: standard input, in any company" {
	"$LNKINSPECT" -q -F "$PUBLIC/origin" >file || true
	"$LNKINSPECT" -q -F - <"$PUBLIC/origin" >out || true
	cmp file out || fail "a file"
	# shellcheck disable=SC2002 # a pipe is meant
	cat "$PUBLIC/origin" | "$LNKINSPECT" -q --from-dump=- >out || true
	cmp file out || fail "a pipe"
	"$LNKINSPECT" -q -F "$PUBLIC/fine" -F - <"$PUBLIC/origin" >out || true
	cmp file out || fail "behind a file"
	local status=0
	"$LNKINSPECT" -F - </dev/null >out 2>err || status=$?
	((status == 2)) || fail "empty: status $status"
	grep -q 'standard input is empty' err || fail "empty: $(cat err)"
	status=0
	"$LNKINSPECT" -F - <&- >out 2>err || status=$?
	((status == 2)) || fail "closed: status $status"
	status=0
	"$LNKINSPECT" -F - <"$BATS_TEST_TMPDIR" >out 2>err || status=$?
	((status == 2)) || fail "a directory: status $status"
	finish
}

@test "a file's name decides nothing" {
	local name
	"$LNKINSPECT" -q -F "$PUBLIC/origin" >want || true
	for name in lspci.bin lspci.txt lspci.json lspci.gz 'my capture' -dump; do
		cp "$PUBLIC/origin" "./$name"
		"$LNKINSPECT" -q --from-dump="$name" >out || true
		cmp want out || fail "$name"
	done
	finish
}

# ---- Captures ---------------------------------------------------------------------------------

@test "--capture of a copied tree: lspci reads what it reads of the tree" {
	local address
	# lspci wants more than config files, and gets it from the same bytes.
	cp -r "$PUBLIC/tree" tree
	lspci -F "$PUBLIC/origin" -D -n | while read -r address class id _; do
		printf '0x%s00\n' "${class%:}" >"tree/devices/$address/class"
		printf '0x%s\n' "${id%:*}" >"tree/devices/$address/vendor"
		printf '0x%s\n' "${id#*:}" >"tree/devices/$address/device"
		printf '0\n' >"tree/devices/$address/irq"
		yes '0x0000000000000000 0x0000000000000000 0x0000000000000000' | head -n 13 \
			>"tree/devices/$address/resource"
	done
	lspci -O sysfs.path="$PWD/tree" -D -n -xxxx >of-tree
	(($(grep -c ' [0-9a-f]\{4\}: [0-9a-f]\{4\}:' of-tree) == 6))
	(($(grep -c '^ff0: ' of-tree) == 2))
	exits 0 --capture=capture -O sysfs.path="$PWD/tree"
	[[ ! -s out && ! -s err ]] || fail "words: $(cat out err)"
	lspci -F capture -D -n -xxxx >of-capture 2>err || fail "lspci -F: $(cat err)"
	[[ ! -s err ]] || fail "lspci complains: $(cat err)"
	diff of-tree of-capture || fail "lspci reads something else"
	# And we judge what lspci prints of the tree as we judge the tree and our capture of it.
	exits 1 -q -O sysfs.path="$PWD/tree"
	cp out want
	[[ -s want ]] || fail "nothing found"
	exits 1 -q -F of-tree
	cmp out want || fail "lspci's text"
	exits 1 -q -F capture
	cmp out want || fail "our capture"
	lspci -F capture -vv >decoded 2>err
	grep -q 'LnkCap:.*Speed 8GT/s, Width x16' decoded || fail "lspci -vv"
	finish
}

@test "a tree of config files gives the JSON of the dump, byte for byte but for the source" {
	local source='s/^{"source":"[^"]*"/{"source":""/'
	exits 1 --json -F "$PUBLIC/origin"
	sed "$source" out >of-dump
	exits 1 --json -O sysfs.path="$PUBLIC/tree"
	sed "$source" out >of-tree
	grep -q '{"source":""' of-tree || fail "the source is not where it is expected"
	cmp of-dump of-tree || diff <(jq -S . of-dump) <(jq -S . of-tree) || fail "they differ"
	exits 1 --json -A linux-sysfs -O sysfs.path="$PUBLIC/tree"
	sed "$source" out | cmp - of-tree || fail "with -A"
	# Nothing of this machine: neither its name nor its kernel.
	jq -e '.captures[0].environment | .kernel == null and .machine == null and .hypervisor == "QEMU"' \
		of-tree >/dev/null || fail "the running machine entered"
	finish
}

@test "--capture of a capture is the same again" {
	exits 0 -F "$PUBLIC/origin" --capture=one
	exits 0 -F one --capture=two
	diff <(sed 1,/^$/d one) <(sed 1,/^$/d two) || fail "bytes"
	exits 1 -q -F "$PUBLIC/origin"
	cp out want
	exits 1 -q -F two
	cmp out want || fail "verdict"
	exits 0 -F "$PUBLIC/origin" --capture=-
	cmp out one || fail "- is standard output"
	finish
}

@test "--capture does not destroy what it reads, and leaves no half of one behind" {
	cp "$PUBLIC/origin" mine
	"$LNKINSPECT" -F mine --capture=mine >out 2>err || true
	exits 1 -F mine -q
	[[ $(found) == *LNK001* ]] || fail "-F and --capture of one file: it holds $(wc -c <mine) bytes"
	exits 2 --capture=/nonexistent/file -F "$PUBLIC/origin"
	exits 2 --capture=/dev/full -F "$PUBLIC/origin"
	exits 2 --capture="$BATS_TEST_TMPDIR" -F "$PUBLIC/origin"
	echo keep >kept
	exits 2 --capture=kept -O sysfs.path=/nonexistent
	[[ $(cat kept) == keep ]] || fail "nothing could be read, and the old capture is gone"
	finish
}

@test "--redact: serial numbers are blanked, and it is said" {
	local f=$FIXTURES/lnk205-same-dsn/input n
	# The number stands in the fixture twice, for two functions of one device.
	exits 0 -F "$f" --json
	jq -r '.captures[0].functions[].registers | select(.DSNLO) | .DSNLO, .DSNHI' out |
		grep -v '^00000000$' | sort -u >serials
	[[ $(wc -l <serials) == 2 ]] || fail "no serial number in the fixture: $(cat serials)"
	exits 0 -F "$f" --capture=plain
	exits 0 -F "$f" --capture=redacted --redact
	exits 0 -F plain --json
	n=$(grep -c -F -f serials out)
	((n > 0)) || fail "without --redact it is gone, too"
	exits 0 -F redacted --json
	! grep -q -F -f serials out || fail "still there"
	jq -e '[.captures[0].functions[].registers | select(.DSNLO) | .DSNLO, .DSNHI] | length == 4 and
		all(. == "00000000")' out >/dev/null || fail "not blanked, or not found again"
	grep -q '^# redacted: 2 .*serial number' redacted || fail "not said in the head"
	! grep -q '^# redacted:' plain || fail "said of what is not"
	exits 0 -F redacted --json
	jq -e '.captures[0].environment.redacted' out >/dev/null || fail "not said in JSON"
	# Nothing else is touched: eight bytes in each of two functions.
	[[ $(diff <(sed 1,/^$/d plain) <(sed 1,/^$/d redacted) | grep -c '^>') -le 4 ]] || fail "more"
	finish
}

# ---- This machine -----------------------------------------------------------------------------

# Has anything here an Express capability? Without root only sysfs can tell.
has_express() {
	compgen -G '/sys/bus/pci/devices/*/current_link_width' >/dev/null
}

# Runs $@ (the program, perhaps as somebody else): what every machine must give.
live() {
	local status=0
	"$@" >out 2>err || status=$?
	[[ ! -s err ]] || fail "$*: $(cat err)"
	if has_express; then
		[[ $status == [013] ]] || fail "$*: status $status"
	else
		((status == 0)) || fail "$*: no Express here, and status $status"
	fi
}

@test "live, as root and as nobody: names the environment, and what there is to check" {
	local n who
	n=$(find /sys/bus/pci/devices/ -mindepth 1 | wc -l)
	((n > 0)) || {
		# A machine without PCI: nothing to look at is not "fine".
		exits 2
		finish
		return
	}
	for who in '' as_nobody; do
		live $who "$PUBLIC/lnkinspect"
		head -n 1 out | grep -q "Linux $(uname -r)" || fail "$who: kernel: $(head -n 1 out)"
		head -n 1 out | grep -q " $n functions\?, " || fail "$who: not $n: $(head -n 1 out)"
		head -n 1 out | grep -q 'guest\|bare metal' || fail "$who: what is it? $(head -n 1 out)"
		grep -q 'Checked: ' out || fail "$who: what was checked?"
		has_express || grep -q 'No link to check' out || fail "$who: no link is not said"
		live $who "$PUBLIC/lnkinspect" --tree
		live $who "$PUBLIC/lnkinspect" -q
		live $who "$PUBLIC/lnkinspect" --json
		jq -e --arg kernel "Linux $(uname -r)" --argjson n "$n" \
			'.captures | length == 1 and (.[0].functions | length == $n) and
			.[0].environment.kernel == $kernel' out >/dev/null || fail "$who: JSON"
		[[ $(jq -r '.captures[0].functions[].address' out) == "$(lspci -D -n | cut -d ' ' -f 1)" ]] ||
			fail "$who: not the functions that lspci lists"
	done
	finish
}

@test "live: --capture is read by lspci and judged as this machine is" {
	local who
	for who in '' as_nobody; do
		rm -rf "$PUBLIC/spool"
		mkdir -m 777 "$PUBLIC/spool"
		$who "$PUBLIC/lnkinspect" --capture="$PUBLIC/spool/c" || fail "$who: status $?"
		lspci -F "$PUBLIC/spool/c" -D -n >of-capture 2>err || fail "$who: lspci -F: $(cat err)"
		diff <(lspci -D -n) of-capture || fail "$who: lspci lists something else"
		live $who "$PUBLIC/lnkinspect" -q -n
		sort out >want
		exits "$($who "$PUBLIC/lnkinspect" >/dev/null && echo 0 || echo $?)" -q -n \
			-F "$PUBLIC/spool/c"
		sort out | diff want - || fail "$who: another verdict"
		# The head holds the environment.
		[[ $(head -n 1 "$PUBLIC/spool/c") == '# lnkinspect capture 1' ]] || fail "$who: first line"
		local line
		for line in "tool: lnkinspect [0-9.]*" "time: 20[0-9-]*T[0-9:]*Z" "kernel: Linux $(uname -r)"; do
			sed -n '1,/^$/p' "$PUBLIC/spool/c" | grep -q "^# $line\$" || fail "$who: no $line"
		done
	done
	# lspci -xxxx of this machine and of our capture: the same bytes, for root. What changes while we
	# look (status bits) would be seen here; registers that do stand in the first 64 bytes.
	"$LNKINSPECT" --capture=c
	diff <(lspci -D -n -x) <(lspci -F c -D -n -x) || fail "other bytes"
	finish
}
