/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream.c - one input's bytes, a window at a time: nothing holds a whole input */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lnkinspect.h"

static ssize_t fill_from_fd(struct lnk_stream *s, char *to, size_t room)
{
	ssize_t got;

	do
		got = read(s->fd, to, room);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got;
}

static ssize_t fill_from_memory(struct lnk_stream *s, char *to, size_t room)
{
	size_t n = s->rest < room ? s->rest : room;

	if (n)
		memcpy(to, s->data, n);
	s->data += n;
	s->rest -= n;
	return (ssize_t)n;
}

void lnk_stream_open(struct lnk_stream *s,
		     ssize_t (*fill)(struct lnk_stream *s, char *to, size_t room), void *from)
{
	*s = (struct lnk_stream){.fill = fill, .from = from, .fd = -1};
	s->window = lnk_xmalloc(LNK_WINDOW);
}

void lnk_stream_fd(struct lnk_stream *s, int fd)
{
	lnk_stream_open(s, fill_from_fd, NULL);
	s->fd = fd;
}

void lnk_stream_memory(struct lnk_stream *s, const char *data, size_t n)
{
	lnk_stream_open(s, fill_from_memory, NULL);
	s->data = data;
	s->rest = n;
}

void lnk_stream_close(struct lnk_stream *s)
{
	free(s->window);
	*s = (struct lnk_stream){0};
}

void lnk_stream_more(struct lnk_stream *s)
{
	bool first = !s->total;
	ssize_t got = 0;

	if (s->at) {
		memmove(s->window, s->window + s->at, s->end - s->at);
		s->end -= s->at;
		s->at = 0;
	}
	while (!s->ended && LNK_WINDOW - s->end >= LNK_ROOM) {
		got = s->fill(s, s->window + s->end, LNK_WINDOW - s->end);
		/* Half of an input must not be taken for all of it. */
		if (got > 0 && s->total + (uint64_t)got > LNK_MAX_INPUT)
			got = -EFBIG;
		s->ended = got <= 0;
		if (got > 0) {
			s->end += (size_t)got;
			s->total += (uint64_t)got;
		}
	}
	if (got < 0) {
		s->error = (int)got;
		s->at = s->end;
	}
	if (first && s->end)
		memcpy(s->start, s->window, s->end < LNK_START ? s->end : LNK_START);
}

bool lnk_stream_seeks(const struct lnk_stream *s)
{
	return s->fd >= 0 && lseek(s->fd, 0, SEEK_CUR) == (off_t)s->total;
}

int64_t lnk_stream_seek(struct lnk_stream *s, int64_t off, int whence)
{
	off_t at = lseek(s->fd, (off_t)off, whence);

	if (at < 0)
		return -errno;
	s->at = s->end = 0;
	s->ended = false;
	return at;
}
