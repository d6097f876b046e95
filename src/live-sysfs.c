/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-sysfs.c - what sysfs, or a copy of it, says of one function beside its registers
 *
 * Linux Documentation/ABI/testing/sysfs-bus-pci. A copy comes from a stranger: only regular files
 * are opened, only so many bytes are read, no text gets through unclean.
 */
#include <dirent.h>
#include <fcntl.h>
#include <libudev.h>
#include <pci/header.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "live.h"

/* The value @v in its place in a register: FIELD_GET's other half. */
#define FIELD_PUT(mask, v) ((uint32_t)(v) * ((uint32_t)(mask) & -(uint32_t)(mask)))

#define VALUE_MAX 64   /* one value: "0x010802", "16.0 GT/s PCIe" */
#define TABLE_MAX 1024 /* aer_dev_correctable: nine lines */

const struct lnk_sysfs lnk_sysfs_here = {.base = "/sys/bus/pci"};

bool lnk_sysfs_path(const struct lnk_sysfs *s, struct lnk_addr addr, const char *name,
		    char path[LNK_SYSFS_PATH])
{
	char at[LNK_ADDR_LEN];
	int n = snprintf(path, LNK_SYSFS_PATH, "%s/devices/%s/%s", s->base, lnk_addr_str(addr, at),
			 name);

	return n > 0 && n < LNK_SYSFS_PATH;
}

bool lnk_sysfs_text(const char *path, char *buf, size_t size)
{
	struct stat st;
	ssize_t n;
	int fd;

	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, size);
	close(fd);
	if (n < 0 || (size_t)n >= size)
		return false;
	buf[n] = '\0';
	return true;
}

static bool stored_value(const struct lnk_sysfs *s, const struct lnk_fn *f, const char *name,
			 char value[VALUE_MAX])
{
	const char *text = s->stored(s->store, f->addr, name);
	size_t n = text ? strlen(text) : VALUE_MAX;

	if (n >= VALUE_MAX)
		return false;
	memcpy(value, text, n + 1);
	return true;
}

/* One attribute's value without its line end; false if there is none. */
static bool value_of(const struct lnk_sysfs *s, const struct lnk_fn *f, const char *name,
		     char value[VALUE_MAX])
{
	char path[LNK_SYSFS_PATH];

	if (s->stored ? !stored_value(s, f, name, value) :
			!lnk_sysfs_path(s, f->addr, name, path) ||
				!lnk_sysfs_text(path, value, VALUE_MAX))
		return false;
	value[strcspn(value, "\n")] = '\0';
	return true;
}

/* A number as the kernel writes it: "0x8086", "16". False if it is none, or above @max. */
static bool number_of(const struct lnk_sysfs *s, const struct lnk_fn *f, const char *name,
		      unsigned long max, uint32_t *number)
{
	char value[VALUE_MAX], *end;
	unsigned long n;

	if (!value_of(s, f, name, value) || value[0] < '0' || value[0] > '9')
		return false;
	n = strtoul(value, &end, 0);
	if (*end || n > max)
		return false;
	*number = (uint32_t)n;
	return true;
}

struct lnk_live *lnk_sysfs_live(struct lnk_arena *a, struct lnk_fn *f)
{
	if (!f->live)
		f->live = lnk_alloc(a, sizeof(*f->live));
	return f->live;
}

static void give(struct lnk_arena *a, struct lnk_fn *f, enum lnk_reg r, uint32_t value)
{
	if (!f->attr)
		f->attr = lnk_alloc(a, sizeof(*f->attr));
	f->attr->reg[r] = value;
	f->attr->known |= REG(r);
}

/* ---- State -------------------------------------------------------------------------------- */

static const char *driver_by_udev(struct udev *udev, struct lnk_arena *a, struct lnk_addr addr)
{
	const char *driver = NULL;
	struct udev_device *d;
	char at[LNK_ADDR_LEN];

	d = udev_device_new_from_subsystem_sysname(udev, "pci", lnk_addr_str(addr, at));
	if (d && udev_device_get_driver(d))
		driver = lnk_clean(a, udev_device_get_driver(d), strlen(udev_device_get_driver(d)));
	udev_device_unref(d);
	return driver;
}

