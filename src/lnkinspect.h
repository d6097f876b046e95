/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lnkinspect.h - every declaration that more than one file shares, in the order of the data:
 * words, memory, configuration space, functions, links, capture, walk, fixups, rules, sources,
 * reports.
 *
 * Facts carry their source: PCIe = PCI Express Base Specification 5.0, PCI = PCI Local Bus 3.0,
 * BRIDGE = PCI-to-PCI Bridge 1.2, Linux = path in the kernel tree, QEMU = path in QEMU's tree.
 */
#ifndef LNKINSPECT_H
#define LNKINSPECT_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define LNK_NAME    "lnkinspect"
#define LNK_VERSION "0.1"

#define BIT(n)		      (UINT64_C(1) << (n))
#define ARRAY_SIZE(a)	      (sizeof(a) / sizeof((a)[0]))
#define LNK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Of enum lnk_reg, in a set of registers. */
#define REG(r) (UINT32_C(1) << (r))

/* The value of the field of @reg that the <pci/header.h> mask @mask selects. */
#define FIELD_GET(mask, reg) (((uint32_t)(reg) & (mask)) / ((uint32_t)(mask) & -(uint32_t)(mask)))

/* ---- Limits: input is hostile; one that was hit is said (LNK907) ------------------------- */

#define LNK_MAX_FUNCTIONS (4u << 20)   /* functions in one capture */
#define LNK_MAX_DAMAGE	  100u	       /* damaged lines named one by one; the rest are counted */
#define LNK_MAX_INPUT	  (4ull << 30) /* bytes of one input */

/* ---- util.c: memory and messages ---------------------------------------------------------- */

/* Memory that lives as long as the capture that it belongs to; never returns NULL. */
struct lnk_arena {
	struct lnk_block *blocks;
};
void *lnk_alloc(struct lnk_arena *a, size_t size); /* zeroed, aligned for any type of ours */
char *lnk_strndup(struct lnk_arena *a, const char *s, size_t n);
char *lnk_strf(struct lnk_arena *a, const char *fmt, ...) LNK_PRINTF(2, 3);
void lnk_arena_free(struct lnk_arena *a);

/*
 * Text from outside (names, paths, attribute values) on its way into the model: control characters,
 * DEL, invalid UTF-8, C1 controls and bidirectional overrides become \xNN for each byte. Every
 * string in a model is either ours or went through here; reports write them as they are.
 */
char *lnk_clean(struct lnk_arena *a, const char *s, size_t n);

/* malloc, realloc that end the program with status 2 and words when memory is out. */
void *lnk_xmalloc(size_t size);
void *lnk_xrealloc(void *p, size_t size);

/*
 * What is written to ->to is in ->text, once that was flushed or lnk_memory_close() came; then
 * ->text is to be freed. Without memory fflush() fails, and both of these end the program as above:
 * open_memstream(3) just loses what was written.
 */
struct lnk_memory {
	FILE *to;
	char *text; /* with a NUL behind it */
	size_t n, room;
};
void lnk_memory_open(struct lnk_memory *m);
void lnk_memory_close(struct lnk_memory *m);

#define LNK_SECOND UINT64_C(1000000000) /* ns */
uint64_t lnk_now(void);			/* ns of CLOCK_MONOTONIC */

/* What went wrong, in words, where it is known. Filled by the first to fail. */
struct lnk_err {
	char text[1024];
};
/* Sets the words unless some are set already; returns @code (a negative errno). */
int lnk_fail(struct lnk_err *err, int code, const char *fmt, ...) LNK_PRINTF(3, 4);

/* ---- Words (names.c) ---------------------------------------------------------------------- */

enum lnk_severity { LNK_INFO, LNK_NOTICE, LNK_WARNING, LNK_ERROR };
enum lnk_actor { LNK_NOBODY, LNK_GUEST, LNK_HOST, LNK_HARDWARE };
enum lnk_verdict { LNK_PASS, LNK_FOUND, LNK_SKIPPED, LNK_NA };
enum { LNK_VERDICTS = LNK_NA + 1 };

const char *lnk_severity_name(enum lnk_severity s); /* "info" "notice" "warning" "error" */
const char *lnk_actor_name(enum lnk_actor a);	    /* who can act, in words */

/* "2.5GT/s" .. "128GT/s" for codes 1..7; "unknown" else (PCIe 7.5.3.6, 7.5.3.18). */
const char *lnk_speed_name(unsigned code);
/* As the kernel writes it, "2.5 GT/s PCIe" .. (Linux include/linux/pci.h pci_speed_string). */
const char *lnk_speed_kernel(unsigned code);
/* The code for GT/s as text ("8", "8.0 GT/s PCIe", "2.5GT/s"); 0 if it is none of them. */
unsigned lnk_speed_code(const char *text);
bool lnk_speed_legal(unsigned code); /* 1..7 */
/* Transfers per second of a lane: 2500000000 for 1; 0 where the code is none. */
uint64_t lnk_speed_transfers(unsigned code);
bool lnk_width_legal(unsigned width); /* 1 2 4 8 12 16 32 */
/*
 * Raw link rate in Mb/s after the line encoding: the kernel's integer per lane times the width, so
 * that dmesg is matched to the digit (Linux drivers/pci/pci.h PCIE_SPEED2MBS_ENC). 0 = unknown.
 */
uint32_t lnk_rate_mbps(unsigned speed, unsigned width);
/* "350 ms", "10.0 s", "90.0 min" */
#define LNK_TIME_LEN 24
const char *lnk_time_str(uint64_t ns, char buf[LNK_TIME_LEN]);

struct lnk_addr {
	uint32_t domain;
	uint8_t bus;
	uint8_t devfn;
};
#define LNK_ADDR_LEN 24 /* "ffffffff:ff:1f.7" and its end, with room */
/* Sorts as domain, bus, device, function. */
static inline uint64_t lnk_addr_key(struct lnk_addr a)
{
	return (uint64_t)a.domain << 16 | (uint32_t)a.bus << 8 | a.devfn;
}
static inline unsigned lnk_dev(struct lnk_addr a)
{
	return a.devfn >> 3;
}
static inline unsigned lnk_func(struct lnk_addr a)
{
	return a.devfn & 7;
}
/* "0000:00:03.0", the domain always there. Returns buf. */
const char *lnk_addr_str(struct lnk_addr a, char buf[LNK_ADDR_LEN]);
/* The lowest @digits hex digits of @x, without an end; returns where they end. */
char *lnk_put_hex(char *to, uint32_t x, unsigned digits);
/* "[domain:]bus:device.function" in hex, domain 0 where there is none; false if it is not that. */
bool lnk_addr_parse(const char *s, struct lnk_addr *a);

/* ---- Configuration space (config.c) ------------------------------------------------------- */

#define LNK_CFG_MAX 4096u

struct lnk_span {
	uint16_t from, to; /* bytes [from, to) are known; sorted, apart from each other */
};

/*
 * One function's configuration space: an accessor, not a buffer. In a replay only the bytes that
 * were captured are known; live, lnk_cfg_fetch() gets the aligned dword that is asked for, once. A
 * byte outside the spans is not known, which is neither 0 nor 0xff.
 */
struct lnk_cfg {
	uint8_t *bytes; /* lnk_cfg_bytes() reads them */
	struct lnk_span *spans;
	uint16_t n_spans, max_spans;
	uint16_t size; /* of the space, 4096 at most; live: lowered to where reading failed */
	bool packed;   /* ->bytes hold masks, and the dwords that are not 0 (config.c) */
	bool open;     /* live: may be asked; false: it is asleep, or not chosen */
	void *live;    /* for lnk_cfg_fetch() */
};
/*
 * Live only: reads @len (1..64) bytes at @off into @buf; false where it cannot be read. Set by the
 * one source that reads live.
 */
extern bool (*lnk_cfg_fetch)(void *live, unsigned off, void *buf, unsigned len);

/* True and the value if all its bytes are known; false, *v untouched, if not. */
bool lnk_cfg_u8(struct lnk_cfg *c, unsigned off, uint32_t *v);
bool lnk_cfg_u16(struct lnk_cfg *c, unsigned off, uint32_t *v);
bool lnk_cfg_u32(struct lnk_cfg *c, unsigned off, uint32_t *v);
/* Are all bytes of [from, to) known, without reading any? */
bool lnk_cfg_known(const struct lnk_cfg *c, unsigned from, unsigned to);
/* Copies the bytes [from, to), which are inside ->size; one that is not known may be anything. */
void lnk_cfg_bytes(const struct lnk_cfg *c, unsigned from, unsigned to, uint8_t *out);
/*
 * The same space with its bytes as they stand, in @space if they were packed: for who reads much of
 * it. It lives as long as both.
 */
struct lnk_cfg lnk_cfg_plain(const struct lnk_cfg *c, uint8_t space[LNK_CFG_MAX]);
/* Do both know a byte, and not the same one? */
bool lnk_cfg_differ(const struct lnk_cfg *a, const struct lnk_cfg *b);
/*
 * Sets a space of which nothing is known yet to what @spans (sorted, apart from each other)
 * of @bytes hold, in as little memory as it takes: most dwords of a device are 0.
 */
void lnk_cfg_set(struct lnk_arena *a, struct lnk_cfg *c, const uint8_t *bytes,
		 const struct lnk_span *spans, unsigned n);
/*
 * Adds captured bytes; memory comes from @a. Bytes known already are kept. -EILSEQ if they differ
 * from the new ones, -ERANGE if the span leaves LNK_CFG_MAX.
 */
int lnk_cfg_add(struct lnk_arena *a, struct lnk_cfg *c, unsigned off, const uint8_t *b, unsigned n);
/* Live: reads all that can be read, as lspci -xxxx does: 64, 256, then 4096 bytes. */
void lnk_cfg_read_all(struct lnk_cfg *c);

