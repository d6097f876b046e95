#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# unwrap.bats - what mail, logs, pages, terminals and diffs do to a capture is taken off again: the
# JSON is that of the plain capture, and line numbers are those of the file as it came
#
# Variants are made here with sed, awk, iconv and python3; lspci.bats has those that only touch the
# ends of lines.

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

# Each of the variants $2... of the capture $1, made by vary(), gives what the capture gives. What a
# variant leaves as it is goes into ./unchanged.
vary_all() {
	local base=$1 v files=()
	shift
	mkdir -p "$base"
	cp "$BASES/$base" "$base/plain"
	for v; do
		vary "$v" <"$base/plain" >"$base/$v" || fail "$base: $v"
		! cmp -s "$base/plain" "$base/$v" || echo "$base/$v" >>unchanged
		files+=("$base/$v")
	done
	same_as "$base/plain" "${files[@]}"
}

# A row as lspci writes it, for sed -E.
row='[0-9a-f]{2,3}:( [0-9a-f]{2}){16}'
# A header.
header='([0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7] '

# Variant $1 of the capture on standard input.
# shellcheck disable=SC2016 # no command is meant
vary() {
	local esc=$'\e'
	case $1 in
	spaced) sed G ;;
	# ---- Encodings
	utf16) iconv -f UTF-8 -t UTF-16 ;; # with a mark, in this machine's order
	utf16le-mark) printf '\xff\xfe' && iconv -f UTF-8 -t UTF-16LE ;;
	utf16be-mark) printf '\xfe\xff' && iconv -f UTF-8 -t UTF-16BE ;;
	utf16le) iconv -f UTF-8 -t UTF-16LE ;;
	utf16be) iconv -f UTF-8 -t UTF-16BE ;;
	utf16-powershell) printf '\xff\xfe' && sed 's/$/\r/' | iconv -f UTF-8 -t UTF-16LE ;;
	marks-inside) sed -E "s/^$header/\xef\xbb\xbf&/" ;;
	nbsp) sed 's/ /\xc2\xa0/g; s/\t/\xc2\xa0\xc2\xa0\xc2\xa0\xc2\xa0/g' ;;
	nbsp-mixed) sed 's/^\t/\xc2\xa0 \xc2\xa0 /; s/  /\xc2\xa0 /g' ;;
	nbsp-latin1) sed 's/ /\xa0/g' ;;
	nbsp-twice) sed 's/ /\xc3\x82\xc2\xa0/g' ;;
	thin) sed 's/ /\xe2\x80\x89/g' ;;
	zero-width) sed -E "s/^($header|$row)/\xe2\x80\x8b&/; s/\$/\xe2\x80\x8b/" ;;
	# ---- Mail
	printable-head) printf 'Content-Type: text/plain\nContent-Transfer-Encoding: %s\n\n' \
		quoted-printable && python3 -c 'import quopri, sys
sys.stdout.buffer.write(quopri.encodestring(sys.stdin.buffer.read()))' ;;
	printable-all) printf 'content-transfer-encoding:Quoted-Printable\n\n' && python3 -c 'import quopri, sys
sys.stdout.buffer.write(quopri.encodestring(sys.stdin.buffer.read(), quotetabs=True))' ;;
	printable) python3 -c 'import quopri, sys
