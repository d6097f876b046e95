/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.c - what a report says beside its captures: the machine, what others said of its links
 *
 * A host's report may hold the logs of its guests. So only lines of exact forms count, and two that
 * cannot be of one machine prove nothing.
 */
#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

#define MAX_VALUE 256u /* bytes of a value or a sentence that are kept */

/* Who said what is known, for the words in which it is told. */
enum sign {
	SIGN_KERNEL_DMI = 1 << 0,
	SIGN_KERNEL = 1 << 1,
	SIGN_DMIDECODE = 1 << 2,
	SIGN_LSHW = 1 << 3,
	SIGN_SUPPORT = 1 << 4,
	SIGN_HOSTNAME = 1 << 5,
	SIGN_SYSTEMD = 1 << 6,
	SIGN_LSCPU = 1 << 7,
	SIGN_SMI = 1 << 8,
};

static const char *const sign_words[] = {
	"DMI in the kernel's log",
	"the kernel's log",
	"dmidecode",
	"lshw",
	"supportconfig",
	"hostnamectl",
	"systemd's log",
	"lscpu",
	"nvidia-smi",
};

static struct lnk_part trim(struct lnk_part p)
{
	while (p.n && lnk_is_blank(*p.s)) {
		p.s++;
		p.n--;
	}
	while (p.n && lnk_is_blank(p.s[p.n - 1]))
		p.n--;
	return p;
}

static const char *keep(struct lnk_facts *f, struct lnk_part p)
{
	return lnk_clean(&f->arena, p.s, p.n < MAX_VALUE ? p.n : MAX_VALUE);
}

/* ---- Quotes -------------------------------------------------------------------------------- */

static int by_quote(const void *a, const void *b)
{
	const struct lnk_quote *x = a, *y = b;
	uint64_t i = lnk_addr_key(x->addr), j = lnk_addr_key(y->addr);
	int order = i < j ? -1 : i > j;

	if (!order)
		order = strcmp(x->by, y->by);
	return order ? order : strcmp(x->text, y->text);
}

/* The same sentence in two places, or at two boots, is one. */
void lnk_facts_quote(struct lnk_facts *f, const struct lnk_quote *q)
{
	struct lnk_quote *key;

	if (tfind(q, &f->seen, by_quote))
		return;
	if (f->n_quotes == LNK_MAX_QUOTES) {
		f->full = true;
		return;
	}
	key = lnk_alloc(&f->arena, sizeof(*key));
	*key = *q;
	key->text = lnk_strndup(&f->arena, q->text, strlen(q->text));
	/* NULL would be want of memory: let the one function that says so say it. */
	if (!tsearch(key, &f->seen, by_quote))
		lnk_xmalloc(SIZE_MAX / 2);
	if (f->n_quotes == f->max_quotes) {
		f->max_quotes = f->max_quotes ? 2 * f->max_quotes : 16;
		f->quotes = lnk_xrealloc(f->quotes, f->max_quotes * sizeof(*f->quotes));
	}
	f->quotes[f->n_quotes++] = *key;
}

/* What the kernel said of @addr. */
static void forget(struct lnk_facts *f, struct lnk_addr addr)
{
	size_t i, kept = 0;

	for (i = 0; i < f->n_quotes; i++) {
		const struct lnk_quote *q = &f->quotes[i];

		if (lnk_addr_key(q->addr) == lnk_addr_key(addr) && !strcmp(q->by, "kernel"))
			tdelete(q, &f->seen, by_quote);
		else
			f->quotes[kept++] = *q;
	}
	f->n_quotes = kept;
}

/* The function's address at the end of @p, of which a blank or nothing is before. */
static bool address_at_end(struct lnk_part p, struct lnk_addr *addr)
{
	char text[LNK_ADDR_LEN];
	size_t n = 0;

	while (n < p.n && p.s[p.n - n - 1] != ' ')
		n++;
	if (n >= sizeof(text))
		return false;
	memcpy(text, p.s + p.n - n, n);
	text[n] = '\0';
	return lnk_addr_parse(text, addr);
}

