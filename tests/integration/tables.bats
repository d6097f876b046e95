#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tables.bats - sqlite3 reads the rows of --format=ndjson by contrib/fleet/load.sql, and the queries of
# contrib/fleet/README.md give what is here by hand
#
# Six machines. Speeds and widths are those of the fixtures' READMEs; a lane of 2.5, 8 and 32 GT/s
# carries 2000, 7876 and 31507 Mb/s.

bats_require_minimum_version 1.5.0
load ../failures

machines='vm-1 origin
vm-2 qemu-consistent
vm-3 lnk201-gpu-on-root-bus
vm-4 compare-guest-legacy
host-1 lnk005-lanes-lost
host-2 lnk901-headers-only'

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export FLEET=$BATS_TEST_DIRNAME/../../contrib/fleet LC_ALL=C.UTF-8
	local machine fixture status=0
	mkdir "$BATS_FILE_TMPDIR/captures"
	cd "$BATS_FILE_TMPDIR" || return 1
	while read -r machine fixture; do
		cp "$FIXTURES/$fixture/input" "captures/$machine.txt"
	done <<<"$machines"
	# As the README has it.
	grep -qxF "\$ lnkinspect --format=ndjson -j0 -F captures/*.txt -o fleet.ndjson" "$FLEET/README.md"
	"$LNKINSPECT" --format=ndjson -j0 -F captures/*.txt -o fleet.ndjson || status=$?
	((status == 1))
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
}

# What sqlite3 makes of the SQL $1, into $output; words of trouble are trouble.
query() {
	output=$(sqlite3 -batch -init "$FLEET/load.sql" :memory: "$1" 2>"$BATS_TEST_TMPDIR/err") ||
		fail "$1: $(cat "$BATS_TEST_TMPDIR/err")"
	! grep -i error "$BATS_TEST_TMPDIR/err" || fail "$1: $(cat "$BATS_TEST_TMPDIR/err")"
}

# The first query of the README with $1 in it gives $2.
readme_gives() {
	local sql=''
	sql=$(awk -v word="$1" '
		$0 == "```sql" { inside = 1; block = ""; next }
		inside && $0 == "```" { inside = 0; if (index(block, word)) { printf "%s", block; exit } next }
		inside { block = block $0 "\n" }' "$FLEET/README.md")
	[[ -n $sql ]] || fail "no query with $1"
	query "$sql"
	[[ $output == "$2" ]] || fail "$1 gives:
$output"
}

@test "each query of the README, and what it must give" {
	# Links are those with a device; of host-2 the 64 bytes of its functions alone were read.
	readme_gives 'SELECT machine, hypervisor' 'host-1||1|0|1|1
host-2||1|0|1|3
vm-1|QEMU|1|1|1|1
vm-2|QEMU|2|0|0|0
vm-3|QEMU|0|0|1|1
vm-4|QEMU|2|2|2|1'
	# Ports of one lane at 2.5 GT/s; 32 GT/s x16, 8 GT/s x16, 8 GT/s x8.
	readme_gives LNK001 'vm-4|0000:00:01.0>0000:01:00.0|10de:2330|0.25|63.014
vm-1|0000:00:01.0>0000:01:00.0|8086:0d93|0.25|15.752
vm-4|0000:00:02.0>0000:02:00.0|15b3:1017|0.25|7.876'
	# Of 15b3:1017 there is one with eight of sixteen lanes (host-1), and one with eight of eight.
	readme_gives 'AS narrow' '10de:2330|1|0|0
144d:a808|1||1
15b3:1017|2|1|0
8086:0d93|3|0|0'
	readme_gives json_each 'LNK001|2|3
LNK005|1|1
LNK201|1|1
LNK203|2|3
LNK404|1|1
LNK901|1|1'
	readme_gives 'status = 3' 'host-2|1|1|3'
	(($(grep -c '^```sql$' "$FLEET/README.md") == 5)) || fail 'a query that is not tried'
	finish
}

@test "the view has the columns of the schema, and each cell is what the row says" {
	local schema=$FLEET/../../schema/lnkinspect-ndjson.schema.json
	query "SELECT group_concat(name, ' ') FROM pragma_table_info('pcie')"
	[[ $output == "$(jq -r '.required | join(" ")' "$schema")" ]] || fail "columns: $output"
	query 'SELECT count(*) FROM pcie'
	[[ $output == "$(wc -l <fleet.ndjson)" ]] || fail "$output rows"
	# Back to JSON: true and false have become 1 and 0, and nothing else is another.
	sqlite3 -batch -init "$FLEET/load.sql" :memory: '.mode json' 'SELECT * FROM pcie' 2>/dev/null |
		jq -cS '.[]' >"$BATS_TEST_TMPDIR/got"
	jq -cS 'map_values(if . == true then 1 elif . == false then 0 else . end)' fleet.ndjson |
		diff "$BATS_TEST_TMPDIR/got" - || fail 'cells'
	finish
}

@test "names with quotes, bars and separators come through" {
	cd "$BATS_TEST_TMPDIR" || return 1
	sed 's/Samsung.*\[NVM Express\])$/Evil "x", | it'"'"'s \\ {1,2} \xc3\xbc/' \
		"$FIXTURES/lnk905-text-lanes/input" >'a, "b".txt'
	"$LNKINSPECT" --format=ndjson -F 'a, "b".txt' -o fleet.ndjson || true
	query "SELECT machine || ':' || name FROM pcie WHERE kind = 'link'"
	[[ $output == 'a, "b":Evil "x", | it'"'"'s \ {1,2} ü' ]] || fail "$output"
	finish
}

@test "DuckDB's view has the columns of the schema, with its types" {
	python3 - "$FLEET" <<-'PYTHON' || fail 'they differ'
		import json, re, sys
		fleet = sys.argv[1]
		with open(fleet + "/../../schema/lnkinspect-ndjson.schema.json") as f:
		    schema = json.load(f)
		with open(fleet + "/load-duckdb.sql") as f:
		    columns = re.findall(r"^\t(\w+): '(\w+)',?$", f.read(), re.M)
		assert [name for name, _ in columns] == schema["required"], columns
		kinds = {"VARCHAR": str, "BOOLEAN": bool, "BIGINT": int, "DOUBLE": (int, float)}
		seen = set()
		with open("fleet.ndjson") as f:
		    for row in map(json.loads, f):
		        for name, kind in columns:
		            value = row[name]
		            if value is None:
		                continue
		            seen.add(name)
		            assert isinstance(value, kinds[kind]), (name, kind, value)
		            assert (kind == "BOOLEAN") == isinstance(value, bool), (name, kind, value)
		# Of most columns there is a value here.
		assert len(seen) > 50, len(seen)
	PYTHON
	finish
}
