/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.h - what the files that make lines of an input share: one line, and how it is unwrapped */
#ifndef TEXT_H
#define TEXT_H

#include <string.h>

#include "lnkinspect.h"

/* A part of a line; nothing in it is terminated. */
struct lnk_part {
	const char *s;
	size_t n;
};
static inline bool lnk_is_blank(char c)
{
	return c == ' ' || c == '\t';
}
static inline bool lnk_part_is(struct lnk_part p, const char *word)
{
	return p.n == strlen(word) && !memcmp(p.s, word, p.n);
}
/*
 * Inlined always: of a word that is written there the length is known, and most lines differ at
 * once.
 */
static inline __attribute__((always_inline)) bool lnk_part_starts(struct lnk_part p,
								  const char *word)
{
	size_t n = strlen(word);

	return p.n >= n && (!n || *p.s == *word) && !memcmp(p.s, word, n);
}
/* Where @word, of one character or more, first stands in @p; NULL: nowhere. */
static inline const char *lnk_part_find(struct lnk_part p, const char *word)
{
	const char *at = p.s, *end = p.s + p.n;
	size_t n = strlen(word);

	/* memmem() is made for longer ones. */
	for (; (at = memchr(at, *word, (size_t)(end - at))); at++)
		if ((size_t)(end - at) >= n && !memcmp(at, word, n))
			return at;
	return NULL;
}
/* Moves behind @word; false where @p does not begin with it. */
static inline __attribute__((always_inline)) bool lnk_part_skip(struct lnk_part *p,
								const char *word)
{
	if (!lnk_part_starts(*p, word))
		return false;
	p->s += strlen(word);
	p->n -= strlen(word);
	return true;
}

/* ---- lspci-line.c: what one line is ------------------------------------------------------- */

#define LNK_ROW	     16u		     /* bytes in each row that lspci writes */
#define LNK_ROWS     (LNK_CFG_MAX / LNK_ROW) /* rows in a configuration space */
#define LNK_ROW_LINE 54u /* bytes of a row as lspci writes it, its end, and room */

/* The value of a hex digit with the bit LNK_HEX set; 0: it is none. */
#define LNK_HEX 0x10u
extern const uint8_t lnk_hex[256];

enum lnk_line_kind {
	LNK_LINE_TEXT,
	LNK_LINE_BLANK,
	LNK_LINE_HEADER, /* a function's address and its words */
	LNK_LINE_ALMOST, /* what was a header but for a character or a number out of range */
	LNK_LINE_ROW,	 /* 1 to 16 bytes */
	LNK_LINE_BAD_ROW,
	LNK_LINE_HUNK, /* a diff goes on somewhere else */
};

/* Whose line it is: the input's own, or in a diff that of one file or both. */
enum lnk_side { LNK_SIDE_PLAIN = 1, LNK_SIDE_OLD = 2, LNK_SIDE_NEW = 4 };
enum { LNK_SIDES = 3 };

struct lnk_line {
	enum lnk_line_kind kind;
	const char *s; /* clean; not set for a row as lspci writes it; lives until the next line */
	size_t n;
	uint32_t line;	   /* number in the input of the line where it starts, from 1 */
	uint32_t old_line; /* in a diff: its number in the old file */
	uint32_t new_line; /* and in the new one */
	unsigned columns;  /* that it took, with its indentation and without quoting */
	uint8_t sides;	   /* enum lnk_side, or'ed */
	bool indented;	   /* further in than the header above it */
	bool joined;	   /* of several lines, or what should have been part of it was not */
	bool unended;	   /* the input's last line, and it has no end */
	bool lspci_row;	   /* the offset is written as lspci does, the row is full */
	struct lnk_addr addr;
	size_t title; /* where the words after the address start */
	uint32_t off;
	unsigned n_bytes;
	uint8_t bytes[LNK_ROW];
};
/* A row exactly as lspci prints it; only then anything is set, and all but where it stands. */
bool lnk_line_row(struct lnk_line *l, const char *s, size_t n);
/*
 * Does the line at @s hold the row at @off (a multiple of LNK_ROW, below LNK_CFG_MAX) exactly so,
 * with its end? LNK_ROW_LINE bytes must be there; @bytes may be written to in any case.
 */
