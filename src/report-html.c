/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-html.c - a page to look at: one file, no script, nothing that is loaded
 *
 * Every word from outside goes through lnk_html_text(). Names of elements are made of the input's
 * and the capture's number, the rule and the address: workers know them as well as one process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

/* ---- Text and names ------------------------------------------------------------------------- */

void lnk_html_text(FILE *to, const char *s)
{
	lnk_put_markup(to, s, "\n");
}

static void put_in(FILE *to, const char *element, const char *text)
{
	fprintf(to, "<%s>", element);
	lnk_html_text(to, text);
	fprintf(to, "</%.*s>\n", (int)strcspn(element, " "), element);
}

void lnk_html_fn_id(const struct lnk_page *p, const struct lnk_fn *f)
{
	char at[LNK_ADDR_LEN];

	fprintf(p->to, "%s-%s", p->id, lnk_addr_str(f->addr, at));
}

void lnk_html_finding_id(const struct lnk_page *p, const struct lnk_finding *f)
{
	char at[LNK_ADDR_LEN];

	fprintf(p->to, "%s-%s%s%s", p->id, f->rule->id, f->fn ? "-" : "",
		f->fn ? lnk_addr_str(f->fn->addr, at) : "");
}

/* An address as a link to its row. */
static void put_fn_link(const struct lnk_page *p, const struct lnk_fn *f)
{
	char at[LNK_ADDR_LEN];

	fputs("<a href=\"#", p->to);
	lnk_html_fn_id(p, f);
	fprintf(p->to, "\"><code>%s</code></a>", lnk_addr_str(f->addr, at));
}

/* ---- Findings ------------------------------------------------------------------------------- */

struct teller {
	struct lnk_teller teller;
	struct lnk_page *page;
};

static void begin_finding(struct lnk_teller *t, const struct lnk_finding *f)
{
	const struct lnk_page *p = ((struct teller *)t)->page;
	const char *severity = lnk_severity_name(f->severity);

	fprintf(p->to, "<article class=\"finding %s\" id=\"", severity);
	lnk_html_finding_id(p, f);
	fputs("\">\n<h4>", p->to);
	lnk_html_shape(p->to, lnk_look_of_severity(f->severity));
	fprintf(p->to, "<span class=\"mark %s\">%s %s</span>", severity, f->rule->id, severity);
	if (f->held == LNK_HELD_EXPECTED)
		fputs("<span class=\"held\">(expected)</span>", p->to);
	lnk_html_text(p->to, f->rule->title);
	fputs("</h4>\n", p->to);
	put_in(p->to, "p class=\"message\"", f->message);
	fputs("<dl>\n", p->to);
}

/* The text begins with the address that leads to the row. */
static void put_end(const struct lnk_page *p, const struct lnk_said *s)
{
	char at[LNK_ADDR_LEN];

	put_fn_link(p, s->fn);
	lnk_html_text(p->to, s->text + strlen(lnk_addr_str(s->fn->addr, at)));
}

static void put_copy(FILE *to, const struct lnk_suggestion *s)
{
	size_t i;

	if (!s->n_lines)
		return;
	fputs("<pre class=\"copy\"><code>", to);
	for (i = 0; i < s->n_lines; i++) {
		if (i)
			fputc('\n', to);
		lnk_html_text(to, s->lines[i]);
	}
	fputs("</code></pre>", to);
}

static void say(struct lnk_teller *t, const struct lnk_said *s)
{
	static const char *const labels[] = {
		[LNK_SAY_ENDS] = "ends",      [LNK_SAY_END] = NULL,	[LNK_SAY_AT] = "at",
		[LNK_SAY_READ] = "read",      [LNK_SAY_QUOTE] = "said", [LNK_SAY_WHY] = "why",
		[LNK_SAY_WHY_DO] = "why, do", [LNK_SAY_HERE] = "here",	[LNK_SAY_DO] = "do",
		[LNK_SAY_HOW] = "how",
	};
	const struct lnk_page *p = ((struct teller *)t)->page;

	if (labels[s->part])
		fprintf(p->to, "<dt>%s</dt>", labels[s->part]);
	fputs("<dd>", p->to);
	if (s->as) {
		fputs("<a href=\"#", p->to);
		lnk_html_finding_id(p, s->as);
		fputs("\">", p->to);
		lnk_html_text(p->to, s->text);
		fputs("</a>", p->to);
	} else if (s->fn) {
		put_end(p, s);
	} else {
		lnk_html_text(p->to, s->text);
	}
	if (s->copy)
		put_copy(p->to, s->copy);
	fputs("</dd>\n", p->to);
}

static void end_finding(struct lnk_teller *t)
{
	fputs("</dl>\n</article>\n", ((struct teller *)t)->page->to);
}

static void put_findings(struct lnk_page *p)
{
	const struct lnk_model *m = p->model;
	struct teller t = {{begin_finding, say, end_finding}, p};

	if (!m->n_findings)
		return;
	fputs("<h3>Findings</h3>\n", p->to);
	lnk_tell(&t.teller, p->view, m, m->findings, m->n_findings);
}

