/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mangle.c - cuts, shuffles and damages captures and watches what becomes of them
 *
 *	mangle [-n FLIPS] FILE...		in this process: see below
 *	mangle -x PROGRAM [-n RUNS] FILE...	the same through the real program: RUNS cuts and
 *						RUNS/4 flips; it must say the same
 *	mangle -p WHAT:N FILE			prints what was fed, to look into a failure; WHAT
 *						is cut (N is the number of bytes), flip or shuffle
 *
 * Each FILE is read, walked, judged and written: whole; cut after every line and in the middle of
 * every line; SHUFFLES times in each way with its lines in another order; and FLIPS times (default
 * 200) with some bytes altered. Always the same ones. Held true of each: what oracle.h says,
 * nothing a sanitizer reports, no run longer than LIMIT seconds. Of a cut, that nothing is
 * invented. And where lines were moved between functions, with no wrapping around them:
 *	- each row is taken somewhere or named as damaged, and none is taken that stands nowhere
 *	- whoever has bytes that are not its own stands in a capture that is called damaged, or its
 *	  words are said to contradict it; that two functions exchanged one whole row of the same
 *	  offset cannot be known, and is not tried
 *	- speed and width that are told in words stood together
 *	- functions in another order, each whole, are the same capture
 * Formats are written on every SAMPLE-th cut. Prints how many runs were made.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle.h"

#define SAMPLE	 16
#define SHUFFLES 3  /* of each way */
#define LIMIT	 20 /* seconds */

struct buf {
	char *data;
	size_t size;
};

/* What is being tried, for whoever has to look into it. */
static struct {
	const char *file;
	const char *what;
	size_t n;
} now;

static size_t runs, failures;

