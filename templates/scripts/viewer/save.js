/* A scene as a file: a picture with its caption underneath, on white, as paper is. */

const viewerSave = (() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const FONT = "Helvetica, Arial, 'Noto Sans', sans-serif";

  /**
   * Break a text into lines; words that are too long are broken too.
   * @param {string} text
   * @param {(line: string) => boolean} fits
   * @returns {string[]}
   */
  function wrap(text, fits) {
    const lines = [""];
    for (const word of text.match(/\S+\s*/g) ?? []) {
      if (!fits(lines[0] + word.trimEnd()) && lines[0]) {
        lines.unshift("");
      }
      for (const part of fits(word.trimEnd()) ? [word] : word) {
        if (!fits(lines[0] + part.trimEnd())) {
          lines.unshift("");
        }
        lines[0] += part;
      }
    }
    return lines.reverse();
  }

  /**
   * Write a scene and its caption as SVG; texts only ever become text.
   * @param {Scene} scene
   * @param {number} [opacity] Of the heat; without one, all pictures are left out.
   * @returns {{ text: string, width: number, height: number, bar: Box }}
   */
  function svg({ frame: { width, height }, photo, heat, bar, grid, outline, low, high, caption }, opacity) {
    const [title, ...sentences] = caption();
    const page = document.implementation.createDocument(SVG, "svg");
    const root = page.documentElement;
    /** @type {(tag: string, attributes: Record<string, string | number>, text?: string) => void} */
    const add = (tag, attributes, text = "") => {
      const element = page.createElementNS(SVG, tag);
      Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, String(value)));
      // XML has no place for control characters.
      element.textContent = text.replace(/[\p{Cc}\p{Cn}\p{Cs}]/gu, " ");
      root.append(element);
    };
    /** @type {(pixels: ImageData, box: Box, opacity?: number, type?: string) => void} */
    const image = (pixels, [x, y, w, h], share = 1, type = "image/png") => {
      if (opacity !== undefined) {
        const context = viewerPixels.paper(pixels.width, pixels.height);
        context.putImageData(pixels, 0, 0);
        add("image", { href: context.canvas.toDataURL(type, 0.95), x, y, width: w, height: h, opacity: share, preserveAspectRatio: "none" });
      }
    };
    image(photo, [0, 0, width, height], 1, "image/jpeg");
    image(heat, [0, 0, width, height], opacity);
    for (const [d, share] of /** @type {const} */ ([[grid, 0.5], [outline, 1]])) {
      add("path", { d, fill: "none", stroke: "#fff", opacity: share, "stroke-width": 4 });
      add("path", { d, fill: "none", stroke: "#000", opacity: share, "stroke-width": 2 });
    }

    const size = Math.max(15, Math.round(width / 44));
    const context = viewerPixels.paper(1, 1);
    let y = height;
    /** @type {(text: string, x: number, weight?: string) => void} */
    const write = (text, x, weight = "normal") => {
      context.font = `${weight} ${size}px ${FONT}`;
      for (const part of wrap(text, (line) => context.measureText(line).width <= width - x - size)) {
        y += 1.4 * size;
        add("text", { x, y, "font-family": FONT, "font-size": size, "font-weight": weight }, part.trimEnd());
      }
    };
    write(viewerPanels.short(low), size);
    /** @type {Box} */
    const at = [5 * size, y - 0.8 * size, 0.4 * width, size];
    image(bar, at);
    y = height;
    write(viewerPanels.short(high), 5.5 * size + at[2]);
    y += size / 2;
    write(title, size, "bold");
    write(sentences.join(" "), size);
    const total = Math.ceil(y + size);
    const attributes = { viewBox: `0 0 ${width} ${total}`, width, height: total, style: opacity === undefined ? "" : "background:#fff" };
    Object.entries(attributes).forEach(([name, value]) => root.setAttribute(name, String(value)));
    return { text: new XMLSerializer().serializeToString(page), width, height: total, bar: at };
  }

  /**
   * Draw a scene and its caption.
   * @param {Scene} scene
   * @returns {Promise<Blob | null>}
   */
  async function png(scene) {
    const { text, width, height, bar } = svg(scene);
    const context = viewerPixels.paper(width, height);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.putImageData(scene.picture, 0, 0);
    context.drawImage(await createImageBitmap(scene.bar), ...bar);
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
    await image.decode();
    context.drawImage(image, 0, 0);
    return new Promise((resolve) => context.canvas.toBlob(resolve));
  }

  /**
   * Hand a scene to the reader, at least three pixels for each of the view.
   * @param {Source} source
   * @param {Look} look
   * @param {"png" | "svg"} kind
   */
  async function save(source, look, kind) {
    const { file, method, target, layer } = source.panel;
    const { frame, low, high, caption } = viewerScene.compose(source, look); // as the reader sees them
    const scene = { ...viewerScene.compose(source, look, Math.max(3, Math.ceil(600 / frame.width))), low, high, caption };
    const blob = kind === "png" ? await png(scene) : new Blob([svg(scene, look.opacity / 100).text], { type: "image/svg+xml" });
    // Names that nobody has checked: letters, digits, dots and lines are left of them.
    const name = [file.replace(/^.*\//, "").replace(/\.\w+\W*$/, ""), method, target, layer].map((part) =>
      part.replace(/[^\p{L}\p{N}.]+/gu, "-").slice(0, 30).replace(/^[-.]+|[-.]+$/g, ""));
    giveFile(`${name.join("-")}.${kind}`, /** @type {Blob} */ (blob));
  }

  return { save };
})();
