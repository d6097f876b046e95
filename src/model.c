/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model.c - a capture and what it owns: make, grow, sort, find, free */
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

struct lnk_model *lnk_model_new(void)
{
	struct lnk_model *m = lnk_xmalloc(sizeof(*m));

	memset(m, 0, sizeof(*m));
	m->snapshots = 1;
	return m;
}

void lnk_model_free(struct lnk_model *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->n_counts; i++)
		free(m->counts[i].results);
	lnk_arena_free(&m->arena);
	free(m->fns);
	free(m->links);
	free(m->damage);
	free(m->findings);
	free(m->counts);
	free(m);
}

struct lnk_fn *lnk_model_add(struct lnk_model *m, struct lnk_addr addr)
{
	struct lnk_fn *f;

	if (m->n_fns == LNK_MAX_FUNCTIONS) {
		if (!m->limit)
			m->limit =
				lnk_strf(&m->arena, "more than %u functions: the rest is left out",
					 LNK_MAX_FUNCTIONS);
		return NULL;
	}
	if (m->n_fns == m->max_fns) {
		m->max_fns = m->max_fns ? m->max_fns + m->max_fns / 2 : 16;
		m->fns = lnk_xrealloc(m->fns, m->max_fns * sizeof(*m->fns));
	}
	f = &m->fns[m->n_fns++];
	memset(f, 0, sizeof(*f));
	f->addr = addr;
	return f;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = lnk_addr_key(((const struct lnk_fn *)a)->addr);
	uint64_t y = lnk_addr_key(((const struct lnk_fn *)b)->addr);

	return x < y ? -1 : x > y;
}

void lnk_model_sort(struct lnk_model *m)
{
	size_t i;

	for (i = 1; i < m->n_fns; i++)
		if (by_address(&m->fns[i - 1], &m->fns[i]) > 0) {
			qsort(m->fns, m->n_fns, sizeof(*m->fns), by_address);
			return;
		}
}

struct lnk_fn *lnk_model_find(const struct lnk_model *m, struct lnk_addr addr)
{
	struct lnk_fn key = {.addr = addr};

	if (!m->n_fns)
		return NULL;
	return bsearch(&key, m->fns, m->n_fns, sizeof(key), by_address);
}

void lnk_model_damage(struct lnk_model *m, uint32_t line, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (m->n_damage++ >= LNK_MAX_DAMAGE)
		return;
	if (!m->damage)
		m->damage = lnk_xmalloc(LNK_MAX_DAMAGE * sizeof(*m->damage));
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	m->damage[m->n_damage - 1] = (struct lnk_damage){
		.line = line,
		.what = lnk_strndup(&m->arena, text, strlen(text)),
	};
}
