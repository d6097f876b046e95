/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report.c - table of output formats; selection, exit status, and the words all formats share */
#include <errno.h>
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lnkinspect.h"

const struct lnk_format *const lnk_formats[] = {
	&lnk_format_table, &lnk_format_tree,	   &lnk_format_json,   &lnk_format_junit,
	&lnk_format_sarif, &lnk_format_prometheus, &lnk_format_ndjson, &lnk_format_html,
	&lnk_format_dump,  &lnk_format_expect,
};
const size_t lnk_n_formats = ARRAY_SIZE(lnk_formats);

const struct lnk_format *lnk_format_find(const char *name)
{
	size_t i;

	for (i = 0; i < lnk_n_formats; i++)
		if (!strcmp(lnk_formats[i]->name, name))
			return lnk_formats[i];
	return NULL;
}

/* ---- Selection: lspci(8), -s and -d -------------------------------------------------------- */

/* One field of a filter; mask 0: any value. */
struct field {
	uint32_t value, mask;
};

struct filter {
	struct field domain, bus, dev, func;
	struct field vendor, device, class24;
};

/* A field's text, not terminated. */
struct part {
	const char *s;
	size_t n;
};

/* Splits at @sep into at most @max parts; 0 if there are more. */
static size_t split(struct part all, char sep, struct part *parts, size_t max)
{
	size_t n = 0, i, from = 0;

	for (i = 0; i <= all.n; i++) {
		if (i < all.n && all.s[i] != sep)
			continue;
		if (n == max)
			return 0;
		parts[n++] = (struct part){all.s + from, i - from};
		from = i + 1;
	}
	return n;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c ? strchr(digits, c) : NULL;
	return p ? (int)(p - digits) : -1;
}

static bool is_any(struct part p)
{
	return !p.n || (p.n == 1 && p.s[0] == '*');
}

/* Hex digits up to @max; empty or "*" is any value. */
static bool parse_number(struct part p, uint32_t max, struct field *f)
{
	uint64_t x = 0;
	size_t i;

	if (is_any(p))
		return true;
	for (i = 0; i < p.n; i++) {
		int d = digit(p.s[i]);

		if (d < 0)
			return false;
		x = x * 16 + (unsigned)d;
		if (x > max)
			return false;
	}
	*f = (struct field){(uint32_t)x, UINT32_MAX};
	return true;
}

/*
 * A class is up to four digits, or six with the programming interface; an "x" is any digit. It
 * fills the field from bit 8 on, so that the interface can follow.
 */
static bool parse_class(struct part p, struct field *f)
{
	uint32_t value = 0, mask = 0;
	size_t i;

	if (is_any(p))
		return true;
	if (p.n > 4 && p.n != 6)
		return false;
	for (i = 0; i < p.n; i++) {
		int d = p.s[i] == 'x' || p.s[i] == 'X' ? -1 : digit(p.s[i]);

		if (d < 0 && p.s[i] != 'x' && p.s[i] != 'X')
			return false;
		value = value * 16 + (d < 0 ? 0 : (unsigned)d);
		mask = mask * 16 + (d < 0 ? 0 : 0xf);
	}
	if (p.n < 6) {
		/* Leading digits that were not given are zeros. */
		value *= 0x100;
		mask = mask * 0x100 |
		       (p.n < 4 ? 0xffff00u & ~((UINT32_C(0x100) << 4 * p.n) - 1) : 0);
	}
	*f = (struct field){value, mask};
	return true;
}

static int parse_slot(const char *text, struct filter *f, struct lnk_err *err)
{
	struct part parts[3], ends[2] = {{"", 0}, {"", 0}};
	size_t n = split((struct part){text, strlen(text)}, ':', parts, 3);

	if (!n || !split(parts[n - 1], '.', ends, 2))
		return lnk_fail(err, -EINVAL, "-s: '%s' has too many fields", text);
	if (n > 2 && !parse_number(parts[0], UINT32_MAX, &f->domain))
		return lnk_fail(err, -EINVAL, "-s: '%.*s' is no domain number", (int)parts[0].n,
				parts[0].s);
	if (n > 1 && !parse_number(parts[n - 2], 0xff, &f->bus))
		return lnk_fail(err, -EINVAL, "-s: '%.*s' is no bus number (00 to ff)",
				(int)parts[n - 2].n, parts[n - 2].s);
	if (!parse_number(ends[0], 0x1f, &f->dev))
		return lnk_fail(err, -EINVAL, "-s: '%.*s' is no device number (00 to 1f)",
				(int)ends[0].n, ends[0].s);
	if (!parse_number(ends[1], 7, &f->func))
		return lnk_fail(err, -EINVAL, "-s: '%.*s' is no function number (0 to 7)",
				(int)ends[1].n, ends[1].s);
	return 0;
}

static int parse_id(const char *text, struct filter *f, struct lnk_err *err)
{
	struct part parts[4];
	size_t n = split((struct part){text, strlen(text)}, ':', parts, 4);
	struct field prog_if = {0};

	if (n < 2)
		return lnk_fail(err, -EINVAL, "-d: '%s' is not [vendor]:[device][:class[:prog-if]]",
				text);
	if (!parse_number(parts[0], 0xffff, &f->vendor))
		return lnk_fail(err, -EINVAL, "-d: '%.*s' is no vendor (0000 to ffff)",
				(int)parts[0].n, parts[0].s);
	if (!parse_number(parts[1], 0xffff, &f->device))
		return lnk_fail(err, -EINVAL, "-d: '%.*s' is no device (0000 to ffff)",
				(int)parts[1].n, parts[1].s);
	if (n > 2 && !parse_class(parts[2], &f->class24))
		return lnk_fail(err, -EINVAL, "-d: '%.*s' is no class (4 or 6 digits)",
				(int)parts[2].n, parts[2].s);
	if (n > 3 && !parse_number(parts[3], 0xff, &prog_if))
		return lnk_fail(err, -EINVAL, "-d: '%.*s' is no programming interface (00 to ff)",
				(int)parts[3].n, parts[3].s);
	if (prog_if.mask) {
		f->class24.value = (f->class24.value & 0xffff00) | prog_if.value;
		f->class24.mask |= 0xff;
	}
	return 0;
}

static bool matches(struct field f, uint32_t x)
{
	return !((f.value ^ x) & f.mask);
}

static bool is_wanted(const struct filter *w, const struct lnk_fn *f)
{
	if (!matches(w->domain, f->addr.domain) || !matches(w->bus, f->addr.bus) ||
	    !matches(w->dev, lnk_dev(f->addr)) || !matches(w->func, lnk_func(f->addr)))
		return false;
	/* What was not read matches no number. */
	if ((w->vendor.mask || w->device.mask) && !lnk_knows(f, LNK_R_ID))
		return false;
	if (w->class24.mask && !lnk_knows(f, LNK_R_CLASS))
		return false;
	return matches(w->vendor, f->vendor) && matches(w->device, f->device) &&
	       matches(w->class24, f->class24);
}

