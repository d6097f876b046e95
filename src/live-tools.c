/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-tools.c - what drivers and their tools say of a link when asked: amdgpu, nvidia-smi
 *
 * nvidia-smi wakes GPUs and takes seconds; amdgpu asks the card's firmware. So both are asked with
 * --deep only, and only where the function is shown and awake.
 */
#include <errno.h>
#include <fcntl.h>
#include <pci/header.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "live.h"

#define NVIDIA_SMI  "/usr/bin/nvidia-smi"
#define SMI_TIME    (10 * LNK_SECOND) /* then it is killed: a GPU that fell off can hold it */
#define DEATH_TIME  LNK_SECOND
#define MILLISECOND (LNK_SECOND / 1000)
#define SMI_MAX	    (4u << 20) /* bytes; a GPU has about 10 KiB */
#define TEXT_MAX    1024u      /* bytes of a line; the rest of a longer one is another */
#define LEVELS_MAX  1024u      /* bytes of amdgpu's table */

static bool is_bound(const struct lnk_fn *f, const char *driver)
{
	return f->live && f->live->driver && !strcmp(f->live->driver, driver) &&
	       f->class24 >> 16 == PCI_BASE_CLASS_DISPLAY;
}

/* ---- amdgpu ------------------------------------------------------------------------------- */

/*
 * "1: 8.0GT/s, x16 619Mhz *", one a line: the star is at the present level (Linux
 * drivers/gpu/drm/amd/pm/amdgpu_pm.c, pp_dpm_pcie).
 */
static void quote_level(struct lnk_facts *facts, struct lnk_addr addr, const char *line, size_t n)
{
	struct lnk_quote q = {.addr = addr, .by = "amdgpu"};
	struct lnk_arena words = {0};

	while (n && (line[n - 1] == ' ' || line[n - 1] == '*'))
		n--;
	q.text = lnk_strf(&words, "PCIe level %s", lnk_clean(&words, line, n));
	lnk_facts_quote(facts, &q);
	lnk_arena_free(&words);
}

static void ask_amdgpu(struct lnk_facts *facts, struct lnk_addr addr)
{
	static const struct lnk_sysfs sysfs = {.base = "/sys/bus/pci"};
	char path[LNK_SYSFS_PATH], table[LEVELS_MAX], *line, *save = NULL;

	if (!lnk_sysfs_path(&sysfs, addr, "pp_dpm_pcie", path) ||
	    !lnk_sysfs_text(path, table, sizeof(table)))
		return;
	for (line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strchr(line, '*'))
			quote_level(facts, addr, line, strlen(line));
}

/* ---- nvidia-smi --------------------------------------------------------------------------- */

/* Nobody but root can have put it there. */
static bool has_smi(void)
{
	struct stat st;

	return !stat(NVIDIA_SMI, &st) && S_ISREG(st.st_mode) && !st.st_uid &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* In a process group of its own, with a pipe for what it prints; 0 where it cannot be started. */
static pid_t start_smi(int to)
{
	static char *const argv[] = {NVIDIA_SMI, "-q", NULL};
	static char *const env[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	pid_t pid = 0;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	if (posix_spawn(&pid, NVIDIA_SMI, &files, &attr, argv, env))
		pid = 0;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

/* Up to @room bytes before @until; 0 at the end, or where that is over. */
static size_t read_until(int fd, char *to, size_t room, uint64_t until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t now;
	ssize_t n;

	while ((now = lnk_now()) < until) {
		if (poll(&p, 1, (int)((until - now) / MILLISECOND + 1)) > 0) {
			n = read(fd, to, room);
			if (n >= 0 || errno != EINTR)
				return n > 0 ? (size_t)n : 0;
		}
	}
	return 0;
}

/* What it prints, line by line, to the facts. */
static void read_smi(struct lnk_facts *facts, int fd)
{
	uint64_t until = lnk_now() + SMI_TIME;
	size_t n = 0, got, total = 0;
	char text[TEXT_MAX], *at, *end;

	while (total < SMI_MAX && (got = read_until(fd, text + n, sizeof(text) - n, until))) {
		n += got;
		total += got;
		for (at = text; (end = memchr(at, '\n', n - (size_t)(at - text))); at = end + 1)
			lnk_facts_line(facts, 0, at, (size_t)(end - at));
		n -= (size_t)(at - text);
		memmove(text, at, n);
		if (n == sizeof(text))
			n = 0;
	}
}

/* What waits for a GPU that does not answer cannot even be killed: it is not waited for. */
static void end_smi(pid_t pid)
{
	uint64_t until = lnk_now() + DEATH_TIME;

	kill(-pid, SIGKILL);
	while (!waitpid(pid, NULL, WNOHANG) && lnk_now() < until)
		poll(NULL, 0, 1);
}

static void ask_smi(struct lnk_facts *facts)
{
	int fd[2];
	pid_t pid;

	if (!has_smi() || pipe2(fd, O_CLOEXEC))
		return;
	pid = start_smi(fd[1]);
	close(fd[1]);
	if (pid) {
		read_smi(facts, fd[0]);
		end_smi(pid);
	}
	close(fd[0]);
}

/* ---- The whole ---------------------------------------------------------------------------- */

/* It looks at all GPUs, shown or not, and would wake them. */
static bool may_ask_smi(const struct lnk_model *m)
{
	bool any = false;
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		const struct lnk_fn *f = &m->fns[i];

		if (is_bound(f, "nvidia") && f->live->asleep)
			return false;
		any |= is_bound(f, "nvidia") && f->shown;
	}
	return any;
}

void lnk_tools_quote(struct lnk_model *m)
{
	struct lnk_facts facts = {0};
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		const struct lnk_fn *f = &m->fns[i];

		if (is_bound(f, "amdgpu") && f->shown && !f->live->asleep)
			ask_amdgpu(&facts, f->addr);
	}
	if (may_ask_smi(m))
		ask_smi(&facts);
	lnk_facts_quotes(&facts, m);
	lnk_facts_free(&facts);
}
