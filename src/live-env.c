/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-env.c - the machine around the functions: kernel, firmware's name, guest or not, whose guest
 *
 * The order of trust is that of systemd-detect-virt: firmware (DMI) names the product, the
 * processor (CPUID) says whether there is a hypervisor at all, and two kinds of system run above a
 * hypervisor and on real hardware all the same: Xen's dom0 and Hyper-V's root partition.
 */
#include <dirent.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#if defined(__i386__) || defined(__x86_64__)
#include <cpuid.h>
#endif

#include "live.h"

/* ---- Firmware (DMI) ----------------------------------------------------------------------- */

struct dmi {
	const char *sys_vendor, *product_name, *product_version; /* clean; "" where not known */
	const char *board_vendor, *board_name, *bios_vendor, *chassis_version;
};

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

static const char *sysattr(struct udev_device *d, struct lnk_arena *a, const char *name)
{
	const char *value = d ? udev_device_get_sysattr_value(d, name) : NULL;
	size_t n;

	if (!value)
		return "";
	value += strspn(value, " \t");
	for (n = strlen(value); n && strchr(" \t\n", value[n - 1]); n--)
		;
	return lnk_clean(a, value, n);
}

static void read_dmi(struct udev *udev, struct lnk_arena *a, struct dmi *dmi)
{
	struct udev_device *d = NULL;

	if (udev)
		d = udev_device_new_from_subsystem_sysname(udev, "dmi", "id");
	*dmi = (struct dmi){
		.sys_vendor = sysattr(d, a, "sys_vendor"),
		.product_name = sysattr(d, a, "product_name"),
		.product_version = sysattr(d, a, "product_version"),
		.board_vendor = sysattr(d, a, "board_vendor"),
		.board_name = sysattr(d, a, "board_name"),
		.bios_vendor = sysattr(d, a, "bios_vendor"),
		.chassis_version = sysattr(d, a, "chassis_version"),
	};
	udev_device_unref(d);
}

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

static const char *product_name(struct lnk_arena *a, const struct dmi *dmi)
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
static const char *machine_name(struct lnk_arena *a, const struct dmi *dmi)
{
	const char *name = product_name(a, dmi), *type = dmi->chassis_version;

	if (!name || !starts(type, "pc-") || strstr(name, type))
		return name;
	return lnk_strf(a, "%s (%s)", name, type);
}

static const struct product *product_of(const struct dmi *dmi)
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

/* ---- Processor (CPUID) -------------------------------------------------------------------- */

/* What a processor calls the hypervisor above it. */
struct cpu {
	enum lnk_guest above;	/* is there a hypervisor? */
	const char *hypervisor; /* NULL: not known which */
	const char *accel;	/* what runs the guest's code, where that is not the product */
	bool root;		/* there is, but this system owns the hardware */
};

#if defined(__i386__) || defined(__x86_64__)

/* Intel SDM and AMD APM leave leaf 1's ECX bit 31 and the leaves from 40000000 to hypervisors. */
#define CPUID_HYPERVISOR BIT(31)
#define LEAF_FIRST	 0x40000000u
#define LEAF_STEP	 0x100u
#define LEAF_LAST	 0x40000400u

/* Microsoft's hypervisor specification 2.4.4, leaf 40000003, EBX: privileges of this partition. */
#define HV_FEATURES	     3u
#define HV_CREATE_PARTITIONS BIT(0)
#define HV_CPU_MANAGEMENT    BIT(12)
#define HV_ISOLATION	     BIT(22)

static const struct signature {
	char text[13];
	const char *hypervisor, *accel;
} signatures[] = {
	{"KVMKVMKVM", "KVM", "KVM"},	     {"Linux KVM Hv", "KVM", "KVM"},
	{"TCGTCGTCGTCG", "QEMU", "TCG"},     {"XenVMMXenVMM", "Xen", NULL},
	{"VMwareVMware", "VMware", NULL},    {"VBoxVBoxVBox", "VirtualBox", NULL},
	{"bhyve bhyve ", "bhyve", NULL},     {" lrpepyh  vr", "Parallels", NULL},
	{" prl hyperv ", "Parallels", NULL}, {"ACRNACRNACRN", "ACRN", NULL},
	{"Microsoft Hv", "Hyper-V", NULL},
};

static const struct signature *signature_at(unsigned leaf)
{
	unsigned eax, ebx, ecx, edx;
	char text[13] = {0};
	size_t i;

	__cpuid(leaf, eax, ebx, ecx, edx);
	memcpy(text, &ebx, 4);
	memcpy(text + 4, &ecx, 4);
	memcpy(text + 8, &edx, 4);
	for (i = 0; i < ARRAY_SIZE(signatures); i++)
		if (!strcmp(text, signatures[i].text))
			return &signatures[i];
	return NULL;
}

/* Linux arch/x86/kernel/cpu/mshyperv.c: may create partitions and manage processors. */
static bool is_hyperv_root(void)
{
	unsigned eax, ebx, ecx, edx;

	__cpuid(LEAF_FIRST + HV_FEATURES, eax, ebx, ecx, edx);
	return ebx & HV_CREATE_PARTITIONS && ebx & HV_CPU_MANAGEMENT && !(ebx & HV_ISOLATION);
}

