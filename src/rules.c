/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.c - the rules and their runner
 *
 * A rule is a pure function over the const model, preceded by what it needs and where it cannot
 * judge. To add one: a block here, its name in the list below the blocks.
 */
#include <errno.h>
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lnkinspect.h"

#define ENDS	(REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK))
#define MAXLINK REG(LNK_R_MAXLINK)
#define CURLINK REG(LNK_R_CURLINK)
/* Ends whose link is decoration, or not theirs. */
#define NO_LINK (LNK_Q_EMULATED | LNK_Q_VF)
/* Ends that are no silicon. */
#define NO_WIRE	      (NO_LINK | LNK_Q_STANDIN)
#define NO_WIRE_ABOVE (LNK_Q_VIRTUAL | LNK_Q_TUNNEL)

/* ---- Words -------------------------------------------------------------------------------- */

static enum lnk_verdict found(struct lnk_msg *m, const char *fmt, ...) LNK_PRINTF(2, 3);
static enum lnk_verdict found(struct lnk_msg *m, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	m->text = lnk_strndup(m->arena, text, strlen(text));
	return LNK_FOUND;
}

static enum lnk_verdict skipped(struct lnk_msg *m, enum lnk_reg missing)
{
	m->missing = missing;
	return LNK_SKIPPED;
}

static void lower(struct lnk_msg *m, enum lnk_severity s)
{
	if (s < m->severity)
		m->severity = s;
}

#define SPEED_WIDTH_LEN 32
struct words {
	char text[SPEED_WIDTH_LEN];
};

static struct words link_words(unsigned speed, unsigned width)
{
	struct words w;

	snprintf(w.text, sizeof(w.text), "%s x%u", lnk_speed_name(speed), width);
	return w;
}

static struct words max_words(const struct lnk_fn *f)
{
	return link_words(f->max_speed, f->max_width);
}

static struct words cur_words(const struct lnk_fn *f)
{
	return link_words(f->cur_speed, f->cur_width);
}

/* Raw link rate in GB/s. */
static double gbytes(unsigned speed, unsigned width)
{
	return lnk_rate_mbps(speed, width) / 8000.0;
}

/* ---- Shared questions --------------------------------------------------------------------- */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned want_speed(const struct lnk_link *l)
{
	return least(l->above->max_speed, l->below->max_speed);
}

static unsigned want_width(const struct lnk_link *l)
{
	return least(l->above->max_width, l->below->max_width);
}

static bool was_sampled(const struct lnk_fn *f)
{
	return f->live && f->live->samples;
}

/* Where it was sampled, speed and width need not have been at their best at the same time. */
static unsigned best_speed(const struct lnk_fn *f)
{
	return was_sampled(f) ? f->live->samples->fastest : f->cur_speed;
}

static unsigned best_width(const struct lnk_fn *f)
{
	return was_sampled(f) ? f->live->samples->widest : f->cur_width;
}

/* Seen to change while we looked: what was read of two functions is not of one moment. */
static bool is_unsteady(const struct lnk_fn *f)
{
	return f->live && f->live->status_unsteady;
}

/* " in 100 looks (10.0 s)": how well a link is known that was never better; "" for one look. */
static const char *looks_words(const struct lnk_fn *f, const struct lnk_msg *msg)
{
	const struct lnk_sampling *s = msg->model->sampling;
	char time[LNK_TIME_LEN];
	size_t n;

	if (!s || !was_sampled(f))
		return "";
	n = f->live->samples->looks;
	return lnk_strf(msg->arena, " in %zu look%s (%s)%s", n, n == 1 ? "" : "s",
			lnk_time_str(s->duration, time),
			s->command ? " while the command ran" : "");
}

static bool can_less(const struct lnk_link *l)
{
	return l->above->max_speed < l->below->max_speed ||
	       l->above->max_width < l->below->max_width;
}

static bool runs_beyond_port(const struct lnk_link *l)
{
	return l->below->cur_speed > l->above->max_speed ||
	       l->below->cur_width > l->above->max_width;
}

static bool link_inactive(const struct lnk_fn *port)
{
	return port->reg[LNK_R_LNKCAP] & PCI_EXP_LNKCAP_DLLA &&
	       !(port->reg[LNK_R_LNKSTA] & PCI_EXP_LNKSTA_DL_ACT);
}

/* Live, sysfs told that there is nothing to ask for. */
static bool not_asked(const struct lnk_fn *f)
{
	return f->caps_end == LNK_LIST_PART && !f->express;
}

static bool is_graphics(const struct lnk_fn *f)
{
	unsigned base = f->class24 >> 16;

	return base == PCI_BASE_CLASS_DISPLAY || base == 0x12;
}

/* A graphics card may stand behind a switch of its own: port, upstream, downstream, display. */
static bool serves_graphics(const struct lnk_fn *f)
{
	uint32_t i, j;

	if (is_graphics(f))
		return true;
	if (f->type != LNK_T_UPSTREAM)
		return false;
	for (i = 0; i < f->n_children; i++)
		for (j = 0; j < f->children[i].n_children; j++)
			if (is_graphics(&f->children[i].children[j]))
				return true;
	return false;
}

/* ---- 0xx: the two ends of one link -------------------------------------------------------- */

static enum lnk_verdict check_001(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *up = l->above, *f = l->below;
	double runs = gbytes(f->cur_speed, f->cur_width);
	/* Who believes the port takes the lesser of its figures and the device's, one by one. */
	double believed =
		gbytes(least(up->max_speed, f->cur_speed), least(up->max_width, f->cur_width));

	if (!runs_beyond_port(l))
		return LNK_PASS;
	return found(msg,
		     "port claims %s (%.2f GB/s) at most, device runs %s (%.2f GB/s): drivers that "
		     "believe the port use 1/%.3g of the link",
		     max_words(up).text, gbytes(up->max_speed, up->max_width), cur_words(f).text,
		     runs, runs / believed);
}

static const struct lnk_rule faster_than_port = {
	.id = "LNK001",
	.severity = LNK_ERROR,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = CURLINK,
	.needs_above = MAXLINK,
	.unless = NO_LINK,
	.unless_above = LNK_Q_TUNNEL,
	.link = check_001,
	.title = "The device runs faster than its port says is possible",
	.why = "No silicon can do that, so the port is emulated and its registers are made up. "
	       "Nothing slows the wire, but drivers and libraries that size their work by the port "
	       "leave most of the link unused.",
	.fix = "Give the virtual port the link that the device has.",
};

static enum lnk_verdict check_002(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *up = l->above, *f = l->below;
	double claims = gbytes(up->max_speed, up->max_width);
	double can = gbytes(f->max_speed, f->max_width);

	if (!can_less(l) || runs_beyond_port(l))
		return LNK_PASS;
	/* Each generation is half of the next, but for the rounding of the kernel's integers. */
	if (2.01 * claims >= can)
		lower(msg, LNK_NOTICE);
	return found(msg, "port claims %s (%.2f GB/s) at most, device can do %s (%.2f GB/s)",
		     max_words(up).text, claims, max_words(f).text, can);
}

static const struct lnk_rule virtual_port_claims_less = {
	.id = "LNK002",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = ENDS,
	.needs_above = MAXLINK,
	.unless = NO_LINK,
	.only_above = LNK_Q_VIRTUAL,
	.link = check_002,
	.title = "A virtual port claims less than the device can do",
	.why = "The port is emulated and its limits are a setting, not a fact about the wire. The "
	       "device does not exceed them now, perhaps because it is idle, but drivers may limit "
	       "themselves to what the port claims.",
	.fix = "Give the virtual port the link that the device has, unless the real slot is as "
	       "slow.",
};

static enum lnk_verdict check_003(const struct lnk_link *l, struct lnk_msg *msg)
{
	if (!can_less(l) || runs_beyond_port(l))
		return LNK_PASS;
	return found(msg, "slot can do %s, device can do %s (%.2f GB/s): together %s (%.2f GB/s)",
		     max_words(l->above).text, max_words(l->below).text,
		     gbytes(l->below->max_speed, l->below->max_width),
		     link_words(want_speed(l), want_width(l)).text,
		     gbytes(want_speed(l), want_width(l)));
}

static const struct lnk_rule slot_is_the_limit = {
	.id = "LNK003",
	.severity = LNK_NOTICE,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_LINK,
	.needs = ENDS,
	.needs_above = MAXLINK,
	.unless = NO_LINK,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_003,
	.title = "The slot allows less than the device can do",
	.why = "The port above the device has fewer lanes or an older generation than the device. "
	       "That is how the board is built and no fault.",
	.fix = "Use a slot that allows more if the machine has one; else nothing.",
};

static struct words status_words(unsigned status)
{
	return link_words(FIELD_GET(PCI_EXP_LNKSTA_SPEED, status),
			  FIELD_GET(PCI_EXP_LNKSTA_WIDTH, status));
}

static enum lnk_verdict found_apart(const struct lnk_samples *s, struct lnk_msg *msg)
{
	return found(msg, "port says %s, device says %s, in two looks one after the other",
		     status_words(s->apart_port).text, status_words(s->apart_device).text);
}

static enum lnk_verdict check_004(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *up = l->above, *f = l->below;

	if (runs_beyond_port(l))
		return LNK_PASS;
	if (was_sampled(f) && f->live->samples->apart)
		return found_apart(f->live->samples, msg);
	if (up->cur_speed == f->cur_speed && up->cur_width == f->cur_width)
		return LNK_PASS;
	if (is_unsteady(up) || is_unsteady(f))
		return LNK_NA;
	return found(msg, "port says %s, device says %s", cur_words(up).text, cur_words(f).text);
}

static const struct lnk_rule ends_disagree = {
	.id = "LNK004",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = CURLINK,
	.needs_above = ENDS,
	.unless = NO_LINK,
	.unless_above = LNK_Q_TUNNEL,
	.link = check_004,
	.title = "The two ends disagree about the speed or width they run at",
	.why = "One wire has one speed and one width. The status of a virtual port can be constant "
	       "or stale; on real hardware the link changed between the two reads.",
	.fix = "Trust the device, not the port. Take the capture again to see whether it stays so.",
};

