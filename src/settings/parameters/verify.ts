// data table
// Postfix's parameters of address verification, with the defaults of Postfix 3.7 as `postconf -d` shows them.

import { flag, integer, list, text, time } from './declare.ts';

// biome-ignore format: one line a parameter
export const verifyParameters = {
  address_verify_cache_cleanup_interval: time('12h'),
  address_verify_default_transport: text('$default_transport'),
  address_verify_local_transport: text('$local_transport'),
  address_verify_map: text('btree:$data_directory/verify_cache'),
  address_verify_negative_cache: flag('yes'),
  address_verify_negative_expire_time: time('3d'),
  address_verify_negative_refresh_time: time('3h'),
  address_verify_pending_request_limit: integer('5000'),
  address_verify_poll_count: integer('${stress?{1}:{3}}', 'unsupported', '', 1),
  address_verify_poll_delay: time('3s'),
  address_verify_positive_expire_time: time('31d'),
  address_verify_positive_refresh_time: time('7d'),
  address_verify_relay_transport: text('$relay_transport'),
  address_verify_relayhost: text('$relayhost'),
  address_verify_sender: text('$double_bounce_sender', 'supported', 'Mail to this address is always accepted: other servers send their probes from theirs and expect the same of ours.'),
  address_verify_sender_dependent_default_transport_maps: list('$sender_dependent_default_transport_maps'),
  address_verify_sender_dependent_relayhost_maps: list('$sender_dependent_relayhost_maps'),
  address_verify_sender_ttl: time('0s'),
  address_verify_service_name: text('verify', 'unneeded'),
  address_verify_transport_maps: list('$transport_maps'),
  address_verify_virtual_transport: text('$virtual_transport'),
  unverified_recipient_defer_code: integer('450', 'unsupported', '', 200, 599),
  unverified_recipient_reject_code: integer('450', 'unsupported', '', 200, 599),
  unverified_recipient_reject_reason: text(''),
  unverified_recipient_tempfail_action: text('$reject_tempfail_action'),
  unverified_sender_defer_code: integer('450', 'unsupported', '', 200, 599),
  unverified_sender_reject_code: integer('450', 'unsupported', '', 200, 599),
  unverified_sender_reject_reason: text(''),
  unverified_sender_tempfail_action: text('$reject_tempfail_action'),
};
