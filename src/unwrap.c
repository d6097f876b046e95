/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwrap.c - an input's bytes to lines as lspci wrote them, with their original numbers
 *
 *	bytes > UTF-8 > lines > soft breaks > tags > one line, clean > torn lines joined
 *
 * What mail, logs, pages, terminals and people did to the text is taken off here, once, and nobody
 * behind this knows of it. A row as lspci writes it passes all that by, and so does a line of words
 * that nobody touched: the short ways (quick_row(), quick_line(), lnk_unwrap_rows()) give what the
 * stages would. Nothing here holds more than a window of the input and a few lines.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lspci.h"

#define MAX_LINE (64u << 10) /* the rest of a longer one is left out */
#define MAX_NAME 128u	     /* of a file in a diff's head */
#define MAX_LEAD 64u	     /* what stands before each line of a diff that was quoted */
#define LONG	 1024u	     /* a line that may hold all of a text */
#define TAB	 8u	     /* columns */

/* Mail is wrapped at 66 columns or further right: what ends before that was not wrapped. */
#define WRAP	     66u
#define LONGEST_WORD 24u

enum diff { NO_DIFF, UNIFIED, NORMAL };
enum encoding { PLAIN, PRINTABLE, BASE64 };

struct lnk_unwrap {
	struct lnk_stream *in;	 /* where lines are taken from: the input, or */
	struct lnk_stream utf8;	 /* its characters in another encoding */
	struct lnk_stream *wide; /* that is made of this, or NULL */
	unsigned low;		 /* in it: which byte of a character is the low one, 0 or 1 */
	uint32_t high;		 /* and half of a character that is still to come */

	struct lnk_stream *mail; /* around a part in base64 that is read now, or NULL */
	struct lnk_base64 part;
	uint32_t part_line; /* the line before it */
	uint64_t part_at;   /* bytes of it that were read */

	char end;	/* of lines: "\n", or "\r" where there is no other */
	bool quoted;	/* it is a string of JSON's, in which "\n" is two characters */
	bool goes_on;	/* what was read is part of a line */
	uint32_t line;	/* of the input: that was read last */
	uint32_t first; /* where the line starts that it is part of */
	bool unended;	/* it has no end */
	bool too_long;	/* what follows is the rest of a line that was cut */
	enum encoding encoding;
	unsigned odd;	      /* which odd characters it has */
	struct lnk_part rest; /* what stands behind a <br> */
	bool has_rest;

	unsigned block;	    /* columns that the header above is indented by */
	struct lnk_log log; /* what stands before the lines now */

	enum diff diff;
	uint32_t old_left, new_left; /* lines of the hunk that are to come */
	uint32_t old_line, new_line; /* the numbers of the next ones */
	char lead[MAX_LEAD];
	size_t lead_n;
	char name[2][MAX_NAME];

	struct lnk_line ahead; /* was read to see whether it goes on the line before it */
	bool has_ahead;
	char logical[MAX_LINE]; /* lines put together at soft breaks */
	char clean[MAX_LINE];
	char joined[MAX_LINE];
};

/* ---- Bytes to UTF-8 ------------------------------------------------------------------------ */

static size_t put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The next two bytes of UTF-16 (RFC 2781 2.2) to none, or the bytes of one character. */
static size_t put_unit(struct lnk_unwrap *u, char *to, uint32_t unit)
{
	uint32_t high = u->high;

	u->high = 0;
	if (unit >= 0xd800 && unit < 0xdc00) {
		u->high = unit;
		return 0;
	}
	if (unit >= 0xdc00 && unit < 0xe000)
		return put_utf8(to, high ? 0x10000 + ((high - 0xd800) << 10 | (unit - 0xdc00)) :
					   0xfffd);
	return put_utf8(to, unit);
}

static ssize_t fill_from_utf16(struct lnk_stream *s, char *to, size_t room)
{
	struct lnk_unwrap *u = s->from;
	struct lnk_stream *in = u->wide;
	size_t n = 0;

	while (room - n >= 4) {
		const uint8_t *unit = (const uint8_t *)in->window + in->at;

		if (in->end - in->at < 2) {
			if (in->ended)
				break;
			lnk_stream_more(in);
			continue;
		}
		n += put_unit(u, to + n, unit[u->low] | (uint32_t)unit[!u->low] << 8);
		in->at += 2;
	}
	return in->error ? in->error : (ssize_t)n;
}

/* By its mark; without one, text has a zero in every other byte and nowhere else. */
static bool is_utf16(const struct lnk_stream *in, unsigned *low)
{
	const uint8_t *s = (const uint8_t *)in->window;
	size_t n = in->end < 512 ? in->end / 2 * 2 : 512, zeros[2] = {0}, i;

	if (n < 4)
		return false;
	if ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff)) {
		*low = s[0] == 0xfe;
		return true;
	}
	for (i = 0; i < n; i++)
		zeros[i % 2] += !s[i];
	*low = zeros[0] > 0;
	return zeros[!*low] >= n / 4 && !zeros[*low];
}

/* Old Macintosh programs end lines with "\r" alone. */
static char find_end(const struct lnk_stream *s)
{
	const char *at = s->window + s->at;
	size_t n = s->end - s->at;

	return memchr(at, '\r', n) && !memchr(at, '\n', n) ? '\r' : '\n';
}

