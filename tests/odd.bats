#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# odd.bats - machines that change while they are looked at, and machines of which only a part is to be
# seen: devices that are pulled out, devices that sleep, containers

bats_require_minimum_version 1.5.0
load failures
load machine

setup() {
	export LC_ALL=C
	unset COLUMNS NO_COLOR TERM
	cd "$BATS_TEST_TMPDIR" || return 1
}

# ---- Pulled out --------------------------------------------------------------------------------

# The library ./pull.so: the $PULL-th read of a configuration space, in the order of the program, is the
# one at which the device of $AT is pulled out: its directory goes, and reads of it fail as the kernel has
# them fail. ./reads gets a line for each read.
make_pull() {
	cat >pull.c <<-'C'
		#include <dlfcn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>

		ssize_t pread(int fd, void *buf, size_t n, off_t off)
		{
			ssize_t (*real)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
			static int reads;
			static int gone;
			char link[64], path[4096] = "", dir[4096], away[4200], *end;
			FILE *log;

			snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
			if (readlink(link, path, sizeof(path) - 1) < 0 || !strstr(path, "/config"))
				return real(fd, buf, n, off);
			log = fopen("reads", "a");
			fprintf(log, "%s %lx\n", path, (long)off);
			fclose(log);
			if (++reads == atoi(getenv("PULL"))) {
				snprintf(dir, sizeof(dir), "%s/sys/devices/pci0000:00/%s",
					 getenv("UMOCKDEV_DIR"), getenv("AT"));
				snprintf(away, sizeof(away), "%s.away", dir);
				if (rename(dir, away))
					_exit(98);
				gone = 1;
			}
			end = strstr(path, getenv("AT"));
			if (gone && end) {
				errno = ENODEV;
				return -1;
			}
			return real(fd, buf, n, off);
		}
	C
	cc -shared -fPIC -D_GNU_SOURCE -o pull.so pull.c
}

# Runs the program on machine $1 with the options behind $3; device $2 goes at read $3.
pulled() {
	local mock=$1 at=$2 read=$3
	shift 3
	rm -f reads
	status=0
	# shellcheck disable=SC2016 # for the inner shell
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 AT=$at PULL=$read umockdev-run -d "$mock" -- \
		sh -c 'LD_PRELOAD="./pull.so $LD_PRELOAD" exec timeout 20 "$@"' sh "$LNKINSPECT" "$@" \
		>out 2>err </dev/null || status=$?
}

@test "a device that goes while it is looked at: at each read, whole output, and LNK105 once it is gone" {
	local n reads
	make_pull
	machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU
	pulled m 0000:01:00.0 0 --json -n
	((status == 1)) || fail "untouched: $status, $(cat err)"
	mv reads all
	reads=$(wc -l <all)
	((reads > 15)) || fail "reads: $reads"
	for ((n = 1; n <= reads; n++)); do
		pulled m 0000:01:00.0 "$n" --json -n
		[[ ! -s err ]] || fail "$n: $(cat err)"
		jq -e . out >/dev/null || fail "$n: half of a document"
		# What it said before does not count. The second look at LNKSTA comes when all was read.
		if tail -n +"$n" all | grep -q '/0000:01:00.0/config .*[^2]$'; then
			((status == 3)) || fail "$n: status $status"
			holds "$n" '.captures[0] | [.findings[] | [.id, .severity, .function]] ==
				[["LNK105", "notice", "0000:01:00.0"]] and
				(.functions[] | select(.address == "0000:01:00.0") |
					.reach == "removed" and .registers == {} and .vendor == "8086" and
					.max_link == null and .current_link == null)'
		else
			((status == 1)) || fail "$n: status $status, though all of it was read"
		fi
	done
	# In words.
	pulled m 0000:01:00.0 1 -n
	grep -q '^LNK105 notice  0000:01:00.0' out || fail "$(cat out)"
	grep -q 'was removed while it was looked at' out || fail "$(cat out)"
	grep -q '1 removed meanwhile' out || fail "$(head -n 1 out)"
	pulled m 0000:01:00.0 1 --tree -n
	grep -q '01:00.0.*removed' out || fail "$(cat out)"
	finish
}

@test "the port goes, and the device with it or without" {
	local n reads
	make_pull
	machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU
	pulled m 0000:00:01.0 0 --json -n
	mv reads all
	reads=$(wc -l <all)
	for ((n = 1; n <= reads; n += 2)); do
		pulled m 0000:00:01.0 "$n" --json -n
		[[ ! -s err ]] || fail "$n: $(cat err)"
		jq -e . out >/dev/null || fail "$n: half of a document"
		tail -n +"$n" all | grep -q /0000:00:01.0/ || continue
		((status == 3)) || fail "$n: status $status: $(head -c 300 out)"
		holds "$n" '.captures[0] | ([.findings[] | select(.id == "LNK105") | .function] ==
			["0000:00:01.0"]) and ([.findings[] | select(.severity == "error")] == [])'
	done
	finish
}

