/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-prometheus.c - one machine in Prometheus' text format 0.0.4, for node_exporter's textfile
 * collector
 *
 * Families in one piece, gauges all, in base units: bytes, transfers and lanes. What is not known
 * has no sample, and is never 0. Labels that can change though nothing was moved (names, drivers)
 * stand in families that end in "_info", so that the others keep their series.
 */
#include <inttypes.h>
#include <string.h>

#include "lnkinspect.h"

#define PREFIX LNK_NAME "_"

/* ---- The text format ------------------------------------------------------------------------ */

static void put_family(FILE *to, const char *name, const char *help)
{
	fprintf(to, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s gauge\n", name, help, name);
}

/* Text in a model is clean UTF-8: backslash, quote and newline are what must not stand in it. */
static void put_label(FILE *to, const char *before, const char *name, const char *value)
{
	size_t n = strcspn(value, "\\\"\n");

	fprintf(to, "%s%s=\"", before, name);
	for (; value[n]; value += n + 1, n = strcspn(value, "\\\"\n"))
		fprintf(to, "%.*s\\%c", (int)n, value, value[n] == '\n' ? 'n' : value[n]);
	fprintf(to, "%s\"", value);
}

/* An empty value is as good as no label. */
static void put_next_label(FILE *to, const char *name, const char *value)
{
	put_label(to, ",", name, value ? value : "");
}

static void put_id(FILE *to, const char *name, bool is_known, unsigned value, unsigned digits)
{
	char hex[9] = "";

	if (is_known)
		*lnk_put_hex(hex, value, digits) = '\0';
	put_next_label(to, name, hex);
}

static void put_value(FILE *to, uint64_t value)
{
	fprintf(to, "} %" PRIu64 "\n", value);
}

static void put_alone(FILE *to, const char *name, const char *help, uint64_t value)
{
	put_family(to, name, help);
	fprintf(to, PREFIX "%s %" PRIu64 "\n", name, value);
}

/* One of a family whose members differ in one label. */
static void put_counted(FILE *to, const char *name, const char *label, const char *value,
			uint64_t n)
{
	fprintf(to, PREFIX "%s", name);
	put_label(to, "{", label, value);
	put_value(to, n);
}

/* ---- The machine ---------------------------------------------------------------------------- */

static void put_machine(FILE *to, const struct lnk_env *e)
{
	static const char *const guest[] = {
		[LNK_GUEST_UNKNOWN] = "",
		[LNK_GUEST_NO] = "false",
		[LNK_GUEST_YES] = "true",
	};

	put_family(to, "machine_info", "What was looked at, as far as it is known.");
	fputs(PREFIX "machine_info", to);
	put_label(to, "{", "guest", guest[e->guest]);
	put_next_label(to, "hypervisor", e->hypervisor);
	put_next_label(to, "accel", e->accel);
	put_next_label(to, "product", e->machine);
	put_next_label(to, "kernel", e->kernel);
	put_value(to, 1);
}

static void put_functions(FILE *to, const struct lnk_model *m)
{
	uint64_t n[LNK_REACHES] = {0};
	size_t i;

	put_family(to, "functions", "Functions that were looked at, by how much could be read.");
	for (i = 0; i < m->n_fns; i++)
		n[m->fns[i].reach] += m->fns[i].shown;
	for (i = 0; i < LNK_REACHES; i++)
		if (lnk_reach_token((unsigned)i))
			put_counted(to, "functions", "reach", lnk_reach_token((unsigned)i), n[i]);
}

/* ---- Links ---------------------------------------------------------------------------------- */

static void put_link(FILE *to, const char *family, const struct lnk_link *l)
{
	char at[LNK_ADDR_LEN];

	fprintf(to, PREFIX "%s", family);
	put_label(to, "{", "port", l->above ? lnk_addr_str(l->above->addr, at) : "");
	put_next_label(to, "device", lnk_addr_str(l->below->addr, at));
}

static bool is_shown(const struct lnk_link *l)
{
	return l->below->shown;
}

static void put_states(FILE *to, const struct lnk_model *m)
{
	uint64_t n[LNK_DOWN + 1] = {0};
	size_t i;

	put_family(to, "links", "Links with a device, by state.");
	for (i = 0; i < m->n_links; i++)
		n[m->links[i].state] += is_shown(&m->links[i]);
	for (i = 0; i < ARRAY_SIZE(n); i++) {
		const char *state = lnk_state_token((unsigned)i);

		put_counted(to, "links", "state", state ? state : "unknown", n[i]);
	}
}

static void put_lost(FILE *to, const struct lnk_model *m)
{
	size_t i;

	put_family(to, "link_lost",
		   "Whether it cannot be told what the link is, for want of one of its ends.");
	for (i = 0; i < m->n_links; i++) {
		if (!is_shown(&m->links[i]))
			continue;
		put_link(to, "link_lost", &m->links[i]);
		put_value(to, m->links[i].lost);
	}
}

static void put_link_info(FILE *to, const struct lnk_view *v, const struct lnk_link *l)
{
	const struct lnk_fn *f = l->below, *port = l->above;
	struct lnk_arena a = {0};
	bool sub = lnk_knows(f, LNK_R_SUBSYS), id = lnk_knows(f, LNK_R_ID);

	put_link(to, "link_info", l);
	put_next_label(to, "name", lnk_fn_name(&a, v, f));
	put_next_label(to, "driver", f->live ? f->live->driver : NULL);
	put_id(to, "vendor_id", id, f->vendor, 4);
	put_id(to, "device_id", id, f->device, 4);
	put_id(to, "subsystem_vendor_id", sub, f->subvendor, 4);
	put_id(to, "subsystem_device_id", sub, f->subdevice, 4);
	put_id(to, "class_id", lnk_knows(f, LNK_R_CLASS), f->class24, 6);
	put_next_label(to, "port_name", port ? lnk_fn_name(&a, v, port) : NULL);
	put_next_label(to, "port_virtual",
		       !port			    ? NULL :
		       port->quirks & LNK_Q_VIRTUAL ? "true" :
						      "false");
	put_value(to, 1);
	lnk_arena_free(&a);
}

static void put_link_infos(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	put_family(to, "link_info", "Who is at the ends of the link.");
	for (i = 0; i < m->n_links; i++)
		if (is_shown(&m->links[i]))
			put_link_info(to, v, &m->links[i]);
}

/* ---- What the two ends of a link say, 0: not known ------------------------------------------- */

static uint64_t max_speed(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_MAXLINK) ? lnk_speed_transfers(f->max_speed) : 0;
}