struct lnk_unwrap *lnk_unwrap_new(struct lnk_stream *in)
{
	struct lnk_unwrap *u = lnk_xmalloc(sizeof(*u));

	/* What is large is not touched before it is used. */
	memset(u, 0, offsetof(struct lnk_unwrap, logical));
	u->in = in;
	if (!in->total)
		lnk_stream_more(in);
	if (is_utf16(in, &u->low)) {
		u->wide = in;
		u->in = &u->utf8;
		lnk_stream_open(&u->utf8, fill_from_utf16, u);
		lnk_stream_more(&u->utf8);
	}
	u->end = find_end(u->in);
	return u;
}

void lnk_unwrap_free(struct lnk_unwrap *u)
{
	if (u->mail)
		lnk_stream_close(&u->part.out);
	if (u->wide)
		lnk_stream_close(&u->utf8);
	free(u);
}

/* ---- Lines --------------------------------------------------------------------------------- */

static void skip_long(struct lnk_unwrap *u)
{
	struct lnk_stream *s = u->in;

	while (u->too_long) {
		char *at = s->window + s->at, *nl = memchr(at, u->end, s->end - s->at);

		s->at = nl ? (size_t)(nl + 1 - s->window) : s->end;
		u->too_long = !nl && !s->ended;
		if (u->too_long)
			lnk_stream_more(s);
	}
}

/* In JSON a string's lines end with "\n" in two characters, and the last one with a quote. */
static const char *find_quoted_end(const struct lnk_unwrap *u, const char *s, size_t n)
{
	const char *at;

	for (at = s; at < s + n; at++) {
		if (*at == u->end || *at == '"')
			return at;
		while (*at == '\\' && at + 1 < s + n)
			if (*++at == 'n')
				return at;
	}
	return NULL;
}

/* Where a page has all of its lines in one, it is cut behind a <br>; NULL: there is none. */
static const char *find_break(const char *s, size_t n)
{
	const char *at, *end = s + n;

	while ((at = memrchr(s, '<', n))) {
		n = (size_t)(at - s);
		if (end - at > 8 && !strncasecmp(at, "<br", 3))
			return memchr(at, '>', 8);
	}
	return NULL;
}

/* Reads @p, what is there of a line; *end is where it ends, or NULL. False: nothing is left. */
static bool find_line(struct lnk_unwrap *u, struct lnk_part *p, const char **end)
{
	struct lnk_stream *s = u->in;

	for (;;) {
		p->n = s->end - s->at;
		if (p->n > MAX_LINE)
			p->n = MAX_LINE;
		p->s = s->window + s->at;
		*end = u->quoted ? find_quoted_end(u, p->s, p->n) : memchr(p->s, u->end, p->n);
		if (*end || p->n == MAX_LINE || s->ended)
			return p->n;
		lnk_stream_more(s);
	}
}

/* The part is over: its mail goes on. */
static bool leave_part(struct lnk_unwrap *u)
{
	if (!u->mail)
		return false;
	u->line = u->part_line + u->part.lines;
	lnk_stream_close(&u->part.out);
	u->in = u->mail;
	u->mail = NULL;
	u->quoted = u->goes_on = false;
	return true;
}

static void count_line(struct lnk_unwrap *u, size_t bytes)
{
	if (u->mail) {
		u->line = u->part_line + 1 + (uint32_t)(u->part_at / u->part.width);
		u->part_at += bytes;
	} else {
		u->line += !u->goes_on;
	}
}

/* Cuts @p where *end is, or before a line that is too long. */
static void end_line(struct lnk_unwrap *u, struct lnk_part *p, const char *end)
{
	bool whole = !end || *end == u->end;

	u->too_long = !end && p->n == MAX_LINE;
	u->unended = !end && !u->too_long;
	if (u->too_long && !u->quoted && (end = find_break(p->s, p->n)))
		u->too_long = whole = false;
	u->in->at += end ? (size_t)(end + 1 - p->s) : p->n;
	count_line(u, end ? (size_t)(end + 1 - p->s) : p->n);
	u->goes_on = !whole;
	if (end)
		p->n = (size_t)(end - p->s) + (*end == '>');
	if (!u->quoted)
		return;
	u->quoted = !whole;
	while (p->n && p->s[p->n - 1] == '\\')
		p->n--;
	if (p->n > 1 && p->s[p->n - 1] == 'r' && p->s[p->n - 2] == '\\')
		p->n -= 2;
	*p = (struct lnk_part){u->logical, lnk_odd_unescape(*p, u->logical)};
}

/* The next line of the input without its end. */
static bool next_line(struct lnk_unwrap *u, struct lnk_part *p)
{
	const char *end;

	skip_long(u);
	while (!find_line(u, p, &end)) {
		if (u->wide && u->in->error)
			u->wide->error = u->in->error;
		if (!leave_part(u))
			return false;
	}
	if (!u->quoted && !u->goes_on && (end ? (size_t)(end - p->s) : p->n) >= LONG &&
	    memmem(p->s, end ? (size_t)(end - p->s) : p->n, "\\n", 2)) {
		u->quoted = true;
		end = find_quoted_end(u, p->s, p->n);
	}
	end_line(u, p, end);
	while (p->n && p->s[p->n - 1] == '\r')
		p->n--;
	return true;
}