/*
 * The bridges above, and for each of them function 0 of its component: it speaks for the wire. A
 * port that was chosen shows the other end of its wire too, or there would be nothing to judge.
 */
static void show_path(struct lnk_fn *f)
{
	if (f->below)
		f->below->below->shown = true;
	for (; f && !f->shown; f = f->parent) {
		f->shown = true;
		if (f->link)
			f->link->below->shown = true;
	}
}

int lnk_select_apply(struct lnk_model *m, const struct lnk_select *s, struct lnk_err *err)
{
	struct filter w = {0};
	int rc = 0;
	size_t i;

	if (s && s->slot)
		rc = parse_slot(s->slot, &w, err);
	if (!rc && s && s->id)
		rc = parse_id(s->id, &w, err);
	if (rc)
		return rc;
	for (i = 0; i < m->n_fns; i++)
		m->fns[i].selected = is_wanted(&w, &m->fns[i]);
	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].selected)
			show_path(&m->fns[i]);
	return 0;
}

/* ---- Exit status --------------------------------------------------------------------------- */

/* Family 9xx is about the input: it costs a verdict, it is none. */
static bool about_input(const struct lnk_rule *r)
{
	return r->id[3] == '9';
}

bool lnk_finding_counts(const struct lnk_finding *f, const struct lnk_view *v)
{
	return f->severity >= v->fail_on && f->held != LNK_HELD_EXPECTED && !about_input(f->rule);
}

int lnk_status(const struct lnk_model *m, const struct lnk_view *v)
{
	size_t i;

	for (i = 0; i < m->n_findings; i++)
		if (lnk_finding_counts(&m->findings[i], v))
			return 1;
	return m->n_lost ? 3 : 0;
}

int lnk_status_worse(int a, int b)
{
	static const int rank[] = {[0] = 0, [3] = 1, [1] = 2, [2] = 3};

	return rank[a] >= rank[b] ? a : b;
}

/* ---- Text ---------------------------------------------------------------------------------- */

const char *lnk_text(struct lnk_arena *a, const struct lnk_view *v, const char *s)
{
	size_t n = 0, o = 0, i;
	char *out;

	for (i = 0; s[i]; i++)
		n += (unsigned char)s[i] >= 0x80;
	if (v->utf8 || !n)
		return s;
	out = lnk_alloc(a, i + 3 * n + 1);
	for (i = 0; s[i]; i++)
		if ((unsigned char)s[i] >= 0x80)
			o += (size_t)sprintf(out + o, "\\x%02x", (unsigned char)s[i]);
		else
			out[o++] = s[i];
	return out;
}

/*
 * Text in a model is clean; what is left that no XML 1.0 document may hold (2.2, Char) is U+FFFE
 * and U+FFFF, which HTML does not like either.
 */
static const char *escape_of(const char *s, size_t *len, const char *newline)
{
	*len = 1;
	switch (*s) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
		return newline;
	}
	if (strncmp(s, "\xef\xbf\xbe", 3) && strncmp(s, "\xef\xbf\xbf", 3))
		return NULL;
	*len = 3;
	return s[2] == '\xbe' ? "\\xef\\xbf\\xbe" : "\\xef\\xbf\\xbf";
}

void lnk_put_markup(FILE *to, const char *s, const char *newline)
{
	size_t len;

	for (; *s; s += len) {
		const char *instead = escape_of(s, &len, newline);

		if (instead)
			fputs(instead, to);
		else
			fputc(*s, to);
	}
}

/* Bytes and columns of the character at s; text in a model is valid UTF-8. */
static size_t one_char(const char *s, unsigned *columns)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = u[0] < 0xc0 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4, i;
	wchar_t c = (wchar_t)(len > 1 ? u[0] & (0x7f >> len) : u[0]);
	int w;

	if (u[0] >= ' ' && u[0] < 0x7f) {
		*columns = 1;
		return 1;
	}
	/* Of escape sequences there are only ours, for colour. */
	if (u[0] == 033) {
		*columns = 0;
		return strcspn(s, "m") + 1;
	}
	for (i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			break;
		c = c << 6 | (u[i] & 0x3f);
	}
	w = wcwidth(c);
	*columns = w < 0 ? 1 : (unsigned)w;
	return i;
}

unsigned lnk_columns(const char *s)
{
	unsigned n = 0, w;

	while (*s) {
		s += one_char(s, &w);
		n += w;
	}
	return n;
}

unsigned lnk_cell_columns(const char *s)
{
	unsigned widest = 0, n = 0, w;

	while (*s) {
		size_t len = one_char(s, &w);

		n = *s == '\n' ? 0 : n + w;
		s += len;
		if (n > widest)
			widest = n;
	}
	return widest;
}

const char *lnk_fit(struct lnk_arena *a, const char *s, unsigned max)
{
	unsigned n = 0, w;
	const char *p = s, *cut = s;

	while (*p) {
		size_t len = one_char(p, &w);

		n += w;
		if (n > max)
			break;
		p += len;
		if (n + 2 <= max)
			cut = p;
	}
	if (!*p)
		return s;
	return lnk_strf(a, "%.*s%s", (int)(cut - s), s, max >= 2 ? ".." : "");
}

const char *lnk_color(const struct lnk_view *v, enum lnk_severity s)
{
	static const char *const sgr[] = {
		[LNK_INFO] = "\033[2m",
		[LNK_NOTICE] = "\033[36m",
		[LNK_WARNING] = "\033[33m",
		[LNK_ERROR] = "\033[1;31m",
	};

	return v->color ? sgr[s] : "";
}

const char *lnk_color_end(const struct lnk_view *v)
{
	return v->color ? "\033[0m" : "";
}

/* The end of as many words as fit into @room columns, at least one. */
static const char *fold(const char *s, const char *end, unsigned room)
{
	const char *p = s, *good = NULL;
	unsigned n = 0, w;

	while (p < end) {
		if (*p == ' ' && p > s && p[-1] != ' ')
			good = p;
		p += one_char(p, &w);
		n += w;
		if (n > room && good)
			return good;
	}
	return end;
}

#define MIN_ROOM 24u /* narrower text is worse than text that runs over */