/* ---- Registers ------------------------------------------------------------------------------ */

static void put_registers_of(struct lnk_page *p, const struct lnk_fn *f)
{
	struct lnk_register_line line;
	struct lnk_arena a = {0};
	const char *place = lnk_place_str(&a, f);
	unsigned i;

	fputs("<h4>", p->to);
	put_fn_link(p, f);
	lnk_html_text(p->to, lnk_strf(&a, " %s %s", lnk_kind_name(f), lnk_fn_name(&a, p->view, f)));
	fputs("</h4>\n", p->to);
	if (*place)
		put_in(p->to, "p class=\"mute\"", place);
	fputs("<table class=\"registers\"><tbody>\n", p->to);
	for (i = 0; i < LNK_LINK_REGS; i++)
		if (lnk_register_line(&a, f, i, &line))
			fprintf(p->to,
				"<tr><th scope=\"row\">%s</th><td class=\"raw\">%s</td>"
				"<td class=\"words\">%s</td></tr>\n",
				line.name, line.raw, line.words);
	fputs("</tbody></table>\n", p->to);
	lnk_arena_free(&a);
}

/* What was found is told with what others said of it. */
static void put_link(struct lnk_page *p, const struct lnk_link *l)
{
	struct teller t = {{.say = say}, p};
	char at[LNK_ADDR_LEN];

	fputs("<details><summary>", p->to);
	if (l->above)
		fprintf(p->to, "<code>%s</code> &#8594; ", lnk_addr_str(l->above->addr, at));
	fprintf(p->to, "<code>%s</code></summary>\n", lnk_addr_str(l->below->addr, at));
	if (l->above)
		put_registers_of(p, l->above);
	put_registers_of(p, l->below);
	if (l->verdict != LNK_FOUND && p->model->n_quotes) {
		fputs("<dl>\n", p->to);
		lnk_tell_quotes(&t.teller, p->model, l->below, NULL);
		fputs("</dl>\n", p->to);
	}
	fputs("</details>\n", p->to);
}

static void put_registers(struct lnk_page *p)
{
	const struct lnk_model *m = p->model;
	bool any = false;
	size_t i;

	for (i = 0; i < m->n_links; i++) {
		if (!m->links[i].below->shown)
			continue;
		if (!any)
			fputs("<h3>Link registers</h3>\n", p->to);
		any = true;
		put_link(p, &m->links[i]);
	}
}

/* ---- What is text, as it is ------------------------------------------------------------------ */

/* @w: what a report for people has printed. */
static void put_words(FILE *to, struct lnk_memory *w, const char *element)
{
	lnk_memory_close(w);
	put_in(to, element, w->text + strspn(w->text, "\n"));
	free(w->text);
}

