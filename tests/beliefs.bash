# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# beliefs.bash - what we hold true about a fixture, written by hand, apart from what is printed
#
#	load beliefs
#	believe <<-END
#	NAME  ITEM ITEM ...
#	END
#
# Each line is about $FIXTURES/NAME/input. An ITEM is one of
#
#	LNK001=error@0000:00:03.0>0000:01:00.0
#			found, with this severity, on this link (port>device)
#	LNK102=error@0000:02:00.0	found on this function; "@-": about the capture
#	LNK102=error	found, wherever
#	"!LNK002"	not found, whatever its severity (the quotes are not part of it)
#	"!LNK002@ADDR"	not found on this function, nor on a link that ends there
#	"?LNK203@ADDR"	skipped: "cannot tell"; ADDR is the function, or the device below
#	none		nothing at warning or above
#	status=3	the exit status with the default --fail-on
#
# A finding at warning or above that no ITEM lists is a failure; notices and infos may go unlisted.
# All lines are tried before believe() fails, so that one run shows all that is wrong.

_belief_failures=()

# $1 fixture, the rest: what is wrong
_belief_fail() {
	_belief_failures+=("$1: ${*:2}")
}

# Runs the program on fixture $1 with the options after it: $_belief_status, $_belief_lines.
_belief_run() {
	local input=$FIXTURES/$1/input name=$1 err
	shift
	err=$BATS_TEST_TMPDIR/belief.err
	_belief_status=0
	"$LNKINSPECT" -F "$input" "$@" -n >"$BATS_TEST_TMPDIR/belief.out" 2>"$err" ||
		_belief_status=$?
	mapfile -t _belief_lines <"$BATS_TEST_TMPDIR/belief.out"
	if ((_belief_status > 3)); then
		_belief_fail "$name" "$* exits $_belief_status: $(head -n 3 "$err")"
	elif ((_belief_status == 2)) || [[ -s $err ]]; then
		_belief_fail "$name" "$* says: $(head -n 1 "$err")"
	fi
}

# Does WHERE $1 name $2: the same, or an end of the link?
_belief_at() {
	[[ $1 == "$2" || $1 == "$2>"* || $1 == *">$2" ]]
}

# The findings of fixture $1 into _belief_found, "ID=SEVERITY@WHERE" each.
_belief_find() {
	local line
	_belief_run "$1" -q
	_belief_found=()
	for line in "${_belief_lines[@]}"; do
		if [[ $line =~ ^(LNK[0-9]{3})\ (info|notice|warning|error)\ ([^ ]+)\ \ [^\ ] ]]; then
			_belief_found+=("${BASH_REMATCH[1]}=${BASH_REMATCH[2]}@${BASH_REMATCH[3]}")
		else
			_belief_fail "$1" "-q prints what is not a finding: $line"
		fi
	done
}

# Fixture $1: is there a skip of rule $2 at $3?
_belief_skipped() {
	local line
	_belief_run "$1" -q -v
	for line in "${_belief_lines[@]}"; do
		if [[ $line =~ ^(LNK[0-9]{3})\ skipped\ ([^ ]+)\ \ [^\ ] &&
			${BASH_REMATCH[1]} == "$2" ]] && _belief_at "${BASH_REMATCH[2]}" "$3"; then
			return 0
		fi
	done
	return 1
}

# Fixture $1 must have finding $2; what matches is taken off _belief_loud.
_belief_must() {
	local i found=
	for i in "${!_belief_found[@]}"; do
		if [[ ${_belief_found[i]} == "$2" || ${_belief_found[i]} == "$2@"* ]]; then
			found=1
			unset "_belief_loud[$i]"
		fi
	done
	[[ $found ]] || _belief_fail "$1" "not found: $2"
}

# Fixture $1 must not have rule $2 (at $3).
_belief_must_not() {
	local f
	for f in "${_belief_found[@]}"; do
		[[ $f == "$2="* ]] || continue
		if [[ -z $3 ]] || _belief_at "${f#*@}" "$3"; then
			_belief_fail "$1" "must not be found: $f"
		fi
	done
}

# One line of beliefs: fixture $1 and its items.
_belief_line() {
	local name=$1 item id status found_status
	local -A _belief_loud=()
	shift
	if [[ ! -f $FIXTURES/$name/input ]]; then
		_belief_fail "$name" "no such fixture"
		return 0
	fi
	(($#)) || _belief_fail "$name" "nothing is believed of it"
	_belief_find "$name"
	found_status=$_belief_status
	for item in "${!_belief_found[@]}"; do
		if [[ ${_belief_found[item]} == *=warning@* || ${_belief_found[item]} == *=error@* ]]; then
			_belief_loud[$item]=${_belief_found[item]}
		fi
	done
	for item; do
		id=${item#[?!]}
		if [[ $item =~ ^LNK[0-9]{3}=(info|notice|warning|error)(@[^ ]+)?$ ]]; then
			_belief_must "$name" "$item"
		elif [[ $item =~ ^!LNK[0-9]{3}(@[^ ]+)?$ ]]; then
			_belief_must_not "$name" "${id%%@*}" "${BASH_REMATCH[1]#@}"
		elif [[ $item =~ ^\?LNK[0-9]{3}@[^\ ]+$ ]]; then
			_belief_skipped "$name" "${id%%@*}" "${id#*@}" ||
				_belief_fail "$name" "not skipped: ${item#\?}"
		elif [[ $item =~ ^status=[0-3]$ ]]; then
			status=${item#*=}
			((found_status == status)) ||
				_belief_fail "$name" "status $found_status, not $status"
		elif [[ $item == none ]]; then
			[[ "$*" != *=warning* && "$*" != *=error* ]] ||
				_belief_fail "$name" "\"none\" beside a warning or error"
		else
			_belief_fail "$name" "cannot understand the item \"$item\""
		fi
	done
	for item in "${_belief_loud[@]}"; do
		_belief_fail "$name" "found, but not believed: $item"
	done
}

believe() {
	local -a words
	local lines=0
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	_belief_failures=()
	while read -r -a words; do
		[[ ${#words[@]} -gt 0 && ${words[0]} != "#"* ]] || continue
		lines=$((lines + 1))
		_belief_line "${words[@]}" </dev/null
	done
	((lines)) || _belief_fail believe "no line of beliefs"
	((${#_belief_failures[@]})) || return 0
	printf '%s\n' "${_belief_failures[@]}"
	return 1
}