void lnk_put_para(FILE *to, const struct lnk_view *v, const char *first, unsigned hang,
		  const char *text)
{
	unsigned used = lnk_columns(first), room;
	const char *end;

	fputs(first, to);
	for (;; text = end + 1) {
		end = text + strcspn(text, "\n");
		/* What is indented is a command: copied, not read. */
		room = !v->width || *text == ' ' ? UINT32_MAX : v->width;
		do {
			unsigned left = room > used ? room - used : 0;
			const char *cut = fold(text, end, left < MIN_ROOM ? MIN_ROOM : left);

			fprintf(to, "%.*s\n", (int)(cut - text), text);
			for (text = cut; text < end && *text == ' ';)
				text++;
			if (text < end)
				fprintf(to, "%*s", (int)hang, "");
			used = hang;
		} while (text < end);
		if (!*end)
			return;
		fprintf(to, "%*s", (int)hang, "");
	}
}

/* ---- Words that all formats share ---------------------------------------------------------- */

const char *lnk_link_str(struct lnk_arena *a, unsigned speed, unsigned width)
{
	if (!lnk_speed_legal(speed) || !width)
		return "unknown";
	return lnk_strf(a, "%s x%u", lnk_speed_name(speed), width);
}

const char *lnk_rate_str(struct lnk_arena *a, unsigned speed, unsigned width)
{
	/* Mb/s to hundredths of a GB/s, rounded. */
	uint32_t x = (lnk_rate_mbps(speed, width) + 40) / 80;

	return x ? lnk_strf(a, "%u.%02u GB/s", x / 100, x % 100) : "";
}

/* What was read is shown even where it is nonsense: that is what a finding is about. */
static const char *own_link(struct lnk_arena *a, const struct lnk_fn *f, enum lnk_reg part,
			    enum lnk_reg whole)
{
	uint32_t speed, width, reg = f->reg[part];

	if (!lnk_knows(f, part)) {
		if (f->link_ones)
			return "all ones";
		if (!lnk_knows(f, whole))
			return "not read";
		reg = f->reg[whole];
	}
	/* PCIe 7.5.3.6, 7.5.3.8: both registers have them at the same place. */
	speed = FIELD_GET(PCI_EXP_LNKSTA_SPEED, reg);
	width = FIELD_GET(PCI_EXP_LNKSTA_WIDTH, reg);
	if (!speed && !width)
		return "void";
	if (!lnk_speed_legal(speed))
		return lnk_strf(a, "speed %u x%u", speed, width);
	return lnk_strf(a, "%s x%u", lnk_speed_name(speed), width);
}

const char *lnk_can_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	return own_link(a, f, LNK_R_MAXLINK, LNK_R_LNKCAP);
}

const char *lnk_runs_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	return own_link(a, f, LNK_R_CURLINK, LNK_R_LNKSTA);
}

/* "Advanced Micro Devices, Inc. [AMD/ATI]" to "AMD/ATI", "NVIDIA Corporation" to "NVIDIA". */
static const char *short_vendor(struct lnk_arena *a, const char *s)
{
	static const char *const tails[] = {
		", Inc",  " Inc.", " Inc ",   ", Ltd",	      " Ltd",
		" Co., ", " Co. ", " Co Ltd", " Corporation", " Corp.",
		", LLC",  " LLC",  " GmbH",   " Limited",     " Company",
	};
	const char *open = strrchr(s, '['), *cut = NULL, *p;
	size_t n = strlen(s), i;

	if (open && s[n - 1] == ']' && n - 2 > (size_t)(open - s))
		return lnk_strndup(a, open + 1, n - 2 - (size_t)(open - s));
	for (i = 0; i < ARRAY_SIZE(tails); i++) {
		p = strstr(s, tails[i]);
		if (p && p > s && (!cut || p < cut))
			cut = p;
	}
	return cut ? lnk_strndup(a, s, (size_t)(cut - s)) : s;
}

/* As source.c names a model: "PATH (PART)". */
size_t lnk_source_length(const struct lnk_model *m)
{
	size_t n = m->source ? strlen(m->source) : 0;

	return m->part && n > strlen(m->part) + 3 ? n - strlen(m->part) - 3 : n;
}

const char *lnk_fn_name(struct lnk_arena *a, const struct lnk_view *v, const struct lnk_fn *f)
{
	const char *vendor, *device, *ids, *sep = " ";

	if (!lnk_knows(f, LNK_R_ID))
		return v->names != LNK_NUMBERS && f->device_name ? f->device_name :
								   "unknown device";
	ids = lnk_strf(a, "%04x:%04x", f->vendor, f->device);
	if (v->names == LNK_NUMBERS || !f->vendor_name)
		return ids;
	vendor = short_vendor(a, f->vendor_name);
	device = f->device_name;
	if (!device) {
		device = "device";
		if (v->names == LNK_NAMES)
			device = lnk_strf(a, "device %04x", f->device);
	} else if (!strncmp(device, vendor, strlen(vendor))) {
		vendor = sep = "";
	}
	if (v->names == LNK_NAMES_NUMBERS)
		return lnk_strf(a, "%s%s%s [%s]", vendor, sep, device, ids);
	return lnk_strf(a, "%s%s%s", vendor, sep, device);
}

#define VIRTUAL " (virtual)"

const char *lnk_name_cell(struct lnk_arena *a, const struct lnk_view *v, const struct lnk_fn *f,
			  unsigned max)
{
	const char *name = lnk_text(a, v, lnk_fn_name(a, v, f));
	unsigned tail = strlen(VIRTUAL);

	if (!(f->quirks & LNK_Q_VIRTUAL))
		return lnk_fit(a, name, max);
	return lnk_strf(a, "%s" VIRTUAL, lnk_fit(a, name, max > tail ? max - tail : 0));
}

