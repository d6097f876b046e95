# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# repository.bash - the working tree, as it is now, as the one commit of a repository in $1
make_repository() {
	local date='2026-01-02T03:04:05+00:00'
	mkdir "$1"
	tar -C "$BATS_TEST_DIRNAME/../.." --exclude=./build --exclude=./.git -cf - . | tar -C "$1" -xf -
	git -C "$1" init -q -b main
	git -C "$1" add -A
	GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date git -C "$1" -c user.name=x -c user.email=x \
		-c commit.gpgSign=false commit -q -m x
}
