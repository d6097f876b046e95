/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compare.c - fuzz target: one capture beside another, as text; an input is a head, what is judged,
 * a line of four percent signs, and what it is compared with; without that line, itself
 */
#include <string.h>

#include "fuzz.h"

/* No line of lspci's, nor of a mail. */
static const char mark[] = "%%%%\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data + FUZZ_HEAD, *at;
	struct lnk_captures here = {0}, there = {0};
	size_t n;

	if (size < FUZZ_HEAD)
		return -1;
	size -= FUZZ_HEAD;
	at = memmem(s, size, mark, sizeof(mark) - 1);
	n = at ? (size_t)(at - s) : size;
	at = at ? at + sizeof(mark) - 1 : s;
	oracle_read(s, n, &here);
	oracle_read(at, at == s ? n : size - (size_t)(at - s), &there);
	fuzz_compare(&here, &there, data);
	return 0;
}
