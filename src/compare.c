/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compare.c - one capture beside another of the same devices: which is which, what became of it */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

/* ---- What one function says ----------------------------------------------------------------- */

#define NOT_READ UINT32_MAX
#define NO_LINK	 0u

/* Speed and width in the layout of the register; NO_LINK where it has none or they are void. */
static uint32_t says(const struct lnk_fn *f, enum lnk_reg part, enum lnk_reg whole)
{
	if (lnk_knows(f, part))
		return f->reg[part];
	if (lnk_knows(f, whole) || f->absent & REG(whole))
		return NO_LINK;
	return NOT_READ;
}

static uint32_t can(const struct lnk_fn *f)
{
	return f ? says(f, LNK_R_MAXLINK, LNK_R_LNKCAP) : NOT_READ;
}

static enum lnk_state state_of(const struct lnk_fn *f)
{
	const struct lnk_link *l = f->below ? f->below : f->link;

	return l ? (enum lnk_state)l->state : LNK_STATE_UNKNOWN;
}

/* Of a link that is down, speed and width mean nothing. */
static uint32_t runs(const struct lnk_fn *f)
{
	if (!f || state_of(f) == LNK_DOWN)
		return NOT_READ;
	return says(f, LNK_R_CURLINK, LNK_R_LNKSTA);
}

static uint32_t speed(uint32_t link)
{
	return FIELD_GET(PCI_EXP_LNKSTA_SPEED, link);
}

static uint32_t width(uint32_t link)
{
	return FIELD_GET(PCI_EXP_LNKSTA_WIDTH, link);
}

static bool has_value(uint32_t link)
{
	return link != NOT_READ && link != NO_LINK;
}

static bool is_less(uint32_t a, uint32_t b)
{
	return speed(a) < speed(b) || width(a) < width(b);
}

static const struct lnk_fn *port_of(const struct lnk_fn *f)
{
	return f->link ? f->link->above : NULL;
}

static bool speaks_of_link(const struct lnk_fn *f)
{
	return f->link || f->below || f->express;
}

/* ---- Which capture is whose ----------------------------------------------------------------- */

enum whose { UNKNOWN, GUEST, HOST };

/* Only the machine itself has ports that are real. */
static enum whose whose(const struct lnk_model *m)
{
	enum whose w = UNKNOWN;
	size_t i;

	if (m->env.guest != LNK_GUEST_UNKNOWN)
		return m->env.guest == LNK_GUEST_YES ? GUEST : HOST;
	for (i = 0; i < m->n_links; i++) {
		const struct lnk_fn *port = m->links[i].above;

		if (port && port->quirks & LNK_Q_VIRTUAL)
			return GUEST;
		if (port)
			w = HOST;
	}
	return w;
}

static enum lnk_relation relate(struct lnk_comparison *c)
{
	enum whose here = whose(c->model[LNK_HERE]), there = whose(c->model[LNK_THERE]);

	if (here == there)
		return LNK_BEFORE_AFTER;
	if (here == UNKNOWN || there == UNKNOWN)
		return LNK_UNRELATED;
	c->guest = here == GUEST ? LNK_HERE : LNK_THERE;
	return LNK_HOST_GUEST;
}

/* ---- Matching ------------------------------------------------------------------------------- */

struct entry {
	const struct lnk_fn *fn;
	struct entry *partner;
	uint64_t serial; /* 0: not known, or no device's own */
	uint32_t n[LNK_BOTH];
	uint8_t side;
	uint8_t match; /* enum lnk_match */
	bool settled;
	bool alike, steady; /* those that it was chosen from */
};

struct work {
	struct lnk_comparison *c;
	struct entry *all; /* side by side, each by address */
	size_t n, n_here;
};

/* Blanked serial numbers are zeros; ones are what nobody answered. */
static uint64_t serial_of(const struct lnk_fn *f)
{
	uint64_t serial;

	if (!lnk_knows(f, LNK_R_DSNLO) || !lnk_knows(f, LNK_R_DSNHI))
		return 0;
	serial = (uint64_t)f->reg[LNK_R_DSNHI] << 32 | f->reg[LNK_R_DSNLO];
	return serial == UINT64_MAX ? 0 : serial;
}

