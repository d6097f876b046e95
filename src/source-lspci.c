/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source-lspci.c - text of lspci -x, -xxx, -xxxx, -vv, alone or mixed, and what --capture writes
 *
 * People mail such text, quote it, cut it and paste two of them into one file. What is certain is
 * taken; a row that is not is left out whole and named: which of its bytes was lost cannot be
 * known, and one that moved to the next offset would be a lie.
 */
#include <errno.h>
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lspci.h"

#define ROW	   LNK_ROW
#define MAX_SHOTS  1000u	  /* snapshots in one input */
#define MAX_STRING LNK_WORDS_NAME /* bytes of a string in a capture's head */

#define TITLE_REGS (REG(LNK_R_ID) | REG(LNK_R_CLASS))

/* ---- One function, while it is read -------------------------------------------------------- */

/* What stands between a function and the row that is next. */
enum gap {
	GAP_NONE,
	GAP_TEXT,   /* a line that is not indented: wrapped text, or trouble told by lspci itself */
	GAP_BLANK,  /* a blank line ends a function in lspci's output */
	GAP_HUNK,   /* a diff left out lines: what follows may belong to another one */
	GAP_CLOSED, /* nothing more belongs to it */
};

struct open_fn {
	bool open;
	bool had_hex, had_words; /* an earlier place in the same group gave bytes, decoded text */
	enum gap gap;
	struct lnk_addr addr;
	uint32_t line;
	unsigned end;		    /* the bytes known end here */
	uint32_t row_off, row_line; /* of the last row: its number in a diff's file */
	uint16_t have[LNK_ROWS];    /* one bit for each byte of a row that is known */
	uint8_t bytes[LNK_CFG_MAX];
	struct lnk_words words;
	bool facts;	      /* of a capture that we wrote: */
	struct lnk_live live; /* without its strings, */
	struct lnk_hint attr;
	size_t driver_n, power_n, iommu_n;
	char driver[MAX_STRING], power_state[MAX_STRING], iommu_group[MAX_STRING];
};

/*
 * May a row at @off stand here, in line @line of a diff's file? What follows a gap must go on where
 * the rows before it ended. Behind lines that a diff left out it does so where they were as many as
 * the rows that are missing: another function's offsets had to start again at 0.
 */
static bool in_place(const struct open_fn *f, uint32_t off, uint32_t line)
{
	switch (f->gap) {
	case GAP_NONE:
		return true;
	case GAP_TEXT:
		return off >= f->end;
	case GAP_BLANK:
		return f->end && off == f->end;
	case GAP_HUNK:
		return f->end && off > f->row_off &&
		       off - f->row_off == (uint64_t)ROW * (line - f->row_line);
	case GAP_CLOSED:
		break;
	}
	return false;
}

static bool has_byte(const struct open_fn *f, unsigned off)
{
	return f->have[off / ROW] >> off % ROW & 1;
}

/* False where a byte contradicts one that is known: then none of the row is taken. */
static bool put_bytes(struct open_fn *f, const struct lnk_line *l)
{
	unsigned i;

	if (l->off % ROW == 0 && l->n_bytes == ROW && !f->have[l->off / ROW]) {
		memcpy(f->bytes + l->off, l->bytes, ROW);
		f->have[l->off / ROW] = 0xffff;
	} else {
		for (i = 0; i < l->n_bytes; i++)
			if (has_byte(f, l->off + i) && f->bytes[l->off + i] != l->bytes[i])
				return false;
		for (i = 0; i < l->n_bytes; i++) {
			unsigned off = l->off + i;

			f->bytes[off] = l->bytes[i];
			f->have[off / ROW] |= (uint16_t)(1u << off % ROW);
		}
	}
	if (f->end < l->off + l->n_bytes)
		f->end = l->off + l->n_bytes;
	return true;
}

/* The runs of known bytes; at most every other byte starts one. */
static unsigned find_spans(const struct open_fn *f, struct lnk_span spans[LNK_CFG_MAX / 2])
{
	unsigned n = 0, off = 0;

	while (off < f->end) {
		unsigned from;

		while (off < f->end && !has_byte(f, off))
			off++;
		for (from = off; off < f->end && off % ROW == 0 && f->have[off / ROW] == 0xffff;)
			off += ROW;
		while (off < f->end && has_byte(f, off))
			off++;
		if (from < off)
			spans[n++] = (struct lnk_span){(uint16_t)from, (uint16_t)off};
	}
	return n;
}

