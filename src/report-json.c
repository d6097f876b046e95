/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-json.c - everything, for programs; schema/lnkinspect.schema.json describes it
 *
 * Written as a stream, one object a line, so that size does not matter. Keys are only ever added.
 * What is not known is null, never 0.
 */
#include <errno.h>
#include <jansson.h>
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "report-json.h"

#define SCHEMA_VERSION 1

/* ---- Tokens: promises, unlike the words of the other formats -------------------------------- */

static const char *const reg_keys[LNK_REGS] = {
	[LNK_R_ID] = "ID",
	[LNK_R_STATUS] = "STATUS",
	[LNK_R_CLASS] = "CLASS",
	[LNK_R_HEADER] = "HEADER",
	[LNK_R_BUSES] = "BUSES",
	[LNK_R_SUBSYS] = "SUBSYS",
	[LNK_R_PCIECAP] = "PCIECAP",
	[LNK_R_DEVCAP] = "DEVCAP",
	[LNK_R_DEVCTL] = "DEVCTL",
	[LNK_R_LNKCAP] = "LNKCAP",
	[LNK_R_LNKCTL] = "LNKCTL",
	[LNK_R_LNKSTA] = "LNKSTA",
	[LNK_R_SLTCAP] = "SLTCAP",
	[LNK_R_SLTCTL] = "SLTCTL",
	[LNK_R_SLTSTA] = "SLTSTA",
	[LNK_R_LNKCAP2] = "LNKCAP2",
	[LNK_R_LNKCTL2] = "LNKCTL2",
	[LNK_R_LNKSTA2] = "LNKSTA2",
	/* The part of those registers that sysfs and decoded text can give. */
	[LNK_R_MAXLINK] = "LNKCAP",
	[LNK_R_CURLINK] = "LNKSTA",
	[LNK_R_ECAPS] = "ECAPS",
	[LNK_R_AERUNCOR] = "AERUNCOR",
	[LNK_R_AERCOR] = "AERCOR",
	[LNK_R_LANEERR] = "LANEERR",
	[LNK_R_DSNLO] = "DSNLO",
	[LNK_R_DSNHI] = "DSNHI",
};

static const char *type_token(unsigned type)
{
	static const char *const tokens[] = {
		[LNK_T_ENDPOINT] = "endpoint",	   [LNK_T_LEGACY] = "legacy-endpoint",
		[LNK_T_ROOT_PORT] = "root-port",   [LNK_T_UPSTREAM] = "upstream",
		[LNK_T_DOWNSTREAM] = "downstream", [LNK_T_PCIE_PCI] = "pcie-to-pci",
		[LNK_T_PCI_PCIE] = "pci-to-pcie",  [LNK_T_RCIEP] = "integrated-endpoint",
		[LNK_T_RCEC] = "event-collector",  [LNK_T_NONE] = "none",
	};

	return type < ARRAY_SIZE(tokens) ? tokens[type] : NULL;
}

static const char *place_token(unsigned place)
{
	static const char *const tokens[] = {
		[LNK_AT_ROOT] = "root-bus",	[LNK_AT_PORT] = "port",
		[LNK_AT_INNER] = "inner-bus",	[LNK_AT_CONVENTIONAL] = "conventional-bus",
		[LNK_AT_BRIDGE] = "bridge",	[LNK_AT_ORPHAN] = "unknown-bridge",
		[LNK_AT_DISPUTED] = "disputed",
	};

	return tokens[place];
}

static const char *list_token(unsigned end)
{
	static const char *const tokens[] = {
		[LNK_LIST_NONE] = "none",	[LNK_LIST_END] = "complete",
		[LNK_LIST_UNKNOWN] = "unknown", [LNK_LIST_LOOP] = "loop",
		[LNK_LIST_OUTSIDE] = "outside", [LNK_LIST_PART] = "part",
	};

	return tokens[end];
}

static const char *actor_token(enum lnk_actor a)
{
	static const char *const tokens[] = {
		[LNK_NOBODY] = NULL,
		[LNK_GUEST] = "guest",
		[LNK_HOST] = "host",
		[LNK_HARDWARE] = "hardware",
	};

	return tokens[a];
}

static const struct {
	uint32_t bit;
	const char *token;
} quirk_tokens[] =
	{
		{LNK_Q_VIRTUAL, "virtual"},
		{LNK_Q_EMULATED, "emulated"},
		{LNK_Q_GENERIC, "settable"},
		{LNK_Q_FIXED, "fixed"},
		{LNK_Q_ONCARD, "on-card"},
		{LNK_Q_TUNNEL, "tunnel"},
		{LNK_Q_WIRED, "wired"},
		{LNK_Q_STANDIN, "stand-in"},
		{LNK_Q_VF, "vf"},
		{LNK_Q_CONSTANT, "constant-status"},
		{LNK_Q_IGD, "igd"},
		{LNK_Q_DLLLA_LIES, "dllla-unreliable"},
},
  ecap_tokens[] = {
	  {LNK_E_AER, "AER"}, {LNK_E_ACS, "ACS"},     {LNK_E_SECPCI, "SECPCI"},
	  {LNK_E_DSN, "DSN"}, {LNK_E_SRIOV, "SRIOV"},
};