/* How a capability list ended. */
enum lnk_list {
	LNK_LIST_NONE,	  /* there is no list */
	LNK_LIST_END,	  /* walked to its end */
	LNK_LIST_UNKNOWN, /* a byte that was needed is not known */
	LNK_LIST_LOOP,	  /* it comes back to where it was */
	LNK_LIST_OUTSIDE, /* it points outside its space */
	LNK_LIST_PART,	  /* live: walked as far as was asked for, perhaps not at all */
};
struct lnk_cap {
	uint16_t id;
	uint16_t off;
};
#define LNK_MAX_CAPS  48  /* (0x100 - 0x40) / 4 */
#define LNK_MAX_ECAPS 960 /* (0x1000 - 0x100) / 4 */
/*
 * Walks the list with a budget. Fills at most @max caps in list order, sets *n. PCI 6.7; PCIe
 * 7.9.3.
 */
enum lnk_list lnk_cfg_caps(struct lnk_cfg *c, struct lnk_cap *caps, unsigned max, unsigned *n);
/*
 * The same where it is known that there is a list, and the header's layout: LNK_LIST_PART at the
 * first capability with id @until (-1: to the end).
 */
enum lnk_list lnk_cfg_caps_until(struct lnk_cfg *c, unsigned layout, int until,
				 struct lnk_cap *caps, unsigned max, unsigned *n);
unsigned lnk_cfg_caps_at(unsigned layout); /* where its head stands */
enum lnk_list lnk_cfg_ecaps(struct lnk_cfg *c, struct lnk_cap *caps, unsigned max, unsigned *n);

/* ---- Registers ---------------------------------------------------------------------------- */

/*
 * What a rule can need and a report can show. A register is known, absent (the function has none
 * such), or not known. MAXLINK and CURLINK are the speed and width of LNKCAP and LNKSTA alone, in
 * their layout (3:0 speed code, 9:4 width): sysfs attributes and decoded text can give those when
 * the registers are out of reach. They are known only where both values mean something: a speed of
 * 0, a reserved code or a width that no link has is read, but no link's speed or width.
 */
enum lnk_reg {
	LNK_R_ID,      /* 00: vendor, device */
	LNK_R_STATUS,  /* 06: bit 4 = capability list */
	LNK_R_CLASS,   /* 08: revision, prog-if, subclass, class */
	LNK_R_HEADER,  /* 0e: bit 7 = multi-function, 6:0 layout */
	LNK_R_BUSES,   /* 18: primary, secondary, subordinate (bridges) */
	LNK_R_SUBSYS,  /* 2c, for bridges the subsystem capability (id 0d) + 4: vendor, device */
	LNK_R_PCIECAP, /* offsets from here on count from the Express capability */
	LNK_R_DEVCAP,
	LNK_R_DEVCTL,
	LNK_R_LNKCAP,
	LNK_R_LNKCTL,
	LNK_R_LNKSTA,
	LNK_R_SLTCAP,
	LNK_R_SLTCTL,
	LNK_R_SLTSTA,
	LNK_R_LNKCAP2,
	LNK_R_LNKCTL2,
	LNK_R_LNKSTA2,
	LNK_R_MAXLINK,
	LNK_R_CURLINK,
	LNK_R_ECAPS, /* which of enum lnk_ecap are in the extended list; known if it was walked */
	LNK_R_AERUNCOR, /* AER uncorrectable error status */
	LNK_R_AERCOR,	/* AER correctable error status */
	LNK_R_LANEERR,	/* secondary PCI Express: lane error status */
	LNK_R_DSNLO,	/* device serial number */
	LNK_R_DSNHI,
	LNK_REGS
};
/* LNK_REGS itself is in such a set, too. */
_Static_assert(LNK_REGS < 32, "a set of registers has 32 bits");
enum lnk_ecap { LNK_E_AER = 1, LNK_E_ACS = 2, LNK_E_SECPCI = 4, LNK_E_DSN = 8, LNK_E_SRIOV = 16 };

const char *lnk_reg_name(enum lnk_reg r); /* lspci's and the specification's: "LNKCAP" */
unsigned lnk_reg_digits(enum lnk_reg r);  /* hex digits of its raw value: 2, 4 or 8 */

/* Of a hint's PCIECAP: the function has no Express capability. */
#define LNK_NO_EXPRESS 0xffff

/* Registers that came from elsewhere than configuration space: lspci's words, sysfs attributes. */
struct lnk_hint {
	uint32_t known;
	uint32_t named; /* of known: ids that are somebody's name for them, no numbers */
	uint32_t reg[LNK_REGS];
	uint16_t vendor, subvendor; /* named where ids are not known; 0: not known either */
};

/* Device/port type (PCIe 7.5.3.2), and what may stand in its place. */
enum lnk_type {
	LNK_T_ENDPOINT = 0,
	LNK_T_LEGACY = 1,
	LNK_T_ROOT_PORT = 4,
	LNK_T_UPSTREAM = 5,
	LNK_T_DOWNSTREAM = 6,
	LNK_T_PCIE_PCI = 7,
	LNK_T_PCI_PCIE = 8,
	LNK_T_RCIEP = 9,
	LNK_T_RCEC = 10,
	LNK_T_NONE = 16, /* no Express capability */
	LNK_T_UNKNOWN,	 /* not known whether there is one, or which type */
};
/* One or two words for people: "root port", "endpoint", "host bridge", "bridge", "VF", ... */
struct lnk_fn;
const char *lnk_kind_name(const struct lnk_fn *f);
/* A class by its number in a short lower-case word or two ("nvme", "vga"); never NULL */
const char *lnk_class_name(uint32_t class24);
/* For programs, promises: */
const char *lnk_verdict_token(unsigned verdict); /* "pass" "found" "skipped" "not_applicable" */
const char *lnk_reach_token(unsigned reach);	 /* "all", "header", ...; NULL: nothing was asked */
const char *lnk_state_token(unsigned state);	 /* "up", "down"; NULL: not known */

/* ---- Functions, links, capture ------------------------------------------------------------ */

/* How much of a function could be read. */
enum lnk_reach {
	LNK_READ_ALL,	 /* all that was asked for */
	LNK_READ_HEADER, /* 64 bytes, or 128 of a CardBus bridge: not root, or lspci -x */
	LNK_READ_PART,	 /* bytes are missing: the capture is damaged or cut */
	LNK_READ_TEXT,	 /* decoded text, no bytes */
	LNK_READ_ASLEEP, /* live: not woken, nothing read */
	LNK_READ_FFS,	 /* it answered with all ones */
	LNK_READ_GONE,	 /* live: it was removed while it was looked at */
	LNK_READ_NOT,	 /* live: nothing was asked for, since it is not shown (-s, -d) */
	LNK_REACHES
};

/* Where a function stands. */
enum lnk_place {
	LNK_AT_ROOT,	     /* a root bus */
	LNK_AT_PORT,	     /* below a root port, downstream port or reverse bridge: a wire */
	LNK_AT_INNER,	     /* the inner bus of a switch: no wire */
	LNK_AT_CONVENTIONAL, /* a conventional bus below a bridge */
	LNK_AT_BRIDGE,	     /* below a bridge whose Express capability is not known */
	LNK_AT_ORPHAN,	     /* the bridge above is not in the capture */
	LNK_AT_DISPUTED,     /* several bridges claim the bus */
};

/* What a port has below it. */
enum lnk_vacancy {
	LNK_OCCUPIED,
	LNK_EMPTY,
	LNK_CLAIMS_LINK,    /* nothing is listed, but its registers say that a device is there */
	LNK_NOT_LISTED,	    /* nothing is listed, in a capture that need not be whole */
	LNK_NOT_CONFIGURED, /* it has no bus numbers: what is below cannot be seen */
};

/* What fixups know of a device: the words in which rules and fixups meet. */
enum lnk_quirk {
	LNK_Q_VIRTUAL = 1 << 0,	    /* a port that a hypervisor emulates: its link is decoration */
	LNK_Q_EMULATED = 1 << 1,    /* a device that a hypervisor emulates: so is its link */
	LNK_Q_GENERIC = 1 << 2,	    /* QEMU's pcie-root-port: x-speed and x-width can be set */
	LNK_Q_FIXED = 1 << 3,	    /* modelled on old silicon with a fixed 2.5 GT/s x1 link */
	LNK_Q_ONCARD = 1 << 4,	    /* a switch on the card: the slot's link is further up */
	LNK_Q_TUNNEL = 1 << 5,	    /* a USB4 or Thunderbolt tunnel port: figures mean nothing */
	LNK_Q_WIRED = 1 << 6,	    /* wired with fewer lanes than it advertises on every board */
	LNK_Q_STANDIN = 1 << 7,	    /* QEMU's cxl-type3: judged as if it were assigned */
	LNK_Q_VF = 1 << 8,	    /* an SR-IOV virtual function */
	LNK_Q_CONSTANT = 1 << 9,    /* a port whose status is constant whatever is below */
	LNK_Q_IGD = 1 << 10,	    /* the integrated GPU of a passed-through chipset */
	LNK_Q_DLLLA_LIES = 1 << 11, /* a port whose DLLLA and PDS say nothing of what is below */
};

/* Facts that only a running machine has. Absent in a replay, but for what a capture's head says. */
struct lnk_live {
	const char *driver;	 /* bound driver or NULL */
	const char *power_state; /* "D0" .. "D3cold", or NULL */
	const char *iommu_group; /* its name, or NULL */
	bool asleep;		 /* not woken: runtime-suspended or D3cold */
	bool gone;		 /* removed while it was looked at: nothing it said counts */
	bool vf;		 /* has a physfn */
	bool express;		 /* sysfs has link attributes of it: it has an Express capability */
	bool near;		 /* its memory is that of one NUMA node, numa_node */
	uint16_t numa_node;
	uint8_t secondary;    /* the bus below, as sysfs has it; 0: not said, or no bridge */
	bool attrs_read;      /* sysfs was there: absent link attributes mean no Express cap */
	bool training_twice;  /* LNKSTA's training bit was set on a second read too */
	bool status_unsteady; /* LNKSTA differed on a second read: the link is changing */
	bool aer_growing;     /* the kernel's count of correctable errors grew meanwhile */
	struct lnk_samples *samples; /* of its LNKSTA (--sample, --while); NULL: none were taken */
};

