/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwrap-bytes.c - characters that stand for others or for nothing: HTML, terminals, markdown,
 * blanks of other kinds, quoted-printable
 */
#include <string.h>
#include <strings.h>

#include "text.h"

#define ESC	   '\x1b'
#define MAX_TAG	   256u /* bytes; longer ones are no tags */
#define MAX_ENTITY 8u

/* ---- Which lines have any ------------------------------------------------------------------ */

/* UTF-8's first bytes of blanks and of nothing (c2 e1 e2 e3 ef), c3 of blanks encoded twice. */
static const uint8_t odd[256] = {
	[ESC] = LNK_ODD_BYTES,	['\b'] = LNK_ODD_BYTES, ['\r'] = LNK_ODD_BYTES,
	['&'] = LNK_ODD_BYTES,	[0xa0] = LNK_ODD_BYTES, [0xc2] = LNK_ODD_BYTES,
	[0xc3] = LNK_ODD_BYTES, [0xe2] = LNK_ODD_BYTES, [0xe3] = LNK_ODD_BYTES,
	[0xef] = LNK_ODD_BYTES, ['<'] = LNK_ODD_TAG,	['*'] = LNK_ODD_MARK,
	['`'] = LNK_ODD_MARK,
};

unsigned lnk_odd_look(const char *s, size_t n)
{
	const uint8_t *u = (const uint8_t *)s;
	unsigned found = 0, other = 0;
	size_t i;

	/* Several at a time: each byte of decoded text comes through here. */
	for (i = 0; i + 4 <= n; i += 4) {
		found |= odd[u[i]] | odd[u[i + 1]];
		other |= odd[u[i + 2]] | odd[u[i + 3]];
	}
	for (; i < n; i++)
		found |= odd[u[i]];
	return found | other;
}

static struct lnk_part behind(struct lnk_part p, size_t n)
{
	return (struct lnk_part){p.s + n, p.n - n};
}

/* ---- Terminals ----------------------------------------------------------------------------- */

/*
 * The length of an escape sequence: "ESC [ ... letter", "ESC ] ... BEL", "ESC ( B" (ECMA-48 5.4,
 * 8.3.89; xterm). Others may have eaten a digit of a row, and stay.
 */
static size_t escape(struct lnk_part p)
{
	size_t i = 2;

	if (p.n < 3)
		return 0;
	if (p.s[1] == '[') {
		while (i < p.n && p.s[i] >= 0x20 && p.s[i] < 0x40)
			i++;
		return i < p.n && p.s[i] >= 0x40 && p.s[i] < 0x7f ? i + 1 : 0;
	}
	if (p.s[1] == ']') {
		while (i < p.n && p.s[i] != '\a' && p.s[i] != ESC)
			i++;
		if (i == p.n)
			return 0;
		return p.s[i] == '\a' ? i + 1 : i + 1 < p.n && p.s[i + 1] == '\\' ? i + 2 : 0;
	}
	return p.s[1] == '(' || p.s[1] == ')' ? 3 : 0;
}

/* ---- HTML ---------------------------------------------------------------------------------- */

/* The length of a tag that pages put around text, "<pre class=x>", "</b>"; else 0. */
static size_t tag(struct lnk_part p, enum lnk_tag *kind)
{
	static const struct {
		const char *name;
		enum lnk_tag kind;
	} tags[] = {
		{"pre", LNK_TAG_BLOCK},	  {"code", LNK_TAG_INLINE},   {"br", LNK_TAG_BREAK},
		{"p", LNK_TAG_BLOCK},	  {"div", LNK_TAG_BLOCK},     {"span", LNK_TAG_INLINE},
		{"b", LNK_TAG_INLINE},	  {"strong", LNK_TAG_INLINE}, {"i", LNK_TAG_INLINE},
		{"em", LNK_TAG_INLINE},	  {"u", LNK_TAG_INLINE},      {"tt", LNK_TAG_INLINE},
		{"font", LNK_TAG_INLINE}, {"samp", LNK_TAG_INLINE},   {"td", LNK_TAG_BLOCK},
		{"tr", LNK_TAG_BLOCK},	  {"li", LNK_TAG_BLOCK},      {"blockquote", LNK_TAG_BLOCK},
		{"body", LNK_TAG_BLOCK},  {"html", LNK_TAG_BLOCK},
	};
	size_t i = 1, k, n;
	const char *end;

	i += p.n > 1 && p.s[1] == '/';
	for (k = 0; k < ARRAY_SIZE(tags); k++) {
		n = strlen(tags[k].name);
		if (p.n > i + n && (p.s[i] | ' ') == *tags[k].name &&
		    !strncasecmp(p.s + i, tags[k].name, n) &&
		    (p.s[i + n] == '>' || p.s[i + n] == '/' || lnk_is_blank(p.s[i + n])))
			break;
	}
	if (k == ARRAY_SIZE(tags))
		return 0;
	*kind = tags[k].kind;
	end = memchr(p.s, '>', p.n < MAX_TAG ? p.n : MAX_TAG);
	return end ? (size_t)(end - p.s) + 1 : 0;
}

