#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rules-link.bats - what we hold true of the rules about links: families 0xx and 1xx
#
# Each fixture is synthesised; its README says which registers it claims and why the verdict follows.
# Beliefs are derived from those by hand, never from what is printed.

bats_require_minimum_version 1.5.0
load beliefs

# The message of the finding $2 in fixture $1.
message() {
	"$LNKINSPECT" -F "$FIXTURES/$1/input" -q -n | sed -n "s/^$2 [a-z]* [^ ]*  //p"
}

# ---- 0xx: the two ends of one link --------------------------------------------------------------

@test "LNK001: the device runs faster or wider than its port says is possible" {
	believe <<-END
		lnk001-origin-gpu LNK001=error@0000:00:01.0>0000:01:00.0 LNK203=warning@0000:00:01.0>0000:01:00.0 !LNK002 !LNK004 !LNK008 !LNK101 !LNK104 status=1
		lnk001-port-8x16-gen5 LNK001=error@0000:00:01.0>0000:01:00.0 !LNK002 !LNK004 !LNK203 status=1
		lnk001-wider-only LNK001=error@0000:00:01.0>0000:01:00.0 !LNK004 !LNK101 status=1
		lnk001-equal none !LNK001 !LNK002 !LNK004 status=0
		lnk001-emulated none !LNK001 !LNK002 !LNK004 !LNK008 status=0
		lnk001-vf none !LNK001 !LNK002 !LNK004 !LNK005 !LNK006 status=0
	END
}

@test "LNK001: the message names both ends, their rates in GB/s and the ratio" {
	run -0 message lnk001-origin-gpu LNK001
	# 2.5GT/s x1: 2000 Mb/s = 0.25 GB/s; 8GT/s x16: 126016 Mb/s = 15.75 GB/s; 63 of the former
	[[ $output == *"2.5GT/s x1"* && $output == *"0.25 GB/s"* ]]
	[[ $output == *"8GT/s x16"* && $output == *"15.75 GB/s"* ]]
	[[ $output == *63* ]]
}

@test "LNK002: a virtual port advertises less than the device can do" {
	believe <<-END
		lnk002-idle-gpu LNK002=warning@0000:00:01.0>0000:01:00.0 LNK006=notice@0000:00:01.0>0000:01:00.0 !LNK001 status=1
		lnk002-half-width LNK002=notice@0000:00:01.0>0000:01:00.0 !LNK001 none status=0
		lnk002-half-speed LNK002=notice@0000:00:01.0>0000:01:00.0 !LNK001 none status=0
		lnk002-default-port-gen5 LNK002=notice@0000:00:01.0>0000:01:00.0 !LNK001 none status=0
		lnk002-emulated-idle none !LNK001 !LNK002 !LNK004 status=0
		lnk006-virtual-port none !LNK002
		lnk003-slot-is-limit none !LNK002
	END
}

@test "LNK003: a physical slot is the limit" {
	believe <<-END
		lnk003-slot-is-limit LNK003=notice@0000:00:01.0>0000:01:00.0 !LNK002 !LNK006 none status=0
		lnk003-card-is-limit none !LNK003 !LNK005 !LNK006 status=0
		lnk002-idle-gpu LNK002=warning !LNK003
		lnk102-speed-0 LNK102=error !LNK003
	END
}

@test "LNK004: the two ends' status differs" {
	believe <<-END
		lnk004-read-apart LNK004=warning@0000:00:01.0>0000:01:00.0 !LNK001 !LNK005 status=1
		lnk004-stale-virtual LNK004=warning@0000:00:01.0>0000:01:00.0 !LNK001 !LNK101 status=1
		lnk004-vmware-constant LNK004=warning@0000:00:15.0>0000:03:00.0 !LNK004@0000:0b:00.0 !LNK001 !LNK005 status=1
		lnk004-void-below none !LNK004 !LNK005 !LNK006 status=0
		lnk001-port-8x16-gen5 LNK001=error !LNK004
	END
}

@test "LNK005: narrower than both ends allow" {
	believe <<-END
		lnk005-lanes-lost LNK005=warning@0000:00:01.0>0000:01:00.0 !LNK006 status=1
		lnk005-virtual-port LNK005=notice@0000:00:01.0>0000:01:00.0 none status=0
		lnk005-soldered LNK005=notice@0000:00:1b.0>0000:01:00.0 none status=0
		lnk005-two-alike LNK005=notice@0000:00:1b.0>0000:01:00.0 LNK005=notice@0000:00:1d.0>0000:02:00.0 none status=0
		lnk005-alike-one-full LNK005=warning@0000:00:1b.0>0000:01:00.0 !LNK005@0000:02:00.0 status=1
		lnk005-not-alike LNK005=warning@0000:00:1b.0>0000:01:00.0 LNK005=warning@0000:00:1d.0>0000:02:00.0 status=1
		lnk005-x570-uplink LNK005=notice@0000:00:01.2>0000:02:00.0 !LNK005@0000:04:00.0 none status=0
		lnk005-port-narrower LNK003=notice !LNK005 none status=0
	END
}

