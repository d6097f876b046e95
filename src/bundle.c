/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bundle.c - which pieces of an input are of one machine: a report's files become its captures
 *
 * What stands in one place belongs together: below the root of a copied tree or of a report, else
 * in one directory. Two pieces of one place are one capture where they agree on functions that both
 * have; two machines never are. A piece is in the nearest place above it.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lspci.h"

/* More pieces of one place than this are a collection, and no report: they are left apart. */
#define MAX_FOLDED 64u
/* Each takes memory, were it of one line: an archive of a megabyte has room for a million. */
#define MAX_PIECES 32768u
/* Bytes of a path where it is said why it was refused: its end says more than its start. */
#define MAX_TAIL 120u

struct place {
	struct place *older; /* of all places */
	size_t n;	     /* of the path */
	const char *path;
	bool report;		   /* one machine's, as its files say */
	struct lnk_config *config; /* a copied tree, or NULL */
	size_t tree;		   /* its piece */
	size_t first, last;	   /* its pieces, linked; NONE: none */
	size_t n_pieces;
	struct lnk_facts facts; /* of a report's files */
};
#define NONE SIZE_MAX

struct piece {
	const char *path;    /* in full; of a tree: its root */
	struct lnk_model *m; /* NULL: it became part of another, or was nothing */
	struct place *place;
	size_t next;
};

/* What a file says that was of no report when it came. */
struct words {
	const char *path;
	struct lnk_facts facts;
	size_t first, n; /* the file's own pieces */
};

struct lnk_bundle {
	struct lnk_arena arena;
	char *base;
	void *places; /* tsearch(3) */
	struct place *youngest;
	bool nameless;		/* the input is one function, whose address is not known */
	struct lnk_facts facts; /* of the file that is read, if it is of no report */
	struct lnk_facts *into; /* these, or its report's */
	size_t n_quotes;	/* that were there before */
	struct piece *pieces;
	size_t n_pieces, max_pieces;
	struct words *words;
	size_t n_words, max_words;
	size_t n_machines;    /* places that are one's */
	size_t n_fns;	      /* of all texts */
	const char **refused; /* what was, each "path: why" */
	const char *nothing;  /* why a copied tree has no function; NULL: none is so */
	size_t n_refused;
};

struct lnk_bundle *lnk_bundle_new(const char *base)
{
	struct lnk_bundle *b = lnk_xmalloc(sizeof(*b));

	*b = (struct lnk_bundle){0};
	b->base = lnk_strndup(&b->arena, base, strlen(base));
	b->refused = lnk_alloc(&b->arena, LNK_MAX_DAMAGE * sizeof(*b->refused));
	return b;
}

/* ---- Places -------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = memcmp(x->path, y->path, x->n < y->n ? x->n : y->n);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

static struct place *find_place(const struct lnk_bundle *b, const char *path, size_t n)
{
	struct place key = {.n = n, .path = path}, **found = tfind(&key, &b->places, by_path);

	return found ? *found : NULL;
}

static struct place *make_place(struct lnk_bundle *b, const char *path, size_t n)
{
	struct place *p = find_place(b, path, n);

	if (p)
		return p;
	p = lnk_alloc(&b->arena, sizeof(*p));
	*p = (struct place){
		.n = n,
		.path = lnk_strndup(&b->arena, path, n),
		.first = NONE,
		.last = NONE,
		.older = b->youngest,
	};
	b->youngest = p;
	/* NULL would be want of memory: let the one function that says so say it. */
	if (!tsearch(p, &b->places, by_path))
		lnk_xmalloc(SIZE_MAX / 2);
	return p;
}

/* The same of a place that is one machine's. */
static struct place *make_machine(struct lnk_bundle *b, const char *path, size_t n)
{
	struct place *p = make_place(b, path, n);

	b->n_machines += !p->report;
	p->report = true;
	return p;
}

static size_t dir_of(const char *path, size_t n)
{
	const char *slash = memrchr(path, '/', n);

	return slash ? (size_t)(slash - path) : 0;
}

/* The nearest place above @path that is one machine's; NULL: there is none. */
static struct place *machine_above(const struct lnk_bundle *b, const char *path)
{
	size_t n = strlen(path);
	struct place *p;

	do {
		n = dir_of(path, n);
		p = find_place(b, path, n);
		if (p && p->report)
			return p;
	} while (n);
	return NULL;
}

