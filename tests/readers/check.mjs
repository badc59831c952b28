// SPDX-License-Identifier: MIT
// Has the page drawn by a browser and judged by axe, speedscope's schema judge its export, and DuckDB
// answer the query of tests/recipes/fleet.sql about 10,000 hosts:   node check.mjs FOLDER FLEET.SQL
// FOLDER has node_modules, NAME.trace, and its NAME.html, NAME.json, NAME.speedscope and NAME.ndjson.
import { createRequire } from "module";
import fs from "fs";
import path from "path";

const [folder, query] = process.argv.slice(2).map(p => path.resolve(p));
const require = createRequire(folder + "/");
const read = name => fs.readFileSync(path.join(folder, name), "utf8");
const names = fs.readdirSync(folder).filter(f => f.endsWith(".html")).map(f => f.slice(0, -5));
let faults = 0;
const expect = (is, what) => { if (!is) { faults++; console.error("fault: " + what); } };

const LOOKS = {
	light: { colorScheme: "light" }, dark: { colorScheme: "dark" },
	narrow: { viewport: { width: 360, height: 800 } }, scriptless: { javaScriptEnabled: false },
};

async function look(browser, name, way) {
	const context = await browser.newContext(LOOKS[way]), page = await context.newPage();
	const say = what => `${name}.html, ${way}: ${what}`;
	page.on("request", r => expect(/^(file|data):/.test(r.url()), say("asks for " + r.url())));
	page.on("console", m => expect(false, say("console: " + m.text())));
	page.on("pageerror", e => expect(false, say(e.message)));
	page.on("dialog", d => { expect(false, say("a dialog")); d.dismiss(); });
	await page.goto("file://" + path.join(folder, name + ".html"));
	const shown = (await page.locator("main").textContent()).replace(/\s+/g, " ");
	const { findings } = JSON.parse(read(name + ".json"));
	for (const f of findings)
		expect(shown.includes(f.message.replace(/\s+/g, " ")), say("lacks " + f.message));
	if (way !== "scriptless") await use(page, say);
	await page.screenshot({ path: path.join(folder, `${name}-${way}.png`), fullPage: findings.length < 100 });
	await context.close();
}

async function use(page, say) {
	await page.waitForSelector("#time canvas");
	expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), say("is too wide"));
	expect(await page.$$eval("#table td:nth-child(2)", cells => cells.every(cell => {
		const range = document.createRange();
		range.selectNodeContents(cell);
		return range.getClientRects().length <= 1;
	})), say("breaks the name of a level"));
	await page.evaluate(fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
	for (const v of (await page.evaluate(() => axe.run())).violations)
		expect(false, say("axe: " + v.id + ": " + v.nodes[0].html));
	for (const place of ["#flame", "#time"])
		expect(await page.$eval(place + " canvas", c =>
			new Set(new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)).size > 3),
			say(place + " is blank"));

	const canvas = page.locator("#flame canvas"), label = () => canvas.getAttribute("aria-label");
	const before = await label();
	await canvas.focus();
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("Enter");
	expect(await label() !== before, say("keys choose nothing in the flame graph"));
	await page.keyboard.press("Escape");
	expect(await label() === before, say("Escape does not show all"));
	await page.getByLabel("Inverted").check();
	await page.getByText("As a table").click();
	await page.waitForSelector("#flame tbody tr", { timeout: 5000 }).catch(() => {}); // a page hears of it later
	const first = await page.$eval("#flame tbody", t => t.rows.length);
	expect(first > 0, say("the inverted graph is empty"));

	// Lines of source beside the place are not searched.
	const word = await page.evaluate(() => {
		const text = what => [...document.querySelectorAll(what)].map(e => e.textContent.toLowerCase()).join(" ");
		const others = text("#table, article > :not(.source)");
		return (text(".source").match(/[a-z_]{5,}/g) ?? []).find(w => !others.includes(w));
	});
	if (word) {
		await page.locator("#filter input").fill(word);
		expect(await page.locator("article:visible").count() === 0, say("the search finds the source: " + word));
	}
	const rows = page.locator("#table tbody tr"), count = await rows.count();
	await page.locator("#filter input").fill("no finding has these words");
	expect(await page.locator("#table tbody tr:visible, article:visible").count() === 0, say("the search finds all"));
	const last = await rows.nth(count - 1).locator("a").getAttribute("href");
	await page.evaluate(hash => { location.hash = hash; }, last);
	await page.waitForSelector(`article[id="${last.slice(1)}"]:visible`);
	await page.getByRole("button", { name: "bytes" }).click();
	const bytes = await page.$$eval("#table tbody tr", all => all.map(r => Number(r.cells[4].textContent)));
	expect(bytes.every((b, i) => !i || bytes[i - 1] >= b), say("is not sorted by bytes"));
}

