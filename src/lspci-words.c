/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lspci-words.c - the decoded text of one function, as lspci 3.0 to 3.14 writes it: what it is,
 * and which capabilities it has
 *
 * Lossy: what the text does not prove stays unknown. lspci-regs.c reads the words of registers.
 */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lspci.h"

/* PCI 6.2.1 and BRIDGE 3.2.5: the fields of the registers at 00, 08 and 18. */
#define ID_VENDOR	0x0000ffffu
#define ID_DEVICE	0xffff0000u
#define CLASS_REVISION	0x000000ffu
#define CLASS_CODE_PROG 0xffffff00u
#define BUS_PRIMARY	0x000000ffu
#define BUS_SECONDARY	0x0000ff00u
#define BUS_SUBORDINATE 0x00ff0000u

/* ---- Pieces of a line ---------------------------------------------------------------------- */

static void skip_blanks(struct lnk_part *p)
{
	while (p->n && lnk_is_blank(*p->s)) {
		p->s++;
		p->n--;
	}
}

/* Moves past the next @word, wherever it is. */
static bool skip_to(struct lnk_part *p, const char *word)
{
	const char *at = lnk_part_find(*p, word);

	if (!at)
		return false;
	p->n -= (size_t)(at - p->s);
	p->s = at;
	return lnk_part_skip(p, word);
}

/* Moves past a number of exactly @digits hex digits. */
static bool skip_hex(struct lnk_part *p, unsigned digits, uint32_t *v)
{
	uint32_t x = 0;
	unsigned i;

	if (p->n < digits || (p->n > digits && lnk_hex[(uint8_t)p->s[digits]]))
		return false;
	for (i = 0; i < digits; i++) {
		unsigned d = lnk_hex[(uint8_t)p->s[i]];

		if (!d)
			return false;
		x = x << 4 | (d ^ LNK_HEX);
	}
	p->s += digits;
	p->n -= digits;
	*v = x;
	return true;
}

/* "8086:1901" and what follows it is no part of a number. */
static bool skip_ids(struct lnk_part *p, uint32_t *id)
{
	struct lnk_part at = *p;
	uint32_t vendor, device;

	if (!skip_hex(&at, 4, &vendor) || !lnk_part_skip(&at, ":") || !skip_hex(&at, 4, &device))
		return false;
	*id = FIELD_PREP(ID_VENDOR, vendor) | FIELD_PREP(ID_DEVICE, device);
	*p = at;
	return true;
}

void lnk_words_begin(struct lnk_words *w)
{
	/* What is large is not touched before it is used. */
	memset(w, 0, offsetof(struct lnk_words, section_text));
}

void lnk_words_learn(struct lnk_words *w, enum lnk_reg r, uint32_t value)
{
	if (w->hint.known & REG(r))
		return;
	w->hint.reg[r] = value;
	w->hint.known |= REG(r);
}

/* ---- The first line: class and ids --------------------------------------------------------- */

