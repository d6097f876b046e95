# SPDX-License-Identifier: GPL-2.0-or-later
"""look.py CHECK FOLDER PAGE... - what a browser makes of pages of --format=html

CHECK is a function below; FOLDER takes the browser's profile and what is made. Prints what is wrong,
a line each, and fails if anything is; ends with what it saw. With a change to a page in $SPOIL, a
script, it looks at pages that are spoiled: a check that still passes is none.
"""
import base64
import json
import os
import subprocess
import sys

from browser import Browser

WIDTHS = 360, 800, 1280
SCHEMES = "light", "dark"
TAB, ENTER, END = "\ue004", "\ue007", "\ue010"
wrong = []


def check(holds, *words):
    if not holds:
        wrong.append(" ".join(str(w) for w in words))


def show(browser, page, width=1280, scheme="light", media="", height=900):
    browser.look(width, height, scheme, media)
    browser.open(page)
    if os.environ.get("SPOIL"):
        browser.run(os.environ["SPOIL"])


def name(page):
    return os.path.basename(page)


# ---- Loading ----------------------------------------------------------------------------------

def loads(browser, folder, pages):
    """nothing but the page is asked for, nothing runs, nobody complains"""
    seen = 0
    for page in pages:
        browser.log("performance")
        show(browser, page)
        asked = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
        urls = [m["params"]["request"]["url"] for m in asked
                if m["method"] == "Network.requestWillBeSent"]
        check(urls == ["file://" + page], name(page), "asked for", urls)
        # A browser asks for an icon by itself, of servers only.
        said = [entry["message"][:200] for entry in browser.log("browser")]
        check(not said, name(page), "complaints", said)
        check(browser.run("return document.compatMode") == "CSS1Compat", name(page), "quirks")
        check(browser.run("return document.characterSet") == "UTF-8", name(page), "encoding")
        check(browser.run("return document.scripts.length + document.images.length + "
                          "document.querySelectorAll('link,iframe,object,embed').length") == 0,
              name(page), "something that loads")
        seen += len(urls)
    return f"{seen} requests"


# ---- Sizes ------------------------------------------------------------------------------------

def fits(browser, folder, pages):
    """the page never scrolls sideways, with everything open"""
    seen = 0
    for page in pages:
        for width in WIDTHS:
            show(browser, page, width)
            for step in "document.body", "document.querySelectorAll('details')" \
                    ".forEach(d => d.open = true)":
                browser.run(step)
                inner, scroll = browser.run(
                    "return [innerWidth, Math.max(document.documentElement.scrollWidth, "
                    "document.body.scrollWidth)]")
                check(inner == width and scroll <= inner, name(page), scroll, "in", inner)
                seen += 1
            # What is cut off is not seen either.
            cut = browser.run(
                "return [...document.querySelectorAll('td,dd,p,h2,h4,summary,li')].filter(e => {"
                "const r = e.getBoundingClientRect(); return r.width && (r.right > innerWidth + 1 "
                "|| r.left < -1)}).map(e => e.textContent.slice(0, 40)).slice(0, 3)")
            check(not cut, name(page), width, "outside:", cut)
    return f"{seen} sizes"


# ---- Pictures ---------------------------------------------------------------------------------

COUNT = """
const [data, colour, done] = arguments, image = new Image();
image.onload = () => {
    const canvas = document.createElement('canvas');
    canvas.width = image.width; canvas.height = image.height;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const bytes = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
    const colours = new Map();
    for (const b of bytes) colours.set(b, (colours.get(b) || 0) + 1);
    const [r, g, b] = colour.match(/[0-9]+/g).map(Number);
    done([colours.size, colours.get(((255 << 24 | b << 16 | g << 8 | r) >>> 0)) || 0]);
};
image.src = 'data:image/png;base64,' + data;
"""


def pixels(browser, path, colour):
    """how many colours a picture has, and how often this one"""
    with open(path, "rb") as file:
        data = base64.b64encode(file.read()).decode()
    browser.post("/url", url="about:blank")
    return browser.post("/execute/async", script=COUNT, args=[data, colour])


def pictures(browser, folder, pages):
    """screenshots: FOLDER/screenshots; the first page has errors, the last one none"""
    os.makedirs(folder + "/screenshots", exist_ok=True)
    seen = 0
    for scheme in SCHEMES:
        show(browser, pages[0], scheme=scheme)
        error = browser.run("return getComputedStyle(document.querySelector('.finding.error'))"
                            ".borderLeftColor")
        for page in pages:
            for width in WIDTHS:
                path = f"{folder}/screenshots/{name(page)[:-5]}-{width}-{scheme}.png"
                show(browser, page, width, scheme)
                height = browser.run("return document.documentElement.scrollHeight")
                browser.look(width, min(height, 3000), scheme)
                browser.screenshot(path)
                n, _ = pixels(browser, path, error)
                check(n > 40, path, "has", n, "colours")
                # The legend shows all.
                show(browser, page, width, scheme)
                browser.look(width, min(height, 3000), scheme)
                browser.run("document.querySelectorAll('.legend').forEach(e => e.style.visibility "
                            "= 'hidden')")
                browser.screenshot(folder + "/without-legend.png")
                n, red = pixels(browser, folder + "/without-legend.png", error)
                check(red > 100 or page != pages[0], path, "has no error,", red)
                check(red == 0 or page != pages[-1], path, "has an error,", red)
                seen += 1
    return f"{seen} pictures"


