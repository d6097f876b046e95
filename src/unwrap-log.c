/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unwrap-log.c - what logs put before a line (times, machines, programs), and people (bullets)
 *
 * A prefix is a run of known pieces, one of which must be a time or a priority; or one mark of a
 * list. It proves nothing by itself: prose may begin with a time. It counts where a row or a header
 * is behind it; lines that follow then may be words with a prefix of the same pieces.
 */
#include <string.h>

#include "lspci.h"

enum piece {
	PRIORITY, /* <6> */
	UPTIME,	  /* [   12.345678] */
	CALLER,	  /* [ T1234], [    C0] */
	CTIME,	  /* [Mon Jan  1 00:00:00 2024] */
	MONTH,	  /* Jan  1 00:00:00 */
	DATE,	  /* 2024-01-01T00:00:00.123456+00:00, with brackets or without */
	CLOCK,	  /* 00:00:00.123, with brackets or without */
	GLOG,	  /* I0101 00:00:00.000000  1234 file.cc:45] */
	TAG,	  /* kernel: prog[123]: */
	BAR,	  /* | as docker compose has it */
	WORD,	  /* a machine's name */
	BULLET,	  /* - * + # */
	NUMBER,	  /* 1. 1) 1: and cat -n */
	INITIALS, /* JD> */
	PIECES
};
#define TIMES (1u << UPTIME | 1u << CTIME | 1u << MONTH | 1u << DATE | 1u << CLOCK | 1u << GLOG)
#define WORDS 3u /* tags and words in one prefix */

/* ---- Patterns ------------------------------------------------------------------------------ */

/*
 * Matches the start of @p: '0' a digit, '9' any number of digits, ' ' one blank or more, 'A' and
 * 'a' a letter, anything else itself. Returns the length, 0 if it does not match.
 */
static size_t match(struct lnk_part p, const char *pattern)
{
	size_t i = 0;

	for (; *pattern; pattern++) {
		char c = i < p.n ? p.s[i] : '\0';
		bool digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z';
		size_t from = i;

		switch (*pattern) {
		case '9':
			while (i < p.n && p.s[i] >= '0' && p.s[i] <= '9')
				i++;
			break;
		case ' ':
			while (i < p.n && p.s[i] == ' ')
				i++;
			break;
		case '0':
			i += digit;
			break;
		case 'A':
			i += upper;
			break;
		case 'a':
			i += upper || (c >= 'a' && c <= 'z');
			break;
		default:
			i += i < p.n && c == *pattern;
		}
		if (i == from)
			return 0;
	}
	return i;
}

/* What may follow a clock: a fraction, and a zone. */
static size_t match_rest(struct lnk_part p, size_t i)
{
	static const char *const rests[] = {".9", ",9", "Z", "+00:00", "-00:00", "+0000", "-0000"};
	size_t k;

	for (k = 0; k < ARRAY_SIZE(rests); k++)
		i += match((struct lnk_part){p.s + i, p.n - i}, rests[k]);
	return i;
}

static size_t match_any(struct lnk_part p, const char *const *patterns, size_t n)
{
	size_t i, len = 0;

	for (i = 0; i < n && !len; i++)
		len = match(p, patterns[i]);
	return len;
}

/* A date or a clock, in brackets or without. */
static size_t match_clock(struct lnk_part p, const char *const *patterns, size_t n)
{
	size_t open = p.n && *p.s == '[', i;

	p.s += open;
	p.n -= open;
	i = match_any(p, patterns, n);
	if (!i)
		return 0;
	i = match_rest(p, i);
	if (!open)
		return i;
	return i < p.n && p.s[i] == ']' ? i + 2 : 0;
}

/* A number and a tab, or nothing: what cat -n writes. */
static size_t match_column(struct lnk_part p)
{
	size_t i = match(p, "9");

	return i == p.n || p.s[i] == '\t' ? i : 0;
}

/* The first word; a tag is one with a colon at its end. */
static size_t match_word(struct lnk_part p, enum piece piece)
{
	size_t i = 0;

	while (i < p.n && i < 64 && p.s[i] > ' ')
		i++;
	if (!i || (i < p.n && p.s[i] != ' '))
		return 0;
	return piece == WORD || (i > 1 && p.s[i - 1] == ':') ? i : 0;
}

