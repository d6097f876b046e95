#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tables.bats - --format=ndjson is rows of one table as schema/lnkinspect-ndjson.schema.json has it, and
# says of every fixture what JSON says
#
# sqlite3 reads such rows in integration/tables.bats.

bats_require_minimum_version 1.5.0
load failures

link='0000:00:01.0>0000:01:00.0'

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export SCHEMA=$BATS_TEST_DIRNAME/../schema/lnkinspect-ndjson.schema.json
	export JUDGE=$BATS_FILE_TMPDIR/judge.py PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
	cat >"$JUDGE" <<-'PYTHON'
		"""judge.py JSON NDJSON [MACHINE]: what is wrong with the rows, one line each"""
		import json, os, sys
		from jsonschema import Draft202012Validator
		from judging import check, conclude

		def pairs(items):
		    check(len(items) == len(dict(items)), "a key twice", items)
		    return dict(items)

		with open(os.environ["SCHEMA"], encoding="utf-8") as f:
		    schema = json.load(f)
		Draft202012Validator.check_schema(schema)
		check(schema["required"] == list(schema["properties"]), "the schema's columns")
		validator = Draft202012Validator(schema)
		with open(sys.argv[1], encoding="utf-8") as f:
		    captures = json.load(f)["captures"]
		with open(sys.argv[2], "rb") as f:
		    text = f.read().decode()
		check(not text or text.endswith("\n"), "no newline at the end")
		rows = [json.loads(line, object_pairs_hook=pairs) for line in text.split("\n")[:-1]]
		for row in rows:
		    # A table engine takes the columns of the first row, in its order.
		    check(list(row) == schema["required"], row["source"], row["kind"], list(row))
		    check(not any(isinstance(v, (dict, list)) for v in row.values()), row, "is not flat")
		    for e in validator.iter_errors(row):
		        check(False, row["source"], row["kind"], e.json_path, e.message[:200])

		SEVERITIES = ["error", "warning", "notice", "info"]

		def findings_of(c):
		    """Of a capture what stands in which row: of links by number, of functions, of itself"""
		    functions = {f["address"]: f for f in c["functions"]}
		    ports = {l["port"]["address"]: i for i, l in enumerate(c["links"]) if l["port"]}
		    devices = {l["device"]["address"]: i for i, l in enumerate(c["links"])}
		    # All functions of a component share its link.
		    buses = {}
		    for at, i in devices.items():
		        buses.setdefault((at.rsplit(":", 1)[0], functions[at]["place"]), []).append(i)
		    places = {}
		    for f in c["findings"]:
		        at = f["function"]
		        if at is None:
		            place = None
		        elif f["port"] and f["device"] and f["device"] in devices:
		            place = devices[f["device"]]
		        elif at in ports or at in devices:
		            place = ports.get(at, devices.get(at))
		        else:
		            shared = buses.get((at.rsplit(":", 1)[0], functions[at]["place"]), [])
		            place = shared[0] if functions[at]["place"] == "port" and shared else at
		        places.setdefault(place, []).append(f)
		    return places

		def ends(o, prefix, f, end):
		    """The columns of one end: f of functions[], end of links[]"""
		    o[prefix + "address"] = f and f["address"]
		    o[prefix + "vendor_id"] = f and f["vendor"]
		    o[prefix + "device_id"] = f and f["device"]
		    for key in "max", "current":
		        link = end and end[key + "_link"]
		        speed = float(link["speed"].removesuffix("GT/s")) if link else None
		        o[f"{prefix}{key}_gts"] = speed
		        o[f"{prefix}{key}_width"] = link["width"] if link else None
		        o[f"{prefix}{key}_gbytes_per_s"] = link["mbps"] / 8000 if link else None

		def serial(f):
		    if "DSNLO" not in f["registers"] or "DSNHI" not in f["registers"]:
		        return None
		    digits = f["registers"]["DSNHI"] + f["registers"]["DSNLO"]
		    return "-".join(digits[i:i + 2] for i in range(0, 16, 2))

		def expected(c):
		    """The rows of a capture, without names"""
		    places, env = findings_of(c), c["environment"]
		    functions = {f["address"]: f for f in c["functions"]}
		    def row(kind, found, f=None, l=None):
		        o = dict.fromkeys(schema["required"])
		        o.update(schema="lnkinspect-ndjson", version=1, kind=kind, source=c["source"],
		                 line=c["line"], time=env["time"], guest=env["guest"],
		                 hypervisor=env["hypervisor"], product=env["machine"], kernel=env["kernel"])
		        port = l and l["port"]
		        ends(o, "", f, l["device"] if l else f)
		        ends(o, "port_", port and functions[port["address"]], port)
		        if f:
		            o.update(subsystem_vendor_id=f["subsystem_vendor"], class_id=f["class"],
		                     subsystem_device_id=f["subsystem_device"], driver=f["driver"],
		                     serial=serial(f), emulated="emulated" in f["quirks"], reach=f["reach"])
		            o["class"] = f["class_name"]
		        if l:
		            at = f["address"]
		            o.update(link=f"{port['address']}>{at}" if port else at, state=l["state"],
		                     verdict=l["verdict"], lost=l["lost"])
		        if port:
		            o["port_virtual"] = "virtual" in functions[port["address"]]["quirks"]
		        o.update(findings=",".join(x["id"] for x in found), n_findings=len(found), expected="",
		                 n_expected=0)
		        if found:
		            o["worst"] = min((x["severity"] for x in found), key=SEVERITIES.index)
		        return o
		    machine = row("capture", places.pop(None, []))
		    machine.update(n_functions=len(functions), n_links=len(c["links"]), n_lost=c["lost"],
		                   status=c["status"])
		    for s in SEVERITIES:
		        machine[f"n_{s}s"] = sum(x["severity"] == s for x in c["findings"])
		    yield machine
		    for i, l in enumerate(c["links"]):
		        yield row("link", places.pop(i, []), functions[l["device"]["address"]], l)
		    for at in sorted(places):
		        yield row("function", places[at], functions[at])

		def judge():
		    wanted = [(c, row) for c in captures for row in expected(c)]
		    check(len(wanted) == len(rows), len(rows), "rows, not", len(wanted))
		    for (c, want), row in zip(wanted, rows):
		        names = {f["address"]: f["device_name"] or "" for f in c["functions"]}
		        for column, at in ("name", "address"), ("port_name", "port_address"):
		            called = row.pop(column)
		            check((called is None) == (row[at] is None), row["source"], at, called)
		            check(not row[at] or names[row[at]] in called, row["source"], at, called)
		        machine = row.pop("machine")
		        check(len(sys.argv) < 4 or machine.split("/")[0] == sys.argv[3], machine)
		        for column in row:
		            check(row[column] == want[column], row["source"], row["kind"], row["address"], column,
		                  "is", row[column], "not", want[column])

		judge()
		conclude(len(captures), "captures,", len(rows), "rows")
	PYTHON
}

