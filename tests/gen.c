/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gen.c - writes a capture in the layout of lspci -x, -xxx, -xxxx from a few readable lines
 *
 *	gen < spec > capture
 *
 * A fixture that no machine at hand can produce is claimed here in registers that a reviewer can
 * read. `lspci -F` must read what comes out. A spec has one statement per line; blanks separate
 * words, `#` starts a comment. Numbers are hex without 0x unless noted. Errors name the line.
 * TEXT is the rest of the line as it stands (no comment in it) with \\, \t and \xNN replaced.
 *
 * Outside a function:
 *	env KEY TEXT			line "# KEY: TEXT" of the head; the first one writes the
 *					capture's first line, "# lnkinspect capture 1", before it
 *	raw TEXT			this line; ends the function before it
 *	eol lf|crlf			how lines end from here on
 *	no-final-newline		the last line of all has no end
 *	prefix TEXT			put before every line from here on (quoted mail, log times)
 *
 *	fn ADDR VVVV:DDDD CLASS		starts a function: ADDR is [domain:]bb:dd.f, CLASS 4 or 6
 *					digits; what follows belongs to it
 * The function:
 *	size BYTES			decimal, a multiple of 16; default 4096 with an Express
 *					capability, else 256
 *	rev RR
 *	subsys SSSS:DDDD		register 2c; of a CardBus bridge 40; of a bridge the
 *					capability 0d, at f8
 *	multifunction			bit 7 of the header type
 *	bridge PRI SEC SUB		header layout 1 and its bus numbers; before capabilities
 *	cardbus PRI SEC SUB		header layout 2 and its bus numbers; before capabilities
 *	ffs				every byte reads ff
 *
 * Capabilities are linked in the order of the lines:
 *	express OFF vN TYPE [slot]	TYPE: endpoint legacy root-port upstream downstream pcie-pci
 *					pci-pcie rciep rcec, or one hex digit. v1 holds 14 bytes
 *					(hex), with slot 24, v2 34; it may run past its space
 *	REGISTER HEX			of the Express capability: PCIECAP DEVCAP DEVCTL DEVSTA
 *					LNKCAP LNKCTL LNKSTA SLTCAP SLTCTL SLTSTA DEVCAP2 DEVCTL2
 *					LNKCAP2 LNKCTL2 LNKSTA2; replaces what was there
 *	link SPEEDxWIDTH [SPEEDxWIDTH]	maximum and current (default: the same) speed in GT/s (2.5
 *					5 8 16 32 64 128) and width (decimal). On v2 also LNKCAP2's
 *					vector, above 5 GT/s, and LNKCTL2's target speed
 *	flags WORD...			sets a bit: see flags[] below
 *	cap ID OFF [BYTE...]		any other capability and the bytes after its header
 *	ext ID OFF [VERSION] [DWORD...]	extended capability and the dwords after its header; a
 *					word of one digit after OFF is the version (default 1). The
 *					first must stand at 100
 *	ext aer UNCOR COR		the next five choose their place
 *	ext acs
 *	ext dsn HI LO
 *	ext secpci LANEERR
 *	ext sriov
 *	bytes OFF BYTE...		raw bytes, written last of all
 *
 * How it is written:
 *	title TEXT			after the address in the header line; default
 *					"CLASS: VVVV:DDDD (rev RR)", as lspci -n has it
 *	text TEXT			a line with a tab before it, after the header line
 *	fact KEY TEXT			a line "# KEY: TEXT", after the header line
 *	no-hex				no rows of bytes
 *	drop OFF			that row is missing
 *	cut OFF				this row and all after it are missing
 *	row OFF TEXT			this line stands in the place of that row
 */
#include <ctype.h>
#include <pci/header.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACE	  4096u
#define ROWS	  (SPACE / 16)
#define MAX_WORDS 1100
#define FREE_CAP  0xf8u /* where the subsystem capability of a bridge goes */

