#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# archives.bats - captures in archives and compressed files, nested, cut, hostile: the JSON is that of
# the plain capture, nothing is written, and what is refused is said

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

# $1: status, the rest: the inputs' arguments. Words in ./out and ./err.
exits() {
	local want=$1 status=0
	shift
	"$LNKINSPECT" -q "$@" >out 2>err </dev/null || status=$?
	((status == want)) || fail "$*: status $status: $(head -c 300 out err)"
}

# "source functions" of each capture of the input $1
captures() {
	"$LNKINSPECT" --json -n -F "$1" 2>err </dev/null |
		jq -r '.captures[] | "\(.source) \(.functions | length)"'
}

# $1 a form, $2 a file with no blank in its name: writes ./$2.$1 and prints nothing
pack() {
	case $1 in
	gz) gzip -c "$2" ;;
	gz-name) gzip -cN "$2" ;;
	gz-two) { head -n 40 "$2" | gzip -c && tail -n +41 "$2" | gzip -c; } ;;
	gz-lines) while IFS= read -r line; do printf '%s\n' "$line" | gzip -c1; done < <(head -n 60 "$2") &&
		tail -n +61 "$2" | gzip -c ;;
	xz) xz -c "$2" ;;
	zst) zstd -qc "$2" ;;
	bz2) bzip2 -c "$2" ;;
	tar) tar c "$2" ;;
	tar-ustar) tar c --format=ustar "$2" ;;
	tar-pax) tar c --format=pax "$2" ;;
	tar-slash) tar cP --transform='s,^,/var/tmp/,' "$2" ;;
	tar-dot) tar c "./$2" ;;
	tar.gz) tar cz "$2" ;;
	tar.xz) tar cJ "$2" ;;
	tar.zst) tar c "$2" | zstd -qc ;;
	tar.bz2) tar cj "$2" ;;
	zip) zip -q - "$2" ;;
	zip-stored) zip -q0 "$2.tmp.zip" "$2" && cat "$2.tmp.zip" && rm "$2.tmp.zip" ;;
	zip-streamed) zip -q - - <"$2" ;;
	cpio) cpio -o --quiet -H newc <<<"$2" ;;
	tar.gz.zip.xz) tar cz "$2" >"$2.in" && zip -q - "$2.in" | xz -c ;;
	esac >"$2.$1"
}

forms=(gz gz-name gz-two gz-lines xz zst bz2 tar tar-ustar tar-pax tar-slash tar-dot tar.gz tar.xz
	tar.zst tar.bz2 zip zip-stored zip-streamed cpio tar.gz.zip.xz)

@test "each form is judged as the plain capture, whatever its name" {
	local base form files
	for base in hex mixed text; do
		cp "$BASES/$base" "$base"
		files=()
		for form in "${forms[@]}"; do
			pack "$form" "$base" || fail "$base.$form was not made"
			! cmp -s "$base" "$base.$form" || fail "$base.$form is not packed"
			mv "$base.$form" "$base-${form//./-}"
			files+=("$base-${form//./-}")
		done
		# A member has a name; the source says it, and nothing else is different.
		read_all "$base" "${files[@]}"
		[[ ! -s err ]] || fail "$base: $(cat err)"
		jq -e --argjson n "${#files[@]}" '(.captures | length == $n + 1) and
			(.captures | map(del(.source)) | unique | length == 1)' json >/dev/null ||
			fail "$base: $(jq -c '[.captures[] | [.source, .damage]]' json)"
	done
	finish
}

@test "standard input may be packed, and a member is named" {
	cp "$BASES/hex" hex
	local form
	for form in gz tar.gz zip; do
		pack "$form" hex
		[[ $("$LNKINSPECT" --json -n -F - <"hex.$form" | jq -r '.captures[].source') == \
			$([[ $form == gz ]] && echo - || echo "- (hex)") ]] || fail "$form"
	done
	[[ $(captures hex.zip) == "hex.zip (hex) 6" ]] || fail "$(captures hex.zip)"
	finish
}

