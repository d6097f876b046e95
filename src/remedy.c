/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remedy.c - a finding plus the hypervisor to what the owner of the host should change
 *
 * A plan says what is to be changed, whatever the form: a port's link, a port's model, a device's
 * place. One plan can mend several findings. Each form (remedy-qemu.c and its like) then writes the
 * plans as its users need them. All of it follows from the model alone.
 */
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"
#include "remedy.h"

/* 64GT/s is the most that x-speed can say (QEMU hw/core/qdev-properties-system.c). */
#define MOST_SPEED 6u

/* ---- The machine ------------------------------------------------------------------------- */

/* The machine type's name, the last word of the machine's: "Standard PC (...) pc-q35-7.2". */
static const char *machine_type(const char *machine)
{
	static const char *const families[] = {"pc-q35-", "pc-i440fx-", "virt-"};
	const char *word = machine ? strrchr(machine, ' ') : NULL;
	size_t i;

	word = word ? word + 1 : machine;
	for (i = 0; word && i < ARRAY_SIZE(families); i++)
		if (!strncmp(word, families[i], strlen(families[i])))
			break;
	if (!word || i == ARRAY_SIZE(families) || strlen(word) > 64)
		return NULL;
	/* What else stands there is not QEMU's, and would not be harmless in a line to copy. */
	for (i = 0; word[i]; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789.-+_", word[i]))
			return NULL;
	return word;
}

/* "pc-q35-7.2" is 702; 0 where a distribution counts in its own way ("pc-q35-rhel9.2.0"). */
static unsigned machine_version(const char *type)
{
	unsigned major = 0, minor = 0;
	int end = 0;

	if (!type || sscanf(strrchr(type, '-'), "-%2u.%2u%n", &major, &minor, &end) != 2 || !end)
		return 0;
	return LNK_QEMU(major, minor);
}

static enum lnk_chipset chipset_of(const struct lnk_model *m)
{
	const struct lnk_fn *f = lnk_model_find(m, (struct lnk_addr){0});

	if (!f)
		return LNK_CHIPSET_UNKNOWN;
	if (f->vendor == 0x8086 && f->device == 0x29c0)
		return LNK_CHIPSET_Q35;
	if (f->vendor == 0x8086 && f->device == 0x1237)
		return LNK_CHIPSET_I440FX;
	if (f->vendor == 0x1b36 && f->device == 0x0008)
		return LNK_CHIPSET_VIRT;
	return LNK_CHIPSET_UNKNOWN;
}

/* As up to machine type 3.1 (QEMU hw/core/machine.c hw_compat_3_1); by hand there is ACS. */
static bool is_legacy(const struct lnk_fn *f)
{
	return f->quirks & LNK_Q_GENERIC && f->max_speed == 1 && f->max_width == 1 &&
	       lnk_knows(f, LNK_R_ECAPS) && !(f->reg[LNK_R_ECAPS] & LNK_E_ACS);
}

/* ---- The work ---------------------------------------------------------------------------- */

/* What is noted of one function on the way. */
struct note {
	struct lnk_want hop;	   /* what a port must have for devices further down */
	struct lnk_plan *port;	   /* the plan that sets or replaces the port */
	struct lnk_plan *device;   /* the plan that moves the device */
	struct lnk_plan *path;	   /* the plan that sets ports, from this one up to the root */
	struct lnk_plan *slot;	   /* the plan that joins others to this function */
	const struct lnk_fn *root; /* the function that others of its card are joined to */
};

struct work {
	struct lnk_model *m;
	struct lnk_host host;
	struct note *notes; /* as many as there are functions, by index */
	struct lnk_plan *legacy, *plans, **last;
	uint32_t taken; /* device numbers on root bus 0 */
};

static struct note *note_of(const struct work *w, const struct lnk_fn *f)
{
	return &w->notes[f - w->m->fns];
}

static void raise_want(struct lnk_want *w, struct lnk_want to)
{
	w->speed = lnk_most(w->speed, to.speed);
	w->width = lnk_most(w->width, to.width);
}

/* The least that x-speed and x-width can say and that is not below what @f can do or does. */
static struct lnk_want want_of(const struct lnk_fn *f)
{
	struct lnk_want w = {lnk_most(f->max_speed, f->cur_speed),
			     lnk_most(f->max_width, f->cur_width)};

	if (w.speed > MOST_SPEED)
		w.speed = MOST_SPEED;
	return w;
}

static bool is_judged(const struct lnk_fn *f)
{
	return !(f->quirks & (LNK_Q_EMULATED | LNK_Q_VF));
}

/* What the port needs, or the switch, for the device right below it and for those further down. */
static struct lnk_want want_below(const struct work *w, const struct lnk_fn *port)
{
	struct lnk_want want = note_of(w, port)->hop;

	if (port->below && is_judged(port->below->below))
		raise_want(&want, want_of(port->below->below));
	return want;
}

static struct lnk_plan *new_plan(struct work *w, enum lnk_change change)
{
	struct lnk_plan *p = lnk_alloc(&w->m->arena, sizeof(*p));

	p->change = change;
	*w->last = p;
	w->last = &p->next;
	return p;
}

static void add_member(struct lnk_plan *p, const struct lnk_fn *f, struct lnk_want want)
{
	if (p->n < LNK_MAX_MEMBERS) {
		p->fn[p->n] = f;
		p->want[p->n] = want;
	}
	p->n++;
}

/*
 * The lowest device number on root bus 0 that no function has and no other plan took, for a new
 * port. 1 is where QEMU puts a display by default, 1f is the chipset's.
 */
static void take_slot(struct work *w, struct lnk_plan *p)
{
	unsigned dev;

	p->needs_slot = true;
	for (dev = 2; dev < 0x1f; dev++)
		if (!(w->taken & BIT(dev))) {
			w->taken |= (uint32_t)BIT(dev);
			p->slot = dev;
			return;
		}
}

/* ---- From findings to plans -------------------------------------------------------------- */

static struct lnk_plan *set_all_legacy(struct work *w)
{
	struct lnk_want want = {0};
	size_t i;

	if (w->legacy)
		return w->legacy;
	for (i = 0; i < w->m->n_fns; i++)
		if (is_legacy(&w->m->fns[i]))
			raise_want(&want, want_below(w, &w->m->fns[i]));
	if (!want.speed)
		return NULL;
	w->legacy = new_plan(w, LNK_CHANGE_LEGACY);
	add_member(w->legacy, NULL, want);
	return w->legacy;
}

/*
 * A switch of old silicon has no place for a pcie-root-port: it goes to the root bus. Its device
 * follows, since it names the port, not the bus. Nobody is served by another empty port.
 */
static struct lnk_plan *replace_port(struct work *w, const struct lnk_fn *port)
{
	struct lnk_want want = want_below(w, port);
	struct lnk_plan *p;

	if (!want.speed || (port->place != LNK_AT_ROOT && !w->host.pcie_root))
		return NULL;
	p = new_plan(w, LNK_CHANGE_REPLACE);
	add_member(p, port, want);
	if (port->place != LNK_AT_ROOT)
		take_slot(w, p);
	return p;
}

static struct lnk_plan *set_port(struct work *w, const struct lnk_fn *port)
{
	struct lnk_want want = want_below(w, port);
	struct lnk_plan *p;

	if (!want.speed)
		return NULL;
	p = new_plan(w, LNK_CHANGE_LINK);
	add_member(p, port, want);
	return p;
}

static struct lnk_plan *plan_port(struct work *w, const struct lnk_fn *port)
{
	struct lnk_plan **p = &note_of(w, port)->port;

	if (!*p && lnk_remedy_is_fixed(port))
		*p = replace_port(w, port);
	else if (!*p && is_legacy(port))
		*p = set_all_legacy(w);
	else if (!*p && lnk_remedy_settable(port))
		*p = set_port(w, port);
	return *p;
}

static struct lnk_plan *plan_above(struct work *w, const struct lnk_finding *x)
{
	return plan_port(w, x->above);
}

static struct lnk_plan *plan_here(struct work *w, const struct lnk_finding *x)
{
	return plan_port(w, x->fn);
}

/* Its registers hold no link, or hold what means nothing. */
static bool is_hidden(const struct lnk_fn *f)
{
	return f->type == LNK_T_RCIEP || !lnk_knows(f, LNK_R_MAXLINK);
}

static bool same_slot(const struct lnk_fn *f, const struct lnk_fn *g)
{
	return lnk_addr_key(f->addr) >> 3 == lnk_addr_key(g->addr) >> 3;
}

/* Is @g, in the slot of @f, of the device that is moved because of @f? */
static bool moves_with(const struct lnk_fn *f, const struct lnk_fn *g)
{
	if (g == f)
		return true;
	if (!lnk_remedy_driver(g) || lnk_is_bridge(g))
		return false;
	return f->place != LNK_AT_PORT || f->link->below == f ||
	       (g->cur_speed == f->cur_speed && g->cur_width == f->cur_width);
}

/* The first function in the slot of @f. */
static const struct lnk_fn *first_in_slot(const struct work *w, const struct lnk_fn *f)
{
	while (f > w->m->fns && same_slot(f, f - 1))
		f--;
	return f;
}

/* If function 0 goes and another does not, nobody finds the other. */
static bool leaves_orphans(const struct work *w, const struct lnk_fn *f)
{
	const struct lnk_fn *g = first_in_slot(w, f), *end = w->m->fns + w->m->n_fns;

	if (!moves_with(f, g))
		return false;
	while (g < end && same_slot(f, g) && moves_with(f, g))
		g++;
	return g < end && same_slot(f, g);
}

/* Below root bus 0. The others are there for a reason (pxb-pcie: a NUMA node), and have names. */
static bool is_below_root(const struct lnk_fn *f)
{
	while (f->parent)
		f = f->parent;
	return !f->addr.domain && !f->addr.bus;
}

static bool can_move(const struct work *w, const struct lnk_fn *f)
{
	if (!lnk_remedy_driver(f) || lnk_is_bridge(f) || !w->host.pcie_root)
		return false;
	if (f->place == LNK_AT_PORT && !lnk_remedy_driver(f->parent))
		return false;
	return is_below_root(f) && !leaves_orphans(w, f);
}

static struct lnk_plan *move_device(struct work *w, const struct lnk_fn *f)
{
	const struct lnk_fn *g = f, *end = w->m->fns + w->m->n_fns;
	struct lnk_plan **p = &note_of(w, f)->device;
	struct lnk_want want = {0};

	if (*p || !can_move(w, f))
		return *p;
	*p = new_plan(w, LNK_CHANGE_MOVE);
	if (f->place != LNK_AT_PORT)
		g = first_in_slot(w, f);
	for (; g < end && same_slot(f, g); g++)
		if (moves_with(f, g)) {
			if (is_hidden(g))
				(*p)->hidden = true;
			else
				raise_want(&want, want_of(g));
			add_member(*p, g, (struct lnk_want){0});
			note_of(w, g)->device = *p;
		}
	/* Legacy ports are made too slow; 16GT/s x32 is what they are since. */
	if (!want.speed && w->host.legacy)
		want = (struct lnk_want){4, 32};
	(*p)->want[0] = want;
	take_slot(w, *p);
	return *p;
}

static struct lnk_plan *plan_sibling(struct work *w, const struct lnk_finding *x)
{
	return move_device(w, x->other);
}

/* Only root bus 0 is known by name; a conventional bus leads there. */
static struct lnk_plan *plan_no_port(struct work *w, const struct lnk_finding *x)
{
	const struct lnk_fn *f = x->fn;

	if (f->addr.domain || (f->place == LNK_AT_ROOT && f->addr.bus))
		return NULL;
	return move_device(w, f);
}

static bool is_slow(const struct lnk_fn *hop, const struct lnk_fn *f)
{
	uint32_t mbps = lnk_rate_mbps(hop->cur_speed, hop->cur_width);

	return !(hop->absent & REG(LNK_R_CURLINK)) && mbps &&
	       mbps < lnk_rate_mbps(f->cur_speed, f->cur_width);
}

static bool claims_less(const struct work *w, const struct lnk_fn *hop)
{
	struct lnk_want want = want_below(w, hop);

	return hop->max_speed < want.speed || hop->max_width < want.width;
}

/* What makes hops slow by their own settings, from @hop to the root, is set. */
static struct lnk_plan *set_path(struct work *w, const struct lnk_fn *hop)
{
	struct lnk_plan *p = NULL;

	for (; hop; hop = hop->parent) {
		if (!claims_less(w, hop))
			continue;
		if (!p)
			p = new_plan(w, LNK_CHANGE_LINK);
		add_member(p, hop, want_below(w, hop));
	}
	return p;
}

/*
 * Hops that can be set are, for all devices below the same switch. One that cannot is a switch of
 * old silicon, and the ports above it show its link.
 */
static struct lnk_plan *plan_path(struct work *w, const struct lnk_finding *x)
{
	const struct lnk_fn *up = x->fn->link->above, *hop;
	struct lnk_plan **p = &note_of(w, up->parent)->path;

	if (!(x->other->quirks & (LNK_Q_VIRTUAL | LNK_Q_EMULATED | LNK_Q_STANDIN)))
		return NULL;
	for (hop = up->parent; hop; hop = hop->parent)
		if (is_slow(hop, x->fn) && !lnk_remedy_settable(hop))
			return lnk_remedy_is_fixed(up) ? plan_port(w, up) : move_device(w, x->fn);
	if (!*p)
		*p = set_path(w, up->parent);
	return *p;
}

/* Before plans are made: several devices below one hop need the most of them. */
static void note_path(struct work *w, const struct lnk_finding *x)
{
	const struct lnk_fn *hop;

	for (hop = x->fn->link->above->parent; hop; hop = hop->parent)
		if (lnk_remedy_settable(hop))
			raise_want(&note_of(w, hop)->hop, want_of(x->fn));
}

/* The number after that of the last function in the slot. */
static unsigned free_function(const struct lnk_fn *first)
{
	const struct lnk_fn *f = first, *end = first->parent->children + first->parent->n_children;

	while (f + 1 < end && same_slot(first, f + 1))
		f++;
	return lnk_func(f->addr) + 1;
}

/* The functions of one card are joined to the first of them, whose port must be known. */
static struct lnk_plan *plan_join(struct work *w, const struct lnk_finding *x)
{
	const struct lnk_fn *f = x->fn, *first = note_of(w, f)->root;
	struct lnk_plan **p = &note_of(w, first)->slot;

	/* What else stands in its slot would be left without a function 0. */
	if (f->parent->n_children > 1 || !lnk_remedy_driver(f) || !lnk_remedy_driver(f->parent) ||
	    !lnk_remedy_driver(first) || !lnk_remedy_driver(first->parent))
		return NULL;
	if (!*p) {
		*p = new_plan(w, LNK_CHANGE_JOIN);
		(*p)->first_free = free_function(first);
		add_member(*p, first, (struct lnk_want){0});
	}
	add_member(*p, f, (struct lnk_want){0});
	return *p;
}

static const struct {
	const char *id;
	struct lnk_plan *(*plan)(struct work *, const struct lnk_finding *);
} planners[] = {
	{"LNK001", plan_above},	  {"LNK002", plan_above},   {"LNK008", plan_path},
	{"LNK102", plan_here},	  {"LNK104", plan_sibling}, {"LNK201", plan_no_port},
	{"LNK202", plan_no_port}, {"LNK203", plan_above},   {"LNK204", plan_above},
	{"LNK205", plan_join},
};

/* Which row of planners[]; its length where the owner of the host can do nothing about it. */
static size_t planner_of(const struct lnk_finding *x)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(planners); i++)
		if (!strcmp(planners[i].id, x->rule->id))
			break;
	return i;
}

