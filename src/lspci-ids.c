/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lspci-ids.c - names in lspci's words to ids, where lspci wrote no numbers
 *
 * Only names on which a decision depends: of devices that fixups and remedies know by their ids,
 * and of those devices' makers. The names are those of pci.ids, of today and of years ago; a name
 * that stands for devices of which we treat one differently is not here.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lspci.h"

enum maker {
	AMD = 0x1022,
	APPLE = 0x106b,
	ATI = 0x1002,
	HUAWEI = 0x19e5,
	IBM = 0x1014,
	INTEL = 0x8086,
	LSI = 0x1000,
	MICROSOFT = 0x1414,
	QUMRANET = 0x1af4,
	RED_HAT = 0x1b36, /* and QUMRANET: both have this name now */
	TEXAS = 0x104c,
	VMWARE = 0x15ad,
};

/* The subsystem of what QEMU imitates. */
#define QEMUS 0x1100

/* Of two names of which one starts the other, the longer one stands first. */
static const struct {
	uint16_t maker;
	const char *name;
} makers[] = {
	{ATI, "Advanced Micro Devices, Inc. [AMD/ATI]"},
	{AMD, "Advanced Micro Devices, Inc. [AMD]"},
	{ATI, "Advanced Micro Devices [AMD] nee ATI"},
	{ATI, "Advanced Micro Devices [AMD/ATI]"},
	{AMD, "Advanced Micro Devices [AMD]"},
	{0x1d0f, "Amazon.com, Inc."},
	{APPLE, "Apple Computer Inc."},
	{APPLE, "Apple Inc."},
	{ATI, "ATI Technologies Inc"},
	{LSI, "Broadcom / LSI"},
	{0x1ae0, "Google, Inc."},
	{HUAWEI, "Huawei Technologies Co., Ltd."},
	{IBM, "IBM"},
	{0xffff, "Illegal Vendor ID"}, /* a virtual function, on its host */
	{0x80ee, "InnoTek Systemberatung GmbH"},
	{INTEL, "Intel Corporation"},
	{INTEL, "Intel Corp."},
	{LSI, "LSI Logic / Symbios Logic"},
	{MICROSOFT, "Microsoft Corporation"},
	{0x1275, "Network Appliance Corporation"}, /* bhyve uses it */
	{0x10de, "NVIDIA Corporation"},
	{0x1ab8, "Parallels, Inc."},
	{QUMRANET, "Qumranet, Inc."},
	{RED_HAT, "Red Hat, Inc."},
	{RED_HAT, "Red Hat, Inc"},
	{TEXAS, "Texas Instruments"},
	{VMWARE, "VMware, Inc."},
	{VMWARE, "VMware Inc"},
	{VMWARE, "VMware"},
	{0x5853, "XenSource, Inc."},
};

struct named {
	uint16_t maker, device;
	const char *name;
};