/* Is there one like it that was not read, because -s or -d chose others? It may run as narrow. */
static bool unread_twin(const struct lnk_model *m, const struct lnk_fn *f)
{
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].reach == LNK_READ_NOT && m->fns[i].vendor == f->vendor &&
		    m->fns[i].device == f->device)
			return true;
	return false;
}

static enum lnk_verdict check_005(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *up = l->above, *f = l->below;
	const char *looks;

	if (best_width(f) >= want_width(l))
		return LNK_PASS;
	if (up->quirks & LNK_Q_VIRTUAL || l->alike || (up->quirks | f->quirks) & LNK_Q_WIRED ||
	    !lnk_knows(up, LNK_R_PCIECAP) || !(up->reg[LNK_R_PCIECAP] & PCI_EXP_FLAGS_SLOT) ||
	    unread_twin(msg->model, f))
		lower(msg, LNK_NOTICE);
	looks = looks_words(f, msg);
	return found(msg, "%s x%u of x%u%s", *looks ? "never wider than" : "runs", best_width(f),
		     want_width(l), looks);
}

static const struct lnk_rule width_below_both_ends = {
	.id = "LNK005",
	.severity = LNK_WARNING,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_LINK,
	.needs = ENDS,
	.needs_above = MAXLINK,
	.unless = NO_LINK,
	.unless_above = LNK_Q_TUNNEL,
	.link = check_005,
	.title = "The link runs narrower than both ends allow",
	.why = "Both ends have more lanes than were trained: lanes failed, or are not wired.",
	.fix = "Reseat the card and look at the slot's wiring and bifurcation. Behind a virtual "
	       "port "
	       "only the owner of the host can see the real slot.",
};

/* The port's target speed (LNKCTL2), if it holds the link below what both ends allow. */
static bool is_held(const struct lnk_link *l)
{
	uint32_t up = l->above->reg[LNK_R_LNKCTL2], down = l->below->reg[LNK_R_LNKCTL2];
	unsigned target = PCI_EXP_LNKCTL2_SPEED(up);

	if (l->above->quirks & NO_WIRE_ABOVE || !lnk_knows(l->above, LNK_R_LNKCTL2) ||
	    best_speed(l->below) >= want_speed(l))
		return false;
	if (target && target < want_speed(l) && best_speed(l->below) <= target)
		return true;
	return up & PCI_EXP_LNKCTL2_SPEED_DIS ||
	       (lnk_knows(l->below, LNK_R_LNKCTL2) && down & PCI_EXP_LNKCTL2_SPEED_DIS);
}

static enum lnk_verdict check_006(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_sampling *sampling = msg->model->sampling;
	const struct lnk_fn *f = l->below;
	const char *idle = "", *looks;

	if (best_speed(f) >= want_speed(l) || is_held(l))
		return LNK_PASS;
	if (l->above->quirks & LNK_Q_VIRTUAL)
		lower(msg, LNK_NOTICE);
	if (serves_graphics(f) && best_width(f) >= want_width(l)) {
		lower(msg, LNK_NOTICE);
		idle = sampling && sampling->command ?
			       ", at full width" :
			       ", at full width: probably idle, look again under load";
	}
	looks = looks_words(f, msg);
	return found(msg, "%s %s of %s%s%s", *looks ? "never faster than" : "runs",
		     lnk_speed_name(best_speed(f)), lnk_speed_name(want_speed(l)), looks, idle);
}

static const struct lnk_rule speed_below_both_ends = {
	.id = "LNK006",
	.severity = LNK_WARNING,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_LINK,
	.needs = ENDS,
	.needs_above = MAXLINK,
	.unless = NO_LINK,
	.unless_above = LNK_Q_TUNNEL,
	.link = check_006,
	.title = "The link runs slower than both ends allow",
	.why = "Both ends can go faster. Devices save power by slowing an idle link; a link that "
	       "is "
	       "slow under load, too, has trained badly.",
	.fix = "If it is as slow while the device works (--while runs what makes it work), reseat "
	       "the "
	       "card; behind a virtual port ask the owner of the host to look at the real slot.",
};

static enum lnk_verdict check_007(const struct lnk_link *l, struct lnk_msg *msg)
{
	unsigned target = PCI_EXP_LNKCTL2_SPEED(l->above->reg[LNK_R_LNKCTL2]);

	if (!is_held(l))
		return LNK_PASS;
	if (target && target < want_speed(l))
		return found(msg, "target speed %s, both ends allow %s", lnk_speed_name(target),
			     lnk_speed_name(want_speed(l)));
	return found(msg, "autonomous speed change is disabled at %s, both ends allow %s",
		     lnk_speed_name(best_speed(l->below)), lnk_speed_name(want_speed(l)));
}

static const struct lnk_rule held_by_target = {
	.id = "LNK007",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = ENDS,
	.needs_above = MAXLINK | REG(LNK_R_LNKCTL2),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_007,
	.title = "A setting holds the link below what both ends allow",
	.why = "The port's target link speed, or disabled autonomous speed change, keeps the link "
	       "slow: firmware or a tool set it so.",
	.fix = "Look in the firmware's settings for this slot's link speed; until the next start, "
	       "setpci can raise the target speed in LNKCTL2 and retrain the link.",
};

/* What a hop's wire is: the port's own below it, or the one above an upstream port. */
static const struct lnk_link *wire_of(const struct lnk_fn *hop)
{
	return lnk_faces_down(hop) ? hop->below : hop->link;
}

static bool hop_counts(const struct lnk_fn *hop)
{
	const struct lnk_link *l = wire_of(hop);

	return !l || !l->above || !(l->above->quirks & (LNK_Q_TUNNEL | LNK_Q_ONCARD));
}

/* As Linux pcie_bandwidth_available() walks, from beyond the device's own wire to the root. */
static enum lnk_verdict check_008(const struct lnk_fn *f, struct lnk_msg *msg)
{
	uint32_t own = lnk_rate_mbps(f->cur_speed, f->cur_width), slowest = 0;
	const struct lnk_fn *hop, *limit = NULL;

	if (!f->link || f->link->below != f || !f->link->above || f->type == LNK_T_UPSTREAM)
		return LNK_NA;
	hop = f->link->above->parent;
	if (!hop)
		return LNK_NA;
	for (; hop; hop = hop->parent) {
		uint32_t mbps = lnk_rate_mbps(hop->cur_speed, hop->cur_width);

		if (hop->absent & REG(LNK_R_CURLINK) || !hop_counts(hop))
			continue;
		if (!lnk_knows(hop, LNK_R_LNKSTA) && !lnk_knows(hop, LNK_R_CURLINK))
			return skipped(msg, LNK_R_CURLINK);
		if (!mbps || (slowest && mbps > slowest))
			continue;
		slowest = mbps;
		limit = hop;
	}
	if (!limit || slowest >= own)
		return LNK_PASS;
	if ((is_unsteady(f) || is_unsteady(limit)) && !(was_sampled(f) && was_sampled(limit)))
		return LNK_NA;
	if (!(limit->quirks & (LNK_Q_VIRTUAL | LNK_Q_EMULATED)))
		lower(msg, LNK_NOTICE);
	msg->other = limit;
	msg->other_regs = CURLINK;
	return found(msg,
		     "%04x:%02x:%02x.%x runs %s (%.2f GB/s), the device's own link %s (%.2f GB/s)",
		     limit->addr.domain, limit->addr.bus, lnk_dev(limit->addr),
		     lnk_func(limit->addr), cur_words(limit).text, slowest / 8000.0,
		     cur_words(f).text, own / 8000.0);
}

static const struct lnk_rule slow_hop = {
	.id = "LNK008",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.needs = CURLINK,
	.unless = NO_LINK,
	.fn = check_008,
	.title = "A hop nearer the root is slower than the device's own link",
	.why = "All that the device moves passes that hop. If the hop is emulated, nothing is "
	       "slowed "
	       "but drivers that look at the whole path; if it is real, it is the bottleneck.",
	.fix = "A card can go below a faster port; behind a virtual switch, give the device a port "
	       "of its own.",
};

static bool live_child(const struct lnk_fn *port)
{
	uint32_t i;

	for (i = 0; i < port->n_children; i++)
		if (!lnk_is_silent(&port->children[i]))
			return true;
	return false;
}

/* PCIe 7.5.3.10: with a power controller, power can be off: then nobody expects a link. */
static bool switched_off(const struct lnk_fn *port)
{
	return (lnk_knows(port, LNK_R_LNKCTL) &&
		port->reg[LNK_R_LNKCTL] & PCI_EXP_LNKCTL_DISABLE) ||
	       (port->reg[LNK_R_SLTCAP] & PCI_EXP_SLTCAP_PWRC && lnk_knows(port, LNK_R_SLTCTL) &&
		port->reg[LNK_R_SLTCTL] & PCI_EXP_SLTCTL_PWRC);
}

static enum lnk_verdict check_009(const struct lnk_fn *f, struct lnk_msg *msg)
{
	/* What is listed below and does not answer may be asleep: no fault is known. */
	if (f->n_children)
		return LNK_NA;
	if (!msg->model->whole)
		return skipped(msg, LNK_REGS);
	if (!link_inactive(f) || !(f->reg[LNK_R_SLTSTA] & PCI_EXP_SLTSTA_PRES))
		return LNK_PASS;
	if (!(f->reg[LNK_R_SLTCAP] & PCI_EXP_SLTCAP_HPC) || switched_off(f))
		lower(msg, LNK_NOTICE);
	return found(msg, "slot %u: a card is present, the data link layer is not active",
		     FIELD_GET(PCI_EXP_SLTCAP_PSN, f->reg[LNK_R_SLTCAP]));
}

static const struct lnk_rule card_without_link = {
	.id = "LNK009",
	.severity = LNK_ERROR,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_LNKCAP) | REG(LNK_R_LNKSTA) | REG(LNK_R_SLTCAP) | REG(LNK_R_SLTSTA),
	.unless = LNK_Q_VIRTUAL | LNK_Q_TUNNEL,
	.fn = check_009,
	.title = "A card is in the slot, but the link is down",
	.why = "The slot senses a card and the port reports that no link came up. In a slot that "
	       "is "
	       "not made for hot-plug the presence may be hard-wired and mean nothing.",
	.fix = "Reseat the card, try it in another slot, look at its power connectors.",
};

