#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks a Markdown report, as HTML on standard input, against the JSON report of the same traces:

    cmark-gfm -e table -e autolink --unsafe REPORT.md | markdown.py REPORT.json

Prints each fault: an element that a name has made, a finding without its row or its message.
"""
import html.parser
import json
import sys

OURS = "h3 table thead tbody tr th td p code span ul li details summary pre".split()


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells, self.rows, self.blocks, self.inside = [], [], [], []

    def handle_starttag(self, tag, attrs):
        others = [a for a in attrs if a[0] != "align" and a != ("class", "language-text")]
        if tag not in OURS or others:
            print("a name has made", self.get_starttag_text())
        self.inside.append(tag)
        if tag == "tr":
            self.cells = []
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "pre":
            self.blocks.append("")

    def handle_endtag(self, tag):
        if not self.inside or self.inside.pop() != tag:
            print("a name has ended", tag)
        if tag == "tr":
            self.rows.append(self.cells)

    def handle_comment(self, data):
        print("a name has made a comment", data)

    def handle_data(self, data):
        if "pre" in self.inside:
            self.blocks[-1] += data
        elif self.cells and self.inside and "tr" in self.inside:
            self.cells[-1] += data


page = Page()
page.feed(sys.stdin.read())
with open(sys.argv[1], encoding="utf-8") as file:
    findings = json.load(file)["findings"]
counted = [f for f in findings if not f["suppressed_by"] and f["baseline"] != "known"]
if len(page.rows) != 1 + len(counted):
    print(len(page.rows), "rows for", len(counted), "findings")
for number, row in enumerate(page.rows[1:], 1):
    if len(row) != 7 or row[0].strip() != str(number):
        print("the row", row)
shown = " ".join("\n".join(page.blocks).split())
for finding in counted:
    if finding["level"] != "note" and " ".join(finding["message"].split()) not in shown:
        print("no", finding["message"])
