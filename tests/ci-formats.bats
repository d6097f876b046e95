#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ci-formats.bats - --format=junit and --format=sarif have what their readers demand, and say of every
# fixture what JSON says
#
# junit: the elements and attributes of junit-10.xsd (Jenkins' xunit plugin), of which Jenkins and
# GitLab each read some. sarif: what OASIS' SARIF 2.1.0 requires, and what GitHub's code scanning does.

bats_require_minimum_version 1.5.0
load failures

link='0000:00:01.0>0000:01:00.0'

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export JUDGE=$BATS_FILE_TMPDIR/judge.py PYTHONPATH=$BATS_TEST_DIRNAME PYTHONDONTWRITEBYTECODE=1
	cat >"$JUDGE" <<-'PYTHON'
		"""judge.py JSON JUNIT SARIF: what is wrong with the last two, one line each"""
		import json, re, sys, urllib.parse
		import xml.etree.ElementTree as tree
		from judging import check, conclude

		with open(sys.argv[1], encoding="utf-8") as f:
		    document = json.load(f)
		with open(sys.argv[3], encoding="utf-8") as f:
		    sarif = json.load(f)
		junit = tree.parse(sys.argv[2]).getroot()
		captures = document["captures"]

		# ---- junit: element -> children, required attributes, other attributes
		grammar = {
		    "testsuites": ({"testsuite"}, set(), {"name"}),
		    "testsuite": ({"testcase", "system-out"}, {"name", "tests", "failures", "errors"},
		                  {"skipped"}),
		    "testcase": ({"failure", "skipped", "error", "system-out"}, {"name", "classname"}, set()),
		    "failure": (set(), {"type", "message"}, set()),
		    "error": (set(), {"type", "message"}, set()),
		    "skipped": (set(), {"message"}, set()),
		    "system-out": (set(), set(), set()),
		}
		for e in junit.iter():
		    children, required, others = grammar[e.tag]
		    check({c.tag for c in e} <= children, e.tag, "has", [c.tag for c in e])
		    check(required <= set(e.keys()) <= required | others, e.tag, e.attrib)
		for suite in junit:
		    cases = suite.findall("testcase")
		    outcomes = [[c.tag for c in case if c.tag != "system-out"] for case in cases]
		    for tag, attribute in (None, "tests"), ("failure", "failures"), ("error", "errors"), \
		            ("skipped", "skipped"):
		        n = sum(tag in o for o in outcomes) if tag else len(cases)
		        check(int(suite.get(attribute)) == n, suite.get("name"), attribute, n)
		    check(all(len(o) <= 1 for o in outcomes), suite.get("name"), "two outcomes in one")
		    names = [case.get("name") for case in cases]
		    check(len(names) == len(set(names)), suite.get("name"), "a name twice")

		def where(finding):
		    if finding["port"] and finding["device"]:
		        return finding["port"] + ">" + finding["device"]
		    return finding["function"] or "-"

		def judge_suite(capture, suite):
		    source = capture["source"] + (f", line {capture['line']}" if capture["line"] else "")
		    check(suite.get("name") == "lnkinspect." + source.replace(".", "_"), suite.get("name"))
		    *cases, ends = suite.findall("testcase")
		    check([c.get("name")[:6] for c in cases] == list(capture["counts"]), source, "rules")
		    check((ends.find("skipped") is not None) == (capture["lost"] > 0), source, "lost")
		    failed = False
		    for case in cases:
		        id, count = case.get("name")[:6], capture["counts"][case.get("name")[:6]]
		        mine = [f for f in capture["findings"] if f["id"] == id]
		        counting = [f for f in mine if f["severity"] in ("warning", "error") and id[3] != "9"]
		        failure, skipped = case.find("failure"), case.find("skipped")
		        failed |= failure is not None
		        check((failure is not None) == bool(counting), source, id, "failure")
		        if counting:
		            check(failure.get("type") == counting[0]["severity"], source, id, "type")
		            check(failure.get("message").startswith(where(counting[0]) + ": "), source, id)
		            for f in counting:
		                check(f"{id} {f['severity']}  " in failure.text, source, id, "text")
		            continue
		        idle = not count["pass"] and not count["found"]
		        check((skipped is not None) == bool(idle or (mine and id[3] == "9")), source, id, "skipped")
		        check((case.find("system-out") is not None) == bool(mine), source, id, "system-out")
		        if idle:
		            words = "cannot tell: " if count["skipped"] else "nothing to judge"
		            check(skipped.get("message").startswith(words), source, id, skipped.get("message"))
		    check(failed == (capture["status"] == 1), source, "status", capture["status"])

		check(len(junit) == len(captures) + (document["status"] == 2), len(junit), "suites")
		for capture, suite in zip(captures, junit):
		    judge_suite(capture, suite)

		# ---- sarif
		check(sarif["version"] == "2.1.0" and sarif["$schema"].endswith("sarif-schema-2.1.0.json"), "head")
		check(len(sarif["runs"]) == 1, "runs")
		run = sarif["runs"][0]
		check(set(run) == {"tool", "results", "invocations"}, list(run))
		driver = run["tool"]["driver"]
		check(driver["name"] == "lnkinspect" and driver["version"], "driver")
		rules = driver["rules"]
		check(len(rules) == 41 and len({r["id"] for r in rules}) == 41, len(rules), "rules")
		levels = {"error": "error", "warning": "warning", "notice": "note", "info": "note"}
		for r in rules:
		    for key in "shortDescription", "fullDescription", "help":
		        check(r[key]["text"], r["id"], key)
		    check(r["name"] == r["shortDescription"]["text"], r["id"], "name")
		    check(r["defaultConfiguration"]["level"] in levels.values(), r["id"], "level")
		invocation, = run["invocations"]
		check(invocation["exitCode"] == document["status"], invocation)
		check(invocation["executionSuccessful"] == (document["status"] != 2), invocation)

		def judge_location(location, path, at):
		    physical = location["physicalLocation"]
		    uri = physical["artifactLocation"]["uri"]
		    check(re.fullmatch(r"(file://)?[A-Za-z0-9._~/%-]+", uri), uri)
		    parts = urllib.parse.urlsplit(uri)
		    check(urllib.parse.unquote(parts.path) == path, uri, "is not", path)
		    line = physical["region"]["startLine"]
		    check(line >= 1, uri, "line", line)
		    if at:
		        logical, = location["logicalLocations"]
		        check(logical["fullyQualifiedName"] == at and logical["kind"], uri, logical)
		        return line
		    check("logicalLocations" not in location, uri, "a function")

		def judge_result(capture, f, r):
		    source, name = capture["source"], f"{f['id']}@{where(f)}"
		    check(rules[r["ruleIndex"]]["id"] == r["ruleId"] == f["id"], source, name, "rule")
		    check(r["level"] == levels[f["severity"]], source, name, r["level"])
		    text = f["message"] if where(f) == "-" else f"{where(f)}: {f['message']}"
		    check(r["message"]["text"].replace("{{", "{").replace("}}", "}") == text, source, name, "text")
		    check(r["partialFingerprints"] == {"lnkinspect/v1": name}, source, name, "fingerprint")
		    check(r["properties"]["fix"] == f["fix"], source, name, "fix")
		    check(len(r["properties"]["evidence"]) <= len(f["evidence"]), source, name, "evidence")
		    location, = r["locations"]
		    line = judge_location(location, source, f["function"])
		    if line and line > 1:
		        with open(source, "rb") as file:
		            text = file.read().split(b"\n")[line - 1].decode(errors="replace")
		        check(f["function"][-7:] in text, source, name, line, text[:40])
		    others = [a for a in (f["port"], f["device"], f["other"]) if a and a != f["function"]]
		    check(len(r["relatedLocations"]) == len(others), source, name, "related")
		    for at, related in zip(others, r["relatedLocations"]):
		        judge_location(related, source, at)
		        check(related["message"]["text"] and related["id"], source, name, related)

		wanted = [(c, f) for c in captures for f in c["findings"]]
		check(len(run["results"]) == len(wanted), len(run["results"]), "results for", len(wanted))
		for (capture, f), r in zip(wanted, run["results"]):
		    judge_result(capture, f, r)
		conclude(len(captures), "captures,", len(wanted), "results")
	PYTHON
}