/*
 * KVM and Xen can pose as Hyper-V for Windows' sake and then show their own name some leaves on, so
 * the last name counts.
 */
static struct cpu cpu_read(void)
{
	const struct signature *s, *last = NULL;
	struct cpu c = {.above = LNK_GUEST_NO};
	unsigned eax, ebx, ecx, edx, leaf;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & CPUID_HYPERVISOR))
		return c;
	c.above = LNK_GUEST_YES;
	for (leaf = LEAF_FIRST; leaf <= LEAF_LAST; leaf += LEAF_STEP) {
		s = signature_at(leaf);
		if (s)
			last = s;
	}
	if (!last)
		return c;
	c.hypervisor = last->hypervisor;
	c.accel = last->accel;
	c.root = !strcmp(last->hypervisor, "Hyper-V") && is_hyperv_root();
	return c;
}

#else

static struct cpu cpu_read(void)
{
	return (struct cpu){.above = LNK_GUEST_UNKNOWN};
}

#endif

/* ---- Xen ---------------------------------------------------------------------------------- */

/* Linux include/xen/interface/features.h, XENFEAT_dom0 */
#define XEN_DOM0 BIT(11)

static bool is_xen_dom0(void)
{
	char text[256];

	if (lnk_sysfs_text("/sys/hypervisor/properties/features", text, sizeof(text)))
		return strtoull(text, NULL, 16) & XEN_DOM0;
	return lnk_sysfs_text("/proc/xen/capabilities", text, sizeof(text)) &&
	       strstr(text, "control_d");
}

/* ---- Device tree -------------------------------------------------------------------------- */

#define TREE "/sys/firmware/devicetree/base"

/* Does one of the strings of a device tree property contain @what? */
static bool tree_says(const char *property, const char *what)
{
	char text[1024], path[256];
	const char *s;

	memset(text, 0, sizeof(text));
	snprintf(path, sizeof(path), TREE "/%s", property);
	if (!lnk_sysfs_text(path, text, sizeof(text) - 1))
		return false;
	for (s = text; *s; s += strlen(s) + 1)
		if (strstr(s, what))
			return true;
	return false;
}

/* QEMU's firmware configuration device: node fw-cfg@ADDRESS. */
static bool tree_has_fw_cfg(void)
{
	DIR *dir = opendir(TREE);
	struct dirent *e;
	bool found = false;

	if (!dir)
		return false;
	while (!found && (e = readdir(dir)))
		found = starts(e->d_name, "fw-cfg");
	closedir(dir);
	return found;
}

static void judge_by_tree(struct lnk_env *env)
{
	if (tree_says("model", "emulated by qemu") || tree_says("compatible", "qemu") ||
	    tree_says("compatible", "riscv-virtio") || tree_has_fw_cfg())
		env->hypervisor = "QEMU";
	else if (tree_says("hypervisor/compatible", "linux,kvm"))
		env->hypervisor = "KVM";
	else if (tree_says("hypervisor/compatible", "vmware"))
		env->hypervisor = "VMware";
	else if (tree_says("hypervisor/compatible", "xen"))
		env->hypervisor = "Xen";
	else if (!tree_says("compatible", "linux,dummy-virt"))
		return;
	env->guest = LNK_GUEST_YES;
	env->sign = "device tree";
}

/* ---- The verdict -------------------------------------------------------------------------- */

static void judge_by_cpu(struct lnk_env *env, const struct cpu *cpu, const struct product *p)
{
	env->guest = LNK_GUEST_YES;
	env->hypervisor = p ? p->hypervisor : cpu->hypervisor;
	env->sign = p ? "hypervisor bit, DMI" : "hypervisor bit";
	if (env->hypervisor && !strcmp(env->hypervisor, "QEMU"))
		env->accel = cpu->accel;
}

/* Without a processor that tells: EC2 alone has another name for its machines without a guest. */
static void judge_by_dmi(struct lnk_env *env, const struct dmi *dmi, const struct product *p)
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

void lnk_env_read(struct lnk_model *m, struct udev *udev)
{
	struct lnk_env *env = &m->env;
	const struct product *p;
	struct cpu cpu = cpu_read();
	struct utsname u;
	struct dmi dmi;

	if (!uname(&u)) {
		const char *kernel = lnk_strf(&m->arena, "%s %s", u.sysname, u.release);

		env->kernel = lnk_clean(&m->arena, kernel, strlen(kernel));
	}
	read_dmi(udev, &m->arena, &dmi);
	env->machine = machine_name(&m->arena, &dmi);
	p = product_of(&dmi);
	if (cpu.root || is_xen_dom0())
		env->guest = LNK_GUEST_NO;
	else if (cpu.above == LNK_GUEST_YES)
		judge_by_cpu(env, &cpu, p);
	else if (p && (cpu.above == LNK_GUEST_UNKNOWN || p->bare == BARE_NEVER))
		judge_by_dmi(env, &dmi, p);
	else if (cpu.above == LNK_GUEST_NO)
		env->guest = LNK_GUEST_NO;
	else
		judge_by_tree(env);
}