setup() {
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
	cp "$FIXTURES/qemu-origin-mended/input" fine
}

# Runs the program with these arguments, into ./out and ./err; its status is in ./status.
rows() {
	status=0
	"$LNKINSPECT" --format=ndjson "$@" >out 2>err </dev/null || status=$?
}

# The rows of ./out give, by the jq expression $1 over their list, the text $2.
gives() {
	local got
	got=$(jq -rs "$1" out) || fail "$1: no JSON"
	[[ $got == "$2" ]] || fail "$1: \"$got\", not \"$2\""
}

@test "every fixture, as JSON has it" {
	local input inputs=() json=0
	for input in "$FIXTURES"/*/input; do
		inputs+=(-F "$input")
	done
	((${#inputs[@]} > 400)) || fail 'too few fixtures'
	"$LNKINSPECT" --json "${inputs[@]}" >json 2>err || json=$?
	rows "${inputs[@]}"
	((status == json)) || fail "status $status, not $json"
	[[ ! -s err ]] || fail "words: $(head -n 2 err)"
	python3 "$JUDGE" json out input || fail 'they do not agree'
	# There is one of each, so that the judge had something to hold.
	gives 'map(.kind) | unique | join(" ")' 'capture function link'
	gives 'map(select(.kind == "link" and .port_address == null)) | length > 0' true
	gives 'map(.serial // empty) | length > 0' true
	cp out all
	rows -j 3 "${inputs[@]}"
	cmp all out || fail '-j'
	LC_ALL=C.UTF-8 rows "${inputs[@]}"
	cmp all out || fail 'the locale'
	rows -n "${inputs[@]:0:40}"
	cp out few
	COLUMNS=40 rows -n -q -v --color=always "${inputs[@]:0:40}"
	cmp few out || fail '-q, -v, --color or COLUMNS'
	finish
}

@test "the judge can say no" {
	local change
	"$LNKINSPECT" --json -F origin -F "$FIXTURES/lnk201-gpu-on-root-bus/input" >json || true
	rows -F origin -F "$FIXTURES/lnk201-gpu-on-root-bus/input"
	cp out good
	gives 'map(.kind) | join(" ")' 'capture link capture function'
	python3 "$JUDGE" json good || fail 'what is good'
	for change in '.lost = null' 'del(.line)' '.more = 1' '.max_gts = 0' '.port_max_width = 2' \
		'.findings = "LNK203,LNK001"' '.findings = ["LNK001"]' '.n_findings += 1' '.worst = "info"' \
		'.status = 2' '.kind = "capture"' '.current_gbytes_per_s = 15.75' '.port_virtual = false' \
		'{machine} + .' '.verdict = "pass"' '.n_errors = 7' '.serial = "01"' '.device_id = "0d92"'; do
		jq -c "$change" good >bad
		! python3 "$JUDGE" json bad >out 2>&1 || fail "$change passes"
	done
	for change in 1d 2d 2p '2s/"version":1/"version":1,"version":1/' '3{h;d};4G'; do
		sed "$change" good >bad
		! cmp -s good bad || fail "$change changes nothing"
		! python3 "$JUDGE" json bad >out 2>&1 || fail "$change passes"
	done
	# Each column is needed, and is not just anything.
	python3 - <<-'PYTHON' || fail 'the schema takes it'
		import json, os
		from jsonschema import Draft202012Validator
		schema = json.load(open(os.environ["SCHEMA"]))
		validator = Draft202012Validator(schema)
		taken = []
		for row in map(json.loads, open("good")):
		    assert validator.is_valid(row)
		    for column in schema["required"]:
		        without = {k: v for k, v in row.items() if k != column}
		        for changed in without, dict(row, **{column: {}}), dict(row, **{column: -1}):
		            if validator.is_valid(changed):
		                taken.append((row["kind"], column))
		print(taken)
		assert not taken and len(schema["required"]) > 50
	PYTHON
	finish
}

@test "by hand: the origin case" {
	rows -F origin
	((status == 1)) || fail "status $status"
	gives 'map(.kind) | join(" ")' 'capture link'
	gives '.[0] | [.machine, .guest, .hypervisor, .n_functions, .n_links, .n_lost, .n_errors,
		.n_warnings, .n_notices, .status, .findings] | map(tostring) | join(" ")' \
		'origin true QEMU 6 1 0 1 1 0 1 '
	gives '.[1] | [.link, .vendor_id, .device_id, .class_id, .port_vendor_id, .port_device_id,
		.port_virtual, .state, .verdict, .findings, .n_findings, .worst, .lost, .status] |
		map(tostring) | join(" ")' \
		"$link 8086 0d93 050210 1b36 000c true up found LNK001,LNK203 2 error false null"
	# LNKCAP 00000411 above, LNKSTA 0103 below; 2000 and 16 * 7876 Mb/s.
	gives '.[1] | [.port_max_gts, .port_max_width, .port_max_gbytes_per_s, .current_gts,
		.current_width, .current_gbytes_per_s] | map(tostring) | join(" ")' '2.5 1 0.25 8 16 15.752'
	rows -F fine
	gives '.[0] | [.status, .n_errors, .n_warnings] | map(tostring) | join(" ")' '0 0 0'
	gives '.[1] | [.verdict, .findings, .worst] | map(tostring) | join(" ")' 'pass  null'
	finish
}

@test "what is not known is null; what is of no link is not lost" {
	rows -F "$FIXTURES/lnk901-headers-only/input"
	gives '.[0] | [.status, .n_lost, .findings, .n_warnings] | map(tostring) | join(" ")' '3 1 LNK901 1'
	gives '.[1] | [.max_gts, .port_current_width, .lost, .verdict] | map(tostring) | join(" ")' \
		'null null true skipped'
	rows -F "$FIXTURES/lnk201-gpu-on-root-bus/input"
	gives '.[1] | [.kind, .address, .link, .findings, .worst, .verdict] | map(tostring) | join(" ")' \
		'function 0000:00:05.0 null LNK201 warning null'
	# The sum over rows is what was found.
	rows -F "$FIXTURES/lnk205-same-dsn/input" -F origin -F "$FIXTURES/lnk104-functions-differ/input"
	gives '(map(.n_findings) | add) == (map(.n_errors, .n_warnings, .n_notices, .n_infos) | add)' true
	finish
}

@test "what a machine is called" {
	local uname='Linux web-12.example.com 6.1.0-18-amd64 #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux'
	mkdir -p dir/reports
	cp origin db-7.example.com.txt
	gzip -c origin >dir/web-3.lspci.gz
	tar -cJf dir/fleet.tar.xz origin fine
	cp origin ./-
	rows -F db-7.example.com.txt -F dir/web-3.lspci.gz -F ./- -F origin
	gives 'map(select(.kind == "capture").machine) | join(" ")' 'db-7.example.com web-3 - origin'
	local ending files=()
	for ending in .txt .log .out .lspci .dump .capture .gz .xz .zst .bz2 .lz4 .tar .tgz .zip .7z .cpio \
		.tar.gz; do
		cp origin "web$ending"
		files+=("web$ending")
	done
	rows -F "${files[@]}"
	gives 'map(select(.kind == "capture").machine) | unique | join(" ")' web
	gives 'map(select(.kind == "capture")) | length' 17
	# Two machines in one file are two.
	rows -F dir/fleet.tar.xz
	gives 'map(select(.kind == "capture").machine) | sort | join(" ")' 'fleet/fine fleet/origin'
	"$LNKINSPECT" --format=ndjson -F - <origin >out || true
	gives '.[0].machine' null
	# The report says it itself: hostnamectl, uname -a.
	{ printf ' Static hostname: vm-1\n' && cat origin; } >named
	rows -F named
	gives '.[0].machine' vm-1
	{ printf '%s\n' "$uname" && cat origin; } >named
	rows -F named
	gives '.[0].machine' web-12.example.com
	{ printf ' Static hostname: web-12.example.com\n%s\n' "$uname" && cat origin; } >named
	rows -F named
	gives '.[0].machine' web-12.example.com
	# Of two names neither; n/a and what is no such line are none.
	local line
	for line in ' Static hostname: vm-1' 'Linux vm-1 5.10.0-1-amd64 #1 SMP'; do
		{ printf '%s\n%s\n' "$uname" "$line" && cat origin; } >named
		rows -F named
		gives '.[0].machine' named
	done
	for line in ' Static hostname: n/a' 'Linux version 6.1.0-18-amd64 (debian) #1 SMP' \
		'Linux web-1 is down #1' 'Linux ' 'Linux web-1 6.1' ' Static hostname: a b'; do
		{ printf '%s\n' "$line" && cat origin; } >named
		rows -F named
		gives '.[0].machine' named
	done
	finish
}

@test "live: the name of this machine" {
	[[ -d /sys/bus/pci/devices && -n $(ls /sys/bus/pci/devices) ]] || {
		rows
		((status == 2)) || fail "no PCI: status $status"
		finish
		return
	}
	rows
	gives '.[0].machine' "$(uname -n)"
	gives '.[0].kernel' "Linux $(uname -r)"
	# A capture does not tell it.
	"$LNKINSPECT" --capture=capture
	rows -F capture
	gives '.[0].machine' capture
	finish
}

@test "what is expected, and what is missing" {
	printf '%s\n' "LNK001@$link" "LNK005@$link" LNK901@- >list
	rows -F origin --expect=list
	((status == 1)) || fail "status $status"
	gives '.[1] | [.findings, .expected, .n_findings, .n_expected] | map(tostring) | join(" ")' \
		'LNK001,LNK203 LNK001 2 1'
	gives '.[2:] | map([.kind, .machine, .link, .expected, .verdict, .n_findings] | map(tostring) |
		join(" ")) | join("; ")' \
		"missing origin $link LNK005 pass 0; missing origin - LNK901 pass 0"
	python3 - <<-'PYTHON' || fail 'not as the schema has it'
		import json, os
		from jsonschema import Draft202012Validator
		validator = Draft202012Validator(json.load(open(os.environ["SCHEMA"])))
		for line in open("out"):
		    validator.validate(json.loads(line))
	PYTHON
	printf '%s\n' "LNK001@$link" >list
	rows -F "$FIXTURES/lnk903-port-alone/input" --expect=list
	gives '.[-1] | [.kind, .expected, .verdict] | join(" ")' 'missing LNK001 skipped'
	finish
}

@test "one that cannot be read has no rows, and it is said" {
	rows -F origin missing fine
	((status == 2)) || fail "status $status"
	gives 'map(select(.kind == "capture").machine) | join(" ")' 'origin fine'
	grep -qx 'lnkinspect: cannot read missing: No such file or directory' err || fail "$(cat err)"
	rows -F origin --compare fine
	((status == 2)) || fail "--compare: status $status"
	grep -q 'no room for it in --format=ndjson' err || fail "--compare: $(cat err)"
	rows -F "$FIXTURES/topo-desktop/input" -s 01:00.0
	gives 'map(select(.kind == "link").link) | join(" ")' '0000:00:01.0>0000:01:00.0'
	finish
}