@test "LNK006: slower than both ends allow, without a cause" {
	believe <<-END
		lnk006-nvme-slow LNK006=warning@0000:00:1b.0>0000:01:00.0 !LNK005 !LNK007 status=1
		lnk006-idle-gpu LNK006=notice@0000:00:01.0>0000:01:00.0 !LNK007 none status=0
		lnk006-idle-3d LNK006=notice@0000:00:01.0>0000:01:00.0 none status=0
		lnk006-idle-accelerator LNK006=notice@0000:00:01.0>0000:01:00.0 none status=0
		lnk006-gpu-narrow LNK006=warning@0000:00:01.0>0000:01:00.0 LNK005=warning@0000:00:01.0>0000:01:00.0 status=1
		lnk006-virtual-port LNK006=notice@0000:00:01.0>0000:01:00.0 !LNK002 none status=0
		lnk006-common-maximum LNK003=notice !LNK006 none status=0
		lnk007-target-speed LNK007=warning !LNK006
	END
}

@test "LNK007: settings hold the link below what both ends allow" {
	believe <<-END
		lnk007-target-speed LNK007=warning@0000:00:1b.0>0000:01:00.0 !LNK006 status=1
		lnk007-autonomous-off LNK007=warning@0000:00:1b.0>0000:01:00.0 !LNK006 status=1
		lnk007-autonomous-at-full none !LNK007 !LNK006 status=0
		lnk007-target-is-common none !LNK007 !LNK006 status=0
		lnk007-target-void LNK006=warning@0000:00:1b.0>0000:01:00.0 !LNK007 status=1
		lnk007-virtual-port LNK006=notice@0000:00:01.0>0000:01:00.0 !LNK007 none status=0
	END
}

@test "LNK008: a hop nearer the root is slower than the device's own link" {
	believe <<-END
		lnk008-virtual-hop LNK008=warning@0000:03:00.0 !LNK001 !LNK002 !LNK008@0000:01:00.0 status=1
		lnk008-physical-hop LNK008=notice@0000:03:00.0 !LNK008@0000:01:00.0 none status=0
		lnk008-tie none !LNK008 status=0
		lnk008-zero-hop none !LNK008 !LNK004 !LNK005 !LNK006 status=0
		lnk008-emulated none !LNK008 !LNK001 !LNK002 status=0
		lnk001-port-8x16-gen5 LNK001=error !LNK008
	END
}

@test "LNK008: of two equal hops the one nearer the root is named" {
	run -0 message lnk008-virtual-hop LNK008
	[[ $output == *00:01.0* && $output == *"8GT/s x4"* ]]
	[[ $output != *01:00.0* ]]
}

@test "LNK009: a card is present in a hot-plug slot and the link is down" {
	believe <<-END
		lnk009-slot-down LNK009=error@0000:00:02.0 !LNK903 status=1
		lnk009-plain-slot LNK009=notice@0000:00:02.0 none status=0
		lnk009-no-llactrep none !LNK009
		lnk009-slot-empty none !LNK009 !LNK101 !LNK105 status=0
		lnk009-asleep-ffs LNK105=notice@0000:01:00.0 !LNK009 none status=3
		lnk009-asleep-told LNK908=info@0000:01:00.0 !LNK009 none status=3
		lnk009-no-slot none !LNK009 status=0
		lnk009-virtual none !LNK009 status=0
	END
}

# ---- 1xx: one end contradicts itself ------------------------------------------------------------

@test "LNK101: status above the function's own capability" {
	believe <<-END
		lnk101-endpoint LNK101=error@0000:01:00.0 !LNK001 !LNK004 !LNK101@0000:00:1b.0 status=1
		lnk101-port LNK101=error@0000:00:1b.0 LNK001=error@0000:00:1b.0>0000:01:00.0 !LNK101@0000:01:00.0 !LNK004 status=1
		lnk101-no-link-state none !LNK101
		lnk009-slot-empty none !LNK101
		lnk102-void-endpoint none !LNK101
		lnk103-rciep none !LNK101
	END
}