/* ---- Values --------------------------------------------------------------------------------- */

/* Mb/s and, in the digits of the kernel's message, Gb/s. */
static void set_rate(json_t *o, uint32_t mbps)
{
	char gbps[16];

	snprintf(gbps, sizeof(gbps), "%u.%03u", mbps / 1000, mbps % 1000);
	set(o, "mbps", mbps ? integer(mbps) : json_null());
	set(o, "gbps", mbps ? json_string_nocheck(gbps) : json_null());
}

static json_t *link_value(unsigned speed, unsigned width)
{
	json_t *o = json_object();

	set(o, "speed", text(lnk_speed_legal(speed) ? lnk_speed_name(speed) : NULL));
	set(o, "speed_code", integer(speed));
	set(o, "width", integer(width));
	set_rate(o, lnk_rate_mbps(speed, width));
	return o;
}

static json_t *max_link(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_MAXLINK) ? link_value(f->max_speed, f->max_width) : json_null();
}

static json_t *current_link(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_CURLINK) ? link_value(f->cur_speed, f->cur_width) : json_null();
}

static const char *origin_token(const struct lnk_fn *f, enum lnk_reg r)
{
	if (f->from_text & REG(r))
		return "text";
	return f->from_attr & REG(r) ? "sysfs" : "registers";
}

/* Words hold some fields of a register: a raw value comes from bytes alone. */
static bool has_raw(const struct lnk_view *v, const struct lnk_fn *f, enum lnk_reg r)
{
	if (r == LNK_R_MAXLINK || r == LNK_R_CURLINK || r == LNK_R_ECAPS)
		return false;
	if (v->redact && (r == LNK_R_DSNLO || r == LNK_R_DSNHI))
		return false;
	return lnk_knows(f, r) && !((f->from_text | f->from_attr) & REG(r));
}

/* ---- One function --------------------------------------------------------------------------- */

static json_t *registers(const struct lnk_view *v, const struct lnk_fn *f)
{
	json_t *o = json_object();
	unsigned r;

	for (r = 0; r < LNK_REGS; r++)
		if (has_raw(v, f, r))
			set(o, reg_keys[r], hex(f->reg[r], lnk_reg_digits(r)));
	return o;
}

/* Values that are known, though not from bytes. */
static json_t *origins(const struct lnk_fn *f)
{
	json_t *o = json_object();
	unsigned r;

	for (r = 0; r < LNK_REGS; r++)
		if (lnk_knows(f, r) && (f->from_text | f->from_attr) & REG(r))
			set(o, reg_keys[r], text(origin_token(f, r)));
	return o;
}

static json_t *differing(const struct lnk_fn *f)
{
	json_t *list = json_array();
	unsigned r;

	for (r = 0; r < LNK_REGS; r++)
		if (f->differs & REG(r))
			json_array_append_new(list, text(reg_keys[r]));
	return list;
}

static json_t *quirks(const struct lnk_fn *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(quirk_tokens); i++)
		if (f->quirks & quirk_tokens[i].bit)
			json_array_append_new(list, text(quirk_tokens[i].token));
	return list;
}

static json_t *extended(const struct lnk_fn *f)
{
	json_t *list;
	size_t i;

	if (!lnk_knows(f, LNK_R_ECAPS))
		return json_null();
	list = json_array();
	for (i = 0; i < ARRAY_SIZE(ecap_tokens); i++)
		if (f->reg[LNK_R_ECAPS] & ecap_tokens[i].bit)
			json_array_append_new(list, text(ecap_tokens[i].token));
	return list;
}

static json_t *bridge(const struct lnk_fn *f)
{
	json_t *o;

	if (!lnk_is_bridge(f))
		return json_null();
	o = json_object();
	set(o, "secondary",
	    lnk_knows(f, LNK_R_BUSES) || f->secondary ? integer(f->secondary) : json_null());
	set(o, "subordinate", lnk_knows(f, LNK_R_BUSES) ? integer(f->subordinate) : json_null());
	set(o, "clash", address(f->bus_clash));
	return o;
}

static json_t *express(const struct lnk_fn *f)
{
	json_t *o;

	if (!f->express)
		return json_null();
	o = json_object();
	set(o, "offset", hex(f->express, 2));
	set(o, "version", lnk_knows(f, LNK_R_PCIECAP) ? integer(f->cap_version) : json_null());
	set(o, "cut", json_boolean(f->express_cut));
	return o;
}

static void set_ids(json_t *o, const struct lnk_view *v, const struct lnk_fn *f)
{
	bool id = lnk_knows(f, LNK_R_ID), sub = lnk_knows(f, LNK_R_SUBSYS);
	bool class = lnk_knows(f, LNK_R_CLASS), names = v->names != LNK_NUMBERS;

	set(o, "vendor", id ? hex(f->vendor, 4) : json_null());
	set(o, "device", id ? hex(f->device, 4) : json_null());
	set(o, "subsystem_vendor", sub ? hex(f->subvendor, 4) : json_null());
	set(o, "subsystem_device", sub ? hex(f->subdevice, 4) : json_null());
	set(o, "class", class ? hex(f->class24, 6) : json_null());
	set(o, "class_name", text(class ? lnk_class_name(f->class24) : NULL));
	set(o, "vendor_name", text(names ? f->vendor_name : NULL));
	set(o, "device_name", text(names ? f->device_name : NULL));
}

