// Standard form of an address: what Postfix's trivial-rewrite(8) does to every envelope address, to every address
// that a table gives, and to those of headers that are rewritten. Source routes go, `site!user` and `user%site` become
// `user@site`, a missing domain is $myorigin, one trailing dot is dropped. What stands in quotes is one word: it is no
// route (`"a!b"` is a user).

import { toExternal } from './form.ts';
import { internalForm, scanTokens, type Token } from './tokens.ts';

export interface StandardFormRules {
  readonly appendAtMyorigin: boolean;
  readonly myorigin: string;
  readonly appendDotMydomain: boolean;
  readonly mydomain: string;
  readonly swapBangpath: boolean;
  readonly allowPercentHack: boolean;
}

// The form that nearly all addresses have already: nothing to do.
const plain = /^[\w+=-]+(?:\.[\w+=-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$/;

/** Internal form in, internal form out. The empty address stays empty. */
export function standardForm(internal: string, rules: StandardFormRules): string {
  if (internal === '' || plain.test(internal)) return internal;
  if (internal === '@') return '';
  return internalForm(rewriteTokens(scanTokens(toExternal(stripSourceRoute(internal))), rules));
}

/** External form in, external form out, as it stands in a header or a table: quotes that are not needed go. */
export function standardExternalForm(external: string, rules: StandardFormRules): string {
  if (external === '' || plain.test(external)) return external;
  return toExternal(internalForm(rewriteTokens(scanTokens(external), rules)));
}

/** `@a,@b:user@c` -> `user@c` (RFC 5321 appendix C), where the envelope's parser has not done it. */
function stripSourceRoute(address: string): string {
  if (!address.startsWith('@')) return address;
  const colon = address.indexOf(':');
  return colon === -1 || colon === address.length - 1 || address.startsWith('[', address.lastIndexOf('@', colon) + 1)
    ? address
    : address.slice(colon + 1);
}

function rewriteTokens(given: readonly Token[], rules: StandardFormRules): readonly Token[] {
  const [first] = given;
  if (first === undefined) return given;
  if (given.length === 1 && first.kind === 'quoted' && first.text === '') return given;
  if (given.length === 1 && isSign(first, '@')) return [];
  let tokens = given;
  if (isSign(first, '@')) {
    const colon = tokens.findIndex((token) => isSign(token, ':'));
    if (colon !== -1 && colon < tokens.length - 1) tokens = tokens.slice(colon + 1);
  }
  if (!tokens.some((token) => isSign(token, '@'))) tokens = addDomain(tokens, rules);
  return stripTrailingDot(addMydomain(tokens, rules));
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === 'sign' && token.text === text;
}

const at: Token = { kind: 'sign', text: '@', tokens: [] };
const dot: Token = { kind: 'sign', text: '.', tokens: [] };

function addDomain(tokens: readonly Token[], rules: StandardFormRules): readonly Token[] {
  const bang = rules.swapBangpath ? tokens.findIndex((token) => isSign(token, '!')) : -1;
  if (bang !== -1) return [...tokens.slice(bang + 1), at, ...tokens.slice(0, bang)];
  const percent = rules.allowPercentHack ? tokens.findLastIndex((token) => isSign(token, '%')) : -1;
  if (percent !== -1) return [...tokens.slice(0, percent), at, ...tokens.slice(percent + 1)];
  return rules.appendAtMyorigin && rules.myorigin !== '' ? [...tokens, at, ...scanTokens(rules.myorigin)] : tokens;
}

/** Broken forms that end in `@` are left alone, so that they are refused as what they are. */
function addMydomain(tokens: readonly Token[], rules: StandardFormRules): readonly Token[] {
  if (!rules.appendDotMydomain || rules.mydomain === '') return tokens;
  const domain = tokens.findLastIndex((token) => isSign(token, '@'));
  if (domain === -1 || domain === tokens.length - 1) return tokens;
  const isWhole = tokens.slice(domain).some((token) => token.kind === 'literal' || isSign(token, '.'));
  return isWhole ? tokens : [...tokens, dot, ...scanTokens(rules.mydomain)];
}

/** `host.` -> `host`, but neither `host..` nor `@.`: those stay wrong, so that they are refused. */
function stripTrailingDot(tokens: readonly Token[]): readonly Token[] {
  if (!isSign(tokens.at(-1), '.')) return tokens;
  const before = tokens.at(-2);
  return before === undefined || isSign(before, '.') || isSign(before, '@') ? tokens : tokens.slice(0, -1);
}
