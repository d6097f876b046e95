/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.c - fuzz target: configuration spaces, and all that follows a source
 *
 *	config seed CAPTURE		prints the input that says what CAPTURE holds
 *
 * An input is a head, a byte on the machine, and functions: bus, device and function, WHAT, number
 * of runs; with HAS_WORDS and HAS_ATTRS what they say the link is, with HAS_LIVE a byte of facts;
 * the runs, each two bytes of offset, one of length, and bytes. So a change of one byte is one
 * of a register.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Of WHAT: how much is known beside the runs, as zeros or ones. */
#define SIZE_MASK 0x03u /* index into sizes[] */
#define ONES	  0x04u
#define HAS_WORDS 0x08u
#define HAS_ATTRS 0x10u
#define HAS_LIVE  0x20u
#define DOMAIN	  0x40u /* one as VMD's are, not 0 */

#define MAX_RUN 64u

static const unsigned sizes[] = {0, 64, 256, LNK_CFG_MAX};

struct input {
	const uint8_t *data;
	size_t size;
};

/* Zeros, where the input has ended. */
static uint8_t take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static uint16_t take_u16(struct input *in)
{
	uint16_t low = take(in);

	return (uint16_t)(low | take(in) << 8);
}

static void read_machine(struct lnk_env *e, uint8_t b)
{
	static const char *const hypervisors[] = {NULL, "QEMU", "KVM", "VMware", "Hyper-V", "Xen"};
	static const char *const machines[] = {
		NULL,
		"Standard PC (Q35 + ICH9, 2009) pc-q35-7.2",
		"Standard PC (i440FX + PIIX, 1996) pc-i440fx-3.0",
		"KVM Virtual Machine virt-8.2",
	};

	e->guest = (enum lnk_guest)((b & 3) % 3);
	e->machine = machines[b >> 2 & 3];
	e->hypervisor = hypervisors[(b >> 4 & 7) % ARRAY_SIZE(hypervisors)];
	e->complete = b >> 7;
}

/* A source gives no speed or width that no link has. */
static void read_link(struct lnk_hint *h, enum lnk_reg r, uint16_t v)
{
	if (!lnk_speed_legal(v & 0xf) || !lnk_width_legal(v >> 4 & 0x3f))
		return;
	h->reg[r] = v & 0x3ff;
	h->known |= REG(r);
}

static struct lnk_hint *read_hint(struct lnk_arena *a, struct input *in)
{
	struct lnk_hint *h = lnk_alloc(a, sizeof(*h));

	read_link(h, LNK_R_MAXLINK, take_u16(in));
	read_link(h, LNK_R_CURLINK, take_u16(in));
	return h;
}

static struct lnk_live *read_live(struct lnk_arena *a, uint8_t b)
{
	static const char *const states[] = {NULL, "D0", "D3hot", "D3cold"};
	struct lnk_live *l = lnk_alloc(a, sizeof(*l));

	*l = (struct lnk_live){
		.power_state = states[b & 3],
		.asleep = b >> 2 & 1,
		.vf = b >> 3 & 1,
		.attrs_read = b >> 4 & 1,
		.training_twice = b >> 5 & 1,
		.status_unsteady = b >> 6 & 1,
		.aer_growing = b >> 7,
	};
	return l;
}

/* What the runs say, in what surrounds them. */
static void read_bytes(struct lnk_arena *a, struct lnk_cfg *c, struct input *in, uint8_t what,
		       unsigned runs)
{
	unsigned size = sizes[what & SIZE_MASK], off, n, i;
	uint8_t bytes[LNK_CFG_MAX];
	bool known[LNK_CFG_MAX] = {false};

	memset(bytes, what & ONES ? 0xff : 0, sizeof(bytes));
	memset(known, true, size);
	while (runs--) {
		off = take_u16(in) % LNK_CFG_MAX;
		n = take(in) % MAX_RUN + 1;
		for (i = off; i < off + n && i < LNK_CFG_MAX; i++) {
			bytes[i] = take(in);
			known[i] = true;
		}
	}
	for (off = 0; off < LNK_CFG_MAX; off += n ? n : 1) {
		for (n = 0; off + n < LNK_CFG_MAX && known[off + n];)
			n++;
		lnk_cfg_add(a, c, off, bytes + off, n);
	}
}