static json_t *function(const struct lnk_view *v, const struct lnk_fn *f)
{
	json_t *o = json_object();

	set(o, "address", address(f));
	set_ids(o, v, f);
	set(o, "kind", text(lnk_kind_name(f)));
	set(o, "type", text(type_token(f->type)));
	set(o, "type_inferred", json_boolean(f->type_inferred));
	set(o, "reach", text(lnk_reach_token(f->reach)));
	set(o, "place", text(place_token(f->place)));
	set(o, "parent", address(f->parent));
	set(o, "bridge", bridge(f));
	set(o, "express", express(f));
	set(o, "max_link", max_link(f));
	set(o, "current_link", current_link(f));
	set(o, "quirks", quirks(f));
	set(o, "quirk_reason", text(f->fixup ? f->fixup->reason : NULL));
	set(o, "driver", text(f->live ? f->live->driver : NULL));
	set(o, "power_state", text(f->live ? f->live->power_state : NULL));
	set(o, "iommu_group", text(f->live ? f->live->iommu_group : NULL));
	set(o, "numa_node", f->live && f->live->near ? integer(f->live->numa_node) : json_null());
	set(o, "capability_list", text(list_token(f->caps_end)));
	set(o, "extended_list", text(list_token(f->ecaps_end)));
	set(o, "extended_capabilities", extended(f));
	set(o, "selected", json_boolean(f->selected));
	set(o, "registers", registers(v, f));
	set(o, "origins", origins(f));
	set(o, "text_differs", differing(f));
	return o;
}

/* ---- Ports, links, paths -------------------------------------------------------------------- */

static json_t *is_empty(const struct lnk_fn *f)
{
	return f->vacancy == LNK_OCCUPIED || f->vacancy == LNK_EMPTY ?
		       json_boolean(f->vacancy == LNK_EMPTY) :
		       json_null();
}

static json_t *port(const struct lnk_fn *f)
{
	json_t *o = json_object();

	set(o, "address", address(f));
	set(o, "type", text(type_token(f->type)));
	set(o, "virtual", json_boolean(f->quirks & LNK_Q_VIRTUAL));
	set(o, "empty", is_empty(f));
	set(o, "device", address(f->below ? f->below->below : NULL));
	set(o, "state", text(f->below ? lnk_state_token(f->below->state) : NULL));
	set(o, "max_link", max_link(f));
	set(o, "current_link", current_link(f));
	return o;
}

static json_t *link_end(const struct lnk_fn *f)
{
	json_t *o;

	if (!f)
		return json_null();
	o = json_object();
	set(o, "address", address(f));
	set(o, "max_link", max_link(f));
	set(o, "current_link", current_link(f));
	return o;
}

static json_t *status_value(const struct lnk_samples *s, unsigned status)
{
	return s->looks ? link_value(FIELD_GET(PCI_EXP_LNKSTA_SPEED, status),
				     FIELD_GET(PCI_EXP_LNKSTA_WIDTH, status)) :
			  json_null();
}

static json_t *milliseconds(uint64_t ns)
{
	return integer((ns + 500000) / 1000000);
}

