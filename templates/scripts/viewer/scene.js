/* One map as the reader wants to see it: photo, heat, outline, and what is said about them. */

/**
 * @typedef {object} Look What the reader has chosen; kept while the page is open.
 * @property {number} opacity Per cent.
 * @property {number} wipe Per cent of the width, from the left, that shows the photo alone.
 * @property {string} colours
 * @property {string} scale
 * @property {string} other Id of the map that is taken away, or nothing.
 * @property {number} threshold Per cent of the scale's end; 0 is none.
 * @property {boolean} only Whether what is below the threshold is left out.
 * @property {boolean} cells Whether each cell is shown as it is.
 * @property {boolean} grid
 * @property {boolean} whole Whether the whole photo is shown.
 */
/**
 * @typedef {object} Source What there is to draw from.
 * @property {Panel} panel
 * @property {Grey} map
 * @property {Panel | undefined} other
 * @property {Grey | undefined} less
 * @property {ImageBitmap} photo
 * @property {Box} box Where the view lies in the photo.
 * @property {ImageBitmap | undefined} view Where it is a picture of its own.
 */
/**
 * @typedef {object} Scene
 * @property {Frame} frame
 * @property {ImageData} photo
 * @property {ImageData} heat
 * @property {ImageData} picture Both blended.
 * @property {string} outline
 * @property {string} grid
 * @property {number} low The value at the lower end of the colours.
 * @property {number} high
 * @property {ImageData} bar The colours.
 * @property {() => string[]} caption What a picture needs to be understood: the title and sentences.
 */

