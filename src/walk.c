/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk.c - registers to fields, functions to ports, links and paths */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

#define LINK_FIELDS (PCI_EXP_LNKCAP_SPEED | PCI_EXP_LNKCAP_WIDTH)
#define HEADER_REGS                                                                                \
	(REG(LNK_R_ID) | REG(LNK_R_STATUS) | REG(LNK_R_CLASS) | REG(LNK_R_HEADER) |                \
	 REG(LNK_R_SUBSYS))
#define EXPRESS_REGS                                                                               \
	(REG(LNK_R_PCIECAP) | REG(LNK_R_DEVCAP) | REG(LNK_R_DEVCTL) | LINK_REGS | SLOT_REGS)
#define LINK_REGS                                                                                  \
	(REG(LNK_R_LNKCAP) | REG(LNK_R_LNKCTL) | REG(LNK_R_LNKSTA) | LINK2_REGS |                  \
	 REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK))
#define LINK2_REGS (REG(LNK_R_LNKCAP2) | REG(LNK_R_LNKCTL2) | REG(LNK_R_LNKSTA2))
#define SLOT_REGS  (REG(LNK_R_SLTCAP) | REG(LNK_R_SLTCTL) | REG(LNK_R_SLTSTA))
#define EXT_REGS                                                                                   \
	(REG(LNK_R_AERUNCOR) | REG(LNK_R_AERCOR) | REG(LNK_R_LANEERR) | REG(LNK_R_DSNLO) |         \
	 REG(LNK_R_DSNHI))

/* ---- One function: registers to fields ----------------------------------------------------- */

/* Takes @r from where it can be had: bytes first, then lspci's words, then sysfs. */
static void take_hint(struct lnk_fn *f, enum lnk_reg r)
{
	const struct lnk_hint *h = f->text && f->text->known & REG(r) ? f->text : f->attr;

	if (lnk_knows(f, r) || f->absent & REG(r) || !h || !(h->known & REG(r)))
		return;
	f->reg[r] = h->reg[r];
	f->known |= REG(r);
	*(h == f->text ? &f->from_text : &f->from_attr) |= REG(r);
}

static void load(struct lnk_fn *f, enum lnk_reg r, unsigned off)
{
	bool known;

	if (f->unread & REG(r)) {
		take_hint(f, r);
		return;
	}
	switch (lnk_reg_digits(r)) {
	case 2:
		known = lnk_cfg_u8(&f->cfg, off, &f->reg[r]);
		break;
	case 4:
		known = lnk_cfg_u16(&f->cfg, off, &f->reg[r]);
		break;
	default:
		known = lnk_cfg_u32(&f->cfg, off, &f->reg[r]);
	}
	if (known)
		f->known |= REG(r);
}

/* Where lspci's words and the bytes beside them disagree (LNK906). */
static void compare_text(struct lnk_fn *f, enum lnk_reg r, uint32_t mask)
{
	if (f->text && f->text->known & REG(r) && lnk_knows(f, r) && !(f->from_text & REG(r)) &&
	    (f->text->reg[r] & mask) != (f->reg[r] & mask))
		f->differs |= REG(r);
}

/* "(rev ff) !!! Unknown header type 7f": the ids of its title are what the kernel remembers. */
static bool words_say_ones(const struct lnk_fn *f)
{
	return !f->cfg.n_spans && !f->cfg.open && f->text && f->text->known & REG(LNK_R_HEADER) &&
	       f->text->reg[LNK_R_HEADER] == 0xff;
}

/* PCI 6.1: identity, class, layout; BRIDGE 3.2.5: bus numbers. */
static void decode_header(struct lnk_fn *f)
{
	load(f, LNK_R_ID, PCI_VENDOR_ID);
	load(f, LNK_R_STATUS, PCI_STATUS);
	load(f, LNK_R_CLASS, PCI_CLASS_REVISION);
	load(f, LNK_R_HEADER, PCI_HEADER_TYPE);
	if (lnk_knows(f, LNK_R_ID) && f->reg[LNK_R_ID] == 0xffffffff && lnk_knows(f, LNK_R_CLASS) &&
	    f->reg[LNK_R_CLASS] == 0xffffffff && f->reg[LNK_R_HEADER] == 0xff) {
		f->reach = LNK_READ_FFS;
	} else if (words_say_ones(f)) {
		f->reach = LNK_READ_FFS;
	} else if (f->known & REG(LNK_R_HEADER) &&
		   FIELD_GET(0x7f, f->reg[LNK_R_HEADER]) != PCI_HEADER_TYPE_NORMAL) {
		load(f, LNK_R_BUSES, PCI_PRIMARY_BUS);
	} else {
		load(f, LNK_R_SUBSYS, PCI_SUBSYSTEM_VENDOR_ID);
		if (lnk_knows(f, LNK_R_HEADER))
			f->absent |= REG(LNK_R_BUSES);
	}
	take_hint(f, LNK_R_ID);
	take_hint(f, LNK_R_CLASS);
	take_hint(f, LNK_R_HEADER);
	if (f->from_text & REG(LNK_R_HEADER) && f->reg[LNK_R_HEADER] == PCI_HEADER_TYPE_NORMAL)
		f->absent |= REG(LNK_R_BUSES);
	take_hint(f, LNK_R_BUSES);
	compare_text(f, LNK_R_BUSES, 0xffffff);
	/* Who does not answer, and a VF, has ones there; the title has what the kernel knows. */
	if (f->reg[LNK_R_ID] != 0xffffffff && f->text && !(f->text->named & REG(LNK_R_ID)))
		compare_text(f, LNK_R_ID, 0xffffffff);
}

static const struct lnk_cap *find_cap(const struct lnk_cap *caps, unsigned n, unsigned id)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (caps[i].id == id)
			return &caps[i];
	return NULL;
}

static bool type_has_link(unsigned type)
{
	return type <= LNK_T_LEGACY || (type >= LNK_T_ROOT_PORT && type <= LNK_T_PCI_PCIE);
}

/* Which registers a capability of this version and type has. */
static void lay_out_express(struct lnk_fn *f)
{
	uint32_t flags = f->reg[LNK_R_PCIECAP];
	unsigned type = FIELD_GET(PCI_EXP_FLAGS_TYPE, flags);

	f->cap_version = (uint8_t)FIELD_GET(PCI_EXP_FLAGS_VERS, flags);
	if (!type_has_link(type))
		f->absent |= LINK_REGS;
	if (f->cap_version == 1)
		f->absent |= LINK2_REGS;
	if ((type != LNK_T_ROOT_PORT && type != LNK_T_DOWNSTREAM) || !(flags & PCI_EXP_FLAGS_SLOT))
		f->absent |= SLOT_REGS;
}

