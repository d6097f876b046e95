/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * floor.c - the least that judging a capture can cost: a bare loop, for benchmarks
 *
 *	floor CAPTURE		"N functions, link sum X"
 *
 * It reads the file, finds the rows, decodes their hex to bytes and adds up the link dwords of each
 * function's Express capability. It knows clean text as bench/gen writes it, and nothing else.
 */
#include <fcntl.h>
#include <pci/header.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROW	  16u
#define CAP_STEPS 48u /* 192 bytes of list, 4 each */

static struct {
	uint8_t digit[256]; /* 0xff: none */
	uint8_t space[4096];
	unsigned rows;
	unsigned long functions;
	uint32_t sum;
} state;

static void make_digits(void)
{
	static const uint8_t digits[] = "0123456789abcdef";
	unsigned i;

	memset(state.digit, 0xff, sizeof(state.digit));
	for (i = 0; i < 16; i++)
		state.digit[digits[i]] = (uint8_t)i;
}

static uint32_t dword(unsigned off)
{
	const uint8_t *b = state.space + off;

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void end_function(void)
{
	unsigned at = state.space[PCI_CAPABILITY_LIST], steps = CAP_STEPS;

	while (at && steps-- && state.space[at] != PCI_CAP_ID_EXP)
		at = state.space[at + 1] & 0xfcu;
	if (at && state.space[at] == PCI_CAP_ID_EXP)
		state.sum += dword(at + PCI_EXP_LNKCAP) + dword(at + PCI_EXP_LNKCTL);
	state.functions++;
	state.rows = 0;
}

/* "3f0: 00 11 .. ff", of @n bytes */
static bool decode_row(const uint8_t *s, size_t n)
{
	const uint8_t *digit = state.digit;
	size_t digits = n - 3 * ROW - 1, i;
	unsigned off = 0, bad = 0;
	uint8_t *to;

	if (digits < 2 || digits > 3 || s[digits] != ':')
		return false;
	for (i = 0; i < digits; i++)
		off = off << 4 | digit[s[i]];
	to = state.space + (off & 0xff0u);
	for (i = 0, s += digits + 2; i < ROW; i++, s += 3) {
		bad |= digit[s[0]] | digit[s[1]];
		to[i] = (uint8_t)(digit[s[0]] << 4 | digit[s[1]]);
	}
	return !(bad & 0xf0);
}

static void take_line(const uint8_t *s, size_t n)
{
	if (n > 3 * ROW && decode_row(s, n))
		state.rows++;
	else if (!n && state.rows)
		end_function();
}

/* Returns how much of it was whole lines. */
static size_t take_lines(const uint8_t *s, size_t n)
{
	const uint8_t *from = s, *end;

	while ((end = memchr(s, '\n', n - (size_t)(s - from)))) {
		take_line(s, (size_t)(end - s));
		s = end + 1;
	}
	return (size_t)(s - from);
}

int main(int argc, char **argv)
{
	static uint8_t window[1u << 18];
	size_t kept = 0, used;
	ssize_t n = 0;
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;

	if (fd < 0) {
		fputs("usage: floor CAPTURE\n", stderr);
		return 2;
	}
	make_digits();
	while ((n = read(fd, window + kept, sizeof(window) - kept)) > 0) {
		kept += (size_t)n;
		used = take_lines(window, kept);
		kept -= used;
		memmove(window, window + used, kept);
	}
	printf("%lu functions, link sum %08x\n", state.functions, state.sum);
	return n < 0 || kept || fflush(stdout) ? 2 : 0;
}
