/* SPDX-License-Identifier: GPL-2.0-or-later */
/* changes.c - what differs between two looks at one machine, by address */
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

static void add(struct lnk_changes *c, struct lnk_diff change)
{
	if (c->n == c->max) {
		c->max = c->max ? 2 * c->max : 16;
		c->list = lnk_xrealloc(c->list, c->max * sizeof(*c->list));
	}
	c->list[c->n++] = change;
}

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* ---- Functions ------------------------------------------------------------------------------ */

/* All ones are nobody's ids: it does not answer. */
static bool has_ids(const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_ID) && f->vendor != 0xffff;
}

/* Of two at one address. */
static bool is_same(const struct lnk_fn *a, const struct lnk_fn *b)
{
	if (has_ids(a) && has_ids(b) && (a->vendor != b->vendor || a->device != b->device))
		return false;
	return !lnk_knows(a, LNK_R_SUBSYS) || !lnk_knows(b, LNK_R_SUBSYS) || !has_ids(a) ||
	       !has_ids(b) || (a->subvendor == b->subvendor && a->subdevice == b->subdevice);
}

/* @f as another look has it; NULL: not there. */
static const struct lnk_fn *in(const struct lnk_model *m, const struct lnk_fn *f)
{
	const struct lnk_fn *x = lnk_model_find(m, f->addr);

	return x && is_same(x, f) ? x : NULL;
}

/* What was chosen and is not any more, as its path has changed, neither came nor went. */
static void add_missing(struct lnk_changes *c, enum lnk_diff_kind kind, const struct lnk_model *m,
			const struct lnk_model *from)
{
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown && !in(from, &m->fns[i]))
			add(c, (struct lnk_diff){.kind = (uint8_t)kind, .fn = &m->fns[i]});
}

/* ---- Links ---------------------------------------------------------------------------------- */

static bool runs_otherwise(const struct lnk_fn *a, const struct lnk_fn *b)
{
	return a && b && lnk_knows(a, LNK_R_CURLINK) && lnk_knows(b, LNK_R_CURLINK) &&
	       a->reg[LNK_R_CURLINK] != b->reg[LNK_R_CURLINK];
}

/* Of a link that is down, speed and width mean nothing. */
static bool has_changed(const struct lnk_link *a, const struct lnk_link *b)
{
	if (a->state == LNK_DOWN && b->state == LNK_DOWN)
		return false;
	if (a->state != LNK_STATE_UNKNOWN && b->state != LNK_STATE_UNKNOWN && a->state != b->state)
		return true;
	return runs_otherwise(a->above, b->above) || runs_otherwise(a->below, b->below);
}

static bool is_same_link(const struct lnk_link *a, const struct lnk_link *b)
{
	if (!a->above || !b->above)
		return !a->above && !b->above && is_same(a->below, b->below);
	return lnk_addr_key(a->above->addr) == lnk_addr_key(b->above->addr) &&
	       is_same(a->above, b->above) && is_same(a->below, b->below);
}

static void add_links(struct lnk_changes *c)
{
	const struct lnk_model *b = c->before, *n = c->now;
	size_t i = 0, k = 0;

	while (i < b->n_links && k < n->n_links) {
		const struct lnk_link *was = &b->links[i], *is = &n->links[k];
		int o = order(lnk_addr_key(was->below->addr), lnk_addr_key(is->below->addr));

		if (!o && is->below->shown && is_same_link(was, is) && has_changed(was, is))
			add(c,
			    (struct lnk_diff){.kind = LNK_DIFF_LINK, .link = is, .link_was = was});
		i += o <= 0;
		k += o >= 0;
	}
}

/* ---- Findings ------------------------------------------------------------------------------- */

/* What tells one finding from another of its rule. */
enum { OF_FN, OF_ABOVE, OF_BELOW, OF_OTHER, OF_ALL };

static const struct lnk_fn *about(const struct lnk_finding *f, unsigned which)
{
	const struct lnk_fn *const all[OF_ALL] = {f->fn, f->above, f->below, f->other};

	return all[which];
}

static int by_subject(const void *a, const void *b)
{
	const struct lnk_finding *x = *(const struct lnk_finding *const *)a;
	const struct lnk_finding *y = *(const struct lnk_finding *const *)b;
	int o = strcmp(x->rule->id, y->rule->id);
	unsigned i;

	for (i = 0; !o && i < OF_ALL; i++) {
		const struct lnk_fn *f = about(x, i), *g = about(y, i);

		o = f && g ? order(lnk_addr_key(f->addr), lnk_addr_key(g->addr)) : !!f - !!g;
	}
	return o;
}

