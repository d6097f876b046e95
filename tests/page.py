# SPDX-License-Identifier: GPL-2.0-or-later
"""page.py JSON HTML - what is wrong with a page of --format=html, a line each

It must be well-formed, load nothing, run nothing, and say of each capture what JSON says of it.
"""
import html.parser
import json
import re
import sys

VOID = {"meta", "br", "hr", "link", "img", "input", "wbr", "base", "col", "embed", "source"}
ELEMENTS = set("""html head meta title style body a header h1 main p svg path circle line text desc
section h2 h3 h4 table thead tbody tr th td code span ul li article dl dt dd pre details summary
aside""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class href id viewbox aria-hidden role
aria-label tabindex colspan scope stroke-width d cx cy r x y x1 x2 y1 y2 width height""".split())
# Nothing else is told of the world outside: not even a link that would have to be clicked.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


class Node:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children = []  # nodes and strings

    def get(self, name):
        return self.attributes.get(name)

    def classes(self):
        return (self.get("class") or "").split()

    def text(self):
        return "".join(c if isinstance(c, str) else c.text() for c in self.children
                       if isinstance(c, str) or c.tag not in ("svg", "style"))

    def all(self, tag=None, name=None):
        for child in self.children:
            if isinstance(child, str):
                continue
            if (tag is None or child.tag == tag) and (name is None or name in child.classes()):
                yield child
            yield from child.all(tag, name)

    def one(self, tag=None, name=None):
        return next(self.all(tag, name), None)


class Page(html.parser.HTMLParser):
    """the tree of a page, and what is wrong with how it is written"""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.wrong = []
        self.root = self.at = Node("", {}, None)
        self.ids, self.targets = {}, []
        self.feed(text)
        self.close()
        if self.at is not self.root:
            self.wrong.append(f"<{self.at.tag}> has no end")

    def handle_decl(self, decl):
        if decl != "DOCTYPE html" or self.root.children:
            self.wrong.append(f"<!{decl}>")

    def handle_starttag(self, tag, attributes):
        node = Node(tag, attributes, self.at)
        self.at.children.append(node)
        names = [name for name, value in attributes]
        if tag not in ELEMENTS:
            self.wrong.append(f"<{tag}> has no place here")
        for name, value in attributes:
            if name not in ATTRIBUTES or value is None:
                self.wrong.append(f"<{tag} {name}={value}>")
        if len(names) != len(set(names)):
            self.wrong.append(f"<{tag}> has an attribute twice")
        if "id" in names:
            if node.get("id") in self.ids:
                self.wrong.append(f"id {node.get('id')} twice")
            self.ids[node.get("id")] = node
        if "href" in names:
            self.targets.append(node.get("href"))
        if tag not in VOID:
            self.at = node

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.at = self.at.parent

    def handle_endtag(self, tag):
        if tag != self.at.tag:
            self.wrong.append(f"</{tag}> ends <{self.at.tag}>")
        if self.at.parent:
            self.at = self.at.parent

    def handle_data(self, data):
        if self.at is self.root and data.strip():
            self.wrong.append(f"text outside: {data[:40]}")
        self.at.children.append(data)

    def handle_comment(self, data):
        self.wrong.append(f"a comment: {data[:40]}")

    handle_pi = unknown_decl = handle_comment