/* A hypervisor's own devices and its ports are in no host; a virtual function has no link. */
static bool is_device(const struct lnk_fn *f)
{
	return !lnk_is_bridge(f) && !lnk_faces_down(f) &&
	       !(f->quirks & (LNK_Q_EMULATED | LNK_Q_VF));
}

static void collect(struct work *w, enum lnk_which side)
{
	const struct lnk_model *m = w->c->model[side];
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		const struct lnk_fn *f = &m->fns[i];

		if (w->c->relation == LNK_HOST_GUEST && !is_device(f))
			continue;
		w->all[w->n++] = (struct entry){
			.fn = f,
			.serial = serial_of(f),
			.side = (uint8_t)side,
			.match = lnk_knows(f, LNK_R_ID) ? LNK_ONLY_ONE : LNK_NO_IDS,
		};
	}
}

static void join(struct entry *a, struct entry *b, enum lnk_match match)
{
	a->partner = b;
	b->partner = a;
	a->match = b->match = (uint8_t)match;
	a->settled = b->settled = true;
}

static bool may_differ(const struct lnk_fn *a, const struct lnk_fn *b, enum lnk_reg r)
{
	return lnk_knows(a, r) && lnk_knows(b, r) && a->reg[r] != b->reg[r];
}

/* What answers with all ones is still where it was. */
static bool same_place(const struct entry *a, const struct entry *b)
{
	if (a->fn->reach == LNK_READ_FFS || b->fn->reach == LNK_READ_FFS)
		return true;
	return !may_differ(a->fn, b->fn, LNK_R_ID) && !may_differ(a->fn, b->fn, LNK_R_SUBSYS) &&
	       !(a->serial && b->serial && a->serial != b->serial);
}

/* Pairs what stands at the same address on both sides, or only counts it. */
static size_t match_addresses(struct work *w,
			      void (*match)(struct entry *, struct entry *, enum lnk_match))
{
	struct entry *a = w->all, *b = a + w->n_here, *mid = b, *end = a + w->n;
	size_t n = 0;

	while (a < mid && b < end) {
		uint64_t x = lnk_addr_key(a->fn->addr), y = lnk_addr_key(b->fn->addr);

		if (x == y && same_place(a, b)) {
			n++;
			if (match)
				match(a, b, LNK_BY_ADDRESS);
		}
		a += x <= y;
		b += y <= x;
	}
	return n;
}

/* One machine, looked at twice: most of the smaller capture stands where it stands in the other. */
static bool same_machine(struct work *w)
{
	size_t here = w->n_here, there = w->n - here;

	return w->c->relation == LNK_BEFORE_AFTER &&
	       2 * match_addresses(w, NULL) > (here < there ? here : there);
}

struct key {
	uint64_t hi, lo;
	struct entry *e;
};

static int by_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->hi != y->hi)
		return x->hi < y->hi ? -1 : 1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->e < y->e ? -1 : x->e > y->e;
}

/* Those of one key: first the ones here, then the ones there, each by address. */
struct group {
	struct work *w;
	struct key *first[LNK_BOTH];
	uint32_t n[LNK_BOTH];
};

static bool is_one_card(const struct group *g, enum lnk_which side)
{
	const struct key *k = g->first[side];
	uint32_t i;

	for (i = 1; i < g->n[side]; i++)
		if ((lnk_addr_key(k[i].e->fn->addr) ^ lnk_addr_key(k->e->fn->addr)) >> 3)
			return false;
	return true;
}

static bool same_link(const struct lnk_fn *a, const struct lnk_fn *b)
{
	return can(a) == can(b) && can(port_of(a)) == can(port_of(b)) &&
	       width(runs(a)) == width(runs(b)) && state_of(a) == state_of(b);
}

static void settle(const struct group *g, enum lnk_match match)
{
	enum lnk_which side;
	uint32_t i;

	for (side = LNK_HERE; side < LNK_BOTH; side++)
		for (i = 0; i < g->n[side]; i++) {
			g->first[side][i].e->match = (uint8_t)match;
			g->first[side][i].e->settled = true;
		}
}