/* A terminal's table: its own box scrolls, the page does not. */
static int put_samples(struct lnk_page *p)
{
	struct lnk_memory w;
	int rc;

	lnk_memory_open(&w);
	rc = lnk_put_samples(w.to, p->view, p->model);
	fputs("<h3>Samples</h3>\n", p->to);
	put_words(p->to, &w,
		  "pre class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Samples\"");
	return rc;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/*
 * As the model is UTF-8, so is the page, whatever the terminal would take; and what it says of a
 * capture does not depend on what makes the exit status 1.
 */
static struct lnk_view page_view(const struct lnk_view *v)
{
	return (struct lnk_view){.names = v->names, .utf8 = true, .fail_on = LNK_WARNING};
}

/* Nothing found is fine only where somebody looked. */
static enum lnk_look verdict_look(const struct lnk_view *v, const struct lnk_model *m)
{
	bool seen = false;
	size_t i;

	if (lnk_status(m, v) == 3)
		return LNK_LOOK_UNKNOWN;
	if (m->n_findings && m->findings[0].severity > LNK_INFO)
		return lnk_look_of_severity(m->findings[0].severity);
	for (i = 0; i < m->n_links; i++)
		seen |= m->links[i].below->shown && lnk_look_of_link(&m->links[i]) == LNK_LOOK_OK;
	return seen ? LNK_LOOK_OK : LNK_LOOK_PLAIN;
}

/* The first line of the summary, and what it must not be read without. */
static const char *verdict_str(struct lnk_arena *a, const struct lnk_view *v,
			       const struct lnk_model *m)
{
	const char *summary = lnk_summary(a, m);

	return lnk_strf(a, "%s%.*s", lnk_status(m, v) == 3 ? "Cannot tell. " : "",
			(int)strcspn(summary, "\n"), summary);
}

static void put_verdict(struct lnk_page *p, enum lnk_look look, const char *verdict)
{
	const char *summary = lnk_summary(&p->arena, p->model), *end;

	fputs("<h2>", p->to);
	lnk_html_shape(p->to, look);
	lnk_html_text(p->to, verdict);
	fputs("</h2>\n", p->to);
	put_in(p->to, "p", lnk_env_line(&p->arena, p->model));
	if (p->model->env.lacks)
		put_in(p->to, "p", p->model->env.lacks);
	for (end = summary + strcspn(summary, "\n"); *end; end = summary + strcspn(summary, "\n")) {
		summary = end + 1;
		put_in(p->to, "p class=\"mute\"",
		       lnk_strndup(&p->arena, summary, strcspn(summary, "\n")));
	}
}

/* One line that leads to the capture; all of them are shown together on top. */
static void put_entry(struct lnk_page *p, enum lnk_look look, const char *verdict)
{
	fputs("<p class=\"entry\">", p->to);
	lnk_html_shape(p->to, look);
	fprintf(p->to, "<a href=\"#%s\">", p->id);
	lnk_html_text(p->to, verdict);
	fputs("</a> ", p->to);
	lnk_html_text(p->to, lnk_env_line(&p->arena, p->model));
	fputs("</p>\n", p->to);
}

static void put_skip(FILE *to, const char *line)
{
	put_in(to, "p", line);
}

static void put_skips(const struct lnk_page *p)
{
	fputs("<h3>Checks that could not be made</h3>\n<details><summary>Each of them</summary>\n",
	      p->to);
	lnk_tell_skips(p->model, put_skip, p->to);
	fputs("</details>\n", p->to);
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	const struct lnk_view view = page_view(v);
	struct lnk_page p = {.to = to, .view = &view, .model = m};
	const char *verdict = verdict_str(&p.arena, &view, m);
	enum lnk_look look = verdict_look(&view, m);
	int rc = 0;

	p.id = lnk_strf(&p.arena, "c%zu.%zu", v->input + 1, v->capture + 1);
	lnk_marks_make(&p.marks, m);
	put_entry(&p, look, verdict);
	fprintf(to, "<section class=\"capture\" id=\"%s\">\n", p.id);
	put_verdict(&p, look, verdict);
	lnk_html_tree(&p);
	put_findings(&p);
	if (m->sampling)
		rc = put_samples(&p);
	put_registers(&p);
	if (v->verbose)
		put_skips(&p);
	fputs("</section>\n", to);
	lnk_marks_free(&p.marks);
	lnk_arena_free(&p.arena);
	return rc;
}

/* ---- Beside a capture ----------------------------------------------------------------------- */

static void put_beside(FILE *to, const char *title, struct lnk_memory *w)
{
	fputs("<section class=\"beside\">\n", to);
	put_in(to, "h2", title);
	put_words(to, w, "pre class=\"words\"");
	fputs("</section>\n", to);
}

static int put_comparison(FILE *to, const struct lnk_view *v, const struct lnk_comparison *c)
{
	const struct lnk_view view = page_view(v);
	struct lnk_memory w;
	int rc;

	lnk_memory_open(&w);
	rc = lnk_text_compare(w.to, &view, c);
	put_beside(to, "Compared", &w);
	return rc;
}

static int put_expectation(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	const struct lnk_view view = page_view(v);
	struct lnk_memory w;
	int rc;

	lnk_memory_open(&w);
	rc = lnk_text_expect(w.to, &view, e);
	put_beside(to, "What was expected", &w);
	return rc;
}

/* ---- The format ----------------------------------------------------------------------------- */

static void put_title(FILE *to, const struct lnk_view *v)
{
	const struct lnk_view view = page_view(v);
	struct lnk_arena a = {0};

	put_in(to, "title",
	       v->only ? lnk_strf(&a, "%s %s", verdict_str(&a, &view, v->only),
				  lnk_env_line(&a, v->only)) :
			 LNK_NAME ": PCIe links");
	lnk_arena_free(&a);
}

static int begin(FILE *to, const struct lnk_view *v)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta name=\"generator\" content=\"" LNK_NAME " " LNK_VERSION "\">\n",
	      to);
	put_title(to, v);
	fprintf(to,
		"<style>\n%s</style>\n</head>\n<body>\n"
		"<a class=\"skip\" href=\"#report\">Skip to the report</a>\n"
		"<header><h1>" LNK_NAME ": PCIe links</h1></header>\n<main id=\"report\">\n",
		lnk_html_css);
	return 0;
}

/* An input that could not be read has no section: the page must not look complete. */
static int end(FILE *to, const struct lnk_view *v, int status)
{
	(void)v;
	if (status == 2)
		fputs("<aside class=\"unread\">Not all could be read, or the report is not whole: "
		      "standard error says what.</aside>\n",
		      to);
	return fputs("</main>\n</body>\n</html>\n", to) < 0 ? -errno : 0;
}

const struct lnk_format lnk_format_html = {
	.name = "html",
	.help = "a page to look at, in one file",
	.keep_verbose = BIT(LNK_SKIPPED),
	.begin = begin,
	.write = put_capture,
	.compare = put_comparison,
	.expect = put_expectation,
	.end = end,
};
