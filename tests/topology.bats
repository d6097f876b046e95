#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# topology.bats - what we hold true of the walk: which functions are ports, what hangs where, and
# which wires are links
#
# Links, ports and parents are written down by hand from the bus numbers in each fixture's spec.

bats_require_minimum_version 1.5.0
load beliefs

# $1: fixture, $2: jq filter on its one capture. Sorted lines.
ask() {
	local status=0
	"$LNKINSPECT" -F "$FIXTURES/$1/input" --json >"$BATS_TEST_TMPDIR/json" || status=$?
	((status != 2 && status <= 3))
	jq -r ".captures[0] | $2" "$BATS_TEST_TMPDIR/json" | LC_ALL=C sort
}

# $1: fixture, the rest: all its links, "PORT>DEVICE" each; "->DEVICE" where no port is in sight.
links_are() {
	local got want
	got=$(ask "$1" '.links[] | (.port.address // "-") + ">" + .device.address')
	want=$(printf '%s\n' "${@:2}" | LC_ALL=C sort)
	[[ $got == "$want" ]] || {
		printf '%s: links\n%s\nnot\n%s\n' "$1" "$got" "$want"
		return 1
	}
}

# $1: fixture, the rest: all its ports, each "PORT" (empty) or "PORT>DEVICE".
ports_are() {
	local got want
	got=$(ask "$1" '.ports[] | .address + (if .empty then "" else ">" + .device end)')
	want=$(printf '%s\n' "${@:2}" | LC_ALL=C sort)
	[[ $got == "$want" ]] || {
		printf '%s: ports\n%s\nnot\n%s\n' "$1" "$got" "$want"
		return 1
	}
}

# $1: fixture, the rest: all its functions, each "FUNCTION" (no parent) or "PARENT/FUNCTION".
tree_is() {
	local got want
	got=$(ask "$1" '.functions[] | (if .parent then .parent + "/" else "" end) + .address')
	want=$(printf '%s\n' "${@:2}" | LC_ALL=C sort)
	[[ $got == "$want" ]] || {
		printf '%s: functions\n%s\nnot\n%s\n' "$1" "$got" "$want"
		return 1
	}
}

@test "a desktop: ports with one device, several functions, none" {
	believe <<-END
		topo-desktop none !LNK903 status=0
	END
	tree_is topo-desktop 0000:00:00.0 0000:00:01.0 0000:00:02.0 0000:00:1b.0 0000:00:1c.0 \
		0000:00:1f.0 0000:00:01.0/0000:01:00.0 0000:00:01.0/0000:01:00.1 \
		0000:00:1b.0/0000:02:00.0
	ports_are topo-desktop '0000:00:01.0>0000:01:00.0' '0000:00:1b.0>0000:02:00.0' 0000:00:1c.0
	links_are topo-desktop '0000:00:01.0>0000:01:00.0' '0000:00:1b.0>0000:02:00.0'
}

@test "a switch: its inner bus is no wire" {
	believe <<-END
		topo-switch none status=0
	END
	tree_is topo-switch 0000:00:00.0 0000:00:01.0 0000:00:01.0/0000:01:00.0 \
		0000:00:01.0/0000:01:00.1 0000:01:00.0/0000:02:08.0 0000:01:00.0/0000:02:10.0 \
		0000:02:08.0/0000:03:00.0 0000:02:10.0/0000:04:00.0
	ports_are topo-switch '0000:00:01.0>0000:01:00.0' '0000:02:08.0>0000:03:00.0' \
		'0000:02:10.0>0000:04:00.0'
	links_are topo-switch '0000:00:01.0>0000:01:00.0' '0000:02:08.0>0000:03:00.0' \
		'0000:02:10.0>0000:04:00.0'
}

