/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source-config.c - binary configuration spaces in copies of sysfs and procfs, whoever packed them
 *
 * Linux Documentation/ABI/testing/sysfs-bus-pci, drivers/pci/proc.c. A file's path says of which
 * function it is, and the files of one come in any order.
 */
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "lspci.h"

/* ---- What a path says ---------------------------------------------------------------------- */

/* What live-sysfs.c asks for; of the rest nothing is read. */
static const char *const attrs[] = {
	"class",
	"current_link_speed",
	"current_link_width",
	"device",
	"driver",
	"iommu_group",
	"max_link_speed",
	"max_link_width",
	"numa_node",
	"physfn",
	"power/runtime_status",
	"power_state",
	"revision",
	"secondary_bus_number",
	"subordinate_bus_number",
	"vendor",
};

#define ATTR_MAX 256 /* bytes of one */

/* An attribute's place in the list; its size if nobody asks for it. */
static size_t attr_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs) && strcmp(name, attrs[i]) != 0; i++)
		;
	return i;
}

static bool is_attr(const char *name)
{
	return name && attr_of(name) < ARRAY_SIZE(attrs);
}

/* Names of a path, from its end to its start. */
#define MAX_NAMES 64

struct names {
	unsigned n;
	struct lnk_part name[MAX_NAMES];
};

static bool split(struct names *names, const char *path)
{
	const char *s = path;

	for (names->n = 0; *s; s += *s == '/') {
		size_t n = strcspn(s, "/");

		if (n && names->n == MAX_NAMES)
			return false;
		if (n)
			names->name[names->n++] = (struct lnk_part){.s = s, .n = n};
		s += n;
	}
	return names->n;
}

/* So many lower-case hex digits, as the kernel writes them. */
static bool take_hex(struct lnk_part *p, unsigned least, unsigned most, uint32_t *value)
{
	unsigned n = 0;

	for (*value = 0; n < most && n < p->n; n++) {
		char c = p->s[n];

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*value = *value << 4 | (uint32_t)(c - 'a' + 10);
		else
			break;
	}
	p->s += n;
	p->n -= n;
	return n >= least;
}

static bool take_char(struct lnk_part *p, char c)
{
	bool there = p->n && *p->s == c;

	p->s += there;
	p->n -= there;
	return there;
}

/* "0000:00", "10000:e1" */
static bool take_bus(struct lnk_part *p, struct lnk_addr *addr)
{
	uint32_t bus;

	if (!take_hex(p, 4, 8, &addr->domain) || !take_char(p, ':') || !take_hex(p, 2, 2, &bus))
		return false;
	addr->bus = (uint8_t)bus;
	return true;
}

/* "1f.7" and nothing else */
static bool take_devfn(struct lnk_part *p, struct lnk_addr *addr)
{
	uint32_t dev, func;

	if (!take_hex(p, 2, 2, &dev) || dev > 31 || !take_char(p, '.') ||
	    !take_hex(p, 1, 1, &func) || func > 7 || p->n)
		return false;
	addr->devfn = (uint8_t)(dev << 3 | func);
	return true;
}

/* "0000:00:03.0", a directory of sysfs */
static bool is_function(struct lnk_part p, struct lnk_addr *addr)
{
	return take_bus(&p, addr) && take_char(&p, ':') && take_devfn(&p, addr);
}

/* "pci0000:00", the directory of a root bus */
static bool is_root_bus(struct lnk_part p)
{
	struct lnk_addr addr;

	if (p.n < 3 || memcmp(p.s, "pci", 3) != 0)
		return false;
	p = (struct lnk_part){.s = p.s + 3, .n = p.n - 3};
	return take_bus(&p, &addr) && !p.n;
}

/* "00" or "0001:00", a directory of procfs */
static bool is_bus(struct lnk_part p, struct lnk_addr *addr)
{
	uint32_t bus;

	*addr = (struct lnk_addr){0};
	if (p.n != 2)
		return take_bus(&p, addr) && !p.n;
	if (!take_hex(&p, 2, 2, &bus))
		return false;
	addr->bus = (uint8_t)bus;
	return true;
}

/* What holds /sys and /proc, where the copy's own files begin with name @first. */
static size_t root_before(const struct names *names, unsigned first, const char *path)
{
	static const char *const stores[] = {"sys", "sysfs", "proc", "procfs"};
	unsigned i;

	for (i = 0; first && i < ARRAY_SIZE(stores); i++)
		if (lnk_part_is(names->name[first - 1], stores[i])) {
			first--;
			i = UINT32_MAX;
		}
	return first ? (size_t)(names->name[first - 1].s + names->name[first - 1].n - path) : 0;
}

