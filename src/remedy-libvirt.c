/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * remedy-libvirt.c - a plan as XML to merge into a libvirt domain
 *
 * libvirt has no element for a port's link: qemu:override sets what its XML cannot say, for the
 * device with this alias. Controllers and buses go by index, which a guest cannot know: it stands
 * in capitals, beside the address that tells which controller is meant.
 */
#include <string.h>

#include "lnkinspect.h"
#include "remedy.h"

#define QEMU_NAMESPACE " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"

/* The model attribute of the controller that is this port; NULL: libvirt makes none such. */
static const char *model_of(const struct lnk_fn *port)
{
	static const char *const models[][2] = {
		{"pcie-root-port", "pcie-root-port"},
		{"ioh3420", "pcie-root-port"},
		{"xio3130-downstream", "pcie-switch-downstream-port"},
	};
	const char *driver = lnk_remedy_driver(port);
	size_t i;

	for (i = 0; driver && i < ARRAY_SIZE(models); i++)
		if (!strcmp(driver, models[i][0]))
			return models[i][1];
	return NULL;
}

/* "bus='0x00' slot='0x03' function='0x0'" */
static const char *place(struct lnk_arena *a, const char *bus, unsigned dev, unsigned func)
{
	return lnk_strf(a, "bus='%s' slot='0x%02x' function='0x%x'", bus, dev, func);
}

/* The same of what is there now. A bus goes by the index of its controller; only the root has 0. */
static const char *place_of(const struct lnk_host *h, const struct lnk_fn *f, const char *below)
{
	const char *bus = lnk_on_root(f) ? "0x00" : f->place == LNK_AT_PORT ? below : "BUS";

	return place(h->a, bus, lnk_dev(f->addr), lnk_func(f->addr));
}

static void put_address(const struct lnk_host *h, const char *at, struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "      <address type='pci' domain='0x0000' %s/>", at);
}

/* The controller that is @port; @name: the model that it gets, NULL where it stays what it is. */
static void put_controller(const struct lnk_host *h, const struct lnk_fn *port, const char *index,
			   const char *name, struct lnk_suggestion *s)
{
	uint32_t number = lnk_remedy_number(port);

	lnk_remedy_line(h->a, s, "    <controller type='pci' index='%s' model='%s'>", index,
			model_of(port));
	if (name)
		lnk_remedy_line(h->a, s, "      <model name='%s'/>", name);
	if (number)
		lnk_remedy_line(h->a, s, "      <target port='0x%x'/>", number);
	put_address(h, place_of(h, port, "BUS"), s);
	lnk_remedy_line(h->a, s, "    </controller>");
	if (!lnk_on_root(port))
		lnk_remedy_say(h->a, s, "BUS is the index of the controller that it stands on.");
}

/* A port on the root bus that is new there, with the number that libvirt gives it. */
static void put_root_port(const struct lnk_host *h, const char *index, unsigned slot,
			  const char *comment, struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "    <controller type='pci' index='%s' model='pcie-root-port'>%s",
			index, comment);
	lnk_remedy_line(h->a, s, "      <model name='pcie-root-port'/>");
	lnk_remedy_line(h->a, s, "      <target port='0x%x'/>", slot << 3);
	put_address(h, place(h->a, "0x00", slot, 0), s);
	lnk_remedy_line(h->a, s, "    </controller>");
}

static void put_hostdev(const struct lnk_host *h, const char *now, const char *then,
			struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "    <hostdev mode='subsystem' type='pci'> <!-- now %s -->", now);
	put_address(h, then, s);
	lnk_remedy_line(h->a, s, "    </hostdev>");
}

