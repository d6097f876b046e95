#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# html.bats - what Chromium and tidy make of the pages of --format=html
#
# look.py has the checks, and is shown spoiled pages, too: each check must be able to fail. Pictures for
# people to look at are left in build/screenshots.

bats_require_minimum_version 1.5.0
load ../failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}" "${B:?}"
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C.UTF-8 PAGES=$BATS_FILE_TMPDIR/pages PYTHONDONTWRITEBYTECODE=1
	mkdir "$PAGES"
	cd "$BATS_FILE_TMPDIR" || return 1
	local long
	long=$(printf 'x%.0s' {1..400})
	"$B/bench/gen" 400 4096 >large
	"$B/gen" >longest <<-END
		env machine $long
		env kernel <b>"$long"</b> é 漢字

		fn 00:01.0 8086:1901 060400
		bridge 00 01 01
		express a0 v2 root-port slot
		link 8x8
		fact iommu_group $long

		fn 01:00.0 10de:1b80 030000
		express 78 v2 legacy
		link 8x16
		fact driver $long
	END
	printf 'LNK001@01:00.0\nLNK902@-\n' >list
	page origin -F "$FIXTURES/origin/input" --suggest=all
	page clean -F "$FIXTURES/qemu-origin-mended/input"
	page eight -F "$FIXTURES/compare-host-eight/input"
	page many -F "$FIXTURES/guest-seed-x3130-switch-ep-8x16/input" -v
	page cannot -F "$FIXTURES/lnk901-headers-only/input"
	page deep -F "$FIXTURES/topo-bus-ring/input" -F "$FIXTURES/topo-cascade/input" -F \
		"$FIXTURES/topo-expander/input"
	page large -F large
	page long -F longest
	page compared -F "$FIXTURES/compare-guest-legacy/input" --compare "$FIXTURES/compare-host/input"
	page expected -F "$FIXTURES/origin/input" --expect=list
	page several -F "$FIXTURES/origin/input" -F "$FIXTURES/lnk908-asleep/input" \
		-F "$FIXTURES/lnk009-slot-down/input" -F missing
}

# Writes the page $1, of the arguments behind it.
page() {
	local file=$PAGES/$1.html
	shift
	"$LNKINSPECT" --format=html "$@" >"$file" 2>/dev/null </dev/null || true
	tail -n 1 "$file" | grep -qx '</html>'
}

# The check $1 of look.py on the pages that are named behind it.
look() {
	local what=$1 pages=() each
	shift
	for each; do
		pages+=("$PAGES/$each.html")
	done
	timeout 300 python3 "$BATS_TEST_DIRNAME/look.py" "$what" "$BATS_TEST_TMPDIR" "${pages[@]}"
}

