/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live-settle.c - a second look at what proves nothing on one: links that move, errors that grow */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "live.h"

/* The looks together span more than a step of link training may take (PCIe 4.2.6). */
#define LOOKS 3u

#define LINK_ERRORS                                                                                \
	(PCI_ERR_COR_RCVR | PCI_ERR_COR_BAD_TLP | PCI_ERR_COR_BAD_DLLP | PCI_ERR_COR_REP_ROLL |    \
	 PCI_ERR_COR_REP_TIMER)

struct look {
	struct lnk_fn *fn;
	uint32_t status;   /* LNKSTA as read last */
	bool look, errors; /* what is asked: its LNKSTA, its error counts */
	bool training;	   /* it was, each time */
	bool changed;	   /* at least once */
	bool settled;	   /* the last look said what the one before it said */
	bool counted;
	uint64_t count;
};

bool lnk_settle_can(const struct lnk_fn *f)
{
	return f->cfg.open && f->express && lnk_knows(f, LNK_R_LNKSTA) &&
	       f->reg[LNK_R_LNKSTA] != 0xffff;
}

bool lnk_settle_read(const struct lnk_fn *f, uint32_t *status)
{
	uint8_t b[2];

	if (!lnk_cfg_fetch(f->cfg.live, f->express + PCI_EXP_LNKSTA, b, sizeof(b)))
		return false;
	*status = (uint32_t)b[1] << 8 | b[0];
	return *status != 0xffff;
}

void lnk_settle_show(struct lnk_fn *f, uint32_t status)
{
	f->reg[LNK_R_CURLINK] = status & LNK_LINK_STATE;
	f->cur_speed = (uint8_t)FIELD_GET(PCI_EXP_LNKSTA_SPEED, status);
	f->cur_width = (uint8_t)FIELD_GET(PCI_EXP_LNKSTA_WIDTH, status);
	if (!lnk_settle_can(f))
		return;
	f->reg[LNK_R_LNKSTA] = status;
	f->cfg.bytes[f->express + PCI_EXP_LNKSTA] = (uint8_t)FIELD_GET(0xff, status);
	f->cfg.bytes[f->express + PCI_EXP_LNKSTA + 1] = (uint8_t)FIELD_GET(0xff00, status);
}

/* ---- What proves nothing on one look ------------------------------------------------------- */

static bool pick_single(const struct lnk_model *m, struct look *looks)
{
	bool any = false;
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];
		struct look *l = &looks[i];

		l->fn = f;
		l->status = f->reg[LNK_R_LNKSTA];
		l->training = lnk_settle_can(f) && l->status & PCI_EXP_LNKSTA_TRAIN;
		l->look = l->training;
		l->errors = f->cfg.open && lnk_knows(f, LNK_R_AERCOR) &&
			    f->reg[LNK_R_AERCOR] != 0xffffffff &&
			    f->reg[LNK_R_AERCOR] & LINK_ERRORS;
		any |= l->look || l->errors;
	}
	return any;
}

static bool can_compare(const struct lnk_fn *a, const struct lnk_fn *b)
{
	return lnk_settle_can(a) && lnk_settle_can(b);
}

static bool differ(const struct lnk_fn *a, const struct lnk_fn *b)
{
	return can_compare(a, b) && (a->reg[LNK_R_LNKSTA] ^ b->reg[LNK_R_LNKSTA]) & LNK_LINK_STATE;
}

/* Does @hop look slower than the link of @f, a device nearer the leaves (LNK008)? */
static bool slows(const struct lnk_fn *hop, const struct lnk_fn *f)
{
	uint32_t mbps = lnk_rate_mbps(hop->cur_speed, hop->cur_width);

	return can_compare(hop, f) && mbps && mbps < lnk_rate_mbps(f->cur_speed, f->cur_width) &&
	       !(f->quirks & (LNK_Q_EMULATED | LNK_Q_VF));
}

