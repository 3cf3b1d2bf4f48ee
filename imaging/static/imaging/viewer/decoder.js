// A worker: pictures → their values, at every size a screen may want. Browsers decode a 16-bit picture to 8 bits, so
// those are decoded here.
"use strict";

const SMALLEST = 256; // px; of the sizes that are kept
const STRIP = 256; // rows that are read from a canvas at a time: it holds four bytes a pixel

self.addEventListener("message", async ({ data: { key, bitmap, url } }) => {
  try {
    const picture = described(bitmap ? readBitmap(bitmap) : await readPng(url));
    self.postMessage({ key, picture }, picture.levels.map((level) => level.values.buffer));
  } catch (error) {
    self.postMessage({ key, error: String(error) });
  }
});

function described({ about = {}, ...level }) {
  const counts = new Uint32Array(1 << 16);
  for (const value of level.values) counts[value] += 1;
  const histogram = counts.slice(0, counts.findLastIndex((count) => count > 0) + 1);
  const levels = [level];
  while (Math.min(levels.at(-1).width, levels.at(-1).height) >= 2 * SMALLEST) levels.push(halved(levels.at(-1)));
  return { size: [level.width, level.height], levels, histogram, ...about };
}

function halved({ width, height, values }) {
  const half = { width: width >> 1, height: height >> 1 };
  half.values = new values.constructor(half.width * half.height);
  for (let y = 0, to = 0; y < half.height; y += 1) {
    for (let x = 0, from = 2 * y * width; x < half.width; x += 1, from += 2, to += 1) {
      half.values[to] = (values[from] + values[from + 1] + values[from + width] + values[from + width + 1] + 2) >> 2;
    }
  }
  return half;
}

function readBitmap(bitmap) {
  const { width, height } = bitmap;
  const values = new Uint8Array(width * height);
  const context = new OffscreenCanvas(width, Math.min(height, STRIP)).getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += STRIP) {
    context.drawImage(bitmap, 0, -top);
    const rows = Math.min(STRIP, height - top);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let from = 0, to = top * width; from < data.length; from += 4, to += 1) values[to] = data[from];
  }
  bitmap.close();
  return { width, height, values };
}

// -- PNG of 16-bit grey, not interlaced, as the door writes it (ISO/IEC 15948) ------------------------------------------

const BYTES = 2; // a pixel

async function readPng(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const file = new DataView(await response.arrayBuffer());
  const width = file.getUint32(16);
  const height = file.getUint32(20);
  if (file.getUint16(24) !== 0x1000 || file.getUint8(28)) throw new Error("not 16-bit grey");
  const rows = new Rows(width, height);
  const inflated = new Blob(compressed(file)).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  for (let step = await inflated.read(); !step.done; step = await inflated.read()) rows.take(step.value);
  if (rows.y !== height) throw new Error("cut off");
  return { width, height, values: rows.values, about: told(file) };
}

const compressed = (file) => [...chunks(file)].filter(({ kind }) => kind === "IDAT").map(({ body }) => body);

// What the door wrote of the values: the window that the canonical picture shows, and what the numbers mean.
function told(file) {
  const words = [...chunks(file)].filter(({ kind }) => kind === "tEXt").map(({ body }) => new TextDecoder().decode(body).split("\0"));
  return JSON.parse(new Map(words).get("tone"));
}

function* chunks(file) {
  for (let at = 8; at + 8 <= file.byteLength; at += file.getUint32(at) + 12) {
    const kind = String.fromCharCode(...new Uint8Array(file.buffer, at + 4, 4));
    yield { kind, body: new Uint8Array(file.buffer, at + 8, file.getUint32(at)) };
  }
}

class Rows {
  constructor(width, height) {
    this.values = new Uint16Array(width * height);
    this.height = height;
    this.y = 0;
    this.row = new Uint8Array(1 + width * BYTES); // its filter, then its bytes
    this.above = new Uint8Array(1 + width * BYTES);
    this.filled = 0;
  }

  take(bytes) {
    for (let at = 0; at < bytes.length && this.y < this.height; ) {
      const piece = bytes.subarray(at, at + this.row.length - this.filled);
      this.row.set(piece, this.filled);
      this.filled += piece.length;
      at += piece.length;
      if (this.filled === this.row.length) this.#finish();
    }
  }

  #finish() {
    const { row, above, values } = this;
    unfilter[row[0]](row, above);
    const width = (row.length - 1) / BYTES;
    for (let x = 1, to = this.y * width; x < row.length; x += BYTES, to += 1) values[to] = (row[x] << 8) | row[x + 1];
    [this.row, this.above] = [above, row];
    this.y += 1;
    this.filled = 0;
  }
}

const left = (row, x) => (x > BYTES ? row[x - BYTES] : 0);

const unfilter = [
  () => {},
  (row) => {
    for (let x = 1 + BYTES; x < row.length; x += 1) row[x] += row[x - BYTES];
  },
  (row, above) => {
    for (let x = 1; x < row.length; x += 1) row[x] += above[x];
  },
  (row, above) => {
    for (let x = 1; x < row.length; x += 1) row[x] += (left(row, x) + above[x]) >> 1;
  },
  (row, above) => {
    for (let x = 1; x < row.length; x += 1) row[x] += nearest(left(row, x), above[x], left(above, x));
  },
];

function nearest(a, b, c) { // Paeth's predictor
  const fromA = Math.abs(b - c);
  const fromB = Math.abs(a - c);
  const fromC = Math.abs(a + b - 2 * c);
  if (fromA <= fromB && fromA <= fromC) return a;
  return fromB <= fromC ? b : c;
}