static void make_plans(struct work *w)
{
	size_t i, row;

	for (i = 0; i < w->m->n_findings; i++)
		if (!strcmp(w->m->findings[i].rule->id, "LNK008"))
			note_path(w, &w->m->findings[i]);
	for (i = 0; i < w->m->n_findings; i++) {
		struct lnk_finding *x = &w->m->findings[i];
		struct lnk_plan *p = NULL;

		row = planner_of(x);
		if (row < ARRAY_SIZE(planners))
			p = planners[row].plan(w, x);
		if (!p)
			continue;
		x->remedy = &p->remedy;
		if (!p->remedy.first)
			p->remedy.first = x;
	}
}

/* QEMU, or nothing that speaks against it. */
static bool may_be_qemu(const struct lnk_env *e)
{
	return !e->hypervisor || !strcmp(e->hypervisor, "QEMU") || !strcmp(e->hypervisor, "KVM");
}

static void look_at_machine(struct work *w)
{
	struct lnk_host *h = &w->host;
	size_t i;

	h->a = &w->m->arena;
	h->gaps = !w->m->whole || w->m->damage_unplaced || w->m->limit;
	h->chipset = chipset_of(w->m);
	h->machine = machine_type(w->m->env.machine);
	h->version = machine_version(h->machine);
	h->legacy = h->version && h->version < LNK_QEMU(4, 0);
	h->pcie_root = h->chipset != LNK_CHIPSET_UNKNOWN;
	for (i = 0; i < w->m->n_fns; i++) {
		const struct lnk_fn *f = &w->m->fns[i];

		if (is_legacy(f))
			h->legacy = true;
		if (f->addr.domain || f->addr.bus)
			continue;
		w->taken |= (uint32_t)BIT(lnk_dev(f->addr));
		if (f->quirks & LNK_Q_GENERIC)
			h->pcie_root = true;
	}
}

