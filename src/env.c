/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * env.c - guest or not, and whose: what firmware's names and a processor's signs mean
 *
 * The order of trust is that of systemd-detect-virt: firmware (DMI) names the product, the
 * processor (CPUID) says whether there is a hypervisor at all, and two kinds of system run above a
 * hypervisor and on real hardware all the same: Xen's dom0 and Hyper-V's root partition.
 */
#include <string.h>
#include <strings.h>

#include "lnkinspect.h"

/* ---- Firmware (DMI) ----------------------------------------------------------------------- */

enum bare { BARE_NEVER, BARE_TOO };

/* What a hypervisor's firmware calls itself; a name is matched from its beginning. */
static const struct product {
	const char *vendor, *product; /* NULL: any */
	const char *hypervisor;
	enum bare bare; /* BARE_TOO: the provider's machines without a hypervisor say the same */
} products[] = {
	{"Microsoft Corporation", "Virtual Machine", "Hyper-V", BARE_NEVER},
	{NULL, "Apple Virtualization", "Apple Virtualization", BARE_NEVER},
	{NULL, "Google Compute Engine", "Google Compute Engine", BARE_TOO},
	{"Amazon EC2", NULL, "Amazon EC2", BARE_TOO},
	{NULL, "VMware", "VMware", BARE_NEVER},
	{"VMware", NULL, "VMware", BARE_NEVER},
	{NULL, "VirtualBox", "VirtualBox", BARE_NEVER},
	{"innotek GmbH", NULL, "VirtualBox", BARE_NEVER},
	{"Xen", NULL, "Xen", BARE_NEVER},
	{NULL, "Parallels", "Parallels", BARE_NEVER},
	{"Parallels", NULL, "Parallels", BARE_NEVER},
	{NULL, "BHYVE", "bhyve", BARE_NEVER},
	{NULL, "crosvm", "crosvm", BARE_NEVER},
	{"Cloud Hypervisor", NULL, "Cloud Hypervisor", BARE_NEVER},
	/* QEMU, under its own name and under those of what is built on it. */
	{"QEMU", NULL, "QEMU", BARE_NEVER},
	{NULL, "QEMU", "QEMU", BARE_NEVER},
	{NULL, "Standard PC (", "QEMU", BARE_NEVER},
	{NULL, "KVM", "QEMU", BARE_NEVER},
	{NULL, "OpenStack", "QEMU", BARE_NEVER},
	{"KubeVirt", NULL, "QEMU", BARE_NEVER},
	{"Red Hat", NULL, "QEMU", BARE_NEVER},
	{"oVirt", NULL, "QEMU", BARE_NEVER},
	{"Nutanix", "AHV", "QEMU", BARE_NEVER},
};

/* What firmware is shipped with where nobody filled in a name. */
static bool says_something(const char *s)
{
	static const char *const fillers[] = {
		"",
		"None",
		"Not Specified",
		"Not Applicable",
		"N/A",
		"Default string",
		"To be filled by O.E.M.",
		"System Product Name",
		"System Version",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fillers); i++)
		if (!strcasecmp(s, fillers[i]))
			return false;
	return true;
}

static const char *join(struct lnk_arena *a, const char *one, const char *two)
{
	if (!says_something(one))
		return NULL;
	return says_something(two) ? lnk_strf(a, "%s %s", one, two) : one;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static const char *product_name(struct lnk_arena *a, const struct lnk_dmi *dmi)
{
	const char *name = join(a, dmi->product_name, dmi->product_version);

	if (!name)
		name = join(a, dmi->board_vendor, dmi->board_name);
	return name ? name : join(a, dmi->sys_vendor, "");
}

/*
 * Clouds give their guests product names of their own, which takes QEMU's machine type away. The
 * chassis keeps it (QEMU hw/smbios/smbios.c: version of types 1 and 3 is the machine type's name).
 */
const char *lnk_dmi_machine(struct lnk_arena *a, const struct lnk_dmi *dmi)
{
	const char *name = product_name(a, dmi), *type = dmi->chassis_version;

	if (!name || !starts(type, "pc-") || strstr(name, type))
		return name;
	return lnk_strf(a, "%s (%s)", name, type);
}

static const struct product *product_of(const struct lnk_dmi *dmi)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(products); i++) {
		const struct product *p = &products[i];

		if (p->product && !starts(dmi->product_name, p->product))
			continue;
		if (!p->vendor || starts(dmi->sys_vendor, p->vendor) ||
		    starts(dmi->board_vendor, p->vendor) || starts(dmi->bios_vendor, p->vendor))
			return p;
	}
	return NULL;
}

const char *lnk_dmi_hypervisor(const struct lnk_dmi *dmi)
{
	const struct product *p = product_of(dmi);

	return p ? p->hypervisor : NULL;
}

/* ---- The verdict -------------------------------------------------------------------------- */

static void judge_by_cpu(struct lnk_env *env, const struct lnk_cpu *cpu, const struct product *p)
{
	env->guest = LNK_GUEST_YES;
	env->hypervisor = p ? p->hypervisor : cpu->hypervisor;
	env->sign = p ? "hypervisor bit, DMI" : "hypervisor bit";
	if (env->hypervisor && !strcmp(env->hypervisor, "QEMU"))
		env->accel = cpu->accel;
}

/* Without a processor that tells: EC2 alone has another name for its machines without a guest. */
static void judge_by_dmi(struct lnk_env *env, const struct lnk_dmi *dmi, const struct product *p)
{
	if (p->bare == BARE_TOO && strcmp(p->hypervisor, "Amazon EC2"))
		return;
	if (p->bare == BARE_TOO && strstr(dmi->product_name, ".metal")) {
		env->guest = LNK_GUEST_NO;
		return;
	}
	env->guest = LNK_GUEST_YES;
	env->hypervisor = p->hypervisor;
	env->sign = "DMI";
}

bool lnk_env_judge(struct lnk_env *env, const struct lnk_dmi *dmi, const struct lnk_cpu *cpu)
{
	const struct product *p = product_of(dmi);

	if (cpu->root)
		env->guest = LNK_GUEST_NO;
	else if (cpu->above == LNK_GUEST_YES)
		judge_by_cpu(env, cpu, p);
	else if (p && (cpu->above == LNK_GUEST_UNKNOWN || p->bare == BARE_NEVER))
		judge_by_dmi(env, dmi, p);
	else if (cpu->above == LNK_GUEST_NO)
		env->guest = LNK_GUEST_NO;
	else
		return false;
	return true;
}
