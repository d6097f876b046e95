#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fixups.bats - what we hold true of fixups.c: for each row a capture in which it matters, for each
# id that real silicon shares one in which it must not
#
# A row matters where a finding, its severity or a silence changes with it; each README says which.
# Rows of which there are many of a kind have no fixture each: the tables at the end name them, and a
# capture of each is generated, and one of a neighbour that is not listed. The last test compares the
# tables with the source, so that a row without a test fails.

bats_require_minimum_version 1.5.0
load beliefs
load failures

@test "ports that are virtual by their id alone" {
	believe <<-END
		fixup-qemu-root-port LNK002=warning@0000:00:03.0>0000:01:00.0 !LNK003 status=1
		lnk203-legacy-port-idle LNK203=warning@0000:00:03.0>0000:01:00.0 LNK002=warning@0000:00:03.0>0000:01:00.0 status=1
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
		topo-upstream-on-root LNK102=notice@0000:01:00.0 !LNK202 none status=0
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

# ---- Many of a kind: a capture for each row, and one for a neighbour --------------------------------

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Ports that lead into a tunnel, by pci.ids: Thunderbolt controllers of hosts and docks, of which each
# port has the same id, and the root ports of chips with USB4.
tunnels() {
	cat <<-'END'
		8086:0b26 downstream	Goshen Ridge
		8086:1136 downstream	Maple Ridge 4C
		8086:1549 downstream	Port Ridge 1C
		8086:1567 downstream	Redwood Ridge 2C
		8086:1569 downstream	Redwood Ridge 4C
		8086:156b downstream	Falcon Ridge 2C
		8086:156d downstream	Falcon Ridge 4C
		8086:1576 downstream	Alpine Ridge 2C
		8086:1578 downstream	Alpine Ridge 4C
		8086:157e downstream	Win Ridge 2C
		8086:15c0 downstream	Alpine Ridge LP
		8086:15d3 downstream	Alpine Ridge 4C, C step
		8086:15da downstream	Alpine Ridge 2C, C step
		8086:15e7 downstream	Titan Ridge 2C
		8086:15ea downstream	Titan Ridge 4C
		8086:15ef downstream	Titan Ridge DD
		8086:461f root-port	Alder Lake-P
		8086:462f root-port	Alder Lake-P
		8086:463f root-port	Alder Lake-P
		8086:466e root-port	Alder Lake-P
		8086:7ec4 root-port	Meteor Lake-P
		8086:7ec5 root-port	Meteor Lake-P
		8086:7ec6 root-port	Meteor Lake-P
		8086:7ec7 root-port	Meteor Lake-P
		8086:8a1d root-port	Ice Lake
		8086:8a1f root-port	Ice Lake
		8086:8a21 root-port	Ice Lake
		8086:8a23 root-port	Ice Lake
		8086:9a23 root-port	Tiger Lake-LP
		8086:9a25 root-port	Tiger Lake-LP
		8086:9a27 root-port	Tiger Lake-LP
		8086:9a29 root-port	Tiger Lake-LP
		8086:9a2b root-port	Tiger Lake-H
		8086:9a2d root-port	Tiger Lake-H
		8086:9a2f root-port	Tiger Lake-H
		8086:9a31 root-port	Tiger Lake-H
		1022:14cd any		AMD Family 19h
		106b:1010 root-port	Apple Silicon
	END
}

# What only a hypervisor shows, and whose it is. Behind the id, in the order of the words: the
# subsystem, the Express type, LNKCAP; "-" where it does not matter.
own_devices() {
	cat <<-'END'
		1b36:000c - root-port -		QEMU
		1b36:any - - -			QEMU
		8086:7075 - root-port -		QEMU
		19e5:a128 - upstream -		QEMU
		19e5:a129 - downstream -	QEMU
		8086:0d93 1af4:1100 endpoint -	QEMU
		any:any 1af4:1100 - -		QEMU
		1234:1111 - - -			QEMU
		15ad:07a0 - root-port -		VMware
		15ad:any - - -			VMware
		any:any 15ad:any - -		VMware
		1414:5353 - - -			Hyper-V
		5853:any - - -			Xen
		80ee:any - - -			VirtualBox
		1ab8:any - - -			Parallels
		1275:any - - -			bhyve
		fb5d:any - - -			bhyve
		8086:0d57 - - -			Firecracker or Cloud Hypervisor
		106b:1a05 - - -			Apple Virtualization
		8086:3420 - root-port 11	crosvm
		8086:3500 - upstream 11		crosvm
		8086:3510 - downstream 11	crosvm
	END
}

# Endpoints whose link is decoration: no LNK201 in a guest. "guest": real silicon has the id, and the
# link of that is judged.
emulated() {
	cat <<-'END'
		1b36:any -
		any:any 1af4:1100
		1234:1111 -
		1af4:any -
		15ad:any -
		any:any 15ad:any
		1414:5353 -
		5853:any -
		80ee:any -
		1ab8:any -
		1275:any -
		fb5d:any -
		8086:0d57 -
		106b:1a05 -
		8086:10d3 8086:0000	guest
		1000:0060 1000:1013	guest
		1000:0079 1000:9261	guest
	END
}

# Rows that have a fixture of their own, in which the row matters: the key as rows_of_source() has it,
# the fixture, believed in above.
rows_with_fixtures() {
	cat <<-'END'
		1b36:000c			fixup-qemu-root-port
		8086:3420 root-port 411 guest	lnk204-ioh3420-by-pattern
		8086:3420 root-port 411 guest	fixup-ioh3420-by-guest
		104c:8232 upstream 411 guest	lnk204-xio3130
		104c:8233 downstream 400 guest	lnk204-xio3130
		8086:7075			fixup-cxl-root-port
		19e5:a128 upstream		fixup-cxl-switch
		19e5:a129 downstream		fixup-cxl-switch
		1014:04c1 root-port guest	fixup-powernv-qemu
		8086:0d93/1af4:1100		fixup-cxl-type3
		15ad:07a0 root-port		fixup-vmware-gen4
		1d0f:0200			fixup-aws-port
		1ae0:0f48			fixup-gcp-port
		1ae0:a010			fixup-gcp-port
		8086:3420 root-port 11		fixup-crosvm-root-port
		8086:3500 upstream 11 guest	fixup-crosvm-switch
		8086:3510 downstream 11 guest	fixup-crosvm-switch
		1002:1479 downstream		lnk206-amd-oncard
		1022:57ad upstream		fixup-x570-uplink
	END
}

# The rows of the table in fixups.c as its source text has them: "vvvv:dddd[/ssss:dddd] [TYPE] [LNKCAP]
# [guest]", "any" for ffff; a tab and the row's reason.
rows_of_source() {
	python3 - "$BATS_TEST_DIRNAME/../src/fixups.c" <<-'PYTHON'
		import re, sys

		text = re.sub(r"/\*.*?\*/", "", open(sys.argv[1]).read(), flags=re.S)
		names = dict(re.findall(r"#define (\w+)\s+(0x[0-9a-f]{4})\b", text))
		table = re.search(r"struct lnk_fixup fixups\[\] = \{(.*?)\n\};", text, re.S)[1]
		# Words may hold what looks like a row: a number stands for each string.
		words = []
		def take(m):
		    words.append("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', m[0])))
		    return f'"{len(words) - 1}"'
		table = re.sub(r'"(?:[^"\\]|\\.)*"(\s*"(?:[^"\\]|\\.)*")*', take, table)
		types = {"LNK_T_ROOT_PORT": "root-port", "LNK_T_UPSTREAM": "upstream",
		         "LNK_T_DOWNSTREAM": "downstream", "LNK_T_ENDPOINT": "endpoint"}

		def number(word):
		    return "any" if word == "0xffff" else names.get(word, word)[2:]

		rest = table
		for m in re.finditer(r"(VENDOR|TUNNEL)\((\w+)[^)]*?(LNK_T_\w+)?\)|\{(.*?)\}", table, re.S):
		    rest = rest.replace(m[0], "", 1)
		    if m[1] == "VENDOR":
		        print(f"{number(m[2])}:any\t-")
		        continue
		    if m[1] == "TUNNEL":
		        print(f"8086:{number(m[2])} {types[m[3]]}\t-")
		        continue
		    row = dict(re.findall(r"\.(\w+) = ([^,]+)", m[4]))
		    key = f"{number(row['vendor'])}:{number(row['device'])}"
		    if "subvendor" in row:
		        key += f"/{number(row['subvendor'])}:{number(row['subdevice'])}"
		    else:
		        assert "ANY_SUB" in m[4], m[4]
		    if row["type"] != "LNK_T_ANY":
		        key += f" {types[row['type']]}"
		    if "LNK_S_LINK" in row.get("signs", ""):
		        key += f" {int(row['lnkcap'], 16):x}"
		    if "LNK_S_GUEST" in row.get("signs", ""):
		        key += " guest"
		    print(f"{key}\t{words[int(row['reason'].strip().strip(chr(34)))]}")
		# All of the table was understood.
		assert not rest.strip(" \t\n,"), rest
	PYTHON
}

# An id that no row has: the next one of vendor or device $1 that is not among the words behind it.
neighbour() {
	local id=$1 n
	shift
	n=$((0x$id))
	while :; do
		n=$((n + 1))
		printf -v id '%04x' "$n"
		[[ " $* " == *" $id "* ]] || break
	done
	echo "$id"
}

# The specs *.spec in this folder to captures *.cap, all of them to one process; what it found about
# each to ./found, "NAME ID=SEVERITY@WHERE", and whose guest each is to ./guests.
judge_specs() {
	local spec status=0 inputs=()
	for spec in *.spec; do
		"$B/gen" <"$spec" >"${spec%.spec}.cap" || fail "$spec"
		inputs+=(-F "${spec%.spec}.cap")
	done
	"$LNKINSPECT" --json -n "${inputs[@]}" >json 2>err || status=$?
	((status == 0 || status == 1 || status == 3)) || fail "status $status: $(head -n 3 err)"
	[[ ! -s err ]] || fail "$(head -n 3 err)"
	jq -r '.captures[] | (.source | rtrimstr(".cap")) as $name | .findings[] |
		"\($name) \(.id)=\(.severity)@\(if .port then "\(.port)>\(.device)" else .function end)"' \
		json >found
	jq -r '.captures[] | "\(.source | rtrimstr(".cap")) \(.environment |
		if .guest then .hypervisor else .guest end)"' json >guests
	(($(wc -l <guests) == ${#inputs[@]} / 2)) || fail "$(wc -l <guests) captures of ${#inputs[@]}"
}

# Of $1, all findings of the rules behind it must be those of standard input, in order.
found_of() {
	local name=$1 rules=$2 want got
	want=$(cat)
	got=$(sed -n -E "s/^$name (($rules)=.*)/\1/p" found | sort)
	[[ $got == "$want" ]] || fail "$name: found ${got:-nothing}, not ${want:-nothing}"
}

# A port $2 of type $3, in the middle of a chain as Thunderbolt has it, above a dock's upstream port; their
# link could do 8GT/s and runs 2.5GT/s. The dock's is an id without a meaning of its own.
tunnel_spec() {
	local name=$1 id=$2 type=$3 bus=00 dev=07
	{
		if [[ $type == downstream ]]; then
			cat <<-END
				fn 00:1c.0 8086:a340 060400
				bridge 00 04 08
				express 40 v2 root-port slot
				link 8x4
				flags dlllarc dllla slc ccc presence eq-complete

				fn 04:00.0 $id 060400
				bridge 04 05 08
				express c0 v2 upstream
				link 8x4
				flags slc ccc eq-complete

			END
			bus=05
		fi
		cat <<-END
			fn 00:00.0 8086:3ec2 060000
			subsys 1043:8694

			fn $bus:$dev.0 $id 060400
			bridge $bus 06 08
			express c0 v2 $type slot
			link 8x4 2.5x4
			flags dlllarc dllla slc ccc presence

			fn 06:00.0 1b21:1806 060400
			bridge 06 07 08
			express c0 v2 upstream
			link 8x4 2.5x4
			flags slc ccc
		END
	} >"$name.spec"
}

@test "every tunnel port: its figures are no finding, its neighbour's are" {
	local id type what at ids other n=0
	ids=$(tunnels | cut -d ' ' -f 1 | cut -d : -f 2 | xargs)
	while read -r id type _; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # words are meant
		other=${id%:*}:$(neighbour "${id#*:}" $ids)
		for what in ${type/any/downstream root-port}; do
			tunnel_spec "${id/:/-}-$what" "$id" "$what"
			tunnel_spec "${id/:/-}-$what-not-${other/:/-}" "$other" "$what"
		done
	done < <(tunnels)
	((n == 38)) || fail "$n ids"
	judge_specs
	for what in *.spec; do
		what=${what%.spec}
		at='0000:00:07.0>0000:06:00.0'
		[[ $what != *downstream* ]] || at='0000:05:07.0>0000:06:00.0'
		if [[ $what == *-not-* ]]; then
			found_of "$what" 'LNK0..|LNK206' <<<"LNK006=warning@$at"
		else
			found_of "$what" 'LNK0..|LNK206' <<<"LNK206=info@$at"
		fi
	done
	finish
}

@test "a Thunderbolt id is a tunnel by its port's type only: a host's own link to it is a wire" {
	local id type
	# The same controllers as upstream ports, and as what they are not.
	while read -r id type _; do
		[[ $type != any ]] || continue
		tunnel_spec "${id/:/-}" "$id" "$([[ $type == downstream ]] && echo root-port || echo downstream)"
	done < <(tunnels)
	judge_specs
	for id in *.spec; do
		id=${id%.spec}
		found_of "$id" LNK206 </dev/null
		grep -q "^$id LNK006=warning@" found || fail "$id: nothing"
	done
	finish
}

# The words of a spec for one function at $1 with id $2, subsystem $3, type $4, LNKCAP $5 ("-": none),
# class $6.
device_spec() {
	local class=$6
	[[ $4 != *port && $4 != *stream ]] || class=060400
	printf 'fn %s %s %s\n' "$1" "$2" "$class"
	[[ $class != 0604* ]] || printf 'bridge 00 0%s 0%s\n' "${1:4:1}" "${1:4:1}"
	[[ $3 == - ]] || printf 'subsys %s\n' "$3"
	[[ $4 == - ]] || printf 'express 40 v2 %s\n' "$4"
	[[ $5 == - ]] || printf 'LNKCAP %s\n' "$5"
	printf '\n'
}

# A real GPU among the root complex: LNK201 if this is a guest.
gpu='fn 00:05.0 10de:1b80 030000
subsys 1458:3702
express 78 v2 rciep

'

# What a wildcard stands for here.
concrete() {
	local v=${1%:*} d=${1#*:}
	[[ $v != any ]] || v=1102
	[[ $d != any ]] || d=0eda
	echo "$v:$d"
}

@test "a hypervisor's own device proves the guest, its neighbour does not" {
	local id sub type cap who near n=0
	while read -r id sub type cap who; do
		n=$((n + 1))
		id=$(concrete "$id") sub=${sub/any/07d0}
		near=$id
		# The neighbour: another subsystem where that tells, or another LNKCAP, or another device, or
		# another vendor.
		{ printf '%s' "$gpu" && device_spec 00:00.0 8086:1237 - - - 060000 &&
			device_spec 00:03.0 "$id" "$sub" "$type" "$cap" 078000; } >"$n-with.spec"
		{ printf '%s' "$gpu" && device_spec 00:00.0 8086:1237 - - - 060000; } >"$n-without.spec"
		if [[ $sub != - ]]; then
			device_spec 00:03.0 "$id" 1028:1100 "$type" "$cap" 078000
		elif [[ $cap != - ]]; then
			device_spec 00:03.0 "$id" - "$type" 41 078000
		elif [[ $id == *:0eda ]]; then
			device_spec 00:03.0 "$(neighbour "${id%:*}"):0eda" - "$type" - 078000
		elif [[ $id == 1b36:* || $id == 15ad:* ]]; then
			# Each id of this vendor tells.
			device_spec 00:03.0 "$(neighbour "${id%:*}"):${id#*:}" - "$type" - 078000
		else
			device_spec 00:03.0 "${id%:*}:$(neighbour "${id#*:}" a129)" - "$type" - 078000
		fi >>"$n-without.spec"
		printf '%s %s\n' "$n-with" "$who" >>want
		printf '%s null\n' "$n-without" >>want
	done < <(own_devices)
	((n == 22)) || fail "$n devices"
	judge_specs
	diff <(sort want) <(sort guests) || fail "whose guest it is"
	while read -r id who; do
		if [[ $who == null ]]; then
			found_of "$id" 'LNK201|LNK202' </dev/null
		else
			found_of "$id" LNK201 <<<'LNK201=warning@0000:00:05.0'
		fi
	done <want
	finish
}

@test "virtio devices and ports that real hosts have prove no guest" {
	local id n=0
	# Smart network cards show the first to real hosts; the rest are real silicon without a second sign,
	# or clouds' own that their bare metal has as well.
	for id in '1af4:1041 1af4:0001 endpoint -' '8086:10d3 8086:0000 endpoint -' \
		'1000:0060 1000:1013 endpoint -' '1000:0079 1000:9261 endpoint -' \
		'8086:3420 - root-port 411' '104c:8232 - upstream 411' '104c:8233 - downstream 400' \
		'1014:04c1 - root-port -' '1d0f:0200 - root-port -' '1ae0:0f48 - root-port -' \
		'1ae0:a010 - root-port -' '1002:1479 - downstream -' '1022:57ad - upstream -'; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # words are meant
		{ printf '%s' "$gpu" && device_spec 00:00.0 8086:1237 - - - 060000 &&
			device_spec 00:03.0 $id 078000; } >"$n.spec"
	done
	judge_specs
	[[ $(cut -d ' ' -f 2 guests | sort | uniq -c | xargs) == "13 null" ]] || fail "$(cat guests)"
	! grep LNK201 found || fail "LNK201"
	finish
}

@test "emulated endpoints are not judged in a guest; real silicon with their ids is, elsewhere" {
	local id sub sign near n=0
	while read -r id sub sign; do
		n=$((n + 1))
		id=$(concrete "$id") sub=${sub/any/07d0}
		{ printf 'env guest yes\n' && device_spec 00:00.0 8086:1237 - - - 060000 &&
			device_spec 00:03.0 "$id" "$sub" rciep - 030000; } >"$n-own.spec"
		if [[ $sub != - ]]; then
			near="$id 1028:1f0c"
		elif [[ $id == *:0eda ]]; then
			near="$(neighbour "${id%:*}"):0eda -"
		else
			near="${id%:*}:$(neighbour "${id#*:}") -"
		fi
		# shellcheck disable=SC2086 # words are meant
		{ printf 'env guest yes\n' && device_spec 00:00.0 8086:1237 - - - 060000 &&
			device_spec 00:03.0 $near rciep - 030000; } >"$n-near.spec"
		[[ $sign == guest ]] || continue
		# Behind a real port, with half of its lanes lost: silicon by the same ids.
		for guest in no yes; do
			cat >"$n-guest-$guest.spec" <<-END
				env guest $guest

				fn 00:00.0 8086:3ec2 060000
				subsys 1043:8694

				fn 00:01.0 8086:1901 060400
				bridge 00 01 01
				express a0 v2 root-port slot
				link 8x8 2.5x4
				flags slc ccc presence

				fn 01:00.0 $id 010400
				subsys $sub
				express 40 v2 endpoint
				link 2.5x8 2.5x4
				flags slc ccc
			END
		done
	done < <(emulated)
	((n == 17)) || fail "$n devices"
	judge_specs
	for ((; n; n--)); do
		found_of "$n-own" LNK201 </dev/null
		found_of "$n-near" LNK201 <<<'LNK201=warning@0000:00:03.0'
		[[ -f $n-guest-no.spec ]] || continue
		found_of "$n-guest-no" 'LNK0..' <<<'LNK005=warning@0000:00:01.0>0000:01:00.0'
		found_of "$n-guest-yes" 'LNK0..' </dev/null
	done
	(($(find . -name '*-guest-*.spec' | wc -l) == 6)) || fail "three rows need a second sign"
	finish
}

@test "every row of the table is believed in here, and there is no other" {
	rows_of_source >source
	cut -f 1 source | sort >rows
	(($(wc -l <rows) > 70)) || fail "the table has $(wc -l <rows) rows"
	# As rows_of_source() writes them.
	{
		tunnels | sed -E 's/^(\S+) any.*/\1/; s/^(\S+ \S+)\t.*/\1/'
		own_devices | while read -r id sub type cap _; do
			[[ $sub == - ]] || id+=/$sub
			# Real silicon has these; the rows behind them are those with fixtures.
			[[ $type == - ]] || continue
			[[ $cap == - ]] || id+=" $cap"
			echo "$id"
		done
		emulated | awk '$2 == "-" { print $1 } $2 != "-" { print $1 "/" $2 ($3 ? " " $3 : "") }'
		rows_with_fixtures | sed -E 's/\t+\S+$//'
	} | sort -u >believed
	diff rows believed || fail "< in fixups.c only, > in fixups.bats only"
	# No key stands twice: of two rows alike the second would be dead.
	[[ -z $(uniq -d rows) ]] || fail "twice: $(uniq -d rows)"
	# The fixtures are judged by that row, and something is believed of them.
	local row name reason
	while IFS= read -r row; do
		name=${row##*$'\t'} row=${row%%$'\t'*}
		grep -q -E "^[[:space:]]+$name (LNK|!|none)" "$BATS_TEST_FILENAME" ||
			fail "$name: nothing is believed of it"
		reason=$(awk -F '\t' -v row="$row" '$1 == row { print $2 }' source)
		"$LNKINSPECT" --json -n -F "$FIXTURES/$name/input" >json || true
		jq -e --arg id "${row%%[/ ]*}" --arg reason "$reason" 'any(.captures[].functions[];
			"\(.vendor):\(.device)" == $id and .quirks != [] and .quirk_reason == $reason)' json \
			>/dev/null || fail "$name: no $row that is marked because $reason"
	done < <(rows_with_fixtures)
	finish
}
