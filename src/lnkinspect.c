/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lnkinspect.c - options, the pipeline, trouble in words, exit status */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <sched.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "lnkinspect.h"

#define STATUS_USAGE	   2
#define STATUS_CANNOT_TELL 3

#define MAX_JOBS 1024

#define PROGRESS_WIDTH 72

/* Why output could not be written, where it is known; 0: it could, or that is not known. */
static int lost;

const char *argp_program_version = LNK_NAME " " LNK_VERSION;

enum {
	OPT_FORMAT = 256,
	OPT_JSON,
	OPT_CAPTURE,
	OPT_REDACT,
	OPT_RULES,
	OPT_EXPLAIN,
	OPT_ONLY,
	OPT_IGNORE,
	OPT_FAIL_ON,
	OPT_COLOR,
	OPT_SUGGEST,
	OPT_COMPARE,
	OPT_DEEP,
	OPT_WAKE,
	OPT_SAMPLE,
	OPT_WHILE,
	OPT_INTERVAL,
	OPT_MONITOR,
	OPT_EXPECT,
	OPT_WRITE_EXPECT,
};

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "What to look at:", 1},
	{"from-dump", 'F', "FILE", 0,
	 "Judge a capture (lspci -x, -xxx, -xxxx, with -v or without; an archive or a directory "
	 "with captures in it) instead of this machine; - is standard input; repeatable, and more "
	 "files may follow",
	 1},
	{"compare", OPT_COMPARE, "OTHER", 0,
	 "Judge it beside another capture of the same devices: the host's beside the guest's, or "
	 "what was before",
	 1},
	{"jobs", 'j', "N", 0,
	 "Judge N inputs at once, 0 for as many as there are processors; what is printed stays "
	 "the same, in the same order",
	 1},
	{"slot", 's', "SLOT", 0,
	 "Show only this: [[[[domain]:]bus]:][device][.[function]], and the path above it", 1},
	{"device", 'd', "ID", 0, "Show only this: [vendor]:[device][:class], and the path above it",
	 1},
	{"deep", OPT_DEEP, NULL, 0,
	 "Read also what seldom matters and costs a guest many reads: all lists of capabilities, "
	 "logged errors, serial numbers",
	 1},
	{"wake", OPT_WAKE, NULL, 0,
	 "Read also functions that sleep, which wakes them up; without it they are left asleep", 1},
	{"method", 'A', "METHOD", 0, "libpci's access method; help lists them", 1},
	{"option", 'O', "PARAM=VALUE", 0,
	 "libpci's named parameter, as sysfs.path=DIR for a copied tree; help lists them", 1},

	{NULL, 0, NULL, 0, "How long to look:", 2},
	{"sample", OPT_SAMPLE, "DURATION", 0,
	 "Read the status of the links again and again for so long (10s, 500ms, 5min), and judge "
	 "by "
	 "the highest that was seen",
	 2},
	{"while", OPT_WHILE, "COMMAND", 0,
	 "The same for as long as a command of the shell runs, such as one that makes the devices "
	 "work",
	 2},
	{"monitor", OPT_MONITOR, NULL, 0,
	 "Stay, and print what comes and goes when devices are added and removed; with --interval "
	 "also when links change",
	 2},
	{"interval", OPT_INTERVAL, "DURATION", 0,
	 "Between two looks at the links: 100ms for --sample and --while; --monitor does not look "
	 "without it",
	 2},

	{NULL, 0, NULL, 0, "What to print:", 3},
	{"format", OPT_FORMAT, "FORMAT", 0,
	 "table (the default), tree, json, junit, sarif, prometheus, ndjson or html", 3},
	{"output", 'o', "FILE", 0,
	 "Write that to FILE instead of the standard output, whole or not at all", 3},
	{"tree", 't', NULL, 0, "The hierarchy with its links, as --format=tree", 3},
	{"json", OPT_JSON, NULL, 0, "As --format=json", 3},
	{"quiet", 'q', NULL, 0, "Findings only, a line each", 3},
	{"verbose", 'v', NULL, 0,
	 "Add the decoded link registers of both ends, or to JSON every verdict", 3},
	{"numeric", 'n', NULL, 0, "Numbers instead of names; twice: both", 3},
	{"color", OPT_COLOR, "WHEN", 0, "auto (the default), always or never", 3},
	{"suggest", OPT_SUGGEST, "FORM[,FORM...]", 0,
	 "What the owner of the host changes, ready to copy: qemu, libvirt, proxmox, all or none; "
	 "the default is what fits the guest; repeatable",
	 3},

	{NULL, 0, NULL, 0, "What to judge:", 4},
	{"only", OPT_ONLY, "ID[,ID...]", 0, "Only these rules; repeatable", 4},
	{"ignore", OPT_IGNORE, "ID[@ADDRESS][,...]", 0,
	 "Not these rules, or not at this address; repeatable", 4},
	{"fail-on", OPT_FAIL_ON, "SEVERITY", 0,
	 "error, warning (the default), notice or never: what makes the exit status 1", 4},
	{"expect", OPT_EXPECT, "FILE", 0,
	 "Fail unless just the findings are there that this file lists, ID@WHERE or none; what is "
	 "new or missing is printed",
	 4},

	{NULL, 0, NULL, 0, "Instead of judging:", 5},
	{"capture", OPT_CAPTURE, "FILE", 0,
	 "Write what this machine shows as text that lspci -F and --from-dump read", 5},
	{"redact", OPT_REDACT, NULL, 0, "With --capture: blank serial numbers", 5},
	{"write-expect", OPT_WRITE_EXPECT, "FILE", 0,
	 "Write the findings that count for --fail-on as a file for --expect", 5},
	{"rules", OPT_RULES, NULL, 0, "List the rules", 5},
	{"explain", OPT_EXPLAIN, "ID", 0, "Explain a rule", 5},
	{NULL, 0, NULL, 0, "Help:", -1},
	{0},
};

