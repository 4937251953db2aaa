/* The arithmetic of maps: values over pixels, colours, outlines. Mirrors reportgen/overlay.py. */

/** @typedef {{ width: number, height: number, box: Box }} Frame What is drawn on, and where the map lies in it. */
/** @typedef {{ width: number, height: number, values: Float32Array }} Field */

const viewerMaps = (() => {
  "use strict";

  const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

  /**
   * Place the pixels of one axis between the cells of a map, as cv2.INTER_LINEAR does: centres on
   * centres, the outermost cells go on. Without smoothing, each pixel takes the nearest cell.
   * @param {number} cells
   * @param {number} pixels
   * @param {number} start Where the map begins, in pixels.
   * @param {number} extent
   * @param {boolean} smooth
   * @returns {[low: number, high: number, share: number][]} A share of NaN lies beside the map.
   */
  const axis = (cells, pixels, start, extent, smooth) => Array.from({ length: pixels }, (_, i) => {
    const place = ((i + 0.5 - start) * cells) / extent;
    const at = smooth ? Math.min(Math.max(place - 0.5, 0), cells - 1) : Math.floor(place);
    const low = Math.floor(at);
    return [low, Math.min(low + 1, cells - 1), place >= 0 && place < cells ? Math.fround(at - low) : NaN];
  });

  /**
   * Lay a map over a frame.
   * @param {Grey} map
   * @param {Frame} frame
   * @param {boolean} smooth
   * @returns {Float32Array} Levels from 0 to 255 with fractions; NaN beside the map.
   */
  function lay({ width: w, height: h, levels }, { width, height, box: [left, top, across, down] }, smooth) {
    const columns = axis(w, width, left, across, smooth);
    const values = new Float32Array(width * height);
    let i = 0;
    for (const [upper, lower, below] of axis(h, height, top, down, smooth)) {
      for (const [near, far, share] of columns) {
        // In this form a constant stays exactly constant; the truncation to 256 levels shows it.
        const [above, under] = [levels[upper * w + near], levels[lower * w + near]];
        const a = above + (levels[upper * w + far] - above) * share;
        const b = under + (levels[lower * w + far] - under) * share;
        values[i++] = a + (b - a) * below;
      }
    }
    return values;
  }

  /**
   * Colour values from 0 to 255, or of a difference from -255 to 255.
   * @param {Field} field
   * @param {Uint8ClampedArray} palette
   * @param {boolean} signed Whether it is a difference.
   * @param {(value: number, pixel: number) => boolean} shown
   * @returns {ImageData} Transparent where nothing is shown.
   */
  function colour({ width, height, values }, palette, signed, shown) {
    const heat = new ImageData(width, height);
    const [from, to] = [palette, heat.data].map(({ buffer }) => new Uint32Array(buffer));
    values.forEach((value, i) => {
      if (shown(value, i)) {
        to[i] = from[signed ? Math.round(127.5 + value / 2) : Math.trunc(value)];
      }
    });
    return heat;
  }

  /**
   * Blend heat with a photo. The array rounds half to even, as cv2.addWeighted does.
   * @param {ImageData} heat
   * @param {ImageData} photo
   * @param {number} alpha Share of the heat.
   * @returns {ImageData}
   */
  function blend(heat, photo, alpha) {
    const out = new ImageData(new Uint8ClampedArray(photo.data), photo.width);
    heat.data.forEach((value, i) => {
      if (heat.data[i | 3]) {
        out.data[i] = Math.fround(alpha * value + (1 - alpha) * photo.data[i]);
      }
    });
    return out;
  }

  /**
   * Join directed pieces of outlines end to end.
   * @param {number[][][]} pieces Their two points.
   * @returns {string} Path data.
   */
  function join(pieces) {
    /** @type {Map<string, string[]>} */
    const next = new Map();
    for (const piece of pieces) {
      const [from, to] = piece.map(([x, y]) => `${+x.toFixed(2)} ${+y.toFixed(2)}`);
      next.set(from, [...(next.get(from) ?? []), to]);
    }
    let path = "";
    for (const [first, ends] of next) {
      while (ends.length) {
        path += `M${first}`;
        for (let at = ends.pop(); at && at !== first; at = next.get(at)?.pop()) {
          path += `L${at}`;
        }
        path += "Z";
      }
    }
    return path;
  }

  /**
   * Return where a smooth field reaches a level, by marching squares between pixel centres.
   * Outlines run around what is above and are closed along the edges.
   * @param {Field} field
   * @param {number} level
   * @returns {string} Path data, in pixels.
   */
  function contour({ width, height, values }, level) {
    /** @type {(x: number, y: number) => number} */
    const at = (x, y) => {
      const value = x < 0 || x >= width ? NaN : Math.abs(values[y * width + x]);
      return value >= 0 ? value : -Infinity;
    };
    const pieces = [];
    for (let y = -1; y < height; y++) {
      for (let x = -1; x < width; x++) {
        const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
        if (corners.filter((value) => value >= level).length % 4) {
          const points = corners.flatMap((from, side) => {
            const after = (side + 1) % 4;
            const to = corners[after];
            const [[ax, ay], [bx, by]] = [CORNERS[side], CORNERS[after]];
            const part = Number.isFinite(from + to) ? (level - from) / (to - from) : 0.5;
            return from >= level === to >= level ? [] : [[x + 0.5 + ax + (bx - ax) * part, y + 0.5 + ay + (by - ay) * part, +(from >= level)]];
          });
          // Where two corners across are above, the middle says whether they are one.
          const middle = corners.reduce((sum, value) => sum + value) / 4 >= level;
          const start = points.length > 2 && middle !== corners[0] >= level ? 3 : 0;
          for (let i = start; i < start + points.length; i += 2) {
            const ends = [points[i % 4], points[(i + 1) % 4]];
            pieces.push(ends[0][2] ? ends : ends.reverse());
          }
        }
      }
    }
    return join(pieces);
  }

  /**
   * Return the edges between cells at or above a level and the others.
   * @param {Field} field
   * @param {number} level
   * @param {Box} box Where the cells lie.
   * @returns {string} Path data.
   */
  function outline({ width, height, values }, level, [left, top, across, down]) {
    /** @type {(x: number, y: number) => boolean} */
    const above = (x, y) => x >= 0 && x < width && Math.abs(values[y * width + x]) >= level;
    /** @type {number[][][]} */
    const pieces = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        CORNERS.forEach(([ax, ay], side) => {
          const [bx, by] = CORNERS[(side + 1) % 4];
          if (above(x, y) && !above(x + by - ay, y + ax - bx)) {
            pieces.push([[ax, ay], [bx, by]].map(([dx, dy]) => [left + ((x + dx) * across) / width, top + ((y + dy) * down) / height]));
          }
        });
      }
    }
    return join(pieces);
  }

  return { blend, colour, contour, lay, outline };
})();
