#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nvidia.bats - nvidia-bug-report.log in all generations, and what its drawing of the tree tells
#
# The reports are written here after nvidia-bug-report.sh, with the real lspci reading fixtures: each
# section between rules, the command first, as the script prints it.

bats_require_minimum_version 1.5.0
load failures
load same

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

section() {
	printf '____________________________________________\n\n%s\n\n' "$1"
}

# What stands before and behind lspci's sections.
head_of_report() {
	section 'Start of NVIDIA bug report log file.  Please include this file, along'
	printf 'Date: Mon Jan  1 12:00:00 UTC 2024\nuname: Linux h 5.4.0 #1 SMP x86_64 GNU/Linux\n'
	section '*** /proc/interrupts'
	printf '*** ls: -r--r--r-- 1 root root 0 2024-01-01 12:00:00.000000000 +0000 /proc/interrupts\n'
	printf '           CPU0       CPU1\n  0:         44          0  IO-APIC   2-edge  timer\n'
	printf ' 16:          0          0  IO-APIC  16-fasteoi  nvidia\n\n'
	section 'Skipping ldd output (glxinfo not found)'
}

tail_of_report() {
	section 'Skipping lsusb output (lsusb not found)'
	section '*** /proc/driver/nvidia/./gpus/0000:01:00.0/information'
	printf 'Model: 		 NVIDIA GPU\nBus Location: 	 0000:01:00.0\n\n'
	section 'End of NVIDIA bug report log file.'
}

lspci_of() {
	lspci -F "$FIXTURES/$1/input" "${@:2}" 2>/dev/null
}

# Generation $1 of fixture $2.
report() {
	head_of_report
	case $1 in
	old)
		section '/usr/bin/lspci -d "10de:*" -v -xxx'
		lspci_of "$2" -d 10de: -v -xxx
		echo
		section '/usr/bin/lspci -d "10b5:*" -v -xxx'
		lspci_of "$2" -d 10b5: -v -xxx
		echo
		section '/usr/bin/lspci -t'
		lspci_of "$2" -t
		echo
		section '/usr/bin/lspci -nn'
		lspci_of "$2" -nn
		;;
	xxx | xxxx)
		section '/usr/bin/lspci -nntv'
		lspci_of "$2" -nntv
		echo
		section '/usr/bin/lspci -nn'
		lspci_of "$2" -nn
		echo
		section "/usr/bin/lspci -nnDvvv$1"
		lspci_of "$2" -nnDvvv"$1"
		;;
	sysfs)
		section 'PCI devices configuration space dump using sysfs'
		sysfs_of "$2"
		;;
	esac
	tail_of_report
}

# "0000:01:00.0 030200: Vendor 10de Device 2204 (rev a1)" and rows with a blank at their end
sysfs_of() {
	lspci_of "$1" -D -n -xxxx | python3 -c '
import re, sys
for f in re.split(r"\n\n+", sys.stdin.read().strip()):
    head, *rows = f.split("\n")
    b = [x for r in rows if re.match(r"[0-9a-f]+:", r) for x in r.split()[1:]]
    print(f"\n{head.split()[0]} {b[11]}{b[10]}{b[9]}: Vendor {b[1]}{b[0]} Device {b[3]}{b[2]} (rev {b[8]})")
    for i in range(0, len(b), 16):
        print(f"{i:02x}: " + "".join(x + " " for x in b[i:i + 16]))'
}

# What is judged of file $1, without what names places in the file.
judged() {
	"$LNKINSPECT" -n --json -F "$1" 2>err | jq -S '.captures | map({functions: [.functions[] |
		del(.origins, .text_differs)], links, ports, paths, status, lost, limit, damage,
		findings: [.findings[] | select(.id[3:4] != "9")], ids: [.findings[].id]})'
	[[ ! -s err ]] || fail "$1: $(cat err)"
}

fixtures=(lnk001-origin-gpu guest-seed-x3130-switch-ep-8x16 guest-ppc-powernv9-multidomain
	lnk006-idle-gpu guest-sriov-igb-3vf)

@test "the whole machine, -nnDvvvxxx and -nnDvvvxxxx: one capture, judged as the dump alone" {
	local f g
	for f in "${fixtures[@]}"; do
		for g in xxx xxxx; do
			report $g "$f" >log
			lspci_of "$f" -nnDvvv$g >plain
			judged plain >want
			judged log >got
			[[ $(jq length want) == 1 ]] || fail "$f: no base"
			cmp -s want got || fail "$f $g: $(diff want got | head -n 5)"
		done
	done
	finish
}

