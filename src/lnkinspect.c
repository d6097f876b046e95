/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lnkinspect.c - options: what is asked for, and whether it can be */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "run.h"

#define MAX_JOBS 1024

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
	 "Write what is looked at as text that lspci -F and --from-dump read", 5},
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

/* What was asked for, before it is known whether it can be. */
struct asked {
	struct lnk_run run;
	struct lnk_words suggest;
	bool method_help, param_help, has_only, has_suggest, done;
	int color; /* 0 never, 1 always, -1 auto */
};

static void list_add(struct lnk_words *l, const char *word, size_t n)
{
	l->words = lnk_xrealloc(l->words, (l->n + 2) * sizeof(*l->words));
	l->words[l->n] = lnk_xmalloc(n + 1);
	memcpy(l->words[l->n], word, n);
	l->words[l->n++][n] = '\0';
	l->words[l->n] = NULL;
}

static void list_add_each(struct lnk_words *l, const char *text)
{
	size_t n;

	for (; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		if (n)
			list_add(l, text, n);
	}
}

static void list_free(struct lnk_words *l)
{
	while (l->n)
		free(l->words[--l->n]);
	free(l->words);
}

static error_t reject(const char *option, const char *arg, const char *choices)
{
	char text[256];

	snprintf(text, sizeof(text), "'%.64s' is not one of %s", arg, choices);
	lnk_complain(option, text);
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

static void set_fail_on(struct lnk_run *r, const char *arg)
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

static void set_color(struct asked *a, const char *arg)
{
	static const struct {
		const char *word;
		int color;
	} words[] = {{"auto", -1}, {"always", 1}, {"never", 0}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(arg, words[i].word)) {
			a->color = words[i].color;
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

static void set_jobs(struct lnk_run *r, const char *arg)
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
	struct asked *a = state->input;
	struct lnk_run *r = &a->run;

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
		a->method_help = !strcmp(arg, "help");
		break;
	case 'O':
		list_add(&r->params, arg, strlen(arg));
		a->param_help |= !strcmp(arg, "help");
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
		set_color(a, arg);
		break;
	case OPT_SUGGEST:
		list_add_each(&a->suggest, arg);
		a->has_suggest = true;
		break;
	case OPT_ONLY:
		list_add_each(&r->only, arg);
		a->has_only = true;
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
		a->done = true;
		break;
	case OPT_EXPLAIN:
		explain(arg);
		a->done = true;
		break;
	case ARGP_KEY_ARG:
		if (r->dumps.n) {
			list_add(&r->dumps, arg, strlen(arg));
			break;
		}
		lnk_complain(arg, "not an option; a capture is read with -F FILE");
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
				lnk_complain(argv[i], "not an option");
				exit(STATUS_USAGE);
			}
	}
}

/* Is the report for a terminal? */
static bool on_terminal(const struct lnk_run *r)
{
	return !(r->output_file && strcmp(r->output_file, "-")) && isatty(STDOUT_FILENO);
}

/* The terminal's columns; 0 where output goes elsewhere, unless COLUMNS asks for a width. */
static unsigned terminal_width(const struct lnk_run *r)
{
	const char *env = getenv("COLUMNS");
	struct winsize w;

	if (env && atoi(env) > 0)
		return (unsigned)atoi(env);
	if (!on_terminal(r) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w))
		return 0;
	return w.ws_col;
}

static bool wants_color(const struct asked *a)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (a->color >= 0)
		return a->color;
	return on_terminal(&a->run) && !(no && *no) && term && strcmp(term, "dumb");
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

/* What --suggest asks for; where it is not given, what fits the machine. */
static void choose_forms(struct asked *a, struct lnk_err *err)
{
	uint32_t *forms = &a->run.forms;
	size_t i;

	*forms = a->has_suggest ? 0 : LNK_FORMS_FITTING;
	if (a->has_suggest && !a->suggest.n)
		lnk_fail(err, -EINVAL, "--suggest: no form is named");
	for (i = 0; i < a->suggest.n; i++)
		if (!lnk_remedy_forms(forms, a->suggest.words[i]))
			lnk_fail(err, -EINVAL,
				 "--suggest: '%.64s' is not one of qemu, libvirt, proxmox, all, "
				 "none",
				 a->suggest.words[i]);
}

/* What watches is for this machine, and one of it at a time. */
static void check_watch(const struct lnk_run *r, struct lnk_err *err)
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
static void check_output(const struct lnk_run *r, struct lnk_err *err)
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
static void check_expect(const struct lnk_run *r, struct lnk_err *err)
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
		lnk_fail(err, -EINVAL, "%s takes one capture: give one -F", lnk_run_single(r));
}

static bool check_usage(struct asked *a)
{
	const struct lnk_run *r = &a->run;
	struct lnk_judge judge = {.only = lnk_words_of(&r->only),
				  .ignore = lnk_words_of(&r->ignore)};
	struct lnk_err err = {0};

	if (a->has_only && !r->only.n)
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
	choose_forms(a, &err);
	if (err.text[0])
		lnk_complain(NULL, err.text);
	return !err.text[0];
}

int main(int argc, char **argv)
{
	static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
	struct asked a = {
		.run = {.format = &lnk_format_table, .view.fail_on = LNK_WARNING},
		.color = -1,
	};
	struct lnk_run *r = &a.run;
	int status = 0;

	keep_standard_streams();
	setlocale(LC_ALL, "");
	atexit(lnk_check_stdout);
	argp_err_exit_status = STATUS_USAGE;
	check_words(argc, argv);
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a))
		return STATUS_USAGE;
	r->view.quiet &= r->format->is_text;
	r->view.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	r->view.width = terminal_width(r);
	r->view.color = wants_color(&a);
	if (a.method_help || a.param_help)
		lnk_live_help(stdout, a.method_help);
	else if (!a.done)
		status = check_usage(&a) ? lnk_run(r) : STATUS_USAGE;
	list_free(&r->dumps);
	list_free(&r->only);
	list_free(&r->ignore);
	list_free(&r->params);
	list_free(&a.suggest);
	return status;
}
