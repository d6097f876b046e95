/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-html-tree.c - the hierarchy in a page: a row a function, a piece of the drawing beside it
 *
 * Each row has an SVG as high as the row happens to be, so that text remains text and may wrap: a
 * line that goes on below ends at "100%". The line from a port to its device is as wide as the port
 * says in the port's row, and as the device says in the device's.
 */
#include <stdlib.h>
#include <string.h>

#include "html.h"

#define MAX_DEPTH 6u  /* as many as there are classes for; a telephone has room for no more */
#define STEP	  18u /* pixels from one depth to the next */
#define MIDDLE	  17u /* of a row's first line */
#define SHAPE	  8u  /* half of what is at the end of a line */
#define MAX_WIDTH 12u /* of a line */

/* ---- How a thing looks ---------------------------------------------------------------------- */

const char *lnk_look_class(enum lnk_look look)
{
	static const char *const names[] = {
		[LNK_LOOK_ERROR] = "error",   [LNK_LOOK_WARNING] = "warning",
		[LNK_LOOK_NOTICE] = "notice", [LNK_LOOK_OK] = "ok",
		[LNK_LOOK_DOWN] = "down",     [LNK_LOOK_UNKNOWN] = "cannot-tell",
		[LNK_LOOK_PLAIN] = "plain",
	};

	return names[look];
}

enum lnk_look lnk_look_of_severity(enum lnk_severity s)
{
	static const enum lnk_look looks[] = {
		[LNK_INFO] = LNK_LOOK_PLAIN,
		[LNK_NOTICE] = LNK_LOOK_NOTICE,
		[LNK_WARNING] = LNK_LOOK_WARNING,
		[LNK_ERROR] = LNK_LOOK_ERROR,
	};

	return looks[s];
}

enum lnk_look lnk_look_of_link(const struct lnk_link *l)
{
	if (l->verdict == LNK_FOUND)
		return lnk_look_of_severity((enum lnk_severity)l->worst);
	if (l->below->reach == LNK_READ_ASLEEP)
		return LNK_LOOK_DOWN;
	switch (lnk_standing_of(l)) {
	case LNK_STANDS_OK:
		return LNK_LOOK_OK;
	case LNK_STANDS_CANNOT_TELL:
		return LNK_LOOK_UNKNOWN;
	case LNK_STANDS_DOWN:
		return LNK_LOOK_DOWN;
	default:
		return LNK_LOOK_PLAIN;
	}
}

/* Centred at @x, MIDDLE. */
static void put_shape(FILE *to, enum lnk_look look, unsigned x)
{
	const char *class = lnk_look_class(look);

	switch (look) {
	case LNK_LOOK_ERROR:
		fprintf(to,
			"<path class=\"%s\" stroke-width=\"3.5\" d=\"m%u %u 10 10m0-10-10 10\"/>",
			class, x - 5, MIDDLE - 5);
		break;
	case LNK_LOOK_WARNING:
		fprintf(to, "<path class=\"f %s\" d=\"m%u %u 7 12h-14z\"/>", class, x, MIDDLE - 7);
		break;
	case LNK_LOOK_NOTICE:
		fprintf(to, "<path class=\"f %s\" d=\"m%u %u 6 6-6 6-6-6z\"/>", class, x,
			MIDDLE - 6);
		break;
	case LNK_LOOK_OK:
		fprintf(to, "<circle class=\"f %s\" cx=\"%u\" cy=\"%u\" r=\"5\"/>", class, x,
			MIDDLE);
		break;
	case LNK_LOOK_UNKNOWN:
		fprintf(to, "<text class=\"%s\" x=\"%u\" y=\"%u\">?</text>", class, x, MIDDLE + 5);
		break;
	case LNK_LOOK_DOWN:
		fprintf(to, "<circle class=\"down-end\" cx=\"%u\" cy=\"%u\" r=\"4\"/>", x, MIDDLE);
		break;
	case LNK_LOOK_PLAIN:
		fprintf(to, "<circle class=\"f %s\" cx=\"%u\" cy=\"%u\" r=\"3\"/>", class, x,
			MIDDLE);
		break;
	}
}

