/* The maps of a grid on the original photo too, drawn when a reader asks for them. */
(() => {
  "use strict";

  /**
   * Draw one map on the photo that another one is drawn on.
   * @param {Element} example
   * @param {HTMLElement} panel
   * @returns {HTMLElement}
   */
  function draw(example, panel) {
    const { map = "", method = "", layer = "" } = panel.dataset;
    const drawing = /** @type {Element} */ (example.cloneNode(true));
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    use.setAttribute("href", `#${map}`);
    use.setAttribute("opacity", document.body.dataset.alpha ?? "");
    [...drawing.querySelectorAll("use, image")].pop()?.replaceWith(use);
    const text = t("{method} at {layer}, on the original photo", { method, layer });
    drawing.ariaLabel = text;
    return make("figure", {}, drawing, make("figcaption", {}, make("span", "layer", layer), ` ${method}`));
  }

  for (const target of document.querySelectorAll(".target")) {
    const example = target.querySelector(".original svg");
    const panels = /** @type {NodeListOf<HTMLElement>} */ (target.querySelectorAll(".grids .panel[data-map]"));
    if (!example || !panels.length) {
      continue;
    }
    const layers = make("div", "layers");
    const details = make("details", "originals", make("summary", {}, t("The same maps on the original photo")), layers);
    details.addEventListener("toggle", () => layers.append(...[...panels].map((panel) => draw(example, panel))), { once: true });
    target.querySelector(".grids")?.append(details);
  }
})();
