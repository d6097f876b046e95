#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# words.bats - decoded text alone finds what the bytes find, in the words of each lspci, and what
# words do not tell stays unknown
#
# Formats that the lspci installed here does not write are written by hand, after pciutils' sources
# and what people have posted. "3.0" and its like are where such words were first or last seen.

bats_require_minimum_version 1.5.0
load failures
load same

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The findings and skips about the capture $1 to ./lines: "ID SEVERITY WHERE  MESSAGE".
look() {
	local status=0
	"$LNKINSPECT" -F "$1" -q -v -n >lines 2>err || status=$?
	((status <= 3 && status != 2)) || fail "$1: status $status: $(head -n 1 err)"
}

# $1 capture, the rest: starts of lines that are printed about it; "!LINE" is not.
says() {
	local name=$1 item
	look "$name"
	shift
	for item; do
		if [[ $item == !* ]]; then
			! grep -qF -- "${item#!}" lines || fail "$name: $(grep -F -- "${item#!}" lines)"
		else
			awk -v s="$item" 'index($0, s) == 1 { n = 1 } END { exit !n }' lines ||
				fail "$name: no '$item', but: $(grep "^${item%% *}" lines)"
		fi
	done
}

# ---- Text against bytes ------------------------------------------------------------------------

# Captures of which lspci itself makes something else: what it prints is not what the file holds.
misread='
	lnk009-asleep-told	a function without bytes becomes one of ffff:ffff
	lnk904-list-and-dump	so does each line of the list
	lnk904-two-snapshots	two states of a function become one
	lnk908-asleep		a function without bytes becomes one of ffff:ffff
	port-status-missing	a row that is not there reads as ones
'
# What text cannot hold, or lspci has no words for.
untold='
	LNK001 remedy-odd-links		128GT/s: no word for it, and none is guessed
	LNK102 lnk102-code-8		"unknown" with a width: it may be a younger speed
	LNK102 lnk102-speed-0		the same
	LNK103 lnk103-gap		lspci names the highest speed and believes in the rest
	LNK106 lnk106-cut-short		the list itself is not shown
	LNK106 lnk106-extended-below-100	the same
	LNK106 lnk106-extended-loop	the same
	LNK106 lnk106-loop		the same
	LNK106 lnk106-self		the same
	LNK203 lnk001-origin-gpu	that there is no extended capability: lspci says nothing then
	LNK203 compare-guest-legacy	the same
	LNK203 compare-guest-of-eight	the same
	LNK007 lnk007-target-speed	a target of 0, which means nothing, is called 2.5GT/s, too
	LNK007 lnk404-below-8gt		the same
'
# In place of the last: that the link is slower than both ends allow, and not why.
instead='
	LNK006 lnk007-target-speed
	LNK006 lnk404-below-8gt
'
# Each of these is found by text alone somewhere.
important='LNK001 LNK002 LNK003 LNK004 LNK005 LNK006 LNK007 LNK008 LNK009 LNK101 LNK102 LNK103 LNK104
	LNK105 LNK201 LNK203 LNK204 LNK205 LNK301 LNK302 LNK303 LNK304 LNK305 LNK306 LNK401 LNK402
	LNK403 LNK404'

@test "the text of each fixture finds what its bytes find, and nothing else" {
	local f name files=()
	for f in "$FIXTURES"/*/input; do
		name=$(basename "$(dirname "$f")")
		! grep -q "^.${name}[[:blank:]]" <<<"$misread" || continue
		lspci -F "$f" -D -nn -vv >"$name.lspci" 2>/dev/null || continue
		grep -q 'Capabilities:.* Express ' "$name.lspci" || continue
		cp "$f" "$name.bytes"
		# What the head says of the machine holds for both.
		{ awk '!/^#/ { exit } { print }' "$f" && cat "$name.lspci"; } >"$name.text"
		files+=("$name.bytes" "$name.text")
	done
	((${#files[@]} > 2 * 290)) || fail "${#files[@]} files"
	read_all "${files[@]}"
	untold=$untold instead=$instead important=$important python3 - <<-'PYTHON' || fail "they differ"
		import json, os, sys

		def table(name):
		    return {tuple(l.split()[:2]) for l in os.environ[name].split("\n") if l.split()}

		def findings(capture):
		    return {(x["id"], x["port"], x["device"], x["function"]): x["severity"]
		            for x in capture["findings"] if x["id"][3] != "9"}

		captures = {}
		for c in json.load(open("json"))["captures"]:
		    captures.setdefault(c["source"], []).append(c)
		untold, instead, found, wrong = table("untold"), table("instead"), set(), []
		needless = untold | instead
		for name in sorted(n[:-6] for n in captures if n.endswith(".bytes")):
		    both = [captures.get(name + end, []) for end in (".bytes", ".text")]
		    if [len(c) for c in both] != [1, 1]:
		        wrong.append(f"{name}: {[len(c) for c in both]} captures")
		        continue
		    b, t = (findings(c[0]) for c in both)
		    if any(f["registers"] for f in both[1][0]["functions"]):
		        wrong.append(f"{name}: raw registers from words")
		    for x in b.keys() | t.keys():
		        where = f"{name}: {' '.join(filter(None, x))}"
		        pair = x[0], name
		        if x not in t:
		            if pair not in untold:
		                wrong.append(f"{where}: text does not find it")
		            needless.discard(pair)
		        elif x not in b:
		            if pair not in instead:
		                wrong.append(f"{where}: bytes do not find it")
		            needless.discard(pair)
		        elif b[x] != t[x]:
		            wrong.append(f"{where}: {b[x]} by bytes, {t[x]} by text")
		        else:
		            found.add(x[0])
		wrong += [f"{' '.join(x)}: is listed, and not so" for x in sorted(needless)]
		wrong += [f"{x}: text never finds it" for x in os.environ["important"].split() if x not in found]
		print("\n".join(wrong))
		sys.exit(bool(wrong))
	PYTHON
	finish
}

# ---- The words of each lspci --------------------------------------------------------------------

# A host bridge, a port and what is below it, as lspci $1 writes it. LNKCAP of the port: 8GT/s x16,
# L0s and L1, LLActRep+; the device's: 8GT/s x16, L1. The link is up, 5GT/s x8; the port's target is
# 5GT/s; L0s is on at the port; the payload is 256 at the device, 128 at the port. Both have AER.
# The oldest lspci had no word for 8GT/s; here all have.
dialect() {
	echo "00:00.0 Host bridge [0600]: Intel Corporation Device [8086:3e1f]"
	printf '\tStatus: Cap- 66MHz- UDF- FastB2B- ParErr- DEVSEL=fast >TAbort- <TAbort-\n\n'
	echo "00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:1901]"
	printf '\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0\n'
	printf '\tCapabilities: [a0] Express (v2) Root Port (Slot+), MSI 00\n'
	dialect_regs "$1" port
	printf '\tCapabilities: [1c0 v1] Advanced Error Reporting\n'
	dialect_errors "$1" SDES-
	printf '\tKernel driver in use: pcieport\n\n'
	echo "01:00.0 Ethernet controller [0200]: Intel Corporation Device [8086:1563] (rev 01)"
	printf '\tCapabilities: [a0] Express (v2) Endpoint, MSI 00\n'
	dialect_regs "$1" device
	printf '\tCapabilities: [100 v2] Advanced Error Reporting\n'
	dialect_errors "$1" SDES+
	printf '\tCapabilities: [140 v1] Device Serial Number 00-1b-21-ff-ff-a0-b1-c2\n'
	printf '\tKernel driver in use: ixgbe\n\n'
}

# $1 version, $2 SDES
dialect_errors() {
	local more='' advisory=AdvNonFatalErr
	[[ $1 != 3.0 ]] || advisory=NonFatalErr
	[[ $1 != 3.14 ]] || more=$'\n\t\t\tUncorrIntErr- BlockedTLP- AtomicOpBlocked- TLPBlockedErr-'
	printf '\t\tUESta:\tDLP- %s TLP- FCP- CmpltTO- CmpltAbrt- UnxCmplt- RxOF- MalfTLP- ECRC- %s\n' \
		"$2" "UnsupReq- ACSViol-$more"
	printf '\t\tUEMsk:\tDLP+ SDES+ TLP- FCP- CmpltTO- CmpltAbrt- UnxCmplt- RxOF- MalfTLP- ECRC- %s\n' \
		"UnsupReq- ACSViol-"
	printf '\t\tUESvrt:\tDLP+ SDES+ TLP- FCP+ CmpltTO- CmpltAbrt- UnxCmplt- RxOF+ MalfTLP+\n'
	printf '\t\tCESta:\tRxErr%s BadTLP- BadDLLP+ Rollover- Timeout- %s-\n' - "$advisory"
	printf '\t\tCEMsk:\tRxErr+ BadTLP+ BadDLLP- Rollover+ Timeout+ %s+\n' "$advisory"
}

# $1 version, $2 port or device
dialect_regs() {
	local slot='' payload=256
	[[ $2 != port ]] || slot=yes payload=128
	case $1 in
	3.0 | 3.1)
		printf '\t\tDevCap:\tMaxPayload 512 bytes, PhantFunc 0, Latency L0s <64ns, L1 <1us\n'
		printf '\t\t\tExtTag- RBE+ FLReset-\n'
		printf '\t\tDevCtl:\tReport errors: Correctable- Non-Fatal- Fatal- Unsupported-\n'
		;;
	*)
		printf '\t\tDevCap:\tMaxPayload 512 bytes, PhantFunc 0\n\t\t\tExtTag- RBE+\n'
		printf '\t\tDevCtl:\tCorrErr- NonFatalErr- FatalErr- UnsupReq-\n'
		;;
	esac
	printf '\t\t\tRlxdOrd- ExtTag- PhantFunc- AuxPwr- NoSnoop-\n'
	printf '\t\t\tMaxPayload %d bytes, MaxReadReq 512 bytes\n' "$payload"
	local states="L1, Exit Latency L1 <16us"
	case $1:$slot in
	3.[01]:yes) states="L0s L1, Latency L0 <256ns, L1 <8us" ;;
	3.0:) states="L0s L1, Latency L0 <64ns, L1 <16us" ;; # it has no word for L1 alone
	3.1:) states="L1, Latency L0 <64ns, L1 <16us" ;;
	*:yes) states="L0s L1, Exit Latency L0s <256ns, L1 <8us" ;;
	esac
	printf '\t\tLnkCap:\tPort #2, Speed 8GT/s, Width x16, ASPM %s\n' "$states"
	case $1 in
	3.0) printf '\t\t\tClockPM- Suprise- LLActRep+ BwNot-\n' ;;
	3.1) printf '\t\t\tClockPM- Surprise- LLActRep+ BwNot-\n' ;;
	*) printf '\t\t\tClockPM- Surprise- LLActRep+ BwNot+ ASPMOptComp+\n' ;;
	esac
	local on=Disabled
	[[ ! $slot ]] || on="L0s Enabled"
	case $1 in
	3.0) printf '\t\tLnkCtl:\tASPM %s; RCB 64 bytes Disabled- Retrain- CommClk+\n' "$on" ;;
	3.1 | 3.5) printf '\t\tLnkCtl:\tASPM %s; RCB 64 bytes Disabled- CommClk+\n' "$on" ;;
	3.14) printf '\t\tLnkCtl:\tASPM %s; RCB 64 bytes, LnkDisable- CommClk+\n' "$on" ;;
	*) printf '\t\tLnkCtl:\tASPM %s; RCB 64 bytes, Disabled- CommClk+\n' "$on" ;;
	esac
	printf '\t\t\tExtSynch- ClockPM- AutWidDis- BWInt- AutBWInt-\n'
	[[ $1 != 3.14 ]] || printf '\t\t\tFlitModeDis-\n'
	local clock=+
	[[ ! $slot ]] || clock=-
	case $1:$slot in
	3.[015]:*)
		printf '\t\tLnkSta:\tSpeed 5GT/s, Width x8, TrErr- Train- SlotClk%s DLActive+ %s\n' $clock \
			"BWMgmt- ABWMgmt-"
		;;
	3.6:*)
		printf '\t\tLnkSta:\tSpeed 5GT/s (downgraded), Width x8 (downgraded)\n'
		printf '\t\t\tTrErr- Train- SlotClk%s DLActive+ BWMgmt- ABWMgmt-\n' $clock
		;;
	*:yes)
		printf '\t\tLnkSta:\tSpeed 5GT/s, Width x8\n'
		printf '\t\t\tTrErr- Train- SlotClk- DLActive+ BWMgmt- ABWMgmt-\n'
		;;
	*)
		printf '\t\tLnkSta:\tSpeed 5GT/s (downgraded), Width x8 (downgraded)\n'
		printf '\t\t\tTrErr- Train- SlotClk+ DLActive+ BWMgmt- ABWMgmt-\n'
		;;
	esac
	[[ ! $slot ]] || dialect_slot "$1"
	printf '\t\tDevCap2: Completion Timeout: Range ABC, TimeoutDis+\n'
	[[ $1 == 3.[015] ]] || printf '\t\tLnkCap2: Supported Link Speeds: 2.5-8GT/s, Crosslink- %s\n' \
		"Retimer- 2Retimers- DRS-"
	printf '\t\tLnkCtl2: Target Link Speed: %s, EnterCompliance- SpeedDis-' \
		"$([[ $slot ]] && echo 5GT/s || echo 8GT/s)"
	[[ $1 != 3.0 ]] || printf ', Selectable De-emphasis: -6dB'
	printf '\n\t\t\t Transmit Margin: Normal Operating Range, EnterModifiedCompliance- ComplianceSOS-\n'
	case $1 in
	3.0) printf '\t\tLnkSta2: Current De-emphasis Level: -6dB\n' ;;
	3.[15])
		printf '\t\tLnkSta2: Current De-emphasis Level: -6dB, EqualizationComplete-, %s\n' \
			EqualizationPhase1-
		;;
	*)
		printf '\t\tLnkSta2: Current De-emphasis Level: -6dB, EqualizationComplete- %s\n' \
			EqualizationPhase1-
		printf '\t\t\t EqualizationPhase2- EqualizationPhase3- LinkEqualizationRequest-\n'
		printf '\t\t\t Retimer- 2Retimers- CrosslinkRes: unsupported\n'
		;;
	esac
}

dialect_slot() {
	local surprise=Surprise number='12, PowerLimit 75.000W'
	case $1 in
	3.0) surprise=Surpise number='  c, PowerLimit 75.000000' ;;
	3.14) number='12, PowerLimit 75W' ;;
	esac
	printf '\t\tSltCap:\tAttnBtn- PwrCtrl- MRL- AttnInd- PwrInd- HotPlug+ %s-\n' "$surprise"
	printf '\t\t\tSlot #%s; Interlock- NoCompl+\n' "$number"
	printf '\t\tSltCtl:\tEnable: AttnBtn- PwrFlt- MRL- PresDet- CmdCplt- HPIrq- LinkChg-\n'
	printf '\t\t\tControl: AttnInd Unknown, PwrInd Unknown, Power- Interlock-\n'
	printf '\t\tSltSta:\tStatus: AttnBtn- PowerFlt- MRL- CmdCplt- PresDet+ Interlock-\n'
	printf '\t\t\tChanged: MRL- PresDet- LinkState-\n'
}

@test "the same registers in the words of lspci 3.0 to 3.14" {
	local v link='0000:00:01.0>0000:01:00.0' aspm
	for v in 3.0 3.1 3.5 3.6 3.9 3.14; do
		dialect $v >"$v"
		aspm="LNK304 warning $link  the port has ASPM L0s on, the device does not support it"
		[[ $v != 3.0 ]] || aspm='!LNK304 '
		says "$v" "LNK005 warning $link  runs x8 of x16" \
			"LNK007 warning $link  target speed 5GT/s, both ends allow 8GT/s" "$aspm" \
			"LNK303 notice $link  SlotClk- at the port, SlotClk+ at the device, CommClk+" \
			"LNK305 error $link  the device sends up to 256 bytes, the port takes 128" \
			"LNK401 notice 0000:01:00.0  bad DLLP" "LNK401 notice 0000:00:01.0  bad DLLP" \
			"LNK402 error 0000:01:00.0  surprise link down" '!LNK402 error 0000:00:01.0' \
			'!LNK006' '!LNK301 ' '!LNK302 ' '!LNK903' '!LNK906' 'LNK905 info -'
		if [[ $v == 3.[015] ]]; then
			says "$v" 'LNK103 skipped 0000:01:00.0  needs LNKCAP2'
		else
			says "$v" '!LNK103 '
		fi
	done
	finish
}

@test "the same with the device gone: a card is in the slot, and the link is down" {
	local v
	for v in 3.0 3.1 3.5 3.6 3.9 3.14; do
		dialect $v | sed '/^01:00.0/,$d; s/DLActive+/DLActive-/' >"$v-down"
		says "$v-down" 'LNK009 error 0000:00:01.0  slot 12: a card is present'
		# Without a host bridge it need not be the whole machine: what is below may be left out.
		sed '1,3d' "$v-down" >"$v-alone"
		says "$v-alone" '!LNK009 error' 'LNK009 skipped 0000:00:01.0'
		sed 's/PresDet+/PresDet-/' "$v-down" >"$v-empty"
		says "$v-empty" '!LNK009'
		sed 's/Status: \(.*\)PresDet+/Status: \1PresDet-/; s/Changed: MRL- PresDet-/Changed: MRL- PresDet+/' \
			"$v-down" >"$v-changed"
		says "$v-changed" '!LNK009'
		sed -z 's/\n\t*Changed:/ Changed:/' "$v-changed" >"$v-joined"
		says "$v-joined" '!LNK009'
		sed 's/HotPlug+/HotPlug-/' "$v-down" >"$v-wired"
		says "$v-wired" 'LNK009 notice 0000:00:01.0'
		# A port whose power is off.
		sed 's/PwrCtrl-/PwrCtrl+/; s/Power- Interlock/Power+ Interlock/' "$v-down" >"$v-off"
		says "$v-off" 'LNK009 notice 0000:00:01.0'
	done
	finish
}

@test "a port that says that a device is there, and none is shown: what to send is named" {
	dialect 3.9 | sed '1,3d; /^01:00.0/,$d' >port
	says port 'LNK903 notice -  the device below is not in the capture for 1 port, first 0000:00:01.0: send also the output of lspci -vvxxxx -s 0000:01:'
	finish
}

@test "what the words do not tell is not known" {
	local link='0000:00:01.0>0000:01:00.0'
	dialect 3.9 >base
	# What the first lspci called L1 and none.
	sed 's/ASPM L1, Exit Latency L1 <16us/ASPM unknown, Latency L0 <64ns, L1 <1us/' base >aspm
	says aspm 'LNK304 skipped 0000:01:00.0  needs LNKCAP' '!LNK304 warning' "LNK005 warning $link"
	# A flag that is not there, one in both ways, and one that is part of another word.
	sed 's/ SlotClk.//' base >lost
	says lost 'LNK303 skipped 0000:01:00.0  needs LNKSTA' "LNK005 warning $link"
	sed 's/ SlotClk./ SlotClk- SlotClk+/' base >both
	says both 'LNK303 skipped 0000:01:00.0  needs LNKSTA'
	sed 's/ SlotClk\(.\)/ NoSlotClk\1/' base >other
	says other 'LNK303 skipped 0000:01:00.0  needs LNKSTA'
	# A speed that this lspci did not know yet; a vector that has such speeds.
	sed 's/LnkSta:.*Speed 5GT.s/LnkSta:\tSpeed unknown/' base >speed
	says speed '!LNK005 warning' 'LNK005 skipped 0000:01:00.0  needs LNKSTA'
	sed 's/2.5-8GT.s/RsvdP/' base >vector
	says vector 'LNK103 skipped 0000:01:00.0  needs LNKCAP2' '!LNK103 warning'
	# 0 and 1 are both called 2.5GT/s: one means nothing, the other holds the link down.
	sed 's/Target Link Speed: 5/Target Link Speed: 2.5/; s/Speed 5GT/Speed 2.5GT/' base >target
	says target 'LNK007 skipped 0000:01:00.0  needs LNKCTL2' '!LNK007 warning' "LNK006 warning $link"
	grep -v LnkCap2: target | grep -v CrosslinkRes >void
	says void 'LNK007 skipped 0000:01:00.0  needs LNKCTL2' '!LNK007 warning' "LNK006 warning $link"
	# A size that is reserved is all ones, or prose.
	sed 's/MaxPayload 256/MaxPayload 16384/' base >size
	says size 'LNK305 skipped 0000:01:00.0  needs DEVCTL'
	finish
}

@test "64GT/s, as the youngest write it, and as those before did" {
	dialect 3.14 | sed '/LnkCap:/s/8GT/64GT/; s/2.5-8GT/2.5-64GT/' >young
	says young '!LNK103' 'LNK007 warning 0000:00:01.0>0000:01:00.0  target speed 5GT/s, both ends allow 64GT/s'
	sed 's/2.5-64GT.s/RsvdP/' young >old
	says old 'LNK103 skipped 0000:01:00.0  needs LNKCAP2' '!LNK103 warning'
	sed 's/2.5-64GT/2.5-32GT/' young >less
	says less 'LNK103 warning 0000:01:00.0  LNKCAP says 64GT/s'
	finish
}

@test "LnkCap2 that is left out is 0, where that lspci would have written it" {
	dialect 3.9 | grep -v LnkCap2: >zero
	says zero 'LNK103 warning 0000:01:00.0  LNKCAP says 8GT/s, LNKCAP2 names no speed'
	grep -v CrosslinkRes zero >old
	says old 'LNK103 skipped 0000:01:00.0' '!LNK103 warning'
	sed 's/^\t\tDevCap2:.*/\t\t[...]/' zero >snipped
	says snipped 'LNK103 skipped 0000:01:00.0' '!LNK103 warning'
	# An endpoint that is not function 0 shows neither LnkCap2 nor LnkCtl2.
	dialect 3.9 | grep -v -e LnkCap2: -e LnkCtl2: >neither
	says neither 'LNK103 skipped 0000:01:00.0' '!LNK103 warning'
	finish
}

@test "which extended capabilities there are is known where the list was seen to its end" {
	dialect 3.9 | sed '/Advanced Error/,/CEMsk/d' >none
	says none '!LNK402 skipped 0000:01:00.0' 'LNK402 skipped 0000:00:01.0'
	# Cut off before its end.
	sed '/^01:00.0/,$ { /Kernel driver/d; /^$/d }' none >cut-off
	says cut-off 'LNK402 skipped 0000:01:00.0'
	# As lspci -v has it: that it is there, without its bits.
	dialect 3.9 | grep -v -e UESta -e CESta >short
	says short 'LNK402 skipped 0000:01:00.0' 'LNK401 skipped 0000:01:00.0'
	finish
}

@test "lanes that saw errors, and none: the last words of a function" {
	local words more
	for words in '0' 'LaneErr at lane: 0 1 15' 'LaneErr at lane: 31'; do
		more="\tCapabilities: [2a0 v1] Secondary PCI Express\n"
		more+="\t\tLnkCtl3: LnkEquIntrruptEn- PerformEqu-\n\t\tLaneErrStat: $words"
		dialect 3.9 | sed "s/^\t*Capabilities: .140 v1. Device.*/&\n$more/" >lanes
		case $words in
		0) says lanes '!LNK403 notice' '!LNK403 skipped 0000:01:00.0' ;;
		*15) says lanes 'LNK403 notice 0000:01:00.0  lanes 00008003' ;;
		*) says lanes 'LNK403 notice 0000:01:00.0  lanes 80000000' ;;
		esac
	done
	sed 's/lane: 31/lane: 32/' lanes >beyond
	says beyond 'LNK403 skipped 0000:01:00.0'
	finish
}

