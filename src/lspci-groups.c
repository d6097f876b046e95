/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lspci-groups.c - which functions of an input are of one moment
 *
 * An address that stands twice may be a list and its dump, the same dump twice, or two dumps. Only
 * the bytes tell: so a group is begun on suspicion, and folded into the one before it if nothing in
 * it contradicts.
 */
#include <pci/header.h>
#include <search.h>
#include <string.h>

#include "lspci.h"

/* ---- Facts from several places put together ------------------------------------------------ */

/* What must be the same in two texts on one function, if they are of one moment. */
static bool hints_differ(const struct lnk_hint *a, const struct lnk_hint *b)
{
	static const struct {
		enum lnk_reg reg;
		uint32_t mask;
	} compared[] = {
		{LNK_R_ID, 0xffffffff},
		{LNK_R_CLASS, CLASS_CODE},
		{LNK_R_HEADER, 0x7f},
		{LNK_R_BUSES, 0xffffff},
		{LNK_R_PCIECAP, PCI_EXP_FLAGS_TYPE},
		{LNK_R_MAXLINK, 0xffffffff},
		{LNK_R_CURLINK, 0xffffffff},
		{LNK_R_DEVCTL, PCI_EXP_DEVCTL_PAYLOAD},
		{LNK_R_LNKCTL, PCI_EXP_LNKCTL_ASPM | PCI_EXP_LNKCTL_DISABLE | PCI_EXP_LNKCTL_CLOCK},
		{LNK_R_LNKSTA,
		 PCI_EXP_LNKSTA_TRAIN | PCI_EXP_LNKSTA_SL_CLK | PCI_EXP_LNKSTA_DL_ACT},
		{LNK_R_SLTSTA, PCI_EXP_SLTSTA_PRES},
		{LNK_R_AERUNCOR, 0xffffffff},
		{LNK_R_AERCOR, 0xffffffff},
	};
	size_t i;

	if (!a || !b)
		return false;
	for (i = 0; i < ARRAY_SIZE(compared); i++) {
		enum lnk_reg r = compared[i].reg;

		if (a->known & b->known & ~(a->named | b->named) & REG(r) &&
		    (a->reg[r] ^ b->reg[r]) & compared[i].mask)
			return true;
	}
	return false;
}

void lnk_group_hint(struct lnk_arena *a, struct lnk_hint **to, const struct lnk_hint *from)
{
	uint32_t take;
	unsigned r;

	if (!from || !from->known)
		return;
	if (!*to)
		*to = lnk_alloc(a, sizeof(**to));
	/* A short list leaves out the programming interface, which is 0 then. */
	if ((*to)->known & from->known & REG(LNK_R_CLASS) &&
	    !(((*to)->reg[LNK_R_CLASS] ^ from->reg[LNK_R_CLASS]) & CLASS_CODE))
		(*to)->reg[LNK_R_CLASS] |= from->reg[LNK_R_CLASS] & CLASS_PROG_IF;
	take = from->known & (~(*to)->known | ((*to)->named & ~from->named));
	for (r = 0; r < LNK_REGS; r++)
		if (take & REG(r))
			(*to)->reg[r] = from->reg[r];
	(*to)->named = ((*to)->named & ~take) | (from->named & take);
	(*to)->known |= from->known;
	(*to)->vendor = (*to)->vendor ? (*to)->vendor : from->vendor;
	(*to)->subvendor = (*to)->subvendor ? (*to)->subvendor : from->subvendor;
}

static const char *copy_string(struct lnk_arena *a, const char *s)
{
	return s ? lnk_strndup(a, s, strlen(s)) : NULL;
}

static void add_live(struct lnk_arena *a, struct lnk_live **to, const struct lnk_live *from)
{
	if (!from || *to)
		return;
	*to = lnk_alloc(a, sizeof(**to));
	**to = *from;
	(*to)->driver = copy_string(a, from->driver);
	(*to)->power_state = copy_string(a, from->power_state);
	(*to)->iommu_group = copy_string(a, from->iommu_group);
}

/* ---- Groups: the functions of one moment --------------------------------------------------- */

/* A function's place among a group's, for a group that is not in the order of addresses. */
struct place {
	uint64_t key;
	size_t at;
};