/* How many there were to choose from, and whether it matters which of the real ones it is. */
static void describe(const struct group *g)
{
	enum lnk_which side, host = !g->w->c->guest;
	const struct lnk_fn *f = g->first[host]->e->fn;
	bool alike = true, steady = true;
	uint32_t i;

	for (i = 1; i < g->n[host]; i++) {
		alike &= same_link(f, g->first[host][i].e->fn);
		steady &= runs(f) == runs(g->first[host][i].e->fn);
	}
	for (side = LNK_HERE; side < LNK_BOTH; side++)
		for (i = 0; i < g->n[side]; i++) {
			struct entry *e = g->first[side][i].e;

			e->n[LNK_HERE] = g->n[LNK_HERE];
			e->n[LNK_THERE] = g->n[LNK_THERE];
			e->alike = alike;
			e->steady = steady;
		}
}

/* Where the host has more of a kind than the guest was given, one speaks for all that are alike. */
static void match_unequal(const struct group *g)
{
	enum lnk_which guest = g->w->c->guest, host = !guest;
	struct entry *one = g->first[host]->e;
	uint32_t i;

	if (g->w->c->relation != LNK_HOST_GUEST || g->n[guest] > g->n[host] || !one->alike) {
		settle(g, LNK_NOT_TOLD_APART);
		return;
	}
	settle(g, LNK_ONE_OF_ALIKE);
	for (i = 0; i < g->n[guest]; i++)
		g->first[guest][i].e->partner = one;
}

static void match_group(const struct group *g, enum lnk_match one, enum lnk_match several)
{
	uint32_t i;

	describe(g);
	if (g->n[LNK_HERE] != g->n[LNK_THERE]) {
		match_unequal(g);
		return;
	}
	for (i = 0; i < g->n[LNK_HERE]; i++)
		join(g->first[LNK_HERE][i].e, g->first[LNK_THERE][i].e,
		     g->n[LNK_HERE] == 1 ? one : several);
}

static bool serial_key(const struct entry *e, struct key *k)
{
	k->hi = e->serial;
	k->lo = e->fn->reg[LNK_R_ID];
	return e->serial && lnk_knows(e->fn, LNK_R_ID);
}

/* The functions of a card share its number. What several cards have is nobody's own. */
static void match_serial(const struct group *g)
{
	enum lnk_which side;
	uint32_t i;

	if (is_one_card(g, LNK_HERE) || is_one_card(g, LNK_THERE)) {
		match_group(g, LNK_BY_SERIAL, LNK_BY_SERIAL);
		return;
	}
	for (side = LNK_HERE; side < LNK_BOTH; side++)
		for (i = 0; i < g->n[side]; i++)
			g->first[side][i].e->serial = 0;
}

/* The class says no more than the ids do, and decoded text lacks a part of it. */
static bool ids_key(const struct entry *e, struct key *k)
{
	k->hi = e->fn->reg[LNK_R_ID];
	k->lo = (uint32_t)e->fn->subvendor << 16 | e->fn->subdevice;
	return lnk_knows(e->fn, LNK_R_ID) && (e->fn->known | e->fn->absent) & REG(LNK_R_SUBSYS);
}

static bool short_key(const struct entry *e, struct key *k)
{
	k->hi = e->fn->reg[LNK_R_ID];
	k->lo = 0;
	return lnk_knows(e->fn, LNK_R_ID);
}

static uint32_t n_serials(const struct group *g, enum lnk_which side)
{
	uint32_t n = 0, i;

	for (i = 0; i < g->n[side]; i++)
		n += g->first[side][i].e->serial != 0;
	return n;
}

/* A number that was looked for in vain says which device it is not. */
static void match_ids(const struct group *g)
{
	uint32_t here = n_serials(g, LNK_HERE), there = n_serials(g, LNK_THERE);

	if (!here || !there) {
		match_group(g, LNK_BY_IDS, LNK_BY_ORDER);
		return;
	}
	describe(g);
	settle(g, here == g->n[LNK_HERE] && there == g->n[LNK_THERE] ? LNK_OTHER_SERIAL :
								       LNK_NOT_TOLD_APART);
}

/* Where one side does not say whose card it is, vendor and device must do. */
static void match_short(const struct group *g)
{
	bool knows[LNK_BOTH] = {false};
	enum lnk_which side;
	uint32_t i;

	for (side = LNK_HERE; side < LNK_BOTH; side++)
		for (i = 0; i < g->n[side]; i++)
			knows[side] |= (g->first[side][i].e->fn->known & REG(LNK_R_SUBSYS)) != 0;
	if (!knows[LNK_HERE] || !knows[LNK_THERE])
		match_ids(g);
}

