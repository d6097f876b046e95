#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rules-host.bats - what we hold true of family 2xx: where the hypervisor put the device
#
# Each fixture is synthesised; its README says which registers it claims and why the verdict follows.
# Beliefs are derived from those by hand, never from what is printed.

bats_require_minimum_version 1.5.0
load beliefs

@test "LNK201: a device on the guest's root bus has its link hidden" {
	believe <<-END
		lnk201-gpu-on-root-bus LNK201=warning@0000:00:05.0 !LNK202 status=1
		lnk201-accelerators-on-root-bus LNK201=warning@0000:00:05.0 LNK201=warning@0000:00:06.0 LNK201=warning@0000:00:07.0 status=1
		lnk201-guest-by-head LNK201=warning@0000:00:05.0 status=1
		lnk201-discrete-gpu-at-igd-place LNK201=warning@0000:00:02.0 status=1
		lnk201-arc-off-igd-place LNK201=warning@0000:00:05.0 status=1
	END
}

@test "LNK201: a notice for what is no display and no accelerator" {
	believe <<-END
		lnk201-nic-on-root-bus LNK201=notice@0000:00:05.0 !LNK202 none status=0
	END
}

@test "LNK201: not for emulated devices, integrated GPUs, bare metal, nor functions without a link" {
	believe <<-END
		lnk201-emulated-on-root-bus !LNK201 !LNK202 none status=0
		lnk201-igd-passthrough !LNK201 none status=0
		lnk201-bare-metal !LNK201 !LNK202 none status=0
		lnk201-guest-unknown !LNK201 none status=0
		lnk201-nitro-display !LNK201 !LNK202 none status=0
	END
}

@test "LNK202: no port above the device that the guest could see" {
	believe <<-END
		lnk202-i440fx LNK202=notice@0000:00:05.0 !LNK201 !LNK903 none status=0
		lnk202-hyperv-domain LNK202=notice@0001:00:00.0 LNK202=notice@000b:00:00.0 !LNK903 none status=0
		lnk202-hyperv-gen1 LNK202=notice@0002:00:00.0 !LNK202@0000:00:08.0 !LNK903 none status=0
		lnk202-behind-pci-bridge LNK202=notice@0000:02:01.0 !LNK202@0000:02:02.0 !LNK202@0000:01:00.0 none status=0
		lnk202-xen-hvm LNK202=notice@0000:00:04.0 !LNK202@0000:00:02.0 none status=0
	END
}

@test "LNK202: not for emulated devices, bare metal, nor where the root bus may be incomplete" {
	believe <<-END
		lnk202-i440fx-emulated !LNK202 !LNK201 none status=0
		lnk202-bare-metal !LNK202 none status=0
		lnk202-incomplete !LNK202 !LNK201 LNK903=notice none status=3
		lnk203-by-hand-acs LNK001=error !LNK202
	END
}

@test "LNK203: the port of a legacy machine type, told by 2.5GT/s x1 without ACS" {
	believe <<-END
		lnk203-legacy-port LNK001=error@0000:00:03.0>0000:01:00.0 LNK203=warning@0000:00:03.0>0000:01:00.0 !LNK002 !LNK004 status=1
		lnk203-legacy-port-idle LNK002=warning@0000:00:03.0>0000:01:00.0 LNK203=warning@0000:00:03.0>0000:01:00.0 !LNK001 !LNK003 status=1
	END
}

@test "LNK203: not with ACS, a wider port, an emulated or slow device, nor an empty port" {
	believe <<-END
		lnk203-by-hand-acs LNK001=error@0000:00:03.0>0000:01:00.0 !LNK203 status=1
		lnk203-by-hand-acs-idle LNK002=warning@0000:00:03.0>0000:01:00.0 !LNK203 status=1
		lnk203-wide-port LNK001=error@0000:00:03.0>0000:01:00.0 !LNK203 status=1
		lnk203-emulated-below !LNK203 !LNK002 none status=0
		lnk203-slow-card !LNK203 !LNK002 none status=0
	END
}

