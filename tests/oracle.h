/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle.h - what is held true of whatever is read, judged and written: for programs that make
 * hostile input (mangle.c, fuzz/)
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "lnkinspect.h"

/* xorshift64: the same on every machine. */
static inline uint64_t oracle_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Where something is not so, in words; each program has its own. */
void oracle_complain(const char *fmt, ...) LNK_PRINTF(1, 2);

/* Reads text. False where it is no capture; then there must be words, or nothing of lspci in it. */
bool oracle_read(const char *data, size_t size, struct lnk_captures *c);

/* Walks and judges all of @c by @j, with every form of suggestion. Its status: 0, 1 or 3. */
int oracle_judge(const struct lnk_captures *c, const struct lnk_judge *j, const struct lnk_view *v);

/*
 * Writes all of @c. What is written is UTF-8 without control characters; what is for people, ASCII
 * or in colours by @v; JSON is JSON; a dump can be read again, and holds the same bytes.
 */
void oracle_write(const struct lnk_captures *c, const struct lnk_format *f,
		  const struct lnk_view *v, int status);

/* Compares what was judged, and writes that in each format; the same holds. */
void oracle_compare(const struct lnk_model *here, const struct lnk_model *there,
		    const struct lnk_view *v);

/* Does it tell of links in words alone? A capture holds registers, and is refused then. */
bool oracle_told_in_words(const struct lnk_captures *c);

/* Well-formed UTF-8 without control characters but tab and newline; else where it is not. */
const char *oracle_raw(const char *text, size_t size);

/* Has a capture of @c all the bytes of @f in a function of the same address? */
bool oracle_bytes_in(const struct lnk_fn *f, const struct lnk_captures *c);

/* How much of decoded text counts. It has no check on itself: "x1" may be what is left of "x16". */
enum oracle_words { ORACLE_WORDS, ORACLE_NO_WORDS };
/*
 * Nothing in @part is invented: every byte and register that is known is known in a capture of
 * @whole, with that value; no register is called absent that the whole capture has. @what: for
 * words.
 */
void oracle_part_of(const struct lnk_captures *part, const struct lnk_captures *whole,
		    enum oracle_words words, const char *what);

#endif