/* ---- Mail: RFC 2045 6 ------------------------------------------------------------------------ */

/* A mail's head says how its text is encoded; without one, quoted-printable's soft breaks do. */
static void look_for_encoding(struct lnk_unwrap *u, struct lnk_part p)
{
	static const char field[] = "Content-Transfer-Encoding:";
	static const char *const words[] = {[PRINTABLE] = "quoted-printable", [BASE64] = "base64"};
	size_t n = sizeof(field) - 1, i;

	/* A mailbox goes on to the next mail. */
	if (p.n > 5 && !memcmp(p.s, "From ", 5))
		u->encoding = PLAIN;
	if (p.n <= n || (*p.s | ' ') != 'c' || strncasecmp(p.s, field, n) != 0)
		return;
	while (n < p.n && lnk_is_blank(p.s[n]))
		n++;
	u->encoding = PLAIN;
	for (i = PRINTABLE; i < ARRAY_SIZE(words); i++)
		if (p.n - n >= strlen(words[i]) &&
		    !strncasecmp(p.s + n, words[i], strlen(words[i])))
			u->encoding = (enum encoding)i;
}

/* Behind the head's end the part begins. */
static void enter_part(struct lnk_unwrap *u)
{
	u->encoding = PLAIN;
	if (u->mail || u->goes_on || !lnk_base64_open(&u->part, u->in))
		return;
	u->mail = u->in;
	u->in = &u->part.out;
	u->part_line = u->line;
	u->part_at = 0;
}

static bool ends_in_break(const struct lnk_unwrap *u, struct lnk_part p)
{
	if (!p.n || p.s[p.n - 1] != '=' || u->unended)
		return false;
	/* Lines are broken where they are full. A rule of signs is none, nor is base64's end. */
	return u->encoding == PRINTABLE ||
	       (p.n >= 60 && p.n <= 76 && p.s[p.n - 2] != '=' && memchr(p.s, ' ', p.n));
}

/* The next line, put together from those that soft breaks made of it. */
static bool next_logical(struct lnk_unwrap *u, struct lnk_part *p)
{
	bool goes_on;
	size_t n = 0;

	if (!next_line(u, p))
		return false;
	u->first = u->line;
	if (u->quoted)
		return true;
	look_for_encoding(u, *p);
	if (u->encoding == BASE64 && !p->n)
		enter_part(u);
	goes_on = ends_in_break(u, *p);
	if (goes_on)
		u->encoding = PRINTABLE;
	if (u->encoding != PRINTABLE || !memchr(p->s, '=', p->n))
		return true;
	for (;;) {
		p->n -= goes_on;
		if (p->n > MAX_LINE - n)
			p->n = MAX_LINE - n;
		memmove(u->logical + n, p->s, p->n);
		n += p->n;
		if (!goes_on || !next_line(u, p))
			break;
		goes_on = ends_in_break(u, *p);
	}
	*p = (struct lnk_part){u->logical, lnk_odd_printable(u->logical, n)};
	return true;
}

/* ---- What stands around a line ------------------------------------------------------------- */

static void trim(struct lnk_part *p)
{
	while (p->n && lnk_is_blank(p->s[p->n - 1]))
		p->n--;
}

static void take(struct lnk_part *p, size_t n)
{
	p->s += n;
	p->n -= n;
}

/* "|           +-01.0", as lspci -t draws it; *end: where its bars end. */
static bool is_drawing(struct lnk_part p, const char **end)
{
	while (p.n && (*p.s == ' ' || *p.s == '|'))
		take(&p, 1);
	*end = p.s;
	return lnk_part_starts(p, "+-") || lnk_part_starts(p, "\\-");
}

/* ">" and "|" of mail; not ">SERR-" of a line that was wrapped. */
static bool is_quote(struct lnk_part p)
{
	if (*p.s == '>')
		return !lnk_part_starts(p, ">SERR") && !lnk_part_starts(p, ">TAbort") &&
		       !lnk_part_starts(p, ">Reset");
	return *p.s == '|' && (p.n == 1 || lnk_is_blank(p.s[1]));
}

/* A row of a table: it ends as it starts, and there is something in between. */
static bool is_table(struct lnk_part p)
{
	size_t i;

	for (i = 0; i < p.n; i++)
		if (!lnk_is_blank(p.s[i]) && p.s[i] != '>' && p.s[i] != '|')
			break;
	return i < p.n && p.s[p.n - 1] == '|';
}

/* Takes off quoting and indentation; returns the columns of the latter. */
static unsigned strip(struct lnk_part *p)
{
	bool table = is_table(*p);
	const char *bars = p->s;
	unsigned columns = 0;

	while (p->n) {
		if (*p->s == '|' && p->s >= bars && is_drawing(*p, &bars))
			break;
		if (*p->s == ' ') {
			columns++;
		} else if (*p->s == '\t') {
			columns = (columns / TAB + 1) * TAB;
		} else if (is_quote(*p) && !(table && *p->s == '|')) {
			columns = 0;
			if (p->n > 1 && p->s[1] == ' ')
				take(p, 1);
		} else {
			break;
		}
		take(p, 1);
	}
	return columns;
}

