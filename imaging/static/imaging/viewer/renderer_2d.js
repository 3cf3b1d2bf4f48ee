// Draws a picture's values without a GPU, as renderer_gl.js does with one: only as many as the window has pixels.

import { levelAt } from "./renderer_gl.js";

const OPAQUE = 0xff000000;
const SLOW = 12; // ms, for a whole drawing: more, and what moves is drawn in fewer pixels
const STILL = 120; // ms without a change, and it is drawn whole
const COARSER = 2;

export class PlainRenderer {
  constructor(canvas) {
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.ratio = 1;
    this.took = 0;
  }

  draw(picture, view, tone, lens) {
    clearTimeout(this.later);
    const isMoving = performance.now() - this.drawnAt < STILL;
    this.#draw(picture, view, tone, lens, this.took > SLOW && isMoving ? COARSER : 1);
    this.drawnAt = performance.now();
    if (this.isCoarse) this.later = setTimeout(() => this.#draw(picture, view, tone, lens, 1), STILL);
  }

  #draw(picture, view, tone, lens, coarser) {
    const { context } = this;
    const { width, height } = context.canvas;
    const greys = this.#greys(picture, tone);
    const middle = [width / 2, height / 2];
    const began = performance.now();
    this.isCoarse = coarser > 1;
    if (this.isCoarse) {
      const [across, down] = [Math.ceil(width / coarser), Math.ceil(height / coarser)];
      const glass = new OffscreenCanvas(across, down);
      glass.getContext("2d").putImageData(drawn(picture, view, greys, [(across * coarser) / 2, (down * coarser) / 2], across, down, 1 / coarser), 0, 0);
      context.clearRect(0, 0, width, height);
      context.drawImage(glass, 0, 0, across * coarser, down * coarser);
    } else {
      context.putImageData(drawn(picture, view, greys, middle, width, height, 1), 0, 0);
      this.took = performance.now() - began;
    }
    if (lens) this.#drawLens(picture, view, greys, lens);
  }

  forget() {}

  // The grey of every value: made anew when the window changes, and not for every pixel.
  #greys(picture, { low, high, isInverted }) {
    const key = [picture.histogram.length, low, high, isInverted].join();
    if (this.key !== key) {
      this.key = key;
      this.table = new Uint32Array(picture.histogram.length);
      for (let value = 0; value < this.table.length; value += 1) {
        const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
        const grey = Math.round(255 * (isInverted ? 1 - share : share));
        this.table[value] = (OPAQUE | (grey << 16) | (grey << 8) | grey) >>> 0;
      }
    }
    return this.table;
  }

  #drawLens(picture, view, greys, { place, under, radius, stronger }) {
    const { context } = this;
    const side = 2 * radius;
    const [left, top] = place.map((value) => Math.round(value - radius));
    const glass = new OffscreenCanvas(side, side);
    glass.getContext("2d").putImageData(drawn(picture, view, greys, under, side, side, stronger), 0, 0);
    context.save();
    context.beginPath();
    context.arc(...place, radius, 0, 2 * Math.PI);
    context.clip();
    context.clearRect(left, top, side, side);
    context.drawImage(glass, left, top);
    context.restore();
  }
}

// What lies around a point of the window, magnified.
function drawn(picture, view, greys, middle, width, height, stronger) {
  const level = picture.levels[levelAt(picture, view.scale * stronger)];
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const shrunk = [level.width / picture.size[0], level.height / picture.size[1]];
  const [a, b, c, d] = view.toPictureBy(stronger);
  const [stepX, stepY, downX, downY] = [a * shrunk[0], c * shrunk[1], b * shrunk[0], d * shrunk[1]];
  const [middleX, middleY] = view.toPicture(middle);
  for (let y = 0, to = 0; y < height; y += 1) {
    const down = y + 0.5 - height / 2;
    let atX = middleX * shrunk[0] + downX * down - stepX * (width / 2 - 0.5);
    let atY = middleY * shrunk[1] + downY * down - stepY * (width / 2 - 0.5);
    for (let x = 0; x < width; x += 1, to += 1, atX += stepX, atY += stepY) {
      if (atX >= 0 && atY >= 0 && atX < level.width && atY < level.height) pixels[to] = greys[smoothValue(level, atX - 0.5, atY - 0.5)];
    }
  }
  return image;
}

function smoothValue({ width, height, values }, x, y) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const x0 = left < 0 ? 0 : left;
  const x1 = left + 1 < width ? left + 1 : left;
  const above = (top < 0 ? 0 : top) * width;
  const below = (top + 1 < height ? top + 1 : top) * width;
  const across = x - left;
  const high = values[above + x0] + (values[above + x1] - values[above + x0]) * across;
  const low = values[below + x0] + (values[below + x1] - values[below + x0]) * across;
  return Math.round(high + (low - high) * (y - top));
}
