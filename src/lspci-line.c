/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lspci-line.c - one line of lspci's text: a function's address, a hex row, or neither */
#include <string.h>

#include "lspci.h"

#define ROW	 LNK_ROW
#define ROW_TEXT (3 * ROW - 1) /* characters of its bytes */

#define HEX LNK_HEX

const uint8_t lnk_hex[256] = {
	['0'] = HEX | 0,  ['1'] = HEX | 1,  ['2'] = HEX | 2,  ['3'] = HEX | 3,	['4'] = HEX | 4,
	['5'] = HEX | 5,  ['6'] = HEX | 6,  ['7'] = HEX | 7,  ['8'] = HEX | 8,	['9'] = HEX | 9,
	['a'] = HEX | 10, ['b'] = HEX | 11, ['c'] = HEX | 12, ['d'] = HEX | 13, ['e'] = HEX | 14,
	['f'] = HEX | 15, ['A'] = HEX | 10, ['B'] = HEX | 11, ['C'] = HEX | 12, ['D'] = HEX | 13,
	['E'] = HEX | 14, ['F'] = HEX | 15,
};

static bool is_hex(char c)
{
	return lnk_hex[(uint8_t)c];
}

/* How many hex digits @s starts with, up to @max, and their value. */
static unsigned read_hex(const char *s, size_t n, unsigned max, uint32_t *v)
{
	uint32_t x = 0;
	unsigned i;

	for (i = 0; i < n && i < max && is_hex(s[i]); i++)
		x = x << 4 | (lnk_hex[(uint8_t)s[i]] & 0xfu);
	*v = x;
	return i;
}

/*
 * Two characters, as they stand in memory, to WHOLE and the byte that they are; 0: they are none.
 */
#define WHOLE 0x100u
static uint16_t pairs[0x10000];

static unsigned pair(const char *s)
{
	uint16_t chars;

	memcpy(&chars, s, sizeof(chars));
	return pairs[chars];
}

static void fill_pairs(void)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	unsigned high, low;

	for (high = 0; digits[high]; high++)
		for (low = 0; digits[low]; low++) {
			char s[2] = {digits[high], digits[low]};
			uint16_t chars;
			uint32_t byte;

			memcpy(&chars, s, sizeof(chars));
			read_hex(s, 2, 2, &byte);
			pairs[chars] = (uint16_t)(WHOLE | byte);
		}
}

/* "00 11 ... ff": exactly 16 bytes, one blank between two. Most of a capture goes through here. */
static bool read_bytes(const char *s, uint8_t bytes[ROW])
{
	unsigned all = WHOLE, gaps = 0, i;

	if (!pairs['0' | '0' << 8])
		fill_pairs();
	for (i = 0; i < ROW - 1; i += 3, s += 9) {
		unsigned a = pair(s), b = pair(s + 3), c = pair(s + 6);

		all &= a & b & c;
		gaps |= ((unsigned)s[2] ^ ' ') | ((unsigned)s[5] ^ ' ') | ((unsigned)s[8] ^ ' ');
		bytes[i] = (uint8_t)a;
		bytes[i + 1] = (uint8_t)b;
		bytes[i + 2] = (uint8_t)c;
	}
	bytes[i] = (uint8_t)pair(s);
	return all & pair(s) && !gaps;
}

/* A row exactly as lspci prints it: "00: ", from 100 on "100: ", and 16 bytes. */
bool lnk_line_row(struct lnk_line *l, const char *s, size_t n)
{
	unsigned digits = n == 2 + 2 + ROW_TEXT ? 2 : 3;

	if (n != digits + 2 + ROW_TEXT || s[digits] != ':' || s[digits + 1] != ' ' ||
	    read_hex(s, digits, digits, &l->off) != digits || (digits == 3 && l->off < 0x100) ||
	    !read_bytes(s + digits + 2, l->bytes))
		return false;
	l->kind = LNK_LINE_ROW;
	l->n_bytes = ROW;
	l->lspci_row = true;
	return true;
}

