#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# partial.bats - a part of a machine: what can be said is said, what is missing is named, and what
# to send; nothing is alarmed at, and a link that was not compared is never status 0
#
# Pieces are cut out of fixtures here, as bytes and as words. In topo-desktop 00:01.0 has a display
# and its sound function below it, 00:1b.0 a disk, 00:1c.0 nothing; presence and link are told.

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The functions at $2... of fixture $1, to ./hex with their bytes, and to ./words without.
cut_out() {
	local input=$FIXTURES/$1/input at
	shift
	lspci -F "$input" -D -nn -vv -xxxx >all 2>/dev/null
	for at; do
		awk -v at="0000:$at " 'BEGIN { RS = ""; ORS = "\n\n" } index($0, at) == 1' all
	done >hex
	grep -vE '^[0-9a-f]{2,3}: ' hex >words
	[[ -s hex ]] || fail "$1 has none of $*"
}

# $1 files, $2 status, the rest: starts of lines of -q -v that must be there; "!..." must not.
says() {
	local name want=$2 item status files=$1
	shift 2
	for name in $files; do
		status=0
		"$LNKINSPECT" -F "$name" -q -v -n >lines 2>err || status=$?
		((status == want)) || fail "$name: status $status, not $want: $(head -n 3 err)"
		! grep -qE '^LNK[0-8][0-9]{2} (warning|error) ' lines || [[ " $* " == *" loud "* ]] ||
			fail "$name: $(grep -E ' (warning|error) ' lines)"
		for item; do
			case $item in
			loud) ;;
			!*) ! grep -qF -- "${item#!}" lines || fail "$name: $(grep -F -- "${item#!}" lines)" ;;
			*) awk -v s="$item" 'index($0, s) == 1 { n = 1 } END { exit !n }' lines ||
				fail "$name: no '$item', but: $(grep "^${item%% *}" lines)" ;;
			esac
		done
	done
}

# The value of the filter $2 for each of the files $1 is $3.
tells() {
	local name got
	for name in $1; do
		got=$("$LNKINSPECT" -F "$name" --json -n 2>err | jq -c "$2")
		[[ $got == "$3" ]] || fail "$name: $2 is $got, not $3: $(head -n 3 err)"
	done
}

send='send also the output of lspci -vvxxxx'

@test "one device without its port" {
	cut_out topo-desktop 01:00.0
	says 'hex words' 3 '!LNK901' '!LNK902' \
		"LNK903 notice -  the port above is not in the capture for 1 device, first 0000:01:00.0: $send"
	tells 'hex words' '.captures[0].links | map([.device.address, .port, .verdict, .lost])' \
		'[["0000:01:00.0",null,"skipped",true]]'
	tells 'hex words' '.captures[0].functions[0] | [.max_link, .current_link] | map([.speed, .width])' \
		'[["8GT/s",16],["8GT/s",16]]'
	finish
}

@test "a device that runs below what it can do is no alarm by itself" {
	cut_out topo-desktop 01:00.0
	# The link at 2.5GT/s x4: LNKSTA stands at 78 + 12.
	grep -v "$(printf '^\t')" hex | sed -E 's/^(80:( ..){10}) .. ../\1 41 10/' >slow
	grep -q '^80:.* 41 10 ' slow || fail "nothing changed"
	sed 's/LnkSta:.*/LnkSta:\tSpeed 2.5GT\/s (downgraded), Width x4 (downgraded)/' words >slow-words
	! cmp -s words slow-words || fail "no word changed"
	sed 's/LnkSta:.*/LnkSta:\tSpeed 2.5GT\/s (downgraded), Width x4/' words >younger
	says 'slow slow-words younger' 3 '!LNK005' '!LNK006' \
		"LNK903 notice -  the port above is not in the capture for 1 device, first 0000:01:00.0 (runs 2.5GT/s x4, can do 8GT/s x16: whether its slot can is not known): $send"
	finish
}

