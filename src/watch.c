/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch.c - waits for events, a timer, a signal and the end of whoever reads, and writes meanwhile
 *
 * Between these nothing wakes up. SIGINT and SIGTERM are blocked and read as a file is, so that
 * what is written is whole; that is why output is written here, where a signal is seen even while
 * nobody reads.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "lnkinspect.h"

/* One change of a machine is many events: a re-scan waits for the end of them, but not for ever. */
#define MILLISECOND (LNK_SECOND / 1000)
#define QUIET	    (250 * MILLISECOND)
#define AT_LATEST   (2 * LNK_SECOND)

enum { EVENTS, SIGNALS, TIMER, OUT, FDS };

/* Events that came and were not answered yet. */
struct burst {
	bool is;
	uint64_t first, last; /* lnk_now() */
};

/* In how many ms the answer is due; -1: nothing came. */
static int due(const struct burst *b)
{
	uint64_t at = b->last + QUIET, now;

	if (!b->is)
		return -1;
	if (at > b->first + AT_LATEST)
		at = b->first + AT_LATEST;
	now = lnk_now();
	return at > now ? (int)((at - now) / MILLISECOND + 1) : 0;
}

static void note(struct burst *b)
{
	b->last = lnk_now();
	if (!b->is)
		b->first = b->last;
	b->is = true;
}

static int set_timer(struct lnk_watch *w)
{
	const struct timespec each = {
		.tv_sec = (time_t)(w->interval / LNK_SECOND),
		.tv_nsec = (long)(w->interval % LNK_SECOND),
	};
	const struct itimerspec t = {.it_value = each, .it_interval = each};

	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return w->timer < 0 || timerfd_settime(w->timer, 0, &t, NULL) ? -errno : 0;
}

int lnk_watch_begin(struct lnk_watch *w)
{
	sigset_t set;

	w->timer = -1;
	w->stopped = w->torn = false;
	/* What nobody reads is an error of write(2). */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		return -errno;
	return w->interval ? set_timer(w) : 0;
}

void lnk_watch_end(struct lnk_watch *w)
{
	if (w->timer >= 0)
		close(w->timer);
	if (w->signals >= 0)
		close(w->signals);
}

static int on_events(struct lnk_watch *w, struct burst *b)
{
	int rc = w->drain(w->data);

	if (rc > 0)
		note(b);
	return rc < 0 ? rc : 0;
}

static void on_timer(struct lnk_watch *w, struct burst *b)
{
	uint64_t times;

	if (read(w->timer, &times, sizeof(times)) > 0 && !b->is && w->tick(w->data))
		note(b);
}

/* Until something comes, and what it takes; not 0: the end. */
static int step(struct lnk_watch *w, struct burst *b)
{
	struct pollfd p[FDS] = {
		[EVENTS] = {.fd = w->events, .events = POLLIN},
		[SIGNALS] = {.fd = w->signals, .events = POLLIN},
		[TIMER] = {.fd = w->timer, .events = POLLIN},
		[OUT] = {.fd = w->out},
	};
	int rc = 0;

	if (poll(p, FDS, due(b)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[SIGNALS].revents) {
		w->stopped = true;
		return LNK_WATCH_SIGNAL;
	}
	if (p[OUT].revents)
		return LNK_WATCH_NO_READER;
	if (p[EVENTS].revents)
		rc = on_events(w, b);
	if (p[TIMER].revents)
		on_timer(w, b);
	if (rc || due(b))
		return rc;
	b->is = false;
	return w->changed(w->data);
}

int lnk_watch_run(struct lnk_watch *w)
{
	struct burst b = {0};
	int rc;

	do
		rc = step(w, &b);
	while (!rc);
	return rc;
}

/* Is there room for PIPE_BUF bytes? After a signal nobody waits for it. */
static int wait_for_room(struct lnk_watch *w)
{
	struct pollfd p[] = {
		{.fd = w->out, .events = POLLOUT},
		{.fd = w->stopped ? -1 : w->signals, .events = POLLIN},
	};

	while (poll(p, ARRAY_SIZE(p), w->stopped ? 0 : -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (p[0].revents)
		return 0;
	w->stopped = true;
	return LNK_WATCH_SIGNAL;
}

/* What there is room for; negative: errno. */
static ssize_t write_some(const struct lnk_watch *w, const char *text, size_t n)
{
	ssize_t written = write(w->out, text, n < PIPE_BUF ? n : PIPE_BUF);

	if (written >= 0)
		return written;
	return errno == EINTR || errno == EAGAIN ? 0 : -errno;
}

int lnk_watch_write(struct lnk_watch *w, const char *text, size_t n)
{
	size_t done = 0;
	ssize_t some;
	int rc = 0;

	/* Nothing is written behind half a line. */
	while (!w->torn && done < n) {
		rc = wait_for_room(w);
		some = rc ? 0 : write_some(w, text + done, n - done);
		if (some < 0)
			rc = some == -EPIPE ? LNK_WATCH_NO_READER : (int)some;
		if (rc)
			break;
		done += (size_t)some;
	}
	w->torn |= done && done < n;
	return rc;
}
