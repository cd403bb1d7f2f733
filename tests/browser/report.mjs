// Opens the page of a run in a real browser and uses it, and the page of the catalogue:
//
//   node report.mjs DIRECTORY [SCREENSHOTS]
//
// DIRECTORY is what `attreg verify --report DIRECTORY` has written, with `attreg claims --html DIRECTORY/claims.html` beside it. The browser is Chromium, by the path in CHROMIUM or
// /usr/bin/chromium. Ends with status 1 at the first thing that is not as it should be.

import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const [directory, screenshots] = process.argv.slice(2);
const address = "file://" + resolve(join(directory, "report.html"));
const run = JSON.parse(readFileSync(join(directory, "report.json"), "utf8"));

const expect = (condition, message) => {
  if (!condition) {
    console.error("report.mjs: " + message);
    process.exit(1);
  }
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});

const opened = async (options, fragment = "", at = address) => {
  const page = await (await browser.newContext(options)).newPage();
  page.requests = [];
  page.faults = [];
  page.on("request", (request) => page.requests.push(request.url()));
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => page.faults.push(message.text()));
  await page.goto(at + fragment);
  return page;
};
const quiet = (page) => {
  const elsewhere = page.requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:"));
  expect(elsewhere.length === 0, "requests leave the page: " + elsewhere);
  expect(page.requests.filter((url) => url.startsWith("file:")).length === 1, "more than the page itself is read: " + page.requests);
  expect(page.faults.length === 0, "the console is not empty: " + page.faults);
};
// To be sent on: with all claims below a megabyte and a half.
const size = statSync(join(directory, "report.html")).size;
expect(size < 1.5e6, `the page has ${size} bytes`);

const visible = (page) => page.locator(".claims > li:not([hidden])").count();

// What every chart has to be: described, explained, and with its labels outside of the frame, apart and not cut off.
const figures = ["spectrum", "picture-contraction", "picture-samples", "picture-limits", "picture-entropy", "picture-degrees"];
const charts = async (page) => {
  const faults = await page.evaluate((figures) => {
    const faults = [];
    for (const id of figures) {
      const figure = document.getElementById(id);
      if (!figure) {
        faults.push(id + " is missing");
        continue;
      }
      const svg = figure.querySelector("svg.chart[role=img]");
      const caption = figure.querySelector("figcaption");
      if (!svg?.getAttribute("aria-label")) faults.push(id + " has no description");
      if (!(caption?.textContent.length > 80)) faults.push(id + " is not explained");
      const curves = svg.querySelectorAll("path:not(.grid)");
      const drawn = Array.from(curves).filter((curve) => curve.getTotalLength() > 20).length;
      const named = figure.querySelectorAll(".legend li").length;
      if (drawn < 2 || named < 3) faults.push(`${id} has ${drawn} curves and ${named} names`);
      const box = (element) => element.getBoundingClientRect();
      const [whole, frame] = [box(svg), box(svg.querySelector(".frame"))];
      const meet = (a, b) => a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
      const labels = Array.from(svg.querySelectorAll("text"));
      labels.forEach((label, k) => {
        const here = box(label);
        const what = `${id}: "${label.textContent}"`;
        if (meet(here, frame)) faults.push(what + " lies on the curves");
        if (here.left < whole.left - 1 || here.right > whole.right + 1 || here.bottom > whole.bottom + 1) faults.push(what + " is cut off");
        for (const other of labels.slice(k + 1)) {
          if (meet(here, box(other))) faults.push(`${what} lies on "${other.textContent}"`);
        }
      });
    }
    const tracks = Array.from(document.querySelectorAll(".times .track"));
    if (tracks.length < 6) faults.push(`${tracks.length} bars of solvers`);
    for (const track of tracks) {
      const [room, bar] = [track, track.querySelector(".fill")].map((element) => element.getBoundingClientRect().width);
      if (!(bar > 0 && bar <= room + 0.5)) faults.push(`a bar of ${bar} px in ${room}`);
    }
    return faults;
  }, figures);
  expect(faults.length === 0, faults.join("; "));
};

// Nothing is wider than the page, at both widths, light and dark, closed and open.
for (const width of [360, 1400]) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await opened({ viewport: { width, height: 900 }, colorScheme });
    for (const open of [false, true]) {
      await page.evaluate((open) => document.querySelectorAll("details").forEach((one) => { one.open = open; }), open);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide <= width, `${wide} px of text at ${width} px, ${open ? "open" : "closed"}`);
      if (!open && screenshots) {
        await page.screenshot({ path: join(screenshots, `front-${width}-${colorScheme}.png`), fullPage: false });
      }
    }
    await charts(page);
    if (screenshots) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = false; }));
      for (const part of [".pictures", ".times"]) {
        await page.locator(part).screenshot({ path: join(screenshots, `${part.slice(1)}-${width}-${colorScheme}.png`) });
      }
    }
    quiet(page);
    await page.context().close();
  }
}