sys.stdout.buffer.write(quopri.encodestring(sys.stdin.buffer.read()))' ;;
	printable-crlf) vary printable-head | sed 's/$/\r/' ;;
	printable-quoted) sed 's/^/> > /' | vary printable-head ;;
	quoted-mixed) awk '{ print (NR % 3 ? NR % 3 == 1 ? "> > " : ">> " : ">>") $0 }' ;;
	bars) sed 's/^/| /' ;;
	bars-nested) sed 's/^/| > | /' ;;
	quoted-trimmed) sed 's/^/> > /; s/ *$//' ;;
	base64) printf 'Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n' && base64 |
		sed 's/$/\r/' ;;
	base64-parts) printf '%s\n' 'Content-Type: multipart/mixed; boundary="part"' '' '--part' \
		'Content-Transfer-Encoding: quoted-printable' '' 'It is slow=21 See the file.' '' '--part' \
		'Content-Type: text/plain; name="lspci.txt"' 'Content-transfer-encoding: BASE64' '' &&
		base64 -w 60 && printf '%s\n' '--part--' '' '-- ' 'me' ;;
	initials) sed 's/^/JD> /' ;;
	# ---- Lists
	bullets) sed 's/^/- /' ;;
	bullets-trimmed) sed 's/^/* /; s/ *$//' ;;
	numbered) awk '{ print NR ". " $0 }' ;;
	numbered-cat) cat -n ;;
	commented) sed 's/^/# /' ;;
	# ---- Line ends
	cr-only) tr '\n' '\r' ;;
	cr-twice) sed 's/$/\r\r/' ;;
	# ---- JSON
	json) jq -Rs '{id: 1, title: "slow \"GPU\"", body: .}' ;;
	json-tight) jq -Rsc '[{id: 1, body: "no lines"}, {body: ("See:\n" + . + "Thanks")}, "end"]' ;;
	json-crlf) sed 's/$/\r/' | jq -Rsc '{body: ("```\r\n" + . + "```")}' ;;
	json-twice) jq -Rs '{body: ("See:\n" + .)} | tojson' ;;
	json-ascii) vary nbsp | jq -aRsc . ;;
	# ---- Pages
	bbcode) printf '[CODE=bash]' && cat && printf '[/CODE]\n' ;;
	bbcode-fonts) printf '[size=2][font=monospace]' && cat && printf '[/font][/size]\n' ;;
	bbcode-bold) sed -E "s/^($header.*)\$/[B]\\1[\/B]/" ;;
	page-one-line) printf '<div>' && vary entities | sed 's/$/<br>/' | tr -d '\n' && echo '</div>' ;;
	entities) sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g' ;;
	page) echo '<pre class="bz_comment_text">' && vary entities && echo '</pre>' ;;
	page-tight) printf '<html><body><p>Look:</p><pre><code>' && vary entities &&
		printf '</code></pre></body>\n' ;;
	nbsp-entities) sed 's/\t/\&nbsp; \&nbsp; \&nbsp; \&nbsp; /g; s/  /\&nbsp; /g' ;;
	breaks) sed 's/$/<br>/' ;;
	breaks-xhtml) vary entities | sed 's,$,<br />,' ;;
	quoted-entities) vary entities | sed 's/^/\&gt; /' ;;
	bbcode-tight) printf '[code]' && head -c -1 && printf '[/code]\n' ;;
	bold-headers) sed -E "s/^($header.*)\$/**\\1**/" ;;
	bold-addresses) sed -E "s/^($header)/**\\1/; s/^(\\*\\*[^ ]*) /\\1** /" ;;
	bold-words) sed -E 's/(LnkSta:|Speed [^,]*, Width x[0-9]+)/**\1**/' ;;
	italic) sed -E "s/^($header.*)\$/*\\1*/" ;;
	backticks) sed 's/^..*$/`&`/' ;;
	fence-indented) printf 'It is:\n\n    ```text\n' && sed 's/^/    /' && printf '    ```\n' ;;
	# ---- Terminals
	colors) sed -E "s/^($header)/${esc}[01;31m${esc}[K\\1${esc}[m${esc}[K/
		s/Width/${esc}[1mWidth${esc}[0m/" ;;
	colored-rows) sed -E "s/^([0-9a-f]{2,3}:)(.*)\$/${esc}[32m\\1${esc}[0m\\2/" ;;
	script) printf '%s]0;root@host: ~\a%s[?2004hroot@host:~# lspci\r\n%s[?2004l\r' "$esc" "$esc" \
		"$esc" && sed 's/$/\r/' ;;
	overtyped) sed -E 's/Capabilities/C\x08Ca\x08ap\x08pabilities/' ;;
	# ---- Logs
	log-dmesg) sed 's/^/[   12.345678] /' ;;
	log-dmesg-trimmed) sed 's/^/[   12.345678] /; s/ $//' ;;
	log-dmesg-late) awk '{ printf "[%5d.%06d] %s\n", NR, NR, $0 }' ;;
	log-dmesg-caller) sed 's/^/[   12.345678][ T1234] /' ;;
	log-dmesg-t) sed 's/^/[Mon Jan  1 00:00:00 2024] /' ;;
	log-priority) sed 's/^/<6>[   12.345678] /' ;;
	log-priority-alone) sed 's/^/<14>/' ;;
	log-syslog) sed 's/^/Jan  1 12:00:00 host kernel: /' ;;
	log-syslog-kernel) sed 's/^/Jan 11 12:00:00 host kernel: [   12.345678] /' ;;
	log-journal) sed 's/^/Jan 11 12:00:00.123456 some-host lspci[123]: /' ;;
	log-iso) sed 's/^/2026-01-01T00:00:00+00:00 host prog[1]: /' ;;
	log-iso-short) sed 's/^/2026-01-01T00:00:00,123456+0100 host prog[1]: /' ;;
	log-actions) sed 's/^/2024-01-01T00:00:00.0000000Z /' ;;
	log-compose) sed 's/^/web_1  | 2024-01-01T00:00:00.000000000Z /' ;;
	log-jenkins) sed 's/^/[2024-01-01T00:00:00.000Z] /' ;;
	log-python) sed 's/^/2024-01-01 00:00:00,123 INFO probe: /' ;;
	log-clock) sed 's/^/12:34:56.789 /' ;;
	log-clock-brackets) sed 's/^/[12:34:56] /' ;;
	log-glog) sed 's/^/I0101 12:00:00.000000     123 probe.cc:45] /' ;;
	log-quoted) sed 's/^/> [   12.345678] /' ;;
	log-other-lines) awk '{ printf "[%5d.%06d] %s\n", NR, NR, $0 }
		/^$/ { print "[    1.000000] pci 0000:01:00.0: BAR 0: assigned" }' ;;
	# ---- Lines that were wrapped
	narrow-rows) sed -E "/^$row\$/s/^(.{40}) /\\1\\n/" ;;
	narrower-rows) sed -E "/^$row\$/s/^(.{19}) (.{17}) /\\1\\n\\2\\n/" ;;
	narrow-quoted-rows) sed -E "s/^/> /; /^> $row\$/s/^(.{42}) /\\1\\n/" ;;
	narrow-rows-crlf) vary narrow-rows | sed 's/$/\r/' ;;
	wrapped-72 | wrapped-76 | wrapped-80) fold -s -w "${1#*-}" | sed 's/ $//' ;;
	wrapped-quoted) vary wrapped-72 | sed 's/^/> /' ;;
	wrapped-indented) sed 's/^/    /' | vary wrapped-76 | sed -E 's/^([^ ])/    \1/' ;;
	# ---- lspci's trouble, where a buffer of its output was full
	torn-4096 | torn-1024) python3 -c 'import sys