static void match_by(struct work *w, bool (*key)(const struct entry *, struct key *),
		     void (*match)(const struct group *))
{
	struct key *keys = lnk_xmalloc((w->n + 1) * sizeof(*keys));
	size_t n = 0, i, j;

	for (i = 0; i < w->n; i++) {
		keys[n].e = &w->all[i];
		n += !w->all[i].settled && key(&w->all[i], &keys[n]);
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 0; i < n; i = j) {
		struct group g = {.w = w, .first = {&keys[i]}};

		for (j = i; j < n && keys[j].hi == keys[i].hi && keys[j].lo == keys[i].lo; j++)
			g.n[keys[j].e->side]++;
		g.first[LNK_THERE] = &keys[i] + g.n[LNK_HERE];
		if (g.n[LNK_HERE] && g.n[LNK_THERE])
			match(&g);
	}
	free(keys);
}

/* ---- Host and guest: where the truth is lost ------------------------------------------------ */

struct sight {
	const struct lnk_pair *pair;
	uint32_t host, host_port, guest, guest_port;	 /* can do */
	uint32_t host_runs, guest_runs, guest_port_runs; /* runs */
	const struct lnk_fn *guest_fn, *guest_port_fn;
};

/* What both ends of the host's link allow; the device alone where the port is not known. */
static uint32_t allowed(const struct sight *s)
{
	uint32_t a = s->host, b = s->host_port;

	if (!has_value(b))
		return a;
	return (speed(a) < speed(b) ? speed(a) : speed(b)) |
	       (width(a) < width(b) ? width(a) : width(b)) << 4;
}

static bool host_has_no_link(const struct sight *s)
{
	return s->host == NO_LINK && s->guest == NO_LINK;
}

static bool device_not_read(const struct sight *s)
{
	return !has_value(s->host) || s->guest == NOT_READ;
}

static bool guest_hides_link(const struct sight *s)
{
	return s->guest == NO_LINK;
}

/* Their order alone said which is which, and it shows that it may be wrong. */
static bool may_be_another(const struct sight *s)
{
	return s->pair->match == LNK_BY_ORDER && !s->pair->alike &&
	       (s->guest != s->host || width(s->guest_runs) != width(s->host_runs));
}

static bool device_differs(const struct sight *s)
{
	return s->guest != s->host;
}

static bool guest_has_no_port(const struct sight *s)
{
	return !s->guest_port_fn &&
	       (s->guest_fn->place == LNK_AT_ROOT || s->guest_fn->place == LNK_AT_CONVENTIONAL);
}

static bool guest_port_not_read(const struct sight *s)
{
	return s->guest_port == NOT_READ;
}

static bool port_says_nothing(const struct sight *s)
{
	return s->guest_port == NO_LINK;
}

/* Less than the link was seen to do, or than both of its real ends say. */
static bool port_says_less(const struct sight *s)
{
	return (has_value(s->host_runs) && is_less(s->guest_port, s->host_runs)) ||
	       (has_value(s->guest_runs) && is_less(s->guest_port, s->guest_runs)) ||
	       (has_value(s->host_port) && is_less(s->guest_port, allowed(s)));
}

/* Below a slot that is not known, less than the device's own can be the truth. */
static bool host_port_not_read(const struct sight *s)
{
	return !has_value(s->host_port) && is_less(s->guest_port, s->host);
}

/* Two reads are of two moments: speeds of an idle link differ, widths do not. */
static bool port_runs_otherwise(const struct sight *s)
{
	if (!has_value(s->guest_port_runs) || !has_value(s->guest_runs))
		return false;
	return width(s->guest_port_runs) != width(s->guest_runs) ||
	       (s->guest_port_fn->quirks & LNK_Q_CONSTANT &&
		speed(s->guest_port_runs) != speed(s->guest_runs));
}

static bool otherwise(const struct sight *s)
{
	(void)s;
	return true;
}

