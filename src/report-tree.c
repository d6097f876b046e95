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

/* A bus whose functions are to be drawn: below a row, or as a tree of its own. */
struct job {
	const struct lnk_fn *first;
	uint32_t n;
	size_t parent;
	unsigned depth;
};

struct tree {
	struct lnk_arena arena;
	const struct lnk_view *view;
	const struct lnk_model *model;
	struct lnk_marks marks;
	struct lnk_grid grid;
	size_t max_rows;
	unsigned max_depth;
	unsigned width[FOUND + 1]; /* of each column, with cells of several lines as they are */
	unsigned one_line;	   /* of LINK, were its cells of one line each */
	struct job *jobs;	   /* a stack: the bus to go on with is on top */
	size_t n_jobs, max_jobs;
	struct job *later; /* buses that lie too deep: drawn after the rest */
	size_t n_later, max_later;
};

/* ---- Rows ---------------------------------------------------------------------------------- */

static struct lnk_grid_row *new_row(struct tree *t, size_t parent)
{
	if (t->grid.n_rows == t->max_rows) {
		t->max_rows = t->max_rows ? 2 * t->max_rows : 64;
		t->grid.rows = lnk_xrealloc(t->grid.rows, t->max_rows * sizeof(*t->grid.rows));
	}
	t->grid.rows[t->grid.n_rows] = (struct lnk_grid_row){.parent = parent};
	return &t->grid.rows[t->grid.n_rows++];
}

static void push(struct job **list, size_t *n, size_t *max, struct job job)
{
	if (*n == *max) {
		*max = *max ? 2 * *max : 16;
		*list = lnk_xrealloc(*list, *max * sizeof(**list));
	}
	(*list)[(*n)++] = job;
}

/* On a root bus "03.0", as the bus stands in the line above; below a bridge "01:00.0". */
static const char *at_str(struct tree *t, const struct lnk_fn *f)
{
	if (!f->parent)
		return lnk_strf(&t->arena, "%02x.%x", lnk_dev(f->addr), lnk_func(f->addr));
	return lnk_strf(&t->arena, "%02x:%02x.%x", f->addr.bus, lnk_dev(f->addr),
			lnk_func(f->addr));
}

/* "2.5GT/s x1 (of 8GT/s x16)" */
static const char *speed_str(struct tree *t, const struct lnk_fn *f)
{
	const char *runs = lnk_runs_str(&t->arena, f), *can = lnk_can_str(&t->arena, f);

	return strcmp(runs, can) ? lnk_strf(&t->arena, "%s\n(of %s)", runs, can) : runs;
}

/* Both ends show their own values; what has no wire, or none to show, says so or nothing. */
static const char *link_str(struct tree *t, const struct lnk_fn *f)
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
		return f->below->state == LNK_DOWN ? "link down" : speed_str(t, f);
	}
	if (!f->link)
		return "";
	if (f->link->below != f)
		return "shared link";
	if (f->reach == LNK_READ_ASLEEP)
		return "asleep";
	if (f->reach == LNK_READ_GONE)
		return "removed";
	return f->reach == LNK_READ_FFS ? "does not answer" : speed_str(t, f);
}

static void widest(unsigned *width, unsigned n)
{
	if (n > *width)
		*width = n;
}

static void add_fn(struct tree *t, const struct lnk_fn *f, size_t parent, unsigned depth)
{
	struct lnk_grid_row *r = new_row(t, parent);
	size_t i = (size_t)(f - t->model->fns);
	unsigned c;

	r->cell[TREE] = at_str(t, f);
	r->cell[TYPE] = lnk_kind_name(f);
	r->cell[NAME] = lnk_name_cell(&t->arena, t->view, f, UINT32_MAX);
	r->fn = f;
	r->cell[LINK] = link_str(t, f);
	r->cell[FOUND] = lnk_marks_str(&t->arena, &t->marks, t->view, i, i + 1, &r->color);
	widest(&t->width[TREE], lnk_columns(r->cell[TREE]) + 2 * depth);
	for (c = TYPE; c <= FOUND; c++)
		widest(&t->width[c], lnk_cell_columns(r->cell[c]));
	widest(&t->one_line, lnk_columns(r->cell[LINK]));
}

/* ---- Order --------------------------------------------------------------------------------- */

/*
 * A stack of buses in place of recursion: input can nest 255 bridges. What would be indented too
 * far is put off, and starts again at the margin under the name of its bus.
 */
static void draw_bus(struct tree *t, struct job job)
{
	push(&t->jobs, &t->n_jobs, &t->max_jobs, job);
	while (t->n_jobs) {
		struct job *top = &t->jobs[t->n_jobs - 1], next;
		const struct lnk_fn *f = top->first;

		if (!top->n) {
			t->n_jobs--;
			continue;
		}
		top->first++;
		top->n--;
		if (!f->shown)
			continue;
		next = (struct job){f->children, f->n_children, t->grid.n_rows, top->depth + 1};
		add_fn(t, f, top->parent, top->depth);
		if (!f->n_children)
			continue;
		if (next.depth <= t->max_depth)
			push(&t->jobs, &t->n_jobs, &t->max_jobs, next);
		else
			push(&t->later, &t->n_later, &t->max_later, next);
	}
}

static size_t bus_row(struct tree *t, const struct lnk_fn *first)
{
	const char *text = lnk_strf(&t->arena, "%04x:%02x", first->addr.domain, first->addr.bus);

	if (first->parent)
		text = lnk_strf(&t->arena, "%s below %s", text, at_str(t, first->parent));
	else if (first->place == LNK_AT_ORPHAN)
		text = lnk_strf(&t->arena, "%s bridge missing", text);
	else if (first->place == LNK_AT_DISPUTED)
		text = lnk_strf(&t->arena, "%s disputed", text);
	new_row(t, SIZE_MAX)->cell[TREE] = text;
	widest(&t->width[TREE], lnk_columns(text));
	return t->grid.n_rows - 1;
}

static bool any_shown(const struct lnk_fn *first, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (first[i].shown)
			return true;
	return false;
}

static void draw_all(struct tree *t)
{
	const struct lnk_fn *fns = t->model->fns;
	size_t i, n, k;

	for (i = 0; i < t->model->n_fns; i += n) {
		for (n = 1; i + n < t->model->n_fns; n++)
			if (lnk_addr_key(fns[i + n].addr) >> 8 != lnk_addr_key(fns[i].addr) >> 8)
				break;
		if (!fns[i].parent && any_shown(&fns[i], n))
			draw_bus(t, (struct job){&fns[i], (uint32_t)n, bus_row(t, &fns[i]), 1});
	}
	for (k = 0; k < t->n_later; k++) {
		struct job job = t->later[k];

		if (!any_shown(job.first, job.n))
			continue;
		job.parent = bus_row(t, job.first);
		job.depth = 1;
		draw_bus(t, job);
	}
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
		.max_depth = depth_for(v->width),
		.grid = {.flags = {[TREE] = LNK_GRID_TREE}},
	};
	int rc = 0;

	lnk_marks_make(&t.marks, m);
	draw_all(&t);
	if (t.grid.n_rows) {
		fit(&t);
		rc = lnk_put_grid(to, v, &t.grid);
	}
	lnk_marks_free(&t.marks);
	lnk_arena_free(&t.arena);
	free(t.grid.rows);
	free(t.jobs);
	free(t.later);
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
	.between = lnk_text_between,
	.write = put_capture,
	.compare = lnk_text_compare,
	.expect = lnk_text_expect,
	.end = lnk_text_end,
	.tell = lnk_text_tell,
};
