#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# golden.bats - what is printed, to the letter: tests/fixtures/NAME/expect.FORMAT
#
# With -n and 100 columns, in UTF-8; expect.FORMAT.C is for LC_ALL=C. Each file was checked by hand
# against the registers before it was kept, and the fixture's README says so. What is held true of a
# fixture stands elsewhere (beliefs.bash): a difference here is a change of words or of layout. If it is
# meant, make the file again, read it against the registers, and commit it by itself:
#
#	cd tests/fixtures/NAME && COLUMNS=100 LC_ALL=C.UTF-8 lnkinspect -n --format=FORMAT -F input

bats_require_minimum_version 1.5.0
load failures

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	unset NO_COLOR TERM
	expected=("$BATS_TEST_DIRNAME"/fixtures/*/expect.*)
}

# The output that the file $1 is about, to ./out.
print_for() {
	local name=${1%/*} format=${1##*/expect.} locale=C.UTF-8 status=0
	[[ $format != *.C ]] || locale=C
	cd "$FIXTURES/${name##*/}" || return 1
	COLUMNS=100 LC_ALL=$locale "$LNKINSPECT" -n --format="${format%.C}" -F input \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" || status=$?
	((status <= 3 && status != 2)) || fail "$1: status $status"
	[[ ! -s $BATS_TEST_TMPDIR/err ]] || fail "$1: $(cat "$BATS_TEST_TMPDIR/err")"
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "what is printed is what is expected" {
	local file
	((${#expected[@]} >= 8)) || fail "${#expected[@]} files"
	for file in "${expected[@]}"; do
		print_for "$file"
		diff -u "$file" out || fail "${file#"$BATS_TEST_DIRNAME"/} differs"
	done
	finish
}

@test "each expected file was checked by hand, is of the layout's width, and of its locale" {
	local file
	for file in "${expected[@]}"; do
		grep -q 'Checked by hand' "${file%/*}/README" || fail "${file%/*}/README does not say so"
		! LC_ALL=C.UTF-8 grep -E '.{101}| $' "$file" || fail "$file"
		[[ $file != *.C ]] || ! LC_ALL=C grep '[^ -~]' "$file" || fail "$file is not ASCII"
	done
	# Both formats, both locales, nothing else.
	[[ $(printf '%s\n' "${expected[@]##*/expect.}" | sort -u | xargs) == "table table.C tree tree.C" ]] ||
		fail "$(printf '%s\n' "${expected[@]##*/expect.}" | sort -u | xargs)"
	finish
}

@test "the numbers in the expected pictures are those that lspci reads" {
	local file name address link n=0
	for file in "${expected[@]}"; do
		name=${file%/expect.*}
		name=${name##*/}
		lspci -F "$FIXTURES/$name/input" -D -n -vv >"$BATS_TEST_TMPDIR/lspci" 2>/dev/null
		# Each line with an address and a link: "2.5GT/s x1", and "(of 16GT/s x32)" or a column CAN.
		while read -r address link; do
			n=$((n + 1))
			awk -v at="0000:$address" '
				/^[0-9a-f]/ { on = $1 == at }
				on && /Lnk(Cap|Sta):/ {
					match($0, /Speed [^ ,]+/)
					speed = substr($0, RSTART + 6, RLENGTH - 6)
					match($0, /Width x[0-9]+/)
					print speed " " substr($0, RSTART + 6, RLENGTH - 6)
				}' "$BATS_TEST_TMPDIR/lspci" >"$BATS_TEST_TMPDIR/links"
			grep -q -x -F "$link" "$BATS_TEST_TMPDIR/links" ||
				fail "$name $address: $link is not among $(xargs <"$BATS_TEST_TMPDIR/links")"
		done < <(awk '
			/^(LNK[0-9]|Nothing found|No link)/ { exit }
			match($0, /([0-9a-f][0-9a-f]:)?[0-9a-f][0-9a-f]\.[0-7] /) {
				at = substr($0, RSTART, RLENGTH - 1)
				if (at !~ /:/)
					at = "00:" at
				rest = $0
				while (match(rest, /[0-9.]+GT\/s x[0-9]+/)) {
					print at, substr(rest, RSTART, RLENGTH)
					rest = substr(rest, RSTART + RLENGTH)
				}
			}' "$file")
	done
	((n >= 30)) || fail "only $n links"
	finish
}