/* The last word of where a link leads; NULL: there is none. */
static const char *link_name(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_addr addr,
			     const char *link)
{
	char path[LNK_SYSFS_PATH], target[LNK_SYSFS_PATH];
	const char *name = target, *slash;
	ssize_t n = 0;

	if (s->stored)
		name = s->stored(s->store, addr, link);
	else if (lnk_sysfs_path(s, addr, link, path))
		n = readlink(path, target, sizeof(target) - 1);
	if (!s->stored)
		target[n > 0 ? n : 0] = '\0';
	slash = name ? strrchr(name, '/') : NULL;
	if (slash)
		name = slash + 1;
	return name && *name ? lnk_clean(a, name, strlen(name)) : NULL;
}

/* Linux drivers/pci/pci.c pci_power_names; "error" and "unknown" are not known. */
static const char *power_state(const struct lnk_sysfs *s, const struct lnk_fn *f)
{
	static const char *const states[] = {"D0", "D1", "D2", "D3hot", "D3cold"};
	char value[VALUE_MAX];
	size_t i;

	if (!value_of(s, f, "power_state", value))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(states); i++)
		if (!strcmp(value, states[i]))
			return states[i];
	return NULL;
}

/* Is there an attribute, or a link, of that name? Its text can cost a read of the function. */
static bool has(const struct lnk_sysfs *s, struct lnk_addr addr, const char *name)
{
	char path[LNK_SYSFS_PATH];
	struct stat st;

	if (s->stored)
		return s->stored(s->store, addr, name);
	return lnk_sysfs_path(s, addr, name, path) && !lstat(path, &st);
}

bool lnk_sysfs_is_asleep(const struct lnk_sysfs *s, const struct lnk_fn *f)
{
	const char *state = power_state(s, f);
	char status[VALUE_MAX];

	if (state && !strcmp(state, "D3cold"))
		return true;
	return value_of(s, f, "power/runtime_status", status) && !strcmp(status, "suspended");
}

void lnk_sysfs_state(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f)
{
	struct lnk_live live = {
		.driver = s->udev ? driver_by_udev(s->udev, a, f->addr) :
				    link_name(s, a, f->addr, "driver"),
		.power_state = power_state(s, f),
		.iommu_group = link_name(s, a, f->addr, "iommu_group"),
		.asleep = lnk_sysfs_is_asleep(s, f),
		.vf = has(s, f->addr, "physfn"),
	};
	uint32_t node;

	/* -1: the kernel knows none (Linux drivers/pci/pci-sysfs.c numa_node_show). */
	live.near = number_of(s, f, "numa_node", UINT16_MAX, &node);
	if (live.near)
		live.numa_node = (uint16_t)node;
	if (live.driver || live.power_state || live.iommu_group || live.near || live.vf ||
	    live.asleep)
		*lnk_sysfs_live(a, f) = live;
}

/* ---- Identity ----------------------------------------------------------------------------- */

static bool has_identity(struct lnk_fn *f)
{
	uint32_t id;

	return lnk_cfg_u32(&f->cfg, PCI_VENDOR_ID, &id) && id != 0xffffffff;
}

static void give_layout(struct lnk_arena *a, struct lnk_fn *f, bool bridge, uint32_t class24)
{
	give(a, f, LNK_R_HEADER,
	     !bridge				      ? PCI_HEADER_TYPE_NORMAL :
	     class24 >> 8 == PCI_CLASS_BRIDGE_CARDBUS ? PCI_HEADER_TYPE_CARDBUS :
							PCI_HEADER_TYPE_BRIDGE);
}

