/* The maps of the page: what each one is, and which others it is compared with. */

/**
 * @typedef {object} Panel One map that the page shows.
 * @property {HTMLElement} figure
 * @property {HTMLElement} article Of its image.
 * @property {HTMLElement | null} section Of its target.
 * @property {string} id
 * @property {string} file
 * @property {string} target
 * @property {string} method
 * @property {string} layer
 * @property {number} peak Raw maximum.
 */

const viewerPanels = (() => {
  "use strict";

  /**
   * Keep a name's own direction from the text around it.
   * @param {string} [name]
   * @returns {string}
   */
  const isolate = (name = "") => (/[\u0590-\u08ff\u200e-\u206f\ufb1d-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name);

  const figures = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("article .panel[data-map]"));
  /** @type {Panel[]} */
  const all = [...figures].map((figure) => {
    const { map: id = "", method = "", layer, peak } = figure.dataset;
    const section = /** @type {HTMLElement | null} */ (figure.closest("[data-target]"));
    const article = /** @type {HTMLElement} */ (figure.closest("article"));
    const [file, target] = [isolate(article.dataset.name), isolate(section?.dataset.target)];
    return { figure, article, section, id, file, target, method, layer: isolate(layer), peak: Number(peak) };
  });

  /**
   * Return what a map is, in words.
   * @param {Panel} panel
   * @returns {string}
   */
  const title = ({ method, target, layer }) => t("{method} for {target} at {layer}", { method, target, layer });

  /**
   * Write a number with three significant digits, as the page does.
   * @param {number} value
   * @returns {string}
   */
  function short(value) {
    const size = Math.abs(value);
    const digits = size >= 100 ? size.toFixed() : size >= 1e-3 ? size.toPrecision(3) : size.toExponential(1).replace(/-(?=.$)/, "-0");
    return (value < 0 ? "−" : "") + (size ? digits : 0);
  }

  /** @type {Record<string, (a: Panel, b: Panel) => boolean>} */
  const together = {
    own: (a, b) => a === b,
    layers: (a, b) => a.section === b.section && a.method === b.method,
    targets: (a, b) => a.article === b.article && together.images(a, b),
    images: (a, b) => a.method === b.method && a.layer === b.layer,
  };

  /**
   * Return the largest peak among the maps that share a scale with one.
   * @param {Panel} panel
   * @param {string} scale
   * @returns {number}
   */
  const limit = (panel, scale) => Math.max(...all.map((other) => (together[scale](panel, other) ? other.peak : 0)));

  /**
   * Return the next map of the same target, or the previous one.
   * @param {Panel} panel
   * @param {number} step
   * @returns {Panel | undefined}
   */
  const beside = (panel, step) => [all[all.indexOf(panel) + step]].find((other) => other?.section === panel.section);

  /**
   * Return the same map of the next image that has one, or of the previous one.
   * @param {Panel} panel
   * @param {number} step
   * @returns {Panel | undefined}
   */
  function along(panel, step) {
    const articles = [...new Set(all.map(({ article }) => article))];
    const article = articles[articles.indexOf(panel.article) + step];
    const others = all.filter((other) => other.article === article);
    const place = panel.id.replace(/^\D+\d+/, "");
    return others.find((other) => together.images(panel, other) && other.id.endsWith(place))
      ?? others.find((other) => together.images(panel, other)) ?? others[0];
  }

  return { all, along, beside, isolate, limit, short, title };
})();
