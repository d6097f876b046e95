/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-samples.c - what was seen of links that were looked at again and again, as text */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

enum column { LINK, LOWEST, HIGHEST, LAST, CHANGES, TIME };

struct table {
	struct lnk_arena arena;
	const struct lnk_view *view;
	const struct lnk_model *model;
	struct lnk_grid grid;
};

static const struct lnk_samples *samples_of(const struct lnk_fn *f)
{
	return f && f->live ? f->live->samples : NULL;
}

static const char *status_str(struct lnk_arena *a, const struct lnk_samples *s, unsigned status)
{
	return s->looks ? lnk_link_str(a, FIELD_GET(PCI_EXP_LNKSTA_SPEED, status),
				       FIELD_GET(PCI_EXP_LNKSTA_WIDTH, status)) :
			  "-";
}

static const char *last_str(struct lnk_arena *a, const struct lnk_samples *s)
{
	if (s->sight == LNK_SEEN_ASLEEP)
		return "asleep";
	return s->sight == LNK_SEEN_NOTHING ? "no answer" : status_str(a, s, s->last);
}

/* What is there is not 0 %, and what is not all is not 100 %. */
static const char *share_str(struct lnk_arena *a, uint64_t ns, uint64_t all)
{
	unsigned percent = (unsigned)(100.0 * (double)ns / (double)all + 0.5);

	if (!percent)
		return "<1 %";
	return percent == 100 && ns < all ? ">99 %" : lnk_strf(a, "%u %%", percent);
}

static const char *add_time(struct table *t, const char *list, const char *what, uint64_t ns)
{
	uint64_t all = t->model->sampling->duration;

	if (!ns)
		return list;
	return lnk_strf(&t->arena, "%s%s%s %s", list, *list ? ", " : "", what,
			share_str(&t->arena, ns, all));
}

static const char *time_str(struct table *t, const struct lnk_samples *s)
{
	const char *list = "";
	unsigned code;

	for (code = 0; code < LNK_SPEED_CODES; code++)
		list = add_time(t, list, lnk_speed_name(code), s->at_speed[code]);
	list = add_time(t, list, "asleep", s->asleep);
	return add_time(t, list, "no answer", s->silent);
}

static void add_row(struct table *t, const char *name, const struct lnk_samples *s)
{
	struct lnk_grid_row *r = &t->grid.rows[t->grid.n_rows++];

	*r = (struct lnk_grid_row){.parent = SIZE_MAX};
	r->cell[LINK] = name;
	r->cell[LOWEST] = status_str(&t->arena, s, s->lowest);
	r->cell[HIGHEST] = status_str(&t->arena, s, s->highest);
	r->cell[LAST] = last_str(&t->arena, s);
	r->cell[CHANGES] = lnk_strf(&t->arena, "%zu", s->changes);
	r->cell[TIME] = time_str(t, s);
}

static bool same_link(unsigned a, unsigned b)
{
	return !((a ^ b) & (PCI_EXP_LNKSTA_SPEED | PCI_EXP_LNKSTA_WIDTH));
}

static bool alike(const struct lnk_samples *a, const struct lnk_samples *b)
{
	return a->sight == b->sight && a->changes == b->changes &&
	       same_link(a->lowest, b->lowest) && same_link(a->highest, b->highest) &&
	       same_link(a->last, b->last);
}

/* The device speaks for the link; its port only where it says something else. */
static void add_link(struct table *t, const struct lnk_link *l)
{
	const struct lnk_samples *up = samples_of(l->above), *s = samples_of(l->below);
	char port[LNK_ADDR_LEN] = "", device[LNK_ADDR_LEN];

	if (l->above)
		lnk_addr_str(l->above->addr, port);
	lnk_addr_str(l->below->addr, device);
	if (s)
		add_row(t, lnk_strf(&t->arena, "%s%s%s", port, *port ? " > " : "", device), s);
	if (up && !(s && alike(up, s)))
		add_row(t, lnk_strf(&t->arena, "port %s", port), up);
}

