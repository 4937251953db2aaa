/* The channel under the pointer, or where the arrow keys lead, named below its mosaic. */
(() => {
  "use strict";

  /**
   * @typedef {object} Mosaic
   * @property {number} columns
   * @property {[number, number]} tile Width and height of one tile, in pixels of the picture.
   * @property {number} gap Pixels between two tiles, and around them all.
   * @property {[number, number]} size Of the whole picture.
   * @property {number} count
   * @property {number[] | null} order Channel of every tile; null where a tile is its channel.
   * @property {[string, (number | null)[]][]} weights By target; by channel number.
   */

  /**
   * Write a number with three significant digits and a true minus sign.
   * @param {number | null} value
   * @returns {string}
   */
  function signed(value) {
    if (value === null) {
      return t("not finite");
    }
    const size = Math.abs(value);
    const text = size !== 0 && (size < 1e-3 || size >= 1e5)
      ? size.toExponential(1).replace(/e([+-])(\d)$/, "e$10$2")
      : String(Number(size.toPrecision(3)));
    return (value < 0 ? "−" : value > 0 ? "+" : "") + text;
  }

  /**
   * Say what a tile holds.
   * @param {Mosaic} mosaic
   * @param {number} tile
   * @returns {string}
   */
  function describe(mosaic, tile) {
    const channel = mosaic.order ? mosaic.order[tile] : tile;
    if (!mosaic.weights.length) {
      return t("channel {channel}", { channel });
    }
    const weights = mosaic.weights.map(([target, values]) =>
      t("{weight} for {target}", { weight: signed(values[channel]), target }),
    );
    return t("channel {channel}, Grad-CAM weight {weights}", {
      channel,
      weights: weights.join(", "),
    });
  }

  /**
   * Return the tile that lies under a point, or -1.
   * @param {Mosaic} mosaic
   * @param {number} x Fraction of the picture's width.
   * @param {number} y Fraction of its height.
   * @returns {number}
   */
  function tileAt(mosaic, x, y) {
    const { columns, tile: [width, height], gap, size, count } = mosaic;
    const column = Math.floor((x * size[0] - gap / 2) / (width + gap));
    const row = Math.floor((y * size[1] - gap / 2) / (height + gap));
    // The half gap at the edge belongs to the outermost tile.
    const tile = Math.max(row, 0) * columns + Math.min(Math.max(column, 0), columns - 1);
    return tile < count ? tile : -1;
  }

  /**
   * Put the outline around one tile.
   * @param {HTMLElement} cell
   * @param {Mosaic} mosaic
   * @param {number} tile
   */
  function place(cell, mosaic, tile) {
    const { columns, tile: [width, height], gap, size } = mosaic;
    /** @param {number} length @param {number} whole */
    const part = (length, whole) => `${(100 * length) / whole}%`;
    Object.assign(cell.style, {
      left: part(gap + (tile % columns) * (width + gap), size[0]),
      top: part(gap + Math.floor(tile / columns) * (height + gap), size[1]),
      width: part(width, size[0]),
      height: part(height, size[1]),
    });
  }

  /**
   * Return the tile that a key leads to.
   * @param {string} key
   * @param {number} tile
   * @param {Mosaic} mosaic
   * @returns {number | undefined} Nothing for any other key.
   */
  function next(key, tile, mosaic) {
    /** @type {Record<string, number>} */
    const steps = {
      ArrowLeft: tile - 1,
      ArrowRight: tile + 1,
      ArrowUp: tile - mosaic.columns,
      ArrowDown: tile + mosaic.columns,
      Home: 0,
      End: mosaic.count - 1,
    };
    if (!Object.hasOwn(steps, key)) {
      return undefined;
    }
    const wanted = steps[key];
    return wanted >= 0 && wanted < mosaic.count ? wanted : tile;
  }

  /**
   * Make a mosaic answer to pointer and keys.
   * @param {HTMLElement} tiles
   */
  function makeReadable(tiles) {
    /** @type {Mosaic} */
    const mosaic = JSON.parse(tiles.dataset.mosaic ?? "");
    const cell = make("span", { className: "cell", hidden: true });
    const readout = make("output", "readout quiet", t("Point at a tile, or move with the arrow keys."));
    let current = -1;

    /** @param {number} tile */
    const show = (tile) => {
      if (tile < 0 || tile === current) {
        return;
      }
      current = tile;
      const text = describe(mosaic, tile);
      place(cell, mosaic, tile);
      Object.assign(cell, { hidden: false, title: text });
      readout.classList.remove("quiet");
      readout.textContent = text;
    };
    /** @param {PointerEvent} event */
    const point = (event) => {
      const box = tiles.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width;
      show(tileAt(mosaic, x, (event.clientY - box.top) / box.height));
    };
    tiles.addEventListener("pointermove", point);
    tiles.addEventListener("pointerdown", point);
    tiles.addEventListener("focus", () => show(Math.max(current, 0)));
    tiles.addEventListener("keydown", (event) => {
      const tile = next(event.key, current, mosaic);
      if (tile !== undefined && !isHeld(event)) {
        event.preventDefault();
        show(tile);
      }
    });

    Object.assign(tiles, { tabIndex: 0, role: "group", ariaLabel: t("Channels; the arrow keys move from one to the next") });
    tiles.append(cell);
    tiles.parentElement?.append(readout);
  }

  for (const tiles of document.querySelectorAll("[data-mosaic]")) {
    makeReadable(/** @type {HTMLElement} */ (tiles));
  }
})();