// On paper: dark ink, whatever the screen, and nothing to press.
const paper = await opened({ viewport: { width: 794, height: 1123 }, colorScheme: "dark" });
await paper.emulateMedia({ media: "print" });
const ink = await paper.evaluate(() => getComputedStyle(document.body).color);
expect(/^rgb\((\d|[1-5]\d), /.test(ink), "the ink on paper is " + ink);
expect(!(await paper.locator(".filters").isVisible()) && !(await paper.locator(".slider").isVisible()), "controls are printed");
await charts(paper);
quiet(paper);

// Formulas and claims are all there.
const page = await opened({ viewport: { width: 1400, height: 900 } });
expect((await page.locator(".claims > li").count()) === run.claims.length, "a claim is missing");
const formulas = await page.locator("math").count();
expect(formulas > 1, "there are no formulas");
expect((await page.locator("merror").count()) === 0, "a formula is drawn as an error");

// A filter leaves what it asks for, words narrow it, and an empty one leaves all.
const verdict = run.claims[0].verdict;
await page.selectOption("#f-verdict", verdict);
expect((await visible(page)) === run.claims.filter((claim) => claim.verdict === verdict).length, "the filter of verdicts");
await page.selectOption("#f-verdict", "");
await page.fill("#f-text", run.claims.at(-1).id);
const found = await visible(page);
expect(found >= 1 && found < run.claims.length, "the filter of words");
await page.fill("#f-text", "");
expect((await visible(page)) === run.claims.length, "the filter does not let go");
await page.selectOption("#f-order", "slack");
const first = await page.locator(".claims > li").first().getAttribute("data-slack");
const least = Math.min(...run.claims.map((claim) => claim.slack ?? Infinity));
expect(Number(first) === least, `the first by slack has ${first}, the least is ${least}`);

// The slider moves the marks and says where.
const before = await page.textContent("#values");
await page.focus("#t");
await page.keyboard.press("End");
expect((await page.textContent("#values")) !== before, "the slider says nothing");
expect((await page.textContent("#values")).startsWith("t = 1.000"), "the slider does not reach its end");

// With a keyboard alone: a claim opens.
await page.focus(".claims > li summary");
await page.keyboard.press("Enter");
expect(await page.locator(".claims > li details").first().getAttribute("open") !== null, "a key opens no claim");
quiet(page);

// Every claim has its own address.
const claim = run.claims.find((one) => one.witness !== null) ?? run.claims[0];
const linked = await opened({ viewport: { width: 1400, height: 1100 } }, "#" + claim.id);
const body = linked.locator(`[id="${claim.id}"]`);
expect(await body.isVisible(), "the address of " + claim.id + " does not open it");
if (screenshots) {
  await linked.screenshot({ path: join(screenshots, "claim.png") });
}
quiet(linked);

// Without scripts: everything is there, and details open by themselves.
const plain = await opened({ javaScriptEnabled: false, viewport: { width: 1400, height: 900 } });
expect((await plain.locator(".claims > li").count()) === run.claims.length, "claims need the script");
await plain.locator(".claims > li summary").first().click();
expect(await plain.locator(".claims > li .claim").first().isVisible(), "opening a claim needs the script");

// The page of the catalogue: the same claims by the record, without anything of a run.
for (const width of [360, 1400]) {
  const catalogue = await opened({ viewport: { width, height: 900 } }, "", "file://" + resolve(join(directory, "claims.html")));
  expect(await catalogue.locator("#on-record").isVisible(), "the page of the catalogue does not say that there was no run");
  expect((await catalogue.locator(".claims > li").count()) === run.claims.length, "a claim is missing in the catalogue");
  await catalogue.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  const wide = await catalogue.evaluate(() => document.documentElement.scrollWidth);
  expect(wide <= width, `${wide} px of the catalogue at ${width} px`);
  await charts(catalogue);
  await catalogue.selectOption("#f-verdict", "fails");
  const recorded = run.claims.filter((claim) => claim.expected === "fails").length;
  expect((await visible(catalogue)) === recorded, "the filter of the catalogue");
  quiet(catalogue);
}

await browser.close();
console.log(`report.mjs: ${run.claims.length} claims, ${formulas} formulas: as they should be`);
