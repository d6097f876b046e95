#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# prometheus.bats - --format=prometheus is what the text format 0.0.4 allows, and says of every fixture
# what JSON says
#
# The grammar is that of "Exposition formats" in Prometheus' documentation. promtool's own opinion, and
# Prometheus', are in integration/prometheus.bats.

bats_require_minimum_version 1.5.0
load failures

port=0000:00:01.0
device=0000:01:00.0

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export JUDGE=$BATS_FILE_TMPDIR/judge.py PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
	cat >"$JUDGE" <<-'PYTHON'
		"""judge.py JSON METRICS...: what is wrong with the metrics, the n-th of capture n; one line each"""
		import json, re, sys
		from judging import check, conclude

		NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
		LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"'

		def unescape(s):
		    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), s)

		def parse(file):
		    """Of a file {(name, labels): value}; what the grammar forbids is wrong."""
		    with open(file, "rb") as f:
		        text = f.read().decode()
		    check(text.endswith("\n"), file, "no newline at the end")
		    samples, types, helps, open_ = {}, {}, {}, None
		    for line in text[:-1].split("\n"):
		        words = line.split(" ", 3)
		        if words[0] == "#":
		            check(words[1] in ("HELP", "TYPE") and len(words) == 4, file, line)
		            name, seen = words[2], helps if words[1] == "HELP" else types
		            check(re.fullmatch(NAME, name), file, line)
		            check(name not in seen, file, line, "twice")
		            check(words[1] == "HELP" or name == open_, file, line, "without HELP before it")
		            check("\\" not in words[3], file, line, "an escape")
		            seen[name], open_ = words[3], name
		            continue
		        m = re.fullmatch(f"({NAME})(?:{{({LABEL}(?:,{LABEL})*)}})? ([0-9]+)", line)
		        check(m, file, "no sample:", line)
		        if not m:
		            continue
		        check(m[1] == open_ and types.get(m[1]) == "gauge", file, line, "outside its family")
		        pairs = re.findall(LABEL, m[2] or "")
		        labels = {k: unescape(v) for k, v in pairs}
		        check(len(labels) == len(pairs), file, line, "a label twice")
		        check(not any(k.startswith("__") for k in labels), file, line, "a reserved label")
		        # Two samples of one series, and node_exporter takes neither; an empty label is none.
		        key = m[1], frozenset((k, v) for k, v in labels.items() if v)
		        check(key not in samples, file, line, "a series twice")
		        samples[key] = int(m[len(m.groups())])
		    check(set(helps) == set(types), file, set(helps) ^ set(types))
		    for name in types:
		        check(name.startswith("lnkinspect_"), file, name)
		    return samples

		SPEEDS = {"2.5GT/s": 2500000000, "5GT/s": 5000000000, "8GT/s": 8000000000,
		          "16GT/s": 16000000000, "32GT/s": 32000000000, "64GT/s": 64000000000,
		          "128GT/s": 128000000000}

		def expected(capture):
		    """What there must be, but for names: {(name, labels): value}"""
		    samples = {}
		    def add(name, value, **labels):
		        labels = frozenset((k, v) for k, v in labels.items() if v)
		        samples["lnkinspect_" + name, labels] = value

		    env = capture["environment"]
		    guest = {True: "true", False: "false", None: ""}[env["guest"]]
		    add("machine_info", 1, guest=guest, hypervisor=env["hypervisor"], accel=env["accel"],
		        product=env["machine"], kernel=env["kernel"])
		    for reach in "all", "header", "part", "text", "asleep", "all-ones", "removed":
		        add("functions", sum(f["reach"] == reach for f in capture["functions"]), reach=reach)
		    for state in "up", "down", None:
		        add("links", sum(l["state"] == state for l in capture["links"]), state=state or "unknown")
		    add("links_lost", capture["lost"])
		    functions = {f["address"]: f for f in capture["functions"]}
		    for l in capture["links"]:
		        port = l["port"] and l["port"]["address"]
		        ends = {"port": port, "device": l["device"]["address"]}
		        f = functions[l["device"]["address"]]
		        add("link_lost", int(l["lost"]), **ends)
		        add("link_info", 1, driver=f["driver"], vendor_id=f["vendor"], device_id=f["device"],
		            subsystem_vendor_id=f["subsystem_vendor"], class_id=f["class"],
		            subsystem_device_id=f["subsystem_device"],
		            port_virtual=port and str("virtual" in functions[port]["quirks"]).lower(), **ends)
		        for end in "port", "device":
		            for key in "max", "current":
		                link = l[end] and l[end][key + "_link"]
		                if not link:
		                    continue
		                add(f"link_{key}_transfers_per_second", SPEEDS[link["speed"]], end=end, **ends)
		                add(f"link_{key}_width_lanes", link["width"], end=end, **ends)
		                add(f"link_{key}_bytes_per_second", link["mbps"] * 1000000 // 8, end=end, **ends)
		    for f in capture["findings"]:
		        add("finding", 1, id=f["id"], severity=f["severity"], address=f["function"],
		            port=f["port"], device=f["device"])
		    for s in "info", "notice", "warning", "error":
		        add("findings", sum(f["severity"] == s for f in capture["findings"]), severity=s)
		    for rule, counts in capture["counts"].items():
		        for verdict, n in counts.items():
		            add("rule_checks", n, id=rule, verdict=verdict)
		    add("status", capture["status"])
		    return samples

		def judge(capture, file):
		    found = parse(file)
		    version = [key for key in found if key[0] == "lnkinspect_build_info"]
		    check(len(version) == 1 and found.pop(version[0]) == 1, file, "build_info")
		    check(dict(version[0][1]).keys() == {"version"}, file, version)
		    # Names are decoration, and stand in this family alone.
		    functions = {f["address"]: f for f in capture["functions"]}
		    for name, labels in [key for key in found if key[0] == "lnkinspect_link_info"]:
		        labels, value = dict(labels), found.pop((name, labels))
		        called, port = labels.pop("name"), labels.pop("port_name", None)
		        check((port is None) == ("port" not in labels), file, labels, port)
		        for at, words in (labels["device"], called), (labels.get("port"), port):
		            if at and functions[at]["vendor_name"] and functions[at]["device_name"]:
		                check(functions[at]["device_name"] in words, file, at, words)
		        found[name, frozenset(labels.items())] = value
		    want = expected(capture)
		    for key in sorted(want.keys() | found.keys(), key=str):
		        if want.get(key) != found.get(key):
		            check(False, file, capture["source"], key[0], sorted(key[1]), "is", found.get(key),
		                  "not", want.get(key))

		with open(sys.argv[1], encoding="utf-8") as f:
		    captures = json.load(f)["captures"]
		check(len(captures) == len(sys.argv) - 2, len(captures), "captures")
		for capture, file in zip(captures, sys.argv[2:]):
		    judge(capture, file)
		conclude()
	PYTHON
}

