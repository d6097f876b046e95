#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# systemd.bats - the units of contrib/systemd, by systemd's own opinion
#
# Without a machine that systemd runs: tests/guest/service.py has one.

bats_require_minimum_version 1.5.0
load ../failures

setup() {
	: "${LNKINSPECT:?}"
	units=$(realpath "$BATS_TEST_DIRNAME/../../contrib/systemd")
	cd "$BATS_TEST_TMPDIR" || return 1
	root=$PWD/root
	mkdir -p "$root"/{etc/systemd/system,usr/lib/systemd,usr/bin}
	cp -r /usr/lib/systemd/system "$root/usr/lib/systemd"
	install "$LNKINSPECT" "$root/usr/bin/lnkinspect"
	install -m 644 "$units"/lnkinspect-textfile.* "$root/etc/systemd/system"
}

# What systemd has to say of unit $1, below the root that was made of Debian's units and ours.
verify() {
	run systemd-analyze verify --man=no --root="$root" "$1"
}

@test "systemd-analyze verify has nothing to say" {
	local unit
	for unit in lnkinspect-textfile.{service,timer}; do
		verify "$unit"
		[[ $status == 0 && ! $output ]] || fail "$unit: $output"
	done
	finish
}

@test "systemd-analyze verify would say something" {
	sed -i 's/^ProtectSystem=.*/ProtectSystem=strictly/' "$root/etc/systemd/system/lnkinspect-textfile.service"
	verify lnkinspect-textfile.service
	[[ $output == *strictly* ]]
}

@test "systemd-analyze security: the service is exposed to little" {
	local all
	all=$(systemd-analyze security --no-pager --offline=true --root="$root" lnkinspect-textfile.service) ||
		fail "status $?"
	# 0 to 100; what is left is root, its one capability, and a file for all to read.
	systemd-analyze security --no-pager --offline=true --threshold=14 --root="$root" \
		lnkinspect-textfile.service >out || fail "$(tail -n 1 out)"
	# Of all capabilities it keeps one.
	[[ $(grep -c '^✗ CapabilityBoundingSet=' <<<"$all") == 1 ]] || fail "$(grep '^✗' <<<"$all")"
	grep -q '^✗ CapabilityBoundingSet=~CAP_SYS_ADMIN ' <<<"$all" || fail "$(grep '^✗' <<<"$all")"
	finish
}

@test "the timer starts the service, and can be enabled; the service cannot" {
	run -0 systemctl --root="$root" enable lnkinspect-textfile.timer
	[[ -L $root/etc/systemd/system/timers.target.wants/lnkinspect-textfile.timer ]]
	run -0 systemctl --root="$root" is-enabled lnkinspect-textfile.timer
	[[ $output == enabled ]]
	run systemctl --root="$root" is-enabled lnkinspect-textfile.service
	[[ $output == static ]]
}

@test "what the service writes is where Debian's node_exporter looks" {
	local folder
	folder=$(dpkg -L prometheus-node-exporter | grep -x '/var/lib/prometheus/node-exporter')
	grep -q "^ExecStart=lnkinspect --format=prometheus --output=$folder/lnkinspect\.prom\$" \
		"$units/lnkinspect-textfile.service"
	grep -q "^ReadWritePaths=-$folder\$" "$units/lnkinspect-textfile.service"
}

@test "README.md names the files that there are" {
	local name n=0
	while read -r name; do
		n=$((n + 1))
		[[ -s $units/$name ]] || fail "no $name"
	done < <(grep -oE 'lnkinspect-textfile\.[a-z]+' "$units/README.md" | sort -u)
	((n == 2)) || fail "$n"
	finish
}
