// SPDX-License-Identifier: MIT
// Draws what the page has as data. Names come from traces, so they are only ever set as text.
"use strict";

function make(tag, attributes, ...children) {
	const e = document.createElement(tag);
	for (const key in attributes) {
		if (key.startsWith("on")) e.addEventListener(key.slice(2), attributes[key]);
		else if (attributes[key] !== false) e.setAttribute(key, attributes[key]);
	}
	e.append(...children);
	return e;
}

const byId = id => document.getElementById(id);
const style = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const isDark = matchMedia("(prefers-color-scheme: dark)");

function human(number, isBytes) {
	if (!isBytes || number < 1024) return number.toLocaleString("en") + (isBytes ? " B" : "");
	const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
	let unit = -1;
	for (; number >= 1024 && unit < 4; unit++) number /= 1024;
	return number.toFixed(1) + " " + units[unit];
}

function select(label, options, onchange) {
	const s = make("select", { onchange }, ...options.map(([value, text]) => make("option", { value }, text)));
	return [make("label", {}, label, s), s];
}

function search(label, oninput) {
	const input = make("input", { type: "search", oninput });
	return [make("label", {}, label, input), input];
}

// Sets the size of a canvas in CSS pixels, and returns its context.
function prepare(canvas, height) {
	const ratio = devicePixelRatio || 1, width = canvas.parentElement.clientWidth;
	canvas.style.height = height + "px";
	canvas.width = width * ratio;
	canvas.height = height * ratio;
	const c = canvas.getContext("2d");
	c.scale(ratio, ratio);
	c.clearRect(0, 0, width, height);
	c.font = "12px system-ui, sans-serif";
	c.textBaseline = "middle";
	return [c, width];
}

const redraws = [];
function redrawAll() { for (const redraw of redraws) redraw(); }
isDark.addEventListener("change", redrawAll);
addEventListener("resize", () => { clearTimeout(redrawAll.timer); redrawAll.timer = setTimeout(redrawAll, 100); });

// ---- the table of findings: search, filters, order

function setUpFindings() {
	const table = byId("table"), filter = byId("filter");
	if (!table) return;
	const body = table.tBodies[0];
	const rows = [...body.rows].map(row => ({
		row, article: byId(row.querySelector("a").hash.slice(1)),
		level: row.cells[1].textContent.trim(), kind: row.cells[2].textContent.trim(),
		package: row.cells[6].textContent.trim(), baseline: row.cells[8]?.textContent.trim(), text: null,
	}));
	const text = r => r.text ??= (r.row.textContent + " " + r.article.textContent).toLowerCase();
	const values = key => [["", "all"], ...[...new Set(rows.map(r => r[key]))].sort().map(v => [v, v])];
	const shown = make("span", { role: "status" });
	const apply = () => {
		const words = searched.value.toLowerCase().split(/\s+/).filter(Boolean);
		let count = 0;
		for (const r of rows) {
			const hidden = (level.value && r.level !== level.value) || (kind.value && r.kind !== kind.value) ||
				(pack.value && r.package !== pack.value) || (baseline.value && r.baseline !== baseline.value) || !words.every(w => text(r).includes(w));
			r.row.hidden = r.article.hidden = hidden;
			count += !hidden;
		}
		shown.textContent = count + " of " + rows.length;
	};
	const [searchLabel, searched] = search("Search", apply);
	const [levelLabel, level] = select("Level", values("level"), apply);
	const [kindLabel, kind] = select("Kind", values("kind"), apply);
	const [packLabel, pack] = select("Package", values("package"), apply);
	filter.className = "tools";
	const [baselineLabel, baseline] = select("Baseline", values("baseline"), apply);
	filter.append(searchLabel, levelLabel, kindLabel, packLabel, rows.some(r => r.baseline) ? baselineLabel : "", shown);
	filter.hidden = false;
	apply();

	const sortBy = (th, column) => {
		const isDown = th.getAttribute("aria-sort") === "ascending" ||
			(!th.hasAttribute("aria-sort") && th.classList.contains("n"));
		for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
		th.setAttribute("aria-sort", isDown ? "descending" : "ascending");
		const isNumber = column === 0 || th.classList.contains("n");
		const key = r => isNumber ? Number(r.row.cells[column].textContent) : r.row.cells[column].textContent;
		const keyed = rows.map(r => [key(r), r]);
		keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (isDown ? -1 : 1));
		body.append(...keyed.map(([, r]) => r.row));
		byId("details").append(...keyed.map(([, r]) => r.article));
	};
	[...table.tHead.rows[0].cells].forEach((th, column) => {
		const button = make("button", { type: "button", onclick: () => sortBy(th, column) }, th.textContent);
		th.replaceChildren(button);
	});

	// A link to a finding shows it, whatever the filters say.
	const follow = () => {
		const target = location.hash.startsWith("#f-") && byId(decodeURIComponent(location.hash.slice(1)));
		if (!target) return;
		if (target.hidden) {
			searched.value = level.value = kind.value = pack.value = baseline.value = "";
			apply();
		}
		target.scrollIntoView();
	};
	addEventListener("hashchange", follow);
	follow();
}

