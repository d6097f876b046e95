/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lspci-regs.c - the words of one register, as lspci -vv of 3.0 to 3.14 writes them, to its value
 *
 * A register is known where the words told each of its bits that a rule reads: else it stays
 * unknown. Bits that no rule reads are filled where they are told, and 0 where they are not.
 */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lspci.h"

/* PCIe 7.5.3.6, 7.5.3.20; the oldest lspci have no word for ASPMOptComp. */
#define LNKCAP_UNTOLD	   (0x00800000u | PCI_EXP_LNKCAP_AOC)
#define LNKSTA2_DEEMPHASIS 0x0001u

struct bit_word {
	const char *word;
	uint32_t bit;
};

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* What "Word+" or "Word-" says: 1 or 0; -1 where it is not there, or there in both ways. */
static int flag(const char *s, const char *word)
{
	size_t n = strlen(word);
	const char *p = s;
	int value = -1;

	for (; (p = strstr(p, word)) != NULL; p += n) {
		int found = p[n] == '+' ? 1 : p[n] == '-' ? 0 : -1;

		if (found < 0 || (p > s && p[-1] != ' ') || (p[n + 1] && !strchr(" ,;", p[n + 1])))
			continue;
		if (value >= 0 && value != found)
			return -1;
		value = found;
	}
	return value;
}

/* Sets the bits of @bits that are told as set; false where one of them is not told. */
static bool flags(const char *s, const struct bit_word *bits, size_t n, uint32_t *reg)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int value = flag(s, bits[i].word);

		if (value < 0)
			return false;
		if (value)
			*reg |= bits[i].bit;
	}
	return true;
}

/* Sets those of @bits that are told as set. */
static void add_flags(const char *s, const struct bit_word *bits, size_t n, uint32_t *reg)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (flag(s, bits[i].word) > 0)
			*reg |= bits[i].bit;
}

/* Behind @word; NULL where it does not stand there. */
static const char *behind(const char *s, const char *word)
{
	const char *p = strstr(s, word);

	return p ? p + strlen(word) : NULL;
}

static bool starts(const char *s, const char *word)
{
	return !strncmp(s, word, strlen(word));
}

/* The number behind @word, if it is not more than @max. */
static bool number(const char *s, const char *word, int base, unsigned long max, uint32_t *v)
{
	const char *p = behind(s, word);
	unsigned long x;
	char *end;

	if (!p)
		return false;
	p += strspn(p, " ");
	if (!strchr("0123456789abcdef", *p) || !*p)
		return false;
	x = strtoul(p, &end, base);
	if (end == p || x > max)
		return false;
	*v = (uint32_t)x;
	return true;
}

/* Which of the @n words stands at the start of @s; -1: none. */
static int which(const char *s, const char *const *words, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (starts(s, words[i]))
			return (int)i;
	return -1;
}

/* "MaxPayload 256 bytes" to its code, 128 << code; what is above 4096 is reserved. */
static bool size_code(const char *s, const char *word, uint32_t *code)
{
	uint32_t bytes;

	if (!number(s, word, 10, 4096, &bytes))
		return false;
	for (*code = 0; *code < 6; ++*code)
		if (bytes == 128u << *code)
			return true;
	return false;
}

/* The code of the speed that @s starts with, "8GT/s"; 0 where it is none. */
static unsigned speed_code(const char *s)
{
	size_t n = strcspn(s, ", ");
	char word[12];

	if (n >= sizeof(word))
		return 0;
	memcpy(word, s, n);
	word[n] = '\0';
	return lnk_speed_code(word);
}

/* ---- Link registers (PCIe 7.5.3.6 to 7.5.3.8) ------------------------------------------------ */

/* "Width x1 6": a line broke within the number, or somebody wrote beside it. */
static bool lanes(const char *s, uint32_t *width)
{
	const char *p = behind(s, ", Width x");

	if (!p || !number(s, ", Width x", 10, 63, width))
		return false;
	p += strspn(p, "0123456789");
	p += strspn(p, " ");
	return !*p || !strchr("0123456789", *p);
}

/*
 * Speed and width where they stand in LNKCAP and LNKSTA. What has no width has no link, and may
 * have no speed; all ones have the largest of both. Else an unknown speed may be one that is
 * younger than that lspci.
 */
