// Pictures by way of the worker (decoder.js): { size, levels: [{ width, height, values }], histogram }, the largest level first; the histogram ends with the brightest value.

let worker = null;
let lastKey = 0;
const waiting = new Map();

function ask(message, transferred = []) {
  if (!worker) {
    worker = new Worker(document.querySelector("[data-film]").dataset.decoder);
    worker.addEventListener("message", ({ data: { key, picture, error } }) => {
      const { resolve, reject } = waiting.get(key);
      waiting.delete(key);
      if (error) reject(new Error(error));
      else resolve(picture);
    });
  }
  const key = (lastKey += 1);
  return new Promise((resolve, reject) => {
    waiting.set(key, { resolve, reject });
    worker.postMessage({ key, ...message }, transferred);
  });
}

// Of an <img>: what has come to show is not asked for twice.
export async function ofImage(image) {
  await image.decode();
  const bitmap = await createImageBitmap(image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  return ask({ bitmap }, [bitmap]);
}

export function ofAddress(address) {
  const image = new Image();
  image.src = address;
  return ofImage(image);
}

// Of a 16-bit picture.
export const ofDeep = (address) => ask({ url: new URL(address, document.baseURI).href });