@test "the sysfs listing of those who have no lspci is read as hex" {
	local f
	for f in "${fixtures[@]}"; do
		report sysfs "$f" >log
		lspci_of "$f" -D -n -xxxx >plain
		judged plain >want
		judged log >got
		[[ $(jq '.[0].functions | length' got) -gt 0 ]] || fail "$f: nothing read"
		cmp -s want got || fail "$f: $(diff want got | head -n 5)"
	done
	grep -qE '^100: ([0-9a-f]{2} ){16}$' log || fail "no rows beyond ff in what was tried"
	finish
}

# The origin case's GPU: its own registers say 8GT/s x16; of the port 00:01.0 only the address and the
# ids are there, so nothing is compared, and what to send is said.
@test "GPUs alone, with the drawing and the list: the way up is known, its links are not" {
	report old lnk001-origin-gpu >log
	"$LNKINSPECT" -n --json -F log >json || [[ $? == 3 ]] || fail "status"
	run jq -r '.captures | length' json
	[[ $output == 1 ]] || fail "$output captures"
	local port gpu
	gpu=$(lspci_of lnk001-origin-gpu -D -n -d 10de: | sed -n '1s/ .*//p')
	port=$("$LNKINSPECT" -n --json -F "$FIXTURES/lnk001-origin-gpu/input" |
		jq -r --arg gpu "$gpu" '.captures[0].functions[] | select(.address == $gpu).parent')
	[[ $gpu == *:*.? && $port == *:*.? ]] || fail "gpu $gpu, port $port"
	jq -e --arg gpu "$gpu" --arg port "$port" '.captures[0] |
		(.functions[] | select(.address == $gpu) | .parent == $port and .reach == "all") and
		(.functions[] | select(.address == $port) | .reach == "text" and .vendor == "1b36" and
			.current_link == null and .max_link == null) and
		([.findings[] | select(.severity == "warning" or .severity == "error")] == []) and
		.lost > 0 and .status == 3' json >/dev/null || fail "$(jq -c '.captures[0].findings' json)"
	jq -e --arg port "$port" '.captures[0].findings[] | select(.id == "LNK903") |
		.message | endswith("send also the output of lspci -vvxxxx -s " + $port)' json >/dev/null ||
		fail "LNK903: $(jq -c '.captures[0].findings[].message' json)"
	finish
}

# For every fixture: lspci -n and -t, no registers, against what the bus numbers of the same dump say.
@test "the drawing tells each function's parent, for every fixture" {
	local f name n=0
	for f in "$FIXTURES"/*/input; do
		name=$(basename "${f%/input}")
		case $name in
		lnk107-loop | topo-bus-loop | topo-bus-ring) continue ;; # buses in a ring are not drawn so
		topo-domains-wide) continue ;; # lspci -F does not read domains of eight digits
		esac
		lspci -F "$f" -D -n -x >plain 2>/dev/null || continue
		# An address that stands twice is drawn twice.
		[[ -z $(lspci -F "$f" -D -n 2>/dev/null | cut -d' ' -f1 | sort | uniq -d) ]] || continue
		{ lspci -F "$f" -D -n && printf '\n$ lspci -t\n\n' && lspci -F "$f" -t; } >drawn 2>/dev/null
		"$LNKINSPECT" -n --json -F plain -F drawn >json 2>err || true
		jq -e '[.captures[] | [.functions[] | [.address, .parent]]] | length == 2 and .[0] == .[1]' \
			json >/dev/null || fail "$name: $(jq -c '[.captures[] | [.functions[] |
			[.address, .parent]]] | .[0] - .[1]' json)"
		n=$((n + 1))
	done
	((n > 200)) || fail "only $n fixtures were tried"
	finish
}

# By hand, as lspci 3.1 to 3.14 draw it.
draw() {
	cat <<-'END'
		-+-[0001:00]---00.0-[01]----00.0  NVIDIA Corporation Device [10de:2330]
		 +-[0000:40]-+-00.0  Host bridge
		 |           +-01.0-[41-44]----00.0-[42-44]--+-00.0-[43]----00.0  NVIDIA Corporation
		 |           |                               \-01.0-[44]--
		 |           \-03.1--
		 \-[0000:00-3f]-+-00.0
		                +-01.0-[02-05]--+-00.0
		                |               \-00.1
		                \-02.0-[06]----00.0
	END
}

# $1: what to draw with, a filter. The pairs child>parent that come of it, for functions that are listed.
parents() {
	{ draw | eval "$1" && printf '\n' && for a in 0001:01:00.0 0000:43:00.0 0000:02:00.1 0000:06:00.0; do
		printf '%s 0302: 10de:2330\n' $a
	done; } >drawn
	"$LNKINSPECT" -n --json -F drawn 2>/dev/null |
		jq -r '[.captures[0].functions[] | select(.parent) | "\(.address)>\(.parent)"] | join(" ")'
}

@test "several roots, domains, ranges, switches, empty buses, names" {
	local want='0000:02:00.1>0000:00:01.0 0000:06:00.0>0000:00:02.0 0000:41:00.0>0000:40:01.0 '
	want+='0000:42:00.0>0000:41:00.0 0000:43:00.0>0000:42:00.0 0001:01:00.0>0001:00:00.0'
	local how
	# In mail; in a block; with the first line of the drawing cut off; DOS lines.
	for how in cat "sed 's/^/> /'" "sed 's/^/    /'" "sed 's/\$/\\r/'" "sed 's/  [NH].*//'"; do
		[[ $(parents "$how") == "$want" ]] || fail "$how: $(parents "$how")"
	done
	# Without its first line a bus with its domain stands for itself; what is above it is lost.
	how="sed 1d"
	[[ $(parents "$how") == "${want% 0001*}" ]] || fail "$how: $(parents "$how")"
	finish
}

