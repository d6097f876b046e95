#!/bin/zsh -f
# SPDX-License-Identifier: GPL-2.0-or-later
#
# complete.zsh - what zsh makes of a line and a press of the TAB key
#
#	complete.zsh FOLDER LINE
#
# FOLDER has the completion. An interactive zsh in a pseudo terminal is given LINE and a TAB. Prints the
# line as it is then, in brackets, and all that could stand there, one a line, sorted.
emulate -R zsh
zmodload zsh/zpty zsh/zselect

typeset there=$(mktemp -d)
trap 'zpty -d inner 2>/dev/null; rm -rf $there' EXIT

cat >$there/rc <<END
PS1= PS2= LISTMAX=0
fpath=(${(q)1} \$fpath)
autoload -Uz compinit
compinit -u -D
unsetopt beep prompt_cr prompt_sp zle_bracketed_paste
bindkey -e
# Each match goes into a file on its way to the line editor.
compadd() {
	local -a matches
	if [[ \${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
		builtin compadd -A matches "\$@"
		print -rl -- \$matches >>${(q)there}/matches
	fi
	builtin compadd "\$@"
}
look() { print -r -- "[\$BUFFER]" >${(q)there}/line.new; mv ${(q)there}/line.new ${(q)there}/line; }
zle -N look
bindkey '^X^L' look
: >${(q)there}/ready
END

# Waits for a file, and takes what the terminal shows meanwhile; half a minute is for slow machines.
await() {
	local shown
	integer i
	for ((i = 0; i < 600; i++)); do
		while zpty -r -t inner shown; do :; done
		[[ ! -e $1 ]] || return 0
		zselect -t 5
	done
	print -u 2 "complete.zsh: the inner zsh did not get that far: $1"
	return 1
}

TERM=dumb zpty inner zsh -f -i
zpty -w inner "source ${(q)there}/rc"
await $there/ready || exit 1
zpty -w -n inner "$2"$'\t\x18\x0c'
await $there/line || exit 1
cat $there/line
[[ ! -e $there/matches ]] || grep . $there/matches | LC_ALL=C sort