bool lnk_line_row_at(const char *s, unsigned off, uint8_t bytes[LNK_ROW]);
/* Fills in kind and what belongs to it from ->s, ->n and ->indented. */
void lnk_line_look(struct lnk_line *l);
/* How many bytes follow each other here, and nothing else; 0: something else does. */
unsigned lnk_line_bytes(const char *s, size_t n);
/* "40: 01 -- ...", a row of which some bytes are not known; a bit in @known for each that is. */
bool lnk_line_part(struct lnk_line *l, const char *s, size_t n, uint16_t *known);

/* ---- unwrap.c: an input's bytes to lines as lspci wrote them ------------------------------- */

struct lnk_unwrap;
/* @in must live as long; its window is used. */
struct lnk_unwrap *lnk_unwrap_new(struct lnk_stream *in);
void lnk_unwrap_free(struct lnk_unwrap *u);
/* The next line; false at the end, or where reading failed (the stream says so). */
bool lnk_unwrap_next(struct lnk_unwrap *u, struct lnk_line *l);
/*
 * Rows as lspci writes them that follow each other from @off on, straight into @space, as if each
 * was the next line; returns how many. What is anything else is left for lnk_unwrap_next().
 */
unsigned lnk_unwrap_rows(struct lnk_unwrap *u, unsigned off, uint8_t space[LNK_CFG_MAX]);
/* The name of one side's file as the diff gives it, not clean; "" where it does not. */
const char *lnk_unwrap_side_name(const struct lnk_unwrap *u, enum lnk_side side);

/* ---- unwrap-bytes.c: characters that stand for others, within a line ----------------------- */

/* What may have to be taken off a line, or'ed; most lines have none of it. */
enum lnk_odd { LNK_ODD_BYTES = 1, LNK_ODD_TAG = 2, LNK_ODD_MARK = 4 };
unsigned lnk_odd_look(const char *s, size_t n);
/*
 * Copies @in to @out, which is as large, without escape sequences, entities, tags, marks and
 * blanks of other kinds. Returns the length.
 */
size_t lnk_odd_clean(struct lnk_part in, char *out);
/* What a page's tag does to the line that it stands in. */
enum lnk_tag {
	LNK_TAG_INLINE, /* nothing */
	LNK_TAG_BREAK,	/* ends it */
	LNK_TAG_BLOCK,	/* ends it, if it was begun */
};
/* Where the first tag starts, and in *after where it ends; NULL: there is none. */
const char *lnk_odd_tag(struct lnk_part in, const char **after, enum lnk_tag *kind);
/* Decodes quoted-printable in place; returns the length. */
size_t lnk_odd_printable(char *s, size_t n);
/* Copies what stands in a string of JSON's to @out, which is as large; returns the length. */
size_t lnk_odd_unescape(struct lnk_part in, char *out);

/* ---- unwrap-mail.c: a part of a mail in base64 --------------------------------------------- */

struct lnk_base64 {
	struct lnk_stream *from; /* which is read on to where the part ends */
	struct lnk_stream out;
	size_t width;	/* bytes in each of its lines but the last */
	uint32_t lines; /* that were read of @from */
};
/* False: what comes next in @in is no base64. Else its bytes are in ->out, to be closed. */
bool lnk_base64_open(struct lnk_base64 *b, struct lnk_stream *in);

/* ---- unwrap-log.c: what logs put before a line --------------------------------------------- */

#define LNK_LOG_MAX 8
/* The pieces of a prefix: one line's is like another's where they are the same. */
struct lnk_log {
	unsigned n;
	uint8_t piece[LNK_LOG_MAX];
};
/*
 * Takes a prefix off @p: where a row or a header is behind it, which sets *log, or where it is one
 * like *log. False: there is none.
 */
bool lnk_log_strip(struct lnk_log *log, struct lnk_part *p);

#endif