/* Up to its parenthesis; another line may have been taken for the rest of this one. */
static size_t sentence_length(struct lnk_part p)
{
	const char *end = memchr(p.s, ')', p.n);
	struct lnk_part rest;

	if (!end)
		return p.n < MAX_VALUE ? p.n : MAX_VALUE;
	rest = (struct lnk_part){end + 1, p.n - (size_t)(end + 1 - p.s)};
	lnk_part_skip(&rest, ", in Flit mode");
	p.n = (size_t)(rest.s - p.s);
	return p.n < MAX_VALUE ? p.n : MAX_VALUE;
}

/*
 * "2.000 Gb/s available PCIe bandwidth, limited by ..." or "... (5.0 GT/s PCIe x1 link)", behind
 * the driver's name and the address: Linux drivers/pci/pci.c __pcie_print_link_status().
 */
static void read_bandwidth(struct lnk_facts *f, uint32_t line, struct lnk_part before,
			   struct lnk_part p)
{
	struct lnk_quote q = {.line = line, .by = "kernel"};
	struct lnk_arena words = {0};
	struct lnk_part rest = p;

	while (rest.n && ((*rest.s >= '0' && *rest.s <= '9') || *rest.s == '.')) {
		rest.s++;
		rest.n--;
	}
	if (!lnk_part_skip(&rest, " Gb/s available PCIe bandwidth") ||
	    (rest.n && *rest.s != ',' && *rest.s != ' '))
		return;
	if (before.n < 2 || before.s[before.n - 2] != ':')
		return;
	before.n -= 2;
	if (!address_at_end(before, &q.addr))
		return;
	q.text = lnk_clean(&words, p.s, sentence_length(p));
	lnk_facts_quote(f, &q);
	lnk_arena_free(&words);
}

/* ---- Guest or host ------------------------------------------------------------------------- */

static bool is_kvm(const char *hypervisor)
{
	return !strcmp(hypervisor, "KVM");
}

/* KVM is what some hypervisors are built on, or pretend to be. */
static bool is_on_kvm(const char *hypervisor)
{
	return is_kvm(hypervisor) || !strcmp(hypervisor, "QEMU") ||
	       !strcmp(hypervisor, "Amazon EC2") || !strcmp(hypervisor, "VirtualBox") ||
	       !strcmp(hypervisor, "Google Compute Engine");
}

static void detected(struct lnk_facts *f, const char *hypervisor, enum sign sign)
{
	struct lnk_cpu *c = &f->cpu;

	c->above = LNK_GUEST_YES;
	f->signs |= sign;
	if (!hypervisor)
		return;
	if (is_kvm(hypervisor))
		c->accel = "KVM";
	if (!c->hypervisor || (is_kvm(c->hypervisor) && is_on_kvm(hypervisor)))
		c->hypervisor = hypervisor;
	else if (strcmp(c->hypervisor, hypervisor) != 0 &&
		 !(is_kvm(hypervisor) && is_on_kvm(c->hypervisor)))
		f->differ = true;
}

