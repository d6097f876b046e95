#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fixups.bats - what we hold true of fixups.c: for each row a capture in which it matters, for each
# id that real silicon shares one in which it must not
#
# A row matters where a finding, its severity or a silence changes with it; each README says which.

bats_require_minimum_version 1.5.0
load beliefs

@test "ports that are virtual by their id alone" {
	believe <<-END
		fixup-qemu-root-port LNK002=warning@0000:00:03.0>0000:01:00.0 !LNK003 status=1
		fixup-cxl-root-port LNK002=warning@0000:00:03.0>0000:01:00.0 !LNK003 status=1
		fixup-cxl-switch LNK002=warning@0000:02:00.0>0000:03:00.0 !LNK002@0000:01:00.0 !LNK003 !LNK102 status=1
		fixup-aws-port LNK002=warning@0000:00:1e.0>0000:01:00.0 !LNK003 status=1
		fixup-gcp-port LNK002=warning@0000:00:04.0>0000:01:00.0 LNK002=warning@0000:00:05.0>0000:02:00.0 !LNK003 status=1
		fixup-physical-slot-limit LNK003=notice@0000:00:1b.0>0000:01:00.0 !LNK002 none status=0
	END
}

@test "8086:3420 is virtual with a second sign only" {
	believe <<-END
		lnk204-ioh3420 LNK001=error LNK204=warning
		lnk204-ioh3420-by-pattern LNK002=warning LNK204=warning
		fixup-ioh3420-by-guest LNK002=warning@0000:00:03.0>0000:01:00.0 LNK204=warning@0000:00:03.0>0000:01:00.0 status=1
		fixup-crosvm-root-port LNK001=error@0000:00:03.0>0000:01:00.0 LNK204=warning@0000:00:03.0>0000:01:00.0 status=1
		lnk204-x58-real !LNK001 !LNK002 !LNK204 LNK003=notice none status=0
		lnk204-x58-real-x1 !LNK001 !LNK002 !LNK204 LNK003=notice none status=0
	END
}

@test "104c:8232 and 104c:8233 are virtual with a second sign only" {
	believe <<-END
		lnk204-xio3130 LNK102=error LNK204=warning LNK008=warning
		lnk204-ti-real !LNK002 !LNK102 !LNK204 LNK003=notice none status=0
	END
}

@test "8086:3500 and 8086:3510 are crosvm's in its guest, and Intel's ESB2 elsewhere" {
	believe <<-END
		fixup-crosvm-switch LNK002=warning@0000:02:00.0>0000:03:00.0 !LNK003 !LNK102 !LNK204 status=1
		fixup-esb2-real LNK003=notice@0000:02:00.0>0000:03:00.0 !LNK002 !LNK204 none status=0
	END
}

@test "VMware's ports: constant status, real devices behind them, their own endpoints" {
	believe <<-END
		fixup-vmware-port LNK002=warning@0000:00:15.0>0000:03:00.0 LNK004=warning@0000:00:15.0>0000:03:00.0 !LNK001 !LNK003 status=1
		fixup-vmware-gen4 LNK001=error@0000:00:15.0>0000:03:00.0 !LNK002 !LNK004 status=1
		fixup-vmware-own !LNK004 !LNK001 !LNK002 none status=0
		fixup-vmxnet3-in-qemu !LNK201 none status=0
	END
}

@test "1014:04c1 is virtual in a known guest, and POWER9 silicon elsewhere" {
	believe <<-END
		fixup-powernv-qemu LNK002=warning@0000:00:00.0>0000:01:00.0 !LNK003 status=1
		fixup-power9-real LNK003=notice@0000:00:00.0>0000:01:00.0 !LNK002 !LNK903 none status=0
	END
}

@test "a hypervisor's own device proves the guest" {
	believe <<-END
		fixup-pcie-pci-bridge LNK202=notice@0000:01:01.0 !LNK201 none status=0
		fixup-expander LNK201=warning@0000:00:05.0 status=1
		fixup-generic-host-bridge LNK201=warning@0000:00:05.0 status=1
		fixup-cloud-hypervisor LNK202=notice@0000:00:05.0 !LNK201 none status=0
		fixup-apple LNK202=notice@0000:00:05.0 !LNK201 none status=0
		lnk201-guest-unknown !LNK201 none status=0
	END
}

@test "emulated endpoints: their link is decoration" {
	believe <<-END
		fixup-emulated-fast !LNK001 !LNK002 !LNK004 none status=0
		fixup-qemu-subsystem !LNK201@0000:00:04.0 LNK201=notice@0000:00:05.0 none status=0
		fixup-virtio !LNK201 none status=0
		fixup-redhat-devices !LNK201 none status=0
	END
}

@test "cxl-type3 is emulated, and judged" {
	believe <<-END
		fixup-cxl-type3 LNK001=error@0000:00:03.0>0000:01:00.0 status=1
	END
}

@test "8086:10d3 is QEMU's e1000e with subsystem 8086:0000, and Intel's 82574L elsewhere" {
	believe <<-END
		fixup-e1000e !LNK201@0000:00:04.0 LNK201=notice@0000:00:05.0 none status=0
		fixup-82574l-real LNK401=notice@0000:02:00.0 none status=0
	END
}

@test "the uplink of AMD's X570 is wired x4" {
	believe <<-END
		fixup-x570-uplink LNK005=notice@0000:00:01.2>0000:01:00.0 none status=0
		fixup-uplink-other LNK005=warning@0000:00:01.2>0000:01:00.0 status=1
	END
}

@test "AMD's on-card switch and tunnel ports: an info, and nothing louder" {
	believe <<-END
		lnk206-amd-oncard LNK206=info none status=0
		lnk206-tunnel-in-dock LNK206=info none status=0
		lnk206-usb4-root-port LNK206=info none status=0
		lnk206-plain-switch !LNK206 none status=0
	END
}
