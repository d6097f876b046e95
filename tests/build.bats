#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# build.bats - the Makefile: what it asks for, what it respects, what it leaves behind

setup_file() {
	# A make above this one must not hand down its options.
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN
	cd "$BATS_TEST_DIRNAME/.." || return 1
	TREE=$BATS_FILE_TMPDIR/tree
	export TREE
	make -s -j "$(nproc)" B="$TREE" CFLAGS=-O0
}

setup() {
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN
	cd "$BATS_TEST_DIRNAME/.." || return 1
}

@test "a second build does nothing" {
	run make B="$TREE" CFLAGS=-O0
	[[ $status == 0 ]]
	[[ $output == "make: Nothing to be done for 'all'." ]]
}

@test "other flags build again, what is included builds what includes it" {
	# -W: as if it were new; -n: only say
	run make -n B="$TREE" CFLAGS=-O0 -W src/lnkinspect.h
	(($(grep -c -- ' -c ' <<<"$output") == $(find src -name '*.c' | wc -l)))
	run make -n B="$TREE" CFLAGS=-O0 -W src/util.c
	(($(grep -c -- ' -c ' <<<"$output") == 1))
	cp "$TREE/flags" "$BATS_TEST_TMPDIR/flags"
	run make -n B="$TREE" CFLAGS=-O1
	cp "$BATS_TEST_TMPDIR/flags" "$TREE/flags"
	(($(grep -c -- ' -c ' <<<"$output") == $(find src -name '*.c' | wc -l)))
}

@test "CC, CFLAGS, CPPFLAGS and LDFLAGS belong to whoever builds" {
	local line
	run make -n B="$BATS_TEST_TMPDIR/other" CC=my-cc CFLAGS=-Og CPPFLAGS=-DMINE LDFLAGS=-Wl,-z,now
	[[ $status == 0 ]]
	while read -r line; do
		[[ $line == "my-cc "*" -Og"* ]]
		[[ $line != *-O2* && $line != *-Werror* ]]
		case $line in
		*" -c "*) [[ $line == *" -DMINE "* && $line == *" -std=c11 "* ]] ;;
		*) [[ $line == *" -Wl,-z,now "* && $line == *-lpci* ]] ;;
		esac
	done < <(grep my-cc <<<"$output")
	(($(grep -c my-cc <<<"$output") == $(find src -name '*.c' | wc -l) + 1))
	run make -n B="$BATS_TEST_TMPDIR/other" WERROR=1
	[[ $output == *" -Werror "* && $output == *" -O2 "* ]]
	run make -n B="$BATS_TEST_TMPDIR/other" SAN=address,undefined
	[[ $output == *" -fsanitize=address,undefined "* ]]
}

@test "the environment's CFLAGS count as well" {
	CFLAGS=-Og run make -n B="$BATS_TEST_TMPDIR/other"
	[[ $output == *" -Og "* && $output != *-O2* ]]
}

