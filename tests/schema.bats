#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# schema.bats - what --json prints is what schema/lnkinspect.schema.json describes, to the last key
#
# python3-jsonschema is the judge. All fixtures go into one document, as several -F do: one process
# prints it, one reads it.

bats_require_minimum_version 1.5.0
load failures

setup_file() {
	: "${LNKINSPECT:?}" "${FIXTURES:?}"
	export SCHEMA=$BATS_TEST_DIRNAME/../schema/lnkinspect.schema.json
	export JUDGE=$BATS_FILE_TMPDIR/judge.py
	cat >"$JUDGE" <<-'PYTHON'
		"""judge.py FILE...: what is wrong with these documents, one line each; the schema is $SCHEMA"""
		import json, os, sys
		from jsonschema import Draft202012Validator, validators

		def pairs(items):
		    names = [name for name, value in items]
		    if len(names) != len(set(names)):
		        raise ValueError(f"a key twice among {sorted(names)}")
		    return dict(items)

		def constant(name):
		    raise ValueError(f"{name} is no JSON")

		def load(file):
		    with open(file, encoding="utf-8") as f:
		        return json.load(f, object_pairs_hook=pairs, parse_constant=constant)

		# The same objects come again and again: what was found valid once is not judged again.
		valid = set()

		def ref(validator, target, instance, schema):
		    if not isinstance(instance, (dict, list)):
		        yield from Draft202012Validator.VALIDATORS["$ref"](validator, target, instance, schema)
		        return
		    seen = target, json.dumps(instance)
		    if seen in valid:
		        return
		    wrong = list(Draft202012Validator.VALIDATORS["$ref"](validator, target, instance, schema))
		    if not wrong:
		        valid.add(seen)
		    yield from wrong

		schema = load(os.environ["SCHEMA"])
		Draft202012Validator.check_schema(schema)
		validator = validators.extend(Draft202012Validator, {"$ref": ref})(schema)

		def name(document, path):
		    """Which input it was: a path into captures[] tells the number only."""
		    if len(path) > 1 and path[0] == "captures":
		        return document["captures"][path[1]].get("source")
		    return "the document"

		def judge(file):
		    try:
		        document = load(file)
		    except ValueError as e:
		        return [f"{file}: {e}"]
		    return [f"{file}: {name(document, list(e.absolute_path))}: {e.json_path}: {e.message[:200]}"
		            for e in validator.iter_errors(document)]

		if __name__ == "__main__":
		    wrong = [line for file in sys.argv[1:] for line in judge(file)]
		    print("\n".join(wrong[:40]))
		    sys.exit(bool(wrong or not sys.argv[1:]))
	PYTHON
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Writes the JSON of a run with the arguments behind $1 to file $1. The document names the status that
# the program had.
document() {
	local status=0 file=$1
	shift
	"$LNKINSPECT" --json "$@" >"$file" 2>err </dev/null || status=$?
	((status <= 3)) || fail "$*: status $status: $(head -n 3 err)"
	[[ $(jq .status "$file") == "$status" ]] || fail "$*: status $status, and $(jq .status "$file")"
}

# The document of all fixtures with the options behind $1 in file $1: one capture for each, and more
# for those with several snapshots.
document_of_all() {
	local file=$1 input inputs=()
	shift
	for input in "$FIXTURES"/*/input; do
		inputs+=(-F "$input")
	done
	((${#inputs[@]} > 200)) || fail "too few fixtures"
	document "$file" "$@" "${inputs[@]}"
	[[ ! -s err ]] || fail "$*: $(head -n 3 err)"
	diff <(printf '%s\n' "$FIXTURES"/*/input) <(jq -r '.captures[].source' "$file" | uniq) ||
		fail "$*: not every fixture is in the document"
}