static struct lnk_cfg what_was_read(struct open_fn *f, struct lnk_span spans[LNK_CFG_MAX / 2])
{
	return (struct lnk_cfg){
		.bytes = f->bytes,
		.size = LNK_CFG_MAX,
		.spans = spans,
		.n_spans = (uint16_t)find_spans(f, spans),
	};
}

/* Is what the bytes say of the subsystem all that is asked for? */
static bool has_subsystem(struct lnk_cfg *c)
{
	struct lnk_cap caps[LNK_MAX_CAPS];
	enum lnk_list end;
	uint32_t layout;
	unsigned n;

	if (!lnk_cfg_u8(c, PCI_HEADER_TYPE, &layout))
		return false;
	if (FIELD_GET(0x7f, layout) == PCI_HEADER_TYPE_NORMAL)
		return lnk_cfg_known(c, PCI_SUBSYSTEM_VENDOR_ID, PCI_SUBSYSTEM_ID + 2);
	end = lnk_cfg_caps(c, caps, LNK_MAX_CAPS, &n);
	return end == LNK_LIST_END || end == LNK_LIST_NONE;
}

/* Do a list's words say no more than the bytes do? */
static bool says_nothing(const struct lnk_hint *h, struct lnk_cfg *c)
{
	uint32_t id, class;

	return !(h->known & ~(TITLE_REGS | REG(LNK_R_SUBSYS))) && !h->named && !h->vendor &&
	       !h->subvendor && lnk_cfg_u32(c, PCI_VENDOR_ID, &id) && id == h->reg[LNK_R_ID] &&
	       lnk_cfg_u32(c, PCI_CLASS_REVISION, &class) &&
	       !((class ^ h->reg[LNK_R_CLASS]) & CLASS_CODE) &&
	       (!(h->known & REG(LNK_R_SUBSYS)) || has_subsystem(c));
}

/* ---- The reader ---------------------------------------------------------------------------- */

/* One for the input, and one for each side of a diff in it. */
struct reader {
	struct lnk_captures *out;
	struct lnk_facts *facts;
	size_t done;	      /* functions in the captures that are finished */
	uint32_t line;	      /* that is read, in the input */
	uint32_t side_line;   /* and in a diff's file */
	bool cut;	      /* it is the last, and has no end */
	bool ours;	      /* the input starts with the head of a capture that we wrote */
	bool titled;	      /* the last line that was not blank was a header */
	bool spaced;	      /* a blank line stands between any two, and ends nothing */
	unsigned blanks;      /* that stand above this line, or are here so far */
	bool full;	      /* a limit was reached that ends the reading */
	struct lnk_group old; /* the one before, of which the one that is read may be part */
	struct lnk_group now;
	struct lnk_tree tree;
	struct open_fn f;
};

/* Does it hold as many functions as its head says that it was written with? */
static void check_complete(const struct reader *r, struct lnk_model *m)
{
	if (!m->env.functions)
		return;
	m->env.complete = m->n_fns == m->env.functions;
	if (m->env.complete)
		return;
	lnk_model_damage(m, r->line, "%zu functions, and its head says %zu", m->n_fns,
			 m->env.functions);
	m->damage_unplaced = true;
}

static void finish_group(struct reader *r, struct lnk_group *g)
{
	if (!g->m)
		return;
	lnk_model_sort(g->m);
	check_complete(r, g->m);
	g->m->line = g->line;
	r->done += g->m->n_fns;
	lnk_captures_add(r->out, g->m);
	lnk_group_forget(g);
}

/* The group that is read is complete: it is part of the one before, or stands for itself. */
static void close_group(struct reader *r)
{
	struct lnk_model *m = r->now.m;

	if (r->old.m && lnk_group_agrees(&r->old, &r->now)) {
		lnk_group_fold(&r->old, &r->now);
		lnk_group_forget(&r->now);
		lnk_model_free(m);
		return;
	}
	finish_group(r, &r->old);
	r->old = r->now;
	r->now = (struct lnk_group){0};
}