void oracle_complain(const char *fmt, ...)
{
	va_list ap;

	failures++;
	fprintf(stderr, "%s, %s:%zu: ", now.file, now.what, now.n);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* Called where printf() may not be: after a signal, or by a sanitizer that is about to end us. */
static void last_words(void)
{
	char s[512];
	int n = snprintf(s, sizeof(s), "mangle: while at %s, %s:%zu\n", now.file, now.what, now.n);

	if (n > 0 && write(STDERR_FILENO, s, (size_t)n < sizeof(s) ? (size_t)n : sizeof(s) - 1) < 0)
		_exit(98);
}

static void on_signal(int sig)
{
	last_words();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* There when a sanitizer is. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static struct buf read_file(const char *path)
{
	FILE *from = fopen(path, "rb");
	struct buf b = {0};
	size_t max = 0, got;

	if (!from) {
		fprintf(stderr, "mangle: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	do {
		if (b.size == max) {
			max = max ? 2 * max : 64 << 10;
			b.data = lnk_xrealloc(b.data, max);
		}
		got = fread(b.data + b.size, 1, max - b.size, from);
		b.size += got;
	} while (got);
	fclose(from);
	return b;
}

/* A copy of just this size, so that a sanitizer sees a read past its end. */
static struct buf copy(const char *data, size_t size)
{
	struct buf b = {.data = lnk_xmalloc(size), .size = size};

	if (size)
		memcpy(b.data, data, size);
	return b;
}

/* ---- Ways to do harm ---------------------------------------------------------------------- */

/* The @n-th damaged copy: one to four bytes of bits turned, replaced, lost or doubled. */
static struct buf flip(const struct buf *whole, size_t n)
{
	/* What stands at the joints of a capture, and what should not stand in one at all. */
	static const char nasty[] = "\n\r\t :.0123456789abcdefxX#\x1b\x7f\x80\xc3\xff";
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (n + 1);
	struct buf b = {.data = lnk_xmalloc(whole->size + 4), .size = whole->size};
	size_t i, at, times = 1 + n % 4;

	memcpy(b.data, whole->data, whole->size);
	for (i = 0; i < times && b.size; i++) {
		at = oracle_random(&state) % b.size;
		switch (oracle_random(&state) % 4) {
		case 0:
			b.data[at] = (char)(b.data[at] ^ (1 << oracle_random(&state) % 8));
			break;
		case 1:
			b.data[at] = nasty[oracle_random(&state) % (sizeof(nasty) - 1)];
			break;
		case 2:
			memmove(b.data + at, b.data + at + 1, b.size - at - 1);
			b.size--;
			break;
		default:
			memmove(b.data + at + 1, b.data + at, b.size - at);
			b.size++;
		}
	}
	return b;
}

/* ---- Lines in a wrong order --------------------------------------------------------------- */

#define ROW	 16u
#define MAX_ROWS (LNK_CFG_MAX / ROW)

struct line {
	const char *s;
	size_t n;
	size_t block; /* how many headers stood up to here */
	bool header, is_row;
	unsigned off; /* of a row exactly as lspci writes it */
	uint8_t bytes[ROW];
};

struct text {
	struct line *lines;
	size_t n, blocks, rows;
	bool soft; /* a line ends as those that go on below do in quoted-printable */
};

/* "00:1f.3 ...", with a domain or without */
static bool is_header(const char *s, size_t n)
{
	const char *end = memchr(s, ' ', n);
	struct lnk_addr addr;
	char word[LNK_ADDR_LEN];

	if (!end || (size_t)(end - s) >= sizeof(word))
		return false;
	memcpy(word, s, (size_t)(end - s));
	word[end - s] = '\0';
	return lnk_addr_parse(word, &addr);
}

/* "40: 10 00 ...", "100: 01 00 ..." */
static bool read_row(struct line *l)
{
	size_t digits = l->n == 51 ? 2 : 3, i;
	char word[LNK_ROOM] = "";
	unsigned byte;

	if (l->n != digits + 2 + 3 * ROW - 1 || l->s[digits] != ':')
		return false;
	memcpy(word, l->s, digits);
	if (strspn(word, "0123456789abcdef") != digits)
		return false;
	l->off = (unsigned)strtoul(word, NULL, 16);
	for (i = 0; i < ROW; i++) {
		memcpy(word, l->s + digits + 1 + 3 * i, 3);
		word[3] = '\0';
		if (word[0] != ' ' || strspn(word + 1, "0123456789abcdef") != 2 ||
		    sscanf(word, "%x", &byte) != 1)
			return false;
		l->bytes[i] = (uint8_t)byte;
	}
	return l->off % ROW == 0;
}

/* The lines of @b, which stays where it is. */
static struct text split(const struct buf *b)
{
	const char *at = b->data, *end = b->data + b->size;
	struct text t = {0};
	size_t max = 0;

	while (at < end) {
		const char *nl = memchr(at, '\n', (size_t)(end - at));
		struct line *l;

		if (t.n == max) {
			max = max ? 2 * max : 1024;
			t.lines = lnk_xrealloc(t.lines, max * sizeof(*t.lines));
		}
		l = &t.lines[t.n++];
		*l = (struct line){.s = at, .n = (size_t)((nl ? nl : end) - at)};
		l->header = is_header(l->s, l->n);
		l->is_row = read_row(l);
		t.blocks += l->header;
		t.rows += l->is_row;
		t.soft |= l->n && l->s[l->n - 1] == '=';
		l->block = t.blocks;
		at = nl ? nl + 1 : end;
	}
	return t;
}

static void move_line(struct text *t, size_t from, size_t to)
{
	struct line l = t->lines[from];

	if (from < to)
		memmove(t->lines + from, t->lines + from + 1, (to - from) * sizeof(l));
	else
		memmove(t->lines + to + 1, t->lines + to, (from - to) * sizeof(l));
	t->lines[to] = l;
}

/* Two rows of different functions and offsets take each other's place. */
static void swap_rows(struct text *t, uint64_t *state)
{
	unsigned tries;

	for (tries = 0; tries < 1000 && t->n; tries++) {
		struct line *a = &t->lines[oracle_random(state) % t->n];
		struct line *b = &t->lines[oracle_random(state) % t->n], l = *a;

		if (!a->is_row || !b->is_row || a->block == b->block || a->off == b->off)
			continue;
		*a = *b;
		*b = l;
		return;
	}
}

/* An address goes somewhere else: the rows below it are left to the function before. */
static void move_header(struct text *t, uint64_t *state)
{
	size_t i, wanted = t->blocks ? oracle_random(state) % t->blocks : 0;

	for (i = 0; i < t->n; i++)
		if (t->lines[i].header && !wanted--) {
			move_line(t, i, oracle_random(state) % t->n);
			return;
		}
}

static void move_row(struct text *t, uint64_t *state)
{
	size_t i, wanted = t->rows ? oracle_random(state) % t->rows : 0;

	for (i = 0; i < t->n; i++)
		if (t->lines[i].is_row && !wanted--) {
			move_line(t, i, oracle_random(state) % t->n);
			return;
		}
}

/* A line of one function, a line of the next one, and so on. */
static void interleave(struct text *t, uint64_t *state)
{
	size_t block = t->blocks > 1 ? 1 + oracle_random(state) % (t->blocks - 1) : 0;
	size_t from = 0, next, i;

	if (!block)
		return;
	while (from < t->n && t->lines[from].block < block)
		from++;
	for (next = from; next < t->n && t->lines[next].block == block;)
		next++;
	for (i = from + 1; next < t->n && t->lines[next].block == block + 1; i += 2, next++)
		move_line(t, next, i < next ? i : next);
}

static void shuffle_all(struct text *t, uint64_t *state)
{
	size_t i;

	for (i = t->n; i > 1; i--) {
		size_t k = oracle_random(state) % i;
		struct line l = t->lines[i - 1];

		t->lines[i - 1] = t->lines[k];
		t->lines[k] = l;
	}
}

static int by_block_backwards(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->block != y->block && x->block && y->block)
		return x->block < y->block ? 1 : -1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return x->s < y->s ? -1 : x->s > y->s;
}

/* The functions stand in another order, each whole. */
static void turn_blocks(struct text *t, uint64_t *state)
{
	(void)state;
	qsort(t->lines, t->n, sizeof(*t->lines), by_block_backwards);
}

static void (*const shuffles[])(struct text *, uint64_t *) = {
	turn_blocks, swap_rows, move_header, move_row, interleave, shuffle_all,
};

static struct buf join(const struct text *t, size_t size)
{
	struct buf b = {.data = lnk_xmalloc(size + t->n)};
	size_t i;

	for (i = 0; i < t->n; i++) {
		memcpy(b.data + b.size, t->lines[i].s, t->lines[i].n);
		b.size += t->lines[i].n;
		b.data[b.size++] = '\n';
	}
	return b;
}

/* The @n-th copy with its lines in another order, each way in turn; or as it is. */
static struct buf shuffled(const struct buf *whole, size_t n)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (n + 1);
	struct text t = split(whole);
	struct buf b;

	shuffles[n % ARRAY_SIZE(shuffles)](&t, &state);
	b = join(&t, whole->size);
	free(t.lines);
	return b;
}

/* ---- Judging ------------------------------------------------------------------------------ */

static struct lnk_view view = {.fail_on = LNK_WARNING};

/* Another way to look at it each time. */
static void change_view(void)
{
	static const unsigned widths[] = {0, 80, 1, 132, 20};
	static unsigned turn;

	turn++;
	view.utf8 = turn % 2;
	view.verbose = turn / 2 % 2;
	view.quiet = turn % 7 == 0;
	view.names = (enum lnk_names)(turn % 3);
	view.width = widths[turn % ARRAY_SIZE(widths)];
	view.redact = turn % 11 == 0;
}

/* Reads, walks and judges. False where it is not a capture. */
static bool judge(const struct buf *b, struct lnk_captures *c, int *status)
{
	static const struct lnk_judge j = {.keep = UINT64_MAX};

	runs++;
	*status = 0;
	if (!oracle_read(b->data, b->size, c))
		return false;
	*status = oracle_judge(c, &j, &view);
	return true;
}

static void write_formats(const struct lnk_captures *c, int status)
{
	size_t i;

	change_view();
	for (i = 0; i < lnk_n_formats; i++)
		oracle_write(c, lnk_formats[i], &view, status);
}

static bool is_dump(const char *format)
{
	return !strcmp(format, lnk_format_dump.name);
}

static bool is_list(const char *format)
{
	return !strcmp(format, lnk_format_expect.name);
}

/* ---- Cuts --------------------------------------------------------------------------------- */

/* Where a capture was cut: behind a line, in one, or in one that was damaged before. */
enum where { AT_LINE, IN_LINE, IN_DAMAGE };

/* A row that is no row as it stands may be one up to where it was cut. */
static bool is_damaged(const struct lnk_captures *c, uint32_t line)
{
	size_t i, k;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_damage && k < LNK_MAX_DAMAGE; k++)
			if (c->models[i]->damage[k].line == line)
				return true;
	return false;
}

