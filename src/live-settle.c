/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live-settle.c - a second look at what proves nothing on one: links that move, errors that grow */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "live.h"

/* The looks together span more than a step of link training may take (PCIe 4.2.6). */
#define LOOKS	   3u
#define LOOK_AFTER 20000000L /* ns */

#define LINK_STATE (PCI_EXP_LNKSTA_SPEED | PCI_EXP_LNKSTA_WIDTH)
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

static bool can_look(const struct lnk_fn *f)
{
	return f->cfg.open && f->express && lnk_knows(f, LNK_R_LNKSTA) &&
	       f->reg[LNK_R_LNKSTA] != 0xffff;
}

/* What proves nothing on one look; true if there is anything. */
static bool pick(const struct lnk_model *m, struct look *looks)
{
	bool any = false;
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];
		struct look *l = &looks[i];

		l->fn = f;
		l->status = f->reg[LNK_R_LNKSTA];
		l->training = can_look(f) && l->status & PCI_EXP_LNKSTA_TRAIN;
		l->look = l->training;
		l->errors = f->cfg.open && lnk_knows(f, LNK_R_AERCOR) &&
			    f->reg[LNK_R_AERCOR] != 0xffffffff &&
			    f->reg[LNK_R_AERCOR] & LINK_ERRORS;
		any |= l->look || l->errors;
	}
	for (i = 0; i < m->n_links; i++) {
		const struct lnk_link *link = &m->links[i];

		if (!link->above || !can_look(link->above) || !can_look(link->below) ||
		    !((link->above->reg[LNK_R_LNKSTA] ^ link->below->reg[LNK_R_LNKSTA]) &
		      LINK_STATE))
			continue;
		looks[link->above - m->fns].look = looks[link->below - m->fns].look = true;
		any = true;
	}
	return any;
}

static bool read_status(const struct lnk_fn *f, uint32_t *status)
{
	uint8_t b[2];

	/* Past lnk_cfg_u16(), which reads each dword once. */
	if (!lnk_cfg_fetch(f->cfg.live, f->express + PCI_EXP_LNKSTA, b, sizeof(b)))
		return false;
	*status = (uint32_t)b[1] << 8 | b[0];
	return *status != 0xffff;
}

static void look_again(struct look *l)
{
	uint32_t status;

	if (!read_status(l->fn, &status)) {
		l->training = l->settled = false;
		return;
	}
	l->settled = !((status ^ l->status) & LINK_STATE);
	l->changed |= !l->settled;
	l->training = l->training && status & PCI_EXP_LNKSTA_TRAIN;
	l->status = status;
}

static void count_errors(struct look *l, struct lnk_arena *a)
{
	static const struct lnk_sysfs sysfs = {.base = "/sys/bus/pci"};
	uint64_t count;

	if (!lnk_sysfs_errors(&sysfs, l->fn->addr, &count))
		return;
	if (l->counted && count > l->count) {
		if (!l->fn->live)
			l->fn->live = lnk_alloc(a, sizeof(*l->fn->live));
		l->fn->live->aer_growing = true;
	}
	l->counted = true;
	l->count = count;
}

/*
 * A link that was caught while it changed is shown as it came to rest: walk.c's fields and the
 * bytes alike. One that keeps changing stays as it was read first.
 */
static void conclude(struct look *l, struct lnk_arena *a)
{
	struct lnk_fn *f = l->fn;

	if (!l->changed && !l->training)
		return;
	if (!f->live)
		f->live = lnk_alloc(a, sizeof(*f->live));
	f->live->training_twice = l->training;
	f->live->status_unsteady = l->changed;
	if (!l->changed || !l->settled)
		return;
	f->reg[LNK_R_LNKSTA] = l->status;
	f->reg[LNK_R_CURLINK] = l->status & LINK_STATE;
	f->cur_speed = (uint8_t)FIELD_GET(PCI_EXP_LNKSTA_SPEED, l->status);
	f->cur_width = (uint8_t)FIELD_GET(PCI_EXP_LNKSTA_WIDTH, l->status);
	f->cfg.bytes[f->express + PCI_EXP_LNKSTA] = (uint8_t)FIELD_GET(0xff, l->status);
	f->cfg.bytes[f->express + PCI_EXP_LNKSTA + 1] = (uint8_t)FIELD_GET(0xff00, l->status);
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
	const struct timespec pause = {.tv_nsec = LOOK_AFTER};
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
