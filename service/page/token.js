// The token that says who asks. It comes with the link that the service prints (`#token=...`) or is typed once, lives
// as long as the tab, and never stays in the address, where it would end up in histories and screenshots.

const KEY = 'skyscan-token';

/** Takes it out of the address, if it is there. */
export function fromAddress() {
  const found = /^#token=([^&]+)(?:&(.*))?$/.exec(location.hash);
  if (!found) return;
  let token = found[1];
  try {
    token = decodeURIComponent(token);
  } catch {
    // A stray percent sign: it is what it is.
  }
  keep(token);
  history.replaceState(null, '', `${location.pathname}${location.search}#${found[2] ?? '/'}`);
}

export function keep(token) {
  sessionStorage.setItem(KEY, token.trim());
}

export const token = () => sessionStorage.getItem(KEY);

export const forget = () => sessionStorage.removeItem(KEY);
