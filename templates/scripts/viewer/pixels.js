/* Pictures of the page as pixels, without loss: no colour management, no transparency. */

/** @typedef {[left: number, top: number, width: number, height: number]} Box */
/** @typedef {{ width: number, height: number, levels: Uint8Array }} Grey One level per cell. */

const viewerPixels = (() => {
  "use strict";

  /** @type {Promise<unknown> | undefined} */
  let carried;

  /**
   * Load, once, the script that carries the pictures of a page whose pictures are files: a page
   * from disk may show those, but not read them.
   * @param {string} src
   */
  const carry = (src) => (carried ??= new Promise((resolve) => {
    document.head.append(make("script", { src, onload: resolve, onerror: resolve }));
  }));

  /**
   * Decode a picture. Fails where there is none.
   * @param {Element | null} element That shows it.
   * @returns {Promise<ImageBitmap>}
   */
  async function decode(element) {
    const href = element?.getAttribute("href") ?? element?.getAttribute("src") ?? "";
    const { pictures } = document.body.dataset;
    if (pictures && !href.startsWith("data:")) {
      await carry(pictures);
    }
    const page = /** @type {{ reportgenPictures?: Record<string, string> }} */ (window);
    const image = new Image();
    image.src = page.reportgenPictures?.[href] ?? href;
    await image.decode();
    return createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  }

  /**
   * Make a canvas whose pixels are read.
   * @param {number} width
   * @param {number} height
   * @returns {CanvasRenderingContext2D}
   */
  function paper(width, height) {
    const canvas = make("canvas", { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    context.imageSmoothingQuality = "high";
    return context;
  }

  /**
   * Return a part of a picture at a given size. Fails where the page may not read the picture.
   * @param {ImageBitmap} picture
   * @param {Box} [box]
   * @param {number} [width]
   * @param {number} [height]
   * @returns {ImageData}
   */
  function read(picture, box = [0, 0, picture.width, picture.height], width = box[2], height = box[3]) {
    const context = paper(width, height);
    context.drawImage(picture, ...box, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  /**
   * Return a raw map's levels.
   * @param {Panel} panel
   * @returns {Promise<Grey>}
   */
  async function grey({ id }) {
    const { width, height, data } = read(await decode(document.getElementById(id)));
    return { width, height, levels: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]) };
  }

  /** @type {Map<string, Uint8ClampedArray>} By name; 256 colours of four bytes. */
  const palettes = new Map();

  /** Fill the palettes. */
  async function mix() {
    const sheet = document.getElementById("palettes");
    const { data } = read(await decode(sheet));
    sheet?.dataset.names?.split(" ").forEach((name, row) => palettes.set(name, data.slice(1024 * row, 1024 * row + 1024)));
  }

  return { decode, grey, mix, palettes, paper, read };
})();
