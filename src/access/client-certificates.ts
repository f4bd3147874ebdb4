// Restrictions that know clients by their certificates (postconf(5); TLS_README "Server access control"): check_ccert_access,
// permit_tls_clientcerts and permit_tls_all_clientcerts. A fingerprint that a table lists is enough, whoever issued the
// certificate: the handshake has shown that the client holds its key.

import { openMaps, type OpenOptions } from '../routing/open-maps.ts';
import { splitList } from '../lib/split-list.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { ClientCertificate } from '../tls/client-certificate.ts';
import type { Restriction } from './evaluation.ts';

type Check = Restriction['check'];
export type SearchOrder = readonly ('fingerprint' | 'keyFingerprint')[];

const searchTypes: Readonly<Record<string, SearchOrder[number]>> = {
  cert_fingerprint: 'fingerprint',
  pubkey_fingerprint: 'keyFingerprint',
};
const usualOrder: SearchOrder = ['fingerprint', 'keyFingerprint'];

/** `type:table`, or `{ type:table, { search_order = cert_fingerprint, pubkey_fingerprint } }`. */
export function readCcertArgument(argument: string, parameter: string): { table: string; order: SearchOrder } {
  if (!argument.startsWith('{')) return { table: argument, order: usualOrder };
  const [table = '', ...options] = splitList(withoutBraces(argument));
  let order = usualOrder;
  for (const option of options) {
    const [, names] = /^\s*search_order\s*=(.*)$/s.exec(withoutBraces(option)) ?? [];
    if (names === undefined)
      throw new SettingsError(`${parameter}: check_ccert_access: cannot read ${option}`, parameter);
    order = splitList(names).map((name) => {
      const type = searchTypes[name.toLowerCase()];
      if (type !== undefined) return type;
      const known = Object.keys(searchTypes).join(' and ');
      throw new SettingsError(`${parameter}: check_ccert_access: search_order knows ${known}, not ${name}`, parameter);
    });
  }
  return { table, order };
}

const withoutBraces = (text: string): string => text.trim().replace(/^\{|\}$/g, '');

export function certificateKeys(certificate: ClientCertificate | undefined, order: SearchOrder = usualOrder): string[] {
  return certificate === undefined ? [] : order.map((type) => certificate[type]);
}

export function certificateChecks(options: OpenOptions): Record<string, Check> {
  const { settings, warn } = options;
  const relayCertificates = openMaps(options, 'relay_clientcerts');
  const isAsked = settings.flag('smtpd_tls_ask_ccert') || settings.flag('smtpd_tls_req_ccert');
  const warned = new Set<string>();
  /** Without a question nobody shows one: the restriction does nothing. */
  const warnUnasked = (name: string): void => {
    if (isAsked || warned.has(name)) return;
    warned.add(name);
    warn(`${name} is requested, but "smtpd_tls_ask_ccert = no"`);
  };
  const permitListed: Check = async ({ client, decision }) => {
    for (const key of certificateKeys(client.tls?.certificate)) {
      if ((await relayCertificates.find(decision, 'access', key, 'full')) !== undefined) return 'permit';
    }
    return 'dunno';
  };
  return {
    permit_tls_clientcerts: (evaluation) => {
      warnUnasked('permit_tls_clientcerts');
      return permitListed(evaluation);
    },
    permit_tls_all_clientcerts: (evaluation) => {
      warnUnasked('permit_tls_all_clientcerts');
      return evaluation.client.tls?.certificate?.isTrusted ? 'permit' : permitListed(evaluation);
    },
  };
}
