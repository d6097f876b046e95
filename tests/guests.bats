#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guests.bats - what captures from tests/guest must and must not give, derived by hand from their
# registers, which stand in the README of each
#
# The devices with a link of their own are cxl-type3, which stand in for assigned ones.

load beliefs

@test "the origin case, from a machine type of 2018 and by hand" {
	# Port LNKCAP 00000411 = 2.5 x1; device LNKSTA 0103 = 8 x16. Only the legacy machine type
	# leaves the port without ACS.
	believe <<-'END'
	qemu-origin-legacy LNK001=error@0000:00:03.0>0000:01:00.0 LNK203=warning@0000:00:03.0>0000:01:00.0 !LNK002 !LNK004 status=1
	qemu-origin-by-hand LNK001=error@0000:00:03.0>0000:01:00.0 !LNK002 !LNK004 !LNK203 status=1
	qemu-arm-virt-3.1 LNK001=error@0000:00:01.0>0000:01:00.0 LNK203=warning@0000:00:01.0>0000:01:00.0 !LNK009 status=1
	END
}

@test "today's default port, 16GT/s x32, before a Gen5 device, plugged or there from the start" {
	# Port LNKCAP 00300604, device LNKSTA 0105 = 32 x16: faster, though not wider.
	believe <<-'END'
	qemu-gen5-default-port LNK001=error@0000:00:03.0>0000:01:00.0 !LNK002 !LNK203 status=1
	qemu-hot-plug-before none !LNK009 status=0
	qemu-hot-plug-added LNK001=error@0000:00:03.0>0000:01:00.0 !LNK002 !LNK009 status=1
	qemu-hot-plug-removed none !LNK009 status=0
	END
}

@test "a slow port, though wide enough" {
	# Port LNKCAP 00200501 = 2.5 x16, with ACS. A device at 0103 = 8 x16 is faster than that; one
	# that idles at 0101 is not, but its LNKCAP 00000503 says that it can be, by a factor of four.
	believe <<-'END'
	qemu-hot-plug-native-before none !LNK009 status=0
	qemu-hot-plug-native-added LNK001=error@0000:00:03.0>0000:01:00.0 !LNK002 !LNK203 status=1
	qemu-hot-plug-native-removed none !LNK009 status=0
	qemu-idle LNK002=warning@0000:00:03.0>0000:01:00.0 !LNK001 !LNK006 !LNK203 status=1
	END
}

@test "ports modelled on old silicon" {
	# ioh3420: 00000411. xio3130-downstream: 00000400, neither speed nor width, at 02:00.0 before a
	# device at 32 x16, at 02:01.0 before nothing. All hops run 2.5 x1.
	believe <<-'END'
	qemu-ioh3420 LNK001=error@0000:00:03.0>0000:01:00.0 LNK204=warning@0000:00:03.0>0000:01:00.0 !LNK203 status=1
	qemu-switch LNK102=error@0000:02:00.0 LNK102=notice@0000:02:01.0 LNK204=warning@0000:02:00.0>0000:03:00.0 LNK008=warning@0000:03:00.0 !LNK001 !LNK002 !LNK204@0000:02:01.0 status=1
	END
}

@test "a CXL switch is judged on both sides" {
	# Root port 00300443 = 8 x4 before a switch at 0104 = 16 x16; its port 01000411 = 2.5 x1 before
	# a device at 0103 = 8 x16, which the root port's 8 x4 slows as well.
	believe <<-'END'
	qemu-cxl-switch LNK001=error@0000:00:03.0>0000:01:00.0 LNK001=error@0000:02:00.0>0000:03:00.0 LNK008=warning@0000:03:00.0 !LNK102 !LNK204 status=1
	END
}

@test "on arm: a default port that fits, one that does not, and a switch" {
	# Ports 00300604 = 16 x32, devices at 8 x16 and 32 x16; below the switch, as above.
	believe <<-'END'
	qemu-arm-virt LNK001=error@0000:00:02.0>0000:02:00.0 LNK102=error@0000:04:00.0 LNK204=warning@0000:04:00.0>0000:05:00.0 LNK008=warning@0000:05:00.0 !LNK001@0000:01:00.0 !LNK009 status=1
	END
}

@test "the origin case, mended as suggested" {
	# Port LNKCAP 00300503 = device LNKSTA 0103 = 8 x16, on the same machine type.
	believe <<-'END'
	qemu-origin-mended none !LNK001 !LNK002 !LNK004 !LNK203 status=0
	END
}

@test "ports that tell the truth, ports with nothing below, emulated devices" {
	# Device LNKSTA 0103 behind ports of 00300503 and 00300604. nvme: 2.5 x1 for decoration.
	believe <<-'END'
	qemu-consistent none !LNK002 !LNK005 !LNK006 !LNK205 status=0
	qemu-empty-ports none !LNK009 !LNK102 !LNK203 !LNK204 !LNK903 status=0
	qemu-riscv-virt none !LNK203 !LNK009 status=0
	END
}

@test "several functions in a slot, one device in several slots, virtual functions" {
	# Function 0 is an emulated drive at 0011, function 1 runs 0103. Serial number 0000000000001122
	# behind two ports. ID ffffffff: a VF on its host.
	believe <<-'END'
	qemu-multi-function LNK104=warning@0000:00:03.0>0000:01:00.0 !LNK001 !LNK008 status=1
	qemu-same-serial none LNK205=notice@0000:02:00.0 !LNK205@0000:01:00.0 !LNK001 status=0
	qemu-sriov none LNK207=info@0000:01:00.1 LNK207=info@0000:01:00.2 !LNK104 !LNK105 status=0
	END
}

@test "devices without a port" {
	# PCIECAP 0092: an integrated endpoint. 0002 on a conventional bus: an endpoint that has lost its
	# link. The drives beside them are emulated.
	believe <<-'END'
	qemu-root-bus none LNK201=notice@0000:00:04.0 !LNK201@0000:00:05.0 !LNK101 !LNK202 status=0
	qemu-i440fx none LNK202=notice@0000:00:04.0 !LNK202@0000:00:05.0 !LNK103 !LNK201 status=0
	qemu-pci-bridge none LNK202=notice@0000:02:01.0 !LNK202@0000:02:02.0 !LNK001 !LNK201 status=0
	END
}

@test "several root buses, several domains" {
	# Root buses 20 and 40: port 00000411 before 0103, port 00300604 before the same. Domains 1 and
	# 2: a void LNKCAP above an emulated drive, and above what passes for a real card.
	believe <<-'END'
	qemu-root-buses LNK001=error@0000:20:00.0>0000:21:00.0 !LNK001@0000:41:00.0 !LNK107 !LNK205 !LNK903 status=1
	qemu-ppc64-domains LNK102=error@0002:02:00.0 LNK102=notice@0001:02:00.0 LNK102=notice@0001:02:01.0 LNK102=notice@0002:02:01.0 !LNK107 !LNK202 status=1
	END
}

@test "each capture of a guest is believed in" {
	local fixture
	for fixture in "$FIXTURES"/qemu-*; do
		grep -q "^	${fixture##*/} " "$BATS_TEST_FILENAME" || {
			echo "${fixture##*/}"
			return 1
		}
	done
}