/* What a look at one end of a link found; nothing: no answer, or no link's speed and width. */
enum lnk_sight { LNK_SEEN_LINK, LNK_SEEN_ASLEEP, LNK_SEEN_NOTHING };

#define LNK_SPEED_CODES 8

/*
 * One end of a link, looked at again and again. What is shown and judged of its function is the
 * highest; speeds and widths here have the layout of LNKSTA, and are 0 where it never answered.
 */
struct lnk_samples {
	size_t looks;			    /* that it answered */
	size_t changes;			    /* of speed or width, between two of those in turn */
	uint16_t lowest, highest;	    /* by rate; of equal ones the first */
	uint16_t first, last;		    /* that it answered */
	uint8_t fastest, widest;	    /* not always of the same look */
	uint8_t sight;			    /* enum lnk_sight, of the last look */
	uint64_t at_speed[LNK_SPEED_CODES]; /* ns, by code; from a look to the next one */
	uint64_t asleep, silent;	    /* ns */
	/* Of a device: its port said something else, and in the next look both said so again. */
	bool apart;
	uint16_t apart_port, apart_device; /* what they said */
};

struct lnk_fn {
	struct lnk_addr addr;
	struct lnk_cfg cfg;
	uint32_t known;	    /* REG(enum lnk_reg): the value is in reg[] */
	uint32_t absent;    /* REG(enum lnk_reg): this function has no such register */
	uint32_t from_text; /* of known: taken from decoded text */
	uint32_t from_attr; /* of known: taken from sysfs attributes */
	uint32_t differs;   /* registers where decoded text contradicts the bytes */
	/*
	 * Live: REG(enum lnk_reg) that are not to be asked for, as the source has it; after the
	 * walk those of them that nothing else told. --deep would read them.
	 */
	uint32_t unread;
	uint32_t reg[LNK_REGS];
	struct lnk_hint *text; /* what lspci's words said, or NULL */
	struct lnk_hint *attr; /* what sysfs attributes said, or NULL */
	struct lnk_live *live; /* or NULL */
	uint32_t line;	       /* line of its header in the input, from 1; 0 if there is none */

	/* Decoded by walk.c, once. Speeds are codes, widths lanes; 0 where not known. */
	uint16_t vendor, device, subvendor, subdevice; /* 0xffff: not known */
	uint32_t class24;    /* class, subclass, prog-if; 0xffffff: not known */
	uint8_t layout;	     /* header layout 0, 1, 2; 0x7f: not known */
	uint8_t type;	     /* enum lnk_type */
	uint8_t cap_version; /* of the Express capability */
	uint8_t max_speed, max_width, cur_speed, cur_width;
	uint8_t secondary, subordinate; /* bus numbers; 0 unless a configured bridge */
	uint8_t reach;			/* enum lnk_reach */
	uint8_t place;			/* enum lnk_place */
	uint8_t vacancy;		/* enum lnk_vacancy, of ports */
	uint8_t caps_end, ecaps_end;	/* enum lnk_list */
	bool express_cut;		/* the Express capability runs past the end of its space */
	bool denied;			/* lspci wrote so: it had the first 64 bytes only */
	bool link_ones;	    /* its link registers read all ones: they count as not known */
	bool type_inferred; /* type is a guess from the topology (sysfs only) */
	bool titled;	    /* a title said what its bytes say, and was not kept */
	bool selected;	    /* chosen by -s, -d (or by default) */
	bool shown;	    /* selected, or on the path above what is */
	uint16_t express;   /* offset of the Express capability, 0 if none */
	uint32_t quirks;    /* enum lnk_quirk */
	uint32_t n_children;
	const struct lnk_fn
		*bus_clash; /* the bridge whose bus numbers its own collide with, or itself */
	const struct lnk_fixup *fixup; /* the row that matched, or NULL */
	const struct lnk_fn *twin;     /* same physical device in another virtual slot, or NULL */
	struct lnk_fn *parent;	       /* the bridge above, or NULL */
	struct lnk_fn *children; /* first of ->n_children of the secondary bus, or NULL; array */
	struct lnk_link *link;	 /* the wire above, shared by a component's functions; NULL: none */
	struct lnk_link *below;	 /* the wire below a port; NULL: none */

	/*
	 * Filled by hwdb.c for people; NULL where only numbers are known. Where decoded text gives
	 * no ids, device_name is what it calls vendor and device.
	 */
	const char *vendor_name, *device_name;
};

enum lnk_state { LNK_STATE_UNKNOWN, LNK_UP, LNK_DOWN };

struct lnk_link {
	struct lnk_fn
		*above; /* the port; NULL: the guest cannot see it, or it is not in the capture */
	struct lnk_fn *below; /* function 0 of the component below (or the lowest one there is) */
	uint8_t state;	      /* enum lnk_state */
	uint8_t verdict;      /* enum lnk_verdict of the link as a whole, set by rules.c */
	uint8_t worst;	      /* enum lnk_severity of its worst finding, if verdict is LNK_FOUND */
	bool alike;	      /* a link to a device of the same ids runs as narrow as this one */
	bool lost;	      /* the comparison of its two ends was lost: exit status 3 */
};

/* What the kernel's "available PCIe bandwidth" line says (Linux drivers/pci/pci.c). */
struct lnk_path {
	const struct lnk_fn *limit; /* the hop that limits: ties go to the root side */
	uint32_t mbps;		    /* available, Mb/s; 0: not known */
	uint8_t speed, width;	    /* of the hop that limits */
	uint32_t capable_mbps;	    /* of the device by itself, Mb/s; 0: not known */
	uint8_t capable_speed, capable_width;
};

enum lnk_guest { LNK_GUEST_UNKNOWN, LNK_GUEST_NO, LNK_GUEST_YES };

/* The machine that was looked at. NULL where not known; every string went through lnk_clean(). */
struct lnk_env {
	const char *name; /* what it calls itself: its host name */
	enum lnk_guest guest;
	const char *hypervisor; /* "QEMU", "VMware", "Hyper-V", ... */
	const char *accel;	/* "KVM", "TCG", ... under QEMU */
	const char *sign;	/* how the hypervisor was recognised */
	const char *machine;	/* DMI product name and version */
	const char *kernel;	/* "Linux 6.1.0-9-amd64" */
	const char *tool;	/* a capture's head: the version that wrote it */
	const char *time;	/* a capture's head: when */
	const char *redacted;	/* a capture's head: what was blanked */
	size_t functions;	/* a capture's head: how many it was written with; 0: not said */
	bool complete; /* all functions of the machine are here: a bus without a bridge is a root */
	bool live;     /* this machine, now */
	bool root;     /* live: whether the registers could be asked for */
	bool hearsay;  /* that it is a guest was said in words beside the capture */
	const char *lacks; /* live: what cannot be seen here, and why, in sentences */
};

/* What somebody else said of one function's link: no rule reads it, people compare. */
struct lnk_quote {
	struct lnk_addr addr;
	uint32_t line;	  /* where it stands, from 1; 0: said on this machine, now */
	const char *file; /* in which of an input's files; NULL: there is one */
	const char *by;	  /* "kernel", "nvidia-smi", "amdgpu" */
	const char *text; /* clean */
};

/* How links were sampled, and what became of the command meanwhile. */
struct lnk_sampling {
	size_t looks;	   /* at all of them */
	size_t n_ends;	   /* that were looked at; 0: there was nothing to look at */
	uint64_t interval; /* ns, as asked for */
	uint64_t duration; /* ns, as it was */
	int signal;	   /* that ended it early, or 0 */
	bool command;	   /* for as long as one ran (--while): */
	int exit_status;   /* of it, or -1 */
	int killed_by;	   /* the signal that ended it, or 0 */
	const char *words; /* "the command ended with status 0" */
};

struct lnk_damage {
	uint32_t line;	  /* from 1 */
	const char *what; /* "hex row with 13 bytes" */
};

/* One capture, or one machine: it owns all below it. */
struct lnk_model {
	struct lnk_arena arena;
	const char *source; /* file name, "-", or "this machine" */
	const char *part;   /* which part of it, in words: "old side of the diff"; NULL: all */
	uint32_t line;	    /* several snapshots in one input: where this one starts; else 0 */
	unsigned snapshots; /* in the same input; 1 normally */
	struct lnk_env env;

	struct lnk_fn *fns; /* sorted by address, each once */
	size_t n_fns, max_fns;
	struct lnk_link *links; /* sorted by the address of .below */
	size_t n_links;

	struct lnk_damage *damage; /* the first LNK_MAX_DAMAGE */
	size_t n_damage;	   /* all of them */
	struct lnk_quote *quotes;  /* in the arena; sorted by address, then by line */
	size_t n_quotes;
	struct lnk_sampling *sampling; /* in the arena; NULL: each link was looked at once */
	bool damage_unplaced;	       /* some of it belongs to no function that is known */
	bool whole;	   /* a host bridge is among the functions, or all are known to be */
	const char *limit; /* a limit that was reached, in words; NULL */

	struct lnk_finding *findings; /* in the order of report: worst first, then address, id */
	size_t n_findings, max_findings;
	struct lnk_count *counts; /* of each of lnk_rules, once it was judged */
	size_t n_counts;
	size_t n_lost; /* comparisons of two ends that were lost, of what is shown */
};

/* ---- model.c ------------------------------------------------------------------------------ */

struct lnk_model *lnk_model_new(void);
void lnk_model_free(struct lnk_model *m); /* accepts NULL */
/*
 * A new function at the end, unsorted; NULL when LNK_MAX_FUNCTIONS is reached (m->limit says so).
 * The pointer holds until the next call.
 */
struct lnk_fn *lnk_model_add(struct lnk_model *m, struct lnk_addr addr);
/* Sorts by address. Addresses must be unique by then. */
void lnk_model_sort(struct lnk_model *m);
struct lnk_fn *lnk_model_find(const struct lnk_model *m, struct lnk_addr addr);
/* Notes a damaged line; @fmt is ours, arguments from outside must be clean. */
void lnk_model_damage(struct lnk_model *m, uint32_t line, const char *fmt, ...) LNK_PRINTF(3, 4);