text, size = sys.stdin.read(), int(sys.argv[1])
for i in range(0, len(text), size):
	if i: sys.stdout.write("pcilib: sysfs_read_vpd: read failed: Input/output error\n")
	if i % 2: sys.stdout.write("lspci: Unable to load libkmod resources: error -2\n")
	sys.stdout.write(text[i:i + size])' "${1#*-}" ;;
	torn-quoted) vary torn-1024 | sed 's/^/> /' ;;
	torn-indented) vary torn-1024 | sed 's/^/    /' ;;
	torn-crlf) vary torn-1024 | sed 's/$/\r/' ;;
	torn-log) vary torn-1024 | sed 's/^/2026-01-01T00:00:00+00:00 host prog[1]: /' ;;
	torn-page) vary torn-1024 | vary page ;;
	*) return 1 ;;
	esac
}

@test "encodings: UTF-16 with a mark and without, marks inside, blanks of other kinds" {
	local base encodings='utf16 utf16le-mark utf16be-mark utf16le utf16be utf16-powershell
		marks-inside nbsp nbsp-mixed nbsp-latin1 nbsp-twice thin zero-width cr-only cr-twice'
	for base in hex mixed text short; do
		# shellcheck disable=SC2086 # words are meant
		vary_all "$base" $encodings
	done
	[[ $(xargs <unchanged) == "hex/nbsp-mixed short/nbsp-mixed" ]] || fail "unchanged: $(xargs <unchanged)"
	finish
}

@test "so it is with a capture that is larger than what is read at once" {
	local i v files=()
	for i in {0..9}; do
		sed -E "s/^0000(:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7] )/000$i\\1/" "$BASES/mixed"
	done >plain
	(($(wc -c <plain) > 1200000)) || fail "$(wc -c <plain) bytes"
	for v in utf16le utf16be-mark printable-head base64-parts json-tight page-one-line page log-iso quoted-mixed narrow-rows wrapped-72; do
		vary $v <plain >"as-$v"
		files+=("as-$v")
	done
	same_as plain "${files[@]}"
	# Through a pipe, some bytes at a time
	"$LNKINSPECT" --json -n -F plain >want || true
	python3 -c 'import sys
data = open("plain", "rb").read()
for i in range(0, len(data), 4099): sys.stdout.buffer.write(data[i:i + 4099]); sys.stdout.flush()' |
		"$LNKINSPECT" --json -n -F - >got || true
	cmp <(jq -c '.captures[0].source = ""' want) <(jq -c '.captures[0].source = ""' got) || fail "a pipe"
	finish
}

@test "mail: quoted-printable, quoting of several kinds" {
	local base mail='printable-head printable-all printable-crlf printable-quoted quoted-mixed bars bars-nested
		quoted-trimmed base64 base64-parts initials bullets bullets-trimmed numbered numbered-cat commented'
	for base in hex mixed text short; do
		# shellcheck disable=SC2086 # words are meant
		vary_all "$base" $mail
	done
	# Without a head it shows by its soft line breaks, which short lines have none of.
	vary_all mixed printable
	vary_all text printable
	[[ ! -e unchanged ]] || fail "unchanged: $(xargs <unchanged)"
	finish
}

