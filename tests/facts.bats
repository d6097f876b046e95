#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# facts.bats - what a report says beside its captures: whose machine it is, what others said of links
#
# The lines are written by hand after their sources: Linux drivers/firmware/dmi_scan.c,
# arch/x86/kernel/cpu/hypervisor.c, arch/x86/kernel/paravirt.c, drivers/pci/pci.c, and the output of
# dmidecode, lscpu, hostnamectl, lshw, supportconfig and nvidia-smi -q.

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A port and a card in it of which nothing says whose they are: one that only a guest can have, were
# it known for one, and one that is a host's.
ANY=fixup-gcp-port
HOST=fixup-physical-slot-limit

# The lines on standard input before the capture $1: ./json
read_with() {
	{ cat && printf '\n' && cat "$FIXTURES/$1/input"; } >report
	"$LNKINSPECT" -n --json -F report >json 2>err || [[ $? == [13] ]] || fail "$1: $(cat err)"
}

# Guest or not, hypervisor, what runs it, machine, how it was recognised.
env_of() {
	jq -r '.captures[0].environment | [.guest, .hypervisor, .accel, .machine, .sign] |
		map(if . == null then "-" else tostring end) | join("|")' json
}

# $1 capture, $2 lines, $3 what env_of should say
says() {
	read_with "$1" <<<"$2"
	[[ $(env_of) == "$3" ]] || fail "$1: $2"$'\n'"gives $(env_of)"$'\n'"not   $3"
}

@test "the kernel's DMI line names the machine" {
	local log="DMI in the kernel's log"
	says $ANY 'DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS rel-1.16.2-0 04/01/2014' \
		"true|QEMU|-|QEMU Standard PC (Q35 + ICH9, 2009)|$log"
	says $ANY 'DMI: VMware, Inc. VMware7,1/440BX Desktop Reference Platform, BIOS VMW71.00V 11/12/2020' \
		"true|VMware|-|VMware, Inc. VMware7,1|$log"
	says $ANY 'DMI: Microsoft Corporation Virtual Machine/Virtual Machine, BIOS Hyper-V UEFI 4.1 1/1/2022' \
		"true|Hyper-V|-|Microsoft Corporation Virtual Machine|$log"
	says $ANY 'DMI: innotek GmbH VirtualBox/VirtualBox, BIOS VirtualBox 12/01/2006' \
		"true|VirtualBox|-|innotek GmbH VirtualBox|$log"
	says $ANY 'DMI: Xen HVM domU, BIOS 4.11.amazon 08/24/2006' "true|Xen|-|Xen HVM domU|$log"
	says $ANY 'DMI: OpenStack Foundation OpenStack Nova, BIOS 1.15.0-1 04/01/2014' \
		"true|QEMU|-|OpenStack Foundation OpenStack Nova|$log"
	says $ANY 'DMI: Red Hat KVM/RHEL-AV, BIOS 1.14.0 04/01/2014' "true|QEMU|-|Red Hat KVM|$log"
	# Real machines, and makers of hypervisors who make machines, too.
	says $HOST 'DMI: Dell Inc. PowerEdge R740/0H21J3, BIOS 2.4.8 11/26/2019' \
		'-|-|-|Dell Inc. PowerEdge R740|-'
	says $HOST 'DMI: Microsoft Corporation Surface Laptop 3/Surface Laptop 3, BIOS 9.105 1/1/2020' \
		'-|-|-|Microsoft Corporation Surface Laptop 3|-'
	# Clouds name their machines without a hypervisor alike; EC2 says which they are.
	says $HOST 'DMI: Amazon EC2 c5.metal/Not Specified, BIOS 1.0 10/16/2017' \
		'false|-|-|Amazon EC2 c5.metal|-'
	says $ANY 'DMI: Google Google Compute Engine/Google Compute Engine, BIOS Google 01/01/2011' \
		'-|-|-|Google Google Compute Engine|-'
	finish
}

@test "whatever a log puts before it" {
	local prefix
	for prefix in '' '[    0.000000] ' '<6>[    0.000000] ' '<6>' 'Jan  1 00:00:00 host kernel: ' \
		'Jan  1 00:00:00 host kernel: [    0.000000] ' '2024-01-01T00:00:00,123456+0000 kernel: ' \
		'2024-01-01T00:00:00.123456+00:00 host kernel: ' '[Mon Jan  1 00:00:00 2024] ' \
		'00:00:00.123 kernel: ' '> [    0.000000] ' '[    0.000000][    T0] '; do
		says $ANY "${prefix}DMI: QEMU Standard PC (i440FX + PIIX, 1996), BIOS x 04/01/2014" \
			"true|QEMU|-|QEMU Standard PC (i440FX + PIIX, 1996)|DMI in the kernel's log"
	done
	# A word in the middle of a sentence is none that the kernel began.
	says $ANY 'we saw DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS x' '-|-|-|-|-'
	says $ANY 'no Hypervisor detected: KVM' '-|-|-|-|-'
	finish
}

