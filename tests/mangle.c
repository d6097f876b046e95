/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mangle.c - cuts and damages captures in every place and watches what becomes of them
 *
 *	mangle [-n FLIPS] FILE...		in this process: see below
 *	mangle -x PROGRAM [-n RUNS] FILE...	the same through the real program: RUNS cuts and
 *						RUNS/4 flips; it must say the same
 *	mangle -p WHAT:N FILE			prints what was fed, to look into a failure; WHAT
 *						is cut (N is the number of bytes) or flip
 *
 * Each FILE is read, walked, judged and written: whole; cut after every line and in the middle of
 * every line; and FLIPS times (default 200) with some bytes altered. Always the same ones. Held
 * true of each:
 *	- no crash, nothing a sanitizer reports, no run longer than LIMIT seconds
 *	- the exit status is 0, 1 or 3; where reading fails, there are words for it
 *	- what is written has no control characters, is UTF-8, and JSON is JSON
 *	- a dump can be read again, and holds the same bytes
 * and of a cut that nothing is invented:
 *	- every byte and every register that is known is known in the whole capture, with that value
 *	- no register is called absent that the whole capture has
 * Formats are written on every SAMPLE-th cut. Prints how many runs were made.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lnkinspect.h"

#define SAMPLE 16
#define LIMIT  20 /* seconds */

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

static void complain(const char *fmt, ...) LNK_PRINTF(1, 2);
static void complain(const char *fmt, ...)
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

/* xorshift64: the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

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
		at = next_random(&state) % b.size;
		switch (next_random(&state) % 4) {
		case 0:
			b.data[at] = (char)(b.data[at] ^ (1 << next_random(&state) % 8));
			break;
		case 1:
			b.data[at] = nasty[next_random(&state) % (sizeof(nasty) - 1)];
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

/* ---- What is held true -------------------------------------------------------------------- */

static struct lnk_view view = {.fail_on = LNK_WARNING};

/* Another way to look at it each time; the locale is what the view says. */
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
	setlocale(LC_ALL, view.utf8 ? "C.UTF-8" : "C");
}

/* Well-formed UTF-8 without control characters but tab and newline; else where it is not. */
static const char *find_raw(const char *text, size_t size)
{
	size_t i, len, k;

	for (i = 0; i < size; i += len) {
		unsigned char c = (unsigned char)text[i];

		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || (c >= 0x80 && c < 0xc2) ||
		    c > 0xf4 || i + len > size)
			return text + i;
		for (k = 1; k < len; k++)
			if (((unsigned char)text[i + k] & 0xc0) != 0x80)
				return text + i;
		/* U+0080 to U+009f: a terminal may take them for control sequences. */
		if (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
			return text + i;
	}
	return NULL;
}

static void check_text(const struct lnk_format *f, const char *text, size_t size)
{
	const char *raw = find_raw(text, size);
	json_error_t error;
	json_t *json;

	if (raw)
		complain("%s: byte %02x at %zu", f->name, (unsigned char)*raw,
			 (size_t)(raw - text));
	if (strcmp(f->name, "json") != 0) {
		for (raw = text; !view.utf8 && raw < text + size; raw++)
			if (*raw & 0x80)
				complain("%s: not ASCII at %zu", f->name, (size_t)(raw - text));
		return;
	}
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	if (!json)
		complain("json: line %d: %s", error.line, error.text);
	json_decref(json);
}

/* Reads, walks and judges. False where it is not a capture. */
static bool judge(const struct buf *b, struct lnk_captures *c, int *status)
{
	struct lnk_stream in;
	struct lnk_judge j = {.keep_all = true};
	struct lnk_select everything = {0};
	struct lnk_facts facts = {0};
	struct lnk_err err = {0};
	uint32_t forms = 0;
	size_t i;
	int code;

	runs++;
	lnk_remedy_forms(&forms, "all");
	*status = 0;
	lnk_stream_memory(&in, b->data, b->size);
	code = lnk_source_lspci.read(&in, c, &facts, &err);
	lnk_stream_close(&in);
	if (c->n == 1)
		lnk_facts_apply(&facts, c->models[0]);
	lnk_facts_free(&facts);
	if (code < 0) {
		if (code != -ENODATA && !err.text[0])
			complain("reading fails without a word");
		return false;
	}
	if (!c->n)
		complain("read, but no capture came of it");
	for (i = 0; i < c->n; i++) {
		struct lnk_model *m = c->models[i];
		int s;

		lnk_walk(m);
		if (lnk_select_apply(m, &everything, &err) < 0)
			complain("cannot select everything: %s", err.text);
		lnk_judge(m, &j);
		lnk_remedy_make(m, forms);
		s = lnk_status(m, &view);
		if (s != 0 && s != 1 && s != 3)
			complain("status %d", s);
		*status = lnk_status_worse(*status, s);
	}
	return true;
}

