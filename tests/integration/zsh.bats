#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# zsh.bats - the completion for zsh, as zsh runs it, in a pseudo terminal

bats_require_minimum_version 1.5.0
load ../failures

setup_file() {
	: "${LNKINSPECT:?}"
	export COMPLETIONS=$BATS_TEST_DIRNAME/../../completions BIN=$BATS_FILE_TMPDIR/bin
	mkdir "$BIN"
	ln -s "$LNKINSPECT" "$BIN/lnkinspect"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	PATH=$BIN:$PATH
	export LC_ALL=C.UTF-8
}

# What the completion hands to zsh's _arguments, one option or argument a line.
specs() {
	# shellcheck disable=SC2016 # zsh expands it
	zsh -fc '_arguments() { print -rl -- "$@"; }; . "$1"' zsh "$COMPLETIONS/_lnkinspect"
}

# Options as --help writes them, one a line: "-F --from-dump=FILE", a tab, the words about them.
# Those of a long one are on a line of their own.
help_options() {
	ARGP_HELP_FMT=rmargin=2000 "$LNKINSPECT" --help | sed -E ':a; N; s/\n {20,}/ /; ta; P; D' |
		sed -nE 's/^ {2,6}((-[^-]), )?(--[^ ]+) +(.*)$/\2 \3\t\4/p' | sed 's/^ //'
}

# A TAB behind "lnkinspect $1" makes the line "lnkinspect $2", and offers $3.
completes() {
	local want got
	want="[lnkinspect $2]${3:+ $3}"
	got=$(zsh -f "$BATS_TEST_DIRNAME/complete.zsh" "$COMPLETIONS" "lnkinspect $1" | tr '\n' ' ')
	[[ ${got% } == "$want" ]] || fail "$1: \"${got% }\", not \"$want\""
}

@test "zsh takes it" {
	run -0 zsh -n "$COMPLETIONS/_lnkinspect"
	[[ $output == "" ]]
	[[ $(head -n 1 "$COMPLETIONS/_lnkinspect") == '#compdef lnkinspect' ]]
}

@test "it has the options of --help, and the same of them take arguments" {
	local options option mark
	help_options | cut -f 1 | while read -ra options; do
		mark=
		[[ ${options[*]} != *=* ]] || mark='='
		for option in "${options[@]}"; do
			printf '%s\n' "${option%%=*}$mark"
		done
	done | sort >help
	# "(-F --from-dump)*--from-dump=[words]:what:how": "+" and "=" say that there is an argument, and
	# then a ":" must follow.
	specs | grep -v '^-[sS]$' | sed -nE 's/^(\([^)]*\))?\*?(-[^[+=]*)([+=]?)\[[^]]*\](:?).*/\2 \3\4/p' \
		>parts
	run ! grep -vE ' ([+=]:)?$' parts
	sed 's/ [+=]:/=/; s/ $//; s/\\//' parts | sort >completion
	(($(wc -l <help) >= 44)) || fail "$(wc -l <help) options in --help"
	diff help completion || fail 'they differ'
	finish
}

@test "its words about each option are --help's" {
	local option words found n=0
	help_options | tr '[:upper:]' '[:lower:]' >help
	while IFS=$'\t' read -r option words; do
		n=$((n + 1))
		found=$(grep -E -e "(^| )$option(=|[[:space:]]| )" help | cut -f 2)
		[[ $found == *"$words"* ]] || fail "$option: \"$words\" is not in \"$found\""
	done < <(specs | sed -nE 's/^(\([^)]*\))?\*?(--[^[+=]*)[+=]?\[([^]]*)\].*/\2\t\3/p' | tr '[:upper:]' '[:lower:]')
	((n >= 30)) || fail "$n options"
	finish
}

@test "options" {
	completes '--fo' '--format=' '--format'
	completes '--r' '--r' '--redact --rules'
	completes '-q --cap' '-q --capture=' '--capture'
	completes '--nonsense' '--nonsense'
	# Those that are there already are not offered again; those that may come again are.
	completes '--tree --tr' '--tree --tr'
	completes '--ignore=LNK001 --ig' '--ignore=LNK001 --ignore=' '--ignore'
	finish
}

@test "all of them" {
	zsh -f "$BATS_TEST_DIRNAME/complete.zsh" "$COMPLETIONS" 'lnkinspect --' | tail -n +2 >offered
	help_options | cut -f 1 | grep -oE -- '--[a-z-]+' | sort >help
	(($(wc -l <help) >= 30))
	diff help offered
}

@test "words" {
	completes '--format=' '--format=' "$(formats)"
	completes '--format tr' '--format tree ' tree
	completes '--color=a' '--color=a' 'always auto'
	completes '--fail-on=e' '--fail-on=error ' error
	completes '-A linux-s' '-A linux-sysfs ' linux-sysfs
	completes '-A he' '-A help ' help
	completes '-O sysfs' '-O sysfs.path=' sysfs.path
	completes '-s 0' '-s 0'
	finish
}

# The formats of --help, sorted.
formats() {
	help_options | sed -n 's/^--format=[A-Z]*\t//p' | grep -oE '[a-z]+' | grep -vxE 'the|default|or' |
		sort | tr '\n' ' ' | sed 's/ $//'
}

@test "rules and lists" {
	completes '--explain=lnk20' '--explain=LNK20' 'LNK201 LNK202 LNK203 LNK204 LNK205 LNK206 LNK207'
	completes '--explain LNK90' '--explain LNK90' \
		'LNK901 LNK902 LNK903 LNK904 LNK905 LNK906 LNK907 LNK908'
	# What is in the list already is not offered again.
	completes '--only=LNK401,LNK40' '--only=LNK401,LNK40' 'LNK402 LNK403 LNK404'
	completes '--ignore=LNK403,LNK404,LNK40' '--ignore=LNK403,LNK404,LNK40' 'LNK401 LNK402'
	completes '--ignore=LNK001@00' '--ignore=LNK001@00'
	completes '--suggest=qemu,lib' '--suggest=qemu,libvirt,' libvirt
	finish
}

@test "files and folders" {
	mkdir 'a folder'
	# shellcheck disable=SC2016 # it is the file's name
	touch capture.txt 'my $(touch evil) capture'
	completes '-F cap' '-F capture.txt ' capture.txt
	completes '-Fcap' '-Fcapture.txt ' capture.txt
	completes '--from-dump=cap' '--from-dump=capture.txt ' capture.txt
	completes '--compare cap' '--compare capture.txt ' capture.txt
	completes '-F capture.txt cap' '-F capture.txt capture.txt ' capture.txt
	# shellcheck disable=SC2016 # it is the file's name
	completes '-F my' '-F my\ \$\(touch\ evil\)\ capture ' 'my\ \$\(touch\ evil\)\ capture'
	zsh -f "$BATS_TEST_DIRNAME/complete.zsh" "$COMPLETIONS" 'lnkinspect -O sysfs.path=' >folders
	[[ $(head -n 1 folders) == '[lnkinspect -O sysfs.path=a\ folder/]' ]] || fail "$(cat folders)"
	[[ ! -e evil ]] || fail 'a name was run'
	finish
}
