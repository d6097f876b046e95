/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jobs.c - inputs judged side by side, each by one of several processes, and taken in their order
 *
 * Worker w of n judges inputs w, w + n, w + 2n and so on, writes what each prints into memory, and
 * sends it down a pipe of its own. Who takes turns from pipe to pipe has the order of the inputs. A
 * worker that is ahead waits at its full pipe, with one input finished.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lnkinspect.h"

/* As far as a worker may be ahead: the most that pipe(7) grants to everybody, or what it grants. */
#define PIPE_SIZE (1 << 20)

struct worker {
	pid_t pid;
	FILE *from; /* NULL: it could not be started */
};

/* What goes down the pipe before the two texts. */
struct head {
	struct lnk_tally tally;
	size_t n_out, n_err;
};

/* ---- The worker ----------------------------------------------------------------------------- */

static bool judge_one(const struct lnk_jobs *j, size_t i, FILE *to)
{
	struct lnk_memory out, err;
	struct head h = {0};

	lnk_memory_open(&out);
	lnk_memory_open(&err);
	j->judge(j->data, i, out.to, err.to, &h.tally);
	lnk_memory_close(&out);
	lnk_memory_close(&err);
	h.n_out = out.n;
	h.n_err = err.n;
	fwrite(&h, sizeof(h), 1, to);
	fwrite(out.text, 1, out.n, to);
	fwrite(err.text, 1, err.n, to);
	free(out.text);
	free(err.text);
	return !fflush(to);
}

static _Noreturn void work(const struct lnk_jobs *j, size_t first, int fd)
{
	FILE *to = fdopen(fd, "w");
	size_t i;

	for (i = first; i < j->n; i += j->n_workers)
		if (!to || !judge_one(j, i, to))
			break;
	_exit(0);
}

/* ---- Whoever takes ------------------------------------------------------------------------- */

static void start(const struct lnk_jobs *j, struct worker *w, size_t first)
{
	pid_t parent = getpid();
	int ends[2];

	*w = (struct worker){0};
	if (pipe2(ends, O_CLOEXEC))
		return;
	w->from = fdopen(ends[0], "r");
	w->pid = w->from ? fork() : -1;
	if (!w->pid) {
		close(ends[0]);
		/* Whatever ends the parent ends all: an interrupt, a closed pipe, a kill. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			work(j, first, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_SIZE);
	if (w->pid > 0)
		return;
	if (w->from)
		fclose(w->from);
	else
		close(ends[0]);
	w->from = NULL;
}

/* Waits for its end, which has come or is near. Returns why it came. */
static const char *end(struct worker *w)
{
	int status = 0;

	fclose(w->from);
	w->from = NULL;
	waitpid(w->pid, &status, 0);
	/* Nothing but the lack of memory ends a worker that nobody kills. */
	return WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : strerror(ENOMEM);
}

static bool receive(struct worker *w, struct lnk_job *job)
{
	struct head h;
	size_t n;

	if (fread(&h, sizeof(h), 1, w->from) != 1)
		return false;
	n = h.n_out + h.n_err;
	job->text = lnk_xmalloc(n);
	job->tally = h.tally;
	job->n_out = h.n_out;
	job->n_err = h.n_err;
	return fread(job->text, 1, n, w->from) == n;
}

/* A pipe of each is open here, and in those that are started after it, which have files to read. */
static size_t limit_workers(size_t n)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur / 4 >= n)
		return n;
	return files.rlim_cur / 4;
}

/* Input @i, which @w has, or nobody. */
static void take_one(const struct lnk_jobs *j, size_t i, struct worker *w)
{
	struct lnk_job job = {0};
	size_t next = i + j->n_workers;

	if (!w->from) {
		j->here(j->data, i);
		return;
	}
	if (!receive(w, &job)) {
		job.died = end(w);
		if (next < j->n)
			start(j, w, next);
	} else if (next >= j->n) {
		end(w);
	}
	j->take(j->data, i, &job);
	free(job.text);
}

void lnk_jobs_run(const struct lnk_jobs *asked)
{
	struct lnk_jobs j = *asked;
	struct worker *workers;
	size_t i;

	j.n_workers = limit_workers(j.n_workers);
	workers = lnk_xmalloc(j.n_workers * sizeof(*workers));
	for (i = 0; i < j.n_workers; i++)
		start(&j, &workers[i], i);
	for (i = 0; i < j.n; i++)
		if (j.n_workers)
			take_one(&j, i, &workers[i % j.n_workers]);
		else
			j.here(j.data, i);
	free(workers);
}