@test "a device with its functions, or all that one maker made" {
	cut_out topo-desktop 01:00.0 01:00.1
	says 'hex words' 3 \
		"LNK903 notice -  the port above is not in the capture for 1 device, first 0000:01:00.0: $send"
	# lspci -d 8086: a host bridge is among it, and still it is not the whole machine.
	cut_out topo-desktop 00:00.0 00:01.0 00:02.0 00:1b.0 00:1c.0 00:1f.0
	says 'hex words' 3 '!LNK009 error' \
		"LNK903 notice -  the device below is not in the capture for 2 ports, first 0000:00:01.0: $send"
	tells 'hex words' '.captures[0].links' '[]'
	finish
}

@test "a port without what is below it: its bus is what is asked for" {
	cut_out topo-desktop 00:01.0
	says 'hex words' 3 \
		"LNK903 notice -  the device below is not in the capture for 1 port, first 0000:00:01.0: $send -s 0000:01:"
	# Nothing is in the slot: there is nothing to compare.
	cut_out topo-desktop 00:1c.0
	says 'hex words' 0 '!LNK903' '!LNK009 error'
	tells 'hex words' '.captures[0].functions[0].current_link' null
	# A card is there and the link is down: it may sleep, and be left out as all else is.
	cut_out lnk009-slot-down 00:02.0
	says 'hex words' 3 '!LNK009 error' 'LNK009 skipped 0000:00:02.0' \
		"LNK903 notice -  the device below is not in the capture for 1 port, first 0000:00:02.0: $send"
	finish
}

@test "a port that does not tell whether anything is below it is not status 0" {
	local doubt='LNK903 notice -  whether there is a device below is not in the capture for'
	cut_out topo-desktop 00:01.0
	# What people keep of it: without its status; the status and nothing else; the title.
	grep -vE 'LnkSta:|DLActive|SltSta:|Changed:' words >no-status
	says no-status 3 "$doubt 1 port, first 0000:00:01.0: $send -s 0000:01:"
	grep -E '^[0-9a-f]|LnkSta:' words >status-only
	says status-only 3 '!LNK901' "$doubt 1 port, first 0000:00:01.0: $send"
	sed '/^\tCapabilities/,$d' words >denied
	printf '\tCapabilities: <access denied>\n\tKernel driver in use: pcieport\n\n' >>denied
	says denied 3 'LNK901 warning' "$doubt 1 port, first 0000:00:01.0: $send -s 0000:01:"
	# A name in a list claims nothing; no lanes, no card, and a whole machine tell enough.
	head -n 1 words >listed
	says listed 0 '!LNK903'
	sed -E 's/(LnkSta:.*Width x)[0-9]+/\10/; /SltSta:/d; /Changed:/d; s/LLActRep[+]/LLActRep-/
		s/DLActive[+]/DLActive-/' words >no-lanes
	says no-lanes 0 '!LNK903'
	sed -E 's/PresDet[+] Interlock/PresDet- Interlock/; s/LLActRep[+]/LLActRep-/
		s/DLActive[+]/DLActive-/' words >no-card
	says no-card 0 '!LNK903'
	cut_out topo-desktop 00:00.0 00:01.0
	grep -vE 'LnkSta:|DLActive|SltSta:|Changed:' words >with-host-bridge
	says with-host-bridge 0 '!LNK903'
	finish
}

@test "both ends and nothing else are enough" {
	cut_out topo-desktop 00:01.0 01:00.0
	says 'hex words' 0 '!LNK903' '!LNK901'
	tells 'hex words' '.captures[0].links | map([.port.address, .verdict, .lost])' \
		'[["0000:00:01.0","pass",false]]'
	finish
}

@test "what only a list names is said so, whatever else there is" {
	cut_out topo-desktop 00:01.0
	cp words port-words
	cut_out topo-desktop 01:00.0
	lspci -F "$FIXTURES/topo-desktop/input" -D >list
	lspci -F "$FIXTURES/topo-desktop/input" -D -nn >numbers
	cat list words >listed
	{ cat numbers && echo && cat words; } >numbered
	says 'listed numbered' 3 '!LNK904' \
		"LNK903 notice -  the port above is not in the capture for 1 device, first 0000:01:00.0; only the name is in the capture for 1 device, first 0000:02:00.0: $send"
	says 'list numbers' 3 \
		"LNK903 notice -  only the name is in the capture for 2 devices, first 0000:01:00.0: $send"
	# The port has words, and of the device there is the name.
	{ cat port-words && grep '^0000:01:00.0' list; } >named-device
	says named-device 3 \
		"LNK903 notice -  only the name is in the capture for 1 device, first 0000:01:00.0: $send -s 0000:00:01.0"
	finish
}

