/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fixups.c - devices whose registers do not mean what they say
 *
 * A table, read from the top: the first row that matches a function is its row. Rows know devices,
 * rules know quirks; they meet in the flags. An id that real silicon shares needs a second sign:
 * a real switch that is called virtual costs a user more than a virtual one that is not found.
 */
#include <pci/header.h>
#include <string.h>

#include "lnkinspect.h"

/* clang-format off */
#define ANY_SUB .subvendor = 0xffff, .subdevice = 0xffff
#define PORT	(LNK_Q_VIRTUAL | LNK_Q_DLLLA_LIES)

/* Any device of a vendor that makes no silicon. */
#define VENDOR(id, who, why)                                                                       \
	{                                                                                          \
		.vendor = (id), .device = 0xffff, ANY_SUB, .type = LNK_T_ANY,                      \
		.quirks = LNK_Q_EMULATED, .hypervisor = (who), .name = who " device",              \
		.reason = (why)                                                                    \
	}
/* A port of a Thunderbolt or USB4 host or hub that leads into a tunnel (pci.ids). */
#define TUNNEL(id, port)                                                                           \
	{                                                                                          \
		.vendor = PCI_VENDOR_INTEL, .device = (id), ANY_SUB, .type = (port),               \
		.quirks = LNK_Q_TUNNEL, .name = "Thunderbolt port",                                \
		.reason = "the link through a tunnel is made up by the controller: its figures "   \
			  "say nothing of the cable"                                               \
	}

#define PCI_VENDOR_INTEL 0x8086
/* clang-format on */

/*
 * In a row, 0xffff stands for any device or subsystem.
 */