@test "a switch below a switch, in a capture that runs backwards" {
	believe <<-END
		topo-cascade none status=0
	END
	tree_is topo-cascade 0000:00:00.0 0000:00:1b.0 0000:00:1b.0/0000:01:00.0 \
		0000:01:00.0/0000:02:01.0 0000:02:01.0/0000:03:00.0 0000:03:00.0/0000:04:01.0 \
		0000:04:01.0/0000:05:00.0
	links_are topo-cascade '0000:00:1b.0>0000:01:00.0' '0000:02:01.0>0000:03:00.0' \
		'0000:04:01.0>0000:05:00.0'
	# functions are told in the order of their addresses, whatever the input's
	run -0 jq -r '.captures[0].functions[].address' "$BATS_TEST_TMPDIR/json"
	[ "${lines[0]}" = 0000:00:00.0 ]
	[ "${lines[6]}" = 0000:05:00.0 ]
}

@test "a PCIe-to-PCI bridge: the wire ends at it" {
	believe <<-END
		topo-pcie-to-pci none !LNK202 !LNK903 status=0
	END
	tree_is topo-pcie-to-pci 0000:00:00.0 0000:00:1c.0 0000:00:1c.0/0000:04:00.0 \
		0000:04:00.0/0000:05:00.0 0000:04:00.0/0000:05:01.0
	ports_are topo-pcie-to-pci '0000:00:1c.0>0000:04:00.0'
	links_are topo-pcie-to-pci '0000:00:1c.0>0000:04:00.0'
}

@test "a reverse bridge: a wire begins at it" {
	believe <<-END
		topo-reverse-bridge none !LNK903 status=0
	END
	tree_is topo-reverse-bridge 0000:00:00.0 0000:00:1e.0 0000:00:1e.0/0000:05:04.0 \
		0000:05:04.0/0000:06:00.0
	ports_are topo-reverse-bridge '0000:05:04.0>0000:06:00.0'
	links_are topo-reverse-bridge '0000:05:04.0>0000:06:00.0'
}

@test "conventional and CardBus bridges: children, no port, no link" {
	believe <<-END
		topo-legacy-bridges none !LNK903 status=0
	END
	tree_is topo-legacy-bridges 0000:00:00.0 0000:00:1e.0 0000:00:1e.0/0000:05:00.0 \
		0000:00:1e.0/0000:05:01.0 0000:05:01.0/0000:06:00.0
	ports_are topo-legacy-bridges
	links_are topo-legacy-bridges
}

@test "integrated endpoints and event collectors: no link, whatever their registers hold" {
	believe <<-END
		topo-integrated none !LNK101 !LNK201 !LNK903 status=0
	END
	ports_are topo-integrated
	links_are topo-integrated
	# nor does the JSON show the leftovers as a link
	run -0 ask topo-integrated '.functions[] | select(.current_link) | .address'
	[ -z "$output" ]
}

@test "several domains: a parent is looked for in its own" {
	believe <<-END
		topo-domains none !LNK107 !LNK903 status=0
		topo-domains-wide none !LNK107 !LNK903 status=0
	END
	tree_is topo-domains 0000:00:00.0 0000:00:1b.0 0000:00:1b.0/0000:01:00.0 \
		0001:00:00.0 0001:00:00.0/0001:01:00.0 \
		10000:00:02.0 10000:00:02.0/10000:01:00.0
	links_are topo-domains '0000:00:1b.0>0000:01:00.0' '0001:00:00.0>0001:01:00.0' \
		'10000:00:02.0>10000:01:00.0'
	tree_is topo-domains-wide 123456:00:00.0 123456:00:00.0/123456:01:00.0 \
		7ffffff:00:00.0 7ffffff:00:00.0/7ffffff:01:00.0 \
		7fffffff:00:00.0 7fffffff:00:00.0/7fffffff:01:00.0 \
		ffffffff:00:00.0 ffffffff:00:00.0/ffffffff:01:00.0
	links_are topo-domains-wide '123456:00:00.0>123456:01:00.0' \
		'7ffffff:00:00.0>7ffffff:01:00.0' '7fffffff:00:00.0>7fffffff:01:00.0' \
		'ffffffff:00:00.0>ffffffff:01:00.0'
}