static void next_group(struct reader *r)
{
	struct lnk_model *m = lnk_model_new();

	lnk_group_head(m, &r->now.m->env);
	close_group(r);
	r->now.m = m;
	if (r->old.m && r->out->n + 2 > MAX_SHOTS) {
		r->old.m->limit =
			lnk_strf(&r->old.m->arena, "more than %u snapshots: the rest is left out",
				 MAX_SHOTS);
		r->full = true;
	}
}

/* What the words before its address and below it said, or nothing at all: prose can look so. */
static bool is_function(const struct reader *r)
{
	const struct open_fn *f = &r->f;

	return r->ours || f->end || f->facts || f->words.hint.known || f->words.lspci;
}

static struct lnk_fn *place_function(struct reader *r)
{
	struct lnk_fn *f = lnk_group_find(&r->now, r->f.addr);
	struct lnk_model *m = r->now.m;

	if (f || r->full)
		return f;
	if (r->done + (r->old.m ? r->old.m->n_fns : 0) + m->n_fns >= LNK_MAX_FUNCTIONS) {
		if (!m->limit)
			m->limit =
				lnk_strf(&m->arena, "more than %u functions: the rest is left out",
					 LNK_MAX_FUNCTIONS);
		r->full = true;
		return NULL;
	}
	if (!r->now.line)
		r->now.line = r->f.line;
	return lnk_group_add(&r->now, r->f.addr);
}

static const char *clean(struct lnk_arena *a, const char *s, size_t n)
{
	return lnk_clean(a, s, n < MAX_STRING ? n : MAX_STRING);
}

static void keep_facts(struct open_fn *f, struct lnk_arena *a, struct lnk_fn *fn)
{
	lnk_group_hint(a, &fn->attr, &f->attr);
	if (fn->live)
		return;
	fn->live = lnk_alloc(a, sizeof(*fn->live));
	*fn->live = f->live;
	/* That there are no link attributes is known where what follows them was seen. */
	fn->live->attrs_read &= f->words.whole || f->end;
	if (f->driver_n)
		fn->live->driver = clean(a, f->driver, f->driver_n);
	if (f->power_n)
		fn->live->power_state = clean(a, f->power_state, f->power_n);
	if (f->iommu_n)
		fn->live->iommu_group = clean(a, f->iommu_group, f->iommu_n);
}

static void end_function(struct reader *r)
{
	struct open_fn *f = &r->f;
	struct lnk_span spans[LNK_CFG_MAX / 2];
	struct lnk_cfg read;
	struct lnk_arena *a;
	struct lnk_fn *fn;

	if (!f->open)
		return;
	f->open = false;
	lnk_words_end(&f->words);
	if (!is_function(r))
		return;
	if (f->had_words && f->words.hint.known & ~TITLE_REGS)
		next_group(r);
	fn = place_function(r);
	if (!fn)
		return;
	a = &r->now.m->arena;
	if (!fn->line || f->end)
		fn->line = f->line;
	read = f->end ? what_was_read(f, spans) : fn->cfg;
	if (f->end)
		lnk_cfg_set(a, &fn->cfg, f->bytes, spans, read.n_spans);
	/* What was said first counts, kept or not. */
	if (fn->titled)
		f->words.hint.known &= ~TITLE_REGS;
	if (f->words.hint.known && says_nothing(&f->words.hint, &read))
		fn->titled = true;
	else
		lnk_group_hint(a, &fn->text, &f->words.hint);
	fn->denied |= f->words.denied;
	if (f->words.name_n)
		fn->device_name = clean(a, f->words.name, f->words.name_n);
	if (f->facts)
		keep_facts(f, a, fn);
}

static void begin_function(struct reader *r, const struct lnk_line *l)
{
	struct open_fn *f = &r->f;
	const struct lnk_fn *twin;

	end_function(r);
	twin = lnk_group_find(&r->now, l->addr);
	f->open = true;
	f->had_hex = twin && twin->cfg.n_spans;
	f->had_words = twin && twin->text && twin->text->known & ~TITLE_REGS;
	f->gap = GAP_NONE;
	f->addr = l->addr;
	f->line = r->line;
	memset(f->have, 0, (f->end + ROW - 1) / ROW * sizeof(f->have[0]));
	f->end = 0;
	lnk_words_begin(&f->words);
	f->facts = false;
	f->live = (struct lnk_live){0};
	f->attr = (struct lnk_hint){0};
	f->driver_n = f->power_n = f->iommu_n = 0;
	lnk_words_title(&f->words, l->s + l->title, l->n - l->title);
}

