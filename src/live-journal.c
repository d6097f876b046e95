/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live-journal.c - the kernel's lines of this boot as systemd's journal keeps them
 *
 * For users who may not read the kernel's own ring, and for what that has lost. libsystemd is
 * loaded when it is needed: a machine without it has no journal either.
 */
#include <dlfcn.h>
#include <string.h>
#include <systemd/sd-journal.h>

#include "live.h"

#define LIBRARY	    "libsystemd.so.0"
#define MAX_ENTRIES 20000u /* of PCI devices since boot; each function gets about five */
#define MAX_TEXT    1024u  /* bytes of a field that are unpacked */

#define EACH_FUNCTION(F)                                                                           \
	F(sd_id128_get_boot)                                                                       \
	F(sd_id128_to_string)                                                                      \
	F(sd_journal_add_match)                                                                    \
	F(sd_journal_close)                                                                        \
	F(sd_journal_get_data)                                                                     \
	F(sd_journal_next)                                                                         \
	F(sd_journal_open)                                                                         \
	F(sd_journal_seek_head)                                                                    \
	F(sd_journal_set_data_threshold)

#define DECLARE(f) __typeof__(f) *f;
struct systemd {
	EACH_FUNCTION(DECLARE)
};

static bool load(void *library, struct systemd *sd)
{
	static const char *const names[] = {
#define NAME(f) #f,
		EACH_FUNCTION(NAME)};
	void **const functions[] = {
#define PLACE(f) (void **)&sd->f,
		EACH_FUNCTION(PLACE)};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		*functions[i] = dlsym(library, names[i]);
		if (!*functions[i])
			return false;
	}
	return true;
}

/*
 * systemd.journal-fields(7): of this boot, by the kernel itself, about PCI devices. Programs that
 * write into the kernel's ring have another facility.
 */
static bool choose(const struct systemd *sd, sd_journal *j)
{
	char boot[sizeof("_BOOT_ID=") + SD_ID128_STRING_MAX] = "_BOOT_ID=";
	const char *const matches[] = {
		boot,
		"_TRANSPORT=kernel",
		"SYSLOG_FACILITY=0",
		"_KERNEL_SUBSYSTEM=pci",
	};
	sd_id128_t id;
	size_t i;

	if (sd->sd_id128_get_boot(&id) < 0)
		return false;
	sd->sd_id128_to_string(id, boot + strlen(boot));
	for (i = 0; i < ARRAY_SIZE(matches); i++)
		if (sd->sd_journal_add_match(j, matches[i], 0) < 0)
			return false;
	sd->sd_journal_set_data_threshold(j, MAX_TEXT);
	return sd->sd_journal_seek_head(j) >= 0;
}

static void take_entries(const struct systemd *sd, sd_journal *j, struct lnk_facts *f)
{
	static const size_t name = sizeof("MESSAGE=") - 1;
	const void *data;
	unsigned i;
	size_t n;

	for (i = 0; i < MAX_ENTRIES && sd->sd_journal_next(j) > 0; i++)
		if (sd->sd_journal_get_data(j, "MESSAGE", &data, &n) >= 0 && n > name)
			lnk_facts_kernel(f, (const char *)data + name, n - name);
}

void lnk_journal_read(struct lnk_facts *f)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	struct systemd sd;
	sd_journal *j;

	if (!library)
		return;
	if (load(library, &sd) &&
	    sd.sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM) >= 0) {
		if (choose(&sd, j))
			take_entries(&sd, j, f);
		sd.sd_journal_close(j);
	}
	dlclose(library);
}