const char *lnk_odd_tag(struct lnk_part in, const char **after, enum lnk_tag *kind)
{
	const char *end = in.s + in.n, *at = in.s;

	for (; (at = memchr(at, '<', (size_t)(end - at))); at++) {
		size_t n = tag((struct lnk_part){at, (size_t)(end - at)}, kind);

		*after = at + n;
		if (n)
			return at;
	}
	return NULL;
}

/* The length of an entity, and the character that it stands for; 0: it is none that we know. */
static size_t entity(struct lnk_part p, char *c)
{
	static const struct {
		const char *name;
		char c;
	} known[] = {
		{"&gt;", '>'},	 {"&lt;", '<'},	   {"&amp;", '&'},   {"&nbsp;", ' '},
		{"&quot;", '"'}, {"&apos;", '\''}, {"&#39;", '\''},  {"&#34;", '"'},
		{"&#160;", ' '}, {"&#32;", ' '},   {"&#9;", '\t'},   {"&#60;", '<'},
		{"&#62;", '>'},	 {"&#38;", '&'},   {"&#58;", ':'},   {"&#91;", '['},
		{"&#93;", ']'},	 {"&#xa0;", ' '},  {"&#x27;", '\''}, {"&#x2F;", '/'},
		{"&#x3A;", ':'}, {"&#x20;", ' '},  {"&Tab;", '\t'},
	};
	size_t i;

	if (!memchr(p.s, ';', p.n < MAX_ENTITY ? p.n : MAX_ENTITY))
		return 0;
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		size_t n = strlen(known[i].name);

		if (p.n >= n && !strncasecmp(p.s, known[i].name, n)) {
			*c = known[i].c;
			return n;
		}
	}
	return 0;
}

/* ---- Blanks -------------------------------------------------------------------------------- */

/*
 * UTF-8 for a blank of another kind (U+00A0, U+2000 to 200A, 202F, 205F, 3000; the first also
 * encoded twice) or for nothing at all (U+00AD, 200B to 200D, 2060, FEFF). Its length, or 0.
 */
static size_t blank(struct lnk_part p, char *c)
{
	static const char *const nothing[] = {"\xc2\xad",     "\xe2\x80\x8b", "\xe2\x80\x8c",
					      "\xe2\x80\x8d", "\xe2\x81\xa0", "\xef\xbb\xbf"};
	static const char *const spaces[] = {"\xc2\xa0", "\xc3\x82\xc2\xa0", "\xe2\x80\xaf",
					     "\xe2\x81\x9f", "\xe3\x80\x80"};
	size_t i;

	*c = '\0';
	for (i = 0; i < ARRAY_SIZE(nothing); i++)
		if (lnk_part_starts(p, nothing[i]))
			return strlen(nothing[i]);
	*c = ' ';
	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		if (lnk_part_starts(p, spaces[i]))
			return strlen(spaces[i]);
	return lnk_part_starts(p, "\xe2\x80") && p.n > 2 && (uint8_t)p.s[2] <= 0x8a ? 3 : 0;
}

/* How many bytes belong to the character that starts here, as its first byte says. */
static size_t sequence(struct lnk_part p)
{
	uint8_t c = (uint8_t)p.s[0];
	size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1, i;

	for (i = 1; i < n; i++)
		if (i == p.n || ((uint8_t)p.s[i] & 0xc0) != 0x80)
			return 1;
	return n;
}

/* ---- Markdown ------------------------------------------------------------------------------ */

