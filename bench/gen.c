/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gen.c - a large capture as `lspci -nnk -xxx` or `-xxxx` would write it, for benchmarks
 *
 *	gen FUNCTIONS BYTES > capture		BYTES of each function: 64, 256 or 4096
 *
 * A rack of servers, one PCI domain after another until there are as many functions: host bridge
 * and chipset on bus 0, root ports with an SSD each, root ports with a switch below which are two
 * GPUs of four functions, a network adapter with two ports, and an SSD. One adapter in eight has 16
 * VFs. All capability lists are there. One link in a hundred has something that lnkinspect finds:
 * in turn fewer lanes than both ends have, a lower speed, a larger payload than the port's. The
 * same arguments give the same bytes.
 */
#include <pci/header.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE	   4096u
#define MAX_DOMAIN 8192u /* functions */
#define FAULTY	   100u	 /* one link in so many */

enum { V_INTEL = 0x8086, V_NVIDIA = 0x10de, V_MELLANOX = 0x15b3, V_SAMSUNG = 0x144d };
enum { V_MICROSEMI = 0x11f8, NO_EXPRESS = 0xff };

/* What there is: its title, and the link of its Express capability. */
static const struct kind {
	uint16_t vendor, device, class;
	const char *class_name, *name, *driver;
	uint8_t type; /* PCI_EXP_TYPE_*; NO_EXPRESS */
	uint8_t speed, width;
} kinds[] = {
#define HOST 0
	{V_INTEL, 0x09a2, 0x0600, "Host bridge", "Intel Corporation Ice Lake Memory Map/VT-d", "",
	 NO_EXPRESS, 0, 0},
#define CHIPSET 1
	{V_INTEL, 0x0998, 0x0880, "System peripheral", "Intel Corporation Device", "i10nm_edac",
	 PCI_EXP_TYPE_ROOT_INT_EP, 0, 0},
#define ROOT 2
	{V_INTEL, 0x347a, 0x0604, "PCI bridge", "Intel Corporation Device", "pcieport",
	 PCI_EXP_TYPE_ROOT_PORT, 4, 16},
#define UPSTREAM 3
	{V_MICROSEMI, 0x4000, 0x0604, "PCI bridge",
	 "PMC-Sierra Inc. PM40100 Switchtec PFX 100xG4 Fanout PCIe Switch", "pcieport",
	 PCI_EXP_TYPE_UPSTREAM, 4, 16},
#define DOWNSTREAM 4
	{V_MICROSEMI, 0x4000, 0x0604, "PCI bridge",
	 "PMC-Sierra Inc. PM40100 Switchtec PFX 100xG4 Fanout PCIe Switch", "pcieport",
	 PCI_EXP_TYPE_DOWNSTREAM, 4, 16},
#define GPU 5
	{V_NVIDIA, 0x2204, 0x0300, "VGA compatible controller",
	 "NVIDIA Corporation GA102 [GeForce RTX 3090]", "nvidia", PCI_EXP_TYPE_ENDPOINT, 4, 16},
	{V_NVIDIA, 0x1aef, 0x0403, "Audio device",
	 "NVIDIA Corporation GA102 High Definition Audio Controller", "snd_hda_intel",
	 PCI_EXP_TYPE_ENDPOINT, 4, 16},
	{V_NVIDIA, 0x1ad6, 0x0c03, "USB controller",
	 "NVIDIA Corporation TU102 USB 3.1 Host Controller", "xhci_hcd", PCI_EXP_TYPE_ENDPOINT, 4,
	 16},
	{V_NVIDIA, 0x1ad7, 0x0c80, "Serial bus controller",
	 "NVIDIA Corporation TU102 USB Type-C UCSI Controller", "nvidia-gpu", PCI_EXP_TYPE_ENDPOINT,
	 4, 16},
#define NIC 9
	{V_MELLANOX, 0x101b, 0x0207, "Infiniband controller",
	 "Mellanox Technologies MT28908 Family [ConnectX-6]", "mlx5_core", PCI_EXP_TYPE_ENDPOINT, 4,
	 16},
#define VF 10
	{V_MELLANOX, 0x101c, 0x0207, "Infiniband controller",
	 "Mellanox Technologies MT28908 Family [ConnectX-6 Virtual Function]", "mlx5_core",
	 PCI_EXP_TYPE_ENDPOINT, 0, 0},
#define SSD 11
	{V_SAMSUNG, 0xa80a, 0x0108, "Non-Volatile memory controller",
	 "Samsung Electronics Co Ltd NVMe SSD Controller PM9A1/PM9A3/980PRO", "nvme",
	 PCI_EXP_TYPE_ENDPOINT, 4, 4},
#define SSD_PORT 12
	{V_INTEL, 0x352a, 0x0604, "PCI bridge", "Intel Corporation Device", "pcieport",
	 PCI_EXP_TYPE_ROOT_PORT, 4, 4},
};

