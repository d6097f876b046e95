/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-json.h - values of JSON, as documents and rows both write them; for those reports alone */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <jansson.h>

#include "lnkinspect.h"

/* Sets @key, one of ours, of @o to what it is given; takes it over. */
static inline void set(json_t *o, const char *key, json_t *value)
{
	json_object_set_new_nocheck(o, key, value);
}

/* null where there is none, or it is no UTF-8 */
static inline json_t *text(const char *s)
{
	json_t *j = s ? json_string(s) : NULL;

	return j ? j : json_null();
}

static inline json_t *integer(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* @digits: 8 at most */
static inline json_t *hex(uint32_t x, unsigned digits)
{
	char s[8];

	lnk_put_hex(s, x, digits);
	return json_stringn_nocheck(s, digits);
}

static inline json_t *address(const struct lnk_fn *f)
{
	char at[LNK_ADDR_LEN];

	return f ? json_string_nocheck(lnk_addr_str(f->addr, at)) : json_null();
}

#endif
