// username_filter of a passdb (Dovecot's PasswordDatabase page): words with `*` and `?`, of which one must fit the
// login name, and none that begins with `!`.

export interface UserFilter {
  readonly wanted: readonly RegExp[];
  readonly unwanted: readonly RegExp[];
}

export function parseUserFilter(text: string): UserFilter {
  const words = text.split(/[\s,]+/).filter((word) => word !== '');
  const wanted = words.filter((word) => !word.startsWith('!')).map(toPattern);
  const unwanted = words.filter((word) => word.startsWith('!')).map((word) => toPattern(word.slice(1)));
  return { wanted, unwanted };
}

export function isAmong({ wanted, unwanted }: UserFilter, login: string): boolean {
  const name = login.toLowerCase();
  if (unwanted.some((pattern) => pattern.test(name))) return false;
  return wanted.length === 0 || wanted.some((pattern) => pattern.test(name));
}

/** Stars next to each other are one: each on its own would be tried at every place. */
function toPattern(word: string): RegExp {
  const source = word
    .toLowerCase()
    .replaceAll(/\*+/g, '*')
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
