/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-ndjson.c - rows of a table, one JSON object a line, for whoever asks a pile of machines
 *
 * Flat: each row has each column, a scalar, null where it is not known or means nothing for such a
 * row. schema/lnkinspect-ndjson.schema.json describes them; columns are only ever added.
 * Each finding is in one row: its link's, else its function's, else that of the capture.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report-json.h"

#define SCHEMA_VERSION 1

/* ---- Values --------------------------------------------------------------------------------- */

static json_t *count(const size_t *n)
{
	return n ? integer(*n) : json_null();
}

static json_t *known_id(const struct lnk_fn *f, enum lnk_reg r, unsigned value, unsigned digits)
{
	return f && lnk_knows(f, r) ? hex(value, digits) : json_null();
}

/* As lspci prints it: "00-11-22-33-44-55-66-77", the high half first. */
static json_t *serial(const struct lnk_fn *f)
{
	char s[8 * 3 + 1], *p = s;
	unsigned i;

	if (!f || !lnk_knows(f, LNK_R_DSNLO) || !lnk_knows(f, LNK_R_DSNHI))
		return json_null();
	for (i = 8; i-- > 0;) {
		uint32_t half = f->reg[i < 4 ? LNK_R_DSNLO : LNK_R_DSNHI];

		p = lnk_put_hex(p, half >> 8 * (i % 4), 2);
		*p++ = '-';
	}
	return json_stringn_nocheck(s, (size_t)(p - s) - 1);
}

static json_t *quirk(const struct lnk_fn *f, enum lnk_quirk q)
{
	return f ? json_boolean(f->quirks & q) : json_null();
}

static json_t *name(const struct lnk_view *v, const struct lnk_fn *f)
{
	struct lnk_arena a = {0};
	json_t *j = text(f ? lnk_fn_name(&a, v, f) : NULL);

	lnk_arena_free(&a);
	return j;
}

/* ---- The two ends --------------------------------------------------------------------------- */

enum { GTS, WIDTH, GBYTES };

/* Under @keys, in that order. */
static void set_link(json_t *o, const char *const keys[], bool known, unsigned speed,
		     unsigned width)
{
	uint32_t mbps = known ? lnk_rate_mbps(speed, width) : 0;

	known &= lnk_speed_legal(speed);
	set(o, keys[GTS],
	    known ? json_real((double)lnk_speed_transfers(speed) / 1e9) : json_null());
	set(o, keys[WIDTH], known ? integer(width) : json_null());
	set(o, keys[GBYTES], mbps ? json_real((double)mbps / 8000) : json_null());
}

static void set_links(json_t *o, const struct lnk_fn *f, const char *const max[],
		      const char *const current[])
{
	set_link(o, max, f && lnk_knows(f, LNK_R_MAXLINK), f ? f->max_speed : 0,
		 f ? f->max_width : 0);
	set_link(o, current, f && lnk_knows(f, LNK_R_CURLINK), f ? f->cur_speed : 0,
		 f ? f->cur_width : 0);
}

static void set_device(json_t *o, const struct lnk_view *v, const struct lnk_fn *f)
{
	static const char *const max[] = {"max_gts", "max_width", "max_gbytes_per_s"};
	static const char *const current[] = {"current_gts", "current_width",
					      "current_gbytes_per_s"};

	set(o, "address", address(f));
	set(o, "vendor_id", known_id(f, LNK_R_ID, f ? f->vendor : 0, 4));
	set(o, "device_id", known_id(f, LNK_R_ID, f ? f->device : 0, 4));
	set(o, "subsystem_vendor_id", known_id(f, LNK_R_SUBSYS, f ? f->subvendor : 0, 4));
	set(o, "subsystem_device_id", known_id(f, LNK_R_SUBSYS, f ? f->subdevice : 0, 4));
	set(o, "class_id", known_id(f, LNK_R_CLASS, f ? f->class24 : 0, 6));
	set(o, "class", text(f && lnk_knows(f, LNK_R_CLASS) ? lnk_class_name(f->class24) : NULL));
	set(o, "name", name(v, f));
	set(o, "driver", text(f && f->live ? f->live->driver : NULL));
	set(o, "serial", serial(f));
	set(o, "emulated", quirk(f, LNK_Q_EMULATED));
	set(o, "reach", text(f ? lnk_reach_token(f->reach) : NULL));
	set_links(o, f, max, current);
}