@test "LNK102: a port's capability is void or reserved" {
	believe <<-END
		lnk102-speed-0 LNK102=error@0000:00:1b.0 ?LNK001@0000:01:00.0 ?LNK003@0000:01:00.0 ?LNK004@0000:01:00.0 ?LNK005@0000:01:00.0 ?LNK006@0000:01:00.0 !LNK101 status=1
		lnk102-code-8 LNK102=error@0000:00:1b.0 ?LNK001@0000:01:00.0 !LNK101 !LNK103 status=1
		lnk102-width-0 LNK102=error@0000:00:1b.0 ?LNK001@0000:01:00.0 !LNK101 status=1
		lnk102-width-3 LNK102=error@0000:00:1b.0 ?LNK001@0000:01:00.0 !LNK101 status=1
		lnk102-empty LNK102=notice@0000:02:00.0 none status=0
		lnk102-emulated LNK102=notice@0000:02:00.0 !LNK001 !LNK101 none status=0
		lnk102-legal-extremes none !LNK102 !LNK103 status=0
		lnk102-void-endpoint none !LNK102 !LNK101 !LNK103
		lnk102-text-unknown none !LNK102 ?LNK001@0000:01:00.0
	END
}

@test "LNK103: the vector of speeds contradicts the maximum" {
	believe <<-END
		lnk103-max-missing LNK103=warning@0000:01:00.0 !LNK103@0000:00:1b.0 status=1
		lnk103-gap LNK103=warning@0000:00:1b.0 !LNK103@0000:01:00.0 status=1
		lnk103-empty-8gt LNK103=warning@0000:01:00.0 !LNK103@0000:00:1b.0 status=1
		lnk103-empty-5gt none !LNK103 status=0
		lnk103-beyond none !LNK103 !LNK006 status=0
		lnk103-v1 none !LNK103 status=0
		lnk103-rciep none !LNK103 !LNK101 status=0
	END
}

@test "LNK104: functions of one component show different links" {
	believe <<-END
		lnk104-functions-differ LNK104=warning@0000:00:01.0>0000:01:00.0 !LNK004 !LNK005 status=1
		lnk104-caps-differ none !LNK104 status=0
		lnk104-zero none !LNK104 status=0
		lnk104-vf none !LNK104 !LNK105 status=0
		lnk104-across-ports none !LNK104 status=0
		lnk001-origin-gpu LNK001=error LNK203=warning !LNK104
	END
}

@test "LNK105: a function reads all ones" {
	believe <<-END
		lnk105-gone LNK105=warning@0000:01:00.0 !LNK001 !LNK102 !LNK103 !LNK902 status=1
		lnk105-link-registers LNK105=warning@0000:01:00.0 !LNK001 !LNK004 !LNK101 status=1
		lnk105-port-down LNK105=notice@0000:01:00.0 !LNK009 none status=3
		lnk105-d3cold LNK105=notice@0000:01:00.0 none status=3
		lnk104-vf none !LNK105
		lnk009-slot-empty none !LNK105
	END
}

@test "LNK106: a capability list loops or leaves the space" {
	believe <<-END
		lnk106-loop LNK106=warning@0000:00:1f.3 !LNK106@0000:01:00.0 status=1
		lnk106-self LNK106=warning@0000:01:00.0 status=1
		lnk106-below-40 LNK106=warning@0000:00:1f.3 status=1
		lnk106-cut-short LNK106=warning@0000:01:00.0 !LNK103 status=1
		lnk106-extended-loop LNK106=warning@0000:01:00.0 !LNK005 status=1
		lnk106-extended-below-100 LNK106=warning@0000:01:00.0 status=1
		lnk106-fits none !LNK106 status=0
		lnk901-headers-only LNK901=warning !LNK106
		lnk901-256-bytes none !LNK106
	END
}

@test "LNK107: bus numbers loop or overlap" {
	believe <<-END
		lnk107-self LNK107=warning@0000:01:00.0 status=1
		lnk107-same-secondary LNK107=warning !LNK107@0000:01:00.0 !LNK903 status=1
		lnk107-overlap LNK107=warning !LNK903 status=1
		lnk107-loop LNK107=warning !LNK107@0000:01:00.0 !LNK903 status=1
		lnk107-unconfigured none !LNK107 status=0
		lnk107-two-domains none !LNK107 status=0
	END
}

# ---- "skipped" means "cannot tell": a register was out of reach ---------------------------------

@test "where every register was read and none is void, nothing is skipped" {
	local name skipped=()
	for name in lnk001-equal lnk001-vf lnk003-card-is-limit lnk005-lanes-lost lnk006-nvme-slow \
		lnk008-virtual-hop lnk009-slot-empty lnk009-slot-down lnk009-virtual lnk103-rciep \
		lnk107-unconfigured; do
		run "$LNKINSPECT" -F "$FIXTURES/$name/input" -q -v -n
		[ "$status" -le 1 ]
		grep ' skipped ' <<<"$output" | sed "s/^/$name: /" || true
		[[ $output != *" skipped "* ]] || skipped+=("$name")
	done
	[ "${#skipped[@]}" -eq 0 ]
}

@test "LNK004: a void status below is not applicable, which is not the same as skipped" {
	local name
	for name in lnk004-void-below lnk008-zero-hop lnk001-vf; do
		run -0 "$LNKINSPECT" -F "$FIXTURES/$name/input" -q -v -n
		[[ $output != *"LNK004 "* ]]
	done
}