/* lspci's class words, from pci.ids of several years; in the order of same_words(). */
static const struct class_words {
	const char *words;
	uint16_t class;
} classes[] = {
	{"3D controller", 0x0302},
	{"ATA controller", 0x0105},
	{"ATM network controller", 0x0203},
	{"Audio device", 0x0403},
	{"Bluetooth", 0x0d11},
	{"Bridge", 0x0680},
	{"Broadband", 0x0d12},
	{"CANBUS", 0x0c09},
	{"CardBus bridge", 0x0607},
	{"Co-processor", 0x0b40},
	{"Communication controller", 0x0780},
	{"Communication synchronizer", 0x1110},
	{"Computer telephony device", 0x0402},
	{"Coprocessor", 0x4000},
	{"CXL", 0x0502},
	{"Display controller", 0x0380},
	{"DMA controller", 0x0801},
	{"DPIO module", 0x1100},
	{"EISA bridge", 0x0602},
	{"Encryption controller", 0x1080},
	{"Entertainment encryption device", 0x1010},
	{"Ethernet controller", 0x0200},
	{"Fabric controller", 0x0208},
	{"FDDI network controller", 0x0202},
	{"Fibre Channel", 0x0c04},
	{"FireWire (IEEE 1394)", 0x0c00},
	{"FLASH memory", 0x0501},
	{"Floppy disk controller", 0x0102},
	{"Gameport controller", 0x0904},
	{"Generic system peripheral", 0x0880},
	{"Host bridge", 0x0600},
	{"I2O", 0x0e00},
	{"IDE interface", 0x0101},
	{"InfiniBand", 0x0c06},
	{"Infiniband controller", 0x0207},
	{"InfiniBand to PCI host bridge", 0x060a},
	{"Input device controller", 0x0980},
	{"IOMMU", 0x0806},
	{"IPMI Interface", 0x0c07},
	{"IPMI SMIC interface", 0x0c07},
	{"IRDA controller", 0x0d00},
	{"ISA bridge", 0x0601},
	{"ISDN controller", 0x0204},
	{"Keyboard controller", 0x0900},
	{"Mass storage controller", 0x0180},
	{"Memory controller", 0x0580},
	{"MicroChannel bridge", 0x0603},
	{"Modem", 0x0703},
	{"Mouse controller", 0x0902},
	{"Multimedia audio controller", 0x0401},
	{"Multimedia controller", 0x0480},
	{"Multimedia video controller", 0x0400},
	{"Multiport serial controller", 0x0702},
	{"Network and computing encryption device", 0x1000},
	{"Network controller", 0x0280},
	{"Non-Essential Instrumentation", 0x1300},
	{"Non-VGA unclassified device", 0x0000},
	{"Non-Volatile memory controller", 0x0108},
	{"Parallel controller", 0x0701},
	{"PCI bridge", 0x0604},
	{"PCI Hot-plug controller", 0x0804},
	{"PCMCIA bridge", 0x0605},
	{"Performance counters", 0x1101},
	{"PIC", 0x0800},
	{"Power PC", 0x0b20},
	{"Processing accelerators", 0x1200},
	{"Processor", 0x0b80},
	{"RACEway bridge", 0x0608},
	{"RAID bus controller", 0x0104},
	{"RAM memory", 0x0500},
	{"RF controller", 0x0d10},
	{"RTC", 0x0803},
	{"SATA controller", 0x0106},
	{"SCSI storage controller", 0x0100},
	{"SD Host controller", 0x0805},
	{"Semi-transparent PCI-to-PCI bridge", 0x0609},
	{"Serial Attached SCSI controller", 0x0107},
	{"Serial bus controller", 0x0c80},
	{"Serial controller", 0x0700},
	{"Signal processing controller", 0x1180},
	{"Signal processing management", 0x1120},
	{"SMBus", 0x0c05},
	{"SNIA Smart Data Accelerator Interface (SDXI) controller", 0x1201},
	{"System peripheral", 0x0880},
	{"Timer", 0x0802},
	{"Timing Card", 0x0899},
	{"Token ring network controller", 0x0201},
	{"Unassigned class", 0xff00},
	{"Unclassified device", 0x0000},
	{"Unknown mass storage controller", 0x0180},
	{"USB controller", 0x0c03},
	{"VGA compatible controller", 0x0300},
	{"VGA compatible unclassified device", 0x0001},
	{"Wireless controller", 0x0d80},
	{"XGA compatible controller", 0x0301},
};

/* ASCII only, whatever the locale: the table is sorted once and for all. */
static int lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

/* bsearch(): without regard to case, which changed over the years. */
static int same_words(const void *key, const void *element)
{
	const struct lnk_part *p = key;
	const char *words = ((const struct class_words *)element)->words;
	size_t i;

	for (i = 0; i < p->n && words[i]; i++)
		if (lower(p->s[i]) != lower(words[i]))
			return lower(p->s[i]) - lower(words[i]);
	return (i < p->n) - (words[i] != '\0');
}