// ---- the flame graph

const METRICS = [["leaked bytes", true], ["leaked blocks"], ["live bytes", true], ["live blocks"],
	["allocated bytes", true], ["allocated blocks"], ["calls"]];

// A tree of nodes in arrays: a parent comes before its children. Node 0 is the root.
class Tree {
	constructor(data) {
		const count = data.parent.length + 1;
		this.data = data;
		this.names = data.names;
		this.parent = new Int32Array(count).fill(-1);
		this.name = new Int32Array(count);
		for (let i = 1; i < count; i++) {
			this.parent[i] = i - data.parent[i - 1];
			this.name[i] = data.name[i - 1];
		}
	}

	show(metric) {
		const count = this.parent.length;
		this.total = new Float64Array(count);
		this.total.set(this.data.values[metric] ?? [], 1);
		this.child = new Int32Array(count).fill(-1);
		this.next = new Int32Array(count).fill(-1);
		for (let i = count - 1; i > 0; i--) {
			if (!this.total[i]) continue;
			if (!this.parent[i]) this.total[0] += this.total[i];
			this.next[i] = this.child[this.parent[i]];
			this.child[this.parent[i]] = i;
		}
	}

	children(node) {
		const all = [];
		for (let i = this.child[node]; i >= 0; i = this.next[i]) all.push(i);
		return all.sort((a, b) => this.total[b] - this.total[a]);
	}
}