/* "3 ports", "1 port" */
const char *lnk_count_str(struct lnk_arena *a, size_t n, const char *what)
{
	return lnk_strf(a, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* @list, @word; @word alone where the list is empty yet. */
static const char *join(struct lnk_arena *a, const char *list, const char *sep, const char *word)
{
	return *list ? lnk_strf(a, "%s%s%s", list, sep, word) : word;
}

static const char *machine_str(struct lnk_arena *a, const struct lnk_env *e)
{
	const char *what = "guest or bare metal: not known", *in = "";

	if (e->guest == LNK_GUEST_YES)
		what = e->hypervisor ? lnk_strf(a, "%s guest", e->hypervisor) :
				       "guest of a hypervisor that is not known";
	else if (e->guest == LNK_GUEST_NO)
		what = "bare metal";
	if (e->machine)
		in = e->machine;
	if (e->accel)
		in = join(a, in, ", ", e->accel);
	if (*in)
		what = lnk_strf(a, "%s (%s)", what, in);
	return e->kernel ? lnk_strf(a, "%s, %s", what, e->kernel) : what;
}

/* How much could not be read, of what is shown. */
static const char *reach_str(struct lnk_arena *a, const struct lnk_model *m, size_t shown)
{
	static const char *const words[LNK_REACHES] = {
		[LNK_READ_HEADER] = "by the first 64 bytes only",
		[LNK_READ_PART] = "read in part",
		[LNK_READ_TEXT] = "from decoded text",
		[LNK_READ_ASLEEP] = "asleep and not woken",
		[LNK_READ_FFS] = "answering with all ones",
		[LNK_READ_GONE] = "removed meanwhile",
	};
	size_t n[ARRAY_SIZE(words)] = {0}, i;
	const char *list = "";

	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown)
			n[m->fns[i].reach]++;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (n[i] && words[i])
			list = join(a, list, ", ",
				    n[i] == shown ? lnk_strf(a, "all %s", words[i]) :
						    lnk_strf(a, "%zu %s", n[i], words[i]));
	return *list ? list : "all read";
}

void lnk_count_shown(const struct lnk_model *m, size_t *fns, size_t *links)
{
	size_t i;

	*fns = *links = 0;
	for (i = 0; i < m->n_fns; i++)
		*fns += m->fns[i].shown;
	for (i = 0; i < m->n_links; i++)
		*links += m->links[i].below->shown;
}

const char *lnk_env_line(struct lnk_arena *a, const struct lnk_model *m)
{
	size_t fns, ports = 0, links, lone = 0, i;
	const char *head = "", *tail = "";

	lnk_count_shown(m, &fns, &links);
	for (i = 0; i < m->n_fns; i++)
		ports += m->fns[i].shown && lnk_faces_down(&m->fns[i]);
	for (i = 0; i < m->n_links; i++)
		lone += m->links[i].below->shown && !m->links[i].above;
	if (!m->env.live && m->source)
		head = m->line ? lnk_strf(a, "%s, line %u: ", m->source, m->line) :
				 lnk_strf(a, "%s: ", m->source);
	if (lone)
		tail = lnk_strf(a, " (%zu with no port in sight)", lone);
	return lnk_strf(a, "%s%s: %s, %s, %s%s, %s", head, machine_str(a, &m->env),
			lnk_count_str(a, fns, "function"), lnk_count_str(a, ports, "port"),
			lnk_count_str(a, links, "link"), tail, reach_str(a, m, fns));
}

static const char *ecap_words(struct lnk_arena *a, uint32_t ecaps)
{
	static const struct {
		enum lnk_ecap bit;
		const char *name;
	} names[] = {
		{LNK_E_AER, "AER"},    {LNK_E_ACS, "ACS"},	{LNK_E_SECPCI, "secondary PCIe"},
		{LNK_E_DSN, "serial"}, {LNK_E_SRIOV, "SR-IOV"},
	};
	const char *list = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (ecaps & names[i].bit)
			list = join(a, list, " ", names[i].name);
	return *list ? list : "none of AER, ACS, serial, SR-IOV";
}

const char *lnk_evidence_str(struct lnk_arena *a, const struct lnk_evidence *e)
{
	const struct lnk_fn *f = e->fn;
	enum lnk_reg r = e->reg;
	const char *name = lnk_reg_name(r), *from = "";
	char at[LNK_ADDR_LEN];

	lnk_addr_str(f->addr, at);
	if (!lnk_knows(f, r))
		return lnk_strf(a, "%s %s %s", name, at,
				f->absent & REG(r) ? "not there" : "not known");
	if (f->from_text & REG(r))
		from = " (decoded text)";
	if (f->from_attr & REG(r))
		from = " (sysfs)";
	if (r == LNK_R_MAXLINK)
		return lnk_strf(a, "%s %s %s%s",
				f->from_attr & REG(r) ? "max_link_speed/width" : "LnkCap", at,
				lnk_can_str(a, f), from);
	if (r == LNK_R_CURLINK)
		return lnk_strf(a, "%s %s %s%s",
				f->from_attr & REG(r) ? "current_link_speed/width" : "LnkSta", at,
				lnk_runs_str(a, f), from);
	if (r == LNK_R_ECAPS)
		return lnk_strf(a, "%s %s %s%s", name, at, ecap_words(a, f->reg[r]), from);
	/* Words hold some fields of a register: no raw value is made up from them. */
	if (*from)
		return lnk_strf(a, "%s %s%s", name, at, from);
	return lnk_strf(a, "%s %s %0*x", name, at, (int)lnk_reg_digits(r), f->reg[r]);
}

/* ---- What was checked, what could not be ---------------------------------------------------- */

static bool is_shown(const struct lnk_link *l)
{
	return l->below->shown;
}

/* "2 errors, 1 notice" */
static const char *tally_str(struct lnk_arena *a, const struct lnk_model *m)
{
	size_t n[LNK_ERROR + 1] = {0}, i;
	const char *list = "";

	for (i = 0; i < m->n_findings; i++)
		n[m->findings[i].severity]++;
	for (i = LNK_ERROR + 1; i--;)
		if (n[i])
			list = join(a, list, ", ",
				    i == LNK_INFO ?
					    lnk_strf(a, "%zu info", n[i]) :
					    lnk_count_str(a, n[i],
							  lnk_severity_name((enum lnk_severity)i)));
	if (*list)
		return lnk_strf(a, "Found: %s.", list);
	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown)
			return "Nothing found in what could be checked.";
	return "Nothing was checked: no function was chosen.";
}

enum why { COMPARED, EMULATED, VF, NO_PORT, DOWN, TUNNEL, NO_STATUS, CANNOT_TELL, WHYS };

/* Why the two ends of a link were not compared. */
static enum why why_not(const struct lnk_link *l)
{
	if (l->below->quirks & LNK_Q_VF)
		return VF;
	if (l->below->quirks & LNK_Q_EMULATED)
		return EMULATED;
	if (l->lost || l->verdict == LNK_SKIPPED)
		return CANNOT_TELL;
	if (!l->above)
		return NO_PORT;
	if (l->state == LNK_DOWN)
		return DOWN;
	if (l->above->quirks & LNK_Q_TUNNEL)
		return TUNNEL;
	return l->verdict == LNK_NA ? NO_STATUS : COMPARED;
}

static void count_links(const struct lnk_model *m, size_t n[WHYS])
{
	size_t i;

	memset(n, 0, WHYS * sizeof(*n));
	for (i = 0; i < m->n_links; i++)
		if (is_shown(&m->links[i]))
			n[why_not(&m->links[i])]++;
}

static const char *not_compared_str(struct lnk_arena *a, const struct lnk_model *m)
{
	static const char *const words[] = {
		[EMULATED] = "emulated device",
		[VF] = "virtual function",
		[NO_PORT] = "no port in sight",
		[DOWN] = "link down",
		[TUNNEL] = "tunnel",
		[NO_STATUS] = "status without speed or width",
	};
	const char *list = "";
	size_t n[WHYS], i;

	count_links(m, n);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i] && n[i])
			list = join(a, list, ", ", lnk_strf(a, "%zu (%s)", n[i], words[i]));
	return *list ? lnk_strf(a, "Links not compared: %s.", list) : "";
}

