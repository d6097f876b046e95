#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# forms.bats - captures as people attach them: each form in tests/forms is judged as the plain
# captures are that its README names
#
# Lines at the end of a README:
#	Same as: NAME ...	of tests/fixtures: what is found, and each link, are those of these, one
#				capture for each; "NAME in DOMAIN": with this domain in its addresses;
#				"-": nothing else is like it, and what is believed of it stands here
#	Apart from: ID ...	that may be found here or there alone: how the capture was made

load failures
load beliefs

# By hand: each form that is to be read.
text='prompts markdown markdown-bold quoted quoted-nested dmesg-stamps log-prefix indented html tabs
	upper-case crlf dmesg-around early-dump quoted-printable base64 wrapped-hex wrapped-decoded
	nbsp bom utf-16le utf-16be stderr-in-row diff two-snapshots several-dumps domain domain-5
	domain-6 domain-7 domain-8'
decoded='decoded lspci-3.0 lspci-3.2 lspci-3.5 lspci-3.7 lspci-3.10 lspci-3.13 lspci-3.14'
nvidia='nvidia-gpu-only nvidia-256 nvidia-4096 nvidia-sysfs nvidia-gz'
config='config-64 config-256 config-4096'
compressed='gz xz zst'
archives='sysfs-copy sysfs-tar procfs-copy hwloc zip nested sosreport supportconfig launchpad hw-probe'
files='apport'
all="$text $decoded $nvidia $config $compressed $archives $files"

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export FORMS=$BATS_TEST_DIRNAME/forms
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The words behind $2 in the README of form $1.
told() {
	sed -n "s/^$2: //p" "$FORMS/$1/README"
}

# Reads the inputs $2... ("-": standard input) into $1.json; words go to $1.err, the exit status to
# $status.
read_into() {
	local to=$1 input inputs=()
	shift
	for input; do
		inputs+=(-F "$input")
	done
	status=0
	"$LNKINSPECT" --json -n "${inputs[@]}" >"$to.json" 2>"$to.err" || status=$?
}

# What is said of each capture in $1.json, a line each, without IDs $2. Domain 0000 becomes $3.
said() {
	jq -cS --arg apart "$2" --arg domain "${3:-0000}" '
		def place: if . then sub("^0000:"; $domain + ":") else . end;
		def link: if . then "\(.speed) x\(.width)" else null end;
		def tip: if . then [(.address | place), (.max_link, .current_link | link)] else . end;
		.captures[] | {
			found: [.findings[] | select(.id as $id | $apart | split(" ") | index($id) | not) |
				[.id, .severity, (.port, .device, .function, .other | place)]] | sort,
			links: [.links[] | {port: .port | tip, device: .device | tip, state, verdict}]
		}' "$1.json" | sort
}