// `read` returns the data of the graph, or of the inverted one.
function setUpFlame(read) {
	const ROW = 19, place = byId("flame");
	const trees = [];
	let tree, zoomed = 0, chosen = 0, boxes = [];
	const isBytes = () => METRICS[metric.value][1];
	const label = node => node ? tree.names[tree.name[node]][0] : "all";
	const describe = node => {
		const module = node ? tree.names[tree.name[node]][1] : "";
		const share = tree.total[0] ? (100 * tree.total[node] / tree.total[0]).toFixed(1) : "0";
		return label(node) + (module ? " (" + module + ")" : "") + ": " + human(tree.total[node], isBytes()) + ", " + share + " %";
	};
	const canvas = make("canvas", { tabindex: 0, role: "img" });
	const info = make("p", { class: "info", role: "status" });
	const table = make("tbody"), small = make("p", {});

	function draw() {
		const words = searched.value.toLowerCase(), own = style("own"), other = style("other");
		const found = style("found"), ink = style("text"), back = style("back");
		const path = [];
		for (let i = zoomed; i >= 0; i = tree.parent[i]) path.unshift(i);
		boxes = path.map((node, depth) => ({ node, depth, x: 0, w: 1 }));
		const todo = [{ node: zoomed, depth: path.length - 1, x: 0, w: 1 }];
		const least = 0.5 / (canvas.parentElement.clientWidth || 1);
		while (todo.length) {
			const box = todo.pop();
			let x = box.x;
			for (const node of tree.children(box.node)) {
				const w = box.w * tree.total[node] / tree.total[box.node];
				if (w < least) break;
				const inner = { node, depth: box.depth + 1, x, w };
				boxes.push(inner);
				todo.push(inner);
				x += w;
			}
		}
		const depth = boxes.reduce((most, box) => Math.max(most, box.depth), 0);
		const [c, width] = prepare(canvas, (depth + 1) * ROW);
		let matches = 0;
		for (const box of boxes) {
			const name = label(box.node), x = box.x * width, w = box.w * width, y = box.depth * ROW;
			const isFound = words && name.toLowerCase().includes(words);
			matches += isFound ? 1 : 0;
			c.fillStyle = box.node && tree.names[tree.name[box.node]][2] ? own : other;
			c.fillRect(x, y, Math.max(w - 1, 0.5), ROW - 1);
			if (isFound) {
				c.fillStyle = found;
				c.fillRect(x, y, Math.max(w - 1, 0.5), 4);
			}
			if (box.node === chosen) {
				c.strokeStyle = ink;
				c.lineWidth = 2;
				c.strokeRect(x + 1, y + 1, Math.max(w - 3, 1), ROW - 3);
			}
			if (w < 24) continue;
			c.save();
			c.beginPath();
			c.rect(x, y, w - 3, ROW);
			c.clip();
			c.fillStyle = ink;
			c.fillText(name, x + 3, y + ROW / 2);
			c.restore();
		}
		canvas.setAttribute("aria-label", "Flame graph of " + METRICS[metric.value][0] + ". " + describe(chosen) +
			". Arrow keys choose, Enter zooms, Escape shows all.");
		info.textContent = (tree.total[0] ? describe(chosen) : "There is nothing of that.") +
			(words ? "; " + matches + " found" : "");
		fillTable();
	}

	// What the picture shows, for those who cannot see it: what is directly below.
	function fillTable() {
		table.replaceChildren(...tree.children(zoomed).slice(0, 100).map(node => make("tr", {},
			make("td", {}, make("button", { type: "button", onclick: () => zoom(node) }, label(node))),
			make("td", { class: "n" }, human(tree.total[node], isBytes())),
			make("td", { class: "n" }, (100 * tree.total[node] / tree.total[0]).toFixed(1) + " %"))));
	}

	function zoom(node) { zoomed = chosen = node; draw(); }
	function choose(node) { if (node >= 0) { chosen = node; draw(); } }
	function rebuild() {
		tree = trees[Number(inverted.checked)] ??= new Tree(read(inverted.checked));
		tree.show(metric.value);
		const leftOut = tree.data.left_out;
		small.textContent = leftOut ? leftOut.toLocaleString("en") +
			" stacks are too small to be drawn in full. They end in (small stacks)." : "";
		zoom(0);
	}
	function boxAt(event) {
		const x = event.offsetX / canvas.clientWidth, depth = Math.floor(event.offsetY / ROW);
		return boxes.find(box => box.depth === depth && x >= box.x && x < box.x + box.w);
	}
	function sibling(by) {
		const all = chosen ? tree.children(tree.parent[chosen]) : [0];
		return all[all.indexOf(chosen) + by] ?? chosen;
	}
	canvas.addEventListener("mousemove", event => {
		const box = boxAt(event);
		if (box) info.textContent = canvas.title = describe(box.node);
	});
	canvas.addEventListener("click", event => {
		const box = boxAt(event);
		if (box) zoom(box.node);
	});
	canvas.addEventListener("keydown", event => {
		const moves = {
			ArrowDown: () => choose(tree.children(chosen)[0] ?? chosen),
			ArrowUp: () => choose(Math.max(tree.parent[chosen], 0)),
			ArrowLeft: () => choose(sibling(-1)), ArrowRight: () => choose(sibling(1)),
			Enter: () => zoom(chosen), Escape: () => zoom(0),
		};
		if (!moves[event.key]) return;
		event.preventDefault();
		moves[event.key]();
	});
	const [metricLabel, metric] = select("Show", METRICS.map(([name], i) => [i, name]), rebuild);
	const [searchLabel, searched] = search("Search", draw);
	const inverted = make("input", { type: "checkbox", onchange: rebuild });
	place.append(make("div", { class: "tools" }, metricLabel, searchLabel,
		make("label", {}, inverted, "Inverted: innermost functions first"),
		make("button", { type: "button", onclick: () => zoom(0) }, "Show all")),
	make("div", {}, canvas), info,
	make("details", {}, make("summary", {}, "As a table"), make("div", { class: "tools" }, make("table", {},
		make("thead", {}, make("tr", {}, make("th", {}, "function"), make("th", { class: "n" }, "value"), make("th", { class: "n" }, "share"))), table))));
	place.append(small);
	redraws.push(draw);
	const first = read(false).values.findIndex(values => values);
	if (first > 0) metric.value = first;
	rebuild();
}