@test "the schema is a schema, of the draft that it names" {
	[[ $(jq -r '."$schema"' "$SCHEMA") == https://json-schema.org/draft/2020-12/schema ]]
	jq -e '."$id" and .title' "$SCHEMA"
	python3 - <<-'PYTHON'
		import json, os
		from jsonschema import Draft202012Validator
		schema = json.load(open(os.environ["SCHEMA"]))
		Draft202012Validator.check_schema(schema)

		# Every reference leads somewhere, everything defined is used, every object is closed, and
		# what is required is described.
		used, open_ = set(), []
		def look(node, at):
		    if isinstance(node, list):
		        for i, n in enumerate(node):
		            look(n, f"{at}[{i}]")
		    if not isinstance(node, dict):
		        return
		    if "$ref" in node:
		        used.add(node["$ref"])
		    if node.get("type") == "object":
		        if "properties" in node and node.get("additionalProperties") is not False:
		            open_.append(at)
		        if "properties" not in node and "propertyNames" not in node:
		            open_.append(at)
		        missing = set(node.get("required", ())) - set(node.get("properties", ()))
		        assert not missing, f"{at} requires {missing}"
		    for key, n in node.items():
		        look(n, f"{at}.{key}")
		look(schema, "$")
		assert not open_, open_
		defined = {f"#/$defs/{name}" for name in schema["$defs"]}
		assert used == defined, used ^ defined
	PYTHON
}

@test "the JSON of every fixture is valid: plain, with -v, with -n" {
	document_of_all plain.json
	document_of_all verbose.json -v
	document_of_all numbers.json -n
	python3 "$JUDGE" plain.json verbose.json numbers.json || fail "invalid"
	# -v adds every verdict, in each capture, and takes nothing away.
	jq -e 'all(.captures[]; has("results") | not)' plain.json >/dev/null || fail "results without -v"
	jq -e 'all(.captures[]; .results | length > 0)' verbose.json >/dev/null || fail "-v: no results"
	jq -c 'del(.captures[].results)' verbose.json | cmp - <(jq -c . plain.json) ||
		fail "-v: something else than results"
	# -n takes the names away, and nothing else.
	jq -c 'del(.captures[].functions[] | .vendor_name, .device_name)' plain.json |
		cmp - <(jq -c 'del(.captures[].functions[] | .vendor_name, .device_name)' numbers.json) ||
		fail "-n: something else than names"
	jq -e 'all(.captures[].functions[]; .vendor_name == null and .device_name == null)' \
		numbers.json >/dev/null || fail "-n: names"
	finish
}

@test "so is that of this machine, of a tree, of two inputs, of one that cannot be read" {
	mkdir -p tree/devices/0000:00:00.0
	printf '\x86\x80\xc0\x29' >tree/devices/0000:00:00.0/config
	document live.json
	document live-v.json -v
	document tree.json -O sysfs.path="$PWD/tree"
	document two.json -F "$FIXTURES/origin/input" -F "$FIXTURES/lnk904-two-snapshots/input"
	document half.json -F "$FIXTURES/origin/input" -F missing
	document nothing.json -F missing
	document selected.json -F "$FIXTURES/topo-desktop/input" -s 01:00.0
	document nobody.json -F "$FIXTURES/topo-desktop/input" -s 77:
	document compared.json -F "$FIXTURES/compare-guest-legacy/input" \
		--compare "$FIXTURES/compare-host/input"
	document changed.json -F "$FIXTURES/qemu-origin-mended/input" \
		--compare "$FIXTURES/qemu-origin-legacy/input"
	document nothing-compared.json -F "$FIXTURES/origin/input" \
		--compare "$FIXTURES/compare-host/input"
	printf '%s\n' LNK001@00:01.0 LNK002@1:02:03.0 LNK005@00:01.0\>01:00.0 LNK902@- >list
	document expected.json -F "$FIXTURES/origin/input" --expect=list
	document cannot-tell.json -F "$FIXTURES/lnk903-port-alone/input" --expect=list
	echo none >list
	document as-expected.json -F "$FIXTURES/qtest-gen3x16-ep-modern-rp/input" --expect=list
	document never.json -F "$FIXTURES/origin/input" --fail-on=never
	python3 "$JUDGE" ./*.json || fail "invalid"
	[[ $(jq '.captures | length' live.json two.json half.json nothing.json | xargs) == "1 3 1 0" ]] ||
		fail "$(jq '.captures | length' live.json two.json half.json nothing.json | xargs)"
	finish
}

@test "the judge can say no: each key in each place is needed, and no other is taken" {
	# Between them these have every object that there is: links, paths, findings with and without
	# registers, damage, skips, results.
	document many.json -v -F "$FIXTURES/origin/input" -F "$FIXTURES/lnk902-lost-registers/input" \
		-F "$FIXTURES/lnk905-text-lanes/input"
	python3 "$JUDGE" many.json || fail "invalid"
	# A key twice, half a document, no file.
	sed 's/{"source":/{"line":null,"source":/' many.json >double
	! python3 "$JUDGE" double || fail "a key twice passes"
	head -c 1000 many.json >half
	! python3 "$JUDGE" half || fail "half a document passes"
	! python3 "$JUDGE" || fail "no document passes"
	PYTHONPATH=$BATS_FILE_TMPDIR python3 - <<-'PYTHON' || fail "something passes"
		import copy, sys
		from judge import load, schema, validator

		document = load("many.json")
		maps = {"registers", "origins", "counts"}  # any of the names that they may hold
		optional = {("captures", "results")}
		places, wrong = {}, []

		def walk(node, path, shape):
		    if isinstance(node, dict):
		        places.setdefault(shape, path)
		        for key, n in node.items():
		            walk(n, path + [key], shape if shape and shape[-1] in maps else shape + (key,))
		    elif isinstance(node, list):
		        for i, n in enumerate(node):
		            walk(n, path + [i], shape)
		walk(document, [], ())

		def reach(path):
		    d = copy.deepcopy(document)
		    node = d
		    for step in path:
		        node = node[step]
		    return d, node

		tried = 0
		for shape, path in places.items():
		    d, node = reach(path)
		    keys = list(node)
		    node["extra"] = None
		    tried += 1
		    if validator.is_valid(d):
		        wrong.append(f"{shape}: a key more")
		    for key in keys:
		        d, node = reach(path)
		        del node[key]
		        tried += 1
		        may_go = (shape and shape[-1] in maps) or shape + (key,) in optional
		        if validator.is_valid(d) != bool(may_go):
		            wrong.append(f"{shape}: without {key}")
		        d, node = reach(path)
		        node[key] = {"extra": None}
		        if validator.is_valid(d):
		            wrong.append(f"{shape}: {key} is anything")
		print("\n".join(wrong))
		print(f"{len(places)} kinds of object, {tried} documents tried", file=sys.stderr)
		sys.exit(bool(wrong) or len(places) < 20 or tried < 120)
	PYTHON
	finish
}
