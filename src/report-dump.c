/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-dump.c - a capture: bytes in lspci's layout, readable again by lspci and by us
 *
 * What lspci's layout cannot hold stands in lines that start with "# ", which lspci skips.
 */
#include <pci/header.h>
#include <string.h>
#include <time.h>

#include "lnkinspect.h"

#define ROW 16u

/* ---- Serial numbers ------------------------------------------------------------------------ */

/* PCIe 7.9.3: a header of four bytes, then the number's eight. */
#define DSN_AT	4u
#define DSN_LEN 8u

/* PCI I: the data register holds the four bytes of vital product data that were read last. */
#define VPD_DATA_AT  4u
#define VPD_DATA_LEN 4u

/* PCIe 7.2: configuration space beyond that of PCI. */
#define EXTENDED 0x100u

/* The bytes of a function that name one machine; hostile input can hold many. */
struct blanks {
	bool at[LNK_CFG_MAX + DSN_AT + DSN_LEN];
	unsigned n;   /* serial numbers */
	unsigned vpd; /* data registers of vital product data: whatever was read there last */
	bool unsure;  /* the list could not be followed to its end */
};

static void find_serials(const struct lnk_fn *f, struct blanks *b)
{
	struct lnk_cfg cfg = f->cfg;
	struct lnk_cap caps[LNK_MAX_ECAPS];
	enum lnk_list end;
	unsigned n, i;
	bool unsure;

	/* What is known is known: a report reads nothing from a device. */
	cfg.open = false;
	memset(b, 0, sizeof(*b));
	end = lnk_cfg_caps(&cfg, caps, LNK_MAX_CAPS, &n);
	unsure = end != LNK_LIST_END && end != LNK_LIST_NONE && cfg.n_spans && cfg.size > 64;
	for (i = 0; i < n; i++) {
		if (caps[i].id != PCI_CAP_ID_VPD)
			continue;
		memset(b->at + caps[i].off + VPD_DATA_AT, true, VPD_DATA_LEN);
		b->vpd++;
	}
	end = lnk_cfg_ecaps(&cfg, caps, LNK_MAX_ECAPS, &n);
	for (i = 0; i < n; i++) {
		if (caps[i].id != PCI_EXT_CAP_ID_DSN)
			continue;
		memset(b->at + caps[i].off + DSN_AT, true, DSN_LEN);
		b->n++;
	}
	b->unsure = unsure || (end != LNK_LIST_END && end != LNK_LIST_NONE && cfg.n_spans &&
			       cfg.spans[cfg.n_spans - 1].to > EXTENDED);
}

/* ---- The head ------------------------------------------------------------------------------ */

static void put_redacted(FILE *to, const struct lnk_model *m)
{
	size_t n = 0, vpd = 0, unsure = 0, i;
	struct blanks b;

	for (i = 0; i < m->n_fns; i++) {
		if (!m->fns[i].shown)
			continue;
		find_serials(&m->fns[i], &b);
		n += b.n;
		vpd += b.vpd;
		unsure += b.unsure;
	}
	fprintf(to, "# redacted: %zu device serial number%s zeroed", n, n == 1 ? "" : "s");
	if (vpd)
		fprintf(to, ", %zu VPD data register%s zeroed", vpd, vpd == 1 ? "" : "s");
	if (unsure)
		fprintf(to,
			"; in %zu function%s the list of capabilities is broken, look there "
			"yourself",
			unsure, unsure == 1 ? "" : "s");
	fputc('\n', to);
}

static void put_fact(FILE *to, const char *key, const char *value)
{
	if (value)
		fprintf(to, "# %s: %s\n", key, value);
}

static bool all_shown(const struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		if (!m->fns[i].shown)
			return false;
	return true;
}