static json_t *speed_times(const struct lnk_samples *s, const struct lnk_sampling *all)
{
	json_t *list = json_array();
	unsigned code;

	for (code = 0; code < LNK_SPEED_CODES; code++) {
		json_t *o;

		if (!s->at_speed[code])
			continue;
		o = json_object();
		set(o, "speed", text(lnk_speed_name(code)));
		set(o, "ms", milliseconds(s->at_speed[code]));
		set(o, "share", json_real((double)s->at_speed[code] / (double)all->duration));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *samples(const struct lnk_model *m, const struct lnk_fn *f)
{
	const struct lnk_samples *s = f->live ? f->live->samples : NULL;
	json_t *o;

	if (!s)
		return json_null();
	o = json_object();
	set(o, "looks", integer(s->looks));
	set(o, "changes", integer(s->changes));
	set(o, "lowest", status_value(s, s->lowest));
	set(o, "highest", status_value(s, s->highest));
	set(o, "last", s->sight == LNK_SEEN_LINK ? status_value(s, s->last) : json_null());
	set(o, "time", speed_times(s, m->sampling));
	set(o, "asleep_ms", milliseconds(s->asleep));
	set(o, "no_answer_ms", milliseconds(s->silent));
	return o;
}

static json_t *sampled_end(const struct lnk_model *m, const struct lnk_fn *f)
{
	json_t *o = link_end(f);

	if (f)
		set(o, "samples", samples(m, f));
	return o;
}

static json_t *command(const struct lnk_sampling *s)
{
	json_t *o;

	if (!s->command)
		return json_null();
	o = json_object();
	set(o, "status", s->exit_status < 0 ? json_null() : integer((uint64_t)s->exit_status));
	set(o, "signal", s->killed_by ? integer((uint64_t)s->killed_by) : json_null());
	set(o, "words", text(s->words));
	return o;
}

static json_t *sampling(const struct lnk_sampling *s)
{
	json_t *o;

	if (!s)
		return json_null();
	o = json_object();
	set(o, "looks", integer(s->looks));
	set(o, "interval_ms", milliseconds(s->interval));
	set(o, "duration_ms", milliseconds(s->duration));
	set(o, "command", command(s));
	set(o, "ended_by_signal", s->signal ? integer((uint64_t)s->signal) : json_null());
	return o;
}

static json_t *link_object(const struct lnk_model *m, const struct lnk_link *l)
{
	json_t *o = json_object();
	bool found = l->verdict == LNK_FOUND;

	set(o, "port", sampled_end(m, l->above));
	set(o, "device", sampled_end(m, l->below));
	set(o, "state", text(lnk_state_token(l->state)));
	set(o, "verdict", text(lnk_verdict_token(l->verdict)));
	set(o, "worst", text(found ? lnk_severity_name((enum lnk_severity)l->worst) : NULL));
	set(o, "lost", json_boolean(l->lost));
	return o;
}

static json_t *path(const struct lnk_fn *f)
{
	struct lnk_arena a = {0};
	json_t *o = json_object(), *limit = json_null();
	struct lnk_path p;

	lnk_path_of(f, &p);
	if (p.limit && p.mbps) {
		limit = link_value(p.speed, p.width);
		set(limit, "address", address(p.limit));
		set(limit, "virtual", json_boolean(p.limit->quirks & LNK_Q_VIRTUAL));
	}
	set(o, "device", address(f));
	set_rate(o, p.mbps);
	set(o, "limited_by", limit);
	set(o, "capable",
	    p.capable_mbps ? link_value(p.capable_speed, p.capable_width) : json_null());
	set(o, "kernel_line", text(lnk_path_kernel_line(&a, f)));
	lnk_arena_free(&a);
	return o;
}

/* ---- Findings and the rest ------------------------------------------------------------------ */

static json_t *evidence(const struct lnk_view *v, const struct lnk_evidence *e)
{
	const struct lnk_fn *f = e->fn;
	json_t *o = json_object(), *link = json_null();

	if (e->reg == LNK_R_MAXLINK || e->reg == LNK_R_LNKCAP)
		link = max_link(f);
	else if (e->reg == LNK_R_CURLINK || e->reg == LNK_R_LNKSTA)
		link = current_link(f);
	set(o, "register", text(reg_keys[e->reg]));
	set(o, "address", address(f));
	set(o, "value",
	    has_raw(v, f, e->reg) ? hex(f->reg[e->reg], lnk_reg_digits(e->reg)) : json_null());
	set(o, "link", link);
	set(o, "origin", text(origin_token(f, e->reg)));
	return o;
}

static json_t *suggestion(const struct lnk_suggestion *s)
{
	json_t *o = json_object(), *lines = json_array();
	size_t i;

	for (i = 0; i < s->n_lines; i++)
		json_array_append_new(lines, text(s->lines[i]));
	set(o, "form", text(s->form));
	set(o, "needs", text(s->needs));
	set(o, "words", text(s->words));
	set(o, "lines", lines);
	return o;
}

static json_t *suggestions(const struct lnk_remedy *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; r && i < r->n_suggestions; i++)
		json_array_append_new(list, suggestion(&r->suggestions[i]));
	return list;
}

static json_t *finding(const struct lnk_view *v, const struct lnk_model *m,
		       const struct lnk_finding *x)
{
	struct lnk_arena a = {0};
	json_t *o = json_object(), *list = json_array();
	size_t i;

	for (i = 0; i < x->n_evidence; i++)
		json_array_append_new(list, evidence(v, &x->evidence[i]));
	set(o, "id", text(x->rule->id));
	set(o, "severity", text(lnk_severity_name(x->severity)));
	set(o, "title", text(x->rule->title));
	set(o, "message", text(x->message));
	set(o, "function", address(x->fn));
	set(o, "port", address(x->above));
	set(o, "device", address(x->below));
	set(o, "other", address(x->other));
	set(o, "evidence", list);
	set(o, "why", text(x->rule->why));
	set(o, "here", text(x->here));
	set(o, "fix", text(lnk_remedy_words(&a, m, x)));
	set(o, "actor", text(actor_token(x->rule->actor)));
	set(o, "suggestions", suggestions(x->remedy));
	lnk_arena_free(&a);
	return o;
}

static json_t *subject(const struct lnk_model *m, uint32_t fn)
{
	return address(fn == LNK_NO_FN ? NULL : &m->fns[fn]);
}

static json_t *skip(const struct lnk_model *m, const struct lnk_rule *rule,
		    const struct lnk_result *r)
{
	json_t *o = json_object();

	set(o, "rule", text(rule->id));
	set(o, "function", subject(m, r->fn));
	set(o, "register", text(r->missing < LNK_REGS ? reg_keys[r->missing] : NULL));
	set(o, "of", subject(m, r->of));
	set(o, "deep", json_boolean(lnk_left_out(m, r)));
	return o;
}

static json_t *result(const struct lnk_model *m, const struct lnk_rule *rule,
		      const struct lnk_result *r)
{
	json_t *o = json_object();

	set(o, "rule", text(rule->id));
	set(o, "function", subject(m, r->fn));
	set(o, "verdict", text(lnk_verdict_token(r->verdict)));
	return o;
}

static json_t *counts(const struct lnk_model *m)
{
	json_t *all = json_object();
	unsigned j;
	size_t i;

	for (i = 0; i < m->n_counts; i++) {
		json_t *o = json_object();

		for (j = 0; j < LNK_VERDICTS; j++)
			set(o, lnk_verdict_token(j), integer(m->counts[i].n[j]));
		set(all, lnk_rules[i]->id, o);
	}
	return all;
}

static json_t *damage(const struct lnk_model *m)
{
	json_t *o = json_object(), *list = json_array();
	size_t named = m->n_damage < LNK_MAX_DAMAGE ? m->n_damage : LNK_MAX_DAMAGE, i;

	for (i = 0; i < named; i++) {
		json_t *line = json_object();

		set(line, "line", m->damage[i].line ? integer(m->damage[i].line) : json_null());
		set(line, "what", text(m->damage[i].what));
		json_array_append_new(list, line);
	}
	set(o, "count", integer(m->n_damage));
	set(o, "unplaced", json_boolean(m->damage_unplaced));
	set(o, "lines", list);
	return o;
}

static json_t *quote(const struct lnk_quote *q)
{
	char at[LNK_ADDR_LEN];
	json_t *o = json_object();

	set(o, "address", text(lnk_addr_str(q->addr, at)));
	set(o, "by", text(q->by));
	set(o, "text", text(q->text));
	set(o, "line", q->line ? integer(q->line) : json_null());
	set(o, "file", text(q->file));
	return o;
}

static json_t *environment(const struct lnk_env *e)
{
	json_t *o = json_object();

	set(o, "guest",
	    e->guest == LNK_GUEST_UNKNOWN ? json_null() : json_boolean(e->guest == LNK_GUEST_YES));
	set(o, "hypervisor", text(e->hypervisor));
	set(o, "accel", text(e->accel));
	set(o, "sign", text(e->sign));
	set(o, "machine", text(e->machine));
	set(o, "kernel", text(e->kernel));
	set(o, "tool", text(e->tool));
	set(o, "time", text(e->time));
	set(o, "redacted", text(e->redacted));
	set(o, "lacks", text(e->lacks));
	return o;
}

/* ---- The stream ----------------------------------------------------------------------------- */

struct out {
	FILE *to;
	bool first; /* of an array or object: no comma before it */
	int rc;
	char *text; /* of one value; jansson's own way to a stream is a call for each piece */
	size_t size;
};

static bool is_closed; /* the list of captures */

/* jansson's memory: that of one value, given back in one piece when it was written. */
static struct lnk_arena memory;

static void *allocate(size_t size)
{
	return lnk_alloc(&memory, size);
}

static void keep_until_written(void *p)
{
	(void)p;
}

static void put_value(struct out *o, json_t *value)
{
	const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6);
	size_t n = json_dumpb(value, o->text, o->size, flags);

	if (n > o->size) {
		o->size = 2 * n;
		o->text = lnk_xrealloc(o->text, o->size);
		n = json_dumpb(value, o->text, o->size, flags);
	}
	if (!n)
		o->rc = -EIO;
	else if (fwrite(o->text, 1, n, o->to) < n)
		o->rc = -errno;
	lnk_arena_free(&memory);
}