/* As the kernel, systemd and lscpu say it. Xen without HVM may be the domain that owns all. */
static const char *hypervisor_of(struct lnk_part p)
{
	static const struct {
		const char *word, *hypervisor;
	} names[] = {
		{"KVM", "KVM"},
		{"QEMU", "QEMU"},
		{"VMware", "VMware"},
		{"VMware hypervisor", "VMware"},
		{"Microsoft", "Hyper-V"},
		{"Microsoft HyperV", "Hyper-V"},
		{"Microsoft Hyper-V", "Hyper-V"},
		{"Hyper-V", "Hyper-V"},
		{"Oracle", "VirtualBox"},
		{"Innotek GmbH", "VirtualBox"},
		{"Xen HVM", "Xen"},
		{"Amazon", "Amazon EC2"},
		{"Google", "Google Compute Engine"},
		{"Parallels", "Parallels"},
		{"bhyve", "bhyve"},
		{"Apple", "Apple Virtualization"},
		{"ACRN", "ACRN"},
		{"Jailhouse", "Jailhouse"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (p.n == strlen(names[i].word) && !strncasecmp(p.s, names[i].word, p.n))
			return names[i].hypervisor;
	return NULL;
}

static void detected_word(struct lnk_facts *f, struct lnk_part p, enum sign sign)
{
	const char *hypervisor = hypervisor_of(p);

	if (hypervisor)
		detected(f, hypervisor, sign);
}

/* lshw adds to a name what dmidecode has elsewhere. */
static void learn_dmi(struct lnk_facts *f, const char **field, struct lnk_part value,
		      enum sign sign)
{
	size_t n;

	f->dmi_signs |= sign;
	if (!*field) {
		*field = keep(f, value);
		return;
	}
	n = strlen(*field);
	n = n < value.n ? n : value.n;
	if ((field == &f->dmi.sys_vendor || field == &f->dmi.product_name) &&
	    strncmp(*field, value.s, n) != 0)
		f->differ = true;
}

static bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_host_name(struct lnk_part p)
{
	size_t i;

	for (i = 0; i < p.n; i++)
		if (!is_letter(p.s[i]) && !(p.s[i] >= '0' && p.s[i] <= '9') && p.s[i] != '-' &&
		    p.s[i] != '.' && p.s[i] != '_')
			return false;
	return p.n && p.n < MAX_VALUE;
}

/* A report tells of other machines, too: of two names neither is this one's. */
static void learn_name(struct lnk_facts *f, struct lnk_part name)
{
	if (!is_host_name(name))
		return;
	if (!f->env.name)
		f->env.name = keep(f, name);
	else if (!lnk_part_is(name, f->env.name))
		f->env.name = "";
}

/* "Linux NAME 6.1.0-9-amd64 #1 SMP ...", as uname -a prints it. */
static void read_uname(struct lnk_facts *f, struct lnk_part p)
{
	struct lnk_part release;
	const char *end;

	if (!lnk_part_skip(&p, "Linux "))
		return;
	end = memchr(p.s, ' ', p.n);
	if (!end)
		return;
	release = (struct lnk_part){end + 1, p.n - (size_t)(end + 1 - p.s)};
	p.n = (size_t)(end - p.s);
	end = memchr(release.s, ' ', release.n);
	if (!end || *release.s < '0' || *release.s > '9')
		return;
	release.n -= (size_t)(end - release.s);
	release.s = end;
	if (lnk_part_starts(release, " #"))
		learn_name(f, p);
}

/* ---- What the kernel says ------------------------------------------------------------------ */

/* "6.1.0-9-amd64 (...": Linux init/version.c linux_banner */
static void read_kernel(struct lnk_facts *f, struct lnk_part p)
{
	const char *end = memchr(p.s, ' ', p.n);

	if (f->env.kernel || !end)
		return;
	p.n = (size_t)(end - p.s);
	f->env.kernel = lnk_strf(&f->arena, "Linux %s", keep(f, p));
}

/*
 * "VENDOR PRODUCT/BOARD, BIOS VERSION DATE", without the board where that has no name:
 * Linux drivers/firmware/dmi_scan.c dmi_format_ids()
 */
static void read_dmi_line(struct lnk_facts *f, struct lnk_part p)
{
	const char *bios = memmem(p.s, p.n, ", BIOS ", 7), *board;

	if (!bios)
		return;
	p.n = (size_t)(bios - p.s);
	board = memrchr(p.s, '/', p.n);
	if (board)
		p.n = (size_t)(board - p.s);
	p = trim(p);
	f->dmi_signs |= SIGN_KERNEL_DMI;
	if (!f->dmi_line)
		f->dmi_line = keep(f, p);
	else if (strncmp(f->dmi_line, p.s, p.n) != 0 || f->dmi_line[p.n])
		f->differ = true;
}

/* Linux arch/x86/kernel/cpu/hypervisor.c, arch/x86/kernel/paravirt.c, mshyperv.c; systemd */
static void read_sentence(struct lnk_facts *f, struct lnk_part p)
{
	if (lnk_part_skip(&p, "DMI: ")) {
		read_dmi_line(f, p);
	} else if (lnk_part_skip(&p, "Linux version ")) {
		read_kernel(f, p);
	} else if (lnk_part_skip(&p, "Hypervisor detected: ")) {
		detected_word(f, p, SIGN_KERNEL);
	} else if (lnk_part_skip(&p, "Hyper-V: running as root partition")) {
		f->cpu.root = true;
	} else if (lnk_part_skip(&p, "Booting paravirtualized kernel on ")) {
		detected_word(f, p, SIGN_KERNEL);
		/* A hypervisor that Linux does not help is bare hardware to it. */
		if (lnk_part_is(p, "bare hardware") && f->cpu.above == LNK_GUEST_UNKNOWN)
			f->cpu.above = LNK_GUEST_NO;
	} else if (lnk_part_skip(&p, "Detected virtualization ")) {
		while (p.n && (p.s[p.n - 1] == '.' || p.s[p.n - 1] == '\''))
			p.n--;
		lnk_part_skip(&p, "'");
		detected_word(f, p, SIGN_SYSTEMD);
	}
}

/* What logs put before a sentence ends so: "[    0.000000] ", "kernel: ", "<6>", "| ". */
static bool ends_prefix(struct lnk_part before)
{
	char last, end;

	if (!before.n)
		return true;
	end = before.s[before.n - 1];
	if (end != ' ')
		return end == '>' || end == '\t';
	last = before.n > 1 ? before.s[before.n - 2] : ' ';
	return last == ']' || last == ':' || last == '|' || last == '>';
}

/* Each word may be the first of a sentence; few begin as one does. */
static void read_log(struct lnk_facts *f, uint32_t line, struct lnk_part p)
{
	const char *end = p.s + p.n, *at = p.s, *next;

	for (; at < end; at = next) {
		struct lnk_part rest = {at, (size_t)(end - at)}, before = {p.s, (size_t)(at - p.s)};

		next = memchr(at, ' ', rest.n);
		next = next ? next + 1 : end;
		/* <6>DMI: */
		if (*at == '<' && rest.n > 3 && at[2] == '>')
			next = at + 3;
		if (*at >= '0' && *at <= '9' && end - next > 4 && !memcmp(next, "Gb/s", 4))
			read_bandwidth(f, line, before, rest);
		else if ((*at == 'D' || *at == 'H' || *at == 'B' || *at == 'L') &&
			 ends_prefix(before))
			read_sentence(f, rest);
	}
}

/* ---- What programs print: a label, a colon, a value ---------------------------------------- */

enum section {
	SECTION_NONE,
	SECTION_SYSTEM, /* dmidecode: type 1 */
	SECTION_BOARD,	/* 2 */
	SECTION_CHASSIS,
	SECTION_BIOS,
	SECTION_LSHW,	 /* the machine itself */
	SECTION_SUPPORT, /* supportconfig, basic-environment.txt */
	SECTION_GENERATION,
	SECTION_WIDTH, /* nvidia-smi -q, GPU Link Info */
};

static void read_heading(struct lnk_facts *f, struct lnk_part p)
{
	static const struct {
		const char *words;
		enum section section;
	} headings[] = {
		{"System Information", SECTION_SYSTEM},
		{"Base Board Information", SECTION_BOARD},
		{"Chassis Information", SECTION_CHASSIS},
		{"BIOS Information", SECTION_BIOS},
		{"# Virtualization", SECTION_SUPPORT},
		{"PCIe Generation", SECTION_GENERATION},
		{"Link Width", SECTION_WIDTH},
	};
	size_t i;

	f->section = SECTION_NONE;
	for (i = 0; i < ARRAY_SIZE(headings); i++)
		if (lnk_part_is(p, headings[i].words))
			f->section = headings[i].section;
}

/* Firmware's names, as those print them who read them from it. */
static bool read_name(struct lnk_facts *f, struct lnk_part label, struct lnk_part value)
{
	static const struct {
		enum section section;
		const char *label;
		size_t field;
		enum sign sign;
	} names[] = {
#define FIELD(name) offsetof(struct lnk_dmi, name)
		{SECTION_SYSTEM, "Manufacturer", FIELD(sys_vendor), SIGN_DMIDECODE},
		{SECTION_SYSTEM, "Product Name", FIELD(product_name), SIGN_DMIDECODE},
		{SECTION_SYSTEM, "Version", FIELD(product_version), SIGN_DMIDECODE},
		{SECTION_BOARD, "Manufacturer", FIELD(board_vendor), SIGN_DMIDECODE},
		{SECTION_BOARD, "Product Name", FIELD(board_name), SIGN_DMIDECODE},
		{SECTION_CHASSIS, "Version", FIELD(chassis_version), SIGN_DMIDECODE},
		{SECTION_BIOS, "Vendor", FIELD(bios_vendor), SIGN_DMIDECODE},
		{SECTION_LSHW, "vendor", FIELD(sys_vendor), SIGN_LSHW},
		{SECTION_LSHW, "product", FIELD(product_name), SIGN_LSHW},
		{SECTION_LSHW, "version", FIELD(product_version), SIGN_LSHW},
		{SECTION_SUPPORT, "Manufacturer", FIELD(sys_vendor), SIGN_SUPPORT},
		{SECTION_SUPPORT, "Hardware", FIELD(product_name), SIGN_SUPPORT},
		{SECTION_NONE, "Hardware Vendor", FIELD(sys_vendor), SIGN_HOSTNAME},
#undef FIELD
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].section == f->section && lnk_part_is(label, names[i].label)) {
			learn_dmi(f, (const char **)((char *)&f->dmi + names[i].field), value,
				  names[i].sign);
			return true;
		}
	return false;
}

/* "GPU 00000000:01:00.0" and, further down, "Bus Id : 00000000:01:00.0" */
static void begin_gpu(struct lnk_facts *f, struct lnk_part address)
{
	struct lnk_addr addr;

	if (!address_at_end(address, &addr))
		return;
	f->gpu = (struct lnk_gpu){.addr = addr, .open = true};
}

/* Two numbers tell enough for a quote; those of its limits are said where they are known. */
static void quote_gpu(struct lnk_facts *f, uint32_t line)
{
	static const char *const limits[] = {"max", "device max", "host max"};
	struct lnk_quote q = {.addr = f->gpu.addr, .line = line, .by = "nvidia-smi"};
	const struct lnk_gpu *g = &f->gpu;
	struct lnk_arena words = {0};
	const char *list = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		if (g->generation[i + 1])
			list = lnk_strf(&words, "%s%s%s %u", list, *list ? ", " : " (", limits[i],
					g->generation[i + 1]);
	q.text = lnk_strf(&words, "PCIe generation %u%s%s, width %ux", g->generation[0], list,
			  *list ? ")" : "", g->width[0]);
	if (g->width[1])
		q.text = lnk_strf(&words, "%s (max %ux)", q.text, g->width[1]);
	lnk_facts_quote(f, &q);
	lnk_arena_free(&words);
}

/* "Max : 3", "Host Max : N/A", "Current : 16x", which is the last of them. */
static void read_gpu(struct lnk_facts *f, uint32_t line, struct lnk_part label,
		     struct lnk_part value)
{
	static const char *const labels[] = {"Current", "Max", "Device Max", "Host Max"};
	bool width = f->section == SECTION_WIDTH;
	struct lnk_gpu *g = &f->gpu;
	unsigned v = 0;
	size_t i;

	for (i = 0; i < value.n && i < 2 && value.s[i] >= '0' && value.s[i] <= '9'; i++)
		v = v * 10 + (unsigned)(value.s[i] - '0');
	for (i = 0; i < ARRAY_SIZE(labels) && !lnk_part_is(label, labels[i]); i++)
		;
	if (i < ARRAY_SIZE(g->width) && width)
		g->width[i] = v;
	else if (i < ARRAY_SIZE(g->generation) && !width)
		g->generation[i] = v;
	if (width && !i && g->open && g->generation[0] && v)
		quote_gpu(f, line);
}

/* Those whose label is enough to know who says it. */
static void read_other(struct lnk_facts *f, struct lnk_part label, struct lnk_part value)
{
	const char *more = memmem(value.s, value.n, " (", 2);

	if (lnk_part_is(label, "Bus Id")) {
		begin_gpu(f, value);
	} else if (lnk_part_is(label, "description")) {
		f->section = lnk_part_is(value, "Computer") ? SECTION_LSHW : SECTION_NONE;
	} else if (lnk_part_is(label, "Virtualization Mode") ||
		   lnk_part_is(label, "Virtualization mode")) {
		if (lnk_part_is(value, "Pass-Through") || lnk_part_is(value, "VGPU"))
			detected(f, NULL, SIGN_SMI);
		f->host |= lnk_part_is(value, "Host VGPU") || lnk_part_is(value, "Host VSGA");
	} else if (lnk_part_is(label, "Hypervisor vendor")) {
		detected_word(f, value, SIGN_LSCPU);
	} else if (lnk_part_is(label, "Virtualization")) {
		detected_word(f, value, SIGN_HOSTNAME);
	} else if (lnk_part_is(label, "Static hostname")) {
		learn_name(f, value);
	} else if (lnk_part_is(label, "Chassis") && lnk_part_skip(&value, "vm")) {
		if (!value.n || *value.s == ' ')
			detected(f, NULL, SIGN_HOSTNAME);
	} else if (f->section == SECTION_SUPPORT && lnk_part_is(label, "Hypervisor")) {
		if (more)
			value.n = (size_t)(more - value.s);
		detected_word(f, value, SIGN_SUPPORT);
	} else if (f->section == SECTION_SUPPORT && lnk_part_is(label, "Identity")) {
		if (lnk_part_skip(&value, "Virtual Machine"))
			detected(f, NULL, SIGN_SUPPORT);
	}
}

#define MAX_LABEL   48u
#define MAX_HEADING 24u

static void read_label(struct lnk_facts *f, uint32_t line, struct lnk_part p)
{
	const char *colon = memchr(p.s, ':', p.n < MAX_LABEL ? p.n : MAX_LABEL);
	struct lnk_part label, value, gpu = p;

	if (!colon) {
		read_heading(f, p.n <= MAX_HEADING ? p : (struct lnk_part){p.s, 0});
		return;
	}
	if (lnk_part_skip(&gpu, "GPU ")) {
		begin_gpu(f, gpu);
		return;
	}
	label = trim((struct lnk_part){p.s, (size_t)(colon - p.s)});
	value = trim((struct lnk_part){colon + 1, p.n - (size_t)(colon + 1 - p.s)});
	/* A log's time of day ends its label in a digit. */
	if (!label.n || !is_letter(label.s[label.n - 1]) || !value.n)
		return;
	if (f->section == SECTION_GENERATION || f->section == SECTION_WIDTH)
		read_gpu(f, line, label, value);
	else if (!read_name(f, label, value))
		read_other(f, label, value);
}

void lnk_facts_line(struct lnk_facts *f, uint32_t line, const char *s, size_t n)
{
	struct lnk_part p = trim((struct lnk_part){s, n});

	if (!p.n)
		return;
	read_label(f, line, p);
	read_log(f, line, p);
	read_uname(f, p);
}

/* "[10de:1b80] type 00 class 0x030000": Linux drivers/pci/probe.c pci_setup_device() */
static bool is_discovery(struct lnk_part p)
{
	return p.n > 11 && p.s[0] == '[' && p.s[5] == ':' && p.s[10] == ']' &&
	       !strncmp(p.s + 11, " type ", p.n - 11 < 6 ? p.n - 11 : 6);
}

/*
 * "DRIVER ADDRESS: sentence" (Linux drivers/base/core.c __dev_printk()). Behind further words it
 * may be what a device calls itself.
 */
void lnk_facts_kernel(struct lnk_facts *f, const char *s, size_t n)
{
	const char *colon = memmem(s, n, ": ", 2), *blank = memchr(s, ' ', n);
	struct lnk_part before, p;
	struct lnk_addr addr;

	if (!colon || blank > colon || memchr(blank + 1, ' ', (size_t)(colon - blank - 1)))
		return;
	before = (struct lnk_part){s, (size_t)(colon - s)};
	if (!address_at_end(before, &addr))
		return;
	p = (struct lnk_part){colon + 2, n - before.n - 2};
	before.n += 2;
	if (is_discovery(p))
		forget(f, addr);
	else
		read_bandwidth(f, 0, before, p);
}

/* ---- To a capture -------------------------------------------------------------------------- */

static const char *either(struct lnk_arena *a, const char *own, const char *said)
{
	return own || !said ? own : lnk_strndup(a, said, strlen(said));
}

/* Vendor and product stand in one line: the product begins at one of its words. */
static struct lnk_dmi split_line(const char *line)
{
	struct lnk_dmi dmi = {line, "", "", "", "", "", ""};
	const char *at;

	for (at = strchr(line, ' '); at; at = strchr(at, ' ')) {
		dmi.product_name = ++at;
		if (lnk_dmi_hypervisor(&dmi))
			return dmi;
	}
	dmi.product_name = "";
	return dmi;
}

static struct lnk_dmi dmi_of(const struct lnk_facts *f)
{
	const struct lnk_dmi *d = &f->dmi;

	if (!d->sys_vendor && !d->product_name)
		return split_line(f->dmi_line ? f->dmi_line : "");
#define OR_EMPTY(s) ((s) ? (s) : "")
	return (struct lnk_dmi){
		.sys_vendor = OR_EMPTY(d->sys_vendor),
		.product_name = OR_EMPTY(d->product_name),
		.product_version = OR_EMPTY(d->product_version),
		.board_vendor = OR_EMPTY(d->board_vendor),
		.board_name = OR_EMPTY(d->board_name),
		.bios_vendor = OR_EMPTY(d->bios_vendor),
		.chassis_version = OR_EMPTY(d->chassis_version),
	};
#undef OR_EMPTY
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Do all who say something mean one machine? */
static bool agree(const struct lnk_facts *f, const struct lnk_dmi *dmi)
{
	const char *product = lnk_dmi_hypervisor(dmi);
	struct lnk_dmi line;

	if (f->differ || (f->host && (f->cpu.above == LNK_GUEST_YES || product)))
		return false;
	if (!f->dmi_line)
		return true;
	line = split_line(f->dmi_line);
	return same(product, lnk_dmi_hypervisor(&line));
}

static const char *sign_of(struct lnk_arena *a, unsigned signs)
{
	const char *list = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sign_words); i++)
		if (signs >> i & 1)
			list = list ? lnk_strf(a, "%s, %s", list, sign_words[i]) : sign_words[i];
	return list;
}

