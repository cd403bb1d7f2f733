#!/usr/bin/env python3
"""Code lines by folder of src at two revisions: no blank lines, no comments, no tests.

    python3 benches/sizes.py ac76bea HEAD      prints a table in Markdown; needs git

Left out are files and folders of tests and everything under #[cfg(test)].
"""

import collections
import re
import subprocess
import sys


def git(*arguments):
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def code_lines(text):
    """Lines of code; an item under #[cfg(test)] ends with its last brace or its semicolon."""
    lines = [line.strip() for line in text.split("\n")]
    count = at = 0
    while at < len(lines):
        if lines[at].startswith("#[cfg(test)]"):
            depth, braces, at = 0, False, at + 1
            while at < len(lines):
                line = re.sub(r'"(\\.|[^"\\])*"|//.*', "", lines[at])
                depth += line.count("{") - line.count("}")
                braces |= "{" in line
                at += 1
                if (braces and depth <= 0) or (not braces and line.endswith(";")):
                    break
            continue
        count += bool(lines[at]) and not lines[at].startswith("//")
        at += 1
    return count


def sizes(revision):
    """Code lines and the largest file of each folder."""
    lines, largest = collections.Counter(), collections.Counter()
    for path in git("ls-tree", "-r", "--name-only", revision, "src").split():
        parts = path.split("/")
        if not path.endswith(".rs") or any("tests" in part for part in parts):
            continue
        folder = parts[1] if len(parts) > 2 else "src"
        size = code_lines(git("show", f"{revision}:{path}"))
        lines[folder] += size
        largest[folder] = max(largest[folder], size)
    return lines, largest


def main(before, after):
    (old, old_largest), (new, new_largest) = sizes(before), sizes(after)
    print(f"| folder | {before} | largest file | {after} | largest file |")
    print("|---|---|---|---|---|")
    for folder in sorted({*old, *new}):
        print(f"| {folder} | {old[folder]} | {old_largest[folder]} | {new[folder]} | {new_largest[folder]} |")
    print(f"| all | {sum(old.values())} | {max(old_largest.values())} | {sum(new.values())} | {max(new_largest.values())} |")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: sizes.py BEFORE AFTER")
    main(*sys.argv[1:])
