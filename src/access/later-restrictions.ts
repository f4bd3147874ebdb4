// Restrictions that Postfix has and this program has not yet (postconf(5)): named, so that the message at the start
// can tell a mistyped word from one that has to wait. They need client certificates.

export const laterRestrictions: ReadonlySet<string> = new Set(
  'check_ccert_access permit_tls_all_clientcerts permit_tls_clientcerts'.split(' '),
);