static bool link_fields(const char *s, uint32_t *reg)
{
	const char *speed = behind(s, "Speed ");
	uint32_t width;
	unsigned code;

	if (!speed || !lanes(speed, &width))
		return false;
	code = speed_code(speed);
	if (!code && ((width && width != 63) || !starts(speed, "unknown")))
		return false;
	if (!code && width)
		code = 15;
	*reg |= FIELD_PREP(PCI_EXP_LNKCAP_SPEED, code) | FIELD_PREP(PCI_EXP_LNKCAP_WIDTH, width);
	return true;
}

/* The part that means something by itself, even where the rest of the register is not told. */
static void read_link(struct lnk_words *w, enum lnk_reg part, const char *s)
{
	uint32_t reg = 0;

	if (link_fields(s, &reg) && lnk_speed_legal(FIELD_GET(PCI_EXP_LNKCAP_SPEED, reg)) &&
	    lnk_width_legal(FIELD_GET(PCI_EXP_LNKCAP_WIDTH, reg)))
		lnk_words_learn(w, part, reg);
}

/* Only those of states that are supported are told. */
static uint32_t exit_latencies(const char *s)
{
	static const char *const l0s[] = {"<64ns", "<128ns", "<256ns", "<512ns",
					  "<1us",  "<2us",   "<4us",   "unlimited"};
	static const char *const l1[] = {"<1us",  "<2us",  "<4us",  "<8us",
					 "<16us", "<32us", "<64us", "unlimited"};
	const char *at = behind(s, "Latency "), *p;
	uint32_t reg = 0;
	int code;

	if (!at)
		return 0;
	if (starts(at, "L0s ") || starts(at, "L0 ")) {
		code = which(behind(at, " "), l0s, ARRAY_SIZE(l0s));
		if (code > 0)
			reg |= FIELD_PREP(PCI_EXP_LNKCAP_L0S, code);
	}
	p = behind(at, "L1 ");
	code = p ? which(p, l1, ARRAY_SIZE(l1)) : -1;
	if (code > 0)
		reg |= FIELD_PREP(PCI_EXP_LNKCAP_L1, code);
	return reg;
}

/* Of words that start alike the longer one stands first. */
static bool aspm_code(const char *s, uint32_t *code)
{
	static const struct {
		const char *words;
		uint8_t code;
	} states[] = {
		{"not supported", 0}, {"Disabled", 0}, {"L0s L1", 3}, {"L0s", 1}, {"L1", 2},
	};
	const char *p = behind(s, "ASPM ");
	size_t i;

	for (i = 0; p && i < ARRAY_SIZE(states); i++)
		if (starts(p, states[i].words)) {
			*code = states[i].code;
			return true;
		}
	return false;
}

/* The first lspci had no word for L1 alone and for none: "ASPM unknown". */
static void read_lnkcap(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"ClockPM", PCI_EXP_LNKCAP_CLOCKPM},
		{"LLActRep", PCI_EXP_LNKCAP_DLLA},
		{"BwNot", PCI_EXP_LNKCAP_LBNC},
	};
	static const struct bit_word others[] = {
		{"Surprise", PCI_EXP_LNKCAP_SURPRISE},
		{"Suprise", PCI_EXP_LNKCAP_SURPRISE}, /* so it stood in 3.0 */
		{"ASPMOptComp", PCI_EXP_LNKCAP_AOC},
	};
	uint32_t reg = 0, aspm, port;

	read_link(w, LNK_R_MAXLINK, s);
	if (!link_fields(s, &reg) || !aspm_code(s, &aspm) || !number(s, "Port #", 10, 255, &port) ||
	    !flags(s, needed, ARRAY_SIZE(needed), &reg))
		return;
	add_flags(s, others, ARRAY_SIZE(others), &reg);
	reg |= FIELD_PREP(PCI_EXP_LNKCAP_ASPM, aspm) | FIELD_PREP(PCI_EXP_LNKCAP_PORT, port);
	reg |= exit_latencies(s);
	if (FIELD_GET(PCI_EXP_LNKCAP_SPEED, reg) == 15) {
		/* Not every bit has a word. Where all that have one are set, nobody answered. */
		if ((reg | LNKCAP_UNTOLD) != 0xffffffff)
			return;
		reg = 0xffffffff;
	}
	lnk_words_learn(w, LNK_R_LNKCAP, reg);
}