static void try_cut(const struct buf *all, const struct lnk_captures *whole, size_t size,
		    enum where where)
{
	struct buf b = copy(all->data, size);
	struct lnk_captures c = {0};
	static size_t turn;
	int status;

	now.what = "cut";
	now.n = size;
	if (judge(&b, &c, &status)) {
		if (where != IN_DAMAGE)
			oracle_part_of(&c, whole, where == AT_LINE ? ORACLE_WORDS : ORACLE_NO_WORDS,
				       "the cut");
		if (turn++ % SAMPLE == 0)
			write_formats(&c, status);
	}
	lnk_captures_free(&c);
	free(b.data);
}

static void try_cuts(const struct buf *all, const struct lnk_captures *whole)
{
	const char *line = all->data, *end = all->data + all->size;
	uint32_t n = 0;

	while (line < end) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		const char *next = nl ? nl + 1 : end;

		n++;
		alarm(LIMIT);
		try_cut(all, whole, (size_t)(line + (next - line) / 2 - all->data),
			is_damaged(whole, n) ? IN_DAMAGE : IN_LINE);
		try_cut(all, whole, (size_t)(next - all->data), AT_LINE);
		line = next;
	}
}

/* ---- What a wrong order may do ------------------------------------------------------------- */

static bool holds_row(const struct lnk_captures *c, const struct line *l)
{
	uint8_t bytes[ROW];
	size_t i, k;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			const struct lnk_cfg *cfg = &c->models[i]->fns[k].cfg;

			if (!lnk_cfg_known(cfg, l->off, l->off + ROW))
				continue;
			lnk_cfg_bytes(cfg, l->off, l->off + ROW, bytes);
			if (!memcmp(bytes, l->bytes, ROW))
				return true;
		}
	return false;
}