// ---- what is live over time

const hue = i => "hsl(" + (i * 137 + 210) % 360 + " 70% " + (isDark.matches ? "70%" : "35%") + ")";

function setUpTime(courses) {
	const place = byId("time"), canvas = make("canvas", { tabindex: 0, role: "img" });
	const info = make("p", { class: "info", role: "status" }), legend = make("p", { class: "legend" });
	const TOP = 16, HEIGHT = 240;
	let cursor = -1;
	const course = () => courses[Number(process?.value ?? 0)];
	const lanes = () => course()[of.value], key = () => what.value;

	function at(point) {
		const c = course(), last = lanes()[0]?.bytes.length - 1 || 1;
		const seconds = (c.first_ns + (c.last_ns - c.first_ns) * point / last) / 1e9;
		return "after " + seconds.toFixed(3) + " s: " +
			lanes().map(l => l.name + " " + human(l[key()][point], key() === "bytes")).join(", ");
	}

	function draw() {
		const [c, width] = prepare(canvas, HEIGHT), all = lanes(), points = all[0]?.bytes.length ?? 0;
		const most = Math.max(1, ...all.map(l => Math.max(...l[key()])));
		const x = point => 1 + point / (points - 1 || 1) * (width - 2);
		const y = value => HEIGHT - 2 - value / most * (HEIGHT - TOP - 4);
		c.strokeStyle = style("line");
		c.strokeRect(0.5, TOP + 0.5, width - 1, HEIGHT - TOP - 1);
		all.forEach((lane, i) => {
			c.strokeStyle = hue(i);
			c.lineWidth = 2;
			c.setLineDash(i % 2 ? [6, 3] : []);
			c.beginPath();
			lane[key()].forEach((value, point) => {
				if (point) c.lineTo(x(point), y(lane[key()][point - 1]));
				c.lineTo(x(point), y(value));
			});
			c.stroke();
		});
		c.setLineDash([]);
		const span = course().last_ns - course().first_ns || 1;
		c.fillStyle = style("error");
		for (const [time] of course().marks) {
			const left = 1 + (time - course().first_ns) / span * (width - 2);
			c.beginPath();
			c.moveTo(left - 4, TOP - 10);
			c.lineTo(left + 4, TOP - 10);
			c.lineTo(left, TOP - 2);
			c.fill();
		}
		c.fillStyle = style("dim");
		c.fillText("at most " + human(most, key() === "bytes"), 6, TOP + 12);
		if (cursor >= 0) {
			c.fillStyle = style("text");
			c.fillRect(x(cursor), TOP, 1, HEIGHT - TOP);
		}
		canvas.setAttribute("aria-label", "Live " + key() + " over time, of " + all.length + " " + of.value +
			"; arrow keys move along it." + (points ? " At the end, " + at(points - 1) : ""));
		legend.replaceChildren(...all.map((lane, i) => {
			const colour = make("i", {});
			colour.style.background = hue(i);
			return make("span", {}, colour, lane.name);
		}));
		info.textContent = !points ? "There is nothing of that." : at(cursor >= 0 ? cursor : points - 1);
	}

	function move(to) {
		const points = lanes()[0]?.bytes.length ?? 0;
		cursor = Math.min(Math.max(to, 0), points - 1);
		draw();
	}
	const mark = event => {
		const c = course(), time = c.first_ns + (c.last_ns - c.first_ns) * event.offsetX / canvas.clientWidth;
		const near = (c.last_ns - c.first_ns) * 6 / canvas.clientWidth;
		return event.offsetY < TOP ? c.marks.find(([when]) => Math.abs(when - time) <= near) : undefined;
	};
	canvas.addEventListener("mousemove", event => {
		move(Math.round(event.offsetX / canvas.clientWidth * ((lanes()[0]?.bytes.length ?? 1) - 1)));
		const found = mark(event);
		if (found) info.textContent = found[1] + " after " + (found[0] / 1e9).toFixed(3) + " s";
	});
	canvas.addEventListener("keydown", event => {
		const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
		if (!by) return;
		event.preventDefault();
		move(cursor + by);
	});
	const redraw = () => { cursor = -1; draw(); };
	const [whatLabel, what] = select("Live", [["bytes", "bytes"], ["blocks", "blocks"]], redraw);
	const [ofLabel, of] = select("of", [["packages", "packages"], ["sections", "sections"]], redraw);
	const [processLabel, process] = select("in process", courses.map((c, i) => [i, c.pid]), redraw);
	place.append(make("div", { class: "tools" }, whatLabel, ofLabel, courses.length > 1 ? processLabel : ""),
		make("div", {}, canvas), legend, info);
	const findings = courses.reduce((sum, c) => sum + c.marks.length + c.further_marks, 0);
	if (findings) place.append(make("p", {}, "The triangles are the " + findings + " calls that are findings, as far as the trace still has them."));
	if (courses.some(c => c.left_out)) place.append(make("p", {}, "Only the first 32 sections are drawn."));
	redraws.push(draw);
	draw();
}