void lnk_html_shape(FILE *to, enum lnk_look look)
{
	fprintf(to, "<svg class=\"shape %s\" viewBox=\"1 %u 16 16\" aria-hidden=\"true\">",
		lnk_look_class(look), MIDDLE - 8);
	put_shape(to, look, 9);
	fputs("</svg>", to);
}

/*
 * Wider by a pixel each time that the rate doubles, from 2.5GT/s x1 on. Encodings differ by less
 * than a tenth, and are no reason for another width.
 */
static unsigned line_width(uint32_t mbps)
{
	unsigned width = 1;

	for (; width < MAX_WIDTH && UINT32_C(1000) << width <= mbps + mbps / 10; width++)
		;
	return width;
}

static uint32_t rate_of(const struct lnk_fn *f)
{
	return lnk_rate_mbps(f->cur_speed, f->cur_width);
}

/* ---- One row's piece of the drawing --------------------------------------------------------- */

struct drawing {
	struct lnk_page *page;
	struct lnk_rows rows;
	size_t *last; /* of each row the last of its children; 0: it has none */
};

static unsigned column(unsigned depth)
{
	return STEP / 2 + STEP * depth;
}

static void put_line(FILE *to, unsigned x, const char *from, const char *end)
{
	fprintf(to, "<line class=\"l\" x1=\"%u\" y1=\"%s\" x2=\"%u\" y2=\"%s\"/>", x, from, x, end);
}

/* What passes by on its way to rows below. */
static void put_passing(const struct drawing *d, size_t i)
{
	size_t up = i;

	while (d->rows.rows[up].parent != SIZE_MAX) {
		size_t parent = d->rows.rows[up].parent;

		if (d->last[parent] != up)
			put_line(d->page->to, column(d->rows.rows[parent].depth),
				 up == i ? "17" : "0", "100%");
		up = parent;
	}
}

static bool is_device_end(const struct lnk_fn *f)
{
	return f->link && f->link->below == f;
}

/* The wire that comes down to this function, if the row above it is its port. */
static const struct lnk_link *wire_above(const struct lnk_fn *f)
{
	return is_device_end(f) && f->link->above && f->link->above == f->parent ? f->link : NULL;
}

static const struct lnk_link *wire_below(const struct lnk_fn *f)
{
	return f->below && f->below->below->shown ? f->below : NULL;
}

static bool is_off(const struct lnk_link *l)
{
	return l->state == LNK_DOWN || l->below->reach == LNK_READ_ASLEEP;
}

/* Begins the element that shows the wire, as wide as @end says that it runs. */
static void put_wire(FILE *to, const char *element, const struct lnk_link *l,
		     const struct lnk_fn *end)
{
	fprintf(to, "<%s class=\"wire %s%s\" stroke-width=\"%u\"", element,
		lnk_look_class(lnk_look_of_link(l)), is_off(l) ? " off" : "",
		is_off(l) ? 1 : line_width(rate_of(end)));
}

static void put_above(const struct drawing *d, const struct lnk_row *row)
{
	const struct lnk_link *l = wire_above(row->fn);
	unsigned x = column(row->depth - 1);
	FILE *to = d->page->to;

	if (l)
		put_wire(to, "path", l, l->below);
	else
		fputs("<path class=\"l\"", to);
	/* A wide line would hide the shape at its end. */
	fprintf(to, " d=\"M%u 0V%uH%u\"/>", x, MIDDLE, column(row->depth) - (l ? SHAPE : 0));
}

/* A path knows no per cent: a line it is, and its width the port's. */
static void put_below(const struct drawing *d, size_t i)
{
	const struct lnk_row *row = &d->rows.rows[i];
	const struct lnk_link *l = wire_below(row->fn);
	unsigned x = column(row->depth);
	FILE *to = d->page->to;

	if (!d->last[i])
		return;
	if (!l) {
		put_line(to, x, "17", "100%");
		return;
	}
	put_wire(to, "line", l, l->above);
	fprintf(to, " x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"100%%\"/>", x, MIDDLE, x);
}