static void read_lnkctl(struct lnk_words *w, const char *s)
{
	static const struct bit_word others[] = {
		{"ExtSynch", PCI_EXP_LNKCTL_XSYNCH},   {"ClockPM", PCI_EXP_LNKCTL_CLOCKPM},
		{"AutWidDis", PCI_EXP_LNKCTL_HWAUTWD}, {"BWInt", PCI_EXP_LNKCTL_BWMIE},
		{"AutBWInt", PCI_EXP_LNKCTL_AUTBWIE},
	};
	int disabled = flag(s, "Disabled"), clock = flag(s, "CommClk");
	uint32_t aspm, reg = 0;

	if (disabled < 0)
		disabled = flag(s, "LnkDisable");
	if (!aspm_code(s, &aspm) || disabled < 0 || clock < 0)
		return;
	add_flags(s, others, ARRAY_SIZE(others), &reg);
	if (strstr(s, "RCB 128 "))
		reg |= PCI_EXP_LNKCTL_RCB;
	lnk_words_learn(w, LNK_R_LNKCTL,
			reg | FIELD_PREP(PCI_EXP_LNKCTL_ASPM, aspm) |
				FIELD_PREP(PCI_EXP_LNKCTL_DISABLE, disabled) |
				FIELD_PREP(PCI_EXP_LNKCTL_CLOCK, clock));
}

static void read_lnksta(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"Train", PCI_EXP_LNKSTA_TRAIN},
		{"SlotClk", PCI_EXP_LNKSTA_SL_CLK},
		{"DLActive", PCI_EXP_LNKSTA_DL_ACT},
	};
	static const struct bit_word others[] = {
		{"TrErr", PCI_EXP_LNKSTA_TR_ERR},
		{"BWMgmt", PCI_EXP_LNKSTA_BWMGMT},
		{"ABWMgmt", PCI_EXP_LNKSTA_AUTBW},
	};
	uint32_t reg = 0;

	read_link(w, LNK_R_CURLINK, s);
	if (!link_fields(s, &reg) || !flags(s, needed, ARRAY_SIZE(needed), &reg))
		return;
	add_flags(s, others, ARRAY_SIZE(others), &reg);
	lnk_words_learn(w, LNK_R_LNKSTA, reg);
}

/*
 * PCIe 7.5.3.18: bit n of the register is speed code n. The words name the highest; that there is
 * no gap below it is lspci's belief. "RsvdP" may be a speed that is younger than that lspci.
 */
static void read_lnkcap2(struct lnk_words *w, const char *s)
{
	const char *p = behind(s, "Supported Link Speeds: ");
	unsigned code;

	if (!p)
		return;
	w->vector = true;
	if (starts(p, "2.5-"))
		p += strlen("2.5-");
	code = speed_code(p);
	if (code || starts(p, "Unknown"))
		lnk_words_learn(w, LNK_R_LNKCAP2, (uint32_t)(BIT(code + 1) - 2) & 0xff);
}

/*
 * "2.5GT/s" is code 1, or 0 where the field is not made (PCIe 7.5.3.19). Where a higher speed is
 * possible the one holds the link down and the other means nothing: the words do not tell which.
 */
static bool target_is_told(const struct lnk_words *w, unsigned code)
{
	const struct lnk_hint *h = &w->hint;

	if (code != 1)
		return code;
	return h->known & REG(LNK_R_MAXLINK) &&
	       FIELD_GET(PCI_EXP_LNKCAP_SPEED, h->reg[LNK_R_MAXLINK]) == 1;
}

static void read_lnkctl2(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"EnterCompliance", PCI_EXP_LNKCTL2_CMPLNC},
		{"SpeedDis", PCI_EXP_LNKCTL2_SPEED_DIS},
	};
	const char *p = behind(s, "Target Link Speed: ");
	unsigned code;
	uint32_t reg;

	if (!p)
		return;
	w->target = true;
	code = speed_code(p);
	reg = code;
	if (target_is_told(w, code) && flags(s, needed, ARRAY_SIZE(needed), &reg))
		lnk_words_learn(w, LNK_R_LNKCTL2, reg);
}

/*
 * An lspci that knows retimers writes LnkCap2 wherever the register is not 0, and LnkCtl2 behind
 * it: where only that is there, the register is 0.
 */
