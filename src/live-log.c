/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-log.c - what the kernel says of this machine's links: /dev/kmsg
 *
 * Linux Documentation/ABI/testing/dev-kmsg: each read gives one record,
 * "PRIORITY,NUMBER,TIME,FLAGS[,...];TEXT", then lines that begin with a blank. Nothing of it wakes
 * a device or asks one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"

#define RECORD_MAX  (16u << 10) /* Linux kernel/printk/internal.h: 2048, 8192 before 6.4 */
#define LOG_MAX	    (64u << 20) /* bytes: the kernel may write while it is read */
#define MAX_LOSSES  100u	/* that many times it overtook the reader */
#define FACILITY(p) ((p) >> 3)	/* 0: the kernel's own; programs write with others */

struct log {
	int fd;
	size_t n, total;
	unsigned losses;
	char text[2 * RECORD_MAX];
};

/* Appends a record, or several; false where there is none. */
static bool read_more(struct log *l)
{
	ssize_t n;

	if (l->n > sizeof(l->text) - RECORD_MAX)
		l->n = 0;
	do
		n = read(l->fd, l->text + l->n, sizeof(l->text) - l->n);
	while (n < 0 && (errno == EINTR || (errno == EPIPE && l->losses++ < MAX_LOSSES)));
	if (n <= 0)
		return false;
	l->n += (size_t)n;
	l->total += (size_t)n;
	return l->total < LOG_MAX;
}

/* The ring holds all that was said since boot while its first record is number 0. */
static bool is_whole(const struct log *l)
{
	const char *comma = memchr(l->text, ',', l->n);

	return comma && l->text + l->n - comma > 2 && comma[1] == '0' && comma[2] == ',';
}

static void take_line(struct lnk_facts *f, const char *s, size_t n)
{
	const char *text = memchr(s, ';', n);

	if (*s < '0' || *s > '9' || !text || FACILITY(strtoul(s, NULL, 10)))
		return;
	text++;
	lnk_facts_kernel(f, text, n - (size_t)(text - s));
}

/* All lines that are there; what is left is the start of one. */
static void take_lines(struct log *l, struct lnk_facts *f)
{
	char *at = l->text, *end;

	while ((end = memchr(at, '\n', l->n - (size_t)(at - l->text)))) {
		take_line(f, at, (size_t)(end - at));
		at = end + 1;
	}
	l->n -= (size_t)(at - l->text);
	memmove(l->text, at, l->n);
}

void lnk_log_quote(struct lnk_model *m)
{
	struct log l = {.fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
	struct lnk_facts facts = {0};
	bool any = l.fd >= 0 && read_more(&l);

	/* In the order in which it was said. */
	if (!any || !is_whole(&l))
		lnk_journal_read(&facts);
	for (; any; any = read_more(&l))
		take_lines(&l, &facts);
	if (l.fd >= 0)
		close(l.fd);
	lnk_facts_quotes(&facts, m);
	lnk_facts_free(&facts);
}