static bool names_no_more(const struct lnk_captures *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->models[i]->limit || c->models[i]->n_damage > LNK_MAX_DAMAGE)
			return true;
	return false;
}

/* Each row is somewhere, or named as left out. */
static void check_rows_kept(const struct text *t, const struct lnk_captures *c)
{
	size_t i;

	if (names_no_more(c))
		return;
	for (i = 0; i < t->n; i++)
		if (t->lines[i].is_row && !holds_row(c, &t->lines[i]) &&
		    !is_damaged(c, (uint32_t)i + 1))
			oracle_complain("line %zu is neither taken nor named", i + 1);
}

static bool stands_in(const struct text *t, unsigned off, const uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->lines[i].is_row && t->lines[i].off == off &&
		    !memcmp(t->lines[i].bytes, bytes, ROW))
			return true;
	return false;
}

/* The first function with a row that stands nowhere; NULL: there is none. */
static const struct lnk_fn *find_unreal(const struct text *t, const struct lnk_captures *c)
{
	uint8_t bytes[LNK_CFG_MAX];
	size_t i, k;
	unsigned off;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			const struct lnk_fn *f = &c->models[i]->fns[k];

			lnk_cfg_bytes(&f->cfg, 0, f->cfg.size, bytes);
			for (off = 0; off < f->cfg.size; off += ROW)
				if (lnk_cfg_known(&f->cfg, off, off + ROW) &&
				    !stands_in(t, off, bytes + off))
					return f;
		}
	return NULL;
}

static void check_rows_real(const struct text *t, const struct lnk_captures *c)
{
	const struct lnk_fn *f = find_unreal(t, c);
	char addr[LNK_ADDR_LEN];

	if (f)
		oracle_complain("%s has a row that stands nowhere", lnk_addr_str(f->addr, addr));
}

/* Is it said that the capture is damaged, or that @f's words and bytes are not of one function? */
static bool is_doubted(const struct lnk_model *m, const struct lnk_fn *f)
{
	size_t i;

	for (i = 0; i < m->n_findings; i++) {
		const struct lnk_finding *found = &m->findings[i];

		if (!strcmp(found->rule->id, "LNK902") ||
		    (!strcmp(found->rule->id, "LNK906") && found->fn == f))
			return true;
	}
	return false;
}

/* Who was given bytes of another function is doubted. */
static void check_strangers(const struct lnk_captures *c, const struct lnk_captures *whole)
{
	char addr[LNK_ADDR_LEN];
	size_t i, k;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			const struct lnk_fn *f = &c->models[i]->fns[k];

			if (!oracle_bytes_in(f, whole) && !is_doubted(c->models[i], f))
				oracle_complain("%s has bytes of another, and nobody says so",
						lnk_addr_str(f->addr, addr));
		}
}