/* The length of a forum's tag at the start of @p, "[code]", "[size=2]", "[/b]"; else 0. */
static size_t forum_tag(struct lnk_part p)
{
	static const char *const names[] = {"code", "pre",  "b",      "i",     "u",
					    "tt",   "size", "font",   "color", "quote",
					    "mono", "list", "spoiler"};
	size_t i = 1, k, n;

	if (p.n < 3 || *p.s != '[')
		return 0;
	i += p.s[1] == '/';
	for (k = 0; k < ARRAY_SIZE(names); k++) {
		n = i + strlen(names[k]);
		if (p.n > n && !strncasecmp(p.s + i, names[k], n - i) &&
		    (p.s[n] == ']' || p.s[n] == '='))
			break;
	}
	if (k == ARRAY_SIZE(names))
		return 0;
	for (; n < p.n && n < 40 && p.s[n] != ']'; n++)
		if (lnk_is_blank(p.s[n]))
			return 0;
	return n < p.n && p.s[n] == ']' ? n + 1 : 0;
}

/* What forums put around a block or a line. A tag alone is a line of its own. */
static void strip_code(struct lnk_part *p)
{
	const char *open;
	size_t n;

	while ((n = forum_tag(*p)) && n < p->n)
		take(p, n);
	while (p->n && p->s[p->n - 1] == ']' && (open = memrchr(p->s, '[', p->n)) && open > p->s &&
	       open[1] == '/' && forum_tag((struct lnk_part){open, (size_t)(p->s + p->n - open)}))
		p->n = (size_t)(open - p->s);
}

/* ---- Diffs --------------------------------------------------------------------------------- */

static bool read_number(struct lnk_part *p, uint32_t *v)
{
	uint32_t x = 0;
	size_t i;

	for (i = 0; i < p->n && i < 9 && p->s[i] >= '0' && p->s[i] <= '9'; i++)
		x = x * 10 + (uint32_t)(p->s[i] - '0');
	take(p, i);
	*v = x;
	return i;
}

static bool read_sign(struct lnk_part *p, char c)
{
	if (!p->n || *p->s != c)
		return false;
	take(p, 1);
	return true;
}

/* "12,3": a line and how many; alone, it is one. */
static bool read_lines(struct lnk_part *p, uint32_t *line, uint32_t *n)
{
	*n = 1;
	return read_number(p, line) && (!read_sign(p, ',') || read_number(p, n));
}

/* "@@ -20,3 +20,4 @@" */
static bool read_unified(struct lnk_unwrap *u, struct lnk_part p)
{
	if (!lnk_part_starts(p, "@@ "))
		return false;
	take(&p, 3);
	u->old_left = u->new_left = 0;
	if (!read_sign(&p, '-') || !read_lines(&p, &u->old_line, &u->old_left) ||
	    !read_sign(&p, ' ') || !read_sign(&p, '+') ||
	    !read_lines(&p, &u->new_line, &u->new_left))
		u->old_left = u->new_left = 0;
	u->diff = UNIFIED;
	return true;
}

/* "8c8", "20,24c20,25", "3a4,5", "7d6" */
static bool read_normal(struct lnk_unwrap *u, struct lnk_part p)
{
	uint32_t from[2], to[2];
	char what;

	to[0] = to[1] = 0;
	if (!read_number(&p, &from[0]) || (read_sign(&p, ',') && !read_number(&p, &to[0])) || !p.n)
		return false;
	what = *p.s;
	take(&p, 1);
	if ((what != 'a' && what != 'c' && what != 'd') || !read_number(&p, &from[1]) ||
	    (read_sign(&p, ',') && !read_number(&p, &to[1])) || p.n)
		return false;
	u->old_left = what == 'a' ? 0 : to[0] > from[0] ? to[0] - from[0] + 1 : 1;
	u->new_left = what == 'd' ? 0 : to[1] > from[1] ? to[1] - from[1] + 1 : 1;
	u->old_line = from[0];
	u->new_line = from[1];
	u->diff = NORMAL;
	return true;
}

/* The name behind "--- " or "+++ "; a date may follow it, behind a tab. */
static void read_name(char name[MAX_NAME], struct lnk_part p)
{
	size_t n = 4;

	while (n < p.n && n - 4 < MAX_NAME - 1 && p.s[n] != '\t')
		n++;
	memcpy(name, p.s + 4, n - 4);
	name[n - 4] = '\0';
}

/* Does a hunk begin here? @raw is the line as it came, @p what strip() left of it. */
static bool begins_hunk(struct lnk_unwrap *u, struct lnk_part raw, struct lnk_part p)
{
	size_t lead = (size_t)(p.s - raw.s);

	if (lnk_part_starts(p, "--- "))
		read_name(u->name[0], p);
	else if (lnk_part_starts(p, "+++ "))
		read_name(u->name[1], p);
	if ((*p.s != '@' && (*p.s < '0' || *p.s > '9')) || lead > MAX_LEAD ||
	    (!read_unified(u, p) && !read_normal(u, p)))
		return false;
	memcpy(u->lead, raw.s, lead);
	u->lead_n = lead;
	return true;
}

const char *lnk_unwrap_side_name(const struct lnk_unwrap *u, enum lnk_side side)
{
	return u->name[side == LNK_SIDE_NEW];
}

