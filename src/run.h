/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run.h - one run of the program: what lnkinspect.c was asked for, run.c and monitor.c do */
#ifndef RUN_H
#define RUN_H

#include "lnkinspect.h"

#define STATUS_USAGE	   2
#define STATUS_CANNOT_TELL 3

/* A growing NULL-terminated list of words; no words are NULL. */
struct lnk_words {
	char **words;
	size_t n;
};

static inline const char *const *lnk_words_of(const struct lnk_words *l)
{
	return (const char *const *)l->words;
}

struct lnk_run {
	/* What was asked for. */
	struct lnk_words dumps, only, ignore, params;
	struct lnk_select select;
	struct lnk_view view;
	struct lnk_live_opts live;
	const struct lnk_format *format;
	const char *capture;
	const char *compare;
	const char *expect;
	const char *write_expect;
	const char *output_file;
	const char *command;	   /* --while */
	uint64_t sample, interval; /* ns; 0: not asked for */
	size_t jobs;
	uint32_t forms; /* of suggestions */
	bool monitor;

	/* What becomes of it. */
	const char *file;	   /* of --capture or --write-expect; NULL: neither */
	struct lnk_captures other; /* what --compare names, read before all else */
	struct lnk_expectation expectation;
	struct lnk_output output;
	FILE *to;		/* its stream; a worker has another */
	struct lnk_tally tally; /* over all inputs; a worker's over one */
	bool begun;		/* the beginning is written */
};

/* ---- run.c: the pipeline, trouble in words, exit status -------------------------------------- */

/* Of what, or NULL, and why: what came from the command line or from a file is printed harmless. */
void lnk_complain(const char *what, const char *text);
/* Looks, judges and writes, or watches. Returns the exit status; what is wrong was said. */
int lnk_run(struct lnk_run *r);
/* How this machine is read, with what libpci was asked for. */
struct lnk_live_opts lnk_run_reading(struct lnk_run *r);
/* From a capture's registers to its findings. Not 0: it could not be, and why was said. */
int lnk_run_judge(struct lnk_run *r, struct lnk_model *m, const struct lnk_select *select);
/* What takes one capture, of what was asked for; NULL: nothing does. */
const char *lnk_run_single(const struct lnk_run *r);
/* The one way out, argp's own after --help too: what did not reach standard output is trouble. */
void lnk_check_stdout(void);

/* ---- monitor.c: --monitor -------------------------------------------------------------------- */

/* Until a signal, or the end of whoever reads. Returns the exit status; what is wrong was said. */
int lnk_monitor(struct lnk_run *r);

#endif
