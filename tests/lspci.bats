#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lspci.bats - the reader of lspci's text: what people do to it changes nothing, what is damaged is
# named and not believed, and what lspci reads in our captures is what we read
#
# Most tests make variants of one capture with sed, tr and awk and demand the JSON of the plain one.
# All variants go to one process, as several -F.

bats_require_minimum_version 1.5.0
load failures
load same

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	make_bases
}

setup() {
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
}

# ---- Variants ---------------------------------------------------------------------------------

# Variant $1 of the capture on standard input.
vary() {
	case $1 in
	crlf) sed 's/$/\r/' ;;
	bom) printf '\xef\xbb\xbf' && cat ;;
	bom-crlf) printf '\xef\xbb\xbf' && sed 's/$/\r/' ;;
	trailing) sed 's/$/  \t /' ;;
	indented-blanks) sed 's/^/    /' ;;
	indented-tab) sed 's/^/\t/' ;;
	quoted) sed 's/^/> /' ;;
	quoted-mailers) sed -E 's/^(.+)$/> \1/; s/^$/>/' ;;
	quoted-tight) sed 's/^/>/' ;;
	quoted-twice) sed 's/^/> > /' ;;
	quoted-twice-tight) sed 's/^/>> /' ;;
	quoted-four-times) sed 's/^/> >> > /' ;;
	quoted-indented) sed 's/^/>     /' ;;
	indented-quote) sed 's/^/  > /' ;;
	quoted-crlf) sed 's/^/> /; s/$/\r/' ;;
	no-final-newline) awk '/./ { printf "%s", gap $0; gap = "\n"; next } { gap = gap "\n" }' ;;
	more-blank-lines) sed 's/^$/\n\n/' ;;
	blanks-in-blank-lines) sed 's/^$/ \t /' ;;
	fence) echo '```' && cat && echo '```' ;;
	bbcode) printf 'here it is:\n\n[code]\n' && cat && printf '[/code]\n' ;;
	html) echo '<pre>' && cat && echo '</pre>' ;;
	prompt) printf 'root@host:~# lspci -vvxxxx\n' && cat && printf 'root@host:~# \n' ;;
	script) printf 'Script started on 2026-01-31 12:05:07+00:00\n$ lspci\n' && cat &&
		printf '\nScript done on 2026-01-31 12:05:08+00:00 [COMMAND_EXIT_CODE="0"]\n' ;;
	upper-addresses) sed -E 's/^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] /\U&/' ;;
	upper-rows) sed -E 's/^[0-9a-f]{2,3}: [0-9a-f ]+$/\U&/' ;;
	upper-bytes) sed -E 's/^([0-9a-f]{2,3}: )([0-9a-f ]+)$/\1\U\2/' ;;
	tabs-in-rows) sed -E '/^[0-9a-f]{2,3}: [0-9a-f ]+$/s/ /\t/g' ;;
	wide-rows) sed -E '/^[0-9a-f]{2,3}: [0-9a-f ]+$/s/ /   /g' ;;
	long-offsets) sed -E 's/^([0-9a-f]{2}): ([0-9a-f ]+)$/000000\1: \2/' ;;
	wide-titles) sed -E 's/^(([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) /\1 \t  /' ;;
	warnings) sed -E '/^$/i pcilib: sysfs_read_vpd: read failed: Input/output error' ;;
	warnings-between) sed -E '/^[0-9a-f]{1,2}0: /i lspci: Unable to load libkmod resources: error -2' ;;
	line-of-255 | line-of-300 | line-of-4096 | line-of-100000)
		sed -E "/^([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] /a\\	Kernel modules: $(
			head -c "${1##*-}" /dev/zero | tr '\0' x
		)"
		;;
	long-title) sed -E "s/^(([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] .*)\$/\\1 $(
		head -c 100000 /dev/zero | tr '\0' x
	)/" ;;
	backwards) awk 'BEGIN { RS = "" } { f[NR] = $0 } END { for (i = NR; i; i--) print f[i] "\n" }' ;;
	twice) tee again && printf '\n' && cat again ;;
	with-domains) sed -E 's/^([0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )/0000:\1/' ;;
	without-domains) sed -E 's/^0000:([0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )/\1/' ;;
	long-domains) sed -E 's/^(0000:)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7] )/00000000:\2/' ;;
	*) return 1 ;;
	esac
}

variants='crlf bom bom-crlf trailing indented-blanks indented-tab quoted quoted-mailers quoted-tight
	quoted-twice quoted-twice-tight quoted-four-times quoted-indented indented-quote quoted-crlf
	no-final-newline more-blank-lines blanks-in-blank-lines fence bbcode html prompt
	script upper-addresses upper-rows upper-bytes tabs-in-rows wide-rows long-offsets wide-titles
	warnings warnings-between line-of-255 line-of-300 line-of-4096 line-of-100000 backwards twice
	with-domains without-domains long-domains'