# ---- Contrast ---------------------------------------------------------------------------------

# The least ratio of text and of lines to what is behind them, as WCAG 2.1 counts, and how many.
CONTRAST = """
const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const parse = colour => {
    const n = colour.match(/[0-9.]+/g).map(Number);
    if (!/^rgba?\\(/.test(colour)) throw 'colour ' + colour;
    return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1];
};
const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
const behind = e => {
    const layers = [];
    for (; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
};
const ratio = (colour, e) => {
    const under = behind(e), a = luminance(over(parse(colour), under)), b = luminance(under);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
};
document.querySelectorAll('details').forEach(d => d.open = true);
const low = [];
let texts = 0, lines = 0;
const hold = (least, colour, e, what) => {
    const r = ratio(colour, e);
    if (r < least) low.push(what.trim().slice(0, 40) + ': ' + r.toFixed(2));
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
    if (e.namespaceURI.endsWith('svg')) continue;
    hold(4.5, getComputedStyle(e).color, e, walker.currentNode.data);
    texts++;
}
for (const e of document.querySelectorAll('td'))
    for (const pseudo of ['::before', '::after']) {
        const style = getComputedStyle(e, pseudo);
        if (style.content === 'none' || style.content === 'normal') continue;
        hold(4.5, style.color, e, style.content);
        texts++;
    }
for (const e of document.querySelectorAll('svg path, svg line, svg circle, svg text')) {
    if (!e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const colour = style.stroke === 'none' ? style.fill : style.stroke;
    hold(3, colour, e.closest('svg'), e.tagName + '.' + e.getAttribute('class'));
    lines++;
}
return [low, texts, lines];
"""


def contrast(browser, folder, pages):
    texts = lines = 0
    for page in pages:
        for scheme in SCHEMES:
            for width, media in (360, ""), (1280, ""), (1280, "print"):
                show(browser, page, width, scheme, media)
                ids = browser.run("return [null, document.querySelector('.finding')?.id, "
                                  "document.querySelector('.finding a')?.hash.slice(1)]")
                for at in {i: 0 for i in ids}:
                    if at:
                        browser.run("location.hash = arguments[0]", at)
                        check(browser.run("return document.querySelector(':target')?.id") == at,
                              name(page), "no target", at)
                    low, n, m = browser.run(CONTRAST)
                    check(not low, name(page), scheme, width, media, at or "", low[:5])
                    texts, lines = texts + n, lines + m
    check(texts > 1000 and lines > 200, texts, "texts", lines, "lines")
    return f"{texts} texts, {lines} lines"


# ---- Keyboard ---------------------------------------------------------------------------------

FOCUS = """
const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
return {tag: e.tagName, href: e.getAttribute('href'), text: e.textContent.slice(0, 60),
    entry: !!e.closest('.entry'), number: [...document.querySelectorAll('*')].indexOf(e),
    outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 3 && box.height > 3 && box.top < innerHeight && box.bottom > 0 &&
        style.clipPath === 'none'};
"""
REACHABLE = """
return [...document.querySelectorAll('a[href],summary,[tabindex="0"]')].filter(e =>
    e.checkVisibility()).map(e => [...document.querySelectorAll('*')].indexOf(e));
"""


def walk(browser, page):
    """what Tab reaches, in turn"""
    show(browser, page)
    stops = []
    while True:
        browser.press(TAB)
        at = browser.run(FOCUS)
        if at["tag"] == "BODY" or (stops and at["number"] == stops[0]["number"]) or len(stops) > 999:
            return stops
        check(at["outline"] and at["seen"], name(page), "focus is not seen:", at)
        stops.append(at)