// ---- what is live where in the sections, and by whom

function setUpMap(maps) {
	const place = byId("map"), ROW = 22;
	for (const map of maps) {
		if (!map.blocks.length) continue;
		const names = [], sums = [];
		const blocks = map.blocks.map(([section, offset, size, name, text]) => {
			if (text !== undefined) names[name] = text;
			sums[name] = (sums[name] ?? 0) + size;
			return { section, offset, size, name };
		});
		const order = sums.map((_, i) => i).sort((a, b) => sums[b] - sums[a]);
		const rank = [];
		order.forEach((name, i) => { rank[name] = i; });
		const canvas = make("canvas", { role: "img", "aria-label": "Map of " + map.sections.length +
			" sections: each block at its place, coloured by the function that allocated it. The table below has the sums." });
		const legend = make("p", { class: "legend" }), info = make("p", { class: "info", role: "status" });
		let boxes = [];
		const draw = () => {
			const [c, width] = prepare(canvas, map.sections.length * ROW), filled = [];
			boxes = [];
			map.sections.forEach(([handle], i) => {
				c.fillStyle = style("other");
				c.fillRect(0, i * ROW, width, ROW - 4);
				filled[i] = 0;
			});
			for (const b of blocks) {
				const most = map.sections[b.section][1] || 1;
				const start = b.offset >= 0 ? b.offset : filled[b.section];
				filled[b.section] = start + b.size;
				const x = Math.min(start / most, 1) * width, w = Math.max(b.size / most * width, 1);
				c.fillStyle = hue(rank[b.name]);
				c.fillRect(x, b.section * ROW, Math.min(w, width - x), ROW - 4);
				boxes.push({ x, w, b });
			}
			legend.replaceChildren(...order.slice(0, 12).map((name, i) => {
				const colour = make("i", {});
				colour.style.background = hue(i);
				return make("span", {}, colour, names[name] + ": " + human(sums[name], true));
			}));
		};
		canvas.addEventListener("mousemove", event => {
			const row = Math.floor(event.offsetY / ROW), section = map.sections[row];
			const box = boxes.find(({ x, w, b }) => b.section === row && event.offsetX >= x && event.offsetX <= x + w);
			if (section) info.textContent = "section " + section[0] + ", " + human(section[2], true) + " of " + human(section[1], true) +
				(box ? "; block of " + human(box.b.size, true) + " by " + names[box.b.name] : "");
		});
		place.append(make("div", {}, canvas), legend, info);
		redraws.push(draw);
		draw();
	}
}

// By now, the browser has read the findings and the first graph, and nothing that is behind them.
const read = id => JSON.parse(byId(id).textContent);
const graph = read("flame-data").tree;
let data;
if (graph) setUpFlame(isInverted => isInverted ? data.inverted : graph);
addEventListener("DOMContentLoaded", () => {
	data = read("data");
	setUpFindings();
	setUpTime(data.courses);
	setUpMap(data.maps);
});