/* The worst of what was found at the function itself. */
static enum lnk_look own_look(const struct lnk_page *p, const struct lnk_fn *f)
{
	size_t i = (size_t)(f - p->model->fns);

	if (p->marks.from[i] == p->marks.from[i + 1])
		return LNK_LOOK_PLAIN;
	return lnk_look_of_severity(p->marks.list[p->marks.from[i]]->severity);
}

static enum lnk_look look_of(const struct lnk_page *p, const struct lnk_fn *f)
{
	return is_device_end(f) ? lnk_look_of_link(f->link) : own_look(p, f);
}

static const char *look_words(enum lnk_look look)
{
	return look == LNK_LOOK_UNKNOWN ? "cannot tell" :
	       look == LNK_LOOK_PLAIN	? "not judged" :
	       look == LNK_LOOK_DOWN	? "not compared" :
					  lnk_look_class(look);
}

static void put_words(struct lnk_page *p, const struct lnk_link *l)
{
	char above[LNK_ADDR_LEN], below[LNK_ADDR_LEN];
	const char *rate = lnk_rate_str(&p->arena, l->below->cur_speed, l->below->cur_width);

	fprintf(p->to, " role=\"img\"><title>%s to %s</title><desc>%s%s%s%s</desc>",
		lnk_addr_str(l->above->addr, above), lnk_addr_str(l->below->addr, below), rate,
		*rate ? ", " : "", look_words(lnk_look_of_link(l)),
		is_off(l) ? ", down or asleep" : "");
}

