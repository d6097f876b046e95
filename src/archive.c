/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * archive.c - what archives and compressed files hold, through libarchive, as streams
 *
 * libarchive brings libxml2 and ICU with it, and most inputs are plain: it is loaded when the
 * first packed one comes. Of its formats only those are asked for that reports come in; some of the
 * others open further files. Nothing is ever written to a disk.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lnkinspect.h"

/* ---- libarchive --------------------------------------------------------------------------- */

#define LIBRARY "libarchive.so.13"

#define EACH_FUNCTION(F)                                                                           \
	F(archive_bzlib_version)                                                                   \
	F(archive_entry_filetype)                                                                  \
	F(archive_entry_hardlink)                                                                  \
	F(archive_entry_is_encrypted)                                                              \
	F(archive_entry_pathname)                                                                  \
	F(archive_entry_pathname_utf8)                                                             \
	F(archive_entry_symlink)                                                                   \
	F(archive_entry_symlink_utf8)                                                              \
	F(archive_error_string)                                                                    \
	F(archive_filter_bytes)                                                                    \
	F(archive_filter_count)                                                                    \
	F(archive_format)                                                                          \
	F(archive_liblz4_version)                                                                  \
	F(archive_liblzma_version)                                                                 \
	F(archive_libzstd_version)                                                                 \
	F(archive_read_data_block)                                                                 \
	F(archive_read_free)                                                                       \
	F(archive_read_new)                                                                        \
	F(archive_read_next_header)                                                                \
	F(archive_read_open2)                                                                      \
	F(archive_read_set_seek_callback)                                                          \
	F(archive_read_support_filter_bzip2)                                                       \
	F(archive_read_support_filter_compress)                                                    \
	F(archive_read_support_filter_gzip)                                                        \
	F(archive_read_support_filter_lz4)                                                         \
	F(archive_read_support_filter_lzip)                                                        \
	F(archive_read_support_filter_xz)                                                          \
	F(archive_read_support_filter_zstd)                                                        \
	F(archive_read_support_format_7zip)                                                        \
	F(archive_read_support_format_ar)                                                          \
	F(archive_read_support_format_cpio)                                                        \
	F(archive_read_support_format_empty)                                                       \
	F(archive_read_support_format_raw)                                                         \
	F(archive_read_support_format_tar)                                                         \
	F(archive_read_support_format_zip)                                                         \
	F(archive_set_error)                                                                       \
	F(archive_zlib_version)

#define DECLARE(f) __typeof__(f) *f;
static struct {
	void *library;
	EACH_FUNCTION(DECLARE)
} la;

static bool load(void)
{
	static const char *const names[] = {
#define NAME(f) #f,
		EACH_FUNCTION(NAME)};
	void **const functions[] = {
#define PLACE(f) (void **)&la.f,
		EACH_FUNCTION(PLACE)};
	void *library;
	size_t i;

	if (la.library)
		return true;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (i = 0; library && i < ARRAY_SIZE(names); i++) {
		*functions[i] = dlsym(library, names[i]);
		if (!*functions[i])
			return false;
	}
	la.library = library;
	return library;
}

/* ---- What is packed ------------------------------------------------------------------------ */

/* Each format's own description; those of compression first. */
bool lnk_archive_is(const struct lnk_stream *in)
{
	static const struct {
		size_t at, n;
		const char *magic;
	} kinds[] = {
		{0, 3, "\x1f\x8b\x08"}, /* RFC 1952 */
		{0, 6, "\xfd\x37zXZ"},
		{0, 4, "\x28\xb5\x2f\xfd"},
		{0, 4, "\x04\x22\x4d\x18"},
		{0, 3, "BZh"},
		{0, 4, "LZIP"},
		{0, 2, "\x1f\x9d"},
		{0, 4, "PK\x03\x04"},
		{0, 4, "PK\x05\x06"},
		{0, 4, "PK\x07\x08"},
		{257, 5, "ustar"},
		{0, 6, "7z\xbc\xaf\x27\x1c"},
		{0, 8, "!<arch>\n"},
		{0, 6, "070701"},
		{0, 6, "070702"},
		{0, 6, "070707"},
	};
	const char *s = in->window + in->at;
	size_t n = in->end - in->at, i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (n >= kinds[i].at + kinds[i].n &&
		    !memcmp(s + kinds[i].at, kinds[i].magic, kinds[i].n))
			return true;
	return false;
}

