#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dist.bats - the tarball that "make dist" makes: what is in it, that it is the same for everybody, and
# that the program can be built, checked and installed from it

bats_require_minimum_version 1.5.0
load ../failures
load repository

setup_file() {
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN T
	unset SOURCE_DATE_EPOCH
	local program
	export FILES=$BATS_FILE_TMPDIR NAME
	program=$("$LNKINSPECT" --version)
	NAME=lnkinspect-${program#lnkinspect }
	make_repository "$FILES/repository"
	git clone -q "$FILES/repository" "$FILES/one"
	make -s -C "$FILES/one" dist 2>"$FILES/words"
	tar -C "$FILES" -xf "$FILES/one/build/$NAME.tar.xz"
}

setup() {
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN T
	unset SOURCE_DATE_EPOCH
	tarball=$FILES/one/build/$NAME.tar.xz
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "the same bytes from another clone, by another umask, in another time zone" {
	[[ ! -s $FILES/words ]] || fail "$(cat "$FILES/words")"
	(
		umask 077
		mkdir -p 'far away'
		git -c core.sharedRepository=0600 clone -q "$FILES/repository" away
		cd away
		TZ=Asia/Tokyo LC_ALL=C.UTF-8 make -s dist B=other
	)
	cmp "$tarball" "away/other/$NAME.tar.xz" || fail 'they differ'
	[[ $(stat -c %a away/Makefile) == 600 ]] || fail 'the umask did nothing'
	# Another time is other bytes: this test can fail.
	SOURCE_DATE_EPOCH=1 make -s -C away dist B=other
	! cmp -s "$tarball" "away/other/$NAME.tar.xz" || fail 'whatever the time'
	finish
}

@test "what git has, and nothing of whoever made it" {
	python3 - "$tarball" "$NAME" >tar <<-'PYTHON'
		"""What is wrong with a tarball, one line each, then its files: mode, name"""
		import lzma, sys, tarfile

		file, top = sys.argv[1:]
		with lzma.open(file) as f:
		    data = f.read()
		with tarfile.open(file) as tar:
		    members = tar.getmembers()
		    if tar.pax_headers:
		        print("pax", tar.pax_headers)
		names = [m.name for m in members]
		if names != sorted(names, key=lambda name: name.split("/")) or names[0] != top:
		    print("not sorted, or another top")
		for m in members:
		    # 1767323045: the commit's
		    if (m.uid, m.gid, m.uname, m.gname, m.mtime, m.pax_headers) != (0, 0, "", "", 1767323045, {}):
		        print(m.name, m.uid, m.gid, m.uname, m.gname, m.mtime, m.pax_headers)
		    if data[m.offset + 257:m.offset + 263] != b"ustar\0" or m.offset_data - m.offset != 512:
		        print(m.name, "is not in plain ustar")
		    if m.isfile():
		        print(f"{m.mode:o} {m.name.removeprefix(top + '/')}")
		    elif not m.isdir() or m.mode != 0o755:
		        print(m.name, "is neither file nor folder")
	PYTHON
	git -C "$FILES/repository" ls-files --stage | sed -E 's/^100([0-7]{3}) [0-9a-f]+ 0\t/\1 /' | sort >expected
	(($(wc -l <expected) > 900))
	diff expected <(sort tar)
}

@test "what is not committed is not in it, and that is said" {
	git clone -q "$FILES/repository" changed
	touch changed/new
	echo >>changed/README.md
	run make -s -C changed dist
	[[ $status == 0 && $output == 'dist: without what is not committed' ]] || fail "$output"
	cmp "$tarball" "changed/build/$NAME.tar.xz" || fail 'they differ'
	finish
}

@test "without its repository there is no telling what belongs to it" {
	cp -r "$FILES/$NAME" .
	run make -C "$NAME" dist
	[[ $status == 2 && $output == *'dist: no clone of the repository'* ]] || fail "alone: $output"
	# Somebody else's repository around it is none.
	git init -q .
	git add -A
	run make -C "$NAME" dist
	[[ $status == 2 && $output == *'dist: no clone of the repository'* ]] || fail "within another: $output"
	[[ ! -e $NAME/build ]] || fail "$(ls "$NAME/build")"
	finish
}

@test "from the tarball: build, check, install, uninstall, clean" {
	local top=$FILES/$NAME
	make -s -j "$(nproc)" -C "$top" CFLAGS=-O0
	[[ $("$top/build/lnkinspect" --version) == "${NAME/-/ }" ]] || fail 'the version'
	# What bats has in its environment is not for another one.
	run -0 env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin make -s -C "$top" CFLAGS=-O0 check T=tests/golden.bats
	[[ $output == *'ok 1 '* && $output != *'not ok'* ]] || fail "$output"
	make -s -C "$top" CFLAGS=-O0 install PREFIX=/usr DESTDIR="$PWD/there" >/dev/null
	run ./there/usr/bin/lnkinspect -q -F there/usr/share/doc/lnkinspect/examples/origin.txt
	[[ $status == 1 && $output == *'LNK001 error'* ]] || fail "$output"
	make -s -C "$top" uninstall PREFIX=/usr DESTDIR="$PWD/there" >/dev/null
	[[ -z $(find there ! -type d) ]] || fail "$(find there ! -type d)"
	make -s -C "$top" clean
	diff <(cd "$top" && find . -type f | sort) \
		<(git -C "$FILES/repository" ls-files | sed 's/^/.\//' | sort) || fail 'clean leaves something'
	finish
}