static void read_lnksta2(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"EqualizationComplete", PCI_EXP_LINKSTA2_EQU_COMP},
	};
	uint32_t reg = 0;

	w->no_vector = w->target && !w->vector && strstr(s, "CrosslinkRes:");
	if (!flags(s, needed, ARRAY_SIZE(needed), &reg))
		return;
	if (strstr(s, "Level: -3.5dB"))
		reg |= LNKSTA2_DEEMPHASIS;
	lnk_words_learn(w, LNK_R_LNKSTA2, reg);
}

/* ---- Device and slot (PCIe 7.5.3.3, 7.5.3.4, 7.5.3.9 to 7.5.3.11) ---------------------------- */

static void read_devcap(struct lnk_words *w, const char *s)
{
	uint32_t payload;

	if (size_code(s, "MaxPayload ", &payload))
		lnk_words_learn(w, LNK_R_DEVCAP, FIELD_PREP(PCI_EXP_DEVCAP_PAYLOAD, payload));
}

static void read_devctl(struct lnk_words *w, const char *s)
{
	uint32_t payload, request;

	if (size_code(s, "MaxPayload ", &payload) && size_code(s, "MaxReadReq ", &request))
		lnk_words_learn(w, LNK_R_DEVCTL,
				FIELD_PREP(PCI_EXP_DEVCTL_PAYLOAD, payload) |
					FIELD_PREP(PCI_EXP_DEVCTL_READRQ, request));
}

/* The slot's number was hexadecimal as long as the power limit had no unit. */
static void read_sltcap(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"PwrCtrl", PCI_EXP_SLTCAP_PWRC},
		{"HotPlug", PCI_EXP_SLTCAP_HPC},
	};
	static const struct bit_word others[] = {
		{"AttnBtn", PCI_EXP_SLTCAP_ATNB},
		{"MRL", PCI_EXP_SLTCAP_MRL},
		{"AttnInd", PCI_EXP_SLTCAP_ATNI},
		{"PwrInd", PCI_EXP_SLTCAP_PWRI},
		{"Surprise", PCI_EXP_SLTCAP_HPS},
		{"Surpise", PCI_EXP_SLTCAP_HPS}, /* so it stood in 3.0 */
		{"Interlock", PCI_EXP_SLTCAP_INTERLOCK},
		{"NoCompl", PCI_EXP_SLTCAP_NOCMDCOMP},
	};
	const char *limit = behind(s, "PowerLimit ");
	uint32_t reg = 0, slot;

	if (!limit || !flags(s, needed, ARRAY_SIZE(needed), &reg))
		return;
	limit += strcspn(limit, "W; ");
	if (!number(s, "Slot #", *limit == 'W' ? 10 : 16, 0x1fff, &slot))
		return;
	add_flags(s, others, ARRAY_SIZE(others), &reg);
	lnk_words_learn(w, LNK_R_SLTCAP, reg | FIELD_PREP(PCI_EXP_SLTCAP_PSN, slot));
}

static void read_sltctl(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {{"Power", PCI_EXP_SLTCTL_PWRC}};
	uint32_t reg = 0;

	if (flags(s, needed, ARRAY_SIZE(needed), &reg))
		lnk_words_learn(w, LNK_R_SLTCTL, reg);
}

static void read_sltsta(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {{"PresDet", PCI_EXP_SLTSTA_PRES}};
	uint32_t reg = 0;

	if (flags(s, needed, ARRAY_SIZE(needed), &reg))
		lnk_words_learn(w, LNK_R_SLTSTA, reg);
}

/* ---- Errors (PCIe 7.8.4, 7.7.3) -------------------------------------------------------------- */

static void read_uncorrectable(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"DLP", PCI_ERR_UNC_DLP},
		{"SDES", PCI_ERR_UNC_SDES},
	};
	uint32_t reg = 0;

	if (flags(s, needed, ARRAY_SIZE(needed), &reg))
		lnk_words_learn(w, LNK_R_AERUNCOR, reg);
}

static void read_correctable(struct lnk_words *w, const char *s)
{
	static const struct bit_word needed[] = {
		{"RxErr", PCI_ERR_COR_RCVR},	    {"BadTLP", PCI_ERR_COR_BAD_TLP},
		{"BadDLLP", PCI_ERR_COR_BAD_DLLP},  {"Rollover", PCI_ERR_COR_REP_ROLL},
		{"Timeout", PCI_ERR_COR_REP_TIMER},
	};
	uint32_t reg = 0;

	if (flags(s, needed, ARRAY_SIZE(needed), &reg))
		lnk_words_learn(w, LNK_R_AERCOR, reg);
}