/* ---- walk.c: registers to fields, functions to ports, links and paths --------------------- */

/* Decodes, builds the tree and the links, calls lnk_fixups(). Once per model, sorted before. */
void lnk_walk(struct lnk_model *m);
/* The same after more was opened: all that a walk found is found anew. */
void lnk_walk_again(struct lnk_model *m);
static inline bool lnk_knows(const struct lnk_fn *f, enum lnk_reg r)
{
	return f->known & REG(r);
}
/* A port that has a wire below: root port, switch downstream port, PCI-to-PCIe bridge. */
bool lnk_faces_down(const struct lnk_fn *f);
/* A function with a wire above: endpoint, legacy endpoint, upstream port, PCIe-to-PCI bridge. */
bool lnk_faces_up(const struct lnk_fn *f);
bool lnk_is_bridge(const struct lnk_fn *f); /* header layout 1 or 2 */
/* Nothing came of asking it: all ones, asleep, removed. */
bool lnk_is_silent(const struct lnk_fn *f);
/* A wire between two ends that nothing says are made up, or shown by a tunnel. */
bool lnk_on_copper(const struct lnk_link *l);
/* Assigned, as far as is known, and below a port that a hypervisor emulates. */
bool lnk_in_virtual_slot(const struct lnk_fn *f);
/* Follows what the kernel does: from f to the root, each hop's LNKSTA. */
void lnk_path_of(const struct lnk_fn *f, struct lnk_path *p);
/* "2.000 Gb/s available PCIe bandwidth, limited by ..." as in dmesg; NULL where it has no line. */
char *lnk_path_kernel_line(struct lnk_arena *a, const struct lnk_fn *f);

/* ---- fixups.c: devices whose registers do not mean what they say -------------------------- */

/* A second sign for an id that real silicon shares. */
enum lnk_sign {
	LNK_S_NONE = 0,
	LNK_S_GUEST = 1 << 0, /* this is a known guest */
	LNK_S_LINK = 1 << 1,  /* LNKCAP is the row's to the bit, but for the port number */
};
struct lnk_fixup {
	uint16_t vendor, device; /* 0xffff: any */
	uint16_t subvendor, subdevice;
	uint8_t type;  /* enum lnk_type, LNK_T_ANY: any */
	uint8_t signs; /* one of these is enough; LNK_S_NONE: the ids suffice */
	uint32_t lnkcap;
	uint32_t quirks;
	const char *hypervisor; /* whose own device this is: its presence proves a guest; NULL */
	const char *name;	/* "pcie-root-port" */
	const char *reason;	/* why, and the source of the fact */
};
#define LNK_T_ANY 0xff

/* Sets env.guest from a hypervisor's own devices, then quirks and fixup of each function. */
void lnk_fixups(struct lnk_model *m);

/* ---- rules.c ------------------------------------------------------------------------------ */

enum lnk_subject { LNK_ON_LINK, LNK_ON_FN, LNK_ON_CAPTURE };

/* Where a rule writes what it found: words, severity, registers beside those it needs. */
struct lnk_msg {
	const struct lnk_model *model; /* what the link or function is part of */
	struct lnk_arena *arena;
	char *text;
	enum lnk_severity severity; /* the rule's; may be lowered */
	const struct lnk_fn *other; /* a further function that the finding is about, or NULL */
	uint32_t other_regs;	    /* and the registers of it that were read */
	uint32_t regs;		    /* further registers of the function itself */
	uint32_t regs_above;	    /* and of the port above */
	enum lnk_reg missing;	    /* LNK_SKIPPED by the rule itself: what for */
};

struct lnk_rule {
	const char *id;
	enum lnk_severity severity;
	enum lnk_actor actor;
	enum lnk_subject subject;
	uint32_t needs;	      /* of the function, or of the device below */
	uint32_t needs_above; /* of the port above; asking for any means that there must be one */
	uint32_t only;	      /* quirks of which the function or device must have one; 0: any */
	uint32_t only_above;
	uint32_t unless; /* quirks of the function or device under which it cannot judge */
	uint32_t unless_above;
	bool guest_only;   /* means something in a known guest only */
	bool even_down;	   /* looks at links that are down, too */
	bool copper_only;  /* of a function: means something at an end of a real wire only */
	const char *title; /* a fact without numbers */
	const char *why;   /* the cause, for someone who never read the specification */
	const char *fix;   /* an action */
	enum lnk_verdict (*link)(const struct lnk_link *, struct lnk_msg *);
	enum lnk_verdict (*fn)(const struct lnk_fn *, struct lnk_msg *);
	enum lnk_verdict (*capture)(const struct lnk_model *, struct lnk_msg *);
};

/* One register that was read, for a finding's evidence. */
struct lnk_evidence {
	const struct lnk_fn *fn;
	enum lnk_reg reg;
};

/* What --expect says of a finding. */
enum lnk_held { LNK_HELD_NEVER, LNK_HELD_NOT, LNK_HELD_EXPECTED };

struct lnk_finding {
	const struct lnk_rule *rule;
	enum lnk_severity severity;
	uint8_t held;			    /* enum lnk_held, set by expect.c */
	const struct lnk_link *link;	    /* NULL: about one function or the capture */
	const struct lnk_fn *fn;	    /* where it is shown; NULL: the capture */
	const struct lnk_fn *above, *below; /* the two ends, where there are two */
	const struct lnk_fn *other;	    /* a further function it is about, or NULL */
	const char *message;		    /* the numbers */
	const struct lnk_evidence *evidence;
	size_t n_evidence;
	const char *here;		 /* set by drivers.c: what it means to the driver; NULL */
	const struct lnk_remedy *remedy; /* set by remedy.c; NULL: nothing can be suggested */
};

#define LNK_NO_FN UINT32_MAX

struct lnk_result {
	uint32_t fn;	 /* subject, its index in the model; LNK_NO_FN: the capture */
	uint32_t of;	 /* LNK_SKIPPED: whose register was missing, or LNK_NO_FN */
	uint8_t verdict; /* enum lnk_verdict */
	uint8_t missing; /* LNK_SKIPPED: enum lnk_reg; LNK_REGS if none in particular */
};

/* Was it skipped for want of a register that --deep would have read? */
static inline bool lnk_left_out(const struct lnk_model *m, const struct lnk_result *r)
{
	return r->verdict == LNK_SKIPPED && r->of != LNK_NO_FN && r->missing < LNK_REGS &&
	       m->fns[r->of].unread & REG(r->missing);
}

/* What became of a rule. */
struct lnk_count {
	size_t n[LNK_VERDICTS];
	size_t n_left_out;	    /* of those skipped: lnk_left_out() */
	uint32_t missing;	    /* REG(enum lnk_reg): those for which the others were skipped */
	struct lnk_result *results; /* those to keep, in the order of their subjects */
	size_t n_results, max_results;
};

/* What to judge. Each list is the text of the option, checked by lnk_judge_check(). */
struct lnk_judge {
	const char *const *only;   /* NULL-terminated list of IDs, or NULL: all */
	const char *const *ignore; /* NULL-terminated list of ID or ID@ADDRESS, or NULL */
	uint64_t keep;		   /* BIT(enum lnk_verdict): kept one by one, beside the counts */
};

extern const struct lnk_rule *const lnk_rules[]; /* in the order of their IDs */
extern const size_t lnk_n_rules;
const struct lnk_rule *lnk_rule_find(const char *id); /* any case; NULL: none such */
/* 0, or -EINVAL and words about the first ID or address that means nothing. */
int lnk_judge_check(const struct lnk_judge *j, struct lnk_err *err);
/* Once per model: rules over what is shown; fills findings, counts, link verdicts, n_lost. */
void lnk_judge(struct lnk_model *m, const struct lnk_judge *j);

/* ---- drivers.c ---------------------------------------------------------------------------- */

/* After lnk_judge(): why a finding matters to the driver that is bound, where that is known. */
void lnk_drivers_tell(struct lnk_model *m);

/* ---- remedy.c ----------------------------------------------------------------------------- */

/* What the owner of the host changes, ready to copy, in one of the forms that there are. */
struct lnk_suggestion {
	const char *form;  /* "qemu" */
	const char *needs; /* the oldest that takes it: "QEMU 4.0" */
	const char *words; /* what it changes, and what else must be known */
	const char **lines;
	size_t n_lines, max_lines;
};

/* One change in all forms that were asked for. It can mend several findings. */
struct lnk_remedy {
	const struct lnk_finding *first; /* the first of those, in the order of report */
	struct lnk_suggestion *suggestions;
	size_t n_suggestions;
};

#define LNK_FORMS_FITTING UINT32_MAX /* the one that fits the machine, if it is known */
/* Adds to the set @forms what @word names: a form, "all" or "none"; false if it is none of them. */
bool lnk_remedy_forms(uint32_t *forms, const char *word);
/* After lnk_judge(): gives each finding that the owner of the host can mend its remedy. */
void lnk_remedy_make(struct lnk_model *m, uint32_t forms);
/* What to do about it, in a sentence or two, and whom to ask; never NULL. */
const char *lnk_remedy_words(struct lnk_arena *a, const struct lnk_model *m,
			     const struct lnk_finding *f);

/* ---- hwdb.c ------------------------------------------------------------------------------- */

/* Vendor and device names: udev's hardware database, then pci.ids; once per id. */
void lnk_hwdb_fill(struct lnk_model *m);
/* Closes both, which the first lnk_hwdb_fill() opened. */
void lnk_hwdb_end(void);

/* ---- stream.c: one input's bytes, a window at a time --------------------------------------- */

#define LNK_WINDOW (128u << 10)
#define LNK_START  16u
#define LNK_ROOM   16u /* that fill is given at least: a character is not cut in two */

