"""Tables of figures in Markdown documents.

    tables.py write DOCUMENT < OUTPUT      replaces the rows of each table that occurs in the output of the suites
    tables.py sum TABLE COLUMN < OUTPUT    prints the sum of a column, counted from 0, over the rows in the output

A row is a line `figure NAME | cell | cell |`. The table of that name is enclosed by the comments
`<!-- figures: NAME -->` and `<!-- /figures: NAME -->`. Its two heading lines are kept.
"""

import re
import sys


def rows(text):
    """Returns the rows of each table, by its name, in the order in which they were printed."""
    found = {}
    # The output of another test may precede a row on its line.
    for name, row in re.findall(r"figure (\w+) \|(.*)\|$", text, re.MULTILINE):
        found.setdefault(name, []).append([cell.strip() for cell in row.split("|")])
    return found


def grouped(cell):
    return f"{int(cell):,}" if cell.isdigit() else cell


def write(path, found):
    document = open(path).read()
    for name, table in found.items():
        begin, end = f"<!-- figures: {name} -->\n", f"<!-- /figures: {name} -->"
        if begin not in document:
            sys.exit(f"{path} has no table {name}")
        head, rest = document.split(begin)
        headings, tail = rest.split(end)
        lines = headings.splitlines()[:2] + ["| " + " | ".join(map(grouped, row)) + " |" for row in table]
        document = head + begin + "\n".join(lines) + "\n" + end + tail
    open(path, "w").write(document)


def total(found, name, column):
    return sum(int(row[column]) for row in found.get(name, []) if row[column].isdigit())


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    printed = rows(sys.stdin.read())
    if what == "write":
        write(arguments[0], printed)
    else:
        print(total(printed, arguments[0], int(arguments[1])))