static const char *checked_str(struct lnk_arena *a, const struct lnk_model *m)
{
	static const char *const families[] = {
		['0' - '0'] = "the two ends of a link",
		['1' - '0'] = "one end",
		['2' - '0'] = "placement",
		['3' - '0'] = "settings",
		['4' - '0'] = "logged errors",
		['9' - '0'] = "the input",
	};
	size_t judged[ARRAY_SIZE(families)] = {0}, links[WHYS], fns = 0, rules = 0, i;
	const char *list = "";

	count_links(m, links);
	for (i = 0; i < m->n_fns; i++)
		fns += m->fns[i].shown;
	for (i = 0; i < m->n_counts; i++) {
		const size_t *n = m->counts[i].n;
		unsigned family = (unsigned)(lnk_rules[i]->id[3] - '0');

		if (!n[LNK_PASS] && !n[LNK_FOUND])
			continue;
		rules++;
		if (family < ARRAY_SIZE(families))
			judged[family]++;
	}
	for (i = 0; i < ARRAY_SIZE(families); i++)
		if (judged[i] && families[i])
			list = join(a, list, ", ",
				    lnk_strf(a, "%zu on %s", judged[i], families[i]));
	return lnk_strf(a,
			"Checked: %s at both ends, %s. %zu of %zu rules had something to "
			"judge%s%s.",
			links[COMPARED] ? lnk_count_str(a, links[COMPARED], "link") : "no link",
			lnk_count_str(a, fns, "function"), rules, lnk_n_rules, rules ? ": " : "",
			list);
}

const char *lnk_missing_str(struct lnk_arena *a, uint32_t missing)
{
	const char *list = "";
	unsigned r;

	/* MAXLINK is called LNKCAP too. */
	if (missing & REG(LNK_R_LNKCAP))
		missing &= ~REG(LNK_R_MAXLINK);
	if (missing & REG(LNK_R_LNKSTA))
		missing &= ~REG(LNK_R_CURLINK);
	for (r = 0; r < LNK_REGS; r++)
		if (missing & REG(r))
			list = join(a, list, ", ", lnk_reg_name((enum lnk_reg)r));
	return missing & REG(LNK_REGS) ? join(a, list, ", ", "what is at the other end") : list;
}

static const char *skipped_str(struct lnk_arena *a, const struct lnk_model *m)
{
	const char *rules = "";
	uint32_t missing = 0;
	size_t n = 0, i;

	for (i = 0; i < m->n_counts; i++) {
		const struct lnk_count *c = &m->counts[i];

		if (c->n[LNK_SKIPPED] == c->n_left_out)
			continue;
		n += c->n[LNK_SKIPPED] - c->n_left_out;
		missing |= c->missing;
		rules = join(a, rules, " ", lnk_rules[i]->id);
	}
	if (!n)
		return "";
	return lnk_strf(a,
			"Cannot tell: %s by %s need%s what was not read or is void: %s (-q -v "
			"lists them).",
			lnk_count_str(a, n, "check"), rules, n == 1 ? "s" : "",
			lnk_missing_str(a, missing));
}

static const char *left_out_str(struct lnk_arena *a, const struct lnk_model *m)
{
	const char *rules = "";
	size_t i;

	for (i = 0; i < m->n_counts; i++)
		if (m->counts[i].n_left_out)
			rules = join(a, rules, " ", lnk_rules[i]->id);
	return *rules ? lnk_strf(a, "Left out: what %s would judge is read with --deep only.",
				 rules) :
			"";
}

static const char *lost_str(struct lnk_arena *a, const struct lnk_model *m)
{
	const char *list = "";
	char at[LNK_ADDR_LEN];
	size_t n = 0, i;

	if (!m->n_lost)
		return "";
	for (i = 0; i < m->n_links; i++) {
		if (!is_shown(&m->links[i]) || !m->links[i].lost)
			continue;
		if (++n <= 4)
			list = join(a, list, ", ",
				    lnk_strf(a, "%s", lnk_addr_str(m->links[i].below->addr, at)));
	}
	if (n > 4)
		list = lnk_strf(a, "%s, ...", list);
	if (*list)
		list = lnk_strf(a, " (%s)", list);
	return lnk_strf(a, "Not compared, because an end was not read or is not there: %s%s.",
			lnk_count_str(a, m->n_lost, "link"), list);
}

const char *lnk_summary(struct lnk_arena *a, const struct lnk_model *m)
{
	const char *lines[] = {
		tally_str(a, m), checked_str(a, m), not_compared_str(a, m),
		lost_str(a, m),	 skipped_str(a, m), left_out_str(a, m),
	};
	const char *all = "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		if (*lines[i])
			all = join(a, all, "\n", lines[i]);
	return all;
}

/* ---- A link in a word ----------------------------------------------------------------------- */

enum lnk_standing lnk_standing_of(const struct lnk_link *l)
{
	if (l->below->quirks & LNK_Q_VF)
		return LNK_STANDS_VF;
	if (l->below->quirks & LNK_Q_EMULATED)
		return LNK_STANDS_EMULATED;
	if (l->lost || l->verdict == LNK_SKIPPED)
		return LNK_STANDS_CANNOT_TELL;
	if (!l->above)
		return LNK_STANDS_NO_PORT;
	if (l->state == LNK_DOWN)
		return LNK_STANDS_DOWN;
	if (l->verdict == LNK_FOUND)
		return LNK_STANDS_FOUND;
	return l->verdict == LNK_NA ? LNK_STANDS_NOT_JUDGED : LNK_STANDS_OK;
}

const char *lnk_standing_str(enum lnk_standing s)
{
	static const char *const words[] = {
		[LNK_STANDS_VF] = "VF: not judged",	  [LNK_STANDS_EMULATED] = "emulated",
		[LNK_STANDS_CANNOT_TELL] = "cannot tell", [LNK_STANDS_NO_PORT] = "no port in sight",
		[LNK_STANDS_DOWN] = "link down",	  [LNK_STANDS_FOUND] = "",
		[LNK_STANDS_NOT_JUDGED] = "not judged",	  [LNK_STANDS_OK] = "ok",
	};

	return words[s];
}

/* ---- Findings ------------------------------------------------------------------------------- */