@test "LNK203: cannot tell without extended space" {
	believe <<-END
		lnk203-256-bytes ?LNK203@0000:01:00.0 LNK001=error@0000:00:03.0>0000:01:00.0 !LNK203 status=1
	END
}

@test "LNK204: a port modelled on old silicon" {
	believe <<-END
		lnk204-ioh3420 LNK001=error@0000:00:03.0>0000:01:00.0 LNK204=warning@0000:00:03.0>0000:01:00.0 !LNK203 status=1
		lnk204-ioh3420-by-pattern LNK002=warning@0000:00:03.0>0000:01:00.0 LNK204=warning@0000:00:03.0>0000:01:00.0 status=1
		lnk204-xio3130 LNK102=error@0000:02:00.0 LNK204=warning@0000:02:00.0>0000:03:00.0 LNK008=warning@0000:03:00.0 !LNK001 !LNK002 !LNK004 !LNK203 !LNK204@0000:01:00.0 status=1
	END
}

@test "LNK204: not for the silicon that the models were taken from, nor for emulated devices" {
	believe <<-END
		lnk204-x58-real !LNK204 !LNK002 LNK003=notice@0000:00:03.0>0000:01:00.0 none status=0
		lnk204-x58-real-x1 !LNK204 !LNK002 LNK003=notice@0000:00:03.0>0000:01:00.0 none status=0
		lnk204-ti-real !LNK204 !LNK002 !LNK102 LNK003=notice@0000:02:00.0>0000:03:00.0 none status=0
		lnk204-ioh3420-emulated !LNK204 none status=0
	END
}

@test "LNK205: functions of one device spread over virtual slots" {
	believe <<-END
		lnk205-same-dsn LNK205=notice none status=0
		lnk205-gpu-audio-split LNK205=notice none status=0
	END
}

@test "LNK205: not in one slot, not for devices that are only alike, not on bare metal" {
	believe <<-END
		lnk205-same-slot !LNK205 none status=0
		lnk205-alike-cards !LNK205 none status=0
		lnk205-bare-metal !LNK205 none status=0
	END
}

@test "LNK206: the link that is visible is inside the card, or a tunnel" {
	believe <<-END
		lnk206-amd-oncard LNK206=info@0000:02:00.0>0000:03:00.0 !LNK206@0000:01:00.0 none status=0
		lnk206-tunnel-in-dock LNK206=info@0000:05:01.0>0000:06:00.0 !LNK008 none status=0
		lnk206-usb4-root-port LNK206=info@0000:00:07.0>0000:20:00.0 none status=0
	END
}

@test "LNK206: not for a switch on the board, nor for a real wire of a Thunderbolt controller" {
	believe <<-END
		lnk206-dock-real-wires LNK206=info@0000:00:07.0>0000:06:00.0 !LNK206@0000:08:00.0 !LNK206@0000:09:00.0 LNK005=warning@0000:07:04.0>0000:09:00.0 status=1
		lnk206-tunnel-in-dock !LNK206@0000:08:00.0 !LNK206@0000:04:00.0 none
		lnk206-plain-switch !LNK206 none status=0
	END
}

@test "LNK207: a virtual function has no link status of its own" {
	believe <<-END
		lnk207-vf-in-guest LNK207=info !LNK002 !LNK004 !LNK005 !LNK006 none status=0
		lnk207-vf-on-host LNK207=info@0000:05:00.2 LNK207=info@0000:05:00.3 !LNK207@0000:05:00.0 !LNK207@0000:05:00.1 !LNK105 !LNK104 none status=0
	END
}

@test "LNK207: not for a device with a link" {
	believe <<-END
		lnk203-legacy-port-idle !LNK207 LNK002=warning LNK203=warning
		lnk206-plain-switch !LNK207 none
	END
}