setup() {
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
}

# Writes the metrics of a run with the arguments behind $1 to file $1, and in ./status what it ended with.
metrics() {
	local file=$1
	shift
	status=0
	"$LNKINSPECT" --format=prometheus "$@" >"$file" 2>err </dev/null || status=$?
}

# The line $1 is in ./out.
has() {
	grep -qxF -e "$1" out || fail "no line: $1"
}

@test "every fixture, as JSON has it" {
	local input inputs=() files=() json=0 many=0
	for input in "$FIXTURES"/*/input; do
		metrics "${#files[@]}.prom" -F "$input"
		# A file with several captures is for ndjson.
		if ((status == 2)); then
			many=$((many + 1))
			grep -q 'holds several captures, .* or use --format=ndjson$' err || fail "$input: $(cat err)"
			continue
		fi
		files+=("${#files[@]}.prom")
		inputs+=(-F "$input")
		[[ ! -s err ]] || fail "$input: $(head -n 2 err)"
		grep -qx "lnkinspect_status $status" "${files[-1]}" || fail "$input: status $status"
	done
	((${#files[@]} > 200 && many > 0 && many < 10)) || fail "${#files[@]} fixtures, $many with several"
	"$LNKINSPECT" --json "${inputs[@]}" >json || json=$?
	((json == 1)) || fail "JSON: status $json"
	python3 "$JUDGE" json "${files[@]}" || fail 'they do not agree'
	finish
}

@test "the judge can say no" {
	local change
	# shellcheck disable=SC2016 # the dollars are sed's
	local changes=(
		's/2500000000$/2500000001/' '/severity="error",address/d' '/link_lost{/s/0$/1/'
		's/lnkinspect_links{state="up"} 1/&\n&/' '/^# TYPE lnkinspect_links gauge/d'
		's/lnkinspect_links_lost 0/& 1395066363000/' 's/hypervisor="QEMU"/hypervisor="QE"MU"/'
		's/"QEMU"/"Q\\EMU"/' 's/gauge/counter/' 's/verdict="pass"} [0-9]*/verdict="pass"} 77/'
		's/port_virtual="true"/port_virtual="false"/' 's/,end="port"//' '1,3d' '$s/1$/0/'
		'/^lnkinspect_status/{h;d};$G' 's/lnkinspect_status 1/lnkinspect_status 1.5/'
		's/bytes_per_second{port="[^"]*"/bytes_per_second{port=""/' 's/device_id="0d93"/device_id="0d92"/'
	)
	"$LNKINSPECT" --json -F origin >json || true
	metrics good -F origin
	python3 "$JUDGE" json good || fail 'what is good'
	for change in "${changes[@]}"; do
		sed "$change" good >bad
		! cmp -s good bad || fail "$change changes nothing"
		! python3 "$JUDGE" json bad >out 2>&1 || fail "$change passes"
	done
	head -c -1 good >bad
	! python3 "$JUDGE" json bad >out 2>&1 || fail 'no newline at the end'
	finish
}

