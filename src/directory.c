/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * directory.c - the files below a directory, in the order of their names
 *
 * It is a stranger's copy: a link in it that leads out of it would show files of this machine, and
 * to open a FIFO or a device blocks or does things. The one kind of link that is followed is
 * sysfs's own, from bus/pci/devices to the devices beside it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lnkinspect.h"

#define MAX_DEPTH 40u
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct walk {
	struct lnk_visitor *v;
	int root;      /* what is /sys in the copy, where only a part of it is walked; or -1 */
	unsigned into; /* how many of its directories lead to where the walk starts */
	unsigned depth, max_depth;
	size_t n; /* length of the path */
	char path[LNK_MAX_PATH];
};

/* Where a copy of sysfs has its links, from its root on. */
static const char *const links_at[] = {"bus", "pci", "devices"};

struct names {
	char **name;
	size_t n, max;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_names(struct walk *w, struct names *names, DIR *dir)
{
	struct dirent *e;

	while ((e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!lnk_visitor_count(w->v))
			break;
		if (names->n == names->max) {
			names->max = names->max ? 2 * names->max : 32;
			names->name = lnk_xrealloc(names->name, names->max * sizeof(*names->name));
		}
		names->name[names->n] = lnk_xmalloc(strlen(e->d_name) + 1);
		strcpy(names->name[names->n++], e->d_name);
	}
	if (names->n)
		qsort(names->name, names->n, sizeof(*names->name), by_name);
}

static void refuse_errno(struct walk *w, int code)
{
	w->v->refuse(w->v, w->path, strerror(code));
}

static void show_file(struct walk *w, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct lnk_stream in;
	struct lnk_member m = {.path = w->path, .in = &in};
	struct stat st;

	if (fd < 0) {
		refuse_errno(w, errno);
		return;
	}
	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		lnk_stream_fd(&in, fd);
		lnk_stream_more(&in);
		if (!in.error)
			w->v->visit(w->v, &m);
		if (in.error)
			refuse_errno(w, -in.error);
		lnk_stream_close(&in);
	}
	close(fd);
}

/* Opens what is below @at, not by way of any link. */
static int open_below(int at, const char *path)
{
	char step[NAME_MAX + 1];
	int fd = dup(at), next;
	size_t n;

	for (; fd >= 0 && *path; path += n, path += *path == '/') {
		n = strcspn(path, "/");
		if (!n || n > NAME_MAX || !strncmp(path, "..", n))
			n = 0;
		memcpy(step, path, n);
		step[n] = '\0';
		next = n ? openat(fd, step, DIR_FLAGS) : -1;
		close(fd);
		fd = next;
	}
	return fd;
}

/* Is the walk in bus/pci/devices of a copy of which it does not see the rest? */
static bool among_links(const struct walk *w)
{
	const char *s = w->path;
	unsigned i;

	if (w->root < 0 || w->depth != ARRAY_SIZE(links_at) - w->into)
		return false;
	for (i = w->into; i < ARRAY_SIZE(links_at); i++) {
		size_t n = strlen(links_at[i]);

		if (strncmp(s, links_at[i], n) != 0 || s[n] != '/')
			return false;
		s += n + 1;
	}
	return true;
}

static void walk(struct walk *w, int fd);

static void show_link(struct walk *w, int dir, const char *name)
{
	static const char up[] = "../../../";
	char target[LNK_MAX_PATH];
	struct lnk_member m = {.path = w->path, .link = target};
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	size_t len = sizeof(up) - 1;
	int fd = -1;

	if (n <= 0)
		return;
	target[n] = '\0';
	if (among_links(w) && !strncmp(target, up, len))
		fd = open_below(w->root, target + len);
	if (fd < 0) {
		w->v->visit(w->v, &m);
		return;
	}
	/* What is further below has a link of its own. */
	w->max_depth = w->depth + 1;
	walk(w, fd);
	w->max_depth = MAX_DEPTH;
}

static void show_directory(struct walk *w, int dir, const char *name)
{
	int fd;

	if (w->depth == w->max_depth) {
		if (w->depth == MAX_DEPTH)
			w->v->refuse(w->v, w->path, "it is too deep");
		return;
	}
	fd = openat(dir, name, DIR_FLAGS);
	if (fd < 0) {
		refuse_errno(w, errno);
		return;
	}
	w->depth++;
	walk(w, fd);
	w->depth--;
}

static void show(struct walk *w, int dir, const char *name)
{
	size_t before = w->n;
	struct stat st;
	int n = snprintf(w->path + before, sizeof(w->path) - before, "%s%s", before ? "/" : "",
			 name);

	if (n < 0 || (size_t)n >= sizeof(w->path) - before) {
		w->path[before] = '\0';
		w->v->refuse(w->v, w->path, "a path in it is too long");
		return;
	}
	w->n += (size_t)n;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		refuse_errno(w, errno);
	else if (S_ISDIR(st.st_mode))
		show_directory(w, dir, name);
	else if (S_ISLNK(st.st_mode))
		show_link(w, dir, name);
	else if (S_ISREG(st.st_mode))
		show_file(w, dir, name);
	else
		w->v->visit(w->v, &(struct lnk_member){.path = w->path});
	w->n = before;
	w->path[before] = '\0';
}

/* This machine's own: what is in it is not of files, and reading some of it does things. */
static bool is_kernels(int fd)
{
	struct statfs st;

	return !fstatfs(fd, &st) && (st.f_type == SYSFS_MAGIC || st.f_type == PROC_SUPER_MAGIC);
}

static void walk(struct walk *w, int fd)
{
	struct names names = {0};
	DIR *dir = NULL;
	size_t i;

	if (is_kernels(fd))
		w->v->refuse(w->v, w->path,
			     "it is this machine's own; run " LNK_NAME " without -F to judge that");
	else
		dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return;
	}
	read_names(w, &names, dir);
	for (i = 0; i < names.n; i++) {
		if (!w->v->limit)
			show(w, dirfd(dir), names.name[i]);
		free(names.name[i]);
	}
	free(names.name);
	closedir(dir);
}

/* Is the directory, or one above it, the bus/pci of a copy of sysfs? Its root is above that. */
static void find_root(struct walk *w, int fd, const char *path)
{
	static const char *const ups[] = {"..", "../..", "../../.."};
	const char *end = path + strlen(path);
	size_t i, n;

	for (w->into = ARRAY_SIZE(links_at); w->into; w->into--) {
		const char *s = end;

		for (i = w->into; i-- > 0; s -= n + 1) {
			n = strlen(links_at[i]);
			if ((size_t)(s - path) < n + 1 || s[-(ssize_t)n - 1] != '/' ||
			    strncmp(s - n, links_at[i], n) != 0)
				break;
		}
		if (i == SIZE_MAX) {
			w->root = openat(fd, ups[w->into - 1], DIR_FLAGS);
			return;
		}
	}
}

void lnk_directory_each(struct lnk_visitor *v, int fd, const char *path)
{
	struct walk w = {.v = v, .root = -1, .max_depth = MAX_DEPTH};

	find_root(&w, fd, path);
	walk(&w, fd);
	if (w.root >= 0)
		close(w.root);
}
