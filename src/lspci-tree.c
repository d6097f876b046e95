/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lspci-tree.c - the drawing of lspci -t: which bridge leads to which bus
 *
 * pciutils ls-tree.c. What hangs below another stands in its line, or in the column in which the
 * first of its bus began:
 *
 *	-[0000:00]-+-00.0
 *	           +-01.0-[01]----00.0
 *	           \-02.0-[02-04]--+-00.0  Name
 *	                           \-00.1
 *
 * The drawing is needed where a report dumps some functions only: it tells what is above them.
 */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lspci.h"

#define NOWHERE UINT64_MAX

/* A line while it is read. */
struct cursor {
	const char *s;
	size_t n, i;
	unsigned indent; /* columns before it */
	uint64_t bus;	 /* domain << 8 | number, or NOWHERE */
};

static bool skip(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if (c->n - c->i < n || memcmp(c->s + c->i, word, n) != 0)
		return false;
	c->i += n;
	return true;
}

/* Lower-case hex, at least @min and at most @max digits. */
static bool skip_hex(struct cursor *c, unsigned min, unsigned max, uint32_t *v)
{
	unsigned n;

	*v = 0;
	for (n = 0; n < max && c->i < c->n; n++, c->i++) {
		char d = c->s[c->i];

		if (d >= '0' && d <= '9')
			*v = *v << 4 | (uint32_t)(d - '0');
		else if (d >= 'a' && d <= 'f')
			*v = *v << 4 | (uint32_t)(d - 'a' + 10);
		else
			break;
	}
	return n >= min;
}

/* "[0000:00]", and with the last bus "[0000:00-3f]" */
static bool read_root(struct cursor *c)
{
	uint32_t domain, bus, last;

	if (!skip(c, "[") || !skip_hex(c, 4, 8, &domain) || !skip(c, ":") ||
	    !skip_hex(c, 2, 2, &bus) || (skip(c, "-") && !skip_hex(c, 2, 2, &last)) ||
	    !skip(c, "]"))
		return false;
	c->bus = (uint64_t)domain << 8 | bus;
	return true;
}

static void add_bridge(struct lnk_tree *t, const struct lnk_bridge *b)
{
	if (t->n == LNK_MAX_FUNCTIONS) {
		t->doubt = true;
		return;
	}
	if (t->n == t->max) {
		t->max = t->max ? 2 * t->max : 32;
		t->bridges = lnk_xrealloc(t->bridges, t->max * sizeof(*t->bridges));
	}
	t->bridges[t->n++] = *b;
}

/*
 * "01.0", "01.0-[02]-", "01.0-[02-05]-"; the cursor goes on at the bus below. A bridge that has no
 * bus numbers is drawn "01.0--", or as if it led to bus 0.
 */
static bool read_function(struct lnk_tree *t, uint32_t line, struct cursor *c)
{
	uint32_t dev, func, secondary = 0, subordinate;
	uint64_t bus = c->bus;

	if (bus == NOWHERE || !skip_hex(c, 2, 2, &dev) || dev > 0x1f || !skip(c, ".") ||
	    !skip_hex(c, 1, 1, &func) || func > 7)
		return false;
	if (c->i == c->n || c->s[c->i] == ' ')
		return true;
	c->bus = NOWHERE;
	if (!skip(c, "-[") || !skip_hex(c, 2, 2, &secondary))
		return skip(c, "--");
	subordinate = secondary;
	if ((skip(c, "-") && !skip_hex(c, 2, 2, &subordinate)) || !skip(c, "]-"))
		return false;
	if (!secondary)
		return true;
	c->bus = (bus & ~UINT64_C(0xff)) | secondary;
	add_bridge(t,
		   &(struct lnk_bridge){
			   .addr = {(uint32_t)(bus >> 8), (uint8_t)bus, (uint8_t)(dev << 3 | func)},
			   .secondary = (uint8_t)secondary,
			   .subordinate = (uint8_t)subordinate,
			   .line = line,
		   });
	return true;
}