/* ---- 1xx: one end contradicts itself ------------------------------------------------------ */

static enum lnk_verdict check_101(const struct lnk_fn *f, struct lnk_msg *msg)
{
	if (lnk_faces_down(f) && (!f->below || f->below->state != LNK_UP))
		return LNK_NA;
	if (f->cur_speed <= f->max_speed && f->cur_width <= f->max_width)
		return LNK_PASS;
	return found(msg, "says that it can do %s and that it runs %s", max_words(f).text,
		     cur_words(f).text);
}

static const struct lnk_rule status_above_capability = {
	.id = "LNK101",
	.severity = LNK_ERROR,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.needs = ENDS,
	.unless = NO_LINK | LNK_Q_TUNNEL,
	.fn = check_101,
	.title = "A function runs beyond its own capability",
	.why = "Its status says more than its capability allows. No silicon does that: an "
	       "emulation "
	       "copied one register and not the other.",
	.fix = "Report it to the hypervisor's developers, with a capture.",
};

static enum lnk_verdict check_102(const struct lnk_fn *f, struct lnk_msg *msg)
{
	uint32_t cap = f->reg[LNK_R_LNKCAP];
	unsigned speed = FIELD_GET(PCI_EXP_LNKCAP_SPEED, cap);
	unsigned width = FIELD_GET(PCI_EXP_LNKCAP_WIDTH, cap);
	uint32_t i;

	if ((f->type != LNK_T_ROOT_PORT && f->type != LNK_T_DOWNSTREAM) || cap == 0xffffffff)
		return LNK_NA;
	if (lnk_speed_legal(speed) && lnk_width_legal(width))
		return LNK_PASS;
	for (i = 0; i < f->n_children; i++)
		if (!(f->children[i].quirks & LNK_Q_EMULATED) && f->children[i].link)
			break;
	if (i == f->n_children)
		lower(msg, LNK_NOTICE);
	return found(msg, "maximum speed code %u, maximum width %u", speed, width);
}

static const struct lnk_rule void_capability = {
	.id = "LNK102",
	.severity = LNK_ERROR,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_LNKCAP),
	.fn = check_102,
	.title = "A port advertises a link that cannot exist",
	.why = "Its capability register holds no speed, no width, or a code that is reserved: the "
	       "port is an incomplete emulation. Drivers take it for the slowest link or for none.",
	.fix = "Replace the port by one that can be given a link.",
};

static enum lnk_verdict check_103(const struct lnk_fn *f, struct lnk_msg *msg)
{
	/* PCIe 7.5.3.18: bit n of the register is speed code n. */
	uint32_t vector = FIELD_GET(0xfe, f->reg[LNK_R_LNKCAP2]);

	if (!vector && f->max_speed > 2)
		return found(msg, "LNKCAP says %s, LNKCAP2 names no speed",
			     lnk_speed_name(f->max_speed));
	if (!vector)
		return LNK_PASS;
	if (!(vector & BIT(f->max_speed - 1)))
		return found(msg, "LNKCAP says %s, LNKCAP2's vector %02x has no such speed",
			     lnk_speed_name(f->max_speed), f->reg[LNK_R_LNKCAP2] & 0xfe);
	if (vector & (vector + 1))
		return found(msg, "LNKCAP2's vector %02x has a gap", f->reg[LNK_R_LNKCAP2] & 0xfe);
	return LNK_PASS;
}

static const struct lnk_rule vector_contradicts = {
	.id = "LNK103",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_LNKCAP) | REG(LNK_R_LNKCAP2) | MAXLINK,
	.unless = NO_LINK,
	.fn = check_103,
	.title = "The vector of supported speeds contradicts the maximum speed",
	.why = "LNKCAP and LNKCAP2 describe one port and do not agree. Linux believes the vector "
	       "and may see no speed at all.",
	.fix = "Report it to the hypervisor's developers, or the device's maker, with a capture.",
};

static enum lnk_verdict check_104(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *up = l->above, *f = l->below, *g;
	enum lnk_verdict verdict = LNK_PASS;
	uint32_t i;

	if (!up)
		return LNK_NA;
	for (i = 0; i < up->n_children; i++) {
		g = &up->children[i];
		if (g->reach == LNK_READ_NOT)
			verdict = LNK_NA;
		if (g == f || g->link != l || g->quirks & LNK_Q_VF || !lnk_knows(g, LNK_R_CURLINK))
			continue;
		if (f->quirks & g->quirks & LNK_Q_EMULATED)
			continue;
		if (g->cur_speed == f->cur_speed && g->cur_width == f->cur_width)
			continue;
		if (is_unsteady(f) || is_unsteady(g)) {
			verdict = LNK_NA;
			continue;
		}
		msg->other = g;
		msg->other_regs = CURLINK;
		return found(msg, "function %x.%x runs %s, function %x.%x runs %s",
			     lnk_dev(f->addr), lnk_func(f->addr), cur_words(f).text,
			     lnk_dev(g->addr), lnk_func(g->addr), cur_words(g).text);
	}
	return verdict;
}

static const struct lnk_rule siblings_disagree = {
	.id = "LNK104",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = CURLINK,
	.unless = LNK_Q_VF,
	.link = check_104,
	.title = "Functions of one device show different links",
	.why = "The functions of a device share one wire. In a guest, several devices were "
	       "probably put into one virtual slot: the port copies the first and hides the "
	       "others.",
	.fix = "In a guest, give each device a port of its own; else take the capture again.",
};

/* D3hot and D3cold (PCI Power Management 1.2): said by sysfs or the capture's head. */
static bool is_asleep(const struct lnk_fn *f)
{
	return f->live && (f->live->asleep ||
			   (f->live->power_state && !strncmp(f->live->power_state, "D3", 2)));
}

static bool wire_is_up(const struct lnk_fn *f)
{
	const struct lnk_fn *up = f->parent;

	return up && lnk_faces_down(up) && lnk_knows(up, LNK_R_LNKCAP) &&
	       lnk_knows(up, LNK_R_LNKSTA) && up->reg[LNK_R_LNKCAP] & PCI_EXP_LNKCAP_DLLA &&
	       !link_inactive(up);
}

/* A port says no more of a link that went down; that is for whoever hangs below it. */
static bool fell_silent(const struct lnk_fn *f)
{
	return was_sampled(f) && !lnk_faces_down(f) && f->live->samples->sight == LNK_SEEN_NOTHING;
}

static enum lnk_verdict check_105(const struct lnk_fn *f, struct lnk_msg *msg)
{
	if (f->reach == LNK_READ_ASLEEP || not_asked(f))
		return LNK_NA;
	/* Decoded text says so of the header, behind its names. */
	if ((f->reach == LNK_READ_TEXT && !lnk_knows(f, LNK_R_CLASS)) ||
	    (f->reach == LNK_READ_PART && !lnk_knows(f, LNK_R_ID)))
		return skipped(msg, LNK_R_ID);
	if (f->reach == LNK_READ_GONE) {
		lower(msg, LNK_NOTICE);
		return found(msg, "was removed while it was looked at");
	}
	if (fell_silent(f)) {
		lower(msg, LNK_NOTICE);
		return found(msg,
			     "answered in %zu looks, and no more in the last: powered off, or gone",
			     f->live->samples->looks);
	}
	if (f->reach != LNK_READ_FFS && !f->link_ones)
		return LNK_PASS;
	msg->regs = f->reach == LNK_READ_FFS ? REG(LNK_R_ID) : 0;
	if (is_asleep(f)) {
		lower(msg, LNK_NOTICE);
		return found(msg, "asleep (%s)",
			     f->live->power_state ? f->live->power_state : "D3");
	}
	if (wire_is_up(f) || f->reach != LNK_READ_FFS)
		return found(msg, "%s",
			     f->reach == LNK_READ_FFS ?
				     "reads ff everywhere while its port says that the link is up" :
				     "its link registers read all ones, the rest does not");
	lower(msg, LNK_NOTICE);
	return found(msg, "reads ff everywhere: asleep, powered off, or gone");
}

static const struct lnk_rule all_ones = {
	.id = "LNK105",
	.severity = LNK_WARNING,
	.actor = LNK_GUEST,
	.subject = LNK_ON_FN,
	.unless = LNK_Q_VF,
	.fn = check_105,
	.title = "The function does not answer",
	.why = "All ones is what a read returns when nobody answers: the device sleeps, has no "
	       "power, or fell off the bus.",
	.fix = "Wake it (open the device, or write \"on\" to its power/control) and look again; if "
	       "it "
	       "is gone, look at dmesg and restart or reset it.",
};

static const char *list_trouble(unsigned end)
{
	if (end == LNK_LIST_LOOP)
		return "loops";
	return end == LNK_LIST_OUTSIDE ? "points outside its space" : NULL;
}

static enum lnk_verdict check_106(const struct lnk_fn *f, struct lnk_msg *msg)
{
	const char *list = list_trouble(f->caps_end), *extended = list_trouble(f->ecaps_end);

	if (f->reach == LNK_READ_FFS || not_asked(f))
		return LNK_NA;
	msg->regs = REG(LNK_R_STATUS);
	if (list)
		return found(msg, "the capability list %s", list);
	if (extended)
		return found(msg, "the extended capability list %s", extended);
	msg->regs = REG(LNK_R_PCIECAP);
	if (f->express_cut)
		return found(msg, "the Express capability at %02x runs past the end of its space",
			     f->express);
	return f->caps_end == LNK_LIST_UNKNOWN ? skipped(msg, LNK_R_PCIECAP) : LNK_PASS;
}

static const struct lnk_rule broken_list = {
	.id = "LNK106",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.fn = check_106,
	.title = "The list of capabilities is broken",
	.why = "What stands behind the break cannot be found, by drivers either.",
	.fix = "Report it to the hypervisor's developers, or the device's maker, with a capture.",
};

static enum lnk_verdict check_107(const struct lnk_fn *f, struct lnk_msg *msg)
{
	const struct lnk_fn *g = f->bus_clash;
	char at[LNK_ADDR_LEN];

