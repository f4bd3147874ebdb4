// The words of SCRAM (RFC 5802 §7, RFC 7677): what a client says, taken apart; what is not exactly such a word is
// undefined. The names of attributes stand in their fixed order, and an extension that is mandatory (`m=`) is refused.

import { toBytes } from './encoding.ts';
import { toText } from './sasl.ts';

export interface ClientFirst {
  /** `n`: no channel binding; `y`: the client could, and believes that we cannot; `p`: the named type is used. */
  readonly binding: 'n' | 'y' | 'p';
  readonly bindingType: string;
  /** '' where the client acts for itself. */
  readonly authzid: string;
  readonly login: string;
  readonly nonce: string;
  /** As it came: repeated in the last message. */
  readonly gs2Header: string;
  readonly bare: string;
}

export interface ClientFinal {
  readonly channelBinding: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  readonly withoutProof: string;
}

/** Printable ASCII but the comma (RFC 5802 §7). */
const noncePattern = /^[\u0021-\u002b\u002d-\u007e]{1,256}$/;

export function parseClientFirst(message: Buffer): ClientFirst | undefined {
  const text = toText(message);
  const match = text === undefined ? null : /^((?:(n|y)|p=([A-Za-z0-9.-]{1,64})),(?:a=([^,]*))?,)(.*)$/s.exec(text);
  if (match === null) return undefined;
  const [, gs2Header = '', flag, bindingType = '', authzid = '', bare = ''] = match;
  const words = /^n=([^,]*),r=([^,]*)(?:,[A-Za-z]=[^,]*)*$/s.exec(bare);
  const login = saslName(words?.[1] ?? '');
  const actsFor = saslName(authzid);
  const nonce = words?.[2] ?? '';
  if (login === undefined || login === '' || actsFor === undefined || !noncePattern.test(nonce)) return undefined;
  return { binding: (flag as 'n' | 'y') ?? 'p', bindingType, authzid: actsFor, login, nonce, gs2Header, bare };
}

export function parseClientFinal(message: Buffer): ClientFinal | undefined {
  const match = /^(c=([^,]+),r=([^,]+)(?:,[A-Za-z]=[^,]*)*),p=([^,]+)$/s.exec(message.toString('latin1'));
  const channelBinding = toBytes(match?.[2] ?? '-', 'base64');
  const proof = toBytes(match?.[4] ?? '-', 'base64');
  if (match === null || channelBinding === undefined || proof === undefined) return undefined;
  return { channelBinding, nonce: match[3] ?? '', proof, withoutProof: match[1] ?? '' };
}

/** `=2C` is a comma and `=3D` an equals sign; any other use of `=`, and NUL, are no name (RFC 5802 §5.1). */
function saslName(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text) || text.includes('\0')) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}
