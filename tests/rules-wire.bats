#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# rules-wire.bats - what we hold true of families 3xx and 4xx: settings across a physical link, and
# evidence of a bad wire
#
# Each fixture is synthesised; its README says which registers it claims and why the verdict follows.
# Beliefs are derived from those by hand, never from what is printed.

bats_require_minimum_version 1.5.0
load beliefs

# ---- 3xx: settings across a physical link -------------------------------------------------------

@test "LNK301: a link that is disabled with a device below" {
	believe <<-END
		lnk301-link-disabled LNK301=error@0000:00:1b.0>0000:01:00.0 status=1
		lnk301-disabled-empty !LNK301 none status=0
		lnk301-device-bit !LNK301 none status=0
	END
}

@test "LNK302: training while the link is down; never from one look at a link that is up" {
	believe <<-END
		lnk302-training-down LNK302=error@0000:00:1b.0 !LNK009 status=1
		lnk302-training-dead-device LNK302=error LNK105=notice status=1
		lnk302-training-up !LNK302 none status=0
	END
}

@test "LNK303: common clock configured although the slot clocks differ" {
	believe <<-END
		lnk303-clocks-differ LNK303=notice@0000:00:1b.0>0000:01:00.0 none status=0
		lnk303-clocks-agree !LNK303 none status=0
	END
}

@test "LNK304: ASPM on at one end that the other does not support" {
	believe <<-END
		lnk304-aspm-port LNK304=warning@0000:00:1b.0>0000:01:00.0 status=1
		lnk304-aspm-device LNK304=warning@0000:00:1b.0>0000:01:00.0 status=1
		lnk304-aspm-agreed !LNK304 none status=0
	END
}

@test "LNK305: max payload of the device above the port's" {
	believe <<-END
		lnk305-payload-above LNK305=error@0000:00:1b.0>0000:01:00.0 status=1
		lnk305-payload-below !LNK305 none status=0
	END
}

@test "LNK306: compliance mode entered" {
	believe <<-END
		lnk306-compliance-port LNK306=warning@0000:00:1b.0>0000:01:00.0 status=1
		lnk306-compliance-device LNK306=warning@0000:00:1b.0>0000:01:00.0 status=1
		lnk306-v1-capability !LNK306 !LNK103 !LNK007 none status=0
	END
}

@test "3xx: not applicable where either end is virtual" {
	believe <<-END
		lnk3xx-virtual-port !LNK301 !LNK302 !LNK303 !LNK304 !LNK305 !LNK306 none status=0
		lnk3xx-emulated-device !LNK301 !LNK302 !LNK303 !LNK304 !LNK305 !LNK306 none status=0
	END
}

# ---- 4xx: evidence of a bad wire ----------------------------------------------------------------

@test "LNK401: correctable link errors are a notice in a capture, bit by bit and at either end" {
	believe <<-END
		lnk401-each-bit LNK401=notice@0000:01:00.0 LNK401=notice@0000:02:00.0 LNK401=notice@0000:03:00.0 LNK401=notice@0000:04:00.0 LNK401=notice@0000:05:00.0 !LNK402 none status=0
		lnk401-port-end LNK401=notice@0000:00:1b.0 !LNK401@0000:01:00.0 none status=0
		lnk401-all-bits LNK401=notice@0000:01:00.0 LNK401=notice@0000:00:1b.0 !LNK402 none status=0
	END
}

@test "LNK401: not for other bits, nor for functions without a wire" {
	believe <<-END
		lnk401-other-bits !LNK401 !LNK402 none status=0
		lnk401-integrated !LNK401 !LNK402 !LNK903 none status=0
	END
}

@test "LNK402: uncorrectable link errors" {
	believe <<-END
		lnk402-uncorrectable LNK402=error@0000:01:00.0 LNK402=error@0000:00:1c.0 !LNK402@0000:02:00.0 !LNK402@0000:00:1b.0 !LNK401 status=1
		lnk402-other-bits !LNK402 !LNK401 none status=0
	END
}

@test "LNK403: lane errors are a notice" {
	believe <<-END
		lnk403-lane-errors LNK403=notice@0000:01:00.0 none status=0
		lnk403-no-lane-errors !LNK403 none status=0
	END
}

@test "LNK404: equalisation incomplete at 8 GT/s or more is a notice" {
	believe <<-END
		lnk404-equalisation-incomplete LNK404=notice none status=0
		lnk404-below-8gt !LNK404 LNK007=warning@0000:00:1c.0>0000:02:00.0 !LNK006 status=1
	END
}

@test "4xx: cannot tell without extended space, and status 0 all the same" {
	believe <<-END
		lnk4xx-256-bytes ?LNK401@0000:01:00.0 ?LNK402@0000:01:00.0 ?LNK403@0000:01:00.0 ?LNK401@0000:00:1b.0 ?LNK402@0000:00:1b.0 !LNK401 !LNK402 !LNK403 none status=0
	END
}

@test "4xx: a function whose extended list was read and has no AER is not skipped" {
	run -0 "$LNKINSPECT" -F "$FIXTURES/lnk401-other-bits/input" -q -v -n
	[[ $output != *"LNK40"[123]" skipped"* ]]
}

@test "4xx: not applicable on a virtual link" {
	believe <<-END
		lnk4xx-virtual-port !LNK401 !LNK402 !LNK403 !LNK404 none status=0
	END
}

@test "3xx and 4xx: a healthy machine gets none, not even as a notice" {
	believe <<-END
		lnk3xx-4xx-healthy !LNK301 !LNK302 !LNK303 !LNK304 !LNK305 !LNK306 !LNK401 !LNK402 !LNK403 !LNK404 none status=0
	END
}
