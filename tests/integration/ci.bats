#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ci.bats - contrib/ci: what GitHub and GitLab would run is run, in the environment that they give
#
# Neither was ever asked. The YAML is read with PyYAML; of GitHub's expressions those are resolved that
# stand in it.

bats_require_minimum_version 1.5.0
load ../failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export ROOT FILES=$BATS_FILE_TMPDIR
	ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
	read_yaml "$ROOT/contrib/ci/github/action.yml" >"$FILES/action"
	read_yaml "$ROOT/contrib/ci/gitlab/lnkinspect.gitlab-ci.yml" >"$FILES/job"
	# Built already, where the step that builds would put it.
	mkdir -p "$FILES/temp/lnkinspect" "$FILES/project/.lnkinspect"
	ln -s "$LNKINSPECT" "$FILES/temp/lnkinspect/lnkinspect"
	ln -s "$LNKINSPECT" "$FILES/project/.lnkinspect/lnkinspect"
	ln -s "$ROOT" "$FILES/project/lnkinspect"
}

setup() {
	unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL CFLAGS CPPFLAGS LDFLAGS PREFIX DESTDIR B SAN T
	unset "${!GITHUB_@}" "${!RUNNER_@}" "${!CI_@}" "${!LNKINSPECT_@}"
	export LC_ALL=C.UTF-8
	action=$FILES/action
	job=$FILES/job
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
	cp "$FIXTURES/origin/input" origin.txt
	cp "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" fine.txt
	# Headers alone: the links cannot be compared.
	sed -E '/^([4-9a-f]0|[1-9a-f][0-9a-f]{2}):/d' origin.txt >headers.txt
	head -c 4096 /dev/zero >garbage
}

read_yaml() {
	python3 -c 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)' "$1"
}

