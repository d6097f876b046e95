/* SPDX-License-Identifier: GPL-2.0-or-later */
/* html.h - what the files of --format=html share */
#ifndef LNKINSPECT_HTML_H
#define LNKINSPECT_HTML_H

#include "lnkinspect.h"

/* How a thing stands, in colour and shape. */
enum lnk_look {
	LNK_LOOK_ERROR,
	LNK_LOOK_WARNING,
	LNK_LOOK_NOTICE,
	LNK_LOOK_OK,
	LNK_LOOK_UNKNOWN,
	LNK_LOOK_DOWN,
	LNK_LOOK_PLAIN,
};

/* One capture on its way into the page. */
struct lnk_page {
	struct lnk_arena arena;
	FILE *to;
	const struct lnk_view *view;
	const struct lnk_model *model;
	struct lnk_marks marks;
	const char *id; /* "c1.1": the first capture of the first input */
};

extern const char lnk_html_css[];

/* Text, and the value of an attribute. */
void lnk_html_text(FILE *to, const char *s);
/* "#c1.1-0000:01:00.0", "#c1.1-LNK001-0000:01:00.0", without the "#" as an element's id. */
void lnk_html_fn_id(const struct lnk_page *p, const struct lnk_fn *f);
void lnk_html_finding_id(const struct lnk_page *p, const struct lnk_finding *f);

/* "error", "cannot-tell": the class that has the colour. */
const char *lnk_look_class(enum lnk_look look);
enum lnk_look lnk_look_of_severity(enum lnk_severity s);
enum lnk_look lnk_look_of_link(const struct lnk_link *l);
/* Its shape, at the end of a line or before a word. */
void lnk_html_shape(FILE *to, enum lnk_look look);
/* The hierarchy, and how to read it. */
void lnk_html_tree(struct lnk_page *p);

#endif