@test "pages: entities, tags, marks" {
	local base pages='json json-tight json-crlf json-twice json-ascii bbcode bbcode-fonts bbcode-bold
		page-one-line page page-tight breaks breaks-xhtml quoted-entities bbcode-tight
		bold-headers bold-addresses italic backticks fence-indented'
	for base in hex mixed text short; do
		# shellcheck disable=SC2086 # words are meant
		vary_all "$base" $pages
	done
	vary_all mixed entities nbsp-entities bold-words
	vary_all text entities nbsp-entities bold-words
	# All of it in one line
	cp "$BASES/short" plain
	sed 's/$/<br>/' plain | tr -d '\n' >one-line
	same_as plain one-line
	[[ ! -e unchanged ]] || fail "unchanged: $(xargs <unchanged)"
	finish
}

@test "terminals: colours, script(1), what was typed over" {
	local base
	for base in hex mixed text short; do
		vary_all "$base" colors script
	done
	vary_all hex colored-rows
	vary_all mixed overtyped colored-rows
	vary_all text overtyped
	[[ ! -e unchanged ]] || fail "unchanged: $(xargs <unchanged)"
	finish
}

@test "logs: times, machines and programs before each line" {
	local base v logs
	logs=$(declare -f vary | grep -oE 'log-[a-z-]+' | sort -u)
	(($(wc -w <<<"$logs") == 21)) || fail "$(wc -w <<<"$logs") kinds of logs"
	for base in hex mixed text short; do
		# shellcheck disable=SC2086 # words are meant
		vary_all "$base" $logs
	done
	# Our own capture keeps its head.
	"$LNKINSPECT" -F "$FIXTURES/lnk201-guest-by-head/input" --capture="$BASES/ours"
	vary_all ours log-dmesg log-syslog log-actions log-compose log-python
	jq -e 'all(.captures[]; .environment.guest == true)' json >/dev/null || fail "the head is lost"
	[[ ! -e unchanged ]] || fail "unchanged: $(xargs <unchanged)"
	finish
}

@test "the kernel's early dump, in its log or alone" {
	cp "$BASES/early" plain
	# Linux prints eight digits, and no words.
	sed -E "s/^($header).*/pci \\1: config space:/; s/ : config/: config/; s/^([0-9a-f]{2}: )/000000\\1/
		/^\$/d" plain >alone
	sed -E 's/(: config space):$/\1/' alone >one-colon
	sed -E 's/: (config space:)$/ \1/' alone >older
	sed 's/^/[    0.482911] /' alone >stamped
	sed 's/^/Jan  1 12:00:00 host kernel: [    0.482911] /' alone >journal
	awk '{ print } /ff|f0: / { print "[    0.5] pci 0000:00:1f.2: [8086:2922] type 00 class 0x010601" }' \
		stamped >between
	grep -q '^pci 0000:00:03.0: config space:$' alone || fail "$(head -n 1 alone)"
	same_as plain alone one-colon older stamped journal between
	finish
}

@test "lines that were wrapped are joined" {
	local base f
	for base in hex mixed short; do
		vary_all "$base" narrow-rows narrower-rows narrow-quoted-rows narrow-rows-crlf
	done
	for base in hex mixed text; do
		vary_all "$base" wrapped-72 wrapped-76 wrapped-80 wrapped-quoted wrapped-indented
	done
	# Titles were torn apart,
	grep -qE '^[^ \t].* \[8086:2918\] \(rev 02\)$' text/wrapped-72 || fail "no title was torn"
	# and so are the widths of links where more stands before them.
	sed 's/Port #[0-9]*,/& as its maker counts them,/' "$BASES/text" >plain
	for f in 72 73 74 75 76 77 78 79 80; do
		fold -s -w $f plain | sed 's/ $//' >"torn-$f"
	done
	grep -q 'Width$' torn-* || fail "no width was torn off"
	same_as plain torn-*
	finish
}