static void copied_buses(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f,
			 uint32_t class24)
{
	uint32_t secondary, subordinate;

	if (!number_of(s, f, "secondary_bus_number", 0xff, &secondary) ||
	    !number_of(s, f, "subordinate_bus_number", 0xff, &subordinate))
		return;
	give_layout(a, f, true, class24);
	give(a, f, LNK_R_BUSES, subordinate << 16 | secondary << 8 | f->addr.bus);
}

/* Linux drivers/pci/probe.c, pci_alloc_child_bus(): a bridge has a pci_bus/DOMAIN:BUS. */
static uint8_t bus_below(const struct lnk_sysfs *s, struct lnk_addr addr)
{
	char path[LNK_SYSFS_PATH];
	unsigned domain, bus = 0;
	struct dirent *e;
	DIR *dir;

	dir = lnk_sysfs_path(s, addr, "pci_bus", path) ? opendir(path) : NULL;
	while (dir && !bus && (e = readdir(dir)))
		if (sscanf(e->d_name, "%8x:%2x", &domain, &bus) != 2)
			bus = 0;
	if (dir)
		closedir(dir);
	return (uint8_t)bus;
}

/*
 * Linux 4.13, commit 56c1af4606f0: since then there are link attributes of what has an Express
 * capability, and bus numbers of what has a bridge's header.
 */
static bool knows_links(void)
{
	unsigned major, minor;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > 4 || (major == 4 && minor >= 13);
}

/* The text of the bus numbers' attributes is read from the bridge (drivers/pci/pci-sysfs.c). */
static void live_layout(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f,
			uint32_t class24)
{
	bool bridge = has(s, f->addr, "secondary_bus_number");
	uint32_t vendor, device;

	if (!knows_links() || !(f->attr->known & REG(LNK_R_ID)))
		return;
	give_layout(a, f, bridge, class24);
	if (bridge)
		lnk_sysfs_live(a, f)->secondary = bus_below(s, f->addr);
	/* Of a bridge without that capability the kernel has zeros (drivers/pci/probe.c). */
	if (number_of(s, f, "subsystem_vendor", 0xffff, &vendor) &&
	    number_of(s, f, "subsystem_device", 0xffff, &device) && (!bridge || vendor || device))
		give(a, f, LNK_R_SUBSYS, device << 16 | vendor);
}

void lnk_sysfs_identity(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f)
{
	uint32_t vendor, device, class24, revision = 0;

	if (!s->udev && has_identity(f)) {
		/* Whoever made the copy has woken it. */
		if (f->live)
			f->live->asleep = false;
		return;
	}

	if (number_of(s, f, "vendor", 0xffff, &vendor) &&
	    number_of(s, f, "device", 0xffff, &device))
		give(a, f, LNK_R_ID, device << 16 | vendor);
	if (!number_of(s, f, "class", 0xffffff, &class24))
		return;
	number_of(s, f, "revision", 0xff, &revision);
	give(a, f, LNK_R_CLASS, class24 << 8 | revision);
	if (s->udev)
		live_layout(s, a, f, class24);
	else
		copied_buses(s, a, f, class24);
}

void lnk_sysfs_express(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f)
{
	if (!f->attr || !(f->attr->known & REG(LNK_R_HEADER)))
		return;
	if (has(s, f->addr, "current_link_speed"))
		lnk_sysfs_live(a, f)->express = true;
	/* What was removed meanwhile has no attributes either. */
	else if (has(s, f->addr, "vendor"))
		give(a, f, LNK_R_PCIECAP, LNK_NO_EXPRESS);
}

/* ---- Link --------------------------------------------------------------------------------- */

struct link_attr {
	bool there;
	uint32_t speed; /* code; 0: not known */
	uint32_t width; /* 0: not known */
};

/* What the kernel says for an LNKCAP of 0: an integrated endpoint has none (PCIe 7.5.3.6). */
#define NO_LNKCAP 255

static struct link_attr link_attr(const struct lnk_sysfs *s, const struct lnk_fn *f,
				  const char *speed, const char *width)
{
	struct link_attr l = {0};
	char value[VALUE_MAX];

	if (value_of(s, f, speed, value)) {
		l.there = true;
		l.speed = lnk_speed_code(value);
	}
	if (number_of(s, f, width, NO_LNKCAP, &l.width))
		l.there = true;
	return l;
}