/* Where sysfs's own names begin, of which @at is the first that has an address. */
static unsigned sysfs_begins(const struct names *names, unsigned at)
{
	unsigned i;

	if (at >= 3 && lnk_part_is(names->name[at - 1], "devices") &&
	    lnk_part_is(names->name[at - 2], "pci") && lnk_part_is(names->name[at - 3], "bus"))
		return at - 3;
	/* devices/platform/40000000.pcie/pci0000:00 */
	for (i = at; i-- > 1;)
		if (lnk_part_is(names->name[i], "devices") &&
		    lnk_part_is(names->name[i - 1], "sys"))
			return i;
	return at && lnk_part_is(names->name[at - 1], "devices") ? at - 1 : at;
}

static bool sysfs_path(struct lnk_config_path *p, const struct names *names, const char *path)
{
	struct lnk_addr addr;
	unsigned first = names->n, last = names->n, i;

	for (i = 0; i < names->n; i++) {
		bool function = is_function(names->name[i], &addr);

		if (first == names->n && (function || is_root_bus(names->name[i])))
			first = i;
		if (!function)
			continue;
		last = i;
		p->addr = addr;
	}
	if (last == names->n)
		return false;
	p->sure = sysfs_begins(names, first) < first;
	p->root = root_before(names, sysfs_begins(names, first), path);
	p->name = last + 1 < names->n ? names->name[last + 1].s : "";
	return true;
}

static bool procfs_path(struct lnk_config_path *p, const struct names *names, const char *path)
{
	unsigned n = names->n, first = n - 2;

	if (n < 2)
		return false;
	if (lnk_part_is(names->name[n - 1], "devices") && n >= 3 &&
	    lnk_part_is(names->name[n - 2], "pci") && lnk_part_is(names->name[n - 3], "bus")) {
		first = n - 1;
		p->name = "devices";
	} else {
		struct lnk_part last = names->name[n - 1];

		if (!is_bus(names->name[n - 2], &p->addr) || !take_devfn(&last, &p->addr))
			return false;
		p->name = NULL;
	}
	p->sure = first >= 2 && lnk_part_is(names->name[first - 1], "pci") &&
		  lnk_part_is(names->name[first - 2], "bus");
	p->root = root_before(names, p->sure ? first - 2 : first, path);
	return true;
}

bool lnk_config_path(struct lnk_config_path *p, const char *path)
{
	struct names names;

	*p = (struct lnk_config_path){0};
	return split(&names, path) && (sysfs_path(p, &names, path) || procfs_path(p, &names, path));
}

/* PCI 6.2.1: the header's layout is 0, 1 or 2; no text has such a byte there. */
bool lnk_config_looks(const char *bytes, size_t n)
{
	const uint8_t *b = (const uint8_t *)bytes;
	size_t ones = 0, zeros = 0, i;

	if (n < LNK_HEADER_SIZE)
		return false;
	for (i = 0; i < LNK_HEADER_SIZE; i++) {
		ones += b[i] == 0xff;
		zeros += !b[i];
	}
	return ones == LNK_HEADER_SIZE ||
	       ((b[PCI_HEADER_TYPE] & 0x7f) <= PCI_HEADER_TYPE_CARDBUS && zeros < LNK_HEADER_SIZE);
}

/* With a list of capabilities that ends, no other file looks so. */
bool lnk_config_certain(const char *bytes, size_t n)
{
	struct lnk_cap caps[LNK_MAX_CAPS];
	struct lnk_arena a = {0};
	struct lnk_cfg c = {0};
	uint32_t id = 0, status = 0, class = 0;
	enum lnk_list end = LNK_LIST_NONE;
	unsigned n_caps = 0;

	if ((n == LNK_HEADER_SIZE || n == 256 || n == LNK_CFG_MAX) && lnk_config_looks(bytes, n)) {
		lnk_cfg_add(&a, &c, 0, (const uint8_t *)bytes, (unsigned)n);
		lnk_cfg_u16(&c, PCI_VENDOR_ID, &id);
		lnk_cfg_u16(&c, PCI_STATUS, &status);
		lnk_cfg_u16(&c, PCI_CLASS_DEVICE, &class);
		end = lnk_cfg_caps(&c, caps, ARRAY_SIZE(caps), &n_caps);
	}
	lnk_arena_free(&a);
	/* The list of a header alone begins outside of it. */
	return id && id != 0xffff && status & PCI_STATUS_CAP_LIST && class >> 8 <= 0x13 &&
	       ((end == LNK_LIST_END && n_caps) || (end == LNK_LIST_UNKNOWN && n < 256));
}

/* ---- The functions of one machine ----------------------------------------------------------- */