@test "what the kernel and programs detect" {
	says $ANY '[    0.000000] Hypervisor detected: KVM' "true|KVM|-|-|the kernel's log"
	says $ANY 'Booting paravirtualized kernel on KVM' "true|KVM|-|-|the kernel's log"
	says $ANY 'Hypervisor detected: VMware' "true|VMware|-|-|the kernel's log"
	says $ANY 'Hypervisor detected: Microsoft Hyper-V' "true|Hyper-V|-|-|the kernel's log"
	says $ANY 'systemd[1]: Detected virtualization kvm.' "true|KVM|-|-|systemd's log"
	says $ANY 'Hypervisor vendor:                  KVM' 'true|KVM|-|-|lscpu'
	says $ANY '  Virtualization: vmware' 'true|VMware|-|-|hostnamectl'
	says $ANY '        Virtualization Mode               : Pass-Through' \
		'true|-|-|-|nvidia-smi'
	says $HOST '        Virtualization Mode               : Host VGPU' 'false|-|-|-|-'
	says $HOST $'[    0.000000] DMI: Dell Inc. X/Y, BIOS 2 1/1/2019\nBooting paravirtualized kernel on bare hardware' \
		'false|-|-|Dell Inc. X|-'
	# A hypervisor that Linux has no help from is bare hardware to it.
	says $ANY $'DMI: innotek GmbH VirtualBox/VirtualBox, BIOS VirtualBox 12/01/2006\nBooting paravirtualized kernel on bare hardware' \
		"true|VirtualBox|-|innotek GmbH VirtualBox|DMI in the kernel's log"
	# Firmware knows the product, the processor what runs it.
	says $ANY $'DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS x\nHypervisor detected: KVM' \
		"true|QEMU|KVM|QEMU Standard PC (Q35 + ICH9, 2009)|DMI in the kernel's log, the kernel's log"
	# What proves nothing: the processor's own virtualisation, no hypervisor, the driver's "None".
	says $HOST $'Virtualization:                  VT-x\nHypervisor vendor: none' '-|-|-|-|-'
	says $HOST '        Virtualization Mode               : None' '-|-|-|-|-'
	finish
}

@test "dmidecode, lshw, supportconfig" {
	says $ANY "$(printf '%s\n' 'Handle 0x0100, DMI type 1, 27 bytes' 'System Information' \
		$'\tManufacturer: QEMU' $'\tProduct Name: Standard PC (Q35 + ICH9, 2009)' \
		$'\tVersion: pc-q35-8.2' $'\tSerial Number: Not Specified' '' \
		'Handle 0x0300, DMI type 3, 22 bytes' 'Chassis Information' $'\tManufacturer: QEMU' \
		$'\tVersion: pc-q35-8.2')" \
		'true|QEMU|-|Standard PC (Q35 + ICH9, 2009) pc-q35-8.2|dmidecode'
	# The chassis keeps QEMU's machine type where a cloud took it from the product.
	says $ANY "$(printf '%s\n' 'System Information' $'\tManufacturer: OpenStack Foundation' \
		$'\tProduct Name: OpenStack Nova' $'\tVersion: 25.1' '' 'Chassis Information' \
		$'\tVersion: pc-i440fx-6.2')" \
		'true|QEMU|-|OpenStack Nova 25.1 (pc-i440fx-6.2)|dmidecode'
	# Labels of other sections are other things.
	says $HOST "$(printf '%s\n' 'System Information' $'\tManufacturer: Dell Inc.' \
		$'\tProduct Name: PowerEdge R740' $'\tVersion: Not Specified' '' 'Memory Device' \
		$'\tManufacturer: QEMU')" '-|-|-|PowerEdge R740|-'
	says $ANY "$(printf '%s\n' 'vm' '    description: Computer' \
		'    product: Standard PC (Q35 + ICH9, 2009)' '    vendor: QEMU' \
		'    version: pc-q35-8.2' '    width: 64 bits' '  *-core' '       vendor: Nobody')" \
		'true|QEMU|-|Standard PC (Q35 + ICH9, 2009) pc-q35-8.2|lshw'
	says $ANY "$(printf '%s\n' '#==[ System ]=======================================#' \
		'# Virtualization' 'Manufacturer:  QEMU' \
		'Hardware:      Standard PC (Q35 + ICH9, 2009)' 'Hypervisor:    KVM' \
		'Identity:      Virtual Machine')" \
		'true|QEMU|KVM|Standard PC (Q35 + ICH9, 2009)|supportconfig'
	finish
}

