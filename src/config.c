/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.c - one configuration space: checked reads, capability walk with a budget */
#include <errno.h>
#include <pci/header.h>
#include <string.h>

#include "lnkinspect.h"

bool lnk_cfg_known(const struct lnk_cfg *c, unsigned from, unsigned to)
{
	unsigned i;

	for (i = 0; i < c->n_spans; i++)
		if (c->spans[i].from <= from && to <= c->spans[i].to)
			return true;
	return false;
}

static void room_for_bytes(struct lnk_arena *a, struct lnk_cfg *c, unsigned size)
{
	uint8_t *bytes;

	if (c->size >= size)
		return;
	size = size <= 64 ? 64 : size <= 256 ? 256 : LNK_CFG_MAX;
	bytes = lnk_alloc(a, size);
	if (c->size)
		memcpy(bytes, c->bytes, c->size);
	c->bytes = bytes;
	c->size = (uint16_t)size;
}

static void room_for_span(struct lnk_arena *a, struct lnk_cfg *c)
{
	struct lnk_span *spans;

	if (c->n_spans < c->max_spans)
		return;
	c->max_spans = (uint16_t)(c->max_spans ? 2 * c->max_spans : 2);
	spans = lnk_alloc(a, c->max_spans * sizeof(*spans));
	if (c->n_spans)
		memcpy(spans, c->spans, c->n_spans * sizeof(*spans));
	c->spans = spans;
}

/* Makes [from, to) known; neighbours grow together, so that a whole capture is one span. */
static void add_span(struct lnk_arena *a, struct lnk_cfg *c, unsigned from, unsigned to)
{
	unsigned i = 0, last;

	while (i < c->n_spans && c->spans[i].to < from)
		i++;
	if (i == c->n_spans || to < c->spans[i].from) {
		room_for_span(a, c);
		memmove(c->spans + i + 1, c->spans + i, (c->n_spans - i) * sizeof(*c->spans));
		c->spans[i] = (struct lnk_span){.from = (uint16_t)from, .to = (uint16_t)to};
		c->n_spans++;
		return;
	}
	if (from < c->spans[i].from)
		c->spans[i].from = (uint16_t)from;
	for (last = i; last + 1 < c->n_spans && c->spans[last + 1].from <= to;)
		last++;
	if (to < c->spans[last].to)
		to = c->spans[last].to;
	c->spans[i].to = (uint16_t)to;
	memmove(c->spans + i + 1, c->spans + last + 1, (c->n_spans - last - 1) * sizeof(*c->spans));
	c->n_spans = (uint16_t)(c->n_spans - (last - i));
}

int lnk_cfg_add(struct lnk_arena *a, struct lnk_cfg *c, unsigned off, const uint8_t *b, unsigned n)
{
	unsigned i, j, to = off + n;
	int differs = 0;

	if (off >= LNK_CFG_MAX || n > LNK_CFG_MAX - off)
		return -ERANGE;
	if (!n)
		return 0;
	room_for_bytes(a, c, to);
	for (i = off; i < to; i++) {
		for (j = 0; j < c->n_spans; j++)
			if (i >= c->spans[j].from && i < c->spans[j].to)
				break;
		if (j == c->n_spans)
			c->bytes[i] = b[i - off];
		else if (c->bytes[i] != b[i - off])
			differs = -EILSEQ;
	}
	add_span(a, c, off, to);
	return differs;
}

/* Live: gets the aligned dwords of [from, to) that were not read before. */
static void fetch(struct lnk_cfg *c, unsigned from, unsigned to)
{
	unsigned off;

	for (off = from & ~3u; off < to && off < c->size; off += 4) {
		if (lnk_cfg_known(c, off, off + 4))
			continue;
		if (!c->fetch(c->live, off, c->bytes + off, 4)) {
			c->size = (uint16_t)off;
			return;
		}
		/* Live spaces come with room for every span that dwords can make. */
		add_span(NULL, c, off, off + 4);
	}
}

