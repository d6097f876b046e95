#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# remedy.bats - what --suggest prints: the lines to copy, in each form, and what else is said
#
# Lines are expected by hand: values of x-speed and x-width from LNKCAP and LNKSTA of the device,
# addresses from where it stands, slot= from SLTCAP 31:19, port= from LNKCAP 31:24 of the port.
# tests/guest shows that they do what they promise.

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	export APPLY=$BATS_TEST_DIRNAME/guest/apply.py
}

setup() {
	unset NO_COLOR TERM COLUMNS
	export LC_ALL=C.UTF-8
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The JSON of fixture $1 with all forms, once.
json_of() {
	local status=0
	[[ ! -s $BATS_FILE_TMPDIR/$1.json ]] || return 0
	"$LNKINSPECT" -n --json --suggest=all -F "$FIXTURES/$1/input" >"$BATS_FILE_TMPDIR/$1.json" ||
		status=$?
	((status == 0 || status == 1 || status == 3)) || echo "$1: status $status"
}

# Of fixture $1 and its finding $2 (ID@ADDRESS) the suggestion in form $3, through the jq filter $4.
suggestion() {
	json_of "$1"
	jq -r --arg id "${2%@*}" --arg at "${2#*@}" --arg form "$3" '
		[.captures[].findings[] | select(.id == $id and .function == $at) | .suggestions[] |
			select(.form == $form)] |
		if length == 1 then .[0] else error("\(length) suggestions") end | '"$4" \
		"$BATS_FILE_TMPDIR/$1.json" 2>&1
}

# The lines must be those of the standard input.
lines() {
	diff - <(suggestion "$1" "$2" "$3" '.lines[]') || fail "$1 $2 $3"
}

# There must be no lines, and the words must hold $4.
no_lines() {
	[[ $(suggestion "$1" "$2" "$3" '.lines | length') == 0 ]] || fail "$1 $2 $3: lines"
	words "$1" "$2" "$3" "$4"
}

words() {
	[[ $(suggestion "$1" "$2" "$3" .words) == *"$4"* ]] ||
		fail "$1 $2 $3: \"$(suggestion "$1" "$2" "$3" .words)\", not \"$4\""
}

needs() {
	[[ $(suggestion "$1" "$2" "$3" .needs) == "$4" ]] ||
		fail "$1 $2 $3: $(suggestion "$1" "$2" "$3" .needs), not $4"
}

# ---- Form qemu --------------------------------------------------------------------------------

@test "qemu: a port gets the link of the device below it" {
	# LNKCAP and LNKSTA of 01:00.0: 505, 105: 32GT/s x16. Port: 01.0, SLTCAP a007b: slot 1
	lines qtest-gen5-ep-modern-rp LNK001@0000:01:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x1,slot=1
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x1,slot=1,x-speed=32,x-width=16
	END
	needs qtest-gen5-ep-modern-rp LNK001@0000:01:00.0 qemu 'QEMU 9.0'
	# 503, 103: 8GT/s x16, and 16GT/s and less is older. The port has ACS: set by hand
	lines guest-seed-cxl-port-2.5x1-ep-8x16 LNK001@0000:01:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=1
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=1,x-speed=8,x-width=16
	END
	needs guest-seed-cxl-port-2.5x1-ep-8x16 LNK001@0000:01:00.0 qemu 'QEMU 4.0'
	# It idles at 2.5GT/s x4 and can do 32GT/s x4. Port 7, slot 3
	lines remedy-numbers-mixed LNK002@0000:02:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=3,port=0x7
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=3,port=0x7,x-speed=32,x-width=4
	END
	# A function other than 0
	lines remedy-old-machine LNK001@0000:01:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x3.1,slot=3
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x3.1,slot=3,x-speed=32,x-width=16
	END
	finish
}

@test "qemu: links that are rare" {
	# No SLTCAP, no port number: the address is all there is
	lines remedy-odd-links LNK001@0000:01:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x2
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x2,x-speed=8,x-width=12
	END
	lines remedy-odd-links LNK001@0000:02:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x3
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x3,x-speed=64,x-width=4
	END
	lines remedy-odd-links LNK001@0000:03:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x4
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x4,x-speed=5,x-width=2
	END
	# LNKCAP 84, LNKSTA 103
	lines remedy-odd-links LNK001@0000:04:00.0 qemu <<-END
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x5
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x5,x-speed=16,x-width=16
	END
	finish
}

@test "qemu: ports that do not stand on root bus 0 have no bus= that a guest could know" {
	# SLTCAP 2a007b: slot 5; bus 20 is 32
	lines remedy-pxb LNK001@0000:21:00.0 qemu <<-END
		change  -device pcie-root-port,...,addr=0x1,slot=5
		to      -device pcie-root-port,...,addr=0x1,slot=5,x-speed=16,x-width=8
	END
	words remedy-pxb LNK001@0000:21:00.0 qemu 'the guest'"'"'s 0000:20:01.0, on the pxb-pcie'
	words remedy-pxb LNK001@0000:21:00.0 qemu 'bus_nr=32'
	# SLTCAP 220079: slot 4; the ports of a CXL switch can be set since 9.2
	lines fixup-cxl-switch LNK002@0000:03:00.0 qemu <<-END
		change  -device cxl-downstream,...,addr=0x0,slot=4
		to      -device cxl-downstream,...,addr=0x0,slot=4,x-speed=32,x-width=16
	END
	words fixup-cxl-switch LNK002@0000:03:00.0 qemu '0000:02:00.0, on the switch at 0000:01:00.0'
	needs fixup-cxl-switch LNK002@0000:03:00.0 qemu 'QEMU 9.2'
	finish
}

@test "qemu: an old machine type has two ways, and only the first where the second does not reach" {
	local at
	# The machine type is not known: whatever stands there
	for at in LNK001@0000:01:00.0 LNK203@0000:01:00.0; do
		lines origin $at qemu <<-END
			add     -global pcie-root-port.x-speed=8
			add     -global pcie-root-port.x-width=16
			or
			change  -machine ...
			to      -machine q35,...
		END
	done
	needs origin LNK001@0000:01:00.0 qemu 'QEMU 4.0'
	words origin LNK001@0000:01:00.0 qemu 'Windows may ask to be activated again'
	# 8GT/s x16 and 16GT/s x4: 16GT/s x16 does for both. The emulated disk counts for nothing
	for at in LNK001@0000:01:00.0 LNK203@0000:01:00.0 LNK002@0000:02:00.0 LNK203@0000:02:00.0; do
		lines remedy-legacy-two $at qemu <<-END
			add     -global pcie-root-port.x-speed=16
			add     -global pcie-root-port.x-width=16
			or
			change  -machine pc-q35-3.1,...
			to      -machine q35,...
		END
	done
	words remedy-legacy-two LNK001@0000:01:00.0 qemu 'pc-q35-3.1: a QEMU as old as that has no x-speed'
	lines remedy-legacy-virt LNK203@0000:01:00.0 qemu <<-END
		add     -global pcie-root-port.x-speed=8
		add     -global pcie-root-port.x-width=8
		or
		change  -machine virt-3.1,...
		to      -machine virt,...
	END
	# 32GT/s is more than the 16GT/s of newer types
	lines remedy-legacy-gen5 LNK203@0000:01:00.0 qemu <<-END
		add     -global pcie-root-port.x-speed=32
		add     -global pcie-root-port.x-width=16
	END
	needs remedy-legacy-gen5 LNK203@0000:01:00.0 qemu 'QEMU 9.0'
	finish
}

@test "qemu: ports of old silicon are replaced, those of a switch by ports on the root bus" {
	local at
	for at in LNK001@0000:01:00.0 LNK204@0000:01:00.0; do
		lines qtest-gen5-ep-ioh3420 $at qemu <<-END
			change  -device ioh3420,...,bus=pcie.0,addr=0x1,slot=1
			to      -device pcie-root-port,...,bus=pcie.0,addr=0x1,slot=1,x-speed=32,x-width=16
		END
	done
	# On the root bus 1 and 1f are taken; 2 is the first that is free. SLTCAP 12007b: slot 2
	for at in LNK102@0000:02:00.0 LNK008@0000:03:00.0 LNK204@0000:03:00.0; do
		lines qtest-gen5-ep-switch $at qemu <<-END
			change  -device xio3130-downstream,...,addr=0x0,slot=2
			to      -device pcie-root-port,...,bus=pcie.0,addr=0x2,slot=2,x-speed=32,x-width=16
		END
	done
	words qtest-gen5-ep-switch LNK204@0000:03:00.0 qemu '0000:02:00.0, on the switch at 0000:01:00.0'
	# Two of three, each with a number of its own: 3 has the root port, so 2 and 4. 8GT/s, 32GT/s
	lines guest-seed-x3130-switch-ep-8x16 LNK204@0000:03:00.0 qemu <<-END
		change  -device xio3130-downstream,...,addr=0x0
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x2,x-speed=8,x-width=16
	END
	lines guest-seed-x3130-switch-ep-8x16 LNK204@0000:05:00.0 qemu <<-END
		change  -device xio3130-downstream,...,addr=0x2,slot=2
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x4,slot=2,x-speed=32,x-width=16
	END
	# The third has an emulated disk below: nothing to mend
	[[ $(jq '[.captures[].findings[] | select(.function == "0000:02:01.0") | .suggestions[]] | length' \
		"$BATS_FILE_TMPDIR/guest-seed-x3130-switch-ep-8x16.json") == 0 ]] || fail "an empty port"
	finish
}

@test "qemu: slow hops that can be set are set, for all devices behind them" {
	local at
	# cxl-upstream and root port 8GT/s x4; the port below the switch has 32GT/s x16 as its device
	lines lnk008-virtual-hop LNK008@0000:03:00.0 qemu <<-END
		change  -device cxl-upstream,...,addr=0x0
		to      -device cxl-upstream,...,addr=0x0,x-speed=32,x-width=16
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x1,slot=1
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x1,slot=1,x-speed=32,x-width=16
	END
	# 16GT/s x8 and 32GT/s x4
	for at in LNK008@0000:03:00.0 LNK008@0000:04:00.0; do
		lines remedy-two-below-a-hop $at qemu <<-END
			change  -device cxl-upstream,...,addr=0x0
			to      -device cxl-upstream,...,addr=0x0,x-speed=32,x-width=8
			change  -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=1
			to      -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=1,x-speed=32,x-width=8
		END
	done
	finish
}

@test "qemu: a device that shares a slot with an emulated one gets a port of its own" {
	# Port 03.0, slot 1; function 0.1 does 8GT/s x16. 2 is free
	lines guest-multifunction-fn0-slow LNK104@0000:01:00.0 qemu <<-END
		find    -device pcie-root-port,...,id=PORT1,bus=pcie.0,addr=0x3,slot=1
		add     -device pcie-root-port,id=lnk2,bus=pcie.0,addr=0x2,chassis=130,slot=2,x-speed=8,x-width=16
		change  -device cxl-type3,...,bus=PORT1,addr=0x0.1
		to      -device cxl-type3,...,bus=lnk2,addr=0x0
	END
	finish
}

@test "qemu: a device on a root bus or a conventional bus gets a port, with what can be known" {
	local at
	# Its registers are hidden. 2 is free
	lines guest-rciep-root-bus LNK201@0000:00:08.0 qemu <<-END
		add     -device pcie-root-port,id=lnk2,bus=pcie.0,addr=0x2,chassis=130,slot=2
		change  -device cxl-type3,...,bus=pcie.0,addr=0x8
		to      -device cxl-type3,...,bus=lnk2,addr=0x0
	END
	words guest-rciep-root-bus LNK201@0000:00:08.0 qemu 'run lnkinspect again in the new guest'
	needs guest-rciep-root-bus LNK201@0000:00:08.0 qemu 'QEMU 2.9'
	# An old machine type makes slow ports, so the new one is told; 2, 3 and 5 are taken. Both
	# functions move
	for at in LNK201@0000:00:05.0 LNK201@0000:00:05.1; do
		lines remedy-legacy-root-bus $at qemu <<-END
			add     -device pcie-root-port,id=lnk4,bus=pcie.0,addr=0x4,chassis=132,slot=4,x-speed=16,x-width=32
			change  -device vfio-pci,...,bus=pcie.0,addr=0x5
			to      -device vfio-pci,...,bus=lnk4,addr=0x0.0,multifunction=on
			change  -device vfio-pci,...,bus=pcie.0,addr=0x5.1
			to      -device vfio-pci,...,bus=lnk4,addr=0x0.1
		END
	done
	needs remedy-legacy-root-bus LNK201@0000:00:05.0 qemu 'QEMU 4.0'
	# i440fx: pci.0, and the capability is the device's own: 8GT/s x16
	lines lnk202-i440fx LNK202@0000:00:05.0 qemu <<-END
		change  -machine ...
		to      -machine q35,...
		add     -device pcie-root-port,id=lnk2,bus=pcie.0,addr=0x2,chassis=130,slot=2,x-speed=8,x-width=16
		change  -device vfio-pci,...,bus=pci.0,addr=0x5
		to      -device vfio-pci,...,bus=lnk2,addr=0x0
	END
	words lnk202-i440fx LNK202@0000:00:05.0 qemu 'What else names bus=pci.0 must name pcie.0'
	# Behind a bridge, whose bus has a name that only its owner knows. 8GT/s x8
	lines lnk202-behind-pci-bridge LNK202@0000:02:01.0 qemu <<-END
		add     -device pcie-root-port,id=lnk2,bus=pcie.0,addr=0x2,chassis=130,slot=2,x-speed=8,x-width=8
		change  -device vfio-pci,...,addr=0x1
		to      -device vfio-pci,...,bus=lnk2,addr=0x0
	END
	finish
}

@test "each new port of a capture has an address of its own; where there is none left, no line" {
	# Three on the root bus, at 5, 6 and 7
	[[ $(for at in 5 6 7; do
		suggestion lnk201-accelerators-on-root-bus LNK201@0000:00:0$at.0 qemu '.lines[0]'
	done | grep -o 'id=lnk[0-9]*,bus=pcie.0,addr=0x[0-9a-f]*' | xargs) == \
		"id=lnk2,bus=pcie.0,addr=0x2 id=lnk3,bus=pcie.0,addr=0x3 id=lnk4,bus=pcie.0,addr=0x4" ]] ||
		fail "three devices"
	no_lines remedy-no-address LNK201@0000:00:1e.0 qemu 'no device number left'
	no_lines remedy-no-address LNK201@0000:00:1e.0 libvirt 'no device number left'
	# What stands on another root bus cannot be moved by a name that a guest knows
	json_of remedy-pxb
	jq -e '.captures[].findings[] | select(.id == "LNK201" and .function == "0000:20:02.0") |
		.suggestions | length == 0' "$BATS_FILE_TMPDIR/remedy-pxb.json" >/dev/null || fail "bus 20"
	finish
}

@test "qemu: functions of one card go into one slot" {
	local at
	# The ports: 02.0 and 03.0, both slot 1
	for at in lnk205-gpu-audio-split lnk205-same-dsn; do
		lines $at LNK205@0000:02:00.0 qemu <<-END
			find    -device pcie-root-port,...,id=PORT1,bus=pcie.0,addr=0x2,slot=1
			find    -device pcie-root-port,...,id=PORT2,bus=pcie.0,addr=0x3,slot=1
			change  -device vfio-pci,...,bus=PORT1,addr=0x0
			to      -device vfio-pci,...,bus=PORT1,addr=0x0,multifunction=on
			change  -device vfio-pci,...,bus=PORT2,addr=0x0
			to      -device vfio-pci,...,bus=PORT1,addr=0x0.1
		END
	done
	# Function 1 is taken there, so it is a device of several functions already
	for at in LNK205@0000:02:00.0 LNK205@0000:03:00.0; do
		lines remedy-three-slots $at qemu <<-END
			find    -device pcie-root-port,...,id=PORT1,bus=pcie.0,addr=0x2,slot=1
			find    -device pcie-root-port,...,id=PORT2,bus=pcie.0,addr=0x3,slot=2
			find    -device pcie-root-port,...,id=PORT3,bus=pcie.0,addr=0x4,slot=3
			change  -device vfio-pci,...,bus=PORT2,addr=0x0
			to      -device vfio-pci,...,bus=PORT1,addr=0x0.2
			change  -device vfio-pci,...,bus=PORT3,addr=0x0
			to      -device vfio-pci,...,bus=PORT1,addr=0x0.3
		END
	done
	finish
}

@test "a QEMU as old as the machine type takes less" {
	words remedy-old-machine LNK001@0000:01:00.0 qemu \
		'The machine type is pc-q35-7.2: a QEMU as old as that takes x-speed=16 at most.'
	words remedy-legacy-gen5 LNK001@0000:01:00.0 libvirt \
		'The machine type is pc-q35-3.1: a QEMU as old as that has no x-speed here.'
	# 9.0 is not too old, and of what is not known nothing is said
	[[ $(suggestion remedy-libvirt LNK001@0000:03:00.0 qemu .words) != *"machine type"* ]] || fail 9.0
	[[ $(suggestion qtest-gen5-ep-modern-rp LNK001@0000:01:00.0 qemu .words) != *"as old"* ]] ||
		fail "not known"
	finish
}

# The finding is there, and nothing is suggested for it.
no_suggestion() {
	json_of "$1"
	jq -e --arg id "${2%@*}" --arg at "${2#*@}" '[.captures[].findings[] |
		select(.id == $id and .function == $at) | .suggestions] == [[]]' \
		"$BATS_FILE_TMPDIR/$1.json" >/dev/null || fail "$1 $2"
}

