#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# corroborate.bats - what others say of the links of a live machine, and what its drivers make of it
#
# Machines are those of machine.py. shim.c stands in for what umockdev cannot make up: how the kernel
# hands out its log, nvidia-smi. journal.c is the journal. The kernel's lines are written after Linux
# drivers/pci/pci.c __pcie_print_link_status() and drivers/pci/probe.c pci_setup_device(), those of
# drivers after what they do in their sources.

bats_require_minimum_version 1.5.0
load failures
load machine

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	export SHIM=$BATS_FILE_TMPDIR/shim.so
	local cc="${CC:-cc} -std=c11 -D_GNU_SOURCE -O1 -fPIC -shared"
	$cc -o "$SHIM" "$BATS_TEST_DIRNAME/shim.c"
	mkdir "$BATS_FILE_TMPDIR/none" "$BATS_FILE_TMPDIR/journal"
	: >"$BATS_FILE_TMPDIR/none/libsystemd.so.0"
	$cc -o "$BATS_FILE_TMPDIR/journal/libsystemd.so.0" "$BATS_TEST_DIRNAME/journal.c"
}

setup() {
	export LC_ALL=C
	unset COLUMNS NO_COLOR TERM
	cd "$BATS_TEST_TMPDIR" || return 1
	export LIBS=$BATS_FILE_TMPDIR/none JOURNAL=$BATS_TEST_TMPDIR/entries
}

# As mocked, with shim.c, and with the libsystemd in $LIBS; none of this machine's journal is read.
shimmed() {
	local want=$1 mock=$2 status=0
	shift 2
	# shellcheck disable=SC2016 # umockdev sets LD_PRELOAD, and links libsystemd itself
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 timeout 120 umockdev-run -d "$mock" -- \
		bash -c 'LD_LIBRARY_PATH=$LIBS LD_PRELOAD=$SHIM:$LD_PRELOAD exec "$@"' - "$LNKINSPECT" "$@" >out 2>err </dev/null ||
		status=$?
	((status == want)) || fail "status $status, not $want: $mock: $*: $(head -n 2 err)"
}

# The text of all quotes in ./out.
quoted() {
	jq -r '.captures[0].quotes[] | "\(.by) of \(.address): \(.text)"' out
}

# The kernel's figure of the device of the origin case, at 1x and, before it was changed, at another.
NOW='2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)'
THEN='63.008 Gb/s available PCIe bandwidth (8.0 GT/s PCIe x8 link)'

# ---- The kernel's log --------------------------------------------------------------------------

@test "the kernel's line on a link is quoted, live, without a place" {
	cat >log <<-END
		5,0,0,-;Linux version 6.1.0
		6,1,10,-;pci 0000:01:00.0: [8086:0d93] type 00 class 0x050210
		 SUBSYSTEM=pci
		 DEVICE=+pci:0000:01:00.0
		6,2,20,-;pci 0000:01:00.0: $NOW
		 SUBSYSTEM=pci
		 DEVICE=+pci:0000:01:00.0
	END
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	shimmed 1 m --json -n
	holds quote ".captures[0].quotes == [{address: \"0000:01:00.0\", by: \"kernel\", text: \"$NOW\",
		line: null, file: null}]"
	holds "nothing else of it" '.captures[0].environment.kernel | contains("6.1.0") | not'
	shimmed 1 m -n
	grep -q -x "  The kernel says of 0000:01:00.0: $NOW" out || fail "table: $(grep kernel out)"
	# By the registers the path is 2.000 Gb/s: another figure is of another moment.
	sed -i 's/2\.000 Gb/4.000 Gb/' log
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	shimmed 1 m -n
	grep -q ', at that moment; by the registers now it is 2\.000 Gb/s$' out || fail "$(grep kernel out)"
	# Nobody reads it where it is not shown; a capture's machine is another.
	shimmed 1 m -q -n
	[[ $(cat out) != *Gb/s\ available* ]] || fail "-q: $(cat out)"
	shimmed 0 m --capture=capture
	! grep -q 'Gb/s' capture || fail "capture: $(grep Gb/s capture)"
	shimmed 1 m --json -n -F capture
	[[ -z $(quoted) ]] || fail "-F: $(quoted)"
	finish
}