@test "registers that are folded at blanks, and tabs that became blanks" {
	local f
	dialect 3.6 >base
	look base
	cp lines want
	fold -s -w 78 base >mail
	sed 's/\t/        /g' base | fold -s -w 72 >page
	sed 's/^\t*//' base >flat
	sed 's/^/> /; s/\t/    /g' base >quoted
	for f in mail page flat quoted; do
		look $f
		diff want lines >differ || fail "$f: $(cat differ)"
	done
	finish
}

@test "registers that are folded anywhere: what a break cut in two is not taken for a number" {
	local width
	dialect 3.9 | sed 's/ (ok)//g' >base
	look base
	cp lines want
	for width in {30..130}; do
		expand base | fold -w "$width" >folded
		"$LNKINSPECT" -F folded --json -n 2>err >json || (($? < 4)) || fail "$width: $(cat err)"
		jq -r '.captures[].functions[] | .max_link, .current_link | select(.) |
			"\(.speed) x\(.width)"' json
	done | sort -u >links
	"$LNKINSPECT" -F base --json -n 2>/dev/null | jq -r '.captures[].functions[] |
		.max_link, .current_link | select(.) | "\(.speed) x\(.width)"' | sort -u >true-links
	grep -q 'x1[0-9]' true-links || fail "no number of two digits: $(cat true-links)"
	[[ -z $(comm -23 links true-links) ]] || fail "made up: $(comm -23 links true-links | tr '\n' ';')"
	# A number that somebody wrote beside it is nobody's.
	sed 's/\(LnkSta:.*Width x[0-9]*\)/\1   2 lanes only/' base >noted
	says noted 'LNK005 skipped 0000:01:00.0  needs LNKSTA'
	finish
}

