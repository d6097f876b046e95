#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# output.bats - --output=FILE: the report is there whole or not at all, and so are the files of
# --capture and --write-expect
#
# As nobody where permissions matter: root may write anywhere.

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export ORIGIN=$FIXTURES/origin/input FINE=$FIXTURES/qemu-consistent/input
	# Others can reach it.
	PUBLIC=$(mktemp -d)
	export PUBLIC
	cp "$LNKINSPECT" "$ORIGIN" "$PUBLIC"
	mv "$PUBLIC/input" "$PUBLIC/origin"
	chmod -R a+rX "$PUBLIC"
}

teardown_file() {
	rm -rf "$PUBLIC"
}

setup() {
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	umask 022
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Runs the program with the arguments behind $1, the status that it must have; into ./out and ./err.
exits() {
	local want=$1 status=0
	shift
	"$LNKINSPECT" "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "$*: status $status, not $want: $(head -n 3 err)"
}

as_nobody() {
	if ((EUID)); then
		"$@"
	else
		runuser -u nobody -- "$@"
	fi
}

# Nothing that was being written is left in the folder $1.
tidy() {
	local left
	left=$(find "$1" -name '.lnkinspect.*')
	[[ -z $left ]] || fail "left behind: $left"
}

# The message for the failed run is $1, alone.
complains() {
	[[ $(cat err) == "lnkinspect: $1" ]] || fail "words: $(cat err), not: $1"
}

@test "what would be printed is in the file, in each format, and nothing else is" {
	local format
	for format in table tree json junit sarif prometheus ndjson; do
		exits 1 --format=$format -F "$ORIGIN"
		cp out want
		[[ -s want ]] || fail "$format: nothing"
		exits 1 --format=$format -F "$ORIGIN" -o file
		cmp want file || fail "$format: -o"
		[[ ! -s out && ! -s err ]] || fail "$format: words: $(cat out err)"
		exits 1 --format=$format -F "$ORIGIN" --output=file
		cmp want file || fail "$format: --output="
		exits 1 --format=$format -F "$ORIGIN" -o -
		cmp want out || fail "$format: -"
	done
	exits 1 -q -F "$ORIGIN" "$FINE" "$ORIGIN"
	cp out want
	exits 1 -q -j 3 -F "$ORIGIN" "$FINE" "$ORIGIN" -o file
	cmp want file || fail '-j'
	# Nothing found is an empty file, not the one of yesterday.
	exits 0 -q -F "$FINE" -o file
	[[ -f file && ! -s file ]] || fail 'not empty'
	tidy .
	finish
}

@test "a comparison and what is expected are in it, too" {
	exits 1 -q -F "$FIXTURES/compare-guest-legacy/input" --compare "$FIXTURES/compare-host/input" -o file
	grep -q '^compare ' file || fail 'compare'
	echo none >list
	exits 1 -q -F "$ORIGIN" --expect=list -o file
	grep -q '^expect list: + LNK001@' file || fail 'expect'
	finish
}

# Runs the command line $1 with a terminal as standard output.
in_terminal() {
	python3 - "$@" <<-'PYTHON'
		import os, pty, sys
		pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 4096))
	PYTHON
}

@test "a file has no colours and no width, whatever the terminal" {
	exits 1 -F "$ORIGIN"
	cp out want
	TERM=xterm in_terminal "$LNKINSPECT" -F "$ORIGIN" >screen </dev/null || true
	grep -q $'\033\\[1;31m' screen || fail 'the terminal has no colours'
	TERM=xterm in_terminal "$LNKINSPECT" -F "$ORIGIN" -o file >screen </dev/null || true
	cmp want file || fail 'not as for a file'
	[[ ! -s screen ]] || fail "words: $(cat screen)"
	# Who asks for them gets them.
	exits 1 -F "$ORIGIN" -o file --color=always
	grep -q $'\033\\[1;31m' file || fail '--color=always'
	COLUMNS=60 exits 1 -F "$ORIGIN"
	cp out want
	COLUMNS=60 exits 1 -F "$ORIGIN" -o file
	cmp want file || fail 'COLUMNS'
	finish
}

@test "permissions: as the umask has them, or as those of the file that is replaced" {
	umask 027
	exits 1 -F "$ORIGIN" -o file
	[[ $(stat -c %a file) == 640 ]] || fail "umask: $(stat -c %a file)"
	chmod 600 file
	umask 0
	exits 1 -F "$ORIGIN" -o file
	[[ $(stat -c %a file) == 600 ]] || fail "kept: $(stat -c %a file)"
	exits 0 -F "$ORIGIN" --capture=file
	[[ $(stat -c %a file) == 600 ]] || fail "capture: $(stat -c %a file)"
	finish
}