/* The bytes from window + at to window + end are there to be read; who reads moves ->at. */
struct lnk_stream {
	/* Up to @room (LNK_ROOM or more) bytes, at least one; 0 at the end; a negative errno. */
	ssize_t (*fill)(struct lnk_stream *s, char *to, size_t room);
	void *from;	  /* for fill */
	int fd;		  /* what is read, or */
	const char *data; /* from memory, so much: */
	size_t rest;
	char *window;
	size_t at, end;
	bool ended;	       /* nothing comes after what is in the window */
	int error;	       /* a negative errno: reading failed, and what was read is not all */
	uint64_t total;	       /* bytes read so far */
	char start[LNK_START]; /* the first of them */
};
void lnk_stream_open(struct lnk_stream *s,
		     ssize_t (*fill)(struct lnk_stream *s, char *to, size_t room), void *from);
void lnk_stream_fd(struct lnk_stream *s, int fd); /* stays open */
void lnk_stream_memory(struct lnk_stream *s, const char *data, size_t n);
void lnk_stream_close(struct lnk_stream *s);
/* Fills the window behind what is still to be read, which moves to its start. */
void lnk_stream_more(struct lnk_stream *s);
/* May reading go on elsewhere? In a file that is read from its start on. */
bool lnk_stream_seeks(const struct lnk_stream *s);
/* As lseek(2): the new place, or a negative errno. The window is empty then. */
int64_t lnk_stream_seek(struct lnk_stream *s, int64_t off, int whence);

/* ---- source.c, archive.c, directory.c: an input's files ------------------------------------ */

#define LNK_MAX_FILES  (1u << 20)     /* of one input, with what archives in archives hold */
#define LNK_MAX_NESTED 4u	      /* archives in archives */
#define LNK_MAX_RATIO  1000u	      /* bytes that one byte of input may become, */
#define LNK_FREE_BYTES (256ull << 20) /* where they are more than this */
#define LNK_MAX_PATH   4096u

/* The input itself, a file below it, a member of an archive. */
struct lnk_member {
	const char *path;      /* within the input, as it is written there; "": the input itself */
	const char *link;      /* where a symbolic link leads; it was not followed. NULL: none */
	struct lnk_stream *in; /* its start is in the window; NULL: a link, or no kind of file */
};

/* Who is shown the files, and what is left to be spent on all of them. */
struct lnk_visitor {
	void (*visit)(struct lnk_visitor *v, const struct lnk_member *m);
	/* One file, or what is left of it, cannot be had; @why is clean. */
	void (*refuse)(struct lnk_visitor *v, const char *path, const char *why);
	unsigned files, nested;
	uint64_t bytes;	   /* that were unpacked */
	const char *limit; /* which limit ended it, in words; NULL */
};
/* Counts one more file; false: it was one too many, v->limit says so. */
bool lnk_visitor_count(struct lnk_visitor *v);
/* Is this packed in any way that is known here? It is not asked of the name. */
bool lnk_archive_is(const struct lnk_stream *in);
/* Shows the members of an archive, or what a compressed file holds. Each is read once. */
void lnk_archive_each(struct lnk_visitor *v, const struct lnk_member *m);
/* Shows the regular files below an open directory, in the order of their names. @fd is closed. */
void lnk_directory_each(struct lnk_visitor *v, int fd, const char *path);

/* ---- source-config.c: binary configuration spaces in copies of sysfs and procfs ------------ */

/* What a path says of a file in such a copy. */
struct lnk_config_path {
	size_t root;	  /* the machine's: so many bytes of the path */
	const char *name; /* "config", an attribute, "": itself; NULL: procfs has no more names */
	bool sure;	  /* what is above it says that it is one */
	struct lnk_addr addr;
};
bool lnk_config_path(struct lnk_config_path *p, const char *path);
/* Is this file, by what is in it, one that its path says it may be? */
bool lnk_config_wants(const struct lnk_config_path *p, const struct lnk_member *m);
/* Can these bytes be the start of a configuration space? No text can. */
bool lnk_config_looks(const char *bytes, size_t n);
/* Are they all of one, whatever the path? */
bool lnk_config_certain(const char *bytes, size_t n);

/* The functions of one machine, from such files in any order. */
struct lnk_config;
struct lnk_config *lnk_config_new(void);
void lnk_config_take(struct lnk_config *c, const struct lnk_config_path *p,
		     const struct lnk_member *m);
/* Frees it. A sorted model, perhaps without a function. */
struct lnk_model *lnk_config_end(struct lnk_config *c);

/* ---- bundle.c: which pieces of an input are of one machine --------------------------------- */

struct lnk_captures;
struct lnk_facts;
struct lnk_bundle;
/* @base: the input's own path, from the root on: what is in it may say an address. */
struct lnk_bundle *lnk_bundle_new(const char *base);
void lnk_bundle_free(struct lnk_bundle *b);
/* Takes a file of a copied tree; false: it is none. */
bool lnk_bundle_config(struct lnk_bundle *b, const struct lnk_member *m);
/* Where the facts that @path says go; for the lnk_bundle_text() that follows. */
struct lnk_facts *lnk_bundle_facts(struct lnk_bundle *b, const char *path);
/* Takes over the captures that were read of @path. */
void lnk_bundle_text(struct lnk_bundle *b, const char *path, struct lnk_captures *c);
/* Which limit was reached, in words; NULL: none. */
const char *lnk_bundle_limit(const struct lnk_bundle *b);
void lnk_bundle_refuse(struct lnk_bundle *b, const char *path, const char *why);
/* The first that was refused, "path: why"; NULL: none. */
const char *lnk_bundle_refused(const struct lnk_bundle *b);
/* Adds the captures, in the order of the input, each with its part's name. */
void lnk_bundle_end(struct lnk_bundle *b, const char *limit, struct lnk_captures *out);

/* ---- source.c: from bytes to captures ----------------------------------------------------- */

/* A growing list of captures, in the order of the input. */
struct lnk_captures {
	struct lnk_model **models;
	size_t n, max;
};
void lnk_captures_add(struct lnk_captures *c, struct lnk_model *m);
void lnk_captures_free(struct lnk_captures *c);

/* ---- env.c: guest or not, and whose --------------------------------------------------------- */

struct lnk_dmi {
	const char *sys_vendor, *product_name, *product_version; /* clean; "" where not known */
	const char *board_vendor, *board_name, *bios_vendor, *chassis_version;
};
/* What a processor calls the hypervisor above it. */
struct lnk_cpu {
	enum lnk_guest above;	/* is there a hypervisor? */
	const char *hypervisor; /* NULL: not known which */
	const char *accel;	/* what runs the guest's code, where that is not the product */
	bool root;		/* there is, but this system owns the hardware */
};
/* The hypervisor whose firmware has these names; NULL: they are no hypervisor's. */
const char *lnk_dmi_hypervisor(const struct lnk_dmi *dmi);
/* Product and version for people; NULL where they say nothing. */
const char *lnk_dmi_machine(struct lnk_arena *a, const struct lnk_dmi *dmi);
/* Sets guest, hypervisor, accel, sign; false where neither tells. */
bool lnk_env_judge(struct lnk_env *env, const struct lnk_dmi *dmi, const struct lnk_cpu *cpu);

/* ---- facts.c: what a report says beside its captures --------------------------------------- */

#define LNK_MAX_QUOTES 4096u

/* One GPU of nvidia-smi -q, while it is read: current, max, device max, host max; 0: not said. */
struct lnk_gpu {
	struct lnk_addr addr;
	bool open; /* its address is known */
	unsigned generation[4], width[2];
};
/* Of one machine, from any lines of any of a report's files. */
struct lnk_facts {
	struct lnk_arena arena;
	struct lnk_env env;	   /* the kernel */
	const char *dmi_line;	   /* vendor and product in the kernel's words */
	struct lnk_dmi dmi;	   /* what programs read of it; NULL where not said */
	struct lnk_cpu cpu;	   /* as others name what they detected */
	bool host;		   /* only what owns the hardware says so */
	bool differ;		   /* two of these are not of one machine */
	unsigned signs, dmi_signs; /* facts.c: who says that it is a guest, who has names */
	unsigned section;	   /* facts.c: what the next line belongs to */
	struct lnk_gpu gpu;
	struct lnk_quote *quotes;
	size_t n_quotes, max_quotes;
	void *seen; /* tsearch(3), of quotes */
	bool full;  /* there were more than LNK_MAX_QUOTES */
};
/* A line that belongs to no function, unwrapped. Most say nothing. */
void lnk_facts_line(struct lnk_facts *f, uint32_t line, const char *s, size_t n);
/*
 * A line of the running kernel's own log, as it stands. What was said of a function before the
 * kernel found it, at boot or later, was said of another device.
 */
void lnk_facts_kernel(struct lnk_facts *f, const char *s, size_t n);
/* Adds a copy of it; what is there already counts once. */
void lnk_facts_quote(struct lnk_facts *f, const struct lnk_quote *q);
/* Gives @m the quotes alone. */
void lnk_facts_quotes(const struct lnk_facts *f, struct lnk_model *m);
/* Gives @m what it does not know by itself. */
void lnk_facts_apply(const struct lnk_facts *f, struct lnk_model *m);
void lnk_facts_free(struct lnk_facts *f);

struct lnk_source {
	const char *name; /* "lspci" */
	const char *what; /* for messages: "output of lspci -x, -xxx, -xxxx or -vv" */
	/* Do these first bytes look like mine? NULL: it takes reading to know. */
	bool (*recognise)(const char *start, size_t n);
	/*
	 * Adds at least one model, sorted, not walked. -ENODATA: there is nothing of mine in it;
	 * another negative errno: fails with words, or the stream has failed.
	 */
	int (*read)(struct lnk_stream *in, struct lnk_captures *out, struct lnk_facts *facts,
		    struct lnk_err *err);
};
/* Reads @path ("-": standard input) with the first source that finds something in it. */
int lnk_source_read(const char *path, struct lnk_captures *out, struct lnk_err *err);
extern const struct lnk_source lnk_source_lspci;

/* ---- source-live.c: this machine, or a copied tree through libpci ------------------------- */

