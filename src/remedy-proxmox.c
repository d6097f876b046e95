/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remedy-proxmox.c - a plan as lines of Proxmox VE's configuration of a machine
 *
 * Proxmox gives its ports a link of its own (16GT/s x32), which -global does not change; -set does,
 * for ports whose names are known. Both go into the line args:, which stands last on QEMU's command
 * line. Where a port or device stands is Proxmox's affair: only its kind can be chosen.
 */
#include "lnkinspect.h"
#include "remedy.h"

/*
 * Port N of Proxmox's own stands where no other has this number: 1 to 4 from 1c.0 on, 5 to 16 from
 * 10.0 on (qemu-server: pve-q35-4.0.cfg, src/PVE/QemuServer/PCI.pm).
 */
static bool numbers(const struct lnk_fn *port)
{
	unsigned n = lnk_remedy_number(port);

	if (!lnk_on_root(port) || n < 1 || n > 16)
		return false;
	return port->addr.devfn == (n <= 4 ? (0x1c << 3) + n - 1 : (0x10 << 3) + n - 5);
}

static void put_args(const struct lnk_host *h, const struct lnk_fn *port, struct lnk_want w,
		     struct lnk_suggestion *s)
{
	const char *option = "-global", *name = port ? lnk_remedy_driver(port) : "pcie-root-port";

	if (port && numbers(port)) {
		option = "-set";
		name = lnk_strf(h->a, "device.ich9-pcie-port-%u", lnk_remedy_number(port));
	}
	lnk_remedy_line(h->a, s, "args: %s %s.x-speed=%s %s %s.x-width=%u", option, name,
			lnk_remedy_speed(w.speed), option, name, w.width);
	lnk_remedy_say(h->a, s, "Where there is a line args: already, add to it.");
	if (port && !numbers(port))
		lnk_remedy_say(h->a, s,
			       "It is none of Proxmox's own ports: this sets all of its kind that "
			       "have no x-speed of their own.");
}

/* Other ports than its own are in the line args:, where their owner changes them. */
static bool is_own(const struct lnk_host *h, const struct lnk_fn *port, struct lnk_suggestion *s)
{
	char at[LNK_ADDR_LEN];

	if (numbers(port))
		return true;
	lnk_remedy_say(h->a, s,
		       "Proxmox makes no such port: that at %s is in the line args:, and is "
		       "changed there as --suggest=qemu says.",
		       lnk_addr_str(port->addr, at));
	return false;
}

/*
 * What a port has that is told nothing. Any other link is a value of its own, which -global loses
 * against.
 */
static bool has_default(const struct lnk_fn *port)
{
	return port->quirks & LNK_Q_GENERIC && port->max_speed == 4 && port->max_width == 32;
}

static void change_link(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	unsigned i;

	for (i = 0; i < p->n && i < LNK_MAX_MEMBERS; i++)
		if (has_default(p->fn[i]) || is_own(h, p->fn[i], s))
			put_args(h, p->fn[i], p->want[i], s);
}

static void change_legacy(const struct lnk_host *h, const struct lnk_plan *p,
			  struct lnk_suggestion *s)
{
	put_args(h, NULL, p->want[0], s);
	if (lnk_remedy_has_ways(h, p, s)) {
		lnk_remedy_line(h->a, s, "or");
		lnk_remedy_line(h->a, s, "machine: %s", lnk_remedy_machine(h));
	}
}

/* Proxmox's ports are ioh3420 on machine types before 4.0, and pcie-root-port since. */
static void put_machine(const struct lnk_host *h, struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "machine: %s", lnk_remedy_machine(h));
	lnk_remedy_say(h->a, s,
		       "A machine type of version 4.0 or later has ports of another model. It "
		       "changes much other virtual hardware: Windows may ask to be activated "
		       "again.");
}

static void change_replace(const struct lnk_host *h, const struct lnk_plan *p,
			   struct lnk_suggestion *s)
{
	if (!is_own(h, p->fn[0], s))
		return;
	put_machine(h, s);
	/* More than they have by themselves. */
	if (p->want[0].speed > 4)
		put_args(h, p->fn[0], p->want[0], s);
}

static void change_move(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	if (h->chipset == LNK_CHIPSET_I440FX) {
		lnk_remedy_line(h->a, s, "machine: q35");
		lnk_remedy_say_q35(h, s);
	} else if (h->legacy) {
		put_machine(h, s);
	}
	lnk_remedy_line(h->a, s, "hostpciN: ...,pcie=1");
	lnk_remedy_say(h->a, s,
		       "N is the device's number there, and the dots what stands there already.");
	if (!p->want[0].speed || p->want[0].speed > 4)
		lnk_remedy_say(h->a, s, "Run lnkinspect again in the new guest.");
}

static void change_join(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	(void)p;
	lnk_remedy_line(h->a, s, "hostpciN: HOST,pcie=1");
	lnk_remedy_say(h->a, s,
		       "HOST is the card's address on the host without its function, 01:00 and not "
		       "01:00.0: then all of its functions are passed as one device. Delete the "
		       "card's other hostpci lines.");
}

const struct lnk_form lnk_form_proxmox = {
	.name = "proxmox",
	.owner = "Proxmox VE",
	.numbers = numbers,
	.write =
		{
			[LNK_CHANGE_LINK] = change_link,
			[LNK_CHANGE_LEGACY] = change_legacy,
			[LNK_CHANGE_REPLACE] = change_replace,
			[LNK_CHANGE_MOVE] = change_move,
			[LNK_CHANGE_JOIN] = change_join,
		},
};