@test "what people and their programs do to the text changes nothing" {
	local base v files n=0
	for base in hex mixed text short; do
		files=()
		mkdir "$base"
		cp "$BASES/$base" "$base/plain"
		for v in $variants; do
			vary "$v" <"$base/plain" >"$base/$v" || fail "$base: $v"
			files+=("$base/$v")
			# A variant that changes nothing tests nothing.
			! cmp -s "$base/plain" "$base/$v" || echo "$v"
		done >>"unchanged-$base"
		same_as "$base/plain" "${files[@]}"
		n=$((n + ${#files[@]}))
	done
	# Those without rows, and those with domains, have fewer.
	[[ $(xargs <unchanged-hex) == without-domains ]] || fail "hex: $(xargs <unchanged-hex)"
	[[ $(xargs <unchanged-mixed) == with-domains ]] || fail "mixed: $(xargs <unchanged-mixed)"
	[[ $(xargs <unchanged-short) == without-domains ]] || fail "short: $(xargs <unchanged-short)"
	((n == 164)) || fail "$n variants"
	# Bytes need no blank line between functions. Text does: without one it could be cut off there.
	for base in hex short; do
		sed '/^$/d' "$BASES/$base" >"$base/no-blank-lines"
		same_as "$base/plain" "$base/no-blank-lines"
	done
	finish
}

@test "so it is for the bytes alone with a title that has no end" {
	# The words after the address are decoration where there are bytes.
	cp "$BASES/hex" plain
	vary long-title <plain >endless
	sed -E 's/^([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) .*/\1 VGA compatible controller: me (rev ff)/' plain \
		>false-title
	same_as plain endless
	# What the title says against the bytes is noted (LNK906), and not believed.
	read_all plain false-title
	jq -e '[.captures[].functions | map([.vendor, .class, .type, .max_link])] | .[0] == .[1]' json \
		>/dev/null || fail "the title is believed"
	finish
}

@test "of two titles the first counts, also where it said what the bytes say" {
	local row='00: de 10 80 1b 00 00 10 00 00 00 00 03 00 00 80 00'
	printf '01:00.0 0300: 10de:1b80\n%s\n\n01:00.0 0502: 8086:0d93\n' "$row" >first
	printf '01:00.0 0502: 8086:0d93\n%s\n\n01:00.0 0300: 10de:1b80\n' "$row" >second
	read_all first second
	jq -e '[.captures[].functions[0] | [.vendor, .device, .text_differs]] ==
		[["10de", "1b80", []], ["10de", "1b80", ["ID"]]]' json >/dev/null ||
		fail "$(jq -c '.captures[].functions[0] | [.vendor, .device, .text_differs]' json)"
	finish
}

@test "a capture that we wrote keeps its head through all that" {
	local v files=()
	"$LNKINSPECT" -F "$FIXTURES/lnk201-guest-by-head/input" --capture=plain
	grep -q '^# guest: yes' plain || fail "no head"
	for v in crlf bom trailing quoted quoted-twice indented-blanks indented-tab no-final-newline \
		upper-rows backwards; do
		vary "$v" <plain >"plain-$v"
		files+=("plain-$v")
	done
	# Its head is its first paragraph: that stays in front.
	{ sed '/^$/q' plain && sed '1,/^$/d' plain | vary backwards; } >plain-backwards
	same_as plain "${files[@]}"
	jq -e 'all(.captures[]; .environment.guest == true)' json >/dev/null || fail "the head is lost"
	finish
}

@test "a capture that we wrote keeps its head behind text" {
	"$LNKINSPECT" -F "$FIXTURES/lnk201-guest-by-head/input" --capture=plain
	{ printf 'Dear all,\nhere it is:\n\n' && cat plain; } >letter
	{ printf '\n' && cat plain; } >blank
	{ echo '```' && cat plain && echo '```'; } >fence
	same_as plain letter blank fence
	finish
}

@test "lines that a mail program folded: the bytes are there" {
	local width f
	for f in hex mixed; do
		for width in 72 76 80; do
			fold -s -w $width "$BASES/$f" >folded-$width
		done
		read_all "$BASES/$f" folded-72 folded-76 folded-80
		jq -e '[.captures[] | [.damage, (.functions | map([.address, .registers, .type, .max_link,
			.current_link, .parent, .text_differs]))]] | length == 4 and (unique | length == 1)' \
			json >/dev/null || fail "$f: folded, it reads otherwise"
	done
	finish
}

@test "standard input, and a name that says nothing" {
	local name
	cp "$BASES/mixed" plain
	mkdir somewhere
	for name in lspci.bin lspci.gz somewhere/lspci x.json '-' 'a b' .hidden lspci-nnvvxxxx.tar.xz; do
		cp plain "./$name"
	done
	same_as plain lspci.bin lspci.gz somewhere/lspci x.json 'a b' .hidden lspci-nnvvxxxx.tar.xz ./-
	"$LNKINSPECT" --json -n -F plain >want || true
	"$LNKINSPECT" --json -n -F - <plain >stdin || true
	# shellcheck disable=SC2002 # a pipe is meant
	cat plain | "$LNKINSPECT" --json -n -F - >pipe || true
	(sleep 0.1 && cat plain) | "$LNKINSPECT" --json -n -F - >slow-pipe || true
	for name in stdin pipe slow-pipe; do
		cmp <(jq -c '.captures[0].source = ""' want) <(jq -c '.captures[0].source = ""' "$name") ||
			fail "$name"
	done
	finish
}

@test "what only begins as if it were packed is refused with words" {
	local kind magic status
	while read -r kind magic; do
		{ printf '%b' "$magic" && tr '0-9a-f' '\200-\217' <"$BASES/hex" | tr -d ':\n'; } >"$kind"
		status=0
		"$LNKINSPECT" -F "$kind" >out 2>err || status=$?
		((status == 2)) || fail "$kind: status $status"
		[[ $(cat err) == "lnkinspect: no PCI functions found in $kind; it is damaged"* ]] ||
			fail "$kind: $(cat err)"
		[[ ! -s out ]] || fail "$kind: something on standard output"
	done <<-'KINDS'
		gzipped \x1f\x8b\x08\x00
		xzipped \xfd7zXZ\x00
		zstandard \x28\xb5\x2f\xfd
		bzipped BZh9
		archive PK\x03\x04
	KINDS
	finish
}

# ---- Addresses --------------------------------------------------------------------------------