static int by_key(const void *a, const void *b)
{
	uint64_t x = ((const struct place *)a)->key, y = ((const struct place *)b)->key;

	return x < y ? -1 : x > y;
}

struct lnk_fn *lnk_group_find(const struct lnk_group *g, struct lnk_addr addr)
{
	struct place key = {.key = lnk_addr_key(addr)};
	struct lnk_model *m = g->m;
	struct place **found;

	/* lspci's own order: most are beyond the last, and the rest are found by halves. */
	if (!m->n_fns || (!g->jumbled && key.key > lnk_addr_key(m->fns[m->n_fns - 1].addr)))
		return NULL;
	if (!g->jumbled)
		return lnk_model_find(m, addr);
	found = tfind(&key, &g->tree, by_key);
	return found ? &m->fns[(*found)->at] : NULL;
}

static void remember(struct lnk_group *g, size_t at)
{
	struct place *p = lnk_alloc(&g->places, sizeof(*p));

	p->key = lnk_addr_key(g->m->fns[at].addr);
	p->at = at;
	/* NULL would be want of memory: let the one function that says so say it. */
	if (!tsearch(p, &g->tree, by_key))
		lnk_xmalloc(SIZE_MAX / 2);
}

struct lnk_fn *lnk_group_add(struct lnk_group *g, struct lnk_addr addr)
{
	struct lnk_fn *f = lnk_model_add(g->m, addr);
	size_t n = g->m->n_fns, i;

	if (!f)
		return NULL;
	if (!g->jumbled && n > 1 && lnk_addr_key(f[-1].addr) > lnk_addr_key(addr)) {
		g->jumbled = true;
		for (i = 0; i + 1 < n; i++)
			remember(g, i);
	}
	if (g->jumbled)
		remember(g, n - 1);
	return f;
}

static void no_free(void *node)
{
	(void)node;
}

void lnk_group_forget(struct lnk_group *g)
{
	tdestroy(g->tree, no_free);
	lnk_arena_free(&g->places);
	*g = (struct lnk_group){0};
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Two captures that we wrote and somebody put into one file differ in their heads. */
static bool same_head(const struct lnk_env *a, const struct lnk_env *b)
{
	return a->guest == b->guest && same_string(a->hypervisor, b->hypervisor) &&
	       same_string(a->machine, b->machine) && same_string(a->kernel, b->kernel) &&
	       same_string(a->time, b->time);
}

/* What the text says; a title that says what the bytes say was not kept. */
static const struct lnk_hint *words_of(const struct lnk_fn *f, struct lnk_hint *title)
{
	struct lnk_cfg c = f->cfg;

	if (f->text || !lnk_cfg_u32(&c, PCI_VENDOR_ID, &title->reg[LNK_R_ID]) ||
	    !lnk_cfg_u32(&c, PCI_CLASS_REVISION, &title->reg[LNK_R_CLASS]) ||
	    title->reg[LNK_R_ID] == 0xffffffff)
		return f->text;
	title->known = REG(LNK_R_ID) | REG(LNK_R_CLASS);
	return title;
}

static bool words_differ(const struct lnk_fn *a, const struct lnk_fn *b)
{
	struct lnk_hint of_a = {0}, of_b = {0};

	return hints_differ(words_of(a, &of_a), words_of(b, &of_b));
}

bool lnk_group_agrees(const struct lnk_group *old, const struct lnk_group *new)
{
	size_t i;

	if (new->m->n_fns && !same_head(&old->m->env, &new->m->env))
		return false;
	for (i = 0; i < new->m->n_fns; i++) {
		const struct lnk_fn *f = &new->m->fns[i], *twin = lnk_group_find(old, f->addr);

		if (twin && (lnk_cfg_differ(&twin->cfg, &f->cfg) || words_differ(twin, f)))
			return false;
	}
	return true;
}

/* What it is; false: not known. */
static bool identity(const struct lnk_fn *f, enum lnk_reg r, unsigned off, uint32_t *v)
{
	struct lnk_cfg c = f->cfg;

	if (lnk_cfg_u32(&c, off, v))
		return true;
	if (f->text && f->text->known & REG(r))
		*v = f->text->reg[r];
	else if (f->attr && f->attr->known & REG(r))
		*v = f->attr->reg[r];
	else
		return false;
	return true;
}

static bool is_other(const struct lnk_fn *a, const struct lnk_fn *b)
{
	uint32_t x, y;

	/* What sleeps has no name. */
	if (identity(a, LNK_R_ID, PCI_VENDOR_ID, &x) && identity(b, LNK_R_ID, PCI_VENDOR_ID, &y) &&
	    x != 0xffffffff && y != 0xffffffff)
		return x != y;
	return identity(a, LNK_R_CLASS, PCI_CLASS_REVISION, &x) &&
	       identity(b, LNK_R_CLASS, PCI_CLASS_REVISION, &y) && (x ^ y) & CLASS_CODE;
}

size_t lnk_group_shared(const struct lnk_group *a, const struct lnk_group *b)
{
	size_t n = 0, i;

	for (i = 0; i < b->m->n_fns; i++) {
		const struct lnk_fn *f = &b->m->fns[i], *twin = lnk_group_find(a, f->addr);

		if (twin && is_other(twin, f))
			return 0;
		n += twin != NULL;
	}
	return n;
}

bool lnk_group_is_list(const struct lnk_model *m)
{
	const uint32_t names = REG(LNK_R_ID) | REG(LNK_R_CLASS) | REG(LNK_R_SUBSYS) |
			       REG(LNK_R_HEADER) | REG(LNK_R_BUSES);
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].cfg.n_spans || m->fns[i].attr ||
		    (m->fns[i].text && m->fns[i].text->known & ~names))
			return false;
	return true;
}

