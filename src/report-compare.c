/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report-compare.c - one capture beside another, as text */
#include <pci/header.h>
#include <string.h>

#include "lnkinspect.h"

static const char *addr_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	char at[LNK_ADDR_LEN];

	return lnk_strf(a, "%s", lnk_addr_str(f->addr, at));
}

static const struct lnk_fn *port_of(const struct lnk_fn *f)
{
	return f->link ? f->link->above : NULL;
}

static bool is_down(const struct lnk_fn *f)
{
	const struct lnk_link *l = f->below ? f->below : f->link;

	return l && l->state == LNK_DOWN;
}

static bool has_no_link(const struct lnk_fn *f)
{
	return f->absent & REG(LNK_R_LNKCAP);
}

static const char *can_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	return has_no_link(f) ? "no link" : lnk_can_str(a, f);
}

static const char *runs_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	if (is_down(f))
		return "link down";
	return has_no_link(f) ? "" : lnk_runs_str(a, f);
}

/* ---- Host and guest ------------------------------------------------------------------------- */

/* Which register was missing, in the order in which they are asked for. */
static const char *unknown_str(struct lnk_arena *a, const struct lnk_fn *guest,
			       const struct lnk_fn *host)
{
	const char *missing;

	if (!lnk_knows(host, LNK_R_MAXLINK))
		missing = lnk_strf(a, "what the device can do was not read on the host (%s)",
				   addr_str(a, host));
	else if (!lnk_knows(guest, LNK_R_MAXLINK))
		missing = lnk_strf(a, "what the device can do was not read in the guest (%s)",
				   addr_str(a, guest));
	else if (guest->reg[LNK_R_MAXLINK] != host->reg[LNK_R_MAXLINK])
		missing = "the order of addresses may have matched it with another device";
	else if (!port_of(guest))
		missing = "the guest's port is not in its capture";
	else if (!lnk_knows(port_of(guest), LNK_R_MAXLINK))
		missing = "what the guest's port can do was not read";
	else if (!port_of(host))
		missing = "the host's port is not in its capture: the real slot may be as slow as "
			  "the guest's port says";
	else
		missing = "what the host's port can do was not read: the real slot may be as slow "
			  "as the guest's port says";
	return lnk_strf(a, "Cannot tell where the truth is lost: %s.", missing);
}

static const char *allowed_str(struct lnk_arena *a, const struct lnk_pair *p)
{
	return lnk_link_str(a, FIELD_GET(PCI_EXP_LNKCAP_SPEED, p->allowed),
			    FIELD_GET(PCI_EXP_LNKCAP_WIDTH, p->allowed));
}

static const char *loss_str(struct lnk_arena *a, const struct lnk_pair *p,
			    const struct lnk_fn *guest, const struct lnk_fn *host)
{
	const struct lnk_fn *port = port_of(guest);

	switch ((enum lnk_loss)p->loss) {
	case LNK_LOST_UNKNOWN:
		return unknown_str(a, guest, host);
	case LNK_LOST_NOWHERE:
		return p->real == LNK_REAL_NONE ?
			       "Nothing is lost: the device has no link on the host either." :
			       "Nothing is lost: the guest is told what the real link can do.";
	case LNK_LOST_AT_PORT:
		return lnk_strf(a,
				"The truth is lost at the guest's port %s: it claims %s at most, "
				"and the real link can do %s.",
				addr_str(a, port), lnk_can_str(a, port), allowed_str(a, p));
	case LNK_LOST_AT_STATUS:
		return lnk_strf(a,
				"The truth is lost at the guest's port %s: it says that it runs "
				"%s, and the device below it runs %s.",
				addr_str(a, port), lnk_runs_str(a, port), lnk_runs_str(a, guest));
	case LNK_LOST_NO_PORT:
		return "The truth is lost above the guest's device: it says what it says on the "
		       "host, but the guest has no port above it to ask.";
	case LNK_LOST_IN_DEVICE:
		return lnk_strf(a,
				"The truth is lost in the guest's device %s: it can do %s, it "
				"says, and %s on the host. The hypervisor changed that, or it "
				"changed between the two captures.",
				addr_str(a, guest), lnk_can_str(a, guest), lnk_can_str(a, host));
	case LNK_LOST_HIDDEN:
		return lnk_strf(a,
				"The truth is lost in the guest's device %s: it shows no link, and "
				"the real one can do %s.",
				addr_str(a, guest), allowed_str(a, p));
	}
	return "";
}