/* "0", or "LaneErr at lane: 0 1 2 3" */
static void read_lanes(struct lnk_words *w, const char *s)
{
	const char *p = behind(s, "at lane:");
	uint32_t reg = 0;
	char *end;

	s += strspn(s, " ");
	if (!p) {
		if (*s == '0' && !s[1 + strspn(s + 1, " ")])
			lnk_words_learn(w, LNK_R_LANEERR, 0);
		return;
	}
	for (; p[strspn(p, " ")] >= '0' && p[strspn(p, " ")] <= '9'; p = end) {
		unsigned long lane = strtoul(p, &end, 10);

		if (lane > 31)
			return;
		reg |= (uint32_t)BIT(lane);
	}
	if (reg)
		lnk_words_learn(w, LNK_R_LANEERR, reg);
}

/* ---- Sections: from a register's head to the next one ---------------------------------------- */

#define SECTION(head, read)                                                                        \
	{                                                                                          \
		head, sizeof(head) - 1, read                                                       \
	}
static const struct section {
	const char *head;
	size_t n;
	void (*read)(struct lnk_words *w, const char *s);
} sections[] = {
	SECTION("DevCap:", read_devcap),     SECTION("DevCtl:", read_devctl),
	SECTION("LnkCap:", read_lnkcap),     SECTION("LnkCtl:", read_lnkctl),
	SECTION("LnkSta:", read_lnksta),     SECTION("SltCap:", read_sltcap),
	SECTION("SltCtl:", read_sltctl),     SECTION("SltSta:", read_sltsta),
	SECTION("LnkCap2:", read_lnkcap2),   SECTION("LnkCtl2:", read_lnkctl2),
	SECTION("LnkSta2:", read_lnksta2),   SECTION("UESta:", read_uncorrectable),
	SECTION("CESta:", read_correctable), SECTION("LaneErrStat:", read_lanes),
};

/*
 * The length of the head that the line starts with, one word and a colon; 0: there is none. What
 * lspci writes behind the capabilities is of two words or more.
 */
static size_t head_length(const char *s, size_t n)
{
	static const char last[] = "Kernel ";
	size_t i;

	for (i = 0; i < n && i < 24; i++)
		if (s[i] == ':')
			return i && s[0] >= 'A' && s[0] <= 'Z' ? i + 1 : 0;
		else if (s[i] == ' ' || s[i] == '\t')
			return i + 1 == sizeof(last) - 1 && !memcmp(s, last, i + 1) ? i + 1 : 0;
	return 0;
}

/* Blanks for tabs and what else would end a string. What is too long for a register is prose. */
static void append(struct lnk_words *w, const char *s, size_t n)
{
	size_t i;

	if (n + 2 > sizeof(w->section_text) - w->section_n)
		return;
	if (w->section_n)
		w->section_text[w->section_n++] = ' ';
	for (i = 0; i < n; i++)
		w->section_text[w->section_n++] = s[i] == '\t' || !s[i] ? ' ' : s[i];
	w->section_text[w->section_n] = '\0';
}

void lnk_words_close(struct lnk_words *w)
{
	const struct section *x = w->section;
	char *changed;

	w->section = NULL;
	if (!x)
		return;
	/* What changed in a slot has the names of what is in it. */
	changed = strstr(w->section_text, "Changed:");
	if (changed)
		*changed = '\0';
	x->read(w, w->section_text);
}

bool lnk_words_section(struct lnk_words *w, const char *s, size_t n)
{
	size_t head = head_length(s, n), i;

	/* The second line of SltCtl. */
	if (head == 8 && !memcmp(s, "Control:", 8) && w->section && w->section->read == read_sltctl)
		head = 0;
	if (!head) {
		if (w->section)
			append(w, s, n);
		return false;
	}
	lnk_words_close(w);
	/* Most lines are no register's. */
	if (!memchr("CDLSU", *s, 5))
		return false;
	for (i = 0; i < ARRAY_SIZE(sections); i++)
		if (*sections[i].head == *s && sections[i].n == head &&
		    !memcmp(s, sections[i].head, head)) {
			w->section = &sections[i];
			w->section_n = 0;
			append(w, s + head, n - head);
			return true;
		}
	return false;
}