static void put_key(struct out *o, const char *key, json_t *value)
{
	fprintf(o->to, "%s\"%s\":", o->first ? "" : ",\n", key);
	o->first = false;
	put_value(o, value);
}

static void open_list(struct out *o, const char *key)
{
	fprintf(o->to, ",\n\"%s\":[", key);
	o->first = true;
}

static void put_item(struct out *o, json_t *value)
{
	fputs(o->first ? "\n" : ",\n", o->to);
	o->first = false;
	put_value(o, value);
}

static void close_list(struct out *o)
{
	fputc(']', o->to);
	o->first = false;
}

static void put_functions(struct out *o, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	open_list(o, "functions");
	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown)
			put_item(o, function(v, &m->fns[i]));
	close_list(o);
	open_list(o, "ports");
	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown && lnk_faces_down(&m->fns[i]))
			put_item(o, port(&m->fns[i]));
	close_list(o);
}

/* Linux walks up from a conventional bus, too: a function there has registers, though no link. */
static bool has_path(const struct lnk_fn *f)
{
	if (!f->shown || !lnk_faces_up(f) || f->quirks & LNK_Q_VF)
		return false;
	return f->link ? f->link->below == f : lnk_knows(f, LNK_R_CURLINK);
}

static void put_links(struct out *o, const struct lnk_model *m)
{
	size_t i;

	open_list(o, "links");
	for (i = 0; i < m->n_links; i++)
		if (m->links[i].below->shown)
			put_item(o, link_object(m, &m->links[i]));
	close_list(o);
	open_list(o, "paths");
	for (i = 0; i < m->n_fns; i++)
		if (has_path(&m->fns[i]))
			put_item(o, path(&m->fns[i]));
	close_list(o);
}