enum fault { FINE, NARROW, SLOW, PAYLOAD, FAULTS };

struct fn {
	const struct kind *kind;
	uint8_t bus, devfn;
	uint8_t secondary, subordinate;
	uint8_t fault; /* of the link above an endpoint; a port shows it, too */
	bool multi;    /* its device has several functions */
};

static struct {
	struct fn fns[MAX_DOMAIN];
	size_t n;
	unsigned bus; /* that is free */
	unsigned root_devfn;
	unsigned long links, adapters; /* over all domains */
	uint32_t noise;
	unsigned bytes;
	bool one_domain;
} gen;

/* ---- One domain ---------------------------------------------------------------------------- */

static struct fn *add(unsigned kind, unsigned bus, unsigned devfn)
{
	struct fn *f = &gen.fns[gen.n++];

	*f = (struct fn){.kind = &kinds[kind], .bus = (uint8_t)bus, .devfn = (uint8_t)devfn};
	return f;
}

static uint8_t next_fault(void)
{
	unsigned long link = gen.links++;

	return link % FAULTY == FAULTY / 2 ? (uint8_t)(1 + link / FAULTY % (FAULTS - 1)) : FINE;
}

static struct fn *add_port(unsigned kind, unsigned bus, unsigned devfn)
{
	struct fn *f = add(kind, bus, devfn);

	f->secondary = f->subordinate = (uint8_t)gen.bus++;
	return f;
}

static struct fn *add_root_port(unsigned kind)
{
	struct fn *f = add_port(kind, 0, gen.root_devfn);

	f->multi = true;
	gen.root_devfn++;
	return f;
}

static void add_ssd(struct fn *port)
{
	struct fn *f = add(SSD, port->secondary, 0);

	port->fault = f->fault = next_fault();
}

static void add_gpu(struct fn *port)
{
	unsigned i;

	port->fault = next_fault();
	for (i = 0; i < 4; i++) {
		struct fn *f = add(GPU + i, port->secondary, i);

		f->fault = port->fault;
		f->multi = true;
	}
}

static void add_nic(struct fn *port)
{
	unsigned n = 2 + (gen.adapters++ % 8 ? 0 : 16), i;

	port->fault = next_fault();
	for (i = 0; i < n; i++) {
		struct fn *f = add(i < 2 ? NIC : VF, port->secondary, i);

		f->fault = i < 2 ? port->fault : FINE;
		f->multi = i < 2;
	}
}

static void add_switch(void)
{
	struct fn *root = add_root_port(ROOT);
	struct fn *up = add_port(UPSTREAM, root->secondary, 0);

	gen.links++;
	add_gpu(add_port(DOWNSTREAM, up->secondary, 0x00));
	add_gpu(add_port(DOWNSTREAM, up->secondary, 0x08));
	add_nic(add_port(DOWNSTREAM, up->secondary, 0x10));
	add_ssd(add_port(DOWNSTREAM, up->secondary, 0x18));
	root->subordinate = up->subordinate = (uint8_t)(gen.bus - 1);
}

static int by_address(const void *a, const void *b)
{
	const struct fn *x = a, *y = b;

	return (x->bus << 8 | x->devfn) - (y->bus << 8 | y->devfn);
}

static void make_domain(void)
{
	unsigned i;

	gen.n = 0;
	gen.bus = 1;
	gen.root_devfn = 0x10;
	add(HOST, 0, 0);
	for (i = 0; i < 3; i++)
		add(CHIPSET, 0, 8 + i)->multi = true;
	while (gen.bus + 8 < 0x100) {
		add_ssd(add_root_port(SSD_PORT));
		add_switch();
	}
	qsort(gen.fns, gen.n, sizeof(gen.fns[0]), by_address);
}

/* ---- One function's bytes ------------------------------------------------------------------ */

static uint32_t noise(void)
{
	gen.noise ^= gen.noise << 13;
	gen.noise ^= gen.noise >> 17;
	gen.noise ^= gen.noise << 5;
	return gen.noise;
}

