#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""apply.py - applies what --suggest=qemu printed to a QEMU command line, as the manual defines it

    apply.py [--way N] --edits FILE -- ARGUMENT...

prints the new arguments, one a line. FILE ("-": standard input) holds the lines of one suggestion;
where they offer several ways, N is the one to take, from 1. lnkinspect(1), SUGGESTIONS, defines the
lines. What is not exactly defined there is an error here: a remedy that needs a guess is none.
"""
import argparse
import dataclasses
import re
import sys

ELLIPSIS = "..."
MACHINE = ("-machine", "-M")


class EditError(Exception):
    """An edit list, or a command line that it does not fit."""


@dataclasses.dataclass
class Argument:
    """An option's argument: its first part, and key=value parts in their order."""

    head: str | None
    keys: dict[str, str | None]  # None: a word without a value
    open: bool = False  # of an edit: "..." stands there

    def text(self) -> str:
        parts = [] if self.head is None else [self.head]
        parts += [key if value is None else f"{key}={value}" for key, value in self.keys.items()]
        return ",".join(part.replace(",", ",,") for part in parts)


@dataclasses.dataclass
class Edit:
    word: str
    option: str
    argument: Argument

    def __str__(self) -> str:
        return f"{self.word} {self.option} {self.argument.text()}"


def split_argument(text: str) -> Argument:
    """QEMU doubles a comma that belongs to a value. What has no "=" but comes first is the head."""
    parts = [p.replace("\0", ",") for p in text.replace(",,", "\0").split(",")]
    head = None
    if "=" not in parts[0]:
        head = parts.pop(0)
    keys: dict[str, str | None] = {}
    dots = head == ELLIPSIS
    for part in parts:
        if part == ELLIPSIS:
            dots = True
            continue
        key, equals, value = part.partition("=")
        if key in keys:
            raise EditError(f"{key}= twice in {text}")
        keys[key] = value if equals else None
    return Argument(head, keys, dots)


def parse(text: str) -> list[list[Edit]]:
    """The ways that the lines offer, each a list of edits."""
    ways: list[list[Edit]] = [[]]
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words == ["or"]:
            ways.append([])
            continue
        if len(words) != 3 or words[0] not in ("add", "find", "change", "to") or words[1][0] != "-":
            raise EditError(f"no edit: {line.strip()}")
        edit = Edit(words[0], words[1], split_argument(words[2]))
        if edit.word == "add" and edit.argument.open:
            raise EditError(f"nothing can be left open in {edit}")
        before = ways[-1][-1] if ways[-1] else None
        if edit.word == "to" and (not before or before.word != "change" or
                                  before.option != edit.option):
            raise EditError(f"no change before {edit}")
        if before and before.word == "change" and edit.word != "to":
            raise EditError(f"what to, after {before}")
        ways[-1].append(edit)
    if not all(ways) or any(way[-1].word == "change" for way in ways):
        raise EditError("the edit list ends too early")
    return ways


def number(key: str, value: str | None) -> object:
    """What compares: addr is hexadecimal, a device and perhaps a function."""
    text = (value or "").lower()
    if key == "addr":
        found = re.fullmatch(r"(?:0x)?([0-9a-f]+)(?:\.(?:0x)?([0-7]))?", text)
        return (int(found[1], 16), int(found[2] or "0")) if found else value
    if re.fullmatch(r"0x[0-9a-f]+", text):
        return int(text, 16)
    return int(text) if text.isdecimal() else value


def is_variable(value: str | None) -> bool:
    return re.fullmatch(r"[A-Z][A-Z0-9]*", value or "") is not None


