// `cidr:/file` and `cidr:{ {network result}, ... }` (cidr_table(5)): the first network that holds the address decides.
//
//   network/length result      !network/length result      if [!]network/length ... endif
//
// An IPv4 network says nothing about an IPv6 address, not even when it is negated, and `if` of the other family
// leaves its rules out. Host bits must be zero; brackets around the address are allowed.
//
// Lists of blocks have 100,000 rows: rules that follow one another without `!` and `if` are kept by prefix length,
// so that an address costs one look for each length that occurs, not one for each row.

import { isIP } from 'node:net';
import { isBlank, type RuleLine, skipBlanks } from './rule-lines.ts';
import type { RuleMatch, Rules, RulesBuilder, RuleWarning } from './rule-table.ts';

interface CidrPattern {
  readonly family: 4 | 6;
  readonly length: number;
  /** The first `length` bits. */
  readonly prefix: string | number;
  readonly isNegated: boolean;
}

type Step =
  | { readonly op: 'networks'; readonly networks: Networks }
  | { readonly op: 'not'; readonly pattern: CidrPattern; readonly match: RuleMatch }
  | { readonly op: 'if'; readonly pattern: CidrPattern; end: number; readonly line: number }
  | { readonly op: 'endif' };

const bits = { 4: 32, 6: 128 } as const;

export class CidrRulesBuilder implements RulesBuilder {
  readonly #warn: RuleWarning;
  readonly #steps: Step[] = [];
  readonly #open: Extract<Step, { op: 'if' }>[] = [];

  constructor(warn: RuleWarning) {
    this.#warn = warn;
  }

  add({ text, line }: RuleLine): void {
    try {
      if (/^[0-9[!]/.test(text)) this.#addNetwork(text, line);
      else if (/^if(?![0-9A-Za-z])/i.test(text)) this.#addIf(text.slice(2), line);
      else if (/^endif(?![0-9A-Za-z])/i.test(text)) this.#addEndif(text.slice(5));
      else this.#addNetwork(text, line);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#warn(line, `${error.message}: skipping this rule`);
    }
  }

  finish(): Rules {
    for (const { line } of this.#open.toReversed()) this.#warn(line, 'IF has no matching ENDIF');
    return new CidrRules(this.#steps);
  }

  #addNetwork(text: string, line: number): void {
    let end = readNegation(text).end;
    while (end < text.length && !isBlank(text.charCodeAt(end))) end++;
    const pattern = parsePattern(text.slice(0, end));
    const value = text.slice(skipBlanks(text, end));
    if (value === '') throw new RangeError('no lookup result');
    const match = { value, line };
    if (pattern.isNegated) {
      this.#steps.push({ op: 'not', pattern, match });
      return;
    }
    let last = this.#steps.at(-1);
    if (last?.op !== 'networks') {
      last = { op: 'networks', networks: new Networks() };
      this.#steps.push(last);
    }
    last.networks.add(pattern, match);
  }

  #addIf(text: string, line: number): void {
    const step = { op: 'if', pattern: parsePattern(text), end: Number.MAX_SAFE_INTEGER, line } as const;
    const opening: Extract<Step, { op: 'if' }> = { ...step };
    this.#steps.push(opening);
    this.#open.push(opening);
  }

  #addEndif(text: string): void {
    if (skipBlanks(text) < text.length) throw new RangeError('garbage after ENDIF');
    const opening = this.#open.pop();
    if (opening === undefined) throw new RangeError('ENDIF without IF');
    opening.end = this.#steps.length;
    this.#steps.push({ op: 'endif' });
  }
}

class CidrRules implements Rules {
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  find(key: string): RuleMatch | undefined {
    const address = parseAddress(key);
    if (address === undefined) return undefined;
    for (let index = 0; index < this.#steps.length; index++) {
      const step = this.#steps[index] as Step;
      if (step.op === 'networks') {
        const match = step.networks.find(address);
        if (match !== undefined) return match;
      } else if (step.op === 'not') {
        if (holds(step.pattern, address)) return step.match;
      } else if (step.op === 'if' && !holds(step.pattern, address)) index = step.end;
    }
    return undefined;
  }
}