static void put_skips(struct out *o, const struct lnk_model *m)
{
	size_t i, k;

	open_list(o, "skipped");
	for (i = 0; i < m->n_counts; i++)
		for (k = 0; k < m->counts[i].n_results; k++)
			if (m->counts[i].results[k].verdict == LNK_SKIPPED)
				put_item(o, skip(m, lnk_rules[i], &m->counts[i].results[k]));
	close_list(o);
}

static void put_results(struct out *o, const struct lnk_model *m)
{
	size_t i, k;

	open_list(o, "results");
	for (i = 0; i < m->n_counts; i++)
		for (k = 0; k < m->counts[i].n_results; k++)
			put_item(o, result(m, lnk_rules[i], &m->counts[i].results[k]));
	close_list(o);
}

static void put_verdicts(struct out *o, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	open_list(o, "findings");
	for (i = 0; i < m->n_findings; i++)
		put_item(o, finding(v, m, &m->findings[i]));
	close_list(o);
	put_skips(o, m);
	put_key(o, "counts", counts(m));
	if (v->verbose)
		put_results(o, m);
}

static void put_quotes(struct out *o, const struct lnk_model *m)
{
	size_t i;

	open_list(o, "quotes");
	for (i = 0; i < m->n_quotes; i++) {
		const struct lnk_fn *f = lnk_model_find(m, m->quotes[i].addr);

		if (!f || f->shown)
			put_item(o, quote(&m->quotes[i]));
	}
	close_list(o);
}

static int begin(FILE *to, const struct lnk_view *v)
{
	(void)v;
	json_set_alloc_funcs(allocate, keep_until_written);
	is_closed = false;
	fprintf(to,
		"{\"schema\":{\"name\":\"" LNK_NAME "\",\"version\":%d},\n"
		"\"tool\":{\"name\":\"" LNK_NAME "\",\"version\":\"" LNK_VERSION "\"},\n"
		"\"captures\":[",
		SCHEMA_VERSION);
	return 0;
}

static void between(FILE *to, const struct lnk_view *v)
{
	(void)v;
	fputc(',', to);
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct out o = {.to = to, .first = true};

	fputs("\n{", to);
	put_key(&o, "source", text(m->source));
	put_key(&o, "line", m->line ? integer(m->line) : json_null());
	put_key(&o, "environment", environment(&m->env));
	put_key(&o, "sampling", sampling(m->sampling));
	put_functions(&o, v, m);
	put_links(&o, m);
	put_quotes(&o, m);
	put_verdicts(&o, v, m);
	put_key(&o, "lost", integer(m->n_lost));
	put_key(&o, "damage", damage(m));
	put_key(&o, "limit", text(m->limit));
	put_key(&o, "status", integer((uint64_t)lnk_status(m, v)));
	fputc('}', to);
	free(o.text);
	return o.rc;
}

/* ---- One capture beside another ------------------------------------------------------------- */

static const char *const relation_tokens[] = {
	[LNK_BEFORE_AFTER] = "before-and-after",
	[LNK_HOST_GUEST] = "host-and-guest",
	[LNK_UNRELATED] = NULL,
};

static const char *match_token(unsigned match)
{
	static const char *const tokens[] = {
		[LNK_BY_ADDRESS] = "address",
		[LNK_BY_SERIAL] = "serial",
		[LNK_BY_IDS] = "ids",
		[LNK_BY_ORDER] = "order",
		[LNK_ONE_OF_ALIKE] = "one-of",
		[LNK_ONLY_ONE] = "only-one",
		[LNK_OTHER_SERIAL] = "other-serial",
		[LNK_NOT_TOLD_APART] = "not-told-apart",
		[LNK_NO_IDS] = "no-ids",
	};

	return tokens[match];
}

static const char *loss_token(unsigned loss)
{
	static const char *const tokens[] = {
		[LNK_LOST_UNKNOWN] = NULL,	[LNK_LOST_NOWHERE] = "nowhere",
		[LNK_LOST_AT_PORT] = "port",	[LNK_LOST_AT_STATUS] = "port-status",
		[LNK_LOST_NO_PORT] = "no-port", [LNK_LOST_IN_DEVICE] = "device",
		[LNK_LOST_HIDDEN] = "hidden",
	};

	return tokens[loss];
}

static const char *real_token(unsigned real)
{
	static const char *const tokens[] = {
		[LNK_REAL_UNKNOWN] = NULL,    [LNK_REAL_NONE] = "none",
		[LNK_REAL_DOWN] = "down",     [LNK_REAL_FULL] = "full",
		[LNK_REAL_SLOT] = "slot",     [LNK_REAL_SLOWER] = "slower",
		[LNK_REAL_NARROW] = "narrow",
	};

	return tokens[real];
}

