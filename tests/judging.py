# SPDX-License-Identifier: GPL-2.0-or-later
"""judging - what judges of a format share: they collect what is wrong and say all of it at their end

A test that writes a judge of its own has PYTHONPATH lead here.
"""
import sys

wrong = []


def check(holds, *words):
    if not holds:
        wrong.append(" ".join(str(w) for w in words))


def conclude(*seen):
    """Says what is wrong, and on standard error how much was seen; fails if anything is."""
    print("\n".join(wrong[:40]))
    if seen:
        print(*seen, file=sys.stderr)
    sys.exit(bool(wrong))