/* ---- One archive -------------------------------------------------------------------------- */

struct unpack {
	struct lnk_visitor *v;
	struct lnk_stream *in;
	struct archive *a;
	const char *outer;	 /* its own path within the input */
	char path[LNK_MAX_PATH]; /* of the member that is read */
	uint64_t packed, bytes;	 /* that were read of it, and what became of them */
	const char *block;	 /* of the member's data, what is to be shown next: */
	size_t rest;
	uint64_t hole, shown; /* zeros before it; all that came before these */
	bool zeros;	      /* the last that was read of it is an empty block */
	bool broken;	      /* the member's data ended in an error */
	bool bomb;
};

#define TAR_BLOCK 512u

/* Nothing more of it is wanted. */
static bool is_over(const struct unpack *u)
{
	return u->bomb || u->v->limit;
}

static bool is_empty(const char *block)
{
	return !*block && !memcmp(block, block + 1, TAR_BLOCK - 1);
}

static la_ssize_t on_read(struct archive *a, void *self, const void **block)
{
	struct unpack *u = self;
	struct lnk_stream *in = u->in;
	size_t n;

	if (in->at == in->end)
		lnk_stream_more(in);
	if (in->error) {
		la.archive_set_error(a, -in->error, "%s", strerror(-in->error));
		return -1;
	}
	n = in->end - in->at;
	*block = in->window + in->at;
	in->at = in->end;
	u->packed += n;
	if (n)
		u->zeros = n >= TAR_BLOCK && is_empty(in->window + in->end - TAR_BLOCK);
	return (la_ssize_t)n;
}

static la_int64_t on_seek(struct archive *a, void *self, la_int64_t off, int whence)
{
	struct unpack *u = self;

	(void)a;
	return lnk_stream_seek(u->in, off, whence);
}

static void refuse(struct unpack *u, const char *path, const char *what, const char *detail)
{
	struct lnk_arena words = {0};
	const char *why = what;

	if (detail)
		why = lnk_strf(&words, "%s: %s", what, lnk_clean(&words, detail, strlen(detail)));
	u->v->refuse(u->v, path, why);
	lnk_arena_free(&words);
}

static void damaged(struct unpack *u, const char *path)
{
	refuse(u, path, "it is damaged or cut", la.archive_error_string(u->a));
}

/* Takes @n unpacked bytes off what may still be unpacked. */
static bool spend(struct unpack *u, uint64_t n)
{
	u->bytes += n;
	u->v->bytes += n;
	if (u->bytes > LNK_FREE_BYTES && u->bytes / LNK_MAX_RATIO > u->packed && !u->bomb) {
		u->bomb = true;
		refuse(u, u->outer,
		       "it unpacks to more than 1000 times its size: the rest is left out", NULL);
	}
	if (u->v->bytes > LNK_MAX_INPUT && !u->v->limit)
		u->v->limit = "it unpacks to more than 4096 MiB: the rest is left out";
	return !is_over(u);
}

/* Where libarchive was built without a library it would run a program in its place. */
static void support(struct archive *a)
{
	if (la.archive_zlib_version())
		la.archive_read_support_filter_gzip(a);
	if (la.archive_bzlib_version())
		la.archive_read_support_filter_bzip2(a);
	if (la.archive_liblzma_version()) {
		la.archive_read_support_filter_xz(a);
		la.archive_read_support_filter_lzip(a);
	}
	if (la.archive_libzstd_version())
		la.archive_read_support_filter_zstd(a);
	if (la.archive_liblz4_version())
		la.archive_read_support_filter_lz4(a);
	la.archive_read_support_filter_compress(a);
	la.archive_read_support_format_tar(a);
	la.archive_read_support_format_zip(a);
	la.archive_read_support_format_7zip(a);
	la.archive_read_support_format_ar(a);
	la.archive_read_support_format_cpio(a);
	la.archive_read_support_format_empty(a);
	la.archive_read_support_format_raw(a);
}

