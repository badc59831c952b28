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

// Not toLocaleString(): the first call of that takes longer than all else that precedes the first picture.
const grouped = number => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

function human(number, isBytes) {
	if (!isBytes || number < 1024) return grouped(number) + (isBytes ? " B" : "");
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

class Findings {
	constructor(table) {
		const more = byId("more");
		if (more) table.tBodies[0].append(...more.querySelector("tbody").rows);
		more?.remove();
		this.table = table;
		this.rows = [...table.tBodies[0].rows].map(row => ({
			row, article: byId(row.querySelector("a").hash.slice(1)),
			level: row.cells[1].textContent.trim(), kind: row.cells[2].textContent.trim(),
			package: row.cells[6].textContent.trim(), baseline: row.cells[8]?.textContent.trim(), text: null,
		}));
		this.addTools(byId("filter"));
		[...table.tHead.rows[0].cells].forEach((th, column) =>
			th.replaceChildren(make("button", { type: "button", onclick: () => this.sortBy(th, column) }, th.textContent)));
		addEventListener("hashchange", () => this.follow());
		this.follow();
	}

	addTools(place) {
		const apply = () => this.apply();
		const keys = ["level", "kind", "package", "baseline"].filter(key => this.rows.some(r => r[key]));
		const [searchLabel, searched] = search("Search", apply);
		const selects = keys.map(key => {
			const values = [...new Set(this.rows.map(r => r[key]))].sort();
			return select(key[0].toUpperCase() + key.slice(1), [["", "all"], ...values.map(v => [v, v])], apply);
		});
		this.searched = searched;
		this.filters = selects.map(([, s], i) => ({ key: keys[i], select: s }));
		this.shown = make("span", { role: "status" });
		place.className = "tools";
		place.append(searchLabel, ...selects.map(([label]) => label), this.shown);
		place.hidden = false;
		apply();
	}

	apply() {
		const words = this.searched.value.toLowerCase().split(/\s+/).filter(Boolean);
		// The lines of source around the place are not what the finding is about.
		const parts = r => [r.row, ...r.article.children].filter(e => !e.matches(".source"));
		const text = r => r.text ??= parts(r).map(e => e.textContent).join(" ").toLowerCase();
		const isShown = r => this.filters.every(f => !f.select.value || r[f.key] === f.select.value) &&
			words.every(w => text(r).includes(w));
		let count = 0;
		for (const r of this.rows) {
			r.row.hidden = r.article.hidden = !isShown(r);
			count += !r.row.hidden;
		}
		this.shown.textContent = count + " of " + this.rows.length;
	}

	sortBy(th, column) {
		const isDown = th.getAttribute("aria-sort") === "ascending" ||
			(!th.hasAttribute("aria-sort") && th.classList.contains("n"));
		for (const other of this.table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
		th.setAttribute("aria-sort", isDown ? "descending" : "ascending");
		const isNumber = column === 0 || th.classList.contains("n");
		const key = r => isNumber ? Number(r.row.cells[column].textContent) : r.row.cells[column].textContent;
		const keyed = this.rows.map(r => [key(r), r]);
		keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (isDown ? -1 : 1));
		this.table.tBodies[0].append(...keyed.map(([, r]) => r.row));
		byId("details").append(...keyed.map(([, r]) => r.article));
	}

	// A link to a finding shows it, whatever the filters say.
	follow() {
		const target = location.hash.startsWith("#f-") && byId(decodeURIComponent(location.hash.slice(1)));
		if (!target) return;
		if (target.hidden) {
			this.searched.value = "";
			for (const f of this.filters) f.select.value = "";
			this.apply();
		}
		target.scrollIntoView();
	}
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

const FLAME_ROW = 19;

// Draws the graph as soon as the browser has read it. complete() adds what needs the rest of the page.
class Flame {
	constructor(graph) {
		this.trees = [new Tree(graph)];
		this.metric = Math.max(graph.values.findIndex(values => values), 0);
		this.words = "";
		this.isInverted = false;
		this.boxes = [];
		this.tools = make("div", { class: "tools" });
		this.canvas = make("canvas", { tabindex: 0, role: "img" });
		this.info = make("p", { class: "info", role: "status" });
		this.table = make("tbody");
		this.details = make("details", { ontoggle: () => this.fillTable() }, make("summary", {}, "As a table"),
			make("div", { class: "tools" }, make("table", {}, make("thead", {}, make("tr", {}, make("th", {}, "function"),
				make("th", { class: "n" }, "value"), make("th", { class: "n" }, "share"))), this.table)));
		this.small = make("p", {});
		byId("flame").append(this.tools, make("div", {}, this.canvas), this.info, this.details, this.small);
		this.listen();
		redraws.push(() => this.draw());
		this.rebuild();
	}

	// `rest` has the columns that the graph lacks, and the inverted graph.
	complete(rest) {
		const { data } = this.trees[0];
		data.values = data.values.map((values, i) => values ?? rest.values[i]);
		const [metricLabel, metric] = select("Show", METRICS.map(([name], i) => [i, name]), () => {
			this.metric = Number(metric.value);
			this.rebuild();
		});
		metric.value = this.metric;
		const [searchLabel, searched] = search("Search", () => {
			this.words = searched.value.toLowerCase();
			this.draw();
		});
		const inverted = make("input", { type: "checkbox", onchange: () => {
			this.isInverted = inverted.checked;
			this.trees[1] ??= new Tree(rest.inverted);
			this.rebuild();
		} });
		this.tools.append(metricLabel, searchLabel,
			make("label", {}, inverted, "Inverted: innermost functions first"),
			make("button", { type: "button", onclick: () => this.zoom(0) }, "Show all"));
	}

	listen() {
		const at = handle => event => {
			const box = this.boxAt(event);
			if (box) handle(box.node);
		};
		this.canvas.addEventListener("mousemove", at(node => { this.info.textContent = this.canvas.title = this.describe(node); }));
		this.canvas.addEventListener("click", at(node => this.zoom(node)));
		this.canvas.addEventListener("keydown", event => {
			const move = this.moves[event.key];
			if (!move) return;
			event.preventDefault();
			move();
		});
	}

	moves = {
		ArrowDown: () => this.choose(this.tree.children(this.chosen)[0] ?? this.chosen),
		ArrowUp: () => this.choose(Math.max(this.tree.parent[this.chosen], 0)),
		ArrowLeft: () => this.choose(this.sibling(-1)), ArrowRight: () => this.choose(this.sibling(1)),
		Enter: () => this.zoom(this.chosen), Escape: () => this.zoom(0),
	};

	sibling(by) {
		const all = this.chosen ? this.tree.children(this.tree.parent[this.chosen]) : [0];
		return all[all.indexOf(this.chosen) + by] ?? this.chosen;
	}

	boxAt(event) {
		const x = event.offsetX / this.canvas.clientWidth, depth = Math.floor(event.offsetY / FLAME_ROW);
		return this.boxes.find(box => box.depth === depth && x >= box.x && x < box.x + box.w);
	}

	label(node) { return node ? this.tree.names[this.tree.name[node]][0] : "all"; }
	value(node) { return human(this.tree.total[node], METRICS[this.metric][1]); }
	share(node) { return (this.tree.total[0] ? (100 * this.tree.total[node] / this.tree.total[0]).toFixed(1) : "0") + " %"; }
	describe(node) {
		const module = node ? this.tree.names[this.tree.name[node]][1] : "";
		return this.label(node) + (module ? " (" + module + ")" : "") + ": " + this.value(node) + ", " + this.share(node);
	}

	zoom(node) { this.zoomed = this.chosen = node; this.draw(); }
	choose(node) { this.chosen = node; this.draw(); }

	rebuild() {
		this.tree = this.trees[Number(this.isInverted)];
		this.tree.show(this.metric);
		const leftOut = this.tree.data.left_out;
		this.small.textContent = leftOut ? grouped(leftOut) +
			" stacks are too small to be drawn in full. They end in (small stacks)." : "";
		this.zoom(0);
	}

	// The boxes of the node that is zoomed, of what is above and of what is below and wide enough to be seen.
	lay() {
		const path = [], { tree } = this;
		for (let i = this.zoomed; i >= 0; i = tree.parent[i]) path.unshift(i);
		this.boxes = path.map((node, depth) => ({ node, depth, x: 0, w: 1 }));
		const todo = [this.boxes.at(-1)];
		const least = 0.5 / (this.canvas.parentElement.clientWidth || 1);
		while (todo.length) {
			const box = todo.pop();
			let x = box.x;
			for (const node of tree.children(box.node)) {
				const w = box.w * tree.total[node] / tree.total[box.node];
				if (w < least) break;
				const inner = { node, depth: box.depth + 1, x, w };
				this.boxes.push(inner);
				todo.push(inner);
				x += w;
			}
		}
		return this.boxes.reduce((most, box) => Math.max(most, box.depth), 0) + 1;
	}

	drawBox(c, width, box, isFound, colours) {
		const x = box.x * width, w = box.w * width, y = box.depth * FLAME_ROW;
		c.fillStyle = box.node && this.tree.names[this.tree.name[box.node]][2] ? colours.own : colours.other;
		c.fillRect(x, y, Math.max(w - 1, 0.5), FLAME_ROW - 1);
		if (isFound) {
			c.fillStyle = colours.found;
			c.fillRect(x, y, Math.max(w - 1, 0.5), 4);
		}
		if (box.node === this.chosen) {
			c.strokeStyle = colours.text;
			c.lineWidth = 2;
			c.strokeRect(x + 1, y + 1, Math.max(w - 3, 1), FLAME_ROW - 3);
		}
		if (w < 24) return;
		c.save();
		c.beginPath();
		c.rect(x, y, w - 3, FLAME_ROW);
		c.clip();
		c.fillStyle = colours.text;
		c.fillText(this.label(box.node), x + 3, y + FLAME_ROW / 2);
		c.restore();
	}

	draw() {
		const { words } = this;
		const colours = Object.fromEntries(["own", "other", "found", "text"].map(name => [name, style(name)]));
		const [c, width] = prepare(this.canvas, this.lay() * FLAME_ROW);
		let matches = 0;
		for (const box of this.boxes) {
			const isFound = words && this.label(box.node).toLowerCase().includes(words);
			matches += isFound ? 1 : 0;
			this.drawBox(c, width, box, isFound, colours);
		}
		const chosen = this.describe(this.chosen);
		this.canvas.setAttribute("aria-label", "Flame graph of " + METRICS[this.metric][0] + ". " + chosen +
			". Arrow keys choose, Enter zooms, Escape shows all.");
		this.info.textContent = (this.tree.total[0] ? chosen : "There is nothing of that.") +
			(words ? "; " + matches + " found" : "");
		this.fillTable();
	}

	// What the picture shows, for those who cannot see it: what is directly below.
	fillTable() {
		if (!this.details.open) return;
		this.table.replaceChildren(...this.tree.children(this.zoomed).slice(0, 100).map(node => make("tr", {},
			make("td", {}, make("button", { type: "button", onclick: () => this.zoom(node) }, this.label(node))),
			make("td", { class: "n" }, this.value(node)), make("td", { class: "n" }, this.share(node)))));
	}
}

// ---- what is live over time

const hue = i => "hsl(" + (i * 137 + 210) % 360 + " 70% " + (isDark.matches ? "70%" : "35%") + ")";

// A square of its colour, and a name.
const entry = (colour, text) => {
	const square = make("i", {});
	square.style.background = colour;
	return make("span", {}, square, text);
};

const TIME_TOP = 16, TIME_HEIGHT = 240;

class TimeLine {
	constructor(courses) {
		this.courses = courses;
		this.cursor = -1;
		this.canvas = make("canvas", { tabindex: 0, role: "img" });
		this.info = make("p", { class: "info", role: "status" });
		this.legend = make("p", { class: "legend" });
		this.addTools(byId("time"));
		this.listen();
		redraws.push(() => this.draw());
		this.draw();
	}

	addTools(place) {
		const redraw = () => { this.cursor = -1; this.draw(); };
		const { courses } = this;
		const [whatLabel, what] = select("Live", [["bytes", "bytes"], ["blocks", "blocks"]], redraw);
		const [ofLabel, of] = select("of", [["packages", "packages"], ["sections", "sections"]], redraw);
		const [processLabel, process] = select("in process", courses.map((c, i) => [i, c.pid]), redraw);
		Object.assign(this, { what, of, process });
		place.append(make("div", { class: "tools" }, whatLabel, ofLabel, courses.length > 1 ? processLabel : ""),
			make("div", {}, this.canvas), this.legend, this.info);
		const findings = courses.reduce((sum, c) => sum + c.marks.length + c.further_marks, 0);
		if (findings) place.append(make("p", {}, "The triangles are the " + findings + " calls that are findings, as far as the trace still has them."));
		if (courses.some(c => c.left_out)) place.append(make("p", {}, "Only the first 32 sections are drawn."));
	}

	listen() {
		this.canvas.addEventListener("mousemove", event => {
			this.move(Math.round(event.offsetX / this.canvas.clientWidth * (this.points - 1)));
			const found = this.markAt(event);
			if (found) this.info.textContent = found[1] + " after " + (found[0] / 1e9).toFixed(3) + " s";
		});
		this.canvas.addEventListener("keydown", event => {
			const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
			if (!by) return;
			event.preventDefault();
			this.move(this.cursor + by);
		});
	}

	get course() { return this.courses[Number(this.process.value || 0)]; }
	get lanes() { return this.course[this.of.value]; }
	get points() { return this.lanes[0]?.bytes.length ?? 0; }
	get span() { return this.course.last_ns - this.course.first_ns || 1; }
	values(lane) { return lane[this.what.value]; }
	human(value) { return human(value, this.what.value === "bytes"); }
	x(point, width) { return 1 + point / (this.points - 1 || 1) * (width - 2); }

	describe(point) {
		const seconds = (this.course.first_ns + this.span * point / (this.points - 1 || 1)) / 1e9;
		return "after " + seconds.toFixed(3) + " s: " +
			this.lanes.map(l => l.name + " " + this.human(this.values(l)[point])).join(", ");
	}

	drawLane(c, width, lane, i, most) {
		const y = value => TIME_HEIGHT - 2 - value / most * (TIME_HEIGHT - TIME_TOP - 4);
		const values = this.values(lane);
		c.strokeStyle = hue(i);
		c.lineWidth = 2;
		c.setLineDash(i % 2 ? [6, 3] : []);
		c.beginPath();
		values.forEach((value, point) => {
			if (point) c.lineTo(this.x(point, width), y(values[point - 1]));
			c.lineTo(this.x(point, width), y(value));
		});
		c.stroke();
		c.setLineDash([]);
	}

	drawMarks(c, width) {
		c.fillStyle = style("error");
		for (const [time] of this.course.marks) {
			const left = 1 + (time - this.course.first_ns) / this.span * (width - 2);
			c.beginPath();
			c.moveTo(left - 4, TIME_TOP - 10);
			c.lineTo(left + 4, TIME_TOP - 10);
			c.lineTo(left, TIME_TOP - 2);
			c.fill();
		}
	}

	draw() {
		const [c, width] = prepare(this.canvas, TIME_HEIGHT), { lanes, points } = this;
		const most = Math.max(1, ...lanes.map(l => Math.max(...this.values(l))));
		c.strokeStyle = style("line");
		c.strokeRect(0.5, TIME_TOP + 0.5, width - 1, TIME_HEIGHT - TIME_TOP - 1);
		lanes.forEach((lane, i) => this.drawLane(c, width, lane, i, most));
		this.drawMarks(c, width);
		c.fillStyle = style("dim");
		c.fillText("at most " + this.human(most), 6, TIME_TOP + 12);
		if (this.cursor >= 0) {
			c.fillStyle = style("text");
			c.fillRect(this.x(this.cursor, width), TIME_TOP, 1, TIME_HEIGHT - TIME_TOP);
		}
		this.canvas.setAttribute("aria-label", "Live " + this.what.value + " over time, of " + lanes.length + " " + this.of.value +
			"; arrow keys move along it." + (points ? " At the end, " + this.describe(points - 1) : ""));
		this.legend.replaceChildren(...lanes.map((lane, i) => entry(hue(i), lane.name)));
		this.info.textContent = !points ? "There is nothing of that." : this.describe(this.cursor >= 0 ? this.cursor : points - 1);
	}

	move(to) {
		this.cursor = Math.min(Math.max(to, 0), this.points - 1);
		this.draw();
	}

	markAt(event) {
		const perPixel = this.span / this.canvas.clientWidth, time = this.course.first_ns + perPixel * event.offsetX;
		return event.offsetY < TIME_TOP ? this.course.marks.find(([when]) => Math.abs(when - time) <= 6 * perPixel) : undefined;
	}
}

// ---- what is live where in the sections, and by whom

const MAP_ROW = 22;

class SectionMap {
	constructor(map) {
		const sums = [];
		this.sections = map.sections;
		this.names = [];
		this.blocks = map.blocks.map(([section, offset, size, name, text]) => {
			if (text !== undefined) this.names[name] = text;
			sums[name] = (sums[name] ?? 0) + size;
			return { section, offset, size, name };
		});
		this.sums = sums;
		this.order = sums.map((_, i) => i).sort((a, b) => sums[b] - sums[a]);
		this.rank = [];
		this.order.forEach((name, i) => { this.rank[name] = i; });
		this.boxes = [];
		this.canvas = make("canvas", { role: "img", "aria-label": "Map of " + map.sections.length +
			" sections: each block at its place, coloured by the function that allocated it. The table below has the sums." });
		this.legend = make("p", { class: "legend" });
		this.info = make("p", { class: "info", role: "status" });
		this.canvas.addEventListener("mousemove", event => this.tell(event));
		byId("map").append(make("div", {}, this.canvas), this.legend, this.info);
		const leftOut = [[map.left_out_sections, "sections"], [map.left_out_blocks, "blocks"]].filter(([count]) => count);
		if (leftOut.length) byId("map").append(make("p", {}, "Not drawn: " +
			leftOut.map(([count, what]) => grouped(count) + " more " + what).join(", ") + "."));
		redraws.push(() => this.draw());
		this.draw();
	}

	draw() {
		const [c, width] = prepare(this.canvas, this.sections.length * MAP_ROW), filled = this.sections.map(() => 0);
		c.fillStyle = style("other");
		this.sections.forEach((_, i) => c.fillRect(0, i * MAP_ROW, width, MAP_ROW - 4));
		this.boxes = this.blocks.map(b => {
			const most = this.sections[b.section][1] || 1;
			const start = b.offset >= 0 ? b.offset : filled[b.section];
			const x = Math.min(start / most, 1) * width, w = Math.max(b.size / most * width, 1);
			filled[b.section] = start + b.size;
			c.fillStyle = hue(this.rank[b.name]);
			c.fillRect(x, b.section * MAP_ROW, Math.min(w, width - x), MAP_ROW - 4);
			return { x, w, b };
		});
		this.legend.replaceChildren(...this.order.slice(0, 12).map((name, i) =>
			entry(hue(i), this.names[name] + ": " + human(this.sums[name], true))));
	}

	tell(event) {
		const row = Math.floor(event.offsetY / MAP_ROW), section = this.sections[row];
		const box = this.boxes.find(({ x, w, b }) => b.section === row && event.offsetX >= x && event.offsetX <= x + w);
		if (!section) return;
		this.info.textContent = "section " + section[0] + ", " + human(section[2], true) + " of " + human(section[1], true) +
			(box ? "; block of " + human(box.b.size, true) + " by " + this.names[box.b.name] : "");
	}
}

// By now, the browser has read the findings and the first graph, and nothing that is behind them.
const read = id => JSON.parse(byId(id).textContent);
const { tree } = read("flame-data");
const flame = tree && new Flame(tree);
addEventListener("DOMContentLoaded", () => {
	const data = read("data");
	flame?.complete(data);
	if (byId("table")) new Findings(byId("table"));
	new TimeLine(data.courses);
	for (const map of data.maps) if (map.blocks.length) new SectionMap(map);
});