/*
 * PCIe 7.5.3: the capability's length follows from its version and the type. A register that would
 * stand beyond the end of the space is not read: what is there belongs to nobody.
 */
static void decode_express(struct lnk_fn *f, unsigned off)
{
	static const struct {
		enum lnk_reg reg;
		uint8_t off;
	} layout[] = {
		{LNK_R_DEVCAP, PCI_EXP_DEVCAP},	  {LNK_R_DEVCTL, PCI_EXP_DEVCTL},
		{LNK_R_LNKCAP, PCI_EXP_LNKCAP},	  {LNK_R_LNKCTL, PCI_EXP_LNKCTL},
		{LNK_R_LNKSTA, PCI_EXP_LNKSTA},	  {LNK_R_SLTCAP, PCI_EXP_SLTCAP},
		{LNK_R_SLTCTL, PCI_EXP_SLTCTL},	  {LNK_R_SLTSTA, PCI_EXP_SLTSTA},
		{LNK_R_LNKCAP2, PCI_EXP_LNKCAP2}, {LNK_R_LNKCTL2, PCI_EXP_LNKCTL2},
		{LNK_R_LNKSTA2, PCI_EXP_LNKSTA2},
	};
	unsigned i;

	f->express = (uint16_t)off;
	load(f, LNK_R_PCIECAP, off + PCI_EXP_FLAGS);
	if (!lnk_knows(f, LNK_R_PCIECAP))
		return;
	lay_out_express(f);
	if (f->cap_version < 2)
		f->absent |= LINK2_REGS;
	for (i = 0; i < ARRAY_SIZE(layout); i++) {
		unsigned at = off + layout[i].off;

		if (f->absent & REG(layout[i].reg))
			continue;
		if (at + lnk_reg_digits(layout[i].reg) / 2 > 0x100)
			f->express_cut = true;
		else
			load(f, layout[i].reg, at);
	}
}

/* Live: no further than to the Express capability, and only where there is one. */
static enum lnk_list walk_caps(struct lnk_fn *f, struct lnk_cap caps[LNK_MAX_CAPS], unsigned *n)
{
	*n = 0;
	if (!(f->unread & REG(LNK_R_ECAPS)))
		return lnk_cfg_caps(&f->cfg, caps, LNK_MAX_CAPS, n);
	if (f->unread & REG(LNK_R_PCIECAP))
		return LNK_LIST_PART;
	/* Where the status is not asked for, sysfs shows what is in the list. */
	if (!(f->unread & REG(LNK_R_STATUS))) {
		if (!lnk_knows(f, LNK_R_STATUS) || !lnk_knows(f, LNK_R_HEADER))
			return LNK_LIST_UNKNOWN;
		if (!(f->reg[LNK_R_STATUS] & PCI_STATUS_CAP_LIST))
			return LNK_LIST_NONE;
	}
	return lnk_cfg_caps_until(&f->cfg, f->layout, PCI_CAP_ID_EXP, caps, LNK_MAX_CAPS, n);
}

static void decode_caps(struct lnk_fn *f)
{
	struct lnk_cap caps[LNK_MAX_CAPS];
	const struct lnk_cap *cap;
	unsigned n;

	f->caps_end = (uint8_t)walk_caps(f, caps, &n);
	cap = find_cap(caps, n, PCI_CAP_ID_EXP);
	if (cap)
		decode_express(f, cap->off);
	else if (f->caps_end == LNK_LIST_END || f->caps_end == LNK_LIST_NONE)
		f->absent |= EXPRESS_REGS | EXT_REGS | REG(LNK_R_ECAPS);
	if (!(lnk_is_bridge(f)))
		return;
	cap = find_cap(caps, n, PCI_CAP_ID_SSVID);
	if (cap)
		load(f, LNK_R_SUBSYS, cap->off + 4u);
	else if (f->caps_end == LNK_LIST_END || f->caps_end == LNK_LIST_NONE)
		f->absent |= REG(LNK_R_SUBSYS);
}

/* PCIe 7.8.4 (AER), 7.7.3 (secondary PCI Express), 7.9.3 (serial number). */
static void decode_ecaps(struct lnk_fn *f)
{
	static const struct {
		uint16_t id;
		uint8_t flag;
	} flags[] = {
		{PCI_EXT_CAP_ID_AER, LNK_E_AER},       {PCI_EXT_CAP_ID_ACS, LNK_E_ACS},
		{PCI_EXT_CAP_ID_SECPCI, LNK_E_SECPCI}, {PCI_EXT_CAP_ID_DSN, LNK_E_DSN},
		{PCI_EXT_CAP_ID_SRIOV, LNK_E_SRIOV},
	};
	static const struct {
		enum lnk_reg reg;
		uint16_t id;
		uint8_t off;
	} layout[] = {
		{LNK_R_AERUNCOR, PCI_EXT_CAP_ID_AER, PCI_ERR_UNCOR_STATUS},
		{LNK_R_AERCOR, PCI_EXT_CAP_ID_AER, PCI_ERR_COR_STATUS},
		{LNK_R_LANEERR, PCI_EXT_CAP_ID_SECPCI, 8},
		{LNK_R_DSNLO, PCI_EXT_CAP_ID_DSN, 4},
		{LNK_R_DSNHI, PCI_EXT_CAP_ID_DSN, 8},
	};
	struct lnk_cap caps[LNK_MAX_ECAPS];
	const struct lnk_cap *cap;
	unsigned i, n;

	if (f->unread & REG(LNK_R_ECAPS)) {
		f->ecaps_end = LNK_LIST_PART;
		return;
	}
	f->ecaps_end = (uint8_t)lnk_cfg_ecaps(&f->cfg, caps, LNK_MAX_ECAPS, &n);
	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (find_cap(caps, n, flags[i].id))
			f->reg[LNK_R_ECAPS] |= flags[i].flag;
	if (f->ecaps_end == LNK_LIST_END || f->ecaps_end == LNK_LIST_NONE)
		f->known |= REG(LNK_R_ECAPS);
	for (i = 0; i < ARRAY_SIZE(layout); i++) {
		cap = find_cap(caps, n, layout[i].id);
		if (cap)
			load(f, layout[i].reg, (unsigned)cap->off + layout[i].off);
		else if (lnk_knows(f, LNK_R_ECAPS))
			f->absent |= REG(layout[i].reg);
	}
}

