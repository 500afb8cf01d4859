#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A manual page from a reference in Markdown, so that there is one text of it:

    tools/man-from-md.py docs/manifest.md rocket-pod 5 "the pod manifest" SYNOPSIS > man/rocket-pod.5

Knows headings, paragraphs, lists, tables (first column becomes the tag) and code blocks; nothing more.
"""
import re
import sys


def escape(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("…", "...").replace("→", "is")


def inline(text):
    text = escape(text)
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    text = re.sub(r"\*\*([^*]*)\*\*", r"\\fB\1\\fR", text)
    text = re.sub(r"\*([^*]*)\*", r"\\fI\1\\fR", text)
    return "\\&" + text if text.startswith(".") else text


def table_row(line, last_is_default):
    cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
    text = cells[1] or "Understood, and refused by name in this version."
    if len(cells) > 2 and cells[2]:
        text += " (default: %s)" % cells[2] if last_is_default else " " + cells[2]
    return [".TP", inline(cells[0]), inline(text)]


def body(lines):
    out, code, default, i = [], False, False, 0
    while i < len(lines):
        line = lines[i]
        if line.startswith("```"):
            out.append(".RE\n.fi" if code else ".PP\n.nf\n.RS")
            code = not code
        elif code:
            out.append(("\\&" if line.startswith(".") else "") + escape(line))
        elif line.startswith("### "):
            out.append(".SS " + escape(line[4:]))
        elif line.startswith("## "):
            out.append(".SH " + escape(line[3:].upper()))
        elif line.startswith("|") and i + 1 < len(lines) and lines[i + 1].startswith("|---"):
            default = line.rstrip(" |").endswith("default")
            i += 1
        elif line.startswith("|"):
            out += table_row(line, default)
        elif line.startswith("- "):
            out += [".IP \\(bu 2", inline(line[2:])]
        else:
            out.append(inline(line) if line.strip() else ".PP")
        i += 1
    return "\n".join(out).split("\n")


def without_idle_paragraphs(lines):
    kept = []
    for i, line in enumerate(lines):
        after = lines[i + 1] if i + 1 < len(lines) else ".SH"
        before = kept[-1] if kept else ".SH"
        if line == ".PP" and (after.startswith((".S", ".PP", ".TP")) or before.startswith((".S", ".PP"))):
            continue
        kept.append(line)
    return kept


def main():
    path, name, section, summary, synopsis = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")[2:]
    head = ['.\\" SPDX-License-Identifier: Apache-2.0', '.\\" made by tools/man-from-md.py from ' + path,
            '.TH %s %s "" "Rocket" "File formats"' % (name.upper(), section),
            ".SH NAME", "%s \\- %s" % (name, escape(summary)), ".SH SYNOPSIS", ".B " + escape(synopsis), ".SH DESCRIPTION"]
    foot = [".SH SEE ALSO", ".BR rocket-run (1),", ".BR rocket-manifest (1),", ".BR rocket-plan (1),", ".BR rocket-recipe (5)"]
    print("\n".join(head + without_idle_paragraphs(body(lines)) + foot))


main()
