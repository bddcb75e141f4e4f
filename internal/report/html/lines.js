"use strict";
// The Dockerfile and the ignore file, each line with what it brings or keeps out.
function drawLines(el, scripts) {
  el.replaceChildren(...scripts.map((file) => {
    const box = document.createElement("div"), ignore = file.kind === "ignore";
    box.className = "file";
    const most = Math.max(1, ...file.lines.map((l) => Math.max(l.b, l.ob)));
    const h = document.createElement("h3"), small = document.createElement("small");
    small.textContent = ignore ? "files and bytes that each line keeps out (−) or lets in again (+)" : "files and bytes of the image that came through each line";
    h.append(file.name, small);
    const table = document.createElement("table"), body = document.createElement("tbody");
    for (const l of file.lines) {
      const tr = document.createElement("tr"), out = l.of > 0, n = out ? l.of : l.f, bytes = out ? l.ob : l.b;
      tr.dataset.line = file.name + ":" + l.n;
      if (!l.c) tr.className = "quiet";
      const cells = [["number", l.n], ["text", l.t], ["count", ""], ["count", ""], ["weight", ""]].map(([c, t]) => {
        const td = document.createElement("td");
        td.className = c; td.textContent = t;
        return td;
      });
      cells[1].title = l.t;
      if (n > 0) {
        const sign = ignore ? (out ? "−" : "+") : "";
        cells[2].textContent = sign + n.toLocaleString("en") + (n === 1 ? " file" : " files");
        cells[3].textContent = sign + formatBytes(bytes);
        const meter = document.createElement("span");
        meter.className = "meter" + (out ? " out" : "");
        meter.style.width = (100 * bytes) / most + "%";
        cells[4].append(meter);
      } else if (l.c && ignore) {
        cells[2].textContent = "no file";
        cells[2].title = "This line decides about no file that is here.";
        tr.classList.add("idle");
      }
      tr.append(...cells);
      body.append(tr);
    }
    table.append(body);
    box.append(h, table);
    return box;
  }));
}