static bool has_link(const struct lnk_captures *c, enum lnk_reg r, uint32_t value)
{
	size_t i, k;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			const struct lnk_fn *f = &c->models[i]->fns[k];

			if ((lnk_knows(f, r) && f->reg[r] == value) ||
			    (f->text && f->text->known & REG(r) && f->text->reg[r] == value))
				return true;
		}
	return false;
}

/* A speed and a width that are told in words stood together in one line. */
static void check_links_real(const struct lnk_captures *c, const struct lnk_captures *whole)
{
	static const enum lnk_reg links[] = {LNK_R_MAXLINK, LNK_R_CURLINK};
	char addr[LNK_ADDR_LEN];
	size_t i, k, r;

	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			const struct lnk_fn *f = &c->models[i]->fns[k];

			for (r = 0; r < ARRAY_SIZE(links); r++)
				if (f->from_text & BIT(links[r]) &&
				    !has_link(whole, links[r], f->reg[links[r]]))
					oracle_complain("%s: %s stands nowhere",
							lnk_addr_str(f->addr, addr),
							lnk_reg_name(links[r]));
		}
}

/* One capture, in which each function stands once. */
static bool is_each_once(const struct text *t, const struct lnk_captures *whole)
{
	return whole->n == 1 && whole->models[0]->n_fns == t->blocks;
}

/* Is @t what lspci wrote, with nothing around it? A wrapping is read by what stands beside. */
static bool is_plain(const struct text *t, const struct lnk_captures *whole)
{
	return t->blocks && !t->soft && !find_unreal(t, whole);
}

static void check_shuffle(const struct text *t, const struct lnk_captures *c,
			  const struct lnk_captures *whole, size_t n)
{
	check_rows_kept(t, c);
	check_rows_real(t, c);
	check_strangers(c, whole);
	check_links_real(c, whole);
	if (shuffles[n % ARRAY_SIZE(shuffles)] == turn_blocks && is_each_once(t, whole)) {
		oracle_part_of(c, whole, ORACLE_WORDS, "in another order");
		oracle_part_of(whole, c, ORACLE_WORDS, "in the usual order");
	}
}

static void try_shuffle(const struct buf *all, const struct lnk_captures *whole, size_t n)
{
	struct buf b = shuffled(all, n);
	struct text t = split(&b);
	struct lnk_captures c = {0};
	int status;

	now.what = "shuffle";
	now.n = n;
	alarm(LIMIT);
	if (judge(&b, &c, &status)) {
		if (is_plain(&t, whole))
			check_shuffle(&t, &c, whole, n);
		if (n < ARRAY_SIZE(shuffles))
			write_formats(&c, status);
	}
	lnk_captures_free(&c);
	free(t.lines);
	free(b.data);
}

static void try_file(const char *path, size_t flips)
{
	struct buf all = read_file(path);
	struct lnk_captures whole = {0};
	size_t i, before = runs;
	int status;

	now.file = path;
	now.what = "whole";
	now.n = all.size;
	alarm(LIMIT);
	if (judge(&all, &whole, &status)) {
		for (i = 0; i < whole.n; i++)
			lnk_hwdb_fill(whole.models[i]);
		write_formats(&whole, status);
		for (i = 0; i < SHUFFLES * ARRAY_SIZE(shuffles); i++)
			try_shuffle(&all, &whole, i);
		try_cuts(&all, &whole);
	}
	for (i = 0; i < flips; i++) {
		struct buf b = flip(&all, i);
		struct lnk_captures c = {0};

		now.what = "flip";
		now.n = i;
		alarm(LIMIT);
		if (judge(&b, &c, &status))
			write_formats(&c, status);
		lnk_captures_free(&c);
		free(b.data);
	}
	alarm(0);
	printf("%zu runs of %s\n", runs - before, path);
	lnk_captures_free(&whole);
	free(all.data);
}

/* ---- The real program --------------------------------------------------------------------- */

static int memory_file(const char *data, size_t size)
{
	int fd = memfd_create("mangle", MFD_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && size) {
		n = write(fd, data, size);
		if (n <= 0)
			break;
		data += n;
		size -= (size_t)n;
	}
	if (fd < 0 || size || lseek(fd, 0, SEEK_SET) < 0) {
		perror("mangle");
		exit(2);
	}
	return fd;
}