static void put_gutter(const struct drawing *d, size_t i)
{
	const struct lnk_row *row = &d->rows.rows[i];
	struct lnk_page *p = d->page;
	const struct lnk_link *l = wire_above(row->fn);

	fputs("<svg class=\"gutter\"", p->to);
	if (l)
		put_words(p, l);
	else
		fputs(" aria-hidden=\"true\">", p->to);
	put_passing(d, i);
	put_above(d, row);
	put_below(d, i);
	put_shape(p->to, look_of(p, row->fn), column(row->depth));
	fputs("</svg>", p->to);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static void put_marks(struct lnk_page *p, const struct lnk_fn *f)
{
	size_t i = (size_t)(f - p->model->fns), k;

	for (k = p->marks.from[i]; k < p->marks.from[i + 1]; k++) {
		const struct lnk_finding *x = p->marks.list[k];
		const char *severity = lnk_severity_name(x->severity);

		fprintf(p->to, "<a class=\"%s\" href=\"#", severity);
		lnk_html_finding_id(p, x);
		fprintf(p->to, "\">%s %s</a>", x->rule->id, severity);
	}
}

/* What was found says more than that something was. */
static void put_verdict(struct lnk_page *p, const struct lnk_fn *f)
{
	enum lnk_standing s;

	fputs("<td class=\"verdict\">", p->to);
	if (is_device_end(f) && f->link->verdict != LNK_FOUND) {
		s = lnk_standing_of(f->link);
		fprintf(p->to, "<span class=\"%s\">%s</span>",
			s == LNK_STANDS_OK	    ? "ok" :
			s == LNK_STANDS_CANNOT_TELL ? "cannot-tell" :
						      "mute",
			lnk_standing_str(s));
	}
	put_marks(p, f);
	fputs("</td>", p->to);
}

/* Its own figures, as far as it is an end of a wire. */
static void put_figures(struct lnk_page *p, const struct lnk_fn *f)
{
	const bool is_end = lnk_faces_down(f) || f->below || is_device_end(f);
	const char *can = is_end ? lnk_can_str(&p->arena, f) : "";
	const char *runs = lnk_no_link_str(f), *rate = "";

	/* Not every port is known to be one. */
	if (is_end && (!runs || !*runs)) {
		runs = lnk_runs_str(&p->arena, f);
		rate = lnk_rate_str(&p->arena, f->cur_speed, f->cur_width);
	}
	fprintf(p->to,
		"<td class=\"can\">%s</td><td class=\"runs\">%s</td><td class=\"rate\">%.*s</td>",
		can, runs, (int)strcspn(rate, " "), rate);
}

static void put_fn(const struct drawing *d, size_t i)
{
	const struct lnk_row *row = &d->rows.rows[i];
	struct lnk_page *p = d->page;
	char at[LNK_ADDR_LEN];

	fprintf(p->to, "<tr class=\"d%u\" id=\"", row->depth);
	lnk_html_fn_id(p, row->fn);
	fputs("\"><td class=\"fn\">", p->to);
	put_gutter(d, i);
	fprintf(p->to, "<code>%s</code> <span class=\"mute\">%s</span></td>",
		lnk_addr_str(row->fn->addr, at), lnk_kind_name(row->fn));
	put_figures(p, row->fn);
	put_verdict(p, row->fn);
	fputs("<td class=\"name\">", p->to);
	lnk_html_text(p->to, lnk_name_cell(&p->arena, p->view, row->fn, UINT32_MAX));
	fputs("</td></tr>\n", p->to);
}

static void put_row(const struct drawing *d, size_t i)
{
	const struct lnk_row *row = &d->rows.rows[i];

	if (row->fn) {
		put_fn(d, i);
		return;
	}
	fprintf(d->page->to,
		"<tr class=\"bus\"><th colspan=\"6\" scope=\"rowgroup\">bus %s</th>"
		"</tr>\n",
		row->bus);
}

/* ---- How to read it ------------------------------------------------------------------------- */

static void put_legend(FILE *to)
{
	static const struct {
		unsigned speed, width;
		const char *words;
	} lines[] = {{1, 1, "0.25 GB/s"}, {3, 4, "3.94"}, {4, 16, "31.51"}};
	static const struct {
		enum lnk_look look;
		const char *words;
	} shapes[] = {
		{LNK_LOOK_OK, "ok"},
		{LNK_LOOK_NOTICE, "notice"},
		{LNK_LOOK_WARNING, "warning"},
		{LNK_LOOK_ERROR, "error"},
		{LNK_LOOK_UNKNOWN, "cannot tell (dotted)"},
		{LNK_LOOK_DOWN, "down or asleep (dashed)"},
		{LNK_LOOK_PLAIN, "not judged"},
	};
	size_t i;

	fputs("<ul class=\"legend\"><li>A line is wider by a step each time that the rate doubles:"
	      "</li>",
	      to);
	for (i = 0; i < ARRAY_SIZE(lines); i++)
		fprintf(to,
			"<li><svg class=\"plain\" width=\"28\" height=\"14\" aria-hidden=\"true\">"
			"<path stroke-width=\"%u\" d=\"M0 7H28\"/></svg>%s</li>",
			line_width(lnk_rate_mbps(lines[i].speed, lines[i].width)), lines[i].words);
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		fputs("<li>", to);
		lnk_html_shape(to, shapes[i].look);
		fprintf(to, "%s</li>", shapes[i].words);
	}
	fputs("</ul>\n", to);
}

void lnk_html_tree(struct lnk_page *p)
{
	struct drawing d = {.page = p};
	size_t i;

	lnk_rows_make(&d.rows, p->model, MAX_DEPTH);
	if (!d.rows.n) {
		lnk_rows_free(&d.rows);
		return;
	}
	d.last = lnk_xmalloc(d.rows.n * sizeof(*d.last));
	memset(d.last, 0, d.rows.n * sizeof(*d.last));
	for (i = 0; i < d.rows.n; i++)
		if (d.rows.rows[i].parent != SIZE_MAX)
			d.last[d.rows.rows[i].parent] = i;
	fputs("<h3>Hierarchy</h3>\n<table class=\"tree\"><thead><tr>"
	      "<th scope=\"col\">Function</th><th scope=\"col\">Can</th><th scope=\"col\">Runs</th>"
	      "<th scope=\"col\" class=\"right\">GB/s</th><th scope=\"col\">Verdict</th>"
	      "<th scope=\"col\">Name</th></tr></thead><tbody>\n",
	      p->to);
	for (i = 0; i < d.rows.n; i++)
		put_row(&d, i);
	fputs("</tbody></table>\n", p->to);
	put_legend(p->to);
	free(d.last);
	lnk_rows_free(&d.rows);
}