@test "nothing is suggested that would lose a function or leave a root bus" {
	no_suggestion remedy-left-behind LNK201@0000:00:05.0
	no_suggestion remedy-other-root-bus LNK104@0000:21:00.0
	finish
}

@test "what a suggestion cannot know, or changes beside, is said" {
	# 2 functions of 5: any number may be taken
	words remedy-incomplete LNK201@0000:00:05.0 qemu \
		'The capture lacks functions: see that nothing stands at 02 of the root bus already.'
	[[ $(suggestion remedy-legacy-root-bus LNK201@0000:00:05.0 qemu .words) != *lacks* ]] || fail whole
	# Moved from the root bus, it frees its number.
	words remedy-incomplete LNK201@0000:00:05.0 qemu 'It frees an address'
	# The link is hidden; whether a new port is 2.5GT/s x1 depends on the machine type.
	words remedy-incomplete LNK201@0000:00:05.0 qemu 'Should the machine type be older than 4.0'
	[[ $(suggestion remedy-legacy-root-bus LNK201@0000:00:05.0 qemu .words) != *Should* ]] || fail known
	# libvirt's new ports are 16GT/s x32, which may be less than the device needs.
	[[ $(suggestion lnk202-i440fx LNK202@0000:00:05.0 libvirt .words) != *"again in"* ]] || fail 8GT/s
	finish
}

