/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.c - table of input formats; the first that recognises the input reads it */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lnkinspect.h"

/* Where addresses have 32 bits, 4 GiB are more than there is. */
#define MAX_INPUT (LNK_MAX_INPUT < SIZE_MAX / 2 ? (size_t)LNK_MAX_INPUT : SIZE_MAX / 2)

static const struct lnk_source *const sources[] = {
	&lnk_source_lspci,
};

void lnk_captures_add(struct lnk_captures *c, struct lnk_model *m)
{
	if (c->n == c->max) {
		c->max = c->max ? 2 * c->max : 4;
		c->models = lnk_xrealloc(c->models, c->max * sizeof(*c->models));
	}
	c->models[c->n++] = m;
}

void lnk_captures_free(struct lnk_captures *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		lnk_model_free(c->models[i]);
	free(c->models);
	*c = (struct lnk_captures){0};
}

/* Page faults cost more than reading does: asks for large pages, in vain at worst. */
static void expect_much(char *buf, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = page - (size_t)(uintptr_t)buf % page;

	if (n > 4u << 20)
		madvise(buf + skip, (n - skip) / page * page, MADV_HUGEPAGE);
}

/*
 * All of @fd into memory of our own. Not a mapping: a file that another process cuts short while
 * it is mapped kills who reads it. @hint: the size that the file says it has.
 */
static int read_all(int fd, uint64_t hint, char **data, size_t *size)
{
	size_t room = hint < MAX_INPUT ? (size_t)hint + 1 : MAX_INPUT, used = 0;
	char *buf;

	if (room < 64u << 10)
		room = 64u << 10;
	buf = lnk_xmalloc(room);
	expect_much(buf, room);
	for (;;) {
		ssize_t got = read(fd, buf + used, room - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int e = errno;

			free(buf);
			return -e;
		}
		if (!got)
			break;
		used += (size_t)got;
		if (used > MAX_INPUT) {
			free(buf);
			return -EFBIG;
		}
		if (used == room) {
			room = room < MAX_INPUT / 2 ? 2 * room : MAX_INPUT + 1;
			buf = lnk_xrealloc(buf, room);
		}
	}
	*data = buf;
	*size = used;
	return 0;
}

/* Opens @path, refuses what cannot be a capture, reads it. */
static int read_path(const char *path, char **data, size_t *size)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;
	int fd, err;

	fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > MAX_INPUT)
		err = -EFBIG;
	else
		err = read_all(fd, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, data, size);
	if (!is_stdin)
		close(fd);
	return err;
}

static int say_unreadable(struct lnk_err *err, int code, const char *name)
{
	if (code == -EISDIR)
		return lnk_fail(err, code,
				"%s is a directory; a copied sysfs tree is read with "
				"-O sysfs.path=DIR",
				name);
	if (code == -EFBIG)
		return lnk_fail(err, code,
				"%s is larger than the %zu MiB that are read of one input", name,
				MAX_INPUT >> 20);
	return lnk_fail(err, code, "cannot read %s: %s", name, strerror(-code));
}

/* Kinds of file that people hand over by mistake, by how they start. */
static const char *wrapping(const struct lnk_input *in)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *what;
	} kinds[] = {
		{"\x1f\x8b", 2, "it is compressed (gzip): unpack it first"},
		{"\xfd\x37zXZ", 5, "it is compressed (xz): unpack it first"},
		{"\x28\xb5\x2f\xfd", 4, "it is compressed (zstd): unpack it first"},
		{"BZh", 3, "it is compressed (bzip2): unpack it first"},
		{"PK\x03\x04", 4, "it is a zip archive: unpack it first"},
		{"\xff\xfe", 2, "it is UTF-16 text: convert it to UTF-8 first"},
		{"\xfe\xff", 2, "it is UTF-16 text: convert it to UTF-8 first"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (in->size >= kinds[i].n && !memcmp(in->data, kinds[i].magic, kinds[i].n))
			return kinds[i].what;
	return NULL;
}

static int say_unrecognised(struct lnk_err *err, const struct lnk_input *in, const char *name)
{
	const char *what = wrapping(in);
	char looked[256] = "";
	size_t i, used = 0;

	if (!in->size)
		return lnk_fail(err, -EINVAL, "%s is empty", name);
	if (what)
		return lnk_fail(err, -EINVAL, "%s is not a capture: %s", name, what);
	for (i = 0; i < ARRAY_SIZE(sources) && used < sizeof(looked); i++)
		used += (size_t)snprintf(looked + used, sizeof(looked) - used, "%s%s",
					 i ? ", or " : "", sources[i]->what);
	return lnk_fail(err, -EINVAL,
			"%s is not a capture: looked for %s, and found no PCI function in it; take "
			"one as root with \"lspci -vvxxxx > FILE\" or \"" LNK_NAME
			" --capture FILE\"",
			name, looked);
}

static int read_input(const struct lnk_input *in, const char *name, struct lnk_captures *out,
		      struct lnk_err *err)
{
	size_t i, first = out->n;
	int code;

	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i]->recognise(in))
			break;
	if (i == ARRAY_SIZE(sources))
		return say_unrecognised(err, in, name);
	code = sources[i]->read(in, out, err);
	for (i = first; i < out->n; i++) {
		struct lnk_model *m = out->models[i];

		m->source = lnk_clean(&m->arena, in->name, strlen(in->name));
	}
	/* What looked like a capture at first, but has nothing in it that can be read. */
	return code < 0 ? say_unrecognised(err, in, name) : 0;
}

int lnk_source_read(const char *path, struct lnk_captures *out, struct lnk_err *err)
{
	struct lnk_input in = {.name = path};
	struct lnk_arena words = {0};
	size_t len = strlen(path);
	char *data = NULL, *name;
	int code;

	/* The end of a path says more than its start, and both must fit into the message. */
	name = lnk_clean(&words, len > 200 ? path + len - 200 : path, len > 200 ? 200 : len);
	if (!strcmp(path, "-"))
		name = lnk_strf(&words, "standard input");
	code = read_path(path, &data, &in.size);
	if (code < 0) {
		say_unreadable(err, code, name);
	} else {
		in.data = data;
		code = read_input(&in, name, out, err);
	}
	free(data);
	lnk_arena_free(&words);
	return code;
}