	if (!lnk_is_bridge(f))
		return LNK_NA;
	if (!g)
		return LNK_PASS;
	if (g == f)
		return found(msg, "from bus %02x it leads back to bus %02x", f->addr.bus,
			     f->secondary);
	msg->other = g;
	msg->other_regs = REG(LNK_R_BUSES);
	return found(msg, "buses %02x-%02x collide with buses %02x-%02x of %s", f->secondary,
		     f->subordinate, g->secondary, g->subordinate, lnk_addr_str(g->addr, at));
}

static const struct lnk_rule bus_numbers = {
	.id = "LNK107",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_BUSES),
	.fn = check_107,
	.title = "Bus numbers loop or overlap",
	.why = "Two bridges claim the same buses, or a bridge leads back to itself: what is below "
	       "them cannot be told apart.",
	.fix = "Let the firmware or the kernel number the buses again (Linux: pci=assign-busses).",
};

/* ---- 2xx: where the hypervisor put the device --------------------------------------------- */

static enum lnk_verdict check_201(const struct lnk_fn *f, struct lnk_msg *msg)
{
	if (f->type != LNK_T_RCIEP || f->place != LNK_AT_ROOT)
		return LNK_NA;
	if (!is_graphics(f))
		lower(msg, LNK_NOTICE);
	return found(msg, "an integrated endpoint on the root bus has no link registers");
}

static const struct lnk_rule link_hidden = {
	.id = "LNK201",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_PCIECAP),
	.unless = LNK_Q_EMULATED | LNK_Q_IGD,
	.guest_only = true,
	.fn = check_201,
	.title = "An assigned device sits on the root bus: its link is hidden from the driver",
	.why = "The hypervisor shows a device on the root bus as integrated into the chipset. "
	       "Its driver sees neither speed nor width and falls back to the least.",
	.fix = "Put the device behind a PCIe port.",
};

static enum lnk_verdict check_202(const struct lnk_fn *f, struct lnk_msg *msg)
{
	if (!lnk_faces_up(f) || lnk_func(f->addr) ||
	    (f->place != LNK_AT_ROOT && f->place != LNK_AT_CONVENTIONAL))
		return LNK_NA;
	msg->regs = REG(LNK_R_PCIECAP);
	return found(msg, "%s",
		     f->place == LNK_AT_ROOT ? "it stands on a root bus" :
					       "it stands on a conventional bus");
}

static const struct lnk_rule no_port = {
	.id = "LNK202",
	.severity = LNK_NOTICE,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.unless = LNK_Q_EMULATED,
	.guest_only = true,
	.fn = check_202,
	.title = "The device has no port above it that the guest can see",
	.why = "There is nothing to compare its link with, and a driver that asks for the port "
	       "above finds none.",
	.fix = "Nothing, where the hypervisor gives every device a bus of its own; else put the "
	       "device behind a PCIe port.",
};

static bool is_slowest(const struct lnk_fn *port)
{
	return port->max_speed == 1 && port->max_width == 1;
}

static enum lnk_verdict check_203(const struct lnk_link *l, struct lnk_msg *msg)
{
	if (!is_slowest(l->above) || !can_less(l))
		return LNK_PASS;
	if (!lnk_knows(l->above, LNK_R_ECAPS))
		return skipped(msg, LNK_R_ECAPS);
	if (l->above->reg[LNK_R_ECAPS] & LNK_E_ACS)
		return LNK_PASS;
	return found(msg, "the port claims 2.5GT/s x1 and has no ACS capability, device can do %s",
		     max_words(l->below).text);
}

static const struct lnk_rule legacy_machine = {
	.id = "LNK203",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = MAXLINK,
	.needs_above = MAXLINK,
	.unless = NO_LINK,
	.only_above = LNK_Q_GENERIC,
	.link = check_203,
	.title = "The machine type is so old that its ports are 2.5GT/s x1",
	.why = "QEMU keeps the registers of a machine type for ever, so that guests can be moved. "
	       "Up to version 3.1 every pcie-root-port was 2.5GT/s x1; since 4.0 it is 16GT/s x32.",
	.fix = "Choose a machine type of version 4.0 or later, or set x-speed and x-width.",
};

static enum lnk_verdict check_204(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *f = l->below;

	if (lnk_knows(l->above, LNK_R_MAXLINK) ? !can_less(l) :
						 f->max_speed == 1 && f->max_width == 1)
		return LNK_PASS;
	msg->regs_above = MAXLINK | REG(LNK_R_LNKCAP);
	if (!lnk_knows(l->above, LNK_R_MAXLINK))
		return found(msg, "%s advertises no speed and no width, device can do %s",
			     l->above->fixup->name, max_words(f).text);
	return found(msg, "%s has a fixed link of %s, device can do %s", l->above->fixup->name,
		     max_words(l->above).text, max_words(f).text);
}

static const struct lnk_rule old_silicon = {
	.id = "LNK204",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = MAXLINK,
	.needs_above = REG(LNK_R_PCIECAP),
	.unless = NO_LINK,
	.only_above = LNK_Q_FIXED,
	.link = check_204,
	.title = "The virtual port is modelled on old silicon with a fixed slow link",
	.why = "The chip it imitates had 2.5GT/s x1, and so has the imitation; no setting changes "
	       "it.",
	.fix = "Replace the port by a pcie-root-port and give it the device's link.",
};

/* Is there a device in another virtual slot, that a serial number could be compared with? */
static bool could_be_split(const struct lnk_model *m, const struct lnk_fn *f)
{
	size_t i;

	for (i = 0; lnk_in_virtual_slot(f) && i < m->n_links; i++)
		if (m->links[i].above != f->parent && lnk_in_virtual_slot(m->links[i].below))
			return true;
	return false;
}

static enum lnk_verdict check_205(const struct lnk_fn *f, struct lnk_msg *msg)
{
	char at[LNK_ADDR_LEN];

	if (!f->twin && f->unread & REG(LNK_R_DSNLO) && could_be_split(msg->model, f))
		return skipped(msg, LNK_R_DSNLO);
	if (!f->twin)
		return f->place == LNK_AT_PORT ? LNK_PASS : LNK_NA;
	msg->other = f->twin;
	msg->regs = msg->other_regs = REG(LNK_R_DSNLO) | REG(LNK_R_DSNHI) | REG(LNK_R_SUBSYS);
	return found(msg, "belongs with %s, which is in another virtual slot",
		     lnk_addr_str(f->twin->addr, at));
}

static const struct lnk_rule split_device = {
	.id = "LNK205",
	.severity = LNK_NOTICE,
	.actor = LNK_HOST,
	.subject = LNK_ON_FN,
	.unless = NO_LINK,
	.guest_only = true,
	.fn = check_205,
	.title = "Functions of one physical device are in several virtual slots",
	.why = "They share one wire, one reset and one power state, which the guest cannot know.",
	.fix = "Put them into one slot as functions of one device.",
};

static enum lnk_verdict check_206(const struct lnk_link *l, struct lnk_msg *msg)
{
	msg->regs_above = REG(LNK_R_ID);
	return found(msg, "%s: %s", l->above->fixup ? l->above->fixup->name : "port",
		     l->above->fixup ? l->above->fixup->reason : "internal link");
}

static const struct lnk_rule not_the_slot = {
	.id = "LNK206",
	.severity = LNK_INFO,
	.actor = LNK_NOBODY,
	.subject = LNK_ON_LINK,
	.unless = NO_LINK,
	.only_above = LNK_Q_ONCARD | LNK_Q_TUNNEL,
	.link = check_206,
	.title = "The visible link is not the slot's",
	.why = "It runs inside the card or through a tunnel. The link that carries the data is "
	       "further up, or out of sight.",
	.fix = "Nothing. Look at the link above the card's own switch.",
};

static enum lnk_verdict check_207(const struct lnk_fn *f, struct lnk_msg *msg)
{
	msg->regs = REG(LNK_R_ID) | REG(LNK_R_LNKSTA);
	return found(msg, "%s has no speed or width to judge",
		     f->live && f->live->vf ? "the VF" : "what looks like a VF");
}

static const struct lnk_rule virtual_function = {
	.id = "LNK207",
	.severity = LNK_INFO,
	.actor = LNK_NOBODY,
	.subject = LNK_ON_FN,
	.only = LNK_Q_VF,
	.fn = check_207,
	.title = "A virtual function carries no link status of its own",
	.why = "It shares the link of its physical function, which the guest cannot see.",
	.fix = "Nothing. The owner of the host can look at the physical function.",
};

/* ---- 3xx: settings across a physical link ------------------------------------------------- */

static enum lnk_verdict check_301(const struct lnk_link *l, struct lnk_msg *msg)
{
	if (!(l->above->reg[LNK_R_LNKCTL] & PCI_EXP_LNKCTL_DISABLE))
		return LNK_PASS;
	return found(msg, "the port's link is switched off (Link Disable)");
}

static const struct lnk_rule link_disabled = {
	.id = "LNK301",
	.severity = LNK_ERROR,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs_above = REG(LNK_R_LNKCTL),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.even_down = true,
	.link = check_301,
	.title = "The link is disabled with a device below",
	.why = "Software or firmware set the port's Link Disable bit: the device cannot be "
	       "reached.",
	.fix = "Clear bit 4 of the port's LNKCTL, or look at what set it (hot-plug, DPC, a tool).",
};

static enum lnk_verdict check_302(const struct lnk_fn *f, struct lnk_msg *msg)
{
	bool training = f->reg[LNK_R_LNKSTA] & PCI_EXP_LNKSTA_TRAIN;

	if (!lnk_faces_down(f))
		return LNK_NA;
	if (!training)
		return LNK_PASS;
	if (f->live && f->live->training_twice)
		return found(msg, "the training bit was set on two reads");
	if (!link_inactive(f) || live_child(f))
		return LNK_PASS;
	return found(msg, "the training bit is set and the link is down");
}

static const struct lnk_rule never_trains = {
	.id = "LNK302",
	.severity = LNK_ERROR,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_LNKCAP) | REG(LNK_R_LNKSTA),
	.unless = LNK_Q_VIRTUAL | LNK_Q_TUNNEL,
	.fn = check_302,
	.title = "The link keeps training",
	.why = "The port tries to bring the link up and does not get there.",
	.fix = "Reseat the card, try another slot, look for firmware updates of both.",
};