@test "domains of four to eight digits" {
	local domain want
	for domain in 0001 1234 abcd 12345 10000 123456 7fffff 1234567 7ffffff 12345678 7fffffff \
		ffffffff FFFFFFFF 00000001 0abcde; do
		sed -E "s/^([0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] )/$domain:\\1/" "$BASES/hex" >"d-$domain"
	done
	read_all "$BASES/hex" d-*
	[[ ! -s err ]] || fail "$(cat err)"
	for domain in d-*; do
		printf -v want '%04x' "0x${domain#d-}"
		# The same capture, at another place; suggestions name buses of domain 0.
		jq -e --arg file "$domain" --arg want "$want:" '
			(.captures[0] | del(.source, .findings[].suggestions)) as $base |
			.captures[] | select(.source == $file) | del(.source, .findings[].suggestions) |
			[.. | strings] as $words | ($words | any(startswith($want))) and
			(walk(if type == "string" then gsub("\\b" + $want + "(?=[0-9a-f]{2}:)"; "0000:")
			else . end) == $base)' json >/dev/null || fail "$domain"
	done
	(($(jq '.captures | length' json) == 16)) || fail "captures: $(jq '.captures | length' json)"
	finish
}

@test "several domains in one capture stay apart" {
	local domain
	for domain in 0000 0001 10000 7fffffff ffffffff; do
		sed -E "s/^([0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] )/$domain:\\1/" "$BASES/hex"
	done >many
	read_all many
	[[ $(jq -r '.captures[0].links[] | .port.address + ">" + .device.address' json | xargs) == \
		"0000:00:01.0>0000:01:00.0 0001:00:01.0>0001:01:00.0 10000:00:01.0>10000:01:00.0 7fffffff:00:01.0>7fffffff:01:00.0 ffffffff:00:01.0>ffffffff:01:00.0" ]] ||
		fail "$(jq -c '.captures[0].links' json)"
	jq -e '.captures | length == 1 and (.[0].functions | length == 30)' json >/dev/null ||
		fail "functions"
	finish
}

@test "lspci -PP writes the way to a function: the last address is its own" {
	local f
	for f in origin guest-seed-x3130-switch-ep-8x16 topo-cascade topo-domains; do
		lspci -F "$FIXTURES/$f/input" -D -n -xxxx >plain 2>/dev/null
		lspci -F "$FIXTURES/$f/input" -D -n -xxxx -PP >ways 2>/dev/null
		grep -q '^[0-9a-f:.]*/[0-9a-f:./]* ' ways || fail "$f: lspci writes no way"
		same_as plain ways
	done
	# lspci -P leaves out the bus: which function that is cannot be known, and is not guessed.
	lspci -F "$FIXTURES/origin/input" -n -xxxx -P >short-ways 2>/dev/null
	grep -q '^00:01.0/00.0 ' short-ways || fail "lspci -P writes otherwise"
	read_all short-ways
	jq -e --argjson line "$(grep -n '^00:01.0/00.0 ' short-ways | cut -d: -f1)" '.captures[0] |
		(.functions | map(.address) | index("0000:01:00.0") == null and length == 5) and
		(.damage | .unplaced and any(.lines[]; .line == $line)) and .status == 3' json >/dev/null ||
		fail "-P: $(jq -c '.captures[0] | .damage, .status, [.functions[].address]' json)"
	finish
}

# ---- Lists, text and hex beside each other -----------------------------------------------------

@test "a list before the dump, as nvidia-bug-report has it" {
	local f=$FIXTURES/guest-seed-x3130-switch-ep-8x16/input list
	for list in '' -n -nn '-nn -D' -k; do
		# shellcheck disable=SC2086 # words are meant
		lspci -F "$f" $list >"list$list" 2>/dev/null
		{
			printf '____________________________________________\n\n*** /usr/bin/lspci %s\n' "$list"
			cat "list$list"
			printf '\n____________________________________________\n\n*** /usr/bin/lspci -nnDvvvxxxx\n'
			cat "$BASES/mixed"
		} >"before$list"
		{ cat "$BASES/mixed" && echo && cat "list$list"; } >"after$list"
	done
	lspci -F "$f" -tv >tree 2>/dev/null
	{ cat tree && echo && cat "$BASES/mixed" && echo && cat tree; } >trees
	lspci -F "$f" -mm >quoted-fields 2>/dev/null
	{ cat quoted-fields && echo && cat "$BASES/mixed"; } >machine-readable
	same_as "$BASES/mixed" before* after* trees machine-readable
	# One function of them only, in the list of what NVIDIA's script is about.
	{ grep '^03:00.0 ' list-nn && echo && cat "$BASES/mixed"; } >one
	same_as "$BASES/mixed" one
	finish
}

@test "text and hex of one function in two listings are of one function" {
	local f=$FIXTURES/guest-seed-x3130-switch-ep-8x16/input
	lspci -F "$f" -nn -vv >words 2>/dev/null
	lspci -F "$f" -n -xxxx >bytes 2>/dev/null
	lspci -F "$f" -n -xxx >fewer-bytes 2>/dev/null
	{ cat words && echo && cat bytes; } >words-bytes
	{ cat bytes && echo && cat words; } >bytes-words
	{ cat bytes && echo && cat fewer-bytes; } >bytes-fewer
	{ cat fewer-bytes && echo && cat words && echo && cat bytes; } >all-three
	{ cat words && echo && cat words; } >words-words
	same_as "$BASES/mixed" words-bytes bytes-words all-three
	same_as bytes bytes-fewer
	same_as words words-words
	# Some functions in words, others in bytes.
	{ sed '/^02:/,$d' bytes && sed -n '/^02:/,$p' words; } >half
	read_all "$BASES/mixed" half
	[[ ! -s err ]] || fail "$(cat err)"
	jq -e '.captures | length == 2 and ([.[] | .functions | map([.address, .vendor, .type, .max_link,
		.current_link, .parent])] | .[0] == .[1])' json >/dev/null || fail "half words, half bytes"
	jq -e '.captures[1] | any(.findings[]; .id == "LNK905") and all(.findings[]; .id != "LNK904")' \
		json >/dev/null || fail "half: $(jq -c '[.captures[1].findings[].id]' json)"
	finish
}