/* In the layout of LNKCAP and LNKSTA, which is the same for speed and width. */
static bool put_link(struct link_attr l, uint32_t *reg)
{
	if (!l.speed || !lnk_width_legal(l.width))
		return false;
	*reg = FIELD_PUT(PCI_EXP_LNKCAP_WIDTH, l.width) | FIELD_PUT(PCI_EXP_LNKCAP_SPEED, l.speed);
	return true;
}

static bool give_link(struct lnk_arena *a, struct lnk_fn *f, enum lnk_reg r, struct link_attr l)
{
	uint32_t reg;

	if (!put_link(l, &reg))
		return false;
	give(a, f, r, reg);
	return true;
}

static struct link_attr current_link(const struct lnk_sysfs *s, const struct lnk_fn *f)
{
	return link_attr(s, f, "current_link_speed", "current_link_width");
}

bool lnk_sysfs_status(const struct lnk_sysfs *s, const struct lnk_fn *f, uint32_t *status)
{
	return put_link(current_link(s, f), status);
}

static bool read_link(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f)
{
	struct link_attr max = link_attr(s, f, "max_link_speed", "max_link_width");
	struct link_attr cur = current_link(s, f);
	bool there = max.there || cur.there, known;
	uint32_t vendor;

	known = give_link(a, f, LNK_R_MAXLINK, max);
	known |= give_link(a, f, LNK_R_CURLINK, cur);
	if (max.there && max.width == NO_LNKCAP) {
		give(a, f, LNK_R_PCIECAP,
		     FIELD_PUT(PCI_EXP_FLAGS_TYPE, LNK_T_RCIEP) | FIELD_PUT(PCI_EXP_FLAGS_VERS, 2));
		known = true;
	}
	/* An attribute that says "Unknown" proves a capability; attrs_read would deny it. */
	if (there ? known : number_of(s, f, "vendor", 0xffff, &vendor))
		lnk_sysfs_live(a, f)->attrs_read = true;
	return there;
}

void lnk_sysfs_links(const struct lnk_sysfs *s, struct lnk_model *m)
{
	bool any = s->udev && knows_links();
	uint32_t byte;
	size_t i;

	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		if ((f->live && f->live->asleep) || f->unread & REG(LNK_R_PCIECAP) ||
		    lnk_cfg_u8(&f->cfg, LNK_HEADER_SIZE, &byte))
			continue;
		any |= read_link(s, &m->arena, f);
	}
	/* An old kernel, or a copy without these files: that they are absent says nothing. */
	for (i = 0; !any && i < m->n_fns; i++)
		if (m->fns[i].live)
			m->fns[i].live->attrs_read = false;
}

/* ---- Errors ------------------------------------------------------------------------------- */

/* Linux drivers/pci/pcie/aer.c: NAME COUNT, one a line; the longer names are of older kernels. */
bool lnk_sysfs_errors(const struct lnk_sysfs *s, struct lnk_addr addr, uint64_t *count)
{
	static const char *const names[] = {
		"Receiver Error",
		"Bad TLP",
		"Bad DLLP",
		"RELAY_NUM Rollover",
		"Replay Timer Timeout",
		"RxErr",
		"BadTLP",
		"BadDLLP",
		"Rollover",
		"Timeout",
	};
	char path[LNK_SYSFS_PATH], table[TABLE_MAX], *line, *save = NULL;
	bool any = false;
	size_t i, n;

	*count = 0;
	if (!lnk_sysfs_path(s, addr, "aer_dev_correctable", path) ||
	    !lnk_sysfs_text(path, table, sizeof(table)))
		return false;
	for (line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			n = strlen(names[i]);
			if (strncmp(line, names[i], n) || line[n] != ' ')
				continue;
			*count += strtoull(line + n, NULL, 10);
			any = true;
		}
	return any;
}
