#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# debian.bats - the Debian package: it is built, twice, lintian and autopkgtest judge it
#
# autopkgtest installs it in a copy of this machine that is thrown away (elsewhere).

bats_require_minimum_version 1.5.0
load ../failures
load repository

# A build as somebody starts it, and not from within another one.
plain() {
	env -i HOME="$FILES" LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

setup_file() {
	: "${LNKINSPECT:?}"
	export FILES=$BATS_FILE_TMPDIR VERSION
	VERSION=$("$LNKINSPECT" --version)
	VERSION=${VERSION#lnkinspect }
	make_repository "$FILES/repository"
	mkdir "$FILES/one" "$FILES/two"
	git clone -q "$FILES/repository" "$FILES/one/source"
	cd "$FILES/one/source" || return 1
	plain dpkg-buildpackage -us -uc >"$FILES/log" 2>&1 || {
		tail -n 40 "$FILES/log"
		return 1
	}
}

setup() {
	package=$FILES/one/lnkinspect_${VERSION}_$(dpkg --print-architecture).deb
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "its version is the program's" {
	[[ $(dpkg-parsechangelog -l "$FILES/repository/debian/changelog" -S Version) == "$VERSION" ]]
	[[ $(dpkg-deb -f "$package" Version) == "$VERSION" ]]
	[[ $VERSION =~ ^[0-9]+\.[0-9.]+$ ]]
}

@test "tests ran while it was built, and passed" {
	(($(grep -c '^ok ' "$FILES/log") > 100))
	run ! grep '^not ok' "$FILES/log"
}

@test "built elsewhere, by another umask, in another time zone: the same bytes" {
	local deb n=0
	mkdir -p "$FILES/two/some where/else"
	(
		umask 077
		git -c core.sharedRepository=0600 clone -q "$FILES/repository" "$FILES/two/deeper"
		cd "$FILES/two/deeper"
		plain TZ=Asia/Tokyo DEB_BUILD_OPTIONS='nocheck parallel=1' dpkg-buildpackage -us -uc -b \
			>"$FILES/log.two" 2>&1
	) || fail "$(tail "$FILES/log.two")"
	run -1 grep '^ok ' "$FILES/log.two"
	for deb in "$FILES"/one/*.deb; do
		n=$((n + 1))
		cmp "$deb" "$FILES/two/${deb##*/}" || fail "${deb##*/}"
	done
	((n == 2)) || fail "$n packages, not program and debug symbols"
	finish
}

@test "lintian has nothing to say" {
	run -0 lintian --allow-root -i -I --pedantic --fail-on error,warning,info,pedantic \
		"$FILES"/one/*.changes
	[[ $output == "" ]]
	# It can say something.
	dpkg-deb -R "$package" bad
	rm bad/usr/share/doc/lnkinspect/copyright
	dpkg-deb --root-owner-group -b bad bad.deb >/dev/null
	run lintian --allow-root --fail-on error bad.deb
	[[ $status != 0 && $output == *no-copyright-file* ]]
}

@test "what is in it" {
	dpkg-deb --fsys-tarfile "$package" | tar -tvf - | awk '$1 !~ /^d/ { print $1, $2, $6 }' | sort >all
	# What others add to contrib/ and docs/ is compared with those.
	grep -vE '/doc/lnkinspect/(docs/|examples/[^/]+/)' all >fixed
	diff - fixed <<-'END'
		-rw-r--r-- root/root ./usr/share/bash-completion/completions/lnkinspect
		-rw-r--r-- root/root ./usr/share/doc/lnkinspect/README.md
		-rw-r--r-- root/root ./usr/share/doc/lnkinspect/changelog.Debian.gz
		-rw-r--r-- root/root ./usr/share/doc/lnkinspect/changelog.gz
		-rw-r--r-- root/root ./usr/share/doc/lnkinspect/copyright
		-rw-r--r-- root/root ./usr/share/doc/lnkinspect/examples/origin.README
		-rw-r--r-- root/root ./usr/share/doc/lnkinspect/examples/origin.txt
		-rw-r--r-- root/root ./usr/share/lintian/overrides/lnkinspect
		-rw-r--r-- root/root ./usr/share/lnkinspect/schema/lnkinspect-monitor.schema.json
		-rw-r--r-- root/root ./usr/share/lnkinspect/schema/lnkinspect-ndjson.schema.json
		-rw-r--r-- root/root ./usr/share/lnkinspect/schema/lnkinspect.schema.json
		-rw-r--r-- root/root ./usr/share/man/man1/lnkinspect.1.gz
		-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_lnkinspect
		-rwxr-xr-x root/root ./usr/bin/lnkinspect
	END
	sed -nE 's/^-rw(x|-).* .*examples\/([^/]+\/.*)$/\1 contrib\/\2/p; s/^-rw(-).*\/(docs\/.*)$/\1 \2/p' all |
		sort >others
	(cd "$FILES/repository" && git ls-files -s contrib docs) |
		sed -E 's/^100644 [0-9a-f]+ 0\t/- /; s/^100755 [0-9a-f]+ 0\t/x /' | sort >expected
	[[ -s others ]]
	diff expected others
}

@test "the source package has the files of the commit, no more" {
	tar -tf "$FILES/one/lnkinspect_$VERSION.tar.xz" | grep -v '/$' | sed 's/^[^/]*\///' | sort >source
	git -C "$FILES/repository" ls-files | sort | diff - source
	[[ $(head -n 1 "$FILES/repository/debian/source/format") == '3.0 (native)' ]]
}

@test "hardened" {
	dpkg-deb -x "$package" there
	readelf -hW there/usr/bin/lnkinspect | grep -q 'Type: .*DYN (Position-Independent'
	readelf -dW there/usr/bin/lnkinspect | grep -q 'Flags: NOW PIE'
	readelf -lW there/usr/bin/lnkinspect | grep -q GNU_RELRO
	readelf -sW --dyn-syms there/usr/bin/lnkinspect | grep -q __stack_chk_fail
}

@test "what it loads is recommended or suggested, what it links is needed" {
	local library field depends
	depends=$(dpkg-deb -f "$package" Depends)
	for library in libc6 libjansson4 libpci3 libsmartcols1 libudev1; do
		[[ $depends == *"$library"* ]] || fail "$library is not in $depends"
	done
	while read -r library field; do
		grep -q "\"$library\"" "$FILES"/repository/src/*.c || fail "$library is not loaded"
		library=$(dpkg-query -S "*/$library" | cut -d : -f 1 | sort -u)
		[[ $library == lib* ]] || fail "nobody has $library"
		[[ ", $(dpkg-deb -f "$package" "$field")," == *", $library,"* ]] || fail "$library is not in $field"
		[[ $depends != *"$library"* ]] || fail "$library is in Depends"
	done <<-'END'
		libarchive.so.13 Recommends
		libsystemd.so.0 Suggests
	END
	(($(grep -l 'dlopen(' "$FILES"/repository/src/*.c | wc -l) == 2)) || fail 'others are loaded'
	finish
}

# autopkgtest on the package $1, in a copy of this machine, into ./log. What is installed is there
# already, so nothing is fetched.
judge_installed() {
	mkdir -p there
	cp "$1" there/lnkinspect.deb
	cp -r "$FILES/repository" there/source
	# shellcheck disable=SC2016 # the inner shell expands it
	plain "$BATS_TEST_DIRNAME/elsewhere" there sh -c 'rm -f /etc/apt/sources.list \
		/etc/apt/sources.list.d/*
		exec autopkgtest -B --no-auto-control "$1/lnkinspect.deb" "$1/source/" -- null' \
		sh "$PWD/there" >log 2>&1
}

@test "installed, it passes autopkgtest" {
	judge_installed "$package" || { cat log && return 1; }
	grep -q '^installed  *PASS' log
	# Nothing of it stays.
	run ! dpkg-query -s lnkinspect
}

@test "autopkgtest can fail" {
	dpkg-deb -R "$package" bad
	rm -r bad/usr/share/zsh bad/DEBIAN/md5sums
	dpkg-deb --root-owner-group -b bad bad.deb >/dev/null
	run ! judge_installed bad.deb
	grep -q '^installed  *FAIL' log
	grep -q '^installed: zsh: ' log
}
