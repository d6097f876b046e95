#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# trees.bats - directories: copies of sysfs and procfs, whole reports, single configuration spaces
#
# The trees are made of captures by the script below: a capture's bytes as files, which must be judged
# as the capture is. What a tree cannot say as text does is left out of the comparison: lines.

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	export TREE=$BATS_FILE_TMPDIR/tree.py
	cat >"$TREE" <<-'PYTHON'
		"""
		tree.py WHAT DIR CAPTURE	the capture's bytes as files below DIR; WHAT is
		  plain		sys/bus/pci/devices/ADDRESS/config, directories
		  links		the same as links to sys/devices/pciDDDD:BB/ADDRESS
		  proc		proc/bus/pci/BB/DD.F
		"""
		import os, re, sys

		what, top, capture = sys.argv[1:]
		fns, at = {}, None
		for line in open(capture, encoding="latin-1"):
		    h = re.match(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", line)
		    r = re.match(r"([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ?){16})$", line.strip())
		    if h:
		        at = (h[1] or "0000") + ":" + h[2]
		        fns.setdefault(at, bytearray())
		    elif r and at:
		        assert len(fns[at]) == int(r[1], 16)
		        fns[at] += bytes.fromhex(r[2])

		def write(path, data):
		    os.makedirs(os.path.dirname(path), exist_ok=True)
		    open(path, "wb").write(data)

		for a, data in fns.items():
		    domain, bus, dev = a.split(":")
		    real = "%s/sys/devices/pci%s:%s/%s" % (top, domain, bus, a)
		    if what == "proc":
		        name = bus if domain == "0000" else domain + ":" + bus
		        write("%s/proc/bus/pci/%s/%s" % (top, name, dev), data)
		    elif what == "plain":
		        write("%s/sys/bus/pci/devices/%s/config" % (top, a), data)
		    else:
		        write(real + "/config", data)
		        os.makedirs(top + "/sys/bus/pci/devices", exist_ok=True)
		        os.symlink("../../../" + real[len(top + "/sys/"):],
		                   "%s/sys/bus/pci/devices/%s" % (top, a))
	PYTHON
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" hex
}

# $1: status, the rest: the inputs' arguments. Words in ./out and ./err.
exits() {
	local want=$1 status=0
	shift
	"$LNKINSPECT" -q "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "$*: status $status: $(head -c 300 out err)"
}

# All that is judged of the input $1, without what only text has.
judged() {
	local status=0
	"$LNKINSPECT" --json -n -F "$1" >json 2>err </dev/null || status=$?
	((status <= 3)) || { cat err && return 1; }
	jq -S 'del(.captures[].source) | del(.captures[].functions[].line) | .captures' json
}

# Do the inputs $2... give what $1 gives?
same() {
	local base=$1 f
	judged "$base" >want || fail "$base: $(cat err)"
	jq -e 'length == 1 and (.[0].functions | length > 0)' want >/dev/null || fail "$base is no base"
	shift
	for f; do
		judged "$f" >got || fail "$f: $(cat err)"
		cmp -s want got || fail "$f: $(diff want got | head -n 8)"
	done
}

@test "a tree in each form, from each of its directories, is judged as its bytes are" {
	local name what
	for name in origin guest-seed-x3130-switch-ep-8x16 guest-ppc-powernv9-multidomain; do
		"$LNKINSPECT" -n -F "$FIXTURES/$name/input" --capture full
		sed '/^#/d; s/ (.*//' full >plain
		for what in plain links proc; do
			python3 "$TREE" "$what" "$name/$what" plain
		done
		same plain "$name/plain" "$name/plain/sys" "$name/plain/sys/bus/pci" \
			"$name/plain/sys/bus/pci/devices" "$name/links" "$name/links/sys" \
			"$name/links/sys/bus" "$name/links/sys/bus/pci" \
			"$name/links/sys/bus/pci/devices" "$name/links/sys/devices" "$name/proc" \
			"$name/proc/proc/bus/pci"
		for what in plain links proc; do
			tar czf "$name-$what.tgz" -C "$name" "$what"
			tar cf "$name-$what.tar" -C "$name/$what" .
		done
		same plain "$name"-{plain,links,proc}.{tgz,tar}
	done
	finish
}

@test "a tree that shows a function in two ways has it once" {
	python3 "$TREE" links both hex
	python3 "$TREE" proc both hex
	same hex both
	tar cf both.tar both
	same hex both.tar
	finish
}

