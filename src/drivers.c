/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * drivers.c - why a finding matters to the driver that is bound: what it does with what a port says
 *
 * Read in the drivers' sources, not measured. A driver that is not in the table is not known, which
 * is no relief; one that does not care is in it, for that is one.
 */
#include <string.h>

#include "lnkinspect.h"

/* What a finding is about, as far as drivers ask for it. */
enum matter {
	MATTER_NONE,
	MATTER_PORT, /* what the port above says that it can do */
	MATTER_PATH, /* what the hops up to the root say that they run at */
	MATTER_ROOT, /* there is no port: the device stands on a root bus */
};

#define PORT BIT(MATTER_PORT)
#define PATH BIT(MATTER_PATH)
#define ROOT BIT(MATTER_ROOT)
#define ALL  (PORT | PATH | ROOT)

/* The port's maximum speed, as bits of speed codes; 0 is a port that has none. */
#define VOID	 BIT(0)
#define TO_5GT	 (BIT(1) | BIT(2))
#define FROM_8GT (BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7))
#define ANY	 (VOID | TO_5GT | FROM_8GT)

#define NO_CARE                                                                                    \
	"does not size its work by what a port or the path says: at most it writes a line to the " \
	"kernel's log."

static const struct lore {
	const char *driver;
	uint64_t matters;
	uint64_t speeds;
	const char *words; /* behind "The driver, NAME, " */
} lores[] = {
	/* Linux drivers/gpu/drm/amd/amdgpu/amdgpu_device.c amdgpu_device_get_pcie_info() */
	{"amdgpu", PORT, ANY,
	 "takes what the first port above that is not AMD's can do for the slot's limit, or on "
	 "Intel's and some of AMD's processors what the slowest hop of the path runs at. It leaves "
	 "out all generations and lane counts beyond that, and can really drive the card so. Its "
	 "parameters pcie_gen_cap and pcie_lane_cap override what it found."},
	{"amdgpu", PATH, ANY,
	 "takes the slowest hop of the path for the slot's limit on Intel's and some of AMD's "
	 "processors, and leaves out all generations and lane counts beyond that; on others it "
	 "asks a port what it can do. Its parameters pcie_gen_cap and pcie_lane_cap override what "
	 "it found."},
	{"amdgpu", ROOT, ANY,
	 "finds no port to ask and uses generations 1 and 2 only, unless its parameter "
	 "pcie_gen_cap says otherwise."},
	/* Linux drivers/gpu/drm/radeon/si.c si_pcie_gen3_enable(), and its like in cik.c */
	{"radeon", PORT, BIT(2) | BIT(3),
	 "raises the card's speed as far as the port says that it can go, and no further."},
	{"radeon", PORT, ANY,
	 "raises the card's speed below a port of 5GT/s or 8GT/s only: below this one it leaves "
	 "the link as it finds it."},
	{"radeon", ROOT, ANY, "finds no port to ask and leaves the link as it finds it."},
	{"radeon", PATH, ANY,
	 "asks the port right above what it can do, and not for the hops beyond."},
	/* Linux drivers/gpu/drm/nouveau/nvkm/subdev/pci/pcie.c nvkm_pcie_set_link() */
	{"nouveau", PORT, TO_5GT | FROM_8GT,
	 "takes the port's speed for the upper limit of the card's."},
	{"nouveau", PATH, ANY,
	 "takes the speed of the port right above for its limit, and does not ask the hops "
	 "beyond."},
	/* NVIDIA open-gpu-kernel-modules; NCCL src/graph/xml.cc ncclTopoGetXmlFromSys() */
	{"nvidia", PORT, VOID,
	 "maps its copy engines by what the root port says that it can do, unless the hypervisor "
	 "told it otherwise. NCCL counts the lesser of port and device, speed and width apart, and "
	 "takes a width of 0 for 16 lanes."},
	{"nvidia", PORT, ANY,
	 "maps its copy engines by what the root port says that it can do, unless the hypervisor "
	 "told it otherwise. NCCL counts the lesser of port and device, speed and width apart: "
	 "2.5GT/s x1 is 0.19 GB/s to it."},
	/* Linux drivers/infiniband/hw/hfi1/pcie.c pcie_speeds() */
	{"hfi1", PORT, TO_5GT,
	 "does not use 8GT/s below a port that says that it cannot: the card stays at 5GT/s or "
	 "less."},
	{"hfi1", PORT, FROM_8GT,
	 "asks only whether the port can do 8GT/s, and this one says so: nothing is lost."},
	{"hfi1", PATH, ANY,
	 "asks the port right above whether it can do 8GT/s, and not for the hops beyond."},
	/* Linux drivers/net/ethernet/mellanox/mlx5/core/en_main.c slow_pci_heuristic() */
	{"mlx5_core", PORT | PATH, ANY,
	 "compares what the slowest hop of the path says that it runs at with the rate of its "
	 "network port: where that is more than twice as much, it turns on compression of its "
	 "receive completions."},
	/* Linux pcie_print_link_status(), or words of their own from LNKSTA */
	{"xe", ALL, ANY, NO_CARE},
	{"i915", ALL, ANY, NO_CARE},
	{"nvme", ALL, ANY, NO_CARE},
	{"bnxt_en", ALL, ANY, NO_CARE},
	{"e1000e", ALL, ANY, NO_CARE},
	{"i40e", ALL, ANY, NO_CARE},
	{"ice", ALL, ANY, NO_CARE},
	{"igb", ALL, ANY, NO_CARE},
	{"igc", ALL, ANY, NO_CARE},
	{"ixgbe", ALL, ANY, NO_CARE},
	/* Linux drivers/vfio/pci: it drives nothing */
	{"vfio-pci", ALL, ANY,
	 "hands the device on: what its driver in a guest believes, the port says that the guest "
	 "has above it."},
};

