/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * journal.c - a libsystemd of the tests' own: entries from the file that $JOURNAL names
 *
 * One entry a line, FIELD=VALUE between tabs. This boot is 0102..10.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>

#define MAX_MATCHES 16

struct sd_journal {
	FILE *file;
	const char *matches[MAX_MATCHES];
	size_t n_matches;
	char line[4096];
	char *fields[64];
	size_t n_fields;
};

int sd_id128_get_boot(sd_id128_t *id)
{
	unsigned char i;

	for (i = 0; i < 16; i++)
		id->bytes[i] = (unsigned char)(i + 1);
	return 0;
}

char *sd_id128_to_string(sd_id128_t id, char s[SD_ID128_STRING_MAX])
{
	size_t i;

	for (i = 0; i < 16; i++)
		sprintf(s + 2 * i, "%02x", id.bytes[i]);
	return s;
}

int sd_journal_open(sd_journal **j, int flags)
{
	const char *name = getenv("JOURNAL");
	FILE *file = name ? fopen(name, "r") : NULL;

	if (!file || flags != (SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM))
		return -ENOENT;
	*j = calloc(1, sizeof(**j));
	(*j)->file = file;
	return 0;
}

int sd_journal_add_match(sd_journal *j, const void *data, size_t size)
{
	if (size || j->n_matches == MAX_MATCHES)
		return -EINVAL;
	j->matches[j->n_matches++] = strdup(data);
	return 0;
}

int sd_journal_set_data_threshold(sd_journal *j, size_t size)
{
	(void)j;
	(void)size;
	return 0;
}

int sd_journal_seek_head(sd_journal *j)
{
	rewind(j->file);
	return 0;
}

/* Terms of one field are alternatives in the real one; nobody here asks for that. */
static int fits(const sd_journal *j)
{
	size_t i, k;

	for (i = 0; i < j->n_matches; i++) {
		for (k = 0; k < j->n_fields && strcmp(j->fields[k], j->matches[i]); k++)
			;
		if (k == j->n_fields)
			return 0;
	}
	return 1;
}

int sd_journal_next(sd_journal *j)
{
	char *field, *save = NULL;

	while (fgets(j->line, sizeof(j->line), j->file)) {
		j->n_fields = 0;
		for (field = strtok_r(j->line, "\t\n", &save); field && j->n_fields < 64;
		     field = strtok_r(NULL, "\t\n", &save))
			j->fields[j->n_fields++] = field;
		if (fits(j))
			return 1;
	}
	return 0;
}

int sd_journal_get_data(sd_journal *j, const char *field, const void **data, size_t *n)
{
	size_t i, len = strlen(field);

	for (i = 0; i < j->n_fields; i++)
		if (!strncmp(j->fields[i], field, len) && j->fields[i][len] == '=') {
			*data = j->fields[i];
			*n = strlen(j->fields[i]);
			return 0;
		}
	return -ENOENT;
}

void sd_journal_close(sd_journal *j)
{
	size_t i;

	fclose(j->file);
	for (i = 0; i < j->n_matches; i++)
		free((void *)(size_t)j->matches[i]);
	free(j);
}
