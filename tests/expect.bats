#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# expect.bats - --expect and --write-expect: which lists pass, which fail, and what is said of it
#
# The origin case has two findings, an error (LNK001) and a warning (LNK203), both at the link
# 0000:00:01.0>0000:01:00.0.

bats_require_minimum_version 1.5.0
load failures

link='0000:00:01.0>0000:01:00.0'

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" fine
	# The headers alone, as everybody gets them who is not root: no comparison, LNK901.
	sed -E '/^([4-9a-f]0|[1-9a-f][0-9a-f]{2}):/d' origin >headers
	printf 'LNK001@%s\nLNK203@%s\n' "$link" "$link" >both
	echo none >none
}

# Runs the program with the arguments behind $1, which is the status that it must have.
exits() {
	local want=$1 status=0
	shift
	"$LNKINSPECT" "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "status $status, not $want: lnkinspect $*: $(head -n 2 err)"
	((want != 2)) || grep -q '^lnkinspect: ' err || fail "no word of trouble: lnkinspect $*"
}

# What differs, of ./out, must be the lines $1, each ended by a newline.
differs() {
	diff <(grep '^expect ' out || true) <(printf '%b' "$1") || fail "$2"
}

@test "just what is expected: status 0, where it would be 1" {
	exits 1 -F origin
	exits 0 -F origin --expect=both
	differs '' 'all is expected'
	grep -qx 'Held against both: 2 found\.' out || fail "the total: $(tail -n 1 out)"
	grep -q '^LNK001 error' out || fail 'the finding is not told'
	exits 0 -F fine --expect=none
	grep -qx 'Held against none: nothing expected, nothing found\.' out || fail "$(tail -n 1 out)"
	exits 0 -q -F origin --expect=both
	[[ $(wc -l <out) == 2 ]] || fail "-q: $(cat out)"
	exits 0 -t -F origin --expect=both
	finish
}

@test "new and missing: status 1, each with its line" {
	exits 1 -F origin --expect=none
	differs "expect none: + LNK001@$link error (found, not expected)\n\
expect none: + LNK203@$link warning (found, not expected)\n" none
	exits 1 -F fine --expect=both
	differs "expect both:1: - LNK001@$link (expected, not found)\n\
expect both:2: - LNK203@$link (expected, not found)\n" 'all is missing'
	grep -qx 'Held against both: 2 not found\.' out || fail "$(tail -n 1 out)"
	printf '# LNK203 went\n\nLNK001@%s\nLNK902@-\n' "$link" >other
	exits 1 -q -F origin --expect=other
	differs "expect other:4: - LNK902@- (expected, not found)\n\
expect other: + LNK203@$link warning (found, not expected)\n" 'one of each'
	# Below the findings, which -q prints as ever.
	[[ $(head -n 2 out | cut -c 1-7) == $'LNK001 \nLNK203 ' ]] || fail "$(cat out)"
	finish
}

@test "a place is PORT>DEVICE, either end, or -; case, blanks, comments and line ends do not matter" {
	local text
	for text in "LNK001@$link\nLNK203@$link" 'LNK001@01:00.0\nLNK203@00:01.0' \
		'lnk001@0000:01:00.0 # a card\r\n \tLnk203@0:01:00.0\t\r\n\r\n' \
		'#\n# none\n  LNK203@00:01.0>1:0.0#x\n\n\n\nLNK001@00:01.0'; do
		printf '%b' "$text" >list
		exits 0 -q -F origin --expect=list
	done
	# Its other end is another one's, its rule too.
	for text in 'LNK001@00:01.0>02:00.0' 'LNK001@00:02.0>01:00.0' 'LNK001@01:00.0>00:01.0' \
		'LNK001@1:01:00.0' 'LNK001@01:00.1' 'LNK002@01:00.0' 'LNK001@-'; do
		printf '%s\nLNK203@01:00.0\n' "$text" >list
		exits 1 -q -F origin --expect=list
		[[ $(grep -c '^expect list:1: - ' out) == 1 ]] || fail "$text: $(cat out)"
		[[ $(grep -c '^expect list: + LNK001@' out) == 1 ]] || fail "$text: $(cat out)"
	done
	finish
}

