# SPDX-License-Identifier: GPL-2.0-or-later
"""
machine.py - machines that tests make of captures and specs

machine.py tree DIR CAPTURE [WORD...]	what /sys/bus/pci shows of it, in DIR
machine.py trees DIR CAPTURE...		the same of each, in DIR/CAPTURE
machine.py proc DIR CAPTURE [WORD...]	what /proc/bus/pci does
machine.py mock FILE CAPTURE [WORD...]	a description for umockdev-run, in FILE

WORD is one of
  bytes=N		config holds the first N bytes, as for those who are not root
  no-config		there is none
  links			the four link attributes, as the kernel computes them
  ids			vendor, device, class, revision and bus numbers, as the kernel has them;
  			for mock, which bus is below a bridge, too
  ADDR/NAME=VALUE	one attribute of one function; "driver", "physfn", "iommu_group" are links
  dmi/NAME=VALUE	for mock
  kmsg=FILE		for mock: what the kernel's log holds; without it one line that says nothing
"""
import os
import re
import sys

def read(file):
    fns = {}
    for line in open(file, encoding="latin-1"):
        if m := re.match(r"((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", line):
            fn = fns.setdefault(m[1] if m[1].count(":") == 2 else "0000:" + m[1], bytearray())
        elif m := re.match(r"([0-9a-f]{2,3}): ((?:[0-9a-f]{2} ?)+)$", line.rstrip()):
            assert int(m[1], 16) == len(fn), line
            fn += bytes.fromhex(m[2])
    return fns

def u16(c, at):
    return int.from_bytes(c[at:at + 2], "little")

def capability(c, which):
    at = c[0x34] if c[6] & 0x10 and c[14] != 0xff else 0
    while at and c[at] != which:
        at = c[at + 1]
    return at

SPEEDS = ["Unknown", "2.5 GT/s PCIe", "5.0 GT/s PCIe", "8.0 GT/s PCIe", "16.0 GT/s PCIe",
          "32.0 GT/s PCIe", "64.0 GT/s PCIe"] + 9 * ["Unknown"]

def links(c):
    at = capability(c, 0x10)
    if not at:
        return {}
    if u16(c, at + 2) >> 4 & 15 in (9, 10):
        return {"current_link_speed": "Unknown", "current_link_width": "0",
                "max_link_speed": "Unknown", "max_link_width": "255"}
    cap, sta = u16(c, at + 12), u16(c, at + 18)
    return {"current_link_speed": SPEEDS[sta & 15], "current_link_width": str(sta >> 4 & 63),
            "max_link_speed": SPEEDS[cap & 15], "max_link_width": str(cap >> 4 & 63)}

def ids(c):
    a = {"vendor": f"0x{u16(c, 0):04x}", "device": f"0x{u16(c, 2):04x}",
         "class": f"0x{c[11]:02x}{c[10]:02x}{c[9]:02x}", "revision": f"0x{c[8]:02x}"}
    at = capability(c, 0x0d) + 4 if c[14] & 127 == 1 else 44
    a |= {"subsystem_vendor": f"0x{u16(c, at):04x}", "subsystem_device": f"0x{u16(c, at + 2):04x}"}
    if at == 4:
        a |= {"subsystem_vendor": "0x0000", "subsystem_device": "0x0000"}
    if c[14] & 127 in (1, 2):
        a |= {"secondary_bus_number": str(c[25]), "subordinate_bus_number": str(c[26])}
    return a

TARGETS = {"driver": "../../../bus/pci/drivers/", "physfn": "../",
           "iommu_group": "../../../kernel/iommu_groups/"}

def tree(fns, where, have, size, attrs):
    for at, c in fns.items():
        d = f"{where}/devices/{at}"
        os.makedirs(d)
        if "config" in have:
            open(f"{d}/config", "wb").write(c[:size])
        for name, value in attrs[at].items():
            if name in TARGETS:
                os.symlink(TARGETS[name] + value, f"{d}/{name}")
                continue
            os.makedirs(os.path.dirname(f"{d}/{name}"), exist_ok=True)
            open(f"{d}/{name}", "w").write(value + "\n")

def proc(fns, where, size):
    os.makedirs(where)
    with open(f"{where}/devices", "w") as f:
        for at, c in sorted(fns.items()):
            domain, bus, rest = at.split(":")
            dev, func = rest.split(".")
            d = f"{where}/{bus}" if domain == "0000" else f"{where}/{domain}:{bus}"
            os.makedirs(d, exist_ok=True)
            open(f"{d}/{rest}", "wb").write(c[:size])
            f.write(f"{bus}{int(dev, 16) << 3 | int(func):02x}\t{u16(c, 0):04x}{u16(c, 2):04x}\t0")
            f.write(14 * "\t               0" + "\n")

def mock(fns, where, have, size, attrs, dmi, kmsg):
    with open(where, "w") as f:
        f.write(f"P: /devices/virtual/mem/kmsg\nN: kmsg={kmsg.hex().upper()}\nE: SUBSYSTEM=mem\n")
        f.write("E: DEVNAME=/dev/kmsg\n\n")
        for at, c in fns.items():
            f.write(f"P: /devices/pci0000:00/{at}\nE: SUBSYSTEM=pci\nE: PCI_SLOT_NAME={at}\n")
            if "config" in have:
                f.write(f"H: config={c[:size].hex().upper()}\n")
            for name, value in attrs[at].items():
                if name in TARGETS:
                    f.write(f"L: {name}={TARGETS[name]}{value}\n")
                else:
                    f.write("A: {}={}\\n\n".format(name, value.replace("\n", "\\n")))
            f.write("\n")
            if "ids" in have and c[14] & 127 == 1 and c[25]:
                f.write(f"P: /devices/pci0000:00/{at}/pci_bus/{at[:-7]}{c[25]:02x}\n")
                f.write("E: SUBSYSTEM=pci_bus\n\n")
        if dmi:
            f.write("P: /devices/virtual/dmi/id\nE: SUBSYSTEM=dmi\n")
            for name, value in dmi.items():
                f.write(f"A: {name}={value}\\n\n")
            f.write("\n")

what, where, *rest = sys.argv[1:]
if what == "trees":
    for capture in rest:
        fns = read(capture)
        tree(fns, f"{where}/{capture}", {"config"}, 4096, {at: {} for at in fns})
    sys.exit()
fns, dmi, size, have = read(rest[0]), {}, 4096, {"config"}
kmsg = b"6,0,0,-;Linux version 6.1.0\n"
attrs = {at: {} for at in fns}
for word in rest[1:]:
    if m := re.match(r"bytes=(\d+)$", word):
        size = int(m[1])
    elif m := re.match(r"dmi/(\w+)=(.*)", word):
        dmi[m[1]] = m[2]
    elif m := re.match(r"kmsg=(.+)", word):
        kmsg = open(m[1], "rb").read()
    elif m := re.match(r"([0-9a-f:.]+)/([\w/]+)=(.*)", word, re.S):
        attrs[m[1]][m[2]] = m[3]
    elif word == "no-config":
        have.remove("config")
    else:
        assert word in ("links", "ids"), word
        have.add(word)
for at, c in fns.items():
    attrs[at] = (links(c) if "links" in have else {}) | (ids(c) if "ids" in have else {}) | attrs[at]
if what == "tree":
    tree(fns, where, have, size, attrs)
elif what == "proc":
    proc(fns, where, size)
elif what == "mock":
    mock(fns, where, have, size, attrs, dmi, kmsg)
