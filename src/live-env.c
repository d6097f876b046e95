/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-env.c - this machine around the functions: kernel, firmware's names, the processor's signs;
 * env.c says what they mean
 */
#include <dirent.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#if defined(__i386__) || defined(__x86_64__)
#include <cpuid.h>
#endif

#include "live.h"

/* ---- Firmware (DMI) ----------------------------------------------------------------------- */

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

static void read_dmi(struct udev *udev, struct lnk_arena *a, struct lnk_dmi *dmi)
{
	struct udev_device *d = NULL;

	if (udev)
		d = udev_device_new_from_subsystem_sysname(udev, "dmi", "id");
	*dmi = (struct lnk_dmi){
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

/* ---- Processor (CPUID) -------------------------------------------------------------------- */

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
static struct lnk_cpu cpu_read(void)
{
	const struct signature *s, *last = NULL;
	struct lnk_cpu c = {.above = LNK_GUEST_NO};
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

static struct lnk_cpu cpu_read(void)
{
	return (struct lnk_cpu){.above = LNK_GUEST_UNKNOWN};
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
		found = !strncmp(e->d_name, "fw-cfg", 6);
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

void lnk_env_read(struct lnk_model *m, struct udev *udev)
{
	struct lnk_env *env = &m->env;
	struct lnk_cpu cpu = cpu_read();
	struct utsname u;
	struct lnk_dmi dmi;

	if (!uname(&u)) {
		const char *kernel = lnk_strf(&m->arena, "%s %s", u.sysname, u.release);

		env->kernel = lnk_clean(&m->arena, kernel, strlen(kernel));
		env->name = lnk_clean(&m->arena, u.nodename, strlen(u.nodename));
	}
	read_dmi(udev, &m->arena, &dmi);
	env->machine = lnk_dmi_machine(&m->arena, &dmi);
	cpu.root |= is_xen_dom0();
	if (!lnk_env_judge(env, &dmi, &cpu))
		judge_by_tree(env);
}
