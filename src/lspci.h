/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lspci.h - what the files that read lspci's text share: words, groups */
#ifndef LSPCI_H
#define LSPCI_H

#include "text.h"

/* @value moved to where the mask @mask selects it: FIELD_GET the other way round. */
#define FIELD_PREP(mask, value)                                                                    \
	((uint32_t)(value) * ((uint32_t)(mask) & -(uint32_t)(mask)) & (mask))

/* PCI 6.2.1: two fields of the register at 08. */
#define CLASS_PROG_IF 0x0000ff00u
#define CLASS_CODE    0xffff0000u

/* ---- lspci-words.c: what lspci's words say of one function -------------------------------- */

/* The value of LNK_R_PCIECAP that says: there is no Express capability. */
#define LNK_WORDS_NO_EXPRESS 0xffffu
#define LNK_WORDS_NAME	     256u
#define LNK_WORDS_SECTION    640u

struct section; /* lspci-regs.c */
/* One function's words while they are read, line by line. */
struct lnk_words {
	struct lnk_hint hint;
	bool lspci;   /* a line that only lspci -v or -k writes was among them */
	bool verbose; /* so was one that only lspci -v writes */
	bool caps;    /* it names capabilities */
	bool express; /* one of them is Express, whether its type can be read or not */
	bool no_caps; /* its status says that there is no list */
	bool off;     /* it decodes no addresses */
	bool bare;    /* and nothing stands behind its status, not even capabilities */
	bool doubt;   /* part of the list was denied, is broken or was left out */
	bool denied;  /* it was denied: lspci had the first 64 bytes only */
	bool ecaps;   /* an extended capability was seen: lspci could read that far */
	bool target, vector, no_vector; /* LnkCtl2, LnkCap2 were seen; LnkCap2 was left out: 0 */
	uint32_t ecap_flags;		/* enum lnk_ecap */
	bool whole; /* what follows the capabilities was seen, so none was cut off */
	const struct section *section; /* of which register the words are read; NULL: of none */
	size_t section_n, name_n;
	char section_text[LNK_WORDS_SECTION];
	char name[LNK_WORDS_NAME]; /* vendor and device in words where the ids are not there */
};

/* Of no function yet. */
void lnk_words_begin(struct lnk_words *w);

/* The words after the address in a function's first line. */
void lnk_words_title(struct lnk_words *w, const char *s, size_t n);
/* A later line, without its indentation. */
void lnk_words_line(struct lnk_words *w, const char *s, size_t n);
/* A line that says that something was left out here. */
bool lnk_words_left_out(const char *s, size_t n);
/* Is @s such a title, and such a line, as only lspci writes? */
bool lnk_words_is_title(const char *s, size_t n);
bool lnk_words_is_known(const char *s, size_t n);
/* No more lines: draws the conclusions that need all of them. */
void lnk_words_end(struct lnk_words *w);
/* What was said first counts. */
void lnk_words_learn(struct lnk_words *w, enum lnk_reg r, uint32_t value);
/*
 * Speed and width in the layout of LNKCAP and LNKSTA (3:0, 9:4) from "8GT/s" and "16..."; false
 * where either is not a value: "unknown", x0.
 */
bool lnk_words_link(const char *speed, size_t speed_n, const char *width, size_t width_n,
		    uint32_t *reg);

/* ---- lspci-regs.c: the words of one register ---------------------------------------------- */

/* Takes a line as part of a register's words, if it is one; true where it is their first. */
bool lnk_words_section(struct lnk_words *w, const char *s, size_t n);
/* The words of a register are complete: what they say is learnt. */
void lnk_words_close(struct lnk_words *w);

/* ---- lspci-ids.c: what has lspci's names and no numbers ------------------------------------- */

struct lnk_named {
	uint16_t vendor; /* 0: not known */
	uint16_t device; /* where it is the @whole id that is known */
	bool whole;
};
/* "Red Hat, Inc. QEMU PCIe Root port", "Intel Corporation Device 3420". */
struct lnk_named lnk_ids_device(struct lnk_part p);
/* The same of the subsystem of @device, "Red Hat, Inc. QEMU Virtual Machine". */
struct lnk_named lnk_ids_subsystem(struct lnk_part p, struct lnk_part device);

/* ---- lspci-groups.c: the functions of one moment ------------------------------------------ */

struct lnk_group {
	struct lnk_model *m;
	uint32_t line; /* where it starts */
	bool jumbled;  /* not in the order of addresses: found through the tree */
	void *tree;    /* tsearch(3) */
	struct lnk_arena places;
};
/* NULL: none with this address. The pointer holds until the next function is added. */
struct lnk_fn *lnk_group_find(const struct lnk_group *g, struct lnk_addr addr);
/* A new function, or NULL and model->limit; there must be none with its address. */
struct lnk_fn *lnk_group_add(struct lnk_group *g, struct lnk_addr addr);
/* Could both be of one moment? The same list twice is; two states of one function are not. */
bool lnk_group_agrees(const struct lnk_group *old, const struct lnk_group *new);
/* How many functions both have; 0 too where one of them is somebody else in the other. */
size_t lnk_group_shared(const struct lnk_group *a, const struct lnk_group *b);
/* Does it say who its functions are, and nothing else? */
bool lnk_group_is_list(const struct lnk_model *m);
/* Adds to @to all that @from knows more. */
void lnk_group_fold(struct lnk_group *to, const struct lnk_group *from);
/* Frees what the group needs beside its model. */
void lnk_group_forget(struct lnk_group *g);
/* Adds what @from knows and @to, made if need be, does not. */
void lnk_group_hint(struct lnk_arena *a, struct lnk_hint **to, const struct lnk_hint *from);
/* A model owns its strings: each snapshot gets its own copy of the head. */
void lnk_group_head(struct lnk_model *m, const struct lnk_env *e);

/* ---- lspci-tree.c: which bridge leads to which bus, as lspci -t draws it -------------------- */

#define LNK_TREE_DEPTH 64u

struct lnk_bridge {
	struct lnk_addr addr;
	uint8_t secondary, subordinate;
	bool done; /* what it tells was used, or is not believed */
	uint32_t line;
};
struct lnk_tree {
	struct lnk_bridge *bridges;
	size_t n, max;
	struct {
		unsigned column;
		uint64_t bus;
	} stack[LNK_TREE_DEPTH];
	unsigned depth;
	bool doubt; /* there were too many */
};
/* A line that may be one of the drawing's. */
void lnk_tree_line(struct lnk_tree *t, const struct lnk_line *l);
/* Gives the group the bridges above its functions, as far as it does not know them itself. */
void lnk_tree_apply(struct lnk_tree *t, struct lnk_group *g);
void lnk_tree_free(struct lnk_tree *t);

#endif