@test "who owns the hardware below a hypervisor, and lines of two machines, prove no guest" {
	# Xen's dom0 runs above Xen on hardware of its own.
	says $HOST $'DMI: Dell Inc. X/Y, BIOS 2 1/1/2019\nHypervisor detected: Xen PV\nBooting paravirtualized kernel on Xen' \
		'-|-|-|Dell Inc. X|-'
	says $HOST $'Hypervisor detected: Microsoft Hyper-V\nHyper-V: running as root partition' \
		'false|-|-|-|-'
	# A host that keeps its guests' logs, in whatever order.
	local host='DMI: Dell Inc. X/Y, BIOS 2 1/1/2019'
	local guest='DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS x'
	says $ANY "$host"$'\n'"$guest" '-|-|-|-|-'
	says $ANY "$guest"$'\n'"$host" '-|-|-|-|-'
	says $ANY "$guest"$'\nSystem Information\n\tManufacturer: Dell Inc.\n\tProduct Name: X' '-|-|-|-|-'
	says $ANY $'Hypervisor detected: KVM\nHypervisor detected: VMware' '-|-|-|-|-'
	says $ANY "$guest"$'\n        Virtualization Mode : Host VGPU' '-|-|-|-|-'
	# Whose the kernel and the sentences are, is not known then.
	read_with $HOST <<<"$host"$'\n'"$guest"$'\nLinux version 6.1.0 (x)\npci 0000:01:00.0: '"$LIMITED"
	[[ $(jq -c '.captures[0] | [.environment.kernel, .quotes]' json) == '[null,[]]' ]] ||
		fail "of two machines: $(jq -c '.captures[0].quotes' json)"
	# Two boots of one machine, with other firmware, are one machine.
	says $ANY "$guest"$'\n'"${guest/BIOS x/BIOS y}" \
		"true|QEMU|-|QEMU Standard PC (Q35 + ICH9, 2009)|DMI in the kernel's log"
	finish
}

# LNK002 is a guest's, LNK003 what the same registers are on real silicon.
findings() {
	jq -r '[.captures[0].findings[] | select(.id[3:4] != "9") |
		"\(.id)=\(.severity)"] | unique | join(" ")' json
}

@test "a guest known by words has virtual ports; a host's ports stay what they are" {
	# ioh3420 has the ids of real silicon: only a known guest makes it virtual (LNKCAP 2.5GT/s x1
	# before a device of 8GT/s x4, which runs 2.5GT/s x1).
	read_with fixup-ioh3420-by-guest <<<'DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS x'
	[[ $(findings) == *LNK002=warning* ]] || fail "QEMU: $(findings)"
	read_with fixup-vmware-gen4 <<<$'DMI: VMware, Inc. VMware7,1/440BX, BIOS x\nHypervisor detected: VMware'
	[[ $(findings) == LNK001=error* ]] || fail "VMware: $(findings)"
	# A host: slot 8GT/s x16, card 32GT/s x16, a notice and no more.
	read_with $HOST <<<$'DMI: Dell Inc. X/Y, BIOS 2 1/1/2019\nBooting paravirtualized kernel on bare hardware'
	[[ $(findings) == LNK003=notice ]] || fail "host: $(findings)"
	# Somebody's host, with the log of his guest: the ports are no hypervisor's.
	says $HOST $'DMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS x\nHypervisor detected: KVM' '-|-|-|-|-'
	[[ $(findings) == LNK003=notice ]] || fail "host with a guest's log: $(findings)"
	finish
}

# The head of a capture that we wrote was asked on the machine itself.
@test "a capture's own head counts for more than words around it" {
	{ printf '# lnkinspect capture 1\n# guest: no\n# kernel: Linux 1.2.3\n\n' &&
		cat "$FIXTURES/$HOST/input" &&
		printf '\n[    0.0] Linux version 6.1.0 (x)\n[    0.0] Hypervisor detected: KVM\n'; } >report
	"$LNKINSPECT" -n --json -F report >json || [[ $? == [13] ]] || fail status
	[[ $(jq -c '.captures[0].environment | [.guest, .kernel]' json) == '[false,"Linux 1.2.3"]' ]] ||
		fail "$(jq -c '.captures[0].environment' json)"
	# So what a guest's log says of links is not of this machine.
	{ cat report && echo "pci 0000:01:00.0: $LIMITED"; } >further
	"$LNKINSPECT" -n --json -F further >json || [[ $? == [13] ]] || fail status
	[[ $(jq -c '.captures[0].quotes' json) == '[]' ]] || fail "$(jq -c '.captures[0].quotes' json)"
	finish
}

