/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oracle.c - what is held true of whatever is read, judged and written */
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

/* ---- Reading and judging ------------------------------------------------------------------ */

bool oracle_read(const char *data, size_t size, struct lnk_captures *c)
{
	struct lnk_facts facts = {0};
	struct lnk_err err = {0};
	struct lnk_stream in;
	int code;

	lnk_stream_memory(&in, data, size);
	code = lnk_source_lspci.read(&in, c, &facts, &err);
	lnk_stream_close(&in);
	if (c->n == 1)
		lnk_facts_apply(&facts, c->models[0]);
	lnk_facts_free(&facts);
	if (code < 0 && code != -ENODATA && !err.text[0])
		oracle_complain("reading fails without a word");
	if (code >= 0 && !c->n)
		oracle_complain("read, but no capture came of it");
	return code >= 0;
}

int oracle_judge(const struct lnk_captures *c, const struct lnk_judge *j, const struct lnk_view *v)
{
	struct lnk_select everything = {0};
	struct lnk_err err = {0};
	uint32_t forms = 0;
	int status = 0, s;
	size_t i;

	lnk_remedy_forms(&forms, "all");
	for (i = 0; i < c->n; i++) {
		lnk_walk(c->models[i]);
		if (lnk_select_apply(c->models[i], &everything, &err) < 0)
			oracle_complain("cannot select everything: %s", err.text);
		lnk_judge(c->models[i], j);
		lnk_drivers_tell(c->models[i]);
		lnk_remedy_make(c->models[i], forms);
		s = lnk_status(c->models[i], v);
		if (s != 0 && s != 1 && s != 3)
			oracle_complain("status %d", s);
		status = lnk_status_worse(status, s);
	}
	return status;
}

/* ---- Nothing is invented ------------------------------------------------------------------ */

/* The first byte that @part knows and @whole does not, or knows otherwise; -1: there is none. */
static int invented_byte(const struct lnk_fn *part, const struct lnk_fn *whole)
{
	uint8_t of_part[LNK_CFG_MAX], of_whole[LNK_CFG_MAX];
	const struct lnk_span *s;
	unsigned i, off;

	lnk_cfg_bytes(&part->cfg, 0, part->cfg.size, of_part);
	lnk_cfg_bytes(&whole->cfg, 0, whole->cfg.size, of_whole);
	for (i = 0; i < part->cfg.n_spans; i++) {
		s = &part->cfg.spans[i];
		for (off = s->from; off < s->to; off++)
			if (!lnk_cfg_known(&whole->cfg, off, off + 1) ||
			    of_part[off] != of_whole[off])
				return (int)off;
	}
	return -1;
}

bool oracle_bytes_in(const struct lnk_fn *f, const struct lnk_captures *c)
{
	const struct lnk_fn *g;
	size_t i;

	for (i = 0; i < c->n; i++) {
		g = lnk_model_find(c->models[i], f->addr);
		if (g && invented_byte(f, g) < 0)
			return true;
	}
	return false;
}

/* The first register that @part invents, or calls absent against @whole; LNK_REGS: there is none.
 */
static unsigned invented_reg(const struct lnk_fn *part, const struct lnk_fn *whole, uint64_t ignore)
{
	unsigned r;

	for (r = 0; r < LNK_REGS; r++) {
		if (ignore & REG(r))
			continue;
		if ((part->absent & REG(r)) && (whole->known & REG(r)))
			return r;
		if (!(part->known & REG(r)))
			continue;
		if (!(whole->known & REG(r)) || part->reg[r] != whole->reg[r])
			return r;
	}
	return LNK_REGS;
}

/*
 * Where bytes are missing, text speaks in their place, which may be text that contradicts them. And
 * one register of a link that reads all ones takes what the others said with it.
 */
static uint64_t not_judged(const struct lnk_fn *part, const struct lnk_fn *whole,
			   enum oracle_words words)
{
	const uint64_t links = REG(LNK_R_LNKCAP) | REG(LNK_R_LNKCTL) | REG(LNK_R_LNKSTA) |
			       REG(LNK_R_LNKCAP2) | REG(LNK_R_LNKCTL2) | REG(LNK_R_LNKSTA2) |
			       REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK);
	uint64_t text = part->from_text | part->from_attr;

	if (whole->link_ones)
		return text | links;
	if (words == ORACLE_NO_WORDS)
		return text;
	return text & (whole->differs | ~(whole->from_text | whole->from_attr));
}

static void check_part(const struct lnk_fn *f, const struct lnk_captures *whole,
		       enum oracle_words words, const char *what)
{
	const struct lnk_fn *g;
	unsigned reg = LNK_REGS;
	char addr[LNK_ADDR_LEN];
	int byte = -1;
	size_t w;

