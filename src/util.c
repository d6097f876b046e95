/* SPDX-License-Identifier: GPL-2.0-or-later */
/* util.c - memory, text in it, messages, the clock, and text from outside made harmless */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lnkinspect.h"

#define BLOCK_SIZE (64u << 10)

struct lnk_block {
	struct lnk_block *next;
	size_t used, size;
	uint64_t data[];
};

static _Noreturn void out_of_memory(void)
{
	fputs(LNK_NAME ": out of memory\n", stderr);
	exit(2);
}

void *lnk_xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *lnk_xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

/* Within a stream's own write nothing may end the program, which would write what streams hold. */
static ssize_t keep(void *cookie, const char *s, size_t n)
{
	struct lnk_memory *m = cookie;

	if (n >= m->room - m->n) {
		size_t room = 2 * (m->n + n);
		char *text = realloc(m->text, room);

		if (!text)
			return 0;
		m->text = text;
		m->room = room;
	}
	memcpy(m->text + m->n, s, n);
	m->n += n;
	m->text[m->n] = '\0';
	return (ssize_t)n;
}

void lnk_memory_open(struct lnk_memory *m)
{
	*m = (struct lnk_memory){.text = lnk_xmalloc(BLOCK_SIZE), .room = BLOCK_SIZE};
	m->text[0] = '\0';
	m->to = fopencookie(m, "w", (cookie_io_functions_t){.write = keep});
	if (!m->to)
		out_of_memory();
}

void lnk_memory_close(struct lnk_memory *m)
{
	bool whole = !fflush(m->to) && !ferror(m->to);

	fclose(m->to);
	m->to = NULL;
	if (!whole)
		out_of_memory();
}

void *lnk_alloc(struct lnk_arena *a, size_t size)
{
	/* Nothing of ours, and of jansson, is wider. */
	size_t align = _Alignof(uint64_t);
	struct lnk_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX - BLOCK_SIZE)
		out_of_memory();
	size = (size + align - 1) / align * align;
	if (!b || b->size - b->used < size) {
		size_t room = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;

		b = lnk_xmalloc(sizeof(*b) + room);
		b->used = 0;
		b->size = room;
		/* A block made for one large object must not hide the room in the one before it. */
		if (a->blocks && room == size) {
			b->next = a->blocks->next;
			a->blocks->next = b;
		} else {
			b->next = a->blocks;
			a->blocks = b;
		}
	}
	p = (char *)b->data + b->used;
	b->used += size;
	return memset(p, 0, size);
}

char *lnk_strndup(struct lnk_arena *a, const char *s, size_t n)
{
	char *p = lnk_alloc(a, n + 1);

	memcpy(p, s, n);
	return p;
}

char *lnk_strf(struct lnk_arena *a, const char *fmt, ...)
{
	char text[256], *p;
	va_list ap;
	int n;

	/* Most is short: formatted once. */
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory();
	if ((size_t)n < sizeof(text))
		return lnk_strndup(a, text, (size_t)n);
	p = lnk_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void lnk_arena_free(struct lnk_arena *a)
{
	while (a->blocks) {
		struct lnk_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
}

/*
 * Length of the UTF-8 sequence at s if it is well formed (Unicode 15, table 3-7) and harmless to
 * print; 0 if not. *cp gets the code point.
 */
static size_t utf8_len(const unsigned char *s, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;

	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
		return 0;
	*cp = s[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3fu);
	}
	if (*cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp < 0xe000))
		return 0;
	return len;
}

static bool harmless(uint32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return false;
	if (cp == 0xad || cp == 0x61c || cp == 0x180e || cp == 0xfeff)
		return false;
	/* Zero-width, bidirectional, line-breaking format characters (Unicode 15, chapter 23). */
	if ((cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2060 && cp <= 0x206f) || (cp >= 0xfff0 && cp <= 0xfffb))
		return false;
	return cp < 0xe0000;
}

char *lnk_clean(struct lnk_arena *a, const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	char *out = lnk_xmalloc(4 * n + 1);
	size_t i = 0, o = 0;
	char *kept;

	while (i < n) {
		uint32_t cp = 0;
		size_t len = utf8_len(u + i, n - i, &cp), k;

		if (len && harmless(cp)) {
			memcpy(out + o, s + i, len);
			o += len;
		} else {
			len = len ? len : 1;
			for (k = 0; k < len; k++)
				o += (size_t)sprintf(out + o, "\\x%02x", u[i + k]);
		}
		i += len;
	}
	kept = lnk_strndup(a, out, o);
	free(out);
	return kept;
}

uint64_t lnk_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * LNK_SECOND + (uint64_t)t.tv_nsec;
}

int lnk_fail(struct lnk_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err->text[0])
		return code;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}
