#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rules.bats - what real QEMU captures must and must not give, derived by hand from their registers
#
# qtest-*: read through qtest, bus numbers by script. guest-*: lspci in booted guests. The devices
# with a link of their own are cxl-type3, which stand in for assigned ones.

load beliefs

@test "the origin case: a 2.5GT/s x1 port before a device at 8GT/s x16" {
	# Port LNKCAP 00000411 = 2.5 x1; device LNKSTA 0103 = 8 x16. The legacy machine type leaves the
	# port without ACS (LNK203); a port that was set by hand has it.
	believe <<-'END'
	qtest-gen3x16-ep-legacy31-rp LNK001=error@0000:00:01.0>0000:01:00.0 LNK203=warning@0000:00:01.0>0000:01:00.0 status=1
	guest-seed-cxl-port-2.5x1-ep-8x16 LNK001=error@0000:00:03.0>0000:01:00.0 !LNK203 status=1
	END
}

@test "today's default port, 16GT/s x32, before a Gen5 device" {
	# Port LNKCAP 00300604, device LNKSTA 0105 = 32 x16: faster, though not wider.
	believe <<-'END'
	qtest-gen5-ep-modern-rp LNK001=error@0000:00:01.0>0000:01:00.0 !LNK002 !LNK203 !LNK004 status=1
	qtest-q35-61 LNK001=error@0000:00:01.0>0000:01:00.0 !LNK009 status=1
	END
}

@test "ports modelled on old silicon" {
	# ioh3420 LNKCAP 00000411; xio3130-downstream LNKCAP 00000400: speed 0, width 0, so LNK001 to
	# LNK006 have nothing to compare with. LNK008 names the root port: all hops run 2.5 x1 and ties
	# go to the root, as in the kernel's line.
	believe <<-'END'
	qtest-gen5-ep-ioh3420 LNK001=error@0000:00:01.0>0000:01:00.0 LNK204=warning@0000:00:01.0>0000:01:00.0 !LNK203 status=1
	qtest-gen5-ep-switch LNK102=error@0000:02:00.0 LNK204=warning@0000:02:00.0>0000:03:00.0 LNK008=warning@0000:03:00.0 !LNK001 !LNK002 status=1
	guest-seed-x3130-switch-ep-8x16 LNK102=error@0000:02:00.0 LNK102=error@0000:02:02.0 LNK102=notice@0000:02:01.0 LNK204=warning@0000:02:00.0>0000:03:00.0 LNK204=warning@0000:02:02.0>0000:05:00.0 LNK008=warning@0000:03:00.0 LNK008=warning@0000:05:00.0 !LNK001 !LNK204@0000:04:00.0 status=1
	qtest-switch-xio3130 none LNK102=notice@0000:02:00.0 LNK102=notice@0000:02:01.0 !LNK204 !LNK008 status=0
	END
	run "$LNKINSPECT" -q -n --only LNK008 -F "$FIXTURES/qtest-gen5-ep-switch/input"
	[[ $output == *" 0000:00:01.0 runs 2.5GT/s x1 "* ]]
}

@test "ports that tell the truth" {
	believe <<-'END'
	qtest-gen3x16-ep-modern-rp none !LNK002 !LNK005 !LNK006 !LNK101 status=0
	qtest-gen5-ep-rp-32x16 none !LNK002 status=0
	qtest-cxl-switch none status=0
	guest-live-degrade-and-falloff-1-normal none status=0
	END
}

@test "emulated devices have no link to judge" {
	# nvme, virtio, e1000e, igb, xhci: 2.5GT/s x1 for decoration behind ports of 16GT/s x32.
	believe <<-'END'
	qtest-arm-virt-3.1 none !LNK203 status=0
	qtest-multifn-rp none status=0
	qtest-pxb-pcie none status=0
	qtest-rp-5x4-native none status=0
	qtest-igb-sriov-vfs none LNK207=info@0000:01:10.0 LNK207=info@0000:01:10.2 !LNK105 status=0
	guest-sriov-igb-3vf none LNK207=info@0000:01:10.0 LNK207=info@0000:01:10.2 LNK207=info@0000:01:10.4 !LNK105 status=0
	guest-virtio-behind-ports-typical-libvirt none status=0
	guest-hotplug-acpi-default-nvme-1-empty none status=0
	guest-hotplug-acpi-default-nvme-2-added none status=0
	guest-hotplug-acpi-default-nvme-3-removed none status=0
	guest-ppc-powernv9-multidomain none LNK102=notice@0002:02:00.0 LNK102=notice@0002:02:01.0 status=0
	END
}

@test "no link at all: empty ports, conventional devices, root buses" {
	believe <<-'END'
	qtest-modern-rp-empty none !LNK009 !LNK903 status=0
	qtest-rp-conventional-e1000 none status=0
	qtest-pcie-pci-bridge none !LNK202 status=0
	qtest-rootbus-ep none !LNK201 !LNK101 status=0
	qtest-i440fx-nvme none !LNK202 !LNK103 status=0
	guest-i440fx-conventional none !LNK202 !LNK103 status=0
	guest-rciep-root-bus none LNK201=notice@0000:00:08.0 !LNK101 !LNK201@0000:00:04.0 status=0
	END
}

@test "several devices in one slot: the port mirrors the first" {
	# fn 0 is an emulated nvme at 2.5 x1, fn 1 runs LNKSTA 0103 = 8 x16.
	believe <<-'END'
	guest-multifunction-fn0-slow LNK104=warning@0000:00:03.0>0000:01:00.0 !LNK001 status=1
	END
}

@test "a link that degrades, a device that falls off the bus" {
	# 0101 = 2.5 x16 at both ends of an 8 x16 link: the real slot is out of sight, a notice. Then ff
	# everywhere while the port says DLLLA (LNKSTA 2103).
	believe <<-'END'
	guest-live-degrade-and-falloff-2-degraded none LNK006=notice@0000:00:03.0>0000:01:00.0 status=0
	guest-live-degrade-and-falloff-3-fallen-off LNK105=warning@0000:01:00.0 status=1
	END
}

# $1 fixture, $2 the sentence as the guest's kernel printed it
kernel_says() {
	run "$LNKINSPECT" --json -n -F "$FIXTURES/$1/input"
	[[ $output == *"\"$2\""* ]] || {
		echo "$1: not in the JSON: $2"
		return 1
	}
}

@test "the kernel's bandwidth lines, to the digit" {
	kernel_says guest-seed-cxl-port-2.5x1-ep-8x16 "2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:03.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)"
	kernel_says guest-seed-x3130-switch-ep-8x16 "2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:03.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)"
	kernel_says guest-seed-x3130-switch-ep-8x16 "2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:03.0 (capable of 504.112 Gb/s with 32.0 GT/s PCIe x16 link)"
	kernel_says qtest-gen5-ep-modern-rp "252.048 Gb/s available PCIe bandwidth, limited by 16.0 GT/s PCIe x16 link at 0000:00:01.0 (capable of 504.112 Gb/s with 32.0 GT/s PCIe x16 link)"
}

@test "no line of the kernel's where nothing is limited" {
	for f in qtest-gen3x16-ep-modern-rp qtest-gen5-ep-rp-32x16; do
		run "$LNKINSPECT" --json -n -F "$FIXTURES/$f/input"
		[ "$status" -eq 0 ]
		[[ $output == *'"paths"'* && $output != *"limited by"* ]] || { echo "$f"; return 1; }
	done
}
