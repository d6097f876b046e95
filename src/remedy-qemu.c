/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remedy-qemu.c - a plan as changes to QEMU's command line
 *
 * The lines are an edit list that people read and scripts apply; the manual defines it
 * (SUGGESTIONS). An argument of the command line is picked by what a guest can know of it.
 */
#include <pci/header.h>

#include "lnkinspect.h"
#include "remedy.h"

/* ---- How an argument is told from others ------------------------------------------------- */

/* "addr=0x3", "addr=0x0.1", with a comma before it */
static const char *addr_key(struct lnk_arena *a, struct lnk_addr at)
{
	if (!lnk_func(at))
		return lnk_strf(a, ",addr=0x%x", lnk_dev(at));
	return lnk_strf(a, ",addr=0x%x.%x", lnk_dev(at), lnk_func(at));
}

/*
 * The number of the physical slot (SLTCAP) and of the port (LNKCAP); PCIe 7.5.3.9, 7.5.3.6. What is
 * 0 need not have been said.
 */
static const char *number_keys(struct lnk_arena *a, const struct lnk_fn *port)
{
	uint32_t slot = 0, number = lnk_remedy_number(port);
	const char *keys = "";

	if (lnk_knows(port, LNK_R_SLTCAP))
		slot = FIELD_GET(PCI_EXP_SLTCAP_PSN, port->reg[LNK_R_SLTCAP]);
	if (slot)
		keys = lnk_strf(a, ",slot=%u", slot);
	if (number)
		keys = lnk_strf(a, "%s,port=0x%x", keys, number);
	return keys;
}

/* ",bus=pcie.0,addr=0x3,slot=1": only what stands on root bus 0 stands on a bus of known name. */
static const char *port_keys(const struct lnk_host *h, const struct lnk_fn *port)
{
	bool named = lnk_on_root(port) && h->pcie_root;

	return lnk_strf(h->a, "%s%s%s", named ? ",bus=pcie.0" : "", addr_key(h->a, port->addr),
			number_keys(h->a, port));
}

/* ",x-speed=8,x-width=16"; "" where no link is wanted */
static const char *link_keys(struct lnk_arena *a, struct lnk_want w)
{
	if (!w.speed)
		return "";
	return lnk_strf(a, ",x-speed=%s,x-width=%u", lnk_remedy_speed(w.speed), w.width);
}

/* Where a port stands that its bus does not tell. */
static void say_place(const struct lnk_host *h, const struct lnk_fn *port, struct lnk_suggestion *s)
{
	char at[LNK_ADDR_LEN], on[LNK_ADDR_LEN];

	lnk_addr_str(port->addr, at);
	if (lnk_on_root(port))
		return;
	if (port->place == LNK_AT_ROOT && !port->addr.domain)
		lnk_remedy_say(h->a, s,
			       "The port is the guest's %s, on the pxb-pcie or pxb-cxl with "
			       "bus_nr=%u.",
			       at, port->addr.bus);
	else if (port->place == LNK_AT_INNER)
		lnk_remedy_say(h->a, s, "The port is the guest's %s, on the switch at %s.", at,
			       lnk_addr_str(port->parent->addr, on));
	else
		lnk_remedy_say(h->a, s, "The port is the guest's %s.", at);
}

/* ---- The changes ------------------------------------------------------------------------- */

static void change_link(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	unsigned i;

	for (i = 0; i < p->n && i < LNK_MAX_MEMBERS; i++) {
		const char *driver = lnk_remedy_driver(p->fn[i]);
		const char *keys = port_keys(h, p->fn[i]);

		say_place(h, p->fn[i], s);
		lnk_remedy_line(h->a, s, "change  -device %s,...%s", driver, keys);
		lnk_remedy_line(h->a, s, "to      -device %s,...%s%s", driver, keys,
				link_keys(h->a, p->want[i]));
	}
}

static void change_machine(const struct lnk_host *h, struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "change  -machine %s",
			h->machine ? lnk_strf(h->a, "%s,...", h->machine) : "...");
	lnk_remedy_line(h->a, s, "to      -machine %s,...", lnk_remedy_machine(h));
}

static void change_legacy(const struct lnk_host *h, const struct lnk_plan *p,
			  struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "add     -global pcie-root-port.x-speed=%s",
			lnk_remedy_speed(p->want[0].speed));
	lnk_remedy_line(h->a, s, "add     -global pcie-root-port.x-width=%u", p->want[0].width);
	if (lnk_remedy_has_ways(h, p, s)) {
		lnk_remedy_line(h->a, s, "or");
		change_machine(h, s);
	}
}

static void change_replace(const struct lnk_host *h, const struct lnk_plan *p,
			   struct lnk_suggestion *s)
{
	const struct lnk_fn *port = p->fn[0];
	const char *keys = port_keys(h, port);