// The application itself: its schema says nothing of numbers that lead nowhere.
async function openInSpeedscope(browser, name) {
	const page = await browser.newPage(), loader = path.join(folder, "loader.js");
	fs.writeFileSync(loader, `speedscope.loadFileFromBase64("a", "${Buffer.from(read(name + ".speedscope")).toString("base64")}")`);
	page.on("pageerror", e => expect(false, name + ".speedscope: " + e.message));
	await page.goto("file://" + path.join(folder, "node_modules/speedscope/dist/release/index.html") + "#localProfilePath=" + loader);
	await page.getByText("leaked bytes (1/5)").waitFor().catch(() => expect(false, name + ".speedscope: is not shown"));
	await page.close();
}

async function lookAtPages() {
	const browser = await require("playwright-core").chromium.launch({
		executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
	for (const name of names) {
		for (const way in LOOKS) await look(browser, name, way);
		await openInSpeedscope(browser, name);
	}
	await browser.close();
}

function checkSpeedscope(name) {
	const Ajv = require("ajv").default;
	const schema = JSON.parse(fs.readFileSync(path.join(folder,
		"node_modules/speedscope/dist/release/file-format-schema.json"), "utf8"));
	const ajv = new Ajv({ strict: false }), file = JSON.parse(read(name + ".speedscope"));
	expect(ajv.validate(schema, file), name + ".speedscope: " + ajv.errorsText());
	const { summary } = JSON.parse(read(name + ".json"));
	for (const [i, total] of [summary.leaked_bytes, summary.leaked_blocks].entries())
		expect(file.profiles[i].weights.reduce((a, b) => a + b, 0) === total, name + ".speedscope: the sums are not the report's");
}

async function askFleet(name) {
	const rows = read(name + ".ndjson").trim().split("\n").map(line => JSON.parse(line));
	const leaks = rows.filter(row => row.kind.endsWith("leak")).length;
	fs.mkdirSync(path.join(folder, "fleet"), { recursive: true });
	const out = fs.openSync(path.join(folder, "fleet", "all.ndjson"), "w");
	for (let host = 0; host < 10000; host++)
		fs.writeSync(out, rows.map(row => JSON.stringify({ ...row, host: "host" + host }) + "\n").join(""));
	fs.closeSync(out);
	process.chdir(folder);
	const db = await (await require("@duckdb/node-api").DuckDBInstance.create()).connect();
	const found = (await db.runAndReadAll(fs.readFileSync(query, "utf8"))).getRowObjectsJson();
	expect(found.length === leaks, `fleet.sql finds ${found.length} leaks of ${leaks}`);
	for (const row of found) expect(Number(row.hosts) === 10000, "fleet.sql finds " + row.hosts + " hosts of 10000");
}

await lookAtPages();
names.forEach(checkSpeedscope);
await askFleet(names[0]);
console.log(faults ? faults + " faults" : `${names.length} pages, speedscope and DuckDB: no fault`);
process.exit(faults ? 1 : 0);
