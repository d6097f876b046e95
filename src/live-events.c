/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-events.c - what the kernel says of PCI functions that come, go and change
 *
 * The kernel's own events, not udev's: they need no udevd, and its restart loses none.
 */
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live.h"

/* Of this size thousands of events fit; the kernel grants less to who is not root. */
#define RECEIVE_BUFFER (16 << 20)
/* Read at once; who calls has more to do. */
#define AT_ONCE 1000

/* Linux include/linux/proc_ns.h, PROC_USER_INIT_INO: the first user namespace. */
#define FIRST_USER_NS 0xeffffffdu

/* libudev believes nobody but that one's root, who may have no name in this one. */
static bool is_doubtful(void)
{
	struct stat st;

	return !stat("/proc/self/ns/user", &st) && st.st_ino != FIRST_USER_NS;
}

/* Only the network namespaces that it owns are sent to (Linux lib/kobject_uevent.c). */
static bool is_deaf(void)
{
	int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), owner;
	struct stat st;
	bool deaf;

	if (net < 0)
		return false;
	owner = ioctl(net, NS_GET_USERNS);
	close(net);
	if (owner < 0)
		return false;
	deaf = !fstat(owner, &st) && st.st_ino != FIRST_USER_NS;
	close(owner);
	return deaf;
}

static int fail(struct lnk_events *e, struct lnk_err *err, int code)
{
	lnk_events_close(e);
	return lnk_fail(err, code ? code : -EIO, "cannot listen for events of the kernel: %s",
			strerror(code ? -code : EIO));
}

int lnk_events_open(struct lnk_events *e, struct lnk_err *err)
{
	struct udev *udev;
	int rc;

	*e = (struct lnk_events){.fd = -1};
	if (is_deaf())
		return lnk_fail(err, -EOPNOTSUPP,
				"the kernel sends no events into this container (a "
				"user namespace)");
	udev = udev_new();
	errno = 0;
	e->monitor = udev ? udev_monitor_new_from_netlink(udev, "kernel") : NULL;
	rc = -errno;
	udev_unref(udev);
	if (!e->monitor)
		return fail(e, err, rc);
	/* More than is granted is no error: what is lost is noticed. */
	udev_monitor_set_receive_buffer_size(e->monitor, RECEIVE_BUFFER);
	rc = udev_monitor_filter_add_match_subsystem_devtype(e->monitor, "pci", NULL);
	if (rc >= 0)
		rc = udev_monitor_enable_receiving(e->monitor);
	if (rc < 0)
		return fail(e, err, rc);
	e->fd = udev_monitor_get_fd(e->monitor);
	e->doubtful = is_doubtful();
	return 0;
}

/* A driver that comes or goes changes nothing that is judged. */
static bool tells(struct udev_device *d)
{
	const char *action = udev_device_get_action(d);

	return !action || (strcmp(action, "bind") && strcmp(action, "unbind"));
}

int lnk_events_drain(struct lnk_events *e)
{
	struct udev_device *d;
	int i, any = 0;

	for (i = 0; i < AT_ONCE; i++) {
		errno = 0;
		d = udev_monitor_receive_device(e->monitor);
		if (d)
			any |= tells(d);
		else if (errno == EAGAIN)
			return any;
		else if (errno == EBADF || errno == ENOTSOCK || errno == ENOTCONN)
			return -errno;
		else if (errno != EINTR)
			/* ENOBUFS: some were lost; else one that libudev cannot read. */
			any = 1;
		udev_device_unref(d);
	}
	return any;
}

void lnk_events_close(struct lnk_events *e)
{
	udev_monitor_unref(e->monitor);
	*e = (struct lnk_events){.fd = -1};
}