# ---- Form libvirt -----------------------------------------------------------------------------

@test "libvirt: a port's controller, found by its address, and the override" {
	lines remedy-libvirt LNK001@0000:03:00.0 libvirt <<-END
		<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <devices>
		    <controller type='pci' index='INDEX' model='pcie-root-port'>
		      <target port='0x13'/>
		      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x3'/>
		    </controller>
		  </devices>
		  <qemu:override>
		    <qemu:device alias='pci.INDEX'>
		      <qemu:frontend>
		        <qemu:property name='x-speed' type='string' value='32'/>
		        <qemu:property name='x-width' type='string' value='16'/>
		      </qemu:frontend>
		    </qemu:device>
		  </qemu:override>
		</domain>
	END
	needs remedy-libvirt LNK001@0000:03:00.0 libvirt 'libvirt 8.2 and QEMU 9.0'
	# 2.5GT/s is x-speed=2_5: nothing that is faster than its port is that slow, so 5
	[[ $(suggestion remedy-odd-links LNK001@0000:03:00.0 libvirt '.lines[]' |
		grep -o "name='x-[a-z]*' type='string' value='[0-9]*'" | xargs) == \
		"name=x-speed type=string value=5 name=x-width type=string value=2" ]] || fail "5GT/s x2"
	# Which bus it is, a guest cannot know
	[[ $(suggestion remedy-pxb LNK001@0000:21:00.0 libvirt '.lines[]' | grep '<address') == \
		*"bus='BUS' slot='0x01' function='0x0'"* ]] || fail pxb
	finish
}