/* Speed and width @r of the register @of, which is where they came from. */
static bool split_link(struct lnk_fn *f, enum lnk_reg r, enum lnk_reg of)
{
	uint32_t reg = f->reg[of];

	if (!lnk_speed_legal(FIELD_GET(PCI_EXP_LNKCAP_SPEED, reg)) ||
	    !lnk_width_legal(FIELD_GET(PCI_EXP_LNKCAP_WIDTH, reg)))
		return false;
	f->reg[r] = reg & LINK_FIELDS;
	f->known |= REG(r);
	if (f->from_text & REG(of))
		f->from_text |= REG(r);
	return true;
}

/* All ones in one of them: nobody answered, and the others hold nothing either. */
static bool link_reads_ones(const struct lnk_fn *f)
{
	return (lnk_knows(f, LNK_R_LNKCAP) && f->reg[LNK_R_LNKCAP] == 0xffffffff) ||
	       (lnk_knows(f, LNK_R_LNKSTA) && f->reg[LNK_R_LNKSTA] == 0xffff);
}

/*
 * Speeds and widths alone, which sysfs and decoded text can give too. A status without a speed or
 * width is no status; a capability without is one that says nothing (LNK102).
 */
static void decode_link(struct lnk_fn *f)
{
	f->link_ones = link_reads_ones(f);
	if (f->link_ones)
		f->known &= ~LINK_REGS;
	if (lnk_knows(f, LNK_R_LNKCAP))
		split_link(f, LNK_R_MAXLINK, LNK_R_LNKCAP);
	else
		take_hint(f, LNK_R_MAXLINK);
	if (!lnk_knows(f, LNK_R_LNKSTA))
		take_hint(f, LNK_R_CURLINK);
	else if (!split_link(f, LNK_R_CURLINK, LNK_R_LNKSTA))
		f->absent |= REG(LNK_R_CURLINK);
	compare_text(f, LNK_R_MAXLINK, LINK_FIELDS);
	compare_text(f, LNK_R_CURLINK, LINK_FIELDS);
	if (lnk_knows(f, LNK_R_MAXLINK)) {
		f->max_speed = (uint8_t)FIELD_GET(PCI_EXP_LNKCAP_SPEED, f->reg[LNK_R_MAXLINK]);
		f->max_width = (uint8_t)FIELD_GET(PCI_EXP_LNKCAP_WIDTH, f->reg[LNK_R_MAXLINK]);
	}
	if (lnk_knows(f, LNK_R_CURLINK)) {
		f->cur_speed = (uint8_t)FIELD_GET(PCI_EXP_LNKSTA_SPEED, f->reg[LNK_R_CURLINK]);
		f->cur_width = (uint8_t)FIELD_GET(PCI_EXP_LNKSTA_WIDTH, f->reg[LNK_R_CURLINK]);
	}
}

static enum lnk_reach reach_of(const struct lnk_fn *f)
{
	const struct lnk_span *s = f->cfg.spans;

	if (f->live && f->live->gone && !f->cfg.n_spans)
		return LNK_READ_GONE;
	if (f->live && f->live->asleep && !f->cfg.n_spans)
		return LNK_READ_ASLEEP;
	if (f->reach == LNK_READ_FFS)
		return LNK_READ_FFS;
	if (f->cfg.open)
		return f->cfg.size <= 64 ? LNK_READ_HEADER : LNK_READ_ALL;
	if (f->unread)
		return LNK_READ_NOT;
	if (!f->cfg.n_spans)
		return f->attr ? LNK_READ_HEADER : LNK_READ_TEXT;
	if (f->cfg.n_spans > 1 || s->from)
		return LNK_READ_PART;
	if (s->to == 64 || (s->to == 128 && f->layout == PCI_HEADER_TYPE_CARDBUS))
		return LNK_READ_HEADER;
	return s->to == 256 || s->to == LNK_CFG_MAX ? LNK_READ_ALL : LNK_READ_PART;
}

static void decode_fields(struct lnk_fn *f)
{
	uint32_t id = f->reg[LNK_R_ID], sub = f->reg[LNK_R_SUBSYS];

	/* A VF and a device that is gone answer ffff:ffff; sysfs or the text may know better. */
	if (lnk_knows(f, LNK_R_ID) && id == 0xffffffff) {
		if (f->attr && f->attr->known & REG(LNK_R_ID))
			id = f->attr->reg[LNK_R_ID];
		else if (f->text && f->text->known & REG(LNK_R_ID))
			id = f->text->reg[LNK_R_ID];
	}
	f->vendor = f->text && f->text->vendor ? f->text->vendor : 0xffff;
	f->device = 0xffff;
	if (lnk_knows(f, LNK_R_ID)) {
		f->vendor = (uint16_t)FIELD_GET(0xffff, id);
		f->device = (uint16_t)FIELD_GET(0xffff0000, id);
	}
	f->class24 =
		lnk_knows(f, LNK_R_CLASS) ? FIELD_GET(0xffffff00, f->reg[LNK_R_CLASS]) : 0xffffff;
	f->layout = 0x7f;
	if (lnk_knows(f, LNK_R_HEADER))
		f->layout = (uint8_t)FIELD_GET(0x7f, f->reg[LNK_R_HEADER]);
	f->subvendor = f->text && f->text->subvendor ? f->text->subvendor : 0xffff;
	f->subdevice = 0xffff;
	if (lnk_knows(f, LNK_R_SUBSYS)) {
		f->subvendor = (uint16_t)FIELD_GET(0xffff, sub);
		f->subdevice = (uint16_t)FIELD_GET(0xffff0000, sub);
	}
	if (lnk_knows(f, LNK_R_BUSES) && lnk_is_bridge(f)) {
		f->secondary = (uint8_t)FIELD_GET(0xff00, f->reg[LNK_R_BUSES]);
		f->subordinate = (uint8_t)FIELD_GET(0xff0000, f->reg[LNK_R_BUSES]);
	} else if (f->live && lnk_is_bridge(f)) {
		f->secondary = f->subordinate = f->live->secondary;
	}
}

static enum lnk_type decode_type(const struct lnk_fn *f)
{
	unsigned type;

	if (f->absent & REG(LNK_R_PCIECAP))
		return LNK_T_NONE;
	if (!lnk_knows(f, LNK_R_PCIECAP))
		return LNK_T_UNKNOWN;
	type = FIELD_GET(PCI_EXP_FLAGS_TYPE, f->reg[LNK_R_PCIECAP]);
	return type_has_link(type) || type == LNK_T_RCIEP || type == LNK_T_RCEC ? type :
										  LNK_T_UNKNOWN;
}

