#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# prometheus.bats - what --format=prometheus writes, judged by promtool; the rules of contrib/prometheus,
# by promtool and by a Prometheus that scrapes node_exporter
#
# Two machines: one with what the origin case says, one with what a healthy guest does. Each has a
# node_exporter of its own that reads a folder as --output left it. All of it on 127.0.0.1, at ports
# that were free; nothing is asked of time but that it passes.

bats_require_minimum_version 1.5.0
load ../failures

port=0000:00:01.0
device=0000:01:00.0

# A port that nobody listens at.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Starts $2 and its arguments; what it says goes to $1.log, its process is noted.
start() {
	local name=$1
	shift
	"$@" >"$BATS_FILE_TMPDIR/$name.log" 2>&1 </dev/null 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/pids"
}

# node_exporter for the machine $1, which has $DIR/$1/lnkinspect.prom; its address becomes $address.
start_node() {
	address=127.0.0.1:$(free_port)
	start "node-$1" prometheus-node-exporter --web.listen-address="$address" \
		--collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$BATS_FILE_TMPDIR/$1"
}

# What the machine $1 would write as its own: the metrics of the fixture $2.
look() {
	local status=0
	"$LNKINSPECT" --format=prometheus -F "$FIXTURES/$2/input" \
		--output="$BATS_FILE_TMPDIR/$1/lnkinspect.prom" || status=$?
	((status <= 1))
}

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export RULES=$BATS_TEST_DIRNAME/../../contrib/prometheus LC_ALL=C.UTF-8
	local name address
	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir sick healthy
	look sick origin
	look healthy qemu-consistent
	# As it is shipped, but for how long a finding must stand before it is an alert.
	sed 's/^\( *for: \).*/\10s/' "$RULES/lnkinspect.rules.yml" >lnkinspect.rules.yml
	! cmp -s lnkinspect.rules.yml "$RULES/lnkinspect.rules.yml"
	{
		printf 'global: {scrape_interval: 1s, evaluation_interval: 1s}\n'
		printf 'rule_files: [lnkinspect.rules.yml]\n'
		printf 'scrape_configs:\n  - job_name: node\n    static_configs:\n'
		for name in sick healthy; do
			start_node $name
			printf '      - {targets: ["%s"], labels: {instance: %s}}\n' "$address" $name
		done
	} >prometheus.yml
	promtool check config prometheus.yml
	PROMETHEUS=127.0.0.1:$(free_port)
	export PROMETHEUS
	start prometheus prometheus --config.file=prometheus.yml --storage.tsdb.path=data \
		--web.listen-address="$PROMETHEUS"
}

teardown_file() {
	local pid
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$BATS_FILE_TMPDIR/pids"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Asks Prometheus' API for $1 and its arguments; the answer into ./answer.
ask() {
	local path=$1
	shift
	python3 - "http://$PROMETHEUS/api/v1/$path" "$@" >answer <<-'PYTHON'
		import sys, urllib.parse, urllib.request
		url, arguments = sys.argv[1], [tuple(a.split("=", 1)) for a in sys.argv[2:]]
		with urllib.request.urlopen(url + "?" + urllib.parse.urlencode(arguments), timeout=10) as r:
		    sys.stdout.write(r.read().decode())
	PYTHON
}

# Asks again and again, until jq's expression $1 is true of the answer; two minutes are enough for any
# machine.
until_true() {
	local condition=$1 end=$((SECONDS + 120))
	shift
	until ask "$@" 2>err && jq -e "$condition" answer >/dev/null; do
		if ((SECONDS > end)); then
			fail "$*: never $condition: $(cat err) $(jq -c . answer | head -c 2000)"
			return 1
		fi
		sleep 0.2
	done
}

# Everything was scraped, and all rules evaluated twice since now.
all_settled() {
	local now
	now=$(date -u +%FT%T)
	until_true "[.data.activeTargets[] | select(.health == \"up\" and .lastScrape[:19] > \"$now\")] |
		length == 2" targets || return
	now=$(date -u +%FT%T)
	until_true "[.data.groups[].rules[] | select(.health == \"ok\" and .lastEvaluation[:19] > \"$now\")] |
		length == 9" rules
}

# The alerts of the machine $1, pending or firing, are $2: a line each, "NAME STATE"
alerts() {
	local got
	ask alerts
	got=$(jq -r ".data.alerts[] | select(.labels.instance == \"$1\") |
		\"\(.labels.alertname) \(.state)\"" answer | sort)
	[[ $got == "$2" ]] || fail "$1: alerts: $got; not: $2"
}

# The query $1 gives the one value $2.
value() {
	ask query query="$1"
	local got
	got=$(jq -r '[.data.result[].value[1]] | join(" ")' answer)
	[[ $got == "$2" ]] || fail "$1 is \"$got\", not \"$2\""
}

@test "promtool has nothing against the metrics of any fixture" {
	local input status n=0
	for input in "$FIXTURES"/*/input; do
		status=0
		"$LNKINSPECT" --format=prometheus -F "$input" >prom 2>err || status=$?
		((status != 2)) || continue
		n=$((n + 1))
		promtool check metrics <prom >out 2>&1 || fail "$input: $(head -n 3 out)"
		[[ ! -s out ]] || fail "$input: $(head -n 3 out)"
	done
	((n > 300)) || fail "$n fixtures"
	# It can say no.
	sed '$s/ 1$/ x/' "$BATS_FILE_TMPDIR/sick/lnkinspect.prom" >prom
	! promtool check metrics <prom >out 2>&1 || fail 'it takes anything'
	finish
}

@test "promtool has nothing against the rules, and their tests pass" {
	local change
	promtool check rules "$RULES/lnkinspect.rules.yml" >out 2>&1 || fail "$(cat out)"
	grep -q 'SUCCESS: 9 rules found' out || fail "$(cat out)"
	promtool test rules "$RULES/lnkinspect.rules.test.yml" >out 2>&1 || fail "$(cat out)"
	# The tests can fail, of each rule.
	cp "$RULES"/*.yml .
	while IFS= read -r change; do
		sed "$change" "$RULES/lnkinspect.rules.yml" >lnkinspect.rules.yml
		! cmp -s lnkinspect.rules.yml "$RULES/lnkinspect.rules.yml" || fail "$change changes nothing"
		! promtool test rules lnkinspect.rules.test.yml >out 2>&1 || fail "$change passes"
	done <<-'END'
		s|/ ignoring|* ignoring|
		s/id="LNK001", severity="error", expected!="true"/id="LNK001", severity="error"/
		/LnkinspectPortLies/,/for:/s/15m/10m/
		/unless on (job, instance, device)/,+1d
		s/LNK20\[1-4\]", severity="warning",/LNK20[2-4]", severity="warning",/
		s/id!~"LNK001|LNK9..", severity="error"/severity="error"/
		s/|LNK9..", severity="warning"/", severity="warning"/
		s/ or lnkinspect_links_lost > 0//
		s/lnkinspect_status == 3 or //
		s/lnkinspect_status == 2/lnkinspect_status == 1/
		s/2 \* 86400/3 * 86400/
		s/lnkinspect\[.\]prom/.*/
		/and on (job, instance) up == 1/d
		/unless lnkinspect_status/d
	END
	finish
}

@test "the origin case: the alert fires, and it alone" {
	until_true '[.data.alerts[] | select(.labels.alertname == "LnkinspectPortLies" and
		.state == "firing")] | length == 1' alerts || finish
	jq -e '.data.alerts[] | select(.labels.alertname == "LnkinspectPortLies") |
		.labels.instance == "sick" and .labels.severity == "critical" and
		.annotations.summary == "sick: 0000:01:00.0 runs faster than its port 0000:00:01.0 says is possible"' \
		answer >/dev/null || fail "labels: $(jq -c . answer)"
	all_settled
	alerts sick 'LnkinspectPortLies firing'
	finish
}

