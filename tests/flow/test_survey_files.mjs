// Real surveys through the program: `senda import` with a map, then `senda query`; again after the same import.
//
// SOURCES  San Francisco International Airport, customer surveys (DataSF, public domain): 2017 NPS 39.84 (n = 2,746), weighted 40.40,
// mean of the overall rating 4.064; columns bear other names each year. Telecom comments with their NPS (fahadshery/textsummary, one half):
// 1,177 scored, NPS -24.72.
//
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const senda = process.env.SENDA ?? "build/senda";
const shared = process.env.SHARED_DIR ?? "../shared";
const sfo = (year) => join(shared, `data/sfo_survey/${year}_SFO_Customer_Survey_20250817.csv`);
const verbatims = join(shared, "data/nps_verbatims/verbatim.csv");
if (!existsSync(sfo(2017)) || !existsSync(verbatims)) {
    console.log("skipped: the surveys are not here\n0 passed, 0 failed");
    process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), "senda-files-"));
const data = join(folder, "data");
let passed = 0, failed = 0;
const near = (what, seen, expected, tolerance) => {
    if (typeof seen === "number" && Math.abs(seen - expected) <= tolerance) passed++;
    else {
        failed++;
        console.log(`not so: ${what} is ${JSON.stringify(seen)}, not ${expected}`);
    }
};
const write = (name, json) => {
    writeFileSync(join(folder, name), JSON.stringify(json));
    return join(folder, name);
};
function load(file, map) {
    const copy = join(folder, "file.csv");
    copyFileSync(file, copy);
    return JSON.parse(execFileSync(senda, ["import", copy, "--data", data, "--format", "responses-csv", "--map", write("map.json", map)], { stdio: ["ignore", "pipe", "ignore"] }));
}
const ask = (query) => JSON.parse(execFileSync(senda, ["query", write("query.json", query), "--data", data], { stdio: ["ignore", "pipe", "inherit"] }));