static uint64_t current_speed(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_CURLINK) ? lnk_speed_transfers(f->cur_speed) : 0;
}

static uint64_t max_width(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_MAXLINK) ? f->max_width : 0;
}

static uint64_t current_width(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_CURLINK) ? f->cur_width : 0;
}

#define BYTES_OF_MBPS 125000u

static uint64_t max_rate(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_MAXLINK) ?
		       (uint64_t)lnk_rate_mbps(f->max_speed, f->max_width) * BYTES_OF_MBPS :
		       0;
}

static uint64_t current_rate(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_CURLINK) ?
		       (uint64_t)lnk_rate_mbps(f->cur_speed, f->cur_width) * BYTES_OF_MBPS :
		       0;
}

static const struct {
	const char *name, *help;
	uint64_t (*value)(const struct lnk_fn *);
} quantities[] = {
	{"link_max_transfers_per_second",
	 "Speed of a lane that this end of the link is capable of, as it says.", max_speed},
	{"link_current_transfers_per_second",
	 "Speed of a lane that this end of the link runs at, as it says.", current_speed},
	{"link_max_width_lanes", "Lanes that this end of the link is capable of, as it says.",
	 max_width},
	{"link_current_width_lanes", "Lanes that this end of the link runs at, as it says.",
	 current_width},
	{"link_max_bytes_per_second",
	 "Raw rate, after the line encoding, that this end of the link is capable of, as it says.",
	 max_rate},
	{"link_current_bytes_per_second",
	 "Raw rate, after the line encoding, that this end of the link runs at, as it says.",
	 current_rate},
};

static void put_quantity(FILE *to, const struct lnk_model *m, size_t which)
{
	static const char *const ends[] = {"port", "device"};
	const char *name = quantities[which].name;
	size_t i, k;

	put_family(to, name, quantities[which].help);
	for (i = 0; i < m->n_links; i++) {
		const struct lnk_fn *fns[] = {m->links[i].above, m->links[i].below};

		for (k = 0; k < ARRAY_SIZE(ends) && is_shown(&m->links[i]); k++) {
			uint64_t value = fns[k] ? quantities[which].value(fns[k]) : 0;

			if (!value)
				continue;
			put_link(to, name, &m->links[i]);
			put_next_label(to, "end", ends[k]);
			put_value(to, value);
		}
	}
}