struct lnk_live_opts {
	const char *method;	   /* -A, or NULL: libpci's choice */
	const char *const *params; /* -O PARAM=VALUE, NULL-terminated, or NULL */
	bool deep;		   /* read what default runs leave out, too (--deep) */
	bool wake;		   /* read what sleeps, too (--wake) */
	bool everything;	   /* read all of configuration space (--capture) */
	bool some;		   /* functions are to be chosen before they are opened */
};
/*
 * Adds one model, sorted, not walked. The functions' cfg stay live until lnk_live_end(). With
 * o->some, of this machine's sysfs, they are all closed: walked, they show what sysfs tells.
 */
int lnk_live_read(const struct lnk_live_opts *o, struct lnk_captures *out, struct lnk_err *err);
/* Opens what is shown and closed yet; true if there was any, and m is to be walked again. */
bool lnk_live_open(struct lnk_model *m);
/* Closes what was removed meanwhile; true if there was any, and m is to be walked again. */
bool lnk_live_drop(struct lnk_model *m);
/* Between lnk_walk() and lnk_judge(): reads again what proves nothing on one look. */
void lnk_live_settle(struct lnk_model *m);
/* Lists libpci's methods (-A help) or parameters (-O help). */
void lnk_live_help(FILE *to, bool methods);
void lnk_live_end(void);

/* ---- live-sample.c: links that are looked at again and again ------------------------------- */

struct lnk_sample_opts {
	uint64_t interval;   /* ns, between two looks */
	uint64_t duration;   /* ns; not asked for where there is a command */
	const char *command; /* of the shell: as long as it runs; or NULL */
	bool wake;	     /* read what sleeps, too */
	/* For ->duration: NULL, or called now and then with how far it is, after @elapsed ns. */
	void (*progress)(const struct lnk_sampling *s, uint64_t elapsed, uint64_t of);
};
/*
 * Between lnk_live_settle() and lnk_judge(): fills m->sampling and the samples of both ends of what
 * is shown, and makes the highest what they run at. An errno and words where the command cannot be
 * started.
 */
int lnk_live_sample(struct lnk_model *m, const struct lnk_sample_opts *o, struct lnk_err *err);

/* ---- command.c: a command of the shell, and waiting that its end or a signal cuts short ------ */

struct lnk_command {
	bool started, ended;
	int status; /* as waitpid(2) has it, once it has ended */
	int signal; /* that came for us, or 0 */
	pid_t pid;
	sigset_t mask, waited; /* signals: as they were, those that are waited for */
	struct sigaction chld; /* as it was */
};
/*
 * From here to lnk_command_end() SIGINT and SIGTERM do not end the program, but a wait. Starts
 * @command unless it is NULL; -errno and words where that fails, and nothing is to be ended then.
 */
int lnk_command_start(struct lnk_command *c, const char *command, struct lnk_err *err);
/* Waits for the moment @until; true where the command's end or a signal came first. */
bool lnk_command_wait(struct lnk_command *c, uint64_t until);
/* A signal that came for us alone is passed on; the command has a while to end by it. */
void lnk_command_end(struct lnk_command *c);

/* ---- live-log.c, live-tools.c: what others say of this machine's links now ------------------ */

/* Quotes of the kernel's own log: /dev/kmsg, and the journal for what that has lost. */
void lnk_log_quote(struct lnk_model *m);
/* Quotes of drivers and their tools, which take time: of what is shown and awake. */
void lnk_tools_quote(struct lnk_model *m);

/* ---- live-events.c, live-poll.c: what changes on this machine ------------------------------ */

/* The kernel's events of PCI functions. */
struct udev_monitor;
struct lnk_events {
	struct udev_monitor *monitor;
	int fd;	       /* to be read from when anything came; -1: not open */
	bool doubtful; /* in a user namespace, where the kernel's events may not come */
};
int lnk_events_open(struct lnk_events *e, struct lnk_err *err);
/* Takes what came: 1 if functions came, went or changed, or events were lost; a negative errno. */
int lnk_events_drain(struct lnk_events *e);
void lnk_events_close(struct lnk_events *e);
/*
 * Does a link that is shown run otherwise than @m has it, did a function come, go or wake up? Reads
 * the status of both ends of what is awake. @m is the last that lnk_live_read() made.
 */
bool lnk_live_poll(const struct lnk_model *m);
/* Before the next lnk_live_read(): nothing more is read of these functions. */
void lnk_live_close(struct lnk_model *m);

/* ---- changes.c: what differs between two looks at one machine ------------------------------- */

/* In the order of report. */
enum lnk_diff_kind {
	LNK_DIFF_WENT,	  /* a finding */
	LNK_DIFF_REMOVED, /* a function */
	LNK_DIFF_ADDED,	  /* a function */
	LNK_DIFF_LINK,	  /* state, speed or width of a link */
	LNK_DIFF_CAME,	  /* a finding */
	LNK_DIFF_TURNED,  /* a finding's severity or message */
};
enum { LNK_DIFFS = LNK_DIFF_TURNED + 1 };

/* Why a finding went. */
enum lnk_gone {
	LNK_GONE_JUDGED,  /* it was looked for, and is no longer found */
	LNK_GONE_REMOVED, /* what it was about is not there */
	LNK_GONE_ASLEEP,  /* cannot tell: that sleeps now */
	LNK_GONE_UNREAD,  /* cannot tell: a register that it takes was not read */
};

/* What is of the function, link or finding that the kind names; @was is of the look before. */
struct lnk_diff {
	uint8_t kind; /* enum lnk_diff_kind */
	uint8_t gone; /* LNK_DIFF_WENT: enum lnk_gone */
	const struct lnk_fn *fn;
	const struct lnk_link *link, *link_was;
	const struct lnk_finding *finding, *finding_was;
};

struct lnk_changes {
	const struct lnk_model *before, *now;
	struct lnk_diff *list;
	size_t n, max;
};
/*
 * Both were judged, with what was skipped kept. By address: what stands there with other ids went
 * and came. Of what is not shown nothing is said.
 */
void lnk_changes_find(struct lnk_changes *c, const struct lnk_model *before,
		      const struct lnk_model *now);
void lnk_changes_free(struct lnk_changes *c);

/* ---- watch.c: waiting ---------------------------------------------------------------------- */

/* How waiting ended, beside a negative errno. */
enum { LNK_WATCH_SIGNAL = 1, LNK_WATCH_NO_READER };

struct lnk_watch {
	int events;		    /* file descriptors: what events come from (-1: none), */
	int out;		    /* where output goes */
	uint64_t interval;	    /* ns; 0: none */
	void *data;		    /* for all that follow */
	int (*drain)(void *data);   /* takes events; 1: there was something; a negative errno */
	int (*changed)(void *data); /* once after a burst of them; not 0: the end */
	bool (*tick)(void *data);   /* each interval; true: as an event */
	int signals, timer;	    /* watch.c's, as all below */
	bool stopped;		    /* a signal came */
	bool torn;		    /* half a line was written */
};
/* From here on SIGINT and SIGTERM end the waiting, not the program. */
int lnk_watch_begin(struct lnk_watch *w);
int lnk_watch_run(struct lnk_watch *w);
/* Whole lines, or as far as they get until a signal comes. */
int lnk_watch_write(struct lnk_watch *w, const char *text, size_t n);
void lnk_watch_end(struct lnk_watch *w);

/* ---- compare.c: one capture beside another of the same devices ----------------------------- */

/* Which functions are shown: -s and -d as lspci takes them; both must match. NULL: all. */
struct lnk_select {
	const char *slot; /* [[[[domain]:]bus]:][dev][.[func]] */
	const char *id;	  /* [vendor]:[device][:class] */
};

enum lnk_which { LNK_HERE, LNK_THERE, LNK_BOTH }; /* what is judged, what it is compared with */

enum lnk_relation {
	LNK_BEFORE_AFTER, /* both a guest's or both a host's: what is there is what was before */
	LNK_HOST_GUEST,
	LNK_UNRELATED, /* whose one of them is, is not known: only what differs can be said */
};

/* How a function was found on the other side, or why it was not. */
enum lnk_match {
	LNK_BY_ADDRESS,	  /* one machine, looked at twice */
	LNK_BY_SERIAL,	  /* the device's own number */
	LNK_BY_IDS,	  /* the only one with these ids on either side */
	LNK_BY_ORDER,	  /* as many there as here, by address: a guess */
	LNK_ONE_OF_ALIKE, /* one of several, whose links say the same */
	LNK_ONLY_ONE,	  /* nothing like it on the other side */
	LNK_OTHER_SERIAL, /* what is like it has other serial numbers */
	LNK_NOT_TOLD_APART,
	LNK_NO_IDS,
};

/* Host and guest: where what the host's link is gets lost on the way to the guest's driver. */
enum lnk_loss {
	LNK_LOST_UNKNOWN,
	LNK_LOST_NOWHERE,
	LNK_LOST_AT_PORT,   /* it claims less than the real link can do */
	LNK_LOST_AT_STATUS, /* it runs, it says, at what its own device does not */
	LNK_LOST_NO_PORT,   /* the guest has none to ask */
	LNK_LOST_IN_DEVICE, /* it says another capability than on the host */
	LNK_LOST_HIDDEN,    /* it shows no link */
};

/* The host's link, judged by what both of its ends allow. */
enum lnk_real {
	LNK_REAL_UNKNOWN,
	LNK_REAL_NONE,
	LNK_REAL_DOWN,
	LNK_REAL_FULL,
	LNK_REAL_SLOT,	 /* as its port allows, which is less than the device can do */
	LNK_REAL_SLOWER, /* idle or slow */
	LNK_REAL_NARROW,
};

struct lnk_pair {
	const struct lnk_fn *fn[LNK_BOTH]; /* NULL: it is on the other side only */
	uint32_t n[LNK_BOTH];		   /* of its kind, where it was chosen by kind; else 0 */
	uint8_t match;			   /* enum lnk_match */
	uint8_t loss, real;		   /* enum lnk_loss, lnk_real */
	uint16_t allowed;		   /* by both ends of the real link, as MAXLINK has it */
	bool alike;			   /* those that it was chosen from have one link */
	bool steady;			   /* and run at one speed */
	bool repeats;	    /* another function of the device, which has a pair, says the same */
	bool state_changed; /* from up to down or from down to up */
	uint32_t changes;   /* registers; MAXLINK and CURLINK are speed and width */
};

