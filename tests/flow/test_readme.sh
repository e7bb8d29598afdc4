#!/bin/bash
# The ten-minute tour of README.md, run as written; what it promises is checked on the way.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
source_dir=${SOURCE_DIR:?} program=${SENDA:?}

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
ln -s "$source_dir/docs" docs
mkdir bin && ln -s "$program" bin/senda
export PATH="$folder/bin:$PATH"

awk '/^```sh tour$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$source_dir/README.md" > tour.sh
[ "$(wc -l < tour.sh)" -gt 20 ] || { echo "the tour has no commands"; exit 1; }
{ echo "set -euo pipefail; set -m"; cat tour.sh; } > run.sh
bash run.sh > out.txt 2> err.txt || { cat out.txt err.txt; echo "a command of the tour failed"; exit 1; }

expect() { # what, pattern
    grep -qE "$2" out.txt || { cat out.txt err.txt; echo "the tour does not show: $1"; exit 1; }
}
expect "the import accepts every row" '"read": ?5442, ?"accepted": ?5442'
expect "a repeated event is a duplicate" '"accepted": ?0, ?"duplicates": ?1'
expect "the customer's timeline" 'Satisfaction Call'

echo '{"kind":"variants","where":[{"property":"registration_type","op":"=","value":"complete"}]}' > all.json
[ "$(senda query all.json --data tour-restored | jq .data.total)" = 7 ] || { echo "not 7 variants"; exit 1; }
echo '{"kind":"flow","where":[{"property":"registration_type","op":"=","value":"complete"}]}' > flow.json
[ "$(senda query flow.json --data tour-restored | jq '.data.edges | length')" -ge 7 ] || { echo "not 7 edges"; exit 1; }
[ "$(senda query all.json --data tour-restored | jq .meta.customers)" = 500 ] || { echo "not 500 patients"; exit 1; }