/* Where in a line: before its first word, or behind that. */
enum where { AT_START, WITHIN };

/* "```", "```text": the fence alone is a line of its own, and no mark on one. */
static bool is_fence(struct lnk_part p)
{
	size_t i;

	while (p.n && (lnk_is_blank(*p.s) || *p.s == '>'))
		p = behind(p, 1);
	if (!lnk_part_starts(p, "```"))
		return false;
	for (i = 0; i < p.n; i++)
		if (lnk_is_blank(p.s[i]) || p.s[i] == ':')
			return false;
	return true;
}

/* "**", a backtick; "*" before the first word of a line, and at its end. */
static size_t mark(struct lnk_part p, enum where where)
{
	if (*p.s == '`')
		return 1;
	if (p.n > 1 && p.s[1] == '*')
		return 2;
	return p.n == 1 || (where == AT_START && !lnk_is_blank(p.s[1]));
}

/* ---- A line -------------------------------------------------------------------------------- */

/* How much of @p stands for the character *c, or for none ('\0'); 0: it stands for itself. */
static size_t stands_for(struct lnk_part p, enum where where, char *c)
{
	enum lnk_tag kind;

	*c = '\0';
	switch (*p.s) {
	case ESC:
		return escape(p);
	case '\r':
		return 1;
	case '&':
		return entity(p, c);
	case '<':
		return tag(p, &kind);
	case '*':
	case '`':
		return mark(p, where);
	case '\b':
		*c = '\b';
		return 1;
	case '\xa0':
		*c = ' ';
		return 1;
	default:
		return *p.s & 0x80 ? blank(p, c) : 0;
	}
}

size_t lnk_odd_clean(struct lnk_part in, char *out)
{
	enum where where = AT_START;
	size_t n = 0, taken;
	char c = '\0';

	if (is_fence(in)) {
		memcpy(out, in.s, in.n);
		return in.n;
	}
	for (; in.n; in = behind(in, taken)) {
		taken = odd[(uint8_t)*in.s] ? stands_for(in, where, &c) : 0;
		if (taken) {
			/* Printers type a bold letter twice, and a line below it. */
			if (c == '\b' && n && in.n > 1 &&
			    (out[n - 1] == in.s[1] || out[n - 1] == '_'))
				n--;
			else if (c)
				out[n++] = c;
			continue;
		}
		if (!lnk_is_blank(*in.s) && *in.s != '>')
			where = WITHIN;
		taken = sequence(in);
		memcpy(out + n, in.s, taken);
		n += taken;
	}
	return n;
}

/* ---- Quoted-printable ---------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 2045 6.7. Nobody encodes text as control characters: then it is none. */
size_t lnk_odd_printable(char *s, size_t n)
{
	size_t i = 0, to = 0;

	while (i < n) {
		int high = i + 2 < n && s[i] == '=' ? hex_digit(s[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s[i + 2]) : -1;
		int c = low >= 0 ? high * 16 + low : 0;

		if (c >= ' ' || c == '\t' || c == '\r') {
			s[to++] = (char)c;
			i += 3;
		} else {
			s[to++] = s[i++];
		}
	}
	return to;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

/* "\u00a0": the four digits' value; -1: they are none. */
static long code_point(struct lnk_part p)
{
	long v = 0;
	size_t i;

	if (p.n < 5 || *p.s != 'u')
		return -1;
	for (i = 1; i < 5; i++) {
		int d = hex_digit(p.s[i] >= 'a' && p.s[i] <= 'f' ? p.s[i] - 'a' + 'A' : p.s[i]);

		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* RFC 8259 7. A string within a string has two backslashes, or four. */
size_t lnk_odd_unescape(struct lnk_part in, char *out)
{
	size_t n = 0;
	long c;

	while (in.n) {
		if (*in.s != '\\') {
			out[n++] = *in.s;
			in = behind(in, 1);
			continue;
		}
		while (in.n && *in.s == '\\')
			in = behind(in, 1);
		c = code_point(in);
		if (c >= 0) {
			/* What is no ASCII is a blank or nothing that lspci would write. */
			out[n++] = c < 0x80 ? (char)c : ' ';
			in = behind(in, 5);
		} else if (in.n && *in.s == 't') {
			out[n++] = '\t';
			in = behind(in, 1);
		}
	}
	return n;
}