static const struct named devices[] = {
	{RED_HAT, 0x0008, "QEMU PCIe Host bridge"},
	{RED_HAT, 0x000c, "QEMU PCIe Root port"},
	{INTEL, 0x1237, "440FX - 82441FX PMC [Natoma]"},
	{INTEL, 0x29c0, "82G33/G31/P35/P31 Express DRAM Controller"},
	/* 3421 has the name too; it is no port of any hypervisor's. */
	{INTEL, 0x3420, "7500/5520/5500/X58 I/O Hub PCI Express Root Port 0"},
	{INTEL, 0x3420, "5520/5500/X58 I/O Hub PCI Express Root Port 0"},
	{INTEL, 0x3500, "6311ESB/6321ESB PCI Express Upstream Port"},
	{INTEL, 0x3510, "6311ESB/6321ESB PCI Express Downstream Port E1"},
	{TEXAS, 0x8232, "XIO3130 PCI Express Switch (Upstream)"},
	{TEXAS, 0x8233, "XIO3130 PCI Express Switch (Downstream)"},
	{IBM, 0x04c1, "POWER9 Host Bridge (PHB4)"},
	/* 10f6 has the name too; QEMU's shows in its subsystem. */
	{INTEL, 0x10d3, "82574L Gigabit Network Connection"},
	{LSI, 0x0060, "MegaRAID SAS 1078"},
	{LSI, 0x0079, "MegaRAID SAS 2108 [Liberator]"},
	{VMWARE, 0x07a0, "PCI Express Root Port"},
	{MICROSOFT, 0x5353, "Hyper-V virtual VGA"},
	{ATI, 0x1479, "Navi 10 XL Downstream Port of PCI Express Switch"},
	{AMD, 0x14cd, "Family 19h USB4/Thunderbolt PCIe tunnel"},
	{AMD, 0x57ad, "Matisse Switch Upstream"},
	{APPLE, 0x1010, "Apple Silicon USB4/Thunderbolt PCI Express Root Port"},
	{INTEL, 0x0b26, "Thunderbolt 4 Bridge [Goshen Ridge 2020]"},
	{INTEL, 0x1136, "Thunderbolt 4 Bridge [Maple Ridge 4C 2020]"},
	{INTEL, 0x1549, "DSL2210 Thunderbolt Controller [Port Ridge 1C 2011]"},
	{INTEL, 0x1567, "DSL4410 Thunderbolt Bridge [Redwood Ridge 2C 2013]"},
	{INTEL, 0x1569, "DSL4510 Thunderbolt Bridge [Redwood Ridge 4C 2013]"},
	{INTEL, 0x156b, "DSL5320 Thunderbolt 2 Bridge [Falcon Ridge 2C 2013]"},
	{INTEL, 0x156d, "DSL5520 Thunderbolt 2 Bridge [Falcon Ridge 4C 2013]"},
	{INTEL, 0x1576, "DSL6340 Thunderbolt 3 Bridge [Alpine Ridge 2C 2015]"},
	{INTEL, 0x1578, "DSL6540 Thunderbolt 3 Bridge [Alpine Ridge 4C 2015]"},
	{INTEL, 0x157e, "DSL5110 Thunderbolt 2 Bridge (Low Power) [Win Ridge 2C 2014]"},
	{INTEL, 0x15c0, "JHL6240 Thunderbolt 3 Bridge (Low Power) [Alpine Ridge LP 2016]"},
	{INTEL, 0x15d3, "JHL6540 Thunderbolt 3 Bridge (C step) [Alpine Ridge 4C 2016]"},
	{INTEL, 0x15da, "JHL6340 Thunderbolt 3 Bridge (C step) [Alpine Ridge 2C 2016]"},
	{INTEL, 0x15e7, "JHL7540 Thunderbolt 3 Bridge [Titan Ridge 2C 2018]"},
	{INTEL, 0x15ea, "JHL7540 Thunderbolt 3 Bridge [Titan Ridge 4C 2018]"},
	{INTEL, 0x15ef, "JHL7540 Thunderbolt 3 Bridge [Titan Ridge DD 2018]"},
	{INTEL, 0x461f, "Alder Lake-P Thunderbolt 4 PCI Express Root Port #3"},
	{INTEL, 0x462f, "Alder Lake-P Thunderbolt 4 PCI Express Root Port #2"},
	{INTEL, 0x463f, "Alder Lake-P Thunderbolt 4 PCI Express Root Port #1"},
	{INTEL, 0x466e, "Alder Lake-P Thunderbolt 4 PCI Express Root Port #0"},
	{INTEL, 0x7ec4, "Meteor Lake-P Thunderbolt 4 PCI Express Root Port #0"},
	{INTEL, 0x7ec5, "Meteor Lake-P Thunderbolt 4 PCI Express Root Port #1"},
	{INTEL, 0x7ec6, "Meteor Lake-P Thunderbolt 4 PCI Express Root Port #2"},
	{INTEL, 0x7ec7, "Meteor Lake-P Thunderbolt 4 PCI Express Root Port #3"},
	{INTEL, 0x8a1d, "Ice Lake Thunderbolt 3 PCI Express Root Port #0"},
	{INTEL, 0x8a1f, "Ice Lake Thunderbolt 3 PCI Express Root Port #1"},
	{INTEL, 0x8a21, "Ice Lake Thunderbolt 3 PCI Express Root Port #2"},
	{INTEL, 0x8a23, "Ice Lake Thunderbolt 3 PCI Express Root Port #3"},
	{INTEL, 0x9a23, "Tiger Lake-LP Thunderbolt 4 PCI Express Root Port #0"},
	{INTEL, 0x9a25, "Tiger Lake-LP Thunderbolt 4 PCI Express Root Port #1"},
	{INTEL, 0x9a27, "Tiger Lake-LP Thunderbolt 4 PCI Express Root Port #2"},
	{INTEL, 0x9a29, "Tiger Lake-LP Thunderbolt 4 PCI Express Root Port #3"},
	{INTEL, 0x9a23, "Tiger Lake-LP Thunderbolt PCI Express Root Port #0"},
	{INTEL, 0x9a25, "Tiger Lake-LP Thunderbolt PCI Express Root Port #1"},
	{INTEL, 0x9a27, "Tiger Lake-LP Thunderbolt PCI Express Root Port #2"},
	{INTEL, 0x9a29, "Tiger Lake-LP Thunderbolt PCI Express Root Port #3"},
	{INTEL, 0x9a2b, "Tiger Lake-H Thunderbolt 4 PCI Express Root Port #0"},
	{INTEL, 0x9a2d, "Tiger Lake-H Thunderbolt 4 PCI Express Root Port #1"},
	{INTEL, 0x9a2f, "Tiger Lake-H Thunderbolt 4 PCI Express Root Port #2"},
	{INTEL, 0x9a31, "Tiger Lake-H Thunderbolt 4 PCI Express Root Port #3"},
};

