/* SPDX-License-Identifier: GPL-2.0-or-later */
/* text.c - fuzz target: text, and all that follows; an input is a head and what a file holds */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lnk_captures c = {0};

	if (size < FUZZ_HEAD)
		return -1;
	oracle_read((const char *)data + FUZZ_HEAD, size - FUZZ_HEAD, &c);
	fuzz_judge(&c, data);
	return 0;
}