static char *full_path(struct lnk_arena *a, const struct lnk_bundle *b, const char *path)
{
	return *path ? lnk_strf(a, "%s/%s", b->base, path) :
		       lnk_strndup(a, b->base, strlen(b->base));
}

/* Reports have a form of their own: their files say where one begins. */
static void look_for_report(struct lnk_bundle *b, const char *path)
{
	static const char sos[] = "/sos_commands/";
	static const char *const supportconfig[] = {"/basic-environment.txt", "/hardware.txt"};
	const char *at = strstr(path, sos);
	size_t dir = dir_of(path, strlen(path)), i;

	if (at)
		make_machine(b, path, (size_t)(at - path));
	for (i = 0; !at && i < ARRAY_SIZE(supportconfig); i++)
		if (!strcmp(path + dir, supportconfig[i]))
			make_machine(b, path, dir);
}

/* ---- Pieces -------------------------------------------------------------------------------- */

static size_t add_piece(struct lnk_bundle *b, const char *path, struct lnk_model *m)
{
	if (b->n_pieces == b->max_pieces) {
		b->max_pieces = b->max_pieces ? 2 * b->max_pieces : 8;
		b->pieces = lnk_xrealloc(b->pieces, b->max_pieces * sizeof(*b->pieces));
	}
	b->pieces[b->n_pieces] = (struct piece){.path = path, .m = m, .next = NONE};
	return b->n_pieces++;
}

static struct lnk_config *config_at(struct lnk_bundle *b, const char *path, size_t root)
{
	struct place *p = make_machine(b, path, root);

	if (!p->config) {
		p->config = lnk_config_new();
		p->tree = add_piece(b, p->path, NULL);
	}
	return p->config;
}

/*
 * Files whose path says what they are, and how a program that is well known would say the same: so
 * facts.c is the one judge of it. Linux drivers/firmware/dmi-id.c.
 */
static const struct {
	const char *path, *heading, *label;
} told[] = {
	{"/sys/class/dmi/id/sys_vendor", "System Information", "\tManufacturer: "},
	{"/sys/class/dmi/id/product_name", "System Information", "\tProduct Name: "},
	{"/sys/class/dmi/id/product_version", "System Information", "\tVersion: "},
	{"/sys/devices/virtual/dmi/id/sys_vendor", "System Information", "\tManufacturer: "},
	{"/sys/devices/virtual/dmi/id/product_name", "System Information", "\tProduct Name: "},
	{"/sys/devices/virtual/dmi/id/product_version", "System Information", "\tVersion: "},
	{"/systemd-detect-virt", "", "Virtualization: "},
	{"/virt-what", "", "Virtualization: "},
};

static void tell(struct lnk_facts *f, size_t i, const struct lnk_stream *in)
{
	const char *s = in->window + in->at, *nl;
	size_t n = in->end - in->at < 256 ? in->end - in->at : 256;
	struct lnk_arena a = {0};
	const char *line;

	nl = memchr(s, '\n', n);
	line = lnk_clean(&a, s, nl ? (size_t)(nl - s) : n);
	if (*line) {
		line = lnk_strf(&a, "%s%s", told[i].label, line);
		lnk_facts_line(f, 0, told[i].heading, strlen(told[i].heading));
		lnk_facts_line(f, 1, line, strlen(line));
		lnk_facts_line(f, 0, "", 0);
	}
	lnk_arena_free(&a);
}

/* What holds sysfs is a machine's; what a program said is of the one that is known there. */
static bool take_told(struct lnk_bundle *b, const char *path, const struct lnk_member *m)
{
	struct place *p;
	size_t n = strlen(path), i, len = 0;

	for (i = 0; i < ARRAY_SIZE(told); i++) {
		len = strlen(told[i].path);
		if (n >= len && !strcmp(path + n - len, told[i].path))
			break;
	}
	if (!m->in || i == ARRAY_SIZE(told))
		return false;
	if (*told[i].heading) {
		p = make_machine(b, path, n - len);
	} else {
		look_for_report(b, path);
		p = machine_above(b, path);
	}
	if (p)
		tell(&p->facts, i, m->in);
	return p;
}

/* One function's registers, in a file whose path tells nothing. */
static bool take_nameless(struct lnk_bundle *b, const char *path, const struct lnk_member *m)
{
	/* No bus 0: where the function stands is as unknown as its number. */
	const struct lnk_config_path p = {.root = strlen(path), .addr = {.bus = 0xff}};

	if (*m->path || !m->in || !m->in->ended ||
	    !lnk_config_certain(m->in->window + m->in->at, m->in->end - m->in->at))
		return false;
	lnk_config_take(config_at(b, path, p.root), &p, m);
	b->nameless = true;
	return true;
}