bool lnk_line_row_at(const char *s, unsigned off, uint8_t bytes[ROW])
{
	static const char zeros[] = "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";

	if (off >= 0x100 && "0123456789abcdef"[off >> 8] != *s++)
		return false;
	if (s[0] != "0123456789abcdef"[off >> 4 & 0xf] || s[1] != '0' || s[2] != ':' ||
	    s[3] != ' ' || s[4 + ROW_TEXT] != '\n')
		return false;
	if (memcmp(s + 4, zeros, ROW_TEXT) != 0)
		return read_bytes(s + 4, bytes);
	memset(bytes, 0, ROW);
	return true;
}

/* Sixteen bytes at the end, and before them something as short as an offset: it was a row. */
static bool was_row(const struct lnk_line *l)
{
	uint8_t bytes[ROW];

	return l->n > ROW_TEXT && l->n <= ROW_TEXT + 11 &&
	       read_bytes(l->s + l->n - ROW_TEXT, bytes);
}

/* Two hex digits, a blank or the end behind them. */
static bool is_byte(const char *s, size_t n)
{
	return n >= 2 && is_hex(s[0]) && is_hex(s[1]) && (n == 2 || lnk_is_blank(s[2]));
}

/*
 * Anything with an offset, a colon and a blank before it. Text can look so too ("10: eth0"): it is
 * taken for a bad row only where a byte is among it.
 */
static bool any_row(struct lnk_line *l)
{
	unsigned digits = read_hex(l->s, l->n, 9, &l->off);
	size_t i = digits + 1, good = 0;
	bool bad = false;
	uint32_t byte;

	if (digits < 2 || digits > 8 || digits == l->n || l->s[digits] != ':' ||
	    (i < l->n && !lnk_is_blank(l->s[i])))
		return false;
	while (i < l->n) {
		if (lnk_is_blank(l->s[i])) {
			i++;
			continue;
		}
		if (is_byte(l->s + i, l->n - i)) {
			read_hex(l->s + i, 2, 2, &byte);
			if (good < ROW)
				l->bytes[good] = (uint8_t)byte;
			good++;
		} else {
			bad = true;
		}
		while (i < l->n && !lnk_is_blank(l->s[i]))
			i++;
	}
	if (bad && !good)
		return false;
	l->n_bytes = (unsigned)(good < ROW ? good : ROW);
	l->kind = bad || !good || good > ROW ? LNK_LINE_BAD_ROW : LNK_LINE_ROW;
	l->lspci_row = l->kind == LNK_LINE_ROW && good == ROW && l->off < LNK_CFG_MAX &&
		       digits == (l->off < 0x100 ? 2 : 3);
	return true;
}

/* "1f.3" */
static bool read_devfn(const char *s, size_t n, uint8_t *devfn)
{
	uint32_t dev;

	if (n < 4 || read_hex(s, 3, 3, &dev) != 2 || dev > 0x1f || s[2] != '.' || s[3] < '0' ||
	    s[3] > '7')
		return false;
	*devfn = (uint8_t)(dev << 3 | (unsigned)(s[3] - '0'));
	return true;
}

/*
 * "00:1f.3", with a domain of 4 to 8 digits "10000:e1:00.0", and as lspci -PP writes it with the
 * bridges on the way, "00:1c.0/02:00.0". Returns its length; 0: it is none.
 */
static size_t read_address(const char *s, size_t n, struct lnk_addr *addr)
{
	uint32_t domain = 0, bus;
	unsigned digits = read_hex(s, n, 9, &bus);
	size_t i = digits;

	if (digits >= 4 && digits <= 8 && i < n && s[i] == ':') {
		domain = bus;
		i++;
		digits = read_hex(s + i, n - i, 3, &bus);
		i += digits;
	}
	for (;;) {
		if (digits != 2 || n - i < 5 || s[i] != ':' ||
		    !read_devfn(s + i + 1, n - i - 1, &addr->devfn))
			return 0;
		i += 5;
		if (i == n || s[i] != '/')
			break;
		digits = read_hex(s + i + 1, n - i - 1, 3, &bus);
		i += 1 + digits;
	}
	addr->domain = domain;
	addr->bus = (uint8_t)bus;
	return i;
}

