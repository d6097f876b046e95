/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names.c - words that rules and reports share: speeds, severities, registers, addresses */
#include <pci/header.h>
#include <string.h>

#include "lnkinspect.h"

const char *lnk_severity_name(enum lnk_severity s)
{
	static const char *const names[] = {
		[LNK_INFO] = "info",
		[LNK_NOTICE] = "notice",
		[LNK_WARNING] = "warning",
		[LNK_ERROR] = "error",
	};

	return names[s];
}

const char *lnk_actor_name(enum lnk_actor a)
{
	static const char *const names[] = {
		[LNK_NOBODY] = "nobody",
		[LNK_GUEST] = "on the machine itself",
		[LNK_HOST] = "owner of the host",
		[LNK_HARDWARE] = "owner of the hardware",
	};

	return names[a];
}

/*
 * PCIe 7.5.3.18: the code is the number of a bit in LNKCAP2's vector. Mb/s per lane are the
 * kernel's integers (Linux drivers/pci/pci.h PCIE_SPEED2MBS_ENC), .hundredths those of a GT/s.
 */
static const struct {
	const char *name, *kernel;
	uint32_t mbps, hundredths;
} speeds[] = {
	[0] = {"unknown", "Unknown", 0, 0},
	[1] = {"2.5GT/s", "2.5 GT/s PCIe", 2000, 250},
	[2] = {"5GT/s", "5.0 GT/s PCIe", 4000, 500},
	[3] = {"8GT/s", "8.0 GT/s PCIe", 7876, 800},
	[4] = {"16GT/s", "16.0 GT/s PCIe", 15753, 1600},
	[5] = {"32GT/s", "32.0 GT/s PCIe", 31507, 3200},
	[6] = {"64GT/s", "64.0 GT/s PCIe", 64000, 6400},
	[7] = {"128GT/s", "128.0 GT/s PCIe", 128000, 12800},
};

bool lnk_speed_legal(unsigned code)
{
	return code >= 1 && code < ARRAY_SIZE(speeds);
}

const char *lnk_speed_name(unsigned code)
{
	return speeds[lnk_speed_legal(code) ? code : 0].name;
}

const char *lnk_speed_kernel(unsigned code)
{
	return speeds[lnk_speed_legal(code) ? code : 0].kernel;
}

uint64_t lnk_speed_transfers(unsigned code)
{
	return lnk_speed_legal(code) ? speeds[code].hundredths * UINT64_C(10000000) : 0;
}

unsigned lnk_speed_code(const char *text)
{
	/* Hundredths of a GT/s decide, so that "8", "8.0" and "8GT/s" are one. */
	unsigned whole = 0, part = 0, scale = 100, i;
	const char *s = text;

	if (*s < '0' || *s > '9')
		return 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		whole = whole * 10 + (unsigned)(*s - '0');
		if (whole > 1000)
			return 0;
	}
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++) {
			scale /= 10;
			part += (unsigned)(*s - '0') * scale;
		}
	for (i = 1; i < ARRAY_SIZE(speeds); i++)
		if (whole * 100 + part == speeds[i].hundredths)
			return i;
	return 0;
}

bool lnk_width_legal(unsigned width)
{
	return width == 1 || width == 2 || width == 4 || width == 8 || width == 12 || width == 16 ||
	       width == 32;
}

uint32_t lnk_rate_mbps(unsigned speed, unsigned width)
{
	return lnk_speed_legal(speed) && width <= 32 ? speeds[speed].mbps * width : 0;
}

const char *lnk_time_str(uint64_t ns, char buf[LNK_TIME_LEN])
{
	const double s = (double)ns / 1e9;

	if (s < 0.9995)
		snprintf(buf, LNK_TIME_LEN, "%.0f ms", 1e3 * s);
	else if (s < 600)
		snprintf(buf, LNK_TIME_LEN, "%.1f s", s);
	else
		snprintf(buf, LNK_TIME_LEN, "%.1f min", s / 60);
	return buf;
}

char *lnk_put_hex(char *to, uint32_t x, unsigned digits)
{
	unsigned i;

	for (i = digits; i--; x >>= 4)
		to[i] = "0123456789abcdef"[x & 0xf];
	return to + digits;
}

/* By hand, since reports say nothing as often: "%04x:%02x:%02x.%x". */
const char *lnk_addr_str(struct lnk_addr a, char buf[LNK_ADDR_LEN])
{
	unsigned digits = 4;
	char *p;

	while (digits < 8 && a.domain >> 4 * digits)
		digits++;
	p = lnk_put_hex(buf, a.domain, digits);
	*p++ = ':';
	p = lnk_put_hex(p, a.bus, 2);
	*p++ = ':';
	p = lnk_put_hex(p, lnk_dev(a), 2);
	*p++ = '.';
	p = lnk_put_hex(p, lnk_func(a), 1);
	*p = '\0';
	return buf;
}

/* Up to @max hex digits at *s, at least one; moves *s behind them. */
static bool parse_hex(const char **s, unsigned max, uint32_t *v)
{
	static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
	const char *d;
	unsigned n;

	*v = 0;
	for (n = 0; n < max && **s && (d = strchr(digits, **s)); n++, ++*s)
		*v = *v << 4 | (uint32_t)(d - digits) / 2;
	return n;
}

bool lnk_addr_parse(const char *s, struct lnk_addr *a)
{
	uint32_t domain = 0, bus, dev, func;

	if (!parse_hex(&s, 8, &bus) || *s++ != ':' || !parse_hex(&s, 2, &dev))
		return false;
	if (*s == ':') {
		domain = bus;
		bus = dev;
		s++;
		if (!parse_hex(&s, 2, &dev))
			return false;
	}
	if (*s++ != '.' || !parse_hex(&s, 1, &func) || *s || bus > 0xff || dev > 0x1f || func > 7)
		return false;
	*a = (struct lnk_addr){domain, (uint8_t)bus, (uint8_t)(dev << 3 | func)};
	return true;
}