static void read_function(struct lnk_model *m, struct input *in)
{
	struct lnk_addr addr = {0};
	struct lnk_fn *f;
	unsigned runs;
	uint8_t what;
	size_t i;

	addr.bus = take(in);
	addr.devfn = take(in);
	what = take(in);
	runs = take(in);
	addr.domain = what & DOMAIN ? 0x10000 : 0;
	for (i = 0; i < m->n_fns; i++)
		if (lnk_addr_key(m->fns[i].addr) == lnk_addr_key(addr))
			addr.domain = 1 + (uint32_t)m->n_fns;
	f = lnk_model_add(m, addr);
	if (what & HAS_WORDS)
		f->text = read_hint(&m->arena, in);
	if (what & HAS_ATTRS)
		f->attr = read_hint(&m->arena, in);
	if (what & HAS_LIVE)
		f->live = read_live(&m->arena, take(in));
	/* Attributes that tell nothing do not deny a link either. */
	if (f->live && f->attr && !f->attr->known)
		f->live->attrs_read = false;
	read_bytes(&m->arena, &f->cfg, in, what, runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.data = data + FUZZ_HEAD, .size = size - FUZZ_HEAD};
	struct lnk_captures c = {0};
	struct lnk_model *m;

	if (size < FUZZ_HEAD)
		return -1;
	m = lnk_model_new();
	m->source = "configuration space";
	read_machine(&m->env, take(&in));
	while (in.size)
		read_function(m, &in);
	lnk_model_sort(m);
	lnk_captures_add(&c, m);
	fuzz_judge(&c, data);
	return 0;
}

/* ---- Seeds -------------------------------------------------------------------------------- */

/* The next run of bytes that are not @fill from @off on; 0: there is none. */
static unsigned next_run(const struct lnk_cfg *c, const uint8_t *bytes, unsigned *off, uint8_t fill)
{
	unsigned n = 0;

	while (*off < c->size && (!lnk_cfg_known(c, *off, *off + 1) || bytes[*off] == fill))
		++*off;
	while (n < MAX_RUN && *off + n < c->size && lnk_cfg_known(c, *off, *off + n + 1) &&
	       bytes[*off + n] != fill)
		n++;
	return n;
}

static void put_function(const struct lnk_fn *f)
{
	uint8_t what = 0, fill, bytes[LNK_CFG_MAX];
	unsigned off, n, runs = 0;

	while (what + 1u < ARRAY_SIZE(sizes) && lnk_cfg_known(&f->cfg, 0, sizes[what + 1]))
		what++;
	lnk_cfg_bytes(&f->cfg, 0, f->cfg.size, bytes);
	fill = what && bytes[0] == 0xff ? 0xff : 0;
	for (off = 0; (n = next_run(&f->cfg, bytes, &off, fill)) && runs < 255; off += n)
		runs++;
	printf("%c%c%c%c", f->addr.bus, f->addr.devfn, what | (fill ? ONES : 0), (int)runs);
	for (off = 0; runs--; off += n) {
		n = next_run(&f->cfg, bytes, &off, fill);
		printf("%c%c%c", (int)(off & 0xff), (int)(off >> 8), (int)(n - 1));
		fwrite(bytes + off, 1, n, stdout);
	}
}

static int put_seed(const char *path)
{
	struct lnk_captures c = {0};
	struct lnk_err err = {0};
	size_t i;

	if (lnk_source_read(path, &c, &err)) {
		fprintf(stderr, "config: %s\n", err.text);
		return 2;
	}
	/* The head, and a guest that is QEMU's. */
	printf("%c%c%c", 0, 0, 0x12);
	for (i = 0; i < c.models[0]->n_fns; i++)
		put_function(&c.models[0]->fns[i]);
	lnk_captures_free(&c);
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	if (*argc == 3 && !strcmp((*argv)[1], "seed"))
		exit(put_seed((*argv)[2]));
	return 0;
}
