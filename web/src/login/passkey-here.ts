// Whether this browser can use passkeys on this page, and whether one has been used in it: only then is the browser asked
// to offer them by itself, so that those who have none make the server load nothing for them.

const storageKey = 'posthaste.passkey';

/** For names only, not for addresses, and over HTTPS or on localhost (Web Authentication §5.1.3). */
export function canUsePasskeys(): boolean {
  const isAddress = /^[\d.]+$|^\[/.test(location.hostname);
  return window.isSecureContext && !isAddress && typeof window.PublicKeyCredential === 'function';
}

export function hasPasskeyHere(): boolean {
  return localStorage.getItem(storageKey) !== null;
}

export function rememberPasskey(): void {
  localStorage.setItem(storageKey, 'used');
}
