/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run.c - the pipeline: what is read, judged and written, trouble in words, exit status */
#include <errno.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "run.h"

#define PROGRESS_WIDTH 72

/* Why output could not be written, where it is known; 0: it could, or that is not known. */
static int lost;

void lnk_complain(const char *what, const char *text)
{
	struct lnk_arena a = {0};

	if (what)
		fprintf(stderr, LNK_NAME ": %s: %s\n", lnk_clean(&a, what, strlen(what)),
			lnk_clean(&a, text, strlen(text)));
	else
		fprintf(stderr, LNK_NAME ": %s\n", lnk_clean(&a, text, strlen(text)));
	lnk_arena_free(&a);
}

/* ---- Where it goes --------------------------------------------------------------------------- */

/* What is to be read is evidence, and no report is worth that. */
static bool replaces_input(const struct lnk_run *r, const char *name)
{
	size_t i;

	for (i = 0; i < r->dumps.n; i++)
		if (lnk_output_replaces(name, r->dumps.words[i]))
			return true;
	for (i = 0; i < r->params.n; i++) {
		const char *value = strchr(r->params.words[i], '=');

		if (value && lnk_output_replaces(name, value + 1))
			return true;
	}
	return (r->compare && lnk_output_replaces(name, r->compare)) ||
	       (r->expect && lnk_output_replaces(name, r->expect));
}

/* Before anything is looked at: who cannot be told need not look. */
static bool open_output(struct lnk_run *r)
{
	const char *name = r->file ? r->file : r->output_file;
	struct lnk_err err = {0};

	if (name && replaces_input(r, name)) {
		lnk_complain(name, "is read, too, and would be lost: write another file");
		return false;
	}
	if (lnk_output_open(&r->output, name, &err)) {
		lnk_complain(NULL, err.text);
		return false;
	}
	r->to = r->output.to;
	return true;
}

/* Once, and not before the first capture is known: a beginning may name it. */
static void begin(struct lnk_run *r)
{
	if (!r->begun && r->format->begin)
		r->format->begin(r->to, &r->view);
	r->begun = true;
}

/* One capture more is written, behind the beginning. */
static void begin_next(const struct lnk_run *r)
{
	if (r->tally.n_written && r->format->between)
		r->format->between(r->to, &r->view);
}

/* ---- One capture ----------------------------------------------------------------------------- */

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
static int sample(const struct lnk_run *r, struct lnk_model *m, struct lnk_err *err)
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