@test "who could read headers only" {
	cut_out topo-desktop 00:01.0 01:00.0
	grep -E '^(0000:|[0-3]0: |$)' hex >headers
	awk '/^\tCapabilities/ { if (!n++) print "\tCapabilities: <access denied>"; next }
		/^\t\t/ { next } /^$/ { n = 0 } { print }' words >denied
	says 'headers denied' 3 'LNK901 warning -  2 of 2 functions' '!LNK903'
	# Bytes of headers beside words that go further are no want of anything.
	awk '/^0000:/ { print; next } /^\t/ { print; next } /^[0-3]0: / { print } /^$/ { print }' hex >both
	says both 0 '!LNK901' '!LNK903'
	finish
}

@test "a child that reads all ones, behind a link that is down, up, or not in the capture" {
	cut_out lnk105-gone 00:01.0 01:00.0
	says hex 1 loud 'LNK105 warning 0000:01:00.0  reads ff everywhere while its port says' '!LNK903'
	cut_out topo-desktop 00:01.0 01:00.0
	awk '/^0000:01:00.0/ { sub(/\(rev .*/, ""); print $0 "(rev ff) (prog-if ff)"
		print "\t!!! Unknown header type 7f\n\tKernel driver in use: nvidia\n"; exit } { print }' \
		words | sed 's/DLActive+/DLActive-/' >asleep
	says asleep 3 'LNK105 notice 0000:01:00.0  reads ff everywhere: asleep, powered off, or gone'
	tells asleep '.captures[0].links | map([.state, .port.current_link])' '[["down",null]]'
	sed 's/DLActive-/DLActive+/' asleep >gone
	says gone 1 loud 'LNK105 warning 0000:01:00.0  reads ff everywhere while its port says'
	sed -n '/^0000:01:00.0/,$p' asleep >alone
	says alone 3 'LNK105 notice 0000:01:00.0' \
		"LNK903 notice -  the port above is not in the capture for 1 device, first 0000:01:00.0: $send"
	finish
}

@test "cut in the middle of a device: what came before the cut counts" {
	cut_out topo-desktop 00:01.0 01:00.0
	sed '/^0000:01/,$ { /LnkSta:/,$d }' words >before-status
	says before-status 3 'LNK005 skipped 0000:01:00.0'
	sed '/^0000:01/,$ { /Express/,$d }' words >before-express
	says before-express 3 '!LNK105 skipped'
	finish
}

@test "a chipset's other half is no port that lacks a device" {
	# X58's 00:00.0 says that it is a root port, with a host bridge's header and no bus numbers.
	lspci -F "$FIXTURES/topo-desktop/input" -D -nn -xxxx 2>/dev/null >whole
	awk '/^0000:00:01.0/ { on = 1 } on && /^$/ { exit } on' whole |
		sed -E 's/^0000:00:01.0 [^:]*/0000:00:03.0 Host bridge [0600]/
			/^00: /s/^(00:( ..){8} ..) .. .. .. (..) (..) .. /\1 00 00 06 \3 \4 00 /' >half
	{ cat half && echo && cat whole; } >x58
	"$LNKINSPECT" -F x58 --json -n >json 2>err || true
	[[ $(jq -c '.captures[0].functions[] | select(.address == "0000:00:03.0") | [.class, .type, .bridge]' json) == \
		'["060000","root-port",null]' ]] || fail "no such half: $(jq -c '.captures[0].functions[] |
			select(.address == "0000:00:03.0") | [.class, .type, .bridge]' json)"
	says x58 0 '!LNK903'
	finish
}
