/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.c - fuzz target: what a command line selects; an input is a head, then -s, -d, --only,
 * --ignore and --suggest, a line each, what is not there being empty
 */
#include <string.h>

#include "fuzz.h"

enum { SLOT, ID, ONLY, IGNORE, SUGGEST, OPTIONS };

/* A port of a hypervisor before a fast device, and a second one with nothing below. */
static const char machine[] = "00:02.0 0604: 1b36:000c\n"
			      "00: 36 1b 0c 00 07 01 10 00 00 00 04 06 00 00 81 00\n"
			      "10: 00 00 00 00 00 00 00 00 00 01 01 00 00 00 00 00\n"
			      "30: 00 00 00 00 54 00 00 00 00 00 00 00 00 00 00 00\n"
			      "50: 00 00 00 00 10 00 42 01 00 80 00 00 00 00 00 00\n"
			      "60: 11 04 00 00 00 00 11 20 00 00 00 00 00 00 00 00\n"
			      "\n"
			      "00:02.1 0604: 1b36:000c\n"
			      "00: 36 1b 0c 00 07 01 10 00 00 00 04 06 00 00 81 00\n"
			      "10: 00 00 00 00 00 00 00 00 00 02 02 00 00 00 00 00\n"
			      "\n"
			      "01:00.0 0300: 10de:1b80\n"
			      "00: de 10 80 1b 07 01 10 00 a1 00 00 03 00 00 00 00\n"
			      "30: 00 00 00 00 60 00 00 00 00 00 00 00 00 00 00 00\n"
			      "60: 10 00 12 00 00 80 00 00 00 00 00 00 03 3d 05 00\n"
			      "70: 00 00 03 11 00 00 00 00 00 00 00 00 00 00 00 00\n";

/* The next line of @s as a string, which is set to what follows; NULL: it is empty. */
static const char *take_line(char **s)
{
	char *line = *s, *end = strchr(line, '\n');

	*s = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return *line ? line : NULL;
}

static void check_words(int code, const struct lnk_err *err)
{
	if (!code != !err->text[0])
		oracle_complain("code %d, words: '%s'", code, err->text);
}

static void judge_some(const struct lnk_captures *c, char *text)
{
	const char *words[OPTIONS], *only[] = {NULL, NULL}, *ignore[] = {NULL, NULL};
	struct lnk_judge judge = {.only = only, .ignore = ignore};
	struct lnk_model *m = c->models[0];
	struct lnk_err select_err = {0}, judge_err = {0};
	struct lnk_select select;
	uint32_t forms = 0;
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		words[i] = take_line(&text);
	select = (struct lnk_select){.slot = words[SLOT], .id = words[ID]};
	only[0] = words[ONLY];
	ignore[0] = words[IGNORE];
	lnk_walk(m);
	check_words(lnk_select_apply(m, &select, &select_err), &select_err);
	check_words(lnk_judge_check(&judge, &judge_err), &judge_err);
	if (judge_err.text[0])
		judge = (struct lnk_judge){0};
	if (!words[SUGGEST] || !lnk_remedy_forms(&forms, words[SUGGEST]))
		forms = LNK_FORMS_FITTING;
	lnk_judge(m, &judge);
	lnk_remedy_make(m, forms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lnk_captures c = {0};
	struct lnk_arena a = {0};

	if (size < FUZZ_HEAD)
		return -1;
	oracle_read(machine, sizeof(machine) - 1, &c);
	judge_some(&c, lnk_strndup(&a, (const char *)data + FUZZ_HEAD, size - FUZZ_HEAD));
	fuzz_write(&c, data);
	lnk_arena_free(&a);
	return 0;
}
