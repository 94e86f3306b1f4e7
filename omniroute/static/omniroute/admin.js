/* Small behaviours of the admin: actions that POST, copy buttons, local times, a combo's weights, names of fields in tables. */
"use strict";

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-post]");
  if (link) {
    event.preventDefault();
    post(link);
  }
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

/* Unfold writes a chosen file's name into a text field that it expects beside each file field. These have none. */
document.addEventListener("DOMContentLoaded", () => {
  for (const input of document.querySelectorAll(".or-file")) input.hasChangeListener = true;
});

/* An action link asks by GET, which any page could make a browser do; `data-post` sends it with the CSRF token. */
function post(link) {
  if (link.dataset.busy) return;
  link.dataset.busy = "1";
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  const form = document.createElement("form");
  form.method = "post";
  form.action = link.href;
  form.hidden = true;
  if (token) form.append(token.cloneNode());
  document.body.append(form);
  const text = [...link.childNodes].reverse().find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (text) text.data = ` ${link.dataset.post} `;
  link.setAttribute("aria-busy", "true");
  form.submit();
}

/* A button that cannot be taken back asks first. */
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

/* Copies the text of the element that `data-copy` selects. The clipboard needs https or localhost; else select it. */
async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    label.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(source);
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (label.textContent = before), 2000);
}

/* Moments that people plan by are told in their own time; the server's stays in the title. */
document.addEventListener("DOMContentLoaded", () => {
  const format = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  for (const time of document.querySelectorAll("time[data-local]")) {
    time.title = time.textContent;
    time.textContent = `${new Date(time.dateTime).toLocaleString("en-GB", format)} your time`;
  }
});

/* Weights matter to one strategy only. */
document.addEventListener("DOMContentLoaded", () => {
  const strategy = document.querySelector("#combo_form #id_strategy");
  if (!strategy) return;
  const show = () => document.body.classList.toggle("or-no-weights", strategy.value !== "weighted");
  strategy.addEventListener("change", show);
  show();
});

/* Fields in table cells are told apart by their column, which only the eye sees: names for who does not see. */
document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("td[data-label] :is(input, select):not([type=hidden]), td[class*='field-'] :is(input, select):not([type=hidden])")) {
    if (field.labels?.length || field.hasAttribute("aria-label")) continue;
    const column = field.closest("td").dataset.label || field.name.split("-").pop().replaceAll("_", " ");
    const row = field.closest("tr")?.querySelector("th a, td.field-name a, th")?.textContent.trim();
    field.setAttribute("aria-label", row ? `${column}: ${row}` : column);
  }
  const search = document.getElementById("searchbar");
  search?.setAttribute("aria-label", "Search");
  search?.form?.querySelector("button")?.setAttribute("aria-label", "Search");
});

/* On a phone: the open tab is in sight, and a list without checkboxes names its first column by its own heading. */
document.addEventListener("DOMContentLoaded", () => {
  for (const tab of document.querySelectorAll(".or-tabs a[aria-current]")) {
    const row = tab.parentElement;
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }
  const heading = document.querySelector("#result_list thead th")?.textContent.trim();
  for (const cell of heading ? document.querySelectorAll("#result_list td:first-child") : []) {
    if (!cell.querySelector("input")) cell.dataset.label = heading;
  }
});