static const char doc[] = "Compares the two ends of each PCIe link, finds virtual ports that do "
			  "not tell the truth, and "
			  "says who can mend what.\v"
			  "Exit status: 0 nothing found, 1 findings, 2 usage or unreadable input, "
			  "3 nothing found but "
			  "links could not be compared.";

/* A growing NULL-terminated list of words. */
struct list {
	char **words;
	size_t n;
};

struct run {
	struct list dumps, only, ignore, params, suggest;
	struct lnk_select select;
	struct lnk_view view;
	struct lnk_live_opts live;
	const struct lnk_format *format;
	const char *capture;
	const char *compare;
	const char *expect;
	const char *write_expect;
	const char *output_file;
	const char *file;	   /* of --capture or --write-expect; NULL: neither */
	const char *command;	   /* --while */
	uint64_t sample, interval; /* ns; 0: not asked for */
	struct lnk_captures other; /* what --compare names, read before all else */
	struct lnk_expectation expectation;
	struct lnk_output output;
	FILE *to;		/* its stream; a worker has another */
	struct lnk_tally tally; /* over all inputs; a worker's over one */
	size_t jobs;
	uint32_t forms; /* of suggestions */
	bool method_help, param_help, has_only, has_suggest, monitor, done;
	bool begun; /* the beginning is written */
	int color;  /* 0 never, 1 always, -1 auto */
};

static void list_add(struct list *l, const char *word, size_t n)
{
	l->words = lnk_xrealloc(l->words, (l->n + 2) * sizeof(*l->words));
	l->words[l->n] = lnk_xmalloc(n + 1);
	memcpy(l->words[l->n], word, n);
	l->words[l->n++][n] = '\0';
	l->words[l->n] = NULL;
}

static void list_add_each(struct list *l, const char *text)
{
	size_t n;

	for (; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		if (n)
			list_add(l, text, n);
	}
}

static void list_free(struct list *l)
{
	while (l->n)
		free(l->words[--l->n]);
	free(l->words);
}

static const char *const *list_words(const struct list *l)
{
	return (const char *const *)l->words;
}

/* What came from the command line or from a file is printed harmless. */
static void complain(const char *what, const char *text)
{
	struct lnk_arena a = {0};

	if (what)
		fprintf(stderr, LNK_NAME ": %s: %s\n", lnk_clean(&a, what, strlen(what)),
			lnk_clean(&a, text, strlen(text)));
	else
		fprintf(stderr, LNK_NAME ": %s\n", lnk_clean(&a, text, strlen(text)));
	lnk_arena_free(&a);
}

static error_t reject(const char *option, const char *arg, const char *choices)
{
	char text[256];

	snprintf(text, sizeof(text), "'%.64s' is not one of %s", arg, choices);
	complain(option, text);
	exit(STATUS_USAGE);
}

static void list_rules(void)
{
	static const char *const actors[] = {"-", "guest", "host", "hardware"};
	size_t i;

	for (i = 0; i < lnk_n_rules; i++)
		printf("%s  %-8s %-9s %s\n", lnk_rules[i]->id,
		       lnk_severity_name(lnk_rules[i]->severity), actors[lnk_rules[i]->actor],
		       lnk_rules[i]->title);
}

/* "LNKCAP, LNKCTL2 of the port above"; speed and width alone have the name of their register. */
static void say_needs(const char *before, uint32_t needs, const char *whose)
{
	const char *comma = before;
	unsigned r;

	if (needs & REG(LNK_R_MAXLINK))
		needs |= REG(LNK_R_LNKCAP);
	if (needs & REG(LNK_R_CURLINK))
		needs |= REG(LNK_R_LNKSTA);
	needs &= ~(REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK));
	for (r = 0; r < LNK_REGS; r++)
		if (needs & REG(r)) {
			printf("%s%s", comma, lnk_reg_name((enum lnk_reg)r));
			comma = ", ";
		}
	printf(" of the %s", whose);
}

/* What a rule cannot judge without; it may look at more. */
static void say_what_it_needs(const struct lnk_rule *r)
{
	if (!r->needs && !r->needs_above)
		return;
	if (r->needs)
		say_needs("Needs: ", r->needs, r->subject == LNK_ON_LINK ? "device" : "function");
	if (r->needs_above)
		say_needs(r->needs ? "; " : "Needs: ", r->needs_above, "port above");
	printf("\n\n");
}

static void explain(const char *id)
{
	const struct lnk_rule *r = lnk_rule_find(id);

	if (!r)
		reject("--explain", id, "the IDs that --rules lists");
	printf("%s %s: %s\n\n%s\n\n", r->id, lnk_severity_name(r->severity), r->title, r->why);
	say_what_it_needs(r);
	printf("What to do (%s): %s\n", lnk_actor_name(r->actor), r->fix);
}

static void set_fail_on(struct run *r, const char *arg)
{
	static const enum lnk_severity levels[] = {LNK_NOTICE, LNK_WARNING, LNK_ERROR};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels); i++)
		if (!strcasecmp(arg, lnk_severity_name(levels[i]))) {
			r->view.fail_on = levels[i];
			return;
		}
	if (strcasecmp(arg, "never"))
		reject("--fail-on", arg, "error, warning, notice, never");
	r->view.fail_on = LNK_ERROR + 1;
}

static void set_color(struct run *r, const char *arg)
{
	static const struct {
		const char *word;
		int color;
	} words[] = {{"auto", -1}, {"always", 1}, {"never", 0}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(arg, words[i].word)) {
			r->color = words[i].color;
			return;
		}
	reject("--color", arg, "auto, always, never");
}

/* As many as this process may use, as nproc(1) has it. */
static size_t count_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (size_t)CPU_COUNT(&set);
}