static const struct lnk_fixup fixups[] = {
	/* QEMU, ports. hw/pci-bridge/gen_pcie_root_port.c */
	{
		.vendor = 0x1b36,
		.device = 0x000c,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = PORT | LNK_Q_GENERIC,
		.hypervisor = "QEMU",
		.name = "pcie-root-port",
		.reason = "its link is what x-speed and x-width or the machine type say",
	},
	/* crosvm devices/src/pci/pcie/: told by its LNKCAP, before QEMU's row takes any guest's. */
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x3420,
		ANY_SUB,
		.type = LNK_T_ROOT_PORT,
		.signs = LNK_S_LINK,
		.lnkcap = 0x00000011,
		.quirks = PORT | LNK_Q_FIXED,
		.hypervisor = "crosvm",
		.name = "crosvm root port",
		.reason = "a fixed 2.5GT/s x1 link",
	},
	/*
	 * hw/pci-bridge/ioh3420.c; Intel's X58 has the id, crosvm borrowed it too. The subsystem
	 * 8086:0000 is no sign: a board whose maker left it blank shows it as well.
	 */
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x3420,
		ANY_SUB,
		.type = LNK_T_ROOT_PORT,
		.signs = LNK_S_LINK | LNK_S_GUEST,
		.lnkcap = 0x00000411,
		.quirks = PORT | LNK_Q_FIXED,
		.name = "ioh3420",
		.reason = "modelled on a chip of 2009 with a fixed 2.5GT/s x1 link",
	},
	/*
	 * hw/pci-bridge/xio3130_upstream.c, xio3130_downstream.c. Real XIO3130 switches have the
	 * ids and, where the board's maker left it blank, the subsystem 0000:0000 as well. What
	 * they never have is the bare LNKCAP of the emulation.
	 */
	{
		.vendor = 0x104c,
		.device = 0x8232,
		ANY_SUB,
		.type = LNK_T_UPSTREAM,
		.signs = LNK_S_LINK | LNK_S_GUEST,
		.lnkcap = 0x00000411,
		.quirks = LNK_Q_EMULATED | LNK_Q_FIXED,
		.name = "x3130-upstream",
		.reason = "modelled on an old switch with a fixed 2.5GT/s x1 link",
	},
	{
		.vendor = 0x104c,
		.device = 0x8233,
		ANY_SUB,
		.type = LNK_T_DOWNSTREAM,
		.signs = LNK_S_LINK | LNK_S_GUEST,
		.lnkcap = 0x00000400,
		.quirks = PORT | LNK_Q_FIXED,
		.name = "xio3130-downstream",
		.reason = "modelled on an old switch; advertises speed 0 and width 0",
	},
	/* hw/pci-bridge/cxl_root_port.c, cxl_upstream.c, cxl_downstream.c */
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x7075,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = PORT,
		.hypervisor = "QEMU",
		.name = "cxl-rp",
		.reason = "its link is what x-speed and x-width say",
	},
	{
		.vendor = 0x19e5,
		.device = 0xa128,
		ANY_SUB,
		.type = LNK_T_UPSTREAM,
		.quirks = LNK_Q_STANDIN,
		.hypervisor = "QEMU",
		.name = "cxl-upstream",
		.reason = "its link is what x-speed and x-width say, so it is judged",
	},
	{
		.vendor = 0x19e5,
		.device = 0xa129,
		ANY_SUB,
		.type = LNK_T_DOWNSTREAM,
		.quirks = PORT,
		.hypervisor = "QEMU",
		.name = "cxl-downstream",
		.reason = "its link is what x-speed and x-width say",
	},
	/* hw/pci-host/pnv_phb4.c; real POWER9 machines have the id. */
	{
		.vendor = 0x1014,
		.device = 0x04c1,
		ANY_SUB,
		.type = LNK_T_ROOT_PORT,
		.signs = LNK_S_GUEST,
		.quirks = PORT,
		.name = "pnv-phb-root-port",
		.reason = "QEMU's powernv machine shares the id with POWER9",
	},

	/* QEMU, devices. hw/mem/cxl_type3.c */
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x0d93,
		.subvendor = 0x1af4,
		.subdevice = 0x1100,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_STANDIN,
		.hypervisor = "QEMU",
		.name = "cxl-type3",
		.reason = "its owner sets its link; it stands in for an assigned device",
	},
	VENDOR(0x1b36, "QEMU",
	       "Red Hat's ids for QEMU's own devices (QEMU docs/specs/pci-ids.rst)"),
	{
		.vendor = 0xffff,
		.device = 0xffff,
		.subvendor = 0x1af4,
		.subdevice = 0x1100,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "QEMU",
		.name = "QEMU device",
		.reason = "the subsystem that QEMU gives the devices it emulates (hw/pci/pci.c)",
	},
	{
		.vendor = 0x1234,
		.device = 0x1111,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "QEMU",
		.name = "VGA",
		.reason = "an id that nobody owns (QEMU docs/specs/standard-vga.rst)",
	},
	/* hw/net/e1000e.c, hw/scsi/megasas.c: real boards have the ids. */
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x10d3,
		.subvendor = PCI_VENDOR_INTEL,
		.subdevice = 0x0000,
		.type = LNK_T_ANY,
		.signs = LNK_S_GUEST,
		.quirks = LNK_Q_EMULATED,
		.name = "e1000e",
		.reason = "in a guest, a subsystem that no board with this chip carries",
	},
	{
		.vendor = 0x1000,
		.device = 0x0060,
		.subvendor = 0x1000,
		.subdevice = 0x1013,
		.type = LNK_T_ANY,
		.signs = LNK_S_GUEST,
		.quirks = LNK_Q_EMULATED,
		.name = "megasas",
		.reason = "in a guest, the controller that QEMU emulates",
	},
	{
		.vendor = 0x1000,
		.device = 0x0079,
		.subvendor = 0x1000,
		.subdevice = 0x9261,
		.type = LNK_T_ANY,
		.signs = LNK_S_GUEST,
		.quirks = LNK_Q_EMULATED,
		.name = "megasas-gen2",
		.reason = "in a guest, the controller that QEMU emulates",
	},
	/* Smart network cards show virtio devices to real hosts: an emulation, yet no guest. */
	{
		.vendor = 0x1af4,
		.device = 0xffff,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.name = "virtio device",
		.reason = "a paravirtual device has no link (virtio 1.2, 4.1)",
	},

	/* Other hypervisors. */
	{
		.vendor = 0x15ad,
		.device = 0x07a0,
		ANY_SUB,
		.type = LNK_T_ROOT_PORT,
		.quirks = LNK_Q_VIRTUAL | LNK_Q_CONSTANT,
		.hypervisor = "VMware",
		.name = "VMware root port",
		.reason = "says 5GT/s x32 whatever is below",
	},
	VENDOR(0x15ad, "VMware", "VMware's own devices"),
	{
		.vendor = 0xffff,
		.device = 0xffff,
		.subvendor = 0x15ad,
		.subdevice = 0xffff,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "VMware",
		.name = "VMware device",
		.reason = "VMware's subsystem on a device that it imitates",
	},
	{
		.vendor = 0x1414,
		.device = 0x5353,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "Hyper-V",
		.name = "Hyper-V video",
		.reason = "Hyper-V's emulated display",
	},
	VENDOR(0x5853, "Xen", "XenSource's platform device"),
	VENDOR(0x80ee, "VirtualBox", "InnoTek's ids for VirtualBox"),
	VENDOR(0x1ab8, "Parallels", "Parallels' own devices"),
	VENDOR(0x1275, "bhyve", "the id of bhyve's host bridge (FreeBSD pci_hostbridge.c)"),
	VENDOR(0xfb5d, "bhyve", "bhyve's frame buffer (FreeBSD pci_fbuf.c)"),
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x0d57,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "Firecracker or Cloud Hypervisor",
		.name = "host bridge",
		.reason = "a bridge without ports: devices sit on the root bus",
	},
	{
		.vendor = 0x106b,
		.device = 0x1a05,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "Apple Virtualization",
		.name = "host bridge",
		.reason = "a bridge without ports: devices sit on the root bus",
	},
	{
		.vendor = 0x1d0f,
		.device = 0x0200,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_VIRTUAL,
		.name = "AWS bridge",
		.reason = "the port that EC2 puts above network adapters and GPUs",
	},
	{
		.vendor = 0x1ae0,
		.device = 0x0f48,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_VIRTUAL,
		.name = "Google bridge",
		.reason = "the port that Compute Engine puts above accelerators",
	},
	{
		.vendor = 0x1ae0,
		.device = 0xa010,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_VIRTUAL,
		.name = "Google bridge",
		.reason = "the port that Compute Engine puts above accelerators",
	},
	/* crosvm devices/src/pci/pcie/; Intel's X58 and 6311ESB have the ids, and faster links. */
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x3500,
		ANY_SUB,
		.type = LNK_T_UPSTREAM,
		.signs = LNK_S_LINK | LNK_S_GUEST,
		.lnkcap = 0x00000011,
		.quirks = LNK_Q_EMULATED,
		.hypervisor = "crosvm",
		.name = "crosvm switch",
		.reason = "a fixed 2.5GT/s x1 link",
	},
	{
		.vendor = PCI_VENDOR_INTEL,
		.device = 0x3510,
		ANY_SUB,
		.type = LNK_T_DOWNSTREAM,
		.signs = LNK_S_LINK | LNK_S_GUEST,
		.lnkcap = 0x00000011,
		.quirks = PORT,
		.hypervisor = "crosvm",
		.name = "crosvm switch",
		.reason = "a fixed 2.5GT/s x1 link",
	},

	/* Real silicon that shows a link other than the slot's. */
	{
		.vendor = 0x1002,
		.device = 0x1479,
		ANY_SUB,
		.type = LNK_T_DOWNSTREAM,
		.quirks = LNK_Q_ONCARD,
		.name = "AMD on-card switch",
		.reason = "the link below is inside the card and always looks full",
	},
	{
		.vendor = 0x1022,
		.device = 0x14cd,
		ANY_SUB,
		.type = LNK_T_ANY,
		.quirks = LNK_Q_TUNNEL,
		.name = "USB4 tunnel port",
		.reason = "the link through a tunnel is made up by the controller: its figures say "
			  "nothing of the cable",
	},
	{
		.vendor = 0x106b,
		.device = 0x1010,
		ANY_SUB,
		.type = LNK_T_ROOT_PORT,
		.quirks = LNK_Q_TUNNEL,
		.name = "USB4 tunnel port",
		.reason = "the link through a tunnel is made up by the controller: its figures say "
			  "nothing of the cable",
	},
	TUNNEL(0x0b26, LNK_T_DOWNSTREAM),
	TUNNEL(0x1136, LNK_T_DOWNSTREAM),
	TUNNEL(0x1549, LNK_T_DOWNSTREAM),
	TUNNEL(0x1567, LNK_T_DOWNSTREAM),
	TUNNEL(0x1569, LNK_T_DOWNSTREAM),
	TUNNEL(0x156b, LNK_T_DOWNSTREAM),
	TUNNEL(0x156d, LNK_T_DOWNSTREAM),
	TUNNEL(0x1576, LNK_T_DOWNSTREAM),
	TUNNEL(0x1578, LNK_T_DOWNSTREAM),
	TUNNEL(0x157e, LNK_T_DOWNSTREAM),
	TUNNEL(0x15c0, LNK_T_DOWNSTREAM),
	TUNNEL(0x15d3, LNK_T_DOWNSTREAM),
	TUNNEL(0x15da, LNK_T_DOWNSTREAM),
	TUNNEL(0x15e7, LNK_T_DOWNSTREAM),
	TUNNEL(0x15ea, LNK_T_DOWNSTREAM),
	TUNNEL(0x15ef, LNK_T_DOWNSTREAM),
	TUNNEL(0x461f, LNK_T_ROOT_PORT),
	TUNNEL(0x462f, LNK_T_ROOT_PORT),
	TUNNEL(0x463f, LNK_T_ROOT_PORT),
	TUNNEL(0x466e, LNK_T_ROOT_PORT),
	TUNNEL(0x7ec4, LNK_T_ROOT_PORT),
	TUNNEL(0x7ec5, LNK_T_ROOT_PORT),
	TUNNEL(0x7ec6, LNK_T_ROOT_PORT),
	TUNNEL(0x7ec7, LNK_T_ROOT_PORT),
	TUNNEL(0x8a1d, LNK_T_ROOT_PORT),
	TUNNEL(0x8a1f, LNK_T_ROOT_PORT),
	TUNNEL(0x8a21, LNK_T_ROOT_PORT),
	TUNNEL(0x8a23, LNK_T_ROOT_PORT),
	TUNNEL(0x9a23, LNK_T_ROOT_PORT),
	TUNNEL(0x9a25, LNK_T_ROOT_PORT),
	TUNNEL(0x9a27, LNK_T_ROOT_PORT),
	TUNNEL(0x9a29, LNK_T_ROOT_PORT),
	TUNNEL(0x9a2b, LNK_T_ROOT_PORT),
	TUNNEL(0x9a2d, LNK_T_ROOT_PORT),
	TUNNEL(0x9a2f, LNK_T_ROOT_PORT),
	TUNNEL(0x9a31, LNK_T_ROOT_PORT),
	{
		.vendor = 0x1022,
		.device = 0x57ad,
		ANY_SUB,
		.type = LNK_T_UPSTREAM,
		.quirks = LNK_Q_WIRED,
		.name = "X570 uplink",
		.reason = "four of its eight lanes are wired on every board",
	},
};
static bool either(uint16_t row, uint16_t value)
{
	return row == 0xffff || row == value;
}