class Judge:
    def __init__(self, document, text):
        self.document, self.page = document, Page(text)
        self.wrong = self.page.wrong
        self.widths = []  # of lines: (rate, width)

    def check(self, holds, *words):
        if not holds:
            self.wrong.append(" ".join(str(w) for w in words))

    def head(self, text):
        root, check = self.page.root, self.check
        check(text.startswith("<!DOCTYPE html>\n<html lang=\"en\">"), "doctype, lang")
        check(b'<meta charset="utf-8">' in text.encode()[:1024], "charset")
        metas = {m.get("name") or m.get("http-equiv"): m.get("content") for m in root.all("meta")}
        check(metas.get("Content-Security-Policy") == POLICY, "policy", metas)
        check(metas.get("viewport") == "width=device-width, initial-scale=1", "viewport", metas)
        titles = list(root.all("title"))
        check(titles and titles[0].parent.tag == "head" and titles[0].text().strip(), "title")
        check(all(t.parent.tag == "svg" for t in titles[1:]), "a title in no picture")
        style = "".join(c for s in root.all("style") for c in s.children)
        check(not re.search(r"url\(|@import|expression|//", style), "the style loads something")
        for word in "prefers-color-scheme", "@media print", ":focus-visible", ":target":
            check(word in style, "no", word)
        for target in self.page.targets:
            check(target.startswith("#") and target[1:] in self.page.ids, "nowhere:", target)
        for svg in root.all("svg"):
            tags = [c.tag for c in svg.children if not isinstance(c, str)]
            if svg.get("role") == "img":
                check(tags[:2] == ["title", "desc"] and "" not in
                      ["".join(c.children).strip() for c in svg.children[:2]], "svg", tags)
            else:
                check(svg.get("aria-hidden") == "true" and "title" not in tags, "svg", tags)
        check(len(list(root.all("h1"))) == 1, "h1")

    def verdict(self, capture, section):
        """in words, by what JSON counts"""
        n = {s: sum(f["severity"] == s for f in capture["findings"])
             for s in ("error", "warning", "notice", "info")}
        parts = [f"{n[s]} {s}{'s' if n[s] > 1 and s != 'info' else ''}" for s in n if n[s]]
        words = "Nothing found in what could be checked."
        if parts:
            words = f"Found: {', '.join(parts)}."
        elif not any(f["selected"] for f in capture["functions"]):
            words = "Nothing was checked: no function was chosen."
        if capture["status"] == 3:
            words = "Cannot tell. " + words
        got = section.one("h2").text()
        self.check(got == words, capture["source"], got, "is not", words)
        shape = section.one("h2").one("svg").classes()[1]
        if capture["status"] == 3:
            self.check(shape == "cannot-tell", capture["source"], shape)
        elif n["error"] or n["warning"] or n["notice"]:
            worst = next(s for s in n if n[s])
            self.check(shape == worst, capture["source"], shape, "is not", worst)
        else:
            compared = any(x["verdict"] == "pass" and not x["lost"] for x in capture["links"])
            self.check(shape in (("ok", "plain") if compared else ("plain",)), capture["source"],
                       shape, "where nothing was compared" if not compared else "")
        source = re.sub("[\ufffe\uffff]", lambda m: "".join(f"\\x{b:02x}" for b in
                        m[0].encode()), capture["source"])
        self.check(source in section.one("p").text() or
                   capture["source"] == "this machine", "no source:", section.one("p").text())
        return words

    def row(self, capture, section, address):
        row = self.page.ids.get(f"{section.get('id')}-{address}")
        self.check(row and row.tag == "tr", capture["source"], "no row", address)
        return row

    def cell(self, row, name):
        cell = row.one("td", name)
        return cell.text() if cell else None

    def figures(self, capture, section, end, words):
        row = self.row(capture, section, end["address"])
        if not row:
            return
        where = f"{capture['source']} {end['address']}"
        for key, name in ("max_link", "can"), ("current_link", "runs"):
            link = end[key]
            if link and link["speed"] and self.cell(row, name) not in words:
                self.check(self.cell(row, name) == f"{link['speed']} x{link['width']}", where, name,
                           self.cell(row, name), link)
        link = end["current_link"]
        if link and link["mbps"] and self.cell(row, "runs") not in words:
            self.check(abs(float(self.cell(row, "rate")) - link["mbps"] / 8000) < 0.0051, where,
                       self.cell(row, "rate"), "GB/s is not", link["mbps"])
        self.check(self.cell(row, "can"), where, "can")
        self.check(self.cell(row, "runs"), where, "runs")

    def link(self, capture, section, link):
        words = "link down", "asleep", "removed", "does not answer"
        self.figures(capture, section, link["device"], words)
        if not link["port"]:
            return
        self.figures(capture, section, link["port"], words)
        row = self.row(capture, section, link["device"]["address"])
        functions = {f["address"]: f for f in capture["functions"]}
        if not row or functions[link["device"]["address"]]["parent"] != link["port"]["address"]:
            return
        where = f"{capture['source']} {link['device']['address']}"
        svg = row.one("svg", "gutter")
        wire = svg.one("path", "wire")
        self.check(svg.get("role") == "img" and wire, where, "no wire")
        if not wire:
            return
        look = wire.classes()[1]
        if link["verdict"] == "found":
            self.check(look == link["worst"], where, look, "is not", link["worst"])
        else:
            self.check(look in ("ok", "cannot-tell", "down", "plain"), where, look)
            self.check((look == "ok") <= (link["verdict"] == "pass"), where, "ok, but not judged")
            self.check(not link["lost"] or look in ("cannot-tell", "down", "plain"), where, look)
        rate = link["device"]["current_link"]
        if link["state"] != "down" and rate and rate["mbps"]:
            self.widths.append((rate["mbps"], int(wire.get("stroke-width"))))

    def rows(self, capture, section):
        shown = [r.get("id") for r in section.one("table", "tree").all("tr") if r.get("id")] \
            if section.one("table", "tree") else []
        prefix = section.get("id") + "-"
        wanted = {prefix + f["address"] for f in capture["functions"]}
        self.check(len(shown) == len(set(shown)) and set(shown) <= wanted, capture["source"], "rows")
        if all(f["selected"] for f in capture["functions"]):
            self.check(set(shown) == wanted, capture["source"], "rows for", len(wanted))
        for link in capture["links"]:
            self.link(capture, section, link)
        marks = {}
        for f in capture["findings"]:
            if f["function"]:
                marks.setdefault(prefix + f["function"], []).append(f)
        for address in shown:
            row = self.page.ids[address]
            found = marks.pop(address, [])
            links = list(row.one("td", "verdict").all("a"))
            self.check([a.text() for a in links] == [f"{f['id']} {f['severity']}" for f in found],
                       capture["source"], address, "marks", [a.text() for a in links])
            for a, f in zip(links, found):
                self.check(a.get("href") == f"#{prefix}{f['id']}-{f['function']}", a.get("href"))
        self.check(not marks, capture["source"], "marked nowhere:", list(marks))

    def finding(self, capture, section, f, article, remedies):
        name = f"{capture['source']} {f['id']}@{f['function']}"
        at = f"{section.get('id')}-{f['id']}" + (f"-{f['function']}" if f["function"] else "")
        self.check(article.get("id") == at, name, article.get("id"))
        self.check(f["severity"] in article.classes(), name, article.classes())
        self.check(article.one("span", "mark").text() == f"{f['id']} {f['severity']}", name, "mark")
        self.check(article.one("h4").text().endswith(f["title"]), name, "title")
        self.check(article.one("p", "message").text() == f["message"], name, "message")
        links = [a.get("href") for a in article.all("a")]
        for address in f["port"], f["device"], f["function"]:
            if address and not (address == f["function"] == f["other"]):
                self.check(f"#{section.get('id')}-{address}" in links, name, "no way to", address)
        text = article.text()
        self.check(f["why"] in text or f"as for {f['id']} above" in text, name, "why")
        self.check(not f["here"] or f["here"] in text or re.search(r"as for LNK\d+ above", text),
                   name, "here")
        boxes = [p.one("code").text() for p in article.all("pre", "copy")]
        lines = ["\n".join(s["lines"]) for s in f["suggestions"] if s["lines"]]
        if str(lines) in remedies and not boxes:
            self.check(not lines or re.search(r"as for LNK\d+( at \S+)? above", text), name, "how")
        else:
            self.check(boxes == lines, name, "lines", boxes, lines)
        remedies.add(str(lines))

    def capture(self, capture, section):
        words = self.verdict(capture, section)
        self.rows(capture, section)
        articles = list(section.all("article"))
        self.check(len(articles) == len(capture["findings"]), capture["source"], "findings")
        remedies = set()
        for f, article in zip(capture["findings"], articles):
            self.finding(capture, section, f, article, remedies)
        details = [d for d in section.all("details") if d.one("table", "registers")]
        self.check(len(details) == len(capture["links"]), capture["source"], "registers")
        functions = {f["address"]: f for f in capture["functions"]}
        for link, d in zip(capture["links"], details):
            for end in link["port"], link["device"]:
                for name in "LNKCAP", "LNKSTA", "LNKCTL":
                    value = end and functions[end["address"]]["registers"].get(name)
                    origin = end and functions[end["address"]]["origins"].get(name)
                    self.check(not value or origin or value in d.text(), capture["source"],
                               end and end["address"], name, value)
        return words

    def judge(self, text):
        self.head(text)
        root, captures = self.page.root, self.document["captures"]
        sections = list(root.all("section", "capture"))
        entries = list(root.all("p", "entry"))
        self.check(len(sections) == len(entries) == len(captures), len(sections), "captures")
        for capture, section, entry in zip(captures, sections, entries):
            words = self.capture(capture, section)
            self.check(entry.one("a").text() == words and
                       entry.one("a").get("href") == "#" + section.get("id"), "entry", words)
        self.check((root.one("aside", "unread") is not None) == (self.document["status"] == 2),
                   "status", self.document["status"])
        self.widths.sort()
        for (slow, thin), (fast, thick) in zip(self.widths, self.widths[1:]):
            self.check(thin <= thick, f"{slow} Mb/s is {thin} wide, {fast} is {thick}")
        if len(captures) == 1:
            self.check(root.one("title").text().startswith(sections[0].one("h2").text()) or
                       self.document["status"] == 2, "title")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        document = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        text = file.read()
    judge = Judge(document, text)
    judge.judge(text)
    for line in judge.wrong[:40]:
        print(line)
    print(len(document["captures"]), "captures,", sum(len(c["findings"]) for c in
          document["captures"]), "findings,", len(judge.widths), "lines,",
          len({w for r, w in judge.widths}), "widths", file=sys.stderr)
    sys.exit(bool(judge.wrong))


if __name__ == "__main__":
    main()