/* What bytes did not tell of the capabilities' registers, lspci's words may. */
static void take_words(struct lnk_fn *f)
{
	static const struct {
		enum lnk_reg reg;
		enum lnk_ecap of;
	} extended[] = {
		{LNK_R_AERUNCOR, LNK_E_AER},   {LNK_R_AERCOR, LNK_E_AER},
		{LNK_R_LANEERR, LNK_E_SECPCI}, {LNK_R_DSNLO, LNK_E_DSN},
		{LNK_R_DSNHI, LNK_E_DSN},
	};
	unsigned r, i;

	if (!f->text || f->reach == LNK_READ_FFS)
		return;
	if (f->type < LNK_T_NONE && f->from_text & REG(LNK_R_PCIECAP))
		lay_out_express(f);
	for (r = LNK_R_DEVCAP; r <= LNK_R_LNKSTA2; r++)
		if (f->text->known & REG(r))
			take_hint(f, (enum lnk_reg)r);
	if (f->text->known & REG(LNK_R_ECAPS))
		take_hint(f, LNK_R_ECAPS);
	for (i = 0; i < ARRAY_SIZE(extended); i++) {
		if (f->text->known & REG(extended[i].reg))
			take_hint(f, extended[i].reg);
		else if (f->from_text & REG(LNK_R_ECAPS) && !lnk_knows(f, extended[i].reg) &&
			 !(f->reg[LNK_R_ECAPS] & extended[i].of))
			f->absent |= REG(extended[i].reg);
	}
	compare_text(f, LNK_R_DEVCTL, PCI_EXP_DEVCTL_PAYLOAD);
	compare_text(f, LNK_R_LNKCTL,
		     PCI_EXP_LNKCTL_ASPM | PCI_EXP_LNKCTL_DISABLE | PCI_EXP_LNKCTL_CLOCK);
}

/*
 * Sysfs remembers who a function was. One that is gone answers with ones, as no pointer to a list
 * does, whose dword has reserved bits (PCI 6.7); then its header is asked, too.
 */
static bool seems_gone(struct lnk_fn *f)
{
	uint32_t pointer;

	if (!f->cfg.open || !(f->unread & REG(LNK_R_ID)) || f->unread & REG(LNK_R_PCIECAP))
		return false;
	return lnk_cfg_u32(&f->cfg, lnk_cfg_caps_at(FIELD_GET(0x7f, f->attr->reg[LNK_R_HEADER])),
			   &pointer) &&
	       pointer == 0xffffffff;
}

static void decode_plain(struct lnk_fn *f)
{
	if (seems_gone(f))
		f->unread &= ~HEADER_REGS;
	decode_header(f);
	decode_fields(f);
	if (f->reach != LNK_READ_FFS) {
		decode_caps(f);
		take_hint(f, LNK_R_SUBSYS);
		decode_fields(f);
		if (f->express)
			decode_ecaps(f);
	}
	f->reach = (uint8_t)reach_of(f);
	if (f->reach != LNK_READ_FFS) {
		const struct lnk_hint *attr = f->attr;

		take_hint(f, LNK_R_PCIECAP);
		if ((f->from_text | f->from_attr) & REG(LNK_R_PCIECAP) &&
		    f->reg[LNK_R_PCIECAP] == LNK_NO_EXPRESS) {
			f->known &= ~REG(LNK_R_PCIECAP);
			f->absent |= EXPRESS_REGS | EXT_REGS | REG(LNK_R_ECAPS);
		} else if (f->text && f->text->reg[LNK_R_PCIECAP] != LNK_NO_EXPRESS) {
			compare_text(f, LNK_R_PCIECAP, PCI_EXP_FLAGS_TYPE);
		}
		/* Linux shows the link attributes of every function with an Express capability. */
		if (!lnk_knows(f, LNK_R_PCIECAP) && f->live && f->live->attrs_read &&
		    f->caps_end == LNK_LIST_UNKNOWN &&
		    !(attr && attr->known & (REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK))))
			f->absent |= EXPRESS_REGS | EXT_REGS | REG(LNK_R_ECAPS);
	}
	f->type = (uint8_t)decode_type(f);
	take_words(f);
	decode_link(f);
	f->unread &= ~(f->known | f->absent);
}

static void decode(struct lnk_fn *f)
{
	struct lnk_cfg cfg = f->cfg;
	uint8_t space[LNK_CFG_MAX];

	f->cfg = lnk_cfg_plain(&cfg, space);
	decode_plain(f);
	/* What was read live meanwhile is in it. */
	if (cfg.packed)
		f->cfg = cfg;
}

bool lnk_is_bridge(const struct lnk_fn *f)
{
	return f->layout == PCI_HEADER_TYPE_BRIDGE || f->layout == PCI_HEADER_TYPE_CARDBUS;
}

bool lnk_is_silent(const struct lnk_fn *f)
{
	return f->reach == LNK_READ_FFS || f->reach == LNK_READ_ASLEEP || f->reach == LNK_READ_GONE;
}

bool lnk_faces_down(const struct lnk_fn *f)
{
	return f->type == LNK_T_ROOT_PORT || f->type == LNK_T_DOWNSTREAM ||
	       f->type == LNK_T_PCI_PCIE;
}

bool lnk_faces_up(const struct lnk_fn *f)
{
	return f->type == LNK_T_ENDPOINT || f->type == LNK_T_LEGACY || f->type == LNK_T_UPSTREAM ||
	       f->type == LNK_T_PCIE_PCI;
}

/* ---- One domain: bus numbers to a tree ----------------------------------------------------- */

struct domain {
	struct lnk_fn *first;
	size_t n;
	struct lnk_fn *bridge[256]; /* that leads to the bus */
	struct lnk_fn *on_bus[256]; /* the bus's first function */
	uint32_t n_on_bus[256];
	bool disputed[256]; /* several bridges claim the bus: nobody knows whose it is */
};

/* Two bridges on one bus must not share bus numbers (BRIDGE 3.2.5.3, 3.2.5.4). */
static void find_overlaps(struct lnk_fn *first, uint32_t n)
{
	struct lnk_fn *owner[256];
	uint32_t i, bridges = 0;
	unsigned bus;

	for (i = 0; i < n; i++)
		bridges += first[i].secondary != 0;
	if (bridges < 2)
		return;
	memset(owner, 0, sizeof(owner));
	for (i = 0; i < n; i++) {
		struct lnk_fn *f = &first[i];

		if (!f->secondary)
			continue;
		for (bus = f->secondary; bus <= f->subordinate; bus++) {
			if (owner[bus] && !f->bus_clash)
				f->bus_clash = owner[bus];
			owner[bus] = f;
		}
	}
}