# What must be said of form $1 goes to ./want, the status to $want_status.
want() {
	local same words domain='' base bases=()
	same=$(told "$1" "Same as")
	read -ra words <<<"${same% in *}"
	for base in "${words[@]}"; do
		bases+=("$FIXTURES/$base/input")
	done
	((${#bases[@]})) || fail "$1: the README does not say what it is the same as"
	[[ $same != *" in "* ]] || domain=${same#* in }
	read_into base "${bases[@]}"
	[[ ! -s base.err ]] || fail "$1: $same: $(head -n 1 base.err)"
	said base "$(told "$1" "Apart from")" "$domain" >want
	[[ -s want ]] || fail "$1: $same: no captures"
	want_status=$status
}

# Is what was read into $2.json that of form $1? $3: what it was read from.
compare() {
	((status == want_status)) ||
		fail "$1, $3: status $status, not $want_status: $(head -n 1 "$2.err")"
	[[ ! -s $2.err ]] || fail "$1, $3: $(head -n 1 "$2.err")"
	said "$2" "$(told "$1" "Apart from")" >got 2>/dev/null
	cmp -s want got || fail "$1, $3:"$'\n'"$(diff want got)"
}

@test "every form has a fixture, and every fixture is a form of the list" {
	diff <(tr -s ' \t\n' '\n' <<<"$all" | sort) <(ls "$FORMS")
	local name
	for name in $all; do
		[[ -s $FORMS/$name/input && -s $FORMS/$name/README ]] || fail "$name: a file is missing"
	done
	finish
}

@test "the plain captures" {
	local link='0000:00:03.0>0000:01:00.0'
	believe <<-END
		origin-short LNK001=error@$link ?LNK203@0000:01:00.0 status=1
		origin-short-mended none !LNK001 status=0
		origin-host none !LNK001 !LNK003 status=0
		origin-gpu LNK001=error@$link LNK203=warning@$link status=1
		qemu-origin-legacy LNK001=error@$link LNK203=warning@$link status=1
		origin-device LNK903=notice none status=3
		origin-device-256 LNK903=notice none status=3
		origin-device-64 LNK901=warning@- LNK903=notice status=3
	END
}

@test "each form is judged as its plain captures" {
	local name
	for name in $all; do
		[[ " $config nvidia-gpu-only " != *" $name "* ]] || continue
		want "$name"
		read_into file "$FORMS/$name/input"
		compare "$name" file "its file"
		read_into pipe - < <(cat "$FORMS/$name/input")
		compare "$name" pipe "a pipe"
	done
	finish
}

@test "one function's configuration space: its path says which it is" {
	local name
	for name in $config; do
		mkdir -p "$name/0000:01:00.0"
		cp "$FORMS/$name/input" "$name/0000:01:00.0/config"
		want "$name"
		read_into file "$name/0000:01:00.0/config"
		compare "$name" file "its file"
		# Without a name there is no address, and all else stays.
		jq -c '[.captures[].findings[] | .id]' base.json >want
		read_into pipe - <"$FORMS/$name/input"
		((status == want_status)) || fail "$name, a pipe: status $status: $(head -n 1 pipe.err)"
		jq -c '[.captures[].findings[] | .id]' pipe.json >got || true
		cmp -s want got || fail "$name, a pipe: $(cat got), not $(cat want)"
	done
	finish
}

@test "an archive, unpacked: the folder is the same capture" {
	local name
	for name in $archives; do
		mkdir "$name"
		case $name in
		zip | launchpad) python3 -m zipfile -e "$FORMS/$name/input" "$name" ;;
		*) python3 -m tarfile -e "$FORMS/$name/input" "$name" ;;
		esac
		# bats wants to remove it.
		chmod -R u+w "$name"
		want "$name"
		read_into folder "$name"
		compare "$name" folder "a folder"
	done
	finish
}

@test "an old nvidia-bug-report has no port: nothing is said of its link, and where it would be is" {
	cp -r "$FORMS" fixtures
	FIXTURES=$PWD/fixtures believe <<-'END'
		nvidia-gpu-only LNK903=notice none !LNK001 !LNK002 !LNK203 status=3
	END
	# lspci -t has the device below 03.0, and lspci -nn says what that is.
	grep -q '^-\[0000:00\]-+-00.0$' "$FORMS/nvidia-gpu-only/input"
	grep -q '^00:03.0 PCI bridge .* \[1b36:000c\]$' "$FORMS/nvidia-gpu-only/input"
	read_into file "$FORMS/nvidia-gpu-only/input"
	jq -e '.captures[0].functions | map({(.address): .}) | add |
		.["0000:00:03.0"] as $port | $port.vendor == "1b36" and $port.device == "000c" and
		($port.registers | has("LNKCAP") | not)' file.json || fail "the port is not known"
	finish
}

@test "a report that names the machine: a guest of QEMU" {
	local name
	for name in $nvidia hwloc sosreport supportconfig launchpad hw-probe apport dmesg-around; do
		read_into file "$FORMS/$name/input"
		jq -e '[.captures[].environment | [.guest, .hypervisor]] == [[true, "QEMU"]]' file.json \
			>/dev/null || fail "$name: $(jq -c '[.captures[].environment]' file.json) $(cat file.err)"
	done
	finish
}

@test "several inputs: each has its verdict, and the worst one counts" {
	read_into file "$FORMS/zip/input" "$FORMS/nvidia-gz/input" "$FIXTURES/origin-short-mended/input"
	((status == 1)) || fail "status $status: $(cat file.err)"
	[[ $(jq -c '[.captures[] | [.findings[].id | select(. == "LNK001")]] | map(length)' file.json) == \
		"[0,1,1,0]" ]] || fail "$(jq -c '[.captures[] | [.source, .findings[].id]]' file.json)"
	finish
}