@test "two copies in one directory are two machines" {
	python3 "$TREE" plain hosts/one hex
	python3 "$TREE" plain hosts/two "$FIXTURES/guest-seed-x3130-switch-ep-8x16/input"
	"$LNKINSPECT" --json -n -F hosts >json || true
	[[ $(jq -r '.captures[].source' json) == "hosts (one)"$'\n'"hosts (two)" ]] ||
		fail "$(jq -c '[.captures[].source]' json)"
	finish
}

@test "links without what they lead to are said, with the way out" {
	python3 "$TREE" links links hex
	tar cf only.tar -C links sys/bus
	exits 2 -F only.tar
	grep -q 'a copy must hold what its links lead to' err || fail "$(cat err)"
	# One of them alone.
	rm -r links/sys/devices/pci0000:01
	exits 3 -F links
	grep -q '^LNK902 .*0000:01:00.0: a link that leads to nothing' out || fail "$(cat out)"
	finish
}

@test "sysfs's attributes stand in where there are 64 bytes only" {
	local at
	python3 "$TREE" plain tree hex
	for at in tree/sys/bus/pci/devices/*; do
		truncate -s 64 "$at/config"
	done
	at=tree/sys/bus/pci/devices
	# Linux drivers/pci/pci-sysfs.c writes them so.
	echo '2.5 GT/s PCIe' | tee $at/0000:00:01.0/{max,current}_link_speed >/dev/null
	echo 1 | tee $at/0000:00:01.0/{max,current}_link_width >/dev/null
	echo '8.0 GT/s PCIe' | tee $at/0000:01:00.0/{max,current}_link_speed >/dev/null
	echo 16 | tee $at/0000:01:00.0/{max,current}_link_width >/dev/null
	ln -s ../../../../bus/pci/drivers/nvme $at/0000:01:00.0/driver
	exits 1 -F tree
	grep -q '^LNK001 .*0000:00:01.0>0000:01:00.0' out || fail "$(cat out)"
	tar cf tree.tar tree
	exits 1 -F tree.tar
	grep -q '^LNK001 .*0000:00:01.0>0000:01:00.0' out || fail "packed: $(cat out)"
	[[ $("$LNKINSPECT" --json -n -F tree.tar | jq -r '.captures[].functions[] |
		select(.address == "0000:01:00.0") | .driver') == nvme ]] || fail "its driver"
	finish
}

@test "a configuration space that is cut is known up to there; what is none is said" {
	local at=tree/sys/bus/pci/devices
	python3 "$TREE" plain tree hex
	truncate -s 100 "$at/0000:00:00.0/config"
	exits 1 -F tree
	grep -q '^LNK902 .*0000:00:00.0: its configuration space ends after 100 bytes' out ||
		fail "$(cat out)"
	yes text | head -c 256 >"$at/0000:00:00.0/config"
	exits 1 -F tree
	grep -q '^LNK902 .*0000:00:00.0: its file holds no configuration space' out ||
		fail "$(cat out)"
	: >"$at/0000:00:00.0/config"
	exits 1 -F tree
	grep -q '^LNK902 .*0000:00:00.0: no byte of' out || fail "$(cat out)"
	finish
}

@test "one function's file: its path says its address, or nobody does" {
	local size f
	python3 "$TREE" plain tree hex
	python3 "$TREE" proc tree hex
	"$LNKINSPECT" --json -n -F tree/sys/bus/pci/devices/0000:01:00.0/config >json || true
	[[ $(jq -r '.captures[].functions[].address' json) == 0000:01:00.0 ]] || fail "sysfs"
	"$LNKINSPECT" --json -n -F tree/proc/bus/pci/01/00.0 >json || true
	[[ $(jq -r '.captures[].functions[].address' json) == 0000:01:00.0 ]] || fail "procfs"
	cd tree/proc/bus/pci/01
	"$LNKINSPECT" --json -n -F 00.0 >json || true
	[[ $(jq -r '.captures[].functions[].address' json) == 0000:01:00.0 ]] || fail "relative"
	cd "$BATS_TEST_TMPDIR"
	for size in 64 256 4096; do
		cp tree/proc/bus/pci/01/00.0 gpu.bin
		truncate -s "$size" gpu.bin
		"$LNKINSPECT" --json -n -F gpu.bin >json || true
		[[ $(jq -r '.captures[].source' json) == *"its address is not known"* ]] ||
			fail "$size: $(jq -c . json)"
		# The origin case's device has LNKCAP 00000503: 8GT/s x16. 64 bytes do not reach it.
		((size == 64)) || [[ $(jq -r '.captures[].functions[].max_link.speed' json) == 8GT/s ]] ||
			fail "$size: its link"
	done
	# No other file of that size is one.
	head -c 4096 "$LNKINSPECT" >program
	head -c 256 /dev/zero >zeros
	head -c 256 "$FIXTURES/origin/input" | tr -d ':' >text
	head -c 4096 /dev/urandom >noise
	for f in program zeros noise text; do
		exits 2 -F "$f"
	done
	finish
}

@test "nothing outside of the tree is read, nothing in it blocks" {
	python3 "$TREE" plain tree hex
	mkdir -p outside/0000:02:00.0
	cp "$FIXTURES/origin/input" outside/secret
	cp tree/sys/bus/pci/devices/0000:01:00.0/config outside/0000:02:00.0/config
	ln -s "$PWD/outside" tree/out
	ln -s ../outside/secret tree/secret
	ln -s "$PWD/outside/0000:02:00.0" tree/sys/bus/pci/devices/0000:02:00.0
	ln -s ../../../../../outside/0000:02:00.0 tree/sys/bus/pci/devices/0000:03:00.0
	ln -s ../../../../outside/0000:02:00.0 tree/sys/bus/pci/devices/0000:04:00.0
	ln -s . tree/loop
	mkfifo tree/pipe tree/sys/bus/pci/devices/0000:01:00.0/vendor
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tree/socket")'
	local from
	for from in tree tree/sys/bus/pci tree/sys/bus/pci/devices; do
		timeout 20 "$LNKINSPECT" --json -n -F "$from" >json || true
		[[ $(jq '[.captures[].functions[].address] | length' json) == 6 ]] ||
			fail "$from: $(jq -c '[.captures[].functions[].address]' json)"
	done
	finish
}

@test "a function whose registers are in no file is named, and not lost" {
	local what at=0000:00:1f.3
	for what in 'mkfifo X' 'ln -s X X' 'ln -s /dev/zero X'; do
		rm -rf tree
		python3 "$TREE" plain tree hex
		rm "tree/sys/bus/pci/devices/$at/config"
		(cd "tree/sys/bus/pci/devices/$at" && ${what//X/config})
		timeout 20 "$LNKINSPECT" --json -n -F tree >json || true
		jq -e --arg at "$at" '.captures[0] | (.functions | length == 5) and
			(.damage.lines | length == 1 and (.[0].what | startswith($at + ": "))) and
			any(.findings[]; .id == "LNK902")' json >/dev/null ||
			fail "$what: $(jq -c '.captures[0].damage' json)"
	done
	finish
}

@test "a function that procfs lists and has no file for is named" {
	local at
	python3 "$TREE" proc tree hex
	# As drivers/pci/proc.c writes it: bus and devfn, vendor and device, interrupt, .., driver.
	for at in 0000 0008 00f8 00fa 00fb 0100; do
		printf '%s\t80861234\t0\t0\t\n' "$at"
	done >tree/proc/bus/pci/devices
	rm tree/proc/bus/pci/00/1f.3
	exits 1 --json -n -F tree
	jq -e '.captures[0] | (.functions | length == 5) and any(.findings[]; .id == "LNK902") and
		(.damage.lines | length == 1 and (.[0].what | startswith("00:1f.3: ")))' out \
		>/dev/null || fail "$(jq -c '.captures[0].damage' out)"
	# The list alone says nothing of files.
	rm -r tree/proc/bus/pci/0[01]
	cp hex tree/lspci.txt
	exits 1 --json -n -F tree
	jq -e '.captures[0].damage.count == 0' out >/dev/null || fail "$(jq -c '.captures' out | head -c 300)"
	finish
}

@test "sysfs links to its devices from many places, and that is no damage" {
	local dir
	python3 "$TREE" links tree hex
	for dir in kernel/iommu_groups/0/devices bus/pci/drivers/pcieport class/pci_bus/0000:01; do
		mkdir -p "tree/sys/$dir"
		ln -s ../../../../devices/pci0000:00/0000:00:01.0 "tree/sys/$dir/0000:00:01.0"
	done
	tar -cf tree.tar tree
	for dir in tree tree.tar; do
		exits 1 --json -n -F "$dir"
		jq -e '.captures | length == 1 and (.[0] | (.functions | length == 6) and
			.damage.count == 0)' out >/dev/null || fail "$dir: $(jq -c '.captures[].damage' out)"
	done
	finish
}

@test "this machine's own /sys and /proc are refused, with the way there" {
	exits 2 -F /sys/bus/pci/devices
	grep -q 'run lnkinspect without -F' err || fail "$(cat err)"
	exits 2 -F /proc
	grep -q 'run lnkinspect without -F' err || fail "$(cat err)"
	finish
}

@test "a path that is too deep or too long is said by its end, and why" {
	python3 - <<-'PYTHON'
		import os
		os.mkdir("deep")
		os.chdir("deep")
		for i in range(60):
		    os.mkdir("x" * 200)
		    os.chdir("x" * 200)
	PYTHON
	exits 2 -F deep
	grep -qE 'xxx: (it is too deep|a path in it is too long)$' err || fail "$(cat err)"
	finish
}

@test "a directory of captures is one verdict for each; an empty one is said" {
	mkdir many empty
	cp hex many/b
	cp "$FIXTURES/guest-seed-x3130-switch-ep-8x16/input" many/a
	gzip -c hex >many/c
	"$LNKINSPECT" --json -n -F many >json || true
	[[ $(jq -r '.captures[].source' json) == $'many (a)\nmany (b)\nmany (c)' ]] ||
		fail "$(jq -c '[.captures[].source]' json)"
	exits 2 -F empty
	grep -q 'no file in empty' err || fail "$(cat err)"
	finish
}

@test "a sosreport is one capture: its registers, and its words beside them" {
	local top=sosreport-host-2024
	python3 "$TREE" proc "$top" hex
	mkdir -p "$top/sos_commands/pci" "$top/var/log"
	lspci -F hex -nnvv >"$top/sos_commands/pci/lspci_-nnvv" 2>/dev/null
	lspci -F hex -tv >"$top/sos_commands/pci/lspci_-tv" 2>/dev/null
	# Linux drivers/pci/proc.c show_device
	printf '0100\t80860d93\t0\t%16x\tvfio-pci\n' 0 >"$top/proc/bus/pci/devices"
	head -c 100000 /dev/urandom >"$top/var/log/journal"
	tar cJf sos.tar.xz "$top"
	local f
	for f in "$top" sos.tar.xz; do
		exits 1 -F "$f"
		[[ $(grep -c '^LNK001' out) == 1 ]] || fail "$f: $(cat out)"
		! grep -q '^LNK90[26]' out || fail "$f: $(cat out)"
		"$LNKINSPECT" --json -n -F "$f" >json || true
		jq -e '(.captures | length == 1) and (.captures[0].functions | length == 6)' json \
			>/dev/null || fail "$f: $(jq -c '[.captures[].source]' json)"
	done
	# A text of another moment is another capture: one address in two states is two facts.
	lspci -F hex -xxxx >"$top/sos_commands/pci/lspci_-xxxx" 2>/dev/null
	exits 1 -F "$top"
	[[ $("$LNKINSPECT" --json -n -F "$top" | jq '.captures | length') == 1 ]] || fail "the same"
	sed -i '0,/^80: \(..\)/s//80: 55/' "$top/sos_commands/pci/lspci_-xxxx"
	[[ $("$LNKINSPECT" --json -n -F "$top" | jq '.captures | length') == 2 ]] || fail "another"
	finish
}

@test "five thousand functions with all their attributes" {
	python3 - hex <<-'PYTHON'
		import os, re, sys
		row = [l for l in open(sys.argv[1]) if re.match(r"[0-9a-f]{2,3}: ", l)]
		data = bytes.fromhex("".join(l.split(":")[1] for l in row[:16]))
		for i in range(5000):
		    d = "tree/sys/devices/pci0000:00/0000:%02x:%02x.%d" % (i >> 8, i >> 3 & 31, i & 7)
		    os.makedirs(d)
		    for name, text in (("config", data), ("vendor", b"0x8086\n"), ("device", b"0x29c0\n"),
		                       ("class", b"0x060000\n"), ("uevent", b"X=1\n"), ("irq", b"0\n")):
		        open(d + "/" + name, "wb").write(text)
	PYTHON
	tar czf tree.tgz tree
	local f
	for f in tree tree.tgz; do
		timeout 60 "$LNKINSPECT" --json -n -F "$f" >json || (($? == 3)) || fail "$f"
		[[ $(jq '.captures[0].functions | length' json) == 5000 ]] || fail "$f"
	done
	finish
}