static const char *real_str(struct lnk_arena *a, const struct lnk_pair *p,
			    const struct lnk_fn *host)
{
	switch ((enum lnk_real)p->real) {
	case LNK_REAL_DOWN:
		return " The host's link is down.";
	case LNK_REAL_SLOT:
		return lnk_strf(a, " The real slot allows %s of the %s that the device can do.",
				allowed_str(a, p), lnk_can_str(a, host));
	case LNK_REAL_SLOWER:
		return lnk_strf(a,
				" %s slower than the %s that both ends allow: idle or slow, "
				"which a look under load tells.",
				p->steady ? "The real link runs" : "Some of the real links run",
				allowed_str(a, p));
	case LNK_REAL_NARROW:
		return lnk_strf(a,
				" The real link is slow: it runs x%u of the x%u that both ends "
				"allow. Look at the host.",
				host->cur_width, FIELD_GET(PCI_EXP_LNKCAP_WIDTH, p->allowed));
	default:
		return "";
	}
}

static const char *host_guest_str(struct lnk_arena *a, const struct lnk_comparison *c,
				  const struct lnk_pair *p)
{
	const struct lnk_fn *guest = p->fn[c->guest], *host = p->fn[!c->guest];
	const char *changed = "";

	if (p->changes & REG(LNK_R_CURLINK) && p->loss != LNK_LOST_HIDDEN)
		changed = lnk_strf(a,
				   " The device runs %s in the guest's capture and %s in the "
				   "host's: the link changed in between.",
				   lnk_runs_str(a, guest), lnk_runs_str(a, host));
	return lnk_strf(a, "%s%s%s", loss_str(a, p, guest, host), real_str(a, p, host), changed);
}

/* ---- What changed --------------------------------------------------------------------------- */

static const char *both_str(struct lnk_arena *a, const struct lnk_comparison *c, const char *list,
			    const char *what, const char *here, const char *there)
{
	return lnk_strf(a, "%s%s%s%s, %s %s", list, *list ? "; " : "", what, here,
			c->relation == LNK_BEFORE_AFTER ? "before" : "there", there);
}

static bool answers(const struct lnk_fn *f)
{
	return f->reach != LNK_READ_FFS;
}

static const char *changes_str(struct lnk_arena *a, const struct lnk_comparison *c,
			       const struct lnk_pair *p)
{
	const struct lnk_fn *here = p->fn[LNK_HERE], *there = p->fn[LNK_THERE];
	const char *list = "";
	uint32_t changes = p->changes;
	unsigned r;

	/* Their wire is told of by the function that speaks for it. */
	if (p->repeats)
		changes &= ~(REG(LNK_R_MAXLINK) | REG(LNK_R_CURLINK));
	if (lnk_addr_key(here->addr) != lnk_addr_key(there->addr))
		list = both_str(a, c, list, "at ", addr_str(a, here), addr_str(a, there));
	if (answers(here) != answers(there))
		list = both_str(a, c, list, "reads ", answers(here) ? "registers" : "all ones",
				answers(there) ? "registers" : "all ones");
	if (changes & REG(LNK_R_MAXLINK))
		list = both_str(a, c, list, "can do ", can_str(a, here), can_str(a, there));
	if (changes & REG(LNK_R_CURLINK))
		list = both_str(a, c, list, "runs ", lnk_runs_str(a, here), lnk_runs_str(a, there));
	if (p->state_changed && !p->repeats)
		list = both_str(a, c, list, "link is ", is_down(here) ? "down" : "up",
				is_down(there) ? "down" : "up");
	for (r = 0; r < LNK_R_MAXLINK; r++)
		if (changes & REG(r))
			list = both_str(a, c, list, lnk_strf(a, "%s ", lnk_reg_name(r)),
					lnk_strf(a, "%0*x", (int)lnk_reg_digits(r), here->reg[r]),
					lnk_strf(a, "%0*x", (int)lnk_reg_digits(r), there->reg[r]));
	return list;
}