@test "the old file is there until the new one is, and is another" {
	local inode
	echo old >file
	exec 7<file
	inode=$(stat -c %i file)
	exits 1 -F "$ORIGIN" -o file
	[[ $(cat <&7) == old ]] || fail 'it was written to'
	exec 7<&-
	[[ $(stat -c %i file) != "$inode" ]] || fail 'it was not replaced'
	# A link is followed: what it names is replaced, by its own folder's file.
	mkdir folder
	echo old >folder/real
	ln -s folder/real link
	exits 1 -F "$ORIGIN" -o link
	[[ -L link ]] || fail 'the link is gone'
	grep -q LNK001 folder/real || fail 'the link was not followed'
	# One that leads nowhere is not.
	ln -s nowhere/file lost
	exits 1 -F "$ORIGIN" -o lost
	[[ ! -L lost ]] && grep -q LNK001 lost || fail 'a link that leads nowhere'
	tidy .
	finish
}

@test "what is read is not replaced, under whatever name" {
	local file
	cp "$ORIGIN" mine
	echo none >list
	cp "$FINE" other
	ln mine hard
	ln -s mine soft
	for file in mine ./mine hard soft; do
		exits 2 -F mine -o "$file"
		complains "$file: is read, too, and would be lost: write another file"
	done
	exits 2 -F "$FINE" mine -o mine
	exits 2 -F mine --capture=mine
	exits 2 -F mine --write-expect=hard
	exits 2 -F mine --compare=other -o other
	exits 2 -F mine --expect=list -o list
	cmp mine "$ORIGIN" && cmp other "$FINE" || fail 'a capture is gone'
	[[ $(cat list) == none ]] || fail 'the list is gone'
	status=0
	# shellcheck disable=SC2094 # that is what is tested
	"$LNKINSPECT" -F - -o mine <mine 2>err || status=$?
	((status == 2)) && cmp mine "$ORIGIN" || fail 'the standard input'
	# By their folder, and by libpci's name for them.
	mkdir folder
	cp mine folder
	exits 2 -F folder -o folder/mine
	exits 2 -F folder --capture=folder/mine
	exits 2 -F other --compare=folder -o folder/mine
	cp mine folder.not
	exits 2 -A dump -O dump.name=mine -o mine
	exits 2 -A dump -O dump.name=mine --write-expect=soft
	cmp mine "$ORIGIN" && cmp folder/mine "$ORIGIN" || fail 'a capture in a folder is gone'
	exits 1 -F folder -o folder.not
	exits 1 -F folder -o folder/new
	grep -q LNK001 folder.not folder/new || fail 'what is not read'
	# What is alike is not the same, and what cannot be lost is not lost.
	cp mine copy
	exits 1 -F mine -o copy
	grep -q LNK001 copy || fail 'a copy'
	exits 2 -F mine -o ''
	complains '--output, --capture and --write-expect: no file is named'
	exits 2 -F mine --capture=
	complains '--output, --capture and --write-expect: no file is named'
	tidy .
	finish
}

@test "root: the owner stays who it was" {
	((EUID == 0)) || fail 'root runs the tests of owners'
	echo old >file
	chown nobody:daemon file
	chmod 640 file
	exits 1 -F "$ORIGIN" -o file
	[[ $(stat -c %U:%G:%a file) == nobody:daemon:640 ]] || fail "$(stat -c %U:%G:%a file)"
	# Where that is forbidden by death, as by a unit of systemd, one's own file can be replaced.
	chown "$(id -u):$(id -g)" file
	strace -o trace -e trace=fchown,chown,fchownat "$LNKINSPECT" -F "$ORIGIN" -o file >out 2>&1 || true
	! grep chown trace || fail 'what it has already is given'
	finish
}

# Runs the program, which waits for its input, kills it with signal $1 when its file is there, and
# has its exit status in $status.
kill_at_work() {
	local i
	rm -f pipe
	mkfifo pipe
	sleep 60 >pipe &
	local writer=$!
	# A shell has what it puts into the background ignore INT, and bats would wait for it aside.
	(exec env --default-signal "$LNKINSPECT" -F pipe -o file 2>err) &
	for ((i = 0; i < 500; i++)); do
		compgen -G '.lnkinspect.*' >/dev/null && break
		sleep 0.02
	done
	compgen -G '.lnkinspect.*' >/dev/null || fail "$1: no file is made"
	kill -s "$1" $!
	status=0
	wait $! || status=$?
	kill "$writer"
}

@test "a signal ends it as it would have, and leaves nothing behind" {
	local signal
	echo old >file
	for signal in HUP INT QUIT ALRM TERM XCPU XFSZ; do
		kill_at_work "$signal"
		((status == 128 + $(kill -l "$signal"))) || fail "$signal: status $status"
		[[ $(cat file) == old ]] || fail "$signal: the old file is gone"
		tidy .
	done
	finish
}

