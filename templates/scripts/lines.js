/* Rows of the table and places of the contact sheet, made here: an index has them as data alone. */

const indexParts = (() => {
  "use strict";

  const { bar, mark, isolated } = glanceDraw;
  const SVG = "http://www.w3.org/2000/svg";

  /**
   * @param {string} tag
   * @param {Record<string, string>} attributes
   * @param {...Node} children
   */
  function makeSvg(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) {
      element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  /**
   * @param {string} href
   * @param {number[]} box
   * @param {Record<string, string>} attributes
   */
  function makeImage(href, [x, y, width, height], attributes) {
    const place = { x: `${x}`, y: `${y}`, width: `${width}`, height: `${height}` };
    return makeSvg("image", { href, ...place, preserveAspectRatio: "none", ...attributes });
  }

  /**
   * Draw what stands for an image: a file, or a map laid over a photo.
   * @param {ImageRow} row
   */
  function picture({ thumbnail }) {
    const label = t("Leading map");
    if (typeof thumbnail === "string") {
      return make("img", { src: thumbnail, alt: label, loading: "lazy", decoding: "async" });
    }
    const [photo, place, box, map, look] = /** @type {Exclude<Thumbnail, string>} */ (thumbnail);
    const heat = { opacity: document.body.dataset.alpha ?? "1", class: look };
    return makeSvg(
      "svg",
      { viewBox: box.join(" "), role: "img", "aria-label": label },
      makeImage(photo, place, {}),
      ...(map ? [makeImage(map, box, heat)] : []),
    );
  }

  /** @param {ImageRow} row */
  const base = ({ folder, values }) => `${values.file}`.slice(folder.length);

  /**
   * @param {ImageRow} row
   * @param {boolean} labelled
   */
  function line(row, labelled) {
    const { values, folder, choices } = row;
    const name = make("bdi", "file", make("span", "folder", folder), base(row));
    const others = make("div", {});
    choices.slice(1).forEach(([category, chance], at) => {
      others.append(at ? ", " : "", isolated(category), ` ${imageRows.percent(chance)}`);
    });
    return make(
      "tr",
      {},
      make("td", "thumb", picture(row)),
      make("th", { scope: "row" }, make("a", { href: row.href }, name)),
      make("td", {}, isolated(`${values.class}`)),
      ...(labelled ? [make("td", {}, ...(values.truth
        ? [isolated(`${values.truth}`), " ", mark(row)]
        : [make("span", "quiet", t("no label"))]))] : []),
      make("td", {}, imageRows.written(row, "p"), bar(Number(values.p))),
      make("td", {}, others),
      ...[...imageRows.MEASURES, "warnings"].map((key) => make("td", {}, imageRows.written(row, key))),
    );
  }

  /** @param {ImageRow} row */
  function cell(row) {
    const chance = make("span", {}, imageRows.written(row, "p"), " ", mark(row));
    return make(
      "li",
      {},
      make("a", { href: row.href }, picture(row), isolated(base(row))),
      make("p", {}, isolated(`${row.values.class}`), " ", chance),
    );
  }

  /**
   * Make what shows images that the page does not have as elements.
   * @param {HTMLElement} sheet
   * @param {HTMLTableElement} table
   * @param {<E extends HTMLElement>(element: E, row: ImageRow) => E} pickable
   * @returns {Surface[]}
   */
  function surfaces(sheet, table, pickable) {
    const labelled = table.classList.contains("labelled");
    return [
      slidingRows(
        /** @type {HTMLElement} */ (sheet.parentElement),
        sheet,
        (row) => pickable(cell(row), row),
        (element, at, length) => Object.assign(element, { ariaSetSize: `${length}`, ariaPosInSet: `${at + 1}` }),
        () => make("li", { className: "filler", ariaHidden: "true" }),
      ),
      slidingRows(
        /** @type {HTMLElement} */ (table.parentElement),
        table.tBodies[0],
        (row) => pickable(line(row, labelled), row),
        (element, at) => Object.assign(element, { ariaRowIndex: `${at + 2}` }),
        () => make("tr", { className: "filler", ariaHidden: "true" }),
      ),
    ];
  }

  return { picture, surfaces };
})();