class Line:
    """A command line on which edits are carried out."""

    def __init__(self, argv: list[str]):
        self.words: list[list[str]] = []  # an option, and its argument if we know that it has one
        self.bound: dict[str, str] = {}
        self.ids: list[str] = []  # of ports that must stand before their users
        rest = list(argv)
        while rest:
            word = rest.pop(0)
            if self.option(word) in ("-device", "-machine", "-global") and rest:
                self.words.append([word, rest.pop(0)])
            else:
                self.words.append([word])

    @staticmethod
    def option(word: str) -> str:
        """QEMU takes two dashes for one, and -M for -machine."""
        word = word[1:] if word.startswith("--") else word
        return MACHINE[0] if word in MACHINE else word

    def argv(self) -> list[str]:
        return [part for word in self.words for part in word]

    def value(self, value: str) -> str:
        if is_variable(value) and value not in self.bound:
            raise EditError(f"{value} is not known yet")
        return self.bound.get(value, value)

    def rank(self, edit: Edit, has: Argument) -> int:
        """How many of the shown keys are there and equal; -1 if one contradicts."""
        wants = edit.argument
        if wants.head not in (ELLIPSIS, has.head):
            return -1
        equal = 0
        for key, value in wants.keys.items():
            if key not in has.keys or (is_variable(value) and value not in self.bound):
                continue
            if number(key, has.keys[key]) != number(key, self.value(value)):
                return -1
            equal += 1
        return equal

    def pick(self, edit: Edit) -> list[str]:
        """The one argument that is meant."""
        same = [w for w in self.words if len(w) == 2 and self.option(w[0]) == edit.option]
        if any(word[1].startswith("{") for word in same):
            raise EditError(f"JSON is no list of parts: {edit}")
        if edit.option == MACHINE[0]:
            ranks = [(0, word) for word in same]
        else:
            ranks = [(self.rank(edit, split_argument(word[1])), word) for word in same]
        best = max((rank for rank, _ in ranks), default=-1)
        found = [word for rank, word in ranks if rank == best and rank >= 0]
        if len(found) != 1:
            raise EditError(f"{len(found) or 'no'} arguments fit {edit}")
        self.bind(edit, split_argument(found[0][1]))
        return found[0]

    def bind(self, edit: Edit, has: Argument) -> None:
        for key, value in edit.argument.keys.items():
            if not is_variable(value) or value in self.bound:
                continue
            if key not in has.keys:
                raise EditError(f"no {key}= in what fits {edit}")
            self.bound[value] = has.keys[key]
            if key == "id":
                self.ids.append(has.keys[key])

    def filled(self, argument: Argument) -> dict[str, str]:
        return {key: self.value(value) for key, value in argument.keys.items()}

    def add(self, edit: Edit) -> None:
        keys = self.filled(edit.argument)
        if edit.option == "-device" and "id" in keys:
            if any(split_argument(w[1]).keys.get("id") == keys["id"] for w in self.devices()):
                raise EditError(f"id={keys['id']} is taken")
            self.ids.append(keys["id"])
        self.words.append([edit.option, Argument(edit.argument.head, keys).text()])

    def change(self, word: list[str], edit: Edit) -> None:
        has = split_argument(word[1])
        head = edit.argument.head
        if edit.option == MACHINE[0] and "type" in has.keys:
            has.keys["type"] = head
        elif head != ELLIPSIS:
            has.head = head
        has.keys.update(self.filled(edit.argument))
        word[1] = has.text()
        if "id" in has.keys:
            self.ids.append(has.keys["id"])

    def devices(self) -> list[list[str]]:
        return [word for word in self.words if len(word) == 2 and
                self.option(word[0]) == "-device" and not word[1].startswith("{")]

    def port_to_move(self) -> tuple[list[str], list[str]] | None:
        """A device that stands behind one that is on its bus, and the first such user."""
        for name in self.ids:
            made = [w for w in self.devices() if split_argument(w[1]).keys.get("id") == name]
            users = [w for w in self.devices() if split_argument(w[1]).keys.get("bus") == name]
            if made and users and self.position(users[0]) < self.position(made[0]):
                return made[0], users[0]
        return None

    def position(self, word: list[str]) -> int:
        return next(i for i, w in enumerate(self.words) if w is word)

    def order(self) -> None:
        """QEMU makes devices in the order of the command line: ports come before their users."""
        for _ in range(len(self.words) ** 2):
            found = self.port_to_move()
            if not found:
                return
            del self.words[self.position(found[0])]
            self.words.insert(self.position(found[1]), found[0])
        raise EditError("devices stand on each other's buses")

    def run(self, way: list[Edit]) -> None:
        picked = None
        for edit in way:
            if edit.word == "add":
                self.add(edit)
            elif edit.word == "find":
                self.pick(edit)
            elif edit.word == "change":
                # QEMU has a machine even where none is named.
                if edit.option == MACHINE[0] and not any(
                        self.option(w[0]) == MACHINE[0] for w in self.words):
                    self.words.append([edit.option, ""])
                picked = self.pick(edit)
            else:
                self.change(picked, edit)
        self.order()


def apply(argv: list[str], alternative: list[Edit]) -> list[str]:
    """The command line after the edits of one way."""
    line = Line(argv)
    line.run(alternative)
    return line.argv()


def main() -> int:
    options = argparse.ArgumentParser(description="apply what --suggest=qemu printed")
    options.add_argument("--edits", required=True, metavar="FILE")
    options.add_argument("--way", type=int, default=1, metavar="N")
    options.add_argument("arguments", nargs="*")
    args = options.parse_args()
    try:
        if args.edits == "-":
            text = sys.stdin.read()
        else:
            with open(args.edits, encoding="utf-8") as file:
                text = file.read()
        ways = parse(text)
        if not 1 <= args.way <= len(ways):
            raise EditError(f"there are {len(ways)} ways")
        print("\n".join(apply(args.arguments, ways[args.way - 1])))
    except (EditError, OSError) as trouble:
        print(f"apply.py: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
