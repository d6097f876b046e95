#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# schemas.bats - what junit and sarif hold, by xmllint against an XML schema and by python3-jsonschema
# against a JSON schema
#
# Both are ours (junit.xsd, sarif.schema.json), written from what the two are documented to be. Here a
# validator judges the form; ci-formats.bats judges what is said.

bats_require_minimum_version 1.5.0
load ../failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export JUDGE=$BATS_FILE_TMPDIR/judge.py
	cat >"$JUDGE" <<-'PYTHON'
		"""judge.py SCHEMA FILE: what is wrong with it, one line each"""
		import json, sys
		from jsonschema import Draft202012Validator

		schema, document = (json.load(open(file, encoding="utf-8")) for file in sys.argv[1:])
		Draft202012Validator.check_schema(schema)
		wrong = [f"{e.json_path}: {e.message[:200]}" for e in Draft202012Validator(schema).iter_errors(document)]
		print("\n".join(wrong[:20]))
		sys.exit(bool(wrong))
	PYTHON
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$FIXTURES/origin/input" origin
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" fine
}

junit_is_valid() {
	xmllint --noout --schema "$BATS_TEST_DIRNAME/junit.xsd" "$1" >out 2>&1
}

sarif_is_valid() {
	python3 "$JUDGE" "$BATS_TEST_DIRNAME/sarif.schema.json" "$1" >out 2>&1
}

# Both formats with these arguments, into ./junit and ./sarif, and judged.
valid() {
	"$LNKINSPECT" --format=junit "$@" >junit 2>err </dev/null || :
	"$LNKINSPECT" --format=sarif "$@" >sarif 2>err </dev/null || :
	junit_is_valid junit || fail "junit, $*: $(head -n 5 out)"
	sarif_is_valid sarif || fail "sarif, $*: $(head -n 5 out)"
}

@test "every fixture" {
	local input inputs=()
	for input in "$FIXTURES"/*/input; do
		inputs+=(-F "$input")
	done
	((${#inputs[@]} > 600)) || fail 'too few fixtures'
	valid "${inputs[@]}"
	(($(xmllint --xpath 'count(//testsuite)' junit) >= ${#inputs[@]} / 2)) || fail 'junit: too few'
	(($(jq '.runs[0].results | length' sarif) > 300)) || fail 'sarif: too few'
	finish
}

@test "none, clean ones, one that cannot be read, this machine" {
	valid -F fine
	valid -F fine -F missing
	valid -F missing
	valid -F origin -s 77:
	valid -F origin --fail-on=never
	valid
	finish
}

@test "--expect, and names that are hostile" {
	# shellcheck disable=SC2016 # it is a name
	local name='a{b}<c>&"d"%'\''é;$(e)'
	printf 'LNK001@01:00.0\nLNK902@-\n' >"$name.list"
	cp origin "$name"
	cp origin ./-
	valid -F "$name" --expect="$name.list"
	jq -e '.runs[0].invocations[0].toolExecutionNotifications | length == 1' sarif || fail 'no notification'
	jq -e '.runs[0].results[0].suppressions | length == 1' sarif || fail 'no suppression'
	valid -F ./-
	finish
}

@test "the schemas can say no" {
	local change
	printf 'LNK001@01:00.0\nLNK902@-\n' >list
	valid -F origin --expect=list
	mv junit good.junit
	mv sarif good.sarif
	while IFS= read -r change; do
		sed -E "$change" good.junit >junit
		! cmp -s junit good.junit || fail "junit: $change changes nothing"
		! junit_is_valid junit || fail "junit: $change passes"
	done <<-'END'
		s/<testsuites name="[^"]*"/<testsuites/
		s/testsuite /suite /
		s/ tests="/ test="/
		s/ errors="0"//
		s/failures="1"/failures="one"/
		s/failures="1"/failures="-1"/
		s/ classname="[^"]*"//
		s/name="LNK102 [^"]*"/name=""/
		s/name="LNK10[12] [^"]*"/name="twice"/
		s/<failure type="[a-z]*"/<failure/
		s/<skipped message="[^"]*"/<skipped/
		s/<skipped (message="[^"]*")/<skipped \1 type="x"/
		s/(<skipped [^>]*>)/\1\1/
		s/<system-out>/<system-err>/;s/<\/system-out>/<\/system-err>/
		s/<\/testcase>/text<\/testcase>/
		s/<testcase /<testcase time="x" /
	END
	while IFS= read -r change; do
		jq "$change" good.sarif >sarif
		! jq -e --slurpfile good good.sarif '. == $good[0]' sarif >/dev/null || fail "sarif: $change changes nothing"
		! sarif_is_valid sarif || fail "sarif: $change passes"
	done <<-'END'
		.version = "2.0.0"
		del(."$schema")
		.runs = []
		.runs[0].extra = 1
		del(.runs[0].results)
		del(.runs[0].tool.driver.name)
		.runs[0].tool.driver.rules[0].help = "text"
		.runs[0].tool.driver.rules[1] = .runs[0].tool.driver.rules[0]
		del(.runs[0].tool.driver.rules[0].shortDescription)
		.runs[0].results[0].level = "notice"
		.runs[0].results[0].ruleIndex = -1
		.runs[0].results[0].ruleIndex = "0"
		.runs[0].results[0].message.text = "{0}"
		.runs[0].results[0].message.text = ""
		.runs[0].results[0].locations = []
		.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri = "a b"
		.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri = "a%b"
		.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0
		.runs[0].results[0].locations[0].logicalLocations[0].fullyQualifiedName = "x"
		del(.runs[0].results[0].relatedLocations[0].message)
		.runs[0].results[0].partialFingerprints = {}
		.runs[0].results[0].suppressions[0].kind = "expected"
		.runs[0].invocations = []
		.runs[0].invocations[0].exitCode = 4
		.runs[0].invocations[0].executionSuccessful = "true"
		.runs[0].invocations[0].toolExecutionNotifications[0].level = "fatal"
		del(.runs[0].invocations[0].toolExecutionNotifications[0].associatedRule.id)
	END
	junit_is_valid good.junit || fail 'what is good: junit'
	sarif_is_valid good.sarif || fail 'what is good: sarif'
	finish
}
