#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pages.bats - the pages below docs/ and contrib/ are what the program and its tables say

# shellcheck disable=SC2016 # what stands in backticks is Markdown

bats_require_minimum_version 1.5.0
load failures

setup() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	ROOT=$(realpath "$BATS_TEST_DIRNAME/..")
	pages=$ROOT/docs/hypervisors
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Every Markdown file that people are shown.
documents() {
	find "$ROOT"/{README,HACKING}.md "$ROOT"/{docs,contrib} -name '*.md'
}

@test "make docs would change nothing" {
	cp -r "$ROOT/docs" docs
	# What is of no rule any more must go, and what was edited come back.
	echo stale >docs/rules/LNK999.md
	echo edited >>docs/rules/LNK001.md
	sed -i 's/^└─0000:01:00.0.*/edited/' docs/hypervisors/qemu.md
	! diff -rq "$ROOT/docs" docs || fail 'nothing was edited'
	"$ROOT/tests/make-docs" docs
	diff -r "$ROOT/docs" docs || fail 'run make docs'
	finish
}

@test "every rule has a page, the index and the README lead to it, and no page is left over" {
	local id n=0
	while read -r id; do
		n=$((n + 1))
		[[ -s $ROOT/docs/rules/$id.md ]] || fail "no page: $id"
		grep -q "^| \[$id\]($id\.md) |" "$ROOT/docs/rules/README.md" || fail "index: $id"
		grep -q "^| \[$id\](docs/rules/$id\.md) |" "$ROOT/README.md" || fail "README.md: $id"
	done < <("$LNKINSPECT" --rules | cut -d ' ' -f 1)
	((n == 41)) || fail "$n rules"
	[[ $(find "$ROOT/docs/rules" -type f | wc -l) == $((n + 1)) ]] || fail "files: $(ls "$ROOT/docs/rules")"
	[[ $(head -qn 1 "$ROOT"/docs/rules/*.md | sort | uniq -c) =~ ^\ *$((n + 1))\ \<!--\ generated\ by ]] ||
		fail 'a page does not say who writes it'
	finish
}

@test "the page of a rule: what was worked out by hand for LNK001" {
	local page=$ROOT/docs/rules/LNK001.md
	grep -qxF '| error | owner of the host | LNKSTA of the device; LNKCAP of the port above |' "$page"
	# 2.5GT/s x1 is 2000 Mb/s, 8GT/s x16 is 16 * 7876 Mb/s.
	grep -qF '2.5GT/s x1 (0.25 GB/s) at most, device runs 8GT/s x16 (15.75 GB/s)' "$page"
	grep -qF 'lnkinspect --ignore=LNK001@0000:01:00.0 -F ' "$page"
	grep -qF '[lnk001-equal](../../tests/fixtures/lnk001-equal/README)' "$page"
}

@test "the examples of the rules hold: found in the one fixture, not in the other" {
	local page id there elsewhere
	for page in "$ROOT"/docs/rules/LNK*.md; do
		id=$(basename "$page" .md)
		mapfile -t named < <(grep -oE 'tests/fixtures/[^/]+/README' "$page" | cut -d / -f 3)
		[[ ${#named[@]} == 2 ]] || fail "$id: ${named[*]}"
		there=${named[0]} elsewhere=${named[1]}
		"$LNKINSPECT" -nq --only="$id" -F "$FIXTURES/$there/input" >out || true
		grep -q "^$id " out || fail "$id is not found in $there"
		"$LNKINSPECT" -nq --only="$id" -F "$FIXTURES/$elsewhere/input" >out || true
		! grep -q "^$id " out || fail "$id is found in $elsewhere"
	done
	finish
}

@test "links lead somewhere" {
	local file to n=0
	while read -r file; do
		while read -r to; do
			[[ $to != *://* ]] || continue
			n=$((n + 1))
			[[ -e $(dirname "$file")/${to%%#*} ]] || fail "${file#"$ROOT"/}: $to"
		done < <(grep -oE '\]\([^) ]+\)' "$file" | tr -d '()]')
	done < <(documents)
	((n >= 400)) || fail "only $n links"
	finish
}

@test "docs/README.md leads to every page, by one more step at most" {
	local file dir
	while read -r file; do
		dir=$(dirname "$file")
		[[ $file != */README.md ]] || dir=$(dirname "$dir")
		[[ $file != "$ROOT/docs/README.md" ]] || continue
		case $dir in
		"$ROOT/docs" | "$ROOT/contrib") grep -qF "($(realpath --relative-to="$ROOT/docs" "$file"))" \
			"$ROOT/docs/README.md" || fail "not in docs/README.md: ${file#"$ROOT"/}" ;;
		*) grep -qF "($(basename "$file"))" "$(dirname "$file")/README.md" ||
			fail "not in its README.md: ${file#"$ROOT"/}" ;;
		esac
	done < <(find "$ROOT/docs" "$ROOT/contrib" -name '*.md')
	finish
}