void lnk_marks_make(struct lnk_marks *k, const struct lnk_model *m)
{
	size_t i;

	/* Counted one place further on, summed up, then filled: the order of findings is kept. */
	k->from = lnk_xmalloc((m->n_fns + 2) * sizeof(*k->from));
	k->list = lnk_xmalloc(m->n_findings * sizeof(*k->list));
	memset(k->from, 0, (m->n_fns + 2) * sizeof(*k->from));
	for (i = 0; i < m->n_findings; i++)
		if (m->findings[i].fn)
			k->from[m->findings[i].fn - m->fns + 2]++;
	for (i = 2; i < m->n_fns + 2; i++)
		k->from[i] += k->from[i - 1];
	for (i = 0; i < m->n_findings; i++)
		if (m->findings[i].fn)
			k->list[k->from[m->findings[i].fn - m->fns + 1]++] = &m->findings[i];
}

void lnk_marks_free(struct lnk_marks *k)
{
	free(k->list);
	free(k->from);
}

/* What a function or a component is marked with: each rule once, at its worst. */
struct marked {
	const struct lnk_finding *list[64]; /* more than there are rules */
	size_t n;
};

static void mark(struct marked *d, const struct lnk_finding *f)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->list[i]->rule == f->rule)
			return;
	if (d->n < ARRAY_SIZE(d->list))
		d->list[d->n++] = f;
}

const char *lnk_marks_str(struct lnk_arena *a, const struct lnk_marks *k, const struct lnk_view *v,
			  size_t first, size_t end, const char **color)
{
	struct marked d = {.n = 0};
	const char *list = "";
	size_t i;

	for (i = k->from[first]; i < k->from[end]; i++)
		mark(&d, k->list[i]);
	for (i = 0; i < d.n; i++)
		list = join(a, list, "\n",
			    lnk_strf(a, "%s %s", d.list[i]->rule->id,
				     lnk_severity_name(d.list[i]->severity)));
	if (d.n)
		*color = lnk_color(v, d.list[0]->severity);
	return list;
}

#define WHERE_LEN (2 * LNK_ADDR_LEN + 4)

/* The two ends with @arrow between them, one address, or NULL for the capture as a whole. */
static const char *where_str(const struct lnk_finding *f, const char *arrow, char buf[WHERE_LEN])
{
	if (f->above && f->below) {
		lnk_addr_str(f->above->addr, buf);
		lnk_addr_str(f->below->addr, stpcpy(buf + strlen(buf), arrow));
		return buf;
	}
	return f->fn ? lnk_addr_str(f->fn->addr, buf) : NULL;
}

const char *lnk_finding_name(struct lnk_arena *a, const struct lnk_finding *f)
{
	char buf[WHERE_LEN];
	const char *where = where_str(f, ">", buf);

	return lnk_strf(a, "%s@%s", f->rule->id, where ? where : "-");
}

const char *lnk_finding_line(struct lnk_arena *a, const struct lnk_finding *f)
{
	char buf[WHERE_LEN];
	const char *where = where_str(f, ">", buf);

	return where ? lnk_strf(a, "%s: %s", where, f->message) : f->message;
}

/* One line: what is on several is put on one. */
static void put_line(FILE *to, const char *s)
{
	size_t n = strcspn(s, "\n");

	for (; s[n]; s += n + 1, n = strcspn(s, "\n"))
		fprintf(to, "%.*s ", (int)n, s);
	fputs(s, to);
	fputc('\n', to);
}

void lnk_put_line(FILE *to, const struct lnk_view *v, const struct lnk_finding *f)
{
	struct lnk_arena a = {0};
	char buf[WHERE_LEN];
	const char *where = where_str(f, ">", buf);

	fprintf(to, "%s%s %s%s %s  ", lnk_color(v, f->severity), f->rule->id,
		lnk_severity_name(f->severity), lnk_color_end(v), where ? where : "-");
	put_line(to, lnk_text(&a, v, f->message));
	lnk_arena_free(&a);
}

static const char *skip_str(struct lnk_arena *a, const struct lnk_model *m,
			    const struct lnk_rule *rule, const struct lnk_result *r)
{
	char at[LNK_ADDR_LEN] = "-", of[LNK_ADDR_LEN];

	if (r->fn != LNK_NO_FN)
		lnk_addr_str(m->fns[r->fn].addr, at);
	return lnk_strf(a, "%s skipped %s  needs %s%s%s%s", rule->id, at,
			r->missing < LNK_REGS ? lnk_reg_name(r->missing) : "the other end",
			r->of != LNK_NO_FN ? " of " : "",
			r->of != LNK_NO_FN ? lnk_addr_str(m->fns[r->of].addr, of) : "",
			lnk_left_out(m, r) ? ", read with --deep only" : "");
}

void lnk_tell_skips(const struct lnk_model *m, void (*tell)(FILE *to, const char *line), FILE *to)
{
	size_t i, k;

	for (i = 0; i < m->n_counts; i++)
		for (k = 0; k < m->counts[i].n_results; k++) {
			const struct lnk_result *r = &m->counts[i].results[k];
			struct lnk_arena a = {0};

			if (r->verdict == LNK_SKIPPED)
				tell(to, skip_str(&a, m, lnk_rules[i], r));
			lnk_arena_free(&a);
		}
}

static void put_quiet(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_findings; i++)
		lnk_put_line(to, v, &m->findings[i]);
	if (v->verbose)
		lnk_tell_skips(m, put_line, to);
}

/* " (virtual: QEMU pcie-root-port)": what it was recognised as is part of the evidence. */
static const char *quirk_str(struct lnk_arena *a, const struct lnk_fn *f)
{
	const char *what = f->quirks & LNK_Q_VIRTUAL  ? "virtual" :
			   f->quirks & LNK_Q_EMULATED ? "emulated" :
							NULL;
	const struct lnk_fixup *x = f->fixup;

	if (!what)
		return "";
	if (!x)
		return lnk_strf(a, " (%s)", what);
	if (!x->hypervisor || !strncmp(x->name, x->hypervisor, strlen(x->hypervisor)))
		return lnk_strf(a, " (%s: %s)", what, x->name);
	return lnk_strf(a, " (%s: %s %s)", what, x->hypervisor, x->name);
}

static void say_end(struct lnk_teller *t, const struct lnk_view *v, enum lnk_say part,
		    const struct lnk_fn *f)
{
	struct lnk_arena a = {0};
	char at[LNK_ADDR_LEN];

	t->say(t,
	       &(struct lnk_said){
		       .part = part,
		       .fn = f,
		       .text = lnk_strf(&a, "%s  %s  %s%s", lnk_addr_str(f->addr, at),
					lnk_kind_name(f), lnk_fn_name(&a, v, f), quirk_str(&a, f)),
	       });
	lnk_arena_free(&a);
}

static void say_ends(struct lnk_teller *t, const struct lnk_view *v, const struct lnk_finding *f)
{
	const struct lnk_fn *other = f->fn;

	if (f->above && f->below) {
		say_end(t, v, LNK_SAY_ENDS, f->above);
		say_end(t, v, LNK_SAY_END, f->below);
		if (other != f->above && other != f->below && other)
			say_end(t, v, LNK_SAY_AT, other);
	} else if (other) {
		say_end(t, v, LNK_SAY_AT, other);
	}
}

