// Mouse, pen and fingers → gestures, in CSS pixels from the corner of the element.
//
// begin(point, { button, type }) may return false, and then nothing follows; drag(distance, point); end();
// pinch(factor, middle, distance) with two fingers; wheel(factor, point); hover(point or null) without a button.

const WHEEL = 0.0015;
const PINCH_ON_A_PAD = 0.01; // browsers tell it as a wheel with Ctrl
const LINE = 16; // px, where a wheel counts in lines

export function follow(element, { begin, drag, end, pinch, wheel, hover }) {
  const down = new Map();
  let isDragging = false;

  const place = (event) => {
    const { left, top } = element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };
  const middle = ([[x, y], [u, v]]) => [(x + u) / 2, (y + v) / 2];
  const apart = ([[x, y], [u, v]]) => Math.hypot(x - u, y - v) || 1;
  const stop = () => {
    if (isDragging) end();
    isDragging = false;
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, a, select, input")) return;
    element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    if (down.size > 1) stop();
    else isDragging = begin(place(event), { button: event.button, type: event.pointerType }) !== false;
  });

  element.addEventListener("pointermove", (event) => {
    const now = place(event);
    if (!down.has(event.pointerId)) {
      if (event.pointerType === "mouse") hover(now);
      return;
    }
    const before = [...down.values()];
    down.set(event.pointerId, now);
    if (down.size === 2) {
      const [from, to] = [before, [...down.values()]];
      const [[x, y], [u, v]] = [middle(from), middle(to)];
      pinch(apart(to) / apart(from), [u, v], [u - x, v - y]);
    } else if (isDragging) {
      drag([now[0] - before[0][0], now[1] - before[0][1]], now);
    }
  });

  for (const over of ["pointerup", "pointercancel"]) {
    element.addEventListener(over, (event) => {
      down.delete(event.pointerId);
      if (!down.size) stop();
    });
  }
  element.addEventListener("pointerleave", () => hover(null));
  element.addEventListener("contextmenu", (event) => event.preventDefault());

  // Two fingers are ours also where one of them scrolls the page.
  element.addEventListener("touchstart", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });

  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    wheel(Math.exp(-turned * (event.ctrlKey ? PINCH_ON_A_PAD : WHEEL)), place(event));
  }, { passive: false });
}