	if (!lnk_remedy_has_slot(h, p, s))
		return;
	lnk_remedy_line(h->a, s, "change  -device %s,...%s", lnk_remedy_driver(port), keys);
	if (p->slot)
		keys = lnk_strf(h->a, ",bus=pcie.0,addr=0x%x%s", p->slot, number_keys(h->a, port));
	lnk_remedy_line(h->a, s, "to      -device pcie-root-port,...%s%s", keys,
			link_keys(h->a, p->want[0]));
	lnk_remedy_say_model(h, p, s);
	say_place(h, port, s);
}

/* The port that @f stands below becomes the variable @name. */
static void find_port(const struct lnk_host *h, const struct lnk_fn *f, const char *name,
		      struct lnk_suggestion *s)
{
	say_place(h, f->parent, s);
	lnk_remedy_line(h->a, s, "find    -device %s,...,id=%s%s", lnk_remedy_driver(f->parent),
			name, port_keys(h, f->parent));
}

/* ",bus=PORT1": what @f stands on now, "" where a guest cannot know its name. */
static const char *bus_key(const struct lnk_host *h, const struct lnk_fn *f)
{
	if (f->place == LNK_AT_PORT)
		return ",bus=PORT1";
	if (!lnk_on_root(f))
		return "";
	return h->chipset == LNK_CHIPSET_I440FX ? ",bus=pci.0" : ",bus=pcie.0";
}

/* ",addr=0x0", or for one of several functions ",addr=0x0.1" */
static const char *function_keys(struct lnk_arena *a, unsigned i, unsigned n)
{
	if (n == 1)
		return ",addr=0x0";
	return lnk_strf(a, ",addr=0x0.%u%s", i, i ? "" : ",multifunction=on");
}

static void change_move(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	char at[LNK_ADDR_LEN], on[LNK_ADDR_LEN];
	unsigned i;

	if (!lnk_remedy_has_slot(h, p, s))
		return;
	if (h->chipset == LNK_CHIPSET_I440FX) {
		change_machine(h, s);
		lnk_remedy_say_q35(h, s);
		lnk_remedy_say(h->a, s, "What else names bus=pci.0 must name pcie.0 then.");
	}
	if (p->fn[0]->place == LNK_AT_PORT)
		find_port(h, p->fn[0], "PORT1", s);
	lnk_remedy_line(h->a, s,
			"add     -device pcie-root-port,id=lnk%u,bus=pcie.0,addr=0x%x,chassis=%u,"
			"slot=%u%s",
			p->slot, p->slot, 128 + p->slot, p->slot, link_keys(h->a, p->want[0]));
	for (i = 0; i < p->n; i++) {
		const struct lnk_fn *f = p->fn[i];
		const char *driver = lnk_remedy_driver(f);

		lnk_remedy_line(h->a, s, "change  -device %s,...%s%s", driver, bus_key(h, f),
				addr_key(h->a, f->addr));
		lnk_remedy_line(h->a, s, "to      -device %s,...,bus=lnk%u%s", driver, p->slot,
				function_keys(h->a, i, p->n));
	}
	if (p->fn[0]->place == LNK_AT_CONVENTIONAL && p->fn[0]->parent)
		lnk_remedy_say(h->a, s, "The device is the guest's %s, behind the bridge at %s.",
			       lnk_addr_str(p->fn[0]->addr, at),
			       lnk_addr_str(p->fn[0]->parent->addr, on));
	if (lnk_on_root(p->fn[0]) && h->chipset != LNK_CHIPSET_I440FX)
		lnk_remedy_say(
			h->a, s,
			"It frees an address: what stands behind it on the command line with "
			"no addr= of its own may move to another, and be called otherwise by "
			"the guest. Give such devices their addr= first.");
	lnk_remedy_say_hidden(h, p, s);
}

static void change_join(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	const struct lnk_fn *first = p->fn[0];
	const char *driver = lnk_remedy_driver(first), *at = addr_key(h->a, first->addr);
	unsigned i;

	if (!lnk_remedy_has_room(h, p, s))
		return;
	for (i = 0; i < p->n; i++)
		find_port(h, p->fn[i], lnk_strf(h->a, "PORT%u", i + 1), s);
	if (p->first_free == 1) {
		lnk_remedy_line(h->a, s, "change  -device %s,...,bus=PORT1%s", driver, at);
		lnk_remedy_line(h->a, s, "to      -device %s,...,bus=PORT1%s,multifunction=on",
				driver, at);
	}
	for (i = 1; i < p->n; i++) {
		driver = lnk_remedy_driver(p->fn[i]);
		lnk_remedy_line(h->a, s, "change  -device %s,...,bus=PORT%u%s", driver, i + 1,
				addr_key(h->a, p->fn[i]->addr));
		lnk_remedy_line(h->a, s, "to      -device %s,...,bus=PORT1,addr=0x%x.%x", driver,
				lnk_dev(first->addr), p->first_free + i - 1);
	}
}

const struct lnk_form lnk_form_qemu = {
	.name = "qemu",
	.write =
		{
			[LNK_CHANGE_LINK] = change_link,
			[LNK_CHANGE_LEGACY] = change_legacy,
			[LNK_CHANGE_REPLACE] = change_replace,
			[LNK_CHANGE_MOVE] = change_move,
			[LNK_CHANGE_JOIN] = change_join,
		},
};
