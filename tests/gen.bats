#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gen.bats - the fixture generator writes what its spec says: lspci is the second opinion

load failures

setup() {
	: "${B:?}"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The spec on standard input becomes ./capture; lspci -vv's words about it ./words.
gen() {
	"$B/gen" >capture
	lspci -F capture -vv >words 2>/dev/null
}

# lspci's words about the function at $1 of ./words
words() {
	awk -v RS= -v at="$1 " 'index($0, at) == 1' words
}

# $1: at which function, $2: what lspci must say
says() {
	words "$1" | grep -qF -- "$2" || fail "$1: lspci does not say \"$2\""
}

@test "every speed, width and their LNKCAP2 and LNKCTL2" {
	local speed width bus=0 vector
	# lspci 3.9 does not know the vector of 64 GT/s: it must be 7e.
	local -A vectors=([8]=2.5-8GT/s [16]=2.5-16GT/s [32]=2.5-32GT/s)
	for speed in 2.5 5 8 16 32 64; do
		for width in 1 2 4 8 12 16 32; do
			bus=$((bus + 1))
			printf 'fn %02x:00.0 1b36:0010 010802\nexpress 40 v2 endpoint\nlink %sx%d\n' \
				"$bus" "$speed" "$width"
		done
	done | gen
	bus=0
	for speed in 2.5 5 8 16 32 64; do
		for width in 1 2 4 8 12 16 32; do
			bus=$((bus + 1))
			at=$(printf '%02x:00.0' "$bus")
			says "$at" "LnkCap:	Port #0, Speed ${speed}GT/s, Width x$width,"
			says "$at" "LnkSta:	Speed ${speed}GT/s, Width x$width"
			says "$at" "LnkCtl2: Target Link Speed: ${speed}GT/s,"
			vector=${vectors[$speed]:-}
			if [[ $speed == 64 ]]; then
				lspci -F capture -s "$at" -xxx 2>/dev/null |
					grep -qx '60: .* 7e 00 00 00' || fail "$at: the vector is not 7e"
			elif [[ $vector ]]; then
				says "$at" "LnkCap2: Supported Link Speeds: $vector,"
			elif words "$at" | grep -q LnkCap2:; then
				fail "$at: a vector at $speed GT/s"
			fi
		done
	done
	((bus == 42))
	finish
}

@test "a current link of its own" {
	gen <<-END
	fn 01:00.0 10de:1b80 030000
	express 60 v2 legacy
	link 16x16 2.5x4
	END
	says 01:00.0 "LnkCap:	Port #0, Speed 16GT/s, Width x16,"
	says 01:00.0 "LnkSta:	Speed 2.5GT/s (downgraded), Width x4 (downgraded)"
	says 01:00.0 "LnkCtl2: Target Link Speed: 16GT/s,"
	finish
}

@test "every type of Express function" {
	local type bus=0
	local -A named=(
		[endpoint]='Express (v2) Endpoint, MSI 00'
		[legacy]='Express (v2) Legacy Endpoint, MSI 00'
		[root-port]='Express (v2) Root Port (Slot-), MSI 00'
		[upstream]='Express (v2) Upstream Port, MSI 00'
		[downstream]='Express (v2) Downstream Port (Slot-), MSI 00'
		[pcie-pci]='Express (v2) PCI-Express to PCI/PCI-X Bridge, MSI 00'
		[pci-pcie]='Express (v2) PCI/PCI-X to PCI-Express Bridge (Slot-), MSI 00'
		[rciep]='Express (v2) Root Complex Integrated Endpoint, MSI 00'
		[rcec]='Express (v2) Root Complex Event Collector, MSI 00'
	)
	for type in "${!named[@]}"; do
		bus=$((bus + 1))
		printf 'fn %02x:00.0 1b36:0010 0108\nexpress 40 v2 %s\n' "$bus" "$type"
	done | gen
	bus=0
	for type in "${!named[@]}"; do
		bus=$((bus + 1))
		says "$(printf '%02x:00.0' "$bus")" "Capabilities: [40] ${named[$type]}"
	done
	((bus == 9))
	printf 'fn 01:00.0 1:1 0604\nexpress dc v1 root-port slot\n' | gen
	says 01:00.0 "Capabilities: [dc] Express (v1) Root Port (Slot+), MSI 00"
	printf 'fn 01:00.0 1:1 0604\nexpress 40 v2 downstream\nflags slot-implemented\n' | gen
	says 01:00.0 "Downstream Port (Slot+)"
	finish
}

@test "every flag sets the bit that lspci calls by that name" {
	local flag line=0
	# A flag and what lspci says of it; all other flags must leave that at "-".
	local -A named=(
		[dlllarc]=LLActRep+ [lbnc]=BwNot+ [link-disable]=Disabled+ [ccc]=CommClk+
		[width-disable]=AutWidDis+ [lt]=Train+ [slc]=SlotClk+ [dllla]=DLActive+
		[lbms]=BWMgmt+ [labs]=ABWMgmt+ [surprise]='HotPlug- Surprise+'
		[hotplug]='HotPlug+ Surprise-' [power-off]=Power+ [presence]='PresDet+ Interlock'
		[compliance]=EnterCompliance+ [speed-disable]=SpeedDis+
		[eq-complete]=EqualizationComplete+ [aspm-l0s]='ASPM L0s Enabled'
		[aspm-l1]='ASPM L1 Enabled' [aspm-cap-l0s]='ASPM L0s, Exit'
		[aspm-cap-l1]='ASPM L1, Exit' [slot-implemented]=Slot+
	)
	for flag in "${!named[@]}"; do
		line=$((line + 1))
		printf 'fn %02x:00.0 1:1 0604\nexpress 40 v2 root-port%s\nflags %s\n' "$line" \
			"$([[ $flag == slot-implemented ]] || echo ' slot')" "$flag"
	done | gen
	line=0
	for flag in "${!named[@]}"; do
		line=$((line + 1))
		at=$(printf '%02x:00.0' "$line")
		for other in "${!named[@]}"; do
			if [[ $other == "$flag" ]]; then
				says "$at" "${named[$other]}"
			elif [[ $other != slot-implemented ]] &&
				words "$at" | grep -qE "(^|[^A-Za-z0-9])${named[$other]//+/\\+}"; then
				fail "$at: $flag sets $other"
			fi
		done
	done
	((line == 22))
	finish
}

@test "registers by name stand where lspci reads them" {
	gen <<-END
	fn 00:01.0 1:1 0604
	bridge 0 1 1
	express 40 v2 root-port slot
	DEVCAP 00008022
	DEVCTL 5020
	LNKCAP 0a000c43
	SLTCAP 00280060
	SLTCTL 03c0
	SLTSTA 0040
	DEVCAP2 00000010
	LNKCAP2 0000000e
	LNKCTL2 0023
	LNKSTA2 001e
	END
	says 00:01.0 "MaxPayload 512 bytes, PhantFunc 0"
	says 00:01.0 "MaxPayload 256 bytes, MaxReadReq 4096 bytes"
	says 00:01.0 "LnkCap:	Port #10, Speed 8GT/s, Width x4, ASPM L0s L1"
	says 00:01.0 "HotPlug+ Surprise+"
	says 00:01.0 "Slot #5,"
	says 00:01.0 "AttnInd Off, PwrInd Off,"
	says 00:01.0 "TimeoutDis+"
	says 00:01.0 "Supported Link Speeds: 2.5-8GT/s"
	says 00:01.0 "Target Link Speed: 8GT/s, EnterCompliance- SpeedDis+"
	says 00:01.0 "EqualizationComplete+ EqualizationPhase1+"
	finish
}

@test "header: ids, class, revision, subsystem, buses, multi-function" {
	gen <<-END
	fn 00:00.0 8086:29c0 0600
	subsys 1af4:1100
	fn 00:01.0 1b36:000c 060400
	rev 05
	bridge 00 0a 1f
	subsys 1b36:0001
	fn 00:02.0 104c:ac56 060700
	cardbus 00 20 22
	subsys 17aa:2012
	fn 00:1f.2 8086:2922 010601
	multifunction
	END
	lspci -F capture -n >numbers 2>/dev/null
	diff numbers - <<-END
	00:00.0 0600: 8086:29c0
	00:01.0 0604: 1b36:000c (rev 05)
	00:02.0 0607: 104c:ac56
	00:1f.2 0106: 8086:2922
	END
	lspci -F capture -nnvv >words 2>/dev/null
	says 00:00.0 "Subsystem: Red Hat, Inc. QEMU Virtual Machine [1af4:1100]"
	says 00:01.0 "Bus: primary=00, secondary=0a, subordinate=1f,"
	says 00:01.0 "Capabilities: [f8] Subsystem: Red Hat, Inc."
	says 00:01.0 "[1b36:0001]"
	says 00:02.0 "Bus: primary=00, secondary=20, subordinate=22,"
	says 00:02.0 "[17aa:2012]"
	says 00:1f.2 "prog-if 01 [AHCI 1.0]"
	[[ $(lspci -F capture -s 1f.2 -x 2>/dev/null) == *"00: 86 80 22 29 00 00 00 00 00 01 06 01 00 00 80 00"* ]]
	finish
}

@test "capabilities are linked in the order of the lines" {
	gen <<-END
	fn 00:03.0 10de:1b80 0300
	cap 01 60 03 00 08
	cap 05 40 80 00
	express 78 v2 endpoint
	ext aer 00000030 000010c1
	ext acs
	ext dsn 00112233 44556677
	ext secpci 8001
	ext sriov
	ext 001e 200 2 0000001f
	END
	diff <(words 00:03.0 | grep -o 'Capabilities: \[[0-9a-f]*') - <<-END
	Capabilities: [60
	Capabilities: [40
	Capabilities: [78
	Capabilities: [100
	Capabilities: [150
	Capabilities: [160
	Capabilities: [170
	Capabilities: [1a0
	Capabilities: [200
	END
	says 00:03.0 "Power Management version 3"
	says 00:03.0 "MSI: Enable- Count=1/1 Maskable- 64bit+"
	says 00:03.0 "UESta:	DLP+ SDES+ TLP-"
	says 00:03.0 "CESta:	RxErr+ BadTLP+ BadDLLP+ Rollover- Timeout+"
	says 00:03.0 "Access Control Services"
	says 00:03.0 "Device Serial Number 00-11-22-33-44-55-66-77"
	says 00:03.0 "LaneErrStat: LaneErr at lane: 0 15"
	says 00:03.0 "Single Root I/O Virtualization (SR-IOV)"
	says 00:03.0 "[200 v2] L1 PM Substates"
	says 00:03.0 "PCI-PM_L1.2+ PCI-PM_L1.1+ ASPM_L1.2+ ASPM_L1.1+ L1_PM_Substates+"
	finish
}

@test "lspci reads every byte as it was written" {
	gen <<-END
	fn 00:00.0 8086:29c0 0600
	bytes f0 de ad be ef
	fn 0000:01:00.0 1:1 0108
	express 40 v1 endpoint
	bytes ffc 1 2 3 4
	bytes ffd 5
	fn 0001:01:00.0 ffff:ffff 0108
	size 64
	ffs
	bytes 3c 0a
	fn 1000a:02:1f.7 1:2 0108
	size 64
	END
	lspci -F capture -n -xxxx 2>/dev/null | grep '^[0-9a-f]*: ' >theirs
	grep '^[0-9a-f]*: ' capture >ours
	(($(wc -l <ours) == 16 + 256 + 4 + 4))
	diff ours theirs
	grep -qx 'f0: de ad be ef 00 00 00 00 00 00 00 00 00 00 00 00' ours
	grep -qx 'ff0: 00 00 00 00 00 00 00 00 00 00 00 00 01 05 03 04' ours
	grep -qx '30: ff ff ff ff ff ff ff ff ff ff ff ff 0a ff ff ff' ours
}

@test "how it is written: head, facts, text, rows" {
	"$B/gen" >out <<-'END'
	env tool lnkinspect 1 # no comment
	env guest yes
	raw # a remark
	fn 0000:00:03.0 1b36:000c 060400  # a comment
	size 32
	rev a1
	fact driver pcieport
	text Bus: primary=00	x
	row 10 10: what a mess \\ \x1b[1m\t.
	fn 00:04.0 1:2 0200
	size 64
	title Ethernet controller: X # Y
	drop 10
	cut 30
	fn 00:05.0 1:3 0200
	no-hex
	raw trailer
	END
	diff out - <<-END
	# lnkinspect capture 1
	# tool: lnkinspect 1 # no comment
	# guest: yes
	# a remark
	0000:00:03.0 0604: 1b36:000c (rev a1)
	# driver: pcieport
	$(printf '\t')Bus: primary=00	x
	00: 36 1b 0c 00 00 00 00 00 a1 00 04 06 00 00 00 00
	10: what a mess \\ $(printf '\033')[1m$(printf '\t').

	00:04.0 Ethernet controller: X # Y
	00: 01 00 02 00 00 00 00 00 00 00 00 02 00 00 00 00
	20: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00

	00:05.0 0200: 0001:0003 (rev 00)
	trailer
	END
}

@test "ends of lines and prefixes" {
	printf 'eol crlf\nfn 00:00.0 1:1 0600\nsize 16\nno-final-newline\nprefix > \nraw x' |
		"$B/gen" >out
	printf '00:00.0 0600: 0001:0001 (rev 00)\r\n%s\r\n\r\n> x' \
		'00: 01 00 01 00 00 00 00 00 00 00 00 06 00 00 00 00' >want
	cmp out want
}

@test "errors name the line and exit 1" {
	local spec want
	while IFS='|' read -r spec want; do
		status=0
		# shellcheck disable=SC2059 # the spec has \n in it
		printf "$spec" | "$B/gen" >out 2>err || status=$?
		((status == 1)) || fail "$spec: status $status"
		[[ $(<err) == "gen: line $want" ]] || fail "$spec: $(<err)"
	done <<-'END'
	nonsense|1: "nonsense" is not a statement
	size 64|1: size outside a function
	LNKCAP 1|1: LNKCAP outside a function
	fn 00:00.8 1:1 06|1: "00:00.8" is not an address
	fn 00:20.0 1:1 0600|1: "00:20.0" is not an address
	fn 00:00.0 11:0600 06|1: a class has 4 or 6 digits
	fn 00:00.0 1-1 0600|1: "1-1" is not VVVV:DDDD
	fn 00:00.0 1:1 0600\n\nLNKCAP 1|3: LNKCAP before express
	fn 00:00.0 1:1 0600\nexpress 42 v2 endpoint|2: a capability cannot stand at 42
	fn 00:00.0 1:1 0600\nexpress 40 v2 gpu|2: "gpu" is not a type
	fn 00:00.0 1:1 0600\nexpress 40 v1 endpoint\nLNKCAP2 e|3: this capability has no LNKCAP2
	fn 00:00.0 1:1 0600\nexpress 40 v1 endpoint\nSLTCAP e|3: this capability has no SLTCAP
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nLNKSTA 12345|3: LNKSTA: 12345 is more than ffff
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nLNKSTA 0x1|3: LNKSTA: "0x1" is not a number
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nLNKSTA -1|3: LNKSTA: "-1" is not a number
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nlink 3x4|3: "3x4" is not SPEEDxWIDTH
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nlink 8x64|3: width: 64 is more than 3f
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nflags fast|3: "fast" is not a flag
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\ncap 1 44|3: two capabilities share byte 44
	fn 00:00.0 1:1 0600\nexpress 40 v2 endpoint\nexpress 80 v2 endpoint|3: a second Express capability; use cap 10
	fn 00:00.0 1:1 0600\ncap 1 40\nbridge 0 1 1|3: the header layout must be told before subsys and capabilities
	fn 00:00.0 1:1 0600\next 1 140|2: the first extended capability must stand at 100
	fn 00:00.0 1:1 0600\next dsn 1|2: ext dsn takes 2 values
	fn 00:00.0 1:1 0600\nsize 100|2: a size is a multiple of 16
	fn 00:00.0 1:1 0600\ndrop 14|2: a row starts at a multiple of 10
	fn 00:00.0 1:1 0600\nbytes fff 1 2|2: the bytes leave the space
	fn 00:00.0 1:1 0600\ntext \\x0a|2: \x0a cannot stand in a line
	fn 00:00.0 1:1 0600\nenv a b|2: env belongs before the first function; see fact
	END
	finish
}
