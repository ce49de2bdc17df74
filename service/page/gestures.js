// Mouse, touch and keys on a map.
//
// A map must not catch whoever scrolls past it: a single finger moves the page up and down, the wheel does, too,
// until the map was clicked. Enlarged, the map has all of them to itself.

const KEY_PIXELS = 40;

/** `on` has `drag(dx, dy)`, `magnify(factor, x, y)`, `point(x, y)` or `point(null)`, `home()`, `keyed()`. */
export function gestures(canvas, on) {
  const fingers = new Map();
  let spread = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, place(event));
    spread = null;
    canvas.setPointerCapture(event.pointerId);
    on.point(...place(event));
  });
  canvas.addEventListener('pointermove', (event) => {
    const now = place(event);
    const before = fingers.get(event.pointerId);
    if (before) {
      fingers.set(event.pointerId, now);
      if (fingers.size === 1) on.drag(now[0] - before[0], now[1] - before[1]);
      else pinch();
    }
    if (fingers.size < 2) on.point(...now);
  });
  const up = (event) => {
    fingers.delete(event.pointerId);
    spread = null;
  };
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointercancel', up);
  canvas.addEventListener('pointerleave', (event) => {
    if (event.pointerType === 'mouse') on.point(null);
  });

  function pinch() {
    const [a, b] = [...fingers.values()];
    const now = { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, far: Math.hypot(a[0] - b[0], a[1] - b[1]) };
    if (spread) {
      on.drag(now.x - spread.x, now.y - spread.y);
      if (spread.far > 0 && now.far > 0) on.magnify(now.far / spread.far, now.x, now.y);
    }
    spread = now;
  }

  // Two fingers belong to the map, whichever way they go.
  canvas.addEventListener(
    'touchmove',
    (event) => {
      if (event.touches.length > 1) event.preventDefault();
    },
    { passive: false },
  );
  canvas.addEventListener(
    'wheel',
    (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      on.magnify(Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) / 250), ...place(event));
    },
    { passive: false },
  );
  canvas.addEventListener('dblclick', (event) => on.magnify(event.shiftKey ? 0.5 : 2, ...place(event)));

  canvas.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const box = canvas.getBoundingClientRect();
    const middle = [box.width / 2, box.height / 2];
    const acts = {
      ArrowLeft: () => on.drag(KEY_PIXELS, 0),
      ArrowRight: () => on.drag(-KEY_PIXELS, 0),
      ArrowUp: () => on.drag(0, KEY_PIXELS),
      ArrowDown: () => on.drag(0, -KEY_PIXELS),
      '+': () => on.magnify(1.5, ...middle),
      '=': () => on.magnify(1.5, ...middle),
      '-': () => on.magnify(1 / 1.5, ...middle),
      0: () => on.home(),
      Home: () => on.home(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
    on.keyed();
  });
}
