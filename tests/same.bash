# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# same.bash - does a capture in another wrapping give the same JSON? Quotes are what is around it.
#
#	load failures
#	load same

# The captures that variants are made of, in $BASES, each a way in which lspci writes:
#	hex	-xxxx of the origin case
#	mixed	-D -nn -vv -xxxx of a switch with two devices
#	text	-nn -vv of the same, no bytes
#	short	-n -x of it: headers alone
#	early	-D -n -xxx of it: 256 bytes
make_bases() {
	local switch=$FIXTURES/guest-seed-x3130-switch-ep-8x16/input
	export BASES=$BATS_FILE_TMPDIR/bases
	mkdir "$BASES"
	cp "$FIXTURES/origin/input" "$BASES/hex"
	lspci -O hwdb.disable=1 -F "$switch" -D -nn -vv -xxxx >"$BASES/mixed" 2>/dev/null
	# As on a machine that runs: what follows its capabilities says that none is cut off.
	lspci -O hwdb.disable=1 -F "$switch" -nn -vv 2>/dev/null |
		sed '$s/^$/\tKernel driver in use: nvme\n\tKernel modules: nvme\n/' >"$BASES/text"
	lspci -O hwdb.disable=1 -F "$switch" -n -x >"$BASES/short" 2>/dev/null
	lspci -O hwdb.disable=1 -F "$switch" -D -n -xxx >"$BASES/early" 2>/dev/null
}

# Reads the files $@ in one process into ./json; the words go to ./err.
read_all() {
	local f status=0 inputs=()
	for f; do
		inputs+=(-F "$f")
	done
	"$LNKINSPECT" --json -n "${inputs[@]}" >json 2>err </dev/null || status=$?
	((status <= 3)) || fail "status $status: $(head -n 3 err)"
}

# Does each of the files behind $1 give what the file $1 gives, apart from the source's name?
same_as() {
	local base=$1 line
	shift
	(($#)) || fail "$base: no variants"
	read_all "$base" "$@"
	[[ ! -s err ]] || fail "$base: $(cat err)"
	jq -e --arg base "$base" '.captures[0] | .source == $base and (.functions | length > 0)' \
		json >/dev/null || fail "$base is no base"
	while IFS= read -r line; do
		fail "$line"
	done < <(jq -r --args '(.captures[0] | del(.source, .quotes)) as $base | .captures[1:] as $all |
		$ARGS.positional[] as $name | [$all[] | select(.source == $name)] |
		if length != 1 then "\($name): \(length) captures"
		elif (.[0] | del(.source, .quotes)) != $base then
			"\($name): differs in \([.[0] | to_entries[] | select(.value != $base[.key]) |
			.key] - ["source", "quotes"]), \(.[0].damage)"
		else empty end' "$@" <json)
}