/* What its attributes said, of one function. */
struct told {
	const char *value[ARRAY_SIZE(attrs)];
	bool is_link; /* where sysfs has a link to it */
};

/* A line of /proc/bus/pci/devices. */
struct listed {
	struct lnk_addr addr;
	uint32_t id;
	const char *driver;
};

struct lnk_config {
	struct lnk_group g;
	struct told *told; /* of each function in the group */
	size_t max_told;
	struct listed *listed;
	size_t n_listed, max_listed;
	bool procfs; /* a function's file of that kind was there */
};

struct lnk_config *lnk_config_new(void)
{
	struct lnk_config *c = lnk_xmalloc(sizeof(*c));

	*c = (struct lnk_config){.g.m = lnk_model_new()};
	return c;
}

static struct lnk_fn *function(struct lnk_config *c, struct lnk_addr addr)
{
	struct lnk_fn *f = lnk_group_find(&c->g, addr);
	size_t n = c->g.m->n_fns;

	if (f)
		return f;
	f = lnk_group_add(&c->g, addr);
	if (f && n == c->max_told) {
		c->max_told = c->max_told ? 2 * c->max_told : 16;
		c->told = lnk_xrealloc(c->told, c->max_told * sizeof(*c->told));
	}
	if (f)
		c->told[n] = (struct told){0};
	return f;
}

static struct told *told_of(const struct lnk_config *c, const struct lnk_fn *f)
{
	return &c->told[f - c->g.m->fns];
}

/* 64, 128 (CardBus), 256 and 4096 bytes are whole ones. */
static void take_bytes(struct lnk_config *c, struct lnk_fn *f, const struct lnk_member *m)
{
	const char *bytes = m->in->window + m->in->at;
	size_t n = m->in->end - m->in->at;
	struct lnk_model *model = c->g.m;
	char at[LNK_ADDR_LEN];

	lnk_addr_str(f->addr, at);
	if (!n)
		return;
	if (n > LNK_CFG_MAX || (n >= LNK_HEADER_SIZE && !lnk_config_looks(bytes, n))) {
		lnk_model_damage(model, 0, "%s: its file holds no configuration space", at);
		return;
	}
	if (lnk_cfg_add(&model->arena, &f->cfg, 0, (const uint8_t *)bytes, (unsigned)n))
		lnk_model_damage(model, 0, "%s: a second file of it differs; the first was taken",
				 at);
	else if (n != 64 && n != 128 && n != 256 && n != LNK_CFG_MAX)
		lnk_model_damage(model, 0, "%s: its configuration space ends after %zu bytes", at,
				 n);
}

static void take_attr(struct lnk_config *c, const struct lnk_config_path *p,
		      const struct lnk_member *m)
{
	const char *text = m->link ? m->link : m->in->window + m->in->at;
	size_t n = m->link ? strlen(m->link) : m->in->end - m->in->at, i = attr_of(p->name);
	struct lnk_fn *f = n < ATTR_MAX ? function(c, p->addr) : NULL;

	if (f && !told_of(c, f)->value[i])
		told_of(c, f)->value[i] = lnk_strndup(&c->g.m->arena, text, strnlen(text, n));
}

/* Linux drivers/pci/proc.c show_device: bus, devfn, tab, ids, ... and the driver at the end. */
static void take_line(struct lnk_config *c, const char *s, size_t n)
{
	struct lnk_part p = {.s = s, .n = n};
	uint32_t bus, devfn, vendor, device;
	const char *tab = memrchr(s, '\t', n);
	struct listed *l;

	if (!take_hex(&p, 2, 2, &bus) || !take_hex(&p, 2, 2, &devfn) || !take_char(&p, '\t') ||
	    !take_hex(&p, 4, 4, &vendor) || !take_hex(&p, 4, 4, &device) || !tab)
		return;
	if (c->n_listed == c->max_listed) {
		c->max_listed = c->max_listed ? 2 * c->max_listed : 64;
		c->listed = lnk_xrealloc(c->listed, c->max_listed * sizeof(*c->listed));
	}
	l = &c->listed[c->n_listed++];
	*l = (struct listed){
		.addr = {.bus = (uint8_t)bus, .devfn = (uint8_t)devfn},
		.id = device << 16 | vendor,
	};
	n -= (size_t)(tab + 1 - s);
	if (n && n < ATTR_MAX)
		l->driver = lnk_clean(&c->g.m->arena, tab + 1, n);
}

