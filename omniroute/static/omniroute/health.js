/* The Health page looks again by itself: the server renders its cards, with the template of the page. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const cards = document.querySelector("#health-cards");
  if (!cards) return;
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("?cards", { headers: { Accept: "text/html" } });
      if (answer.redirected || !answer.ok) return;
      cards.innerHTML = await answer.text();
    } catch {
      cards.querySelector("[data-looked]")?.replaceChildren("The gateway does not answer");
    }
  };
  setInterval(look, Number(cards.dataset.refreshS) * 1000);
  document.addEventListener("visibilitychange", look);
});