# ---- Quotes ----------------------------------------------------------------------------------

quotes() {
	jq -r '.captures[0].quotes[] | "\(.address) \(.by): \(.text)"' json
}

LIMITED='2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)'

@test "the kernel's sentences, of all versions and drivers, each once" {
	read_with origin <<-END
		[    0.7] pci 0000:01:00.0: $LIMITED
		[    0.8] nvme 0000:02:00.0: 31.504 Gb/s available PCIe bandwidth (8 GT/s x4 link)
		[    0.9] we have 2.000 Gb/s available PCIe bandwidth (5.0 GT/s PCIe x1 link)
		[    1.0] eth0: 2.000 Gb/s available PCIe bandwidth (5.0 GT/s PCIe x1 link)
		[    1.1] pci 0000:04:00.0: 2.000 Gb/s available PCIe bandwidths
		mlx5_core 000a:03:00.0: 63.008 Gb/s available PCIe bandwidth (8.0 GT/s PCIe x8 link), in Flit mode
		Jan  1 00:00:00 host kernel: pci 0000:01:00.0: $LIMITED
	END
	diff <(quotes) - <<-END || fail "not these"
		0000:01:00.0 kernel: $LIMITED
		0000:02:00.0 kernel: 31.504 Gb/s available PCIe bandwidth (8 GT/s x4 link)
		000a:03:00.0 kernel: 63.008 Gb/s available PCIe bandwidth (8.0 GT/s PCIe x8 link), in Flit mode
	END
	[[ $(jq -c '.captures[0].quotes | map([.line, .file])' json) == '[[1,null],[2,null],[6,null]]' ]] ||
		fail "lines: $(jq -c '.captures[0].quotes | map(.line)' json)"
	finish
}

# Driver 390, without the device's and the host's; 550; a GPU that is gone.
smi() {
	cat <<-'END'

		==============NVSMI LOG==============

		Attached GPUs                       : 3
		GPU 0000:01:00.0
		    Product Name                    : Tesla V100
		    PCI
		        Bus                         : 0x01
		        Bus Id                      : 0000:01:00.0
		        GPU Link Info
		            PCIe Generation
		                Max                 : 3
		                Current             : 1
		            Link Width
		                Max                 : 16x
		                Current             : 8x
		        Bridge Chip
		            Type                    : N/A
		    Clocks
		        Current                     : 900 MHz
		GPU 00000000:DB:00.0
		    PCI
		        GPU Link Info
		            PCIe Generation
		                Max                                    : 4
		                Current                                : 4
		                Device Current                         : 4
		                Device Max                             : 5
		                Host Max                               : 4
		            Link Width
		                Max                                    : 16x
		                Current                                : 16x
		GPU 00000000:DC:00.0
		    PCI
		        GPU Link Info
		            PCIe Generation
		                Max                                    : N/A
		                Current                                : N/A
		            Link Width
		                Max                                    : N/A
		                Current                                : N/A
	END
}

@test "nvidia-smi -q: generation and width of each GPU" {
	local before
	for before in '' '    ' '> '; do
		smi | sed "s/^/$before/" >smi.txt
		read_with origin <smi.txt
		diff <(quotes) - <<-'END' || fail "'$before': not these"
			0000:01:00.0 nvidia-smi: PCIe generation 1 (max 3), width 8x (max 16x)
			0000:db:00.0 nvidia-smi: PCIe generation 4 (max 4, device max 5, host max 4), width 16x (max 16x)
		END
	done
	# Behind a capture, as in a report.
	{ cat "$FIXTURES/origin/input" && smi; } >report
	"$LNKINSPECT" -n --json -F report >json || [[ $? == 1 ]] || fail status
	[[ $(quotes | wc -l) == 2 ]] || fail "behind: $(quotes)"
	finish
}

# The words, on one line.
words() {
	"$LNKINSPECT" -n -F report "$@" | tr -s ' \n' ' '
}

