// The demonstration through the program: made at a tenth of its size, then the questions of docs/demo find what was
// planted. Source of the expected values: the table of the demonstration organisation (docs/demo/README.md).
//
// SPDX-License-Identifier: GPL-3.0-or-later
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const senda = process.env.SENDA ?? "build/senda";
const questions = join(process.env.SOURCE_DIR ?? ".", "docs/demo");
const folder = mkdtempSync(join(tmpdir(), "senda-demo-"));
const data = join(folder, "data");
const world = { ...process.env, SENDA_NOW: "2026-11-21T21:00:00Z", TZ: "UTC" };
let passed = 0;
let failed = 0;

function check(what, holds, seen) {
    if (holds) passed++;
    else {
        failed++;
        console.log(`not so: ${what}; seen ${JSON.stringify(seen)}`);
    }
}
const near = (what, seen, expected, tolerance) =>
    check(`${what} is ${expected} ± ${tolerance}`, seen !== null && Math.abs(seen - expected) <= tolerance, seen);

function ask(name) {
    const file = join(questions, `${name}.json`);
    const out = execFileSync(senda, ["query", file, "--data", data], { env: world, maxBuffer: 1 << 28 });
    return JSON.parse(out).data;
}

// Sum of a trend's values, by value of `by`.
function sums(name) {
    const all = {};
    for (const row of ask(name)) all[row.by] = (all[row.by] ?? 0) + (row.value ?? 0);
    return all;
}
const total = (all) => Object.values(all).reduce((a, b) => a + b, 0);

// Share of step 2 (or another) of a funnel's `by` value.
function share(rows, by, step = 2) {
    const row = rows.find((r) => r.step === step && (by === undefined || r.by === by));
    return row ? row.from_previous : null;
}

function release() {
    const releases = ask("01-payment-by-release");
    near("1: payment completed, release 7.3", share(releases, "7.3"), 0.71, 0.02);
    near("1: payment completed, release 8.0", share(releases, "8.0"), 0.52, 0.03);
    const before = ask("01-checkout-before"), during = ask("01-checkout-during");
    for (const step of [2, 3, 4])
        near(`1: step ${step} does not fall`, share(during, undefined, step) - share(before, undefined, step), 0, 0.08);
    check("1: the last step falls", share(before, undefined, 5) - share(during, undefined, 5) > 0.1, [before, during]);
    near("1: payment on mobile", share(ask("01-payment-by-device"), "móvil"), 0.46, 0.03);
    const weeks = ask("01-payment-by-week").filter((r) => r.step === 2);
    const bad = weeks.filter((r) => r.by >= "2026-10-11" && r.by < "2026-11-09");
    const good = weeks.filter((r) => r.by < "2026-10-04");
    const mean = (rows) => rows.reduce((a, r) => a + r.from_previous, 0) / rows.length;
    check("1: five weeks are worse than the nine before", bad.length >= 4 && good.length >= 8 &&
        mean(bad) < mean(good) - 0.1, weeks.map((r) => [r.by, r.from_previous]));
    const said = sums("01-reasons-before"), now = sums("01-reasons-during");
    const lift = (reason) => (now[reason] ?? 0) / total(now) - (said[reason] ?? 0) / total(said);
    check("1: more miss a way to pay", lift("falta medio de pago") > 0.12, [said, now]);
    check("1: more are put off by shipping", lift("gastos de envío") > 0.12, [said, now]);
}

function invoice() {
    const above = sums("02-promise-by-channel"), all = sums("02-invoices-by-channel");
    near("2: shop portabilities above the promise", above.tienda / all.tienda, 0.37, 0.02);
    near("2: web portabilities above the promise", above.web / all.web, 0.12, 0.02);
    const calls = ask("02-calls-after-invoice"), losses = ask("02-losses-after-invoice");
    near("2: calls when above", share(calls, "por encima"), 0.305, 0.025);
    near("2: calls when as promised", share(calls, "como se prometió"), 0.06, 0.01);
    near("2: losses when above", share(losses, "por encima"), 0.094, 0.015);
    near("2: losses when as promised", share(losses, "como se prometió"), 0.028, 0.006);
}

