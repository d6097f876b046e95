#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# live.bats - live access: copies of sysfs and procfs trees, hostile ones among them, and machines that
# umockdev makes up
#
# The machines are captures and specs, turned into trees and descriptions by machine.py. Where tests run
# in a guest every port is virtual, except in domains from 10000 on (Intel VMD).

bats_require_minimum_version 1.5.0
load failures
load machine

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	export PUBLIC
	# What others must be able to read: bats' own folders are for one user only.
	PUBLIC=$(mktemp -d)
	chmod 755 "$PUBLIC"
	cp "$LNKINSPECT" "$PUBLIC/lnkinspect"
}

teardown_file() {
	rm -rf "$PUBLIC"
}

setup() {
	export LC_ALL=C
	unset COLUMNS NO_COLOR TERM
	cd "$BATS_TEST_TMPDIR" || return 1
}

# As a user who is nobody in particular.
as_nobody() {
	if ((EUID)); then
		"$@"
	else
		runuser -u nobody -- "$@"
	fi
}

# ---- A copy of sysfs ---------------------------------------------------------------------------

@test "a tree of config files gives the JSON of the dump, for every real capture" {
	local f name names=()
	for f in "$FIXTURES"/qtest-*/input "$FIXTURES"/guest-*/input; do
		name=$(basename "${f%/input}")
		names+=("$name")
		# As bytes only: titles and text tell more than a tree does.
		lspci -F "$f" -D -n -xxxx >"$name" 2>/dev/null
	done
	((${#names[@]} > 30)) || fail "${#names[@]} captures"
	machine trees trees "${names[@]}"
	for name in "${names[@]}"; do
		"$LNKINSPECT" --json -n -F "$name" | sed 's/^{"source":"[^"]*"/{"source":""/' >of-dump
		"$LNKINSPECT" --json -n -O sysfs.path="trees/$name" |
			sed 's/^{"source":"trees[^"]*"/{"source":""/' >of-tree
		cmp of-dump of-tree || fail "$name: $(diff <(jq -S . of-dump) <(jq -S . of-tree) | head -n 5)"
		grep -q '^{"source":"",' of-tree || fail "$name: source"
	done
	finish
}

@test "a tree like the kernel's, with directories elsewhere and links to them" {
	local at
	machine tree flat "$(fixture topo-switch)"
	mkdir -p sys/bus/pci/devices sys/devices/pci0000:00
	for at in flat/devices/*; do
		mv "$at" sys/devices/pci0000:00/
		ln -s "../../../devices/pci0000:00/${at##*/}" sys/bus/pci/devices/
	done
	exits 0 -q -n -F "$(fixture topo-switch)"
	mv out want
	exits 0 -q -n -O sysfs.path=sys/bus/pci
	cmp want out || fail "other findings"
	exits 0 --json -O sysfs.path=sys/bus/pci
	holds tree '.captures[0] | (.links | length == 3) and all(.functions[]; .reach == "all")'
	# The links alone were copied: that is said, and is not "nothing there".
	mv sys/devices gone
	exits 2 -O sysfs.path=sys/bus/pci
	grep -q 'symbolic links' err || fail "$(cat err)"
	finish
}

@test "64-byte configs and link attributes: judged by those, with LNK901 said once" {
	machine tree origin "$(fixture origin)" bytes=64 links
	exits 1 -q -n -O sysfs.path=origin
	[[ $(found) == "LNK001=error@0000:00:01.0>0000:01:00.0 LNK901=warning@-" ]] || fail "$(found)"
	exits 1 -O sysfs.path=origin
	(($(grep -c LNK901 out) == 1 && $(grep -c 'Run it as root' out) == 1)) ||
		fail "not said once: $(cat out)"
	exits 1 --json -O sysfs.path=origin
	holds "evidence" '.captures[0].findings[] | select(.id == "LNK001") | .evidence |
		length == 2 and all(.[]; .origin == "sysfs" and .value == null) and
		(map([.address, .link.speed, .link.width]) ==
			[["0000:00:01.0", "2.5GT/s", 1], ["0000:01:00.0", "8GT/s", 16]])'
	holds "origins" '.captures[0].functions[] | select(.address == "0000:01:00.0") |
		.reach == "header" and .origins.LNKCAP == "sysfs" and .origins.LNKSTA == "sysfs" and
		(.registers | has("LNKCAP") | not)'
	exits 1 -O sysfs.path=origin
	grep -q 'read: .*link_speed.*0000:00:01.0 2.5GT/s x1 (sysfs)' out || fail "evidence: $(cat out)"
	# Both ends agree: nothing but LNK901, and nothing was lost.
	machine tree fine "$(fixture qtest-gen3x16-ep-modern-rp)" bytes=64 links
	exits 0 -q -n -O sysfs.path=fine
	[[ $(found) == "LNK901=warning@-" ]] || fail "fine: $(found)"
	# Without the attributes nothing can be told.
	machine tree blind "$(fixture qtest-gen3x16-ep-modern-rp)" bytes=64
	exits 3 -q -n -O sysfs.path=blind
	[[ $(found) == "LNK901=warning@-" ]] || fail "blind: $(found)"
	# Registers win where there are any: attributes that say otherwise are not looked at.
	machine tree both "$(fixture qtest-gen3x16-ep-modern-rp)" links 0000:00:01.0/max_link_width=1 \
		'0000:00:01.0/max_link_speed=2.5 GT/s PCIe'
	exits 0 -q -n -O sysfs.path=both
	[[ -z $(found) ]] || fail "both: $(found)"
	finish
}

@test "link attributes in the words of every kernel" {
	local speed
	machine tree t "$(fixture origin)" bytes=64 links
	for speed in '2.5 GT/s PCIe' '2.5 GT/s' '2.5GT/s'; do
		echo "$speed" >t/devices/0000:00:01.0/max_link_speed
		for f in '8.0 GT/s PCIe' '8 GT/s' '8.0 GT/s'; do
			echo "$f" >t/devices/0000:01:00.0/current_link_speed
			exits 1 -q -n -O sysfs.path=t
			[[ $(found) == LNK001=error@* ]] || fail "$speed, $f: $(found)"
		done
	done
	# What is not a value is not known: nothing is found, and the comparison is lost.
	for f in Unknown 'Unknown speed' '' '-8.0 GT/s PCIe' '9.0 GT/s PCIe' '80 GT/s' 'x 8.0 GT/s' \
		"$(head -c 70 /dev/zero | tr '\0' 8) GT/s PCIe"; do
		printf '%s\n' "$f" >t/devices/0000:01:00.0/current_link_speed
		exits 3 -q -n -O sysfs.path=t
		[[ $(found) == LNK901=warning@- ]] || fail "speed '$f': $(found)"
	done
	echo '8.0 GT/s PCIe' >t/devices/0000:01:00.0/current_link_speed
	for f in 0 63 255 256 '' x16 16x -16 3 99999999999999999999 ' 16'; do
		printf '%s\n' "$f" >t/devices/0000:01:00.0/current_link_width
		exits 3 -q -n -O sysfs.path=t
		[[ $(found) == LNK901=warning@- ]] || fail "width '$f': $(found)"
	done
	finish
}

@test "a switch by attributes alone: types, links and lost lanes" {
	machine tree full "$(fixture topo-switch)"
	machine tree t "$(fixture topo-switch)" bytes=64 links
	exits 0 --json -n -O sysfs.path=full
	jq -c '.captures[0].links | map([.port.address, .device.address, .port.max_link.width])' out >want
	exits 0 --json -n -O sysfs.path=t
	jq -c '.captures[0].links | map([.port.address, .device.address, .port.max_link.width])' out |
		diff want - || fail "links"
	holds types '[.captures[0].functions[] | select(.type and .type != "none") |
		[.address, .type, .type_inferred]] == [
		["0000:00:01.0", "root-port", true], ["0000:01:00.0", "upstream", true],
		["0000:01:00.1", "endpoint", true], ["0000:02:08.0", "downstream", true],
		["0000:02:10.0", "downstream", true], ["0000:03:00.0", "endpoint", true],
		["0000:04:00.0", "endpoint", true]]'
	# Half of the lanes of the switch's first device are gone, as both ends say.
	for at in 02:08.0 03:00.0; do
		echo 8 >t/devices/0000:$at/current_link_width
	done
	[[ $(cat t/devices/0000:0[23]:0[08].0/max_link_width | xargs) == "16 16" ]] || fail "another fixture"
	# Whether there is a slot, which cards are pushed into, attributes do not say: a notice.
	exits 0 -q -n -O sysfs.path=t
	[[ $(found) == *"LNK005=notice@0000:02:08.0>0000:03:00.0"* ]] || fail "$(found)"
	# The kernel's figure by attributes is that by registers.
	exits 0 --json -n -O sysfs.path=t
	holds path '[.captures[0].paths[] | select(.device == "0000:03:00.0") | .limited_by.address] ==
		["0000:02:08.0"]'
	finish
}

@test "integrated endpoints by attributes: Unknown and 255 are no link" {
	machine tree t "$(fixture guest-rciep-root-bus)" bytes=64 links ids
	[[ $(cat t/devices/*/max_link_width | sort -u | xargs) == *255* ]] || fail "another fixture"
	exits 0 --json -n -O sysfs.path=t
	holds links '.captures[0] | .links == [] and .lost == 0 and
		([.functions[] | select(.type == "integrated-endpoint") | .max_link, .current_link] |
			length == 12 and all(. == null)) and
		all(.findings[]; .severity == "notice" or .severity == "info" or .id == "LNK901")'
	finish
}

@test "a virtual function is known by physfn, its ids by sysfs" {
	local vf
	vf=('0000:01:10.0/physfn=0000:01:00.0' '0000:01:10.0/vendor=0x8086' '0000:01:10.0/device=0x10ca'
		'0000:01:10.0/class=0x020000')
	lspci -F "$(fixture qtest-igb-sriov-vfs)" -D -n -xxxx >dump 2>/dev/null
	grep -q '^00: ff ff ff ff' dump || fail "another fixture"
	machine tree t dump "${vf[@]}"
	exits 0 --json -n -O sysfs.path=t
	holds VF '.captures[0].functions[] | select(.address == "0000:01:10.0") | .vendor == "8086" and
		.device == "10ca" and .class == "020000" and .kind == "VF" and
		(.quirks | index("vf")) != null'
	exits 0 -q -n -O sysfs.path=t
	[[ $(found) == *LNK207=info@0000:01:10.0* && $(found) != *LNK105* ]] || fail "$(found)"
	# As whoever is not root copies it.
	machine tree t64 dump bytes=64 links "${vf[@]}"
	exits 0 -q -n -O sysfs.path=t64
	[[ $(found) == *LNK207=info@0000:01:10.0* && $(found) != *LNK105* ]] || fail "64 bytes: $(found)"
	# The same bytes without physfn are of a device that is gone.
	machine tree gone "$(fixture guest-live-degrade-and-falloff-3-fallen-off)"
	exits 1 -q -n -O sysfs.path=gone
	[[ $(found) == *LNK105=warning@0000:01:00.0* ]] || fail "gone: $(found)"
	ln -s ../0000:00:03.0 gone/devices/0000:01:00.0/physfn
	exits 0 -q -n -O sysfs.path=gone
	[[ $(found) == *LNK207=info@0000:01:00.0* ]] || fail "gone, with physfn: $(found)"
	finish
}

@test "what slept while it was copied: the copy tells, and nothing is lost that is there" {
	# Its bytes are there, so whoever made the copy has woken it.
	machine tree awake "$(fixture origin)" 0000:01:00.0/power/runtime_status=suspended \
		0000:01:00.0/power_state=D3hot
	exits 1 -q -n -O sysfs.path=awake
	[[ $(found) == *LNK001=error@* && $(found) != *LNK908* ]] || fail "awake: $(found)"
	exits 1 --json -O sysfs.path=awake
	holds awake '.captures[0].functions[] | select(.address == "0000:01:00.0") |
		.reach == "all" and .power_state == "D3hot"'
	# All ones, and the kernel said that it had no power: no alarm, and no verdict.
	machine tree asleep "$(fixture guest-live-degrade-and-falloff-3-fallen-off)" \
		0000:01:00.0/power_state=D3cold 0000:01:00.0/vendor=0x8086 0000:01:00.0/device=0x0d93
	exits 3 -q -n -O sysfs.path=asleep
	[[ $(found) != *warning* && $(found) != *error* && $(found) == *@0000:01:00.0* ]] ||
		fail "asleep: $(found)"
	# There is no config of it at all.
	rm asleep/devices/0000:01:00.0/config
	exits 3 -q -n -O sysfs.path=asleep
	[[ $(found) != *LNK105* && $(found) != *error* ]] || fail "no config: $(found)"
	finish
}

@test "the driver of a copy is what the copy's link says" {
	machine tree t "$(fixture origin)" 0000:01:00.0/driver=vfio-pci
	exits 1 --json -O sysfs.path=t
	holds driver '[.captures[0].functions[] | select(.driver) | [.address, .driver]] ==
		[["0000:01:00.0", "vfio-pci"]]'
	finish
}

@test "nothing of the machine enters: no kernel, no firmware, no driver, no processor" {
	# Whatever this machine has, the made-up one has at the same addresses; and it shouts.
	machine mock shouting "$(fixture origin)" 'dmi/sys_vendor=QEMU' 'dmi/product_name=CANARY' \
		0000:00:00.0/driver=CANARY 0000:00:01.0/driver=CANARY 0000:01:00.0/driver=CANARY \
		0000:01:00.0/power_state=D3cold links ids
	mocked 3 shouting --json
	(($(grep -c CANARY out) >= 4)) || fail "the canary does not sing: $(cat out)"
	local tree
	cp "$(fixture lnk005-lanes-lost)" lanes
	machine tree t lanes
	exits 1 --json -O sysfs.path=t
	mv out want
	# $1: words that must not be in ./out, $2: where it came from
	holds_not() {
		! grep -q -F -e "$1" out || fail "$2: $1"
	}
	for tree in '-O sysfs.path=t' '-A linux-sysfs -O sysfs.path=t'; do
		# shellcheck disable=SC2086 # words are meant
		mocked 1 shouting --json $tree
		cmp want out || fail "$tree: the machine enters"
		holds_not CANARY "$tree"
		holds_not "$(uname -r)" "$tree"
		holds "$tree" '.captures[0].environment | [.guest, .hypervisor, .accel, .sign, .machine,
			.kernel, .tool, .time] | unique == [null]'
		holds "$tree" 'all(.captures[0].functions[]; .driver == null and .power_state == null)'
	done
	machine proc p lanes
	mocked 1 shouting --json -A linux-proc -O proc.path=p
	holds_not CANARY proc
	holds proc '.captures[0].environment | [.guest, .machine, .kernel] | unique == [null]'
	mocked 1 shouting --json -F lanes
	holds_not CANARY dump
	finish
}

# ---- A copy of procfs, a dump, other methods ------------------------------------------------------

@test "a copy of procfs gives what the dump gives" {
	local f
	for f in origin guest-ppc-powernv9-multidomain topo-switch topo-domains; do
		lspci -F "$(fixture $f)" -D -n -xxxx >dump 2>/dev/null
		# procfs has no domains but the first in its list.
		awk 'BEGIN { RS = ""; ORS = "\n\n" } /^0000:/' dump >first
		machine proc "proc-$f" first
		"$LNKINSPECT" --json -n -F first >of-dump || true
		"$LNKINSPECT" --json -n -A linux-proc -O proc.path="proc-$f" >of-proc || true
		cmp <(sed 's/^{"source":"[^"]*"/{/' of-dump) <(sed 's/^{"source":"[^"]*"/{/' of-proc) ||
			fail "$f: $(diff <(jq -S . of-dump) <(jq -S . of-proc) | head -n 5)"
		# The path alone chooses the method, and lspci reads the same there.
		"$LNKINSPECT" --json -n -O proc.path="proc-$f" | cmp - of-proc || fail "$f: without -A"
		"$LNKINSPECT" -n -O proc.path="proc-$f" --capture=capture || fail "$f: --capture"
		diff <(lspci -A linux-proc -O proc.path="proc-$f" -D -n -xxxx) \
			<(lspci -F capture -D -n -xxxx) || fail "$f: lspci reads otherwise"
	done
	# Two domains that look like one: said, not mixed up.
	machine proc two "$(fixture origin)"
	cat two/devices two/devices >twice && mv twice two/devices
	"$LNKINSPECT" --json -n -O proc.path=two >out || true
	holds two '.captures[0] | (.functions | length == 6) and (.limit | test("6 functions"))'
	finish
}

@test "-A dump reads a file as -F does" {
	local f
	for f in origin lnk902-bad-rows lnk904-two-snapshots; do
		cp "$(fixture $f)" "$f"
		"$LNKINSPECT" --json -F "$f" >want 2>want.err || true
		"$LNKINSPECT" --json -A dump -O dump.name="$f" >out 2>err || true
		cmp want out || fail "$f"
		"$LNKINSPECT" --json -O dump.name="$f" >out 2>err || true
		cmp want out || fail "$f: without -A"
	done
	exits 2 -A dump
	grep -q 'dump.name' err || fail "$(cat err)"
	exits 2 -A dump -O dump.name=missing
	grep -q 'missing' err || fail "$(cat err)"
	finish
}

# ---- Hostile trees -------------------------------------------------------------------------------

# The tree of the origin case in ./t; victims join it.
hostile_tree() {
	machine tree t "$(fixture origin)"
	n=0
}

# Sets $at to the address of a victim that was not there before, $victim to its directory.
add_victim() {
	n=$((n + 1))
	printf -v at '0000:%02x:%02x.0' $((n / 32 + 64)) $((n % 32))
	victim=t/devices/$at
	mkdir "$victim"
}

# Reads the tree: the program must end, print nothing raw, and still find what is wrong with the others.
survives() {
	exits 1 --json -n -O sysfs.path=t
	[[ ! -s err ]] || fail "$(head -c 300 err)"
	! grep -q $'[\x01-\x08\x0b-\x1f\x7f]' out || fail "raw bytes"
	holds "LNK001 is gone" 'any(.captures[0].findings[]; .id == "LNK001" and .device == "0000:01:00.0")'
}

# What is wrong with the functions $@ is said, and no others are complained of.
says_damage_of() {
	diff <(printf '%s\n' "$@" | sort) \
		<(jq -r '.captures[0].damage.lines[].what' out |
			grep -o '^[a-z/]*0000:[0-9a-f]*:[0-9a-f]*\.0' | sed 's/^devices.//' | sort) ||
		fail "damage: $(jq -c '.captures[0].damage.lines' out)"
	holds "no LNK902" 'any(.captures[0].findings[]; .id == "LNK902")'
}

@test "a tree's config can be anything but a file" {
	local what all=() n at victim
	hostile_tree
	mkfifo fifo
	for what in 'mkfifo X' 'mkdir X' 'ln -s X X' 'ln -s /dev/zero X' 'ln -s /dev/full X' \
		'ln -s /dev/tty X' 'ln -s /nonexistent X' 'ln -s . X' 'true' 'ln -s ../../../fifo X' \
		'ln -s /dev/null X' 'ln -s /dev/random X'; do
		add_victim
		all+=("$at")
		(cd "$victim" && ${what//X/config})
	done
	# The directory itself.
	for what in 'touch X' 'mkfifo X' 'ln -s X X' 'ln -s /nonexistent X' 'ln -s . X' 'ln -s /dev/null X'; do
		add_victim
		all+=("$at")
		rmdir "$victim"
		(cd t/devices && ${what//X/$at})
	done
	survives
	says_damage_of "${all[@]}"
	holds "there are others" '.captures[0].functions | length == 6'
	finish
}

@test "a tree's config can end anywhere" {
	local size all=() n at victim
	hostile_tree
	for size in 0 1 2 3 4 12 14 15 48 63 64 65 100 127 128 129 255 256 257 4095 4096 5000; do
		add_victim
		head -c 5000 /dev/urandom >"$victim/config"
		# Identity and layout that lead nowhere: no bridge, no list.
		printf '\x86\x80\x30\x29\x00\x00\x00\x00\x02\x00\x05\x0c\x00\x00\x00\x00' |
			dd of="$victim/config" conv=notrunc status=none
		truncate -s "$size" "$victim/config"
		case $size in
		64 | 128 | 256 | 4096 | 5000) ;;
		*) all+=("$at") ;;
		esac
	done
	survives
	says_damage_of "${all[@]}"
	cp out json
	# What is known of each is what was there, to the byte.
	exits 0 -n -O sysfs.path=t --capture=capture
	python3 - <<-'PYTHON' || fail "other bytes than there are"
		import json, os, re, sys
		known, wrong = {}, []
		for line in open("capture"):
		    if m := re.match(r"(\S+:\S+:\S+\.\d) ", line):
		        fn = known.setdefault(m[1], {})
		    elif m := re.match(r"(?:# part of row )?([0-9a-f]{2,3}): (.*)", line):
		        for i, byte in enumerate(m[2].split()):
		            if byte != "--":
		                fn[int(m[1], 16) + i] = int(byte, 16)
		fns = {f["address"]: f for f in json.load(open("json"))["captures"][0]["functions"]}
		tried = 0
		for at in os.listdir("t/devices"):
		    if not at.startswith("0000:4"):
		        continue
		    tried += 1
		    bytes_ = open(f"t/devices/{at}/config", "rb").read()[:4096]
		    if known.get(at, {}) != dict(enumerate(bytes_)):
		        wrong.append(f"{at}, {len(bytes_)} bytes: {len(known.get(at, {}))} known")
		    have = fns[at]["registers"] if at in fns else {}
		    for name, end in ("ID", 4), ("CLASS", 12), ("HEADER", 15), ("SUBSYS", 48):
		        if (name in have) != (len(bytes_) >= end):
		            wrong.append(f"{at}, {len(bytes_)} bytes: {name}")
		print("\n".join(wrong))
		sys.exit(bool(wrong) or tried != 22)
	PYTHON
	finish
}

@test "a tree's attributes can be anything" {
	local name what n at victim
	hostile_tree
	echo 0x1234 >elsewhere
	for name in vendor device class revision secondary_bus_number max_link_speed max_link_width \
		current_link_speed current_link_width power_state power/runtime_status physfn driver; do
		for what in mkfifo mkdir 'ln -s /dev/zero' 'ln -s /dev/tty' self huge evil nul empty away; do
			add_victim
			# So that attributes are looked at.
			head -c 64 t/devices/0000:01:00.0/config >"$victim/config"
			[[ $name != [vdcr]* ]] || printf '\xff\xff\xff\xff' |
				dd of="$victim/config" conv=notrunc status=none
			[[ $name != power/* ]] || mkdir "$victim/power"
			case $what in
			self) ln -s "${name##*/}" "$victim/$name" ;;
			huge) yes 0x8086 | head -c 300000 >"$victim/$name" ;;
			evil) printf '\e[31m\x9b\a0x8086\n' >"$victim/$name" ;;
			nul) printf '0x\0008086\n' >"$victim/$name" ;;
			empty) : >"$victim/$name" ;;
			away) ln -s "$PWD/elsewhere" "$victim/$name" ;;
			*) $what "$victim/$name" ;;
			esac
		done
	done
	# A link's text is as long as it likes, and as evil.
	add_victim
	head -c 64 t/devices/0000:01:00.0/config >"$victim/config"
	ln -s "../$(head -c 3000 /dev/zero | tr '\0' x)" "$victim/driver"
	add_victim
	head -c 64 t/devices/0000:01:00.0/config >"$victim/config"
	ln -s $'../\e[31mdriver\x9b\n' "$victim/driver"
	((n == 132)) || fail "$n victims"
	survives
	holds "not all are there" '.captures[0].functions | length == 6 + 132'
	# None for a value.
	holds "values" '[.captures[0].functions[] | select(.address[:6] == "0000:4") |
		.vendor, .device, .power_state, .max_link, .current_link] | unique | map(select(. != null)) ==
		["0d93", "8086", "ffff"]'
	jq -e --arg at "$at" '.captures[0].functions[] | select(.address == $at).driver ==
		"\\x1b[31mdriver\\x9b\\x0a"' out >/dev/null || fail "an evil link"
	finish
}