	/* Several snapshots: it must be part of one of them. */
	for (w = 0; w < whole->n; w++) {
		g = lnk_model_find(whole->models[w], f->addr);
		if (!g)
			continue;
		byte = invented_byte(f, g);
		reg = invented_reg(f, g, not_judged(f, g, words));
		if (byte < 0 && reg == LNK_REGS)
			return;
	}
	lnk_addr_str(f->addr, addr);
	if (byte >= 0)
		oracle_complain("%s: %s invents byte %02x", what, addr, (unsigned)byte);
	else if (reg != LNK_REGS)
		oracle_complain("%s: %s invents %s (%s)", what, addr,
				lnk_reg_name((enum lnk_reg)reg),
				f->known & REG(reg) ? "known" : "absent");
	else
		oracle_complain("%s: %s is not in the whole capture", what, addr);
}

void oracle_part_of(const struct lnk_captures *part, const struct lnk_captures *whole,
		    enum oracle_words words, const char *what)
{
	size_t i, k;

	for (i = 0; i < part->n; i++)
		for (k = 0; k < part->models[i]->n_fns; k++)
			check_part(&part->models[i]->fns[k], whole, words, what);
}

/* ---- What is written ---------------------------------------------------------------------- */

/* Length of the UTF-8 sequence at @s; 0: it is none, or a control character. */
static size_t raw_len(const unsigned char *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, k;

	if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f ||
	    (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4 || len > n)
		return 0;
	for (k = 1; k < len; k++)
		if ((s[k] & 0xc0) != 0x80)
			return 0;
	/* U+0080 to U+009f: a terminal may take them for control sequences. */
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : len;
}

const char *oracle_raw(const char *text, size_t size)
{
	size_t i, len;

	for (i = 0; i < size; i += len) {
		len = raw_len((const unsigned char *)text + i, size - i);
		if (!len)
			return text + i;
	}
	return NULL;
}

/* Takes "ESC [ 1 ; 31 m" out of @text, which ours are like; what is left has no escapes. */
static size_t strip_colors(char *text, size_t size)
{
	size_t from = 0, to = 0, n;

	while (from < size) {
		if (size - from > 2 && text[from] == '\x1b' && text[from + 1] == '[') {
			n = strspn(text + from + 2, "0123456789;");
			if (text[from + 2 + n] == 'm') {
				from += n + 3;
				continue;
			}
		}
		text[to++] = text[from++];
	}
	text[to] = '\0';
	return to;
}

static void check_raw(const char *format, const char *text, size_t size)
{
	const char *raw = oracle_raw(text, size);

	if (raw)
		oracle_complain("%s: byte %02x at %zu", format, (unsigned char)*raw,
				(size_t)(raw - text));
}

/* What is for people has colours, and what their terminal can show. */
static void check_text(const char *format, const struct lnk_view *v, char *text, size_t size)
{
	size_t i;

	if (v->color)
		size = strip_colors(text, size);
	check_raw(format, text, size);
	for (i = 0; !v->utf8 && i < size; i++)
		if (text[i] & 0x80)
			oracle_complain("%s: not ASCII at %zu", format, i);
}

static void check_json(const char *format, const char *text, size_t size)
{
	json_error_t error;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	check_raw(format, text, size);
	if (!json)
		oracle_complain("%s: line %d: %s", format, error.line, error.text);
	json_decref(json);
}

/* Each line is a document. */
static void check_lines(const char *format, const char *text, size_t size)
{
	const char *end = text + size, *newline;

	for (; text < end; text = newline + 1) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline) {
			oracle_complain("%s: half a line", format);
			return;
		}
		check_json(format, text, (size_t)(newline - text) + 1);
	}
}

bool oracle_told_in_words(const struct lnk_captures *c)
{
	const uint64_t links =
		REG(LNK_R_PCIECAP) | REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK) | REG(LNK_R_BUSES);
	size_t i, k;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++)
			if (c->models[i]->fns[k].from_text & links)
				return true;
	return false;
}

/* What was dumped is read again: the same functions, no byte lost, nothing invented. */
static void check_again(const struct lnk_captures *c, const struct lnk_view *v, const char *text,
			size_t size)
{
	struct lnk_judge j = {0};
	struct lnk_captures again = {0};
	char addr[LNK_ADDR_LEN];
	size_t i, k;

	if (oracle_read(text, size, &again)) {
		oracle_judge(&again, &j, v);
		/* Words do not come back in full. */
		oracle_part_of(&again, c, ORACLE_NO_WORDS, "the dump");
	} else {
		oracle_complain("the dump cannot be read");
	}
	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			const struct lnk_fn *f = &c->models[i]->fns[k];

			if (f->shown && !oracle_bytes_in(f, &again))
				oracle_complain("the dump: %s lost bytes",
						lnk_addr_str(f->addr, addr));
		}
	lnk_captures_free(&again);
}