static void dispute(struct domain *d, struct lnk_fn *f)
{
	struct lnk_fn *g = d->bridge[f->secondary];

	d->disputed[f->secondary] = true;
	f->bus_clash = g;
	if (!g->bus_clash)
		g->bus_clash = f;
}

static void hang_buses(struct domain *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		struct lnk_fn *f = &d->first[i];

		if (!d->n_on_bus[f->addr.bus]++)
			d->on_bus[f->addr.bus] = f;
		if (!f->secondary)
			continue;
		/* Numbers grow away from the root: one that does not leads back, in a ring. */
		if (f->secondary <= f->addr.bus)
			f->bus_clash = f;
		else if (d->bridge[f->secondary])
			dispute(d, f);
		else
			d->bridge[f->secondary] = f;
	}
}

static void build_tree(struct lnk_fn *first, size_t n)
{
	struct domain d = {.first = first, .n = n};
	size_t i;
	unsigned bus;

	hang_buses(&d);
	for (i = 0; i < n; i++) {
		if (d.disputed[first[i].addr.bus])
			first[i].place = LNK_AT_DISPUTED;
		else
			first[i].parent = d.bridge[first[i].addr.bus];
	}
	for (bus = 0; bus < 256; bus++) {
		struct lnk_fn *up = d.bridge[bus];

		if (d.n_on_bus[bus] > 1)
			find_overlaps(d.on_bus[bus], d.n_on_bus[bus]);
		if (!up || !d.n_on_bus[bus] || d.disputed[bus])
			continue;
		up->children = d.on_bus[bus];
		up->n_children = d.n_on_bus[bus];
	}
}

static bool has_bridge(const struct lnk_fn *first, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (first[i].secondary)
			return true;
	return false;
}

static void build_trees(struct lnk_model *m)
{
	size_t i, n;

	for (i = 0; i < m->n_fns; i += n) {
		for (n = 1; i + n < m->n_fns; n++)
			if (m->fns[i + n].addr.domain != m->fns[i].addr.domain)
				break;
		if (has_bridge(&m->fns[i], n))
			build_tree(&m->fns[i], n);
	}
}

/* ---- Types that only the topology tells (sysfs attributes, no registers) ------------------- */

static bool has_link_attrs(const struct lnk_fn *f)
{
	if (f->reach == LNK_READ_NOT)
		return f->live && f->live->express;
	return f->attr && f->attr->known & (REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK));
}

static bool leads_to_bridges_only(const struct lnk_fn *f)
{
	uint32_t i;

	for (i = 0; i < f->n_children; i++)
		if (!lnk_is_bridge(&f->children[i]) || !has_link_attrs(&f->children[i]))
			return false;
	return true;
}

/*
 * PCIe 1.3: below a root port or downstream port stands an endpoint, an upstream port or a bridge;
 * below an upstream port stand downstream ports. So position tells the type that is not readable.
 */
static void infer_type(struct lnk_fn *f)
{
	struct lnk_fn *up = f->parent;

	if (f->type != LNK_T_UNKNOWN || !has_link_attrs(f))
		return;
	if (up)
		infer_type(up);
	if (!lnk_is_bridge(f))
		f->type = LNK_T_ENDPOINT;
	else if (!up)
		f->type = LNK_T_ROOT_PORT;
	else if (lnk_faces_down(up))
		f->type = leads_to_bridges_only(f) ? LNK_T_UPSTREAM : LNK_T_PCIE_PCI;
	else if (up->type == LNK_T_UPSTREAM)
		f->type = LNK_T_DOWNSTREAM;
	f->type_inferred = f->type != LNK_T_UNKNOWN;
}

/* ---- Places ------------------------------------------------------------------------------- */

/*
 * A bus without a bridge above it is a root bus, or the capture is not complete. Root ports,
 * integrated endpoints and host bridges stand on root buses only (PCIe 1.3.2).
 */
static bool marks_root_bus(const struct lnk_fn *f)
{
	return f->addr.bus == 0 || f->class24 >> 8 == PCI_CLASS_BRIDGE_HOST ||
	       f->type == LNK_T_ROOT_PORT || f->type == LNK_T_RCIEP || f->type == LNK_T_RCEC;
}

static enum lnk_place place_below(const struct lnk_fn *up)
{
	if (lnk_faces_down(up))
		return LNK_AT_PORT;
	if (up->type == LNK_T_UPSTREAM)
		return LNK_AT_INNER;
	return up->type == LNK_T_UNKNOWN ? LNK_AT_BRIDGE : LNK_AT_CONVENTIONAL;
}

static void set_places(struct lnk_model *m)
{
	size_t i, j, n;

	for (i = 0; i < m->n_fns; i += n) {
		struct lnk_fn *f = &m->fns[i];
		enum lnk_place place = m->env.complete ? LNK_AT_ROOT : LNK_AT_ORPHAN;

		for (n = 0; i + n < m->n_fns; n++) {
			if (lnk_addr_key(m->fns[i + n].addr) >> 8 != lnk_addr_key(f->addr) >> 8)
				break;
			if (marks_root_bus(&m->fns[i + n]))
				place = LNK_AT_ROOT;
		}
		if (f->parent)
			place = place_below(f->parent);
		else if (f->place == LNK_AT_DISPUTED)
			place = LNK_AT_DISPUTED;
		for (j = 0; j < n; j++)
			f[j].place = (uint8_t)place;
	}
}

/* ---- Links -------------------------------------------------------------------------------- */

/* Stands in for a link until all are counted. */
static struct lnk_link pending;

static bool may_have_wire(const struct lnk_fn *f)
{
	return lnk_faces_up(f) || f->type == LNK_T_UNKNOWN;
}

/* One component has one link: the lowest function that has its registers speaks for it. */
static struct lnk_fn *spokesman(struct lnk_fn *first, uint32_t n)
{
	struct lnk_fn *silent = NULL, *vf = NULL;
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (!may_have_wire(&first[i]))
			continue;
		if (first[i].quirks & LNK_Q_VF)
			vf = vf ? vf : &first[i];
		else if (lnk_faces_up(&first[i]))
			return &first[i];
		else if (!silent)
			silent = &first[i];
	}
	return silent ? silent : vf;
}

