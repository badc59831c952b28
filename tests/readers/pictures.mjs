// SPDX-License-Identifier: MIT
// Makes BUILD/readers/page.png and top.png, the pictures in README:   node pictures.mjs BUILD
// Needs what `make readers` has made, and tmux. Copy them to viewer/page/ and viewer/top/.
import { execFileSync, spawn } from "child_process";
import { createRequire } from "module";
import fs from "fs";
import path from "path";

const build = path.resolve(process.argv[2]), folder = path.join(build, "readers");
const require = createRequire(folder + "/");
const sleep = ms => new Promise(done => setTimeout(done, ms));
const escape = text => text.replace(/[&<]/g, c => c === "&" ? "&amp;" : "&lt;");

// Shows the host with the packages of `make demo`, while it runs, on a terminal of 100 columns.
async function runTop() {
	const trace = path.join(folder, "top.trace"), tests = path.join(build, "tests");
	const tmux = (...words) => execFileSync("tmux", ["-S", path.join(folder, "tmux"), "-f", "/dev/null", ...words], { encoding: "utf8" });
	fs.rmSync(trace, { force: true });
	const host = spawn(path.join(build, "lsatrace"), ["record", "-o", trace, "--", path.join(tests, "lsahost"), "--repeat=1000000",
		path.join(tests, "packages/demo.so"), path.join(tests, "packages/clean.so")], { stdio: "ignore" });
	while (!fs.existsSync(trace)) await sleep(50);
	tmux("new-session", "-d", "-x", "100", "-y", "24", "env", "LC_ALL=C.UTF-8", path.join(build, "lsatrace"), "top", "-d", "1", trace);
	await sleep(8000);
	const text = tmux("capture-pane", "-p", "-e", "-N");
	tmux("kill-server");
	host.kill();
	return text;
}

// Makes HTML of text with the escape sequences that tmux writes.
function draw(text) {
	const colors = { 31: "#ff7b72", 35: "#d2a8ff", 36: "#79c0ff" };
	let color, isBold, isUnderlined, isReversed, html = "";
	const reset = () => { color = "#e6edf3"; isBold = isUnderlined = isReversed = false; };
	reset();
	for (const part of text.trimEnd().split(/(\x1b\[[\d;]*m)/)) {
		const codes = /^\x1b\[([\d;]*)m$/.exec(part)?.[1].split(";").map(Number);
		for (const code of codes ?? [])
			if (code === 0) reset();
			else if (code === 1) isBold = true;
			else if (code === 4) isUnderlined = true;
			else if (code === 7) isReversed = true;
			else if (code === 39) color = "#e6edf3";
			else color = colors[code] ?? color;
		if (!codes)
			html += `<span style="color:${isReversed ? "#0d1117;background:#e6edf3" : color};` +
				`${isBold ? "font-weight:bold;" : ""}${isUnderlined ? "text-decoration:underline" : ""}">${escape(part)}</span>`;
	}
	return `<body style="margin:0;background:#0d1117"><pre style="margin:0;padding:8px;font:13px/1.25 monospace;display:inline-block">${html}</pre>`;
}

const browser = await require("playwright-core").chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-lcd-text"] });
const page = await browser.newPage({ viewport: { width: 1060, height: 850 }, deviceScaleFactor: 0.62 });
await page.goto("file://" + path.join(folder, "demo.html"));
await page.waitForSelector("#time canvas");
await page.$eval("h1", h1 => { h1.textContent = h1.textContent.replace(/\/.*\//, ""); });
await page.screenshot({ path: path.join(folder, "page.png") });
await page.setContent(draw(await runTop()));
await page.locator("pre").screenshot({ path: path.join(folder, "top.png") });
await browser.close();