/* The first that holds. */
static const struct {
	bool (*holds)(const struct sight *);
	enum lnk_loss loss;
} losses[] = {
	{host_has_no_link, LNK_LOST_NOWHERE}, /* LNKCAP void or absent, host and guest */
	{device_not_read, LNK_LOST_UNKNOWN},  /* LNKCAP of the device, host or guest */
	{guest_hides_link, LNK_LOST_HIDDEN},  /* void or absent in the guest alone */
	{may_be_another, LNK_LOST_UNKNOWN},
	{device_differs, LNK_LOST_IN_DEVICE},	 /* LNKCAP of the device */
	{guest_has_no_port, LNK_LOST_NO_PORT},	 /* it stands on a root or conventional bus */
	{guest_port_not_read, LNK_LOST_UNKNOWN}, /* or not in the capture */
	{port_says_nothing, LNK_LOST_AT_PORT},	 /* LNKCAP of the guest's port is void */
	{port_says_less, LNK_LOST_AT_PORT},	 /* than LNKSTA, or than LNKCAP of the real ends */
	{host_port_not_read, LNK_LOST_UNKNOWN},
	{port_runs_otherwise, LNK_LOST_AT_STATUS}, /* LNKSTA of the guest's two ends */
	{otherwise, LNK_LOST_NOWHERE},		   /* all agree */
};

static enum lnk_loss loss_of(const struct sight *s)
{
	size_t i = 0;

	while (!losses[i].holds(s))
		i++;
	return losses[i].loss;
}

static enum lnk_real real_of(const struct sight *s, const struct lnk_fn *host)
{
	if (s->host == NO_LINK)
		return LNK_REAL_NONE;
	if (state_of(host) == LNK_DOWN)
		return LNK_REAL_DOWN;
	if (!has_value(s->host) || !has_value(s->host_port) || !has_value(s->host_runs))
		return LNK_REAL_UNKNOWN;
	if (width(s->host_runs) < width(allowed(s)))
		return LNK_REAL_NARROW;
	/* Of those with several speeds, not all run at what all of them can. */
	if (!s->pair->steady || speed(s->host_runs) < speed(allowed(s)))
		return LNK_REAL_SLOWER;
	return is_less(s->host_port, s->host) ? LNK_REAL_SLOT : LNK_REAL_FULL;
}

static void judge_pair(struct lnk_pair *p, enum lnk_which guest)
{
	const struct lnk_fn *g = p->fn[guest], *h = p->fn[!guest];
	struct sight s = {
		.pair = p,
		.host = can(h),
		.host_port = can(port_of(h)),
		.host_runs = runs(h),
		.guest = can(g),
		.guest_port = can(port_of(g)),
		.guest_runs = runs(g),
		.guest_port_runs = runs(port_of(g)),
		.guest_fn = g,
		.guest_port_fn = port_of(g),
	};

	/* Whichever it is of several, it runs at the lowest speed that there is, or more. */
	if (!p->steady && has_value(s.host_runs)) {
		s.host_runs = 1 | width(s.host_runs) << 4;
		if (width(s.host_runs) == width(s.guest_runs))
			p->changes &= ~REG(LNK_R_CURLINK);
	}
	p->loss = (uint8_t)loss_of(&s);
	p->real = (uint8_t)real_of(&s, h);
	p->allowed = (uint16_t)(has_value(s.host) ? allowed(&s) : 0);
}

/* ---- What changed --------------------------------------------------------------------------- */

/* What the registers say beside speed and width; that a link's speed changed once is no setting. */
static const struct {
	enum lnk_reg reg;
	uint32_t mask;
} settings[] = {
	{LNK_R_LNKCAP, ~(uint32_t)(PCI_EXP_LNKCAP_SPEED | PCI_EXP_LNKCAP_WIDTH)},
	{LNK_R_LNKCTL, UINT32_MAX},
	{LNK_R_LNKSTA, ~(uint32_t)(PCI_EXP_LNKSTA_SPEED | PCI_EXP_LNKSTA_WIDTH |
				   PCI_EXP_LNKSTA_BWMGMT | PCI_EXP_LNKSTA_AUTBW)},
	{LNK_R_LNKCAP2, UINT32_MAX},
	{LNK_R_LNKCTL2, UINT32_MAX},
	{LNK_R_LNKSTA2, UINT32_MAX},
};

static bool both(uint32_t a, uint32_t b)
{
	return a != NOT_READ && b != NOT_READ;
}