/* Guest or host, as the words have it; unknown where they do not tell. */
static struct lnk_env judge(const struct lnk_facts *f, const struct lnk_dmi *dmi)
{
	struct lnk_env said = {0};
	struct lnk_cpu cpu = f->cpu;

	if (f->host)
		cpu.above = LNK_GUEST_NO;
	lnk_env_judge(&said, dmi, &cpu);
	return said;
}

/* What a capture's head says was asked on the machine itself. */
static bool is_of_another(const struct lnk_facts *f, const struct lnk_dmi *dmi,
			  const struct lnk_env *e)
{
	struct lnk_env said = judge(f, dmi);

	return said.guest != LNK_GUEST_UNKNOWN && e->guest != LNK_GUEST_UNKNOWN &&
	       said.guest != e->guest;
}

static void apply_guest(const struct lnk_facts *f, const struct lnk_dmi *dmi, struct lnk_env *e,
			struct lnk_arena *a)
{
	struct lnk_env said = judge(f, dmi);

	if (e->guest != LNK_GUEST_UNKNOWN || said.guest == LNK_GUEST_UNKNOWN)
		return;
	e->guest = said.guest;
	if (said.guest != LNK_GUEST_YES)
		return;
	e->hypervisor = said.hypervisor;
	e->accel = said.accel;
	e->sign = sign_of(a, f->signs | (lnk_dmi_hypervisor(dmi) ? f->dmi_signs : 0));
	e->hearsay = true;
}