static void put16(uint8_t *c, unsigned off, unsigned v)
{
	c[off] = (uint8_t)v;
	c[off + 1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *c, unsigned off, uint32_t v)
{
	put16(c, off, v & 0xffff);
	put16(c, off + 2, v >> 16);
}

static void put_noise(uint8_t *c, unsigned off, unsigned n)
{
	for (; n; n -= 4, off += 4)
		put32(c, off, noise());
}

static void put_header(uint8_t *c, const struct fn *f)
{
	const struct kind *k = f->kind;
	bool bridge = k->class == 0x0604;

	/* PCIe 9.3.4.1: a VF has ones there. */
	put16(c, PCI_VENDOR_ID, k == &kinds[VF] ? 0xffff : k->vendor);
	put16(c, PCI_DEVICE_ID, k == &kinds[VF] ? 0xffff : k->device);
	put16(c, PCI_COMMAND, 0x0407);
	put16(c, PCI_STATUS, PCI_STATUS_CAP_LIST);
	c[PCI_REVISION_ID] = 1;
	put16(c, PCI_CLASS_DEVICE, k->class);
	c[PCI_CACHE_LINE_SIZE] = 0x10;
	c[PCI_HEADER_TYPE] = (uint8_t)((f->multi ? 0x80 : 0) | bridge);
	put32(c, PCI_BASE_ADDRESS_0, (noise() & 0xff000000) | 0x0c);
	c[PCI_CAPABILITY_LIST] = 0x40;
	c[PCI_INTERRUPT_LINE] = (uint8_t)noise();
	c[PCI_INTERRUPT_PIN] = 1;
	if (bridge) {
		c[PCI_PRIMARY_BUS] = f->bus;
		c[PCI_SECONDARY_BUS] = f->secondary;
		c[PCI_SUBORDINATE_BUS] = f->subordinate;
		put32(c, PCI_MEMORY_BASE, noise() & 0xfff0fff0);
		put32(c, PCI_PREF_MEMORY_BASE, (noise() & 0xfff0fff0) | 0x00010001);
	} else {
		put32(c, PCI_BASE_ADDRESS_2, (noise() & 0xfff00000) | 0x0c);
		put16(c, PCI_SUBSYSTEM_VENDOR_ID, k->vendor);
		put16(c, PCI_SUBSYSTEM_ID, 0x147d);
	}
}

static uint32_t link_of(unsigned speed, unsigned width)
{
	return speed | width << 4;
}

/* PCIe 7.5.3 */
static void put_express(uint8_t *c, const struct fn *f)
{
	const struct kind *k = f->kind;
	bool port = k->type == PCI_EXP_TYPE_ROOT_PORT || k->type == PCI_EXP_TYPE_DOWNSTREAM;
	unsigned speed = k->speed, width = k->width;

	/* What a wide port runs at is what its device can. */
	if (port && k == &kinds[DOWNSTREAM] && !(f->devfn ^ 0x18))
		width = kinds[SSD].width;
	if (f->fault == NARROW)
		width /= 2;
	if (f->fault == SLOW)
		speed = 3;
	put16(c, 2, 2u | (unsigned)k->type << 4 | (port ? PCI_EXP_FLAGS_SLOT : 0));
	put32(c, PCI_EXP_DEVCAP, 0x10008fe2);
	put16(c, PCI_EXP_DEVCTL, f->fault == PAYLOAD && !port ? 0x2957 : 0x2937);
	if (!k->speed && k != &kinds[VF])
		return;
	put32(c, PCI_EXP_LNKCAP,
	      link_of(k->speed, k->width) | 0x00400c00 | (port ? PCI_EXP_LNKCAP_DLLA : 0));
	put16(c, PCI_EXP_LNKCTL, 0x0040);
	put16(c, PCI_EXP_LNKSTA,
	      link_of(speed, width) | PCI_EXP_LNKSTA_SL_CLK | (port ? PCI_EXP_LNKSTA_DL_ACT : 0));
	if (port) {
		put32(c, PCI_EXP_SLTCAP, 0x00040060u | (uint32_t)f->secondary << 19);
		put16(c, PCI_EXP_SLTCTL, 0x17e8);
		put16(c, PCI_EXP_SLTSTA, PCI_EXP_SLTSTA_PRES);
	}
	put32(c, PCI_EXP_DEVCAP2, 0x70993);
	put32(c, PCI_EXP_LNKCAP2, (2u << k->speed) - 2);
	put16(c, PCI_EXP_LNKCTL2, k->speed);
	put16(c, PCI_EXP_LNKSTA2, 0x001f);
	if (!k->speed)
		memset(c + PCI_EXP_LNKCAP, 0, 0x30);
}

static void put_caps(uint8_t *c, const struct fn *f)
{
	bool express = f->kind->type != NO_EXPRESS, bridge = f->kind->class == 0x0604;
	const uint8_t list[][3] = {
		{PCI_CAP_ID_PM, 0x40, 8},
		{PCI_CAP_ID_MSI, 0x50, 0x10},
		{express ? PCI_CAP_ID_EXP : PCI_CAP_ID_VNDR, 0x70, 0x3c},
		{PCI_CAP_ID_MSIX, 0xb0, 0x0c},
		{bridge ? PCI_CAP_ID_SSVID : PCI_CAP_ID_VPD, 0xc0, 8},
		{PCI_CAP_ID_VNDR, 0xd0, 0x14},
	};
	unsigned i, last = sizeof(list) / sizeof(list[0]) - 1;

	for (i = 0; i <= last; i++) {
		unsigned off = list[i][1];

		c[off] = list[i][0];
		c[off + 1] = i < last ? list[i + 1][1] : 0;
		if (list[i][0] == PCI_CAP_ID_EXP)
			put_express(c + off, f);
		else
			put_noise(c, off + 4, list[i][2] - 4u);
		if (list[i][0] == PCI_CAP_ID_VNDR)
			c[off + 2] = list[i][2];
	}
}

/* PCIe 7.6.3; what rules read of them says that all is well. */
static void put_ecaps(uint8_t *c, const struct fn *f, unsigned long number)
{
	static const struct {
		uint16_t id, off, size;
	} list[] = {
		{PCI_EXT_CAP_ID_AER, 0x100, 0x48},
		{PCI_EXT_CAP_ID_DSN, 0x148, 0x0c},
		{PCI_EXT_CAP_ID_PB, 0x158, 0x10},
		{PCI_EXT_CAP_ID_SECPCI, 0x168, 0x2c},
		{PCI_EXT_CAP_ID_LTR, 0x198, 0x08},
		{PCI_EXT_CAP_ID_L1PM, 0x1a0, 0x10},
		{PCI_EXT_CAP_ID_ACS, 0x1b0, 0x08},
		{0x25, 0x1c0, 0x0c},
		{0x26, 0x1d0, 0x30},
		{0x27, 0x200, 0x48},
		{PCI_EXT_CAP_ID_VNDR, 0x300, 0x500},
	};
	unsigned i, n = sizeof(list) / sizeof(list[0]);

	if (f->kind->type == NO_EXPRESS || f->kind->type == PCI_EXP_TYPE_ROOT_INT_EP)
		return;
	for (i = 0; i < n; i++)
		put32(c, list[i].off,
		      list[i].id | 1u << 16 | (i + 1 < n ? (uint32_t)list[i + 1].off << 20 : 0));
	put32(c, 0x100 + PCI_ERR_UNCOR_MASK, 0x00100000);
	put32(c, 0x100 + PCI_ERR_UNCOR_SEVER, 0x00462030);
	put32(c, 0x100 + PCI_ERR_COR_MASK, 0x00006000);
	put32(c, 0x148 + 4, (uint32_t)(number >> 5));
	put32(c, 0x148 + 8, 0x00155d00);
	put_noise(c, 0x1a0 + 4, 0x0c);
	put32(c, 0x1c0 + 4, 0x80000001);
	put_noise(c, 0x300 + 8, 0x500 - 8);
}

/* ---- As lspci writes it -------------------------------------------------------------------- */

static void write_row(const uint8_t *b, unsigned off)
{
	static const char digits[] = "0123456789abcdef";
	char line[64], *s = line + sprintf(line, "%02x:", off);
	unsigned i;

	for (i = 0; i < 16; i++) {
		*s++ = ' ';
		*s++ = digits[b[i] >> 4];
		*s++ = digits[b[i] & 15];
	}
	*s++ = '\n';
	fwrite(line, 1, (size_t)(s - line), stdout);
}

static void write_fn(const struct fn *f, unsigned domain, unsigned long number)
{
	const struct kind *k = f->kind;
	uint8_t c[SPACE] = {0};
	unsigned off, size = gen.bytes;

	put_header(c, f);
	put_caps(c, f);
	put_ecaps(c, f, number);
	if (size > 256 && k->type == NO_EXPRESS)
		size = 256;
	if (!gen.one_domain)
		printf("%04x:", domain);
	printf("%02x:%02x.%x %s [%04x]: %s [%04x:%04x] (rev 01)\n", f->bus, f->devfn >> 3,
	       f->devfn & 7u, k->class_name, k->class, k->name, k->vendor, k->device);
	printf("\tSubsystem: Device [%04x:147d]\n", k->vendor);
	if (*k->driver)
		printf("\tKernel driver in use: %s\n\tKernel modules: %s\n", k->driver, k->driver);
	for (off = 0; off < size; off += 16)
		write_row(c + off, off);
	putchar('\n');
}

int main(int argc, char **argv)
{
	unsigned long want = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, done = 0;
	unsigned domain;
	size_t i;

	gen.bytes = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (!want || (gen.bytes != 64 && gen.bytes != 256 && gen.bytes != SPACE)) {
		fputs("usage: gen FUNCTIONS 64|256|4096 > capture\n", stderr);
		return 2;
	}
	gen.noise = 0x9e3779b9;
	for (domain = 0; done < want; domain++) {
		make_domain();
		if (!domain)
			gen.one_domain = want <= gen.n;
		for (i = 0; i < gen.n && done < want; i++)
			write_fn(&gen.fns[i], domain, done++);
	}
	return fflush(stdout) || ferror(stdout) ? 2 : 0;
}
