/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz.c - what the targets share: the head of an input, and all that follows a source */
#include <stdlib.h>

#include "fuzz.h"

/* A crash, so that the input is kept. */
void oracle_complain(const char *fmt, ...)
{
	va_list ap;

	fputs("not so: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

static struct lnk_view view_of(const uint8_t head[FUZZ_HEAD])
{
	static const unsigned widths[] = {0, 1, 13, 20, 60, 80, 132, 1000};

	return (struct lnk_view){
		.names = (enum lnk_names)((head[0] & 3) % 3),
		.verbose = head[0] >> 2 & 1,
		.quiet = head[0] >> 3 & 1,
		.color = head[0] >> 4 & 1,
		.utf8 = head[0] >> 5 & 1,
		.redact = head[0] >> 6 & 1,
		.width = widths[head[1] & 7],
		.fail_on = (enum lnk_severity)(LNK_NOTICE + (head[1] >> 3 & 3)),
	};
}

void fuzz_write(struct lnk_captures *c, const uint8_t head[FUZZ_HEAD])
{
	struct lnk_view view = view_of(head);
	int status = 0;
	size_t i;

	for (i = 0; i < c->n; i++)
		status = lnk_status_worse(status, lnk_status(c->models[i], &view));
	oracle_write(c, lnk_formats[(head[1] >> 5) % lnk_n_formats], &view, status);
	lnk_captures_free(c);
}

void fuzz_compare(struct lnk_captures *here, struct lnk_captures *there,
		  const uint8_t head[FUZZ_HEAD])
{
	struct lnk_view view = view_of(head);
	struct lnk_judge judge = {0};

	oracle_judge(here, &judge, &view);
	oracle_judge(there, &judge, &view);
	if (here->n && there->n)
		oracle_compare(here->models[0], there->models[0], &view);
	lnk_captures_free(here);
	lnk_captures_free(there);
}

void fuzz_judge(struct lnk_captures *c, const uint8_t head[FUZZ_HEAD])
{
	struct lnk_view view = view_of(head);
	struct lnk_judge judge = {.keep = view.verbose ? UINT64_MAX : BIT(LNK_SKIPPED)};

	oracle_judge(c, &judge, &view);
	fuzz_write(c, head);
}