/* ---- What the lines mean ------------------------------------------------------------------- */

/* A row that belongs to no function that is known, or to one whose header was lost. */
static void orphan(struct reader *r, const struct lnk_line *l)
{
	if (r->f.open)
		r->f.gap = GAP_CLOSED;
	/* Other programs write dumps too: only what lspci alone writes is part of a capture. */
	if (!l->lspci_row)
		return;
	lnk_model_damage(r->now.m, r->line, "hex row with no function above it");
	r->now.m->damage_unplaced = true;
}

/* An address whose bytes were given before: another moment, until the end proves it the same. */
static void begin_rows(struct reader *r)
{
	if (!r->f.had_hex)
		return;
	next_group(r);
	r->f.had_hex = r->f.had_words = false;
}

static void on_row(struct reader *r, const struct lnk_line *l)
{
	struct open_fn *f = &r->f;
	uint32_t line = r->line;

	if (!f->open || !in_place(f, l->off, r->side_line)) {
		orphan(r, l);
		return;
	}
	/* What should have been part of a line above may have been one of its own. */
	f->gap = l->joined ? GAP_TEXT : GAP_NONE;
	f->row_off = l->off;
	f->row_line = r->side_line;
	begin_rows(r);
	if (l->off > LNK_CFG_MAX - l->n_bytes) {
		lnk_model_damage(r->now.m, line, "hex row beyond the end of configuration space");
		return;
	}
	if (l->n_bytes < ROW && !r->cut) {
		lnk_model_damage(r->now.m, line, "hex row with %u bytes", l->n_bytes);
		return;
	}
	/* Where the input was cut, what stands before the cut is whole. */
	if (l->n_bytes < ROW)
		lnk_model_damage(r->now.m, line, "the input ends within a hex row");
	/* Bytes of somebody else, whose address was lost. */
	if (!put_bytes(f, l)) {
		lnk_model_damage(r->now.m, line, "hex row contradicts bytes of the same function");
		r->now.m->damage_unplaced = true;
	}
}

/* The rows behind a good one, of which nothing else can be said: most of a capture. */
static void take_rows(struct reader *r, struct lnk_unwrap *u)
{
	struct open_fn *f = &r->f;
	unsigned n;

	if (!f->open || f->gap != GAP_NONE || f->end != f->row_off + ROW || f->end % ROW)
		return;
	n = lnk_unwrap_rows(u, f->end, f->bytes);
	if (!n)
		return;
	memset(f->have + f->end / ROW, 0xff, n * sizeof(f->have[0]));
	f->end += n * ROW;
	f->row_off = f->end - ROW;
	r->line += n;
	r->spaced = false;
}

static void on_bad_row(struct reader *r, const struct lnk_line *l)
{
	struct open_fn *f = &r->f;

	if (!f->open || f->gap > GAP_TEXT) {
		orphan(r, l);
		return;
	}
	if (l->joined && f->gap == GAP_NONE)
		f->gap = GAP_TEXT;
	begin_rows(r);
	lnk_model_damage(r->now.m, r->line, "hex row that cannot be read");
}

/* The words say that it was a header; what it said first, its address, is lost. */
static void on_almost(struct reader *r, const struct lnk_line *l)
{
	end_function(r);
	if (!lnk_words_is_title(l->s + l->title, l->n - l->title)) {
		/* A time of day that a log puts first looks so, too. */
		lnk_facts_line(r->facts, l->line, l->s, l->n);
		return;
	}
	lnk_model_damage(r->now.m, r->line, "address of a function that cannot be read");
	r->now.m->damage_unplaced = true;
}

/* As lspci -k has it. */
static void keep_driver(struct open_fn *f, const struct lnk_line *l)
{
	struct lnk_part p = {l->s, l->n};

	if (f->driver_n || !lnk_part_skip(&p, "Kernel driver in use: "))
		return;
	f->driver_n = p.n < MAX_STRING ? p.n : MAX_STRING;
	memcpy(f->driver, p.s, f->driver_n);
	f->facts = true;
}