@test "what stands behind compressed data is said" {
	cp "$BASES/hex" hex
	{ gzip -c hex && echo 'and more'; } >rest.gz
	exits 1 -F rest.gz
	grep -q '^LNK902 .*9 bytes behind the end of its data' out || fail "$(cat out)"
	finish
}

@test "archives in archives end at a limit" {
	local i
	cp "$BASES/hex" 0
	for i in 1 2 3 4 5; do
		tar cf "$i" "$((i - 1))"
	done
	[[ $(captures 4) == "4 (3/2/1/0) 6" ]] || fail "four: $(captures 4)"
	exits 2 -F 5
	grep -q 'in too many others' err || fail "$(cat err)"
	finish
}

@test "a bomb is refused, and takes nothing else with it" {
	head -c 400000000 /dev/zero | tr '\0' '\1' | bzip2 -1 >bomb.bz2
	exits 2 -F bomb.bz2
	grep -q 'more than 1000 times its size' err || fail "$(cat err)"
	cp "$BASES/hex" hex
	tar cf both.tar bomb.bz2 hex
	exits 1 -F both.tar
	grep -q '^LNK001' out || fail "the capture beside the bomb: $(cat out)"
	grep -q '^LNK902 .*bomb.bz2: it unpacks to more than 1000 times' out || fail "$(cat out)"
	finish
}

@test "paths, links, devices: nothing is written, nothing is opened" {
	cp "$BASES/hex" hex
	mkdir -p inside/below
	cd inside/below
	# By hand: what tar itself would not write.
	python3 - <<-'PYTHON'
		import io, tarfile
		hex = open("../../hex", "rb").read()
		t = tarfile.open("../evil.tar", "w")
		def add(name, data=None, **more):
		    i = tarfile.TarInfo(name)
		    i.size = len(data or b"")
		    for k, v in more.items(): setattr(i, k, v)
		    t.addfile(i, io.BytesIO(data or b""))
		add("../../escaped", hex)
		add("/a/../../escaped", hex)
		add("secret", type=tarfile.SYMTYPE, linkname="/etc/passwd")
		add("again", type=tarfile.LNKTYPE, linkname="/etc/passwd")
		add("pipe", type=tarfile.FIFOTYPE)
		add("disk", type=tarfile.BLKTYPE, devmajor=8)
		add("folder", type=tarfile.DIRTYPE)
		add("n" * 5000, hex)
		add("evil\x1b[31m", hex)
		t.close()
	PYTHON
	exits 1 -F ../evil.tar
	[[ $(grep -c '^LNK001' out) == 1 ]] || fail "$(cat out)"
	! grep -q $'\e' out || fail "an escape sequence"
	grep -q 'leads out of the archive' out || fail "$(cat out)"
	[[ $("$LNKINSPECT" --json -n -F ../evil.tar | jq -r '.captures[].source') == \
		'../evil.tar (evil\x1b[31m)' ]] || fail "its name"
	# Two that lead out, and a name that is too long.
	[[ $("$LNKINSPECT" --json -n -F ../evil.tar | jq '.captures[].damage.count') == 3 ]] ||
		fail "not three refused"
	[[ $(find ../.. -name escaped) == "" && $(ls) == out$'\n'err || $(ls) == err$'\n'out ]] ||
		fail "something was written: $(ls)"
	finish
}

@test "what is encrypted is said" {
	cp "$BASES/hex" hex
	echo 'nothing here' >letter
	zip -q -P secret locked.zip hex
	exits 2 -F locked.zip
	grep -q 'locked.zip; hex: it is encrypted' err || fail "$(cat err)"
	cp "$BASES/hex" open
	zip -q locked.zip open
	exits 1 -F locked.zip
	grep -q '^LNK001' out || fail "the other one"
	grep -q '^LNK902 .*hex: it is encrypted' out || fail "$(cat out)"
	finish
}

