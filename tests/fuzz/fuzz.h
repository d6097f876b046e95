/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz.h - what the targets share: the head of an input, and all that follows a source */
#ifndef FUZZ_H
#define FUZZ_H

#include "../oracle.h"

/* Two bytes before each input say how it is looked at: options, then width and format. */
#define FUZZ_HEAD 2

/* Judges, writes and frees @c; the second, what was judged before. */
void fuzz_judge(struct lnk_captures *c, const uint8_t head[FUZZ_HEAD]);
void fuzz_write(struct lnk_captures *c, const uint8_t head[FUZZ_HEAD]);
/* Judges the first capture of each, compares them, writes that in all formats, and frees both. */
void fuzz_compare(struct lnk_captures *here, struct lnk_captures *there,
		  const uint8_t head[FUZZ_HEAD]);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
