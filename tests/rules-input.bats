#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rules-input.bats - what we hold true of the rules about the input itself: family 9xx
#
# None of them makes exit status 1. Where one cost the comparison of two ends, the status is 3.

bats_require_minimum_version 1.5.0
load beliefs

# The message of the finding $2 in fixture $1.
message() {
	"$LNKINSPECT" -F "$FIXTURES/$1/input" -q -n | sed -n "s/^$2 [a-z]* [^ ]*  //p"
}

# The numbers of the lines of fixture $1's input that match $2.
lines_of() {
	grep -n -E -e "$2" "$FIXTURES/$1/input" | cut -d: -f1
}

@test "LNK901: only headers were readable" {
	believe <<-END
		lnk901-headers-only LNK901=warning@- !LNK106 !LNK902 !LNK903 status=3
		lnk901-256-bytes none !LNK901 !LNK902 !LNK903 status=0
		lnk901-attributes LNK901=warning@- LNK001=error@0000:00:01.0>0000:01:00.0 !LNK004 status=1
		lnk901-attributes-fine LNK901=warning@- !LNK001 !LNK004 !LNK005 status=0
	END
}

@test "LNK902: the capture is damaged" {
	believe <<-END
		lnk902-bad-rows LNK902=warning@- !LNK907 status=0
		lnk902-lost-registers LNK902=warning@- !LNK004 !LNK005 ?LNK001@0000:01:00.0 status=3
		lnk902-lost-header LNK902=warning@- status=3
		lnk901-256-bytes none !LNK902
	END
}

@test "LNK902: the damaged lines are named by number, and no others" {
	run -0 lines_of lnk902-bad-rows '^80: (00 ){12}00$|^a0: .* 000 |^c0: .*lspci'
	[ "${#lines[@]}" -eq 3 ]
	local bad=("${lines[@]}") n
	run -0 message lnk902-bad-rows LNK902
	for n in "${bad[@]}"; do
		grep -q -w -e "$n" <<<"$output"
	done
	[[ ! $output =~ (^|[^0-9])$((bad[0] - 1))([^0-9]|$) ]]

	run -0 lines_of lnk902-lost-registers ' 431 '
	[ "${#lines[@]}" -eq 1 ]
	bad=("${lines[@]}")
	run -0 -- message lnk902-lost-registers LNK902
	grep -q -w -e "${bad[0]}" <<<"$output"
}

@test "LNK903: the other end of a link is not in the capture" {
	believe <<-END
		lnk903-device-alone LNK903=notice !LNK001 none status=3
		lnk903-port-alone LNK903=notice none status=3
		lnk903-hyper-v none !LNK903 status=0
		lnk901-256-bytes none !LNK903
		lnk009-slot-empty none !LNK903
	END
}

@test "LNK904: two snapshots in one input" {
	believe <<-END
		lnk904-two-snapshots LNK904=notice@- LNK005=warning@0000:00:01.0>0000:01:00.0 status=1
		lnk904-same-twice none !LNK904 !LNK902 status=0
		lnk904-list-and-dump none !LNK904 !LNK902 status=0
	END
}

@test "LNK904: each snapshot is judged by itself and named by its line" {
	run -1 "$LNKINSPECT" -F "$FIXTURES/lnk904-two-snapshots/input" -q -n
	# lanes were lost in the first only
	[ "$(grep -c '^LNK005 ' <<<"$output")" -eq 1 ]
	run -0 lines_of lnk904-two-snapshots '^00:00\.0 '
	[ "${#lines[@]}" -eq 2 ]
	local second=${lines[1]}
	run -0 message lnk904-two-snapshots LNK904
	grep -q -w -e "$second" <<<"$output"
}

@test "LNK905: values are from decoded text" {
	believe <<-END
		lnk905-text-healthy LNK905=info@- none !LNK901 !LNK902 status=0
		lnk905-text-lanes LNK905=info@- LNK005=warning@0000:00:1b.0>0000:01:00.0 status=1
		lnk906-agree none !LNK905
		lnk901-256-bytes none !LNK905
	END
}

@test "LNK906: decoded text contradicts the hex" {
	believe <<-END
		lnk906-contradiction LNK906=notice !LNK005 !LNK004 !LNK905 none status=0
		lnk906-agree none !LNK906 !LNK905 !LNK902 status=0
		lnk906-ids LNK906=notice@0000:01:00.0 !LNK906@0000:00:1b.0 !LNK906@0000:02:00.0 none
	END
}

@test "LNK907: more damaged lines than are named" {
	believe <<-END
		lnk907-101-lines LNK907=warning@- LNK902=warning@- status=0
		lnk907-100-lines LNK902=warning@- !LNK907 status=0
		lnk902-bad-rows LNK902=warning !LNK907
	END
}

@test "LNK908: a function is asleep and was not woken" {
	believe <<-END
		lnk908-asleep LNK908=info@0000:01:00.0 !LNK902 none status=3
		lnk908-awake none !LNK908 status=0
	END
}

@test "what was not looked at is not fine" {
	believe <<-END
		lnk903-qemu-port-cut LNK903=notice@- none status=3
		port-status-missing LNK902=warning@- ?LNK004@0000:01:00.0 status=3
		lnk009-port-alone !LNK009 ?LNK009@0000:00:01.0 none
		words-illegal-width !LNK001 none LNK905=info@- status=3
		lnk005-function-0-silent LNK005=warning@0000:00:01.0>0000:01:00.1 LNK105=warning@0000:01:00.0 status=1
	END
}