/* From here on the line is what one bus holds. */
static bool read_rest(struct lnk_tree *t, uint32_t line, struct cursor *c)
{
	while (c->i < c->n && c->s[c->i] != ' ') {
		if (c->s[c->i] == '-') {
			c->i++;
		} else if (c->s[c->i] == '[') {
			if (!read_root(c))
				return false;
		} else if (c->s[c->i] == '+') {
			if (t->depth == LNK_TREE_DEPTH)
				return false;
			t->stack[t->depth].column = c->indent + (unsigned)c->i;
			t->stack[t->depth++].bus = c->bus;
			c->i++;
		} else if (!read_function(t, line, c)) {
			return false;
		}
	}
	return true;
}

/* The bus that a branch in this column is of. Those that began further right are complete. */
static bool take_branch(struct lnk_tree *t, struct cursor *c)
{
	unsigned column = c->indent + (unsigned)c->i;

	while (t->depth && t->stack[t->depth - 1].column > column)
		t->depth--;
	if (!t->depth || t->stack[t->depth - 1].column != column)
		return false;
	c->bus = t->stack[t->depth - 1].bus;
	return true;
}

static bool read_branch(struct lnk_tree *t, uint32_t line, struct cursor *c)
{
	bool known = take_branch(t, c), last = c->s[c->i] == '\\';

	/* The first lines of a drawing may be cut off: a bus with its domain stands for itself. */
	if (!known && (c->i + 2 >= c->n || c->s[c->i + 2] != '['))
		return false;
	if (!known && !last) {
		if (t->depth == LNK_TREE_DEPTH)
			return false;
		t->stack[t->depth].column = c->indent + (unsigned)c->i;
		t->stack[t->depth++].bus = NOWHERE;
	}
	if (known && last)
		t->depth--;
	c->i += 2;
	return read_rest(t, line, c);
}

void lnk_tree_line(struct lnk_tree *t, const struct lnk_line *l)
{
	struct cursor c = {.s = l->s, .n = l->n, .bus = NOWHERE};
	bool ok = false;

	/* Where the parts of a line stood that was wrapped is not known. */
	if (!l->joined)
		c.indent = l->columns - (unsigned)l->n;
	while (c.i < c.n && (c.s[c.i] == ' ' || c.s[c.i] == '|'))
		c.i++;
	if (c.n - c.i < 4)
		return;
	if (!memcmp(c.s + c.i, "-[", 2) || !memcmp(c.s + c.i, "-+-[", 4)) {
		t->depth = 0;
		c.i++;
		ok = read_rest(t, l->line, &c);
	} else if ((c.s[c.i] == '+' || c.s[c.i] == '\\') && c.s[c.i + 1] == '-') {
		ok = read_branch(t, l->line, &c);
	} else {
		return;
	}
	/* What cannot be read may have begun a bus: what is below it cannot be told. */
	if (!ok || l->joined)
		t->depth = 0;
}

/* ---- To the functions of one moment -------------------------------------------------------- */

static int by_function(const void *a, const void *b)
{
	uint64_t x = lnk_addr_key(((const struct lnk_bridge *)a)->addr);
	uint64_t y = lnk_addr_key(((const struct lnk_bridge *)b)->addr);

	return x < y ? -1 : x > y;
}

static uint64_t bus_below(const struct lnk_bridge *b)
{
	return (uint64_t)b->addr.domain << 8 | b->secondary;
}

static int by_bus(const void *a, const void *b)
{
	uint64_t x = bus_below(a), y = bus_below(b);

	return x < y ? -1 : x > y;
}

/*
 * Sorts them by the bus below, each once, and believes no two that lead to one bus; false where two
 * drawings are not of one machine.
 */
static bool settle(struct lnk_tree *t)
{
	size_t i, n = 0;

	qsort(t->bridges, t->n, sizeof(*t->bridges), by_function);
	for (i = 0; i < t->n; i++) {
		const struct lnk_bridge *b = &t->bridges[i], *last = &t->bridges[n ? n - 1 : 0];

		if (n && !by_function(last, b)) {
			if (last->secondary != b->secondary || last->subordinate != b->subordinate)
				return false;
			continue;
		}
		t->bridges[n++] = *b;
	}
	t->n = n;
	qsort(t->bridges, t->n, sizeof(*t->bridges), by_bus);
	for (i = 1; i < n; i++)
		if (!by_bus(&t->bridges[i - 1], &t->bridges[i]))
			t->bridges[i - 1].done = t->bridges[i].done = true;
	return true;
}

