/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * source-live.c - this machine, or a copy of its sysfs or procfs tree, through libpci
 *
 * This machine is read on demand: each dword can trap to a hypervisor. What sysfs knows is not
 * asked of a function, and what few rules need is asked with --deep only. A copy is read whole, as
 * a capture is, so that both are judged alike; nothing of the running machine enters then.
 *
 * Three things are not left to libpci 3.9: it ends the process on errors (contain() stops that),
 * its scan of a tree dies at the first name that it does not expect, and its reader of dumps writes
 * outside its memory for an offset of 80000000 (lib/dump.c, dump_init). So trees are listed here,
 * and dumps go to our own reader.
 */
#include <dirent.h>
#include <errno.h>
#include <libudev.h>
#include <limits.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"

/* Where a method finds its tree; set by the user, it is a copy and not this machine. */
static const struct store {
	const char *method, *param;
	bool chosen_by_param; /* -O is enough: nobody means "this machine" by it */
} stores[] = {
	{"linux-sysfs", "sysfs.path", true},
	{"linux-proc", "proc.path", true},
	{"dump", "dump.name", true},
	{"mmio-conf1", "devmem.path", false},
	{"mmio-conf1-ext", "devmem.path", false},
};

enum method { METHOD_SYSFS, METHOD_PROC, METHOD_OTHER };

struct found {
	struct lnk_addr addr;
	struct pci_dev *dev;
};

/* The one session with libpci; libpci's error handler has no argument of its own. */
static struct {
	struct pci_access *access;
	enum method method;
	bool copy;
	bool deep, everything, wake; /* as in struct lnk_live_opts */
	bool owns_devs; /* pci_get_dev() made them; pci_cleanup() frees those of a scan only */
	struct lnk_sysfs sysfs; /* base is NULL unless the method is linux-sysfs */
	struct found *found;
	size_t n_found, max_found;
	jmp_buf trap;
	char said[512];
} live;

/* ---- libpci, contained -------------------------------------------------------------------- */

static void on_error(char *msg, ...) LNK_PRINTF(1, 2) __attribute__((noreturn));
static void on_error(char *msg, ...)
{
	va_list ap;

	va_start(ap, msg);
	vsnprintf(live.said, sizeof(live.said), msg, ap);
	va_end(ap);
	longjmp(live.trap, 1);
}

/* Warnings tell of single functions that cannot be read; the model shows those as not known. */
static void on_warning(char *msg, ...) LNK_PRINTF(1, 2);
static void on_warning(char *msg, ...)
{
	(void)msg;
}

/*
 * Every call into libpci that can fail goes through here. The call is a function of its own, so no
 * variable lives on both sides of the jump.
 */
static int contain(int (*call)(void *arg), void *arg)
{
	live.said[0] = '\0';
	if (setjmp(live.trap))
		return -EIO;
	return call(arg);
}

static int fail_in_libpci(struct lnk_err *err)
{
	struct lnk_arena a = {0};

	lnk_fail(err, -EIO, "libpci: %s", lnk_clean(&a, live.said, strlen(live.said)));
	lnk_arena_free(&a);
	return -EIO;
}

static int call_init(void *arg)
{
	(void)arg;
	pci_init(live.access);
	return 0;
}

static int call_scan(void *arg)
{
	(void)arg;
	pci_scan_bus(live.access);
	return 0;
}

static int call_get_dev(void *arg)
{
	struct found *f = arg;

	f->dev = pci_get_dev(live.access, (int)f->addr.domain, f->addr.bus, (int)lnk_dev(f->addr),
			     (int)lnk_func(f->addr));
	return 0;
}

struct setting {
	const char *param, *value;
};

static int call_set_param(void *arg)
{
	struct setting *s = arg;

	return pci_set_param(live.access, (char *)s->param, (char *)s->value);
}

struct block {
	struct pci_dev *dev;
	unsigned off, len;
	void *buf;
};

static int call_read(void *arg)
{
	struct block *b = arg;

	return pci_read_block(b->dev, (int)b->off, b->buf, (int)b->len) ? 0 : -EIO;
}