/* One function as far as it was told. */
struct fn {
	bool open;
	char addr[32];
	unsigned class24, vendor, device, rev;
	unsigned size; /* 0: not told */
	unsigned express, version, express_size;
	unsigned cap_ptr; /* the byte that gets the offset of the next capability */
	unsigned ext_ptr; /* the extended capability that gets the offset of the next; 0: none */
	unsigned ext_end; /* where it ends */
	unsigned cut;	  /* first row that is missing */
	bool ffs, no_hex;
	uint8_t cfg[SPACE];
	bool taken[SPACE]; /* by a capability */
	uint8_t patch[SPACE];
	bool patched[SPACE];
	bool dropped[ROWS];
	char *row[ROWS];
	char *title;
	char *lines; /* after the header line, each with its end */
};

struct gen {
	unsigned line; /* of the spec */
	char *rest;    /* of the line, after its first word */
	char *word[MAX_WORDS];
	unsigned n;
	bool head; /* the first line of a capture's head is written */
	bool crlf, no_final_newline, unfinished;
	char *prefix;
	struct fn fn;
};

static struct gen gen;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "gen: line %u: ", gen.line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void *check(void *p)
{
	if (!p)
		fail("out of memory");
	return p;
}

/* ---- Words and numbers -------------------------------------------------------------------- */

static unsigned long number(const char *s, int base, unsigned long max, const char *what)
{
	unsigned long v;
	char *end;

	if (!isxdigit((unsigned char)*s))
		fail("%s: \"%s\" is not a number", what, s);
	v = strtoul(s, &end, base);
	if (*end || s[1] == 'x' || s[1] == 'X')
		fail("%s: \"%s\" is not a number", what, s);
	if (v > max)
		fail("%s: %s is more than %lx", what, s, max);
	return v;
}

static unsigned hex(const char *s, unsigned long max, const char *what)
{
	return (unsigned)number(s, 16, max, what);
}