/* ---- A pair --------------------------------------------------------------------------------- */

/* "this capture" and "the other", by what they are. */
static const char *side_str(const struct lnk_comparison *c, enum lnk_which side)
{
	if (c->relation == LNK_HOST_GUEST)
		return side == c->guest ? "the guest" : "the host";
	if (c->relation == LNK_BEFORE_AFTER)
		return side == LNK_HERE ? "the later capture" : "the earlier capture";
	return side == LNK_HERE ? "this capture" : "the other capture";
}

static const char *unmatched_str(struct lnk_arena *a, const struct lnk_comparison *c,
				 const struct lnk_pair *p)
{
	enum lnk_which own = p->fn[LNK_HERE] ? LNK_HERE : LNK_THERE;
	const char *in = side_str(c, own), *other = side_str(c, !own);

	if (p->match == LNK_OTHER_SERIAL)
		return lnk_strf(a,
				"In %s only: what is of its kind in %s has other serial numbers.",
				in, other);
	if (p->match == LNK_NOT_TOLD_APART)
		return lnk_strf(a,
				"Not compared: of its kind there are %u in %s and %u in %s, and "
				"nothing tells them apart.",
				p->n[own], in, p->n[!own], other);
	if (p->match == LNK_NO_IDS)
		return lnk_strf(a, "Not compared: its ids are not in its capture (lspci -nn shows "
				   "them).");
	return lnk_strf(a, "In %s only.", in);
}

const char *lnk_pair_str(struct lnk_arena *a, const struct lnk_comparison *c,
			 const struct lnk_pair *p)
{
	if (!p->fn[LNK_HERE] || !p->fn[LNK_THERE])
		return unmatched_str(a, c, p);
	return c->relation == LNK_HOST_GUEST ? host_guest_str(a, c, p) : changes_str(a, c, p);
}

static const char *match_str(struct lnk_arena *a, const struct lnk_comparison *c,
			     const struct lnk_pair *p)
{
	switch ((enum lnk_match)p->match) {
	case LNK_BY_ADDRESS:
		return "the same address";
	case LNK_BY_SERIAL:
		return "the same serial number";
	case LNK_BY_IDS:
		return "the only one with these ids";
	case LNK_BY_ORDER:
		return lnk_strf(a, "one of %u with these ids, matched by their order: a guess",
				p->n[LNK_HERE]);
	case LNK_ONE_OF_ALIKE:
		return lnk_strf(a, "one of %u on the host that have this link; which is not known",
				p->n[!c->guest]);
	default:
		return "";
	}
}

/* ---- Text ----------------------------------------------------------------------------------- */

struct page {
	FILE *to;
	const struct lnk_view *view;
	const struct lnk_comparison *c;
	struct lnk_marks marks[LNK_BOTH];
};

static void add_row(struct lnk_arena *a, struct lnk_grid *g, const char *who,
		    const struct lnk_fn *f)
{
	struct lnk_grid_row *r = &g->rows[g->n_rows++];

	*r = (struct lnk_grid_row){.parent = SIZE_MAX, .cell = {who}};
	if (!f) {
		r->cell[1] = "not seen";
		return;
	}
	r->cell[1] = addr_str(a, f);
	r->cell[2] = can_str(a, f);
	r->cell[3] = runs_str(a, f);
}