@test "an expander's bus and other roots without a host bridge are root buses" {
	believe <<-END
		topo-expander none !LNK202 !LNK903 status=0
		topo-many-roots none !LNK903 status=0
	END
	tree_is topo-expander 0000:00:00.0 0000:00:01.0 0000:00:02.0 0000:00:02.0/0000:01:00.0 \
		0000:40:00.0 0000:40:00.0/0000:41:00.0
	links_are topo-expander '0000:00:02.0>0000:01:00.0' '0000:40:00.0>0000:41:00.0'
	tree_is topo-many-roots 0000:00:00.0 0000:17:00.0 0000:17:00.0/0000:18:00.0 0000:85:05.0 \
		0000:85:08.0 0000:d7:02.0 0000:d7:05.0 0000:d7:02.0/0000:d8:00.0
	links_are topo-many-roots '0000:17:00.0>0000:18:00.0' '0000:d7:02.0>0000:d8:00.0'
}

@test "multi-function ports and devices: one wire for each port" {
	believe <<-END
		topo-multifunction none status=0
	END
	tree_is topo-multifunction 0000:00:00.0 0000:00:1c.0 0000:00:1c.1 0000:00:1c.4 \
		0000:00:1c.0/0000:01:00.0 0000:00:1c.0/0000:01:00.1 0000:00:1c.1/0000:02:00.0
	ports_are topo-multifunction '0000:00:1c.0>0000:01:00.0' '0000:00:1c.1>0000:02:00.0' \
		0000:00:1c.4
	links_are topo-multifunction '0000:00:1c.0>0000:01:00.0' '0000:00:1c.1>0000:02:00.0'
}

@test "ARI functions, virtual functions and a hidden function 0: still one link" {
	believe <<-END
		topo-ari none !LNK104 status=0
		topo-vfs LNK207=info@0000:05:10.0 LNK207=info@0000:05:10.2 !LNK207@0000:05:00.0 !LNK105 !LNK104 none status=0
		topo-no-function-0 none status=0
	END
	tree_is topo-ari 0000:00:00.0 0000:00:1b.0 0000:00:1b.0/0000:01:00.0 \
		0000:00:1b.0/0000:01:00.7 0000:00:1b.0/0000:01:01.0 0000:00:1b.0/0000:01:01.3 \
		0000:00:1b.0/0000:01:1f.7
	links_are topo-ari '0000:00:1b.0>0000:01:00.0'
	tree_is topo-vfs 0000:00:00.0 0000:00:1c.0 0000:00:1c.0/0000:05:00.0 \
		0000:00:1c.0/0000:05:10.0 0000:00:1c.0/0000:05:10.2
	links_are topo-vfs '0000:00:1c.0>0000:05:00.0'
	links_are topo-no-function-0 '0000:00:1b.0>0000:01:00.2'
}

@test "two devices below one port: one link" {
	believe <<-END
		topo-two-devices none status=0
	END
	tree_is topo-two-devices 0000:00:00.0 0000:00:03.0 0000:00:03.0/0000:01:00.0 \
		0000:00:03.0/0000:01:01.0
	links_are topo-two-devices '0000:00:03.0>0000:01:00.0'
}

@test "empty ports are ports, and no links" {
	believe <<-END
		topo-empty-ports none !LNK001 !LNK203 !LNK204 status=0
	END
	ports_are topo-empty-ports 0000:00:02.0 0000:00:03.0 0000:00:04.0 0000:00:05.0 \
		'0000:00:06.0>0000:05:00.0' 0000:06:00.0
	links_are topo-empty-ports '0000:00:06.0>0000:05:00.0'
}

