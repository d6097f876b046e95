/* SPDX-License-Identifier: GPL-2.0-or-later */
/* unwrap-mail.c - a part of a mail that is encoded as base64: RFC 2045 6.8 */
#include <string.h>

#include "text.h"

#define MAX_LINE 1024u /* characters; mail has 76 */

/* The value of a character, and what else one can be. */
enum { PAD = 64, NONE };

static unsigned value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? PAD : NONE;
}

/* How many characters of base64 the next line has; 0: it is none. */
static size_t line_length(struct lnk_stream *in)
{
	size_t n, pads = 0;
	const char *s;

	if (in->end - in->at <= MAX_LINE)
		lnk_stream_more(in);
	s = in->window + in->at;
	for (n = 0; n < in->end - in->at && s[n] != '\n' && s[n] != '\r'; n++) {
		unsigned v = value_of(s[n]);

		pads += v == PAD;
		if (v == NONE || (pads && v != PAD) || pads > 2 || n == MAX_LINE)
			return 0;
	}
	return n % 4 ? 0 : n;
}

static void skip_line(struct lnk_base64 *b, size_t n)
{
	struct lnk_stream *in = b->from;

	in->at += n;
	if (in->at < in->end && in->window[in->at] == '\r')
		in->at++;
	if (in->at < in->end && in->window[in->at] == '\n')
		in->at++;
	b->lines++;
}

static size_t decode(char *to, const char *s, size_t n)
{
	size_t i, k, pads = 0, written = 0;

	for (i = 0; i < n; i += 4) {
		uint32_t v = 0;

		for (k = 0; k < 4; k++) {
			pads += value_of(s[i + k]) == PAD;
			v = v << 6 | (value_of(s[i + k]) & 63);
		}
		for (k = 0; k < 3 - pads; k++)
			to[written++] = (char)(v >> (16 - 8 * k) & 0xff);
	}
	return written;
}

static ssize_t fill(struct lnk_stream *s, char *to, size_t room)
{
	struct lnk_base64 *b = s->from;
	size_t n = line_length(b->from), most = room / 3 * 4;
	ssize_t got;

	if (!n)
		return b->from->error;
	if (n > most) {
		got = (ssize_t)decode(to, b->from->window + b->from->at, most);
		b->from->at += most;
		return got;
	}
	got = (ssize_t)decode(to, b->from->window + b->from->at, n);
	skip_line(b, n);
	if (b->lines == 1)
		b->width = (size_t)got;
	return got;
}

bool lnk_base64_open(struct lnk_base64 *b, struct lnk_stream *in)
{
	if (!line_length(in))
		return false;
	*b = (struct lnk_base64){.from = in};
	lnk_stream_open(&b->out, fill, b);
	lnk_stream_more(&b->out);
	return true;
}
