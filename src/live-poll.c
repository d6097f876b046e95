/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live-poll.c - is the machine as it was judged: its functions, what its links run at? */
#include <dirent.h>
#include <pci/header.h>
#include <sys/stat.h>

#include "live.h"

#define SEEN (LNK_LINK_STATE | PCI_EXP_LNKSTA_DL_ACT)

/* PCI 6.1: all ones are nobody's ids. */
static bool answers(const struct lnk_fn *f)
{
	uint8_t id[2];

	return lnk_cfg_fetch(f->cfg.live, PCI_VENDOR_ID, id, sizeof(id)) && (id[0] & id[1]) != 0xff;
}

/* What read all ones, or had no speed, may have come back without an event. */
static bool came_back(const struct lnk_fn *f)
{
	uint32_t status;

	if (f->cfg.open && f->reach == LNK_READ_FFS)
		return answers(f);
	if (f->cfg.open && f->link_ones)
		return lnk_settle_read(f, &status);
	return f->live && f->live->express && !f->express && !lnk_knows(f, LNK_R_CURLINK) &&
	       lnk_sysfs_status(&lnk_sysfs_here, f, &status);
}

static bool runs_otherwise(const struct lnk_fn *f)
{
	uint32_t status;

	if (f->from_attr & REG(LNK_R_CURLINK))
		return !lnk_sysfs_status(&lnk_sysfs_here, f, &status) ||
		       status != f->reg[LNK_R_CURLINK];
	if (!lnk_settle_can(f))
		return came_back(f);
	return !lnk_settle_read(f, &status) || (status ^ f->reg[LNK_R_LNKSTA]) & SEEN;
}

static bool was_asleep(const struct lnk_fn *f)
{
	return f->live && f->live->asleep;
}

/* What fell asleep since cannot be asked, and what it ran at stands. */
static bool has_changed(const struct lnk_fn *f)
{
	return f && !was_asleep(f) && !lnk_sysfs_is_asleep(&lnk_sysfs_here, f) && runs_otherwise(f);
}

/* A link to nothing is what is about to go. */
static bool is_there(struct lnk_addr addr)
{
	char path[LNK_SYSFS_PATH];
	struct stat st;

	return lnk_sysfs_path(&lnk_sysfs_here, addr, ".", path) && !stat(path, &st);
}

/* Are there others than those of @m, or not all of them? To list them reads none. */
static bool are_others(const struct lnk_model *m)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct lnk_addr addr;
	struct dirent *e;
	bool other = false;
	size_t n = 0;

	while (dir && !other && (e = readdir(dir))) {
		if (!lnk_addr_parse(e->d_name, &addr))
			continue;
		if (lnk_model_find(m, addr))
			n++;
		else
			other = is_there(addr);
	}
	if (dir)
		closedir(dir);
	return dir && (other || n < m->n_fns);
}

bool lnk_live_poll(const struct lnk_model *m)
{
	size_t i;

	/* Another method than sysfs may list others; it has no attributes. */
	if (m->n_fns && m->fns[0].attr && are_others(m))
		return true;
	for (i = 0; i < m->n_fns; i++)
		if (m->fns[i].shown && was_asleep(&m->fns[i]) &&
		    !lnk_sysfs_is_asleep(&lnk_sysfs_here, &m->fns[i]))
			return true;
	for (i = 0; i < m->n_links; i++)
		if (m->links[i].below->shown &&
		    (has_changed(m->links[i].above) || has_changed(m->links[i].below)))
			return true;
	return false;
}

void lnk_live_close(struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_fns; i++)
		m->fns[i].cfg.open = false;
}
