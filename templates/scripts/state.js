/* Which images are shown and how, as the page's fragment has it: a link opens the same view again.
   Fragments that lead to a place on the page, or that others read, are left alone. */

/** @typedef {Record<string, string>} GlanceState By name of GLANCE_KEYS; "" where not chosen. */

const glanceState = (() => {
  "use strict";

  const KEYS = ["view", "sort", "q", "class", "truth", "right", "warning", "folder", "p", "chosen"];

  /**
   * @param {string} fragment Without the number sign.
   * @returns {GlanceState | null} Nothing where the fragment is not ours.
   */
  function parse(fragment) {
    const found = new URLSearchParams(fragment);
    return fragment.includes("=") && KEYS.some((key) => found.has(key))
      ? Object.fromEntries(KEYS.map((key) => [key, found.get(key) ?? ""]))
      : null;
  }

  const read = () => parse(location.hash.slice(1));

  /** @param {GlanceState} state */
  function write(state) {
    const chosen = KEYS.filter((key) => state[key]).map((key) => [key, state[key]]);
    const text = String(new URLSearchParams(chosen));
    if (text || read()) {
      try {
        history.replaceState(null, "", text ? `#${text}` : location.href.replace(/#.*/s, ""));
      } catch {
        // Some viewers of files give a page no history: the view changes, the address does not.
      }
    }
  }

  return { parse, read, write, empty: () => /** @type {GlanceState} */ (Object.fromEntries(KEYS.map((key) => [key, ""]))) };
})();
