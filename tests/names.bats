#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# names.bats - lspci's names where it wrote no ids: what fixups know by an id is known by its name,
# and a name that could be another's says nothing

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# ---- Names against numbers -----------------------------------------------------------------------

# FIXTURE RULE ADDRESS: what names do not tell of real captures, and why.
untold='
	lnk205-gpu-audio-split LNK205 0000:02:00.0	the subsystem that makes them one card
'

@test "lspci -vv of each fixture finds what lspci -nnvv of it finds" {
	local f name args=()
	for f in "$FIXTURES"/*/input; do
		name=$(basename "$(dirname "$f")")
		lspci -O hwdb.disable=1 -F "$f" -D -nn -vv >list 2>/dev/null || continue
		grep -q 'Capabilities:.* Express ' list || continue
		# What the head says of the machine holds for both.
		{ awk '!/^#/ { exit } { print }' "$f" && cat list; } >"$name.numbers"
		{ awk '!/^#/ { exit } { print }' "$f" && lspci -O hwdb.disable=1 -F "$f" -D -vv 2>/dev/null; } >"$name.names"
		! grep -qE '\[[0-9a-f]{4}:[0-9a-f]{4}\]' "$name.names" || fail "$name: numbers among names"
		args+=(-F "$name.numbers" -F "$name.names")
	done
	((${#args[@]} > 4 * 290)) || fail "${#args[@]} arguments"
	"$LNKINSPECT" --json -n "${args[@]}" >json 2>err || true
	[[ ! -s err ]] || fail "$(head -n 3 err)"
	untold=$untold python3 - <<-'PYTHON' || fail "they differ"
		import json, os, sys

		captures = {}
		for c in json.load(open("json"))["captures"]:
		    captures.setdefault(c["source"], []).append(c)
		untold = {tuple(l.split()[:3]) for l in os.environ["untold"].split("\n") if l.split()}
		needless, wrong, virtual = set(untold), [], 0

		def findings(c):
		    return {(x["id"], x["port"], x["device"], x["function"]): x["severity"] for x in c["findings"]}

		for name in sorted(n[:-6] for n in captures if n.endswith(".names")):
		    both = [captures[name + end] for end in (".numbers", ".names")]
		    if len(both[0]) != len(both[1]):
		        wrong.append(f"{name}: {[len(c) for c in both]} captures")
		        continue
		    numbers, names = (c[0] for c in both)
		    a, b = findings(numbers), findings(names)
		    for x in a.keys() | b.keys():
		        if a.get(x) == b.get(x):
		            continue
		        row = name, x[0], x[3] or x[2]
		        needless.discard(row)
		        if row not in untold:
		            wrong.append(f"{name} {x}: {a.get(x)} by numbers, {b.get(x)} by names")
		    for key in ("guest", "hypervisor"):
		        if numbers["environment"][key] != names["environment"][key]:
		            wrong.append(f"{name}: {key}")
		    for f, g in zip(numbers["functions"], names["functions"]):
		        virtual += "virtual" in g["quirks"]
		        if f["address"] != g["address"] or g["device"] not in (None, f["device"]):
		            wrong.append(f"{name}: {f['address']} {f['vendor']}:{f['device']} is called "
		                         f"{g['vendor']}:{g['device']}")
		wrong += [f"{' '.join(x)}: is listed, and not so" for x in sorted(needless)]
		if virtual < 100:
		    wrong.append(f"{virtual} virtual ports")
		print("\n".join(wrong))
		sys.exit(bool(wrong))
	PYTHON
	finish
}

# Every id that fixups and remedies ask for.
ids='1b36:000c 1b36:0008 8086:3420 104c:8232 104c:8233 8086:7075 19e5:a128 19e5:a129 1014:04c1 8086:0d93
	8086:10d3 1000:0060 1000:0079 15ad:07a0 1414:5353 8086:0d57 106b:1a05 1d0f:0200 1ae0:0f48 1ae0:a010
	8086:3500 8086:3510 1002:1479 1022:14cd 106b:1010 1022:57ad 8086:29c0 8086:1237 8086:0b26 8086:1136
	8086:1549 8086:1567 8086:1569 8086:156b 8086:156d 8086:1576 8086:1578 8086:157e 8086:15c0 8086:15d3
	8086:15da 8086:15e7 8086:15ea 8086:15ef 8086:461f 8086:462f 8086:463f 8086:466e 8086:7ec4 8086:7ec5
	8086:7ec6 8086:7ec7 8086:8a1d 8086:8a1f 8086:8a21 8086:8a23 8086:9a23 8086:9a25 8086:9a27 8086:9a29
	8086:9a2b 8086:9a2d 8086:9a2f 8086:9a31'

@test "the name that this lspci has for each id that a decision asks for" {
	local id n=0 got
	for id in $ids; do
		n=$((n + 1))
		printf '%02x:00.0 PCI bridge: %s\n00: %s %s %s %s 00 00 00 00 00 00 04 06 00 00 00 00\n\n' $n "$id" \
			"${id:2:2}" "${id:0:2}" "${id:7:2}" "${id:5:2}"
	done >bytes
	lspci -F bytes >names
	"$LNKINSPECT" --json -n -F names >json || true
	got=$(jq -r '.captures[0].functions[] | "\(.vendor):\(.device)"' json | xargs)
	[[ $got == "$(xargs <<<"$ids")" ]] ||
		fail "$(diff <(tr ' ' '\n' <<<"$got") <(xargs -n 1 <<<"$ids") | paste -d ' ' - names | head)"
	finish
}

# ---- By hand ------------------------------------------------------------------------------------------

# What JSON tells with filter $1 of one function with title $2 and subsystem $3.
told() {
	printf '00:03.0 PCI bridge: %s\n\tSubsystem: %s\n\tFlags: fast devsel\n\n' "$2" "${3:-}" >one
	"$LNKINSPECT" --json -n -F one 2>err | jq -c ".captures[0].functions[0] | $1"
}

@test "names of years ago, and numbers that pci.ids had no name for" {
	local name want got
	while IFS='|' read -r want name; do
		got=$(told '"\(.vendor):\(.device)"' "$name" | tr -d '"')
		[[ $got == "$want" ]] || fail "$name: $got"
	done <<-'NAMES'
		1b36:000c|Red Hat, Inc. QEMU PCIe Root port
		1b36:000c|Red Hat, Inc. QEMU PCIe Root port (prog-if 00 [Normal decode])
		1b36:000c|Red Hat, Inc. Device 000c (rev 01)
		1b36:000c|Red Hat, Inc Unknown device 000c
		1af4:1041|Red Hat, Inc. Device 1041 (rev 01)
		1af4:1000|Qumranet, Inc. Device 1000
		8086:3420|Intel Corporation 5520/5500/X58 I/O Hub PCI Express Root Port 0 (rev 02)
		8086:3420|Intel Corporation 7500/5520/5500/X58 I/O Hub PCI Express Root Port 0 (rev 02)
		8086:9a23|Intel Corporation Tiger Lake-LP Thunderbolt PCI Express Root Port #0 (rev 01)
		15ad:0790|VMware Inc Unknown device 0790 (rev 02)
		15ad:07a0|VMware, Inc. PCI Express Root Port (rev 01)
		1002:1479|Advanced Micro Devices [AMD/ATI] Device 1479
		1002:1479|Advanced Micro Devices, Inc. [AMD/ATI] Navi 10 XL Downstream Port of PCI Express Switch
		1022:1479|Advanced Micro Devices, Inc. [AMD] Device 1479
		10de:1db6|NVIDIA Corporation Device 1db6 (rev a1)
		1000:0079|LSI Logic / Symbios Logic MegaRAID SAS 2108 [Liberator] (rev 05)
	NAMES
	finish
}

@test "what a name does not tell is not known" {
	local name got
	while IFS= read -r name; do
		got=$(told '[.vendor, .device, .subsystem_vendor, .subsystem_device]' "$name" "$name")
		[[ $got == '[null,null,null,null]' ]] || fail "$name: $got"
	done <<-'NAMES'
		Intel Corporation UHD Graphics 630
		Intel Corporation 7500/5520/5500/X58 I/O Hub PCI Express Root Port 1
		Intel Corporation Device 34
		Intel Corporation Device 34200
		Intel Corporation Device 34g0
		Intelligent Device 3420
		Texas Instruments XIO3130 PCI Express Switch
		VMwareX PCI Express Root Port
		Red Hat, Inc. Some other thing
		Somebody's QEMU PCIe Root port
		NVIDIA Corporation
		Device
	NAMES
	# A virtio subsystem of old, and what QEMU's ports have.
	got=$(told '.subsystem_vendor' 'Red Hat, Inc. Virtio console' 'Red Hat, Inc. Device 0003')
	[[ $got == null ]] || fail "Device 0003: $got"
	got=$(told '.subsystem_vendor' 'Red Hat, Inc. QEMU PCIe Root port' 'Red Hat, Inc. Device 0000')
	[[ $got == null ]] || fail "Device 0000: $got"
	finish
}

@test "subsystems: what QEMU and VMware imitate" {
	local title subsystem want got
	while IFS='|' read -r want title subsystem; do
		got=$(told '[.quirks, .subsystem_vendor, .subsystem_device]' "$title" "$subsystem")
		[[ $got == "$want" ]] || fail "$title, $subsystem: $got"
	done <<-'NAMES'
		[["emulated"],"1af4","1100"]|Intel Corporation 82540EM Gigabit Ethernet Controller|Red Hat, Inc. QEMU Virtual Machine
		[["emulated"],"1af4","1100"]|Intel Corporation 82371SB PIIX3 ISA|Red Hat, Inc. Qemu virtual machine
		[["emulated"],"1af4","1100"]|Cirrus Logic GD 5446|Red Hat, Inc Device 1100
		[["emulated"],"1af4","1100"]|Intel Corporation 82576 Gigabit Network Connection|Red Hat, Inc. 82576 Gigabit Network Connection
		[["emulated"],null,null]|Intel Corporation 82545EM Gigabit Ethernet Controller (Copper)|VMware PRO/1000 MT Single Port Adapter
		[[],null,null]|Intel Corporation 82540EM Gigabit Ethernet Controller|Intel Corporation PRO/1000 MT Desktop Adapter
	NAMES
	finish
}

@test "a maker by name is enough where any of its devices is meant" {
	local got
	got=$(told '[.quirks, .vendor]' 'VMware SVGA II Adapter')
	[[ $got == '[["emulated"],null]' ]] || fail "VMware: $got"
	got=$(told '[.quirks, .vendor]' 'Red Hat, Inc. Virtio 2.0 toaster')
	[[ $got == '[["emulated"],null]' ]] || fail "virtio: $got"
	"$LNKINSPECT" --json -n -F one >json || true
	[[ $(jq -c '.captures[0].environment.hypervisor' json) == null ]] || fail "virtio proves no guest"
	# An integrated display where QEMU puts it is no device whose link is hidden.
	printf '%s\n' '00:00.0 Host bridge: Intel Corporation 82G33/G31/P35/P31 Express DRAM Controller' \
		$'\tSubsystem: Red Hat, Inc. QEMU Virtual Machine' $'\tStatus: Cap- 66MHz-' '' \
		'00:02.0 VGA compatible controller: Intel Corporation UHD Graphics 630' \
		$'\tCapabilities: [70] Express (v2) Root Complex Integrated Endpoint, MSI 00' \
		$'\tKernel driver in use: i915' '' \
		'00:03.0 3D controller: NVIDIA Corporation TU104GL [Tesla T4] (rev a1)' \
		$'\tCapabilities: [78] Express (v2) Root Complex Integrated Endpoint, MSI 00' \
		$'\tKernel driver in use: nvidia' '' >guest
	"$LNKINSPECT" -q -n -F guest >out || true
	grep -q '^LNK201 warning 0000:00:03.0' out || fail "the other is one: $(cat out)"
	! grep -q '0000:00:02.0' out || fail "$(cat out)"
	finish
}

@test "ids that only names tell are no registers" {
	told . 'Red Hat, Inc. QEMU PCIe Root port' >json
	jq -e '(.registers | has("ID") | not) and .vendor == "1b36"' json >/dev/null || fail "$(cat json)"
	# Bytes win.
	cat one - >both <<-'ROWS'
		00:03.0 PCI bridge: Red Hat, Inc. QEMU PCIe Root port
		00: 86 80 01 19 00 00 00 00 00 00 04 06 00 00 00 00
	ROWS
	"$LNKINSPECT" --json -n -F both | jq -e '.captures | length == 1 and
		.[0].functions[0].vendor == "8086"' >/dev/null || fail "bytes lose"
	finish
}

@test "devices that no id tells apart are of one kind by their name" {
	# Two of one kind that run equally narrow are wired so: a notice. One alone is a warning.
	lspci -O hwdb.disable=1 -F "$FIXTURES/lnk005-two-alike/input" -D -vv >names 2>/dev/null || fail "no such fixture"
	sed -E 's/^([^ ]+ [^:]*controller): .*/\1: Some maker thing/' names >alike
	"$LNKINSPECT" -q -n -F alike >out || true
	grep -q '^LNK005 notice' out && ! grep -q '^LNK005 warning' out || fail "alike: $(cat out)"
	awk '/Some maker thing/ { $0 = $0 " " n++ } { print }' alike >different
	"$LNKINSPECT" -q -n -F different >out || true
	grep -q '^LNK005 warning' out || fail "different: $(cat out)"
	finish
}