@test "the same address with other bytes begins another capture, wherever it stands" {
	local port='/^00:01.0 /,/^$/'
	# The port's LNKSTA (capability at 54, so at 66) in a second dump: 2011, then 0011.
	sed "${port}s/^\\(60: 11 04 00 00 00 00\\) 11 20 /\\1 11 00 /" "$BASES/hex" >second
	! cmp -s "$BASES/hex" second || fail "nothing changed"
	{ cat "$BASES/hex" && echo && cat second; } >both
	{ cat "$BASES/hex" && printf '\nand now, with the card warm:\n\n' && sed -n "${port}p" second; } \
		>one-again
	local line
	for f in both one-again; do
		read_all "$BASES/hex" second "$f"
		# The third of the headers of 00:00.0 and 00:01.0 is the first of the second dump.
		line=$(grep -n '^00:0[01]\.0 ' "$f" | sed -n '3s/:.*//p')
		jq -e --arg file "$f" --argjson line "$line" '
			def bare: del(.source, .line, .findings, .counts);
			[.captures[] | select(.source == $file)] as $shots | ($shots | length == 2) and
			($shots | map(.line) == [1, $line]) and
			($shots[0] | bare) == (.captures[0] | bare) and
			($shots | map(.functions[] | select(.address == "0000:00:01.0").registers.LNKSTA) ==
				["2011", "0011"]) and
			all($shots[]; any(.findings[]; .id == "LNK904"))' json >/dev/null ||
			fail "$f: $(jq -c --arg file "$f" '.captures[] | select(.source == $file) |
				.line, .damage, [.findings[].id]' json)"
	done
	# Three of them, and the text of two moments.
	{ cat "$BASES/hex" && echo && cat second && echo && cat "$BASES/hex"; } >three
	{ cat "$BASES/text" && echo && sed 's/Width x16/Width x8/' "$BASES/text"; } >texts
	read_all three texts
	[[ $(jq -c '[.captures[].source]' json) == '["three","three","three","texts","texts"]' ]] ||
		fail "$(jq -c '[.captures[].source]' json)"
	finish
}

@test "a diff: what follows a hunk's head belongs to a function that is not shown" {
	local at
	for at in '@@ -20,3 +20,3 @@' '8c8' '20,24c20,24'; do
		# Behind the device's header and first rows, the rows that hold its link registers.
		{
			sed -n '/^01:00.0 /,/^30: /p' "$BASES/hex"
			echo "$at"
			sed -n '/^01:00.0 /,/^$/p' "$BASES/hex" | sed -n '/^40: /,$p'
		} >hunk
		read_all hunk
		jq -e '.captures[0].functions | length == 1 and (.[0].registers | has("LNKCAP") | not)' json \
			>/dev/null || fail "$at: believed"
	done
	finish
}

# ---- Damage -----------------------------------------------------------------------------------

# What is wrong with the capture $1 must be said of line $2 alone, in words that match $3; the
# registers of the port in the row at 60 must not be known.
damaged() {
	read_all "$1"
	jq -e --argjson line "$2" --arg what "$3" '.captures[0] |
		(.damage | .count == 1 and .lines[0].line == $line and (.lines[0].what | test($what))) and
		any(.findings[]; .id == "LNK902" and (.message | test("\\b\($line)\\b"))) and
		(.functions | length == 6) and
		(.functions[] | select(.address == "0000:00:01.0") |
			(.registers | has("LNKCAP") or has("LNKSTA") | not) and .max_link == null) and
		all(.findings[]; .id != "LNK001") and .status == 3' json >/dev/null ||
		fail "$1: $(jq -c '.captures[0] | .damage, .status,
			(.functions[] | select(.address == "0000:00:01.0").registers)' json)"
}

@test "a row that is not certain is named by its line and left out whole" {
	local line row name edit what
	line=$(awk '/^00:01.0 / { on = 1 } on && /^60: / { print NR; exit }' "$BASES/hex")
	row=$(sed -n "${line}p" "$BASES/hex")
	[[ $row == "60: 11 04 00 00 00 00 11 20 "* ]] || fail "another fixture: $row"
	while IFS='|' read -r name edit what; do
		sed "${line}$edit" "$BASES/hex" >"$name"
		! cmp -s "$BASES/hex" "$name" || fail "$name changes nothing"
		damaged "$name" "$line" "$what"
	done <<-'EDITS'
		one-short|s/ 00$//|15 bytes
		one-more|s/$/ 00/|cannot be read
		no-hex|s/ 11 20/ zz 20/|cannot be read
		one-digit|s/ 11 20/ 1 20/|cannot be read
		three-digits|s/ 11 20/ 111 20/|cannot be read
		sign|s/ 11 20/ -1 20/|cannot be read
		ran-together|s/ 11 20/ 1120/|cannot be read
		no-colon|s/^60:/60/|cannot be read
		letter-in-offset|s/^60:/6o:/|cannot be read
		first-letter|s/^60:/x0:/|cannot be read
		no-bytes|s/^60:.*/60:/|cannot be read
		control-character|s/ 11 20/ \x01\x31 20/|cannot be read
		beyond|s/^60:/1060:/|beyond the end
		far-beyond|s/^60:/ffffffff:/|beyond the end
		taken-offset|s/^60:/50:/|contradicts
		something-behind|s/$/ (LnkCap)/|cannot be read
	EDITS
	# The first row whose last byte lies beyond fff.
	sed "${line}s/^60:/ff8:/" "$BASES/hex" >across
	damaged across "$line" 'beyond the end'
	finish
}