def keyboard(browser, folder, pages):
    """the last page has several captures, the first one a finding and registers"""
    seen = 0
    for page in pages:
        stops = walk(browser, page)
        reachable = browser.run(REACHABLE)
        numbers = [s["number"] for s in stops]
        check(sorted(numbers) == sorted(reachable), name(page), len(numbers), "of", len(reachable))
        check(stops and stops[0]["href"] == "#report", name(page), "the skip link is not first")
        if not any(s["entry"] for s in stops):
            check(numbers == sorted(numbers), name(page), "in another order")
        seen += len(stops)
    entries = [s["entry"] for s in stops[1:]]
    check(any(entries) and entries == sorted(entries, reverse=True), "the list is not first")

    page = pages[0]
    show(browser, page)
    browser.press(TAB)
    browser.press(ENTER)
    check(browser.run("return document.querySelector(':target').id") == "report", "skip link")
    # From its mark to a finding, from there back to its row.
    browser.press(TAB)
    mark = browser.run(FOCUS)
    browser.press(ENTER)
    at = browser.run("return [document.querySelector(':target').tagName, location.hash]")
    check(at == ["ARTICLE", mark["href"]], "from", mark, "to", at)
    browser.press(TAB)
    browser.press(ENTER)
    at = browser.run("return [document.querySelector(':target').tagName, location.hash]")
    check(at[0] == "TR", "back to", at)
    browser.run("document.querySelector('summary').focus()")
    check(not browser.run("return document.querySelector('details').open"), "open from the start")
    browser.press(ENTER)
    check(browser.run("return document.querySelector('details').open"), "Enter opens nothing")
    check(browser.run("return document.querySelector('.registers').checkVisibility()"), "unseen")
    return f"{seen} stops"


# ---- The drawing ------------------------------------------------------------------------------

def drawing(browser, folder, pages):
    """origin: a thin port above a wide device; eight: 2.5GT/s among 16GT/s, x16 all"""
    origin, eight = pages
    width = "return parseFloat(getComputedStyle(document.getElementById(arguments[0])" \
            ".querySelector(arguments[1])).strokeWidth)"
    show(browser, origin)
    port = browser.run(width, "c1.1-0000:00:01.0", "line.wire")
    device = browser.run(width, "c1.1-0000:01:00.0", "path.wire")
    check(0 < port < device, "2.5GT/s x1:", port, "8GT/s x16:", device)
    # They meet: the port's line ends where the device's row begins, above its own.
    for at in WIDTHS:
        show(browser, origin, at)
        above, below = browser.run(
            "return ['c1.1-0000:00:01.0 line.wire', 'c1.1-0000:01:00.0 path.wire'].map(s => {"
            "const [id, what] = s.split(' '), r = document.getElementById(id).querySelector(what)"
            ".getBoundingClientRect(); return [r.left + r.width / 2, r.left, r.bottom, r.top]})")
        check(abs(above[0] - below[1]) < 1.5 and -1.5 < above[2] - below[3] < 3, at, "px: a gap",
              above, below)
    show(browser, eight)
    full = [browser.run(width, f"c1.1-0000:0{n}:00.0", "path.wire") for n in range(1, 8)]
    slow = browser.run(width, "c1.1-0000:08:00.0", "path.wire")
    check(len(set(full)) == 1 and slow < full[0], "16GT/s:", full, "2.5GT/s:", slow)
    # Without colours: no two shapes are alike, and what is dotted or dashed is so.
    shapes = browser.run("return [...document.querySelectorAll('.legend .shape')].map(e => "
                         "[...e.children].map(c => c.cloneNode(true)).map(c => {"
                         "c.removeAttribute('class'); return c.outerHTML}).join(''))")
    check(len(shapes) == 7 == len(set(shapes)), "shapes", shapes)
    return f"{port} {device} {slow} {full[0]} px"


# ---- Paper ------------------------------------------------------------------------------------

def paper(browser, folder, pages):
    """origin printed: findings, remedy, and registers that nobody opened"""
    path = folder + "/printed.pdf"
    show(browser, pages[0], scheme="dark")
    browser.pdf(path)
    info = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout
    n = int(info.split("Pages:")[1].split()[0])
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True,
                          check=True).stdout
    words = " ".join(text.split())
    check(n > 0, "no page")
    for part in ("Found: 1 error, 1 warning.", "The device runs faster than its port says",
                 "drivers that believe the port use 1/63 of the link", "LNK203 warning",
                 "-global pcie-root-port.x-width=16", "0000:00:01.0 root port",
                 "LNKCAP2 0000000e speeds: 2.5GT/s 5GT/s 8GT/s"):
        check(part in words, "not printed:", part)
    check("Skip to" not in words, "the skip link is printed")
    browser.look(800, 900, "dark", "print")
    check(browser.run("return getComputedStyle(document.querySelector('.message')).color") ==
          "rgb(0, 0, 0)", "not black")
    check(browser.run("return getComputedStyle(document.querySelector('.finding')).breakInside") ==
          "avoid", "findings are torn")
    return f"{n} pages"


def main():
    what, folder, *pages = sys.argv[1:]
    with Browser(folder) as browser:
        seen = globals()[what](browser, folder, pages)
    for line in wrong[:40]:
        print(line)
    print(seen, file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
