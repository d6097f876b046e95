/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-rows.c - the hierarchy as rows, in the order in which pictures have them */
#include <stdlib.h>

#include "lnkinspect.h"

/* A bus whose functions are to be drawn: below a row, or as a tree of its own. */
struct job {
	const struct lnk_fn *first;
	uint32_t n;
	size_t parent;
	unsigned depth;
};

struct jobs {
	struct job *list;
	size_t n, max;
};

struct drawing {
	struct lnk_rows *rows;
	unsigned max_depth;
	struct jobs stack; /* the bus to go on with is on top */
	struct jobs later; /* buses that lie too deep: drawn after the rest */
};

/* ---- Words ---------------------------------------------------------------------------------- */

const char *lnk_short_addr(struct lnk_arena *a, const struct lnk_fn *f)
{
	if (!f->parent)
		return lnk_strf(a, "%02x.%x", lnk_dev(f->addr), lnk_func(f->addr));
	return lnk_strf(a, "%02x:%02x.%x", f->addr.bus, lnk_dev(f->addr), lnk_func(f->addr));
}

const char *lnk_no_link_str(const struct lnk_fn *f)
{
	static const char *const vacant[] = {
		[LNK_EMPTY] = "empty",
		[LNK_CLAIMS_LINK] = "link up, nothing listed",
		[LNK_NOT_LISTED] = "nothing listed",
		[LNK_NOT_CONFIGURED] = "not configured",
	};

	if (lnk_faces_down(f)) {
		if (!f->n_children)
			return vacant[f->vacancy];
		if (!f->below)
			return "no link";
		return f->below->state == LNK_DOWN ? "link down" : NULL;
	}
	if (!f->link)
		return "";
	if (f->link->below != f)
		return "shared link";
	if (f->reach == LNK_READ_ASLEEP)
		return "asleep";
	if (f->reach == LNK_READ_GONE)
		return "removed";
	return f->reach == LNK_READ_FFS ? "does not answer" : NULL;
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static struct lnk_row *new_row(struct drawing *d)
{
	struct lnk_rows *r = d->rows;

	if (r->n == r->max) {
		r->max = r->max ? 2 * r->max : 64;
		r->rows = lnk_xrealloc(r->rows, r->max * sizeof(*r->rows));
	}
	return &r->rows[r->n++];
}

static void push(struct jobs *j, struct job job)
{
	if (j->n == j->max) {
		j->max = j->max ? 2 * j->max : 16;
		j->list = lnk_xrealloc(j->list, j->max * sizeof(*j->list));
	}
	j->list[j->n++] = job;
}

/*
 * A stack of buses in place of recursion: input can nest 255 bridges. What would be indented too
 * far is put off, and starts again at the margin under the name of its bus.
 */
static void draw_bus(struct drawing *d, struct job job)
{
	push(&d->stack, job);
	while (d->stack.n) {
		struct job *top = &d->stack.list[d->stack.n - 1], next;
		const struct lnk_fn *f = top->first;

		if (!top->n) {
			d->stack.n--;
			continue;
		}
		top->first++;
		top->n--;
		if (!f->shown)
			continue;
		next = (struct job){f->children, f->n_children, d->rows->n, top->depth + 1};
		*new_row(d) = (struct lnk_row){f, NULL, top->parent, top->depth};
		if (!f->n_children)
			continue;
		push(next.depth <= d->max_depth ? &d->stack : &d->later, next);
	}
}

static size_t bus_row(struct drawing *d, const struct lnk_fn *first)
{
	struct lnk_arena *a = &d->rows->arena;
	const char *text = lnk_strf(a, "%04x:%02x", first->addr.domain, first->addr.bus);

	if (first->parent)
		text = lnk_strf(a, "%s below %s", text, lnk_short_addr(a, first->parent));
	else if (first->place == LNK_AT_ORPHAN)
		text = lnk_strf(a, "%s bridge missing", text);
	else if (first->place == LNK_AT_DISPUTED)
		text = lnk_strf(a, "%s disputed", text);
	*new_row(d) = (struct lnk_row){NULL, text, SIZE_MAX, 0};
	return d->rows->n - 1;
}

static bool any_shown(const struct lnk_fn *first, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (first[i].shown)
			return true;
	return false;
}

void lnk_rows_make(struct lnk_rows *r, const struct lnk_model *m, unsigned max_depth)
{
	struct drawing d = {.rows = r, .max_depth = max_depth};
	const struct lnk_fn *fns = m->fns;
	size_t i, n, k;

	*r = (struct lnk_rows){.rows = NULL};
	for (i = 0; i < m->n_fns; i += n) {
		for (n = 1; i + n < m->n_fns; n++)
			if (lnk_addr_key(fns[i + n].addr) >> 8 != lnk_addr_key(fns[i].addr) >> 8)
				break;
		if (!fns[i].parent && any_shown(&fns[i], n))
			draw_bus(&d, (struct job){&fns[i], (uint32_t)n, bus_row(&d, &fns[i]), 1});
	}
	for (k = 0; k < d.later.n; k++) {
		struct job job = d.later.list[k];

		if (!any_shown(job.first, job.n))
			continue;
		job.parent = bus_row(&d, job.first);
		job.depth = 1;
		draw_bus(&d, job);
	}
	free(d.stack.list);
	free(d.later.list);
}

void lnk_rows_free(struct lnk_rows *r)
{
	free(r->rows);
	lnk_arena_free(&r->arena);
}