struct lnk_comparison {
	const struct lnk_model *model[LNK_BOTH];
	uint8_t relation;	/* enum lnk_relation */
	enum lnk_which guest;	/* LNK_HOST_GUEST: which is the guest's */
	struct lnk_pair *pairs; /* in the order of what is here, then what is only there */
	size_t n_pairs, n_matched;
	size_t n_compared; /* of those matched, the ones of which something can be said */
	/* Unless LNK_HOST_GUEST: those that the other side does not have, by rule and device. */
	const struct lnk_finding **findings[LNK_BOTH];
	size_t n_findings[LNK_BOTH], n_same_findings;
};
/* Both were judged; @s is what was selected of @here. */
void lnk_compare(struct lnk_comparison *c, const struct lnk_model *here,
		 const struct lnk_model *there, const struct lnk_select *s);
void lnk_comparison_free(struct lnk_comparison *c);

/* ---- expect.c: a reviewed list of findings, held against those that there are --------------- */

/* What is known of an item, the least first. */
enum lnk_expected { LNK_EXPECT_MISSING, LNK_EXPECT_CANNOT_TELL, LNK_EXPECT_FOUND };

struct lnk_expect_item {
	const struct lnk_rule *rule;
	uint64_t above, at; /* both ends, or one; lnk_addr_key() + 1, 0: none */
	uint32_t line;
	enum lnk_expected state;
	const char *text; /* "LNK001@0000:00:03.0>0000:01:00.0", the domain always there */
};

struct lnk_expectation {
	struct lnk_arena arena;
	const char *file;		/* clean */
	struct lnk_expect_item *items;	/* in the order of the file */
	struct lnk_expect_item **order; /* by rule and place */
	size_t n_items;
	size_t n[LNK_EXPECT_FOUND + 1];
	const struct lnk_model *model;	       /* that it was held against */
	const struct lnk_finding **unexpected; /* in the order of report */
	size_t n_unexpected;
};
/* 0, or a negative errno and words about the first line that means nothing. */
int lnk_expect_read(struct lnk_expectation *e, const char *path, struct lnk_err *err);
/*
 * After lnk_judge(), which kept what was skipped: sets the items' states and the findings' held.
 * Those of severity @from or worse that are in no item are unexpected.
 */
void lnk_expect_judge(struct lnk_expectation *e, struct lnk_model *m, enum lnk_severity from);
int lnk_expect_status(const struct lnk_expectation *e); /* 0, 1, 3 */
void lnk_expect_free(struct lnk_expectation *e);

/* ---- report.c: table of output formats ---------------------------------------------------- */

enum lnk_names { LNK_NAMES, LNK_NUMBERS, LNK_NAMES_NUMBERS }; /* default, -n, -nn */

struct lnk_view {
	enum lnk_names names;
	bool verbose;		   /* -v */
	bool quiet;		   /* -q: findings only */
	bool color;		   /* decided from --color, NO_COLOR and the terminal */
	bool utf8;		   /* decided from the locale */
	unsigned width;		   /* columns; 0: no limit (not a terminal) */
	enum lnk_severity fail_on; /* as in --fail-on; LNK_ERROR + 1: never */
	bool redact;
	/* Which capture is written: of which input, and of those in it. Names in a document. */
	size_t input, capture;
	const struct lnk_model *only; /* the one that there is, if that is known; NULL */
};

/* What --monitor tells. */
enum lnk_news_kind {
	LNK_NEWS_START,	  /* who is watched and what stands */
	LNK_NEWS_CHANGES, /* two looks differ */
	LNK_NEWS_TROUBLE, /* a look failed */
	LNK_NEWS_END,
};
struct lnk_news {
	enum lnk_news_kind kind;
	const char *time;		   /* "2026-11-23T05:44:08+00:00" */
	const struct lnk_model *model;	   /* LNK_NEWS_START, and what else it has: */
	uint64_t interval;		   /* ns; 0: links are not looked at */
	bool events;			   /* they come, for all that is known */
	const struct lnk_changes *changes; /* LNK_NEWS_CHANGES */
	const char *trouble;		   /* LNK_NEWS_TROUBLE, clean */
};

struct lnk_format {
	const char *name;
	const char *help;
	uint64_t keep, keep_verbose; /* what it lists, as lnk_judge.keep; and with -v */
	bool findings_only;	     /* it writes nothing of a capture without a finding */
	bool one_capture;	     /* it has room for one */
	bool is_text;		     /* for people: it can be quiet, and ends with a total */
	/*
	 * 0, or a negative errno where writing fails. write() is called once per capture,
	 * compare() or expect() at most once, behind it. begin(), between() and these two may be
	 * NULL.
	 */
	int (*begin)(FILE *to, const struct lnk_view *v);
	void (*between)(FILE *to, const struct lnk_view *v); /* two captures that are written */
	int (*write)(FILE *to, const struct lnk_view *v, const struct lnk_model *m);
	int (*compare)(FILE *to, const struct lnk_view *v, const struct lnk_comparison *c);
	int (*expect)(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e);
	int (*end)(FILE *to, const struct lnk_view *v, int status);
	/* In place of all these: whole lines. NULL: it cannot tell news. */
	void (*tell)(FILE *to, const struct lnk_view *v, const struct lnk_news *n);
};
extern const struct lnk_format *const lnk_formats[];
extern const size_t lnk_n_formats;
const struct lnk_format *lnk_format_find(const char *name);
extern const struct lnk_format lnk_format_table, lnk_format_tree, lnk_format_json, lnk_format_dump;
extern const struct lnk_format lnk_format_junit, lnk_format_sarif, lnk_format_expect;
extern const struct lnk_format lnk_format_prometheus, lnk_format_ndjson, lnk_format_html;

/* Marks .selected and .shown, after lnk_walk(); -EINVAL and words if a filter means nothing. */
int lnk_select_apply(struct lnk_model *m, const struct lnk_select *s, struct lnk_err *err);

/* Exit status of one capture (0, 1, 3) and the worse of two, in the order 2, 1, 3, 0. */
int lnk_status(const struct lnk_model *m, const struct lnk_view *v);
int lnk_status_worse(int a, int b);
/* Does it make the exit status 1? */
bool lnk_finding_counts(const struct lnk_finding *f, const struct lnk_view *v);

/*
 * What every format says in the same words; all return arena or static text.
 */
/* "8GT/s x16", "2.5GT/s x1"; "unknown" where either is. */
const char *lnk_link_str(struct lnk_arena *a, unsigned speed, unsigned width);
/* "15.75 GB/s"; "" where not known */
const char *lnk_rate_str(struct lnk_arena *a, unsigned speed, unsigned width);
/* "NVIDIA GP104 [GeForce GTX 1080]", "10de:1b80", or both, by v->names */
const char *lnk_fn_name(struct lnk_arena *a, const struct lnk_view *v, const struct lnk_fn *f);
/* The one line on the environment. */
const char *lnk_env_line(struct lnk_arena *a, const struct lnk_model *m);
/* "LNKCAP 0000:00:03.0 00000411", "max_link_speed/width 0000:01:00.0 8GT/s x16 (sysfs)" */
const char *lnk_evidence_str(struct lnk_arena *a, const struct lnk_evidence *e);
/* How much of its source is the input's path; behind that stands which part of it is meant. */
size_t lnk_source_length(const struct lnk_model *m);
/* "LNK001@0000:00:03.0>0000:01:00.0", "LNK104@0000:01:00.0", "LNK901@-": the same next time. */
const char *lnk_finding_name(struct lnk_arena *a, const struct lnk_finding *f);
/* "0000:00:03.0>0000:01:00.0: port claims ..." */
const char *lnk_finding_line(struct lnk_arena *a, const struct lnk_finding *f);
/* The names of registers, and what else checks were skipped for, as lnk_count.missing has them. */
const char *lnk_missing_str(struct lnk_arena *a, uint32_t missing);
/* No findings: what was checked, in a sentence or two; with findings: what could not be checked. */
const char *lnk_summary(struct lnk_arena *a, const struct lnk_model *m);
/* The findings, each with its text, as table and tree both print them below their picture. */
int lnk_put_findings(FILE *to, const struct lnk_view *v, const struct lnk_model *m);
/* What is said of a finding, part by part, and by whom: text and pages differ in no word. */
enum lnk_say {
	LNK_SAY_ENDS, /* the port */
	LNK_SAY_END,  /* the device below it */
	LNK_SAY_AT,
	LNK_SAY_READ,
	LNK_SAY_QUOTE,
	LNK_SAY_WHY,
	LNK_SAY_WHY_DO, /* both as before */
	LNK_SAY_HERE,
	LNK_SAY_DO,
	LNK_SAY_HOW,
};
struct lnk_said {
	enum lnk_say part;
	const char *text;
	const struct lnk_fn *fn;	   /* LNK_SAY_ENDS, _END, _AT: which */
	const struct lnk_finding *as;	   /* the text is "as for .. above": for this one */
	const struct lnk_suggestion *copy; /* LNK_SAY_HOW: its lines are to be copied */
};
struct lnk_teller {
	void (*begin)(struct lnk_teller *t, const struct lnk_finding *f); /* rule and message */
	void (*say)(struct lnk_teller *t, const struct lnk_said *s);
	void (*end)(struct lnk_teller *t); /* of a finding; NULL: nothing is to be done */
};
/* Findings in turn; what was said of one before in @list is not said again. */
void lnk_tell(struct lnk_teller *t, const struct lnk_view *v, const struct lnk_model *m,
	      const struct lnk_finding *list, size_t n);
/*
 * What others said of the link of @f's device. @told has a flag for each of the model's quotes, so
 * that none is said twice; or it is NULL.
 */