static void on_text(struct reader *r, const struct lnk_line *l)
{
	struct open_fn *f = &r->f;

	if (!f->open || f->gap != GAP_NONE || !l->indented) {
		lnk_facts_line(r->facts, l->line, l->s, l->n);
		lnk_tree_line(&r->tree, l);
	}
	if (!f->open)
		return;
	if (f->gap < GAP_BLANK) {
		lnk_words_line(&f->words, l->s, l->n);
		keep_driver(f, l);
	}
	if ((!l->indented || l->joined) && f->gap == GAP_NONE)
		f->gap = GAP_TEXT;
}

/* Is it what lspci writes first below a title? */
static bool is_first_word(const struct lnk_line *l)
{
	static const char *const words[] = {"Subsystem: ", "DeviceName: ", "Control: ", "Flags: "};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (l->kind == LNK_LINE_TEXT && l->indented && l->n > n &&
		    !memcmp(l->s, words[i], n))
			return true;
	}
	return false;
}

/* Some programs put a blank line below each: then two in a row are what was one. */
static void mind_spacing(struct reader *r, const struct lnk_line *l)
{
	if (l->kind == LNK_LINE_BLANK) {
		r->blanks++;
		return;
	}
	if (!r->blanks)
		r->spaced = false;
	if (r->blanks == 1 && r->titled && r->f.gap == GAP_BLANK && is_first_word(l)) {
		r->spaced = true;
		r->f.gap = GAP_NONE;
		r->f.words.whole = false;
	}
	r->titled = l->kind == LNK_LINE_HEADER;
	r->blanks = 0;
}

static void on_blank(struct reader *r)
{
	struct open_fn *f = &r->f;

	if (r->spaced && r->blanks == 1)
		return;
	if (f->gap < GAP_BLANK)
		f->gap = GAP_BLANK;
	f->words.whole = true;
}

/* ---- The head and the facts of a capture that we wrote ------------------------------------- */

static const char head_line[] = "# " LNK_NAME " capture 1";

/* Its value if the line is "# @key: value". */
static bool value_of(const struct lnk_line *l, const char *key, const char **s, size_t *n)
{
	size_t len = strlen(key);

	if (l->n < len + 4 || memcmp(l->s + 2, key, len) != 0 ||
	    memcmp(l->s + 2 + len, ": ", 2) != 0)
		return false;
	*s = l->s + len + 4;
	*n = l->n - len - 4;
	return true;
}

static void on_env(struct lnk_model *m, const struct lnk_line *l, uint32_t line)
{
	struct lnk_env *e = &m->env;
	const struct {
		const char *key;
		const char **value;
	} keys[] = {
		{"tool", &e->tool},	{"time", &e->time},	    {"hypervisor", &e->hypervisor},
		{"accel", &e->accel},	{"sign", &e->sign},	    {"machine", &e->machine},
		{"kernel", &e->kernel}, {"redacted", &e->redacted},
	};
	const char *s;
	size_t n, i;

	if (value_of(l, "guest", &s, &n))
		e->guest = lnk_part_is((struct lnk_part){s, n}, "yes") ? LNK_GUEST_YES :
			   lnk_part_is((struct lnk_part){s, n}, "no")  ? LNK_GUEST_NO :
									 LNK_GUEST_UNKNOWN;
	if (value_of(l, "damage", &s, &n)) {
		lnk_model_damage(m, line, "when it was taken: %s", clean(&m->arena, s, n));
		m->damage_unplaced = true;
	}
	if (value_of(l, "functions", &s, &n))
		e->functions = strtoul(clean(&m->arena, s, n), NULL, 10);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (value_of(l, keys[i].key, &s, &n))
			*keys[i].value = clean(&m->arena, s, n);
}

/* "8GT/s x16"; "unknown" is not a value. */
static bool read_attr(struct lnk_hint *h, enum lnk_reg reg, const char *s, size_t n)
{
	const char *x = memmem(s, n, " x", 2);

	if (!x || !lnk_words_link(s, (size_t)(x - s), x + 2, n - (size_t)(x + 2 - s), &h->reg[reg]))
		return false;
	h->known |= REG(reg);
	return true;
}

static bool read_node(struct lnk_live *live, const char *s, size_t n)
{
	unsigned node = 0;
	size_t i;

	for (i = 0; i < n && s[i] >= '0' && s[i] <= '9' && node <= UINT16_MAX; i++)
		node = node * 10 + (unsigned)(s[i] - '0');
	if (!n || i < n || node > UINT16_MAX)
		return false;
	live->near = true;
	live->numa_node = (uint16_t)node;
	return true;
}