@test "an archive cut anywhere: what was read stays, and it is never silently whole" {
	local form size n i cut status whole
	cp "$BASES/hex" hex
	for form in gz xz zst bz2 tar.gz tar.xz zip; do
		pack "$form" hex
		size=$(stat -c %s "hex.$form")
		# The list at a zip's end says nothing new.
		whole=$size
		[[ $form != zip ]] || whole=$(grep -abo $'PK\x01\x02' hex.zip | cut -d: -f1)
		for i in 1 2 3 5 8 13 21 34 55 89 95; do
			n=$((size * i / 100))
			head -c "$n" "hex.$form" >cut.part
			status=0
			"$LNKINSPECT" --json -n -F cut.part >json 2>err </dev/null || status=$?
			if ((status == 2)); then
				[[ -s err ]] || fail "$form, $n of $size bytes: no words"
				continue
			fi
			cut=$(jq '[.captures[].findings[] | select(.id == "LNK902")] | length' json)
			((status <= 3 && (cut > 0 || n > whole))) ||
				fail "$form, $n of $size bytes: status $status, damage $cut"
		done
	done
	finish
}

@test "a cut tar has all that is before the cut, and is never silently whole" {
	local n size
	cp "$BASES/hex" hex
	tar cf hex.tar hex
	size=$(stat -c %s hex)
	for n in $((512 + size / 3)) $((512 + size / 2)) $((512 + size)) $(((512 + size + 511) / 512 * 512)); do
		head -c "$n" hex.tar >cut.tar
		tail -c +513 cut.tar | head -c "$size" >plain
		"$LNKINSPECT" --json -n -F plain | jq -S '.captures[].functions' >want || true
		"$LNKINSPECT" --json -n -F cut.tar >json || true
		cmp -s want <(jq -S '.captures[].functions' json) || fail "$n bytes: not as the plain one"
		jq -e '.captures[].findings | any(.id == "LNK902" and (.message | test("cut")))' json \
			>/dev/null || fail "$n bytes: not a word"
	done
	# One block of zeros is enough of an end; bytes behind the end are nobody's.
	{ head -c $(((512 + size + 511) / 512 * 512)) hex.tar && head -c 512 /dev/zero; } >short.tar
	{ cat hex.tar && echo 'and more'; } >more.tar
	exits 1 -F short.tar
	! grep -q '^LNK902' out || fail "$(cat out)"
	exits 1 -F more.tar
	! grep -q '^LNK902' out || fail "$(cat out)"
	finish
}

@test "holes in a sparse member are zeros" {
	cp "$BASES/hex" hex
	{ cat hex && head -c 4000 /dev/zero | tr '\0' '\n' && cat hex; } >plain
	{ cat hex && printf '\n' && head -c 3999 /dev/zero && printf '\n' && cat hex; } >holes
	tar cSf holes.tar holes
	"$LNKINSPECT" --json -n -F holes | jq -S '.captures[].functions' >want || true
	"$LNKINSPECT" --json -n -F holes.tar | jq -S '.captures[].functions' >got || true
	[[ $(jq length want) == 6 ]] || fail "no base"
	cmp -s want got || fail "$(diff want got | head -n 4)"
	finish
}

@test "more captures than memory should be spent on end at a limit" {
	python3 - <<-'PYTHON'
		with open("many.cpio", "wb") as f:
		    def add(name, data):
		        name += b"\0"
		        head = b"070701" + b"".join(b"%08x" % v for v in (
		            1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)) + name
		        f.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))
		    for i in range(33000):
		        add(b"%d/lspci" % i, b"00:00.0 0600: 8086:1234\n")
		    add(b"TRAILER!!!", b"")
	PYTHON
	exits 0 -F many.cpio
	grep -q '^LNK907 .*more than 32768 captures' out || fail "$(tail -n 2 out)"
	finish
}

