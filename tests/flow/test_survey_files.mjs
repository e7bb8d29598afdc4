// Real surveys through the program: `senda import` with a map, then `senda query`; again after the same import.
//
// SOURCES  San Francisco International Airport, customer surveys (DataSF, public domain): 2017 NPS 39.84 (n = 2,746), weighted 40.40,
// mean of the overall rating 4.064; columns bear other names each year. Telecom comments with their NPS (fahadshery/textsummary, one half):
// 1,177 scored, NPS -24.72.
//
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
} finally {
    rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