static const struct lnk_finding **sorted(const struct lnk_model *m)
{
	const struct lnk_finding **list = lnk_xmalloc((m->n_findings + 1) * sizeof(*list));
	size_t i;

	for (i = 0; i < m->n_findings; i++)
		list[i] = &m->findings[i];
	qsort(list, m->n_findings, sizeof(*list), by_subject);
	return list;
}

static bool was_skipped(const struct lnk_model *m, const struct lnk_finding *f)
{
	const struct lnk_fn *fn = f->fn ? lnk_model_find(m, f->fn->addr) : NULL;
	const struct lnk_count *c;
	size_t i, k;

	for (i = 0; fn && i < m->n_counts; i++) {
		c = lnk_rules[i] == f->rule ? &m->counts[i] : NULL;
		for (k = 0; c && k < c->n_results; k++)
			if (c->results[k].verdict == LNK_SKIPPED &&
			    c->results[k].fn == (uint32_t)(fn - m->fns))
				return true;
	}
	return false;
}

static enum lnk_gone why(const struct lnk_model *now, const struct lnk_finding *f)
{
	enum lnk_gone gone = was_skipped(now, f) ? LNK_GONE_UNREAD : LNK_GONE_JUDGED;
	const struct lnk_fn *fn;
	unsigned i;

	for (i = 0; i < OF_ALL; i++) {
		if (!about(f, i))
			continue;
		fn = in(now, about(f, i));
		if (!fn)
			return LNK_GONE_REMOVED;
		if (fn->live && fn->live->asleep)
			gone = LNK_GONE_ASLEEP;
	}
	return gone;
}

static void add_went(struct lnk_changes *c, const struct lnk_finding *f)
{
	add(c, (struct lnk_diff){
		       .kind = LNK_DIFF_WENT, .finding = f, .gone = (uint8_t)why(c->now, f)});
}

static void add_came(struct lnk_changes *c, const struct lnk_finding *f)
{
	add(c, (struct lnk_diff){.kind = LNK_DIFF_CAME, .finding = f});
}

/* Two about the same addresses. */
static void add_both(struct lnk_changes *c, const struct lnk_finding *was,
		     const struct lnk_finding *is)
{
	unsigned i;

	for (i = 0; i < OF_ALL; i++)
		if (about(is, i) && !is_same(about(was, i), about(is, i))) {
			add_went(c, was);
			add_came(c, is);
			return;
		}
	if (was->severity != is->severity || strcmp(was->message, is->message) != 0)
		add(c,
		    (struct lnk_diff){.kind = LNK_DIFF_TURNED, .finding = is, .finding_was = was});
}

static void add_findings(struct lnk_changes *c)
{
	const struct lnk_finding **was = sorted(c->before), **is = sorted(c->now);
	size_t i = 0, k = 0;

	while (i < c->before->n_findings || k < c->now->n_findings) {
		int o = i == c->before->n_findings ? 1 :
			k == c->now->n_findings	   ? -1 :
						     by_subject(&was[i], &is[k]);

		if (o < 0)
			add_went(c, was[i]);
		else if (o > 0)
			add_came(c, is[k]);
		else
			add_both(c, was[i], is[k]);
		i += o <= 0;
		k += o >= 0;
	}
	free(was);
	free(is);
}

/* ---- All of it ------------------------------------------------------------------------------ */

/* By kind; what is of one kind stays in its order. */
static void arrange(struct lnk_changes *c)
{
	struct lnk_diff *list = lnk_xmalloc((c->n + 1) * sizeof(*list));
	size_t n = 0, i;
	unsigned kind;

	for (kind = 0; kind < LNK_DIFFS; kind++)
		for (i = 0; i < c->n; i++)
			if (c->list[i].kind == kind)
				list[n++] = c->list[i];
	free(c->list);
	c->list = list;
	c->max = c->n + 1;
}

void lnk_changes_find(struct lnk_changes *c, const struct lnk_model *before,
		      const struct lnk_model *now)
{
	*c = (struct lnk_changes){.before = before, .now = now};
	add_missing(c, LNK_DIFF_REMOVED, before, now);
	add_missing(c, LNK_DIFF_ADDED, now, before);
	add_links(c);
	add_findings(c);
	arrange(c);
}

void lnk_changes_free(struct lnk_changes *c)
{
	free(c->list);
	*c = (struct lnk_changes){0};
}
