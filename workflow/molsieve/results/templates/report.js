"use strict";
// Sorting and filtering of the hits. Without it the page shows all of them, best first.
(function () {
  const list = document.getElementById("hit-list");
  const bar = document.getElementById("hit-tools");
  if (!list || !bar) return;
  const cards = Array.from(list.children);
  const numbers = new Map(cards.map((card) => [card, card.dataset.sort.split(",").map((text) => (text === "" ? NaN : Number(text)))]));
  const get = (name) => bar.querySelector(`[name=${name}]`);
  const sort = get("sort"), text = get("text"), domain = get("domain"), alerts = get("alerts"), view = get("view");
  const count = bar.querySelector("output");

  function arrange() {
    const column = Number(sort.value);
    const sign = sort.selectedOptions[0].dataset.down === "1" ? -1 : 1;
    const key = (card) => { const value = numbers.get(card)[column]; return Number.isNaN(value) ? Infinity : sign * value; };
    cards.slice().sort((a, b) => key(a) - key(b) || numbers.get(a)[0] - numbers.get(b)[0]).forEach((card) => list.appendChild(card));
  }

  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const data = card.dataset;
      const ok = words.every((word) => data.text.includes(word)) && (!domain.checked || data.domain === "1") && (!alerts.checked || data.alerts === "0");
      card.hidden = !ok;
      if (ok) shown += 1;
    }
    count.textContent = shown === cards.length ? `${shown} hits` : `${shown} of ${cards.length} hits`;
  }

  sort.addEventListener("change", arrange);
  for (const control of [text, domain, alerts]) control.addEventListener("input", filter);
  view.addEventListener("change", () => list.classList.toggle("gallery", view.checked));
  bar.addEventListener("submit", (event) => event.preventDefault());
  bar.hidden = false;
  arrange();
  filter();
})();