/* Whose line is it by its first character, 0: it is no line of the hunk's. */
static unsigned side_of(const struct lnk_unwrap *u, char c)
{
	if (u->diff == NORMAL)
		return c == '<' ? LNK_SIDE_OLD : c == '>' ? LNK_SIDE_NEW : 0;
	return c == ' ' ? LNK_SIDE_OLD | LNK_SIDE_NEW :
	       c == '-' ? LNK_SIDE_OLD :
	       c == '+' ? LNK_SIDE_NEW :
			  0;
}

/* What a diff says between the lines: "---", "\ No newline at end of file". */
static bool is_remark(const struct lnk_unwrap *u, struct lnk_part p)
{
	return *p.s == '\\' || (u->diff == NORMAL && lnk_part_starts(p, "---"));
}

/*
 * A line of a diff: takes off what stands before it, sets its sides and numbers. False where it is
 * none, and the diff is over.
 */
static bool in_diff(struct lnk_unwrap *u, struct lnk_part *p, struct lnk_line *l)
{
	struct lnk_part at = *p;
	unsigned sides;

	if (!u->old_left && !u->new_left)
		return false;
	/* A line that is empty on both sides is a blank, which some programs take off. */
	if (at.n <= u->lead_n && !memcmp(at.s, u->lead, at.n)) {
		at = (struct lnk_part){" ", 1};
	} else {
		if (at.n <= u->lead_n || memcmp(at.s, u->lead, u->lead_n) != 0)
			return false;
		take(&at, u->lead_n);
	}
	sides = side_of(u, *at.s);
	if (!sides && !is_remark(u, at))
		return false;
	if ((sides & LNK_SIDE_OLD && !u->old_left) || (sides & LNK_SIDE_NEW && !u->new_left))
		return false;
	take(&at, sides && u->diff == NORMAL && at.n > 1 ? 2 : 1);
	l->old_line = u->old_line;
	l->new_line = u->new_line;
	u->old_line += (sides & LNK_SIDE_OLD) != 0;
	u->old_left -= (sides & LNK_SIDE_OLD) != 0;
	u->new_line += (sides & LNK_SIDE_NEW) != 0;
	u->new_left -= (sides & LNK_SIDE_NEW) != 0;
	l->sides = (uint8_t)sides;
	*p = at;
	return true;
}

/* ---- One line ------------------------------------------------------------------------------ */

static void look(struct lnk_line *l, struct lnk_part p)
{
	l->s = p.s;
	l->n = p.n;
	if (!lnk_line_row(l, p.s, p.n))
		lnk_line_look(l);
}

static void set_columns(const struct lnk_unwrap *u, struct lnk_line *l, unsigned indent, size_t n)
{
	l->indented = indent > u->block;
	l->columns = indent + (unsigned)n;
}

/* What a log put before it is taken off where that makes sense of it. */
static void look_behind_log(struct lnk_unwrap *u, struct lnk_line *l)
{
	struct lnk_part p = {l->s, l->n};
	unsigned columns;

	/* A tab and a capital begin lspci's own words. */
	if (!u->log.n && l->columns >= TAB + l->n && *p.s >= 'A' && *p.s <= 'Z')
		return;
	if (!lnk_log_strip(&u->log, &p))
		return;
	columns = strip(&p);
	set_columns(u, l, columns, p.n);
	look(l, p);
	if (l->kind == LNK_LINE_HEADER)
		u->block = columns;
}

/* The line @p, of which odd characters were taken off already. */
static void unwrap(struct lnk_unwrap *u, struct lnk_part p, struct lnk_line *l)
{
	struct lnk_part raw;
	unsigned columns;

	l->sides = LNK_SIDE_PLAIN;
	if (u->diff && !in_diff(u, &p, l))
		u->diff = NO_DIFF;
	raw = p;
	trim(&p);
	columns = strip(&p);
	strip_code(&p);
	set_columns(u, l, columns, p.n);
	look(l, p);
	if (l->kind == LNK_LINE_HEADER) {
		u->block = columns;
		u->log.n = 0;
	} else if (l->kind == LNK_LINE_TEXT || l->kind == LNK_LINE_ALMOST ||
		   l->kind == LNK_LINE_BAD_ROW) {
		if (!u->diff && !l->indented && begins_hunk(u, raw, p)) {
			l->kind = LNK_LINE_HUNK;
			l->sides = LNK_SIDE_PLAIN | LNK_SIDE_OLD | LNK_SIDE_NEW;
			l->old_line = u->old_line;
			l->new_line = u->new_line;
		} else {
			look_behind_log(u, l);
		}
	}
}

static bool is_empty(const char *s, const char *end)
{
	while (s < end && lnk_is_blank(*s))
		s++;
	return s == end;
}

/*
 * Cuts @p at the first tag that ends a line; what is behind it becomes u->rest. Returns what kind
 * of tag that was. *odd loses its flag if there is no tag at all: lspci itself writes "<TAbort-".
 */
static enum lnk_tag cut_at_tag(struct lnk_unwrap *u, struct lnk_part *p, unsigned *odd)
{
	const char *end = p->s + p->n, *at, *after = p->s;
	enum lnk_tag kind;

	u->has_rest = false;
	if (!(*odd & LNK_ODD_TAG))
		return LNK_TAG_INLINE;
	*odd &= ~(unsigned)LNK_ODD_TAG;
	while ((at = lnk_odd_tag((struct lnk_part){after, (size_t)(end - after)}, &after, &kind))) {
		*odd |= LNK_ODD_TAG;
		if (kind == LNK_TAG_INLINE)
			continue;
		u->rest = (struct lnk_part){after, (size_t)(end - after)};
		u->has_rest = after < end;
		p->n = (size_t)(at - p->s);
		return kind;
	}
	return LNK_TAG_INLINE;
}