static void set_jobs(struct run *r, const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end || n > MAX_JOBS)
		reject("--jobs", arg, "0 to 1024");
	r->jobs = n ? n : count_processors();
}

#define LONGEST (7 * 24 * 3600 * LNK_SECOND)

/* "10", "1.5", in @unit ns, which is not above a day; moves *s behind it. 0 where it is none. */
static uint64_t number_of(const char **s, uint64_t unit)
{
	uint64_t n = 0;

	/* Not strtod(3): a locale may have another point. */
	for (; **s >= '0' && **s <= '9' && n < LONGEST; (*s)++)
		n = 10 * n + (uint64_t)(**s - '0') * unit;
	if (**s == '.')
		for ((*s)++; **s >= '0' && **s <= '9'; (*s)++) {
			unit /= 10;
			n += (uint64_t)(**s - '0') * unit;
		}
	return n;
}

/* "10", "10s", "500ms", "1.5min", in ns; seconds where no unit stands. */
static uint64_t duration(const char *option, const char *arg)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {{"", LNK_SECOND},
		     {"s", LNK_SECOND},
		     {"ms", LNK_SECOND / 1000},
		     {"m", 60 * LNK_SECOND},
		     {"min", 60 * LNK_SECOND},
		     {"h", 3600 * LNK_SECOND},
		     {"d", 24 * 3600 * LNK_SECOND}};
	const char *unit = arg + strspn(arg, "0123456789."), *end;
	uint64_t n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		end = arg;
		if (strcmp(unit, units[i].name))
			continue;
		n = number_of(&end, units[i].ns);
		if (end == unit && n >= LNK_SECOND / 1000 && n <= LONGEST)
			return n;
	}
	return (uint64_t)reject(option, arg, "1ms to 7d, as 500ms, 10s, 5min, 1h");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *r = state->input;

	switch (key) {
	case 'F':
		list_add(&r->dumps, arg, strlen(arg));
		break;
	case 'j':
		set_jobs(r, arg);
		break;
	case 's':
		r->select.slot = arg;
		break;
	case 'd':
		r->select.id = arg;
		break;
	case 'A':
		r->live.method = arg;
		r->method_help = !strcmp(arg, "help");
		break;
	case 'O':
		list_add(&r->params, arg, strlen(arg));
		r->param_help |= !strcmp(arg, "help");
		break;
	case OPT_FORMAT:
		r->format = lnk_format_find(arg);
		if (!r->format || r->format == &lnk_format_dump || r->format == &lnk_format_expect)
			reject("--format", arg,
			       "table, tree, json, junit, sarif, prometheus, ndjson, html");
		break;
	case 't':
		r->format = &lnk_format_tree;
		break;
	case OPT_JSON:
		r->format = &lnk_format_json;
		break;
	case 'o':
		r->output_file = arg;
		break;
	case 'q':
		r->view.quiet = true;
		break;
	case 'v':
		r->view.verbose = true;
		break;
	case 'n':
		r->view.names = r->view.names == LNK_NAMES ? LNK_NUMBERS : LNK_NAMES_NUMBERS;
		break;
	case OPT_COLOR:
		set_color(r, arg);
		break;
	case OPT_SUGGEST:
		list_add_each(&r->suggest, arg);
		r->has_suggest = true;
		break;
	case OPT_ONLY:
		list_add_each(&r->only, arg);
		r->has_only = true;
		break;
	case OPT_IGNORE:
		list_add_each(&r->ignore, arg);
		break;
	case OPT_FAIL_ON:
		set_fail_on(r, arg);
		break;
	case OPT_CAPTURE:
		r->capture = arg;
		break;
	case OPT_COMPARE:
		r->compare = arg;
		break;
	case OPT_EXPECT:
		r->expect = arg;
		break;
	case OPT_WRITE_EXPECT:
		r->write_expect = arg;
		break;
	case OPT_DEEP:
		r->live.deep = true;
		break;
	case OPT_WAKE:
		r->live.wake = true;
		break;
	case OPT_SAMPLE:
		r->sample = duration("--sample", arg);
		break;
	case OPT_WHILE:
		r->command = arg;
		break;
	case OPT_INTERVAL:
		r->interval = duration("--interval", arg);
		break;
	case OPT_MONITOR:
		r->monitor = true;
		break;
	case OPT_REDACT:
		r->view.redact = true;
		break;
	case OPT_RULES:
		list_rules();
		r->done = true;
		break;
	case OPT_EXPLAIN:
		explain(arg);
		r->done = true;
		break;
	case ARGP_KEY_ARG:
		if (r->dumps.n) {
			list_add(&r->dumps, arg, strlen(arg));
			break;
		}
		complain(arg, "not an option; a capture is read with -F FILE");
		exit(STATUS_USAGE);
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* argp prints a wrong option as it stands: what cannot be one is not for its eyes. */
static void check_words(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *s = argv[i];
		size_t n = s[0] != '-' ? 0 : s[1] != '-' ? 2 : strcspn(s, "=");

		for (; n && *s; n--, s++)
			if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f) {
				complain(argv[i], "not an option");
				exit(STATUS_USAGE);
			}
	}
}

/* Is the report for a terminal? */
static bool on_terminal(const struct run *r)
{
	return !(r->output_file && strcmp(r->output_file, "-")) && isatty(STDOUT_FILENO);
}

/* The terminal's columns; 0 where output goes elsewhere, unless COLUMNS asks for a width. */
static unsigned terminal_width(const struct run *r)
{
	const char *env = getenv("COLUMNS");
	struct winsize w;

	if (env && atoi(env) > 0)
		return (unsigned)atoi(env);
	if (!on_terminal(r) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w))
		return 0;
	return w.ws_col;
}