/* Those that it may be run at several speeds. */
static const char *some_runs_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	return is_down(f) || !f->cur_width ? runs_str(a, f) :
					     lnk_strf(a, "x%u, speeds differ", f->cur_width);
}

static int put_ends(const struct page *p, const struct lnk_pair *pair)
{
	const struct lnk_fn *guest = pair->fn[p->c->guest], *host = pair->fn[!p->c->guest];
	struct lnk_grid_row rows[4];
	struct lnk_grid g = {
		.n_columns = 4,
		.heading = {"WHO", "WHERE", "CAN", "RUNS"},
		.rows = rows,
	};
	struct lnk_arena a = {0};
	int rc;

	add_row(&a, &g, "host's port", port_of(host));
	add_row(&a, &g, "host's device", host);
	if (!pair->steady) {
		rows[0].cell[3] = port_of(host) ? some_runs_str(&a, port_of(host)) : NULL;
		rows[1].cell[3] = some_runs_str(&a, host);
	}
	add_row(&a, &g, "guest's port", port_of(guest));
	add_row(&a, &g, "guest's device", guest);
	rc = lnk_put_grid(p->to, p->view, &g);
	lnk_arena_free(&a);
	return rc;
}

/* What was found of a function and of the component whose wire it shares: "LNK001 error, ..." */
static const char *found_str(struct lnk_arena *a, const struct page *p, enum lnk_which side,
			     const struct lnk_fn *f)
{
	const struct lnk_model *m = p->c->model[side];
	const struct lnk_fn *first = f->link ? f->link->below : f;
	size_t from = (size_t)(first - m->fns), end = from + 1;
	const char *color, *list = "", *word, *next;

	while (f->link && end < m->n_fns && m->fns[end].link == f->link)
		end++;
	word = lnk_marks_str(a, &p->marks[side], p->view, from, end, &color);
	for (; *word; word = next) {
		size_t n = strcspn(word, "\n");

		list = lnk_strf(a, "%s%s%.*s", list, *list ? ", " : "", (int)n, word);
		next = word + n + (word[n] == '\n');
	}
	return list;
}

static void put_found(const struct page *p, const struct lnk_pair *pair)
{
	enum lnk_which guest = p->c->guest, host = !guest;
	struct lnk_arena a = {0};
	const char *in = found_str(&a, p, guest, pair->fn[guest]);
	const char *on = "";

	/* What was found of one that it may be is not known of the others. */
	if (pair->match != LNK_ONE_OF_ALIKE)
		on = found_str(&a, p, host, pair->fn[host]);
	if (*in || *on)
		lnk_put_para(p->to, p->view, "  found: ", 9,
			     lnk_strf(&a, "%s%s%s%s%s", *in ? "in the guest " : "", in,
				      *in && *on ? "; " : "", *on ? "on the host " : "", on));
	lnk_arena_free(&a);
}

static const char *name_str(struct lnk_arena *a, const struct page *p, const struct lnk_fn *f)
{
	return lnk_text(a, p->view, lnk_fn_name(a, p->view, f));
}

static int put_pair(const struct page *p, const struct lnk_pair *pair)
{
	const struct lnk_fn *guest = pair->fn[p->c->guest], *host = pair->fn[!p->c->guest];
	bool is_sure = pair->match != LNK_ONE_OF_ALIKE;
	struct lnk_arena a = {0};
	int rc;

	fputc('\n', p->to);
	lnk_put_para(p->to, p->view, "", 2,
		     lnk_strf(&a, "%s in the guest is %s%s on the host  %s  (%s)",
			      addr_str(&a, guest), is_sure ? "" : "like ", addr_str(&a, host),
			      name_str(&a, p, guest), match_str(&a, p->c, pair)));
	rc = put_ends(p, pair);
	lnk_put_para(p->to, p->view, "  ", 2, lnk_pair_str(&a, p->c, pair));
	put_found(p, pair);
	lnk_arena_free(&a);
	return rc;
}

