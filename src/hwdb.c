/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hwdb.c - vendor and device names: udev's hardware database, then libpci's pci.ids */
#include <libudev.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "lnkinspect.h"

/* Vendor in the upper half, device in the lower; the function that has them. Looked up sorted. */
struct id {
	uint32_t id;
	struct lnk_fn *fn;
};

/* Both are opened once: reading pci.ids takes longer than judging a capture. */
static struct {
	struct udev *udev;
	struct udev_hwdb *hwdb;
	struct pci_access *pci;
	bool no_pci_ids;
} db;

/* libpci ends the process where its error() returns. */
static jmp_buf giving_up;

static PCI_PRINTF(1, 2) PCI_NONRET void give_up(char *msg, ...)
{
	(void)msg;
	longjmp(giving_up, 1);
}

static PCI_PRINTF(1, 2) void say_nothing(char *msg, ...)
{
	(void)msg;
}

/* pci.ids is opened with the first name that the hardware database lacks. */
static struct pci_access *pci_ids(void)
{
	if (db.pci)
		return db.pci;
	db.pci = pci_alloc();
	db.pci->error = give_up;
	db.pci->warning = say_nothing;
	db.pci->debug = say_nothing;
	/* No file in the home directory, no DNS (pciutils lib/names.c). */
	db.pci->id_lookup_mode = 0;
	return db.pci;
}

#define PCI_IDS_FLAGS (PCI_LOOKUP_NO_NUMBERS | PCI_LOOKUP_NO_HWDB)

static const char *from_pci_ids(struct lnk_arena *a, enum pci_lookup_mode what, unsigned vendor,
				unsigned device)
{
	char buf[256];
	const char *s;

	if (db.no_pci_ids)
		return NULL;
	/* A broken pci.ids is none: it would be read again for every name. */
	if (setjmp(giving_up)) {
		db.no_pci_ids = true;
		return NULL;
	}
	s = pci_lookup_name(pci_ids(), buf, sizeof(buf), (int)what | PCI_IDS_FLAGS, vendor, device);
	return s ? lnk_clean(a, s, strlen(s)) : NULL;
}

/* systemd hwdb.d/20-pci-vendor-model.hwdb: keys are the start of a modalias. */
static const char *from_hwdb(struct lnk_arena *a, const char *modalias, const char *key)
{
	struct udev_list_entry *e;
	const char *s;

	if (!db.hwdb)
		return NULL;
	e = udev_hwdb_get_properties_list_entry(db.hwdb, modalias, 0);
	e = udev_list_entry_get_by_name(e, key);
	s = e ? udev_list_entry_get_value(e) : NULL;
	return s && *s ? lnk_clean(a, s, strlen(s)) : NULL;
}

static const char *vendor_name(struct lnk_arena *a, unsigned vendor)
{
	char modalias[32];
	const char *s;

	snprintf(modalias, sizeof(modalias), "pci:v%08X", vendor);
	s = from_hwdb(a, modalias, "ID_VENDOR_FROM_DATABASE");
	return s ? s : from_pci_ids(a, PCI_LOOKUP_VENDOR, vendor, 0);
}

static const char *device_name(struct lnk_arena *a, unsigned vendor, unsigned device)
{
	char modalias[32];
	const char *s;

	snprintf(modalias, sizeof(modalias), "pci:v%08Xd%08X", vendor, device);
	s = from_hwdb(a, modalias, "ID_MODEL_FROM_DATABASE");
	return s ? s : from_pci_ids(a, PCI_LOOKUP_DEVICE, vendor, device);
}

static int by_id(const void *a, const void *b)
{
	const struct id *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void fill(struct lnk_arena *a, struct id *ids, size_t n_ids)
{
	size_t i;

	for (i = 0; i < n_ids; i++) {
		struct lnk_fn *f = ids[i].fn, *before = i ? ids[i - 1].fn : NULL;

		if (before && ids[i - 1].id == ids[i].id) {
			f->vendor_name = before->vendor_name;
			f->device_name = before->device_name;
			continue;
		}
		f->vendor_name = before && before->vendor == f->vendor ? before->vendor_name :
									 vendor_name(a, f->vendor);
		if (f->vendor_name)
			f->device_name = device_name(a, f->vendor, f->device);
	}
}

void lnk_hwdb_fill(struct lnk_model *m)
{
	struct id *ids = lnk_xmalloc(m->n_fns * sizeof(*ids));
	size_t n_ids = 0, i;

	for (i = 0; i < m->n_fns; i++) {
		struct lnk_fn *f = &m->fns[i];

		/* ffff is what nobody answers with (PCI 6.1). */
		if (lnk_knows(f, LNK_R_ID) && f->vendor != 0xffff)
			ids[n_ids++] = (struct id){(uint32_t)f->vendor << 16 | f->device, f};
	}
	qsort(ids, n_ids, sizeof(*ids), by_id);
	if (!db.udev)
		db.udev = udev_new();
	if (db.udev && !db.hwdb)
		db.hwdb = udev_hwdb_new(db.udev);
	fill(&m->arena, ids, n_ids);
	free(ids);
}

void lnk_hwdb_end(void)
{
	if (db.pci)
		pci_cleanup(db.pci);
	udev_hwdb_unref(db.hwdb);
	udev_unref(db.udev);
	memset(&db, 0, sizeof(db));
}