/* The length of @piece at the start of @p, without the blank behind it; 0: there is none. */
static size_t match_piece(struct lnk_part p, enum piece piece)
{
	static const char *const callers[] = {"[ T9]", "[T9]", "[ C9]", "[C9]"};
	static const char *const uptimes[] = {"[ 9.000000]", "[9.000000]"};
	static const char *const months[] = {"Aaa 9 00:00:00", "Aaa 00 00:00:00"};
	static const char *const dates[] = {"0000-00-00T00:00:00", "0000-00-00 00:00:00",
					    "0000/00/00 00:00:00"};
	static const char *const clocks[] = {"00:00:00"};
	static const char *const numbers[] = {"9.", "9)", "9:"};
	static const char *const initials[] = {"a>", "aa>", "aaa>"};
	size_t i;

	switch (piece) {
	case PRIORITY:
		return match(p, "<9>");
	case UPTIME:
		return match_any(p, uptimes, ARRAY_SIZE(uptimes));
	case CALLER:
		return match_any(p, callers, ARRAY_SIZE(callers));
	case CTIME:
		return match(p, "[Aaa Aaa 9 00:00:00 0000]");
	case MONTH:
		i = match_any(p, months, ARRAY_SIZE(months));
		return i ? match_rest(p, i) : 0;
	case DATE:
		return match_clock(p, dates, ARRAY_SIZE(dates));
	case CLOCK:
		return match_clock(p, clocks, ARRAY_SIZE(clocks));
	case GLOG:
		i = match(p, "A0000 00:00:00.9 9 ");
		while (i && i < p.n && p.s[i] != ']')
			i = lnk_is_blank(p.s[i]) ? 0 : i + 1;
		return i && i < p.n ? i + 1 : 0;
	case BAR:
		return match(p, "|");
	case BULLET:
		return p.n && memchr("-*+#", *p.s, 4) ? 1 : 0;
	case NUMBER:
		i = match_any(p, numbers, ARRAY_SIZE(numbers));
		return i ? i : match_column(p);
	case INITIALS:
		return match_any(p, initials, ARRAY_SIZE(initials));
	default:
		return match_word(p, piece);
	}
}

/* ---- A prefix ------------------------------------------------------------------------------ */

/* Moves past @piece and the blank behind it; a priority has none. */
static bool skip_piece(struct lnk_part *p, enum piece piece)
{
	size_t n = match_piece(*p, piece), first = 0;

	/* A log that pads its columns pads words, too. */
	if (!n && (piece == BAR || piece == WORD)) {
		while (first < p->n && p->s[first] == ' ')
			first++;
		n = match_piece((struct lnk_part){p->s + first, p->n - first}, piece);
	}
	if (!n)
		return false;
	n += first;
	if (n < p->n && p->s[n] == ' ')
		n++;
	else if (n < p->n && piece != PRIORITY && piece != UPTIME && p->s[n] != '\t')
		return false;
	p->s += n;
	p->n -= n;
	return true;
}

/* A full row, a function's address with words that lspci writes behind it, or our own head. */
static bool is_start(struct lnk_part p)
{
	static const char head[] = "# " LNK_NAME " capture ";
	struct lnk_line l = {.s = p.s, .n = p.n};
	struct lnk_words w;

	while (l.n && lnk_is_blank(*l.s)) {
		l.s++;
		l.n--;
	}
	if (l.n >= sizeof(head) - 1 && !memcmp(l.s, head, sizeof(head) - 1))
		return true;
	lnk_line_look(&l);
	if (l.kind == LNK_LINE_ROW)
		return l.n_bytes == LNK_ROW;
	if (l.kind != LNK_LINE_HEADER)
		return false;
	lnk_words_begin(&w);
	lnk_words_title(&w, l.s + l.title, l.n - l.title);
	return w.hint.known || l.title == l.n;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Could there be a time? Most lines are no log's, and should cost no more than this. */
static bool may_have_time(struct lnk_part p)
{
	const char *end = p.s + p.n, *at;

	if (p.n < 8)
		return false;
	if (*p.s == '<' && is_digit(p.s[1]))
		return true;
	for (at = p.s + 2; (at = memchr(at, ':', (size_t)(end - at))); at++)
		if (end - at > 5 && at[3] == ':' && is_digit(at[-1]) && is_digit(at[1]))
			return true;
	for (at = p.s + 7; (at = memchr(at, ']', (size_t)(end - at))); at++)
		if (at[-7] == '.' && is_digit(at[-1]))
			return true;
	return false;
}

/* As for times: most lines begin with a word. */
static bool may_have_mark(struct lnk_part p)
{
	return p.n > 4 && (is_digit(*p.s) || memchr("-*+#", *p.s, 4) || memchr(p.s, '>', 4));
}

/* A mark of a list, and what it is put before is all that follows. */
static bool strip_mark(struct lnk_log *log, struct lnk_part *p)
{
	struct lnk_part at;
	uint8_t piece;

	if (!may_have_mark(*p))
		return false;
	for (piece = BULLET; piece < PIECES; piece++) {
		at = *p;
		if (!skip_piece(&at, piece) || !is_start(at))
			continue;
		*log = (struct lnk_log){.n = 1, .piece = {piece}};
		*p = at;
		return true;
	}
	return false;
}

static bool strip_like(const struct lnk_log *log, struct lnk_part *p)
{
	struct lnk_part at = *p;
	unsigned i;

	for (i = 0; i < log->n; i++)
		if (!skip_piece(&at, log->piece[i]))
			return false;
	*p = at;
	return log->n;
}

bool lnk_log_strip(struct lnk_log *log, struct lnk_part *p)
{
	unsigned words = 0, seen = 0, piece;
	struct lnk_log found = {0};
	struct lnk_part at = *p;

	if (strip_like(log, p) || strip_mark(log, p))
		return true;
	if (!may_have_time(at))
		return false;
	while (found.n < LNK_LOG_MAX) {
		for (piece = 0; piece < BULLET; piece++)
			if (skip_piece(&at, piece))
				break;
		if (piece == BULLET || (piece >= TAG && ++words > WORDS))
			return false;
		seen |= 1u << piece;
		found.piece[found.n++] = (uint8_t)piece;
		if (seen & (TIMES | 1u << PRIORITY) && is_start(at)) {
			*log = found;
			*p = at;
			return true;
		}
	}
	return false;
}
