/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * input.c - fuzz target: a file of any kind, as -F opens it, and all that follows; an input is a
 * head and what the file holds
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct lnk_captures c = {0};
	struct lnk_err err = {0};
	char path[32];
	int code;

	if (size < FUZZ_HEAD)
		return -1;
	if (fd < 0)
		fd = memfd_create("input", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	size -= FUZZ_HEAD;
	if (ftruncate(fd, 0) || pwrite(fd, data + FUZZ_HEAD, size, 0) != (ssize_t)size)
		abort();
	code = lnk_source_read(path, &c, &err);
	if (code < 0 && !err.text[0])
		oracle_complain("reading fails without a word");
	if (code >= 0 && !c.n)
		oracle_complain("read, but no capture came of it");
	fuzz_judge(&c, data);
	return 0;
}