/* "PCI bridge", "PCI bridge [0604]", "Class 0604", "0604", "060400" (the NVIDIA driver's list). */
static bool read_class(struct lnk_part p, uint32_t *class)
{
	const struct class_words *found;
	uint32_t v;

	if (p.n > 6 && p.s[p.n - 1] == ']' && p.s[p.n - 6] == '[') {
		struct lnk_part in = {p.s + p.n - 5, 4};

		if (!skip_hex(&in, 4, &v))
			return false;
		*class = FIELD_PREP(CLASS_CODE, v);
		return true;
	}
	lnk_part_skip(&p, "Class ");
	if (p.n == 4 && skip_hex(&p, 4, &v)) {
		*class = FIELD_PREP(CLASS_CODE, v);
		return true;
	}
	if (p.n == 6 && skip_hex(&p, 6, &v)) {
		*class = FIELD_PREP(CLASS_CODE_PROG, v);
		return true;
	}
	found = bsearch(&p, classes, ARRAY_SIZE(classes), sizeof(classes[0]), same_words);
	if (found)
		*class = FIELD_PREP(CLASS_CODE, found->class);
	return found;
}

#define IN_BRACKETS 10 /* characters of "[10de:1b80" */

/* "1b36:000c", "Device 1b36:000c", "Vendor 10de Device 1b80", or names and "[10de:1b80]". */
static bool read_ids(struct lnk_part p, uint32_t *id)
{
	uint32_t vendor, device;
	const char *end;

	if (lnk_part_skip(&p, "Vendor ") && skip_hex(&p, 4, &vendor) &&
	    lnk_part_skip(&p, " Device ") && skip_hex(&p, 4, &device)) {
		*id = FIELD_PREP(ID_VENDOR, vendor) | FIELD_PREP(ID_DEVICE, device);
		return true;
	}
	if (!lnk_part_skip(&p, "Device "))
		lnk_part_skip(&p, "Unknown device ");
	if (skip_ids(&p, id))
		return true;
	/* A name may hold brackets of its own; the ids come last. */
	while ((end = memrchr(p.s, ']', p.n))) {
		p.n = (size_t)(end - p.s);
		if (p.n >= IN_BRACKETS && end[-IN_BRACKETS] == '[' &&
		    skip_ids(&(struct lnk_part){end + 1 - IN_BRACKETS, IN_BRACKETS - 1}, id))
			return true;
	}
	return false;
}

/* What names say: the id @r, or at least the maker. */
static void learn_named(struct lnk_words *w, enum lnk_reg r, struct lnk_named named,
			uint16_t *maker)
{
	if (!named.whole) {
		if (named.vendor)
			*maker = named.vendor;
		return;
	}
	if (!(w->hint.known & REG(r)))
		w->hint.named |= REG(r);
	lnk_words_learn(w, r,
			FIELD_PREP(ID_VENDOR, named.vendor) | FIELD_PREP(ID_DEVICE, named.device));
}

/* How much of the first @n bytes stands before @word: all, where it does not occur. */
static size_t length_before(struct lnk_part p, size_t n, const char *word)
{
	const char *at = lnk_part_find((struct lnk_part){p.s, n}, word);

	return at ? (size_t)(at - p.s) : n;
}

void lnk_words_title(struct lnk_words *w, const char *s, size_t n)
{
	struct lnk_part rest = {s, n}, at;
	const char *colon = lnk_part_find(rest, ": ");
	uint32_t class, id, v;

	/* We write a class that is not known so. */
	if (skip_ids(&rest, &id) && !rest.n)
		lnk_words_learn(w, LNK_R_ID, id);
	if (!colon || !read_class((struct lnk_part){s, (size_t)(colon - s)}, &class))
		return;
	rest = (struct lnk_part){colon + 2, n - (size_t)(colon + 2 - s)};
	skip_blanks(&rest);
	at = rest;
	if (skip_to(&at, "(rev ") && skip_hex(&at, 2, &v))
		class |= FIELD_PREP(CLASS_REVISION, v);
	at = rest;
	if (skip_to(&at, "(prog-if ") && skip_hex(&at, 2, &v))
		class |= FIELD_PREP(CLASS_PROG_IF, v);
	lnk_words_learn(w, LNK_R_CLASS, class);
	if (read_ids(rest, &id)) {
		lnk_words_learn(w, LNK_R_ID, id);
		return;
	}
	rest.n = length_before(rest, length_before(rest, rest.n, " (rev "), " (prog-if ");
	learn_named(w, LNK_R_ID, lnk_ids_device(rest), &w->hint.vendor);
	w->name_n = rest.n < sizeof(w->name) ? rest.n : sizeof(w->name);
	memcpy(w->name, rest.s, w->name_n);
}