# The same must say no where the script $1 spoiled the pages, with words that $2 fits.
refuses() {
	local spoil=$1 words=$2 status=0
	shift 2
	SPOIL=$spoil look "$@" >said 2>&1 || status=$?
	if ((status != 1)) || ! grep -qE -- "$words" said; then
		fail "spoiled by $spoil: status $status: $(head -n 3 said)"
	fi
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "tidy has nothing to say" {
	local file
	for file in "$PAGES"/*.html; do
		tidy -e -q "$file" >said 2>&1 || true
		[[ ! -s said ]] || fail "$file: $(head -n 3 said)"
	done
	sed 's/<h1>/<h1><p>/' "$PAGES/origin.html" >spoiled
	tidy -e -q spoiled >said 2>&1 || true
	[[ -s said ]] || fail 'tidy likes what is wrong'
	finish
}

@test "nothing is loaded, nothing runs, nobody complains" {
	look loads origin clean many large long compared expected several || fail 'look'
	sed 's/<h1>/<img src="x.png"><h1>/' "$PAGES/clean.html" >"$PAGES/image.html"
	! look loads image >said 2>&1 && grep -q 'complaints.*Content Security Policy' said ||
		fail "an image is fine: $(cat said)"
	sed "s/<h1>/<script>document.title = 'x'<\/script><h1>/" "$PAGES/clean.html" >"$PAGES/script.html"
	! look loads script >said 2>&1 && grep -q 'something that loads' said ||
		fail "a script is fine: $(cat said)"
	sed "s/<meta http-equiv[^>]*>//; s/<h1>/<img src='x.png'><h1>/" "$PAGES/clean.html" >"$PAGES/image.html"
	! look loads image >said 2>&1 && grep -q 'asked for.*x.png' said ||
		fail "an image is asked for: $(cat said)"
	rm "$PAGES/image.html" "$PAGES/script.html"
	finish
}

@test "no page scrolls sideways" {
	look fits origin clean eight many cannot deep large long compared expected several || fail 'look'
	refuses "document.querySelector('h2').style.width = '2000px'" ' in 360$' fits clean
	refuses "document.querySelector('h2').style.cssText = 'position:relative;left:-900px'" outside fits clean
	finish
}

@test "pictures: origin has errors, a clean guest has none" {
	look pictures origin large eight clean || fail 'look'
	rm -rf "$B/screenshots"
	cp -r screenshots "$B"
	(($(find "$B/screenshots" -name '*.png' | wc -l) == 24)) || fail "$(ls "$B/screenshots")"
	refuses "document.body.style.display = 'none'" 'colours$' pictures origin clean
	refuses "document.querySelectorAll('h2').forEach(e => e.classList.add('error'))" 'clean.*has an error' pictures origin clean
	finish
}

@test "contrast: text 4.5, lines 3, in light, dark, targeted and printed" {
	look contrast origin clean many cannot long compared expected several || fail 'look'
	refuses "document.querySelector('h3').style.color = '#999'" 'Hierarchy: 2\.' contrast origin
	refuses "document.querySelector('.gutter .l').style.stroke = '#ddd'" 'l: 1\.' contrast origin
	refuses "document.querySelector('.finding').style.background = '#777'" 'dark' contrast origin
	finish
}

@test "keyboard: all is reached in its order, and seen to be" {
	look keyboard origin clean many compared several || fail 'look'
	refuses "document.querySelector('.finding a').tabIndex = -1" ' of ' keyboard origin several
	refuses "document.querySelector('.finding a').tabIndex = 5" 'order|first' keyboard origin several
	refuses "document.querySelector('.finding a').style.outline = 'none'" 'not seen' keyboard origin several
	refuses "document.querySelector('main').style.readingFlow = 'normal'" 'list is not first' keyboard origin several
	finish
}

@test "the drawing: what is faster is wider, rows meet, no two shapes are alike" {
	look drawing origin eight || fail 'look'
	refuses "document.querySelectorAll('.wire').forEach(e => e.setAttribute('stroke-width', 4))" 8GT/s drawing origin eight
	refuses "document.querySelectorAll('.gutter').forEach(e => e.style.height = '60%')" 'a gap' drawing origin eight
	refuses "document.querySelectorAll('.legend circle').forEach(e => e.setAttribute('r', 5))" shapes drawing origin eight
	finish
}

@test "paper: findings, remedy and registers are printed, black" {
	look paper origin || fail 'look'
	refuses "document.querySelectorAll('details').forEach(e => e.remove())" 'not printed: LNKCAP2' paper origin
	refuses "document.querySelector('.finding').remove()" 'not printed: The device' paper origin
	finish
}

@test "nothing of it is left running" {
	running() {
		grep -lzs -e "--user-data-dir=$BATS_RUN_TMPDIR" /proc/[0-9]*/cmdline
	}
	python3 -c 'import time; time.sleep(60)' "--user-data-dir=$BATS_RUN_TMPDIR/x" 3>&- &
	for ((tries = 100; tries; tries--)); do
		running && break
		sleep 0.1
	done
	((tries)) || fail 'nobody would be seen'
	kill $!
	wait $! || true
	look loads clean || fail 'look'
	! running || fail 'a browser is'
	finish
}
