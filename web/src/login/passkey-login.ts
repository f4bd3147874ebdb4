// Logging in with a passkey: from a button, or offered by the browser where the login is typed (Web Authentication §5.1.4.1,
// conditional mediation). Fetched when somebody needs it.

import { browserSupportsWebAuthnAutofill, startAuthentication, WebAuthnAbortService } from '@simplewebauthn/browser';
import { call } from '../api.ts';
import type { Session } from '../session.tsx';

type Options = Parameters<typeof startAuthentication>[0]['optionsJSON'];

/** While the button is pressed: a browser has one ceremony at a time, and what is only offered must not end the one that was asked for. */
let isPressed = false;

/** Undefined where whoever sits there has not wanted to, or waited too long: browsers do not tell which. */
export async function logInWithPasskey(useBrowserAutofill: boolean): Promise<Session | undefined> {
  if (!useBrowserAutofill) isPressed = true;
  try {
    const options = (await call('session.passkey-options', {})) as unknown;
    if (useBrowserAutofill && isPressed) return undefined;
    const response = await startAuthentication({ optionsJSON: options as Options, useBrowserAutofill });
    return await call('session.passkey', { response });
  } catch (error) {
    const { name, cause } = error as { readonly name?: string; readonly cause?: { readonly name?: string } };
    if (name === 'NotAllowedError' || name === 'AbortError' || cause?.name === 'NotAllowedError') return undefined;
    throw error;
  } finally {
    if (!useBrowserAutofill) isPressed = false;
  }
}

export async function canOffer(): Promise<boolean> {
  return await browserSupportsWebAuthnAutofill();
}

/** The browser offers it no longer. */
export function stopOffering(): void {
  WebAuthnAbortService.cancelCeremony();
}