static bool wants_color(const struct run *r)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (r->color >= 0)
		return r->color;
	return on_terminal(r) && !(no && *no) && term && strcmp(term, "dumb");
}

/* What is to be read is evidence, and no report is worth that. */
static bool replaces_input(const struct run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->dumps.n; i++)
		if (lnk_output_replaces(name, r->dumps.words[i]))
			return true;
	return (r->compare && lnk_output_replaces(name, r->compare)) ||
	       (r->expect && lnk_output_replaces(name, r->expect));
}

/* Before anything is looked at: who cannot be told need not look. */
static bool open_output(struct run *r)
{
	const char *name = r->file ? r->file : r->output_file;
	struct lnk_err err = {0};

	if (name && replaces_input(r, name)) {
		complain(name, "is read, too, and would be lost: write another file");
		return false;
	}
	if (lnk_output_open(&r->output, name, &err)) {
		complain(NULL, err.text);
		return false;
	}
	r->to = r->output.to;
	return true;
}

/* Once, and not before the first capture is known: a beginning may name it. */
static void begin(struct run *r)
{
	if (!r->begun && r->format->begin)
		r->format->begin(r->to, &r->view);
	r->begun = true;
}

/* One capture more is written, behind the beginning. */
static void begin_next(const struct run *r)
{
	if (r->tally.n_written && r->format->between)
		r->format->between(r->to, &r->view);
}

/* What only lspci's words told of a link would be lost: a capture holds registers. */
static bool fits_capture(const struct lnk_model *m)
{
	const uint32_t links =
		REG(LNK_R_PCIECAP) | REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK) | REG(LNK_R_BUSES);
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].from_text & links)
			return false;
	return true;
}

/*
 * What is not shown is not asked, live: the tree that tells what is stands on what sysfs says. What
 * was removed meanwhile has said nothing.
 */
static int walk(struct lnk_model *m, const struct lnk_select *select, struct lnk_err *err)
{
	int rc;

	lnk_walk(m);
	rc = lnk_select_apply(m, select, err);
	while (!rc && (lnk_live_open(m) || lnk_live_drop(m))) {
		lnk_walk_again(m);
		rc = lnk_select_apply(m, select, err);
	}
	return rc;
}

/* Columns that a line may fill without a line break: few enough for any terminal, or as it says. */
static int progress_width(void)
{
	struct winsize w;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_col < PROGRESS_WIDTH ?
		       w.ws_col - 1 :
		       PROGRESS_WIDTH;
}

static void show_progress(const struct lnk_sampling *s, uint64_t elapsed, uint64_t of)
{
	char now[LNK_TIME_LEN], all[LNK_TIME_LEN], line[2 * PROGRESS_WIDTH];
	int width = progress_width();

	snprintf(line, sizeof(line), LNK_NAME ": %s of %s, %zu look%s at %zu end%s of links",
		 lnk_time_str(elapsed, now), lnk_time_str(of, all), s->looks,
		 s->looks == 1 ? "" : "s", s->n_ends, s->n_ends == 1 ? "" : "s");
	fprintf(stderr, "\r%-*.*s", width, width, line);
}

/* Both ends of what is shown, again and again. A command has the terminal for itself. */
static int sample(const struct run *r, struct lnk_model *m, struct lnk_err *err)
{
	const bool talks = r->sample && isatty(STDERR_FILENO);
	const struct lnk_sample_opts o = {
		.interval = r->interval ? r->interval : LNK_SECOND / 10,
		.duration = r->sample,
		.command = r->command,
		.wake = r->live.wake,
		.progress = talks ? show_progress : NULL,
	};
	int rc;

	if (!m->env.live || (!r->sample && !r->command))
		return 0;
	rc = lnk_live_sample(m, &o, err);
	if (talks)
		fprintf(stderr, "\r%*s\r", progress_width(), "");
	return rc;
}

/* From a capture's registers to its findings. */
static int judge_model(struct run *r, struct lnk_model *m, const struct lnk_select *select)
{
	struct lnk_judge judge = {
		.only = list_words(&r->only),
		.ignore = list_words(&r->ignore),
		.keep = r->view.verbose ? r->format->keep_verbose : r->format->keep,
	};
	struct lnk_err err = {0};

	/* What went, or is missing, may be what cannot be looked for. */
	if (r->monitor || r->expect)
		judge.keep |= BIT(LNK_SKIPPED);
	if (walk(m, select, &err)) {
		complain(NULL, err.text);
		return STATUS_USAGE;
	}
	lnk_live_settle(m);
	if (sample(r, m, &err)) {
		complain(NULL, err.text);
		return STATUS_USAGE;
	}
	lnk_judge(m, &judge);
	if (r->view.names != LNK_NUMBERS && !r->view.quiet && !r->file)
		lnk_hwdb_fill(m);
	return 0;
}

/* Why writing failed is known only now: what is left for the end may be nothing. */
static bool has_failed(int code)
{
	if (code && !lost)
		lost = -code;
	return code;
}

/* An address means another device in the other machine: -s chooses in what is judged alone. */
static int compare(struct run *r, const struct lnk_model *m)
{
	const struct lnk_select select = {.id = r->select.id};
	struct lnk_model *other = r->other.models[0];
	struct lnk_comparison c;
	int status;

	if (judge_model(r, other, &select))
		return STATUS_USAGE;
	lnk_compare(&c, m, other, &r->select);
	status = c.n_compared ? 0 : STATUS_CANNOT_TELL;
	if (has_failed(r->format->compare(r->to, &r->view, &c)))
		status = STATUS_USAGE;
	lnk_comparison_free(&c);
	return status;
}

/* What others say of this machine's links, where it is shown: a capture has no room for it. */
static void listen(const struct run *r, struct lnk_model *m)
{
	if (!m->env.live || r->view.quiet || r->file)
		return;
	lnk_log_quote(m);
	if (r->live.deep)
		lnk_tools_quote(m);
}