/* The next line, still quoted. *odd: the odd characters that were taken off it. */
static bool next_piece(struct lnk_unwrap *u, struct lnk_part *p, unsigned *odd)
{
	enum lnk_tag kind;
	size_t n;

	do {
		*p = u->rest;
		*odd = u->odd;
		if (!u->has_rest) {
			if (!next_logical(u, p))
				return false;
			u->odd = *odd = lnk_odd_look(p->s, p->n);
		}
		kind = cut_at_tag(u, p, odd);
	} while (kind == LNK_TAG_BLOCK && is_empty(p->s, p->s + p->n));
	n = p->n;
	if (*odd)
		*p = (struct lnk_part){u->clean, lnk_odd_clean(*p, u->clean)};
	if (kind == LNK_TAG_BREAK || p->n == n)
		*odd = 0;
	return true;
}

/* ---- A line that nobody touched -------------------------------------------------------------- */

/* Is nothing around the next line that would have to be taken off first? */
static bool is_bare(const struct lnk_unwrap *u)
{
	return !(u->has_ahead || u->has_rest || u->too_long || u->goes_on || u->mail || u->diff);
}

/*
 * The next line where it is as lspci writes it: blank, an address and a title, or a tab and words.
 * It is what the stages above would make of it, with less work. False: it is for them.
 */
static bool quick_line(struct lnk_unwrap *u, struct lnk_line *l)
{
	struct lnk_stream *s = u->in;
	size_t room = s->end - s->at < LONG ? s->end - s->at : LONG;
	struct lnk_part p = {s->window + s->at, 0};
	const char *end;
	bool words;

	if (!is_bare(u) || u->quoted || u->encoding || u->log.n || u->block >= TAB ||
	    u->end != '\n' || !(end = memchr(p.s, '\n', room)))
		return false;
	p.n = (size_t)(end - p.s);
	words = p.n > 1 && p.s[0] == '\t' && p.s[1] >= 'A' && p.s[1] <= 'Z';
	if (p.n && (lnk_is_blank(end[-1]) || end[-1] == '=' || lnk_odd_look(p.s, p.n)))
		return false;
	if (words)
		take(&p, 1);
	strip_code(&p);
	set_columns(u, l, words ? TAB : 0, p.n);
	look(l, p);
	if (l->kind != (words ? LNK_LINE_TEXT : p.n ? LNK_LINE_HEADER : LNK_LINE_BLANK))
		return false;
	if (l->kind == LNK_LINE_HEADER)
		u->block = 0;
	s->at = (size_t)(end + 1 - s->window);
	l->line = u->first = ++u->line;
	l->sides = LNK_SIDE_PLAIN;
	l->unended = l->joined = false;
	return true;
}

/* The next line, clean. */
static bool next_clean(struct lnk_unwrap *u, struct lnk_line *l)
{
	struct lnk_part p;
	unsigned odd;

	if (quick_line(u, l))
		return true;
	if (!next_piece(u, &p, &odd))
		return false;
	l->line = u->first;
	l->unended = u->unended && !u->has_rest;
	l->joined = false;
	unwrap(u, p, l);
	/* A tag or a mark alone is not what lspci ends a function with, but for a list's. */
	if (l->kind == LNK_LINE_BLANK && (odd & LNK_ODD_TAG || (odd & LNK_ODD_MARK && !u->log.n)))
		l->kind = LNK_LINE_TEXT;
	return true;
}

/* ---- Lines that were wrapped --------------------------------------------------------------- */

/* Moves the line to where it stays while the next one is read. */
static size_t keep(struct lnk_unwrap *u, struct lnk_line *l)
{
	memmove(u->joined, l->s, l->n);
	l->s = u->joined;
	return l->n;
}

static void append(struct lnk_unwrap *u, size_t *n, const struct lnk_line *l)
{
	if (l->n + 1 > MAX_LINE - *n)
		return;
	u->joined[(*n)++] = ' ';
	memcpy(u->joined + *n, l->s, l->n);
	*n += l->n;
}

/* The next line to u->ahead, where it is not there yet; true where it may go on the line before. */
static bool fetch(struct lnk_unwrap *u)
{
	if (!u->has_ahead)
		u->has_ahead = next_clean(u, &u->ahead);
	return u->has_ahead && u->ahead.sides == LNK_SIDE_PLAIN;
}

/* The bytes that a row lacks may stand below it: so many, and nothing else. */
static void join_row(struct lnk_unwrap *u, struct lnk_line *l)
{
	unsigned have = l->kind == LNK_LINE_ROW ? l->n_bytes : 0, more;
	struct lnk_line whole = *l;
	size_t n = keep(u, l);

	while (have < LNK_ROW && fetch(u)) {
		more = u->ahead.kind == LNK_LINE_TEXT ? lnk_line_bytes(u->ahead.s, u->ahead.n) : 0;
		if (!more || more > LNK_ROW - have)
			break;
		append(u, &n, &u->ahead);
		have += more;
		u->has_ahead = false;
		whole.unended = u->ahead.unended;
		/* Without the rest, these lines still tell that something is amiss. */
		l->joined = true;
	}
	if (have < LNK_ROW)
		return;
	look(&whole, (struct lnk_part){u->joined, n});
	if (whole.kind == LNK_LINE_ROW && whole.n_bytes == LNK_ROW)
		*l = whole;
}