@test "a healthy guest: scraped, judged by each rule, and silent" {
	all_settled
	value 'lnkinspect_status{instance="healthy"}' 0
	value 'up{instance="healthy"}' 1
	value 'node_textfile_scrape_error{instance="healthy"}' 0
	value 'count(lnkinspect_finding{instance="healthy"})' ''
	value 'sum(lnkinspect_findings{instance="healthy"})' 0
	value 'sum(lnkinspect_links{instance="healthy",state="up"}) > bool 0' 1
	value 'lnkinspect_rule_checks{instance="healthy",id="LNK001",verdict="pass"} > bool 0' 1
	alerts healthy ''
	finish
}

@test "the figures of the origin case, as Prometheus has them" {
	local at="instance=\"sick\",port=\"$port\",device=\"$device\""
	until_true '.data.result | length == 1' query query='lnkinspect_status{instance="sick"}' || finish
	# LNKCAP 00000411 above: 2.5 GT/s x1, 2 Gb/s; LNKSTA 0103 below: 8 GT/s x16, 16 * 7.876 Gb/s.
	value "lnkinspect_link_max_transfers_per_second{$at,end=\"port\"}" 2500000000
	value "lnkinspect_link_max_width_lanes{$at,end=\"port\"}" 1
	value "lnkinspect_link_max_bytes_per_second{$at,end=\"port\"}" 250000000
	value "lnkinspect_link_current_transfers_per_second{$at,end=\"device\"}" 8000000000
	value "lnkinspect_link_current_width_lanes{$at,end=\"device\"}" 16
	value "lnkinspect_link_current_bytes_per_second{$at,end=\"device\"}" 15752000000
	value 'lnkinspect_links{instance="sick",state="up"}' 1
	value 'count(lnkinspect_finding{instance="sick"})' 2
	value 'lnkinspect_status{instance="sick"}' 1
	until_true '.data.result | length == 1' query "query=lnkinspect:link_port_share:ratio{$at}"
	value "round(1 / lnkinspect:link_port_share:ratio{$at})" 63
	value "count by (device) (lnkinspect_link_info{$at,port_virtual=\"true\"})" 1
	value 'node_textfile_scrape_error{instance="sick"}' 0
	value 'count(node_textfile_mtime_seconds{file=~".*/lnkinspect.prom"})' 2
	finish
}

# These change what the ones above look at: they are the last.
@test "mended, the alert ends" {
	look sick qemu-origin-mended
	until_true '[.data.alerts[] | select(.labels.instance == "sick")] | length == 0' alerts || finish
	all_settled
	value 'lnkinspect_status{instance="sick"}' 0
	alerts sick ''
	finish
}

@test "a file that nobody writes any more is stale; one that is gone is said" {
	touch -d '3 days ago' "$BATS_FILE_TMPDIR/sick/lnkinspect.prom"
	until_true '[.data.alerts[] | select(.labels.alertname == "LnkinspectStale" and
		.labels.instance == "sick" and .state == "firing")] | length == 1' alerts || finish
	rm "$BATS_FILE_TMPDIR/sick/lnkinspect.prom"
	until_true '[.data.alerts[] | select(.labels.alertname == "LnkinspectGone" and
		.labels.instance == "sick" and .state == "firing")] | length == 1' alerts || finish
	all_settled
	alerts healthy ''
	finish
}
