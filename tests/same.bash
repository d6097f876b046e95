# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# same.bash - does a capture in another wrapping give the same JSON?
#
#	load failures
#	load same

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
	done < <(jq -r --args '(.captures[0] | del(.source)) as $base | .captures[1:] as $all |
		$ARGS.positional[] as $name | [$all[] | select(.source == $name)] |
		if length != 1 then "\($name): \(length) captures"
		elif (.[0] | del(.source)) != $base then
			"\($name): differs in \([.[0] | to_entries[] | select(.value != $base[.key]) |
			.key] - ["source"]), \(.[0].damage)"
		else empty end' "$@" <json)
}