/* Against the device of @l: its port (LNK004), another function of it (LNK104), a hop (LNK008). */
static bool disagrees(const struct lnk_link *l, const struct lnk_fn *g)
{
	if (g == l->above)
		return differ(g, l->below);
	if (g->link != l)
		return slows(g, l->below);
	return !(g->quirks & LNK_Q_VF) && !(l->below->quirks & g->quirks & LNK_Q_EMULATED) &&
	       differ(g, l->below);
}

static bool pick_one(const struct lnk_model *m, struct look *looks, const struct lnk_link *l,
		     const struct lnk_fn *g)
{
	if (!disagrees(l, g))
		return false;
	looks[g - m->fns].look = looks[l->below - m->fns].look = true;
	return true;
}

static bool pick_link(const struct lnk_model *m, struct look *looks, const struct lnk_link *l)
{
	bool any = pick_one(m, looks, l, l->above);
	const struct lnk_fn *hop;
	uint32_t i;

	for (i = 0; i < l->above->n_children; i++)
		if (l->above->children[i].link == l)
			any |= pick_one(m, looks, l, &l->above->children[i]);
	for (hop = l->above->parent; hop; hop = hop->parent)
		any |= pick_one(m, looks, l, hop);
	return any;
}

static bool pick(const struct lnk_model *m, struct look *looks)
{
	bool any = pick_single(m, looks);
	size_t i;

	for (i = 0; i < m->n_links; i++)
		if (m->links[i].above)
			any |= pick_link(m, looks, &m->links[i]);
	return any;
}

/* ---- Looks --------------------------------------------------------------------------------- */

static void look_again(struct look *l)
{
	uint32_t status;

	if (!lnk_settle_read(l->fn, &status)) {
		l->training = l->settled = false;
		return;
	}
	l->settled = !((status ^ l->status) & LNK_LINK_STATE);
	l->changed |= !l->settled;
	l->training = l->training && status & PCI_EXP_LNKSTA_TRAIN;
	l->status = status;
}

static void count_errors(struct look *l, struct lnk_arena *a)
{
	uint64_t count;

	if (!lnk_sysfs_errors(&lnk_sysfs_here, l->fn->addr, &count))
		return;
	if (l->counted && count > l->count)
		lnk_sysfs_live(a, l->fn)->aer_growing = true;
	l->counted = true;
	l->count = count;
}

/* A link that was caught while it changed is shown as it came to rest, if it did. */
static void conclude(const struct look *l, struct lnk_arena *a)
{
	struct lnk_live *live;

	if (!l->changed && !l->training)
		return;
	live = lnk_sysfs_live(a, l->fn);
	live->training_twice = l->training;
	live->status_unsteady = l->changed;
	if (l->changed && l->settled)
		lnk_settle_show(l->fn, l->status);
}

/* Once for what stands still, up to LOOKS times for what moves. */
static bool look_round(struct look *looks, size_t n, struct lnk_arena *a)
{
	bool more = false;
	size_t i;

	for (i = 0; i < n; i++) {
		if (looks[i].errors)
			count_errors(&looks[i], a);
		if (!looks[i].look)
			continue;
		look_again(&looks[i]);
		more |= looks[i].training || (looks[i].changed && !looks[i].settled);
	}
	return more;
}

void lnk_live_settle(struct lnk_model *m)
{
	const struct timespec pause = {.tv_nsec = LNK_LOOK_AFTER};
	struct look *looks;
	unsigned n = 0;
	size_t i;

	if (!m->env.live || !m->n_fns)
		return;
	looks = lnk_xmalloc(m->n_fns * sizeof(*looks));
	memset(looks, 0, m->n_fns * sizeof(*looks));
	if (pick(m, looks)) {
		for (i = 0; i < m->n_fns; i++)
			if (looks[i].errors)
				count_errors(&looks[i], &m->arena);
		do
			nanosleep(&pause, NULL);
		while (look_round(looks, m->n_fns, &m->arena) && ++n < LOOKS);
		for (i = 0; i < m->n_fns; i++)
			conclude(&looks[i], &m->arena);
	}
	free(looks);
}
