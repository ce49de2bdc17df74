// One stop of the Tab key for a list of links; arrow keys move inside.

export function roving(list, selector) {
  const links = () => [...list.querySelectorAll(selector)];
  let current = null;

  function refresh() {
    const all = links();
    if (!all.includes(current)) [current] = all;
    for (const link of all) link.tabIndex = link === current ? 0 : -1;
  }

  list.addEventListener('keydown', (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
  });
  list.addEventListener('focusin', (event) => {
    const link = event.target.closest(selector);
    if (!link) return;
    current = link;
    refresh();
  });
  return { refresh };
}