const viewerScene = (() => {
  "use strict";

  const LARGEST = 1024;

  /**
   * Return the numbers of a data attribute.
   * @param {string} [text]
   * @returns {number[]}
   */
  const numbers = (text = "") => text.split(" ").map(Number);

  /**
   * Load what a panel is drawn from.
   * @param {Panel} panel
   * @param {Panel} [other] Taken away from it.
   * @returns {Promise<Source>}
   */
  async function load(panel, other) {
    const number = panel.id.split("-")[1];
    const [photo, own] = ["photo", "view"].map((name) => document.getElementById(`${name}-${number}`));
    return {
      panel,
      map: await viewerPixels.grey(panel),
      other,
      less: other && (await viewerPixels.grey(other)),
      photo: await viewerPixels.decode(photo),
      box: /** @type {Box} */ (numbers(panel.article.dataset.box)),
      view: own ? await viewerPixels.decode(own) : undefined,
    };
  }

  /**
   * Return what is drawn on.
   * @param {Source} source
   * @param {boolean} whole
   * @param {number} factor
   * @returns {Frame}
   */
  function frameOf({ panel, photo, box }, whole, factor) {
    if (whole) {
      const at = /** @type {Box} */ (box.map((value) => value * factor));
      return { width: photo.width * factor, height: photo.height * factor, box: at };
    }
    const sides = numbers(panel.article.dataset.view);
    const [width, height] = sides.map((side) => Math.round(side * factor * Math.min(1, LARGEST / Math.max(...sides))));
    return { width, height, box: [0, 0, width, height] };
  }

  /**
   * Return the values to colour, from 0 or -255 to 255, and those at the ends of the colours.
   * @param {Source} source
   * @param {Look} look
   * @param {Frame} frame
   * @returns {{ values: Float32Array, low: number, high: number }}
   */
  function measure({ panel, map, other, less }, { scale, cells }, frame) {
    const values = viewerMaps.lay(map, frame, !cells);
    let high = viewerPanels.limit(panel, scale);
    if (!other || !less) {
      return { values: values.map((value) => (value * panel.peak) / high), low: 0, high };
    }
    const taken = viewerMaps.lay(less, frame, !cells);
    const raw = values.map((value, i) => (value * panel.peak - taken[i] * other.peak) / 255);
    high = scale === "own"
      ? raw.reduce((most, value) => Math.max(most, Math.abs(value) || 0), 0) || 1
      : Math.max(high, viewerPanels.limit(other, scale));
    return { values: raw.map((value) => (value * 255) / high), low: -high, high };
  }

  /**
   * Return the lines between the columns and rows of a box.
   * @param {number} columns
   * @param {number} rows
   * @param {Box} box
   * @returns {string} Path data.
   */
  function lines(columns, rows, [left, top, across, down]) {
    let path = "";
    for (let i = 0; i <= columns; i++) {
      path += `M${left + (i * across) / columns} ${top}v${down}`;
    }
    for (let i = 0; i <= rows; i++) {
      path += `M${left} ${top + (i * down) / rows}h${across}`;
    }
    return path;
  }

  /**
   * Draw.
   * @param {Source} source
   * @param {Look} look
   * @param {number} [factor] How many pixels for each of the view.
   * @returns {Scene}
   */
  function compose(source, look, factor = 1) {
    const { map, photo, view, panel, box: crop } = source;
    const frame = frameOf(source, look.whole, factor);
    const { width, height, box } = frame;
    const { values, low, high } = measure(source, look, frame);
    const field = { width, height, values };
    const colours = low ? "difference" : look.colours;
    const palette = new Uint8ClampedArray(/** @type {Uint8ClampedArray} */ (viewerPixels.palettes.get(colours)));
    const level = look.threshold * 2.55;
    const heat = viewerMaps.colour(field, palette, low < 0, (value, i) =>
      Math.abs(value) >= (look.only ? level : 0) && i % width >= (look.wipe / 100) * width);
    let outline = "";
    if (level && look.cells && !low) {
      const cells = Float32Array.from(map.levels, (value) => (value * panel.peak) / high);
      outline = viewerMaps.outline({ ...map, values: cells }, level, box);
    } else if (level) {
      outline = look.cells ? viewerMaps.outline(field, level, [0, 0, width, height]) : viewerMaps.contour(field, level);
    }
    const ground = look.whole || view ? viewerPixels.read(view && !look.whole ? view : photo, undefined, width, height) : viewerPixels.read(photo, crop, width, height);
    return {
      frame,
      photo: ground,
      heat,
      picture: viewerMaps.blend(heat, ground, look.opacity / 100),
      outline,
      grid: (look.grid ? lines(map.width, map.height, box) : "") + (look.whole ? lines(1, 1, box) : ""),
      low,
      high,
      bar: new ImageData(palette, 256),
      caption: () => describe(source, look, low, high, colours, values),
    };
  }

  /**
   * Describe a scene.
   * @param {Source} source
   * @param {Look} look
   * @param {number} low
   * @param {number} high
   * @param {string} name Of the colours.
   * @param {Float32Array} values
   * @returns {string[]}
   */
  function describe({ panel, map: { width, height }, other }, { opacity, cells, threshold }, low, high, name, values) {
    const seen = values.filter((value) => value >= -255);
    const area = (100 * seen.filter((value) => Math.abs(value) >= threshold * 2.55).length) / seen.length;
    const { short, title } = viewerPanels;
    const { model = "", weights = "" } = document.body.dataset;
    const [first, from, to, { file }] = [title(panel), short(low), short(high), panel];
    return [
      other ? t("{first} less {second}", { first, second: title(other) }) : first,
      t("{file}; network {model}, {weights}.", { file, model, weights }),
      other
        ? t("Peaks {first} and {second}.", { first: short(panel.peak), second: short(other.peak) })
        : t("Peak {peak}.", { peak: short(panel.peak) }),
      t("Colours ({name}) from {from} to {to}, opacity {opacity}%.", { name, from, to, opacity }),
      cells
        ? t("{width}×{height} cells, each as it is.", { width, height })
        : t("{width}×{height} cells, interpolated.", { width, height }),
      ...(threshold ? [t("Outline at {threshold}% of {to}: {area}% of the view.", { threshold, to, area: area.toFixed(1) })] : []),
    ];
  }

  return { compose, load };
})();