/* Where a flag of @f goes that the line tells; NULL: it tells none. */
static bool *flag_of(struct open_fn *f, const struct lnk_line *l, const char **s, size_t *n)
{
	struct lnk_live *live = &f->live;
	const struct {
		const char *key;
		bool *flag;
	} keys[] = {
		{"asleep", &live->asleep},
		{"removed", &live->gone},
		{"vf", &live->vf},
		{"attrs", &live->attrs_read},
		{"training_twice", &live->training_twice},
		{"status_unsteady", &live->status_unsteady},
		{"aer_growing", &live->aer_growing},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (value_of(l, keys[i].key, s, n))
			return keys[i].flag;
	return NULL;
}

static bool keep_string(const struct lnk_line *l, const char *key, char *to, size_t *to_n)
{
	const char *s;
	size_t n;

	if (!value_of(l, key, &s, &n))
		return false;
	*to_n = n < MAX_STRING ? n : MAX_STRING;
	memcpy(to, s, *to_n);
	return true;
}

static void on_fact(struct open_fn *f, const struct lnk_line *l)
{
	const char *s;
	bool *flag;
	size_t n;

	flag = flag_of(f, l, &s, &n);
	if (flag) {
		*flag = lnk_part_is((struct lnk_part){s, n}, "yes");
		f->facts = true;
	} else if (keep_string(l, "driver", f->driver, &f->driver_n) ||
		   keep_string(l, "power_state", f->power_state, &f->power_n) ||
		   keep_string(l, "iommu_group", f->iommu_group, &f->iommu_n)) {
		f->facts = true;
	} else if (value_of(l, "numa_node", &s, &n)) {
		f->facts |= read_node(&f->live, s, n);
	} else if (value_of(l, "max_link", &s, &n)) {
		f->facts |= read_attr(&f->attr, LNK_R_MAXLINK, s, n);
	} else if (value_of(l, "current_link", &s, &n)) {
		f->facts |= read_attr(&f->attr, LNK_R_CURLINK, s, n);
	}
}

/* A row of which some bytes were not known: lspci has no way to write that. */
static bool on_part(struct reader *r, const struct lnk_line *l)
{
	static const char head[] = "# part of row ";
	size_t len = sizeof(head) - 1;
	struct lnk_line row;
	uint16_t known;
	unsigned i;

	if (l->n < len || memcmp(l->s, head, len) != 0 ||
	    !lnk_line_part(&row, l->s + len, l->n - len, &known))
		return false;
	begin_rows(r);
	for (i = 0; i < ROW; i++) {
		struct lnk_line byte = {.off = row.off + i, .n_bytes = 1, .bytes = {row.bytes[i]}};

		if (known >> i & 1 && !put_bytes(&r->f, &byte))
			lnk_model_damage(r->now.m, r->line,
					 "hex row contradicts bytes of the same function");
	}
	return true;
}

static bool is_head(const struct lnk_line *l)
{
	return lnk_part_is((struct lnk_part){l->s, l->n}, head_line);
}

static void on_remark(struct reader *r, const struct lnk_line *l)
{
	if (is_head(l)) {
		end_function(r);
		if (r->now.m->n_fns)
			next_group(r);
		r->now.m->env = (struct lnk_env){0};
	} else if (!r->f.open) {
		on_env(r->now.m, l, r->line);
	} else if (r->f.gap == GAP_NONE && !on_part(r, l)) {
		on_fact(&r->f, l);
	}
}

/* ---- A line, and all of them --------------------------------------------------------------- */

/* Behind a hunk's head only rows can prove that they still belong to the function above it. */
static void on_hunk(struct reader *r)
{
	if (r->f.open && r->f.end && r->side_line)
		r->f.gap = GAP_HUNK;
	else
		end_function(r);
}

static void read_line(struct reader *r, const struct lnk_line *l)
{
	r->line = l->line;
	r->cut = l->unended;
	mind_spacing(r, l);
	switch (l->kind) {
	case LNK_LINE_ROW:
		on_row(r, l);
		break;
	case LNK_LINE_HEADER:
		begin_function(r, l);
		break;
	case LNK_LINE_BLANK:
		/* Blanks without an end may have been an indentation. */
		if (!r->cut)
			on_blank(r);
		break;
	case LNK_LINE_BAD_ROW:
		on_bad_row(r, l);
		break;
	case LNK_LINE_ALMOST:
		on_almost(r, l);
		break;
	case LNK_LINE_HUNK:
		on_hunk(r);
		break;
	case LNK_LINE_TEXT:
		/* "Width x1" may have been "Width x16". */
		if (r->cut)
			break;
		r->ours |= is_head(l);
		if (r->ours && l->n >= 2 && l->s[0] == '#' && l->s[1] == ' ')
			on_remark(r, l);
		else
			on_text(r, l);
	}
}

/* ---- The source ---------------------------------------------------------------------------- */

static void begin_reader(struct reader *r, struct lnk_facts *facts)
{
	memset(r, 0, sizeof(*r));
	r->facts = facts;
	r->out = lnk_xmalloc(sizeof(*r->out));
	*r->out = (struct lnk_captures){0};
	r->now.m = lnk_model_new();
}

/* Moves its captures to @out; @part says which part of the input they are, or is NULL. */
static void end_reader(struct reader *r, struct lnk_captures *out, const char *part)
{
	size_t i;

	if (!r->out)
		return;
	end_function(r);
	close_group(r);
	/* Of several snapshots, whose drawing it is is not known. */
	if (!r->out->n)
		lnk_tree_apply(&r->tree, &r->old);
	lnk_tree_free(&r->tree);
	/* A capture that we wrote is one, though the machine may have no PCI at all. */
	if (r->old.m->n_fns || r->ours) {
		finish_group(r, &r->old);
	} else {
		lnk_model_free(r->old.m);
		lnk_group_forget(&r->old);
	}
	for (i = 0; i < r->out->n; i++) {
		struct lnk_model *m = r->out->models[i];

		if (part)
			m->part = lnk_clean(&m->arena, part, strlen(part));
		lnk_captures_add(out, m);
	}
	free(r->out->models);
	free(r->out);
}

/* "old side of a diff, a/lspci.txt" */
static void name_side(char *to, size_t room, const struct lnk_unwrap *u, enum lnk_side side)
{
	const char *name = lnk_unwrap_side_name(u, side);

	snprintf(to, room, "%s side of a diff%s%s", side == LNK_SIDE_OLD ? "old" : "new",
		 *name ? ", " : "", name);
}

static void read_lines(struct lnk_unwrap *u, struct reader readers[LNK_SIDES])
{
	struct lnk_line l;
	unsigned i;

	while (!readers[0].full && lnk_unwrap_next(u, &l)) {
		if (l.sides == LNK_SIDE_PLAIN) {
			read_line(&readers[0], &l);
			if (l.kind == LNK_LINE_ROW)
				take_rows(&readers[0], u);
			continue;
		}
		for (i = 1; i < LNK_SIDES; i++)
			if (!readers[i].out)
				begin_reader(&readers[i], readers[0].facts);
		readers[1].side_line = l.old_line;
		readers[2].side_line = l.new_line;
		for (i = 0; i < LNK_SIDES; i++)
			if (l.sides >> i & 1 && !readers[i].full)
				read_line(&readers[i], &l);
	}
}

static int read_lspci(struct lnk_stream *in, struct lnk_captures *out, struct lnk_facts *facts,
		      struct lnk_err *err)
{
	struct reader *readers = lnk_xmalloc(LNK_SIDES * sizeof(*readers));
	struct lnk_unwrap *u = lnk_unwrap_new(in);
	size_t first = out->n, n, i;
	char part[256];

	(void)err;
	begin_reader(&readers[0], facts);
	/* Few inputs hold a diff. */
	readers[1].out = readers[2].out = NULL;
	read_lines(u, readers);
	end_reader(&readers[0], out, NULL);
	for (i = 1; i < LNK_SIDES; i++) {
		name_side(part, sizeof(part), u, 1u << i);
		end_reader(&readers[i], out, part);
	}
	lnk_unwrap_free(u);
	free(readers);
	n = out->n - first;
	for (i = first; i < out->n; i++) {
		out->models[i]->snapshots = (unsigned)n;
		if (n == 1)
			out->models[i]->line = 0;
	}
	return n ? 0 : -ENODATA;
}

const struct lnk_source lnk_source_lspci = {
	.name = "lspci",
	.what = "the output of lspci -x, -xxx, -xxxx or -vv",
	.read = read_lspci,
};
