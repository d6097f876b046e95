/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-table.c - the links as a table, each port above its device; then the findings */
#include <errno.h>
#include <libsmartcols.h>
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

#define GAP	 2u    /* columns between two cells */
#define NAME_MIN 12u   /* a shorter name says nothing */
#define PART	 1024u /* rows that the library is given at once, and the rest of their tree */

/* ---- Grids: libsmartcols ------------------------------------------------------------------- */

/*
 * Widths are decided by the caller: the library's own way to make a table fit cuts any column, and
 * its encoding of odd characters would escape once more what the model holds escaped.
 */
static struct libscols_table *new_table(const struct lnk_view *v, const struct lnk_grid *g)
{
	struct libscols_symbols *s = scols_new_symbols();
	struct libscols_table *t = scols_new_table();

	if (!s || !t) {
		scols_unref_symbols(s);
		scols_unref_table(t);
		return NULL;
	}
	scols_symbols_set_branch(s, v->utf8 ? "├─" : "|-");
	scols_symbols_set_vertical(s, v->utf8 ? "│ " : "| ");
	scols_symbols_set_right(s, v->utf8 ? "└─" : "`-");
	scols_table_set_symbols(t, s);
	scols_unref_symbols(s);
	scols_table_set_termforce(t, SCOLS_TERMFORCE_NEVER);
	scols_table_set_column_separator(t, "  ");
	scols_table_enable_noencoding(t, 1);
	scols_table_enable_minout(t, 1);
	scols_table_enable_noheadings(t, !g->heading[0]);
	scols_table_enable_colors(t, v->color);
	return t;
}

