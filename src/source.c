/* SPDX-License-Identifier: GPL-2.0-or-later */
/* source.c - table of input formats; an input is read once, by the first that it may be for */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lnkinspect.h"

/* Those that know theirs by the first bytes come first: text is what is left. */
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

/* Opens @path, refuses what cannot be a capture. A file descriptor or a negative errno. */
static int open_path(const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;
	int fd, err = 0;

	fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > LNK_MAX_INPUT)
		err = -EFBIG;
	if (err && !is_stdin)
		close(fd);
	return err ? err : fd;
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
				"%s is larger than the %llu MiB that are read of one input", name,
				LNK_MAX_INPUT >> 20);
	return lnk_fail(err, code, "cannot read %s: %s", name, strerror(-code));
}

/* Kinds of file that people hand over by mistake, by how they start. */
static const char *wrapping(const struct lnk_stream *in)
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
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (in->total >= kinds[i].n && !memcmp(in->start, kinds[i].magic, kinds[i].n))
			return kinds[i].what;
	return NULL;
}

static int say_unrecognised(struct lnk_err *err, const struct lnk_stream *in, const char *name)
{
	const char *what = wrapping(in);
	char looked[256] = "";
	size_t i, used = 0;

	if (!in->total)
		return lnk_fail(err, -EINVAL, "%s is empty", name);
	if (what)
		return lnk_fail(err, -EINVAL, "%s is not a capture: %s", name, what);
	for (i = 0; i < ARRAY_SIZE(sources) && used < sizeof(looked); i++)
		used += (size_t)snprintf(looked + used, sizeof(looked) - used, "%s%s",
					 i ? ", or " : "", sources[i]->what);
	return lnk_fail(err, -EINVAL,
			"%s is not a capture: no PCI functions found, looking for %s; take one as "
			"root with \"lspci -vvxxxx > FILE\" or \"" LNK_NAME " --capture FILE\"",
			name, looked);
}

static const struct lnk_source *choose(const struct lnk_stream *in)
{
	size_t n = in->end < LNK_START ? in->end : LNK_START, i;

	for (i = 0; i + 1 < ARRAY_SIZE(sources); i++)
		if (!sources[i]->recognise || sources[i]->recognise(in->start, n))
			break;
	return sources[i];
}

/* @path as a model says it; and which part of it is meant. */
static void name_model(struct lnk_model *m, const char *path)
{
	m->source = lnk_clean(&m->arena, path, strlen(path));
	if (m->part)
		m->source = lnk_strf(&m->arena, "%s (%s)", m->source, m->part);
}

static int read_stream(struct lnk_stream *in, const char *path, const char *name,
		       struct lnk_captures *out, struct lnk_err *err)
{
	struct lnk_facts facts = {0};
	size_t first = out->n;
	int code;

	lnk_stream_more(in);
	code = choose(in)->read(in, out, &facts, err);
	/* Of several captures, whose they are is not known. */
	if (out->n - first == 1)
		lnk_facts_apply(&facts, out->models[first]);
	lnk_facts_free(&facts);
	if (in->error) {
		while (out->n > first)
			lnk_model_free(out->models[--out->n]);
		return say_unreadable(err, in->error, name);
	}
	for (; first < out->n; first++)
		name_model(out->models[first], path);
	return code == -ENODATA ? say_unrecognised(err, in, name) : code;
}

int lnk_source_read(const char *path, struct lnk_captures *out, struct lnk_err *err)
{
	struct lnk_arena words = {0};
	size_t len = strlen(path);
	struct lnk_stream in;
	int code, fd;
	char *name;

	/* The end of a path says more than its start, and both must fit into the message. */
	name = lnk_clean(&words, len > 200 ? path + len - 200 : path, len > 200 ? 200 : len);
	if (!strcmp(path, "-"))
		name = lnk_strf(&words, "standard input");
	fd = open_path(path);
	if (fd < 0) {
		code = say_unreadable(err, fd, name);
	} else {
		lnk_stream_fd(&in, fd);
		code = read_stream(&in, path, name, out, err);
		lnk_stream_close(&in);
		if (fd != STDIN_FILENO)
			close(fd);
	}
	lnk_arena_free(&words);
	return code;
}
