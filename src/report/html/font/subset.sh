#!/bin/sh
# subset.sh latinmodern-math.otf: makes math.css, the font of the formulas, from Latin Modern Math (GUST e-foundry, the font is in
# Debian's fonts-lmodern) with the characters in characters.txt. Needs fonttools and brotli: pip install fonttools brotli.
# Italic letters and stretched roots and brackets are reached from those by the font's own tables.
set -eu
cd "$(dirname "$0")"
subset=$(mktemp)
trap 'rm -f "$subset"' EXIT
pyftsubset "$1" --unicodes-file=characters.txt --flavor=woff2 --layout-features="" --no-hinting --desubroutinize \
    --drop-tables+=DSIG --output-file="$subset"
printf '@font-face { font-family: "attreg formulas"; src: url(data:font/woff2;base64,%s) format("woff2"); }\n' \
    "$(base64 -w0 "$subset")" > math.css
