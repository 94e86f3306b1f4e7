/* Tests the connection with what is typed, before anything is kept. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("[data-sync]");
  const button = form?.querySelector("[data-test]");
  const result = form?.querySelector("[data-result]");
  button?.addEventListener("click", async () => {
    const text = (name) => form.elements[name].value;
    button.disabled = true;
    result.className = "or-muted";
    result.textContent = "Testing…";
    try {
      const answer = await fetch(form.dataset.sync, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": text("csrfmiddlewaretoken") },
        body: JSON.stringify({ action: "test", url: text("url"), apiKey: text("api_key"), space: text("space"), passphrase: text("passphrase") }),
      });
      const body = await answer.json();
      result.textContent = answer.ok ? body.message : body.error.message;
      result.className = answer.ok ? "or-good-text" : "or-bad-text";
    } catch {
      result.textContent = "The gateway did not answer.";
      result.className = "or-bad-text";
    }
    button.disabled = false;
  });
});