/* Functions that share the wire with f, which is the first of them: below a port, its whole bus. */
static uint32_t component_size(const struct lnk_model *m, const struct lnk_fn *f)
{
	const struct lnk_fn *end = m->fns + m->n_fns, *g = f + 1;

	if (f->place == LNK_AT_PORT || f->place == LNK_AT_BRIDGE)
		return f->parent->n_children;
	while (g < end && lnk_addr_key(g->addr) >> 3 == lnk_addr_key(f->addr) >> 3)
		g++;
	return (uint32_t)(g - f);
}

static bool place_has_wire(const struct lnk_fn *f)
{
	switch (f->place) {
	case LNK_AT_PORT:
	case LNK_AT_BRIDGE:
	case LNK_AT_ORPHAN:
	case LNK_AT_DISPUTED:
		return may_have_wire(f);
	case LNK_AT_ROOT:
		return lnk_faces_up(f);
	default:
		return false;
	}
}

static enum lnk_state state_of(const struct lnk_link *l)
{
	const struct lnk_fn *up = l->above, *f = l->below;
	bool silent = lnk_is_silent(f);

	/*
	 * What answers has a link: QEMU's ports deny it with ACPI hot-plug (QEMU hw/pci/pcie.c). Of
	 * what a list names and no more, that is not known.
	 */
	if (!silent && (lnk_knows(f, LNK_R_HEADER) || !up || up->quirks & LNK_Q_DLLLA_LIES))
		return LNK_UP;
	if (!up || up->quirks & LNK_Q_DLLLA_LIES || !lnk_knows(up, LNK_R_LNKCAP) ||
	    !lnk_knows(up, LNK_R_LNKSTA) || !(up->reg[LNK_R_LNKCAP] & PCI_EXP_LNKCAP_DLLA))
		return silent ? LNK_STATE_UNKNOWN : LNK_UP;
	return up->reg[LNK_R_LNKSTA] & PCI_EXP_LNKSTA_DL_ACT ? LNK_UP : LNK_DOWN;
}

static void build_links(struct lnk_model *m)
{
	size_t i, j, n, count = 0;

	for (i = 0; i < m->n_fns; i += n) {
		struct lnk_fn *speaker = NULL;

		n = component_size(m, &m->fns[i]);
		for (j = 0; j < n && !speaker; j++)
			if (place_has_wire(&m->fns[i + j]))
				speaker = spokesman(&m->fns[i], (uint32_t)n);
		if (!speaker)
			continue;
		speaker->link = &pending;
		count++;
	}
	if (!count)
		return;
	m->links = lnk_xmalloc(count * sizeof(*m->links));
	memset(m->links, 0, count * sizeof(*m->links));
	for (i = 0; i < m->n_fns; i += n) {
		struct lnk_link *l = NULL;

		n = component_size(m, &m->fns[i]);
		for (j = 0; j < n; j++)
			if (m->fns[i + j].link == &pending)
				l = &m->links[m->n_links++];
		for (j = 0; l && j < n; j++) {
			struct lnk_fn *f = &m->fns[i + j];

			if (f->link == &pending)
				l->below = f;
			f->link = may_have_wire(f) ? l : NULL;
		}
		if (!l)
			continue;
		if (l->below->place == LNK_AT_PORT || l->below->place == LNK_AT_BRIDGE) {
			l->above = l->below->parent;
			l->above->below = l;
		}
		l->state = (uint8_t)state_of(l);
	}
}

/* ---- Virtual functions -------------------------------------------------------------------- */

/*
 * A VF answers ffff:ffff for its ids on the host, with the rest of its header in order (SR-IOV 1.1,
 * 3.4.1.1); a guest sees normal ids, but reserved link status: zero (3.5.9).
 */
static void mark_vf(struct lnk_fn *f, enum lnk_guest guest)
{
	bool host_vf = f->live && f->live->vf;
	bool no_ids = lnk_knows(f, LNK_R_ID) && f->reg[LNK_R_ID] == 0xffffffff &&
		      f->reach != LNK_READ_FFS && lnk_knows(f, LNK_R_CLASS);
	bool no_status = guest != LNK_GUEST_NO && f->type == LNK_T_ENDPOINT && f->max_width &&
			 lnk_knows(f, LNK_R_LNKSTA) && !(f->reg[LNK_R_LNKSTA] & LINK_FIELDS);

	if (host_vf || no_ids || no_status)
		f->quirks |= LNK_Q_VF;
}

/* ---- Ports without a function below -------------------------------------------------------- */

/* A host bridge is in every whole capture, and in hardly any that shows some functions only. */
static bool has_host_bridge(const struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_fns && !m->env.complete; i++)
		if (m->fns[i].class24 >> 8 == PCI_CLASS_BRIDGE_HOST)
			return true;
	return m->env.complete;
}

/*
 * Data Link Layer Link Active tells (PCIe 7.5.3.8), where the port reports it and does not lie. One
 * of QEMU's copies the device's status, and its own capability where there is none (hw/pci/pcie.c).
 */
static enum lnk_vacancy vacancy_of(const struct lnk_model *m, const struct lnk_fn *f)
{
	enum lnk_vacancy none = m->whole ? LNK_EMPTY : LNK_NOT_LISTED;

	if (f->n_children)
		return LNK_OCCUPIED;
	if (f->bus_clash)
		return LNK_NOT_LISTED;
	/* A chipset's link to its other half can look like a port, with a host bridge's header. */
	if (f->absent & REG(LNK_R_BUSES) || (lnk_knows(f, LNK_R_BUSES) && !f->secondary))
		return LNK_NOT_CONFIGURED;
	if (f->quirks & LNK_Q_TUNNEL || !lnk_knows(f, LNK_R_LNKCAP) || !lnk_knows(f, LNK_R_LNKSTA))
		return none;
	if (f->quirks & LNK_Q_DLLLA_LIES)
		return lnk_knows(f, LNK_R_MAXLINK) && lnk_knows(f, LNK_R_CURLINK) &&
				       f->reg[LNK_R_MAXLINK] != f->reg[LNK_R_CURLINK] ?
			       LNK_CLAIMS_LINK :
			       none;
	if (!(f->reg[LNK_R_LNKCAP] & PCI_EXP_LNKCAP_DLLA))
		return none;
	if (f->reg[LNK_R_LNKSTA] & PCI_EXP_LNKSTA_DL_ACT)
		return LNK_CLAIMS_LINK;
	/* What is in the slot may sleep, and be left out as others are. */
	return lnk_knows(f, LNK_R_SLTSTA) && f->reg[LNK_R_SLTSTA] & PCI_EXP_SLTSTA_PRES ? none :
											  LNK_EMPTY;
}