static json_t *compared_end(const struct lnk_fn *f)
{
	json_t *o = link_end(f);

	if (f)
		set(o, "port", link_end(f->link ? f->link->above : NULL));
	return o;
}

/* Speed and width are a part of LNKCAP and of LNKSTA. */
static json_t *changed_registers(const struct lnk_pair *p)
{
	uint32_t changes = p->changes;
	json_t *list = json_array();
	unsigned r;

	if (changes & REG(LNK_R_MAXLINK))
		changes |= REG(LNK_R_LNKCAP);
	if (changes & REG(LNK_R_CURLINK))
		changes |= REG(LNK_R_LNKSTA);
	for (r = 0; r < LNK_R_MAXLINK; r++)
		if (changes & REG(r))
			json_array_append_new(list, text(reg_keys[r]));
	return list;
}

/* What both ends of the real link allow, in the layout of LNKCAP; 0: not known. */
static json_t *allowed_link(unsigned allowed)
{
	return allowed ? link_value(allowed & 0xf, allowed >> 4) : json_null();
}

static json_t *pair(const struct lnk_comparison *c, const struct lnk_pair *p)
{
	bool real = c->relation == LNK_HOST_GUEST && p->fn[LNK_HERE] && p->fn[LNK_THERE];
	struct lnk_arena a = {0};
	json_t *o = json_object();

	set(o, "here", compared_end(p->fn[LNK_HERE]));
	set(o, "there", compared_end(p->fn[LNK_THERE]));
	set(o, "match", text(match_token(p->match)));
	set(o, "of_here", p->n[LNK_HERE] ? integer(p->n[LNK_HERE]) : json_null());
	set(o, "of_there", p->n[LNK_THERE] ? integer(p->n[LNK_THERE]) : json_null());
	set(o, "repeats", json_boolean(p->repeats));
	set(o, "changes", changed_registers(p));
	set(o, "state_changed", json_boolean(p->state_changed));
	set(o, "real", text(real ? real_token(p->real) : NULL));
	set(o, "allowed", allowed_link(p->allowed));
	set(o, "lost", text(real ? loss_token(p->loss) : NULL));
	set(o, "message", text(lnk_pair_str(&a, c, p)));
	lnk_arena_free(&a);
	return o;
}

static json_t *finding_name(const struct lnk_finding *f)
{
	json_t *o = json_object();

	set(o, "id", text(f->rule->id));
	set(o, "severity", text(lnk_severity_name(f->severity)));
	set(o, "function", address(f->fn));
	set(o, "port", address(f->above));
	set(o, "device", address(f->below));
	return o;
}

static json_t *guest_side(const struct lnk_comparison *c)
{
	if (c->relation != LNK_HOST_GUEST)
		return json_null();
	return json_string(c->guest == LNK_HERE ? "here" : "there");
}

static void put_other(struct out *o, const struct lnk_comparison *c, const struct lnk_view *v)
{
	const struct lnk_model *m = c->model[LNK_THERE];
	json_t *other = json_object(), *list = json_array();
	size_t i;

	for (i = 0; i < m->n_findings; i++)
		json_array_append_new(list, finding_name(&m->findings[i]));
	set(other, "source", text(m->source));
	set(other, "environment", environment(&m->env));
	set(other, "status", integer((uint64_t)lnk_status(m, v)));
	set(other, "findings", list);
	put_key(o, "other", other);
}

static int put_comparison(FILE *to, const struct lnk_view *v, const struct lnk_comparison *c)
{
	static const char *const keys[LNK_BOTH] = {"findings_here_only", "findings_there_only"};
	struct out o = {.to = to, .first = true};
	enum lnk_which side;
	size_t i;

	is_closed = true;
	fputs("],\n\"comparison\":{", to);
	put_other(&o, c, v);
	put_key(&o, "relation", text(relation_tokens[c->relation]));
	put_key(&o, "guest", guest_side(c));
	put_key(&o, "matched", integer(c->n_matched));
	put_key(&o, "compared", integer(c->n_compared));
	open_list(&o, "pairs");
	for (i = 0; i < c->n_pairs; i++)
		put_item(&o, pair(c, &c->pairs[i]));
	close_list(&o);
	for (side = LNK_HERE; side < LNK_BOTH; side++) {
		open_list(&o, keys[side]);
		for (i = 0; i < c->n_findings[side]; i++)
			put_item(&o, finding_name(c->findings[side][i]));
		close_list(&o);
	}
	fputc('}', to);
	free(o.text);
	return o.rc;
}

/* ---- What is expected ----------------------------------------------------------------------- */

static json_t *expected_item(const struct lnk_expect_item *item)
{
	json_t *o = json_object();

	set(o, "line", integer(item->line));
	set(o, "id", text(item->rule->id));
	set(o, "where", text(strchr(item->text, '@') + 1));
	set(o, "cannot_tell", json_boolean(item->state == LNK_EXPECT_CANNOT_TELL));
	return o;
}

