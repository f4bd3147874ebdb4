// LDAP URLs (RFC 4516): `ldap://host:port/base?attributes?scope?filter`. As addresses of servers in `server_host`, as
// searches in directory entries (`special_result_attribute`), and as referrals.

export type LdapScope = 'base' | 'one' | 'sub';

export interface LdapAddress {
  /** As in messages. */
  readonly name: string;
  readonly isSecure: boolean;
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string };
}

export interface LdapUrl {
  /** Undefined without a host: whoever has given the URL is meant. */
  readonly address: LdapAddress | undefined;
  readonly base: string;
  /** Empty: all. */
  readonly attributes: readonly string[];
  readonly scope: LdapScope | undefined;
  readonly filter: string | undefined;
}

const ports: Readonly<Record<string, number>> = { ldap: 389, ldaps: 636 };
/** Where Debian's slapd listens for `ldapi:///`. */
const usualSocket = '/var/run/slapd/ldapi';

export function isLdapUrl(text: string): boolean {
  return /^ldap[si]?:\/\//i.test(text);
}

/** Undefined where it is none. */
export function parseLdapUrl(text: string): LdapUrl | undefined {
  const match = /^(ldap[si]?):\/\/([^/?]*)(?:\/([^?]*)(?:\?([^?]*))?(?:\?([^?]*))?(?:\?([^?]*))?(?:\?[^?]*)?)?$/i.exec(
    text,
  );
  if (match === null) return undefined;
  const [, scheme = '', place = '', base = '', attributes = '', scope = '', filter = ''] = match;
  try {
    const address = parsePlace(scheme.toLowerCase(), place);
    if (address === undefined || !/^(base|one|sub|)$/i.test(scope)) return undefined;
    return {
      address: place === '' && scheme.toLowerCase() !== 'ldapi' ? undefined : address,
      base: decodeURIComponent(base),
      attributes: attributes
        .split(',')
        .filter((name) => name !== '')
        .map(decodeURIComponent),
      scope: scope === '' ? undefined : (scope.toLowerCase() as LdapScope),
      filter: filter === '' ? undefined : decodeURIComponent(filter),
    };
  } catch {
    // A % that is no escape.
    return undefined;
  }
}

/** A server of `server_host`: a URL, or host or host:port. Undefined where it is none of them. */
export function parseServer(text: string, port: number): LdapAddress | undefined {
  const url = isLdapUrl(text) ? text : text.includes(':') ? `ldap://${text}` : `ldap://${text}:${port}`;
  const match = /^(ldap[si]?):\/\/([^/?]*)/i.exec(url);
  return parsePlace((match?.[1] ?? '').toLowerCase(), match?.[2] ?? '');
}

function parsePlace(scheme: string, place: string): LdapAddress | undefined {
  if (scheme === 'ldapi') {
    const path = decodeURIComponent(place) || usualSocket;
    return { name: `ldapi://${place}`, isSecure: false, at: { path } };
  }
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]*))(?::([0-9]{1,5}))?$/i.exec(place);
  const usualPort = ports[scheme];
  if (match === null || usualPort === undefined) return undefined;
  const port = match[3] === undefined ? usualPort : Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  const host = match[1] ?? (match[2] || 'localhost');
  return { name: `${scheme}://${place || host}`, isSecure: scheme === 'ldaps', at: { host, port } };
}