/* ---- Nothing is invented ------------------------------------------------------------------ */

/* Where a capture was cut: behind a line, in one, or in one that was damaged before. */
enum where { AT_LINE, IN_LINE, IN_DAMAGE };

/* The first byte that @cut knows and @whole does not, or knows otherwise; -1: there is none. */
static int invented_byte(const struct lnk_fn *cut, const struct lnk_fn *whole)
{
	const struct lnk_span *s;
	unsigned i, off;

	for (i = 0; i < cut->cfg.n_spans; i++) {
		s = &cut->cfg.spans[i];
		if (lnk_cfg_known(&whole->cfg, s->from, s->to) &&
		    !memcmp(cut->cfg.bytes + s->from, whole->cfg.bytes + s->from,
			    (size_t)(s->to - s->from)))
			continue;
		for (off = s->from; off < s->to; off++)
			if (!lnk_cfg_known(&whole->cfg, off, off + 1) ||
			    cut->cfg.bytes[off] != whole->cfg.bytes[off])
				return (int)off;
	}
	return -1;
}

/* The first register that @cut invents, or calls absent against @whole; LNK_REGS: there is none. */
static unsigned invented_reg(const struct lnk_fn *cut, const struct lnk_fn *whole, uint64_t ignore)
{
	unsigned r;

	for (r = 0; r < LNK_REGS; r++) {
		if (ignore & BIT(r))
			continue;
		if ((cut->absent & BIT(r)) && (whole->known & BIT(r)))
			return r;
		if (!(cut->known & BIT(r)))
			continue;
		if (!(whole->known & BIT(r)) || cut->reg[r] != whole->reg[r])
			return r;
	}
	return LNK_REGS;
}

/*
 * Text has no check on itself: "x1" may be all that a cut left of "x16". So what was read from text
 * counts only where a line was not cut in two; and where bytes are missing, text speaks in their
 * place, which may be text that contradicts them.
 */
static uint64_t not_judged(const struct lnk_fn *cut, const struct lnk_fn *whole, enum where where)
{
	uint64_t text = cut->from_text | cut->from_attr;

	if (where == IN_LINE)
		return text;
	return text & (whole->differs | ~(whole->from_text | whole->from_attr));
}

/* A row that is no row as it stands may be one up to where it was cut. */
static bool is_damaged(const struct lnk_captures *whole, uint32_t line)
{
	size_t i, k;

	for (i = 0; i < whole->n; i++)
		for (k = 0; k < whole->models[i]->n_damage && k < LNK_MAX_DAMAGE; k++)
			if (whole->models[i]->damage[k].line == line)
				return true;
	return false;
}

static void compare(const struct lnk_captures *cut, const struct lnk_captures *whole,
		    enum where where)
{
	size_t i, k, w;

	for (i = 0; i < cut->n; i++)
		for (k = 0; k < cut->models[i]->n_fns; k++) {
			const struct lnk_fn *f = &cut->models[i]->fns[k], *g = NULL;
			unsigned reg = LNK_REGS;
			int byte = -1;

			/* Several snapshots: it must be part of one of them. */
			for (w = 0; w < whole->n; w++) {
				g = lnk_model_find(whole->models[w], f->addr);
				if (!g)
					continue;
				byte = invented_byte(f, g);
				reg = invented_reg(f, g, not_judged(f, g, where));
				if (byte < 0 && reg == LNK_REGS)
					break;
			}
			if (w < whole->n)
				continue;
			if (byte < 0 && reg == LNK_REGS)
				complain("%02x:%02x.%x is not in the whole capture", f->addr.bus,
					 lnk_dev(f->addr), lnk_func(f->addr));
			else if (byte >= 0)
				complain("%02x:%02x.%x: invents byte %02x", f->addr.bus,
					 lnk_dev(f->addr), lnk_func(f->addr), (unsigned)byte);
			else
				complain("%02x:%02x.%x: invents %s (%s)", f->addr.bus,
					 lnk_dev(f->addr), lnk_func(f->addr),
					 lnk_reg_name((enum lnk_reg)reg),
					 f->known & BIT(reg) ? "known" : "absent");
		}
}