bool lnk_bundle_config(struct lnk_bundle *b, const struct lnk_member *m)
{
	struct lnk_config_path p;
	struct lnk_arena a = {0};
	char *path = full_path(&a, b, m->path);
	bool is_path = lnk_config_path(&p, path), taken;

	taken = is_path && lnk_config_wants(&p, m);
	if (taken)
		lnk_config_take(config_at(b, path, p.root), &p, m);
	else
		taken = take_told(b, path, m) || take_nameless(b, path, m);
	lnk_arena_free(&a);
	return taken;
}

/* What hosts keep of their guests says nothing of the host. */
static bool is_of_guests(const char *path)
{
	static const char *const dirs[] = {"libvirt/",	  "qemu/", "virsh/",	 "lxc/",
					   "containers/", "xen/",  "instances/", "machines/"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		if (strstr(path, dirs[i]))
			return true;
	return false;
}

struct lnk_facts *lnk_bundle_facts(struct lnk_bundle *b, const char *path)
{
	struct lnk_arena a = {0};
	const char *full = full_path(&a, b, path);
	struct place *p;

	look_for_report(b, full);
	p = is_of_guests(path) ? NULL : machine_above(b, full);
	b->into = p ? &p->facts : &b->facts;
	b->n_quotes = b->into->n_quotes;
	lnk_arena_free(&a);
	return b->into;
}

/* A file's words are its own, whatever the next one begins with. */
static void end_words(struct lnk_bundle *b, const char *path, size_t first)
{
	static const struct lnk_facts nothing;
	struct lnk_facts *f = b->into;
	size_t i;

	lnk_facts_line(f, 0, "", 0);
	for (i = b->n_quotes; *path && i < f->n_quotes; i++)
		f->quotes[i].file = lnk_clean(&f->arena, path, strlen(path));
	if (f != &b->facts)
		return;
	if (!memcmp(f, &nothing, sizeof(nothing)) || is_of_guests(path)) {
		lnk_facts_free(f);
		return;
	}
	if (b->n_words == b->max_words) {
		b->max_words = b->max_words ? 2 * b->max_words : 8;
		b->words = lnk_xrealloc(b->words, b->max_words * sizeof(*b->words));
	}
	b->words[b->n_words++] = (struct words){
		.path = full_path(&b->arena, b, path),
		.facts = *f,
		.first = first,
		.n = b->n_pieces - first,
	};
	*f = (struct lnk_facts){0};
}

void lnk_bundle_text(struct lnk_bundle *b, const char *path, struct lnk_captures *c)
{
	size_t first = b->n_pieces, i;
	const char *full = c->n ? full_path(&b->arena, b, path) : NULL;

	for (i = 0; i < c->n; i++) {
		b->n_fns += c->models[i]->n_fns;
		add_piece(b, full, c->models[i]);
	}
	free(c->models);
	*c = (struct lnk_captures){0};
	end_words(b, path, first);
}

const char *lnk_bundle_limit(const struct lnk_bundle *b)
{
	if (b->n_pieces + b->n_words + b->n_machines > MAX_PIECES)
		return "more than 32768 captures, or files beside them, in it: the rest is left "
		       "out";
	if (b->n_fns > LNK_MAX_FUNCTIONS)
		return "more than 4194304 functions in it: the rest is left out";
	return NULL;
}

void lnk_bundle_refuse(struct lnk_bundle *b, const char *path, const char *why)
{
	size_t n = strlen(path), tail = n < MAX_TAIL ? n : MAX_TAIL;

	if (b->n_refused++ >= LNK_MAX_DAMAGE)
		return;
	b->refused[b->n_refused - 1] =
		*path ? lnk_strf(&b->arena, "%s%s: %s", tail < n ? ".." : "",
				 lnk_clean(&b->arena, path + n - tail, tail), why) :
			lnk_strndup(&b->arena, why, strlen(why));
}

const char *lnk_bundle_refused(const struct lnk_bundle *b)
{
	return b->n_refused ? b->refused[0] : b->nothing;
}

/* ---- Pieces to captures -------------------------------------------------------------------- */

static void end_trees(struct lnk_bundle *b)
{
	size_t i;

	for (i = 0; i < b->n_pieces; i++) {
		struct piece *p = &b->pieces[i];
		struct place *place = p->m ? NULL : find_place(b, p->path, strlen(p->path));

		if (!place)
			continue;
		p->m = lnk_config_end(place->config);
		p->place = place;
		if (p->m->n_fns)
			continue;
		/* sysfs links to its devices from many places; it matters where nothing else is. */
		if (p->m->n_damage && !b->nothing)
			b->nothing = lnk_strf(&b->arena, "%s", p->m->damage[0].what);
		lnk_model_free(p->m);
		p->m = NULL;
	}
}

/* Puts each piece of text to those of its place, in the order of the input. */
static void find_places(struct lnk_bundle *b)
{
	size_t i;

	for (i = 0; i < b->n_pieces; i++) {
		struct piece *p = &b->pieces[i];
		struct place *place = p->place;

		if (!p->m)
			continue;
		if (!place)
			place = machine_above(b, p->path);
		if (!place)
			place = make_place(b, p->path, dir_of(p->path, strlen(p->path)));
		p->place = place;
		if (place->last == NONE)
			place->first = i;
		else
			b->pieces[place->last].next = i;
		place->last = i;
		place->n_pieces++;
	}
}

/* The pieces of one file stay apart: its reader has seen that they are not of one moment. */
static bool may_fold(const struct piece *to, const struct piece *from)
{
	return to != from && to->m && from->m && to->path != from->path && to->m->snapshots < 2 &&
	       from->m->snapshots < 2;
}

static void fold(struct piece *to, struct piece *from)
{
	struct lnk_group g = {.m = to->m}, add = {.m = from->m};
	struct lnk_model *m = from->m;
	size_t named = m->n_damage < LNK_MAX_DAMAGE ? m->n_damage : LNK_MAX_DAMAGE, i;
	const char *slash = strrchr(from->path, '/');
	const char *name = slash ? slash + 1 : from->path;

	name = lnk_clean(&m->arena, name, strlen(name));
	for (i = 0; i < named; i++)
		m->damage[i].what = lnk_strf(&m->arena, "%s: %s", name, m->damage[i].what);
	/* A line's number means nothing without the file's name. */
	for (i = 0; i < m->n_fns; i++)
		m->fns[i].line = 0;
	lnk_group_fold(&g, &add);
	lnk_group_forget(&g);
	lnk_model_sort(to->m);
	lnk_model_free(from->m);
	from->m = NULL;
}

/* Folds into @to the later ones of its place that are of the same moment. */
static void fold_into(struct lnk_bundle *b, size_t to)
{
	struct lnk_group g = {.m = b->pieces[to].m}, other;
	size_t i;

	for (i = b->pieces[to].place->first; i != NONE; i = b->pieces[i].next) {
		if (!may_fold(&b->pieces[to], &b->pieces[i]))
			continue;
		other = (struct lnk_group){.m = b->pieces[i].m};
		if (lnk_group_shared(&g, &other) && lnk_group_agrees(&g, &other))
			fold(&b->pieces[to], &b->pieces[i]);
	}
}

/* A report is of one machine: what agrees is one capture, its tree first of all. */
static void fold_report(struct lnk_bundle *b, struct place *p)
{
	size_t i;

	if (p->config && b->pieces[p->tree].m)
		fold_into(b, p->tree);
	for (i = p->first; i != NONE; i = b->pieces[i].next)
		if (b->pieces[i].m)
			fold_into(b, i);
}

/* A list of names is no capture beside the one that has all its functions. */
static void fold_list(struct lnk_bundle *b, struct place *p, size_t list)
{
	struct lnk_group g = {.m = b->pieces[list].m}, other;
	size_t into = NONE, i;

	for (i = p->first; i != NONE; i = b->pieces[i].next) {
		if (!may_fold(&b->pieces[i], &b->pieces[list]))
			continue;
		other = (struct lnk_group){.m = b->pieces[i].m};
		if (lnk_group_shared(&other, &g) < g.m->n_fns || !lnk_group_agrees(&other, &g))
			continue;
		if (into != NONE)
			return;
		into = i;
	}
	if (into != NONE)
		fold(&b->pieces[into], &b->pieces[list]);
}

static void fold_place(struct lnk_bundle *b, struct place *p)
{
	size_t i;

	if (p->n_pieces < 2 || p->n_pieces > MAX_FOLDED)
		return;
	if (p->report)
		fold_report(b, p);
	for (i = p->first; !p->report && i != NONE; i = b->pieces[i].next)
		if (b->pieces[i].m && lnk_group_is_list(b->pieces[i].m))
			fold_list(b, p, i);
}

/* The one capture that is left of @p; NULL: there are several, or none. */
static struct lnk_model *only_one(const struct lnk_bundle *b, const struct place *p)
{
	struct lnk_model *m = NULL;
	size_t i;

	for (i = p ? p->first : NONE; i != NONE; i = b->pieces[i].next) {
		if (m && b->pieces[i].m)
			return NULL;
		if (b->pieces[i].m)
			m = b->pieces[i].m;
	}
	return m;
}

/* The same of all places. */
static const struct piece *only_of_all(const struct lnk_bundle *b)
{
	const struct piece *p = NULL;
	size_t i;

	for (i = 0; i < b->n_pieces; i++) {
		if (p && b->pieces[i].m)
			return NULL;
		if (b->pieces[i].m)
			p = &b->pieces[i];
	}
	return p;
}

/* Is one in a directory above the other's? host/lspci and guest/dmesg may be of two machines. */
static bool is_above(const struct piece *p, const char *path)
{
	size_t n = dir_of(path, strlen(path)), k = p->place->n;

	return !strncmp(p->place->path, path, n < k ? n : k) &&
	       (n <= k ? !p->place->path[n] || p->place->path[n] == '/' : path[k] == '/');
}

static void apply_facts(struct lnk_bundle *b)
{
	const struct piece *all = only_of_all(b);
	struct lnk_model *m;
	struct place *p;
	size_t i;

	for (p = b->youngest; p; p = p->older) {
		m = only_one(b, p);
		if (m)
			lnk_facts_apply(&p->facts, m);
	}
	for (i = 0; i < b->n_words; i++) {
		const struct words *w = &b->words[i];

		p = machine_above(b, w->path);
		if (!p)
			p = find_place(b, w->path, dir_of(w->path, strlen(w->path)));
		m = only_one(b, p);
		if (!m && w->n == 1)
			m = b->pieces[w->first].m;
		if (!m && !w->n && all && is_above(all, w->path))
			m = all->m;
		if (m)
			lnk_facts_apply(&w->facts, m);
	}
}

/* A piece's part of the input, as a model says it. */
static void name_part(const struct lnk_bundle *b, const struct piece *p)
{
	size_t base = strlen(b->base), n = strlen(p->path);
	struct lnk_model *m = p->m;
	const char *path;

	if (b->nameless)
		m->part = "one function; its address is not known, ff:00.0 stands for it";
	if (n <= base + 1)
		return;
	path = lnk_clean(&m->arena, p->path + base + 1, n - base - 1);
	m->part = m->part ? lnk_strf(&m->arena, "%s, %s", path, m->part) : path;
}

/* What could not be had may be missing in any of them. */
static void note_refused(const struct lnk_bundle *b, struct lnk_model *m)
{
	size_t named = b->n_refused < LNK_MAX_DAMAGE ? b->n_refused : LNK_MAX_DAMAGE, i;

	for (i = 0; i < named; i++)
		lnk_model_damage(m, 0, "%s", b->refused[i]);
	m->n_damage += b->n_refused - named;
}

void lnk_bundle_end(struct lnk_bundle *b, const char *limit, struct lnk_captures *out)
{
	struct place *p;
	size_t i;

	end_trees(b);
	find_places(b);
	for (p = b->youngest; p; p = p->older)
		fold_place(b, p);
	apply_facts(b);
	for (i = 0; i < b->n_pieces; i++) {
		struct lnk_model *m = b->pieces[i].m;

		if (!m)
			continue;
		name_part(b, &b->pieces[i]);
		note_refused(b, m);
		if (!m->limit)
			m->limit = limit;
		lnk_captures_add(out, m);
	}
}

static void no_free(void *node)
{
	(void)node;
}

void lnk_bundle_free(struct lnk_bundle *b)
{
	struct place *p;
	size_t i;

	for (p = b->youngest; p; p = p->older)
		lnk_facts_free(&p->facts);
	for (i = 0; i < b->n_words; i++)
		lnk_facts_free(&b->words[i].facts);
	lnk_facts_free(&b->facts);
	tdestroy(b->places, no_free);
	free(b->pieces);
	free(b->words);
	lnk_arena_free(&b->arena);
	free(b);
}