static bool header(struct lnk_line *l)
{
	size_t i = read_address(l->s, l->n, &l->addr);

	if (!i || i == l->n || !lnk_is_blank(l->s[i]))
		return false;
	while (i < l->n && lnk_is_blank(l->s[i]))
		i++;
	l->title = i;
	l->kind = LNK_LINE_HEADER;
	return true;
}

/*
 * "pci 0000:00:1c.0: config space:", under which the kernel prints its early dump; older ones leave
 * out a colon. Linux drivers/pci/probe.c early_dump_pci_device().
 */
static bool early_header(struct lnk_line *l)
{
	static const char before[] = "pci ", behind[] = " config space";
	size_t n = sizeof(before) - 1, i = n;

	if (l->n < n || memcmp(l->s, before, n) != 0)
		return false;
	i += read_address(l->s + n, l->n - n, &l->addr);
	if (i == n)
		return false;
	i += i < l->n && l->s[i] == ':';
	n = sizeof(behind) - 1;
	if (l->n - i < n || memcmp(l->s + i, behind, n) != 0)
		return false;
	i += n;
	i += i < l->n && l->s[i] == ':';
	if (i != l->n)
		return false;
	l->title = i;
	l->kind = LNK_LINE_HEADER;
	return true;
}

/*
 * A first word like an address, one character of it at most being none that an address has. The
 * rows below belong to it, and not to the function before it. A time of day has no dot, and names
 * ("760p/E") have no colon either. lspci -P comes here too: it leaves out the bus.
 */
static bool almost_header(struct lnk_line *l)
{
	unsigned digits = 0, colons = 0, dots = 0, others = 0;
	size_t i;

	for (i = 0; i < l->n && i < 40 && !lnk_is_blank(l->s[i]); i++) {
		if (is_hex(l->s[i]))
			digits++;
		else if (l->s[i] == ':')
			colons++;
		else if (l->s[i] == '/')
			continue;
		else if (l->s[i] == '.')
			dots++;
		else
			others++;
	}
	if (i < 6 || i == 40 || digits < 4 || colons + dots < 1 || dots + others < 1 || others > 1)
		return false;
	while (i < l->n && lnk_is_blank(l->s[i]))
		i++;
	l->title = i;
	l->kind = LNK_LINE_ALMOST;
	return true;
}

void lnk_line_look(struct lnk_line *l)
{
	l->kind = LNK_LINE_TEXT;
	l->lspci_row = false;
	if (!l->n)
		l->kind = LNK_LINE_BLANK;
	else if (is_hex(*l->s) && (any_row(l) || header(l)))
		return;
	else if (*l->s == 'p' && early_header(l))
		return;
	else if (was_row(l))
		l->kind = LNK_LINE_BAD_ROW;
	else if (!l->indented)
		almost_header(l);
}

unsigned lnk_line_bytes(const char *s, size_t n)
{
	unsigned bytes = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (lnk_is_blank(s[i]))
			continue;
		if (!is_byte(s + i, n - i))
			return 0;
		bytes++;
		i++;
	}
	return bytes;
}

bool lnk_line_part(struct lnk_line *l, const char *s, size_t n, uint16_t *known)
{
	unsigned digits = read_hex(s, n, 3, &l->off), i;

	*known = 0;
	if (digits < 2 || n != digits + 2 + ROW_TEXT || s[digits] != ':' || l->off % ROW)
		return false;
	s += digits + 2;
	for (i = 0; i < ROW; i++, s += 3) {
		uint32_t byte;

		if (read_hex(s, 2, 2, &byte) != 2)
			continue;
		l->bytes[i] = (uint8_t)byte;
		*known |= (uint16_t)(1u << i);
	}
	return true;
}