/* What differs from what is expected. */
static int hold(struct run *r)
{
	if (has_failed(r->format->expect(r->to, &r->view, &r->expectation)))
		return STATUS_USAGE;
	return lnk_expect_status(&r->expectation);
}

static int write_one(struct run *r, const struct lnk_model *m)
{
	bool is_written = !r->format->findings_only || m->n_findings;

	begin(r);
	if (is_written)
		begin_next(r);
	r->tally.n_captures++;
	r->tally.n_written += is_written;
	return has_failed(r->format->write(r->to, &r->view, m)) ? STATUS_USAGE : 0;
}

/* From a capture's registers to its verdict on paper. Returns its exit status. */
static int judge_one(struct run *r, struct lnk_model *m)
{
	int status;
	size_t i;

	if (judge_model(r, m, &r->select))
		return STATUS_USAGE;
	if (r->expect)
		lnk_expect_judge(&r->expectation, m, r->view.fail_on);
	if (r->capture && !fits_capture(m)) {
		complain(m->source,
			 "decoded text, which --capture cannot write: it has registers only");
		return STATUS_USAGE;
	}
	for (i = 0; i < m->n_fns; i++)
		r->tally.n_shown += m->fns[i].shown;
	listen(r, m);
	lnk_drivers_tell(m);
	lnk_remedy_make(m, r->forms);
	for (i = 0; i < m->n_findings; i++)
		r->tally.n_found[m->findings[i].severity]++;
	status = write_one(r, m);
	if (status || r->file)
		return status;
	status = lnk_status(m, &r->view);
	if (r->expect)
		status = lnk_status_worse(status, hold(r));
	return lnk_status_worse(status, r->compare ? compare(r, m) : 0);
}

/* What takes one capture; NULL: nothing that was asked for. */
static const char *single_option(const struct run *r)
{
	if (r->compare)
		return "--compare";
	if (r->expect)
		return "--expect";
	if (r->write_expect)
		return "--write-expect";
	return r->format->one_capture ? "this format" : NULL;
}

/* Which of several captures is meant is not for us to choose. */
static bool is_single(const struct run *r, const struct lnk_captures *c)
{
	char text[128];

	if (c->n == 1)
		return true;
	snprintf(text, sizeof(text),
		 "holds several captures, and %s takes one: give it a file with that one alone%s",
		 single_option(r), r->format->one_capture ? ", or use --format=ndjson" : "");
	complain(c->models[0]->source, text);
	return false;
}

static int judge_all(struct run *r, const struct lnk_captures *c)
{
	int status = 0;
	size_t i;

	if (single_option(r) && !is_single(r, c))
		return STATUS_USAGE;
	r->view.only = c->n == 1 && r->dumps.n < 2 ? c->models[0] : NULL;
	for (i = 0; i < c->n; i++) {
		r->view.capture = i;
		status = lnk_status_worse(status, judge_one(r, c->models[i]));
	}
	r->view.only = NULL;
	return status;
}

static void judge_dump(struct run *r, size_t i)
{
	const char *name = r->dumps.words[i];
	struct lnk_captures c = {0};
	struct lnk_err err = {0};
	int status = STATUS_USAGE;

	r->view.input = i;
	if (lnk_source_read(name, &c, &err)) {
		complain(NULL, err.text);
		r->tally.n_unread++;
	} else {
		status = judge_all(r, &c);
	}
	r->tally.status = lnk_status_worse(r->tally.status, status);
	lnk_captures_free(&c);
}

/* In a worker, which has a copy of all. What the output still holds is not ours to write. */
static void judge_aside(void *data, size_t i, FILE *out, FILE *err, struct lnk_tally *t)
{
	struct run *r = data;

	__fpurge(r->output.to);
	stderr = err;
	r->to = out;
	r->tally = (struct lnk_tally){0};
	judge_dump(r, i);
	*t = r->tally;
}

static void add_tally(struct lnk_tally *to, const struct lnk_tally *t)
{
	size_t i;

	to->status = lnk_status_worse(to->status, t->status);
	to->n_unread += t->n_unread;
	to->n_captures += t->n_captures;
	to->n_written += t->n_written;
	to->n_shown += t->n_shown;
	for (i = 0; i < ARRAY_SIZE(to->n_found); i++)
		to->n_found[i] += t->n_found[i];
}

static void put_output(struct run *r, const char *text, size_t n)
{
	begin_next(r);
	if (fwrite(text, 1, n, r->to) < n)
		has_failed(-errno);
}

static void take(void *data, size_t i, const struct lnk_job *job)
{
	static const struct lnk_tally unread = {.status = STATUS_USAGE, .n_unread = 1};
	struct run *r = data;
	char text[128];

	if (job->died) {
		snprintf(text, sizeof(text), "could not be judged: %s", job->died);
		complain(r->dumps.words[i], text);
		add_tally(&r->tally, &unread);
		return;
	}
	fwrite(job->text + job->n_out, 1, job->n_err, stderr);
	if (job->tally.n_written)
		put_output(r, job->text, job->n_out);
	add_tally(&r->tally, &job->tally);
}

static void judge_here(void *data, size_t i)
{
	struct run *r = data;

	judge_dump(r, i);
}

/* Two that read the standard input would take it from each other. */
static bool can_run_aside(const struct list *dumps)
{
	size_t n = 0, i;

	for (i = 0; i < dumps->n; i++)
		n += !strcmp(dumps->words[i], "-");
	return n < 2;
}

static void run_dumps(struct run *r)
{
	struct lnk_jobs jobs = {
		.n = r->dumps.n,
		.n_workers = r->jobs < r->dumps.n ? r->jobs : r->dumps.n,
		.data = r,
		.judge = judge_aside,
		.take = take,
		.here = judge_here,
	};
	size_t i;

	if (jobs.n_workers > 1 && can_run_aside(&r->dumps)) {
		begin(r);
		lnk_jobs_run(&jobs);
		return;
	}
	for (i = 0; i < r->dumps.n; i++)
		judge_here(r, i);
}

