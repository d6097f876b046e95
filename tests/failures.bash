# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# failures.bash - a test that loops collects what failed and says all of it at its end
#
#	load failures
#	... || fail "what went wrong, and where"
#	finish

failures=()

# $@: what went wrong
fail() {
	failures+=("$*")
}

# The last line of a test: fails if anything did.
finish() {
	((${#failures[@]} == 0)) && return
	printf '%s\n' "${failures[@]}"
	return 1
}