static bool read_le(struct lnk_cfg *c, unsigned off, unsigned n, uint32_t *v)
{
	uint32_t x = 0;
	unsigned i;

	if (off >= LNK_CFG_MAX || n > LNK_CFG_MAX - off)
		return false;
	if (!lnk_cfg_known(c, off, off + n)) {
		if (!c->fetch)
			return false;
		fetch(c, off, off + n);
		if (!lnk_cfg_known(c, off, off + n))
			return false;
	}
	for (i = n; i--;)
		x = x << 8 | c->bytes[off + i];
	*v = x;
	return true;
}

bool lnk_cfg_u8(struct lnk_cfg *c, unsigned off, uint32_t *v)
{
	return read_le(c, off, 1, v);
}

bool lnk_cfg_u16(struct lnk_cfg *c, unsigned off, uint32_t *v)
{
	return read_le(c, off, 2, v);
}

bool lnk_cfg_u32(struct lnk_cfg *c, unsigned off, uint32_t *v)
{
	return read_le(c, off, 4, v);
}

void lnk_cfg_read_all(struct lnk_cfg *c)
{
	if (c->fetch)
		fetch(c, 0, LNK_CFG_MAX);
}

/* PCI 6.7; PC Card Standard 8: a CardBus bridge has it elsewhere. */
unsigned lnk_cfg_caps_at(unsigned layout)
{
	return layout == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST;
}

/* PCI 6.7: pointers are dword-aligned, the low two bits reserved; 00 ends the list. */
enum lnk_list lnk_cfg_caps(struct lnk_cfg *c, struct lnk_cap *caps, unsigned max, unsigned *n)
{
	uint32_t status, layout;

	*n = 0;
	if (!lnk_cfg_u16(c, PCI_STATUS, &status) || !lnk_cfg_u8(c, PCI_HEADER_TYPE, &layout))
		return LNK_LIST_UNKNOWN;
	if (!(status & PCI_STATUS_CAP_LIST))
		return LNK_LIST_NONE;
	return lnk_cfg_caps_until(c, layout & 0x7f, -1, caps, max, n);
}

enum lnk_list lnk_cfg_caps_until(struct lnk_cfg *c, unsigned layout, int until,
				 struct lnk_cap *caps, unsigned max, unsigned *n)
{
	uint64_t seen = 0;
	uint32_t ptr, entry;

	*n = 0;
	if (!lnk_cfg_u8(c, lnk_cfg_caps_at(layout), &ptr))
		return LNK_LIST_UNKNOWN;
	for (ptr &= ~3u; ptr; ptr = (entry >> 8) & 0xfc) {
		if (ptr < 0x40)
			return LNK_LIST_OUTSIDE;
		if (seen & BIT(ptr / 4))
			return LNK_LIST_LOOP;
		seen |= BIT(ptr / 4);
		if (!lnk_cfg_u16(c, ptr, &entry))
			return LNK_LIST_UNKNOWN;
		if (*n < max)
			caps[(*n)++] = (struct lnk_cap){(uint16_t)(entry & 0xff), (uint16_t)ptr};
		if ((int)(entry & 0xff) == until)
			return LNK_LIST_PART;
	}
	return LNK_LIST_END;
}

/* PCIe 7.6.3: a first header of all zeros (or, where nothing decodes it, all ones) is no list. */
enum lnk_list lnk_cfg_ecaps(struct lnk_cfg *c, struct lnk_cap *caps, unsigned max, unsigned *n)
{
	uint64_t seen[LNK_CFG_MAX / 4 / 64] = {0};
	uint32_t ptr, entry;

	*n = 0;
	for (ptr = 0x100; ptr; ptr = (entry >> 20) & 0xffc) {
		if (ptr < 0x100)
			return LNK_LIST_OUTSIDE;
		if (seen[ptr / 256] & BIT(ptr / 4 % 64))
			return LNK_LIST_LOOP;
		seen[ptr / 256] |= BIT(ptr / 4 % 64);
		if (!lnk_cfg_u32(c, ptr, &entry))
			return LNK_LIST_UNKNOWN;
		if (ptr == 0x100 && (!entry || entry == 0xffffffff))
			return LNK_LIST_NONE;
		if (*n < max)
			caps[(*n)++] = (struct lnk_cap){(uint16_t)(entry & 0xffff), (uint16_t)ptr};
	}
	return LNK_LIST_END;
}