@test "libvirt: the ports of an old machine type, or a newer one" {
	lines origin LNK203@0000:01:00.0 libvirt <<-END
		<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <qemu:commandline>
		    <qemu:arg value='-global'/>
		    <qemu:arg value='pcie-root-port.x-speed=8'/>
		    <qemu:arg value='-global'/>
		    <qemu:arg value='pcie-root-port.x-width=16'/>
		  </qemu:commandline>
		</domain>
		or
		<domain>
		  <os>
		    <type machine='q35'>hvm</type>
		  </os>
		</domain>
	END
	needs origin LNK203@0000:01:00.0 libvirt 'libvirt and QEMU 4.0'
	[[ $(suggestion remedy-legacy-gen5 LNK203@0000:01:00.0 libvirt '.lines[]') != *machine=* ]] ||
		fail "a second way"
	finish
}

@test "libvirt: ports of old silicon get another model, and leave the switch" {
	lines qtest-gen5-ep-ioh3420 LNK204@0000:01:00.0 libvirt <<-END
		<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <devices>
		    <controller type='pci' index='INDEX' model='pcie-root-port'>
		      <model name='pcie-root-port'/>
		      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>
		    </controller>
		  </devices>
		  <qemu:override>
		    <qemu:device alias='pci.INDEX'>
		      <qemu:frontend>
		        <qemu:property name='x-speed' type='string' value='32'/>
		        <qemu:property name='x-width' type='string' value='16'/>
		      </qemu:frontend>
		    </qemu:device>
		  </qemu:override>
		</domain>
	END
	# To slot 2 of the root bus, where libvirt's number for a port is 10
	suggestion qtest-gen5-ep-switch LNK204@0000:03:00.0 libvirt '.lines[]' |
		sed -n '/<devices>/,/<.devices>/p' | sed 's/> <!-- />\n<!-- /' >got
	diff - got <<-END || fail switch
		  <devices>
		    <controller type='pci' index='INDEX' model='pcie-root-port'>
		<!-- now model='pcie-switch-downstream-port' bus='BUS' slot='0x00' function='0x0' -->
		      <model name='pcie-root-port'/>
		      <target port='0x10'/>
		      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
		    </controller>
		  </devices>
	END
	finish
}

