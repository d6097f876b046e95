/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.c - one configuration space: checked reads, capability walk with a budget */
#include <endian.h>
#include <errno.h>
#include <pci/header.h>
#include <string.h>

#include "lnkinspect.h"

bool (*lnk_cfg_fetch)(void *live, unsigned off, void *buf, unsigned len);

bool lnk_cfg_known(const struct lnk_cfg *c, unsigned from, unsigned to)
{
	unsigned i;

	for (i = 0; i < c->n_spans; i++)
		if (c->spans[i].from <= from && to <= c->spans[i].to)
			return true;
	return false;
}

/*
 * A space that is packed: for each 256 bytes a mask of the dwords that are not 0, then those dwords
 * as they stand in the space. Real devices have a quarter of 256 bytes, a tenth of 4096.
 */
#define PAGE 0x100u

static unsigned page_count(unsigned size)
{
	return (size + PAGE - 1) / PAGE;
}

static uint32_t packed_dword(const struct lnk_cfg *c, unsigned off)
{
	const uint64_t *mask = (const uint64_t *)(const void *)c->bytes;
	unsigned page = off / PAGE, at, i;
	uint32_t dword;

	if (!(mask[page] >> off % PAGE / 4 & 1))
		return 0;
	at = (unsigned)__builtin_popcountll(mask[page] & (BIT(off % PAGE / 4) - 1));
	for (i = 0; i < page; i++)
		at += (unsigned)__builtin_popcountll(mask[i]);
	memcpy(&dword, c->bytes + page_count(c->size) * sizeof(*mask) + 4 * at, 4);
	return dword;
}

/* The aligned dword at @off, as it stands in the space. */
static inline uint32_t dword_at(const struct lnk_cfg *c, unsigned off)
{
	uint32_t dword;

	if (c->packed)
		return packed_dword(c, off);
	memcpy(&dword, c->bytes + off, 4);
	return dword;
}

void lnk_cfg_bytes(const struct lnk_cfg *c, unsigned from, unsigned to, uint8_t *out)
{
	unsigned off, n;

	for (off = from; off < to; off += n) {
		uint32_t dword = dword_at(c, off & ~3u);

		n = to - off < 4 - off % 4 ? to - off : 4 - off % 4;
		memcpy(out + off - from, (const uint8_t *)&dword + off % 4, n);
	}
}

bool lnk_cfg_differ(const struct lnk_cfg *a, const struct lnk_cfg *b)
{
	uint8_t of_a[LNK_CFG_MAX], of_b[LNK_CFG_MAX];
	unsigned i = 0, j = 0;

	while (i < a->n_spans && j < b->n_spans) {
		const struct lnk_span *x = &a->spans[i], *y = &b->spans[j];
		unsigned from = x->from > y->from ? x->from : y->from;
		unsigned to = x->to < y->to ? x->to : y->to;

		if (from < to) {
			lnk_cfg_bytes(a, from, to, of_a);
			lnk_cfg_bytes(b, from, to, of_b);
			if (memcmp(of_a, of_b, to - from) != 0)
				return true;
		}
		if (x->to < y->to)
			i++;
		else
			j++;
	}
	return false;
}

static unsigned whole_size(unsigned size)
{
	return size <= 64 ? 64 : size <= 256 ? 256 : LNK_CFG_MAX;
}

/* Packs the @n bytes at @space, PAGE at most, to @dwords; returns how many of them there are. */
static unsigned pack(const uint8_t *space, unsigned n, uint64_t *mask, uint32_t *dwords)
{
	unsigned used = 0, i, k;
	uint64_t bits = 0;

	for (i = 0; i < n / 4; i += 2) {
		uint32_t two[2];

		memcpy(two, space + 4 * i, sizeof(two));
		if (!(two[0] | two[1]))
			continue;
		for (k = 0; k < 2; k++) {
			dwords[used] = two[k];
			used += two[k] != 0;
			bits |= (uint64_t)(two[k] != 0) << (i + k);
		}
	}
	*mask = bits;
	return used;
}