/* lnk_cfg_fetch(): all of the bytes or none; libpci has no cache unless one is set up. */
static bool read_block(void *dev, unsigned off, void *buf, unsigned len)
{
	struct block b = {.dev = dev, .off = off, .len = len, .buf = buf};

	return live.access && !contain(call_read, &b);
}

/* ---- Methods and parameters --------------------------------------------------------------- */

static const char *method_names(struct lnk_arena *a)
{
	const char *list = "", *name;
	int i;

	for (i = 0; (name = pci_get_method_name(i)); i++)
		if (*name)
			list = lnk_strf(a, "%s%s%s", list, *list ? ", " : "", name);
	return list;
}

/* libpci defines devmem.path once for each method that has it. */
static struct pci_param *next_param(struct pci_access *access, struct pci_param *p)
{
	struct pci_param *first;

	while ((p = pci_walk_params(access, p))) {
		first = pci_walk_params(access, NULL);
		while (strcmp(first->param, p->param))
			first = pci_walk_params(access, first);
		if (first == p)
			break;
	}
	return p;
}

static const char *param_names(struct lnk_arena *a)
{
	struct pci_param *p = NULL;
	const char *list = "";

	while ((p = next_param(live.access, p)))
		list = lnk_strf(a, "%s%s%s", list, *list ? ", " : "", p->param);
	return list;
}

static int set_param(struct lnk_arena *a, const char *option, const char **name,
		     struct lnk_err *err)
{
	const char *equals = strchr(option, '=');
	struct setting s;

	if (!equals)
		return lnk_fail(err, -EINVAL, "-O %s: a parameter is given as PARAM=VALUE",
				lnk_clean(a, option, strlen(option)));
	s.param = lnk_strndup(a, option, (size_t)(equals - option));
	s.value = equals + 1;
	*name = s.param;
	if (!contain(call_set_param, &s))
		return 0;
	return lnk_fail(err, -EINVAL, "libpci has no parameter '%s'; it has %s",
			lnk_clean(a, s.param, strlen(s.param)), param_names(a));
}

static const struct store *store_of(const char *method)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stores); i++)
		if (!strcmp(stores[i].method, method))
			return &stores[i];
	return NULL;
}

/* Which stores the user named, as bits. */
static int set_params(struct lnk_arena *a, const struct lnk_live_opts *o, unsigned *set,
		      struct lnk_err *err)
{
	const char *name = "";
	size_t i, k;
	int r;

	*set = 0;
	for (i = 0; o->params && o->params[i]; i++) {
		r = set_param(a, o->params[i], &name, err);
		if (r)
			return r;
		for (k = 0; k < ARRAY_SIZE(stores); k++)
			if (!strcmp(name, stores[k].param))
				*set |= 1u << k;
	}
	return 0;
}

/*
 * A path without -A chooses the method that reads it. libpci's own choice would pass over a tree
 * that is not there and read this machine in its place.
 */
static int set_method(struct lnk_arena *a, const struct lnk_live_opts *o, unsigned set,
		      struct lnk_err *err)
{
	const char *name = o->method;
	int method;
	size_t i;

	for (i = 0; !name && i < ARRAY_SIZE(stores); i++)
		if (set & 1u << i && stores[i].chosen_by_param)
			name = stores[i].method;
	if (!name)
		return 0;
	method = pci_lookup_method((char *)name);
	if (method < 0)
		return lnk_fail(err, -EINVAL, "libpci has no access method '%s'; it has %s",
				lnk_clean(a, name, strlen(name)), method_names(a));
	live.access->method = (unsigned)method;
	return 0;
}

static int open_access(struct lnk_arena *a, const struct lnk_live_opts *o, unsigned *set,
		       struct lnk_err *err)
{
	int r;

	live.access = pci_alloc();
	live.access->error = on_error;
	live.access->warning = on_warning;
	live.access->debug = on_warning;
	r = set_params(a, o, set, err);
	return r ? r : set_method(a, o, *set, err);
}

void lnk_live_help(FILE *to, bool methods)
{
	struct pci_access *access;
	struct pci_param *p = NULL;
	const char *name;
	int i;

	if (methods) {
		for (i = 0; (name = pci_get_method_name(i)); i++)
			if (*name)
				fprintf(to, "%s\n", name);
		return;
	}
	access = pci_alloc();
	while ((p = next_param(access, p)))
		fprintf(to, "%-20s  %s (%s)\n", p->param, p->help, p->value);
	pci_cleanup(access);
}