@test "what is no plain file is written to" {
	exits 1 -q -F "$ORIGIN"
	cp out want
	# Nodes of our own: root could lose the machine's.
	mknod null c 1 3
	exits 1 -q -F "$ORIGIN" -o null
	[[ -c null ]] || fail 'it is no device any more'
	# By a pipe, by a file: whoever opened that has it.
	"$LNKINSPECT" -q -F "$ORIGIN" -o /dev/stdout 2>err | cat >out || true
	cmp want out || fail "a pipe: $(cat err)"
	exits 1 -q -F "$ORIGIN" -o /dev/stdout
	cmp want out || fail "a file: $(cat err)"
	{
		echo before
		"$LNKINSPECT" -q -F "$ORIGIN" -o "$PWD/out" || true
		echo behind
	} >out
	{ echo before && cat want && echo behind; } | cmp - out || fail 'standard output by its name'
	mkfifo fifo
	cat fifo >got &
	exits 1 -q -F "$ORIGIN" -o fifo
	wait $!
	cmp want got || fail 'a fifo'
	[[ -p fifo ]] || fail 'it is none any more'
	tidy .
	finish
}

@test "what cannot be written leaves the old file, status 2 and words" {
	exits 2 -F "$ORIGIN" -o missing/file
	complains 'missing/file: no file can be made beside it: No such file or directory'
	mkdir folder
	exits 2 -F "$ORIGIN" -o folder
	complains 'folder: Is a directory'
	exits 2 -F "$ORIGIN" -o new/
	mknod full c 1 7
	exits 2 -F "$ORIGIN" -o full
	complains 'full: No space left on device'
	echo old >file
	# Each of several inputs is no reason to say it again.
	exits 2 -F "$ORIGIN" "$ORIGIN" "$ORIGIN" -o missing/file
	(($(wc -l <err) == 1)) || fail "several: $(cat err)"
	exits 2 -j 2 -F "$ORIGIN" "$ORIGIN" "$ORIGIN" -o missing/file
	(($(wc -l <err) == 1)) || fail "-j: $(cat err)"
	# A disk that is full, for the reports and for what is to be read again.
	local arguments inputs=()
	for _ in {1..20}; do
		inputs+=(-F "$ORIGIN")
	done
	for arguments in -q --json --format=ndjson --format=sarif; do
		(
			trap '' XFSZ
			ulimit -f 1
			"$LNKINSPECT" $arguments "${inputs[@]}" -o file
		) >out 2>err && fail "$arguments: a full disk is no news"
		complains 'file: File too large'
		[[ $(cat file) == old ]] || fail "$arguments: the old file is gone"
	done
	(
		trap '' XFSZ
		ulimit -f 1
		"$LNKINSPECT" -F "$ORIGIN" --capture=file
	) >out 2>err && fail '--capture: a full disk is no news'
	[[ $(cat file) == old ]] || fail '--capture: the old file is gone'
	tidy .
	finish
}

@test "nobody: a folder, or a file, that is not theirs to write" {
	local spool=$PUBLIC/spool
	rm -rf "$spool"
	mkdir "$spool"
	echo old >"$spool/file"
	chmod 666 "$spool/file"
	chmod 555 "$spool"
	as_nobody "$PUBLIC/lnkinspect" -F "$PUBLIC/origin" -o "$spool/file" 2>err && fail 'a folder'
	complains "$spool/file: no file can be made beside it: Permission denied"
	chmod 777 "$spool"
	chmod 444 "$spool/file"
	as_nobody "$PUBLIC/lnkinspect" -F "$PUBLIC/origin" -o "$spool/file" 2>err && fail 'a file'
	complains "$spool/file: Permission denied"
	[[ $(cat "$spool/file") == old ]] || fail 'the old file is gone'
	as_nobody "$PUBLIC/lnkinspect" -q -F "$PUBLIC/origin" -o "$spool/new" || true
	grep -q LNK001 "$spool/new" || fail 'they may write a new one'
	tidy "$spool"
	finish
}

@test "an input that cannot be read: what there is to say is in the file; a capture is not" {
	echo old >file
	exits 2 --json -F "$FINE" missing -o file
	jq -e '.status == 2 and (.captures | length == 1)' file >/dev/null || fail 'one of two'
	exits 2 --format=prometheus -F missing -o file
	grep -qx 'lnkinspect_status 2' file || fail 'metrics'
	echo old >file
	exits 2 --capture=file -F missing
	exits 2 --write-expect=file -F missing
	exits 3 -F "$ORIGIN" -s 99: --write-expect=file
	exits 3 -F "$ORIGIN" -s 99: --capture=file
	exits 2 --write-expect=file -F "$FIXTURES/lnk904-two-snapshots/input"
	# What cannot be asked for is no reason to write.
	exits 2 -F "$ORIGIN" --only=LNK999 -o file
	exits 2 -F "$ORIGIN" --expect=missing -o file
	exits 2 -F "$ORIGIN" --compare=missing -o file
	[[ $(cat file) == old ]] || fail 'the old file is gone'
	tidy .
	finish
}

@test "what names its own file, or never ends, takes no --output" {
	exits 2 -F "$ORIGIN" --capture=one -o two
	complains '--capture and --write-expect name their own file: leave out --output'
	exits 2 -F "$ORIGIN" --write-expect=one -o two
	exits 2 --monitor -o two
	complains '--monitor prints each line when it comes, --output a file at the end: use one'
	[[ ! -e one && ! -e two ]] || fail 'something was written'
	finish
}