/* LNKCAP without the port number, which its owner chooses. */
static bool link_matches(const struct lnk_fixup *x, const struct lnk_fn *f)
{
	return lnk_knows(f, LNK_R_LNKCAP) &&
	       (f->reg[LNK_R_LNKCAP] & ~(uint32_t)PCI_EXP_LNKCAP_PORT) == x->lnkcap;
}

static bool matches(const struct lnk_fixup *x, const struct lnk_fn *f, enum lnk_guest guest)
{
	if (!either(x->vendor, f->vendor) || !either(x->device, f->device))
		return false;
	if (x->type != LNK_T_ANY && x->type != f->type)
		return false;
	if (!either(x->subvendor, f->subvendor) || !either(x->subdevice, f->subdevice))
		return false;
	return !x->signs || (x->signs & LNK_S_LINK && link_matches(x, f)) ||
	       (x->signs & LNK_S_GUEST && guest == LNK_GUEST_YES);
}

/* Which rows a function can match by one byte of its ids: bit n is row n. */
struct rows {
	uint64_t bits[(ARRAY_SIZE(fixups) + 63) / 64];
};

/* By the low byte of the vendor, and of the device. */
static struct rows by_vendor[256], by_device[256];

static void add_row(struct rows *of, size_t row, uint16_t id)
{
	unsigned first = id == 0xffff ? 0 : id & 0xff, last = id == 0xffff ? 0xff : first;

	for (; first <= last; first++)
		of[first].bits[row / 64] |= BIT(row % 64);
}