static int add_column(struct libscols_table *t, const char *name, unsigned flags, unsigned width)
{
	int fl = SCOLS_FL_WRAP;
	struct libscols_column *c;

	if (flags & LNK_GRID_TREE)
		fl = SCOLS_FL_TREE;
	if (flags & LNK_GRID_RIGHT)
		fl = SCOLS_FL_RIGHT;
	/* From 1 on: at least so many columns. */
	c = scols_table_new_column(t, name ? name : "", width, fl);
	if (!c)
		return -ENOMEM;
	if (fl != SCOLS_FL_WRAP)
		return 0;
	return scols_column_set_wrapfunc(c, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

static int add_row(struct libscols_table *t, struct libscols_line **lines, const struct lnk_grid *g,
		   size_t first, size_t i)
{
	const struct lnk_grid_row *r = &g->rows[i];
	struct libscols_line *parent = r->parent == SIZE_MAX ? NULL : lines[r->parent - first];
	struct libscols_line *line = scols_table_new_line(t, parent);
	unsigned c;
	int rc = 0;

	if (!line)
		return -ENOMEM;
	lines[i - first] = line;
	for (c = 0; c < g->n_columns && !rc; c++)
		if (r->cell[c] && *r->cell[c])
			rc = scols_line_set_data(line, c, r->cell[c]);
	if (!rc && r->color && *r->color)
		rc = scols_cell_set_color(scols_line_get_cell(line, g->color_column), r->color);
	return rc;
}

/* The library leaves blanks at the end of a line where the last cells are empty. */
static void put_trimmed(FILE *to, const char *s)
{
	const char *end;
	size_t n;

	for (; *s; s = *end ? end + 1 : end) {
		end = s + strcspn(s, "\n");
		for (n = (size_t)(end - s); n && s[n - 1] == ' ';)
			n--;
		fprintf(to, "%.*s\n", (int)n, s);
	}
}

/* Rows from @first to before @end, none of which hangs below another part's. */
static int put_part(FILE *to, const struct lnk_view *v, const struct lnk_grid *g,
		    const unsigned *widths, size_t first, size_t end)
{
	struct libscols_table *t = new_table(v, g);
	struct libscols_line **lines;
	char *text = NULL;
	unsigned c;
	size_t i;
	int rc = 0;

	if (!t)
		return -ENOMEM;
	if (first)
		scols_table_enable_noheadings(t, 1);
	lines = lnk_xmalloc((end - first) * sizeof(struct libscols_line *));
	for (c = 0; c < g->n_columns && !rc; c++)
		rc = add_column(t, g->heading[c], g->flags[c], widths[c]);
	for (i = first; i < end && !rc; i++)
		rc = add_row(t, lines, g, first, i);
	if (!rc)
		rc = scols_print_table_to_string(t, &text);
	if (!rc)
		put_trimmed(to, text);
	free(text);
	scols_unref_table(t);
	free(lines);
	return rc;
}

static size_t end_of_part(const struct lnk_grid *g, size_t first)
{
	size_t i = first + PART;

	while (i < g->n_rows && g->rows[i].parent != SIZE_MAX)
		i++;
	return i < g->n_rows ? i : g->n_rows;
}

static void widest(unsigned *width, unsigned n)
{
	if (n > *width)
		*width = n;
}

/* What each column takes over all rows, with two columns a level for the tree's lines. */
static void measure(const struct lnk_grid *g, unsigned *widths)
{
	unsigned c, depth;
	size_t i, up;

	for (c = 0; c < g->n_columns; c++)
		widest(&widths[c], g->heading[c] ? lnk_columns(g->heading[c]) : 0);
	for (i = 0; i < g->n_rows; i++) {
		for (depth = 0, up = g->rows[i].parent; up != SIZE_MAX; up = g->rows[up].parent)
			depth++;
		for (c = 0; c < g->n_columns; c++)
			if (g->rows[i].cell[c])
				widest(&widths[c],
				       lnk_cell_columns(g->rows[i].cell[c]) +
					       (g->flags[c] & LNK_GRID_TREE ? 2 * depth : 0));
	}
}

/*
 * For each row the library holds many times what the row takes: it gets a large grid in parts, and
 * is told how wide the whole is.
 */
int lnk_put_grid(FILE *to, const struct lnk_view *v, const struct lnk_grid *g)
{
	unsigned widths[LNK_GRID_COLUMNS] = {0};
	size_t i, end;
	int rc = 0;

	if (end_of_part(g, 0) < g->n_rows)
		measure(g, widths);
	for (i = 0; i < g->n_rows && !rc; i = end) {
		end = end_of_part(g, i);
		rc = put_part(to, v, g, widths, i, end);
	}
	return rc;
}

/* ---- The table of links -------------------------------------------------------------------- */

enum column { LINK, CAN, RUNS, RATE, VERDICT, NAME };

struct table {
	struct lnk_arena arena;
	const struct lnk_view *view;
	const struct lnk_model *model;
	struct lnk_marks marks;
	struct lnk_grid grid;
};

/* A component's functions share its wire, so their findings stand on its row. */
static const char *component_marks(struct table *t, const struct lnk_link *l, const char **color)
{
	size_t first = (size_t)(l->below - t->model->fns), end = first + 1;

	while (end < t->model->n_fns && t->model->fns[end].link == l)
		end++;
	return lnk_marks_str(&t->arena, &t->marks, t->view, first, end, color);
}

/* What was found, unless it only informs: then it stands below the verdict. */
static const char *device_verdict(struct table *t, const struct lnk_link *l, const char **color)
{
	const char *marks = component_marks(t, l, color);
	const char *verdict = lnk_standing_str(lnk_standing_of(l));

	if (*marks && l->verdict == LNK_FOUND)
		return marks;
	*color = "";
	return *marks ? lnk_strf(&t->arena, "%s\n%s", verdict, marks) : verdict;
}

static struct lnk_grid_row *add_end(struct table *t, const struct lnk_fn *f, size_t parent)
{
	struct lnk_grid_row *r = &t->grid.rows[t->grid.n_rows++];
	char at[LNK_ADDR_LEN];
	char *rate;

	*r = (struct lnk_grid_row){.parent = parent, .fn = f};
	r->cell[LINK] = lnk_strf(&t->arena, "%s", lnk_addr_str(f->addr, at));
	r->cell[CAN] = lnk_can_str(&t->arena, f);
	r->cell[RUNS] = lnk_runs_str(&t->arena, f);
	rate = lnk_strf(&t->arena, "%s", lnk_rate_str(&t->arena, f->cur_speed, f->cur_width));
	rate[strcspn(rate, " ")] = '\0';
	r->cell[RATE] = rate;
	return r;
}

static void add_link(struct table *t, const struct lnk_link *l)
{
	size_t port = SIZE_MAX, i;
	struct lnk_grid_row *r;

	if (l->above) {
		port = t->grid.n_rows;
		r = add_end(t, l->above, SIZE_MAX);
		i = (size_t)(l->above - t->model->fns);
		r->cell[VERDICT] =
			lnk_marks_str(&t->arena, &t->marks, t->view, i, i + 1, &r->color);
		if (l->state == LNK_DOWN) {
			r->cell[RUNS] = "down";
			r->cell[RATE] = "";
		}
	}
	r = add_end(t, l->below, port);
	r->cell[VERDICT] = device_verdict(t, l, &r->color);
}

/* Two columns: in @room columns what a link runs at and of what, and below it the verdict. */
static void make_narrow(struct table *t, unsigned room)
{
	size_t i;

	for (i = 0; i < t->grid.n_rows; i++) {
		struct lnk_grid_row *r = &t->grid.rows[i];
		const char *of = lnk_strf(&t->arena, "(of %s)", r->cell[CAN]),
			   *link = r->cell[RUNS];

		if (strcmp(r->cell[RUNS], r->cell[CAN]))
			link = lnk_strf(&t->arena, "%s%s%s", link,
					lnk_columns(link) + 1 + lnk_columns(of) > room ? "\n" : " ",
					of);
		if (*r->cell[VERDICT])
			link = lnk_strf(&t->arena, "%s\n%s", link, r->cell[VERDICT]);
		r->cell[CAN] = link;
	}
	t->grid.heading[CAN] = "RUNS (OF), VERDICT";
	t->grid.n_columns = t->grid.color_column = CAN;
	t->grid.n_columns++;
}

/* The name gives way first, then the columns are stacked; verdict and link are never cut. */
static void make_fit(struct table *t)
{
	unsigned w[NAME] = {4, 3, 4, 5, 7}, all = 0, left, c;
	size_t i;

	for (i = 0; i < t->grid.n_rows; i++)
		for (c = 0; c < NAME; c++)
			widest(&w[c], lnk_cell_columns(t->grid.rows[i].cell[c]) +
					      (!c && t->grid.rows[i].parent != SIZE_MAX ? 2 : 0));
	for (c = 0; c < NAME; c++)
		all += w[c] + (c ? GAP : 0);
	left = t->view->width ? t->view->width - all : UINT32_MAX;
	if (t->view->width && all > t->view->width) {
		make_narrow(t, t->view->width > w[LINK] + GAP ? t->view->width - w[LINK] - GAP : 0);
	} else if (left < GAP + NAME_MIN) {
		t->grid.n_columns--;
	} else {
		for (i = 0; i < t->grid.n_rows; i++)
			t->grid.rows[i].cell[NAME] =
				lnk_name_cell(&t->arena, t->view, t->grid.rows[i].fn, left - GAP);
	}
}

static void put_no_link(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	static const char *const words[] = {
		"functions without a PCI Express capability",
		"functions integrated into the root complex",
		"empty ports",
		"ports with nothing listed below",
		"functions whose capabilities were not read",
		"functions with no wire of their own",
	};
	size_t n[ARRAY_SIZE(words)] = {0}, i;
	struct lnk_arena a = {0};
	const char *list = "";

	for (i = 0; i < m->n_fns; i++) {
		const struct lnk_fn *f = &m->fns[i];

		if (!f->shown)
			continue;
		if (f->type == LNK_T_NONE)
			n[0]++;
		else if (f->type == LNK_T_RCIEP || f->type == LNK_T_RCEC)
			n[1]++;
		else if (lnk_faces_down(f) && f->vacancy == LNK_EMPTY)
			n[2]++;
		else if (lnk_faces_down(f) && f->vacancy != LNK_OCCUPIED)
			n[3]++;
		else
			n[f->type == LNK_T_UNKNOWN ? 4 : 5]++;
	}
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (n[i])
			list = lnk_strf(&a, "%s%s%s: %zu", list, *list ? ", " : "", words[i], n[i]);
	lnk_put_para(to, v, "No link to check. Seen: ", 2, *list ? list : "no function");
	lnk_arena_free(&a);
}

static int put_links(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct table t = {
		.view = v,
		.model = m,
		.grid =
			{
				.n_columns = LNK_GRID_COLUMNS,
				.color_column = VERDICT,
				.heading = {"LINK", "CAN", "RUNS", "GB/s", "VERDICT", "NAME"},
				.flags = {[LINK] = LNK_GRID_TREE, [RATE] = LNK_GRID_RIGHT},
			},
	};
	size_t i;
	int rc = 0;

	lnk_marks_make(&t.marks, m);
	t.grid.rows = lnk_xmalloc(2 * m->n_links * sizeof(*t.grid.rows));
	for (i = 0; i < m->n_links; i++)
		if (m->links[i].below->shown)
			add_link(&t, &m->links[i]);
	if (t.grid.n_rows) {
		make_fit(&t);
		rc = lnk_put_grid(to, v, &t.grid);
	} else {
		put_no_link(to, v, m);
	}
	free(t.grid.rows);
	lnk_marks_free(&t.marks);
	lnk_arena_free(&t.arena);
	return rc;
}

/* ---- -v: the link registers ----------------------------------------------------------------- */

struct flag {
	uint32_t mask;
	const char *name;
};

static const struct flag lnkcap_flags[] = {
	{PCI_EXP_LNKCAP_CLOCKPM, "ClockPM"}, {PCI_EXP_LNKCAP_SURPRISE, "Surprise"},
	{PCI_EXP_LNKCAP_DLLA, "LLActRep"},   {PCI_EXP_LNKCAP_LBNC, "BwNot"},
	{PCI_EXP_LNKCAP_AOC, "ASPMOptComp"}, {0, NULL},
};
static const struct flag lnkctl_flags[] = {
	{PCI_EXP_LNKCTL_DISABLE, "Disabled"},
	{PCI_EXP_LNKCTL_RETRAIN, "Retrain"},
	{PCI_EXP_LNKCTL_CLOCK, "CommClk"},
	{PCI_EXP_LNKCTL_XSYNCH, "ExtSynch"},
	{PCI_EXP_LNKCTL_CLOCKPM, "ClockPM"},
	{PCI_EXP_LNKCTL_HWAUTWD, "AutWidDis"},
	{PCI_EXP_LNKCTL_BWMIE, "BWInt"},
	{PCI_EXP_LNKCTL_AUTBWIE, "AutBWInt"},
	{0, NULL},
};
static const struct flag lnksta_flags[] = {
	{PCI_EXP_LNKSTA_TR_ERR, "TrErr"},
	{PCI_EXP_LNKSTA_TRAIN, "Train"},
	{PCI_EXP_LNKSTA_SL_CLK, "SlotClk"},
	{PCI_EXP_LNKSTA_DL_ACT, "DLActive"},
	{PCI_EXP_LNKSTA_BWMGMT, "BWMgmt"},
	{PCI_EXP_LNKSTA_AUTBW, "ABWMgmt"},
	{0, NULL},
};
static const struct flag lnkcap2_flags[] = {
	{PCI_EXP_LNKCAP2_CROSSLINK, "Crosslink"},
	{PCI_EXP_LNKCAP2_RETIMER, "Retimer"},
	{PCI_EXP_LNKCAP2_2RETIMERS, "2Retimers"},
	{PCI_EXP_LNKCAP2_DRS, "DRS"},
	{0, NULL},
};
static const struct flag lnkctl2_flags[] = {
	{PCI_EXP_LNKCTL2_CMPLNC, "EnterCompliance"},
	{PCI_EXP_LNKCTL2_SPEED_DIS, "SpeedDis"},
	{0, NULL},
};
static const struct flag lnksta2_flags[] = {
	{PCI_EXP_LINKSTA2_EQU_COMP, "EqualizationComplete"},
	{PCI_EXP_LINKSTA2_EQU_PHASE1, "EqualizationPhase1"},
	{PCI_EXP_LINKSTA2_EQU_PHASE2, "EqualizationPhase2"},
	{PCI_EXP_LINKSTA2_EQU_PHASE3, "EqualizationPhase3"},
	{PCI_EXP_LINKSTA2_EQU_REQ, "LinkEqualizationRequest"},
	{PCI_EXP_LINKSTA2_RETIMER, "Retimer"},
	{PCI_EXP_LINKSTA2_2RETIMERS, "2Retimers"},
	{0, NULL},
};

/* PCIe 7.5.3.6 and 7.5.3.7: the same code for what is supported and what is on. */
static const char *aspm_str(uint32_t code)
{
	static const char *const words[] = {"none", "L0s", "L1", "L0s L1"};

	return words[code & 3];
}

static const char *lnkcap_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	uint32_t r = f->reg[LNK_R_LNKCAP];

	return lnk_strf(a, "%s, Port #%u, ASPM %s,", lnk_can_str(a, f),
			FIELD_GET(PCI_EXP_LNKCAP_PORT, r),
			aspm_str(FIELD_GET(PCI_EXP_LNKCAP_ASPM, r)));
}

static const char *lnkctl_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	uint32_t r = f->reg[LNK_R_LNKCTL];

	return lnk_strf(a, "ASPM on: %s, RCB %u bytes,",
			aspm_str(FIELD_GET(PCI_EXP_LNKCTL_ASPM, r)),
			r & PCI_EXP_LNKCTL_RCB ? 128 : 64);
}

