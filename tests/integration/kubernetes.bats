#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# kubernetes.bats - the DaemonSet of contrib/kubernetes, as far as that can be told without a cluster

bats_require_minimum_version 1.5.0
load ../failures

setup() {
	here=$BATS_TEST_DIRNAME
	manifest=$here/../../contrib/kubernetes/lnkinspect-daemonset.yaml
	cd "$BATS_TEST_TMPDIR" || return 1
	unset NO_COLOR
}

@test "yamllint has nothing to say" {
	run -0 yamllint --strict -d '{extends: default, rules: {line-length: {max: 100}}}' "$manifest"
	[[ ! $output ]]
}

@test "its fields are what they must be" {
	run -0 python3 -B "$here/manifest.py" "$manifest"
	[[ ! $output ]]
}

# Each line changes one thing, and must be noticed.
@test "its fields: what is wrong is noticed" {
	local edit
	while IFS= read -r edit; do
		sed "$edit" "$manifest" >wrong.yaml
		! cmp -s "$manifest" wrong.yaml || fail "changes nothing: $edit"
		! python3 -B "$here/manifest.py" wrong.yaml >out 2>&1 || fail "not noticed: $edit"
		! grep -q Traceback out || fail "$edit: $(tail -n 1 out)"
	done <<-'END'
		s,apps/v1,extensions/v1beta1,
		s,kind: DaemonSet,kind: Deployment,
		/matchLabels:/{n;s,lnkinspect,other,}
		s,lnkinspect:0.1,lnkinspect:latest,
		s,lnkinspect:0.1,lnkinspect,
		s,privileged: false,privileged: true,
		s,readOnlyRootFilesystem: true,readOnlyRootFilesystem: false,
		s,- SYS_ADMIN,- SYS_RAWIO,
		s,- ALL,- NET_RAW,
		s,automountServiceAccountToken: false,hostNetwork: true,
		s,^      volumes:,      hostPID: true\n      volumes:,
		s,RuntimeDefault,Unconfined,
		s,            limits:,            limit:,
		s,^        - name: textfile,        - name: other,
		s,mountPath: /textfile,mountPath: /elsewhere,
		s,path: /var/lib/prometheus/node-exporter,path: /,
	END
	finish
}

# A stand-in for the program ends with the statuses in the file statuses, one after another.
run_script() {
	local status=0
	mkdir -p bin
	cat >bin/lnkinspect <<-'END'
		#!/bin/sh
		echo "$@" >>calls
		status=$(sed -n 1p statuses)
		sed -i 1d statuses
		exit "$status"
	END
	printf '#!/bin/sh\necho "$@" >>naps\n%s\n' "${1-}" >bin/sleep
	chmod +x bin/*
	python3 -B "$here/manifest.py" --script "$manifest" >script
	PATH=$PWD/bin:$PATH timeout 60 dash -c "$(cat script)" || status=$?
	return "$status"
}

@test "its script goes on after findings, and ends with trouble" {
	printf '%s\n' 0 1 3 1 2 0 >statuses
	run -2 run_script
	[[ $(cat statuses) == 0 ]]
	[[ $(sort -u calls) == '--format=prometheus --output=/textfile/lnkinspect.prom' ]]
	[[ $(wc -l <calls) == 5 && $(cat naps) == $'900\n900\n900\n900' ]]
}

@test "its script ends when it is told to, though it sleeps" {
	echo 1 >statuses
	# shellcheck disable=SC2016 # the stand-in's own: it tells the shell that waits for it
	run -0 run_script 'kill -TERM "$PPID"; exec /bin/sleep 2'
	[[ $(wc -l <calls) == 1 ]]
}

@test "the Containerfile installs what the program is linked with" {
	local library package
	: "${LNKINSPECT:?}"
	while read -r library; do
		package=$(dpkg -S "*/$library" | head -n 1 | cut -d : -f 1)
		[[ $package != libc6 ]] || continue
		grep -qw -e "$package" "$here/../../contrib/kubernetes/Containerfile" || fail "$library: $package"
	done < <(readelf -d "$LNKINSPECT" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	finish
}

@test "README.md says that it was not run" {
	grep -q '^\*\*Not run\.\*\*' "$here/../../contrib/kubernetes/README.md"
}