int lnk_run_judge(struct lnk_run *r, struct lnk_model *m, const struct lnk_select *select)
{
	struct lnk_judge judge = {
		.only = lnk_words_of(&r->only),
		.ignore = lnk_words_of(&r->ignore),
		.keep = r->view.verbose ? r->format->keep_verbose : r->format->keep,
	};
	struct lnk_err err = {0};

	/* What went, or is missing, may be what cannot be looked for. */
	if (r->monitor || r->expect)
		judge.keep |= BIT(LNK_SKIPPED);
	if (walk(m, select, &err)) {
		lnk_complain(NULL, err.text);
		return STATUS_USAGE;
	}
	lnk_live_settle(m);
	if (sample(r, m, &err)) {
		lnk_complain(NULL, err.text);
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
static int compare(struct lnk_run *r, const struct lnk_model *m)
{
	const struct lnk_select select = {.id = r->select.id};
	struct lnk_model *other = r->other.models[0];
	struct lnk_comparison c;
	int status;

	if (lnk_run_judge(r, other, &select))
		return STATUS_USAGE;
	lnk_compare(&c, m, other, &r->select);
	status = c.n_compared ? 0 : STATUS_CANNOT_TELL;
	if (has_failed(r->format->compare(r->to, &r->view, &c)))
		status = STATUS_USAGE;
	lnk_comparison_free(&c);
	return status;
}

/* What others say of this machine's links, where it is shown: a capture has no room for it. */
static void listen(const struct lnk_run *r, struct lnk_model *m)
{
	if (!m->env.live || r->view.quiet || r->file)
		return;
	lnk_log_quote(m);
	if (r->live.deep)
		lnk_tools_quote(m);
}

/* What differs from what is expected. */
static int hold(struct lnk_run *r)
{
	if (has_failed(r->format->expect(r->to, &r->view, &r->expectation)))
		return STATUS_USAGE;
	return lnk_expect_status(&r->expectation);
}

static int write_one(struct lnk_run *r, const struct lnk_model *m)
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
static int judge_one(struct lnk_run *r, struct lnk_model *m)
{
	int status;
	size_t i;

	if (lnk_run_judge(r, m, &r->select))
		return STATUS_USAGE;
	if (r->expect)
		lnk_expect_judge(&r->expectation, m, r->view.fail_on);
	if (r->capture && !fits_capture(m)) {
		lnk_complain(m->source,
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

const char *lnk_run_single(const struct lnk_run *r)
{
	if (r->compare)
		return "--compare";
	if (r->expect)
		return "--expect";
	if (r->write_expect)
		return "--write-expect";
	return r->format->one_capture ? "this format" : NULL;
}

/* ---- One input ------------------------------------------------------------------------------- */

/* Which of several captures is meant is not for us to choose. */
static bool is_single(const struct lnk_run *r, const struct lnk_captures *c)
{
	char text[128];

	if (c->n == 1)
		return true;
	snprintf(text, sizeof(text),
		 "holds several captures, and %s takes one: give it a file with that one alone%s",
		 lnk_run_single(r), r->format->one_capture ? ", or use --format=ndjson" : "");
	lnk_complain(c->models[0]->source, text);
	return false;
}

static int judge_all(struct lnk_run *r, const struct lnk_captures *c)
{
	int status = 0;
	size_t i;

	if (lnk_run_single(r) && !is_single(r, c))
		return STATUS_USAGE;
	r->view.only = c->n == 1 && r->dumps.n < 2 ? c->models[0] : NULL;
	for (i = 0; i < c->n; i++) {
		r->view.capture = i;
		status = lnk_status_worse(status, judge_one(r, c->models[i]));
	}
	r->view.only = NULL;
	return status;
}

static void judge_dump(struct lnk_run *r, size_t i)
{
	const char *name = r->dumps.words[i];
	struct lnk_captures c = {0};
	struct lnk_err err = {0};
	int status = STATUS_USAGE;

	r->view.input = i;
	if (lnk_source_read(name, &c, &err)) {
		lnk_complain(NULL, err.text);
		r->tally.n_unread++;
	} else {
		status = judge_all(r, &c);
	}
	r->tally.status = lnk_status_worse(r->tally.status, status);
	lnk_captures_free(&c);
}

/* ---- Several inputs -------------------------------------------------------------------------- */

/* In a worker, which has a copy of all. What the output still holds is not ours to write. */
static void judge_aside(void *data, size_t i, FILE *out, FILE *err, struct lnk_tally *t)
{
	struct lnk_run *r = data;

	__fpurge(r->output.to);
	stderr = err;
	r->to = out;
	r->tally = (struct lnk_tally){0};
	judge_dump(r, i);
	/* Whoever takes says so, of a worker that dies. */
	if (lost)
		_exit(STATUS_USAGE);
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

static void put_output(struct lnk_run *r, const char *text, size_t n)
{
	begin_next(r);
	if (fwrite(text, 1, n, r->to) < n)
		has_failed(-errno);
}

static void take(void *data, size_t i, const struct lnk_job *job)
{
	static const struct lnk_tally unread = {.status = STATUS_USAGE, .n_unread = 1};
	struct lnk_run *r = data;
	char text[128];

	if (job->died) {
		snprintf(text, sizeof(text), "could not be judged: %s", job->died);
		lnk_complain(r->dumps.words[i], text);
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
	struct lnk_run *r = data;

	judge_dump(r, i);
}

/* Two that read the standard input would take it from each other. */
static bool can_run_aside(const struct lnk_words *dumps)
{
	size_t n = 0, i;

	for (i = 0; i < dumps->n; i++)
		n += !strcmp(dumps->words[i], "-");
	return n < 2;
}

static void run_dumps(struct lnk_run *r)
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

static bool read_other(struct lnk_run *r)
{
	struct lnk_err err = {0};

	if (lnk_source_read(r->compare, &r->other, &err)) {
		lnk_complain(NULL, err.text);
		return false;
	}
	return is_single(r, &r->other);
}

static bool read_expectation(struct lnk_run *r)
{
	struct lnk_err err = {0};

	if (!lnk_expect_read(&r->expectation, r->expect, &err))
		return true;
	lnk_complain(NULL, err.text);
	return false;
}

struct lnk_live_opts lnk_run_reading(struct lnk_run *r)
{
	r->live.params = lnk_words_of(&r->params);
	r->live.everything = r->capture != NULL;
	r->live.some = r->select.slot || r->select.id;
	return r->live;
}

static void run_live(struct lnk_run *r)
{
	struct lnk_captures c = {0};
	struct lnk_live_opts live = lnk_run_reading(r);
	struct lnk_err err = {0};

	/* Serial numbers tell devices apart. */
	live.deep |= r->compare != NULL;
	r->tally.status = STATUS_USAGE;
	if (lnk_live_read(&live, &c, &err))
		lnk_complain(NULL, err.text);
	else
		r->tally.status = judge_all(r, &c);
	lnk_captures_free(&c);
	lnk_live_end();
}

/* Whether all that was written to @to has arrived. */
static bool has_arrived(FILE *to, const char *name)
{
	bool failed = ferror(to) || lost;

	errno = 0;
	if (!fflush(to) && !failed)
		return true;
	lnk_complain(name, strerror(errno ? errno : lost ? lost : EIO));
	return false;
}

void lnk_check_stdout(void)
{
	if ((__fpending(stdout) || ferror(stdout)) && !has_arrived(stdout, "standard output"))
		_exit(STATUS_USAGE);
}

/* A selection that misses is no clean bill of health. */
static bool misses(const struct lnk_run *r)
{
	return !r->tally.n_shown && (r->select.slot || r->select.id);
}

/*
 * What tells of a machine is kept whatever its verdict, and where an input could not be read: it
 * says so. What is to be read again, a capture or a list of what is expected, is kept if it is one.
 */
static int close_output(struct lnk_run *r, int status)
{
	enum lnk_output_end end = LNK_OUTPUT_KEEP;
	int rc;

	if (r->output.to == stdout)
		return status;
	if (!has_arrived(r->output.to, r->output.name)) {
		status = STATUS_USAGE;
		end = LNK_OUTPUT_DROP;
	}
	if (r->file && (status == STATUS_USAGE || misses(r)))
		end = LNK_OUTPUT_DROP;
	rc = lnk_output_close(&r->output, end);
	if (!rc)
		return status;
	if (end == LNK_OUTPUT_KEEP)
		lnk_complain(r->output.name, strerror(-rc));
	return STATUS_USAGE;
}

/* The last line over several captures, where people read it. */
static void put_total(struct lnk_run *r)
{
	const struct lnk_tally *t = &r->tally;
	struct lnk_arena a = {0};
	const char *text;
	size_t i;

	if ((r->dumps.n < 2 && t->n_captures < 2) || r->view.quiet || !r->format->is_text)
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

static int judge_inputs(struct lnk_run *r)
{
	int status;

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
	status = r->tally.status;
	if (!status && misses(r)) {
		lnk_complain(r->select.slot ? r->select.slot : r->select.id, "no function matches");
		status = STATUS_CANNOT_TELL;
	}
	begin(r);
	put_total(r);
	/* A document that is begun is ended, even where all inputs failed. */
	if (r->format->end && has_failed(r->format->end(r->to, &r->view, status)))
		status = STATUS_USAGE;
	return close_output(r, status);
}

int lnk_run(struct lnk_run *r)
{
	int status = r->monitor ? lnk_monitor(r) : judge_inputs(r);

	lnk_captures_free(&r->other);
	lnk_expect_free(&r->expectation);
	lnk_hwdb_end();
	return status;
}
