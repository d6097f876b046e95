/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.c - bytes to lines with their original line numbers */
#include <string.h>

#include "lnkinspect.h"

void lnk_lines_init(struct lnk_lines *l, const struct lnk_input *in)
{
	static const char bom[] = {'\xef', '\xbb', '\xbf'};

	l->at = in->data;
	l->end = in->data + in->size;
	l->line = 0;
	/* Editors and shells of other systems put one there; it would hide the first header. */
	if (in->size >= sizeof(bom) && !memcmp(l->at, bom, sizeof(bom)))
		l->at += sizeof(bom);
}

bool lnk_lines_next(struct lnk_lines *l, const char **s, size_t *n)
{
	const char *at = l->at, *nl;
	size_t rest = (size_t)(l->end - at), len;

	if (!rest)
		return false;
	nl = memchr(at, '\n', rest);
	len = nl ? (size_t)(nl - at) : rest;
	l->at = nl ? nl + 1 : l->end;
	l->line++;
	if (len && at[len - 1] == '\r')
		len--;
	*s = at;
	*n = len;
	return true;
}