/* MAXLINK and CURLINK stand for speed and width, the registers for the rest of them. */
static uint32_t changes(const struct lnk_fn *a, const struct lnk_fn *b)
{
	uint32_t raw = a->known & b->known & ~(a->from_text | b->from_text) &
		       ~(a->from_attr | b->from_attr);
	uint32_t list = 0;
	size_t i;

	if (both(can(a), can(b)) && can(a) != can(b))
		list |= REG(LNK_R_MAXLINK);
	if (both(runs(a), runs(b)) && runs(a) != runs(b))
		list |= REG(LNK_R_CURLINK);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (raw & REG(settings[i].reg) &&
		    (a->reg[settings[i].reg] ^ b->reg[settings[i].reg]) & settings[i].mask)
			list |= REG(settings[i].reg);
	return list;
}

static bool state_changes(const struct lnk_fn *a, const struct lnk_fn *b)
{
	enum lnk_state x = state_of(a), y = state_of(b);

	return x != y && x != LNK_STATE_UNKNOWN && y != LNK_STATE_UNKNOWN;
}

/* ---- The pairs ------------------------------------------------------------------------------ */

static int by_function(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->fn < y->fn ? -1 : x->fn > y->fn;
}

static const struct entry *entry_of(const struct work *w, enum lnk_which side,
				    const struct lnk_fn *f)
{
	struct entry key = {.fn = f};
	size_t n = side == LNK_HERE ? w->n_here : w->n - w->n_here;

	if (!f || !n)
		return NULL;
	return bsearch(&key, side == LNK_HERE ? w->all : w->all + w->n_here, n, sizeof(key),
		       by_function);
}

static const struct lnk_fn *partner_of(const struct work *w, enum lnk_which side,
				       const struct lnk_fn *f)
{
	const struct entry *e = entry_of(w, side, f);

	return e && e->partner ? e->partner->fn : NULL;
}

/* Of several functions of a device on one wire, the one that speaks for it says it for all. */
static bool repeats(const struct work *w, const struct lnk_pair *p)
{
	const struct lnk_fn *a = p->fn[LNK_HERE], *b = p->fn[LNK_THERE];

	if (!a->link || !b->link || a->link->below == a || b->link->below == b)
		return false;
	return partner_of(w, w->c->guest, p->fn[w->c->guest]->link->below) ==
	       p->fn[!w->c->guest]->link->below;
}

static void look_at(const struct work *w, struct lnk_pair *p)
{
	struct lnk_comparison *c = w->c;

	c->n_matched++;
	p->repeats = repeats(w, p);
	p->changes = changes(p->fn[LNK_HERE], p->fn[LNK_THERE]);
	p->state_changed = state_changes(p->fn[LNK_HERE], p->fn[LNK_THERE]);
	if (c->relation == LNK_HOST_GUEST)
		judge_pair(p, c->guest);
	if (c->relation == LNK_HOST_GUEST ? p->loss != LNK_LOST_UNKNOWN :
					    both(can(p->fn[LNK_HERE]), can(p->fn[LNK_THERE])))
		c->n_compared++;
}

/* An address means nothing in the other machine: what is selected here is what counts. */
static bool is_wanted(const struct lnk_pair *p, const struct lnk_select *s)
{
	return p->fn[LNK_HERE] ? p->fn[LNK_HERE]->selected : p->fn[LNK_THERE]->selected && !s->slot;
}

static void add_pair(const struct work *w, const struct entry *e, const struct lnk_select *s)
{
	struct lnk_comparison *c = w->c;
	struct lnk_pair *p = &c->pairs[c->n_pairs];

	*p = (struct lnk_pair){
		.match = e->match,
		.n = {e->n[LNK_HERE], e->n[LNK_THERE]},
		.alike = e->alike,
		.steady = e->steady || !e->n[LNK_HERE],
	};
	p->fn[e->side] = e->fn;
	p->fn[!e->side] = e->partner ? e->partner->fn : NULL;
	if (!is_wanted(p, s))
		return;
	if (c->relation == LNK_HOST_GUEST && !(p->fn[0] && speaks_of_link(p->fn[0])) &&
	    !(p->fn[1] && speaks_of_link(p->fn[1])))
		return;
	c->n_pairs++;
	if (e->partner)
		look_at(w, p);
}