static enum lnk_verdict check_303(const struct lnk_link *l, struct lnk_msg *msg)
{
	uint32_t up = l->above->reg[LNK_R_LNKSTA], down = l->below->reg[LNK_R_LNKSTA];

	if (!((l->above->reg[LNK_R_LNKCTL] | l->below->reg[LNK_R_LNKCTL]) & PCI_EXP_LNKCTL_CLOCK) ||
	    !((up ^ down) & PCI_EXP_LNKSTA_SL_CLK))
		return LNK_PASS;
	return found(msg, "SlotClk%c at the port, SlotClk%c at the device, CommClk+",
		     up & PCI_EXP_LNKSTA_SL_CLK ? '+' : '-',
		     down & PCI_EXP_LNKSTA_SL_CLK ? '+' : '-');
}

static const struct lnk_rule clocks_differ = {
	.id = "LNK303",
	.severity = LNK_NOTICE,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = REG(LNK_R_LNKCTL) | REG(LNK_R_LNKSTA),
	.needs_above = REG(LNK_R_LNKCTL) | REG(LNK_R_LNKSTA),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_303,
	.title = "A common clock is configured, but the slot clocks differ",
	.why = "One end says that it does not use the slot's clock. Healthy machines show this, "
	       "too.",
	.fix = "Nothing, unless the link shows errors: then look for a firmware update.",
};

static enum lnk_verdict check_304(const struct lnk_link *l, struct lnk_msg *msg)
{
	const struct lnk_fn *up = l->above, *f = l->below;
	uint32_t up_on = FIELD_GET(PCI_EXP_LNKCTL_ASPM, up->reg[LNK_R_LNKCTL]);
	uint32_t down_on = FIELD_GET(PCI_EXP_LNKCTL_ASPM, f->reg[LNK_R_LNKCTL]);
	uint32_t up_can = FIELD_GET(PCI_EXP_LNKCAP_ASPM, up->reg[LNK_R_LNKCAP]);
	uint32_t down_can = FIELD_GET(PCI_EXP_LNKCAP_ASPM, f->reg[LNK_R_LNKCAP]);

	if (up_on & ~down_can)
		return found(msg, "the port has ASPM %s on, the device does not support it",
			     up_on & ~down_can & 1 ? "L0s" : "L1");
	if (down_on & ~up_can)
		return found(msg, "the device has ASPM %s on, the port does not support it",
			     down_on & ~up_can & 1 ? "L0s" : "L1");
	return LNK_PASS;
}

static const struct lnk_rule aspm_one_sided = {
	.id = "LNK304",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = REG(LNK_R_LNKCTL) | REG(LNK_R_LNKCAP),
	.needs_above = REG(LNK_R_LNKCTL) | REG(LNK_R_LNKCAP),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_304,
	.title = "Power saving is enabled that the other end does not support",
	.why = "One end may enter a link state that the other cannot leave: links hang or drop.",
	.fix = "Boot with pcie_aspm.policy=performance to see whether it matters; look for a "
	       "firmware update.",
};

static enum lnk_verdict check_305(const struct lnk_link *l, struct lnk_msg *msg)
{
	unsigned up = FIELD_GET(PCI_EXP_DEVCTL_PAYLOAD, l->above->reg[LNK_R_DEVCTL]);
	unsigned down = FIELD_GET(PCI_EXP_DEVCTL_PAYLOAD, l->below->reg[LNK_R_DEVCTL]);

	if (down <= up)
		return LNK_PASS;
	return found(msg, "the device sends up to %u bytes, the port takes %u", 128u << down,
		     128u << up);
}

static const struct lnk_rule payload_too_large = {
	.id = "LNK305",
	.severity = LNK_ERROR,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = REG(LNK_R_DEVCTL),
	.needs_above = REG(LNK_R_DEVCTL),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_305,
	.title = "The device's payload size is larger than the port's",
	.why = "The port treats packets above its own size as malformed and drops them.",
	.fix = "Boot with pci=pcie_bus_safe, which sets one size for the whole path.",
};

static enum lnk_verdict check_306(const struct lnk_link *l, struct lnk_msg *msg)
{
	bool up = l->above->reg[LNK_R_LNKCTL2] & PCI_EXP_LNKCTL2_CMPLNC;
	bool down = l->below->reg[LNK_R_LNKCTL2] & PCI_EXP_LNKCTL2_CMPLNC;

	if (!up && !down)
		return LNK_PASS;
	return found(msg, "Enter Compliance is set at the %s",
		     !down ? "port" :
		     up	   ? "port and the device" :
			     "device");
}

static const struct lnk_rule compliance = {
	.id = "LNK306",
	.severity = LNK_WARNING,
	.actor = LNK_HOST,
	.subject = LNK_ON_LINK,
	.needs = REG(LNK_R_LNKCTL2),
	.needs_above = REG(LNK_R_LNKCTL2),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_306,
	.title = "The link is set to enter compliance mode",
	.why = "That mode is for measuring signals in a laboratory. After the next reset the link "
	       "does not come up.",
	.fix = "Clear bit 4 of LNKCTL2 at that end.",
};

/* ---- 4xx: evidence of a bad wire ---------------------------------------------------------- */

/* Is f an end of a wire of copper? In a guest the errors that it logs are the hypervisor's. */
static bool on_real_wire(const struct lnk_model *m, const struct lnk_fn *f)
{
	const struct lnk_link *l = lnk_faces_down(f) ? f->below : f->link;

	if (!l || f->reach == LNK_READ_FFS)
		return false;
	if (!l->above)
		return m->env.guest != LNK_GUEST_YES;
	return lnk_on_copper(l);
}

struct bit_name {
	uint32_t bit;
	const char *name;
};

/* "bad TLP, receiver error": the names of the bits of @value that @names knows; "" if none. */
static char *bit_words(struct lnk_arena *a, uint32_t value, const struct bit_name *names, size_t n)
{
	char *text = lnk_strf(a, "%s", "");
	size_t i;

	for (i = 0; i < n; i++)
		if (value & names[i].bit)
			text = lnk_strf(a, "%s%s%s", text, *text ? ", " : "", names[i].name);
	return text;
}

static enum lnk_verdict check_401(const struct lnk_fn *f, struct lnk_msg *msg)
{
	static const struct bit_name names[] = {
		{PCI_ERR_COR_RCVR, "receiver error"},
		{PCI_ERR_COR_BAD_TLP, "bad TLP"},
		{PCI_ERR_COR_BAD_DLLP, "bad DLLP"},
		{PCI_ERR_COR_REP_ROLL, "replay number rollover"},
		{PCI_ERR_COR_REP_TIMER, "replay timer timeout"},
	};
	char *words;

	words = bit_words(msg->arena, f->reg[LNK_R_AERCOR], names, ARRAY_SIZE(names));
	if (!*words)
		return LNK_PASS;
	if (f->live && f->live->aer_growing)
		return found(msg, "%s; the kernel's count grew while we looked", words);
	lower(msg, LNK_NOTICE);
	return found(msg, "%s since power-on", words);
}

static const struct lnk_rule correctable_errors = {
	.id = "LNK401",
	.severity = LNK_WARNING,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_AERCOR),
	.unless = NO_WIRE | NO_WIRE_ABOVE,
	.copper_only = true,
	.fn = check_401,
	.title = "Correctable link errors were logged",
	.why = "Packets were damaged on the wire and sent again. The bits stay set since power-on, "
	       "and most healthy machines show some; a count that grows costs speed.",
	.fix = "Watch aer_dev_correctable in sysfs. If it grows, reseat the card and the riser.",
};

static enum lnk_verdict check_402(const struct lnk_fn *f, struct lnk_msg *msg)
{
	static const struct bit_name names[] = {
		{PCI_ERR_UNC_DLP, "data link protocol error"},
		{PCI_ERR_UNC_SDES, "surprise link down"},
	};
	char *words;

	words = bit_words(msg->arena, f->reg[LNK_R_AERUNCOR], names, ARRAY_SIZE(names));
	return *words ? found(msg, "%s", words) : LNK_PASS;
}

static const struct lnk_rule uncorrectable_errors = {
	.id = "LNK402",
	.severity = LNK_ERROR,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_AERUNCOR),
	.unless = NO_WIRE | NO_WIRE_ABOVE,
	.copper_only = true,
	.fn = check_402,
	.title = "Uncorrectable link errors were logged",
	.why = "The link broke the protocol or went down by surprise: data was lost.",
	.fix = "Reseat the card and the riser, look at power, try another slot.",
};

static enum lnk_verdict check_403(const struct lnk_fn *f, struct lnk_msg *msg)
{
	if (!f->reg[LNK_R_LANEERR])
		return LNK_PASS;
	return found(msg, "lanes %08x", f->reg[LNK_R_LANEERR]);
}

static const struct lnk_rule lane_errors = {
	.id = "LNK403",
	.severity = LNK_NOTICE,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_FN,
	.needs = REG(LNK_R_LANEERR),
	.unless = NO_WIRE | NO_WIRE_ABOVE,
	.copper_only = true,
	.fn = check_403,
	.title = "Lane errors were logged",
	.why = "Single lanes saw errors, often only while the link was being set up.",
	.fix = "Nothing, unless the link runs narrow or slow: then reseat the card.",
};

static bool equalised(const struct lnk_fn *f)
{
	return !lnk_knows(f, LNK_R_LNKSTA2) || f->reg[LNK_R_LNKSTA2] & PCI_EXP_LINKSTA2_EQU_COMP;
}

/* LNKSTA2 was read once, with the first look; since then the link has run at another speed. */
static bool came_up(const struct lnk_fn *f)
{
	return was_sampled(f) &&
	       FIELD_GET(PCI_EXP_LNKSTA_SPEED, f->live->samples->first) != f->cur_speed;
}

static enum lnk_verdict check_404(const struct lnk_link *l, struct lnk_msg *msg)
{
	if (l->below->cur_speed < 3 || came_up(l->below))
		return LNK_NA;
	if (equalised(l->above) && equalised(l->below))
		return LNK_PASS;
	return found(msg, "runs %s, equalisation is not complete at the %s",
		     lnk_speed_name(l->below->cur_speed), equalised(l->above) ? "device" : "port");
}

