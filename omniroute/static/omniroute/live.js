/* The home page's last requests, as they finish. Without a socket the page stays what it was when it was loaded. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const body = document.getElementById("last-requests");
  if (!body?.dataset.live) return;
  const state = document.getElementById("live-state");
  const rows = 8;
  const expired = 4001;
  let wait = 1000;

  function show(live) {
    if (!live && state.hidden) return;
    state.hidden = false;
    state.classList.toggle("or-is-live", live);
    state.querySelector("[data-label]").textContent = live ? "Live" : "Offline";
  }

  function connect() {
    const socket = new WebSocket(location.origin.replace(/^http/, "ws") + body.dataset.live);
    socket.addEventListener("message", (event) => {
      wait = 1000;
      show(true);
      update(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (event.code === expired) return connect();
      show(false);
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 10000);
    });
  }

  function update({ html, replace }) {
    const part = document.createElement("template");
    part.innerHTML = html;
    const fresh = [...part.content.querySelectorAll("tr")];
    if (!fresh.length) return;
    if (document.querySelector(".or-start")) return location.reload();
    const known = new Set([...body.rows].map((row) => row.dataset.request));
    for (const row of fresh) if (!known.has(row.dataset.request)) row.classList.add("or-fresh");
    if (replace) body.replaceChildren(...fresh);
    else body.prepend(...fresh.filter((row) => !known.has(row.dataset.request)));
    while (body.rows.length > rows) body.rows[rows].remove();
    document.getElementById("no-requests").hidden = true;
    body.closest(".or-scroll").hidden = false;
  }

  connect();
});