@test "what counts is what --fail-on counts, LNK9xx among it; what is listed must be there at any level" {
	local at=$FIXTURES/lnk003-slot-is-limit/input name
	# A notice: nobody needs to list it, and who does will have it.
	exits 0 -F "$at" --expect=none
	exits 1 -F "$at" --expect=none --fail-on=notice
	name=$(sed -n 's/^expect none: + \(LNK003@[^ ]*\) notice.*/\1/p' out)
	[[ $name == LNK003@*\>* ]] || fail "$(cat out)"
	echo "$name" >list
	exits 0 -F "$at" --expect=list
	exits 0 -F "$at" --expect=list --fail-on=error
	exits 1 -F fine --expect=list
	exits 1 -F fine --expect=list --fail-on=never
	exits 0 -F origin --expect=none --fail-on=never
	printf 'LNK001@%s\n' "$link" >list
	exits 0 -F origin --expect=list --fail-on=error
	# Damage in a function that no link needs is a warning about the input (LNK902), and status 0.
	sed '/^00:1f.3 /,/^$/s/^30: ../30: zz/' fine >harmless
	exits 0 -F harmless
	exits 1 -F harmless --expect=none
	differs 'expect none: + LNK902@- warning (found, not expected)\n' LNK902
	echo LNK902@- >list
	exits 0 -F harmless --expect=list
	finish
}

@test "cannot tell is neither missing nor found: status 3, unless something else differs" {
	# No register of the link was read: whether the finding is there, nobody knows.
	printf 'LNK001@%s\nLNK901@-\n' "$link" >list
	exits 3 -q -F headers --expect=list
	differs "expect list:1: ? LNK001@$link (expected, cannot tell)\n" 'headers'
	exits 1 -q -F headers --expect=both
	grep -qx 'expect both: + LNK901@- warning (found, not expected)' out || fail "$(cat out)"
	# The row with the port's LNKCAP is gone (LNK902), and both rules need it.
	sed '/^00:01.0 /,/^$/{/^60:/d}' origin >gone
	{ cat both && echo LNK902@-; } >list
	exits 3 -q -F gone --expect=list
	differs "expect list:1: ? LNK001@$link (expected, cannot tell)\n\
expect list:2: ? LNK203@$link (expected, cannot tell)\n" 'gone'
	# A part of a machine without the device says nothing of it; the whole machine does.
	printf 'LNK104@0000:77:00.0\n' >absent
	sed -n '/^01:00.0 /,/^$/p' origin >alone
	exits 3 -q -F alone --expect=absent
	differs 'expect absent:1: ? LNK104@0000:77:00.0 (expected, cannot tell)\n' 'a part'
	exits 1 -q -F fine --expect=absent
	differs 'expect absent:1: - LNK104@0000:77:00.0 (expected, not found)\n' 'the whole'
	# What -s does not show was not looked at.
	exits 3 -q -F origin --expect=both -s 00:00.0
	differs "expect both:1: ? LNK001@$link (expected, cannot tell)\n\
expect both:2: ? LNK203@$link (expected, cannot tell)\n" '-s'
	# All is as expected, but a link could not be compared.
	echo none >list
	exits 3 -q -F alone --expect=list
	finish
}

