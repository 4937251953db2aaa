/* Where the map is shown: zoom, pan, the divider and the place under the pointer. */

/**
 * @typedef {object} Stage
 * @property {HTMLElement} element
 * @property {(scene: Scene, wipe: number) => void} show
 * @property {(path: string, x?: number, y?: number) => void} mark Put a mark, and bring a point into sight.
 * @property {(factor: number) => void} zoom By a factor; 0 shows all.
 */

const viewerStage = (() => {
  "use strict";

  const MOST = 32;

  /** @type {(value: number, least: number, most: number) => number} */
  const within = (value, least, most) => Math.min(Math.max(value, least), most);

  /**
   * Make a stage.
   * @param {(x: number, y: number) => void} point Told of the place under the pointer, in pixels of the frame.
   * @param {(part: number) => void} wipe Told where the divider was dragged to, in per cent.
   * @returns {Stage}
   */
  function build(point, wipe) {
    const svg = "http://www.w3.org/2000/svg";
    const [canvas, drawing] = [make("canvas"), document.createElementNS(svg, "svg")];
    const [grid, under, outline, mark] = ["grid", "under", "outline", "mark"].map((name) => {
      const path = document.createElementNS(svg, "path");
      path.setAttribute("class", name);
      drawing.append(path);
      return path;
    });
    const divider = make("div", "divider");
    const plate = make("div", { className: "plate", ariaHidden: "true" }, canvas, drawing, divider);
    const stage = make("div", { className: "stage", tabIndex: 0, role: "application" }, plate);

    let zoom = 1;
    let [left, top] = [0, 0]; // of the plate's centre from the stage's, in pixels of the screen

    /** Put the plate where zoom and pan say. */
    function place() {
      const { clientWidth, clientHeight } = stage;
      const scale = zoom * Math.min(clientWidth / canvas.width, clientHeight / canvas.height);
      const [width, height] = [canvas.width * scale, canvas.height * scale];
      const [across, down] = [Math.max(0, width - clientWidth) / 2, Math.max(0, height - clientHeight) / 2];
      left = within(left, -across, across);
      top = within(top, -down, down);
      Object.assign(plate.style, {
        width: `${width}px`,
        height: `${height}px`,
        left: `${(clientWidth - width) / 2 + left}px`,
        top: `${(clientHeight - height) / 2 + top}px`,
        // At this size each pixel is to be seen.
        imageRendering: scale > 8 ? "pixelated" : "auto",
      });
      // A finger may still scroll what is around as long as all of the map is shown.
      stage.style.touchAction = zoom > 1 ? "none" : "pan-y";
    }

    /**
     * Zoom around a place of the screen, by default the middle.
     * @param {number} factor
     * @param {{ clientX: number, clientY: number }} [at]
     */
    function zoomAt(factor, at) {
      const box = stage.getBoundingClientRect();
      const [x, y] = at ? [at.clientX - box.left - box.width / 2, at.clientY - box.top - box.height / 2] : [0, 0];
      const before = zoom;
      zoom = within(zoom * factor, 1, MOST);
      left = x - ((x - left) * zoom) / before;
      top = y - ((y - top) * zoom) / before;
      place();
    }

    /** @type {Map<number, PointerEvent>} */
    const down = new Map();
    let wiping = false;

    /** @param {PointerEvent} event */
    function tell(event) {
      const box = plate.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width;
      if (wiping) {
        wipe(Math.round(100 * within(x, 0, 1)));
      } else {
        point(x * canvas.width, ((event.clientY - box.top) / box.height) * canvas.height);
      }
    }

    stage.addEventListener("pointerdown", (event) => {
      down.set(event.pointerId, event);
      wiping = event.target === divider;
      stage.setPointerCapture(event.pointerId);
      tell(event);
    });
    stage.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (before && !wiping) {
        down.set(event.pointerId, event);
        const other = [...down.values()].find((one) => one.pointerId !== event.pointerId);
        if (other) {
          const [now, then] = [event, before].map((one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1);
          zoomAt(now / then, other);
          return;
        }
        left += event.clientX - before.clientX;
        top += event.clientY - before.clientY;
        place();
      }
      tell(event);
    });
    stage.onpointerup = stage.onpointercancel = (event) => {
      down.delete(event.pointerId);
      wiping = false;
    };
    stage.addEventListener("dblclick", (event) => zoomAt(zoom > 1 ? 0 : 3, event));
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), event);
    });
    new ResizeObserver(place).observe(stage);

    return {
      element: stage,
      show({ frame: { width, height }, picture, ...scene }, part) {
        Object.assign(canvas, { width, height });
        canvas.getContext("2d", { willReadFrequently: true })?.putImageData(picture, 0, 0);
        drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
        grid.setAttribute("d", scene.grid);
        under.setAttribute("d", scene.outline);
        outline.setAttribute("d", scene.outline);
        divider.hidden = !part;
        divider.style.left = `${part}%`;
        place();
      },
      mark(path, x = 0, y = 0) {
        mark.setAttribute("d", path);
        const { width, height } = plate.getBoundingClientRect();
        const [dx, dy] = [(0.5 - x / canvas.width) * width, (0.5 - y / canvas.height) * height];
        left = within(left, dx - stage.clientWidth / 2, dx + stage.clientWidth / 2);
        top = within(top, dy - stage.clientHeight / 2, dy + stage.clientHeight / 2);
        place();
      },
      zoom: zoomAt,
    };
  }

  return { build };
})();
