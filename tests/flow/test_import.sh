#!/bin/bash
# Files in, as a person at a shell does it: a proposed map, import, import again, refused rows, with and without a server.
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
program=${SENDA:?} shared=${SHARED_DIR:-/nonexistent}

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
cd "$folder"

fail() {
    echo "$1"
    exit 1
}
is() { # what, wanted, given
    [ "$2" = "$3" ] || fail "$1: wanted $2, got $3"
}
import() { # arguments; prints "read accepted duplicates rejected"
    "$program" import "$@" --data data 2> err.txt > out.txt || fail "import $*: $(cat err.txt)"
    is "lines of the result" 1 "$(wc -l < out.txt)"
    jq -r '"\(.read) \(.accepted) \(.duplicates) \(.rejected)"' out.txt
}
refuses() { # what the message says, arguments
    local says=$1
    shift
    if "$program" import "$@" --data data > out.txt 2> err.txt; then fail "import $* was not refused"; fi
    grep -q "$says" err.txt || fail "import $*: $(cat err.txt)"
    is "output of a refused import" 0 "$(wc -c < out.txt)"
}

"$program" init --data data > keys.json 2> err.txt || fail "init: $(cat err.txt)"

# A spreadsheet's export: semicolons, decimal comma, Windows-1252, a row twice, two rows that cannot be read.
printf '%b' 'Cliente;Fecha y hora;Acci\xf3n;Importe;C.P.\n' '1;31/01/2026 10:00;Compra;1.234,50;08001\n' \
    '1;31/01/2026 10:00;Compra;1.234,50;08001\n' '2;01/02/2026 9:30;Visita;;28001\n' \
    ';01/02/2026 9:30;Visita;;\n' '3;32/01/2026 9:30;Visita;;\n' > ventas.csv
"$program" import --guess ventas.csv > map.json 2> guess.txt
is "guessed customer" Cliente "$(jq -r .customer map.json)"
is "guessed time" "Fecha y hora" "$(jq -r .time map.json)"
is "guessed format" "%d/%m/%Y %H:%M" "$(jq -r .time_format map.json)"
is "guessed event" Acción "$(jq -r .event map.json)"
is "guessed decimal" , "$(jq -r .decimal map.json)"
grep -q "row 5 would be rejected" guess.txt || fail "the guess does not show refusals"

is "import" "5 3 0 2" "$(import ventas.csv --format csv --map map.json)"
is "refused rows" "5 no_identity 6 bad_time" "$(jq -r '"\(.row) \(.code)"' ventas.csv.rejected.jsonl | xargs)"
is "import again" "5 0 3 2" "$(import ventas.csv --format csv --map map.json)"
LC_ALL=C grep -av '^;\|^3' ventas.csv > good.csv
echo '2;02/02/2026 9:30;Visita;;' >> good.csv
is "longer file" "4 1 3 0" "$(import good.csv --map map.json)"
[ ! -e good.csv.rejected.jsonl ] || fail "a file of refused rows without any"
awk -F';' '{ print $5 ";" $4 ";" $2 ";" $1 ";" $3 }' good.csv | { read -r head; echo "$head"; tac; } > moved.csv
is "columns and rows in other places" "4 0 4 0" "$(import moved.csv --map map.json)"
printf '%s\n' '{"type":"track","event":"E","userId":"n","timestamp":"2026-01-01T00:00:00Z","properties":{"a":1,"b":{"x":1,"y":[{"p":1,"q":2}]}}}' > nested.jsonl
is "nested" "1 1 0 0" "$(import nested.jsonl)"
printf '%s\n' '{"properties":{"b":{"y":[{"q":2,"p":1}],"x":1},"a":1},"timestamp":"2026-01-01T00:00:00Z","userId":"n","event":"E","type":"track"}' > nested.jsonl
is "members in other places" "1 0 1 0" "$(import nested.jsonl)"
gzip -k good.csv
is "packed" "4 0 4 0" "$(import good.csv.gz --map map.json)"

echo '{"kind":"timeline","customer":"1"}' > q.json
"$program" query q.json --data data > answer.json 2> err.txt || fail "query: $(cat err.txt)"
is "timeline" '2 2026-01-31T09:00:00.000Z 1234.5 08001' \
    "$(jq -r '"\(.data | length) \(.data[0].time) \(.data[0].properties.Importe) \(.data[0].properties["C.P."])"' answer.json)"

refuses "needs a map" good.csv
refuses 'no column "Kunde"' good.csv --map <(echo '{"customer":"Kunde","time":"Fecha y hora","event":"Acción"}')
refuses "not JSON" good.csv --map <(echo '{')
refuses "a review has no event of its own" good.csv --format reviews-csv --map map.json
refuses "cannot be read" nothing.csv --map map.json

printf '%s\n' '{"type":"track","event":"A","userId":"u","messageId":"m1"}' '{"type":"track","userId":"u"}' > events.jsonl
printf 'id,plan\nu,pro\n' > people.csv
echo '{"customer":"id","traits":"*"}' > people.json

# The same while a server has the folder.
"$program" serve --data data --listen 127.0.0.1:0 > serve.txt 2>&1 &
server=$!
for _ in $(seq 100); do
    [ -S data/senda.sock ] && break
    sleep 0.1
done
is "served: again" "5 0 3 2" "$(import ventas.csv --map map.json)"
is "served: refused rows" 2 "$(wc -l < ventas.csv.rejected.jsonl)"
is "served: lines" "2 1 0 1" "$(import events.jsonl)"
is "served: lines again" "2 0 1 1" "$(import events.jsonl)"
is "served: customers" "1 1 0 0" "$(import people.csv --format customers-csv --map people.json)"
refuses 'no column "Kunde"' good.csv --map <(echo '{"customer":"Kunde","time":"Fecha y hora","event":"Acción"}')
refuses "needs a map" good.csv

# A real log, with the numbers that two other programs found.
log=$shared/data/pm4py_logs
if [ -r "$log/receipt.csv" ]; then
    echo '{"customer":"case:concept:name","time":"time:timestamp","event":"concept:name","properties":"*"}' > log.json
    cp "$log/receipt.csv" .
    is "receipt" "8577 8577 0 0" "$(import receipt.csv --map log.json)"
    echo '{"kind":"variants","where":[{"property":"case:channel","op":"exists"}]}' > q.json
    "$program" query q.json --data data > answer.json 2> err.txt || fail "query: $(cat err.txt)"
    is "variants and cases of receipt" "116 1434" "$(jq -r '"\(.data.total) \(.meta.customers)"' answer.json)"
else
    echo "real log absent: skipped"
fi
kill "$server"
wait "$server" || true
server=
"$program" query q.json --data data > again.json 2> err.txt || fail "query after stop: $(cat err.txt)"
echo "import: all as expected"