@test "a library that is missing is one line that names its package" {
	local name package failures=() pc=$BATS_TEST_TMPDIR/pc
	local -A packages=([libpci]=libpci-dev [libudev]=libudev-dev [smartcols]=libsmartcols-dev
		[jansson]=libjansson-dev [libarchive]=libarchive-dev [libsystemd]=libsystemd-dev)
	mkdir "$pc"
	for name in "${!packages[@]}"; do
		printf 'Name: x\nDescription: x\nVersion: 1\n' >"$pc/$name.pc"
	done
	PKG_CONFIG_LIBDIR=$pc PKG_CONFIG_PATH='' run make -n B="$BATS_TEST_TMPDIR/other"
	[[ $status == 0 ]]
	for name in "${!packages[@]}"; do
		package=${packages[$name]}
		mv "$pc/$name.pc" "$pc/gone"
		PKG_CONFIG_LIBDIR=$pc PKG_CONFIG_PATH='' run make B="$BATS_TEST_TMPDIR/other"
		mv "$pc/gone" "$pc/$name.pc"
		if [[ $status != 2 || ${#lines[@]} != 1 || $output != *" $package. "* ]]; then
			failures+=("$name: status $status: $output")
		fi
	done
	PKG_CONFIG=no-such-program run make B="$BATS_TEST_TMPDIR/other"
	[[ $status == 2 && ${#lines[@]} == 1 && $output == *" pkgconf. "* ]] ||
		failures+=("pkg-config: status $status: $output")
	((${#failures[@]} == 0)) || { printf '%s\n' "${failures[@]}" && return 1; }
	# None of it is needed to clean up.
	PKG_CONFIG_LIBDIR=/nowhere PKG_CONFIG_PATH='' make -n clean dist uninstall help >"$BATS_TEST_TMPDIR/out"
}

@test "install puts in place what is to be there, uninstall leaves nothing" {
	local folder dest="$BATS_TEST_TMPDIR/a dest"
	make -s B="$TREE" CFLAGS=-O0 install PREFIX=/usr DESTDIR="$dest"
	(cd "$dest" && find . -type f -printf '%m %P\n' | sort) >"$BATS_TEST_TMPDIR/all"
	# contrib/ and docs/ come as they are.
	diff <(grep -vE '/doc/lnkinspect/(docs/|examples/[^/]+/)' "$BATS_TEST_TMPDIR/all") - <<-END
	644 usr/share/bash-completion/completions/lnkinspect
	644 usr/share/doc/lnkinspect/LICENSE
	644 usr/share/doc/lnkinspect/NEWS
	644 usr/share/doc/lnkinspect/README.md
	644 usr/share/doc/lnkinspect/examples/origin.README
	644 usr/share/doc/lnkinspect/examples/origin.txt
	644 usr/share/lnkinspect/schema/lnkinspect-monitor.schema.json
	644 usr/share/lnkinspect/schema/lnkinspect-ndjson.schema.json
	644 usr/share/lnkinspect/schema/lnkinspect.schema.json
	644 usr/share/man/man1/lnkinspect.1
	644 usr/share/zsh/site-functions/_lnkinspect
	755 usr/bin/lnkinspect
	END
	cmp "$TREE/lnkinspect" "$dest/usr/bin/lnkinspect"
	cmp LICENSE "$dest/usr/share/doc/lnkinspect/LICENSE"
	cmp tests/fixtures/origin/input "$dest/usr/share/doc/lnkinspect/examples/origin.txt"
	"$dest/usr/bin/lnkinspect" --version | grep -q '^lnkinspect'
	for folder in contrib:examples docs:docs; do
		[[ -d ${folder%:*} ]] || continue
		diff <(cd "${folder%:*}" && find . -type f ! -name '*~' ! -name '*.pyc' -printf '%P\n' | sort) \
			<(cd "$dest/usr/share/doc/lnkinspect/${folder#*:}" &&
				find . -type f ! -name 'origin.*' -printf '%P\n' | sort)
	done
	[[ -x $dest/usr/share/doc/lnkinspect/examples/ci/judge ]]
	[[ $(stat -c %a "$dest/usr/share/doc/lnkinspect/examples/ci/judge") == 755 ]]
	[[ $(stat -c %a "$dest/usr/share/doc/lnkinspect/examples/ci/README.md") == 644 ]]
	# Whose files are not ours stay, with their folders.
	touch "$dest/usr/share/lnkinspect/schema/mine" "$dest/usr/share/doc/lnkinspect/mine"
	make -s uninstall PREFIX=/usr DESTDIR="$dest"
	diff <(cd "$dest" && find . ! -type d | sort) <(printf '%s\n' ./usr/share/doc/lnkinspect/mine \
		./usr/share/lnkinspect/schema/mine)
	rm "$dest/usr/share/lnkinspect/schema/mine" "$dest/usr/share/doc/lnkinspect/mine"
	make -s uninstall PREFIX=/usr DESTDIR="$dest"
	[[ -z $(find "$dest" ! -type d) ]]
	[[ ! -e $dest/usr/share/doc/lnkinspect && ! -e $dest/usr/share/lnkinspect ]]
	# The default is /usr/local.
	make -s B="$TREE" CFLAGS=-O0 install DESTDIR="$dest"
	[[ -x $dest/usr/local/bin/lnkinspect ]]
}

@test "clean leaves nothing of a tree, and only of that tree" {
	local tree=$BATS_TEST_TMPDIR/tree
	mkdir "$tree"
	cp -r "$TREE/obj" "$TREE/flags" "$TREE/lnkinspect" "$tree/"
	touch "$BATS_TEST_TMPDIR/other" "$tree/mine"
	make -s clean B="$tree"
	[[ $(ls "$tree") == mine ]]
	rm "$tree/mine"
	make -s clean B="$tree"
	[[ ! -e $tree && -e $BATS_TEST_TMPDIR/other && -x $TREE/lnkinspect ]]
}

@test "help names every target that a user may want" {
	local target
	run make help
	for target in all check check-asan check-valgrind lint install uninstall dist clean help; do
		[[ $output == *$'\n'"$target	"* || $output == "$target	"* ]]
	done
}

@test "README installs what .ci/packages says building takes" {
	local package
	[[ $(wc -l <.ci/packages) -gt 5 ]]
	while read -r package; do
		grep -qE "(^|[[:space:]])$package([[:space:]]|\$)" README.md || {
			echo "README does not name $package"
			return 1
		}
	done <.ci/packages
}

@test "the licence is version 2 of the GPL, and every source says so" {
	local file
	[[ $(sed -n 1,2p LICENSE) == *"GNU GENERAL PUBLIC LICENSE"*"Version 2, June 1991"* ]]
	for file in src/*.[ch] tests/*.c tests/*.bats tests/*.bash tests/layers tests/memcheck \
		tests/integration/*.{bats,bash,zsh,xsd} tests/integration/elsewhere completions/* \
		contrib/ci/{build,judge,*/*.yml} debian/rules debian/tests/installed bench/*.c bench/run \
		.ci/run Makefile; do
		head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || {
			echo "$file"
			return 1
		}
	done
}

@test "fuzzing says what it lacks" {
	run make B="$BATS_TEST_TMPDIR/fuzz" CC=false fuzz
	[[ $status == 2 && $output == *"false with libFuzzer is missing: apt-get install clang "* ]]
	run make B="$BATS_TEST_TMPDIR/fuzz" fuzz all
	[[ $status == 2 && $output == *"run it alone"* ]]
}