static bool read_other(struct run *r)
{
	struct lnk_err err = {0};

	if (lnk_source_read(r->compare, &r->other, &err)) {
		complain(NULL, err.text);
		return false;
	}
	return is_single(r, &r->other);
}

static bool read_expectation(struct run *r)
{
	struct lnk_err err = {0};

	if (!lnk_expect_read(&r->expectation, r->expect, &err))
		return true;
	complain(NULL, err.text);
	return false;
}

/* How this machine is read, with what libpci was asked for. */
static struct lnk_live_opts reading(struct run *r)
{
	r->live.params = list_words(&r->params);
	r->live.everything = r->capture != NULL;
	r->live.some = r->select.slot || r->select.id;
	return r->live;
}

static void run_live(struct run *r)
{
	struct lnk_captures c = {0};
	struct lnk_live_opts live = reading(r);
	struct lnk_err err = {0};

	/* Serial numbers tell devices apart. */
	live.deep |= r->compare != NULL;
	r->tally.status = STATUS_USAGE;
	if (lnk_live_read(&live, &c, &err))
		complain(NULL, err.text);
	else
		r->tally.status = judge_all(r, &c);
	lnk_captures_free(&c);
	lnk_live_end();
}

/* ---- --monitor ------------------------------------------------------------------------------ */

struct monitor {
	struct run *run;
	struct lnk_watch watch;
	struct lnk_events events;
	struct lnk_captures seen; /* this machine, when it was looked at last */
	struct lnk_err trouble;	  /* since then: why it cannot be looked at */
	FILE *to;		  /* what is to be printed, into: */
	char *text;
	size_t size;
};

/* Of RFC 3339: local time, and how far that is from UTC. */
static const char *time_str(char buf[32])
{
	time_t t = time(NULL);
	const struct tm *tm = localtime(&t);
	size_t n = tm ? strftime(buf, 32, "%Y-%m-%dT%H:%M:%S%z", tm) : 0;

	if (n < 5)
		return strcpy(buf, "-");
	memmove(buf + n - 1, buf + n - 2, 3);
	buf[n - 2] = ':';
	return buf;
}

static int tell(struct monitor *mon, struct lnk_news n)
{
	char now[32];
	int rc = -ENOMEM;

	n.time = time_str(now);
	rewind(mon->to);
	mon->run->format->tell(mon->to, &mon->run->view, &n);
	if (!fflush(mon->to))
		rc = lnk_watch_write(&mon->watch, mon->text, mon->size);
	if (rc < 0)
		complain("standard output", strerror(-rc));
	return rc;
}

static int tell_trouble(struct monitor *mon, const struct lnk_err *err)
{
	if (!strcmp(err->text, mon->trouble.text))
		return 0;
	mon->trouble = *err;
	return tell(mon, (struct lnk_news){.kind = LNK_NEWS_TROUBLE, .trouble = err->text});
}

static int look(struct run *r, struct lnk_captures *c, struct lnk_err *err)
{
	const struct lnk_live_opts live = reading(r);
	int rc = lnk_live_read(&live, c, err);

	if (rc)
		return rc;
	if (judge_model(r, c->models[0], &r->select))
		return -EINVAL;
	lnk_drivers_tell(c->models[0]);
	lnk_remedy_make(c->models[0], r->forms);
	return 0;
}

static int look_again(void *data)
{
	struct monitor *mon = data;
	struct lnk_captures c = {0};
	struct lnk_changes changes;
	struct lnk_err err = {0};
	int rc = 0;

	lnk_live_close(mon->seen.models[0]);
	if (look(mon->run, &c, &err)) {
		lnk_captures_free(&c);
		return tell_trouble(mon, &err);
	}
	mon->trouble.text[0] = '\0';
	lnk_changes_find(&changes, mon->seen.models[0], c.models[0]);
	if (changes.n)
		rc = tell(mon, (struct lnk_news){.kind = LNK_NEWS_CHANGES, .changes = &changes});
	lnk_changes_free(&changes);
	lnk_captures_free(&mon->seen);
	mon->seen = c;
	return rc;
}

/* What could not be looked at is looked for. */
static bool poll_links(void *data)
{
	struct monitor *mon = data;

	return mon->trouble.text[0] || lnk_live_poll(mon->seen.models[0]);
}

static int drain(void *data)
{
	struct monitor *mon = data;
	int rc = lnk_events_drain(&mon->events);

	if (rc < 0)
		complain("events of the kernel", strerror(-rc));
	return rc;
}

/* Without events there is --interval. */
static bool start_listening(struct monitor *mon)
{
	struct lnk_err err = {0};

	if (lnk_events_open(&mon->events, &err)) {
		complain(NULL, err.text);
		if (!mon->watch.interval)
			complain("--monitor", "--interval looks without events");
		return mon->watch.interval;
	}
	if (mon->events.doubtful)
		complain("--monitor",
			 "events of the kernel may not come into this container (a user "
			 "namespace); --interval looks without them");
	mon->watch.events = mon->events.fd;
	return true;
}

/* Until the end; not 0, with words said where it is negative. */
static int keep_looking(struct monitor *mon)
{
	struct lnk_err err = {0};
	int rc;

	/* What comes while it is looked at is an event. */
	if (!start_listening(mon))
		return -EIO;
	if (look(mon->run, &mon->seen, &err)) {
		if (err.text[0])
			complain(NULL, err.text);
		return -EIO;
	}
	rc = tell(mon, (struct lnk_news){
			       .kind = LNK_NEWS_START,
			       .model = mon->seen.models[0],
			       .interval = mon->watch.interval,
			       .events = mon->events.monitor && !mon->events.doubtful,
		       });
	return rc ? rc : lnk_watch_run(&mon->watch);
}