static const struct lnk_rule not_equalised = {
	.id = "LNK404",
	.severity = LNK_NOTICE,
	.actor = LNK_HARDWARE,
	.subject = LNK_ON_LINK,
	.needs = CURLINK | REG(LNK_R_LNKSTA2),
	.needs_above = REG(LNK_R_LNKSTA2),
	.unless = NO_WIRE,
	.unless_above = NO_WIRE_ABOVE,
	.link = check_404,
	.title = "Equalisation is not complete",
	.why = "From 8GT/s on the two ends tune their signals to each other. They did not finish, "
	       "so errors are likelier.",
	.fix = "Nothing, unless errors are logged: then look for a firmware update.",
};

/* ---- 9xx: the input itself ---------------------------------------------------------------- */

static bool header_only(const struct lnk_fn *f)
{
	/* Decoded text beside the bytes went further; sysfs tells what has no link. */
	if ((f->text && f->text->known & REG(LNK_R_PCIECAP)) || f->absent & REG(LNK_R_PCIECAP))
		return false;
	return (f->denied && !lnk_knows(f, LNK_R_PCIECAP)) ||
	       (f->reach == LNK_READ_HEADER && f->caps_end == LNK_LIST_UNKNOWN);
}

static enum lnk_verdict check_901(const struct lnk_model *m, struct lnk_msg *msg)
{
	size_t i, n = 0, guessed = 0;

	for (i = 0; i < m->n_fns; i++) {
		if (!header_only(&m->fns[i]))
			continue;
		n++;
		guessed += m->fns[i].type_inferred || m->fns[i].from_attr & ENDS;
	}
	if (!n)
		return LNK_PASS;
	return found(msg, "%zu of %zu functions show their first 64 bytes only%s", n, m->n_fns,
		     guessed ? "; speeds and widths are sysfs attributes" : "");
}

static const struct lnk_rule headers_only = {
	.id = "LNK901",
	.severity = LNK_WARNING,
	.actor = LNK_GUEST,
	.subject = LNK_ON_CAPTURE,
	.capture = check_901,
	.title = "Only the 64-byte headers were readable",
	.why = "Speeds, widths and errors stand behind them. The kernel shows those registers to "
	       "root only, and lspci -x does not print them.",
	.fix = "Run it as root, in a container with CAP_SYS_ADMIN; take captures as root with "
	       "lspci "
	       "-vvxxxx or lnkinspect --capture.",
};

/* Functions that lack bytes that a link needs, though more than the header was captured. */
static const struct lnk_fn *first_cut(const struct lnk_model *m, size_t *n)
{
	const struct lnk_fn *first = NULL;
	size_t i;

	for (*n = i = 0; i < m->n_fns; i++) {
		const struct lnk_fn *f = &m->fns[i];

		if (f->reach != LNK_READ_PART)
			continue;
		if (!first)
			first = f;
		++*n;
	}
	return first;
}

static enum lnk_verdict check_902(const struct lnk_model *m, struct lnk_msg *msg)
{
	size_t i, shown = least((unsigned)m->n_damage, LNK_MAX_DAMAGE), n;
	const struct lnk_fn *cut = first_cut(m, &n);
	char *text = lnk_strf(msg->arena, "%s", "");
	char at[LNK_ADDR_LEN];

	if (!m->n_damage && !cut)
		return LNK_PASS;
	if (m->n_damage)
		text = lnk_strf(msg->arena, "%zu %s%s skipped", m->n_damage,
				m->damage[0].line ? "line" : "part", m->n_damage == 1 ? "" : "s");
	for (i = 0; i < shown && i < 8; i++) {
		text = lnk_strf(msg->arena, "%s%s", text, i ? "," : ":");
		if (m->damage[i].line)
			text = lnk_strf(msg->arena, "%s line %u", text, m->damage[i].line);
		text = lnk_strf(msg->arena, "%s (%s)", text, m->damage[i].what);
	}
	if (m->n_damage > i && i)
		text = lnk_strf(msg->arena, "%s, and %zu more", text, m->n_damage - i);
	if (cut)
		text = lnk_strf(msg->arena, "%s%sbytes are missing in %zu function%s, first %s",
				text, *text ? "; " : "", n, n == 1 ? "" : "s",
				lnk_addr_str(cut->addr, at));
	msg->text = text;
	return LNK_FOUND;
}

static const struct lnk_rule damaged = {
	.id = "LNK902",
	.severity = LNK_WARNING,
	.actor = LNK_GUEST,
	.subject = LNK_ON_CAPTURE,
	.capture = check_902,
	.title = "The capture is damaged or cut",
	.why = "What was damaged was not used; what depends on it was not judged.",
	.fix = "Take the capture again, as a file, not pasted: lspci -vvxxxx as root.",
};

/* A port says that a device is there, and none is listed below it: one that sleeps, perhaps. */
static bool child_missing(const struct lnk_model *m, const struct lnk_fn *f)
{
	if (m->env.complete || f->bus_clash)
		return false;
	return f->vacancy == LNK_CLAIMS_LINK ||
	       (f->vacancy == LNK_NOT_LISTED && lnk_knows(f, LNK_R_SLTSTA) &&
		f->reg[LNK_R_SLTSTA] & PCI_EXP_SLTSTA_PRES && !(f->quirks & NO_WIRE_ABOVE));
}

/* It stands in a list, and nothing else was said of it. */
static bool named_only(const struct lnk_fn *f)
{
	return f->reach == LNK_READ_TEXT && !f->denied && f->text &&
	       !(f->text->known & ~(REG(LNK_R_ID) | REG(LNK_R_CLASS) | REG(LNK_R_HEADER) |
				    REG(LNK_R_BUSES) | REG(LNK_R_SUBSYS)));
}

/* A bridge of which more is known than its name, and not what kind of bridge it is. */
static bool may_be_port(const struct lnk_fn *f)
{
	return f->type == LNK_T_UNKNOWN && f->class24 == PCI_CLASS_BRIDGE_PCI << 8 &&
	       f->reach != LNK_READ_FFS && !f->n_children && !named_only(f);
}

/* Nothing says whether a device is below it, in a capture that need not be whole. */
static bool child_in_doubt(const struct lnk_model *m, const struct lnk_fn *f)
{
	if (m->whole || f->bus_clash || child_missing(m, f) || f->quirks & LNK_Q_TUNNEL)
		return false;
	/* Its slot tells; or it has no link, or none that runs. */
	if (lnk_knows(f, LNK_R_SLTSTA) || f->absent & REG(LNK_R_CURLINK))
		return false;
	return f->vacancy == LNK_NOT_LISTED || may_be_port(f);
}

static bool child_unread(const struct lnk_link *l)
{
	return l->lost && named_only(l->below);
}

static bool parent_missing(const struct lnk_link *l)
{
	return !l->above && l->below->place == LNK_AT_ORPHAN && !named_only(l->below);
}

static bool parent_unread(const struct lnk_link *l)
{
	return l->lost && l->above && named_only(l->above) && !named_only(l->below);
}

/* What is not in the capture, in words; and the one part of a machine that would mend it. */
struct lack {
	const char *text;
	const char *slot; /* for lspci -s; "": there is more than one */
};

static void add_lack(struct lnk_msg *msg, struct lack *to, const char *slot, const char *text)
{
	to->slot = to->text ? "" : slot;
	to->text = to->text ? lnk_strf(msg->arena, "%s; %s", to->text, text) : text;
}

/* What one end says of its link, where only the other one could tell whether more is possible. */
static const char *own_words(struct lnk_arena *a, const struct lnk_fn *f)
{
	if (!lnk_knows(f, LNK_R_MAXLINK) || !lnk_knows(f, LNK_R_CURLINK) ||
	    (f->cur_speed >= f->max_speed && f->cur_width >= f->max_width))
		return "";
	return lnk_strf(a, " (runs %s, can do %s: whether its slot can is not known)",
			cur_words(f).text, max_words(f).text);
}

static void look_at_links(struct lnk_msg *msg, struct lack *to, const char *what,
			  bool (*missing)(const struct lnk_link *))
{
	const struct lnk_model *m = msg->model;
	const struct lnk_link *first = NULL;
	char at[LNK_ADDR_LEN];
	const char *slot = "";
	size_t i, n = 0;

	for (i = 0; i < m->n_links; i++) {
		if (!missing(&m->links[i]))
			continue;
		n++;
		if (!first)
			first = &m->links[i];
	}
	if (!first)
		return;
	if (first->above && n == 1)
		slot = lnk_strf(msg->arena, " -s %s", lnk_addr_str(first->above->addr, at));
	add_lack(msg, to, slot,
		 lnk_strf(msg->arena, "%s for %zu device%s, first %s%s", what, n, n == 1 ? "" : "s",
			  lnk_addr_str(first->below->addr, at),
			  own_words(msg->arena, first->below)));
}

static void look_for_children(struct lnk_msg *msg, struct lack *to, const char *what,
			      bool (*missing)(const struct lnk_model *, const struct lnk_fn *))
{
	const struct lnk_model *m = msg->model;
	const struct lnk_fn *first = NULL;
	char at[LNK_ADDR_LEN];
	const char *slot = "";
	size_t i, n = 0;

	for (i = 0; i < m->n_fns; i++) {
		if (!missing(m, &m->fns[i]))
			continue;
		n++;
		if (!first)
			first = &m->fns[i];
	}
	if (!first)
		return;
	if (n == 1 && lnk_knows(first, LNK_R_BUSES))
		slot = lnk_strf(msg->arena, " -s %04x:%02x:", first->addr.domain, first->secondary);
	add_lack(msg, to, slot,
		 lnk_strf(msg->arena, "%s for %zu port%s, first %s", what, n, n == 1 ? "" : "s",
			  lnk_addr_str(first->addr, at)));
}

static enum lnk_verdict check_903(const struct lnk_model *m, struct lnk_msg *msg)
{
	struct lack lack = {0};

