/* What to write by hand follows the form: the server renders it. The key stays in the page: it replaces its placeholder. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("tool-form");
  const section = document.getElementById("by-hand");
  if (!form || !section) return;
  let shown = "";

  function fillKey() {
    const key = form.elements.key.value.trim();
    for (const snippet of section.querySelectorAll("[data-key]")) {
      snippet.dataset.text ??= snippet.textContent;
      snippet.textContent = key ? snippet.dataset.text.replaceAll(snippet.dataset.key, key) : snippet.dataset.text;
    }
  }

  async function update() {
    const query = new URLSearchParams({ "by-hand": "" });
    for (const name of ["model", "small", "url"]) if (form.elements[name]) query.set(name, form.elements[name].value);
    if (String(query) === shown) return;
    shown = String(query);
    try {
      const answer = await fetch(`?${query}`, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected || String(query) !== shown) return;
      section.innerHTML = await answer.text();
      fillKey();
    } catch {
      shown = "";
    }
  }

  for (const name of ["model", "small", "url"]) form.elements[name]?.addEventListener("change", update);
  form.elements.key.addEventListener("input", fillKey);
});