/** One run of plain rules: for each length that occurs, the first rule for each prefix. */
class Networks {
  readonly #lengths = {
    4: new Map<number, Map<string | number, Numbered>>(),
    6: new Map<number, Map<string | number, Numbered>>(),
  };
  #count = 0;

  add({ family, length, prefix }: CidrPattern, match: RuleMatch): void {
    let prefixes = this.#lengths[family].get(length);
    if (prefixes === undefined) this.#lengths[family].set(length, (prefixes = new Map()));
    this.#count++;
    if (!prefixes.has(prefix)) prefixes.set(prefix, { order: this.#count, match });
  }

  find(address: Address): RuleMatch | undefined {
    let first: Numbered | undefined;
    for (const [length, prefixes] of this.#lengths[address.family]) {
      const found = prefixes.get(prefixOf(address, length));
      if (found !== undefined && (first === undefined || found.order < first.order)) first = found;
    }
    return first?.match;
  }
}

interface Numbered {
  readonly order: number;
  readonly match: RuleMatch;
}

/** IPv4 as a number, IPv6 as 128 binary digits. */
type Address = { readonly family: 4; readonly value: number } | { readonly family: 6; readonly value: string };

function holds(pattern: CidrPattern, address: Address): boolean {
  if (pattern.family !== address.family) return false;
  return (prefixOf(address, pattern.length) === pattern.prefix) !== pattern.isNegated;
}

function prefixOf(address: Address, length: number): string | number {
  return address.family === 4 ? Math.floor(address.value / 2 ** (32 - length)) : address.value.slice(0, length);
}

/** What inet_pton(3) takes: no zone, no leading zeros. */
function parseAddress(text: string): Address | undefined {
  const family = isIP(text);
  if (family === 4) return { family, value: quadNumber(text) };
  return family === 6 && !text.includes('%') ? { family, value: binaryDigits(text) } : undefined;
}

function quadNumber(text: string): number {
  let number = 0;
  let octet = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === 0x2e) {
      number = (number + octet) * 256;
      octet = 0;
    } else octet = octet * 10 + code - 0x30;
  }
  return number + octet;
}

function binaryDigits(text: string): string {
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((group) => {
          if (!group.includes('.')) return [Number.parseInt(group, 16)];
          const number = quadNumber(group);
          return [Math.floor(number / 65_536), number % 65_536];
        });
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return all.map((group) => group.toString(2).padStart(16, '0')).join('');
}

/** Throws RangeError with what is wrong. */
function parsePattern(text: string): CidrPattern {
  const { isNegated, end } = readNegation(text);
  const { base, mask } = splitMask(text.slice(end));
  const family = base.includes(':') ? 6 : 4;
  const whole = mask === undefined ? base : `${base}/${mask}`;
  if (mask !== undefined && !/^[0-9]+$/.test(mask)) throw new RangeError(`bad mask value in "${whole}"`);
  const length = mask === undefined ? bits[family] : Number(mask);
  if (length > bits[family]) throw new RangeError(`bad mask length in "${whole}"`);
  const address = parseAddress(base);
  if (address === undefined) {
    throw new RangeError(`bad ${mask === undefined ? 'address pattern:' : 'network value in'} "${whole}"`);
  }
  const rest =
    address.family === 4 ? address.value % 2 ** (32 - length) : Number(address.value.slice(length).includes('1'));
  if (rest !== 0) {
    const instead = networkText(address, length);
    throw new RangeError(
      `non-null host address bits in "${whole}", perhaps you should use "${instead}/${length}" instead`,
    );
  }
  return { family, length, prefix: prefixOf(address, length), isNegated };
}

/** Any number of `!`, with blanks. */
function readNegation(text: string): { readonly isNegated: boolean; readonly end: number } {
  let isNegated = false;
  let end = skipBlanks(text);
  while (text[end] === '!') {
    isNegated = !isNegated;
    end = skipBlanks(text, end + 1);
  }
  return { isNegated, end };
}

/** `a/len`, `[a/len]`, `[a]/len`. */
function splitMask(text: string): { readonly base: string; readonly mask: string | undefined } {
  let base = text;
  let behind = '';
  if (text === '') throw new RangeError('no address pattern');
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close === -1) throw new RangeError(`missing ']' character after "${text}"`);
    base = text.slice(1, close);
    behind = text.slice(close + 1);
    if (behind !== '' && !behind.startsWith('/')) throw new RangeError(`garbage after "[${base}]"`);
  }
  if (behind !== '') return { base, mask: behind.slice(1) };
  const slash = base.indexOf('/');
  return slash === -1 ? { base, mask: undefined } : { base: base.slice(0, slash), mask: base.slice(slash + 1) };
}

function networkText(address: Address, length: number): string {
  if (address.family === 4) {
    const number = Math.floor(address.value / 2 ** (32 - length)) * 2 ** (32 - length);
    return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
  }
  const digits = address.value.slice(0, length).padEnd(128, '0');
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number.parseInt(digits.slice(index * 16, index * 16 + 16), 2).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
