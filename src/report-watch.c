/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-watch.c - what --monitor tells, as text: the time, what became of what, one a line */
#include "lnkinspect.h"

/* @before goes before its message. */
static void put_finding(FILE *to, const struct lnk_view *v, const char *what, const char *before,
			const struct lnk_finding *f)
{
	struct lnk_finding x = *f;
	struct lnk_arena a = {0};

	x.message = lnk_strf(&a, "%s%s", before, f->message);
	fprintf(to, "%s ", what);
	lnk_put_line(to, v, &x);
	lnk_arena_free(&a);
}

static void put_fn(FILE *to, const struct lnk_view *v, const char *what, const struct lnk_fn *f)
{
	struct lnk_arena a = {0};
	char at[LNK_ADDR_LEN];

	if (!v->quiet)
		fprintf(to, "%s %s %s\n", what, lnk_addr_str(f->addr, at),
			lnk_text(&a, v, lnk_fn_name(&a, v, f)));
	lnk_arena_free(&a);
}

static const char *state_str(struct lnk_arena *a, const struct lnk_link *l)
{
	return l->state == LNK_DOWN ? "down" : lnk_runs_str(a, l->below);
}

static bool both_known(const struct lnk_fn *a, const struct lnk_fn *b)
{
	return lnk_knows(a, LNK_R_CURLINK) && lnk_knows(b, LNK_R_CURLINK);
}

/* A port can change what it says by itself. */
static void put_link(FILE *to, const struct lnk_view *v, const char *what,
		     const struct lnk_link *is, const struct lnk_link *was)
{
	char above[LNK_ADDR_LEN] = "", below[LNK_ADDR_LEN];
	const struct lnk_fn *port = is->above;
	struct lnk_arena a = {0};

	if (v->quiet)
		return;
	fprintf(to, "%s %s%s%s %s, was %s", what, port ? lnk_addr_str(port->addr, above) : "",
		port ? ">" : "", lnk_addr_str(is->below->addr, below), state_str(&a, is),
		state_str(&a, was));
	if (port && both_known(port, was->above) &&
	    port->reg[LNK_R_CURLINK] != was->above->reg[LNK_R_CURLINK])
		fprintf(to, "; its port says %s, was %s", lnk_runs_str(&a, port),
			lnk_runs_str(&a, was->above));
	fputc('\n', to);
	lnk_arena_free(&a);
}

static void put_change(FILE *to, const struct lnk_view *v, const char *time,
		       const struct lnk_diff *c)
{
	static const char *const gone[] = {
		[LNK_GONE_JUDGED] = "",
		[LNK_GONE_REMOVED] = "",
		[LNK_GONE_ASLEEP] = "cannot tell, it sleeps now: ",
		[LNK_GONE_UNREAD] = "cannot tell, a register was not read: ",
	};
	static const char *const words[LNK_DIFFS] = {
		[LNK_DIFF_WENT] = "went",   [LNK_DIFF_REMOVED] = "removed",
		[LNK_DIFF_ADDED] = "added", [LNK_DIFF_LINK] = "link",
		[LNK_DIFF_CAME] = "came",   [LNK_DIFF_TURNED] = "changed",
	};
	struct lnk_arena a = {0};
	const char *what = lnk_strf(&a, "%s %s", time, words[c->kind]);

	if (c->fn)
		put_fn(to, v, what, c->fn);
	else if (c->link)
		put_link(to, v, what, c->link, c->link_was);
	else
		put_finding(to, v, what, gone[c->gone], c->finding);
	lnk_arena_free(&a);
}

/* "0.5s", "90s" */
static const char *seconds(struct lnk_arena *a, uint64_t ns)
{
	return lnk_strf(a, "%gs", (double)ns / 1e9);
}

/* What this watching sees, and what it does not. */
static const char *scope(struct lnk_arena *a, const struct lnk_news *n)
{
	const char *events = n->events ? "what comes and goes" : "events may not come";

	if (n->interval)
		return lnk_strf(a, "%s; links are looked at every %s", events,
				seconds(a, n->interval));
	return lnk_strf(a,
			"%s; a link that changes speed or width sends no event, --interval looks",
			events);
}

static void put_start(FILE *to, const struct lnk_view *v, const struct lnk_news *n)
{
	const struct lnk_model *m = n->model;
	struct lnk_arena a = {0};
	size_t fns, links, i;

	lnk_count_shown(m, &fns, &links);
	if (!v->quiet)
		fprintf(to, "%s watching %s, %s: %s\n", n->time, lnk_count_str(&a, fns, "function"),
			lnk_count_str(&a, links, "link"), scope(&a, n));
	for (i = 0; i < m->n_findings; i++)
		put_finding(to, v, lnk_strf(&a, "%s found", n->time), "", &m->findings[i]);
	lnk_arena_free(&a);
}

void lnk_text_tell(FILE *to, const struct lnk_view *v, const struct lnk_news *n)
{
	struct lnk_arena a = {0};
	size_t i;

	if (n->kind == LNK_NEWS_START)
		put_start(to, v, n);
	if (n->kind == LNK_NEWS_CHANGES)
		for (i = 0; i < n->changes->n; i++)
			put_change(to, v, n->time, &n->changes->list[i]);
	if (n->kind == LNK_NEWS_TROUBLE)
		fprintf(to, "%s trouble %s\n", n->time, lnk_text(&a, v, n->trouble));
	lnk_arena_free(&a);
}