@test "a blank line below each line ends nothing" {
	vary_all mixed spaced
	vary_all text spaced
	# So it is in a mail whose other dump is written as usual.
	{ sed G "$BASES/text" && cat "$BASES/text"; } >both
	same_as "$BASES/text" both
	# A title in a list has nothing below it: what stands there is somebody else's.
	{ grep '^0[03]:' "$BASES/text" && printf '\n\tLnkSta:\tSpeed 5GT/s, Width x2\n'; } >list
	[[ $("$LNKINSPECT" -F list --json 2>/dev/null | jq '[.captures[].functions[].current_link |
		select(.)] | length') == 0 ]] || fail "a list has a link"
	finish
}

@test "a row is joined with bytes that are its own, and with nothing else" {
	local line
	line=$(awk '/^00:01.0 / { on = 1 } on && /^60: / { print NR; exit }' "$BASES/hex")
	# The last three bytes below it, and one too few, one too many, or something else
	while IFS='|' read -r name rest; do
		sed -E "${line}s/^(.*)( .. .. ..)\$/\\1\\n$rest/" "$BASES/hex" >"$name"
	done <<-'RESTS'
		too-few|00 00
		too-many|00 00 00 00
		text|00 00 00 what?
		one-digit|00 0 000
	RESTS
	read_all too-few too-many text one-digit
	jq -r --argjson line "$line" '.captures[] | select(.damage.lines != [{line: $line,
		what: "hex row with 13 bytes"}] or (.functions[] |
		select(.address == "0000:00:01.0").registers | has("LNKCAP"))) |
		"\(.source): \(.damage)"' json >wrong
	[[ ! -s wrong ]] || fail "$(cat wrong)"
	(($(jq '.captures | length' json) == 4)) || fail "captures"
	finish
}

@test "damage has the line numbers of the file as it came" {
	local v line want
	# A row in the middle loses a byte.
	line=$(awk '/^0000:01:00.0 / { on = 1 } on && /^60: / { print NR; exit }' "$BASES/mixed")
	sed -E "${line}s/ ..\$//" "$BASES/mixed" >plain
	while read -r v want; do
		vary "$v" <plain >"as-$v"
		want=${want:-$line}
		read_all "as-$v"
		jq -e --argjson line "$((want))" '.captures[0].damage.lines == [{line: $line,
			what: "hex row with 15 bytes"}]' json >/dev/null ||
			fail "$v: $(jq -c '.captures[0].damage' json), not line $((want))"
	done <<-VARIANTS
		utf16
		utf16be
		nbsp
		printable-head $(vary printable-head <plain | grep -nE '^60:( ..){15}$' | cut -d: -f1)
		page line+1
		colors
		log-syslog
		log-iso
		breaks
		bars-nested
		base64 4+($(head -n $((line - 1)) <plain | wc -c))/57
		base64-parts 12+($(head -n $((line - 1)) <plain | wc -c))/45
		json-tight 1
		numbered
		cr-only
		wrapped-72 $(vary wrapped-72 <plain | grep -nE '^60:( ..){15}$' | cut -d: -f1)
		narrow-rows $(vary narrow-rows <plain |
			awk '/^0000:01:00.0 / { on = 1 } on && /^60: / { print NR; exit }')
	VARIANTS
	finish
}

# ---- Diffs -------------------------------------------------------------------------------------

# A second dump of the origin case: the port's LNKSTA (capability at 54, so at 66) and a name.
second() {
	sed -E '/^00:01.0 /,/^$/s/^(60: 11 04 00 00 00 00) 11 20 /\1 11 00 /'
}

# The captures of the file $1 but for where they stand.
bare() {
	jq -c --arg file "$1" '.captures[] | select(.source | startswith($file)) |
		del(.source, .line, .findings, .counts, .results)' json
}

@test "a diff of two dumps is two captures, each with its own side" {
	local name
	cp "$BASES/hex" old
	second <old >new
	! cmp -s old new || fail "nothing changed"
	diff -U 100000 --label before.txt --label after.txt old new >unified || true
	diff -U 100000 old new | sed 's/^/> /' >quoted || true
	{ printf 'Hello,\n\nwhat changed:\n\n' && cat unified && printf '\n-- \nme\n'; } >letter
	sed 's/^ $//' unified >trimmed
	iconv -f UTF-8 -t UTF-16 unified >wide
	# Everything changed: all of it stands there twice.
	sed 's/8086:0d93/8086:0d94/; s/^/ /; s/^ //' new >other
	diff old /dev/null >gone || true
	read_all old new unified quoted letter trimmed wide gone
	[[ ! -s err ]] || fail "$(cat err)"
	for name in unified quoted letter trimmed wide; do
		[[ $(bare $name) == "$(bare old; bare new)" ]] || fail "$name: $(jq -c \
			'.captures[] | [.source, .line, .damage, (.functions | length)]' json)"
	done
	[[ $(bare gone) == "$(bare old)" ]] || fail "gone"
	[[ $(jq -r '.captures[] | .source | select(startswith("unified"))' json | paste -sd,) == \
		"unified (old side of a diff, before.txt),unified (new side of a diff, after.txt)" ]] ||
		fail "$(jq -r '.captures[].source' json)"
	finish
}

