/* A sign-in that is under way: its countdown, and what becomes of it, without a reload. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const card = document.getElementById("sign-in");
  if (!card || card.dataset.status !== "pending") return;
  const step = 1500;
  const countdown = card.querySelector("[data-countdown]");
  const message = card.querySelector("[data-message]");
  const waiting = message.dataset.waiting;
  let ends = Date.now() + Number(card.dataset.left) * 1000;

  function tick() {
    const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    countdown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} left`;
  }

  function end({ status, message: text, account }) {
    clearInterval(timer);
    card.dataset.status = status;
    card.querySelector("[data-pending]").hidden = true;
    card.querySelector("[data-over]").hidden = false;
    const done = status === "done";
    const pill = card.querySelector("[data-pill]");
    pill.className = `or-pill ${done ? "or-pill-good" : "or-pill-bad"}`;
    pill.textContent = { done: "Done", failed: "Failed", expired: "Expired" }[status] ?? status;
    card.querySelector("[data-outcome]").textContent = text;
    const link = card.querySelector("[data-account]");
    link.hidden = !account;
    const another = card.querySelector("[data-another]");
    if (done) Object.assign(another, { textContent: "Connect another", search: "" });
    if (account) link.href = account;
  }

  async function ask() {
    const body = new FormData();
    body.append("state", card.dataset.state);
    body.append("csrfmiddlewaretoken", card.querySelector("input[name=csrfmiddlewaretoken]").value);
    try {
      const response = await fetch(card.dataset.url, { method: "POST", body });
      if (response.redirected || response.status === 403 || response.status === 404) {
        clearInterval(timer);
        message.textContent = "Nobody is logged in any more, or the sign-in is gone: reload this page";
        return;
      }
      if (response.ok) {
        const progress = await response.json();
        ends = Date.now() + progress.left * 1000;
        if (progress.status !== "pending") return end(progress);
        message.textContent = progress.message || waiting;
      }
    } catch {
      message.textContent = "The gateway cannot be reached";
    }
    setTimeout(ask, step);
  }

  const timer = setInterval(tick, 1000);
  tick();
  ask();
});