function installation() {
    near("4: installed within 48 h", share(ask("04-installation")), 0.88, 0.012);
    const segments = ask("04-installation-by-segment");
    near("4: Rural", share(segments, "Rural"), 0.62, 0.025);
    for (const segment of ["Hogar convergente", "Mayores 65+", "Autónomos y pymes"])
        check(`4: ${segment} above 88 %`, share(segments, segment) > 0.87, share(segments, segment));
}

function saturdays() {
    const crowded = ["Tienda León Ordoño", "Tienda Gamonal", "Tienda Ourense", "Tienda Huesca"];
    const turns = sums("06-saturday-turns"), long = sums("06-saturday-waits-over-34");
    const sum = (all, units) => units.reduce((a, unit) => a + (all[unit] ?? 0), 0);
    const others = Object.keys(turns).filter((unit) => !crowded.includes(unit));
    check("6: eighteen shops", others.length === 14, Object.keys(turns));
    near("6: a fifth waits 34 minutes in four shops", sum(long, crowded) / sum(turns, crowded), 0.2, 0.03);
    check("6: nobody elsewhere", sum(long, others) / sum(turns, others) < 0.01, long);
    const estimates = ask("06-saturday-estimate").map((r) => r.value).filter((v) => v !== null && v > 0);
    check("6: the display says 15", estimates.length > 15 && estimates.every((v) => v === 15), estimates);
}

const rowOf = (rows, by) => rows.find((r) => r.by === by) ?? {};

function faces() {
    const waits = ask("06-faces-by-wait");
    near("6: ten minutes more of waiting cost nine points", 1000 * waits.slope.value, -9, 2.5);
    check("6: that is no chance", waits.slope.p < 0.001 && waits.slope.high < 0, waits.slope);
    const [short, , , long, longest] = waits.bands;
    check("6: faces fall with the wait", short.value - long.value > 0.1 && short.value - longest.value > 0.2, waits.bands);
    const late = ask("06-faces-by-wait-and-estimate");
    check("6: also where the display promised less", late.slope.value < 0 && late.slope.p < 0.001, late.slope);
}

function comforts() {
    const shares = (rows) => {
        const others = rows.filter((r) => r.by && r.by !== "Tienda Burgos" && r.n);
        const n = others.reduce((a, r) => a + r.n, 0);
        return [rowOf(rows, "Tienda Burgos").value, others.reduce((a, r) => a + r.n * r.value, 0) / n];
    };
    const before = shares(ask("07-burgos-before")), after = shares(ask("07-burgos-after"));
    near("7: Burgos gains beyond the other shops", 100 * (after[0] - before[0] - (after[1] - before[1])), 6, 4);
    near("7: the other shops do not change", 100 * (after[1] - before[1]), 0, 3);
    const sold = sums("07-orders-before"), now = sums("07-orders-after");
    const ratio = (all) => all["Tienda Burgos"] / (total(all) - all["Tienda Burgos"]);
    near("7: its share of the sales stays", ratio(now) / ratio(sold), 1, 0.45);
}

function begged() {
    const shops = ask("08-faces-by-shop"), all = ask("08-faces-by-shop-all");
    const left = rowOf(shops, "Tienda Ponferrada"), kept = rowOf(all, "Tienda Ponferrada");
    near("8: Ponferrada's faces, asked-for ones included", kept.value, 0.97, 0.02);
    check("8: they are left out by default", left.n < 0.1 * kept.n && left.flagged > 0.9 * kept.n, left);
    near("8: taps in the last 20 minutes", left.flagged_reasons.closing_burst / kept.n, 0.61, 0.06);
    check("8: no other shop is flagged", shops.every((r) => r.by === "Tienda Ponferrada" || r.flagged === 0), shops);
    check("8: the comments say so", ask("08-comments").every((r) => r.flag && /pid|dij/.test(r.text)), ask("08-comments"));
    const complaints = sums("08-complaints"), turns = sums("08-turns");
    const worst = Object.keys(turns).sort((a, b) => (complaints[b] ?? 0) / turns[b] - (complaints[a] ?? 0) / turns[a])[0];
    check("8: most complaints per 1,000 turns", worst === "Tienda Ponferrada", worst);
}

