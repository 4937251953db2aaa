/* A long list of which only the lines in sight are on the page; on an index alone. */

const slidingRows = (() => {
  "use strict";

  const SPARE = 2; // lines on either side that are drawn before they come into sight

  /**
   * Show elements by making those in sight, between two fillers that stand for the others.
   * @param {HTMLElement} scroller Of a height that does not depend on what is in it.
   * @param {HTMLElement} list
   * @param {(row: ImageRow) => HTMLElement} make
   * @param {(element: HTMLElement, at: number, count: number) => void} place Tell which it is.
   * @param {() => HTMLElement} makeFiller
   * @returns {Surface}
   */
  function sliding(scroller, list, make, place, makeFiller) {
    /** @type {ImageRow[]} */
    let rows = [];
    /** @type {Map<ImageRow, HTMLElement>} In the order they stand in. */
    let drawn = new Map();
    let columns = 0;
    let height = 0; // of a line and the gap after it
    let gap = 0;
    const [above, below] = [makeFiller(), makeFiller()];
    list.replaceChildren(above, below);

    /**
     * Put exactly these on the page. Those that stay are not made anew, and not touched where their
     * order is the same, so that they keep the focus.
     * @param {number} from
     * @param {number} to
     */
    function put(from, to) {
      const wanted = rows.slice(from, to);
      const staying = new Set(wanted);
      for (const [row, element] of drawn) {
        if (!staying.has(row)) {
          if (element.contains(document.activeElement)) {
            scroller.focus({ preventScroll: true });
          }
          element.remove();
        }
      }
      const before = drawn;
      drawn = new Map();
      /** @type {Element} */
      let last = above;
      wanted.forEach((row, at) => {
        const element = before.get(row) ?? make(row);
        place(element, from + at, rows.length);
        if (last.nextElementSibling !== element) {
          last.after(element);
        }
        drawn.set(row, element);
        last = element;
      });
    }

    /** Learn how large things are, from one line of them. */
    function measure() {
      const { gridTemplateColumns, rowGap } = getComputedStyle(list);
      columns = gridTemplateColumns === "none" ? 1 : gridTemplateColumns.split(" ").length;
      gap = parseFloat(rowGap) || 0;
      if (!drawn.size) {
        put(0, columns);
      }
      height = (drawn.values().next().value?.getBoundingClientRect().height ?? 0) + gap;
    }

    /**
     * @param {HTMLElement} filler
     * @param {number} size
     */
    function fill(filler, size) {
      filler.hidden = size <= 0;
      filler.style.height = `${size}px`;
    }

    /** @param {number} [focused] A line that has to be drawn with its neighbours. */
    function draw(focused) {
      if (!scroller.clientHeight || !rows.length) {
        put(0, 0);
        fill(above, 0);
        fill(below, 0);
        return;
      }
      if (!height) {
        measure();
      }
      const lines = Math.ceil(rows.length / columns);
      const top = Math.floor(scroller.scrollTop / height);
      const bottom = top + Math.ceil(scroller.clientHeight / height);
      const first = Math.max(0, Math.min(top, lines - 1, focused ?? top) - SPARE);
      const end = Math.min(lines, Math.max(bottom, focused ?? bottom) + SPARE);
      put(first * columns, end * columns);
      fill(above, first * height - gap);
      fill(below, (lines - end) * height - gap);
    }

    scroller.addEventListener("scroll", () => draw(), { passive: true });
    // The next element to be focused has to be there before the scrolling that brings it.
    list.addEventListener("focusin", ({ target }) => {
      const at = [...drawn.values()].findIndex((element) => element.contains(/** @type {Node} */ (target)));
      draw(Math.floor((rows.indexOf([...drawn.keys()][0]) + at) / columns));
    });
    new ResizeObserver(() => {
      height = 0;
      draw();
    }).observe(scroller);
    return {
      show(wanted) {
        rows = wanted;
        scroller.scrollTop = 0;
        draw();
      },
    };
  }

  return sliding;
})();