/* In the order of what is here, then what is only there. Those who stood for others are not. */
static void add_pairs(const struct work *w, const struct lnk_select *s)
{
	size_t i;

	w->c->pairs = lnk_xmalloc((w->n + 1) * sizeof(*w->c->pairs));
	for (i = 0; i < w->n; i++) {
		const struct entry *e = &w->all[i];

		if (e->match == LNK_ONE_OF_ALIKE ? e->side == w->c->guest :
						   e->side == LNK_HERE || !e->partner)
			add_pair(w, e, s);
	}
}

/* ---- Findings that came and went ------------------------------------------------------------ */

/* A finding belongs to its device, wherever that stands now. */
struct about {
	const struct lnk_finding *finding;
	const struct lnk_fn *fn; /* as it is called here, where it is here */
};

static int by_subject(const void *a, const void *b)
{
	const struct about *x = a, *y = b;
	int order = strcmp(x->finding->rule->id, y->finding->rule->id);

	if (order)
		return order;
	return x->fn < y->fn ? -1 : x->fn > y->fn;
}

static size_t list_findings(const struct work *w, enum lnk_which side, const struct lnk_select *s,
			    struct about *list)
{
	const struct lnk_model *m = w->c->model[side];
	size_t n = 0, i;

	for (i = 0; i < m->n_findings; i++) {
		const struct lnk_finding *f = &m->findings[i];
		const struct lnk_fn *fn = f->below ? f->below : f->fn, *here = fn;

		if (fn && side == LNK_THERE) {
			here = partner_of(w, LNK_THERE, fn);
			if (here ? !here->shown : s->slot != NULL)
				continue;
		}
		list[n++] = (struct about){f, here ? here : fn};
	}
	qsort(list, n, sizeof(*list), by_subject);
	return n;
}

static void compare_findings(const struct work *w, const struct lnk_select *s)
{
	struct lnk_comparison *c = w->c;
	size_t i = 0, j = 0, n[LNK_BOTH];
	struct about *list[LNK_BOTH];
	enum lnk_which side;

	for (side = LNK_HERE; side < LNK_BOTH; side++) {
		list[side] = lnk_xmalloc((c->model[side]->n_findings + 1) * sizeof(struct about));
		c->findings[side] =
			lnk_xmalloc((c->model[side]->n_findings + 1) * sizeof(*c->findings[side]));
		n[side] = list_findings(w, side, s, list[side]);
	}
	while (i < n[LNK_HERE] || j < n[LNK_THERE]) {
		int order = i == n[LNK_HERE]  ? 1 :
			    j == n[LNK_THERE] ? -1 :
						by_subject(&list[LNK_HERE][i], &list[LNK_THERE][j]);

		if (order < 0)
			c->findings[LNK_HERE][c->n_findings[LNK_HERE]++] =
				list[LNK_HERE][i].finding;
		if (order > 0)
			c->findings[LNK_THERE][c->n_findings[LNK_THERE]++] =
				list[LNK_THERE][j].finding;
		c->n_same_findings += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	free(list[LNK_HERE]);
	free(list[LNK_THERE]);
}

/* ---- All of it ------------------------------------------------------------------------------ */

void lnk_compare(struct lnk_comparison *c, const struct lnk_model *here,
		 const struct lnk_model *there, const struct lnk_select *s)
{
	struct work w = {.c = c};

	*c = (struct lnk_comparison){.model = {here, there}};
	c->relation = (uint8_t)relate(c);
	w.all = lnk_xmalloc((here->n_fns + there->n_fns + 1) * sizeof(*w.all));
	collect(&w, LNK_HERE);
	w.n_here = w.n;
	collect(&w, LNK_THERE);
	if (same_machine(&w))
		match_addresses(&w, join);
	else if (c->relation == LNK_BEFORE_AFTER && whose(here) == UNKNOWN)
		c->relation = LNK_UNRELATED;
	match_by(&w, serial_key, match_serial);
	match_by(&w, ids_key, match_ids);
	match_by(&w, short_key, match_short);
	add_pairs(&w, s);
	if (c->relation != LNK_HOST_GUEST)
		compare_findings(&w, s);
	free(w.all);
}

void lnk_comparison_free(struct lnk_comparison *c)
{
	free(c->pairs);
	free(c->findings[LNK_HERE]);
	free(c->findings[LNK_THERE]);
	*c = (struct lnk_comparison){0};
}