@test "commands in the pages run" {
	local file line n=0 status
	mkdir bin build
	ln -s "$FIXTURES" build/fixtures
	ln -s "$LNKINSPECT" bin/lnkinspect
	while read -r file; do
		while IFS= read -r line; do
			# The fixtures are there.
			[[ $line != 'make fixtures' ]] || continue
			n=$((n + 1)) status=0
			PATH=$PWD/bin:$PATH bash -c "$line" >out 2>err </dev/null || status=$?
			# 3 is for pages on what is missing.
			[[ $status == [013] && -s out && ! -s err ]] || fail "${file#"$ROOT"/}: status $status: $line"
		done < <(sed -n '/^```sh$/,/^```$/{/^```/!p}' "$file")
	done < <(documents | grep -v "^$ROOT/[A-Z]*\.md$")
	((n >= 120)) || fail "only $n commands"
	finish
}

@test "blocks of text in the pages on hypervisors are the program's" {
	# Before each stands the comment from which make docs makes it.
	run awk '
		/^```text$/ {
			n++
			if (before !~ /^<!-- (table|finding LNK[0-9]+) [a-z0-9-]+ -->$/) print FILENAME ": " before
		}
		{ before = $0 }
		END { if (n < 20) print n " blocks" }' "$pages"/*.md
	[[ ! $output ]]
}

# ---- What they must know ----------------------------------------------------------------------

# What stands as a hypervisor's name in the tables of the program.
hypervisors() {
	sed -nE 's/.*"([^"]+)", BARE_(NEVER|TOO)\}.*/\1/p' "$ROOT/src/env.c"
	sed -n '/signatures\[\] = {/,/^};/p' "$ROOT/src/live-env.c" |
		grep -oE '", +"[^"]+", +(NULL|"[A-Z]+")\}' | cut -d '"' -f 3
	sed -nE 's/.*hypervisor = "([^"]+)".*/\1/p' "$ROOT/src/live-env.c" "$ROOT/src/fixups.c"
	sed -nE 's/.*VENDOR\(0x[0-9a-f]+, "([^"]+)".*/\1/p' "$ROOT/src/fixups.c"
	sed -n '/^static const char \*hypervisor_of/,/^}/s/.*{".*", "\(.*\)"}.*/\1/p' "$ROOT/src/facts.c"
}

@test "every hypervisor that the program can name has a row and a page" {
	local name page n=0
	hypervisors | sort -u >names
	(($(wc -l <names) == 16)) || fail "$(cat names)"
	while read -r name; do
		n=$((n + 1))
		page=$(sed -nE "s/^\| \`$name\` \|.*\[[^]]*\]\(([a-z0-9-]+\.md)\).*\|\$/\1/p" "$pages/README.md")
		[[ $page && -s $pages/$page ]] || fail "no row or page: $name"
	done <names
	diff <(sed -nE 's/^\| `([^`]+)` \|.*/\1/p' "$pages/README.md" | sort) names || fail 'a row too many'
	# Each signature and product was taken apart.
	[[ $(hypervisors | wc -l) -ge 60 ]] || fail "$(hypervisors | wc -l) names in the tables"
	finish
}

# VENDOR:DEVICE of each row of fixups.c whose quirks make it virtual, and of QEMU's and crosvm's
# upstream ports of switches.
virtual_ports() {
	awk '
		/^\t\{$/ { vendor = device = type = quirks = "" }
		/\.vendor =/ { vendor = $3 }
		/\.device =/ { device = $3 }
		/\.type =/ { type = $3 }
		/\.quirks =/ { quirks = $0 }
		/^\t\},$/ && (quirks ~ /PORT|VIRTUAL/ || (type ~ /UPSTREAM/ && quirks !~ /WIRED/)) {
			sub("PCI_VENDOR_INTEL", "0x8086", vendor)
			gsub(/0x|,/, "", vendor); gsub(/0x|,/, "", device)
			print vendor ":" device
		}' "$ROOT/src/fixups.c" | sort -u
}

@test "every virtual port that the program knows is in a table of a page" {
	local id
	virtual_ports >ports
	(($(wc -l <ports) == 14)) || fail "$(cat ports)"
	while read -r id; do
		grep -q "^| $id | " "$pages"/*.md || fail "in no page: $id"
	done <ports
	diff <(grep -ohE '^\| [0-9a-f]{4}:[0-9a-f]{4} \|' "$pages"/*.md | tr -d '| ' | sort -u) ports ||
		fail 'a row too many'
	finish
}

@test "LNKCAP in those tables is what a capture has, and its words are its fields" {
	local id value words speed n=0
	local -A speeds=([1]=2.5 [2]=5 [3]=8 [4]=16 [5]=32 [6]=64)
	"$LNKINSPECT" -n --json -F "$FIXTURES"/{qemu,qtest,fixup}-*/input >all.json || true
	# Without the number of the port.
	jq -r '.captures[].functions[] | select(.registers.LNKCAP) |
		"\(.vendor):\(.device) 00\(.registers.LNKCAP[2:])"' all.json | sort -u >captured
	while IFS='|' read -r _ id _ value words _; do
		id=${id// /} value=${value// /} words=${words# } words=${words% }
		[[ $value != - ]] || continue
		n=$((n + 1))
		grep -qx "$id $value" captured || fail "$id: no capture has $value"
		speed=${speeds[$((0x$value & 0xf))]-}
		[[ $words == "${speed}GT/s x$((0x$value >> 4 & 0x3f))" ||
			($words == 'nothing: speed 0, width 0' && $((0x$value & 0x3ff)) == 0) ]] ||
			fail "$id $value: $words"
	done < <(grep -hE '^\| [0-9a-f]{4}:[0-9a-f]{4} \|' "$pages"/*.md)
	((n == 13)) || fail "$n values"
	finish
}

@test "drivers and properties of QEMU that the pages name are those that guests are booted with" {
	local word n=0
	while read -r word; do
		n=$((n + 1))
		grep -qF -e "$word" "$ROOT/tests/guest/topologies.py" "$ROOT/tests/guest/proxmox.py" \
			"$ROOT"/src/remedy{-forms,-qemu}.c "$ROOT/src/fixups.c" || fail "$word"
	done < <({
		grep -ohE -- '-(device|global) [a-z][a-z0-9-]+' "$pages"/*.md | cut -d ' ' -f 2
		grep -ohE -- '\bx-[a-z]+' "$pages"/*.md
		grep -ohE '`(pcie|cxl|ioh|x?x?i?o?3130|pxb)[a-z0-9-]*`' "$pages"/*.md | tr -d '`'
	} | sort -u)
	((n >= 10)) || fail "only $n"
	# A value that x-speed takes.
	while read -r word; do
		[[ " 2_5 5 8 16 32 64 " == *" $word "* ]] || fail "x-speed=$word"
	done < <(grep -ohE 'x-speed=[0-9_]+' "$pages"/*.md | cut -d = -f 2)
	finish
}

@test "the pages speak of the project alone" {
	run ! grep -rnE '/work/|\.\./shared|/root/|/home/|/tmp/|FACTS' "$ROOT/docs" "$ROOT/contrib"
}