/*
 * lspci -d 8086: lists host bridges as well. What else it leaves out shows where a port has a link
 * and nothing below it.
 */
static void find_vacancies(struct lnk_model *m)
{
	size_t i, pass, missing = 0;

	m->whole = has_host_bridge(m);
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < m->n_fns; i++) {
			struct lnk_fn *f = &m->fns[i];

			if (!lnk_faces_down(f))
				continue;
			f->vacancy = (uint8_t)vacancy_of(m, f);
			missing += f->vacancy == LNK_CLAIMS_LINK;
		}
		if (!missing || m->env.complete)
			return;
		m->whole = false;
	}
}

/* PCIe 7.5.3.8: where the link is down, what its status says of speed and width means nothing. */
static void forget_status(struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		if (!lnk_faces_down(f) || f->quirks & (LNK_Q_VIRTUAL | LNK_Q_TUNNEL) ||
		    !lnk_knows(f, LNK_R_LNKCAP) || !lnk_knows(f, LNK_R_LNKSTA) ||
		    !(f->reg[LNK_R_LNKCAP] & PCI_EXP_LNKCAP_DLLA) ||
		    f->reg[LNK_R_LNKSTA] & PCI_EXP_LNKSTA_DL_ACT ||
		    (f->below && f->below->state == LNK_UP))
			continue;
		f->known &= ~REG(LNK_R_CURLINK);
		f->absent |= REG(LNK_R_CURLINK);
		f->cur_speed = f->cur_width = 0;
	}
}

/* ---- The comparison of two ends ----------------------------------------------------------- */

/* Was it read, whatever it says? What a register does not say is not lost. */
static bool was_read(const struct lnk_fn *f, enum lnk_reg reg, enum lnk_reg part)
{
	return lnk_knows(f, reg) || lnk_knows(f, part);
}

/* Lost: there are, or may be, two ends, and one of them is out of sight (exit status 3). */
static bool is_lost(const struct lnk_link *l)
{
	const struct lnk_fn *f = l->below;

	if (f->quirks & (LNK_Q_EMULATED | LNK_Q_VF))
		return false;
	if (!l->above)
		return f->place == LNK_AT_ORPHAN || f->place == LNK_AT_DISPUTED;
	return !was_read(f, LNK_R_LNKCAP, LNK_R_MAXLINK) ||
	       !was_read(f, LNK_R_LNKSTA, LNK_R_CURLINK) ||
	       !was_read(l->above, LNK_R_LNKCAP, LNK_R_MAXLINK) ||
	       !was_read(l->above, LNK_R_LNKSTA, LNK_R_CURLINK);
}

/* ---- Live: what only some links are asked ---------------------------------------------------- */

static void load_late(struct lnk_fn *f, enum lnk_reg r, unsigned off)
{
	if (!(f->unread & REG(r)) || !f->cfg.open || !f->express)
		return;
	f->unread &= ~REG(r);
	load(f, r, f->express + off);
}

bool lnk_on_copper(const struct lnk_link *l)
{
	return l->above && !(l->above->quirks & (LNK_Q_VIRTUAL | LNK_Q_TUNNEL)) &&
	       !(l->below->quirks & (LNK_Q_EMULATED | LNK_Q_VF | LNK_Q_STANDIN));
}

/*
 * A port of QEMU's that a legacy machine type may have made slow, for what is below it or below a
 * switch there: ACS would disprove it.
 */
static bool may_be_legacy(const struct lnk_link *l)
{
	const struct lnk_fn *up = l->above, *f = l->below;

	if (!up || !(up->quirks & LNK_Q_GENERIC) || up->max_speed != 1 || up->max_width != 1)
		return false;
	return f->type == LNK_T_UPSTREAM || (!(f->quirks & (LNK_Q_EMULATED | LNK_Q_VF)) &&
					     (f->max_speed > 1 || f->max_width > 1));
}

static void read_late(struct lnk_link *l)
{
	if (l->state == LNK_DOWN)
		return;
	if (lnk_on_copper(l)) {
		load_late(l->above, LNK_R_DEVCTL, PCI_EXP_DEVCTL);
		load_late(l->below, LNK_R_DEVCTL, PCI_EXP_DEVCTL);
	}
	if (may_be_legacy(l) && l->above->unread & REG(LNK_R_ECAPS) && l->above->cfg.open) {
		l->above->unread &= ~REG(LNK_R_ECAPS);
		decode_ecaps(l->above);
	}
}

/* ---- What only the whole shows ------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	unsigned i;

	for (i = 0; i < 2; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static bool runs_narrow(const struct lnk_link *l)
{
	return l->above && l->below->cur_width && l->below->cur_width < l->below->max_width &&
	       l->below->cur_width < l->above->max_width;
}

/* What is told apart by its ids, or else by what it is called; 0: nothing is known. */
static uint64_t kind_of(const struct lnk_fn *f)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
	const char *c;

	if (lnk_knows(f, LNK_R_ID))
		return (uint64_t)f->vendor << 16 | f->device;
	for (c = f->device_name; c && *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
	return c ? hash : 0;
}

/* Two devices of one kind that run equally narrow are wired so, or meant so. */
static void find_alike(struct lnk_model *m)
{
	uint64_t(*keys)[2] = lnk_xmalloc(m->n_links * sizeof(*keys));
	size_t i, n = 0;

	for (i = 0; i < m->n_links; i++) {
		const struct lnk_fn *f = m->links[i].below;
		uint64_t kind = kind_of(f);

		if (!kind || !runs_narrow(&m->links[i]))
			continue;
		keys[n][0] = kind << 8 ^ kind >> 56 ^ f->cur_width;
		keys[n++][1] = i;
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 1; i < n; i++)
		if (keys[i][0] == keys[i - 1][0])
			m->links[keys[i][1]].alike = m->links[keys[i - 1][1]].alike = true;
	free(keys);
}

bool lnk_in_virtual_slot(const struct lnk_fn *f)
{
	return f->place == LNK_AT_PORT && f->parent->quirks & LNK_Q_VIRTUAL &&
	       !(f->quirks & (LNK_Q_EMULATED | LNK_Q_VF));
}

static uint64_t serial_of(const struct lnk_fn *f)
{
	if (!lnk_knows(f, LNK_R_DSNLO) || !lnk_knows(f, LNK_R_DSNHI))
		return 0;
	return (uint64_t)f->reg[LNK_R_DSNHI] << 32 | f->reg[LNK_R_DSNLO];
}

