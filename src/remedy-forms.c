/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remedy-forms.c - table of the forms in which a plan is written, and what all of them say alike */
#include <pci/header.h>
#include <string.h>

#include "lnkinspect.h"
#include "remedy.h"

/* In the order in which they are printed. */
static const struct lnk_form *const forms[] = {
	&lnk_form_qemu,
	&lnk_form_libvirt,
	&lnk_form_proxmox,
};

bool lnk_remedy_forms(uint32_t *set, const char *word)
{
	size_t i;

	if (!strcmp(word, "none"))
		return true;
	if (!strcmp(word, "all")) {
		*set |= BIT(ARRAY_SIZE(forms)) - 1;
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(forms); i++)
		if (!strcmp(word, forms[i]->name)) {
			*set |= (uint32_t)BIT(i);
			return true;
		}
	return false;
}

void lnk_remedy_line(struct lnk_arena *a, struct lnk_suggestion *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (s->n_lines == s->max_lines) {
		const char **more;

		s->max_lines = s->max_lines ? 2 * s->max_lines : 8;
		more = lnk_alloc(a, s->max_lines * sizeof(*more));
		if (s->n_lines)
			memcpy(more, s->lines, s->n_lines * sizeof(*more));
		s->lines = more;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->lines[s->n_lines++] = lnk_strndup(a, text, strlen(text));
}

void lnk_remedy_say(struct lnk_arena *a, struct lnk_suggestion *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->words = lnk_strf(a, "%s%s%s", s->words, *s->words ? " " : "", text);
}

/* ---- What QEMU calls things, and since when it can --------------------------------------- */

/*
 * Ports whose link can be set, and the first release that could: QEMU hw/core/machine.c
 * hw_compat_3_1 for the first.
 */
static const struct {
	const char *driver;
	unsigned since;
} settable[] = {
	{"pcie-root-port", LNK_QEMU(4, 0)},
	{"cxl-rp", LNK_QEMU(9, 2)},
	{"cxl-upstream", LNK_QEMU(9, 2)},
	{"cxl-downstream", LNK_QEMU(9, 2)},
};

/* The release from which the link of @f can be set; 0: it cannot. */
unsigned lnk_remedy_settable(const struct lnk_fn *f)
{
	size_t i;

	for (i = 0; f->fixup && i < ARRAY_SIZE(settable); i++)
		if (!strcmp(f->fixup->name, settable[i].driver))
			return settable[i].since;
	return 0;
}

bool lnk_remedy_is_fixed(const struct lnk_fn *f)
{
	return f->quirks & LNK_Q_FIXED && f->quirks & LNK_Q_VIRTUAL;
}

const char *lnk_remedy_driver(const struct lnk_fn *f)
{
	if (f->quirks & LNK_Q_STANDIN || lnk_remedy_settable(f) || lnk_remedy_is_fixed(f))
		return f->fixup->name;
	if (lnk_faces_down(f) || f->quirks & (LNK_Q_EMULATED | LNK_Q_VIRTUAL))
		return NULL;
	return "vfio-pci";
}

/* x-speed's values are GT/s with '_' for the point (QEMU hw/core/qdev-properties-system.c). */
const char *lnk_remedy_speed(unsigned code)
{
	static const char *const values[] = {"", "2_5", "5", "8", "16", "32", "64"};

	return values[code];
}

/* The oldest QEMU that can do what is planned. */
static unsigned since_of(const struct lnk_plan *p)
{
	unsigned since = LNK_QEMU(2, 9), i; /* the first with a pcie-root-port */

	for (i = 0; i < p->n && i < LNK_MAX_MEMBERS; i++) {
		if (!p->want[i].speed)
			continue;
		/* 32 and 64 came later (QEMU qapi/common.json PCIELinkSpeed). */
		since = lnk_most(since, p->want[i].speed > 4 ? LNK_QEMU(9, 0) : LNK_QEMU(4, 0));
		if (p->change == LNK_CHANGE_LINK)
			since = lnk_most(since, lnk_remedy_settable(p->fn[i]));
	}
	return since;
}

uint32_t lnk_remedy_number(const struct lnk_fn *port)
{
	return lnk_knows(port, LNK_R_LNKCAP) ?
		       FIELD_GET(PCI_EXP_LNKCAP_PORT, port->reg[LNK_R_LNKCAP]) :
		       0;
}

/* ---- From plans to suggestions ----------------------------------------------------------- */

const char *lnk_remedy_machine(const struct lnk_host *h)
{
	return h->chipset == LNK_CHIPSET_VIRT ? "virt" : "q35";
}

bool lnk_remedy_has_slot(const struct lnk_host *h, const struct lnk_plan *p,
			 struct lnk_suggestion *s)
{
	if (p->slot && h->gaps)
		lnk_remedy_say(
			h->a, s,
			"The capture lacks functions: see that nothing stands at %02x of the "
			"root bus already.",
			p->slot);
	if (p->slot || !p->needs_slot)
		return true;
	lnk_remedy_say(h->a, s,
		       "It needs a new port, and the root bus has no device number left for one.");
	return false;
}

bool lnk_remedy_has_room(const struct lnk_host *h, const struct lnk_plan *p,
			 struct lnk_suggestion *s)
{
	if (p->n <= LNK_MAX_MEMBERS && p->first_free + p->n - 1 <= 8)
		return true;
	lnk_remedy_say(h->a, s, "A slot has room for 8 functions: these are more.");
	return false;
}

/* The second way is a newer machine type, whose ports are 16GT/s x32. */
bool lnk_remedy_has_ways(const struct lnk_host *h, const struct lnk_plan *p,
			 struct lnk_suggestion *s)
{
	if (p->want[0].speed > 4 || h->chipset == LNK_CHIPSET_UNKNOWN) {
		lnk_remedy_say(h->a, s, "It sets all ports that have no x-speed of their own.");
		return false;
	}
	lnk_remedy_say(h->a, s,
		       "The first way sets all ports that have no x-speed of their own, and "
		       "nothing else. The second, a machine type of version 4.0 or later, makes "
		       "them 16GT/s x32 and changes much other virtual hardware: Windows may ask "
		       "to be activated again, and the guest cannot be migrated to or from the "
		       "old type.");
	return true;
}

void lnk_remedy_say_q35(const struct lnk_host *h, struct lnk_suggestion *s)
{
	lnk_remedy_say(h->a, s,
		       "The machine type has a conventional root bus; q35 has a PCIe one. That is "
		       "another computer for the guest: Windows may ask to be activated again.");
}

void lnk_remedy_say_model(const struct lnk_host *h, const struct lnk_plan *p,
			  struct lnk_suggestion *s)
{
	lnk_remedy_say(h->a, s, "The guest finds another model of port%s.",
		       p->slot ? ", on the root bus" : "");
}

void lnk_remedy_say_hidden(const struct lnk_host *h, const struct lnk_plan *p,
			   struct lnk_suggestion *s)
{
	if (!p->hidden)
		return;
	lnk_remedy_say(h->a, s,
		       "What link the device has cannot be seen from here: run lnkinspect again in "
		       "the new guest.");
	if (!p->want[0].speed && !h->version)
		lnk_remedy_say(h->a, s,
			       "Should the machine type be older than 4.0, the new port is 2.5GT/s "
			       "x1 until it is told otherwise.");
}

/* A QEMU that is as old as the machine type may take less, and does not start with more. */
static void say_age(const struct lnk_host *h, unsigned since, struct lnk_suggestion *s)
{
	const char *lacks = "has no x-speed here";

	if (!h->version || h->version >= since)
		return;
	if (since == LNK_QEMU(2, 9))
		lacks = "has no pcie-root-port";
	else if (since == LNK_QEMU(9, 0) && h->version >= LNK_QEMU(4, 0))
		lacks = "takes x-speed=16 at most";
	lnk_remedy_say(h->a, s, "The machine type is %s: a QEMU as old as that %s.", h->machine,
		       lacks);
}

void lnk_remedy_write(const struct lnk_host *h, struct lnk_plan *p, uint32_t set)
{
	unsigned since = since_of(p);
	size_t i;

	p->remedy.suggestions = lnk_alloc(h->a, ARRAY_SIZE(forms) * sizeof(*p->remedy.suggestions));
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		struct lnk_suggestion *s = &p->remedy.suggestions[p->remedy.n_suggestions];
		const char *owner = forms[i]->owner;

		if (!(set & BIT(i)))
			continue;
		p->remedy.n_suggestions++;
		s->form = forms[i]->name;
		s->needs = lnk_strf(h->a, "%s%sQEMU %u.%u", owner ? owner : "",
				    owner ? " and " : "", since / 100, since % 100);
		s->words = "This changes what the guest is told, not the silicon.";
		forms[i]->write[p->change](h, p, s);
		say_age(h, since, s);
	}
}

/* A port that somebody gave a number, as all do who write command lines for others. */
static bool is_numbered(const struct lnk_fn *f)
{
	return lnk_on_root(f) && lnk_faces_down(f) && lnk_remedy_number(f);
}

/* Are the ports of root bus 0 numbered as this form's owner does, all of them? */
static bool is_numbered_by(const struct lnk_model *m, const struct lnk_form *form)
{
	size_t i, n = 0;

	for (i = 0; i < m->n_fns; i++) {
		if (!is_numbered(&m->fns[i]))
			continue;
		if (!form->numbers(&m->fns[i]))
			return false;
		n++;
	}
	return n;
}

/* The form of whoever wrote the command line of this guest, where it is QEMU's. */
uint32_t lnk_remedy_fitting(const struct lnk_model *m)
{
	const struct lnk_env *e = &m->env;
	size_t i;

	if (e->guest != LNK_GUEST_YES || !e->hypervisor || strcmp(e->hypervisor, "QEMU") != 0)
		return 0;
	for (i = ARRAY_SIZE(forms); --i;)
		if (is_numbered_by(m, forms[i]))
			break;
	return (uint32_t)BIT(i);
}
