/* SPDX-License-Identifier: GPL-2.0-or-later */
/* expect.c - a reviewed list of findings, held against those that there are */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lnkinspect.h"

#define MAX_ITEMS (1u << 20)

/* ---- Order: a finding or a skip finds its item in as many steps as there are halves ---------- */

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_place(const void *a, const void *b)
{
	const struct lnk_expect_item *x = *(struct lnk_expect_item *const *)a;
	const struct lnk_expect_item *y = *(struct lnk_expect_item *const *)b;
	int order = strcmp(x->rule->id, y->rule->id);

	if (!order)
		order = compare_numbers(x->above, y->above);
	return order ? order : compare_numbers(x->at, y->at);
}

/* Of two that name one place the first comes first. */
static int by_place_and_line(const void *a, const void *b)
{
	const struct lnk_expect_item *x = *(struct lnk_expect_item *const *)a;
	const struct lnk_expect_item *y = *(struct lnk_expect_item *const *)b;
	int order = by_place(a, b);

	return order ? order : compare_numbers(x->line, y->line);
}

static struct lnk_expect_item *find(const struct lnk_expectation *e, const struct lnk_rule *rule,
				    uint64_t above, uint64_t at)
{
	struct lnk_expect_item key = {.rule = rule, .above = above, .at = at}, *p = &key, **found;

	if (!e->n_items)
		return NULL;
	found = bsearch(&p, e->order, e->n_items, sizeof(*e->order), by_place);
	return found ? *found : NULL;
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct reader {
	struct lnk_expectation *e;
	struct lnk_err *err;
	uint32_t line, none; /* none: the line that says so; 0: none does */
	size_t max;
};

static uint64_t key_of(struct lnk_addr a)
{
	return lnk_addr_key(a) + 1;
}

/* "-", an address, or "PORT>DEVICE"; @item->text becomes how we write it. */
static bool parse_where(struct lnk_expect_item *item, struct lnk_arena *a, const char *where)
{
	char at_str[LNK_ADDR_LEN], above_str[LNK_ADDR_LEN];
	const char *arrow = strchr(where, '>'), *id = item->rule->id;
	struct lnk_addr at, above;

	if (!strcmp(where, "-")) {
		item->text = lnk_strf(a, "%s@-", id);
		return true;
	}
	if (!lnk_addr_parse(arrow ? arrow + 1 : where, &at))
		return false;
	item->at = key_of(at);
	item->text = lnk_strf(a, "%s@%s", id, lnk_addr_str(at, at_str));
	if (!arrow)
		return true;
	if (!lnk_addr_parse(lnk_strndup(a, where, (size_t)(arrow - where)), &above))
		return false;
	item->above = key_of(above);
	item->text = lnk_strf(a, "%s@%s>%s", id, lnk_addr_str(above, above_str), at_str);
	return true;
}

static struct lnk_expect_item *add_item(struct reader *r)
{
	struct lnk_expectation *e = r->e;

	if (e->n_items == r->max) {
		r->max = r->max ? 2 * r->max : 64;
		e->items = lnk_xrealloc(e->items, r->max * sizeof(*e->items));
	}
	e->items[e->n_items] = (struct lnk_expect_item){.line = r->line};
	return &e->items[e->n_items++];
}

/* @word is clean, and not empty. */
static int take_word(struct reader *r, const char *word)
{
	struct lnk_expectation *e = r->e;
	const char *at = strchr(word, '@');
	struct lnk_expect_item *item;

	if (!strcmp(word, "none")) {
		r->none = r->line;
		return 0;
	}
	if (!at)
		return lnk_fail(r->err, -EINVAL, "%.500s:%u: '%.64s' is neither ID@WHERE nor none",
				e->file, r->line, word);
	if (e->n_items == MAX_ITEMS)
		return lnk_fail(r->err, -EFBIG, "%.500s:%u: more than %u items", e->file, r->line,
				MAX_ITEMS);
	item = add_item(r);
	item->rule = lnk_rule_find(lnk_strndup(&e->arena, word, (size_t)(at - word)));
	if (!item->rule)
		return lnk_fail(r->err, -EINVAL, "%.500s:%u: no rule '%.*s' (see --rules)", e->file,
				r->line, at - word < 32 ? (int)(at - word) : 32, word);
	if (!parse_where(item, &e->arena, at + 1))
		return lnk_fail(r->err, -EINVAL,
				"%.500s:%u: '%.64s' is no place: an address like 0000:01:00.0, "
				"PORT>DEVICE or - is",
				e->file, r->line, at + 1);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int take_line(struct reader *r, const char *s, size_t n)
{
	const char *comment = memchr(s, '#', n);

	r->line++;
	if (comment)
		n = (size_t)(comment - s);
	while (n && is_blank(s[n - 1]))
		n--;
	for (; n && is_blank(*s); n--)
		s++;
	return n ? take_word(r, lnk_clean(&r->e->arena, s, n)) : 0;
}

static int take_lines(struct reader *r, struct lnk_stream *in)
{
	int rc = 0;

	while (!rc) {
		const char *s = in->window + in->at;
		const char *end = memchr(s, '\n', in->end - in->at);

		if (!end && !in->ended && in->end - in->at < LNK_WINDOW - LNK_ROOM) {
			lnk_stream_more(in);
			continue;
		}
		if (!end && !in->ended)
			return lnk_fail(r->err, -EINVAL, "%.500s:%u: the line is too long",
					r->e->file, r->line + 1);
		if (!end && in->at == in->end)
			return 0;
		if (!end)
			end = in->window + in->end;
		rc = take_line(r, s, (size_t)(end - s));
		in->at = (size_t)(end - in->window);
		in->at += in->at < in->end;
	}
	return rc;
}

/* What stands in one line may contradict what stands in another. */
static int check_items(struct reader *r)
{
	struct lnk_expectation *e = r->e;
	size_t i;

	if (!e->n_items && !r->none)
		return lnk_fail(r->err, -EINVAL,
				"%.500s expects nothing: where nothing is to be found, it must say "
				"none",
				e->file);
	if (e->n_items && r->none)
		return lnk_fail(r->err, -EINVAL, "%.500s:%u: none, but %s is expected in line %u",
				e->file, r->none, e->items[0].text, e->items[0].line);
	e->order = lnk_xmalloc(e->n_items * sizeof(*e->order));
	for (i = 0; i < e->n_items; i++)
		e->order[i] = &e->items[i];
	if (e->n_items)
		qsort(e->order, e->n_items, sizeof(*e->order), by_place_and_line);
	for (i = 1; i < e->n_items; i++)
		if (!by_place(&e->order[i - 1], &e->order[i]))
			return lnk_fail(r->err, -EINVAL, "%.500s:%u: %s stands in line %u, too",
					e->file, e->order[i]->line, e->order[i]->text,
					e->order[i - 1]->line);
	return 0;
}

static int read_items(struct reader *r, int fd)
{
	struct lnk_stream in;
	int rc, error;

	lnk_stream_fd(&in, fd);
	rc = take_lines(r, &in);
	error = in.error;
	lnk_stream_close(&in);
	if (error)
		return lnk_fail(r->err, error, "cannot read %.500s: %s", r->e->file,
				strerror(-error));
	return rc ? rc : check_items(r);
}

int lnk_expect_read(struct lnk_expectation *e, const char *path, struct lnk_err *err)
{
	struct reader r = {.e = e, .err = err};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;

	e->file = lnk_clean(&e->arena, path, strlen(path));
	if (fd < 0)
		return lnk_fail(err, -errno, "cannot read %.500s: %s", e->file, strerror(errno));
	rc = read_items(&r, fd);
	close(fd);
	return rc;
}

void lnk_expect_free(struct lnk_expectation *e)
{
	lnk_arena_free(&e->arena);
	free(e->items);
	free(e->order);
	free(e->unexpected);
	*e = (struct lnk_expectation){0};
}

/* ---- Against a capture ---------------------------------------------------------------------- */

static uint64_t key_of_fn(const struct lnk_fn *f)
{
	return f ? key_of(f->addr) : 0;
}

/* What is known now of the items that name this place, by both ends or one; false: none does. */
static bool mark(const struct lnk_expectation *e, const struct lnk_rule *rule,
		 const struct lnk_fn *above, const struct lnk_fn *at, enum lnk_expected state)
{
	uint64_t a = key_of_fn(above), b = key_of_fn(at);
	struct lnk_expect_item *items[] = {
		find(e, rule, a, b),
		a ? find(e, rule, 0, a) : NULL,
		a ? find(e, rule, 0, b) : NULL,
	};
	bool any = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(items); i++) {
		if (!items[i])
			continue;
		any = true;
		if (items[i]->state < state)
			items[i]->state = state;
	}
	return any;
}

static void mark_findings(struct lnk_expectation *e, struct lnk_model *m, enum lnk_severity from)
{
	size_t i;

	e->unexpected = lnk_xmalloc(m->n_findings * sizeof(const struct lnk_finding *));
	for (i = 0; i < m->n_findings; i++) {
		struct lnk_finding *f = &m->findings[i];
		bool any = mark(e, f->rule, f->above, f->fn, LNK_EXPECT_FOUND);

		f->held = any ? LNK_HELD_EXPECTED : LNK_HELD_NOT;
		if (!any && f->severity >= from)
			e->unexpected[e->n_unexpected++] = f;
	}
}

static void mark_skips(const struct lnk_expectation *e, const struct lnk_model *m)
{
	size_t i, k;

	for (i = 0; i < m->n_counts; i++)
		for (k = 0; k < m->counts[i].n_results; k++) {
			const struct lnk_result *r = &m->counts[i].results[k];
			const struct lnk_fn *f = r->fn == LNK_NO_FN ? NULL : &m->fns[r->fn];
			bool is_link = lnk_rules[i]->subject == LNK_ON_LINK && f && f->link;

			if (r->verdict == LNK_SKIPPED)
				mark(e, lnk_rules[i], is_link ? f->link->above : NULL, f,
				     LNK_EXPECT_CANNOT_TELL);
		}
}

/* Was the function with this key looked at, or is it known that there is none? */
static bool is_settled(const struct lnk_model *m, uint64_t key)
{
	const struct lnk_fn *f;

	if (!key--)
		return true;
	f = lnk_model_find(m, (struct lnk_addr){.domain = (uint32_t)(key >> 16),
						.bus = (uint8_t)(key >> 8),
						.devfn = (uint8_t)key});
	return f ? f->shown : m->whole && !m->damage_unplaced && !m->limit;
}

void lnk_expect_judge(struct lnk_expectation *e, struct lnk_model *m, enum lnk_severity from)
{
	size_t i;

	e->model = m;
	mark_findings(e, m, from);
	mark_skips(e, m);
	for (i = 0; i < e->n_items; i++) {
		struct lnk_expect_item *item = &e->items[i];

		if (item->state == LNK_EXPECT_MISSING &&
		    !(is_settled(m, item->above) && is_settled(m, item->at)))
			item->state = LNK_EXPECT_CANNOT_TELL;
		e->n[item->state]++;
	}
}

int lnk_expect_status(const struct lnk_expectation *e)
{
	if (e->n_unexpected || e->n[LNK_EXPECT_MISSING])
		return 1;
	return e->n[LNK_EXPECT_CANNOT_TELL] ? 3 : 0;
}