@test "what was said before the kernel found the device is of another one" {
	local found='6,3,30,-;pci 0000:01:00.0: [8086:0d93] type 00 class 0x050210'
	printf '%s\n' '5,0,0,-;Linux version 6.1.0' "6,1,10,-;pci 0000:01:00.0: $THEN" \
		"6,2,20,-;pci 0000:00:01.0: $THEN" "$found" >log
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	shimmed 1 m --json -n
	[[ $(quoted) == "kernel of 0000:00:01.0: $THEN" ]] || fail "$(quoted)"
	echo "6,4,40,-;cxl_pci 0000:01:00.0: $NOW" >>log
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	shimmed 1 m --json -n
	[[ $(quoted) == "kernel of 0000:00:01.0: $THEN"$'\n'"kernel of 0000:01:00.0: $NOW" ]] || fail "$(quoted)"
	# Found again, twice the same: each sentence once.
	printf '%s\n' "$found" "6,5,40,-;pci 0000:01:00.0: $NOW" "6,6,40,-;pci 0000:01:00.0: $NOW" >>log
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	shimmed 1 m --json -n
	[[ $(quoted | wc -l) == 2 ]] || fail "$(quoted)"
	finish
}

@test "what programs and devices say is not the kernel's word" {
	local line
	# Another facility, no record, more words before it, what only looks like it.
	for line in "14,1,10,-;pci 0000:01:00.0: $NOW" " pci 0000:01:00.0: $NOW" "pci 0000:01:00.0: $NOW" \
		"6,1,10,-;usb 1-1: Product: pci 0000:01:00.0: $NOW" "6,1,10,-;x pci 0000:01:00.0: $NOW" \
		"6,1,10,-;0000:01:00.0: $NOW" "6,1,10,-;pci 0000:01:00.0 $NOW" "6,1,10,-;pci 0000:01:00.0: : $NOW" \
		"6,1,10,-;pci 0000:01:00.8: $NOW" "6,1,10,-;" '6,1,10,-;:' '6,1,10,-;: ' '6,1,10,-; : ' ';;;'; do
		printf '%s\n' '5,0,0,-;Linux version 6.1.0' "$line" '6,9,9,-;pci 0000:01:00.0: [8086' >log
		machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
		shimmed 1 m --json -n
		[[ -z $(quoted) ]] || fail "$line: $(quoted)"
	done
	finish
}

@test "the log as the kernel hands it out: a record a read, some of them lost" {
	{
		printf '5,0,0,-;Linux version 6.1.0\n'
		for i in {1..2000}; do
			printf '6,%d,%d,-;%s\n SUBSYSTEM=x\n' "$i" "$i" "$(printf 'word%.0s ' {1..40})"
		done
		printf '6,2001,1,-;pci 0000:01:00.0: %s\n' "$NOW"
	} >log
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	KMSG=records shimmed 1 m --json -n
	[[ $(quoted) == "kernel of 0000:01:00.0: $NOW" ]] || fail "records: $(quoted)"
	shimmed 1 m --json -n
	[[ $(quoted) == "kernel of 0000:01:00.0: $NOW" ]] || fail "file: $(quoted)"
	# Whatever it holds, the verdict stays.
	{ head -c 60000 /dev/urandom && yes 6,1 | head -c 60000 && head -c 60000 /dev/zero; } >log
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=log
	shimmed 1 m --json -n
	[[ -z $(quoted) ]] || fail "noise: $(quoted)"
	finish
}

# ---- The journal -------------------------------------------------------------------------------