static int monitor(struct run *r)
{
	struct monitor mon = {
		.run = r,
		.watch =
			{
				.events = -1,
				.out = STDOUT_FILENO,
				.interval = r->interval,
				.drain = drain,
				.changed = look_again,
				.tick = poll_links,
			},
		.events.fd = -1,
	};
	int rc;

	mon.watch.data = &mon;
	mon.to = open_memstream(&mon.text, &mon.size);
	if (!mon.to) {
		complain("--monitor", strerror(errno));
		return STATUS_USAGE;
	}
	rc = lnk_watch_begin(&mon.watch);
	if (rc)
		complain("--monitor", strerror(-rc));
	else
		rc = keep_looking(&mon);
	if (rc == LNK_WATCH_SIGNAL)
		tell(&mon, (struct lnk_news){.kind = LNK_NEWS_END});
	lnk_captures_free(&mon.seen);
	lnk_live_end();
	lnk_events_close(&mon.events);
	lnk_watch_end(&mon.watch);
	fclose(mon.to);
	free(mon.text);
	return rc < 0 ? STATUS_USAGE : 0;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* Whether all that was written to @to has arrived. */
static bool has_arrived(FILE *to, const char *name)
{
	bool failed = ferror(to) || lost;

	errno = 0;
	if (!fflush(to) && !failed)
		return true;
	complain(name, strerror(errno ? errno : lost ? lost : EIO));
	return false;
}

/* The one way out, argp's own after --help too: what did not reach standard output is trouble. */
static void check_stdout(void)
{
	if ((__fpending(stdout) || ferror(stdout)) && !has_arrived(stdout, "standard output"))
		_exit(STATUS_USAGE);
}

/*
 * A standard stream that is closed would lend its number to the next file that is opened, and what
 * we print could go into a device's configuration space. Open the wrong way round, it fails.
 */
static void keep_standard_streams(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(STATUS_USAGE);
}

/*
 * What tells of a machine is kept whatever its verdict, and where an input could not be read: it
 * says so. What is to be read again, a capture or a list of what is expected, is kept if it is one.
 */
static int close_output(struct run *r, int status)
{
	enum lnk_output_end end = LNK_OUTPUT_KEEP;
	int rc;

	if (r->output.to == stdout)
		return status;
	if (!has_arrived(r->output.to, r->output.name)) {
		status = STATUS_USAGE;
		end = LNK_OUTPUT_DROP;
	}
	if (r->file && status == STATUS_USAGE)
		end = LNK_OUTPUT_DROP;
	rc = lnk_output_close(&r->output, end);
	if (!rc)
		return status;
	if (end == LNK_OUTPUT_KEEP)
		complain(r->output.name, strerror(-rc));
	return STATUS_USAGE;
}

/* The last line over several captures, where people read it. */
static void put_total(struct run *r)
{
	const struct lnk_tally *t = &r->tally;
	struct lnk_arena a = {0};
	const char *text;
	size_t i;

	if ((r->dumps.n < 2 && t->n_captures < 2) || r->view.quiet || r->file ||
	    (r->format != &lnk_format_table && r->format != &lnk_format_tree))
		return;
	text = lnk_strf(&a, "Together: %zu input%s, %zu capture%s; found:", r->dumps.n,
			r->dumps.n == 1 ? "" : "s", t->n_captures, t->n_captures == 1 ? "" : "s");
	for (i = LNK_ERROR + 1; i-- > LNK_NOTICE;)
		text = lnk_strf(&a, "%s %zu %s%s%s", text, t->n_found[i],
				lnk_severity_name((enum lnk_severity)i),
				t->n_found[i] == 1 ? "" : "s", i > LNK_NOTICE ? "," : ".");
	if (t->n_unread)
		text = lnk_strf(&a, "%s %zu input%s could not be read.", text, t->n_unread,
				t->n_unread == 1 ? "" : "s");
	fputc('\n', r->to);
	lnk_put_para(r->to, &r->view, "", 2, text);
	lnk_arena_free(&a);
}

static int run(struct run *r)
{
	int status;

	if (r->monitor)
		return monitor(r);
	if (r->capture)
		r->format = &lnk_format_dump;
	if (r->write_expect)
		r->format = &lnk_format_expect;
	r->file = r->capture ? r->capture : r->write_expect;
	if (r->compare && !read_other(r))
		return STATUS_USAGE;
	if (r->expect && !read_expectation(r))
		return STATUS_USAGE;
	if (!open_output(r))
		return STATUS_USAGE;
	if (r->dumps.n)
		run_dumps(r);
	else
		run_live(r);
	lnk_hwdb_end();
	status = r->tally.status;
	/* A selection that misses is no clean bill of health. */
	if (!status && !r->tally.n_shown && (r->select.slot || r->select.id)) {
		complain(r->select.slot ? r->select.slot : r->select.id, "no function matches");
		status = STATUS_CANNOT_TELL;
	}
	begin(r);
	put_total(r);
	/* A document that is begun is ended, even where all inputs failed. */
	if (r->format->end && has_failed(r->format->end(r->to, &r->view, status)))
		status = STATUS_USAGE;
	return close_output(r, status);
}

/* What --suggest asks for; where it is not given, what fits the machine. */
static void choose_forms(struct run *r, struct lnk_err *err)
{
	size_t i;

	r->forms = r->has_suggest ? 0 : LNK_FORMS_FITTING;
	if (r->has_suggest && !r->suggest.n)
		lnk_fail(err, -EINVAL, "--suggest: no form is named");
	for (i = 0; i < r->suggest.n; i++)
		if (!lnk_remedy_forms(&r->forms, r->suggest.words[i]))
			lnk_fail(err, -EINVAL,
				 "--suggest: '%.64s' is not one of qemu, libvirt, proxmox, all, "
				 "none",
				 r->suggest.words[i]);
}

/* What watches is for this machine, and one of it at a time. */
static void check_watch(const struct run *r, struct lnk_err *err)
{
	if (!r->sample && !r->command && !r->monitor) {
		if (r->interval)
			lnk_fail(err, -EINVAL,
				 "--interval belongs to --sample, --while or --monitor");
	} else if (r->dumps.n || r->params.n) {
		lnk_fail(err, -EINVAL,
			 "--sample, --while and --monitor watch this machine, not a capture: leave "
			 "out -F and -O");
	} else if (!!r->sample + !!r->command + r->monitor > 1) {
		lnk_fail(err, -EINVAL, "--sample, --while and --monitor: use one");
	} else if (r->capture) {
		lnk_fail(err, -EINVAL,
			 "--capture writes what one look shows: leave out --sample, --while and "
			 "--monitor");
	} else if (r->monitor && !r->format->tell) {
		lnk_fail(err, -EINVAL, "--monitor prints lines of text or JSON: use --json");
	} else if (r->monitor && r->compare) {
		lnk_fail(err, -EINVAL, "--monitor and --compare: use one");
	} else if (r->command && !*r->command) {
		lnk_fail(err, -EINVAL, "--while: no command is given");
	}
}

/* What is written, and where to. */
static void check_output(const struct run *r, struct lnk_err *err)
{
	if (r->output_file && (r->capture || r->write_expect))
		lnk_fail(err, -EINVAL,
			 "--capture and --write-expect name their own file: leave out --output");
	if ((r->output_file && !*r->output_file) || (r->capture && !*r->capture) ||
	    (r->write_expect && !*r->write_expect))
		lnk_fail(err, -EINVAL, "--output, --capture and --write-expect: no file is named");
	if (r->output_file && r->monitor)
		lnk_fail(err, -EINVAL,
			 "--monitor prints each line when it comes, --output a file at the end: "
			 "use one");
	if (r->format->one_capture && r->dumps.n > 1)
		lnk_fail(err, -EINVAL,
			 "--format=%s is of one machine: give one -F, or use --format=ndjson",
			 r->format->name);
}

/* A list of findings is one capture's. */
static void check_expect(const struct run *r, struct lnk_err *err)
{
	if (r->compare && !r->format->compare)
		lnk_fail(err, -EINVAL,
			 "--compare: there is no room for it in --format=%s: use table, tree, "
			 "json or html",
			 r->format->name);
	if (!r->expect && !r->write_expect)
		return;
	if (!!r->expect + !!r->write_expect + !!r->capture + !!r->compare + r->monitor > 1)
		lnk_fail(err, -EINVAL,
			 "--expect, --write-expect, --compare, --capture and --monitor: use one");
	if (r->dumps.n > 1)
		lnk_fail(err, -EINVAL, "%s takes one capture: give one -F", single_option(r));
}

static bool check_usage(struct run *r)
{
	struct lnk_judge judge = {.only = list_words(&r->only), .ignore = list_words(&r->ignore)};
	struct lnk_err err = {0};

	if (r->has_only && !r->only.n)
		lnk_fail(&err, -EINVAL, "--only: no rule is named");
	else if (r->dumps.n && (r->live.method || r->params.n))
		lnk_fail(&err, -EINVAL,
			 "-A and -O are for live access, -F reads a capture: use one");
	else if (r->dumps.n && r->live.deep)
		lnk_fail(&err, -EINVAL,
			 "--deep is for live access, of a capture all is read anyway: use one");
	else if (r->dumps.n && r->live.wake)
		lnk_fail(&err, -EINVAL, "--wake is for live access, in a capture nothing sleeps");
	else if (r->capture && r->dumps.n > 1)
		lnk_fail(&err, -EINVAL, "--capture writes one machine: give one -F");
	else if (r->compare && r->capture)
		lnk_fail(&err, -EINVAL, "--compare judges, --capture does not: use one");
	else if (r->compare && r->dumps.n > 1)
		lnk_fail(&err, -EINVAL, "--compare takes one capture beside one: give one -F");
	else if (r->compare && r->dumps.n && !strcmp(r->compare, "-") &&
		 !strcmp(r->dumps.words[0], "-"))
		lnk_fail(&err, -EINVAL,
			 "-F - and --compare - cannot both be the standard input: give one a file");
	else if (r->view.redact && !r->capture)
		lnk_fail(&err, -EINVAL, "--redact belongs to --capture");
	else
		lnk_judge_check(&judge, &err);
	check_watch(r, &err);
	check_output(r, &err);
	check_expect(r, &err);
	choose_forms(r, &err);
	if (err.text[0])
		complain(NULL, err.text);
	return !err.text[0];
}

int main(int argc, char **argv)
{
	static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
	struct run r = {.format = &lnk_format_table, .color = -1, .view.fail_on = LNK_WARNING};
	int status = 0;

	keep_standard_streams();
	setlocale(LC_ALL, "");
	atexit(check_stdout);
	argp_err_exit_status = STATUS_USAGE;
	check_words(argc, argv);
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r))
		return STATUS_USAGE;
	r.view.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	r.view.width = terminal_width(&r);
	r.view.color = wants_color(&r);
	if (r.method_help || r.param_help)
		lnk_live_help(stdout, r.method_help);
	else if (!r.done)
		status = check_usage(&r) ? run(&r) : STATUS_USAGE;
	list_free(&r.dumps);
	list_free(&r.only);
	list_free(&r.ignore);
	list_free(&r.params);
	list_free(&r.suggest);
	lnk_captures_free(&r.other);
	lnk_expect_free(&r.expectation);
	lnk_hwdb_end();
	return status;
}