@test "the last row that fits is taken, the one behind it is not" {
	{
		sed -n '/^01:00.0 /,/^ff0: /p' "$BASES/hex"
		echo '1000: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00'
	} >behind
	local line
	line=$(grep -n '^1000: ' behind | cut -d: -f1)
	read_all behind
	jq -e --argjson line "$line" '.captures[0].damage | .count == 1 and .lines[0].line == $line and
		(.lines[0].what | test("beyond the end"))' json >/dev/null || fail "$(jq -c .captures[0].damage json)"
	"$LNKINSPECT" -F behind --capture=again
	diff <(sed -n '/^00: /,/^ff0: /p' behind) <(sed -n '/^00: /,/^ff0: /p' again) || fail "other bytes"
	! grep -q '^1000' again || fail "1000"
	finish
}

@test "several damaged rows: each by its own number, whatever the lines end with" {
	local numbers v
	# every seventh row of the capture
	awk '/^[0-9a-f]+: / && ++n % 7 == 0 { sub(/ [0-9a-f][0-9a-f]$/, ""); print NR >"numbers" } { print }' \
		"$BASES/hex" | head -n 600 >plain
	numbers=$(awk '$1 <= 600' numbers | xargs)
	[[ $(wc -w <<<"$numbers") -gt 60 ]] || fail "too few rows: $numbers"
	for v in trailing crlf quoted indented-tab; do
		vary $v <plain >"plain-$v"
	done
	same_as plain plain-*
	[[ $(jq '.captures[0].damage.lines[].line' json | xargs) == "$numbers" ]] ||
		fail "$(jq -c '.captures[0].damage' json)"
	finish
}

@test "rows without a function above them belong to nobody" {
	local n
	n=$(grep -n '^01:00.0 ' "$BASES/hex" | cut -d: -f1)
	# The header of the device is gone, with the blank line before it or without.
	sed "${n}d" "$BASES/hex" >no-header
	sed "$((n - 1)),${n}d" "$BASES/hex" >no-gap
	for f in no-header no-gap; do
		read_all "$f"
		jq -e '.captures[0] | (.functions | map(.address) | index("0000:01:00.0") == null) and
			.damage.count > 0 and .damage.unplaced and .status == 3 and
			all(.findings[]; .id != "LNK001")' json >/dev/null ||
			fail "$f: $(jq -c '.captures[0] | .status, .damage.count, .damage.unplaced' json)"
		# Not one of its bytes went to the function before.
		diff <(sed -n '/^00:01.0 /,/^$/p' "$BASES/hex" | grep '^[0-9a-f]*: ') \
			<("$LNKINSPECT" -F "$f" --capture=- | sed -n '/^0000:00:01.0 /,/^$/p' |
				grep '^[0-9a-f]*: ') || fail "$f: 00:01.0 has other bytes"
	done
	# The first function's header is gone.
	sed 1d "$BASES/hex" >no-first
	read_all no-first
	jq -e '.captures[0] | (.functions | length == 5) and
		(.damage | .count == 16 and .unplaced and
			([.lines[].line] == [range(1; 17)]) and all(.lines[]; .what | test("no function above")))' \
		json >/dev/null || fail "no-first: $(jq -c '.captures[0].damage' json)"
	finish
}

@test "an address that cannot be read: its rows are not the neighbour's, nor guessed" {
	local header line bad
	line=$(grep -n '^00:01.0 ' "$BASES/hex" | cut -d: -f1)
	header=$(sed -n "${line}s/^00:01.0 //p" "$BASES/hex")
	while IFS= read -r bad; do
		awk -v line="$line" -v to="$bad $header" 'NR == line { print to; next } { print }' "$BASES/hex" \
			>lost
		# The blank line before it may be missing, too.
		sed "$((line - 1))d" lost >lost-no-gap
		for f in lost lost-no-gap; do
			read_all "$f"
			jq -e --argjson line "$([[ $f == lost ]] && echo "$line" || echo $((line - 1)))" '.captures[0] |
				(.functions | length == 5) and
				(.functions | map(.address) | index("0000:00:01.0") == null) and .status == 3 and
				.damage.count > 0 and all(.damage.lines[]; .line >= $line and .line <= $line + 256) and
				.damage.unplaced and all(.findings[]; .id != "LNK001")' json >/dev/null ||
				fail "$bad ($f): $(jq -c '.captures[0] | .status, .damage.count, .damage.lines[0],
					[.functions[].address]' json)"
		done
	done <<-'BAD'
		00:0l.0
		00:O1.0
		O0:01.0
		00;01.0
		00:01,0
		00:01.8
		00:20.0
		0:01.0
		00:1.0
		100:00.0
		000:00:01.0
		123456789:00:01.0
		00:01:0
		x00:01.0
	BAD
	finish
}