@test "damaged bytes anywhere end in time, with words or a verdict" {
	local form
	cp "$BASES/hex" hex
	for form in gz xz zst bz2 tar.gz zip cpio; do
		pack "$form" hex
	done
	python3 - "$LNKINSPECT" <<-'PYTHON' >failed || fail "python"
		import glob, random, subprocess, sys
		random.seed(4)
		for name in sorted(glob.glob("hex.*")):
		    whole = open(name, "rb").read()
		    for _ in range(25):
		        b = bytearray(whole)
		        for _ in range(random.choice((1, 1, 2, 8))):
		            b[random.randrange(len(b))] = random.randrange(256)
		        open("flipped", "wb").write(b)
		        r = subprocess.run([sys.argv[1], "-q", "-n", "-F", "flipped"], timeout=60,
		                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
		        if r.returncode not in (0, 1, 2, 3) or (r.returncode == 2) != bool(r.stderr):
		            print(name, r.returncode, r.stderr[:200])
	PYTHON
	[[ ! -s failed ]] || fail "$(cat failed)"
	finish
}

@test "two machines in one archive are two captures" {
	local other=$FIXTURES/guest-seed-x3130-switch-ep-8x16/input
	mkdir a b
	cp "$BASES/hex" a/lspci.txt
	cp "$other" b/lspci.txt
	cp "$BASES/hex" one.txt
	cp "$other" two.txt
	zip -qr dirs.zip a b
	zip -q flat.zip one.txt two.txt
	[[ $(captures dirs.zip | sed 's/ [0-9]*$//') == \
		"dirs.zip (a/lspci.txt)"$'\n'"dirs.zip (b/lspci.txt)" ]] || fail "$(captures dirs.zip)"
	[[ $(captures flat.zip | sed 's/ [0-9]*$//') == \
		"flat.zip (one.txt)"$'\n'"flat.zip (two.txt)" ]] || fail "$(captures flat.zip)"
	finish
}

@test "a list of names is part of the one capture that has its functions" {
	cp "$BASES/hex" dump.txt
	lspci -F dump.txt -nn >list.txt
	zip -q one.zip dump.txt list.txt
	[[ $(captures one.zip) == "one.zip (dump.txt) 6" ]] || fail "$(captures one.zip)"
	# Of two that have them, neither is meant.
	sed 's/^40: ../40: 11/' dump.txt >later.txt
	zip -q two.zip dump.txt later.txt list.txt
	[[ $(captures two.zip | wc -l) == 3 ]] || fail "$(captures two.zip)"
	# Another machine's list stays what it is.
	sed 's/^00:00.0 .*/00:00.0 Host bridge [0600]: Other [1234:5678]/' list.txt >other.txt
	! cmp -s list.txt other.txt || fail 'other.txt is no other'
	zip -q other.zip dump.txt other.txt
	[[ $(captures other.zip | wc -l) == 2 ]] || fail "$(captures other.zip)"
	finish
}

@test "the kernel's line in another file of a report is its capture's" {
	mkdir report
	cp "$BASES/hex" report/lspci.txt
	echo 'Linux version 6.1.0-9-amd64 (debian-kernel@lists.debian.org)' >report/version
	tar czf report.tgz report
	"$LNKINSPECT" --json -n -F report.tgz | jq -e '.captures[0].environment.kernel ==
		"Linux 6.1.0-9-amd64"' >/dev/null || fail "it says nothing"
	finish
}

@test "words of a guest are not the host's" {
	local guest kind
	guest=$'Linux version 6.1.0-9-amd64 (x)\nDMI: QEMU Standard PC (Q35 + ICH9, 2009), BIOS x'
	guest+=$'\npci 0000:41:00.0: 2.000 Gb/s available PCIe bandwidth (5.0 GT/s PCIe x1 link)'
	mkdir host guest below below/pci
	# No port in it that could disprove them.
	sed -n '/^41:00.0/,/^$/p' "$FIXTURES/compare-host/input" >host/lspci
	cp host/lspci below/pci/lspci
	echo "$guest" | tee guest/dmesg >below/dmesg
	tar cf apart.tar host guest
	tar cf below.tar below
	heard() {
		"$LNKINSPECT" --json -n -F "$1" | jq -c '.captures[] |
			[.environment.guest, .environment.kernel, (.quotes | length)]'
	}
	[[ $(heard apart.tar) == '[null,null,0]' ]] || fail "apart: $(heard apart.tar)"
	[[ $(heard below.tar) == '[true,"Linux 6.1.0-9-amd64",1]' ]] || fail "below: $(heard below.tar)"
	# In a report, where hosts keep their guests' consoles.
	for kind in log/xen/console lib/nova/instances/1 log/libvirt/qemu lib/machines/a; do
		mkdir -p sos/sos_commands/pci "sos/var/$kind"
		cp host/lspci sos/sos_commands/pci/lspci
		cp guest/dmesg "sos/var/$kind/console.log"
		[[ $(heard sos) == '[null,null,0]' ]] || fail "$kind: $(heard sos)"
		rm -r sos
	done
	finish
}

@test "ten thousand captures in one archive are ten thousand verdicts" {
	python3 - "$BASES/short" <<-'PYTHON'
		import io, sys, tarfile
		b = open(sys.argv[1], "rb").read()
		t = tarfile.open("many.tar.gz", "w:gz", compresslevel=1)
		for i in range(10000):
		    m = tarfile.TarInfo("bug-%05d/lspci.txt" % i)
		    m.size = len(b)
		    t.addfile(m, io.BytesIO(b))
		t.close()
	PYTHON
	"$LNKINSPECT" --json -n -F many.tar.gz >json || (($? == 3))
	jq -e '(.captures | length == 10000) and
		.captures[0].source == "many.tar.gz (bug-00000/lspci.txt)" and
		.captures[9999].source == "many.tar.gz (bug-09999/lspci.txt)"' json >/dev/null ||
		fail "$(jq '.captures | length' json)"
	finish
}

@test "logs, databases and hex dumps beside a capture are no captures, and no damage" {
	mkdir report
	cp "$BASES/hex" report/lspci.txt
	head -c 3000000 /dev/urandom >report/core
	head -c 300000 /dev/zero >report/sparse
	xxd "$LNKINSPECT" | head -n 3000 >report/xxd.log
	od -A x -t x1z -v "$LNKINSPECT" | head -n 3000 >report/od.log
	hexdump -C "$LNKINSPECT" | head -n 3000 >report/hexdump.log
	printf '%02x: 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff\n' 0 16 32 >report/rows.log
	tar czf report.tgz report
	cp "$BASES/hex" plain
	read_all plain report.tgz
	jq -e '(.captures | length == 2) and (.captures | map(del(.source)) | unique | length == 1)' \
		json >/dev/null || fail "$(jq -c '[.captures[] | [.source, .damage]]' json)"
	finish
}

@test "without the library: the words name it and the way out; plain captures need none" {
	mkdir lib
	: >lib/libarchive.so.13
	cp "$BASES/hex" hex
	gzip -k hex
	LD_LIBRARY_PATH=$PWD/lib exits 1 -F hex
	LD_LIBRARY_PATH=$PWD/lib exits 2 -F hex.gz
	grep -q 'libarchive.so.13 is not installed: install libarchive .*unpack it first' err ||
		fail "$(cat err)"
	finish
}

@test "a header that claims a name of four gigabytes is damage, and takes no memory" {
	cp "$FIXTURES/origin/input" capture
	echo capture | cpio -o -H newc 2>/dev/null >whole
	python3 - <<-'PYTHON'
		data = open("whole", "rb").read()
		end = data.index(b"070701", 6)  # the trailer's header; its twelfth number is a length
		open("claims", "wb").write(data[:end + 6 + 11 * 8] + b"ee000000" + data[end + 6 + 12 * 8:])
	PYTHON
	(
		[[ -n ${SAN:-} ]] || ulimit -v 300000
		exits 1 -q -n -F claims
	)
	grep -q '^LNK001 error' out || fail "the capture before it: $(cat out)"
	grep -q '^LNK902 warning .*damaged or cut' out || fail "no damage: $(cat out)"
	finish
}