static void check_dump(const struct lnk_captures *c, const struct lnk_view *v, const char *text,
		       size_t size)
{
	check_raw("dump", text, size);
	if (!v->redact && !oracle_told_in_words(c))
		check_again(c, v, text, size);
}

/* The locale is what the view says. */
static void set_locale(const struct lnk_view *v)
{
	static const char *now;
	const char *wanted = v->utf8 ? "C.UTF-8" : "C";

	if (now == wanted)
		return;
	now = setlocale(LC_ALL, wanted) ? wanted : NULL;
	if (!now) {
		fprintf(stderr, "oracle: there is no locale %s\n", wanted);
		exit(2);
	}
}

/* @with: what the last of @c is compared with, or NULL */
static void write_all(const struct lnk_captures *c, const struct lnk_format *f,
		      const struct lnk_view *v, int status, const struct lnk_comparison *with)
{
	char *text = NULL;
	size_t size = 0, n = 0, k;
	FILE *to;
	int r;

	set_locale(v);
	to = open_memstream(&text, &size);
	r = f->begin ? f->begin(to, v) : 0;
	for (k = 0; k < c->n && r >= 0; k++) {
		bool is_written = !f->findings_only || c->models[k]->n_findings;

		if (n && is_written && f->between)
			f->between(to, v);
		n += is_written;
		r = f->write(to, v, c->models[k]);
	}
	if (r >= 0 && with)
		r = f->compare(to, v, with);
	if (r >= 0 && f->end)
		r = f->end(to, v, status);
	fclose(to);
	if (r < 0)
		oracle_complain("%s: %s", f->name, strerror(-r));
	if (f == &lnk_format_json || f == &lnk_format_sarif)
		check_json(f->name, text, size);
	else if (f == &lnk_format_junit || f == &lnk_format_prometheus || f == &lnk_format_html)
		check_raw(f->name, text, size);
	else if (f == &lnk_format_ndjson)
		check_lines(f->name, text, size);
	else if (f == &lnk_format_dump)
		check_dump(c, v, text, size);
	else
		check_text(f->name, v, text, size);
	free(text);
}

void oracle_write(const struct lnk_captures *c, const struct lnk_format *f,
		  const struct lnk_view *v, int status)
{
	size_t i;

	if (f != &lnk_format_dump && !f->one_capture) {
		write_all(c, f, v, status, NULL);
		return;
	}
	/* There is room for one; and dumps of several may agree, and be read as one. */
	for (i = 0; i < c->n; i++) {
		struct lnk_captures one = {.models = &c->models[i], .n = 1};

		write_all(&one, f, v, status, NULL);
	}
}

/* Each function is in one pair at most, and what is counted is there. */
static void check_pairs(const struct lnk_comparison *c)
{
	size_t n_matched = 0, n[LNK_BOTH] = {0}, i, side;

	for (i = 0; i < c->n_pairs; i++) {
		const struct lnk_pair *p = &c->pairs[i];

		n_matched += p->fn[LNK_HERE] && p->fn[LNK_THERE];
		if (!p->fn[LNK_HERE] && !p->fn[LNK_THERE])
			oracle_complain("pair %zu is of nobody", i);
		for (side = LNK_HERE; side < LNK_BOTH; side++)
			n[side] += p->fn[side] != NULL;
	}
	if (n[LNK_HERE] > c->model[LNK_HERE]->n_fns)
		oracle_complain("%zu pairs of %zu functions", n[LNK_HERE],
				c->model[LNK_HERE]->n_fns);
	if (n_matched != c->n_matched || c->n_compared > c->n_matched)
		oracle_complain("matched %zu, counted %zu, compared %zu", n_matched, c->n_matched,
				c->n_compared);
}

void oracle_compare(const struct lnk_model *here, const struct lnk_model *there,
		    const struct lnk_view *v)
{
	struct lnk_model *model = (struct lnk_model *)here;
	struct lnk_captures one = {.models = &model, .n = 1};
	struct lnk_select everything = {0};
	struct lnk_comparison c;
	size_t i;

	lnk_compare(&c, here, there, &everything);
	check_pairs(&c);
	for (i = 0; i < lnk_n_formats; i++)
		if (lnk_formats[i]->compare)
			write_all(&one, lnk_formats[i], v, 0, &c);
	lnk_comparison_free(&c);
}