static void index_rows(void)
{
	static bool done;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fixups) && !done; i++) {
		add_row(by_vendor, i, fixups[i].vendor);
		add_row(by_device, i, fixups[i].device);
	}
	done = true;
}

static const struct lnk_fixup *find_row(const struct lnk_fn *f, enum lnk_guest guest)
{
	const struct rows *v = &by_vendor[f->vendor & 0xff], *d = &by_device[f->device & 0xff];
	uint64_t left;
	size_t i, row;

	if (f->vendor == 0xffff && f->subvendor == 0xffff)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(v->bits); i++)
		for (left = v->bits[i] & d->bits[i]; left; left &= left - 1) {
			row = 64 * i + (size_t)__builtin_ctzll(left);
			if (matches(&fixups[row], f, guest))
				return &fixups[row];
		}
	return NULL;
}

/*
 * Is there more to learn of the hypervisor? KVM is what the processor says; many hypervisors are
 * built on it, and their own devices tell which.
 */
static bool wants_hypervisor(const struct lnk_env *e)
{
	return e->guest == LNK_GUEST_UNKNOWN ||
	       (e->guest == LNK_GUEST_YES && (!e->hypervisor || !strcmp(e->hypervisor, "KVM")));
}

/* A hypervisor's own device says that this is a guest, where nothing better is known. */
static void find_guest(struct lnk_model *m)
{
	struct lnk_env *e = &m->env;
	const struct lnk_fixup *x;
	char at[LNK_ADDR_LEN];
	size_t i;

	for (i = 0; i < m->n_fns && wants_hypervisor(e); i++) {
		x = find_row(&m->fns[i], LNK_GUEST_UNKNOWN);
		if (!x || !x->hypervisor)
			continue;
		e->sign = lnk_strf(&m->arena, "%s%s%s at %s", e->sign ? e->sign : "",
				   e->sign ? ", " : "", x->name, lnk_addr_str(m->fns[i].addr, at));
		if (e->hypervisor)
			e->accel = e->hypervisor;
		e->hypervisor = x->hypervisor;
		e->guest = LNK_GUEST_YES;
	}
}