static void fold_function(struct lnk_group *to, const struct lnk_fn *from)
{
	struct lnk_fn *f = lnk_group_find(to, from->addr);
	struct lnk_arena *a = &to->m->arena;
	uint8_t bytes[LNK_CFG_MAX];
	unsigned i;

	if (!f)
		f = lnk_group_add(to, from->addr);
	if (!f)
		return;
	if (!f->line || (!f->cfg.n_spans && from->cfg.n_spans))
		f->line = from->line;
	for (i = 0; i < from->cfg.n_spans; i++) {
		const struct lnk_span *s = &from->cfg.spans[i];

		lnk_cfg_bytes(&from->cfg, s->from, s->to, bytes);
		lnk_cfg_add(a, &f->cfg, s->from, bytes, (unsigned)(s->to - s->from));
	}
	f->denied |= from->denied;
	if (!f->device_name)
		f->device_name = copy_string(a, from->device_name);
	lnk_group_hint(a, &f->text, from->text);
	lnk_group_hint(a, &f->attr, from->attr);
	add_live(a, &f->live, from->live);
}

static void fold_damage(struct lnk_model *to, const struct lnk_model *from)
{
	size_t i, named = from->n_damage < LNK_MAX_DAMAGE ? from->n_damage : LNK_MAX_DAMAGE;

	for (i = 0; i < named; i++)
		lnk_model_damage(to, from->damage[i].line, "%s", from->damage[i].what);
	to->n_damage += from->n_damage - named;
	to->damage_unplaced |= from->damage_unplaced;
}

void lnk_group_fold(struct lnk_group *to, const struct lnk_group *from)
{
	size_t i;

	for (i = 0; i < from->m->n_fns; i++)
		fold_function(to, &from->m->fns[i]);
	fold_damage(to->m, from->m);
	if (from->m->limit)
		to->m->limit = copy_string(&to->m->arena, from->m->limit);
}

void lnk_group_head(struct lnk_model *m, const struct lnk_env *e)
{
	struct lnk_arena *a = &m->arena;

	m->env = *e;
	m->env.hypervisor = copy_string(a, e->hypervisor);
	m->env.accel = copy_string(a, e->accel);
	m->env.sign = copy_string(a, e->sign);
	m->env.machine = copy_string(a, e->machine);
	m->env.kernel = copy_string(a, e->kernel);
	m->env.tool = copy_string(a, e->tool);
	m->env.time = copy_string(a, e->time);
	m->env.redacted = copy_string(a, e->redacted);
}