/* ---- Findings ------------------------------------------------------------------------------- */

static void put_finding(FILE *to, const struct lnk_finding *f)
{
	char at[LNK_ADDR_LEN];

	fputs(PREFIX "finding", to);
	put_label(to, "{", "id", f->rule->id);
	put_next_label(to, "severity", lnk_severity_name(f->severity));
	put_next_label(to, "address", f->fn ? lnk_addr_str(f->fn->addr, at) : "");
	put_next_label(to, "port", f->above ? lnk_addr_str(f->above->addr, at) : "");
	put_next_label(to, "device", f->below ? lnk_addr_str(f->below->addr, at) : "");
	if (f->held != LNK_HELD_NEVER)
		put_next_label(to, "expected", f->held == LNK_HELD_EXPECTED ? "true" : "false");
	put_value(to, 1);
}

static void put_findings(FILE *to, const struct lnk_model *m)
{
	uint64_t n[LNK_ERROR + 1] = {0};
	size_t i;

	put_family(to, "finding", "What is found, and where.");
	for (i = 0; i < m->n_findings; i++) {
		put_finding(to, &m->findings[i]);
		n[m->findings[i].severity]++;
	}
	put_family(to, "findings", "What is found, counted by severity.");
	for (i = 0; i < ARRAY_SIZE(n); i++)
		put_counted(to, "findings", "severity", lnk_severity_name((enum lnk_severity)i),
			    n[i]);
}

/* Nothing found by a rule that had nothing to judge is not the same as nothing found. */
static void put_checks(FILE *to, const struct lnk_model *m)
{
	unsigned verdict;
	size_t i;

	put_family(to, "rule_checks", "How often a rule was applied, by what became of it.");
	for (i = 0; i < m->n_counts; i++)
		for (verdict = 0; verdict < LNK_VERDICTS; verdict++)
			fprintf(to, PREFIX "rule_checks{id=\"%s\",verdict=\"%s\"} %zu\n",
				lnk_rules[i]->id, lnk_verdict_token(verdict),
				m->counts[i].n[verdict]);
}

/* ---- The format ----------------------------------------------------------------------------- */

static int begin(FILE *to, const struct lnk_view *v)
{
	(void)v;
	put_family(to, "build_info", "The program that looked.");
	put_counted(to, "build_info", "version", LNK_VERSION, 1);
	return 0;
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	put_machine(to, &m->env);
	put_functions(to, m);
	put_states(to, m);
	put_alone(to, "links_lost",
		  "Comparisons of the two ends of a link that were lost, for want of an end.",
		  m->n_lost);
	put_lost(to, m);
	put_link_infos(to, v, m);
	for (i = 0; i < ARRAY_SIZE(quantities); i++)
		put_quantity(to, m, i);
	put_findings(to, m);
	put_checks(to, m);
	return 0;
}

static int put_expectation(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	static const char *const states[] = {
		[LNK_EXPECT_MISSING] = "missing",
		[LNK_EXPECT_CANNOT_TELL] = "cannot_tell",
		[LNK_EXPECT_FOUND] = "found",
	};
	size_t i;

	(void)v;
	put_family(to, "expected_findings", "What --expect lists, by what became of it.");
	for (i = 0; i < ARRAY_SIZE(states); i++)
		put_counted(to, "expected_findings", "state", states[i], e->n[i]);
	put_alone(to, "unexpected_findings", "What is found and not listed by --expect.",
		  e->n_unexpected);
	return 0;
}

static int end(FILE *to, const struct lnk_view *v, int status)
{
	(void)v;
	put_alone(
		to, "status",
		"Exit status: 0 nothing found, 1 findings, 2 not all could be read, 3 cannot tell.",
		(uint64_t)status);
	return 0;
}

const struct lnk_format lnk_format_prometheus = {
	.name = "prometheus",
	.help = "metrics of one machine, for node_exporter's textfile collector",
	.one_capture = true,
	.begin = begin,
	.write = put_capture,
	.expect = put_expectation,
	.end = end,
};