/*
 * A guest has no ports of its own: assigned devices come without them. The exception is Intel's
 * VMD, whose root ports are real and stand in domains of their own from 10000 on (Linux
 * drivers/pci/controller/vmd.c).
 */
static bool must_be_virtual(const struct lnk_fn *f, enum lnk_guest guest)
{
	return guest == LNK_GUEST_YES && lnk_faces_down(f) && f->addr.domain < 0x10000;
}

/*
 * Somebody's guest was spoken of beside the capture. A port that no hypervisor is known to have
 * says that the capture is not that guest's, but its host's.
 */
static void doubt_guest(struct lnk_model *m)
{
	struct lnk_env *e = &m->env;
	size_t i;

	for (i = 0; i < m->n_fns && e->hearsay; i++) {
		const struct lnk_fixup *x;

		if (!must_be_virtual(&m->fns[i], e->guest))
			continue;
		x = find_row(&m->fns[i], e->guest);
		if (x && x->quirks & LNK_Q_VIRTUAL)
			continue;
		e->guest = LNK_GUEST_UNKNOWN;
		e->hypervisor = e->accel = e->sign = e->machine = NULL;
		e->hearsay = false;
	}
}

/*
 * A tunnel joins two Thunderbolt controllers. What stands below a dock's port and is no switch is
 * plugged into the dock: a real wire.
 */
static bool is_real_wire(const struct lnk_fn *f)
{
	return f->quirks & LNK_Q_TUNNEL && f->type == LNK_T_DOWNSTREAM && f->n_children &&
	       f->children[0].type != LNK_T_UPSTREAM;
}

/* QEMU puts an assigned integrated GPU where its driver looks for it (QEMU docs/igd-assign.txt). */
static bool is_igd(const struct lnk_fn *f)
{
	return f->vendor == PCI_VENDOR_INTEL && f->class24 >> 16 == PCI_BASE_CLASS_DISPLAY &&
	       f->addr.bus == 0 && f->addr.devfn == (2 << 3 | 0);
}

void lnk_fixups(struct lnk_model *m)
{
	size_t i;

	index_rows();
	doubt_guest(m);
	find_guest(m);
	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		f->fixup = find_row(f, m->env.guest);
		if (f->fixup)
			f->quirks |= f->fixup->quirks;
		if (is_real_wire(f))
			f->quirks &= ~(uint32_t)LNK_Q_TUNNEL;
		if (must_be_virtual(f, m->env.guest))
			f->quirks |= LNK_Q_VIRTUAL;
		if (is_igd(f))
			f->quirks |= LNK_Q_IGD;
	}
}
