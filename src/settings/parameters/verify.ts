// data table
// Postfix's parameters of address verification, with the defaults of Postfix 3.7 as `postconf -d` shows them.

import { flag, guarded, integer, list, text, time } from './declare.ts';

// biome-ignore format: one line a parameter
export const verifyParameters = {
  address_verify_cache_cleanup_interval: time('12h', 'supported', 'How often expired answers are removed.'),
  address_verify_default_transport: text('$default_transport', 'supported', 'default_transport of address probes.'),
  address_verify_local_transport: text('$local_transport', 'supported', 'local_transport of address probes.'),
  address_verify_map: guarded('file', text('btree:$data_directory/verify_cache', 'supported', 'Where answers are kept: in verify.db of the data folder, whatever is named here; empty: in memory.')),
  address_verify_negative_cache: flag('yes', 'supported', 'Whether refusals are kept.'),
  address_verify_negative_expire_time: time('3d', 'supported', 'How long a refusal is kept.'),
  address_verify_negative_refresh_time: time('3h', 'supported', 'When a refusal is asked again; posthaste_address_verify_recheck asks earlier.'),
  address_verify_pending_request_limit: integer('5000', 'supported', 'The most address probes at a time.'),
  address_verify_poll_count: integer('${stress?{1}:{3}}', 'supported', 'How often a client that waits for a probe looks for its answer.', 1),
  address_verify_poll_delay: time('3s', 'supported', 'The time between two looks for the answer of a probe.'),
  address_verify_positive_expire_time: time('31d', 'supported', 'How long it is kept that an address is good.'),
  address_verify_positive_refresh_time: time('7d', 'supported', 'When a good address is asked again in the background.'),
  address_verify_relay_transport: text('$relay_transport', 'supported', 'relay_transport of address probes.'),
  address_verify_relayhost: text('$relayhost', 'supported', 'relayhost of address probes.'),
  address_verify_sender: text('$double_bounce_sender', 'supported', 'The sender of address probes; mail to it is always accepted: other servers send their probes from theirs and expect the same of ours.'),
  address_verify_sender_dependent_default_transport_maps: list('$sender_dependent_default_transport_maps', 'supported', 'sender_dependent_default_transport_maps of address probes.'),
  address_verify_sender_dependent_relayhost_maps: list('$sender_dependent_relayhost_maps', 'supported', 'sender_dependent_relayhost_maps of address probes.'),
  address_verify_sender_ttl: time('0s', 'supported', 'How long the sender of address probes keeps the part that changes with the time; 0: it has none.'),
  address_verify_service_name: text('verify', 'unneeded'),
  address_verify_transport_maps: list('$transport_maps', 'supported', 'transport_maps of address probes.'),
  address_verify_virtual_transport: text('$virtual_transport', 'supported', 'virtual_transport of address probes.'),
  unverified_recipient_defer_code: integer('450', 'supported', 'The reply code where a recipient could not be verified yet; 250 accepts it.', 200, 599),
  unverified_recipient_reject_code: integer('450', 'supported', 'The reply code of reject_unverified_recipient; 250 accepts the recipient.', 200, 599),
  unverified_recipient_reject_reason: text('', 'supported', 'What reject_unverified_recipient says in place of the other server\u2019s words.'),
  unverified_recipient_tempfail_action: text('$reject_tempfail_action', 'supported', 'Whether an unverified recipient is deferred at once, or when nothing else refuses it.'),
  unverified_sender_defer_code: integer('450', 'supported', 'The reply code where a sender could not be verified yet; 250 accepts it.', 200, 599),
  unverified_sender_reject_code: integer('450', 'supported', 'The reply code of reject_unverified_sender; 250 accepts the sender.', 200, 599),
  unverified_sender_reject_reason: text('', 'supported', 'What reject_unverified_sender says in place of the other server\u2019s words.'),
  unverified_sender_tempfail_action: text('$reject_tempfail_action', 'supported', 'Whether an unverified sender is deferred at once, or when nothing else refuses it.'),
};
