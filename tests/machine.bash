# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# machine.bash - runs the program on machines that umockdev makes up, and asks what it printed
#
#	load failures
#	load machine
#
# machine.py makes the machines. With umockdev the program believes that it runs on them: the way into
# /sys leads elsewhere.

machine() {
	python3 "$BATS_TEST_DIRNAME/machine.py" "$@"
}

# The path of the fixture $1's capture.
fixture() {
	echo "$FIXTURES/$1/input"
}

# Runs the program with the arguments behind $1, which is the status that it must have; it must end
# within 20 seconds. Leaves what it printed in ./out and ./err.
exits() {
	local want=$1 status=0
	shift
	timeout 20 "$LNKINSPECT" "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "status $status, not $want: $*: $(head -n 2 err)"
}

# The same on the machine of description $2: the program sees that, and not this one.
mocked() {
	local want=$1 mock=$2 status=0
	shift 2
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
		timeout 20 umockdev-run -d "$mock" -- "$LNKINSPECT" "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "status $status, not $want: $mock: $*: $(head -n 2 err)"
}

# Is the jq expression $2 true of the JSON in ./out? If not, it is blamed on $1.
holds() {
	jq -e "$2" out >/dev/null || fail "$1: $(jq -c '.captures[] | {status, environment,
		found: [.findings[] | "\(.id)=\(.severity)@\(.function)"], damage, limit}' out | head -c 1200)"
}

# What is found, as -q prints it: "ID=SEVERITY@WHERE", sorted, in one line.
found() {
	awk '{ print $1 "=" $2 "@" $3 }' out | sort | xargs
}

# Runs the program in the machine $1 with the options behind it; $UMOCKDEV_DIR/sys/... of each function
# in $traps has a FIFO in the place of config. ./seen is there if anybody opened one.
export traps=0000:01:00.0
with_trap() {
	local mock=$1
	shift
	cat >trap.sh <<-'SCRIPT'
		for at in $traps; do
			config=$UMOCKDEV_DIR/sys/devices/pci0000:00/$at/config
			rm "$config" && mkfifo "$config" || exit 99
			(while : >"$config"; do echo "$at" >>seen; sleep 0.02; done) &
		done
		timeout 20 "$@"
		status=$?
		sleep 0.1
		# shellcheck disable=SC2046 # words are meant
		kill -KILL $(jobs -p) 2>/dev/null
		exit $status
	SCRIPT
	rm -f seen
	status=0
	traps=$traps ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 umockdev-run -d "$mock" -- \
		bash trap.sh "$LNKINSPECT" "$@" >out 2>err </dev/null 3>&- || status=$?
}