@test "JSON: what is missing, what is not expected; the capture's own status leaves out what is" {
	printf 'LNK001@01:00.0\nLNK902@-\n' >list
	exits 1 --json -F origin --expect=list
	jq -e --arg link "$link" '.status == 1 and .captures[0].status == 1 and .expectation == {
		file: "list", found: 1,
		missing: [{line: 2, id: "LNK902", where: "-", cannot_tell: false}],
		unexpected: [{id: "LNK203", severity: "warning", function: "0000:01:00.0",
			port: "0000:00:01.0", device: "0000:01:00.0"}]}' out >/dev/null || fail "$(jq .expectation out)"
	exits 0 --json -F origin --expect=both
	jq -e '.status == 0 and .captures[0].status == 0 and (.captures[0].findings | map(.id) |
		index("LNK001")) and .expectation.missing == [] and .expectation.unexpected == []' \
		out >/dev/null || fail 'as expected'
	exits 3 --json -F headers --expect=both --fail-on=never
	jq -e '.expectation.missing[0] == {line: 1, id: "LNK001", where: "0000:00:01.0>0000:01:00.0",
		cannot_tell: true}' out >/dev/null || fail "$(jq .expectation out)"
	exits 1 --json -F origin
	jq -e 'has("expectation") | not' out >/dev/null || fail 'without --expect'
	finish
}

@test "--write-expect: the items with their titles, the same each time, and it passes" {
	exits 0 -F origin --write-expect=list
	[[ ! -s out && ! -s err ]] || fail "$(cat out err)"
	diff list - <<-END || fail 'the list'
		# What lnkinspect $("$LNKINSPECT" --version | cut -d ' ' -f 2) finds in origin, for --expect
		LNK001@$link  # error: $("$LNKINSPECT" --explain=LNK001 | sed -n '1s/^[^:]*: //p')
		LNK203@$link  # warning: $("$LNKINSPECT" --explain=LNK203 | sed -n '1s/^[^:]*: //p')
	END
	exits 0 -F origin --write-expect=-
	cmp list out || fail '-'
	exits 0 -F origin --expect=list
	exits 0 -F fine --write-expect=list
	[[ $(sed 1d list) == none ]] || fail "none: $(cat list)"
	exits 0 -F origin --fail-on=error --write-expect=list
	[[ $(sed 1d list | cut -c 1-7) == LNK001@ ]] || fail "--fail-on: $(cat list)"
	# Trouble leaves the old one alone.
	echo keep >kept
	exits 2 -F missing --write-expect=kept
	[[ $(cat kept) == keep ]] || fail 'overwritten'
	exits 2 -F origin --write-expect=/nonexistent/list
	exits 2 -F origin --write-expect=/dev/full
	finish
}