static void take_list(struct lnk_config *c, struct lnk_stream *in)
{
	while (!in->error && in->at < in->end && c->n_listed < LNK_MAX_FUNCTIONS) {
		const char *s = in->window + in->at, *nl = memchr(s, '\n', in->end - in->at);

		if (nl) {
			take_line(c, s, (size_t)(nl - s));
			in->at = (size_t)(nl + 1 - in->window);
			continue;
		}
		/* A line without an end is cut off, or none of the kernel's. */
		if (in->ended || in->end - in->at >= LNK_WINDOW / 2)
			break;
		lnk_stream_more(in);
	}
}

bool lnk_config_wants(const struct lnk_config_path *p, const struct lnk_member *m)
{
	size_t n = m->in ? m->in->end - m->in->at : 0;

	/* Files of other kinds are called by an address, too. */
	if (m->in && (!p->sure || !p->name || !*p->name) && !is_attr(p->name))
		return n <= LNK_CFG_MAX && lnk_config_looks(m->in->window + m->in->at, n);
	return true;
}

void lnk_config_take(struct lnk_config *c, const struct lnk_config_path *p,
		     const struct lnk_member *m)
{
	bool by_address = !p->name || !*p->name;
	struct lnk_fn *f;

	if (is_attr(p->name)) {
		if (m->in || m->link)
			take_attr(c, p, m);
	} else if (m->in && !by_address && !strcmp(p->name, "devices")) {
		take_list(c, m->in);
	} else if (by_address || !strcmp(p->name, "config")) {
		f = function(c, p->addr);
		c->procfs |= !p->name;
		if (f && m->in)
			take_bytes(c, f, m);
		else if (f && m->link)
			told_of(c, f)->is_link = true;
	}
}

/* ---- The whole ----------------------------------------------------------------------------- */

static const char *stored(const void *store, struct lnk_addr addr, const char *name)
{
	const struct lnk_config *c = store;
	struct lnk_fn *f = lnk_group_find(&c->g, addr);
	size_t i = attr_of(name);

	return f && i < ARRAY_SIZE(attrs) ? told_of(c, f)->value[i] : NULL;
}

/* The list does not write domains: only the ids tell whose line it is. */
static void apply_list(struct lnk_config *c)
{
	struct lnk_model *m = c->g.m;
	size_t i;

	for (i = 0; i < c->n_listed; i++) {
		const struct listed *l = &c->listed[i];
		struct lnk_fn *f = lnk_group_find(&c->g, l->addr);
		uint32_t id;

		if (!f || !l->driver || !lnk_cfg_u32(&f->cfg, PCI_VENDOR_ID, &id) || id != l->id)
			continue;
		if (!f->live)
			f->live = lnk_alloc(&m->arena, sizeof(*f->live));
		if (!f->live->driver)
			f->live->driver = l->driver;
	}
}

/* Beside the list there was a file for each. In whose domain a line stands is not known. */
static void miss_listed(struct lnk_config *c)
{
	struct lnk_model *m = c->g.m;
	uint8_t there[UINT16_MAX + 1] = {0};
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		there[m->fns[i].addr.bus << 8 | m->fns[i].addr.devfn] = 1;
	for (i = 0; c->procfs && i < c->n_listed; i++) {
		struct lnk_addr a = c->listed[i].addr;

		if (there[a.bus << 8 | a.devfn])
			continue;
		lnk_model_damage(m, 0, "%02x:%02x.%x: bus/pci/devices lists it, and it has no file",
				 a.bus, lnk_dev(a), lnk_func(a));
		m->damage_unplaced = true;
	}
}

/* What there is nothing of but a name is no function; that it is missing is said. */
static void drop_empty(struct lnk_config *c)
{
	struct lnk_model *m = c->g.m;
	size_t i, kept = 0;
	char at[LNK_ADDR_LEN];

	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		if (f->cfg.n_spans || f->attr) {
			m->fns[kept++] = *f;
			continue;
		}
		lnk_model_damage(m, 0, "%s: %s", lnk_addr_str(f->addr, at),
				 c->told[i].is_link ?
					 "a link that leads to nothing here; a copy must hold what "
					 "its links lead to" :
					 "no byte of its configuration space can be read");
		m->damage_unplaced = true;
	}
	m->n_fns = kept;
}

struct lnk_model *lnk_config_end(struct lnk_config *c)
{
	const struct lnk_sysfs sysfs = {.stored = stored, .store = c};
	struct lnk_model *m = c->g.m;
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		lnk_sysfs_state(&sysfs, &m->arena, &m->fns[i]);
		lnk_sysfs_identity(&sysfs, &m->arena, &m->fns[i]);
	}
	lnk_sysfs_links(&sysfs, m);
	apply_list(c);
	miss_listed(c);
	drop_empty(c);
	lnk_group_forget(&c->g);
	lnk_model_sort(m);
	free(c->told);
	free(c->listed);
	free(c);
	return m;
}