@test "quotes stand below the first finding of their device, with -v below its registers" {
	local text form
	read_with origin <<<"pci 0000:01:00.0: $LIMITED"
	for form in table tree; do
		text=$(words --format="$form")
		[[ $text == *"The kernel says of 0000:01:00.0: $LIMITED (line 1) why:"* ]] || fail "$form: $text"
		[[ $(grep -o 'The kernel says' <<<"$text" | wc -l) == 1 ]] || fail "$form: not once"
	done
	# Our own figure of the same registers is 2.000: nothing is added. Another one is of another moment.
	read_with origin <<<"pci 0000:01:00.0: ${LIMITED/2.000/4.000}"
	[[ $(words) == *'(line 1), at that moment; by the registers that were captured it is 2.000 Gb/s why:'* ]] ||
		fail "$(words)"
	# Another function of the device speaks for it, another device does not.
	read_with origin <<<$'pci 0000:01:00.1: 4.000 Gb/s available PCIe bandwidth\npci 0000:02:00.0: 8.000 Gb/s available PCIe bandwidth'
	[[ $(words) == *'says of 0000:01:00.1: 4.000 Gb/s'* ]] || fail "function 1: $(words)"
	[[ $(words) != *8.000* ]] || fail "another device: $(words)"
	# No finding: only -v tells. Both ends of lnk001-equal run 16GT/s x16: 16 * 15.753 Gb/s.
	text='252.048 Gb/s available PCIe bandwidth (16.0 GT/s PCIe x16 link)'
	read_with lnk001-equal <<<"pci 0000:01:00.0: $text"
	[[ $(words) != *'The kernel says'* ]] || fail "without -v: $(words)"
	[[ $(words -v) == *"The kernel says of 0000:01:00.0: $text (line 1) Nothing"* ]] ||
		fail "with -v: $(words -v)"
	finish
}

@test "quotes judge nothing, and are not written into a capture" {
	"$LNKINSPECT" -n -q -F "$FIXTURES/origin/input" >want || true
	{ smi && echo "pci 0000:01:00.0: $LIMITED" && cat "$FIXTURES/origin/input"; } >report
	"$LNKINSPECT" -n -q -F report >got || true
	cmp want got || fail "findings"
	"$LNKINSPECT" -F report --capture dump || [[ $? == [13] ]] || fail "dump"
	[[ -s dump ]] && ! grep -q "available PCIe" dump || fail "in the dump"
	finish
}

# -s chooses what quotes are shown, too.
@test "of functions that are not chosen nothing is quoted" {
	read_with guest-seed-x3130-switch-ep-8x16 <<<$'pci 0000:04:00.0: 1.000 Gb/s available PCIe bandwidth\npci 0000:03:00.0: 2.000 Gb/s available PCIe bandwidth'
	[[ $(quotes | wc -l) == 2 ]] || fail "all: $(quotes)"
	"$LNKINSPECT" -n --json -F report -s 04:00.0 >json || true
	[[ $(quotes) == '0000:04:00.0 kernel: 1.000 Gb/s available PCIe bandwidth' ]] || fail "$(quotes)"
	finish
}

@test "no more than 4096 are kept, which is said; a million of them end in time" {
	python3 -c '
for i in range(1000000):
    print(f"[ {i}.0] pci 0000:01:00.0: {i % 5000}.000 Gb/s available PCIe bandwidth (8 GT/s x4 link)")' |
		read_with origin
	"$LNKINSPECT" -n --json -F report >json || true
	jq -e '.captures[0] | (.quotes | length == 4096) and (.limit | test("more than 4096"))' json >/dev/null ||
		fail "$(jq -c '.captures[0] | [(.quotes | length), .limit]' json)"
	timeout 20 "$LNKINSPECT" -n -q -F report >/dev/null || [[ $? == [13] ]] || fail "too slow"
	finish
}

@test "of several captures in one file, whose words they are is not known" {
	{ echo 'Hypervisor detected: KVM' && cat "$FIXTURES/$ANY/input" &&
		sed 's/^80: ../80: 77/' "$FIXTURES/$ANY/input"; } >report
	"$LNKINSPECT" -n --json -F report >json || true
	jq -e '.captures | length == 2 and all(.environment.guest == null)' json >/dev/null ||
		fail "$(jq -c '[.captures[].environment]' json)"
	finish
}

# What a terminal must not see does not come through a quote or a name either.
@test "words from outside are made harmless" {
	printf 'pci 0000:01:00.0: 2.000 Gb/s available PCIe bandwidth (\x1b[31m\xe2\x80\xae x)\nDMI: QEMU \x07evil, BIOS x\n' |
		read_with $ANY
	! LC_ALL=C grep -q $'[\x1b\x07]' json || fail "raw in JSON"
	"$LNKINSPECT" -n -v -F report >text || true
	! LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f]|\xe2\x80\xae' text || fail "raw in text"
	finish
}
