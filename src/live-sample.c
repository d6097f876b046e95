/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-sample.c - links that are looked at again and again, for a time or while a command runs
 *
 * An idle device slows its link, so one look proves nothing of what the link can do. The first look
 * is the one that the walk was made of. Of a function that was not read, since it slept or for want
 * of privilege, sysfs tells speed and width where it is awake.
 */
#include <pci/header.h>
#include <string.h>
#include <sys/wait.h>

#include "live.h"

#define TICK UINT64_C(250000000) /* ns between two words on how far it is */

struct end {
	struct lnk_fn *fn;
	struct lnk_samples *s;
	bool by_registers;
	bool trained; /* in one look at least the training bit was not set */
	uint64_t since;
};

/* Both ends of a link. */
struct wire {
	struct lnk_link *link;
	struct end *above, *below; /* NULL: not looked at */
	uint32_t apart;		   /* what they said in the last look, if not the same; else 0 */
	uint64_t apart_since;
};

struct sampler {
	struct lnk_model *m;
	const struct lnk_sample_opts *o;
	struct lnk_command command;
	struct lnk_sampling *result;
	uint64_t start, until, tick; /* the next time to say how far it is */
	struct end *ends;	     /* of ports and devices */
	struct wire *wires;
	size_t n_wires;
};

/* ---- One look at one end ------------------------------------------------------------------- */

static unsigned speed_of(uint32_t status)
{
	return FIELD_GET(PCI_EXP_LNKSTA_SPEED, status);
}

static unsigned width_of(uint32_t status)
{
	return FIELD_GET(PCI_EXP_LNKSTA_WIDTH, status);
}

static uint32_t rate_of(uint32_t status)
{
	return lnk_rate_mbps(speed_of(status), width_of(status));
}

static bool is_link(uint32_t status)
{
	return lnk_speed_legal(speed_of(status)) && lnk_width_legal(width_of(status));
}

/* PCIe 7.5.3.8: of a link that went down, speed and width mean nothing. */
static bool went_down(const struct end *e, uint32_t status)
{
	return e->by_registers && e->fn->reg[LNK_R_LNKCAP] & PCI_EXP_LNKCAP_DLLA &&
	       e->s->first & PCI_EXP_LNKSTA_DL_ACT && !(status & PCI_EXP_LNKSTA_DL_ACT);
}

static enum lnk_sight look(const struct sampler *s, const struct end *e, uint32_t *status)
{
	if (!s->o->wake && lnk_sysfs_is_asleep(&lnk_sysfs_here, e->fn))
		return LNK_SEEN_ASLEEP;
	if (!(e->by_registers ? lnk_settle_read(e->fn, status) :
				lnk_sysfs_status(&lnk_sysfs_here, e->fn, status)))
		return LNK_SEEN_NOTHING;
	return is_link(*status) && !went_down(e, *status) ? LNK_SEEN_LINK : LNK_SEEN_NOTHING;
}

/* Until @now it was what the last look found. */
static void spend(struct end *e, uint64_t now)
{
	struct lnk_samples *s = e->s;
	uint64_t *of[] = {
		[LNK_SEEN_LINK] = &s->at_speed[speed_of(s->last)],
		[LNK_SEEN_ASLEEP] = &s->asleep,
		[LNK_SEEN_NOTHING] = &s->silent,
	};

	*of[s->sight] += now - e->since;
	e->since = now;
}

static void note(struct end *e, uint32_t status)
{
	struct lnk_samples *s = e->s;

	if (!s->looks++)
		s->first = s->lowest = s->highest = (uint16_t)status;
	else if (s->sight == LNK_SEEN_LINK && (status ^ s->last) & LNK_LINK_STATE)
		s->changes++;
	if (rate_of(status) < rate_of(s->lowest))
		s->lowest = (uint16_t)status;
	if (rate_of(status) > rate_of(s->highest))
		s->highest = (uint16_t)status;
	if (speed_of(status) > s->fastest)
		s->fastest = (uint8_t)speed_of(status);
	if (width_of(status) > s->widest)
		s->widest = (uint8_t)width_of(status);
	s->last = (uint16_t)status;
	e->trained |= !(status & PCI_EXP_LNKSTA_TRAIN);
}

