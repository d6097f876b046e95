/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remedy.h - what is to be changed, before it is written in one of the forms that its owner uses */
#ifndef LNKINSPECT_REMEDY_H
#define LNKINSPECT_REMEDY_H

#include "lnkinspect.h"

/* A release as a number that compares: 4.0 is 400. */
#define LNK_QEMU(major, minor) ((major)*100u + (minor))

/* What a guest can tell of the machine that QEMU gives it. */
enum lnk_chipset {
	LNK_CHIPSET_UNKNOWN,
	LNK_CHIPSET_Q35,
	LNK_CHIPSET_I440FX, /* a conventional root bus: no place for a port */
	LNK_CHIPSET_VIRT,   /* arm, riscv */
};

struct lnk_host {
	struct lnk_arena *a;
	enum lnk_chipset chipset;
	const char *machine; /* "pc-q35-7.2", ASCII without blanks; NULL: not known */
	unsigned version;    /* of the machine type, as LNK_QEMU(); 0: not known */
	bool pcie_root;	     /* root bus 0 is known to be QEMU's pcie.0 */
	bool legacy;	     /* ports of this machine type are 2.5GT/s x1 unless told */
	bool gaps;	     /* functions may stand on the root bus that are not in the capture */
};

/* A link in the words of x-speed and x-width; speed 0: the port is not told any. */
struct lnk_want {
	unsigned speed, width;
};

enum lnk_change {
	LNK_CHANGE_LINK,    /* ports get another link */
	LNK_CHANGE_LEGACY,  /* all ports of an old machine type get another link */
	LNK_CHANGE_REPLACE, /* a port becomes a pcie-root-port */
	LNK_CHANGE_MOVE,    /* a device gets a new pcie-root-port of its own */
	LNK_CHANGE_JOIN,    /* functions move into the slot of another */
	LNK_CHANGES
};

#define LNK_MAX_MEMBERS 8 /* functions of a device; ports on a path that need another link */

struct lnk_plan {
	struct lnk_remedy remedy; /* what findings and reports see of it */
	enum lnk_change change;
	const struct lnk_fn *fn[LNK_MAX_MEMBERS]; /* ports or functions; JOIN: the first stays */
	struct lnk_want want[LNK_MAX_MEMBERS];	  /* of ports; MOVE, LEGACY: the first */
	unsigned n;				  /* of them; may say more than fit */
	unsigned first_free; /* JOIN: the first free function number in the slot */
	unsigned slot;	     /* the device number on root bus 0 of a new port */
	bool needs_slot;     /* there must be one, and 0 is none */
	bool hidden;	     /* MOVE: what link the device has cannot be seen */
	struct lnk_plan *next;
};

/* One form: whose it is, and how each change is written in it. */
struct lnk_form {
	const char *name;
	const char *owner; /* who writes QEMU's command line; NULL: a person */
	/* Does the owner number ports so? NULL: anybody does. */
	bool (*numbers)(const struct lnk_fn *port);
	void (*write[LNK_CHANGES])(const struct lnk_host *h, const struct lnk_plan *p,
				   struct lnk_suggestion *s);
};
extern const struct lnk_form lnk_form_qemu, lnk_form_libvirt, lnk_form_proxmox;

static inline unsigned lnk_most(unsigned a, unsigned b)
{
	return a > b ? a : b;
}
/* On root bus 0, which QEMU calls pcie.0; the others carry names that their owner gives. */
static inline bool lnk_on_root(const struct lnk_fn *f)
{
	return f->place == LNK_AT_ROOT && !f->addr.domain && !f->addr.bus;
}
/* The port's number (LNKCAP); 0: none, or not known. */
uint32_t lnk_remedy_number(const struct lnk_fn *port);
/* The release from which the link of this port of QEMU's can be set; 0: it cannot. */
unsigned lnk_remedy_settable(const struct lnk_fn *f);
/* A port of QEMU's that never has another link. */
bool lnk_remedy_is_fixed(const struct lnk_fn *f);
/* QEMU's word for -device, of a port or a device; NULL where it is not known. */
const char *lnk_remedy_driver(const struct lnk_fn *f);
/* x-speed's value: "2_5" .. "64" */
const char *lnk_remedy_speed(unsigned code);
/* The newest machine type of this kind: "q35" */
const char *lnk_remedy_machine(const struct lnk_host *h);

/* The form, as a set of one, of whoever wrote this guest's command line; none if it is not QEMU. */
uint32_t lnk_remedy_fitting(const struct lnk_model *m);
/* Writes the plan in each form of the set. */
void lnk_remedy_write(const struct lnk_host *h, struct lnk_plan *p, uint32_t set);

/* A line of the suggestion, and a sentence of it. */
void lnk_remedy_line(struct lnk_arena *a, struct lnk_suggestion *s, const char *fmt, ...)
	LNK_PRINTF(3, 4);
void lnk_remedy_say(struct lnk_arena *a, struct lnk_suggestion *s, const char *fmt, ...)
	LNK_PRINTF(3, 4);

/*
 * What all forms say in the same words. Where the answer is no, the change cannot be made, or there
 * is no second way, and the words say so.
 */
bool lnk_remedy_has_slot(const struct lnk_host *h, const struct lnk_plan *p,
			 struct lnk_suggestion *s);
bool lnk_remedy_has_room(const struct lnk_host *h, const struct lnk_plan *p,
			 struct lnk_suggestion *s);
bool lnk_remedy_has_ways(const struct lnk_host *h, const struct lnk_plan *p,
			 struct lnk_suggestion *s);
void lnk_remedy_say_q35(const struct lnk_host *h, struct lnk_suggestion *s);
void lnk_remedy_say_model(const struct lnk_host *h, const struct lnk_plan *p,
			  struct lnk_suggestion *s);
void lnk_remedy_say_hidden(const struct lnk_host *h, const struct lnk_plan *p,
			   struct lnk_suggestion *s);

#endif