static int run(const char *program, const char *format, int in, int err)
{
	int status, null = open("/dev/null", O_WRONLY);
	char option[64];
	pid_t pid;

	if (is_dump(format))
		snprintf(option, sizeof(option), "--capture=-");
	else if (is_list(format))
		snprintf(option, sizeof(option), "--write-expect=-");
	else
		snprintf(option, sizeof(option), "--format=%s", format);
	pid = fork();
	if (!pid) {
		dup2(in, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		alarm(LIMIT);
		execl(program, program, "-v", "-n", "-F", "-", option, (char *)NULL);
		_exit(97);
	}
	if (null < 0 || pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("mangle");
		exit(2);
	}
	close(null);
	return status;
}

/*
 * The exit status that the program must end with. Who writes a capture judges nothing, and a list
 * of findings is one capture's.
 */
static int expect(const struct buf *b, const char *format)
{
	struct lnk_captures c = {0};
	int status;

	if (!judge(b, &c, &status))
		status = 2;
	else if (is_dump(format))
		status = oracle_told_in_words(&c) ? 2 : 0;
	else if (is_list(format))
		status = c.n > 1 ? 2 : 0;
	else if (lnk_format_find(format)->one_capture && c.n > 1)
		status = 2;
	lnk_captures_free(&c);
	return status;
}

static void try_program(const char *program, const struct buf *b)
{
	int in = memory_file(b->data, b->size), err = memory_file(NULL, 0), status;
	const char *format = lnk_formats[runs % lnk_n_formats]->name;
	int expected = expect(b, format);
	char said[4096];
	ssize_t n;

	status = run(program, format, in, err);
	n = pread(err, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	if (WIFSIGNALED(status))
		oracle_complain("%s: signal %d: %s", format, WTERMSIG(status), said);
	else if (WEXITSTATUS(status) != expected)
		oracle_complain("%s: status %d, not %d: %s", format, WEXITSTATUS(status), expected,
				said);
	else if (strstr(said, "Sanitizer") || strstr(said, "runtime error"))
		oracle_complain("%s: %s", format, said);
	else if (WEXITSTATUS(status) == 2 && !n)
		oracle_complain("%s: status 2 without a word", format);
	else if (oracle_raw(said, (size_t)(n > 0 ? n : 0)))
		oracle_complain("%s: control characters on stderr", format);
	close(in);
	close(err);
}

static void drive_file(const char *program, const char *path, size_t times)
{
	struct buf all = read_file(path), b;
	size_t i, before = runs;

	now.file = path;
	for (i = 0; i < times; i++) {
		now.what = "cut";
		now.n = all.size * i / times;
		b = copy(all.data, now.n);
		try_program(program, &b);
		free(b.data);
	}
	for (i = 0; i < times / 4; i++) {
		now.what = "flip";
		now.n = i;
		b = flip(&all, i);
		try_program(program, &b);
		free(b.data);
	}
	now.what = "whole";
	now.n = all.size;
	try_program(program, &all);
	printf("%zu runs of %s\n", runs - before, path);
	free(all.data);
}

/* ---- Options ------------------------------------------------------------------------------ */

static int print_mangled(const char *which, const char *path)
{
	struct buf all = read_file(path), b = {0};
	size_t n = 0;

	if (sscanf(which, "flip:%zu", &n) == 1)
		b = flip(&all, n);
	else if (sscanf(which, "shuffle:%zu", &n) == 1)
		b = shuffled(&all, n);
	else if (sscanf(which, "cut:%zu", &n) == 1)
		b = copy(all.data, n < all.size ? n : all.size);
	fwrite(b.data, 1, b.size, stdout);
	free(b.data);
	free(all.data);
	return ferror(stdout) ? 2 : 0;
}

static int usage(void)
{
	fputs("usage: mangle [-x PROGRAM] [-n TIMES] [-p WHAT:N] FILE...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *program = NULL, *print = NULL;
	size_t times = 0;
	int c;

	while ((c = getopt(argc, argv, "x:n:p:")) != -1) {
		if (c == 'x')
			program = optarg;
		else if (c == 'n')
			times = strtoul(optarg, NULL, 10);
		else if (c == 'p')
			print = optarg;
		else
			return usage();
	}
	if (optind == argc)
		return usage();
	if (print)
		return print_mangled(print, argv[optind]);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(last_words);
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
	for (; optind < argc; optind++) {
		if (program)
			drive_file(program, argv[optind], times ? times : 50);
		else
			try_file(argv[optind], times ? times : 200);
	}
	printf("%zu runs, %zu failures\n", runs, failures);
	return failures ? 1 : 0;
}