static void put_one(const struct page *p, const struct lnk_pair *pair)
{
	const struct lnk_fn *f = pair->fn[LNK_HERE] ? pair->fn[LNK_HERE] : pair->fn[LNK_THERE];
	struct lnk_arena a = {0};

	fputc('\n', p->to);
	lnk_put_para(p->to, p->view, "", 2,
		     lnk_strf(&a, "%s  %s  %s%s", addr_str(&a, f), lnk_kind_name(f),
			      name_str(&a, p, f),
			      pair->match == LNK_BY_ORDER ? "  (matched by order: a guess)" : ""));
	lnk_put_para(p->to, p->view, "  ", 2, lnk_pair_str(&a, p->c, pair));
	lnk_arena_free(&a);
}

/* What the host did not give to the guest is no difference. */
static bool is_difference(const struct lnk_comparison *c, const struct lnk_pair *p)
{
	struct lnk_arena a = {0};
	bool differs;

	if (!p->fn[LNK_HERE] || !p->fn[LNK_THERE])
		return c->relation != LNK_HOST_GUEST || p->fn[c->guest];
	if (c->relation == LNK_HOST_GUEST)
		return !p->repeats &&
		       (p->loss != LNK_LOST_NOWHERE || p->changes & REG(LNK_R_CURLINK));
	differs = *changes_str(&a, c, p) != '\0';
	lnk_arena_free(&a);
	return differs;
}

static int put_pairs(const struct page *p)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < p->c->n_pairs && !rc; i++) {
		const struct lnk_pair *pair = &p->c->pairs[i];

		if (p->c->relation == LNK_HOST_GUEST && pair->fn[LNK_HERE] && pair->fn[LNK_THERE])
			rc = pair->repeats ? 0 : put_pair(p, pair);
		else if (is_difference(p->c, pair))
			put_one(p, pair);
	}
	return rc;
}

static const char *finding_str(struct lnk_arena *a, const struct lnk_finding *f)
{
	const struct lnk_fn *fn = f->below ? f->below : f->fn;

	return lnk_strf(a, "%s  %s %s", fn ? addr_str(a, fn) : "-", f->rule->id,
			lnk_severity_name(f->severity));
}

static const char *came_str(const struct lnk_comparison *c, enum lnk_which side)
{
	if (c->relation == LNK_BEFORE_AFTER)
		return side == LNK_HERE ? "came" : "went";
	return side == LNK_HERE ? "here only" : "there only";
}

static void put_came(const struct page *p)
{
	struct lnk_arena a = {0};
	enum lnk_which side;
	size_t i;

	if (p->c->n_findings[LNK_HERE] + p->c->n_findings[LNK_THERE])
		fputc('\n', p->to);
	for (side = LNK_HERE; side < LNK_BOTH; side++)
		for (i = 0; i < p->c->n_findings[side]; i++) {
			const struct lnk_finding *f = p->c->findings[side][i];

			lnk_put_para(p->to, p->view, "", 2,
				     lnk_strf(&a, "%s  %s: %s", finding_str(&a, f),
					      came_str(p->c, side), f->rule->title));
		}
	lnk_arena_free(&a);
}

/* ---- In the end ----------------------------------------------------------------------------- */

static size_t count_differences(const struct lnk_comparison *c)
{
	size_t n = 0, i;

	for (i = 0; i < c->n_pairs; i++)
		n += c->pairs[i].fn[LNK_HERE] && c->pairs[i].fn[LNK_THERE] &&
		     is_difference(c, &c->pairs[i]);
	return n;
}

static size_t count_only(const struct lnk_comparison *c, enum lnk_which side)
{
	size_t n = 0, i;

	for (i = 0; i < c->n_pairs; i++)
		n += !c->pairs[i].fn[!side];
	return n;
}

static const char *nothing_str(const struct lnk_comparison *c)
{
	return c->n_matched ? "Nothing could be compared: of what both captures have, too little "
			      "was read." :
			      "Nothing was compared: no device with a link is known to be in both "
			      "captures.";
}

