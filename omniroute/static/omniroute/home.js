/* The chart of the home page: one of requests, tokens and cost at a time, each on its own scale. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const canvas = document.getElementById("usage-chart");
  if (!canvas) return;
  const data = JSON.parse(document.getElementById("usage-data").textContent);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const series = {
    requests: [
      ["Answered", data.answered, "--color-primary-500"],
      ["Failed", data.failed, "--or-bad"],
    ],
    tokens: [
      ["Input", data.input, "--color-primary-500"],
      ["Output", data.output, "--color-primary-300"],
    ],
    cost: [["Cost", data.cost, "--color-primary-500"]],
  };
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 3 });
  let shown = "requests";
  const format = (value) => (shown === "cost" ? money : compact).format(value);

  function datasets() {
    return series[shown].map(([label, values, name]) => ({
      label,
      data: values,
      backgroundColor: color(name),
      borderRadius: 3,
      maxBarThickness: 36,
      stack: "all",
    }));
  }

  function theme() {
    const dark = document.documentElement.classList.contains("dark");
    const text = color(dark ? "--color-base-400" : "--color-base-500");
    for (const axis of Object.values(chart.options.scales)) axis.ticks.color = text;
    chart.options.plugins.legend.labels.color = text;
    chart.options.scales.y.grid.color = color(dark ? "--color-base-800" : "--color-base-200");
    chart.update("none");
  }

  Chart.defaults.font.family = "Inter";
  const chart = new Chart(canvas, {
    type: "bar",
    data: { labels: data.labels, datasets: datasets() },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { position: "bottom", align: "start", labels: { boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 3 } },
        tooltip: { callbacks: { label: (item) => ` ${item.dataset.label}: ${format(item.raw)}` } },
      },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 12 } },
        y: { stacked: true, beginAtZero: true, border: { display: false }, grid: {}, ticks: { maxTicksLimit: 5, callback: format, precision: 0 } },
      },
    },
  });

  for (const button of document.querySelectorAll("[data-series]")) {
    button.addEventListener("click", () => {
      shown = button.dataset.series;
      for (const other of document.querySelectorAll("[data-series]")) other.setAttribute("aria-pressed", String(other === button));
      chart.data.datasets = datasets();
      chart.options.scales.y.ticks.precision = shown === "cost" ? undefined : 0;
      chart.update("none");
    });
  }
  new MutationObserver(theme).observe(document.documentElement, { attributeFilter: ["class"] });
  theme();
});