@test "a diff with little around each change: what is known is right" {
	local context
	cp "$BASES/hex" old
	second <old >new
	# a change far behind in the same function, which the rows between prove
	sed -i -E '/^00:01.0 /,/^$/s/^(f00: ..)(.*) ..$/\1\2 77/' new
	for context in 3 8; do
		diff -U $context old new >"context-$context" || true
	done
	diff old new >normal || true
	read_all old new context-*
	# With three lines around it no header is seen, with eight the port's is.
	jq -e '(.captures | map({(.source): (.functions[] | select(.address == "0000:00:01.0") |
		.registers)}) | add) as $all | [.captures[].source] ==
		["old", "new", "context-8 (old side of a diff)", "context-8 (new side of a diff)"] or
		[.captures[].source][2:] == ["context-8 (old side of a diff, old)",
		"context-8 (new side of a diff, new)"]' json >/dev/null ||
		fail "$(jq -c '[.captures[].source]' json)"
	jq -e '.captures[2:] | map(.functions[0].registers | [.LNKCAP, .LNKSTA]) ==
		[["00000411", "2011"], ["00000411", "0011"]]' json >/dev/null ||
		fail "$(jq -c '.captures[2:][].functions[0].registers' json)"
	# The row at f00 is taken, although a hunk stands between.
	"$LNKINSPECT" -n -F context-8 --capture=again || true
	grep -q '^f00: .* 77$' again || fail "the second hunk is lost: $(grep -c . again)"
	finish
}

# ---- Lines that lspci's own trouble stands in ---------------------------------------------------

# The capture $1 with line $2 torn by $4... after each of its characters, one file each: $3-N.
tear() {
	python3 -c 'import sys
name, line, to, *trouble = sys.argv[1:]
lines = open(name).read().splitlines(True)
at, end = int(line) - 1, int(line)
for cut in range(len(lines[at])):
	torn = lines[at][:cut] + "".join(t + "\n" for t in trouble) + lines[at][cut:]
	open(f"{to}-{cut}", "w").write("".join(lines[:at] + [torn] + lines[end:]))' "$@"
}

# The number of the first line like $2 (awk) below that like $1 in ./plain.
find_line() {
	awk -v head="$1" -v line="$2" '$0 ~ head { on = 1 } on && $0 ~ line { print NR; exit }' plain
}

vpd='pcilib: sysfs_read_vpd: read failed: Input/output error'
libkmod='lspci: Unable to load libkmod resources: error -12'

@test "lspci's trouble between two blocks of its output" {
	local base
	for base in hex mixed text short early; do
		vary_all "$base" torn-4096 torn-1024 torn-quoted torn-indented torn-crlf torn-log torn-page
	done
	[[ $(cat mixed/torn-*) =~ [0-9a-f]pcilib: ]] || fail "nothing is torn"
	finish
}

