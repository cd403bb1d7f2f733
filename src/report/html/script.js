"use strict";
const list = document.querySelector(".claims");
const rows = Array.from(list.children);
const field = (id) => document.getElementById(id);
const filters = ["f-paper", "f-verdict", "f-wording", "f-text"].map(field);
const apply = () => {
  const [paper, verdict, wording, text] = filters.map((input) => input.value);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const said = row.textContent.toLowerCase();
    row.hidden = Boolean((paper && row.querySelector("code").textContent.split("/")[0] !== paper)
      || (verdict && row.querySelector("b").className !== verdict)
      || (wording && row.dataset.wording !== wording) || !words.every((word) => said.includes(word)));
    shown += row.hidden ? 0 : 1;
  }
  field("shown").textContent = shown + " of " + rows.length + " claims";
};
filters.forEach((input) => input.addEventListener("input", apply));
// Without a run there is no slack to order by.
field("f-order")?.addEventListener("input", (event) => {
  const slack = (row) => (row.dataset.slack === "" ? Infinity : Number(row.dataset.slack));
  const ordered = event.target.value === "slack" ? rows.slice().sort((a, b) => slack(a) - slack(b)) : rows;
  list.append(...ordered);
});
const open = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const claim = target && target.closest("details");
  if (claim) {
    claim.closest("li").hidden = false;
    claim.open = true;
    target.scrollIntoView();
  }
};
window.addEventListener("hashchange", open);
open();
// Without a script there is nothing to press.
for (const source of document.querySelectorAll(".copy")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = source.tagName === "PRE" ? "copy the instance" : "copy";
  source.after(" ", button);
  const done = () => { button.textContent = "copied"; };
  const select = () => {
    const range = document.createRange();
    range.selectNodeContents(source);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "selected: copy it now";
  };
  button.addEventListener("click", () => {
    if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(done, select);
    else select();
  });
}
const slider = field("t");
const plot = document.querySelector("#spectrum svg").dataset;
const eigenvalue = (t) => 4 * t * (1 - t) * (1 - t) * (3 * t - 1);
slider.addEventListener("input", () => {
  const t = slider.value / 1000;
  const x = +plot.left + (plot.right - plot.left) * t;
  const values = [eigenvalue(t), eigenvalue(1 - t)];
  ["mark-first", "mark-second"].forEach((id, k) => {
    field(id).setAttribute("cx", x);
    field(id).setAttribute("cy", plot.bottom - (plot.bottom - plot.top) * (values[k] - plot.low) / (plot.high - plot.low));
  });
  field("values").textContent = "t = " + t.toFixed(3) + ": " + values.map((value) => value.toFixed(4)).join(" and ");
});