static const struct named subsystems[] = {
	{RED_HAT, QEMUS, "QEMU Virtual Machine"},
	{LSI, 0x9261, "MegaRAID SAS 9260-8i"},
};

/* Upper and lower case changed over the years. */
static bool is(struct lnk_part p, const char *name)
{
	return p.n == strlen(name) && !strncasecmp(p.s, name, p.n);
}

static bool starts(struct lnk_part p, const char *word)
{
	size_t n = strlen(word);

	return p.n > n && !strncasecmp(p.s, word, n);
}

static uint16_t skip_maker(struct lnk_part *p)
{
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		n = strlen(makers[i].name);
		if (!starts(*p, makers[i].name) || p->s[n] != ' ')
			continue;
		p->s += n + 1;
		p->n -= n + 1;
		return makers[i].maker;
	}
	return 0;
}

/* "Device 000c", "Unknown device 000c": pci.ids has no name, and the number is the id. */
static bool read_number(struct lnk_part p, uint16_t *device)
{
	static const char *const words[] = {"Device ", "Unknown device "};
	char digits[5];
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		n = strlen(words[i]);
		if (!starts(p, words[i]) || p.n != n + 4)
			continue;
		memcpy(digits, p.s + n, 4);
		digits[4] = '\0';
		*device = (uint16_t)strtoul(digits, NULL, 16);
		return strspn(digits, "0123456789abcdef") == 4;
	}
	return false;
}

static bool find(struct lnk_part p, uint16_t maker, const struct named *rows, size_t n,
		 uint16_t *device)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (rows[i].maker == maker && is(p, rows[i].name)) {
			*device = rows[i].device;
			return true;
		}
	return read_number(p, device);
}

/*
 * QEMU docs/specs/pci-ids.rst: virtio's devices and the subsystem of what QEMU imitates are
 * numbered from 1000 on, QEMU's other devices below it.
 */
static uint16_t which_red_hat(struct lnk_part p, const struct lnk_named *found)
{
	if (found->whole)
		return found->device >= 0x1000 ? QUMRANET : RED_HAT;
	if (starts(p, "Virtio ") || starts(p, "Inter-VM "))
		return QUMRANET;
	return starts(p, "QEMU ") || starts(p, "QXL ") ? RED_HAT : 0;
}

struct lnk_named lnk_ids_device(struct lnk_part p)
{
	struct lnk_named found = {.vendor = skip_maker(&p)};

	found.whole =
		found.vendor && find(p, found.vendor, devices, ARRAY_SIZE(devices), &found.device);
	if (found.vendor == RED_HAT)
		found.vendor = which_red_hat(p, &found);
	return found;
}

/* Does @p, which has its maker before it, end in @name? */
static bool is_called(struct lnk_part p, struct lnk_part name)
{
	return p.n > name.n && skip_maker(&p) != RED_HAT && p.n >= name.n &&
	       !memcmp(p.s + p.n - name.n, name.s, name.n);
}

/*
 * Virtio's subsystems of old are numbered as its types are: there a low number says nothing. An
 * lspci that asks udev gives a subsystem that has no name the device's own: one of another maker's,
 * with what QEMU gives all that it imitates (QEMU hw/pci/pci.c).
 */
struct lnk_named lnk_ids_subsystem(struct lnk_part p, struct lnk_part device)
{
	struct lnk_named found = {.vendor = skip_maker(&p)};

	found.whole = found.vendor &&
		      find(p, found.vendor, subsystems, ARRAY_SIZE(subsystems), &found.device);
	if (found.vendor != RED_HAT)
		return found;
	if (found.whole && found.device >= 0x1000)
		return (struct lnk_named){QUMRANET, found.device, true};
	if (!found.whole && is_called(device, p))
		return (struct lnk_named){QUMRANET, QEMUS, true};
	return (struct lnk_named){0};
}
