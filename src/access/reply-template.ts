// Fills templates of replies (default_rbl_reply, smtpd_reject_footer) with what is known of a request. What comes from
// outside is put in as it is, never expanded, and only the characters of smtpd_expansion_filter pass.

import { toInternal } from '../address/form.ts';
import { expand, ExpansionError } from '../settings/expand.ts';
import type { Settings } from '../settings/settings.ts';
import { clientText, type MailRequest } from './mail-request.ts';

export class ReplyTemplates {
  readonly #allowed: ReadonlySet<string>;

  constructor(settings: Settings) {
    this.#allowed = new Set(unescapeOctal(settings.text('smtpd_expansion_filter')));
  }

  /** Throws ExpansionError for a template that is not well-formed or names what there is not. */
  fill(template: string, attribute: (name: string) => string | undefined): string {
    return expand(template, (name) => {
      const value = attribute(name);
      if (value === undefined) throw new ExpansionError(`unknown macro name "${name}" in expansion request`);
      const filtered = Array.from(value, (character) => (this.#allowed.has(character) ? character : '_')).join('');
      return filtered.replaceAll('$', '$$$$');
    });
  }
}

/** The attributes that every template may name; undefined for others. */
export function requestAttribute({ client, sender, recipient }: MailRequest, name: string): string | undefined {
  switch (name) {
    case 'client':
      return clientText(client);
    case 'client_address':
      return client.address ?? 'unknown';
    case 'client_name':
      return client.name ?? 'unknown';
    case 'reverse_client_name':
      return client.reverseName ?? client.name ?? 'unknown';
    case 'client_port':
      return `${client.port ?? 'unknown'}`;
    case 'server_address':
      return client.serverAddress ?? '';
    case 'server_port':
      return `${client.serverPort ?? ''}`;
    case 'helo_name':
      return client.helo ?? '';
    default:
      return addressPart(name, 'sender', sender) ?? addressPart(name, 'recipient', recipient);
  }
}

/** An address that is not known yet is empty, the null sender is `<>` (smtpd_expand(3)). */
function addressPart(name: string, prefix: string, address: string | undefined): string | undefined {
  if (address === undefined) return name === prefix || name.startsWith(`${prefix}_`) ? '' : undefined;
  const given = toInternal(address);
  const at = given.lastIndexOf('@');
  if (name === prefix) return given || '<>';
  if (name === `${prefix}_name`) return given === '' ? '<>' : at === -1 ? given : given.slice(0, at);
  if (name === `${prefix}_domain`) return at === -1 ? '' : given.slice(at + 1);
  return undefined;
}

/** `\t`, `\40` and `\\` as in C. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{1,3}|.)/g, (_, escaped: string) => {
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8));
    return escaped === 't' ? '\t' : escaped === 'n' ? '\n' : escaped === 'r' ? '\r' : escaped;
  });
}
