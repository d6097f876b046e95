/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor.c - --monitor: looks when the kernel says that something changed, and tells what did */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

struct monitor {
	struct lnk_run *run;
	struct lnk_watch watch;
	struct lnk_events events;
	struct lnk_captures seen; /* this machine, when it was looked at last */
	struct lnk_err trouble;	  /* since then: why it cannot be looked at */
	struct lnk_memory line;	  /* what is to be printed */
};

/* Of RFC 3339: local time, and how far that is from UTC. */
static const char *time_str(char buf[32])
{
	time_t t = time(NULL);
	const struct tm *tm = localtime(&t);
	size_t n = tm ? strftime(buf, 32, "%Y-%m-%dT%H:%M:%S%z", tm) : 0;

	if (n < 5)
		return strcpy(buf, "-");
	memmove(buf + n - 1, buf + n - 2, 3);
	buf[n - 2] = ':';
	return buf;
}

static int tell(struct monitor *mon, struct lnk_news n)
{
	char now[32];
	int rc = -ENOMEM;

	n.time = time_str(now);
	mon->line.n = 0;
	mon->run->format->tell(mon->line.to, &mon->run->view, &n);
	if (!fflush(mon->line.to))
		rc = lnk_watch_write(&mon->watch, mon->line.text, mon->line.n);
	if (rc < 0)
		lnk_complain("standard output", strerror(-rc));
	return rc;
}

static int tell_trouble(struct monitor *mon, const struct lnk_err *err)
{
	if (!strcmp(err->text, mon->trouble.text))
		return 0;
	mon->trouble = *err;
	return tell(mon, (struct lnk_news){.kind = LNK_NEWS_TROUBLE, .trouble = err->text});
}

static int look(struct lnk_run *r, struct lnk_captures *c, struct lnk_err *err)
{
	const struct lnk_live_opts live = lnk_run_reading(r);
	int rc = lnk_live_read(&live, c, err);

	if (rc)
		return rc;
	if (lnk_run_judge(r, c->models[0], &r->select))
		return -EINVAL;
	lnk_drivers_tell(c->models[0]);
	lnk_remedy_make(c->models[0], r->forms);
	return 0;
}

static int look_again(void *data)
{
	struct monitor *mon = data;
	struct lnk_captures c = {0};
	struct lnk_changes changes;
	struct lnk_err err = {0};
	int rc = 0;

	lnk_live_close(mon->seen.models[0]);
	if (look(mon->run, &c, &err)) {
		lnk_captures_free(&c);
		return tell_trouble(mon, &err);
	}
	mon->trouble.text[0] = '\0';
	lnk_changes_find(&changes, mon->seen.models[0], c.models[0]);
	if (changes.n)
		rc = tell(mon, (struct lnk_news){.kind = LNK_NEWS_CHANGES, .changes = &changes});
	lnk_changes_free(&changes);
	lnk_captures_free(&mon->seen);
	mon->seen = c;
	return rc;
}

/* What could not be looked at is looked for. */
static bool poll_links(void *data)
{
	struct monitor *mon = data;

	return mon->trouble.text[0] || lnk_live_poll(mon->seen.models[0]);
}

static int drain(void *data)
{
	struct monitor *mon = data;
	int rc = lnk_events_drain(&mon->events);

	if (rc < 0)
		lnk_complain("events of the kernel", strerror(-rc));
	return rc;
}

/* Without events there is --interval. */
static bool start_listening(struct monitor *mon)
{
	struct lnk_err err = {0};

	if (lnk_events_open(&mon->events, &err)) {
		lnk_complain(NULL, err.text);
		if (!mon->watch.interval)
			lnk_complain("--monitor", "--interval looks without events");
		return mon->watch.interval;
	}
	if (mon->events.doubtful)
		lnk_complain("--monitor",
			     "events of the kernel may not come into this container (a user "
			     "namespace); --interval looks without them");
	mon->watch.events = mon->events.fd;
	return true;
}

/* Until the end; not 0, with words said where it is negative. */
static int keep_looking(struct monitor *mon)
{
	struct lnk_err err = {0};
	int rc;

	/* What comes while it is looked at is an event. */
	if (!start_listening(mon))
		return -EIO;
	if (look(mon->run, &mon->seen, &err)) {
		if (err.text[0])
			lnk_complain(NULL, err.text);
		return -EIO;
	}
	rc = tell(mon, (struct lnk_news){
			       .kind = LNK_NEWS_START,
			       .model = mon->seen.models[0],
			       .interval = mon->watch.interval,
			       .events = mon->events.monitor && !mon->events.doubtful,
		       });
	return rc ? rc : lnk_watch_run(&mon->watch);
}

int lnk_monitor(struct lnk_run *r)
{
	struct monitor mon = {
		.run = r,
		.watch =
			{
				.events = -1,
				.out = STDOUT_FILENO,
				.interval = r->interval,
				.drain = drain,
				.changed = look_again,
				.tick = poll_links,
			},
		.events.fd = -1,
	};
	int rc;

	mon.watch.data = &mon;
	lnk_memory_open(&mon.line);
	rc = lnk_watch_begin(&mon.watch);
	if (rc)
		lnk_complain("--monitor", strerror(-rc));
	else
		rc = keep_looking(&mon);
	if (rc == LNK_WATCH_SIGNAL)
		tell(&mon, (struct lnk_news){.kind = LNK_NEWS_END});
	lnk_captures_free(&mon.seen);
	lnk_live_end();
	lnk_events_close(&mon.events);
	lnk_watch_end(&mon.watch);
	lnk_memory_close(&mon.line);
	free(mon.line.text);
	return rc < 0 ? STATUS_USAGE : 0;
}
