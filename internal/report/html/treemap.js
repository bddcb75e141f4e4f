"use strict";
// A treemap: every file an area as large as its bytes, laid out so that areas are as square as can be (Bruls, Huizing and
// van Wijk's squarified layout).
const smallest = 26, maxCells = 2500;

// squarify gives a rectangle to each size, in rows along the shorter side, as long as the next one makes a row squarer.
function squarify(sizes, x, y, w, h) {
  const out = [];
  let total = sizes.reduce((a, b) => a + b, 0), i = 0;
  while (i < sizes.length && total > 0 && w > 0 && h > 0) {
    const side = Math.min(w, h), scale = (w * h) / total;
    let row = 0, worst = Infinity, j = i;
    for (; j < sizes.length; j++) {
      const sum = row + sizes[j], thick = (sum * scale) / side;
      const first = (sizes[i] * scale) / thick, last = (sizes[j] * scale) / thick;
      const next = Math.max(first / thick, thick / last, thick / first, last / thick);
      if (next > worst) break;
      worst = next; row = sum;
    }
    const thick = (row * scale) / side;
    let at = 0;
    for (let k = i; k < j; k++) {
      const long = (sizes[k] * scale) / thick;
      out.push(w >= h ? [x, y + at, thick, long] : [x + at, y, long, thick]);
      at += long;
    }
    if (w >= h) { x += thick; w -= thick; } else { y += thick; h -= thick; }
    total -= row; i = j;
  }
  return out;
}

class MapView {
  constructor(el, crumbs, name) {
    this.el = el; this.crumbs = crumbs; this.name = name;
    el.addEventListener("click", (e) => {
      const cell = e.target.closest(".cell");
      if (cell) this.into(+cell.dataset.node);
    });
    el.addEventListener("keydown", (e) => {
      if (e.key === "Enter" && e.target.dataset.node) this.into(+e.target.dataset.node, true);
      else if (e.key === "Backspace" && this.top >= 0) this.go(this.model.parent[this.top], true);
      else return;
      e.preventDefault();
    });
    new ResizeObserver(() => this.draw()).observe(el);
  }
  // show takes the sizes that count: of an image those that are in it, of a context all.
  show(model, sizes) { this.model = model; this.sizes = sizes; this.drawn = ""; this.go(-1); }
  // into goes one level down, towards an entry.
  into(i, focus) {
    while (this.model.parent[i] !== this.top && this.model.parent[i] >= 0) i = this.model.parent[i];
    if (this.model.children[i]) this.go(i, focus);
  }
  go(i, focus) {
    this.top = i;
    this.draw();
    if (focus) this.el.querySelector(".group")?.focus();
  }
  draw() {
    const m = this.model;
    const drawn = [this.top, this.el.clientWidth, this.el.clientHeight].join();
    if (!m || !this.el.clientWidth || drawn === this.drawn) return;
    this.drawn = drawn;
    this.cells = [];
    this.place(this.top < 0 ? m.roots : m.children[this.top] || [], 0, 0, this.el.clientWidth, this.el.clientHeight);
    this.el.replaceChildren(...this.cells);
    if (!this.cells.length) {
      const empty = document.createElement("div");
      empty.className = "empty"; empty.textContent = "No bytes that are known of.";
      this.el.append(empty);
    }
    const parts = [];
    for (let i = this.top; i >= 0; i = m.parent[i]) parts.unshift(i);
    parts.unshift(-1);
    this.crumbs.replaceChildren(...parts.map((i) => {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = i < 0 ? this.name + " " + formatBytes(m.roots.reduce((a, r) => a + this.sizes[r], 0)) : "/ " + m.name[i] + " " + formatBytes(this.sizes[i]);
      b.addEventListener("click", () => this.go(i));
      return b;
    }));
  }
  place(list, x, y, w, h) {
    const m = this.model, shown = list.filter((i) => this.sizes[i] > 0).sort((a, b) => this.sizes[b] - this.sizes[a]);
    squarify(shown.map((i) => this.sizes[i]), x, y, w, h).forEach(([cx, cy, cw, ch], k) => {
      const i = shown[k];
      if (this.cells.length >= maxCells || cw < 3 || ch < 3) return;
      const inner = m.children[i] && cw > smallest * 2 && ch > smallest * 1.6;
      this.cell(i, cx, cy, cw, ch, inner);
      if (inner) this.place(m.children[i], cx + 3, cy + 19, cw - 6, ch - 22);
    });
  }
  cell(i, x, y, w, h, inner) {
    const m = this.model, div = document.createElement("div");
    div.className = "cell " + (inner ? "group" : this.color(i));
    Object.assign(div.style, { left: x + "px", top: y + "px", width: w + "px", height: h + "px" });
    // Padding would make what is small larger than it is.
    if (w < smallest || h < 14) div.style.padding = "0";
    else div.textContent = m.name[i] + (m.dir[i] ? "/" : "");
    div.title = m.path(i) + "\n" + formatBytes(this.sizes[i]);
    div.dataset.node = i;
    if (m.children[i]) {
      div.tabIndex = 0;
      div.setAttribute("role", "button");
      div.setAttribute("aria-label", m.name[i] + ", " + formatBytes(this.sizes[i]));
    }
    this.cells.push(div);
  }
  // color is that of most of the bytes of a directory that is too small to be drawn open.
  color(i) {
    const m = this.model;
    while (m.children[i]) i = m.children[i].reduce((a, b) => (this.sizes[b] > this.sizes[a] ? b : a));
    return m.state[i];
  }
}