static void look_at(const struct sampler *s, struct end *e, uint64_t now)
{
	enum lnk_sight sight;
	uint32_t status = 0;

	spend(e, now);
	sight = look(s, e, &status);
	if (sight == LNK_SEEN_LINK)
		note(e, status);
	e->s->sight = (uint8_t)sight;
}

/* ---- One look at all of them --------------------------------------------------------------- */

/* What differs once need not be of one moment; what still differs so a while after, is. */
static void compare_ends(struct wire *w, uint64_t now)
{
	struct lnk_samples *up = w->above->s, *f = w->below->s;
	uint32_t port = up->last & LNK_LINK_STATE, device = f->last & LNK_LINK_STATE;
	uint32_t apart = 0;

	if (up->sight == LNK_SEEN_LINK && f->sight == LNK_SEEN_LINK && port != device)
		apart = port << 16 | device;
	if (!apart || apart != w->apart) {
		w->apart = apart;
		w->apart_since = now;
	} else if (!f->apart && now - w->apart_since >= LNK_LOOK_AFTER) {
		f->apart = true;
		f->apart_port = (uint16_t)port;
		f->apart_device = (uint16_t)device;
	}
}

static void look_round(struct sampler *s, uint64_t now)
{
	size_t i;

	for (i = 0; i < s->n_wires; i++) {
		struct wire *w = &s->wires[i];

		if (w->above)
			look_at(s, w->above, now);
		if (w->below)
			look_at(s, w->below, now);
		if (w->above && w->below)
			compare_ends(w, now);
	}
	s->result->looks++;
	s->result->duration = now - s->start;
}

/* ---- What is looked at ---------------------------------------------------------------------- */

static bool is_asleep(const struct lnk_fn *f)
{
	return f->live && f->live->asleep;
}

static void first_look(struct end *e, uint64_t now)
{
	const struct lnk_fn *f = e->fn;

	e->since = now;
	e->s->sight = LNK_SEEN_ASLEEP;
	if (is_asleep(f))
		return;
	note(e, e->by_registers ? f->reg[LNK_R_LNKSTA] : f->reg[LNK_R_CURLINK]);
	e->s->sight = LNK_SEEN_LINK;
}

static struct end *add_end(struct sampler *s, struct lnk_fn *f)
{
	struct end *e = &s->ends[s->result->n_ends];

	if (!is_asleep(f) && !lnk_knows(f, LNK_R_CURLINK))
		return NULL;
	s->result->n_ends++;
	e->fn = f;
	e->by_registers = lnk_settle_can(f);
	e->s = lnk_alloc(&s->m->arena, sizeof(*e->s));
	lnk_sysfs_live(&s->m->arena, f)->samples = e->s;
	first_look(e, s->start);
	return e;
}

/*
 * Links of emulated devices and of virtual functions are no wires: nobody judges them. The link of
 * what sleeps may be down, and come up with it.
 */
static bool is_judged(const struct lnk_link *l)
{
	return l->below->shown && (l->state != LNK_DOWN || is_asleep(l->below)) &&
	       (lnk_is_bridge(l->below) || !(l->below->quirks & (LNK_Q_EMULATED | LNK_Q_VF)));
}

static void choose(struct sampler *s)
{
	struct lnk_model *m = s->m;
	size_t i;

	s->ends = lnk_alloc(&m->arena, 2 * m->n_links * sizeof(*s->ends));
	s->wires = lnk_alloc(&m->arena, m->n_links * sizeof(*s->wires));
	for (i = 0; i < m->n_links; i++) {
		struct wire w = {.link = &m->links[i]};

		if (!is_judged(w.link))
			continue;
		w.above = w.link->above ? add_end(s, w.link->above) : NULL;
		w.below = add_end(s, w.link->below);
		if (w.above && w.below)
			compare_ends(&w, s->start);
		s->wires[s->n_wires++] = w;
	}
}