@test "who may not read capabilities says so: LNK901" {
	printf '%s\n' '00:01.0 PCI bridge [0604]: Intel Corporation Device [8086:1901]' \
		$'\tBus: primary=00, secondary=01, subordinate=01, sec-latency=0' \
		$'\tCapabilities: <access denied>' $'\tKernel driver in use: pcieport' '' \
		'01:00.0 3D controller [0302]: NVIDIA Corporation Device [10de:1db6] (rev a1)' \
		$'\tCapabilities: <access denied>' $'\tKernel driver in use: nvidia' '' >denied
	says denied 'LNK901 warning -  2 of 2 functions show their first 64 bytes only'
	# Where a second listing has what the first lacked, nothing is missing.
	dialect 3.9 >base
	{ cat base && sed 's/10de:1db6/8086:1563/; s/3D controller .0302./Ethernet controller [0200]/' denied; } \
		>twice
	says twice '!LNK901' 'LNK005 warning'
	finish
}

@test "all ones in words: nobody answers" {
	dialect 3.9 | sed '/^01:00.0/q' | sed 's/(rev 01)/(rev ff) (prog-if ff)/' >gone
	printf '\t!!! Unknown header type 7f\n\tKernel driver in use: ixgbe\n\n' >>gone
	says gone 'LNK105 warning 0000:01:00.0  reads ff everywhere while its port says' '!LNK207'
	sed 's/DLActive+/DLActive-/' gone >down
	says down 'LNK105 notice 0000:01:00.0  reads ff everywhere: asleep' '!LNK207'
	finish
}