static void set_port(json_t *o, const struct lnk_view *v, const struct lnk_fn *f)
{
	static const char *const max[] = {"port_max_gts", "port_max_width",
					  "port_max_gbytes_per_s"};
	static const char *const current[] = {"port_current_gts", "port_current_width",
					      "port_current_gbytes_per_s"};

	set(o, "port_address", address(f));
	set(o, "port_vendor_id", known_id(f, LNK_R_ID, f ? f->vendor : 0, 4));
	set(o, "port_device_id", known_id(f, LNK_R_ID, f ? f->device : 0, 4));
	set(o, "port_name", name(v, f));
	set(o, "port_virtual", quirk(f, LNK_Q_VIRTUAL));
	set_links(o, f, max, current);
}

/* ---- The machine ---------------------------------------------------------------------------- */

/* The ends of names that say what a file is, and not whose. A dot is in host names, too. */
static const char *const endings[] = {".txt", ".log", ".out", ".lspci", ".dump", ".capture",
				      ".gz",  ".xz",  ".zst", ".bz2",	".lz4",	 ".tar",
				      ".tgz", ".zip", ".7z",  ".cpio"};

static size_t without_endings(const char *s, size_t n)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(endings); i++) {
		len = strlen(endings[i]);
		if (n > len && !strncmp(s + n - len, endings[i], len))
			return without_endings(s, n - len);
	}
	return n;
}

/* What it calls itself, else what its file is called; NULL: neither is known. */
static const char *machine_str(struct lnk_arena *a, const struct lnk_model *m)
{
	size_t n = lnk_source_length(m);
	const char *s = m->source, *slash;

	if (m->env.name || m->env.live)
		return m->env.name;
	while (n > 1 && s[n - 1] == '/')
		n--;
	slash = n ? memrchr(s, '/', n) : NULL;
	if (slash && n > 1) {
		n -= (size_t)(slash + 1 - s);
		s = slash + 1;
	}
	n = without_endings(s, n);
	if (!n || (n == 1 && *s == '-' && !slash))
		return m->part;
	return m->part ? lnk_strf(a, "%.*s/%s", (int)n, s, m->part) : lnk_strndup(a, s, n);
}

/* ---- Which finding is in which row ----------------------------------------------------------- */

/* Rows in the order in which they are written: the capture's, links', functions' of no link. */
struct entry {
	size_t row;
	const struct lnk_finding *finding;
};

struct table {
	struct lnk_arena arena;
	FILE *to;
	const struct lnk_view *view;
	const struct lnk_model *model;
	const char *machine;
	struct entry *entries; /* by row */
	size_t at;	       /* of those: the first that is not written yet */
	int rc;
};

/* As a link's verdict has it: a finding at one of its ends is the link's. */
static const struct lnk_link *link_of(const struct lnk_finding *f)
{
	const struct lnk_link *l = f->link;

	if (!l && f->fn)
		l = lnk_faces_down(f->fn) ? f->fn->below : f->fn->link;
	return l && l->below->shown ? l : NULL;
}

static size_t row_of(const struct lnk_model *m, const struct lnk_finding *f)
{
	const struct lnk_link *l = link_of(f);

	if (l)
		return 1 + (size_t)(l - m->links);
	return f->fn ? 1 + m->n_links + (size_t)(f->fn - m->fns) : 0;
}

/* Those of one row stay in the order of report. */
static int by_row(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return x->finding < y->finding ? -1 : x->finding > y->finding;
}