static void say(struct lnk_teller *t, enum lnk_say part, const char *text)
{
	t->say(t, &(struct lnk_said){.part = part, .text = text});
}

static void say_as(struct lnk_teller *t, enum lnk_say part, const struct lnk_finding *as,
		   const char *text)
{
	t->say(t, &(struct lnk_said){.part = part, .text = text, .as = as});
}

static void say_evidence(struct lnk_teller *t, const struct lnk_finding *f)
{
	struct lnk_arena a = {0};
	const char *list = "";
	uint32_t seen = 0;
	size_t i;

	for (i = 0; i < f->n_evidence; i++) {
		const struct lnk_evidence *e = &f->evidence[i];
		uint32_t bit = REG(e->reg);

		/* MAXLINK and LNKCAP are one register: evidence comes sorted by function. */
		if (!i || e->fn != e[-1].fn)
			seen = 0;
		if (seen & bit)
			continue;
		seen |= bit;
		list = join(&a, list, ", ", lnk_evidence_str(&a, e));
	}
	if (*list)
		say(t, LNK_SAY_READ, list);
	lnk_arena_free(&a);
}

/* What was said last for each rule, so that the same words are not said again and again. */
struct said {
	char *remedy;
	const struct lnk_finding *first; /* that said why */
	const struct lnk_finding *last;	 /* that said the remedy */
};

/* What was said already. */
struct told {
	struct said *rules;
	const struct lnk_finding *here; /* the last that said what the driver makes of it */
	bool *quotes;
};

static struct said *said_of(struct said *all, const struct lnk_rule *r)
{
	size_t i = 0;

	while (lnk_rules[i] != r)
		i++;
	return &all[i];
}

/* A remedy is told where the first finding is that it mends; the others point there. */
static void say_remedy(struct lnk_teller *t, const struct lnk_finding *f)
{
	const struct lnk_remedy *r = f->remedy;
	struct lnk_arena a = {0};
	char at[LNK_ADDR_LEN];
	size_t i;

	if (r->first != f) {
		const char *of =
			r->first->fn == f->fn ?
				"" :
				lnk_strf(&a, " at %s", lnk_addr_str(r->first->fn->addr, at));

		say_as(t, LNK_SAY_HOW, r->first,
		       lnk_strf(&a, "as for %s%s above", r->first->rule->id, of));
		lnk_arena_free(&a);
		return;
	}
	for (i = 0; i < r->n_suggestions; i++) {
		const struct lnk_suggestion *s = &r->suggestions[i];

		t->say(t, &(struct lnk_said){
				  .part = LNK_SAY_HOW,
				  .text = lnk_strf(&a, "With %s or later. %s", s->needs, s->words),
				  .copy = s,
			  });
	}
	lnk_arena_free(&a);
}

/* ---- What others said ----------------------------------------------------------------------- */

/* What the kernel calculated then, against the same figure of the registers that were captured. */
static const char *moment_str(struct lnk_arena *a, const struct lnk_model *m,
			      const struct lnk_quote *q)
{
	const struct lnk_fn *f = lnk_model_find(m, q->addr);
	struct lnk_path p = {0};
	const char *now;

	if (f && !strcmp(q->by, "kernel") && !(f->quirks & LNK_Q_VF))
		lnk_path_of(f, &p);
	if (!p.mbps)
		return "";
	now = lnk_strf(a, "%u.%03u Gb/s ", p.mbps / 1000, p.mbps % 1000);
	if (!strncmp(q->text, now, strlen(now)))
		return "";
	return lnk_strf(a, ", at that moment; by the registers %s it is %u.%03u Gb/s",
			q->line ? "that were captured" : "now", p.mbps / 1000, p.mbps % 1000);
}

static void say_quote(struct lnk_teller *t, const struct lnk_model *m, const struct lnk_quote *q)
{
	struct lnk_arena a = {0};
	const char *file = q->file ? lnk_strf(&a, "%s, ", q->file) : "";
	const char *place = q->line ? lnk_strf(&a, " (%sline %u)", file, q->line) : "";
	char at[LNK_ADDR_LEN];

	say(t, LNK_SAY_QUOTE,
	    lnk_strf(&a, "%s says of %s: %s%s%s", strcmp(q->by, "kernel") ? q->by : "The kernel",
		     lnk_addr_str(q->addr, at), q->text, place, moment_str(&a, m, q)));
	lnk_arena_free(&a);
}

static uint64_t device_key(struct lnk_addr a)
{
	return lnk_addr_key(a) >> 3;
}

void lnk_tell_quotes(struct lnk_teller *t, const struct lnk_model *m, const struct lnk_fn *f,
		     bool *told)
{
	size_t from = 0, end = m->n_quotes;

	while (from < end) {
		size_t mid = from + (end - from) / 2;

		if (device_key(m->quotes[mid].addr) < device_key(f->addr))
			from = mid + 1;
		else
			end = mid;
	}
	for (; from < m->n_quotes; from++) {
		const struct lnk_quote *q = &m->quotes[from];

		if (device_key(q->addr) != device_key(f->addr))
			break;
		if (told && told[from])
			continue;
		say_quote(t, m, q);
		if (told)
			told[from] = true;
	}
}

/* ---- Findings ------------------------------------------------------------------------------- */

/* Devices of one kind have one driver, and several findings one device. */
static void say_here(struct lnk_teller *t, const struct lnk_finding *f, struct told *told)
{
	const struct lnk_finding *last = told->here;
	struct lnk_arena a = {0};

	if (!f->here)
		return;
	if (last && !strcmp(last->here, f->here)) {
		say_as(t, LNK_SAY_HERE, last, lnk_strf(&a, "as for %s above", last->rule->id));
	} else {
		say(t, LNK_SAY_HERE, f->here);
		told->here = f;
	}
	lnk_arena_free(&a);
}

static void say_advice(struct lnk_teller *t, const struct lnk_model *m, const struct lnk_finding *f,
		       struct told *told)
{
	struct said *s = said_of(told->rules, f->rule);
	struct lnk_arena a = {0};
	const char *remedy = lnk_remedy_words(&a, m, f);
	const char *above = lnk_strf(&a, "as for %s above", f->rule->id);
	bool same = s->remedy && !strcmp(s->remedy, remedy);