static void ids(const char *s, unsigned *vendor, unsigned *device)
{
	char a[5], b[5], extra;

	if (sscanf(s, "%4[0-9a-fA-F]:%4[0-9a-fA-F]%c", a, b, &extra) != 2)
		fail("\"%s\" is not VVVV:DDDD", s);
	*vendor = hex(a, 0xffff, "vendor");
	*device = hex(b, 0xffff, "device");
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *p = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* TEXT: the rest of the line from its word @from on, escapes replaced. */
static char *text(unsigned from)
{
	const char *s = gen.rest;
	char *out, *o;

	while (from--) {
		s += strspn(s, " \t");
		s += strcspn(s, " \t");
	}
	s += strspn(s, " \t");
	out = o = check(malloc(strlen(s) + 1));
	while (*s) {
		if (*s != '\\') {
			*o++ = *s++;
		} else if (s[1] == '\\') {
			*o++ = '\\';
			s += 2;
		} else if (s[1] == 't') {
			*o++ = '\t';
			s += 2;
		} else if (s[1] == 'x' && digit(s[2]) >= 0 && digit(s[3]) >= 0) {
			*o = (char)(digit(s[2]) * 16 + digit(s[3]));
			if (!*o || *o == '\n')
				fail("\\x%.2s cannot stand in a line", s + 2);
			o++;
			s += 4;
		} else {
			fail("\"\\%c\" is not one of \\\\ \\t \\xNN", s[1]);
		}
	}
	*o = '\0';
	return out;
}

static void want(unsigned least, unsigned most, const char *usage)
{
	if (gen.n < least || gen.n > most)
		fail("want: %s", usage);
}

/* ---- Output ------------------------------------------------------------------------------- */

/* The end of a line waits for the next line, so that the last one can be left out. */
__attribute__((format(printf, 1, 2))) static void put(const char *fmt, ...)
{
	va_list ap;

	if (gen.unfinished)
		fputs(gen.crlf ? "\r\n" : "\n", stdout);
	gen.unfinished = true;
	fputs(gen.prefix ? gen.prefix : "", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

static void put_row(const struct fn *f, unsigned off)
{
	char s[16 * 3 + 1], *o = s;
	unsigned i;

	for (i = 0; i < 16; i++)
		o += sprintf(o, " %02x", f->cfg[off + i]);
	put("%02x:%s", off, s);
}

static void put_fn(struct fn *f)
{
	unsigned size = f->size ? f->size : f->express ? SPACE : 256;
	unsigned off;
	char *line;

	if (f->ffs)
		memset(f->cfg, 0xff, SPACE);
	for (off = 0; off < SPACE; off++)
		if (f->patched[off])
			f->cfg[off] = f->patch[off];
	if (f->title)
		put("%s %s", f->addr, f->title);
	else
		put("%s %04x: %04x:%04x (rev %02x)", f->addr, f->class24 >> 8, f->vendor, f->device,
		    f->ffs ? 0xff : f->rev);
	for (line = f->lines ? strtok(f->lines, "\n") : NULL; line; line = strtok(NULL, "\n"))
		put("%s", line);
	for (off = 0; off < size && off < f->cut && !f->no_hex; off += 16) {
		if (f->row[off / 16])
			put("%s", f->row[off / 16]);
		else if (!f->dropped[off / 16])
			put_row(f, off);
	}
	/* lspci ends a function with an empty line unless it is one line alone. */
	if (!f->no_hex || f->lines)
		put("%s", "");
}

static void end_fn(void)
{
	unsigned i;

	if (!gen.fn.open)
		return;
	put_fn(&gen.fn);
	for (i = 0; i < ROWS; i++)
		free(gen.fn.row[i]);
	free(gen.fn.title);
	free(gen.fn.lines);
	memset(&gen.fn, 0, sizeof(gen.fn));
}

/* ---- Statements outside a function -------------------------------------------------------- */

static void do_env(struct fn *f)
{
	char *t = text(1);

	want(1, MAX_WORDS, "env KEY TEXT");
	if (f->open)
		fail("env belongs before the first function; see fact");
	if (!gen.head)
		put("# lnkinspect capture 1");
	gen.head = true;
	put("# %s: %s", gen.word[0], t);
	free(t);
}

static void do_raw(struct fn *f)
{
	char *t = text(0);

	(void)f;
	end_fn();
	put("%s", t);
	free(t);
}

static void do_eol(struct fn *f)
{
	(void)f;
	want(1, 1, "eol lf|crlf");
	if (strcmp(gen.word[0], "lf") != 0 && strcmp(gen.word[0], "crlf") != 0)
		fail("want: eol lf|crlf");
	end_fn();
	gen.crlf = gen.word[0][0] == 'c';
}

static void do_no_final_newline(struct fn *f)
{
	(void)f;
	want(0, 0, "no-final-newline");
	gen.no_final_newline = true;
}

static void do_prefix(struct fn *f)
{
	(void)f;
	end_fn();
	free(gen.prefix);
	gen.prefix = text(0);
}

/* ---- Statements about the function -------------------------------------------------------- */

static void set(struct fn *f, unsigned off, unsigned bytes, uint32_t v)
{
	if (off + bytes > SPACE)
		fail("offset %x is outside the space", off);
	for (; bytes--; v >>= 8)
		f->cfg[off++] = (uint8_t)v;
}

static uint32_t get(const struct fn *f, unsigned off, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | f->cfg[off + bytes];
	return v;
}

static void do_fn(struct fn *f)
{
	unsigned domain, bus, dev, func;
	char extra;

	want(3, 3, "fn ADDR VVVV:DDDD CLASS");
	end_fn();
	if (sscanf(gen.word[0], "%8x:%2x:%2x.%1x%c", &domain, &bus, &dev, &func, &extra) != 4 &&
	    sscanf(gen.word[0], "%2x:%2x.%1x%c", &bus, &dev, &func, &extra) != 3)
		fail("\"%s\" is not an address", gen.word[0]);
	if (dev > 0x1f || func > 7 || strlen(gen.word[0]) >= sizeof(f->addr))
		fail("\"%s\" is not an address", gen.word[0]);
	f->open = true;
	strcpy(f->addr, gen.word[0]);
	ids(gen.word[1], &f->vendor, &f->device);
	if (strlen(gen.word[2]) != 4 && strlen(gen.word[2]) != 6)
		fail("a class has 4 or 6 digits");
	f->class24 = hex(gen.word[2], 0xffffff, "class");
	if (strlen(gen.word[2]) == 4)
		f->class24 <<= 8;
	f->cut = SPACE;
	f->cap_ptr = PCI_CAPABILITY_LIST;
	set(f, PCI_VENDOR_ID, 2, f->vendor);
	set(f, PCI_DEVICE_ID, 2, f->device);
	set(f, PCI_CLASS_PROG, 3, f->class24);
}

static void do_size(struct fn *f)
{
	want(1, 1, "size BYTES");
	f->size = (unsigned)number(gen.word[0], 10, SPACE, "size");
	if (!f->size || f->size % 16)
		fail("a size is a multiple of 16");
}

static void do_rev(struct fn *f)
{
	want(1, 1, "rev RR");
	f->rev = hex(gen.word[0], 0xff, "rev");
	set(f, PCI_REVISION_ID, 1, f->rev);
}

static unsigned layout(const struct fn *f)
{
	return f->cfg[PCI_HEADER_TYPE] & 0x7fu;
}

static void set_bridge(struct fn *f, unsigned header)
{
	unsigned i;

	want(3, 3, "bridge|cardbus PRI SEC SUB");
	if (f->cfg[PCI_STATUS] || layout(f) || get(f, PCI_SUBSYSTEM_VENDOR_ID, 4))
		fail("the header layout must be told before subsys and capabilities");
	f->cfg[PCI_HEADER_TYPE] |= (uint8_t)header;
	for (i = 0; i < 3; i++)
		set(f, PCI_PRIMARY_BUS + i, 1, hex(gen.word[i], 0xff, "bus"));
}

static void do_bridge(struct fn *f)
{
	set_bridge(f, PCI_HEADER_TYPE_BRIDGE);
}

static void do_cardbus(struct fn *f)
{
	set_bridge(f, PCI_HEADER_TYPE_CARDBUS);
	f->cap_ptr = PCI_CB_CAPABILITY_LIST;
}

static void do_multifunction(struct fn *f)
{
	want(0, 0, "multifunction");
	f->cfg[PCI_HEADER_TYPE] |= 0x80;
}

static void do_ffs(struct fn *f)
{
	want(0, 0, "ffs");
	f->ffs = true;
}

/* ---- Capabilities ------------------------------------------------------------------------- */

static void take(struct fn *f, unsigned off, unsigned bytes)
{
	if (off + bytes > SPACE)
		fail("a capability of %u bytes at %x leaves the space", bytes, off);
	for (; bytes--; off++) {
		if (f->taken[off])
			fail("two capabilities share byte %x", off);
		f->taken[off] = true;
	}
}

/* PCI 6.7: the pointer in the header, then one in each capability; dword-aligned from 40 on. */
static void link_cap(struct fn *f, unsigned id, unsigned off, unsigned bytes)
{
	if (off < 0x40 || off > 0xfc || off % 4)
		fail("a capability cannot stand at %x", off);
	take(f, off, bytes);
	set(f, off, 1, id);
	set(f, f->cap_ptr, 1, off);
	f->cfg[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
	f->cap_ptr = off + PCI_CAP_LIST_NEXT;
}

static void do_subsys(struct fn *f)
{
	unsigned vendor, device, at = PCI_SUBSYSTEM_VENDOR_ID;

	want(1, 1, "subsys SSSS:DDDD");
	ids(gen.word[0], &vendor, &device);
	if (layout(f) == PCI_HEADER_TYPE_CARDBUS)
		at = PCI_CB_SUBSYSTEM_VENDOR_ID;
	if (layout(f) == PCI_HEADER_TYPE_BRIDGE) {
		link_cap(f, PCI_CAP_ID_SSVID, FREE_CAP, 8);
		at = FREE_CAP + PCI_SSVID_VENDOR;
	}
	set(f, at, 2, vendor);
	set(f, at + 2, 2, device);
}

static void do_cap(struct fn *f)
{
	unsigned off, i;

	want(2, MAX_WORDS, "cap ID OFF [BYTE...]");
	off = hex(gen.word[1], 0xff, "offset");
	link_cap(f, hex(gen.word[0], 0xff, "id"), off, gen.n);
	for (i = 2; i < gen.n; i++)
		set(f, off + i, 1, hex(gen.word[i], 0xff, "byte"));
}

static void do_express(struct fn *f)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = {
		/* clang-format off */
		{"endpoint",	PCI_EXP_TYPE_ENDPOINT},
		{"legacy",	PCI_EXP_TYPE_LEG_END},
		{"root-port",	PCI_EXP_TYPE_ROOT_PORT},
		{"upstream",	PCI_EXP_TYPE_UPSTREAM},
		{"downstream",	PCI_EXP_TYPE_DOWNSTREAM},
		{"pcie-pci",	PCI_EXP_TYPE_PCI_BRIDGE},
		{"pci-pcie",	PCI_EXP_TYPE_PCIE_BRIDGE},
		{"rciep",	PCI_EXP_TYPE_ROOT_INT_EP},
		{"rcec",	PCI_EXP_TYPE_ROOT_EC},
		/* clang-format on */
	};
	const char *usage = "express OFF vN TYPE [slot]";
	unsigned i, off, type = 16;

	want(3, 4, usage);
	if (f->express)
		fail("a second Express capability; use cap 10");
	if (gen.word[1][0] != 'v' || (gen.n == 4 && strcmp(gen.word[3], "slot") != 0))
		fail("want: %s", usage);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(gen.word[2], types[i].name))
			type = types[i].type;
	if (type > 15 && strlen(gen.word[2]) == 1)
		type = hex(gen.word[2], 0xf, "type");
	if (type > 15)
		fail("\"%s\" is not a type", gen.word[2]);
	off = hex(gen.word[0], 0xff, "offset");
	f->version = hex(gen.word[1] + 1, 0xf, "version");
	/* v1 without a slot ends after LNKSTA; real devices put another capability right there. */
	f->express_size = f->version > 1 ? 0x34 : gen.n == 4 ? 0x24 : 0x14;
	if (off + f->express_size > 0x100)
		f->express_size = 0x100 - off;
	link_cap(f, PCI_CAP_ID_EXP, off, f->express_size);
	f->express = off;
	set(f, off + PCI_EXP_FLAGS, 2,
	    f->version | type << 4 | (gen.n == 4 ? PCI_EXP_FLAGS_SLOT : 0u));
}

struct reg {
	const char *name;
	unsigned off, bytes;
};
/* clang-format off */
static const struct reg regs[] = {
	{"PCIECAP", PCI_EXP_FLAGS, 2},	 {"DEVCAP", PCI_EXP_DEVCAP, 4},
	{"DEVCTL", PCI_EXP_DEVCTL, 2},	 {"DEVSTA", PCI_EXP_DEVSTA, 2},
	{"LNKCAP", PCI_EXP_LNKCAP, 4},	 {"LNKCTL", PCI_EXP_LNKCTL, 2},
	{"LNKSTA", PCI_EXP_LNKSTA, 2},	 {"SLTCAP", PCI_EXP_SLTCAP, 4},
	{"SLTCTL", PCI_EXP_SLTCTL, 2},	 {"SLTSTA", PCI_EXP_SLTSTA, 2},
	{"DEVCAP2", PCI_EXP_DEVCAP2, 4}, {"DEVCTL2", PCI_EXP_DEVCTL2, 2},
	{"LNKCAP2", PCI_EXP_LNKCAP2, 4}, {"LNKCTL2", PCI_EXP_LNKCTL2, 2},
	{"LNKSTA2", PCI_EXP_LNKSTA2, 2},
};
/* clang-format on */

static const struct reg *find_reg(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (!strcmp(name, regs[i].name))
			return &regs[i];
	return NULL;
}

static void need_express(const struct fn *f, const struct reg *r)
{
	if (!f->express)
		fail("%s before express", r->name);
	if (r->off + r->bytes > f->express_size)
		fail("this capability has no %s", r->name);
}

static void do_reg(struct fn *f, const struct reg *r)
{
	want(1, 1, "REGISTER HEX");
	need_express(f, r);
	set(f, f->express + r->off, r->bytes,
	    hex(gen.word[0], r->bytes == 4 ? 0xfffffffful : 0xffff, r->name));
}

/* Replaces the bits of @mask in the register @name. */
static void set_bits(struct fn *f, const char *name, uint32_t mask, uint32_t bits)
{
	const struct reg *r = find_reg(name);
	unsigned off = f->express + r->off;

	need_express(f, r);
	set(f, off, r->bytes, (get(f, off, r->bytes) & ~mask) | bits);
}

/* "8x16" to a speed code and a width in the layout that LNKCAP and LNKSTA share. */
static uint32_t speed_width(const char *s, unsigned *code)
{
	static const char *const speeds[] = {"2.5", "5", "8", "16", "32", "64", "128"};
	const char *x = strchr(s, 'x');
	unsigned i;

	for (i = 0; x && i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if ((size_t)(x - s) == strlen(speeds[i]) &&
		    !strncmp(s, speeds[i], (size_t)(x - s))) {
			*code = i + 1;
			return *code | (uint32_t)number(x + 1, 10, 63, "width") << 4;
		}
	fail("\"%s\" is not SPEEDxWIDTH", s);
}

static void do_link(struct fn *f)
{
	const uint32_t both = PCI_EXP_LNKCAP_SPEED | PCI_EXP_LNKCAP_WIDTH;
	unsigned max, cur;
	uint32_t cap, sta;

	want(1, 2, "link SPEEDxWIDTH [SPEEDxWIDTH]");
	cap = speed_width(gen.word[0], &max);
	sta = speed_width(gen.word[gen.n - 1], &cur);
	set_bits(f, "LNKCAP", both, cap);
	set_bits(f, "LNKSTA", both, sta);
	if (f->express_size < PCI_EXP_LNKCTL2 + 2)
		return;
	/* PCIe 7.5.3.18: bit n of 7:1 is speed code n. Designs up to 5 GT/s leave it 0. */
	set_bits(f, "LNKCAP2", 0xfe, max > 2 ? (2u << max) - 2 : 0);
	set_bits(f, "LNKCTL2", 0xf, max);
}

static void do_flags(struct fn *f)
{
	static const struct {
		const char *name, *reg;
		uint32_t bit;
	} flags[] = {
		/* clang-format off */
		{"slot-implemented", "PCIECAP", PCI_EXP_FLAGS_SLOT},
		{"aspm-cap-l0s", "LNKCAP", 0x400},
		{"aspm-cap-l1", "LNKCAP", 0x800},
		{"dlllarc", "LNKCAP", PCI_EXP_LNKCAP_DLLA},
		{"lbnc", "LNKCAP", 0x200000},
		{"aspm-l0s", "LNKCTL", 0x1},
		{"aspm-l1", "LNKCTL", 0x2},
		{"link-disable", "LNKCTL", PCI_EXP_LNKCTL_DISABLE},
		{"ccc", "LNKCTL", PCI_EXP_LNKCTL_CLOCK},
		{"width-disable", "LNKCTL", PCI_EXP_LNKCTL_HWAUTWD},
		{"lt", "LNKSTA", PCI_EXP_LNKSTA_TRAIN},
		{"slc", "LNKSTA", PCI_EXP_LNKSTA_SL_CLK},
		{"dllla", "LNKSTA", PCI_EXP_LNKSTA_DL_ACT},
		{"lbms", "LNKSTA", PCI_EXP_LNKSTA_BWMGMT},
		{"labs", "LNKSTA", PCI_EXP_LNKSTA_AUTBW},
		{"surprise", "SLTCAP", PCI_EXP_SLTCAP_HPS},
		{"hotplug", "SLTCAP", PCI_EXP_SLTCAP_HPC},
		{"power-off", "SLTCTL", PCI_EXP_SLTCTL_PWRC},
		{"presence", "SLTSTA", PCI_EXP_SLTSTA_PRES},
		{"compliance", "LNKCTL2", PCI_EXP_LNKCTL2_CMPLNC},
		{"speed-disable", "LNKCTL2", PCI_EXP_LNKCTL2_SPEED_DIS},
		{"eq-complete", "LNKSTA2", PCI_EXP_LINKSTA2_EQU_COMP},
		/* clang-format on */
	};
	unsigned i, j;

	want(1, MAX_WORDS, "flags WORD...");
	for (i = 0; i < gen.n; i++) {
		for (j = 0; j < sizeof(flags) / sizeof(flags[0]); j++)
			if (!strcmp(gen.word[i], flags[j].name))
				break;
		if (j == sizeof(flags) / sizeof(flags[0]))
			fail("\"%s\" is not a flag", gen.word[i]);
		set_bits(f, flags[j].reg, flags[j].bit, flags[j].bit);
	}
}

/* ---- Extended capabilities ---------------------------------------------------------------- */

/* PCIe 7.6.3: id 15:0, version 19:16, next 31:20. */
static void link_ext(struct fn *f, unsigned id, unsigned version, unsigned off, unsigned bytes)
{
	if (!f->ext_ptr && off != 0x100)
		fail("the first extended capability must stand at 100");
	if (off < 0x100 || off % 4)
		fail("an extended capability cannot stand at %x", off);
	take(f, off, bytes);
	set(f, off, 4, id | version << 16);
	if (f->ext_ptr)
		set(f, f->ext_ptr, 4, get(f, f->ext_ptr, 4) | (uint32_t)off << 20);
	f->ext_ptr = off;
	f->ext_end = off + bytes;
}

/* "ext NAME VALUE...": true if it is one of those that choose their place. */
static bool named_ext(struct fn *f)
{
	static const struct {
		const char *name;
		unsigned id, version, bytes;
		unsigned n, off[2]; /* where the values go */
	} named[] = {
		{"aer", PCI_EXT_CAP_ID_AER, 2, 0x48, 2, {PCI_ERR_UNCOR_STATUS, PCI_ERR_COR_STATUS}},
		{"acs", PCI_EXT_CAP_ID_ACS, 1, 0x8, 0, {0}},
		{"dsn", PCI_EXT_CAP_ID_DSN, 1, 0xc, 2, {8, 4}},
		{"secpci", PCI_EXT_CAP_ID_SECPCI, 1, 0x2c, 1, {PCI_SEC_LANE_ERR}},
		{"sriov", PCI_EXT_CAP_ID_SRIOV, 1, 0x40, 0, {0}},
	};
	unsigned i, j, off = f->ext_ptr ? (f->ext_end + 15) & ~15u : 0x100;

	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (strcmp(gen.word[0], named[i].name) != 0)
			continue;
		if (gen.n != 1 + named[i].n)
			fail("ext %s takes %u values", named[i].name, named[i].n);
		link_ext(f, named[i].id, named[i].version, off, named[i].bytes);
		for (j = 0; j < named[i].n; j++)
			set(f, off + named[i].off[j], 4, hex(gen.word[1 + j], 0xffffffff, "value"));
		return true;
	}
	return false;
}

static void do_ext(struct fn *f)
{
	unsigned i, off, version = 1, first = 2;

	want(1, MAX_WORDS, "ext ID OFF [VERSION] [DWORD...]");
	if (named_ext(f))
		return;
	want(2, MAX_WORDS, "ext ID OFF [VERSION] [DWORD...]");
	if (gen.n > 2 && strlen(gen.word[2]) == 1) {
		version = hex(gen.word[2], 0xf, "version");
		first = 3;
	}
	off = hex(gen.word[1], 0xffc, "offset");
	link_ext(f, hex(gen.word[0], 0xffff, "id"), version, off, 4 + 4 * (gen.n - first));
	for (i = first; i < gen.n; i++)
		set(f, off + 4 + 4 * (i - first), 4, hex(gen.word[i], 0xffffffff, "dword"));
}

/* ---- Statements about how it is written --------------------------------------------------- */

static void do_bytes(struct fn *f)
{
	unsigned i, off;

	want(2, MAX_WORDS, "bytes OFF BYTE...");
	off = hex(gen.word[0], SPACE - 1, "offset");
	if (off + gen.n - 1 > SPACE)
		fail("the bytes leave the space");
	for (i = 1; i < gen.n; i++, off++) {
		f->patch[off] = (uint8_t)hex(gen.word[i], 0xff, "byte");
		f->patched[off] = true;
	}
}

static void do_title(struct fn *f)
{
	free(f->title);
	f->title = text(0);
}

/* Keeps a line for after the header line: @before, @key, @between, @t. Frees @t. */
static void keep(struct fn *f, const char *before, const char *key, const char *between, char *t)
{
	size_t had = f->lines ? strlen(f->lines) : 0;
	size_t len = had + strlen(before) + strlen(key) + strlen(between) + strlen(t) + 2;

	f->lines = check(realloc(f->lines, len));
	snprintf(f->lines + had, len - had, "%s%s%s%s\n", before, key, between, t);
	free(t);
}

static void do_text(struct fn *f)
{
	keep(f, "\t", "", "", text(0));
}

static void do_fact(struct fn *f)
{
	want(1, MAX_WORDS, "fact KEY TEXT");
	keep(f, "# ", gen.word[0], ": ", text(1));
}

static void do_no_hex(struct fn *f)
{
	want(0, 0, "no-hex");
	f->no_hex = true;
}

static unsigned row(void)
{
	unsigned off = hex(gen.word[0], SPACE - 16, "row");

	if (off % 16)
		fail("a row starts at a multiple of 10");
	return off;
}

static void do_drop(struct fn *f)
{
	want(1, 1, "drop OFF");
	f->dropped[row() / 16] = true;
}

static void do_cut(struct fn *f)
{
	want(1, 1, "cut OFF");
	f->cut = row();
}

static void do_row(struct fn *f)
{
	unsigned i;

	want(1, MAX_WORDS, "row OFF TEXT");
	i = row() / 16;
	free(f->row[i]);
	f->row[i] = text(1);
}

/* ---- Lines -------------------------------------------------------------------------------- */

struct statement {
	const char *name;
	void (*run)(struct fn *f);
	enum { ANYWHERE, IN_FN } where;
};
/* clang-format off */
static const struct statement statements[] = {
	{"env", do_env, ANYWHERE},
	{"raw", do_raw, ANYWHERE},
	{"eol", do_eol, ANYWHERE},
	{"no-final-newline", do_no_final_newline, ANYWHERE},
	{"prefix", do_prefix, ANYWHERE},
	{"fn", do_fn, ANYWHERE},
	{"size", do_size, IN_FN},
	{"rev", do_rev, IN_FN},
	{"subsys", do_subsys, IN_FN},
	{"multifunction", do_multifunction, IN_FN},
	{"bridge", do_bridge, IN_FN},
	{"cardbus", do_cardbus, IN_FN},
	{"ffs", do_ffs, IN_FN},
	{"express", do_express, IN_FN},
	{"link", do_link, IN_FN},
	{"flags", do_flags, IN_FN},
	{"cap", do_cap, IN_FN},
	{"ext", do_ext, IN_FN},
	{"bytes", do_bytes, IN_FN},
	{"title", do_title, IN_FN},
	{"text", do_text, IN_FN},
	{"fact", do_fact, IN_FN},
	{"no-hex", do_no_hex, IN_FN},
	{"drop", do_drop, IN_FN},
	{"cut", do_cut, IN_FN},
	{"row", do_row, IN_FN},
};
/* clang-format on */

static void split(char *s)
{
	char *save;

	gen.n = 0;
	for (s = strtok_r(s, " \t", &save); s && *s != '#'; s = strtok_r(NULL, " \t", &save)) {
		if (gen.n == MAX_WORDS)
			fail("more than %d words", MAX_WORDS);
		gen.word[gen.n++] = s;
	}
}

static const struct statement *find_statement(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		if (!strcmp(name, statements[i].name))
			return &statements[i];
	return NULL;
}

static void do_line(char *line)
{
	char *words, *name = line + strspn(line, " \t");
	const struct statement *s;
	const struct reg *r;

	if (!*name || *name == '#')
		return;
	gen.rest = name + strcspn(name, " \t");
	if (*gen.rest)
		*gen.rest++ = '\0';
	r = find_reg(name);
	s = find_statement(name);
	if (!r && !s)
		fail("\"%s\" is not a statement", name);
	if (!gen.fn.open && (r || s->where == IN_FN))
		fail("%s outside a function", name);
	words = check(strdup(gen.rest));
	split(words);
	if (r)
		do_reg(&gen.fn, r);
	else
		s->run(&gen.fn);
	free(words);
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	(void)argv;
	if (argc > 1) {
		fputs("usage: gen < spec > capture\n", stderr);
		return 1;
	}
	while (getline(&line, &size, stdin) >= 0) {
		gen.line++;
		line[strcspn(line, "\r\n")] = '\0';
		do_line(line);
	}
	free(line);
	end_fn();
	if (gen.unfinished && !gen.no_final_newline)
		fputs(gen.crlf ? "\r\n" : "\n", stdout);
	free(gen.prefix);
	if (fflush(stdout) || ferror(stdout)) {
		fputs("gen: cannot write\n", stderr);
		return 1;
	}
	return 0;
}
