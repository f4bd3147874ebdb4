// The names of all smtpd restrictions (postconf(5), access(5)), and which of them take an argument.

const withArgument = new Set(
  `check_ccert_access check_client_access check_client_a_access check_client_mx_access check_client_ns_access
  check_etrn_access check_helo_access check_helo_a_access check_helo_mx_access check_helo_ns_access
  check_policy_service check_recipient_access check_recipient_a_access check_recipient_mx_access
  check_recipient_ns_access check_reverse_client_hostname_access check_reverse_client_hostname_a_access
  check_reverse_client_hostname_mx_access check_reverse_client_hostname_ns_access check_sasl_access
  check_sender_access check_sender_a_access check_sender_mx_access check_sender_ns_access
  permit_dnswl_client permit_rhswl_client reject_rbl_client reject_rhsbl_client reject_rhsbl_helo
  reject_rhsbl_recipient reject_rhsbl_reverse_client reject_rhsbl_sender reject_rbl reject_rhsbl sleep`.split(/\s+/),
);

const plain = new Set(
  `check_relay_domains defer defer_if_permit defer_if_reject defer_greylisted defer_unauth_destination permit permit_auth_destination
  permit_inet_interfaces permit_mx_backup permit_mynetworks permit_naked_ip_address permit_sasl_authenticated
  permit_tls_all_clientcerts permit_tls_clientcerts reject reject_authenticated_sender_login_mismatch
  reject_invalid_helo_hostname reject_invalid_hostname reject_known_sender_login_mismatch reject_maps_rbl
  reject_multi_recipient_bounce reject_non_fqdn_helo_hostname reject_non_fqdn_hostname reject_non_fqdn_recipient
  reject_non_fqdn_sender reject_plaintext_session reject_sender_login_mismatch reject_unauth_destination
  reject_unauth_pipelining reject_unauthenticated_sender_login_mismatch reject_unknown_address reject_unknown_client
  reject_unknown_client_hostname reject_unknown_forward_client_hostname reject_unknown_helo_hostname
  reject_unknown_hostname reject_unknown_recipient_domain reject_unknown_reverse_client_hostname
  reject_unknown_sender_domain reject_unlisted_recipient reject_unlisted_sender reject_unverified_recipient
  reject_unverified_sender warn_if_reject dunno`.split(/\s+/),
);

export function takesArgument(name: string): boolean {
  return withArgument.has(name);
}

export function isRestriction(name: string): boolean {
  return withArgument.has(name) || plain.has(name);
}

/** What a row of an access table may say, besides restrictions and their classes (access(5)). */
export function isAccessAction(value: string): boolean {
  const word = (/^\S+/.exec(value)?.[0] ?? '').toLowerCase();
  return (
    /^\d+$/.test(word) ||
    'ok relay dunno reject defer defer_if_permit defer_if_reject warn info hold discard filter redirect bcc prepend'
      .split(' ')
      .includes(word)
  );
}