# $1 MESSAGE, the rest: fields that are not those of a line of the kernel's at this boot.
entry() {
	local message=$1 field name
	local -A fields=([_BOOT_ID]=0102030405060708090a0b0c0d0e0f10 [_TRANSPORT]=kernel [SYSLOG_FACILITY]=0
		[_KERNEL_SUBSYSTEM]=pci [MESSAGE]=$message)
	shift
	for field; do
		fields[${field%%=*}]=${field#*=}
	done
	for name in "${!fields[@]}"; do
		printf '%s=%s\t' "$name" "${fields[$name]}"
	done >>"$JOURNAL"
	echo >>"$JOURNAL"
}

@test "the journal is asked for what the kernel's ring has lost, or may not be read" {
	entry "pci 0000:01:00.0: $NOW"
	echo '6,7,10,-;usb 1-1: new device' >lost
	printf '5,0,0,-;Linux version 6.1.0\n' >whole
	machine mock lost.mock "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=lost
	machine mock whole.mock "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=whole
	# No libsystemd: nothing is said of it.
	shimmed 1 lost.mock --json -n
	[[ -z $(quoted) && ! -s err ]] || fail "no libsystemd: $(quoted) $(cat err)"
	LIBS=$BATS_FILE_TMPDIR/journal
	shimmed 1 lost.mock --json -n
	[[ $(quoted) == "kernel of 0000:01:00.0: $NOW" ]] || fail "lost: $(quoted)"
	holds place '.captures[0].quotes[0] | .line == null and .file == null'
	shimmed 1 whole.mock --json -n
	[[ -z $(quoted) ]] || fail "whole: $(quoted)"
	KMSG=denied shimmed 1 whole.mock --json -n
	[[ $(quoted) == "kernel of 0000:01:00.0: $NOW" ]] || fail "denied: $(quoted)"
	# The ring's lines are the later ones.
	printf '%s\n' '6,7,10,-;pci 0000:01:00.0: [8086:0d93] type 00 class 0x050210' \
		"6,8,10,-;pci 0000:01:00.0: $THEN" >lost
	machine mock lost.mock "$(fixture origin)" dmi/sys_vendor=QEMU kmsg=lost
	shimmed 1 lost.mock --json -n
	[[ $(quoted) == "kernel of 0000:01:00.0: $THEN" ]] || fail "later: $(quoted)"
	# No journal, or none that may be read.
	rm "$JOURNAL"
	KMSG=denied shimmed 1 whole.mock --json -n
	[[ -z $(quoted) && ! -s err ]] || fail "no journal: $(quoted) $(cat err)"
	finish
}

@test "of the journal only the kernel's own lines of this boot count" {
	local field
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU
	LIBS=$BATS_FILE_TMPDIR/journal
	for field in _BOOT_ID=ffffffffffffffffffffffffffffffff _TRANSPORT=syslog _TRANSPORT=stdout \
		SYSLOG_FACILITY=1 _KERNEL_SUBSYSTEM=usb MESSAGE= "MESSAGE=Product: pci 0000:01:00.0: $NOW"; do
		: >"$JOURNAL"
		entry "pci 0000:01:00.0: $NOW" "$field"
		KMSG=denied shimmed 1 m --json -n
		[[ -z $(quoted) ]] || fail "$field: $(quoted)"
	done
	: >"$JOURNAL"
	entry "pci 0000:01:00.0: $THEN"
	entry 'pci 0000:01:00.0: [8086:0d93] type 00 class 0x050210'
	entry "pci 0000:01:00.0: $NOW"
	KMSG=denied shimmed 1 m --json -n
	[[ $(quoted) == "kernel of 0000:01:00.0: $NOW" ]] || fail "$(quoted)"
	finish
}

# ---- Drivers and their tools -------------------------------------------------------------------

# A card below a real port, of ids $1 and class $2.
card() {
	cat <<-END
		fn 10000:00:00.0 8086:201d 060000

		fn 10000:00:01.0 8086:2030 060400
		bridge 00 01 01
		subsys 8086:0000
		express 90 v2 root-port slot
		link 8x16
		flags dlllarc dllla slc ccc presence eq-complete

		fn 10000:01:00.0 $1 $2
		subsys $1
		express 70 v2 endpoint
		link 8x16
		flags slc ccc eq-complete
	END
}

# A fake nvidia-smi in ./smi, whose body is on standard input; ./called is there when it was run.
fake_smi() {
	{
		printf '#!/bin/bash\necho "$*" >%q/called\n' "$PWD"
		cat
	} >smi
	chmod 755 smi
	rm -f called
	export SMI=$PWD/smi
}

# As nvidia-smi -q prints it of a card at generation 3, 16 lanes.
smi_text() {
	cat <<-'END'
		cat <<-'TEXT'
		==============NVSMI LOG==============
		Attached GPUs                             : 1
		GPU 00010000:01:00.0
		    Virtualization Mode                   : Pass-Through
		    PCI
		        Bus Id                            : 00010000:01:00.0
		        GPU Link Info
		            PCIe Generation
		                Max                       : 3
		                Current                   : 3
		            Link Width
		                Max                       : 16x
		                Current                   : 16x
		TEXT
	END
}

@test "nvidia-smi is asked with --deep only, of what is awake, without a shell or an environment" {
	local word
	card 10de:1b80 030000 | "$B/gen" >dump
	machine mock m dump links ids 10000:01:00.0/driver=nvidia
	fake_smi < <(smi_text && printf 'env >%q/env\nls /proc/self/fd | wc -l >%q/files' "$PWD" "$PWD")
	SECRET=1 shimmed 0 m --json -n --deep
	[[ $(quoted) == "nvidia-smi of 10000:01:00.0: PCIe generation 3 (max 3), width 16x (max 16x)" ]] ||
		fail "$(quoted)"
	holds "nothing else of it" '.captures[0].environment.guest != true or
		.captures[0].environment.hearsay != true'
	[[ $(cat called) == -q ]] || fail "arguments: $(cat called)"
	! grep -q -E 'SECRET|LD_|UMOCKDEV' env || fail "environment: $(cat env)"
	# Standard streams, and what ls has open itself.
	(($(cat files) <= 5)) || fail "files: $(cat files)"
	for word in '' '-q --deep' '--compare dump'; do
		rm -f called
		# shellcheck disable=SC2086 # words are meant
		shimmed 0 m -n $word
		[[ ! -e called ]] || fail "'$word': it was run"
	done
	rm -f called
	SMI_OWNER=other shimmed 0 m -n --deep
	[[ ! -e called ]] || fail "somebody else's was run"
	shimmed 0 m --deep --capture=capture
	[[ ! -e called ]] || fail "run for a capture"
	for word in driver=vfio-pci driver=nouveau power/runtime_status=suspended power_state=D3cold; do
		machine mock m dump links ids 10000:01:00.0/driver=nvidia "10000:01:00.0/$word"
		rm -f called
		shimmed "$([[ $word == power* ]] && echo 3 || echo 0)" m -n --deep
		[[ ! -e called ]] || fail "$word: it was run"
	done
	# Not a display, not shown.
	machine mock m dump links ids 10000:01:00.0/driver=nvidia
	shimmed 0 m -n --deep -s 10000:00:00.0
	[[ ! -e called ]] || fail "not shown: it was run"
	card 10de:22a3 068000 | "$B/gen" >dump
	machine mock m dump links ids 10000:01:00.0/driver=nvidia
	shimmed 0 m -n --deep
	[[ ! -e called ]] || fail "a bridge: it was run"
	unset SMI
	shimmed 0 m -n --deep
	[[ ! -s err ]] || fail "without nvidia-smi: $(cat err)"
	finish
}

@test "nvidia-smi may hang, fail, or never end" {
	card 10de:1b80 030000 | "$B/gen" >dump
	machine mock m dump links ids 10000:01:00.0/driver=nvidia
	fake_smi < <(smi_text && printf 'trap "" TERM; echo $$ >%q/pid; sleep 600' "$PWD")
	shimmed 0 m --json -n --deep
	[[ -n $(quoted) ]] || fail "hangs: what it said first is lost"
	! kill -0 "$(cat pid)" 2>/dev/null || fail "hangs: it was left running"
	fake_smi < <(smi_text && printf 'exec yes %s' "$(head -c 3000 /dev/zero | tr '\0' x)")
	shimmed 0 m --json -n --deep
	[[ -n $(quoted) ]] || fail "never ends: what it said first is lost"
	fake_smi <<<'exit 9'
	shimmed 0 m --json -n --deep
	[[ -z $(quoted) ]] || fail "fails: $(quoted)"
	fake_smi <<<'head -c 100000 /dev/urandom'
	shimmed 0 m --json -n --deep
	[[ -z $(quoted) ]] || fail "noise: $(quoted)"
	echo '#!/nonexistent' >smi
	shimmed 0 m --json -n --deep
	[[ -z $(quoted) ]] || fail "cannot be run: $(quoted)"
	finish
}

@test "amdgpu's level is asked with --deep only, and of what is awake" {
	local table=$'0: 2.5GT/s, x8 310Mhz \n1: 8.0GT/s, x16 619Mhz *\n2: 16.0GT/s, x16 619Mhz '
	card 1002:73bf 030000 | "$B/gen" >dump
	machine mock m dump links ids 10000:01:00.0/driver=amdgpu "10000:01:00.0/pp_dpm_pcie=$table"
	shimmed 0 m --json -n --deep
	[[ $(quoted) == "amdgpu of 10000:01:00.0: PCIe level 1: 8.0GT/s, x16 619Mhz" ]] || fail "$(quoted)"
	shimmed 0 m --json -n
	[[ -z $(quoted) ]] || fail "without --deep: $(quoted)"
	machine mock m dump links ids 10000:01:00.0/driver=amdgpu "10000:01:00.0/pp_dpm_pcie=$table" \
		10000:01:00.0/power/runtime_status=suspended
	shimmed 3 m --json -n --deep
	[[ -z $(quoted) ]] || fail "asleep: $(quoted)"
	machine mock m dump links ids 10000:01:00.0/driver=vfio-pci "10000:01:00.0/pp_dpm_pcie=$table"
	shimmed 0 m --json -n --deep
	[[ -z $(quoted) ]] || fail "another driver: $(quoted)"
	for table in '' '*' $'\e[31m *' "$(head -c 2000 /dev/zero | tr '\0' '*')"; do
		machine mock m dump links ids 10000:01:00.0/driver=amdgpu "10000:01:00.0/pp_dpm_pcie=$table"
		shimmed 0 m --json -n --deep
		! grep -q $'\e' out || fail "raw bytes"
	done
	finish
}

# ---- What the driver makes of it ---------------------------------------------------------------

# The capture of fixture $1 with $3 as the driver of the function at $2, as lspci -k has it: ./dump
bind() {
	lspci -F "$(fixture "$1")" -D -n -xxxx 2>/dev/null |
		awk -v at="$2" -v driver="$3" '{ print } $1 == at { print "\tKernel driver in use: " driver }' >dump
	grep -q 'in use' dump || fail "$1: no function at $2"
}

# Does "here" of the finding $1 in ./out hold the words $2? "": it must be null.
means() {
	jq -e --arg id "$1" --arg words "$2" '[.captures[0].findings[] | select(.id == $id)] |
		length > 0 and all(.[]; if $words == "" then .here == null else
			.here != null and (.here | contains($words)) end)' out >/dev/null ||
		fail "$3: $1: $(jq -c '[.captures[0].findings[] | [.id, .here]]' out)"
}

@test "why it matters here: each driver, for a slow port, a port in between, one without a link, none" {
	local driver words
	# Fixture, function, findings; then drivers and what is said of them ("-": nothing).
	while IFS='|' read -r fixture at ids driver words; do
		bind "$fixture" "$at" "$driver"
		"$LNKINSPECT" --json -n -F dump >out 2>err || true
		[[ $words != - ]] || words=
		for id in $ids; do
			means "$id" "$words" "$fixture, $driver"
		done
		[[ -z $words || $(jq -r '.captures[0].findings[].here // empty' out | head -n 1) == \
			"The driver, $driver, "* ]] || fail "$fixture, $driver: another name"
	done <<-'END'
		origin|0000:01:00.0|LNK001 LNK203|amdgpu|can really drive the card so
		origin|0000:01:00.0|LNK001 LNK203|radeon|below a port of 5GT/s or 8GT/s only
		origin|0000:01:00.0|LNK001 LNK203|nouveau|upper limit
		origin|0000:01:00.0|LNK001 LNK203|nvidia|2.5GT/s x1 is 0.19 GB/s to it
		origin|0000:01:00.0|LNK001 LNK203|hfi1|does not use 8GT/s below
		origin|0000:01:00.0|LNK001 LNK203|mlx5_core|compression of its receive completions
		origin|0000:01:00.0|LNK001 LNK203|nvme|does not size its work by
		origin|0000:01:00.0|LNK001 LNK203|xe|does not size its work by
		origin|0000:01:00.0|LNK001 LNK203|vfio-pci|in a guest
		origin|0000:01:00.0|LNK001 LNK203|cxl_pci|-
		origin|0000:01:00.0|LNK001 LNK203|amdgpux|-
		origin|0000:00:01.0|LNK001 LNK203|pcieport|-
		qtest-gen5-ep-modern-rp|0000:01:00.0|LNK001|radeon|below a port of 5GT/s or 8GT/s only
		qtest-gen5-ep-modern-rp|0000:01:00.0|LNK001|hfi1|nothing is lost
		lnk001-port-8x16-gen5|0000:01:00.0|LNK001|radeon|and no further
		qtest-gen5-ep-switch|0000:03:00.0|LNK102 LNK204|radeon|leaves the link as it finds it
		qtest-gen5-ep-switch|0000:03:00.0|LNK102 LNK204|nvidia|takes a width of 0 for 16 lanes
		qtest-gen5-ep-switch|0000:03:00.0|LNK102 LNK204|hfi1|-
		qtest-gen5-ep-switch|0000:03:00.0|LNK008|amdgpu|on others it asks a port
		qtest-gen5-ep-switch|0000:03:00.0|LNK008|radeon|not for the hops beyond
		qtest-gen5-ep-switch|0000:03:00.0|LNK008|mlx5_core|the slowest hop of the path
		qtest-gen5-ep-switch|0000:03:00.0|LNK008|nvidia|-
		guest-rciep-root-bus|0000:00:08.0|LNK201|amdgpu|generations 1 and 2 only
		guest-rciep-root-bus|0000:00:08.0|LNK201|radeon|finds no port
		guest-rciep-root-bus|0000:00:08.0|LNK201|mlx5_core|-
		lnk202-i440fx|0000:00:05.0|LNK202|amdgpu|generations 1 and 2 only
	END
	finish
}

@test "why it matters here: where it stands, and that it is said once" {
	bind origin 0000:01:00.0 amdgpu
	COLUMNS=100 "$LNKINSPECT" -n -F dump >out || true
	[[ $(grep -c '^  here: ' out) == 2 ]] || fail "$(cat out)"
	grep -q '^  here: as for LNK001 above$' out || fail "$(cat out)"
	# Between why and do.
	[[ $(sed -n '/^LNK001/,/^LNK203/s/^  \(why\|here\|do\): .*/\1/p' out | xargs) == "why here do" ]] ||
		fail "order: $(cat out)"
	"$LNKINSPECT" -n -t -F dump >out || true
	grep -q '^  here: The driver, amdgpu, ' out || fail "tree: $(cat out)"
	"$LNKINSPECT" -q -n -F dump >out || true
	[[ $(cat out) != *here* ]] || fail "-q: $(cat out)"
	# Rules that no driver asks about have none.
	bind guest-multifunction-fn0-slow 0000:01:00.0 amdgpu
	"$LNKINSPECT" --json -n -F dump >out || true
	means LNK104 '' LNK104
	# The driver of another function of the device, where that of the first is not known.
	{
		lspci -F "$(fixture origin)" -D -n -xxxx
		printf '\n0000:01:00.1 0300: 1002:73bf\n\tKernel driver in use: amdgpu\n'
	} >dump
	"$LNKINSPECT" --json -n -F dump >out || true
	means LNK001 'The driver, amdgpu, ' "function 1"
	# Live, and from the capture of it.
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU 0000:01:00.0/driver=nvidia
	shimmed 1 m --json -n
	means LNK001 'The driver, nvidia, ' live
	shimmed 0 m --capture=capture
	exits 1 --json -n -F capture
	means LNK001 'The driver, nvidia, ' capture
	finish
}

# ---- Where it is -------------------------------------------------------------------------------

@test "IOMMU group and NUMA node: live, from a copy, from a capture" {
	local facts='[.captures[0].functions[] | select(.iommu_group or .numa_node != null) |
		[.address, .iommu_group, .numa_node]] == [["0000:00:01.0", "7", null], ["0000:01:00.0", "23", 1]]'
	local words=(0000:00:01.0/iommu_group=7 0000:00:01.0/numa_node=-1 0000:01:00.0/iommu_group=23
		0000:01:00.0/numa_node=1)
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU "${words[@]}"
	shimmed 1 m --json -n
	holds live "$facts"
	shimmed 1 m -v -n
	grep -A 1 '^0000:01:00.0  ' out | grep -q -x '  NUMA node 1, IOMMU group 23' || fail "-v: $(cat out)"
	grep -A 1 '^0000:00:01.0  ' out | grep -q -x '  IOMMU group 7' || fail "-v, port: $(cat out)"
	shimmed 0 m --capture=capture
	exits 1 --json -n -F capture
	holds capture "$facts"
	machine tree t "$(fixture origin)" "${words[@]}"
	exits 1 --json -n -F t
	holds "copy, -F" "$facts"
	exits 1 --json -n -O sysfs.path=t
	holds "copy, -O" "$facts"
	for facts in -1 -2 65536 99999999999999999999 1x ''; do
		sed "s/^# numa_node: .*/# numa_node: $facts/" capture >changed
		exits 1 --json -n -F changed
		holds "numa_node '$facts'" 'all(.captures[0].functions[]; .numa_node == null)'
		echo "$facts" >t/devices/0000:01:00.0/numa_node
		exits 1 --json -n -O sysfs.path=t
		holds "numa_node '$facts' of a tree" 'all(.captures[0].functions[]; .numa_node == null)'
	done
	finish
}