function few() {
    const shops = ask("09-shops"), soria = rowOf(shops, "Tienda Soria");
    near("9: Soria's NPS", soria.value, 71, 1);
    check("9: of 14 answers: too few, no rank", soria.n === 14 && soria.too_few && soria.standing === "too_few" && soria.rank === null, soria);
    check("9: nobody is ranked by it", shops.every((r) => r.rank === null), shops);
    near("9: of those invited, one in four answers", shops.reduce((a, r) => a + r.response_rate * r.asked, 0) / shops.reduce((a, r) => a + r.asked, 0), 0.25, 0.03);
}

function scale() {
    const months = ask("15-chat-by-month");
    const broken = months.filter((r) => r.break);
    check("15: one break, in April, of the scale", broken.length === 1 && broken[0].time === "2026-03-31T22:00:00.000Z" &&
        broken[0].break.join() === "scale" && !broken[0].change, broken);
    const mean = (rows) => rows.reduce((a, r) => a + r.n * r.value, 0) / rows.reduce((a, r) => a + r.n, 0);
    near("15: the step that is none", 100 * (mean(months.slice(4)) - mean(months.slice(0, 4))), 8, 6);
    // Several months are compared at once: at 5 % each, one in three such trends would show a change by chance (Bonferroni).
    check("15: no month is said to have changed", months.every((r) => !r.change || r.change.p > 0.05 / months.length), months);
}

function notice() {
    const calls = ask("12-calls-by-notice");
    near("12: homes warned", calls.find((r) => r.step === 1 && r.by !== null).customers, 310, 4);
    near("12: homes not warned", calls.find((r) => r.step === 1 && r.by === null).customers, 180, 4);
    near("12: calls when warned", calls.find((r) => r.step === 2 && r.by !== null).from_previous, 0.09, 0.015);
    near("12: calls when not", calls.find((r) => r.step === 2 && r.by === null).from_previous, 0.34, 0.02);
    const nps = (groups) => (100 * ((groups.promotor ?? 0) - (groups.detractor ?? 0))) / total(groups);
    near("12: NPS when warned", nps(sums("12-recommendation-warned")), -4, 6);
    near("12: NPS when not", nps(sums("12-recommendation-not-warned")), -19, 8);
}

function month13() {
    const lost = sums("14-losses-by-month-of-contract");
    const around = [8, 9, 10, 11, 12, 14, 15, 16, 17, 18].reduce((a, m) => a + lost[m] / 10, 0);
    near("14: month 13 against its neighbours", lost[13] / around, 4.2, 0.8);
    const renewals = sums("14-renewals-by-discount");
    near("14: renewals with 20 % or more", renewals["20 % o más"] / total(renewals), 0.27, 0.012);
    const cohorts = ask("14-losses-by-cohort");
    const period = (k) => cohorts.reduce((a, c) => a + (c.returned[k] ?? 0), 0) /
        cohorts.reduce((a, c) => a + (c.returned[k] === null ? 0 : c.size), 0);
    check("14: a step in period 12", period(12) > 2.2 * period(10), [period(10), period(12)]);
}

function again() {
    const twice = spawnSync(senda, ["demo", "--data", data, "--no-serve"], { env: world, encoding: "utf8" });
    check("demo again keeps the folder", twice.status === 0 && !/events stored/.test(twice.stderr), twice.stderr);
    const museo = spawnSync(senda, ["demo", "--org", "museo"], { env: world, encoding: "utf8" });
    check("the museums are refused as not available", museo.status === 2 && /not available/.test(museo.stderr), museo);
}

try {
    execFileSync(senda, ["demo", "--data", data, "--scale", "0.1", "--no-serve"], { env: world, stdio: "inherit" });
    for (const part of [release, invoice, installation, saturdays, faces, comforts, begged, few, scale, notice, month13, again]) part();
} finally {
    rmSync(folder, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