bool lnk_words_is_title(const char *s, size_t n)
{
	struct lnk_words w;

	lnk_words_begin(&w);
	lnk_words_title(&w, s, n);
	return w.hint.known & REG(LNK_R_CLASS);
}

/* ---- The lines below it -------------------------------------------------------------------- */

/* "primary=00, secondary=01, subordinate=0a, sec-latency=0" */
static void read_buses(struct lnk_words *w, struct lnk_part p)
{
	uint32_t primary, secondary, subordinate;

	if (skip_to(&p, "primary=") && skip_hex(&p, 2, &primary) && skip_to(&p, "secondary=") &&
	    skip_hex(&p, 2, &secondary) && skip_to(&p, "subordinate=") &&
	    skip_hex(&p, 2, &subordinate))
		lnk_words_learn(w, LNK_R_BUSES,
				FIELD_PREP(BUS_PRIMARY, primary) |
					FIELD_PREP(BUS_SECONDARY, secondary) |
					FIELD_PREP(BUS_SUBORDINATE, subordinate));
}

/*
 * "Express (v2) Root Port (Slot+), MSI 00"; lspci -v leaves the version out, which is 0 then.
 * PCIe 7.5.3.2.
 */
static void read_express(struct lnk_words *w, struct lnk_part p)
{
	static const struct {
		const char *words;
		enum lnk_type type;
	} types[] = {
		{"Endpoint", LNK_T_ENDPOINT},
		{"Legacy Endpoint", LNK_T_LEGACY},
		{"Root Port", LNK_T_ROOT_PORT},
		{"Upstream", LNK_T_UPSTREAM},
		{"Downstream", LNK_T_DOWNSTREAM},
		{"PCI-Express to PCI", LNK_T_PCIE_PCI},
		{"PCI/PCI-X Bridge", LNK_T_PCIE_PCI},
		{"PCI/PCI-X to PCI-Express", LNK_T_PCI_PCIE},
		{"Root Complex Integrated", LNK_T_RCIEP},
		{"Root Complex Event", LNK_T_RCEC},
	};
	uint32_t version = 0, flags;
	size_t i;

	w->express = true;
	if (lnk_part_skip(&p, "(v") && (!skip_hex(&p, 1, &version) || !lnk_part_skip(&p, ") ")))
		return;
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (lnk_part_skip(&p, types[i].words))
			break;
	if (i == ARRAY_SIZE(types))
		return;
	flags = FIELD_PREP(PCI_EXP_FLAGS_VERS, version) |
		FIELD_PREP(PCI_EXP_FLAGS_TYPE, types[i].type);
	if (skip_to(&p, "(Slot+"))
		flags |= PCI_EXP_FLAGS_SLOT;
	lnk_words_learn(w, LNK_R_PCIECAP, flags);
}

/* "Vendor Device [1af4:1100]", "1af4:1100", or names alone. */
static void read_subsystem(struct lnk_words *w, struct lnk_part p)
{
	uint32_t id;

	if (read_ids(p, &id))
		lnk_words_learn(w, LNK_R_SUBSYS, id);
	else
		learn_named(w, LNK_R_SUBSYS,
			    lnk_ids_subsystem(p, (struct lnk_part){w->name, w->name_n}),
			    &w->hint.subvendor);
}

/* "00-1b-21-ff-ff-a0-b1-c2": from the highest byte on (PCIe 7.9.3). */
static void read_serial(struct lnk_words *w, struct lnk_part p)
{
	uint32_t half[2] = {0}, byte;
	unsigned i;

	for (i = 0; i < 8; i++) {
		if ((i && !lnk_part_skip(&p, "-")) || !skip_hex(&p, 2, &byte))
			return;
		half[i / 4] = half[i / 4] << 8 | byte;
	}
	lnk_words_learn(w, LNK_R_DSNHI, half[0]);
	lnk_words_learn(w, LNK_R_DSNLO, half[1]);
}