@test "by hand: the origin case" {
	metrics out -F origin
	((status == 1)) || fail "status $status"
	local at="port=\"$port\",device=\"$device\""
	has 'lnkinspect_links{state="up"} 1'
	has 'lnkinspect_functions{reach="all"} 6'
	has 'lnkinspect_links_lost 0'
	has "lnkinspect_link_lost{$at} 0"
	# LNKCAP 00000411: 2.5 GT/s, one lane; 8b/10b leaves 2 Gb/s.
	has "lnkinspect_link_max_transfers_per_second{$at,end=\"port\"} 2500000000"
	has "lnkinspect_link_max_width_lanes{$at,end=\"port\"} 1"
	has "lnkinspect_link_max_bytes_per_second{$at,end=\"port\"} 250000000"
	# LNKSTA 0103: 8 GT/s, 16 lanes of 7876 Mb/s.
	has "lnkinspect_link_current_transfers_per_second{$at,end=\"device\"} 8000000000"
	has "lnkinspect_link_current_width_lanes{$at,end=\"device\"} 16"
	has "lnkinspect_link_current_bytes_per_second{$at,end=\"device\"} 15752000000"
	has "lnkinspect_finding{id=\"LNK001\",severity=\"error\",address=\"$device\",$at} 1"
	has "lnkinspect_finding{id=\"LNK203\",severity=\"warning\",address=\"$device\",$at} 1"
	has 'lnkinspect_findings{severity="error"} 1'
	has 'lnkinspect_rule_checks{id="LNK001",verdict="found"} 1'
	has 'lnkinspect_rule_checks{id="LNK005",verdict="pass"} 1'
	# There is no hop nearer the root.
	has 'lnkinspect_rule_checks{id="LNK008",verdict="pass"} 0'
	has 'lnkinspect_status 1'
	grep -q '^lnkinspect_link_info{.*,port_virtual="true"} 1$' out || fail 'link_info'
	finish
}

@test "by hand: a healthy guest; what is not known has no sample" {
	metrics out -F "$FIXTURES/qemu-origin-mended/input"
	has 'lnkinspect_status 0'
	has 'lnkinspect_findings{severity="error"} 0'
	has 'lnkinspect_findings{severity="warning"} 0'
	! grep -q '^lnkinspect_finding{' out || fail 'a finding'
	# Headers alone: two ends, and nothing of them.
	metrics out -F "$FIXTURES/lnk901-headers-only/input"
	has 'lnkinspect_status 3'
	has 'lnkinspect_functions{reach="header"} 3'
	has 'lnkinspect_links_lost 1'
	has 'lnkinspect_finding{id="LNK901",severity="warning",address="",port="",device=""} 1'
	! grep -qE '^lnkinspect_link_(max|current)_' out || fail 'figures of what was not read'
	# No port in sight: one end.
	metrics out -F "$FIXTURES/lnk903-device-alone/input"
	has "lnkinspect_link_lost{port=\"\",device=\"$device\"} 1"
	has "lnkinspect_link_max_width_lanes{port=\"\",device=\"$device\",end=\"device\"} 16"
	! grep -q 'end="port"' out || fail 'the end that is not there'
	# On the root bus: a finding with no link.
	metrics out -F "$FIXTURES/lnk201-gpu-on-root-bus/input"
	has 'lnkinspect_finding{id="LNK201",severity="warning",address="0000:00:05.0",port="",device=""} 1'
	has 'lnkinspect_links{state="up"} 0'
	finish
}

