/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-expect.c - what --expect reads, and how a capture differs from it, as text */
#include "lnkinspect.h"

/* ---- The list ------------------------------------------------------------------------------- */

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct lnk_arena a = {0};
	size_t n = 0, i;

	/* Neither a time nor a host: who looks again at the same writes the same. */
	fprintf(to, "# What " LNK_NAME " " LNK_VERSION " finds in %s, for --expect\n",
		lnk_text(&a, v, m->source ? m->source : "a capture"));
	for (i = 0; i < m->n_findings; i++) {
		const struct lnk_finding *f = &m->findings[i];

		if (f->severity < v->fail_on)
			continue;
		n++;
		fprintf(to, "%s  # %s: %s\n", lnk_finding_name(&a, f),
			lnk_severity_name(f->severity), f->rule->title);
	}
	if (!n)
		fputs("none\n", to);
	lnk_arena_free(&a);
	return 0;
}

const struct lnk_format lnk_format_expect = {
	.name = "expect",
	.help = "the findings, as --expect reads them",
	.write = put_capture,
	.end = lnk_text_end,
};

/* ---- What differs --------------------------------------------------------------------------- */

static const char *count_str(struct lnk_arena *a, const char *list, size_t n, const char *what)
{
	return n ? lnk_strf(a, "%s%s%zu %s", list, *list ? ", " : "", n, what) : list;
}

static void put_total(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	struct lnk_arena a = {0};
	const char *list = "";

	list = count_str(&a, list, e->n[LNK_EXPECT_FOUND], "found");
	list = count_str(&a, list, e->n[LNK_EXPECT_MISSING], "not found");
	list = count_str(&a, list, e->n[LNK_EXPECT_CANNOT_TELL], "cannot tell");
	list = count_str(&a, list, e->n_unexpected, "not expected");
	lnk_put_para(to, v, "", 2,
		     lnk_strf(&a, "Held against %s: %s.", lnk_text(&a, v, e->file),
			      *list ? list : "nothing expected, nothing found"));
	lnk_arena_free(&a);
}

int lnk_text_expect(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	struct lnk_arena a = {0};
	const char *file = lnk_text(&a, v, e->file);
	size_t i;

	if (!v->quiet)
		fputc('\n', to);
	for (i = 0; i < e->n_items; i++) {
		const struct lnk_expect_item *item = &e->items[i];

		if (item->state == LNK_EXPECT_MISSING)
			fprintf(to, "expect %s:%u: - %s (expected, not found)\n", file, item->line,
				item->text);
		if (item->state == LNK_EXPECT_CANNOT_TELL)
			fprintf(to, "expect %s:%u: ? %s (expected, cannot tell)\n", file,
				item->line, item->text);
	}
	for (i = 0; i < e->n_unexpected; i++)
		fprintf(to, "expect %s: + %s %s (found, not expected)\n", file,
			lnk_finding_name(&a, e->unexpected[i]),
			lnk_severity_name(e->unexpected[i]->severity));
	if (!v->quiet)
		put_total(to, v, e);
	lnk_arena_free(&a);
	return 0;
}
