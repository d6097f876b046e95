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
static int open_path(const char *path, bool *is_directory)
{
	bool is_stdin = !strcmp(path, "-");
	struct stat st;
	int fd, err = 0;

	fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > LNK_MAX_INPUT)
		err = -EFBIG;
	*is_directory = !err && S_ISDIR(st.st_mode);
	if (err && !is_stdin)
		close(fd);
	return err ? err : fd;
}

static int say_unreadable(struct lnk_err *err, int code, const char *name)
{
	if (code == -EFBIG)
		return lnk_fail(err, code,
				"%s is larger than the %llu MiB that are read of one input", name,
				LNK_MAX_INPUT >> 20);
	return lnk_fail(err, code, "cannot read %s: %s", name, strerror(-code));
}

/* ---- An input's files ---------------------------------------------------------------------- */

struct input {
	struct lnk_visitor visitor; /* first: visit() is given it */
	struct lnk_bundle *bundle;
	bool empty;	/* not one byte */
	size_t n_files; /* that were seen in it */
	struct lnk_err *err;
};

bool lnk_visitor_count(struct lnk_visitor *v)
{
	if (v->files++ >= LNK_MAX_FILES && !v->limit)
		v->limit = "more than 1048576 files in it: the rest is left out";
	return !v->limit;
}

static const struct lnk_source *choose(const struct lnk_stream *in)
{
	size_t n = in->end < LNK_START ? in->end : LNK_START, i;

	for (i = 0; i + 1 < ARRAY_SIZE(sources); i++)
		if (!sources[i]->recognise || sources[i]->recognise(in->start, n))
			break;
	return sources[i];
}

/*
 * A report holds journals, databases, cores: what text has none of tells them apart. UTF-16 has a
 * zero in every other byte.
 */
static bool is_binary(const struct lnk_stream *in)
{
	const unsigned char *s = (const unsigned char *)in->window + in->at;
	size_t n = in->end - in->at < 4096 ? in->end - in->at : 4096, zeros = 0, others = 0, i;

	for (i = 0; i < n; i++) {
		zeros += !s[i];
		others += s[i] && s[i] < ' ' && !memchr("\t\n\v\f\r\b\033", s[i], 7);
	}
	return zeros > n / 4 * 3 || others > n / 16;
}

static void read_file(struct input *i, const struct lnk_member *m)
{
	struct lnk_captures c = {0};

	choose(m->in)->read(m->in, &c, lnk_bundle_facts(i->bundle, m->path), i->err);
	lnk_bundle_text(i->bundle, m->path, &c);
}

static void visit(struct lnk_visitor *v, const struct lnk_member *m)
{
	struct input *i = (struct input *)v;

	if (m->in && lnk_archive_is(m->in)) {
		lnk_archive_each(v, m);
		return;
	}
	i->n_files++;
	/* What is named on the command line was meant. */
	if (!lnk_bundle_config(i->bundle, m) && m->in && (!*m->path || !is_binary(m->in)))
		read_file(i, m);
	if (!v->limit)
		v->limit = lnk_bundle_limit(i->bundle);
}

static void refuse(struct lnk_visitor *v, const char *path, const char *why)
{
	lnk_bundle_refuse(((struct input *)v)->bundle, path, why);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static int say_nothing_found(struct input *i, const char *name)
{
	const char *why = i->visitor.limit ? i->visitor.limit : lnk_bundle_refused(i->bundle);
	char looked[256] = "";
	size_t n, used = 0;

	if (why)
		return lnk_fail(i->err, -EINVAL, "no PCI functions found in %s; %s", name, why);
	if (i->empty || !i->n_files)
		return lnk_fail(i->err, -EINVAL, i->empty ? "%s is empty" : "no file in %s", name);
	for (n = 0; n < ARRAY_SIZE(sources) && used < sizeof(looked); n++)
		used += (size_t)snprintf(looked + used, sizeof(looked) - used, "%s%s",
					 n ? ", or " : "", sources[n]->what);
	return lnk_fail(i->err, -EINVAL,
			"%s is not a capture: no PCI functions found, looking for %s; take one as "
			"root with \"lspci -vvxxxx > FILE\" or \"" LNK_NAME " --capture FILE\"",
			name, looked);
}

/* @path as a model says it; and which part of it is meant. */
static void name_model(struct lnk_model *m, const char *path)
{
	m->source = lnk_clean(&m->arena, path, strlen(path));
	if (m->part)
		m->source = lnk_strf(&m->arena, "%s (%s)", m->source, m->part);
}

/* The input itself is the first of its files, and often the only one. */
static int read_input(struct input *i, int fd)
{
	struct lnk_member m = {.path = ""};
	struct lnk_stream in;
	int error;

	lnk_stream_fd(&in, fd);
	lnk_stream_more(&in);
	m.in = &in;
	i->empty = !in.total;
	if (!i->empty)
		visit(&i->visitor, &m);
	error = in.error;
	lnk_stream_close(&in);
	return error;
}

static int read_all(struct input *i, int fd, bool is_directory, const char *base)
{
	if (!is_directory)
		return read_input(i, fd);
	fd = dup(fd);
	if (fd < 0)
		return -errno;
	lnk_directory_each(&i->visitor, fd, base);
	return 0;
}

static int read_path(const char *path, const char *name, struct lnk_captures *out,
		     struct lnk_err *err)
{
	struct input i = {.visitor = {.visit = visit, .refuse = refuse}, .err = err};
	bool is_directory = false;
	int fd = open_path(path, &is_directory), error;
	char *base = fd > STDIN_FILENO ? realpath(path, NULL) : NULL;
	size_t n = out->n;

	if (fd < 0)
		return say_unreadable(err, fd, name);
	i.bundle = lnk_bundle_new(base ? base : "");
	error = read_all(&i, fd, is_directory, base ? base : "");
	if (fd != STDIN_FILENO)
		close(fd);
	lnk_bundle_end(i.bundle, i.visitor.limit, out);
	if (error)
		say_unreadable(err, error, name);
	else if (out->n == n)
		error = say_nothing_found(&i, name);
	while (error && out->n > n)
		lnk_model_free(out->models[--out->n]);
	for (; n < out->n; n++)
		name_model(out->models[n], path);
	lnk_bundle_free(i.bundle);
	free(base);
	return error;
}

int lnk_source_read(const char *path, struct lnk_captures *out, struct lnk_err *err)
{
	struct lnk_arena words = {0};
	size_t len = strlen(path);
	char *name;
	int code;

	/* The end of a path says more than its start, and both must fit into the message. */
	name = lnk_clean(&words, len > 200 ? path + len - 200 : path, len > 200 ? 200 : len);
	if (!strcmp(path, "-"))
		name = lnk_strf(&words, "standard input");
	code = read_path(path, name, out, err);
	lnk_arena_free(&words);
	return code;
}