@test "a tree's names can be anything" {
	local name n=0 names at victim
	hostile_tree
	names=(zz '0000:02:00' '0000:02:00.8' '0000:02:20.0' '0000:100:00.0' '0000:02:00.00' '0000:2:00.0'
		'000:02:00.0' '00000:02:00.0' '0000:02:00.0 ' $'0000:02:00.0\n' $'\e[31m\x9b'
		'123456789:02:00.0' '0000:02:00.0x' ABCD:02:00.0 "$(head -c 250 /dev/zero | tr '\0' x)")
	for name in "${names[@]}"; do
		add_victim
		cp t/devices/0000:00:1f.3/config "$victim"
		mv "$victim" "t/devices/$name"
	done
	# The last address that there is; and nothing that begins with a dot is a device.
	for name in ffffffff:ff:1f.7 .hidden; do
		add_victim
		cp t/devices/0000:00:1f.3/config "$victim"
		mv "$victim" "t/devices/$name"
	done
	survives
	jq -e --argjson n "${#names[@]}" '.captures[0] | .damage.count == $n and
		all(.damage.lines[]; .what | test("^devices/(x{200,}|.* is no PCI address)$")) and
		any(.findings[]; .id == "LNK902") and (.functions | length == 7) and
		any(.functions[]; .address == "ffffffff:ff:1f.7")' out >/dev/null ||
		fail "$(jq -c '.captures[0].damage, [.captures[0].functions[].address]' out)"
	finish
}

