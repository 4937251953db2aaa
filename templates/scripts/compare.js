/*
 * A stage on which two maps of one picture are laid over each other, and a filter of the table.
 * Everything that a stage shows stands on the page already: it clones the pictures of two runs.
 */
(() => {
  "use strict";

  const MODES = [
    ["slide", t("Slide")],
    ["blend", t("Blend")],
    ["toggle", t("Toggle")],
    ["difference", t("Difference")],
  ];
  /** Longest side of the canvas that a difference is drawn on, in pixels. */
  const SIDE = 224;

  let stages = 0;

  /**
   * @typedef {object} Cells A map, cell by cell.
   * @property {number} width
   * @property {number} height
   * @property {Uint8ClampedArray} data Four bytes per cell, the first of them its level.
   * @property {number[]} box Where it lies: left, top, width, height in pixels of the photo.
   */

  /**
   * @template {keyof HTMLElementTagNameMap} K
   * @param {K} name
   * @param {string} [className]
   * @param {...(string | Node)} parts
   * @returns {HTMLElementTagNameMap[K]}
   */
  function make(name, className = "", ...parts) {
    const element = document.createElement(name);
    element.className = className;
    element.append(...parts);
    return element;
  }

  /**
   * @param {string | null | undefined} text
   * @returns {number[]}
   */
  const numbers = (text) => (text ?? "").split(" ").map(Number);

  /**
   * Read the map that a picture is coloured from.
   * @param {SVGSVGElement} picture
   * @returns {Promise<Cells>}
   */
  async function read(picture) {
    const image = new Image();
    image.src = picture.dataset.grey ?? picture.querySelector(".heat image")?.getAttribute("href") ?? "";
    await image.decode();
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    const canvas = make("canvas");
    Object.assign(canvas, { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    context.drawImage(image, 0, 0);
    return { width, height, data: context.getImageData(0, 0, width, height).data, box: numbers(picture.dataset.box) };
  }

  /**
   * Return a map's value (0…1) at a place of the photo, bilinearly, as it is drawn everywhere else.
   * @param {Cells} cells
   * @param {number} x
   * @param {number} y
   * @returns {number} NaN outside of the view.
   */
  function sample(cells, x, y) {
    const [left, top, width, height] = cells.box;
    const [across, down] = [(x - left) / width, (y - top) / height];
    if (across < 0 || down < 0 || across > 1 || down > 1) {
      return NaN;
    }
    /** @type {(share: number, count: number) => [number, number, number]} */
    const between = (share, count) => {
      const place = Math.min(Math.max(share * count - 0.5, 0), count - 1);
      const low = Math.floor(place);
      return [low, Math.min(low + 1, count - 1), place - low];
    };
    const [left0, left1, toRight] = between(across, cells.width);
    const [top0, top1, toBottom] = between(down, cells.height);
    /** @type {(row: number) => number} */
    const along = (row) => {
      const start = row * cells.width;
      const [one, other] = [cells.data[4 * (start + left0)], cells.data[4 * (start + left1)]];
      return one + (other - one) * toRight;
    };
    const [upper, lower] = [along(top0), along(top1)];
    return (upper + (lower - upper) * toBottom) / 255;
  }

  /**
   * Draw one map less another as grey levels, zero in the middle: the page's filter colours them.
   * @param {HTMLCanvasElement} canvas
   * @param {Cells} one
   * @param {Cells} other
   * @param {number[]} frame What the stage shows: left, top, width, height.
   */
  function drawDifference(canvas, one, other, frame) {
    const [left, top, width, height] = frame;
    const scale = SIDE / Math.max(width, height);
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const pixels = context.createImageData(canvas.width, canvas.height);
    for (let row = 0, at = 0; row < canvas.height; row += 1) {
      const y = top + ((row + 0.5) / canvas.height) * height;
      for (let column = 0; column < canvas.width; column += 1, at += 4) {
        const x = left + ((column + 0.5) / canvas.width) * width;
        const difference = sample(one, x, y) - sample(other, x, y);
        if (!Number.isNaN(difference)) {
          pixels.data.fill(Math.round(127.5 + 127.5 * difference), at, at + 3);
          pixels.data[at + 3] = Math.round(255 * Math.min(1, 0.1 + 1.8 * Math.abs(difference)));
        }
      }
    }
    context.putImageData(pixels, 0, 0);
  }

  /**
   * The scale of a difference, coloured by the same filter.
   * @param {string} first
   * @param {string} second
   * @returns {HTMLElement}
   */
  function makeScale(first, second) {
    const canvas = make("canvas", "tinted");
    Object.assign(canvas, { width: 256, height: 1 });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const pixels = context.createImageData(256, 1);
    pixels.data.forEach((_, at) => {
      pixels.data[at] = at % 4 === 3 ? 255 : at >> 2;
    });
    context.putImageData(pixels, 0, 0);
    const ends = make(
      "p",
      "ends",
      make("span", "", t("stronger in {letter}", { letter: second })),
      make("span", "", t("stronger in {letter}", { letter: first })),
    );
    return make("div", "scale", canvas, ends);
  }

  /**
   * Return a picture to put on the stage; of a run without a map, the photo alone.
   * @param {HTMLElement} slot
   * @param {string} letter
   * @returns {SVGSVGElement}
   */
  function layer(slot, letter) {
    const own = slot.querySelector(`[data-run="${letter}"] svg`);
    const picture = /** @type {SVGSVGElement} */ ((own ?? slot.querySelector(".side svg"))?.cloneNode(true));
    if (!own) {
      picture.querySelector(".heat")?.remove();
      picture.querySelector(".unseen")?.remove();
    }
    picture.removeAttribute("role");
    picture.setAttribute("aria-hidden", "true");
    return picture;
  }

  /**
   * Make a stage for the maps of one target.
   * @param {HTMLElement} slots
   */
  function makeStage(slots) {
    const figures = /** @type {HTMLElement[]} */ ([...slots.querySelectorAll(".slot")])
      .filter((slot) => slot.querySelector(".side svg") && slot.querySelector("[data-pair]"));
    if (!figures.length) {
      return;
    }
    stages += 1;
    let slot = figures[0];
    let pair = "";
    let mode = "slide";
    let place = 50;
    let swapped = false;

    const view = make("div", "view");
    const readout = make("p", "readout");
    readout.setAttribute("aria-live", "polite");
    const chosen = make("select");
    const pairs = make("select");
    const range = make("input");
    Object.assign(range, { type: "range", min: "0", max: "100", value: "50" });
    const toggle = make("button");
    toggle.type = "button";
    const foot = make("div", "foot");
    const modes = make("fieldset", "modes", make("legend", "visually-hidden", t("How the two maps are compared")));
    for (const [name, text] of MODES) {
      const input = make("input");
      Object.assign(input, { type: "radio", name: `mode-${stages}`, value: name, checked: name === mode });
      input.addEventListener("change", () => {
        mode = name;
        show();
      });
      modes.append(make("label", "", input, text));
    }

    /** Bring what moves into its place: the divider, the share, or which of both is on top. */
    function settle() {
      const [first, second] = pair;
      stage.style.setProperty("--at", `${mode === "toggle" ? (swapped ? 100 : 0) : place}%`);
      range.value = String(place);
      range.setAttribute(
        "aria-valuetext",
        mode === "slide"
          ? t("{share}% of the width shows run {letter}", { share: place, letter: first })
          : t("{share}% run {letter}", { share: place, letter: second }),
      );
      toggle.textContent = t("Show run {letter}", { letter: swapped ? first : second });
      const over = /** @type {HTMLElement | null} */ (view.querySelector(".over"));
      if (over) {
        over.style.opacity = mode === "blend" ? String(1 - place / 100) : mode === "toggle" && swapped ? "0" : "1";
      }
      stage.dataset.shown = mode === "toggle" ? (swapped ? "second" : "first") : "both";
    }

    /** Put the chosen two maps on the stage in the chosen way. */
    async function show() {
      const [first, second] = pair;
      const under = layer(slot, second);
      const over = layer(slot, first);
      under.classList.add("under");
      over.classList.add("over");
      stage.dataset.mode = mode;
      view.style.aspectRatio = numbers(over.getAttribute("viewBox")).slice(2).join("/");
      const corners = [make("span", "letter first", first), make("span", "letter second", second)];
      const maps = [first, second].map((letter) => slot.querySelector(`[data-run="${letter}"] svg`));
      const text = slot.querySelector(`[data-pair="${pair}"]`)?.textContent?.trim() ?? "";
      readout.textContent = text;
      range.setAttribute("aria-label", mode === "slide" ? t("Place of the divider") : t("Share of run {letter}", { letter: second }));
      if (mode === "difference") {
        foot.replaceChildren(makeScale(first, second));
      } else {
        foot.replaceChildren(mode === "toggle" ? toggle : range);
      }
      if (mode !== "difference") {
        view.replaceChildren(under, over, ...corners, ...(mode === "slide" ? [make("span", "divider")] : []));
        settle();
        return;
      }
      over.querySelector(".heat")?.remove();
      if (!maps[0] || !maps[1]) {
        view.replaceChildren(over);
        readout.textContent = t("One of the two has no map, so there is no difference to show.");
        return;
      }
      const canvas = make("canvas", "tinted");
      view.replaceChildren(over, canvas);
      const here = [slot, pair];
      const [one, other] = await Promise.all(maps.map((map) => read(/** @type {SVGSVGElement} */ (map))));
      if (here[0] === slot && here[1] === pair) {
        drawDifference(canvas, one, other, numbers(over.getAttribute("viewBox")));
      }
    }

    /** @param {number} value From 0 to 100. */
    function move(value) {
      place = Math.round(Math.min(Math.max(value, 0), 100));
      settle();
    }

    /** @param {HTMLElement} figure */
    function choose(figure) {
      slot = figure;
      const known = /** @type {HTMLElement[]} */ ([...slot.querySelectorAll("[data-pair]")]).map((item) => item.dataset.pair ?? "");
      pairs.replaceChildren(...known.map((name) => new Option(t("{first} and {second}", { first: name[0], second: name[1] }), name)));
      pair = known.includes(pair) ? pair : known[0];
      pairs.value = pair;
      chosen.value = String(figures.indexOf(slot));
      for (const item of figures) {
        item.querySelector("button")?.setAttribute("aria-pressed", String(item === slot));
      }
      show();
    }

    range.addEventListener("input", () => move(Number(range.value)));
    toggle.addEventListener("click", () => {
      swapped = !swapped;
      settle();
    });
    chosen.addEventListener("change", () => choose(figures[Number(chosen.value)]));
    pairs.addEventListener("change", () => {
      pair = pairs.value;
      show();
    });
    /** @param {PointerEvent} event */
    const follow = (event) => {
      const { left, width } = view.getBoundingClientRect();
      move((100 * (event.clientX - left)) / width);
    };
    view.addEventListener("pointerdown", (event) => {
      if (event.button || mode === "difference") {
        return;
      }
      if (mode === "toggle") {
        swapped = !swapped;
        settle();
        return;
      }
      view.setPointerCapture(event.pointerId);
      follow(event);
    });
    view.addEventListener("pointermove", (event) => {
      if (view.hasPointerCapture(event.pointerId)) {
        follow(event);
      }
    });

    const choices = make("div", "choose");
    for (const [at, figure] of figures.entries()) {
      const text = [figure.dataset.title, figure.dataset.layers].filter(Boolean).join(", ");
      chosen.append(new Option(text, String(at)));
      const button = make("button", "", t("Look closer"));
      button.type = "button";
      button.append(make("span", "visually-hidden", ` ${text}`));
      button.addEventListener("click", () => {
        choose(figure);
        stage.scrollIntoView({ block: "nearest" });
      });
      figure.querySelector("figcaption")?.append(button);
    }
    choices.append(make("label", "", make("span", "", t("Maps")), chosen));
    if (slots.querySelector("[data-pair] .letter")) {
      choices.append(make("label", "", make("span", "", t("Runs")), pairs));
    }
    const stage = make("div", "stage", choices, view, modes, foot, readout);
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", t("Two maps compared closely"));
    const bench = make("div", "bench");
    slots.replaceWith(bench);
    bench.append(stage, slots);
    choose(slot);
  }

  /**
   * Put a filter above the table of all images.
   * @param {HTMLTableElement} table
   */
  function makeFilter(table) {
    /** @type {(text: string) => string} */
    const fold = (text) => text.normalize("NFKC").toLowerCase();
    const rows = [...table.tBodies[0].rows].map((row) => ({
      row,
      text: fold([...row.querySelectorAll("[data-match]")].map((part) => part.textContent?.trim()).join("\n")),
    }));
    const box = make("input");
    Object.assign(box, { type: "search", autocomplete: "off", spellcheck: false });
    const only = make("input");
    only.type = "checkbox";
    const output = make("output");
    const update = () => {
      const wanted = fold(box.value.trim());
      let shown = 0;
      for (const { row, text } of rows) {
        row.hidden = !text.includes(wanted) || (only.checked && !row.classList.contains("flip"));
        shown += Number(!row.hidden);
      }
      output.textContent = t("{shown} of {total} shown", { shown, total: rows.length });
    };
    box.addEventListener("input", update);
    only.addEventListener("change", update);
    // Browsers restore the state of controls after a reload.
    window.addEventListener("pageshow", update);
    table.before(
      make(
        "div",
        "sift",
        make("label", "", t("Filter by file or class"), box),
        make("label", "", only, t("flipped only")),
        output,
      ),
    );
    update();
  }

  const near = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
          near.unobserve(target);
          makeStage(/** @type {HTMLElement} */ (target));
        }
      }
    },
    { rootMargin: "600px" },
  );
  document.querySelectorAll("[data-stage]").forEach((slots) => near.observe(slots));
  /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table[data-versus]")).forEach(makeFilter);
})();