static enum matter matter_of(const struct lnk_finding *x)
{
	static const struct {
		const char *id;
		enum matter matter;
	} matters[] = {
		{"LNK001", MATTER_PORT}, {"LNK002", MATTER_PORT}, {"LNK008", MATTER_PATH},
		{"LNK102", MATTER_PORT}, {"LNK201", MATTER_ROOT}, {"LNK202", MATTER_ROOT},
		{"LNK203", MATTER_PORT}, {"LNK204", MATTER_PORT},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(matters); i++)
		if (!strcmp(x->rule->id, matters[i].id))
			return matters[i].matter;
	return MATTER_NONE;
}

static const struct lore *lore_of(const struct lnk_fn *f, enum matter matter, unsigned speed)
{
	size_t i;

	if (!f->live || !f->live->driver)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(lores); i++)
		if (!strcmp(lores[i].driver, f->live->driver) && lores[i].matters & BIT(matter) &&
		    lores[i].speeds & BIT(speed))
			return &lores[i];
	return NULL;
}

/* Of the functions of @f's device the first whose driver is known. */
static const struct lore *lore_of_device(const struct lnk_fn *f, enum matter matter, unsigned speed)
{
	const struct lnk_fn *all = f->parent ? f->parent->children : NULL;
	const struct lore *lore = lore_of(f, matter, speed);
	uint32_t i;

	for (i = 0; !lore && all && i < f->parent->n_children; i++)
		if (all[i].addr.devfn >> 3 == f->addr.devfn >> 3)
			lore = lore_of(&all[i], matter, speed);
	return lore;
}

/* A card with a switch of its own: the device is behind it, and its driver looks past that. */
static const struct lnk_fn *device_below(const struct lnk_fn *f)
{
	uint32_t i;

	if (!(f->quirks & LNK_Q_ONCARD))
		return f;
	for (i = 0; i < f->n_children; i++)
		if (f->children[i].n_children)
			return f->children[i].children;
	return f;
}

static const char *here(struct lnk_arena *a, const struct lnk_finding *x)
{
	enum matter matter = matter_of(x);
	const struct lnk_fn *port = x->above, *f = x->below;
	const struct lore *lore;

	if (matter == MATTER_NONE)
		return NULL;
	if (!f && lnk_faces_down(x->fn)) {
		port = x->fn;
		f = port->below ? port->below->below : NULL;
	} else if (!f) {
		f = x->fn;
	}
	/* Below a conventional bridge no driver was read for what it does. */
	if (!f || (matter == MATTER_ROOT && f->place != LNK_AT_ROOT))
		return NULL;
	lore = lore_of_device(device_below(f), matter, port ? port->max_speed : 0);
	return lore ? lnk_strf(a, "The driver, %s, %s", lore->driver, lore->words) : NULL;
}

void lnk_drivers_tell(struct lnk_model *m)
{
	size_t i;

	for (i = 0; i < m->n_findings; i++)
		m->findings[i].here = here(&m->arena, &m->findings[i]);
}