/* Extended capabilities stand at offsets of three digits. */
static void read_extended(struct lnk_words *w, struct lnk_part p)
{
	static const struct {
		const char *words;
		enum lnk_ecap flag;
	} names[] = {
		{"Advanced Error Reporting", LNK_E_AER},
		{"Access Control Services", LNK_E_ACS},
		{"Secondary PCI Express", LNK_E_SECPCI},
		{"#19", LNK_E_SECPCI},
		{"Extended Capability ID 0x19", LNK_E_SECPCI},
		{"Device Serial Number ", LNK_E_DSN},
		{"Single Root I/O Virtualization", LNK_E_SRIOV},
	};
	size_t i;

	w->ecaps = true;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!lnk_part_skip(&p, names[i].words))
			continue;
		w->ecap_flags |= names[i].flag;
		if (names[i].flag == LNK_E_DSN)
			read_serial(w, p);
		break;
	}
}

/* "[80] Express ...", "[100 v1] Advanced Error Reporting", "<access denied>" */
static void read_capability(struct lnk_words *w, struct lnk_part p)
{
	struct lnk_part at;
	uint32_t off;

	w->caps = true;
	if (lnk_part_skip(&p, "<access denied>"))
		w->denied = true;
	at = p;
	if (!lnk_part_skip(&p, "[") || !skip_to(&p, "] ") || !p.n) {
		w->doubt = true;
		return;
	}
	if (*p.s == '<' || lnk_part_skip(&p, "#ff")) {
		w->doubt = true;
		return;
	}
	lnk_part_skip(&at, "[");
	if (skip_hex(&at, 3, &off)) {
		read_extended(w, p);
		return;
	}
	if (lnk_part_skip(&p, "Subsystem: ")) {
		read_subsystem(w, p);
		return;
	}
	lnk_part_skip(&p, "PCI ");
	if (lnk_part_skip(&p, "Express "))
		read_express(w, p);
}

bool lnk_words_link(const char *speed, size_t speed_n, const char *width, size_t width_n,
		    uint32_t *reg)
{
	char word[12];
	unsigned code, lanes = 0;
	size_t i;

	if (speed_n >= sizeof(word))
		speed_n = sizeof(word) - 1;
	memcpy(word, speed, speed_n);
	word[speed_n] = '\0';
	code = lnk_speed_code(word);
	for (i = 0; i < width_n && i < 3 && width[i] >= '0' && width[i] <= '9'; i++)
		lanes = lanes * 10 + (unsigned)(width[i] - '0');
	if (!code || !lnk_width_legal(lanes))
		return false;
	*reg = FIELD_PREP(PCI_EXP_LNKCAP_SPEED, code) | FIELD_PREP(PCI_EXP_LNKCAP_WIDTH, lanes);
	return true;
}

/* People leave out what they think does not matter: then what is not there proves nothing. */
bool lnk_words_left_out(const char *s, size_t n)
{
	struct lnk_part p = {s, n};

	return lnk_part_skip(&p, "...") || lnk_part_skip(&p, "[...") || lnk_part_skip(&p, "(...") ||
	       lnk_part_skip(&p, "[snip") || lnk_part_skip(&p, "<snip") ||
	       lnk_part_skip(&p, "--snip") || lnk_part_skip(&p, "8<") ||
	       lnk_part_skip(&p, "\xe2\x80\xa6");
}

/* What lspci writes of a function that decodes no addresses and has no capabilities, too. */
static bool is_last(struct lnk_part p)
{
	return lnk_part_skip(&p, "NUMA node: ") || lnk_part_skip(&p, "IOMMU group: ") ||
	       lnk_part_skip(&p, "Kernel ");
}