	if (same) {
		say_as(t, LNK_SAY_WHY_DO, s->last, above);
		say_here(t, f, told);
		lnk_arena_free(&a);
		return;
	}
	if (s->remedy)
		say_as(t, LNK_SAY_WHY, s->first, above);
	else
		say(t, LNK_SAY_WHY, f->rule->why);
	say_here(t, f, told);
	s->first = s->remedy ? s->first : f;
	s->last = f;
	free(s->remedy);
	s->remedy = lnk_xmalloc(strlen(remedy) + 1);
	strcpy(s->remedy, remedy);
	if (f->rule->actor != LNK_NOBODY)
		remedy = lnk_strf(&a, "(%s) %s", lnk_actor_name(f->rule->actor), remedy);
	if (*remedy)
		say(t, LNK_SAY_DO, remedy);
	lnk_arena_free(&a);
}

static void tell_finding(struct lnk_teller *t, const struct lnk_view *v, const struct lnk_model *m,
			 const struct lnk_finding *f, struct told *told)
{
	const struct lnk_fn *of[] = {f->fn, f->above, f->below};
	size_t i;

	t->begin(t, f);
	say_ends(t, v, f);
	say_evidence(t, f);
	for (i = 0; i < ARRAY_SIZE(of); i++)
		if (of[i])
			lnk_tell_quotes(t, m, of[i], told->quotes);
	say_advice(t, m, f, told);
	if (f->remedy)
		say_remedy(t, f);
	if (t->end)
		t->end(t);
}

void lnk_tell(struct lnk_teller *t, const struct lnk_view *v, const struct lnk_model *m,
	      const struct lnk_finding *list, size_t n)
{
	struct told told = {0};
	size_t i;

	told.rules = lnk_xmalloc(lnk_n_rules * sizeof(*told.rules));
	memset(told.rules, 0, lnk_n_rules * sizeof(*told.rules));
	told.quotes = lnk_xmalloc(m->n_quotes + 1);
	memset(told.quotes, 0, m->n_quotes + 1);
	for (i = 0; i < n; i++)
		tell_finding(t, v, m, &list[i], &told);
	for (i = 0; i < lnk_n_rules; i++)
		free(told.rules[i].remedy);
	free(told.rules);
	free(told.quotes);
}

/* ---- The same as text ----------------------------------------------------------------------- */

struct text_teller {
	struct lnk_teller teller;
	FILE *to;
	const struct lnk_view *view;
};

static void begin_text(struct lnk_teller *t, const struct lnk_finding *f)
{
	const struct text_teller *x = (struct text_teller *)t;
	const struct lnk_view *v = x->view;
	struct lnk_arena a = {0};
	char buf[WHERE_LEN];
	const char *where = where_str(f, " -> ", buf);
	const char *head = lnk_strf(&a, "%s%s %s%s  ", lnk_color(v, f->severity), f->rule->id,
				    lnk_severity_name(f->severity), lnk_color_end(v));

	fputc('\n', x->to);
	lnk_put_para(x->to, v, head, 2,
		     lnk_strf(&a, "%s%s%s", where ? where : "", where ? "  " : "", f->rule->title));
	lnk_put_para(x->to, v, "  ", 2, lnk_text(&a, v, f->message));
	lnk_arena_free(&a);
}

static void say_text(struct lnk_teller *t, const struct lnk_said *s)
{
	static const struct {
		const char *first;
		unsigned hang;
	} forms[] = {
		[LNK_SAY_ENDS] = {"  ends: ", 10},     [LNK_SAY_END] = {"        ", 10},
		[LNK_SAY_AT] = {"  at:   ", 10},       [LNK_SAY_READ] = {"  read: ", 8},
		[LNK_SAY_QUOTE] = {"  ", 8},	       [LNK_SAY_WHY] = {"  why:  ", 8},
		[LNK_SAY_WHY_DO] = {"  why, do: ", 8}, [LNK_SAY_HERE] = {"  here: ", 8},
		[LNK_SAY_DO] = {"  do:   ", 8},	       [LNK_SAY_HOW] = {"  how:  ", 8},
	};
	const struct text_teller *x = (struct text_teller *)t;
	struct lnk_arena a = {0};
	size_t i;

	lnk_put_para(x->to, x->view, forms[s->part].first, forms[s->part].hang,
		     lnk_text(&a, x->view, s->text));
	/* To be copied, so never folded. */
	for (i = 0; s->copy && i < s->copy->n_lines; i++)
		fprintf(x->to, "%8s%s\n", "", s->copy->lines[i]);
	lnk_arena_free(&a);
}

void lnk_put_quotes(FILE *to, const struct lnk_view *v, const struct lnk_model *m,
		    const struct lnk_fn *f)
{
	struct text_teller x = {.teller.say = say_text, .to = to, .view = v};

	lnk_tell_quotes(&x.teller, m, f, NULL);
}

void lnk_tell_findings(FILE *to, const struct lnk_view *v, const struct lnk_model *m,
		       const struct lnk_finding *list, size_t n)
{
	struct text_teller x = {{begin_text, say_text, NULL}, to, v};

	lnk_tell(&x.teller, v, m, list, n);
}

int lnk_put_findings(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	if (v->quiet)
		put_quiet(to, v, m);
	else
		lnk_tell_findings(to, v, m, m->findings, m->n_findings);
	return 0;
}

/* ---- Table and tree: what they have in common ----------------------------------------------- */

/* Several captures are set apart by an empty line. */
void lnk_text_between(FILE *to, const struct lnk_view *v)
{
	if (!v->quiet)
		fputc('\n', to);
}

int lnk_text_end(FILE *to, const struct lnk_view *v, int status)
{
	(void)to;
	(void)v;
	(void)status;
	return 0;
}

static void put_summary(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	struct lnk_arena a = {0};
	const char *s = lnk_text(&a, v, lnk_summary(&a, m)), *end;

	for (; *s; s = *end ? end + 1 : end) {
		end = s + strcspn(s, "\n");
		lnk_put_para(to, v, "", 2, lnk_strndup(&a, s, (size_t)(end - s)));
	}
	lnk_arena_free(&a);
}

int lnk_text_write(FILE *to, const struct lnk_view *v, const struct lnk_model *m,
		   int (*picture)(FILE *, const struct lnk_view *, const struct lnk_model *))
{
	struct lnk_arena a = {0};
	int rc;

	if (v->quiet)
		return lnk_put_findings(to, v, m);
	lnk_put_para(to, v, "", 2, lnk_text(&a, v, lnk_env_line(&a, m)));
	if (m->env.lacks)
		lnk_put_para(to, v, "", 2, lnk_text(&a, v, m->env.lacks));
	lnk_arena_free(&a);
	fputc('\n', to);
	rc = picture(to, v, m);
	if (!rc && m->sampling)
		rc = lnk_put_samples(to, v, m);
	if (rc)
		return rc;
	if (v->verbose)
		lnk_put_registers(to, v, m);
	rc = lnk_put_findings(to, v, m);
	fputc('\n', to);
	put_summary(to, v, m);
	return rc;
}