static struct lnk_bridge *leads_to(const struct lnk_tree *t, uint32_t domain, uint8_t bus)
{
	struct lnk_bridge key = {.addr = {.domain = domain}, .secondary = bus};

	return t->n ? bsearch(&key, t->bridges, t->n, sizeof(key), by_bus) : NULL;
}

/* The bus that a function's own bytes or words say it leads to; 0: none is known. */
static uint8_t own_bus(struct lnk_fn *f)
{
	uint32_t layout, bus;

	if (lnk_cfg_u8(&f->cfg, PCI_HEADER_TYPE, &layout) && layout & 0x7f &&
	    lnk_cfg_u8(&f->cfg, PCI_SECONDARY_BUS, &bus))
		return (uint8_t)bus;
	if (f->text && f->text->known & REG(LNK_R_BUSES))
		return (uint8_t)(f->text->reg[LNK_R_BUSES] >> 8);
	return 0;
}

/* Nothing but a bridge is known to be there, and not where it leads. */
static bool may_learn(const struct lnk_fn *f)
{
	const struct lnk_hint *h = f->text;

	if (f->cfg.n_spans)
		return false;
	return !h || !(h->known & (REG(LNK_R_BUSES) | REG(LNK_R_HEADER)) ||
		       (h->known & REG(LNK_R_CLASS) &&
			h->reg[LNK_R_CLASS] >> 24 != PCI_BASE_CLASS_BRIDGE));
}

static void teach(struct lnk_arena *a, struct lnk_fn *f, const struct lnk_bridge *b)
{
	struct lnk_hint hint = {.known = REG(LNK_R_HEADER) | REG(LNK_R_BUSES)};
	const struct lnk_hint *h = f->text;

	hint.reg[LNK_R_HEADER] =
		h && h->known & REG(LNK_R_CLASS) &&
				h->reg[LNK_R_CLASS] >> 16 == PCI_CLASS_BRIDGE_CARDBUS ?
			PCI_HEADER_TYPE_CARDBUS :
			PCI_HEADER_TYPE_BRIDGE;
	hint.reg[LNK_R_BUSES] = FIELD_PREP(0xff, b->addr.bus) | FIELD_PREP(0xff00, b->secondary) |
				FIELD_PREP(0xff0000, b->subordinate);
	lnk_group_hint(a, &f->text, &hint);
}

/* The bridges above @addr, up to the root or to one that was here before. */
static void climb(const struct lnk_tree *t, struct lnk_group *g, struct lnk_addr addr)
{
	struct lnk_bridge *b;
	struct lnk_fn *f;

	for (; (b = leads_to(t, addr.domain, addr.bus)) && !b->done; addr = b->addr) {
		b->done = true;
		f = lnk_group_find(g, b->addr);
		if (!f) {
			f = lnk_group_add(g, b->addr);
			if (!f)
				return;
			f->line = b->line;
		}
		if (may_learn(f))
			teach(&g->m->arena, f, b);
	}
}

void lnk_tree_apply(struct lnk_tree *t, struct lnk_group *g)
{
	size_t i, n = g->m->n_fns;

	if (t->doubt || !t->n || !settle(t))
		return;
	/* What the functions say themselves is newer, or of another machine. */
	for (i = 0; i < n; i++) {
		struct lnk_fn *f = &g->m->fns[i];
		struct lnk_bridge *b = leads_to(t, f->addr.domain, own_bus(f));

		if (b && by_function(b, &(struct lnk_bridge){.addr = f->addr}))
			b->done = true;
	}
	for (i = 0; i < n; i++)
		climb(t, g, g->m->fns[i].addr);
}

void lnk_tree_free(struct lnk_tree *t)
{
	free(t->bridges);
	*t = (struct lnk_tree){0};
}
