/* Controls with their labels. */

const viewerControls = (() => {
  "use strict";

  /**
   * @param {string} text
   * @param {() => void} onclick
   * @param {string} [ariaLabel] Where the text is only a sign.
   * @returns {HTMLButtonElement}
   */
  const button = (text, onclick, ariaLabel = text) => makeButton(text, onclick, { ariaLabel, title: ariaLabel });

  /**
   * @param {string} text
   * @param {string} name Of what it changes.
   * @param {"range" | "checkbox"} type
   * @returns {HTMLElement} The control in its label.
   */
  const field = (text, name, type) => make("label", {}, text, make("input", { name, type }));

  /**
   * @param {string} text
   * @param {string} name Of what it changes.
   * @returns {HTMLSelectElement} In its label.
   */
  function choice(text, name) {
    const select = make("select", { name });
    make("label", {}, text, select);
    return select;
  }

  return { button, choice, field };
})();