static const char *lnksta_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	return lnk_strf(a, "%s,", lnk_runs_str(a, f));
}

static const char *lnkcap2_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	uint32_t speeds = PCI_EXP_LNKCAP2_SPEED(f->reg[LNK_R_LNKCAP2]);
	const char *list = "";
	unsigned code;

	for (code = 1; code <= 7; code++)
		if (speeds & BIT(code - 1))
			list = lnk_strf(a, "%s%s%s", list, *list ? " " : "", lnk_speed_name(code));
	return lnk_strf(a, "speeds: %s,", *list ? list : "none listed");
}

static const char *lnkctl2_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	unsigned code = PCI_EXP_LNKCTL2_SPEED(f->reg[LNK_R_LNKCTL2]);

	return lnk_strf(a, "target speed %s,",
			code ? lnk_speed_legal(code) ? lnk_speed_name(code) :
						       lnk_strf(a, "code %u", code) :
			       "not set");
}

static const char *lnksta2_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	(void)a;
	return PCI_EXP_LINKSTA2_DEEMPHASIS(f->reg[LNK_R_LNKSTA2]) ? "de-emphasis -3.5dB," :
								    "de-emphasis -6dB,";
}

static const struct {
	enum lnk_reg reg;
	const char *(*decode)(struct lnk_arena *, const struct lnk_fn *);
	const struct flag *flags;
} link_regs[] = {
	{LNK_R_LNKCAP, lnkcap_str, lnkcap_flags},    {LNK_R_LNKCTL, lnkctl_str, lnkctl_flags},
	{LNK_R_LNKSTA, lnksta_str, lnksta_flags},    {LNK_R_LNKCAP2, lnkcap2_str, lnkcap2_flags},
	{LNK_R_LNKCTL2, lnkctl2_str, lnkctl2_flags}, {LNK_R_LNKSTA2, lnksta2_str, lnksta2_flags},
};
_Static_assert(ARRAY_SIZE(link_regs) == LNK_LINK_REGS, "as many as are announced");