	(void)m;
	look_at_links(msg, &lack, "the port above is not in the capture", parent_missing);
	look_at_links(msg, &lack, "the registers of the port above are not in the capture",
		      parent_unread);
	look_for_children(msg, &lack, "the device below is not in the capture", child_missing);
	look_for_children(msg, &lack, "whether there is a device below is not in the capture",
			  child_in_doubt);
	look_at_links(msg, &lack, "only the name is in the capture", child_unread);
	if (!lack.text)
		return LNK_PASS;
	return found(msg, "%s: send also the output of lspci -vvxxxx%s", lack.text, lack.slot);
}

static const struct lnk_rule some_functions = {
	.id = "LNK903",
	.severity = LNK_NOTICE,
	.actor = LNK_GUEST,
	.subject = LNK_ON_CAPTURE,
	.capture = check_903,
	.title = "The capture holds some functions only",
	.why = "A link has two ends. One of them was not captured, so they cannot be compared.",
	.fix = "Capture the whole machine: lspci -vvxxxx as root, without -s or -d.",
};

static enum lnk_verdict check_904(const struct lnk_model *m, struct lnk_msg *msg)
{
	if (m->snapshots < 2)
		return LNK_PASS;
	return found(msg, "%u snapshots in one file, this one from line %u on", m->snapshots,
		     m->line);
}

static const struct lnk_rule snapshots = {
	.id = "LNK904",
	.severity = LNK_NOTICE,
	.actor = LNK_GUEST,
	.subject = LNK_ON_CAPTURE,
	.capture = check_904,
	.title = "The file holds several snapshots",
	.why = "One address stands there more than once, with different bytes. Each snapshot was "
	       "judged as a capture of its own.",
	.fix = "Nothing. Compare the verdicts.",
};

static enum lnk_verdict check_905(const struct lnk_model *m, struct lnk_msg *msg)
{
	size_t i, n = 0;

	for (i = 0; i < m->n_fns; i++)
		n += m->fns[i].from_text & ~(REG(LNK_R_ID) | REG(LNK_R_CLASS) | REG(LNK_R_HEADER) |
					     REG(LNK_R_SUBSYS)) ||
		     m->fns[i].reach == LNK_READ_TEXT;
	if (!n)
		return LNK_PASS;
	return found(msg, "%zu of %zu functions have lspci's words where registers are missing", n,
		     m->n_fns);
}

static const struct lnk_rule from_words = {
	.id = "LNK905",
	.severity = LNK_INFO,
	.actor = LNK_GUEST,
	.subject = LNK_ON_CAPTURE,
	.capture = check_905,
	.title = "Values are from decoded text, not from registers",
	.why = "lspci's words hold speeds and widths, but not every bit. Rules that need more were "
	       "skipped.",
	.fix = "Capture the registers as well: lspci -vvxxxx as root.",
};

static enum lnk_verdict check_906(const struct lnk_fn *f, struct lnk_msg *msg)
{
	/* What walk.c compares, beside the ids that each header has. */
	const uint32_t compared = ENDS | REG(LNK_R_BUSES) | REG(LNK_R_PCIECAP) | REG(LNK_R_DEVCTL) |
				  REG(LNK_R_LNKCTL);
	char *text;
	unsigned r;

	if (!f->differs)
		return f->text && f->text->known & compared && f->cfg.n_spans ? LNK_PASS : LNK_NA;
	msg->regs = f->differs;
	text = lnk_strf(msg->arena, "%s", "");
	for (r = 0; r < LNK_REGS; r++)
		if (f->differs & REG(r))
			text = lnk_strf(msg->arena, "%s%s%s", text, *text ? ", " : "",
					lnk_reg_name(r));
	return found(msg, "%s", text);
}

static const struct lnk_rule words_contradict = {
	.id = "LNK906",
	.severity = LNK_NOTICE,
	.actor = LNK_GUEST,
	.subject = LNK_ON_FN,
	.fn = check_906,
	.title = "Decoded text contradicts the bytes beside it",
	.why = "The two were taken at different moments, or one was edited. The bytes were used.",
	.fix = "Take the capture again, in one go.",
};

static enum lnk_verdict check_907(const struct lnk_model *m, struct lnk_msg *msg)
{
	if (m->limit)
		return found(msg, "%s", m->limit);
	if (m->n_damage > LNK_MAX_DAMAGE)
		return found(msg, "%zu damaged lines: the first %u are kept", m->n_damage,
			     LNK_MAX_DAMAGE);
	return LNK_PASS;
}

static const struct lnk_rule limit_reached = {
	.id = "LNK907",
	.severity = LNK_WARNING,
	.actor = LNK_GUEST,
	.subject = LNK_ON_CAPTURE,
	.capture = check_907,
	.title = "A limit was reached",
	.why = "The input is larger or more broken than any real machine's. The rest was left out.",
	.fix = "Split the input, or mend it.",
};

static enum lnk_verdict check_908(const struct lnk_fn *f, struct lnk_msg *msg)
{
	if (f->reach != LNK_READ_ASLEEP)
		return LNK_NA;
	return found(msg, "%s; its registers were not read",
		     f->live->power_state ? f->live->power_state : "runtime-suspended");
}

static const struct lnk_rule left_asleep = {
	.id = "LNK908",
	.severity = LNK_INFO,
	.actor = LNK_GUEST,
	.subject = LNK_ON_FN,
	.fn = check_908,
	.title = "The function is asleep and was not woken",
	.why = "Reading its registers would wake it. Its link was not judged.",
	.fix = "Use the device and look again, or let --wake read it, which wakes it up.",
};

/* ---- The list ----------------------------------------------------------------------------- */

const struct lnk_rule *const lnk_rules[] = {
	&faster_than_port,
	&virtual_port_claims_less,
	&slot_is_the_limit,
	&ends_disagree,
	&width_below_both_ends,
	&speed_below_both_ends,
	&held_by_target,
	&slow_hop,
	&card_without_link,
	&status_above_capability,
	&void_capability,
	&vector_contradicts,
	&siblings_disagree,
	&all_ones,
	&broken_list,
	&bus_numbers,
	&link_hidden,
	&no_port,
	&legacy_machine,
	&old_silicon,
	&split_device,
	&not_the_slot,
	&virtual_function,
	&link_disabled,
	&never_trains,
	&clocks_differ,
	&aspm_one_sided,
	&payload_too_large,
	&compliance,
	&correctable_errors,
	&uncorrectable_errors,
	&lane_errors,
	&not_equalised,
	&headers_only,
	&damaged,
	&some_functions,
	&snapshots,
	&from_words,
	&words_contradict,
	&limit_reached,
	&left_asleep,
};
const size_t lnk_n_rules = ARRAY_SIZE(lnk_rules);

/* ---- The runner --------------------------------------------------------------------------- */

struct run {
	struct lnk_model *m;
	const struct lnk_judge *j;
	const struct lnk_rule *rule; /* the one at work, */
	struct lnk_count *count;     /* and what became of it */
};

const struct lnk_rule *lnk_rule_find(const char *id)
{
	size_t i;

	for (i = 0; i < lnk_n_rules; i++)
		if (!strcasecmp(lnk_rules[i]->id, id))
			return lnk_rules[i];
	return NULL;
}

static uint32_t index_of(const struct run *r, const struct lnk_fn *f)
{
	return f ? (uint32_t)(f - r->m->fns) : LNK_NO_FN;
}

static void keep_result(struct lnk_count *c, struct lnk_result x)
{
	if (c->n_results == c->max_results) {
		c->max_results = c->max_results ? 2 * c->max_results : 64;
		c->results = lnk_xrealloc(c->results, c->max_results * sizeof(*c->results));
	}
	c->results[c->n_results++] = x;
}

/* LNK_SKIPPED: for want of @missing of @of. */
static inline void add_result(struct run *r, enum lnk_verdict v, const struct lnk_fn *f,
			      const struct lnk_fn *of, enum lnk_reg missing)
{
	struct lnk_count *c = r->count;

	c->n[v]++;
	if (v == LNK_SKIPPED && of && missing < LNK_REGS && of->unread & REG(missing))
		c->n_left_out++;
	else if (v == LNK_SKIPPED)
		c->missing |= REG(missing);
	if (r->j->keep & BIT(v))
		keep_result(c, (struct lnk_result){
				       .fn = index_of(r, f),
				       .of = index_of(r, of),
				       .verdict = (uint8_t)v,
				       .missing = (uint8_t)missing,
			       });
}

/* The register that holds the value, if bytes gave it; else the part that words or sysfs gave. */
static enum lnk_reg evidence_reg(const struct lnk_fn *f, unsigned r)
{
	uint32_t raw = f->known & ~f->from_text;

	if (r == LNK_R_MAXLINK && raw & REG(LNK_R_LNKCAP))
		return LNK_R_LNKCAP;
	if (r == LNK_R_CURLINK && raw & REG(LNK_R_LNKSTA))
		return LNK_R_LNKSTA;
	return (enum lnk_reg)r;
}

static size_t add_evidence(struct lnk_evidence *e, size_t n, const struct lnk_fn *f, uint32_t regs)
{
	uint32_t seen = 0;
	unsigned r;

	for (r = 0; f && r < LNK_REGS; r++) {
		enum lnk_reg reg = evidence_reg(f, r);

		if (!(regs & REG(r)) || !lnk_knows(f, reg) || seen & REG(reg))
			continue;
		seen |= REG(reg);
		e[n++] = (struct lnk_evidence){.fn = f, .reg = reg};
	}
	return n;
}

static bool same_address(const struct lnk_fn *f, const char *at)
{
	struct lnk_addr addr;

	return f && lnk_addr_parse(at, &addr) && lnk_addr_key(f->addr) == lnk_addr_key(addr);
}

/* --ignore ID, or ID@ADDRESS where the address is either end's. */
static bool ignored(const struct run *r, const struct lnk_finding *x)
{
	const char *const *i;
	size_t len = strlen(r->rule->id);

	for (i = r->j->ignore; i && *i; i++) {
		if (strncasecmp(*i, r->rule->id, len))
			continue;
		if (!(*i)[len])
			return true;
		if ((*i)[len] == '@' &&
		    (same_address(x->fn, *i + len + 1) || same_address(x->above, *i + len + 1)))
			return true;
	}
	return false;
}

