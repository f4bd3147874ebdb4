// Keys beside the rows that a comparison tries too, because that is where tables which look alike differ: with an
// extension, in other case, with a blank at the end, an unknown user, the bare user, the bare domain, a subdomain.
// A query that finds more than its rows is found out by these; a few thousand rows tell as much about it as all.

const unknownUser = 'no-such-user-here';
// What differs for a row because of how a query is written differs for most rows.
const sampledKeys = 5000;

/** Without the keys themselves; each once. `delimiters` are the characters of recipient_delimiter. */
export function derivedKeys(keys: readonly string[], delimiters: string): string[] {
  const known = new Set(keys);
  const derived = new Set<string>();
  const add = (key: string): void => {
    if (!known.has(key)) derived.add(key);
  };
  for (const domain of domainsOf(keys)) {
    for (const key of [`@${domain}`, domain, `.${domain}`, `sub.${domain}`, `${unknownUser}@${domain}`]) add(key);
    add(`${unknownUser}@sub.${domain}`);
  }
  const step = Math.max(1, Math.floor(keys.length / sampledKeys));
  for (let index = 0; index < keys.length; index += step) {
    for (const key of variantsOf(keys[index] as string, delimiters)) add(key);
  }
  for (const key of ['', '*', '<>', unknownUser, `${unknownUser}@no-such-domain.invalid`]) if (key !== '') add(key);
  return [...derived];
}

function domainsOf(keys: readonly string[]): Set<string> {
  const domains = new Set<string>();
  for (const key of keys) {
    const at = key.lastIndexOf('@');
    if (at !== -1) domains.add(key.slice(at + 1).toLowerCase());
    else if (key.includes('.')) domains.add(key.replace(/^\./, '').toLowerCase());
  }
  domains.delete('');
  return domains;
}

function variantsOf(key: string, delimiters: string): string[] {
  const at = key.lastIndexOf('@');
  const [user, domain] = at === -1 ? [key, ''] : [key.slice(0, at), key.slice(at + 1)];
  const rest = at === -1 ? '' : `@${domain}`;
  const upper = key.toUpperCase();
  const variants = [`${key} `, upper === key ? key.toLowerCase() : upper];
  if (user === '') return variants;
  for (const delimiter of delimiters || '+') variants.push(`${user}${delimiter}probe${rest}`);
  variants.push(user, ` ${key}`);
  if (at !== -1) variants.push(`${user}@sub.${domain}`);
  const split = /^([^+-]+)[+-]/.exec(user);
  if (split?.[1] !== undefined) variants.push(`${split[1]}${rest}`);
  return variants;
}
