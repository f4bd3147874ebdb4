// Logging in to another server (RFC 4954): the mechanisms that it offers and the rules allow, the AUTH dialogue, and what a
// failure means, in the words of smtp(8). Passwords stand in no reason and in no log line.

import type { ServerReply } from '../reply.ts';
import { type Credentials, SaslError } from './exchange.ts';
import { chooseMechanism, type ClientMechanism } from './mechanism.ts';

export interface SaslRules {
  /** smtp_sasl_mechanism_filter. Throws TemporaryError. */
  isUsable(mechanism: string): Promise<boolean>;
  /** smtp_sasl_security_options, and its variants under TLS and under TLS with a verified certificate. */
  isSafe(mechanism: ClientMechanism, protection: Protection): boolean;
  /** smtp_sasl_auth_soft_bounce. */
  readonly softBounce: boolean;
}

export type Protection = 'none' | 'tls' | 'verified';

/** How the session talks to the server. */
export interface AuthDialogue {
  /** `host[ip]`. */
  readonly label: string;
  command(line: string): Promise<ServerReply>;
  warn(text: string): void;
}

export type LoginResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly status: string; readonly reason: string; readonly diagnostic?: string };

/** A command line with its end (RFC 4954 §4: AUTH too keeps to it). */
const maxCommandLength = 510;
/** No mechanism needs more; a server that goes on asking is broken. */
const maxChallenges = 10;

/** `offer` is what stands behind AUTH in the EHLO reply. Throws TemporaryError. */
export async function logIn(
  dialogue: AuthDialogue,
  offer: string,
  credentials: Credentials,
  protection: Protection,
  rules: SaslRules,
): Promise<LoginResult> {
  const usable = await usableMechanisms(dialogue, offer, rules);
  if (usable.length === 0) {
    const reason =
      'SASL authentication failed: ' +
      `server ${dialogue.label} offered no compatible authentication mechanisms for this type of connection security`;
    return { kind: 'failed', status: '4.7.0', reason };
  }
  const mechanism = chooseMechanism(usable, (one) => rules.isSafe(one, protection));
  if (!mechanism) return cannot(dialogue, 'no mechanism available');
  return exchange(dialogue, mechanism, credentials, rules);
}

async function usableMechanisms(dialogue: AuthDialogue, offer: string, rules: SaslRules): Promise<string[]> {
  const offered = [
    ...new Set(
      offer
        .toUpperCase()
        .split(/[\s=]+/)
        .filter((word) => word !== ''),
    ),
  ];
  const usable: string[] = [];
  for (const name of offered.slice(0, 50)) if (await rules.isUsable(name)) usable.push(name);
  if (usable.length === 0) {
    const { label } = dialogue;
    const text =
      offered.length > 0 ? `offered no supported AUTH mechanisms: '${offer}'` : 'offered null AUTH mechanism list';
    dialogue.warn(`${label} ${text}`);
  }
  return usable;
}

async function exchange(
  dialogue: AuthDialogue,
  mechanism: ClientMechanism,
  credentials: Credentials,
  rules: SaslRules,
): Promise<LoginResult> {
  const steps = mechanism.start(credentials);
  const secrets = [credentials.password];
  const first = steps.first();
  const whole = `AUTH ${mechanism.name} ${first?.toString('base64') || '='}`;
  const fits = first !== undefined && whole.length <= maxCommandLength;
  let pending = fits ? undefined : first;
  if (first) secrets.push(first.toString('base64'));
  let reply = await dialogue.command(fits ? whole : `AUTH ${mechanism.name}`);
  try {
    for (let count = 0; reply.code >= 300 && reply.code < 400; count++) {
      if (count === maxChallenges) throw new SaslError('too many challenges');
      const answer = pending ?? (await steps.next(Buffer.from(reply.lines.at(-1) ?? '', 'base64')));
      pending = undefined;
      secrets.push(answer.toString('base64'));
      reply = await dialogue.command(answer.toString('base64'));
    }
    if (reply.code < 300 && !steps.isComplete)
      throw new SaslError('the server did not show that it knows the password');
  } catch (error) {
    if (!(error instanceof SaslError)) throw error;
    return cannot(dialogue, error.message);
  }
  if (reply.code < 300) return { kind: 'done' };
  const text = withoutSecrets(reply.text, secrets);
  const wanted = rules.softBounce ? '4' : reply.status.charAt(0);
  return {
    kind: 'failed',
    status: `${wanted}${reply.status.slice(1)}`,
    reason: `SASL authentication failed; server ${dialogue.label} said: ${text}`,
    diagnostic: text,
  };
}

/** Some servers repeat what they did not understand, and replies go into the log and into notices. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .reduce((rest, secret) => rest.replaceAll(secret, '\u2026'), text);
}

function cannot(dialogue: AuthDialogue, why: string): LoginResult {
  const reason = `SASL authentication failed; cannot authenticate to server ${dialogue.label}: ${why}`;
  return { kind: 'failed', status: '4.7.0', reason };
}