@test "libvirt: a device gets a port, functions get one slot" {
	lines remedy-legacy-root-bus LNK201@0000:00:05.0 libvirt <<-END
		<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		  <devices>
		    <controller type='pci' index='NEW' model='pcie-root-port'>
		      <model name='pcie-root-port'/>
		      <target port='0x20'/>
		      <address type='pci' domain='0x0000' bus='0x00' slot='0x04' function='0x0'/>
		    </controller>
		    <hostdev mode='subsystem' type='pci'> <!-- now bus='0x00' slot='0x05' function='0x0' -->
		      <address type='pci' domain='0x0000' bus='NEW' slot='0x00' function='0x0' multifunction='on'/>
		    </hostdev>
		    <hostdev mode='subsystem' type='pci'> <!-- now bus='0x00' slot='0x05' function='0x1' -->
		      <address type='pci' domain='0x0000' bus='NEW' slot='0x00' function='0x1'/>
		    </hostdev>
		  </devices>
		  <qemu:override>
		    <qemu:device alias='pci.NEW'>
		      <qemu:frontend>
		        <qemu:property name='x-speed' type='string' value='16'/>
		        <qemu:property name='x-width' type='string' value='32'/>
		      </qemu:frontend>
		    </qemu:device>
		  </qemu:override>
		</domain>
	END
	# Nothing to override: no namespace, no 8.2
	[[ $(suggestion guest-rciep-root-bus LNK201@0000:00:08.0 libvirt '.lines[]') != *qemu* ]] ||
		fail "an override"
	needs guest-rciep-root-bus LNK201@0000:00:08.0 libvirt 'libvirt and QEMU 2.9'
	# The port that it leaves tells which of the domain's it is
	[[ $(suggestion guest-multifunction-fn0-slow LNK104@0000:01:00.0 libvirt '.lines[]' |
		grep -o "<!-- now .*-->") == "<!-- now bus='INDEX' slot='0x00' function='0x1' -->" ]] ||
		fail "function 1"
	lines lnk205-same-dsn LNK205@0000:02:00.0 libvirt <<-END
		<domain>
		  <devices>
		    <controller type='pci' index='INDEX1' model='pcie-root-port'>
		      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
		    </controller>
		    <controller type='pci' index='INDEX2' model='pcie-root-port'>
		      <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>
		    </controller>
		    <hostdev mode='subsystem' type='pci'> <!-- now bus='INDEX1' slot='0x00' function='0x0' -->
		      <address type='pci' domain='0x0000' bus='INDEX1' slot='0x00' function='0x0' multifunction='on'/>
		    </hostdev>
		    <hostdev mode='subsystem' type='pci'> <!-- now bus='INDEX2' slot='0x00' function='0x0' -->
		      <address type='pci' domain='0x0000' bus='INDEX1' slot='0x00' function='0x1'/>
		    </hostdev>
		  </devices>
		</domain>
	END
	# Another machine has other buses: libvirt finds places for all
	lines lnk202-i440fx LNK202@0000:00:05.0 libvirt <<-END
		<domain>
		  <os>
		    <type machine='q35'>hvm</type>
		  </os>
		</domain>
	END
	words lnk202-i440fx LNK202@0000:00:05.0 libvirt "Delete all <controller type='pci'>"
	words lnk202-i440fx LNK202@0000:00:05.0 libvirt "delete <controller type='ide'>"
	finish
}

@test "libvirt: what it does not make is changed where it was made" {
	no_lines fixup-cxl-switch LNK002@0000:03:00.0 libvirt \
		"libvirt makes no cxl-downstream: that at 0000:02:00.0 is in the domain's <qemu:commandline>"
	finish
}