static void put_head(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	static const char *const guest[] = {
		[LNK_GUEST_UNKNOWN] = "unknown",
		[LNK_GUEST_NO] = "no",
		[LNK_GUEST_YES] = "yes",
	};
	const struct lnk_env *e = &m->env;
	char stamp[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (e->live && gmtime_r(&now, &tm))
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fputs("# " LNK_NAME " capture 1\n", to);
	put_fact(to, "tool", LNK_NAME " " LNK_VERSION);
	put_fact(to, "time", e->time ? e->time : *stamp ? stamp : NULL);
	put_fact(to, "guest", guest[e->guest]);
	put_fact(to, "hypervisor", e->hypervisor);
	put_fact(to, "accel", e->accel);
	put_fact(to, "sign", e->sign);
	put_fact(to, "machine", e->machine);
	put_fact(to, "kernel", e->kernel);
	if (m->damage_unplaced)
		put_fact(to, "damage", m->n_damage ? m->damage[0].what : "functions are missing");
	if (e->complete && all_shown(m))
		fprintf(to, "# functions: %zu\n", m->n_fns);
	if (v->redact)
		put_redacted(to, m);
	else
		put_fact(to, "redacted", e->redacted);
	fputc('\n', to);
}

/* ---- One function -------------------------------------------------------------------------- */

static void put_link_fact(FILE *to, const char *key, const struct lnk_fn *f, enum lnk_reg r)
{
	uint32_t x;

	if (!f->attr || !(f->attr->known & REG(r)) || !(f->from_attr & REG(r)))
		return;
	x = f->attr->reg[r];
	fprintf(to, "# %s: %s x%u\n", key, lnk_speed_name(FIELD_GET(PCI_EXP_LNKSTA_SPEED, x)),
		FIELD_GET(PCI_EXP_LNKSTA_WIDTH, x));
}

static void put_facts(FILE *to, const struct lnk_fn *f)
{
	const struct lnk_live *l = f->live;

	if (l) {
		put_fact(to, "driver", l->driver);
		put_fact(to, "power_state", l->power_state);
		put_fact(to, "iommu_group", l->iommu_group);
		if (l->near)
			fprintf(to, "# numa_node: %u\n", l->numa_node);
		put_fact(to, "asleep", l->asleep ? "yes" : NULL);
		put_fact(to, "removed", l->gone ? "yes" : NULL);
		put_fact(to, "vf", l->vf ? "yes" : NULL);
		put_fact(to, "training_twice", l->training_twice ? "yes" : NULL);
		put_fact(to, "status_unsteady", l->status_unsteady ? "yes" : NULL);
		put_fact(to, "aer_growing", l->aer_growing ? "yes" : NULL);
	}
	put_link_fact(to, "max_link", f, LNK_R_MAXLINK);
	put_link_fact(to, "current_link", f, LNK_R_CURLINK);
	/* Last: it says that what does not stand above is not there. */
	put_fact(to, "attrs", l && l->attrs_read ? "yes" : NULL);
	if (f->from_text)
		fputs("# decoded text is not in this capture\n", to);
}

/* "0000:00:03.0 0604: 1b36:000c", as lspci -n has it. */
static void put_title(FILE *to, const struct lnk_fn *f)
{
	char at[LNK_ADDR_LEN];

	fprintf(to, "%s ", lnk_addr_str(f->addr, at));
	if (lnk_knows(f, LNK_R_CLASS))
		fprintf(to, "%04x: ", f->class24 >> 8);
	if (lnk_knows(f, LNK_R_ID))
		fprintf(to, "%04x:%04x\n", f->vendor, f->device);
	else
		fputs("not read\n", to);
}

/*
 * lspci's rows have no way to leave out a byte, and a row that is short is damage to whoever reads
 * it. So a row with bytes that are not known is a remark.
 */
static void put_row(FILE *to, const struct lnk_cfg *c, unsigned off, const struct blanks *b)
{
	uint8_t bytes[ROW];
	bool known[ROW];
	unsigned n = 0, i;

	for (i = 0; i < ROW; i++) {
		known[i] = lnk_cfg_known(c, off + i, off + i + 1);
		n += known[i];
	}
	if (!n)
		return;
	lnk_cfg_bytes(c, off, off + ROW, bytes);
	fprintf(to, "%s%02x:", n < ROW ? "# part of row " : "", off);
	for (i = 0; i < ROW; i++)
		if (!known[i])
			fputs(" --", to);
		else
			fprintf(to, " %02x", b->at[off + i] ? 0 : bytes[i]);
	fputc('\n', to);
}

static void put_fn(FILE *to, const struct lnk_view *v, const struct lnk_fn *f)
{
	static const struct blanks none;
	struct blanks b;
	unsigned off;

	if (v->redact)
		find_serials(f, &b);
	put_title(to, f);
	put_facts(to, f);
	for (off = 0; off < f->cfg.size; off += ROW)
		put_row(to, &f->cfg, off, v->redact ? &b : &none);
	fputc('\n', to);
}

/* ---- The format ----------------------------------------------------------------------------- */

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	put_head(to, v, m);
	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown)
			put_fn(to, v, &m->fns[i]);
	return 0;
}

const struct lnk_format lnk_format_dump = {
	.name = "dump",
	.help = "a capture of the bytes, readable by lspci -F and lnkinspect -F",
	.write = put_capture,
	.end = lnk_text_end,
};
