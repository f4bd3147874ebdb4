// data table
// Postfix's parameters of message content, with the defaults of Postfix 3.7 as `postconf -d` shows them.

import { flag, integer, list, text } from './declare.ts';

// biome-ignore format: one line a parameter
export const cleanupParameters = {
  always_add_missing_headers: flag('no', 'supported', 'Whether missing From, Date and Message-Id headers are added to remote mail too.'),
  body_checks: list('', 'supported', 'Tables of patterns for body lines.'),
  body_checks_size_limit: integer('51200', 'supported', 'How many bytes of each part of a message body_checks look at.'),
  cleanup_replace_stray_cr_lf: flag('yes'),
  cleanup_service_name: text('cleanup', 'supported', 'The cleanup line of master.cf whose `-o` settings hold for header and body checks of this service.'),
  content_filter: text('', 'supported', 'The transport and next hop of a filter that sees all mail first.'),
  disable_mime_input_processing: flag('no', 'supported', 'Whether header and body checks take all behind the header for body, whatever MIME says.'),
  duplicate_filter_limit: integer('1000', 'unneeded', 'How many addresses the duplicate filter remembers: here all of a message.', 1),
  enable_original_recipient: flag('yes', 'supported', 'Whether copies with different original recipients stay separate.'),
  header_address_token_limit: integer('10240', 'supported', 'The most address tokens of a header field that are rewritten.', 1),
  header_checks: list('', 'supported', 'Tables of patterns for header fields.'),
  header_from_format: text('standard'),
  header_size_limit: integer('102400', 'supported', 'The longest line of a header, in bytes; from a longer one on the header is passed as it is.', 1),
  hopcount_limit: integer('50', 'supported', 'Received headers after which a message is taken to loop.', 1),
  message_drop_headers: list('bcc, content-length, resent-bcc, return-path', 'supported', 'Header fields that are removed from every message.'),
  message_reject_characters: text(''),
  message_size_limit: integer('10240000', 'supported', 'The largest message, in bytes; 0 means no limit.'),
  message_strip_characters: text(''),
  mime_boundary_length_limit: integer('2048', 'supported', 'The longest MIME boundary that counts.', 1),
  mime_header_checks: list('$header_checks', 'supported', 'Tables of patterns for MIME header fields.'),
  mime_nesting_limit: integer('100', 'supported', 'The deepest nesting of MIME parts.', 1),
  nested_header_checks: list('$header_checks', 'supported', 'Tables of patterns for header fields of attached messages.'),
  receive_override_options: list('', 'supported', 'Steps that a service leaves out when it takes in mail.'),
  sendmail_fix_line_endings: text('always'),
  strict_7bit_headers: flag('no'),
  strict_8bitmime: flag('no'),
  strict_8bitmime_body: flag('no'),
  strict_mime_encoding_domain: flag('no'),
  undisclosed_recipients_header: text('', 'supported', 'The header for messages that have no recipient header.'),
};