@test "libvirt: each fragment is one well-formed domain" {
	local dir name n=0
	for dir in "$FIXTURES"/*/; do
		name=$(basename "$dir")
		json_of "$name"
		# One fragment a line: a suggestion with ways has several.
		while IFS= read -r xml; do
			n=$((n + 1))
			printf '%b' "$xml" >fragment
			xmllint --noout fragment 2>err || fail "$name: $(cat err fragment)"
			[[ $(xmllint --xpath 'local-name(/*)' fragment) == domain ]] || fail "$name: no domain"
			# Namespaces where they are used, and only there
			[[ $(grep -c xmlns fragment) == "$(($(grep -c '<qemu:' fragment) > 0))" ]] || fail "$name: ns"
		done < <(jq -r '.captures[].findings[].suggestions[] | select(.form == "libvirt") |
			.lines | join("\n") | select(length > 0) | split("\nor\n")[] | gsub("\n"; "\\n")' \
			"$BATS_FILE_TMPDIR/$name.json")
	done
	((n >= 40)) || fail "only $n fragments"
	finish
}

# ---- Form proxmox -----------------------------------------------------------------------------

@test "proxmox: its own ports are set by name, others all alike" {
	# Port 1 at 1c.0, port 5 at 10.0
	lines remedy-proxmox LNK001@0000:01:00.0 proxmox <<-END
		args: -set device.ich9-pcie-port-1.x-speed=32 -set device.ich9-pcie-port-1.x-width=16
	END
	lines remedy-proxmox LNK001@0000:03:00.0 proxmox <<-END
		args: -set device.ich9-pcie-port-5.x-speed=32 -set device.ich9-pcie-port-5.x-width=16
	END
	needs remedy-proxmox LNK001@0000:01:00.0 proxmox 'Proxmox VE and QEMU 9.0'
	# No number, or one that stands elsewhere
	lines qtest-gen5-ep-modern-rp LNK001@0000:01:00.0 proxmox <<-END
		args: -global pcie-root-port.x-speed=32 -global pcie-root-port.x-width=16
	END
	words qtest-gen5-ep-modern-rp LNK001@0000:01:00.0 proxmox "none of Proxmox's own ports"
	# What is not 16GT/s x32 has a link of its own, and -global loses against that.
	no_lines remedy-numbers-mixed LNK002@0000:02:00.0 proxmox \
		"that at 0000:00:03.0 is in the line args:"
	no_lines fixup-cxl-switch LNK002@0000:03:00.0 proxmox \
		"that at 0000:02:00.0 is in the line args:"
	finish
}

@test "proxmox: machine types, devices, functions" {
	lines origin LNK203@0000:01:00.0 proxmox <<-END
		args: -global pcie-root-port.x-speed=8 -global pcie-root-port.x-width=16
		or
		machine: q35
	END
	# 8GT/s x16 is less than what its newer ports have
	lines remedy-proxmox-old LNK204@0000:01:00.0 proxmox <<-END
		machine: q35
	END
	no_lines qtest-gen5-ep-ioh3420 LNK204@0000:01:00.0 proxmox \
		'Proxmox makes no such port: that at 0000:00:01.0 is in the line args:'
	lines lnk202-i440fx LNK202@0000:00:05.0 proxmox <<-END
		machine: q35
		hostpciN: ...,pcie=1
	END
	lines guest-rciep-root-bus LNK201@0000:00:08.0 proxmox <<-END
		hostpciN: ...,pcie=1
	END
	# The old one's ports are ioh3420
	lines remedy-legacy-root-bus LNK201@0000:00:05.0 proxmox <<-END
		machine: q35
		hostpciN: ...,pcie=1
	END
	lines lnk205-same-dsn LNK205@0000:02:00.0 proxmox <<-END
		hostpciN: HOST,pcie=1
	END
	finish
}

# ---- Which form, and where it is said ---------------------------------------------------------

# The forms that fixture $1 gets with the options after it.
forms() {
	"$LNKINSPECT" -n --json "${@:2}" -F "$FIXTURES/$1/input" |
		jq -r '[.captures[].findings[].suggestions[].form] | unique | join(" ")' || true
}

@test "by default the form that fits whoever wrote the command line, or none" {
	local name want
	while read -r name want; do
		[[ $(forms "$name") == "$want" ]] || fail "$name: \"$(forms "$name")\", not \"$want\""
	done <<-END
		remedy-libvirt libvirt
		remedy-proxmox proxmox
		remedy-proxmox-old proxmox
		remedy-numbers-mixed qemu
		origin qemu
		guest-rciep-root-bus qemu
		remedy-pxb qemu
		fixup-vmware-gen4
		fixup-crosvm-root-port
		lnk202-xen-hvm
		lnk204-ioh3420-by-pattern
		lnk003-slot-is-limit
	END
	# Not known to be a guest: only who asks is told
	[[ $(forms lnk204-ioh3420-by-pattern --suggest=qemu) == qemu ]] || fail "by pattern"
	finish
}

@test "--suggest: all in one order, none, each by itself, unknown, empty" {
	local list
	[[ $("$LNKINSPECT" --json --suggest=proxmox,all -F "$FIXTURES/origin/input" |
		jq -r '.captures[].findings[0].suggestions[].form' | xargs) == "qemu libvirt proxmox" ]] ||
		fail all
	[[ $("$LNKINSPECT" --json --suggest=proxmox --suggest=qemu -F "$FIXTURES/origin/input" |
		jq -r '.captures[].findings[0].suggestions[].form' | xargs) == "qemu proxmox" ]] || fail two
	[[ $(forms remedy-libvirt --suggest=none) == "" ]] || fail none
	[[ $(forms remedy-libvirt --suggest=none,proxmox) == proxmox ]] || fail "none, proxmox"
	# Without suggestions nothing else is missing
	"$LNKINSPECT" -n --suggest=none -F "$FIXTURES/origin/input" >none || true
	"$LNKINSPECT" -n -F "$FIXTURES/origin/input" | sed '/^  how: /,/^$/{/^$/!d}' | diff none - ||
		fail "none: something else"
	for list in nonsense qemu,nonsense QEMU '' ',' ' '; do
		run -2 --separate-stderr "$LNKINSPECT" --suggest="$list" -F "$FIXTURES/origin/input"
		[[ $output == "" ]] || fail "'$list': output"
		# shellcheck disable=SC2154 # bats sets it
		[[ $stderr == "lnkinspect: --suggest: "* ]] || fail "'$list': $stderr"
	done
	run -2 --separate-stderr "$LNKINSPECT" --suggest=, -F "$FIXTURES/origin/input"
	[[ $stderr == "lnkinspect: --suggest: no form is named" ]] || fail "$stderr"
	run -2 --separate-stderr "$LNKINSPECT" --suggest=kvm -F "$FIXTURES/origin/input"
	[[ $stderr == *"'kvm' is not one of qemu, libvirt, proxmox, all, none" ]] || fail "$stderr"
	finish
}

@test "where nothing is known to set, it says so and whom to ask, and has no lines" {
	local name hypervisor
	while read -r name hypervisor; do
		json_of "$name"
		[[ $(jq '[.captures[].findings[].suggestions[]] | length' "$BATS_FILE_TMPDIR/$name.json") == 0 ]] ||
			fail "$name: suggestions"
		jq -e --arg words " $hypervisor has no setting for it that we know of: ask its operator." \
			'any(.captures[].findings[]; .fix | endswith($words))' \
			"$BATS_FILE_TMPDIR/$name.json" >/dev/null || fail "$name: $hypervisor"
	done <<-END
		fixup-vmware-gen4 VMware
		fixup-vmware-port VMware
		fixup-crosvm-root-port crosvm
		lnk202-xen-hvm Xen
		lnk202-hyperv-gen1 Hyper-V
	END
	# QEMU's powernv: its root port has no such property. A cloud's port tells no hypervisor.
	for name in fixup-powernv-qemu fixup-aws-port fixup-gcp-port; do
		json_of "$name"
		jq -e '.captures[].findings[] | select(.id == "LNK002") | (.suggestions | length == 0) and
			(.fix | endswith("We know of no setting for this port: ask the operator."))' \
			"$BATS_FILE_TMPDIR/$name.json" >/dev/null || fail "$name"
	done
	# Real wires: nothing is said of settings
	json_of lnk003-slot-is-limit
	jq -e 'all(.captures[].findings[]; (.suggestions | length == 0) and (.fix | contains("setting") | not))' \
		"$BATS_FILE_TMPDIR/lnk003-slot-is-limit.json" >/dev/null || fail "a real wire"
	finish
}

@test "a suggestion is printed once, and later findings point to it" {
	"$LNKINSPECT" -n -F "$FIXTURES/remedy-legacy-two/input" >out || true
	[[ $(grep -c '^        add     -global pcie-root-port.x-speed=16$' out) == 1 ]] || fail "not once"
	# LNK001 and LNK203 of 01:00.0, then LNK002 and LNK203 of 02:00.0
	[[ $(grep '^  how:  as for' out) == "\
  how:  as for LNK001 above
  how:  as for LNK001 at 0000:01:00.0 above
  how:  as for LNK001 at 0000:01:00.0 above" ]] || fail "$(grep '^  how:' out)"
	"$LNKINSPECT" -n --tree -F "$FIXTURES/remedy-legacy-two/input" >tree || true
	diff <(sed -n '/^LNK001/,$p' out) <(sed -n '/^LNK001/,$p' tree) || fail "a tree says something else"
	# -q is for programs: no lines but findings
	run -1 "$LNKINSPECT" -q -n --suggest=all -F "$FIXTURES/remedy-legacy-two/input"
	((${#lines[@]} == 4)) || fail "-q: $output"
	finish
}

@test "lines are printed as they are: neither folded nor cut nor coloured" {
	local width
	for width in 20 60 100; do
		COLUMNS=$width "$LNKINSPECT" -n --color=always --suggest=all \
			-F "$FIXTURES/guest-multifunction-fn0-slow/input" >out || true
		suggestion guest-multifunction-fn0-slow LNK104@0000:01:00.0 qemu '.lines[]' >lines
		suggestion guest-multifunction-fn0-slow LNK104@0000:01:00.0 libvirt '.lines[]' >>lines
		while IFS= read -r line; do
			grep -q -x -F -e "        $line" out || fail "$width columns: $line"
		done <lines
	done
	[[ $(wc -l <lines) -ge 20 ]] || fail "only $(wc -l <lines) lines"
	finish
}

@test "many ports, many findings: each once, in time" {
	# 40 domains with 199 ports each; of a card's two functions in every two slots LNK205 as well
	awk 'BEGIN {
		print "env guest yes\nenv hypervisor QEMU"
		for (d = 0; d < 40; d++) {
			printf "fn %04x:00:00.0 8086:29c0 060000\nsubsys 1af4:1100\n", d
			for (p = 1; p < 200; p++) {
				at = sprintf("%04x:%02x", d, p)
				printf "fn %04x:00:%02x.%d 1b36:000c 0604\nsize 256\nmultifunction\n", d, p / 8, p % 8
				printf "bridge 00 %02x %02x\nexpress 54 v2 root-port slot\nlink 16x32\n", p, p
				printf "fn %s:00.0 10de:2684 %s\nsize 256\nsubsys 1043:%04x\n", at,
					p % 2 ? "030000" : "040300", p / 2
				print "express 78 v2 endpoint\nlink 32x16"
			}
		}
	}' | "$B/gen" >many
	timeout 60 "$LNKINSPECT" -n --suggest=all -F many >out || [[ $? == 1 ]] || fail "status $?"
	[[ $(grep -c '^LNK001 error' out) == $((40 * 199)) ]] || fail "$(grep -c '^LNK001' out) findings"
	# Of domain 0 only root bus 0 is pcie.0
	[[ $(grep -c '^        to      -device pcie-root-port,.*,x-speed=32,x-width=16$' out) == $((40 * 199)) ]] ||
		fail "$(grep -c '^        to      -device pcie' out) lines"
	[[ $(grep -c '^        to  .*,bus=pcie.0,' out) == 199 ]] || fail "root buses"
	finish
}

# ---- The edit list is what the manual says it is ------------------------------------------------

@test "edits: what is printed for any fixture can be read" {
	local dir name n=0
	for dir in "$FIXTURES"/*/; do
		name=$(basename "$dir")
		json_of "$name"
	done
	run -0 python3 - "$BATS_FILE_TMPDIR"/*.json <<-'PYTHON'
		import json, os, sys
		sys.path.insert(0, os.path.dirname(os.environ["APPLY"]))
		import apply

		n = 0
		for name in sys.argv[1:]:
		    with open(name, encoding="utf-8") as file:
		        captures = json.load(file)["captures"]
		    for finding in (f for c in captures for f in c["findings"]):
		        for suggestion in finding["suggestions"]:
		            if suggestion["form"] == "qemu" and suggestion["lines"]:
		                apply.parse("\n".join(suggestion["lines"]))
		                n += 1
		print(n)
	PYTHON
	((output >= 40)) || fail "only $output suggestions"
	finish
}

# The edits of the standard input, applied to the command line $1, must give $2.
becomes() {
	local got
	# shellcheck disable=SC2086 # words
	got=$(python3 "$APPLY" --edits - -- $1 2>&1 | xargs) || true
	[[ $got == "$2" ]] || fail "$1: \"$got\", not \"$2\""
}

# The edits of the standard input do not fit the command line $1, because of $2.
refuses() {
	local status=0
	# shellcheck disable=SC2086
	python3 "$APPLY" --edits - -- $1 >out 2>err || status=$?
	[[ $status == 1 && ! -s out && $(cat err) == "apply.py: "*"$2"* ]] ||
		fail "$1: status $status: $(cat out err)"
}

@test "edits: change picks one argument, and keeps what is not shown" {
	local edit='
		change  -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=1
		to      -device pcie-root-port,...,bus=pcie.0,addr=0x3,slot=1,x-speed=8,x-width=16'
	becomes '-device pcie-root-port,id=a,slot=1,x-width=1 -nodefaults' \
		'-device pcie-root-port,id=a,slot=1,x-width=16,bus=pcie.0,addr=0x3,x-speed=8 -nodefaults' <<<"$edit"
	# Numbers are equal as numbers; an address is hexadecimal, a slot is not
	becomes '-device pcie-root-port,addr=03.0,slot=0x1,id=a --device pcie-root-port,addr=3.1,id=b' \
		'-device pcie-root-port,addr=0x3,slot=1,id=a,bus=pcie.0,x-speed=8,x-width=16 --device pcie-root-port,addr=3.1,id=b' \
		<<<"$edit"
	# What has more of the keys counts
	becomes '-device pcie-root-port,id=a -device pcie-root-port,id=b,slot=01' \
		'-device pcie-root-port,id=a -device pcie-root-port,id=b,slot=1,bus=pcie.0,addr=0x3,x-speed=8,x-width=16' \
		<<<"$edit"
	refuses '-device pcie-root-port,id=a -device pcie-root-port,id=b' '2 arguments fit' <<<"$edit"
	refuses '-device ioh3420,id=a,addr=3 -device pcie-root-port,addr=4' 'no arguments fit' <<<"$edit"
	refuses '-nodefaults' 'no arguments fit' <<<"$edit"
	# addr=16 is 0x16
	refuses '-device pcie-root-port,addr=16' 'no arguments fit' <<-END
		change  -device pcie-root-port,...,addr=0x10
		to      -device pcie-root-port,...,x-speed=8
	END
	finish
}

@test "edits: another driver, a doubled comma, a word without a value" {
	becomes '-device ioh3420,id=a,addr=1,multifunction=on' \
		'-device pcie-root-port,id=a,addr=0x1,multifunction=on,x-speed=32' <<-END
		change  -device ioh3420,...,addr=0x1
		to      -device pcie-root-port,...,addr=0x1,x-speed=32
	END
	becomes '-device vfio-pci,host=a,,b,addr=5,rombar' '-device vfio-pci,host=a,,b,addr=0x0,rombar,bus=p' <<-END
		change  -device vfio-pci,...,addr=0x5
		to      -device vfio-pci,...,bus=p,addr=0x0
	END
	finish
}

@test "edits: variables" {
	local edit='
		find    -device pcie-root-port,...,id=PORT1,addr=0x2
		find    -device pcie-root-port,...,id=PORT2,addr=0x3
		change  -device vfio-pci,...,bus=PORT2,addr=0x0
		to      -device vfio-pci,...,bus=PORT1,addr=0x0.1'
	becomes "-device pcie-root-port,id=x,addr=2 -device pcie-root-port,id=y,addr=3 -device vfio-pci,host=1,bus=x \
-device vfio-pci,host=2,bus=y" \
		'-device pcie-root-port,id=x,addr=2 -device pcie-root-port,id=y,addr=3 -device vfio-pci,host=1,bus=x -device vfio-pci,host=2,bus=x,addr=0x0.1' \
		<<<"$edit"
	refuses '-device pcie-root-port,id=x,addr=2 -device pcie-root-port,addr=3 -device vfio-pci,bus=x' \
		'no id= in what fits' <<<"$edit"
	refuses '-device pcie-root-port,id=x,addr=2 -device pcie-root-port,id=y,addr=3 -device vfio-pci,bus=x' \
		'no arguments fit' <<<"$edit"
	refuses '-device vfio-pci' 'PORT1 is not known yet' <<-END
		change  -device vfio-pci,...
		to      -device vfio-pci,...,bus=PORT1
	END
	finish
}

@test "edits: what is added or found comes before what stands on it" {
	becomes '-device nvme,bus=p,addr=0.0 -device vfio-pci,bus=q,addr=1 -display none' \
		"-device nvme,bus=p,addr=0.0 -device pcie-root-port,id=lnk5,bus=pcie.0 -device vfio-pci,bus=lnk5,addr=0x0 \
-display none -global a.b=c" <<-END
		add     -device pcie-root-port,id=lnk5,bus=pcie.0
		change  -device vfio-pci,...,addr=0x1
		to      -device vfio-pci,...,bus=lnk5,addr=0x0
		add     -global a.b=c
	END
	# The second card goes to a port that is made after it
	becomes '-device pcie-root-port,id=y,addr=3 -device vfio-pci,bus=y -device pcie-root-port,id=x,addr=2' \
		"-device pcie-root-port,id=y,addr=3 -device pcie-root-port,id=x,addr=2 -device vfio-pci,bus=x,addr=0x0.1" <<-END
		find    -device pcie-root-port,...,id=PORT1,addr=0x2
		find    -device pcie-root-port,...,id=PORT2,addr=0x3
		change  -device vfio-pci,...,bus=PORT2
		to      -device vfio-pci,...,bus=PORT1,addr=0x0.1
	END
	refuses '-device pcie-root-port,id=lnk5' 'id=lnk5 is taken' <<-END
		add     -device pcie-root-port,id=lnk5,bus=pcie.0
	END
	finish
}

@test "edits: the machine, and several ways" {
	local edit='
		change  -machine pc-q35-3.1,...
		to      -machine q35,...'
	becomes '-M pc-q35-2.4,accel=tcg' '-M q35,accel=tcg' <<<"$edit"
	becomes '-machine accel=tcg,type=pc' '-machine accel=tcg,type=q35' <<<"$edit"
	becomes '-machine accel=tcg' '-machine q35,accel=tcg' <<<"$edit"
	becomes '-nodefaults' '-nodefaults -machine q35' <<<"$edit"
	refuses '-M pc -machine accel=tcg' '2 arguments fit' <<<"$edit"
	# What is written as JSON is not taken apart, and may be what is meant.
	refuses '-device {"driver":"a","addr":"0x3"} -device a,bus=x' 'JSON' <<-'END'
		change  -device a,...,addr=0x3
		to      -device a,...,addr=0x3,b=1
	END
	suggestion origin LNK001@0000:01:00.0 qemu '.lines[]' >edits
	run -0 python3 "$APPLY" --edits edits -- -M pc-q35-3.1
	[[ ${lines[*]} == "-M pc-q35-3.1 -global pcie-root-port.x-speed=8 -global pcie-root-port.x-width=16" ]] ||
		fail "${lines[*]}"
	run -0 python3 "$APPLY" --way 2 --edits edits -- -M pc-q35-3.1
	[[ ${lines[*]} == "-M q35" ]] || fail "${lines[*]}"
	run -1 python3 "$APPLY" --way 3 --edits edits -- -M pc-q35-3.1
	[[ $output == "apply.py: there are 2 ways" ]] || fail "$output"
	finish
}

@test "edits: what is no edit list is refused" {
	local edit
	for edit in '' 'or' 'change -device a,...' 'to -device a,...' 'remove -device a' 'add -device' \
		'add -device a,...' 'add device a' $'change -device a,...\nadd -global b.c=d' \
		$'change -device a,...\nto -machine b,...' $'add -global b.c=d\nor' 'add -device a,b=1,b=2'; do
		refuses '-device a' '' <<<"$edit"
	done
	run -1 python3 "$APPLY" --edits missing -- -device a
	[[ $output == "apply.py: "*missing* ]] || fail "$output"
	finish
}