try {
    execFileSync(senda, ["init", "--data", data], { stdio: "ignore" });
    const airport = (year, overall, more = {}) => ({ survey: `Airport ${year}`, respondent: year === 2016 ? "*RESPNUM" : "RESPNUM", anonymous: true, time: { const: `${year}-05-15` }, ...more,
        answers: [{ column: overall, question: "overall", metric: "rating", scale: [1, 5], missing: ["0", "6", ""] }, ...(more.recommend ?? [])] });
    const map = airport(2017, "Q7ALL", { weight: "WEIGHT", traits: ["HOME"] });
    map.answers.push({ column: "NETPRO", question: "recommend", metric: "nps", missing: ["11", ""] });
    near("responses of 2017", load(sfo(2017), map).accepted, 2831, 0);
    near("the same file again", load(sfo(2017), map).duplicates, 2831, 0);
    for (const [year, column] of [[2011, "Q8N"], [2012, "Q8N_WHOLE"], [2013, "Q7O_WHOLE"], [2014, "Q7ALL"], [2015, "Q7ALL"], [2016, "Q7ALL"]])
        near(`responses of ${year} that are none`, load(sfo(year), airport(year, column)).accepted > 2000 ? 0 : 1, 0, 0);
    const nps = ask({ kind: "score", metric: "nps", survey: "Airport 2017", weighted: true }).data[0];
    near("n", nps.n, 2746, 0);
    near("NPS", nps.unweighted, 39.84, 0.005);
    near("weighted", nps.value, 40.4, 0.005);
    near("none is flagged", nps.flagged, 0, 0);
    const years = ask({ kind: "score", metric: "rating", by: { property: "survey" } });
    near("seven years", years.data.length, 7, 0);
    near("overall rating of 2017", years.data.find((row) => row.by === "Airport 2017").value, 4.064, 0.0005);
    near("the surveys of three years in one score", ask({ kind: "score", metric: "rating", survey: ["Airport 2015", "Airport 2016", "Airport 2017"] }).data[0].n,
        years.data.filter((row) => /201[567]/.test(row.by)).reduce((n, row) => n + row.n, 0), 0);

    near("comments", load(verbatims, { survey: "journey", time: "CUSTOMER_RESPONSE_DATE", time_format: "%d/%m/%Y %H:%M", properties: ["SURVEY_SUB_TYPE"],
        answers: [{ column: "NPS_SCORE", question: "recommend", metric: "nps" }, { column: "text", metric: "text" }] }).accepted, 1193, 0);
    const telecom = ask({ kind: "score", metric: "nps", survey: "journey" }).data[0];
    near("scored", telecom.n, 1177, 0);
    near("NPS of the comments", telecom.value, -24.72, 0.005);
    const angry = ask({ kind: "answers", metric: "nps", survey: "journey", values: [0, 6], text: "BROADBAND", limit: 5 });
    near("comments found are of detractors and say so", angry.data.filter((row) => row.value <= 6 && /broadband/i.test(row.text)).length, 5, 0);
    const csv = spawnSync(senda, ["query", write("query.json", { kind: "answers", metric: "nps", survey: "journey", limit: 2 }), "--data", data, "--format", "csv"], { encoding: "utf8" }).stdout;
    near("as CSV", csv.startsWith("time,customer,channel,touchpoint,unit,survey,version,metric,question,value") ? 1 : 0, 1, 0);

    // The tables of methods, as answers that somebody imports: NPS (Tango), CSAT (Wilson), CES with its mean (t), and how often the
    // interval of every possible sample covers the truth (computed apart, reference/m01_nps_ci_coverage.csv; n = 5 and 10 here).
    const rows = [], add = (survey, metric, value, times) => { for (let i = 0; i < times; i++) rows.push(`${rows.length},${survey},${value},${metric}`); };
    const sample = (name, p, n, d) => { add(name, "nps", 9, p); add(name, "nps", 7, n); add(name, "nps", 3, d); };
    const tango = [[50, 30, 20, 30, 13.9551, 44.3393], [7, 2, 1, 60, 4.8924, 85.8859], [12, 5, 3, 45, 7.4375, 70.5271], [2, 6, 2, 0, -39.652, 39.652], [0, 0, 5, -100, -100, -13.1035], [1, 0, 0, 100, -58.6901, 100], [400, 350, 250, 15, 10.0527, 19.8643]];
    const wilson = [[0, 10, 0, 0.277533], [10, 10, 0.722467, 1], [81, 263, 0.255289, 0.36621], [1, 29, 0.006113, 0.171755], [424, 500, 0.813886, 0.876807]];
    tango.forEach(([p, n, d], i) => sample(`t${i}`, p, n, d));
    wilson.forEach(([k, n], i) => { add(`w${i}`, "csat", 5, k); add(`w${i}`, "csat", 1, n - k); });
    [7, 6, 5, 7, 4, 6, 3, 7, 5, 6].forEach((value) => add("effort", "ces", value, 1));
    const sizes = [5, 10];
    for (const size of sizes) for (let p = 0; p <= size; p++) for (let d = 0; p + d <= size; d++) sample(`n${size}-${p}-${d}`, p, size - p - d, d);
    writeFileSync(join(folder, "m01.csv"), "id,survey,value,metric\n" + rows.join("\n"));
    near("rows of the tables", load(join(folder, "m01.csv"), { survey: { column: "survey" }, respondent: "id", time: { const: "2026-01-05" }, answers: [{ column: "value", question: "q", metric: { column: "metric" } }] }).accepted, rows.length, 0);
    const by = (metric) => new Map(ask({ kind: "score", metric, by: { property: "survey" }, flagged: "include", response_rate: false }).data.map((row) => [row.by, row]));
    const all = by("nps"), shares = by("csat"), effort = ask({ kind: "score", metric: "ces", survey: "effort" }).data[0];
    tango.forEach(([, , , ...expected], i) => ["value", "low", "high"].forEach((name, k) => near(`NPS ${i} ${name}`, all.get(`t${i}`)[name], expected[k], 1e-3)));
    wilson.forEach(([, , ...expected], i) => ["low", "high"].forEach((name, k) => near(`CSAT ${i} ${name}`, shares.get(`w${i}`)[name], expected[k], 1e-6)));
    for (const [name, expected] of Object.entries({ value: 0.8, low: 0.490162, high: 0.943318, mean: 5.6, mean_low: 4.634342, mean_high: 6.565658 })) near(`CES ${name}`, effort[name], expected, 1e-6);
    const factorial = (n) => (n < 2 ? 1 : n * factorial(n - 1));
    for (const line of readFileSync(join(shared, "reference/m01_nps_ci_coverage.csv"), "utf8").trim().split("\n").slice(1)) {
        const [size, promoters, detractors, , , , covered] = line.split(",").map(Number);
        if (!sizes.includes(size)) continue;
        let sum = 0;
        for (let p = 0; p <= size; p++) for (let d = 0; p + d <= size; d++) {
            const row = all.get(`n${size}-${p}-${d}`), truth = 100 * (promoters - detractors), n = size - p - d;
            if (row.low - 1e-9 <= truth && truth <= row.high + 1e-9)
                sum += factorial(size) / factorial(p) / factorial(d) / factorial(n) * promoters ** p * detractors ** d * (1 - promoters - detractors) ** n;
        }
        near(`coverage ${line}`, sum, covered, 1e-9);
    }
} finally {
    rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