/* As lspci writes flags: "DLActive+", "Train-". */
static const char *flags_str(struct lnk_arena *a, const char *list, const struct flag *flags,
			     uint32_t reg)
{
	for (; flags->mask; flags++)
		list = lnk_strf(a, "%s %s%c", list, flags->name, reg & flags->mask ? '+' : '-');
	return list;
}

const char *lnk_place_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	const struct lnk_live *l = f->live;
	const char *node, *group;

	if (!l)
		return "";
	node = l->near ? lnk_strf(a, "NUMA node %u", l->numa_node) : "";
	group = l->iommu_group ? lnk_strf(a, "IOMMU group %s", l->iommu_group) : "";
	return lnk_strf(a, "%s%s%s", node, *node && *group ? ", " : "", group);
}

bool lnk_register_line(struct lnk_arena *a, const struct lnk_fn *f, unsigned i,
		       struct lnk_register_line *line)
{
	enum lnk_reg r = link_regs[i].reg;
	const char *from = "";

	*line = (struct lnk_register_line){lnk_reg_name(r), "", "not read"};
	if (!lnk_knows(f, r))
		return !(f->absent & REG(r));
	if (f->from_text & REG(r))
		from = " (decoded text)";
	else if (f->from_attr & REG(r))
		from = " (sysfs)";
	/* Words hold some fields of a register: no raw value is made up from them. */
	if (!*from)
		line->raw = lnk_strf(a, "%0*x", (int)lnk_reg_digits(r), f->reg[r]);
	line->words =
		lnk_strf(a, "%s%s",
			 flags_str(a, link_regs[i].decode(a, f), link_regs[i].flags, f->reg[r]),
			 from);
	return true;
}

