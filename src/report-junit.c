/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-junit.c - a test case for each rule, in the XML that JUnit's reports have
 *
 * Nobody specified it. What is written here is what Jenkins' junit-10.xsd (xunit plugin) takes, and
 * GitLab and others read: one <failure> or <skipped> in a test case, counts in each <testsuite>.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

/* ---- XML ------------------------------------------------------------------------------------ */

static void put_attribute(FILE *to, const char *name, const char *value)
{
	fprintf(to, " %s=\"", name);
	lnk_put_markup(to, value, "&#10;");
	fputc('"', to);
}

static void put_element(FILE *to, const char *name, const char *text)
{
	fprintf(to, "<%s>", name);
	lnk_put_markup(to, text, "\n");
	fprintf(to, "</%s>\n", name);
}

/* ---- One rule ------------------------------------------------------------------------------- */

enum outcome { PASSED, FAILED, SKIPPED };

struct test {
	enum outcome outcome;
	const char *name;
	const char *type;    /* FAILED */
	const char *message; /* FAILED, SKIPPED */
	const char *text;    /* FAILED */
	const char *output;  /* NULL: none */
};

struct suite {
	struct lnk_arena arena;
	const struct lnk_view *view;
	const struct lnk_model *model;
	const char *name;
	struct test *tests;
	size_t n_tests, n[SKIPPED + 1];
};

static struct test *add_test(struct suite *s, const char *name)
{
	struct test *t = &s->tests[s->n_tests++];

	t->name = name;
	return t;
}

/* Copies: what a test case tells of a remedy points to no other test case. */
static struct lnk_finding *copy_findings(struct suite *s, const struct lnk_finding **list, size_t n)
{
	struct lnk_finding *copies = lnk_alloc(&s->arena, n * sizeof(*copies));
	size_t i;

	for (i = 0; i < n; i++) {
		struct lnk_remedy *r;

		copies[i] = *list[i];
		if (!list[i]->remedy)
			continue;
		if (i && list[i]->remedy == list[i - 1]->remedy) {
			copies[i].remedy = copies[i - 1].remedy;
			continue;
		}
		r = lnk_alloc(&s->arena, sizeof(*r));
		*r = *list[i]->remedy;
		r->first = &copies[i];
		copies[i].remedy = r;
	}
	return copies;
}

/* What people read of them, at a width that reports have; NULL: there are none. */
static const char *told(struct suite *s, const struct lnk_finding **list, size_t n)
{
	const struct lnk_view v = {.names = s->view->names, .utf8 = true, .width = 100};
	struct lnk_memory m;
	const char *kept;

	if (!n)
		return NULL;
	lnk_memory_open(&m);
	lnk_tell_findings(m.to, &v, s->model, copy_findings(s, list, n), n);
	lnk_memory_close(&m);
	kept = lnk_strndup(&s->arena, m.text, m.n);
	free(m.text);
	return kept;
}

static const char *message_str(struct lnk_arena *a, const struct lnk_finding *f, size_t n)
{
	const char *line = lnk_finding_line(a, f);

	return n == 1 ? line : lnk_strf(a, "%s (and %zu more)", line, n - 1);
}

/* Why no finding does not mean that all is well; NULL: it does. */
static const char *skipped_str(struct lnk_arena *a, const struct lnk_count *c)
{
	if (c->n[LNK_PASS] || c->n[LNK_FOUND])
		return NULL;
	if (!c->n[LNK_SKIPPED])
		return "nothing to judge";
	if (c->n_left_out == c->n[LNK_SKIPPED])
		return "cannot tell: what it takes is read with --deep only";
	return lnk_strf(a, "cannot tell: needs %s", lnk_missing_str(a, c->missing));
}

/* Findings about the input are no failures, and what they stand for was not judged. */
static void test_rule(struct suite *s, size_t rule, const struct lnk_finding **room)
{
	const struct lnk_rule *r = lnk_rules[rule];
	struct test *t = add_test(s, lnk_strf(&s->arena, "%s %s", r->id, r->title));
	const struct lnk_finding **rest = room + s->model->n_findings;
	size_t n = 0, n_rest = 0, i;

	for (i = 0; i < s->model->n_findings; i++) {
		const struct lnk_finding *f = &s->model->findings[i];

		if (f->rule == r && lnk_finding_counts(f, s->view))
			room[n++] = f;
		else if (f->rule == r)
			rest[n_rest++] = f;
	}
	t->output = told(s, rest, n_rest);
	t->message = skipped_str(&s->arena, &s->model->counts[rule]);
	if (n_rest && r->id[3] == '9')
		t->message = message_str(&s->arena, rest[0], n_rest);
	t->outcome = t->message ? SKIPPED : PASSED;
	if (!n)
		return;
	t->outcome = FAILED;
	t->type = lnk_severity_name(room[0]->severity);
	t->message = message_str(&s->arena, room[0], n);
	t->text = told(s, room, n);
}

/* A rule that judged one link passes, and says nothing of those that it could not judge. */
static void test_ends(struct suite *s)
{
	struct test *t = add_test(s, "The two ends of each link can be compared");

	if (!s->model->n_lost)
		return;
	t->outcome = SKIPPED;
	t->message = lnk_strf(&s->arena, "cannot tell of %zu: an end was not read or is not there",
			      s->model->n_lost);
}

/* ---- A suite -------------------------------------------------------------------------------- */