setup() {
	unset COLUMNS NO_COLOR TERM
	export LC_ALL=C
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" fine
	sed -E '/^([4-9a-f]0|[1-9a-f][0-9a-f]{2}):/d' origin >headers
}

# Runs the program in both formats and as JSON with these arguments: one status, into ./json, ./junit
# and ./sarif.
all_formats() {
	local format status last=
	for format in json junit sarif; do
		status=0
		"$LNKINSPECT" --format=$format "$@" >$format 2>err.$format </dev/null || status=$?
		[[ -z $last || $status == "$last" ]] || fail "$format $*: status $status, not $last"
		last=$status
	done
	cmp err.json err.junit || fail "$*: other words of trouble in junit"
	cmp err.json err.sarif || fail "$*: other words of trouble in sarif"
	xmllint --noout junit 2>err || fail "$*: $(head -n 3 err)"
}

# The same, and holds them against each other.
agree() {
	all_formats "$@"
	python3 "$JUDGE" json junit sarif || fail "$*: they do not agree"
}

# jq's expression $1 is true of ./sarif.
says() {
	jq -e "$1" sarif >/dev/null || fail "sarif: $1"
}

# The XPath expression $1 gives the text $2 in ./junit.
gives() {
	local got
	got=$(xmllint --xpath "string($1)" junit)
	[[ $got == "$2" ]] || fail "junit: $1 is \"$got\", not \"$2\""
}