@test "a row is whole again, wherever trouble stands in it" {
	cp "$BASES/hex" plain
	tear plain "$(find_line '^00:01.0 ' '^60: ')" once "$vpd"
	tear plain "$(find_line '^00:01.0 ' '^60: ')" twice "$vpd" "$libkmod" "$vpd"
	tear plain "$(find_line '^00:01.0 ' '^100: ')" far "$libkmod"
	local files=(once-* twice-* far-*)
	same_as plain "${files[@]}"
	((${#files[@]} == 52 + 52 + 53)) || fail "${#files[@]} files"
	finish
}

@test "so is one with trouble in several places" {
	cp "$BASES/hex" plain
	tear plain "$(find_line '^00:01.0 ' '^60: ')" a "$vpd"
	local cut line
	for cut in 1 2 3 4 5 17 30 50 51; do
		# What is behind the first stands two lines below where the row began.
		line=$(find_line '^00:01.0 ' '^60: ')
		tear "a-$cut" $((line + 1)) "b-$cut" "$libkmod" "$vpd"
	done
	cp b-3-8 plain-b
	tear plain-b $((line + 3)) c "$vpd"
	same_as plain b-* c-*
	finish
}

@test "so are titles and words" {
	local base head line i=0 files
	for base in text mixed short; do
		cp "$BASES/$base" plain
		while IFS='|' read -r head line; do
			i=$((i + 1))
			[[ -n $(find_line "$head" "$line") ]] || continue
			tear plain "$(find_line "$head" "$line")" "$base-$i" "$libkmod"
			tear plain "$(find_line "$head" "$line")" "$base-$i-twice" "$vpd" "$libkmod"
		done <<-'LINES'
			03:00.0 |03:00.0
			03:00.0 |LnkCap:
			03:00.0 |ClockPM-
			03:00.0 |LnkSta:
			03:00.0 |DLActive
			03:00.0 |MaxPayload .*MaxReadReq
			03:00.0 |Capabilities: .*Express
			PCI bridge|Bus: primary
			PCI bridge|Capabilities: .*Express
			PCI bridge|LnkCap2:
			PCI bridge|SltCap:
			PCI bridge|PowerLimit
			PCI bridge|Kernel driver
		LINES
		files=("$base"-*)
		same_as plain "${files[@]}"
		((${#files[@]} > 50)) || fail "$base: ${#files[@]} files"
	done
	finish
}

@test "what is no row together stays two lines, and is named" {
	local line name rest
	cp "$BASES/hex" plain
	line=$(find_line '^00:01.0 ' '^60: ')
	# Three bytes are behind the trouble, and one too few, one too many, or something else
	while IFS='|' read -r name rest; do
		sed -E "${line}s|^(.*) .. .. ..\$|\1$vpd\n$rest|" plain >"$name"
	done <<-'RESTS'
		too-few| 00 00
		too-many| 00 00 00 00
		no-blank|00 00 00
		two-blanks|  00 00 00
		text|and so on
		one-digit| 00 0 000
	RESTS
	# Trouble again, and then nothing that could follow
	sed -E "${line}s|^(.*) .. .. ..\$|\1$vpd\n$libkmod\n and so on|" plain >again
	sed -E "${line}s|^(.*) .. .. ..\$|\1$vpd\n 0${libkmod}\nand so on|" plain >twice
	# Other programs have names, too.
	sed -E "${line}s|^(.*)( .. .. ..)\$|\1setpci: no\n\2|" plain >other
	read_all too-few too-many no-blank two-blanks text one-digit again twice other
	jq -r --argjson line "$line" '.captures[] | select(.damage.lines != [{line: $line,
		what: "hex row that cannot be read"}] or (.functions[] |
		select(.address == "0000:00:01.0").registers | has("LNKCAP"))) |
		"\(.source): \(.damage)"' json >wrong
	[[ ! -s wrong ]] || fail "$(cat wrong)"
	(($(jq '.captures | length' json) == 9)) || fail "captures"
	# What stands below has its own number.
	line=$(find_line '^00:01.0 ' '^90: ')
	sed "${line}s/ ..\$//" plain >damaged
	tear damaged "$(find_line '^00:01.0 ' '^60: ')" torn "$vpd" "$libkmod"
	read_all torn-*
	jq -e --argjson line $((line + 2)) '[.captures[] | select(.damage.lines != [{line: ($line + 0),
		what: "hex row with 15 bytes"}] and .damage.lines != [{line: ($line + 1),
		what: "hex row with 15 bytes"}])] == []' json >/dev/null || fail "$(jq -c '.captures[].damage' json)"
	finish
}

@test "what names lspci and is no trouble of its stays" {
	local prose
	cp "$BASES/text" plain
	# Each below a function's words, and what follows is a line of its own: a fact, a function
	while IFS= read -r prose; do
		awk -v prose="$prose" '/^$/ && !done { print prose; print "DMI: QEMU Standard PC, BIOS 1.0"; done = 1 }
			{ print }' plain >fact
		awk '!/^(DMI: |\t?[A-Za-z ]*lspci: |\t?[A-Za-z ]*pcilib: )/' fact >without
		awk -v prose="$prose" '{ print } /Kernel modules/ && !done { print prose; done = 1 }' plain >title
		cmp -s plain without || fail "$prose"
		read_all plain fact title
		[[ $(jq -c '.captures[0].functions' json) == "$(jq -c '.captures[1].functions' json)" ]] ||
			fail "$prose: a function differs"
		[[ $(jq -c '.captures[0].functions' json) == "$(jq -c '.captures[2].functions' json)" ]] ||
			fail "$prose: a title differs"
		jq -e '.captures[1].environment.guest' json >/dev/null || fail "$prose: the fact is lost"
	done <<-'PROSE'
		the words of lspci: see below
			and this is what lspci: wrote
			lspci: it is
			pcilib: it is
		lspci: it is
		root has lspci: look
	PROSE
	finish
}

# ---- What only looks like it -------------------------------------------------------------------

@test "what looks like wrapping and is none stays" {
	local name
	# Names have no check on themselves: they must come through to the letter.
	while IFS= read -r name; do
		printf '00:00.0 Host bridge: %s\n\tFlags: fast devsel\n\tMemory at fe000000 [size=16K]\n' "$name" \
			>plain
		{ cat plain && printf '\tMemory at fe004000 [size=16K]\n\n'; } >file
		"$LNKINSPECT" --json -F file >json 2>err || true
		[[ $(jq -r '.captures[0].functions[0].device_name' json) == "$name" ]] ||
			fail "$name: $(jq -c '.captures[0].functions[0].device_name' json)"
	done <<-'NAMES'
		AT&T Bridge & Sons
		R&D; S&P
		Width=16K, a=20b, x=3D
		less < more > most
		<unknown> maker
		A*B and C * D
		Tab|Bar | Pipe
		12:34:56.7 is a time
		[12.5] brackets
		Caf\xe9
	NAMES
	finish
}

