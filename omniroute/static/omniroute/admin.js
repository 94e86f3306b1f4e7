/* Small behaviours of the admin: actions that POST, copy buttons, a combo's weights, names of fields in tables. */
"use strict";

/* Pages show times in the zone of who looks at them (`omniroute.viewer`). */
document.cookie = `omniroute_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;

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

/* A button that cannot be taken back asks first; one that takes long (`data-busy`, what it says then) is pressed once. */
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !form.closest(".or-page")) return;
  if (form.dataset.busy) return event.preventDefault();
  if (event.submitter?.hasAttribute("data-busy")) {
    form.dataset.busy = "1";
    event.submitter.setAttribute("aria-busy", "true");
    event.submitter.lastChild.data = event.submitter.dataset.busy;
  }
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

/* What the chosen one of a select does (`omniroute.forms.ExplainedSelect`). */
document.addEventListener("DOMContentLoaded", () => {
  for (const select of document.querySelectorAll("select[data-explanations]")) {
    const explanations = JSON.parse(select.dataset.explanations);
    const text = document.createElement("p");
    text.className = "or-explanation";
    text.setAttribute("aria-live", "polite");
    select.closest("div").after(text);
    const show = () => {
      text.textContent = explanations[select.value] ?? "";
      text.hidden = !text.textContent;
    };
    select.addEventListener("change", show);
    show();
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

/* Unfold opens its menus, filters and sidebar by a click on what is no button: the keyboard reaches that, too. */
const OPENS = "[x-on\\:click]:not(a[href], button, input, #changelist-filter-close)";
document.addEventListener("DOMContentLoaded", () => {
  for (const node of document.querySelectorAll(OPENS)) {
    node.tabIndex = 0;
    node.setAttribute("role", "button");
    if (node.getAttribute("x-on:click").startsWith("sidebar")) node.setAttribute("aria-label", "Menu");
    if (node.title) node.setAttribute("aria-label", node.title);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.body.click(); // closes whatever closes by a click beside it
  if (!["Enter", " "].includes(event.key) || !event.target.matches(OPENS)) return;
  event.preventDefault();
  event.target.click();
});

/* On a phone: the open tab is in sight, a list without checkboxes names its first column by its own heading, and cells
   that say nothing take no line (`or-empty`). */
document.addEventListener("DOMContentLoaded", () => {
  for (const tab of document.querySelectorAll(".or-tabs a[aria-current]")) {
    const row = tab.parentElement;
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  }
  const heading = document.querySelector("#result_list thead th")?.textContent.trim();
  for (const cell of heading ? document.querySelectorAll("#result_list td:first-child") : []) {
    if (!cell.querySelector("input")) cell.dataset.label = heading;
  }
  for (const cell of document.querySelectorAll("#result_list [data-label]")) {
    cell.dataset.label = cell.dataset.label.charAt(0).toUpperCase() + cell.dataset.label.slice(1);
    if (cell.textContent.trim() === "-") cell.classList.add("or-empty");
  }
});
