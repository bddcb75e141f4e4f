"use strict";
// A tree of files with a window: only the rows that are in sight exist, so that a hundred thousand cost no more than
// twenty.
const rowHeight = 26;

function formatBytes(n) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (n >= size) return (n / size).toFixed(1) + " " + unit;
  return n + " B";
}

// Model gives a tree of columns its children, sizes and counts.
class Model {
  constructor(columns, texts) {
    Object.assign(this, columns);
    this.texts = texts;
    const n = this.name.length;
    this.children = Array.from({ length: n }, () => null);
    this.roots = [];
    this.total = Float64Array.from(this.size);
    this.count = Int32Array.from(this.files);
    this.kept = new Float64Array(n); // bytes that are not ignored
    for (let i = 0; i < n; i++) {
      const p = this.parent[i];
      if (p < 0) this.roots.push(i);
      else (this.children[p] ??= []).push(i);
    }
    for (let i = n - 1; i >= 0; i--) {
      if (!this.dir[i]) { this.count[i] = 1; }
      if (this.state[i] !== "x" && !this.dir[i]) this.kept[i] = this.size[i];
      const p = this.parent[i];
      if (p >= 0) { this.total[p] += this.total[i]; this.count[p] += this.count[i]; this.kept[p] += this.kept[i]; }
    }
    // Directories first, as people list them.
    const order = (a, b) => this.dir[b] - this.dir[a];
    this.roots.sort(order);
    for (const c of this.children) if (c) c.sort(order);
  }
  path(i) {
    const parts = [];
    for (; i >= 0; i = this.parent[i]) parts.push(this.name[i]);
    return parts.reverse().join("/");
  }
  // bytes is what an entry counts for: of what is kept out all of it, of the rest what is not kept out.
  bytes(i) { return this.state[i] === "x" ? this.total[i] : this.kept[i]; }
  // paths are all paths in lower case, made when somebody searches first.
  paths() {
    if (!this.lower) {
      this.lower = new Array(this.name.length);
      for (let i = 0; i < this.name.length; i++) {
        const p = this.parent[i], name = this.name[i].toLowerCase();
        this.lower[i] = p < 0 ? name : this.lower[p] + "/" + name;
      }
    }
    return this.lower;
  }
}