/* "Kernel modules: ...", "pcilib: ...": a line of its own, whatever stands above it. */
static bool has_keyword(const struct lnk_line *l)
{
	size_t i;

	for (i = 0; i < l->n && i < 32; i++) {
		char c = l->s[i];

		if (c == ':')
			return i;
		if (c <= ' ' ? c != ' ' :
			       !((c | ' ') >= 'a' && (c | ' ') <= 'z') && !(c >= '0' && c <= '9') &&
				       c != '_' && c != '/' && c != '-')
			return false;
	}
	return false;
}

/* Could more of this line stand in the next one? */
static bool may_go_on(const struct lnk_line *l)
{
	if (l->columns + LONGEST_WORD < WRAP)
		return false;
	return l->kind == LNK_LINE_HEADER ||
	       (l->kind == LNK_LINE_TEXT && l->n && (l->indented || has_keyword(l)));
}

/* Is there a line that can be told to be no rest without looking at it twice? */
static bool is_other_ahead(const struct lnk_unwrap *u)
{
	const struct lnk_stream *s = u->in;
	const char *at = s->window + s->at;

	if (u->has_ahead || u->has_rest || s->end - s->at < 3)
		return false;
	return at[0] == '\n' || (at[0] == '\t' && u->block < TAB) || at[2] == ':';
}

/* Is @l the rest of a line that ended in column @columns for want of room? */
static bool goes_on(const struct lnk_line *l, unsigned columns)
{
	size_t word = 0;

	if (l->kind != LNK_LINE_TEXT || l->indented || !l->n || has_keyword(l) ||
	    lnk_words_left_out(l->s, l->n))
		return false;
	while (word < l->n && !lnk_is_blank(l->s[word]))
		word++;
	/* A shell's prompt */
	if (memchr(l->s, '@', word) || l->s[l->n - 1] == '$' || l->s[l->n - 1] == '#')
		return false;
	return columns + 1 + word >= WRAP;
}

/* Only one thing can follow that in a title. */
static bool ends_in_revision(const struct lnk_line *l)
{
	return l->kind == LNK_LINE_HEADER && l->n > 8 && !memcmp(l->s + l->n - 8, "(rev ", 5);
}

/* Decoded text whose rest lost its indentation. */
static void join_text(struct lnk_unwrap *u, struct lnk_line *l)
{
	bool revised = ends_in_revision(l);
	unsigned columns = l->columns;
	size_t n;

	if (!may_go_on(l) || is_other_ahead(u))
		return;
	n = keep(u, l);
	while (fetch(u) && goes_on(&u->ahead, columns)) {
		if (revised &&
		    !lnk_part_starts((struct lnk_part){u->ahead.s, u->ahead.n}, "(prog-if "))
			break;
		revised = false;
		append(u, &n, &u->ahead);
		columns = u->ahead.columns;
		l->unended = u->ahead.unended;
		l->joined = true;
		u->has_ahead = false;
	}
	if (l->joined)
		look(l, (struct lnk_part){u->joined, n});
}

static bool is_short(const struct lnk_line *l)
{
	return l->kind == LNK_LINE_ROW ? l->n_bytes < LNK_ROW :
					 l->kind == LNK_LINE_BAD_ROW && l->s[l->n - 1] == ':';
}

/* ---- Lines that lspci's own trouble stands in ---------------------------------------------- */

/*
 * Where both go to one file, standard error is ahead of the output, which waits until a buffer of
 * it is full. So lspci's words of trouble stand where a buffer ended, anywhere in a line:
 *
 *	60: 11 04 00 00pcilib: sysfs_read_vpd: read failed: Input/output error
 *	 00 00 11 20 7b 00 0a 00 f1 03 40 00
 */
static const char *find_trouble(const struct lnk_line *l)
{
	static const char *const names[] = {"lspci", "pcilib"};
	const char *at = l->s, *end = l->s + l->n;
	size_t i, n;

	if (l->kind == LNK_LINE_ROW || !l->n)
		return NULL;
	for (; (at = lnk_part_find((struct lnk_part){at, (size_t)(end - at)}, ": ")); at++)
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			n = strlen(names[i]);
			if ((size_t)(at - l->s) >= n && !memcmp(at - n, names[i], n))
				return at - n;
		}
	return NULL;
}

/* How much further in than the header above it a line stands. */
static unsigned indent_of(const struct lnk_unwrap *u, const struct lnk_line *l)
{
	unsigned indent = l->columns - (unsigned)l->n;

	return indent > u->block ? indent - u->block : 0;
}

/* Puts the first @n bytes of @rest behind @whole, which is kept at @to. */
static bool put_behind(const struct lnk_unwrap *u, struct lnk_line *whole, char *to,
		       const struct lnk_line *rest, size_t n)
{
	unsigned indent = indent_of(u, rest);

	if (whole->n + 1 + n > LONG || (indent && !whole->n))
		return false;
	/* It is the blank that stood there; behind the name of a register, the tab. */
	if (indent > 1 && to[whole->n - 1] != ':')
		return false;
	if (indent)
		to[whole->n++] = ' ';
	memcpy(to + whole->n, rest->s, n);
	whole->n += n;
	return true;
}