/* ---- Which functions there are ------------------------------------------------------------ */

static void note(struct lnk_addr addr, struct pci_dev *dev)
{
	if (live.n_found == live.max_found) {
		live.max_found = live.max_found ? 2 * live.max_found : 64;
		live.found = lnk_xrealloc(live.found, live.max_found * sizeof(*live.found));
	}
	live.found[live.n_found++] = (struct found){.addr = addr, .dev = dev};
}

/* A directory of sysfs: as the kernel writes it and no other way, so that each is there once. */
static bool parse_name(const char *name, struct lnk_addr *addr)
{
	unsigned domain, bus, dev, func;
	char again[LNK_ADDR_LEN];

	if (sscanf(name, "%8x:%2x:%2x.%1x", &domain, &bus, &dev, &func) != 4 || dev > 31 ||
	    func > 7)
		return false;
	*addr = (struct lnk_addr){
		.domain = domain,
		.bus = (uint8_t)bus,
		.devfn = (uint8_t)(dev << 3 | func),
	};
	return !strcmp(lnk_addr_str(*addr, again), name);
}

/*
 * A copied tree is a stranger's: a link in it that leads out of it shows files of this machine.
 * Its own links stay below what is /sys in it, which is BASE without "/bus/pci".
 */
static bool stays_inside(const char *base, const char *name)
{
	static const char tail[] = "/bus/pci";
	char *root = realpath(base, NULL);
	char *path = lnk_xmalloc(strlen(base) + strlen(name) + 2), *real;
	size_t n = root ? strlen(root) : 0;
	bool inside;

	sprintf(path, "%s/%s", base, name);
	real = realpath(path, NULL);
	if (n > strlen(tail) && !strcmp(root + n - strlen(tail), tail))
		n -= strlen(tail);
	/* What leads nowhere shows nothing. */
	inside = !real || (root && !strncmp(root, real, n) && real[n] == '/');
	free(path);
	free(real);
	free(root);
	return inside;
}

static int list_sysfs(struct lnk_model *m, struct lnk_err *err)
{
	const char *dir_path = lnk_strf(&m->arena, "%s/devices", live.sysfs.base), *path;
	struct lnk_addr addr;
	char name[sizeof("devices/") + NAME_MAX];
	struct dirent *e;
	DIR *dir = opendir(dir_path);
	int r = -errno;

	path = lnk_clean(&m->arena, dir_path, strlen(dir_path));
	if (!dir)
		return lnk_fail(err, r, "cannot read %s: %s", path, strerror(-r));
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (!parse_name(e->d_name, &addr)) {
			lnk_model_damage(m, 0, "devices/%s is no PCI address",
					 lnk_clean(&m->arena, e->d_name, strlen(e->d_name)));
			continue;
		}
		snprintf(name, sizeof(name), "devices/%s", e->d_name);
		if (live.copy && !stays_inside(live.sysfs.base, name)) {
			lnk_model_damage(m, 0, "%s leads out of the tree", name);
			m->damage_unplaced = true;
			continue;
		}
		note(addr, NULL);
	}
	closedir(dir);
	return 0;
}

/* Linux drivers/pci/proc.c: bus and devfn in four digits, a tab, more that is not needed here. */
static bool parse_line(const char *line, struct lnk_addr *addr)
{
	unsigned bus, devfn;
	int n = 0;

	if (sscanf(line, "%2x%2x%n", &bus, &devfn, &n) != 2 || n != 4 || line[n] != '\t')
		return false;
	*addr = (struct lnk_addr){.bus = (uint8_t)bus, .devfn = (uint8_t)devfn};
	return true;
}