static const char *total_str(struct lnk_arena *a, const struct lnk_comparison *c)
{
	enum lnk_which side;
	const char *text;

	text = lnk_strf(
		a, "Compared: %zu of the %zu functions that are in both; %zu with a difference",
		c->n_compared, c->n_matched, count_differences(c));
	for (side = LNK_HERE; side < LNK_BOTH; side++)
		if (count_only(c, side))
			text = lnk_strf(a, "%s; %zu in %s only", text, count_only(c, side),
					side_str(c, side));
	if (c->relation != LNK_HOST_GUEST)
		text = lnk_strf(a, "%s. Findings: %zu %s, %zu %s, %zu in both", text,
				c->n_findings[LNK_HERE], came_str(c, LNK_HERE),
				c->n_findings[LNK_THERE], came_str(c, LNK_THERE),
				c->n_same_findings);
	return lnk_strf(a, "%s.", text);
}

static const char *relation_str(const struct lnk_comparison *c)
{
	if (c->relation == LNK_BEFORE_AFTER)
		return "Before: ";
	if (c->relation == LNK_UNRELATED)
		return "Beside it (guest or host: not known of both): ";
	return c->guest == LNK_HERE ? "The host: " : "The guest: ";
}

static int put_page(const struct page *p)
{
	struct lnk_arena a = {0};
	int rc;

	fputc('\n', p->to);
	lnk_put_para(p->to, p->view, relation_str(p->c), 2,
		     lnk_text(&a, p->view, lnk_env_line(&a, p->c->model[LNK_THERE])));
	rc = put_pairs(p);
	put_came(p);
	fputc('\n', p->to);
	if (!p->c->n_compared)
		lnk_put_para(p->to, p->view, "", 2, nothing_str(p->c));
	lnk_put_para(p->to, p->view, "", 2, total_str(&a, p->c));
	lnk_arena_free(&a);
	return rc;
}

/* ---- -q ------------------------------------------------------------------------------------- */

static const char *where_str(struct lnk_arena *a, const struct lnk_pair *p)
{
	const struct lnk_fn *here = p->fn[LNK_HERE], *there = p->fn[LNK_THERE];

	if (!here || !there)
		return addr_str(a, here ? here : there);
	return lnk_strf(a, "%s=%s", addr_str(a, here), addr_str(a, there));
}

static void put_quiet(const struct page *p)
{
	const struct lnk_comparison *c = p->c;
	struct lnk_arena a = {0};
	enum lnk_which side;
	size_t i;

	for (i = 0; i < c->n_pairs; i++)
		if (is_difference(c, &c->pairs[i]))
			fprintf(p->to, "compare %s  %s\n", where_str(&a, &c->pairs[i]),
				lnk_pair_str(&a, c, &c->pairs[i]));
	for (side = LNK_HERE; side < LNK_BOTH; side++)
		for (i = 0; i < c->n_findings[side]; i++)
			fprintf(p->to, "compare %s %s\n", finding_str(&a, c->findings[side][i]),
				came_str(c, side));
	if (!c->n_compared)
		fprintf(p->to, "compare -  %s\n", nothing_str(c));
	lnk_arena_free(&a);
}

int lnk_text_compare(FILE *to, const struct lnk_view *v, const struct lnk_comparison *c)
{
	struct page p = {.to = to, .view = v, .c = c};
	int rc = 0;

	if (v->quiet) {
		put_quiet(&p);
		return 0;
	}
	lnk_marks_make(&p.marks[LNK_HERE], c->model[LNK_HERE]);
	lnk_marks_make(&p.marks[LNK_THERE], c->model[LNK_THERE]);
	rc = put_page(&p);
	lnk_marks_free(&p.marks[LNK_HERE]);
	lnk_marks_free(&p.marks[LNK_THERE]);
	return rc;
}