/* libvirt docs/drvqemu.rst: "Overriding properties of QEMU devices" */
static void put_override(const struct lnk_host *h, const char *index, struct lnk_want w,
			 struct lnk_suggestion *s)
{
	s->needs = lnk_strf(h->a, "libvirt 8.2 and %s", strstr(s->needs, "QEMU"));
	lnk_remedy_line(h->a, s, "  <qemu:override>");
	lnk_remedy_line(h->a, s, "    <qemu:device alias='pci.%s'>", index);
	lnk_remedy_line(h->a, s, "      <qemu:frontend>");
	lnk_remedy_line(h->a, s, "        <qemu:property name='x-speed' type='string' value='%s'/>",
			lnk_remedy_speed(w.speed));
	lnk_remedy_line(h->a, s, "        <qemu:property name='x-width' type='string' value='%u'/>",
			w.width);
	lnk_remedy_line(h->a, s, "      </qemu:frontend>");
	lnk_remedy_line(h->a, s, "    </qemu:device>");
	lnk_remedy_line(h->a, s, "  </qemu:override>");
}

/* From <domain> to where devices stand, and back, with what the port of @index is told. */
static void open_devices(const struct lnk_host *h, struct lnk_want w, struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "<domain%s>", w.speed ? QEMU_NAMESPACE : "");
	lnk_remedy_line(h->a, s, "  <devices>");
}

static void close_devices(const struct lnk_host *h, const char *index, struct lnk_want w,
			  struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "  </devices>");
	if (w.speed)
		put_override(h, index, w, s);
	lnk_remedy_line(h->a, s, "</domain>");
}

static void put_machine(const struct lnk_host *h, const char *machine, struct lnk_suggestion *s)
{
	lnk_remedy_line(h->a, s, "<domain>");
	lnk_remedy_line(h->a, s, "  <os>");
	lnk_remedy_line(h->a, s, "    <type machine='%s'>hvm</type>", machine);
	lnk_remedy_line(h->a, s, "  </os>");
	lnk_remedy_line(h->a, s, "</domain>");
}

/* What the domain does not have by itself came in as an argument for QEMU. */
static bool has_controller(const struct lnk_host *h, const struct lnk_fn *port,
			   struct lnk_suggestion *s)
{
	char at[LNK_ADDR_LEN];

	if (model_of(port))
		return true;
	lnk_remedy_say(h->a, s,
		       "libvirt makes no %s: that at %s is in the domain's <qemu:commandline>, and "
		       "is changed there as --suggest=qemu says.",
		       lnk_remedy_driver(port), lnk_addr_str(port->addr, at));
	return false;
}

static void change_link(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	unsigned i;

	for (i = 0; i < p->n && i < LNK_MAX_MEMBERS; i++) {
		if (!has_controller(h, p->fn[i], s))
			continue;
		open_devices(h, p->want[i], s);
		put_controller(h, p->fn[i], "INDEX", NULL, s);
		close_devices(h, "INDEX", p->want[i], s);
		lnk_remedy_say(h->a, s, "INDEX is the index of the controller at this address.");
	}
}

/* qemu:commandline is older than qemu:override, and reaches all ports. */
static void change_legacy(const struct lnk_host *h, const struct lnk_plan *p,
			  struct lnk_suggestion *s)
{
	const struct lnk_want *w = &p->want[0];

	lnk_remedy_line(h->a, s, "<domain" QEMU_NAMESPACE ">");
	lnk_remedy_line(h->a, s, "  <qemu:commandline>");
	lnk_remedy_line(h->a, s, "    <qemu:arg value='-global'/>");
	lnk_remedy_line(h->a, s, "    <qemu:arg value='pcie-root-port.x-speed=%s'/>",
			lnk_remedy_speed(w->speed));
	lnk_remedy_line(h->a, s, "    <qemu:arg value='-global'/>");
	lnk_remedy_line(h->a, s, "    <qemu:arg value='pcie-root-port.x-width=%u'/>", w->width);
	lnk_remedy_line(h->a, s, "  </qemu:commandline>");
	lnk_remedy_line(h->a, s, "</domain>");
	if (lnk_remedy_has_ways(h, p, s)) {
		lnk_remedy_line(h->a, s, "or");
		put_machine(h, lnk_remedy_machine(h), s);
	}
}

/* The device below names the index, so it follows wherever the port goes. */
static void change_replace(const struct lnk_host *h, const struct lnk_plan *p,
			   struct lnk_suggestion *s)
{
	const struct lnk_fn *port = p->fn[0];