@test "a bridge without bus numbers: nothing hangs from it" {
	believe <<-END
		topo-unconfigured none !LNK107 !LNK903 status=0
	END
	tree_is topo-unconfigured 0000:00:00.0 0000:00:1b.0 0000:00:1c.0 0000:00:1b.0/0000:01:00.0
	links_are topo-unconfigured '0000:00:1b.0>0000:01:00.0'
}

@test "an upstream port on a root bus: no port above it to compare" {
	believe <<-END
		topo-upstream-on-root LNK102=notice@0000:01:00.0 !LNK202 !LNK903 none status=0
	END
	tree_is topo-upstream-on-root 0000:00:00.0 0000:00:02.0 0000:00:02.0/0000:01:00.0 \
		0000:01:00.0/0000:02:00.0
	links_are topo-upstream-on-root '->0000:00:02.0' '0000:01:00.0>0000:02:00.0'
}

@test "a device whose bridge is not in the capture: said, and status 3" {
	believe <<-END
		topo-orphan LNK903=notice none status=3
	END
	run -0 ask topo-orphan '.functions[] | select(.address == "0000:05:00.0") | .parent'
	[ "$output" = null ]
	links_are topo-orphan '0000:00:1b.0>0000:01:00.0' '->0000:05:00.0'
}

@test "bus numbers that loop or overlap: a finding, an end, and no guess" {
	local name
	believe <<-END
		topo-bus-loop LNK107=warning@0000:02:01.0 !LNK107@0000:00:01.0 status=1
		topo-bus-ring LNK107=warning@0000:09:00.0 LNK107=warning status=1
		topo-bus-overlap LNK107=warning@0000:00:1b.0 LNK107=warning@0000:00:1c.0 !LNK107@0000:00:1d.0 status=1
	END
	tree_is topo-bus-loop 0000:00:00.0 0000:00:01.0 0000:00:01.0/0000:01:00.0 \
		0000:01:00.0/0000:02:01.0
	links_are topo-bus-loop '0000:00:01.0>0000:01:00.0'
	tree_is topo-bus-overlap 0000:00:00.0 0000:00:1b.0 0000:00:1c.0 0000:00:1d.0 \
		0000:01:00.0 0000:00:1d.0/0000:02:00.0
	links_are topo-bus-overlap '->0000:01:00.0' '0000:00:1d.0>0000:02:00.0'
	# no way up may go round: it ends before it has more steps than there are functions
	for name in topo-bus-loop topo-bus-ring; do
		# shellcheck disable=SC2016 # the variable is jq's
		run -0 ask "$name" '[.functions[] | {(.address): .parent}] | add as $up |
			$up | keys[] | [limit(20; recurse($up[.] // empty))] | length < 20'
		[[ $output == *true* && $output != *false* ]]
	done
}

# ---- Paths: what the kernel says of them (dmesg), as its walk has it --------------------------------

# $1: fixture, $2: device. The kernel's line about it.
kernel_line() {
	ask "$1" ".paths[] | select(.device == \"$2\") | .kernel_line"
}

@test "the kernel's line names the slowest hop; on a tie the one nearer the root" {
	run -0 kernel_line lnk203-legacy-port 0000:01:00.0
	[ "$output" = "2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:03.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)" ]
	run -0 kernel_line lnk204-xio3130 0000:03:00.0
	[ "$output" = "2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)" ]
	run -0 kernel_line fixup-vmware-gen4 0000:03:00.0
	[ "$output" = "128.000 Gb/s available PCIe bandwidth, limited by 5.0 GT/s PCIe x32 link at 0000:00:15.0 (capable of 252.048 Gb/s with 16.0 GT/s PCIe x16 link)" ]
}

@test "the kernel has no line where nothing limits" {
	run -0 kernel_line topo-switch 0000:03:00.0
	[ "$output" = null ]
	run -0 ask topo-switch '.paths[] | select(.device == "0000:03:00.0") | .gbps + " " + .limited_by.address'
	[ "$output" = "126.016 0000:00:01.0" ]
}
