/* Parts of what is shown of an image. */

const glanceDraw = (() => {
  "use strict";

  /**
   * Draw what stands for an image.
   * @param {ImageRow} row
   */
  const picture = (row) => (row.cell
    ? /** @type {Element} */ (row.cell.querySelector("img, svg")?.cloneNode(true))
    : indexParts.picture(row));

  /** @param {number} fraction */
  function bar(fraction) {
    const drawn = make("span", "bar");
    drawn.style.setProperty("--p", `${fraction || 0}`);
    return drawn;
  }

  /** @param {ImageRow} row */
  function mark({ right }) {
    return right === null ? "" : make(
      "span",
      `mark ${right ? "right" : "wrong"}`,
      right ? t("✓ right") : t("✗ wrong"),
    );
  }

  /**
   * Make the box that chooses an image to be compared.
   * @param {ImageRow} row
   */
  function pick({ number, values }) {
    const label = t("Compare {file}", { file: values.file });
    const box = make("input", { type: "checkbox", name: "chosen", value: `${number}`, title: label, autocomplete: "off" });
    box.ariaLabel = label;
    return make("label", "pick", box);
  }

  /** @param {string} text */
  const isolated = (text) => make("bdi", { textContent: text });

  return { picture, bar, mark, pick, isolated };
})();