@test "names from strangers" {
	local f=$FIXTURES/lnk905-text-lanes/input
	sed 's/Samsung.*\[NVM Express\])$/Evil "C:\\new" {x="1"} <\&> \xc3\xbc\xff, Inc. \\\n\tKernel driver in use: a"b\\nc/' \
		"$f" >evil
	printf '# lnkinspect capture 1\n# kernel: Linux "6\\n"\n\n' | cat - "$FIXTURES/origin/input" >kernel
	for f in evil kernel; do
		metrics $f.prom -F $f
		"$LNKINSPECT" --json -F $f >json || true
		python3 "$JUDGE" json $f.prom || fail "$f: $(cat $f.prom)"
	done
	cp evil.prom out
	grep -qF 'Evil \"C:\\new\" {x=\"1\"} <&> '$'\xc3\xbc''\\xff, Inc. \\"' out ||
		fail "name: $(grep link_info out)"
	grep -qF 'driver="a\"b\\nc"' out || fail 'driver'
	grep -qF ',kernel="Linux \"6\\n\""} 1' kernel.prom || fail "kernel: $(grep machine_info kernel.prom)"
	finish
}

@test "one machine: no second capture, nothing beside it" {
	local words='lnkinspect: --format=prometheus is of one machine: give one -F, or use --format=ndjson'
	metrics out -F origin origin
	((status == 2)) || fail "two: status $status"
	[[ $(cat err) == "$words" && ! -s out ]] || fail "two: $(cat err)"
	metrics out -j 2 -F origin -F origin
	((status == 2)) || fail "-j: status $status"
	metrics out -j 2 -F origin
	((status == 1)) || fail "-j, one: status $status"
	metrics out -F origin --compare origin
	((status == 2)) || fail "--compare: status $status"
	grep -q 'no room for it in --format=prometheus' err || fail "--compare: $(cat err)"
	metrics out -F "$FIXTURES/lnk904-two-snapshots/input"
	((status == 2)) || fail "two in one: status $status"
	has 'lnkinspect_status 2'
	! grep -q '^lnkinspect_link' out || fail 'one of two'
	metrics out -F missing
	((status == 2)) || fail "missing: status $status"
	has 'lnkinspect_status 2'
	finish
}

@test "what is expected is marked" {
	printf '%s\n' "LNK001@$port>$device" "LNK005@$port>$device" LNK903@00:01.0 >list
	metrics out -F origin --expect=list
	((status == 1)) || fail "status $status: $(cat err)"
	grep -q '^lnkinspect_finding{id="LNK001",.*,expected="true"} 1$' out || fail 'LNK001'
	grep -q '^lnkinspect_finding{id="LNK203",.*,expected="false"} 1$' out || fail 'LNK203'
	has 'lnkinspect_expected_findings{state="found"} 1'
	has 'lnkinspect_expected_findings{state="missing"} 2'
	has 'lnkinspect_expected_findings{state="cannot_tell"} 0'
	has 'lnkinspect_unexpected_findings 1'
	metrics out -F origin
	! grep -q expected out || fail 'without --expect'
	finish
}

@test "-s, -d, --only choose; -q, -v, --color, COLUMNS and the locale change nothing" {
	metrics out -F "$FIXTURES/topo-desktop/input"
	grep -o '^lnkinspect_link_lost{.*device="[^"]*"' out | cut -d '"' -f 4 | sort >all
	(($(wc -l <all) > 1)) || fail 'one link'
	metrics out -F "$FIXTURES/topo-desktop/input" -s 01:00.0
	has 'lnkinspect_link_lost{port="0000:00:01.0",device="0000:01:00.0"} 0'
	(($(grep -c '^lnkinspect_link_lost{' out) == 1)) || fail '-s'
	metrics out -F origin -s 77:
	has 'lnkinspect_status 3'
	metrics out -F origin --only=LNK203
	(($(grep -c '^lnkinspect_finding{' out) == 1)) || fail '--only'
	has 'lnkinspect_rule_checks{id="LNK001",verdict="pass"} 0'
	metrics want -F origin -n
	COLUMNS=40 LC_ALL=C.UTF-8 metrics out -F origin -n -q -v --color=always
	cmp want out || fail '-q, -v, --color, COLUMNS, LC_ALL'
	grep -qF ',name="8086:0d93",' out || fail '-n'
	finish
}