@test "a capture that ends within a row: what stands before the end is whole, and nothing is guessed" {
	local line row n files=()
	line=$(awk '/^00:01.0 / { on = 1 } on && /^60: / { print NR; exit }' "$BASES/hex")
	row=$(sed -n "${line}p" "$BASES/hex")
	for ((n = 0; n <= ${#row}; n++)); do
		{ head -n $((line - 1)) "$BASES/hex" && printf '%s' "${row:0:n}"; } >"cut-$n"
		files+=("cut-$n")
	done
	((${#files[@]} == 52)) || fail "the row: $row"
	read_all "${files[@]}"
	[[ ! -s err ]] || fail "$(cat err)"
	# LNKCAP: four bytes behind "60: "; LNKSTA: the seventh and eighth byte. Half a byte at the end
	# may cost the row; it must not change a value.
	jq -r --argjson line "$line" '.captures[] | (.source[4:] | tonumber) as $n |
		(.functions[] | select(.address == "0000:00:01.0").registers) as $r |
		($n >= 6 and $n % 3 == 2 and $n < 51) as $half |
		{cap: (if $n >= 15 then "00000411" else null end),
		 sta: (if $n >= 27 then "2011" else null end),
		 damage: (if $n >= 6 and $n < 51 then [$line] else [] end)} as $want |
		select((($r.LNKCAP != $want.cap or $r.LNKSTA != $want.sta) and
				($half and $r.LNKCAP == null and $r.LNKSTA == null | not)) or
			(($n == 0 or $n >= 6) and [.damage.lines[].line] != $want.damage)) |
		"\(.source): \($r.LNKCAP) \($r.LNKSTA) \(.damage), not \($want)"' json >wrong
	[[ ! -s wrong ]] || fail "$(cat wrong)"
	(($(jq '.captures | length' json) == 52)) || fail "captures: $(jq '.captures | length' json)"
	finish
}

@test "a capture that ends within an address or a title: no other function, no other id" {
	local line header n files=()
	line=$(grep -n '^01:00.0 ' "$BASES/hex" | cut -d: -f1)
	header=$(sed -n "${line}p" "$BASES/hex")
	for ((n = 1; n <= ${#header}; n++)); do
		{ head -n $((line - 1)) "$BASES/hex" && printf '%s' "${header:0:n}"; } >"cut-$n"
		files+=("cut-$n")
	done
	read_all "${files[@]}"
	jq -r '.captures[] | select((.functions | map(.address) - ["0000:00:00.0", "0000:00:01.0",
		"0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3", "0000:01:00.0"] != []) or
		any(.functions[]; .address == "0000:01:00.0" and
			((.vendor != null and [.vendor, .device] != ["8086", "0d93"]) or
			 (.class != null and .class != "050200")))) |
		"\(.source): \(.functions[-1] | [.address, .vendor, .device, .class])"' json >wrong
	[[ ! -s wrong ]] || fail "$(cat wrong)"
	(($(jq '.captures | length' json) == ${#header})) || fail "captures: $(jq '.captures | length' json)"
	finish
}

@test "text that ends within a number: x1 of x16 is not a width" {
	local line what want n files=()
	for what in LnkCap LnkSta; do
		# the device's, which runs 8GT/s x16
		line=$(awk -v what="$what:" '/^03:00.0 / { on = 1 } on && $1 == what { print NR; exit }' \
			"$BASES/text")
		want=$(sed -n "${line}p" "$BASES/text")
		[[ $want == *"Speed 8GT/s"*"Width x16"* ]] || fail "another fixture: $want"
		for ((n = 1; n <= ${#want}; n++)); do
			{ head -n $((line - 1)) "$BASES/text" && printf '%s' "${want:0:n}"; } >"$what-$n"
			files+=("$what-$n")
		done
	done
	read_all "${files[@]}"
	[[ ! -s err ]] || fail "$(cat err)"
	jq -r '.captures[] | (.functions[] | select(.address == "0000:03:00.0") | .max_link,
		.current_link) as $l | select($l != null and [$l.speed, $l.width] != ["8GT/s", 16]) |
		"\(.source): \($l)"' json >wrong
	[[ ! -s wrong ]] || fail "$(cat wrong)"
	(($(jq '.captures | length' json) == ${#files[@]} && ${#files[@]} > 80)) || fail "captures"
	finish
}

# ---- What only looks like it -------------------------------------------------------------------

# Lines that people and other programs write between and around captures.
prose() {
	cat <<-'PROSE'
	[    0.482911] pci 0000:01:00.0: [10de:1b80] type 00 class 0x030000
	[    0.482934] pci 0000:01:00.0: 2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)
	Nov 22 18:07:48 host kernel: pcieport 0000:00:01.0: AER: Corrected error received: 0000:01:00.0
	2026-11-22T18:07:48.123456+00:00 host kernel: nvidia 0000:01:00.0: enabling device (0000 -> 0003)
	18:07:48 up  1:36,  0 user,  load average: 0.54, 1.77, 3.85
	12:05:07.123 the run has started
	12:05.3 is what the clock said
	10:15.3 finished, all is well
	00:01:02 elapsed
	02:00 in the morning
	03:14.1 on the stop watch: the third run
	00:1f.3 is the audio thing, I think
	01:00.0 runs hot. Is that the Class of device that does?
	0000:01:00.0 is the card: the one from the shop
	00:01.0: this one is the port
	00:1a:2b:3c:4d:5e is its MAC
	fe80::1 dev eth0 lladdr 00:1a:2b:3c:4d:5e REACHABLE
	10: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc mq state UP
	 8:      12345          0   IO-APIC   8-edge      rtc0
	24:         10         20  IR-PCI-MSI 65536-edge      nvme0q0
	00: It was all zero then.
	40: fails, 60: works
	00000000: 7f45 4c46 0201 0100 0000 0000 0000 0000  .ELF............
	00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|
	0x0000:  4500 0054 0000 4000 4001 b6c2 c0a8 0001  E..T..@.@.......
	00000070: 11 22 33 44 55 66 77 88  "3DUfw.
	0070: 11 22 33 44
	0000  00 1a 2b 3c 4d 5e 00 11  22 33 44 55 08 00 45 00   ..+<M^.."3DU..E.
	LnkCap: Speed 16GT/s, Width x32 is what the data sheet says
	LnkSta: Speed 2.5GT/s, Width x1 (downgraded)
	Capabilities: [54] Express (v2) Endpoint, MSI 00
	Kernel driver in use: nvidia
	GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-0a1b2c3d-0000-1111-2222-333344445555)
	|   0  NVIDIA H100 80GB HBM3          On  |   00000000:01:00.0 Off |                    0 |
	/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/config
	-device pcie-root-port,id=r1,addr=1.0,x-speed=8,x-width=16
	setpci -s 00:01.0 CAP_EXP+0c.l
	00000411
	=======
	-- 
	8086:0d93
	PROSE
}

@test "prose that looks like addresses, rows or registers is none" {
	local f
	prose >letter
	for f in hex mixed text; do
		cp "$BASES/$f" plain
		{ cat letter && echo && cat plain; } >before
		{ cat plain && echo && cat letter; } >after
		awk 'BEGIN { while ((getline l <"letter") > 0) p = p l "\n" } { print }
			/^$/ { print p }' plain >between
		# one line at each place: its own paragraph
		awk 'BEGIN { while ((getline l <"letter") > 0) p[n++] = l } { print }
			/^$/ { print p[i++ % n] "\n" }' plain >scattered
		sed 's/^/> /' letter | cat - <(echo) plain >answer
		same_as plain before after between scattered answer
	done
	finish
}

@test "a name that goes on in the next line is no address" {
	local rest
	for rest in '760p/E 6100p Series' '7300/4i4e LP'; do
		awk -v rest="$rest" '/^03:00.0 / { print $0 " abc/"; print rest; next } { print }' \
			"$BASES/text" >named
		cmp -s named "$BASES/text" && fail "no name"
		[[ $("$LNKINSPECT" -F named --json 2>err | jq -c '[.captures[].functions[] |
			select(.address == "0000:03:00.0").current_link | .width]') == "[16]" ]] ||
			fail "$rest: its words are lost: $(cat err)"
	done
	finish
}

@test "prose alone is no capture" {
	local n=0 line status
	prose >letter
	status=0
	"$LNKINSPECT" -F letter >out 2>err || status=$?
	((status == 2)) || fail "all of it: status $status"
	while IFS= read -r line; do
		n=$((n + 1))
		printf 'Hello,\n\n%s\n\nbye\n' "$line" >"line-$n"
	done <letter
	read_all line-*
	[[ $(jq -c '[.captures[].source]' json) == '[]' ]] ||
		fail "$(jq -r '.captures[].source' json | xargs cat)"
	(($(wc -l <err) == n && n > 35)) || fail "$n lines, $(wc -l <err) words of trouble"
	finish
}

@test "prose between the rows of a function does not become registers" {
	local n=0 line files=()
	# A line that begins with an address is a header there.
	prose | grep -v -E '^([0-9a-f]{4}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7] ' >letter
	while IFS= read -r line; do
		n=$((n + 1))
		awk -v line="$line" '/^00:01.0 / { on = 1 } { print } on && /^50: / { print line; on = 0 }' \
			"$BASES/hex" >"line-$n"
		files+=("line-$n")
	done <letter
	read_all "$BASES/hex" "${files[@]}"
	# What is known of each function is right, and where less is known, that is said.
	jq -r '(.captures[0].functions | map({(.address): .}) | add) as $base | .captures[1:][] |
		(.functions | map($base[.address].registers as $all | .registers | to_entries |
			all(.[]; $all[.key] == .value)) | all) as $right |
		((.functions | map(.registers | length) | add) ==
			($base | map(.registers | length) | add)) as $whole |
		select(($right and ($whole or .damage.count > 0)) | not) | .source' json >wrong
	[[ ! -s wrong ]] || fail "$(xargs cat <wrong | grep -v -e '^[0-9a-f]*: [0-9a-f ]*$' -e Class)"
	(($(jq '.captures | length' json) == n + 1)) || fail "captures"
	# Most of them cost nothing.
	n=$(jq '[.captures[1:][] | select(.damage.count == 0)] | length' json)
	((n >= 20)) || fail "only $n of them are without effect"
	finish
}

# ---- A second opinion --------------------------------------------------------------------------

# The real captures, by name.
real() {
	local f
	for f in "$FIXTURES"/qtest-* "$FIXTURES"/guest-* "$FIXTURES"/origin; do
		echo "${f##*/}"
	done
}

@test "what lspci reads from our fixtures is what we read: ids, types, buses, LnkCap, LnkSta" {
	local name inputs=()
	mkdir lspci
	for name in $(real); do
		inputs+=("$FIXTURES/$name/input")
		lspci -F "$FIXTURES/$name/input" -D -n -vv >"lspci/$name" 2>/dev/null ||
			fail "$name: lspci cannot read it"
	done
	((${#inputs[@]} > 30)) || fail "${#inputs[@]} captures"
	read_all "${inputs[@]}"
	python3 - <<-'PYTHON' || fail "we and lspci differ"
		import json, re, sys

		types = {"Endpoint": "endpoint", "Legacy Endpoint": "legacy-endpoint", "Root Port": "root-port",
		         "Upstream Port": "upstream", "Downstream Port": "downstream",
		         "PCI-Express to PCI/PCI-X Bridge": "pcie-to-pci",
		         "PCI/PCI-X to PCI-Express Bridge": "pci-to-pcie",
		         "Root Complex Integrated Endpoint": "integrated-endpoint",
		         "Root Complex Event Collector": "event-collector"}
		speeds = {"2.5GT/s": 1, "5GT/s": 2, "8GT/s": 3, "16GT/s": 4, "32GT/s": 5, "64GT/s": 6}

		def link(line):
		    m = re.search(r"Speed (\S+?)(?: \(\w+\))?, Width x(\d+)", line)
		    return speeds.get(m[1], 0), int(m[2])

		def register(r, name):
		    if name not in r:
		        return None
		    v = int(r[name], 16)
		    return v & 15, v >> 4 & 63

		wrong, compared = [], 0
		for capture in json.load(open("json"))["captures"]:
		    name = capture["source"].split("/")[-2]
		    theirs = {}
		    for part in open(f"lspci/{name}").read().split("\n\n"):
		        if not part.strip():
		            continue
		        m = re.match(r"(\S+) (\w{4}): (\w{4}):(\w{4})", part)
		        f = theirs[m[1]] = {"class": m[2], "vendor": m[3], "device": m[4]}
		        if m := re.search(r"Express \(v(\d)\) ([^,(\n]*)", part):
		            f["version"], f["type"] = int(m[1]), types[m[2].strip()]
		        if m := re.search(r"Bus: primary=\w+, secondary=(\w+), subordinate=(\w+)", part):
		            f["bridge"] = int(m[1], 16), int(m[2], 16)
		        for word in "LnkCap", "LnkSta":
		            if m := re.search(rf"{word}:\t(.*)", part):
		                f[word] = link(m[1])
		    ours = {f["address"]: f for f in capture["functions"]}
		    if ours.keys() != theirs.keys():
		        wrong.append(f"{name}: {ours.keys() ^ theirs.keys()}")
		    for at in ours.keys() & theirs.keys():
		        o, t, r = ours[at], theirs[at], ours[at]["registers"]
		        def same(what, a, b):
		            global compared
		            compared += 1
		            if a != b:
		                wrong.append(f"{name} {at}: {what}: we say {a}, lspci {b}")
		        # A VF's own ids read ffff; the kernel knew better when lspci wrote the title.
		        if r["ID"] != "ffffffff":
		            same("ids", (o["vendor"], o["device"]), (t["vendor"], t["device"]))
		            same("class", o["class"][:4], t["class"])
		        if o["reach"] == "all-ones":
		            continue
		        same("type", o["type"], t.get("type", "none"))
		        if "version" in t:
		            same("version", o["express"]["version"], t["version"])
		        if "bridge" in t:
		            same("buses", (o["bridge"]["secondary"], o["bridge"]["subordinate"]), t["bridge"])
		        for word, reg, shown in ("LnkCap", "LNKCAP", "max_link"), ("LnkSta", "LNKSTA", "current_link"):
		            if word not in t:
		                continue
		            same(word, register(r, reg), t[word])
		            if o[shown]:
		                same(shown, (o[shown]["speed_code"], o[shown]["width"]), t[word])
		print("\n".join(wrong))
		print(f"{compared} facts compared", file=sys.stderr)
		sys.exit(bool(wrong) or compared < 1200)
	PYTHON
	finish
}

@test "lspci reads the same bytes in what we capture of them" {
	local name n=0
	for name in $(real); do
		n=$((n + 1))
		"$LNKINSPECT" -n -F "$FIXTURES/$name/input" --capture=capture || fail "$name: status $?"
		lspci -F "$FIXTURES/$name/input" -D -n -xxxx >want 2>/dev/null
		lspci -F capture -D -n -xxxx >got 2>words || fail "$name: lspci: $(cat words)"
		cmp want got || fail "$name"
	done
	((n > 30)) || fail "$n captures"
	finish
}

@test "lspci's words of a capture, without its bytes, say the same or nothing" {
	local name files=()
	for name in $(real); do
		lspci -F "$FIXTURES/$name/input" -D -n -xxxx >"$name.bytes" 2>/dev/null
		lspci -F "$FIXTURES/$name/input" -D -nn -vv >"$name.text" 2>/dev/null
		lspci -F "$FIXTURES/$name/input" -D -nn -vv -xxxx >"$name.both" 2>/dev/null
		files+=("$name.bytes" "$name.text" "$name.both")
	done
	read_all "${files[@]}"
	[[ ! -s err ]] || fail "$(cat err)"
	jq -r '.captures as $c | range(0; $c | length; 3) | . as $i |
		($c[$i + 1].source) as $name |
		($c[$i].functions | map({(.address): .}) | add) as $bytes |
		# Beside bytes, words change nothing and contradict nothing.
		(if ($c[$i + 2].functions | map(del(.text_differs))) !=
			($c[$i].functions | map(del(.text_differs))) then "\($name): words change what bytes say"
		 else empty end),
		($c[$i + 2].functions[] | select(.text_differs != []) |
			"\($name) \(.address): \(.text_differs) contradicted"),
		($c[$i + 1].functions | if map(.address) != ($c[$i].functions | map(.address))
			then "\($name): other functions" else empty end),
		($c[$i + 1].functions[] | . as $t | $bytes[.address] | select(.reach != "all-ones") |
			select([.vendor, .device, .class, .kind, .type, .parent] !=
				($t | [.vendor, .device, .class, .kind, .type, .parent]) or
			 (if .type == "integrated-endpoint" then false else
				[.max_link, .current_link] != ($t | [.max_link, .current_link]) end)) |
			"\($name) \(.address): " + ([., $t] | map([.vendor, .device, .class, .kind, .type,
				.parent, .max_link.speed, .max_link.width, .current_link.speed,
				.current_link.width] | tostring) | join(" / ")))' json >wrong
	[[ ! -s wrong ]] || fail "$(cat wrong)"
	finish
}
