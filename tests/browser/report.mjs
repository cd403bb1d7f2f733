// Opens the page of a run in a real browser and uses it:
//
//   node report.mjs DIRECTORY [SCREENSHOTS]
//
// DIRECTORY is what `attreg verify --report DIRECTORY` has written. The browser is Chromium, by the path in CHROMIUM or
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

const opened = async (options, fragment = "") => {
  const page = await (await browser.newContext(options)).newPage();
  page.requests = [];
  page.faults = [];
  page.on("request", (request) => page.requests.push(request.url()));
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => page.faults.push(message.text()));
  await page.goto(address + fragment);
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
    quiet(page);
    await page.context().close();
  }
}

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

await browser.close();
console.log(`report.mjs: ${run.claims.length} claims, ${formulas} formulas: as they should be`);