static void put_end(FILE *to, const struct lnk_view *v, const struct lnk_fn *f)
{
	struct lnk_register_line line;
	struct lnk_arena a = {0};
	const char *place = lnk_place_str(&a, f);
	char at[LNK_ADDR_LEN];
	unsigned i;

	lnk_put_para(to, v, "", 2,
		     lnk_strf(&a, "%s  %s  %s", lnk_addr_str(f->addr, at), lnk_kind_name(f),
			      lnk_text(&a, v, lnk_fn_name(&a, v, f))));
	if (*place)
		lnk_put_para(to, v, "  ", 2, place);
	for (i = 0; i < LNK_LINK_REGS; i++) {
		if (!lnk_register_line(&a, f, i, &line))
			continue;
		if (lnk_knows(f, link_regs[i].reg))
			lnk_put_para(to, v, lnk_strf(&a, "  %-7s  %-8s  ", line.name, line.raw), 21,
				     line.words);
		else
			fprintf(to, "  %-7s  %s\n", line.name, line.words);
	}
	lnk_arena_free(&a);
}

void lnk_put_registers(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_links; i++) {
		if (!m->links[i].below->shown)
			continue;
		fputc('\n', to);
		if (m->links[i].above)
			put_end(to, v, m->links[i].above);
		put_end(to, v, m->links[i].below);
		/* What was found is told with what others said of it. */
		if (m->links[i].verdict != LNK_FOUND)
			lnk_put_quotes(to, v, m, m->links[i].below);
	}
}

/* ---- The format ----------------------------------------------------------------------------- */

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	return lnk_text_write(to, v, m, put_links);
}

const struct lnk_format lnk_format_table = {
	.name = "table",
	.help = "the links, each port above its device, then the findings",
	.keep_verbose = BIT(LNK_SKIPPED),
	.is_text = true,
	.between = lnk_text_between,
	.write = put_capture,
	.compare = lnk_text_compare,
	.expect = lnk_text_expect,
	.end = lnk_text_end,
	.tell = lnk_text_tell,
};
