#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# html.bats - --format=html: one page that loads and runs nothing, and says of every fixture what JSON
# says
#
# page.py is the judge. What a browser makes of the page is asked in tests/integration/html.bats.

bats_require_minimum_version 1.5.0
load failures
load machine

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" fine
	sed -E '/^([4-9a-f]0|[1-9a-f][0-9a-f]{2}):/d' origin >headers
}

# Runs the program as JSON and as a page with these arguments: one status, into ./json and ./html.
both() {
	local status=0 last=0
	"$LNKINSPECT" --json "$@" >json 2>err.json </dev/null || last=$?
	"$LNKINSPECT" --format=html "$@" >html 2>err.html </dev/null || status=$?
	[[ $status == "$last" ]] || fail "$*: status $status, not $last"
	cmp err.json err.html || fail "$*: other words of trouble"
}

judge() {
	python3 "$BATS_TEST_DIRNAME/page.py" json html 2>judged
}

# The same, and holds them against each other.
agree() {
	both "$@"
	judge || fail "$*: they do not agree"
}

# The page has the line or part of a line $1, to the letter.
says() {
	grep -qF -- "$1" html || fail "the page does not say $1"
}

# The page has a line that the pattern $1 fits.
shows() {
	grep -qE -- "$1" html || fail "no line of the page fits $1"
}

# The text of the page's elements that begin with $1 and end with $2, unescaped.
inside() {
	python3 - "$1" "$2" <<-'PYTHON'
		import html, sys
		for part in open("html", encoding="utf-8").read().split(sys.argv[1])[1:]:
		    print(html.unescape(part.split(sys.argv[2])[0]), end="")
	PYTHON
}

@test "every fixture, as JSON has it, in any locale" {
	local input inputs=()
	for input in "$FIXTURES"/*/input; do
		inputs+=(-F "$input")
	done
	((${#inputs[@]} > 600)) || fail 'too few fixtures'
	agree "${inputs[@]}"
	grep -qE '^3[0-9]{2} captures, [3-9][0-9]{2} findings, [3-9][0-9]{2} lines, ([89]|1[0-2]) widths$' judged ||
		fail "the judge saw too little: $(cat judged)"
	mv html all.html
	LC_ALL=C.UTF-8 both "${inputs[@]}"
	cmp all.html html || fail 'the locale'
	# A page has no width, no colours of a terminal, and is never only its findings.
	both "${inputs[@]:0:60}"
	mv html few.html
	agree -n "${inputs[@]:0:60}"
	! cmp -s few.html html || fail '-n: there are names'
	mv html few.html
	COLUMNS=40 both -q -n --color=always "${inputs[@]:0:60}"
	cmp few.html html || fail '-q, --color or COLUMNS'
	agree -v "${inputs[@]:0:60}"
	says '<h3>Checks that could not be made</h3>'
	finish
}

@test "the judge can say no" {
	local change n=0
	both -F origin -F headers
	judge || fail 'what is good'
	mv html good.html
	while read -r change; do
		sed "$change" good.html >html
		! cmp -s html good.html || fail "$change changes nothing"
		! judge >out || fail "$change passes"
		n=$((n + 1))
	done <<-'END'
		s/<h1>/<script>x<\/script><h1>/
		s/<h1>/<h1 onclick="x">/
		s/<h1>/<img src="http:\/\/x\/"><h1>/
		s/<h1>/<h1 style="background:url(x)">/
		s/<h1>/<h1><!-- x -->/
		s/<h1>/<h1><b>/
		s/<\/h1>//
		s/<style>/<style>@import "x";/
		s/default-src 'none'/default-src */
		s/<meta charset="utf-8">//
		s/<!DOCTYPE html>//
		s/href="#c1.1-LNK001-0000:01:00.0"/href="#c1.1-LNK002-0000:01:00.0"/
		s/href="#c1.1-LNK001-0000:01:00.0"/href="#c1.1-LNK203-0000:01:00.0"/
		s/href="#c1.1-0000:00:01.0"/href="https:\/\/x\/"/
		s/id="c1.1-LNK203-0000:01:00.0"/id="c1.1-LNK001-0000:01:00.0"/
		s/id="c1.1-0000:00:1f.0"/id="c1.1-0000:00:1e.0"/
		s/>LNK001 error</>LNK001 warning</
		s/class="finding error"/class="finding warning"/
		s/class="message">port/class="message">Port/
		s/x-width=16/x-width=8/
		s/user-select:all//;s/<pre class="copy">/<pre>/
		s/8GT\/s x16<\/td>/8GT\/s x8<\/td>/
		s/>15.75<\/td>/>15.57<\/td>/
		s/class="wire error" stroke-width="8" d/class="wire ok" stroke-width="8" d/
		s/class="wire error" stroke-width/class="x" stroke-width/
		s/00000411<\/td>/00000412<\/td>/
		s/Found: 1 error, 1 warning\.<\/h2>/Found: 1 error./
		s/Found: 1 error, 1 warning\.<\/h2>/Nothing found in what could be checked.<\/h2>/
		s/Cannot tell\. //
		s/class="shape cannot-tell"/class="shape ok"/
		s/ role="img"//
		s/<desc>[^<]*<\/desc>//
		s/<\/main>/<aside class="unread">x<\/aside><\/main>/
		s/<section class="capture" id="c2.1">/<section class="x" id="c2.1">/
		s/>as for LNK001 above</>as above</
		s/No silicon can do that/All silicon can do that/
	END
	((n == 36)) || fail "$n changes"
	# Lines: what is faster must not be thinner.
	both -F origin -F fine -F "$FIXTURES/lnk002-half-speed/input"
	judge || fail 'what is good'
	sed -i 's/error" stroke-width="8" d/error" stroke-width="1" d/' html
	! judge >out || fail 'a faster line is thinner, and passes'
	finish
}