static void keep_finding(struct lnk_model *m, const struct lnk_finding *x)
{
	if (m->n_findings == m->max_findings) {
		m->max_findings = m->max_findings ? 2 * m->max_findings : 16;
		m->findings = lnk_xrealloc(m->findings, m->max_findings * sizeof(*m->findings));
	}
	m->findings[m->n_findings++] = *x;
}

/* False where it is to be ignored. */
static bool add_finding(struct run *r, const struct lnk_link *l, const struct lnk_fn *f,
			const struct lnk_msg *msg)
{
	struct lnk_evidence e[3 * LNK_REGS], *kept;
	struct lnk_finding x = {
		.rule = r->rule,
		.severity = msg->severity,
		.link = l,
		.fn = f,
		.above = l ? l->above : NULL,
		.below = l ? l->below : NULL,
		.other = msg->other,
		.message = msg->text,
	};
	size_t n = 0;

	if (ignored(r, &x))
		return false;
	n = add_evidence(e, n, x.above, r->rule->needs_above | msg->regs_above);
	n = add_evidence(e, n, f, r->rule->needs | msg->regs);
	n = add_evidence(e, n, x.other, msg->other_regs);
	kept = lnk_alloc(&r->m->arena, n * sizeof(*e));
	memcpy(kept, e, n * sizeof(*e));
	x.evidence = kept;
	x.n_evidence = n;
	keep_finding(r->m, &x);
	return true;
}

/* What a rule said becomes a finding, a skip, or a count. */
static inline void settle(struct run *r, enum lnk_verdict v, const struct lnk_link *l,
			  const struct lnk_fn *f, const struct lnk_msg *msg)
{
	if (v == LNK_FOUND && !add_finding(r, l, f, msg))
		v = LNK_PASS;
	add_result(r, v, f, f, msg->missing);
}

/* Can the rule mean anything there, whatever is known? */
static inline bool fits(const struct run *r, const struct lnk_fn *f)
{
	const struct lnk_rule *x = r->rule;

	if (f->absent & x->needs || f->quirks & x->unless || (x->only && !(f->quirks & x->only)))
		return false;
	if (x->copper_only && !on_real_wire(r->m, f))
		return false;
	return !x->guest_only || r->m->env.guest == LNK_GUEST_YES;
}

static bool fits_above(const struct run *r, const struct lnk_fn *up)
{
	const struct lnk_rule *x = r->rule;

	if (!up)
		return !x->only_above && !x->needs_above;
	return !(up->absent & x->needs_above) && !(up->quirks & x->unless_above) &&
	       (!x->only_above || up->quirks & x->only_above);
}

/* For want of the first register of @of that is needed and not known. */
static void skip(struct run *r, const struct lnk_fn *f, const struct lnk_fn *of, uint32_t needs)
{
	add_result(r, LNK_SKIPPED, f, of, (enum lnk_reg)__builtin_ctz(needs & ~of->known));
}

static inline struct lnk_msg new_msg(struct run *r)
{
	return (struct lnk_msg){
		.model = r->m,
		.arena = &r->m->arena,
		.severity = r->rule->severity,
		.missing = LNK_REGS,
	};
}

static void judge_link(struct run *r, const struct lnk_link *l)
{
	const struct lnk_fn *f = l->below, *up = l->above;
	const struct lnk_rule *x = r->rule;

	if ((l->state == LNK_DOWN && !x->even_down) || !fits(r, f) || !fits_above(r, up)) {
		add_result(r, LNK_NA, f, NULL, LNK_REGS);
	} else if (up && x->needs_above & ~up->known) {
		skip(r, f, up, x->needs_above);
	} else if (x->needs & ~f->known) {
		skip(r, f, f, x->needs);
	} else {
		struct lnk_msg msg = new_msg(r);

		settle(r, x->link(l, &msg), l, f, &msg);
	}
}

static void judge_fn(struct run *r, const struct lnk_fn *f)
{
	if (!fits(r, f)) {
		add_result(r, LNK_NA, f, NULL, LNK_REGS);
	} else if (r->rule->needs & ~f->known) {
		skip(r, f, f, r->rule->needs);
	} else {
		struct lnk_msg msg = new_msg(r);

		settle(r, r->rule->fn(f, &msg), NULL, f, &msg);
	}
}

static void judge_capture(struct run *r)
{
	struct lnk_msg msg = new_msg(r);

	settle(r, r->rule->capture(r->m, &msg), NULL, NULL, &msg);
}

static bool wanted(const struct lnk_judge *j, const struct lnk_rule *rule)
{
	const char *const *i;

	if (!j->only || !*j->only)
		return true;
	for (i = j->only; *i; i++)
		if (!strcasecmp(*i, rule->id))
			return true;
	return false;
}

/* The rules that are asked for, of those about @subject: one after another becomes r->rule. */
struct choice {
	size_t n;
	struct {
		const struct lnk_rule *rule;
		struct lnk_count *count;
	} list[ARRAY_SIZE(lnk_rules)];
};

static void choose(struct choice *c, const struct run *r, enum lnk_subject subject)
{
	size_t i;

	for (c->n = i = 0; i < lnk_n_rules; i++) {
		if (lnk_rules[i]->subject != subject || !wanted(r->j, lnk_rules[i]))
			continue;
		c->list[c->n].rule = lnk_rules[i];
		c->list[c->n++].count = &r->m->counts[i];
	}
}

static inline void take_rule(struct run *r, const struct choice *c, size_t i)
{
	r->rule = c->list[i].rule;
	r->count = c->list[i].count;
}

/* All rules over one link, then over the next: there can be far more links than rules. */
static void run_links(struct run *r)
{
	struct choice c;
	size_t i, k;

	choose(&c, r, LNK_ON_LINK);
	for (i = 0; i < r->m->n_links; i++) {
		const struct lnk_link *l = &r->m->links[i];

		if (!l->below->shown)
			continue;
		for (k = 0; k < c.n; k++) {
			take_rule(r, &c, k);
			judge_link(r, l);
		}
	}
}

static void run_fns(struct run *r)
{
	struct choice c;
	size_t i, k;

	choose(&c, r, LNK_ON_FN);
	for (i = 0; i < r->m->n_fns; i++) {
		const struct lnk_fn *f = &r->m->fns[i];

		if (!f->shown)
			continue;
		for (k = 0; k < c.n; k++) {
			take_rule(r, &c, k);
			judge_fn(r, f);
		}
	}
}

static void run_capture(struct run *r)
{
	struct choice c;
	size_t k;

	choose(&c, r, LNK_ON_CAPTURE);
	for (k = 0; k < c.n; k++) {
		take_rule(r, &c, k);
		judge_capture(r);
	}
}

static int by_weight(const void *a, const void *b)
{
	const struct lnk_finding *x = a, *y = b;
	uint64_t ax = x->fn ? lnk_addr_key(x->fn->addr) + 1 : 0;
	uint64_t ay = y->fn ? lnk_addr_key(y->fn->addr) + 1 : 0;

	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	if (ax != ay)
		return ax < ay ? -1 : 1;
	return strcmp(x->rule->id, y->rule->id);
}

/* A link as a whole: what was found at it or at its ends, else whether its ends were compared. */
static void judge_links(struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_links; i++) {
		struct lnk_link *l = &m->links[i];

		l->verdict = LNK_PASS;
		if (l->below->quirks & NO_LINK || !l->above || l->state == LNK_DOWN ||
		    l->above->quirks & LNK_Q_TUNNEL)
			l->verdict = LNK_NA;
		if (l->lost || (l->verdict == LNK_PASS && !lnk_knows(l->above, LNK_R_MAXLINK)))
			l->verdict = LNK_SKIPPED;
		else if (l->below->absent & REG(LNK_R_CURLINK))
			l->verdict = LNK_NA;
	}
	for (i = 0; i < m->n_findings; i++) {
		const struct lnk_finding *x = &m->findings[i];
		struct lnk_link *l = !x->fn		   ? NULL :
				     lnk_faces_down(x->fn) ? x->fn->below :
							     x->fn->link;

		if (!l || x->rule->id[3] == '9' || x->severity == LNK_INFO)
			continue;
		if (l->verdict != LNK_FOUND || l->worst < x->severity)
			l->worst = (uint8_t)x->severity;
		l->verdict = LNK_FOUND;
	}
}

static size_t count_lost(const struct lnk_model *m)
{
	size_t i, n = m->damage_unplaced;

	for (i = 0; i < m->n_links; i++)
		n += m->links[i].lost && m->links[i].below->shown;
	for (i = 0; i < m->n_fns; i++)
		n += m->fns[i].shown &&
		     (child_missing(m, &m->fns[i]) || child_in_doubt(m, &m->fns[i]));
	return n;
}

void lnk_judge(struct lnk_model *m, const struct lnk_judge *j)
{
	struct run r = {.m = m, .j = j};

	m->n_counts = lnk_n_rules;
	m->counts = lnk_xmalloc(m->n_counts * sizeof(*m->counts));
	memset(m->counts, 0, m->n_counts * sizeof(*m->counts));
	run_links(&r);
	run_fns(&r);
	run_capture(&r);
	if (m->n_findings)
		qsort(m->findings, m->n_findings, sizeof(*m->findings), by_weight);
	judge_links(m);
	m->n_lost = count_lost(m);
}

int lnk_judge_check(const struct lnk_judge *j, struct lnk_err *err)
{
	const char *const *i;
	struct lnk_addr addr;

	for (i = j->only; i && *i; i++)
		if (!lnk_rule_find(*i))
			return lnk_fail(err, -EINVAL, "--only: no rule '%.32s' (see --rules)", *i);
	for (i = j->ignore; i && *i; i++) {
		const char *at = strchr(*i, '@');
		char id[8] = "";

		if (at ? (size_t)(at - *i) < sizeof(id) : strlen(*i) < sizeof(id))
			memcpy(id, *i, at ? (size_t)(at - *i) : strlen(*i));
		if (!lnk_rule_find(id))
			return lnk_fail(err, -EINVAL, "--ignore: no rule '%.32s' (see --rules)",
					*i);
		if (at && !lnk_addr_parse(at + 1, &addr))
			return lnk_fail(err, -EINVAL,
					"--ignore: '%.32s' is no address like 0000:01:00.0",
					at + 1);
	}
	return 0;
}