@test "what is written of any fixture passes there" {
	local input status n=0
	for input in "$FIXTURES"/*/input; do
		status=0
		"$LNKINSPECT" -F "$input" --fail-on=notice --write-expect=list 2>err || status=$?
		if ((status)); then
			# Several captures: which is meant is not known.
			((status == 2)) && grep -q 'holds several captures, and --write-expect takes one' err ||
				fail "$input: status $status: $(cat err)"
			continue
		fi
		"$LNKINSPECT" -q -F "$input" --fail-on=notice --expect=list >out 2>err || status=$?
		# 3: the comparison of two ends was lost.
		((status == 0 || status == 3)) && ! grep -q '^expect ' out && [[ ! -s err ]] ||
			fail "$input: status $status: $(grep '^expect ' out | head -n 3) $(cat err)"
		n=$((n + 1))
	done
	((n > 200)) || fail "only $n fixtures"
	finish
}

@test "a list that means nothing is status 2: file, line, what is wrong" {
	local text words
	while IFS='|' read -r text words; do
		printf '%b' "$text" >list
		exits 2 -F origin --expect=list
		[[ ! -s out ]] || fail "$text: a report"
		[[ $(cat err) == "lnkinspect: $words"* ]] || fail "$text: $(cat err)"
	done <<-'END'
		|list expects nothing: where nothing is to be found, it must say none
		# none\n\n|list expects nothing
		LNK001|list:1: 'LNK001' is neither ID@WHERE nor none
		none\nNONE\n|list:2: 'NONE' is neither
		\nLNK999@-|list:2: no rule 'LNK999' (see --rules)
		@-|list:1: no rule '' (see --rules)
		LNK001@|list:1: '' is no place
		LNK001@here|list:1: 'here' is no place
		LNK001@01:00.0>|list:1: '01:00.0>' is no place
		LNK001@>01:00.0|list:1: '>01:00.0' is no place
		LNK001@01:00.0>02:00.0>03:00.0|list:1: '01:00.0>02:00.0>03:00.0' is no place
		LNK001@->01:00.0|list:1: '->01:00.0' is no place
		LNK001@01:20.0|list:1: '01:20.0' is no place
		LNK001@01:00.0 x|list:1: '01:00.0 x' is no place
		LNK001@-\nnone\n|list:2: none, but LNK001@- is expected in line 1
		none\nLNK001@-\n|list:1: none, but LNK001@- is expected in line 2
		LNK001@01:00.0\nLNK002@-\nlnk001@0000:01:00.0\n|list:3: LNK001@0000:01:00.0 stands in line 1, too
		LNK001@-\0000\n|list:1: '-\x00' is no place
		\0033[31mLNK001@-|list:1: no rule '\x1b[31mLNK001' (see --rules)
	END
	exits 2 -F origin --expect=missing
	grep -q 'cannot read missing: No such file' err || fail "$(cat err)"
	exits 2 -F origin --expect=.
	grep -q 'cannot read \.: Is a directory' err || fail "$(cat err)"
	exits 2 -F origin --expect=/dev/zero
	grep -q '/dev/zero:1: the line is too long' err || fail "$(cat err)"
	finish
}

@test "a long list, and a comment of any length" {
	local bus device function
	{
		cat both
		printf '# %0100000d\n' 0
		# 8192 functions that are not there, without an end of the last line
		for bus in {102..133}; do
			for device in {0..31}; do
				for function in {0..7}; do
					printf 'LNK104@%02x:%02x.%x\n' "$bus" "$device" "$function"
				done
			done
		done
	} | head -c -1 >list
	exits 1 -q -F origin --expect=list
	[[ $(grep -c '^expect list:[0-9]*: - LNK104@' out) == 8192 ]] || fail "$(grep -c ^expect out)"
	[[ $(grep '^expect' out | tail -n 1) == \
		'expect list:8195: - LNK104@0000:85:1f.7 (expected, not found)' ]] || fail "$(tail -n 1 out)"
	# Longer than what is read at once.
	{ cat both && printf '# %0200000d\n' 0; } >list
	exits 2 -q -F origin --expect=list
	grep -q '^lnkinspect: list:3: the line is too long$' err || fail "$(cat err)"
	finish
}

@test "one capture, and one thing to do with it" {
	local option
	exits 2 -F origin fine --expect=both
	grep -q -e '--expect takes one capture: give one -F' err || fail "$(cat err)"
	exits 2 -F origin fine --write-expect=list
	exits 2 -F "$FIXTURES/lnk904-two-snapshots/input" --expect=both
	grep -q 'holds several captures, and --expect takes one' err || fail "$(cat err)"
	for option in --write-expect=list --capture=c --compare=fine --monitor; do
		exits 2 --expect=both "$option"
	done
	for option in --capture=c --compare=fine --monitor; do
		exits 2 --write-expect=list "$option"
	done
	[[ ! -e list && ! -e c ]] || fail 'something was written'
	# -j has nothing to do with one input.
	exits 0 -j 4 -F origin --expect=both
	finish
}

@test "a tree of sysfs is held like a dump" {
	mkdir -p tree/devices/0000:00:00.0
	printf '\x86\x80\xc0\x29' >tree/devices/0000:00:00.0/config
	exits 1 -q -O sysfs.path="$PWD/tree" --expect=both
	exits 0 -O sysfs.path="$PWD/tree" --write-expect=list
	! grep -q 'LNK001@' list || fail "$(cat list)"
	finish
}
