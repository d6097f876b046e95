/* SPDX-License-Identifier: GPL-2.0-or-later */
/* remedy.c - a finding plus the hypervisor to what the owner of the host should change */
#include <string.h>

#include "lnkinspect.h"

/* x-speed's values are GT/s with '_' for the point (QEMU hw/core/qdev-properties-system.c). */
static const char *x_speed(unsigned code)
{
	static const char *const values[] = {"", "2_5", "5", "8", "16", "32", "64"};

	return code < ARRAY_SIZE(values) ? values[code] : "64";
}

/*
 * The port's new link: what the device can do or does, whichever is more. The caveat belongs to the
 * advice: this changes what the guest is told, not the silicon.
 */
static char *set_port(struct lnk_arena *a, const struct lnk_fn *f)
{
	unsigned speed = f->max_speed > f->cur_speed ? f->max_speed : f->cur_speed;
	unsigned width = f->max_width > f->cur_width ? f->max_width : f->cur_width;

	return lnk_strf(
		a,
		" With QEMU: -device pcie-root-port,...,x-speed=%s,x-width=%u for this port "
		"(libvirt: qemu:override for its controller; Proxmox: args). This changes what "
		"the guest is told, not the silicon.",
		x_speed(speed), width);
}

static bool needs_port_set(const struct lnk_finding *f)
{
	static const char *const ids[] = {"LNK001", "LNK002", "LNK203", "LNK204"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ids); i++)
		if (!strcmp(f->rule->id, ids[i]))
			return true;
	return false;
}

char *lnk_remedy(struct lnk_arena *a, const struct lnk_model *m, const struct lnk_finding *f)
{
	const char *hypervisor = m->env.hypervisor;
	bool qemu = !hypervisor || !strcmp(hypervisor, "QEMU");
	const char *more = "";

	if (!needs_port_set(f))
		return lnk_strf(a, "%s", f->rule->fix);
	if (qemu && f->above->quirks & (LNK_Q_GENERIC | LNK_Q_FIXED))
		more = set_port(a, f->below);
	else if (!qemu && m->env.guest == LNK_GUEST_YES)
		more = lnk_strf(a, " %s has no setting for it that we know of: ask its operator.",
				hypervisor);
	return lnk_strf(a, "%s%s", f->rule->fix, more);
}