static int list_proc(struct lnk_model *m, const char *base, struct lnk_err *err)
{
	const char *path = lnk_strf(&m->arena, "%s/devices", base);
	const char *clean = lnk_clean(&m->arena, path, strlen(path));
	struct lnk_addr addr;
	char line[512];
	struct stat st;
	uint32_t n = 0;
	FILE *file;

	if (stat(path, &st))
		return lnk_fail(err, -errno, "cannot read %s: %s", clean, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return lnk_fail(err, -EINVAL, "cannot read %s: not a regular file", clean);
	file = fopen(path, "re");
	if (!file)
		return lnk_fail(err, -errno, "cannot read %s: %s", clean, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		n++;
		if (parse_line(line, &addr))
			note(addr, NULL);
		else
			lnk_model_damage(m, n, "no PCI address at the beginning of the line");
		while (!strchr(line, '\n') && fgets(line, sizeof(line), file))
			;
	}
	fclose(file);
	return 0;
}

static int list_scan(struct lnk_err *err)
{
	struct pci_dev *d;

	if (contain(call_scan, NULL))
		return fail_in_libpci(err);
	for (d = live.access->devices; d; d = d->next)
		note((struct lnk_addr){.domain = (uint32_t)d->domain,
				       .bus = d->bus,
				       .devfn = (uint8_t)((d->dev & 31) << 3 | (d->func & 7))},
		     d);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = lnk_addr_key(((const struct found *)a)->addr);
	uint64_t y = lnk_addr_key(((const struct found *)b)->addr);

	return x < y ? -1 : x > y;
}

/* procfs does not write domains (Linux drivers/pci/proc.c show_device): two can look like one. */
static void drop_doubles(struct lnk_model *m)
{
	size_t i, kept = 0;

	if (!live.n_found)
		return;
	qsort(live.found, live.n_found, sizeof(*live.found), by_address);
	for (i = 1; i < live.n_found; i++)
		if (by_address(&live.found[kept], &live.found[i]))
			live.found[++kept] = live.found[i];
	kept++;
	if (kept < live.n_found)
		m->limit =
			lnk_strf(&m->arena,
				 "%zu functions have the address of another, perhaps in a second "
				 "PCI domain: they are left out",
				 live.n_found - kept);
	live.n_found = kept;
}

/* ---- One function's registers ------------------------------------------------------------- */

/* config.c adds spans without an arena: there is room for more than every other dword. */
#define LIVE_SPANS (LNK_CFG_MAX / 4 + 1)

static void open_live(struct lnk_model *m, struct lnk_fn *f)
{
	f->cfg = (struct lnk_cfg){
		.bytes = lnk_alloc(&m->arena, LNK_CFG_MAX),
		.spans = lnk_alloc(&m->arena, LIVE_SPANS * sizeof(struct lnk_span)),
		.max_spans = LIVE_SPANS,
		.size = LNK_CFG_MAX,
		.open = true,
		.live = f->cfg.live,
	};
}

/* Opening a FIFO would block, opening a device does things; what is not there libpci finds out. */
static bool is_special(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && !S_ISREG(st.st_mode);
}

static bool is_proc_trap(const char *base, const char *name)
{
	char path[LNK_SYSFS_PATH];
	int n = snprintf(path, sizeof(path), "%s/%s", base, name);

	return n < 0 || (size_t)n >= sizeof(path) || is_special(path) ||
	       (live.copy && !stays_inside(base, name));
}

/* libpci tries a copy of procfs without and with the domain (lib/proc.c, proc_setup). */
static bool is_trap(struct lnk_addr addr)
{
	char path[LNK_SYSFS_PATH], name[LNK_ADDR_LEN];
	const char *base;
	bool trap;

	if (live.method == METHOD_SYSFS)
		return !lnk_sysfs_path(&live.sysfs, addr, "config", path) || is_special(path);
	if (live.method != METHOD_PROC)
		return false;
	base = pci_get_param(live.access, "proc.path");
	snprintf(name, sizeof(name), "%02x/%02x.%x", addr.bus, lnk_dev(addr), lnk_func(addr));
	trap = is_proc_trap(base, name);
	snprintf(name, sizeof(name), "%04x:%02x/%02x.%x", addr.domain, addr.bus, lnk_dev(addr),
		 lnk_func(addr));
	return trap || is_proc_trap(base, name);
}

/* Reads a copy as far as it goes, to the byte; 64, 128 (CardBus), 256, 4096 are whole ones. */
static unsigned read_copy(struct lnk_model *m, struct lnk_fn *f, struct pci_dev *dev)
{
	unsigned off = 0, n = 64;
	uint8_t bytes[64];

	while (n && off < LNK_CFG_MAX) {
		if (read_block(dev, off, bytes, n)) {
			lnk_cfg_add(&m->arena, &f->cfg, off, bytes, n);
			off += n;
		} else {
			n /= 2;
		}
	}
	return off;
}

/* It is listed, and its directory is gone. */
static bool has_vanished(struct lnk_addr addr)
{
	char path[LNK_SYSFS_PATH];
	struct stat st;

	return live.method == METHOD_SYSFS && lnk_sysfs_path(&live.sysfs, addr, ".", path) &&
	       stat(path, &st);
}

/* What went wrong with a function of which there is no byte. */
static const char *why_nothing(struct lnk_addr addr)
{
	if (has_vanished(addr))
		return "no directory; a copy must keep symbolic links or hold what they lead to";
	return "no byte of its configuration space can be read";
}

static void read_copied_fn(struct lnk_model *m, struct lnk_fn *f, struct pci_dev *dev)
{
	char at[LNK_ADDR_LEN];
	unsigned size = 0;

	if (!is_trap(f->addr))
		size = read_copy(m, f, dev);
	if (!size)
		lnk_model_damage(m, 0, "%s: %s", lnk_addr_str(f->addr, at), why_nothing(f->addr));
	else if (size != 64 && size != 128 && size != 256 && size != LNK_CFG_MAX)
		lnk_model_damage(m, 0, "%s: its configuration space ends after %u bytes",
				 lnk_addr_str(f->addr, at), size);
}

/* Registers of few rules: --deep reads them, walk.c some of those that a link's rules ask for. */
#define DEEP_REGS                                                                                  \
	(REG(LNK_R_DEVCAP) | REG(LNK_R_DEVCTL) | REG(LNK_R_ECAPS) | REG(LNK_R_AERUNCOR) |          \
	 REG(LNK_R_AERCOR) | REG(LNK_R_LANEERR) | REG(LNK_R_DSNLO) | REG(LNK_R_DSNHI))
/* What sysfs says, and the status, whose one bit says that there is a list. */
#define TOLD_REGS                                                                                  \
	(REG(LNK_R_ID) | REG(LNK_R_STATUS) | REG(LNK_R_CLASS) | REG(LNK_R_HEADER) |                \
	 REG(LNK_R_SUBSYS))

/* Sysfs gives a layout only where it gives the rest, too. */
static bool is_told(const struct lnk_fn *f)
{
	return f->attr && f->attr->known & REG(LNK_R_HEADER);
}

/* What is not to be asked of a function. */
static uint32_t spared(const struct lnk_fn *f)
{
	if (f->live && f->live->asleep)
		return 0;
	if (!f->cfg.open)
		return UINT32_MAX;
	if (live.deep)
		return 0;
	if (!is_told(f))
		return DEEP_REGS;
	return f->live && f->live->express ? DEEP_REGS | TOLD_REGS : UINT32_MAX;
}

static void read_fn(struct lnk_model *m, struct lnk_fn *f, struct pci_dev *dev, bool some)
{
	if (live.sysfs.base)
		lnk_sysfs_state(&live.sysfs, &m->arena, f);
	if (live.wake && f->live)
		f->live->asleep = false;
	if (live.copy)
		read_copied_fn(m, f, dev);
	if (live.sysfs.base)
		lnk_sysfs_identity(&live.sysfs, &m->arena, f);
	if (live.copy || (f->live && f->live->asleep))
		return;
	if (live.sysfs.base)
		lnk_sysfs_express(&live.sysfs, &m->arena, f);
	f->cfg.live = dev;
	if (!some || !is_told(f))
		open_live(m, f);
	f->unread = spared(f);
}

static int read_fns(struct lnk_model *m, bool some, struct lnk_err *err)
{
	size_t i;

	for (i = 0; i < live.n_found; i++) {
		struct found *found = &live.found[i];
		struct lnk_fn f = {.addr = found->addr}, *kept;

		if (live.owns_devs && contain(call_get_dev, found))
			return fail_in_libpci(err);
		read_fn(m, &f, found->dev, some);
		/* It went between the list and the look. */
		if (!live.copy && !f.attr && has_vanished(f.addr))
			continue;
		if (live.copy && live.owns_devs) {
			pci_free_dev(found->dev);
			found->dev = NULL;
		}
		if (live.copy && !f.cfg.n_spans && !f.attr) {
			m->damage_unplaced = true;
			continue;
		}
		kept = lnk_model_add(m, f.addr);
		if (!kept)
			break;
		*kept = f;
	}
	return 0;
}

/* ---- The whole ---------------------------------------------------------------------------- */

/*
 * May registers beyond the header be read? Linux lets the first 64 bytes through to everyone
 * (drivers/pci/pci-sysfs.c, pci_read_config), so a few functions tell. The first of a function's
 * capabilities is read anyway.
 */
static bool sees_registers(struct lnk_model *m)
{
	unsigned tries = 0;
	uint32_t ptr;
	size_t i;

	for (i = 0; i < m->n_fns && tries < 8; i++) {
		struct lnk_fn *f = &m->fns[i];

		if (!f->cfg.open || f->unread & REG(LNK_R_PCIECAP))
			continue;
		if (!is_told(f) || !lnk_cfg_u8(&f->cfg, PCI_CAPABILITY_LIST, &ptr) ||
		    ptr < LNK_HEADER_SIZE)
			ptr = LNK_HEADER_SIZE;
		if (lnk_cfg_u8(&f->cfg, ptr, &ptr))
			return true;
		tries++;
	}
	return !tries && !geteuid();
}

/* Containers have less of a machine than its own root. */
static const char *lacks(struct lnk_model *m)
{
	const char *sysfs = "", *registers = "";

	if (!live.sysfs.base)
		sysfs = lnk_strf(
			&m->arena,
			"Read through %s, without sysfs: which functions sleep is not "
			"known, so all were read; drivers and the kernel's counts of errors "
			"are not known either.",
			pci_get_method_name((int)live.access->method));
	if (!m->env.root && !geteuid())
		registers = "This user is root without CAP_SYS_ADMIN, as in a container: the "
			    "kernel keeps the registers from it.";
	if (!*sysfs && !*registers)
		return NULL;
	return lnk_strf(&m->arena, "%s%s%s", sysfs, *sysfs && *registers ? " " : "", registers);
}

/* What was opened is asked what it shows. */
static void look_in(struct lnk_model *m)
{
	size_t i;

	if (!live.copy) {
		m->env.root = sees_registers(m);
		m->env.lacks = lacks(m);
	}
	if (live.sysfs.base && !m->env.root)
		lnk_sysfs_links(&live.sysfs, m);
	for (i = 0; live.everything && i < m->n_fns; i++)
		lnk_cfg_read_all(&m->fns[i].cfg);
}

static int list(struct lnk_model *m, struct lnk_err *err)
{
	switch (live.method) {
	case METHOD_SYSFS:
		live.owns_devs = true;
		return list_sysfs(m, err);
	case METHOD_PROC:
		live.owns_devs = true;
		return list_proc(m, pci_get_param(live.access, "proc.path"), err);
	default:
		return list_scan(err);
	}
}

static int read_model(struct lnk_model *m, const struct lnk_live_opts *o, struct lnk_err *err)
{
	int r;

	r = list(m, err);
	if (r)
		return r;
	drop_doubles(m);
	/* Only sysfs tells enough to choose by. */
	r = read_fns(m, o->some && live.method == METHOD_SYSFS, err);
	if (r)
		return r;
	if (!m->n_fns)
		return lnk_fail(err, -ENODEV, "%s: no PCI function can be read%s%s", m->source,
				m->n_damage ? "; " : "", m->n_damage ? m->damage[0].what : "");
	lnk_model_sort(m);
	if (!live.copy) {
		m->env.live = m->env.complete = true;
		lnk_env_read(m, live.sysfs.udev);
	}
	look_in(m);
	return 0;
}

bool lnk_live_open(struct lnk_model *m)
{
	bool any = false;
	size_t i;

	for (i = 0; m->env.live && i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		if (!f->shown || f->reach != LNK_READ_NOT)
			continue;
		open_live(m, f);
		any = true;
	}
	for (i = 0; any && i < m->n_fns; i++)
		m->fns[i].unread = spared(&m->fns[i]);
	if (any)
		look_in(m);
	return any;
}

/* A removed function has no directory, and its bus, where one is left, answers with all ones. */
static bool is_gone(const struct lnk_fn *f)
{
	return f->cfg.open && (f->cfg.size < LNK_CFG_MAX || f->reach == LNK_READ_FFS) &&
	       has_vanished(f->addr);
}

bool lnk_live_drop(struct lnk_model *m)
{
	bool any = false;
	size_t i;

	for (i = 0; m->env.live && i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		if (!is_gone(f))
			continue;
		if (!f->live)
			f->live = lnk_alloc(&m->arena, sizeof(*f->live));
		f->live->gone = any = true;
		f->cfg = (struct lnk_cfg){0};
	}
	return any;
}

/* After pci_init(), which settles the method where none was named. */
static void look_around(struct lnk_model *m, const struct lnk_live_opts *o, unsigned set)
{
	const char *method = pci_get_method_name((int)live.access->method);
	const struct store *s = store_of(method);
	const char *path = s ? pci_get_param(live.access, (char *)s->param) : NULL;

	live.method = !strcmp(method, "linux-sysfs") ? METHOD_SYSFS :
		      !strcmp(method, "linux-proc")  ? METHOD_PROC :
						       METHOD_OTHER;
	live.copy = s && set & 1u << (s - stores);
	live.everything = o->everything;
	live.wake = o->wake;
	live.deep = o->deep || o->everything;
	m->source = "this machine";
	if (live.copy)
		m->source = lnk_clean(&m->arena, path, strlen(path));
	else
		live.sysfs.udev = udev_new();
	if (live.method == METHOD_SYSFS)
		live.sysfs.base = path;
}

static int read_dump(struct lnk_captures *out, struct lnk_err *err)
{
	const char *name = pci_get_param(live.access, "dump.name");
	char *path;
	int r;

	if (!name || !*name)
		return lnk_fail(err, -EINVAL, "-A dump needs -O dump.name=FILE");
	path = lnk_xmalloc(strlen(name) + 1);
	strcpy(path, name);
	lnk_live_end();
	r = lnk_source_read(path, out, err);
	free(path);
	return r;
}

static int read_with(struct lnk_model *m, const struct lnk_live_opts *o, unsigned set,
		     struct lnk_err *err)
{
	if (contain(call_init, NULL)) {
		if (access("/sys/bus/pci", F_OK) && access("/proc/bus/pci", F_OK))
			return lnk_fail(err, -ENODEV,
					"neither /sys/bus/pci nor /proc/bus/pci is there; a "
					"container may hide them: mount /sys in it, or run this "
					"outside of it");
		return fail_in_libpci(err);
	}
	look_around(m, o, set);
	return read_model(m, o, err);
}

int lnk_live_read(const struct lnk_live_opts *o, struct lnk_captures *out, struct lnk_err *err)
{
	struct lnk_model *m = lnk_model_new();
	unsigned set;
	int r;

	lnk_live_end();
	lnk_cfg_fetch = read_block;
	r = open_access(&m->arena, o, &set, err);
	if (!r && live.access->method == PCI_ACCESS_DUMP) {
		lnk_model_free(m);
		r = read_dump(out, err);
		lnk_live_end();
		return r;
	}
	if (!r)
		r = read_with(m, o, set, err);
	if (r || live.copy)
		lnk_live_end();
	if (r)
		lnk_model_free(m);
	else
		lnk_captures_add(out, m);
	return r;
}

void lnk_live_end(void)
{
	size_t i;

	for (i = 0; live.owns_devs && i < live.n_found; i++)
		if (live.found[i].dev)
			pci_free_dev(live.found[i].dev);
	free(live.found);
	if (live.access)
		pci_cleanup(live.access);
	udev_unref(live.sysfs.udev);
	memset(&live, 0, sizeof(live));
}
