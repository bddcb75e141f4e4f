"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const tabs = [...document.querySelectorAll("[role=tab]")];
  const trees = { image: new TreeView($("tree-image"), $("hits-image")), context: new TreeView($("tree-context"), $("hits-context")) };
  const maps = { image: new MapView($("map-image"), $("path-image"), "all"), context: new MapView($("map-context"), $("path-context"), "all") };

  function select(tab, focus) {
    for (const t of tabs) {
      const on = t === tab;
      t.setAttribute("aria-selected", on);
      t.tabIndex = on ? 0 : -1;
      $(t.getAttribute("aria-controls")).hidden = !on;
    }
    if (focus) tab.focus();
    for (const v of [...Object.values(trees), ...Object.values(maps)]) v.draw();
  }

  // What is in the address of the page: a view, a finding, or a line of a file.
  function follow() {
    const at = decodeURIComponent(location.hash.slice(1));
    const card = at.startsWith("finding-") && document.getElementById(at);
    if (card) {
      const image = +card.closest("[data-image]").dataset.image;
      if (data.length > 1) choose(image);
      select($("tab-findings"));
      card.scrollIntoView({ block: "start" });
    } else if (at.startsWith("line=")) toLine(at.slice(5));
    else if (tabs.some((t) => t.id === "tab-" + at)) select($("tab-" + at));
  }

  function choose(i) {
    if ($("images")) $("images").value = i;
    showImage(i);
  }

  function showImage(i) {
    const d = data[i], lines = d.scripts.flatMap((f) => f.lines.map((l) => ({ file: f.name, ...l })));
    for (const a of document.querySelectorAll("[data-image]")) a.hidden = +a.dataset.image !== i;
    for (const a of document.querySelectorAll("[data-show]")) a.closest("tr").classList.toggle("shown", +a.dataset.show === i);
    for (const which of ["image", "context"]) {
      const model = new Model(d[which], d.texts);
      // An entry of the image is told by where it comes from, one of the context by its path.
      const wanted = new Set(d.about);
      const path = (i) => (which === "image" ? d.texts[model.from[i]] : model.path(i));
      const about = wanted.size ? model.name.map((_, i) => wanted.has(path(i))) : [];
      trees[which].show(model, (by) => lines[by], about);
      maps[which].show(model, which === "image" ? model.kept : model.total);
      $("search-" + which).value = "";
    }
    $("truncated").hidden = !d.truncated;
    drawLines($("lines"), d.scripts);
  }

  // toLine shows a line of the Dockerfile or the ignore file.
  function toLine(ref) {
    const row = [...document.querySelectorAll("[data-line]")].find((r) => r.tagName === "TR" && r.dataset.line === ref);
    if (!row) return false;
    select($("tab-lines"));
    for (const r of document.querySelectorAll("tr.target")) r.classList.remove("target");
    row.classList.add("target");
    row.scrollIntoView({ block: "center" });
    return true;
  }

  for (const t of tabs) t.addEventListener("click", () => { select(t); history.replaceState(null, "", "#" + t.id.slice(4)); });
  document.querySelector(".tabs").addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    const at = tabs.indexOf(document.activeElement);
    select(tabs[(at + step + tabs.length) % tabs.length], true);
    e.preventDefault();
  });
  $("images")?.addEventListener("change", (e) => showImage(+e.target.value));
  for (const which of ["image", "context"]) {
    $("search-" + which).addEventListener("input", (e) => trees[which].search(e.target.value));
    $("search-" + which).addEventListener("keydown", (e) => {
      if (e.key === "ArrowDown" || e.key === "Enter") { $("tree-" + which).focus(); e.preventDefault(); }
    });
  }
  for (const b of document.querySelectorAll("[data-do]")) b.addEventListener("click", () => trees[b.dataset.tree].all(b.dataset.do === "expand"));
  document.addEventListener("line", (e) => toLine(e.detail));
  document.addEventListener("click", (e) => {
    const show = e.target.closest("a[data-show]");
    if (show) { e.preventDefault(); choose(+show.dataset.show); }
    const link = e.target.closest("a[data-line]"), copy = e.target.closest(".copy");
    if (link) { e.preventDefault(); if (toLine(link.dataset.line)) history.replaceState(null, "", "#line=" + encodeURIComponent(link.dataset.line)); }
    if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => { copy.textContent = "Copied"; }, () => {});
  });
  // Links to lines that are shown nowhere are only text.
  function unlink() {
    const known = new Set(data.flatMap((d) => d.scripts.flatMap((f) => f.lines.map((l) => f.name + ":" + l.n))));
    for (const a of document.querySelectorAll("a[data-line]")) if (!known.has(a.dataset.line)) a.replaceWith(a.textContent);
  }

  function theme(next) {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = next || (dark ? "light" : "dark");
  }
  $("theme").addEventListener("click", () => theme());
  $("help").addEventListener("click", () => $("keys").showModal());
  document.addEventListener("keydown", (e) => {
    const typing = e.target.matches("input, select, textarea");
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const panel = document.querySelector("[role=tabpanel]:not([hidden])"), search = panel.querySelector("input[type=search]");
    if (e.key === "Escape" && search && search.value) {
      search.value = "";
      search.dispatchEvent(new Event("input"));
      return;
    }
    if (typing) return;
    if (e.key >= "1" && e.key <= "5") select(tabs[+e.key - 1], true);
    else if (e.key === "/") { if (!search) { select($("tab-image")); $("search-image").focus(); } else search.focus(); }
    else if (e.key === "t") theme();
    else if (e.key === "?") $("keys").showModal();
    else return;
    e.preventDefault();
  });
  unlink();
  // The image with the worst finding comes first.
  const worst = document.querySelector(".overview td.error") || document.querySelector(".overview td.warning");
  if (data.length) choose(worst ? +worst.closest("tr").querySelector("a").dataset.show : 0);
  addEventListener("hashchange", follow);
  follow();
  // How long it took, in milliseconds, for whoever measures.
  document.documentElement.dataset.ready = Math.round(performance.now());
})();
