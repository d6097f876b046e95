/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shim.c - stands between the program and what umockdev cannot make up: preloaded into it
 *
 *	KMSG=records	reading /dev/kmsg gives one record at a time, as the kernel does, and says
 *			once that some were lost
 *	KMSG=denied	it cannot be opened
 *	SMI=FILE	this is /usr/bin/nvidia-smi, and root's
 *	SMI_OWNER=other	or another user's
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int kmsg = -1, reads;

static int is_set(const char *name, const char *value)
{
	const char *v = getenv(name);

	return v && !strcmp(v, value);
}

int open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...) =
		(int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	mode_t mode;
	va_list ap;
	int fd;

	va_start(ap, flags);
	mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (!strcmp(path, "/dev/kmsg") && is_set("KMSG", "denied")) {
		errno = EPERM;
		return -1;
	}
	fd = real(path, flags, mode);
	if (!strcmp(path, "/dev/kmsg") && is_set("KMSG", "records"))
		kmsg = fd;
	return fd;
}

/* A record ends before a line that does not begin with a blank. */
static ssize_t read_record(int fd, char *to, size_t room)
{
	size_t n = 0;
	char c;

	if (reads++ == 1) {
		errno = EPIPE;
		return -1;
	}
	while (pread(fd, &c, 1, lseek(fd, 0, SEEK_CUR)) == 1 &&
	       !(n && to[n - 1] == '\n' && c != ' ')) {
		if (n == room) {
			errno = EINVAL;
			return -1;
		}
		to[n++] = c;
		lseek(fd, 1, SEEK_CUR);
	}
	if (!n)
		errno = EAGAIN;
	return n ? (ssize_t)n : -1;
}

ssize_t read(int fd, void *to, size_t room)
{
	ssize_t (*real)(int, void *, size_t) =
		(ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");

	return fd >= 0 && fd == kmsg ? read_record(fd, to, room) : real(fd, to, room);
}

int close(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");

	if (fd == kmsg)
		kmsg = -1;
	return real(fd);
}

static const char *smi(const char *path)
{
	const char *file = getenv("SMI");

	return file && !strcmp(path, "/usr/bin/nvidia-smi") ? file : NULL;
}

int stat(const char *path, struct stat *st)
{
	int (*real)(const char *, struct stat *) =
		(int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat");
	int r = real(smi(path) ? smi(path) : path, st);

	if (!r && smi(path))
		st->st_uid = is_set("SMI_OWNER", "other") ? 1000 : 0;
	return r;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[], char *const env[])
{
	int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *,
		    const posix_spawnattr_t *, char *const[], char *const[]) =
		(int (*)(pid_t *, const char *, const posix_spawn_file_actions_t *,
			 const posix_spawnattr_t *, char *const[],
			 char *const[]))dlsym(RTLD_NEXT, "posix_spawn");

	return real(pid, smi(path) ? smi(path) : path, actions, attr, argv, env);
}
