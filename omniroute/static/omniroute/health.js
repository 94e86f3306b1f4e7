/* The Health page looks again by itself: the server renders its cards, with the template of the page. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const cards = document.querySelector("#health-cards");
  if (!cards) return;
  const tell = (text) => cards.querySelector("[data-looked]")?.replaceChildren(text);
  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("?cards", { headers: { Accept: "text/html" } });
      if (answer.redirected) return tell("Nobody is logged in any more: reload this page");
      if (!answer.ok) return tell(`The gateway answered ${answer.status}`);
      cards.innerHTML = await answer.text();
    } catch {
      tell("The gateway does not answer");
    }
  };
  setInterval(look, Number(cards.dataset.refreshS) * 1000);
  document.addEventListener("visibilitychange", look);
});