static bool slot_has_class(const struct lnk_fn *f, uint32_t base)
{
	uint32_t i;

	for (i = 0; i < f->parent->n_children; i++)
		if (f->parent->children[i].class24 >> 16 == base)
			return true;
	return false;
}

/* A graphics card's sound function alone in a slot, or its display function without sound. */
static uint64_t half_card(const struct lnk_fn *f)
{
	uint32_t base = f->class24 >> 16;

	if ((base != PCI_BASE_CLASS_DISPLAY || slot_has_class(f, PCI_BASE_CLASS_MULTIMEDIA)) &&
	    (base != PCI_BASE_CLASS_MULTIMEDIA || slot_has_class(f, PCI_BASE_CLASS_DISPLAY)))
		return 0;
	if (f->vendor == 0xffff || !lnk_knows(f, LNK_R_SUBSYS))
		return 0;
	return (uint64_t)f->vendor << 32 | (uint64_t)f->subvendor << 16 | f->subdevice;
}

/* Of @slots, the indices of what stands in virtual slots, those with one key in different slots. */
static void find_twins(struct lnk_model *m, const uint32_t *slots, size_t n_slots,
		       uint64_t (*key_of)(const struct lnk_fn *))
{
	uint64_t(*keys)[2] = lnk_xmalloc(n_slots * sizeof(*keys));
	size_t i, n = 0;

	for (i = 0; i < n_slots; i++) {
		uint64_t key = key_of(&m->fns[slots[i]]);

		if (!key || key == UINT64_MAX)
			continue;
		keys[n][0] = key;
		keys[n++][1] = slots[i];
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 1; i < n; i++) {
		struct lnk_fn *f = &m->fns[keys[i][1]], *g = &m->fns[keys[i - 1][1]];

		if (keys[i][0] == keys[i - 1][0] && f->parent != g->parent && !f->twin &&
		    (key_of != half_card || f->class24 >> 16 != g->class24 >> 16))
			f->twin = g;
	}
	free(keys);
}

static void find_split_devices(struct lnk_model *m)
{
	uint32_t *slots = lnk_xmalloc(m->n_fns * sizeof(*slots));
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < m->n_fns; i++)
		if (lnk_in_virtual_slot(&m->fns[i]))
			slots[n++] = i;
	find_twins(m, slots, n, serial_of);
	find_twins(m, slots, n, half_card);
	free(slots);
}

void lnk_walk(struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		decode(&m->fns[i]);
	build_trees(m);
	for (i = 0; i < m->n_fns; i++)
		infer_type(&m->fns[i]);
	set_places(m);
	for (i = 0; i < m->n_fns; i++)
		mark_vf(&m->fns[i], m->env.guest);
	lnk_fixups(m);
	find_vacancies(m);
	build_links(m);
	forget_status(m);
	for (i = 0; i < m->n_links; i++)
		m->links[i].lost = is_lost(&m->links[i]);
	for (i = 0; i < m->n_links; i++)
		read_late(&m->links[i]);
	find_alike(m);
	find_split_devices(m);
}

/* What the source gave is kept, and the bytes that were read since. */
void lnk_walk_again(struct lnk_model *m)
{
	size_t i;

	free(m->links);
	m->links = NULL;
	m->n_links = 0;
	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		*f = (struct lnk_fn){
			.addr = f->addr,
			.cfg = f->cfg,
			.attr = f->attr,
			.live = f->live,
			.unread = f->unread,
		};
	}
	lnk_walk(m);
}

/* ---- The kernel's figure ------------------------------------------------------------------ */

/* Linux drivers/pci/pci.c pcie_get_speed_cap(): the highest bit of LNKCAP2, else LNKCAP. */
static unsigned kernel_speed_cap(const struct lnk_fn *f)
{
	uint32_t vector;
	unsigned code;

	if (!lnk_knows(f, LNK_R_LNKCAP2) || !f->reg[LNK_R_LNKCAP2])
		return f->max_speed;
	vector = FIELD_GET(0xfe, f->reg[LNK_R_LNKCAP2]);
	for (code = 7; code && !(vector & BIT(code - 1)); code--)
		;
	return code;
}

/*
 * Linux drivers/pci/pci.c pcie_bandwidth_available(): the smallest rate on the way up; on a tie the
 * hop nearer the root; a hop of 0 forgets what was found so far.
 */
void lnk_path_of(const struct lnk_fn *f, struct lnk_path *p)
{
	const struct lnk_fn *hop;

	*p = (struct lnk_path){0};
	if (!lnk_knows(f, LNK_R_CURLINK))
		return;
	for (hop = f; hop; hop = hop->parent) {
		uint32_t mbps = lnk_rate_mbps(hop->cur_speed, hop->cur_width);

		if (!lnk_knows(hop, LNK_R_CURLINK) && !(hop->absent & REG(LNK_R_CURLINK))) {
			p->mbps = 0;
			p->limit = NULL;
			break;
		}
		if (p->mbps && mbps > p->mbps)
			continue;
		p->mbps = mbps;
		p->limit = hop;
		p->speed = hop->cur_speed;
		p->width = hop->cur_width;
	}
	p->capable_speed = (uint8_t)kernel_speed_cap(f);
	p->capable_width = f->max_width;
	p->capable_mbps = lnk_rate_mbps(p->capable_speed, p->capable_width);
}

char *lnk_path_kernel_line(struct lnk_arena *a, const struct lnk_fn *f)
{
	char at[LNK_ADDR_LEN];
	struct lnk_path p;

	/* Linux drivers/pci/probe.c pcie_report_downtraining() */
	if ((f->type != LNK_T_ENDPOINT && f->type != LNK_T_LEGACY && f->type != LNK_T_UPSTREAM) ||
	    lnk_func(f->addr) || f->quirks & LNK_Q_VF)
		return NULL;
	lnk_path_of(f, &p);
	if (!p.mbps || p.mbps >= p.capable_mbps)
		return NULL;
	return lnk_strf(a,
			"%u.%03u Gb/s available PCIe bandwidth, limited by %s x%u link at %s "
			"(capable of %u.%03u Gb/s with %s x%u link)",
			p.mbps / 1000, p.mbps % 1000, lnk_speed_kernel(p.speed), p.width,
			lnk_addr_str(p.limit->addr, at), p.capable_mbps / 1000,
			p.capable_mbps % 1000, lnk_speed_kernel(p.capable_speed), p.capable_width);
}