static int put_expectation(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	struct out o = {.to = to, .first = true};
	size_t i;

	(void)v;
	is_closed = true;
	fputs("],\n\"expectation\":{", to);
	put_key(&o, "file", text(e->file));
	put_key(&o, "found", integer(e->n[LNK_EXPECT_FOUND]));
	open_list(&o, "missing");
	for (i = 0; i < e->n_items; i++)
		if (e->items[i].state != LNK_EXPECT_FOUND)
			put_item(&o, expected_item(&e->items[i]));
	close_list(&o);
	open_list(&o, "unexpected");
	for (i = 0; i < e->n_unexpected; i++)
		put_item(&o, finding_name(e->unexpected[i]));
	close_list(&o);
	fputc('}', to);
	free(o.text);
	return o.rc;
}

static int end(FILE *to, const struct lnk_view *v, int status)
{
	(void)v;
	if (fprintf(to, "%s,\n\"status\":%d}\n", is_closed ? "" : "]", status) < 0)
		return -errno;
	return 0;
}

/* ---- News: one object a line ---------------------------------------------------------------- */

#define NEWS_VERSION 1

static const char *const change_tokens[LNK_DIFFS] = {
	[LNK_DIFF_WENT] = "went", [LNK_DIFF_REMOVED] = "removed", [LNK_DIFF_ADDED] = "added",
	[LNK_DIFF_LINK] = "link", [LNK_DIFF_CAME] = "came",	  [LNK_DIFF_TURNED] = "changed",
};

static const char *const gone_tokens[] = {
	[LNK_GONE_JUDGED] = NULL,
	[LNK_GONE_REMOVED] = "removed",
	[LNK_GONE_ASLEEP] = "asleep",
	[LNK_GONE_UNREAD] = "unread",
};

static json_t *event(const struct lnk_news *n, const char *token)
{
	json_t *o = json_object();

	set(o, "time", text(n->time));
	set(o, "event", text(token));
	return o;
}

static void put_event(struct out *o, json_t *value)
{
	put_value(o, value);
	fputc('\n', o->to);
}

static json_t *name_and_version(const char *name, json_t *version)
{
	json_t *o = json_object();

	set(o, "name", text(name));
	set(o, "version", version);
	return o;
}

static void put_start(struct out *o, const struct lnk_view *v, const struct lnk_news *n)
{
	const struct lnk_model *m = n->model;
	json_t *e = event(n, "start");
	size_t fns, links, i;

	lnk_count_shown(m, &fns, &links);
	set(e, "schema", name_and_version(LNK_NAME "-monitor", json_integer(NEWS_VERSION)));
	set(e, "tool", name_and_version(LNK_NAME, text(LNK_VERSION)));
	set(e, "environment", environment(&m->env));
	set(e, "functions", integer(fns));
	set(e, "links", integer(links));
	set(e, "events", json_boolean(n->events));
	set(e, "interval_ms", n->interval ? integer(n->interval / 1000000) : json_null());
	put_event(o, e);
	for (i = 0; i < m->n_findings; i++) {
		e = event(n, "found");
		set(e, "finding", finding(v, m, &m->findings[i]));
		put_event(o, e);
	}
}

static json_t *change(const struct lnk_view *v, const struct lnk_news *n, const struct lnk_diff *c)
{
	const struct lnk_model *before = n->changes->before, *now = n->changes->now;
	json_t *e = event(n, change_tokens[c->kind]);

	switch (c->kind) {
	case LNK_DIFF_REMOVED:
	case LNK_DIFF_ADDED:
		set(e, "function", function(v, c->fn));
		break;
	case LNK_DIFF_LINK:
		set(e, "link", link_object(now, c->link));
		set(e, "was", link_object(before, c->link_was));
		break;
	case LNK_DIFF_WENT:
		set(e, "finding", finding(v, before, c->finding));
		set(e, "because", text(gone_tokens[c->gone]));
		break;
	default:
		set(e, "finding", finding(v, now, c->finding));
		if (c->finding_was)
			set(e, "was", finding(v, before, c->finding_was));
	}
	return e;
}

static void tell(FILE *to, const struct lnk_view *v, const struct lnk_news *n)
{
	struct out o = {.to = to};
	json_t *e;
	size_t i;

	json_set_alloc_funcs(allocate, keep_until_written);
	switch (n->kind) {
	case LNK_NEWS_START:
		put_start(&o, v, n);
		break;
	case LNK_NEWS_CHANGES:
		for (i = 0; i < n->changes->n; i++)
			put_event(&o, change(v, n, &n->changes->list[i]));
		break;
	case LNK_NEWS_TROUBLE:
		e = event(n, "trouble");
		set(e, "message", text(n->trouble));
		put_event(&o, e);
		break;
	case LNK_NEWS_END:
		put_event(&o, event(n, "end"));
	}
	free(o.text);
}

const struct lnk_format lnk_format_json = {
	.name = "json",
	.help = "everything, for programs: schema lnkinspect, version 1",
	.keep = BIT(LNK_SKIPPED),
	.keep_verbose = UINT64_MAX,
	.begin = begin,
	.between = between,
	.write = put_capture,
	.compare = put_comparison,
	.expect = put_expectation,
	.end = end,
	.tell = tell,
};
