#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# catalogue.bats - every rule has a belief that it fires and one that it must not

bats_require_minimum_version 1.5.0

# Every line of beliefs in the tests: NAME ITEM...
beliefs() {
	sed -n '/^[[:blank:]]*believe <</,/^[[:blank:]]*END$/p' "$BATS_TEST_DIRNAME"/*.bats |
		grep -v -e 'believe <<' -e '^[[:blank:]]*END$' -e '^[[:blank:]]*#'
}

@test "the beliefs can be found" {
	run -0 beliefs
	[[ $output == *"lnk001-origin-gpu LNK001=error@"* ]]
	[ "${#lines[@]}" -ge 100 ]
}

@test "every rule of the catalogue is believed to fire somewhere, and not to elsewhere" {
	local all id missing=() n=0
	all=$(beliefs)
	run -0 "$LNKINSPECT" --rules
	while read -r id; do
		n=$((n + 1))
		grep -q -e "[[:blank:]]$id=" <<<"$all" || missing+=("$id=")
		grep -q -e "[[:blank:]]!$id\>" <<<"$all" || missing+=("!$id")
	done < <(grep -o '^LNK[0-9]\{3\}\>' <<<"$output")
	[ "$n" -ge 41 ]
	printf '%s\n' "${missing[@]}"
	[ "${#missing[@]}" -eq 0 ]
}

@test "no belief names a rule that the catalogue lacks" {
	local id unknown=()
	run -0 "$LNKINSPECT" --rules
	for id in $(beliefs | grep -o '[ !?]LNK[0-9]\{3\}' | grep -o 'LNK...' | sort -u); do
		grep -q -e "^$id\>" <<<"$output" || unknown+=("$id")
	done
	printf '%s\n' "${unknown[@]}"
	[ "${#unknown[@]}" -eq 0 ]
}

@test "every synthesised fixture is believed something, and its README says what it claims" {
	local all dir name missing=()
	all=$(beliefs)
	for dir in "$BATS_TEST_DIRNAME"/fixtures/lnk*/; do
		name=$(basename "$dir")
		grep -q -e "^[[:blank:]]*${name}[[:blank:]]" <<<"$all" || missing+=("$name: no belief")
		[ -s "$dir/README" ] || missing+=("$name: no README")
	done
	printf '%s\n' "${missing[@]}"
	[ "${#missing[@]}" -eq 0 ]
}