/* ---- Widths --------------------------------------------------------------------------------- */

static unsigned width_of(const struct lnk_grid *g)
{
	unsigned all = 0, c, w, n;
	size_t i;

	for (c = 0; c < g->n_columns; c++) {
		w = lnk_columns(g->heading[c]);
		for (i = 0; i < g->n_rows; i++) {
			n = lnk_cell_columns(g->rows[i].cell[c]);
			w = n > w ? n : w;
		}
		all += w + (c ? 2 : 0);
	}
	return all;
}

/* Each @mark with the blank behind it becomes a line's end. */
static const char *stack(struct lnk_arena *a, const char *cell, char mark)
{
	char *s = lnk_strf(a, "%s", cell), *p;

	for (p = s; (p = strchr(p, mark)) && p[1]; p++)
		p[1] = '\n';
	return s;
}

/* Two columns: the last holds all, a line each. */
static void make_narrow(struct table *t)
{
	size_t i;

	for (i = 0; i < t->grid.n_rows; i++) {
		const char **cell = t->grid.rows[i].cell;

		cell[LOWEST] =
			lnk_strf(&t->arena, "lowest: %s\nhighest: %s\nlast: %s\nchanges: %s\n%s",
				 cell[LOWEST], cell[HIGHEST], cell[LAST], cell[CHANGES],
				 cell[TIME]);
	}
	t->grid.heading[LOWEST] = "SEEN";
	t->grid.n_columns = HIGHEST;
}

static void make_fit(struct table *t)
{
	unsigned room = t->view->width ? t->view->width : UINT32_MAX;
	size_t i;

	if (width_of(&t->grid) <= room)
		return;
	for (i = 0; i < t->grid.n_rows; i++) {
		const char **cell = t->grid.rows[i].cell;

		cell[LINK] = stack(&t->arena, cell[LINK], '>');
		cell[TIME] = stack(&t->arena, cell[TIME], ',');
	}
	if (width_of(&t->grid) > room)
		make_narrow(t);
}

/* ---- The whole ------------------------------------------------------------------------------ */

static const char *ended_str(struct lnk_arena *a, const struct lnk_sampling *s)
{
	const char *by = s->signal ? lnk_strf(a, "ended early by signal %d (%s)", s->signal,
					      strsignal(s->signal)) :
				     "";

	if (!s->words)
		return *by ? lnk_strf(a, " (%s)", by) : "";
	return lnk_strf(a, " (%s%s%s)", by, *by ? "; " : "", s->words);
}

static void put_head(struct table *t, FILE *to)
{
	const struct lnk_sampling *s = t->model->sampling;
	const char *ended = ended_str(&t->arena, s);
	char time[LNK_TIME_LEN];

	fputc('\n', to);
	if (!t->grid.n_rows)
		lnk_put_para(to, t->view, "", 2,
			     lnk_strf(&t->arena,
				      "Looked once: there is no link of which a second look would "
				      "tell more%s.",
				      ended));
	else
		lnk_put_para(to, t->view, "", 2,
			     lnk_strf(&t->arena, "Seen in %zu looks over %s%s:", s->looks,
				      lnk_time_str(s->duration, time), ended));
}

int lnk_put_samples(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct table t = {
		.view = v,
		.model = m,
		.grid =
			{
				.n_columns = LNK_GRID_COLUMNS,
				.heading = {"LINK", "LOWEST", "HIGHEST", "LAST", "CHANGES", "TIME"},
				.flags = {[CHANGES] = LNK_GRID_RIGHT},
			},
	};
	size_t i;
	int rc = 0;

	t.grid.rows = lnk_xmalloc(2 * m->n_links * sizeof(*t.grid.rows));
	for (i = 0; i < m->n_links; i++)
		if (m->links[i].below->shown)
			add_link(&t, &m->links[i]);
	put_head(&t, to);
	if (t.grid.n_rows) {
		make_fit(&t);
		rc = lnk_put_grid(to, v, &t.grid);
	}
	free(t.grid.rows);
	lnk_arena_free(&t.arena);
	return rc;
}