static const struct {
	const char *name;
	uint8_t digits;
} regs[LNK_REGS] = {
	[LNK_R_ID] = {"vendor and device", 8},
	[LNK_R_STATUS] = {"STATUS", 4},
	[LNK_R_CLASS] = {"class", 8},
	[LNK_R_HEADER] = {"header type", 2},
	[LNK_R_BUSES] = {"bus numbers", 8},
	[LNK_R_SUBSYS] = {"subsystem", 8},
	[LNK_R_PCIECAP] = {"Express capability", 4},
	[LNK_R_DEVCAP] = {"DEVCAP", 8},
	[LNK_R_DEVCTL] = {"DEVCTL", 4},
	[LNK_R_LNKCAP] = {"LNKCAP", 8},
	[LNK_R_LNKCTL] = {"LNKCTL", 4},
	[LNK_R_LNKSTA] = {"LNKSTA", 4},
	[LNK_R_SLTCAP] = {"SLTCAP", 8},
	[LNK_R_SLTCTL] = {"SLTCTL", 4},
	[LNK_R_SLTSTA] = {"SLTSTA", 4},
	[LNK_R_LNKCAP2] = {"LNKCAP2", 8},
	[LNK_R_LNKCTL2] = {"LNKCTL2", 4},
	[LNK_R_LNKSTA2] = {"LNKSTA2", 4},
	[LNK_R_MAXLINK] = {"LNKCAP", 4},
	[LNK_R_CURLINK] = {"LNKSTA", 4},
	[LNK_R_ECAPS] = {"extended capabilities", 2},
	[LNK_R_AERUNCOR] = {"AER uncorrectable status", 8},
	[LNK_R_AERCOR] = {"AER correctable status", 8},
	[LNK_R_LANEERR] = {"lane error status", 8},
	[LNK_R_DSNLO] = {"serial number (low)", 8},
	[LNK_R_DSNHI] = {"serial number (high)", 8},
};

const char *lnk_reg_name(enum lnk_reg r)
{
	return regs[r].name;
}

unsigned lnk_reg_digits(enum lnk_reg r)
{
	return regs[r].digits;
}

static const struct {
	uint16_t class;
	const char *name;
} classes[] = {
	{0x0101, "ide"},	{0x0104, "raid"},	    {0x0106, "sata"},
	{0x0107, "sas"},	{0x0108, "nvme"},	    {0x0200, "ethernet"},
	{0x0207, "infiniband"}, {0x0280, "network"},	    {0x0300, "vga"},
	{0x0302, "3d"},		{0x0380, "display"},	    {0x0403, "audio"},
	{0x0502, "cxl memory"}, {0x0600, "host bridge"},    {0x0601, "isa bridge"},
	{0x0604, "pci bridge"}, {0x0607, "cardbus bridge"}, {0x0700, "serial"},
	{0x0805, "sd host"},	{0x0806, "iommu"},	    {0x0807, "event collector"},
	{0x0c03, "usb"},	{0x0c05, "smbus"},	    {0x1200, "accelerator"},
};

/* PCI Code and ID Assignment 1.15, base classes. */
static const char *const base_classes[] = {
	"device", "storage", "network", "display", "multimedia",  "memory",	"bridge",
	"comm",	  "system",  "input",	"docking", "processor",	  "serial bus", "wireless",
	"i/o",	  "satcom",  "crypto",	"signal",  "accelerator", "instrument",
};

const char *lnk_class_name(uint32_t class24)
{
	uint32_t base = class24 >> 16;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].class == class24 >> 8)
			return classes[i].name;
	return base < ARRAY_SIZE(base_classes) ? base_classes[base] : "device";
}

const char *lnk_kind_name(const struct lnk_fn *f)
{
	if (f->quirks & LNK_Q_VF)
		return "VF";
	switch (f->type) {
	case LNK_T_ROOT_PORT:
		return "root port";
	case LNK_T_UPSTREAM:
		return "switch up";
	case LNK_T_DOWNSTREAM:
		return "switch down";
	case LNK_T_PCIE_PCI:
		return "PCIe-PCI bridge";
	case LNK_T_PCI_PCIE:
		return "PCI-PCIe bridge";
	case LNK_T_ENDPOINT:
	case LNK_T_LEGACY:
	case LNK_T_RCIEP:
	case LNK_T_RCEC:
	default:
		return f->class24 == 0xffffff ? "device" : lnk_class_name(f->class24);
	}
}

/* ---- Tokens for programs -------------------------------------------------------------------- */

const char *lnk_verdict_token(unsigned verdict)
{
	static const char *const tokens[] = {
		[LNK_PASS] = "pass",
		[LNK_FOUND] = "found",
		[LNK_SKIPPED] = "skipped",
		[LNK_NA] = "not_applicable",
	};

	return tokens[verdict];
}

const char *lnk_reach_token(unsigned reach)
{
	static const char *const tokens[LNK_REACHES] = {
		[LNK_READ_ALL] = "all",	      [LNK_READ_HEADER] = "header",
		[LNK_READ_PART] = "part",     [LNK_READ_TEXT] = "text",
		[LNK_READ_ASLEEP] = "asleep", [LNK_READ_FFS] = "all-ones",
		[LNK_READ_GONE] = "removed",
	};

	return tokens[reach];
}

const char *lnk_state_token(unsigned state)
{
	static const char *const tokens[] = {
		[LNK_STATE_UNKNOWN] = NULL, [LNK_UP] = "up", [LNK_DOWN] = "down"};

	return tokens[state];
}