/* ---- Formats ------------------------------------------------------------------------------ */

static bool is_dump(const char *format)
{
	return !strcmp(format, "dump");
}

/* What was dumped is read again: the same functions, no byte lost, nothing invented. */
static void reread(const struct lnk_captures *c, const char *text, size_t size)
{
	struct buf b = copy(text, size);
	struct lnk_captures again = {0};
	const char *what = now.what;
	const struct lnk_fn *f, *g;
	size_t i, k, w;
	int status;

	now.what = "dump of what was";
	if (judge(&b, &again, &status))
		compare(&again, c, IN_LINE); /* words do not come back in full */
	else
		complain("cannot be read (%s)", what);
	for (i = 0; i < c->n; i++)
		for (k = 0; k < c->models[i]->n_fns; k++) {
			f = &c->models[i]->fns[k];
			for (w = 0; w < again.n; w++) {
				g = lnk_model_find(again.models[w], f->addr);
				if (g && invented_byte(f, g) < 0)
					break;
			}
			if (w == again.n)
				complain("%02x:%02x.%x lost bytes (%s)", f->addr.bus,
					 lnk_dev(f->addr), lnk_func(f->addr), what);
		}
	now.what = what;
	lnk_captures_free(&again);
	free(b.data);
}

static void write_formats(const struct lnk_captures *c, int status)
{
	size_t i, k;

	change_view();
	for (i = 0; i < lnk_n_formats; i++) {
		const struct lnk_format *f = lnk_formats[i];
		char *text = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&text, &size);
		int r = f->begin ? f->begin(to, &view) : 0;

		for (k = 0; k < c->n && r >= 0; k++)
			r = f->write(to, &view, c->models[k]);
		if (r >= 0 && f->end)
			r = f->end(to, &view, status);
		fclose(to);
		if (r < 0)
			complain("%s: %s", f->name, strerror(-r));
		check_text(f, text, size);
		if (is_dump(f->name) && !view.redact)
			reread(c, text, size);
		free(text);
	}
}

/* ---- In this process ---------------------------------------------------------------------- */

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
			compare(&c, whole, where);
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

/* The exit status that the program must end with. */
static int status_of(const struct buf *b)
{
	struct lnk_captures c = {0};
	int status;

	if (!judge(b, &c, &status))
		status = 2;
	lnk_captures_free(&c);
	return status;
}

/* Does @b tell of links in words alone? A capture holds registers, and is refused then. */
static bool is_told_in_words(const struct buf *b)
{
	const uint64_t links =
		BIT(LNK_R_PCIECAP) | BIT(LNK_R_MAXLINK) | BIT(LNK_R_CURLINK) | BIT(LNK_R_BUSES);
	struct lnk_captures c = {0};
	bool words = false;
	size_t i, j;
	int status;

	judge(b, &c, &status);
	for (i = 0; i < c.n; i++)
		for (j = 0; j < c.models[i]->n_fns; j++)
			words |= (c.models[i]->fns[j].from_text & links) != 0;
	lnk_captures_free(&c);
	return words;
}

static void try_program(const char *program, const struct buf *b)
{
	int in = memory_file(b->data, b->size), err = memory_file(NULL, 0), status;
	int expected = status_of(b);
	const char *format = lnk_formats[runs % lnk_n_formats]->name;
	char said[4096];
	ssize_t n;

	/* Who writes a capture judges nothing. */
	if (is_dump(format) && expected != 2)
		expected = is_told_in_words(b) ? 2 : 0;
	status = run(program, format, in, err);
	n = pread(err, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	if (WIFSIGNALED(status))
		complain("%s: signal %d: %s", format, WTERMSIG(status), said);
	else if (WEXITSTATUS(status) != expected)
		complain("%s: status %d, not %d: %s", format, WEXITSTATUS(status), expected, said);
	else if (strstr(said, "Sanitizer") || strstr(said, "runtime error"))
		complain("%s: %s", format, said);
	else if (WEXITSTATUS(status) == 2 && !n)
		complain("%s: status 2 without a word", format);
	else if (find_raw(said, (size_t)(n > 0 ? n : 0)))
		complain("%s: control characters on stderr", format);
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
	if (!setlocale(LC_ALL, "C.UTF-8")) {
		fputs("mangle: there is no locale C.UTF-8\n", stderr);
		return 2;
	}
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
