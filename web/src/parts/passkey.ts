// Passkeys as the browser makes them: whether it can here, and what went wrong in words for people.

import { startRegistration } from '@simplewebauthn/browser';

type Options = Parameters<typeof startRegistration>[0]['optionsJSON'];
export type NewPasskey = Awaited<ReturnType<typeof startRegistration>>;

/** Browsers make them for names only, not for addresses, and over HTTPS or on localhost (Web Authentication §5.1.3). */
export function canMakePasskeys(): boolean {
  const isAddress = /^[\d.]+$|^\[/.test(location.hostname);
  return window.isSecureContext && !isAddress && typeof window.PublicKeyCredential === 'function';
}

/** Undefined where whoever sits there has not wanted to, or waited too long: browsers do not tell which. */
export async function makePasskey(options: unknown): Promise<NewPasskey | undefined> {
  try {
    return await startRegistration({ optionsJSON: options as Options });
  } catch (error) {
    const { name, cause } = error as { readonly name?: string; readonly cause?: { readonly name?: string } };
    if (name === 'NotAllowedError' || name === 'AbortError' || cause?.name === 'NotAllowedError') return undefined;
    throw error;
  }
}