@test "what cannot be told from a drawing is not guessed" {
	local how
	# 43:00.0 cannot be placed where the line that leads there is gone, moved or damaged.
	for how in "sed '3s/-\[43\]/-[4z]/'" "sed '3d'" "sed '3s/^ /   /'" "sed '3s/00\.0-\[43/20.0-[43/'" \
		"sed 's/-\[43\].*//'"; do
		[[ $(parents "$how") == *'0000:06:00.0>0000:00:02.0'* ]] || fail "$how: nothing is left"
		[[ $(parents "$how") != *'0000:43:00.0>'* ]] || fail "$how: $(parents "$how")"
	done
	# Two drawings that are not of one machine.
	[[ -z $(parents "cat; draw | sed 's/02.0-\[06\]/02.0-[07]/'") ]] || fail "two machines"
	# Two bridges that lead to one bus: neither.
	[[ $(parents "sed 's/02\.0-\[06\]/02.0-[02]/'") != *'0000:02:00.1>'* ]] || fail "two bridges"
	finish
}

# Its own bus numbers count: the drawing was made at another time.
@test "registers count for more than a drawing" {
	local f=$FIXTURES/lnk001-origin-gpu/input
	lspci -F "$f" -n -xxx >plain 2>/dev/null
	{ cat plain && printf '%s\n' '-[0000:00]-+-00.0' '           +-01.0-[07]----00.0' \
		'           \-1e.0-[01]----00.0'; } >drawn
	judged plain >want
	judged drawn >got
	cmp -s want got || fail "$(diff want got | head)"
	finish
}

# The GPU was gone when the list was made, and its revision read ff; it was back for the dump.
@test "the list and the dump are one capture, though the GPU changed in between" {
	lspci_of lnk006-idle-gpu -nnDvvvxxx >plain
	report xxx lnk006-idle-gpu | sed -E '/^[0-9a-f]{2}:[0-9a-f]{2}\./s/( \(rev [0-9a-f]+\))?$/ (rev ff)/' >log
	grep -qE '^01:00.0 .*\(rev ff\)$' log || fail "nothing was changed"
	judged plain >want
	judged log >got
	cmp -s want got || fail "$(diff want got | head -n 5)"
	finish
}

@test "a drawing of a million buses, and lines that are nothing but bars, end in time" {
	python3 -c '
print("01:00.0 0302: 10de:2330\n\n-[0000:00]-+-00.0")
for i in range(300000): print("           +-%02x.%x-[%02x]----00.0" % (i // 8 % 32, i % 8, i % 255 + 1))
for i in range(20): print("| " * 30000)
for i in range(20): print("           +-01.0" + "-[01]----00.0" * 4000)
for i in range(20): print("           " + "+-" * 20000)' >drawn
	timeout 20 "$LNKINSPECT" -n -q -F drawn >/dev/null 2>&1 || [[ $? == 3 ]] || fail "status $?"
	finish
}