	if (!lnk_remedy_has_slot(h, p, s))
		return;
	open_devices(h, p->want[0], s);
	if (p->slot)
		put_root_port(h, "INDEX", p->slot,
			      lnk_strf(h->a, " <!-- now model='%s' %s -->", model_of(port),
				       place_of(h, port, "BUS")),
			      s);
	else
		put_controller(h, port, "INDEX", "pcie-root-port", s);
	close_devices(h, "INDEX", p->want[0], s);
	lnk_remedy_say(h->a, s, "INDEX is the controller's index, and stays.");
	lnk_remedy_say_model(h, p, s);
}

static void change_move(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	const struct lnk_fn *port = p->fn[0]->place == LNK_AT_PORT ? p->fn[0]->parent : NULL;
	unsigned i;

	if (h->chipset == LNK_CHIPSET_I440FX) {
		put_machine(h, "q35", s);
		lnk_remedy_say_q35(h, s);
		lnk_remedy_say(h->a, s,
			       "Delete all <controller type='pci'> and all <address type='pci'>: "
			       "libvirt makes new ones, with a port for each device.");
		lnk_remedy_say(h->a, s,
			       "q35 has no IDE: delete <controller type='ide'>, and give disks "
			       "with bus='ide' bus='sata' and no <address>.");
		/* What libvirt makes is 16GT/s x32. */
		if (!p->want[0].speed || p->want[0].speed > 4)
			lnk_remedy_say(h->a, s, "Run lnkinspect again in the new guest.");
		return;
	}
	if (!lnk_remedy_has_slot(h, p, s) || (port && !has_controller(h, port, s)))
		return;
	open_devices(h, p->want[0], s);
	if (port)
		put_controller(h, port, "INDEX", NULL, s);
	put_root_port(h, "NEW", p->slot, "", s);
	for (i = 0; i < p->n; i++) {
		const char *then = place(h->a, "NEW", 0, i);

		if (!i && p->n > 1)
			then = lnk_strf(h->a, "%s multifunction='on'", then);
		put_hostdev(h, place_of(h, p->fn[i], "INDEX"), then, s);
	}
	close_devices(h, "NEW", p->want[0], s);
	lnk_remedy_say(h->a, s, "NEW is the lowest index that no PCI controller has%s.",
		       port ? ", INDEX that of the controller at this address" : "");
	lnk_remedy_say_hidden(h, p, s);
}

static void change_join(const struct lnk_host *h, const struct lnk_plan *p,
			struct lnk_suggestion *s)
{
	const struct lnk_want none = {0};
	const struct lnk_fn *first = p->fn[0];
	unsigned i, dev = lnk_dev(first->addr);

	if (!lnk_remedy_has_room(h, p, s))
		return;
	for (i = 0; i < p->n; i++)
		if (!has_controller(h, p->fn[i]->parent, s))
			return;
	open_devices(h, none, s);
	for (i = 0; i < p->n; i++)
		put_controller(h, p->fn[i]->parent, lnk_strf(h->a, "INDEX%u", i + 1), NULL, s);
	if (p->first_free == 1)
		put_hostdev(h, place_of(h, first, "INDEX1"),
			    lnk_strf(h->a, "%s multifunction='on'", place_of(h, first, "INDEX1")),
			    s);
	for (i = 1; i < p->n; i++)
		put_hostdev(h, place_of(h, p->fn[i], lnk_strf(h->a, "INDEX%u", i + 1)),
			    place(h->a, "INDEX1", dev, p->first_free + i - 1), s);
	close_devices(h, NULL, none, s);
	lnk_remedy_say(h->a, s, "INDEX1 and the others are the indices of these controllers.");
}

/* QEMU's own number for the port is its place (libvirt src/qemu/qemu_domain_address.c). */
static bool numbers(const struct lnk_fn *port)
{
	return lnk_remedy_number(port) == port->addr.devfn;
}

const struct lnk_form lnk_form_libvirt = {
	.name = "libvirt",
	.owner = "libvirt",
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