static int by_place(const void *a, const void *b)
{
	const struct lnk_quote *x = a, *y = b;
	uint64_t i = lnk_addr_key(x->addr), j = lnk_addr_key(y->addr);

	if (i != j)
		return i < j ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return by_quote(a, b);
}

void lnk_facts_quotes(const struct lnk_facts *f, struct lnk_model *m)
{
	struct lnk_arena *a = &m->arena;
	struct lnk_quote *q;
	size_t i;

	if (!f->n_quotes)
		return;
	q = lnk_alloc(a, (m->n_quotes + f->n_quotes) * sizeof(*q));
	if (m->n_quotes)
		memcpy(q, m->quotes, m->n_quotes * sizeof(*q));
	m->quotes = q;
	for (q += m->n_quotes, i = 0; i < f->n_quotes; i++, q++) {
		*q = f->quotes[i];
		q->text = either(a, NULL, f->quotes[i].text);
		q->file = either(a, NULL, f->quotes[i].file);
	}
	m->n_quotes += f->n_quotes;
	qsort(m->quotes, m->n_quotes, sizeof(*m->quotes), by_place);
	if (f->full && !m->limit)
		m->limit = lnk_strf(a, "more than %u sentences about links: the rest is left out",
				    LNK_MAX_QUOTES);
}

/* Of words of two machines it is not known which are whose. */
void lnk_facts_apply(const struct lnk_facts *f, struct lnk_model *m)
{
	struct lnk_dmi dmi = dmi_of(f);
	struct lnk_env *e = &m->env;

	if (!agree(f, &dmi) || is_of_another(f, &dmi, e))
		return;
	e->kernel = either(&m->arena, e->kernel, f->env.kernel);
	if (f->env.name && *f->env.name)
		e->name = either(&m->arena, e->name, f->env.name);
	lnk_facts_quotes(f, m);
	if (!e->machine) {
		const char *name = f->dmi.product_name ? lnk_dmi_machine(&m->arena, &dmi) : NULL;

		e->machine = either(&m->arena, NULL, name ? name : f->dmi_line);
	}
	apply_guest(f, &dmi, e, &m->arena);
}

static void no_free(void *node)
{
	(void)node;
}

void lnk_facts_free(struct lnk_facts *f)
{
	tdestroy(f->seen, no_free);
	free(f->quotes);
	lnk_arena_free(&f->arena);
	*f = (struct lnk_facts){0};
}
