/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live.h - what source-live.c, source-config.c and the live-*.c share; nobody else includes it */
#ifndef LNK_LIVE_H
#define LNK_LIVE_H

#include "lnkinspect.h"

struct udev;

/* ---- live-sysfs.c: what sysfs, or a copy of it, says of one function beside its registers ---- */

/* PCI 6.1: what every function has, and what Linux shows to everyone. */
#define LNK_HEADER_SIZE 64

struct lnk_sysfs {
	const char *base;  /* "/sys/bus/pci", or where the copy is; NULL where it is in @store */
	struct udev *udev; /* NULL: a copy */
	/* A copy that was read before: an attribute's text, a link's target; NULL: none such. */
	const char *(*stored)(const void *store, struct lnk_addr addr, const char *name);
	const void *store;
};

extern const struct lnk_sysfs lnk_sysfs_here; /* this machine's, by its files alone */

enum { LNK_SYSFS_PATH = 1024 }; /* as long as libpci takes them */

/* BASE/devices/ADDR/NAME; false if it is too long. */
bool lnk_sysfs_path(const struct lnk_sysfs *s, struct lnk_addr addr, const char *name,
		    char path[LNK_SYSFS_PATH]);
/*
 * The whole of a small regular file, terminated; false if there is none such, or it does not fit.
 * A stranger's tree may hold a FIFO, a device or a link by that name: opening one blocks, does
 * things, or shows what the stranger should not see.
 */
bool lnk_sysfs_text(const char *path, char *buf, size_t size);
/* The function's, which it gets if it has none. */
struct lnk_live *lnk_sysfs_live(struct lnk_arena *a, struct lnk_fn *f);
/* Is it suspended or in D3cold, so that to read it would wake it? Free to ask. */
bool lnk_sysfs_is_asleep(const struct lnk_sysfs *s, const struct lnk_fn *f);
/* Driver, power state, IOMMU group, NUMA node, VF or not, asleep or not: nothing wakes up. */
void lnk_sysfs_state(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f);
/*
 * Who it is and, for a bridge, where it leads: of a copy where its registers do not say. Nothing
 * wakes up, and nothing is read from the function.
 */
void lnk_sysfs_identity(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f);
/* Live, behind that: whether it has an Express capability, where this sysfs tells. */
void lnk_sysfs_express(const struct lnk_sysfs *s, struct lnk_arena *a, struct lnk_fn *f);
/* Speeds and widths where the registers are out of reach; wakes the functions. */
void lnk_sysfs_links(const struct lnk_sysfs *s, struct lnk_model *m);
/* What it runs at, in the layout of LNKSTA; false where sysfs does not tell. Wakes it. */
bool lnk_sysfs_status(const struct lnk_sysfs *s, const struct lnk_fn *f, uint32_t *status);
/* The kernel's count of correctable link errors since boot; false if it keeps none. */
bool lnk_sysfs_errors(const struct lnk_sysfs *s, struct lnk_addr addr, uint64_t *count);

/* ---- live-journal.c: the kernel's lines of this boot, as systemd keeps them ----------------- */

/* Nothing where there is no journal, or it may not be read. */
void lnk_journal_read(struct lnk_facts *f);
/* ---- live-settle.c: LNKSTA once more ------------------------------------------------------- */

#define LNK_LOOK_AFTER 20000000L /* ns: what says the same after that does not move */
#define LNK_LINK_STATE (PCI_EXP_LNKSTA_SPEED | PCI_EXP_LNKSTA_WIDTH)

/* May its LNKSTA be read again, and did it answer the first time? */
bool lnk_settle_can(const struct lnk_fn *f);
/* Past config.c, which reads each dword once; false where it does not answer. */
bool lnk_settle_read(const struct lnk_fn *f, uint32_t *status);
/* Makes @status what it was read to run at: walk.c's fields and the bytes alike. */
void lnk_settle_show(struct lnk_fn *f, uint32_t status);

/* ---- live-env.c: the machine around the functions ------------------------------------------- */

/* Fills guest, hypervisor, accel, sign, machine, kernel. @udev may be NULL. */
void lnk_env_read(struct lnk_model *m, struct udev *udev);

#endif