@test "times, rules and lists beside a capture change nothing" {
	cat >prose <<-'PROSE'
	10: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500
	12:34:56.7
	12:34:56.7 it was
	[12:34:56] <me> 00:01.0 is the port
	Jan  1 12:00:00 host kernel: pcieport 0000:00:01.0: AER: Corrected error received: 0000:01:00.0
	2024-01-01T00:00:00.0000000Z 00:01.0 looks odd
	a rule: ===============================================================
	=======================================================================
	x = y & z; a < b > c
	| 00:01.0 | the port | 8GT/s |
	|-- 00:01.0 the tree
	* one
	* two
	    - three
	8086:0d93
	- a port, 00:01.0
	1. 00:01.0 is it
	# 00:01.0
	printf "a\nb\nc"
	[b]bold[/b] [size=16K]
	Content-Transfer-Encoding: base64

	PROSE
	local base
	for base in hex mixed text; do
		cp "$BASES/$base" plain
		{ cat prose && echo && cat plain; } >before
		{ cat plain && echo && cat prose; } >after
		awk 'BEGIN { while ((getline l <"prose") > 0) p = p l "\n" } { print } /^$/ { print p }' plain \
			>between
		same_as plain before after between
	done
	finish
}

@test "quoted-printable is decoded only where it is" {
	# "=16" of "[size=16K]" is no character: with a head that says so, and without.
	cp "$BASES/mixed" plain
	{ printf 'Content-Transfer-Encoding: 8bit\n\n' && cat plain; } >eight-bit
	{ printf 'Content-Transfer-Encoding: quoted-printable\n\nhello=20\n' &&
		printf 'Content-Transfer-Encoding: 7bit\n\n' && cat plain; } >two-parts
	# Bus numbers would suffer: 20 to 7e are characters.
	sed 's/subordinate=0[0-9]/subordinate=41/' "$BASES/text" >buses
	{ printf '%s=\n\n' "$(head -c 54 /dev/zero | base64 | tr -d '\n' | head -c 71)" && cat buses; } \
		>signature
	{ printf 'From me Thu Jan  1 00:00:00 2026\nContent-Transfer-Encoding: quoted-printable\n\nhi=20\n\n' &&
		printf 'From you Thu Jan  1 00:00:00 2026\nSubject: lspci\n\n' && cat buses; } >mailbox
	same_as plain eight-bit two-parts
	same_as buses signature mailbox
	jq -e '.captures[0].functions | any(.bridge.subordinate == 65)' json >/dev/null || fail "no bus 41"
	finish
}

# ---- Hostility ---------------------------------------------------------------------------------

@test "every wrapping, cut at every line and damaged: see mangle.c for what is held true" {
	local v n=0
	awk 'BEGIN { RS = ""; ORS = "\n\n" } NR == 2 || NR == 7' "$BASES/mixed" |
		awk '!/^[1-9a-f][0-9a-f]{2}: /' >small
	for v in $(declare -f vary | sed -nE 's/^ +([a-z0-9| -]+)\)$/\1/p' | tr -d '|'); do
		vary "$v" <small >"as-$v"
		n=$((n + 1))
	done
	((n > 65)) || fail "$n wrappings"
	"$B/mangle" -n 60 as-* >out 2>err || fail "$(grep -E ': |Sanitizer' err | head -n 20)"
	(($(awk '/ runs, / { print $1 }' out) > 100 * n)) || fail "$(tail -n 1 out)"
	finish
}

# ---- Size --------------------------------------------------------------------------------------

# 300 MB of noise of kind $1 on standard output; with a sanitizer, less.
noise() {
	local bytes=${SAN:+30000000}
	case $1 in
	zeros) cat /dev/zero ;;
	random) cat /dev/urandom ;;
	text) yes 'a line of text that says nothing, <b>at all</b> &amp; for ever' ;;
	wide) printf '\xff\xfe' && cat /dev/urandom ;;
	rows) yes '00: 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff 00' ;;
	esac 2>"$BATS_TEST_TMPDIR/pipe" | head -c "${bytes:-300000000}"
}

# The program with arguments $@ in 100 MB of memory, its libraries included. A sanitizer needs more.
in_little_memory() {
	[[ -n ${SAN:-} ]] || ulimit -v 100000
	exec "$LNKINSPECT" "$@"
}

@test "noise without end: constant memory, and words" {
	local kind status
	for kind in zeros random text wide rows; do
		status=0
		noise $kind | (in_little_memory -F - >out 2>err) || status=$?
		[[ $status == 2 && $(cat err) == *"no PCI functions found"* && ! -s out ]] ||
			fail "$kind: status $status: $(head -c 300 err)"
	done
	finish
}