# Runs step $1 of the action as GitHub does with "shell: bash"; the rest: inputs, as NAME=VALUE. Those
# that are not given have their defaults. Sets $status and $output; ./outputs and ./summary are the
# step's.
step() {
	local n=$1 given='{}' input entry environment=()
	shift
	for input; do
		given=$(jq --arg name "${input%%=*}" --arg value "${input#*=}" '.[$name] = $value' <<<"$given")
	done
	while IFS= read -r -d '' entry; do
		environment+=("$entry")
	done < <(jq -j --argjson given "$given" --argjson n "$n" '
			.inputs as $inputs | .runs.steps[$n].env // {} | to_entries[] |
			(.value | capture("^\\$\\{\\{ inputs\\.(?<name>[a-z-]+) \\}\\}$").name) as $input |
			.key + "=" + ($given[$input] // $inputs[$input].default) + "\u0000"' "$action")
	jq -j --argjson n "$n" '.runs.steps[$n].run' "$action" >"$BATS_TEST_TMPDIR/step.sh"
	: >outputs
	: >summary
	run env "${environment[@]}" GITHUB_ACTIONS=true GITHUB_OUTPUT="$PWD/outputs" \
		GITHUB_STEP_SUMMARY="$PWD/summary" GITHUB_ACTION_PATH="$ROOT/contrib/ci/github" \
		GITHUB_WORKSPACE="$PWD" RUNNER_TEMP="$FILES/temp" \
		bash --noprofile --norc -e -o pipefail "$BATS_TEST_TMPDIR/step.sh"
}

# Runs the lines of GitLab's job from line $1 (0: all), in one shell, as its runner does; the rest:
# variables, which stand above those of the file.
job() {
	local from=$1 entry environment=()
	shift
	while IFS= read -r -d '' entry; do
		environment+=("$entry")
	done < <(jq -j '.lnkinspect.variables | to_entries[] | .key + "=" + .value + "\u0000"' "$job")
	jq -r --argjson from "$from" '.lnkinspect.script[$from:][]' "$job" >"$BATS_TEST_TMPDIR/job.sh"
	ln -sfn "$ROOT" lnkinspect
	run env "${environment[@]}" "$@" GITLAB_CI=true CI=true CI_PROJECT_DIR="$FILES/project" \
		sh -e "$BATS_TEST_TMPDIR/job.sh"
}

# What the last step or job ended with, and a line that it must have printed.
ended() {
	[[ $status == "$1" ]] || fail "status $status, not $1: $output"
	grep -qxF -e "$2" <<<"$output" || fail "no line \"$2\" in: $output"
}

@test "the action has what a composite action must have" {
	run -0 yamllint -d '{extends: default, rules: {line-length: {max: 100}, document-start: disable}}' \
		"$ROOT/contrib/ci"
	[[ $output == "" ]]
	jq -e '(.name | type == "string") and (.description | type == "string") and
		.runs.using == "composite" and (.runs.steps | length == 2)' "$action"
	jq -e 'all(.runs.steps[]; has("run") and has("shell") and has("name"))' "$action"
	jq -e 'all(.inputs[]; has("description") and (.required or (.default | type == "string")))' "$action"
	jq -e 'all(.outputs[]; has("description") and has("value"))' "$action"
	# Each input is used, each that is used is there, and all of them go through the environment.
	diff <(jq -r '.inputs | keys[]' "$action" | sort) \
		<(jq -r '.runs.steps[].env // {} | .[]' "$action" |
			sed -n 's/^\${{ inputs\.\([a-z-]*\) }}$/\1/p' | sort)
	jq -e '[.runs.steps[].env // {} | .[]] | length == 4' "$action"
	jq -e 'all(.runs.steps[].run; contains("${{") | not)' "$action"
	# An output is one of a step that is there.
	jq -e '[.runs.steps[].id // empty] as $ids | all(.outputs[].value;
		capture("^\\$\\{\\{ steps\\.(?<id>[a-z]+)\\.outputs\\.[a-z]+ \\}\\}$").id |
		IN($ids[]))' "$action"
}

@test "the job has what GitLab must be told" {
	jq -e '.lnkinspect | (.script | length == 2) and all(.script[]; type == "string") and
		all(.variables[]; type == "string") and .artifacts.when == "always" and
		.artifacts.reports.junit == "lnkinspect.junit.xml" and .allow_failure.exit_codes == 3' "$job"
}

@test "what is shell in the YAML passes shellcheck" {
	local i
	for i in 0 1; do
		jq -r --argjson i $i '.runs.steps[$i].run' "$action" >"step$i"
		shellcheck -s bash "step$i" || fail "step $i"
	done
	jq -r '.lnkinspect.script[]' "$job" >script
	shellcheck -s sh script || fail 'script'
	[[ -s step0 && -s step1 && -s script ]] || fail 'empty'
	finish
}

@test "building: the packages of .ci, and a program that runs" {
	local temp=$BATS_TEST_TMPDIR/temp stubs=$BATS_TEST_TMPDIR/stubs
	mkdir "$stubs"
	# shellcheck disable=SC2016 # it is the stand-in that expands it
	printf '#!/bin/sh\necho "$@" >>"$ASKED"\n' >"$stubs/apt-get"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nexec "$@"\n' >"$stubs/sudo"
	chmod +x "$stubs"/*
	export ASKED=$BATS_TEST_TMPDIR/asked
	rm "$FILES/temp/lnkinspect/lnkinspect"
	CFLAGS=-O0 PATH=$stubs:$PATH step 0
	[[ $status == 0 ]] || fail "$output"
	[[ $("$FILES/temp/lnkinspect/lnkinspect" --version) == "$("$LNKINSPECT" --version)" ]] || fail 'what it built'
	# What is installed has no source beside it.
	mkdir -p "$temp/doc/examples/ci"
	cp "$ROOT/contrib/ci/build" "$temp/doc/examples/ci"
	run "$temp/doc/examples/ci/build" "$temp/there"
	[[ $status == 1 && $output == *"is not lnkinspect's source"* ]] || fail "$output"
	[[ $(sed -n 1p "$ASKED") == '-q update' ]] || fail "$(cat "$ASKED")"
	[[ $(sed -n 2p "$ASKED") == "-q install -y --no-install-recommends $(tr '\n' ' ' <"$ROOT/.ci/packages" |
		sed 's/ $//')" ]] || fail "$(cat "$ASKED")"
	[[ $(wc -l <"$ASKED") == 2 ]] || fail "$(cat "$ASKED")"
	finish
}

@test "GitHub: each status, in words, as outputs, as a summary" {
	local captures want level words
	while IFS='|' read -r captures want level words; do
		rm -f lnkinspect.sarif
		step 1 captures="$captures"
		ended "$want" "lnkinspect: $words (status $want)"
		ended "$want" "::$level title=lnkinspect::$words (status $want)"
		diff outputs <(printf '%s\n' "status=$want" sarif=lnkinspect.sarif) || fail "$captures: outputs"
		[[ $(jq '.runs[0].invocations[0].exitCode' lnkinspect.sarif) == "$want" ]] || fail "$captures: sarif"
		[[ $(head -n 1 summary) == "### lnkinspect: $words" ]] || fail "$captures: $(cat summary)"
	done <<-'END'
		fine.txt|0|notice|passed: nothing was found that counts
		origin.txt|1|error|failed: something was found, or something expected is missing
		garbage|2|error|no verdict: not all could be read or written
		missing|2|error|no verdict: not all could be read or written
		headers.txt|3|warning|cannot tell: nothing was found that counts, but not everything could be compared
	END
	step 1 captures=origin.txt
	grep -q '^    LNK001 error ' summary || fail "$(cat summary)"
	grep -q '^LNK001 error ' <<<"$output" || fail "not in the log: $output"
	finish
}

@test "GitHub: inputs" {
	step 1 captures=$'fine.txt\r\n\n[o]*.txt\n' fail-on=never
	ended 0 'lnkinspect: passed: nothing was found that counts (status 0)'
	[[ $(jq '[.runs[0].results[].locations[].physicalLocation.artifactLocation.uri] | unique |
		index("origin.txt") != null' lnkinspect.sarif) == true ]] || fail 'the pattern'
	# The worst counts, in the order 2, 1, 3, 0.
	step 1 captures=$'fine.txt\nheaders.txt\norigin.txt'
	ended 1 'lnkinspect: failed: something was found, or something expected is missing (status 1)'
	"$LNKINSPECT" -F origin.txt --write-expect=list >/dev/null || :
	step 1 captures=origin.txt expect=list
	ended 0 'lnkinspect: passed: nothing was found that counts (status 0)'
	step 1 captures=fine.txt expect=list
	ended 1 'lnkinspect: failed: something was found, or something expected is missing (status 1)'
	step 1 captures=origin.txt format='junit sarif'
	ended 1 'lnkinspect: failed: something was found, or something expected is missing (status 1)'
	diff outputs <(printf '%s\n' status=1 junit=lnkinspect.junit.xml sarif=lnkinspect.sarif) || fail 'outputs'
	[[ $(xmllint --xpath 'string(//testsuite/@failures)' lnkinspect.junit.xml) == 2 ]] || fail 'junit'
	finish
}

@test "GitHub: what cannot be asked for is no verdict" {
	local input
	for input in captures= captures=$'\n\n' captures=$'  \n\t\n' \
		captures=$' \norigin.txt\n'; do
		# The last one is a verdict: this test can fail.
		step 1 "$input"
		[[ $input == *origin* ]] || ended 2 'judge: LNKINSPECT_CAPTURES names no capture'
		[[ $status == 1 || $input != *origin* ]] || fail "$input: $output"
	done
	for input in html5 ' '; do
		step 1 captures=origin.txt format="$input"
		ended 2 'judge: LNKINSPECT_FORMAT: junit, sarif or both'
	done
	step 1 captures=origin.txt fail-on=maybe
	ended 2 'lnkinspect: no verdict: not all could be read or written (status 2)'
	step 1 captures=origin.txt expect=missing
	ended 2 'lnkinspect: no verdict: not all could be read or written (status 2)'
	printf '#!/bin/sh\nkill -9 $$\n' >killed
	chmod +x killed
	LNKINSPECT_CAPTURES=origin.txt LNKINSPECT=./killed run "$ROOT/contrib/ci/judge"
	ended 2 'judge: ./killed ended with status 137'
	LNKINSPECT_CAPTURES=origin.txt LNKINSPECT=./none run "$ROOT/contrib/ci/judge"
	ended 2 'judge: no program ./none'
	[[ ! -e lnkinspect.sarif ]] || fail 'the report of an earlier run is left'
	# A report that cannot be written, whatever the verdict is.
	mkdir lnkinspect.sarif
	for input in captures=fine.txt captures=origin.txt; do
		step 1 "$input"
		ended 2 'lnkinspect: no verdict: not all could be read or written (status 2)'
		[[ $(cat outputs) == status=2 ]] || fail "outputs: $(cat outputs)"
	done
	rmdir lnkinspect.sarif
	# What an earlier run left is gone before anything is looked at, and is no capture.
	mkdir kept
	cp origin.txt kept
	cd kept || return 1
	for input in 1 2; do
		step 1 captures='*.txt'
		[[ $status == 1 && -s lnkinspect.sarif ]] || fail "run $input: $output"
	done
	step 1 captures=
	[[ $status == 2 && ! -e lnkinspect.sarif ]] || fail 'the report of the run before'
	cd ..
	# What GitHub, or a person, would not see.
	export LNKINSPECT_CAPTURES=fine.txt
	run "$ROOT/contrib/ci/judge"
	ended 0 'lnkinspect: passed: nothing was found that counts (status 0)'
	for input in GITHUB_OUTPUT GITHUB_STEP_SUMMARY; do
		run env GITHUB_ACTIONS=true "$input=$PWD/no/file" "$ROOT/contrib/ci/judge"
		[[ $status == 2 ]] || fail "$input: status $status"
	done
	for input in '' GITHUB_ACTIONS=true; do
		status=0
		# shellcheck disable=SC2086 # nothing is no word
		env $input "$ROOT/contrib/ci/judge" >&- 2>/dev/null || status=$?
		[[ $status == 2 ]] || fail "no output: status $status"
	done
	finish
}

@test "names are names: nothing in them is run, split or taken for an option" {
	# shellcheck disable=SC2016 # nobody shall expand it
	local name names=('a b.txt' '$(touch evil)' '`touch evil`' ';touch evil;' '-q' '--version' '-' "a'b\"c"
		'a*b' '[x]' '${{ inputs.x }}' '%0A::error::x' 'a\b' '|touch evil' '&& touch evil' $'t\tb')
	for name in "${names[@]}"; do
		cp origin.txt "./$name"
		step 1 captures="$name"
		ended 1 'lnkinspect: failed: something was found, or something expected is missing (status 1)'
		[[ $(jq '.runs[0].results | length' lnkinspect.sarif) == 2 ]] || fail "$name: $output"
		job 1 LNKINSPECT_CAPTURES="$name"
		ended 1 'lnkinspect: failed: something was found, or something expected is missing (status 1)'
		step 1 captures=fine.txt expect="$name"
		[[ $status == 2 ]] || fail "as a list, $name: status $status"
		rm -- "./$name"
	done
	[[ ! -e evil ]] || fail 'a name was run'
	# A pattern is one pattern, though there are blanks in it.
	mkdir 'x y'
	cp origin.txt 'x y/1'
	cp fine.txt 'x y/2 2'
	step 1 captures='x y/*' format=junit
	[[ $(xmllint --xpath 'count(//testsuite)' lnkinspect.junit.xml) == 2 ]] || fail "$output"
	finish
}

@test "GitHub: what strangers wrote is no command to the runner" {
	local name='::error::a' token before after
	cp origin.txt "$name"
	step 1 captures="$name"
	[[ $status == 1 ]] || fail "status $status"
	token=$(sed -n 's/^::stop-commands:://p' <<<"$output")
	[[ $token =~ ^[0-9]{4,}$ ]] || fail "token: $token"
	grep -q "^$name" <<<"$output" || fail "the name begins no line: $output"
	before=$(sed '/^::stop-commands::/,$d' <<<"$output")
	after=$(sed "1,/^::$token::\$/d" <<<"$output")
	[[ $before$after != *"$name"* ]] || fail "outside: $output"
	[[ $after == *'::error title=lnkinspect::failed: something was found, or something expected is missing (status 1)'* ]] || fail "$after"
	# In the summary all but the head is indented.
	run -1 grep -nvE '^    |^$|^### lnkinspect: ' summary
	# Another one each time.
	step 1 captures="$name"
	[[ $(sed -n 's/^::stop-commands:://p' <<<"$output") != "$token" ]] || fail 'the same token'
	finish
}

@test "GitLab: each status, and the report that it names" {
	local captures want words
	while IFS='|' read -r captures want words; do
		rm -f lnkinspect.junit.xml
		job 1 LNKINSPECT_CAPTURES="$captures"
		ended "$want" "lnkinspect: $words (status $want)"
		xmllint --noout "$(jq -r .lnkinspect.artifacts.reports.junit "$job")" || fail "$captures"
		# What is GitHub's is not for GitLab.
		[[ $output != *::* ]] || fail "$captures: $output"
	done <<-'END'
		fine.txt|0|passed: nothing was found that counts
		origin.txt|1|failed: something was found, or something expected is missing
		garbage|2|no verdict: not all could be read or written
		headers.txt|3|cannot tell: nothing was found that counts, but not everything could be compared
	END
	# What the file itself names.
	mkdir captures
	cp origin.txt fine.txt captures
	job 1
	ended 1 'lnkinspect: failed: something was found, or something expected is missing (status 1)'
	[[ $(xmllint --xpath 'count(//testsuite)' lnkinspect.junit.xml) == 2 ]] || fail 'captures/*'
	finish
}
