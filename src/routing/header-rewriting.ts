// Rewrites the addresses in header fields (Postfix cleanup(8), ADDRESS_REWRITING_README): standard form, canonical maps
// and masquerading, in the fields that name senders and recipients. A field in which no address changes keeps its octets,
// folding included; one that changes is printed anew, comments, phrases and groups kept, as many addresses on a line as
// fit. Virtual aliases never touch headers.

import { isAscii, isUtf8 } from 'node:buffer';
import { toExternal, toInternal } from '../address/form.ts';
import { standardExternalForm, type StandardFormRules } from '../address/standard-form.ts';
import { parseAddresses, printAddressLines, printTokens, scanTokens, type Token } from '../address/tokens.ts';
import { decideAtOneRevision } from './decision.ts';
import type { Router } from './router.ts';

/** Fields with addresses, as cleanup(8) classes them. */
const sides: ReadonlyMap<string, 'header_sender' | 'header_recipient'> = new Map([
  ['disposition-notification-to', 'header_sender'],
  ['errors-to', 'header_sender'],
  ['from', 'header_sender'],
  ['mail-followup-to', 'header_sender'],
  ['reply-to', 'header_sender'],
  ['resent-from', 'header_sender'],
  ['resent-sender', 'header_sender'],
  ['return-path', 'header_sender'],
  ['return-receipt-to', 'header_sender'],
  ['sender', 'header_sender'],
  ['apparently-to', 'header_recipient'],
  ['bcc', 'header_recipient'],
  ['cc', 'header_recipient'],
  ['resent-bcc', 'header_recipient'],
  ['resent-cc', 'header_recipient'],
  ['resent-reply-to', 'header_recipient'],
  ['resent-to', 'header_recipient'],
  ['to', 'header_recipient'],
]);

// What needs nothing done to it where no table has a say.
const plainAddress = /^[\w+=&'*#$/?^{}~-]+(?:\.[\w+=&'*#$/?^{}~-]+)*@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$/;
const foldColumn = 70;

/** Rewrites addresses in header fields; undefined leaves the field's octets as they are. */
export interface FieldRewriter {
  /** `name` in lower case. */
  concerns(name: string): boolean;
  /** A whole field with its line ends. May throw TemporaryError. */
  rewrite(field: Buffer): Buffer | undefined | Promise<Buffer | undefined>;
}

interface HeaderRewritingOptions {
  readonly router: Router;
  /** `local`: addresses of our own users; `remote`: a stranger's, which get remote_header_rewrite_domain. */
  readonly context: 'local' | 'remote';
  /** False with receive_override_options = no_address_mappings: standard form only. */
  readonly mapsAddresses: boolean;
}

export class HeaderRewriting implements FieldRewriter {
  readonly #options: HeaderRewritingOptions;
  readonly #rules: StandardFormRules;

  constructor(options: HeaderRewritingOptions) {
    this.#options = options;
    const { standardForm, remoteRewriteDomain } = options.router.settings;
    this.#rules =
      options.context === 'local'
        ? standardForm
        : { ...standardForm, myorigin: remoteRewriteDomain, mydomain: remoteRewriteDomain };
  }

  concerns(name: string): boolean {
    return sides.has(name);
  }

  rewrite(field: Buffer): Buffer | undefined | Promise<Buffer | undefined> {
    const { name, body } = splitField(field);
    const side = sides.get(name.toLowerCase());
    if (side === undefined) return undefined;
    const isMapped = this.#options.mapsAddresses && this.#options.router.rewriting.rewrites(side);
    if (!isMapped && isPlainList(body)) return undefined;
    return rewriteFieldAddresses(field, this.#options.router.settings.headerTokenLimit, (address) => {
      const standard = standardExternalForm(address, this.#rules);
      return isMapped ? this.#map(standard, side) : standard;
    });
  }

  async #map(address: string, side: 'header_sender' | 'header_recipient'): Promise<string> {
    const { router } = this.#options;
    const internal = toInternal(address);
    const mapped = await decideAtOneRevision(router.revisions, undefined, (decision) =>
      router.rewriting.rewrite(decision, router.search(decision), side, internal),
    );
    return mapped === internal ? address : toExternal(mapped);
  }
}

/** Whether fields of this name (in lower case) hold addresses that are rewritten. */
export function namesAddresses(name: string): boolean {
  return sides.has(name);
}

/** A field with each of its addresses (external form) as `change` gives it; undefined where none changes. */
export async function rewriteFieldAddresses(
  field: Buffer,
  tokenLimit: number,
  change: (address: string) => Promise<string> | string,
): Promise<Buffer | undefined> {
  const { encoding, name, body } = splitField(field);
  const rewritten: Token[] = [];
  let isChanged = false;
  for (const token of parseAddresses(body, tokenLimit)) {
    if (token.kind !== 'address') {
      rewritten.push(token);
      continue;
    }
    const before = printTokens(token.tokens);
    const after = await change(before);
    if (after !== before) isChanged = true;
    rewritten.push({ ...token, tokens: scanTokens(after) });
  }
  return isChanged ? Buffer.from(foldField(`${name}: ${printAddressLines(rewritten)}`), encoding) : undefined;
}

function splitField(field: Buffer): { encoding: 'latin1' | 'utf8'; name: string; body: string } {
  const encoding = isAscii(field) || !isUtf8(field) ? 'latin1' : 'utf8';
  const text = field.toString(encoding);
  const colon = text.indexOf(':');
  return { encoding, name: text.slice(0, colon).trimEnd(), body: text.slice(colon + 1) };
}

/** `a@b.c, Name <d@e.f>`: what most fields hold. Anything else takes the long way. */
function isPlainList(body: string): boolean {
  return body.split(',').every((item) => {
    const text = item.trim();
    if (!text.endsWith('>')) return plainAddress.test(text);
    const open = text.lastIndexOf('<');
    const phrase = text.slice(0, open);
    return !/[()<>\\:;]/.test(phrase) && hasWholeQuotes(phrase) && plainAddress.test(text.slice(open + 1, -1));
  });
}

function hasWholeQuotes(phrase: string): boolean {
  return phrase.split('"').length % 2 === 1;
}

/** One address a line in, as many as fit on a line out, in CRLF lines. */
function foldField(text: string): string {
  const [first = '', ...rest] = text.split('\n');
  let line = first;
  let folded = '';
  for (const next of rest) {
    if (Buffer.byteLength(line) + 1 + Buffer.byteLength(next) < foldColumn) line += ` ${next}`;
    else {
      folded += `${line}\r\n\t`;
      line = next;
    }
  }
  return `${folded}${line}\r\n`;
}
