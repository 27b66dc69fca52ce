// The console's own few lines in the browser: theme, live points of a chart, colours of the feeder, zoom.
// Everything else is NiceGUI's. Nothing here asks any other host for anything.
window.hg = (() => {
  const themes = ["auto", "light", "dark"];
  const kept = () => themes.find((theme) => theme === localStorage.getItem("hearthgrid-theme")) || "auto";
  const show = (theme) => {
    Quasar.Dark.set(theme === "auto" ? "auto" : theme === "dark");
    const button = document.getElementById("theme");
    if (button) button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
  };
  const theme = () => show(kept());
  const nextTheme = () => {
    localStorage.setItem("hearthgrid-theme", themes[(themes.indexOf(kept()) + 1) % themes.length]);
    theme();
  };

  // Adds one point per series to a time chart and drops what has left the window.
  const append = (id, time, values, from) => {
    const chart = getElement(id)?.chart;
    if (!chart) return;
    const series = chart.getOption().series.map((one, index) => {
      const points = one.data.filter((point) => point[0] >= from);
      if (values[index] !== null && values[index] !== undefined) points.push([time, values[index]]);
      return { data: points };
    });
    chart.setOption({ series, title: { show: false }, xAxis: { min: from, max: time } });
  };

  // Colours the feeder: one letter per run of lines (0..9, x for unknown) and one per home (f fresh, s stale, g gone).
  const paint = (runs, homes, spread, tries = 20) => {
    const map = document.getElementById("feeder-map");
    if (!map) return tries && setTimeout(() => paint(runs, homes, spread, tries - 1), 100);
    map.classList.toggle("spread", spread);
    map.querySelectorAll("polyline").forEach((line, index) => {
      const wanted = "v" + (runs[index] || "x");
      if (line.getAttribute("class") !== wanted) line.setAttribute("class", wanted);
    });
    map.querySelectorAll("a[data-home]").forEach((home, index) => {
      home.classList.toggle("stale", homes[index] === "s");
      home.classList.toggle("gone", homes[index] === "g");
    });
  };

  const zoom = (factor) => {
    const map = document.getElementById("feeder-map");
    const whole = map.dataset.whole.split(" ").map(Number);
    let [x, y, width, height] = map.getAttribute("viewBox").split(" ").map(Number);
    if (factor === 0) [x, y, width, height] = whole;
    else {
      const next = Math.min(Math.max(factor * width, whole[2] / 12), whole[2]) / width;
      x += (width - next * width) / 2;
      y += (height - next * height) / 2;
      width *= next;
      height *= next;
    }
    map.setAttribute("viewBox", [x, y, width, height].join(" "));
  };
  const drag = { at: null };
  document.addEventListener("pointerdown", (event) => {
    const map = event.target.closest?.("#feeder-map");
    drag.at = map ? [event.clientX, event.clientY] : null;
  });
  document.addEventListener("pointermove", (event) => {
    const map = document.getElementById("feeder-map");
    if (!drag.at || !map || !event.buttons) return;
    const [x, y, width, height] = map.getAttribute("viewBox").split(" ").map(Number);
    if (width >= Number(map.dataset.whole.split(" ")[2])) return;
    const scale = Math.max(width / map.clientWidth, height / map.clientHeight);
    map.setAttribute("viewBox", [x - (event.clientX - drag.at[0]) * scale, y - (event.clientY - drag.at[1]) * scale, width, height].join(" "));
    drag.at = [event.clientX, event.clientY];
  });

  window.addEventListener("load", theme);

  return { nextTheme, append, paint, zoom };
})();