class TreeView {
  constructor(el, status, label) {
    this.el = el; this.status = status; this.label = label;
    this.space = document.createElement("div");
    this.space.className = "space";
    el.append(this.space);
    el.addEventListener("scroll", () => this.draw());
    el.addEventListener("keydown", (e) => this.key(e));
    el.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (!row) return;
      this.at = +row.dataset.row;
      if (e.target.closest(".by") && e.target.closest(".by").textContent) this.follow(this.rows[this.at]);
      else this.toggle(this.rows[this.at]);
    });
    new ResizeObserver(() => this.draw()).observe(el);
  }
  // show opens the way to what findings are about.
  show(model, lineOf, about) {
    this.model = model; this.lineOf = lineOf;
    this.open = new Set(); this.match = null; this.query = ""; this.at = 0;
    // A single way down is opened, so that one sees something.
    for (let list = model.roots; list && list.length <= 3; list = list.length === 1 ? model.children[list[0]] : null) for (const i of list) if (model.dir[i]) this.open.add(i);
    let first = -1;
    about.forEach((yes, i) => {
      if (!yes) return;
      if (first < 0) first = i;
      this.open.add(i);
      for (let j = model.parent[i]; j >= 0; j = model.parent[j]) this.open.add(j);
    });
    this.refresh();
    this.el.scrollTop = 0;
    if (first >= 0) { this.at = this.rows.indexOf(first); this.pending = true; this.draw(); }
  }
  // search keeps what matches, with the directories above, opened.
  search(query) {
    const m = this.model;
    this.query = query.trim().toLowerCase();
    if (!this.query) { this.match = null; this.status.textContent = ""; this.refresh(); return; }
    const keep = new Uint8Array(m.name.length);
    let hits = 0;
    m.paths().forEach((p, i) => {
      // A directory is a hit by its own name; what lies below it by its own too, or everything below would be one.
      const from = p.length - m.name[i].length;
      const found = this.query.includes("/") ? p.indexOf(this.query, Math.max(0, from - this.query.length)) : p.indexOf(this.query, from);
      if (found < 0) return;
      hits++;
      for (let j = i; j >= 0 && !keep[j]; j = m.parent[j]) keep[j] = 1;
    });
    this.match = keep;
    this.shut = new Set();
    this.at = 0;
    this.status.textContent = hits === 1 ? "1 match" : hits.toLocaleString("en") + " matches";
    this.refresh();
    const first = this.rows.findIndex((i) => m.name[i].toLowerCase().includes(this.query.split("/").pop()));
    if (first > 0) { this.at = first; this.reveal(); }
  }
  isOpen(i) { return this.match ? !this.shut.has(i) : this.open.has(i); }
  setOpen(i, yes) {
    const [set, add] = this.match ? [this.shut, !yes] : [this.open, yes];
    if (add) set.add(i); else set.delete(i);
  }
  toggle(i) {
    if (this.model.children[i]) this.setOpen(i, !this.isOpen(i));
    this.refresh();
  }
  all(yes) {
    const m = this.model;
    for (let i = 0; i < m.name.length; i++) if (m.children[i]) this.setOpen(i, yes);
    this.at = 0;
    this.refresh();
  }
  refresh() {
    const m = this.model, rows = [], depth = [];
    const stack = m.roots.map((i) => [i, 0]).reverse();
    while (stack.length) {
      const [i, d] = stack.pop();
      if (this.match && !this.match[i]) continue;
      rows.push(i); depth.push(d);
      const c = m.children[i];
      if (c && this.isOpen(i)) for (let k = c.length - 1; k >= 0; k--) stack.push([c[k], d + 1]);
    }
    this.rows = rows; this.depth = depth;
    this.at = Math.min(this.at, Math.max(0, rows.length - 1));
    this.space.style.height = rows.length * rowHeight + "px";
    this.draw();
  }
  draw() {
    if (!this.rows || !this.el.clientHeight) return;
    if (this.pending) {
      this.pending = false;
      this.el.scrollTop = Math.max(0, this.at * rowHeight - this.el.clientHeight / 2);
    }
    if (!this.rows.length) {
      this.space.innerHTML = '<div class="empty"></div>';
      this.space.firstChild.textContent = this.query ? "Nothing matches." : "There is nothing here.";
      return;
    }
    const first = Math.max(0, Math.floor(this.el.scrollTop / rowHeight) - 5);
    const last = Math.min(this.rows.length, Math.ceil((this.el.scrollTop + this.el.clientHeight) / rowHeight) + 5);
    const list = [];
    for (let r = first; r < last; r++) list.push(this.row(r));
    this.space.replaceChildren(...list);
    this.el.setAttribute("aria-activedescendant", this.el.id + "-" + this.at);
  }
  row(r) {
    const m = this.model, i = this.rows[r], div = document.createElement("div");
    const folder = m.dir[i], open = m.children[i] && this.isOpen(i);
    div.className = "row " + m.state[i] + (folder ? " dir" : "") + (r === this.at ? " on" : "");
    div.id = this.el.id + "-" + r;
    div.dataset.row = r;
    div.style.top = r * rowHeight + "px";
    div.setAttribute("role", "treeitem");
    div.setAttribute("aria-level", this.depth[r] + 1);
    if (m.children[i]) div.setAttribute("aria-expanded", open);
    if (r === this.at) div.setAttribute("aria-selected", "true");
    const name = document.createElement("span");
    name.style.paddingLeft = this.depth[r] * 1.15 + "em";
    const twist = document.createElement("span");
    twist.className = "twist"; twist.textContent = m.children[i] ? (open ? "▾" : "▸") : "";
    const dot = document.createElement("span");
    dot.className = "dot";
    const text = document.createElement("span");
    text.className = "name";
    this.highlight(text, m.name[i] + (folder ? "/" : ""));
    name.append(twist, dot, text);
    const size = document.createElement("span");
    size.className = "size";
    size.textContent = formatBytes(m.bytes(i));
    if (folder) size.title = m.count[i].toLocaleString("en") + (m.count[i] === 1 ? " file" : " files");
    const by = document.createElement("span");
    by.className = "by";
    by.textContent = this.about(i);
    by.title = by.textContent;
    div.title = m.path(i);
    div.append(name, size, by);
    return div;
  }
  // about says where an entry comes from, or what keeps it out.
  about(i) {
    const m = this.model, line = this.lineOf(m.by[i]);
    let text = line ? line.file + ":" + line.n + " " + line.t.trim() : "";
    const from = m.from[i] >= 0 && m.state[i] !== "x" ? m.texts[m.from[i]] : "";
    if (from && from !== ".") text += (text ? " ← " : "") + from;
    return text;
  }
  highlight(el, name) {
    const q = this.query && this.query.split("/").pop(), at = q ? name.toLowerCase().indexOf(q) : -1;
    if (at < 0) { el.textContent = name; return; }
    const hit = document.createElement("mark");
    hit.textContent = name.slice(at, at + q.length);
    el.append(name.slice(0, at), hit, name.slice(at + q.length));
  }
  follow(i) {
    const line = this.lineOf(this.model.by[i]);
    if (line) this.el.dispatchEvent(new CustomEvent("line", { bubbles: true, detail: line.file + ":" + line.n }));
  }
  reveal() {
    const top = this.at * rowHeight;
    if (top < this.el.scrollTop) this.el.scrollTop = top;
    else if (top + rowHeight > this.el.scrollTop + this.el.clientHeight) this.el.scrollTop = top + rowHeight - this.el.clientHeight;
    this.draw();
  }
  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || !this.rows.length) return;
    const m = this.model, i = this.rows[this.at], page = Math.max(1, Math.floor(this.el.clientHeight / rowHeight) - 1);
    const to = { ArrowDown: this.at + 1, ArrowUp: this.at - 1, Home: 0, End: this.rows.length - 1, PageDown: this.at + page, PageUp: this.at - page }[e.key];
    if (to !== undefined) this.at = Math.max(0, Math.min(this.rows.length - 1, to));
    else if (e.key === "ArrowRight") {
      if (m.children[i] && !this.isOpen(i)) this.toggle(i);
      else if (m.children[i]) this.at++;
    } else if (e.key === "ArrowLeft") {
      if (m.children[i] && this.isOpen(i)) this.toggle(i);
      else if (m.parent[i] >= 0) this.at = this.rows.indexOf(m.parent[i]);
    } else if (e.key === "Enter" || e.key === " ") {
      if (m.children[i]) this.toggle(i); else this.follow(i);
    } else return;
    e.preventDefault();
    this.reveal();
  }
}
