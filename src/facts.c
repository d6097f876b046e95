/* SPDX-License-Identifier: GPL-2.0-or-later */
/* facts.c - what a report says beside its captures: the machine, what others said of its links */
#include <string.h>

#include "lnkinspect.h"

/* ---- The machine --------------------------------------------------------------------------- */

/* "Linux version 6.1.0-9-amd64 (...": Linux init/version.c linux_banner */
static bool read_kernel(struct lnk_facts *f, const char *s, size_t n)
{
	static const char banner[] = "Linux version ";
	size_t len = sizeof(banner) - 1, end = len;

	if (f->env.kernel || n <= len || memcmp(s, banner, len) != 0)
		return false;
	while (end < n && s[end] != ' ')
		end++;
	f->env.kernel = lnk_strf(&f->arena, "Linux %s", lnk_clean(&f->arena, s + len, end - len));
	return true;
}

void lnk_facts_line(struct lnk_facts *f, uint32_t line, const char *s, size_t n)
{
	(void)line;
	read_kernel(f, s, n);
}

/* ---- To a capture -------------------------------------------------------------------------- */

static const char *either(struct lnk_arena *a, const char *own, const char *said)
{
	return own || !said ? own : lnk_strndup(a, said, strlen(said));
}

void lnk_facts_apply(const struct lnk_facts *f, struct lnk_model *m)
{
	struct lnk_env *e = &m->env;

	e->kernel = either(&m->arena, e->kernel, f->env.kernel);
}

void lnk_facts_free(struct lnk_facts *f)
{
	lnk_arena_free(&f->arena);
	*f = (struct lnk_facts){0};
}