static void find_roots(struct work *w)
{
	size_t i;

	/* A twin has the lower address. */
	for (i = 0; i < w->m->n_fns; i++) {
		const struct lnk_fn *f = &w->m->fns[i];

		w->notes[i].root = f->twin ? note_of(w, f->twin)->root : f;
	}
}

void lnk_remedy_make(struct lnk_model *m, uint32_t set)
{
	struct work w = {.m = m, .last = &w.plans};
	struct lnk_plan *p;

	if (!m->n_fns || !m->n_findings || !may_be_qemu(&m->env))
		return;
	if (set == LNK_FORMS_FITTING)
		set = lnk_remedy_fitting(m);
	if (!set)
		return;
	look_at_machine(&w);
	w.notes = lnk_xmalloc(m->n_fns * sizeof(*w.notes));
	memset(w.notes, 0, m->n_fns * sizeof(*w.notes));
	find_roots(&w);
	make_plans(&w);
	for (p = w.plans; p; p = p->next)
		lnk_remedy_write(&w.host, p, set);
	free(w.notes);
}

const char *lnk_remedy_words(struct lnk_arena *a, const struct lnk_model *m,
			     const struct lnk_finding *f)
{
	const struct lnk_env *e = &m->env;
	/* A port of EC2's or of Compute Engine's says no more than that it is virtual. */
	bool is_virtual = f->above && f->above->quirks & LNK_Q_VIRTUAL;

	if (planner_of(f) == ARRAY_SIZE(planners) || (e->guest != LNK_GUEST_YES && !is_virtual))
		return f->rule->fix;
	if (!may_be_qemu(e))
		return lnk_strf(a, "%s %s has no setting for it that we know of: ask its operator.",
				f->rule->fix, e->hypervisor);
	if (f->above && !lnk_remedy_driver(f->above))
		return lnk_strf(a, "%s We know of no setting for this port: ask the operator.",
				f->rule->fix);
	return f->rule->fix;
}
