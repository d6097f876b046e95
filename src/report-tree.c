/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-tree.c - the hierarchy, one line a function, findings on the line they belong to */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

#define GAP	  2u  /* columns between two cells */
#define NAME_MIN  16u /* a shorter name says nothing */
#define MAX_DEPTH 48u /* of indentation; what lies deeper starts again at the margin */
#define MIN_DEPTH 3u

enum column { TREE, TYPE, NAME, LINK, FOUND };

struct tree {
	struct lnk_arena arena;
	const struct lnk_view *view;
	const struct lnk_model *model;
	struct lnk_marks marks;
	struct lnk_grid grid;
	unsigned width[FOUND + 1]; /* of each column, with cells of several lines as they are */
	unsigned one_line;	   /* of LINK, were its cells of one line each */
};

/* ---- Rows ---------------------------------------------------------------------------------- */

/* "2.5GT/s x1 (of 8GT/s x16)" */
static const char *speed_str(struct tree *t, const struct lnk_fn *f)
{
	const char *runs = lnk_runs_str(&t->arena, f), *can = lnk_can_str(&t->arena, f);

	return strcmp(runs, can) ? lnk_strf(&t->arena, "%s\n(of %s)", runs, can) : runs;
}

/* Both ends show their own values; what has no wire, or none to show, says so or nothing. */
static const char *link_str(struct tree *t, const struct lnk_fn *f)
{
	const char *words = lnk_no_link_str(f);

	return words ? words : speed_str(t, f);
}

static void widest(unsigned *width, unsigned n)
{
	if (n > *width)
		*width = n;
}

static void add_row(struct tree *t, const struct lnk_row *row)
{
	const struct lnk_fn *f = row->fn;
	struct lnk_grid_row *r = &t->grid.rows[t->grid.n_rows++];
	size_t i;
	unsigned c;

	*r = (struct lnk_grid_row){.parent = row->parent, .fn = f};
	r->cell[TREE] = f ? lnk_short_addr(&t->arena, f) : row->bus;
	widest(&t->width[TREE], lnk_columns(r->cell[TREE]) + 2 * row->depth);
	if (!f)
		return;
	i = (size_t)(f - t->model->fns);
	r->cell[TYPE] = lnk_kind_name(f);
	r->cell[NAME] = lnk_name_cell(&t->arena, t->view, f, UINT32_MAX);
	r->cell[LINK] = link_str(t, f);
	r->cell[FOUND] = lnk_marks_str(&t->arena, &t->marks, t->view, i, i + 1, &r->color);
	for (c = TYPE; c <= FOUND; c++)
		widest(&t->width[c], lnk_cell_columns(r->cell[c]));
	widest(&t->one_line, lnk_columns(r->cell[LINK]));
}

/* ---- Columns that fit ---------------------------------------------------------------------- */

/*
 * The name gives way first, then the link takes a line of its own below; what is found, and the
 * link itself, are never cut.
 */
enum layout { WHOLE, TWO_LINES, NAMELESS, STACKED, BARE };

static enum layout choose(const struct tree *t, unsigned *name)
{
	unsigned width = t->view->width, fixed = t->width[TREE] + t->width[TYPE] + t->width[FOUND];

	*name = UINT32_MAX;
	if (!width || fixed + t->width[NAME] + t->one_line + 4 * GAP <= width)
		return WHOLE;
	*name = width - fixed - t->one_line - 4 * GAP;
	if (fixed + t->one_line + 4 * GAP + NAME_MIN <= width)
		return WHOLE;
	*name = width - fixed - t->width[LINK] - 4 * GAP;
	if (fixed + t->width[LINK] + 4 * GAP + NAME_MIN <= width)
		return TWO_LINES;
	if (fixed + t->one_line + 3 * GAP <= width)
		return NAMELESS;
	fixed = t->width[LINK] > t->width[FOUND] ? t->width[LINK] : t->width[FOUND];
	return t->width[TREE] + t->width[TYPE] + fixed + 2 * GAP <= width ? STACKED : BARE;
}

static const char *on_one_line(struct tree *t, const char *s)
{
	char *copy = lnk_strndup(&t->arena, s, strlen(s)), *p;

	for (p = copy; (p = strchr(p, '\n'));)
		*p = ' ';
	return copy;
}

static const char *stack(struct tree *t, const char *over, const char *under)
{
	if (!over || !*over || !under || !*under)
		return over && *over ? over : under;
	return lnk_strf(&t->arena, "%s\n%s", over, under);
}

static void fit_row(struct tree *t, struct lnk_grid_row *r, enum layout layout, unsigned name)
{
	if (!r->cell[TYPE])
		return;
	if (layout == WHOLE || layout == NAMELESS)
		r->cell[LINK] = on_one_line(t, r->cell[LINK]);
	if (layout <= TWO_LINES) {
		r->cell[NAME] = lnk_name_cell(&t->arena, t->view, r->fn, name);
		return;
	}
	if (layout == NAMELESS) {
		r->cell[NAME] = r->cell[LINK];
		r->cell[LINK] = r->cell[FOUND];
		return;
	}
	r->cell[NAME] = stack(t, r->cell[LINK], r->cell[FOUND]);
	if (layout == BARE)
		r->cell[TYPE] = stack(t, r->cell[TYPE], r->cell[NAME]);
}

static void fit(struct tree *t)
{
	static const unsigned columns[] = {
		[WHOLE] = FOUND + 1,  [TWO_LINES] = FOUND + 1, [NAMELESS] = LINK + 1,
		[STACKED] = NAME + 1, [BARE] = TYPE + 1,
	};
	unsigned name;
	enum layout layout = choose(t, &name);
	size_t i;

	t->grid.n_columns = columns[layout];
	t->grid.color_column = columns[layout] - 1;
	for (i = 0; i < t->grid.n_rows; i++)
		fit_row(t, &t->grid.rows[i], layout, name);
}

/* ---- The format ---------------------------------------------------------------------------- */

static unsigned depth_for(unsigned width)
{
	unsigned depth;

	if (!width)
		return MAX_DEPTH;
	/* Half of the width for the lines of the tree, less an address. */
	depth = width / 4 > 5 ? width / 4 - 5 : 0;
	if (depth > MAX_DEPTH)
		return MAX_DEPTH;
	return depth < MIN_DEPTH ? MIN_DEPTH : depth;
}

static int put_tree(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct tree t = {
		.view = v,
		.model = m,
		.grid = {.flags = {[TREE] = LNK_GRID_TREE}},
	};
	struct lnk_rows rows;
	size_t i;
	int rc = 0;

	lnk_marks_make(&t.marks, m);
	lnk_rows_make(&rows, m, depth_for(v->width));
	t.grid.rows = lnk_xmalloc(rows.n * sizeof(*t.grid.rows));
	for (i = 0; i < rows.n; i++)
		add_row(&t, &rows.rows[i]);
	if (t.grid.n_rows) {
		fit(&t);
		rc = lnk_put_grid(to, v, &t.grid);
	}
	lnk_rows_free(&rows);
	lnk_marks_free(&t.marks);
	lnk_arena_free(&t.arena);
	free(t.grid.rows);
	return rc;
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	return lnk_text_write(to, v, m, put_tree);
}

const struct lnk_format lnk_format_tree = {
	.name = "tree",
	.help = "the hierarchy, one line a function, then the findings",
	.keep_verbose = BIT(LNK_SKIPPED),
	.is_text = true,
	.between = lnk_text_between,
	.write = put_capture,
	.compare = lnk_text_compare,
	.expect = lnk_text_expect,
	.end = lnk_text_end,
	.tell = lnk_text_tell,
};