/* False where the path leads elsewhere; "/" and "./" before it lead nowhere. */
static bool stays_inside(const char **path)
{
	const char *s = *path;

	while (*s == '/' || (*s == '.' && (s[1] == '/' || !s[1])))
		s++;
	*path = s;
	for (; *s; s += strcspn(s, "/"), s += *s == '/')
		if (s[0] == '.' && s[1] == '.' && (s[2] == '/' || !s[2]))
			return false;
	return true;
}

/* A compressed file is itself what is in it: it has one member, and that has no name. */
static bool is_single(const struct unpack *u)
{
	return la.archive_format(u->a) == ARCHIVE_FORMAT_RAW;
}

/* The member's path below the archive's; false, and refused, if it has none that can be used. */
static bool set_path(struct unpack *u, struct archive_entry *e)
{
	const char *name = la.archive_entry_pathname_utf8(e);
	int n;

	if (!name)
		name = la.archive_entry_pathname(e);
	if (is_single(u) || !name)
		name = "";
	if (!stays_inside(&name)) {
		snprintf(u->path, sizeof(u->path), "%s", u->outer);
		refuse(u, name, "its path leads out of the archive", NULL);
		return false;
	}
	n = snprintf(u->path, sizeof(u->path), "%s%s%s", u->outer, *u->outer && *name ? "/" : "",
		     name);
	if (n >= 0 && (size_t)n < sizeof(u->path))
		return true;
	snprintf(u->path, sizeof(u->path), "%s", u->outer);
	refuse(u, u->outer, "it has a member whose path is too long", NULL);
	return false;
}

/* False at the end of the member's data, or of what can be had of it, which is said. */
static bool next_block(struct unpack *u)
{
	la_int64_t off = 0;
	const void *s = NULL;
	size_t n = 0;
	int r;

	if (u->broken || is_over(u))
		return false;
	r = la.archive_read_data_block(u->a, &s, &n, &off);
	if (r == ARCHIVE_EOF)
		return false;
	if (r != ARCHIVE_OK || off < 0 || (uint64_t)off < u->shown) {
		u->broken = true;
		damaged(u, u->path);
		return false;
	}
	u->hole = (uint64_t)off - u->shown;
	u->shown = (uint64_t)off + n;
	u->block = s;
	u->rest = n;
	return true;
}

/* By blocks: archive_read_data() drops what it has where it meets the end of what was cut off. */
static ssize_t fill_from_member(struct lnk_stream *s, char *to, size_t room)
{
	struct unpack *u = s->from;
	size_t n;

	while (!u->hole && !u->rest)
		if (!next_block(u))
			return 0;
	if (u->hole) {
		n = u->hole < room ? (size_t)u->hole : room;
		memset(to, 0, n);
		u->hole -= n;
	} else {
		n = u->rest < room ? u->rest : room;
		memcpy(to, u->block, n);
		u->block += n;
		u->rest -= n;
	}
	return spend(u, n) ? (ssize_t)n : 0;
}

/* What nobody wants is unpacked all the same, and counts; holes are nothing. */
static void pass_by(struct unpack *u)
{
	do
		spend(u, u->rest);
	while (next_block(u));
}

static void show_file(struct unpack *u)
{
	struct lnk_stream in;
	struct lnk_member m = {.path = u->path, .in = &in};

	lnk_stream_open(&in, fill_from_member, u);
	lnk_stream_more(&in);
	if (!is_over(u))
		u->v->visit(u->v, &m);
	lnk_stream_close(&in);
}

static void show_link(struct unpack *u, struct archive_entry *e)
{
	struct lnk_member m = {.path = u->path, .link = la.archive_entry_symlink_utf8(e)};

	if (!m.link)
		m.link = la.archive_entry_symlink(e);
	if (m.link)
		u->v->visit(u->v, &m);
}