/* Could it become a row? */
static bool begins_row(const struct lnk_line *l)
{
	static const char row[] = "100: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";
	struct lnk_line any;
	char s[sizeof(row)];
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = sizeof(row) - 1 - i;
		if (l->n > n)
			continue;
		memcpy(s, row + i, n);
		memcpy(s, l->s, l->n);
		if (lnk_line_row(&any, s, n))
			return true;
	}
	return false;
}

static bool is_title(struct lnk_line *l)
{
	lnk_line_look(l);
	return l->kind == LNK_LINE_HEADER && lnk_words_is_title(l->s + l->title, l->n - l->title);
}

/* Is @whole a line of lspci's? Its first @held bytes stood before the trouble, then @rest. */
static bool makes_sense(struct lnk_line *whole, size_t held, const struct lnk_line *rest)
{
	struct lnk_line first = *whole;

	if (lnk_line_row(whole, whole->s, whole->n))
		return true;
	if (rest->kind == LNK_LINE_ROW || rest->kind == LNK_LINE_HUNK)
		return false;
	if (whole->indented) {
		whole->kind = LNK_LINE_TEXT;
		return (rest->kind == LNK_LINE_TEXT || rest->kind == LNK_LINE_BLANK ||
			rest->kind == LNK_LINE_ALMOST) &&
		       lnk_words_is_known(whole->s, whole->n);
	}
	if (!is_title(whole))
		return false;
	/* What follows a title is no part of it; what an address lacks may look like another. */
	first.n = held;
	return rest->kind == LNK_LINE_HEADER  ? !memchr(whole->s, ' ', held) :
	       rest->kind == LNK_LINE_BAD_ROW ? !is_title(&first) :
						true;
}

/*
 * Joins what stands before the trouble and behind it, if that is a line of lspci's: a row, a title,
 * words that are known. Else both stay, and a damaged row is named by its line. More trouble may
 * follow the first at once, and in a row again later.
 */
static bool join_torn(struct lnk_unwrap *u, struct lnk_line *l)
{
	const char *at = find_trouble(l);
	struct lnk_line whole = *l;
	char *to = u->joined + l->n;
	size_t held, n;
	bool own;

	if (!at || l->n > LONG || (at == l->s && !l->indented))
		return false;
	whole.s = to;
	whole.n = (size_t)(at - l->s);
	memcpy(to, l->s, whole.n);
	keep(u, l);
	while (fetch(u)) {
		at = find_trouble(&u->ahead);
		n = at ? (size_t)(at - u->ahead.s) : u->ahead.n;
		own = at && !n && !indent_of(u, &u->ahead);
		held = whole.n;
		if (!own && !put_behind(u, &whole, to, &u->ahead, n))
			break;
		if (!at && makes_sense(&whole, held, &u->ahead)) {
			if (whole.kind == LNK_LINE_HEADER)
				u->block = l->columns - (unsigned)l->n;
			whole.unended = u->ahead.unended;
			u->has_ahead = false;
			*l = whole;
			return true;
		}
		if (!at || (!own && !begins_row(&whole)))
			break;
		/* Whatever comes, a row that was torn twice is one. */
		if (!own)
			l->kind = LNK_LINE_BAD_ROW;
		l->joined = true;
		u->has_ahead = false;
	}
	/* Where nothing follows, the input ended within the line. */
	l->unended |= !u->has_ahead;
	return l->joined || l->unended;
}

/* ---- The way through ----------------------------------------------------------------------- */

static bool quick_row(struct lnk_unwrap *u, struct lnk_line *l)
{
	struct lnk_stream *s = u->in;
	const char *at = s->window + s->at;
	size_t n;

	if (!is_bare(u) || s->end - s->at < LNK_ROW_LINE)
		return false;
	n = at[51] == '\n' ? 51 : 52;
	if (at[n] != '\n' || !lnk_line_row(l, at, n))
		return false;
	s->at += n + 1;
	l->line = ++u->line;
	l->sides = LNK_SIDE_PLAIN;
	l->joined = l->unended = false;
	return true;
}

unsigned lnk_unwrap_rows(struct lnk_unwrap *u, unsigned off, uint8_t space[LNK_CFG_MAX])
{
	struct lnk_stream *s = u->in;
	unsigned n = 0;

	if (!is_bare(u))
		return 0;
	for (; off < LNK_CFG_MAX && s->end - s->at >= LNK_ROW_LINE; off += LNK_ROW, n++) {
		if (!lnk_line_row_at(s->window + s->at, off, space + off))
			break;
		s->at += off < 0x100 ? 52 : 53;
	}
	u->line += n;
	return n;
}

bool lnk_unwrap_next(struct lnk_unwrap *u, struct lnk_line *l)
{
	if (quick_row(u, l))
		return true;
	if (u->has_ahead) {
		*l = u->ahead;
		u->has_ahead = false;
	} else if (!next_clean(u, l)) {
		return false;
	}
	if (l->sides != LNK_SIDE_PLAIN || l->unended)
		return true;
	if (join_torn(u, l))
		return true;
	if (is_short(l))
		join_row(u, l);
	else
		join_text(u, l);
	return true;
}