static void put_test(FILE *to, const struct suite *s, const struct test *t)
{
	fputs("<testcase", to);
	put_attribute(to, "classname", s->name);
	put_attribute(to, "name", t->name);
	if (t->outcome == PASSED && !t->output) {
		fputs("/>\n", to);
		return;
	}
	fputc('>', to);
	if (t->outcome == SKIPPED) {
		fputs("<skipped", to);
		put_attribute(to, "message", t->message);
		fputs("/>", to);
	}
	if (t->outcome == FAILED) {
		fputs("<failure", to);
		put_attribute(to, "type", t->type);
		put_attribute(to, "message", t->message);
		fputc('>', to);
		lnk_put_markup(to, t->text, "\n");
		fputs("</failure>", to);
	}
	if (t->output)
		put_element(to, "system-out", t->output);
	fputs("</testcase>\n", to);
}

static void put_suite(FILE *to, struct suite *s, const char *output)
{
	size_t i;

	for (i = 0; i < s->n_tests; i++)
		s->n[s->tests[i].outcome]++;
	fputs("<testsuite", to);
	put_attribute(to, "name", s->name);
	fprintf(to, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n", s->n_tests,
		s->n[FAILED], s->n[SKIPPED]);
	for (i = 0; i < s->n_tests; i++)
		put_test(to, s, &s->tests[i]);
	if (output)
		put_element(to, "system-out", output);
	fputs("</testsuite>\n", to);
	lnk_arena_free(&s->arena);
}

/* Behind the last dot of a class stands what Jenkins takes for its name: there is one dot. */
static const char *suite_name(struct lnk_arena *a, const char *kind, const char *source)
{
	char *name = lnk_strf(a, "%s.%s", kind, source), *p = name + strlen(kind) + 1;

	for (; *p; p++)
		if (*p == '.')
			*p = '_';
	return name;
}

static const char *source_str(struct lnk_arena *a, const struct lnk_model *m)
{
	const char *source = m->source ? m->source : "capture";

	return m->line ? lnk_strf(a, "%s, line %u", source, m->line) : source;
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct suite s = {.view = v, .model = m};
	const struct lnk_finding **room = lnk_xmalloc(2 * m->n_findings * sizeof(*room));
	const char *output;
	size_t i;

	s.name = suite_name(&s.arena, LNK_NAME, source_str(&s.arena, m));
	s.tests = lnk_alloc(&s.arena, (m->n_counts + 1) * sizeof(*s.tests));
	for (i = 0; i < m->n_counts; i++)
		test_rule(&s, i, room);
	test_ends(&s);
	free(room);
	output = lnk_strf(&s.arena, "%s\n%s", lnk_env_line(&s.arena, m), lnk_summary(&s.arena, m));
	put_suite(to, &s, output);
	return 0;
}

/* ---- What is expected ----------------------------------------------------------------------- */

static void test_item(struct suite *s, const struct lnk_expect_item *item)
{
	struct test *t = add_test(s, item->text);

	if (item->state == LNK_EXPECT_FOUND)
		return;
	t->outcome = item->state == LNK_EXPECT_MISSING ? FAILED : SKIPPED;
	t->message =
		item->state == LNK_EXPECT_MISSING ? "expected, not found" : "expected, cannot tell";
	t->type = "missing";
	t->text = lnk_strf(&s->arena, "line %u", item->line);
}

static void test_unexpected(struct suite *s, const struct lnk_finding *f)
{
	struct test *t = add_test(s, lnk_finding_name(&s->arena, f));

	t->outcome = FAILED;
	t->message = "found, not expected";
	t->type = "unexpected";
	t->text = lnk_strf(&s->arena, "%s: %s", lnk_severity_name(f->severity), f->message);
}

static int put_expectation(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	struct suite s = {.view = v};
	size_t i;

	s.name = suite_name(&s.arena, "expect", e->file);
	s.tests = lnk_alloc(&s.arena, (e->n_items + e->n_unexpected) * sizeof(*s.tests));
	for (i = 0; i < e->n_items; i++)
		test_item(&s, &e->items[i]);
	for (i = 0; i < e->n_unexpected; i++)
		test_unexpected(&s, e->unexpected[i]);
	put_suite(to, &s, NULL);
	return 0;
}

/* ---- The format ----------------------------------------------------------------------------- */

static int begin(FILE *to, const struct lnk_view *v)
{
	(void)v;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"" LNK_NAME "\">\n",
	      to);
	return 0;
}

/* An input that could not be read has no suite: the document must not look complete. */
static int end(FILE *to, const struct lnk_view *v, int status)
{
	static const char unread[] =
		"<testsuite name=\"" LNK_NAME "\" tests=\"1\" failures=\"0\" "
		"errors=\"1\" skipped=\"0\">\n"
		"<testcase classname=\"" LNK_NAME "\" name=\"Each input can be read\">"
		"<error type=\"status 2\" message=\"not all could be read, or the "
		"output is not whole: standard error says what\"/></testcase>\n"
		"</testsuite>\n";

	(void)v;
	if (status == 2)
		fputs(unread, to);
	return fputs("</testsuites>\n", to) < 0 ? -errno : 0;
}

const struct lnk_format lnk_format_junit = {
	.name = "junit",
	.help = "a test case for each rule, as continuous integration shows them",
	.begin = begin,
	.write = put_capture,
	.expect = put_expectation,
	.end = end,
};