static void sort_findings(struct table *t)
{
	const struct lnk_model *m = t->model;
	size_t i;

	t->entries = lnk_xmalloc((m->n_findings + 1) * sizeof(*t->entries));
	for (i = 0; i < m->n_findings; i++)
		t->entries[i] = (struct entry){row_of(m, &m->findings[i]), &m->findings[i]};
	qsort(t->entries, m->n_findings, sizeof(*t->entries), by_row);
}

static const char *join(struct lnk_arena *a, const char *list, const char *id)
{
	return *list ? lnk_strf(a, "%s,%s", list, id) : id;
}

/* Those that belong to @row, which is the next one. */
static void set_findings(json_t *o, struct table *t, size_t row)
{
	const char *found = "", *expected = "", *worst = NULL;
	struct lnk_arena a = {0};
	size_t n = 0, n_expected = 0;

	for (; t->at < t->model->n_findings && t->entries[t->at].row == row; t->at++) {
		const struct lnk_finding *f = t->entries[t->at].finding;

		if (!n++)
			worst = lnk_severity_name(f->severity);
		found = join(&a, found, f->rule->id);
		if (f->held != LNK_HELD_EXPECTED)
			continue;
		n_expected++;
		expected = join(&a, expected, f->rule->id);
	}
	set(o, "findings", text(found));
	set(o, "n_findings", integer(n));
	set(o, "worst", text(worst));
	set(o, "expected", text(expected));
	set(o, "n_expected", integer(n_expected));
	lnk_arena_free(&a);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

/* What only the row of the capture has. */
struct totals {
	size_t n_fns, n_links, n_lost, n[LNK_ERROR + 1], status;
};

static void set_totals(json_t *o, const struct totals *n)
{
	set(o, "n_functions", count(n ? &n->n_fns : NULL));
	set(o, "n_links", count(n ? &n->n_links : NULL));
	set(o, "n_lost", count(n ? &n->n_lost : NULL));
	set(o, "n_errors", count(n ? &n->n[LNK_ERROR] : NULL));
	set(o, "n_warnings", count(n ? &n->n[LNK_WARNING] : NULL));
	set(o, "n_notices", count(n ? &n->n[LNK_NOTICE] : NULL));
	set(o, "n_infos", count(n ? &n->n[LNK_INFO] : NULL));
	set(o, "status", count(n ? &n->status : NULL));
}

static json_t *begin_row(const char *kind, const char *machine, const char *source)
{
	json_t *o = json_object();

	set(o, "schema", text(LNK_NAME "-ndjson"));
	set(o, "version", integer(SCHEMA_VERSION));
	set(o, "kind", text(kind));
	set(o, "machine", text(machine));
	set(o, "source", text(source));
	return o;
}

static void set_environment(json_t *o, const struct lnk_model *m)
{
	const struct lnk_env *e = m ? &m->env : NULL;

	set(o, "line", m && m->line ? integer(m->line) : json_null());
	set(o, "time", text(e ? e->time : NULL));
	set(o, "guest",
	    e && e->guest != LNK_GUEST_UNKNOWN ? json_boolean(e->guest == LNK_GUEST_YES) :
						 json_null());
	set(o, "hypervisor", text(e ? e->hypervisor : NULL));
	set(o, "product", text(e ? e->machine : NULL));
	set(o, "kernel", text(e ? e->kernel : NULL));
}

static int put(FILE *to, json_t *row)
{
	int rc = 0;

	errno = 0;
	if (json_dumpf(row, to, JSON_COMPACT | JSON_REAL_PRECISION(9)) || fputc('\n', to) == EOF)
		rc = errno ? -errno : -EIO;
	json_decref(row);
	return rc;
}

/* @l is a link and @f the device below it; or @f is a function of no link, or NULL as well. */
static json_t *make_row(const struct table *t, const char *kind, const struct lnk_link *l,
			const struct lnk_fn *f)
{
	const struct lnk_fn *port = l ? l->above : NULL;
	struct lnk_arena a = {0};
	json_t *o = begin_row(kind, t->machine, t->model->source);
	char at[LNK_ADDR_LEN], above[LNK_ADDR_LEN];
	const char *ends = NULL;

	if (l)
		ends = lnk_addr_str(f->addr, at);
	if (port)
		ends = lnk_strf(&a, "%s>%s", lnk_addr_str(port->addr, above), at);
	set_environment(o, t->model);
	set(o, "link", text(ends));
	set_device(o, t->view, f);
	set_port(o, t->view, port);
	set(o, "state", text(l ? lnk_state_token(l->state) : NULL));
	set(o, "verdict", text(l ? lnk_verdict_token(l->verdict) : NULL));
	set(o, "lost", l ? json_boolean(l->lost) : json_null());
	lnk_arena_free(&a);
	return o;
}

static void put_row(struct table *t, json_t *o, size_t row, const struct totals *n)
{
	set_findings(o, t, row);
	set_totals(o, n);
	if (t->rc)
		json_decref(o);
	else
		t->rc = put(t->to, o);
}

static void put_machine(struct table *t)
{
	const struct lnk_model *m = t->model;
	struct totals n = {.n_lost = m->n_lost, .status = (size_t)lnk_status(m, t->view)};
	size_t i;

	lnk_count_shown(m, &n.n_fns, &n.n_links);
	for (i = 0; i < m->n_findings; i++)
		n.n[m->findings[i].severity]++;
	put_row(t, make_row(t, "capture", NULL, NULL), 0, &n);
}

static void put_links(struct table *t)
{
	const struct lnk_model *m = t->model;
	size_t i;

	for (i = 0; i < m->n_links; i++)
		if (m->links[i].below->shown)
			put_row(t, make_row(t, "link", &m->links[i], m->links[i].below), 1 + i,
				NULL);
}

/* Those of which something was found, and which are at no link that is shown. */
static void put_functions(struct table *t)
{
	const struct lnk_model *m = t->model;

	while (t->at < m->n_findings) {
		size_t row = t->entries[t->at].row;

		put_row(t, make_row(t, "function", NULL, &m->fns[row - 1 - m->n_links]), row, NULL);
	}
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct table t = {.to = to, .view = v, .model = m};

	t.machine = machine_str(&t.arena, m);
	sort_findings(&t);
	put_machine(&t);
	put_links(&t);
	put_functions(&t);
	free(t.entries);
	lnk_arena_free(&t.arena);
	return t.rc;
}

/* ---- What is expected, and not there -------------------------------------------------------- */

static json_t *missing_row(const struct lnk_expect_item *item, const char *machine,
			   const char *source)
{
	bool looked = item->state == LNK_EXPECT_MISSING;
	json_t *o = begin_row("missing", machine, source);

	set_environment(o, NULL);
	set(o, "link", text(strchr(item->text, '@') + 1));
	set_device(o, NULL, NULL);
	set_port(o, NULL, NULL);
	set(o, "state", json_null());
	set(o, "verdict", text(lnk_verdict_token(looked ? LNK_PASS : LNK_SKIPPED)));
	set(o, "lost", json_null());
	set(o, "findings", text(""));
	set(o, "n_findings", integer(0));
	set(o, "worst", json_null());
	set(o, "expected", text(item->rule->id));
	set(o, "n_expected", integer(1));
	set_totals(o, NULL);
	return o;
}

static int put_expectation(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	struct lnk_arena a = {0};
	const char *machine = machine_str(&a, e->model);
	int rc = 0;
	size_t i;

	(void)v;
	for (i = 0; i < e->n_items && !rc; i++)
		if (e->items[i].state != LNK_EXPECT_FOUND)
			rc = put(to, missing_row(&e->items[i], machine, e->model->source));
	lnk_arena_free(&a);
	return rc;
}

/* ---- The format ----------------------------------------------------------------------------- */

const struct lnk_format lnk_format_ndjson = {
	.name = "ndjson",
	.help = "rows for tables, one a line: schema lnkinspect-ndjson, version 1",
	.write = put_capture,
	.expect = put_expectation,
};