@test "by hand: the origin case" {
	agree -F origin
	says '<title>Found: 1 error, 1 warning. origin: QEMU guest: 6 functions, 1 port, 1 link, all read</title>'
	says '<p>origin: QEMU guest: 6 functions, 1 port, 1 link, all read</p>'
	# 0.25 GB/s is the thinnest line; 15.75 GB/s is 2^6 times that, six steps more.
	shows '<tr class="d1" id="c1.1-0000:00:01.0">.*<line class="wire error" stroke-width="2" .*<td class="can">2.5GT/s x1</td><td class="runs">2.5GT/s x1</td><td class="rate">0.25</td><td class="verdict"></td>'
	shows '<tr class="d2" id="c1.1-0000:01:00.0">.*<title>0000:00:01.0 to 0000:01:00.0</title><desc>15.75 GB/s, error</desc>.*<path class="wire error" stroke-width="8" .*<td class="can">8GT/s x16</td><td class="runs">8GT/s x16</td><td class="rate">15.75</td>'
	says '<a class="error" href="#c1.1-LNK001-0000:01:00.0">LNK001 error</a><a class="warning" href="#c1.1-LNK203-0000:01:00.0">LNK203 warning</a>'
	says '<a href="#c1.1-LNK001-0000:01:00.0">as for LNK001 above</a>'
	# No switch, no bridge: nothing hangs on the others but the bus.
	(($(grep -c 'class="wire' html) == 2)) || fail "$(grep -c 'class="wire' html) rows with wires"
	[[ $(inside '<pre class="copy"><code>' '</code>') == 'add     -global pcie-root-port.x-speed=8
add     -global pcie-root-port.x-width=16
or
change  -machine ...
to      -machine q35,...' ]] || fail "$(inside '<pre class="copy"><code>' '</code>')"
	shows '<tr><th scope="row">LNKSTA</th><td class="raw">0103</td><td class="words">8GT/s x16,'
	finish
}

@test "by hand: cannot tell, down, asleep, nothing there, nothing chosen" {
	agree -F headers
	says '</svg>Cannot tell. Found: 1 warning.</h2>'
	says '<h2><svg class="shape cannot-tell"'
	says '<span class="cannot-tell">cannot tell</span>'
	! grep -q 'class="wire ok' html || fail 'a line is fine of which nothing was read'
	agree -F "$FIXTURES/lnk908-asleep/input"
	shows '<desc>not compared, down or asleep</desc>.*class="wire down off".*<td class="runs">asleep</td>'
	says '</svg>Cannot tell. Found: 1 info.</h2>'
	agree -F "$FIXTURES/lnk009-slot-down/input"
	shows 'id="c1.1-0000:00:02.0">.*<path class="error" .*<td class="runs">empty</td>.*LNK009 error</a>'
	agree -F "$FIXTURES/lnk105-port-down/input"
	shows '<desc>notice, down or asleep</desc>.*class="wire notice off" stroke-width="1" '
	says '<td class="runs">link down</td>'
	agree -F "$FIXTURES/qemu-empty-ports/input"
	says '<td class="runs">empty</td>'
	agree -F fine
	says '<span class="ok">ok</span>'
	says '<h2><svg class="shape ok"'
	agree -F "$FIXTURES/qemu-i440fx/input"
	! grep -q '<h2><svg class="shape ok"' html || fail 'all is fine where there is no link'
	agree -F origin -s 77:
	says 'Nothing was checked: no function was chosen.</h2>'
	agree -F origin -s 00:1f.2
	finish
}

@test "several captures, the same one twice, none, one that cannot be read" {
	agree -F origin -F fine -F origin
	says '<title>lnkinspect: PCIe links</title>'
	says 'id="c3.1-LNK001-0000:01:00.0"'
	agree -F "$FIXTURES/lnk904-two-snapshots/input"
	says 'id="c1.2"'
	agree -F fine -F missing
	says 'Not all could be read'
	agree -F missing
	! grep -q '<section' html || fail 'a section of nothing'
	agree -F fine
	! grep -q 'Not all could be read' html || fail 'all could be read'
	finish
}

@test "-j: the same bytes" {
	local n
	mkdir directory
	cp origin fine directory
	both -v -F origin missing fine origin directory "$FIXTURES/lnk904-two-snapshots/input" headers origin
	mv html want
	for n in 2 3 64; do
		both -j "$n" -v -F origin missing fine origin directory \
			"$FIXTURES/lnk904-two-snapshots/input" headers origin
		cmp want html || fail "-j $n"
	done
	finish
}

@test "hostile names stay text" {
	local evil='"><script>alert(1)</script>& &x; '\''<!--</title></style><svg onload=x>' name
	"$B/gen" >spec.out <<-END
		env machine $evil
		env kernel $evil
		env hypervisor $evil
		env guest yes

		fn 00:00.0 8086:29c0 060000

		fn 00:01.0 1b36:000c 060400
		bridge 00 01 01
		express 54 v2 root-port slot
		link 2.5x1
		fact iommu_group $evil

		fn 01:00.0 10de:1b80 030000
		express 78 v2 endpoint
		link 8x16
		fact iommu_group $evil
		fact driver $evil
	END
	agree -F spec.out
	says '&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp; &amp;x; &#39;&lt;!--'
	[[ $(inside '<title>' '</title>') == *"$evil"* ]] || fail "title: $(inside '<title>' '</title>')"
	[[ $(inside '<p class="mute">IOMMU group ' '</p>') == "$evil$evil" ]] ||
		fail "$(grep 'IOMMU' html)"
	# What lspci -v calls a device of which no ids are known.
	sed "s|^01:00.0 .*|01:00.0 VGA compatible controller: Evil ${evil//&/\\&}|; /^01:00.0/,\$ { /^[0-9a-f]*0: /d; }" \
		spec.out >words.out
	printf '\tCapabilities: [78] Express (v2) Endpoint, MSI 00\n\t\tLnkCap: Port #0, Speed 8GT/s, Width x16\n\t\tLnkSta: Speed 8GT/s, Width x16\n' >>words.out
	agree -F words.out
	[[ $(inside '<td class="name">' '</td>') == *"Evil $evil"* ]] ||
		fail "$(inside '<td class="name">' '</td>')"
	# The file's name, and what XML and HTML do not take.
	for name in "a\"><img src=x onerror='y'>&amp;" $'\xef\xbf\xbe\xef\xbf\xbf é'; do
		cp origin "$name"
		agree -F "$name"
		agree -F "$name" -F missing
	done
	says '<p>\xef\xbf\xbe\xef\xbf\xbf é: QEMU guest'
	finish
}

@test "what others said, and samples" {
	local line='2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link at 0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)'
	{ printf '[    0.5] pci 0000:01:00.0: %s\n\n' "$line" && cat origin; } >both.txt
	agree -F both.txt
	(($(jq '.captures[0].quotes | length' json) == 1)) || fail "$(jq -c '.captures[0].quotes' json)"
	says "<dt>said</dt><dd>The kernel says of 0000:01:00.0: $line (line 1)</dd>"
	# Where nothing is found it stands with the registers.
	{ printf '[    0.5] pci 0000:01:00.0: %s\n\n' "$line" && cat "$FIXTURES/qemu-origin-mended/input"; } >mended.txt
	at=$("$LNKINSPECT" --json -F mended.txt | jq -r '.captures[0].links[0].device.address')
	sed -i "1s/0000:01:00.0/$at/" mended.txt
	agree -F mended.txt
	says "<dt>said</dt><dd>The kernel says of $at: "
	machine mock m "$(fixture origin)"
	mocked 1 m --format=html --sample=30ms --interval=10ms
	grep -q '^<pre class="wide" tabindex="0" role="region" aria-label="Samples">Seen in [0-9]* looks over' out ||
		fail "$(grep -A 3 Samples out)"
	grep -qE '^0000:00:01.0 &gt; 0000:01:00.0 +8GT/s x16 +8GT/s x16 ' out || fail "$(grep -A 3 Samples out)"
	finish
}

@test "--compare and --expect: what text says" {
	local guest=$FIXTURES/compare-guest-legacy/input host=$FIXTURES/compare-host/input
	local start='<pre class="words">'
	both -F "$guest" --compare "$host"
	"$LNKINSPECT" -F "$guest" --compare "$host" >text || true
	inside "$start" '</pre>' >got
	grep -q '^The host: ' got && tail -n "$(wc -l <got)" text >want
	cmp got want || fail "$(diff got want | head -n 5)"
	printf 'LNK001@01:00.0\nLNK902@-\n' >'list<b>'
	agree -F origin --expect='list<b>'
	"$LNKINSPECT" -F origin --expect='list<b>' >text || true
	inside "$start" '</pre>' >got
	grep -qF 'expect list<b>:2: - LNK902@- (expected, not found)' got || fail "$(cat got)"
	tail -n "$(wc -l <got)" text >want
	cmp got want || fail "$(diff got want | head -n 5)"
	says '<span class="mark error">LNK001 error</span><span class="held">(expected)</span>'
	says '<span class="mark warning">LNK203 warning</span>The machine type'
	finish
}

@test "this machine; no news; no room for nothing" {
	local status=0
	agree -O sysfs.path="$PWD"
	"$LNKINSPECT" --format=html >html 2>err </dev/null || status=$?
	((status != 2)) || fail "$(cat err)"
	says '</html>'
	status=0
	"$LNKINSPECT" --format=html --monitor >out 2>err </dev/null || status=$?
	((status == 2)) && [[ ! -s out ]] && grep -q -e '--monitor prints lines of text or JSON' err ||
		fail "--monitor: status $status: $(cat err)"
	finish
}

@test "2,000 functions: three megabytes at most" {
	"$B/bench/gen" 2000 256 >large
	agree -F large
	(($(wc -c <html) < 3000000)) || fail "$(wc -c <html) bytes"
	finish
}
