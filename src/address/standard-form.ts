// Standard form of an address: what Postfix's trivial-rewrite(8) does to every envelope address and to every
// address that a table gives. Source routes go, `site!user` and `user%site` become `user@site`, a missing domain
// is $myorigin, one trailing dot is dropped. Works on the internal form: quotes play no part.

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
  let address = stripSourceRoute(internal);
  if (!address.includes('@')) address = addDomain(address, rules);
  return stripTrailingDot(addMydomain(address, rules));
}

/** `@a,@b:user@c` → `user@c`. */
function stripSourceRoute(address: string): string {
  if (!address.startsWith('@')) return address;
  const colon = address.indexOf(':');
  return colon === -1 || colon === address.length - 1 || address.startsWith('[', address.lastIndexOf('@', colon) + 1)
    ? address
    : address.slice(colon + 1);
}

function addDomain(address: string, rules: StandardFormRules): string {
  const bang = rules.swapBangpath ? address.indexOf('!') : -1;
  if (bang !== -1) return `${address.slice(bang + 1)}@${address.slice(0, bang)}`;
  const percent = rules.allowPercentHack ? address.lastIndexOf('%') : -1;
  if (percent !== -1) return `${address.slice(0, percent)}@${address.slice(percent + 1)}`;
  return rules.appendAtMyorigin && rules.myorigin !== '' ? `${address}@${rules.myorigin}` : address;
}

function addMydomain(address: string, rules: StandardFormRules): string {
  if (!rules.appendDotMydomain || rules.mydomain === '') return address;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  if (!address.includes('@') || domain === '' || domain.includes('.') || domain.startsWith('[')) return address;
  return `${address}.${rules.mydomain}`;
}

/** `host.` → `host`, but neither `host..` nor `@.`: those stay wrong, so that they are refused. */
function stripTrailingDot(address: string): string {
  if (!address.endsWith('.')) return address;
  const before = address.at(-2);
  return before === undefined || before === '.' || before === '@' ? address : address.slice(0, -1);
}
