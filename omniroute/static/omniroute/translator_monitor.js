/* The live monitor: rows as requests finish, filtered and held here. The server renders and escapes them. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const body = document.getElementById("translations");
  if (!body) return;
  const state = document.getElementById("monitor-state");
  const held = document.getElementById("held");
  const pause = document.querySelector("[data-pause]");
  const filters = { translated: "only-translated", dropped: "only-dropped", failed: "only-failed" };
  const most = Number(body.dataset.rows);
  const expired = 4001;
  let wait = 1000;
  let waiting = [];
  let paused = false;

  function connect() {
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + body.dataset.live);
    socket.addEventListener("message", (event) => {
      wait = 1000;
      show(true);
      const message = JSON.parse(event.data);
      if (!paused) return update(message);
      waiting.push(message);
      if (waiting.length > most) waiting.shift();
      tell();
    });
    socket.addEventListener("close", (event) => {
      if (event.code === expired) return connect();
      show(false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 10000);
    });
  }

  function show(live) {
    state.classList.toggle("or-is-live", live);
    state.querySelector("[data-label]").textContent = live ? "Live" : "Offline";
  }

  function tell() {
    const count = waiting.reduce((sum, message) => sum + (message.replace ? 0 : message.requests.length), 0);
    held.hidden = !count;
    held.textContent = `${count} held`;
  }

  function update({ html, replace }) {
    const part = document.createElement("template");
    part.innerHTML = html;
    const rows = [...part.content.querySelectorAll("tr")];
    const known = new Set([...body.querySelectorAll("[data-request]")].map((row) => row.dataset.request));
    const opened = new Set([...body.querySelectorAll("[data-more][aria-expanded=true]")].map((button) => button.closest("tr").dataset.request));
    const fresh = rows.filter((row) => !known.has(row.dataset.request ?? row.dataset.moreOf));
    for (const row of fresh) if (row.dataset.request) row.classList.add("or-fresh");
    if (replace && !opened.size) body.replaceChildren(...rows);
    else body.prepend(...fresh);
    while (body.rows.length > 2 * most) body.rows[body.rows.length - 1].remove();
    document.getElementById("no-translations").hidden = body.rows.length > 0;
    filter();
  }

  function filter() {
    const words = document.getElementById("monitor-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const only = Object.entries(filters).filter(([, id]) => document.getElementById(id).checked).map(([name]) => name);
    for (const row of body.querySelectorAll("[data-request]")) {
      const text = row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word)) && only.every((name) => name in row.dataset);
      row.hidden = !fits;
      more(row).hidden = !fits || row.querySelector("[data-more]").getAttribute("aria-expanded") !== "true";
    }
  }

  const more = (row) => row.nextElementSibling;

  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-more]");
    if (!button) return;
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Less" : "More";
    more(button.closest("tr")).hidden = !open;
  });
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (paused) return;
    for (const message of waiting) update(message);
    waiting = [];
    tell();
  });
  for (const id of ["monitor-text", ...Object.values(filters)]) document.getElementById(id).addEventListener("input", filter);
  connect();
});
