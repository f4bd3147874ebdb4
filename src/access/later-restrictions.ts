// Restrictions that Postfix has and this program has not yet (postconf(5)): named, so that the message at the start
// can tell a mistyped word from one that has to wait.

export const laterRestrictions: ReadonlySet<string> = new Set(
  `check_ccert_access check_client_a_access check_client_mx_access check_client_ns_access check_etrn_access
  check_helo_a_access check_helo_mx_access check_helo_ns_access check_policy_service check_recipient_a_access
  check_recipient_mx_access check_recipient_ns_access check_reverse_client_hostname_a_access
  check_reverse_client_hostname_access check_reverse_client_hostname_mx_access
  check_reverse_client_hostname_ns_access check_sasl_access check_sender_a_access check_sender_mx_access
  check_sender_ns_access permit_dnswl_client permit_mx_backup permit_naked_ip_address permit_rhswl_client
  permit_tls_all_clientcerts permit_tls_clientcerts reject_maps_rbl reject_multi_recipient_bounce
  reject_plaintext_session reject_rbl_client reject_rhsbl_client reject_rhsbl_helo reject_rhsbl_recipient
  reject_rhsbl_reverse_client reject_rhsbl_sender reject_unauth_pipelining reject_unknown_client
  reject_unknown_client_hostname reject_unknown_forward_client_hostname reject_unknown_helo_hostname
  reject_unknown_hostname reject_unknown_recipient_domain reject_unknown_reverse_client_hostname
  reject_unknown_sender_domain reject_unverified_recipient reject_unverified_sender sleep`
    .trim()
    .split(/\s+/),
);