@test "a link to a directory that is gone already: it is not there" {
	local status=0
	machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU
	# shellcheck disable=SC2016 # for the inner shell
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 umockdev-run -d m -- \
		sh -c 'mv "$UMOCKDEV_DIR"/sys/devices/pci0000:00/0000:01:00.0 "$UMOCKDEV_DIR"; exec "$@"' sh \
		"$LNKINSPECT" --json -n >out 2>err </dev/null || status=$?
	[[ $status == 0 && ! -s err ]] || fail "status $status: $(cat err)"
	holds gone '.captures[0] | .findings == [] and .links == [] and
		([.functions[].address] | index("0000:01:00.0") == null)'
	finish
}

@test "a capture keeps that a function was removed" {
	make_pull
	machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU
	pulled m 0000:01:00.0 1 --capture=capture
	((status == 0)) || fail "status $status: $(cat err)"
	exits 3 -q -n -F capture
	[[ $(found) == "LNK105=notice@0000:01:00.0" ]] || fail "$(found)"
	lspci -F capture >/dev/null || fail "lspci does not read it"
	finish
}

# ---- Asleep ------------------------------------------------------------------------------------

@test "--wake reads what sleeps" {
	local word
	for word in power/runtime_status=suspended power_state=D3cold; do
		machine mock m "$(fixture origin)" ids links dmi/sys_vendor=QEMU "0000:01:00.0/$word"
		mocked 3 m -q -n
		[[ $(found) == *"LNK908=info@0000:01:00.0"* ]] || fail "$word: $(found)"
		mocked 1 m -q -n --wake
		[[ $(found) == "LNK001=error@0000:00:01.0>0000:01:00.0 LNK203=warning@0000:00:01.0>0000:01:00.0" ]] ||
			fail "$word, --wake: $(found)"
	done
	exits 2 --wake -F "$(fixture origin)"
	grep -q 'in a capture nothing sleeps' err || fail "$(cat err)"
	finish
}

# ---- Containers --------------------------------------------------------------------------------

# Runs the program in a mount namespace of its own, which $2 makes ready; $1 is a pattern of the status,
# which depends on the machine. Who is root needs no user namespace, and may not have one in a chroot.
contained() {
	local want=$1 ready=$2 user=()
	shift 2
	status=0
	((EUID)) && user=(--user --map-root-user)
	unshare "${user[@]}" --mount sh -c "$ready"$'\nexec "$@"' sh timeout 20 "$LNKINSPECT" "$@" \
		>out 2>err </dev/null || status=$?
	# shellcheck disable=SC2053 # a pattern is meant
	[[ $status == $want ]] || fail "status $status, not $want: $ready: $* $(cat err)"
}

@test "without /sys it says so and goes on with /proc, without both it says that" {
	[[ -d /proc/bus/pci ]] || fail "this test takes a machine with PCI"
	# Who may use the chipset's ports goes on through them, as lspci does.
	contained '[0123]' 'mount -t tmpfs t /sys; mount -t tmpfs t /proc/bus'
	if ((status == 2)); then
		grep -q 'neither /sys/bus/pci nor /proc/bus/pci is there; a container may hide them' err ||
			fail "$(cat err)"
		[[ ! -s out ]] || fail "$(cat out)"
	else
		grep -q '^Read through intel-conf[12], without sysfs' out || fail "$(cat out err)"
	fi
	"$LNKINSPECT" --json -n >with || true
	contained '[013]' 'mount -t tmpfs t /sys' --json -n
	holds lacks '.captures[0].environment.lacks | test("^Read through linux-proc, without sysfs: .* so all were read;")'
	cmp <(jq -c '[.captures[0].functions[].address]' with) <(jq -c '[.captures[0].functions[].address]' out) ||
		fail "other functions"
	contained '[013]' 'mount -t tmpfs t /sys' -n
	grep -q '^Read through linux-proc, without sysfs: which functions sleep is not known' out || fail "$(cat out)"
	# A masked directory of it is no trouble, and neither is a /sys that nobody may write.
	contained '[013]' 'mount -t tmpfs t /sys/firmware; mount -o remount,bind,ro /sys' --json -n
	cmp <(jq -c '[.captures[0].functions[].address]' with) <(jq -c '[.captures[0].functions[].address]' out) ||
		fail "other functions"
	holds 'read-only' '.captures[0].environment.lacks | . == null or test("^This user is root without CAP_SYS_ADMIN")'
	finish
}