/* ---- What is concluded ----------------------------------------------------------------------- */

static void conclude_end(struct lnk_model *m, struct end *e)
{
	const struct lnk_samples *s = e->s;

	if (!lnk_knows(e->fn, LNK_R_CURLINK))
		return;
	lnk_settle_show(e->fn, s->highest);
	if (e->trained)
		lnk_sysfs_live(&m->arena, e->fn)->training_twice = false;
	e->fn->live->status_unsteady |= s->changes > 0;
}

/* That the highest of both differ proves nothing where no two looks in turn said so. */
static void conclude_wire(struct wire *w)
{
	struct lnk_fn *up = w->link->above, *f = w->link->below;

	if (!w->above || !w->below || w->below->s->apart ||
	    (up->cur_speed == f->cur_speed && up->cur_width == f->cur_width))
		return;
	up->live->status_unsteady = f->live->status_unsteady = true;
}

static void conclude(struct sampler *s)
{
	size_t i;

	for (i = 0; i < s->result->n_ends; i++)
		conclude_end(s->m, &s->ends[i]);
	for (i = 0; i < s->n_wires; i++)
		conclude_wire(&s->wires[i]);
}

static void put_in_words(struct lnk_arena *a, const struct lnk_command *c, struct lnk_sampling *r)
{
	r->signal = c->signal;
	r->exit_status = -1;
	r->command = c->started;
	if (!c->started)
		return;
	if (!c->ended) {
		r->words = "the command still runs";
	} else if (WIFSIGNALED(c->status)) {
		r->killed_by = WTERMSIG(c->status);
		r->words = lnk_strf(a,
				    "the command ended: signal %d (%s) killed its shell, and what "
				    "it had started may still run",
				    r->killed_by, strsignal(r->killed_by));
	} else {
		r->exit_status = WEXITSTATUS(c->status);
		r->words = lnk_strf(a, "the command ended with status %d", r->exit_status);
	}
}

/* ---- The whole ------------------------------------------------------------------------------ */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void tell(struct sampler *s)
{
	uint64_t now = lnk_now();

	if (now < s->tick)
		return;
	s->tick = now + TICK;
	s->o->progress(s->result, now - s->start, s->o->duration);
}

/* False where the command's end or a signal came first. */
static bool wait_until(struct sampler *s, uint64_t moment)
{
	uint64_t step;

	do {
		if (s->o->progress)
			tell(s);
		step = s->o->progress ? earlier(moment, s->tick) : moment;
		if (lnk_command_wait(&s->command, step))
			return false;
	} while (step < moment);
	return true;
}

/* What took too long makes the next look start at once, and not all those that were missed. */
static void look_on(struct sampler *s)
{
	uint64_t next = s->start, now = s->start;
	bool on = s->result->n_ends;

	if (!on && s->o->command) {
		wait_until(s, s->until);
		s->result->duration = lnk_now() - s->start;
	}
	while (on && now < s->until) {
		next += s->o->interval;
		if (next < now)
			next = now;
		on = wait_until(s, earlier(next, s->until));
		now = lnk_now();
		look_round(s, now);
	}
}

int lnk_live_sample(struct lnk_model *m, const struct lnk_sample_opts *o, struct lnk_err *err)
{
	struct sampler s = {.m = m, .o = o};
	int rc;

	rc = lnk_command_start(&s.command, o->command, err);
	if (rc)
		return rc;
	s.result = m->sampling = lnk_alloc(&m->arena, sizeof(*m->sampling));
	s.result->interval = o->interval;
	s.result->looks = 1;
	s.start = lnk_now();
	s.until = o->command ? UINT64_MAX : s.start + o->duration;
	choose(&s);
	look_on(&s);
	lnk_command_end(&s.command);
	put_in_words(&m->arena, &s.command, s.result);
	conclude(&s);
	return 0;
}