@test "every fixture, as JSON has it" {
	local input inputs=()
	for input in "$FIXTURES"/*/input; do
		inputs+=(-F "$input")
	done
	((${#inputs[@]} > 400)) || fail 'too few fixtures'
	agree "${inputs[@]}"
	cp junit all.junit
	cp sarif all.sarif
	# Neither -q nor -v has anything to say to programs, and COLUMNS nothing to anybody.
	COLUMNS=40 all_formats -q -v -n --color=always "${inputs[@]:0:40}"
	mv junit few.junit
	mv sarif few.sarif
	all_formats -n "${inputs[@]:0:40}"
	cmp few.junit junit || fail 'junit: -q, -v, --color or COLUMNS'
	cmp few.sarif sarif || fail 'sarif: -q, -v, --color or COLUMNS'
	LC_ALL=C.UTF-8 all_formats "${inputs[@]}"
	cmp all.junit junit || fail 'junit: the locale'
	cmp all.sarif sarif || fail 'sarif: the locale'
	finish
}

@test "the judge can say no" {
	local change
	all_formats -F origin -F headers
	mv junit good.junit
	mv sarif good.sarif
	for change in 's/failures="2"/failures="1"/' 's/ type="error"//' 's/<failure type="error"/<failure type="warning"/' \
		's/LNK005 /LNK006 /' 's/classname="[^"]*" name="LNK102/name="LNK102/' 's/<skipped message="[^"]*"/<skipped/' \
		's/ errors="0"//' 's/testsuite name="[^"]*"/testsuite name="x"/'; do
		sed "$change" good.junit >junit
		! cmp -s junit good.junit || fail "junit: $change changes nothing"
		! python3 "$JUDGE" json junit good.sarif >out 2>err || fail "junit: $change passes"
	done
	for change in '.version = "2.0.0"' '.runs += .runs' '.runs[0].results |= .[1:]' \
		'.runs[0].results[0].level = "note"' '.runs[0].results[0].ruleIndex = 1' \
		'del(.runs[0].results[0].locations[0].physicalLocation)' \
		'.runs[0].results[0].locations[0].physicalLocation.region.startLine += 1' \
		'.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri = "a b"' \
		'.runs[0].results[1].message.text = "x"' '.runs[0].invocations[0].exitCode = 0' \
		'del(.runs[0].tool.driver.rules[40])' 'del(.runs[0].results[0].partialFingerprints)'; do
		jq "$change" good.sarif >sarif
		! python3 "$JUDGE" json good.junit sarif >out 2>err || fail "sarif: $change passes"
	done
	python3 "$JUDGE" json good.junit good.sarif || fail 'what is good'
	finish
}

@test "clean ones among others, none, one that cannot be read" {
	agree -F fine
	says '.runs[0].results == []'
	agree -F fine fine origin fine origin fine
	agree -F fine -F missing
	says '.runs[0].invocations[0] | .executionSuccessful == false and .exitCode == 2'
	gives 'count(//error)' 1
	gives '//error/../@name' 'Each input can be read'
	agree -F missing
	gives 'count(//testsuite)' 1
	agree -F origin -s 77:
	agree -F "$FIXTURES/lnk904-two-snapshots/input"
	finish
}

@test "junit by hand: the origin case" {
	all_formats -F origin
	gives '/testsuites/@name' lnkinspect
	gives '//testsuite/@name' lnkinspect.origin
	gives '//testsuite/@tests' 42
	gives '//testsuite/@failures' 2
	gives '//testsuite/@errors' 0
	gives '//testcase[failure][1]/@name' 'LNK001 The device runs faster than its port says is possible'
	gives '//failure[@type="error"]/@message' "$link: port claims 2.5GT/s x1 (0.25 GB/s) at most, \
device runs 8GT/s x16 (15.75 GB/s): drivers that believe the port use 1/63 of the link"
	gives 'starts-with(//failure[@type="warning"]/../@name, "LNK203 ")' true
	# Each test case says all of it: evidence, why, what to do, and the lines to copy.
	local part
	for part in 'LNKCAP 0000:00:01.0 00000411, LNKSTA 0000:01:00.0 0103' '  why:  No silicon' \
		'  do:   (owner of the host) ' '        add     -global pcie-root-port.x-speed=8'; do
		gives "contains(//failure[@type='error'], '$part')" true
	done
	gives 'count(//failure[contains(., "x-width=16")])' 2
	# A quiet link is a pass, what does not exist is grey: no VF, no second hop.
	gives 'count(//testcase[starts-with(@name, "LNK005")]/*)' 0
	gives '//testcase[starts-with(@name, "LNK008")]/skipped/@message' 'nothing to judge'
	gives 'contains(//testsuite/system-out, "Checked: 1 link at both ends, 6 functions")' true
	finish
}

@test "junit by hand: below --fail-on, cannot tell, about the input" {
	all_formats -F origin --fail-on=error
	gives '//testsuite/@failures' 1
	gives 'contains(//testcase[starts-with(@name, "LNK203")]/system-out, "LNK203 warning  ")' true
	all_formats -F origin --fail-on=never
	gives '//testsuite/@failures' 0
	# The headers alone.
	all_formats -F headers
	gives '//testsuite/@failures' 0
	gives 'starts-with(//testcase[starts-with(@name, "LNK001")]/skipped/@message,
		"cannot tell: needs ")' true
	gives 'count(//testcase[starts-with(@name, "LNK901")]/skipped)' 1
	gives 'contains(//testcase[starts-with(@name, "LNK901")]/system-out, "LNK901 warning")' true
	gives 'starts-with(//testcase[last()]/skipped/@message, "cannot tell of ")' true
	says '.runs[0].invocations[0] | .exitCode == 3 and .executionSuccessful'
	finish
}

@test "sarif by hand: the origin case, and where it is" {
	all_formats -F origin
	local line
	line=$(grep -n '^01:00.0 ' origin | cut -d : -f 1)
	says '.runs[0].results | length >= 2'
	says '.runs[0].results[0] | .ruleId == "LNK001" and .ruleIndex == 0 and .level == "error" and
		(.message.text | startswith("0000:00:01.0>0000:01:00.0: port claims 2.5GT/s x1"))'
	says ".runs[0].results[0].locations == [{physicalLocation: {artifactLocation: {uri: \"origin\"},
		region: {startLine: $line}}, logicalLocations: [{fullyQualifiedName: \"0000:01:00.0\",
		kind: \"cxl memory\"}]}]"
	says '.runs[0].results[0].relatedLocations[0].logicalLocations[0].fullyQualifiedName ==
		"0000:00:01.0"'
	says '.runs[0].results[0].partialFingerprints ==
		{"lnkinspect/v1": "LNK001@0000:00:01.0>0000:01:00.0"}'
	says '.runs[0].results[0].properties.evidence ==
		["LNKCAP 0000:00:01.0 00000411", "LNKSTA 0000:01:00.0 0103"]'
	says '.runs[0].results[0] | has("suppressions") | not'
	says '.runs[0].results[1] | .ruleId == "LNK203" and .level == "warning"'
	finish
}

@test "sarif: a place is a URI, of whatever name; an archive is one file" {
	local name uri
	while read -r name uri; do
		mkdir -p "$(dirname "$name")"
		cp origin "$name"
		all_formats -F "$name"
		says "[.runs[0].results[].locations[].physicalLocation.artifactLocation.uri] |
			unique == [\"$uri\"]"
	done <<-END
		dir/a.b-c_d~e dir/a.b-c_d~e
		./x:y ./x%3Ay
		100%25?#&+{}[]\\"'<> 100%2525%3F%23%26%2B%7B%7D%5B%5D%5C%22%27%3C%3E
		é %C3%A9
		$PWD/y file://$PWD/y
	END
	mkdir packed
	cp origin packed/one
	tar -cf packed.tar packed
	all_formats -F packed.tar
	says '.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri == "packed.tar"'
	finish
}

@test "names that XML may not hold, or would read as its own" {
	local name=$'a<b>&amp;"c"\'\xef\xbf\xbe\xef\xbf\xbf]]>'
	cp origin "$name"
	all_formats -F "$name"
	gives '//testsuite/@name' "lnkinspect.a<b>&amp;\"c\"'\\xef\\xbf\\xbe\\xef\\xbf\\xbf]]>"
	says '.runs[0].results | length >= 2'
	mkdir a.b
	cp origin a.b/c.txt
	all_formats -F a.b/c.txt
	gives '//testcase/@classname' lnkinspect.a_b/c_txt
	finish
}

@test "this machine, and a tree of sysfs" {
	mkdir -p tree/devices/0000:00:00.0
	printf '\x86\x80\xc0\x29' >tree/devices/0000:00:00.0/config
	agree -O sysfs.path="$PWD/tree"
	# Two looks at this machine need not be the same.
	all_formats
	says 'all(.runs[0].results[].locations[].physicalLocation.artifactLocation.uri;
		startswith("sys/bus/pci/devices"))'
	gives 'contains(//testsuite/@name, "lnkinspect.this machine")' true
	finish
}

@test "--expect: what is expected fails nothing, what is missing does" {
	printf 'LNK001@01:00.0\nLNK902@-\n' >'list{0}'
	all_formats -F origin --expect='list{0}'
	gives '//testsuite[1]/@failures' 1
	gives 'count(//testsuite[1]/testcase[starts-with(@name, "LNK001")]/failure)' 0
	gives 'count(//testsuite[1]/testcase[starts-with(@name, "LNK001")]/system-out)' 1
	gives 'count(//testsuite[1]/testcase[starts-with(@name, "LNK203")]/failure)' 1
	gives '//testsuite[2]/@name' 'expect.list{0}'
	gives '//testsuite[2]/@tests' 3
	gives '//testsuite[2]/@failures' 2
	gives '//testsuite[2]/testcase[1]/@name' LNK001@0000:01:00.0
	gives 'count(//testsuite[2]/testcase[1]/*)' 0
	gives '//testsuite[2]/testcase[2]/failure/@message' 'expected, not found'
	gives '//testsuite[2]/testcase[3]/@name' "LNK203@$link"
	gives '//testsuite[2]/testcase[3]/failure/@message' 'found, not expected'
	says '.runs[0].results[0] | .ruleId == "LNK001" and
		.suppressions == [{kind: "external", justification: "expected"}]'
	says '.runs[0].results[1] | .ruleId == "LNK203" and .suppressions == []'
	says '.runs[0].invocations[0] | .exitCode == 1 and (.toolExecutionNotifications | length == 1)'
	says '.runs[0].invocations[0].toolExecutionNotifications[0] | .level == "error" and
		.associatedRule.id == "LNK902" and
		.message.text == "list{{0}}:2: LNK902@-: expected, not found"'
	# Nothing expected, nothing found; nothing read.
	echo none >none
	all_formats -F fine --expect=none
	gives '//testsuite[2]/@tests' 0
	says '.runs[0].invocations[0] | .exitCode == 0 and .toolExecutionNotifications == []'
	all_formats -F headers --expect='list{0}' --fail-on=never
	gives '//testsuite[2]/testcase[1]/skipped/@message' 'expected, cannot tell'
	says '.runs[0].invocations[0].toolExecutionNotifications[0].level == "warning"'
	finish
}

@test "neither takes a comparison, or tells news" {
	local format status
	for format in junit sarif; do
		status=0
		"$LNKINSPECT" --format=$format --monitor >out 2>err </dev/null || status=$?
		((status == 2)) && [[ ! -s out ]] && grep -q -e '--monitor prints lines of text or JSON' err ||
			fail "$format: --monitor: status $status: $(cat err)"
		status=0
		"$LNKINSPECT" --format=$format -F origin --compare=fine >out 2>err || status=$?
		((status == 2)) && [[ ! -s out ]] && grep -q "no room for it in --format=$format" err ||
			fail "$format: status $status: $(cat err)"
	done
	finish
}