/* Hard links, devices and what else has no bytes of its own tell nothing. */
static void show(struct unpack *u, struct archive_entry *e)
{
	u->broken = false;
	u->hole = u->shown = u->rest = 0;
	if (!set_path(u, e)) {
		pass_by(u);
		return;
	}
	if (la.archive_entry_is_encrypted(e)) {
		refuse(u, u->path, "it is encrypted: unpack it first", NULL);
		return;
	}
	if (la.archive_entry_filetype(e) == AE_IFLNK)
		show_link(u, e);
	else if (la.archive_entry_filetype(e) == AE_IFREG && !la.archive_entry_hardlink(e))
		show_file(u);
	pass_by(u);
}

/* What stands behind the end of compressed data is no part of it, and is not looked at. */
static void check_rest(struct unpack *u)
{
	struct lnk_stream *in = u->in;
	uint64_t used = (uint64_t)la.archive_filter_bytes(u->a, -1);
	struct lnk_arena words = {0};

	while (!in->ended) {
		in->at = in->end;
		lnk_stream_more(in);
	}
	if (in->total > used)
		refuse(u, u->outer,
		       lnk_strf(&words, "%llu bytes behind the end of its data are not read",
				(unsigned long long)(in->total - used)),
		       NULL);
	lnk_arena_free(&words);
}

/*
 * POSIX pax: an archive ends in two blocks of zeros. One that was cut between two members has none,
 * and libarchive says nothing.
 */
static void check_tar(struct unpack *u)
{
	bool tar = (la.archive_format(u->a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;

	if (tar && la.archive_filter_count(u->a) < 2 && u->in->ended && !u->zeros &&
	    (uint64_t)la.archive_filter_bytes(u->a, 0) >= u->in->total)
		refuse(u, u->outer, "it is cut: the end of the archive is missing", NULL);
}

static void read_members(struct unpack *u)
{
	struct archive_entry *e;
	bool single = false;
	int r;

	while (!is_over(u)) {
		r = la.archive_read_next_header(u->a, &e);
		if (r == ARCHIVE_EOF) {
			check_tar(u);
			break;
		}
		/* It takes anything as a file of which nothing is compressed: then nothing fits. */
		single = r != ARCHIVE_FATAL && is_single(u);
		if (single && la.archive_filter_count(u->a) < 2) {
			refuse(u, u->outer, "it is damaged: no archive, though it starts as one",
			       NULL);
			return;
		}
		if (r == ARCHIVE_FATAL) {
			damaged(u, u->outer);
			return;
		}
		if (!lnk_visitor_count(u->v))
			return;
		if (r == ARCHIVE_OK || r == ARCHIVE_WARN)
			show(u, e);
		else
			damaged(u, u->outer);
	}
	if (single && !is_over(u) && !u->broken)
		check_rest(u);
}

static void unpack(struct unpack *u)
{
	u->a = la.archive_read_new();
	if (!u->a)
		return;
	support(u->a);
	if (lnk_stream_seeks(u->in))
		la.archive_read_set_seek_callback(u->a, on_seek);
	if (la.archive_read_open2(u->a, u, NULL, on_read, NULL, NULL) == ARCHIVE_OK)
		read_members(u);
	else
		damaged(u, u->outer);
	la.archive_read_free(u->a);
}

void lnk_archive_each(struct lnk_visitor *v, const struct lnk_member *m)
{
	struct unpack u = {.v = v, .in = m->in, .outer = m->path};

	if (v->nested >= LNK_MAX_NESTED) {
		refuse(&u, m->path, "it is an archive in too many others: unpack it first", NULL);
		return;
	}
	if (!load()) {
		refuse(&u, m->path,
		       "it is packed, and " LIBRARY
		       " is not installed: install libarchive (Debian: "
		       "libarchive13), or unpack it first",
		       NULL);
		return;
	}
	v->nested++;
	unpack(&u);
	v->nested--;
}
