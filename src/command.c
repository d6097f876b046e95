/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * command.c - a command of the shell, and waiting that its end or a signal cuts short
 *
 * The signals are blocked and taken from where they wait, so none is lost between two waits and
 * nothing runs beside the program's own code.
 */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lnkinspect.h"

#define GRACE (2 * LNK_SECOND) /* for a command to end after a signal */

/* A signal that is ignored, as by nohup(1), stays so. */
static void add_unless_ignored(sigset_t *set, int sig)
{
	struct sigaction is;

	if (!sigaction(sig, NULL, &is) && is.sa_handler != SIG_IGN)
		sigaddset(set, sig);
}

/*
 * What it prints goes to the standard error: the standard output is the report's. It gets no other
 * file of ours than the three standard ones, and signals as they were.
 */
static int spawn(struct lnk_command *c, const char *command)
{
	char *argv[] = {"sh", "-c", (char *)command, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	rc = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (!rc)
		rc = posix_spawnattr_setsigmask(&attr, &c->mask);
	if (!rc)
		rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (!rc)
		rc = posix_spawn(&c->pid, "/bin/sh", &files, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc;
}

static void restore(struct lnk_command *c)
{
	sigaction(SIGCHLD, &c->chld, NULL);
	sigprocmask(SIG_SETMASK, &c->mask, NULL);
}

int lnk_command_start(struct lnk_command *c, const char *command, struct lnk_err *err)
{
	const struct sigaction chld = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP};
	int rc;

	*c = (struct lnk_command){0};
	sigemptyset(&c->waited);
	add_unless_ignored(&c->waited, SIGINT);
	add_unless_ignored(&c->waited, SIGTERM);
	sigaddset(&c->waited, SIGCHLD);
	sigprocmask(SIG_BLOCK, &c->waited, &c->mask);
	/* Where it is ignored, the kernel keeps no status of a child that ended. */
	sigaction(SIGCHLD, &chld, &c->chld);
	rc = command ? spawn(c, command) : 0;
	c->started = command && !rc;
	if (!rc)
		return 0;
	restore(c);
	return lnk_fail(err, -rc, "--while: the shell, /bin/sh, cannot be started: %s",
			strerror(rc));
}

/* The next of @set, or 0 if none comes before @until. */
static int take_signal(const sigset_t *set, uint64_t until, siginfo_t *info)
{
	struct timespec t;
	uint64_t now;
	int sig;

	do {
		now = lnk_now();
		t.tv_sec = (time_t)(until > now ? (until - now) / LNK_SECOND : 0);
		t.tv_nsec = (long)(until > now ? (until - now) % LNK_SECOND : 0);
		sig = sigtimedwait(set, info, &t);
		/* A stop and what ends it interrupt the wait, too. */
	} while (sig < 0 && errno == EINTR);
	return sig > 0 ? sig : 0;
}

static bool has_ended(struct lnk_command *c)
{
	if (c->started && !c->ended)
		c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
	return c->ended;
}

bool lnk_command_wait(struct lnk_command *c, uint64_t until)
{
	siginfo_t info;
	int sig;

	while ((sig = take_signal(&c->waited, until, &info))) {
		if (sig == SIGCHLD) {
			if (has_ended(c))
				return true;
			continue;
		}
		c->signal = sig;
		/* What a terminal sends, it sends to the command as well. */
		if (c->started && !has_ended(c) && info.si_code != SI_KERNEL)
			kill(c->pid, sig);
		return true;
	}
	return false;
}

void lnk_command_end(struct lnk_command *c)
{
	const uint64_t until = lnk_now() + GRACE;
	sigset_t chld, mask = c->mask;
	siginfo_t info;

	/* What came during the last look is no second signal. */
	while (!c->signal && lnk_command_wait(c, 0))
		;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	/* From here on a signal is as deadly as ever. */
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	while (c->started && !has_ended(c) && take_signal(&chld, until, &info))
		;
	restore(c);
}