# ---- Text beside bytes -----------------------------------------------------------------------------

@test "bytes win; what contradicts them is named, and what they lack is added" {
	local f=$FIXTURES/lnk304-aspm-port/input
	lspci -F "$f" -D -nn -vv -xxxx >mixed 2>/dev/null
	says mixed '!LNK906' 'LNK304 warning'
	# Somebody switched it off, and took the bytes before.
	sed 's/ASPM L0s Enabled/ASPM Disabled/; s/ASPM L1 Enabled/ASPM Disabled/' mixed >off
	! cmp -s mixed off || fail "nothing is switched off"
	says off 'LNK304 warning' 'LNK906 notice'
	grep -q '^LNK906 notice [^ ]*  LNKCTL$' lines || fail "$(grep LNK906 lines)"
	# Words that this lspci lacks or words otherwise contradict nothing.
	sed 's/ ASPMOptComp.//; s/ EqualizationComplete.*//; /LnkCap2:/d; s/Disabled\([+-]\)/LnkDisable\1/' \
		mixed >younger
	says younger '!LNK906' 'LNK304 warning'
	# The first 256 bytes hold no errors; words do.
	f=$FIXTURES/lnk402-uncorrectable/input
	lspci -F "$f" -D -nn -xxx >early 2>/dev/null
	says early '!LNK402 error' 'LNK402 skipped'
	lspci -F "$f" -D -nn -vv -xxx >both 2>/dev/null
	says both 'LNK402 error' '!LNK906'
	finish
}

@test "two texts of one function in two states are two snapshots" {
	dialect 3.9 >before
	sed 's/ASPM L0s Enabled/ASPM Disabled/' before >after
	cat before after >states
	says states 'LNK904 notice -  2 snapshots'
	# The same state in the words of two lspci is one moment.
	{ cat before && dialect 3.6; } >same
	says same '!LNK904'
	finish
}
