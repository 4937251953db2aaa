/* Looking closely: a dialog over the page for any one of its maps. */
(() => {
  "use strict";

  const { button, choice, field } = viewerControls;
  const { all, along, beside, short, title } = viewerPanels;
  if (!all.length) {
    return;
  }
  const byId = new Map(all.map((panel) => [panel.id, panel]));
  /** @type {Record<string, string>} By title of a method. */
  const references = JSON.parse(document.getElementById("bibliography")?.textContent || "{}");
  const { alpha = "0.3", colormap: colours = "" } = document.body.dataset;
  /** @type {Look} */
  const look = {
    opacity: Math.round(100 * Number(alpha)), wipe: 0, colours, scale: "own", other: "", threshold: 0, only: false, cells: false, grid: false, whole: false,
  };
  let panel = all[0];
  /** @type {Source | undefined} */
  let source;
  /** @type {Scene | undefined} */
  let scene;
  /** @type {number[] | undefined} Column and row. */
  let cell;
  let former = "";

  // -- What there is ---------------------------------------------------------------------------

  const heading = make("h2", { id: "look-title", tabIndex: -1 });
  const file = make("p", "quiet");
  const said = make("output", {});
  const shelf = make("p", "fine");
  const [lowest, highest] = [make("span", {}), make("span", {})];
  const bar = make("canvas", { width: 256, height: 1, ariaHidden: "true" });
  const stage = viewerStage.build(pointAt, (wipe) => change({ wipe }));
  const plate = /** @type {Node} */ (stage.element.firstChild);

  const [maps, palettes, scales, others] = [
    choice(t("Map"), "map"), choice(t("Colours"), "colours"), choice(t("Scale"), "scale"), choice(t("Less the map"), "other"),
  ];
  scales.append(
    new Option(t("each map by itself"), "own"),
    new Option(t("shared over layers"), "layers"),
    new Option(t("shared over targets"), "targets"),
    new Option(t("shared over images"), "images"),
  );
  const sliders = [
    field(t("Opacity"), "opacity", "range"), field(t("Photo alone, from the left"), "wipe", "range"), field(t("Threshold"), "threshold", "range"),
  ];
  const steps = [
    button("←", () => go(beside(panel, -1)), t("Previous map of this target")),
    button("→", () => go(beside(panel, 1)), t("Next map of this target")),
    button("↑", () => go(along(panel, -1)), t("This map of the previous image")),
    button("↓", () => go(along(panel, 1)), t("This map of the next image")),
    button("−", () => stage.zoom(0.5), t("Smaller")),
    button("+", () => stage.zoom(2), t("Larger")),
    button("0", () => stage.zoom(0), t("0: all of it")),
  ];
  const cite = button(t("Copy BibTeX"), () => give(references[panel.method]));
  const controls = make("fieldset", {},
    ...[maps, palettes, scales, others].map((select) => /** @type {Node} */ (select.parentNode)),
    ...sliders,
    field(t("Only what is above the threshold"), "only", "checkbox"),
    field(t("True resolution"), "cells", "checkbox"),
    field(t("Lines between cells"), "grid", "checkbox"),
    field(t("The whole photo"), "whole", "checkbox"),
    make("div", "steps",
      button(t("Save PNG"), () => save("png")),
      button(t("Save SVG"), () => save("svg")),
      button(t("Copy caption"), () => give(scene?.caption().join(" "))),
      cite,
    ),
    shelf,
  );
  const help = make("dialog", { className: "keys", ariaLabel: t("Keys") },
    make("dl", {}, ...[
      ["← →", t("Previous and next map of this target.")],
      ["PageUp PageDown", t("The same map of the previous and next image.")],
      ["+ − 0", t("Larger, smaller, all of it; also by the wheel or two fingers.")],
      ["← → ↑ ↓", t("From cell to cell, where the map has the focus.")],
      ["Esc", t("Close.")],
    ].flatMap(([key, text]) => [make("dt", {}, key), make("dd", {}, text)])),
    button(t("Close"), () => help.close()),
  );
  const dialog = make("dialog", "viewer",
    make("header", {}, heading, file, button("?", () => help.showModal(), t("Keys")), button("✕", () => dialog.close(), t("Close"))),
    make("div", {}, stage.element, make("div", "steps", ...steps), make("p", "scale", lowest, bar, highest), said),
    controls, help,
  );
  dialog.setAttribute("aria-labelledby", heading.id);

  // -- Drawing ---------------------------------------------------------------------------------

  /** Draw the panel anew. */
  function draw() {
    if (source) {
      scene = viewerScene.compose(source, look);
      stage.show(scene, look.wipe);
      bar.getContext("2d")?.putImageData(scene.bar, 0, 0);
      lowest.textContent = short(scene.low);
      highest.textContent = short(scene.high);
      palettes.disabled = scene.low < 0;
      read();
    }
  }

  /**
   * Change what the reader has chosen.
   * @param {object} changed A part of the look, or the map.
   */
  function change(changed) {
    Object.assign(look, changed);
    for (const label of sliders) {
      const input = /** @type {HTMLInputElement} */ (label.lastChild);
      const value = look[/** @type {"opacity" | "wipe" | "threshold"} */ (input.name)];
      input.value = String(value);
      label.dataset.value = `${value}%`;
    }
    if ("map" in changed) {
      go(byId.get(maps.value));
    } else if ("other" in changed) {
      void load();
    } else {
      draw();
    }
  }

  controls.addEventListener("input", ({ target }) => {
    const { name, type, checked, value } = /** @type {HTMLInputElement} */ (target);
    change({ [name]: { checkbox: checked, range: Number(value) }[type] ?? value });
  });

  /** Load the panel's pictures and draw. */
  async function load() {
    const [wanted, other] = [panel, byId.get(look.other)];
    stage.element.ariaBusy = "true";
    /** @type {Source | undefined} */
    let loaded;
    try {
      if (!palettes.length) {
        await viewerPixels.mix();
        palettes.append(...[...viewerPixels.palettes.keys()].slice(0, -1).map((name) => new Option(name)));
        palettes.value = look.colours;
      }
      loaded = await viewerScene.load(wanted, other);
    } catch {
      // What the page shows of it is left, without all that needs its pixels.
    }
    if (wanted === panel && other === byId.get(look.other)) {
      stage.element.ariaBusy = "false";
      source = loaded;
      scene = undefined;
      controls.disabled = !loaded;
      const shown = loaded ? plate : wanted.figure.querySelector(".pair > :nth-child(2)")?.cloneNode(true);
      stage.element.replaceChildren(shown ?? "");
      said.textContent = loaded ? "" : t("This map is shown as the page has it: the pixels of its picture cannot be read here.");
      draw();
    }
  }

  /**
   * Show a panel.
   * @param {Panel | undefined} wanted
   */
  function go(wanted) {
    if (!wanted) {
      return;
    }
    if (wanted.article !== panel.article || wanted.id === look.other) {
      look.other = "";
    }
    panel = wanted;
    cell = undefined;
    heading.textContent = title(panel);
    stage.element.ariaLabel = t("{title}; the arrow keys move from cell to cell", { title: title(panel) });
    file.textContent = panel.file;
    shelf.textContent = "";
    maps.replaceChildren(...family());
    maps.value = panel.id;
    others.replaceChildren(new Option(t("none"), ""), ...family(panel));
    others.value = look.other;
    cite.hidden = !references[panel.method];
    [beside(panel, -1), beside(panel, 1), along(panel, -1), along(panel, 1)].forEach((next, i) => {
      steps[i].ariaDisabled = String(!next);
    });
    address(`#look=${panel.id}`);
    void load();
  }

  /**
   * Offer the maps of this image, by target.
   * @param {Panel} [without]
   * @returns {HTMLElement[]}
   */
  function family(without) {
    const members = all.filter(({ article }) => article === panel.article);
    return [...new Set(members.map(({ section }) => section))].map((section) => {
      const own = members.filter((item) => item.section === section);
      const options = own.filter((item) => item !== without).map(({ id, method, layer }) => new Option(`${method}, ${layer}`, id));
      return make("optgroup", { label: own[0].target }, ...options);
    });
  }

  // -- Values ----------------------------------------------------------------------------------

  /**
   * Take the cell under a place.
   * @param {number} x In pixels of the frame.
   * @param {number} y
   */
  function pointAt(x, y) {
    if (scene && source) {
      const { box: [left, top, across, down] } = scene.frame;
      const { width, height } = source.map;
      const [column, row] = [Math.floor(((x - left) / across) * width), Math.floor(((y - top) / down) * height)];
      if (column >= 0 && row >= 0 && column < width && row < height) {
        cell = [column, row];
        said.ariaLive = "off";
        read();
      }
    }
  }

  /** Say what the cell holds. */
  function read() {
    if (!scene || !source) {
      return;
    }
    const { map: { width, height, levels }, other, less } = source;
    if (!cell) {
      stage.mark("");
      said.textContent = panel.figure.dataset.cells === `${width} ${height}` ? "" : t("The map is averaged to {width}×{height} cells here.", { width, height });
      return;
    }
    const [column, row] = cell;
    const [left, top, across, down] = scene.frame.box;
    const [w, h] = [across / width, down / height];
    const [x, y] = [left + column * w, top + row * h];
    stage.mark(`M${x} ${y}h${w}v${h}h${-w}z`, x + w / 2, y + h / 2);
    const value = (levels[row * width + column] * panel.peak) / 255;
    if (other && less) {
      const place = Math.floor(((row + 0.5) * less.height) / height) * less.width + Math.floor(((column + 0.5) * less.width) / width);
      const taken = (less.levels[place] * other.peak) / 255;
      said.textContent = t("Column {column}, row {row}: {value} less {taken} is {rest}", { column: column + 1, row: row + 1, value: short(value), taken: short(taken), rest: short(value - taken) });
    } else {
      said.textContent = t("Column {column}, row {row}: {value}, {share}% of the peak", { column: column + 1, row: row + 1, value: short(value), share: Math.round((100 * value) / panel.peak) });
    }
  }

  // -- Taking away -----------------------------------------------------------------------------

  /** @param {"png" | "svg"} kind */
  function save(kind) {
    if (source) {
      void viewerSave.save(source, look, kind);
    }
  }

  /**
   * Copy a text, and show it.
   * @param {string} [text]
   */
  async function give(text = "") {
    shelf.textContent = text;
    said.ariaLive = "polite";
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = t("Copied.");
    } catch {
      // Some browsers refuse the clipboard to a page from disk: the reader copies.
      window.getSelection()?.selectAllChildren(shelf);
      said.textContent = t("Selected, to be copied.");
    }
  }

  // -- Keys, opening and closing ---------------------------------------------------------------

  dialog.addEventListener("keydown", (event) => {
    const { key, target } = event;
    const on = /** @type {HTMLElement} */ (target);
    if (isHeld(event) || help.open || on.matches("select, [type=range]")) {
      return;
    }
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
    const zoom = { "+": 2, "=": 2, "-": 0.5, 0: 0 }[key];
    if (source && on === stage.element && (x || y)) {
      const sides = [source.map.width, source.map.height];
      const [column, row] = cell ? [cell[0] + x, cell[1] + y] : sides.map((side) => side >> 1);
      cell = [Math.min(Math.max(column, 0), sides[0] - 1), Math.min(Math.max(row, 0), sides[1] - 1)];
      said.ariaLive = "polite";
      read();
    } else if (x) {
      go(beside(panel, x));
    } else if (key.startsWith("Page")) {
      go(along(panel, key === "PageUp" ? -1 : 1));
    } else if (zoom !== undefined) {
      stage.zoom(zoom);
    } else if (key === "?") {
      help.showModal();
    } else {
      return;
    }
    event.preventDefault();
  });

  /** @param {string} fragment */
  function address(fragment) {
    try {
      history.replaceState(null, "", location.href.replace(/#.*/s, "") + fragment);
    } catch {
      // Some viewers of files give a page no history.
    }
  }

  /** @param {Panel} wanted */
  function open(wanted) {
    if (!dialog.open) {
      former = location.hash.startsWith("#look=") ? "" : location.hash;
      if (document.activeElement === document.body) {
        // By a link or a click on a picture: closing is to lead to the map.
        /** @type {HTMLElement | null} */ (wanted.figure.querySelector(".look"))?.focus();
      }
      dialog.showModal();
      heading.focus();
    }
    go(wanted);
  }

  dialog.addEventListener("close", () => address(former));

  function follow() {
    const wanted = byId.get(location.hash.replace("#look=", ""));
    if (wanted) {
      open(wanted);
    } else if (dialog.open) {
      former = location.hash;
      dialog.close();
    }
  }

  for (const one of all) {
    const look = button("", () => open(one), t("Look closely at {title}", { title: title(one) }));
    look.className = "look";
    const pair = /** @type {HTMLElement} */ (one.figure.querySelector(".pair"));
    pair.append(look);
    pair.addEventListener("click", (event) => {
      // A link to the full size is still followed by its keys, and by a click with one of them.
      if (event.target !== look && event.detail && !isHeld(event) && !event.shiftKey) {
        event.preventDefault();
        open(one);
      }
    });
  }
  change({});
  document.body.append(dialog);
  window.addEventListener("hashchange", follow);
  follow();
})();