void lnk_tell_quotes(struct lnk_teller *t, const struct lnk_model *m, const struct lnk_fn *f,
		     bool *told);
/* The same two as text. */
void lnk_tell_findings(FILE *to, const struct lnk_view *v, const struct lnk_model *m,
		       const struct lnk_finding *list, size_t n);
void lnk_put_quotes(FILE *to, const struct lnk_view *v, const struct lnk_model *m,
		    const struct lnk_fn *f);
/* Each check that was not made: "LNK004 skipped 0000:01:00.0  needs LNKSTA of 0000:00:03.0". */
void lnk_tell_skips(const struct lnk_model *m, void (*tell)(FILE *to, const char *line), FILE *to);
/* A link in a word; the word for what was found is "", as it has its own. */
enum lnk_standing {
	LNK_STANDS_OK,
	LNK_STANDS_FOUND,
	LNK_STANDS_CANNOT_TELL,
	LNK_STANDS_DOWN,
	LNK_STANDS_NO_PORT,
	LNK_STANDS_NOT_JUDGED,
	LNK_STANDS_EMULATED,
	LNK_STANDS_VF,
};
enum lnk_standing lnk_standing_of(const struct lnk_link *l);
const char *lnk_standing_str(enum lnk_standing s);
/* Its own, as LNKCAP and LNKSTA say: "8GT/s x16"; "void" for zeros, "not read" where not known. */
const char *lnk_can_str(struct lnk_arena *a, const struct lnk_fn *f);
const char *lnk_runs_str(struct lnk_arena *a, const struct lnk_fn *f);
/* For each function (index in m->fns) the findings to mark it with, worst first, from one array. */
struct lnk_marks {
	const struct lnk_finding **list;
	size_t *from; /* function i: list[from[i]] up to before list[from[i + 1]] */
};
void lnk_marks_make(struct lnk_marks *k, const struct lnk_model *m);
void lnk_marks_free(struct lnk_marks *k);
/*
 * "LNK001 error", one a line, for functions @first up to before @end (indices); "" if none. *color
 * becomes the worst one's.
 */
const char *lnk_marks_str(struct lnk_arena *a, const struct lnk_marks *k, const struct lnk_view *v,
			  size_t first, size_t end, const char **color);
/* Model text as the output takes it: bytes beyond ASCII become \xNN unless v->utf8. */
const char *lnk_text(struct lnk_arena *a, const struct lnk_view *v, const char *s);
unsigned lnk_columns(const char *s);	  /* that it takes on a terminal */
unsigned lnk_cell_columns(const char *s); /* and the widest of its lines */
/* At most @max columns of it; what is cut off ends in "..". */
const char *lnk_fit(struct lnk_arena *a, const char *s, unsigned max);
/* Its name in at most @max columns. That a port is virtual says more than the end of its name. */
const char *lnk_name_cell(struct lnk_arena *a, const struct lnk_view *v, const struct lnk_fn *f,
			  unsigned max);
/* The escape sequence for a severity, and the one that ends it; "" without colour. */
const char *lnk_color(const struct lnk_view *v, enum lnk_severity s);
const char *lnk_color_end(const struct lnk_view *v);
/* @text behind @first, folded to the width; further lines are indented by @hang columns. */
void lnk_put_para(FILE *to, const struct lnk_view *v, const char *first, unsigned hang,
		  const char *text);
/* Text in XML or HTML, in an attribute or not; a new line becomes @newline. */
void lnk_put_markup(FILE *to, const char *s, const char *newline);
/* What table and tree have in common around their @picture of the links. */
void lnk_text_between(FILE *to, const struct lnk_view *v);
int lnk_text_write(FILE *to, const struct lnk_view *v, const struct lnk_model *m,
		   int (*picture)(FILE *, const struct lnk_view *, const struct lnk_model *));
int lnk_text_end(FILE *to, const struct lnk_view *v, int status);
/* A finding in one line, as -q has it. */
void lnk_put_line(FILE *to, const struct lnk_view *v, const struct lnk_finding *f);
/* What is shown of it: functions and links. */
void lnk_count_shown(const struct lnk_model *m, size_t *fns, size_t *links);
/* "20 functions", "1 link" */
const char *lnk_count_str(struct lnk_arena *a, size_t n, const char *what);
/* A table or a tree of rows; libsmartcols draws it (report-table.c). */
#define LNK_GRID_COLUMNS 6
enum lnk_grid_flag { LNK_GRID_TREE = 1, LNK_GRID_RIGHT = 2 };
struct lnk_grid_row {
	const char *cell[LNK_GRID_COLUMNS]; /* NULL: empty; a newline makes it several lines */
	const char *color;		    /* of the cell in the grid's colour column */
	size_t parent;			    /* index of a row before this one, or SIZE_MAX */
	const struct lnk_fn *fn;	    /* whose row it is, for its maker */
};
struct lnk_grid {
	unsigned n_columns, color_column;
	const char *heading[LNK_GRID_COLUMNS]; /* all NULL: none */
	unsigned flags[LNK_GRID_COLUMNS];
	struct lnk_grid_row *rows;
	size_t n_rows;
};
int lnk_put_grid(FILE *to, const struct lnk_view *v, const struct lnk_grid *g);
/* What was seen of each link, where it was sampled (report-samples.c). */
int lnk_put_samples(FILE *to, const struct lnk_view *v, const struct lnk_model *m);
/* The link registers of one end, @i from 0 to before LNK_LINK_REGS; false: it has no such. */
#define LNK_LINK_REGS 6
struct lnk_register_line {
	const char *name, *raw, *words;
};
bool lnk_register_line(struct lnk_arena *a, const struct lnk_fn *f, unsigned i,
		       struct lnk_register_line *line);
/* "NUMA node 1, IOMMU group 23"; "" where neither is known. */
const char *lnk_place_str(struct lnk_arena *a, const struct lnk_fn *f);
/* -v: the link registers of both ends, raw and decoded, for each link that is shown. */
void lnk_put_registers(FILE *to, const struct lnk_view *v, const struct lnk_model *m);

/* ---- report-rows.c: the hierarchy, one row a function ---------------------------------------- */

struct lnk_row {
	const struct lnk_fn *fn; /* NULL: the heading of a bus, */
	const char *bus;	 /* "0000:00", "0000:2f below 2e:00.0" */
	size_t parent;		 /* index of a row before this one; SIZE_MAX: a bus */
	unsigned depth;		 /* 0: a bus */
};
struct lnk_rows {
	struct lnk_arena arena;
	struct lnk_row *rows;
	size_t n, max;
};
/* What is shown. What lies deeper than @max_depth starts again below a bus of its own. */
void lnk_rows_make(struct lnk_rows *r, const struct lnk_model *m, unsigned max_depth);
void lnk_rows_free(struct lnk_rows *r);
/* On a root bus "03.0", as the bus stands in the row above; below a bridge "01:00.0". */
const char *lnk_short_addr(struct lnk_arena *a, const struct lnk_fn *f);
/* What there is to say in place of a link's speed and width; NULL: there is one to show. */
const char *lnk_no_link_str(const struct lnk_fn *f);

/* ---- report-compare.c: one capture beside another ------------------------------------------ */

/* A pair in a sentence or two, as all formats say it. */
const char *lnk_pair_str(struct lnk_arena *a, const struct lnk_comparison *c,
			 const struct lnk_pair *p);
int lnk_text_compare(FILE *to, const struct lnk_view *v, const struct lnk_comparison *c);

/* ---- report-watch.c: what --monitor tells, as text, a line each ------------------------------ */

void lnk_text_tell(FILE *to, const struct lnk_view *v, const struct lnk_news *n);

/* ---- report-expect.c: what differs from what is expected ------------------------------------ */

int lnk_text_expect(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e);

/* ---- output.c: where a report goes ----------------------------------------------------------- */

struct lnk_output {
	FILE *to;
	const char *name;    /* for messages */
	char *made, *target; /* what is written, and takes whose place; NULL: none is to be made */
};
enum lnk_output_end { LNK_OUTPUT_KEEP, LNK_OUTPUT_DROP };
/*
 * The file @name, which stays as it is until the end; NULL or "-": the standard output. A negative
 * errno and words where that cannot be; then lnk_output_close() has nothing more to do.
 */
int lnk_output_open(struct lnk_output *o, const char *name, struct lnk_err *err);
/*
 * The file takes its place, or is dropped. A negative errno where it could not be kept, and is
 * gone. What was written in place, and the standard output, is there anyway.
 */
int lnk_output_close(struct lnk_output *o, enum lnk_output_end end);
/* Would @name take the place of the file @input, or of one below it? "-" is the standard input. */
bool lnk_output_replaces(const char *name, const char *input);

/* ---- jobs.c: several inputs side by side -------------------------------------------------- */

/* What came of an input, or of all so far. */
struct lnk_tally {
	int status;
	size_t n_unread;   /* inputs */
	size_t n_captures; /* that were judged */
	size_t n_written;  /* of those: of which the format writes something */
	size_t n_shown;	   /* functions */
	size_t n_found[LNK_ERROR + 1];
};

/* One input, judged by a worker. */
struct lnk_job {
	const char *died; /* why its worker ended before it was judged; NULL: it was judged */
	struct lnk_tally tally;
	char *text; /* @n_out bytes of output, @n_err bytes for standard error */
	size_t n_out, n_err;
};

struct lnk_jobs {
	size_t n;	  /* inputs */
	size_t n_workers; /* at least 1, at most as many */
	void *data;	  /* for both */
	/* In a worker. What it prints goes to @out and, for standard error, @err. */
	void (*judge)(void *data, size_t i, FILE *out, FILE *err, struct lnk_tally *t);
	/*
	 * Here, in the order of the inputs: what a worker made, or all where none could be started.
	 */
	void (*take)(void *data, size_t i, const struct lnk_job *job);
	void (*here)(void *data, size_t i);
};
/* Standard input can be read by one worker: no two inputs may be it. */
void lnk_jobs_run(const struct lnk_jobs *j);

#endif
