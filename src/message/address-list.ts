// Address lists of header fields (RFC 5322 §3.4 with the obsolete forms of §4.4) as IMAP's ENVELOPE shows
// them (RFC 3501 §7.4.2): display name, source route, mailbox, host; a group begins with an entry that has
// only a mailbox (the group's name) and ends with an empty one. Text stays undecoded. Damaged addresses
// get the mailbox MISSING_MAILBOX or the host MISSING_DOMAIN or SYNTAX_ERROR, as Dovecot's do. Linear, never throws.

import { readQuotedString, skipSpaceAndComments } from './structured-text.ts';

export interface ListedAddress {
  readonly name: string | undefined;
  readonly route: string | undefined;
  readonly mailbox: string | undefined;
  readonly host: string | undefined;
}

const missingMailbox = 'MISSING_MAILBOX';
const missingDomain = 'MISSING_DOMAIN';
const syntaxError = 'SYNTAX_ERROR';
const groupEnd: ListedAddress = { name: undefined, route: undefined, mailbox: undefined, host: undefined };

export function parseAddressList(text: string): ListedAddress[] {
  return new AddressListParser(text).parse();
}

class AddressListParser {
  readonly #text: string;
  readonly #addresses: ListedAddress[] = [];
  #at = 0;
  #inGroup = false;
  /** Words since the last separator: as a display name (blanks kept as one), and as a local part. */
  #phrase = '';
  #local = '';
  #hasWords = false;
  /** The words can be a local part: blanks stand only beside dots. */
  #isLocal = true;
  #comment: string | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): ListedAddress[] {
    for (;;) {
      const before = this.#at;
      this.#skip();
      const character = this.#text[this.#at];
      if (character === undefined) break;
      switch (character) {
        case ',':
          this.#at++;
          this.#flush();
          break;
        case '<':
          this.#at++;
          this.#angleAddress();
          break;
        case '@':
          this.#at++;
          this.#plainAddress();
          break;
        case ':':
          this.#at++;
          this.#beginGroup();
          break;
        case ';':
          this.#at++;
          this.#flush();
          this.#endGroup();
          break;
        default:
          this.#word(this.#at > before);
      }
    }
    this.#flush();
    this.#endGroup();
    return this.#addresses;
  }

  #skip(): void {
    this.#at = skipSpaceAndComments(this.#text, this.#at, (comment) => {
      this.#comment = comment;
    });
  }

  #word(afterSpace: boolean): void {
    const [word, end] =
      this.#text[this.#at] === '"' ? readQuotedString(this.#text, this.#at) : this.#readAtom(',<@:;"(');
    this.#at = Math.max(end, this.#at + 1);
    const isApart = this.#hasWords && afterSpace;
    if (isApart && !word.startsWith('.') && !this.#local.endsWith('.')) this.#isLocal = false;
    this.#phrase += isApart ? ` ${word}` : word;
    this.#local += word;
    this.#hasWords = true;
  }

  /** Characters up to white space or one of `stops`; an unexpected character alone makes an atom. */
  #readAtom(stops: string): [string, number] {
    let at = this.#at;
    while (at < this.#text.length && this.#text.charCodeAt(at) > 32 && !stops.includes(this.#text.charAt(at))) at++;
    if (at === this.#at) at++;
    return [this.#text.slice(this.#at, at), at];
  }

  /** Words without an address: `user` alone. */
  #flush(): void {
    if (this.#hasWords && !this.#isLocal) {
      this.#addName();
    } else if (this.#hasWords) {
      this.#add({
        name: this.#comment,
        route: undefined,
        mailbox: this.#local === '' ? missingMailbox : this.#local,
        host: missingDomain,
      });
    }
    this.#reset();
  }

  /** Words that are no address: kept as a name, so that they can be seen. */
  #addName(): void {
    this.#add({ name: this.#phrase, route: undefined, mailbox: missingMailbox, host: missingDomain });
  }

  #plainAddress(): void {
    if (!this.#isLocal) {
      this.#addName();
      this.#skipToSeparator();
      return;
    }
    const local = this.#local;
    this.#reset();
    const host = this.#domain(',<@:;"(');
    this.#skip();
    this.#add({
      name: this.#comment === '' ? undefined : this.#comment,
      route: undefined,
      mailbox: local === '' ? missingMailbox : local,
      host: host === '' ? missingDomain : host,
    });
    this.#reset();
    this.#skipToSeparator();
  }

  #angleAddress(): void {
    const phrase = this.#phrase === '' ? undefined : this.#phrase;
    this.#reset();
    const route = this.#route();
    const { local, isBroken: isLocalBroken } = this.#localPart();
    let host = '';
    if (this.#text[this.#at] === '@') {
      this.#at++;
      host = this.#domain('>,"(<@');
    }
    this.#skip();
    const isBroken = isLocalBroken || (this.#at < this.#text.length && this.#text[this.#at] !== '>');
    while (this.#at < this.#text.length && this.#text[this.#at] !== '>' && this.#text[this.#at] !== ',') this.#at++;
    if (this.#text[this.#at] === '>') this.#at++;
    this.#skip();
    this.#add({
      name: phrase ?? this.#comment,
      route,
      mailbox: local === '' ? missingMailbox : local,
      host: isBroken ? syntaxError : host === '' ? missingDomain : host,
    });
    this.#reset();
    this.#skipToSeparator();
  }

  /** RFC 5322 §4.4: `@a,@b:` before the address. */
  #route(): string | undefined {
    this.#skip();
    if (this.#text[this.#at] !== '@') return undefined;
    const colon = this.#text.indexOf(':', this.#at);
    const close = this.#text.indexOf('>', this.#at);
    if (colon === -1 || (close !== -1 && close < colon)) return undefined;
    const route = this.#text.slice(this.#at, colon).replaceAll(/[ \t\r\n]/g, '');
    this.#at = colon + 1;
    return route;
  }

  #localPart(): { local: string; isBroken: boolean } {
    let local = '';
    let isBroken = false;
    for (;;) {
      const before = this.#at;
      this.#skip();
      const character = this.#text[this.#at];
      if (character === undefined || '@>,<'.includes(character)) return { local, isBroken };
      // Only dots may stand between blanks; `<a b@c>` must not show the address ab@c.
      if (local !== '' && this.#at > before && character !== '.' && !local.endsWith('.')) isBroken = true;
      const [word, end] = character === '"' ? readQuotedString(this.#text, this.#at) : this.#readAtom('@>,<"(');
      this.#at = end;
      if (!isBroken) local += word;
    }
  }

  #domain(stops: string): string {
    let domain = '';
    for (;;) {
      this.#skip();
      const character = this.#text[this.#at];
      if (character === undefined || stops.includes(character)) return domain;
      if (character === '[') {
        const close = this.#text.indexOf(']', this.#at);
        const end = close === -1 ? this.#text.length : close + 1;
        domain += this.#text.slice(this.#at, end);
        this.#at = end;
        continue;
      }
      if (domain !== '' && character !== '.' && !domain.endsWith('.')) return domain;
      const [word, end] = this.#readAtom(stops + '[');
      this.#at = end;
      domain += word;
    }
  }

  /** After an address only a separator is expected; what else stands there is dropped. */
  #skipToSeparator(): void {
    for (;;) {
      this.#skip();
      const character = this.#text[this.#at];
      if (character === undefined || character === ',' || character === ';') break;
      this.#at = character === '"' ? readQuotedString(this.#text, this.#at)[1] : this.#readAtom(',;"(')[1];
    }
    if (this.#text[this.#at] === ',') this.#at++;
    this.#reset();
  }

  #beginGroup(): void {
    if (this.#inGroup) {
      this.#flush();
      return;
    }
    this.#add({ name: undefined, route: undefined, mailbox: this.#phrase, host: undefined });
    this.#inGroup = true;
    this.#reset();
  }

  #endGroup(): void {
    if (this.#inGroup) this.#add(groupEnd);
    this.#inGroup = false;
  }

  #add(address: ListedAddress): void {
    this.#addresses.push(address);
  }

  #reset(): void {
    this.#phrase = '';
    this.#local = '';
    this.#hasWords = false;
    this.#isLocal = true;
    this.#comment = undefined;
  }
}