void lnk_cfg_set(struct lnk_arena *a, struct lnk_cfg *c, const uint8_t *bytes,
		 const struct lnk_span *spans, unsigned n)
{
	uint64_t mask[LNK_CFG_MAX / PAGE];
	uint32_t dwords[LNK_CFG_MAX / 4];
	uint8_t space[LNK_CFG_MAX];
	size_t masks, used = 0;
	unsigned i, off = 0;

	c->size = (uint16_t)whole_size(n ? spans[n - 1].to : 0);
	if (n != 1 || spans[0].from || spans[0].to != c->size) {
		memset(space, 0, c->size);
		for (i = 0; i < n; i++)
			memcpy(space + spans[i].from, bytes + spans[i].from,
			       (size_t)(spans[i].to - spans[i].from));
		bytes = space;
	}
	masks = page_count(c->size) * sizeof(*mask);
	do
		used += pack(bytes + off, c->size < PAGE ? c->size : PAGE, &mask[off / PAGE],
			     dwords + used);
	while ((off += PAGE) < c->size);
	used *= sizeof(*dwords);
	c->packed = true;
	c->bytes = lnk_alloc(a, masks + used + n * sizeof(*spans));
	memcpy(c->bytes, mask, masks);
	memcpy(c->bytes + masks, dwords, used);
	c->spans = (struct lnk_span *)(void *)(c->bytes + masks + used);
	memcpy(c->spans, spans, n * sizeof(*spans));
	c->n_spans = c->max_spans = (uint16_t)n;
}

struct lnk_cfg lnk_cfg_plain(const struct lnk_cfg *c, uint8_t space[LNK_CFG_MAX])
{
	struct lnk_cfg plain = *c;
	const uint8_t *from;
	unsigned page;

	if (!c->packed)
		return plain;
	from = c->bytes + page_count(c->size) * sizeof(uint64_t);
	memset(space, 0, c->size);
	for (page = 0; page < page_count(c->size); page++) {
		uint64_t mask = ((const uint64_t *)(const void *)c->bytes)[page];

		for (; mask; mask &= mask - 1, from += 4)
			memcpy(space + page * PAGE + 4 * __builtin_ctzll(mask), from, 4);
	}
	plain.bytes = space;
	plain.packed = false;
	return plain;
}

static void unpack(struct lnk_arena *a, struct lnk_cfg *c)
{
	uint8_t *bytes;

	if (!c->packed)
		return;
	bytes = lnk_alloc(a, c->size);
	*c = lnk_cfg_plain(c, bytes);
}

static void room_for_bytes(struct lnk_arena *a, struct lnk_cfg *c, unsigned size)
{
	uint8_t *bytes;

	if (c->size >= size)
		return;
	size = whole_size(size);
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
	unpack(a, c);
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
		if (!lnk_cfg_fetch(c->live, off, c->bytes + off, 4)) {
			c->size = (uint16_t)off;
			return;
		}
		/* Live spaces come with room for every span that dwords can make. */
		add_span(NULL, c, off, off + 4);
	}
}

static __attribute__((noinline)) bool fetch_missing(struct lnk_cfg *c, unsigned from, unsigned to)
{
	if (!c->open)
		return false;
	fetch(c, from, to);
	return lnk_cfg_known(c, from, to);
}

/* @n is 1, 2 or 4. Most of what is asked for is there, in the first span, and in one dword. */
static inline bool read_le(struct lnk_cfg *c, unsigned off, unsigned n, uint32_t *v)
{
	unsigned to = off + n;
	uint64_t x;

	if (off >= LNK_CFG_MAX || to > LNK_CFG_MAX)
		return false;
	if (!(c->n_spans && c->spans->from <= off && to <= c->spans->to) &&
	    !lnk_cfg_known(c, off, to) && !fetch_missing(c, off, to))
		return false;
	x = le32toh(dword_at(c, off & ~3u));
	if (off % 4 + n > 4)
		x |= (uint64_t)le32toh(dword_at(c, (off & ~3u) + 4)) << 32;
	*v = (uint32_t)(x >> off % 4 * 8 & (BIT(8 * n) - 1));
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
	if (c->open)
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