void lnk_words_line(struct lnk_words *w, const char *s, size_t n)
{
	static const char *const others[] = {"Latency: ", "Region ", "Memory at "};
	struct lnk_part p = {s, n};
	size_t i;

	if (w->bare && !is_last(p))
		w->bare = false;
	if (lnk_words_left_out(s, n))
		w->doubt = true;
	if (lnk_words_section(w, s, n)) {
		w->lspci = true;
		return;
	}
	if (n < 8 || memchr("BCFKLMRS!", s[0], 9) == NULL)
		return;
	if (lnk_part_skip(&p, "Subsystem: ")) {
		read_subsystem(w, p);
	} else if (lnk_part_skip(&p, "Capabilities: ")) {
		read_capability(w, p);
	} else if (lnk_part_skip(&p, "Bus: ")) {
		read_buses(w, p);
	} else if (lnk_part_skip(&p, "Control: ") || lnk_part_skip(&p, "Flags: ")) {
		w->verbose = true;
		w->off = lnk_part_skip(&p, "I/O- Mem- BusMaster- ");
	} else if (lnk_part_skip(&p, "Status: Cap+")) {
		w->bare = w->off;
	} else if (lnk_part_skip(&p, "Status: Cap-")) {
		w->no_caps = true;
	} else if (lnk_part_skip(&p, "Kernel driver in use: ") ||
		   lnk_part_skip(&p, "Kernel modules: ")) {
		w->whole = true;
	} else if (lnk_part_skip(&p, "!!! Unknown header type 7f")) {
		/* lspci masks the multi-function bit; a header of this type is all ones. */
		lnk_words_learn(w, LNK_R_HEADER, 0xff);
	} else {
		for (i = 0; i < ARRAY_SIZE(others); i++)
			if (lnk_part_skip(&p, others[i]))
				break;
		if (i == ARRAY_SIZE(others))
			return;
	}
	w->lspci = true;
}

/* "BwNot- ASPMOptComp+", "Slot #0, PowerLimit 0W; Interlock- NoCompl-" */
static bool has_flag(struct lnk_part p)
{
	const char *end = p.s + p.n, *word;

	while (p.s < end) {
		word = p.s;
		while (p.s < end &&
		       ((lower(*p.s) >= 'a' && lower(*p.s) <= 'z') || (*p.s >= '0' && *p.s <= '9')))
			p.s++;
		if (p.s > word + 1 && *word >= 'A' && *word <= 'Z' && p.s < end &&
		    (*p.s == '+' || *p.s == '-') &&
		    (p.s + 1 == end || memchr(" ,;", p.s[1], 3) != NULL))
			return true;
		while (p.s < end && !lnk_is_blank(*p.s))
			p.s++;
		while (p.s < end && lnk_is_blank(*p.s))
			p.s++;
	}
	return false;
}

bool lnk_words_is_known(const char *s, size_t n)
{
	struct lnk_part p = {s, n};
	struct lnk_words w;

	lnk_words_begin(&w);
	lnk_words_line(&w, s, n);
	/* Or the second line of a register, which has no name before it. */
	return w.lspci || is_last(p) || has_flag(p) || lnk_part_skip(&p, "MaxPayload ");
}

void lnk_words_end(struct lnk_words *w)
{
	struct lnk_hint *h = &w->hint;
	uint32_t flags = h->reg[LNK_R_PCIECAP], class = h->reg[LNK_R_CLASS];

	lnk_words_close(w);
	if (h->known & REG(LNK_R_BUSES)) {
		lnk_words_learn(w, LNK_R_HEADER,
				FIELD_GET(CLASS_CODE, class) == PCI_CLASS_BRIDGE_CARDBUS ?
					PCI_HEADER_TYPE_CARDBUS :
					PCI_HEADER_TYPE_BRIDGE);
	} else if (h->known & REG(LNK_R_PCIECAP)) {
		/* PCIe 7.5.1.1.9: these types have a header of layout 0. */
		uint32_t type = FIELD_GET(PCI_EXP_FLAGS_TYPE, flags);

		if (type == LNK_T_ENDPOINT || type == LNK_T_LEGACY || type == LNK_T_RCIEP ||
		    type == LNK_T_RCEC)
			lnk_words_learn(w, LNK_R_HEADER, PCI_HEADER_TYPE_NORMAL);
	}
	if (!w->express && !w->doubt && (w->caps || w->bare ? w->whole : w->no_caps))
		lnk_words_learn(w, LNK_R_PCIECAP, LNK_WORDS_NO_EXPRESS);
	if (w->no_vector && !w->doubt)
		lnk_words_learn(w, LNK_R_LNKCAP2, 0);
	/* lspci -v has the bus numbers of every other layout. */
	if (w->verbose && w->whole && !w->doubt)
		lnk_words_learn(w, LNK_R_HEADER, PCI_HEADER_TYPE_NORMAL);
	/* Where no extended capability is told, lspci may not have read that far. */
	if (w->ecaps && w->whole && !w->doubt)
		lnk_words_learn(w, LNK_R_ECAPS, w->ecap_flags);
}