@test "a tree that is none: status 2 and words, for both kinds" {
	mkdir empty empty-devices empty-devices/devices
	touch file
	mkdir -p with-file && touch with-file/devices
	mkdir -p with-fifo && mkfifo with-fifo/devices
	mkdir -p loop && ln -s devices loop/devices
	mkdir -p long && ln -s /dev/zero long/devices
	local dir
	for dir in empty empty-devices file with-file with-fifo loop long missing \
		"$(head -c 3000 /dev/zero | tr '\0' x)" ''; do
		for path in sysfs proc; do
			exits 2 -O $path.path="$dir"
			[[ $(wc -l <err) == 1 && ! -s out ]] || fail "$path $dir: $(head -c 300 err out)"
		done
	done
	finish
}

@test "a procfs copy can be anything, too" {
	local what
	for what in 'mkfifo X' 'mkdir X' 'ln -s X X' 'ln -s /dev/zero X' 'true' 'touch X'; do
		rm -rf p
		machine proc p "$(fixture origin)"
		rm p/00/1f.3
		(cd p/00 && ${what//X/1f.3})
		exits 1 -q -n -O proc.path=p
		[[ $(found) == *LNK001=error@* && $(found) == *LNK902=warning@* ]] || fail "$what: $(found)"
	done
	rm -rf p
	machine proc p "$(fixture origin)"
	{
		printf 'no address\n\n00\n0000\n00zz\t0\n%s\n\e[31m\t\n' "$(head -c 5000 /dev/zero | tr '\0' f)"
		cat p/devices
		printf 'ffff\t0'
	} >devices
	mv devices p/devices
	exits 1 --json -n -O proc.path=p
	holds "a list" '.captures[0] | (.functions | length == 6) and (.damage.count >= 7) and
		any(.findings[]; .id == "LNK001")'
	finish
}

@test "a copy's links that lead out of it are not followed" {
	# Somebody else's machine, beside the copy; 1234:5678 must not be seen.
	local n at victim
	sed 's/^00: 86 80 93 0d/00: 34 12 78 56/' "$(fixture origin)" >secret
	grep -q '^00: 34 12 78 56' secret || fail "no secret"
	machine tree outside secret ids links
	machine proc outside-proc secret
	hostile_tree
	add_victim
	rmdir "$victim" && ln -s ../../outside/devices/0000:01:00.0 "$victim"
	add_victim
	rmdir "$victim" && ln -s "$PWD/outside/devices/0000:01:00.0" "$victim"
	add_victim
	ln -s ../../../outside/devices/0000:01:00.0/config "$victim/config"
	add_victim
	printf '\xff\xff\xff\xff' >"$victim/config"
	for name in vendor device class; do
		ln -s "$PWD/outside/devices/0000:01:00.0/$name" "$victim/$name"
	done
	survives
	! grep -q -e 1234 -e 5678 out || fail "the secret is out: $(grep -e 1234 -e 5678 out | cut -c 1-200)"
	(($(jq '.captures[0].damage.count' out) == 4)) || fail "damage: $(jq -c '.captures[0].damage' out)"
	# The list itself.
	mkdir list && ln -s ../outside/devices list/devices
	exits 2 -O sysfs.path=list
	# procfs has no links at all.
	machine proc p "$(fixture origin)"
	mkdir p/02
	ln -s ../../outside-proc/01/00.0 p/02/00.0
	ln -s ../outside-proc/01 p/03
	ln -s "$PWD/outside-proc/01" p/04
	printf '0%s00\t12345678\t0\n' 2 3 4 >>p/devices
	exits 1 --json -n -O proc.path=p
	! grep -q -e 1234 -e 5678 out || fail "procfs: the secret is out: $(jq -c '[.captures[0].functions[] |
		select(.vendor == "1234").address]' out)"
	finish
}

@test "a tree that may not be read, for a user who is nobody" {
	local status=0
	machine tree "$PUBLIC/t" "$(fixture origin)"
	chmod -R a+rX "$PUBLIC/t"
	as_nobody "$PUBLIC/lnkinspect" -q -n -O sysfs.path="$PUBLIC/t" >out 2>err || status=$?
	((status == 1)) || fail "readable: $status: $(cat err)"
	[[ $(found) == *LNK001* ]] || fail "readable: $(found)"
	# One file of it: that is not "fine".
	chmod 000 "$PUBLIC/t/devices/0000:01:00.0/config"
	status=0
	as_nobody "$PUBLIC/lnkinspect" -q -n -O sysfs.path="$PUBLIC/t" >out 2>err || status=$?
	((status == 3)) || fail "one file: $status: $(cat out err)"
	[[ $(found) == *LNK902* ]] || fail "one file: $(found)"
	chmod 000 "$PUBLIC/t/devices"
	status=0
	as_nobody "$PUBLIC/lnkinspect" -q -n -O sysfs.path="$PUBLIC/t" >out 2>err || status=$?
	((status == 2)) || fail "no list: $status: $(cat out err)"
	grep -q 'Permission denied' err || fail "$(cat err)"
	chmod 755 "$PUBLIC/t/devices"
	finish
}

# ---- Machines that are made up -------------------------------------------------------------------

@test "DMI tells the machine and the hypervisor" {
	local want vendor product version
	while IFS='|' read -r want vendor product version; do
		machine mock m "$(fixture topo-desktop)" dmi/sys_vendor="$vendor" dmi/product_name="$product" \
			dmi/product_version="$version"
		mocked 0 m --json
		jq -e --arg want "$want" --arg machine "$product${version:+ $version}" \
			'.captures[0].environment | .guest == true and .hypervisor == $want and
			.machine == $machine and (.sign | test("DMI")) and (.kernel | startswith("Linux "))' \
			out >/dev/null || fail "$vendor $product: $(jq -c '.captures[0].environment' out)"
	done <<-'MACHINES'
		QEMU|QEMU|Standard PC (Q35 + ICH9, 2009)|pc-q35-10.0
		QEMU|QEMU|Somebody's board|1
		QEMU|Red Hat|KVM|RHEL-9.4.0 PC (Q35 + ICH9, 2009)
		VMware|VMware, Inc.|VMware20,1|
		Hyper-V|Microsoft Corporation|Virtual Machine|Hyper-V UEFI Release v4.1
		VirtualBox|innotek GmbH|VirtualBox|1.2
		Xen|Xen|HVM domU|4.17
		Parallels|Parallels International GmbH.|Parallels ARM Virtual Machine|0.1
	MACHINES
	machine mock m "$(fixture topo-desktop)" dmi/sys_vendor=QEMU \
		'dmi/product_name=Standard PC (Q35 + ICH9, 2009)' dmi/product_version=pc-q35-10.0
	mocked 0 m
	head -n 1 out | grep -q "QEMU guest.*Standard PC (Q35 + ICH9, 2009) pc-q35-10.0.*Linux $(uname -r)" ||
		fail "$(head -n 1 out)"
	# A cloud's own product name hides QEMU's machine type; the chassis still tells it.
	machine mock m "$(fixture topo-desktop)" 'dmi/sys_vendor=OpenStack Foundation' \
		'dmi/product_name=OpenStack Nova' dmi/product_version=27.1.0 dmi/chassis_version=pc-q35-6.2
	mocked 0 m --json
	jq -e '.captures[0].environment | .machine == "OpenStack Nova 27.1.0 (pc-q35-6.2)" and
		.hypervisor == "QEMU"' out >/dev/null || fail "$(jq -c '.captures[0].environment' out)"
	# Fillers are no name, and what a stranger's firmware says is made harmless.
	machine mock m "$(fixture topo-desktop)" 'dmi/sys_vendor=System manufacturer' \
		'dmi/product_name=System Product Name' dmi/product_version=None $'dmi/board_vendor=\x1b[31mEvil' \
		dmi/board_name=Board
	mocked 0 m --json
	jq -e '.captures[0].environment.machine == "\\x1b[31mEvil Board"' out >/dev/null ||
		fail "$(jq -c '.captures[0].environment' out)"
	finish
}

@test "the made-up machine is judged like its capture, and shows its drivers" {
	machine mock m "$(fixture origin)" dmi/sys_vendor=QEMU 0000:01:00.0/driver=vfio-pci 0000:00:01.0/driver=pcieport \
		0000:01:00.0/power_state=D0 0000:01:00.0/power/runtime_status=active
	mocked 1 m -q -n
	[[ $(found) == "LNK001=error@0000:00:01.0>0000:01:00.0 LNK203=warning@0000:00:01.0>0000:01:00.0" ]] ||
		fail "$(found)"
	mocked 1 m --json
	holds drivers '[.captures[0].functions[] | select(.driver) | [.address, .driver, .power_state]] ==
		[["0000:00:01.0", "pcieport", null], ["0000:01:00.0", "vfio-pci", "D0"]]'
	# A capture of it holds what lspci's layout cannot, and is judged the same.
	mocked 0 m --capture=capture
	exits 1 -q -n -F capture
	[[ $(found) == "LNK001=error@0000:00:01.0>0000:01:00.0 LNK203=warning@0000:00:01.0>0000:01:00.0" ]] ||
		fail "capture: $(found)"
	grep -q '^# driver: vfio-pci' capture || fail "no driver in the capture"
	grep -q '^# functions: 6' capture || fail "no count in the capture"
	diff <(lspci -F "$(fixture origin)" -D -n -xxxx) <(lspci -F capture -D -n -xxxx) || fail "other bytes"
	finish
}

@test "not root on a machine: 64 bytes, said once; the attributes are judged" {
	machine mock m "$(fixture origin)" bytes=64 links ids dmi/sys_vendor=QEMU
	mocked 1 m -q -n
	[[ $(found) == "LNK001=error@0000:00:01.0>0000:01:00.0 LNK901=warning@-" ]] || fail "$(found)"
	mocked 1 m
	(($(grep -c LNK901 out) == 1)) || fail "LNK901 more than once"
	grep -A 6 LNK901 out | grep -q 'root' || fail "what to do is not said: $(cat out)"
	machine mock fine "$(fixture qtest-gen3x16-ep-modern-rp)" bytes=64 links ids dmi/sys_vendor=QEMU
	mocked 0 fine -q -n
	[[ $(found) == LNK901=warning@- ]] || fail "fine: $(found)"
	# The capture of it says the same, attributes and all.
	mocked 0 m --capture=capture
	exits 1 -q -n -F capture
	[[ $(found) == "LNK001=error@0000:00:01.0>0000:01:00.0 LNK901=warning@-" ]] || fail "capture: $(found)"
	finish
}

@test "what sleeps is not read, and it is said" {
	local word
	for word in power/runtime_status=suspended power_state=D3cold; do
		machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU "0000:01:00.0/$word"
		with_trap m -q -n
		[[ ! -e seen ]] || fail "$word: its config was opened"
		[[ $status == 3 && $(found) == *"LNK908=info@0000:01:00.0"* && $(found) != *LNK001* ]] ||
			fail "$word: status $status, $(found) $(cat err)"
		with_trap m --json
		[[ ! -e seen ]] || fail "$word: its config was opened for JSON"
		holds "$word" '.captures[0].functions[] | select(.address == "0000:01:00.0") |
			.reach == "asleep" and .registers == {} and .vendor == "8086" and .device == "0d93" and
			.max_link == null'
		with_trap m --capture=capture
		[[ ! -e seen ]] || fail "$word: its config was opened for a capture"
		exits 3 -q -n -F capture
		[[ $(found) == *"LNK908=info@0000:01:00.0"* ]] || fail "$word: capture: $(found)"
	done
	# The trap works: what is awake is read, D3hot too, for its bridge is awake and it stays asleep.
	machine mock m "$(fixture origin)" ids links 0000:01:00.0/power/runtime_status=active
	with_trap m -q -n
	[[ -e seen ]] || fail "the trap does not work: status $status, $(cat out err)"
	finish
}

# ---- What is not asked, live ---------------------------------------------------------------------

# A port and a device in a domain of their own; the words of a spec behind them.
vmd() {
	cat <<-END
		fn 10000:00:00.0 8086:201d 060000

		fn 10000:00:01.0 8086:2030 060400
		bridge 00 01 01
		subsys 8086:0000
		express 90 v2 root-port slot
		link 8x4
		flags dlllarc dllla slc ccc presence eq-complete
		$1

		fn 10000:01:00.0 144d:a808 010802
		subsys 144d:a801
		express 70 v2 endpoint
		link 8x4
		flags slc ccc eq-complete
		$2
	END
}

@test "what sysfs knows is not asked: a header that says otherwise is not believed" {
	local f at
	for f in origin qtest-gen3x16-ep-modern-rp topo-switch; do
		lspci -F "$(fixture $f)" -D -n -xxxx >dump
		machine mock m dump ids links
		"$LNKINSPECT" --json -n -F dump | jq -S '.captures[0] | .links, (.findings | map([.id, .function])),
			(.functions | map([.address, .vendor, .device, .class, .subsystem_vendor, .parent]))' >want
		# Zeros for identity, status, class, layout and subsystem; the pointer to the list stays.
		machine mock n <(sed -E 's/^00: .*/00:'"$(printf ' 00%.0s' {1..16})"'/; s/^(20:( ..){12}).*/\1 00 00 00 00/' dump)
		grep -v '^H: config=' m >rest
		awk 'NR == FNR { if (/^P:/) at = $2; if (/^H: config=/) config[at] = $0; next }
			{ print } /^P:/ && $2 in config { print config[$2] }' n rest >m
		grep -q '^H: config=00000000' m || fail "$f: nothing was wiped"
		mocked "$("$LNKINSPECT" -F dump >of-dump && echo 0 || echo $?)" m --json -n
		jq -S '.captures[0] | .links, (.findings | map([.id, .function])),
			(.functions | map([.address, .vendor, .device, .class, .subsystem_vendor, .parent]))' out |
			diff want - || fail "$f: judged by what is not to be read"
	done
	finish
}

@test "a function without link attributes is not touched, one that has them is" {
	export traps='0000:00:00.0 0000:00:1f.0 0000:00:1f.2 0000:00:1f.3'
	machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU
	with_trap m -q -n
	[[ ! -e seen ]] || fail "opened: $(cat seen)"
	[[ $status == 1 && $(found) == *LNK001=error@* ]] || fail "status $status, $(found) $(cat err)"
	with_trap m --json
	[[ ! -e seen ]] || fail "opened for JSON: $(cat seen)"
	holds untouched '[.captures[0].functions[] | select(.type == "none") | [.capability_list, .registers]]
		| length == 4 and all(. == ["part", {}])'
	# Not even to learn that it does not answer, and that is no verdict on it.
	holds "no verdict" '.captures[0].counts | .LNK105.pass == 2 and .LNK105.not_applicable == 4'
	with_trap m -q -n --deep
	[[ -e seen ]] || fail "the trap does not work: $(cat out err)"
	finish
}

@test "-s and -d: what was not chosen and is on no path is not touched" {
	local f options
	lspci -F "$(fixture topo-switch)" -D -n -xxxx >dump
	machine mock m dump ids links
	export traps='0000:00:00.0 0000:01:00.1 0000:02:08.0 0000:03:00.0'
	for options in '-s 04:00.0' '-s 02:10.0' '-s 04:00.0 -d 10de:' '-s 04:00.0 --deep' '-s 04:'; do
		# shellcheck disable=SC2086 # words are meant
		with_trap m --json -n $options
		[[ ! -e seen && $status == 0 ]] || fail "$options: status $status, opened: $(cat seen) $(cat err)"
		# shellcheck disable=SC2086
		"$LNKINSPECT" --json -n -F dump ${options%--deep} | jq -c '.captures[0] | .links, .lost,
			.status, (.functions | map([.address, .type, .selected]))' >want
		jq -c '.captures[0] | .links, .lost, .status,
			(.functions | map([.address, .type, .selected]))' out | diff want - || fail "$options"
	done
	# Functions of one device that were not read are not alike for that.
	with_trap m --json -n -s 01:00.0
	[[ ! -e seen ]] || fail "upstream port: opened: $(cat seen)"
	holds "siblings" '.captures[0].counts.LNK104 | .pass == 0 and .not_applicable == 1'
	exits 0 --json -n -s 01:00.0 -F dump
	holds "siblings in the dump" '.captures[0].counts.LNK104 | .pass == 1'
	with_trap m -q -n -s 03:00.0
	[[ $(sort -u seen | xargs) == "0000:02:08.0 0000:03:00.0" ]] || fail "opened: $(cat seen)"
	with_trap m -q -n
	(($(sort -u seen | wc -l) == 3)) || fail "all: opened: $(cat seen)"
	# What sysfs does not tell has to be asked.
	machine mock m dump
	with_trap m -q -n -s 04:00.0
	[[ -e seen ]] || fail "without sysfs' word nothing was opened"
	finish
}

@test "-s: a device that runs narrow is no warning while others like it were not read" {
	# The second one has the ids of the first, or others, in a slot of its own.
	second() {
		cat <<-END

			fn 10000:00:02.0 8086:2031 060400
			bridge 00 02 02
			subsys 8086:0000
			express 90 v2 root-port slot
			link 8x4 8x2
			flags dlllarc dllla slc ccc presence eq-complete

			fn 10000:02:00.0 $1 010802
			subsys 144d:a801
			express 70 v2 endpoint
			link 8x4 8x2
			flags slc ccc eq-complete
		END
	}
	{ vmd 'link 8x4 8x2' 'link 8x4 8x2' && second 144d:a808; } | "$B/gen" >alike
	{ vmd 'link 8x4 8x2' 'link 8x4 8x2' && second 1c5c:174a; } | "$B/gen" >other
	machine mock alike.mock alike ids links
	machine mock other.mock other ids links
	mocked 0 alike.mock -q -n
	[[ $(found) == "LNK005=notice@10000:00:01.0>10000:01:00.0 LNK005=notice@10000:00:02.0>10000:02:00.0" ]] ||
		fail "both: $(found)"
	mocked 0 alike.mock -q -n -s 10000:01:
	[[ $(found) == "LNK005=notice@10000:00:01.0>10000:01:00.0" ]] || fail "one of two: $(found)"
	mocked 1 other.mock -q -n -s 10000:01:
	[[ $(found) == "LNK005=warning@10000:00:01.0>10000:01:00.0" ]] || fail "the only one: $(found)"
	finish
}

@test "a function that is gone is found by what is read anyway" {
	machine mock m "$(fixture guest-live-degrade-and-falloff-3-fallen-off)" links ids \
		0000:01:00.0/vendor=0x8086 0000:01:00.0/device=0x0d93 0000:01:00.0/class=0x050210 \
		0000:01:00.0/current_link_speed=Unknown
	grep -q '^H: config=FFFFFFFF' m || fail "another fixture"
	sed -i '/^A: .*bus_number=255/d' m
	mocked 1 m -q -n
	[[ $(found) == *LNK105=warning@0000:01:00.0* ]] || fail "$(found)"
	mocked 1 m --json
	holds gone '.captures[0].functions[] | select(.address == "0000:01:00.0") | .reach == "all-ones" and
		.vendor == "8086"'
	finish
}

@test "--deep reads what is left out: said once, no status, and not where it means nothing" {
	vmd '' 'ext aer 0 1' | "$B/gen" >dump
	machine mock m dump ids links
	mocked 0 m
	[[ $(grep -c -- --deep out) == 1 ]] || fail "not said once: $(cat out)"
	grep -q '^Left out: what LNK401 LNK402 LNK403 would judge is read with --deep only\.$' out ||
		fail "$(tail -n 2 out)"
	mocked 0 m --json
	holds skipped '.captures[0] | .status == 0 and .lost == 0 and
		([.skipped[] | select(.deep) | .rule] | unique) == ["LNK401", "LNK402", "LNK403"] and
		all(.skipped[]; .deep)'
	# Payload sizes are read where there is copper.
	holds payload '[.captures[0].functions[] | select(.registers.DEVCTL)] | length == 2'
	mocked 0 m -q -v
	grep -q '^LNK401 skipped 10000:01:00.0  needs AER correctable status of 10000:01:00.0, read with --deep only$' out ||
		fail "$(cat out)"
	mocked 0 m -n --deep
	[[ $(cat out) != *deep* ]] || fail "--deep is not deep: $(cat out)"
	mocked 0 m -q -n --deep
	[[ $(found) == "LNK401=notice@10000:01:00.0" ]] || fail "deep: $(found)"
	# A comparison wants serial numbers.
	mocked 0 m -q -n --compare dump
	[[ $(found) == *LNK401=notice@* ]] || fail "compare: $(found)"
	# In a guest wires are not real.
	machine mock m "$(fixture qtest-gen3x16-ep-modern-rp)" ids links dmi/sys_vendor=QEMU
	mocked 0 m
	[[ $(cat out) != *deep* ]] || fail "guest: $(cat out)"
	exits 2 --deep -F dump
	grep -q -e '--deep' err || fail "$(cat err)"
	finish
}

# ---- Twice, live ---------------------------------------------------------------------------------

@test "a link that is training on every look is stuck; a dump cannot know" {
	vmd 'flags lt' '' | "$B/gen" >dump
	exits 0 -q -n -F dump
	[[ $(found) != *LNK302* ]] || fail "dump: $(found)"
	machine mock m dump
	mocked 1 m -q -n
	[[ $(found) == *"LNK302=error@10000:00:01.0"* ]] || fail "live: $(found)"
	# The capture remembers the second look.
	mocked 0 m --capture=capture
	exits 1 -q -n -F capture
	[[ $(found) == *LNK302=error@* ]] || fail "capture: $(found)"
	vmd '' '' | "$B/gen" >dump
	machine mock fine dump
	mocked 0 fine -q -n
	[[ $(found) != *LNK302* ]] || fail "fine: $(found)"
	finish
}

@test "ends that differ on every look differ" {
	vmd '' 'link 8x4 5x4' | "$B/gen" >dump
	machine mock m dump
	mocked 1 m -q -n
	[[ $(found) == *"LNK004=warning@10000:00:01.0>10000:01:00.0"* ]] || fail "$(found)"
	finish
}

# Runs the program on a machine whose count of correctable errors is $1 more every millisecond.
with_errors() {
	cat >errors.sh <<-'SCRIPT'
		step=$1
		shift
		LD_PRELOAD='' python3 - "$step" <<-'PYTHON' &
			import os, sys, time
			f = os.open(os.environ["UMOCKDEV_DIR"] +
			            "/sys/devices/pci0000:00/10000:01:00.0/aer_dev_correctable", os.O_WRONLY)
			n = 1
			open("ready", "w").close()
			while True:
			    # In place: never empty, always as long.
			    os.pwrite(f, b"RxErr %08d\n" % n, 0)
			    n += int(sys.argv[1])
			    time.sleep(0.001)
		PYTHON
		until [ -e ready ]; do sleep 0.01; done
		timeout 20 "$@"
		status=$?
		kill $!
		exit $status
	SCRIPT
	rm -f ready
	status=0
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 umockdev-run -d m -- \
		bash errors.sh "$1" "$LNKINSPECT" -q -n --deep >out 2>err </dev/null 3>&- || status=$?
}

@test "errors that grow while we look are a warning, errors that were logged once a notice" {
	local i
	vmd '' 'ext aer 0 1' | "$B/gen" >dump
	exits 0 -q -n -F dump
	[[ $(found) == *"LNK401=notice@"* ]] || fail "dump: $(found)"
	machine mock m dump "10000:01:00.0/aer_dev_correctable=$(printf 'RxErr 00000000\nBadTLP 7\nBadDLLP 0\nRollover 0\nTimeout 0\nNonFatalErr 0\nCorrIntErr 0\nHeaderOF 0\nTOTAL_ERR_COR 7')"
	with_errors 0
	[[ $status == 0 && $(found) == *"LNK401=notice@"* ]] || fail "still: status $status, $(found)"
	# The writer needs its turn between two looks; on a busy machine it may not get it at once.
	for i in 1 2 3 4 5 6 7 8 9 10; do
		with_errors 1
		[[ $(found) != *"LNK401=warning@"* ]] || break
	done
	[[ $status == 1 && $(found) == *"LNK401=warning@"* ]] || fail "growing: status $status, $(found), $i"
	finish
}

@test "a machine without PCI is not fine" {
	local status=0
	machine mock m <(printf '') dmi/sys_vendor=QEMU
	# shellcheck disable=SC2016 # UMOCKDEV_DIR is known there only
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 umockdev-run -d m -- bash -c \
		'mkdir -p "$UMOCKDEV_DIR/sys/bus/pci/devices" && exec "$@"' - "$LNKINSPECT" >out 2>err ||
		status=$?
	[[ $status == 2 && $(wc -l <err) == 1 && ! -s out ]] || fail "status $status: $(cat out err)"
	finish
}
