/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * output.c - where a report goes: standard output, or a file that is written whole or not at all
 *
 * A file is made beside the one that was asked for, and takes its place at the end. Who reads that
 * meanwhile has what was there before, and so has everybody where writing failed. What is no plain
 * file (a terminal, a pipe, /dev/null) cannot be replaced, and is written to.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lnkinspect.h"

/* Hidden, and with no end that anybody looks for, as a collector of metrics for ".prom". */
#define TEMPLATE ".lnkinspect.XXXXXX"

/* As every program makes files. */
static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static bool is_standard_output(const struct stat *st)
{
	struct stat out;

	return !fstat(STDOUT_FILENO, &out) && out.st_dev == st->st_dev && out.st_ino == st->st_ino;
}

/* ---- What an end before its time is not to leave behind -------------------------------------- */

static const char *volatile unfinished; /* a file; NULL: none */
static pid_t maker;			/* a child of ours has its name, and it is not its own */

static void drop(void)
{
	if (unfinished && getpid() == maker)
		unlink(unfinished);
}

static void drop_and_end(int sig)
{
	drop();
	raise(sig);
}

static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ};

/* Who has us ignore a signal, as nohup, means it. */
static void drop_at_end(const char *file)
{
	const struct sigaction act = {.sa_handler = drop_and_end, .sa_flags = (int)SA_RESETHAND};
	struct sigaction is;
	size_t i;

	maker = getpid();
	unfinished = file;
	atexit(drop);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (!sigaction(ends[i], NULL, &is) && is.sa_handler == SIG_DFL)
			sigaction(ends[i], &act, NULL);
}

/* As mkostemp(3). No signal comes between the file and who will drop it. */
static int make(char *template)
{
	sigset_t held, was;
	size_t i;
	int fd;

	sigemptyset(&held);
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&held, ends[i]);
	sigprocmask(SIG_BLOCK, &held, &was);
	fd = mkostemp(template, O_CLOEXEC);
	if (fd >= 0)
		drop_at_end(template);
	sigprocmask(SIG_SETMASK, &was, NULL);
	return fd;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static char *copy(const char *s)
{
	return strcpy(lnk_xmalloc(strlen(s) + 1), s);
}

/*
 * Whoever replaces their own file has nothing to give, and may not be allowed the call. Returns the
 * permissions: what a group had is not for another.
 */
static mode_t give(int fd, const struct stat *old)
{
	struct stat is;

	if (fstat(fd, &is))
		return old->st_mode & 0700;
	if ((is.st_uid == old->st_uid && is.st_gid == old->st_gid) ||
	    !fchown(fd, old->st_uid, old->st_gid) || is.st_gid == old->st_gid ||
	    !fchown(fd, (uid_t)-1, old->st_gid))
		return old->st_mode & 0777;
	return old->st_mode & 0707;
}

/*
 * The file that is made for ->target, in its folder. @old is what it replaces, whose owner it gets
 * if that is ours to give, and whose permissions: what was private is not shown to all. NULL:
 * nothing.
 */
static int make_beside(struct lnk_output *o, const struct stat *old, struct lnk_err *err)
{
	const char *slash = strrchr(o->target, '/');
	size_t folder = slash ? (size_t)(slash - o->target) + 1 : 0;
	int fd, code;

	o->made = lnk_xmalloc(folder + sizeof(TEMPLATE));
	memcpy(o->made, o->target, folder);
	strcpy(o->made + folder, TEMPLATE);
	fd = make(o->made);
	if (fd >= 0 && !fchmod(fd, old ? give(fd, old) : usual_mode()))
		o->to = fdopen(fd, "w");
	if (o->to)
		return 0;
	code = -errno;
	if (fd >= 0) {
		close(fd);
		unlink(o->made);
		unfinished = NULL;
	}
	free(o->made);
	free(o->target);
	return lnk_fail(err, code, "%s: no file can be made beside it: %s", o->name,
			strerror(-code));
}

static int fail(const struct lnk_output *o, struct lnk_err *err)
{
	return lnk_fail(err, -errno, "%s: %s", o->name, strerror(errno));
}

/*
 * @fd is the file that is there. A link is followed as the kernel did, which keeps root from
 * strangers' links.
 */
static int replace(struct lnk_output *o, int fd, struct lnk_err *err)
{
	struct stat st;
	int rc = fstat(fd, &st) ? fail(o, err) : 0;

	if (!rc && !S_ISREG(st.st_mode)) {
		o->to = fdopen(fd, "w");
		return o->to ? 0 : fail(o, err);
	}
	close(fd);
	if (rc)
		return rc;
	/* Under whatever name: who opened it for us is not to be left with a file of no name. */
	if (is_standard_output(&st)) {
		o->to = stdout;
		return 0;
	}
	o->target = realpath(o->name, NULL);
	return o->target ? make_beside(o, &st, err) : fail(o, err);
}

int lnk_output_open(struct lnk_output *o, const char *name, struct lnk_err *err)
{
	int fd;

	*o = (struct lnk_output){.name = "standard output"};
	if (!name || !strcmp(name, "-")) {
		o->to = stdout;
		return 0;
	}
	o->name = name;
	fd = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd >= 0)
		return replace(o, fd, err);
	if (errno != ENOENT)
		return fail(o, err);
	o->target = copy(name);
	return make_beside(o, NULL, err);
}

int lnk_output_close(struct lnk_output *o, enum lnk_output_end end)
{
	int code = 0;

	if (o->to && o->to != stdout && fclose(o->to))
		code = -errno;
	if (o->made && (code || end == LNK_OUTPUT_DROP || rename(o->made, o->target))) {
		if (!code && end == LNK_OUTPUT_KEEP)
			code = -errno;
		unlink(o->made);
	}
	unfinished = NULL;
	free(o->made);
	free(o->target);
	*o = (struct lnk_output){.name = o->name};
	return code;
}

/* Does the file @name lie below @folder? */
static bool is_below(const char *name, const char *folder)
{
	char *file = realpath(name, NULL), *path = realpath(folder, NULL);
	size_t n = path ? strlen(path) : 0;
	bool below = file && n && !strncmp(file, path, n) && (n == 1 || file[n] == '/');

	free(file);
	free(path);
	return below;
}

bool lnk_output_replaces(const char *name, const char *input)
{
	struct stat out, in;

	if (stat(name, &out) || !S_ISREG(out.st_mode))
		return false;
	if (strcmp(input, "-") != 0 ? stat(input, &in) : fstat(STDIN_FILENO, &in))
		return false;
	if (S_ISDIR(in.st_mode) && is_below(name, input))
		return true;
	return in.st_dev == out.st_dev && in.st_ino == out.st_ino;
}
