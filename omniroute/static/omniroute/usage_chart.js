/* The chart of the home page and of the usage page: one measure at a time, stacked by whatever the page is about. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const canvas = document.getElementById("usage-chart");
  if (!canvas) return;
  const data = JSON.parse(document.getElementById("usage-data").textContent);
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
  const money = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 3 });
  let measure = "requests";
  const format = (value) => (measure === "cost" ? money : compact).format(value);

  /* [label, values, colour] from the bottom of the stack to its top. */
  function stack() {
    const series = (number) => `--or-series-${number + 1}`;
    if (data.lines.length) {
      return data.lines.map((line, number) => [line.label, line[measure], line.rest ? "--or-series-rest" : series(number)]);
    }
    if (measure === "requests") {
      const answered = data.whole.requests.map((all, at) => all - data.failed[at]);
      return [["Answered", answered, series(0)], ["Failed", data.failed, "--or-bad"]];
    }
    if (measure === "tokens") return Object.entries(data.split).map(([name, values], number) => [name, values, series(number)]);
    return [["Cost", data.whole.cost, series(0)]];
  }

  function datasets() {
    return stack().map(([label, values, name]) => ({
      label,
      data: values,
      backgroundColor: color(name),
      borderRadius: 2,
      maxBarThickness: 40,
      stack: "all",
    }));
  }

  function theme() {
    const dark = document.documentElement.classList.contains("dark");
    const text = color(dark ? "--color-base-400" : "--color-base-500");
    for (const axis of Object.values(chart.options.scales)) axis.ticks.color = text;
    chart.options.plugins.legend.labels.color = text;
    chart.options.scales.y.grid.color = color(dark ? "--color-base-800" : "--color-base-200");
    chart.data.datasets = datasets();
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
        tooltip: {
          itemSort: (one, other) => other.raw - one.raw,
          filter: (item) => item.raw > 0,
          callbacks: {
            label: (item) => ` ${item.dataset.label}: ${format(item.raw)}`,
            footer: (items) => (items.length > 1 ? `All: ${format(items.reduce((sum, item) => sum + item.raw, 0))}` : ""),
          },
        },
      },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 12 } },
        y: { stacked: true, beginAtZero: true, border: { display: false }, grid: {}, ticks: { maxTicksLimit: 6, callback: format, precision: 0 } },
      },
    },
  });

  for (const button of document.querySelectorAll("[data-measure]")) {
    button.addEventListener("click", () => {
      measure = button.dataset.measure;
      for (const other of document.querySelectorAll("[data-measure]")) other.setAttribute("aria-pressed", String(other === button));
      chart.options.scales.y.ticks.precision = measure === "cost" ? undefined : 0;
      chart.data.datasets = datasets();
      chart.update("none");
    });
  }
  new MutationObserver(theme).observe(document.documentElement, { attributeFilter: ["class"] });
  theme();
});
