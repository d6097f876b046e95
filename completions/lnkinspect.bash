# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# lnkinspect.bash - completion of lnkinspect's options and their arguments in bash

# Those words of $2 that fit the last one of the comma list $1, behind those before it.
_lnkinspect_list() {
	local before='' last=$1 word
	if [[ $last == *,* ]]; then
		before=${last%,*},
		last=${last##*,}
	fi
	# Behind "@" stands an address.
	[[ $last != *@* ]] || return 0
	for word in $2; do
		[[ ${word^^} != "${last^^}"* ]] || COMPREPLY+=("$before$word")
	done
}

_lnkinspect_rules() {
	_lnkinspect_list "$2" "$("$1" --rules 2>/dev/null | cut -d ' ' -f 1)"
}

_lnkinspect_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

# Words that fit $1; after what ends in "=" more is to come, so no blank.
_lnkinspect_words() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
	if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}

_lnkinspect_parameters() {
	_lnkinspect_words "$2" "help $("$1" -O help 2>/dev/null | sed 's/ .*/=/' | tr '\n' ' ')"
}

_lnkinspect() {
	local program=$1 current=${COMP_WORDS[COMP_CWORD]} before='' parameter='' at=$COMP_CWORD
	COMPREPLY=()
	# bash splits words at "=": "--format" "=" "tr", "-O" "sysfs.path" "=" "/tmp".
	if [[ $current == = ]]; then
		current=
		at=$((at + 1))
	fi
	((at > 0)) && before=${COMP_WORDS[at - 1]}
	if [[ $before == = ]] && ((at > 2)); then
		before=${COMP_WORDS[at - 2]}
		if [[ $before != -* ]]; then
			parameter=$before
			before=${COMP_WORDS[at - 3]}
			# --option=sysfs.path=/tmp
			[[ $before != = ]] || before=${COMP_WORDS[at - 4]}
		fi
	fi

	case $before in
	-F | --from-dump | -o | --output | --capture | --compare | --expect | --write-expect)
		_lnkinspect_files -f "$current"
		;;
	--format)
		_lnkinspect_words "$current" 'table tree json junit sarif prometheus ndjson html'
		;;
	--color)
		_lnkinspect_words "$current" 'auto always never'
		;;
	--fail-on)
		_lnkinspect_words "$current" 'error warning notice never'
		;;
	--suggest)
		_lnkinspect_list "$current" 'qemu libvirt proxmox all none'
		;;
	--only | --ignore | --explain)
		_lnkinspect_rules "$program" "$current"
		;;
	-A | --method)
		_lnkinspect_words "$current" "help $("$program" -A help 2>/dev/null | tr '\n' ' ')"
		;;
	-O | --option)
		case $parameter in
		'') _lnkinspect_parameters "$program" "$current" ;;
		sysfs.path | proc.path) _lnkinspect_files -d "$current" ;;
		*) _lnkinspect_files -f "$current" ;;
		esac
		;;
	-s | --slot | -d | --device | -j | --jobs | --sample | --while | --interval) ;;
	*)
		_lnkinspect_words "$current" '-F --from-dump= --compare= -j --jobs= -s --slot= -d --device= --deep
			--wake --sample= --while= --monitor --interval= -A --method= -O --option= --format= -o --output= -t --tree --json -q --quiet -v --verbose -n --numeric
			--color= --suggest= --only= --ignore= --fail-on= --expect= --capture= --redact --write-expect= --rules --explain=
			-? --help --usage -V --version'
		;;
	esac
}

complete -F _lnkinspect lnkinspect
